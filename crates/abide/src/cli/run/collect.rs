//! What is left after a run: contents of maps, events, in the form in which they are shown.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::str::FromStr;

use abide::Loaded;
use abide_btf::value::Value;
use abide_diag::printable;
use abide_maps::{Map, MapKind};
use abide_object::MapOrigin;

use super::report::{self, Row, Shown};
use super::values::{Types, sum};

/// Which maps to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Which {
    Used,
    All,
    None,
    Named(Vec<String>),
}

impl FromStr for Which {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "used" => Which::Used,
            "all" => Which::All,
            "none" => Which::None,
            names => Which::Named(names.split(',').map(str::to_owned).collect()),
        })
    }
}

impl Which {
    fn shows(&self, name: &str, data: bool) -> bool {
        match self {
            Which::Used => !data,
            Which::All => true,
            Which::None => false,
            Which::Named(names) => names.iter().any(|known| known == name),
        }
    }
}

/// The types of a load.
pub(crate) fn types(loaded: &Loaded) -> Types<'_> {
    let order = match loaded.object().endian {
        abide_isa::Endian::Little => abide_btf::ByteOrder::Little,
        abide_isa::Endian::Big => abide_btf::ByteOrder::Big,
    };
    Types { btf: loaded.object().btf.as_ref(), order }
}

/// The contents of the maps.
pub(crate) fn maps(loaded: &Loaded, which: &Which, limit: usize) -> Vec<report::Map> {
    let types = types(loaded);
    loaded
        .map_definitions()
        .filter(|(definition, map)| {
            let data = matches!(definition.origin, MapOrigin::Data { .. });
            map.ring().is_none() && which.shows(&definition.name, data)
        })
        .map(|(definition, map)| match definition.origin {
            MapOrigin::Data { .. } => section(types, definition, map),
            _ => entries(loaded, types, definition, map, limit),
        })
        .collect()
}

/// A data section: its variables.
fn section(types: Types<'_>, definition: &abide_object::Map, map: &Map) -> report::Map {
    let bytes = map.get(&0_u32.to_ne_bytes()).unwrap_or_default();
    let rows = match types.value(&bytes, definition.value_type) {
        Value::Struct(variables) => {
            variables.iter().map(|(name, value)| row(&Value::String(name.clone()), value)).collect()
        }
        value => vec![row(&Value::UInt(0), &value)],
    };
    report::Map {
        name: printable(&definition.name).into_owned(),
        map_type: "data",
        entries: rows.len() as u64,
        max_entries: u32::try_from(rows.len()).unwrap_or(u32::MAX),
        rows,
    }
}

fn row(key: &Value, value: &Value) -> Row {
    Row { key: Shown::from(key), value: Shown::from(value), cpus: Vec::new() }
}

fn entries(
    loaded: &Loaded,
    types: Types<'_>,
    definition: &abide_object::Map,
    map: &Map,
    limit: usize,
) -> report::Map {
    let kind = map.def().kind;
    let array = matches!(kind, MapKind::Array | MapKind::PercpuArray);
    let mut found: Vec<(Value, Vec<u8>)> = map
        .iter()
        .filter(|(_, value)| !array || value.iter().any(|byte| *byte != 0))
        .map(|(key, value)| (types.value(&key, definition.key_type), value))
        .collect();
    // A hash has no order of its own.
    found.sort_by(|(a, _), (b, _)| compare(a, b));
    let count = found.len() as u64;
    let rows = found
        .into_iter()
        .take(limit)
        .map(|(key, bytes)| match kind {
            MapKind::ProgArray => row(&key, &program(loaded, &bytes)),
            _ if kind.is_percpu() => percpu(types, definition, map, &key, &bytes),
            _ => row(&key, &types.value(&bytes, definition.value_type)),
        })
        .collect();
    report::Map {
        name: printable(&definition.name).into_owned(),
        map_type: kind.name(),
        entries: count,
        max_entries: map.def().max_entries,
        rows,
    }
}

fn program(loaded: &Loaded, handle: &[u8]) -> Value {
    let handle = handle.try_into().map_or(u32::MAX, u32::from_ne_bytes);
    match loaded.programs().get(handle as usize) {
        Some(program) => Value::String(program.name().to_owned()),
        None => Value::UInt(u64::from(handle)),
    }
}

/// The copies of all CPUs: their sum where they have one, and themselves otherwise.
fn percpu(
    types: Types<'_>,
    definition: &abide_object::Map,
    map: &Map,
    key: &Value,
    bytes: &[u8],
) -> Row {
    let size = map.layout().value_size;
    let copies: Vec<Value> = bytes
        .chunks(map.layout().stride.max(1))
        .map(|copy| types.value(&copy[..size.min(copy.len())], definition.value_type))
        .collect();
    let total = copies.iter().cloned().map(Some).reduce(|a, b| sum(a?, b?)).flatten();
    match total {
        Some(total) => row(key, &total),
        None => Row {
            key: Shown::from(key),
            value: Shown { text: String::new(), json: serde_json::Value::Null },
            cpus: copies.iter().map(Shown::from).collect(),
        },
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::UInt(a), Value::UInt(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Struct(a), Value::Struct(b)) => {
            let members = a.iter().zip(b).map(|((_, a), (_, b))| compare(a, b));
            members.fold(Ordering::Equal, Ordering::then)
        }
        (Value::Array(a), Value::Array(b)) => {
            let values = a.iter().zip(b).map(|(a, b)| compare(a, b));
            values.fold(Ordering::Equal, Ordering::then)
        }
        _ => a.to_string().cmp(&b.to_string()),
    }
}

/// The events of all ring buffers, taken while the program runs.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    rings: BTreeMap<String, (u64, Vec<Vec<u8>>)>,
}

impl Collected {
    /// Takes what is in the ring buffers; keeps the first so many of each.
    pub(crate) fn take(&mut self, loaded: &Loaded, keep: usize) {
        for map in loaded.maps() {
            let Some(ring) = map.ring() else { continue };
            let (count, kept) = self.rings.entry(map.def().name.clone()).or_default();
            ring.drain(|record| {
                *count += 1;
                if kept.len() < keep {
                    kept.push(record.to_vec());
                }
            });
        }
    }

    /// As they are shown: by the struct that is named like the ring buffer, without its `s`.
    pub(crate) fn report(self, loaded: &Loaded) -> Vec<report::Events> {
        let types = types(loaded);
        self.rings
            .into_iter()
            .map(|(map, (records, kept))| {
                let name = map.strip_suffix('s').unwrap_or(&map).to_owned();
                let mut named = false;
                let rows = kept
                    .iter()
                    .map(|record| match types.record(&name, record.len()) {
                        Some(ty) => {
                            named = true;
                            Shown::from(&types.value(record, Some(ty)))
                        }
                        None => Shown::from(&Value::Bytes(record.clone())),
                    })
                    .collect();
                report::Events {
                    map: printable(&map).into_owned(),
                    record: named.then(|| printable(&format!("struct {name}")).into_owned()),
                    records,
                    rows,
                }
            })
            .collect()
    }
}
