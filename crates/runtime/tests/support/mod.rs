//! Reading vector files and running their cases.
//!
//! A case is a `== name` line, `-- key value` lines, and instructions in pseudo-C:
//!
//! ```text
//! == division by zero gives zero
//! -- r0 0
//! r0 = 5
//! r1 = 0
//! r0 /= r1
//! exit
//! ```
//!
//! Keys: `r0 N` or `trap CODE` (one of them), `packet HEX`, `type xdp|tc`, `fuel N`,
//! `map KIND KEY VALUE ENTRIES [FLAGS]` (in the order of their numbers), `kernel no: REASON`.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::Path;
use std::sync::Arc;

use abide_api::ctype::CType;
use abide_api::model::{Field, FieldRole};
use abide_isa::Raw;
use abide_maps::{Limits, Map, MapDef, MapKind};
use abide_runtime::{Outcome, Program, Trap, bare};

/// What a case expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    Value(u64),
    Trap(String),
}

/// One case.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) expected: Expected,
    pub(crate) packet: Option<Vec<u8>>,
    pub(crate) tc: bool,
    pub(crate) fuel: Option<u64>,
    pub(crate) maps: Vec<MapDef>,
    pub(crate) kernel: Result<(), String>,
    pub(crate) slots: Vec<Raw>,
}

fn number(text: &str) -> u64 {
    let text = text.replace('_', "");
    let parsed = match (text.strip_prefix("0x"), text.strip_prefix('-')) {
        (Some(hex), _) => u64::from_str_radix(hex, 16).ok(),
        (None, Some(digits)) => digits.parse::<i64>().ok().map(|value| value.wrapping_neg() as u64),
        (None, None) => text.parse().ok(),
    };
    parsed.unwrap_or_else(|| panic!("not a number: {text}"))
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|character| !character.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

fn map(words: &[&str], index: usize) -> MapDef {
    MapDef {
        name: format!("m{index}"),
        kind: MapKind::from_name(words[0]).unwrap(),
        key_size: words[1].parse().unwrap(),
        value_size: words[2].parse().unwrap(),
        max_entries: words[3].parse().unwrap(),
        flags: words.get(4).map_or(0, |word| word.parse().unwrap()),
    }
}

fn case(text: &str) -> Case {
    let (name, rest) = text.split_once('\n').unwrap();
    let (mut expected, mut packet, mut tc, mut fuel) = (None, None, false, None);
    let (mut maps, mut kernel, mut code) = (Vec::new(), Ok(()), String::new());
    for line in rest.lines() {
        let Some(line) = line.strip_prefix("-- ") else {
            code.push_str(line);
            code.push('\n');
            continue;
        };
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        match key {
            "r0" => expected = Some(Expected::Value(number(value))),
            "trap" => expected = Some(Expected::Trap(value.to_owned())),
            "packet" => packet = Some(hex(value)),
            "type" => tc = value == "tc",
            "fuel" => fuel = Some(number(value)),
            "map" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                maps.push(map(&words, maps.len()));
            }
            "kernel" => kernel = Err(value.to_owned()),
            other => panic!("{name}: unknown key {other}"),
        }
    }
    let assembled = abide_asm::assemble(&code, &abide_asm::Options::default())
        .unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
    let expected = expected.unwrap_or_else(|| panic!("{name}: neither r0 nor trap"));
    Case { name: name.to_owned(), expected, packet, tc, fuel, maps, kernel, slots: assembled.slots }
}

/// All cases of all vector files.
pub(crate) fn cases() -> Vec<Case> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut files: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let start = text.find("== ").unwrap();
        cases.extend(text[start + 3..].split("\n== ").map(case));
    }
    cases
}

/// `struct xdp_md`, as the API file lays it out.
pub(crate) fn xdp_fields() -> Vec<Field> {
    let u32_type = CType::int("u32").unwrap();
    let field = |name: &str, offset, role, writable| Field {
        name: name.to_owned(),
        ty: u32_type.clone(),
        offset,
        size: 4,
        role,
        writable,
        doc: None,
        span: 0..0,
    };
    vec![
        field("data", 0, FieldRole::Packet, false),
        field("data_end", 4, FieldRole::PacketEnd, false),
        field("data_meta", 8, FieldRole::PacketMeta, false),
        field("ingress_ifindex", 12, FieldRole::Plain, false),
        field("rx_queue_index", 16, FieldRole::Plain, false),
        field("mark", 20, FieldRole::Plain, true),
    ]
}

pub(crate) fn program(case: &Case) -> Result<Program, Trap> {
    let mut builder = bare::Builder::new("case", &case.slots).context("xdp_md", 24, &xdp_fields());
    for def in &case.maps {
        builder = builder.map(Arc::new(Map::create(def, &Limits::default()).unwrap()));
    }
    builder.build()
}

pub(crate) fn run(case: &Case) -> Result<Outcome, Trap> {
    let program = program(case)?;
    let mut context = program.context();
    context.packet(case.packet.as_deref().unwrap_or(&[0; 64]));
    if let Some(fuel) = case.fuel {
        context.fuel(fuel);
    }
    program.run(&mut context)
}
