//! CO-RE between small types: what is found and what is not, what is written into instructions, and
//! each refusal by its code.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use abide_btf::core::{Answer, CoreError, POISON, Patched, Poison, Record, Resolver, Target};
use abide_btf::{Btf, CoreKind, Kind, TypeId, codes};
use abide_diag::Report;
use abide_isa::Raw;
use proptest::prelude::*;

/// BTF by hand.
#[derive(Default)]
struct Types {
    words: Vec<u32>,
    strings: Vec<u8>,
    count: u32,
}

impl Types {
    fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32 + 1;
        self.strings.extend(name.bytes().chain([0]));
        at
    }

    fn add(
        &mut self,
        name: &str,
        kind: Kind,
        count: usize,
        flag: bool,
        third: u32,
        rest: &[u32],
    ) -> u32 {
        let name = self.name(name);
        let info = u32::from(flag) << 31 | (kind as u32) << 24 | count as u32;
        self.words.extend([name, info, third]);
        self.words.extend(rest);
        self.count += 1;
        self.count
    }

    fn int(&mut self, name: &str, size: u32, signed: bool) -> u32 {
        self.add(name, Kind::Int, 0, false, size, &[(u32::from(signed) << 24) | (size * 8)])
    }

    fn refer(&mut self, kind: Kind, name: &str, to: u32) -> u32 {
        self.add(name, kind, 0, false, to, &[])
    }

    fn array(&mut self, elem: u32, len: u32) -> u32 {
        self.add("", Kind::Array, 0, false, 0, &[elem, elem, len])
    }

    /// Members: name, type, bit offset, bits of a bit field.
    fn composite(
        &mut self,
        kind: Kind,
        name: &str,
        size: u32,
        members: &[(&str, u32, u32, u32)],
    ) -> u32 {
        let mut rest = Vec::new();
        for (name, ty, offset, bits) in members {
            rest.extend([self.name(name), *ty, bits << 24 | offset]);
        }
        self.add(name, kind, members.len(), true, size, &rest)
    }

    fn record(&mut self, name: &str, size: u32, members: &[(&str, u32, u32, u32)]) -> u32 {
        self.composite(Kind::Struct, name, size, members)
    }

    fn enumeration(&mut self, name: &str, values: &[(&str, u32)]) -> u32 {
        let mut rest = Vec::new();
        for (name, value) in values {
            rest.extend([self.name(name), *value]);
        }
        self.add(name, Kind::Enum, values.len(), false, 4, &rest)
    }

    fn enumeration64(&mut self, name: &str, values: &[(&str, u64)]) -> u32 {
        let mut rest = Vec::new();
        for (name, value) in values {
            rest.extend([self.name(name), *value as u32, (value >> 32) as u32]);
        }
        self.add(name, Kind::Enum64, values.len(), false, 8, &rest)
    }

    fn btf(&self) -> Btf {
        let (types, strings) = (self.words.len() as u32 * 4, self.strings.len() as u32 + 1);
        let mut out = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types, types, strings].iter().chain(&self.words) {
            out.extend(word.to_le_bytes());
        }
        out.push(0);
        out.extend(&self.strings);
        Btf::parse(&out).unwrap()
    }
}

fn types<T>(make: impl FnOnce(&mut Types) -> T) -> Btf {
    let mut types = Types::default();
    make(&mut types);
    types.btf()
}

fn ask(
    local: &Btf,
    host: &Btf,
    ty: u32,
    access: &str,
    kind: CoreKind,
) -> Result<Answer, CoreError> {
    let target = Target::new(host);
    let record = Record { ty: TypeId(ty), access, kind };
    Ok(Resolver::new(local, &target).resolve(record)?.answer)
}

/// The new number.
fn new(local: &Btf, host: &Btf, ty: u32, access: &str, kind: CoreKind) -> u64 {
    match ask(local, host, ty, access, kind).unwrap() {
        Answer::Value { new, .. } => new,
        Answer::Poison(why) => panic!("{why:?}"),
    }
}

