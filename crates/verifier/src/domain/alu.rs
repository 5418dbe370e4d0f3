//! Arithmetic on sets of numbers: for every pair of numbers in the operands, the result of the
//! instruction (RFC 9669 §4) is in the result. Properties in `tests/domain.rs` hold it to that.

use abide_isa::{AluOp, EndianOp, Width};

use super::{Scalar, Tnum};

/// One half or the whole of a set: the part that an operation of this width sees.
#[derive(Debug, Clone, Copy)]
struct Part {
    bits: Tnum,
    umin: u64,
    umax: u64,
    smin: i64,
    smax: i64,
}

/// The limits of a width.
#[derive(Debug, Clone, Copy)]
struct Limits {
    bits: u32,
    umax: u64,
    smin: i64,
    smax: i64,
}

const WHOLE: Limits = Limits { bits: 64, umax: u64::MAX, smin: i64::MIN, smax: i64::MAX };
const HALF: Limits =
    Limits { bits: 32, umax: u32::MAX as u64, smin: i32::MIN as i64, smax: i32::MAX as i64 };

impl Part {
    fn whole(of: &Scalar) -> Part {
        Part { bits: of.bits, umin: of.umin, umax: of.umax, smin: of.smin, smax: of.smax }
    }

    fn half(of: &Scalar) -> Part {
        Part {
            bits: of.bits.low(4),
            umin: u64::from(of.umin32),
            umax: u64::from(of.umax32),
            smin: i64::from(of.smin32),
            smax: i64::from(of.smax32),
        }
    }

    fn unknown(limits: Limits) -> Part {
        let bits = Tnum { value: 0, mask: limits.umax };
        Part { bits, umin: 0, umax: limits.umax, smin: limits.smin, smax: limits.smax }
    }

    fn unsigned(self, range: Option<(u64, u64)>) -> Part {
        range.map_or(self, |(umin, umax)| Part { umin, umax, ..self })
    }

    fn signed(self, range: Option<(i64, i64)>) -> Part {
        range.map_or(self, |(smin, smax)| Part { smin, smax, ..self })
    }

    fn bits(self, bits: Tnum) -> Part {
        Part { bits, ..self }
    }

    fn constant(&self) -> Option<u64> {
        if self.umin == self.umax {
            Some(self.umin)
        } else {
            self.bits.is_constant().then_some(self.bits.value)
        }
    }

    fn into_half(self) -> Scalar {
        let wide = Scalar {
            bits: self.bits.low(4),
            umin: self.umin,
            umax: self.umax,
            smin: 0,
            smax: i64::from(u32::MAX),
            umin32: self.umin as u32,
            umax32: self.umax as u32,
            smin32: self.smin as i32,
            smax32: self.smax as i32,
        };
        wide.reduced().unwrap_or_else(|| Scalar::bytes(4))
    }

    fn into_whole(self, low: Part) -> Scalar {
        let bits =
            self.bits.meet(Tnum { value: low.bits.value, mask: low.bits.mask | !0xffff_ffff });
        let wide = Scalar {
            bits: bits.unwrap_or(Tnum::UNKNOWN),
            umin: self.umin,
            umax: self.umax,
            smin: self.smin,
            smax: self.smax,
            umin32: low.umin as u32,
            umax32: low.umax as u32,
            smin32: low.smin as i32,
            smax32: low.smax as i32,
        };
        wide.reduced().unwrap_or(Scalar::UNKNOWN)
    }
}

/// `a op b`.
pub fn binary(op: AluOp, width: Width, a: &Scalar, b: &Scalar) -> Scalar {
    if width == Width::W32 {
        return part(op, &Part::half(a), &Part::half(b), HALF).into_half();
    }
    if let (Some(a), Some(b)) = (a.value(), b.value())
        && let Some(value) = exact(op, a, b, WHOLE)
    {
        return Scalar::constant(value);
    }
    let whole = part(op, &Part::whole(a), &Part::whole(b), WHOLE);
    // The low half of these depends on the low halves alone.
    let low = match op {
        AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::And | AluOp::Or | AluOp::Xor => {
            part(op, &Part::half(a), &Part::half(b), HALF)
        }
        _ => Part::unknown(HALF),
    };
    whole.into_whole(low)
}

/// `-a`.
pub fn negate(width: Width, a: &Scalar) -> Scalar {
    binary(AluOp::Sub, width, &Scalar::constant(0), a)
}

