//! The running kernel as the judge: the same definitions and the same operations, by `bpf(2)`, must
//! give the same results and error numbers. Says why when it is skipped. Maps are anonymous and are
//! gone with their file descriptor; nothing is loaded, attached or pinned.
#![cfg(all(target_os = "linux", not(miri)))]
#![allow(unsafe_code, reason = "bpf(2) takes the addresses of keys and values")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use abide_maps::{Limits, Map, MapDef, MapKind, flags};
use proptest::prelude::*;

const MAP_CREATE: i64 = 0;
const LOOKUP: i64 = 1;
const UPDATE: i64 = 2;
const DELETE: i64 = 3;
const NEXT_KEY: i64 = 4;
const FREEZE: i64 = 22;

/// `union bpf_attr` as far as it is needed here: zero to the end.
#[repr(C, align(8))]
struct Attr([u64; 16]);

/// The error number is positive.
fn bpf(command: i64, words: &[u64]) -> Result<i32, i32> {
    let mut attr = Attr([0; 16]);
    attr.0[..words.len()].copy_from_slice(words);
    // SAFETY: the kernel reads `attr`, which is as long as said, and the addresses in it, which
    // `KernelMap` takes from slices of the sizes that the map was created with.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut attr, size_of::<Attr>()) };
    match i32::try_from(result) {
        Ok(result) if result >= 0 => Ok(result),
        _ => Err(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
    }
}

/// Two neighbouring 32-bit fields.
fn pair(first: u32, second: u32) -> u64 {
    let [a, b, c, d] = first.to_ne_bytes();
    let [e, f, g, h] = second.to_ne_bytes();
    u64::from_ne_bytes([a, b, c, d, e, f, g, h])
}

struct KernelMap {
    fd: OwnedFd,
    key_size: usize,
    value_size: usize,
}

impl KernelMap {
    fn create(def: &MapDef, cpus: u32) -> Result<KernelMap, i32> {
        let sizes = pair(def.value_size, def.max_entries);
        let fd =
            bpf(MAP_CREATE, &[pair(def.kind as u32, def.key_size), sizes, pair(def.flags, 0)])?;
        // SAFETY: the kernel has just made this descriptor for us.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let stride = (def.value_size as usize).next_multiple_of(8);
        let percpu = def.kind.is_percpu();
        let value_size = if percpu { stride * cpus as usize } else { def.value_size as usize };
        Ok(KernelMap { fd, key_size: def.key_size as usize, value_size })
    }

    fn call(
        &self,
        command: i64,
        key: Option<&[u8]>,
        value: &mut [u8],
        flags: u64,
    ) -> Result<(), i32> {
        assert!(key.is_none_or(|key| key.len() == self.key_size));
        let key = key
            .filter(|key| !key.is_empty())
            .map_or(0, |key| key.as_ptr().expose_provenance() as u64);
        let fd = pair(self.fd.as_raw_fd() as u32, 0);
        // What a command does not use must be zero.
        let value = match value {
            [] => 0,
            value => value.as_mut_ptr().expose_provenance() as u64,
        };
        bpf(command, &[fd, key, value, flags]).map(|_| ())
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut value = vec![0; self.value_size];
        self.call(LOOKUP, Some(key), &mut value, 0).ok()?;
        Some(value)
    }

    fn set(&self, key: &[u8], value: &[u8], flags: u64) -> Result<(), i32> {
        assert_eq!(value.len(), self.value_size);
        self.call(UPDATE, Some(key), &mut value.to_vec(), flags)
    }

    fn remove(&self, key: &[u8]) -> Result<(), i32> {
        self.call(DELETE, Some(key), &mut [], 0)
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut next = vec![0; self.key_size];
        while self.call(NEXT_KEY, keys.last().map(Vec::as_slice), &mut next, 0).is_ok() {
            keys.push(next.clone());
        }
        keys
    }
}

fn possible_cpus() -> u32 {
    let text = fs::read_to_string("/sys/devices/system/cpu/possible").unwrap();
    let last = text.trim().rsplit(['-', ',']).next().unwrap();
    last.parse::<u32>().unwrap() + 1
}

/// Whether this process may create maps; a message if not.
fn permitted() -> bool {
    let (kind, max_entries) = (MapKind::Hash, 1);
    let def = MapDef { name: "m".into(), kind, key_size: 4, value_size: 4, max_entries, flags: 0 };
    match KernelMap::create(&def, 1) {
        Ok(_) => true,
        Err(errno) => {
            let error = io::Error::from_raw_os_error(errno);
            abide_testkit::skip(&format!(
                "the kernel does not let this process create maps: {error}"
            ));
            false
        }
    }
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
        let kernel = KernelMap::create(&def, cpus).map(|_| ());
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
        let kernel = KernelMap::create(&def, cpus).expect("a good definition");
        let map = Map::create(&def, &Limits { cpus, ..Limits::default() }).unwrap();
        prop_assert_eq!(map.host_value_size(), kernel.value_size);
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
                        (0..kernel.value_size).map(|i| value.wrapping_add(i as u8)).collect();
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
                    let fd = pair(kernel.fd.as_raw_fd() as u32, 0);
                    if bpf(FREEZE, &[fd]).is_ok() {
                        map.freeze();
                    }
                }
            }
        }
    });
}
