//! Properties: printing and reading are inverse, disassembly loses nothing, no text panics.

use abide_asm::{Dialect, Options, assemble, disassemble_with};
use abide_isa::{Endian, Field, Insn, Kind, Op, Raw, Reg, encode};
use proptest::prelude::*;

fn insn() -> impl Strategy<Value = Insn> {
    let imm = prop_oneof![Just(0), -16i64..16, any::<i64>(), any::<i32>().prop_map(i64::from)];
    let off = prop_oneof![Just(0i16), -16i16..16, any::<i16>()];
    (proptest::sample::select(Op::ALL), 0u8..11, 0u8..11, off, imm).prop_map(
        |(op, dst, src, off, imm)| {
            let spec = op.spec();
            let reg = |field, number| match field {
                Field::Used => Reg::new(number).expect("below 11"),
                _ => Reg::R0,
            };
            let imm = match (spec.imm, op.kind()) {
                (Field::Used, Kind::LdImm64(kind)) if kind.uses_high() => imm,
                (Field::Used, Kind::LdImm64(_)) => i64::from(imm as u32),
                (Field::Used, _) => i64::from(imm as i32),
                _ => 0,
            };
            let off = if spec.off == Field::Used { off } else { 0 };
            Insn { op, dst: reg(spec.dst, dst), src: reg(spec.src, src), off, imm }
        },
    )
}

fn raw() -> impl Strategy<Value = Raw> {
    let code = prop_oneof![
        4 => proptest::sample::select(Op::ALL).prop_map(|op| op.spec().opcode),
        1 => any::<u8>(),
    ];
    let imm = prop_oneof![Just(0), 0..=0x111, any::<i32>()];
    let off = prop_oneof![Just(0i16), any::<i16>()];
    (code, 0u8..16, prop_oneof![Just(0u8), 0u8..16], off, imm)
        .prop_map(|(code, dst, src, off, imm)| Raw { code, dst, src, off, imm })
}

/// Words, signs and numbers of both dialects, put together at random.
fn soup() -> impl Strategy<Value = String> {
    let parts = vec![
        "r0",
        "r10",
        "w3",
        "%r1",
        "%fp",
        "r11",
        "R2",
        "=",
        "+=",
        "s>>=",
        "s",
        "<",
        "==",
        "(",
        ")",
        "[",
        "]",
        "*",
        "-",
        "+",
        "u8",
        "u64",
        "s32",
        "if",
        "goto",
        "gotol",
        "call",
        "callx",
        "pc",
        "kfunc",
        "exit",
        "ldxw",
        "stxdw",
        "mov",
        "lddw",
        "movs",
        "ll",
        "lock",
        "1f",
        "1b",
        "1:",
        "x:",
        "x",
        "7",
        "0x10",
        "-1",
        "99999999999",
        ",",
        ";",
        "\n",
        "/*",
        "*/",
        "#",
        "//",
        "'a'",
        "'",
        "\\",
        ".8byte",
        ".text",
        "é",
        "skb",
        "le16",
        "load_acquire",
        "ld_pseudo",
        "~",
        "<<",
        "%",
    ];
    proptest::collection::vec(proptest::sample::select(parts), 0..24)
        .prop_map(|parts| parts.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn what_is_printed_is_read_as_the_same(insn in insn()) {
        let slots = encode(&insn).unwrap();
        for dialect in [Dialect::C, Dialect::Gnu] {
            let text = abide_asm::print(&insn, dialect, &());
            for read_as in [Some(dialect), None] {
                let options = Options { dialect: read_as, ..Options::default() };
                let read = assemble(&text, &options);
                prop_assert_eq!(read.map(|code| code.slots), Ok(slots.to_vec()), "{}", text);
            }
        }
    }

    #[test]
    fn disassembly_loses_nothing(slots in proptest::collection::vec(raw(), 0..16)) {
        for dialect in [Dialect::C, Dialect::Gnu] {
            for endian in [Endian::Little, Endian::Big] {
                let lines = disassemble_with(&slots, dialect, endian, &|_, _| None);
                let mut next = 0;
                for line in &lines {
                    prop_assert_eq!(line.slot, next);
                    next += line.slots;
                }
                prop_assert_eq!(next, slots.len());
                let text: String = lines.iter().map(|line| line.text.clone() + "\n").collect();
                let options = Options { dialect: Some(dialect), endian, ..Options::default() };
                let read = assemble(&text, &options);
                prop_assert_eq!(read.map(|code| code.slots), Ok(slots.clone()), "{}", text);
            }
        }
    }

    #[test]
    fn no_text_panics(text in prop_oneof![soup(), any::<String>()]) {
        for dialect in [None, Some(Dialect::C), Some(Dialect::Gnu)] {
            let source = abide_diag::Source::new("soup.s", text.as_str());
            match assemble(&text, &Options { dialect, ..Options::default() }) {
                Ok(code) => prop_assert!(code.slots.len() <= text.len()),
                Err(errors) => {
                    prop_assert!(!errors.is_empty());
                    for error in errors {
                        prop_assert!(error.primary.is_some(), "{error:?}");
                        error.render(Some(&source), false);
                    }
                }
            }
        }
    }
}

#[test]
fn deep_nesting_and_endless_errors_are_bounded() {
    let deep = format!("r0 = {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let errors = assemble(&deep, &Options::default()).unwrap_err();
    assert_eq!(errors[0].code.id, "S0012");
    let signs = format!("r0 = {}1", "-".repeat(100_000));
    assert_eq!(assemble(&signs, &Options::default()).unwrap_err()[0].code.id, "S0012");
    let errors = assemble(&"what\n".repeat(100_000), &Options::default()).unwrap_err();
    assert_eq!(errors.len(), 501);
    assert_eq!(errors[500].code.id, "S0018");
}
