//! What of a slot is no operand, for each row of the table, as one number: encoding and decoding compare
//! all fields at once with it. Says nothing about why a slot or an instruction is none.

use crate::insn::Insn;
use crate::raw::Raw;
use crate::reg::Reg;
use crate::spec::{Field, Spec};
use crate::table::{Op, SPECS};

/// Where the fields begin in a slot that is taken as one number, lowest bits first.
const DST: u32 = 8;
const SRC: u32 = 12;
const OFF: u32 = 16;
const IMM: u32 = 32;

/// The bits of a slot that are no operands, and what they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    fixed: u64,
    value: u64,
}

/// The shape of each instruction; of a 64-bit immediate load that of its first slot.
static SHAPES: [Shape; SPECS.len()] = {
    let mut shapes = [Shape { fixed: 0xff, value: 0 }; SPECS.len()];
    let mut row = 0;
    while row < SPECS.len() {
        shapes[row] = Shape::of(&SPECS[row]);
        row += 1;
    }
    shapes
};

impl Shape {
    const fn of(spec: &Spec) -> Shape {
        Shape { fixed: 0xff, value: spec.opcode as u64 }
            .with(spec.dst, DST, 0xf)
            .with(spec.src, SRC, 0xf)
            .with(spec.off, OFF, 0xffff)
            .with(spec.imm, IMM, 0xffff_ffff)
    }

    const fn with(self, field: Field, at: u32, mask: u64) -> Shape {
        match field.constant() {
            None => self,
            Some(constant) => Shape {
                fixed: self.fixed | mask << at,
                value: self.value | (constant as u64 & mask) << at,
            },
        }
    }
}

impl Raw {
    /// The slot as one number: its bytes in little-endian order.
    #[inline]
    pub(crate) const fn word(self) -> u64 {
        self.code as u64
            | (self.dst as u64 & 0xf) << DST
            | (self.src as u64 & 0xf) << SRC
            | (self.off as u16 as u64) << OFF
            | (self.imm as u32 as u64) << IMM
    }

    /// The slot that such a number is.
    #[inline]
    pub(crate) const fn of_word(word: u64) -> Raw {
        Raw {
            code: word as u8,
            dst: (word >> DST) as u8 & 0xf,
            src: (word >> SRC) as u8 & 0xf,
            off: (word >> OFF) as i16,
            imm: (word >> IMM) as i32,
        }
    }
}

/// The slot of an instruction, or its first one, unless there is a value in a field that it does not
/// use. Of its immediate only the low half is looked at.
#[inline]
pub(crate) fn slot_of(insn: &Insn) -> Option<u64> {
    let Shape { fixed, value } = SHAPES[insn.op as usize];
    let operands = Raw {
        code: 0,
        dst: insn.dst.number(),
        src: insn.src.number(),
        off: insn.off,
        imm: insn.imm_low(),
    };
    let operands = operands.word();
    (operands & fixed == 0).then_some(operands | value)
}

/// The instruction that a slot is if it is this one; of two slots it is only what the first one says.
#[inline]
pub(crate) fn insn_of(op: Op, word: u64) -> Option<Insn> {
    let Shape { fixed, value } = SHAPES[op as usize];
    if word & fixed != value {
        return None;
    }
    let Raw { dst, src, off, imm, .. } = Raw::of_word(word & !fixed);
    Some(Insn { op, dst: Reg::new(dst)?, src: Reg::new(src)?, off, imm: i64::from(imm) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_slot_is_two_instructions() {
        for (row, one) in SHAPES.iter().enumerate() {
            for other in &SHAPES[..row] {
                let both = one.fixed & other.fixed;
                assert_ne!(one.value & both, other.value & both, "{}", Op::ALL[row].name());
            }
        }
    }
}
