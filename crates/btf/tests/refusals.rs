//! Malformed BTF: each code is reported, and nothing makes it panic, hang or print without end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use abide_btf::{Btf, BtfError, BtfExt, Builder, ByteOrder, Kind, TypeId, codes, value};
use abide_diag::Report;
use abide_testkit::Work;
use proptest::prelude::*;

/// `.BTF` of these words and strings.
fn btf(words: &[u32], strings: &[u8]) -> Vec<u8> {
    let len = words.len() as u32 * 4;
    let mut out = vec![0x9f, 0xeb, 1, 0];
    for word in [24, 0, len, len, strings.len() as u32].iter().chain(words) {
        out.extend(word.to_le_bytes());
    }
    out.extend(strings);
    out
}

const INT: [u32; 4] = [0, 1 << 24, 4, 32];

fn kind(kind: Kind, count: u32) -> u32 {
    (kind as u32) << 24 | count
}

fn refuse(words: &[&[u32]]) -> BtfError {
    Btf::parse(&btf(&words.concat(), b"\0")).expect_err("it is malformed")
}

/// `.BTF.ext` whose first table is this.
fn refuse_ext(table: &[u32]) -> BtfError {
    let types = Btf::parse(&btf(&INT, b"\0xdp\0")).unwrap();
    let len = table.len() as u32 * 4;
    let mut out = vec![0x9f, 0xeb, 1, 0];
    for word in [32, 0, len, len, 0, len, 0].iter().chain(table) {
        out.extend(word.to_le_bytes());
    }
    BtfExt::parse(&out, &types).expect_err("it is malformed")
}

/// Split BTF of these words, without strings, over an integer `int` in some byte order.
fn split(words: &[u32], order: ByteOrder) -> BtfError {
    let mut base = Builder::new();
    base.int("int", 4, true);
    let base = Arc::new(base.finish(order).unwrap());
    Btf::parse_split(&btf(words, b""), &base).expect_err("it is malformed")
}

/// A pointer to an `u32` of the base, put on a base that has other integers.
fn rebase(name: &str, count: u32) -> BtfError {
    let mut base = Builder::new();
    let int = base.int("u32", 4, false);
    let mut split = Builder::on(&Arc::new(base.finish(ByteOrder::Little).unwrap()));
    split.reference(Kind::Ptr, "", int);
    let mut other = Builder::new();
    for _ in 0..count {
        other.int(name, 4, false);
    }
    let other = Arc::new(other.finish(ByteOrder::Little).unwrap());
    split.finish(ByteOrder::Little).unwrap().rebase(&other).expect_err("it does not fit")
}

