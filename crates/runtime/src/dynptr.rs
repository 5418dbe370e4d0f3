//! Dynptrs: 16 bytes in the program's memory that describe a piece of data, and the operations on
//! them. Programs that nobody proved can forge them; every access through one is checked as if the
//! program itself made it, so that a forged one gives nothing.

use crate::Errno;
use crate::body::Call;
use crate::memory::{Access, CONTEXT, PACKET, address};
use crate::trap::Trap;

/// Bytes of a dynptr.
pub(crate) const SIZE: u64 = 16;
/// The largest size that one can have: 24 bits, as in the kernel.
pub(crate) const SIZE_MAX: u64 = (1 << 24) - 1;
const READ_ONLY: u32 = 1 << 31;
const KIND_SHIFT: u32 = 28;

/// What a dynptr refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DynKind {
    /// Memory of the program, a map value, or bytes of the host.
    Local,
    /// A ring buffer record.
    Record,
    /// The packet.
    Packet,
}

/// A dynptr, read from the program's memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dynamic {
    /// Address of the data; of the context for the packet; 0 if it refers to nothing.
    pub(crate) data: u64,
    pub(crate) size: u32,
    pub(crate) offset: u32,
    pub(crate) kind: DynKind,
    pub(crate) read_only: bool,
}

impl Dynamic {
    pub(crate) const fn null() -> Self {
        Dynamic { data: 0, size: 0, offset: 0, kind: DynKind::Local, read_only: false }
    }

    pub(crate) fn new(data: u64, size: u32, kind: DynKind, read_only: bool) -> Self {
        Dynamic { data, size, offset: 0, kind, read_only }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.data == 0
    }

    pub(crate) fn read(call: &Call<'_>, addr: u64) -> Result<Self, Trap> {
        let mut bytes = [0; SIZE as usize];
        call.read_into(addr, &mut bytes)?;
        let (data, rest) = bytes.split_at(8);
        let (bits, offset) = rest.split_at(4);
        let word = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().unwrap_or_default());
        let (bits, offset) = (word(bits), word(offset));
        Ok(Dynamic {
            data: u64::from_ne_bytes(data.try_into().unwrap_or_default()),
            size: bits & SIZE_MAX as u32,
            offset,
            kind: match bits >> KIND_SHIFT & 7 {
                2 => DynKind::Record,
                3 => DynKind::Packet,
                _ => DynKind::Local,
            },
            read_only: bits & READ_ONLY != 0,
        })
    }

    pub(crate) fn write(&self, call: &mut Call<'_>, addr: u64) -> Result<(), Trap> {
        let kind = match self.kind {
            _ if self.is_null() => 0,
            DynKind::Local => 1,
            DynKind::Record => 2,
            DynKind::Packet => 3,
        };
        let read_only = if self.read_only { READ_ONLY } else { 0 };
        let bits = self.size & SIZE_MAX as u32 | kind << KIND_SHIFT | read_only;
        let mut bytes = [0; SIZE as usize];
        bytes[..8].copy_from_slice(&self.data.to_ne_bytes());
        bytes[8..12].copy_from_slice(&bits.to_ne_bytes());
        bytes[12..].copy_from_slice(&self.offset.to_ne_bytes());
        call.write(addr, &bytes)
    }

    /// Whether `length` bytes at `offset` are inside: `E2BIG` otherwise.
    pub(crate) fn bounds(&self, offset: u64, length: u64) -> Result<(), Errno> {
        let size = u64::from(self.size);
        if length > size || offset > size - length { Err(Errno::E2BIG) } else { Ok(()) }
    }

    /// The address of its bytes from `offset` on, if the program can access `length` of them.
    pub(crate) fn address(
        &self,
        call: &mut Call<'_>,
        offset: u64,
        length: u64,
        access: Access,
    ) -> Option<u64> {
        let offset = u64::from(self.offset).checked_add(offset)?;
        let start = match self.kind {
            DynKind::Local | DynKind::Record => self.data.checked_add(offset)?,
            DynKind::Packet => {
                let packet = call.memory().packet?;
                let inside = offset.checked_add(length)? <= u64::from(packet.end - packet.data);
                if self.data != address(CONTEXT, 0) || !inside {
                    return None;
                }
                address(PACKET, packet.data) + offset
            }
        };
        call.memory().check(start, length, access).is_ok().then_some(start)
    }
}

/// A read-only dynptr for bytes of the host.
pub(crate) fn of_bytes(call: &mut Call<'_>, bytes: &[u8]) -> Result<Dynamic, Trap> {
    if bytes.len() as u64 > SIZE_MAX {
        return Err(Trap::body(format!("a dynptr cannot hold {} bytes", bytes.len())));
    }
    let data = call.memory().add_bytes(bytes)?;
    Ok(Dynamic::new(data, bytes.len() as u32, DynKind::Local, true))
}

/// A copy of its bytes.
pub(crate) fn copy(
    call: &mut Call<'_>,
    pointer: &Dynamic,
    offset: u64,
    length: u64,
) -> Result<Vec<u8>, Trap> {
    if length == 0 {
        return Ok(Vec::new());
    }
    match pointer.address(call, offset, length, Access::Read) {
        Some(start) => call.read(start, length),
        None => Err(Trap::argument("the dynptr refers to no memory of the program")),
    }
}
