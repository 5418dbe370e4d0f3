//! Whole files to objects: sections, symbols, relocations, as the compilers' own assemblers write
//! them.
//!
//! Everything that `clang -S` and `bpf-gcc -S` write is read; what neither would mean is refused.
//! Reads no file: what a text includes is asked of the caller.

mod budget;
mod conditional;
mod data;
mod directive;
mod elf;
mod frame;
mod gcc;
mod groups;
pub(crate) mod input;
mod label;
mod layout;
mod lines;
mod real;
mod relax;
mod repeat;
mod section;
mod sections;
mod statement;
mod symbols;
mod unit;
mod value;

pub(crate) use gcc::settle;
pub(crate) use layout::BTF_EXT;
pub(crate) use unit::style_of;

use abide_diag::{Diagnostic, Source};
use abide_isa::{Endian, Level};

use crate::dialect::Dialect;
pub use gcc::Semicolon;

/// Whose habits an object follows where the two toolchains differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Style {
    /// LLVM's: `.align` counts bytes, only the section symbols that relocations name.
    Llvm,
    /// GNU's: `.align` is a power of two, all sections have symbols.
    Gnu,
}

impl Style {
    /// As `.bpf.style` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Style::Llvm => "llvm",
            Style::Gnu => "gnu",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Style> {
        [Style::Llvm, Style::Gnu].into_iter().find(|style| style.name() == name)
    }
}

/// Gives the name and text of an included file, or why there is none.
pub type Loader<'a> = &'a dyn Fn(&str) -> Result<Source, String>;

/// How a text becomes an object.
#[derive(Clone, Copy)]
pub struct ObjectOptions<'a> {
    /// The only dialect accepted; `None` takes either, line by line.
    pub dialect: Option<Dialect>,
    /// The highest level of instructions accepted.
    pub level: Level,
    /// The byte order of the object.
    pub endian: Endian,
    /// Whose habits; `None` finds out from the text.
    pub style: Option<Style>,
    /// Whether `;` separates statements or begins a comment.
    pub semicolon: Semicolon,
    /// The flags of the ELF header, if no `.bpf.flags` says others: GNU's assembler keeps the level
    /// there, LLVM's nothing.
    pub flags: u32,
    /// Whether far branches become longer, at level v4; otherwise they are errors.
    pub relax: bool,
    /// What is included; `None` refuses to.
    pub loader: Option<Loader<'a>>,
}

impl Default for ObjectOptions<'_> {
    fn default() -> Self {
        ObjectOptions {
            dialect: None,
            level: Level::V4,
            endian: Endian::Little,
            style: None,
            semicolon: Semicolon::Auto,
            flags: 0,
            relax: false,
            loader: None,
        }
    }
}

impl std::fmt::Debug for ObjectOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectOptions")
            .field("dialect", &self.dialect)
            .field("level", &self.level)
            .field("endian", &self.endian)
            .field("style", &self.style)
            .field("semicolon", &self.semicolon)
            .field("flags", &self.flags)
            .field("relax", &self.relax)
            .finish_non_exhaustive()
    }
}

/// A message, and the text that it points into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What is said.
    pub diagnostic: Diagnostic,
    /// Where the places in it are.
    pub source: Source,
}

impl Message {
    /// The message as text, with its source lines.
    pub fn render(&self, colour: bool) -> String {
        self.diagnostic.render(Some(&self.source), colour)
    }
}

/// A line of the program's source, from `.loc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The section of the code.
    pub section: String,
    /// The offset in it from which on the line holds.
    pub offset: u64,
    /// The file, as `.file` names it.
    pub file: String,
    /// The line, from 1; 0 if there is none.
    pub line: u32,
    /// The column, from 1; 0 if none is given.
    pub column: u32,
}

/// An assembled object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object<B = Vec<u8>> {
    /// The ELF file.
    pub bytes: B,
    /// The source lines of its code, by section and offset.
    pub lines: Vec<SourceLine>,
    /// Warnings; nothing is refused for them.
    pub warnings: Vec<Message>,
}

/// Assembles a text, and finds all of its errors.
///
/// ```
/// use abide_asm::object::{ObjectOptions, assemble};
/// use abide_diag::Source;
///
/// let text = "\t.section xdp,\"ax\",@progbits\n\t.globl f\nf:\tr0 = 2\n\texit\n";
/// let object = assemble(&Source::new("f.s", text), &ObjectOptions::default()).unwrap();
/// assert_eq!(&object.bytes[..4], b"\x7fELF");
/// ```
pub fn assemble(source: &Source, options: &ObjectOptions<'_>) -> Result<Object, Vec<Message>> {
    let Object { bytes, lines, warnings } = assemble_pieces(source, options)?;
    Ok(Object { bytes: bytes.concat(), lines, warnings })
}

/// The same, but the ELF file is in pieces, to be written one after the other: large sections are
/// not copied then.
pub fn assemble_pieces(
    source: &Source,
    options: &ObjectOptions<'_>,
) -> Result<Object<Vec<Vec<u8>>>, Vec<Message>> {
    unit::Unit::new(source, options).run()
}
