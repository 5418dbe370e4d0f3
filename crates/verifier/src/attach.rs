//! What a program is handed that is attached to a function of the host: the arguments of that
//! function, by the host's types. And what a program may return, by its type and section.

use abide_api::Namespace;
use abide_api::ctype::CType;
use abide_btf::core::essential;
use abide_btf::{Btf, Kind as BtfKind, Type, TypeId};
use abide_diag::printable;
use abide_object::{AttachTarget, AttachType, MapOrigin, Object, Target};

use crate::codes as c;
use crate::domain::Scalar;
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Value};
use crate::types::{Content, Types};
use crate::walk::Refused;

/// Whether the host has what the program is attached to, as far as its types say.
pub(crate) fn is_there(types: &Types<'_>, object: &Object, program: &str) -> Result<(), Refused> {
    let (Some(btf), Some(id)) = (types.host, object.program(program)) else { return Ok(()) };
    let Some(AttachTarget::Btf { kind, name, module: None }) = &object.programs[id.index()].attach
    else {
        return Ok(());
    };
    if btf.by_name(*kind, name).is_some() {
        return Ok(());
    }
    let name = printable(name);
    let text = match name.strip_prefix("btf_trace_").filter(|_| *kind == BtfKind::Typedef) {
        Some(name) => {
            format!("the host has no tracepoint `{name}`, to which the program is attached")
        }
        None => format!("the host has no function `{name}`, to which the program is attached"),
    };
    Err(Rejection::new(&c::V_TARGET, text)
        .kernel(format!("failed to find kernel BTF type ID of '{name}': -3"))
        .help("its types do not have it: it was renamed, inlined or removed, or it is a module's"))
}

/// The arguments of the function that a program is attached to, eight bytes each; `None` if that is
/// not known.
pub(crate) fn arguments(
    types: &mut Types<'_>,
    object: &Object,
    program: &str,
) -> Option<(Vec<Value>, Returns)> {
    let btf = types.host?;
    let found = &object.programs[object.program(program)?.index()];
    if let Some(AttachTarget::Btf { kind, name, .. }) = &found.attach {
        let id = btf.by_name(*kind, name)?;
        let traced = *kind == BtfKind::Typedef;
        let (params, ret) = prototype(btf, id)?;
        // The first argument of a tracepoint is what it was registered with.
        let skip = usize::from(traced);
        // Iterators hand null at their end; what they say of themselves is always there.
        let iter = found.attach_type == Some(AttachType::TraceIter);
        let elements = name.ends_with("_map_elem") || name.ends_with("_storage_map");
        let lsm = matches!(found.attach_type, Some(AttachType::LsmMac | AttachType::LsmCgroup));
        // What a function is called with may be gone, or not there yet.
        let live = traced || iter || lsm && !DYING.contains(&name.as_str());
        let mut all: Vec<Value> = params
            .into_iter()
            .skip(skip)
            .enumerate()
            .map(|(at, (param, ty))| match iter && at > 0 && is_void_pointer(btf, ty) {
                true => buffer(param),
                // The map whose elements are handed over is there to the end.
                false => {
                    value(types, btf, ty, live, iter && at > 0 && !(elements && param == "map"))
                }
            })
            .collect();
        let returns = matches!(
            found.attach_type,
            Some(AttachType::TraceFexit | AttachType::ModifyReturn | AttachType::LsmMac)
        );
        if returns && ret != TypeId::VOID {
            all.push(match Returns::of(btf, name, ret, found.attach_type) {
                // What the programs before it returned.
                Returns::Range(low, high) => Value::number(Scalar::between_signed(low, high)),
                _ => value(types, btf, ret, live, false),
            });
        }
        let result = Returns::of(btf, name, ret, found.attach_type);
        return Some((all, result));
    }
    let function = found.function;
    for map in object.maps.iter().filter(|map| matches!(map.origin, MapOrigin::StructOps { .. })) {
        let slot =
            map.initial_slots.iter().find(|(_, target)| *target == Target::Function(function));
        let (Some((member, _)), Some(local)) = (slot, object.btf.as_ref()) else { continue };
        let Some(Type::Struct(of)) = local.get(local.strip(map.value_type?)) else { continue };
        let name = of.members.get(*member as usize)?.name;
        let plain = essential(of.name);
        let Some(id) = btf.by_name(BtfKind::Struct, plain) else {
            return operation(types, plain, name);
        };
        let Some(Type::Struct(theirs)) = btf.get(id) else { return None };
        let member = theirs.members.iter().find(|member| member.name == name)?;
        let (params, ret) = prototype(btf, member.ty)?;
        let mut all: Vec<Value> =
            params.into_iter().map(|(_, ty)| value(types, btf, ty, true, false)).collect();
        if plain == "tcp_congestion_ops" {
            // The sockets of these are TCP sockets.
            let (sock, tcp) = (types.named("sock"), types.named("tcp_sock"));
            for value in all.iter_mut().filter(|value| value.kind == Kind::Object(sock)) {
                value.kind = Kind::Object(tcp);
            }
        }
        let result = if ret == TypeId::VOID { Returns::Nothing } else { Returns::Anything };
        return Some((all, result));
    }
    None
}

