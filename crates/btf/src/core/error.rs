//! Why a CO-RE relocation is refused. A host that lacks something is no error: see
//! [`crate::core::Poison`].

use abide_diag::{Diagnostic, Report};

use crate::codes::*;
use crate::{CoreKind, TypeId};

/// Why a CO-RE relocation is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoreError {
    /// The record says nothing that can be looked up.
    #[error("`{}` is no way into type {ty}: {why}", abide_diag::printable(access))]
    Access {
        /// The type.
        ty: TypeId,
        /// The way into it.
        access: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A type without a name cannot be looked up on a host.
    #[error("type {ty} has no name, so no host can be asked for it")]
    Anonymous {
        /// The type.
        ty: TypeId,
    },
    /// Types of the host that have the name give different answers.
    #[error(
        "types {first} and {second} of the host both fit, but give different answers: \
         {first_answer} and {second_answer}"
    )]
    Ambiguous {
        /// The first type.
        first: TypeId,
        /// What it gives.
        first_answer: String,
        /// Another type.
        second: TypeId,
        /// What that gives.
        second_answer: String,
    },
    /// An instruction that holds no such number, or that does not exist.
    #[error("{0}")]
    Instruction(&'static str),
    /// The instruction does not hold what the object's own types say.
    #[error(
        "the instruction holds {found}, but by the object's own types it should hold {expected}"
    )]
    Unexpected {
        /// What it holds.
        found: i64,
        /// What it should hold.
        expected: i64,
    },
    /// The instruction has no room for the answer.
    #[error("{value} does not fit the 16-bit offset of the instruction")]
    TooLarge {
        /// The answer.
        value: u64,
    },
    /// A field for which no load is wide enough.
    #[error("the bit field at bit {bit} needs more than one load of 8 bytes")]
    BitField {
        /// Where it begins.
        bit: u64,
    },
    /// A load or store whose size cannot be changed.
    #[error("the instruction accesses {insn} bytes; the field has {local}, and {host} on the host")]
    Width {
        /// The size of the access.
        insn: u32,
        /// The size of the field for the object.
        local: u32,
        /// The size of the field on the host.
        host: u32,
    },
    /// A question that cannot be asked of this.
    #[error("{what} of type {ty} cannot be told")]
    Question {
        /// The type, of the object or of the host.
        ty: TypeId,
        /// What was asked.
        what: &'static str,
    },
    /// Types that take too much time to compare.
    #[error("comparing type {ty} with the host's takes too deep or too many steps")]
    TooDeep {
        /// The type.
        ty: TypeId,
    },
}

impl CoreError {
    /// A question that has no answer.
    pub(super) fn question(ty: TypeId, kind: CoreKind) -> CoreError {
        let what = match kind {
            CoreKind::FieldByteOffset => "the offset of a field",
            CoreKind::FieldByteSize | CoreKind::TypeSize => "the size",
            CoreKind::FieldSigned => "the sign of an element",
            CoreKind::FieldLeftShift | CoreKind::FieldRightShift => "the shift of an element",
            _ => "this",
        };
        CoreError::Question { ty, what }
    }
}

impl Report for CoreError {
    fn report(&self) -> Diagnostic {
        let (code, help) = match self {
            CoreError::Access { .. } => (&B_CORE_ACCESS, None),
            CoreError::Anonymous { .. } => {
                (&B_CORE_ANONYMOUS, Some("give the type a name, or a typedef and use that"))
            }
            CoreError::Ambiguous { .. } => (
                &B_CORE_AMBIGUOUS,
                Some("a flavour (`name___mine`) with more fields tells them apart"),
            ),
            CoreError::Instruction(_) => (&B_CORE_INSTRUCTION, None),
            CoreError::Unexpected { .. } => {
                (&B_CORE_UNEXPECTED, Some("BTF and code are of different builds: compile again"))
            }
            CoreError::TooLarge { .. } => {
                (&B_CORE_TOO_LARGE, Some("read the field with bpf_core_read() instead"))
            }
            CoreError::BitField { .. } => (&B_CORE_BIT_FIELD, None),
            CoreError::Width { .. } => {
                (&B_CORE_WIDTH, Some("read the field with bpf_core_read() or BPF_CORE_READ_INTO()"))
            }
            CoreError::Question { .. } => (&B_CORE_QUESTION, None),
            CoreError::TooDeep { .. } => (&B_CORE_TOO_DEEP, None),
        };
        let diagnostic = Diagnostic::error(code, self.to_string());
        match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}
