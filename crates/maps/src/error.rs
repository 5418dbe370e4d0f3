//! Why a map cannot be created, with a code each. Knows no operation on maps: those return
//! [`Errno`](crate::Errno), as programs see them.

use abide_diag::{Diagnostic, Report};

use crate::def::{MAX_CPUS, PAGE_SIZE};
use crate::{Errno, MapKind, codes};

/// A refusal to create a map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapError {
    /// A map type by number that is not supported.
    #[error("map type {number} is not supported")]
    UnknownKind {
        /// The kernel's number of it.
        number: u32,
    },
    /// The key's size does not suit the type.
    #[error("{} cannot have a key of {size} bytes", a(.kind))]
    KeySize {
        /// The map type.
        kind: MapKind,
        /// The size asked for.
        size: u32,
        /// Whether it is beyond the upper bound.
        too_big: bool,
    },
    /// The value's size does not suit the type.
    #[error("{} cannot have a value of {size} bytes", a(.kind))]
    ValueSize {
        /// The map type.
        kind: MapKind,
        /// The size asked for.
        size: u32,
        /// Whether it is beyond the upper bound.
        too_big: bool,
    },
    /// The number of entries does not suit the type.
    #[error("{} cannot have max_entries = {entries}", a(.kind))]
    MaxEntries {
        /// The map type.
        kind: MapKind,
        /// The number asked for.
        entries: u32,
        /// Whether it is beyond the upper bound.
        too_big: bool,
    },
    /// Flags that the type does not take, or that exclude each other.
    #[error("{} cannot have the flags {flags:#x}", a(.kind))]
    Flags {
        /// The map type.
        kind: MapKind,
        /// The bits that are wrong.
        flags: u32,
    },
    /// More memory than the host allows.
    #[error("the map needs {needed} bytes, and the host allows {limit} for one map")]
    Limit {
        /// What it would take, all in all.
        needed: u128,
        /// What the host allows.
        limit: u64,
    },
    /// The machine did not give the memory.
    #[error("no memory for a map of {bytes} bytes")]
    NoMemory {
        /// What was asked of the machine.
        bytes: u64,
    },
    /// The host's number of CPUs makes no sense.
    #[error("a host cannot have {cpus} CPUs")]
    Cpus {
        /// The number given.
        cpus: u32,
    },
}

fn a(kind: &MapKind) -> String {
    let article = if matches!(kind, MapKind::Array) { "an" } else { "a" };
    format!("{article} {} map", kind.name())
}

impl MapError {
    /// What the kernel returns for the same mistake.
    pub fn errno(&self) -> Errno {
        match self {
            MapError::KeySize { too_big: true, .. }
            | MapError::ValueSize { too_big: true, .. }
            | MapError::MaxEntries { too_big: true, .. }
            | MapError::Limit { .. } => Errno::E2BIG,
            MapError::NoMemory { .. } => Errno::ENOMEM,
            // The kernel has no number of its own for "LRU maps are always preallocated".
            MapError::Flags { kind, flags }
                if kind.is_lru() && *flags == crate::flags::NO_PREALLOC =>
            {
                Errno::ENOTSUPP
            }
            _ => Errno::EINVAL,
        }
    }
}

impl Report for MapError {
    fn report(&self) -> Diagnostic {
        let error = |code| Diagnostic::error(code, self.to_string());
        match self {
            MapError::UnknownKind { .. } => {
                let names: Vec<_> = MapKind::ALL.iter().map(|kind| kind.name()).collect();
                error(&codes::UNKNOWN_KIND).help(format!("this host has {}", names.join(", ")))
            }
            MapError::KeySize { kind, .. } => match kind {
                MapKind::Ringbuf => error(&codes::KEY_SIZE).help("a ring buffer has no key: leave it out"),
                MapKind::Array | MapKind::PercpuArray | MapKind::ProgArray => {
                    error(&codes::KEY_SIZE).help("the key of an array is a `__u32`")
                }
                _ => error(&codes::KEY_SIZE)
                    .help("a key has at least 1 byte, and with its value less than 4 MiB"),
            },
            MapError::ValueSize { kind, too_big, .. } => {
                let help = match kind {
                    MapKind::Ringbuf => "a ring buffer has no value: leave it out",
                    MapKind::ProgArray => "the value of a program array is a `__u32`",
                    _ if !too_big => "a value has at least 1 byte",
                    _ if kind.is_percpu() => "the value of a per-CPU map has at most 32768 bytes",
                    MapKind::Array => "the value of an array has less than 2 GiB",
                    _ => "key and value of a hash together have less than 4 MiB",
                };
                error(&codes::VALUE_SIZE).help(help)
            }
            MapError::MaxEntries { kind, too_big, .. } => error(&codes::MAX_ENTRIES).help(match kind {
                MapKind::Ringbuf => {
                    format!("the size of a ring buffer is a power of two and a multiple of {PAGE_SIZE}")
                }
                _ if *too_big => "a hash has at most 2147483648 entries".to_owned(),
                _ => "set max_entries to at least 1, in the object or before it is loaded".to_owned(),
            }),
            MapError::Flags { kind, flags } => {
                let help = if kind.takes_flags(*flags) {
                    "these flags exclude each other: leave one out"
                } else {
                    "leave these flags out, or use another map type"
                };
                error(&codes::FLAGS).help(help)
            }
            MapError::Limit { .. } => error(&codes::LIMIT)
                .note("maps are allocated when they are created, with room for all their entries")
                .help("lower max_entries, or give the host a higher limit"),
            MapError::NoMemory { .. } => error(&codes::NO_MEMORY).help("lower max_entries"),
            MapError::Cpus { .. } => {
                error(&codes::CPUS).help(format!("give it between 1 and {MAX_CPUS}"))
            }
        }
    }
}
