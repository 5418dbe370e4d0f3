//! A set of 64-bit numbers: by bits, by four ranges (with and without sign, whole and low half),
//! and what each of those says about the others. Knows no operation (`alu`, `branch`).

use super::Tnum;

/// A set of numbers that a register can hold. Never empty: where nothing is left, functions say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scalar {
    /// By bits.
    pub bits: Tnum,
    /// The least number, without sign.
    pub umin: u64,
    /// The greatest number, without sign.
    pub umax: u64,
    /// The least number, with sign.
    pub smin: i64,
    /// The greatest number, with sign.
    pub smax: i64,
    /// The least low half, without sign.
    pub umin32: u32,
    /// The greatest low half, without sign.
    pub umax32: u32,
    /// The least low half, with sign.
    pub smin32: i32,
    /// The greatest low half, with sign.
    pub smax32: i32,
}

impl Scalar {
    /// Any number.
    pub const UNKNOWN: Scalar = Scalar {
        bits: Tnum::UNKNOWN,
        umin: 0,
        umax: u64::MAX,
        smin: i64::MIN,
        smax: i64::MAX,
        umin32: 0,
        umax32: u32::MAX,
        smin32: i32::MIN,
        smax32: i32::MAX,
    };

    /// Exactly this number.
    pub const fn constant(value: u64) -> Scalar {
        Scalar {
            bits: Tnum::constant(value),
            umin: value,
            umax: value,
            smin: value as i64,
            smax: value as i64,
            umin32: value as u32,
            umax32: value as u32,
            smin32: value as i32,
            smax32: value as i32,
        }
    }

    /// Any number from `min` to `max`, without sign.
    pub fn between(min: u64, max: u64) -> Scalar {
        let all = Scalar { umin: min, umax: max, ..Scalar::UNKNOWN };
        all.reduced().unwrap_or(Scalar::UNKNOWN)
    }

    /// Any number from `min` to `max`, with sign.
    pub fn between_signed(min: i64, max: i64) -> Scalar {
        let all = Scalar { smin: min, smax: max, ..Scalar::UNKNOWN };
        all.reduced().unwrap_or(Scalar::UNKNOWN)
    }

    /// Any number of so many bytes.
    pub fn bytes(count: u32) -> Scalar {
        if count >= 8 {
            return Scalar::UNKNOWN;
        }
        let most = (1_u64 << (count * 8)) - 1;
        let half = most.min(u64::from(u32::MAX)) as u32;
        let (smin32, smax32) = if count < 4 { (0, half as i32) } else { (i32::MIN, i32::MAX) };
        Scalar {
            bits: Tnum { value: 0, mask: most },
            umin: 0,
            umax: most,
            smin: 0,
            smax: most as i64,
            umin32: 0,
            umax32: half,
            smin32,
            smax32,
        }
    }

    /// The number, if it is one.
    pub const fn value(&self) -> Option<u64> {
        if self.bits.is_constant() { Some(self.bits.value) } else { None }
    }

    /// The low half, if it is one number.
    pub const fn value32(&self) -> Option<u32> {
        if self.bits.mask as u32 == 0 { Some(self.bits.value as u32) } else { None }
    }

    /// Whether a number is in it.
    pub const fn contains(&self, number: u64) -> bool {
        self.bits.contains(number)
            && self.umin <= number
            && number <= self.umax
            && self.smin <= number as i64
            && number as i64 <= self.smax
            && self.umin32 <= number as u32
            && number as u32 <= self.umax32
            && self.smin32 <= number as i32
            && number as i32 <= self.smax32
    }

    /// Whether all of `other` is in it.
    pub const fn includes(&self, other: &Scalar) -> bool {
        self.umin <= other.umin
            && self.umax >= other.umax
            && self.smin <= other.smin
            && self.smax >= other.smax
            && self.umin32 <= other.umin32
            && self.umax32 >= other.umax32
            && self.smin32 <= other.smin32
            && self.smax32 >= other.smax32
            && self.bits.includes(other.bits)
    }

