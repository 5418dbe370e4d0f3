//! `cargo xtask soundness`: random programs and mutations, proved and run beside their proofs, for as long as
//! one likes; with `--kernel`, what the running kernel says of each. Loads, and attaches nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use abide_isa::Endian;
use abide_object::Object;
use abide_soundness::{Bench, Outcome, Random, build, listing, mutate, numbered, seed, shrink};
use abide_testkit::bpf;

use crate::{Failure, tree};

/// Inputs of each program, if nothing else is asked for.
const EACH: u64 = 48;
/// What the kernel's log ends with.
const COUNTS: [&str; 3] = ["processed ", "stack depth", "verification time"];
/// So many findings are shrunk and shown.
const SHOWN: u64 = 20;

/// What is asked for.
#[derive(Debug, Clone)]
struct Wanted {
    runs: u64,
    seed: u64,
    /// Inputs of each program.
    each: u64,
    kernel: bool,
    /// Programs that are mutated, in place of random ones.
    corpus: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    programs: u64,
    accepted: u64,
    invalid: u64,
    runs: u64,
    ended: u64,
    contradictions: u64,
    traps: u64,
    refused: BTreeMap<&'static str, u64>,
    kernel: Kernel,
}

/// Both verdicts, counted.
#[derive(Debug, Default)]
struct Kernel {
    both_accept: u64,
    both_reject: u64,
    no_verdict: u64,
    /// Only the kernel rejects: by its words.
    only_here: BTreeMap<String, u64>,
    /// Only the kernel accepts: by our code.
    only_there: BTreeMap<&'static str, u64>,
}

/// Runs it; an error if anything was found that must not be.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let wanted = wanted(words)?;
    let api = abide::linux_api().map_err(|errors| errors.to_string())?;
    let bench = Bench::new(&api, build::NODE)?;
    let maps = match wanted.kernel {
        true if wanted.corpus.is_some() => return Err("--kernel is for random programs".to_owned()),
        true => Some(maps()?),
        false => None,
    };
    let bases = match &wanted.corpus {
        Some(folder) => bases(&bench, folder)?,
        None => Vec::new(),
    };
    let start = Instant::now();
    let mut found = Found::default();
    let mut number = wanted.seed;
    let mut told = 0;
    while found.runs < wanted.runs {
        number += 1;
        let seed = seed(number);
        let object = match bases.get(number as usize % bases.len().max(1)) {
            Some(base) => {
                let mut object = base.clone();
                mutate(&mut object, &mut Random(seed | 1));
                object
            }
            None => numbered(number),
        };
        one(&bench, &object, (number, seed, wanted.each), maps.as_deref(), &mut found);
        if found.runs / 1_000_000 > told {
            told = found.runs / 1_000_000;
            println!("{}", found.line(start));
        }
    }
    println!("{}", found.line(start));
    found.print_kernel(wanted.kernel);
    match found.contradictions + found.traps {
        0 => Ok(()),
        bad => Err(format!("{bad} programs were proved and should not have been")),
    }
}

/// Sections of programs whose whole context is a packet.
const PACKETS: [&str; 9] =
    ["xdp", "tc", "tcx", "classifier", "action", "socket", "cgroup_skb", "cgroup/skb", "lwt_"];

/// The programs of the objects in a folder that work on packets, are proved as they are, and run: one object each.
fn bases(bench: &Bench, folder: &Path) -> Result<Vec<Object>, Failure> {
    let mut bases = Vec::new();
    let (mut programs, mut bad) = (0, 0);
    for path in tree::files(folder, ".o") {
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let Ok(object) = Object::parse(&bytes) else { continue };
        for program in &object.programs {
            let section = program.section.trim_start_matches('?');
            if !PACKETS.iter().any(|start| section.starts_with(start)) {
                continue;
            }
            programs += 1;
            let base = Object {
                programs: vec![program.clone()],
                stamps: vec![build::stamp()],
                ..object.clone()
            };
            match bench.trial(&base, 1, EACH) {
                Outcome::Ran { .. } => bases.push(base),
                Outcome::Failed(failure) => {
                    bad += 1;
                    let name = &object.function(program.function).name;
                    println!("{}: {name} was proved, and: {}", path.display(), failure.trap);
                }
                Outcome::Invalid | Outcome::Refused(_) => {}
            }
        }
    }
    println!("{} of {programs} programs are proved and run; {bad} should not be", bases.len());
    if bases.is_empty() { Err("there is nothing to mutate".to_owned()) } else { Ok(bases) }
}

fn wanted(words: &[&str]) -> Result<Wanted, Failure> {
    let mut wanted = Wanted { runs: 100_000, seed: 0, each: EACH, kernel: false, corpus: None };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or(format!("{word} takes a value"));
        let number =
            |text: &str| text.parse().map_err(|_| format!("{word}: `{text}` is no number"));
        match *word {
            "--runs" => wanted.runs = number(value()?)?,
            "--seed" => wanted.seed = number(value()?)?,
            "--each" => wanted.each = number(value()?)?,
            "--kernel" => wanted.kernel = true,
            "--corpus" => wanted.corpus = Some(PathBuf::from(value()?)),
            other => return Err(format!("soundness does not know `{other}`")),
        }
    }
    Ok(wanted)
}

