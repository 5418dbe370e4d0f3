//! Damaged objects: they are read or refused, but never panic, hang or take memory without bound.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use abide_diag::Report;
use abide_object::image::Image;
use abide_object::link::{Input, link};
use abide_object::{Kconfig, Object};
use abide_testkit::Work;
use proptest::prelude::*;

/// The committed objects.
fn objects() -> Vec<Vec<u8>> {
    let files = abide_testkit::objects_below(&abide_testkit::repo("crates/object/tests/cases"));
    assert!(files.len() >= 10);
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Gives an object values of a configuration: all the same, or all of them.
fn configure(object: &Object) {
    let lines = |value: &str| {
        object.externs.iter().map(|found| format!("{}={value}\n", found.name)).collect::<String>()
    };
    for value in ["y", "m", "1", "-1", "\"a longer text than any\""] {
        let (mut other, text) = (object.clone(), lines(value));
        let config = Kconfig {
            text: &text,
            kernel_version: Some(u32::MAX),
            has_bpf_cookie: true,
            has_syscall_wrapper: true,
        };
        if other.set_kconfig(&config).is_err() {
            assert_eq!(&other, object, "it is as it was");
        }
    }
}

/// Reads bytes, whatever they are, in bounded time; the same twice.
fn read(bytes: &[u8]) {
    let work = Work::begin();
    let first = Object::parse(bytes);
    work.is_bounded();
    if let Ok(object) = &first {
        // What was accepted holds together.
        for function in &object.functions {
            assert!(function.relocations.is_sorted_by_key(|one| one.slot));
            assert!(
                function.relocations.iter().all(|one| (one.slot as usize) < function.slots.len())
            );
            assert!(function.lines.iter().all(|one| (one.slot as usize) < function.slots.len()));
        }
        for program in &object.programs {
            object.function(program.function);
            let callback = program.exception.as_ref().and_then(|found| found.function);
            callback.map(|id| object.function(id));
        }
        for map in &object.maps {
            assert!(map.initial_slots.is_sorted_by_key(|(slot, _)| *slot));
        }
        configure(object);
        if let Some(btf) = &object.btf {
            for (id, _) in btf.iter().take(200) {
                btf.definition(id);
                abide_btf::value::text(btf, &[0; 64], id, btf.order());
            }
        }
    }
    assert_eq!(first, Object::parse(bytes));
    if let Ok(image) = Image::parse(bytes) {
        let written = image.write().unwrap();
        assert!(Image::parse(&written).unwrap() == image, "another image");
        if let Ok(object) = &first {
            assert!(Object::parse(&written).as_ref() == Ok(object), "another object");
        }
    }
}

/// Links bytes, whatever they are, alone and with a sound object, in bounded time; what is linked can
/// be read and linked again, one object as the same file.
fn join(bytes: &[u8], sound: &[u8]) {
    let work = Work::begin();
    let damaged = Input { name: "damaged.o", bytes };
    let sound = Input { name: "sound.o", bytes: sound };
    for inputs in [&[damaged][..], &[damaged, sound], &[sound, damaged]] {
        let linked = match link(inputs) {
            Ok(linked) => linked.image.write().unwrap(),
            Err(errors) => {
                errors.iter().for_each(|error| drop(error.report().render(None, false)));
                continue;
            }
        };
        // Together they may be too large, or have two arenas.
        if inputs.len() > 1 && Object::parse(&linked).is_err() {
            continue;
        }
        Object::parse(&linked).unwrap();
        let again = link(&[Input { name: "again.o", bytes: &linked }]).unwrap();
        let is_same = again.image.write().unwrap() == linked;
        assert!(is_same || inputs.len() > 1, "linked again it is another file");
    }
    work.is_bounded();
}

#[test]
fn every_length_is_survived() {
    for bytes in objects() {
        for length in (0..bytes.len()).step_by(37).chain(0..64) {
            read(&bytes[..length]);
        }
    }
}

/// Tables of the file have names as well, which mean nothing: not even that of a section of data.
#[test]
fn names_of_tables_mean_nothing() {
    let path = "crates/object/tests/cases/basics.gcc12.o";
    let bytes = std::fs::read(abide_testkit::repo(path)).unwrap();
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let headers = word(0x28) as usize;
    let named = |kind: u32, nth: usize| {
        let all = (0..bytes[0x3c] as usize).map(|index| headers + index * 64);
        all.filter(|at| word(at + 4) == kind).nth(nth).unwrap()
    };
    // SHT_NULL, SHT_REL: named like the third section with contents, `.data`.
    for table in [named(0, 0), named(9, 0)] {
        let mut bytes = bytes.clone();
        bytes.copy_within(named(1, 1)..named(1, 1) + 4, table);
        read(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bits_are_survived(
        which in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..20),
    ) {
        let mut objects = objects();
        let bytes = which.get_mut(&mut objects);
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        read(bytes);
        let bytes = bytes.clone();
        join(&bytes, &objects[other.index(objects.len())]);
    }

    /// Offsets and counts are 32 and 64 bits wide: single bits seldom make interesting ones.
    #[test]
    fn overwritten_words_are_survived(
        which in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        words in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![
                Just(0), Just(1), Just(u32::MAX), Just(0x7fff_ffff), Just(0x8000_0000), 0..10_000_u32, any::<u32>(),
            ]),
            1..6,
        ),
    ) {
        let mut objects = objects();
        let bytes = which.get_mut(&mut objects);
        for (at, word) in words {
            let at = at.index(bytes.len() / 4) * 4;
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        read(bytes);
        let bytes = bytes.clone();
        join(&bytes, &objects[other.index(objects.len())]);
    }
}
