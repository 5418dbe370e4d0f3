//! One instruction as text, for traps. Reads nothing but the slots.

use abide_asm::{Dialect, print};
use abide_isa::{Raw, decode};

/// The instruction at the start of `slots`.
pub(crate) fn line(slots: &[Raw]) -> String {
    match decode(slots) {
        Ok(insn) => print(&insn, Dialect::C, &()),
        Err(error) => error.to_string(),
    }
}
