//! What was found, for people: on standard output, in a list below target/, and as a page.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Case, Corpus, causes};
use crate::{Failure, tree};

struct Counts {
    agree: usize,
    unsafe_: Vec<usize>,
    gaps: Vec<usize>,
}

fn count(corpus: &Corpus) -> Counts {
    let mut counts = Counts { agree: 0, unsafe_: Vec::new(), gaps: Vec::new() };
    for (at, case) in corpus.cases.iter().enumerate() {
        match (case.kernel, case.refused.is_none()) {
            (true, true) | (false, false) => counts.agree += 1,
            (false, true) => counts.unsafe_.push(at),
            (true, false) => counts.gaps.push(at),
        }
    }
    counts
}

/// How the time compares on programs that both take, and on which the kernel walks more than 1,000
/// instructions.
fn speed(corpus: &Corpus) -> Option<String> {
    let both = |case: &Case| {
        let theirs =
            case.kernel_time.filter(|_| case.refused.is_none() && case.processed.0 > 1000)?;
        Some((case.time as f64, theirs as f64))
    };
    let pairs: Vec<(f64, f64)> = corpus.cases.iter().filter_map(both).collect();
    let mut ratios: Vec<f64> = pairs.iter().map(|(ours, theirs)| theirs / ours.max(1.0)).collect();
    ratios.sort_by(f64::total_cmp);
    let median = *ratios.get(ratios.len() / 2)?;
    let faster = ratios.iter().filter(|ratio| **ratio >= 1.0).count();
    let sum = |which: fn(&(f64, f64)) -> f64| pairs.iter().map(which).sum::<f64>() / 1000.0;
    Some(format!(
        "{} programs of more than 1,000 instructions: {:.1} ms here, {:.1} ms in the kernel 6.18; at least as fast on {faster}, {median:.1} times on the median",
        pairs.len(),
        sum(|pair| pair.0),
        sum(|pair| pair.1)
    ))
}

/// The message without what differs from case to case.
fn cause(case: &Case) -> String {
    let Some(refused) = &case.refused else { return String::new() };
    let message =
        refused.message.split_once(": ").map_or(refused.message.as_str(), |(_, rest)| rest);
    let mut text = String::new();
    for character in message.chars() {
        if character.is_ascii_digit() {
            if !text.ends_with('N') {
                text.push('N');
            }
        } else {
            text.push(character);
        }
    }
    format!("{} {}", refused.code, text.chars().take(110).collect::<String>())
}

fn by_cause<'c>(corpus: &'c Corpus, which: &[usize]) -> Vec<(String, Vec<&'c Case>)> {
    let mut causes: BTreeMap<String, Vec<&Case>> = BTreeMap::new();
    for at in which {
        let case = &corpus.cases[*at];
        causes.entry(cause(case)).or_default().push(case);
    }
    let mut causes: Vec<_> = causes.into_iter().collect();
    causes.sort_by_key(|(_, cases)| std::cmp::Reverse(cases.len()));
    causes
}

