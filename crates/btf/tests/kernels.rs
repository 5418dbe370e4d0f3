//! Every kernel's BTF of the shared data is read, indexed and printed.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use abide_btf::{Btf, Kind, Type, value};

#[test]
fn kernels_are_read() {
    for name in abide_testkit::kernels() {
        let Some(bytes) = abide_testkit::kernel_btf(&name) else { return };
        let start = Instant::now();
        let btf = Btf::parse(&bytes).unwrap();
        let parsed = start.elapsed();
        let start = Instant::now();
        let task = btf.by_name(Kind::Struct, "task_struct").expect("every kernel has tasks");
        let indexed = start.elapsed();
        println!(
            "{name}: {} types, {} bytes, parsed in {parsed:?}, indexed in {indexed:?}",
            btf.len(),
            bytes.len()
        );

        let Some(Type::Struct(composite)) = btf.get(task) else { panic!("a struct") };
        assert!(composite.members.iter().any(|member| member.name == "pid"));
        assert!(btf.size_of(task).unwrap() > 1000);
        let lookup =
            btf.by_name(Kind::Func, "bpf_map_lookup_elem").or(btf.by_name(Kind::Func, "kfree"));
        assert!(lookup.is_some());

        // Every type can be printed and shown without end or panic.
        let zeroes = [0_u8; 4096];
        let mut printed = 0;
        for (id, ty) in btf.iter() {
            printed += btf.declaration(id, "x").len();
            if id.0 % 16 == 0 {
                printed += btf.definition(id).len();
                if matches!(ty.kind(), Kind::Struct | Kind::Union | Kind::Array) {
                    value::text(&btf, &zeroes, id, btf.order());
                }
            }
        }
        assert!(printed > 1_000_000);
    }
}
