//! Looks for what must not be: a program that the verifier accepts and that traps, or comes to a state that
//! its proof excludes. `cargo xtask soundness` runs it for as long as one likes, the tests for a moment,
//! `fuzz/` with coverage. Proves nothing itself.
#![forbid(unsafe_code)]

pub mod build;
pub mod generate;
mod mutate;
mod random;
mod shrink;
mod trial;

use std::fmt::Write;

use abide_asm::Dialect;
use abide_object::Object;

pub use mutate::mutate;
pub use random::Random;
pub use shrink::shrink;
pub use trial::{Bench, Failure, Outcome};

/// The functions of an object as text, without the instructions that do nothing.
#[must_use]
pub fn listing(object: &Object) -> String {
    let mut text = String::new();
    for function in &object.functions {
        let _ = writeln!(text, "{}:", function.name);
        for line in abide_asm::disassemble(&function.slots, Dialect::C) {
            if line.text != "goto +0" {
                let _ = writeln!(text, "{:>5}: {}", line.slot, line.text);
            }
        }
    }
    text
}
