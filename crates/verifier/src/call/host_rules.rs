//! What Linux lets only some programs do with a function, where prototypes have no word for it: by the
//! names of functions and program types. Other APIs have no such rules.

/// Since then a look-up in an array of a key that is known to be in it need not be tested.
pub(crate) const ENTRIES_ARE_THERE: &str = "LINUX_6.14";

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

/// Functions whose result programs may store to, whatever its type says.
const STORED_TO: &[&str] = &["bpf_session_cookie"];

/// Parameters whose C type says only `void *`: the object of the kernel that they take, by their place.
const OBJECTS: &[(&[&str], usize, &str)] = &[
    (&["bpf_skb_output"], 0, "sk_buff"),
    (&["bpf_xdp_output"], 0, "xdp_buff"),
    (&["bpf_tcp_send_ack"], 0, "tcp_sock"),
    (&["bpf_inode_storage_get", "bpf_inode_storage_delete"], 1, "inode"),
];

/// Program types that may store to packets: for these alone there are slices to store to, of whatever.
const WRITE_PACKETS: &[&str] =
    &["tc", "sched_act", "xdp", "lwt_xmit", "sk_skb", "sk_msg", "cgroup_sockopt"];

/// Program types of which some may sleep.
const MAY_SLEEP: &[&str] =
    &["fentry", "lsm", "iter", "kprobe", "struct_ops", "sched_ext", "syscall"];

/// The object of the kernel that a parameter `void *` takes.
pub(crate) fn takes_object(function: &str, at: usize) -> Option<&'static str> {
    let is = |(functions, place, _): &&(&[&str], usize, &str)| {
        *place == at && functions.contains(&function)
    };
    OBJECTS.iter().find(is).map(|(.., of)| *of)
}

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

/// Whether programs may store to what a function gives, though its type says that it is read-only.
pub(crate) fn result_is_stored_to(function: &str) -> bool {
    STORED_TO.contains(&function)
}

/// Whether programs of a type can be marked as ones that may sleep.
pub(crate) fn may_sleep(program: &str) -> bool {
    MAY_SLEEP.contains(&program)
}

/// Whether programs of a type may store to packets.
pub(crate) fn writes_packets(program: &str) -> bool {
    WRITE_PACKETS.contains(&program)
}