/// The arguments of an operation of a struct that the API describes, not the host's types.
fn operation(types: &mut Types<'_>, of: &str, name: &str) -> Option<(Vec<Value>, Returns)> {
    let of = types.named(of);
    let field = types.fields(of)?.iter().find(|field| field.name == name)?;
    let (returns, params) = match field.ty.unqualified() {
        CType::Function(returns, params) => (returns, params),
        CType::Pointer(to) => match &**to {
            CType::Function(returns, params) => (returns, params),
            _ => return None,
        },
        _ => return None,
    };
    let all = params.iter().map(|ty| match ty.pointee().map(CType::unqualified) {
        Some(CType::Struct(name)) => {
            let of = types.named(name);
            Value { flags: Flags::TRUSTED, ..Value::pointer(Kind::Object(of)) }
        }
        _ => Value::number(Scalar::UNKNOWN),
    });
    let all = all.collect();
    let nothing = **returns == CType::Void;
    Some((all, if nothing { Returns::Nothing } else { Returns::Anything }))
}

/// The program type of what a program replaces: the first that is handed a struct that the program
/// declares to take. Which one it is, and that the prototypes fit, the host compares when it replaces it.
pub(crate) fn replaced(
    types: &Types<'_>,
    object: &Object,
    program: &str,
) -> Option<abide_api::DefId> {
    let btf = object.btf.as_ref()?;
    let found = &object.programs[object.program(program)?.index()];
    let (params, _) = prototype(btf, object.functions[found.function.0 as usize].proto?)?;
    params.iter().find_map(|(_, ty)| {
        let Some(Type::Ptr { to }) = btf.get(btf.strip(*ty)) else { return None };
        match btf.get(btf.strip(to))?.name() {
            // Of the many that have it those with the most rights.
            "__sk_buff" => types.api.lookup(Namespace::Program, "tc", types.node),
            name => types.program_of(name),
        }
    })
}

/// The context of a program type that the API does not describe and the host's types do, if all that
/// is in it are pointers: they are handed over like arguments.
pub(crate) fn pointers_of(types: &mut Types<'_>, name: &str) -> Option<Vec<Value>> {
    let btf = types.host?;
    let Some(Type::Struct(of)) = btf.get(btf.by_name(BtfKind::Struct, name)?) else { return None };
    let each = |member: abide_btf::Member<'_>| match btf.get(btf.strip(member.ty)) {
        Some(Type::Ptr { .. }) => Some(value(types, btf, member.ty, true, false)),
        _ => None,
    };
    of.members.iter().map(each).collect::<Option<Vec<Value>>>().filter(|all| !all.is_empty())
}

/// Memory that an iterator hands over: how much of it there is, the host compares when the program
/// is attached to a map.
fn buffer(name: &str) -> Value {
    let readonly = if name == "key" { Flags::READONLY } else { Flags::NONE };
    let flags = Flags::NULLABLE.with(readonly);
    Value { flags, ..Value::pointer(Kind::Memory(ANY_SIZE)) }
}

/// The most of memory whose size the host compares when the program is attached.
pub(crate) const ANY_SIZE: u32 = u16::MAX as u32;

fn is_void_pointer(btf: &Btf, ty: TypeId) -> bool {
    matches!(btf.get(btf.strip(ty)), Some(Type::Ptr { to }) if btf.strip(to) == TypeId::VOID)
}