fn poison(local: &Btf, host: &Btf, ty: u32, access: &str, kind: CoreKind) -> Poison {
    match ask(local, host, ty, access, kind).unwrap() {
        Answer::Poison(why) => why,
        other => panic!("{other:?}"),
    }
}

/// 1 int, 2 `struct task___mine { int a; int b[4]; }`.
fn task() -> Btf {
    types(|t| {
        let int = t.int("int", 4, true);
        let array = t.array(int, 4);
        t.record("task___mine", 20, &[("a", int, 0, 0), ("b", array, 32, 0)]);
    })
}

#[test]
fn fields_are_found_by_name_wherever_they_are() {
    use CoreKind::*;
    let local = task();
    let host = types(|t| {
        let int = t.int("int", 4, true);
        let array = t.array(int, 8);
        let inside = t.composite(Kind::Union, "", 36, &[("x", int, 0, 0), ("b", array, 32, 0)]);
        t.record("task", 64, &[("first", int, 0, 0), ("", inside, 64, 0), ("a", int, 480, 0)]);
    });
    assert_eq!(new(&local, &host, 3, "0:0", FieldByteOffset), 60);
    assert_eq!(new(&local, &host, 3, "0:1:3", FieldByteOffset), 8 + 4 + 12);
    assert_eq!(new(&local, &host, 3, "2:0", FieldByteOffset), 2 * 64 + 60);
    assert_eq!(new(&local, &host, 3, "0:1", FieldByteSize), 32);
    assert_eq!(new(&local, &host, 3, "0:0", FieldSigned), 1);
    assert_eq!(new(&local, &host, 3, "0:0", FieldExists), 1);
    assert_eq!(new(&local, &host, 3, "0", TypeSize), 64);
    assert_eq!(new(&local, &host, 3, "0", TypeIdTarget), 4);
    assert_eq!(new(&local, &host, 3, "0", TypeIdLocal), 3);
    assert_eq!(new(&local, &host, 3, "0", TypeExists), 1);
    // Its array is shorter.
    assert_eq!(new(&local, &host, 3, "0", TypeMatches), 0);
    assert_eq!(new(&local, &local, 3, "0", TypeMatches), 1);
}

#[test]
fn what_the_host_lacks_poisons_or_is_told() {
    use CoreKind::*;
    let local = task();
    let none = types(|t| t.int("int", 4, true));
    let other = types(|t| {
        let int = t.int("int", 4, true);
        let pointer = t.refer(Kind::Ptr, "", int);
        t.record("task", 8, &[("a", pointer, 0, 0)]);
    });
    assert_eq!(poison(&local, &none, 3, "0:0", FieldByteOffset), Poison::NoType);
    assert_eq!(poison(&local, &other, 3, "0:0", FieldByteOffset), Poison::NoField);
    assert_eq!(poison(&local, &other, 3, "0:1", FieldByteSize), Poison::NoField);
    for host in [&none, &other] {
        assert_eq!(new(&local, host, 3, "0:0", FieldExists), 0);
    }
    for kind in [TypeExists, TypeSize, TypeIdTarget, TypeMatches] {
        assert_eq!(new(&local, &none, 3, "0", kind), 0);
    }
    // A union is no struct, an index beyond the array no element.
    let union = types(|t| t.composite(Kind::Union, "task", 4, &[]));
    assert_eq!(new(&local, &union, 3, "0", TypeExists), 0);
    let short = types(|t| {
        let int = t.int("int", 4, true);
        let array = t.array(int, 2);
        t.record("task", 8, &[("b", array, 0, 0)]);
    });
    assert_eq!(new(&local, &short, 3, "0:1:1", FieldExists), 1);
    assert_eq!(new(&local, &short, 3, "0:1:2", FieldExists), 0);
}

#[test]
fn the_last_array_may_have_any_length() {
    let local = task();
    let make = |last| {
        types(|t| {
            let int = t.int("int", 4, true);
            let array = t.array(int, 0);
            let (b, a) = (("b", array, 32, 0), ("a", int, 0, 0));
            t.record("task", 4, &if last { [a, b] } else { [b, a] });
        })
    };
    assert_eq!(new(&local, &make(true), 3, "0:1:3", CoreKind::FieldByteOffset), 16);
    assert_eq!(new(&local, &make(false), 3, "0:1:3", CoreKind::FieldExists), 0);
}

