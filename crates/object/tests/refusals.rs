//! Every code of this crate is reported, for the reason that it names, at the place that it names.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use abide_diag::Report;
use abide_object::{Kconfig, Object, ObjectError, Target};
use common::{CODE, DATA, Elf, FUNC, LOCAL_FUNC, OBJECT, Types, UNDEFINED};

const EXIT: [u8; 8] = [0x95, 0, 0, 0, 0, 0, 0, 0];

/// `call` of a function, not yet linked.
const CALL: [u8; 8] = [0x85, 0x10, 0, 0, 0xff, 0xff, 0xff, 0xff];

/// `r1 = 0 ll`.
fn load() -> Vec<u8> {
    let mut code = vec![0; 16];
    code[0] = 0x18;
    code[1] = 1;
    code
}

/// An object with one program.
fn program(code: &[&[u8]]) -> (Elf, u16) {
    let mut elf = Elf::new();
    let code = code.concat();
    let section = elf.section("xdp", CODE, code.clone());
    elf.symbol(b"main", FUNC, section, 0, code.len() as u64);
    (elf, section)
}

/// An object with one map whose definition has these fields.
fn with_map(fields: impl FnOnce(&mut Types) -> Vec<(&'static str, u32)>) -> Elf {
    let mut types = Types::new();
    let fields = fields(&mut types);
    let definition = types.fields(&fields);
    let var = types.var("table", definition, 1);
    types.section(".maps", &[var]);
    let (mut elf, _) = program(&[&EXIT]);
    let section = elf.section(".maps", DATA, vec![0; 32]);
    elf.symbol(b"table", OBJECT, section, 0, 32);
    elf.section(".BTF", 0, types.finish());
    elf
}

/// An object with a variable in `.struct_ops`, of a type that is given the type of pointers to
/// functions; if the section of its program is named, with the program at its beginning.
fn with_struct_ops(section: &str, ty: impl FnOnce(&mut Types, u32) -> u32) -> Elf {
    let mut types = Types::new();
    let proto = types.add("", 13, 0, 0, &[]);
    let pointer = types.add("", 2, 0, proto, &[]);
    let ty = ty(&mut types, pointer);
    let var = types.var("table", ty, 1);
    types.section(".struct_ops", &[var]);
    let mut elf = Elf::new();
    let code = elf.section(if section.is_empty() { "xdp" } else { section }, CODE, EXIT);
    let main = elf.symbol(b"main", FUNC, code, 0, 8);
    let data = elf.section(".struct_ops", DATA, [0; 32]);
    elf.symbol(b"table", OBJECT, data, 0, 32);
    if !section.is_empty() {
        elf.relocations(data, &[(0, 2, main)]);
    }
    elf.section(".BTF", 0, types.finish());
    elf
}

/// An object with an extern `CONFIG_ONE` of a type.
fn with_kconfig(ty: impl FnOnce(&mut Types) -> u32) -> Elf {
    let mut types = Types::new();
    let ty = ty(&mut types);
    let var = types.var("CONFIG_ONE", ty, 2);
    types.section(".kconfig", &[var]);
    let (mut elf, _) = program(&[&EXIT]);
    elf.symbol(b"CONFIG_ONE", UNDEFINED, 0, 0, 0);
    elf.section(".BTF", 0, types.finish());
    elf
}

const NOTHING: Kconfig<'_> =
    Kconfig { text: "", kernel_version: None, has_bpf_cookie: false, has_syscall_wrapper: false };

fn refuse(elf: Elf) -> ObjectError {
    Object::parse(&elf.finish()).expect_err("it is malformed")
}

/// Bytes that are put into a file, and where.
type Change<'a> = (usize, &'a [u8]);

