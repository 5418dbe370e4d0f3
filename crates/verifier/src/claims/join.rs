//! Claims put together, so that as many states as one likes take a bounded memory: what is claimed of
//! both is what the weaker says. Knows no walk.

use super::{Claim, Claimed, FrameClaim, Known, Pointer};
use crate::domain::{Scalar, Tnum};

/// So many claims of one instruction are kept apart.
const APART: usize = 24;
/// So many are kept in all: those that no other can be put together with, for they are of other calls.
const MOST: usize = 256;

impl Claimed {
    /// One more state.
    pub(super) fn add(&mut self, claim: Claim) {
        if self.open || self.claims.contains(&claim) {
            return;
        }
        if self.claims.len() < APART {
            self.claims.push(claim);
            return;
        }
        let full = self.claims.len() >= MOST;
        let alike = self.claims.iter_mut().find(|known| {
            let frames = known.frames.iter().zip(&claim.frames);
            known.frames.len() == claim.frames.len()
                && frames.clone().all(|(a, b)| a.back == b.back)
        });
        match alike {
            Some(known) => known.join(&claim),
            None if !full => self.claims.push(claim),
            None => *self = Claimed { claims: Vec::new(), open: true },
        }
    }
}

impl Claim {
    fn join(&mut self, other: &Claim) {
        for (frame, other) in self.frames.iter_mut().zip(&other.frames) {
            frame.join(other);
        }
        let ((least, most), (low, high)) = (self.references, other.references);
        self.references = (least.min(low), most.max(high));
    }
}

impl FrameClaim {
    fn join(&mut self, other: &FrameClaim) {
        self.registers.retain_mut(|(reg, known)| {
            let other = other.registers.iter().find(|(at, _)| at == reg);
            other.and_then(|(_, other)| known.join(other)).map(|joined| *known = joined).is_some()
        });
        self.stack.retain_mut(|(at, size, known)| {
            let other = other.stack.iter().find(|(to, width, _)| to == at && width == size);
            other.and_then(|(.., other)| known.join(other)).map(|joined| *known = joined).is_some()
        });
    }
}

impl Known {
    fn join(&self, other: &Known) -> Option<Known> {
        match (self, other) {
            (Known::Number { num: a, link: i }, Known::Number { num: b, link: j }) => {
                let link = if i == j { *i } else { None };
                Some(Known::Number { num: hull(a, b), link })
            }
            (Known::Pointer(a), Known::Pointer(b)) if a.to == b.to && a.offset == b.offset => {
                Some(Known::Pointer(Pointer {
                    nullable: a.nullable || b.nullable,
                    variable: hull(&a.variable, &b.variable),
                    inside: a.inside.min(b.inside),
                    ..*a
                }))
            }
            _ => None,
        }
    }
}

/// Everything that is in either.
fn hull(a: &Scalar, b: &Scalar) -> Scalar {
    let mask = a.bits.mask | b.bits.mask | (a.bits.value ^ b.bits.value);
    Scalar {
        bits: Tnum { value: a.bits.value & !mask, mask },
        umin: a.umin.min(b.umin),
        umax: a.umax.max(b.umax),
        smin: a.smin.min(b.smin),
        smax: a.smax.max(b.smax),
        umin32: a.umin32.min(b.umin32),
        umax32: a.umax32.max(b.umax32),
        smin32: a.smin32.min(b.smin32),
        smax32: a.smax32.max(b.smax32),
    }
}