#[test]
fn values_of_enums_by_name() {
    use CoreKind::*;
    let local = types(|t| t.enumeration("state", &[("IDLE", 0), ("RUNNING___v2", 1)]));
    let host = types(|t| t.enumeration64("state___kernel", &[("RUNNING", 1 << 40)]));
    assert_eq!(new(&local, &host, 1, "1", EnumValue), 1 << 40);
    assert_eq!(new(&local, &host, 1, "1", EnumValueExists), 1);
    assert_eq!(new(&local, &host, 1, "0", EnumValueExists), 0);
    assert_eq!(poison(&local, &host, 1, "0", EnumValue), Poison::NoValue);
    let none = types(|t| t.int("state", 4, false));
    assert_eq!(poison(&local, &none, 1, "0", EnumValue), Poison::NoType);
}

#[test]
fn bit_fields_are_read_by_the_smallest_load_and_two_shifts() {
    use CoreKind::*;
    let local = types(|t| {
        let int = t.int("unsigned int", 4, false);
        t.record("flags", 4, &[("a", int, 3, 5)]);
    });
    // It lies across two words of the host.
    let host = types(|t| {
        let int = t.int("unsigned int", 4, false);
        t.record("flags", 16, &[("a", int, 64 + 28, 8)]);
    });
    assert_eq!(new(&local, &host, 2, "0:0", FieldByteOffset), 8);
    assert_eq!(new(&local, &host, 2, "0:0", FieldByteSize), 8);
    assert_eq!(new(&local, &host, 2, "0:0", FieldLeftShift), 64 - 36);
    assert_eq!(new(&local, &host, 2, "0:0", FieldRightShift), 56);
    assert_eq!(new(&local, &host, 2, "0:0", FieldSigned), 0);
}

#[test]
fn types_match_by_what_they_hold() {
    // Our struct: a member less, a pointer to a struct that is only declared, an enum with one value.
    let local = types(|t| {
        let int = t.int("int", 4, true);
        let forward = t.add("other", Kind::Fwd, 0, false, 0, &[]);
        let pointer = t.refer(Kind::Ptr, "", forward);
        let mode = t.enumeration("mode", &[("ON", 1)]);
        let call = t.add("", Kind::FuncProto, 1, false, int, &[0, pointer]);
        let call = t.refer(Kind::Ptr, "", call);
        t.record("s", 40, &[("p", pointer, 0, 0), ("m", mode, 64, 0), ("c", call, 128, 0)]);
    });
    let host = |kind, result: &str, sign| {
        types(|t| {
            let int = t.int(result, 4, sign);
            let other = t.composite(kind, "other", 4, &[("x", int, 0, 0)]);
            let pointer = t.refer(Kind::Ptr, "", other);
            let mode = t.enumeration("mode", &[("OFF", 0), ("ON", 7)]);
            let call = t.add("", Kind::FuncProto, 1, false, int, &[0, pointer]);
            let call = t.refer(Kind::Ptr, "", call);
            let members =
                [("c", call, 0, 0), ("p", pointer, 64, 0), ("n", int, 160, 0), ("m", mode, 128, 0)];
            t.record("s", 24, &members);
        })
    };
    let matches = |host: &Btf| new(&local, host, 7, "0", CoreKind::TypeMatches);
    assert_eq!(matches(&host(Kind::Struct, "int", true)), 1);
    assert_eq!(matches(&host(Kind::Union, "int", true)), 0);
    assert_eq!(matches(&host(Kind::Struct, "int", false)), 0);
    assert_eq!(matches(&host(Kind::Struct, "long", true)), 0);
}

