//! Cases as files (`tests/cases/*.txt`): `== NAME`, the program, `-> accept` or `-> CODE at INSN`.
//! Every code of a rejection is in one of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fmt::Write;

fn cases(text: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    text.split("\n== ").skip(1).map(|case| {
        let (name, rest) = case.split_once('\n').unwrap();
        let (program, said) = rest.split_once("->").unwrap_or_else(|| panic!("{name}: no ->"));
        (name, program, said.lines().next().unwrap().trim())
    })
}

#[test]
fn verdicts() {
    let api = common::linux();
    let mut wrong = String::new();
    let mut count = 0;
    let folder = abide_testkit::repo("crates/verifier/tests/cases");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for (name, program, wanted) in cases(&text) {
            count += 1;
            let said = match common::verify(&api, program) {
                Ok(_) => "accept".to_owned(),
                Err(refusal) => format!("{} at {}", refusal.rejection.code, refusal.rejection.slot),
            };
            if said != wanted {
                let why =
                    common::verify(&api, program).err().map(|refusal| refusal.rejection.message);
                let _ = writeln!(
                    wrong,
                    "{}: {name}: {said}, not {wanted}; {}",
                    path.display(),
                    why.unwrap_or_default()
                );
            }
        }
    }
    assert!(wrong.is_empty(), "of {count}:\n{wrong}");
    assert!(count > 40, "only {count} cases were found");
}

#[test]
fn a_rejection_says_what_is_known() {
    use abide_diag::Report;
    let api = common::linux();
    let text = "map m hash 8 8 1\nr1 = map m\nr2 = r10\nr2 += -8\n*(u64 *)(r10 - 8) = 0\ncall bpf_map_lookup_elem\nr0 = *(u64 *)(r0 + 0)\nexit";
    let refusal = common::verify(&api, text).unwrap_err();
    let text = refusal.rejection.report().to_string();
    for part in [
        "V0304",
        "r0 may be null",
        "a pointer to a map value, or null",
        "the kernel says: R0 invalid mem access 'map_value_or_null'",
        "function f0, insn 6",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn a_rejection_says_how_it_came_about() {
    let api = common::linux();
    let known = |text: &str| common::verify(&api, text).unwrap_err().rejection.known.join("\n");
    let range = "type tc\nmap m array 4 64 1\nr2 = *(u32 *)(r1 + 4)\nif r2 > 64 goto out\nr1 = value m 0\nr1 += r2\nr0 = *(u8 *)(r1 + 0)\nout:\nr0 = 0\nexit";
    let gone = "map ring ringbuf 0 0 4096\nr1 = map ring\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\nr6 = r0\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_submit\nr0 = *(u64 *)(r6 + 0)\nout:\nr0 = 0\nexit";
    let spilled = "type tc\nmap m array 4 64 1\ncall bpf_get_prandom_u32\n*(u64 *)(r10 - 8) = r0\nr2 = *(u64 *)(r10 - 8)\nr1 = value m 0\nr1 += r2\nr0 = 0\nexit";
    for (text, part) in [
        (range, "r2 was loaded at insn 0: a number from 0 to 4294967295"),
        (range, "r2 is a number from 0 to 64 after the comparison at insn 1"),
        (
            gone,
            "r6 was a pointer to 8 bytes of memory until the call of bpf_ringbuf_submit at insn 9",
        ),
        (spilled, "r0 is what bpf_get_prandom_u32 returned at insn 0"),
    ] {
        let known = known(text);
        assert!(known.contains(part), "`{part}` is not in:\n{known}");
    }
}

#[test]
fn the_budget_is_a_limit() {
    let api = common::linux();
    let (program, object) =
        common::program(&api, "r1 = 0\nagain:\nr1 += 1\nif r1 != 100000 goto again\nr0 = 0\nexit");
    let mut options = abide_verifier::Options::new(common::node(&api));
    let proof = abide_verifier::prove(program.clone(), &object, &options).unwrap();
    assert_eq!(proof.statistics().processed, 200_003);
    options.limits.instructions = 10_000;
    let refusal = abide_verifier::prove(program, &object, &options).unwrap_err();
    assert_eq!(refusal.rejection.code.id, "V0602");
}

#[test]
fn paths_that_join_a_long_stretch_end_there() {
    let api = common::linux();
    // However many branches there are before it: where states were saved last depends on that.
    for branches in 1..6 {
        let mut text = String::new();
        for at in 0..branches {
            let _ = write!(
                text,
                "call bpf_get_prandom_u32\nif r0 == {at} goto l{at}\nr6 = r0\nl{at}:\n"
            );
        }
        text += &"r0 = 42\n".repeat(3_000);
        let (program, object) = common::program(&api, &(text + "r0 = 0\nexit"));
        let options = abide_verifier::Options::new(common::node(&api));
        let proof = abide_verifier::prove(program, &object, &options).unwrap();
        let processed = proof.statistics().processed;
        assert!(processed < 3_200, "{branches} branches: {processed}");
    }
}

#[test]
fn unwritten_bytes_of_the_stack_are_for_hosts_that_allow_it() {
    let api = common::linux();
    let (program, object) = common::program(&api, "r0 = *(u64 *)(r10 - 8)\nexit");
    let mut options = abide_verifier::Options::new(common::node(&api));
    assert!(abide_verifier::prove(program.clone(), &object, &options).is_ok());
    options.uninit_stack = false;
    let refusal = abide_verifier::prove(program, &object, &options).unwrap_err();
    assert_eq!(refusal.rejection.code.id, "V0302");
}
