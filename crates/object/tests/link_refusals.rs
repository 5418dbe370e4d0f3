//! What does not go together: every code of the linker, with both places.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "the other refusals use the rest of the writer")]

mod common;

use std::collections::BTreeSet;

use abide_diag::Report;
use abide_object::Object;
use abide_object::image::Place;
use abide_object::link::{Input, LinkError, link};
use common::{CODE, DATA, Elf, FUNC, OBJECT, Types, UNDEFINED};

const EXIT: [u8; 8] = [0x95, 0, 0, 0, 0, 0, 0, 0];
const WEAK_FUNC: u8 = 0x22;
/// Global, without a type; and special sections.
const NUMBER: u8 = 0x10;
const ABSOLUTE: u16 = 0xfff1;
const COMMON: u16 = 0xfff2;

fn refuse(one: &[u8], other: &[u8]) -> Vec<LinkError> {
    link(&[Input { name: "a.o", bytes: one }, Input { name: "b.o", bytes: other }]).unwrap_err()
}

/// An object with a program of this name.
fn program(name: &str) -> (Elf, u16) {
    let mut elf = Elf::new();
    let section = elf.section("xdp", CODE, EXIT);
    elf.symbol(name.as_bytes(), FUNC, section, 0, 8);
    (elf, section)
}

/// An object with a section more.
fn with(name: &str, section: &str, flags: u64, data: &[u8]) -> Vec<u8> {
    let (mut elf, _) = program(name);
    elf.section(section, flags, data);
    elf.finish()
}

/// An object with a number that others see.
fn number(name: &str, value: u64) -> Vec<u8> {
    let (mut elf, _) = program(name);
    elf.symbol(b"number", NUMBER, ABSOLUTE, value, 0);
    elf.symbol(b"own", NUMBER & 0xf, ABSOLUTE, value + 1, 0);
    elf.finish()
}

/// An object that loads or calls what another one defines, and has eight bytes more than its address
/// in its data.
fn refers(name: &str, code: u8) -> Vec<u8> {
    let mut elf = Elf::new();
    let mut bytes = [0; 24];
    (bytes[0], bytes[16]) = (code, 0x95);
    if code == 0x85 {
        bytes[1] = 0x10;
        bytes[4..8].fill(0xff);
    }
    let section = elf.section("xdp", CODE, bytes);
    elf.symbol(b"refers", FUNC, section, 0, 24);
    let data = elf.section(".data", DATA, 8_u64.to_le_bytes());
    elf.symbol(b"data", OBJECT, data, 0, 8);
    let symbol = elf.symbol(name.as_bytes(), UNDEFINED, 0, 0, 0);
    elf.relocations(section, &[(0, if code == 0x85 { 10 } else { 1 }, symbol)]);
    elf.relocations(data, &[(0, 2, symbol)]);
    elf.finish()
}

/// An object whose code is a load of the address of a table of jumps, and `exit`.
fn jumps(entries: &[u64]) -> Vec<u8> {
    let mut elf = Elf::new();
    let mut code = [0; 24];
    (code[0], code[16]) = (0x18, 0x95);
    let section = elf.section("xdp", CODE, code);
    elf.symbol(b"two", FUNC, section, 0, 24);
    let bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
    let size = bytes.len() as u64;
    let table = elf.section(".jumptables", 2, bytes);
    let symbol = elf.symbol(b"BPF.JT.0.0", OBJECT, table, 0, size);
    elf.relocations(section, &[(0, 1, symbol)]);
    elf.finish()
}

/// An object that expects or defines the variable `v` of a type, in a section.
fn variable(
    program_name: &str,
    section: Option<&str>,
    ty: impl FnOnce(&mut Types) -> u32,
) -> Vec<u8> {
    let (mut elf, _) = program(program_name);
    let mut types = Types::new();
    let ty = ty(&mut types);
    match section {
        Some(name) => {
            let section = elf.section(name, DATA, vec![0; 32]);
            elf.symbol(b"v", OBJECT, section, 0, 32);
            let var = types.var("v", ty, 1);
            types.section(name, &[var]);
        }
        None => {
            elf.symbol(b"v", UNDEFINED, 0, 0, 0);
            types.var("v", ty, 2);
        }
    }
    elf.section(".BTF", 0, types.finish());
    elf.finish()
}

fn unsigned(types: &mut Types) -> u32 {
    types.add("u", 1, 0, 4, &[32])
}