#[test]
fn instructions_hold_the_answer_or_cannot_run() {
    let local = types(|t| {
        let wide = t.int("unsigned long", 8, false);
        let signed = t.int("int", 4, true);
        t.record("s", 16, &[("u", wide, 0, 0), ("i", signed, 64, 0)]);
    });
    let host = types(|t| {
        let narrow = t.int("unsigned int", 4, false);
        let signed = t.int("long", 8, true);
        t.record("s", 24, &[("i", signed, 64, 0), ("u", narrow, 160, 0)]);
    });
    let target = Target::new(&host);
    let mut resolver = Resolver::new(&local, &target);
    let mut patch = |access, kind, code: Vec<Raw>| {
        let record = Record { ty: TypeId(3), access, kind };
        let mut slots = code;
        let resolution = resolver.resolve(record).unwrap();
        let result = resolution.patch(&mut slots, 0);
        (result, slots)
    };
    let raw = |code, off, imm| Raw { code, dst: 1, src: 2, off, imm };
    let mov = Raw { src: 0, ..raw(0xb7, 0, 8) };
    // r1 = *(u64 *)(r2 + 0) becomes r1 = *(u32 *)(r2 + 20).
    let (result, slots) = patch("0:0", CoreKind::FieldByteOffset, vec![raw(0x79, 0, 0)]);
    assert_eq!(result, Ok(Patched::Value { before: 0, after: 20 }));
    assert_eq!(slots, [raw(0x61, 20, 0)]);
    // A signed field of another size cannot be loaded, but its offset can be told.
    let (result, slots) = patch("0:1", CoreKind::FieldByteOffset, vec![raw(0x61, 8, 0)]);
    assert_eq!((result, slots), (Ok(Patched::Poisoned(Poison::Resized)), vec![POISON]));
    let (result, slots) = patch("0:1", CoreKind::FieldByteOffset, vec![mov]);
    assert_eq!(result, Ok(Patched::Value { before: 8, after: 8 }));
    assert_eq!(slots, [mov]);
    // A 64-bit immediate takes two slots.
    let wide = [Raw { code: 0x18, src: 0, ..raw(0, 0, 16) }, Raw::default()];
    let (result, slots) = patch("0", CoreKind::TypeSize, wide.to_vec());
    assert_eq!(result, Ok(Patched::Value { before: 16, after: 24 }));
    assert_eq!(slots[0].imm, 24);
    // Nothing is changed by what is refused.
    let (result, slots) = patch("0", CoreKind::TypeSize, vec![mov]);
    assert_eq!(result, Err(CoreError::Unexpected { found: 8, expected: 16 }));
    assert_eq!(slots, [mov]);
}

#[test]
fn a_record_narrows_the_candidates_of_later_ones() {
    let local = types(|t| {
        let int = t.int("int", 4, true);
        t.record("s", 8, &[("a", int, 0, 0), ("b", int, 32, 0)]);
    });
    let host = types(|t| {
        let int = t.int("int", 4, true);
        t.record("s", 8, &[("a", int, 0, 0), ("b", int, 32, 0)]);
        t.record("s", 8, &[("a", int, 32, 0)]);
    });
    let target = Target::new(&host);
    let record = |access| Record { ty: TypeId(2), access, kind: CoreKind::FieldByteOffset };
    assert!(matches!(
        Resolver::new(&local, &target).resolve(record("0:0")),
        Err(CoreError::Ambiguous { .. })
    ));
    let mut resolver = Resolver::new(&local, &target);
    resolver.resolve(record("0:1")).unwrap();
    assert_eq!(resolver.resolve(record("0:0")).unwrap().host.unwrap().root, TypeId(2));
}

