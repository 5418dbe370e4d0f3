//! Code to text, losing nothing: what is no instruction becomes data, with the reason.

use std::borrow::Cow;
use std::fmt::Write;

use abide_isa::{DecodeError, Endian, Insn, Raw, decode_all};

use crate::dialect::Dialect;
use crate::print::{Names, write_insn};

/// One line of a disassembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The first slot that it stands for.
    pub slot: usize,
    /// How many slots.
    pub slots: usize,
    /// The text, without a newline. Assembling it gives the slots again.
    pub text: String,
    /// Why it is data and not an instruction.
    pub error: Option<DecodeError>,
}

/// Code as text, in the byte order of most machines and without names.
///
/// ```
/// use abide_asm::{Dialect, disassemble};
/// use abide_isa::Raw;
///
/// let code = [Raw { code: 0x95, ..Raw::default() }, Raw { code: 0x95, imm: 1, ..Raw::default() }];
/// let lines = disassemble(&code, Dialect::C);
/// assert_eq!(lines[0].text, "exit");
/// assert_eq!(lines[1].text, ".8byte 0x0000000100000095 # imm of opcode 0x95 is reserved, and is 1");
/// ```
pub fn disassemble(slots: &[Raw], dialect: Dialect) -> Vec<Line> {
    disassemble_with(slots, dialect, Endian::Little, &|_, _| None)
}

/// Code as text, with the byte order that data lines are written in, and with names: `symbol` gives
/// the one for the instruction at a slot.
pub fn disassemble_with(
    slots: &[Raw],
    dialect: Dialect,
    endian: Endian,
    symbol: &dyn Fn(usize, &Insn) -> Option<String>,
) -> Vec<Line> {
    let mut lines = Vec::with_capacity(slots.len());
    for (slot, result) in decode_all(slots) {
        // Slots that decoding went over belong to the error before.
        if let Some(Line { slot: last, slots: count, error: Some(error), .. }) = lines.last() {
            let (next, error) = (last + count, *error);
            lines.extend((next..slot).map(|at| data(at, slots[at], endian, error)));
        }
        lines.push(match result {
            Ok(insn) => {
                let mut text = String::with_capacity(32);
                write_insn(&mut text, &insn, dialect, &At { slot, symbol });
                Line { slot, slots: insn.slots(), text, error: None }
            }
            Err(error) => data(slot, slots[slot], endian, error),
        });
    }
    if let Some(Line { slot, slots: count, error: Some(error), .. }) = lines.last() {
        let (next, error) = (slot + count, *error);
        lines.extend((next..slots.len()).map(|at| data(at, slots[at], endian, error)));
    }
    lines
}

struct At<'a> {
    slot: usize,
    symbol: &'a dyn Fn(usize, &Insn) -> Option<String>,
}

impl Names for At<'_> {
    fn symbol(&self, insn: &Insn) -> Option<Cow<'_, str>> {
        (self.symbol)(self.slot, insn).map(Cow::Owned)
    }
}

fn data(slot: usize, raw: Raw, endian: Endian, error: DecodeError) -> Line {
    let bytes = raw.to_bytes(endian);
    let value = match endian {
        Endian::Little => u64::from_le_bytes(bytes),
        Endian::Big => u64::from_be_bytes(bytes),
    };
    let mut text = format!(".8byte {value:#018x}");
    // Writing to a string cannot fail.
    let _ = write!(text, " # {error}");
    Line { slot, slots: 1, text, error: Some(error) }
}
