//! Ring buffer helpers. A reserved record is a piece of memory of the program until it is submitted
//! or discarded.

use abide_maps::RingBuf;

use super::{Raw, status};
use crate::Errno;
use crate::body::{Call, MapHandle};
use crate::dynptr::{self, DynKind, Dynamic};
use crate::memory::Access;
use crate::trap::Trap;

pub(super) const TABLE: &[(&str, Raw)] = &[
    ("bpf_ringbuf_output@LINUX_5.8", output),
    ("bpf_ringbuf_reserve@LINUX_5.8", reserve),
    ("bpf_ringbuf_submit@LINUX_5.8", submit),
    ("bpf_ringbuf_discard@LINUX_5.8", discard),
    ("bpf_ringbuf_query@LINUX_5.8", query),
    ("bpf_ringbuf_reserve_dynptr@LINUX_5.19", reserve_dynptr),
    ("bpf_ringbuf_submit_dynptr@LINUX_5.19", submit_dynptr),
    ("bpf_ringbuf_discard_dynptr@LINUX_5.19", discard_dynptr),
];

fn ring(map: &MapHandle) -> Result<&RingBuf, Trap> {
    let wrong = || Trap::argument(format!("the map `{}` is no ring buffer", map.map().def().name));
    map.map().ring().ok_or_else(wrong)
}

fn output(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    let ring = ring(&map)?;
    let [_, data, size, flags, _] = call.args();
    let bytes = if size == 0 { Vec::new() } else { call.read(data, size)? };
    Ok(status(ring.output(&bytes, flags)))
}

fn reserve(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    match ring(&map)?.reserve(call.arg(1), call.arg(2)) {
        Some(record) => call.memory().add_record(map.map(), record),
        None => Ok(0),
    }
}

fn give_back(call: &mut Call<'_>, addr: u64, submitted: bool) -> Result<u64, Trap> {
    let flags = call.arg(1);
    let (map, record) = call.memory().take_record(addr)?;
    if let Some(ring) = map.ring() {
        if submitted { ring.submit(record, flags) } else { ring.discard(record, flags) }
    }
    Ok(0)
}

fn submit(call: &mut Call<'_>) -> Result<u64, Trap> {
    give_back(call, call.arg(0), true)
}

fn discard(call: &mut Call<'_>) -> Result<u64, Trap> {
    give_back(call, call.arg(0), false)
}

fn query(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    Ok(ring(&map)?.query(call.arg(1)))
}

/// Leaves a null view when it fails, to be given back all the same.
fn reserve_dynptr(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    let ring = ring(&map)?;
    let [_, size, flags, pointer, _] = call.args();
    let size = u64::from(size as u32);
    call.memory().check(pointer, dynptr::SIZE, Access::Write)?;
    let (view, result) = if flags != 0 {
        (Dynamic::null(), Err(Errno::EINVAL))
    } else if size > dynptr::SIZE_MAX {
        (Dynamic::null(), Err(Errno::E2BIG))
    } else {
        match ring.reserve(size, 0) {
            Some(record) => {
                let data = call.memory().add_record(map.map(), record)?;
                (Dynamic::new(data, size as u32, DynKind::Record, false), Ok(()))
            }
            None => (Dynamic::null(), Err(Errno::EINVAL)),
        }
    };
    view.write(call, pointer)?;
    Ok(status(result))
}

fn give_back_dynptr(call: &mut Call<'_>, submitted: bool) -> Result<u64, Trap> {
    let pointer = call.arg(0);
    let view = Dynamic::read(call, pointer)?;
    if view.is_null() {
        return Ok(0);
    }
    give_back(call, view.data, submitted)?;
    Dynamic::null().write(call, pointer)?;
    Ok(0)
}

fn submit_dynptr(call: &mut Call<'_>) -> Result<u64, Trap> {
    give_back_dynptr(call, true)
}

fn discard_dynptr(call: &mut Call<'_>) -> Result<u64, Trap> {
    give_back_dynptr(call, false)
}
