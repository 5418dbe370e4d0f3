//! Images: what is written is read again, and means the same; code can be changed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use abide_isa::Raw;
use abide_object::Object;
use abide_object::image::{Image, Patch};

/// The committed objects.
fn cases() -> Vec<Vec<u8>> {
    let files = abide_testkit::objects_below(&abide_testkit::repo("crates/object/tests/cases"));
    assert!(files.len() >= 10);
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn case(name: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo("crates/object/tests/cases").join(name)).unwrap()
}

/// Writes an object again; the new file is the same image, the same object, and the same file when
/// it is written once more.
fn write_again(bytes: &[u8]) {
    let image = Image::parse(bytes).unwrap();
    let written = image.write().unwrap();
    let again = Image::parse(&written).unwrap();
    assert!(again == image, "another image");
    assert!(again.write().unwrap() == written, "another file");
    assert!(Object::parse(&written) == Object::parse(bytes), "another object");
}

#[test]
fn what_is_written_is_the_same_object() {
    cases().iter().for_each(|bytes| write_again(bytes));
}

#[test]
fn the_selftests_written_again_are_the_same_objects() {
    for (archive, count) in [("selftests-61-c19-v3", 497), ("selftests-612-c19-v3", 798)] {
        let files = abide_testkit::corpus(archive);
        assert!(files.is_empty() || files.len() == count);
        for file in &files {
            println!("{}", file.display());
            write_again(&std::fs::read(file).unwrap());
        }
    }
}

#[test]
fn debug_data_can_be_taken_out() {
    for bytes in cases() {
        let mut image = Image::parse(&bytes).unwrap();
        image.remove(|section| section.is_debug()).unwrap();
        assert!(image.sections.iter().all(|section| !section.name.starts_with(".debug")));
        let written = image.write().unwrap();
        assert!(Object::parse(&written) == Object::parse(&bytes), "another object");
    }
}

#[test]
fn what_others_refer_to_is_not_taken_out() {
    let bytes = case("maps.o");
    let mut image = Image::parse(&bytes).unwrap();
    let before = image.clone();
    let error = image.remove(|section| section.name == ".maps").unwrap_err();
    assert_eq!(abide_diag::Report::report(&error).code.id, "O0007");
    assert!(image == before);
}

/// `r0 = r0`, which changes nothing.
const NOTHING: Raw = Raw { code: 0xbf, dst: 0, src: 0, off: 0, imm: 0 };

/// Instructions before all but the first of every function: all that refers to code moves, and with
/// the instructions taken out again the object is what it was.
#[test]
fn code_that_is_put_in_and_taken_out_leaves_no_trace() {
    for name in ["basics.o", "basics.be.o", "callbacks.o", "core.o", "externs.o", "maps.o", JUMPS] {
        let bytes = case(name);
        let mut image = Image::parse(&bytes).unwrap();
        image.remove(|section| section.is_debug()).unwrap();
        let original = Object::parse(&image.write().unwrap()).unwrap();
        for at in 0..image.sections.len() {
            let section = &image.sections[at];
            if !section.is_code() || section.bytes().is_empty() {
                continue;
            }
            let slots = Raw::read_all(section.bytes(), image.endian).0;
            let mut starts = Vec::new();
            let mut slot = 0;
            while slot < slots.len() {
                // Not before the first of a function: what jumps or calls there means it.
                starts.push(slot as u32);
                slot += if slots[slot].code == 0x18 { 2 } else { 1 };
            }
            let name = section.name.clone();
            let firsts: Vec<u32> = original
                .functions
                .iter()
                .filter(|one| one.section == name)
                .map(|one| (one.offset / 8) as u32)
                .collect();
            starts.retain(|start| !firsts.contains(start));
            let patches: Vec<Patch> = starts
                .iter()
                .map(|start| Patch {
                    slots: *start..*start,
                    code: vec![NOTHING],
                    relocations: Vec::new(),
                })
                .collect();
            image.patch(at, &patches).unwrap();
            let changed = Object::parse(&image.write().unwrap()).unwrap();
            for (old, new) in original.functions.iter().zip(&changed.functions) {
                if old.section == name {
                    let inner = starts.iter().filter(|start| {
                        let from = (old.offset / 8) as u32;
                        (from..from + old.slots.len() as u32).contains(start)
                    });
                    assert_eq!(new.slots.len(), old.slots.len() + inner.count());
                    let targets = |one: &abide_object::Function| {
                        one.relocations.iter().map(|one| one.target).collect::<Vec<_>>()
                    };
                    assert_eq!(targets(old), targets(new));
                }
            }
            let back: Vec<Patch> = starts
                .iter()
                .enumerate()
                .map(|(before, start)| {
                    let at = start + before as u32;
                    Patch { slots: at..at + 1, code: Vec::new(), relocations: Vec::new() }
                })
                .collect();
            image.patch(at, &back).unwrap();
            let back = Object::parse(&image.write().unwrap()).unwrap();
            assert!(back == original, "{name} is not what it was");
        }
    }
}

