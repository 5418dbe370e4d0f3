//! Objects from C sources: what is read of each, and that every compiler's object reads alike.
//!
//! `tests/cases/NAME.c` is the source and says how `NAME.o` was made; `NAME.txt` is what is read of
//! it (`BLESS=1` writes it). `NAME.be.o` is for big-endian machines, `NAME.gcc12.o` from gcc 12.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use abide_btf::{Type, TypeId};
use abide_object::{ExternKind, Function, Map, MapOrigin, Object, Target};

const CASES: [&str; 8] =
    ["basics", "callbacks", "core", "externs", "kconfig", "legacy", "maps", "sections"];

fn case(file: &str) -> PathBuf {
    abide_testkit::repo("crates/object/tests/cases").join(file)
}

fn parse(path: &Path) -> Object {
    let bytes = std::fs::read(path).unwrap();
    let object =
        Object::parse(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(Object::parse(&bytes).unwrap(), object, "the same bytes are read alike");
    object
}

/// A place in the data of an object by the name of the variable, whichever section it is in.
fn variable(object: &Object, map: &Map, offset: u64) -> String {
    let vars = match (&object.btf, map.value_type) {
        (Some(btf), Some(ty)) => match btf.get(ty) {
            Some(Type::DataSec { vars, .. }) => Some((btf, vars)),
            _ => None,
        },
        _ => None,
    };
    if let Some((btf, vars)) = vars {
        for var in vars {
            let start = u64::from(var.offset);
            if (start..start + u64::from(var.size)).contains(&offset) {
                let name = btf.get(var.ty).unwrap().name();
                return format!("{name}+{}", offset - start);
            }
        }
    }
    format!("{}+{offset}", map.name)
}

fn target(object: &Object, target: Target) -> String {
    match target {
        Target::Map(id) => format!("map {}", object.maps[id.index()].name),
        Target::Value { map, offset } => {
            format!("value {}", variable(object, &object.maps[map.index()], offset))
        }
        Target::Function(id) => format!("address of {}", object.function(id).name),
        Target::Call(id) => format!("call {}", object.function(id).name),
        Target::CallExtern(id) => format!("call extern {}", object.externs[id.index()].name),
        Target::Extern(id) => format!("extern {}", object.externs[id.index()].name),
        Target::JumpTable { offset, size } => format!("jump table {offset}..+{size}"),
    }
}

fn ty(object: &Object, id: Option<TypeId>) -> String {
    match (&object.btf, id) {
        (Some(btf), Some(id)) => btf.c_name(id),
        _ => "-".to_owned(),
    }
}

fn map(object: &Object, map: &Map) -> String {
    let mut out = format!(
        "{}: type {} key {} value {} max {} flags {:#x} pinning {} extra {} numa {}",
        map.name,
        map.kind,
        map.key_size,
        map.value_size,
        map.max_entries,
        map.flags,
        map.pinning,
        map.extra,
        map.numa_node
    );
    if let MapOrigin::Data { bytes, readonly, .. } = &map.origin {
        let kind = if *readonly { "read-only " } else { "" };
        write!(out, " {kind}data {bytes:02x?}").unwrap();
    } else if let MapOrigin::Kconfig(values) = &map.origin {
        for value in values {
            let name = &object.externs[value.id.index()].name;
            write!(out, ", {}..+{} {name} {:?}", value.offset, value.size, value.form).unwrap();
        }
    } else if let MapOrigin::StructOps { bytes, autocreate } = &map.origin {
        let off = if *autocreate { "" } else { ", not made by itself" };
        write!(out, " of {}{off}, {bytes:02x?}", ty(object, map.value_type)).unwrap();
    } else {
        let (key, value) = (ty(object, map.key_type), ty(object, map.value_type));
        write!(out, " of {key} to {value}, {:?}", map.origin).unwrap();
    }
    for (slot, value) in &map.initial_slots {
        write!(out, ", [{slot}] = {}", target(object, *value)).unwrap();
    }
    if let Some(inner) = &map.inner {
        write!(out, "\n    inner {}", self::map(object, inner)).unwrap();
    }
    out
}

fn externs(object: &Object) -> Vec<String> {
    let line = |found: &abide_object::Extern| {
        let (kind, id) = match found.kind {
            ExternKind::Function { proto } => ("function", proto),
            ExternKind::Ksym { ty } => ("ksym", ty),
            ExternKind::Kconfig { ty } => ("kconfig", ty),
        };
        let text = match (&object.btf, id) {
            (Some(btf), Some(id)) => btf.declaration(id, &found.name),
            _ => found.name.clone(),
        };
        format!("{kind} {text}{}", if found.weak { " weak" } else { "" })
    };
    object.externs.iter().map(line).collect()
}

/// Everything that is read of an object but the code itself.
fn dump(object: &Object) -> String {
    let mut out = String::new();
    let license = object.license.as_deref().unwrap_or("-");
    writeln!(out, "{:?}, license {license}, version {:x?}", object.endian, object.version).unwrap();
    for stamp in &object.stamps {
        writeln!(out, "stamp {}@{}", stamp.api, stamp.node).unwrap();
    }
    for program in &object.programs {
        let name = &object.function(program.function).name;
        write!(out, "program {name} in {}", program.section).unwrap();
        if let Some(kind) = program.program_type {
            write!(out, ": {}", kind.name()).unwrap();
        }
        if let Some(kind) = program.attach_type {
            write!(out, " at {}", kind.name()).unwrap();
        }
        if let Some(target) = &program.attach {
            write!(out, ", to {target:?}").unwrap();
        }
        let words = [
            (program.sleepable, "may sleep"),
            (program.fragments, "takes fragments"),
            (!program.autoload, "not loaded by itself"),
        ];
        for (_, word) in words.iter().filter(|(is_so, _)| *is_so) {
            write!(out, ", {word}").unwrap();
        }
        if let Some(callback) = &program.exception {
            let function = callback.function.map(|id| &object.function(id).name);
            write!(out, ", throws to {} ({function:?})", callback.name).unwrap();
        }
        out.push('\n');
    }
    for one in &object.maps {
        writeln!(out, "map {}", map(object, one)).unwrap();
    }
    for line in externs(object) {
        writeln!(out, "extern {line}").unwrap();
    }
    for (number, function) in object.functions.iter().enumerate() {
        writeln!(
            out,
            "\nfunction {} {:?} in {} at {}: {} slots, {}",
            function.name,
            function.linkage,
            function.section,
            function.offset,
            function.slots.len(),
            ty(object, function.proto),
        )
        .unwrap();
        for relocation in &function.relocations {
            let line = function.line_at(relocation.slot).map_or(0, |line| line.line);
            let what = target(object, relocation.target);
            writeln!(out, "  {:3} {what} (line {line})", relocation.slot).unwrap();
        }
        for core in object.core.iter().filter(|core| core.function.index() == number) {
            let name = ty(object, Some(core.ty));
            writeln!(out, "  {:3} {:?} of {name} {}", core.slot, core.kind, core.access).unwrap();
        }
        for line in &function.lines {
            let file = Path::new(&*line.file).file_name().unwrap().to_string_lossy();
            writeln!(
                out,
                "  {:3} {file}:{}:{} {}",
                line.slot,
                line.line,
                line.column,
                line.text.trim()
            )
            .unwrap();
        }
    }
    out
}

/// What every compiler must agree on: how it is laid out and optimised does not count.
fn essence(object: &Object) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    all.insert(format!("license {:?} stamps {:?}", object.license, object.stamps));
    for program in &object.programs {
        let name = &object.function(program.function).name;
        all.insert(format!("program {name} {} {}", program.section, program.autoload));
    }
    for function in &object.functions {
        let name = &function.name;
        all.insert(format!("function {} {name} {:?}", function.section, function.linkage));
        let proto = function.proto.expect("every compiler describes functions");
        // gcc calls the type `long int`.
        let text = object.btf.as_ref().unwrap().declaration(proto, "").replace("long int", "long");
        all.insert(format!("prototype {text}"));
        for relocation in &function.relocations {
            all.insert(format!("{name}: {}", target(object, relocation.target)));
        }
    }
    for one in &object.maps {
        if !matches!(one.origin, MapOrigin::Data { .. }) {
            all.insert(format!("map {}", map(object, one)));
            continue;
        }
        for (at, value) in &one.initial_slots {
            let place = variable(object, one, u64::from(*at));
            all.insert(format!("{place} = {}", target(object, *value)));
        }
    }
    // Parameters of functions that are only declared have names for some compilers only.
    for found in &object.externs {
        let kind = match found.kind {
            ExternKind::Function { .. } => "function",
            ExternKind::Ksym { .. } => "ksym",
            ExternKind::Kconfig { .. } => "kconfig",
        };
        all.insert(format!("extern {kind} {} {}", found.name, found.weak));
    }
    all
}

