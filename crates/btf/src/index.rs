//! Finding types by kind and name. Built on first use; holds ids only, no names.

use std::hash::{BuildHasher, RandomState};

use crate::Btf;
use crate::types::{Kind, TypeId};

/// A hash of names, seeded at random: a file cannot be made whose names all collide.
///
/// Names are short and there are a hundred thousand in a kernel, so this is one multiplication for
/// eight bytes; nothing that is stored or shown depends on it.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    start: u64,
    factor: u64,
}

impl Hasher {
    pub(crate) fn new() -> Hasher {
        let random = RandomState::new();
        Hasher { start: random.hash_one(0), factor: random.hash_one(1) | 1 }
    }

    pub(crate) fn hash(&self, name: &str) -> u64 {
        let (words, rest) = name.as_bytes().as_chunks::<8>();
        let mut hash = self.start ^ name.len() as u64;
        for word in words {
            hash = self.mix(hash, u64::from_le_bytes(*word));
        }
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u64::from(*byte));
        self.mix(self.mix(hash, tail), self.start)
    }

    /// Both halves of a product: every bit of the input reaches every bit of one of them.
    fn mix(&self, hash: u64, word: u64) -> u64 {
        let product = u128::from(hash ^ word) * u128::from(self.factor);
        product as u64 ^ (product >> 64) as u64
    }
}

/// An open hash table of the types of one file, keyed by kind and name.
#[derive(Clone)]
pub(crate) struct NameIndex {
    /// Type ids, 0 for an empty place; the length is a power of two, at least twice the entries.
    slots: Box<[u32]>,
    hasher: Hasher,
}

impl NameIndex {
    fn build(btf: &Btf) -> NameIndex {
        let named = btf.own_ids().filter(|id| btf.named(*id).is_some()).count();
        let mut index = NameIndex {
            slots: vec![0; (named * 2).next_power_of_two().max(2)].into(),
            hasher: Hasher::new(),
        };
        for id in btf.own_ids() {
            let Some((kind, name)) = btf.named(id) else { continue };
            let place = index.place(btf, kind, name);
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
        let mut place = self.hasher.hash(name).wrapping_add(kind as u64) as usize & mask;
        loop {
            let id = self.slots[place];
            if id == 0 || btf.named(TypeId(id)) == Some((kind, name)) {
                return place;
            }
            place = (place + 1) & mask;
        }
    }
}

impl Btf {
    /// The kind and name of a type that has a name.
    pub(crate) fn named(&self, id: TypeId) -> Option<(Kind, &str)> {
        let (record, kind) = self.head(id)?;
        // Where the others have a name, it is always the first word; and 0 is no name.
        let has_none = matches!(
            kind,
            Kind::Ptr
                | Kind::Array
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::FuncProto
        );
        if has_none || record[0] == 0 {
            return None;
        }
        Some((kind, self.name(record[0]))).filter(|(_, name)| !name.is_empty())
    }

    /// The first type of this kind with this name. Those of a base come first.
    pub fn by_name(&self, kind: Kind, name: &str) -> Option<TypeId> {
        if name.is_empty() {
            return None;
        }
        if let Some(id) = self.base().and_then(|base| base.by_name(kind, name)) {
            return Some(id);
        }
        let index = self.names.get_or_init(|| NameIndex::build(self));
        let id = index.slots[index.place(self, kind, name)];
        (id != 0).then_some(TypeId(id))
    }
}
