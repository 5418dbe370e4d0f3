//! A program made ready to run: decoded once, jumps and calls resolved. Runs nothing.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use abide_diag::Diagnostic;
use abide_isa::{Imm64Kind, Kind, Op, Raw, decode};
use abide_object::Line;
use abide_verifier::claims::Claims;

use crate::body::Body;
use crate::codes;
use crate::context::ContextLayout;
use crate::memory::{FUNCTIONS, MapRef, MapSpace, address};
use crate::trap::{Place, Trap};

/// An instruction with everything resolved that can be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) dst: u8,
    pub(crate) src: u8,
    /// Offset of an address; for jumps the distance in steps after the next.
    pub(crate) off: i32,
    /// The immediate, extended to 64 bits; the value of `ld_imm64`; the first step of a called
    /// function; the index of a call site.
    pub(crate) imm: u64,
}

/// A call of the host.
#[derive(Debug, Clone)]
pub(crate) struct CallSite {
    /// `name@NODE`.
    pub(crate) label: Arc<str>,
    pub(crate) body: Body,
}

/// A function of the program.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) slots: Range<u32>,
}

/// What an image is made from.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) name: &'a str,
    pub(crate) program_type: &'a str,
    pub(crate) slots: &'a [Raw],
    /// By slot.
    pub(crate) calls: Vec<(u32, CallSite)>,
    /// Instructions that the host's types have no place for, by slot.
    pub(crate) lacking: BTreeMap<u32, Diagnostic>,
    pub(crate) functions: Vec<Function>,
    /// Sorted by slot.
    pub(crate) lines: Vec<Line>,
    pub(crate) space: Arc<MapSpace>,
    /// The program's map indexes as indexes of the space.
    pub(crate) maps: Vec<u32>,
    pub(crate) layout: Option<Arc<ContextLayout>>,
    pub(crate) returns: Option<(i64, i64)>,
    pub(crate) claims: Option<Claims>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) program_type: String,
    pub(crate) steps: Vec<Step>,
    pub(crate) calls: Vec<CallSite>,
    pub(crate) space: Arc<MapSpace>,
    pub(crate) layout: Option<Arc<ContextLayout>>,
    pub(crate) returns: Option<(i64, i64)>,
    /// What the proof says of each instruction, if runs are compared with it.
    pub(crate) claims: Option<Claims>,
    /// The program's map indexes as indexes of the space.
    maps: Vec<u32>,
    /// Whether the function that begins at step 0 uses its stack.
    pub(crate) entry_uses_stack: bool,
    lacking: BTreeMap<u32, Diagnostic>,
    /// The slot of each step.
    slots: Vec<u32>,
    raw: Vec<Raw>,
    functions: Vec<Function>,
    lines: Vec<Line>,
}

/// The guest address of a function.
fn function_address(step: u32) -> u64 {
    address(FUNCTIONS, step << 3)
}

impl Image {
    /// Decodes and resolves; the trap that a run would end in, if something cannot be executed at all.
    pub(crate) fn new(source: Source<'_>) -> Result<Image, Trap> {
        let mut image = Image {
            name: source.name.to_owned(),
            program_type: source.program_type.to_owned(),
            steps: Vec::with_capacity(source.slots.len() + 1),
            calls: Vec::new(),
            space: source.space,
            layout: source.layout,
            returns: source.returns,
            claims: source.claims,
            maps: source.maps,
            entry_uses_stack: true,
            lacking: source.lacking,
            slots: Vec::with_capacity(source.slots.len() + 1),
            raw: source.slots.to_vec(),
            functions: source.functions,
            lines: source.lines,
        };
        // Step of each slot; none for the second slot of a wide instruction.
        let mut step_of = vec![None; source.slots.len() + 1];
        let mut slot = 0;
        while slot < source.slots.len() {
            let insn = decode(&source.slots[slot..])
                .map_err(|error| image.invalid(slot as u32, error.to_string()))?;
            step_of[slot] = Some(image.steps.len() as u32);
            image.slots.push(slot as u32);
            image.steps.push(Step {
                op: insn.op,
                dst: insn.dst.number(),
                src: insn.src.number(),
                off: i32::from(insn.off),
                imm: insn.imm as u64,
            });
            slot += insn.slots();
        }
        image.slots.push(source.slots.len() as u32);
        let mut sites: BTreeMap<u32, CallSite> = source.calls.into_iter().collect();
        let maps = image.maps.clone();
        for index in 0..image.steps.len() {
            image.resolve(index, &step_of, &maps, &mut sites)?;
        }
        image.mark_stack_use();
        Ok(image)
    }

