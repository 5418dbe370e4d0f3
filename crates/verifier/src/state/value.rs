//! What is known about the content of one register or spilled slot.

use std::fmt;

use super::nodes::Node;
use crate::domain::Scalar;
use crate::reject::bytes;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing was written.
    Uninit,
    /// A number.
    Scalar,
    /// The context.
    Context,
    /// The stack frame with this index.
    Frame(u8),
    /// A map, by its index in the program.
    Map(u32),
    /// A value of a map.
    MapValue(u32),
    /// A key of a map.
    MapKey(u32),
    /// The packet.
    Packet,
    /// The metadata before the packet.
    PacketMeta,
    /// The byte after the packet.
    PacketEnd,
    /// Memory of so many bytes.
    Memory(u32),
    /// An object of the host or the program, by the index of its type (`types`).
    Object(u32),
    /// A function of the program, by its index.
    Function(u32),
    /// On the stack only: a dynptr; whether this slot is its first.
    Dynptr { source: Source, first: bool },
    /// An address in the arena: anything, for the host looks where it leads.
    Arena,
    /// On the stack only: saved interrupt flags; whether a lock saved them.
    Irq { lock: bool },
    /// On the stack only: an iterator; by the index of its type, its state, how many slots follow.
    Iterator { of: u32, drained: bool, first: bool },
}

/// Where the memory of a dynptr is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Memory of the program: a map value.
    Local,
    /// A ring buffer record, which the program owns.
    Ringbuf,
    /// A file, which is read; the program owns it.
    File,
    /// A packet of a socket buffer.
    Skb,
    /// A packet of a driver.
    Xdp,
}

