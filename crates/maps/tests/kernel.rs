//! The running kernel as the judge: the same definitions and the same operations, by `bpf(2)`, must
//! give the same results and error numbers. Says why when it is skipped. Maps are anonymous and are
//! gone with their file descriptor; nothing is loaded, attached or pinned.
#![cfg(all(target_os = "linux", not(miri)))]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use abide_maps::{Limits, Map, MapDef, MapKind, flags};
use abide_testkit::bpf::{self, permitted, possible_cpus};
use proptest::prelude::*;

fn create(def: &MapDef, cpus: u32) -> Result<bpf::Map, i32> {
    let attr = bpf::MapAttr {
        kind: def.kind as u32,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        flags: def.flags,
    };
    bpf::Map::create(&attr, if def.kind.is_percpu() { cpus } else { 1 })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn number(error: abide_maps::Errno) -> i32 {
    error.number()
}

#[test]
fn creation_is_refused_for_the_same_reasons() {
    if !permitted() {
        return;
    }
    let size = || {
        let edges = vec![
            0u32,
            1,
            3,
            4,
            5,
            8,
            12,
            32760,
            32761,
            32768,
            32769,
            (4 << 20) - 60,
            (4 << 20) - 53,
            (4 << 20) - 52,
            (4 << 20) - 51,
            (4 << 20) - 48,
            4 << 20,
            1 << 31,
            u32::MAX,
        ];
        prop_oneof![3 => Just(4u32), 3 => proptest::sample::select(edges)]
    };
    let entries = proptest::sample::select(vec![
        0u32,
        1,
        2,
        3,
        64,
        2048,
        4096,
        4097,
        8192,
        12288,
        (1 << 31) + 1,
        u32::MAX,
    ]);
    let bits = proptest::collection::vec(
        proptest::sample::select(vec![0u32, 1, 3, 4, 6, 7, 8, 10, 12, 13, 31]),
        0..3,
    );
    let kinds = proptest::sample::select(MapKind::ALL);
    let cpus = possible_cpus();
    let strategy = (kinds, size(), size(), entries, bits);
    proptest!(config(3000), |((kind, key_size, value_size, max_entries, bits) in strategy)| {
        let ringbuf = kind == MapKind::Ringbuf;
        // Else hardly any ring buffer would be right.
        let (key_size, value_size) =
            if ringbuf && key_size == 4 { (0, 0) } else { (key_size, value_size) };
        let flags = bits.iter().fold(0, |flags, bit| flags | 1u32 << bit);
        // NUMA node 0, which every machine has, is the zero in `bpf_attr`.
        let def = MapDef { name: "m".into(), kind, key_size, value_size, max_entries, flags };
        let ours = def.check().map_err(|error| error.errno().number());
        let bytes = u64::from(key_size.saturating_add(value_size)) * u64::from(max_entries);
        if ours.is_ok() && bytes > 16 << 20 {
            // The kernel would really allocate it, or say how much it has.
            return Ok(());
        }
        let kernel = create(&def, cpus).map(|_| ());
        prop_assert_eq!(ours, kernel, "{:?}", def);
    });
}

#[derive(Debug, Clone)]
enum Op {
    Get(u8),
    Set(u8, u8, u64),
    Remove(u8),
    Keys,
    Freeze,
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..10u8;
    let flags = prop_oneof![4 => 0..3u64, 1 => 3..9u64, 1 => Just(1u64 << 40)];
    prop_oneof![
        20 => key.clone().prop_map(Op::Get),
        40 => (key.clone(), any::<u8>(), flags).prop_map(|(k, v, f)| Op::Set(k, v, f)),
        20 => key.prop_map(Op::Remove),
        5 => Just(Op::Keys),
        1 => Just(Op::Freeze),
    ]
}

#[test]
fn operations_give_the_same_results() {
    if !permitted() {
        return;
    }
    let cpus = possible_cpus();
    let kinds = proptest::sample::select(MapKind::ALL);
    let sizes = (1..20u32, 1..20u32, any::<bool>());
    let strategy = (kinds, sizes, proptest::collection::vec(op(), 1..80));
    proptest!(config(400), |((kind, (key_size, value_size, zero_seed), ops) in strategy)| {
        let (key_size, value_size, max_entries) = match kind {
            MapKind::Ringbuf => (0, 0, 4096),
            MapKind::ProgArray => (4, 4, 7),
            MapKind::Array | MapKind::PercpuArray => (4, value_size, 7),
            // The kernel's LRU evicts at its own discretion: only what has room is comparable.
            MapKind::LruHash | MapKind::LruPercpuHash => (key_size, value_size, 4096),
            _ => (key_size, value_size, 7),
        };
        let flags = if kind.is_hash() && zero_seed { flags::ZERO_SEED } else { 0 };
        let def = MapDef { name: "m".into(), kind, key_size, value_size, max_entries, flags };
        let kernel = create(&def, cpus).expect("a good definition");
        let map = Map::create(&def, &Limits { cpus, ..Limits::default() }).unwrap();
        prop_assert_eq!(map.host_value_size(), kernel.value_size());
        let key = |number: u8| {
            let mut key = vec![0; key_size as usize];
            if let Some(first) = key.first_mut() {
                *first = number;
            }
            key
        };
        for op in ops {
            match op {
                Op::Get(k) => prop_assert_eq!(map.get(&key(k)), kernel.get(&key(k))),
                Op::Set(_, _, _) if kind == MapKind::ProgArray => {
                    // The value would have to be a loaded program.
                }
                Op::Set(k, value, flags) => {
                    let value: Vec<u8> =
                        (0..kernel.value_size()).map(|i| value.wrapping_add(i as u8)).collect();
                    let ours = map.set(&key(k), &value, flags).map_err(number);
                    let theirs = kernel.set(&key(k), &value, flags);
                    prop_assert_eq!(ours, theirs, "set {} flags {}", k, flags);
                }
                Op::Remove(k) => {
                    prop_assert_eq!(map.remove(&key(k)).map_err(number), kernel.remove(&key(k)));
                }
                Op::Keys => {
                    let mut ours = Vec::new();
                    while let Some(key) = map.next_key(ours.last().map(Vec::as_slice)) {
                        ours.push(key);
                    }
                    let mut theirs = kernel.keys();
                    if kind.is_hash() {
                        ours.sort();
                        theirs.sort();
                    }
                    prop_assert_eq!(ours, theirs);
                }
                Op::Freeze => {
                    if kernel.freeze().is_ok() {
                        map.freeze();
                    }
                }
            }
        }
    });
}
