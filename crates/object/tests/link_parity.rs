//! Linked by us and by libbpf: what is in both is the same, and the kernel says and does the same.
//!
//! Needs libbpf's oracle (`cargo xtask oracles`) and the corpora of the kernel's selftests; and for
//! the verdicts a kernel that lets programs be loaded. A part of the pairs is taken; all of them with
//! `ABIDE_LINK_ALL=1`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod facts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use abide_object::Object;
use abide_object::link::{Input, link};
use facts::{Depth, Facts, facts};
use serde_json::Value;

fn ask(oracle: &Path, command: &str, files: &[&Path]) -> Value {
    let output = Command::new(oracle).arg(command).args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Our linked file, or why there is none.
fn ours(files: &[&Path], out: &Path) -> Result<(), String> {
    let bytes: Vec<_> = files
        .iter()
        .map(|file| (file.display().to_string(), std::fs::read(file).unwrap()))
        .collect();
    let inputs: Vec<_> = bytes.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let linked = link(&inputs).map_err(|errors| errors[0].to_string())?;
    std::fs::write(out, linked.image.write().unwrap()).unwrap();
    Ok(())
}

fn theirs(oracle: &Path, files: &[&Path], out: &Path) -> Result<(), String> {
    let mut all = vec![out];
    all.extend(files);
    let answer = ask(oracle, "link", &all);
    match answer.get("refused") {
        None => Ok(()),
        Some(_) => Err(answer["log"].to_string()),
    }
}

#[derive(Default)]
struct Count {
    linked: usize,
    both_refuse: usize,
    we_refuse: usize,
    they_refuse: usize,
    programs: usize,
    accepted: usize,
    run: usize,
    not_opened: usize,
}

struct Compare<'a> {
    oracle: &'a Path,
    directory: PathBuf,
    loads: bool,
    count: Count,
    wrong: Vec<String>,
}

impl Compare<'_> {
    fn set(&mut self, files: &[&Path]) {
        let names: Vec<_> =
            files.iter().map(|file| file.file_name().unwrap().to_string_lossy()).collect();
        let names = names.join(" + ");
        let (here, there) = (self.directory.join("ours.o"), self.directory.join("theirs.o"));
        match (ours(files, &here), theirs(self.oracle, files, &there)) {
            (Ok(()), Ok(())) => self.count.linked += 1,
            (Err(_), Err(_)) => return self.count.both_refuse += 1,
            (Err(why), Ok(())) => {
                self.count.we_refuse += 1;
                return self.wrong.push(format!("{names}: only we refuse: {why}"));
            }
            (Ok(()), Err(why)) => {
                self.count.they_refuse += 1;
                return self.wrong.push(format!("{names}: only they refuse: {why}"));
            }
        }
        let read = |path: &Path| Object::parse(&std::fs::read(path).unwrap());
        match (read(&here), read(&there)) {
            (Ok(here), Ok(there)) => {
                let (here, there) = (shared(&here), shared(&there));
                for line in here.symmetric_difference(&there).take(4) {
                    self.wrong.push(format!("{names}: only in one: {line}"));
                }
            }
            (here, there) => {
                self.wrong.push(format!("{names}: {:?}, {:?}", here.err(), there.err()));
            }
        }
        if self.loads {
            self.load(&names, &here, &there);
        }
    }

    fn load(&mut self, names: &str, here: &Path, there: &Path) {
        let answer = ask(self.oracle, "load", &[here, there, here]);
        let [mine, libbpf, again] = [0, 1, 2].map(|number| by_name(&answer[number]));
        let is_opened = |rows: &BTreeMap<String, Value>| {
            rows.values().all(|row| row["verdict"] != "not opened")
        };
        // What libbpf does not open at all, such as definitions of maps of the old kind, or only if
        // it did not link it itself.
        if !is_opened(&libbpf) {
            if is_opened(&mine) && !NOT_OPENED.iter().any(|name| names.starts_with(name)) {
                self.wrong.push(format!("{names}: libbpf does not open its own"));
            }
            self.count.not_opened += 1;
            return;
        }
        for (name, row) in &libbpf {
            let mut row = row.clone();
            let mut ours = mine.get(name).cloned().unwrap_or_default();
            self.count.programs += 1;
            self.count.accepted += usize::from(row["verdict"] == 0);
            if again.get(name).is_some_and(|again| again["run"] != ours["run"]) {
                // It returns something else each time.
                (row["run"], ours["run"]) = (Value::Null, Value::Null);
            }
            self.count.run += usize::from(row["run"].is_array());
            if ours != row {
                self.wrong.push(format!("{names}: {name}: ours {ours}, theirs {row}"));
            }
        }
        if mine.len() != libbpf.len() {
            self.wrong.push(format!("{names}: {} programs, {}", mine.len(), libbpf.len()));
        }
    }
}

