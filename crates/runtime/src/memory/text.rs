//! Addresses and failed accesses in words. Changes nothing.

use super::access::Access;
use super::region::{Backing, What};
use super::{FRAME, GuestMemory, STACK};
use crate::codes;
use crate::trap::Trap;

impl GuestMemory {
    /// The region that an address was most likely meant for, and the offset in it: an address shortly
    /// before a region is an underrun of that one.
    fn attribute(&self, addr: u64) -> (usize, i64) {
        let (number, offset) = ((addr >> 32) as usize, addr as u32);
        let exists = |number: usize| {
            self.regions.get(number).is_some_and(|region| !matches!(region.what, What::Nothing))
        };
        if offset >= 0x8000_0000 && exists(number + 1) {
            return (number + 1, i64::from(offset) - (1 << 32));
        }
        (number, i64::from(offset))
    }

    /// An address in words: `r10-16`, `offset 62 of the packet of 60 bytes`.
    pub(crate) fn locate(&self, addr: u64) -> String {
        let (number, offset) = self.attribute(addr);
        let Some(region) = self.regions.get(number) else {
            return format!("address {addr:#x}");
        };
        match &region.what {
            What::Nothing => format!("address {addr:#x}"),
            What::Frame => {
                let depth = number - STACK as usize;
                let relative = offset - i64::from(FRAME);
                let sign = if relative < 0 { '-' } else { '+' };
                format!("r10{sign}{} in stack frame {depth}", relative.abs())
            }
            What::Context => format!("offset {offset} of the context"),
            What::Packet => {
                let packet = self.packet.unwrap_or_default();
                format!(
                    "offset {} of the packet of {} bytes",
                    offset - i64::from(packet.data),
                    packet.end - packet.data
                )
            }
            What::Function => "the address of a function".to_owned(),
            What::Map => "a map".to_owned(),
            What::Value(map) => {
                let inside = match &region.backing {
                    Backing::Shared(values) => offset & ((1 << values.shift) - 1),
                    _ => offset,
                };
                let name = abide_diag::printable(&map.def().name).into_owned();
                let size = map.layout().value_size;
                format!("offset {inside} of a value of {size} bytes in map `{name}`")
            }
            What::Record(held) => {
                let name = abide_diag::printable(&held.map.def().name).into_owned();
                format!("offset {offset} of a record of {} bytes of `{name}`", held.size)
            }
            What::Object(object) => format!("offset {offset} of an object `{}`", object.kind),
            What::Bytes => format!("offset {offset} of bytes of the host"),
            What::Gone(what) => format!("offset {offset} of {what} that was released"),
        }
    }

    /// Why an access failed.
    #[cold]
    #[inline(never)]
    pub(crate) fn explain(&self, addr: u64, size: u64, access: Access) -> Trap {
        let (verb, bytes) = match access {
            Access::Read => ("read", "read of"),
            Access::Write => ("written", "write of"),
        };
        let plural = if size == 1 { "" } else { "s" };
        let what = format!("{bytes} {size} byte{plural} at {}", self.locate(addr));
        let (number, offset) = self.attribute(addr);
        if addr < 1 << 16 {
            let trap = Trap::new(&codes::T_NULL, format!("null pointer {verb}: address {addr:#x}"));
            return trap.help("test the pointer before it is used");
        }
        let Some(region) = self.regions.get(number) else {
            return Trap::new(&codes::T_UNKNOWN_POINTER, what);
        };
        match (&region.what, &region.backing) {
            (What::Nothing, _) => Trap::new(&codes::T_UNKNOWN_POINTER, what),
            (What::Frame, Backing::Private { size: 0, .. }) => {
                Trap::new(&codes::T_UNKNOWN_POINTER, what)
                    .note("the function whose stack frame it was has returned")
            }
            (What::Gone(_), _) => Trap::new(&codes::T_RELEASED, what),
            (What::Function | What::Map, _) => Trap::new(&codes::T_OPAQUE, what),
            (What::Object(object), _) if object.view.is_empty() => {
                Trap::new(&codes::T_OPAQUE, what)
                    .note(format!("only functions of the host can use a `{}`", object.kind))
            }
            (What::Context, _) => Trap::new(&codes::T_CONTEXT, what),
            (_, Backing::Private { low, size: all, writable, .. })
                if !writable
                    && access == Access::Write
                    && offset >= i64::from(*low)
                    && offset as u64 + size <= u64::from(*low) + u64::from(*all) =>
            {
                Trap::new(&codes::T_PROTECTED, what).note("it is read-only")
            }
            (What::Value(_), Backing::Shared(values))
                if access == Access::Write && !values.writable =>
            {
                Trap::new(&codes::T_PROTECTED, what).note("programs may only read this map")
            }
            (What::Value(_), Backing::Shared(values))
                if access == Access::Read && !values.readable =>
            {
                Trap::new(&codes::T_PROTECTED, what).note("programs may only write this map")
            }
            (_, Backing::Constant(_)) if access == Access::Write => {
                Trap::new(&codes::T_PROTECTED, what).note("it is read-only")
            }
            (What::Frame, _) => Trap::new(&codes::T_OUT_OF_BOUNDS, what)
                .note(format!("a stack frame goes from r10-{FRAME} to r10")),
            (What::Packet, _) => Trap::new(&codes::T_OUT_OF_BOUNDS, what)
                .help("compare the pointer with the end of the packet first"),
            _ => Trap::new(&codes::T_OUT_OF_BOUNDS, what),
        }
    }
}
