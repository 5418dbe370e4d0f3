//! What the names of sections say of the programs in them: a table of the names that loaders agree on,
//! which are those of libbpf 1.7.
//!
//! A fact of the object alone. What a program type means, and whether a host has it, is the API's to
//! say.

use abide_btf::Kind;

use crate::kinds::{AttachType, ProgramType};

/// What a section name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionRule {
    /// The name without what may follow it.
    pub name: &'static str,
    /// Whether `/` and more may follow.
    pub is_family: bool,
    /// The type of the programs.
    pub program_type: ProgramType,
    /// The attach type that the kernel is told; `None` where it is told none.
    pub attach_type: Option<AttachType>,
    /// Whether the programs may sleep.
    pub sleepable: bool,
    /// Whether the programs take packets in several fragments.
    pub fragments: bool,
    /// Whether they are attached through a type of the kernel, which must be known to load them.
    pub needs_btf: bool,
}

impl SectionRule {
    const fn new(name: &'static str, is_family: bool, program_type: ProgramType) -> SectionRule {
        SectionRule {
            name,
            is_family,
            program_type,
            attach_type: None,
            sleepable: false,
            fragments: false,
            needs_btf: false,
        }
    }

    const fn at(self, attach_type: AttachType) -> SectionRule {
        SectionRule { attach_type: Some(attach_type), ..self }
    }

    const fn sleepable(self) -> SectionRule {
        SectionRule { sleepable: true, ..self }
    }

    const fn fragments(self) -> SectionRule {
        SectionRule { fragments: true, ..self }
    }

    const fn by_btf(self) -> SectionRule {
        SectionRule { needs_btf: true, ..self }
    }

    /// What a section name means, a `?` before it left aside. `None` for names that loaders do not
    /// know: somebody else decides what the programs are.
    pub fn of(section: &str) -> Option<&'static SectionRule> {
        let section = plain(section);
        SECTIONS.iter().find(|rule| match section.strip_prefix(rule.name) {
            Some("") => true,
            Some(rest) => rule.is_family && rest.starts_with('/'),
            None => false,
        })
    }

    /// All of them.
    pub fn all() -> &'static [SectionRule] {
        SECTIONS
    }
}

/// A section name without the `?` that says that its programs are loaded on request only.
pub(crate) fn plain(section: &str) -> &str {
    section.strip_prefix('?').unwrap_or(section)
}

/// What a program is attached to, as its section says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttachTarget {
    /// A type of the kernel: `fentry/NAME`, `fentry/MODULE:NAME`.
    Btf {
        /// The kernel module that has it.
        module: Option<String>,
        /// A [`Kind::Func`] or a [`Kind::Typedef`].
        kind: Kind,
        /// Its name in the BTF of the kernel, e.g. `bpf_lsm_file_open` for `lsm/file_open`.
        name: String,
    },
    /// A function of another program, which is to be replaced: `freplace/NAME`.
    Function(String),
    /// What follows the `/`, whose form depends on the section: `kprobe/do_nanosleep+0x10`.
    Named(String),
}

impl AttachTarget {
    /// What a section says; `None` where it leaves that to the loader's caller.
    pub(crate) fn of(rule: &SectionRule, section: &str) -> Option<AttachTarget> {
        let rest = plain(section).strip_prefix(rule.name)?.strip_prefix('/')?;
        if rest.is_empty() {
            return None;
        }
        if !rule.needs_btf {
            return Some(AttachTarget::Named(rest.to_owned()));
        }
        if rule.program_type == ProgramType::Ext {
            return Some(AttachTarget::Function(rest.to_owned()));
        }
        let (module, name) = match rest.split_once(':') {
            Some((module, name)) => (Some(module.to_owned()), name),
            None => (None, rest),
        };
        let (kind, prefix) = match rule.attach_type {
            Some(AttachType::TraceRawTp) => (Kind::Typedef, "btf_trace_"),
            Some(AttachType::LsmMac | AttachType::LsmCgroup) => (Kind::Func, "bpf_lsm_"),
            Some(AttachType::TraceIter) => (Kind::Func, "bpf_iter_"),
            _ => (Kind::Func, ""),
        };
        Some(AttachTarget::Btf { module, kind, name: format!("{prefix}{name}") })
    }
}

use AttachType as A;
use ProgramType as P;

/// `NAME` alone.
const fn one(name: &'static str, program_type: P) -> SectionRule {
    SectionRule::new(name, false, program_type)
}