    /// What is in both; `None` if that is certainly nothing.
    pub fn meet(&self, other: &Scalar) -> Option<Scalar> {
        Scalar {
            bits: self.bits.meet(other.bits)?,
            umin: self.umin.max(other.umin),
            umax: self.umax.min(other.umax),
            smin: self.smin.max(other.smin),
            smax: self.smax.min(other.smax),
            umin32: self.umin32.max(other.umin32),
            umax32: self.umax32.min(other.umax32),
            smin32: self.smin32.max(other.smin32),
            smax32: self.smax32.min(other.smax32),
        }
        .reduced()
    }

    /// Each part made as narrow as the others say; `None` if nothing is left.
    pub fn reduced(mut self) -> Option<Scalar> {
        let one = if self.umin == self.umax {
            Some(self.umin)
        } else if self.smin == self.smax {
            Some(self.smin as u64)
        } else {
            self.value()
        };
        if let Some(one) = one {
            return self.contains(one).then(|| Scalar::constant(one));
        }
        for _ in 0..3 {
            let before = self;
            self.use_bits();
            self.across_signs();
            self.use_halves();
            self.across_signs();
            if self.umin > self.umax
                || self.smin > self.smax
                || self.umin32 > self.umax32
                || self.smin32 > self.smax32
            {
                return None;
            }
            self.bits = self.bits.meet(Tnum::range(self.umin, self.umax))?;
            let low = Tnum::range(u64::from(self.umin32), u64::from(self.umax32));
            let low = self.bits.low(4).meet(low)?;
            self.bits = self.bits.with_low_half(low);
            if self == before {
                break;
            }
        }
        Some(self)
    }

    fn use_bits(&mut self) {
        let Tnum { value, mask } = self.bits;
        self.umin = self.umin.max(value);
        self.umax = self.umax.min(value | mask);
        // The sign is unknown at worst: then the least has it, the greatest has not.
        let sign = mask & 1 << 63;
        self.smin = self.smin.max((value | sign) as i64);
        self.smax = self.smax.min(((value | mask) & !sign) as i64);
        let (value, mask) = (value as u32, mask as u32);
        self.umin32 = self.umin32.max(value);
        self.umax32 = self.umax32.min(value | mask);
        let sign = mask & 1 << 31;
        self.smin32 = self.smin32.max((value | sign) as i32);
        self.smax32 = self.smax32.min(((value | mask) & !sign) as i32);
    }

    /// A range that does not cross the border of the other order is one there, too; one that does
    /// can still be cut if only one side of it is possible.
    fn across_signs(&mut self) {
        if self.umin as i64 <= self.umax as i64 {
            self.smin = self.smin.max(self.umin as i64);
            self.smax = self.smax.min(self.umax as i64);
        } else if self.umax < self.smin as u64 {
            // What is negative is above all that is possible: only the other side is left.
            self.smin = self.smin.max(self.umin as i64);
            self.umax = self.umax.min(self.smax as u64);
        } else if (self.smax as u64) < self.umin {
            self.umin = self.umin.max(self.smin as u64);
            self.smax = self.smax.min(self.umax as i64);
        }
        if self.smin as u64 <= self.smax as u64 {
            self.umin = self.umin.max(self.smin as u64);
            self.umax = self.umax.min(self.smax as u64);
        }
        if self.umin32 as i32 <= self.umax32 as i32 {
            self.smin32 = self.smin32.max(self.umin32 as i32);
            self.smax32 = self.smax32.min(self.umax32 as i32);
        } else if self.umax32 < self.smin32 as u32 {
            self.smin32 = self.smin32.max(self.umin32 as i32);
            self.umax32 = self.umax32.min(self.smax32 as u32);
        } else if (self.smax32 as u32) < self.umin32 {
            self.umin32 = self.umin32.max(self.smin32 as u32);
            self.smax32 = self.smax32.min(self.umax32 as i32);
        }
        if self.smin32 as u32 <= self.smax32 as u32 {
            self.umin32 = self.umin32.max(self.smin32 as u32);
            self.umax32 = self.umax32.min(self.smax32 as u32);
        }
    }

