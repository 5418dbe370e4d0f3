//! Conditional jumps: which outcomes are possible, and what each says about the registers.

use abide_isa::{Cond, Insn, Operand, Reg, Width};

use super::{Flow, Refused, Walk};
use crate::domain::{Scalar, alu, branch};
use crate::state::value::{Flags, Kind, Value};
use crate::state::{OwnedKind, State};
use crate::types::Types;

/// Where a packet can end at most.
const MAX_PACKET: u64 = 0xffff;

impl Walk<'_> {
    pub(crate) fn jump_if(
        &mut self,
        insn: &Insn,
        width: Width,
        cond: Cond,
        src: Operand,
    ) -> Result<Flow, Refused> {
        let a = self.read(insn.dst)?;
        let b = self.operand(insn, src)?;
        let next = self.slot + 1;
        let target = (i64::from(next) + i64::from(insn.off)) as u32;
        self.jumps += 1;
        let source = (src == Operand::Reg).then_some(insn.src);
        let both = [&a, &b]
            .into_iter()
            .all(|value| matches!(value.kind, Kind::Packet | Kind::PacketMeta | Kind::PacketEnd));
        if source.is_some() && !both {
            self.secret(&b, insn.src, "is compared", "pointer comparison prohibited")?;
        }
        let mut outcomes = [None, None];
        if a.is_scalar() && b.is_scalar() {
            let linked = a.id != 0 && a.id == b.id && a.off == b.off && a.flags == b.flags;
            let same = source == Some(insn.dst) || linked && width == Width::W64;
            outcomes = [false, true].map(|outcome| {
                if same && (outcome != reflexive(cond)) && cond != Cond::Set {
                    return None;
                }
                branch::refine(cond, width, &a.num, &b.num, outcome)
            });
            match outcomes {
                // Both cannot be: then nothing reaches this, or the ranges are not told apart well.
                [None, None] => outcomes = [Some((a.num, b.num)); 2],
                [Some(_), Some(_)] => {}
                _ => {
                    self.rely(&a);
                    self.rely(&b);
                    return self.decided(insn, source, target, outcomes[1].is_some());
                }
            }
        } else if let Some(taken) = self.pointer_outcome(cond, width, &a, &b) {
            return self.decided(insn, source, target, taken);
        } else {
            let tested = source.is_none()
                && insn.imm == 0
                && width == Width::W64
                && matches!(cond, Cond::Eq | Cond::Ne)
                && a.nullable();
            if !tested && !both {
                self.secret(&a, insn.dst, "is compared", "pointer comparison prohibited")?;
            }
        }
        let mut other = self.state.clone();
        if let [Some(not), Some(taken)] = outcomes {
            let node = self.nodes.of(a.node, b.node);
            for (state, (x, y)) in [(&mut self.state, not), (&mut other, taken)] {
                narrow(state, insn.dst, &a, x, node, &mut self.nodes);
                if let Some(reg) = source {
                    narrow(state, reg, &b, y, node, &mut self.nodes);
                }
            }
        } else if width == Width::W64 {
            self.pointers(insn.dst, source, cond, &a, &b, &mut other);
        }
        self.fork(other, target)?;
        Ok(Flow::To(next))
    }

    /// A comparison has one outcome.
    fn decided(
        &mut self,
        insn: &Insn,
        source: Option<Reg>,
        target: u32,
        taken: bool,
    ) -> Result<Flow, Refused> {
        let next = self.slot + 1;
        let (to, other) = if taken { (target, next) } else { (next, target) };
        self.mistake(insn, source, other)?;
        Ok(Flow::To(to))
    }

    /// Comparisons with pointers that have only one outcome.
    fn pointer_outcome(&self, cond: Cond, width: Width, a: &Value, b: &Value) -> Option<bool> {
        if width == Width::W32 {
            return None;
        }
        let beyond = |value: &Value| value.kind == Kind::Packet && value.flags.has(Flags::BEYOND);
        let behind = match (a.kind, b.kind) {
            (_, Kind::PacketEnd) if beyond(a) => Some(cond),
            (Kind::PacketEnd, _) if beyond(b) => mirrored(cond),
            _ => None,
        };
        match behind {
            Some(Cond::Gt | Cond::Ge) => return Some(true),
            Some(Cond::Lt | Cond::Le) => return Some(false),
            _ => {}
        }
        let (pointer, other) = if a.is_pointer() { (a, b) } else { (b, a) };
        if other.is_zero() && !pointer.nullable() && never_null(&self.types, pointer) {
            return match cond {
                Cond::Eq => Some(false),
                Cond::Ne => Some(true),
                _ => None,
            };
        }
        None
    }

    fn pointers(
        &mut self,
        reg: Reg,
        source: Option<Reg>,
        cond: Cond,
        a: &Value,
        b: &Value,
        taken: &mut State,
    ) {
        let nullable = |value: &Value| value.is_pointer() && value.nullable();
        if matches!(cond, Cond::Eq | Cond::Ne) {
            let (pointer, other) = if nullable(a) { (a, b) } else { (b, a) };
            let there = other.is_pointer()
                && !other.nullable()
                && (!matches!(other.kind, Kind::Object(_)) || never_null(&self.types, other));
            if nullable(pointer)
                && there
                && other.fixed_offset() == Some(0)
                && pointer.fixed_offset() == Some(0)
            {
                // Equal to something that is not null.
                let equal = if cond == Cond::Eq { taken } else { &mut self.state };
                known_null(equal, pointer, false);
                return;
            }
            // As the host does: of a register that is 0 nothing is concluded.
            if nullable(pointer) && other.is_zero() && source.is_none() {
                let (null, set) = if cond == Cond::Eq {
                    (taken, &mut self.state)
                } else {
                    (&mut self.state, taken)
                };
                known_null(null, pointer, true);
                known_null(set, pointer, false);
            }
            return;
        }
        packet_end(cond, (a, reg), (b, source), &mut self.state, taken);
    }
}

