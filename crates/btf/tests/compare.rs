//! What differs between two types, and where: each reason with its way, and no end to no graph.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use abide_btf::compare::{Comparison, Reason, Rules, What};
use abide_btf::{
    Btf, Builder, ByteOrder, EnumValue, IntEncoding, Kind, Linkage, Member, SecVar, TypeId,
};
use proptest::prelude::*;

type Make<'a> = &'a dyn Fn(&mut Builder) -> TypeId;

fn one(make: Make<'_>) -> (Btf, TypeId) {
    let mut builder = Builder::new();
    let id = make(&mut builder);
    (builder.finish(ByteOrder::Little).unwrap(), id)
}

/// The first difference, both ways.
fn differ(rules: Rules, here: Make<'_>, there: Make<'_>) -> Option<(String, &'static str)> {
    let ((here, ours), (there, theirs)) = (one(here), one(there));
    assert!(Comparison::new(&here, &here, rules).types(ours, ours).is_empty());
    let back = Comparison::new(&there, &here, rules).types(theirs, ours);
    let found = Comparison::new(&here, &there, rules).types(ours, theirs);
    assert_eq!(found.len(), back.len(), "the same number of differences both ways");
    found.first().map(|first| (first.to_string(), first.reason.word()))
}

fn strict(here: Make<'_>, there: Make<'_>) -> (String, &'static str) {
    differ(Rules::STRICT, here, there).unwrap()
}

fn says(found: &(String, &'static str), text: &str, word: &str) {
    assert_eq!((found.0.as_str(), found.1), (text, word));
}

/// `struct s { int a; TYPE b; }`
fn with(b: &mut Builder, ty: TypeId) -> TypeId {
    let int = b.int("int", 4, true);
    b.composite(false, "s", 64, &[("a", int, 0), ("b", ty, 64)])
}

/// Each reason, by a member of a struct.
#[test]
fn every_reason_of_a_type_is_told_with_its_way() {
    let member = |here: Make<'_>, there: Make<'_>| {
        let make = |ty: Make<'_>| {
            let mut b = Builder::new();
            let ty = ty(&mut b);
            let id = with(&mut b, ty);
            (b.finish(ByteOrder::Little).unwrap(), id)
        };
        let ((here, ours), (there, theirs)) = (make(here), make(there));
        let found = Comparison::new(&here, &there, Rules::STRICT).types(ours, theirs);
        (found[0].to_string(), found[0].reason.word())
    };
    let int = |name: &'static str, size, signed| move |b: &mut Builder| b.int(name, size, signed);
    let found = member(&int("u32", 4, false), &int("u64", 8, false));
    says(&found, "member `b`: `u32` here, `u64` there", "size");
    let found = member(&int("x", 4, false), &int("x", 4, true));
    says(&found, "member `b`: unsigned here, signed there", "signed");
    let truth = |b: &mut Builder| b.encoded_int("x", 1, IntEncoding::Bool);
    says(
        &member(&truth, &int("x", 1, false)),
        "member `b`: a truth value here, a number there",
        "bool",
    );
    let pointer = |b: &mut Builder| b.reference(Kind::Ptr, "", TypeId::VOID);
    says(
        &member(&pointer, &int("u64", 8, false)),
        "member `b`: `void *` here, `u64` there",
        "kind",
    );
    let constant = |b: &mut Builder| {
        let void = b.reference(Kind::Const, "", TypeId::VOID);
        b.reference(Kind::Ptr, "", void)
    };
    let found = member(&pointer, &constant);
    says(&found, "member `b`: `void *` here, `const void *` there", "qualifiers");
    let tagged = |b: &mut Builder| {
        let user = b.reference(Kind::TypeTag, "user", TypeId::VOID);
        b.reference(Kind::Ptr, "", user)
    };
    assert_eq!(member(&pointer, &tagged).1, "tags");
    let named = |name: &'static str| {
        move |b: &mut Builder| {
            let tag = b.forward(name, false);
            b.reference(Kind::Ptr, "", tag)
        }
    };
    let found = member(&named("t"), &named("u"));
    says(&found, "member `b`: `struct t *` here, `struct u *` there", "name");
    let alias = |name: &'static str| {
        move |b: &mut Builder| {
            let int = b.int("int", 4, true);
            b.reference(Kind::Typedef, name, int)
        }
    };
    says(&member(&alias("a_t"), &alias("b_t")), "member `b`: `a_t` here, `b_t` there", "typedef");
    let array = |len| {
        move |b: &mut Builder| {
            let int = b.int("int", 4, true);
            b.array(int, int, len)
        }
    };
    says(&member(&array(2), &array(3)), "member `b`: `int[2]` here, `int[3]` there", "length");
    let call = |count: usize, variadic: bool| {
        move |b: &mut Builder| {
            let int = b.int("int", 4, true);
            let mut params = vec![("", int); count];
            params.extend(variadic.then_some(("", TypeId::VOID)));
            let proto = b.prototype(int, &params);
            b.reference(Kind::Ptr, "", proto)
        }
    };
    let found = member(&call(1, false), &call(2, false));
    says(&found, "member `b`: `int (*)(int)` here, `int (*)(int, int)` there", "parameters");
    assert_eq!(member(&call(1, false), &call(1, true)).1, "variadic");
    assert_eq!(member(&|b| b.float("double", 8), &|b| b.float("float", 4)).1, "size");
}