/// A change of byte order of the low `bits`, on a little-endian machine if `little`.
pub fn endian(op: EndianOp, bits: u32, a: &Scalar, little: bool) -> Scalar {
    let swaps = match op {
        EndianOp::Swap => true,
        EndianOp::ToLe => !little,
        EndianOp::ToBe => little,
    };
    if !swaps {
        return a.truncated(bits / 8);
    }
    let swapped = Scalar { bits: a.bits.swap(bits), ..Scalar::UNKNOWN };
    swapped.reduced().unwrap_or(Scalar::UNKNOWN)
}

/// Of single numbers; `None` for what has no one answer here.
fn exact(op: AluOp, a: u64, b: u64, limits: Limits) -> Option<u64> {
    let signed =
        |number: u64| if limits.bits == 32 { i64::from(number as i32) } else { number as i64 };
    let shift = (b as u32) & (limits.bits - 1);
    let value = match op {
        AluOp::Add => a.wrapping_add(b),
        AluOp::Sub => a.wrapping_sub(b),
        AluOp::Mul => a.wrapping_mul(b),
        AluOp::Div => a.checked_div(b).unwrap_or(0),
        AluOp::Mod => a.checked_rem(b).unwrap_or(a),
        AluOp::Sdiv if b == 0 => 0,
        AluOp::Sdiv => signed(a).wrapping_div(signed(b)) as u64,
        AluOp::Smod if b == 0 => a,
        AluOp::Smod => signed(a).wrapping_rem(signed(b)) as u64,
        AluOp::Or => a | b,
        AluOp::And => a & b,
        AluOp::Xor => a ^ b,
        AluOp::Lsh => a << shift,
        AluOp::Rsh => a >> shift,
        AluOp::Arsh => (signed(a) >> shift) as u64,
    };
    Some(value & limits.umax)
}

fn part(op: AluOp, a: &Part, b: &Part, limits: Limits) -> Part {
    let all = Part::unknown(limits);
    if let (Some(a), Some(b)) = (a.constant(), b.constant())
        && let Some(value) = exact(op, a, b, limits)
    {
        let signed = if limits.bits == 32 { i64::from(value as i32) } else { value as i64 };
        let bits = Tnum::constant(value);
        return Part { bits, umin: value, umax: value, smin: signed, smax: signed };
    }
    let low = |bits: Tnum| bits.low(limits.bits / 8);
    match op {
        AluOp::Add => all
            .bits(low(a.bits.add(b.bits)))
            .unsigned(sum(a, b, limits))
            .signed(signed_range(a.smin.checked_add(b.smin), a.smax.checked_add(b.smax), limits)),
        AluOp::Sub => all
            .bits(low(a.bits.sub(b.bits)))
            .unsigned(difference(a, b, limits))
            .signed(signed_range(a.smin.checked_sub(b.smax), a.smax.checked_sub(b.smin), limits)),
        AluOp::Mul => {
            let unsigned = a.umax.checked_mul(b.umax).filter(|max| *max <= limits.umax);
            let corners = [(a.smin, b.smin), (a.smin, b.smax), (a.smax, b.smin), (a.smax, b.smax)]
                .map(|(a, b)| a.checked_mul(b));
            let signed = corners.iter().copied().collect::<Option<Vec<i64>>>().and_then(|all| {
                signed_range(all.iter().min().copied(), all.iter().max().copied(), limits)
            });
            all.bits(low(a.bits.mul(b.bits)))
                .unsigned(unsigned.map(|max| (a.umin * b.umin, max)))
                .signed(signed)
        }
        AluOp::And => {
            let umax = a.umax.min(b.umax);
            let bits = a.bits.and(b.bits);
            let signed = (a.smin >= 0 || b.smin >= 0).then(|| {
                let max = match (a.smin >= 0, b.smin >= 0) {
                    (true, true) => a.smax.min(b.smax),
                    (true, false) => a.smax,
                    _ => b.smax,
                };
                (0, max)
            });
            all.bits(bits).unsigned(Some((bits.min(), umax))).signed(signed)
        }
        AluOp::Or => {
            let bits = a.bits.or(b.bits);
            let umin = a.umin.max(b.umin);
            all.bits(bits).unsigned(Some((umin, bits.max())))
        }
        AluOp::Xor => all.bits(a.bits.xor(b.bits)),
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => shift(op, a, b, limits),
        AluOp::Div => {
            // By zero gives zero.
            let (min, max) = match (b.umin, b.umax) {
                (0, _) => (0, a.umax),
                (low, high) => (a.umin / high, a.umax / low),
            };
            all.unsigned(Some((min, max)))
        }
        AluOp::Mod => {
            // By zero leaves the dividend.
            let max = if b.umin == 0 { a.umax } else { a.umax.min(b.umax - 1) };
            let unchanged = b.umin > a.umax;
            if unchanged { *a } else { all.unsigned(Some((0, max))) }
        }
        AluOp::Sdiv => signed_division(a, b, limits),
        AluOp::Smod => signed_remainder(a, b, limits),
    }
}

