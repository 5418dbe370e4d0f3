//! The arithmetic of RFC 9669, section 4.1, where it is not simply Rust's. Pure functions.

macro_rules! width {
    ($module:ident, $unsigned:ty, $signed:ty) => {
        pub(super) mod $module {
            type U = $unsigned;
            type S = $signed;

            /// Unsigned division; by zero gives zero.
            #[inline(always)]
            pub(in crate::interpreter) fn div(a: U, b: U) -> U {
                a.checked_div(b).unwrap_or(0)
            }

            /// Signed division, towards zero; by zero gives zero, and the overflow wraps.
            #[inline(always)]
            pub(in crate::interpreter) fn sdiv(a: U, b: U) -> U {
                if b == 0 { 0 } else { (a as S).wrapping_div(b as S) as U }
            }

            /// Unsigned remainder; modulo zero leaves the dividend.
            #[inline(always)]
            pub(in crate::interpreter) fn rem(a: U, b: U) -> U {
                a.checked_rem(b).unwrap_or(a)
            }

            /// Signed remainder with the dividend's sign; modulo zero leaves the dividend.
            #[inline(always)]
            pub(in crate::interpreter) fn smod(a: U, b: U) -> U {
                if b == 0 { a } else { (a as S).wrapping_rem(b as S) as U }
            }

            /// Left shift by `b` modulo the width.
            #[inline(always)]
            pub(in crate::interpreter) fn lsh(a: U, b: U) -> U {
                a.wrapping_shl(b as u32)
            }

            /// Right shift, zeros shifted in.
            #[inline(always)]
            pub(in crate::interpreter) fn rsh(a: U, b: U) -> U {
                a.wrapping_shr(b as u32)
            }

            /// Right shift, the sign shifted in.
            #[inline(always)]
            pub(in crate::interpreter) fn arsh(a: U, b: U) -> U {
                (a as S).wrapping_shr(b as u32) as U
            }
        }
    };
}

width!(w32, u32, i32);
width!(w64, u64, i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_of_division() {
        let least = i64::MIN as u64;
        assert_eq!(w64::div(5, 0), 0);
        assert_eq!(w64::rem(5, 0), 5);
        assert_eq!(w64::sdiv(least, u64::MAX), least);
        assert_eq!(w64::smod(least, u64::MAX), 0);
        assert_eq!(w32::sdiv(0x8000_0000, u32::MAX), 0x8000_0000);
        assert_eq!(w32::smod(0x8000_0000, u32::MAX), 0);
        assert_eq!(w64::sdiv(-13i64 as u64, 4), -3i64 as u64);
        assert_eq!(w64::smod(-13i64 as u64, 4), -1i64 as u64);
        assert_eq!(w64::smod(13, -4i64 as u64), 1);
    }

    #[test]
    fn shifts_take_the_count_modulo_the_width() {
        assert_eq!(w32::lsh(1, 33), 2);
        assert_eq!(w64::lsh(1, 65), 2);
        assert_eq!(w64::lsh(1, 1 << 32), 1);
        assert_eq!(w64::arsh(least(), 63), u64::MAX);
        fn least() -> u64 {
            1 << 63
        }
    }
}
