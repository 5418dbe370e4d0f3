//! Does the prototype that an object declares fit one of the API's? Structural, over BTF.
//!
//! Only what a call can see counts: how many arguments, how wide, pointers to what. Parameter names
//! and qualifiers do not count, nor do `___flavour` suffixes of struct names.

use abide_btf::core::essential;
use abide_btf::{Btf, Type, TypeId};

use crate::ctype::{CType, Int};
use crate::model::{Api, DefKind, Prototype};
use crate::query::Namespace;

/// How well a declaration fits a prototype.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It is the same.
    Exact,
    /// The same but for signs, `void` pointers and integers against enums.
    Compatible,
    /// Another one; says where it differs first.
    Different(String),
}

impl Fit {
    fn and(self, other: Fit) -> Fit {
        match (self, other) {
            (Fit::Different(why), _) | (_, Fit::Different(why)) => Fit::Different(why),
            (Fit::Exact, Fit::Exact) => Fit::Exact,
            _ => Fit::Compatible,
        }
    }
}

/// Compares a prototype of the API with a declaration in BTF (a `FUNC_PROTO`, or the `FUNC` of one).
pub fn fit(api: &Api, prototype: &Prototype, btf: &Btf, declared: TypeId) -> Fit {
    fit_without(api, prototype, btf, declared, 0)
}

/// The same, without the last `hidden` parameters of the declaration: some kernels show what they fill
/// in themselves.
pub fn fit_without(
    api: &Api,
    prototype: &Prototype,
    btf: &Btf,
    declared: TypeId,
    hidden: usize,
) -> Fit {
    let (ret, params) = match btf.get(declared) {
        Some(Type::Func { proto, .. }) => match btf.get(proto) {
            Some(Type::FuncProto { ret, params }) => (ret, params),
            _ => return Fit::Different("the object declares no prototype".to_owned()),
        },
        Some(Type::FuncProto { ret, params }) => (ret, params),
        _ => return Fit::Different("the object declares no prototype".to_owned()),
    };
    let returned = same(api, &prototype.returns, btf, ret, 0);
    let mut result = match returned {
        Fit::Different(_) => {
            return Fit::Different(format!(
                "it returns `{}`, the object declares `{}`",
                prototype.returns,
                btf.c_name(ret)
            ));
        }
        fit => fit,
    };
    // What the host fills in may stand in the object's declaration or not.
    let passed = prototype.passed().count();
    let all = prototype.params.len();
    let variadic = params.iter().last().is_some_and(|last| last.ty.0 == 0 && last.name.is_empty());
    let declared_count = params.len().saturating_sub(usize::from(variadic) + hidden);
    let expected: Vec<_> = if declared_count == all && all != passed {
        prototype.params.iter().collect()
    } else {
        prototype.passed().collect()
    };
    if declared_count != expected.len() {
        return Fit::Different(format!(
            "it takes {}, the object declares {declared_count}",
            arguments(expected.len())
        ));
    }
    for (index, (param, declared)) in expected.into_iter().zip(params.iter()).enumerate() {
        let here = same(api, &param.ty, btf, declared.ty, 0);
        if let Fit::Different(_) = here {
            return Fit::Different(format!(
                "argument {} is `{}`, the object declares `{}`",
                index + 1,
                param.ty.declare(&param.name),
                abide_diag::printable(&btf.declaration(declared.ty, declared.name))
            ));
        }
        result = result.and(here);
    }
    result
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no arguments".to_owned(),
        1 => "one argument".to_owned(),
        more => format!("{more} arguments"),
    }
}

/// Pointers to pointers are followed this far; deeper they count as the same.
const MAX_DEPTH: u32 = 8;

fn same(api: &Api, ours: &CType, btf: &Btf, theirs: TypeId, depth: u32) -> Fit {
    let different = || Fit::Different(String::new());
    if depth > MAX_DEPTH {
        return Fit::Exact;
    }
    let theirs_id = btf.strip(theirs);
    let theirs = if theirs_id.0 == 0 { None } else { btf.get(theirs_id) };
    let ours = resolve(api, ours);
    match (&ours, theirs) {
        (CType::Void, None) => Fit::Exact,
        (CType::Int(int), Some(Type::Int { size, signed, is_bool, .. })) => {
            if u32::from(int.size) != size {
                different()
            } else if int.signed == signed && int.boolean == is_bool {
                Fit::Exact
            } else {
                Fit::Compatible
            }
        }
        (CType::Int(Int { size, .. }), Some(Type::Enum(other) | Type::Enum64(other))) => {
            if u32::from(*size) == other.size {
                Fit::Compatible
            } else {
                different()
            }
        }
        (CType::Enum(name), Some(Type::Enum(other) | Type::Enum64(other))) => {
            if essential(other.name) == essential(name) { Fit::Exact } else { Fit::Compatible }
        }
        (CType::Enum(_), Some(Type::Int { size: 4, .. })) => Fit::Compatible,
        (CType::Struct(name), Some(Type::Struct(other))) => tags(name, other.name),
        (CType::Union(name), Some(Type::Union(other))) => tags(name, other.name),
        (CType::Struct(name), Some(Type::Fwd { name: other, is_union: false }))
        | (CType::Union(name), Some(Type::Fwd { name: other, is_union: true })) => {
            tags(name, other)
        }
        (CType::Pointer(ours), Some(Type::Ptr { to })) => pointee(api, ours, btf, to, depth + 1),
        (CType::Function(..), Some(Type::Ptr { to })) => {
            let to = btf.strip(to);
            match btf.get(to) {
                Some(Type::FuncProto { .. }) => Fit::Exact,
                _ if to.0 == 0 => Fit::Compatible,
                _ => different(),
            }
        }
        (CType::Array(ours, _), Some(Type::Ptr { to })) => pointee(api, ours, btf, to, depth + 1),
        _ => different(),
    }
}

/// What two pointers point to: a `void *` on either side fits any pointer.
fn pointee(api: &Api, ours: &CType, btf: &Btf, theirs: TypeId, depth: u32) -> Fit {
    let ours_void = matches!(resolve(api, ours), CType::Void);
    let theirs_void = btf.strip(theirs).0 == 0;
    match (ours_void, theirs_void) {
        (true, true) => Fit::Exact,
        (true, false) | (false, true) => Fit::Compatible,
        (false, false) => same(api, ours, btf, theirs, depth),
    }
}

/// Names that a kernel's own BTF has for what its programs declare: until LINUX_6.11 both stood in
/// prototypes of kfuncs, and one is as good as the other.
const INTERNAL: &[(&str, &str)] =
    &[("bpf_dynptr", "bpf_dynptr_kern"), ("__sk_buff", "sk_buff"), ("xdp_md", "xdp_buff")];

fn tags(ours: &str, theirs: &str) -> Fit {
    let (ours, theirs) = (essential(ours), essential(theirs));
    if ours == theirs {
        return Fit::Exact;
    }
    match INTERNAL.contains(&(ours, theirs)) || INTERNAL.contains(&(theirs, ours)) {
        true => Fit::Compatible,
        false => Fit::Different(String::new()),
    }
}

/// A type without `const` and typedefs of the API.
fn resolve(api: &Api, ty: &CType) -> CType {
    let mut ty = ty.unqualified().clone();
    for _ in 0..MAX_DEPTH {
        let CType::Named(name) = &ty else { break };
        let Some(id) = api.definitions_of(Namespace::Typedef, name).last() else { break };
        let DefKind::Typedef(to) = &api.definition(*id).kind else { break };
        ty = to.unqualified().clone();
    }
    ty
}