/// `NAME` and `NAME/…`.
const fn family(name: &'static str, program_type: P) -> SectionRule {
    SectionRule::new(name, true, program_type)
}

#[rustfmt::skip]
const SECTIONS: &[SectionRule] = &[
    // Packets of sockets and network devices.
    one("socket", P::SocketFilter),
    one("sk_reuseport", P::SkReuseport).at(A::SkReuseportSelect),
    one("sk_reuseport/migrate", P::SkReuseport).at(A::SkReuseportSelectOrMigrate),
    one("sk_lookup", P::SkLookup).at(A::SkLookup),
    one("sk_skb", P::SkSkb),
    one("sk_skb/stream_parser", P::SkSkb).at(A::SkSkbStreamParser),
    one("sk_skb/stream_verdict", P::SkSkb).at(A::SkSkbStreamVerdict),
    one("sk_skb/verdict", P::SkSkb).at(A::SkSkbVerdict),
    one("sk_msg", P::SkMsg).at(A::SkMsgVerdict),
    one("sockops", P::SockOps).at(A::CgroupSockOps),
    one("flow_dissector", P::FlowDissector).at(A::FlowDissector),
    one("netfilter", P::Netfilter).at(A::Netfilter),
    // Traffic control.
    one("classifier", P::SchedCls),
    one("netkit/peer", P::SchedCls).at(A::NetkitPeer),
    one("netkit/primary", P::SchedCls).at(A::NetkitPrimary),
    one("tc", P::SchedCls),
    one("tc/egress", P::SchedCls).at(A::TcxEgress),
    one("tc/ingress", P::SchedCls).at(A::TcxIngress),
    one("tcx/egress", P::SchedCls).at(A::TcxEgress),
    one("tcx/ingress", P::SchedCls).at(A::TcxIngress),
    one("action", P::SchedAct),
    // XDP.
    one("xdp", P::Xdp).at(A::Xdp),
    one("xdp.frags", P::Xdp).at(A::Xdp).fragments(),
    one("xdp.frags/cpumap", P::Xdp).at(A::XdpCpumap).fragments(),
    one("xdp.frags/devmap", P::Xdp).at(A::XdpDevmap).fragments(),
    one("xdp/cpumap", P::Xdp).at(A::XdpCpumap),
    one("xdp/devmap", P::Xdp).at(A::XdpDevmap),
    // Light-weight tunnels.
    one("lwt_in", P::LwtIn),
    one("lwt_out", P::LwtOut),
    one("lwt_xmit", P::LwtXmit),
    one("lwt_seg6local", P::LwtSeg6local),
    // Control groups.
    one("cgroup/skb", P::CgroupSkb),
    one("cgroup_skb/egress", P::CgroupSkb).at(A::CgroupInetEgress),
    one("cgroup_skb/ingress", P::CgroupSkb).at(A::CgroupInetIngress),
    one("cgroup/post_bind4", P::CgroupSock).at(A::CgroupInet4PostBind),
    one("cgroup/post_bind6", P::CgroupSock).at(A::CgroupInet6PostBind),
    one("cgroup/sock", P::CgroupSock).at(A::CgroupInetSockCreate),
    one("cgroup/sock_create", P::CgroupSock).at(A::CgroupInetSockCreate),
    one("cgroup/sock_release", P::CgroupSock).at(A::CgroupInetSockRelease),
    one("cgroup/bind4", P::CgroupSockAddr).at(A::CgroupInet4Bind),
    one("cgroup/bind6", P::CgroupSockAddr).at(A::CgroupInet6Bind),
    one("cgroup/connect4", P::CgroupSockAddr).at(A::CgroupInet4Connect),
    one("cgroup/connect6", P::CgroupSockAddr).at(A::CgroupInet6Connect),
    one("cgroup/connect_unix", P::CgroupSockAddr).at(A::CgroupUnixConnect),
    one("cgroup/getpeername4", P::CgroupSockAddr).at(A::CgroupInet4Getpeername),
    one("cgroup/getpeername6", P::CgroupSockAddr).at(A::CgroupInet6Getpeername),
    one("cgroup/getpeername_unix", P::CgroupSockAddr).at(A::CgroupUnixGetpeername),
    one("cgroup/getsockname4", P::CgroupSockAddr).at(A::CgroupInet4Getsockname),
    one("cgroup/getsockname6", P::CgroupSockAddr).at(A::CgroupInet6Getsockname),
    one("cgroup/getsockname_unix", P::CgroupSockAddr).at(A::CgroupUnixGetsockname),
    one("cgroup/recvmsg4", P::CgroupSockAddr).at(A::CgroupUdp4Recvmsg),
    one("cgroup/recvmsg6", P::CgroupSockAddr).at(A::CgroupUdp6Recvmsg),
    one("cgroup/recvmsg_unix", P::CgroupSockAddr).at(A::CgroupUnixRecvmsg),
    one("cgroup/sendmsg4", P::CgroupSockAddr).at(A::CgroupUdp4Sendmsg),
    one("cgroup/sendmsg6", P::CgroupSockAddr).at(A::CgroupUdp6Sendmsg),
    one("cgroup/sendmsg_unix", P::CgroupSockAddr).at(A::CgroupUnixSendmsg),
    one("cgroup/sysctl", P::CgroupSysctl).at(A::CgroupSysctl),
    one("cgroup/getsockopt", P::CgroupSockopt).at(A::CgroupGetsockopt),
    one("cgroup/setsockopt", P::CgroupSockopt).at(A::CgroupSetsockopt),
    one("cgroup/dev", P::CgroupDevice).at(A::CgroupDevice),
    // Probes of functions and programs.
    family("kprobe", P::Kprobe),
    family("kprobe.multi", P::Kprobe).at(A::TraceKprobeMulti),
    family("kprobe.session", P::Kprobe).at(A::TraceKprobeSession),
    family("kretprobe", P::Kprobe),
    family("kretprobe.multi", P::Kprobe).at(A::TraceKprobeMulti),
    family("kretsyscall", P::Kprobe),
    family("ksyscall", P::Kprobe),
    family("uprobe", P::Kprobe),
    family("uprobe.multi", P::Kprobe).at(A::TraceUprobeMulti),
    family("uprobe.multi.s", P::Kprobe).at(A::TraceUprobeMulti).sleepable(),
    family("uprobe.s", P::Kprobe).sleepable(),
    family("uprobe.session", P::Kprobe).at(A::TraceUprobeSession),
    family("uprobe.session.s", P::Kprobe).at(A::TraceUprobeSession).sleepable(),
    family("uretprobe", P::Kprobe),
    family("uretprobe.multi", P::Kprobe).at(A::TraceUprobeMulti),
    family("uretprobe.multi.s", P::Kprobe).at(A::TraceUprobeMulti).sleepable(),
    family("uretprobe.s", P::Kprobe).sleepable(),
    family("usdt", P::Kprobe),
    family("usdt.s", P::Kprobe).sleepable(),
    one("perf_event", P::PerfEvent),
    // Tracepoints.
    family("tp", P::Tracepoint),
    family("tracepoint", P::Tracepoint),
    family("raw_tp", P::RawTracepoint),
    family("raw_tracepoint", P::RawTracepoint),
    family("raw_tp.w", P::RawTracepointWritable),
    family("raw_tracepoint.w", P::RawTracepointWritable),
    // Functions of the kernel, by their types.
    family("fentry", P::Tracing).at(A::TraceFentry).by_btf(),
    family("fentry.s", P::Tracing).at(A::TraceFentry).by_btf().sleepable(),
    family("fexit", P::Tracing).at(A::TraceFexit).by_btf(),
    family("fexit.s", P::Tracing).at(A::TraceFexit).by_btf().sleepable(),
    family("fmod_ret", P::Tracing).at(A::ModifyReturn).by_btf(),
    family("fmod_ret.s", P::Tracing).at(A::ModifyReturn).by_btf().sleepable(),
    family("fsession", P::Tracing).at(A::TraceFsession).by_btf(),
    family("fsession.s", P::Tracing).at(A::TraceFsession).by_btf().sleepable(),
    family("iter", P::Tracing).at(A::TraceIter).by_btf(),
    family("iter.s", P::Tracing).at(A::TraceIter).by_btf().sleepable(),
    family("tp_btf", P::Tracing).at(A::TraceRawTp).by_btf(),
    family("lsm", P::Lsm).at(A::LsmMac).by_btf(),
    family("lsm.s", P::Lsm).at(A::LsmMac).by_btf().sleepable(),
    family("lsm_cgroup", P::Lsm).at(A::LsmCgroup).by_btf(),
    family("freplace", P::Ext).by_btf(),
    // Others.
    family("struct_ops", P::StructOps),
    family("struct_ops.s", P::StructOps).sleepable(),
    one("syscall", P::Syscall).sleepable(),
    one("lirc_mode2", P::LircMode2).at(A::LircMode2),
];
