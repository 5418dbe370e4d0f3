//! Other assemblers, asked in large batches what they make of each text.
//!
//! Before each text stands a label, by which its code is found again. Lines that are refused are
//! left out and the rest is assembled again; where a tool dies, the batch is halved until the text
//! is found that it dies of.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use abide_asm::Dialect;
use abide_isa::Endian;
use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget};

use super::cases::Case;
use crate::{Failure, setup};

/// So many texts go into one file.
const BATCH: usize = 4000;
/// The same for texts of which tools may die.
const RISKY_BATCH: usize = 64;

/// A relocation of the code of one text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Relocation {
    pub(crate) offset: u64,
    pub(crate) kind: u32,
    pub(crate) symbol: String,
}

/// The code of one text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Code {
    pub(crate) bytes: Vec<u8>,
    pub(crate) relocations: Vec<Relocation>,
}

impl Code {
    /// Whether a relocation for the address of a 64-bit immediate stands on another instruction.
    pub(crate) fn has_misplaced_relocation(&self) -> bool {
        self.relocations.iter().any(|relocation| {
            relocation.kind == 1 && self.bytes.get(relocation.offset as usize) != Some(&0x18)
        })
    }
}

/// What a tool makes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Code(Code),
    Refused,
    /// It was not asked.
    NotAsked,
    /// The tool died.
    Died,
}

/// An assembler that is installed.
#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) dialect: Dialect,
    /// Whether it dies of much that the newest release makes something of, or refuses.
    pub(crate) dies: bool,
    path: PathBuf,
}

impl Tool {
    const KNOWN: [(&'static str, &'static str, Dialect, bool); 4] = [
        ("llvm-mc 22", "llvm-mc-22", Dialect::C, false),
        ("llvm-mc 19", "llvm-mc-19", Dialect::C, true),
        ("llvm-mc 14", "llvm-mc-14", Dialect::C, true),
        ("bpf-as 2.40", "bpf-as", Dialect::Gnu, false),
    ];

    /// Those that are installed, and the names of those that are not.
    pub(crate) fn installed() -> (Vec<Tool>, Vec<&'static str>) {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (name, program, dialect, dies) in Tool::KNOWN {
            match setup::find(program) {
                Some(path) if program != "bpf-as" || is_240(&path) => {
                    found.push(Tool { name, dialect, dies, path });
                }
                _ => missing.push(name),
            }
        }
        (found, missing)
    }

    fn command(&self, endian: Endian, stage: Stage, source: &Path, out: &Path) -> Command {
        let mut command = Command::new(&self.path);
        match (self.dialect, endian) {
            (Dialect::C, Endian::Little) => command.arg("-triple=bpfel"),
            (Dialect::C, Endian::Big) => command.arg("-triple=bpfeb"),
            (Dialect::Gnu, Endian::Little) => command.arg("-EL"),
            (Dialect::Gnu, Endian::Big) => command.arg("-EB"),
        };
        if self.dialect == Dialect::C {
            command.arg("-mattr=+alu32");
            command.arg(match stage {
                Stage::Parse => "-filetype=asm",
                Stage::Object => "-filetype=obj",
            });
        }
        // What it prints when it dies takes a hundred times as long as assembling.
        command.env("LLVM_DISABLE_SYMBOLIZATION", "1");
        command.arg("-o").arg(out).arg(source);
        command
    }

    /// What it makes of texts of its dialect, in their order.
    pub(crate) fn ask(
        &self,
        cases: &[&Case],
        asked: impl Fn(usize) -> bool,
        endian: Endian,
    ) -> Result<Vec<Answer>, Failure> {
        let mut answers = vec![Answer::NotAsked; cases.len()];
        let mut asked: Vec<usize> = (0..cases.len()).filter(|at| asked(*at)).collect();
        if self.dies {
            // It dies of what it encodes, not of what it reads.
            for batch in asked.chunks(BATCH) {
                self.batch(cases, batch, endian, Stage::Parse, &mut answers)?;
            }
            asked.retain(|at| answers[*at] != Answer::Refused);
        }
        let (risky, plain): (Vec<usize>, Vec<usize>) =
            asked.iter().partition(|at| cases[**at].is_risky());
        for batch in plain.chunks(BATCH).chain(risky.chunks(RISKY_BATCH)) {
            self.batch(cases, batch, endian, Stage::Object, &mut answers)?;
        }
        Ok(answers)
    }

    fn batch(
        &self,
        cases: &[&Case],
        batch: &[usize],
        endian: Endian,
        stage: Stage,
        answers: &mut [Answer],
    ) -> Result<(), Failure> {
        let mut left: Vec<usize> = batch.to_vec();
        batch.iter().for_each(|at| answers[*at] = Answer::Refused);
        while !left.is_empty() {
            match self.run(cases, &left, endian, stage)? {
                Run::Done(codes) => {
                    for (at, code) in left.iter().zip(codes) {
                        answers[*at] = Answer::Code(code);
                    }
                    return Ok(());
                }
                Run::Refused(places) => {
                    let mut place = 0;
                    left.retain(|_| {
                        place += 1;
                        !places.contains(&(place - 1))
                    });
                }
                Run::Failed { died } => {
                    if let [at] = left[..] {
                        answers[at] = if died { Answer::Died } else { Answer::Refused };
                        return Ok(());
                    }
                    let (first, second) = left.split_at(left.len() / 2);
                    self.batch(cases, first, endian, stage, answers)?;
                    return self.batch(cases, second, endian, stage, answers);
                }
            }
        }
        Ok(())
    }

    /// Assembles texts together, once.
    fn run(
        &self,
        cases: &[&Case],
        which: &[usize],
        endian: Endian,
        stage: Stage,
    ) -> Result<Run, Failure> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let stem =
            std::env::temp_dir().join(format!("abide-corpus-{}-{count}", std::process::id()));
        let (source, out) = (stem.with_extension("s"), stem.with_extension("o"));
        let mut text = String::new();
        // The text of each line.
        let mut lines = Vec::new();
        for (place, at) in which.iter().enumerate() {
            let body = text_of(cases[*at], place);
            text.push_str(&format!("begin_{place}:\n{body}\n"));
            lines.resize(lines.len() + 2 + body.matches('\n').count(), place);
        }
        text.push_str(&format!("begin_{}:\n", which.len()));
        std::fs::write(&source, text).map_err(|error| format!("{}: {error}", source.display()))?;
        let done = self.command(endian, stage, &source, &out).output();
        let bytes = std::fs::read(&out);
        let _ = std::fs::remove_file(&source);
        let _ = std::fs::remove_file(&out);
        let done = done.map_err(|error| format!("{}: {error}", self.path.display()))?;
        if done.status.success() {
            if stage == Stage::Parse {
                return Ok(Run::Done(vec![Code::default(); which.len()]));
            }
            let bytes = bytes.map_err(|error| format!("{}: {error}", out.display()))?;
            return Ok(match codes(&bytes, which.len()) {
                Ok(codes) => Run::Done(codes),
                Err(_) => Run::Failed { died: false },
            });
        }
        let prefix = format!("{}:", source.display());
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        let places: BTreeSet<usize> = errors
            .lines()
            .filter_map(|line| line.strip_prefix(&prefix))
            .filter(|rest| rest.to_ascii_lowercase().contains("error"))
            .filter_map(|rest| rest.split(':').next()?.parse::<usize>().ok())
            .filter_map(|line| lines.get(line.checked_sub(1)?).copied())
            .collect();
        let died = done.status.code().is_none_or(|code| code != 1);
        Ok(if died || places.is_empty() { Run::Failed { died } } else { Run::Refused(places) })
    }
}

