//! Far branches: a jump whose target is more than 16 bits of slots away becomes one that `gotol`
//! makes, as GNU's assembler does from 2.44 on.
//!
//! ```text
//! goto far            gotol far
//!
//! if … goto far       if … goto +1
//!                     goto +1
//!                     gotol far
//! ```
//!
//! Jumps only ever become longer, until all reach. What the text has counted itself (`goto +3`) over
//! such a place is an error. Nothing here is done unless it is asked for.

use abide_diag::{Diagnostic, Span};
use abide_isa::{Insn, Level, Op, encode};

use crate::codes;
use crate::object::section::{Fixup, Need, Section, Wanted};
use crate::object::symbols::{Meaning, Origin, Place};
use crate::object::unit::Unit;

/// How often jumps are tried one by one before all that could ever need it become longer.
const PATIENCE: usize = 32;

/// What a conditional jump becomes longer by: two instructions.
const LONGER: u64 = 16;

/// A distance that the text counts on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) origin: Origin,
}

impl Section {
    /// How many bytes longer jumps have added before a place among the fixed bytes.
    pub(super) fn grown(&self, fixed: u64) -> u64 {
        let before = self.growth.partition_point(|(at, _)| *at <= fixed);
        before.checked_sub(1).map_or(0, |last| self.growth[last].1)
    }

    /// Whether a jump between two places may still become longer.
    fn may_grow(&self, from: u64, to: u64) -> bool {
        let before = |place: u64| self.jumps.partition_point(|jump| *jump < place);
        before(from) != before(to)
    }

    /// Whether the instruction at an offset jumps in any case.
    fn is_goto(&self, at: u64) -> bool {
        self.data.get(at as usize) == Some(&Op::Ja.spec().opcode)
    }

    /// Adds up what the jumps marked as far add.
    fn measure(&mut self) {
        let mut sum = 0;
        let longer = self.fixups.iter().filter(|fixup| fixup.far && !self.is_goto(fixup.fixed));
        let growth = longer.map(|fixup| {
            sum += LONGER;
            (fixup.fixed + 8, sum)
        });
        self.growth = growth.collect();
    }

    /// Makes room behind the jumps that need it.
    pub(super) fn spread(&mut self) {
        if self.growth.is_empty() {
            return;
        }
        let old = std::mem::take(&mut self.data);
        let mut from = 0;
        for (at, _) in &self.growth {
            let to = (*at as usize).min(old.len());
            self.data.extend_from_slice(&old[from..to]);
            self.data.resize(self.data.len() + LONGER as usize, 0);
            from = to;
        }
        self.data.extend_from_slice(&old[from..]);
        let mut parts = std::mem::take(&mut self.parts);
        for part in &mut parts {
            part.fixed += self.grown(part.fixed);
        }
        self.parts = parts;
    }
}

impl Unit<'_> {
    /// Whether jumps become longer where they have to.
    pub(super) fn relaxes(&self) -> bool {
        self.options.relax && self.options.level >= Level::V4
    }

    /// Whether what lies between two places of a section has its last size.
    pub(super) fn is_settled(&self, section: u32, from: u64, to: u64) -> bool {
        self.placed || !self.relaxes() || !self.sections[section as usize].may_grow(from, to)
    }

    /// An instruction at a place counts slots to its target by itself.
    pub(super) fn counts(&mut self, insn: &Insn, place: Place, span: Span) {
        if let (true, Some(slots)) = (self.relaxes(), insn.jump()) {
            let origin = self.origin(span);
            let from = place.fixed + 8;
            let to = from.saturating_add_signed(i64::from(slots) * 8);
            self.current().counted.push(Counted { from, to, origin });
        }
    }

    /// Marks the jumps that do not reach; whether there are any new ones.
    pub(super) fn lengthen(&mut self, round: usize) -> bool {
        if !self.relaxes() {
            return false;
        }
        // An instruction becomes three at most: what reaches a third of the way always will.
        let part = if round == PATIENCE { 3 } else { 1 };
        let reach = i128::from(i16::MAX) / part;
        let mut any = false;
        for section in 0..self.sections.len() {
            let far: Vec<usize> = self.sections[section]
                .fixups
                .iter()
                .enumerate()
                .filter(|(_, fixup)| !fixup.far && fixup.need == Need::Jump16)
                .filter(|(_, fixup)| {
                    let slots = self.slots_to_target(section as u32, fixup);
                    // One more is reached backwards.
                    slots.is_some_and(|slots| slots > reach || slots < -reach - 1)
                })
                .map(|(at, _)| at)
                .collect();
            if far.is_empty() {
                continue;
            }
            any = true;
            for at in far {
                self.sections[section].fixups[at].far = true;
            }
            self.sections[section].measure();
        }
        any
    }

    fn slots_to_target(&self, section: u32, fixup: &Fixup) -> Option<i128> {
        let Wanted::Symbol(symbol, addend) = fixup.wanted else { return None };
        let (symbol, number) = match self.symbols.get(symbol).meaning {
            Meaning::Value { node, .. } => {
                let value = self.evaluate(node).ok()?;
                (value.plus?, value.number)
            }
            _ => (symbol, 0),
        };
        let Meaning::Label(to) = self.symbols.get(symbol).meaning else { return None };
        let at = self.offset(Place { section, parts: fixup.parts, fixed: fixup.fixed });
        let bytes = i128::from(self.offset(to)) + number + i128::from(addend) - i128::from(at) - 8;
        (to.section == section).then_some(bytes / 8)
    }

    /// Tells of distances that the text counts on and that have changed.
    pub(super) fn check_counted(&mut self) {
        for section in 0..self.sections.len() {
            let of = &mut self.sections[section];
            let counted = std::mem::take(&mut of.counted);
            let of = &self.sections[section];
            let changed = |one: &&Counted| of.grown(one.from) != of.grown(one.to);
            let changed: Vec<Counted> = counted.iter().filter(changed).copied().collect();
            for one in changed {
                self.counted_over(one.origin);
            }
        }
    }

    fn counted_over(&mut self, origin: Origin) {
        let message = "a far branch between here and there has become longer";
        let error = Diagnostic::error(&codes::JUMP_RANGE, message)
            .help("write a label instead of counting");
        self.error_at(origin, error, "counts over it");
    }

    /// Checks what a text adds to a label that it jumps to.
    pub(super) fn check_addend(&mut self, to: Place, addend: i128, origin: Origin) {
        let of = &self.sections[to.section as usize];
        let sum = i128::from(to.fixed) + addend;
        if u64::try_from(sum).is_ok_and(|sum| of.grown(sum) != of.grown(to.fixed)) {
            self.counted_over(origin);
        }
    }

    /// Writes a jump that has become longer; `slots` are those from behind its first instruction.
    pub(super) fn write_far(&mut self, section: u32, at: u64, slots: i128) {
        let endian = self.options.endian;
        let goto = Insn { off: 1, ..Insn::new(Op::Ja) };
        let long = |slots: i128| Insn { imm: slots as i64, ..Insn::new(Op::JaLong) };
        let (number, section) = (section, &mut self.sections[section as usize]);
        let always = section.is_goto(at);
        let data = &mut section.data;
        let mut put = |at: u64, insn: Insn| {
            let hole = data.get_mut(at as usize..at as usize + 8);
            if let (Some(hole), Ok(slots)) = (hole, encode(&insn)) {
                hole.copy_from_slice(&slots[0].to_bytes(endian));
            }
        };
        if always {
            put(at, long(slots));
            return;
        }
        put(at + 8, goto);
        put(at + 16, long(slots - 2));
        self.put_number(number, at, Need::Jump16, 1);
    }
}
