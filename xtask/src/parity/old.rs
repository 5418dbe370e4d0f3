//! The kernel's old arrays of raw programs (`oldtests-*.jsonl`): laid out as a linked program, with
//! the maps that their test harness makes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use abide_api::link::FunctionRange;
use abide_api::model::Api;
use abide_api::{BoundCall, Namespace, NodeId, Program, Service};
use abide_btf::{Btf, Builder, ByteOrder, Kind, TypeId};
use abide_isa::{Endian, Raw};
use abide_object::{AttachTarget, AttachType, Function, Map, MapId, MapOrigin, Object};
use abide_verifier::Options;
use serde_json::{Value, json};

use super::{Case, Corpus};
use crate::Failure;

/// Programs with the kernel's verdicts.
#[derive(Debug)]
pub(super) struct Arrays {
    pub(super) name: &'static str,
    programs: &'static str,
    /// What a kernel said; without privileges it is what the tests expect.
    verdicts: Option<&'static str>,
    node: &'static str,
    kernel: &'static str,
}

pub(super) const CORPORA: &[Arrays] = &[
    Arrays {
        name: "old arrays of 6.12",
        programs: "corpus/oldtests-612.jsonl.zst",
        verdicts: Some("corpus/kernel-verdicts/old-vm612tm.jsonl.zst"),
        node: "TESTMOD_6.12",
        kernel: "6.12.117-cloud",
    },
    Arrays {
        name: "old arrays of 6.1",
        programs: "corpus/oldtests-61.jsonl.zst",
        verdicts: Some("corpus/kernel-verdicts/old-vm61.jsonl.zst"),
        node: "LINUX_6.1",
        kernel: "6.1.192",
    },
    Arrays {
        name: "old arrays of 6.12 without privileges",
        programs: "corpus/oldtests-612.jsonl.zst",
        verdicts: None,
        node: "TESTMOD_6.12",
        kernel: "6.12.117-cloud",
    },
    Arrays {
        name: "old arrays of 6.1 without privileges",
        programs: "corpus/oldtests-61.jsonl.zst",
        verdicts: None,
        node: "LINUX_6.1",
        kernel: "6.1.192",
    },
];

/// Maps that the harness of the arrays cannot make without privileges: it leaves those programs out.
const PRIVILEGED_MAPS: &[&str] = &[
    "fixup_map_sockmap",
    "fixup_map_sockhash",
    "fixup_map_xskmap",
    "fixup_map_stacktrace",
    "fixup_map_reuseport_array",
    "fixup_sk_storage_map",
    "fixup_map_spin_lock",
    "fixup_map_timer",
    "fixup_map_kptr",
];

/// What a test expects of a loader without privileges, in the form of a verdict; those of other program types are
/// not run without.
fn expected(test: &Value) -> Option<Value> {
    let kind = test["prog_type"].as_u64()?;
    if !matches!(TYPES.get(kind as usize), Some(&("" | "socket_filter" | "cgroup_skb"))) {
        return None;
    }
    let own = test["result_unpriv"].as_str()? != "undef";
    let (result, words) =
        if own { ("result_unpriv", "errstr_unpriv") } else { ("result", "errstr") };
    let says = if test[result].as_str()?.ends_with("accept") { "accept" } else { "reject" };
    Some(json!({ "verdict": says, "log": test[words].as_str().unwrap_or("") }))
}

/// Program types of linux.api by number.
const TYPES: [&str; 33] = [
    "",
    "socket_filter",
    "kprobe",
    "tc",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "fentry",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
];

