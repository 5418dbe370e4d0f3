//! The assembler and the disassembler beside LLVM's and GNU's, on 200,000 instructions.
//!
//! `cargo build --release -p abide && cargo bench -p abide-asm`. First the library alone, measured
//! by criterion; then whole processes on the same files, as a table with the ratios. What a process
//! needs for an empty file is measured too, and taken off.

mod program;
mod tools;

use std::hint::black_box;

use abide_asm::Dialect;
use abide_asm::listing::{Options, list};
use abide_asm::object::{ObjectOptions, assemble};
use abide_diag::Source;
use criterion::{Criterion, Throughput};

/// How many instructions the program has.
const COUNT: usize = 200_000;

fn object(text: &str) -> Vec<u8> {
    let source = Source::new("bench.s", text);
    assemble(&source, &ObjectOptions::default()).expect("the program has no errors").bytes
}

fn listing(object: &[u8], dialect: Dialect) -> String {
    list(object, &Options { dialect, ..Options::default() }).expect("the object is whole")
}

fn main() {
    let program = program::program(COUNT);
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut group = criterion.benchmark_group("assembler");
    group.throughput(Throughput::Elements(COUNT as u64));
    for (dialect, text) in [(Dialect::C, &program.c), (Dialect::Gnu, &program.gnu)] {
        let source = Source::new("bench.s", text.as_str());
        let name = dialect.name();
        group.bench_function(format!("assemble/{name}"), |bench| {
            bench.iter(|| assemble(black_box(&source), &ObjectOptions::default()));
        });
        let object = object(text);
        group.bench_function(format!("disassemble/{name}"), |bench| {
            bench.iter(|| listing(black_box(&object), dialect));
        });
    }
    group.finish();
    // `cargo test --benches` only wants to know that it runs.
    if std::env::args().any(|argument| argument == "--bench") {
        tools::compare(&program, COUNT);
    }
    criterion.final_summary();
}
