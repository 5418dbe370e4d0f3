//! What CO-RE costs, beside libbpf in the same run: indexing the types of a host, once, and relocating
//! an object against them. `cargo bench -p abide-object --bench core`; `ABIDE_CORE_OBJECT` names an
//! object, else it is one of the selftests'. libbpf's figure is its fastest of 20 rounds, searching
//! included, since it has no index.

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use abide_btf::core::Target;
use abide_object::{Object, host_types};
use abide_testkit::{corpus, kernel_btf, oracle, scratch};
use criterion::{Criterion, criterion_group, criterion_main};

const KERNEL: &str = "6.12.117-cloud";

fn object() -> Option<PathBuf> {
    let named = std::env::var_os("ABIDE_CORE_OBJECT").map(PathBuf::from);
    named.or_else(|| {
        let is = |path: &PathBuf| path.ends_with("profiler1.bpf.o");
        corpus("selftests-612-c19-v3").into_iter().find(is)
    })
}

fn core(c: &mut Criterion) {
    let (Some(bytes), Some(path)) = (kernel_btf(KERNEL), object()) else { return };
    let host = host_types(&bytes).expect("a kernel's types");
    let object = Object::parse(&std::fs::read(&path).expect("readable")).expect("an object");
    c.bench_function("index a host", |b| b.iter(|| black_box(Target::new(&host))));
    let target = Target::new(&host);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    c.bench_function(&format!("relocate {name} ({} records)", object.core.len()), |b| {
        b.iter(|| black_box(object.relocate_core(&target)));
    });
    let Some(oracle) = oracle("libbpf") else { return };
    let file = scratch().join(format!("core-bench-{}.btf", std::process::id()));
    std::fs::write(&file, &bytes).expect("the target directory is writable");
    let output = Command::new(oracle).arg("core-time").args([&file, &path]).arg("20").output();
    std::fs::remove_file(&file).expect("it is ours");
    let output = output.expect("the oracle runs");
    println!("libbpf: {}", String::from_utf8_lossy(&output.stdout).trim());
}

criterion_group!(benches, core);
criterion_main!(benches);
