//! Instructions from any bytes, with maps, a packet and Linux's helpers by number: what decodes runs,
//! and returns or traps.
#![no_main]

use std::sync::{Arc, LazyLock};

use abide_api::model::{DefKind, Field};
use abide_fuzz::APIS;
use abide_isa::{Endian, Raw};
use abide_maps::{Limits, Map, MapDef, MapKind};
use abide_runtime::bare::Builder;
use abide_runtime::{Body, linux};
use libfuzzer_sys::fuzz_target;

const FUEL: u64 = 20_000;

/// Every helper of Linux that has a body, by its number; the newest definition of each.
static HELPERS: LazyLock<Vec<(u32, Body)>> = LazyLock::new(|| {
    let number = |label: &str| {
        let ids = APIS[0].labelled(label);
        ids.iter().find_map(|id| match APIS[0].definition(*id).kind {
            DefKind::Helper { number, .. } => Some(number),
            _ => None,
        })
    };
    linux::bodies().filter_map(|(label, body)| Some((number(label)?, body))).collect()
});

/// `struct xdp_md` and its size.
static CONTEXT: LazyLock<(u32, Vec<Field>)> = LazyLock::new(|| {
    let ids = APIS[0].definitions_of(abide_api::Namespace::Tag, "xdp_md");
    let found = ids.iter().find_map(|id| match &APIS[0].definition(*id).kind {
        DefKind::Struct(found) => Some((found.size, found.fields.clone())),
        _ => None,
    });
    found.expect("linux.api has it")
});

fn map(kind: MapKind, key_size: u32, value_size: u32, max_entries: u32) -> Arc<Map> {
    let name = format!("{kind:?}");
    let def = MapDef { name, kind, key_size, value_size, max_entries, flags: 0 };
    Arc::new(Map::create(&def, &Limits::default()).expect("a map as it should be"))
}

fuzz_target!(|bytes: &[u8]| {
    let (slots, _) = Raw::read_all(bytes, Endian::Little);
    if slots.is_empty() || slots.len() > 512 {
        return;
    }
    let mut builder = Builder::new("fuzz", &slots)
        .map(map(MapKind::Array, 4, 16, 2))
        .map(map(MapKind::Hash, 4, 8, 4))
        .map(map(MapKind::LruHash, 8, 8, 4))
        .map(map(MapKind::PercpuHash, 4, 8, 4))
        .map(map(MapKind::Ringbuf, 0, 0, 4096))
        .context("xdp_md", CONTEXT.0, &CONTEXT.1)
        .program_type("xdp");
    for (number, body) in HELPERS.iter() {
        builder = builder.helper(*number, body.clone());
    }
    let Ok(program) = builder.build() else { return };
    let mut context = program.context();
    context.packet(&bytes[..bytes.len().min(100)]).fuel(FUEL);
    for _ in 0..2 {
        match program.run(&mut context) {
            Ok(outcome) => assert!(outcome.instructions <= FUEL),
            Err(trap) => drop(trap.to_string()),
        }
    }
});
