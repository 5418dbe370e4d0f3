//! What programs and hosts see of a map, where it would hurt them to see something else.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use abide_maps::{Errno, Limits, Map, MapDef, MapKind, Slot, flags, update_flags};

const CPUS: u32 = 3;

fn map(kind: MapKind, key_size: u32, value_size: u32, max_entries: u32) -> Map {
    let def = MapDef { name: "m".into(), kind, key_size, value_size, max_entries, flags: 0 };
    Map::create(&def, &Limits { cpus: CPUS, ..Limits::default() }).unwrap()
}

fn key(number: u32) -> [u8; 4] {
    number.to_ne_bytes()
}

fn value(number: u64) -> [u8; 8] {
    number.to_ne_bytes()
}

fn load(map: &Map, slot: Slot) -> u64 {
    map.memory().load_u64(map.layout().offset(slot)).unwrap()
}

#[test]
fn array() {
    let map = map(MapKind::Array, 4, 8, 4);
    assert_eq!(map.lookup(&key(3), 0), Some(Slot(3)));
    assert_eq!(map.lookup(&key(4), 0), None);
    assert_eq!(map.update(&key(4), &value(1), update_flags::NOEXIST, 0), Err(Errno::E2BIG));
    assert_eq!(map.update(&key(3), &value(1), update_flags::NOEXIST, 0), Err(Errno::EEXIST));
    assert_eq!(map.update(&key(3), &value(1), 3, 0), Err(Errno::EINVAL));
    assert_eq!(map.update(&key(3), &value(1), update_flags::LOCK, 0), Err(Errno::EINVAL));
    assert_eq!(map.update(&key(3), &value(1)[..4], 0, 0), Err(Errno::EINVAL));
    assert_eq!(map.update(&key(3), &value(9), update_flags::EXIST, 0), Ok(()));
    assert_eq!(load(&map, Slot(3)), 9);
    assert_eq!(map.delete(&key(3)), Err(Errno::EINVAL));
    assert_eq!(map.iter().count(), 4);
}

#[test]
fn values_of_odd_size_have_guards_between_them() {
    let map = map(MapKind::Array, 4, 5, 3);
    let layout = map.layout();
    assert_eq!((layout.value_size, layout.stride, layout.count), (5, 8, 3));
    assert_eq!(layout.slot_at(12), Some((Slot(1), 4)));
    assert_eq!(layout.slot_at(13), None, "padding belongs to no value");
    assert_eq!(layout.slot_at(24), None);
    map.set(&key(1), &[0xff; 5], 0).unwrap();
    assert_eq!(map.memory().load_u64(8), Some(u64::from_le(0x0000_00ff_ffff_ffff)));
    assert_eq!(map.get(&key(1)), Some(vec![0xff; 5]));
}

#[test]
fn an_address_from_before_a_replacing_update_keeps_the_old_value() {
    let map = map(MapKind::Hash, 4, 8, 2);
    map.update(&key(1), &value(10), 0, 0).unwrap();
    let old = map.lookup(&key(1), 0).unwrap();
    map.update(&key(1), &value(11), 0, 0).unwrap();
    let new = map.lookup(&key(1), 0).unwrap();
    assert_ne!(old, new);
    assert_eq!((load(&map, old), load(&map, new)), (10, 11));
    // Another CPU has another spare; this CPU's is the old element.
    map.update(&key(1), &value(12), 0, 1).unwrap();
    assert_eq!(load(&map, old), 10);
    map.update(&key(1), &value(13), 0, 0).unwrap();
    assert_eq!(map.lookup(&key(1), 0), Some(old));
    assert_eq!(load(&map, old), 13);
}