pub(super) fn run(
    api: &Arc<Api>,
    arrays: &Arrays,
    wanted: &super::Wanted<'_>,
) -> Result<Corpus, Failure> {
    let tests = super::lines(arrays.programs)?;
    let said = arrays.verdicts.map(super::lines).transpose()?.unwrap_or_default();
    let mut verdicts: HashMap<u64, Value> =
        said.into_iter().filter_map(|line| Some((line["n"].as_u64()?, line))).collect();
    let unprivileged = arrays.verdicts.is_none();
    if unprivileged {
        verdicts
            .extend(tests.iter().filter_map(|test| Some((test["n"].as_u64()?, expected(test)?))));
    }
    let types = super::objects::types(arrays.kernel)?;
    let old = arrays.node == "LINUX_6.1" && !unprivileged;
    let later: Vec<(&str, HashSet<u64>)> = if old { later()? } else { Vec::new() };
    let host = super::node(api, arrays.node)?;
    let mut corpus = Corpus { name: arrays.name, cases: Vec::new(), left_out: BTreeMap::new() };
    for test in &tests {
        let Some(verdict) = test["n"].as_u64().and_then(|n| verdicts.get(&n)) else { continue };
        let maps = test["fixups"].as_object();
        if unprivileged
            && maps
                .is_some_and(|maps| maps.keys().any(|map| PRIVILEGED_MAPS.contains(&map.as_str())))
        {
            let why = "maps that are not made without privileges".to_owned();
            *corpus.left_out.entry(why).or_default() += 1;
            continue;
        }
        let said = verdict["verdict"].as_str().unwrap_or("");
        let kernel = match said {
            "accept" => true,
            "reject" | "reject_early" | "reject_silent" => false,
            other => {
                *corpus.left_out.entry(format!("verdict {other}")).or_default() += 1;
                continue;
            }
        };
        let case = Case {
            name: format!(
                "{} {}: {}",
                test["n"],
                test["file"].as_str().unwrap_or(""),
                test["descr"].as_str().unwrap_or("")
            ),
            kernel,
            words: super::last_words(verdict["log"].as_str().unwrap_or("")),
            refused: None,
            processed: (verdict["processed"].as_u64().unwrap_or(0), 0),
            time: 0,
            later: test["n"].as_u64().filter(|_| !kernel).and_then(|n| {
                later.iter().find(|(_, takes)| takes.contains(&n)).map(|(kernel, _)| *kernel)
            }),
            kernel_time: None,
        };
        if wanted.case(&case.name) {
            let flags = test["flags"].as_u64().unwrap_or(0);
            let options = Options {
                strict_alignment: flags & 2 != 0,
                host_types: Some(&types),
                explain: false,
                ..Options::new(host)
            };
            let options = if unprivileged { options.without_privileges() } else { options };
            corpus.cases.push(judge(api, test, &options, case));
        }
    }
    Ok(corpus)
}

/// Kernels newer than 6.1, and the numbers of the programs that they take.
fn later() -> Result<Vec<(&'static str, HashSet<u64>)>, Failure> {
    let files = [("6.12", "drift61-6.12.117+deb12-amd64"), ("7.3", "drift61-7.3.4+deb13-amd64")];
    let read = |(kernel, file)| {
        let lines = super::lines(&format!("corpus/kernel-verdicts/{file}.jsonl.zst"))?;
        let takes = |line: &Value| {
            line["n"].as_u64().filter(|_| line["verdict"].as_str() == Some("accept"))
        };
        Ok((kernel, lines.iter().filter_map(takes).collect()))
    };
    files.into_iter().map(read).collect()
}

fn judge(api: &Arc<Api>, test: &Value, options: &Options<'_>, mut case: Case) -> Case {
    let (program, object) = match assemble(api, options.node, test) {
        Ok(found) => found,
        Err((code, message)) => {
            case.refuse(code, message);
            return case;
        }
    };
    case.prove(program, &object, options);
    case
}