fn signed_range(min: Option<i64>, max: Option<i64>, limits: Limits) -> Option<(i64, i64)> {
    let (min, max) = (min?, max?);
    (min >= limits.smin && max <= limits.smax).then_some((min, max))
}

/// Either no sum wraps or every one does; otherwise nothing is known.
fn sum(a: &Part, b: &Part, limits: Limits) -> Option<(u64, u64)> {
    let low = u128::from(a.umin) + u128::from(b.umin);
    let high = u128::from(a.umax) + u128::from(b.umax);
    let limit = u128::from(limits.umax);
    if high <= limit {
        Some((low as u64, high as u64))
    } else if low > limit {
        Some(((low - limit - 1) as u64, (high - limit - 1) as u64))
    } else {
        None
    }
}

fn difference(a: &Part, b: &Part, limits: Limits) -> Option<(u64, u64)> {
    if a.umin >= b.umax {
        Some((a.umin - b.umax, a.umax - b.umin))
    } else if a.umax < b.umin {
        let wrap = |number: u64| number & limits.umax;
        Some((wrap(a.umin.wrapping_sub(b.umax)), wrap(a.umax.wrapping_sub(b.umin))))
    } else {
        None
    }
}

fn shift(op: AluOp, a: &Part, b: &Part, limits: Limits) -> Part {
    let all = Part::unknown(limits);
    let most = u64::from(limits.bits - 1);
    let Some(by) = b.constant().map(|by| (by & most) as u32) else {
        // By something unknown: only what shrinks is bounded.
        return match op {
            AluOp::Rsh if b.umax <= most => {
                all.unsigned(Some((a.umin >> b.umax, a.umax >> b.umin)))
            }
            AluOp::Rsh => all.unsigned(Some((0, a.umax))),
            AluOp::Arsh => all.signed(Some((a.smin.min(0), a.smax.max(0)))).tighten(a),
            AluOp::Lsh if b.umax <= most && a.umax <= limits.umax >> b.umax => {
                all.unsigned(Some((a.umin << b.umin, a.umax << b.umax)))
            }
            _ => all,
        };
    };
    let low = |bits: Tnum| bits.low(limits.bits / 8);
    match op {
        AluOp::Lsh => {
            let unsigned = (a.umax <= limits.umax >> by).then(|| (a.umin << by, a.umax << by));
            let fits = |number: i64| {
                number << by >> by == number
                    && (number << by) >= limits.smin
                    && (number << by) <= limits.smax
            };
            let signed = (fits(a.smin) && fits(a.smax)).then(|| (a.smin << by, a.smax << by));
            all.bits(low(a.bits.shl(by))).unsigned(unsigned).signed(signed)
        }
        AluOp::Rsh => all.bits(a.bits.shr(by)).unsigned(Some((a.umin >> by, a.umax >> by))),
        _ => all.bits(a.bits.sar(by, limits.bits)).signed(Some((a.smin >> by, a.smax >> by))),
    }
}

impl Part {
    /// An arithmetic right shift goes towards 0 or -1 and never past it.
    fn tighten(self, a: &Part) -> Part {
        let smin = if a.smin >= 0 { 0 } else { a.smin };
        let smax = if a.smax < 0 { -1 } else { a.smax };
        Part { smin, smax, ..self }
    }
}

fn signed_division(a: &Part, b: &Part, limits: Limits) -> Part {
    let all = Part::unknown(limits);
    let Some(by) = b.constant() else { return all };
    let by = if limits.bits == 32 { i64::from(by as i32) } else { by as i64 };
    match by {
        0 => all.unsigned(Some((0, 0))),
        // The least number has no opposite.
        -1 if a.smin == limits.smin => all,
        by => {
            let (x, y) = (a.smin / by, a.smax / by);
            all.signed(Some((x.min(y), x.max(y))))
        }
    }
}

fn signed_remainder(a: &Part, b: &Part, limits: Limits) -> Part {
    let all = Part::unknown(limits);
    let Some(by) = b.constant() else { return all };
    let by = if limits.bits == 32 { i64::from(by as i32) } else { by as i64 };
    if by == 0 {
        return *a;
    }
    // The greatest absolute value that a remainder can have.
    let most = (by.unsigned_abs() - 1).min(limits.smax as u64) as i64;
    let min = if a.smin >= 0 { 0 } else { a.smin.max(-most) };
    let max = if a.smax <= 0 { 0 } else { a.smax.min(most) };
    all.signed(Some((min, max)))
}
