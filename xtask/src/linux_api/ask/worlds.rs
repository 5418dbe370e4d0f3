//! Where helpers are called from: programs of every type, what they are handed, and maps. Which answer
//! means what is not decided here.

use abide_api::model::{Api, DefKind, FieldRole};
use abide_api::{Namespace, NodeId};
use abide_btf::{Btf, Kind, Type, TypeId};
use abide_linux::load::vehicle::{self, Numbers, SLEEPABLE};
use abide_testkit::bpf::{Map, MapAttr};

use super::code::{Field, Pass};
use crate::Failure;

/// How many ways there are to come by an object.
pub(super) const VARIANTS: usize = 3;

/// Functions of the kernel that are handed what helpers take: the vehicle, the function, and whether
/// programs for it may sleep.
const HANDED: &[(&str, &str, bool)] = &[
    ("fentry", "vfs_getattr", false),
    ("fentry", "tcp_rcv_established", false),
    ("fentry", "xdp_do_redirect", false),
    ("fentry", "cgroup_attach_task", false),
    ("lsm", "bpf_lsm_inode_mkdir", true),
    ("lsm", "bpf_lsm_file_open", true),
    ("lsm", "bpf_lsm_bprm_committed_creds", false),
    ("lsm", "bpf_lsm_socket_connect", false),
];

/// A program to call helpers from.
pub(super) struct World {
    /// How it is attached.
    pub(super) name: String,
    /// Its type in `linux.api`.
    pub(super) program: &'static str,
    pub(super) numbers: Numbers,
    /// The struct that it is handed, if that has a name.
    context: Option<String>,
    /// The structs that pointers among its arguments are to.
    handed: Vec<Option<String>>,
}

/// Everything that can be loaded on the kernel with this BTF.
pub(super) fn all(types: &Btf, api: &Api, node: NodeId) -> Vec<World> {
    let mut found = Vec::new();
    for vehicle in vehicle::ALL {
        let Ok(numbers) = vehicle.numbers(types) else { continue };
        let name = vehicle.name.to_owned();
        let context = context(api, node, vehicle.program);
        let handed = function(types, numbers.target);
        found.push(World { name, program: vehicle.program, numbers, context, handed });
        for (_, target, sleepable) in HANDED.iter().filter(|(name, ..)| *name == vehicle.name) {
            let Some(id) = types.by_name(Kind::Func, target) else { continue };
            let flags = if *sleepable { SLEEPABLE } else { 0 };
            let numbers = Numbers { target: id.0, flags, ..numbers };
            let name = format!("{}/{target}", vehicle.name);
            let handed = function(types, id.0);
            found.push(World { name, program: vehicle.program, numbers, context: None, handed });
        }
    }
    found
}

fn context(api: &Api, node: NodeId, program: &str) -> Option<String> {
    let id = api.lookup(Namespace::Program, program, node)?;
    let DefKind::Program(program) = &api.definition(id).kind else { return None };
    let pointee = program.params.first()?.ty.pointee()?;
    match pointee.unqualified() {
        abide_api::ctype::CType::Struct(name) => Some(name.clone()),
        _ => None,
    }
}

/// What the pointers of a function's parameters are to.
fn function(types: &Btf, id: u32) -> Vec<Option<String>> {
    let Some(Type::Func { proto, .. }) = types.get(TypeId(id)) else { return Vec::new() };
    let Some(Type::FuncProto { params, .. }) = types.get(proto) else { return Vec::new() };
    let structure = |ty| {
        let Some(Type::Ptr { to }) = types.get(types.strip(ty)) else { return None };
        match types.get(types.strip(to)) {
            Some(Type::Struct(body)) => Some(body.name.to_owned()),
            _ => None,
        }
    };
    params.iter().map(|param| structure(param.ty)).collect()
}

impl World {
    pub(super) fn is_context(&self, name: &str) -> bool {
        self.context.as_deref() == Some(name)
    }

