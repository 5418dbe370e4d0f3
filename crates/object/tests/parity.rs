//! What libbpf finds in an object is what this crate finds, field by field; `docs/object-parity.md`
//! explains what differs.
//!
//! Needs libbpf's oracle (`cargo xtask oracles`), the corpora of the kernel's selftests, and Debian's
//! packages with BPF objects in them (`cargo xtask packages`).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use abide_btf::{Type, TypeId};
use abide_isa::Endian;
use abide_object::{
    ExternKind, Function, KconfigValue, Map, MapOrigin, Object, SectionRule, Target,
};
use serde_json::{Value, json};

/// Objects that libbpf refuses and this crate reads, with what libbpf says.
const READ_NEVERTHELESS: [(&str, &str); 12] = [
    ("callbacks.o", "program 'near' is static and not supported"),
    ("legacy.o", "legacy map definitions in 'maps' section are not supported"),
    ("linked_funcs1.bpf.o", "failed to find BTF for extern"),
    ("linked_funcs2.bpf.o", "failed to find BTF for extern"),
    ("linked_maps1.bpf.o", "unrecognized extern section '.maps'"),
    ("linked_maps2.bpf.o", "unrecognized extern section '.maps'"),
    ("linked_vars1.bpf.o", "failed to find BTF for extern"),
    ("linked_vars2.bpf.o", "failed to find BTF for extern"),
    ("test_sk_assign.bpf.o", "legacy map definitions in 'maps' section are not supported"),
    ("test_subskeleton.bpf.o", "failed to find BTF for extern"),
    ("test_subskeleton_lib.bpf.o", "unrecognized extern section '.maps'"),
    ("test_usdt_multispec.bpf.o", "failed to find BTF for extern"),
];

const PAGE: u32 = 4096;
const ARENA: u32 = 33;
const RINGBUFS: [u32; 2] = [27, 31];

/// FNV-1a, as the oracle makes it.
fn hash(bytes: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// An object in the words of the oracle.
struct Shown<'a>(&'a Object);

impl Shown<'_> {
    fn all(&self) -> Value {
        let object = self.0;
        json!({
            "programs": object.programs.iter().map(|one| self.program(one)).collect::<Vec<_>>(),
            "maps": object.maps.iter().map(|one| self.map(one)).collect::<Vec<_>>(),
            "license": object.license,
            "externs": self.externs(),
            "references": sorted(object.functions.iter().flat_map(|one| self.references(one))),
            "slots": sorted(object.maps.iter().flat_map(|one| self.slots(one))),
        })
    }

    fn program(&self, program: &abide_object::Program) -> Value {
        let function = self.0.function(program.function);
        // libbpf shows code in the byte order of its machine.
        let code: Vec<u8> =
            function.slots.iter().flat_map(|raw| raw.to_bytes(Endian::NATIVE)).collect();
        json!({
            "name": function.name,
            "section": program.section.trim_start_matches('?'),
            "type": program.program_type.map_or(0, |kind| kind.number()),
            "attach_type": program.attach_type.map_or(0, |kind| kind.number()),
            "autoload": program.autoload,
            "insns": function.slots.len(),
            "code": hash(&code),
        })
    }

    fn ty(&self, id: Option<TypeId>) -> Value {
        let Some((btf, id)) = self.0.btf.as_ref().zip(id) else { return Value::Null };
        let name = btf.get(id).map_or("", |ty| ty.name());
        match id {
            TypeId::VOID => Value::Null,
            id => json!({ "id": id.0, "name": name }),
        }
    }

    fn attributes(&self, map: &Map, name: &str) -> Value {
        json!({
            "name": name,
            "type": map.kind,
            "key_size": map.key_size,
            "value_size": map.value_size,
            "max_entries": entries(map),
            "flags": map.flags,
            "extra": map.extra,
            "numa_node": map.numa_node,
            "ifindex": 0,
            "key_type": self.ty(map.key_type),
            // Of struct_ops the kernel's type counts, which libbpf looks up when it loads them.
            "value_type": self.ty(map.value_type),
        })
    }

    fn map(&self, map: &Map) -> Value {
        let mut found = self.attributes(map, &shown_name(map));
        let is_internal = matches!(map.origin, MapOrigin::Data { .. } | MapOrigin::Kconfig(_));
        let autocreate = !matches!(map.origin, MapOrigin::StructOps { autocreate: false, .. });
        found["autocreate"] = autocreate.into();
        found["pinned"] = (map.pinning == 1).into();
        found["internal"] = is_internal.into();
        if let Some(inner) = &map.inner {
            found["inner"] = self.attributes(inner, &inner.name);
        }
        let zeroes = vec![0; map.value_size as usize];
        let bytes = match &map.origin {
            MapOrigin::Data { bytes, .. } => Some(bytes),
            MapOrigin::Kconfig(_) => Some(&zeroes),
            MapOrigin::StructOps { bytes, .. } => {
                let members = map.initial_slots.iter().map(|slot| self.member(map, slot));
                found["members"] = members.collect::<Vec<_>>().into();
                Some(bytes)
            }
            _ if map.kind == ARENA => self.0.arena.as_ref().map(|arena| &arena.bytes),
            _ => None,
        };
        if let Some(bytes) = bytes {
            found["size"] = bytes.len().into();
            found["bytes"] = hash(bytes).into();
        }
        found
    }

    fn member(&self, map: &Map, (number, target): &(u32, Target)) -> Value {
        let definition = self.0.btf.as_ref().unwrap().get(map.value_type.unwrap());
        let Some(Type::Struct(definition)) = definition else {
            panic!("{} is no struct", map.name)
        };
        let member = definition.members.get(*number as usize).unwrap();
        let Target::Function(id) = target else { panic!("{} has {target:?}", map.name) };
        json!({ "offset": member.bit_offset / 8, "program": self.0.function(*id).name })
    }

    fn externs(&self) -> Value {
        let kconfig: BTreeMap<u32, &KconfigValue> = self
            .0
            .maps
            .iter()
            .filter_map(|map| match &map.origin {
                MapOrigin::Kconfig(values) => Some(values),
                _ => None,
            })
            .flatten()
            .map(|value| (value.id.0, value))
            .collect();
        sorted((0..).zip(&self.0.externs).map(|(id, found)| match found.kind {
            ExternKind::Kconfig { .. } => {
                json!({ "name": found.name, "kind": "kconfig", "offset": kconfig[&id].offset })
            }
            _ => json!({ "name": found.name, "kind": "ksym" }),
        }))
    }

    /// What libbpf tells of: references to maps, data and externs.
    fn references(&self, function: &Function) -> Vec<Value> {
        let object = self.0;
        let reference = |relocation: &abide_object::Relocation| {
            let (kind, name) = match relocation.target {
                Target::Map(id) => ("map", object.maps[id.index()].name.clone()),
                Target::Value { map, .. } => {
                    let map = &object.maps[map.index()];
                    let kind = if map.kind == ARENA { "arena" } else { "data" };
                    (kind, logged_name(map))
                }
                Target::CallExtern(id) | Target::Extern(id) => {
                    ("extern", object.externs[id.index()].name.clone())
                }
                _ => return None,
            };
            let slot = relocation.slot;
            Some(json!({ "program": function.name, "insn": slot, "to": kind, "name": name }))
        };
        function.relocations.iter().filter_map(reference).collect()
    }

    fn slots(&self, map: &Map) -> Vec<Value> {
        if map.origin != MapOrigin::Btf {
            return Vec::new();
        }
        let slot = |(slot, target): &(u32, Target)| {
            let to = match *target {
                Target::Map(id) => &self.0.maps[id.index()].name,
                Target::Function(id) => &self.0.function(id).name,
                other => panic!("{} has {other:?}", map.name),
            };
            json!({ "map": map.name, "slot": slot, "to": to })
        };
        map.initial_slots.iter().map(slot).collect()
    }
}