fn refusals() -> Vec<(BtfError, &'static str, &'static str, &'static str)> {
    let parse = |bytes: &[u8]| Btf::parse(bytes).expect_err("it is malformed");
    let mut version = btf(&INT, b"\0");
    version[2] = 2;
    let mut long = btf(&INT, b"\0");
    long[12] = 255;
    let composite = kind(Kind::Struct, 1);
    // Each prototype takes the one before it twice: 2^30 in all.
    let mut deep = INT.to_vec();
    for id in (1..60).step_by(2) {
        deep.extend([0, kind(Kind::FuncProto, 2), id, 0, id, 0, id, 0, kind(Kind::Ptr, 0), id + 1]);
    }
    deep.extend([1, kind(Kind::Typedef, 0), 61]);
    let deep = Btf::parse(&btf(&deep, b"\0deep\0")).unwrap();
    assert!(deep.definition(TypeId(62)).len() < 4 << 20);
    vec![
        (parse(b"\x7fELF"), "B0001", "BTF", "0x457f"),
        (parse(b""), "B0002", "BTF", "the header"),
        (parse(&long), "B0002", "BTF", "the type table"),
        (refuse(&[&INT[..2]]), "B0002", "BTF", "a type reaches"),
        (refuse(&[&[0, kind(Kind::Struct, 0xff_ffff), 4]]), "B0002", "BTF", "a type reaches"),
        (parse(&version), "B0003", "BTF", "version 2"),
        (refuse(&[&INT, &[0, 20 << 24, 0]]), "B0004", "BTF: type [2]", "kind 20"),
        (refuse(&[&INT, &[0, 0, 0]]), "B0004", "BTF: type [2]", "kind 0"),
        (refuse(&[&[0, kind(Kind::Ptr, 0), 2]]), "B0005", "BTF: type [1]", "type 2, but the last"),
        (
            refuse(&[&INT, &[9, kind(Kind::Fwd, 0), 0]]),
            "B0006",
            "BTF: type [2]",
            "the name is at 9",
        ),
        (parse(&btf(&INT, b"x\0")), "B0007", "BTF", "begin"),
        (parse(&btf(&INT, b"\0x")), "B0007", "BTF", "end"),
        (parse(&btf(&INT, b"")), "B0007", "BTF", "begin"),
        (refuse(&[&[0, composite, 4, 0, 1, 0]]), "B0008", "BTF: type [1]", "contains itself"),
        (refuse(&[&[0, kind(Kind::Ptr, 0), 1]]), "B0008", "BTF: type [1]", "contains itself"),
        (refuse(&[&[0, kind(Kind::Const, 0), 1]]), "B0008", "BTF: type [1]", "contains itself"),
        (refuse(&[&[0, 1 << 24, 3, 24]]), "B0009", "BTF: type [1]", "size of an integer"),
        (refuse(&[&[0, 1 << 24, 4, 33]]), "B0009", "BTF: type [1]", "width"),
        (refuse(&[&INT, &[0, composite, 4, 0, 1, 8]]), "B0009", "BTF: type [2]", "end of a member"),
        (refuse(&[&[0, kind(Kind::Enum, 0), 3]]), "B0009", "BTF: type [1]", "size of an enum"),
        (refuse(&[&INT, &[0, kind(Kind::Func, 0), 1]]), "B0010", "BTF: type [2]", "prototype"),
        (
            refuse(&[&INT, &[0, kind(Kind::DataSec, 1), 4, 1, 0, 4]]),
            "B0010",
            "BTF: type [2]",
            "variable",
        ),
        (refuse_ext(&[4]), "B0011", "BTF.ext: functions", "record size: 4"),
        (refuse_ext(&[8, 1, 2, 0, 1]), "B0011", "BTF.ext: functions", "more records"),
        (refuse_ext(&[8, 1]), "B0011", "BTF.ext: functions", "cut short"),
        (refuse_ext(&[8, 1, 1, 0, 9]), "B0005", "BTF", "type 9"),
        (refuse_ext(&[8, 99, 0]), "B0006", "BTF", "99"),
        (deep.to_c().expect_err("it is too long"), "B0012", "BTF", "too long"),
        (split(&[2, INT[1], 4, 32], ByteOrder::Little), "B0013", "BTF: type [2]", "begins inside"),
        (split(&INT, ByteOrder::Big), "B0013", "BTF", "its byte order"),
        (
            split(&[0, kind(Kind::Ptr, 0), 3], ByteOrder::Little),
            "B0005",
            "BTF: type [2]",
            "last type is 2",
        ),
        (split(&[5, INT[1], 4, 32], ByteOrder::Little), "B0006", "BTF: type [2]", "is at 5"),
        (rebase("u8", 1), "B0014", "BTF: type [1]", "nothing that would do for `u32`"),
        (rebase("u32", 2), "B0014", "BTF: type [1]", "several types that would do for `u32`"),
    ]
}

#[test]
fn every_refusal_says_what_and_where() {
    let mut seen = BTreeSet::new();
    for (error, code, place, message) in refusals() {
        let report = error.report();
        assert_eq!((report.code.id, report.place.as_deref()), (code, Some(place)), "{error}");
        assert!(report.message.contains(message), "{} does not say {message}", report.message);
        seen.insert(code);
    }
    // Those of CO-RE, from B0101 on, are in `core.rs`.
    let all: BTreeSet<_> =
        codes::CODES.iter().map(|code| code.id).filter(|id| *id < "B0101").collect();
    assert_eq!(seen, all, "each code has its refusal");
}

