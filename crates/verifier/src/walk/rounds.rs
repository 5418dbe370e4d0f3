//! Loops that the host bounds: paths that ended because they came back to a state whose own paths have
//! not all ended. What those paths rely on is known only when they have; until then the states on
//! the way are compared by everything in them, and afterwards the marks are carried round until
//! nothing changes.

use super::Walk;
use crate::domain::Scalar;
use crate::state::nodes::Node;
use crate::state::stack::Byte;
use crate::state::value::Value;
use crate::state::{MAX_FRAMES, SavedId, State};

/// A path that ended at a saved state whose marks are not complete.
#[derive(Debug)]
pub(crate) struct Edge {
    to: u32,
    /// The state that must be finished before the marks of `to` are complete.
    head: u32,
    /// Numbers there, and what they are in the path that ended.
    pairs: Vec<(Node, Node)>,
    parent: Option<SavedId>,
    written: [u64; MAX_FRAMES],
}

impl Walk<'_> {
    /// The state that must be finished before the marks of a saved state are complete.
    pub(crate) fn waits_for(&self, id: u32) -> Option<u32> {
        let saved = &self.saved[id as usize];
        if saved.branches > 0 {
            return Some(id);
        }
        saved.depends.filter(|head| self.saved[*head as usize].branches > 0)
    }

    /// The path ends here, at a state whose marks are not complete.
    pub(crate) fn come_round(&mut self, id: u32, head: u32) {
        let saved = &self.saved[id as usize];
        let mut pairs = Vec::new();
        for (old, new) in saved.state.frames.iter().zip(&self.state.frames) {
            let numbers = old.regs.iter().zip(&new.regs);
            pairs.extend(
                numbers
                    .filter(|(old, new)| old.is_scalar() && new.is_scalar())
                    .map(|(old, new)| (old.node, new.node)),
            );
            for (at, old) in old.stack.slots().iter().enumerate() {
                if old.bytes[0] == Byte::Part && old.value.is_scalar() {
                    pairs.push((old.value.node, new.stack.slot(at).value.node));
                }
            }
        }
        let written = self.state.written();
        self.edges.push(Edge { to: id, head, pairs, parent: self.state.parent, written });
        let mut at = self.state.parent;
        while let Some(SavedId(on_way)) = at
            && on_way > head
        {
            let saved = &mut self.saved[on_way as usize];
            match saved.depends {
                None => {
                    saved.depends = Some(head);
                    self.dependents.push(on_way);
                }
                Some(before) => saved.depends = Some(before.min(head)),
            }
            at = saved.parent;
        }
    }

    /// A state is finished: if paths came round to it, and it waits for no other, their marks are
    /// carried round.
    pub(crate) fn close_rounds(&mut self, id: u32) {
        if !self.edges.iter().any(|edge| edge.head == id) || self.waits_for(id).is_some() {
            return;
        }
        let mut edges = std::mem::take(&mut self.edges);
        loop {
            let before = self.marks;
            for edge in &edges {
                for (old, new) in &edge.pairs {
                    if self.nodes.marked(*old) && !self.nodes.marked(*new) {
                        self.nodes.mark(*new);
                        self.marks += u64::from(*new != Node::NONE);
                    }
                }
                for frame in 0..MAX_FRAMES {
                    let read = self.saved[edge.to as usize].read[frame];
                    self.marks += self.mark_read_from(edge.parent, &edge.written, frame, read);
                }
            }
            if self.marks == before {
                break;
            }
        }
        edges.retain(|edge| edge.head < id);
        self.edges = edges;
        let mut dependents = std::mem::take(&mut self.dependents);
        dependents.retain(|at| {
            let saved = &mut self.saved[*at as usize];
            let waits = saved.depends.is_some_and(|head| head < id);
            if !waits {
                saved.depends = None;
            }
            waits
        });
        self.dependents = dependents;
    }

    /// The newest saved state on the way here that was saved at this slot with as many frames.
    pub(crate) fn last_round(&self, before: Option<SavedId>) -> Option<u32> {
        let mut at = before;
        while let Some(SavedId(id)) = at {
            let saved = &self.saved[id as usize];
            let calls =
                |state: &State| state.frames.iter().map(|frame| frame.entered).collect::<Vec<_>>();
            // By the same calls, so that it is the same loop.
            if saved.slot == self.slot && calls(&saved.state) == calls(&self.state) {
                return Some(id);
            }
            at = saved.parent;
        }
        None
    }

    /// The saved state of the round before this one, at a loop that the host bounds. The newest one
    /// at this slot is of this round.
    pub(crate) fn rounds_before(&self) -> Option<u32> {
        let newest = self.last_round(self.state.parent)?;
        self.last_round(self.saved[newest as usize].parent)
    }

    /// Numbers that changed since the last round of a loop that the host bounds, and that nothing
    /// relies on so far, may be anything from now on: so that the rounds become the same.
    pub(crate) fn widen(&self, state: &mut State, since: u32) {
        let old = &self.saved[since as usize].state;
        for (frame, old) in state.frames.iter_mut().zip(&old.frames) {
            let frame = std::rc::Rc::make_mut(frame);
            for (new, old) in frame.regs.iter_mut().zip(&old.regs) {
                self.widen_value(new, old);
            }
            let stack = std::rc::Rc::make_mut(&mut frame.stack);
            for (at, old) in old.stack.slots().iter().enumerate() {
                if old.bytes[0] == Byte::Part && stack.slot(at).bytes[0] == Byte::Part {
                    self.widen_value(&mut stack.slot_mut(at).value, &old.value);
                }
            }
        }
    }

    fn widen_value(&self, new: &mut Value, old: &Value) {
        if !new.is_scalar() || !old.is_scalar() || self.nodes.marked(old.node) {
            return;
        }
        if old.num != new.num {
            new.num = Scalar::UNKNOWN;
            new.unlink();
        }
    }
}
