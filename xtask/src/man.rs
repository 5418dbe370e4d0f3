//! `cargo xtask man`: the manual, made by the program that it is about.

use std::process::Command;

use crate::{Failure, tree};

/// Checks man/, or writes it.
pub(crate) fn run(bless: bool) -> Result<(), Failure> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--locked", "--quiet", "-p", "abide", "--bin", "abide", "man::"]);
    if bless {
        cargo.env("BLESS", "1");
    }
    let status = cargo.current_dir(tree::root()).status();
    let status = status.map_err(|error| format!("cargo test: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err("man/ is not what the command line says; `cargo xtask man --bless` writes it".to_owned())
}
