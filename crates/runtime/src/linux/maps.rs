//! Map helpers: look up, update, delete, walk. The rules of each map type are the maps' own.

use abide_maps::MapKind;

use super::{Raw, status};
use crate::Errno;
use crate::body::Call;
use crate::trap::Trap;

pub(super) const TABLE: &[(&str, Raw)] = &[
    ("bpf_map_lookup_elem@LINUX_3.19", lookup),
    ("bpf_map_update_elem@LINUX_3.19", update),
    ("bpf_map_delete_elem@LINUX_3.19", delete),
    ("bpf_map_lookup_percpu_elem@LINUX_5.19", lookup_percpu),
    ("bpf_for_each_map_elem@LINUX_5.13", for_each),
    ("bpf_tail_call@LINUX_4.2", tail_call),
];

/// Keys up to this size need no allocation.
const SMALL: usize = 64;

/// Runs `f` on a copy of bytes of the program's memory.
fn with<T>(call: &Call<'_>, addr: u64, size: u64, f: impl FnOnce(&[u8]) -> T) -> Result<T, Trap> {
    if size <= SMALL as u64 {
        let mut buffer = [0; SMALL];
        let bytes = &mut buffer[..size as usize];
        call.read_into(addr, bytes)?;
        return Ok(f(bytes));
    }
    Ok(f(&call.read(addr, size)?))
}

fn lookup(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    let cpu = call.cpu();
    let slot = with(call, call.arg(1), map.key_size(), |key| map.map().lookup(key, cpu))?;
    Ok(slot.map_or(0, |slot| map.address(slot)))
}

fn lookup_percpu(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    let cpu = call.arg(2) as u32;
    let slot = with(call, call.arg(1), map.key_size(), |key| map.map().lookup_percpu(key, cpu))?;
    Ok(slot.map_or(0, |slot| map.address(slot)))
}

fn update(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    let (flags, cpu) = (call.arg(3), call.cpu());
    let result = with(call, call.arg(1), map.key_size(), |key| {
        with(call, call.arg(2), map.value_size(), |value| map.map().update(key, value, flags, cpu))
    })??;
    Ok(status(result))
}

fn delete(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    let result = with(call, call.arg(1), map.key_size(), |key| map.map().delete(key))?;
    Ok(status(result))
}

/// The callback gets the map, a key that it can only read, the value, and the caller's pointer.
fn for_each(call: &mut Call<'_>) -> Result<u64, Trap> {
    let map = call.map(0)?;
    let [handle, callback, context, flags, _] = call.args();
    let walkable = !matches!(map.map().def().kind, MapKind::ProgArray | MapKind::Ringbuf);
    if flags != 0 || !walkable {
        return Ok(Errno::EINVAL.register());
    }
    let mut visited = 0;
    for key in map.map().keys() {
        // It may have been deleted meanwhile, by the callback itself.
        let Some(slot) = map.map().lookup(&key, call.cpu()) else { continue };
        let key_addr = call.memory().add_bytes(&key)?;
        let value = map.address(slot);
        let stop = call.call_back(callback, [handle, key_addr, value, context, 0]);
        call.memory().remove_bytes(key_addr);
        visited += 1;
        if stop? != 0 {
            break;
        }
    }
    Ok(visited)
}

fn tail_call(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let map = call.map(1)?;
    if map.map().def().kind != MapKind::ProgArray {
        return Err(Trap::argument("bpf_tail_call wants a map of the type prog_array"));
    }
    // Without a program there it returns, and the program goes on.
    if let Some(program) = map.map().program(call.arg(2) as u32) {
        call.tail_call(program);
    }
    Ok(Errno::ENOENT.register())
}