/// What does not depend on where the linkers put things.
fn shared(object: &Object) -> Facts {
    facts(object, Depth::Shared)
}

fn by_name(rows: &Value) -> BTreeMap<String, Value> {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| (format!("{} in {}", row["program"], row["section"]), row.clone())).collect()
}

/// Sets that libbpf links, but then does not open: the first file declares a map that a later one
/// defines, and its linker leaves the offset of that map in the types at 0, where another one is.
const NOT_OPENED: [&str; 2] = ["linked_maps1", "test_subskeleton"];

/// What is different: a part of the names of the set, a part of the message, the reason.
const KNOWN: &[(&str, &str, &str)] = &[
    ("", "sec license flags mismatch", "a license that is const and one that is not are the same"),
    ("", "`pinning`: it can only be 0", "an object that no loader takes"),
    ("", "\"stack_slot_aliases_precision\"", "it returns what happens to be on its stack"),
    ("", "\"canary_", "it returns what happens to be on its stack"),
    ("", "\"check_corrupted_spill_fill_msb\"", "it returns a part of an address of the kernel"),
    ("", "\"check_corrupted_spill_fill_lsb\"", "it returns a part of an address of the kernel"),
    ("", "\"check_valid_spill_fill\"", "it returns an address of the kernel"),
    ("linked_maps", "only in one: function handler_", MISSING_MAP),
    ("test_subskeleton", "only in one: function lib_routine", MISSING_MAP),
];

/// Of a map that none of the files defines.
const MISSING_MAP: &str =
    "libbpf's linker takes a map that is missing for whichever is at offset 0";

/// The sets that the selftests link.
const SETS: [&[&str]; 5] = [
    &["linked_funcs1", "linked_funcs2"],
    &["linked_maps1", "linked_maps2"],
    &["linked_vars1", "linked_vars2"],
    &["test_static_linked1", "test_static_linked2"],
    &["test_subskeleton", "test_subskeleton_lib", "test_subskeleton_lib2"],
];

fn compare(archive: &str) {
    let Some(oracle) = abide_testkit::oracle("libbpf") else { return };
    let files = abide_testkit::corpus(archive);
    let loads = abide_testkit::bpf::permitted();
    if !loads {
        abide_testkit::skip("nothing is loaded: bpf(2) is not permitted");
    }
    // Two runs at the same time are no concern of each other.
    let directory = abide_testkit::scratch().join(format!("link-{archive}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let count = Count::default();
    let mut compare =
        Compare { oracle: &oracle, directory: directory.clone(), loads, count, wrong: Vec::new() };
    for set in SETS {
        let found: Vec<&Path> = set
            .iter()
            .filter_map(|name| {
                let name = format!("{name}.bpf.o");
                files.iter().find(|file| file.ends_with(&name)).map(PathBuf::as_path)
            })
            .collect();
        if found.len() == set.len() {
            compare.set(&found);
        }
    }
    let step = if std::env::var_os("ABIDE_LINK_ALL").is_some() { 1 } else { 23 };
    for pair in files.windows(2).step_by(step) {
        compare.set(&[&pair[0], &pair[1]]);
    }
    std::fs::remove_dir_all(&directory).unwrap();
    let Count { linked, both_refuse, we_refuse, they_refuse, programs, accepted, run, not_opened } =
        compare.count;
    println!(
        "{archive}: {linked} linked, {both_refuse} refused by both, {we_refuse} by us only, \
         {they_refuse} by libbpf only, {not_opened} that libbpf does not open; {programs} programs, {accepted} accepted, {run} run; {} differ",
        compare.wrong.len()
    );
    for line in &compare.wrong {
        println!("{line}");
    }
    compare.wrong.retain(|line| {
        !KNOWN.iter().any(|(set, what, _)| line.contains(set) && line.contains(what))
    });
    assert!(compare.wrong.is_empty(), "{}", compare.wrong.join("\n"));
}

#[test]
fn selftests_of_6_1() {
    compare("selftests-61-c19-v3");
}

#[test]
fn selftests_of_6_12() {
    compare("selftests-612-c19-v3");
}
