//! What a kernel's BTF costs, beside libbpf in the same run: reading and checking it, and the first
//! look-up by name, which builds the index. `cargo bench -p abide-btf --bench read`.
//!
//! Both sides read the same bytes in memory, in processes of their own, in turn: the fastest of many
//! rounds in one process, with an allocator that keeps freed memory on both sides, and the fastest
//! first round of many processes, in which all memory is touched for the first time. libbpf has no
//! index and searches each time, by halves if the file is sorted by name.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use abide_btf::core::Target;
use abide_btf::{Btf, Kind};
use abide_testkit::{kernel_btf, oracle, scratch};
use criterion::Criterion;

const KERNEL: &str = "6.12.117-cloud";
const ROUNDS: u32 = 50;
const PROCESSES: u32 = 30;
/// What to do instead of measuring: a file and the number of rounds.
const CHILD: &str = "ABIDE_READ_BENCH";

/// What this process has in memory, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}

fn read(c: &mut Criterion, bytes: &[u8]) {
    let before = resident();
    let btf = Btf::parse(bytes).expect("a kernel's types");
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
    c.bench_function("look-up", |b| b.iter(|| btf.by_name(Kind::Struct, black_box("xdp_md"))));
    drop(target);
}

/// Nanoseconds of the fastest of some rounds: reading, the first look-up, the index for CO-RE.
type Times = [u64; 3];

const NEVER: Times = [u64::MAX; 3];

fn fastest(one: Times, other: Times) -> Times {
    std::array::from_fn(|step| one[step].min(other[step]))
}

fn took(start: Instant) -> u64 {
    start.elapsed().as_nanos() as u64
}

fn rounds(file: &str, rounds: u32) -> Times {
    let bytes = std::fs::read(file).expect("a file of BTF");
    (0..rounds).fold(NEVER, |best, _| {
        let start = Instant::now();
        let btf = Btf::parse(&bytes).expect("a kernel's types");
        let parse = took(start);
        let start = Instant::now();
        black_box(btf.by_name(Kind::Struct, "xdp_md"));
        let find = took(start);
        let start = Instant::now();
        black_box(Target::new(&btf));
        fastest(best, [parse, find, took(start)])
    })
}

/// The times that a program prints, run with a number of rounds.
fn times(command: &mut Command) -> Times {
    // Both sides are compiled against the same allocator: let neither give memory back.
    let output = command
        .env("MALLOC_TRIM_THRESHOLD_", "1000000000")
        .env("MALLOC_MMAP_THRESHOLD_", "1000000000")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let json: serde_json::Value = serde_json::from_str(&text).expect("it prints JSON");
    let time = |name: &str| json[name].as_u64().unwrap_or(0);
    [time("parse_ns"), time("find_ns"), time("core_ns")]
}

fn beside(file: &Path) {
    let Some(oracle) = oracle("libbpf") else { return };
    let this = std::env::current_exe().expect("this runs from a file");
    let ours =
        |rounds: u32| times(Command::new(&this).env(CHILD, format!("{rounds} {}", file.display())));
    let theirs = |rounds: u32| {
        times(Command::new(&oracle).arg("btf-time").arg(file).arg(rounds.to_string()))
    };
    let print = |what: &str, [ours, theirs]: [Times; 2]| {
        let ms = |ns: u64| ns as f64 / 1e6;
        println!(
            "{what}: read and check {:.2} ms, libbpf {:.2} ms; first look-up {:.2} ms, libbpf's {:.3} ms; index for CO-RE {:.2} ms",
            ms(ours[0]),
            ms(theirs[0]),
            ms(ours[1]),
            ms(theirs[1]),
            ms(ours[2])
        );
    };
    let (mut hot, mut cold) = ([NEVER; 2], [NEVER; 2]);
    for _ in 0..5 {
        hot = [fastest(hot[0], ours(ROUNDS)), fastest(hot[1], theirs(ROUNDS))];
    }
    print(&format!("fastest of 5 × {ROUNDS} rounds"), hot);
    for _ in 0..PROCESSES {
        cold = [fastest(cold[0], ours(1)), fastest(cold[1], theirs(1))];
    }
    print(&format!("fastest first round of {PROCESSES} processes"), cold);
}

fn main() {
    if let Ok(task) = std::env::var(CHILD) {
        let (count, file) = task.split_once(' ').expect("a number and a file");
        let [parse, find, core] = rounds(file, count.parse().expect("a number"));
        println!("{{\"parse_ns\": {parse}, \"find_ns\": {find}, \"core_ns\": {core}}}");
        return;
    }
    let Some(bytes) = kernel_btf(KERNEL) else { return };
    read(&mut Criterion::default().configure_from_args(), &bytes);
    let file = scratch().join(format!("read-bench-{}.btf", std::process::id()));
    std::fs::write(&file, &bytes).expect("the target directory is writable");
    beside(&file);
    std::fs::remove_file(&file).expect("it is ours");
}
