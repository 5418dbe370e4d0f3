//! Builds the programs of `oracles/` that tests compare with, where their libraries are.

use std::process::Command;

use crate::{Failure, setup, tree};

/// Each oracle with the programs and headers that building it takes.
const ORACLES: &[(&str, &[&str], &[&str])] = &[(
    "libbpf",
    &["gcc", "make", "pkg-config"],
    &["/usr/include/libelf.h", "/usr/include/zlib.h"],
)];

/// Builds all that can be built; says what cannot, and why.
pub(crate) fn run() -> Result<(), Failure> {
    for (name, programs, headers) in ORACLES {
        let missing: Vec<&str> = programs
            .iter()
            .filter(|program| !setup::on_path(program))
            .chain(headers.iter().filter(|header| !std::path::Path::new(header).exists()))
            .copied()
            .collect();
        if !missing.is_empty() {
            println!("oracle {name}: not built, missing {}", missing.join(" "));
            continue;
        }
        let dir = tree::root().join("oracles").join(name);
        // In its own target directory, where the tests look, whatever this one's is.
        let status = Command::new(env!("CARGO"))
            .args(["build", "--release", "--locked", "--quiet", "--target-dir", "target"])
            .current_dir(&dir)
            .status()
            .map_err(|error| format!("oracle {name}: {error}"))?;
        if !status.success() {
            return Err(format!("oracle {name}: cannot be built"));
        }
    }
    Ok(())
}
