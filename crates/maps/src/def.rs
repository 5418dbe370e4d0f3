//! What a map is asked to be: its type, sizes and flags, and the rules that the kernel checks before
//! it creates one. Allocates nothing.

use crate::MapError;

/// Creation flags of a map (`BPF_F_…` of `enum bpf_attr`'s `map_flags`).
pub mod flags {
    /// Allocate elements when they are inserted. Accepted for hashes; they are preallocated all the same.
    pub const NO_PREALLOC: u32 = 1 << 0;
    /// A separate LRU list for each CPU. Accepted for LRU maps; there is one list all the same.
    pub const NO_COMMON_LRU: u32 = 1 << 1;
    /// Place the map on a NUMA node. Accepted, without effect.
    pub const NUMA_NODE: u32 = 1 << 2;
    /// In the kernel, the file descriptor is read-only. There are none here: no effect.
    pub const RDONLY: u32 = 1 << 3;
    /// In the kernel, the file descriptor is write-only. There are none here: no effect.
    pub const WRONLY: u32 = 1 << 4;
    /// The hash's seed is zero: iteration has the same order in every run.
    pub const ZERO_SEED: u32 = 1 << 6;
    /// Programs may only read.
    pub const RDONLY_PROG: u32 = 1 << 7;
    /// Programs may only write.
    pub const WRONLY_PROG: u32 = 1 << 8;
    /// An array that may be mapped into a process. Accepted, without effect.
    pub const MMAPABLE: u32 = 1 << 10;
    /// An inner array whose size may differ from its template's. Accepted, without effect.
    pub const INNER_MAP: u32 = 1 << 12;
}

/// What every map type takes: who may read and write.
const ACCESS: u32 = flags::RDONLY | flags::WRONLY | flags::RDONLY_PROG | flags::WRONLY_PROG;

/// Flags that a type may take one by one, but not together.
const EXCLUDED_PAIRS: [u32; 3] = [
    flags::RDONLY | flags::WRONLY,
    flags::RDONLY_PROG | flags::WRONLY_PROG,
    flags::NO_COMMON_LRU | flags::NUMA_NODE,
];

/// The page size that guests see, whatever the machine's is: ring buffer sizes are multiples of it.
pub const PAGE_SIZE: u32 = 4096;

/// The largest value of a per-CPU map, rounded up to 8 (the kernel's `PCPU_MIN_UNIT_SIZE`).
const PERCPU_VALUE_MAX: u64 = 32 << 10;

/// Key and value of a hash element together stay below this in the kernel (what `kmalloc` gives at
/// most, less the element's header).
const HASH_ELEMENT_MAX: u64 = (4 << 20) - 48;

macro_rules! kinds {
    ($($(#[$doc:meta])+ $variant:ident = $number:literal $name:literal),+ $(,)?) => {
        /// A map type, by the kernel's number (`enum bpf_map_type`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum MapKind { $($(#[$doc])+ $variant = $number),+ }

        impl MapKind {
            /// All that can be created.
            pub const ALL: &[MapKind] = &[$(MapKind::$variant),+];

            /// The type with this number, if it is supported.
            pub fn from_u32(number: u32) -> Option<MapKind> {
                match number { $($number => Some(MapKind::$variant),)+ _ => None }
            }

            /// The kernel's name for it, in lower case and without its prefix.
            pub fn name(self) -> &'static str {
                match self { $(MapKind::$variant => $name),+ }
            }
        }
    };
}

kinds! {
    /// Any key to a value.
    Hash = 1 "hash",
    /// Index to a value; all elements exist.
    Array = 2 "array",
    /// Index to a program, for tail calls.
    ProgArray = 3 "prog_array",
    /// A hash with one copy of each value per CPU.
    PercpuHash = 5 "percpu_hash",
    /// An array with one copy of each value per CPU.
    PercpuArray = 6 "percpu_array",
    /// A hash that makes room by dropping what was not used lately.
    LruHash = 9 "lru_hash",
    /// Both: LRU, and one copy per CPU.
    LruPercpuHash = 10 "lru_percpu_hash",
    /// Records from many producers to one consumer.
    Ringbuf = 27 "ringbuf",
}

impl MapKind {
    /// The type of this name (`percpu_array`), if it is supported.
    pub fn from_name(name: &str) -> Option<MapKind> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether every element has one copy per CPU.
    pub fn is_percpu(self) -> bool {
        matches!(self, MapKind::PercpuHash | MapKind::PercpuArray | MapKind::LruPercpuHash)
    }

    /// Whether its keys are hashed.
    pub fn is_hash(self) -> bool {
        use MapKind::{Hash, LruHash, LruPercpuHash, PercpuHash};
        matches!(self, Hash | PercpuHash | LruHash | LruPercpuHash)
    }

    /// Whether it drops old elements to make room.
    pub fn is_lru(self) -> bool {
        matches!(self, MapKind::LruHash | MapKind::LruPercpuHash)
    }

    /// Whether it takes each of these creation flags, alone.
    pub(crate) fn takes_flags(self, flags: u32) -> bool {
        flags & !self.allowed_flags() == 0
    }

    /// The creation flags that it takes.
    fn allowed_flags(self) -> u32 {
        match self {
            MapKind::Array => flags::NUMA_NODE | flags::MMAPABLE | flags::INNER_MAP | ACCESS,
            // A per-CPU value has no node of its own.
            MapKind::PercpuArray => ACCESS,
            MapKind::ProgArray => flags::NUMA_NODE | flags::RDONLY | flags::WRONLY,
            MapKind::Hash => flags::NO_PREALLOC | flags::NUMA_NODE | flags::ZERO_SEED | ACCESS,
            MapKind::PercpuHash => flags::NO_PREALLOC | flags::ZERO_SEED | ACCESS,
            MapKind::LruHash => flags::NO_COMMON_LRU | flags::NUMA_NODE | flags::ZERO_SEED | ACCESS,
            MapKind::LruPercpuHash => flags::NO_COMMON_LRU | flags::ZERO_SEED | ACCESS,
            MapKind::Ringbuf => flags::NUMA_NODE,
        }
    }
}

impl TryFrom<u32> for MapKind {
    type Error = MapError;

    fn try_from(number: u32) -> Result<MapKind, MapError> {
        MapKind::from_u32(number).ok_or(MapError::UnknownKind { number })
    }
}

/// What to create, as it stands in an object or a call. Nothing in it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapDef {
    /// For people; need not be unique.
    pub name: String,
    /// The map type.
    pub kind: MapKind,
    /// Bytes of a key.
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// How many elements at most; for a ring buffer, its bytes.
    pub max_entries: u32,
    /// See [`flags`].
    pub flags: u32,
}

