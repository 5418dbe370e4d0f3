//! What a processor may do by mistake. It runs ahead before a comparison is decided, and what it reads on the
//! wrong way leaves traces. So programs without privileges have to be safe on ways that are never taken, and
//! where a number is added to a pointer, engines mask the number: it must have one known limit at that
//! instruction, whichever way leads there.
//!
//! Ways by mistake are walked like others, but nothing that is found there makes a real way shorter. Hosts
//! that put a barrier where such a way would do harm do not need them to be safe.

use abide_isa::{AluOp, Insn, Operand, Reg};

use crate::codes as c;
use crate::memory::Access;
use crate::reject::Rejection;
use crate::state::stack::STACK_SIZE;
use crate::state::value::{Kind, Value};
use crate::walk::{Refused, Walk};

/// How engines mask the number of one addition or subtraction of registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mask {
    /// Not at all: both are numbers.
    Numbers,
    /// It may move the pointer so far, to the left if it is negative; a known number needs no mask. Which
    /// register has the pointer.
    Pointer { limit: u32, negative: bool, known: bool, swapped: bool },
    /// Not an addition but a tail call: by the number of entries of this map.
    Entries(u32),
}

/// An addition before it is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    left: bool,
    negative: bool,
    known: bool,
    swapped: bool,
    limit: u32,
}

