//! A run compared with the proof: before each instruction, registers and stack must be what one of the
//! claims of the proof says. If none does, the verifier is wrong, and the run ends. Changes nothing.

use std::fmt;

use abide_isa::Reg;
use abide_verifier::claims::{Claim, Known, Link, Place, Pointer};

use super::Machine;
use crate::codes;
use crate::image::Image;
use crate::memory::{CONTEXT, FRAME, FRAMES, PACKET, Packet, STACK, address};
use crate::trap::Trap;

/// So many claims are told.
const TOLD: usize = 8;

/// What was seen of each frame before its last instruction.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    frames: [Seen; FRAMES],
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    slot: u32,
    regs: [u64; Reg::COUNT],
}

/// Why a claim does not hold.
enum Misfit {
    /// It is of other calls.
    Calls,
    /// It holds more or fewer objects.
    References(usize, (usize, usize)),
    Register(usize, Reg, u64, Known),
    Stack(usize, i32, Option<u64>, Known),
    /// Linked numbers of which this is one.
    Linked(u64, Link),
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Calls => f.write_str("it is of other calls"),
            Misfit::References(held, (low, high)) => {
                write!(f, "{held} references are held, claimed are {low} to {high}")
            }
            Misfit::Register(frame, reg, value, known) => {
                write!(f, "{reg} of frame {frame} is {value:#x}, claimed is {known}")
            }
            Misfit::Stack(frame, at, Some(value), known) => {
                write!(f, "the stack of frame {frame} at {at} is {value:#x}, claimed is {known}")
            }
            Misfit::Stack(frame, at, None, _) => {
                write!(f, "the stack of frame {frame} at {at} cannot be read")
            }
            Misfit::Linked(value, link) => {
                write!(
                    f,
                    "{value:#x} is not {} more than the others of link {}",
                    link.more, link.id
                )
            }
        }
    }
}

impl Machine {
    /// Compares the state before a step with the proof.
    #[inline(never)]
    pub(super) fn compare(
        &mut self,
        image: &Image,
        step: usize,
        regs: &[u64; 16],
    ) -> Result<(), Trap> {
        let depth = self.depth;
        let slot = image.slot(step);
        let Some(watch) = &mut self.watch else { return Ok(()) };
        let seen = &mut watch.frames[depth];
        seen.slot = slot;
        seen.regs.copy_from_slice(&regs[..Reg::COUNT]);
        let Some(claims) = image.claims.as_ref().and_then(|claims| claims.at(slot)) else {
            return Ok(());
        };
        if claims.iter().any(|claim| self.misfit(image, claim).is_none()) {
            return Ok(());
        }
        Err(self.contradiction(image, claims))
    }

    #[cold]
    fn contradiction(&self, image: &Image, claims: &[Claim]) -> Trap {
        if claims.is_empty() {
            let message = "the run contradicts the proof: this instruction is never reached";
            return Trap::new(&codes::T_CONTRADICTION, message);
        }
        let misfits: Vec<Misfit> =
            claims.iter().filter_map(|claim| self.misfit(image, claim)).collect();
        let first = misfits.iter().find(|misfit| !matches!(misfit, Misfit::Calls));
        let message = match first {
            Some(misfit) => format!("the run contradicts the proof: {misfit}"),
            None => "the run contradicts the proof: no claim is of these calls".to_owned(),
        };
        let mut trap = Trap::new(&codes::T_CONTRADICTION, message);
        for misfit in misfits.iter().take(TOLD) {
            trap = trap.note(format!("not this claim: {misfit}"));
        }
        if misfits.len() > TOLD {
            trap = trap.note(format!("nor any of {} other claims", misfits.len() - TOLD));
        }
        if let Some(watch) = &self.watch {
            let regs = watch.frames[self.depth].regs.iter().enumerate();
            let regs: Vec<String> =
                regs.map(|(number, value)| format!("r{number}={value:#x}")).collect();
            trap = trap.note(format!("registers: {}", regs.join(" ")));
        }
        trap
    }