impl MapDef {
    /// The kernel's checks on type, sizes and flags, before anything is allocated.
    pub fn check(&self) -> Result<(), MapError> {
        let kind = self.kind;
        self.check_flags()?;
        let key_fits = match kind {
            MapKind::Array | MapKind::PercpuArray | MapKind::ProgArray => self.key_size == 4,
            MapKind::Ringbuf => self.key_size == 0,
            _ => self.key_size != 0,
        };
        if !key_fits {
            return Err(MapError::KeySize { kind, size: self.key_size, too_big: false });
        }
        let value_fits = match kind {
            MapKind::Ringbuf => self.value_size == 0,
            MapKind::ProgArray => self.value_size == 4,
            _ => self.value_size != 0,
        };
        if !value_fits {
            return Err(MapError::ValueSize { kind, size: self.value_size, too_big: false });
        }
        let entries_fit = match kind {
            MapKind::Ringbuf => {
                self.max_entries.is_power_of_two() && self.max_entries.is_multiple_of(PAGE_SIZE)
            }
            _ => self.max_entries != 0,
        };
        if !entries_fit {
            return Err(MapError::MaxEntries { kind, entries: self.max_entries, too_big: false });
        }
        self.check_upper_bounds()
    }

    fn check_flags(&self) -> Result<(), MapError> {
        let unknown = self.flags & !self.kind.allowed_flags();
        if unknown != 0 {
            return Err(MapError::Flags { kind: self.kind, flags: unknown });
        }
        for pair in EXCLUDED_PAIRS {
            if self.flags & pair == pair {
                return Err(MapError::Flags { kind: self.kind, flags: pair });
            }
        }
        Ok(())
    }

    fn check_upper_bounds(&self) -> Result<(), MapError> {
        let kind = self.kind;
        let (key, value) = (u64::from(self.key_size), u64::from(self.value_size));
        let hash = kind.is_hash();
        if value > i32::MAX as u64
            || (kind.is_percpu() && value.next_multiple_of(8) > PERCPU_VALUE_MAX)
            || (hash && value >= HASH_ELEMENT_MAX)
        {
            return Err(MapError::ValueSize { kind, size: self.value_size, too_big: true });
        }
        if hash && key + value >= HASH_ELEMENT_MAX {
            return Err(MapError::KeySize { kind, size: self.key_size, too_big: true });
        }
        if hash && self.max_entries > 1 << 31 {
            return Err(MapError::MaxEntries { kind, entries: self.max_entries, too_big: true });
        }
        Ok(())
    }
}

/// What a host gives to one map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many CPUs programs see: copies of each per-CPU value.
    pub cpus: u32,
    /// The most memory that one map may take, bookkeeping included.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// One CPU, 256 MiB.
    fn default() -> Self {
        Limits { cpus: 1, max_bytes: 256 << 20 }
    }
}

/// More CPUs than any kernel is built for.
pub(crate) const MAX_CPUS: u32 = 8192;
