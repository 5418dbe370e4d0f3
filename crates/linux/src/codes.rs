//! The codes of kernels as hosts (`K`).

abide_diag::codes! {
    /// The BTF is sound, but not that of a whole kernel: it has no `enum bpf_func_id` with the numbers
    /// of helpers. BTF of a module, of a program or of a BPF object has none. A kernel's own is
    /// `/sys/kernel/btf/vmlinux`.
    K_NOT_A_KERNEL = "K0001", "not the BTF of a kernel";
    /// No node of the API has most of what it brought present in this BTF: a kernel older than BPF
    /// helpers, or another API.
    K_NO_NODE = "K0002", "no node of the API fits";
    /// The kernel that runs here was built without BTF (CONFIG_DEBUG_INFO_BTF), or this process does
    /// not see /sys/kernel/btf/vmlinux, as in a container without /sys. A kernel can be described by a
    /// file of its BTF, too.
    K_NO_BTF = "K0003", "the running kernel shows no BTF";
    /// The kernel refuses even the smallest program of this process. Loading programs needs CAP_BPF (on
    /// kernels before 5.8 CAP_SYS_ADMIN), and in containers it is often forbidden altogether.
    K_NOT_PERMITTED = "K0004", "not permitted to load programs";
}
