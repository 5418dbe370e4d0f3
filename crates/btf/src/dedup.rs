//! Finding equal types in graphs with cycles.
//!
//! Two types are equal if no path of references from them, taken in parallel, ever meets two records
//! that differ. That is the coarsest partition of the types in which members of one class have equal
//! words and refer to equal classes, and it is found by refinement:
//!
//! 1. Each type gets a colour from its own words, references left out. Variables and sections
//!    each get one of their own: equal names in two files are still two things.
//! 2. Each colour is mixed with the colours that the type refers to, until the number of colours
//!    no longer grows.
//! 3. Colours are hashes. So every class is verified: its members must have equal words and refer
//!    to equal classes. Should that fail, everything is done again with another seed.
//!
//! A declaration `struct s;` counts as the definition of `struct s` in all of this, provided that
//! all definitions of that name turn out to be in one class. That is assumed at first; for names
//! with which it turns out wrong it is given up, and the refinement goes on from where it is: what
//! was different stays different. If refinement takes too many rounds (only made-up chains of
//! like-named structs do), nothing is merged, which is always correct.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::build::{Builder, IdMap};
use crate::parse::kind_of;
use crate::record::{Field, field, references};
use crate::types::{Kind, TypeId};

/// Real types need about thirty rounds.
const ROUNDS: usize = 512;

/// How often it may begin anew for hashes that collide.
const TRIES: usize = 3;

impl Builder {
    /// Merges equal types, and declarations with the only definition of their name. Says where each
    /// type went; the order of those that stay is kept.
    ///
    /// Valid types stay valid, but for made-up ones that have a declared struct as a member: its
    /// definition may contain them, which [`Builder::finish`] refuses.
    ///
    /// Over a base, types that are equal to one of the base become that one; those of the base stay as they
    /// are, its declarations too.
    pub fn dedup(&mut self) -> IdMap {
        let count = self.next_id().0 as usize;
        let own = self.types_below() as usize + 1;
        let all = || IdMap((0..count as u32).collect());
        if (own..count).any(|id| references(self.at(id)).any(|to| to as usize >= count)) {
            // Not finished yet, or never right: `finish` will say which.
            return all();
        }
        for _ in 0..TRIES {
            let Some((colours, stands_for)) = self.colours() else { break };
            if let Some((kept, map)) = self.classes(&colours, &stands_for) {
                self.keep(&kept, &map);
                return map;
            }
        }
        all()
    }

    fn at(&self, id: usize) -> &[u32] {
        self.record(TypeId(id as u32))
    }

    /// The name and kind that a record declares without defining it.
    fn declared(&self, id: usize) -> Option<(Kind, u32)> {
        let record = self.at(id);
        let is_union = *record.get(1)? >> 31 != 0;
        (kind_of(record[1]) == Kind::Fwd)
            .then_some((if is_union { Kind::Union } else { Kind::Struct }, record[0]))
    }

    /// The definitions of each named struct and union.
    fn definitions(&self, count: usize) -> HashMap<(Kind, u32), Vec<usize>> {
        let mut out: HashMap<_, Vec<usize>> = HashMap::new();
        for id in 1..count {
            let record = self.at(id);
            let kind = kind_of(record[1]);
            if matches!(kind, Kind::Struct | Kind::Union) && record[0] != 0 {
                out.entry((kind, record[0])).or_default().push(id);
            }
        }
        out
    }

    /// The stable colours, and what each type counts as: a declaration as the first definition of its
    /// name. `None` if there are too many rounds.
    fn colours(&self) -> Option<(Vec<u64>, Vec<usize>)> {
        let (count, own_ids) = (self.next_id().0 as usize, self.types_below() as usize + 1);
        let full = self.definitions(count);
        let mut stands_for: Vec<usize> = (0..count)
            .map(|id| match self.declared(id).filter(|_| id >= own_ids) {
                Some(key) => full.get(&key).map_or(id, |ids| ids[0]),
                None => id,
            })
            .collect();
        let mut declarations: Vec<usize> =
            (own_ids..count).filter(|id| stands_for[*id] != *id).collect();

        let hasher = RandomState::new();
        let own_colour = |id: usize| {
            let record = self.at(id);
            let plain: Vec<u32> = own(record).collect();
            let single = match kind_of(record[1]) {
                Kind::Var | Kind::DataSec => id,
                _ => 0,
            };
            hasher.hash_one((single, plain))
        };
        let mut colours: Vec<u64> =
            (0..count).map(|id| if id == 0 { 0 } else { own_colour(id) }).collect();
        let mut known = 0;
        let mut mixed = Vec::new();
        for _ in 0..ROUNDS {
            for id in &declarations {
                colours[*id] = colours[stands_for[*id]];
            }
            let distinct = colours.iter().collect::<HashSet<_>>().len();
            if distinct == known {
                // Stable; but names may have been found to mean more than one thing.
                let before = declarations.len();
                declarations.retain(|id| {
                    let same =
                        self.declared(*id).and_then(|key| full.get(&key)).is_some_and(|ids| {
                            ids.iter().all(|other| colours[*other] == colours[ids[0]])
                        });
                    if !same {
                        stands_for[*id] = *id;
                        colours[*id] = own_colour(*id);
                    }
                    same
                });
                if declarations.len() == before {
                    return Some((colours, stands_for));
                }
            }
            known = distinct;
            let next = (0..count)
                .map(|id| {
                    if id == 0 {
                        return colours[0];
                    }
                    mixed.clear();
                    mixed.push(colours[id]);
                    mixed.extend(references(self.at(id)).map(|to| colours[to as usize]));
                    hasher.hash_one(&mixed)
                })
                .collect();
            colours = next;
        }
        None
    }

    /// The types that stay, the first of each class, and where all go; `None` if a class holds what is
    /// not equal.
    fn classes(&self, colours: &[u64], stands_for: &[usize]) -> Option<(Vec<TypeId>, IdMap)> {
        let below = self.types_below() as usize;
        let mut first: HashMap<u64, usize> = HashMap::new();
        let mut kept = Vec::new();
        let mut number: Vec<u32> = (0..=below as u32).collect();
        number.resize(colours.len(), 0);
        for id in 1..colours.len() {
            if stands_for[id] == id && !first.contains_key(&colours[id]) {
                first.insert(colours[id], id);
                if id > below {
                    kept.push(TypeId(id as u32));
                    number[id] = (below + kept.len()) as u32;
                }
            }
        }
        for id in below + 1..colours.len() {
            let representative = *first.get(&colours[stands_for[id]])?;
            let (one, other) = (self.at(representative), self.at(stands_for[id]));
            let same = own(one).eq(own(other))
                && references(one)
                    .map(|to| colours[to as usize])
                    .eq(references(other).map(|to| colours[to as usize]));
            if !same {
                return None;
            }
            number[id] = number[representative];
        }
        Some((kept, IdMap(number)))
    }
}

/// The words of a record that are not references.
fn own(record: &[u32]) -> impl Iterator<Item = u32> {
    let info = record[1];
    record
        .iter()
        .enumerate()
        .filter(move |(index, _)| field(info, *index) != Field::Type)
        .map(|(_, word)| *word)
}
