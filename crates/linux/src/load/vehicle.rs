//! Programs of every type, as small as the kernel lets them be, by which to ask who may call what.

use abide_btf::{Btf, Kind, Type};
use abide_object::{AttachType, ProgramType};

use super::Answer;

/// What a program is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// Nothing in particular.
    None,
    /// A function of the kernel.
    Function(&'static str),
    /// A tracepoint, by its typedef.
    Tracepoint(&'static str),
    /// A member of a struct of functions.
    Member(&'static str, &'static str),
    /// Another program: there is none to load it for.
    Program,
}

/// A way to load a program of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vehicle {
    /// How it is attached: `sched_cls`, `lsm.s`.
    pub name: &'static str,
    /// The program type of `linux.api`.
    pub program: &'static str,
    kind: ProgramType,
    attach: Option<AttachType>,
    flags: u32,
    target: Target,
}

/// `BPF_F_SLEEPABLE`.
pub const SLEEPABLE: u32 = 1 << 4;

const fn plain(name: &'static str, program: &'static str, kind: ProgramType) -> Vehicle {
    Vehicle { name, program, kind, attach: None, flags: 0, target: Target::None }
}

const fn at(name: &'static str, kind: ProgramType, attach: AttachType) -> Vehicle {
    Vehicle { name, program: name, kind, attach: Some(attach), flags: 0, target: Target::None }
}

const fn tracing(
    name: &'static str,
    program: &'static str,
    kind: ProgramType,
    attach: AttachType,
    target: Target,
) -> Vehicle {
    Vehicle { name, program, kind, attach: Some(attach), flags: 0, target }
}

const fn callbacks(
    name: &'static str,
    program: &'static str,
    structure: &'static str,
    member: &'static str,
) -> Vehicle {
    let target = Target::Member(structure, member);
    Vehicle { name, program, kind: ProgramType::StructOps, attach: None, flags: 0, target }
}

const fn sleepable(name: &'static str, vehicle: Vehicle) -> Vehicle {
    Vehicle { name, flags: SLEEPABLE, ..vehicle }
}

const FILE_OPEN: Target = Target::Function("bpf_lsm_file_open");
const LSM: Vehicle = tracing("lsm", "lsm", ProgramType::Lsm, AttachType::LsmMac, FILE_OPEN);

/// All of them, one or two for each program type.
pub const ALL: &[Vehicle] = &[
    plain("socket_filter", "socket_filter", ProgramType::SocketFilter),
    plain("kprobe", "kprobe", ProgramType::Kprobe),
    plain("sched_cls", "tc", ProgramType::SchedCls),
    plain("sched_act", "sched_act", ProgramType::SchedAct),
    plain("tracepoint", "tracepoint", ProgramType::Tracepoint),
    plain("xdp", "xdp", ProgramType::Xdp),
    plain("perf_event", "perf_event", ProgramType::PerfEvent),
    plain("cgroup_skb", "cgroup_skb", ProgramType::CgroupSkb),
    at("cgroup_sock", ProgramType::CgroupSock, AttachType::CgroupInetSockCreate),
    plain("lwt_in", "lwt_in", ProgramType::LwtIn),
    plain("lwt_out", "lwt_out", ProgramType::LwtOut),
    plain("lwt_xmit", "lwt_xmit", ProgramType::LwtXmit),
    at("sock_ops", ProgramType::SockOps, AttachType::CgroupSockOps),
    plain("sk_skb", "sk_skb", ProgramType::SkSkb),
    at("cgroup_device", ProgramType::CgroupDevice, AttachType::CgroupDevice),
    at("sk_msg", ProgramType::SkMsg, AttachType::SkMsgVerdict),
    plain("raw_tracepoint", "raw_tracepoint", ProgramType::RawTracepoint),
    at("cgroup_sock_addr", ProgramType::CgroupSockAddr, AttachType::CgroupInet4Connect),
    plain("lwt_seg6local", "lwt_seg6local", ProgramType::LwtSeg6local),
    plain("lirc_mode2", "lirc_mode2", ProgramType::LircMode2),
    at("sk_reuseport", ProgramType::SkReuseport, AttachType::SkReuseportSelect),
    at("flow_dissector", ProgramType::FlowDissector, AttachType::FlowDissector),
    at("cgroup_sysctl", ProgramType::CgroupSysctl, AttachType::CgroupSysctl),
    plain("raw_tracepoint_writable", "raw_tracepoint_writable", ProgramType::RawTracepointWritable),
    at("cgroup_sockopt", ProgramType::CgroupSockopt, AttachType::CgroupSetsockopt),
    tracing(
        "fentry",
        "fentry",
        ProgramType::Tracing,
        AttachType::TraceFentry,
        Target::Function("bpf_fentry_test1"),
    ),
    tracing(
        "tp_btf",
        "tp_btf",
        ProgramType::Tracing,
        AttachType::TraceRawTp,
        Target::Tracepoint("btf_trace_sched_switch"),
    ),
    tracing(
        "iter_task",
        "iter",
        ProgramType::Tracing,
        AttachType::TraceIter,
        Target::Function("bpf_iter_task"),
    ),
    LSM,
    sleepable("lsm.s", LSM),
    callbacks("struct_ops_tcp_cc", "struct_ops", "tcp_congestion_ops", "ssthresh"),
    callbacks("struct_ops_scx", "sched_ext", "sched_ext_ops", "enqueue"),
    Vehicle { target: Target::Program, ..plain("ext", "ext", ProgramType::Ext) },
    at("sk_lookup", ProgramType::SkLookup, AttachType::SkLookup),
    sleepable("syscall", plain("syscall", "syscall", ProgramType::Syscall)),
    at("netfilter", ProgramType::Netfilter, AttachType::Netfilter),
];

