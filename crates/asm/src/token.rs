//! The tokens of assembly text, and how single ones are recognised.
//!
//! Shared by both dialects and by the templates of the instruction table. Knows no instruction.

use abide_isa::Reg;

macro_rules! signs {
    ($($name:ident $($byte:literal)+;)+) => {
        /// An operator or other sign.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub(crate) enum Sign { $($name),+ }

        impl Sign {
            pub(crate) const ALL: &[Sign] = &[$(Sign::$name),+];

            pub(crate) const TEXTS: &[&[u8]] = &[$(&[$($byte),+]),+];
        }
    };
}

/// Marks the end of a chain.
const NONE: u8 = u8::MAX;

/// For each byte the first sign that begins with it, and for each sign the next one that begins
/// alike, as numbers in the list.
const CHAINS: ([u8; 256], [u8; Sign::COUNT]) = {
    let (mut first, mut next) = ([NONE; 256], [NONE; Sign::COUNT]);
    let mut at = Sign::COUNT;
    while at > 0 {
        at -= 1;
        let byte = Sign::TEXTS[at][0] as usize;
        next[at] = first[byte];
        first[byte] = at as u8;
    }
    (first, next)
};

/// For each byte the sign that it is alone, and the one that it is with a `=` behind it.
const COMMON: [[Option<Sign>; 2]; 256] = {
    let mut common = [[None; 2]; 256];
    let mut at = 0;
    while at < Sign::COUNT {
        match Sign::TEXTS[at] {
            [byte] => common[*byte as usize][0] = Some(Sign::ALL[at]),
            [byte, b'='] => common[*byte as usize][1] = Some(Sign::ALL[at]),
            _ => {}
        }
        at += 1;
    }
    common
};

impl Sign {
    /// How many there are.
    pub(crate) const COUNT: usize = Sign::ALL.len();

    /// The sign at the start of `text`, and its length.
    #[inline]
    pub(crate) fn at(text: &[u8]) -> Option<(Sign, usize)> {
        let common = COMMON[usize::from(*text.first()?)];
        match text.get(1) {
            Some(b'<' | b'>') => {}
            Some(b'=') if common[1].is_some() => return Some((common[1]?, 2)),
            _ => return Some((common[0]?, 1)),
        }
        Sign::any_at(text)
    }

    fn any_at(text: &[u8]) -> Option<(Sign, usize)> {
        let mut at = usize::from(CHAINS.0[usize::from(*text.first()?)]);
        while let Some(bytes) = Sign::TEXTS.get(at) {
            if text.starts_with(bytes) {
                return Some((Sign::ALL[at], bytes.len()));
            }
            at = usize::from(CHAINS.1[at]);
        }
        None
    }

    pub(crate) fn text(self) -> &'static str {
        std::str::from_utf8(Sign::TEXTS[self as usize]).expect("signs are ASCII")
    }
}

// Of those with the same first byte the longer ones come first.
signs! {
    ShlAssign b'<' b'<' b'=';
    ShrAssign b'>' b'>' b'=';
    Shl b'<' b'<';
    Shr b'>' b'>';
    LessEqual b'<' b'=';
    GreaterEqual b'>' b'=';
    Equal b'=' b'=';
    NotEqual b'!' b'=';
    AddAssign b'+' b'=';
    SubAssign b'-' b'=';
    MulAssign b'*' b'=';
    DivAssign b'/' b'=';
    ModAssign b'%' b'=';
    OrAssign b'|' b'=';
    AndAssign b'&' b'=';
    XorAssign b'^' b'=';
    Less b'<';
    Greater b'>';
    Assign b'=';
    Plus b'+';
    Minus b'-';
    Star b'*';
    Slash b'/';
    Percent b'%';
    Or b'|';
    And b'&';
    Xor b'^';
    Tilde b'~';
    Open b'(';
    Close b')';
    OpenBracket b'[';
    CloseBracket b']';
    Comma b',';
    Colon b':';
    At b'@';
    Not b'!';
}

/// A word that is in no instruction's spelling.
pub(crate) const NO_WORD: u16 = u16::MAX;

/// Why something is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    LongSuffix,
    LargeLabel,
    NoDigits,
    WrongDigit,
    LargeNumber,
    Escape,
    Character,
    String,
    Comment,
    Nothing,
}

