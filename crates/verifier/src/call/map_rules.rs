//! Which of Linux's helpers work with which kinds of maps. The prototypes say only that a map is
//! taken; this table is the kernel's behaviour. Definitions that are not in it take any map.

/// Maps of these kinds are for these functions alone, and these functions for these maps.
const ONLY: &[(&[&str], &[&str])] = &[
    (&["prog_array"], &["bpf_tail_call"]),
    (
        &["perf_event_array"],
        &[
            "bpf_perf_event_read",
            "bpf_perf_event_output",
            "bpf_skb_output",
            "bpf_perf_event_read_value",
            "bpf_xdp_output",
        ],
    ),
    (
        &["ringbuf"],
        &[
            "bpf_ringbuf_output",
            "bpf_ringbuf_reserve",
            "bpf_ringbuf_query",
            "bpf_ringbuf_reserve_dynptr",
        ],
    ),
    (&["user_ringbuf"], &["bpf_user_ringbuf_drain"]),
    (&["stack_trace"], &["bpf_get_stackid"]),
    (&["cgroup_array"], &["bpf_skb_under_cgroup", "bpf_current_task_under_cgroup"]),
    (&["cgroup_storage", "percpu_cgroup_storage"], &["bpf_get_local_storage"]),
    (&["cpumap"], &["bpf_redirect_map"]),
    (&["sk_storage"], &["bpf_sk_storage_get", "bpf_sk_storage_delete"]),
    (&["inode_storage"], &["bpf_inode_storage_get", "bpf_inode_storage_delete"]),
    (&["task_storage"], &["bpf_task_storage_get", "bpf_task_storage_delete"]),
    (&["cgrp_storage"], &["bpf_cgrp_storage_get", "bpf_cgrp_storage_delete"]),
];

/// Maps of these kinds are for these functions, which work with others as well.
const FOR: &[(&[&str], &[&str])] = &[
    (&["devmap", "devmap_hash", "xskmap"], &["bpf_redirect_map", "bpf_map_lookup_elem"]),
    (&["array_of_maps", "hash_of_maps"], &["bpf_map_lookup_elem"]),
    (
        &["sockmap"],
        &[
            "bpf_sk_redirect_map",
            "bpf_sock_map_update",
            "bpf_map_delete_elem",
            "bpf_msg_redirect_map",
            "bpf_sk_select_reuseport",
            "bpf_map_lookup_elem",
            "bpf_map_update_elem",
        ],
    ),
    (
        &["sockhash"],
        &[
            "bpf_sk_redirect_hash",
            "bpf_sock_hash_update",
            "bpf_map_delete_elem",
            "bpf_msg_redirect_hash",
            "bpf_sk_select_reuseport",
            "bpf_map_lookup_elem",
            "bpf_map_update_elem",
        ],
    ),
    (&["reuseport_sockarray"], &["bpf_sk_select_reuseport"]),
    (&["queue", "stack"], &["bpf_map_push_elem", "bpf_map_pop_elem", "bpf_map_peek_elem"]),
    (&["bloom_filter"], &["bpf_map_push_elem", "bpf_map_peek_elem"]),
];

/// These functions are for maps of these kinds.
const NEEDS: &[(&str, &[&str])] = &[
    ("bpf_redirect_map", &["devmap", "devmap_hash", "cpumap", "xskmap"]),
    ("bpf_sk_redirect_map", &["sockmap"]),
    ("bpf_sock_map_update", &["sockmap"]),
    ("bpf_msg_redirect_map", &["sockmap"]),
    ("bpf_sk_redirect_hash", &["sockhash"]),
    ("bpf_sock_hash_update", &["sockhash"]),
    ("bpf_msg_redirect_hash", &["sockhash"]),
    ("bpf_sk_select_reuseport", &["reuseport_sockarray", "sockmap", "sockhash"]),
    ("bpf_map_pop_elem", &["queue", "stack"]),
    ("bpf_map_push_elem", &["queue", "stack", "bloom_filter"]),
    ("bpf_map_peek_elem", &["queue", "stack", "bloom_filter"]),
    ("bpf_map_lookup_percpu_elem", &["percpu_array", "percpu_hash", "lru_percpu_hash"]),
    (
        "bpf_for_each_map_elem",
        &["array", "percpu_array", "hash", "percpu_hash", "lru_hash", "lru_percpu_hash"],
    ),
    ("bpf_timer_init", &["hash", "lru_hash", "array"]),
];

/// Whether a function works with maps of a kind.
pub(crate) fn fits(function: &str, kind: &str) -> bool {
    for (kinds, functions) in ONLY {
        if kinds.contains(&kind) != functions.contains(&function)
            // One function for several kinds of maps that are otherwise for none.
            && !(function == "bpf_redirect_map" && NEEDS[0].1.contains(&kind))
        {
            return false;
        }
    }
    FOR.iter().all(|(kinds, functions)| !kinds.contains(&kind) || functions.contains(&function))
        && NEEDS.iter().all(|(name, kinds)| *name != function || kinds.contains(&kind))
}
