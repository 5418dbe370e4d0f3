//! Internet checksums (RFC 1071, RFC 1624), as the helpers want them: ones' complement sums in the
//! byte order of memory.

use super::packet::{load, store};
use super::{Raw, status};
use crate::Errno;
use crate::body::Call;
use crate::trap::Trap;

pub(super) const TABLE: &[(&str, Raw)] = &[
    ("bpf_csum_diff@LINUX_4.6", diff_unfolded),
    ("bpf_csum_diff@LINUX_4.16", diff_unfolded),
    ("bpf_csum_diff@LINUX_6.13", diff_folded),
    ("bpf_l3_csum_replace@LINUX_4.1", replace_l3),
    ("bpf_l4_csum_replace@LINUX_4.1", replace_l4),
];

/// Until LINUX_6.13 both buffers went through 512 bytes of scratch memory.
const SCRATCH: u64 = 512;

fn add(a: u32, b: u32) -> u32 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u32::from(carry)
}

/// The sum of the bytes as 32-bit words; their number is a multiple of 4.
fn sum(bytes: &[u8], seed: u32) -> u32 {
    let (words, _) = bytes.as_chunks::<4>();
    words.iter().fold(seed, |sum, word| add(sum, u32::from_ne_bytes(*word)))
}

/// Folds to 16 bits; not complemented.
fn fold(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

struct Buffers {
    from: Vec<u8>,
    to: Vec<u8>,
    seed: u32,
}

fn buffers(call: &mut Call<'_>, most: u64) -> Result<Option<Buffers>, Trap> {
    let [from, from_size, to, to_size, seed] = call.args();
    let (from_size, to_size) = (u64::from(from_size as u32), u64::from(to_size as u32));
    if (from_size | to_size) & 3 != 0 || from_size + to_size > most {
        return Ok(None);
    }
    let bytes = |addr, size| if size == 0 { Ok(Vec::new()) } else { call.read(addr, size) };
    let (from, to) = (bytes(from, from_size)?, bytes(to, to_size)?);
    Ok(Some(Buffers { from, to, seed: seed as u32 }))
}

/// Folded to 32 bits, as on x86-64.
fn diff_unfolded(call: &mut Call<'_>) -> Result<u64, Trap> {
    let Some(Buffers { from, to, seed }) = buffers(call, SCRATCH)? else {
        return Ok(Errno::EINVAL.register());
    };
    let inverted: Vec<u8> = from.iter().map(|byte| !byte).collect();
    Ok(u64::from(sum(&to, sum(&inverted, seed))))
}

fn diff_folded(call: &mut Call<'_>) -> Result<u64, Trap> {
    let Some(Buffers { from, to, seed }) = buffers(call, u64::MAX)? else {
        return Ok(Errno::EINVAL.register());
    };
    if from.is_empty() && to.is_empty() {
        return Ok(u64::from(seed));
    }
    let difference = add(sum(&to, seed), !sum(&from, 0));
    Ok(u64::from(fold(difference)))
}

const FIELD_MASK: u64 = 0xf;
const PSEUDO_HEADER: u64 = 0x10;
const MARK_MANGLED_0: u64 = 0x20;
const MARK_ENFORCE: u64 = 0x40;
const IPV6: u64 = 0x80;

/// The checksum after a field went from `from` to `to`; `None` for a width that there is not.
fn replaced(old: u16, from: u64, to: u64, width: u64) -> Option<u16> {
    let (from, to) = match width {
        0 if from != 0 => return None,
        0 | 4 => (from as u32, to as u32),
        2 => (u32::from(from as u16), u32::from(to as u16)),
        _ => return None,
    };
    let difference = if width == 0 { to } else { add(!from, to) };
    let base = add(u32::from(!old), difference);
    // With 16-bit operands the complement of `from` brought ones into the upper half, which fold away.
    Some(!fold(base))
}

fn replace(call: &mut Call<'_>, l4: bool) -> Result<Result<(), Errno>, Trap> {
    call.context(0)?;
    let [_, offset, from, to, flags] = call.args();
    let known = if l4 {
        FIELD_MASK | PSEUDO_HEADER | MARK_MANGLED_0 | MARK_ENFORCE | IPV6
    } else {
        FIELD_MASK
    };
    if flags & !known != 0 {
        return Ok(Err(Errno::EINVAL));
    }
    let offset = u64::from(offset as u32);
    if offset > 0xffff || offset & 1 != 0 {
        return Ok(Err(Errno::EFAULT));
    }
    let Some(old) = load(call, offset, 2) else { return Ok(Err(Errno::EFAULT)) };
    let old = u16::from_ne_bytes([old[0], old[1]]);
    let may_be_absent = flags & MARK_MANGLED_0 != 0;
    if may_be_absent && flags & MARK_ENFORCE == 0 && old == 0 {
        // UDP without a checksum keeps none.
        return Ok(Ok(()));
    }
    let Some(mut new) = replaced(old, from, to, flags & FIELD_MASK) else {
        return Ok(Err(Errno::EINVAL));
    };
    if may_be_absent && new == 0 {
        new = 0xffff;
    }
    Ok(store(call, offset, &new.to_ne_bytes()).ok_or(Errno::EFAULT))
}

fn replace_l3(call: &mut Call<'_>) -> Result<u64, Trap> {
    Ok(status(replace(call, false)?))
}

fn replace_l4(call: &mut Call<'_>) -> Result<u64, Trap> {
    Ok(status(replace(call, true)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 header with a right checksum stays right when its TTL and an address change.
    #[test]
    fn replacing_fields_keeps_a_header_valid() {
        let mut header =
            [0x45, 0, 0, 0x54, 0, 0, 0x40, 0, 0x40, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2u8];
        let checksum = !fold(sum(&header, 0));
        header[10..12].copy_from_slice(&checksum.to_ne_bytes());
        assert_eq!(fold(sum(&header, 0)), 0xffff);

        let old = u16::from_ne_bytes([header[8], header[9]]);
        header[8] = 63;
        let new = u16::from_ne_bytes([header[8], header[9]]);
        let checksum = replaced(checksum, u64::from(old), u64::from(new), 2).unwrap();
        let from = u32::from_ne_bytes(header[12..16].try_into().unwrap());
        header[12..16].copy_from_slice(&[192, 168, 1, 7]);
        let to = u32::from_ne_bytes(header[12..16].try_into().unwrap());
        let checksum = replaced(checksum, u64::from(from), u64::from(to), 4).unwrap();
        header[10..12].copy_from_slice(&checksum.to_ne_bytes());
        assert_eq!(fold(sum(&header, 0)), 0xffff);
    }
}
