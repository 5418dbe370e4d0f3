//! Cases as text: maps, a program type, assembly, and what the verifier says.
#![allow(dead_code, unreachable_pub, reason = "not every test needs all of it")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use abide_api::link::FunctionRange;
use abide_api::model::Api;
use abide_api::{BoundCall, Namespace, NodeId, Program, Service};
use abide_asm::assemble;
use abide_btf::{Btf, Builder, ByteOrder, Kind, TypeId};
use abide_isa::Endian;
use abide_object::{
    AttachType, ExceptionCallback, Function, FunctionId, Map, MapId, MapOrigin, Object,
};
use abide_verifier::{Options, Proof, Refusal, prove};

/// The API of Linux.
pub fn linux() -> Arc<Api> {
    static API: OnceLock<Arc<Api>> = OnceLock::new();
    let read = || {
        let path = abide_testkit::repo("apis/linux.api");
        Arc::new(Api::parse("linux.api", &std::fs::read_to_string(path).unwrap()).unwrap())
    };
    Arc::clone(API.get_or_init(read))
}

/// The node of the host that cases are for.
pub fn node(api: &Api) -> NodeId {
    api.node("LINUX_6.12").unwrap()
}

/// Makes a program of a case: `type T`, `map NAME KIND KEY VALUE ENTRIES [FLAGS] [lock|timer|rodata [text=TEXT]]`, then code, in which
/// `rN = map NAME` and `rN = value NAME OFFSET` mean maps, and calls are by name. `exception`: the
/// program throws to the function that begins at the label `thrown`, `exception 2`: which takes two numbers.
/// `attach NAME`: how it is attached. `unprivileged`: its loader has no privileges. `section NAME`: its section, if that is not the name of the type. `host NODE`: another node than 6.12's. `rN = type NAME`: the number of a struct of the object. `rN = function LABEL`: its address.
pub fn program(api: &Arc<Api>, text: &str) -> (Program, Object) {
    let host = host(api, text);
    let (types, values) = types();
    let (mut kind, mut maps, mut code) =
        ("socket_filter".to_owned(), Vec::<Map>::new(), String::new());
    let (mut exception, mut addresses, mut section) = (None, Vec::new(), None);
    let mut attached = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let index =
            |maps: &[Map], name: &str| maps.iter().position(|map| map.name == name).unwrap();
        match words.as_slice() {
            ["type", name] => kind = (*name).to_owned(),
            ["section", name] => section = Some((*name).to_owned()),
            ["host", _] | ["unprivileged"] => {}
            ["attach", name] => {
                attached = AttachType::ALL.iter().find(|ty| ty.name() == *name).copied();
                assert!(attached.is_some(), "{name}");
            }
            [reg, "=", "function", name] => {
                addresses.push((*name).to_owned());
                code += &format!("ld_pseudo {reg}, 4, 0\n");
            }
            [reg, "=", "type", name] => {
                let id = types.by_name(Kind::Struct, name).unwrap();
                code += &format!("{reg} = {}\n", id.0);
            }
            ["exception", rest @ ..] => {
                exception = Some(rest.first().map_or(1, |count| count.parse::<usize>().unwrap()))
            }
            ["map", name, of, key, value, entries, rest @ ..] => {
                maps.push(map(name, of, key, value, entries, rest, &values))
            }
            [reg, "=", "map", name] => {
                code += &format!("ld_pseudo {reg}, 5, {}\n", index(&maps, name))
            }
            [reg, "=", "value", name, offset] => {
                let offset: u64 = offset.parse().unwrap();
                code +=
                    &format!("ld_pseudo {reg}, 6, {}\n", offset << 32 | index(&maps, name) as u64);
            }
            _ => code += &format!("{line}\n"),
        }
    }
    let assembled = assemble(&code, &abide_asm::Options::default())
        .unwrap_or_else(|errors| panic!("{errors:?}\n{code}"));
    let mut slots = assembled.slots;
    let mut calls = BTreeMap::new();
    let mut starts = vec![0_u32];
    for found in &assembled.refs {
        let Some(definition) = api.lookup(Namespace::Callable, &found.name, host) else {
            // What the host does not have: a weak function.
            slots[found.slot].src = 2;
            continue;
        };
        slots[found.slot].src =
            if api.definition(definition).kind.word() == "helper" { 0 } else { 2 };
        slots[found.slot].imm = definition.0 as i32;
        calls.insert(
            found.slot as u32,
            BoundCall { definition, service: Service::Current, renumbered: None },
        );
    }
    let label = |name: &str| assembled.labels.iter().find(|label| label.name == name).unwrap().slot;
    let holes = (0..slots.len()).filter(|at| slots[*at].code == 0x18 && slots[*at].src == 4);
    let holes: Vec<usize> = holes.filter(|at| slots[*at].imm == 0).collect();
    for (at, name) in holes.into_iter().zip(&addresses) {
        slots[at].imm = label(name.as_str()) as i32 - at as i32 - 1;
    }
    for (at, slot) in slots.iter().enumerate() {
        if slot.src == 1 && slot.code == 0x85 || slot.src == 4 && slot.code == 0x18 {
            starts.push((at as i64 + 1 + i64::from(slot.imm)) as u32);
        }
    }
    let thrown = exception.map(|takes| (label("thrown") as u32, takes));
    starts.extend(thrown.map(|(start, _)| start));
    starts.sort_unstable();
    starts.dedup();
    let functions: Vec<FunctionRange> = (0..starts.len())
        .map(|at| FunctionRange {
            name: format!("f{at}"),
            slots: starts[at]..starts.get(at + 1).copied().unwrap_or(slots.len() as u32),
            compat: None,
        })
        .collect();
    let program = Program {
        name: "f0".to_owned(),
        section: section.unwrap_or_else(|| kind.clone()),
        program_type: api.lookup(Namespace::Program, &kind, host).unwrap(),
        slots,
        maps: (0..maps.len() as u32).map(MapId).collect(),
        calls,
        functions,
        lines: Vec::new(),
        api: Arc::clone(api),
    };
    let mut object = object(maps, types);
    object.programs[0].attach_type = attached;
    if let Some((start, takes)) = thrown {
        let at = starts.iter().position(|found| *found == start).unwrap();
        declare_exception(&mut object, format!("f{at}"), takes);
    }
    (program, object)
}

