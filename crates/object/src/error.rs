//! What can be wrong with an object, and where. Prints nothing by itself.

use std::fmt;

use abide_btf::BtfError;
use abide_diag::{Code, Diagnostic, Report, printable};

use crate::codes::*;

/// Why a file was not accepted as a BPF object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ObjectError {
    /// What is wrong.
    pub problem: Problem,
    /// Where.
    pub place: Place,
}

/// A place in an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The section.
    pub section: Option<String>,
    /// The instruction slot, counted from the start of the section.
    pub insn: Option<u64>,
    /// The symbol.
    pub symbol: Option<String>,
}

impl Place {
    /// A section.
    pub(crate) fn section(name: &str) -> Place {
        Place { section: Some(name.to_owned()), ..Place::default() }
    }

    /// A symbol.
    pub(crate) fn symbol(name: &str) -> Place {
        Place::default().with_symbol(name)
    }

    /// Also at a symbol.
    pub(crate) fn with_symbol(mut self, name: &str) -> Place {
        self.symbol = Some(name.to_owned());
        self
    }

    /// Also at a slot.
    pub(crate) fn with_insn(mut self, insn: u64) -> Place {
        self.insn = Some(insn);
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        if let Some(section) = &self.section {
            write!(f, "section {}", printable(section))?;
            comma = ", ";
        }
        if let Some(insn) = self.insn {
            write!(f, "{comma}insn {insn}")?;
            comma = ", ";
        }
        if let Some(symbol) = &self.symbol {
            write!(f, "{comma}symbol {}", printable(symbol))?;
        }
        Ok(())
    }
}

/// What can be wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The ELF file is damaged.
    #[error("this ELF file cannot be read: {0}")]
    Elf(String),
    /// The ELF file is for something else.
    #[error("this is not a BPF object: {0}")]
    NotBpf(&'static str),
    /// More memory than an object may take.
    #[error("this needs {bytes} bytes more than the {limit} that all of an object may take")]
    TooLarge {
        /// What was asked for.
        bytes: u64,
        /// The limit for everything together.
        limit: u64,
    },
    /// A name that is too long or not text.
    #[error("a name is {0}")]
    Name(&'static str),
    /// Malformed code.
    #[error("{0}")]
    Code(&'static str),
    /// A malformed stamp.
    #[error("`{}` is not a stamp: {why}", printable(text))]
    Stamp {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A relocation of a kind that does not exist.
    #[error("relocation type {0} is not for code of BPF")]
    RelocationType(u32),
    /// A relocation for something that cannot be relocated.
    #[error("{0}")]
    Relocation(&'static str),
    /// A reference that leads nowhere.
    #[error(
        "it refers to {what} at byte {offset} of section {}, where there is none",
        printable(section)
    )]
    Target {
        /// What should be there.
        what: &'static str,
        /// The section.
        section: String,
        /// Bytes from the start of the section.
        offset: i64,
    },
    /// A reference to a section that is not understood.
    #[error(
        "it refers to section {}, which holds neither code nor maps nor data",
        printable(section)
    )]
    Section {
        /// The section.
        section: String,
    },
    /// A field of a map definition.
    #[error("field `{}`: {why}", printable(field))]
    MapField {
        /// The field.
        field: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A map definition as a whole.
    #[error("{0}")]
    Map(&'static str),
    /// Maps that only type information could describe.
    #[error("the maps are described by type information, but there is none")]
    MapBtf,
    /// A map definition of the old kind.
    #[error("{0}")]
    LegacyMap(&'static str),
    /// An extern in a section that is not understood.
    #[error("an extern cannot be in section {}", printable(section))]
    Extern {
        /// The section.
        section: String,
    },
    /// A change of code that is not possible.
    #[error("the code cannot be changed: {0}")]
    Patch(&'static str),
    /// A variable in `.struct_ops`.
    #[error("{0}")]
    StructOps(&'static str),
    /// An extern in `.kconfig`, or its value.
    #[error("{0}")]
    Kconfig(String),
    /// A `version` section that is not a number.
    #[error("the section is not a number of four bytes")]
    Version,
    /// A host's file without types.
    #[error("this ELF file has no section .BTF, so it tells nothing of types")]
    NoTypes,
    /// A host of the other byte order; whether that is big endian.
    #[error("the object is {}-endian, the types are those of a {}-endian host", order(!big), order(*big))]
    HostOrder {
        /// The host's.
        big: bool,
    },
    /// Malformed type information.
    #[error(transparent)]
    Btf(BtfError),
}

fn order(big: bool) -> &'static str {
    if big { "big" } else { "little" }
}

impl Problem {
    /// The problem at a place.
    pub(crate) fn at(self, place: Place) -> ObjectError {
        ObjectError { problem: self, place }
    }

    /// The problem of the file as a whole.
    pub(crate) fn nowhere(self) -> ObjectError {
        self.at(Place::default())
    }

    fn code(&self) -> (&'static Code, Option<&'static str>) {
        match self {
            Problem::Elf(_) => (&O_ELF, None),
            Problem::NotBpf(_) => {
                (&O_NOT_BPF, Some("compile with `clang -target bpf -g -c` or `bpf-gcc -gbtf -c`"))
            }
            Problem::TooLarge { .. } => (&O_TOO_LARGE, None),
            Problem::Name(_) => (&O_NAME, None),
            Problem::Code(_) => (&O_CODE, None),
            Problem::Stamp { .. } => {
                (&O_STAMP, Some("a stamp is `api@NODE` with a NUL byte after it"))
            }
            Problem::RelocationType(_) | Problem::Relocation(_) => (&O_RELOCATION, None),
            Problem::Target { .. } => (&O_TARGET, None),
            Problem::Section { .. } => (
                &O_TARGET,
                Some("a variable belongs in `.data.NAME`, `.rodata.NAME` or `.bss.NAME`"),
            ),
            Problem::MapField { .. } | Problem::Map(_) => (&O_MAP, None),
            Problem::MapBtf => (&O_MAP_BTF, Some("compile with `-g`, and keep the section .BTF")),
            Problem::LegacyMap(_) => (&O_LEGACY_MAP, Some("define the map in `.maps` instead")),
            Problem::Extern { .. } => (&O_EXTERN, Some("declare it `__ksym` or `__kconfig`")),
            Problem::Patch(_) => (&O_PATCH, None),
            Problem::StructOps(_) => (&O_STRUCT_OPS, None),
            Problem::Kconfig(_) => (&O_KCONFIG, None),
            Problem::Version => (&O_VERSION, None),
            Problem::NoTypes => {
                let help =
                    "`-g` writes one into objects; that of the kernel that runs here is `vmlinux`";
                (&O_NO_TYPES, Some(help))
            }
            Problem::HostOrder { big: true } => {
                (&O_HOST_ORDER, Some("compile with `-target bpfeb` for this host"))
            }
            Problem::HostOrder { big: false } => {
                (&O_HOST_ORDER, Some("compile with `-target bpfel` for this host"))
            }
            Problem::Btf(error) => (error.report().code, None),
        }
    }
}

impl Report for ObjectError {
    fn report(&self) -> Diagnostic {
        if let Problem::Btf(error) = &self.problem {
            return error.report();
        }
        let (code, help) = self.problem.code();
        let mut diagnostic = Diagnostic::error(code, self.problem.to_string());
        if self.place != Place::default() {
            diagnostic = diagnostic.in_place(self.place.to_string());
        }
        match help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

impl From<BtfError> for ObjectError {
    fn from(error: BtfError) -> ObjectError {
        Problem::Btf(error).nowhere()
    }
}
