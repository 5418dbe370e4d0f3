//! Random operations from both sides, against a model made of a `HashMap`.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashMap;

use abide_maps::{Errno, Limits, Map, MapDef, MapKind, update_flags};
use proptest::prelude::*;

const CPUS: u32 = 2;

#[derive(Debug, Clone)]
enum Op {
    Lookup(u8, u32),
    Update(u8, u64, u64, u32),
    Delete(u8),
    Set(u8, [u64; CPUS as usize], u64),
    Remove(u8),
    List,
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..12u8;
    let flags = 0..5u64;
    prop_oneof![
        4 => (key.clone(), 0..CPUS).prop_map(|(key, cpu)| Op::Lookup(key, cpu)),
        6 => (key.clone(), any::<u64>(), flags.clone(), 0..CPUS)
            .prop_map(|(key, value, flags, cpu)| Op::Update(key, value, flags, cpu)),
        3 => key.clone().prop_map(Op::Delete),
        3 => (key.clone(), any::<[u64; 2]>(), flags)
            .prop_map(|(key, values, flags)| Op::Set(key, values, flags)),
        1 => key.prop_map(Op::Remove),
        1 => Just(Op::List),
    ]
}

/// What the documentation of `bpf(2)` and of the helpers says, as simply as it can be said.
struct Model {
    hash: bool,
    percpu: bool,
    max_entries: usize,
    values: HashMap<u8, [u64; CPUS as usize]>,
}

impl Model {
    fn change(
        &mut self,
        key: u8,
        flags: u64,
        write: impl Fn(&mut [u64; CPUS as usize]),
    ) -> Result<(), Errno> {
        let exists = self.values.contains_key(&key);
        if flags == 3 || (flags == 4 && (self.hash || exists)) {
            return Err(Errno::EINVAL);
        }
        match (exists, flags) {
            (true, update_flags::NOEXIST) => Err(Errno::EEXIST),
            (false, _) if !self.hash => Err(Errno::E2BIG),
            (false, update_flags::EXIST) => Err(Errno::ENOENT),
            (false, _) if self.values.len() == self.max_entries => Err(Errno::E2BIG),
            _ => {
                write(self.values.entry(key).or_default());
                Ok(())
            }
        }
    }

    fn delete(&mut self, key: u8) -> Result<(), Errno> {
        if !self.hash {
            return Err(Errno::EINVAL);
        }
        self.values.remove(&key).map(|_| ()).ok_or(Errno::ENOENT)
    }

    fn bytes(&self, values: [u64; CPUS as usize]) -> Vec<u8> {
        let copies = if self.percpu { CPUS as usize } else { 1 };
        values[..copies].iter().flat_map(|value| value.to_ne_bytes()).collect()
    }
}

fn run(kind: MapKind, ops: Vec<Op>) {
    let (hash, percpu) = (kind.is_hash(), kind.is_percpu());
    let max_entries = 8;
    let values = (0..if hash { 0 } else { max_entries as u8 }).map(|key| (key, [0; 2])).collect();
    let mut model = Model { hash, percpu, max_entries, values };
    let key_size = if hash { 11 } else { 4 };
    let def = MapDef {
        name: "m".into(),
        kind,
        key_size,
        value_size: 8,
        max_entries: max_entries as u32,
        flags: 0,
    };
    let map = Map::create(&def, &Limits { cpus: CPUS, ..Limits::default() }).unwrap();
    let key = |key: u8| {
        let mut bytes = vec![0; key_size as usize];
        bytes[if cfg!(target_endian = "little") || hash { 0 } else { 3 }] = key;
        bytes
    };
    for op in ops {
        match op {
            Op::Lookup(number, cpu) => {
                let found = map
                    .lookup(&key(number), cpu)
                    .map(|slot| map.memory().load_u64(map.layout().offset(slot)).unwrap());
                let copy = if percpu { cpu as usize } else { 0 };
                assert_eq!(found, model.values.get(&number).map(|values| values[copy]));
            }
            Op::Update(number, value, flags, cpu) => {
                let copy = if percpu { cpu as usize } else { 0 };
                assert_eq!(
                    map.update(&key(number), &value.to_ne_bytes(), flags, cpu),
                    model.change(number, flags, |values| values[copy] = value)
                );
            }
            Op::Set(number, new, flags) => {
                let expected = if flags == 4 {
                    Err(Errno::EINVAL)
                } else {
                    model.change(number, flags, |values| *values = new)
                };
                assert_eq!(map.set(&key(number), &model.bytes(new), flags), expected);
            }
            Op::Delete(number) => assert_eq!(map.delete(&key(number)), model.delete(number)),
            Op::Remove(number) => assert_eq!(map.remove(&key(number)), model.delete(number)),
            Op::List => {
                let mut entries: Vec<_> = map.iter().collect();
                let mut expected: Vec<_> = model
                    .values
                    .iter()
                    .map(|(number, values)| (key(*number), model.bytes(*values)))
                    .collect();
                entries.sort();
                expected.sort();
                assert_eq!(entries, expected);
            }
        }
        for (number, values) in &model.values {
            assert_eq!(map.get(&key(*number)), Some(model.bytes(*values)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 300 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn behaves_like_the_model(
        kind in prop_oneof![
            Just(MapKind::Hash),
            Just(MapKind::PercpuHash),
            Just(MapKind::Array),
            Just(MapKind::PercpuArray),
        ],
        ops in proptest::collection::vec(op(), 1..if cfg!(miri) { 20 } else { 150 }),
    ) {
        run(kind, ops);
    }
}