/// The outcome of comparing a number with itself.
fn reflexive(cond: Cond) -> bool {
    matches!(cond, Cond::Eq | Cond::Ge | Cond::Le | Cond::Sge | Cond::Sle)
}

/// Pointers of these kinds point somewhere, unless they say otherwise.
fn never_null(types: &Types<'_>, value: &Value) -> bool {
    match value.kind {
        Kind::Map(_) => true,
        Kind::MapValue(_) | Kind::MapKey(_) | Kind::Memory(_) => {
            value.fixed_offset() == Some(0) && !value.is_anywhere()
        }
        Kind::Object(of) => {
            // Inside of an object of the program nothing is at 0 either.
            let inside = value.flags.has(Flags::ALLOCATED)
                && u64::try_from(value.off).is_ok_and(|at| Some(at) < types.size(of));
            (value.off == 0 || inside)
                && !value.flags.any(Flags::UNTRUSTED)
                && !value.is_variable()
                && (value.owner != 0 || value.flags.any(Flags::TRUSTED.with(Flags::RCU)))
        }
        _ => false,
    }
}

/// The register and everything that is the same number become narrower.
fn narrow(
    state: &mut State,
    reg: Reg,
    before: &Value,
    num: Scalar,
    node: crate::state::nodes::Node,
    nodes: &mut crate::state::nodes::Nodes,
) {
    if before.id == 0 {
        let frame = state.frame_mut();
        let value = &mut frame.regs[reg.index()];
        value.num = num;
        value.node = node;
        return;
    }
    let (id, off, flags) = (before.id, before.off, before.flags);
    state.each(
        |value| value.is_scalar() && value.id == id,
        |value| {
            value.node = nodes.of(value.node, node);
            if value.off == off && value.flags == flags {
                value.num = num;
                return;
            }
            let low = value.flags.has(Flags::LOW) || flags.has(Flags::LOW);
            if low && value.num.umax > u64::from(u32::MAX) {
                return;
            }
            let width = if low { Width::W32 } else { Width::W64 };
            let by = i64::from(value.off) - i64::from(off);
            let moved =
                alu::binary(abide_isa::AluOp::Add, width, &num, &Scalar::constant(by as u64));
            value.num = value.num.meet(&moved).unwrap_or(value.num);
        },
    );
}

/// Everything with the identity of this pointer is null, or is not.
pub(crate) fn known_null(state: &mut State, pointer: &Value, null: bool) {
    let id = pointer.id;
    let keep = pointer.owner != 0;
    state.each(
        |value| value.id == id && value.is_pointer() && value.nullable(),
        |value| {
            if null {
                *value = Value::constant(0);
            } else {
                value.flags = value.flags.without(Flags::NULLABLE);
                if !keep && !matches!(value.kind, Kind::MapValue(_) | Kind::Map(_)) {
                    value.id = 0;
                }
            }
        },
    );
    if null && pointer.owner != 0 && pointer.owner == id {
        state.owned.retain(|owned| owned.id != id || owned.kind != OwnedKind::Reference);
    }
}

/// The same comparison with its sides exchanged; `None` if it has none.
fn mirrored(cond: Cond) -> Option<Cond> {
    Some(match cond {
        Cond::Gt => Cond::Lt,
        Cond::Lt => Cond::Gt,
        Cond::Ge => Cond::Le,
        Cond::Le => Cond::Ge,
        _ => return None,
    })
}

/// A packet pointer was compared with the end: on one side so many bytes are inside.
fn packet_end(
    cond: Cond,
    (a, left): (&Value, Reg),
    (b, right): (&Value, Option<Reg>),
    not: &mut State,
    taken: &mut State,
) {
    let ends = |pointer: &Value, end: &Value| match (pointer.kind, end.kind) {
        (Kind::Packet, Kind::PacketEnd) => true,
        // The metadata ends where the packet begins.
        (Kind::PacketMeta, Kind::Packet) => end.off == 0 && !end.is_variable() && end.id == 0,
        _ => false,
    };
    // As if the pointer were on the left.
    let (pointer, reg, cond) = if ends(a, b) {
        (a, Some(left), Some(cond))
    } else if ends(b, a) {
        (b, right, mirrored(cond))
    } else {
        return;
    };
    let (Some(reg), Some(cond)) = (reg, cond) else { return };
    // `pointer <= end`: what is below the pointer is inside; `pointer < end`: the byte at it, too.
    let (state, other, strict) = match cond {
        Cond::Gt => (not, taken, false),
        Cond::Ge => (not, taken, true),
        Cond::Lt => (taken, not, true),
        Cond::Le => (taken, not, false),
        _ => return,
    };
    if pointer.kind == Kind::Packet && !strict {
        let value = &mut other.frame_mut().regs[reg.index()];
        value.flags = value.flags.with(Flags::BEYOND);
    }
    let off = i64::from(pointer.off);
    if off < 0
        || pointer.num.smin < 0
        || pointer.num.umax > MAX_PACKET
        || pointer.num.umax + off as u64 > MAX_PACKET
    {
        return;
    }
    let range = off as u32 + u32::from(strict);
    let (id, kind) = (pointer.id, pointer.kind);
    state.each(
        |value| value.kind == kind && value.id == id,
        |value| value.range = value.range.max(range),
    );
}
