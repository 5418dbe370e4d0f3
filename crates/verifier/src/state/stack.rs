//! One stack frame, byte by byte. Slot 0 is the eight bytes below the frame pointer.

use super::value::{Kind, Value};
use crate::domain::Scalar;

/// The size of a frame.
pub(crate) const STACK_SIZE: i32 = 512;

/// What one byte of the stack is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Byte {
    /// Nothing was written.
    Uninit,
    /// Some number.
    Misc,
    /// The number 0.
    Zero,
    /// A part of the slot's value: a spilled register, a dynptr, an iterator.
    Part,
}

/// Eight bytes of the stack; byte 0 has the lowest address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Slot {
    pub(crate) bytes: [Byte; 8],
    /// Meant by bytes that are `Part`: a number or pointer from byte 0 on (or its low part, if not
    /// all are), or an object that lives on the stack.
    pub(crate) value: Value,
}

impl Slot {
    const EMPTY: Slot = Slot { bytes: [Byte::Uninit; 8], value: Value::UNINIT };

    /// Whether it holds a whole spilled register.
    pub(crate) fn spilled(&self) -> bool {
        self.bytes[0] == Byte::Part && self.bytes[7] == Byte::Part && !self.is_object()
    }

    /// Whether it holds a pointer, or one to something that is gone.
    pub(crate) fn holds_pointer(&self) -> bool {
        self.spilled() && !self.value.is_scalar()
    }

    /// Whether it holds (a part of) a dynptr, an iterator, or saved flags.
    pub(crate) fn is_object(&self) -> bool {
        self.bytes[0] == Byte::Part
            && matches!(
                self.value.kind,
                Kind::Dynptr { .. } | Kind::Iterator { .. } | Kind::Irq { .. }
            )
    }

    /// The value is gone; bytes of it that are not overwritten are some numbers.
    pub(crate) fn scrub(&mut self) {
        for byte in &mut self.bytes {
            if *byte == Byte::Part {
                *byte = Byte::Misc;
            }
        }
        self.value = Value::UNINIT;
    }

    /// All bytes hold the number 0.
    pub(crate) fn is_zero(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == Byte::Zero)
    }
}

/// The slots of a frame that were touched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stack {
    slots: Vec<Slot>,
}

/// The slot and the byte in it of an offset from the frame pointer, which is from -512 to -1.
pub(crate) fn locate(offset: i32) -> (usize, usize) {
    let below = (-offset - 1) as usize;
    (below / 8, 7 - below % 8)
}

/// One bit for each slot that `size` bytes from `offset` on touch.
pub(crate) fn slot_mask(offset: i32, size: u32) -> u64 {
    if size == 0 {
        return 0;
    }
    let (high, _) = locate(offset);
    let (low, _) = locate(offset + size as i32 - 1);
    (low..=high).fold(0, |mask, slot| mask | 1 << slot)
}

impl Stack {
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn slot(&self, index: usize) -> Slot {
        self.slots.get(index).copied().unwrap_or(Slot::EMPTY)
    }

    pub(crate) fn slot_mut(&mut self, index: usize) -> &mut Slot {
        if index >= self.slots.len() {
            self.slots.resize(index + 1, Slot::EMPTY);
        }
        &mut self.slots[index]
    }

    /// Every value that is spilled or lives in it.
    pub(crate) fn values(&self) -> impl Iterator<Item = &Value> {
        self.slots.iter().filter(|slot| slot.bytes[0] == Byte::Part).map(|slot| &slot.value)
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.slots.iter_mut().filter(|slot| slot.bytes[0] == Byte::Part).map(|slot| &mut slot.value)
    }

    /// What one byte is.
    pub(crate) fn byte(&self, offset: i32) -> Byte {
        let (slot, byte) = locate(offset);
        self.slots.get(slot).map_or(Byte::Uninit, |slot| slot.bytes[byte])
    }

    /// Stores a value of `size` bytes at a known offset, whole slots and parts of them.
    pub(crate) fn store(&mut self, offset: i32, size: u32, value: &Value) {
        let (index, first) = locate(offset);
        let last = first + size as usize;
        let zero = value.is_zero();
        let fits = value.is_scalar() && value.num.umax <= Scalar::bytes(size).umax;
        let low = first == 0 && last <= 8 && (size == 8 || fits);
        let slot = self.slot_mut(index);
        if low && (size == 8 || !zero) {
            slot.scrub();
            for (at, byte) in slot.bytes.iter_mut().enumerate() {
                if at < last {
                    *byte = Byte::Part;
                }
            }
            slot.value = *value;
            return;
        }
        let with = if zero { Byte::Zero } else { Byte::Misc };
        for at in 0..size as i32 {
            let (index, byte) = locate(offset + at);
            let slot = self.slot_mut(index);
            // A part of a spilled number cannot be kept: what is left of it is some number.
            slot.scrub();
            slot.bytes[byte] = with;
        }
    }

    /// Every byte of a range becomes this.
    pub(crate) fn fill(&mut self, offset: i32, size: u32, with: Byte) {
        for at in 0..size as i32 {
            let (index, byte) = locate(offset + at);
            let slot = self.slot_mut(index);
            slot.scrub();
            slot.bytes[byte] = with;
        }
    }

    /// What a load of `size` bytes at a known offset gives: a value, or `None` for a number of that
    /// many bytes of which nothing is known. `little`: the low part of a value comes first.
    pub(crate) fn load(&self, offset: i32, size: u32, little: bool) -> Option<Value> {
        let (index, first) = locate(offset);
        let slot = self.slot(index);
        let last = first + size as usize;
        if last <= 8 && first == 0 && slot.bytes[0] == Byte::Part && !slot.is_object() {
            let parts = slot.bytes.iter().take_while(|byte| **byte == Byte::Part).count();
            if last == parts || last < parts && little && slot.value.is_scalar() {
                return Some(slot.value);
            }
        }
        // Any part of the number 0 is 0.
        let spilled = slot.value.is_zero() && !slot.is_object();
        let zero = (0..size as i32).all(|at| match self.byte(offset + at) {
            Byte::Zero => true,
            Byte::Part => spilled && locate(offset + at).0 == index,
            Byte::Misc | Byte::Uninit => false,
        });
        let node = if spilled { slot.value.node } else { Value::UNINIT.node };
        zero.then(|| Value { node, ..Value::constant(0) })
    }
}
