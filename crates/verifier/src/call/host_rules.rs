//! What Linux lets only some programs do with a function, where prototypes have no word for it: by the
//! names of functions and program types. Other APIs have no such rules.

/// Programs that may store to maps of sockets and delete from them. What an extension may do, its target
/// decides.
const SOCKET_MAPS: &[&str] = &[
    "ext",
    "iter",
    "socket_filter",
    "tc",
    "sched_act",
    "xdp",
    "sk_reuseport",
    "flow_dissector",
    "sk_lookup",
];

/// Functions that take memory in the packet. Others may move the packet while they read from it.
const PACKET: &[&str] = &[
    "bpf_map_lookup_elem",
    "bpf_map_lookup_percpu_elem",
    "bpf_map_update_elem",
    "bpf_map_delete_elem",
    "bpf_map_push_elem",
    "bpf_csum_diff",
    "bpf_sk_lookup_tcp",
    "bpf_sk_lookup_udp",
    "bpf_skc_lookup_tcp",
    "bpf_sock_map_update",
    "bpf_sock_hash_update",
    "bpf_tcp_check_syncookie",
    "bpf_tcp_gen_syncookie",
    "bpf_tcp_raw_check_syncookie_ipv4",
    "bpf_tcp_raw_check_syncookie_ipv6",
    "bpf_tcp_raw_gen_syncookie_ipv4",
    "bpf_tcp_raw_gen_syncookie_ipv6",
];

/// Parameters that may be null in these programs alone, whatever the prototype says.
const NULL_FOR: &[(&str, &[&str])] =
    &[("bpf_get_socket_cookie", &["fentry", "tp_btf", "lsm", "iter", "sk_reuseport"])];

/// Functions that these programs may call, and others only if they may sleep.
const AWAKE: &[(&str, &[&str])] = &[("bpf_iter_css_task_new", &["lsm", "iter"])];

/// Parameters that must be 0 so far.
const ZERO: &[(&str, usize)] = &[("bpf_get_local_storage", 1)];

/// Program types of which some may sleep.
const MAY_SLEEP: &[&str] =
    &["fentry", "lsm", "iter", "kprobe", "struct_ops", "sched_ext", "syscall"];

/// Whether programs of a type may change maps of sockets by this function.
pub(crate) fn changes_socket_map(function: &str, program: &str) -> bool {
    match function {
        "bpf_map_update_elem" => SOCKET_MAPS.contains(&program),
        "bpf_map_delete_elem" => SOCKET_MAPS.contains(&program) || program == "sock_ops",
        _ => true,
    }
}

/// Whether a helper takes memory in the packet.
pub(crate) fn takes_packet(function: &str) -> bool {
    PACKET.contains(&function)
}

/// Whether programs of a type may pass null where the prototype takes it.
pub(crate) fn null_allowed(function: &str, program: &str) -> bool {
    NULL_FOR.iter().all(|(name, programs)| *name != function || programs.contains(&program))
}

/// Whether a function needs a program that may sleep, of programs of this type.
pub(crate) fn needs_sleep(function: &str, program: &str) -> bool {
    AWAKE.iter().any(|(name, programs)| *name == function && !programs.contains(&program))
}

/// Whether this parameter must be 0.
pub(crate) fn must_be_zero(function: &str, at: usize) -> bool {
    ZERO.contains(&(function, at))
}

/// Whether programs of a type can be marked as ones that may sleep.
pub(crate) fn may_sleep(program: &str) -> bool {
    MAY_SLEEP.contains(&program)
}
