//! The table against itself, and against the measured facts in the shared data.

use std::collections::HashSet;

use abide_isa::{Endian, Field, Group, Insn, Kind, Op, Raw, Reg, decode, decode_all, encode};

/// An instruction with something recognisable in every operand.
fn sample(op: Op) -> Insn {
    let spec = op.spec();
    let mut insn = Insn::new(op);
    if spec.dst == Field::Used {
        insn.dst = Reg::R3;
    }
    if spec.src == Field::Used {
        insn.src = Reg::FP;
    }
    if spec.off == Field::Used {
        insn.off = -2;
    }
    if spec.imm == Field::Used {
        insn.imm = match spec.kind {
            Kind::LdImm64(kind) if kind.uses_high() => 0x1122_3344_d566_7788,
            Kind::LdImm64(_) => 0xd566_7788,
            _ => -7,
        };
    }
    insn
}

#[test]
fn every_row_survives_encoding_and_decoding() {
    for &op in Op::ALL {
        let insn = sample(op);
        let slots = encode(&insn).unwrap();
        assert_eq!(slots.len(), insn.slots(), "{op:?}");
        assert_eq!(decode(&slots), Ok(insn));
        for endian in [Endian::Little, Endian::Big] {
            for raw in slots.iter() {
                assert_eq!(Raw::from_bytes(raw.to_bytes(endian), endian), *raw);
            }
        }
    }
}

#[test]
fn no_two_rows_have_the_same_encoding_or_spelling() {
    let (mut encodings, mut spellings) = (HashSet::new(), HashSet::new());
    for &op in Op::ALL {
        let spec = op.spec();
        assert!(encodings.insert((spec.opcode, spec.src, spec.off, spec.imm)), "{op:?}");
        let c = std::iter::once(&spec.c).chain(spec.c_also);
        let gnu = std::iter::once(&spec.gnu).chain(spec.gnu_also);
        for (dialect, text) in c.map(|text| ('c', text)).chain(gnu.map(|text| ('g', text))) {
            assert!(text.is_empty() || spellings.insert((dialect, *text)), "{op:?}: {text}");
        }
        assert!(!spec.c.is_empty(), "{op:?} has no spelling at all");
    }
}

#[test]
fn the_byte_order_moves_the_register_fields() {
    let raw = Raw { code: 0x7b, dst: 10, src: 1, off: -8, imm: 0x0102_0304 };
    assert_eq!(raw.to_bytes(Endian::Little), [0x7b, 0x1a, 0xf8, 0xff, 4, 3, 2, 1]);
    assert_eq!(raw.to_bytes(Endian::Big), [0x7b, 0xa1, 0xff, 0xf8, 1, 2, 3, 4]);
}

#[test]
fn decode_all_gives_the_slot_of_each_and_goes_on_after_errors() {
    let lddw = encode(&Insn { dst: Reg::R1, imm: -1, ..Insn::new(Op::LdImm64) }).unwrap();
    let exit = encode(&Insn::new(Op::Exit)).unwrap();
    let mut slots = [&lddw[..], &exit[..], &lddw[..], &exit[..]].concat();
    slots[3].src = 9;
    let found: Vec<_> = decode_all(&slots).map(|(slot, insn)| (slot, insn.is_ok())).collect();
    assert_eq!(found, [(0, true), (2, true), (3, false), (5, true)]);
}

/// Rows of the shared table that are left out of the instruction set, with the reason in `table.rs`.
const LEFT_OUT: &[&str] = &["ldxsdw", "brkpt"];

#[test]
fn agrees_with_the_shared_table() {
    let Some(path) = abide_testkit::shared("asm/isa.tsv") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let mut seen = HashSet::new();
    for line in text.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [id, .., clang, _gas, group, linux, bytes] = columns[..13] else { panic!("{line}") };
        let bytes: Vec<u8> = (0..bytes.len() / 2)
            .map(|at| u8::from_str_radix(&bytes[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let (slots, rest) = Raw::read_all(&bytes, Endian::Little);
        assert_eq!(rest, 0);
        if LEFT_OUT.contains(&id) {
            assert!(decode(&slots).is_err(), "{id}");
            continue;
        }
        let insn = decode(&slots).unwrap_or_else(|error| panic!("{id}: {error}"));
        seen.insert(insn.op);
        assert_eq!(encode(&insn).unwrap()[..], slots[..], "{id}");
        let spec = insn.op.spec();
        let expected = if group.starts_with('(') { Group::Extension.name() } else { group };
        assert_eq!(spec.group.name(), expected, "{id}");
        if !linux.is_empty() {
            assert_eq!(spec.linux, linux.trim_start_matches('-'), "{id}");
        }
        if ["v1", "v2", "v3", "v4"].contains(&clang) {
            assert_eq!(spec.level.name(), clang, "{id}");
        }
    }
    let missing: Vec<_> = Op::ALL.iter().filter(|op| !seen.contains(op)).collect();
    // The shared table has no row for kfunc calls: its row of symbolic calls is decoded as local.
    assert_eq!(missing, [&Op::CallKfunc]);
}
