//! What a program needs besides callees and maps: how it is attached, what it reads of its context,
//! instructions, features of the verifier. Names without a definition in the API are left out.

use std::collections::BTreeMap;

use abide_isa::{AtomicOp, Kind, Level, Op, decode};
use abide_object::{AttachType, ExternKind, FunctionId, Object, ProgramType, Target};

use super::reader::Reader;
use crate::ctype::CType;
use crate::flow::{Access, Reached};
use crate::model::{Api, DefId, DefKind, Field, StructType};
use crate::query::Namespace;

/// Something that a program needs.
#[derive(Debug, Clone)]
pub struct Feature {
    /// What.
    pub what: What,
    /// The definition that a host must serve.
    pub meaning: DefId,
    /// The functions and slots that need it; empty if the program as a whole does.
    pub places: Vec<(FunctionId, u32)>,
    /// Also instructions that cannot be reached need it.
    pub everywhere: bool,
    /// The program can be loaded without it, but not attached.
    pub attach_only: bool,
}

/// What a [`Feature`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A way of attaching: `BPF_TRACE_ITER`.
    AttachType(String),
    /// A flag of loading: `BPF_F_XDP_HAS_FRAGS`.
    Flag(&'static str),
    /// A field of the context: `__sk_buff.tstamp`.
    Field(String),
    /// A level or group of instructions: `v4`.
    Instructions(&'static str),
    /// Something that the verifier must understand: `bounded_loops`.
    Verifier(&'static str),
}

impl What {
    /// The kind of thing, in words.
    pub fn noun(&self) -> &'static str {
        match self {
            What::AttachType(_) => "attach type",
            What::Flag(_) => "flag",
            What::Field(_) => "context field",
            What::Instructions(_) => "instruction set",
            What::Verifier(_) => "verifier feature",
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            What::AttachType(name) | What::Field(name) => name,
            What::Flag(name) | What::Instructions(name) | What::Verifier(name) => name,
        }
    }
}

/// Flags of maps by their bit, as in Linux's UAPI. Those of read-only and other data are the
/// loader's own, and left out when the host lacks them.
const MAP_FLAGS: &[(u32, &str)] = &[
    (1 << 0, "BPF_F_NO_PREALLOC"),
    (1 << 1, "BPF_F_NO_COMMON_LRU"),
    (1 << 2, "BPF_F_NUMA_NODE"),
    (1 << 3, "BPF_F_RDONLY"),
    (1 << 4, "BPF_F_WRONLY"),
    (1 << 5, "BPF_F_STACK_BUILD_ID"),
    (1 << 6, "BPF_F_ZERO_SEED"),
    (1 << 7, "BPF_F_RDONLY_PROG"),
    (1 << 8, "BPF_F_WRONLY_PROG"),
    (1 << 9, "BPF_F_CLONE"),
    (1 << 10, "BPF_F_MMAPABLE"),
    (1 << 11, "BPF_F_PRESERVE_ELEMS"),
    (1 << 12, "BPF_F_INNER_MAP"),
    (1 << 13, "BPF_F_LINK"),
    (1 << 17, "BPF_F_SEGV_ON_FAULT"),
    (1 << 18, "BPF_F_NO_USER_CONV"),
    (1 << 19, "BPF_F_RB_OVERWRITE"),
];

/// The flags of a map that the API knows.
pub(super) fn map_flags(api: &Api, flags: u32) -> Vec<(&'static str, DefId)> {
    let set = MAP_FLAGS.iter().filter(|(bit, _)| flags & bit != 0);
    set.filter_map(|(_, name)| Some((*name, api.constant(name)?))).collect()
}

/// The longest program of a kernel that does not know `million_instructions`.
const OLD_LIMIT: usize = 4096;

/// `bpf_tail_call`.
const TAIL_CALL: i64 = 12;

/// What a program needs.
pub(super) fn of(
    reader: &Reader<'_>,
    index: usize,
    program_type: Option<&DefId>,
    functions: &[FunctionId],
    reached: &Reached,
) -> Vec<Feature> {
    let (api, object) = (reader.api, reader.object);
    let mut found = Vec::new();
    attaching(api, object, index, &mut found);
    if let Some(context) = program_type.and_then(|id| context(api, *id)) {
        fields(api, context, &reached.context, &mut found);
    }
    // APIs that say nothing of instructions run all of them.
    if api.names(Namespace::Ability).next().is_some() {
        instructions(api, object, functions, reached, &mut found);
        verifier(api, object, index, functions, &mut found);
    }
    found
}

fn whole(what: What, meaning: DefId) -> Feature {
    Feature { what, meaning, places: Vec::new(), everywhere: true, attach_only: false }
}

/// Whether kernels look at the attach type already when they load a program of this type. Of others
/// they ignore it until the program is attached.
fn is_told_at_load(program_type: ProgramType) -> bool {
    matches!(
        program_type,
        ProgramType::CgroupSkb
            | ProgramType::CgroupSock
            | ProgramType::CgroupSockAddr
            | ProgramType::CgroupSockopt
            | ProgramType::SkLookup
            | ProgramType::Netfilter
            | ProgramType::Tracing
            | ProgramType::Lsm
    )
}

/// Whether a program can be attached in this way only. Others are attached as their type always was
/// where the kernel does not know the attach type.
fn is_told_at_attach(attach: AttachType, section: &str) -> bool {
    match attach {
        AttachType::TraceKprobeMulti
        | AttachType::TraceKprobeSession
        | AttachType::TraceUprobeMulti
        | AttachType::TraceUprobeSession
        | AttachType::XdpCpumap
        | AttachType::XdpDevmap
        | AttachType::SkSkbVerdict
        | AttachType::SkReuseportSelectOrMigrate
        | AttachType::NetkitPrimary
        | AttachType::NetkitPeer => true,
        // `tc/ingress` says the same, and may be attached in the old way.
        AttachType::TcxIngress | AttachType::TcxEgress => section.contains("tcx"),
        _ => false,
    }
}

fn attaching(api: &Api, object: &Object, index: usize, found: &mut Vec<Feature>) {
    let program = &object.programs[index];
    if let Some((attach, kind)) = program.attach_type.zip(program.program_type) {
        let name = format!("BPF_{}", attach.name().to_uppercase());
        let attach_only = is_told_at_attach(attach, &program.section);
        let is_told = attach_only || is_told_at_load(kind);
        if let Some(meaning) = api.constant(&name).filter(|_| is_told) {
            found.push(Feature { attach_only, ..whole(What::AttachType(name), meaning) });
        }
    }
    for (name, needed) in [
        (
            "BPF_F_SLEEPABLE",
            program.sleepable && program.program_type != Some(ProgramType::Syscall),
        ),
        ("BPF_F_XDP_HAS_FRAGS", program.fragments),
    ] {
        if let Some(meaning) = api.constant(name).filter(|_| needed) {
            found.push(whole(What::Flag(name), meaning));
        }
    }
}

/// The struct that a program type hands to its programs.
fn context(api: &Api, program_type: DefId) -> Option<&str> {
    let DefKind::Program(program) = &api.definition(program_type).kind else { return None };
    let CType::Pointer(to) = &program.params.first()?.ty else { return None };
    match to.unqualified() {
        CType::Struct(name) => Some(name),
        _ => None,
    }
}

/// The fields of the context, each by the oldest definition that has it.
fn fields(api: &Api, context: &str, accesses: &[Access], found: &mut Vec<Feature>) {
    let layouts: Vec<(DefId, &StructType)> = api
        .definitions_of(Namespace::Tag, context)
        .iter()
        .filter_map(|id| match &api.definition(*id).kind {
            DefKind::Struct(layout) if !layout.opaque => Some((*id, layout)),
            _ => None,
        })
        .collect();
    let mut by_field: BTreeMap<(DefId, u32), Feature> = BTreeMap::new();
    for access in accesses {
        let Ok(offset) = u32::try_from(access.offset) else { continue };
        let holds = |field: &&Field| {
            field.offset <= offset && offset < field.offset.saturating_add(field.size)
        };
        let oldest =
            layouts.iter().find_map(|(id, layout)| Some((*id, layout.fields.iter().find(holds)?)));
        let Some((id, field)) = oldest else { continue };
        let feature = by_field.entry((id, field.offset)).or_insert_with(|| {
            let what = What::Field(format!("{context}.{}", field.name));
            Feature { everywhere: false, ..whole(what, id) }
        });
        feature.places.push((access.function, access.slot));
    }
    found.extend(by_field.into_values());
}

fn instructions(
    api: &Api,
    object: &Object,
    functions: &[FunctionId],
    reached: &Reached,
    found: &mut Vec<Feature>,
) {
    let mut by_name: BTreeMap<&'static str, Feature> = BTreeMap::new();
    for id in functions {
        let function = object.function(*id);
        let mut slot = 0;
        while slot < function.slots.len() {
            let Ok(insn) = decode(&function.slots[slot..]) else {
                slot += 1;
                continue;
            };
            let at = slot as u32;
            slot += insn.slots();
            let Some(name) = instruction_set(object, insn.op, function.target_at(at)) else {
                continue;
            };
            let everywhere = has_new_opcode(insn.op);
            if !everywhere && !reached.contains(*id, at) {
                continue;
            }
            let Some(meaning) = ability(api, name) else { continue };
            let feature = by_name.entry(name).or_insert_with(|| Feature {
                everywhere,
                ..whole(What::Instructions(name), meaning)
            });
            feature.everywhere |= everywhere;
            feature.places.push((*id, at));
        }
    }
    found.extend(by_name.into_values());
}

/// The first definition of an instruction set or verifier feature.
fn ability(api: &Api, name: &str) -> Option<DefId> {
    api.definitions_of(Namespace::Ability, name).first().copied()
}

/// What an API file calls the instruction set that has an instruction; `None` if all have it.
fn instruction_set(object: &Object, op: Op, target: Option<Target>) -> Option<&'static str> {
    match (op.kind(), target) {
        (_, Some(Target::Call(_))) => Some("subprograms"),
        // A host that lacks what is weak needs no instruction for it, and one that has it has those.
        (_, Some(Target::CallExtern(id) | Target::Extern(id)))
            if object.externs[id.index()].weak
                && !matches!(object.externs[id.index()].kind, ExternKind::Kconfig { .. }) =>
        {
            None
        }
        (_, Some(Target::CallExtern(_))) => Some("kfuncs"),
        (_, Some(Target::Function(_))) => Some("function_pointers"),
        (_, Some(Target::Value { .. })) => Some("map_values"),
        (_, Some(Target::Extern(id))) => match object.externs[id.index()].kind {
            ExternKind::Kconfig { .. } => Some("map_values"),
            // A variable without a type is a plain number.
            ExternKind::Ksym { .. } => Some("btf_ids").filter(|_| is_typed(object, id)),
            ExternKind::Function { .. } => Some("btf_ids"),
        },
        (Kind::Atomic { op: AtomicOp::Add, fetch: false, .. }, _) => Some("atomic_add"),
        (Kind::Atomic { .. }, _) => Some("atomics"),
        (Kind::LoadAcquire { .. } | Kind::StoreRelease { .. }, _) => Some("acquire_release"),
        (Kind::JumpX, _) => Some("indirect_jump"),
        (Kind::MayGoto, _) => Some("may_goto"),
        (Kind::AddrSpaceCast, _) => Some("addr_space_cast"),
        _ => match op.spec().level {
            Level::V1 => None,
            Level::V2 => Some("v2"),
            Level::V3 => Some("v3"),
            Level::V4 => Some("v4"),
        },
    }
}