#[test]
fn a_full_hash_still_replaces() {
    let map = map(MapKind::Hash, 4, 8, 2);
    for number in 0..2 {
        map.update(&key(number), &value(0), update_flags::NOEXIST, 0).unwrap();
    }
    assert_eq!(map.update(&key(2), &value(0), 0, 0), Err(Errno::E2BIG));
    assert_eq!(map.update(&key(2), &value(0), update_flags::EXIST, 0), Err(Errno::ENOENT));
    assert_eq!(map.update(&key(1), &value(0), update_flags::NOEXIST, 0), Err(Errno::EEXIST));
    for round in 0..10 {
        map.update(&key(1), &value(round), update_flags::EXIST, (round % 3) as u32).unwrap();
    }
    assert_eq!(map.delete(&key(0)), Ok(()));
    assert_eq!(map.delete(&key(0)), Err(Errno::ENOENT));
    assert_eq!(map.update(&key(2), &value(0), 0, 0), Ok(()));
    assert_eq!(map.update(&key(3), &value(0), 0, 0), Err(Errno::E2BIG));
}

#[test]
fn percpu_copies() {
    for kind in [MapKind::PercpuHash, MapKind::LruPercpuHash] {
        let map = map(kind, 4, 8, 2);
        let all = |copies: [u64; 3]| copies.map(u64::to_ne_bytes).concat();
        map.set(&key(1), &all([1, 2, 3]), 0).unwrap();
        map.delete(&key(1)).unwrap();
        map.update(&key(1), &value(9), 0, 1).unwrap();
        assert_eq!(map.get(&key(1)), Some(all([0, 9, 0])), "the others of a new element are zero");
        let before = map.lookup(&key(1), 1);
        map.update(&key(1), &value(8), 0, 1).unwrap();
        map.update(&key(1), &value(7), 0, 2).unwrap();
        assert_eq!(map.lookup(&key(1), 1), before, "updated in place");
        assert_eq!(map.get(&key(1)), Some(all([0, 8, 7])));
        assert_eq!(map.lookup_percpu(&key(1), 2).map(|slot| load(&map, slot)), Some(7));
        assert_eq!(map.lookup_percpu(&key(1), 3), None);
        assert_eq!(map.update(&key(1), &value(7), 0, 3), Err(Errno::EINVAL));
        assert_eq!(map.set(&key(1), &value(7), 0), Err(Errno::EINVAL), "the host gives all copies");
    }
    let map = map(MapKind::PercpuArray, 4, 4, 2);
    map.update(&key(1), &5u32.to_ne_bytes(), 0, 2).unwrap();
    assert_eq!(map.lookup(&key(1), 2), Some(Slot(2 * 2 + 1)));
    let copies = map.get(&key(1)).unwrap();
    assert_eq!(copies.len(), 3 * 8);
    assert_eq!(copies[16..20], 5u32.to_ne_bytes());
    assert_eq!(map.set(&key(1), &copies, update_flags::NOEXIST), Err(Errno::EEXIST));
}

#[test]
fn lru_drops_what_was_not_used() {
    let map = map(MapKind::LruHash, 4, 8, 3);
    for number in 0..3 {
        map.update(&key(number), &value(0), 0, 0).unwrap();
    }
    map.lookup(&key(0), 0).unwrap();
    map.lookup(&key(2), 0).unwrap();
    map.get(&key(1)).unwrap();
    map.update(&key(3), &value(0), 0, 0).unwrap();
    assert_eq!(map.lookup(&key(1), 0), None, "looked at by the host only, which is no use");
    let mut keys: Vec<_> = map.keys().collect();
    keys.sort();
    assert_eq!(keys, [key(0), key(2), key(3)]);
    // Without lookups: first in, first out, for ever, and never more than three.
    for number in 100..1000 {
        map.update(&key(number), &value(0), update_flags::NOEXIST, 0).unwrap();
        assert_eq!(map.keys().count(), 3);
    }
    assert!(map.get(&key(999)).is_some());
}

#[test]
fn lru_keeps_a_hot_element() {
    let map = map(MapKind::LruHash, 4, 8, 64);
    map.update(&key(0), &value(0), 0, 0).unwrap();
    for number in 1..10_000 {
        map.lookup(&key(0), 0).expect("in use all the time");
        map.update(&key(number), &value(0), 0, 0).unwrap();
    }
}

