//! Runs compared with their proofs: what is proved holds, and a claim that does not is found.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use abide_api::Api;
use abide_runtime::{Host, HostBuilder, Program};
use abide_testkit::{bench, repo};
use abide_verifier::claims::{Claims, Known};
use abide_verifier::domain::Scalar;

fn linux() -> HostBuilder {
    let text = std::fs::read_to_string(repo("apis/linux.api")).unwrap();
    let api = Arc::new(Api::parse("linux.api", &text).unwrap());
    Host::builder(&api).linux().cpus(2)
}

/// The packets of the capture of the firewall.
fn packets() -> Vec<Vec<u8>> {
    let capture = std::fs::read(repo("examples/firewall/web.pcap")).unwrap();
    let mut rest = &capture[24..];
    let mut packets = Vec::new();
    while rest.len() >= 16 {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        packets.push(rest[16..16 + length].to_vec());
        rest = &rest[16 + length..];
    }
    packets
}

fn over_packets(program: &Program) -> Result<u64, abide_runtime::Trap> {
    let mut context = program.context();
    let mut executed = 0;
    for packet in packets() {
        context.packet(&packet);
        executed += program.run(&mut context)?.instructions;
    }
    Ok(executed)
}

#[test]
fn the_firewall_is_what_its_proof_says() {
    let host = linux().paranoid().build().unwrap();
    let bytes = std::fs::read(repo("examples/firewall/firewall.bpf.o")).unwrap();
    let loaded = host.load(&bytes).unwrap();
    assert!(over_packets(&loaded.programs()[0]).unwrap() > 10_000);
}

#[test]
fn the_benchmarks_are_what_their_proofs_say() {
    let api = Api::parse("bench.api", bench::API).unwrap();
    let host = Host::builder(&api).linux().paranoid().build().unwrap();
    let bytes = std::fs::read(repo("crates/runtime/benches/progs/bench.bpf.o")).unwrap();
    for name in ["adler", "tokens", "histogram", "calls", "stack"] {
        let loaded = host.load_program(&bytes, name).unwrap_or_else(|error| panic!("{error}"));
        let program = &loaded.programs()[0];
        program.run(&mut program.context()).unwrap();
    }
}

/// Every way in which a claim can be wrong is found: each change makes a run end that was well before.
#[test]
fn what_is_claimed_wrongly_is_found() {
    type Change = fn(&mut Claims) -> bool;
    /// Changes the first that fits, in every claim of its instruction.
    fn known(claims: &mut Claims, mut change: impl FnMut(&mut Known) -> bool) -> bool {
        claims.at.iter_mut().any(|claimed| {
            let all = claimed.claims.iter_mut().flat_map(|claim| &mut claim.frames);
            all.flat_map(|frame| &mut frame.registers)
                .fold(false, |found, (_, one)| change(one) | found)
        })
    }
    let changes: [(&str, Change); 7] = [
        ("numbers", |claims| {
            known(claims, |known| match known {
                Known::Number { num, .. } if num.value().is_some_and(|value| value < 1 << 40) => {
                    *num = Scalar::constant(num.umin + 1);
                    true
                }
                _ => false,
            })
        }),
        ("offsets", |claims| {
            known(claims, |known| match known {
                Known::Pointer(pointer) if pointer.variable.value() == Some(0) => {
                    pointer.offset += 8;
                    !pointer.nullable
                }
                _ => false,
            })
        }),
        ("kinds of pointers", |claims| {
            known(claims, |known| match known {
                Known::Pointer(pointer) => {
                    let context = abide_verifier::claims::Place::Context;
                    let other = abide_verifier::claims::Place::PacketEnd;
                    pointer.to = if pointer.to == context { other } else { context };
                    true
                }
                Known::Number { .. } => false,
            })
        }),
        ("numbers that are pointers", |claims| {
            known(claims, |known| match known {
                Known::Pointer(_) => {
                    *known = Known::Number { num: Scalar::constant(3), link: None };
                    true
                }
                Known::Number { .. } => false,
            })
        }),
        ("the stack", |claims| {
            claims.at.iter_mut().any(|claimed| {
                let all = claimed.claims.iter_mut().flat_map(|claim| &mut claim.frames);
                let stack = all.flat_map(|frame| &mut frame.stack);
                stack
                    .map(|(.., known)| {
                        *known = Known::Number { num: Scalar::constant(0x5a5a_5a5a), link: None };
                    })
                    .count()
                    > 0
            })
        }),
        ("references", |claims| {
            let first = claims.at.iter_mut().flat_map(|claimed| &mut claimed.claims);
            first.map(|claim| claim.references = (5, 5)).count() > 0
        }),
        ("code that is never reached", |claims| {
            claims.at[3].claims.clear();
            true
        }),
    ];
    let bytes = std::fs::read(repo("examples/firewall/firewall.bpf.o")).unwrap();
    for (what, change) in changes {
        let host = linux().paranoid_with(move |claims| assert!(change(claims))).build().unwrap();
        let loaded = host.load(&bytes).unwrap();
        let trap = over_packets(&loaded.programs()[0]).expect_err(what);
        assert_eq!(trap.code().id, "T0018", "{what}: {trap}");
        assert!(trap.place().is_some(), "{what}: {trap}");
    }
}