/// A ring buffer's size is made a power of two of pages by libbpf; whose pages is not known here.
fn entries(map: &Map) -> u32 {
    let entries = map.max_entries;
    if !RINGBUFS.contains(&map.kind) || entries == 0 {
        return entries;
    }
    entries.checked_next_multiple_of(PAGE).map_or(entries, |bytes| {
        (bytes / PAGE)
            .checked_next_power_of_two()
            .and_then(|n| n.checked_mul(PAGE))
            .unwrap_or(entries)
    })
}

/// The name that libbpf gives a section of data: with as much of the object's name (here `o`) before
/// it as the 15 bytes of a kernel's name leave, if there is one dot in it.
fn logged_name(map: &Map) -> String {
    if !matches!(map.origin, MapOrigin::Data { .. } | MapOrigin::Kconfig(_)) {
        return map.name.clone();
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || "_.".contains(c) { c } else { '_' };
    let name: String = map.name.chars().take(15).map(plain).collect();
    match map.name[1..].contains('.') || map.name.len() >= 15 {
        true => name,
        false => format!("o{name}"),
    }
}

/// The name that libbpf shows: sections of data with a name of their own keep theirs.
fn shown_name(map: &Map) -> String {
    let is_custom = |family: &str| map.name.starts_with(family) && map.name != family;
    match &map.origin {
        MapOrigin::Data { .. } if is_custom(".data") || is_custom(".rodata") => map.name.clone(),
        _ => logged_name(map),
    }
}

fn sorted(values: impl IntoIterator<Item = Value>) -> Value {
    let mut values: Vec<Value> = values.into_iter().collect();
    values.sort_by_key(Value::to_string);
    values.into()
}

/// Where two answers differ: `maps[3].flags: 0 by libbpf, 1024 by us`.
fn differences(path: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) -> usize {
    match (theirs, ours) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
            let mut fields = 0;
            for key in keys {
                let (one, other) = (&theirs[key.as_str()], &ours[key.as_str()]);
                fields += differences(&format!("{path}.{key}"), one, other, found);
            }
            fields
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let elements = one.iter().zip(other).enumerate();
            elements
                .map(|(at, (one, other))| differences(&format!("{path}[{at}]"), one, other, found))
                .sum()
        }
        _ => {
            if theirs != ours {
                found.push(format!("{path}: {theirs} by libbpf, {ours} by us"));
            }
            1
        }
    }
}