    /// Why the state is not in a claim.
    fn misfit(&self, image: &Image, claim: &Claim) -> Option<Misfit> {
        let watch = self.watch.as_ref()?;
        let Some(base) = (self.depth + 1).checked_sub(claim.frames.len()) else {
            return Some(Misfit::Calls);
        };
        for (at, frame) in claim.frames.iter().enumerate().skip(1) {
            let from = watch.frames[base + at - 1].slot + 1;
            if frame.back.is_some_and(|back| back != from) {
                return Some(Misfit::Calls);
            }
        }
        let (low, high) = claim.references;
        let held = self.memory.held();
        // What the caller of a function that is proved by itself holds is not known there.
        if held < low || base == 0 && held > high {
            return Some(Misfit::References(held, (low, high)));
        }
        let mut links = Links::default();
        for (at, frame) in claim.frames.iter().enumerate() {
            let number = base + at;
            let seen = &watch.frames[number];
            for (reg, known) in &frame.registers {
                let value = seen.regs[reg.index()];
                if !self.is(image, base, value, u64::MAX, known) {
                    return Some(Misfit::Register(number, *reg, value, *known));
                }
                if let Some(misfit) = links.add(value, known) {
                    return Some(misfit);
                }
            }
            for (offset, size, known) in &frame.stack {
                let from =
                    address(STACK + number as u32, FRAME).wrapping_add_signed((*offset).into());
                let Some(value) = self.memory.peek(from, *size) else {
                    return Some(Misfit::Stack(number, *offset, None, *known));
                };
                if !self.is(image, base, value, u64::from(*size), known) {
                    return Some(Misfit::Stack(number, *offset, Some(value), *known));
                }
                if let Some(misfit) = links.add(value, known) {
                    return Some(misfit);
                }
            }
        }
        None
    }

    fn is(&self, image: &Image, base: usize, value: u64, size: u64, known: &Known) -> bool {
        match known {
            Known::Number { num, .. } => num.contains(value),
            // A part of a pointer is no pointer.
            Known::Pointer(pointer) => size < 8 || self.points(image, base, value, pointer),
        }
    }

    fn points(&self, image: &Image, base: usize, value: u64, pointer: &Pointer) -> bool {
        if value == 0 {
            return pointer.nullable;
        }
        let start = value.wrapping_sub(i64::from(pointer.offset) as u64);
        let within = |origin: u64| pointer.variable.contains(start.wrapping_sub(origin));
        let inside = u64::from(pointer.inside);
        let packet = |from: fn(&Packet) -> u32, to: fn(&Packet) -> u32| {
            let Some(packet) = &self.memory.packet else { return false };
            let end = address(PACKET, to(packet));
            within(address(PACKET, from(packet))) && (inside == 0 || start + inside <= end)
        };
        match pointer.to {
            Place::Context => within(address(CONTEXT, 0)),
            Place::Frame(index) => {
                within(address(STACK + (base + usize::from(index)) as u32, FRAME))
            }
            Place::Map(map) => image.map_handle(map).is_none_or(within),
            Place::Value(map) => {
                let Some(map) = image.map(map) else { return true };
                let Some((origin, shift, count)) = map.values() else { return true };
                let from = start.wrapping_sub(origin);
                let most = pointer.variable.umax;
                // Where the unknown part may be greater than a value, any value may be meant.
                if most >= 1 << shift && pointer.variable.value().is_none() {
                    return true;
                }
                let part = match pointer.variable.value() {
                    Some(part) => part,
                    None => from & ((1 << shift) - 1),
                };
                let slot = from.wrapping_sub(part);
                slot & ((1 << shift) - 1) == 0
                    && slot >> shift < count
                    && pointer.variable.contains(part)
            }
            Place::Packet => packet(|packet| packet.data, |packet| packet.end),
            Place::PacketMeta => packet(|packet| packet.meta, |packet| packet.data),
            Place::PacketEnd => packet(|packet| packet.end, |packet| packet.end),
            Place::Memory(size) => match pointer.variable.value() {
                Some(part) => self.memory.holds(start.wrapping_sub(part), size),
                None => self.memory.holds(start & !u64::from(u32::MAX), 0),
            },
            Place::Function(slot) => {
                image.function_at(value).is_some_and(|step| image.slot(step) == slot)
            }
            Place::Something => true,
        }
    }
}

/// Linked numbers that were seen, by what they are a constant more than.
#[derive(Default)]
struct Links(Vec<(u32, u64, bool)>);

impl Links {
    fn add(&mut self, value: u64, known: &Known) -> Option<Misfit> {
        let Known::Number { link: Some(link), .. } = known else { return None };
        let whole = value.wrapping_sub(i64::from(link.more) as u64);
        let fits = |other: u64, low: bool| {
            if link.low || low { other as u32 == whole as u32 } else { other == whole }
        };
        if link.low && value >> 32 != 0 {
            return Some(Misfit::Linked(value, *link));
        }
        if self.0.iter().any(|(id, other, low)| *id == link.id && !fits(*other, *low)) {
            return Some(Misfit::Linked(value, *link));
        }
        self.0.push((link.id, whole, link.low));
        None
    }
}
