//! Objects that are disassembled and assembled again are the objects that they were: the same
//! programs, maps, relocations, symbols that count, types and source lines.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::fs;
use std::path::PathBuf;

use abide::Object;
use abide_asm::Dialect;
use abide_asm::listing::{Options, list};
use abide_asm::object::{ObjectOptions, assemble};
use abide_diag::Source;
use abide_isa::Endian;
use abide_testkit::repo;

/// Every committed object of these folders.
fn objects() -> Vec<PathBuf> {
    let folders = ["examples/firewall", "examples/kv", "crates/object/tests/cases"];
    let mut objects: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(repo(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "o"))
        .collect();
    objects.sort();
    objects
}

#[test]
fn assembling_a_listing_gives_the_object_again() {
    let mut different = Vec::new();
    for path in objects() {
        let bytes = fs::read(&path).unwrap();
        let original = Object::parse(&bytes).unwrap();
        for dialect in [Dialect::C, Dialect::Gnu] {
            let text = list(&bytes, &Options { dialect, source: true, columns: false }).unwrap();
            let big = original.endian == Endian::Big;
            let endian = if big { Endian::Big } else { Endian::Little };
            let style = Some(abide_asm::object::Style::Llvm);
            let options = ObjectOptions { endian, style, ..ObjectOptions::default() };
            let name =
                format!("{} {}", path.file_name().unwrap().to_string_lossy(), dialect.name());
            match assemble(&Source::new("listing.s", text), &options) {
                Ok(again) => match Object::parse(&again.bytes) {
                    Ok(again) if again == original => {}
                    Ok(again) => {
                        let mut what = Vec::new();
                        if again.functions != original.functions {
                            what.push("functions");
                        }
                        if again.maps != original.maps {
                            what.push("maps");
                        }
                        if again.externs != original.externs {
                            what.push("externs");
                        }
                        if again.btf != original.btf {
                            what.push("types");
                        }
                        different.push(format!("{name}: {}", what.join(", ")));
                    }
                    Err(error) => different.push(format!("{name}: {error}")),
                },
                Err(messages) => different.push(format!("{name}: {}", messages[0].render(false))),
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