#[test]
fn program_array() {
    let map = map(MapKind::ProgArray, 4, 4, 2);
    assert_eq!(map.program(0), None);
    assert_eq!(map.set_program(0, Some(u32::MAX)), Ok(()));
    assert_eq!(map.program(0), Some(u32::MAX));
    assert_eq!(map.set(&key(1), &7u32.to_ne_bytes(), 0), Ok(()));
    assert_eq!(map.set(&key(1), &7u32.to_ne_bytes(), update_flags::EXIST), Err(Errno::EINVAL));
    assert_eq!(map.get(&key(1)), Some(7u32.to_ne_bytes().to_vec()));
    assert_eq!(map.set_program(2, Some(1)), Err(Errno::E2BIG));
    assert_eq!(map.program(2), None);
    assert_eq!(map.update(&key(0), &key(1), 0, 0), Err(Errno::EINVAL), "not from a program");
    assert_eq!(map.delete(&key(0)), Err(Errno::EINVAL), "not from a program");
    assert_eq!(map.lookup(&key(0), 0), None, "nor has it values");
    assert_eq!(map.remove(&key(0)), Ok(()));
    assert_eq!(map.remove(&key(0)), Err(Errno::ENOENT));
    assert_eq!(map.keys().collect::<Vec<_>>(), [key(1)]);
}

#[test]
fn global_data() {
    let limits = Limits::default();
    let rodata = Map::global("prog.rodata", b"hello", true, &limits).unwrap();
    assert!(rodata.is_frozen() && !rodata.program_may_write() && rodata.program_may_read());
    assert_eq!(rodata.set(&key(0), b"HELLO", 0), Err(Errno::EPERM));
    assert_eq!(rodata.update(&key(0), b"HELLO", 0, 0), Err(Errno::EPERM));
    assert_eq!(rodata.get(&key(0)), Some(b"hello".to_vec()));
    let data = Map::global("prog.data", b"hello", false, &limits).unwrap();
    assert_eq!(data.update(&key(0), b"HELLO", 0, 0), Ok(()));
    assert_eq!(data.get(&key(0)), Some(b"HELLO".to_vec()));
    assert!(Map::global("prog.bss", &[], false, &limits).is_err());
}

#[test]
fn frozen_for_the_host_only() {
    let map = map(MapKind::Hash, 4, 8, 2);
    map.freeze();
    assert_eq!(map.set(&key(1), &value(1), 0), Err(Errno::EPERM));
    assert_eq!(map.remove(&key(1)), Err(Errno::EPERM));
    assert_eq!(map.update(&key(1), &value(1), 0, 0), Ok(()));
    assert_eq!(map.delete(&key(1)), Ok(()));
}

#[test]
fn ring_buffers_have_no_elements() {
    let map = map(MapKind::Ringbuf, 0, 0, 4096);
    assert_eq!(map.lookup(&[], 0), None);
    assert_eq!(map.update(&[], &[], 0, 0), Err(Errno::ENOTSUPP));
    assert_eq!(map.delete(&[]), Err(Errno::ENOTSUPP));
    assert_eq!(map.set(&[], &[], 0), Err(Errno::ENOTSUPP));
    assert_eq!((map.get(&[]), map.next_key(None), map.iter().count()), (None, None, 0));
    let ring = map.ring().unwrap();
    ring.output(b"record", 0).unwrap();
    assert_eq!(map.memory().load_u32(0), Some(6));
}

#[test]
fn iteration_gives_everything_once_and_next_key_agrees() {
    let def = MapDef {
        name: "m".into(),
        kind: MapKind::Hash,
        key_size: 6,
        value_size: 2,
        max_entries: 500,
        flags: flags::ZERO_SEED,
    };
    let fill = || {
        let map = Map::create(&def, &Limits::default()).unwrap();
        for number in 0..500u64 {
            let bytes = number.to_le_bytes();
            map.set(&bytes[..6], &bytes[..2], 0).unwrap();
        }
        map
    };
    let map = fill();
    let entries: Vec<_> = map.iter().collect();
    assert_eq!(entries, fill().iter().collect::<Vec<_>>(), "a zero seed gives the same order");
    let mut key = None;
    for (expected, value) in &entries {
        assert_eq!(expected[..2], value[..]);
        key = map.next_key(key.as_deref());
        assert_eq!(key.as_ref(), Some(expected));
    }
    assert_eq!(map.next_key(key.as_deref()), None);
    assert_eq!(map.next_key(Some(b"absent")), Some(entries[0].0.clone()));
}
