//! Code to text, losing nothing: what is no instruction becomes data, with the reason.

use std::io::Write;

use abide_isa::{DecodeError, Endian, Insn, Raw, decode_all};

use crate::dialect::Dialect;
use crate::print::{Symbol, text, write_insn};

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
    without_gaps(decode_all(slots), slots.len(), |slot, result| {
        let mut out = Vec::with_capacity(32);
        let (count, error) = match result {
            Ok(insn) => {
                let symbol = symbol(slot, &insn).map(|name| Symbol::Name(name.into()));
                write_insn(&mut out, &insn, dialect, symbol.as_ref());
                (insn.slots(), None)
            }
            Err(error) => {
                write_data(&mut out, slots[slot], endian);
                // Writing to memory cannot fail.
                let _ = write!(out, " # {error}");
                (1, Some(error))
            }
        };
        lines.push(Line { slot, slots: count, text: text(out), error });
    });
    lines
}

/// Calls `line` for every instruction, and for every slot that is in none: those that decoding went
/// over belong to the error before.
pub(crate) fn without_gaps(
    decoded: impl Iterator<Item = (usize, Result<Insn, DecodeError>)>,
    slots: usize,
    mut line: impl FnMut(usize, Result<Insn, DecodeError>),
) {
    // The next slot, and whose it is if nothing begins there.
    let (mut at, mut owner) = (0, None);
    for (slot, result) in decoded {
        while let (true, Some(error)) = (at < slot, owner) {
            line(at, Err(error));
            at += 1;
        }
        at = slot + result.as_ref().map_or(1, Insn::slots);
        owner = result.as_ref().err().copied();
        line(slot, result);
    }
    while let (true, Some(error)) = (at < slots, owner) {
        line(at, Err(error));
        at += 1;
    }
}

/// Appends a slot as data.
pub(crate) fn write_data(out: &mut Vec<u8>, raw: Raw, endian: Endian) {
    let bytes = raw.to_bytes(endian);
    let value = match endian {
        Endian::Little => u64::from_le_bytes(bytes),
        Endian::Big => u64::from_be_bytes(bytes),
    };
    // Writing to memory cannot fail.
    let _ = write!(out, ".8byte {value:#018x}");
}