/// What libbpf says of objects.
fn libbpf(oracle: &Path, files: &[PathBuf]) -> Vec<Value> {
    let mut all = Vec::new();
    // As many as fit into a command line.
    for files in files.chunks(500) {
        let output = Command::new(oracle).arg("open").args(files).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let Value::Array(found) = serde_json::from_slice(&output.stdout).unwrap() else {
            panic!("not a list")
        };
        all.extend(found);
    }
    all
}

/// Compares all, and prints how much there was.
fn compare(name: &str, files: &[PathBuf]) {
    let Some(oracle) = abide_testkit::oracle("libbpf") else { return };
    let (mut fields, mut refused, mut nevertheless) = (0, 0, 0);
    let mut wrong = Vec::new();
    for (file, mut theirs) in files.iter().zip(libbpf(&oracle, files)) {
        let short = file.file_name().unwrap().to_string_lossy();
        let bytes = std::fs::read(file).unwrap();
        let ours = Object::parse(&bytes);
        if !theirs["refused"].is_null() {
            let log = theirs["log"].to_string();
            let is_known = |(file, why): &(&str, &str)| *file == short && log.contains(*why);
            match ours {
                Err(_) => refused += 1,
                Ok(_) if READ_NEVERTHELESS.iter().any(is_known) => nevertheless += 1,
                Ok(_) => wrong.push(format!("{short}: refused by libbpf only: {log}")),
            }
            continue;
        }
        let object = match ours {
            Ok(object) => object,
            Err(error) => {
                wrong.push(format!("{short}: refused by us only: {error}"));
                continue;
            }
        };
        if let Some(version) = object.version {
            assert_eq!(theirs["kversion"], version, "{short}");
        }
        let answer = theirs.as_object_mut().unwrap();
        answer.retain(|name, _| !["file", "kversion", "sections"].contains(&name.as_str()));
        for name in ["externs", "references", "slots"] {
            let Value::Array(list) = answer[name].take() else { panic!("{name} is no list") };
            answer[name] = sorted(list);
        }
        let mut found = Vec::new();
        fields += differences("", &theirs, &Shown(&object).all(), &mut found);
        wrong.extend(found.iter().map(|one| format!("{short}: {}", &one[1..])));
    }
    println!(
        "{name}: {} objects, {fields} fields compared, {} differ; {refused} refused by both, \
         {nevertheless} by libbpf alone",
        files.len(),
        wrong.len()
    );
    let shown: Vec<_> = wrong.iter().take(40).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{name}: {} differences\n{}", wrong.len(), shown.join("\n"));
}

/// Our own objects, which need no corpus.
#[test]
fn cases() {
    let names = [
        "basics",
        "basics.be",
        "core.be",
        "callbacks",
        "core",
        "externs",
        "kconfig",
        "legacy",
        "maps",
        "sections",
    ];
    let file = |name: &&str| abide_testkit::repo(&format!("crates/object/tests/cases/{name}.o"));
    compare("our own", &names.iter().map(file).collect::<Vec<_>>());
}

#[test]
fn selftests_of_6_1() {
    compare("selftests of 6.1", &abide_testkit::corpus("selftests-61-c19-v3"));
}

#[test]
fn selftests_of_6_12() {
    compare("selftests of 6.12", &abide_testkit::corpus("selftests-612-c19-v3"));
}

/// The objects inside Debian's packages.
#[test]
fn debian_packages() {
    let packages = abide_testkit::packages();
    for (name, files) in &packages {
        compare(name, files);
    }
    let all: usize = packages.iter().map(|(_, files)| files.len()).sum();
    assert!(packages.is_empty() || all > 50, "only {all} objects in the packages");
}

/// Section names mean to libbpf what the table says, and what is not in it means nothing.
#[test]
fn section_names() {
    let Some(oracle) = abide_testkit::oracle("libbpf") else { return };
    let mut names = Vec::new();
    for rule in SectionRule::all() {
        let name = rule.name;
        for ending in ["", "/", "/more", "more", ".s", "/ingress", "_", "."] {
            names.push(format!("{name}{ending}"));
        }
        names.push(name[..name.len() - 1].to_owned());
        names.push(name.to_uppercase());
    }
    let output = Command::new(oracle).arg("sections").args(&names).output().unwrap();
    let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, theirs) in names.iter().zip(theirs.as_array().unwrap()) {
        let ours = SectionRule::of(name).map(|rule| {
            let attach_type = rule.attach_type.map_or(0, |kind| kind.number());
            json!({ "type": rule.program_type.number(), "attach_type": attach_type })
        });
        assert_eq!(&ours.unwrap_or(Value::Null), theirs, "{name}");
    }
    println!("{} section names mean the same", names.len());
}