    fn resolve(
        &mut self,
        index: usize,
        step_of: &[Option<u32>],
        maps: &[u32],
        sites: &mut BTreeMap<u32, CallSite>,
    ) -> Result<(), Trap> {
        let slot = self.slots[index];
        let step = self.steps[index];
        let target = |distance: i64| {
            let to = usize::try_from(i64::from(slot) + 1 + distance).ok();
            to.and_then(|to| step_of.get(to).copied().flatten())
        };
        let jump = |distance: i64| {
            let to = target(distance).ok_or_else(|| {
                let to = i64::from(slot) + 1 + distance;
                self.invalid(slot, format!("jump to slot {to}, where no instruction starts"))
            })?;
            // Both are below 2^31: the program's slots are counted in u32 and come in memory.
            Ok::<i32, Trap>((i64::from(to) - index as i64 - 1) as i32)
        };
        let map = |number: u64| {
            let known = maps.get(number as u32 as usize).copied();
            known.ok_or_else(|| self.invalid(slot, format!("there is no map {}", number as u32)))
        };
        let mut new = step;
        match step.op.kind() {
            Kind::Jump { long: false } | Kind::JumpIf { .. } | Kind::MayGoto => {
                new.off = jump(i64::from(step.off))?;
            }
            Kind::Jump { long: true } => new.off = jump(i64::from(step.imm as i32))?,
            Kind::CallLocal => {
                let to = target(i64::from(step.imm as i32)).ok_or_else(|| {
                    self.invalid(slot, "call of a function that is not there".to_owned())
                })?;
                new.imm = u64::from(to);
            }
            Kind::CallHelper | Kind::CallKfunc => {
                // A weak extern that the host does not have may stand in code that is not reached.
                new.imm = self.calls.len() as u64;
                match sites.remove(&slot) {
                    Some(site) => self.calls.push(site),
                    None => new.imm = u64::MAX,
                }
            }
            Kind::LdImm64(kind) => {
                new.op = Op::LdImm64;
                new.imm = match kind {
                    Imm64Kind::Value => step.imm,
                    Imm64Kind::MapIdx => MapSpace::handle(map(step.imm)?),
                    Imm64Kind::MapValueIdx => {
                        let index = map(step.imm)?;
                        let space = self.space.maps().get(index as usize);
                        let space = space.ok_or_else(|| {
                            self.invalid(slot, format!("there is no map {index}"))
                        })?;
                        space.data(step.imm >> 32)
                    }
                    Imm64Kind::CodeAddr => {
                        let to = target(i64::from(step.imm as i32)).ok_or_else(|| {
                            self.invalid(slot, "address of a function that is not there".to_owned())
                        })?;
                        function_address(to)
                    }
                    Imm64Kind::MapFd | Imm64Kind::MapValueFd | Imm64Kind::VarAddr => {
                        return Err(self.invalid(
                            slot,
                            "reference to the kernel that means nothing on this host".to_owned(),
                        ));
                    }
                };
            }
            Kind::AddrSpaceCast => {
                return Err(
                    self.invalid(slot, "this host has no arena to move addresses to".to_owned())
                );
            }
            _ => {}
        }
        self.steps[index] = new;
        Ok(())
    }

