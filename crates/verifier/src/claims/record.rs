//! Keeps what the walk knows, as claims. The first walk finds what the proof relies on, and which parts
//! of the stack are read; the second is the same walk, and what it knows is kept as far as that.

use abide_isa::Reg;

use super::{Claim, Claimed, Claims, FrameClaim, Known, Link, Place, Pointer};
use crate::domain::Scalar;
use crate::state::nodes::{Node, Nodes};
use crate::state::stack::{Byte, Stack};
use crate::state::value::{Flags, Kind, Value};
use crate::state::{Entered, MAX_FRAMES, OwnedKind};
use crate::walk::Walk;

/// What a walk from one entry relies on.
#[derive(Debug)]
struct Part {
    nodes: Nodes,
    /// Of each saved state, by frame: the slots of the stack that are read later.
    read: Vec<[u64; MAX_FRAMES]>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// One for each entry: the program, and global functions.
    parts: Vec<Part>,
    /// In the second walk: which entry it is at.
    second: Option<usize>,
    claims: Claims,
}

impl Recorder {
    /// For the second walk.
    pub(super) fn again(mut self) -> Recorder {
        self.second.get_or_insert(0);
        self
    }

    pub(super) fn into_claims(self) -> Claims {
        self.claims
    }
}

/// Identities of linked numbers, counted by where they are, so that equal states are equal claims.
#[derive(Debug, Default)]
struct Ids(Vec<u32>);

impl Ids {
    fn of(&mut self, id: u32) -> u32 {
        let at = self.0.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.0.push(id);
            self.0.len() - 1
        });
        at as u32
    }
}

impl Walk<'_> {
    /// Everything from one entry is walked.
    pub(crate) fn end_part(&mut self) {
        let Some(recorder) = &mut self.recorder else { return };
        match &mut recorder.second {
            Some(at) => *at += 1,
            None => {
                let nodes = std::mem::replace(&mut self.nodes, Nodes::new());
                let read = self.saved.iter().map(|saved| saved.read).collect();
                recorder.parts.push(Part { nodes, read });
            }
        }
    }

    /// Keeps what is known where the walk is.
    pub(crate) fn record(&mut self) {
        let Some(mut recorder) = self.recorder.take() else { return };
        if let Some(part) = recorder.second.and_then(|at| recorder.parts.get(at)) {
            let claim = self.claim(part);
            recorder.claims.at.resize_with(self.code.insns.len(), Claimed::default);
            if let Some(claimed) = recorder.claims.at.get_mut(self.slot as usize) {
                claimed.add(claim);
            }
        }
        self.recorder = Some(recorder);
    }

    fn claim(&self, part: &Part) -> Claim {
        let mut ids = Ids::default();
        let all = &self.state.frames;
        let frames = (0..all.len()).map(|index| {
            let frame = &all[index];
            let (slot, running) = match all.get(index + 1).map(|next| next.entered) {
                None | Some(Entered::Entry) => (self.slot, true),
                Some(Entered::Callback { call, .. }) => (call, true),
                Some(Entered::Call { back }) => (back, false),
            };
            let live = self.code.live[slot as usize];
            let registers = Reg::all().take(10).filter(|reg| {
                // Of one that waits for a call, what the call keeps.
                live.contains(*reg) && (running || reg.number() >= 6)
            });
            let registers = registers.filter_map(|reg| {
                Some((reg, self.known(&frame.regs[reg.index()], part, &mut ids)?))
            });
            let registers = registers.collect();
            // What was written since the last saved state, and what is read from there on; all of a frame
            // that was not there yet.
            let since = self.state.parent.filter(|id| self.saved[id.0 as usize].frames > index);
            let looked_at = match since.and_then(|id| part.read.get(id.0 as usize)) {
                Some(read) => read.get(index).copied().unwrap_or(0) | frame.written,
                None => u64::MAX,
            };
            FrameClaim {
                back: match frame.entered {
                    Entered::Call { back } => Some(back),
                    _ => None,
                },
                registers,
                stack: self.stack_claims(&frame.stack, looked_at & !frame.aliased, part, &mut ids),
            }
        });
        Claim { frames: frames.collect(), references: self.references() }
    }

    fn stack_claims(
        &self,
        stack: &Stack,
        looked_at: u64,
        part: &Part,
        ids: &mut Ids,
    ) -> Vec<(i32, u32, Known)> {
        let mut found = Vec::new();
        for (at, slot) in stack.slots().iter().enumerate() {
            if looked_at >> at & 1 == 0 || slot.is_object() {
                continue;
            }
            let offset = -8 * (at as i32 + 1);
            let parts = slot.bytes.iter().take_while(|byte| **byte == Byte::Part).count() as u32;
            if parts > 0
                && let Some(known) = self.known(&slot.value, part, ids)
            {
                found.push((offset, parts, known));
            }
            for (byte, what) in slot.bytes.iter().enumerate() {
                if *what == Byte::Zero {
                    let zero = Known::Number { num: Scalar::constant(0), link: None };
                    found.push((offset + byte as i32, 1, zero));
                }
            }
        }
        found
    }

    fn known(&self, value: &Value, part: &Part, ids: &mut Ids) -> Option<Known> {
        let own = |map: u32| (map as usize) < self.program.maps.len();
        let to = match value.kind {
            Kind::Uninit | Kind::Arena => return None,
            Kind::Dynptr { .. } | Kind::Iterator { .. } | Kind::Irq { .. } => return None,
            Kind::Scalar => {
                // One that comes from nothing was made on this way, and not compared yet.
                if value.node != Node::NONE && !part.nodes.marked(value.node) {
                    return None;
                }
                let link = (value.id != 0).then(|| Link {
                    id: ids.of(value.id),
                    more: value.off,
                    low: value.flags.has(Flags::LOW),
                });
                return Some(Known::Number { num: value.num, link });
            }
            _ if value.flags.has(Flags::UNTRUSTED) => return None,
            Kind::Context => Place::Context,
            Kind::Frame(index) => Place::Frame(index),
            Kind::Map(map) if own(map) => Place::Map(map),
            Kind::MapValue(map) if own(map) => Place::Value(map),
            Kind::Packet => Place::Packet,
            Kind::PacketMeta => Place::PacketMeta,
            Kind::PacketEnd => Place::PacketEnd,
            Kind::Memory(size) => Place::Memory(size),
            Kind::Function(function) => {
                Place::Function(self.code.functions.get(function as usize)?.start)
            }
            Kind::Map(_) | Kind::MapValue(_) | Kind::MapKey(_) | Kind::Object(_) => {
                Place::Something
            }
        };
        let packet = matches!(to, Place::Packet | Place::PacketMeta);
        Some(Known::Pointer(Pointer {
            to,
            nullable: value.nullable(),
            offset: value.off,
            variable: value.num,
            inside: if packet { value.range } else { 0 },
        }))
    }

    /// What is owned may still be null; then it is not there. An iterator holds nothing, and a dynptr may be null.
    fn references(&self) -> (usize, usize) {
        let owned = self.state.owned.iter().filter(|owned| owned.kind == OwnedKind::Reference);
        let holds = |id: u32| {
            let values = self
                .state
                .frames
                .iter()
                .flat_map(|frame| frame.regs.iter().chain(frame.stack.values()));
            let view =
                |value: &Value| matches!(value.kind, Kind::Dynptr { .. } | Kind::Iterator { .. });
            let mut held = values.filter(|value| value.owner == id && !view(value));
            held.any(|value| !value.nullable())
        };
        let certain = owned.clone().filter(|owned| holds(owned.id)).count();
        (certain, owned.count())
    }
}
