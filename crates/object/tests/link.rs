//! Linking: what is in the parts is in the whole, and nothing else; what does not go together is
//! refused with both places.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod facts;

use std::collections::{BTreeMap, BTreeSet};

use abide_btf::{Kind, Type};
use abide_diag::Report;
use abide_object::image::Image;
use abide_object::link::{Input, LinkError, Linked, link};
use abide_object::{FunctionId, Linkage, Object, Target};
use facts::{Depth, facts};

fn case(name: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo("crates/object/tests/cases").join(name)).unwrap()
}

/// Links files, named by their numbers.
fn linked(files: &[&[u8]]) -> Result<Linked, Vec<LinkError>> {
    let names: Vec<String> = (0..files.len()).map(|number| format!("{number}.o")).collect();
    let inputs: Vec<Input<'_>> =
        files.iter().zip(&names).map(|(bytes, name)| Input { name, bytes }).collect();
    link(&inputs)
}

fn written(linked: &Linked) -> Object {
    Object::parse(&linked.image.write().unwrap()).unwrap()
}

#[test]
fn two_files_become_one_program() {
    let linked = linked(&[&case("link/main.o"), &case("link/part.o")]).unwrap();
    assert_eq!(linked.without_dwarf, ["0.o", "1.o"]);
    let object = written(&linked);
    let path = abide_testkit::repo("crates/object/tests/cases/link/linked.txt");
    let text: Vec<String> = facts(&object, Depth::Everything).into_iter().collect();
    abide_testkit::check_or_bless(path, &(text.join("\n") + "\n"));
    // The definition that is not weak was taken, whichever comes first.
    let verdict = object.functions.iter().filter(|one| one.name == "verdict").count();
    assert_eq!(verdict, 1);
    assert!(object.externs.is_empty());
}

/// Several sections may have one name: variables are where the symbols say.
#[test]
fn sections_of_one_name_become_one() {
    let bytes = case("basics.gcc12.o");
    let mut image = Image::parse(&bytes).unwrap();
    let section = image.section(".data").unwrap();
    image.sections[section].name = ".data.where".into();
    let once = linked(&[&image.write().unwrap()]).unwrap().image.write().unwrap();
    assert!(linked(&[&once]).unwrap().image.write().unwrap() == once);
    let btf = Object::parse(&once).unwrap().btf.unwrap();
    let id = btf.by_name(Kind::DataSec, ".data.where").unwrap();
    let Type::DataSec { vars, .. } = btf.get(id).unwrap() else { panic!("a section") };
    let names: Vec<_> = vars.iter().map(|var| btf.get(var.ty).unwrap().name()).collect();
    let place = vars.iter().nth(names.iter().position(|name| *name == "where").unwrap()).unwrap();
    assert_eq!(u64::from(place.offset), bytes_of(&bytes, ".data"), "behind the other one");
}

/// Tables of jumps that say they are code are refused at once, not only when what was linked is linked again.
#[test]
fn tables_of_jumps_are_no_code() {
    let bytes = case("link/jumps-main.o");
    let mut image = Image::parse(&bytes).unwrap();
    let section = image.section(".jumptables").unwrap();
    image.sections[section].flags |= 4;
    let errors = linked(&[&image.write().unwrap()]).unwrap_err();
    assert!(errors.iter().all(|error| error.report().code.id == "O0068"));
}

fn bytes_of(bytes: &[u8], section: &str) -> u64 {
    let image = Image::parse(bytes).unwrap();
    image.sections[image.section(section).unwrap()].size()
}

/// The entries of tables of jumps count the code of the whole object.
#[test]
fn tables_of_jumps_lead_to_where_their_code_is() {
    let parts = [case("link/jumps-main.o"), case("link/jumps-part.o")];
    let jumps = |object: &Object, name: &str| {
        let function = object.functions.iter().find(|one| one.name == name).unwrap();
        let tables = function.relocations.iter().filter_map(|one| match one.target {
            Target::JumpTable { offset, size } => Some((offset, size)),
            _ => None,
        });
        let entries = |(offset, size): (u32, u32)| {
            let bytes = &object.jump_tables[offset as usize..(offset + size) as usize];
            let entries = bytes.chunks(8).map(|entry| object.endian.read(entry));
            entries.map(|to| (to - function.offset) / 8).collect::<Vec<_>>()
        };
        let found: Vec<Vec<u64>> = tables.map(entries).collect();
        assert!(!found.is_empty(), "{name} has no table of jumps");
        let last = function.slots.len() as u64;
        assert!(found.iter().flatten().all(|slot| *slot < last), "{name}: {found:?}");
        found
    };
    let before = [Object::parse(&parts[0]).unwrap(), Object::parse(&parts[1]).unwrap()];
    // The first function of the first object is overridden, and everything after it moves up.
    let functions = [(0, "choose"), (0, "pick"), (1, "weight"), (1, "cost"), (1, "other")];
    for files in [[0, 1], [1, 0]] {
        let linked = linked(&files.map(|at| &parts[at][..])).unwrap();
        let object = written(&linked);
        for (from, name) in functions {
            assert_eq!(jumps(&object, name), jumps(&before[from], name), "{name}");
        }
    }
    assert_eq!(before[0].function(FunctionId(0)).name, "weight");
}

