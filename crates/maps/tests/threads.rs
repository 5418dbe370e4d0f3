//! Several threads on one map: nothing lost, nothing torn, nothing mixed up.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use abide_maps::{Errno, Limits, Map, MapDef, MapKind};

const THREADS: u32 = 4;
const ROUNDS: u32 = if cfg!(miri) { 25 } else { 20_000 };

fn map(kind: MapKind, key_size: u32, value_size: u32, max_entries: u32) -> Map {
    let def = MapDef { name: "m".into(), kind, key_size, value_size, max_entries, flags: 0 };
    Map::create(&def, &Limits { cpus: THREADS, ..Limits::default() }).unwrap()
}

fn together(work: impl Fn(u32) + Sync) {
    let start = Barrier::new(THREADS as usize);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (work, start) = (&work, &start);
            scope.spawn(move || {
                start.wait();
                work(number);
            });
        }
    });
}

/// A small generator: each thread its own sequence.
fn random(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state >> 8
}

#[test]
fn atomic_additions_are_not_lost() {
    let map = map(MapKind::Array, 4, 16, 1);
    together(|_| {
        for _ in 0..ROUNDS {
            map.memory().fetch_add_u64(0, 1).unwrap();
            map.memory().fetch_add_u32(8, 1).unwrap();
        }
    });
    assert_eq!(map.memory().load_u64(0), Some(u64::from(ROUNDS * THREADS)));
    assert_eq!(map.memory().load_u32(8), Some(ROUNDS * THREADS));
}

#[test]
fn each_cpu_counts_for_itself() {
    let map = map(MapKind::PercpuHash, 4, 8, 8);
    together(|cpu| {
        for round in 0..ROUNDS {
            let key = (round % 8).to_ne_bytes();
            match map.update(&key, &0u64.to_ne_bytes(), 1, cpu) {
                Ok(()) | Err(Errno::EEXIST) => {}
                Err(error) => panic!("{error}"),
            }
            let slot = map.lookup(&key, cpu).unwrap();
            let offset = map.layout().offset(slot);
            let count = map.memory().load_u64(offset).unwrap();
            map.memory().store_u64(offset, count + 1).unwrap();
        }
    });
    let total: u64 = map
        .iter()
        .flat_map(|(_, value)| {
            value.as_chunks::<8>().0.iter().map(|c| u64::from_ne_bytes(*c)).collect::<Vec<_>>()
        })
        .sum();
    assert_eq!(total, u64::from(ROUNDS * THREADS));
}

struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// All threads create, replace and delete the same few keys. Every value says which key it belongs to
/// in both of its words, and the host, who copies under the lock, must never see anything else.
fn churn(kind: MapKind, max_entries: u32, keys: u32) {
    let map = map(kind, 4, 16, max_entries);
    let percpu = kind.is_percpu();
    let done = AtomicBool::new(false);
    let value = |key: u32, stamp: u32| {
        let word = (u64::from(key) << 32) | u64::from(stamp);
        [word.to_ne_bytes(), word.to_ne_bytes()].concat()
    };
    let check = |key: &[u8], bytes: &[u8]| {
        let number = u32::from_ne_bytes(key.try_into().unwrap());
        for copy in bytes.chunks(16) {
            let words = copy.as_chunks::<8>().0;
            let (first, second) = (u64::from_ne_bytes(words[0]), u64::from_ne_bytes(words[1]));
            assert_eq!(first, second, "torn");
            assert!(
                (percpu && first == 0) || (first >> 32) as u32 == number,
                "another key's value"
            );
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let mut seen = HashMap::new();
                for (key, value) in &map {
                    check(&key, &value);
                    *seen.entry(key).or_insert(0) += 1;
                }
                assert!(seen.values().all(|count| *count == 1), "a key twice");
                thread::yield_now();
            }
        });
        // Also when a thread panics; else the watcher would keep the test from ending.
        let _finish = SetOnDrop(&done);
        together(|cpu| {
            let mut state = cpu + 1;
            for round in 0..ROUNDS {
                let number = random(&mut state) % keys;
                let key = number.to_ne_bytes();
                match random(&mut state) % 4 {
                    0 => match map.delete(&key) {
                        Ok(()) | Err(Errno::ENOENT) => {}
                        Err(error) => panic!("{error}"),
                    },
                    1 => {
                        if let Some(value) = map.get(&key) {
                            check(&key, &value);
                        }
                    }
                    2 => {
                        map.lookup(&key, cpu);
                    }
                    _ => match map.update(&key, &value(number, round), 0, cpu) {
                        Ok(()) => {}
                        Err(Errno::E2BIG) if !kind.is_lru() => {}
                        Err(error) => panic!("{error}"),
                    },
                }
            }
        });
    });
    // Nothing leaked: after all is deleted, there is room for exactly as many as at the start.
    let left: Vec<_> = map.keys().collect();
    assert!(left.len() <= max_entries as usize);
    left.iter().for_each(|key| map.delete(key).unwrap());
    for number in 0..max_entries {
        map.update(&(1000 + number).to_ne_bytes(), &value(number, 0), 1, 0).unwrap();
    }
    assert_eq!(map.keys().count(), max_entries as usize);
    if !kind.is_lru() {
        assert_eq!(map.update(&[0xff; 4], &value(0, 0), 0, 0), Err(Errno::E2BIG));
    }
}

