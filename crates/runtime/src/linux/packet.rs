//! Packet helpers of XDP and of socket buffers. Packets of this host are in one piece, begin with the
//! link layer's header, and have 256 bytes of room before them and 320 after.

use super::{Raw, status};
use crate::Errno;
use crate::body::Call;
use crate::trap::Trap;

pub(super) const TABLE: &[(&str, Raw)] = &[
    ("bpf_xdp_adjust_head@LINUX_4.10", adjust_head),
    ("bpf_xdp_adjust_meta@LINUX_4.15", adjust_meta),
    ("bpf_xdp_adjust_tail@LINUX_4.18", shrink_tail),
    ("bpf_xdp_adjust_tail@LINUX_5.8", adjust_tail),
    ("bpf_xdp_get_buff_len@LINUX_5.18", xdp_length),
    ("bpf_xdp_load_bytes@LINUX_5.18", xdp_load),
    ("bpf_xdp_store_bytes@LINUX_5.18", xdp_store),
    ("bpf_skb_load_bytes@LINUX_4.5", skb_load),
    ("bpf_skb_load_bytes_relative@LINUX_4.18", skb_load_relative),
    ("bpf_skb_store_bytes@LINUX_4.1", skb_store),
];

/// An Ethernet header must be left of a packet.
const LEAST: u32 = 14;
/// The longest metadata.
const META_MAX: u32 = 255;
/// `bpf_skb_store_bytes` knows `RECOMPUTE_CSUM` and `INVALIDATE_HASH`; there is nothing to recompute.
const STORE_FLAGS: u64 = 3;

fn adjust_head(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let delta = call.arg(1) as i32;
    Ok(status(call.memory().adjust_head(delta, LEAST)))
}

fn adjust_meta(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let delta = call.arg(1) as i32;
    Ok(status(call.memory().adjust_meta(delta, META_MAX)))
}

/// Until LINUX_5.8 a packet could only shrink.
fn shrink_tail(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    if call.arg(1) as i32 >= 0 {
        return Ok(Errno::EINVAL.register());
    }
    adjust_tail(call)
}

fn adjust_tail(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let delta = call.arg(1) as i32;
    Ok(status(call.memory().adjust_tail(delta, LEAST)))
}

fn length(call: &mut Call<'_>) -> u64 {
    call.memory().packet_bytes().map_or(0, |bytes| bytes.len() as u64)
}

fn xdp_length(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    Ok(length(call))
}

/// Bytes of the packet.
pub(super) fn load(call: &mut Call<'_>, offset: u64, size: u64) -> Option<Vec<u8>> {
    let end = offset.checked_add(size)?;
    let bytes = call.memory().packet_bytes()?;
    Some(bytes.get(usize::try_from(offset).ok()?..usize::try_from(end).ok()?)?.to_vec())
}

/// Writes bytes of the packet, whether or not the program could.
pub(super) fn store(call: &mut Call<'_>, offset: u64, bytes: &[u8]) -> Option<()> {
    let start = usize::try_from(offset).ok()?;
    let target = call.memory().packet_bytes_mut()?;
    target.get_mut(start..start.checked_add(bytes.len())?)?.copy_from_slice(bytes);
    Some(())
}

/// The kernel wants both below 64 KiB before it looks at the packet.
fn xdp_range(offset: u64, size: u64) -> Result<(), Errno> {
    if offset > 0xffff || size > 0xffff { Err(Errno::EFAULT) } else { Ok(()) }
}

fn xdp_load(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let [_, offset, to, size, _] = call.args();
    let (offset, size) = (u64::from(offset as u32), u64::from(size as u32));
    call.check_writable(to, size)?;
    if let Err(errno) = xdp_range(offset, size) {
        return Ok(errno.register());
    }
    match load(call, offset, size) {
        Some(bytes) => call.write(to, &bytes).map(|()| 0),
        None => Ok(Errno::EINVAL.register()),
    }
}

fn xdp_store(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let [_, offset, from, size, _] = call.args();
    let (offset, size) = (u64::from(offset as u32), u64::from(size as u32));
    let bytes = call.read(from, size)?;
    if let Err(errno) = xdp_range(offset, size) {
        return Ok(errno.register());
    }
    Ok(status(store(call, offset, &bytes).ok_or(Errno::EINVAL)))
}

/// What cannot be loaded leaves zeros.
fn load_or_clear(
    call: &mut Call<'_>,
    offset: Option<u64>,
    to: u64,
    size: u64,
) -> Result<u64, Trap> {
    call.check_writable(to, size)?;
    let loaded = offset.and_then(|offset| load(call, offset, size));
    match loaded {
        Some(bytes) => call.write(to, &bytes).map(|()| 0),
        None => {
            call.write(to, &vec![0; size as usize])?;
            Ok(Errno::EFAULT.register())
        }
    }
}

fn skb_load(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let [_, offset, to, size, _] = call.args();
    let offset = u64::from(offset as u32);
    let valid = (offset <= i32::MAX as u64).then_some(offset);
    load_or_clear(call, valid, to, u64::from(size as u32))
}

fn skb_load_relative(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let [_, offset, to, size, header] = call.args();
    let offset = u64::from(offset as u32);
    let start = match header as u32 {
        0 => Some(0),
        1 => Some(u64::from(LEAST)),
        _ => None,
    };
    let valid = start.filter(|_| offset <= 0xffff).map(|start| start + offset);
    load_or_clear(call, valid, to, u64::from(size as u32))
}

fn skb_store(call: &mut Call<'_>) -> Result<u64, Trap> {
    call.context(0)?;
    let [_, offset, from, size, flags] = call.args();
    let bytes = call.read(from, u64::from(size as u32))?;
    Ok(status(store_skb(call, u64::from(offset as u32), &bytes, flags)))
}

/// Shared with `bpf_dynptr_write`.
pub(super) fn store_skb(
    call: &mut Call<'_>,
    offset: u64,
    bytes: &[u8],
    flags: u64,
) -> Result<(), Errno> {
    if flags & !STORE_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    if offset > i32::MAX as u64 {
        return Err(Errno::EFAULT);
    }
    store(call, offset, bytes).ok_or(Errno::EFAULT)
}
