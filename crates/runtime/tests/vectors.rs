//! The semantics of instructions, as vector files: `cargo test -p abide-runtime --test vectors`.
//!
//! The same cases run in the kernel of this machine where `bpf(2)` is allowed (`kernel.rs`).

mod support;

use support::{Expected, cases, run};

#[test]
fn every_case_gives_what_it_says() {
    let cases = cases();
    assert!(cases.len() > 100, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let found = match run(case) {
            Ok(outcome) => Expected::Value(outcome.value),
            Err(trap) => {
                let text = abide_diag::Report::report(&trap).render(None, false);
                assert!(!text.is_empty());
                Expected::Trap(trap.code().id.to_owned())
            }
        };
        if found != case.expected {
            wrong.push(format!("{}: expected {:x?}, found {found:x?}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