fn refusals() -> Vec<(CoreError, &'static str)> {
    use CoreKind::*;
    let local = task();
    let refuse = |ty, access: &str, kind| ask(&local, &local, ty, access, kind).unwrap_err();
    let mut out: Vec<_> = ["", ":", "0:", "x", "0:2", "0:1:4", "0:0:0", "-1:0", "99999999999"]
        .iter()
        .map(|access| (refuse(3, access, FieldByteOffset), "B0101"))
        .collect();
    out.push((refuse(3, &["0"; 65].join(":"), FieldByteOffset), "B0101"));
    out.push((refuse(3, "1", TypeSize), "B0101"));
    let nameless = types(|t| {
        let inside = t.composite(Kind::Union, "", 4, &[]);
        t.record("s", 4, &[("", inside, 0, 0)]);
    });
    out.push((ask(&nameless, &nameless, 2, "0:0", FieldByteOffset).unwrap_err(), "B0101"));
    out.push((refuse(3, "0", EnumValue), "B0101"));
    out.push((refuse(2, "0:1", FieldByteOffset), "B0102"));
    out.push((refuse(3, "0:1:1", FieldSigned), "B0109"));

    let host = types(|t| {
        let int = t.int("int", 4, true);
        t.record("task", 8, &[("a", int, 32, 0)]);
        t.record("task", 12, &[("a", int, 64, 0)]);
    });
    out.push((ask(&local, &host, 3, "0:0", FieldByteOffset).unwrap_err(), "B0103"));

    let far = types(|t| {
        let int = t.int("int", 4, true);
        t.record("task", 40004, &[("a", int, 320000, 0)]);
    });
    let target = Target::new(&far);
    let offset = Record { ty: TypeId(3), access: "0:0", kind: FieldByteOffset };
    let far = Resolver::new(&local, &target).resolve(offset).unwrap();
    let patch = |code: u8, off| {
        let raw = Raw { code, dst: 1, src: 0, off, imm: 0 };
        far.patch(&mut [raw], 0).unwrap_err()
    };
    out.push((patch(0x95, 0), "B0104"));
    out.push((patch(0xff, 0), "B0104"));
    out.push((far.patch(&mut [], 0).unwrap_err(), "B0104"));
    out.push((patch(0x61, 4), "B0105"));
    out.push((patch(0x61, 0), "B0106"));

    let bits = types(|t| {
        let long = t.int("unsigned long", 8, false);
        t.record("s", 16, &[("a", long, 60, 8)]);
    });
    out.push((ask(&bits, &bits, 2, "0:0", FieldByteOffset).unwrap_err(), "B0107"));

    let sized = |size| {
        types(|t| {
            let int = t.int("unsigned", size, false);
            t.record("s", 16, &[("a", int, 0, 0)]);
        })
    };
    let (four, sixteen) = (sized(4), sized(16));
    let target = Target::new(&sixteen);
    let wide = Resolver::new(&four, &target).resolve(Record { ty: TypeId(2), ..offset }).unwrap();
    let load = Raw { code: 0x61, dst: 1, src: 1, off: 0, imm: 0 };
    out.push((wide.patch(&mut [load], 0).unwrap_err(), "B0108"));

    // Each level has the one below it twice, and what is asked for is in none.
    let deep = types(|t| {
        let int = t.int("int", 4, true);
        let mut level = t.composite(Kind::Union, "", 4, &[("z", int, 0, 0)]);
        for _ in 0..50 {
            level = t.composite(Kind::Union, "", 4, &[("", level, 0, 0), ("", level, 0, 0)]);
        }
        t.record("task", 4, &[("", level, 0, 0)]);
    });
    out.push((ask(&local, &deep, 3, "0:0", FieldByteOffset).unwrap_err(), "B0110"));
    out
}

#[test]
fn refusals_have_codes() {
    let mut seen = BTreeSet::new();
    for (error, code) in refusals() {
        assert_eq!(error.report().code.id, code, "{error}");
        seen.insert(code);
    }
    let all: BTreeSet<_> =
        codes::CODES.iter().map(|code| code.id).filter(|id| *id > "B0100").collect();
    assert_eq!(seen, all, "each code has its refusal");
}

#[test]
fn a_way_is_shown_as_c_has_it() {
    let local = task();
    let target = Target::new(&local);
    let record = |access, kind| Record { ty: TypeId(3), access, kind };
    let mut resolver = Resolver::new(&local, &target);
    let mut show = |access| {
        let found = resolver.resolve(record(access, CoreKind::FieldByteOffset)).unwrap();
        (found.local.show(&local).to_string(), found.local.numbers())
    };
    assert_eq!(show("0:1:2"), ("struct task___mine.b[2]".to_owned(), "0:1:2".to_owned()));
    assert_eq!(show("3:0").0, "struct task___mine[3].a");
}

