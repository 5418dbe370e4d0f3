//! What a comparison says about its operands: each outcome narrows both sets, and an outcome that
//! leaves nothing cannot happen.

use abide_isa::{Cond, Width};

use super::{Scalar, Tnum};

/// The operands after a comparison that had this outcome; `None` if it cannot have it.
pub fn refine(
    cond: Cond,
    width: Width,
    a: &Scalar,
    b: &Scalar,
    outcome: bool,
) -> Option<(Scalar, Scalar)> {
    if let (Some(x), Some(y)) = (a.value(), b.value()) {
        return (holds(cond, width, x, y) == outcome).then_some((*a, *b));
    }
    // Written for outcomes that hold: the opposite of a condition is another one.
    let cond = match (cond, outcome) {
        (Cond::Set, outcome) => return set(width, a, b, outcome),
        (cond, true) => cond,
        (Cond::Eq, false) => Cond::Ne,
        (Cond::Ne, false) => Cond::Eq,
        (Cond::Gt, false) => Cond::Le,
        (Cond::Ge, false) => Cond::Lt,
        (Cond::Lt, false) => Cond::Ge,
        (Cond::Le, false) => Cond::Gt,
        (Cond::Sgt, false) => Cond::Sle,
        (Cond::Sge, false) => Cond::Slt,
        (Cond::Slt, false) => Cond::Sge,
        (Cond::Sle, false) => Cond::Sgt,
    };
    match cond {
        Cond::Gt => less(width, b, a, true).map(|(b, a)| (a, b)),
        Cond::Ge => less(width, b, a, false).map(|(b, a)| (a, b)),
        Cond::Lt => less(width, a, b, true),
        Cond::Le => less(width, a, b, false),
        Cond::Sgt => less_signed(width, b, a, true).map(|(b, a)| (a, b)),
        Cond::Sge => less_signed(width, b, a, false).map(|(b, a)| (a, b)),
        Cond::Slt => less_signed(width, a, b, true),
        Cond::Sle => less_signed(width, a, b, false),
        Cond::Eq => equal(width, a, b),
        Cond::Ne => unequal(width, a, b),
        Cond::Set => set(width, a, b, true),
    }
}

/// Whether a comparison of two numbers holds.
fn holds(cond: Cond, width: Width, a: u64, b: u64) -> bool {
    // Both halves in their place, with the sign where the comparison looks for it.
    let (a, b) = match width {
        Width::W64 => (a, b),
        Width::W32 => (a as i32 as u64, b as i32 as u64),
    };
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt => a > b,
        Cond::Ge => a >= b,
        Cond::Lt => a < b,
        Cond::Le => a <= b,
        Cond::Sgt => a as i64 > b as i64,
        Cond::Sge => a as i64 >= b as i64,
        Cond::Slt => (a as i64) < b as i64,
        Cond::Sle => a as i64 <= b as i64,
        Cond::Set => a & b != 0,
    }
}

fn equal(width: Width, a: &Scalar, b: &Scalar) -> Option<(Scalar, Scalar)> {
    if width == Width::W64 {
        let both = a.meet(b)?;
        return Some((both, both));
    }
    let low = a.low_half().meet(&b.low_half())?;
    Some((with_half(a, &low)?, with_half(b, &low)?))
}

/// A set whose low halves are those of another one.
fn with_half(a: &Scalar, low: &Scalar) -> Option<Scalar> {
    Scalar {
        bits: a.bits.meet(Tnum { value: low.bits.value, mask: low.bits.mask | !0xffff_ffff })?,
        umin32: a.umin32.max(low.umin32),
        umax32: a.umax32.min(low.umax32),
        smin32: a.smin32.max(low.smin32),
        smax32: a.smax32.min(low.smax32),
        ..*a
    }
    .reduced()
}