/// The program throws to a global function that takes so many numbers.
fn declare_exception(object: &mut Object, name: String, takes: usize) {
    let proto = object.btf.as_ref().unwrap().by_name(Kind::Func, &format!("takes{takes}"));
    object.functions.push(Function {
        name: name.clone(),
        section: ".text".to_owned(),
        proto,
        ..Function::empty()
    });
    object.programs[0].exception = Some(ExceptionCallback { name, function: Some(FunctionId(1)) });
}

/// What the verifier says.
pub fn verify(api: &Arc<Api>, text: &str) -> Result<Proof, Box<Refusal>> {
    let (program, object) = program(api, text);
    let options = Options::new(host(api, text));
    let unprivileged = text.lines().any(|line| line == "unprivileged");
    prove(program, &object, &if unprivileged { options.without_privileges() } else { options })
}

/// The node that a case is for.
fn host(api: &Api, text: &str) -> NodeId {
    let named = text.lines().find_map(|line| line.strip_prefix("host "));
    named.map_or_else(|| node(api), |name| api.node(name.trim()).unwrap())
}

fn map(
    name: &str,
    of: &str,
    key: &str,
    value: &str,
    entries: &str,
    rest: &[&str],
    values: &[(&str, TypeId)],
) -> Map {
    let kind =
        (1..40).find(|number| abide_api::map_types::map_type_name(*number) == Some(of)).unwrap();
    let data = rest.contains(&"rodata");
    let value_size = value.parse().unwrap();
    let text = rest.iter().find_map(|word| word.strip_prefix("text="));
    Map {
        name: name.to_owned(),
        origin: if data {
            let mut bytes: Vec<u8> = (0..value_size).map(|at: u32| at as u8 + 1).collect();
            if let Some(text) = text {
                bytes = text.as_bytes().to_vec();
                bytes.resize(value_size as usize, 0);
            }
            MapOrigin::Data { section: ".rodata".to_owned(), bytes, readonly: true }
        } else {
            MapOrigin::Btf
        },
        kind,
        key_size: key.parse().unwrap(),
        value_size,
        max_entries: entries.parse().unwrap(),
        value_type: values.iter().find(|(word, _)| rest.contains(word)).map(|(_, id)| *id),
        ..Map::empty()
    }
}

fn types() -> (Btf, [(&'static str, TypeId); 5]) {
    let mut builder = Builder::new();
    let int = builder.int("int", 4, true);
    let long = builder.int("u64", 8, false);
    let lock = builder.composite(false, "bpf_spin_lock", 4, &[("val", int, 0)]);
    let timer = builder.composite(false, "bpf_timer", 16, &[("a", long, 0), ("b", long, 64)]);
    let locked = builder.composite(false, "locked", 8, &[("count", int, 0), ("lock", lock, 32)]);
    let timed = builder.composite(false, "timed", 16, &[("timer", timer, 0)]);
    builder.composite(false, "bpf_iter_num", 8, &[("opaque", long, 0)]);
    for (name, params) in
        [("takes1", &[("a", long)][..]), ("takes2", &[("a", long), ("b", long)][..])]
    {
        let proto = builder.prototype(int, params);
        builder.reference(Kind::Func, name, proto);
    }
    // An object that is in a list, in a tree, and counted; one that is neither.
    let link = builder.composite(false, "bpf_list_node", 24, &[("o", long, 0)]);
    let leaf = builder.composite(false, "bpf_rb_node", 32, &[("o", long, 0)]);
    let head = builder.composite(false, "bpf_list_head", 16, &[("o", long, 0)]);
    let root = builder.composite(false, "bpf_rb_root", 16, &[("o", long, 0)]);
    let count = builder.composite(false, "bpf_refcount", 4, &[("o", int, 0)]);
    let members =
        [("key", long, 0), ("link", link, 64), ("leaf", leaf, 256), ("count", count, 512)];
    builder.composite(false, "node", 72, &members);
    builder.composite(false, "numbers", 16, &[("a", long, 0), ("b", long, 64)]);
    let mut graph = |name: &str, field, tag| {
        let id = builder.composite(false, name, 24, &[("lock", lock, 0), ("field", field, 64)]);
        builder.declaration_tag(tag, id, Some(1));
        id
    };
    let list = graph("listed", head, "contains:node:link");
    let tree = graph("treed", root, "contains:node:leaf");
    let resilient = builder.composite(false, "bpf_res_spin_lock", 8, &[("o", long, 0)]);
    let members = [("count", long, 0), ("lock", resilient, 64)];
    let resilient = builder.composite(false, "resilient", 16, &members);
    let values = [
        ("lock", locked),
        ("timer", timed),
        ("list", list),
        ("tree", tree),
        ("resilient", resilient),
    ];
    (builder.finish(ByteOrder::Little).unwrap(), values)
}

fn object(maps: Vec<Map>, types: Btf) -> Object {
    Object {
        endian: Endian::Little,
        license: Some("GPL".to_owned()),
        functions: vec![Function { name: "f0".to_owned(), ..Function::empty() }],
        programs: vec![abide_object::Program::of(FunctionId(0))],
        maps,
        btf: Some(types),
        ..Object::empty()
    }
}
