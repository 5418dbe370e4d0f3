//! Writing and merging: what was written is read again, and equal types become one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Instant;

use abide_btf::{Btf, BtfError, BtfExt, Builder, ByteOrder, Kind, Type, TypeId};
use proptest::prelude::*;

fn case(file: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo("crates/btf/tests/cases").join(file)).unwrap()
}

/// What a list node looks like in a file that knows the payload, or only its name.
fn list(builder: &mut Builder, payload: Option<u32>) -> TypeId {
    let int = builder.int("int", 4, true);
    let payload = match payload {
        Some(size) => builder.composite(false, "payload", size, &[("x", int, 0)]),
        None => builder.forward("payload", false),
    };
    let to_payload = builder.reference(Kind::Ptr, "", payload);
    let to_node = builder.reference(Kind::Ptr, "", TypeId(builder.next_id().0 + 1));
    builder.composite(false, "node", 16, &[("next", to_node, 0), ("payload", to_payload, 64)])
}

#[test]
fn what_is_written_is_read_again() {
    for file in ["types.btf", "types.be.btf"] {
        let btf = Btf::parse(&case(file)).unwrap();
        assert_eq!(Btf::parse(&btf.encode()).unwrap(), btf);

        let mut builder = Builder::new();
        let map = builder.append(&btf);
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let copy = builder.clone().finish(order).unwrap();
            let copy = Btf::parse(&copy.encode()).unwrap();
            assert_eq!(copy.order(), order);
            assert!(btf.iter().eq(copy.iter()), "the same types under the same ids");
            assert!(btf.iter().all(|(id, _)| map.get(id) == id));
        }
    }
}

#[test]
fn ext_moves_with_its_types() {
    let (btf, other) = (Btf::parse(&case("types.btf")).unwrap(), case("types.be.btf"));
    let ext = BtfExt::parse(&case("types.ext"), &btf).unwrap();
    let mut builder = Builder::new();
    builder.append(&Btf::parse(&other).unwrap());
    let map = builder.append(&btf);
    let moved = ext.moved(&btf, &map, &mut builder);
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let bytes = moved.encode(&mut builder, order);
        let merged = builder.clone().finish(order).unwrap();
        assert_eq!(BtfExt::parse(&bytes, &merged).unwrap(), moved);
        for (old, new) in ext
            .lines
            .iter()
            .flat_map(|it| &it.records)
            .zip(moved.lines.iter().flat_map(|it| &it.records))
        {
            assert_eq!(btf.string(old.text), merged.string(new.text));
            assert_eq!(btf.string(old.file), merged.string(new.file));
        }
        for (old, new) in ext
            .functions
            .iter()
            .flat_map(|it| &it.records)
            .zip(moved.functions.iter().flat_map(|it| &it.records))
        {
            assert_eq!(btf.get(old.ty).unwrap().name(), merged.get(new.ty).unwrap().name());
        }
    }
}

#[test]
fn equal_graphs_with_cycles_become_one() {
    let mut builder = Builder::new();
    let first = list(&mut builder, Some(4));
    let second = list(&mut builder, Some(4));
    let map = builder.dedup();
    assert_eq!(map.get(first), map.get(second));
    assert_eq!(builder.finish(ByteOrder::Little).unwrap().len(), 5);
}

#[test]
fn a_declaration_becomes_the_only_definition() {
    let mut builder = Builder::new();
    let declared = list(&mut builder, None);
    let defined = list(&mut builder, Some(4));
    let map = builder.dedup();
    assert_eq!(map.get(declared), map.get(defined));
    let btf = builder.finish(ByteOrder::Little).unwrap();
    assert!(btf.iter().all(|(_, ty)| ty.kind() != Kind::Fwd));
    assert_eq!(btf.len(), 5);
}

#[test]
fn a_declaration_of_one_of_two_stays() {
    let mut builder = Builder::new();
    let declared = list(&mut builder, None);
    let small = list(&mut builder, Some(4));
    let large = list(&mut builder, Some(8));
    let map = builder.dedup();
    let nodes = [map.get(declared), map.get(small), map.get(large)];
    assert!(nodes[0] != nodes[1] && nodes[1] != nodes[2] && nodes[0] != nodes[2]);
    let btf = builder.finish(ByteOrder::Little).unwrap();
    assert_eq!(btf.iter().filter(|(_, ty)| ty.kind() == Kind::Fwd).count(), 1);
}

#[test]
fn variables_and_sections_stay_apart() {
    let btf = Btf::parse(&case("types.btf")).unwrap();
    let mut builder = Builder::new();
    builder.append(&btf);
    builder.dedup();
    let once = builder.clone().finish(ByteOrder::Little).unwrap();
    builder.append(&btf);
    builder.dedup();
    let twice = builder.finish(ByteOrder::Little).unwrap();
    let apart = |ty: &Type<'_>| matches!(ty.kind(), Kind::Var | Kind::DataSec);
    let tags_on_variables = once
        .iter()
        .filter(|(_, ty)| match ty {
            Type::DeclTag { ty, .. } => apart(&once.get(*ty).unwrap()),
            _ => false,
        })
        .count();
    let variables = once.iter().filter(|(_, ty)| apart(ty)).count();
    assert_eq!(twice.len(), once.len() + variables + tags_on_variables);
}