#[test]
fn structs_differ_by_their_members() {
    let base = |b: &mut Builder| {
        let int = b.int("int", 4, true);
        b.composite(false, "s", 16, &[("a", int, 0), ("b", int, 32)])
    };
    let moved = |b: &mut Builder| {
        let int = b.int("int", 4, true);
        b.composite(false, "s", 16, &[("a", int, 0), ("b", int, 64)])
    };
    says(&strict(&base, &moved), "member `b`: at byte 4 here, 8 there", "offset");
    let more = |b: &mut Builder| {
        let int = b.int("int", 4, true);
        b.composite(false, "s", 16, &[("a", int, 0), ("b", int, 32), ("c", int, 64)])
    };
    says(&strict(&base, &more), "member `c`: only there (`int c`)", "exists");
    says(&strict(&more, &base), "member `c`: only here (`int c`)", "exists");
    let large = |b: &mut Builder| {
        let int = b.int("int", 4, true);
        b.composite(false, "s", 24, &[("a", int, 0), ("b", int, 32)])
    };
    says(&strict(&base, &large), "16 bytes here, 24 bytes there", "size");
    let narrow = |b: &mut Builder| {
        let int = b.int("int", 4, true);
        let member =
            |name, bit_offset, bitfield_size| Member { name, ty: int, bit_offset, bitfield_size };
        b.packed(false, "s", 16, &[member("a", 0, 0), member("b", 32, 5)])
    };
    says(&strict(&base, &narrow), "member `b`: no bit field here, 5 bits there", "width");
    // Members of anonymous structs are the struct's own.
    let grouped = |b: &mut Builder| {
        let int = b.int("int", 4, true);
        let inner = b.composite(false, "", 8, &[("a", int, 0), ("b", int, 32)]);
        b.composite(false, "s", 16, &[("", inner, 0)])
    };
    assert_eq!(strict(&base, &grouped).1, "grouping");
    let tagged = |b: &mut Builder| {
        let int = b.int("int", 4, true);
        let id = b.composite(false, "s", 16, &[("a", int, 0), ("b", int, 32)]);
        b.declaration_tag("hot", id, Some(1));
        id
    };
    says(&strict(&base, &tagged), "member `b`: tags: none here, `hot` there", "tags");
    let union = |b: &mut Builder| b.composite(true, "s", 16, &[]);
    says(&strict(&base, &union), "`struct s` here, `union s` there", "kind");
    let declared = |b: &mut Builder| b.forward("s", false);
    says(&strict(&base, &declared), "only declared there", "declared");
    assert_eq!(differ(Rules::COMPATIBLE, &base, &declared), None);
}

#[test]
fn enums_differ_by_their_values() {
    let make = |size, values: &'static [(&'static str, i64)]| {
        move |b: &mut Builder| {
            let values: Vec<_> =
                values.iter().map(|(name, value)| EnumValue { name, value: *value }).collect();
            b.enumeration("e", size, true, &values)
        }
    };
    let base = make(4, &[("A", 0), ("B", 1)]);
    says(&strict(&base, &make(4, &[("A", 0), ("B", -2)])), "value `B`: 1 here, -2 there", "value");
    says(&strict(&base, &make(4, &[("A", 0)])), "value `B`: only here", "exists");
    says(
        &strict(&base, &make(4, &[("B", 1), ("C", 2), ("A", 0)])),
        "value `C`: only there",
        "exists",
    );
    assert_eq!(differ(Rules::STRICT, &base, &make(4, &[("B", 1), ("A", 0)])), None);
    assert_eq!(strict(&base, &make(8, &[("A", 0), ("B", 1)])).1, "size");
}

