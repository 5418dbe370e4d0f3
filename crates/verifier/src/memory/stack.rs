//! Accesses to stack frames, at known and unknown offsets.

use std::rc::Rc;

use abide_isa::Reg;

use crate::codes as c;
use crate::domain::Scalar;
use crate::reject::{Rejection, bytes};
use crate::state::stack::{Byte, STACK_SIZE, Slot, locate, slot_mask};
use crate::state::value::{Kind, Value};
use crate::walk::{Refused, Walk};

/// The stack is also the buffer of a slice that can be stored to.
pub(crate) fn aliased_stack(what: &str) -> Refused {
    Rejection::new(
        &c::V_STACK_OBJECT,
        format!("{what} in a buffer that can also be written through a slice of a dynptr"),
    )
    .help("use another part of the stack")
}

impl Walk<'_> {
    /// The offsets that an access can begin at, all of them inside; remembers how deep they go.
    pub(crate) fn stack_range(
        &mut self,
        frame: u8,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
    ) -> Result<(i32, i32), Refused> {
        let start = i64::from(base.off) + off;
        let low = start.saturating_add(base.num.smin);
        let high = start.saturating_add(base.num.smax);
        let lowest = -i64::from(STACK_SIZE);
        if low < lowest || high.saturating_add(i64::from(size)) > 0 || (size == 0 && high >= 0) {
            let number = reg.number();
            let (text, kernel) = if base.is_variable() {
                (
                    format!("{} through {reg}, at an offset from {low} to {high}", bytes(size)),
                    format!(
                        "invalid variable-offset access to stack R{number} off={low} size={size}"
                    ),
                )
            } else {
                (
                    format!("{} at r10{low:+}", bytes(size)),
                    format!("invalid access to stack R{number} off={low} size={size}"),
                )
            };
            return Err(Rejection::new(&c::V_STACK_BOUNDS, text)
                .kernel(kernel)
                .help("the stack is from r10-512 to r10-1; bound the index on both sides"));
        }
        let function = self.state.frame_at(frame).function as usize;
        self.depths[function] = self.depths[function].min(low as i32);
        Ok((low as i32, high as i32))
    }

    pub(crate) fn load_stack(
        &mut self,
        frame: u8,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
    ) -> Result<Value, Refused> {
        let (low, high) = self.stack_range(frame, base, reg, off, size)?;
        if low != high {
            let whole = (high - low) as u32 + size;
            self.check_stack_read(frame, low, whole, false)?;
            self.mark_read(frame, slot_mask(low, whole));
            if self.all_zero(frame, low, whole) {
                return Ok(Value::constant(0));
            }
            return Ok(Value::number(Scalar::bytes(size)));
        }
        self.mark_read(frame, slot_mask(low, size));
        let stack = Rc::clone(&self.state.frame_at(frame).stack);
        if let Some(value) = stack.load(low, size, self.options.little) {
            // A number that is filled is linked to the spilled one.
            return Ok(value);
        }
        let (index, _) = locate(low);
        let slot = stack.slot(index);
        if slot.holds_pointer() {
            return Err(Rejection::new(
                &c::V_NOT_POINTER,
                format!("{size} bytes of a pointer on the stack are read"),
            )
            .kernel("invalid size of register fill"));
        }
        self.check_stack_read(frame, low, size, false)?;
        Ok(Value::number(Scalar::bytes(size)))
    }

    /// Whether all these bytes hold the number 0; relies on that.
    fn all_zero(&mut self, frame: u8, low: i32, size: u32) -> bool {
        let stack = Rc::clone(&self.state.frame_at(frame).stack);
        let slots = (low..low + size as i32).map(|at| (stack.byte(at), stack.slot(locate(at).0)));
        let zero = |(byte, slot): (Byte, Slot)| match byte {
            Byte::Zero => true,
            Byte::Part => slot.value.is_zero(),
            Byte::Misc | Byte::Uninit => false,
        };
        if !slots.clone().all(zero) {
            return false;
        }
        for (byte, slot) in slots {
            if byte == Byte::Part {
                self.rely(&slot.value);
            }
        }
        true
    }

    /// Bytes of the stack that are read as numbers: set, and not of an object that lives there.
    pub(crate) fn check_stack_read(
        &self,
        frame: u8,
        low: i32,
        size: u32,
        host: bool,
    ) -> Result<(), Refused> {
        let stack = &self.state.frame_at(frame).stack;
        for at in low..low + size as i32 {
            let (index, _) = locate(at);
            if self.options.unprivileged && stack.slot(index).holds_pointer() {
                return Err(crate::unprivileged::disclosed(format!(
                    "the bytes at r10{at:+} are of {}",
                    stack.slot(index).value
                ))
                .kernel(format!(
                    "invalid indirect read from stack off {low}+{} size {size}",
                    at - low
                )));
            }
            if stack.slot(index).is_object() {
                return Err(Rejection::new(
                    &c::V_STACK_OBJECT,
                    format!("the bytes at r10{at:+} are of {}", stack.slot(index).value),
                )
                .kernel(format!("invalid read from stack off {at}+0 size {size}")));
            }
            if stack.byte(at) == Byte::Uninit && !self.options.uninit_stack {
                let kernel = if host {
                    format!("invalid indirect read from stack off {low}+{} size {size}", at - low)
                } else {
                    format!("invalid read from stack off {low}+{} size {size}", at - low)
                };
                return Err(Rejection::new(
                    &c::V_STACK_UNINIT,
                    format!("the byte at r10{at:+} was never written"),
                )
                .kernel(kernel)
                .help("initialise all of it, padding included: memset, or = {}"));
            }
        }
        Ok(())
    }

    pub(crate) fn store_stack(
        &mut self,
        frame: u8,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
        value: &Value,
    ) -> Result<(), Refused> {
        let (low, high) = self.stack_range(frame, base, reg, off, size)?;
        let top = self.state.top();
        if matches!(value.kind, Kind::Frame(_)) && frame != top {
            return Err(Rejection::new(
                &c::V_STACK_BOUNDS,
                "a pointer to this frame is stored in the frame of a caller",
            )
            .kernel("cannot spill pointers to stack into stack frame of the caller"));
        }
        if value.is_pointer() && size != 8 {
            return Err(Rejection::new(
                &c::V_NOT_POINTER,
                format!("{size} bytes of a pointer are stored"),
            )
            .kernel("invalid size of register spill"));
        }
        let whole = (high - low) as u32 + size;
        self.overwrite_objects(frame, low, whole)?;
        self.overwrite_pointers(frame, low, whole)?;
        let aliased = self.state.frame_at(frame).aliased & slot_mask(low, whole) != 0;
        if aliased && value.is_pointer() {
            return Err(aliased_stack("a pointer is stored"));
        }
        if aliased && low == high {
            let frame = self.state.frame_at_mut(frame);
            Rc::make_mut(&mut frame.stack).fill(low, size, Byte::Misc);
            return Ok(());
        }
        if low != high {
            // Any of these bytes may be written: a number there is some number afterwards.
            let zero = value.is_zero();
            if zero {
                self.rely(value);
            }
            let frame = self.state.frame_at_mut(frame);
            let stack = Rc::make_mut(&mut frame.stack);
            for at in low..low + whole as i32 {
                let (index, byte) = locate(at);
                let slot = stack.slot_mut(index);
                if zero && slot.value.is_zero() && slot.bytes[byte] == Byte::Part {
                    continue;
                }
                slot.scrub();
                if !(zero && slot.bytes[byte] == Byte::Zero) && slot.bytes[byte] != Byte::Uninit {
                    slot.bytes[byte] = Byte::Misc;
                }
                // What was never written may be so now; reading it needs the right to read such bytes.
            }
            return Ok(());
        }
        let mut stored = *value;
        if stored.is_scalar() && stored.num.umax > Scalar::bytes(size).umax {
            stored.num = stored.num.truncated(size);
            stored.unlink();
        }
        if stored.is_scalar() && stored.id == 0 && stored.num.value().is_none() {
            // Whoever stores it still has it: both are equal from now on.
            stored.unlink();
            stored.id = self.fresh_id();
            let (top, id) = (self.state.top(), stored.id);
            let regs = &mut self.state.frame_at_mut(top).regs;
            if let Some(insn) = self.code.insns[self.slot as usize]
                && matches!(
                    insn.kind(),
                    abide_isa::Kind::Store { src: abide_isa::Operand::Reg, .. }
                )
            {
                let source = &mut regs[insn.src.index()];
                if source.is_scalar() && source.num == stored.num {
                    source.unlink();
                    source.id = id;
                }
            }
        }
        if stored.is_zero() {
            self.rely(&stored);
        }
        if stored.is_scalar() && !self.keeps_in_mind() {
            let with = if stored.is_zero() { Byte::Zero } else { Byte::Misc };
            let mask = if size == 8 { slot_mask(low, 8) } else { 0 };
            Rc::make_mut(&mut self.state.frame_at_mut(frame).stack).fill(low, size, with);
            self.mark_written(frame, mask);
            return Ok(());
        }
        let mask = if size == 8 { slot_mask(low, 8) } else { 0 };
        let index = frame;
        let frame = self.state.frame_at_mut(frame);
        Rc::make_mut(&mut frame.stack).store(low, size, &stored);
        self.mark_written(index, mask);
        Ok(())
    }

    /// The host may write anything to these bytes.
    pub(crate) fn scrub_stack(&mut self, frame: u8, low: i32, size: u32) -> Result<(), Refused> {
        self.overwrite_objects(frame, low, size)?;
        self.overwrite_pointers(frame, low, size)?;
        let mut mask = 0;
        let mut at = low;
        // Slots that are wholly inside.
        while at < low + size as i32 {
            let (index, byte) = locate(at);
            if byte == 0 && at + 8 <= low + size as i32 {
                mask |= 1 << index;
            }
            at += 1;
        }
        let index = frame;
        let frame = self.state.frame_at_mut(frame);
        Rc::make_mut(&mut frame.stack).fill(low, size, Byte::Misc);
        self.mark_written(index, mask);
        Ok(())
    }

    /// Pointers on the stack that are overwritten in part: what is left of them would be a number. What the host
    /// writes counts byte by byte.
    fn overwrite_pointers(&self, frame: u8, low: i32, size: u32) -> Result<(), Refused> {
        if !self.options.unprivileged {
            return Ok(());
        }
        let called = self.code.insn(self.slot).is_some_and(abide_isa::Insn::is_call);
        let whole = size == 8 && !called;
        let stack = &self.state.frame_at(frame).stack;
        for at in low..low + size as i32 {
            let (index, _) = locate(at);
            if stack.slot(index).holds_pointer() && !whole {
                let text = format!("a part of the pointer at r10{at:+} is overwritten");
                return Err(crate::unprivileged::disclosed(text)
                    .kernel("attempt to corrupt spilled pointer on stack"));
            }
        }
        Ok(())
    }

    /// Objects on the stack that are overwritten: ones that own something must not be.
    pub(crate) fn overwrite_objects(
        &mut self,
        frame: u8,
        low: i32,
        size: u32,
    ) -> Result<(), Refused> {
        let mut hit: Vec<Value> = Vec::new();
        let stack = &self.state.frame_at(frame).stack;
        let mut mask = slot_mask(low, size);
        while mask != 0 {
            let index = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            let slot = stack.slot(index);
            if slot.is_object() && !hit.iter().any(|value| value.id == slot.value.id) {
                hit.push(slot.value);
            }
        }
        for value in hit {
            self.destroy_object(&value)?;
        }
        Ok(())
    }

    fn destroy_object(&mut self, value: &Value) -> Result<(), Refused> {
        if value.owner != 0 {
            let kernel = match value.kind {
                Kind::Dynptr { .. } => "cannot overwrite referenced dynptr".to_owned(),
                _ => format!("Unreleased reference id={}", value.owner),
            };
            // An iterator or flags that are overwritten can never be given back: the end will tell.
            if matches!(value.kind, Kind::Dynptr { .. }) {
                return Err(Rejection::new(
                    &c::V_STACK_OBJECT,
                    "a dynptr that owns a record is overwritten",
                )
                .kernel(kernel));
            }
        }
        let id = value.id;
        // All slots of the object, and slices of it.
        self.state.invalidate(self.gone(), |other| {
            matches!(other.kind, Kind::Memory(_)) && other.owner == id && id != 0
        });
        for frame in &mut self.state.frames {
            if !frame.stack.slots().iter().any(|slot| slot.is_object() && slot.value.id == id) {
                continue;
            }
            let stack = Rc::make_mut(&mut Rc::make_mut(frame).stack);
            for at in 0..stack.slots().len() {
                if stack.slot(at).is_object() && stack.slot(at).value.id == id {
                    stack.slot_mut(at).scrub();
                }
            }
        }
        Ok(())
    }
}
