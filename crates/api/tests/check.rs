//! What becomes of programs on hosts: `cases/check/guards.o`, whose programs ask before they use what
//! is new, on hosts with and without types; and `changed-*.o`, whose programs mean what changed since.
//! `BLESS=1` writes `guards.txt` and `changed.txt`. How the objects are compiled is in `guards.c` and
//! `changed.c`.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use abide_api::check::{Checker, Host, Item, Row, Status, release};
use abide_api::flow::{Facts, Reached};
use abide_api::{Api, HostProfile, Requirements};
use abide_btf::core::Target;
use abide_diag::Report;
use abide_object::{Object, host_types};
use abide_testkit::{check_or_bless, repo};

fn bytes(name: &str) -> Vec<u8> {
    fs::read(repo("crates/api/tests/cases/check").join(name)).unwrap()
}

fn linux() -> Arc<Api> {
    let text = fs::read_to_string(repo("apis/linux.api")).unwrap();
    Arc::new(Api::parse("linux.api", &text).unwrap())
}

fn item(needs: &Requirements, object: &Object, program: usize, row: &Row) -> String {
    let program = &needs.programs[program];
    match row.item {
        Item::ProgramType => "program type".to_owned(),
        Item::Feature(at) => {
            let what = &program.features[at].what;
            format!("{} {}", what.noun(), what.name())
        }
        Item::Call(at) => format!("call {}", program.calls[at].name),
        Item::Map(at) => format!("map {}", needs.maps[at].name),
        Item::Core(at) => format!("relocation {at}"),
        Item::Extern(id) => format!("extern {}", object.externs[id.index()].name),
        Item::Target => "target".to_owned(),
        Item::Operation(at) => format!("member {}", needs.operations[at].name),
        Item::Arguments => "arguments".to_owned(),
        Item::StructOps(at) => format!("struct_ops {}", object.maps[at].name),
    }
}

#[test]
fn guards_are_folded_for_each_host() {
    let object = Object::parse(&bytes("guards.o")).unwrap();
    let api = linux();
    let needs = Requirements::of(&object, &[Arc::clone(&api)]).unwrap();
    let types = [host_types(&bytes("old.o")).unwrap(), host_types(&bytes("new.o")).unwrap()];
    let targets: Vec<Target<'_>> = types.iter().map(Target::new).collect();
    let hosts = [
        ("LINUX_4.19", None),
        ("LINUX_5.4", None),
        ("LINUX_5.8", None),
        ("LINUX_6.1", None),
        ("LINUX_6.1", Some(&targets[0])),
        ("LINUX_6.5", None),
        ("LINUX_6.5", Some(&targets[1])),
    ];
    let checker = Checker::new(&object, &needs);
    let mut out = String::new();
    for (name, types) in hosts {
        let profile = HostProfile::at(&api, name).unwrap().as_kernel();
        let report = checker.check(&Host { profile, types, release: release(name) });
        let _ = writeln!(out, "{name}{}", if types.is_some() { " with types" } else { "" });
        for (at, program) in needs.programs.iter().enumerate() {
            let _ = writeln!(out, "  {}: {}", program.name, report.verdict(at).word());
            for row in report.rows(at) {
                let said = match &row.status {
                    Status::Served { .. } | Status::There => continue,
                    Status::NotNeeded => "not needed".to_owned(),
                    Status::Open(why) => format!("open: {why}"),
                    Status::NotAttached(refusal) => format!("not attached: {}", refusal.report()),
                    Status::Refused(refusal) => refusal.report().to_string(),
                };
                let said = said.lines().next().unwrap_or_default();
                let _ = writeln!(out, "    {}: {said}", item(&needs, &object, at, row));
            }
        }
    }
    let _ = writeln!(out, "oldest nodes");
    let oldest = checker.oldest_nodes(&Host::nodes(&api));
    for (oldest, program) in oldest.into_iter().zip(&needs.programs) {
        let oldest = oldest.map_or("none", |id| &api.node_ref(id).name);
        let _ = writeln!(out, "  {}: {oldest}", program.name);
    }
    check_or_bless(repo("crates/api/tests/cases/check/guards.txt"), &out);
}