    /// An object of a struct, if these programs come by one.
    pub(super) fn object(
        &self,
        api: &Api,
        node: NodeId,
        name: &str,
        variant: usize,
    ) -> Option<Pass> {
        let is = |found: &Option<String>| match (found.as_deref(), name) {
            (Some("sock" | "sock_common"), "bpf_sock" | "sock") => true,
            (found, name) => found == Some(name),
        };
        if let Some(at) = self.handed.iter().position(is) {
            return Some(Pass::Load(vec![8 * at as i16]));
        }
        match name {
            "task_struct" => Some(Pass::Made(158)),
            "seq_file" => Some(Pass::Load(vec![0, 0])),
            "bpf_sock" | "sock" | "tcp_sock" => {
                let (at, _) = self.field(api, node, |field| field.name == "sk")?;
                let more = match (variant, name) {
                    (0, _) => None,
                    (_, "tcp_sock") => Some(96),
                    _ => Some(95),
                };
                Some(Pass::Checked(at, more))
            }
            _ => None,
        }
    }

    /// What a helper takes for `void *ctx`.
    pub(super) fn handle(&self, helper: &str) -> Pass {
        let wanted = match helper {
            "bpf_skb_output" => "sk_buff",
            "bpf_xdp_output" => "xdp_buff",
            _ => return Pass::Context,
        };
        let at = self.handed.iter().position(|found| found.as_deref() == Some(wanted));
        at.map_or(Pass::Context, |at| Pass::Load(vec![8 * at as i16]))
    }

    /// The fields of the context that are the ends of a packet.
    pub(super) fn packet(&self, api: &Api, node: NodeId) -> Option<[Field; 2]> {
        // What the kernel calls a packet is none there, or is not to be read.
        if matches!(self.program, "cgroup_sockopt" | "socket_filter" | "sock_ops") {
            return None;
        }
        let role = |role| self.field(api, node, move |field| field.role == role);
        Some([role(FieldRole::Packet)?, role(FieldRole::PacketEnd)?])
    }

    fn field(
        &self,
        api: &Api,
        node: NodeId,
        is: impl Fn(&abide_api::model::Field) -> bool,
    ) -> Option<Field> {
        let id = api.lookup(Namespace::Tag, self.context.as_deref()?, node)?;
        let DefKind::Struct(body) = &api.definition(id).kind else { return None };
        let field = body.fields.iter().find(|field| is(field))?;
        Some((i16::try_from(field.offset).ok()?, field.size == 8))
    }
}

/// The size that is passed for the memory before it.
pub(super) fn size(helper: &str) -> i32 {
    match helper {
        // Both families' tuples are told apart by it when the program runs.
        "bpf_sk_lookup_tcp" | "bpf_sk_lookup_udp" | "bpf_skc_lookup_tcp" => 12,
        _ => 8,
    }
}

/// `BPF_F_RDONLY_PROG`.
const READ_ONLY: u32 = 128;

/// Kinds of maps: number, key, value, entries, flags.
const KINDS: &[[u32; 5]] = &[
    [1, 4, 8, 1, 0],
    [2, 4, 8, 1, 0],
    [3, 4, 4, 1, 0],
    [4, 4, 4, 1, 0],
    [6, 4, 8, 1, 0],
    [7, 4, 8, 1, 0],
    [8, 4, 4, 1, 0],
    [14, 4, 4, 1, 0],
    [15, 4, 4, 1, 0],
    [17, 4, 4, 1, 0],
    [18, 4, 4, 1, 0],
    [19, 8, 8, 0, 0],
    [20, 4, 8, 1, 0],
    [22, 0, 8, 1, 0],
    [27, 0, 0, 65536, 0],
];

/// The maps that calls are tried with.
pub(super) struct Maps {
    kinds: Vec<Map>,
    read_only: Map,
    writable: Map,
}

impl Maps {
    pub(super) fn new() -> Result<Maps, Failure> {
        let make = |[kind, key_size, value_size, max_entries, flags]: [u32; 5]| {
            Map::create(&MapAttr { kind, key_size, value_size, max_entries, flags }, 1)
                .map_err(|errno| format!("a map of the kind {kind}: errno {errno}"))
        };
        let kinds = KINDS.iter().map(|kind| make(*kind)).collect::<Result<_, _>>()?;
        let read_only = make([2, 4, 64, 1, READ_ONLY])?;
        read_only.freeze().map_err(|errno| format!("freezing a map: errno {errno}"))?;
        Ok(Maps { kinds, read_only, writable: make([2, 4, 64, 1, 0])? })
    }

    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// One of the kinds, with what every program gets.
    pub(super) fn with(&self, kind: usize) -> [&Map; 3] {
        [&self.kinds[kind], &self.read_only, &self.writable]
    }
}
