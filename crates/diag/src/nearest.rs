//! What was meant by a word that is not known.

/// The known word that was probably meant: the nearest within two edits.
///
/// ```
/// assert_eq!(abide_diag::nearest("aquire", ["acquire", "release"]), Some("acquire"));
/// ```
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = |known: &&'a str| {
        let limit = if word.len() < 4 { 1 } else { 2 };
        let far = known.len().abs_diff(word.len()) > limit || word.len() > 64;
        let distance = if far { usize::MAX } else { edits(word, known) };
        (distance <= limit).then_some(distance)
    };
    known.into_iter().filter_map(|known| Some((near(&known)?, known))).min().map(|(_, known)| known)
}

/// The same for names with numbers, of which another number is another name: `KV_9` is no `KV_1` misspelt.
pub fn misspelt<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = |text: &str| text.replace(|c: char| c.is_ascii_digit() || c == '.', "");
    let own = letters(word);
    nearest(word, known.into_iter().filter(|known| letters(known) != own))
}

/// How many letters are to be put in, left out or replaced to make one word of the other (Levenshtein's
/// distance). The time it takes is the product of the lengths.
pub fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != *y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{misspelt, nearest};

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("aquire", ["acquire", "release"]), Some("acquire"));
        assert_eq!(nearest("kfun", ["kfunc", "helper"]), Some("kfunc"));
        assert_eq!(nearest("banana", ["kfunc", "helper"]), None);
        assert_eq!(misspelt("LINXU_6.1", ["LINUX_6.1", "LINUX_6.2"]), Some("LINUX_6.1"));
        assert_eq!(misspelt("KV_9", ["KV_1", "KV_2"]), None);
    }
}