/// Hooks that are handed objects which are being made or taken down.
const DYING: &[&str] = &[
    "bpf_lsm_bpf_map_free",
    "bpf_lsm_bpf_prog_free",
    "bpf_lsm_file_alloc_security",
    "bpf_lsm_file_free_security",
    "bpf_lsm_sk_alloc_security",
    "bpf_lsm_sk_free_security",
    "bpf_lsm_task_free",
];

/// What a program returns that is attached to a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Returns {
    /// It need not set r0.
    Nothing,
    Anything,
    Range(i64, i64),
}

impl Returns {
    fn of(btf: &Btf, name: &str, ret: TypeId, attach: Option<AttachType>) -> Returns {
        const MAX_ERRNO: i64 = 4095;
        const TRUTH: &[&str] = &["bpf_lsm_audit_rule_known", "bpf_lsm_inode_xattr_skipcap"];
        let number = matches!(btf.get(btf.strip(ret)), Some(Type::Int { .. }));
        match attach {
            Some(AttachType::LsmMac) if ret == TypeId::VOID => Returns::Nothing,
            Some(AttachType::LsmMac) if TRUTH.contains(&name) => Returns::Range(0, 1),
            Some(AttachType::LsmMac) if number => Returns::Range(-MAX_ERRNO, 0),
            Some(AttachType::LsmCgroup) if ret == TypeId::VOID => Returns::Range(1, 1),
            Some(AttachType::LsmCgroup) => Returns::Range(0, 1),
            _ => Returns::Anything,
        }
    }
}

/// The parameters and the result of a function, or of what points to one.
fn prototype(btf: &Btf, id: TypeId) -> Option<(Vec<(&str, TypeId)>, TypeId)> {
    let mut id = id;
    for _ in 0..8 {
        match btf.get(btf.strip(id))? {
            Type::Func { proto, .. } => id = proto,
            Type::Ptr { to } => id = to,
            Type::FuncProto { ret, params } => {
                return Some((params.iter().map(|param| (param.name, param.ty)).collect(), ret));
            }
            _ => return None,
        }
    }
    None
}

fn value(types: &mut Types<'_>, btf: &Btf, ty: TypeId, live: bool, nullable: bool) -> Value {
    let Some(Type::Ptr { to }) = btf.get(btf.strip(ty)) else {
        let bytes = btf.size_of(ty).and_then(|size| u32::try_from(size).ok()).unwrap_or(8);
        // Narrow arguments are passed in whole registers, whose upper part is not defined.
        let _ = bytes;
        return Value::number(Scalar::UNKNOWN);
    };
    match types.pointer(btf, false, to) {
        Content::Pointer { to, .. } => {
            let mut flags = if live { Flags::TRUSTED } else { Flags::NONE };
            if nullable {
                flags = flags.with(Flags::NULLABLE);
            }
            Value { flags, ..Value::pointer(Kind::Object(to)) }
        }
        // Pointers to anything else are numbers to the program.
        Content::Number | Content::OtherPointer => Value::number(Scalar::UNKNOWN),
    }
}

/// What Linux lets programs return, where their type has several ranges: by a word in the section.
/// The first that fits counts; the API language has one range for a program type.
const RETURNS: &[(&str, &str, i64, i64)] = &[
    ("cgroup_skb", "egress", 0, 3),
    ("cgroup_skb", "", 0, 1),
    ("cgroup_sock_addr", "bind", 0, 3),
    ("cgroup_sock_addr", "recvmsg", 1, 1),
    ("cgroup_sock_addr", "getpeername", 1, 1),
    ("cgroup_sock_addr", "getsockname", 1, 1),
    ("cgroup_sock_addr", "", 0, 1),
    ("cgroup_sock", "", 0, 1),
    ("cgroup_device", "", 0, 1),
    ("cgroup_sysctl", "", 0, 1),
    ("cgroup_sockopt", "", 0, 1),
    ("sock_ops", "", 0, 1),
    ("sk_lookup", "", 0, 1),
    ("netfilter", "", 0, 1),
    ("fentry", "fmod_ret", i32::MIN as i64, i32::MAX as i64),
    ("fentry", "", 0, 0),
    ("iter", "", 0, 1),
];

/// The range of what a program of this type may return.
pub(crate) fn returns(program: &str, section: &str) -> Option<(i64, i64)> {
    let found = RETURNS.iter().find(|(of, word, ..)| *of == program && section.contains(word));
    found.map(|(.., low, high)| (*low, *high))
}