/// ELF headers that nothing can be found by.
fn damaged_headers() -> [(ObjectError, &'static str); 9] {
    let (elf, _) = program(&[&EXIT]);
    let file = elf.finish();
    let header = |changes: &[Change<'_>]| {
        let mut bytes = file.clone();
        for (at, change) in changes {
            bytes[*at..*at + change.len()].copy_from_slice(change);
        }
        let image = abide_object::image::Image::parse(&bytes).map(drop);
        let object = Object::parse(&bytes).map(drop);
        assert_eq!(image.is_ok(), object.is_ok());
        object
    };
    let first = u64::from_le_bytes(file[40..48].try_into().unwrap()) as usize;
    let names = file[62];
    let rows: [(&[Change<'_>], &str); 9] = [
        (&[(5, &[3])], "its byte order (EI_DATA) is 3"),
        (&[(6, &[7])], "there is no version 7"),
        (&[(40, &[0; 8]), (60, &[0; 2])], "it has no sections"),
        (&[(62, &[0, 0])], "it says no section of names (e_shstrndx is 0)"),
        (&[(62, &[1, 0])], "(e_shstrndx) is section 1, which is no table of strings"),
        (&[(62, &[99, 0])], "(e_shstrndx) is section 99; there are"),
        (&[(62, &[0, 0xff])], "(e_shstrndx) is section 65280; there are"),
        (&[(62, &[0xff, 0xff])], "(sh_link of section 0 is 0)"),
        (&[(62, &[0xff, 0xff]), (first + 40, &[77])], "(sh_link of section 0) is section 77;"),
    ];
    // A number that does not fit the header is elsewhere, whether it would fit or not.
    assert!(header(&[(62, &[0xff, 0xff]), (first + 40, &[names])]).is_ok());
    rows.map(|(changes, message)| (header(changes).unwrap_err(), message))
}

/// An object that is refused, with the code, the place and a part of the message.
fn refusals() -> Vec<(ObjectError, &'static str, &'static str, &'static str)> {
    let mut all = Vec::new();
    let mut add = |error, code, place, message| all.push((error, code, place, message));

    let error = Object::parse(b"\x7fELF\x02\x01\x01").unwrap_err();
    add(error, "O0001", "", "cannot be read");
    let error = Object::parse(b"#!/bin/sh").unwrap_err();
    add(error, "O0002", "", "does not begin like an ELF file");
    for (error, message) in damaged_headers() {
        add(error, "O0001", "", message);
    }
    let (mut elf, _) = program(&[&EXIT]);
    elf.machine = 62;
    add(refuse(elf), "O0002", "", "another machine");
    let (mut elf, _) = program(&[&EXIT]);
    elf.kind = 2;
    add(refuse(elf), "O0002", "", "not a relocatable file");

    let (mut elf, _) = program(&[&EXIT]);
    elf.zeroes(".bss", 1 << 40);
    add(refuse(elf), "O0003", "", "bytes more than");
    let (mut elf, _) = program(&[&EXIT]);
    for number in 0..80 {
        elf.zeroes(&format!(".bss.{number}"), 1 << 20);
    }
    add(refuse(elf), "O0003", "", "bytes more than");

    let (mut elf, section) = program(&[&EXIT]);
    elf.symbol(&[b'x'; 2000], FUNC, section, 0, 8);
    add(refuse(elf), "O0004", "", "longer than 1024");
    let (mut elf, section) = program(&[&EXIT]);
    elf.symbol(b"\xff\xfe", FUNC, section, 0, 8);
    add(refuse(elf), "O0004", "", "not UTF-8");

    let (elf, _) = program(&[&EXIT, &[0; 4]]);
    add(refuse(elf), "O0005", "section xdp", "no multiple of 8");
    let mut elf = Elf::new();
    elf.section("xdp", CODE, EXIT);
    add(refuse(elf), "O0005", "section xdp", "no symbol names it");
    for (value, size, why) in [
        (4, 8, "inside an instruction"),
        (8, 16, "outside the section"),
        (8, u64::MAX - 15, "outside the section"),
        (0, 8, "overlaps"),
    ] {
        let (mut elf, section) = program(&[&EXIT, &EXIT]);
        elf.symbol(b"more", FUNC, section, value, size);
        let place = "section xdp, symbol more";
        add(refuse(elf), "O0005", place, why);
    }

    for (stamp, why) in [
        (&b"linux@LINUX_6.5"[..], "no NUL"),
        (b"linux\0", "no `@`"),
        (b"@LINUX_6.5\0", "API's name"),
        (b"linux@\0", "node's name"),
        (b"linux@LINUX 6\0", "node's name"),
        (b"a@b@c\0", "node's name"),
        (b"a@\xff\0", "no `@`"),
    ] {
        let (mut elf, _) = program(&[&EXIT]);
        elf.section(".bpf.api", 2, stamp);
        add(refuse(elf), "O0006", "section .bpf.api", why);
    }

    let (mut elf, section) = program(&[&EXIT, &load()]);
    elf.relocations(section, &[(0, 1, 1)]);
    add(refuse(elf), "O0007", "section xdp, insn 0, symbol main", "neither a call nor");
    let (mut elf, section) = program(&[&load(), &EXIT]);
    elf.relocations(section, &[(0, 77, 1)]);
    add(refuse(elf), "O0007", "section xdp, insn 0, symbol main", "type 77");
    let (mut elf, section) = program(&[&load(), &EXIT]);
    elf.relocations(section, &[(0, 1, 99)]);
    add(refuse(elf), "O0007", "section xdp, insn 0, symbol main", "does not exist");
    let (mut elf, section) = program(&[&load(), &EXIT]);
    elf.relocations(section, &[(4, 1, 1)]);
    add(refuse(elf), "O0007", "section xdp, insn 0, symbol main", "middle of an instruction");
    let (mut elf, section) = program(&[&load(), &EXIT]);
    elf.relocations(section, &[(0, 1, 1), (0, 1, 1)]);
    add(refuse(elf), "O0007", "section xdp, insn 0, symbol main", "two relocations");

    let (mut elf, section) = program(&[&load(), &EXIT]);
    let other = elf.section("elsewhere", DATA, [0; 8]);
    let symbol = elf.symbol(b"lost", OBJECT, other, 0, 8);
    elf.relocations(section, &[(0, 1, symbol)]);
    add(refuse(elf), "O0008", "section xdp, insn 0, symbol lost", "section elsewhere");
    let (mut elf, section) = program(&[&load(), &EXIT]);
    let data = elf.section(".data", DATA, [0; 8]);
    let symbol = elf.symbol(b"far", OBJECT, data, 9, 8);
    elf.relocations(section, &[(0, 1, symbol)]);
    add(refuse(elf), "O0008", "section xdp, insn 0, symbol far", "data at byte 9 of section .data");
    let (elf, _) = program(&[&[0x85, 0x10, 0, 0, 7, 0, 0, 0], &EXIT]);
    add(refuse(elf), "O0008", "section xdp, insn 0, symbol main", "a function at byte 64");

    let elf = with_map(|types| {
        let int = types.int();
        vec![("type", types.number(int, 1)), ("colour", int)]
    });
    add(refuse(elf), "O0009", "section .maps, symbol table", "field `colour`: no such field");
    let elf = with_map(|types| {
        let int = types.int();
        vec![("type", int)]
    });
    add(refuse(elf), "O0009", "section .maps, symbol table", "not a number");
    let elf = with_map(|types| {
        let int = types.int();
        let pointer = types.add("", 2, 0, int, &[]);
        vec![("type", types.number(int, 1)), ("key_size", types.number(int, 8)), ("key", pointer)]
    });
    add(refuse(elf), "O0009", "section .maps, symbol table", "contradicts");
    let elf = with_map(|_| Vec::new());
    add(refuse(elf), "O0009", "section .maps, symbol table", "no type");

    let (mut elf, _) = program(&[&EXIT]);
    elf.section(".maps", DATA, [0; 32]);
    add(refuse(elf), "O0010", "section .maps", "type information");

    let (mut elf, _) = program(&[&EXIT]);
    let section = elf.section("maps", DATA, [1; 12]);
    elf.symbol(b"old", OBJECT, section, 0, 12);
    add(refuse(elf), "O0011", "section maps, symbol old", "fewer than four");
    let (mut elf, _) = program(&[&EXIT]);
    let section = elf.section("maps", DATA, [1; 36]);
    elf.symbol(b"old", OBJECT, section, 0, 36);
    add(refuse(elf), "O0011", "section maps, symbol old", "not zero");

    let (mut elf, section) = program(&[&load(), &EXIT]);
    let tables = elf.section(".jumptables", DATA, [0; 16]);
    let symbol = elf.symbol(b"table", OBJECT, tables, 8, 16);
    elf.relocations(section, &[(0, 1, symbol)]);
    add(refuse(elf), "O0008", "section xdp, insn 0, symbol table", "a jump table at byte 8");

    let mut elf = with_struct_ops("", |types, _| types.int());
    add(refuse(elf), "O0013", "section .struct_ops, symbol table", "not a struct");
    elf = with_struct_ops("", |types, fields| types.fields(&[("init", fields)]));
    add(refuse(elf), "O0013", "section .struct_ops, symbol table", "has no name");
    elf = with_struct_ops("", |types, fields| types.composite("ops", &[("init", fields)], 64));
    add(refuse(elf), "O0013", "section .struct_ops, symbol table", "ends outside");
    elf = with_struct_ops("xdp", |types, fields| types.composite("ops", &[("init", fields)], 8));
    add(refuse(elf), "O0013", "section .struct_ops, symbol main", "of a section `struct_ops`");
    elf = with_struct_ops("struct_ops", |types, _| {
        let int = types.int();
        types.composite("ops", &[("init", int)], 8)
    });
    add(refuse(elf), "O0013", "section .struct_ops, symbol main", "not a pointer to a function");
    elf = with_struct_ops("struct_ops", |types, _| types.composite("ops", &[], 8));
    add(refuse(elf), "O0013", "section .struct_ops, symbol main", "no member");

    let elf = with_kconfig(|types| types.add("double", 16, 0, 8, &[]));
    add(refuse(elf), "O0014", "symbol CONFIG_ONE", "no value of a configuration");
    let elf = with_kconfig(|types| {
        let char = types.add("char", 1, 0, 1, &[8]);
        types.add("", 3, 0, 0, &[char, char, u32::MAX])
    });
    let mut object = Object::parse(&with_kconfig(Types::int).finish()).unwrap();
    let error = object.set_kconfig(&NOTHING).unwrap_err();
    add(error, "O0014", "symbol CONFIG_ONE", "does not have it, and it is not weak");
    add(refuse(elf), "O0003", "", "bytes more than");

    for size in [3, 5, 8] {
        let (mut elf, _) = program(&[&EXIT]);
        elf.section("version", DATA, vec![1; size]);
        add(refuse(elf), "O0015", "section version", "not a number of four bytes");
    }

    let mut types = Types::new();
    let int = types.int();
    let var = types.var("strange", int, 2);
    types.section(".elsewhere", &[var]);
    let (mut elf, _) = program(&[&EXIT]);
    elf.symbol(b"strange", UNDEFINED, 0, 0, 0);
    elf.section(".BTF", 0, types.finish());
    add(refuse(elf), "O0012", "symbol strange", "section .elsewhere");
    all
}

#[test]
fn every_refusal_says_what_and_where() {
    let mut seen = BTreeSet::new();
    for (error, code, place, message) in refusals() {
        let report = error.report();
        assert_eq!(report.code.id, code, "{error}");
        assert_eq!(report.place.clone().unwrap_or_default(), place, "{error}");
        assert!(report.message.contains(message), "{} does not say {message}", report.message);
        seen.insert(code);
    }
    // Of changes of code, not of reading: tests/image.rs.
    seen.insert("O0050");
    // Those of the linker, from O0060 on, are in `link_refusals.rs`, those of CO-RE, from O0101 on,
    // in `core.rs`.
    let all: BTreeSet<_> =
        abide_object::codes::CODES.iter().map(|code| code.id).filter(|id| *id < "O0060").collect();
    assert_eq!(seen, all, "each code has its refusal");
}

#[test]
fn malformed_types_are_refused_with_their_own_code() {
    let (mut elf, _) = program(&[&EXIT]);
    elf.section(".BTF", 0, *b"no type information at all");
    assert_eq!(refuse(elf).report().code.id, "B0001");
}

#[test]
fn stamps_are_kept_once() {
    let (mut elf, _) = program(&[&EXIT]);
    elf.section(".bpf.api", 2, *b"linux@LINUX_6.5\0\0\0kv@KV_1\0linux@LINUX_6.5\0");
    let object = Object::parse(&elf.finish()).unwrap();
    let stamps: Vec<_> =
        object.stamps.iter().map(|one| format!("{}@{}", one.api, one.node)).collect();
    assert_eq!(stamps, ["linux@LINUX_6.5", "kv@KV_1"]);
}

#[test]
fn functions_named_only_in_assembly_are_externs_by_their_calls() {
    let (mut elf, section) = program(&[&CALL, &load(), &EXIT]);
    let called = elf.symbol(b"host_call", UNDEFINED, 0, 0, 0);
    let taken = elf.symbol(b"host_data", UNDEFINED, 0, 0, 0);
    elf.relocations(section, &[(0, 10, called), (8, 1, taken)]);
    let object = Object::parse(&elf.finish()).unwrap();
    assert_eq!(
        format!("{:?}", object.externs.iter().map(|one| one.kind).collect::<Vec<_>>()),
        "[Function { proto: None }, Ksym { ty: None }]"
    );
    let targets: Vec<_> = object.functions[0].relocations.iter().map(|one| one.target).collect();
    assert!(matches!(targets[..], [Target::CallExtern(_), Target::Extern(_)]));
}

#[test]
fn calls_of_the_same_section_need_no_relocation() {
    let mut elf = Elf::new();
    let back = [0x85, 0x10, 0, 0, 0xfe, 0xff, 0xff, 0xff];
    let section = elf.section("tc", CODE, [EXIT, back, EXIT].concat());
    elf.symbol(b"helper", LOCAL_FUNC, section, 0, 8);
    elf.symbol(b"main", FUNC, section, 8, 16);
    let object = Object::parse(&elf.finish()).unwrap();
    assert_eq!(object.programs.len(), 1);
    let target = object.functions[1].target_at(0);
    assert_eq!(target, Some(Target::Call(abide_object::FunctionId(0))));
}

#[test]
fn hand_written_code_has_functions_where_its_global_labels_are() {
    let mut elf = Elf::new();
    let section = elf.section("xdp", CODE, [EXIT, EXIT, EXIT].concat());
    elf.symbol(b"one", UNDEFINED, section, 0, 0);
    elf.symbol(b"two", UNDEFINED, section, 8, 0);
    let object = Object::parse(&elf.finish()).unwrap();
    let lengths: Vec<_> =
        object.functions.iter().map(|one| (one.name.as_str(), one.slots.len())).collect();
    assert_eq!(lengths, [("one", 1), ("two", 2)]);
}

#[test]
fn two_names_of_the_same_code_are_two_functions() {
    let (mut elf, section) = program(&[&CALL, &EXIT]);
    let alias = elf.symbol(b"alias", FUNC, section, 0, 16);
    elf.relocations(section, &[(0, 10, alias)]);
    let object = Object::parse(&elf.finish()).unwrap();
    assert_eq!(object.functions.len(), 2);
    for function in &object.functions {
        let target = function.target_at(0);
        assert_eq!(target, Some(Target::Call(abide_object::FunctionId(1))));
    }
}

/// The size of a symbol without one reaches to the next; this one begins after the end.
#[test]
fn a_legacy_map_after_the_end_of_its_section() {
    let (mut elf, _) = program(&[&EXIT]);
    let section = elf.section("maps", DATA, vec![0; 20]);
    elf.symbol(b"table", OBJECT, section, 64, 0);
    assert!(refuse(elf).to_string().contains("lies outside the section"));
}

#[test]
fn a_jump_table_is_a_part_of_its_section() {
    let (mut elf, section) = program(&[&load(), &EXIT]);
    let tables = elf.section(".jumptables", DATA, [7; 32]);
    let symbol = elf.symbol(b"BPF.JT.0.0", OBJECT, tables, 8, 16);
    elf.relocations(section, &[(0, 1, symbol)]);
    let object = Object::parse(&elf.finish()).unwrap();
    assert_eq!(object.jump_tables, [7; 32]);
    let target = object.functions[0].target_at(0);
    assert_eq!(target, Some(Target::JumpTable { offset: 8, size: 16 }));
    assert!(object.maps.is_empty());
}

/// A map whose last field is `values`, and a relocation at its first value.
fn with_values(kind: u32, key: u32, inner: bool, to: &str) -> Elf {
    let mut types = Types::new();
    let int = types.int();
    let of = match inner {
        true => {
            let kind = types.number(int, 2);
            types.fields(&[("type", kind)])
        }
        false => types.add("", 13, 0, 0, &[]),
    };
    let pointer = types.add("", 2, 0, of, &[]);
    let values = types.add("", 3, 0, 0, &[pointer, int, 0]);
    let (kind, key) = (types.number(int, kind), types.number(int, key));
    let definition = types.fields(&[("type", kind), ("key_size", key), ("values", values)]);
    let var = types.var("table", definition, 1);
    types.section(".maps", &[var]);
    let (mut elf, code) = program(&[&EXIT, &EXIT]);
    let section = elf.section(".maps", DATA, [0; 32]);
    let own = elf.symbol(b"table", OBJECT, section, 0, 32);
    let text = elf.section(".text", CODE, EXIT);
    let subprogram = elf.symbol(b"below", FUNC, text, 0, 8);
    let symbol = match to {
        "program" => elf.symbol(b"again", FUNC, code, 0, 16),
        "map" => own,
        _ => subprogram,
    };
    elf.relocations(section, &[(16, 2, symbol)]);
    elf.section(".BTF", 0, types.finish());
    elf
}

/// `BPF_MAP_TYPE_PROG_ARRAY`, `BPF_MAP_TYPE_HASH_OF_MAPS`.
const PROGRAMS: u32 = 3;
const HASH: u32 = 13;

#[test]
fn initial_values_are_what_a_map_can_hold() {
    let parse = |elf: Elf| Object::parse(&elf.finish());
    assert!(parse(with_values(PROGRAMS, 4, false, "program")).is_ok());
    assert!(parse(with_values(HASH, 4, true, "map")).is_ok());
    for (elf, why) in [
        (with_values(PROGRAMS, 4, false, "subprogram"), "not a program"),
        (with_values(PROGRAMS, 4, false, "map"), "where none belongs"),
        (with_values(HASH, 4, true, "program"), "not a map of `.maps`"),
        (with_values(HASH, 8, true, "map"), "keys of 4 bytes"),
        (with_values(1, 4, true, "map"), "cannot hold such values"),
    ] {
        let error = refuse(elf);
        assert_eq!(error.report().code.id, "O0009");
        assert!(error.to_string().contains(why), "{error} does not say {why}");
    }
}
