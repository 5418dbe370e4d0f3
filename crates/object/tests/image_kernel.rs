//! The kernel says of a written-back object what it says of the original: the same verdict, as many
//! processed instructions, as long a program, the same result. And of one with more instructions in it,
//! the same verdict.
//!
//! Needs libbpf's oracle (`cargo xtask oracles`), the corpora of the kernel's selftests, Debian's packages
//! (`cargo xtask packages`), and a kernel that lets programs be loaded. A part of the objects is taken; all
//! of them with `ABIDE_IMAGE_ALL=1`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use abide_isa::Raw;
use abide_object::image::{Image, Patch, Place};
use serde_json::Value;

/// `goto +0`, which does nothing and reads nothing.
const NOTHING: Raw = Raw { code: 0x05, dst: 0, src: 0, off: 0, imm: 0 };

/// What the kernel returns when it has walked too many instructions.
const E2BIG: i32 = -7;

#[derive(Default)]
struct Count {
    objects: usize,
    not_opened: usize,
    programs: usize,
    accepted: usize,
    run: usize,
}

/// What the kernel says of the programs of some objects.
fn load(oracle: &Path, files: &[&Path]) -> Vec<Vec<Value>> {
    let output = Command::new(oracle).arg("load").args(files).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What the kernel says of objects and of what `change` makes of them; what is not `same` is told.
fn compare(
    name: &str,
    files: &[PathBuf],
    change: impl Fn(&[u8]) -> Option<Vec<u8>>,
    same: impl Fn(&Value, &Value) -> bool,
) {
    let Some(oracle) = abide_testkit::oracle("libbpf") else { return };
    if files.is_empty() || !abide_testkit::bpf::permitted() {
        return;
    }
    let file = abide_testkit::scratch().join(format!("image-kernel-{}.o", std::process::id()));
    let (mut count, mut wrong) = (Count::default(), Vec::new());
    let step = if std::env::var_os("ABIDE_IMAGE_ALL").is_some() { 1 } else { 32 };
    for original in files.iter().step_by(step) {
        let Some(changed) = change(&std::fs::read(original).unwrap()) else { continue };
        std::fs::write(&file, changed).unwrap();
        // The original twice, since not all programs return the same each time.
        let answers = load(&oracle, &[original, &file, original]);
        let [before, after, again] = &answers[..] else { panic!("three objects") };
        count.objects += 1;
        let short = original.file_name().unwrap().to_string_lossy();
        if before.len() != after.len() {
            wrong.push(format!("{short}: {} programs, then {}", before.len(), after.len()));
        }
        for ((before, after), again) in before.iter().zip(after).zip(again) {
            let (mut before, mut after) = (before.clone(), after.clone());
            if before["verdict"] == "not opened" {
                count.not_opened += 1;
            } else {
                count.programs += 1;
                count.accepted += usize::from(before["verdict"] == 0);
                count.run += usize::from(before["run"].is_array());
            }
            if before["run"] != again["run"] {
                (before["run"], after["run"]) = (Value::Null, Value::Null);
            }
            if !same(&before, &after) {
                wrong.push(format!("{short}: {before} before, {after} after"));
            }
        }
    }
    std::fs::remove_file(&file).unwrap();
    let Count { objects, not_opened, programs, accepted, run } = count;
    println!(
        "{name}: {objects} objects ({not_opened} that libbpf does not open), {programs} programs, \
         {accepted} accepted, {run} run, {} differ",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn written_back(name: &str, files: &[PathBuf]) {
    let write = |bytes: &[u8]| Some(Image::parse(bytes).unwrap().write().unwrap());
    compare(name, files, write, |before, after| before == after);
}

#[test]
fn selftests_of_6_1() {
    written_back("selftests of 6.1", &abide_testkit::corpus("selftests-61-c19-v3"));
}

#[test]
fn selftests_of_6_12() {
    written_back("selftests of 6.12", &abide_testkit::corpus("selftests-612-c19-v3"));
}

#[test]
fn debian_packages() {
    for (name, files) in abide_testkit::packages() {
        written_back(&name, &files);
    }
}

/// The object with an instruction that does nothing after each; none if a jump cannot be that long.
fn longer(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut image = Image::parse(bytes).unwrap();
    image.remove(|section| section.is_debug()).unwrap();
    for at in 0..image.sections.len() {
        let section = &image.sections[at];
        if !section.is_code() {
            continue;
        }
        let slots = Raw::read_all(section.bytes(), image.endian).0;
        let (mut patches, mut slot) = (Vec::new(), 0);
        // Before the first of a function it would belong to the one before it, and nothing may come
        // after the last.
        let symbols = image.symbols.iter().filter(|symbol| symbol.place == Place::Section(at));
        let starts: HashSet<u64> = symbols.map(|symbol| symbol.value / 8).collect();
        while slot < slots.len() {
            let here = slot as u32;
            if slot > 0 && !starts.contains(&(slot as u64)) {
                patches.push(Patch { slots: here..here, code: vec![NOTHING], relocations: vec![] });
            }
            slot += if slots[slot].code == 0x18 { 2 } else { 1 };
        }
        image.patch(at, &patches).ok()?;
    }
    Some(image.write().unwrap())
}

#[test]
fn code_with_more_in_it_is_judged_alike() {
    let files = abide_testkit::corpus("selftests-612-c19-v3");
    // The kernel walks a million instructions, and twice as many may be more than that.
    let is_long = |before: &Value, after: &Value| {
        after["verdict"] == E2BIG && before["processed"].as_u64() > Some(500_000)
    };
    let same = |before: &Value, after: &Value| {
        before["verdict"] == after["verdict"] && before["run"] == after["run"]
            || is_long(before, after)
    };
    compare("selftests of 6.12 with more instructions", &files, longer, same);
}
