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
            /// The sign at the start of `text`. (Longer ones come first in the list.)
            #[inline]
            pub(crate) fn at(text: &[u8]) -> Option<(Sign, usize)> {
                match text {
                    $([$($byte),+, ..] => Some((Sign::$name, [$($byte),+].len())),)+
                    _ => None,
                }
            }

            pub(crate) fn text(self) -> &'static str {
                const TEXTS: &[&[u8]] = &[$(&[$($byte),+]),+];
                std::str::from_utf8(TEXTS[self as usize]).expect("signs are ASCII")
            }
        }
    };
}

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
    Bad(&'static str),
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

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'$')
}

pub(crate) fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'@')
}

/// The length of the word at the start of `text`; 0 if there is none.
#[inline]
pub(crate) fn word_length(text: &[u8]) -> usize {
    match text.first() {
        Some(&first) if starts_word(first) => {
            text.iter().position(|byte| !in_word(*byte)).unwrap_or(text.len())
        }
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

/// The number at the start of `text`, which begins with a digit, and its length.
pub(crate) fn number(text: &[u8]) -> (Tok, usize) {
    let length = text.iter().position(|byte| !in_word(*byte)).unwrap_or(text.len());
    let word = &text[..length];
    let tok = match word {
        [.., b'l' | b'L', b'l' | b'L'] => {
            // Assemblers disagree: LLVM 14 loads 64 bits, later ones and GNU's move 32.
            Tok::Bad("a space is missing between the number and `ll`")
        }
        [b'0', b'x' | b'X', digits @ ..] => digits_of(digits, 16),
        [digits @ .., last @ (b'b' | b'f')] if digits.iter().all(u8::is_ascii_digit) => {
            match digits_of(digits, 10) {
                Tok::Number(number) if number <= u64::from(u32::MAX) => {
                    Tok::Local { number: number as u32, forward: *last == b'f' }
                }
                _ => Tok::Bad("this numeric label is too large"),
            }
        }
        [b'0', b'b' | b'B', digits @ ..] => digits_of(digits, 2),
        [b'0', digits @ ..] if !digits.is_empty() => digits_of(digits, 8),
        digits => digits_of(digits, 10),
    };
    (tok, length)
}

fn digits_of(digits: &[u8], radix: u32) -> Tok {
    let mut value = 0u64;
    if digits.is_empty() {
        return Tok::Bad("this number has no digits");
    }
    for digit in digits {
        let Some(digit) = char::from(*digit).to_digit(radix) else {
            return Tok::Bad("this number has a wrong digit");
        };
        let next = value
            .checked_mul(u64::from(radix))
            .and_then(|value| value.checked_add(u64::from(digit)));
        let Some(next) = next else { return Tok::Bad("this number does not fit into 64 bits") };
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
                _ => return (Tok::Bad("this escape is unknown"), 4),
            };
            (Tok::Number(u64::from(value)), 4)
        }
        [b'\'', value @ b' '..=b'~', b'\'', ..] if !matches!(value, b'\\' | b'\'') => {
            (Tok::Number(u64::from(*value)), 3)
        }
        _ => (Tok::Bad("this character constant has no end"), 1),
    }
}

/// The string at the start of `text`, which begins with `"`, and its length.
pub(crate) fn string(text: &[u8]) -> (Tok, usize) {
    let mut at = 1;
    loop {
        match text.get(at) {
            Some(b'"') => return (Tok::Text, at + 1),
            Some(b'\\') if text.get(at + 1).is_some_and(|byte| *byte != b'\n') => at += 2,
            Some(b'\n') | None => return (Tok::Bad("this string has no end"), at),
            Some(_) => at += 1,
        }
    }
}
