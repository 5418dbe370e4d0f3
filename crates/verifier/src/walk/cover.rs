//! Whether a saved state covers another: everything that the other can be, the saved one could be, as
//! far as anything looked at it.

use abide_isa::Reg;

use super::Walk;
use super::prune::Saved;
use crate::state::stack::{Byte, Slot};
use crate::state::value::{Kind, Value};
use crate::state::{Entered, Frame, OwnedKind, State};

/// How alike states must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exact {
    /// Only what was read and relied on counts.
    No,
    /// Everything that is live counts, numbers may be fewer.
    Range,
    /// Everything that is live is the same.
    Same,
}

/// A comparison; identities of the one stand for identities of the other.
pub(crate) struct Cover<'w, 'a> {
    walk: &'w Walk<'a>,
    exact: Exact,
    /// With by how much the offsets of linked numbers differ: only differences among them count.
    ids: Vec<(u32, u32, i64)>,
    fresh: u32,
    /// The register of the running frame that told them apart.
    pub(crate) told: Option<Reg>,
}

impl<'w, 'a> Cover<'w, 'a> {
    pub(crate) fn new(walk: &'w Walk<'a>, exact: Exact) -> Self {
        Cover { walk, exact, ids: Vec::new(), fresh: u32::MAX, told: None }
    }

    pub(crate) fn states(&mut self, saved: &Saved, new: &State) -> bool {
        let old = &saved.state;
        if old.frames.len() != new.frames.len()
            || old.owned.len() != new.owned.len()
            || old.rcu != new.rcu
            || old.preempt != new.preempt
            || old.irqs.len() != new.irqs.len()
            // What was found on a way by mistake says nothing of real ones.
            || old.speculative.is_some() && new.speculative.is_none()
        {
            return false;
        }
        for (a, b) in old.owned.iter().zip(&new.owned) {
            let kinds = match (a.kind, b.kind) {
                (OwnedKind::Reference, OwnedKind::Reference) => true,
                (
                    OwnedKind::Lock { id: i, of: x, resilient: r, irq: p },
                    OwnedKind::Lock { id: j, of: y, resilient: s, irq: q },
                ) => x == y && r == s && p == q && self.same_id(i, j),
                _ => false,
            };
            if !kinds || !self.same_id(a.id, b.id) || a.frame != b.frame {
                return false;
            }
        }
        for (a, b) in old.irqs.iter().zip(&new.irqs) {
            if !self.same_id(*a, *b) {
                return false;
            }
        }
        let top = old.frames.len() - 1;
        for index in 0..=top {
            let (a, b) = (&old.frames[index], &new.frames[index]);
            if a.function != b.function || a.entered != b.entered {
                return false;
            }
            let slot = if index == top {
                self.walk.slot
            } else {
                match old.frames[index + 1].entered {
                    Entered::Call { back } => back,
                    Entered::Callback { call, .. } => call,
                    Entered::Entry => return false,
                }
            };
            if !self.frames(a, b, slot, saved.read[index]) {
                return false;
            }
        }
        true
    }

    fn frames(&mut self, old: &Frame, new: &Frame, slot: u32, read: u64) -> bool {
        if new.aliased & !old.aliased != 0 || old.rounds > new.rounds {
            return false;
        }
        let live = self.walk.code.live[slot as usize];
        for reg in Reg::all().take(10) {
            if live.contains(reg) && !self.values(&old.regs[reg.index()], &new.regs[reg.index()]) {
                self.told = Some(reg);
                return false;
            }
        }
        let count = match self.exact {
            Exact::No => old.stack.slots().len(),
            _ => old.stack.slots().len().max(new.stack.slots().len()),
        };
        (0..count).all(|at| {
            if self.exact == Exact::No && read >> at & 1 == 0 {
                return true;
            }
            let (a, b) = (old.stack.slot(at), new.stack.slot(at));
            self.slots(&a, &b)
        })
    }