#[test]
fn functions_differ_by_their_prototypes() {
    let make = |name: &'static str, second: &'static str, size, linkage| {
        move |b: &mut Builder| {
            let int = b.int("int", 4, true);
            let wide = b.int(if size == 4 { "u32" } else { "u64" }, size, false);
            let proto = b.prototype(int, &[("what", int), (second, wide)]);
            let id = b.reference(Kind::Func, name, proto);
            b.set_linkage(id, linkage);
            id
        }
    };
    let base = make("f", "flags", 4, Linkage::Global);
    let found = strict(&base, &make("f", "flags", 8, Linkage::Global));
    says(&found, "parameter 2 `flags`: `u32` here, `u64` there", "size");
    let found = strict(&base, &make("f", "flags__k", 4, Linkage::Global));
    says(&found, "parameter 2 `flags`: `flags` here, `flags__k` there", "name");
    assert_eq!(differ(Rules::COMPATIBLE, &base, &make("f", "x", 4, Linkage::Static)), None);
    let found = strict(&base, &make("f", "flags", 4, Linkage::Static));
    says(&found, "global here, static there", "linkage");
    let tagged = |b: &mut Builder| {
        let id = make("f", "flags", 4, Linkage::Global)(b);
        b.declaration_tag("bpf_kfunc", id, None);
        b.declaration_tag("arg:nullable", id, Some(1));
        id
    };
    says(&strict(&base, &tagged), "tags: none here, `bpf_kfunc` there", "tags");
    let returns = |b: &mut Builder| {
        let int = b.int("int", 4, true);
        let wide = b.int("u32", 4, false);
        let proto = b.prototype(TypeId::VOID, &[("what", int), ("flags", wide)]);
        b.reference(Kind::Func, "f", proto)
    };
    says(&strict(&base, &returns), "the result: `int` here, `void` there", "kind");
}

#[test]
fn variables_and_sections_differ() {
    let make = |size, offset| {
        move |b: &mut Builder| {
            let int = b.int("int", size, true);
            let var = b.variable("v", int, Linkage::Global);
            b.data_section(".data", 16, &[SecVar { ty: var, offset, size }])
        }
    };
    says(&strict(&make(4, 0), &make(4, 8)), "variable `v`: at byte 0 here, 8 there", "offset");
    assert_eq!(strict(&make(4, 0), &make(8, 0)).1, "size");
}

/// What is behind a name counts or not, as the rules say.
#[test]
fn named_types_are_followed_as_the_rules_say() {
    let make = |size: u32, behind: bool| {
        move |b: &mut Builder| {
            let int = b.int("int", 4, true);
            let inner = b.composite(false, "inner", size, &[("x", int, (size - 4) * 8)]);
            let ty = if behind { b.reference(Kind::Ptr, "", inner) } else { inner };
            b.composite(false, "outer", 32, &[("it", ty, 0)])
        }
    };
    for (rules, embedded, behind) in [
        (Rules::STRICT, false, false),
        (Rules::COMPATIBLE, true, false),
        (Rules::WHOLE, true, true),
    ] {
        let found = differ(rules, &make(4, false), &make(8, false));
        assert_eq!(found.is_some(), embedded, "{rules:?}");
        let found = differ(rules, &make(4, true), &make(8, true));
        assert_eq!(found.is_some(), behind, "{rules:?}");
        if let Some((text, _)) = found {
            assert_eq!(text, "member `it`, what it points to: 4 bytes here, 8 bytes there");
        }
    }
}

/// Each level holds the one below it twice, without names: 2^100 members.
#[test]
fn too_much_is_said_to_be_too_much() {
    let deep = |b: &mut Builder| {
        let mut level = b.int("int", 4, true);
        for _ in 0..100 {
            level = b.composite(true, "", 4, &[("", level, 0), ("", level, 0)]);
        }
        b.composite(false, "s", 4, &[("", level, 0)])
    };
    let ((here, ours), (there, theirs)) = (one(&deep), one(&deep));
    let found = Comparison::new(&here, &there, Rules::STRICT).types(ours, theirs);
    assert_eq!(found.last().map(|last| &last.reason), Some(&Reason::TooMuch));
}

#[test]
fn kernels_are_compared() {
    let kernels = ["6.12.117-cloud", "6.18.5"].map(abide_testkit::kernel_btf);
    let [Some(old), Some(new)] = kernels else { return };
    let (old, new) = (Btf::parse(&old).unwrap(), Btf::parse(&new).unwrap());
    let same = old.diff(&old.clone(), |_| true);
    assert!(same.is_empty(), "{} {:?}", same.changed.len(), same.changed.first());
    let start = Instant::now();
    let diff = old.diff(&new, |_| true);
    println!(
        "{} added, {} removed, {} changed, {} the same, in {:?}",
        diff.added.len(),
        diff.removed.len(),
        diff.changed.len(),
        diff.same,
        start.elapsed()
    );
    let too_much = |change: &abide_btf::compare::Change| {
        change.differences.iter().any(|it| it.reason == Reason::TooMuch)
    };
    assert!(!diff.changed.iter().any(too_much));
    let removed = diff.removed.iter().map(|entry| (entry.kind, entry.name.as_str()));
    assert!(removed.clone().is_sorted() && removed.count() > 100);
    assert!(diff.changed.iter().any(|change| change.name == "task_struct"));
    // From one struct on, everything that it reaches.
    let task = |btf: &Btf| btf.by_name(Kind::Struct, "task_struct").unwrap();
    assert!(Comparison::new(&old, &old, Rules::WHOLE).types(task(&old), task(&old)).is_empty());
    assert!(!Comparison::new(&old, &new, Rules::WHOLE).types(task(&old), task(&new)).is_empty());
}

