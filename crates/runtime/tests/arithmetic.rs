//! Random arithmetic against a reference evaluator that shares no code with the interpreter: it
//! works on wide integers and on the text of RFC 9669, section 4.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use abide_isa::{AluOp, EndianOp, Insn, Kind, Op, Operand, Raw, Reg, Width, encode};
use abide_runtime::bare;
use proptest::prelude::*;

/// The operation on mathematical integers, cut to the width afterwards.
fn alu(op: AluOp, width: Width, a: u64, b: u64) -> u64 {
    let bits = width.bits();
    let modulus = 1i128 << bits;
    let unsigned = |value: u64| i128::from(value) % modulus;
    let signed = |value: u64| {
        let value = unsigned(value);
        if value >= modulus / 2 { value - modulus } else { value }
    };
    let (ua, ub, sa, sb) = (unsigned(a), unsigned(b), signed(a), signed(b));
    let count = (ub % i128::from(bits)) as u32;
    let result = match op {
        AluOp::Add => ua + ub,
        AluOp::Sub => ua - ub,
        // Not exact for 64 bits, where the product may need more than 127: in two halves.
        AluOp::Mul => {
            let (high, low) = (ub >> 32, ub & 0xffff_ffff);
            (ua * low) + (((ua * high) % modulus) << 32)
        }
        AluOp::Div if ub == 0 => 0,
        AluOp::Div => ua / ub,
        AluOp::Sdiv if sb == 0 => 0,
        AluOp::Sdiv => sa / sb,
        AluOp::Mod if ub == 0 => ua,
        AluOp::Mod => ua % ub,
        AluOp::Smod if sb == 0 => ua,
        AluOp::Smod => sa % sb,
        AluOp::Or => ua | ub,
        AluOp::And => ua & ub,
        AluOp::Xor => ua ^ ub,
        AluOp::Lsh => ua << count,
        AluOp::Rsh => ua >> count,
        AluOp::Arsh => sa >> count,
    };
    result.rem_euclid(modulus) as u64
}

fn evaluate(program: &[Insn], regs: &mut [u64; 10]) {
    for insn in program {
        let (dst, src) = (insn.dst.index(), insn.src.index());
        let operand = |kind: Operand| match kind {
            Operand::Reg => regs[src],
            Operand::Imm => insn.imm as u64,
        };
        regs[dst] = match insn.kind() {
            Kind::Alu { width, op, src } => alu(op, width, regs[dst], operand(src)),
            Kind::Mov { width, src } => alu(AluOp::Or, width, operand(src), 0),
            Kind::MovSx { width, bits } => {
                let half = 1u64 << (bits - 1);
                let low = regs[src] % (half << 1);
                let extended = if low >= half { low.wrapping_sub(half << 1) } else { low };
                alu(AluOp::Or, width, extended, 0)
            }
            Kind::Neg { width } => alu(AluOp::Sub, width, 0, regs[dst]),
            Kind::Endian { op, bits } => {
                let bytes: Vec<u64> =
                    (0..u32::from(bits) / 8).map(|at| regs[dst] >> (8 * at) & 0xff).collect();
                let big = cfg!(target_endian = "big");
                let swap = match op {
                    EndianOp::Swap => true,
                    EndianOp::ToBe => !big,
                    EndianOp::ToLe => big,
                };
                let glue = |word: u64, byte: &u64| word << 8 | byte;
                if swap { bytes.iter().fold(0, glue) } else { bytes.iter().rev().fold(0, glue) }
            }
            Kind::LdImm64(_) => insn.imm as u64,
            other => unreachable!("{other:?} is not generated"),
        };
    }
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        any::<i32>().prop_map(|value| i64::from(value) as u64),
        prop::sample::select(vec![
            0,
            1,
            u64::MAX,
            1 << 63,
            (1 << 63) - 1,
            1 << 31,
            (1 << 31) - 1,
            u64::from(u32::MAX),
            1 << 32,
        ]),
        0..70u64,
    ]
}