#[test]
fn what_is_read() {
    for name in CASES {
        let object = parse(&case(&format!("{name}.o")));
        abide_testkit::check_or_bless(case(&format!("{name}.txt")), &dump(&object));
    }
}

#[test]
fn byte_order_makes_no_difference() {
    for name in ["basics", "core"] {
        let little = dump(&parse(&case(&format!("{name}.o"))));
        let big = dump(&parse(&case(&format!("{name}.be.o"))));
        // Bytes of variables differ, and nothing else.
        let strip = |text: &str| {
            let lines = text.lines().filter(|line| !line.starts_with("map .")).map(str::to_owned);
            lines.map(|line| line.replace("Big,", "Little,")).collect::<Vec<_>>()
        };
        assert_eq!(strip(&little), strip(&big));
    }
}

/// Compares the essence of an object with that of the committed one.
fn compare(name: &str, other: &Object, by: &str) {
    let expected = essence(&parse(&case(&format!("{name}.o"))));
    let found = essence(other);
    let missing: Vec<_> = expected.difference(&found).collect();
    let added: Vec<_> = found.difference(&expected).collect();
    assert!(
        missing.is_empty() && added.is_empty(),
        "{name} by {by}: missing {missing:#?}, added {added:#?}"
    );
}

#[test]
fn gcc_12_reads_alike() {
    for name in ["basics", "callbacks", "legacy", "maps"] {
        compare(name, &parse(&case(&format!("{name}.gcc12.o"))), "gcc 12");
    }
}

