//! Flavours: `task_struct___old` is another view of `task_struct`. Looks at names only.

/// A name without its flavour: what stands before the last `___` that has other characters on both
/// sides. It is the name that hosts know a type or a function by.
pub fn essential(name: &str) -> &str {
    let bytes = name.as_bytes();
    let separator =
        |window: &[u8]| window[0] != b'_' && window[1..4] == *b"___" && window[4] != b'_';
    // What precedes a `_` ends a character.
    bytes.windows(5).rposition(separator).map_or(name, |at| &name[..=at])
}

/// Looks at a name, eight bytes at a time, for three underscores in a row: without them it has no
/// flavour. May take other names for such.
#[derive(Debug, Default)]
pub(super) struct FlavourSign {
    before: u64,
    pub(super) seen: bool,
}

impl FlavourSign {
    pub(super) fn see(&mut self, word: u64) {
        const ONES: u64 = u64::MAX / 255;
        let other = word ^ (ONES * u64::from(b'_'));
        let found = other.wrapping_sub(ONES) & !other & ONES << 7;
        let across = self.before >> 56 & found;
        self.seen |= found & found >> 8 & found >> 16 != 0 || across != 0;
        self.before = found;
    }
}

#[cfg(test)]
mod tests {
    use super::{FlavourSign, essential};

    /// Wherever the underscores are in their words.
    #[test]
    fn no_flavour_is_missed() {
        let name = |before, row| format!("{}{}b", "a".repeat(before), "_".repeat(row));
        for (before, row) in (1..20).flat_map(|before| (0..6).map(move |row| (before, row))) {
            let mut sign = FlavourSign::default();
            let name = name(before, row);
            let mut bytes = name.clone().into_bytes();
            bytes.resize(32, 0);
            let words = bytes.as_chunks::<8>().0;
            words.iter().for_each(|word| sign.see(u64::from_le_bytes(*word)));
            assert!(sign.seen || essential(&name) == name, "{name}");
            assert!(row > 1 || !sign.seen, "{name}");
        }
    }

    #[test]
    fn a_flavour_is_what_follows_the_last_three_underscores() {
        let cases = [
            ("task_struct", "task_struct"),
            ("task_struct___old", "task_struct"),
            ("a___b___c", "a___b"),
            ("a____b", "a____b"),
            ("a___", "a___"),
            ("___a", "___a"),
            ("a___b_", "a"),
            ("ä___ö", "ä"),
            ("", ""),
        ];
        for (name, expected) in cases {
            assert_eq!(essential(name), expected, "{name}");
        }
    }
}
