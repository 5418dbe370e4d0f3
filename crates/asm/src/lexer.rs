//! Text to the tokens of one statement after the other.
//!
//! Comments (`#`, `//`, `/* */`) and separators (newline, `;`, backquote) are the same in both
//! dialects. Knows words only by the number that the grammar gives them.

use crate::grammar::Words;
use crate::token::{
    NO_WORD, Sign, Tok, Token, character, looks_like_register, number, register, string,
    word_length,
};

/// Walks through a text; see [`Lexer::statement`].
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    words: &'a Words,
    /// Where the next statement begins.
    pub(crate) at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str, words: &'a Words) -> Self {
        Lexer { text: text.as_bytes(), words, at: 0 }
    }

    /// The same, from `at` on.
    pub(crate) fn within(text: &'a str, words: &'a Words, at: usize) -> Self {
        Lexer { text: text.as_bytes(), words, at }
    }

    /// Puts the tokens of the next statement, which may be none, into `out`; false at the end.
    pub(crate) fn statement(&mut self, out: &mut Vec<Token>) -> bool {
        out.clear();
        loop {
            let rest = &self.text[self.at..];
            let (tok, length) = match rest {
                [] => return !out.is_empty(),
                [b'\n' | b'`' | b';', ..] => {
                    self.at += 1;
                    return true;
                }
                [b' ' | b'\t' | b'\r' | 0x0b | 0x0c, ..] => {
                    self.at += 1;
                    continue;
                }
                [b'#', ..] | [b'/', b'/', ..] => {
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    continue;
                }
                [b'/', b'*', inside @ ..] => match inside.windows(2).position(|two| two == b"*/") {
                    Some(end) => {
                        self.at += end + 4;
                        continue;
                    }
                    None => (Tok::Bad("this comment has no end"), rest.len()),
                },
                [b'0'..=b'9', ..] => number(rest),
                [b'\'', ..] => character(rest),
                [b'"', ..] => string(rest),
                _ => self.word_or_sign(rest),
            };
            let start = self.at;
            self.at += length;
            out.push(Token { tok, start: start as u32, end: self.at as u32 });
        }
    }

    #[inline]
    fn word_or_sign(&self, rest: &[u8]) -> (Tok, usize) {
        let length = word_length(rest);
        if length > 0 {
            let word = &rest[..length];
            let tok = match register(word) {
                Some((reg, half)) => Tok::Register { reg, half, percent: false },
                None => Tok::Word(self.words.number(word)),
            };
            return (tok, length);
        }
        if let [b'%', name @ ..] = rest {
            let length = word_length(name);
            if let Some((reg, half)) = register(&name[..length]) {
                return (Tok::Register { reg, half, percent: true }, length + 1);
            }
            if looks_like_register(&name[..length]) {
                return (Tok::Word(NO_WORD), length + 1);
            }
        }
        match Sign::at(rest) {
            Some((sign, length)) => (Tok::Sign(sign), length),
            None => {
                let length = rest.iter().skip(1).take_while(|byte| **byte & 0xc0 == 0x80).count();
                (Tok::Bad("this character begins nothing"), length + 1)
            }
        }
    }
}