/// How far a tool is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// As far as to know what is refused.
    Parse,
    Object,
}

enum Run {
    Done(Vec<Code>),
    /// The places of texts with errors.
    Refused(BTreeSet<usize>),
    /// It died, or did not say where it found errors.
    Failed {
        died: bool,
    },
}

/// The text with a number of its own for `§`.
pub(crate) fn text_of(case: &Case, number: usize) -> String {
    case.text.replace('§', &number.to_string())
}

fn is_240(path: &Path) -> bool {
    let output = Command::new(path).arg("--version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(" 2.40"))
}

/// The code between labels.
fn codes(bytes: &[u8], count: usize) -> Result<Vec<Code>, Failure> {
    let file = object::File::parse(bytes).map_err(|error| error.to_string())?;
    let section = file.section_by_name(".text").ok_or("an object without .text")?;
    let data = section.data().map_err(|error| error.to_string())?;
    let mut starts: HashMap<usize, u64> = HashMap::new();
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or_default();
        if let Some(place) = name.strip_prefix("begin_").and_then(|place| place.parse().ok()) {
            starts.insert(place, symbol.address());
        }
    }
    let start = |place: usize| starts.get(&place).copied().ok_or("a label is lost");
    let mut out = Vec::with_capacity(count);
    for place in 0..count {
        let (from, to) = (start(place)? as usize, start(place + 1)? as usize);
        let bytes = data.get(from..to).ok_or("labels are not in order")?.to_vec();
        out.push(Code { bytes, relocations: Vec::new() });
    }
    let ends: Vec<u64> = (1..=count).map(start).collect::<Result<_, _>>()?;
    for (offset, relocation) in relocations(&file, &section) {
        let place = ends.partition_point(|end| *end <= offset);
        let Some(code) = out.get_mut(place) else { continue };
        code.relocations.push(Relocation { offset: offset - start(place)?, ..relocation });
    }
    Ok(out)
}

fn relocations<'f>(
    file: &'f object::File<'_>,
    section: &'f object::Section<'_, '_>,
) -> impl Iterator<Item = (u64, Relocation)> + 'f {
    section.relocations().map(|(offset, relocation)| {
        let kind = match relocation.flags() {
            RelocationFlags::Elf { r_type, .. } => r_type.0,
            _ => u32::MAX,
        };
        let symbol = match relocation.target() {
            RelocationTarget::Symbol(index) => {
                file.symbol_by_index(index).ok().and_then(|symbol| symbol.name().ok())
            }
            _ => None,
        };
        (offset, Relocation { offset, kind, symbol: symbol.unwrap_or_default().to_owned() })
    })
}

/// The code of an object that is one text.
pub(crate) fn code_of(bytes: &[u8]) -> Result<Code, Failure> {
    let file = object::File::parse(bytes).map_err(|error| error.to_string())?;
    let section = file.section_by_name(".text").ok_or("an object without .text")?;
    let bytes = section.data().map_err(|error| error.to_string())?.to_vec();
    let relocations = relocations(&file, &section).map(|(_, relocation)| relocation).collect();
    Ok(Code { bytes, relocations })
}
