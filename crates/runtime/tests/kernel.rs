//! The running kernel as the judge: the cases of `tests/vectors` by `BPF_PROG_TEST_RUN`, where
//! `bpf(2)` is allowed. Says why when it is skipped. Programs and maps are anonymous and gone with
//! their file descriptors; nothing is attached or pinned.
#![cfg(all(target_os = "linux", target_endian = "little", not(miri)))]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::os::fd::OwnedFd;

use abide_isa::{Endian, Kind, Raw, decode_all};
use abide_maps::MapDef;
use abide_testkit::bpf::{self, SCHED_CLS, XDP, test_run};
use support::{Case, Expected, cases};

fn create(def: &MapDef) -> Result<bpf::Map, i32> {
    let attr = bpf::MapAttr {
        kind: def.kind as u32,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        flags: def.flags,
    };
    bpf::Map::create(&attr, 1)
}

/// Loads code; the verifier's last lines if it is refused.
fn load(slots: &[Raw], kind: u32, maps: &[bpf::Map]) -> Result<OwnedFd, String> {
    let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_bytes(Endian::Little)).collect();
    let maps: Vec<&bpf::Map> = maps.iter().collect();
    bpf::load_program(kind, &bytes, &maps).map_err(|refused| refused.summary())
}

/// The same code as a function of a program that returns the upper half of its result.
fn upper_half(slots: &[Raw]) -> Vec<Raw> {
    let text = "call f; r0 >>= 32; exit; f: exit";
    let mut wrapped = abide_asm::assemble(text, &abide_asm::Options::default()).unwrap().slots;
    wrapped.pop();
    wrapped.extend_from_slice(slots);
    wrapped
}

fn has_packet_loads(case: &Case) -> bool {
    decode_all(&case.slots).any(|(_, insn)| {
        insn.is_ok_and(|insn| matches!(insn.kind(), Kind::LdAbs { .. } | Kind::LdInd { .. }))
    })
}

fn check(case: &Case) -> Result<&'static str, String> {
    let kind = if case.tc { SCHED_CLS } else { XDP };
    let maps = || -> Result<Vec<bpf::Map>, String> {
        let made = case.maps.iter().map(create).collect::<Result<Vec<_>, _>>();
        made.map_err(|errno| format!("map: errno {errno}"))
    };
    let maps_of_first = maps()?;
    let loaded = load(&case.slots, kind, &maps_of_first);
    let value = match (&case.expected, &loaded) {
        (Expected::Trap(_), Ok(_)) => return Err("the kernel accepts it".to_owned()),
        (Expected::Trap(_), Err(_)) => return Ok("refused"),
        (Expected::Value(_), Err(why)) => return Err(format!("the kernel refuses it: {why}")),
        (Expected::Value(value), Ok(_)) => *value,
    };
    let packet = case.packet.clone().unwrap_or_else(|| vec![0; 64]);
    let low =
        loaded.map(|program| test_run(&program, &packet))?.map_err(|errno| format!("{errno}"))?;
    if low != value as u32 {
        return Err(format!("the kernel's lower half is {low:#x}, expected {value:#x}"));
    }
    // A packet load can only end a program, and eight frames leave no room for a ninth.
    if has_packet_loads(case) || case.name == "eight frames deep" {
        return Ok("lower half");
    }
    let maps_of_second = maps()?;
    let wrapped = load(&upper_half(&case.slots), kind, &maps_of_second)?;
    let high = test_run(&wrapped, &packet).map_err(|errno| format!("{errno}"))?;
    if high != (value >> 32) as u32 {
        return Err(format!("the kernel's upper half is {high:#x}, expected {value:#x}"));
    }
    Ok("both halves")
}

#[test]
fn the_kernel_agrees() {
    let exit = abide_asm::assemble("r0 = 0; exit", &abide_asm::Options::default()).unwrap();
    if let Err(why) = load(&exit.slots, XDP, &[]) {
        abide_testkit::skip(&format!("no program can be loaded here ({why})"));
        return;
    }
    let modern =
        "r1 = r10; r1 += -8; *(u64 *)(r10 - 8) = 0; w0 = load_acquire((u32 *)(r1 + 0)); exit";
    let modern = abide_asm::assemble(modern, &abide_asm::Options::default()).unwrap();
    if let Err(why) = load(&modern.slots, XDP, &[]) {
        abide_testkit::skip(&format!("the kernel lacks the newest instructions ({why})"));
        return;
    }
    let mut wrong = Vec::new();
    let mut counts = std::collections::BTreeMap::new();
    for case in cases() {
        if let Err(reason) = &case.kernel {
            eprintln!("not in the kernel: {}: {reason}", case.name);
            continue;
        }
        match check(&case) {
            Ok(how) => *counts.entry(how).or_insert(0) += 1,
            Err(why) => wrong.push(format!("{}: {why}", case.name)),
        }
    }
    eprintln!("compared with the kernel: {counts:?}");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
