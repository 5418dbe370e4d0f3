//! What is wrong with the BTF of some kernels, by name. None of it is a reason to refuse the BTF: it
//! says what cannot be believed, and what was done about it.

use std::fmt;

/// A known defect of a kernel's BTF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Defect {
    /// No function has a `bpf_kfunc` tag: an old pahole made it. Kfuncs are then known by name alone.
    NoTags,
    /// These kfuncs have no `bpf_kfunc` tag, though others have.
    MissingTags(Vec<String>),
    /// These kfuncs still show the `aux` argument that the kernel fills in and programs do not pass.
    HiddenArgument(Vec<String>),
    /// `struct bpf_ctx_convert` is missing: which program types were built is not known.
    NoProgramTypes,
}

impl Defect {
    /// A short name that stays the same.
    pub fn name(&self) -> &'static str {
        match self {
            Defect::NoTags => "no-kfunc-tags",
            Defect::MissingTags(_) => "missing-kfunc-tags",
            Defect::HiddenArgument(_) => "hidden-argument",
            Defect::NoProgramTypes => "no-program-types",
        }
    }

    /// The kfuncs that have it.
    pub fn kfuncs(&self) -> &[String] {
        match self {
            Defect::MissingTags(names) | Defect::HiddenArgument(names) => names,
            Defect::NoTags | Defect::NoProgramTypes => &[],
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Defect::NoTags => f.write_str("no function is tagged as a kfunc (an old pahole)"),
            Defect::MissingTags(names) => write!(f, "{} not tagged", kfuncs(names.len())),
            Defect::HiddenArgument(names) => {
                write!(
                    f,
                    "{} shown with the argument that the kernel fills in",
                    kfuncs(names.len())
                )
            }
            Defect::NoProgramTypes => {
                f.write_str("the program types that were built are not listed")
            }
        }
    }
}

fn kfuncs(count: usize) -> String {
    if count == 1 { "1 kfunc is".to_owned() } else { format!("{count} kfuncs are") }
}
