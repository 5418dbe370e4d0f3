//! Whether a field or a type of an object may be read as one of the host: the loose comparison, for
//! everything but [`crate::CoreKind::TypeMatches`].

use super::name::essential;
use super::side::Side;
use super::{MAX_DEPTH, MAX_WORK};
use crate::{Kind, Type, TypeId};

/// Types that are nested too deep, or take too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooDeep;

/// Two sides, and how much they have been compared already.
#[derive(Debug)]
pub(super) struct Comparison<'a> {
    pub(super) local: Side<'a>,
    pub(super) host: Side<'a>,
    left: u32,
}

/// What kinds of types may stand for each other: equal ones, and both kinds of enum.
pub(super) fn kinds_fit(local: Option<Kind>, host: Option<Kind>) -> bool {
    let is_enum = |kind| matches!(kind, Some(Kind::Enum | Kind::Enum64));
    local == host || is_enum(local) && is_enum(host)
}

pub(super) fn is_composite(ty: &Option<Type<'_>>) -> bool {
    matches!(ty, Some(Type::Struct(_) | Type::Union(_)))
}

fn kind(ty: &Option<Type<'_>>) -> Option<Kind> {
    ty.as_ref().map(Type::kind)
}

impl<'a> Comparison<'a> {
    pub(super) fn new(local: Side<'a>, host: Side<'a>) -> Comparison<'a> {
        Comparison { local, host, left: MAX_WORK }
    }

    /// Counts one more comparison.
    pub(super) fn step(&mut self) -> Result<(), TooDeep> {
        self.left = self.left.checked_sub(1).ok_or(TooDeep)?;
        Ok(())
    }

    /// Whether a member of the object's type is the one of that name on the host: structs and unions
    /// always are, for what is in them is compared when it is accessed; integers and pointers of any
    /// size are.
    pub(super) fn fields_fit(&self, local: TypeId, host: TypeId) -> bool {
        let (mut local, mut host) = (local, host);
        loop {
            let (ours, theirs) = (self.local.behind(local), self.host.behind(host));
            if is_composite(&ours) && is_composite(&theirs) {
                return true;
            }
            if !kinds_fit(kind(&ours), kind(&theirs)) {
                return false;
            }
            match (ours, theirs) {
                (Some(Type::Array { elem: ours, .. }), Some(Type::Array { elem: theirs, .. })) => {
                    (local, host) = (ours, theirs);
                }
                (Some(Type::Ptr { .. } | Type::Float { .. }), _) => return true,
                // Integers that begin inside a byte are bit fields of old compilers.
                (Some(Type::Int { offset: ours, .. }), Some(Type::Int { offset: theirs, .. })) => {
                    return ours == 0 && theirs == 0;
                }
                (
                    Some(ours @ (Type::Fwd { .. } | Type::Enum(_) | Type::Enum64(_))),
                    Some(theirs),
                ) => {
                    let (ours, theirs) = (essential(ours.name()), essential(theirs.name()));
                    return ours.is_empty() || theirs.is_empty() || ours == theirs;
                }
                _ => return false,
            }
        }
    }

    /// Whether a type of the host is of the sort of the object's; that their names fit was seen
    /// before.
    pub(super) fn types_fit(&mut self, local: TypeId, host: TypeId) -> Result<bool, TooDeep> {
        let kind = |side: Side<'_>, id| side.btf.get(id).map(|ty| ty.kind());
        if !kinds_fit(kind(self.local, local), kind(self.host, host)) {
            return Ok(false);
        }
        self.types_fit_behind(local, host, MAX_DEPTH)
    }

    fn types_fit_behind(
        &mut self,
        local: TypeId,
        host: TypeId,
        level: u32,
    ) -> Result<bool, TooDeep> {
        let (mut local, mut host) = (local, host);
        for _ in 0..MAX_DEPTH {
            self.step()?;
            let (ours, theirs) = (self.local.behind(local), self.host.behind(host));
            if !kinds_fit(kind(&ours), kind(&theirs)) {
                return Ok(false);
            }
            match (ours, theirs) {
                (Some(Type::Ptr { to: ours }), Some(Type::Ptr { to: theirs }))
                | (Some(Type::Array { elem: ours, .. }), Some(Type::Array { elem: theirs, .. })) => {
                    (local, host) = (ours, theirs);
                }
                (Some(Type::Int { offset: ours, .. }), Some(Type::Int { offset: theirs, .. })) => {
                    return Ok(ours == 0 && theirs == 0);
                }
                (
                    Some(Type::FuncProto { ret: our_ret, params: ours }),
                    Some(Type::FuncProto { ret: their_ret, params: theirs }),
                ) => {
                    if ours.len() != theirs.len() {
                        return Ok(false);
                    }
                    for (ours, theirs) in ours.iter().zip(theirs) {
                        if level <= 1 {
                            return Err(TooDeep);
                        }
                        if !self.types_fit_behind(ours.ty, theirs.ty, level - 1)? {
                            return Ok(false);
                        }
                    }
                    (local, host) = (our_ret, their_ret);
                }
                (None, _)
                | (
                    Some(
                        Type::Struct(_)
                        | Type::Union(_)
                        | Type::Enum(_)
                        | Type::Enum64(_)
                        | Type::Fwd { .. },
                    ),
                    _,
                ) => return Ok(true),
                _ => return Ok(false),
            }
        }
        Err(TooDeep)
    }
}
