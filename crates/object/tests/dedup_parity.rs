//! Types of many units, merged and deduplicated by Abide and by libbpf: as many types, and the same.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use abide_btf::{Btf, Builder, ByteOrder, Kind};
use abide_object::host_types;

/// How many units are merged at once, and how far apart the first units of two sets are.
const UNITS: usize = 40;
const APART: usize = 200;

fn counts(btf: &Btf) -> Vec<(Kind, usize)> {
    let count = |kind| btf.iter().filter(|(_, ty)| ty.kind() == kind).count();
    Kind::ALL.iter().map(|kind| (*kind, count(*kind))).collect()
}

#[test]
fn units_are_deduplicated_as_by_libbpf() {
    let Some(oracle) = abide_testkit::oracle("libbpf") else { return };
    let objects = abide_testkit::corpus("selftests-612-c19-v3");
    let file = abide_testkit::scratch().join(format!("dedup-{}.btf", std::process::id()));
    for set in objects.chunks(APART).map(|chunk| &chunk[..chunk.len().min(UNITS)]) {
        let output = Command::new(&oracle).arg("dedup").arg(&file).args(set).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs = Btf::parse(&std::fs::read(&file).unwrap()).unwrap();
        std::fs::remove_file(&file).unwrap();

        let mut builder = Builder::new();
        for object in set {
            builder.append(&host_types(&std::fs::read(object).unwrap()).unwrap());
        }
        let before = builder.next_id().0 - 1;
        builder.dedup();
        let ours = builder.finish(ByteOrder::Little).unwrap();
        println!("{before} types, {} by Abide, {} by libbpf", ours.len(), theirs.len());
        assert_eq!(counts(&ours), counts(&theirs));
        assert_eq!(ours.to_c(), theirs.to_c(), "the same types in the same order");
        assert!(ours.diff(&theirs, |_| true).is_empty());
    }
}
