//! Flavours: `task_struct___old` is another view of `task_struct`. Looks at names only.

/// A name without its flavour: what stands before the last `___` that has other characters on both
/// sides.
pub(super) fn essential(name: &str) -> &str {
    let bytes = name.as_bytes();
    let separator =
        |window: &[u8]| window[0] != b'_' && window[1..4] == *b"___" && window[4] != b'_';
    // What precedes a `_` ends a character.
    bytes.windows(5).rposition(separator).map_or(name, |at| &name[..=at])
}

#[cfg(test)]
mod tests {
    use super::essential;

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