fn insn() -> impl Strategy<Value = Insn> {
    let ops: Vec<Op> = Op::ALL
        .iter()
        .copied()
        .filter(|op| {
            matches!(
                op.kind(),
                Kind::Alu { .. }
                    | Kind::Mov { .. }
                    | Kind::MovSx { .. }
                    | Kind::Neg { .. }
                    | Kind::Endian { .. }
            )
        })
        .collect();
    let wide = (0..10u8, value()).prop_map(|(dst, imm)| Insn {
        dst: reg(dst),
        imm: imm as i64,
        ..Insn::new(Op::LdImm64)
    });
    let narrow =
        (prop::sample::select(ops), 0..10u8, 0..10u8, value()).prop_map(|(op, dst, src, imm)| {
            let uses_src = matches!(
                op.kind(),
                Kind::Alu { src: Operand::Reg, .. }
                    | Kind::Mov { src: Operand::Reg, .. }
                    | Kind::MovSx { .. }
            );
            let uses_imm = matches!(
                op.kind(),
                Kind::Alu { src: Operand::Imm, .. } | Kind::Mov { src: Operand::Imm, .. }
            );
            Insn {
                op,
                dst: reg(dst),
                src: if uses_src { reg(src) } else { Reg::R0 },
                off: 0,
                imm: if uses_imm { i64::from(imm as i32) } else { 0 },
            }
        });
    prop_oneof![1 => wide, 8 => narrow]
}

fn reg(number: u8) -> Reg {
    Reg::new(number).unwrap()
}

fn slots(program: &[Insn]) -> Vec<Raw> {
    program.iter().flat_map(|insn| encode(insn).unwrap().to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn arithmetic_agrees_with_the_reference(
        start in prop::array::uniform10(value()),
        body in prop::collection::vec(insn(), 1..60),
    ) {
        let load = |(number, value): (u8, &u64)| Insn {
            dst: reg(number), imm: *value as i64, ..Insn::new(Op::LdImm64)
        };
        let mut program: Vec<Insn> = (0..).zip(&start).map(load).collect();
        program.extend(&body);
        let mut regs = start;
        evaluate(&body, &mut regs);
        // All ten registers in one number.
        for number in 1..10 {
            let mul = Insn { imm: 31, ..Insn::new(Op::Mul64K) };
            let add = Insn { src: reg(number), ..Insn::new(Op::Add64X) };
            program.extend([mul, add]);
        }
        program.push(Insn::new(Op::Exit));
        let expected =
            regs[1..].iter().fold(regs[0], |sum, reg| sum.wrapping_mul(31).wrapping_add(*reg));
        let ready = bare::Builder::new("random", &slots(&program)).build().unwrap();
        let outcome = ready.run(&mut ready.context()).unwrap();
        prop_assert_eq!(outcome.value, expected);
        prop_assert_eq!(outcome.instructions, program.len() as u64);
    }

    /// Whatever the code is, it ends in a value or a trap.
    #[test]
    fn random_code_never_panics(
        body in prop::collection::vec((any::<u8>(), 0..11u8, 0..11u8, -9i16..9, -9i32..9), 0..40),
    ) {
        let slots: Vec<Raw> = body
            .iter()
            .map(|(code, dst, src, off, imm)| {
                Raw { code: *code, dst: *dst, src: *src, off: *off, imm: *imm }
            })
            .collect();
        if let Ok(ready) = bare::Builder::new("random", &slots).build() {
            let _ = ready.run(ready.context().fuel(1000));
        }
    }

    /// Random instructions of the table: most of them run.
    #[test]
    fn random_instructions_never_panic(
        body in prop::collection::vec(
            (prop::sample::select(Op::ALL), 0..11u8, 0..11u8, -20i16..20, value()), 0..40),
    ) {
        let slots: Vec<Raw> = body
            .iter()
            .filter_map(|(op, dst, src, off, imm)| {
                // A field that the form does not use must be zero.
                [0, 1, 2, 3, 4, 5, 6, 7].into_iter().find_map(|mask: u8| {
                    let insn = Insn {
                        op: *op,
                        dst: if mask & 4 == 0 { reg(*dst) } else { Reg::R0 },
                        src: if mask & 1 == 0 { reg(*src) } else { Reg::R0 },
                        off: if mask & 2 == 0 { *off } else { 0 },
                        imm: i64::from(*imm as i32),
                    };
                    encode(&insn)
                        .or_else(|_| encode(&Insn { imm: 0, ..insn }))
                        .ok()
                        .map(|slots| slots.to_vec())
                })
            })
            .flatten()
            .collect();
        if let Ok(ready) = bare::Builder::new("random", &slots).build() {
            let _ = ready.run(ready.context().fuel(1000));
        }
    }
}
