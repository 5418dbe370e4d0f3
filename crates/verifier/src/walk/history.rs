//! How a program came to where it was refused: the instructions on the path, and what was in the
//! registers before each. Kept only when a refusal is explained, by walking once more.

use abide_isa::{Insn, Kind as Op, Operand, Reg};

use super::Walk;
use crate::reject::Rejection;
use crate::state::value::{Kind, Value};

/// The most steps that are kept: longer walks are not explained.
pub(crate) const MOST: u64 = 20_000;
/// The most notes for one register.
const NOTES: usize = 5;
/// Registers that are looked at.
const REGS: usize = 10;

/// One instruction that was walked.
#[derive(Debug)]
struct Step {
    slot: u32,
    /// The step before it, 0 for none.
    before: u32,
    /// How many frames there were.
    frames: usize,
    /// The registers before it.
    regs: [Value; REGS],
}

/// All that was walked, as a tree: paths share their beginnings.
#[derive(Debug, Default)]
pub(crate) struct History {
    steps: Vec<Step>,
}

impl Walk<'_> {
    /// Remembers the instruction that is walked next.
    pub(crate) fn remember(&mut self) {
        let Some(history) = &mut self.history else { return };
        let regs = std::array::from_fn(|at| self.state.frame().regs[at]);
        let frames = self.state.frames.len();
        history.steps.push(Step { slot: self.slot, before: self.state.step, frames, regs });
        self.state.step = history.steps.len() as u32;
    }

    /// Says of the registers that a refused instruction uses how they came to be what they are.
    pub(crate) fn explain(&self, rejection: &mut Rejection) {
        let path = self.path();
        let Some(insn) = self.code.insn(rejection.slot) else { return };
        if path.last().is_none_or(|step| step.slot != rejection.slot) {
            return;
        }
        let named = |reg: Reg| {
            let text = format!("r{}", reg.number());
            let words = rejection.message.split(|c: char| !c.is_ascii_alphanumeric());
            words.into_iter().any(|word| word == text)
        };
        let used = insn.reads();
        for reg in used.iter().filter(|reg| reg.index() < REGS) {
            let value = path[path.len() - 1].regs[reg.index()];
            if (!insn.is_call() || named(reg)) && is_interesting(&value) {
                let notes = self.story(&path, reg);
                rejection.known.extend(notes);
            }
        }
    }

    /// The steps to here, the first one first.
    fn path(&self) -> Vec<&Step> {
        let mut path = Vec::new();
        let Some(history) = &self.history else { return path };
        let mut at = self.state.step;
        while let Some(step) = at.checked_sub(1).and_then(|at| history.steps.get(at as usize)) {
            path.push(step);
            at = step.before;
        }
        path.reverse();
        path
    }

    /// What happened to a register, the oldest first.
    fn story(&self, path: &[&Step], reg: Reg) -> Vec<String> {
        let mut notes = Vec::new();
        let (mut reg, mut later) = (reg, path.len() - 1);
        let mut told = None;
        while notes.len() < NOTES {
            let Some(found) = self.last_change(path, reg, later) else { break };
            let (step, after) = (path[found], &path[later_of(path, found)].regs[reg.index()]);
            let Some(insn) = self.code.insn(step.slot) else { break };
            let before = &step.regs[reg.index()];
            let place = self.place_of(step.slot);
            if !insn.writes().contains(reg) || insn.is_call() && reg != Reg::R0 {
                if insn.is_call() {
                    let name = self.called(step.slot);
                    notes.push(format!("{reg} was {before} until the call of {name} at {place}"));
                    break;
                }
                notes.push(format!("{reg} is {after} after the comparison at {place}"));
                later = found;
                continue;
            }
            match insn.kind() {
                Op::CallHelper | Op::CallKfunc | Op::CallLocal => {
                    let name = self.called(step.slot);
                    notes.push(format!("{reg} is what {name} returned at {place}: {after}"));
                    break;
                }
                Op::Mov { src: Operand::Reg, .. } => reg = insn.src,
                Op::Load { .. } => {
                    let Some((store, source)) = self.stored(path, found, insn) else {
                        notes.push(format!("{reg} was loaded at {place}: {after}"));
                        break;
                    };
                    (reg, later) = (source, store);
                    continue;
                }
                Op::Alu { src, .. } => {
                    // Of the steps of one line the last one is enough.
                    let line = self.program.line_at(step.slot).map(|line| line.line);
                    if line.is_none() || told != Some((reg, line)) {
                        notes.push(format!("{reg} is {after} since {place}"));
                    }
                    told = Some((reg, line));
                    let other = (src == Operand::Reg).then_some(insn.src);
                    let known =
                        |other: &Reg| step.regs.get(other.index()).is_some_and(is_interesting);
                    let other = other.filter(known);
                    if let Some(other) =
                        other.filter(|_| !before.is_scalar() || !is_interesting(before))
                    {
                        reg = other;
                    }
                }
                _ => {
                    notes.push(format!("{reg} is {after} since {place}"));
                    break;
                }
            }
            later = found;
        }
        notes.reverse();
        notes
    }

    /// The last step before `later` in the same frame after which the register was another one.
    fn last_change(&self, path: &[&Step], reg: Reg, later: usize) -> Option<usize> {
        // Of the frame pointer there is nothing to tell.
        path.get(later)?.regs.get(reg.index())?;
        let frames = path[later].frames;
        let mut next = later;
        for at in (0..later).rev() {
            if path[at].frames < frames {
                return None;
            }
            if path[at].frames > frames {
                continue;
            }
            let (old, new) = (&path[at].regs[reg.index()], &path[next].regs[reg.index()]);
            let written =
                self.code.insn(path[at].slot).is_some_and(|insn| insn.writes().contains(reg));
            if differs(old, new)
                || written && !self.code.insn(path[at].slot).is_some_and(Insn::is_call)
            {
                return Some(at);
            }
            if written && reg == Reg::R0 {
                return Some(at);
            }
            next = at;
        }
        None
    }

    /// The store to the stack that a load gets back, and the register that it stored.
    fn stored(&self, path: &[&Step], load: usize, insn: &Insn) -> Option<(usize, Reg)> {
        if insn.src != Reg::FP {
            return None;
        }
        let frames = path[load].frames;
        for at in (0..load).rev() {
            if path[at].frames < frames {
                return None;
            }
            let found = self.code.insn(path[at].slot).filter(|_| path[at].frames == frames);
            if let Some(store) = found
                && let Op::Store { src: Operand::Reg, .. } = store.kind()
                && store.dst == Reg::FP
                && store.off == insn.off
            {
                return Some((at, store.src));
            }
        }
        None
    }

    /// What is called at a slot.
    pub(crate) fn called(&self, slot: u32) -> String {
        if let Some(call) = self.program.calls.get(&slot) {
            return self.program.api.definition(call.definition).name.clone();
        }
        let callee = self.code.insn(slot).and_then(|insn| {
            let target = i64::from(slot) + 1 + i64::from(insn.function()?);
            self.code.function_from(target)
        });
        callee.map_or_else(
            || "a function".to_owned(),
            |callee| format!("`{}`", self.code.functions[callee as usize].name),
        )
    }

    /// A place for people: the line, if it is known, and the instruction.
    pub(crate) fn place_of(&self, slot: u32) -> String {
        match self.program.line_at(slot) {
            Some(line) if !line.text.trim().is_empty() => {
                let text = abide_diag::printable(line.text.trim()).into_owned();
                format!("insn {slot}, line {}: `{text}`", line.line)
            }
            Some(line) => format!("insn {slot}, line {}", line.line),
            None => format!("insn {slot}"),
        }
    }
}

/// The step after one in the same frame.
fn later_of(path: &[&Step], at: usize) -> usize {
    let frames = path[at].frames;
    (at + 1..path.len()).find(|next| path[*next].frames <= frames).unwrap_or(at)
}

/// There is something to tell about it.
fn is_interesting(value: &Value) -> bool {
    match value.kind {
        Kind::Scalar => value.num.value().is_none(),
        Kind::Uninit => true,
        _ => value.is_variable(),
    }
}

fn differs(old: &Value, new: &Value) -> bool {
    old.kind != new.kind
        || old.flags != new.flags
        || old.off != new.off
        || old.num != new.num
        || old.range != new.range
}