fn case(file: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo("crates/btf/tests/cases").join(file)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A damaged file against the whole one, both ways: the same differences, or none at all.
    #[test]
    fn damaged_types_are_compared(
        words in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![0..64_u32, any::<u32>()]), 1..6,
        ),
    ) {
        let whole = case("types.btf");
        let mut bytes = whole.clone();
        for (at, word) in words {
            let at = at.index(bytes.len() / 4) * 4;
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        let whole = Btf::parse(&whole).unwrap();
        if let Ok(damaged) = Btf::parse(&bytes) {
            let (one, other) = (whole.diff(&damaged, |_| true), damaged.diff(&whole, |_| true));
            prop_assert_eq!(one.same, other.same);
            prop_assert_eq!(one.added.len(), other.removed.len());
            for (id, _) in damaged.iter() {
                prop_assert!(Comparison::new(&damaged, &damaged, Rules::WHOLE).types(id, id).is_empty());
            }
        }
    }
}

/// C has no two values of one name, but files do.
#[test]
fn like_named_values_and_variables_pair_up() {
    let make = |last: i64| {
        let mut builder = Builder::new();
        let value = |value| EnumValue { name: "SAME", value };
        builder.enumeration("twice", 4, false, &[value(1), value(2), value(last)]);
        builder.finish(ByteOrder::Little).unwrap()
    };
    assert!(make(3).diff(&make(3), |_| true).is_empty());
    assert_eq!(make(3).diff(&make(4), |_| true).changed.len(), 1);
}

/// Enums without a name are only names for numbers, unless something refers to them.
#[test]
fn constants_of_nameless_enums_are_compared_by_name() {
    let make = |flag: i64, last: &str, outer: &str, used: i64| {
        let mut builder = Builder::new();
        let value = |name, value| EnumValue { name, value };
        builder.enumeration("", 4, false, &[value("FLAG", flag), value(last, 9)]);
        builder.enumeration(outer, 4, false, &[value("KEPT", 1)]);
        let used = builder.enumeration("", 4, false, &[value("USED", used)]);
        builder.reference(Kind::Typedef, "used_t", used);
        builder.finish(ByteOrder::Little).unwrap()
    };
    let old = make(2, "OLD", "", 1);
    assert!(old.diff(&old.clone(), |_| true).is_empty());
    let diff = old.diff(&make(3, "NEW", "named", 2), |_| true);
    let names = |entries: &[abide_btf::compare::Entry]| -> Vec<_> {
        entries.iter().map(|entry| (entry.kind, entry.name.clone())).collect()
    };
    assert_eq!(names(&diff.removed), [(What::Constant, "OLD".to_owned())]);
    // `KEPT` is what it was; who uses it does not see the name around it.
    let (named, new) = ("named".to_owned(), "NEW".to_owned());
    assert_eq!(names(&diff.added), [(What::Type(Kind::Enum), named), (What::Constant, new)]);
    let changed: Vec<_> = diff
        .changed
        .iter()
        .map(|change| (change.kind, change.name.as_str(), change.differences[0].to_string()))
        .collect();
    assert_eq!(
        changed,
        [
            (What::Type(Kind::Typedef), "used_t", "value `USED`: 1 here, 2 there".to_owned()),
            (What::Constant, "FLAG", "2 here, 3 there".to_owned()),
        ]
    );
    assert_eq!(old.diff(&make(3, "NEW", "", 1), |name| name == "FLAG").changed.len(), 1);
}

/// Of split BTF over one base only what is its own is compared.
#[test]
fn what_two_files_stand_on_is_not_compared() {
    let mut base = Builder::new();
    let int = base.int("int", 4, true);
    let base = std::sync::Arc::new(base.finish(ByteOrder::Little).unwrap());
    let make = |name: &str| {
        let mut split = Builder::on(&base);
        split.reference(Kind::Typedef, name, int);
        split.finish(ByteOrder::Little).unwrap()
    };
    let (one, other) = (make("one"), make("other"));
    let diff = one.diff(&other, |_| true);
    assert_eq!((diff.removed.len(), diff.added.len(), diff.same), (1, 1, 0));
    assert_eq!(one.diff(&make("one"), |_| true).same, 1);
}