#[test]
fn what_is_no_type_is_no_target() {
    let (var, section) = (kind(Kind::Var, 0), kind(Kind::DataSec, 1));
    let sound = [&INT[..], &[0, var, 1, 1], &[0, section, 4, 2, 0, 4]].concat();
    let check = |more: &[u32]| {
        let words = [&sound[..], more].concat();
        Btf::parse(&btf(&words, b"\0")).unwrap().check_targets()
    };
    let tag = kind(Kind::DeclTag, 0);
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&[0, tag, 2, u32::MAX]), Ok(()));
    for wrong in [
        &[0, kind(Kind::Ptr, 0), 2][..],
        &[0, kind(Kind::Ptr, 0), 3],
        &[0, kind(Kind::FuncProto, 1), 1, 0, 3],
        &[0, tag, 3, u32::MAX],
    ] {
        let error = check(wrong).unwrap_err();
        assert_eq!(error.report().place.as_deref(), Some("BTF: type [4]"), "{error}");
    }
}

#[test]
fn a_huge_array_of_nothing_is_shown_in_bounded_time() {
    // struct {} [4294967295], and an int after it.
    let words =
        [&[0, kind(Kind::Struct, 0), 0][..], &[0, kind(Kind::Array, 0), 0, 1, 1, u32::MAX], &INT]
            .concat();
    let types = Btf::parse(&btf(&words, b"\0")).unwrap();
    let text = value::text(&types, &[], TypeId(2), types.order());
    assert!(text.ends_with("…]") && text.len() < 1 << 20);
}

#[test]
fn types_that_repeat_each_other_are_shown_in_bounded_time() {
    // Each struct holds the one before it eight times, at the same place: 8^20 members in all.
    let mut words = INT.to_vec();
    for id in 1..=20 {
        words.extend([0, kind(Kind::Struct, 8), 4]);
        words.extend([0, id, 0].repeat(8));
    }
    let types = Btf::parse(&btf(&words, b"\0")).unwrap();
    let work = Work::begin();
    value::text(&types, &[1, 2, 3, 4], TypeId(21), types.order());
    assert!(types.definition(TypeId(21)).len() < 4 << 20);
    work.is_bounded();
}

#[test]
fn an_array_too_large_for_64_bits_has_no_size() {
    let mut words = INT.to_vec();
    for id in 1..=3 {
        words.extend([0, kind(Kind::Array, 0), 0, id, 1, u32::MAX]);
    }
    let types = Btf::parse(&btf(&words, b"\0")).unwrap();
    assert_eq!(types.size_of(TypeId(2)), Some(u64::from(u32::MAX) * 4));
    assert_eq!(types.size_of(TypeId(4)), None);
}

#[test]
fn text_that_is_not_utf_8_keeps_its_places() {
    let types = Btf::parse(&btf(&INT, b"\0caf\xe9\0tea\0")).unwrap();
    assert_eq!(types.string(1), Some("caf?"));
    assert_eq!(types.string(6), Some("tea"));
    assert_eq!(types.string(10), None);
}

fn case(file: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo("crates/btf/tests/cases").join(file)).unwrap()
}

/// Reads damaged types and uses everything of them.
fn survive(types: &[u8], ext: &[u8]) {
    let work = Work::begin();
    if let Ok(types) = Btf::parse(types) {
        for (id, ty) in types.iter() {
            types.by_name(ty.kind(), ty.name());
            types.size_of(id);
            types.definition(id);
            value::text(&types, &[0xa5; 256], id, types.order());
        }
        let _ = BtfExt::parse(ext, &types);
    }
    work.is_bounded();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_types_are_survived(
        big in any::<bool>(),
        words in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![0..64_u32, Just(u32::MAX), any::<u32>()]),
            1..8,
        ),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let suffix = if big { ".be" } else { "" };
        let mut types = case(&format!("types{suffix}.btf"));
        let mut ext = case(&format!("types{suffix}.ext"));
        for (at, word) in words {
            let at = at.index((types.len() + ext.len()) / 4) * 4;
            let bytes = if big { word.to_be_bytes() } else { word.to_le_bytes() };
            let (target, at) =
                if at + 4 <= types.len() { (&mut types, at) } else { (&mut ext, at.saturating_sub(2248)) };
            if let Some(place) = target.get_mut(at..at + 4) {
                place.copy_from_slice(&bytes);
            }
        }
        if cut {
            types.truncate(length.index(types.len()));
        }
        survive(&types, &ext);
    }

    #[test]
    fn arbitrary_types_are_survived(words in prop::collection::vec(
        prop_oneof![0..8_u32, (1..20_u32, 0..4_u32).prop_map(|(kind, count)| kind << 24 | count)],
        0..60,
    )) {
        survive(&btf(&words, b"\0a\0bc\0"), &[]);
    }
}

