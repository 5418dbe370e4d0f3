//! The rules of the house (ARCHITECTURE.md lists them with their numbers): dependency edges,
//! `unsafe` only in its rooms, module headers, file lengths, a fixture for every code.

use std::collections::BTreeMap;
use std::fs;

use crate::{Failure, errors, tree};

/// Which room may use which. An edge that is not here is refused.
const EDGES: &[(&str, &[&str])] = &[
    ("abide-diag", &[]),
    ("abide-isa", &["diag"]),
    ("abide-btf", &["diag", "isa"]),
    ("abide-asm", &["diag", "isa", "btf"]),
    ("abide-object", &["diag", "isa", "btf"]),
    ("abide-api", &["diag", "isa", "btf", "asm", "object"]),
    ("abide-linux", &["diag", "isa", "btf", "object", "api"]),
    ("abide-verifier", &["diag", "isa", "btf", "object", "api"]),
    ("abide-maps", &["diag"]),
    ("abide-runtime", &["diag", "isa", "btf", "asm", "object", "api", "verifier", "maps"]),
    (
        "abide",
        &["diag", "isa", "btf", "asm", "object", "api", "linux", "verifier", "maps", "runtime"],
    ),
];

/// Test support, examples and this program may use any room; no room may use them.
const OUTSIDE: &[&str] = &["abide-testkit", "abide-soundness", "kv-example", "xtask"];

/// The rooms in which `unsafe` may stand.
const UNSAFE_ROOMS: &[&str] = &["crates/maps/", "crates/jit/", "crates/linux/", "crates/testkit/"];

/// Logic longer than this is refused; about 600 is the aim.
const MAX_LINES: usize = 700;

/// Tables, which may be longer.
const TABLES: &[&str] = &["crates/isa/src/table.rs"];

/// Runs all rules; reports all that is broken.
pub(crate) fn run() -> Result<(), Failure> {
    let mut broken = Vec::new();
    edges(&mut broken)?;
    sources(&mut broken);
    codes(&mut broken);
    if let Err(failure) = errors::check() {
        broken.push(failure);
    }
    if broken.is_empty() {
        println!("tidy: all rules hold");
        return Ok(());
    }
    Err(format!("{} rules broken:\n  {}", broken.len(), broken.join("\n  ")))
}

fn edges(broken: &mut Vec<String>) -> Result<(), Failure> {
    for found in tree::crates()? {
        if OUTSIDE.contains(&found.name.as_str()) {
            continue;
        }
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == found.name) else {
            broken.push(format!(
                "crate {} is not in the table of rooms (xtask/src/tidy.rs)",
                found.name
            ));
            continue;
        };
        for used in &found.uses {
            let short = used.strip_prefix("abide-").unwrap_or(used);
            if !allowed.contains(&short) {
                broken.push(format!("{} may not use {used}", found.name));
            }
        }
    }
    Ok(())
}

fn sources(broken: &mut Vec<String>) {
    let mut lengths = Vec::new();
    let folders = ["crates", "xtask", "examples"].map(|name| tree::root().join(name));
    for path in folders.iter().flat_map(|folder| tree::files(folder, ".rs")) {
        let shown = tree::shown(&path);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if !text.starts_with("//!") {
            broken.push(format!("{shown}: does not begin with what it is (`//!`)"));
        }
        if !shown.contains("/src/") {
            continue;
        }
        let logic = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).count();
        if logic > MAX_LINES && !TABLES.contains(&shown.as_str()) {
            broken.push(format!("{shown}: {logic} lines of logic; split it"));
        }
        lengths.push((logic, shown.clone()));
        if UNSAFE_ROOMS.iter().any(|room| shown.starts_with(room)) || shown.starts_with("xtask/") {
            continue;
        }
        let uses_unsafe = text.lines().map(str::trim).any(|line| {
            !line.starts_with("//")
                && ["unsafe {", "unsafe fn", "unsafe impl"].iter().any(|word| line.contains(word))
        });
        if uses_unsafe {
            broken.push(format!("{shown}: `unsafe` outside its rooms"));
        }
    }
    lengths.sort_by(|a, b| b.cmp(a));
    println!("tidy: the ten longest files (lines of logic)");
    for (logic, shown) in lengths.iter().take(10) {
        println!("{logic:>6}  {shown}");
    }
}

/// Every code is unique, and shown by a test or a fixture.
fn codes(broken: &mut Vec<String>) {
    let mut evidence = String::new();
    for path in ["crates", "tests", "examples"]
        .iter()
        .flat_map(|folder| tree::files(&tree::root().join(folder), ""))
    {
        let shown = tree::shown(&path);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        if shown.contains("/tests/") || shown.ends_with("tests.rs") || shown.starts_with("tests/") {
            evidence.push_str(&text);
        } else if let Some(tests) = text.find("#[cfg(test)]") {
            evidence.push_str(&text[tests..]);
        }
    }
    let mut seen = BTreeMap::new();
    for code in errors::rooms().into_iter().flat_map(|(_, codes)| codes) {
        if let Some(other) = seen.insert(code.id, code.title) {
            broken
                .push(format!("code {} stands twice: \"{other}\" and \"{}\"", code.id, code.title));
        }
        if !evidence.contains(code.id) {
            broken.push(format!("code {} ({}) has no test and no fixture", code.id, code.title));
        }
    }
}
