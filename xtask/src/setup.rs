//! What the tests want besides Rust, and how Debian calls it. Installs by apt where it may.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// A program that tests use, and the Debian package that has it.
const TOOLS: &[(&str, &str)] = &[
    ("clang-14", "clang-14"),
    ("clang-19", "clang-19"),
    ("clang-22", "clang-22"),
    ("llvm-mc-14", "llvm-14"),
    ("llvm-mc-19", "llvm-19"),
    ("llvm-mc-22", "llvm-22"),
    ("bpf-gcc", "gcc-bpf"),
    ("bpf-as", "binutils-bpf"),
    ("tcpdump", "tcpdump"),
    ("mandoc", "mandoc"),
    ("bpftool", "bpftool"),
    ("zstd", "zstd"),
    ("python3", "python3"),
    ("gcc", "gcc"),
    ("make", "make"),
    ("pkg-config", "pkg-config"),
];

/// A header that tests use, and the Debian package that has it.
const HEADERS: &[(&str, &str)] = &[
    ("/usr/include/bpf/bpf_helpers.h", "libbpf-dev"),
    ("/usr/include/libelf.h", "libelf-dev"),
    ("/usr/include/zlib.h", "zlib1g-dev"),
];

/// Installs what is missing, and says what it installs. Without root or apt it says what is missing,
/// and the tests that need it say why they are skipped.
pub(crate) fn install() -> Result<(), Failure> {
    let tools = TOOLS.iter().filter(|(tool, _)| !on_path(tool));
    let headers = HEADERS.iter().filter(|(header, _)| !Path::new(header).exists());
    let missing: Vec<&str> = tools.chain(headers).map(|(_, package)| *package).collect();
    if !missing.is_empty() {
        if is_root() && on_path("apt-get") {
            println!("setup: apt-get install {}", missing.join(" "));
            apt(&["update"])?;
            let mut words = vec!["install", "-y", "--no-install-recommends"];
            words.extend(&missing);
            if let Err(failure) = apt(&words) {
                println!("setup: {failure}; trying the packages one by one");
                for package in &missing {
                    if let Err(failure) =
                        apt(&["install", "-y", "--no-install-recommends", package])
                    {
                        println!("setup: {failure}: what needs {package} will be skipped");
                    }
                }
            }
        } else {
            println!("setup: missing (tests that need them are skipped): {}", missing.join(" "));
        }
    }
    if !on_path("cargo-nextest") {
        println!("setup: cargo install cargo-nextest");
        let status = Command::new(env!("CARGO"))
            .args(["install", "--locked", "--quiet", "cargo-nextest"])
            .status()
            .map_err(|error| format!("cargo install: {error}"))?;
        if !status.success() {
            return Err("cargo install cargo-nextest failed".to_owned());
        }
    }
    Ok(())
}

/// Installs packages that one command wants and no test.
pub(crate) fn install_packages(packages: &[&str]) -> Result<(), Failure> {
    if !(is_root() && on_path("apt-get")) {
        println!("setup: not installed, this takes root and apt: {}", packages.join(" "));
        return Ok(());
    }
    let words = ["install", "-y", "--no-install-recommends"];
    apt(&[&words[..], packages].concat())
}

pub(crate) fn apt(words: &[&str]) -> Result<(), Failure> {
    let status = Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-q", "-o", "Dpkg::Use-Pty=0"])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("apt-get: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("apt-get {} failed", words.join(" "))) }
}

/// Whether a program is on the path, or beside cargo's own.
pub(crate) fn on_path(name: &str) -> bool {
    find(name).is_some()
}

/// Where such a program is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let cargo = Path::new(env!("CARGO")).parent().map(Path::to_owned);
    std::env::split_paths(&path)
        .chain(cargo)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
