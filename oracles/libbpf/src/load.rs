//! `link OUT FILE…`: objects linked by libbpf; `link-time ROUNDS OUT FILE…`: how long the fastest of
//! some rounds takes; `load FILE…`: what the kernel says of each program of
//! objects that libbpf loads, one at a time, and what those that take a packet or nothing at all return
//! when they are test-run. Nothing is attached or pinned, and all is gone at the end.

use std::ffi::CString;
use std::os::fd::RawFd;
use std::ptr;
use std::time::Instant;

use libbpf_sys as sys;
use serde_json::{Value, json};

use crate::Answer;
use crate::open::{last_messages, listen, string};

/// Program types that run over a packet: socket filter, traffic control, XDP, cgroup.
const OVER_PACKETS: [u32; 5] = [
    sys::BPF_PROG_TYPE_SOCKET_FILTER,
    sys::BPF_PROG_TYPE_SCHED_CLS,
    sys::BPF_PROG_TYPE_SCHED_ACT,
    sys::BPF_PROG_TYPE_XDP,
    sys::BPF_PROG_TYPE_CGROUP_SKB,
];

/// Links objects; nothing, or why not.
pub(crate) fn link(out: &str, paths: &[&str]) -> Answer {
    listen();
    Ok(match link_once(out, paths)? {
        0 => json!({ "out": out }),
        error => json!({ "refused": error, "log": last_messages() }),
    })
}

/// In nanoseconds.
pub(crate) fn link_time(rounds: &str, out: &str, paths: &[&str]) -> Answer {
    // SAFETY: no arguments; libbpf then says nothing, which takes time.
    unsafe { sys::libbpf_set_print(None) };
    let rounds: u32 = rounds.parse().map_err(|_| "ROUNDS is a number")?;
    let mut best = u128::MAX;
    for _ in 0..rounds {
        let start = Instant::now();
        if link_once(out, paths)? != 0 {
            return Err("the objects do not go together".to_owned());
        }
        best = best.min(start.elapsed().as_nanos());
    }
    Ok(json!({ "link_ns": best as u64 }))
}

/// The error of libbpf, or 0.
fn link_once(out: &str, paths: &[&str]) -> Result<i32, String> {
    let c_out = CString::new(out).map_err(|_| "a NUL in a path".to_owned())?;
    // SAFETY: the linker is there until it is freed, the strings until the calls return.
    unsafe {
        let linker = sys::bpf_linker__new(c_out.as_ptr(), ptr::null_mut());
        if linker.is_null() {
            return Err("no linker".to_owned());
        }
        let mut error = 0;
        for path in paths {
            let path = CString::new(*path).map_err(|_| "a NUL in a path".to_owned())?;
            if error == 0 {
                error = sys::bpf_linker__add_file(linker, path.as_ptr(), ptr::null());
            }
        }
        if error == 0 {
            error = sys::bpf_linker__finalize(linker);
        }
        sys::bpf_linker__free(linker);
        Ok(error)
    }
}

/// The verdicts on all objects.
pub(crate) fn files(paths: &[&str]) -> Answer {
    let mut answer = times(paths)?;
    let programs = answer.as_array_mut().into_iter().flatten().flat_map(Value::as_array_mut);
    for program in programs.flatten().filter_map(Value::as_object_mut) {
        program.remove("microseconds");
    }
    Ok(answer)
}

/// The same with the time that the kernel's verifier took, which is another one each time.
pub(crate) fn times(paths: &[&str]) -> Answer {
    listen();
    paths.iter().map(|path| file(path)).collect::<Result<Vec<_>, _>>().map(Value::from)
}

fn file(path: &str) -> Answer {
    let path = CString::new(path).map_err(|_| "a NUL in a path".to_owned())?;
    let mut programs = Vec::new();
    let mut number = 0;
    // Each in a fresh object, since an object is loaded once.
    while let Some(found) = program(&path, number)? {
        programs.push(found);
        number += 1;
    }
    Ok(Value::from(programs))
}

