//! What a proof takes, beside the time that the running kernel's verifier takes for the same program in the
//! same run: `cargo bench -p abide-verifier --bench kernel`.
//!
//! Programs of the kernel's selftests (every fourth object; `ABIDE_ALL=1`: all) and the benchmark programs of the
//! shared data, as far as both accept them, each the fastest of three rounds, in turn. The kernel's time is what it says itself (`verification time`, to a microsecond): it includes rewriting
//! the program, but neither its JIT nor loading types and maps. Ours is [`prove`]: reading, CO-RE,
//! binding and linking are left out. One thread on both sides; nothing is attached.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use abide_api::{Api, HostProfile, Requirements};
use abide_btf::{Btf, core::Target};
use abide_object::Object;
use abide_testkit::{bench, bpf, corpus, oracle, repo, scratch};
use abide_verifier::{Options, prove};
use serde_json::Value;

const CORPUS: &str = "selftests-612-c19-v3";
/// Every so many objects.
const STEP: usize = 4;
const ROUNDS: usize = 3;
/// The version of the API that the running kernel is, and its types.
const NODE: &str = "LINUX_6.18";
const TYPES: &str = "/sys/kernel/btf/vmlinux";

/// A program that both accept: instructions walked and nanoseconds, ours and the kernel's.
struct Pair {
    name: String,
    walked: [u64; 2],
    time: [u64; 2],
    /// The largest memory of the proof, in bytes.
    memory: usize,
}

/// What the kernel says of the programs of an object: by name, instructions walked and nanoseconds.
fn kernel(oracle: &Path, file: &Path) -> Vec<(String, u64, u64)> {
    let output = Command::new(oracle).arg("load-time").arg(file).output().expect("the oracle runs");
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let programs = answers.as_array().into_iter().flatten().flat_map(|one| one.as_array());
    programs
        .flatten()
        .filter(|one| one["verdict"] == 0)
        .filter_map(|one| {
            let name = one["program"].as_str()?.to_owned();
            Some((name, one["processed"].as_u64()?, one["microseconds"].as_u64()? * 1000))
        })
        .collect()
}

fn pairs(
    oracle: &Path,
    file: &Path,
    host: &HostProfile,
    (types, target): (&Btf, &Target<'_>),
) -> Vec<Pair> {
    let Some(mut object) = std::fs::read(file).ok().and_then(|data| Object::parse(&data).ok())
    else {
        return Vec::new();
    };
    if object.relocate_core(target).apply(&mut object).is_err() {
        return Vec::new();
    }
    object.core.clear();
    let Ok(needs) = Requirements::of(&object, std::slice::from_ref(host.api())) else {
        return Vec::new();
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| kernel(oracle, file)).collect();
    let mut pairs = Vec::new();
    for (name, walked, time) in &rounds[0] {
        let again = |round: &Vec<(String, u64, u64)>| {
            round.iter().find(|one| one.0 == *name).map_or(*time, |one| one.2)
        };
        let theirs = rounds.iter().map(again).min().unwrap_or(*time);
        let Ok(binding) = host.bind_program(&needs, name) else { continue };
        let options = Options { host_types: Some(types), ..Options::new(host.node()) };
        let mut ours = None;
        for _ in 0..ROUNDS {
            let Ok(program) = binding.link(&object, name) else { break };
            let start = Instant::now();
            let proof = black_box(prove(program, &object, &options));
            let time = start.elapsed().as_nanos() as u64;
            let Ok(proof) = proof else { break };
            let best = ours.map_or(time, |(_, _, best): (u64, usize, u64)| best.min(time));
            ours = Some((proof.statistics().processed, proof.statistics().peak_memory, best));
        }
        if let Some((processed, memory, best)) = ours {
            let file = file.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{}: {name}", file.trim_end_matches(".bpf.o"));
            pairs.push(Pair { name, walked: [processed, *walked], time: [best, theirs], memory });
        }
    }
    pairs
}

fn ratio(time: [u64; 2]) -> f64 {
    time[1] as f64 / time[0].max(1) as f64
}

/// How the times of some of them compare.
fn compare(which: &str, all: &[Pair], is_one: fn(&Pair) -> bool) {
    let mut ratios: Vec<(f64, &Pair)> =
        all.iter().filter(|one| is_one(one)).map(|one| (ratio(one.time), one)).collect();
    ratios.sort_by(|one, other| one.0.total_cmp(&other.0));
    let [first, .., last] = ratios[..] else { return };
    println!(
        "of {} {which}: median {:.2} times as fast, from {:.2} to {:.2}",
        ratios.len(),
        ratios[ratios.len() / 2].0,
        first.0,
        last.0
    );
    for (ratio, one) in ratios.iter().take_while(|one| one.0 < 1.0) {
        println!("  slower: {}, {ratio:.2}, walked {}", one.name, one.walked[0]);
    }
}

fn main() {
    let objects = corpus(CORPUS);
    let Some(oracle) = oracle("libbpf").filter(|_| !objects.is_empty()) else { return };
    if !bpf::permitted() {
        return;
    }
    let Ok(types) = std::fs::read(TYPES) else {
        println!("skipped: there is no {TYPES}");
        return;
    };
    let types = Btf::parse(&types).expect("the kernel's own types");
    let target = Target::new(&types);
    let text = std::fs::read_to_string(repo("apis/linux.api")).expect("the file");
    let api = Arc::new(Api::parse("linux.api", &text).expect("it is right"));
    let host = HostProfile::at(&api, NODE).expect("a node");
    let step = if std::env::var_os("ABIDE_ALL").is_some() { 1 } else { STEP };
    let benchmarks = bench::objects(&scratch());
    let mut all: Vec<Pair> = objects
        .iter()
        .step_by(step)
        .chain(&benchmarks)
        .flat_map(|file| pairs(&oracle, file, &host, (&types, &target)))
        .collect();
    let sum = |of: fn(&Pair) -> [u64; 2]| {
        all.iter().map(of).fold([0, 0], |sum, one| [sum[0] + one[0], sum[1] + one[1]])
    };
    let (time, walked) = (sum(|one| one.time), sum(|one| one.walked));
    println!(
        "{} programs: {:.1} ms, the kernel {:.1} ms ({:.2} times as fast); walked {} and {}",
        all.len(),
        time[0] as f64 / 1e6,
        time[1] as f64 / 1e6,
        ratio(time),
        walked[0],
        walked[1]
    );
    // Below ten microseconds a microsecond is too rough a measure.
    compare("that take the kernel 10 us", &all, |one| one.time[1] >= 10_000);
    compare("of which the kernel walks more than 1,000", &all, |one| one.walked[1] > 1000);
    if let Some(one) = all.iter().max_by_key(|one| one.memory) {
        println!("most memory: {}, {:.1} MiB", one.name, one.memory as f64 / f64::from(1 << 20));
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.time[1]));
    for Pair { name, walked, time, .. } in all.iter().take(12) {
        println!(
            "{name}: {:.3} ms, kernel {:.3} ms, {:.2}; walked {} and {}",
            time[0] as f64 / 1e6,
            time[1] as f64 / 1e6,
            ratio(*time),
            walked[0],
            walked[1]
        );
    }
}
