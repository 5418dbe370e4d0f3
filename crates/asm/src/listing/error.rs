//! Why a file is not listed.

use abide_diag::{Diagnostic, Report};

use crate::codes;

/// Why bytes could not be listed as an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// It is no ELF file, or one for another machine.
    #[error("this is not a BPF object: {0}")]
    NotBpf(&'static str),
    /// Its tables contradict themselves or reach beyond its end.
    #[error("the ELF file is damaged: {0}")]
    Damaged(String),
    /// Its sections are larger than itself, so that they lie on each other.
    #[error("the sections of the file have {sum} bytes, but the file only {file}")]
    Overlap {
        /// The sum of the sizes of all sections.
        sum: u64,
        /// The size of the file.
        file: u64,
    },
}

impl Report for ListError {
    fn report(&self) -> Diagnostic {
        let (code, help) = match self {
            ListError::NotBpf(_) => {
                (&codes::NOT_BPF, Some("`abide disasm --raw` lists bare instructions without ELF"))
            }
            ListError::Damaged(_) => (&codes::DAMAGED, None),
            ListError::Overlap { .. } => (&codes::OVERLAP, None),
        };
        let error = Diagnostic::error(code, self.to_string());
        match help {
            Some(help) => error.help(help),
            None => error,
        }
    }
}
