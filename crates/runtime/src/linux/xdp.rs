//! Running XDP programs over packets: builds the context, gives back verdict and packet.

use crate::context::Context;
use crate::program::Program;
use crate::trap::Trap;

/// A program with a context of its own; any number of packets one after the other.
#[derive(Debug)]
pub struct Xdp {
    program: Program,
    context: Context,
}

/// What a program decided about a packet.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The returned value: an `enum xdp_action` for XDP, a `TC_ACT_…` or a length for socket buffers.
    pub action: i32,
    /// The packet as the program left it.
    pub packet: &'a [u8],
    /// How many instructions were executed.
    pub instructions: u64,
}

impl Xdp {
    /// For a program of the type `xdp`.
    pub fn new(program: &Program) -> Self {
        Xdp { program: program.clone(), context: program.context() }
    }

    /// The context, to set the device, the queue or the CPU.
    pub fn context(&mut self) -> &mut Context {
        &mut self.context
    }

    /// Runs the program over a packet that begins with its Ethernet header.
    pub fn run(&mut self, packet: &[u8]) -> Result<Verdict<'_>, Trap> {
        self.context.packet(packet);
        let outcome = self.program.run(&mut self.context)?;
        Ok(Verdict {
            action: outcome.value as u32 as i32,
            packet: self.context.packet_bytes().unwrap_or_default(),
            instructions: outcome.instructions,
        })
    }
}
