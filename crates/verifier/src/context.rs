//! What a program may do with its context: by the struct of the API, and by what differs between
//! program types that share a struct. Knows no register.

use abide_api::Namespace;
use abide_api::ctype::CType;
use abide_api::model::{DefKind, Field, FieldRole, ProgramType};
use abide_object::AttachType;

use crate::state::value::Value;
use crate::types::Types;

/// Rules of a context.
#[derive(Debug)]
pub(crate) struct ContextRules<'a> {
    /// The struct, if it is one.
    pub(crate) name: Option<String>,
    fields: &'a [Field],
    /// Arguments of a function of the host that the program is attached to, eight bytes each.
    pub(crate) arguments: Option<Vec<Value>>,
    /// So many bytes of numbers.
    pub(crate) plain: Option<u32>,
    pub(crate) plain_writable: bool,
    /// Its first eight bytes point to a record that programs may store to.
    pub(crate) record: bool,
    pub(crate) packet_writable: bool,
    /// The old packet loads are for programs of a socket buffer.
    pub(crate) legacy_loads: bool,
    linux: bool,
    /// How the program is attached, where that is known.
    pub(crate) attached: Option<AttachType>,
    rights: Option<&'static Rights>,
}

/// What programs of a type may do with a struct that other types share.
#[derive(Debug)]
struct Rights {
    programs: &'static [&'static str],
    /// Fields that they may not read; all others they may.
    hidden: &'static [&'static str],
    /// Fields that they may store to.
    writable: &'static [&'static str],
    packet_writable: bool,
}

/// Fields of sockets in `struct __sk_buff`.
macro_rules! hidden {
    ($($name:literal),* $(,)?) => {
        &["family", "remote_ip4", "local_ip4", "remote_ip6", "local_ip6", "remote_port", "local_port", "flow_keys", $($name),*]
    };
}

/// `struct __sk_buff` by program type. The API language has no word for it yet.
const SK_BUFF: &[Rights] = &[
    Rights {
        programs: &["socket_filter"],
        hidden: hidden![
            "tc_classid",
            "data",
            "data_meta",
            "data_end",
            "tstamp",
            "tstamp_type",
            "wire_len",
            "hwtstamp"
        ],
        writable: &["cb"],
        packet_writable: false,
    },
    Rights {
        programs: &["cgroup_skb"],
        hidden: &["tc_classid", "data_meta", "wire_len", "flow_keys"],
        writable: &["mark", "priority", "cb", "tstamp"],
        packet_writable: false,
    },
    Rights {
        programs: &["tc", "sched_act"],
        hidden: hidden![],
        writable: &["mark", "tc_index", "priority", "tc_classid", "cb", "tstamp", "queue_mapping"],
        packet_writable: true,
    },
    Rights {
        programs: &["lwt_in", "lwt_out", "lwt_seg6local"],
        hidden: hidden!["tc_classid", "data_meta", "tstamp", "wire_len"],
        writable: &["mark", "priority", "cb"],
        packet_writable: false,
    },
    Rights {
        programs: &["lwt_xmit"],
        hidden: hidden!["tc_classid", "data_meta", "tstamp", "wire_len"],
        writable: &["mark", "priority", "cb"],
        packet_writable: true,
    },
    Rights {
        programs: &["sk_skb"],
        hidden: &["tc_classid", "data_meta", "tstamp", "wire_len", "mark", "flow_keys"],
        writable: &["tc_index", "priority"],
        packet_writable: true,
    },
    Rights {
        programs: &["flow_dissector"],
        hidden: &[
            "family",
            "remote_ip4",
            "local_ip4",
            "remote_ip6",
            "local_ip6",
            "remote_port",
            "local_port",
            "len",
            "pkt_type",
            "mark",
            "queue_mapping",
            "protocol",
            "vlan_present",
            "vlan_tci",
            "vlan_proto",
            "priority",
            "ingress_ifindex",
            "ifindex",
            "tc_index",
            "cb",
            "hash",
            "tc_classid",
            "napi_id",
            "data_meta",
            "tstamp",
            "wire_len",
            "gso_segs",
            "sk",
            "gso_size",
            "tstamp_type",
            "hwtstamp",
        ],
        writable: &[],
        packet_writable: false,
    },
];

/// What programs without privileges may do with it, where that is less.
const UNPRIVILEGED: &[Rights] = &[Rights {
    programs: &["cgroup_skb"],
    hidden: &["tc_classid", "data_meta", "wire_len", "flow_keys", "data", "data_end"],
    writable: &["mark", "priority", "cb"],
    packet_writable: false,
}];