fn one(
    bench: &Bench,
    object: &Object,
    (number, seed, each): (u64, u64, u64),
    maps: Option<&[bpf::Map]>,
    found: &mut Found,
) {
    found.programs += 1;
    let outcome = bench.trial(object, seed, each);
    let ours = match &outcome {
        Outcome::Invalid => {
            found.invalid += 1;
            return;
        }
        Outcome::Refused(code) => {
            *found.refused.entry(code).or_default() += 1;
            Some(*code)
        }
        Outcome::Ran { runs, ended } => {
            found.accepted += 1;
            found.runs += runs;
            found.ended += ended;
            None
        }
        Outcome::Failed(failure) => {
            found.accepted += 1;
            let bad = if failure.is_contradiction() {
                &mut found.contradictions
            } else {
                &mut found.traps
            };
            *bad += 1;
            if found.contradictions + found.traps <= SHOWN {
                show(bench, object, (number, seed, each), failure.trap.code().id);
            }
            None
        }
    };
    let Some(maps) = maps else { return };
    // The kernel wants BTF of the functions of programs with callbacks.
    if object
        .functions
        .iter()
        .any(|one| one.slots.iter().any(|slot| (slot.code, slot.src) == (0x18, 4)))
    {
        return;
    }
    let theirs = kernel_says(bench, object, maps);
    match (ours, theirs) {
        (None, Ok(())) => found.kernel.both_accept += 1,
        (Some(code), Ok(())) => *found.kernel.only_there.entry(code).or_default() += 1,
        // The log was full: that is no verdict.
        (_, Err(words)) if words.starts_with("errno 28") => found.kernel.no_verdict += 1,
        (Some(_), Err(_)) => found.kernel.both_reject += 1,
        (None, Err(words)) => {
            if found.kernel.only_here.values().sum::<u64>() < SHOWN {
                // The smallest of which both say the same.
                let small = shrink(object, |object| {
                    matches!(bench.trial(object, seed, 1), Outcome::Ran { .. })
                        && kernel_says(bench, object, maps)
                            .is_err_and(|theirs| cause(&theirs) == cause(&words))
                });
                println!(
                    "number {number}: only the kernel rejects: {words}
{}",
                    listing(&small)
                );
            }
            *found.kernel.only_here.entry(cause(&words)).or_default() += 1;
        }
    }
}

/// The smallest program with the same finding.
fn show(bench: &Bench, object: &Object, (number, seed, each): (u64, u64, u64), code: &str) {
    let same = |object: &Object| {
        let outcome = bench.trial(object, seed, each);
        matches!(outcome, Outcome::Failed(failure) if failure.trap.code().id == code)
    };
    let small = shrink(object, same);
    if let Outcome::Failed(failure) = bench.trial(&small, seed, each) {
        println!("number {number} was proved, and: {}", failure.trap);
        for note in failure.trap.notes() {
            println!("  {note}");
        }
        println!("  packet {:x?}\n{}", failure.packet, listing(&small));
    }
}

/// The maps of the programs, in the kernel.
fn maps() -> Result<Vec<bpf::Map>, Failure> {
    if !bpf::permitted() {
        return Err("--kernel needs bpf(2)".to_owned());
    }
    build::MAPS
        .into_iter()
        .map(|(_, kind, key_size, value_size, max_entries)| {
            let attr = bpf::MapAttr { kind, key_size, value_size, max_entries, flags: 0 };
            bpf::Map::create(&attr, 1)
                .map_err(|errno| format!("a map of the kernel: errno {errno}"))
        })
        .collect()
}

/// What the kernel says of the linked program: nothing, or its last words.
fn kernel_says(bench: &Bench, object: &Object, maps: &[bpf::Map]) -> Result<(), String> {
    let Some((slots, used)) = bench.linked(object) else { return Err("not linked".to_owned()) };
    let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_bytes(Endian::NATIVE)).collect();
    let used: Vec<&bpf::Map> = used.iter().filter_map(|at| maps.get(*at)).collect();
    bpf::load_program(bpf::XDP, &bytes, &used).map(drop).map_err(|refused| {
        // Its words come after the instruction, and lines with counts after them.
        let mut lines: Vec<&str> = refused.log.lines().collect();
        while lines.last().is_some_and(|line| COUNTS.iter().any(|word| line.starts_with(word))) {
            lines.pop();
        }
        format!("errno {}: {}", refused.errno, lines[lines.len().saturating_sub(2)..].join(" | "))
    })
}

/// The words without the numbers.
fn cause(words: &str) -> String {
    words.chars().filter(|c| !c.is_ascii_digit()).collect()
}

impl Found {
    fn line(&self, start: Instant) -> String {
        let share = |part: u64| part as f64 * 100.0 / self.programs.max(1) as f64;
        format!(
            "{} programs, {:.1} % proved ({:.1} % not linked), {} runs ({} ended by the host), {:.0} runs/s, \
             {} contradictions, {} traps; refused: {:?}",
            self.programs,
            share(self.accepted),
            share(self.invalid),
            self.runs,
            self.ended,
            self.runs as f64 / start.elapsed().as_secs_f64(),
            self.contradictions,
            self.traps,
            self.refused
        )
    }

    fn print_kernel(&self, asked: bool) {
        if !asked {
            return;
        }
        let Kernel { both_accept, both_reject, no_verdict, only_here, only_there } = &self.kernel;
        println!(
            "with the kernel: {both_accept} accepted by both, {both_reject} rejected by both, {no_verdict} whose log \
             was too long"
        );
        println!("  only the kernel rejects: {}", only_here.values().sum::<u64>());
        for (words, count) in only_here {
            println!("    {count:>8}  {words}");
        }
        println!("  only Abide rejects: {}", only_there.values().sum::<u64>());
        for (code, count) in only_there {
            println!("    {count:>8}  {code}");
        }
    }
}