impl Fault {
    pub(crate) const fn why(self) -> &'static str {
        match self {
            Fault::LongSuffix => "a space is missing between the number and `ll`",
            Fault::LargeLabel => "this numeric label is too large",
            Fault::NoDigits => "this number has no digits",
            Fault::WrongDigit => "this number has a wrong digit",
            Fault::LargeNumber => "this number does not fit into 64 bits",
            Fault::Escape => "this escape is unknown",
            Fault::Character => "this character constant has no end",
            Fault::String => "this string has no end",
            Fault::Comment => "this comment has no end",
            Fault::Nothing => "this character begins nothing",
        }
    }
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tok {
    /// A word; its number among those of the instruction spellings, or [`NO_WORD`].
    Word(u16),
    /// A register: which, whether by its 32-bit name, whether with `%`.
    Register { reg: Reg, half: bool, percent: bool },
    /// A number or character constant.
    Number(u64),
    /// `1f` or `1b`.
    Local { number: u32, forward: bool },
    /// A string in quotes.
    Text,
    /// A sign.
    Sign(Sign),
    /// Something that is no token, with the reason.
    Bad(Fault),
}

/// A token and its place in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    pub(crate) tok: Tok,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Token {
    pub(crate) fn span(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// What a byte is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Of words, also at their start.
    Letter,
    Digit,
    /// Of words, but not at their start; otherwise a sign.
    At,
    Blank,
    /// What separates statements.
    End,
    Hash,
    Quote,
    DoubleQuote,
    Slash,
    Percent,
    /// Begins a sign or nothing.
    Other,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut at = 0;
    while at < 256 {
        classes[at] = match at as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'.' | b'$' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'@' | b'?' => Class::At,
            b' ' | b'\t' | b'\r' | 0x0b | 0x0c => Class::Blank,
            b'\n' | b'`' | b';' => Class::End,
            b'#' => Class::Hash,
            b'\'' => Class::Quote,
            b'"' => Class::DoubleQuote,
            b'/' => Class::Slash,
            b'%' => Class::Percent,
            _ => Class::Other,
        };
        at += 1;
    }
    classes
};

impl Class {
    #[inline]
    pub(crate) fn of(byte: u8) -> Class {
        CLASSES[usize::from(byte)]
    }
}

#[inline]
pub(crate) fn in_word(byte: u8) -> bool {
    matches!(Class::of(byte), Class::Letter | Class::Digit | Class::At)
}

/// The length of what a word goes on with at the start of `text`.
#[inline]
fn run_length(text: &[u8]) -> usize {
    text.iter().position(|byte| !in_word(*byte)).unwrap_or(text.len())
}

