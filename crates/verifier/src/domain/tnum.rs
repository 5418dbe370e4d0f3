//! Tracked numbers: for each bit of a 64-bit number whether it is 0, 1 or unknown.
//!
//! The operations are those of Vishwanathan et al., "Sound, Precise, and Fast Abstract
//! Interpretation with Tristate Numbers" (CGO 2022). Each is sound: if `x` is in `a` and `y` in `b`,
//! `x op y` is in the result. Nothing here knows ranges.

/// A set of numbers by their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tnum {
    /// The bits that are known to be 1.
    pub value: u64,
    /// The bits that are not known; disjoint from `value`.
    pub mask: u64,
}

impl Tnum {
    /// Any number.
    pub const UNKNOWN: Tnum = Tnum { value: 0, mask: u64::MAX };

    /// Exactly this number.
    pub const fn constant(value: u64) -> Tnum {
        Tnum { value, mask: 0 }
    }

    /// The smallest set that holds every number from `min` to `max`.
    pub const fn range(min: u64, max: u64) -> Tnum {
        let differ = min ^ max;
        let bits = 64 - differ.leading_zeros();
        if bits == 64 {
            return Tnum::UNKNOWN;
        }
        let mask = (1_u64 << bits) - 1;
        Tnum { value: min & !mask, mask }
    }

    /// Whether it is one number.
    pub const fn is_constant(self) -> bool {
        self.mask == 0
    }

    /// The least number in it.
    pub const fn min(self) -> u64 {
        self.value
    }

    /// The greatest number in it.
    pub const fn max(self) -> u64 {
        self.value | self.mask
    }

    /// Whether a number is in it.
    pub const fn contains(self, number: u64) -> bool {
        (number ^ self.value) & !self.mask == 0
    }

    /// Whether all of `other` is in it.
    pub const fn includes(self, other: Tnum) -> bool {
        other.mask & !self.mask == 0 && (other.value ^ self.value) & !self.mask == 0
    }

    /// What is in both; `None` if nothing is.
    pub const fn meet(self, other: Tnum) -> Option<Tnum> {
        if (self.value ^ other.value) & !self.mask & !other.mask != 0 {
            return None;
        }
        let mask = self.mask & other.mask;
        Some(Tnum { value: (self.value | other.value) & !mask, mask })
    }

    /// Sum, wrapping.
    #[must_use]
    pub const fn add(self, other: Tnum) -> Tnum {
        let masks = self.mask.wrapping_add(other.mask);
        let values = self.value.wrapping_add(other.value);
        let carries = masks.wrapping_add(values) ^ values;
        let mask = carries | self.mask | other.mask;
        Tnum { value: values & !mask, mask }
    }

    /// Difference, wrapping.
    #[must_use]
    pub const fn sub(self, other: Tnum) -> Tnum {
        let difference = self.value.wrapping_sub(other.value);
        let high = difference.wrapping_add(self.mask);
        let low = difference.wrapping_sub(other.mask);
        let mask = (high ^ low) | self.mask | other.mask;
        Tnum { value: difference & !mask, mask }
    }

    /// Bitwise and.
    #[must_use]
    pub const fn and(self, other: Tnum) -> Tnum {
        let (a, b) = (self.value | self.mask, other.value | other.mask);
        let value = self.value & other.value;
        Tnum { value, mask: a & b & !value }
    }

    /// Bitwise or.
    #[must_use]
    pub const fn or(self, other: Tnum) -> Tnum {
        let value = self.value | other.value;
        Tnum { value, mask: (self.mask | other.mask) & !value }
    }

    /// Bitwise exclusive or.
    #[must_use]
    pub const fn xor(self, other: Tnum) -> Tnum {
        let mask = self.mask | other.mask;
        Tnum { value: (self.value ^ other.value) & !mask, mask }
    }

    /// Product, wrapping.
    #[must_use]
    pub const fn mul(self, other: Tnum) -> Tnum {
        let (mut a, mut b) = (self, other);
        let certain = self.value.wrapping_mul(other.value);
        let mut uncertain = Tnum::constant(0);
        while a.value != 0 || a.mask != 0 {
            if a.value & 1 != 0 {
                uncertain = uncertain.add(Tnum { value: 0, mask: b.mask });
            } else if a.mask & 1 != 0 {
                uncertain = uncertain.add(Tnum { value: 0, mask: b.value | b.mask });
            }
            a = a.shr(1);
            b = b.shl(1);
        }
        Tnum::constant(certain).add(uncertain)
    }

    /// Left shift by less than 64.
    #[must_use]
    pub const fn shl(self, by: u32) -> Tnum {
        Tnum { value: self.value << by, mask: self.mask << by }
    }

    /// Right shift by less than 64, zeros shifted in.
    #[must_use]
    pub const fn shr(self, by: u32) -> Tnum {
        Tnum { value: self.value >> by, mask: self.mask >> by }
    }

    /// Right shift of the low `bits` (32 or 64) by less than that many, the sign shifted in; what is
    /// above `bits` is 0 afterwards.
    #[must_use]
    pub const fn sar(self, by: u32, bits: u32) -> Tnum {
        if bits == 32 {
            let value = ((self.value as u32 as i32) >> by) as u32 as u64;
            let mask = ((self.mask as u32 as i32) >> by) as u32 as u64;
            Tnum { value, mask }
        } else {
            Tnum {
                value: ((self.value as i64) >> by) as u64,
                mask: ((self.mask as i64) >> by) as u64,
            }
        }
    }

    /// The low `bytes` bytes (1 to 8), the others 0.
    #[must_use]
    pub const fn low(self, bytes: u32) -> Tnum {
        if bytes >= 8 {
            return self;
        }
        let keep = (1_u64 << (bytes * 8)) - 1;
        Tnum { value: self.value & keep, mask: self.mask & keep }
    }

    /// This number with its low half replaced by the low half of another.
    #[must_use]
    pub const fn with_low_half(self, low: Tnum) -> Tnum {
        const HIGH: u64 = !0xffff_ffff;
        Tnum {
            value: self.value & HIGH | low.value & !HIGH,
            mask: self.mask & HIGH | low.mask & !HIGH,
        }
    }

    /// The number whose bytes are in the opposite order, of the low `bits` (16, 32 or 64).
    #[must_use]
    pub const fn swap(self, bits: u32) -> Tnum {
        Tnum {
            value: self.value.swap_bytes() >> (64 - bits),
            mask: self.mask.swap_bytes() >> (64 - bits),
        }
    }

    /// The low `bits` (8, 16 or 32), sign-extended.
    #[must_use]
    pub const fn sign_extend(self, bits: u32) -> Tnum {
        let shift = 64 - bits;
        self.shl(shift).sar(shift, 64)
    }
}