    fn slots(&mut self, old: &Slot, new: &Slot) -> bool {
        if self.exact == Exact::Same {
            return old.bytes == new.bytes
                && (old.bytes[0] != Byte::Part || self.values(&old.value, &new.value));
        }
        if old.is_object() || new.is_object() {
            return old.is_object() && new.is_object() && self.values(&old.value, &new.value);
        }
        let parts = |slot: &Slot| slot.bytes.iter().filter(|byte| **byte == Byte::Part).count();
        let (a, b) = (parts(old), parts(new));
        let relied = old.bytes[0] == Byte::Part
            && (!old.value.is_scalar()
                || self.exact != Exact::No
                || self.walk.limits
                || self.walk.nodes.marked(old.value.node));
        // A number that nothing relied on is as good as some bytes.
        let old_part = |byte: Byte| if byte == Byte::Part && !relied { Byte::Misc } else { byte };
        if relied {
            if a != b {
                // A zeroed slot is the number 0.
                let zero = a == 8 && b == 0 && new.is_zero();
                return zero && self.values(&old.value, &Value::constant(0));
            }
            if !self.values(&old.value, &new.value) {
                return false;
            }
        }
        let new_scalar = new.bytes[0] != Byte::Part || new.value.is_scalar();
        let new_zero = b > 0 && new.value.is_zero();
        (0..8).all(|at| match (old_part(old.bytes[at]), new.bytes[at]) {
            (Byte::Uninit, _) => true,
            (Byte::Part, byte) => byte == Byte::Part,
            (Byte::Zero, Byte::Zero) => true,
            // The 0 is relied on, and by that new one, too; see `propagate`: not followed there.
            (Byte::Zero, Byte::Part) => {
                new_zero && new.value.node == crate::state::nodes::Node::NONE
            }
            (Byte::Zero, _) => false,
            (Byte::Misc, Byte::Misc | Byte::Zero) => true,
            (Byte::Misc, Byte::Part) => new_scalar,
            (Byte::Misc, Byte::Uninit) => self.walk.options.uninit_stack,
        })
    }

    /// Whether one register alone tells states apart, whatever else is in them.
    pub(crate) fn apart(walk: &Walk<'_>, exact: Exact, old: &Value, new: &Value) -> bool {
        if old.is_scalar() && new.is_scalar() {
            return (exact != Exact::No || walk.nodes.marked(old.node))
                && !old.num.includes(&new.num);
        }
        old.kind != Kind::Uninit && old.kind != new.kind
    }

    fn same_id(&mut self, old: u32, new: u32) -> bool {
        if old == 0 {
            return new == 0;
        }
        self.known_id(old, new, 0)
    }

    fn known_id(&mut self, old: u32, new: u32, shift: i64) -> bool {
        if let Some((_, known, by)) = self.ids.iter().find(|(a, ..)| *a == old) {
            return *known == new && *by == shift;
        }
        if self.ids.iter().any(|(_, b, _)| *b == new) {
            return false;
        }
        self.ids.push((old, new, shift));
        true
    }

    fn values(&mut self, old: &Value, new: &Value) -> bool {
        if old.kind == Kind::Uninit {
            return self.exact != Exact::Same || new.kind == Kind::Uninit;
        }
        if old.is_scalar() {
            if !new.is_scalar() {
                return false;
            }
            if self.exact == Exact::Same {
                return old.num == new.num && (old.id == 0) == (new.id == 0);
            }
            if self.walk.limits && old.num != new.num {
                // Fewer numbers may have another limit.
                return false;
            }
            if self.exact == Exact::No && !self.walk.limits && !self.walk.nodes.marked(old.node) {
                return true;
            }
            if !old.num.includes(&new.num) {
                return false;
            }
            if old.id == 0 {
                return true;
            }
            if new.id == 0 {
                // Equal to nothing else: an identity of its own.
                self.fresh -= 1;
                let fresh = self.fresh;
                return self.known_id(old.id, fresh, 0);
            }
            let shift = i64::from(new.off) - i64::from(old.off);
            return old.flags == new.flags && self.known_id(old.id, new.id, shift);
        }
        if old.kind != new.kind || old.flags != new.flags || old.off != new.off {
            return false;
        }
        let numbers =
            if self.exact == Exact::Same { old.num == new.num } else { old.num.includes(&new.num) };
        numbers
            && self.same_id(old.id, new.id)
            && self.same_id(old.owner, new.owner)
            && match old.kind {
                // There it is which of several maps the value is of.
                Kind::MapValue(_) => self.same_id(old.range, new.range),
                // There it is the frame that the memory may be in.
                Kind::Memory(_) => old.range == new.range,
                _ if self.exact == Exact::Same => old.range == new.range,
                _ => old.range <= new.range,
            }
    }
}
