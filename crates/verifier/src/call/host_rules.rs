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

/// Parameters that may be null in these programs alone, whatever the prototype says.
const NULL_FOR: &[(&str, &[&str])] =
    &[("bpf_get_socket_cookie", &["fentry", "tp_btf", "lsm", "iter", "sk_reuseport"])];

/// Functions that these programs may call, and others only if they may sleep.
const AWAKE: &[(&str, &[&str])] = &[("bpf_iter_css_task_new", &["lsm", "iter"])];

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

/// Whether programs of a type may pass null where the prototype takes it.
pub(crate) fn null_allowed(function: &str, program: &str) -> bool {
    NULL_FOR.iter().all(|(name, programs)| *name != function || programs.contains(&program))
}

/// Whether a function needs a program that may sleep, of programs of this type.
pub(crate) fn needs_sleep(function: &str, program: &str) -> bool {
    AWAKE.iter().any(|(name, programs)| *name == function && !programs.contains(&program))
}

/// Whether programs of a type can be marked as ones that may sleep.
pub(crate) fn may_sleep(program: &str) -> bool {
    MAY_SLEEP.contains(&program)
}