pub(super) fn print(corpora: &[Corpus]) -> Result<(), Failure> {
    let mut list = String::new();
    for corpus in corpora {
        let counts = count(corpus);
        let total = corpus.cases.len().max(1);
        println!(
            "{}: {} of {} agree ({:.2} %); accepted and the kernel rejects {}; rejected and the kernel accepts {}",
            corpus.name,
            counts.agree,
            corpus.cases.len(),
            100.0 * counts.agree as f64 / total as f64,
            counts.unsafe_.len(),
            counts.gaps.len()
        );
        for (why, count) in &corpus.left_out {
            println!("  left out: {count} ({why})");
        }
        let time: u128 = corpus.cases.iter().map(|case| case.time).sum();
        let processed: u64 = corpus.cases.iter().map(|case| case.processed.1).sum();
        println!("  {processed} instructions in {:.1} ms", time as f64 / 1000.0);
        if let Some(line) = speed(corpus) {
            println!("  {line}");
        }
        let mut slow: Vec<&Case> = corpus.cases.iter().collect();
        slow.sort_by_key(|case| std::cmp::Reverse(case.time));
        for case in slow.iter().take(5) {
            println!(
                "  {:8.1} ms, {} instructions (kernel {}): {}",
                case.time as f64 / 1000.0,
                case.processed.1,
                case.processed.0,
                case.name
            );
        }
        for (why, cases) in by_cause(corpus, &counts.gaps).iter().take(25) {
            println!("  {:4} {why}", cases.len());
        }
        let _ = writeln!(list, "# {}\n## accepted, the kernel rejects", corpus.name);
        for at in &counts.unsafe_ {
            let case = &corpus.cases[*at];
            let _ = writeln!(list, "A {} | {}", case.name, case.words);
        }
        let _ = writeln!(list, "## rejected, the kernel accepts");
        for (why, cases) in by_cause(corpus, &counts.gaps) {
            for case in cases {
                let message = case.refused.as_ref().map_or("", |refused| &refused.message);
                let _ = writeln!(list, "R {} | {message} | {why}", case.name);
            }
        }
    }
    let path = tree::root().join("target/parity.txt");
    std::fs::write(&path, list).map_err(|error| error.to_string())?;
    println!("every disagreement: {}", tree::shown(&path));
    Ok(())
}

/// What is behind the programs that are accepted and that the kernel rejects, with the arguments.
fn accepted(corpora: &[Corpus]) -> String {
    let mut text = String::from(
        "\nWhat is accepted and the kernel rejects, by class (`xtask/src/parity/causes.rs`):\n\n\
         | programs | class | why it is no harm |\n|---|---|---|\n",
    );
    let cases: Vec<&Case> = corpora
        .iter()
        .flat_map(|corpus| count(corpus).unsafe_.into_iter().map(|at| &corpus.cases[at]))
        .collect();
    let all = causes::CLASSES.iter().chain([&causes::LATER, &causes::UNEXPLAINED]);
    for class in all {
        let of = cases.iter().filter(|case| causes::class(case).name == class.name).count();
        if of > 0 {
            let _ = writeln!(text, "| {of} | {} | {} |", class.name, class.reason);
        }
    }
    text
}

pub(super) fn page(corpora: &[Corpus]) -> String {
    let mut page = String::from(
        "# The verifier and the kernel's\n\n\
         Made by `cargo xtask parity --bless` from the corpora of the shared data: the kernel's own tests, and what a kernel\n\
         said of each. Accept or reject is compared, not the words.\n\n\
         | corpus | programs | agree | | accepted, the kernel rejects | rejected, the kernel accepts |\n|---|---|---|---|---|---|\n",
    );
    for corpus in corpora {
        let counts = count(corpus);
        let total = corpus.cases.len();
        let _ = writeln!(
            page,
            "| {} | {total} | {} | {:.1} % | {} | {} |",
            corpus.name,
            counts.agree,
            100.0 * counts.agree as f64 / total.max(1) as f64,
            counts.unsafe_.len(),
            counts.gaps.len()
        );
    }
    page.push_str(&accepted(corpora));
    for corpus in corpora {
        let counts = count(corpus);
        let _ = writeln!(
            page,
            "\n## {}\n\nRejected, and the kernel accepts (gaps), by cause:\n\n| programs | cause |\n|---|---|",
            corpus.name
        );
        for (why, cases) in by_cause(corpus, &counts.gaps) {
            let _ = writeln!(page, "| {} | {} |", cases.len(), why.replace('|', "\\|"));
        }
        if !counts.unsafe_.is_empty() {
            let _ = writeln!(
                page,
                "\nAccepted, and the kernel rejects:\n\n| program | the kernel says | class |\n|---|---|---|"
            );
            for at in counts.unsafe_ {
                let case = &corpus.cases[at];
                let words: String = case.words.chars().take(100).collect();
                let _ = writeln!(
                    page,
                    "| {} | {} | {}{} |",
                    case.name.replace('|', "\\|"),
                    words.replace('|', "\\|"),
                    causes::class(case).name,
                    case.later.map_or(String::new(), |kernel| format!(" ({kernel})"))
                );
            }
        }
    }
    page
}