    /// Finds the functions that never name r10: their frames need not be cleared. The answer for a
    /// called function is kept in the call's `src`.
    fn mark_stack_use(&mut self) {
        let names_frame = |step: &Step| {
            let insn = abide_isa::Insn {
                op: step.op,
                dst: abide_isa::Reg::new(step.dst).unwrap_or_default(),
                src: abide_isa::Reg::new(step.src).unwrap_or_default(),
                off: 0,
                imm: 0,
            };
            insn.reads().contains(abide_isa::Reg::FP) || insn.writes().contains(abide_isa::Reg::FP)
        };
        let leaves = |step: &Step, at: usize, function: &Range<usize>| {
            let to = at as i64 + 1 + i64::from(step.off);
            match step.op.kind() {
                Kind::JumpX => true,
                Kind::Jump { .. } | Kind::JumpIf { .. } | Kind::MayGoto => {
                    to < function.start as i64 || to >= function.end as i64
                }
                _ => false,
            }
        };
        // A function that jumps out of itself, or that nobody announced, counts as using its stack.
        let clean: std::collections::HashSet<u64> = self
            .functions
            .iter()
            .map(|function| {
                let first = self.slots.partition_point(|slot| *slot < function.slots.start);
                let last = self.slots.partition_point(|slot| *slot < function.slots.end);
                first..last.min(self.steps.len())
            })
            .filter(|function| {
                let mut steps =
                    self.steps.iter().enumerate().take(function.end).skip(function.start);
                steps.all(|(at, step)| !names_frame(step) && !leaves(step, at, function))
            })
            .map(|function| function.start as u64)
            .collect();
        self.entry_uses_stack = !clean.contains(&0);
        for step in self.steps.iter_mut().filter(|step| step.op == Op::CallLocal) {
            step.src = u8::from(!clean.contains(&step.imm));
        }
    }

    /// The end of a run at a call of what is not there.
    pub(crate) fn absent(&self, step: usize) -> Trap {
        let Some(lacks) = self.slots.get(step).and_then(|slot| self.lacking.get(slot)) else {
            return Trap::new(&codes::T_INVALID, "call that is bound to no definition");
        };
        let mut trap = Trap::new(lacks.code, lacks.message.clone());
        for note in &lacks.notes {
            trap = trap.note(note.clone());
        }
        lacks.helps.iter().fold(trap, |trap, help| trap.help(help.clone()))
    }

    /// The slot of a step.
    pub(crate) fn slot(&self, step: usize) -> u32 {
        self.slots.get(step).copied().unwrap_or(u32::MAX)
    }

    /// A map by its index in the program.
    pub(crate) fn map(&self, index: u32) -> Option<&MapRef> {
        self.space.maps().get(*self.maps.get(index as usize)? as usize)
    }

    /// What stands for it.
    pub(crate) fn map_handle(&self, index: u32) -> Option<u64> {
        self.maps.get(index as usize).map(|at| MapSpace::handle(*at))
    }

    /// The step of a function's address.
    pub(crate) fn function_at(&self, addr: u64) -> Option<usize> {
        let offset = addr as u32;
        let step = (offset >> 3) as usize;
        (addr >> 32 == u64::from(FUNCTIONS) && offset & 7 == 0 && step < self.steps.len())
            .then_some(step)
    }

    /// Where a step stands in the program, for people.
    pub(crate) fn place(&self, step: usize) -> Place {
        let slot = self.slots.get(step).or(self.slots.last()).copied().unwrap_or(0);
        self.place_of_slot(slot)
    }

    fn place_of_slot(&self, slot: u32) -> Place {
        let function = self.functions.iter().find(|function| function.slots.contains(&slot));
        let (first, name) = match function {
            Some(function) => (function.slots.start, function.name.clone()),
            None => (0, self.name.clone()),
        };
        let after = self.lines.partition_point(|line| line.slot <= slot);
        let line = after.checked_sub(1).and_then(|index| self.lines.get(index));
        Place {
            program: self.name.clone(),
            function: name,
            slot,
            instruction: self.text(slot),
            // A line of an earlier function does not cover this one.
            line: line.filter(|line| line.slot >= first).cloned(),
        }
    }

    fn text(&self, slot: u32) -> String {
        match self.raw.get(slot as usize..) {
            Some(rest) if !rest.is_empty() => crate::disassemble::line(rest),
            _ => "end of the program".to_owned(),
        }
    }

    fn invalid(&self, slot: u32, message: String) -> Trap {
        Trap::new(&codes::T_INVALID, message).at(|| self.place_of_slot(slot))
    }
}