#[test]
fn hash_with_room() {
    churn(MapKind::Hash, 16, 8);
}

#[test]
fn hash_that_is_full() {
    churn(MapKind::Hash, 4, 8);
}

#[test]
fn percpu_hash_churn() {
    churn(MapKind::PercpuHash, 4, 8);
}

#[test]
fn lru_that_evicts_all_the_time() {
    churn(MapKind::LruHash, 8, 32);
}

#[test]
fn lru_smaller_than_the_number_of_threads() {
    churn(MapKind::LruHash, 1, 8);
}

#[test]
fn percpu_lru_churn() {
    churn(MapKind::LruPercpuHash, 4, 16);
}

/// What is there all the time is always found, whatever happens around it in its chain.
#[test]
fn lookups_never_miss_a_key_that_stays() {
    // Two buckets only: chains are long, and nodes move between them.
    let map = map(MapKind::Hash, 4, 8, 2);
    let stays = 0u32.to_ne_bytes();
    map.update(&stays, &[0; 8], 0, 0).unwrap();
    together(|cpu| {
        for round in 0..ROUNDS {
            assert!(map.lookup(&stays, cpu).is_some(), "lost in round {round}");
            let other = (1 + (round + cpu) % 3).to_ne_bytes();
            if cpu == 0 && round % 5 == 0 {
                map.update(&stays, &u64::from(round).to_ne_bytes(), 2, cpu).unwrap();
            } else if map.update(&other, &[1; 8], 0, cpu).is_ok() {
                // Another thread may have deleted it already.
                let _ = map.delete(&other);
            }
        }
    });
}

#[test]
fn ring_records_arrive_in_order_for_each_producer() {
    let map = map(MapKind::Ringbuf, 0, 0, 4096);
    let ring = map.ring().unwrap();
    let mut next = vec![0u32; THREADS as usize];
    let mut take = |record: &[u8]| {
        let words = record.as_chunks::<4>().0;
        let (producer, number) = (u32::from_ne_bytes(words[0]), u32::from_ne_bytes(words[1]));
        assert_eq!(record.len(), 8 + (number as usize % 50) * 4);
        assert!(words[2..].iter().all(|word| u32::from_ne_bytes(*word) == producer ^ number));
        assert_eq!(next[producer as usize], number, "order of producer {producer}");
        next[producer as usize] += 1;
    };
    thread::scope(|scope| {
        let producers: Vec<_> = (0..THREADS)
            .map(|producer| {
                scope.spawn(move || {
                    for number in 0..ROUNDS {
                        let size = 8 + (number % 50) * 4;
                        if number % 7 == 3 {
                            // In the way of the others, and never seen.
                            if let Some(record) = ring.reserve(u64::from(size), 0) {
                                ring.discard(record, 0);
                            }
                        }
                        let record = loop {
                            match ring.reserve(u64::from(size), 0) {
                                Some(record) => break record,
                                None => thread::yield_now(),
                            }
                        };
                        let (memory, at) = (ring.memory(), record.offset());
                        memory.write(at, &producer.to_ne_bytes()).unwrap();
                        memory.write(at + 4, &number.to_ne_bytes()).unwrap();
                        for word in 2..size as usize / 4 {
                            memory.store_u32(at + word * 4, producer ^ number).unwrap();
                        }
                        ring.submit(record, 0);
                    }
                })
            })
            .collect();
        while producers.iter().any(|producer| !producer.is_finished()) {
            if ring.drain(&mut take) == 0 {
                thread::yield_now();
            }
        }
        ring.drain(&mut take);
    });
    assert!(next.iter().all(|next| *next == ROUNDS));
}