type Failed = (&'static str, String);

fn assemble(api: &Arc<Api>, host: NodeId, test: &Value) -> Result<(Program, Object), Failed> {
    let hex = test["insns"].as_str().unwrap_or("");
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .filter_map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).ok())
        .collect();
    let (mut slots, _) = Raw::read_all(&bytes, Endian::Little);
    let kind = TYPES.get(test["prog_type"].as_u64().unwrap_or(0) as usize).copied().unwrap_or("");
    let attach = test["expected_attach_type"].as_u64().unwrap_or(0);
    let kind = match (kind, attach) {
        ("fentry", 23) => "tp_btf",
        ("fentry", 28) => "iter",
        (kind, _) => kind,
    };
    // The words by which sections tell ranges of returned values apart.
    let attached = AttachType::ALL.iter().find(|ty| u64::from(ty.number()) == attach);
    let attached = attached.map_or("", |ty| match ty.name() {
        "modify_return" => "fmod_ret",
        name => name,
    });
    let program_type = api
        .lookup(Namespace::Program, kind, host)
        .ok_or(("type", format!("no program type {kind}")))?;
    let (types, values) = types();
    let mut maps: Vec<Map> = Vec::new();
    for (fixup, places) in test["fixups"].as_object().into_iter().flatten() {
        let map = map(fixup, &values).ok_or(("map", format!("no map for {fixup}")))?;
        let index = maps.len() as i32;
        maps.push(map);
        for place in places.as_array().into_iter().flatten().filter_map(Value::as_u64) {
            let slot = &mut slots[place as usize];
            slot.src = if slot.src == 2 { 6 } else { 5 };
            slot.imm = index;
        }
    }
    let kfuncs: HashMap<u64, &str> = test["kfuncs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair[1].as_u64()?, pair[0].as_str()?)))
        .collect();
    let mut calls = BTreeMap::new();
    let mut starts = vec![0_u32];
    let mut at = 0;
    while at < slots.len() {
        let slot = slots[at];
        match (slot.code, slot.src) {
            (0x85, 0) => {
                let found = api
                    .helper_by_number(slot.imm as u32)
                    .into_iter()
                    .rfind(|id| api.is_ancestor(api.definition(*id).node, host));
                let id = found.ok_or(("helper", format!("no helper {}", slot.imm)))?;
                if api
                    .right(id, kind, "")
                    .is_none_or(|right| !api.is_ancestor(api.definition(right).node, host))
                {
                    return Err(("right", format!("{kind} may not call {}", api.label(id))));
                }
                calls.insert(
                    at as u32,
                    BoundCall { definition: id, service: Service::Current, renumbered: None },
                );
            }
            (0x85, 2) => {
                let name = kfuncs.get(&(at as u64)).copied().unwrap_or("?");
                // One that the host does not have must not be reached.
                slots[at].off = 0;
                if let Some(definition) = api.lookup(Namespace::Callable, name, host) {
                    calls.insert(
                        at as u32,
                        BoundCall { definition, service: Service::Current, renumbered: None },
                    );
                }
            }
            (0x85, 1) | (0x18, 4) => {
                if let Ok(target) = u32::try_from(at as i64 + 1 + i64::from(slot.imm)) {
                    starts.push(target);
                }
            }
            _ => {}
        }
        at += if slot.code == 0x18 { 2 } else { 1 };
    }
    starts.sort_unstable();
    starts.dedup();
    starts.retain(|start| (*start as usize) < slots.len());
    let functions = starts
        .iter()
        .enumerate()
        .map(|(at, start)| FunctionRange {
            name: format!("f{at}"),
            slots: *start..starts.get(at + 1).copied().unwrap_or(slots.len() as u32),
            compat: None,
        })
        .collect();
    let mut object = object(maps, types, test["flags"].as_u64().unwrap_or(0) & 16 != 0);
    // 0 says nothing.
    object.programs[0].attach_type =
        AttachType::ALL.iter().find(|ty| attach > 0 && u64::from(ty.number()) == attach).copied();
    object.programs[0].attach = test["attach_to"].as_str().map(|target| {
        let (of, name) = match kind {
            "tp_btf" => (Kind::Typedef, format!("btf_trace_{target}")),
            "iter" => (Kind::Func, format!("bpf_iter_{target}")),
            "lsm" => (Kind::Func, format!("bpf_lsm_{target}")),
            _ => (Kind::Func, target.to_owned()),
        };
        AttachTarget::Btf { module: None, kind: of, name }
    });
    let program = Program {
        name: "f0".to_owned(),
        section: format!("{kind}/{attached}"),
        program_type,
        slots,
        maps: (0..object.maps.len() as u32).map(MapId).collect(),
        calls,
        functions,
        lines: Vec::new(),
        api: Arc::clone(api),
    };
    Ok((program, object))
}

fn object(maps: Vec<Map>, types: Btf, sleepable: bool) -> Object {
    let program = abide_object::Program {
        sleepable,
        ..abide_object::Program::of(abide_object::FunctionId(0))
    };
    Object {
        endian: Endian::Little,
        license: Some("GPL".to_owned()),
        functions: vec![Function { name: "f0".to_owned(), ..Function::empty() }],
        programs: vec![program],
        maps,
        btf: Some(types),
        ..Object::empty()
    }
}

