//! Slots to instructions, strictly: whatever the table does not know is an error.
//!
//! Never allocates, never panics, and accepts exactly what `encode` can produce.

use abide_diag::{Diagnostic, Report};
use thiserror::Error;

use crate::codes;
use crate::insn::Insn;
use crate::kind::Kind;
use crate::raw::{Endian, Raw};
use crate::reg::Reg;
use crate::shape::insn_of;
use crate::spec::{Field, Spec};
use crate::table::{Op, SPECS};

/// A field of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotField {
    /// The destination register.
    Dst,
    /// The source register.
    Src,
    /// The offset.
    Off,
    /// The immediate.
    Imm,
}

impl SlotField {
    /// As in RFC 9669.
    pub const fn name(self) -> &'static str {
        match self {
            SlotField::Dst => "dst_reg",
            SlotField::Src => "src_reg",
            SlotField::Off => "offset",
            SlotField::Imm => "imm",
        }
    }
}

/// What is wrong with a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecodeErrorKind {
    /// No instruction has this opcode.
    Opcode,
    /// The field is reserved and not zero.
    Reserved(SlotField),
    /// The field selects the form, and no form has this value.
    Selector(SlotField),
    /// The register does not exist.
    Register(SlotField),
    /// There is no slot where one should be.
    Truncated,
    /// The second slot of a 64-bit immediate load has something besides the immediate.
    SecondSlot,
    /// The upper half of a 64-bit immediate is reserved and not zero.
    HighHalf,
}

/// Why slots are no instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[error("{}", self.report().message)]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// The slot that it is wrong with; zeros where there is none.
    pub raw: Raw,
}

impl Report for DecodeError {
    fn report(&self) -> Diagnostic {
        let Raw { code, dst, src, off, imm } = self.raw;
        let value = |field| match field {
            SlotField::Dst => i64::from(dst),
            SlotField::Src => i64::from(src),
            SlotField::Off => i64::from(off),
            SlotField::Imm => i64::from(imm),
        };
        match self.kind {
            DecodeErrorKind::Opcode => Diagnostic::error(
                &codes::UNKNOWN_OPCODE,
                format!("no instruction has the opcode {code:#04x}"),
            ),
            DecodeErrorKind::Reserved(field) => Diagnostic::error(
                &codes::RESERVED_FIELD,
                format!(
                    "{} of opcode {code:#04x} is reserved, and is {}",
                    field.name(),
                    value(field)
                ),
            )
            .note("RFC 9669 section 3.1: unused fields are zero"),
            DecodeErrorKind::Selector(field) => {
                let code_of = match field {
                    SlotField::Dst | SlotField::Src => &codes::UNKNOWN_SRC,
                    SlotField::Off => &codes::UNKNOWN_OFF,
                    SlotField::Imm => &codes::UNKNOWN_IMM,
                };
                Diagnostic::error(
                    code_of,
                    format!(
                        "opcode {code:#04x} with {} {} is no instruction",
                        field.name(),
                        value(field)
                    ),
                )
                .note(selectors(code, field))
            }
            DecodeErrorKind::Register(field) => Diagnostic::error(
                &codes::BAD_REGISTER,
                format!("{} is r{}, which does not exist", field.name(), value(field)),
            )
            .note("the registers are r0 to r10"),
            DecodeErrorKind::Truncated => {
                Diagnostic::error(&codes::TRUNCATED, "the code ends inside an instruction")
            }
            DecodeErrorKind::SecondSlot => Diagnostic::error(
                &codes::SECOND_SLOT,
                "the second slot of a 64-bit immediate load has an opcode, register or offset",
            )
            .note(format!("it has opcode {code:#04x}, dst {dst}, src {src}, offset {off}")),
            DecodeErrorKind::HighHalf => Diagnostic::error(
                &codes::HIGH_HALF,
                format!("the upper half of this 64-bit immediate is reserved, and is {imm}"),
            ),
        }
    }
}

