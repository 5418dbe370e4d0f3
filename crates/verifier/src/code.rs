//! The stream decoded, and what follows from the instructions alone: functions, reachable code,
//! registers that are live, places where states are worth comparing. Knows nothing of values.

use abide_api::Program;
use abide_isa::{Imm64Kind, Insn, Kind, Reg, RegSet, decode};

use crate::codes as c;
use crate::reject::Rejection;

/// A function of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// It makes a tail call itself.
    pub(crate) tail_call: bool,
    /// It throws itself, at this slot.
    pub(crate) throws: Option<u32>,
    /// Its address is taken: the host may call it.
    pub(crate) callback: bool,
    /// Functions that it calls or takes the address of.
    pub(crate) calls: Vec<LocalCall>,
}

/// A function is called, or its address is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocalCall {
    pub(crate) slot: u32,
    pub(crate) callee: u32,
    pub(crate) address: bool,
}

/// A decoded stream.
#[derive(Debug)]
pub(crate) struct Code {
    /// By slot; `None` for the second slot of a wide instruction.
    pub(crate) insns: Vec<Option<Insn>>,
    pub(crate) functions: Vec<Function>,
    /// Registers whose value at a slot may still be read.
    pub(crate) live: Vec<RegSet>,
    /// Slots where states are compared.
    pub(crate) compare: Vec<bool>,
    /// Slots that run as often as the host says: steps of loops that it bounds.
    pub(crate) bounded: Vec<bool>,
}

/// So many instructions without a branch are a long stretch.
pub(crate) const STRETCH: usize = 64;

type Failure = (u32, Box<Rejection>);

impl Code {
    pub(crate) fn of(program: &Program, exception: Option<u32>) -> Result<Code, Failure> {
        let count = program.slots.len();
        let mut insns = vec![None; count];
        let mut slot = 0;
        while slot < count {
            let insn = decode(&program.slots[slot..]).map_err(|error| {
                let reject = Rejection::new(&c::V_INSTRUCTION, error.to_string());
                (slot as u32, reject.kernel("unknown opcode"))
            })?;
            insns[slot] = Some(insn);
            slot += insn.slots();
        }
        let functions = program
            .functions
            .iter()
            .map(|range| Function {
                name: range.name.clone(),
                start: range.slots.start,
                end: range.slots.end,
                tail_call: false,
                throws: None,
                callback: false,
                calls: Vec::new(),
            })
            .collect();
        let mut code = Code {
            insns,
            functions,
            live: vec![RegSet::EMPTY; count],
            compare: vec![false; count],
            bounded: vec![false; count],
        };
        code.find_calls()?;
        code.reach(exception)?;
        code.divide_stretches();
        code.find_live(program);
        Ok(code)
    }

    pub(crate) fn insn(&self, slot: u32) -> Option<&Insn> {
        self.insns.get(slot as usize)?.as_ref()
    }

    /// The index of the function that a slot is in.
    pub(crate) fn function_at(&self, slot: u32) -> u32 {
        let after = self.functions.partition_point(|function| function.start <= slot);
        after.saturating_sub(1) as u32
    }

    /// The function that starts at a slot.
    pub(crate) fn function_from(&self, slot: i64) -> Option<u32> {
        let slot = u32::try_from(slot).ok()?;
        let at = self.functions.binary_search_by_key(&slot, |function| function.start).ok()?;
        Some(at as u32)
    }

    fn find_calls(&mut self) -> Result<(), Failure> {
        for slot in 0..self.insns.len() as u32 {
            let Some(target) = self.insn(slot).and_then(Insn::function) else { continue };
            let to = i64::from(slot) + 1 + i64::from(target);
            let Some(callee) = self.function_from(to) else {
                let reject =
                    Rejection::new(&c::V_BAD_JUMP, format!("no function starts at insn {to}"));
                return Err((slot, reject.kernel("invalid destination of a call")));
            };
            let caller = self.function_at(slot) as usize;
            let address = matches!(self.insn(slot).map(Insn::kind), Some(Kind::LdImm64(_)));
            self.functions[caller].calls.push(LocalCall { slot, callee, address });
            self.functions[callee as usize].callback |= address;
        }
        Ok(())
    }

    /// A function and all that it calls or takes the address of, at any depth.
    pub(crate) fn below(&self, function: u32) -> Vec<u32> {
        let mut found = vec![function];
        let mut at = 0;
        while let Some(function) = found.get(at).copied() {
            at += 1;
            for call in &self.functions[function as usize].calls {
                if !found.contains(&call.callee) {
                    found.push(call.callee);
                }
            }
        }
        found
    }

    /// Where the walk can go from an instruction, within its function.
    fn successors(&self, slot: u32, insn: &Insn) -> [Option<i64>; 2] {
        let next = i64::from(slot) + insn.slots() as i64;
        let jump = insn.jump().map(|by| i64::from(slot) + 1 + i64::from(by));
        [insn.may_fall_through().then_some(next), jump]
    }

