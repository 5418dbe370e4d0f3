//! Which definition of a host serves what an object means by a name.
//!
//! A kernel has one body for each name. It serves what was superseded if a compat body does, or if
//! only the behaviour changed: then the program loads and gets the new one, which is said.

use abide_btf::Kind;

use super::{Host, Status};
use crate::bind::codes as c;
use crate::host::{Denial, HostProfile, Service};
use crate::model::{DefId, Prototype};
use crate::query::Namespace;
use crate::refusal::Refusal;
use crate::require::{Callee, Need};

/// A definition that serves a callee.
pub(super) struct Serving {
    pub(super) by: DefId,
    pub(super) service: Service,
    pub(super) changed: bool,
}

/// The definition that serves a callee, or why none does.
pub(super) fn serving(host: &HostProfile, meant: DefId, also: &[DefId]) -> Result<Serving, Denial> {
    let all = || std::iter::once(meant).chain(also.iter().copied());
    let mut denied = None;
    let mut old = None;
    for id in all() {
        match host.service(id) {
            Ok(service @ (Service::Current | Service::Added)) => {
                return Ok(Serving { by: id, service, changed: false });
            }
            Ok(service) => old = old.or(Some(Serving { by: id, service, changed: false })),
            Err(denial) => denied = denied.or(Some((id, denial))),
        }
    }
    if let Some(serving) = old {
        return Ok(serving);
    }
    for id in all() {
        if let Some(by) = same_call(host, id) {
            return Ok(Serving { by, service: Service::Current, changed: true });
        }
    }
    // The oldest of them says how far the host is from having any.
    let last = all().last().map(|id| host.service(id));
    match (last, denied) {
        (Some(Err(denial)), _) | (_, Some((_, denial))) => Err(denial),
        _ => Err(Denial::NoBody),
    }
}

/// What took the place of a definition on the host, if it is called in the same way.
fn same_call(host: &HostProfile, id: DefId) -> Option<DefId> {
    let api = host.api();
    let old = api.definition(id);
    if !matches!(host.service(id), Err(Denial::NoBody | Denial::WindowOver { .. })) {
        return None;
    }
    let now = api.lookup(Namespace::Callable, &old.name, host.node())?;
    let (old, new) = (old.kind.prototype()?, api.definition(now).kind.prototype()?);
    (now != id && host.service(now).is_ok() && is_same(old, new)).then_some(now)
}

fn is_same(old: &Prototype, new: &Prototype) -> bool {
    let types = |prototype: &'_ Prototype| {
        prototype.passed().map(|param| param.ty.unqualified().clone()).collect::<Vec<_>>()
    };
    old.returns == new.returns && old.variadic == new.variadic && types(old) == types(new)
}

/// Whether the host has a kfunc at all, whoever may call it.
pub(super) fn exists(host: &Host<'_>, need: &Need) -> bool {
    let listed = match &need.meaning {
        Ok(id) => serving(&host.profile, *id, &need.also).is_ok(),
        // It exists, if it does, for other programs than this one.
        Err(refusal) => {
            let all = host.profile.api().definitions_of(Namespace::Callable, &need.name);
            refusal.code.id.starts_with("R07")
                && all.iter().any(|id| host.profile.service(*id).is_ok())
        }
    };
    listed && is_typed(host, need)
}

/// Whether the types of the host, where they are known, have the function.
pub(super) fn is_typed(host: &Host<'_>, need: &Need) -> bool {
    let is_kfunc = matches!(need.callee, Callee::Kfunc(_));
    let name = abide_btf::core::essential(&need.name);
    !is_kfunc || host.types.is_none_or(|types| types.btf().by_name(Kind::Func, name).is_some())
}

/// The refusal of a kfunc that the API's node has, and this kernel does not.
pub(super) fn not_built(host: &Host<'_>, need: &Need) -> Status {
    let name = abide_diag::printable(&need.name);
    Status::Refused(
        Refusal::new(
            &c::R_NO_SYMBOL,
            name.clone(),
            format!("the types of {} have no function `{name}`", host.profile.name()),
        )
        .note("it was built without it, or a module has it whose types are not given"),
    )
}
