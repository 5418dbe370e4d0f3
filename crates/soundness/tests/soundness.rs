//! What is proved never traps, and never contradicts its proof: random programs and mutations of them, run
//! beside their proofs. `cargo xtask soundness` does the same for longer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use abide_soundness::{Bench, Outcome, Random, build, generate, listing, mutate};

fn bench() -> Bench {
    Bench::new(&abide::linux_api().unwrap(), "LINUX_6.12").unwrap()
}

fn seed(number: u64) -> u64 {
    number.wrapping_mul(0xd129_0d3c_8ebe_5a2f)
}

#[test]
fn what_is_proved_is_safe() {
    let bench = bench();
    let (mut accepted, mut ran) = (0, 0);
    for number in 1..=1_500_u64 {
        let mut object = build::from_text(&generate::program(seed(number)));
        if number % 3 == 0 {
            mutate(&mut object, &mut Random(seed(number) | 1));
        }
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
    println!("{accepted} of 1500 programs were proved, {ran} runs");
    assert!(accepted > 150, "only {accepted} were proved");
}
