//! Going through a map from the host's side, a chain or an element at a time. Changes nothing.

use std::vec;

use crate::{Map, MapKind};

/// Keys and values of a map; see [`Map::iter`].
#[derive(Debug)]
pub struct Entries<'a> {
    map: &'a Map,
    /// The next index or chain, and the last.
    next: u32,
    last: Option<u32>,
    chain: vec::IntoIter<(Vec<u8>, Vec<u8>)>,
}

impl<'a> Entries<'a> {
    pub(crate) fn new(map: &'a Map) -> Entries<'a> {
        let last = match map.table() {
            Some(table) => Some(table.last_chain()),
            None if map.def().kind == MapKind::Ringbuf => None,
            None => Some(map.def().max_entries - 1),
        };
        Entries { map, next: 0, last, chain: Vec::new().into_iter() }
    }

    /// The entries of one chain, or of one index.
    fn at(&self, index: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
        if let Some(table) = self.map.table() {
            let mut entries = table.chain(index, self.map.def().key_size as usize);
            for (_, value) in &mut entries {
                value.truncate(self.map.host_value_size());
            }
            return entries;
        }
        let key = index.to_ne_bytes();
        self.map.get(&key).map(|value| (key.to_vec(), value)).into_iter().collect()
    }
}

impl Iterator for Entries<'_> {
    type Item = (Vec<u8>, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.chain.next() {
                return Some(entry);
            }
            let last = self.last?;
            self.chain = self.at(self.next).into_iter();
            if self.next == last {
                self.last = None;
            } else {
                self.next += 1;
            }
        }
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (Vec<u8>, Vec<u8>);
    type IntoIter = Entries<'a>;

    fn into_iter(self) -> Entries<'a> {
        self.iter()
    }
}