    /// Follows the code of every function that is called: it must stay inside, and all of it must be
    /// reached.
    fn reach(&mut self, exception: Option<u32>) -> Result<(), Failure> {
        let mut seen = vec![false; self.insns.len()];
        let mut called = vec![false; self.functions.len()];
        let mut work: Vec<u32> = std::iter::once(0).chain(exception).collect();
        for function in &work {
            if let Some(called) = called.get_mut(*function as usize) {
                *called = true;
            }
        }
        let mut paths = Vec::new();
        while let Some(function) = work.pop() {
            let Function { start, end, .. } = self.functions[function as usize];
            paths.push((start, start));
            while let Some((from, slot)) = paths.pop() {
                if slot < start || slot >= end || self.insn(slot).is_none() {
                    let message = format!("the next instruction would be at insn {slot}");
                    let reject = Rejection::new(&c::V_BAD_JUMP, message)
                        .kernel(format!("jump out of range from insn {from} to {slot}"));
                    return Err((from, reject));
                }
                if std::mem::replace(&mut seen[slot as usize], true) {
                    continue;
                }
                let Some(insn) = self.insns[slot as usize] else { continue };
                for (which, next) in self.successors(slot, &insn).into_iter().enumerate() {
                    let Some(next) = next else { continue };
                    let to = u32::try_from(next).unwrap_or(u32::MAX);
                    let conditional = matches!(insn.kind(), Kind::JumpIf { .. } | Kind::MayGoto);
                    if let Some(at) = self.compare.get_mut(to as usize) {
                        *at |= which == 1 || conditional;
                    }
                    paths.push((slot, to));
                }
                if matches!(insn.kind(), Kind::MayGoto | Kind::CallHelper | Kind::CallKfunc) {
                    self.compare[slot as usize] |= matches!(insn.kind(), Kind::MayGoto);
                    self.bounded[slot as usize] |= matches!(insn.kind(), Kind::MayGoto);
                }
            }
            for call in &self.functions[function as usize].calls {
                if !std::mem::replace(&mut called[call.callee as usize], true) {
                    work.push(call.callee);
                }
            }
        }
        match (0..seen.len()).find(|slot| !seen[*slot] && self.insns[*slot].is_some()) {
            None => Ok(()),
            Some(slot) => {
                let reject = Rejection::new(&c::V_UNREACHABLE, "nothing leads to this instruction")
                    .kernel(format!("unreachable insn {slot}"));
                Err((slot as u32, reject))
            }
        }
    }

    /// A jump or step to an instruction that the way to it came from: from and to, if there is one in the entry
    /// function.
    pub(crate) fn back_edge(&self) -> Option<(u32, u32)> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            No,
            OnWay,
            Done,
        }
        let mut seen = vec![Seen::No; self.insns.len()];
        // Instructions on the way, with how many of the ways on from each were followed.
        let mut way = vec![(0_u32, 0_usize)];
        seen[0] = Seen::OnWay;
        while let Some((slot, followed)) = way.last_mut() {
            let slot = *slot;
            let nexts = self.insn(slot).map_or([None, None], |insn| self.successors(slot, insn));
            let Some(next) = nexts.get(*followed) else {
                seen[slot as usize] = Seen::Done;
                way.pop();
                continue;
            };
            *followed += 1;
            let Some(next) = next.and_then(|next| u32::try_from(next).ok()) else { continue };
            match seen.get_mut(next as usize) {
                Some(at @ Seen::No) => {
                    *at = Seen::OnWay;
                    way.push((next, 0));
                }
                Some(Seen::OnWay) => return Some((slot, next)),
                _ => {}
            }
        }
        None
    }

    /// Long stretches without a branch get a place to compare at, near their begin: a path that joins one
    /// would walk it to its end otherwise, if nothing was saved where it joins.
    fn divide_stretches(&mut self) {
        let mut since = 0;
        for slot in 0..self.insns.len() {
            if self.insns[slot].is_some() {
                since = if self.compare[slot] { 0 } else { since + 1 };
                self.compare[slot] |= since == STRETCH;
            }
        }
    }

    /// Registers that a call really reads: those that the definition takes.
    fn reads(program: &Program, slot: u32, insn: &Insn) -> RegSet {
        if !matches!(insn.kind(), Kind::CallHelper | Kind::CallKfunc) {
            return insn.reads();
        }
        let prototype = program
            .calls
            .get(&slot)
            .and_then(|call| program.api.definition(call.definition).kind.prototype());
        let Some(prototype) = prototype else { return insn.reads() };
        if prototype.variadic {
            return RegSet::ARGUMENTS;
        }
        let arguments = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];
        arguments.into_iter().take(prototype.passed().count()).collect()
    }

    /// Backwards over each function until nothing changes.
    fn find_live(&mut self, program: &Program) {
        let mut changed = true;
        while changed {
            changed = false;
            for slot in (0..self.insns.len() as u32).rev() {
                let Some(insn) = self.insns[slot as usize] else { continue };
                let mut after = RegSet::EMPTY;
                for next in self.successors(slot, &insn).into_iter().flatten() {
                    if let Some(live) = self.live.get(next as usize) {
                        after = after.union(*live);
                    }
                }
                let live = after
                    .without(insn.writes())
                    .union(Self::reads(program, slot, &insn))
                    .with(Reg::FP);
                if live != self.live[slot as usize] {
                    self.live[slot as usize] = live;
                    changed = true;
                }
            }
        }
    }

    /// The target of a load of an address of a function.
    pub(crate) fn address_target(&self, slot: u32, insn: &Insn) -> Option<u32> {
        matches!(insn.kind(), Kind::LdImm64(Imm64Kind::CodeAddr)).then_some(())?;
        self.function_from(i64::from(slot) + 1 + i64::from(insn.function()?))
    }
}
