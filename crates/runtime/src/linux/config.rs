//! What programs read of the configuration of a host, as `__kconfig` variables. Gives them no values
//! itself: where they lie, and what fits them, is `object`'s.

use abide_api::Namespace;
use abide_api::host::HostProfile;
use abide_object::Kconfig;

/// Since when system calls take their arguments in a `struct pt_regs`, by machine.
const SYSCALL_WRAPPER: &[(&str, &str)] =
    &[("x86_64", "LINUX_4.17"), ("aarch64", "LINUX_4.19"), ("s390x", "LINUX_4.17")];

/// The configuration of a host, with the lines that it was given. What libbpf finds out by probes
/// follows from the node here, as far as it is one of Linux.
pub fn config<'t>(host: &HostProfile, text: &'t str) -> Kconfig<'t> {
    let (api, node) = (host.api(), host.node());
    let cookie = "bpf_get_attach_cookie";
    let is_added = || host.added().any(|id| api.definition(id).name == cookie);
    let is_since = |(machine, since): &(&str, &str)| {
        *machine == std::env::consts::ARCH
            && api.node(since).is_some_and(|since| api.is_ancestor(since, node))
    };
    Kconfig {
        text,
        kernel_version: kernel_version(&api.node_ref(node).name),
        has_bpf_cookie: api.lookup(Namespace::Callable, cookie, node).is_some() || is_added(),
        has_syscall_wrapper: SYSCALL_WRAPPER.iter().any(is_since),
    }
}

/// `LINUX_6.12` as the kernel writes its version: `0x060c00`.
fn kernel_version(node: &str) -> Option<u32> {
    let (major, minor) = node.strip_prefix("LINUX_")?.split_once('.')?;
    let (major, minor): (u8, u8) = (major.parse().ok()?, minor.parse().ok()?);
    Some(u32::from(major) << 16 | u32::from(minor) << 8)
}

#[cfg(test)]
mod tests {
    use super::kernel_version;

    #[test]
    fn nodes_are_versions() {
        assert_eq!(kernel_version("LINUX_6.12"), Some(0x06_0c_00));
        assert_eq!(kernel_version("LINUX_3.18"), Some(0x03_12_00));
        for other in ["KV_1", "LINUX_", "LINUX_6", "LINUX_6.300", "LINUX_6.x"] {
            assert_eq!(kernel_version(other), None, "{other}");
        }
    }
}
