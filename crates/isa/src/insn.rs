//! A decoded instruction and what follows from it alone: size, targets, registers, flow.
//!
//! Says nothing about what is in registers or memory.

use crate::kind::{AtomicOp, Kind, Operand};
use crate::reg::{Reg, RegSet};
use crate::table::Op;

/// A decoded instruction.
///
/// A field that the form does not use as an operand is zero here (also one that selects the form,
/// such as the immediate of an atomic), so that equal instructions are equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Insn {
    /// Which one.
    pub op: Op,
    /// The destination register.
    pub dst: Reg,
    /// The source register.
    pub src: Reg,
    /// The offset: of an address, a jump, or the module index of a kfunc call.
    pub off: i16,
    /// The immediate, sign-extended from 32 bits; for a 64-bit immediate load both halves, the
    /// second slot's in the upper one.
    pub imm: i64,
}

impl Insn {
    /// An instruction with all operands zero.
    pub const fn new(op: Op) -> Insn {
        Insn { op, dst: Reg::R0, src: Reg::R0, off: 0, imm: 0 }
    }

    /// What it does.
    pub const fn kind(&self) -> Kind {
        self.op.kind()
    }

    /// How many slots it takes: 2 for a 64-bit immediate load, else 1.
    pub const fn slots(&self) -> usize {
        if matches!(self.kind(), Kind::LdImm64(_)) { 2 } else { 1 }
    }

    /// The immediate field of the first slot.
    pub const fn imm_low(&self) -> i32 {
        self.imm as i32
    }

    /// The immediate field of the second slot of a 64-bit immediate load.
    pub const fn imm_high(&self) -> i32 {
        (self.imm >> 32) as i32
    }

    /// The target of a jump, in slots after the next one: of `goto`, `gotol`, `may_goto` and
    /// conditional jumps. Calls and indirect jumps have none here.
    pub const fn jump(&self) -> Option<i32> {
        match self.kind() {
            Kind::Jump { long: true } => Some(self.imm as i32),
            Kind::Jump { long: false } | Kind::JumpIf { .. } | Kind::MayGoto => {
                Some(self.off as i32)
            }
            _ => None,
        }
    }

    /// The target of a call of, or of the address of, a function of the same program, in slots
    /// after the next one. (For an address too the kernel counts from the next slot after the
    /// first of its two.)
    pub const fn function(&self) -> Option<i32> {
        match self.kind() {
            Kind::CallLocal | Kind::LdImm64(crate::Imm64Kind::CodeAddr) => Some(self.imm as i32),
            _ => None,
        }
    }

    /// Whether it is a call of any kind.
    pub const fn is_call(&self) -> bool {
        matches!(self.kind(), Kind::CallHelper | Kind::CallLocal | Kind::CallKfunc | Kind::CallX)
    }

    /// Whether a basic block ends after it: a jump of any kind, or `exit`. Calls do not end one.
    pub const fn is_terminator(&self) -> bool {
        matches!(
            self.kind(),
            Kind::Jump { .. } | Kind::JumpX | Kind::JumpIf { .. } | Kind::MayGoto | Kind::Exit
        )
    }

    /// Whether the instruction after it may run next.
    pub const fn may_fall_through(&self) -> bool {
        !matches!(self.kind(), Kind::Jump { .. } | Kind::JumpX | Kind::Exit)
    }

    /// Whether it reads memory through a register.
    pub const fn reads_memory(&self) -> bool {
        matches!(self.kind(), Kind::Load { .. } | Kind::LoadAcquire { .. } | Kind::Atomic { .. })
    }

    /// Whether it writes memory through a register.
    pub const fn writes_memory(&self) -> bool {
        matches!(self.kind(), Kind::Store { .. } | Kind::StoreRelease { .. } | Kind::Atomic { .. })
    }

    /// The registers whose values it may use.
    ///
    /// For a call all five argument registers, since how many the function takes is not known
    /// here. Legacy packet loads use the context in `r6`.
    pub const fn reads(&self) -> RegSet {
        let (dst, src) = (RegSet::of(self.dst), RegSet::of(self.src));
        match self.kind() {
            Kind::Alu { src: Operand::Reg, .. }
            | Kind::JumpIf { src: Operand::Reg, .. }
            | Kind::Store { src: Operand::Reg, .. }
            | Kind::StoreRelease { .. } => dst.union(src),
            Kind::Alu { src: Operand::Imm, .. }
            | Kind::JumpIf { src: Operand::Imm, .. }
            | Kind::Store { src: Operand::Imm, .. }
            | Kind::Neg { .. }
            | Kind::Endian { .. }
            | Kind::JumpX => dst,
            Kind::Mov { src: Operand::Reg, .. }
            | Kind::MovSx { .. }
            | Kind::AddrSpaceCast
            | Kind::Load { .. }
            | Kind::LoadAcquire { .. } => src,
            Kind::Atomic { op: AtomicOp::Cmpxchg, .. } => dst.union(src).with(Reg::R0),
            Kind::Atomic { .. } => dst.union(src),
            Kind::LdAbs { .. } => RegSet::of(Reg::R6),
            Kind::LdInd { .. } => src.with(Reg::R6),
            Kind::CallHelper | Kind::CallLocal | Kind::CallKfunc => RegSet::ARGUMENTS,
            Kind::CallX => RegSet::ARGUMENTS.union(dst),
            Kind::Exit => RegSet::of(Reg::R0),
            Kind::Mov { src: Operand::Imm, .. }
            | Kind::LdImm64(_)
            | Kind::Jump { .. }
            | Kind::MayGoto => RegSet::EMPTY,
        }
    }

    /// The registers whose values are other, or lost, after it. A call and a legacy packet load
    /// lose the argument registers.
    pub const fn writes(&self) -> RegSet {
        match self.kind() {
            Kind::Alu { .. }
            | Kind::Mov { .. }
            | Kind::MovSx { .. }
            | Kind::Neg { .. }
            | Kind::Endian { .. }
            | Kind::Load { .. }
            | Kind::LoadAcquire { .. }
            | Kind::LdImm64(_)
            | Kind::AddrSpaceCast => RegSet::of(self.dst),
            Kind::Atomic { op: AtomicOp::Cmpxchg, .. } => RegSet::of(Reg::R0),
            Kind::Atomic { fetch: true, .. } => RegSet::of(self.src),
            Kind::CallHelper
            | Kind::CallLocal
            | Kind::CallKfunc
            | Kind::CallX
            | Kind::LdAbs { .. }
            | Kind::LdInd { .. } => RegSet::ARGUMENTS.with(Reg::R0),
            Kind::Atomic { fetch: false, .. }
            | Kind::Store { .. }
            | Kind::StoreRelease { .. }
            | Kind::Jump { .. }
            | Kind::JumpX
            | Kind::JumpIf { .. }
            | Kind::MayGoto
            | Kind::Exit => RegSet::EMPTY,
        }
    }
}
