//! `cargo xtask parity`: the verifier against the kernel's verdicts over the corpora of the shared
//! data, and docs/verifier-parity.md made from it. Knows where the data is; decides nothing.

mod causes;
mod objects;
mod old;
mod report;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use abide_api::Program;
use abide_api::model::Api;
use abide_object::Object;
use abide_verifier::Options;
use serde_json::Value;

use crate::{Failure, tree};

/// One program with both verdicts.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// What it is called in its corpus.
    pub(crate) name: String,
    /// The kernel takes it.
    pub(crate) kernel: bool,
    /// The kernel's words, if not.
    pub(crate) words: String,
    /// What Abide says: nothing if it takes it.
    pub(crate) refused: Option<Refused>,
    /// Instructions walked, by the kernel and here.
    pub(crate) processed: (u64, u64),
    /// Microseconds here.
    pub(crate) time: u128,
    /// A newer kernel of the shared data that takes it, where this one does not.
    pub(crate) later: Option<&'static str>,
    /// Microseconds of the kernel 6.18, where the shared data has them.
    pub(crate) kernel_time: Option<u64>,
}

/// Why Abide does not take a program.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Case {
    /// Has the program proved, and keeps what came out.
    fn prove(&mut self, program: Program, object: &Object, options: &Options<'_>) {
        let start = Instant::now();
        let proved = abide_verifier::prove(program, object, options);
        self.time = start.elapsed().as_micros();
        match proved {
            Ok(proof) => self.processed.1 = proof.statistics().processed,
            Err(refusal) => {
                self.processed.1 = refusal.statistics.processed;
                let at = &refusal.rejection;
                self.refuse(at.code.id, format!("insn {}: {}", at.slot, at.message));
            }
        }
    }

    fn refuse(&mut self, code: &str, message: String) {
        self.refused = Some(Refused { code: code.to_owned(), message });
    }
}

/// A corpus with its cases.
#[derive(Debug)]
pub(crate) struct Corpus {
    pub(crate) name: &'static str,
    pub(crate) cases: Vec<Case>,
    /// Programs without a verdict to compare with, by why.
    pub(crate) left_out: BTreeMap<String, usize>,
}

/// Which cases are run.
#[derive(Debug)]
pub(crate) struct Wanted<'w> {
    corpora: Vec<&'w str>,
    cases: Vec<&'w str>,
}

impl<'w> Wanted<'w> {
    /// A word that is in the name of a corpus means that one, any other the cases with it in theirs.
    fn of(words: &[&'w str]) -> Self {
        let names = || {
            let old = old::CORPORA.iter().map(|corpus| corpus.name);
            old.chain(objects::CORPORA.iter().map(|corpus| corpus.name))
        };
        let is_corpus = |word: &&str| names().any(|name| name.contains(*word));
        let (corpora, cases) = words.iter().copied().partition(is_corpus);
        Wanted { corpora, cases }
    }

    fn corpus(&self, name: &str) -> bool {
        self.corpora.is_empty() || self.corpora.iter().any(|word| name.contains(word))
    }

    /// Whether a case of this name is wanted, or any of an object of this name.
    pub(crate) fn case(&self, name: &str) -> bool {
        self.cases.is_empty() || self.cases.iter().any(|word| name.contains(word))
    }
}

/// Runs the cases that `only` names (all, if it is empty) and prints; writes the page if told so.
pub(crate) fn run(only: &[&str], bless: bool) -> Result<(), Failure> {
    let api = objects::with_test_module()?;
    let mut corpora = Vec::new();
    let wanted = Wanted::of(only);
    if bless && !only.is_empty() {
        return Err("--bless is of all cases".to_owned());
    }
    for corpus in old::CORPORA {
        if wanted.corpus(corpus.name) {
            corpora.push(old::run(&api, corpus, &wanted)?);
        }
    }
    for corpus in objects::CORPORA {
        if wanted.corpus(corpus.name) {
            corpora.push(objects::run(&api, corpus, &wanted)?);
        }
    }
    // What a kernel was never asked about.
    corpora.retain(|corpus| !corpus.cases.is_empty() || !corpus.left_out.is_empty());
    report::print(&corpora)?;
    if bless {
        let path = tree::root().join("docs/verifier-parity.md");
        std::fs::write(&path, report::page(&corpora)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Lines of JSON of a compressed file.
pub(crate) fn lines(rel: &str) -> Result<Vec<Value>, Failure> {
    let text = text(rel)?;
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_str(line).map_err(|error| error.to_string())).collect()
}

/// The text of a compressed file.
pub(crate) fn text(rel: &str) -> Result<String, Failure> {
    let path = abide_testkit::shared(rel).ok_or_else(|| format!("the shared data has no {rel}"))?;
    let output = Command::new("zstd").arg("-dc").arg(&path).output();
    let output = output.map_err(|error| format!("zstd: {error}"))?;
    if !output.status.success() {
        return Err(format!("cannot decompress {}", path.display()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A node of Linux's API by its release.
pub(crate) fn node(api: &Api, name: &str) -> Result<abide_api::NodeId, Failure> {
    api.node(name).ok_or_else(|| format!("linux.api has no node {name}"))
}

/// The last line of a verifier's log that says why.
pub(crate) fn last_words(log: &str) -> String {
    let line = log.lines().rev().find(|line| {
        let noise =
            ["processed ", "verification time", "stack depth", "peak_states", "mark_precise"];
        !line.is_empty() && !noise.iter().any(|word| line.starts_with(word))
    });
    line.unwrap_or("").to_owned()
}
