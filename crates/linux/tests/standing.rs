//! Where made-up kernels stand in a made-up API: backports, what is lacking, numbers, defects; and what
//! is refused.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use abide_api::{Api, Denial, HostProfile, Service};
use abide_btf::Btf;
use abide_diag::Report;
use abide_linux::{Profile, Release, Running, Standing};
use common::Types;

fn api() -> Arc<Api> {
    let text = r#"
        api linux;
        LINUX_1.0 released 2020-01-01 {
            enum bpf_cmd { BPF_MAP_CREATE = 0, BPF_MAP_LOOKUP_ELEM = 1 };
            struct task_struct;
            helper 1 void *bpf_map_lookup_elem(void *map__map, const void *key) nullable;
            map hash;
            program xdp(void) section "xdp";
        };
        LINUX_1.1 released 2020-02-01 {
            helper 2 long bpf_two(void);
            kfunc int bpf_first_thing(struct task_struct *task);
            kfunc int bpf_other(u64 flags);
            kfunc int scx_bpf_a(void);
            kfunc int scx_bpf_b(void);
            kfunc int scx_bpf_c(void);
            kfunc int tcp_something(void);
        } LINUX_1.0;
        LINUX_1.2 released 2020-03-01 {
            helper 3 long bpf_three(void);
            kfunc int bpf_first_thing(struct task_struct *task, u32 flags) changed "flags" no_compat "-";
            kfunc int bpf_late_thing(u64 x);
            extend enum bpf_cmd { BPF_NEW = 7 };
        } LINUX_1.1;
        LINUX_1.3 released 2020-04-01 { } LINUX_1.2;
    "#;
    Arc::new(Api::parse("linux.api", text).unwrap_or_else(|errors| panic!("{errors}")))
}

/// A kernel of LINUX_1.1: tagged, without the kfuncs of schedulers.
struct Sample {
    types: Types,
    int: u32,
    long: u32,
    task: u32,
}

fn sample() -> Sample {
    let mut types = Types::new();
    types.constants("bpf_func_id", &[("BPF_FUNC_map_lookup_elem", 1), ("BPF_FUNC_two", 2)]);
    types.constants("bpf_cmd", &[("BPF_MAP_CREATE", 0), ("BPF_MAP_LOOKUP_ELEM", 1)]);
    types.constants("bpf_map_type", &[("BPF_MAP_TYPE_HASH", 1)]);
    let (int, long) = (types.int("int", 4), types.int("unsigned long", 8));
    types.structure("bpf_ctx_convert", int, &["BPF_PROG_TYPE_XDP_prog", "BPF_PROG_TYPE_XDP_kern"]);
    let task = types.structure("task_struct", int, &["pid"]);
    let task = types.pointer(task);
    Sample { types, int, long, task }
}

fn stand(btf: &Btf, release: Option<&str>) -> (Arc<Api>, Standing) {
    let api = api();
    let profile = Profile::of(btf).unwrap();
    let release = release.and_then(Release::parse);
    let standing = Standing::of(&profile, &api, release.as_ref()).unwrap();
    (api, standing)
}

fn lacks(standing: &Standing) -> Vec<(&str, &str)> {
    standing.lacks.iter().map(|lack| (lack.name.as_str(), lack.why.as_str())).collect()
}

fn adds(standing: &Standing) -> Vec<String> {
    standing.adds.iter().map(|id| standing.api().label(*id)).collect()
}

