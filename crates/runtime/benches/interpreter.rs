//! Nanoseconds per executed instruction of the checked interpreter, by program. The programs are
//! `progs/bench.bpf.c`; those of the shared data are compiled and run too, where they are present.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use abide_api::Api;
use abide_runtime::{Host, Program};
use criterion::{Criterion, Throughput};

/// What the programs call, with Linux's numbers and labels, so that Linux's bodies serve it.
const API: &str = "
api bench;
baseline LINUX_3.19;
LINUX_3.19 released 2015-02-08 {
    program bench(void) section \"bench\";
    map hash, array;
    helper 1 void *bpf_map_lookup_elem(void *map__map, const void *key) nullable;
    helper 2 long bpf_map_update_elem(void *map__map, const void *key, const void *value, u64 flags);
};
";

/// The objects to run: our own, and the shared ones, compiled now into `out`.
fn objects(out: &Path) -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/progs/bench.bpf.o");
    let mut objects = vec![own];
    let (Some(shared), Some(clang)) =
        (abide_testkit::shared("bench/progs"), abide_testkit::tool(&["clang-19", "clang"]))
    else {
        return objects;
    };
    if std::fs::create_dir_all(out).is_err() {
        return objects;
    }
    let mut sources: Vec<PathBuf> = std::fs::read_dir(shared)
        .map(|dir| dir.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    for source in sources {
        let object = out.join(source.file_stem().unwrap_or_default()).with_extension("o");
        let done = Command::new(&clang)
            .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-c"])
            .arg(&source)
            .arg("-o")
            .arg(&object)
            .status();
        if done.is_ok_and(|status| status.success()) {
            objects.push(object);
        }
    }
    objects
}

fn programs() -> Vec<Program> {
    let api = match Api::parse("bench.api", API) {
        Ok(api) => api,
        Err(errors) => panic!("{errors}"),
    };
    let host = match Host::builder(&api).linux().build() {
        Ok(host) => host,
        Err(problems) => panic!("{problems}"),
    };
    let mut programs = Vec::new();
    let out = std::env::temp_dir().join(format!("abide-bench-{}", std::process::id()));
    for object in objects(&out) {
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
