//! Running programs of the types `tc` and `socket_filter` over packets: fills in the fields of
//! `struct __sk_buff` that follow from the packet.

use super::xdp::Verdict;
use crate::context::Context;
use crate::program::Program;
use crate::trap::Trap;

/// A program with a context of its own; any number of packets one after the other.
#[derive(Debug)]
pub struct Skb {
    program: Program,
    context: Context,
}

impl Skb {
    /// For a program of the type `tc` or `socket_filter`.
    pub fn new(program: &Program) -> Self {
        Skb { program: program.clone(), context: program.context() }
    }

    /// The context, to set fields or the CPU. `len`, `protocol` and `wire_len` are set by [`Skb::run`].
    pub fn context(&mut self) -> &mut Context {
        &mut self.context
    }

    /// Runs the program over a packet that begins with its Ethernet header.
    pub fn run(&mut self, packet: &[u8]) -> Result<Verdict<'_>, Trap> {
        describe(&mut self.context, packet);
        let outcome = self.program.run(&mut self.context)?;
        Ok(Verdict {
            action: outcome.value as u32 as i32,
            packet: self.context.packet_bytes().unwrap_or_default(),
            instructions: outcome.instructions,
        })
    }
}

/// Hands over a packet that begins with its Ethernet header, and sets the fields that follow from it.
pub fn describe(context: &mut Context, packet: &[u8]) {
    context.packet(packet);
    let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
    // The field holds the two bytes as they stand in the packet.
    let protocol = match packet.get(12..14) {
        Some(bytes) => u16::from_ne_bytes([bytes[0], bytes[1]]),
        None => 0,
    };
    let fields = [("len", length), ("wire_len", length), ("protocol", u32::from(protocol))];
    for (field, value) in fields {
        // At old nodes the struct lacks some of them.
        let _ = context.set(field, value);
    }
}
