//! Two whole files: which types and functions are in one only, and which differ.

use std::collections::BTreeMap;

use super::{Comparison, Difference, Rules};
use crate::{Btf, Kind, TypeId};

/// How many like-named types of each side are tried against each other. Kernels have some tens.
const MAX_ALIKE: usize = 64;

/// What differs between two files, sorted by kind and name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diff {
    /// What only the other file has.
    pub added: Vec<Entry>,
    /// What only this file has.
    pub removed: Vec<Entry>,
    /// What both have, but not the same.
    pub changed: Vec<Change>,
    /// How many are the same.
    pub same: usize,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// A type, function, variable or section of this kind; a struct or union that is only declared
    /// counts as one, and so do both kinds of enum.
    Type(Kind),
    /// A value of an enum that has no name.
    Constant,
}

/// Something that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: What,
    /// Its name.
    pub name: String,
    /// Its id in the file that has it; of a constant that of its enum.
    pub id: TypeId,
}

/// Something that is not the same in both files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is.
    pub kind: What,
    /// Its name.
    pub name: String,
    /// Its id in this file.
    pub here: TypeId,
    /// Its id in the other file.
    pub there: TypeId,
    /// How it differs.
    pub differences: Vec<Difference>,
}

/// What is looked up by name: the ids on both sides.
type Names<'a> = BTreeMap<(Kind, &'a str), [Vec<TypeId>; 2]>;

impl Btf {
    /// How another file differs from this one: everything that has a name which `wanted` accepts.
    ///
    /// A type is changed if what it says itself is; types of other names that it uses count by their
    /// names ([`Rules::STRICT`]). Several types of one name are paired as they fit best. Of split BTF over
    /// one and the same base only its own types are compared.
    pub fn diff(&self, other: &Btf, wanted: impl Fn(&str) -> bool) -> Diff {
        let mut names = Names::new();
        // What both stand on is the same.
        let shared = match (self.base(), other.base()) {
            (Some(one), Some(other)) if one == other => one.len() as u32,
            _ => 0,
        };
        for (side, btf) in [self, other].into_iter().enumerate() {
            for id in (shared + 1..=btf.len() as u32).map(TypeId) {
                if let Some((kind, name)) = entry(btf, id).filter(|(_, name)| wanted(name)) {
                    names.entry((kind, name)).or_default()[side].push(id);
                }
            }
        }
        let mut comparison = Comparison::new(self, other, Rules::STRICT);
        let mut diff = Diff::default();
        for ((kind, name), [here, there]) in names {
            let here = definitions(self, here);
            let there = definitions(other, there);
            diff.add(What::Type(kind), name, here, there, &mut comparison);
        }
        diff.add_constants([self, other], shared, wanted);
        diff
    }
}

impl Diff {
    /// Whether there is no difference.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    fn add(
        &mut self,
        kind: What,
        name: &str,
        mut here: Vec<TypeId>,
        mut there: Vec<TypeId>,
        comparison: &mut Comparison<'_>,
    ) {
        let before = here.len();
        here.retain(|one| {
            let is_same = |other: &TypeId| comparison.types(*one, *other).is_empty();
            match there.iter().take(MAX_ALIKE).position(is_same) {
                Some(at) => {
                    there.remove(at);
                    false
                }
                None => true,
            }
        });
        self.same += before - here.len();
        let pairs = here.len().min(there.len());
        for (one, other) in here.drain(..pairs).zip(there.drain(..pairs)) {
            let differences = comparison.types(one, other);
            // Beyond those that were tried there may be some that are the same.
            if differences.is_empty() {
                self.same += 1;
                continue;
            }
            let name = name.to_owned();
            self.changed.push(Change { kind, name, here: one, there: other, differences });
        }
        let entry = |id| Entry { kind, name: name.to_owned(), id };
        self.removed.extend(here.into_iter().map(entry));
        self.added.extend(there.into_iter().map(entry));
    }
}

/// What a type is looked up as. Tags are part of what they are on.
fn entry(btf: &Btf, id: TypeId) -> Option<(Kind, &str)> {
    let (kind, name) = btf.named(id)?;
    let kind = match kind {
        Kind::DeclTag | Kind::TypeTag => return None,
        Kind::Fwd if btf.record(id)?[1] >> 31 != 0 => Kind::Union,
        Kind::Fwd => Kind::Struct,
        Kind::Enum64 => Kind::Enum,
        kind => kind,
    };
    Some((kind, name))
}

/// Without those that are only declared, if there are others; of those, one.
fn definitions(btf: &Btf, mut ids: Vec<TypeId>) -> Vec<TypeId> {
    let is_declared = |id: &TypeId| matches!(btf.head(*id), Some((_, Kind::Fwd)));
    if ids.iter().all(is_declared) {
        ids.truncate(1);
    } else {
        ids.retain(|id| !is_declared(id));
    }
    ids
}