#[test]
fn it_stands_on_the_newest_node_that_is_mostly_there() {
    let Sample { mut types, int, long, task } = sample();
    types.kfunc("bpf_first_thing", int, &[("task", task)]);
    types.kfunc("bpf_other", int, &[("flags", long)]);
    let (api, standing) = stand(&types.btf(), None);
    assert_eq!(api.node_ref(standing.node).name, "LINUX_1.1");
    let schedulers = ["scx_bpf_a", "scx_bpf_b", "scx_bpf_c"].map(|name| (name, "not built"));
    let mut expected = schedulers.to_vec();
    expected.push(("tcp_something", "not built"));
    assert_eq!(lacks(&standing), expected);
    assert!(standing.adds.is_empty() && standing.defects.is_empty() && standing.unknown.is_empty());

    let host = standing.host("acme", standing.released());
    let served = |label: &str| host.service(api.labelled(label)[0]);
    assert_eq!(served("bpf_two@LINUX_1.1"), Ok(Service::Current));
    let why = Some("not built".to_owned());
    assert_eq!(served("scx_bpf_a@LINUX_1.1"), Err(Denial::Lacks { why }));
    assert!(matches!(served("bpf_three@LINUX_1.2"), Err(Denial::TooNew { .. })));
}

#[test]
fn a_release_is_believed_when_it_is_newer() {
    let Sample { mut types, int, long, task } = sample();
    types.kfunc("bpf_first_thing", int, &[("task", task)]);
    types.kfunc("bpf_other", int, &[("flags", long)]);
    let btf = types.btf();
    let node = |release| {
        let (api, standing) = stand(&btf, Some(release));
        api.node_ref(standing.node).name.clone()
    };
    assert_eq!(node("1.0.7"), "LINUX_1.1");
    assert_eq!(node("1.1.0-acme"), "LINUX_1.1");
    assert_eq!(node("1.2.9"), "LINUX_1.2");
    assert_eq!(node("9.9"), "LINUX_1.1", "a node that the API does not have");
}

#[test]
fn backports_and_numbers_are_found() {
    let mut types = Types::new();
    types.constants(
        "bpf_func_id",
        &[("BPF_FUNC_map_lookup_elem", 1), ("BPF_FUNC_two", 2), ("BPF_FUNC_three", 170)],
    );
    types.constants("bpf_cmd", &[("BPF_MAP_CREATE", 0), ("BPF_MAP_LOOKUP_ELEM", 1)]);
    let (int, long) = (types.int("int", 4), types.int("unsigned long", 8));
    let task = types.structure("task_struct", int, &["pid"]);
    let task = types.pointer(task);
    let flags = types.int("unsigned int", 4);
    // The prototype of the next node, and one that the API does not know.
    types.kfunc("bpf_first_thing", int, &[("task", task), ("flags", flags)]);
    types.kfunc("bpf_other", int, &[("flags", long), ("more", long)]);
    types.kfunc("bpf_vendor", int, &[]);
    types.kfunc("scx_bpf_a", int, &[]);
    types.kfunc("scx_bpf_b", int, &[]);
    types.kfunc("scx_bpf_c", int, &[]);
    // An ordinary function: others are tagged.
    types.function("bpf_late_thing", int, &[("x", long)]);
    let (api, standing) = stand(&types.btf(), None);
    assert_eq!(api.node_ref(standing.node).name, "LINUX_1.1");
    assert_eq!(adds(&standing), ["bpf_three@LINUX_1.2", "bpf_first_thing@LINUX_1.2"]);
    assert_eq!(standing.numbers, [(170, "bpf_three".to_owned())]);
    assert_eq!(standing.unknown, ["bpf_vendor"]);
    let names: Vec<&str> = standing.defects.iter().map(|defect| defect.name()).collect();
    assert_eq!(names, ["no-program-types"]);
    let other = lacks(&standing).into_iter().find(|(name, _)| *name == "bpf_other").unwrap();
    assert!(other.1.starts_with("its prototype is no known one: "), "{other:?}");

    // One name has one body in a kernel: the one that was added.
    let host = standing.host("acme", standing.released());
    let served = |label: &str| host.service(api.labelled(label)[0]);
    assert_eq!(served("bpf_first_thing@LINUX_1.2"), Ok(Service::Added));
    assert_eq!(served("bpf_first_thing@LINUX_1.1"), Err(Denial::NoBody));
    assert_eq!(host.renumbered("bpf_three"), Some(170));

    // The file says the same.
    let mut again = Api::clone(&api);
    let file = standing.file("acme_1.1", standing.released(), Release::parse("1.1.5").as_ref());
    again.read_hosts("acme.api", &file).unwrap_or_else(|errors| panic!("{file}\n{errors}"));
    let read = HostProfile::at(&Arc::new(again), "acme_1.1").unwrap().as_kernel();
    assert!(read.served().eq(host.served()));
}

