//! Instructions to slots. The inverse of `decode`, and as strict.

use std::ops::Deref;

use abide_diag::{Diagnostic, Report};
use thiserror::Error;

use crate::codes;
use crate::decode::SlotField;
use crate::insn::Insn;
use crate::kind::Kind;
use crate::raw::{Endian, Raw};
use crate::shape::slot_of;
use crate::table::Op;

/// Why an instruction has no encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{}", self.report().message)]
pub enum EncodeError {
    /// The form does not use the field, and the instruction has a value in it.
    Unused {
        /// The instruction.
        insn: Insn,
        /// The field.
        field: SlotField,
    },
    /// The immediate does not fit into its field.
    ImmRange {
        /// The instruction.
        insn: Insn,
    },
}

impl Report for EncodeError {
    fn report(&self) -> Diagnostic {
        match self {
            EncodeError::Unused { insn, field } => Diagnostic::error(
                &codes::UNUSED_FIELD,
                format!("{} does not use {}, but has a value in it", insn.op.name(), field.name()),
            ),
            EncodeError::ImmRange { insn } => Diagnostic::error(
                &codes::IMM_RANGE,
                format!("the immediate {} of {} does not fit", insn.imm, insn.op.name()),
            ),
        }
    }
}

/// The slots of one instruction; dereferences to a slice of one or two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoded {
    slots: [Raw; 2],
    two: bool,
}

impl Deref for Encoded {
    type Target = [Raw];

    fn deref(&self) -> &[Raw] {
        if self.two { &self.slots } else { &self.slots[..1] }
    }
}

/// Encodes an instruction.
#[inline]
pub fn encode(insn: &Insn) -> Result<Encoded, EncodeError> {
    let (first, second) = words(insn)?;
    let slots = [first, second.unwrap_or(0)].map(Raw::of_word);
    Ok(Encoded { slots, two: second.is_some() })
}

/// Appends the bytes of an instruction.
#[inline]
pub fn encode_bytes(insn: &Insn, endian: Endian, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let bytes = |word: u64| match endian {
        Endian::Little => word.to_le_bytes(),
        Endian::Big => Raw::of_word(word).to_bytes(Endian::Big),
    };
    let (first, second) = words(insn)?;
    out.extend_from_slice(&bytes(first));
    if let Some(second) = second {
        out.extend_from_slice(&bytes(second));
    }
    Ok(())
}

/// The slots of an instruction as numbers.
#[inline]
fn words(insn: &Insn) -> Result<(u64, Option<u64>), EncodeError> {
    let first = slot_of(insn).ok_or_else(|| refused(insn))?;
    if first as u8 != Op::LdImm64.spec().opcode {
        return match i32::try_from(insn.imm) {
            Ok(_) => Ok((first, None)),
            Err(_) => Err(refused(insn)),
        };
    }
    match insn.kind() {
        Kind::LdImm64(kind) if !kind.uses_high() && insn.imm_high() != 0 => Err(refused(insn)),
        _ => Ok((first, Some(Raw { imm: insn.imm_high(), ..Raw::default() }.word()))),
    }
}

/// Why an instruction has no slots.
#[cold]
fn refused(insn: &Insn) -> EncodeError {
    let spec = insn.op.spec();
    let fields = [
        (spec.dst, i64::from(insn.dst.number()), SlotField::Dst),
        (spec.src, i64::from(insn.src.number()), SlotField::Src),
        (spec.off, i64::from(insn.off), SlotField::Off),
        (spec.imm, insn.imm, SlotField::Imm),
    ];
    match fields.iter().find(|(field, used, _)| field.constant().is_some() && *used != 0) {
        Some((_, _, field)) => EncodeError::Unused { insn: *insn, field: *field },
        None => EncodeError::ImmRange { insn: *insn },
    }
}
