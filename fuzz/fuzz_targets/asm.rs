//! Assembly from any text; what is assembled can be disassembled.
#![no_main]

use abide_asm::{Dialect, Options, assemble, disassemble};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(assembled) = assemble(text, &Options::default()) else { return };
    let _ = disassemble(&assembled.slots, Dialect::C);
    let _ = disassemble(&assembled.slots, Dialect::Gnu);
});