    /// Between whole numbers and their low halves.
    fn use_halves(&mut self) {
        if self.umin >> 32 == self.umax >> 32 {
            self.umin32 = self.umin32.max(self.umin as u32);
            self.umax32 = self.umax32.min(self.umax as u32);
            self.low_signed(self.umin as u32, self.umax as u32);
        }
        if self.smin >> 32 == self.smax >> 32 {
            self.umin32 = self.umin32.max(self.smin as u32);
            self.umax32 = self.umax32.min(self.smax as u32);
            self.low_signed(self.smin as u32, self.smax as u32);
        }
        // Numbers from `umin` on cannot be below it with another low half in the same upper one.
        let raise = |at: u64, low: u32| at & !0xffff_ffff | u64::from(low);
        if raise(self.umin, self.umin32) >= self.umin {
            self.umin = raise(self.umin, self.umin32);
        }
        if raise(self.umax, self.umax32) <= self.umax {
            self.umax = raise(self.umax, self.umax32);
        }
        let raise = |at: i64, low: u32| at & !0xffff_ffff | i64::from(low);
        if raise(self.smin, self.umin32) >= self.smin {
            self.smin = raise(self.smin, self.umin32);
        }
        if raise(self.smax, self.umax32) <= self.smax {
            self.smax = raise(self.smax, self.umax32);
        }
        // A number that fits 32 bits with its sign is what its low half is.
        let fits = i64::from(i32::MIN)..=i64::from(i32::MAX);
        if fits.contains(&self.smin) && fits.contains(&self.smax) {
            self.smin32 = self.smin32.max(self.smin as i32);
            self.smax32 = self.smax32.min(self.smax as i32);
            self.smin = self.smin.max(i64::from(self.smin32));
            self.smax = self.smax.min(i64::from(self.smax32));
        }
    }

    fn low_signed(&mut self, min: u32, max: u32) {
        if min as i32 <= max as i32 {
            self.smin32 = self.smin32.max(min as i32);
            self.smax32 = self.smax32.min(max as i32);
        }
    }

    /// The low half alone, the upper half 0.
    #[must_use]
    pub fn low_half(&self) -> Scalar {
        if self.umax <= u64::from(u32::MAX) {
            return *self;
        }
        let low = Scalar {
            bits: self.bits.low(4),
            umin: u64::from(self.umin32),
            umax: u64::from(self.umax32),
            smin: 0,
            smax: i64::from(u32::MAX),
            ..*self
        };
        low.reduced().unwrap_or_else(|| Scalar::bytes(4))
    }

    /// The low bytes (1, 2, 4 or 8) alone.
    #[must_use]
    pub fn truncated(&self, bytes: u32) -> Scalar {
        if bytes >= 8 {
            return *self;
        }
        if bytes == 4 {
            return self.low_half();
        }
        let bits = self.bits.low(bytes);
        let limit = (1_u64 << (bytes * 8)) - 1;
        // The range survives if no number in it loses bits that another one has.
        let (umin, umax) = if self.umin & !limit == self.umax & !limit {
            (self.umin & limit, self.umax & limit)
        } else {
            (0, limit)
        };
        let low = Scalar { bits, umin, umax, ..Scalar::UNKNOWN };
        low.reduced().unwrap_or_else(|| Scalar::bytes(bytes))
    }

    /// The low bits (8, 16 or 32), sign-extended to 64.
    #[must_use]
    pub fn sign_extended(&self, bits: u32) -> Scalar {
        let (low, high) = (-1_i64 << (bits - 1), (1_i64 << (bits - 1)) - 1);
        let shift = 64 - bits;
        let cut = |number: i64| number << shift >> shift;
        let wide = if bits == 32 {
            Scalar { smin: i64::from(self.smin32), smax: i64::from(self.smax32), ..Scalar::UNKNOWN }
        } else if self.smin >> bits == self.smax >> bits && cut(self.smin) <= cut(self.smax) {
            Scalar { smin: cut(self.smin), smax: cut(self.smax), ..Scalar::UNKNOWN }
        } else {
            Scalar { smin: low, smax: high, ..Scalar::UNKNOWN }
        };
        let wide = Scalar { bits: self.bits.sign_extend(bits), ..wide };
        wide.reduced().unwrap_or(Scalar { smin: low, smax: high, ..Scalar::UNKNOWN })
    }
}
