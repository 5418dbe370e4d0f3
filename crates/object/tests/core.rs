//! CO-RE of whole objects: applied as a whole or not at all, and told with the source line.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use abide_btf::core::{POISON, Target};
use abide_diag::Report;
use abide_object::{Object, host_types};
use proptest::prelude::*;

fn case(name: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo("crates/object/tests/cases").join(name)).unwrap()
}

/// The object `core.o` on a host, and the messages about it.
fn on(host: &str) -> (Object, Object, Result<usize, usize>, Vec<String>) {
    let object = Object::parse(&case("core.o")).unwrap();
    let types = host_types(&case(host)).unwrap();
    let relocated = object.relocate_core(&Target::new(&types));
    let messages = object.core.iter().zip(&relocated.outcomes);
    let messages = messages.filter_map(|(record, outcome)| object.core_report(record, outcome));
    let messages =
        messages.map(|found| format!("{} {}", found.code, found.place.unwrap())).collect();
    let mut after = object.clone();
    let applied = match relocated.apply(&mut after) {
        Ok(()) => Ok(object.core.len()),
        Err(refused) => Err(refused.len()),
    };
    (object, after, applied, messages)
}

#[test]
fn what_cannot_run_is_poisoned_and_told() {
    let (before, after, applied, messages) = on("core-near.o");
    assert_eq!(applied, Ok(5));
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0].starts_with("O0101 ") && messages[0].contains("core.c:25:6"),
        "{messages:?}"
    );
    let slots = |object: &Object| object.functions[0].slots.clone();
    let (old, new) = (slots(&before), slots(&after));
    assert_eq!((old[1].off, new[1].off), (20, 24));
    assert_eq!(new[9..11], [POISON; 2]);
    // Nothing but the instructions with records changed.
    let changed = old.iter().zip(&new).filter(|(old, new)| old != new).count();
    assert_eq!(changed, 5);
}

#[test]
fn a_refusal_leaves_the_object_as_it_was() {
    let (before, after, applied, messages) = on("core-host.o");
    assert_eq!(applied, Err(1));
    assert!(messages[0].starts_with("B0106 "), "{messages:?}");
    assert_eq!(before, after);
}

#[test]
fn on_its_own_types_only_bit_fields_may_change() {
    let (before, after, applied, messages) = on("core.o");
    assert_eq!((applied, messages.len()), (Ok(5), 0));
    let changed: Vec<usize> = (0..before.functions[0].slots.len())
        .filter(|slot| before.functions[0].slots[*slot] != after.functions[0].slots[*slot])
        .collect();
    // The left shift: compilers leave any number there.
    assert_eq!(changed, [4]);
}

#[test]
fn types_of_a_host_are_refused_with_a_code() {
    let code = |bytes: &[u8]| abide_diag::Report::report(&host_types(bytes).unwrap_err()).code.id;
    assert_eq!(code(b"\x7fELF"), "O0001");
    assert_eq!(code(b"hello"), "B0001");
    // This test is an ELF file without types.
    let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(code(&this), "O0102");
}

proptest! {
    /// Of the object and of the host some bytes are others.
    #[test]
    fn damage_is_refused_or_resolved(
        ours in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        theirs in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let (mut object, mut host) = (case("core-kinds.o"), case("core-kinds-host.o"));
        for (bytes, changes) in [(&mut object, ours), (&mut host, theirs)] {
            for (place, byte) in changes {
                let at = place.index(bytes.len());
                bytes[at] = byte;
            }
        }
        let (Ok(object), Ok(host)) = (Object::parse(&object), host_types(&host)) else {
            return Ok(());
        };
        let relocated = object.relocate_core(&Target::new(&host));
        for (record, outcome) in object.core.iter().zip(&relocated.outcomes) {
            let _ = object.core_report(record, outcome);
        }
        let mut after = object.clone();
        if relocated.apply(&mut after).is_err() {
            prop_assert_eq!(after, object);
        }
    }
}

#[test]
fn a_host_of_the_other_byte_order_is_refused() {
    for (object, host, code) in [
        ("core.o", "core-host.o", None),
        ("core.o", "core.be.o", Some("O0103")),
        ("core.be.o", "core-host.o", Some("O0103")),
        ("core.be.o", "core.be.o", None),
    ] {
        let object = Object::parse(&case(object)).unwrap();
        let refused = object.fits_host(&host_types(&case(host)).unwrap()).err();
        assert_eq!(refused.map(|error| error.report().code.id), code, "{host}");
    }
}