/// The verdict on one program; none if there are not as many.
fn program(path: &CString, number: usize) -> Result<Option<Value>, String> {
    let options = sys::bpf_object_open_opts {
        sz: size_of::<sys::bpf_object_open_opts>() as u64,
        object_name: c"o".as_ptr(),
        ..Default::default()
    };
    // SAFETY: the object is open until it is closed at the end; the log lives longer.
    unsafe {
        let object = sys::bpf_object__open_file(path.as_ptr(), &raw const options);
        if object.is_null() {
            last_messages();
            return match number {
                0 => Ok(Some(json!({ "program": null, "verdict": "not opened" }))),
                _ => Ok(None),
            };
        }
        let (mut at, mut chosen) = (0, ptr::null_mut());
        let mut next = sys::bpf_object__next_program(object, ptr::null_mut());
        while !next.is_null() {
            sys::bpf_program__set_autoload(next, at == number);
            if at == number {
                chosen = next;
            }
            at += 1;
            next = sys::bpf_object__next_program(object, next);
        }
        let mut map = sys::bpf_object__next_map(object, ptr::null());
        while !map.is_null() {
            sys::bpf_map__set_pin_path(map, ptr::null());
            map = sys::bpf_object__next_map(object, map);
        }
        let found = (!chosen.is_null()).then(|| verdict(object, chosen));
        sys::bpf_object__close(object);
        last_messages();
        Ok(found)
    }
}

/// # Safety
/// The object is open, and the program is its own.
unsafe fn verdict(object: *mut sys::bpf_object, program: *mut sys::bpf_program) -> Value {
    let mut log = vec![0_u8; 1 << 16];
    // SAFETY: as said; the log is there until the object is loaded.
    unsafe {
        let name = string(sys::bpf_program__name(program));
        let section = string(sys::bpf_program__section_name(program));
        // Statistics only: one line at the end.
        sys::bpf_program__set_log_level(program, 4);
        sys::bpf_program__set_log_buf(program, log.as_mut_ptr().cast(), log.len() as u64);
        let error = sys::bpf_object__load(object);
        let text = String::from_utf8_lossy(&log).into_owned();
        let number = |before: &str| {
            let (_, rest) = text.split_once(before)?;
            rest.split(' ').next()?.parse::<u64>().ok()
        };
        let mut found = json!({
            "program": name, "section": section, "verdict": error, "processed": number("processed "),
            "microseconds": number("verification time "),
        });
        if error == 0 {
            let fd = sys::bpf_program__fd(program);
            let mut info = sys::bpf_prog_info::default();
            let mut len = size_of::<sys::bpf_prog_info>() as u32;
            sys::bpf_prog_get_info_by_fd(fd, &raw mut info, &raw mut len);
            found["translated"] = info.xlated_prog_len.into();
            found["run"] = run(fd, sys::bpf_program__type(program));
        }
        found
    }
}

/// What a program returns over a packet, or without one.
///
/// # Safety
/// The descriptor is that of a program.
unsafe fn run(fd: RawFd, kind: u32) -> Value {
    let takes_packet = OVER_PACKETS.contains(&kind);
    if !takes_packet && kind != sys::BPF_PROG_TYPE_RAW_TRACEPOINT {
        return Value::Null;
    }
    // An Ethernet frame with an IPv4 packet of TCP in it, mostly of zeroes.
    let mut packet = [0_u8; 128];
    (packet[12], packet[14], packet[23]) = (8, 0x45, 6);
    let mut options = sys::bpf_test_run_opts {
        sz: size_of::<sys::bpf_test_run_opts>() as u64,
        ..Default::default()
    };
    if takes_packet {
        options.data_in = packet.as_ptr().cast();
        options.data_size_in = packet.len() as u32;
        options.repeat = 1;
    }
    // SAFETY: the packet is there until the call returns.
    let error = unsafe { sys::bpf_prog_test_run_opts(fd, &raw mut options) };
    json!([error, options.retval])
}
