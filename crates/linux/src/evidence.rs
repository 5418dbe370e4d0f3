//! What in a kernel's BTF shows that it has something that has no name of its own there: tables of
//! facts, each measured against nine kernels (`tests/hosts.rs`).

use crate::profile::Profile;

/// Something in BTF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A constant of an enum.
    Constant(&'static str),
    /// A struct.
    Struct(&'static str),
    /// A field of a struct.
    Field(&'static str, &'static str),
    /// A function.
    Function(&'static str),
}

use Evidence::{Constant, Field, Function, Struct};

impl Evidence {
    /// Whether it is there. That a function is not shows nothing: compilers take them apart.
    pub(crate) fn seen(self, profile: &Profile<'_>) -> Option<bool> {
        match self {
            Constant(name) => Some(profile.constant(name).is_some()),
            Struct(name) => Some(profile.has_struct(name)),
            Field(structure, field) => Some(profile.has_field(structure, field) == Some(true)),
            Function(name) => profile.has_function(name).then_some(true),
        }
    }
}

/// Instructions and features of the verifier, by their names in `linux.api`.
const ABILITIES: &[(&str, Evidence)] = &[
    ("bounded_loops", Field("bpf_verifier_state", "branches")),
    ("trampolines", Struct("bpf_trampoline")),
    ("freplace", Constant("BPF_PROG_TYPE_EXT")),
    ("kfuncs", Struct("bpf_kfunc_desc")),
    ("callbacks", Constant("BPF_FUNC_for_each_map_elem")),
    ("function_pointers", Constant("BPF_FUNC_for_each_map_elem")),
    ("module_kfuncs", Struct("bpf_kfunc_btf")),
    ("kptrs", Constant("BPF_FUNC_kptr_xchg")),
    ("dynptrs", Constant("BPF_FUNC_dynptr_from_mem")),
    ("allocated_objects", Function("bpf_obj_new_impl")),
    ("rbtrees", Struct("bpf_rb_root")),
    ("open_coded_iterators", Struct("bpf_iter_num")),
    ("refcounts", Struct("bpf_refcount")),
    ("v4", Function("coerce_reg_to_size_sx")),
    ("exceptions", Function("bpf_throw")),
    ("addr_space_cast", Struct("bpf_arena")),
    ("may_goto", Field("bpf_verifier_state", "may_goto_depth")),
    ("arenas", Struct("bpf_arena")),
    ("tokens", Struct("bpf_token")),
    ("fastcall", Field("bpf_subprog_info", "fastcall_stack_off")),
    ("private_stack", Field("bpf_subprog_info", "priv_stack_mode")),
    ("acquire_release", Function("check_load_mem")),
    ("resilient_spin_locks", Struct("bpf_res_spin_lock")),
    ("streams", Struct("bpf_stream")),
    ("indirect_jump", Constant("BPF_MAP_TYPE_INSN_ARRAY")),
];

/// What shows an ability; `None` if nothing in BTF does.
pub(crate) fn of_ability(name: &str) -> Option<Evidence> {
    ABILITIES.iter().find(|(known, _)| *known == name).map(|(_, evidence)| *evidence)
}

/// Map types that a kernel may be built without, whatever its enum says, with the names that a function
/// of each has had. The kernel takes the address of these, so no compiler leaves them out.
const MAPS: &[(&str, &[&str])] = &[
    ("xskmap", &["xsk_map_alloc"]),
    ("sockmap", &["sock_map_alloc"]),
    ("sockhash", &["sock_hash_alloc"]),
    ("devmap", &["dev_map_alloc"]),
    ("devmap_hash", &["dev_map_alloc"]),
    ("cpumap", &["cpu_map_alloc"]),
    ("stack_trace", &["stack_map_alloc"]),
    ("inode_storage", &["inode_storage_map_alloc"]),
    ("sk_storage", &["bpf_sk_storage_map_alloc", "sk_storage_map_alloc"]),
    ("reuseport_sockarray", &["reuseport_array_alloc"]),
    ("struct_ops", &["bpf_struct_ops_map_alloc"]),
];

/// Whether a map type was built, as far as BTF tells.
pub(crate) fn map_built(profile: &Profile<'_>, name: &str) -> Option<bool> {
    let (_, functions) = MAPS.iter().find(|(known, _)| *known == name)?;
    Some(functions.iter().any(|function| profile.has_function(function)))
}

/// The kernel's name of a program type of `linux.api`, where that is another.
fn kernel_type(name: &str) -> &str {
    match name {
        "tc" => "sched_cls",
        "fentry" | "tp_btf" | "iter" => "tracing",
        "sched_ext" => "struct_ops",
        same => same,
    }
}

/// Whether a program type was built, as far as BTF tells.
pub(crate) fn program_built(profile: &Profile<'_>, name: &str) -> Option<bool> {
    let built = profile.program_types()?.contains(kernel_type(name));
    Some(built && (name != "sched_ext" || profile.has_struct("sched_ext_ops")))
}

/// Kfuncs that live in a module in the kernels that distributions build: they are not in the BTF of
/// the kernel itself.
const MODULES: &[(&str, &[&str])] = &[
    (
        "nf_conntrack",
        &[
            "bpf_ct_change_status",
            "bpf_ct_change_timeout",
            "bpf_ct_insert_entry",
            "bpf_ct_release",
            "bpf_ct_set_status",
            "bpf_ct_set_timeout",
            "bpf_skb_ct_alloc",
            "bpf_skb_ct_lookup",
            "bpf_xdp_ct_alloc",
            "bpf_xdp_ct_lookup",
        ],
    ),
    ("nf_nat", &["bpf_ct_set_nat_info"]),
    ("nf_flow_table", &["bpf_xdp_flow_lookup"]),
    ("fou", &["bpf_skb_get_fou_encap", "bpf_skb_set_fou_encap"]),
    ("xfrm_interface", &["bpf_skb_get_xfrm_info", "bpf_skb_set_xfrm_info"]),
    (
        "tcp_bbr",
        &[
            "bbr_cwnd_event",
            "bbr_cwnd_event_tx_start",
            "bbr_init",
            "bbr_main",
            "bbr_min_tso_segs",
            "bbr_set_state",
            "bbr_sndbuf_expand",
            "bbr_ssthresh",
            "bbr_undo_cwnd",
        ],
    ),
    (
        "tcp_dctcp",
        &[
            "dctcp_cwnd_event",
            "dctcp_cwnd_event_tx_start",
            "dctcp_cwnd_undo",
            "dctcp_init",
            "dctcp_ssthresh",
            "dctcp_state",
            "dctcp_update_alpha",
        ],
    ),
];

/// The module that may bring a kfunc.
pub(crate) fn module_of(kfunc: &str) -> Option<&'static str> {
    MODULES.iter().find(|(_, kfuncs)| kfuncs.contains(&kfunc)).map(|(module, _)| *module)
}
