//! The numbers of map types in objects, and the names by which API files call them.

/// Names by number, from 0 on, as in `enum bpf_map_type` of Linux's UAPI, in lower case.
const NAMES: &[&str] = &[
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
    "rhash",
];

/// The name of a map type: `hash` for 1.
pub fn map_type_name(number: u32) -> Option<&'static str> {
    NAMES.get(usize::try_from(number).ok()?).copied().filter(|_| number != 0)
}

#[cfg(test)]
mod tests {
    use super::map_type_name;

    #[test]
    fn by_number() {
        assert_eq!(map_type_name(0), None);
        assert_eq!(map_type_name(1), Some("hash"));
        assert_eq!(map_type_name(27), Some("ringbuf"));
        assert_eq!(map_type_name(33), Some("arena"));
        assert_eq!(map_type_name(1000), None);
    }
}
