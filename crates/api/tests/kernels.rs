//! `apis/linux.api` against the BTF of real kernels: helper numbers, prototypes of kfuncs, layouts of structs.

#![allow(clippy::unwrap_used, reason = "helpers of a test")]

use std::collections::HashMap;
use std::sync::Arc;

use abide_api::compare::{Fit, fit};
use abide_api::model::{Api, DefKind};
use abide_api::query::Namespace;
use abide_btf::{Btf, Kind, Type, TypeId};

fn api() -> Arc<Api> {
    let text = std::fs::read_to_string(abide_testkit::repo("apis/linux.api")).unwrap();
    Arc::new(Api::parse("linux.api", &text).unwrap_or_else(|errors| panic!("{errors}")))
}

/// `LINUX_6.12` for `6.12.117-cloud`.
fn node_of(kernel: &str) -> String {
    let mut parts = kernel.split('.');
    format!("LINUX_{}.{}", parts.next().unwrap(), parts.next().unwrap())
}

/// What the BTF of a kernel says that is not what its programs call.
fn known(kernel: &str, name: &str, why: &str) -> bool {
    // This build kept the argument that the host fills in, on the kfuncs of schedulers.
    kernel == "7.1.3" && name.contains("scx_") && why.starts_with("it takes")
}

#[test]
fn kfuncs_have_the_prototypes_of_kernels() {
    let api = api();
    let (mut compared, mut differ) = (0, Vec::new());
    for kernel in abide_testkit::kernels() {
        let Some(bytes) = abide_testkit::kernel_btf(&kernel) else { return };
        let btf = Btf::parse(&bytes).unwrap();
        let node = api.node(&node_of(&kernel)).unwrap();
        for name in api.names(Namespace::Callable) {
            let Some(id) = api.lookup(Namespace::Callable, name, node) else { continue };
            let DefKind::Kfunc { prototype } = &api.definition(id).kind else { continue };
            let Some(declared) = btf.by_name(Kind::Func, name) else { continue };
            compared += 1;
            if let Fit::Different(why) = fit(&api, prototype, &btf, declared)
                && !known(&kernel, name, &why)
            {
                differ.push(format!("{kernel} {}: {why}", api.label(id)));
            }
        }
    }
    assert!(differ.is_empty(), "{} of {compared} differ:\n{}", differ.len(), differ.join("\n"));
    assert!(compared > 1500, "{compared}");
}

#[test]
fn helpers_have_the_numbers_of_kernels() {
    let api = api();
    for kernel in abide_testkit::kernels() {
        let Some(bytes) = abide_testkit::kernel_btf(&kernel) else { return };
        let btf = Btf::parse(&bytes).unwrap();
        let node = api.node(&node_of(&kernel)).unwrap();
        let Some(id) = btf.by_name(Kind::Enum, "bpf_func_id") else { panic!("{kernel}") };
        let Some(Type::Enum(numbers)) = btf.get(id) else { panic!("{kernel}") };
        let mut seen = 0;
        for value in numbers.values.iter() {
            let Some(name) = value.name.strip_prefix("BPF_FUNC_") else { continue };
            if name == "unspec" {
                continue;
            }
            seen += 1;
            let name = format!("bpf_{name}");
            let id = api.lookup(Namespace::Callable, &name, node);
            let id = id.unwrap_or_else(|| panic!("{kernel} has {name}"));
            let DefKind::Helper { number, .. } = api.definition(id).kind else { panic!("{name}") };
            assert_eq!(i64::from(number), value.value, "{kernel}: {name}");
        }
        let ours = api.names(Namespace::Callable).filter(|name| {
            let id = api.lookup(Namespace::Callable, name, node);
            id.is_some_and(|id| matches!(api.definition(id).kind, DefKind::Helper { .. }))
        });
        assert_eq!(ours.count(), seen, "{kernel}");
    }
}

/// The members of a struct by name, those of anonymous members with them: bits from its start, type.
fn members(btf: &Btf, id: TypeId, start: u32, found: &mut HashMap<String, (u32, TypeId)>) {
    let Some(Type::Struct(body) | Type::Union(body)) = btf.get(btf.strip(id)) else { return };
    for member in body.members.iter() {
        let at = start + member.bit_offset;
        if member.name.is_empty() {
            members(btf, member.ty, at, found);
        } else {
            found.insert(member.name.to_owned(), (at, member.ty));
        }
    }
}

#[test]
fn structs_have_the_layout_of_kernels() {
    let api = api();
    let (mut compared, mut operations, mut differ) = (0, 0, Vec::new());
    for kernel in abide_testkit::kernels() {
        let Some(bytes) = abide_testkit::kernel_btf(&kernel) else { return };
        let btf = Btf::parse(&bytes).unwrap();
        let node = api.node(&node_of(&kernel)).unwrap();
        for name in api.names(Namespace::Tag) {
            let Some(id) = api.lookup(Namespace::Tag, name, node) else { continue };
            let DefKind::Struct(body) = &api.definition(id).kind else { continue };
            let Some(theirs) = btf.by_name(Kind::Struct, name) else { continue };
            let mut found = HashMap::new();
            members(&btf, theirs, 0, &mut found);
            if body.opaque {
                continue;
            }
            if body.ops.is_some() {
                // Members are found by their names; where they lie is the kernel's own matter.
                let missing = body.fields.iter().filter(|field| !found.contains_key(&field.name));
                differ.extend(
                    missing.map(|field| {
                        format!("{kernel} {}: no `{}` there", api.label(id), field.name)
                    }),
                );
                operations += 1;
                continue;
            }
            compared += 1;
            let mut wrong = |what: String| {
                differ.push(format!("{kernel} {}: {what}", api.label(id)));
            };
            if btf.size_of(theirs) != Some(u64::from(body.size)) {
                wrong(format!("{} bytes, there {:?}", body.size, btf.size_of(theirs)));
            }
            for field in &body.fields {
                let Some((at, ty)) = found.get(&field.name) else {
                    // Opaque ones had no names at first, and padding has none.
                    if !field.name.starts_with("__") {
                        wrong(format!("no `{}` there", field.name));
                    }
                    continue;
                };
                let size = btf.size_of(*ty);
                // Of 32 bits here, in network byte order; 16 and padding there.
                let port = field.name == "remote_port" || field.name == "dst_port";
                if *at != field.offset * 8 || (size != Some(u64::from(field.size)) && !port) {
                    wrong(format!("`{}` at bit {at} there, of {size:?} bytes", field.name));
                }
            }
        }
    }
    assert!(differ.is_empty(), "{} in {compared} differ:\n{}", differ.len(), differ.join("\n"));
    assert!(compared > 300 && operations > 25, "{compared}, {operations}");
}
