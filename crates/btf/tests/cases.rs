//! Types of a C source: as C again, and values by them, in both byte orders.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::PathBuf;

use abide_btf::value::{self, Value};
use abide_btf::{Btf, BtfExt, ByteOrder, Kind, Type, TypeId};

fn case(file: &str) -> PathBuf {
    abide_testkit::repo("crates/btf/tests/cases").join(file)
}

fn types(file: &str) -> Btf {
    Btf::parse(&std::fs::read(case(file)).unwrap()).unwrap()
}

fn dump(btf: &Btf) -> String {
    let mut out = String::new();
    for (id, ty) in btf.iter() {
        let size = btf.size_of(id).map_or("-".to_owned(), |size| size.to_string());
        write!(out, "{id} {:?} {} size {size}: ", ty.kind(), ty.name()).unwrap();
        match ty {
            Type::DataSec { vars, .. } => writeln!(out, "{vars:?}"),
            Type::DeclTag { ty, component, .. } => writeln!(out, "on {ty} {component:?}"),
            Type::Func { linkage, .. } | Type::Var { linkage, .. } => {
                writeln!(out, "{}; {linkage:?}", btf.declaration(id, ""))
            }
            _ if ty.name().is_empty() => writeln!(out, "{}", btf.declaration(id, "x")),
            _ => writeln!(out, "{}", btf.definition(id)),
        }
        .unwrap();
    }
    out
}

#[test]
fn types_are_read_and_printed() {
    let btf = types("types.btf");
    let kinds: Vec<Kind> = btf.iter().map(|(_, ty)| ty.kind()).collect();
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    abide_testkit::check_or_bless(case("types.txt"), &dump(&btf));
}

#[test]
fn byte_order_makes_no_difference() {
    let (little, big) = (types("types.btf"), types("types.be.btf"));
    assert_eq!((little.order(), big.order()), (ByteOrder::Little, ByteOrder::Big));
    assert_eq!(dump(&little), dump(&big));
    let ext = |file: &str, btf| BtfExt::parse(&std::fs::read(case(file)).unwrap(), btf).unwrap();
    let ext = (ext("types.ext", &little), ext("types.be.ext", &big));
    assert_eq!(ext.0, ext.1);
    let names: Vec<_> = ext.0.functions.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(names, [".text", "xdp"]);
    assert!(ext.0.lines.iter().all(|section| section.records.iter().all(|line| line.line > 60)));
}

#[test]
fn names_are_found() {
    let btf = types("types.btf");
    for (id, ty) in btf.iter().filter(|(_, ty)| !ty.name().is_empty()) {
        let found = btf.by_name(ty.kind(), ty.name()).unwrap();
        assert!(found <= id);
        assert_eq!(btf.get(found).unwrap().name(), ty.name());
    }
    assert_eq!(btf.by_name(Kind::Union, "everything"), None);
    assert_eq!(btf.by_name(Kind::Struct, ""), None);
    assert_eq!(btf.get(TypeId::VOID), None);
    assert_eq!(btf.get(TypeId(btf.len() as u32 + 1)), None);
    let restricted = btf.declaration(btf.by_name(Kind::Func, "copy").unwrap(), "");
    assert_eq!(restricted, "int copy(char *restrict to, const char *restrict from)");
}