/// Fields that only programs attached in these ways have; those that only they may store to.
type Attached = (&'static str, &'static [&'static str], &'static [AttachType]);
const ATTACHED: &[Attached] = &[
    (
        "bpf_sock_addr",
        &["user_ip4"],
        &[
            AttachType::CgroupInet4Bind,
            AttachType::CgroupInet4Connect,
            AttachType::CgroupUdp4Sendmsg,
            AttachType::CgroupUdp4Recvmsg,
            AttachType::CgroupInet4Getpeername,
            AttachType::CgroupInet4Getsockname,
        ],
    ),
    (
        "bpf_sock_addr",
        &["user_ip6"],
        &[
            AttachType::CgroupInet6Bind,
            AttachType::CgroupInet6Connect,
            AttachType::CgroupUdp6Sendmsg,
            AttachType::CgroupUdp6Recvmsg,
            AttachType::CgroupInet6Getpeername,
            AttachType::CgroupInet6Getsockname,
        ],
    ),
    ("bpf_sock_addr", &["msg_src_ip4"], &[AttachType::CgroupUdp4Sendmsg]),
    ("bpf_sock_addr", &["msg_src_ip6"], &[AttachType::CgroupUdp6Sendmsg]),
    ("bpf_sockopt", &["retval"], &[AttachType::CgroupGetsockopt]),
    (
        "bpf_sock",
        &["bound_dev_if", "mark", "priority"],
        &[AttachType::CgroupInetSockCreate, AttachType::CgroupInetSockRelease],
    ),
    ("bpf_sock", &["src_ip4"], &[AttachType::CgroupInet4PostBind]),
    ("bpf_sock", &["src_ip6"], &[AttachType::CgroupInet6PostBind]),
    (
        "bpf_sock",
        &["src_port"],
        &[AttachType::CgroupInet4PostBind, AttachType::CgroupInet6PostBind],
    ),
];
const STORED: &[Attached] =
    &[("bpf_sockopt", &["level", "optname"], &[AttachType::CgroupSetsockopt])];

/// Program types without writes to what their context says is a packet.
const READS_PACKET: &[&str] = &["sk_reuseport", "sk_lookup", "sock_ops"];

/// Contexts that are records of numbers: their size, and whether programs may store to them.
const PLAIN: &[(&str, u32, bool)] = &[
    // Registers of the machine: x86-64 has the fewest bytes of them.
    ("kprobe", 168, false),
    ("perf_event", 184, false),
    // Any record of a tracepoint; the kernel checks its size when the program is attached.
    ("tracepoint", 8192, false),
    ("raw_tracepoint", 96, false),
    ("raw_tracepoint_writable", 96, false),
    ("syscall", 65535, true),
    ("lirc_mode2", 4, false),
];

/// A port in network byte order: four bytes for programs that load them so, two otherwise.
const HALF: &[(&str, &str)] = &[("bpf_sock", "dst_port")];

/// Whether a load touches more than is there of a field of Linux of which only the lower half is.
pub(crate) fn beyond_half(of: &str, field: &Field, at: u64, size: u64) -> bool {
    let (start, whole) = (u64::from(field.offset), u64::from(field.size));
    HALF.contains(&(of, field.name.as_str()))
        && size < whole
        && start < at + size
        && at < start + whole
        && at + size > start + whole / 2
}

impl<'a> ContextRules<'a> {
    pub(crate) fn of(
        types: &mut Types<'a>,
        kind: &ProgramType,
        program: &str,
        unprivileged: bool,
    ) -> Self {
        let pointee =
            kind.params.first().and_then(|param| param.ty.pointee()).map(CType::unqualified);
        let name = match pointee {
            Some(CType::Struct(name)) => Some(name.clone()),
            _ => None,
        };
        let id = name.as_ref().and_then(|name| types.api.lookup(Namespace::Tag, name, types.node));
        let fields: &'a [Field] = match id.map(|id| &types.api.definition(id).kind) {
            Some(DefKind::Struct(body)) => &body.fields,
            _ => &[],
        };
        let constant = |ty: &CType| matches!(ty.pointee(), Some(CType::Const(_)));
        let less = UNPRIVILEGED.iter().filter(|_| unprivileged);
        let rights = (name.as_deref() == Some("__sk_buff") && types.api.name == "linux")
            .then(|| less.chain(SK_BUFF).find(|rights| rights.programs.contains(&program)))
            .flatten();
        let linux = types.api.name == "linux";
        let plain = PLAIN.iter().find(|(name, ..)| fields.is_empty() && linux && *name == program);
        let writable =
            fields.iter().all(|field| field.role != FieldRole::Packet || !constant(&field.ty))
                && !(linux && READS_PACKET.contains(&program));
        ContextRules {
            fields,
            arguments: None,
            plain: plain.map(|(_, bytes, _)| *bytes),
            record: linux && program == "raw_tracepoint_writable",
            plain_writable: plain.is_some_and(|(.., writable)| *writable),
            packet_writable: rights.map_or(writable, |rights| rights.packet_writable),
            linux,
            attached: None,
            legacy_loads: linux && matches!(program, "socket_filter" | "tc" | "sched_act"),
            rights,
            name,
        }
    }

    /// Nothing says what is in it.
    pub(crate) fn is_unknown(&self) -> bool {
        self.fields.is_empty() && self.arguments.is_none() && self.plain.is_none()
    }

    /// The field that an access lies in.
    pub(crate) fn field(&self, at: u32, size: u32) -> Option<&'a Field> {
        if !at.is_multiple_of(size) {
            return None;
        }
        self.fields
            .iter()
            .find(|field| field.offset <= at && at + size <= field.offset + field.size)
    }

    /// The field among those that share a place that may be stored to.
    pub(crate) fn writable_field(&self, at: u32, size: u32) -> Option<&'a Field> {
        self.fields.iter().find(|field| {
            field.offset <= at
                && at + size <= field.offset + field.size
                && self.may_write(field, at, size).is_ok()
        })
    }

    /// Why there is none.
    pub(crate) fn why(&self, at: u32, size: u32) -> String {
        let name = self.name.as_deref().unwrap_or("context");
        if !at.is_multiple_of(size) {
            return "it is not aligned".to_owned();
        }
        if self.is_unknown() && self.linux {
            return "what is handed to it follows from the host's types, which say nothing of it"
                .into();
        }
        match self.fields.iter().find(|field| field.offset <= at && at < field.offset + field.size)
        {
            Some(field) => format!("it goes beyond the field `{}`", field.name),
            None => format!("`struct {name}` has no field there"),
        }
    }

    /// What a program may store to.
    pub(crate) fn writable_names(&self) -> String {
        let may = |field: &&Field| self.may_write(field, field.offset, field.size).is_ok();
        let names: Vec<&str> =
            self.fields.iter().filter(may).map(|field| field.name.as_str()).collect();
        match names.as_slice() {
            [] => "programs of this type may not store to their context".to_owned(),
            names => format!("programs of this type may store to {}", names.join(", ")),
        }
    }

    /// Whether programs that are attached as this one have a field.
    fn is_attached(&self, field: &Field, table: &[Attached]) -> Result<(), String> {
        let (Some(name), Some(attached)) = (&self.name, self.attached) else { return Ok(()) };
        let of = |(of, fields, _): &&Attached| of == name && fields.contains(&field.name.as_str());
        match table.iter().find(of) {
            Some((.., ways)) if self.linux && !ways.contains(&attached) => Err(format!(
                "programs that are attached as {} have no `{}`",
                attached.name(),
                field.name
            )),
            _ => Ok(()),
        }
    }

    pub(crate) fn may_read(&self, field: &Field, size: u32) -> Result<(), String> {
        self.is_attached(field, ATTACHED)?;
        let name = self.name.as_deref().filter(|_| self.linux).unwrap_or("");
        // Its fields are numbers of four or eight bytes.
        if name == "bpf_sock_ops" && size != if field.size == 8 { 8 } else { 4 } {
            return Err(format!("`{}` is read whole", field.name));
        }
        match self.rights {
            Some(rights) if rights.hidden.contains(&field.name.as_str()) => {
                Err(format!("programs of this type may not read `{}`", field.name))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn may_write(&self, field: &Field, at: u32, size: u32) -> Result<(), String> {
        let writable = match self.rights {
            Some(rights) => rights.writable.contains(&field.name.as_str()),
            None => field.writable,
        };
        if !writable || field.role != FieldRole::Plain {
            return Err(format!("`{}` is not writable", field.name));
        }
        self.is_attached(field, ATTACHED)?;
        self.is_attached(field, STORED)?;
        // Fields are stored whole; scratch arrays in any part.
        let whole = match &field.ty {
            CType::Array(..) => field.name == "cb" || size >= 4,
            _ => at == field.offset && size == field.size,
        };
        if whole { Ok(()) } else { Err(format!("`{}` is stored whole", field.name)) }
    }
}
