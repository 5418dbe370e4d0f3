//! What Linux lets loaders without privileges do at all: program types, kinds of maps, helpers, the size of a
//! program. The lists are the kernel's behaviour for processes without CAP_BPF and CAP_PERFMON. Other APIs have
//! no such rules.

/// Program types.
const PROGRAMS: &[&str] = &["socket_filter", "cgroup_skb"];

/// Kinds of maps that they may make.
const MAPS: &[&str] = &[
    "hash",
    "percpu_hash",
    "array",
    "percpu_array",
    "array_of_maps",
    "hash_of_maps",
    "prog_array",
    "perf_event_array",
    "cgroup_array",
    "cgroup_storage",
    "percpu_cgroup_storage",
    "ringbuf",
    "user_ringbuf",
];

/// Helpers that their programs may call, as far as the program type may.
const HELPERS: &[&str] = &[
    // Maps.
    "bpf_map_lookup_elem",
    "bpf_map_update_elem",
    "bpf_map_delete_elem",
    "bpf_map_push_elem",
    "bpf_map_pop_elem",
    "bpf_map_peek_elem",
    "bpf_map_lookup_percpu_elem",
    "bpf_tail_call",
    "bpf_get_local_storage",
    "bpf_perf_event_output",
    "bpf_ringbuf_output",
    "bpf_ringbuf_reserve",
    "bpf_ringbuf_submit",
    "bpf_ringbuf_discard",
    "bpf_ringbuf_query",
    // The machine and time.
    "bpf_get_prandom_u32",
    "bpf_get_smp_processor_id",
    "bpf_get_numa_node_id",
    "bpf_ktime_get_ns",
    "bpf_ktime_get_boot_ns",
    "bpf_ktime_get_tai_ns",
    "bpf_ktime_get_coarse_ns",
    // Strings.
    "bpf_strtol",
    "bpf_strtoul",
    "bpf_strncmp",
    // Packets and sockets.
    "bpf_skb_load_bytes",
    "bpf_skb_load_bytes_relative",
    "bpf_get_socket_cookie",
    "bpf_get_socket_uid",
    "bpf_get_netns_cookie",
    "bpf_skb_cgroup_id",
    "bpf_skb_ancestor_cgroup_id",
    "bpf_skb_ecn_set_ce",
    "bpf_sk_fullsock",
    "bpf_sk_lookup_tcp",
    "bpf_sk_lookup_udp",
    "bpf_skc_lookup_tcp",
    "bpf_sk_release",
    "bpf_sk_storage_get",
    "bpf_sk_storage_delete",
    "bpf_sk_cgroup_id",
    "bpf_sk_ancestor_cgroup_id",
    "bpf_tcp_sock",
    "bpf_get_listener_sock",
    // The process, where the program type has one.
    "bpf_get_current_uid_gid",
    "bpf_get_current_pid_tgid",
    "bpf_get_ns_current_pid_tgid",
    "bpf_get_current_comm",
    "bpf_get_cgroup_classid",
    "bpf_get_retval",
    "bpf_set_retval",
];

/// Slots of a program.
pub(super) const MAX_SLOTS: usize = 4096;

/// Hosts from this node on keep the processor from going on by mistake, where that is not safe.
pub(crate) const BARRIERS: &str = "LINUX_6.17";

pub(super) fn program(name: &str) -> bool {
    PROGRAMS.contains(&name)
}

pub(super) fn map(kind: &str) -> bool {
    MAPS.contains(&kind)
}

pub(super) fn helper(name: &str) -> bool {
    HELPERS.contains(&name)
}
