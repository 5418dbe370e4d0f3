//! Every object of the kernel's selftests is read.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use abide_object::{Object, Target};

/// What is refused, as it should be: this object is there to be refused by every loader.
const REFUSED: [&str; 1] = ["test_pinning_invalid.bpf.o: O0009: section .maps, symbol nopinmap3: \
     field `pinning`: it can only be 0 (none) or 1 (by name)"];

/// Reads all objects; the answers are those that are refused, with the reason.
fn read(archive: &str) -> (usize, Vec<String>) {
    let start = Instant::now();
    let (mut refused, mut bytes, mut programs, mut maps, mut core) = (Vec::new(), 0, 0, 0, 0);
    let mut targets = [0; 7];
    let files = abide_testkit::corpus(archive);
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
                        Target::JumpTable { .. } => 6,
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
         map/value/function/call/extern call/extern/jump table {targets:?}, refused {}, in {:?}",
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
