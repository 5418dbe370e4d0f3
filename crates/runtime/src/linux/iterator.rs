//! Iterators over numbers. What an iterator knows lies in the program's memory, as in Linux: the current number, and
//! the end. It holds nothing.

use super::{Raw, status};
use crate::Errno;
use crate::body::Call;
use crate::trap::Trap;

pub(super) const TABLE: &[(&str, Raw)] = &[
    ("bpf_iter_num_new@LINUX_6.4", new),
    ("bpf_iter_num_next@LINUX_6.4", next),
    ("bpf_iter_num_destroy@LINUX_6.4", destroy),
];

/// The most rounds of a loop.
const MOST: i64 = 8 << 20;

fn write(call: &mut Call<'_>, current: i32, end: i32) -> Result<(), Trap> {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&current.to_ne_bytes());
    bytes[4..].copy_from_slice(&end.to_ne_bytes());
    call.write(call.arg(0), &bytes)
}

/// Leaves an iterator without numbers when it fails, to be destroyed all the same.
fn new(call: &mut Call<'_>) -> Result<u64, Trap> {
    let (start, end) = (call.arg(1) as i32, call.arg(2) as i32);
    let result = match i64::from(end) - i64::from(start) {
        ..0 => Err(Errno::EINVAL),
        count if count > MOST => Err(Errno::E2BIG),
        _ => Ok(()),
    };
    match result {
        // The first step comes to the first number.
        Ok(()) => write(call, start.wrapping_sub(1), end)?,
        Err(_) => write(call, 0, 0)?,
    }
    Ok(status(result))
}

fn next(call: &mut Call<'_>) -> Result<u64, Trap> {
    let mut bytes = [0; 8];
    call.read_into(call.arg(0), &mut bytes)?;
    let [a, b, c, d, e, f, g, h] = bytes;
    let (current, end) = (i32::from_ne_bytes([a, b, c, d]), i32::from_ne_bytes([e, f, g, h]));
    // Before the lowest number is the highest one.
    let step = current.wrapping_add(1);
    if step >= end {
        write(call, 0, 0)?;
        return Ok(0);
    }
    write(call, step, end)?;
    Ok(call.arg(0))
}

fn destroy(call: &mut Call<'_>) -> Result<u64, Trap> {
    write(call, 0, 0)?;
    Ok(0)
}