/// An object with tables of indirect jumps.
const JUMPS: &str = "link/jumps-main.o";

#[test]
fn tables_of_jumps_follow_the_code() {
    let bytes = case(JUMPS);
    let mut image = Image::parse(&bytes).unwrap();
    let at = image.section(".text").unwrap();
    let before = Object::parse(&image.write().unwrap()).unwrap();
    // Three instructions in the middle of the first function, whose table leads before and after them.
    let patch = Patch { slots: 20..20, code: vec![NOTHING; 3], relocations: Vec::new() };
    image.patch(at, &[patch]).unwrap();
    let after = Object::parse(&image.write().unwrap()).unwrap();
    let entries = |object: &Object| {
        let (entries, _) = object.jump_tables.as_chunks::<8>();
        entries.iter().map(|entry| object.endian.read(entry)).collect::<Vec<_>>()
    };
    let in_text = |name: &str| {
        let function = before.functions.iter().find(|one| one.name == name).unwrap();
        let table = function.relocations.iter().find_map(|one| match one.target {
            abide_object::Target::JumpTable { offset, size } => Some((offset, size)),
            _ => None,
        });
        let (offset, size) = table.unwrap();
        (offset as usize / 8)..((offset + size) as usize / 8)
    };
    let is_moved: Vec<usize> = in_text("weight").chain(in_text("pick")).collect();
    let expected = entries(&before).into_iter().enumerate().map(|(number, to)| match to {
        161.. if is_moved.contains(&number) => to + 24,
        to => to,
    });
    let expected: Vec<u64> = expected.collect();
    assert_eq!(entries(&after), expected);
    let moved = expected.iter().zip(entries(&before)).filter(|(new, old)| *new != old).count();
    assert!(moved > 6 && moved < is_moved.len(), "{moved} of {}", is_moved.len());
    // What a table leads to cannot be taken out.
    let to = entries(&before)[in_text("weight").start] as u32 / 8;
    let gone = Patch { slots: to - 1..to + 1, code: Vec::new(), relocations: Vec::new() };
    let mut image = Image::parse(&bytes).unwrap();
    let error = image.patch(at, &[gone]).unwrap_err();
    assert!(error.to_string().contains("table of jumps"), "{error}");
}

#[test]
fn impossible_changes_are_refused_and_change_nothing() {
    let bytes = case("basics.gcc12.o");
    let mut image = Image::parse(&bytes).unwrap();
    let at = image.section(".text").unwrap();
    let longer = Patch { slots: 0..0, code: vec![NOTHING], relocations: Vec::new() };
    let error = image.patch(at, &[longer]).unwrap_err();
    assert!(error.to_string().contains("gcc before 14"), "{error}");

    let bytes = case("callbacks.o");
    let image = Image::parse(&bytes).unwrap();
    let code = image.section(".text").unwrap();
    let slots = (image.sections[code].size() / 8) as u32;
    let patch = |slots, code| Patch { slots, code, relocations: Vec::new() };
    for (section, patches) in [
        (image.section(".BTF").unwrap(), vec![patch(0..0, vec![NOTHING])]),
        (code, vec![patch(slots..slots + 1, vec![])]),
        (code, vec![patch(2..3, vec![]), patch(1..2, vec![])]),
        // Callbacks are referred to by address.
        (code, vec![patch(0..slots, vec![])]),
    ] {
        let mut changed = image.clone();
        let error = changed.patch(section, &patches).unwrap_err();
        assert_eq!(abide_diag::Report::report(&error).code.id, "O0050");
        assert!(changed == image);
    }
}
