//! Arithmetic on registers: of numbers by the domain, of pointers by the few rules that keep them
//! pointers.

use abide_isa::{AluOp, EndianOp, Insn, Operand, Reg, Width};

use super::{Refused, Walk};
use crate::codes as c;
use crate::domain::{Scalar, alu};
use crate::reject::Rejection;
use crate::state::nodes::Node;
use crate::state::value::{Flags, Kind, Value};

/// Offsets are smaller than this, so that sums of a few do not wrap.
pub(crate) const MAX_OFFSET: i64 = 1 << 29;

impl Walk<'_> {
    pub(crate) fn operand(&self, insn: &Insn, src: Operand) -> Result<Value, Refused> {
        match src {
            Operand::Reg => self.read(insn.src),
            Operand::Imm => Ok(Value::constant(insn.imm as u64)),
        }
    }

    pub(crate) fn mov(&mut self, insn: &Insn, width: Width, src: Operand) -> Result<(), Refused> {
        let mut value = self.operand(insn, src)?;
        if src == Operand::Reg && value.is_scalar() && value.num.value().is_none() {
            // From now on both are known to be equal.
            if value.id == 0 {
                value.unlink();
                value.id = self.fresh_id();
                if insn.src != Reg::FP {
                    self.state.set(insn.src, value);
                }
            }
        }
        if width == Width::W32 {
            if !value.is_scalar() {
                self.secret(&value, insn.src, "a half of it is copied", "partial copy of pointer")?;
                return self.write(insn.dst, Value::number(Scalar::bytes(4)));
            }
            if value.num.umax > u64::from(u32::MAX) {
                value.unlink();
            }
            value.num = value.num.low_half();
        }
        self.write(insn.dst, value)
    }

    pub(crate) fn movsx(&mut self, insn: &Insn, width: Width, bits: u8) -> Result<(), Refused> {
        let value = self.read(insn.src)?;
        if !value.is_scalar() {
            let kernel = match width {
                Width::W32 => "partial copy of pointer",
                Width::W64 => "sign-extension part of pointer",
            };
            self.secret(&value, insn.src, "a part of it is copied", kernel)?;
            let any = if width == Width::W32 { Scalar::bytes(4) } else { Scalar::UNKNOWN };
            return self.write(insn.dst, Value::number(any));
        }
        let wide = value.num.sign_extended(u32::from(bits));
        let num = if width == Width::W32 { wide.low_half() } else { wide };
        self.write(insn.dst, Value { node: value.node, ..Value::number(num) })
    }

    pub(crate) fn negate(&mut self, insn: &Insn, width: Width) -> Result<(), Refused> {
        let value = self.read(insn.dst)?;
        if !value.is_scalar() {
            self.secret(&value, insn.dst, "becomes a number", "pointer arithmetic prohibited")?;
            let any = if width == Width::W32 { Scalar::bytes(4) } else { Scalar::UNKNOWN };
            return self.write(insn.dst, Value::number(any));
        }
        let num = alu::negate(width, &value.num);
        self.write(insn.dst, Value { node: value.node, ..Value::number(num) })
    }

    pub(crate) fn endian(&mut self, insn: &Insn, op: EndianOp, bits: u8) -> Result<(), Refused> {
        let value = self.read(insn.dst)?;
        if !value.is_scalar() {
            self.secret(&value, insn.dst, "becomes a number", "pointer arithmetic prohibited")?;
            return self.write(insn.dst, Value::UNKNOWN);
        }
        let num = alu::endian(op, u32::from(bits), &value.num, self.options.little);
        self.write(insn.dst, Value { node: value.node, ..Value::number(num) })
    }

    pub(crate) fn arithmetic(
        &mut self,
        insn: &Insn,
        width: Width,
        op: AluOp,
        src: Operand,
    ) -> Result<(), Refused> {
        let a = self.read(insn.dst)?;
        let b = self.operand(insn, src)?;
        if insn.dst == Reg::FP {
            return self.write(insn.dst, a);
        }
        if is_shift(op) && src == Operand::Imm {
            let bits = i64::from(width.bits());
            if insn.imm < 0 || insn.imm >= bits {
                let text = format!("a shift by {} of {bits} bits", insn.imm);
                return Err(Rejection::new(&c::V_INSTRUCTION, text)
                    .kernel(format!("invalid shift {}", insn.imm)));
            }
        }
        let zero = matches!(op, AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod);
        if zero && src == Operand::Imm && insn.imm == 0 {
            return Err(Rejection::new(&c::V_INSTRUCTION, "a division by the constant 0")
                .kernel("div by zero"));
        }
        if a.kind == Kind::Arena || b.kind == Kind::Arena {
            // Whatever comes of it is looked at again where it is used.
            return self.write(insn.dst, Value::pointer(Kind::Arena));
        }
        let result = match (a.is_scalar(), b.is_scalar()) {
            (true, true) => {
                self.unmasked(insn, op, src)?;
                self.numbers(insn, (op, src), width, &a, &b)
            }
            (false, true) => self.pointer(insn, (op, src), width, &a, &b, false)?,
            (true, false) => self.pointer(insn, (op, src), width, &b, &a, true)?,
            // The difference of two pointers is a number; nothing else is anything.
            (false, false) if op == AluOp::Sub => {
                let what = "another pointer is subtracted from it";
                self.secret(&a, insn.dst, what, "pointer -= pointer prohibited")?;
                Value::number(match width {
                    Width::W32 => Scalar::bytes(4),
                    Width::W64 => Scalar::UNKNOWN,
                })
            }
            (false, false) => {
                let text = format!("{} and another pointer are calculated with", insn.dst);
                return Err(Rejection::new(&c::V_POINTER_MATH, text).kernel(format!(
                    "R{} pointer {} pointer prohibited",
                    insn.dst.number(),
                    symbol(op)
                )));
            }
        };
        self.write(insn.dst, result)
    }

    fn numbers(
        &mut self,
        insn: &Insn,
        (op, src): (AluOp, Operand),
        width: Width,
        a: &Value,
        b: &Value,
    ) -> Value {
        let num = match b.num.value() {
            // As the host does: nothing is known of a shift by more than there is.
            Some(count) if is_shift(op) && count >= u64::from(width.bits()) => match width {
                Width::W32 => Scalar::bytes(4),
                Width::W64 => Scalar::UNKNOWN,
            },
            _ => alu::binary(op, width, &a.num, &b.num),
        };
        let node = self.nodes.of(a.node, b.node);
        let mut result = Value { node, ..Value::number(num) };
        // Still linked: it is the same number plus a constant.
        let low = width == Width::W32;
        let keeps = if low { a.num.umax <= u64::from(u32::MAX) } else { !a.flags.has(Flags::LOW) };
        if src == Operand::Imm
            && keeps
            && self.keeps_in_mind()
            && a.id != 0
            && num.value().is_none()
        {
            let by = match (op, b.num.value()) {
                (AluOp::Add, Some(by)) => i32::try_from(by as i64).ok(),
                (AluOp::Sub, Some(by)) => i32::try_from(-(by as i64)).ok(),
                _ => None,
            };
            let off =
                by.and_then(
                    |by| {
                        if low { Some(a.off.wrapping_add(by)) } else { a.off.checked_add(by) }
                    },
                );
            if let Some(off) = off {
                result.id = a.id;
                result.off = off;
                result.flags = if low { Flags::LOW } else { Flags::NONE };
            }
        }
        // x - x and x ^ x are 0.
        let same = src == Operand::Reg
            && a.id != 0
            && a.id == b.id
            && a.off == b.off
            && a.flags == b.flags;
        let same = insn.dst == insn.src && src == Operand::Reg || same && width == Width::W64;
        if same && matches!(op, AluOp::Sub | AluOp::Xor) {
            result.num = Scalar::constant(0);
        }
        result
    }

    /// A pointer plus or minus a number. `swapped`: the number is the destination.
    fn pointer(
        &mut self,
        insn: &Insn,
        (op, src): (AluOp, Operand),
        width: Width,
        pointer: &Value,
        number: &Value,
        swapped: bool,
    ) -> Result<Value, Refused> {
        let reg = if swapped { insn.src } else { insn.dst };
        let refuse = |text: String, kernel: String| {
            Err(Rejection::new(&c::V_POINTER_MATH, text).kernel(kernel))
        };
        if width == Width::W32 {
            if op == AluOp::Sub {
                let what = "a half of it becomes a number";
                self.secret(pointer, reg, what, "32-bit pointer arithmetic prohibited")?;
                return Ok(Value::number(Scalar::bytes(4)));
            }
            let text = format!("32-bit arithmetic on {reg}, which is a pointer");
            return refuse(text, format!("R{} 32-bit pointer arithmetic prohibited", reg.number()));
        }
        if !matches!(op, AluOp::Add | AluOp::Sub) {
            let text = format!("{reg} is a pointer; only + and - are allowed");
            let word = if matches!(op, AluOp::And | AluOp::Or | AluOp::Xor) {
                "bitwise operator"
            } else {
                "pointer arithmetic with"
            };
            let kernel = format!("R{} {word} {} on pointer", reg.number(), symbol(op));
            return Err(Rejection::new(&c::V_POINTER_MATH, text)
                .kernel(kernel)
                .help("calculate with the offset, and add that to the pointer"));
        }
        if swapped && op == AluOp::Sub {
            let text = format!("{reg}, a pointer, is subtracted from a number");
            return refuse(
                text,
                format!("R{} tried to subtract pointer from scalar", insn.dst.number()),
            );
        }
        if pointer.nullable() {
            return Err(Rejection::new(
                &c::V_NULL,
                format!("{reg} may be null, and is calculated with"),
            )
            .kernel(format!(
                "R{} pointer arithmetic on {}_or_null prohibited, null-check it first",
                reg.number(),
                short(pointer)
            ))
            .help("compare it with 0 before"));
        }
        if pointer.is_anywhere() {
            return Ok(*pointer);
        }
        let zero = number.num.value() == Some(0);
        match pointer.kind {
            Kind::PacketEnd | Kind::Function(_) if !zero => {
                let text = format!("{reg} has no inside to point into");
                return refuse(
                    text,
                    format!(
                        "R{} pointer arithmetic on {} prohibited",
                        reg.number(),
                        short(pointer)
                    ),
                );
            }
            Kind::Memory(_) if pointer.flags.has(Flags::FIXED) && number.num.value().is_none() => {
                return refuse(
                    format!("to {reg} only constants are added"),
                    format!("R{} pointer arithmetic on flow_keys prohibited", reg.number()),
                );
            }
            Kind::Map(_) if !zero => {
                return refuse(
                    format!("{reg} is a map"),
                    format!("R{} pointer arithmetic on map_ptr prohibited", reg.number()),
                );
            }
            Kind::Object(of)
                if matches!(self.types.get(of).origin, crate::types::Origin::Api(_))
                    && !pointer.flags.any(
                        Flags::ALLOCATED
                            .with(Flags::TRUSTED)
                            .with(Flags::UNTRUSTED)
                            .with(Flags::RCU),
                    )
                    && !zero =>
            {
                return refuse(
                    format!("{reg} is an object of the host"),
                    format!("R{} pointer arithmetic on sock prohibited", reg.number()),
                );
            }
            _ => {}
        }
        self.rely(number);
        let window = self.window(insn, (op, src), pointer, number, swapped)?;
        let result = self.moved(reg, op, pointer, number)?;
        self.masked(insn, op, window, &result)?;
        Ok(result)
    }

    fn moved(
        &mut self,
        reg: Reg,
        op: AluOp,
        pointer: &Value,
        number: &Value,
    ) -> Result<Value, Refused> {
        let bounded = |min: i64| min > -MAX_OFFSET && min < MAX_OFFSET;
        let outside = |text: String| {
            Rejection::new(&c::V_POINTER_RANGE, text)
                .help("compare the number with a bound on both sides before it is added, or make it unsigned")
        };
        if !bounded(number.num.smin) {
            let text = format!("the number added to {reg} can be {}", number.num.smin);
            return Err(outside(text).kernel(if number.num.smin == i64::MIN {
                format!(
                    "math between {} pointer and register with unbounded min value is not allowed",
                    short(pointer)
                )
            } else {
                format!(
                    "value {} makes {} pointer be out of bounds",
                    number.num.smin,
                    short(pointer)
                )
            }));
        }
        let mut result = Value { flags: pointer.flags.without(Flags::BEYOND), ..*pointer };
        // Engines may not be able to do it.
        if op == AluOp::Sub && matches!(pointer.kind, Kind::Frame(_)) {
            let text = format!("a number is subtracted from {reg}, a pointer to the stack");
            return Err(Rejection::new(&c::V_POINTER_MATH, text)
                .kernel(format!("R{} subtraction from stack pointer prohibited", reg.number()))
                .help("add a negative number"));
        }
        if let Some(by) = number.num.value() {
            let by = if op == AluOp::Sub { -(by as i64) } else { by as i64 };
            let off = i64::from(pointer.off) + by;
            if !bounded(off) {
                return Err(outside(format!("{reg} would have the offset {off}"))
                    .kernel(format!("{} pointer offset {off} is not allowed", short(pointer))));
            }
            result.off = off as i32;
            return Ok(result);
        }
        result.num = alu::binary(op, Width::W64, &pointer.num, &number.num);
        if !bounded(result.num.smin) {
            let text = format!("{reg} would have an offset of {} or less", result.num.smin);
            return Err(outside(text).kernel(format!(
                "{} pointer offset {} is not allowed",
                short(pointer),
                result.num.smin
            )));
        }
        // Packet pointers with the same unknown part belong together: this is another one.
        if matches!(pointer.kind, Kind::Packet | Kind::PacketMeta) {
            result.id = self.fresh_id();
            result.range = 0;
        }
        result.node = Node::NONE;
        Ok(result)
    }
}