#[test]
fn defects_are_named_and_nothing_is_lost_by_them() {
    let Sample { mut types, int, long, task } = sample();
    let aux = types.structure("bpf_prog_aux", int, &["id"]);
    let aux = types.pointer(aux);
    types.kfunc("bpf_first_thing", int, &[("task", task)]);
    types.function("bpf_other", int, &[("flags", long), ("aux", aux)]);
    let (_, standing) = stand(&types.btf(), None);
    let names: Vec<&str> = standing.defects.iter().map(|defect| defect.name()).collect();
    assert_eq!(names, ["missing-kfunc-tags", "hidden-argument"]);
    assert!(standing.defects.iter().all(|defect| defect.kfuncs() == ["bpf_other"]));
    assert!(lacks(&standing).iter().all(|(name, _)| *name != "bpf_other"));
}

#[test]
fn without_any_tag_names_decide() {
    let Sample { mut types, int, long, .. } = sample();
    types.function("bpf_late_thing", int, &[("x", long)]);
    types.function("tcp_something", int, &[]);
    let btf = types.btf();
    let api = api();
    let profile = Profile::of(&btf).unwrap();
    let standing = Standing::of(&profile, &api, None).unwrap();
    assert_eq!(api.node_ref(standing.node).name, "LINUX_1.0");
    // The node before: an ordinary function of the kernel may have the name of a later kfunc.
    assert_eq!(adds(&standing), ["bpf_two@LINUX_1.1", "bpf_late_thing@LINUX_1.2"]);
    assert_eq!(standing.unsure.len(), 1);
    assert_eq!(standing.unsure[0].name, "tcp_something");
    assert_eq!(standing.defects[0].name(), "no-kfunc-tags");
}

#[test]
fn what_is_no_kernel_is_refused() {
    let mut types = Types::new();
    types.int("int", 4);
    let btf = types.btf();
    let report = Profile::of(&btf).unwrap_err().report();
    assert_eq!(report.code.id, "K0001");

    // The numbers of helpers in a program's own BTF, as vmlinux.h leaves them, make no kernel of it
    // unless they are those of a kernel.
    types.constants("bpf_func_id", &[("BPF_FUNC_map_lookup_elem", 7)]);
    assert_eq!(Profile::of(&types.btf()).unwrap_err().report().code.id, "K0001");

    let kernel = Types::old_kernel().btf();
    let profile = Profile::of(&kernel).unwrap();
    let kv = abide_testkit::repo("examples/kv/kv.api");
    let kv = Api::parse("kv.api", &std::fs::read_to_string(kv).unwrap()).unwrap();
    let refused = Standing::of(&profile, &Arc::new(kv), None).unwrap_err().report();
    assert_eq!(refused.code.id, "K0002");
}

#[test]
fn a_machine_without_btf_is_told_so() {
    let root = std::env::temp_dir().join(format!("abide-linux-{}", std::process::id()));
    let file = root.join("sys/kernel/btf/vmlinux");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    assert_eq!(Running::below(&root).unwrap_err().report().code.id, "K0003");
    std::fs::write(&file, b"not BTF").unwrap();
    assert_eq!(Running::below(&root).unwrap_err().report().code.id, "B0001");
    std::fs::write(&file, Types::old_kernel().bytes()).unwrap();
    assert!(Running::below(&root).unwrap().release.is_none());
    std::fs::create_dir_all(root.join("proc/sys/kernel")).unwrap();
    std::fs::write(root.join("proc/sys/kernel/osrelease"), "6.1.0-56-amd64\n").unwrap();
    assert_eq!(Running::below(&root).unwrap().release.unwrap().version, (6, 1));
    std::fs::remove_dir_all(root).unwrap();
}