/// A map of a type, with so many entries.
fn map(entries: u32) -> impl FnOnce(&mut Types) -> u32 {
    move |types| {
        let int = types.int();
        let fields = [("type", types.number(int, 27)), ("max_entries", types.number(int, entries))];
        types.fields(&fields)
    }
}

/// An extern map.
fn extern_map(entries: u32) -> Vec<u8> {
    let (mut elf, _) = program("two");
    let mut types = Types::new();
    let ty = map(entries)(&mut types);
    let var = types.var("v", ty, 2);
    types.section(".maps", &[var]);
    elf.symbol(b"v", UNDEFINED, 0, 0, 0);
    elf.section(".BTF", 0, types.finish());
    elf.finish()
}

fn case(name: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo("crates/object/tests/cases").join(name)).unwrap()
}

#[test]
fn every_refusal_says_what_and_both_places() {
    let (one, other) = (program("one").0.finish(), program("two").0.finish());
    let common = || {
        let (mut elf, _) = program("two");
        elf.symbol(b"number", OBJECT, COMMON, 3, 0);
        elf.finish()
    };
    let nameless = || {
        let (mut elf, section) = program("two");
        elf.symbol(b"", FUNC, section, 0, 8);
        elf.finish()
    };
    let behind = || {
        let (mut elf, _) = program("two");
        let section = elf.section(".data", DATA, [0; 4]);
        elf.symbol(b"number", OBJECT, section, 5, 4);
        elf.finish()
    };
    let ksym = |name: &str, section: &str| {
        let (mut elf, _) = program(name);
        let mut types = Types::new();
        let int = types.int();
        let var = types.var("v", int, 2);
        types.section(section, &[var]);
        elf.symbol(b"v", UNDEFINED, 0, 0, 0);
        elf.section(".BTF", 0, types.finish());
        elf.finish()
    };
    let rows = [
        (refuse(&one, &one), "O0060", "section xdp, symbol one", "`one` is defined twice"),
        (
            refuse(&variable("one", Some(".data"), Types::int), &variable("two", None, unsigned)),
            "O0061",
            "symbol v",
            "`v` has different types: `u` here, `int` there",
        ),
        (
            refuse(&variable("one", Some(".maps"), map(4096)), &extern_map(8192)),
            "O0062",
            "symbol v",
            "the map `v` is defined differently: `max_entries` is 8192 here, 4096 there",
        ),
        (refuse(&case("basics.o"), &case("basics.be.o")), "O0063", "", "another big endian"),
        (
            refuse(
                &with("one", "license", DATA, b"GPL\0"),
                &with("two", "license", DATA, b"MIT\0"),
            ),
            "O0064",
            "section license",
            "says `MIT`, that of another object `GPL`",
        ),
        (
            refuse(
                &with("one", "version", DATA, &[1, 0, 0, 0]),
                &with("two", "version", DATA, &[2, 0, 0, 0]),
            ),
            "O0064",
            "section version",
            "says 2, that of another object 1",
        ),
        (
            refuse(
                &with("one", ".bpf.api", 0, b"kv@KV_1\0"),
                &with("two", ".bpf.api", 0, b"net@NET_1\0kv@KV_2\0"),
            ),
            "O0065",
            "section .bpf.api",
            "built against kv@KV_2, another object against kv@KV_1",
        ),
        (
            refuse(&with("one", "extra", 2, b"x"), &with("two", "extra", DATA, b"x")),
            "O0066",
            "section extra",
            "may be written",
        ),
        (
            refuse(&ksym("one", ".ksyms"), &ksym("two", ".kconfig")),
            "O0067",
            "symbol v",
            "in the kernel's configuration by one object, in the kernel's symbols by another",
        ),
        (refuse(&one, &common()), "O0068", "symbol number", "-fno-common"),
        (
            refuse(&number("one", 3), &refers("number", 0x85)),
            "O0067",
            "symbol number",
            "`number` is looked for in code by one object, in numbers by another",
        ),
        (
            refuse(&number("one", 3), &number("two", 4)),
            "O0060",
            "symbol number",
            "`number` is defined twice",
        ),
        (
            refuse(&one, &behind()),
            "O0068",
            "section .data, symbol number",
            "behind the end of its section",
        ),
        (refuse(&one, &nameless()), "O0068", "section xdp", "has no name"),
        (refuse(&one, &jumps(&[0, 24])), "O0068", "section xdp", "leads out of its code"),
    ];
    let mut seen = BTreeSet::new();
    for (errors, code, place, message) in rows {
        let error = errors.iter().rfind(|error| error.report().code.id == code);
        let report = error.unwrap_or_else(|| panic!("{errors:?} not {code}")).report();
        assert_eq!(report.code.id, code, "{}", report.message);
        let expected = match place {
            "" => "b.o".to_owned(),
            place => format!("b.o: {place}"),
        };
        assert_eq!(report.place.as_deref(), Some(&*expected), "{}", report.message);
        assert!(report.message.contains(message), "{} does not say {message}", report.message);
        let is_alone = code == "O0068";
        assert!(
            is_alone || report.notes.iter().any(|note| note.contains("a.o")) || code == "O0066"
        );
        seen.insert(code);
    }
    let all: BTreeSet<_> = abide_object::codes::CODES
        .iter()
        .map(|code| code.id)
        .filter(|id| ("O0060".."O0069").contains(id))
        .collect();
    assert_eq!(seen, all);
    assert!(link(&[Input { name: "b.o", bytes: &other }]).is_ok());
    assert!(link(&[]).is_err());
}