/// Whether an extern variable has a type, so that it is loaded by its number in the host's types.
pub(crate) fn is_typed(object: &Object, id: abide_object::ExternId) -> bool {
    let ExternKind::Ksym { ty: Some(ty) } = object.externs[id.index()].kind else { return false };
    let Some(btf) = &object.btf else { return false };
    btf.strip(ty).0 != 0
}

/// Whether no older instruction has the opcode. Kernels look at opcodes before anything else, also
/// where nothing leads to; at other fields only where they get to.
fn has_new_opcode(op: Op) -> bool {
    let spec = op.spec();
    let older = |other: &&Op| {
        let other = other.spec();
        other.opcode == spec.opcode && other.level == Level::V1
    };
    !Op::ALL.iter().any(|other| older(&other))
}

fn verifier(
    api: &Api,
    object: &Object,
    index: usize,
    functions: &[FunctionId],
    found: &mut Vec<Feature>,
) {
    let program = &object.programs[index];
    let function = |id: &FunctionId| object.function(*id);
    let length: usize = functions.iter().map(|id| function(id).slots.len()).sum();
    let trampoline = matches!(program.attach_type, Some(attach) if attach.name().starts_with("trace_f")
        || attach.name() == "modify_return")
        && program.program_type == Some(ProgramType::Tracing);
    let refers = |wanted: fn(Target) -> bool| {
        functions.iter().any(|id| function(id).relocations.iter().any(|found| wanted(found.target)))
    };
    let tail_call = |slots: &[abide_isa::Raw]| {
        slots.iter().any(|raw| raw.code == 0x85 && raw.src == 0 && i64::from(raw.imm) == TAIL_CALL)
    };
    let calls_subprograms = refers(|target| matches!(target, Target::Call(_)));
    let tail_calls = calls_subprograms && functions.iter().any(|id| tail_call(&function(id).slots));
    for (name, needed) in [
        ("million_instructions", length > OLD_LIMIT),
        ("trampolines", trampoline),
        ("freplace", program.program_type == Some(ProgramType::Ext)),
        ("sleepable_programs", program.sleepable),
        ("callbacks", refers(|target| matches!(target, Target::Function(_)))),
        ("tail_calls_in_subprograms", tail_calls),
        ("exceptions", program.exception.is_some()),
    ] {
        if let Some(meaning) = ability(api, name).filter(|_| needed) {
            found.push(whole(What::Verifier(name), meaning));
        }
    }
    loops(api, object, functions, found);
}

/// Jumps backwards.
fn loops(api: &Api, object: &Object, functions: &[FunctionId], found: &mut Vec<Feature>) {
    const NAME: &str = "bounded_loops";
    let Some(meaning) = ability(api, NAME) else { return };
    let mut places = Vec::new();
    for id in functions {
        let slots = &object.function(*id).slots;
        let mut slot = 0;
        while slot < slots.len() {
            let Ok(insn) = decode(&slots[slot..]) else {
                slot += 1;
                continue;
            };
            if insn.jump().is_some_and(|by| by < 0) {
                places.push((*id, slot as u32));
            }
            slot += insn.slots();
        }
    }
    if !places.is_empty() {
        let what = What::Verifier(NAME);
        found.push(Feature { places, everywhere: false, ..whole(what, meaning) });
    }
}
