//! Damaged programs are refused or proved, never a panic and never endless.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use abide_verifier::{Limits, Options, prove};
use proptest::prelude::*;

/// How many: `ABIDE_DAMAGED=N`.
fn cases() -> u32 {
    std::env::var("ABIDE_DAMAGED").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000)
}

/// The programs of all cases.
fn programs() -> Vec<String> {
    let folder = abide_testkit::repo("crates/verifier/tests/cases");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for case in text.split("\n== ").skip(1) {
            let (_, rest) = case.split_once('\n').unwrap();
            all.push(rest.split_once("->").unwrap().0.to_owned());
        }
    }
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn damaged_programs(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..6_u8, any::<u32>()), 1..6),
    ) {
        let api = common::linux();
        let programs = programs();
        let text: &String = which.get(&programs);
        let (mut program, object) = common::program(&api, text);
        for (at, what, with) in changes {
            let other = program.slots[with as usize % program.slots.len()];
            let at = at.index(program.slots.len());
            let slot = &mut program.slots[at];
            match what {
                0 => slot.imm = with as i32,
                1 => slot.off = with as i16 % 12,
                2 => slot.dst = with as u8 % 11,
                3 => slot.src = with as u8 % 11,
                4 => slot.code = with as u8,
                _ => *slot = other,
            }
        }
        let limits = Limits { instructions: 20_000, pending: 200 };
        let options = Options { limits, ..Options::new(common::node(&api)) };
        let _ = prove(program, &object, &options);
    }
}
