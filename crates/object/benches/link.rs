//! What reading and linking objects costs, beside libbpf in the same run, in turn:
//! `cargo bench -p abide-object --bench link`.
//!
//! Linking: sets of the kernel's selftests that are linked there, from files to a file; the fastest of
//! many rounds. Reading: all objects of the selftests, from memory; the sum of the fastest rounds of
//! each that both can read. libbpf opens an object and leaves relocating code to its loading; Abide
//! resolves every reference when it reads.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use abide_object::Object;
use abide_object::link::{Input, link};
use abide_testkit::{corpus, oracle, scratch};

const CORPUS: &str = "selftests-612-c19-v3";
const SETS: [&[&str]; 4] = [
    &["linked_funcs1", "linked_funcs2"],
    &["linked_maps1", "linked_maps2"],
    &["linked_vars1", "linked_vars2"],
    &["test_subskeleton", "test_subskeleton_lib", "test_subskeleton_lib2"],
];
const LINK_ROUNDS: usize = 300;
const READ_ROUNDS: usize = 5;

/// The time of the fastest round, in nanoseconds.
fn fastest(rounds: usize, mut round: impl FnMut()) -> u64 {
    let time = |round: &mut dyn FnMut()| {
        let start = Instant::now();
        round();
        start.elapsed().as_nanos() as u64
    };
    (0..rounds).map(|_| time(&mut round)).min().unwrap_or(0)
}

fn ask(oracle: &Path, command: &str, rounds: usize, files: &[&Path]) -> serde_json::Value {
    let output = Command::new(oracle).arg(command).arg(rounds.to_string()).args(files).output();
    serde_json::from_slice(&output.expect("the oracle runs").stdout).expect("it prints JSON")
}

fn to_file(files: &[&Path], out: &Path) {
    let read = |file: &&Path| (file.display().to_string(), std::fs::read(file).expect("readable"));
    let bytes: Vec<_> = files.iter().map(read).collect();
    let inputs: Vec<_> = bytes.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let linked = link(&inputs).expect("they go together").image.write();
    std::fs::write(out, linked.expect("it is written")).expect("the directory is writable");
}

fn linking(oracle: &Path, objects: &[PathBuf]) {
    let out = scratch().join(format!("link-bench-{}.o", std::process::id()));
    for names in SETS {
        let find = |name: &&str| {
            let is = |path: &&PathBuf| path.ends_with(format!("{name}.bpf.o"));
            objects.iter().find(is).map(PathBuf::as_path)
        };
        let Some(files) = names.iter().map(find).collect::<Option<Vec<_>>>() else { continue };
        let all: Vec<&Path> = std::iter::once(out.as_path()).chain(files.iter().copied()).collect();
        let (mut ours, mut theirs) = (u64::MAX, u64::MAX);
        for _ in 0..3 {
            ours = ours.min(fastest(LINK_ROUNDS, || to_file(&files, &out)));
            let answer = ask(oracle, "link-time", LINK_ROUNDS, &all);
            theirs = theirs.min(answer["link_ns"].as_u64().unwrap_or(u64::MAX));
        }
        let ms = |ns: u64| ns as f64 / 1e6;
        println!("link {}: {:.3} ms, libbpf {:.3} ms", names.join(" + "), ms(ours), ms(theirs));
    }
    std::fs::remove_file(&out).expect("it is ours");
}

fn reading(oracle: &Path, objects: &[PathBuf]) {
    let files: Vec<&Path> = objects.iter().map(PathBuf::as_path).collect();
    let theirs = ask(oracle, "open-time", READ_ROUNDS, &files);
    let (mut count, mut bytes, mut all) = (0, 0, [0, 0]);
    for (file, theirs) in files.iter().zip(theirs.as_array().into_iter().flatten()) {
        let data = std::fs::read(file).expect("readable");
        let Some(theirs) = theirs.as_u64().filter(|_| Object::parse(&data).is_ok()) else {
            continue;
        };
        let ours = fastest(READ_ROUNDS, || {
            let _ = black_box(Object::parse(&data));
        });
        count += 1;
        bytes += data.len();
        all = [all[0] + ours, all[1] + theirs];
    }
    let [ours, theirs] = all.map(|ns| ns as f64 / 1e6);
    println!(
        "read {count} objects of {}, {bytes} bytes: {ours:.1} ms, libbpf opens them in {theirs:.1} ms",
        files.len()
    );
}

fn main() {
    let objects = corpus(CORPUS);
    let Some(oracle) = oracle("libbpf").filter(|_| !objects.is_empty()) else { return };
    linking(&oracle, &objects);
    reading(&oracle, &objects);
}