/// The sections whose programs are attached so, where that decides what they may call.
const SECTIONS: &[(&str, &[&str])] = &[
    ("cgroup_sock", &["cgroup/sock_create", "cgroup/sock"]),
    ("cgroup_sock_addr", &["cgroup/connect4"]),
    ("cgroup_sockopt", &["cgroup/setsockopt"]),
    ("fentry", &["fentry/bpf_fentry_test1"]),
    ("fentry.s", &["fentry.s/bpf_fentry_test1"]),
    ("iter_task", &["iter/task"]),
    ("kprobe", &["kprobe"]),
    ("lsm", &["lsm/file_open"]),
    ("lsm.s", &["lsm.s/file_open"]),
];

/// The sections of programs that are attached as a vehicle is; none where it decides nothing.
pub fn sections(name: &str) -> &'static [&'static str] {
    SECTIONS.iter().find(|(known, _)| *known == name).map_or(&[], |(_, sections)| sections)
}

/// One of them, or `""`.
pub fn section(name: &str) -> &'static str {
    sections(name).first().copied().unwrap_or_default()
}

/// The numbers that go to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// `BPF_PROG_TYPE_…`.
    pub program_type: u32,
    /// `BPF_…`, or the index of a member of a struct of functions.
    pub attach_type: u32,
    /// `BPF_F_…`.
    pub flags: u32,
    /// The id of the type that it is loaded for, or 0.
    pub target: u32,
}

impl Vehicle {
    /// Its numbers on a kernel.
    ///
    /// # Errors
    /// The answer that follows from its BTF, if that has not what the program would be loaded for.
    pub fn numbers(&self, types: &Btf) -> Result<Numbers, Answer> {
        let mut numbers = Numbers {
            program_type: self.kind.number(),
            attach_type: self.attach.map_or(0, AttachType::number),
            flags: self.flags,
            target: 0,
        };
        let found = |kind, name: &str| {
            let unknown = || Answer::Unknown(format!("its BTF has no `{name}`"));
            types.by_name(kind, name).ok_or_else(unknown)
        };
        match self.target {
            Target::None => {}
            Target::Function(name) => numbers.target = found(Kind::Func, name)?.0,
            Target::Tracepoint(name) => numbers.target = found(Kind::Typedef, name)?.0,
            Target::Program => {
                return Err(Answer::Unknown("it needs another program".to_owned()));
            }
            Target::Member(name, member) => {
                // Without the struct there are no programs for it.
                let id = types.by_name(Kind::Struct, name).ok_or(Answer::No)?;
                let Some(Type::Struct(body)) = types.get(id) else { return Err(Answer::No) };
                let index = body.members.iter().position(|found| found.name == member);
                let unknown = || Answer::Unknown(format!("`{name}` has no `{member}`"));
                (numbers.target, numbers.attach_type) = (id.0, index.ok_or_else(unknown)? as u32);
            }
        }
        Ok(numbers)
    }
}
