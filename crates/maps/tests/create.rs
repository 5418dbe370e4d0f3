//! What can be created and what is refused: with the code, the kernel's error number, and a help line.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::HashSet;

use abide_diag::Report;
use abide_maps::{Errno, Limits, Map, MapDef, MapError, MapKind, codes, flags};

fn def(kind: MapKind, key_size: u32, value_size: u32, max_entries: u32, flags: u32) -> MapDef {
    MapDef { name: "m".into(), kind, key_size, value_size, max_entries, flags }
}

fn create(kind: MapKind, key: u32, value: u32, entries: u32, flags: u32) -> Result<Map, MapError> {
    Map::create(&def(kind, key, value, entries, flags), &Limits { cpus: 2, max_bytes: 1 << 20 })
}

#[test]
fn every_refusal_has_its_code_and_number() {
    use MapKind::*;
    let huge = Limits { cpus: 1, max_bytes: u64::MAX };
    let no_cpu = Limits { cpus: 0, ..Limits::default() };
    let both = flags::RDONLY_PROG | flags::WRONLY_PROG;
    let node = flags::NO_COMMON_LRU | flags::NUMA_NODE;
    #[rustfmt::skip]
    let refused: Vec<(MapError, &str, Errno)> = [
        (MapKind::try_from(7).unwrap_err(), "M0001", Errno::EINVAL),
        (create(Array, 8, 4, 1, 0).unwrap_err(), "M0002", Errno::EINVAL),
        (create(PercpuArray, 0, 4, 1, 0).unwrap_err(), "M0002", Errno::EINVAL),
        (create(ProgArray, 2, 4, 1, 0).unwrap_err(), "M0002", Errno::EINVAL),
        (create(Hash, 0, 4, 1, 0).unwrap_err(), "M0002", Errno::EINVAL),
        (create(Hash, 4 << 20, 4, 1, 0).unwrap_err(), "M0002", Errno::E2BIG),
        (create(Ringbuf, 4, 0, 4096, 0).unwrap_err(), "M0002", Errno::EINVAL),
        (create(Array, 4, 0, 1, 0).unwrap_err(), "M0003", Errno::EINVAL),
        (create(Array, 4, 1 << 31, 1, 0).unwrap_err(), "M0003", Errno::E2BIG),
        (create(LruHash, 4, 0, 1, 0).unwrap_err(), "M0003", Errno::EINVAL),
        (create(Hash, 4, 4 << 20, 1, 0).unwrap_err(), "M0003", Errno::E2BIG),
        (create(PercpuArray, 4, 32761 + 8, 1, 0).unwrap_err(), "M0003", Errno::E2BIG),
        (create(PercpuHash, 4, 32769, 1, 0).unwrap_err(), "M0003", Errno::E2BIG),
        (create(ProgArray, 4, 8, 1, 0).unwrap_err(), "M0003", Errno::EINVAL),
        (create(Ringbuf, 0, 4, 4096, 0).unwrap_err(), "M0003", Errno::EINVAL),
        (create(Array, 4, 4, 0, 0).unwrap_err(), "M0004", Errno::EINVAL),
        (create(LruPercpuHash, 4, 4, 0, 0).unwrap_err(), "M0004", Errno::EINVAL),
        (create(Ringbuf, 0, 0, 0, 0).unwrap_err(), "M0004", Errno::EINVAL),
        (create(Ringbuf, 0, 0, 2048, 0).unwrap_err(), "M0004", Errno::EINVAL),
        (create(Ringbuf, 0, 0, 3 * 4096, 0).unwrap_err(), "M0004", Errno::EINVAL),
        (create(Hash, 4, 4, (1 << 31) + 1, 0).unwrap_err(), "M0004", Errno::E2BIG),
        (Map::create(&def(PercpuHash, 4, 4, 1 << 31, 0), &Limits { cpus: 4, ..huge }).unwrap_err(),
            "M0004", Errno::E2BIG),
        (create(Array, 4, 4, 1, flags::NO_PREALLOC).unwrap_err(), "M0005", Errno::EINVAL),
        (create(PercpuArray, 4, 4, 1, flags::MMAPABLE).unwrap_err(), "M0005", Errno::EINVAL),
        (create(PercpuArray, 4, 4, 1, flags::NUMA_NODE).unwrap_err(), "M0005", Errno::EINVAL),
        (create(ProgArray, 4, 4, 1, flags::RDONLY_PROG).unwrap_err(), "M0005", Errno::EINVAL),
        (create(Hash, 4, 4, 1, flags::NO_COMMON_LRU).unwrap_err(), "M0005", Errno::EINVAL),
        (create(Hash, 4, 4, 1, both).unwrap_err(), "M0005", Errno::EINVAL),
        (create(Hash, 4, 4, 1, 1 << 31).unwrap_err(), "M0005", Errno::EINVAL),
        (create(LruHash, 4, 4, 1, flags::NO_PREALLOC).unwrap_err(), "M0005", Errno::ENOTSUPP),
        (create(LruHash, 4, 4, 1, node).unwrap_err(), "M0005", Errno::EINVAL),
        (create(Ringbuf, 0, 0, 4096, flags::ZERO_SEED).unwrap_err(), "M0005", Errno::EINVAL),
        (create(Array, 4, 8, (1 << 17) + 1, 0).unwrap_err(), "M0006", Errno::E2BIG),
        (create(PercpuArray, 4, 8, (1 << 16) + 1, 0).unwrap_err(), "M0006", Errno::E2BIG),
        (create(Hash, 4, 8, 1 << 31, 0).unwrap_err(), "M0006", Errno::E2BIG),
        (create(ProgArray, 4, 4, u32::MAX, 0).unwrap_err(), "M0006", Errno::E2BIG),
        (create(Ringbuf, 0, 0, 1 << 31, 0).unwrap_err(), "M0006", Errno::E2BIG),
        (Map::create(&def(Array, 4, i32::MAX as u32, u32::MAX - 1, 0), &huge).unwrap_err(),
            "M0007", Errno::ENOMEM),
        (Map::create(&def(Array, 4, 4, 1, 0), &no_cpu).unwrap_err(), "M0008", Errno::EINVAL),
        (Map::create(&def(Array, 4, 4, 1, 0), &Limits { cpus: 1 << 20, ..huge }).unwrap_err(),
            "M0008", Errno::EINVAL),
    ].into();
    let mut seen = HashSet::new();
    for (error, code, errno) in refused {
        let report = error.report();
        assert_eq!((report.code.id, error.errno()), (code, errno), "{error}");
        assert!(!report.helps.is_empty(), "{error}");
        seen.insert(code);
    }
    assert_eq!(seen, codes::CODES.iter().map(|code| code.id).collect());
}

