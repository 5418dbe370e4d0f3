//! Objects from text and from raw instructions. Judges nothing.

use abide_asm::Options;
use abide_isa::Raw;
use abide_object::{
    Extern, ExternId, ExternKind, Function, FunctionId, Linkage, Map, MapId, MapOrigin, Object,
    Program, Relocation, Stamp, Target,
};

use crate::generate::{CALLS, KFUNC_CALLS, KFUNCS};

/// `call` and the wide load.
pub(crate) const CALL: u8 = 0x85;
pub(crate) const WIDE: u8 = 0x18;
/// Jumps nowhere.
pub(crate) const NOTHING: Raw = Raw { code: 0x05, dst: 0, src: 0, off: 0, imm: 0 };

/// The version of Linux's API that the programs are for.
pub const NODE: &str = "LINUX_6.12";

/// The maps of the programs: name, type, size of keys and of values, entries.
pub const MAPS: [(&str, u32, u32, u32, u32); 3] =
    [("values", 2, 4, 64, 2), ("hash", 1, 4, 8, 16), ("ring", 27, 0, 0, 4096)];

/// Whether a slot is the second half of a wide load.
pub(crate) fn is_second(slots: &[Raw], at: usize) -> bool {
    at > 0 && slots[at - 1].code == WIDE
}

/// What says that an object is for [`NODE`].
#[must_use]
pub fn stamp() -> Stamp {
    Stamp { api: "linux".to_owned(), node: NODE.to_owned() }
}

/// An XDP program of functions as text, the first of them the entry, with [`MAPS`].
///
/// # Panics
/// When the text is none: it is made here.
#[must_use]
pub fn from_text(texts: &[String]) -> Object {
    let functions = texts.iter().map(|text| {
        let assembled = abide_asm::assemble(text, &Options::default());
        assembled.unwrap_or_else(|errors| panic!("{errors:?}\n{text}")).slots
    });
    from_slots(functions.collect())
}

/// The same from instructions: calls of functions are numbers from 1,000,000 on, those of kfuncs from 2,000,000 on;
/// maps and callbacks are counted.
#[must_use]
pub fn from_slots(functions: Vec<Vec<Raw>>) -> Object {
    let functions: Vec<Function> = functions
        .into_iter()
        .enumerate()
        .map(|(at, mut slots)| {
            let relocations = relocations(&mut slots);
            let (name, section, linkage) = match at {
                0 => ("random".to_owned(), "xdp", Linkage::Global),
                _ => (format!("f{at}"), ".text", Linkage::Static),
            };
            let section = section.to_owned();
            Function { name, section, linkage, slots, relocations, ..Function::empty() }
        })
        .collect();
    let program = Program { section: "xdp".to_owned(), ..Program::of(FunctionId(0)) };
    Object {
        license: Some("GPL".to_owned()),
        stamps: vec![stamp()],
        functions,
        programs: vec![program],
        maps: MAPS
            .iter()
            .map(|(name, kind, key_size, value_size, max_entries)| Map {
                name: (*name).to_owned(),
                origin: MapOrigin::Btf,
                kind: *kind,
                key_size: *key_size,
                value_size: *value_size,
                max_entries: *max_entries,
                ..Map::empty()
            })
            .collect(),
        externs: KFUNCS
            .iter()
            .map(|name| Extern {
                name: (*name).to_owned(),
                weak: false,
                section: Some(".ksyms".to_owned()),
                kind: ExternKind::Function { proto: None },
            })
            .collect(),
        ..Object::empty()
    }
}

fn relocations(slots: &mut [Raw]) -> Vec<Relocation> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < slots.len() {
        let slot = &mut slots[at];
        let number = slot.imm as u32;
        let target = match (slot.code, slot.src) {
            (WIDE, 1) => Some(Target::Map(MapId(number))),
            (WIDE, 4) => Some(Target::Function(FunctionId(number))),
            (CALL, 0) if number >= KFUNC_CALLS as u32 => {
                slot.src = 2;
                slot.imm = -1;
                Some(Target::CallExtern(ExternId(number - KFUNC_CALLS as u32)))
            }
            (CALL, 0) if number >= CALLS as u32 => {
                slot.src = 1;
                slot.imm = -1;
                Some(Target::Call(FunctionId(number - CALLS as u32)))
            }
            _ => None,
        };
        found.extend(target.map(|target| Relocation { slot: at as u32, target }));
        at += if slot.code == WIDE { 2 } else { 1 };
    }
    found
}
