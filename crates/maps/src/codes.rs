//! Codes of the messages of this room. Holds no logic.

abide_diag::codes! {
    /// The object asks for a map type that this host does not have. The kernel's map types are
    /// numbered; `array`, `percpu_array`, `hash`, `percpu_hash`, `lru_hash`, `lru_percpu_hash`,
    /// `prog_array` and `ringbuf` can be created here.
    UNKNOWN_KIND = "M0001", "map type not supported";
    /// The size of the key does not suit the map type. Arrays are indexed by a `__u32`, so that
    /// their key has 4 bytes; a ring buffer has no key; any other map needs a key of at least one byte.
    KEY_SIZE = "M0002", "unusable key size";
    /// The size of the value does not suit the map type. A ring buffer has no value, a program
    /// array's value is a `__u32`, a value of a per-CPU map has at most 32768 bytes, and any other
    /// value at least one byte.
    VALUE_SIZE = "M0003", "unusable value size";
    /// The number of entries does not suit the map type. It may not be zero; for a ring buffer it is
    /// the size in bytes, a power of two that is a multiple of the page size (4096).
    MAX_ENTRIES = "M0004", "unusable number of entries";
    /// A flag that the map type does not take, or a pair of flags that exclude each other.
    FLAGS = "M0005", "map flags not allowed";
    /// The map would take more memory than the host allows for one map. Maps are allocated when they
    /// are created, with room for all their entries, so that the whole size counts.
    LIMIT = "M0006", "map too large";
    /// The machine did not give the memory that the map needs.
    NO_MEMORY = "M0007", "out of memory";
    /// The host said that it has no CPU, or more than a map can serve. This is a mistake of the
    /// program that embeds the host, not of the object.
    CPUS = "M0008", "unusable number of CPUs";
}
