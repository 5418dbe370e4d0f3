//! What the table says about an instruction: the columns of a row, as types.
//!
//! Holds no instruction itself; the rows are in `table.rs`.

use std::fmt;

use crate::kind::Kind;
use crate::table::{Op, SPECS};

/// What an instruction does with one field of its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// An operand.
    Used,
    /// Part of the opcode: this value selects the form.
    Fixed(i32),
    /// Reserved: anything but zero is an error (RFC 9669 §3.1: "unused fields SHALL be cleared").
    Zero,
}

impl Field {
    /// What a slot holds that does not use it as an operand.
    pub(crate) const fn constant(self) -> Option<i32> {
        match self {
            Field::Used => None,
            Field::Fixed(value) => Some(value),
            Field::Zero => Some(0),
        }
    }
}

/// The lowest instruction set level that has an instruction, as in clang's `-mcpu` and gas's
/// `-misa-spec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The set of Linux 3.18, with atomic addition.
    V1,
    /// Adds unsigned and signed less-than jumps.
    V2,
    /// Adds 32-bit jumps and the other atomics.
    V3,
    /// Adds signed division, sign extension, byte swaps, far jumps.
    V4,
}

impl Level {
    /// All levels, oldest first.
    pub const ALL: [Level; 4] = [Level::V1, Level::V2, Level::V3, Level::V4];

    /// As in `-mcpu=`.
    pub const fn name(self) -> &'static str {
        match self {
            Level::V1 => "v1",
            Level::V2 => "v2",
            Level::V3 => "v3",
            Level::V4 => "v4",
        }
    }

    /// The level that [`Level::name`] calls so.
    pub fn from_name(name: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The conformance group of RFC 9669 §2.4 that an instruction belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Required of every implementation.
    Base32,
    /// 64-bit arithmetic, jumps, loads and stores; includes `Base32`.
    Base64,
    /// 32-bit multiplication, division, remainder.
    Divmul32,
    /// The same in 64 bits; includes `Divmul32`.
    Divmul64,
    /// 32-bit atomics.
    Atomic32,
    /// 64-bit atomics; includes `Atomic32`.
    Atomic64,
    /// Legacy packet access.
    Packet,
    /// Not in RFC 9669: an addition of Linux or of the compilers.
    Extension,
}

impl Group {
    /// As in the RFC; `extension` for what it does not have.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Base32 => "base32",
            Group::Base64 => "base64",
            Group::Divmul32 => "divmul32",
            Group::Divmul64 => "divmul64",
            Group::Atomic32 => "atomic32",
            Group::Atomic64 => "atomic64",
            Group::Packet => "packet",
            Group::Extension => "extension",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// The opcode byte.
    pub opcode: u8,
    /// The destination register field.
    pub dst: Field,
    /// The source register field.
    pub src: Field,
    /// The 16-bit offset field.
    pub off: Field,
    /// The 32-bit immediate field; for two slots the 64-bit one.
    pub imm: Field,
    /// What it does, structured.
    pub kind: Kind,
    /// The lowest CPU level that has it.
    pub level: Level,
    /// Its conformance group.
    pub group: Group,
    /// Its spelling in pseudo-C, as a template (see `table.rs`); `""` when it has none.
    pub c: &'static str,
    /// Other spellings that pseudo-C assemblers accept for it.
    pub c_also: &'static [&'static str],
    /// Its spelling in GNU's dialect; `""` when it has none.
    pub gnu: &'static str,
    /// Other spellings that GNU's assembler accepts for it.
    pub gnu_also: &'static [&'static str],
    /// The first Linux release that runs it; `""` when none does.
    pub linux: &'static str,
}

impl Op {
    /// How many instructions there are.
    pub const COUNT: usize = SPECS.len();

    /// The row of the table.
    pub const fn spec(self) -> &'static Spec {
        &SPECS[self as usize]
    }

    /// What it does, structured.
    pub const fn kind(self) -> Kind {
        SPECS[self as usize].kind
    }
}
