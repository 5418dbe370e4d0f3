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
    fn new() -> Hasher {
        let random = RandomState::new();
        Hasher { start: random.hash_one(0), factor: random.hash_one(1) | 1 }
    }

    /// Of a name: all words of eight bytes, and one more that holds the rest and ends with zero.
    pub(crate) fn hash(&self, name: &str) -> u64 {
        let (words, rest) = name.as_bytes().as_chunks::<8>();
        let hash =
            words.iter().fold(self.start, |hash, word| self.mix(hash, u64::from_le_bytes(*word)));
        self.last(hash, rest.iter().rev().fold(0, |tail, byte| tail << 8 | u64::from(*byte)))
    }

    /// The same of the name that begins here and ends with NUL; `each` sees its words.
    pub(crate) fn hash_at(&self, text: &[u8], each: &mut impl FnMut(u64)) -> u64 {
        const ONES: u64 = u64::MAX / 255;
        let (mut hash, mut text) = (self.start, text);
        loop {
            let word = match text.first_chunk() {
                Some(word) => u64::from_le_bytes(*word),
                None => text.iter().rev().fold(0, |tail, byte| tail << 8 | u64::from(*byte)),
            };
            // The lowest bit that is set here is in the first byte that is zero.
            let zeros = word.wrapping_sub(ONES) & !word & ONES << 7;
            if zeros != 0 {
                let tail = word & ((zeros & zeros.wrapping_neg()) >> 7).wrapping_sub(1);
                each(tail);
                return self.last(hash, tail);
            }
            each(word);
            hash = self.mix(hash, word);
            text = text.get(8..).unwrap_or_default();
        }
    }

    fn last(&self, hash: u64, tail: u64) -> u64 {
        self.mix(self.mix(hash, tail), self.start)
    }

    /// Both halves of a product: every bit of the input reaches every bit of one of them.
    fn mix(&self, hash: u64, word: u64) -> u64 {
        let product = u128::from(hash ^ word) * u128::from(self.factor);
        product as u64 ^ (product >> 64) as u64
    }
}

/// Type ids in buckets by the hash of a name, in each bucket in their order. What a name is, and
/// which types it is of, is up to who fills it and looks again at what it finds.
#[derive(Debug, Clone)]
pub(crate) struct Buckets {
    /// Where each bucket begins in `ids`, and where the last one ends.
    starts: Box<[u32]>,
    ids: Box<[u32]>,
    pub(crate) hasher: Hasher,
}

impl Buckets {
    /// Fills the buckets with the types from `first` on; `hash` knows that of the name of each of
    /// `count` types, if it has one, and is asked once for each.
    pub(crate) fn build(
        first: u32,
        count: usize,
        mut hash: impl FnMut(&Hasher, TypeId) -> Option<u64>,
    ) -> Buckets {
        let hasher = Hasher::new();
        let buckets = (count / 2).next_power_of_two();
        let mut of = Vec::with_capacity(count);
        let mut starts = vec![0; buckets + 1];
        for id in first..first + count as u32 {
            let bucket = hash(&hasher, TypeId(id)).map(|hash| hash as usize & (buckets - 1));
            if let Some(bucket) = bucket {
                starts[bucket] += 1;
            }
            of.push(bucket.map_or(u32::MAX, |bucket| bucket as u32));
        }
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut ids = vec![0; end as usize];
        for (number, bucket) in of.iter().enumerate().rev() {
            if let Some(start) = starts[..buckets].get_mut(*bucket as usize) {
                *start -= 1;
                ids[*start as usize] = first + number as u32;
            }
        }
        Buckets { starts: starts.into(), ids: ids.into(), hasher }
    }

    /// The types whose name may have this hash.
    pub(crate) fn with(&self, hash: u64) -> impl Iterator<Item = TypeId> {
        let bucket = hash as usize & (self.starts.len() - 2);
        let range = self.starts[bucket] as usize..self.starts[bucket + 1] as usize;
        self.ids[range].iter().map(|id| TypeId(*id))
    }
}

/// Kinds have the same names; this keeps them apart.
fn of_kind(hash: u64, kind: Kind) -> u64 {
    hash.wrapping_add(kind as u64)
}

impl Btf {
    /// The kind and name of a type that has a name.
    pub(crate) fn named(&self, id: TypeId) -> Option<(Kind, &str)> {
        let (kind, offset) = self.name_place(id)?;
        Some((kind, self.name(offset))).filter(|(_, name)| !name.is_empty())
    }

    /// The kind of a type that can have a name, and where in the strings that is.
    fn name_place(&self, id: TypeId) -> Option<(Kind, u32)> {
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
        (!has_none && record[0] != 0).then_some((kind, record[0]))
    }

    /// The kind of a type that has a name, and the hash of that; `each` sees its words.
    pub(crate) fn name_hash(
        &self,
        id: TypeId,
        hasher: &Hasher,
        each: &mut impl FnMut(u64),
    ) -> Option<(Kind, u64)> {
        let (kind, offset) = self.name_place(id)?;
        let text = self.text_at(offset)?;
        (*text.first()? != 0).then(|| (kind, hasher.hash_at(text, each)))
    }

    /// The first type of this kind with this name. Those of a base come first.
    pub fn by_name(&self, kind: Kind, name: &str) -> Option<TypeId> {
        if name.is_empty() {
            return None;
        }
        if let Some(id) = self.base().and_then(|base| base.by_name(kind, name)) {
            return Some(id);
        }
        let index = self.names.get_or_init(|| {
            Buckets::build(self.types_below() + 1, self.starts.len() - 1, |hasher, id| {
                let (kind, hash) = self.name_hash(id, hasher, &mut |_| ())?;
                Some(of_kind(hash, kind))
            })
        });
        let mut found = index.with(of_kind(index.hasher.hash(name), kind));
        found.find(|id| self.named(*id) == Some((kind, name)))
    }
}
