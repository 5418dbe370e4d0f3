//! BPF assembly in both dialects: LLVM's pseudo-C and GNU's, one instruction set in two spellings.
//!
//! Reading and printing derive from the instruction table of `abide-isa`: its templates become the
//! grammar, its levels are checked, its rows are what is printed. [`assemble`] finds all errors of
//! a text in one run and never does something else than was written: what other assemblers cut
//! off or take for a symbol is an error. [`object::assemble`] makes ELF files of whole texts.
//! [`disassemble`] loses nothing, and [`listing`] makes source of whole ELF files again.
//! [`translate::translate`] respells a text in the other dialect. This crate knows no API and no host.
#![forbid(unsafe_code)]

mod assemble;
mod automaton;
mod bind;
pub mod codes;
mod dialect;
mod disasm;
mod explain;
mod expr;
mod grammar;
mod intern;
mod lexer;
pub mod listing;
mod matcher;
pub mod object;
mod operator;
mod print;
mod quick;
mod reader;
mod template;
mod token;
pub mod translate;
mod tree;

pub use assemble::{Assembled, Label, Options, RefKind, Statement, SymbolRef, assemble};
pub use codes::CODES;
pub use dialect::Dialect;
pub use disasm::{Line, disassemble, disassemble_with};
pub use print::{Names, print};
