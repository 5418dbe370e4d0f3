//! Saved states: where a path comes to a place with no more than another path had there, and that one
//! ended well, it need not be walked again.
//!
//! A saved state is finished when every path from it has ended. Until then a path that comes back to
//! it in the same state would go round for ever, unless the host bounds the loop (an iterator,
//! may_goto, a callback): then what changed is forgotten, and a path that brings nothing new ends.

use std::rc::Rc;

use abide_isa::Reg;

use super::cover::{Cover, Exact};
use super::{Refused, Walk};
use crate::code::STRETCH;
use crate::codes as c;
use crate::reject::Rejection;
use crate::state::nodes::Node;
use crate::state::stack::Byte;
use crate::state::value::{Kind, Value};
use crate::state::{MAX_FRAMES, SavedId, State};

/// A state that was saved.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) state: State,
    pub(crate) parent: Option<SavedId>,
    /// Paths from here that have not ended.
    pub(crate) branches: u32,
    /// Stack slots that were read on paths from here, and those written on the way here from the
    /// parent; by frame, one bit each.
    pub(crate) read: [u64; MAX_FRAMES],
    pub(crate) written: [u64; MAX_FRAMES],
    /// The register that told it apart from another state the last time.
    pub(crate) told: Option<Reg>,
    /// How many frames it had.
    pub(crate) frames: usize,
    /// How often it was compared in vain, and with success.
    pub(crate) misses: u32,
    pub(crate) hits: u32,
    /// Not compared with any more.
    pub(crate) dropped: bool,
    /// Where it was saved.
    pub(crate) slot: u32,
    /// Of its live registers; see `Walk::print`.
    pub(crate) print: u64,
    /// Marks are not complete before this state is finished.
    pub(crate) depends: Option<u32>,
}

