//! Why a kernel cannot be described.

use abide_diag::{Diagnostic, Report};

use crate::codes::{K_NO_NODE, K_NOT_A_KERNEL};

/// Why BTF gives no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// It is not a kernel's.
    #[error("this is not the BTF of a whole kernel: it has no numbers of helpers")]
    NotAKernel,
    /// It stands on no node.
    #[error("no node of the API `{api}` describes this kernel")]
    NoNode {
        /// The API.
        api: String,
    },
}

impl Report for ProfileError {
    fn report(&self) -> Diagnostic {
        let message = self.to_string();
        match self {
            ProfileError::NotAKernel => Diagnostic::error(&K_NOT_A_KERNEL, message)
                .note("`enum bpf_func_id` with BPF_FUNC_map_lookup_elem = 1 was looked for")
                .help("a kernel shows its own as /sys/kernel/btf/vmlinux"),
            ProfileError::NoNode { .. } => Diagnostic::error(&K_NO_NODE, message)
                .note("no node has most of what it brought present in the BTF"),
        }
    }
}
