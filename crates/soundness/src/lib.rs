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

/// The seed of a number, for what is made and for its inputs: numbers that follow each other are far apart.
#[must_use]
pub fn seed(number: u64) -> u64 {
    number.wrapping_mul(0xd129_0d3c_8ebe_5a2f)
}

/// The program of a number; every third is mutated.
#[must_use]
pub fn numbered(number: u64) -> Object {
    let seed = seed(number);
    let mut object = build::from_text(&generate::program(seed));
    if number.is_multiple_of(3) {
        mutate(&mut object, &mut Random(seed | 1));
    }
    object
}

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
