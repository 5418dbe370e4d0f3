//! Dynptr helpers and kfuncs. Until LINUX_6.19 sizes and offsets had 32 bits: those definitions take
//! the low halves of their registers, and `bpf_dynptr_size` leaves a 32-bit pattern in r0.

use super::packet::store_skb;
use super::{Raw, status};
use crate::Errno;
use crate::body::Call;
use crate::dynptr::{DynKind, Dynamic, SIZE, copy};
use crate::memory::{Access, CONTEXT, address};
use crate::trap::Trap;

pub(super) const TABLE: &[(&str, Raw)] = &[
    ("bpf_dynptr_read@LINUX_5.19", |call| read(call, short)),
    ("bpf_dynptr_read@LINUX_6.19", |call| read(call, long)),
    ("bpf_dynptr_write@LINUX_5.19", |call| write(call, short)),
    ("bpf_dynptr_write@LINUX_6.19", |call| write(call, long)),
    ("bpf_dynptr_data@LINUX_5.19", |call| data(call, short)),
    ("bpf_dynptr_data@LINUX_6.19", |call| data(call, long)),
    ("bpf_dynptr_from_skb@LINUX_6.4", from_packet),
    ("bpf_dynptr_from_xdp@LINUX_6.4", from_packet),
    ("bpf_dynptr_slice@LINUX_6.4", |call| slice(call, Access::Read, short)),
    ("bpf_dynptr_slice@LINUX_6.19", |call| slice(call, Access::Read, long)),
    ("bpf_dynptr_slice@LINUX_7.0", |call| slice(call, Access::Read, long)),
    ("bpf_dynptr_slice_rdwr@LINUX_6.4", |call| slice(call, Access::Write, short)),
    ("bpf_dynptr_slice_rdwr@LINUX_6.19", |call| slice(call, Access::Write, long)),
    ("bpf_dynptr_slice_rdwr@LINUX_7.0", |call| slice(call, Access::Write, long)),
    ("bpf_dynptr_adjust@LINUX_6.5", |call| adjust(call, short)),
    ("bpf_dynptr_adjust@LINUX_6.19", |call| adjust(call, long)),
    ("bpf_dynptr_is_null@LINUX_6.5", is_null),
    ("bpf_dynptr_is_rdonly@LINUX_6.5", is_read_only),
    ("bpf_dynptr_size@LINUX_6.5", |call| size(call, short)),
    ("bpf_dynptr_size@LINUX_6.19", |call| size(call, long)),
    ("bpf_dynptr_clone@LINUX_6.5", clone),
];

/// How a definition takes a size or offset from a register.
type Cut = fn(u64) -> u64;

fn short(register: u64) -> u64 {
    u64::from(register as u32)
}

fn long(register: u64) -> u64 {
    register
}

fn read(call: &mut Call<'_>, cut: Cut) -> Result<u64, Trap> {
    let [to, length, view, offset, flags] = call.args();
    let (length, offset) = (cut(length), cut(offset));
    call.check_writable(to, length)?;
    let view = Dynamic::read(call, view)?;
    if view.is_null() || flags != 0 {
        return Ok(Errno::EINVAL.register());
    }
    if let Err(errno) = view.bounds(offset, length) {
        return Ok(errno.register());
    }
    let bytes = copy(call, &view, offset, length)?;
    call.write(to, &bytes)?;
    Ok(0)
}

fn write(call: &mut Call<'_>, cut: Cut) -> Result<u64, Trap> {
    let [view, offset, from, length, flags] = call.args();
    let (length, offset) = (cut(length), cut(offset));
    let bytes = call.read(from, length)?;
    let view = Dynamic::read(call, view)?;
    if view.is_null() || view.read_only {
        return Ok(Errno::EINVAL.register());
    }
    if let Err(errno) = view.bounds(offset, length) {
        return Ok(errno.register());
    }
    if view.kind == DynKind::Packet && !is_xdp(call) {
        return Ok(status(store_skb(call, u64::from(view.offset) + offset, &bytes, flags)));
    }
    if flags != 0 {
        return Ok(Errno::EINVAL.register());
    }
    match view.address(call, offset, length, Access::Write) {
        Some(start) => call.write(start, &bytes).map(|()| 0),
        None => Err(Trap::argument("the dynptr refers to no memory that the program may write")),
    }
}

fn is_xdp(call: &Call<'_>) -> bool {
    call.program_type() == "xdp"
}

fn data(call: &mut Call<'_>, cut: Cut) -> Result<u64, Trap> {
    let [view, offset, length, ..] = call.args();
    let (offset, length) = (cut(offset), cut(length));
    let view = Dynamic::read(call, view)?;
    let usable = !view.is_null() && !view.read_only && view.kind != DynKind::Packet;
    if !usable || view.bounds(offset, length).is_err() {
        return Ok(0);
    }
    Ok(view.address(call, offset, length, Access::Write).unwrap_or(0))
}

/// A socket filter cannot change its packet.
fn from_packet(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let [_, flags, pointer, ..] = call.args();
    call.memory().check(pointer, SIZE, Access::Write)?;
    if flags != 0 {
        Dynamic::null().write(call, pointer)?;
        return Ok(Errno::EINVAL.register());
    }
    let length = call.memory().packet_bytes().map_or(0, <[u8]>::len);
    let read_only = call.program_type() == "socket_filter";
    let view = Dynamic::new(address(CONTEXT, 0), length as u32, DynKind::Packet, read_only);
    view.write(call, pointer)?;
    Ok(0)
}

/// The packet is always in one piece, so that the buffer is never needed.
fn slice(call: &mut Call<'_>, access: Access, cut: Cut) -> Result<u64, Trap> {
    let [view, offset, _, length, _] = call.args();
    let (offset, length) = (cut(offset), cut(length));
    let view = Dynamic::read(call, view)?;
    let writable = access == Access::Read || !view.read_only;
    if view.is_null() || !writable || view.bounds(offset, length).is_err() {
        return Ok(0);
    }
    Ok(view.address(call, offset, length, access).unwrap_or(0))
}

fn adjust(call: &mut Call<'_>, cut: Cut) -> Result<u64, Trap> {
    let [pointer, start, end, ..] = call.args();
    let (start, end) = (cut(start), cut(end));
    let mut view = Dynamic::read(call, pointer)?;
    if view.is_null() || start > end {
        return Ok(Errno::EINVAL.register());
    }
    let size = u64::from(view.size);
    if start > size || end > size {
        return Ok(Errno::ERANGE.register());
    }
    // Both are at most the size, which has 24 bits.
    view.offset = view.offset.wrapping_add(start as u32);
    view.size = (end - start) as u32;
    view.write(call, pointer)?;
    Ok(0)
}

fn is_null(call: &mut Call<'_>) -> Result<u64, Trap> {
    Ok(u64::from(Dynamic::read(call, call.arg(0))?.is_null()))
}

fn is_read_only(call: &mut Call<'_>) -> Result<u64, Trap> {
    let view = Dynamic::read(call, call.arg(0))?;
    Ok(u64::from(!view.is_null() && view.read_only))
}

fn size(call: &mut Call<'_>, cut: Cut) -> Result<u64, Trap> {
    let view = Dynamic::read(call, call.arg(0))?;
    Ok(cut(if view.is_null() { Errno::EINVAL.register() } else { u64::from(view.size) }))
}

fn clone(call: &mut Call<'_>) -> Result<u64, Trap> {
    let [pointer, second, ..] = call.args();
    let view = Dynamic::read(call, pointer)?;
    view.write(call, second)?;
    Ok(status(if view.is_null() { Err(Errno::EINVAL) } else { Ok(()) }))
}
