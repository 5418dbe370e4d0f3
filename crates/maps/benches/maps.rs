//! What an operation on a map costs, beside a `HashMap` behind a mutex in the same run.
//! `cargo bench -p abide-maps`; the parameter is the number of elements, keys have 4 bytes.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Mutex;

use abide_maps::{Limits, Map, MapDef, MapKind};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const SIZES: [u32; 2] = [1024, 65536];

fn filled(kind: MapKind, size: u32) -> Map {
    let def =
        MapDef { name: "m".into(), kind, key_size: 4, value_size: 8, max_entries: size, flags: 0 };
    let map = Map::create(&def, &Limits { cpus: 2, ..Limits::default() }).expect("a plain map");
    for number in 0..size {
        map.update(&key(number), &[1; 8], 0, 0).expect("there is room");
    }
    map
}

/// Keys as addresses of a network: in no order, but all there.
fn key(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

/// Every key once, in a scattered order.
fn walk(at: &mut u32, size: u32) -> u32 {
    *at = (at.wrapping_mul(5).wrapping_add(3)) & (size - 1);
    *at
}

fn lookup(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup");
    for size in SIZES {
        let mutex: Mutex<HashMap<[u8; 4], u64>> =
            Mutex::new((0..size).map(|number| (key(number), 1)).collect());
        group.bench_function(BenchmarkId::new("std_mutex_hashmap", size), |b| {
            let mut at = 0;
            b.iter(|| {
                let key = key(walk(&mut at, size));
                mutex.lock().expect("nobody panics").get(black_box(&key)).copied()
            });
        });
        for kind in [MapKind::Hash, MapKind::LruHash, MapKind::PercpuHash] {
            let map = filled(kind, size);
            group.bench_function(BenchmarkId::new(kind.name(), size), |b| {
                let mut at = 0;
                b.iter(|| map.lookup(black_box(&key(walk(&mut at, size))), 0));
            });
        }
        let map = filled_array(size);
        group.bench_function(BenchmarkId::new("array", size), |b| {
            let mut at = 0;
            b.iter(|| map.lookup(black_box(&walk(&mut at, size).to_ne_bytes()), 0));
        });
    }
    group.finish();
}

fn filled_array(size: u32) -> Map {
    let (name, kind) = ("a".into(), MapKind::Array);
    let def = MapDef { name, kind, key_size: 4, value_size: 8, max_entries: size, flags: 0 };
    Map::create(&def, &Limits::default()).expect("a plain map")
}

fn update(c: &mut Criterion) {
    let mut group = c.benchmark_group("update");
    for size in SIZES {
        let mutex: Mutex<HashMap<[u8; 4], u64>> =
            Mutex::new((0..size).map(|number| (key(number), 1)).collect());
        group.bench_function(BenchmarkId::new("std_mutex_hashmap", size), |b| {
            let mut at = 0;
            b.iter(|| {
                let key = key(walk(&mut at, size));
                mutex.lock().expect("nobody panics").insert(black_box(key), 2)
            });
        });
        for kind in [MapKind::Hash, MapKind::LruHash, MapKind::PercpuHash] {
            let map = filled(kind, size);
            group.bench_function(BenchmarkId::new(kind.name(), size), |b| {
                let mut at = 0;
                b.iter(|| map.update(black_box(&key(walk(&mut at, size))), &[2; 8], 0, 0));
            });
        }
    }
    group.finish();
}

fn lru_insert_and_evict(c: &mut Criterion) {
    let map = filled(MapKind::LruHash, 1024);
    let mut number = 1024u32;
    c.bench_function("insert/lru_hash_full", |b| {
        b.iter(|| {
            number = number.wrapping_add(1);
            map.update(black_box(&key(number)), &[2; 8], 0, 0)
        });
    });
}

fn ring(c: &mut Criterion) {
    let (name, kind) = ("r".into(), MapKind::Ringbuf);
    let def = MapDef { name, kind, key_size: 0, value_size: 0, max_entries: 1 << 16, flags: 0 };
    let map = Map::create(&def, &Limits::default()).expect("a plain ring");
    let ring = map.ring().expect("a ring");
    c.bench_function("ring/output_64_bytes", |b| {
        b.iter(|| {
            if ring.output(black_box(&[7; 64]), 0).is_err() {
                ring.drain(|record| {
                    black_box(record);
                });
            }
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(30)
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_millis(800));
    targets = lookup, update, lru_insert_and_evict, ring
}
criterion_main!(benches);
