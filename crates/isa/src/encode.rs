//! Instructions to slots. The inverse of `decode`, and as strict.

use std::ops::Deref;

use abide_diag::{Diagnostic, Report};
use thiserror::Error;

use crate::codes;
use crate::decode::SlotField;
use crate::insn::Insn;
use crate::kind::Kind;
use crate::raw::Raw;
use crate::spec::Field;

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
    let spec = insn.op.spec();
    let constant = |field: Field, used: i64, name| match field.constant() {
        None => Ok(used),
        Some(value) if used == 0 => Ok(i64::from(value)),
        Some(_) => Err(EncodeError::Unused { insn: *insn, field: name }),
    };
    let dst = constant(spec.dst, i64::from(insn.dst.number()), SlotField::Dst)?;
    let src = constant(spec.src, i64::from(insn.src.number()), SlotField::Src)?;
    let off = constant(spec.off, i64::from(insn.off), SlotField::Off)?;
    let imm = constant(spec.imm, insn.imm, SlotField::Imm)?;

    let two = insn.slots() == 2;
    let fits = match spec.kind {
        Kind::LdImm64(kind) => kind.uses_high() || insn.imm_high() == 0,
        _ => i32::try_from(imm).is_ok(),
    };
    if !fits {
        return Err(EncodeError::ImmRange { insn: *insn });
    }
    let first =
        Raw { code: spec.opcode, dst: dst as u8, src: src as u8, off: off as i16, imm: imm as i32 };
    let second = Raw { imm: if two { insn.imm_high() } else { 0 }, ..Raw::default() };
    Ok(Encoded { slots: [first, second], two })
}