/// What a random struct is made of.
#[derive(Debug, Clone)]
enum Shape {
    Int(bool),
    Pointer,
    Array(u32),
    Struct(Vec<Shape>),
    Nameless(Vec<Shape>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Shape::Int),
        Just(Shape::Pointer),
        (0..4_u32).prop_map(Shape::Array),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Shape::Struct),
            prop::collection::vec(inner, 1..4).prop_map(Shape::Nameless),
        ]
    })
}

/// Adds a type; `number` counts members, so that all names differ. Gives id and size.
fn build(t: &mut Types, shape: &Shape, number: &mut u32) -> (u32, u32) {
    match shape {
        Shape::Int(signed) => (t.int("int", 4, *signed), 4),
        Shape::Pointer => (t.refer(Kind::Ptr, "", 0), 8),
        Shape::Array(len) => {
            let int = t.int("int", 4, true);
            (t.array(int, *len), 4 * len)
        }
        Shape::Struct(parts) | Shape::Nameless(parts) => {
            let (mut members, mut size) = (Vec::new(), 0);
            for part in parts {
                let (ty, width) = build(t, part, number);
                *number += 1;
                let nameless = matches!(part, Shape::Nameless(_));
                let name = if nameless { String::new() } else { format!("m{number}") };
                members.push((name, ty, size * 8, 0));
                size += width;
            }
            let members: Vec<_> = members
                .iter()
                .map(|(name, ty, at, bits)| (name.as_str(), *ty, *at, *bits))
                .collect();
            let name = if matches!(shape, Shape::Struct(_)) {
                format!("s{}", t.count)
            } else {
                String::new()
            };
            (t.record(&name, size, &members), size)
        }
    }
}

fn whole(parts: Vec<Shape>) -> (Btf, u32) {
    let mut t = Types::default();
    let (id, _) = build(&mut t, &Shape::Struct(parts), &mut 0);
    (t.btf(), id)
}

const KINDS: [CoreKind; 13] = [
    CoreKind::FieldByteOffset,
    CoreKind::FieldByteSize,
    CoreKind::FieldExists,
    CoreKind::FieldSigned,
    CoreKind::FieldLeftShift,
    CoreKind::FieldRightShift,
    CoreKind::TypeIdLocal,
    CoreKind::TypeIdTarget,
    CoreKind::TypeExists,
    CoreKind::TypeSize,
    CoreKind::TypeMatches,
    CoreKind::EnumValueExists,
    CoreKind::EnumValue,
];

proptest! {
    #[test]
    fn on_its_own_types_nothing_changes(
        parts in prop::collection::vec(shape(), 1..4),
        path in prop::collection::vec(0..3_u32, 0..5),
    ) {
        let (btf, id) = whole(parts);
        let access: Vec<String> = [0].iter().chain(&path).map(u32::to_string).collect();
        for kind in KINDS {
            // What is no way into the type is refused; whatever is one leads to itself.
            if let Ok(answer) = ask(&btf, &btf, id, &access.join(":"), kind) {
                let Answer::Value { old, new, resize: None, .. } = answer else {
                    panic!("{kind:?} {access:?}: {answer:?}")
                };
                prop_assert_eq!(old, new, "{:?} {:?}", kind, access);
            }
        }
    }

    #[test]
    fn between_any_types_there_is_an_answer_or_a_refusal(
        ours in prop::collection::vec(shape(), 1..4),
        theirs in prop::collection::vec(shape(), 1..4),
        ty in 0..40_u32,
        access in "[0-3]?(:[0-3]){0,4}|.{0,6}",
    ) {
        let ((local, _), (host, _)) = (whole(ours), whole(theirs));
        let ty = ty % (local.len() as u32 + 1);
        for kind in KINDS {
            let _ = ask(&local, &host, ty, &access, kind);
        }
    }
}
