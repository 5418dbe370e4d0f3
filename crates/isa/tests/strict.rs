//! Decoding and encoding are strict: what is not exactly an instruction is an error with its code.

use abide_diag::Report;
use abide_isa::{CODES, EncodeError, Field, Insn, Kind, Op, Raw, Reg, decode, encode, forms};

fn encoded(op: Op) -> Vec<Raw> {
    encode(&Insn::new(op)).expect("zero operands always fit").to_vec()
}

fn code_of(slots: &[Raw]) -> &'static str {
    match decode(slots) {
        Ok(insn) => panic!("{slots:?} was decoded as {insn:?}"),
        Err(error) => error.report().code.id,
    }
}

#[test]
fn a_reserved_field_that_is_not_zero_is_an_error() {
    for &op in Op::ALL {
        let spec = op.spec();
        for (field, name) in
            [(spec.dst, "dst"), (spec.src, "src"), (spec.off, "off"), (spec.imm, "imm")]
        {
            if field != Field::Zero {
                continue;
            }
            for value in [1, 8, 10, 15, -1, i32::MIN] {
                let mut slots = encoded(op);
                match name {
                    "dst" => slots[0].dst = value as u8 & 15,
                    "src" => slots[0].src = value as u8 & 15,
                    "off" => slots[0].off = value as i16,
                    _ => slots[0].imm = value,
                }
                if slots != encoded(op) {
                    assert_eq!(code_of(&slots), "I0002", "{op:?} with {name} {value}");
                }
            }
        }
    }
}

#[test]
fn a_selecting_field_takes_no_other_value() {
    for &op in Op::ALL {
        let spec = op.spec();
        for value in -1..=0x120 {
            for (field, name, code) in
                [(spec.src, "src", "I0003"), (spec.off, "off", "I0004"), (spec.imm, "imm", "I0005")]
            {
                let Field::Fixed(_) = field else { continue };
                let mut slots = encoded(op);
                match name {
                    "src" => slots[0].src = value as u8 & 15,
                    "off" => slots[0].off = value as i16,
                    _ => slots[0].imm = value,
                }
                match decode(&slots) {
                    Ok(insn) => assert_eq!(insn.op.spec().opcode, spec.opcode),
                    Err(error) => assert_eq!(error.report().code.id, code, "{op:?} {name} {value}"),
                }
            }
        }
    }
}

#[test]
fn a_register_above_ten_is_an_error() {
    for &op in Op::ALL {
        for number in 11..=15 {
            let mut slots = encoded(op);
            if op.spec().dst == Field::Used {
                slots[0].dst = number;
                assert_eq!(code_of(&slots), "I0006", "{op:?}");
            }
            let mut slots = encoded(op);
            if op.spec().src == Field::Used {
                slots[0].src = number;
                assert_eq!(code_of(&slots), "I0006", "{op:?}");
            }
        }
    }
}

#[test]
fn an_opcode_that_is_in_no_row_is_an_error() {
    let mut unknown = 0;
    for code in 0..=u8::MAX {
        if forms(code).next().is_none() {
            assert_eq!(code_of(&[Raw { code, ..Raw::default() }]), "I0001");
            unknown += 1;
        }
    }
    assert!(unknown > 100, "{unknown}");
}

#[test]
fn signed_division_is_never_taken_for_unsigned() {
    let slots = encoded(Op::Sdiv64K);
    assert_eq!(slots[0].off, 1);
    assert_eq!(decode(&slots).unwrap().op, Op::Sdiv64K);
    assert_eq!(code_of(&[Raw { off: 2, ..slots[0] }]), "I0004");
}

#[test]
fn both_slots_of_a_wide_load_are_checked() {
    assert_eq!(code_of(&[]), "I0007");
    for &op in Op::ALL {
        let Kind::LdImm64(kind) = op.kind() else { continue };
        let slots = encoded(op);
        assert_eq!(code_of(&slots[..1]), "I0007");
        for second in [
            Raw { code: 0x95, ..slots[1] },
            Raw { dst: 1, ..slots[1] },
            Raw { src: 1, ..slots[1] },
            Raw { off: 1, ..slots[1] },
        ] {
            assert_eq!(code_of(&[slots[0], second]), "I0008");
        }
        let high = [slots[0], Raw { imm: -1, ..slots[1] }];
        if kind.uses_high() {
            assert_eq!(decode(&high).unwrap().imm, -1 << 32);
        } else {
            assert_eq!(code_of(&high), "I0009");
        }
    }
}

#[test]
fn encoding_loses_nothing() {
    let unused = Insn { src: Reg::R2, ..Insn::new(Op::Exit) };
    let wide = Insn { imm: 1 << 31, ..Insn::new(Op::Mov64K) };
    let high = Insn { imm: 1 << 32, ..Insn::new(Op::LdMapFd) };
    let selector = Insn { imm: 16, ..Insn::new(Op::Le16) };
    assert_eq!(encode(&unused).unwrap_err().report().code.id, "I0010");
    assert_eq!(encode(&selector).unwrap_err().report().code.id, "I0010");
    assert_eq!(encode(&wide).unwrap_err().report().code.id, "I0011");
    assert_eq!(encode(&high), Err(EncodeError::ImmRange { insn: high }));
}

/// The tests above assert every code of this crate; this one notices a new one.
#[test]
fn every_code_is_triggered_here() {
    let source = include_str!("strict.rs");
    for code in CODES {
        assert!(source.contains(&format!("\"{}\"", code.id)), "no test triggers {code}");
    }
}

#[test]
fn messages_name_the_field_and_what_it_may_be() {
    let error = decode(&[Raw { code: 0xdb, imm: 0x33, ..Raw::default() }]).unwrap_err();
    let report = error.report();
    assert_eq!(report.message, "opcode 0xdb with imm 51 is no instruction");
    assert!(report.notes[0].contains("0xf1"), "{report}");
    assert_eq!(error.to_string(), report.message);
}
