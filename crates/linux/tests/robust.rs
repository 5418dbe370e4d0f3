//! Any BTF gives a profile or a clear error: damaged, cut, mixed up, never a panic or a hang.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use abide_api::Api;
use abide_btf::Btf;
use abide_diag::Report;
use abide_linux::{Profile, Standing};
use common::Types;
use proptest::prelude::*;

fn linux() -> &'static Arc<Api> {
    static LINUX: OnceLock<Arc<Api>> = OnceLock::new();
    LINUX.get_or_init(|| {
        let text = std::fs::read_to_string(abide_testkit::repo("apis/linux.api")).unwrap();
        Arc::new(Api::parse("linux.api", &text).unwrap_or_else(|errors| panic!("{errors}")))
    })
}

/// What must hold of any bytes. Whether they were BTF.
fn look(bytes: &[u8]) -> bool {
    let Ok(types) = Btf::parse(bytes) else { return false };
    let standing = match Profile::of(&types).map(|profile| Standing::of(&profile, linux(), None)) {
        Ok(Ok(standing)) => standing,
        Ok(Err(error)) | Err(error) => {
            assert!(error.report().code.id.starts_with('K'));
            return true;
        }
    };
    // Whatever it was, what is said of it can be written and read.
    let file = standing.file("some", standing.released(), None);
    let mut api = Api::clone(linux());
    api.read_hosts("some.api", &file).unwrap_or_else(|errors| panic!("{file}\n{errors}"));
    let host = standing.host("some", standing.released());
    assert!(host.served().count() > 0);
    true
}

/// A small kernel with some of everything.
fn sample() -> Types {
    let mut types = Types::old_kernel();
    let (int, long) = (types.int("int", 4), types.int("unsigned long", 8));
    types.structure("bpf_ctx_convert", int, &["BPF_PROG_TYPE_XDP_prog", "BPF_PROG_TYPE_XDP_kern"]);
    types.structure("xdp_md", int, &["data", "data_end", "data_meta"]);
    let task = types.structure("task_struct", int, &["pid"]);
    let task = types.pointer(task);
    let aux = types.structure("bpf_prog_aux", int, &["id"]);
    let aux = types.pointer(aux);
    types.kfunc("bpf_task_acquire", task, &[("p", task)]);
    types.kfunc("bpf_dynptr_size", long, &[("x", long)]);
    types.function("scx_bpf_kick_cpu", 0, &[("cpu", int), ("flags", long), ("aux", aux)]);
    types
}

#[test]
fn the_sample_is_a_kernel() {
    assert!(look(&sample().bytes()));
    assert!(Profile::of(&sample().btf()).unwrap().tagged_kfuncs().len() == 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn damaged_kernels(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = sample().bytes();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        look(&bytes);
    }

    #[test]
    fn names_that_no_file_should_have(name in "\\PC{0,40}") {
        let mut types = sample();
        let name = name.replace('\0', "");
        types.kfunc(&name, 0, &[]);
        types.function(&format!("bpf_{name}"), 0, &[(&name, 0)]);
        look(&types.bytes());
    }
}

/// Anonymous members with very many paths to one type, none of which has the field that is looked for.
#[test]
fn many_paths_are_walked_once() {
    let mut types = Types::old_kernel();
    let int = types.int("int", 4);
    let mut inner = types.structure("", int, &["a"]);
    for _ in 0..12 {
        inner = types.anonymous_union("", inner, 200);
    }
    types.structure("xdp_md", inner, &[""]);
    let start = Instant::now();
    assert!(look(&types.bytes()), "it is BTF");
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// Real kernels, damaged.
#[test]
fn damaged_real_kernels() {
    let Some(bytes) = abide_testkit::kernel_btf("6.1.192") else { return };
    let mut read = 0;
    for round in 0..9_usize {
        let mut damaged = bytes.clone();
        let (step, value) = (damaged.len() / 9, [0, 0xff, 7][round % 3]);
        // Also in the string table, which makes up the end.
        for byte in damaged[round * step..].iter_mut().step_by(99_991).take(3) {
            *byte = value;
        }
        read += usize::from(look(&damaged));
    }
    println!("{read} of 9 are still BTF");
}

/// The BTF of a BPF object is none of a kernel.
#[test]
fn an_application_is_told_so() {
    let object = abide_testkit::repo("examples/firewall/firewall.bpf.o");
    let types = abide_object::host_types(&std::fs::read(object).unwrap()).unwrap();
    assert_eq!(Profile::of(&types).unwrap_err().report().code.id, "K0001");
}