/// What was written for one version, on kernels before and after what it calls or reads changed.
#[test]
fn changes_have_consequences() {
    let api = linux();
    let mut out = String::new();
    for (version, hosts) in [
        ("6.1", &["4.9", "4.10", "4.13", "4.14", "5.17", "6.11", "6.12", "6.18"][..]),
        ("6.2", &["6.1", "6.2", "6.3", "6.4", "6.12"]),
        ("6.12", &["6.11", "6.12", "6.16", "6.17", "6.19", "7.0"]),
        ("7.0", &["6.19", "7.0"]),
    ] {
        let object = Object::parse(&bytes(&format!("changed-{version}.o"))).unwrap();
        let needs = Requirements::of(&object, &[Arc::clone(&api)]).unwrap();
        let checker = Checker::new(&object, &needs);
        let _ = writeln!(out, "written for {version}");
        for (at, program) in needs.programs.iter().enumerate() {
            let _ = writeln!(out, "  {}", program.name);
            for host in hosts {
                let profile = HostProfile::at(&api, &format!("LINUX_{host}")).unwrap().as_kernel();
                let report = checker.check(&Host { profile, types: None, release: None });
                let _ = writeln!(out, "    {host}: {}", report.verdict(at).word());
                for row in report.rows(at) {
                    match &row.status {
                        Status::Served { by, changed: true, .. } => {
                            let why = api.definition(*by).changed.as_deref();
                            let why = why.unwrap_or("as it was before");
                            let _ = writeln!(out, "      by {}: {why}", api.label(*by));
                        }
                        Status::Refused(refusal) => {
                            for line in refusal.report().to_string().lines() {
                                let _ = writeln!(out, "      {line}");
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    check_or_bless(repo("crates/api/tests/cases/check/changed.txt"), &out);
}

/// What kernels call, by the API and by the types of a kernel.
#[test]
fn members_and_arguments_are_those_of_the_host() {
    let object = Object::parse(&bytes("operations.o")).unwrap();
    let api = linux();
    let needs = Requirements::of(&object, &[Arc::clone(&api)]).unwrap();
    let types =
        ["operations-old.o", "operations-new.o"].map(|name| host_types(&bytes(name)).unwrap());
    let targets: Vec<Target<'_>> = types.iter().map(Target::new).collect();
    let hosts = [
        ("LINUX_6.1", None),
        ("LINUX_6.9", None),
        ("LINUX_6.18", None),
        ("LINUX_7.3", None),
        ("LINUX_6.9", Some(&targets[0])),
        ("LINUX_6.18", Some(&targets[1])),
    ];
    let checker = Checker::new(&object, &needs);
    let mut out = String::new();
    for program in &needs.programs {
        let kind = program.program_type.as_ref().map(|id| api.label(*id));
        let _ = writeln!(out, "{}: {}", program.name, kind.unwrap_or_default());
    }
    for (name, types) in hosts {
        let profile = HostProfile::at(&api, name).unwrap().as_kernel();
        let report = checker.check(&Host { profile, types, release: None });
        let _ = writeln!(out, "{name}{}", if types.is_some() { " with types" } else { "" });
        let about =
            |row: &&Row| matches!(row.item, Item::Operation(_) | Item::Arguments | Item::Call(_));
        let mut show = |name: &str, at: usize, row: &Row| {
            let said = match &row.status {
                Status::Refused(refusal) => refusal.report().to_string(),
                Status::There => "there".to_owned(),
                Status::Served { by, .. } => format!("by {}", api.label(*by)),
                other => format!("{other:?}"),
            };
            let _ = writeln!(
                out,
                "  {name}: {}: {}",
                item(&needs, &object, at, row),
                said.replace('\n', "\n    ")
            );
        };
        for row in report.whole.iter().filter(about) {
            show("the object", 0, row);
        }
        for (at, program) in needs.programs.iter().enumerate() {
            for row in report.programs[at].rows.iter().filter(about) {
                show(&program.name, at, row);
            }
        }
    }
    check_or_bless(repo("crates/api/tests/cases/check/operations.txt"), &out);
}

#[test]
fn without_facts_only_frozen_data_decides() {
    let object = Object::parse(&bytes("guards.o")).unwrap();
    let reached = |name: &str| {
        let program = &object.programs[object.program(name).unwrap().index()];
        let code = &object.function(program.function).slots;
        let reached = Reached::of(&object, program.function, &Facts::default());
        let seen = |slot: u32| reached.contains(program.function, slot);
        (0..code.len() as u32).filter(|slot| !seen(*slot)).collect::<Vec<_>>()
    };
    // The second slots of 64-bit immediate loads are no instructions.
    assert_eq!(
        reached("by_rodata"),
        [1, 4, 5],
        "the call of bpf_ktime_get_tai_ns and the jump over"
    );
    assert_eq!(reached("by_data"), [1]);
    assert_eq!(reached("by_version"), [1]);
    assert_eq!(reached("by_types"), [10]);
}

#[test]
fn the_context_is_followed_through_the_stack() {
    let object = Object::parse(&bytes("guards.o")).unwrap();
    let program = &object.programs[object.program("reads_context").unwrap().index()];
    let reached = Reached::of(&object, program.function, &Facts::default());
    let read: Vec<(i32, u32)> = reached.context.iter().map(|at| (at.offset, at.bytes)).collect();
    assert_eq!(read, [(152, 8), (0, 4)]);
}
