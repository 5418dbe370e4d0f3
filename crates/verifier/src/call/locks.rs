//! Locks and saved interrupt flags.

use std::rc::Rc;

use super::arguments::Passed;
use super::contract::{Contract, Parameter};
use super::graph::lock_of;
use crate::codes as c;
use crate::domain::Scalar;
use crate::reject::Rejection;
use crate::state::stack::{Byte, locate, slot_mask};
use crate::state::value::{Flags, Kind, Value};
use crate::state::{Owned, OwnedKind};
use crate::walk::{Flow, Refused, Walk};

/// What a lock that is not got returns at least.
const MAX_ERRNO: i64 = 4095;

fn refuse<T>(text: &str, kernel: &str) -> Result<T, Refused> {
    Err(Rejection::new(&c::V_LOCK, text.to_owned()).kernel(kernel.to_owned()))
}

/// Whether it may be called under a lock.
pub(crate) fn under_lock(name: &str) -> bool {
    name == "bpf_spin_unlock" || name.starts_with("bpf_res_spin_")
}

impl Walk<'_> {
    /// What a lock is held as. Only what is owned by the program or the map can be locked, and not by a
    /// function that compares nodes.
    fn lock_kind(
        &self,
        passed: &Passed,
        resilient: bool,
        irq: bool,
    ) -> Result<Option<OwnedKind>, Refused> {
        let Some((value, _)) = &passed.special else { return Ok(None) };
        let Some(of) = lock_of(value) else { return Ok(None) };
        if self.in_tree_callback() {
            return refuse(
                "a function that compares nodes locks or unlocks",
                "can't spin_{lock,unlock} in rbtree cb",
            );
        }
        Ok(Some(OwnedKind::Lock { id: value.id, of, resilient, irq }))
    }

    pub(crate) fn spin_lock(
        &mut self,
        contract: &Contract,
        passed: &Passed,
    ) -> Result<(), Refused> {
        let Some(kind) = self.lock_kind(passed, false, false)? else { return Ok(()) };
        if contract.name == "bpf_spin_lock" {
            if self.state.lock().is_some() {
                return refuse(
                    "a lock is held already",
                    "Locking two bpf_spin_locks are not allowed",
                );
            }
            self.own(kind);
            return Ok(());
        }
        self.unlock(kind, "bpf_spin_unlock")
    }

    fn own(&mut self, kind: OwnedKind) {
        let id = self.fresh_id();
        let (frame, slot) = (self.state.top(), self.slot);
        self.state.owned.push(Owned { id, kind, frame, slot });
    }

    fn unlock(&mut self, kind: OwnedKind, name: &str) -> Result<(), Refused> {
        let Some(held) = self.state.lock().copied() else {
            return refuse("no lock is held", &format!("{name} without taking a lock"));
        };
        if held.kind != kind {
            let other = self.state.owned.iter().any(|owned| owned.kind == kind);
            return if other {
                refuse(
                    "locks are given back in the order in which they were not taken",
                    &format!("{name} cannot be out of order"),
                )
            } else {
                refuse(
                    "another lock is held than the one that is given back",
                    &format!("{name} of different lock"),
                )
            };
        }
        self.state.owned.retain(|owned| owned.id != held.id);
        // What is borrowed from lists is so only under the lock.
        self.state.invalidate(self.gone(), |value| value.flags.has(Flags::BORROWED));
        Ok(())
    }

    /// A lock that is not waited for without end: it may not be got.
    pub(crate) fn resilient_lock(
        &mut self,
        contract: &Contract,
        passed: &Passed,
    ) -> Result<Option<Flow>, Refused> {
        let irq = passed.flags.is_some();
        let Some(kind) = self.lock_kind(passed, true, irq)? else { return Ok(None) };
        if contract.name.contains("unlock") {
            self.unlock(kind, "bpf_res_spin_unlock")?;
            self.restore_flags(passed, true)?;
            return Ok(None);
        }
        let same = |owned: &Owned| match (owned.kind, kind) {
            (OwnedKind::Lock { id: a, of: x, .. }, OwnedKind::Lock { id: b, of: y, .. }) => {
                a == b && x == y
            }
            _ => false,
        };
        if self.state.owned.iter().any(same) {
            return refuse(
                "the same lock is held already",
                "Acquiring the same lock again, AA deadlock detected",
            );
        }
        let next = self.slot + 1;
        let got = self.state.clone();
        self.finish_call(Value::number(Scalar::between_signed(-MAX_ERRNO, -1)))?;
        let not = std::mem::replace(&mut self.state, got);
        self.fork(not, next)?;
        self.own(kind);
        self.save_flags(passed, true)?;
        self.finish_call(Value::constant(0))?;
        Ok(Some(Flow::To(next)))
    }

    /// Where interrupt flags are kept: eight bytes of the stack.
    pub(crate) fn flags_argument(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: abide_isa::Reg,
        value: &Value,
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        let wants = "eight bytes of the stack";
        let (Kind::Frame(frame), Some(off)) = (value.kind, value.fixed_offset()) else {
            return Err(self.mismatch(contract, param, reg, value, wants).kernel(format!(
                "arg#{} doesn't point to an irq flag on stack",
                reg.number() - 1
            )));
        };
        self.stack_range(frame, value, reg, 0, 8)?;
        if off % 8 != 0 {
            return Err(self.mismatch(contract, param, reg, value, wants));
        }
        passed.flags = Some((frame, off as i32));
        Ok(())
    }

    /// Interrupts are off until the flags are restored.
    pub(crate) fn save_flags(&mut self, passed: &Passed, lock: bool) -> Result<(), Refused> {
        let Some((frame, off)) = passed.flags else { return Ok(()) };
        let (at, _) = locate(off);
        if self.state.frame_at(frame).stack.slot(at).is_object() {
            return Err(Rejection::new(&c::V_STACK_OBJECT, "there is an object already")
                .kernel("expected uninitialized irq flag as arg#0"));
        }
        if self.state.frame_at(frame).aliased & slot_mask(off, 8) != 0 {
            return Err(crate::memory::stack::aliased_stack("flags are saved"));
        }
        let id = self.fresh_id();
        self.state.irqs.push(id);
        let slot = Rc::make_mut(&mut self.state.frame_at_mut(frame).stack).slot_mut(at);
        slot.bytes = [Byte::Part; 8];
        slot.value = Value { id, ..Value::pointer(Kind::Irq { lock }) };
        self.mark_written(frame, slot_mask(off, 8));
        Ok(())
    }

    /// Flags are restored in the order in which they were not saved, by the function that belongs to
    /// the one that saved them.
    pub(crate) fn restore_flags(&mut self, passed: &Passed, lock: bool) -> Result<(), Refused> {
        let Some((frame, off)) = passed.flags else { return Ok(()) };
        let (at, _) = locate(off);
        self.mark_read(frame, slot_mask(off, 8));
        let slot = self.state.frame_at(frame).stack.slot(at);
        let saved = match slot.value.kind {
            Kind::Irq { lock } if slot.is_object() => Some(lock),
            _ => None,
        };
        let Some(by_lock) = saved else {
            return Err(Rejection::new(&c::V_STACK_OBJECT, "no interrupt flags were saved there")
                .kernel("expected an initialized irq flag as arg#0"));
        };
        if by_lock != lock || self.state.irqs.last() != Some(&slot.value.id) {
            return Err(Rejection::new(
                &c::V_SECTION,
                "other interrupt flags were saved last, or by another function",
            )
            .kernel("cannot restore irq state out of order"));
        }
        self.state.irqs.pop();
        let slot = Rc::make_mut(&mut self.state.frame_at_mut(frame).stack).slot_mut(at);
        slot.scrub();
        slot.bytes = [Byte::Misc; 8];
        Ok(())
    }
}