/// The same byte eight times.
pub(crate) const fn all(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The word at the start of `text`: its length and, as a number, its bytes. Nothing if it has more
/// than seven, or a `$` or `@` behind them, or the text ends.
///
/// All eight bytes are looked at together: a loop would have to guess after each whether it is the
/// last.
#[inline]
pub(crate) fn short_word(text: &[u8]) -> Option<(u64, usize)> {
    let bytes = text.first_chunk::<8>()?;
    let bytes = u64::from_le_bytes(*bytes);
    let low = bytes & all(0x7f);
    // The highest bit of each byte of these values, none of which carries into the next byte.
    let (lower, digit) = (low | all(0x20), low);
    let letters = (lower + all(0x80 - b'a')) & !(lower + all(0x80 - b'z' - 1));
    let digits = (digit + all(0x80 - b'0')) & !(digit + all(0x80 - b'9' - 1));
    let others = ((low ^ all(b'_')) + all(0x7f)) & ((low ^ all(b'.')) + all(0x7f));
    let outside = (!(letters | digits | !others) | bytes) & all(0x80);
    let length = (outside.trailing_zeros() / 8) as usize;
    let over = length < 8 && !in_word(text[length]);
    over.then(|| (bytes & ((1 << (8 * length)) - 1), length))
}

/// The length of the word at the start of `text`; 0 if there is none.
#[inline]
pub(crate) fn word_length(text: &[u8]) -> usize {
    match text.first() {
        Some(first) if Class::of(*first) == Class::Letter => match short_word(text) {
            Some((_, length)) => length,
            None => run_length(text),
        },
        _ => 0,
    }
}

/// The register that a word names, and whether by its 32-bit name.
#[inline]
pub(crate) fn register(word: &[u8]) -> Option<(Reg, bool)> {
    let (half, digits) = match word {
        b"fp" => return Some((Reg::FP, false)),
        [b'r', digits @ ..] => (false, digits),
        [b'w', digits @ ..] => (true, digits),
        _ => return None,
    };
    let number = match digits {
        [digit @ b'0'..=b'9'] => digit - b'0',
        b"10" => 10,
        _ => return None,
    };
    Reg::new(number).map(|reg| (reg, half))
}

/// The same at the start of `text`, if the name has one digit.
#[inline]
pub(crate) fn short_register(text: &[u8]) -> Option<(Reg, bool)> {
    match text {
        [letter @ (b'r' | b'w'), digit @ b'0'..=b'9', next, ..] if !in_word(*next) => {
            Reg::new(digit - b'0').map(|reg| (reg, *letter == b'w'))
        }
        _ => None,
    }
}

/// Whether a word can only be meant as a register: `r0` to `r99` and `w0` to `w99` in any case,
/// with `%` or without.
pub(crate) fn looks_like_register(word: &[u8]) -> bool {
    match word.strip_prefix(b"%").unwrap_or(word) {
        [b'r' | b'R' | b'w' | b'W', digits @ ..] => {
            matches!(digits.len(), 1 | 2) && digits.iter().all(u8::is_ascii_digit)
        }
        word => word.eq_ignore_ascii_case(b"fp"),
    }
}

/// How many of eight bytes are digits before any that is not, and the number that those are.
#[inline]
fn digits(bytes: [u8; 8]) -> (u64, usize) {
    let values = u64::from_le_bytes(bytes) ^ all(b'0');
    // The highest bit of each byte that is more than 9.
    let others = (((values & all(0x7f)) + all(0x80 - 10)) | values) & all(0x80);
    let count = (others.trailing_zeros() / 8) as usize;
    if count == 0 {
        return (0, 0);
    }
    // The digits at the upper end, zeros before them; then pairs, fours and all eight.
    let values = values << (64 - 8 * count);
    let pairs = (values & all(0x0f)).wrapping_mul(2561) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
    let eight = (fours & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32;
    (eight, count)
}

/// The decimal number at the start of `text` and its length, if it is plain and not too large.
#[inline]
pub(crate) fn decimal(text: &[u8]) -> Option<(u64, usize)> {
    const POWERS: [u64; 9] =
        [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let (mut value, mut length) = digits(*text.first_chunk()?);
    while length == 8 || length == 16 {
        let (more, count) = digits(*text[length..].first_chunk()?);
        if count == 0 {
            break;
        }
        value = value.wrapping_mul(POWERS[count]).wrapping_add(more);
        length += count;
        if length > 19 {
            // It might not fit.
            return None;
        }
    }
    // With a `0` before it a number is octal.
    let plain = !in_word(*text.get(length)?) && (length == 1 || text[0] != b'0');
    plain.then_some((value, length))
}

/// The number at the start of `text`, which begins with a digit, and its length.
pub(crate) fn number(text: &[u8]) -> (Tok, usize) {
    let mut length = run_length(text);
    // `if r1 == 7goto +1` needs no blank: no number has these letters.
    if text[..length].ends_with(b"goto") {
        length -= b"goto".len();
    }
    let word = &text[..length];
    let bare = without_suffix(word);
    let tok = match bare {
        // Assemblers disagree: LLVM 14 loads 64 bits, later ones and GNU's move 32.
        [_, .., b'l', b'l'] => Tok::Bad(Fault::LongSuffix),
        [b'0', b'x' | b'X', digits @ ..] => digits_of(digits, 16),
        [digits @ .., last @ (b'b' | b'f')]
            if digits.iter().all(u8::is_ascii_digit) && bare.len() == length =>
        {
            match digits_of(digits, 10) {
                Tok::Number(number) if number <= u64::from(u32::MAX) => {
                    Tok::Local { number: number as u32, forward: *last == b'f' }
                }
                _ => Tok::Bad(Fault::LargeLabel),
            }
        }
        [b'0', b'b' | b'B', digits @ ..] => digits_of(digits, 2),
        [b'0', digits @ ..] if !digits.is_empty() => digits_of(digits, 8),
        digits => digits_of(digits, 10),
    };
    (tok, length)
}

/// A number without the suffix that it has in C, which says nothing here: `u`, `l`, `ul`, `LL`, `ull`.
/// Only `ll` stays, which is a word in pseudo-C.
fn without_suffix(word: &[u8]) -> &[u8] {
    let (number, length) = match word {
        [number @ .., b'l' | b'L', b'l' | b'L'] => (number, 2),
        [number @ .., b'l' | b'L'] => (number, 1),
        _ => (word, 0),
    };
    match number {
        [number @ .., b'u' | b'U'] => number,
        _ if word.ends_with(b"ll") && length == 2 => word,
        _ => number,
    }
}

fn digits_of(digits: &[u8], radix: u32) -> Tok {
    let mut value = 0u64;
    if digits.is_empty() {
        return Tok::Bad(Fault::NoDigits);
    }
    for digit in digits {
        let Some(digit) = char::from(*digit).to_digit(radix) else {
            return Tok::Bad(Fault::WrongDigit);
        };
        let next = value
            .checked_mul(u64::from(radix))
            .and_then(|value| value.checked_add(u64::from(digit)));
        let Some(next) = next else { return Tok::Bad(Fault::LargeNumber) };
        value = next;
    }
    Tok::Number(value)
}

/// The character constant at the start of `text`, which begins with `'`, and its length.
pub(crate) fn character(text: &[u8]) -> (Tok, usize) {
    match text {
        [b'\'', b'\\', escaped, b'\'', ..] => {
            let value = match escaped {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'0' => 0,
                b'\\' | b'\'' | b'"' => *escaped,
                _ => return (Tok::Bad(Fault::Escape), 4),
            };
            (Tok::Number(u64::from(value)), 4)
        }
        [b'\'', value @ b' '..=b'~', b'\'', ..] if !matches!(value, b'\\' | b'\'') => {
            (Tok::Number(u64::from(*value)), 3)
        }
        // GNU's assembler needs no second quote.
        [b'\'', value @ b' '..=b'~', ..] if !matches!(value, b'\\' | b'\'') => {
            (Tok::Number(u64::from(*value)), 2)
        }
        _ => (Tok::Bad(Fault::Character), 1),
    }
}

/// The string at the start of `text`, which begins with `"`, and its length.
pub(crate) fn string(text: &[u8]) -> (Tok, usize) {
    let mut at = 1;
    loop {
        match text.get(at) {
            Some(b'"') => return (Tok::Text, at + 1),
            Some(b'\\') if text.get(at + 1).is_some_and(|byte| *byte != b'\n') => at += 2,
            Some(b'\n') | None => return (Tok::Bad(Fault::String), at),
            Some(_) => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_before_every_byte_that_is_in_none() {
        for byte in 0..=u8::MAX {
            for length in 1..8 {
                let mut text = *b"abcdefghij";
                text[length] = byte;
                let word = text.iter().position(|byte| !in_word(*byte));
                assert_eq!(word_length(&text), word.unwrap_or(text.len()), "{byte:#x}");
                if let Some((head, found)) = short_word(&text) {
                    assert_eq!(Some(found), word);
                    assert_eq!(head.to_le_bytes()[..found], text[..found]);
                    assert_eq!(head >> (8 * found), 0);
                }
            }
        }
    }

    #[test]
    fn decimal_numbers_are_those_of_the_standard_library() {
        for text in [
            "0",
            "7",
            "10",
            "1234567",
            "12345678",
            "123456789",
            "123456789012345",
            "1234567890123456",
            "9999999999999999999",
        ] {
            let line = format!("{text},                 ");
            assert_eq!(decimal(line.as_bytes()), Some((text.parse().unwrap(), text.len())));
        }
        for other in
            ["08,", "1f,", "0x1,", "1234567f,", "12345678b,", "1_,", "10000000000000000000,"]
        {
            assert_eq!(decimal(format!("{other}                 ").as_bytes()), None, "{other}");
        }
    }
}