/// The values of a selecting field that the table knows for an opcode.
fn selectors(code: u8, field: SlotField) -> String {
    let mut known: Vec<i32> = forms(code)
        .filter_map(|op| match pick(op.spec(), field) {
            Field::Fixed(value) => Some(value),
            Field::Used | Field::Zero => None,
        })
        .collect();
    known.sort_unstable();
    known.dedup();
    let known: Vec<String> = known
        .iter()
        .map(|value| if *value > 9 { format!("{value:#x}") } else { value.to_string() })
        .collect();
    format!("with this opcode it may be {}", known.join(", "))
}

fn pick(spec: &Spec, field: SlotField) -> Field {
    match field {
        SlotField::Dst => spec.dst,
        SlotField::Src => spec.src,
        SlotField::Off => spec.off,
        SlotField::Imm => spec.imm,
    }
}

/// Marks the end of a chain of forms.
const NONE: u8 = u8::MAX;
const _: () = assert!(SPECS.len() < NONE as usize);

/// For each opcode its first form, and for each form the next one with the same opcode.
const CHAINS: ([u8; 256], [u8; SPECS.len()]) = {
    let (mut first, mut next) = ([NONE; 256], [NONE; SPECS.len()]);
    let mut row = SPECS.len();
    while row > 0 {
        row -= 1;
        let code = SPECS[row].opcode as usize;
        next[row] = first[code];
        first[code] = row as u8;
    }
    (first, next)
};

/// The instructions with this opcode.
#[inline]
pub fn forms(code: u8) -> impl Iterator<Item = Op> {
    let mut row = CHAINS.0[code as usize];
    std::iter::from_fn(move || {
        let op = *Op::ALL.get(row as usize)?;
        row = CHAINS.1[row as usize];
        Some(op)
    })
}

fn selects(field: Field, value: i32) -> bool {
    !matches!(field, Field::Fixed(fixed) if fixed != value)
}

/// The form of a slot: the row whose selecting fields all match.
fn form(raw: Raw) -> Result<Op, DecodeErrorKind> {
    // The farther a form matches, the better it tells which field is the unknown one.
    let mut error = DecodeErrorKind::Opcode;
    let mut depth = 0;
    for op in forms(raw.code) {
        let spec = op.spec();
        let (reached, field) = if !selects(spec.src, i32::from(raw.src)) {
            (1, SlotField::Src)
        } else if !selects(spec.off, i32::from(raw.off)) {
            (2, SlotField::Off)
        } else if !selects(spec.imm, raw.imm) {
            (3, SlotField::Imm)
        } else {
            return Ok(op);
        };
        if reached > depth {
            (depth, error) = (reached, DecodeErrorKind::Selector(field));
        }
    }
    Err(error)
}

fn register(field: Field, value: u8, name: SlotField) -> Result<Reg, DecodeErrorKind> {
    match field {
        Field::Used => Reg::new(value).ok_or(DecodeErrorKind::Register(name)),
        Field::Fixed(_) => Ok(Reg::R0),
        Field::Zero if value == 0 => Ok(Reg::R0),
        Field::Zero => Err(DecodeErrorKind::Reserved(name)),
    }
}

fn number(field: Field, value: i32, name: SlotField) -> Result<i32, DecodeErrorKind> {
    match field {
        Field::Used => Ok(value),
        Field::Fixed(_) => Ok(0),
        Field::Zero if value == 0 => Ok(0),
        Field::Zero => Err(DecodeErrorKind::Reserved(name)),
    }
}

/// The opcode of an instruction with two slots.
const LONG: u8 = Op::LdImm64.spec().opcode;

/// The instruction that a slot is, given as one number, if it is one by itself.
#[inline]
fn single(word: u64) -> Option<Insn> {
    let code = word as u8;
    if code == LONG { None } else { forms(code).find_map(|op| insn_of(op, word)) }
}

/// The instruction that the bytes of a slot are, if they are one by themselves; [`decode`] says why
/// not.
#[inline]
pub fn decode_slot(bytes: [u8; Raw::SIZE], endian: Endian) -> Option<Insn> {
    single(match endian {
        Endian::Little => u64::from_le_bytes(bytes),
        Endian::Big => Raw::from_bytes(bytes, Endian::Big).word(),
    })
}