impl Walk<'_> {
    /// Compares the state with those that were saved here; true if the path ends. Saves it otherwise,
    /// if enough has happened since the last time.
    pub(crate) fn prune(&mut self) -> Result<bool, Refused> {
        let slot = self.slot as usize;
        let bounded = self.code.bounded[slot];
        let (jumps, insns) = self.state.saved_at;
        let (jumps, insns) = (self.jumps - jumps, self.statistics.processed - insns);
        // What the host calls later begins with nothing behind it.
        let begins = self.state.parent.is_none();
        let mut save = bounded || begins || jumps >= 2 && insns >= 8 || insns >= STRETCH as u64;
        let mut print = None;
        let mut at = 0;
        while let Some(id) = self.at[slot].get(at).copied() {
            let saved = &self.saved[id as usize];
            let finished = saved.branches == 0;
            if saved.state.frames.len() != self.state.frames.len() {
                at += 1;
                continue;
            }
            if !finished {
                if bounded {
                    if saved.state.steps != self.state.steps && self.covers(id, Exact::Range) {
                        self.saved[id as usize].hits += 1;
                        self.come_round(id, id);
                        self.finish_path();
                        return Ok(true);
                    }
                } else if saved.state.steps == self.state.steps
                    && saved.print == *print.get_or_insert_with(|| self.print())
                    && self.covers(id, Exact::Same)
                {
                    if begins || self.state.speculative.is_some() && self.is_ancestor(id) {
                        // The same is being walked already, and nothing waits for this one.
                        self.finish_path();
                        return Ok(true);
                    }
                    if self.is_ancestor(id) {
                        return Err(Rejection::new(
                            &c::V_INFINITE_LOOP,
                            "the program comes back here in the same state",
                        )
                        .kernel(format!("infinite loop detected at insn {}", self.slot))
                        .help("count towards the end of the loop; what the program cannot bound is for bpf_loop, bpf_for or may_goto"));
                    }
                }
                // Rounds of a loop are not worth saving one by one.
                if !bounded && !begins && jumps < 20 && insns < 100 {
                    save = false;
                }
            } else {
                let waits = self.waits_for(id);
                let exact = if waits.is_some() { Exact::Range } else { Exact::No };
                if self.covers(id, exact) {
                    self.saved[id as usize].hits += 1;
                    match waits {
                        Some(head) => self.come_round(id, head),
                        None => self.propagate(id),
                    }
                    self.finish_path();
                    return Ok(true);
                }
            }
            if !save {
                at += 1;
                continue;
            }
            let saved = &mut self.saved[id as usize];
            saved.misses += 1;
            let patience = if bounded && !finished { 64 } else { 3 };
            if saved.misses > saved.hits * patience + patience {
                saved.dropped = true;
                self.at[slot].swap_remove(at);
                self.free(id);
                continue;
            }
            at += 1;
        }
        if save {
            self.save();
        }
        Ok(false)
    }

    fn is_ancestor(&self, id: u32) -> bool {
        let mut at = self.state.parent;
        while let Some(SavedId(parent)) = at {
            if parent == id {
                return true;
            }
            at = self.saved[parent as usize].parent;
        }
        false
    }

    /// A number that is the same for states whose live registers are the same.
    fn print(&self) -> u64 {
        let live = self.code.live[self.slot as usize];
        let regs = &self.state.frame().regs;
        let mut print = 0_u64;
        for reg in Reg::all().take(10).filter(|reg| live.contains(*reg)) {
            let value = &regs[reg.index()];
            let kind = match value.kind {
                Kind::Uninit => 0,
                Kind::Scalar => 1,
                _ => 2_u64.wrapping_add(value.off as u64),
            };
            let num = value.num.umin ^ value.num.umax.rotate_left(32) ^ value.num.bits.mask << 1;
            print = (print ^ kind ^ num).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
        }
        print
    }

    /// Registers that nothing reads again are forgotten, and so are identities that only one number
    /// has: neither can matter, and both would keep states apart.
    fn tidy(&mut self) {
        let live = self.code.live[self.slot as usize];
        let frame = self.state.frame_mut();
        for (reg, value) in Reg::all().zip(&mut frame.regs) {
            if !live.contains(reg) {
                *value = Value::UNINIT;
            }
        }
        let mut ids: Vec<u32> = Vec::new();
        for frame in &self.state.frames {
            let values = frame.regs.iter().chain(frame.stack.values());
            ids.extend(
                values.filter(|value| value.is_scalar() && value.id != 0).map(|value| value.id),
            );
        }
        if ids.is_empty() {
            return;
        }
        ids.sort_unstable();
        let alone = |id: u32| {
            let first = ids.partition_point(|other| *other < id);
            ids.get(first + 1) != Some(&id)
        };
        self.state
            .each(|value| value.is_scalar() && value.id != 0 && alone(value.id), Value::unlink);
    }

    fn save(&mut self) {
        self.tidy();
        let print = self.print();
        let id = self.saved.len() as u32;
        // Numbers of the saved state get nodes of their own: marks from what comes after arrive there.
        for frame in &mut self.state.frames {
            let frame = Rc::make_mut(frame);
            for value in &mut frame.regs {
                if value.is_scalar() {
                    value.node = self.nodes.fresh(value.node);
                }
            }
            if frame.stack.values().any(Value::is_scalar) {
                for value in Rc::make_mut(&mut frame.stack).values_mut() {
                    if value.is_scalar() {
                        value.node = self.nodes.fresh(value.node);
                    }
                }
            }
        }
        let written = self.state.written();
        self.keeps(size_of::<Saved>() + self.state.bytes());
        self.state.saved_at = (self.jumps, self.statistics.processed);
        self.saved.push(Saved {
            state: self.state.clone(),
            parent: self.state.parent,
            branches: 1,
            read: [0; MAX_FRAMES],
            told: None,
            frames: self.state.frames.len(),
            written,
            misses: 0,
            hits: 0,
            dropped: false,
            slot: self.slot,
            print,
            depends: None,
        });
        self.at[self.slot as usize].push(id);
        self.state.parent = Some(SavedId(id));
        for frame in &mut self.state.frames {
            if frame.written != 0 {
                Rc::make_mut(frame).written = 0;
            }
        }
        self.statistics.states += 1;
        self.statistics.peak_states = self.statistics.peak_states.max(self.saved.len());
    }

    /// The path has ended: saved states on its way from which no path is left are finished.
    pub(crate) fn finish_path(&mut self) {
        let mut at = self.state.parent;
        while let Some(SavedId(id)) = at {
            let saved = &mut self.saved[id as usize];
            saved.branches = saved.branches.saturating_sub(1);
            if saved.branches > 0 {
                break;
            }
            at = saved.parent;
            self.close_rounds(id);
            self.free(id);
        }
    }

    /// What is finished and not compared with any more is only looked at for marks of reads.
    fn free(&mut self, id: u32) {
        let saved = &mut self.saved[id as usize];
        if saved.dropped && saved.branches == 0 {
            self.memory = self.memory.saturating_sub(saved.state.bytes());
            saved.state.frames = Vec::new();
            self.memory += saved.state.bytes();
        }
    }

    /// Slots of a frame's stack are read.
    pub(crate) fn mark_read(&mut self, frame: u8, mask: u64) {
        let frame = usize::from(frame);
        let mask = mask & !self.state.frames[frame].written;
        self.read_before(self.state.parent, frame, mask);
    }

    /// The same for a path that has ended; how many saved states learned of it.
    pub(crate) fn mark_read_from(
        &mut self,
        parent: Option<SavedId>,
        written: &[u64],
        frame: usize,
        mask: u64,
    ) -> u64 {
        self.read_before(parent, frame, mask & !written[frame])
    }

    fn read_before(&mut self, parent: Option<SavedId>, frame: usize, mask: u64) -> u64 {
        let (mut mask, mut at, mut learned) = (mask, parent, 0);
        while let Some(SavedId(id)) = at
            && mask != 0
        {
            let saved = &mut self.saved[id as usize];
            // A frame that did not exist yet cannot have been read.
            if frame >= saved.frames {
                break;
            }
            let read = &mut saved.read[frame];
            mask &= !*read;
            *read |= mask;
            learned += u64::from(mask != 0);
            mask &= !saved.written[frame];
            at = saved.parent;
        }
        learned
    }

    /// Slots of a frame's stack are wholly overwritten.
    pub(crate) fn mark_written(&mut self, frame: u8, mask: u64) {
        let frame = self.state.frame_at_mut(frame);
        frame.written |= mask;
    }

    /// What the paths from a saved state relied on, this path relies on, too.
    fn propagate(&mut self, id: u32) {
        let saved = &self.saved[id as usize];
        let mut relied: Vec<Node> = Vec::new();
        let mut read = Vec::new();
        for (index, old) in saved.state.frames.iter().enumerate() {
            let frame = &self.state.frames[index];
            for (old, new) in old.regs.iter().zip(&frame.regs) {
                if old.is_scalar() && new.is_scalar() && self.nodes.marked(old.node) {
                    relied.push(new.node);
                }
            }
            for (at, old) in old.stack.slots().iter().enumerate() {
                if old.bytes[0] == Byte::Part
                    && old.value.is_scalar()
                    && self.nodes.marked(old.value.node)
                {
                    relied.push(frame.stack.slot(at).value.node);
                }
            }
            read.push((index as u8, saved.read[index]));
        }
        for node in relied {
            self.nodes.mark(node);
        }
        for (frame, mask) in read {
            self.mark_read(frame, mask);
        }
    }

    fn covers(&mut self, id: u32, exact: Exact) -> bool {
        let saved = &self.saved[id as usize];
        // What told them apart the last time is likely to do so again.
        if let Some(reg) = saved.told
            && let (Some(old), Some(new)) = (saved.state.frames.last(), self.state.frames.last())
            && Cover::apart(self, exact, &old.regs[reg.index()], &new.regs[reg.index()])
        {
            return false;
        }
        let mut cover = Cover::new(self, exact);
        let covers = cover.states(saved, &self.state);
        if let Some(told) = cover.told {
            self.saved[id as usize].told = Some(told);
        }
        covers
    }
}
