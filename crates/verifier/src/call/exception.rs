//! Exceptions: where a program may throw, and the function that it throws to. What is thrown ends the
//! program from whatever depth, so nothing may be left open there.

use abide_isa::Reg;

use super::subprogram::Takes;
use crate::codes as c;
use crate::domain::Scalar;
use crate::reject::Rejection;
use crate::state::value::{Kind, Value};
use crate::state::{Entered, Frame, State};
use crate::walk::{Flow, Refused, Walk};

impl Walk<'_> {
    /// The function that the program throws to is one of its own, takes a number, gives one, and is
    /// called by nobody else.
    pub(crate) fn check_exception_callback(&mut self) -> Result<(), Refused> {
        let own = self.object.program(&self.program.name);
        let declared = own.and_then(|id| self.object.programs[id.index()].exception.as_ref());
        let Some(declared) = declared else { return Ok(()) };
        let refuse = |text: String, kernel: &str| {
            Err(Rejection::new(&c::V_EXCEPTION, text).kernel(kernel.to_owned()))
        };
        let Some(function) = self.exception.filter(|_| declared.function.is_some()) else {
            let text = format!(
                "the program throws to `{}`, which is not one global function of the object",
                declared.name
            );
            return refuse(text, "multiple exception callback tags for main subprog");
        };
        let (takes, void) = self.takes(function)?;
        if takes.as_slice() != [Takes::Number] || void {
            let text = format!("`{}` must take one number and return one", declared.name);
            return refuse(text, "exception cb only supports single integer argument");
        }
        let direct = self
            .code
            .functions
            .iter()
            .flat_map(|caller| &caller.calls)
            .find(|call| call.callee == function && !call.address);
        if let Some(call) = direct {
            self.slot = call.slot;
            let text = format!("`{}` is what the program throws to, and is called", declared.name);
            return refuse(text, "cannot call exception cb directly");
        }
        if self.code.functions[function as usize].tail_call {
            let text = format!("`{}` makes a tail call", declared.name);
            return refuse(text, "cannot tail call within exception cb");
        }
        Ok(())
    }

    /// The entry state of the function that the program throws to.
    pub(crate) fn enter_exception_callback(&mut self, function: u32) {
        self.slot = self.code.functions[function as usize].start;
        let mut frame = Frame::new(function, Entered::Entry, 0);
        frame.regs[Reg::R1.index()] = Value::UNKNOWN;
        self.state = State::new(frame);
    }

    /// Whether a function can throw, itself or by what it calls.
    pub(crate) fn throws(&self, function: u32) -> bool {
        let throws = |at: u32| self.code.functions[at as usize].throws.is_some();
        self.code.below(function).into_iter().any(throws)
    }

    /// The program ends here, from whatever depth.
    pub(crate) fn throw(&mut self) -> Result<Flow, Refused> {
        let frames = &self.state.frames;
        let callback = frames.iter().any(|frame| {
            matches!(frame.entered, Entered::Callback { .. })
                || Some(frame.function) == self.exception
        });
        if callback {
            return Err(thrown_in_callback());
        }
        self.check_end("an exception ends the program")?;
        let cookie = self.read(Reg::R1)?;
        if self.exception.is_some() || self.void {
            return Ok(Flow::End);
        }
        // It is what the program returns.
        if let Some((low, high)) = self.returns {
            let num: Scalar = cookie.num;
            if i64::from(num.smin32) < low || i64::from(num.smax32) > high {
                let text = format!(
                    "the exception makes the program return {cookie}; allowed is {low} to {high}"
                );
                return Err(Rejection::new(&c::V_RETURN, text).kernel(format!(
                    "At program exit the register R1 has {cookie} should have been in [{low}, {high}]"
                )));
            }
            self.rely(&cookie);
        }
        debug_assert!(cookie.kind == Kind::Scalar);
        Ok(Flow::End)
    }
}

/// A callback has a caller in the host, which nobody unwinds.
pub(crate) fn thrown_in_callback() -> Refused {
    Rejection::new(
        &c::V_EXCEPTION,
        "a function that the host calls back throws, or calls what throws",
    )
    .kernel("bpf_throw kfunc cannot be called from callback subprog")
    .help("return a number that says what happened, and throw after the call")
}
