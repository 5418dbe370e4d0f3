//! `cargo xtask test`: everything that must pass, one step after the other; stops at the first that
//! does not.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use crate::{Failure, oracles, packages, setup, tidy, tree};

/// What property tests begin with: the same here unless it is set, so that a run tells of the code and not
/// of luck. `cargo test` begins anywhere.
const SEED: &str = "PROPTEST_RNG_SEED";

/// Runs all steps. The tests come last, so that their count is the closing line.
pub(crate) fn run(install: bool) -> Result<(), Failure> {
    let start = Instant::now();
    if install {
        setup::install()?;
        packages::run()?;
    }
    cargo("format", &["fmt", "--all", "--check"])?;
    cargo(
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
    )?;
    println!("==> tidy");
    tidy::run()?;
    println!("==> oracles");
    oracles::run()?;
    cargo("doc tests", &["test", "--workspace", "--doc", "--locked", "--quiet"])?;
    let skips = tree::root().join("target/skips.txt");
    // What an earlier run skipped does not count.
    let _ = fs::remove_file(&skips);
    cargo(
        "tests",
        &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--status-level", "slow"],
    )?;
    show_skips(&skips);
    println!("all steps passed in {} s", start.elapsed().as_secs());
    Ok(())
}

/// Prints each reason once, with how often it was given.
fn show_skips(path: &Path) {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for line in text.lines() {
        *reasons.entry(line).or_default() += 1;
    }
    if reasons.is_empty() {
        println!("nothing was skipped");
    }
    for (why, times) in reasons {
        println!("skipped ({times} times): {why}");
    }
}

fn cargo(step: &str, words: &[&str]) -> Result<(), Failure> {
    println!("==> {step}: cargo {}", words.join(" "));
    let seed = env::var(SEED).unwrap_or_else(|_| "1".to_owned());
    let status = Command::new(env!("CARGO"))
        .args(words)
        .env("ABIDE_SKIPS", tree::root().join("target/skips.txt"))
        .env(SEED, seed)
        .current_dir(tree::root())
        .status()
        .map_err(|error| format!("{step}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{step} failed")) }
}
