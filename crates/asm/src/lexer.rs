//! Text to the tokens of one statement after the other.
//!
//! Comments (`#`, `//`, `/* */`) and separators (newline, `;`, backquote) are the same in both
//! dialects. Knows words only by the number that the grammar gives them.

use crate::grammar::Words;
use crate::token::{
    Class, Fault, NO_WORD, Sign, Tok, Token, character, decimal, looks_like_register, number,
    register, short_register, short_word, string, word_length,
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
        self.rest(out)
    }

    /// Appends the tokens up to the end of the statement to `out`; false if that is the end of the
    /// text, and there are none at all.
    ///
    /// Each kind of token is pushed where it is made: put together in one place first, they would
    /// be read back before they are written. For the same reason `at` is no field here.
    #[inline]
    pub(crate) fn rest(&mut self, out: &mut Vec<Token>) -> bool {
        let mut at = self.at;
        let more = loop {
            let rest = &self.text[at..];
            let Some(&first) = rest.first() else { break !out.is_empty() };
            // What is most frequent is compared, which is known sooner than what a table says.
            if first.is_ascii_alphabetic() {
                at += match short_register(rest) {
                    Some((reg, half)) => {
                        push(out, Tok::Register { reg, half, percent: false }, at, 2)
                    }
                    None => self.word(out, at),
                };
                continue;
            }
            if first == b' ' {
                at += 1;
                continue;
            }
            if first.is_ascii_digit() {
                at += match decimal(rest) {
                    Some((value, length)) => push(out, Tok::Number(value), at, length),
                    None => push_any(out, number(rest), at),
                };
                continue;
            }
            at += match Class::of(first) {
                Class::Blank => 1,
                Class::Letter => self.word(out, at),
                Class::Digit => push_any(out, number(rest), at),
                Class::Other | Class::At => sign(out, rest, at),
                Class::Percent => percent(out, rest, at),
                Class::End => {
                    at += 1;
                    break true;
                }
                Class::Hash => line_length(rest),
                Class::Slash => match rest {
                    [_, b'/', ..] => line_length(rest),
                    [_, b'*', inside @ ..] => {
                        match inside.windows(2).position(|two| two == b"*/") {
                            Some(end) => end + 4,
                            None => push(out, Tok::Bad(Fault::Comment), at, rest.len()),
                        }
                    }
                    _ => sign(out, rest, at),
                },
                Class::Quote => push_any(out, character(rest), at),
                Class::DoubleQuote => push_any(out, string(rest), at),
            };
        };
        self.at = at;
        more
    }

    /// Appends the word or register that stands next.
    #[inline]
    pub(crate) fn first_word(&mut self, out: &mut Vec<Token>) {
        self.at += self.word(out, self.at);
    }

    /// Appends the word or register at a place; gives its length, as all these functions do.
    fn word(&self, out: &mut Vec<Token>, at: usize) -> usize {
        let rest = &self.text[at..];
        let short = short_word(rest);
        let word = &rest[..short.map_or_else(|| word_length(rest), |(_, length)| length)];
        match (register(word), short) {
            (Some((reg, half)), _) => {
                push(out, Tok::Register { reg, half, percent: false }, at, word.len())
            }
            (None, Some((head, length))) => {
                push(out, Tok::Word(self.words.short_number(head, length)), at, length)
            }
            (None, None) => push(out, Tok::Word(self.words.number(word)), at, word.len()),
        }
    }
}

#[inline]
fn push(out: &mut Vec<Token>, tok: Tok, at: usize, length: usize) -> usize {
    out.push(Token { tok, start: at as u32, end: (at + length) as u32 });
    length
}

#[inline(never)]
fn push_any(out: &mut Vec<Token>, (tok, length): (Tok, usize), at: usize) -> usize {
    push(out, tok, at, length)
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// A register of GNU's dialect, or the sign.
#[inline]
fn percent(out: &mut Vec<Token>, rest: &[u8], at: usize) -> usize {
    let name = &rest[1..];
    if let Some((reg, half)) = short_register(name) {
        return push(out, Tok::Register { reg, half, percent: true }, at, 3);
    }
    let length = word_length(name);
    let name = &name[..length];
    if let Some((reg, half)) = register(name) {
        push(out, Tok::Register { reg, half, percent: true }, at, length + 1)
    } else if looks_like_register(name) {
        // The `%` leaves no doubt that `%R1` is meant as one.
        let tok = match register(name.to_ascii_lowercase().as_slice()) {
            Some((reg, half)) => Tok::Register { reg, half, percent: true },
            None => Tok::Word(NO_WORD),
        };
        push(out, tok, at, length + 1)
    } else {
        let blanks = rest[1..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let name = &rest[1 + blanks..];
        let length = word_length(name);
        // No register can follow the operator.
        match register(&name[..length]) {
            Some((reg, half)) if blanks > 0 => {
                push(out, Tok::Register { reg, half, percent: true }, at, 1 + blanks + length)
            }
            _ => sign(out, rest, at),
        }
    }
}

#[inline]
fn sign(out: &mut Vec<Token>, rest: &[u8], at: usize) -> usize {
    match Sign::at(rest) {
        Some((sign, length)) => push(out, Tok::Sign(sign), at, length),
        None => {
            let more = rest.iter().skip(1).take_while(|byte| **byte & 0xc0 == 0x80).count();
            push(out, Tok::Bad(Fault::Nothing), at, more + 1)
        }
    }
}
