//! Properties of decoding over arbitrary slots, and of what is said about registers and flow.

use abide_isa::{
    Endian, Insn, Kind, Op, Raw, Reg, RegSet, decode, decode_all, decode_bytes, encode,
};
use proptest::prelude::*;

fn slot() -> impl Strategy<Value = Raw> {
    // Opcodes of the table and small field values are common, so that many slots do decode.
    let code = prop_oneof![
        4 => proptest::sample::select(Op::ALL).prop_map(|op| op.spec().opcode),
        1 => any::<u8>(),
    ];
    let imm = prop_oneof![Just(0), 0..=0x111, any::<i32>()];
    let off = prop_oneof![Just(0i16), -32i16..=32, any::<i16>()];
    (code, 0u8..16, prop_oneof![Just(0u8), 0u8..16], off, imm)
        .prop_map(|(code, dst, src, off, imm)| Raw { code, dst, src, off, imm })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn what_decodes_encodes_to_the_same_slots(first in slot(), high in any::<i32>()) {
        let slots = [first, Raw { imm: high, ..Raw::default() }];
        if let Ok(insn) = decode(&slots) {
            prop_assert_eq!(&encode(&insn).unwrap()[..], &slots[..insn.slots()]);
        }
    }

    #[test]
    fn decoding_everything_visits_every_slot_once(slots in proptest::collection::vec(slot(), 0..20)) {
        let mut next = 0;
        for (at, result) in decode_all(&slots) {
            prop_assert_eq!(at, next);
            next += result.map_or(1, |insn| insn.slots());
            if slots.get(next).is_some_and(|raw| raw.code == 0) && slots[at].code == 0x18 {
                next = at + 2;
            }
        }
        prop_assert_eq!(next, slots.len());
    }

    #[test]
    fn decoding_bytes_is_decoding_slots(slots in proptest::collection::vec(slot(), 0..20), rest in 0usize..8) {
        for endian in [Endian::Little, Endian::Big] {
            let mut bytes: Vec<u8> = slots.iter().flat_map(|slot| slot.to_bytes(endian)).collect();
            bytes.resize(bytes.len() + rest, 0);
            let all: Vec<_> = decode_all(&slots).collect();
            prop_assert!(decode_bytes(&bytes, endian, |_| true).eq(all.iter().copied()));
            // Only some opcodes: the same ones, and all 64-bit immediate loads.
            let wanted = |code: u8| code & 7 == 5;
            let some = all.into_iter().filter(|(at, _)| {
                wanted(slots[*at].code) || slots[*at].code == Op::LdImm64.spec().opcode
            });
            prop_assert!(decode_bytes(&bytes, endian, wanted).eq(some));
        }
    }
}

fn insn(op: Op) -> Insn {
    Insn { dst: Reg::R7, src: Reg::R8, ..Insn::new(op) }
}

fn set(regs: &[Reg]) -> RegSet {
    regs.iter().copied().collect()
}

#[test]
fn registers_read_and_written() {
    let args = RegSet::ARGUMENTS;
    let cases: &[(Op, RegSet, RegSet)] = &[
        (Op::Add64X, set(&[Reg::R7, Reg::R8]), set(&[Reg::R7])),
        (Op::Mov32K, set(&[]), set(&[Reg::R7])),
        (Op::Movsx8To64, set(&[Reg::R8]), set(&[Reg::R7])),
        (Op::Be16, set(&[Reg::R7]), set(&[Reg::R7])),
        (Op::LdxDw, set(&[Reg::R8]), set(&[Reg::R7])),
        (Op::StxB, set(&[Reg::R7, Reg::R8]), set(&[])),
        (Op::StW, set(&[Reg::R7]), set(&[])),
        (Op::AtomicAdd32, set(&[Reg::R7, Reg::R8]), set(&[])),
        (Op::FetchAdd64, set(&[Reg::R7, Reg::R8]), set(&[Reg::R8])),
        (Op::Cmpxchg64, set(&[Reg::R0, Reg::R7, Reg::R8]), set(&[Reg::R0])),
        (Op::LoadAcquire8, set(&[Reg::R8]), set(&[Reg::R7])),
        (Op::StoreRelease8, set(&[Reg::R7, Reg::R8]), set(&[])),
        (Op::CallX, args.with(Reg::R7), args.with(Reg::R0)),
        (Op::LdIndB, set(&[Reg::R6, Reg::R8]), args.with(Reg::R0)),
        (Op::Exit, set(&[Reg::R0]), set(&[])),
        (Op::Jslt32X, set(&[Reg::R7, Reg::R8]), set(&[])),
        (Op::Jslt32K, set(&[Reg::R7]), set(&[])),
        (Op::MayGoto, set(&[]), set(&[])),
    ];
    for &(op, reads, writes) in cases {
        assert_eq!(insn(op).reads(), reads, "{op:?} reads");
        assert_eq!(insn(op).writes(), writes, "{op:?} writes");
    }
}

#[test]
fn where_control_goes() {
    let flow = |op| {
        let insn = Insn { off: 3, imm: 5, ..Insn::new(op) };
        (insn.jump(), insn.is_terminator(), insn.may_fall_through())
    };
    assert_eq!(flow(Op::Ja), (Some(3), true, false));
    assert_eq!(flow(Op::JaLong), (Some(5), true, false));
    assert_eq!(flow(Op::JaX), (None, true, false));
    assert_eq!(flow(Op::Jeq64K), (Some(3), true, true));
    assert_eq!(flow(Op::MayGoto), (Some(3), true, true));
    assert_eq!(flow(Op::Exit), (None, true, false));
    assert_eq!(flow(Op::CallLocal), (None, false, true));
    assert_eq!(Insn { imm: -4, ..Insn::new(Op::CallLocal) }.function(), Some(-4));
}

#[test]
fn an_instruction_that_uses_no_register_field_says_so() {
    for &op in Op::ALL {
        if let Kind::Jump { .. } | Kind::MayGoto | Kind::LdAbs { .. } = op.kind() {
            assert!(!insn(op).reads().contains(Reg::R7), "{op:?}");
            assert!(!insn(op).writes().contains(Reg::R7), "{op:?}");
        }
    }
}