fn is_shift(op: AluOp) -> bool {
    matches!(op, AluOp::Lsh | AluOp::Rsh | AluOp::Arsh)
}

fn symbol(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+=",
        AluOp::Sub => "-=",
        AluOp::Mul => "*=",
        AluOp::Div => "/=",
        AluOp::Sdiv => "s/=",
        AluOp::Or => "|=",
        AluOp::And => "&=",
        AluOp::Xor => "^=",
        AluOp::Lsh => "<<=",
        AluOp::Rsh => ">>=",
        AluOp::Arsh => "s>>=",
        AluOp::Mod => "%=",
        AluOp::Smod => "s%=",
    }
}

/// What the kernel calls a pointer of this kind.
pub(crate) fn short(value: &Value) -> &'static str {
    match value.kind {
        Kind::Uninit => "?",
        Kind::Scalar => "scalar",
        Kind::Context => "ctx",
        Kind::Frame(_) => "fp",
        Kind::Map(_) => "map_ptr",
        Kind::MapValue(_) => "map_value",
        Kind::MapKey(_) => "map_key",
        Kind::Packet => "pkt",
        Kind::PacketMeta => "pkt_meta",
        Kind::PacketEnd => "pkt_end",
        Kind::Memory(_) => "mem",
        Kind::Object(_) => "ptr_",
        Kind::Function(_) => "func",
        Kind::Dynptr { .. } => "dynptr_ptr",
        Kind::Iterator { .. } => "iter",
        Kind::Arena => "arena",
        Kind::Irq { .. } => "irq_flag",
    }
}