/// The bytes of a `struct everything`, field by field.
fn everything(order: ByteOrder) -> Vec<u8> {
    let mut out = vec![1];
    out.extend(b"abc\"\n\0xx");
    out.extend([2, 0, 0, 0, 0, 0xfe]);
    out.push(0x80);
    let put = |out: &mut Vec<u8>, number: u64, size: usize| match order {
        ByteOrder::Little => out.extend(&number.to_le_bytes()[..size]),
        ByteOrder::Big => out.extend(&number.to_be_bytes()[8 - size..]),
    };
    put(&mut out, 0xfffe, 2);
    // low = 5, high = -3, verdict = PASS, bit = 1
    match order {
        ByteOrder::Little => out.extend([5 | (0x1d << 3), 7 | 1 << 4]),
        ByteOrder::Big => out.extend([5 << 5 | 0x1d, 7 << 4 | 1 << 3]),
    }
    out.resize(20, 0);
    put(&mut out, 2, 4);
    put(&mut out, u64::from(u32::MAX), 4);
    out.resize(32, 0);
    put(&mut out, 0x8000_0000_0000_0000, 8);
    for number in 1..=4 {
        put(&mut out, number, 8);
    }
    put(&mut out, 10, 4);
    put(&mut out, 11, 4);
    put(&mut out, 0x01010101, 4);
    out.resize(88, 0);
    put(&mut out, 1.5_f64.to_bits(), 8);
    for number in [0, 0xffff_8880_1234_5678, 0, 0, 0] {
        put(&mut out, number, 8);
    }
    put(&mut out, u64::from(0.25_f32.to_bits()), 4);
    out.resize(144, 0);
    put(&mut out, 0, 8);
    out.resize(160, 0);
    let wide = 1_u128 << 100;
    out.extend(match order {
        ByteOrder::Little => wide.to_le_bytes(),
        ByteOrder::Big => wide.to_be_bytes(),
    });
    out.extend(b"the tail\xff");
    out
}

#[test]
fn values_are_shown_by_their_types() {
    for (file, order) in [("types.btf", ByteOrder::Little), ("types.be.btf", ByteOrder::Big)] {
        let btf = types(file);
        let id = btf.by_name(Kind::Struct, "everything").unwrap();
        let Some(Type::Struct(composite)) = btf.get(id) else { panic!("a struct") };
        let offset = |name: &str| {
            composite.members.iter().find(|member| member.name == name).unwrap().bit_offset / 8
        };
        assert_eq!((offset("whole"), offset("large"), offset("wide")), (20, 32, 160));
        let text = value::text(&btf, &everything(order), id, order);
        assert_eq!(
            text,
            "{.flag = true, .name = \"abc\\\"\\n\", .address = [2, 0, 0, 0, 0, 254], .small = -128, \
             .number = -2, .low = 5, .high = -3, .verdict = PASS, .bit = true, .whole = 2, \
             .sign = MINUS, .large = HUGE, .counters = [{.packets = 1, .bytes = 2}, \
             {.packets = 3, .bytes = 4}], .nested = {.left = 10, .right = 11, .word = 16843009, \
             .bytes = [1, 1, 1, 1], .named = {.as_long = 4609434218613702656, .as_double = 1.5}}, \
             .pointer = 0x0, .other = 0xffff888012345678, .restricted = 0x0, .visit = 0x0, \
             .matrix = 0x0, .ratio = 0.25, .next = 0x0, .wide = 0x10000000000000000000000000, \
             .tail = \"the tail\\xff\"}"
        );
    }
}

#[test]
fn missing_bytes_are_shown_as_missing() {
    let btf = types("types.btf");
    let id = btf.by_name(Kind::Struct, "counter").unwrap();
    let text = value::text(&btf, &[3, 0, 0, 0, 0, 0, 0, 0, 1], id, ByteOrder::Little);
    assert_eq!(text, "{.packets = 3, .bytes = (missing)}");
    assert_eq!(
        value::decode(&btf, &[9; 3], TypeId::VOID, ByteOrder::Little),
        Value::Bytes(vec![9; 3])
    );
}

#[test]
fn sections_are_placed() {
    let mut btf = types("types.btf");
    let id = btf.by_name(Kind::DataSec, ".data").unwrap();
    assert_eq!(btf.size_of(id), Some(0));
    btf.place_section(id, 300, |name, _| match name {
        "everything" => Some(16),
        _ => Some(8),
    });
    let Some(Type::DataSec { size: 300, vars, .. }) = btf.get(id) else { panic!("a section") };
    assert!(vars.iter().map(|var| var.offset).is_sorted());
    assert_eq!(vars.iter().last().map(|var| var.offset), Some(16));
}