macro_rules! flags {
    ($($(#[doc = $doc:literal])+ $name:ident = $bit:literal,)+) => {
        /// What else is known about a pointer, one bit each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub(crate) struct Flags(u16);

        impl Flags {
            pub(crate) const NONE: Flags = Flags(0);
            $($(#[doc = $doc])+ pub(crate) const $name: Flags = Flags(1 << $bit);)+
        }
    };
}

flags! {
    /// It may be null.
    NULLABLE = 0,
    /// It may not be stored to.
    READONLY = 1,
    /// It points to a live object.
    TRUSTED = 2,
    /// It points to an object that lives until the RCU section ends.
    RCU = 3,
    /// It may point anywhere: loads give 0 where there is nothing.
    UNTRUSTED = 4,
    /// An object that the program allocated.
    ALLOCATED = 5,
    /// It does not own the object, which is in a list or tree.
    BORROWED = 6,
    /// An object of every CPU.
    PERCPU = 7,
    /// A ring buffer record.
    RECORD = 8,
    /// A part of a dynptr.
    SLICE = 9,
    /// A socket of which only what all kinds of sockets have may be read.
    COMMON = 10,
    /// Memory into which only constants lead.
    FIXED = 12,
    /// A pointer behind the end of the packet.
    BEYOND = 13,
    /// Of a number: its low half is what the others with its identity are, plus its offset; the upper
    /// half is 0.
    LOW = 11,
}

impl Flags {
    pub(crate) const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn any(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    #[must_use]
    pub(crate) const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    #[must_use]
    pub(crate) const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

/// The content of a register.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) flags: Flags,
    /// Of a pointer: the known part of its offset. Of a linked number: what it is more than the
    /// others with its identity.
    pub(crate) off: i32,
    /// The number, or the unknown part of the offset.
    pub(crate) num: Scalar,
    /// Values with the same identity, other than 0, are the same: numbers, pointers that are null
    /// together, pointers into the packet with the same unknown part.
    pub(crate) id: u32,
    /// The object or record that it belongs to, if that is owned.
    pub(crate) owner: u32,
    /// Of a pointer into the packet: so many bytes from offset 0 are inside.
    pub(crate) range: u32,
    pub(crate) node: Node,
}

impl Value {
    pub(crate) const UNINIT: Value = Value {
        kind: Kind::Uninit,
        flags: Flags::NONE,
        off: 0,
        num: Scalar::constant(0),
        id: 0,
        owner: 0,
        range: 0,
        node: Node::NONE,
    };

    pub(crate) const UNKNOWN: Value = Value::number(Scalar::UNKNOWN);

    pub(crate) const fn number(num: Scalar) -> Value {
        Value { kind: Kind::Scalar, num, ..Value::UNINIT }
    }

    pub(crate) const fn constant(value: u64) -> Value {
        Value::number(Scalar::constant(value))
    }

    pub(crate) const fn pointer(kind: Kind) -> Value {
        Value { kind, ..Value::UNINIT }
    }

    /// An address that may be of anything: loads give 0 where there is nothing.
    pub(crate) const fn anywhere() -> Value {
        Value { flags: Flags::UNTRUSTED.with(Flags::READONLY), ..Value::pointer(Kind::Memory(0)) }
    }

    /// Whether it is such an address.
    pub(crate) fn is_anywhere(&self) -> bool {
        matches!(self.kind, Kind::Memory(_)) && self.flags.has(Flags::UNTRUSTED)
    }

    pub(crate) const fn frame(index: u8) -> Value {
        Value::pointer(Kind::Frame(index))
    }

    pub(crate) fn is_scalar(&self) -> bool {
        self.kind == Kind::Scalar
    }

    pub(crate) fn is_pointer(&self) -> bool {
        !matches!(self.kind, Kind::Uninit | Kind::Scalar)
    }

    pub(crate) fn nullable(&self) -> bool {
        self.flags.has(Flags::NULLABLE)
    }

    /// It is not known to be equal to anything any more.
    pub(crate) fn unlink(&mut self) {
        self.id = 0;
        self.off = 0;
        self.flags = Flags::NONE;
    }

    /// The number 0, and nothing else.
    pub(crate) fn is_zero(&self) -> bool {
        self.is_scalar() && self.num.value() == Some(0)
    }

    /// The number that it is.
    pub(crate) fn as_constant(&self) -> Option<u64> {
        if self.is_scalar() { self.num.value() } else { None }
    }

    /// The offset of a pointer, if it is one number.
    pub(crate) fn fixed_offset(&self) -> Option<i64> {
        let variable = self.num.value()? as i64;
        variable.checked_add(i64::from(self.off))
    }

    /// Whether the unknown part of the offset is not 0.
    pub(crate) fn is_variable(&self) -> bool {
        self.num.value() != Some(0)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            Kind::Uninit => return f.write_str("not set"),
            Kind::Scalar => return number(f, &self.num, "a number"),
            Kind::Context => "the context".to_owned(),
            Kind::Frame(_) => "the stack".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
            Kind::MapValue(_) => "a map value".to_owned(),
            Kind::MapKey(_) => "a map key".to_owned(),
            Kind::Packet => format!("the packet, {} proved", bytes(self.range)),
            Kind::PacketMeta => format!("the packet's metadata, {} proved", bytes(self.range)),
            Kind::PacketEnd => "the end of the packet".to_owned(),
            Kind::Memory(size) => format!("{} of memory", bytes(size)),
            Kind::Object(_) => "an object".to_owned(),
            Kind::Function(_) => "a function".to_owned(),
            Kind::Dynptr { .. } => "a dynptr".to_owned(),
            Kind::Iterator { .. } => "an iterator".to_owned(),
            Kind::Arena => "the arena".to_owned(),
            Kind::Irq { .. } => "saved interrupt flags".to_owned(),
        };
        let null = if self.nullable() { ", or null" } else { "" };
        write!(f, "a pointer to {name}{null}")?;
        if self.off != 0 || self.is_variable() {
            write!(f, ", offset {}", self.off)?;
        }
        if self.is_variable() {
            number(f, &self.num, " plus a number")?;
        }
        Ok(())
    }
}

fn number(f: &mut fmt::Formatter<'_>, num: &Scalar, what: &str) -> fmt::Result {
    if let Some(value) = num.value() {
        return write!(f, "the number {}", value as i64);
    }
    if num.smin >= 0 {
        write!(f, "{what} from {} to {}", num.umin, num.umax)
    } else if num.smin != i64::MIN || num.smax != i64::MAX {
        write!(f, "{what} from {} to {}", num.smin, num.smax)
    } else if num.umin32 != 0 || num.umax32 != u32::MAX {
        write!(f, "{what} whose low half is from {} to {}", num.umin32, num.umax32)
    } else {
        write!(f, "{what} that may be anything")
    }
}
