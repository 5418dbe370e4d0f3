//! Fetches the Debian packages whose BPF objects, and whose kernel modules, tests read. They are not
//! installed: `testkit` unpacks them.

use std::fs;
use std::process::{Command, Stdio};

use crate::{Failure, setup, tree};

/// Where they are kept, in the repository.
const DIRECTORY: &str = "target/packages";
const KERNELS: &str = "target/kernels";

/// What depends on the newest kernel, in the smallest build that there is.
const NEWEST_KERNEL: &str = "linux-image-cloud-amd64";

/// Packages that hold BPF objects, and one (systemd) that could.
const PACKAGES: [&str; 4] = ["libbpf-tools", "xdp-tools", "libxdp1", "systemd"];

/// Fetches those that are missing; says what cannot be fetched, and why.
pub(crate) fn run() -> Result<(), Failure> {
    let names = files(DIRECTORY)?;
    let is_there =
        |package: &str| names.iter().any(|name| name.starts_with(&format!("{package}_")));
    let missing: Vec<&str> = PACKAGES.into_iter().filter(|package| !is_there(package)).collect();
    // Of kernels any will do.
    let has_kernel = !files(KERNELS)?.is_empty();
    if missing.is_empty() && has_kernel {
        return Ok(());
    }
    if !setup::on_path("apt-get") {
        println!(
            "packages: not fetched, there is no apt-get: {} {NEWEST_KERNEL}",
            missing.join(" ")
        );
        return Ok(());
    }
    let mut updated = false;
    for package in missing {
        report(package, retried(&mut updated, || fetch(package, DIRECTORY)));
    }
    if !has_kernel {
        let fetch = || fetch(&dependency(NEWEST_KERNEL)?, KERNELS);
        report(NEWEST_KERNEL, retried(&mut updated, fetch));
    }
    Ok(())
}

/// The packages in a directory, which is made if it is not there.
fn files(name: &str) -> Result<Vec<String>, Failure> {
    let directory = tree::root().join(name);
    fs::create_dir_all(&directory).map_err(|error| format!("{name}: {error}"))?;
    let entries = fs::read_dir(&directory).map_err(|error| format!("{name}: {error}"))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| name.ends_with(".deb")).collect())
}

/// Once more if it fails, after an update: the lists of packages may be missing or old.
fn retried(updated: &mut bool, fetch: impl Fn() -> Result<(), Failure>) -> Result<(), Failure> {
    match fetch() {
        Err(_) if !*updated && setup::is_root() => {
            *updated = true;
            setup::apt(&["update"]).and_then(|()| fetch())
        }
        fetched => fetched,
    }
}

fn report(package: &str, fetched: Result<(), Failure>) {
    match fetched {
        Ok(()) => println!("package {package}: fetched"),
        Err(why) => println!("package {package}: not fetched: {why}"),
    }
}

/// The first package that another depends on.
fn dependency(package: &str) -> Result<String, Failure> {
    let output = Command::new("apt-cache").args(["depends", package]).output();
    let output = output.map_err(|error| error.to_string())?.stdout;
    let text = String::from_utf8_lossy(&output);
    let found = text.lines().find_map(|line| line.trim().strip_prefix("Depends: "));
    found.map(str::to_owned).ok_or_else(|| "it depends on nothing, or is not known".to_owned())
}

fn fetch(package: &str, directory: &str) -> Result<(), Failure> {
    let output = Command::new("apt-get")
        .args(["-q", "download", package])
        .current_dir(tree::root().join(directory))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")),
    }
}
