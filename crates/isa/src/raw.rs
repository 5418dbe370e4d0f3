//! The 8-byte slot that code is made of, in both byte orders. Gives its fields no meaning.

/// The byte order of an object or a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Endian {
    /// The byte order of the machine that this runs on.
    pub const NATIVE: Endian =
        if cfg!(target_endian = "big") { Endian::Big } else { Endian::Little };

    /// The number without sign that these bytes, at most eight, are in this byte order.
    pub fn read(self, bytes: &[u8]) -> u64 {
        debug_assert!(bytes.len() <= 8, "no number has more than eight bytes");
        let push = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match self {
            Endian::Little => bytes.iter().rev().fold(0, push),
            Endian::Big => bytes.iter().fold(0, push),
        }
    }

    /// Writes the low bytes of a number into `out`, which has at most eight, in this byte order.
    pub fn write(self, number: u64, out: &mut [u8]) {
        let len = out.len();
        debug_assert!(len <= 8, "no number has more than eight bytes");
        match self {
            Endian::Little => out.copy_from_slice(&number.to_le_bytes()[..len]),
            Endian::Big => out.copy_from_slice(&number.to_be_bytes()[8 - len..]),
        }
    }

    /// The four bytes of a number in this byte order.
    pub const fn word(self, number: u32) -> [u8; 4] {
        match self {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        }
    }
}

/// One slot of code: its five fields, not interpreted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Raw {
    /// The opcode byte.
    pub code: u8,
    /// The destination register field; four bits.
    pub dst: u8,
    /// The source register field; four bits.
    pub src: u8,
    /// The offset field.
    pub off: i16,
    /// The immediate field.
    pub imm: i32,
}

impl Raw {
    /// The size of a slot in bytes.
    pub const SIZE: usize = 8;

    /// The fields of a slot (RFC 9669 §3.1: the registers change places with the byte order).
    pub const fn from_bytes(bytes: [u8; 8], endian: Endian) -> Raw {
        let [code, regs, o0, o1, i0, i1, i2, i3] = bytes;
        let (low, high) = (regs & 0xf, regs >> 4);
        match endian {
            Endian::Little => Raw {
                code,
                dst: low,
                src: high,
                off: i16::from_le_bytes([o0, o1]),
                imm: i32::from_le_bytes([i0, i1, i2, i3]),
            },
            Endian::Big => Raw {
                code,
                dst: high,
                src: low,
                off: i16::from_be_bytes([o0, o1]),
                imm: i32::from_be_bytes([i0, i1, i2, i3]),
            },
        }
    }

    /// The bytes of a slot. Register fields are cut to their four bits.
    pub const fn to_bytes(self, endian: Endian) -> [u8; 8] {
        let (dst, src) = (self.dst & 0xf, self.src & 0xf);
        let (regs, [o0, o1], [i0, i1, i2, i3]) = match endian {
            Endian::Little => (src << 4 | dst, self.off.to_le_bytes(), self.imm.to_le_bytes()),
            Endian::Big => (dst << 4 | src, self.off.to_be_bytes(), self.imm.to_be_bytes()),
        };
        [self.code, regs, o0, o1, i0, i1, i2, i3]
    }

    /// The slots of a section's bytes, and how many bytes are left over at the end.
    pub fn read_all(bytes: &[u8], endian: Endian) -> (Vec<Raw>, usize) {
        let (slots, rest) = bytes.as_chunks::<8>();
        (slots.iter().map(|slot| Raw::from_bytes(*slot, endian)).collect(), rest.len())
    }
}
