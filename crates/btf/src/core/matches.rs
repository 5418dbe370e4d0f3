//! Whether a type of the host looks the same as the object's: the strict comparison, for
//! [`crate::CoreKind::TypeMatches`].

use super::MAX_DEPTH;
use super::compat::{Comparison, TooDeep};
use super::name::essential;
use crate::{Composite, Enumeration, Kind, Type, TypeId};

/// Whether names are equal but for flavours; one that is missing fits only one that is missing.
fn names_fit(local: &str, host: &str) -> bool {
    essential(local) == essential(host)
}

impl Comparison<'_> {
    /// Whether a type of the host matches the object's; that the names of both fit was seen before.
    ///
    /// All that the object's type has must be in the host's, which may have more. Behind pointers
    /// only the names of structs and unions count.
    pub(super) fn types_match(&mut self, local: TypeId, host: TypeId) -> Result<bool, TooDeep> {
        self.matches(local, host, false, MAX_DEPTH)
    }

    fn matches(
        &mut self,
        local: TypeId,
        host: TypeId,
        behind_pointer: bool,
        level: u32,
    ) -> Result<bool, TooDeep> {
        if level == 0 {
            return Err(TooDeep);
        }
        let (mut local, mut host, mut behind_pointer) = (local, host, behind_pointer);
        for _ in 0..MAX_DEPTH {
            self.step()?;
            let (ours, theirs) = match (self.local.behind(local), self.host.behind(host)) {
                (Some(ours), Some(theirs)) => (ours, theirs),
                (None, None) => return Ok(true),
                _ => return Ok(false),
            };
            if !names_fit(ours.name(), theirs.name()) {
                return Ok(false);
            }
            match (ours, theirs) {
                (Type::Fwd { is_union: ours, .. }, Type::Fwd { is_union: theirs, .. }) => {
                    return Ok(ours == theirs);
                }
                (Type::Fwd { is_union, .. }, theirs) | (theirs, Type::Fwd { is_union, .. }) => {
                    let whole = if is_union { Kind::Union } else { Kind::Struct };
                    return Ok(behind_pointer && theirs.kind() == whole);
                }
                (
                    Type::Enum(ours) | Type::Enum64(ours),
                    Type::Enum(theirs) | Type::Enum64(theirs),
                ) => return self.enums_match(&ours, &theirs),
                (Type::Struct(ours), Type::Struct(theirs))
                | (Type::Union(ours), Type::Union(theirs)) => {
                    if behind_pointer {
                        return Ok(true);
                    }
                    return self.members_match(&ours, &theirs, level);
                }
                (
                    Type::Int { size: ours, signed: our_sign, .. },
                    Type::Int { size: theirs, signed: their_sign, .. },
                ) => return Ok(ours == theirs && our_sign == their_sign),
                (Type::Ptr { to: ours }, Type::Ptr { to: theirs }) => {
                    behind_pointer = true;
                    (local, host) = (ours, theirs);
                }
                (
                    Type::Array { elem: ours, len: our_len, .. },
                    Type::Array { elem: theirs, len: their_len, .. },
                ) => {
                    if our_len != their_len {
                        return Ok(false);
                    }
                    (local, host) = (ours, theirs);
                }
                (
                    Type::FuncProto { ret: our_ret, params: ours },
                    Type::FuncProto { ret: their_ret, params: theirs },
                ) => {
                    if ours.len() != theirs.len() {
                        return Ok(false);
                    }
                    for (ours, theirs) in ours.iter().zip(theirs) {
                        if !self.matches(ours.ty, theirs.ty, behind_pointer, level - 1)? {
                            return Ok(false);
                        }
                    }
                    (local, host) = (our_ret, their_ret);
                }
                _ => return Ok(false),
            }
        }
        Err(TooDeep)
    }

    /// Every name of the object's enum has to be in the host's; values may differ.
    fn enums_match(
        &mut self,
        ours: &Enumeration<'_>,
        theirs: &Enumeration<'_>,
    ) -> Result<bool, TooDeep> {
        if ours.size != theirs.size || ours.values.len() > theirs.values.len() {
            return Ok(false);
        }
        for ours in ours.values {
            let mut found = false;
            for theirs in theirs.values {
                self.step()?;
                if names_fit(ours.name, theirs.name) {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Every member of the object's struct has to be in the host's.
    fn members_match(
        &mut self,
        ours: &Composite<'_>,
        theirs: &Composite<'_>,
        level: u32,
    ) -> Result<bool, TooDeep> {
        if ours.members.len() > theirs.members.len() {
            return Ok(false);
        }
        for ours in ours.members {
            let mut found = false;
            for theirs in theirs.members {
                self.step()?;
                if names_fit(ours.name, theirs.name)
                    && self.matches(ours.ty, theirs.ty, false, level - 1)?
                {
                    found = true;
                    break;
                }
            }
            if !found {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
