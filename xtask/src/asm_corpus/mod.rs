//! `cargo xtask asm-corpus`: our assembler beside LLVM's and GNU's on a generated corpus.
//!
//! Every text that another assembler takes must be taken by ours and have the same code, or a rule
//! must say why not. docs/assembler-differences.md counts all of it. Needs the assemblers that it
//! compares with; a part of the corpus is read by a test.

mod cases;
mod judge;
mod operands;
mod page;
mod rules;
mod tools;

use std::fs;

use crate::{Failure, tree};
use judge::Findings;
use tools::Tool;

/// So many differences without a reason are shown.
const SHOWN: usize = 40;

/// Where the page is.
const PAGE: &str = "docs/assembler-differences.md";

/// Compares every `step`th text of the corpus.
fn compare(step: usize, tools: &[Tool]) -> Result<Findings, Failure> {
    let cases: Vec<_> = cases::all().into_iter().step_by(step).collect();
    let findings = judge::compare(&cases, tools)?;
    let mut wrong = findings.unexplained.clone();
    wrong.extend(findings.undecided.iter().map(|text| format!("without a dialect: {text}")));
    if wrong.is_empty() {
        return Ok(findings);
    }
    let count = wrong.len();
    wrong.truncate(SHOWN);
    Err(format!("{count} differences without a reason:\n  {}", wrong.join("\n  ")))
}

/// Compares the whole corpus with all assemblers, and the page with what it should be.
pub(crate) fn run(bless: bool) -> Result<(), Failure> {
    let (tools, missing) = Tool::installed();
    if !missing.is_empty() {
        return Err(format!("not installed: {}", missing.join(", ")));
    }
    let findings = compare(1, &tools)?;
    let unused = rules::RULES.iter().zip(&findings.explained);
    let unused: Vec<&str> = unused
        .filter(|(_, explained)| explained.counts.is_empty())
        .map(|(rule, _)| rule.reason)
        .collect();
    if !unused.is_empty() {
        return Err(format!("rules that explain nothing:\n  {}", unused.join("\n  ")));
    }
    let (path, text) = (tree::root().join(PAGE), page::page(&findings));
    if bless {
        return fs::write(&path, text).map_err(|error| format!("{PAGE}: {error}"));
    }
    match fs::read_to_string(&path) {
        Ok(found) if found == text => Ok(()),
        _ => Err(format!("{PAGE} is out of date; run `cargo xtask asm-corpus --bless`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A prime, so that every shape is among the texts of every spelling now and then.
    const STEP: usize = 43;

    #[test]
    fn a_part_of_the_corpus_is_read_as_others_read_it() {
        let (tools, missing) = Tool::installed();
        if !missing.is_empty() {
            abide_testkit::skip(&format!("not compared with {}", missing.join(", ")));
        }
        let findings = compare(STEP, &tools).unwrap_or_else(|failure| panic!("{failure}"));
        for (tool, endian, counts) in &findings.tools {
            let same = counts.get(&judge::Outcome::Same).copied().unwrap_or(0);
            assert!(same > 400, "{tool}, {endian:?}: only {same} texts are the same");
        }
    }

    #[test]
    fn the_page_has_every_reason() {
        let page = fs::read_to_string(tree::root().join(PAGE)).expect("the page is there");
        for rule in rules::RULES {
            assert!(
                page.contains(&rule.reason.replace('|', "\\|")),
                "not on {PAGE}: {}",
                rule.reason
            );
        }
        assert_eq!(
            page.matches("\n| ").count(),
            page.lines().filter(|line| line.starts_with("| ")).count()
        );
    }
}
