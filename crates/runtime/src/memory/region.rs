//! One region: what it is, where its bytes are, and who may touch them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use abide_maps::{Map, Record};

use crate::owned::Shared;

/// What a region holds, for messages and for the functions that take addresses back.
#[derive(Clone)]
pub(crate) enum What {
    /// Never was anything.
    Nothing,
    /// A stack frame.
    Frame,
    Context,
    Packet,
    /// Addresses of functions.
    Function,
    /// Handles of maps.
    Map,
    /// Values of a map.
    Value(Arc<Map>),
    /// A ring buffer record that the program holds.
    Record(Arc<Held>),
    /// An object of the host that the program holds.
    Object(Arc<Object>),
    /// A copy of bytes of the host, for the rest of the run.
    Bytes,
    /// It was there.
    Gone(&'static str),
}

/// A reserved record.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) map: Arc<Map>,
    pub(crate) size: u32,
    /// Taken when the record is given back.
    pub(crate) record: Mutex<Option<Record>>,
}

impl Drop for Held {
    /// A record that was not given back would block the ring for ever.
    fn drop(&mut self) {
        let record = self.record.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(ring), Some(record)) = (self.map.ring(), record) {
            ring.discard(record, 0);
        }
    }
}

/// A held object.
pub(crate) struct Object {
    pub(crate) value: Shared,
    /// The struct that it is in the API, and the definition that gave it.
    pub(crate) kind: Arc<str>,
    pub(crate) from: Arc<str>,
    /// What the program can read of it.
    pub(crate) view: Vec<u8>,
}

impl fmt::Debug for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Nothing => "Nothing",
            What::Frame => "Frame",
            What::Context => "Context",
            What::Packet => "Packet",
            What::Function => "Function",
            What::Map => "Map",
            What::Value(_) => "Value",
            What::Record(_) => "Record",
            What::Object(_) => "Object",
            What::Bytes => "Bytes",
            What::Gone(_) => "Gone",
        })
    }
}

/// Where the bytes of a region are.
#[derive(Debug, Clone)]
pub(crate) enum Backing {
    /// Nowhere: every access traps.
    Closed,
    /// In the arena at `base`; addressable are the offsets from `low` on.
    Private { base: usize, low: u32, size: u32, writable: bool },
    /// Values of a map, each at a multiple of `1 << shift`.
    Shared(Values),
    /// The context: each field has its own rule.
    Context,
    /// Bytes of its own, read-only.
    Constant(Arc<[u8]>),
}

/// Values of a map, or one ring buffer record.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    pub(crate) map: Arc<Map>,
    /// Of the first value, in the map's memory.
    pub(crate) base: usize,
    pub(crate) stride: usize,
    pub(crate) size: u32,
    pub(crate) count: u32,
    pub(crate) shift: u8,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
}

impl Values {
    /// Where `size` bytes at an offset of the region are in the map's memory.
    #[inline(always)]
    pub(crate) fn place(&self, offset: u32, size: u64) -> Option<usize> {
        let slot = u64::from(offset) >> self.shift;
        let inside = u64::from(offset) & ((1u64 << self.shift) - 1);
        if slot < u64::from(self.count) && inside + size <= u64::from(self.size) {
            Some(self.base + slot as usize * self.stride + inside as usize)
        } else {
            None
        }
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    pub(crate) backing: Backing,
    pub(crate) what: What,
}

impl Region {
    pub(crate) fn closed(what: What) -> Self {
        Region { backing: Backing::Closed, what }
    }

    pub(crate) fn private(what: What, base: usize, low: u32, size: u32, writable: bool) -> Self {
        Region { backing: Backing::Private { base, low, size, writable }, what }
    }
}
