//! The checked interpreter: runs code that nobody proved, and ends it cleanly when it does what it
//! may not. Invents no semantics: instructions mean what RFC 9669 says, functions what their bodies do.

mod alu;
mod run;
mod watch;

use std::sync::Arc;

use crate::body::Call;
use crate::codes;
use crate::environment::Environment;
use crate::image::{CallSite, Image};
use crate::memory::{FRAMES, GuestMemory};
use crate::trap::Trap;

pub(crate) use watch::Watch;

/// How many tail calls one run may make, as in the kernel.
const TAIL_CALLS: u32 = 33;

/// `may_goto` gives up after so many rounds in one frame, as in the kernel.
const MAY_GOTO: u32 = 8 << 20;

/// A suspended or running function.
#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    return_to: usize,
    saved: [u64; 4],
    may_goto: u32,
}

/// The state of one run.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) memory: GuestMemory,
    pub(crate) environment: Arc<Environment>,
    pub(crate) cpu: u32,
    /// Instructions that may still be executed.
    fuel: u64,
    fuel_given: u64,
    frames: [Frame; FRAMES],
    /// Index of the running frame.
    depth: usize,
    tail_calls: u32,
    /// Compares the run with its proof.
    pub(crate) watch: Option<Box<Watch>>,
}

/// What a body asks for besides returning.
enum Called {
    Returned(u64),
    /// A tail-called program ended with this: so does the function that called.
    Ended(u64),
}

impl Machine {
    pub(crate) fn new(
        memory: GuestMemory,
        environment: Arc<Environment>,
        cpu: u32,
        fuel: u64,
    ) -> Self {
        Machine {
            memory,
            environment,
            cpu,
            fuel,
            fuel_given: fuel,
            frames: [Frame::default(); FRAMES],
            depth: 0,
            tail_calls: 0,
            watch: None,
        }
    }

    /// Instructions executed so far.
    pub(crate) fn executed(&self) -> u64 {
        self.fuel_given - self.fuel
    }

    /// Runs a program from its first instruction with the context in r1.
    pub(crate) fn run(&mut self, image: &Image, context: u64) -> Result<u64, Trap> {
        self.memory.open_frame(0, image.entry_uses_stack);
        let value = self.execute(image, 0, [context, 0, 0, 0, 0])?;
        if let Some((low, high)) = image.returns {
            // The kernel's hooks look at the low 32 bits: programs are functions that return `int`.
            let verdict = i64::from(value as u32 as i32);
            if verdict < low || verdict > high {
                let message = format!("returned {verdict}, which is not in {low}..{high}");
                return Err(Trap::new(&codes::T_VERDICT, message)
                    .note(format!("program {}", abide_diag::printable(&image.name))));
            }
        }
        Ok(value)
    }

    /// Calls a function of the program from a body: a callback.
    pub(crate) fn call_back(
        &mut self,
        image: &Image,
        function: u64,
        args: [u64; 5],
    ) -> Result<u64, Trap> {
        let Some(step) = image.function_at(function) else {
            let at = self.memory.locate(function);
            return Err(Trap::argument(format!("{at} is not a function of the program")));
        };
        self.enter()?;
        self.memory.open_frame(self.depth, true);
        let result = self.execute(image, step, args);
        self.leave();
        result
    }

    fn enter(&mut self) -> Result<(), Trap> {
        if self.depth + 1 >= FRAMES {
            let message = format!("more than {FRAMES} calls are nested");
            return Err(Trap::new(&codes::T_STACK_OVERFLOW, message)
                .note("each call takes a stack frame of 512 bytes"));
        }
        self.depth += 1;
        self.frames[self.depth].may_goto = 0;
        Ok(())
    }

    fn leave(&mut self) {
        self.memory.close_frame(self.depth);
        self.depth -= 1;
    }

    /// Calls the host.
    #[inline(never)]
    fn call_host(
        &mut self,
        image: &Image,
        site: &CallSite,
        args: [u64; 5],
    ) -> Result<Called, Trap> {
        let mut call = Call::new(self, image, site, args);
        let value = site.body.run(&mut call)?;
        match call.take_tail_call() {
            None => Ok(Called::Returned(value)),
            Some(target) => self.tail_call(&target, args[0], value),
        }
    }

    fn tail_call(&mut self, target: &Image, context: u64, failed: u64) -> Result<Called, Trap> {
        if self.tail_calls >= TAIL_CALLS {
            return Ok(Called::Returned(failed));
        }
        self.tail_calls += 1;
        self.memory.open_frame(self.depth, target.entry_uses_stack);
        self.frames[self.depth].may_goto = 0;
        let value = self.execute(target, 0, [context, 0, 0, 0, 0])?;
        Ok(Called::Ended(value))
    }
}
