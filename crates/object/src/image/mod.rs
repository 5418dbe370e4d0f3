//! A BPF object as an ELF image: all of its sections, symbols and relocations, to be changed and
//! written again.
//!
//! [`crate::Object`] says what an object means; an image only what is in the file. What an image does
//! not keep is how the file was laid out: writing gives one canonical file for one image, and reading
//! that file gives the image again. Tables of the file itself (symbols, names, relocations) are made
//! anew, so that an image has no section for them.

mod code;
mod ext;
mod jumps;
mod read;
mod remove;
mod write;

use std::borrow::Cow;

use abide_isa::Endian;

pub use code::Patch;

/// `SHT_PROGBITS`, `SHT_NOBITS`: sections with contents, sections of zeroes.
pub(crate) const PROGBITS: u32 = 1;
pub(crate) const NOBITS: u32 = 8;
/// `SHF_EXECINSTR`.
pub(crate) const EXECUTABLE: u64 = 4;

/// More sections than an object has that anybody made on purpose, and few enough for the numbers that
/// a file has for them.
pub(crate) const MOST_SECTIONS: usize = 30_000;

/// An ELF image of a BPF object. Sections and symbols are referred to by their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image<'d> {
    /// The byte order.
    pub endian: Endian,
    /// The number of the machine: 247, or 0 in objects from before BPF had a number.
    pub machine: u16,
    /// The flags of the file.
    pub flags: u32,
    /// The sections, in the order of the file.
    pub sections: Vec<Section<'d>>,
    /// The symbols: first the local ones.
    pub symbols: Vec<Symbol<'d>>,
}

/// A section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'d> {
    /// Its name; several may have the same.
    pub name: Cow<'d, str>,
    /// Its type (`SHT_…`).
    pub kind: u32,
    /// Its flags (`SHF_…`).
    pub flags: u64,
    /// What its start must be a multiple of.
    pub align: u64,
    /// The size of its entries, if they all have the same.
    pub entry_size: u64,
    /// What it belongs to.
    pub link: Link,
    /// What is in it.
    pub contents: Contents<'d>,
    /// What is to be filled in, in the order of the file.
    pub relocations: Vec<Relocation>,
    /// Whether the table of relocations has room for addends; else they are in the contents.
    pub has_addends: bool,
}

/// What a section belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Nothing.
    None,
    /// The table of symbols.
    Symbols,
    /// A section.
    Section(usize),
}

/// The contents of a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents<'d> {
    /// Bytes.
    Bytes(Cow<'d, [u8]>),
    /// As many zeroes, which take no room in the file.
    Zeroes(u64),
    /// Sections that belong together.
    Group {
        /// The flags of the group (`GRP_COMDAT`).
        flags: u32,
        /// The symbol that names it.
        signature: usize,
        /// The sections.
        members: Vec<usize>,
    },
    /// The symbols whose addresses matter, as LLVM lists them.
    Symbols(Vec<usize>),
}

/// A symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol<'d> {
    /// Its name; empty for one that stands for its section.
    pub name: Cow<'d, str>,
    /// Where it is defined.
    pub place: Place,
    /// Bytes from the start of its section.
    pub value: u64,
    /// The bytes that belong to it.
    pub size: u64,
    /// Its type (`STT_…`).
    pub kind: u8,
    /// Its binding (`STB_…`).
    pub bind: u8,
    /// Its visibility and what else stands beside that (`st_other`).
    pub other: u8,
}

/// Where a symbol is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Elsewhere.
    Undefined,
    /// Nowhere: its value is a number.
    Absolute,
    /// Wherever a linker finds room.
    Common,
    /// In a section.
    Section(usize),
}

/// A place to be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relocation {
    /// Bytes from the start of the section.
    pub offset: u64,
    /// How (`R_BPF_…`).
    pub kind: u32,
    /// The symbol that it refers to; `None` if it needs none.
    pub symbol: Option<usize>,
    /// What is added; 0 where the contents say it.
    pub addend: i64,
}

impl<'d> Image<'d> {
    /// The index of the first section with this name.
    pub fn section(&self, name: &str) -> Option<usize> {
        self.sections.iter().position(|section| section.name == name)
    }
}

impl Section<'_> {
    /// Its bytes; none for sections that have none in the file.
    pub fn bytes(&self) -> &[u8] {
        match &self.contents {
            Contents::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// Its size in memory.
    pub fn size(&self) -> u64 {
        match &self.contents {
            Contents::Bytes(bytes) => bytes.len() as u64,
            Contents::Zeroes(size) => *size,
            Contents::Group { .. } | Contents::Symbols(_) => 0,
        }
    }

    /// Whether it holds instructions.
    pub fn is_code(&self) -> bool {
        self.kind == PROGBITS && self.flags & EXECUTABLE != 0
    }

    /// Whether it is DWARF, or the tables for unwinding that come from it.
    pub fn is_debug(&self) -> bool {
        self.name.starts_with(".debug") || self.name == ".eh_frame"
    }
}

impl Symbol<'_> {
    /// Local to its file (`STB_LOCAL`).
    pub const LOCAL: u8 = 0;
    /// Weak (`STB_WEAK`).
    pub const WEAK: u8 = 2;
    /// A function (`STT_FUNC`).
    pub const FUNCTION: u8 = 2;
    /// It stands for its section (`STT_SECTION`).
    pub const SECTION: u8 = 3;
    /// It names the source file (`STT_FILE`).
    pub const FILE: u8 = 4;
}
