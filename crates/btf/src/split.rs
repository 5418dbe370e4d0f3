//! Split BTF and what it stands on: put on another base, and made independent of all of a base but
//! the names and sizes of what it uses (a module's `.BTF.base`). Reads no files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::build::{Builder, IdMap};
use crate::record::references;
use crate::types::{Kind, Type, TypeId};
use crate::{Btf, BtfError};

impl Btf {
    /// The same types over a distilled base: one that has only what these types use of the old one,
    /// integers and floating-point numbers whole, of named structs, unions and enums the size. Whatever
    /// has no name to be found by becomes part of the result itself. `base()` of the result is the
    /// distilled base. What has no base is returned as it is.
    ///
    /// The rules are those of libbpf's `btf__distill_base`: a module so described fits kernels other
    /// than the one it was built for; see [`Btf::rebase`].
    ///
    /// # Errors
    /// None for what [`Btf::parse_split`] accepts, but for types that are nested too deep.
    pub fn distill(&self) -> Result<Btf, BtfError> {
        if self.base.is_none() {
            return Ok(self.clone());
        }
        let (mut small, mut moved) = (Vec::new(), Vec::new());
        for id in self.used_of_base() {
            if self.is_found_by_name(id) { small.push(id) } else { moved.push(id) }
        }
        let mut base = Builder::new();
        let mut map = IdMap((0..=self.len() as u32).collect());
        for id in small {
            map.0[id.0 as usize] = base.next_id().0;
            match self.get(id) {
                Some(Type::Struct(composite)) => {
                    base.composite(false, composite.name, composite.size, &[]);
                }
                Some(Type::Union(composite)) => {
                    base.composite(true, composite.name, composite.size, &[]);
                }
                Some(Type::Enum(found) | Type::Enum64(found)) => {
                    base.sized_enum(found.name, found.size);
                }
                _ => base.copy(self, id, &IdMap(Vec::new())),
            }
        }
        let mut split = Builder::on(&Arc::new(base.finish(self.order)?));
        let first = split.next_id().0;
        let ids = || self.own_ids().chain(moved.iter().copied());
        for (number, id) in ids().enumerate() {
            map.0[id.0 as usize] = first + number as u32;
        }
        ids().for_each(|id| split.copy(self, id, &map));
        split.finish(self.order)
    }

    /// The same types over another base, in which the types that they use are found by name, kind and
    /// size: how a module's types are put on a kernel that it was not built for. The size of a struct
    /// counts only where it is part of a struct here. What has no base is returned as it is.
    ///
    /// # Errors
    /// The new base lacks a type, or has several that would do; or its byte order is another.
    pub fn rebase(&self, base: &Arc<Btf>) -> Result<Btf, BtfError> {
        let small = self.distill()?;
        if small.base.is_none() {
            return Ok(small);
        }
        let below = small.types_below();
        let embedded = small.embedded();
        let mut wanted: HashMap<&str, Vec<(TypeId, Found)>> = HashMap::new();
        for id in (1..=below).map(TypeId) {
            let name = small.named(id).map_or("", |(_, name)| name);
            wanted.entry(name).or_default().push((id, Found::default()));
        }
        for id in base.ids() {
            let Some((_, name)) = base.named(id) else { continue };
            for (old, found) in wanted.get_mut(name).into_iter().flatten() {
                found.add(fits(&small, *old, embedded.contains(old), base, id), id);
            }
        }
        let mut split = Builder::on(base);
        let mut map = IdMap((0..=small.len() as u32).collect());
        for (old, found) in wanted.into_values().flatten() {
            let missing = |found| {
                let name = small.declaration(old, "").trim().to_owned();
                Err(BtfError::Rebase { id: old, name, found })
            };
            map.0[old.0 as usize] = match (found.exact, found.loose) {
                (Some((id, 1)), _) | (None, Some((id, 1))) => id.0,
                (None, None) => return missing("nothing that would do"),
                _ => return missing("several types that would do"),
            };
        }
        let first = split.next_id().0;
        for (number, id) in small.own_ids().enumerate() {
            map.0[id.0 as usize] = first + number as u32;
        }
        small.own_ids().for_each(|id| split.copy(&small, id, &map));
        split.finish(small.order)
    }

