//! Split BTF: read and written over its base in both byte orders, distilled and put on another base.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use abide_btf::core::{Record, Resolver, Target};
use abide_btf::{
    Btf, Builder, ByteOrder, CoreKind, EnumValue, IntEncoding, Kind, Linkage, Member, SecVar, Type,
    TypeId,
};

fn case(file: &str) -> Btf {
    let path = abide_testkit::repo("crates/btf/tests/cases").join(file);
    Btf::parse(&std::fs::read(path).unwrap()).unwrap()
}

/// One type of each kind, after what the builder has, with references to it and to each other.
fn all_kinds(builder: &mut Builder, below: TypeId) {
    let int = builder.encoded_int("flag", 1, IntEncoding::Bool);
    let float = builder.float("double", 8);
    let pointer = builder.reference(Kind::Ptr, "", below);
    let array = builder.array(below, int, 3);
    let bits = [
        Member { name: "low", ty: int, bit_offset: 0, bitfield_size: 3 },
        Member { name: "below", ty: below, bit_offset: 32, bitfield_size: 0 },
        Member { name: "pointer", ty: pointer, bit_offset: 64, bitfield_size: 0 },
    ];
    let record = builder.packed(false, "own", 16, &bits);
    let union = builder.composite(true, "either", 8, &[("real", float, 0), ("int", below, 0)]);
    let value = |name, value| EnumValue { name, value };
    let small = builder.enumeration("small", 4, true, &[value("MINUS", -1), value("int", 2)]);
    let large =
        builder.enumeration("large", 8, false, &[value("LARGE", i64::MIN), value("ONE", 1)]);
    builder.forward("elsewhere", true);
    let typedef = builder.reference(Kind::Typedef, "own_t", record);
    let volatile = builder.reference(Kind::Volatile, "", union);
    let constant = builder.reference(Kind::Const, "", array);
    builder.reference(Kind::Restrict, "", pointer);
    let proto = builder.prototype(below, &[("it", pointer), ("how", small), ("", TypeId::VOID)]);
    let function = builder.reference(Kind::Func, "call", proto);
    builder.set_linkage(function, Linkage::Extern);
    let var = builder.variable("global", constant, Linkage::Global);
    let tagged = builder.reference(Kind::TypeTag, "user", large);
    let entry = SecVar { ty: var, offset: 4, size: 12 };
    builder.data_section(".data", 16, &[entry]);
    builder.declaration_tag("kfunc", function, None);
    builder.declaration_tag("arena", function, Some(1));
    builder.reference(Kind::Ptr, "", tagged);
    builder.reference(Kind::Ptr, "", volatile);
    builder.reference(Kind::Ptr, "", typedef);
}

#[test]
fn all_kinds_are_written_and_read_in_both_orders_with_and_without_a_base() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let mut whole = Builder::new();
        let int = whole.int("int", 4, true);
        let base = Arc::new(whole.clone().finish(order).unwrap());
        all_kinds(&mut whole, int);
        let whole = whole.finish(order).unwrap();
        let kinds: Vec<Kind> = whole.iter().map(|(_, ty)| ty.kind()).collect();
        assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
        assert_eq!(Btf::parse(&whole.encode()).unwrap(), whole);

        let mut split = Builder::on(&base);
        all_kinds(&mut split, int);
        let split = split.finish(order).unwrap();
        let again = Btf::parse_split(&split.encode(), &base).unwrap();
        assert_eq!(again, split);
        assert!(whole.iter().eq(again.iter()), "the same ids and names as in one file");
        assert_eq!(split.own().count() + 1, whole.len());
        assert_eq!(split.by_name(Kind::Int, "int"), Some(int));
        assert_eq!(split.by_name(Kind::Struct, "own"), whole.by_name(Kind::Struct, "own"));
        assert_eq!(whole.to_c(), split.to_c());
        // Names of the base are not stored again; a base is not in the file.
        assert_eq!(split.encode().windows(4).filter(|text| text == b"int\0").count(), 0);

        // As part of another file, its base goes with it; on the same base, it does not.
        let mut flat = Builder::new();
        flat.append(&split);
        assert!(flat.finish(order).unwrap().iter().eq(whole.iter()));
        let mut twice = Builder::on(&base);
        twice.append(&split);
        let map = twice.append(&split);
        assert_eq!(map.get(int), int);
        twice.dedup();
        let twice = twice.finish(order).unwrap();
        let apart = |ty: &Type<'_>| matches!(ty.kind(), Kind::Var | Kind::DataSec);
        let variables = split.own().filter(|(_, ty)| apart(ty)).count();
        assert_eq!(twice.len(), split.len() + variables);
    }
}