/// The value types of maps with special fields, as the harness of the arrays declares them.
fn types() -> (Btf, HashMap<&'static str, TypeId>) {
    let mut builder = Builder::new();
    let int = builder.int("int", 4, true);
    let lock = builder.composite(false, "bpf_spin_lock", 4, &[("val", int, 0)]);
    let long = builder.int("u64", 8, false);
    let timer = builder.composite(false, "bpf_timer", 16, &[("a", long, 0), ("b", long, 64)]);
    let object = builder.forward("prog_test_ref_kfunc", false);
    let member = builder.forward("prog_test_member", false);
    let mut kptr = |tag: &str, to| {
        let tag = builder.reference(Kind::TypeTag, tag, to);
        builder.reference(Kind::Ptr, "", tag)
    };
    let (plain, owned, inside) =
        (kptr("kptr_untrusted", object), kptr("kptr", object), kptr("kptr", member));
    let locked = builder.composite(false, "val", 8, &[("cnt", int, 0), ("l", lock, 32)]);
    let timed = builder.composite(false, "timer", 16, &[("t", timer, 0)]);
    let kptrs = builder.composite(
        false,
        "btf_ptr",
        24,
        &[("ptr", plain, 0), ("ref_ptr", owned, 64), ("ref_memb_ptr", inside, 128)],
    );
    let values = HashMap::from([("lock", locked), ("timer", timed), ("kptr", kptrs)]);
    let btf = builder.finish(ByteOrder::Little);
    (btf.unwrap_or_else(|error| panic!("{error}")), values)
}

/// The map that a fix-up stands for.
fn map(fixup: &str, values: &HashMap<&'static str, TypeId>) -> Option<Map> {
    // Kind, key, value, entries, flags, value type.
    let (kind, key, value, entries, flags, ty) = match fixup {
        "fixup_map_hash_8b" => (1, 8, 8, 1, 0, ""),
        "fixup_map_hash_16b" => (1, 8, 16, 1, 0, ""),
        "fixup_map_hash_48b" => (1, 8, 48, 1, 0, ""),
        "fixup_map_array_48b" => (2, 4, 48, 1, 0, ""),
        "fixup_map_array_small" => (2, 4, 1, 1, 0, ""),
        "fixup_map_array_ro" => (2, 4, 48, 1, 128, ""),
        "fixup_map_array_wo" => (2, 4, 48, 1, 256, ""),
        "fixup_map_sockmap" => (15, 4, 4, 1, 0, ""),
        "fixup_map_sockhash" => (18, 4, 4, 1, 0, ""),
        "fixup_map_xskmap" => (17, 4, 4, 1, 0, ""),
        "fixup_map_stacktrace" => (7, 4, 8, 1, 0, ""),
        "fixup_prog1" => (3, 4, 4, 4, 0, ""),
        "fixup_prog2" => (3, 4, 4, 8, 0, ""),
        "fixup_map_in_map" => (12, 4, 4, 1, 0, ""),
        "fixup_cgroup_storage" => (19, 16, 64, 0, 0, ""),
        "fixup_percpu_cgroup_storage" => (21, 16, 64, 0, 0, ""),
        "fixup_map_spin_lock" => (2, 4, 8, 1, 0, "lock"),
        "fixup_sk_storage_map" => (24, 4, 8, 0, 1, "lock"),
        "fixup_map_event_output" => (4, 4, 4, 1, 0, ""),
        "fixup_map_reuseport_array" => (20, 4, 8, 1, 0, ""),
        "fixup_map_ringbuf" => (27, 0, 0, 4096, 0, ""),
        "fixup_map_timer" => (2, 4, 16, 1, 0, "timer"),
        "fixup_map_kptr" => (2, 4, 24, 1, 0, "kptr"),
        _ => return None,
    };
    let plain = Map {
        name: fixup.to_owned(),
        origin: MapOrigin::Btf,
        kind,
        key_size: key,
        value_size: value,
        max_entries: entries,
        flags,
        value_type: values.get(ty).copied(),
        ..Map::empty()
    };
    let inner =
        (kind == 12).then(|| Box::new(Map { kind: 2, name: "inner".to_owned(), ..plain.clone() }));
    Some(Map { inner, ..plain })
}
