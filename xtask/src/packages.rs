//! Fetches the Debian packages whose BPF objects tests read. They are not installed: `testkit` unpacks
//! them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Failure, setup, tree};

/// Where they are kept, in the repository.
const DIRECTORY: &str = "target/packages";

/// Packages that hold BPF objects, and one (systemd) that could.
const PACKAGES: [&str; 4] = ["libbpf-tools", "xdp-tools", "libxdp1", "systemd"];

/// Fetches those that are missing; says what cannot be fetched, and why.
pub(crate) fn run() -> Result<(), Failure> {
    let directory = tree::root().join(DIRECTORY);
    fs::create_dir_all(&directory).map_err(|error| format!("{DIRECTORY}: {error}"))?;
    let entries = fs::read_dir(&directory).map_err(|error| format!("{DIRECTORY}: {error}"))?;
    let names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    let is_there = |package: &str| {
        let begins = format!("{package}_");
        names.iter().any(|name| name.starts_with(&begins) && name.ends_with(".deb"))
    };
    let missing: Vec<&str> = PACKAGES.into_iter().filter(|package| !is_there(package)).collect();
    if !missing.is_empty() && !setup::on_path("apt-get") {
        println!("packages: not fetched, there is no apt-get: {}", missing.join(" "));
        return Ok(());
    }
    let mut updated = false;
    for package in missing {
        let mut fetched = fetch(package, &directory);
        // The lists of packages may be missing or old.
        if fetched.is_err() && !updated && setup::is_root() {
            updated = true;
            fetched = setup::apt(&["update"]).and_then(|()| fetch(package, &directory));
        }
        match fetched {
            Ok(()) => println!("package {package}: fetched"),
            Err(why) => println!("package {package}: not fetched: {why}"),
        }
    }
    Ok(())
}

fn fetch(package: &str, directory: &Path) -> Result<(), Failure> {
    let output = Command::new("apt-get")
        .args(["-q", "download", package])
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")),
    }
}
