//! Nanoseconds per executed instruction of the checked interpreter, by program. The programs are
//! `progs/bench.bpf.c`; those of the shared data are compiled and run too, where they are present.

use std::time::Instant;

use abide_api::Api;
use abide_runtime::{Host, Program};
use abide_testkit::bench;
use criterion::{Criterion, Throughput};

fn programs() -> Vec<Program> {
    let api = match Api::parse("bench.api", bench::API) {
        Ok(api) => api,
        Err(errors) => panic!("{errors}"),
    };
    let host = match Host::builder(&api).linux().checked().build() {
        Ok(host) => host,
        Err(problems) => panic!("{problems}"),
    };
    let mut programs = Vec::new();
    let out = std::env::temp_dir().join(format!("abide-bench-{}", std::process::id()));
    for object in bench::objects(&out) {
        let loaded = std::fs::read(&object)
            .map_err(|error| error.to_string())
            .and_then(|bytes| host.load(&bytes).map_err(|error| error.to_string()));
        match loaded {
            Ok(loaded) => programs.extend(loaded.programs().iter().cloned()),
            Err(error) => eprintln!("skipped: {}: {error}", object.display()),
        }
    }
    // What could not be removed is in the way of nobody.
    let _ = std::fs::remove_dir_all(&out);
    programs
}

/// The best of some rounds: what the machine can do when nothing else runs on it.
fn nanoseconds(program: &Program) -> (u64, f64) {
    let mut context = program.context();
    let mut best = f64::INFINITY;
    let mut instructions = 0;
    for _ in 0..20 {
        let start = Instant::now();
        let mut executed = 0;
        while start.elapsed().as_millis() < 10 {
            match program.run(&mut context) {
                Ok(outcome) => {
                    executed += outcome.instructions;
                    instructions = outcome.instructions;
                }
                Err(trap) => panic!("{trap}"),
            }
        }
        best = best.min(start.elapsed().as_nanos() as f64 / executed as f64);
    }
    (instructions, best)
}

fn main() {
    let programs = programs();
    println!("{:<16}{:>14}{:>16}", "program", "instructions", "ns/instruction");
    for program in &programs {
        let (instructions, ns) = nanoseconds(program);
        println!("{:<16}{instructions:>14}{ns:>16.2}", program.name());
    }
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("interpreter");
    for program in &programs {
        let mut context = program.context();
        let Ok(outcome) = program.run(&mut context) else { continue };
        group.throughput(Throughput::Elements(outcome.instructions));
        group.bench_function(program.name(), |bencher| {
            bencher.iter(|| program.run(&mut context).map(|outcome| outcome.value));
        });
    }
    group.finish();
    criterion.final_summary();
}
