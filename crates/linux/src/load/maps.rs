//! Map types, each with sizes that the kernel takes.

use super::sys::Create;

/// `BPF_F_NO_PREALLOC`.
const NO_PREALLOC: u32 = 1;
/// `BPF_F_MMAPABLE`.
const MMAPABLE: u32 = 1 << 10;

/// How to make a map of a type, by its name and number; `None` for types whose values need BTF of their
/// own.
pub(crate) fn how(name: &str, kind: u32) -> Option<Create> {
    let sizes =
        |key, value, entries, flags| Create { kind, key, value, entries, flags, of_maps: false };
    Some(match name {
        "lpm_trie" => sizes(8, 8, 1, NO_PREALLOC),
        "array_of_maps" | "hash_of_maps" => Create { of_maps: true, ..sizes(4, 4, 1, 0) },
        "cgroup_storage" | "percpu_cgroup_storage" => sizes(8, 8, 0, 0),
        "queue" | "stack" | "bloom_filter" => sizes(0, 8, 1, 0),
        "ringbuf" | "user_ringbuf" => sizes(0, 0, 65536, 0),
        "arena" => sizes(0, 0, 1, MMAPABLE),
        "insn_array" => sizes(4, 16, 1, 0),
        "rhash" => sizes(4, 8, 1, NO_PREALLOC),
        "hash"
        | "array"
        | "percpu_hash"
        | "percpu_array"
        | "lru_hash"
        | "lru_percpu_hash"
        | "stack_trace"
        | "reuseport_sockarray" => sizes(4, 8, 1, 0),
        "prog_array" | "perf_event_array" | "cgroup_array" | "devmap" | "devmap_hash"
        | "sockmap" | "sockhash" | "cpumap" | "xskmap" => sizes(4, 4, 1, 0),
        _ => return None,
    })
}
