//! Nine real kernels: what their BTF was read as, against what they said when they were asked
//! (`matrix_*.tsv` of the shared data: measured by loading programs).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use abide_api::{Api, DefKind, HostProfile, Namespace, Service};
use abide_btf::{Btf, Kind, Type};
use abide_linux::{Profile, Release, Standing};

fn linux() -> Arc<Api> {
    let text = std::fs::read_to_string(abide_testkit::repo("apis/linux.api")).unwrap();
    Arc::new(Api::parse("linux.api", &text).unwrap_or_else(|errors| panic!("{errors}")))
}

/// All kernels of the shared data, as hosts.
fn kernels(api: &Arc<Api>) -> Vec<(String, HostProfile)> {
    let mut found = Vec::new();
    for name in abide_testkit::kernels() {
        let Some(bytes) = abide_testkit::kernel_btf(&name) else { break };
        let types = Btf::parse(&bytes).unwrap();
        let profile = Profile::of(&types).unwrap();
        let standing = Standing::of(&profile, api, Release::parse(&name).as_ref()).unwrap();
        found.push((name, standing.host("kernel", standing.released())));
    }
    found
}

/// A table of the shared data: rows of named columns.
fn table(name: &str) -> Vec<BTreeMap<String, String>> {
    let Some(path) = abide_testkit::shared(&format!("data/{name}")) else { return Vec::new() };
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let row = |line: &str| {
        let cells = line.split('\t').map(str::to_owned);
        head.iter().map(|name| (*name).to_owned()).zip(cells).collect()
    };
    lines.map(row).collect()
}

fn serves(api: &Api, host: &HostProfile, namespace: Namespace, name: &str) -> bool {
    let all = api.definitions_of(namespace, name);
    all.iter().any(|id| host.service(*id).is_ok())
}

/// Kfuncs that only programs may call which were not asked for: of kprobe sessions, of queueing
/// disciplines, and of single callbacks of a scheduler.
fn waits(kfunc: &str) -> bool {
    ["bpf_session_", "bpf_qdisc_", "scx_bpf_"].iter().any(|prefix| kfunc.starts_with(prefix))
        || ["bpf_kfree_skb", "bpf_skb_get_hash"].contains(&kfunc)
}

/// One test, since reading nine kernels is most of its work.
#[test]
fn kernels_are_what_they_said_when_they_were_asked() {
    let api = linux();
    let kernels = kernels(&api);
    kfuncs_are_those_that_kernels_let_programs_call(&api, &kernels);
    program_types_are_those_that_kernels_load(&api, &kernels);
    instructions_are_those_that_kernels_accept(&api, &kernels);
    helpers_have_the_numbers_of_the_enum(&api, &kernels);
}

/// A kfunc that some program could call is served, and one that none could is not.
fn kfuncs_are_those_that_kernels_let_programs_call(api: &Api, kernels: &[(String, HostProfile)]) {
    let mut called: BTreeMap<(String, String), bool> = BTreeMap::new();
    for row in table("matrix_kfuncs.tsv") {
        for (kernel, _) in kernels {
            let key = (kernel.clone(), row["kfunc"].clone());
            *called.entry(key).or_default() |= row[kernel] == "1";
        }
    }
    let (mut agree, mut waiting, mut wrong) = (0, 0, Vec::new());
    for ((kernel, kfunc), called) in called {
        let known = api.definitions_of(Namespace::Callable, &kfunc);
        if !known.iter().any(|id| matches!(api.definition(*id).kind, DefKind::Kfunc { .. })) {
            continue;
        }
        let (_, host) = kernels.iter().find(|(name, _)| *name == kernel).unwrap();
        match (serves(api, host, Namespace::Callable, &kfunc), called) {
            (served, called) if served == called => agree += 1,
            (true, false) if waits(&kfunc) => waiting += 1,
            (served, _) => wrong.push(format!("{kernel} {kfunc}: served {served}")),
        }
    }
    println!("{agree} agree, {waiting} wait, {} do not agree", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agree > 50 * waiting, "{waiting} of {agree}");
}

fn program_types_are_those_that_kernels_load(api: &Api, kernels: &[(String, HostProfile)]) {
    let mut programs = BTreeMap::new();
    let facts = std::fs::read_to_string(abide_testkit::repo("apis/facts/programs.tsv")).unwrap();
    for line in facts.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        for attach in cells[4].split(' ').filter(|attach| !attach.is_empty()) {
            programs.insert(attach.to_owned(), cells[0].to_owned());
        }
    }
    let mut compared = 0;
    for row in table("matrix_types.tsv") {
        // Sleepable programs are no type of their own.
        let Some(program) = programs.get(&row["attach"]).filter(|_| !row["attach"].ends_with(".s"))
        else {
            continue;
        };
        for (kernel, host) in kernels {
            compared += 1;
            let loads = row[kernel] == "1";
            // 5.10 has the type; it refused the one struct that was tried.
            if (kernel.as_str(), program.as_str()) == ("5.10.262", "struct_ops") {
                continue;
            }
            let served = serves(api, host, Namespace::Program, program);
            assert_eq!(served, loads, "{kernel} {program}");
        }
    }
    assert!(compared > 200 || kernels.is_empty(), "{compared}");
}

fn instructions_are_those_that_kernels_accept(api: &Api, kernels: &[(String, HostProfile)]) {
    let probes = [
        ("v2_jlt", "v2"),
        ("v3_jmp32", "v3"),
        ("atomic_cmpxchg", "atomics"),
        ("v4_movsx", "v4"),
        ("v4_ldsx", "v4"),
        ("load_acquire", "acquire_release"),
        ("store_release", "acquire_release"),
        ("bounded_loop", "bounded_loops"),
    ];
    for row in table("matrix_isa.tsv") {
        let Some((_, ability)) = probes.iter().find(|(probe, _)| *probe == row["probe"]) else {
            continue;
        };
        for (kernel, host) in kernels {
            let served = serves(api, host, Namespace::Ability, ability);
            assert_eq!(served, row[kernel] == "1", "{kernel} {ability}");
        }
    }
}

/// Every helper of a kernel's own enum is served under its number, and no other.
fn helpers_have_the_numbers_of_the_enum(api: &Api, kernels: &[(String, HostProfile)]) {
    for (kernel, host) in kernels {
        let types = Btf::parse(&abide_testkit::kernel_btf(kernel).unwrap()).unwrap();
        let id = types.by_name(Kind::Enum, "bpf_func_id").unwrap();
        let Some(Type::Enum(body)) = types.get(id) else { panic!("{kernel}") };
        let mut theirs: Vec<(i64, String)> = Vec::new();
        for value in body.values.iter().filter(|value| value.value > 0) {
            let Some(name) = value.name.strip_prefix("BPF_FUNC_") else { continue };
            theirs.push((value.value, format!("bpf_{name}")));
        }
        let mut ours: Vec<(i64, String)> = Vec::new();
        // What was superseded may be served beside, by a compat body.
        let current = |service: &Service| matches!(service, Service::Current | Service::Added);
        for (id, _) in host.served().filter(|(_, service)| current(service)) {
            let definition = api.definition(id);
            if let DefKind::Helper { number, .. } = definition.kind {
                let number = host.renumbered(&definition.name).unwrap_or(number);
                ours.push((i64::from(number), definition.name.clone()));
            }
        }
        theirs.sort();
        ours.sort();
        assert_eq!(ours, theirs, "{kernel}");
    }
}