#[test]
fn what_the_base_has_becomes_the_base_s() {
    let base = Arc::new(case("types.btf"));
    let mut split = Builder::on(&base);
    let map = split.append(&base);
    let merged = split.dedup();
    let split = split.finish(ByteOrder::Little).unwrap();
    for (id, ty) in base.iter() {
        let to = map.then(&merged).get(id);
        assert_eq!(split.get(to).unwrap().name(), ty.name());
        let own = matches!(ty.kind(), Kind::Var | Kind::DataSec | Kind::DeclTag);
        assert!(own || to.0 as usize <= base.len(), "{id} {ty:?}");
    }
    assert!(
        split.own().all(|(_, ty)| matches!(ty.kind(), Kind::Var | Kind::DataSec | Kind::DeclTag))
    );
}

/// Some structs of a kernel that a module uses.
fn kernel(order: ByteOrder, extra: u32) -> Arc<Btf> {
    let mut builder = Builder::new();
    // Other ids than in another kernel.
    for _ in 0..extra {
        builder.float("double", 8);
    }
    let int = builder.int("int", 4, true);
    let list = builder.composite(false, "list", 4, &[("a", int, 0)]);
    let task = builder.composite(false, "task", 8 + 4 * extra, &[("pid", int, 32)]);
    builder.reference(Kind::Ptr, "", task);
    builder.enumeration("state", 4, false, &[EnumValue { name: "RUNNING", value: 0 }]);
    builder.composite(false, "", 4, &[("nameless", list, 0)]);
    builder.forward("opaque", false);
    Arc::new(builder.finish(order).unwrap())
}

#[test]
fn a_module_is_put_on_another_kernel() {
    for order in [ByteOrder::Little, ByteOrder::Big] {
        let (old, new) = (kernel(order, 0), kernel(order, 7));
        let find = |btf: &Btf, kind| btf.iter().find(|(_, ty)| ty.kind() == kind).unwrap().0;
        let mut module = Builder::on(&old);
        let list = old.by_name(Kind::Struct, "list").unwrap();
        let pointer = find(&old, Kind::Ptr);
        let state = old.by_name(Kind::Enum, "state").unwrap();
        let opaque = old.by_name(Kind::Fwd, "opaque").unwrap();
        let nameless = old.iter().find(|(_, ty)| ty.kind() == Kind::Struct && ty.name().is_empty());
        let opaque = module.reference(Kind::Ptr, "", opaque);
        let members = [
            ("list", list, 0),
            ("state", state, 32),
            ("task", pointer, 64),
            ("", nameless.unwrap().0, 128),
            ("opaque", opaque, 192),
        ];
        module.composite(false, "mine", 32, &members);
        let module = module.finish(order).unwrap();
        let small = module.distill().unwrap();
        let base = small.base().unwrap();
        assert_eq!(base.len(), 4, "list, task, state and opaque");
        assert!(base.to_c().unwrap().len() < old.to_c().unwrap().len());
        // Written and read again, both halves.
        let base = Arc::new(Btf::parse(&base.encode()).unwrap());
        let small = Btf::parse_split(&small.encode(), &base).unwrap();
        for module in [small, module] {
            let there = module.rebase(&new).unwrap();
            let mine = there.by_name(Kind::Struct, "mine").unwrap();
            let Some(Type::Struct(mine)) = there.get(mine) else { panic!("a struct") };
            let list = mine.members.iter().next().unwrap();
            assert_eq!(Some(list.ty), new.by_name(Kind::Struct, "list"));
            let Some(Type::Ptr { to }) = there.get(mine.members.get(2).unwrap().ty) else {
                panic!("a pointer")
            };
            assert_eq!(Some(to), new.by_name(Kind::Struct, "task"), "its size may differ");
            assert_eq!(there.size_of(list.ty), Some(4));
        }
    }
}

#[test]
fn core_looks_in_the_base_first() {
    let base = kernel(ByteOrder::Little, 0);
    let mut module = Builder::on(&base);
    let int = base.by_name(Kind::Int, "int").unwrap();
    module.composite(false, "task", 64, &[("pid", int, 96)]);
    module.composite(false, "own", 64, &[("a", int, 96)]);
    let module = module.finish(ByteOrder::Little).unwrap();
    let target = Target::new(&module);
    let mut resolver = Resolver::new(&module, &target);
    let mut find = |name| {
        let ty = module.iter().filter(|(_, ty)| ty.name() == name).last().unwrap().0;
        let record = Record { ty, access: "0:0", kind: CoreKind::FieldByteOffset };
        resolver.resolve(record).unwrap().host.unwrap().root
    };
    assert_eq!(Some(find("task")), base.by_name(Kind::Struct, "task"));
    assert_eq!(Some(find("own")), module.by_name(Kind::Struct, "own"));
}
