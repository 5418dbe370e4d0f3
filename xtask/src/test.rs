//! `cargo xtask test`: everything that must pass, one step after the other; stops at the first that
//! does not.

use std::process::Command;
use std::time::Instant;

use crate::{Failure, setup, tidy, tree};

/// Runs all steps. The tests come last, so that their count is the closing line.
pub(crate) fn run(install: bool) -> Result<(), Failure> {
    let start = Instant::now();
    if install {
        setup::install()?;
    }
    cargo("format", &["fmt", "--all", "--check"])?;
    cargo(
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
    )?;
    println!("==> tidy");
    tidy::run()?;
    cargo("doc tests", &["test", "--workspace", "--doc", "--locked", "--quiet"])?;
    cargo(
        "tests",
        &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--status-level", "slow"],
    )?;
    println!("all steps passed in {} s", start.elapsed().as_secs());
    Ok(())
}

fn cargo(step: &str, words: &[&str]) -> Result<(), Failure> {
    println!("==> {step}: cargo {}", words.join(" "));
    let status = Command::new(env!("CARGO"))
        .args(words)
        .current_dir(tree::root())
        .status()
        .map_err(|error| format!("{step}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{step} failed")) }
}