impl Walk<'_> {
    /// Whether ways by mistake are walked.
    pub(crate) fn speculates(&self) -> bool {
        self.options.unprivileged && !self.barriers
    }

    /// A comparison has one outcome; the processor may go the other way, where nothing is known of what was
    /// compared.
    pub(crate) fn mistake(
        &mut self,
        insn: &Insn,
        source: Option<Reg>,
        other: u32,
    ) -> Result<(), Refused> {
        if !self.speculates() {
            return Ok(());
        }
        let mut state = self.state.clone();
        for reg in [Some(insn.dst), source].into_iter().flatten() {
            state.set(reg, Value::UNKNOWN);
        }
        state.speculative = Some(self.slot);
        self.fork(state, other)
    }

    /// Two numbers are added or subtracted: elsewhere the same instruction must not calculate with a pointer.
    pub(crate) fn unmasked(&mut self, insn: &Insn, op: AluOp, src: Operand) -> Result<(), Refused> {
        if !self.options.unprivileged
            || src != Operand::Reg
            || !matches!(op, AluOp::Add | AluOp::Sub)
        {
            return Ok(());
        }
        self.agree(insn.dst, op, Mask::Numbers)
    }

    /// A number is added to a pointer, or subtracted: how far it may move the pointer.
    pub(crate) fn window(
        &mut self,
        insn: &Insn,
        (op, src): (AluOp, Operand),
        pointer: &Value,
        number: &Value,
        swapped: bool,
    ) -> Result<Option<Window>, Refused> {
        if !self.options.unprivileged || src != Operand::Reg {
            return Ok(None);
        }
        let known = number.num.value().is_some();
        let negative = number.num.smin < 0;
        let mut window = None;
        if self.state.speculative.is_none() {
            if !known && negative != (number.num.smax < 0) {
                let reg = if swapped { insn.dst } else { insn.src };
                let text = format!("{reg} may be negative or not, and is added to a pointer");
                let kernel =
                    format!("R{} has unknown scalar with mixed signed bounds", reg.number());
                return Err(unmaskable(text, &kernel)
                    .help("compare it with 0, or make it unsigned, before it is added"));
            }
            let left = negative == (op == AluOp::Add);
            let reg = if swapped { insn.src } else { insn.dst };
            let limit = self.limit((reg, op), pointer, left)?;
            window = Some(Window { left, negative, known, swapped, limit });
            self.limits |= !known;
        }
        if !known && self.speculates() {
            // Masked because it is too large: then the pointer stays where it is.
            let mut state = self.state.clone();
            state.set(insn.dst, *pointer);
            state.speculative = Some(self.slot);
            self.fork(state, self.slot + 1)?;
        }
        Ok(window)
    }

    /// The same when it is done: `result` must still be inside, and the limit the one of other ways here.
    pub(crate) fn masked(
        &mut self,
        insn: &Insn,
        op: AluOp,
        window: Option<Window>,
        result: &Value,
    ) -> Result<(), Refused> {
        if !self.options.unprivileged {
            return Ok(());
        }
        self.stays_inside(insn.dst, result)?;
        let Some(window) = window else { return Ok(()) };
        let Window { left, negative, known, swapped, limit } = window;
        let after = self.limit((insn.dst, op), result, left)?;
        let limit = limit.abs_diff(after);
        self.agree(insn.dst, op, Mask::Pointer { limit, negative, known, swapped })
    }

    /// A tail call by the entries of a map.
    pub(crate) fn masked_tail_call(&mut self, map: Option<u32>) -> Result<(), Refused> {
        let Some(mask) = map.map(Mask::Entries).filter(|_| self.options.unprivileged) else {
            return Ok(());
        };
        if *self.masks.entry(self.slot).or_insert(mask) == mask {
            return Ok(());
        }
        let text = "a tail call is made by different maps, depending on the way here";
        Err(Rejection::new(&c::V_SPECULATION, text).kernel("tail_call abusing map_ptr"))
    }

    /// How far a pointer is from the end of its memory that it is moved away from.
    fn limit(&self, (reg, op): (Reg, AluOp), pointer: &Value, left: bool) -> Result<u32, Refused> {
        let (limit, most) = match pointer.kind {
            Kind::Frame(_) => {
                // The frame pointer is outside, and a place to begin at.
                let limit = pointer.fixed_offset().map_or(-1, |off| -off);
                (limit, i64::from(STACK_SIZE) + i64::from(left))
            }
            Kind::MapValue(map) => {
                let moved = if left { pointer.num.smin } else { pointer.num.smax };
                let limit = moved.saturating_add(i64::from(pointer.off));
                (limit, i64::from(self.maps[map as usize].value_size))
            }
            _ => {
                let text =
                    format!("a number is added to {reg}, {pointer}, of which the end is not known");
                let kernel =
                    format!("R{} has pointer with unsupported alu operation", reg.number());
                return Err(unmaskable(text, &kernel).help("add constants only"));
            }
        };
        match u32::try_from(limit) {
            Ok(limit) if i64::from(limit) < most => Ok(limit),
            _ => {
                let text = format!("the number moves {reg}, {pointer}, out of its memory");
                let kernel =
                    format!("R{} tried to {} beyond pointer bounds", reg.number(), word(op));
                Err(unmaskable(text, &kernel))
            }
        }
    }

    /// A pointer that was moved points into its memory.
    fn stays_inside(&mut self, reg: Reg, result: &Value) -> Result<(), Refused> {
        match result.kind {
            Kind::Frame(_) => {
                let Some(off) = result.fixed_offset() else {
                    let text =
                        format!("{reg} would point to a place of the stack that is not known");
                    return Err(Rejection::new(&c::V_SPECULATION, text).kernel(format!(
                        "R{} variable stack access prohibited for !root",
                        reg.number()
                    )));
                };
                if !(-i64::from(STACK_SIZE)..0).contains(&off) {
                    let text = format!("{reg} would point out of the stack, to r10{off:+}");
                    return Err(Rejection::new(&c::V_SPECULATION, text).kernel(format!(
                        "R{} stack pointer arithmetic goes out of range, prohibited for !root; off={off}",
                        reg.number()
                    )));
                }
            }
            Kind::MapValue(_) => {
                if let Err(outside) = self.region(result, reg, 0, 1, Access::Read) {
                    let text = format!("{reg} would point out of the map value");
                    return Err(Rejection::new(&c::V_SPECULATION, text)
                        .known(outside.message)
                        .kernel(format!(
                            "R{} pointer arithmetic of map value goes out of range, prohibited for !root",
                            reg.number()
                        )));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Every way to this instruction masks in the same way.
    fn agree(&mut self, reg: Reg, op: AluOp, mask: Mask) -> Result<(), Refused> {
        let before = *self.masks.entry(self.slot).or_insert(mask);
        if before == mask {
            return Ok(());
        }
        let text = format!(
            "what is calculated in {reg} differs between the ways here: {}, and {}",
            words(before),
            words(mask)
        );
        let kernel = format!(
            "R{} tried to {} from different maps, paths or scalars",
            reg.number(),
            word(op)
        );
        Err(unmaskable(text, &kernel))
    }

    /// Says of a refusal on a way by mistake that it is one.
    pub(crate) fn explain_mistake(&self, rejection: &mut Rejection) {
        let Some(slot) = self.state.speculative else { return };
        rejection.known.push(format!(
            "a processor can come here by mistake, before {} is decided; without privileges that must be safe, too",
            self.place_of(slot)
        ));
    }
}

fn unmaskable(text: String, kernel: &str) -> Refused {
    let tail = "pointer arithmetic with it prohibited for !root";
    Rejection::new(&c::V_SPECULATION, text).kernel(format!("{kernel}, {tail}"))
}

fn words(mask: Mask) -> String {
    match mask {
        Mask::Numbers | Mask::Entries(_) => "two numbers".to_owned(),
        Mask::Pointer { limit, known: true, .. } => {
            format!("a pointer that is moved by {limit}")
        }
        Mask::Pointer { limit, .. } => format!("a pointer that is moved by {limit} at most"),
    }
}

fn word(op: AluOp) -> &'static str {
    if op == AluOp::Add { "add" } else { "sub" }
}
