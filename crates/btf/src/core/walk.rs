//! Going the way of an object's [`Spec`] through a type of the host: named members by their names,
//! wherever they are, elements by their index. Measures nothing.

use super::MAX_PATH;
use super::compat::{Comparison, TooDeep};
use super::name::essential;
use super::spec::{About, Spec, Step, members};
use crate::{CoreKind, Type, TypeId};

/// What the object's way is in this type of the host, if the type has it.
pub(super) fn find(
    comparison: &mut Comparison<'_>,
    local: &Spec,
    root: TypeId,
    kind: CoreKind,
) -> Result<Option<Spec>, TooDeep> {
    let mut spec = Spec::new(root);
    let found = match About::of(kind) {
        About::Type if kind == CoreKind::TypeMatches => comparison.types_match(local.root, root)?,
        About::Type => comparison.types_fit(local.root, root)?,
        About::Value => value(comparison, local, &mut spec)?,
        About::Field => field(comparison, local, &mut spec)?,
    };
    Ok(found.then_some(spec))
}

/// The value of the host's enum with the object's name, flavours aside.
fn value(comparison: &mut Comparison<'_>, local: &Spec, spec: &mut Spec) -> Result<bool, TooDeep> {
    let values = |ty| match ty {
        Some(Type::Enum(found) | Type::Enum64(found)) => Some(found.values),
        _ => None,
    };
    let ours = local
        .steps
        .first()
        .and_then(|step| values(comparison.local.btf.get(step.ty))?.get(step.index as usize));
    let ty = comparison.host.btf.strip(spec.root);
    let (Some(ours), Some(theirs)) = (ours, values(comparison.host.btf.get(ty))) else {
        return Ok(false);
    };
    for (index, theirs) in (0..).zip(theirs) {
        comparison.step()?;
        if essential(theirs.name) == essential(ours.name) {
            spec.steps.push(Step { ty, index, named: true });
            spec.path.push(index);
            return Ok(true);
        }
    }
    Ok(false)
}

fn field(comparison: &mut Comparison<'_>, local: &Spec, spec: &mut Spec) -> Result<bool, TooDeep> {
    let host = comparison.host;
    let mut ty = spec.root;
    for (level, step) in local.steps.iter().enumerate() {
        comparison.step()?;
        ty = host.btf.strip(ty);
        if step.named {
            match member(comparison, step, ty, spec)? {
                Some(next) => ty = next,
                None => return Ok(false),
            }
            continue;
        }
        // The first step is in an array of the type itself.
        if level > 0 {
            let Some(Type::Array { elem, len, .. }) = host.btf.get(ty) else { return Ok(false) };
            if step.index >= len && !spec.is_flexible(host.btf, len) {
                return Ok(false);
            }
            ty = host.btf.strip(elem);
        }
        if spec.path.len() == MAX_PATH {
            return Err(TooDeep);
        }
        spec.path.push(step.index);
        // A type that is only declared has no fields.
        if spec.element(host, ty, step.index).is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Steps to the member that has the name of the object's, in this type or in anonymous ones within
/// it; gives its type. None of it is left in `spec` when there is none.
fn member(
    comparison: &mut Comparison<'_>,
    step: &Step,
    ty: TypeId,
    spec: &mut Spec,
) -> Result<Option<TypeId>, TooDeep> {
    let ours = members(comparison.local.btf, step.ty)
        .and_then(|found| found.members.get(step.index as usize));
    let ty = comparison.host.btf.strip(ty);
    let (Some(ours), Some(theirs)) = (ours, members(comparison.host.btf, ty)) else {
        return Ok(None);
    };
    if spec.path.len() == MAX_PATH && !theirs.members.is_empty() {
        return Err(TooDeep);
    }
    for (index, theirs) in (0..).zip(theirs.members) {
        comparison.step()?;
        let before = spec.bit_offset;
        spec.bit_offset += u64::from(theirs.bit_offset);
        spec.path.push(index);
        if theirs.name.is_empty() {
            if let Some(found) = member(comparison, step, theirs.ty, spec)? {
                return Ok(Some(found));
            }
        } else if theirs.name == ours.name {
            if comparison.fields_fit(ours.ty, theirs.ty) {
                spec.steps.push(Step { ty, index, named: true });
                return Ok(Some(theirs.ty));
            }
            spec.bit_offset = before;
            spec.path.pop();
            return Ok(None);
        }
        spec.bit_offset = before;
        spec.path.pop();
    }
    Ok(None)
}
