//! The sections of a unit while they are filled.

use crate::object::relax::Counted;
use crate::object::symbols::{Origin, SymbolId};
use crate::object::value::NodeId;

pub(super) const SHT_PROGBITS: u32 = object::elf::SHT_PROGBITS.0;
pub(super) const SHT_NOBITS: u32 = object::elf::SHT_NOBITS.0;
pub(super) const SHT_NOTE: u32 = object::elf::SHT_NOTE.0;
pub(super) const SHT_INIT_ARRAY: u32 = object::elf::SHT_INIT_ARRAY.0;
pub(super) const SHT_FINI_ARRAY: u32 = object::elf::SHT_FINI_ARRAY.0;
/// `SHT_LLVM_ADDRSIG`: the symbols whose addresses matter.
pub(super) const SHT_LLVM_ADDRSIG: u32 = 0x6fff_4c03;

pub(super) const WRITE: u64 = 1;
pub(super) const ALLOC: u64 = 2;
pub(super) const EXEC: u64 = 4;
pub(super) const MERGE: u64 = 0x10;
pub(super) const STRINGS: u64 = 0x20;
pub(super) const LINK_ORDER: u64 = 0x80;
pub(super) const GROUP: u64 = 0x200;
pub(super) const TLS: u64 = 0x400;
pub(super) const RETAIN: u64 = 0x20_0000;
pub(super) const EXCLUDE: u64 = 0x8000_0000;

/// Bytes whose number is known only when all symbols are.
#[derive(Debug, Clone)]
pub(super) enum PartKind {
    /// `.uleb128`
    Unsigned(NodeId),
    /// `.sleb128`
    Signed(NodeId),
    /// `.p2align` after another such part.
    Align { to: u64, fill: u8, most: u64 },
}

/// One such part, and where it stands among the fixed bytes.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) fixed: u64,
    pub(super) kind: PartKind,
    pub(super) size: u64,
    pub(super) origin: Origin,
}

/// What a symbol's value is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// The offset of a jump.
    Jump16,
    /// The immediate of `gotol`.
    Jump32,
    /// The immediate of a call.
    Call,
    /// Both immediates of a load of an address.
    Address,
    /// The immediate of any other instruction; no relocation can fill it in.
    Immediate,
    /// The offset of an address in memory; no relocation can fill it in.
    Offset,
    /// So many bytes of data.
    Data(u8),
}

/// The value: a symbol and a number, or something more complicated.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    Symbol(SymbolId, i64),
    Node(NodeId),
}

/// A hole in the bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fixup {
    pub(super) fixed: u64,
    pub(super) parts: u32,
    pub(super) need: Need,
    pub(super) wanted: Wanted,
    pub(super) origin: Origin,
    /// Whether it is a jump that became longer.
    pub(super) far: bool,
}

/// What sections are told apart by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    pub(super) name: String,
    /// The symbol that signs the group of which it is a part.
    pub(super) group: Option<SymbolId>,
    /// A symbol of the section that it is about, after which it is ordered.
    pub(super) link: Option<SymbolId>,
    /// `unique,NUMBER`
    pub(super) number: Option<u32>,
}

/// A section.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) group: Option<SymbolId>,
    pub(super) link: Option<SymbolId>,
    pub(super) kind: u32,
    pub(super) flags: u64,
    pub(super) entry_size: u64,
    pub(super) align: u64,
    pub(super) data: Vec<u8>,
    /// The size of a section without bytes.
    pub(super) zeros: u64,
    pub(super) parts: Vec<Part>,
    pub(super) fixups: Vec<Fixup>,
    /// The places of jumps that may become longer, and the distances that are counted on.
    pub(super) jumps: Vec<u64>,
    pub(super) counted: Vec<Counted>,
    /// From where on longer jumps have added how many bytes in all.
    pub(super) growth: Vec<(u64, u64)>,
}

impl Section {
    pub(super) fn is_empty_kind(&self) -> bool {
        self.kind == SHT_NOBITS
    }

    /// The fixed bytes so far.
    pub(super) fn fixed(&self) -> u64 {
        if self.is_empty_kind() { self.zeros } else { self.data.len() as u64 }
    }
}

/// What a section is by its name, when nothing is said of it: type, flags.
pub(super) fn usual(name: &str) -> (u32, u64) {
    let is = |base: &str| {
        name.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if is(".text") {
        (SHT_PROGBITS, ALLOC | EXEC)
    } else if is(".bss") {
        (SHT_NOBITS, ALLOC | WRITE)
    } else if is(".data") {
        (SHT_PROGBITS, ALLOC | WRITE)
    } else if is(".rodata") {
        (SHT_PROGBITS, ALLOC)
    } else if is(".init_array") {
        (SHT_INIT_ARRAY, ALLOC | WRITE)
    } else if is(".fini_array") {
        (SHT_FINI_ARRAY, ALLOC | WRITE)
    } else if is(".note") {
        (SHT_NOTE, 0)
    } else {
        (SHT_PROGBITS, 0)
    }
}

/// The flags of `.section NAME,"FLAGS"`, or the letter that is none.
pub(super) fn flags(text: &str) -> Result<u64, char> {
    text.chars().try_fold(0, |flags, letter| {
        Ok(flags
            | match letter {
                'a' => ALLOC,
                'w' => WRITE,
                'x' => EXEC,
                'M' => MERGE,
                'S' => STRINGS,
                'o' => LINK_ORDER,
                'G' | '?' => GROUP,
                'T' => TLS,
                'e' => EXCLUDE,
                'R' => RETAIN,
                other => return Err(other),
            })
    })
}