    /// The types of the base that this file needs, by id: those that it refers to, and what those
    /// refer to as far as they have no name to be found by.
    fn used_of_base(&self) -> Vec<TypeId> {
        let below = self.types_below();
        let mut seen = HashSet::new();
        let mut next: Vec<TypeId> = self.own_ids().collect();
        while let Some(id) = next.pop() {
            if id.0 <= below && self.is_found_by_name(id) {
                continue;
            }
            let record = self.whole_record(id).unwrap_or_default();
            next.extend(references(record).map(TypeId).filter(|to| {
                let is_used = to.0 > 0 && to.0 <= below;
                is_used && seen.insert(*to)
            }));
        }
        let mut used: Vec<TypeId> = seen.into_iter().collect();
        used.sort();
        used
    }

    /// Whether another base can be searched for this type.
    fn is_found_by_name(&self, id: TypeId) -> bool {
        let found = self.named(id).map(|(kind, _)| kind);
        // Numbers without a name do not exist, but must go somewhere.
        let kind = found.or(self
            .head(id)
            .map(|(_, kind)| kind)
            .filter(|kind| matches!(kind, Kind::Int | Kind::Float | Kind::Fwd)));
        matches!(
            kind,
            Some(
                Kind::Int
                    | Kind::Float
                    | Kind::Fwd
                    | Kind::Struct
                    | Kind::Union
                    | Kind::Enum
                    | Kind::Enum64
            )
        )
    }

    /// The structs and unions of the base that are part of structs of this file.
    fn embedded(&self) -> HashSet<TypeId> {
        let mut out = HashSet::new();
        for (_, ty) in self.own() {
            let (Type::Struct(composite) | Type::Union(composite)) = ty else { continue };
            for member in composite.members {
                let mut id = self.strip(member.ty);
                while let Some(Type::Array { elem, .. }) = self.get(id) {
                    id = self.strip(elem);
                }
                if id.0 <= self.types_below() {
                    out.insert(id);
                }
            }
        }
        out
    }
}

/// What was found for a type: the first that is the same in size too, the first that would do, and
/// how many there are of each.
#[derive(Debug, Default)]
struct Found {
    exact: Option<(TypeId, u32)>,
    loose: Option<(TypeId, u32)>,
}

impl Found {
    fn add(&mut self, fit: Option<bool>, id: TypeId) {
        let one = match fit {
            Some(true) => &mut self.exact,
            Some(false) => &mut self.loose,
            None => return,
        };
        let (first, count) = one.unwrap_or((id, 0));
        *one = Some((first, count + 1));
    }
}

/// Whether a type of a new base may stand for one of a distilled base of the same name, and whether
/// as it is.
fn fits(small: &Btf, old: TypeId, embedded: bool, base: &Btf, new: TypeId) -> Option<bool> {
    let (old, old_kind) = small.head(old)?;
    let (new, new_kind) = base.head(new)?;
    let same_size = old[2] == new[2];
    match (old_kind, new_kind) {
        (Kind::Int, Kind::Int) => (same_size && old[3] == new[3]).then_some(true),
        (Kind::Float, Kind::Float) | (Kind::Enum, Kind::Enum | Kind::Enum64) => {
            same_size.then_some(true)
        }
        (Kind::Struct, Kind::Struct) | (Kind::Union, Kind::Union) => {
            (same_size || !embedded).then_some(same_size)
        }
        // A definition is better than a declaration.
        (Kind::Fwd, Kind::Fwd) => (old[1] >> 31 == new[1] >> 31).then_some(false),
        (Kind::Fwd, Kind::Struct) => (old[1] >> 31 == 0).then_some(true),
        (Kind::Fwd, Kind::Union) => (old[1] >> 31 != 0).then_some(true),
        _ => None,
    }
}