/// Decodes the instruction at the start of `slots`; [`Insn::slots`] says how many it took.
#[inline]
pub fn decode(slots: &[Raw]) -> Result<Insn, DecodeError> {
    // A number holds four bits of a register.
    let first = slots.first().filter(|raw| (raw.dst | raw.src) <= 0xf);
    match first.and_then(|raw| single(raw.word())) {
        Some(insn) => Ok(insn),
        None => decode_slowly(slots),
    }
}

fn decode_slowly(slots: &[Raw]) -> Result<Insn, DecodeError> {
    let Some(&raw) = slots.first() else {
        return Err(DecodeError { kind: DecodeErrorKind::Truncated, raw: Raw::default() });
    };
    let at = |kind| DecodeError { kind, raw };
    let op = form(raw).map_err(at)?;
    let spec = op.spec();
    let off = number(spec.off, i32::from(raw.off), SlotField::Off).map_err(at)?;
    let insn = Insn {
        op,
        dst: register(spec.dst, raw.dst, SlotField::Dst).map_err(at)?,
        src: register(spec.src, raw.src, SlotField::Src).map_err(at)?,
        off: off as i16,
        imm: i64::from(number(spec.imm, raw.imm, SlotField::Imm).map_err(at)?),
    };
    let Kind::LdImm64(kind) = spec.kind else { return Ok(insn) };
    let &second = slots.get(1).ok_or(at(DecodeErrorKind::Truncated))?;
    if (Raw { imm: 0, ..second }) != Raw::default() {
        return Err(DecodeError { kind: DecodeErrorKind::SecondSlot, raw: second });
    }
    if second.imm != 0 && !kind.uses_high() {
        return Err(DecodeError { kind: DecodeErrorKind::HighHalf, raw: second });
    }
    let imm = i64::from(raw.imm as u32) | i64::from(second.imm) << 32;
    Ok(Insn { imm, ..insn })
}

/// Decodes the first instruction of `slots`, and says with which slot to go on.
///
/// After an error that is the next slot; after one in a 64-bit immediate load the one after its
/// second slot, if that one has the opcode of a second slot.
fn decode_first<T>(
    slots: &[T],
    raw: impl Fn(&T) -> Raw,
) -> Option<(Result<Insn, DecodeError>, usize)> {
    let first = raw(slots.first()?);
    if first.code != LONG {
        return Some((decode(&[first]), 1));
    }
    let second = slots.get(1).map(raw);
    let result = match second {
        Some(second) => decode(&[first, second]),
        None => decode(&[first]),
    };
    let next = match (&result, second) {
        (Ok(insn), _) => insn.slots(),
        (Err(_), Some(second)) if second.code == 0 => 2,
        (Err(_), _) => 1,
    };
    Some((result, next))
}

/// Decodes the first instruction of the bytes of slots, and says with which slot to go on, as
/// [`decode_all`] does.
pub fn decode_next(
    slots: &[[u8; Raw::SIZE]],
    endian: Endian,
) -> Option<(Result<Insn, DecodeError>, usize)> {
    decode_first(slots, |slot| Raw::from_bytes(*slot, endian))
}

/// Decodes all instructions, each with the index of its first slot.
///
/// After an error it goes on with the next slot; after one in a 64-bit immediate load with what
/// follows its second slot, if that one has the opcode of a second slot.
pub fn decode_all(slots: &[Raw]) -> impl Iterator<Item = (usize, Result<Insn, DecodeError>)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (result, by) = decode_first(slots.get(at..)?, |raw| *raw)?;
        at += by;
        Some((at - by, result))
    })
}

/// The same for the bytes of slots, of which no copy is made. `wanted` says of which opcodes: the
/// others are gone over without being decoded.
pub fn decode_bytes(
    bytes: &[u8],
    endian: Endian,
    wanted: impl Fn(u8) -> bool,
) -> impl Iterator<Item = (usize, Result<Insn, DecodeError>)> {
    let (slots, mut at) = (bytes.as_chunks().0, 0);
    std::iter::from_fn(move || {
        let skip = |slot: &[u8; Raw::SIZE]| slot[0] != LONG && !wanted(slot[0]);
        at += slots.get(at..)?.iter().take_while(|slot| skip(slot)).count();
        let (result, by) = decode_next(&slots[at..], endian)?;
        at += by;
        Some((at - by, result))
    })
}
