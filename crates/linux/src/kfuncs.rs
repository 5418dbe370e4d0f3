//! A function of a kernel against the definitions of a kfunc: which one does it serve?

use abide_api::compare::{Fit, fit_without};
use abide_api::{Api, DefId, DefKind};
use abide_btf::{Btf, Type, TypeId};

use crate::profile::{Kfunc, Profile};

/// How a function fits a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fitting {
    /// As it is declared.
    Whole,
    /// But for a last argument that the kernel fills in.
    ButHidden,
}

/// Whether a function has the prototype of a definition.
pub(crate) fn fitting(
    profile: &Profile<'_>,
    api: &Api,
    definition: DefId,
    function: Kfunc,
) -> Option<Fitting> {
    let DefKind::Kfunc { prototype } = &api.definition(definition).kind else { return None };
    let fits = |hidden| {
        let fit = fit_without(api, prototype, profile.btf(), function.id, hidden);
        !matches!(fit, Fit::Different(_))
    };
    if fits(0) {
        return Some(Fitting::Whole);
    }
    (ends_in_aux(profile.btf(), function.id) && fits(1)).then_some(Fitting::ButHidden)
}

/// Whether the last parameter is `const struct bpf_prog_aux *aux`, which no program can pass.
pub(crate) fn ends_in_aux(btf: &Btf, function: TypeId) -> bool {
    let Some(Type::Func { proto, .. }) = btf.get(function) else { return false };
    let Some(Type::FuncProto { params, .. }) = btf.get(proto) else { return false };
    let Some(last) = params.iter().last() else { return false };
    let Some(Type::Ptr { to }) = btf.get(btf.strip(last.ty)) else { return false };
    last.name == "aux"
        && matches!(btf.get(btf.strip(to)), Some(Type::Struct(aux)) if aux.name == "bpf_prog_aux")
}

/// Whether a function without a tag may be taken for the kfunc of its name, where no function has one.
/// Many kfuncs were ordinary functions of the kernel for years before programs could call them, but
/// none that is named so.
pub(crate) fn named_as_kfunc(name: &str) -> bool {
    ["bpf_", "scx_bpf_", "hid_bpf_"].iter().any(|prefix| name.starts_with(prefix))
}
