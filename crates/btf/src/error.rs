//! What can be wrong with BTF, with its place. Prints nothing by itself.

use abide_diag::{Diagnostic, Report};

use crate::TypeId;
use crate::codes::*;

/// Why bytes were not accepted as BTF.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BtfError {
    /// The magic number is missing.
    #[error("this is not BTF: it begins with {found:#06x}, not with 0xeb9f")]
    Magic {
        /// The first two bytes, read as little endian.
        found: u16,
    },
    /// Something reaches beyond the end of the data.
    #[error("{what} reaches to byte {end}, but there are only {have}")]
    Truncated {
        /// The part of the file.
        what: &'static str,
        /// Where it would end.
        end: u64,
        /// How much there is.
        have: u64,
    },
    /// A version or flags that nobody has defined.
    #[error("version {version} with flags {flags:#x} of BTF is not known")]
    Version {
        /// The version in the header.
        version: u8,
        /// The flags in the header.
        flags: u8,
    },
    /// An unknown kind.
    #[error("kind {kind} is not known")]
    Kind {
        /// The type.
        id: TypeId,
        /// The number of the kind.
        kind: u32,
    },
    /// An id that is not there.
    #[error("{what} refers to type {target}, but the last type is {last}")]
    TypeId {
        /// The type that refers, if it is one.
        id: Option<TypeId>,
        /// What in it refers.
        what: &'static str,
        /// The id that is not there.
        target: u32,
        /// The last id that is.
        last: u32,
    },
    /// A name that is not there.
    #[error("{what} is at {offset} in the string table, where no string can begin")]
    String {
        /// The type that has the name, if it is one.
        id: Option<TypeId>,
        /// What in it has the name.
        what: &'static str,
        /// The offset in the string table.
        offset: u32,
    },
    /// A string table that does not begin and end with NUL.
    #[error("the string table does not {0} with a NUL byte")]
    Strings(&'static str),
    /// A type inside itself, or too many levels.
    #[error("it contains itself, or is nested deeper than {limit} levels")]
    Nesting {
        /// The type.
        id: TypeId,
        /// How many levels there may be.
        limit: u32,
    },
    /// An impossible size or position.
    #[error("{what} is impossible: {value}")]
    Size {
        /// The type.
        id: TypeId,
        /// The size or position that is meant.
        what: &'static str,
        /// Its value.
        value: u64,
    },
    /// A reference to the wrong kind of type.
    #[error("{what} is type {target}, which is not {expected}")]
    Reference {
        /// The type.
        id: TypeId,
        /// What in it refers.
        what: &'static str,
        /// The type that it refers to.
        target: u32,
        /// What should be there.
        expected: &'static str,
    },
    /// Split BTF over something that is not its base.
    #[error("it was not made over this base: {why}")]
    Base {
        /// The type that shows it, if it is one.
        id: Option<TypeId>,
        /// How it shows.
        why: &'static str,
    },
    /// A type that split BTF needs of its base is not in another base, or there are several.
    #[error("the new base has {found} for `{}`", abide_diag::printable(name))]
    Rebase {
        /// The type in the old base.
        id: TypeId,
        /// What it is called.
        name: String,
        /// What was found.
        found: &'static str,
    },
    /// Types that C would need too much text for.
    #[error("a C header of these types would be too long or nested too deep")]
    Header,
    /// A malformed table of `.BTF.ext`.
    #[error("{what}: {value}")]
    Ext {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        what: &'static str,
        /// The offending number.
        value: u32,
    },
}

impl Report for BtfError {
    fn report(&self) -> Diagnostic {
        let (code, place) = match self {
            BtfError::Magic { .. } => (&B_MAGIC, None),
            BtfError::Truncated { .. } => (&B_TRUNCATED, None),
            BtfError::Version { .. } => (&B_VERSION, None),
            BtfError::Kind { id, .. } => (&B_KIND, Some(*id)),
            BtfError::TypeId { id, .. } => (&B_TYPE_ID, *id),
            BtfError::String { id, .. } => (&B_STRING, *id),
            BtfError::Strings(_) => (&B_STRINGS, None),
            BtfError::Nesting { id, .. } => (&B_NESTING, Some(*id)),
            BtfError::Size { id, .. } => (&B_SIZE, Some(*id)),
            BtfError::Reference { id, .. } => (&B_REFERENCE, Some(*id)),
            BtfError::Base { id, .. } => (&B_BASE, *id),
            BtfError::Rebase { id, .. } => (&B_REBASE, Some(*id)),
            BtfError::Header => (&B_HEADER, None),
            BtfError::Ext { table, .. } => {
                return Diagnostic::error(&B_EXT, self.to_string())
                    .in_place(format!("BTF.ext: {table}"));
            }
        };
        let mut diagnostic = Diagnostic::error(code, self.to_string());
        if let Some(help) = self.help() {
            diagnostic = diagnostic.help(help);
        }
        match place {
            Some(id) => diagnostic.in_place(format!("BTF: type {id}")),
            None => diagnostic.in_place("BTF"),
        }
    }
}

impl BtfError {
    /// What such a file may be instead.
    fn help(&self) -> Option<&'static str> {
        match self {
            BtfError::Magic { found: 0xb528 } => Some("it is compressed: `zstd -d` unpacks it"),
            BtfError::Magic { found: 0x8b1f } => Some("it is compressed: `gzip -d` unpacks it"),
            BtfError::Magic { found: 0x37fd } => Some("it is compressed: `xz -d` unpacks it"),
            BtfError::Magic { found: 0x5a4d } => {
                Some("it is an image to boot; the kernel in it, unpacked, is an ELF file")
            }
            BtfError::Strings("begin") => {
                Some("the types of a kernel module go on from those of its kernel (`--base`)")
            }
            _ => None,
        }
    }
}
