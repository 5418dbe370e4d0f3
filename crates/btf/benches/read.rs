//! What a kernel's BTF costs, beside libbpf in the same run: reading and checking it, and the first
//! look-up by name, which builds the index. `cargo bench -p abide-btf --bench read`. libbpf's figures
//! are its fastest of 50 rounds on the same bytes in memory; it has no index and searches each time.

use std::hint::black_box;
use std::process::Command;

use abide_btf::core::Target;
use abide_btf::{Btf, Kind};
use abide_testkit::{kernel_btf, oracle, scratch};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const KERNEL: &str = "6.12.117-cloud";

/// What this process has in memory, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

fn read(c: &mut Criterion) {
    let Some(bytes) = kernel_btf(KERNEL) else { return };
    let before = resident();
    let btf = Btf::parse(&bytes).expect("a kernel's types");
    let parsed = resident();
    black_box(btf.by_name(Kind::Struct, "xdp_md"));
    let indexed = resident();
    let target = Target::new(&btf);
    let ready = resident();
    let part = |bytes_held: u64| bytes_held.saturating_sub(before) as f64 / bytes.len() as f64;
    println!(
        "{KERNEL}: {} bytes, {} types; in memory {:.2} times that, with the index {:.2}, with that for CO-RE {:.2}",
        bytes.len(),
        btf.len(),
        part(parsed),
        part(indexed),
        part(ready)
    );
    c.bench_function("read and check", |b| b.iter(|| black_box(Btf::parse(&bytes))));
    c.bench_function("index, first look-up", |b| {
        let fresh = || Btf::parse(&bytes).expect("a kernel's types");
        let look_up = |btf: Btf| (btf.by_name(Kind::Struct, "xdp_md"), btf);
        b.iter_batched(fresh, look_up, BatchSize::PerIteration);
    });
    c.bench_function("look-up", |b| b.iter(|| btf.by_name(Kind::Struct, black_box("xdp_md"))));
    c.bench_function("index for CO-RE", |b| b.iter(|| black_box(Target::new(&btf))));
    drop(target);

    let Some(oracle) = oracle("libbpf") else { return };
    let file = scratch().join(format!("read-bench-{}.btf", std::process::id()));
    std::fs::write(&file, &bytes).expect("the target directory is writable");
    let output = Command::new(oracle).arg("btf-time").arg(&file).arg("50").output();
    std::fs::remove_file(&file).expect("it is ours");
    println!(
        "libbpf: {}",
        String::from_utf8_lossy(&output.expect("the oracle runs").stdout).trim()
    );
}

criterion_group!(benches, read);
criterion_main!(benches);
