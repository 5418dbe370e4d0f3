//! What is proved never traps, and never contradicts its proof: random programs and mutations of them, run
//! beside their proofs. `cargo xtask soundness` does the same for longer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use abide_soundness::{Bench, Outcome, build, listing, numbered, seed};

/// So many that it takes well under a minute in a debug build.
const PROGRAMS: u64 = 500;

#[test]
fn what_is_proved_is_safe() {
    let bench = Bench::new(&abide::linux_api().unwrap(), build::NODE).unwrap();
    let (mut accepted, mut ran) = (0, 0);
    for number in 1..=PROGRAMS {
        let object = numbered(number);
        match bench.trial(&object, seed(number), 12) {
            Outcome::Ran { runs, .. } => {
                accepted += 1;
                ran += runs;
            }
            Outcome::Failed(failure) => panic!(
                "number {number} was proved, and: {}\n{:?}\npacket {:x?}\n{}",
                failure.trap,
                failure.trap.notes(),
                failure.packet,
                listing(&object)
            ),
            Outcome::Invalid | Outcome::Refused(_) => {}
        }
    }
    println!("{accepted} of {PROGRAMS} programs were proved, {ran} runs");
    assert!(accepted > PROGRAMS / 4, "only {accepted} were proved");
}
