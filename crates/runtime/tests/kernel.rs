//! The running kernel as the judge: the cases of `tests/vectors` by `BPF_PROG_TEST_RUN`, where
//! `bpf(2)` is allowed. Says why when it is skipped. Programs and maps are anonymous and gone with
//! their file descriptors; nothing is attached or pinned.
#![cfg(all(target_os = "linux", target_endian = "little", not(miri)))]
#![allow(unsafe_code, reason = "bpf(2) takes the addresses of programs and packets")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use abide_isa::{Endian, Kind, Raw, decode_all};
use abide_maps::MapDef;
use support::{Case, Expected, cases};

const MAP_CREATE: i64 = 0;
const PROG_LOAD: i64 = 5;
const TEST_RUN: i64 = 10;
const SCHED_CLS: u32 = 3;
const XDP: u32 = 6;

/// `union bpf_attr` as far as it is needed here: zero to the end.
#[repr(C, align(8))]
struct Attr([u64; 16]);

/// The error number is positive.
fn bpf(command: i64, attr: &mut Attr) -> Result<i32, i32> {
    // SAFETY: the kernel reads and writes `attr`, which is as long as said; the addresses in it are
    // of buffers that outlive the call, with their sizes beside them.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attr, size_of::<Attr>()) };
    match i32::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

/// Two neighbouring 32-bit fields.
fn pair(first: u32, second: u32) -> u64 {
    u64::from(first) | u64::from(second) << 32
}

fn address<T>(slice: &[T]) -> u64 {
    slice.as_ptr().expose_provenance() as u64
}

fn descriptor(fd: i32) -> OwnedFd {
    // SAFETY: the kernel has just made this descriptor for us.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn create(def: &MapDef) -> Result<OwnedFd, i32> {
    let mut attr = Attr([0; 16]);
    attr.0[0] = pair(def.kind as u32, def.key_size);
    attr.0[1] = pair(def.value_size, def.max_entries);
    attr.0[2] = pair(def.flags, 0);
    bpf(MAP_CREATE, &mut attr).map(descriptor)
}

/// Loads code; the verifier's last lines if it is refused.
fn load(slots: &[Raw], kind: u32, maps: &[OwnedFd]) -> Result<OwnedFd, String> {
    let bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_bytes(Endian::Little)).collect();
    let fds: Vec<i32> = maps.iter().map(AsRawFd::as_raw_fd).collect();
    let mut log = vec![0u8; 1 << 16];
    let mut attr = Attr([0; 16]);
    attr.0[0] = pair(kind, slots.len() as u32);
    attr.0[1] = address(&bytes);
    attr.0[2] = address(b"GPL\0");
    attr.0[3] = pair(1, log.len() as u32);
    attr.0[4] = log.as_mut_ptr().expose_provenance() as u64;
    attr.0[15] = address(&fds);
    bpf(PROG_LOAD, &mut attr).map(descriptor).map_err(|errno| {
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.trim_end_matches('\0').lines().rev().take(4).collect();
        format!("errno {errno}: {}", lines.join(" | "))
    })
}

fn run(program: &OwnedFd, packet: &[u8]) -> Result<u32, i32> {
    let mut attr = Attr([0; 16]);
    attr.0[0] = pair(program.as_raw_fd() as u32, 0);
    attr.0[1] = pair(packet.len() as u32, 0);
    attr.0[2] = address(packet);
    attr.0[4] = pair(1, 0);
    bpf(TEST_RUN, &mut attr)?;
    Ok((attr.0[0] >> 32) as u32)
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
    let maps = || -> Result<Vec<OwnedFd>, String> {
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
    let low = loaded.map(|program| run(&program, &packet))?.map_err(|errno| format!("{errno}"))?;
    if low != value as u32 {
        return Err(format!("the kernel's lower half is {low:#x}, expected {value:#x}"));
    }
    // A packet load can only end a program, and eight frames leave no room for a ninth.
    if has_packet_loads(case) || case.name == "eight frames deep" {
        return Ok("lower half");
    }
    let maps_of_second = maps()?;
    let wrapped = load(&upper_half(&case.slots), kind, &maps_of_second)?;
    let high = run(&wrapped, &packet).map_err(|errno| format!("{errno}"))?;
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
