//! Names by number: each is kept once, and found by a table with open addressing.
//!
//! Knows nothing of what is called so. Most names are short: those of at most eight bytes are
//! compared as one number.

/// The number of a name, in the order in which they came.
pub(crate) type NameId = u32;

/// What is compared instead of a name: all of it if it is short, else its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    head: u64,
    hash: u32,
}

/// At most eight bytes as a number.
#[inline]
fn head(name: &[u8]) -> u64 {
    let half = |at: usize| name[at..].first_chunk().map_or(0, |half| u32::from_le_bytes(*half));
    match name {
        [a, b, c, d, e, f, g, h, ..] => u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
        // Two halves that lie on each other, where the bytes are equal.
        [_, _, _, _, rest @ ..] => {
            u64::from(half(0)) | u64::from(half(rest.len())) << (8 * rest.len())
        }
        [a, b, c] => u64::from(u32::from_le_bytes([*a, *b, *c, 0])),
        [a, b] => u64::from(u16::from_le_bytes([*a, *b])),
        [a] => u64::from(*a),
        [] => 0,
    }
}

const MIX: u64 = 0x51_7c_c1_b7_27_22_0a_95;

impl Key {
    #[inline]
    fn of(name: &[u8]) -> Key {
        let head = head(name);
        let mut state = (head ^ name.len() as u64).wrapping_mul(MIX);
        let mut rest = name;
        while let [_, _, _, _, _, _, _, _, more @ ..] = rest {
            rest = more;
            state = (state.rotate_left(5) ^ self::head(rest)).wrapping_mul(MIX);
        }
        Key { head, hash: (state >> 32) as u32 }
    }

    /// The same, of less than eight bytes that are at hand as a number.
    #[inline]
    fn short(head: u64, length: usize) -> Key {
        Key { head, hash: ((head ^ length as u64).wrapping_mul(MIX) >> 32) as u32 }
    }
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: Key,
    start: u32,
    end: u32,
}

/// The names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    text: String,
    entries: Vec<Entry>,
    /// One more than the number of a name; 0 for none. At most a quarter of it is filled.
    table: Vec<u32>,
}

impl Names {
    /// The place in the table where a name is, or where it would be put. `rest` is what it has
    /// after the eight bytes of its key.
    #[inline]
    fn place(&self, key: Key, length: usize, rest: &[u8]) -> usize {
        let mask = self.table.len() - 1;
        let mut at = key.hash as usize & mask;
        while let Some(id) = self.table[at].checked_sub(1) {
            let entry = &self.entries[id as usize];
            if entry.key == key
                && (entry.end - entry.start) as usize == length
                && (length <= 8 || self.text(id).as_bytes()[8..] == *rest)
            {
                break;
            }
            at = (at + 1) & mask;
        }
        at
    }

    fn place_of(&self, name: &[u8], key: Key) -> usize {
        self.place(key, name.len(), name.get(8..).unwrap_or_default())
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(64);
        self.table = vec![0; size];
        for (id, entry) in self.entries.iter().enumerate() {
            let mut at = entry.key.hash as usize & (size - 1);
            while self.table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.table[at] = id as u32 + 1;
        }
    }

    /// The number of a name, which is added if it is new.
    pub(crate) fn intern(&mut self, name: &str) -> NameId {
        if self.entries.len() * 4 >= self.table.len() {
            self.grow();
        }
        let key = Key::of(name.as_bytes());
        let place = self.place_of(name.as_bytes(), key);
        if let Some(id) = self.table[place].checked_sub(1) {
            return id;
        }
        let start = self.text.len() as u32;
        self.text.push_str(name);
        self.entries.push(Entry { key, start, end: self.text.len() as u32 });
        let id = (self.entries.len() - 1) as NameId;
        self.table[place] = id + 1;
        id
    }

    /// The number of a name, if it was added.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<NameId> {
        if self.table.is_empty() {
            return None;
        }
        self.table[self.place_of(name, Key::of(name))].checked_sub(1)
    }

    /// The same for a name of less than eight bytes that is at hand as a number.
    #[inline]
    pub(crate) fn find_short(&self, head: u64, length: usize) -> Option<NameId> {
        if self.table.is_empty() {
            return None;
        }
        self.table[self.place(Key::short(head, length), length, &[])].checked_sub(1)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// All names, in the order of their numbers.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        (0..self.entries.len()).map(|id| self.text(id as NameId))
    }

    pub(crate) fn text(&self, id: NameId) -> &str {
        let entry = &self.entries[id as usize];
        &self.text[entry.start as usize..entry.end as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_lengths_are_found_and_differ() {
        let long = "abcdefghijklmnopqrstuvwxyz";
        let mut names = Names::default();
        let all: Vec<&str> = (0..long.len())
            .flat_map(|from| (from..=long.len()).map(move |to| &long[from..to]))
            .collect();
        let ids: Vec<NameId> = all.iter().map(|name| names.intern(name)).collect();
        for (name, id) in all.iter().zip(ids) {
            assert_eq!((names.find(name.as_bytes()), names.text(id)), (Some(id), *name));
            if name.len() < 8 {
                assert_eq!(names.find_short(head(name.as_bytes()), name.len()), Some(id));
            }
        }
        // All are different but the empty one, which is there for each start.
        assert_eq!(names.entries.len(), all.len() - long.len() + 1);
        assert_eq!(names.find(b"abd"), None);
        assert_eq!(names.find(b"abcdefghijklmnopqrstuvwxy_"), None);
    }

    #[test]
    fn a_zero_byte_at_the_end_makes_another_name() {
        let mut names = Names::default();
        assert_ne!(names.intern("a"), names.intern("a\0"));
    }
}