/// Records of types that refer to each other, by numbers from 1; backwards, the last comes first.
fn in_order(records: &[Vec<(u32, bool)>], backwards: bool) -> Vec<u8> {
    let count = records.len() as u32;
    let id = |id: u32| if backwards && id > 0 && id <= count { count + 1 - id } else { id };
    let words = |record: &Vec<(u32, bool)>| -> Vec<u32> {
        record.iter().map(|(word, is_id)| if *is_id { id(*word) } else { *word }).collect()
    };
    let mut records: Vec<Vec<u32>> = records.iter().map(words).collect();
    if backwards {
        records.reverse();
    }
    btf(&records.concat(), b"\0a\0")
}

/// A record: what is marked is a number of a type.
fn record(kind_of: Kind, one: u32, other: u32) -> Vec<(u32, bool)> {
    let plain = |words: &[u32]| words.iter().map(|word| (*word, false)).collect::<Vec<_>>();
    let head = |count, third| plain(&[1, kind(kind_of, count), third]);
    let to = |count| [plain(&[1, kind(kind_of, count)]), vec![(one, true)]].concat();
    match kind_of {
        Kind::Int => [head(0, 4), plain(&[if other.is_multiple_of(2) { 32 } else { 3 }])].concat(),
        Kind::Array => [head(0, 0), vec![(one, true), (other, true), (other % 3, false)]].concat(),
        Kind::Struct | Kind::Union => {
            let member = |ty, at| vec![(1, false), (ty, true), (at, false)];
            [head(2, 8 + other % 64), member(one, 0), member(other, other % 9 * 8)].concat()
        }
        Kind::DataSec => [head(1, 8), vec![(one, true), (0, false), (8, false)]].concat(),
        Kind::Float | Kind::Enum | Kind::Enum64 | Kind::Fwd => head(0, 4),
        Kind::Var | Kind::DeclTag => [to(0), plain(&[0])].concat(),
        Kind::FuncProto => [to(1), vec![(1, false), (other, true)]].concat(),
        _ => to(0),
    }
}

/// However many of them follow one another, and in which order they stand.
#[test]
fn rows_of_types_are_bounded_in_any_order() {
    for what in [Kind::Ptr, Kind::Const, Kind::Typedef, Kind::Var, Kind::Array, Kind::Struct] {
        let row = |length: u32| -> Vec<_> {
            let int = record(Kind::Int, 0, 0);
            // Arrays of one element; structs as large as what is in them.
            let one = |id| record(what, id, if what == Kind::Array { 1 } else { 0 });
            std::iter::once(int).chain((1..length).map(one)).collect()
        };
        let is_read = |length, backwards| Btf::parse(&in_order(&row(length), backwards)).is_ok();
        for backwards in [false, true] {
            assert!(is_read(250, backwards), "{what:?}");
            assert!(!is_read(260, backwards), "{what:?}");
        }
        for length in 250..260 {
            assert_eq!(is_read(length, false), is_read(length, true), "{length} {what:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Types before and after those that refer to them are checked alike.
    #[test]
    fn the_order_of_types_changes_no_verdict(types in prop::collection::vec(
        (prop::sample::select(Kind::ALL), 0..7_u32, 0..7_u32), 1..9,
    )) {
        let records: Vec<_> = types.iter().map(|(kind, one, other)| record(*kind, *one, *other)).collect();
        let [one, other] = [false, true].map(|backwards| Btf::parse(&in_order(&records, backwards)));
        prop_assert_eq!(one.is_ok(), other.is_ok(), "{:?} {:?}", one, other);
    }
}

/// `(*)(void)` that returns a pointer to itself has no declaration in C.
#[test]
fn a_prototype_that_returns_itself_is_cut_short() {
    let words = [0, kind(Kind::FuncProto, 0), 2, 0, kind(Kind::Ptr, 0), 1];
    let btf = Btf::parse(&btf(&words, b"\0")).unwrap();
    for id in [TypeId(1), TypeId(2)] {
        let text = btf.declaration(id, "x");
        assert!(text.contains("/* … */") && text.len() < 1000, "{text}");
    }
}