#[test]
fn messages_read_well() {
    let text = |error: MapError| error.report().render(None, false);
    let error = text(create(MapKind::Array, 8, 4, 1, 0).unwrap_err());
    assert!(error.contains("error[M0002]: an array map cannot have a key of 8 bytes"), "{error}");
    assert!(error.contains("the key of an array is a `__u32`"), "{error}");
    let error = text(create(MapKind::Array, 4, 8, 1 << 20, 0).unwrap_err());
    assert!(error.contains("needs 8388608 bytes, and the host allows 1048576"), "{error}");
}

#[test]
fn names_and_numbers_are_the_kernels() {
    for kind in MapKind::ALL {
        assert_eq!(MapKind::from_u32(*kind as u32), Some(*kind));
        assert_eq!(MapKind::from_name(kind.name()), Some(*kind));
    }
    assert_eq!(MapKind::from_name("lru_hash").map(|kind| kind as u32), Some(9));
    assert_eq!(MapKind::from_name("ARRAY"), None);
    assert_eq!(MapKind::from_u32(0), None);
}

#[test]
fn what_every_type_takes() {
    use MapKind::*;
    for (kind, key, value, entries, flags) in [
        (Array, 4, 1, 1, flags::MMAPABLE | flags::RDONLY_PROG),
        (PercpuArray, 4, 32768, 1, 0),
        (Hash, 1, 1, 1, flags::NO_PREALLOC | flags::ZERO_SEED),
        (PercpuHash, 64, 3, 7, flags::NO_PREALLOC),
        (LruHash, 4, 4, 1, flags::NO_COMMON_LRU),
        (LruPercpuHash, 4, 4, 1, 0),
        (ProgArray, 4, 4, 3, 0),
        (Ringbuf, 0, 0, 4096, flags::NUMA_NODE),
    ] {
        let map = create(kind, key, value, entries, flags).unwrap();
        assert_eq!(map.layout().stride % 8, 0);
        assert_eq!(map.ring().is_some(), kind == Ringbuf);
        if kind != Ringbuf {
            assert_eq!(map.memory().len(), map.layout().stride * map.layout().count);
        }
    }
}