#[test]
fn every_compiler_reads_alike() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    for compiler in ["clang-14", "clang-19", "clang-22", "bpf-gcc"] {
        let Some(tool) = abide_testkit::tool(&[compiler]) else { continue };
        let is_gcc = compiler == "bpf-gcc";
        for name in CASES {
            if is_gcc && ["core", "externs", "kconfig", "sections"].contains(&name) {
                continue;
            }
            let output = dir.join(format!("{name}.{compiler}.{}.o", std::process::id()));
            let mut command = Command::new(&tool);
            command.args(if is_gcc { &["-gbtf"][..] } else { &["-g", "-target", "bpf"] });
            command.args(["-O2", "-mcpu=v3", "-c", &format!("{name}.c"), "-o"]).arg(&output);
            let status = command.current_dir(case("")).status().unwrap();
            assert!(status.success(), "{compiler} does not compile {name}.c");
            compare(name, &parse(&output), compiler);
            std::fs::remove_file(output).unwrap();
        }
    }
}

/// The functions of an object by name.
fn function<'o>(object: &'o Object, name: &str) -> &'o Function {
    object.functions.iter().find(|function| function.name == name).unwrap()
}

#[test]
fn lines_and_targets_are_found_by_slot() {
    let object = parse(&case("basics.o"));
    let count = function(&object, "count");
    let call = count
        .relocations
        .iter()
        .find(|one| matches!(one.target, Target::CallExtern(_)))
        .expect("it calls a function of the host");
    assert_eq!(count.target_at(call.slot), Some(call.target));
    assert_eq!(count.target_at(call.slot + 1), None);
    let line = count.line_at(call.slot).unwrap();
    assert!(line.text.contains("host_read(limit)"), "{line:?}");
    assert_eq!(
        object.program("count").map(|id| object.programs[id.index()].section.as_str()),
        Some("xdp")
    );
    assert_eq!(object.map("counters").map(|id| id.0), Some(0));
    assert_eq!(object.program("add"), None);
}