#[test]
fn what_is_not_there_is_refused() {
    let mut builder = Builder::new();
    builder.reference(Kind::Ptr, "", TypeId(7));
    builder.dedup();
    assert!(builder.finish(ByteOrder::Little).is_err());
    let mut builder = Builder::new();
    builder.reference(Kind::Int, "int", TypeId(4));
    builder.dedup();
    assert!(builder.finish(ByteOrder::Little).is_err());
}

#[test]
fn a_kernel_merged_with_itself_is_itself() {
    let Some(bytes) = abide_testkit::kernel_btf("5.10.262") else { return };
    let btf = Btf::parse(&bytes).unwrap();
    let mut builder = Builder::new();
    builder.append(&btf);
    builder.dedup();
    let once = builder.clone().finish(ByteOrder::Little).unwrap();
    builder.append(&btf);
    let start = Instant::now();
    builder.dedup();
    let took = start.elapsed();
    let twice = builder.finish(ByteOrder::Little).unwrap();
    println!(
        "{} types, deduplicated {}, again {}; in {took:?}",
        btf.len(),
        once.len(),
        twice.len()
    );
    let variables = once.iter().filter(|(_, ty)| matches!(ty.kind(), Kind::Var | Kind::DataSec));
    assert_eq!(twice.len(), once.len() + variables.count());
    // It went through the kernel's own deduplication already.
    assert!(once.len() * 100 > btf.len() * 95, "{} of {}", once.len(), btf.len());
    assert_eq!(Btf::parse(&once.encode()).unwrap(), once);
}

/// Types that refer anywhere. Where that would make an endless type, they refer to earlier ones.
fn graph(steps: &[(u8, u8, u8)]) -> Builder {
    let mut builder = Builder::new();
    for (index, (what, one, other)) in steps.iter().enumerate() {
        let any = |number: u8| TypeId(u32::from(number) % (steps.len() as u32 + 1));
        let early = |number: u8| TypeId(u32::from(number) % (index as u32 + 1));
        // A pointer, a typedef or a qualifier may lead forward only to what ends the chain.
        let to = |number: u8| match steps.get((any(number).0 as usize).wrapping_sub(1)) {
            Some((what, ..)) if matches!(what % 8, 0 | 4 | 5 | 6) => any(number),
            _ => early(number),
        };
        let name = ["a", "b", "c", ""][usize::from(*other) % 4];
        match what % 8 {
            0 => builder.int(name, 4, *one % 2 == 0),
            1 => builder.reference(Kind::Ptr, "", to(*one)),
            2 => builder.reference(Kind::Typedef, name, early(*one)),
            3 => builder.array(early(*one), early(*other), 2),
            4 => builder.composite(
                *one % 2 == 0,
                name,
                1 << 20,
                &[("m", early(*one), 0), ("n", early(*other), 0)],
            ),
            5 => builder.prototype(any(*one), &[(name, any(*other))]),
            6 => builder.forward(name, *one % 2 == 0),
            _ => builder.reference(Kind::Const, "", to(*one)),
        };
    }
    builder
}

/// A struct without a name whose only member is a pointer to a function that takes and returns it.
#[test]
fn a_header_of_prototypes_that_lead_back_to_themselves_ends() {
    let mut builder = Builder::new();
    let (pointer, prototype) = (TypeId(2), TypeId(3));
    let int = builder.int("int", 4, true);
    builder.reference(Kind::Ptr, "", prototype);
    builder.prototype(TypeId(4), &[("one", pointer), ("two", pointer)]);
    let nameless = builder.composite(false, "", 16, &[("one", pointer, 0), ("two", pointer, 64)]);
    builder.composite(false, "whole", 24, &[("it", nameless, 0), ("int", int, 128)]);
    let btf = builder.finish(ByteOrder::Little).unwrap();
    let header = btf.to_c().unwrap();
    assert!(header.contains("struct whole {") && header.len() < 1 << 16, "{header}");
}

proptest! {
    #[test]
    fn any_graph_is_written_and_merged(steps: Vec<(u8, u8, u8)>) {
        let builder = graph(&steps);
        let mut merged = builder.clone();
        merged.dedup();
        let Ok(btf) = builder.finish(ByteOrder::Big) else { return Ok(()) };
        prop_assert_eq!(&Btf::parse(&btf.encode()).unwrap(), &btf);
        prop_assert!(btf.diff(&btf, |_| true).is_empty());
        match btf.to_c() {
            Ok(header) => prop_assert!(header.ends_with("#endif /* __VMLINUX_H__ */\n")),
            Err(error) => prop_assert_eq!(error, BtfError::Header),
        }
        let once = match merged.clone().finish(ByteOrder::Big) {
            Ok(once) => once,
            // A declaration that is used like a definition can turn out to contain itself.
            Err(error) => {
                prop_assert!(steps.iter().any(|(what, ..)| what % 8 == 6), "{}", error);
                return Ok(());
            }
        };
        prop_assert!(once.len() <= btf.len());
        let map = merged.append(&btf);
        let again = merged.dedup();
        prop_assert_eq!(merged.finish(ByteOrder::Big).unwrap().len(), once.len());
        for (id, ty) in btf.iter() {
            let to = map.then(&again).get(id);
            let found = once.get(to).unwrap();
            prop_assert_eq!(found.name(), ty.name());
        }
    }
}