/// An object linked alone means what it meant; linked again it is the same file.
fn alone(name: &str, bytes: &[u8]) {
    let one = linked(&[bytes]).unwrap_or_else(|errors| panic!("{name}: {}", errors[0]));
    let file = one.image.write().unwrap();
    let object = Object::parse(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
    let original = Object::parse(bytes).unwrap();
    let (new, old) = (facts(&object, Depth::Everything), facts(&original, Depth::Everything));
    assert!(new == old, "{name}: {}", difference(&old, &new));
    let again = linked(&[&file]).unwrap().image.write().unwrap();
    assert!(again == file, "{name}: linked again it is another file");
}

fn difference(old: &facts::Facts, new: &facts::Facts) -> String {
    let minus = old.difference(new).map(|line| format!("-{line}"));
    let plus = new.difference(old).map(|line| format!("+{line}"));
    minus.take(5).chain(plus.take(5)).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_object_linked_alone_is_the_same_object() {
    for file in abide_testkit::objects_below(&abide_testkit::repo("crates/object/tests/cases")) {
        alone(&file.to_string_lossy(), &std::fs::read(&file).unwrap());
    }
}

/// How many objects of the selftests are taken here; `ABIDE_LINK_ALL=1` takes all.
fn step() -> usize {
    if std::env::var_os("ABIDE_LINK_ALL").is_some() { 1 } else { 12 }
}

#[test]
fn selftests_linked_alone_are_the_same_objects() {
    for archive in ["selftests-61-c19-v3", "selftests-612-c19-v3"] {
        for file in abide_testkit::corpus(archive).iter().step_by(step()) {
            let bytes = std::fs::read(file).unwrap();
            // One is there to be refused.
            if Object::parse(&bytes).is_ok() {
                alone(&file.to_string_lossy(), &bytes);
            }
        }
    }
}

/// What an object defines for others.
fn defined(object: &Object) -> BTreeSet<String> {
    let functions = object.functions.iter().filter(|one| one.linkage != Linkage::Static);
    let mut names: BTreeSet<String> = functions.map(|one| one.name.clone()).collect();
    names.extend(object.maps.iter().map(|map| map.name.clone()));
    for (_, ty) in object.btf.iter().flat_map(|btf| btf.iter()) {
        if let Type::Var { name, linkage: abide_btf::Linkage::Global, .. } = ty {
            names.insert(name.to_owned());
        }
    }
    names.retain(|name| !name.starts_with('.'));
    names
}

/// Each object with the one after it: what is in both is in the whole, or they are refused because
/// they define, license or declare something differently.
#[test]
fn pairs_of_selftests_are_the_union_of_both() {
    for archive in ["selftests-61-c19-v3", "selftests-612-c19-v3"] {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for pair in abide_testkit::corpus(archive).windows(2).step_by(step()) {
            let files = [std::fs::read(&pair[0]).unwrap(), std::fs::read(&pair[1]).unwrap()];
            let objects = [Object::parse(&files[0]), Object::parse(&files[1])];
            let [Ok(one), Ok(other)] = objects else { continue };
            let names = format!("{} + {}", pair[0].display(), pair[1].display());
            match linked(&[&files[0], &files[1]]) {
                Ok(linked) => {
                    let needs = |one: &Object, other: &Object| {
                        let defined = defined(other);
                        one.externs.iter().any(|one| defined.contains(&one.name))
                    };
                    // What one only expects, the other may define: then it reads differently.
                    if needs(&one, &other) || needs(&other, &one) {
                        *counts.entry("linked with each other").or_default() += 1;
                        continue;
                    }
                    *counts.entry("linked").or_default() += 1;
                    let file = linked.image.write().unwrap();
                    let whole =
                        Object::parse(&file).unwrap_or_else(|error| panic!("{names}: {error}"));
                    let mut parts = facts(&one, Depth::Shared);
                    parts.append(&mut facts(&other, Depth::Shared));
                    let mut new = facts(&whole, Depth::Shared);
                    // Of what both define, one definition was taken.
                    let both: Vec<String> =
                        defined(&one).intersection(&defined(&other)).cloned().collect();
                    for name in &both {
                        let is_other = |line: &String| {
                            !["function ", "variable ", "map "].iter().any(|what| {
                                line.starts_with(what)
                                    && line.lines().next().unwrap().contains(name.as_str())
                            })
                        };
                        new.retain(is_other);
                        parts.retain(is_other);
                    }
                    assert!(new == parts, "{names}: {}", difference(&parts, &new));
                }
                Err(errors) => {
                    for error in &errors {
                        let code = error.report().code.id;
                        let is_conflict =
                            ["O0060", "O0061", "O0062", "O0064", "O0066", "O0067"].contains(&code);
                        assert!(is_conflict, "{names}: {:?}: {error}", error.report().place);
                    }
                    *counts.entry(errors[0].report().code.id).or_default() += 1;
                }
            }
        }
        println!("{archive}: {counts:?}");
    }
}
