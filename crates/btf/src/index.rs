//! Finding types by kind and name. Built on first use; holds ids only, no names.

use std::hash::{BuildHasher, RandomState};

use crate::types::{Kind, TypeId};
use crate::{Btf, Type};

/// An open hash table of type ids, keyed by kind and name.
#[derive(Clone)]
pub(crate) struct NameIndex {
    /// Type ids, 0 for an empty place; the length is a power of two, at least twice the entries.
    slots: Box<[u32]>,
    /// Seeded at random: a file cannot be made whose names all collide.
    hasher: RandomState,
}

impl NameIndex {
    fn build(btf: &Btf) -> NameIndex {
        let named = btf.iter().filter(|(_, ty)| !ty.name().is_empty()).count();
        let mut index = NameIndex {
            slots: vec![0; (named * 2).next_power_of_two().max(2)].into(),
            hasher: RandomState::new(),
        };
        for (id, ty) in btf.iter() {
            let name = ty.name();
            if name.is_empty() {
                continue;
            }
            let place = index.place(btf, ty.kind(), name);
            // The first of several equal names stays.
            if index.slots[place] == 0 {
                index.slots[place] = id.0;
            }
        }
        index
    }

    /// Where this name is, or where it would go.
    fn place(&self, btf: &Btf, kind: Kind, name: &str) -> usize {
        let mask = self.slots.len() - 1;
        let mut place = self.hasher.hash_one((kind as u8, name)) as usize & mask;
        loop {
            let id = self.slots[place];
            let same = |ty: Type<'_>| ty.kind() == kind && ty.name() == name;
            if id == 0 || btf.get(TypeId(id)).is_some_and(same) {
                return place;
            }
            place = (place + 1) & mask;
        }
    }
}

impl Btf {
    /// The first type of this kind with this name.
    pub fn by_name(&self, kind: Kind, name: &str) -> Option<TypeId> {
        if name.is_empty() {
            return None;
        }
        let index = self.names.get_or_init(|| NameIndex::build(self));
        let id = index.slots[index.place(self, kind, name)];
        (id != 0).then_some(TypeId(id))
    }
}
