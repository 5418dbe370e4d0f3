//! Soundness of the number domain: for numbers in the operands, the result is in the result.
//! Tracked numbers exhaustively over few bits, scalars by property.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use abide_isa::{AluOp, Cond, EndianOp, Width};
use abide_verifier::domain::{Scalar, Tnum, alu, branch};
use proptest::prelude::*;

const OPS: [AluOp; 13] = [
    AluOp::Add,
    AluOp::Sub,
    AluOp::Mul,
    AluOp::Div,
    AluOp::Sdiv,
    AluOp::Or,
    AluOp::And,
    AluOp::Xor,
    AluOp::Lsh,
    AluOp::Rsh,
    AluOp::Arsh,
    AluOp::Mod,
    AluOp::Smod,
];
const CONDS: [Cond; 11] = [
    Cond::Eq,
    Cond::Ne,
    Cond::Gt,
    Cond::Ge,
    Cond::Lt,
    Cond::Le,
    Cond::Set,
    Cond::Sgt,
    Cond::Sge,
    Cond::Slt,
    Cond::Sle,
];

/// The instruction on numbers, written a second time and in the plainest way.
fn run(op: AluOp, width: Width, a: u64, b: u64) -> u64 {
    if width == Width::W32 {
        let (x, y) = (a as u32, b as u32);
        let (sx, sy) = (x as i32, y as i32);
        return u64::from(match op {
            AluOp::Add => x.wrapping_add(y),
            AluOp::Sub => x.wrapping_sub(y),
            AluOp::Mul => x.wrapping_mul(y),
            AluOp::Div => x.checked_div(y).unwrap_or(0),
            AluOp::Sdiv => {
                if y == 0 {
                    0
                } else {
                    sx.wrapping_div(sy) as u32
                }
            }
            AluOp::Or => x | y,
            AluOp::And => x & y,
            AluOp::Xor => x ^ y,
            AluOp::Lsh => x << (y & 31),
            AluOp::Rsh => x >> (y & 31),
            AluOp::Arsh => (sx >> (y & 31)) as u32,
            AluOp::Mod => x.checked_rem(y).unwrap_or(x),
            AluOp::Smod => {
                if y == 0 {
                    x
                } else {
                    sx.wrapping_rem(sy) as u32
                }
            }
        });
    }
    let (sx, sy) = (a as i64, b as i64);
    match op {
        AluOp::Add => a.wrapping_add(b),
        AluOp::Sub => a.wrapping_sub(b),
        AluOp::Mul => a.wrapping_mul(b),
        AluOp::Div => a.checked_div(b).unwrap_or(0),
        AluOp::Sdiv => {
            if b == 0 {
                0
            } else {
                sx.wrapping_div(sy) as u64
            }
        }
        AluOp::Or => a | b,
        AluOp::And => a & b,
        AluOp::Xor => a ^ b,
        AluOp::Lsh => a << (b & 63),
        AluOp::Rsh => a >> (b & 63),
        AluOp::Arsh => (sx >> (b & 63)) as u64,
        AluOp::Mod => a.checked_rem(b).unwrap_or(a),
        AluOp::Smod => {
            if b == 0 {
                a
            } else {
                sx.wrapping_rem(sy) as u64
            }
        }
    }
}

fn holds(cond: Cond, width: Width, a: u64, b: u64) -> bool {
    let (a, b, sa, sb) = if width == Width::W32 {
        (u64::from(a as u32), u64::from(b as u32), i64::from(a as i32), i64::from(b as i32))
    } else {
        (a, b, a as i64, b as i64)
    };
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::Set => a & b != 0,
        Cond::Sgt => sa > sb,
        Cond::Sge => sa >= sb,
        Cond::Slt => sa < sb,
        Cond::Sle => sa <= sb,
    }
}

/// Numbers that are near the borders of every range more often than chance would have it.
fn number() -> impl Strategy<Value = u64> {
    let borders = [0_u64, 1 << 7, 1 << 8, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 33, 1 << 63];
    prop_oneof![
        any::<u64>(),
        0..300_u64,
        any::<u32>().prop_map(u64::from),
        (any::<i32>()).prop_map(|number| i64::from(number) as u64),
        (0..borders.len(), -4..4_i64).prop_map(move |(at, by)| borders[at].wrapping_add(by as u64)),
    ]
}

