//! Every object of the kernel's selftests is read.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use abide_object::{Object, Target};

/// What is refused, as it should be: this object is there to be refused by every loader.
const REFUSED: [&str; 1] = ["test_pinning_invalid.bpf.o: O0009: section .maps, symbol nopinmap3: \
     field `pinning`: it can only be 0 (none) or 1 (by name)"];

/// Unpacks a corpus below the temporary directory and lists its objects.
fn objects(archive: &str) -> Vec<PathBuf> {
    let (Some(archive), Some(_), Some(tar)) = (
        abide_testkit::shared(&format!("corpus/{archive}.tar.zst")),
        abide_testkit::tool(&["zstd"]),
        abide_testkit::tool(&["tar"]),
    ) else {
        return Vec::new();
    };
    let name = archive.file_name().unwrap().to_string_lossy().replace(".tar.zst", "");
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !dir.exists() {
        // Another test process may do the same at the same time: only the finished one is seen.
        let part = dir.with_extension(std::process::id().to_string());
        std::fs::create_dir_all(&part).unwrap();
        let status =
            Command::new(tar).arg("--zstd").arg("-xf").arg(&archive).arg("-C").arg(&part).status();
        assert!(status.unwrap().success(), "cannot unpack {}", archive.display());
        if std::fs::rename(&part, &dir).is_err() {
            std::fs::remove_dir_all(&part).unwrap();
        }
    }
    let mut found = Vec::new();
    let mut open = vec![dir];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "o") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Reads all objects; the answers are those that are refused, with the reason.
fn read(archive: &str) -> (usize, Vec<String>) {
    let start = Instant::now();
    let (mut refused, mut bytes, mut programs, mut maps, mut core) = (Vec::new(), 0, 0, 0, 0);
    let mut targets = [0; 6];
    let files = objects(archive);
    for file in &files {
        let data = std::fs::read(file).unwrap();
        bytes += data.len();
        let name = file.file_name().unwrap().to_string_lossy();
        match Object::parse(&data) {
            Ok(object) => {
                programs += object.programs.len();
                maps += object.maps.len();
                core += object.core.len();
                for relocation in object.functions.iter().flat_map(|one| &one.relocations) {
                    targets[match relocation.target {
                        Target::Map(_) => 0,
                        Target::Value { .. } => 1,
                        Target::Function(_) => 2,
                        Target::Call(_) => 3,
                        Target::CallExtern(_) => 4,
                        Target::Extern(_) => 5,
                    }] += 1;
                }
            }
            Err(error) => {
                let diagnostic = abide_diag::Report::report(&error);
                let place = diagnostic.place.unwrap_or_default();
                refused.push(format!("{name}: {}: {place}: {error}", diagnostic.code));
            }
        }
    }
    println!(
        "{archive}: {} objects, {bytes} bytes, {programs} programs, {maps} maps, {core} CO-RE records, \
         map/value/function/call/extern call/extern {targets:?}, refused {}, in {:?}",
        files.len(),
        refused.len(),
        start.elapsed()
    );
    (files.len(), refused)
}

#[test]
fn selftests_of_6_1() {
    let (count, refused) = read("selftests-61-c19-v3");
    assert!(count == 0 || count == 497);
    if count > 0 {
        assert_eq!(refused, REFUSED);
    }
}

#[test]
fn selftests_of_6_12() {
    let (count, refused) = read("selftests-612-c19-v3");
    assert!(count == 0 || count == 798);
    if count > 0 {
        assert_eq!(refused, REFUSED);
    }
}