fn unequal(width: Width, a: &Scalar, b: &Scalar) -> Option<(Scalar, Scalar)> {
    let without = |from: &Scalar, other: &Scalar| -> Option<Scalar> {
        let mut rest = *from;
        if width == Width::W64 {
            let Some(value) = other.value() else { return Some(rest) };
            if rest.umin == value {
                rest.umin = rest.umin.checked_add(1)?;
            }
            if rest.umax == value {
                rest.umax = rest.umax.checked_sub(1)?;
            }
            if rest.smin == value as i64 {
                rest.smin = rest.smin.checked_add(1)?;
            }
            if rest.smax == value as i64 {
                rest.smax = rest.smax.checked_sub(1)?;
            }
        } else {
            let Some(value) = other.value32() else { return Some(rest) };
            if rest.umin32 == value {
                rest.umin32 = rest.umin32.checked_add(1)?;
            }
            if rest.umax32 == value {
                rest.umax32 = rest.umax32.checked_sub(1)?;
            }
            if rest.smin32 == value as i32 {
                rest.smin32 = rest.smin32.checked_add(1)?;
            }
            if rest.smax32 == value as i32 {
                rest.smax32 = rest.smax32.checked_sub(1)?;
            }
        }
        rest.reduced()
    };
    Some((without(a, b)?, without(b, a)?))
}

fn less(width: Width, a: &Scalar, b: &Scalar, strict: bool) -> Option<(Scalar, Scalar)> {
    let (mut a, mut b) = (*a, *b);
    if width == Width::W64 {
        let gap = u64::from(strict);
        a.umax = a.umax.min(b.umax.checked_sub(gap)?);
        b.umin = b.umin.max(a.umin.checked_add(gap)?);
    } else {
        let gap = u32::from(strict);
        a.umax32 = a.umax32.min(b.umax32.checked_sub(gap)?);
        b.umin32 = b.umin32.max(a.umin32.checked_add(gap)?);
    }
    Some((a.reduced()?, b.reduced()?))
}

fn less_signed(width: Width, a: &Scalar, b: &Scalar, strict: bool) -> Option<(Scalar, Scalar)> {
    let (mut a, mut b) = (*a, *b);
    if width == Width::W64 {
        let gap = i64::from(strict);
        a.smax = a.smax.min(b.smax.checked_sub(gap)?);
        b.smin = b.smin.max(a.smin.checked_add(gap)?);
    } else {
        let gap = i32::from(strict);
        a.smax32 = a.smax32.min(b.smax32.checked_sub(gap)?);
        b.smin32 = b.smin32.max(a.smin32.checked_add(gap)?);
    }
    Some((a.reduced()?, b.reduced()?))
}

/// `a & b` is, or is not, zero.
fn set(width: Width, a: &Scalar, b: &Scalar, outcome: bool) -> Option<(Scalar, Scalar)> {
    let seen = if width == Width::W64 { u64::MAX } else { u64::from(u32::MAX) };
    let both = a.bits.and(b.bits);
    if outcome {
        if both.max() & seen == 0 {
            return None;
        }
        // Only with a single bit it is known which.
        let narrow = |a: &Scalar, b: &Scalar| -> Option<Scalar> {
            let mask = if width == Width::W64 { b.value() } else { b.value32().map(u64::from) };
            match mask.filter(|mask| mask.is_power_of_two()) {
                Some(bit) => {
                    let bits = a.bits.meet(Tnum { value: bit, mask: !bit })?;
                    Scalar { bits, ..*a }.reduced()
                }
                None => Some(*a),
            }
        };
        return Some((narrow(a, b)?, narrow(b, a)?));
    }
    // Every bit that is 1 in one is 0 in the other.
    let narrow = |a: &Scalar, b: &Scalar| -> Option<Scalar> {
        let bits = a.bits.meet(Tnum { value: 0, mask: !(b.bits.value & seen) })?;
        Scalar { bits, ..*a }.reduced()
    };
    Some((narrow(a, b)?, narrow(b, a)?))
}
