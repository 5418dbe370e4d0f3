//! One instruction.

use abide_isa::{AtomicOp, Imm64Kind, Insn, Kind as Op, Reg, Size};

use super::{Flow, Refused, Walk};
use crate::codes as c;
use crate::domain::Scalar;
use crate::reject::Rejection;
use crate::state::value::{Kind, Value};
use crate::state::{Entered, Frame};

impl Walk<'_> {
    pub(crate) fn step(&mut self, insn: &Insn) -> Result<Flow, Refused> {
        let next = self.slot + insn.slots() as u32;
        match insn.kind() {
            Op::Alu { width, op, src } => self.arithmetic(insn, width, op, src)?,
            Op::Mov { width, src } => self.mov(insn, width, src)?,
            Op::MovSx { width, bits } => self.movsx(insn, width, bits)?,
            Op::Neg { width } => self.negate(insn, width)?,
            Op::Endian { op, bits } => self.endian(insn, op, bits)?,
            Op::Load { size, signed } => {
                let base = self.read(insn.src)?;
                let value = self.load(&base, insn.src, i64::from(insn.off), size, signed)?;
                self.write(insn.dst, value)?;
            }
            Op::LoadAcquire { size } => {
                let base = self.read(insn.src)?;
                self.check_atomic(&base, insn.src, i64::from(insn.off), size)?;
                let value = self.load(&base, insn.src, i64::from(insn.off), size, false)?;
                self.write(insn.dst, value)?;
            }
            Op::Store { size, src } => {
                let base = self.read(insn.dst)?;
                let value = self.operand(insn, src)?;
                self.store(&base, insn.dst, i64::from(insn.off), size, &value)?;
            }
            Op::StoreRelease { size } => {
                let base = self.read(insn.dst)?;
                let value = self.read(insn.src)?;
                self.check_atomic(&base, insn.dst, i64::from(insn.off), size)?;
                self.store(&base, insn.dst, i64::from(insn.off), size, &value)?;
            }
            Op::Atomic { size, op, fetch } => self.atomic(insn, size, op, fetch)?,
            Op::LdImm64(kind) => {
                let value = self.wide(insn, kind)?;
                self.write(insn.dst, value)?;
            }
            Op::LdAbs { .. } | Op::LdInd { .. } => return self.packet_load(insn),
            Op::Jump { .. } => {
                self.jumps += 1;
                let to = i64::from(self.slot) + 1 + i64::from(insn.jump().unwrap_or(0));
                return Ok(Flow::To(to as u32));
            }
            Op::JumpIf { width, cond, src } => return self.jump_if(insn, width, cond, src),
            Op::MayGoto => return self.may_goto(insn),
            Op::CallHelper | Op::CallKfunc => return self.call_host(),
            Op::CallLocal => return self.call_function(insn),
            Op::Exit => return self.exit(),
            Op::AddrSpaceCast => self.cast_address(insn)?,
            Op::JumpX | Op::CallX => {
                return Err(Rejection::new(&c::V_GAP, "this instruction cannot be proved yet"));
            }
        }
        Ok(Flow::To(next))
    }

    fn wide(&mut self, insn: &Insn, kind: Imm64Kind) -> Result<Value, Refused> {
        let bad = |text: String| Rejection::new(&c::V_INSTRUCTION, text);
        Ok(match kind {
            Imm64Kind::Value => Value::constant(insn.imm as u64),
            Imm64Kind::MapIdx => Value::pointer(Kind::Map(self.map_index(insn.imm_low())?)),
            Imm64Kind::MapValueIdx => {
                let map = self.map_index(insn.imm_low())?;
                let facts = &self.maps[map as usize];
                let offset = i64::from(insn.imm_high() as u32);
                if !facts.direct() || facts.max_entries != 1 && facts.kind == "array" {
                    let text = format!("an address inside of the {} `{}`", facts.kind, facts.name);
                    return Err(bad(text).kernel("direct value access on map is not supported"));
                }
                if facts.kind == "arena" {
                    return Ok(Value::pointer(Kind::Arena));
                }
                if offset >= i64::from(facts.value_size) {
                    let text = format!(
                        "offset {offset} of the {} bytes of `{}`",
                        facts.value_size, facts.name
                    );
                    return Err(bad(text).kernel(format!(
                        "invalid access to map value pointer, value_size={} off={offset}",
                        facts.value_size
                    )));
                }
                Value { off: offset as i32, ..Value::pointer(Kind::MapValue(map)) }
            }
            Imm64Kind::CodeAddr => {
                let Some(target) = self.code.address_target(self.slot, insn) else {
                    return Err(bad("the address of no function".to_owned()));
                };
                Value::pointer(Kind::Function(target))
            }
            Imm64Kind::VarAddr => self.variable(insn.imm_low())?,
            Imm64Kind::MapFd | Imm64Kind::MapValueFd => {
                return Err(bad("a map by its file descriptor".to_owned())
                    .kernel("fd is not pointing to valid bpf_map"));
            }
        })
    }

    /// An address of the arena for the program, or for others.
    fn cast_address(&mut self, insn: &Insn) -> Result<(), Refused> {
        /// From the address space of the arena to the program's, and back.
        const IN: i64 = 1;
        const OUT: i64 = 1 << 16;
        self.read(insn.src)?;
        if !matches!(insn.imm, IN | OUT) {
            return Err(Rejection::new(&c::V_INSTRUCTION, "a cast between other address spaces")
                .kernel("addr_space_cast insn can only convert between address space 1 and 0"));
        }
        if !self.maps.iter().any(|map| map.kind == "arena") {
            let text = "the program has no arena";
            return Err(Rejection::new(&c::V_INSTRUCTION, text).kernel(
                "addr_space_cast insn can only be used in a program that has an associated arena",
            ));
        }
        let cast = if insn.imm == IN { Value::pointer(Kind::Arena) } else { Value::UNKNOWN };
        self.write(insn.dst, cast)
    }

    fn map_index(&self, index: i32) -> Result<u32, Refused> {
        let found = u32::try_from(index).ok().filter(|at| (*at as usize) < self.program.maps.len());
        found.ok_or_else(|| Rejection::new(&c::V_INSTRUCTION, format!("there is no map {index}")))
    }

    fn atomic(
        &mut self,
        insn: &Insn,
        size: Size,
        op: AtomicOp,
        fetch: bool,
    ) -> Result<(), Refused> {
        let base = self.read(insn.dst)?;
        let operand = self.read(insn.src)?;
        self.secret(&operand, insn.src, "is calculated with", "leaks addr into mem")?;
        if op == AtomicOp::Cmpxchg {
            let compared = self.read(Reg::R0)?;
            self.secret(&compared, Reg::R0, "is compared", "leaks addr into mem")?;
        }
        let off = i64::from(insn.off);
        self.check_atomic(&base, insn.dst, off, size)?;
        let old = self.load(&base, insn.dst, off, size, false)?;
        if old.is_pointer() && self.options.unprivileged {
            let text = "an atomic operation on a pointer that is kept on the stack".to_owned();
            return Err(crate::unprivileged::disclosed(text)
                .kernel(format!("leaking pointer from stack off {off}")));
        }
        let stored = Value::number(Scalar::bytes(size.bytes()));
        self.store(&base, insn.dst, off, size, &stored)?;
        let mut old = old;
        if old.is_scalar() {
            old.unlink();
        }
        if op == AtomicOp::Cmpxchg {
            self.write(Reg::R0, old)?;
        } else if fetch {
            self.write(insn.src, old)?;
        }
        Ok(())
    }

    /// Atomic operations are for memory of the program and the host, and aligned.
    fn check_atomic(&self, base: &Value, reg: Reg, off: i64, size: Size) -> Result<(), Refused> {
        match base.kind {
            Kind::Frame(_)
            | Kind::MapValue(_)
            | Kind::Memory(_)
            | Kind::Object(_)
            | Kind::Arena
            | Kind::Scalar => {}
            _ => {
                return Err(Rejection::new(
                    &c::V_PROTECTED,
                    format!("an atomic operation on {base}"),
                )
                .kernel(format!(
                    "BPF_ATOMIC stores into R{} {} is not allowed",
                    reg.number(),
                    super::alu::short(base)
                )));
            }
        }
        self.check_alignment(base, reg, off, size.bytes(), true)
    }

    /// Loads from the packet by the old instructions: the context in r6, the result in r0.
    fn packet_load(&mut self, insn: &Insn) -> Result<Flow, Refused> {
        let refuse = |text: &str, kernel: &str| {
            Err(Rejection::new(&c::V_NOT_HERE, text.to_owned()).kernel(kernel.to_owned()))
        };
        if !self.context.legacy_loads {
            return refuse(
                "this program type has no packet for the old packet loads",
                "BPF_LD_[ABS|IND] instructions not allowed for this program type",
            );
        }
        let context = self.read(Reg::R6)?;
        if context.kind != Kind::Context {
            return refuse(
                "r6 must hold the context",
                "at the time of BPF_LD_ABS|IND R6 != pointer to skb",
            );
        }
        if let Op::LdInd { .. } = insn.kind() {
            self.read(insn.src)?;
        }
        let called = self.state.frames.len() > 1;
        if called {
            let back = |frame: &Frame| matches!(frame.entered, Entered::Callback { .. });
            if self.state.frames.iter().any(|frame| back(frame)) {
                return refuse(
                    "a packet load in a callback",
                    "cannot use BPF_LD_[ABS|IND] within callback",
                );
            }
            if !self.returns_int(self.state.frame().function) {
                return refuse(
                    "a packet load in a function that does not return `int`, as far as its BTF says",
                    "LD_ABS is only allowed in functions that return 'int'.",
                );
            }
        }
        // The function ends if the packet is too short.
        self.check_end("a packet load can end the program")?;
        for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            self.state.set(reg, Value::UNINIT);
        }
        let size = match insn.kind() {
            Op::LdAbs { size } | Op::LdInd { size } => size,
            _ => Size::Dw,
        };
        let next = self.slot + 1;
        if called {
            let mut loaded = self.state.clone();
            loaded.set(Reg::R0, Value::number(Scalar::bytes(size.bytes())));
            self.fork(loaded, next)?;
            self.write(Reg::R0, Value::constant(0))?;
            return self.exit();
        }
        self.write(Reg::R0, Value::number(Scalar::bytes(size.bytes())))?;
        Ok(Flow::To(next))
    }

    /// The host decides how often: what comes after the loop is walked first, so that it is known what
    /// it relies on.
    fn may_goto(&mut self, insn: &Insn) -> Result<Flow, Refused> {
        let next = self.slot + 1;
        let target = (i64::from(next) + i64::from(insn.off)) as u32;
        let mut inside = self.state.clone();
        if let Some(since) = self.rounds_before() {
            self.widen(&mut inside, since);
        }
        inside.steps += 1;
        self.fork(inside, next)?;
        Ok(Flow::To(target))
    }

    /// A static function is walked where it is called; a global one is proved by itself.
    fn call_function(&mut self, insn: &Insn) -> Result<Flow, Refused> {
        let target = i64::from(self.slot) + 1 + insn.imm;
        let Some(function) = self.code.function_from(target) else {
            return Err(Rejection::new(&c::V_BAD_JUMP, "a call of no function"));
        };
        let back = self.slot + 1;
        if self.is_global(function) {
            self.call_global(function)?;
            return Ok(Flow::To(back));
        }
        self.jumps += 1;
        let regs = &self.state.frame().regs;
        let arguments = [regs[1], regs[2], regs[3], regs[4], regs[5]];
        self.push_frame(function, crate::state::Entered::Call { back }, arguments)?;
        Ok(Flow::To(self.code.functions[function as usize].start))
    }
}