/// A set with a number that is in it, made as narrow as some of its parts allow.
fn member() -> impl Strategy<Value = (Scalar, u64)> {
    (number(), number(), number(), any::<u64>(), any::<u64>(), 0..64_u32).prop_map(
        |(x, y, z, mask, mask2, ways)| {
            let mut set = Scalar::UNKNOWN;
            if ways & 1 != 0 {
                (set.umin, set.umax) = (x.min(y), x.max(y));
            }
            if ways & 2 != 0 {
                (set.smin, set.smax) = ((x as i64).min(z as i64), (x as i64).max(z as i64));
            }
            if ways & 4 != 0 {
                (set.umin32, set.umax32) = ((x as u32).min(y as u32), (x as u32).max(y as u32));
            }
            if ways & 8 != 0 {
                (set.smin32, set.smax32) = ((x as i32).min(z as i32), (x as i32).max(z as i32));
            }
            if ways & 16 != 0 {
                let mask = mask & mask2;
                set.bits = Tnum { value: x & !mask, mask };
            }
            if ways & 32 != 0 {
                set = Scalar::constant(x);
            }
            let set = set.reduced().unwrap();
            (set, x)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn reducing_loses_nothing((set, number) in member()) {
        prop_assert!(set.contains(number), "{number:#x} not in {set:x?}");
        prop_assert!(Scalar::UNKNOWN.includes(&set));
    }

    #[test]
    fn arithmetic_is_sound((a, x) in member(), (b, y) in member(), op in 0..OPS.len(), half: bool) {
        let width = if half { Width::W32 } else { Width::W64 };
        let result = alu::binary(OPS[op], width, &a, &b);
        let number = run(OPS[op], width, x, y);
        prop_assert!(
            result.contains(number),
            "{:?} {width:?}: {x:#x}, {y:#x} give {number:#x}, not in {result:x?}\n{a:x?}\n{b:x?}", OPS[op]
        );
    }

    #[test]
    fn narrowing_is_sound((a, x) in member(), cut in 0..4_u32, (b, _) in member()) {
        let bytes = 1 << cut;
        let mask = if bytes == 8 { u64::MAX } else { (1 << (bytes * 8)) - 1 };
        prop_assert!(a.truncated(bytes).contains(x & mask));
        if bytes < 8 {
            let bits = bytes * 8;
            let wide = ((x << (64 - bits)) as i64 >> (64 - bits)) as u64;
            prop_assert!(a.sign_extended(bits).contains(wide), "{wide:#x} {bits} {a:x?} {:x?}", a.sign_extended(bits));
        }
        prop_assert!(alu::negate(Width::W64, &a).contains(x.wrapping_neg()));
        prop_assert!(alu::negate(Width::W32, &a).contains(u64::from((x as u32).wrapping_neg())));
        prop_assert!(alu::endian(EndianOp::Swap, 64, &a, true).contains(x.swap_bytes()));
        prop_assert!(alu::endian(EndianOp::ToBe, 32, &a, true).contains(u64::from((x as u32).swap_bytes())));
        prop_assert!(alu::endian(EndianOp::ToBe, 16, &a, true).contains(u64::from((x as u16).swap_bytes())));
        prop_assert!(alu::endian(EndianOp::ToLe, 16, &a, true).contains(u64::from(x as u16)));
        if b.contains(x) {
            prop_assert!(a.meet(&b).is_some_and(|both| both.contains(x)));
        }
    }

    #[test]
    fn comparisons_are_sound((a, x) in member(), (b, y) in member(), cond in 0..CONDS.len(), half: bool) {
        let width = if half { Width::W32 } else { Width::W64 };
        let outcome = holds(CONDS[cond], width, x, y);
        let after = branch::refine(CONDS[cond], width, &a, &b, outcome);
        prop_assert!(
            after.is_some_and(|(a, b)| a.contains(x) && b.contains(y)),
            "{:?} {width:?} of {x:#x}, {y:#x}: {after:x?}\n{a:x?}\n{b:x?}", CONDS[cond]
        );
        // What is narrowed was there before.
        let (c, d) = after.unwrap();
        prop_assert!(a.includes(&c) && b.includes(&d));
    }

    #[test]
    fn a_number_against_itself_is_decided(x in number(), y in number(), cond in 0..CONDS.len(), half: bool) {
        let width = if half { Width::W32 } else { Width::W64 };
        let (a, b) = (Scalar::constant(x), Scalar::constant(y));
        let outcome = holds(CONDS[cond], width, x, y);
        prop_assert!(branch::refine(CONDS[cond], width, &a, &b, !outcome).is_none());
    }
}

const BITS: u32 = 4;

fn tnums() -> Vec<Tnum> {
    let all = 0..1_u64 << BITS;
    all.clone()
        .flat_map(|mask| {
            all.clone()
                .filter(move |value| value & mask == 0)
                .map(move |value| Tnum { value, mask })
        })
        .collect()
}

fn members(of: Tnum) -> impl Iterator<Item = u64> {
    (0..1_u64 << BITS).filter(move |number| of.contains(*number))
}

#[test]
fn tracked_numbers_exhaustively() {
    for a in tnums() {
        for b in tnums() {
            let (sum, difference, product) = (a.add(b), a.sub(b), a.mul(b));
            let (and, or, xor, meet) = (a.and(b), a.or(b), a.xor(b), a.meet(b));
            let mut common = 0;
            for x in members(a) {
                common += usize::from(b.contains(x));
                for y in members(b) {
                    assert!(sum.contains(x + y) && difference.contains(x.wrapping_sub(y)));
                    assert!(product.contains(x * y), "{a:?} {b:?}");
                    assert!(and.contains(x & y) && or.contains(x | y) && xor.contains(x ^ y));
                }
            }
            assert_eq!(meet.map_or(0, |both| members(both).count()), common, "{a:?} {b:?}");
            assert_eq!(a.includes(b), members(b).all(|y| a.contains(y)));
        }
        for by in 0..BITS {
            assert!(members(a).all(|x| a.shl(by).contains(x << by) && a.shr(by).contains(x >> by)));
        }
        let (min, max) = (members(a).min().unwrap(), members(a).max().unwrap());
        assert_eq!((a.min(), a.max()), (min, max));
        assert!(members(a).all(|x| Tnum::range(min, max).contains(x)));
    }
}