/// Numbers that assemblers define are kept, may be defined twice alike, and go where they are named.
#[test]
fn numbers_are_filled_in() {
    let big = 0x1_2345_6789_u64;
    let parts = [number("one", big), number("two", big), refers("number", 0x18)];
    let linked = |order: [usize; 3]| {
        let inputs = order.map(|at| Input { name: "part", bytes: &parts[at] });
        link(&inputs).unwrap().image
    };
    for order in [[0, 1, 2], [2, 0, 1]] {
        let image = linked(order);
        let numbers: Vec<_> = image
            .symbols
            .iter()
            .filter(|symbol| symbol.place == Place::Absolute)
            .map(|symbol| (&*symbol.name, symbol.bind, symbol.value))
            .collect();
        assert_eq!(numbers, [("own", 0, big + 1), ("own", 0, big + 1), ("number", 1, big)]);
        let bytes = image.write().unwrap();
        let object = Object::parse(&bytes).unwrap();
        let code = &object.functions.iter().find(|one| one.name == "refers").unwrap();
        assert!(code.relocations.is_empty() && object.externs.is_empty());
        let imms: Vec<i32> = code.slots[..2].iter().map(|slot| slot.imm).collect();
        assert_eq!(imms, [0x2345_6789, 1]);
        let data = &image.sections[image.section(".data").unwrap()];
        assert_eq!((data.bytes(), data.relocations.len()), (&(big + 8).to_le_bytes()[..], 0));
        let again = link(&[Input { name: "again", bytes: &bytes }]).unwrap();
        assert_eq!(again.image.write().unwrap(), bytes);
    }
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let broken = with("one", ".bpf.api", 0, b"kv\0");
    let errors = refuse(&broken, b"not an object");
    assert_eq!(errors.len(), 2);
    let (one, other) = (errors[0].report(), errors[1].report());
    assert_eq!((one.code.id, one.place.unwrap().as_str()), ("O0006", "a.o: section .bpf.api"));
    assert_eq!((other.code.id, other.place.unwrap().as_str()), ("O0002", "b.o"));
}

#[test]
fn a_weak_function_gives_way_wherever_it_stands() {
    // The weak one first in its section, and a function after it that moves.
    let weak = || {
        let mut elf = Elf::new();
        let section = elf.section(".text", CODE, [EXIT, EXIT, EXIT].concat());
        elf.symbol(b"f", WEAK_FUNC, section, 0, 16);
        elf.symbol(b"g", FUNC, section, 16, 8);
        elf.finish()
    };
    let strong = || {
        let mut elf = Elf::new();
        let section = elf.section(".text", CODE, EXIT);
        elf.symbol(b"f", FUNC, section, 0, 8);
        elf.finish()
    };
    for (one, other) in [(weak(), strong()), (strong(), weak())] {
        let inputs = [Input { name: "a", bytes: &one }, Input { name: "b", bytes: &other }];
        let linked = link(&inputs).unwrap();
        let object = Object::parse(&linked.image.write().unwrap()).unwrap();
        let mut functions: Vec<_> =
            object.functions.iter().map(|one| (one.name.as_str(), one.slots.len())).collect();
        functions.sort_unstable();
        assert_eq!(functions, [("f", 1), ("g", 1)]);
    }
}
