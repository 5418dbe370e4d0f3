//! Text to tokens. Knows the words of no statement, except that the braces of a compat body hold
//! text which is not of this language and is kept as it stands.

use abide_diag::{Diagnostic, Span, printable};

use crate::codes;

/// One token and the documentation before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) span: Span,
    /// An index into [`Lexed::docs`].
    pub(crate) doc: Option<usize>,
    /// It is the first on its line: a place to go on after an error.
    pub(crate) first: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word; dots may stand inside it before a digit (`LINUX_6.5`).
    Word(String),
    /// Digits, with `0x` perhaps.
    Number(String),
    /// `2023-01-13`, not yet checked.
    Date(String),
    /// Without quotes, escapes resolved.
    Text(String),
    /// `{ } ( ) [ ] ; : , * = @ / + -`
    Mark(char),
    /// `..`
    Range,
    /// `...`
    Ellipsis,
    /// `<<`
    Shift,
    /// What stands between the braces of a compat body.
    Body(String),
    /// After the last token.
    End,
}

impl Kind {
    /// How it is named in messages.
    pub(crate) fn describe(&self) -> String {
        match self {
            Kind::Word(word) => format!("`{}`", printable(word)),
            Kind::Number(text) | Kind::Date(text) => format!("`{}`", printable(text)),
            Kind::Text(_) => "a string".to_owned(),
            Kind::Mark(mark) => format!("`{mark}`"),
            Kind::Range => "`..`".to_owned(),
            Kind::Ellipsis => "`...`".to_owned(),
            Kind::Shift => "`<<`".to_owned(),
            Kind::Body(_) => "the text of a compat body".to_owned(),
            Kind::End => "the end of the file".to_owned(),
        }
    }
}

/// A documentation comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doc {
    pub(crate) text: String,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) struct Lexed {
    /// Never empty: the last one is [`Kind::End`].
    pub(crate) tokens: Vec<Token>,
    pub(crate) docs: Vec<Doc>,
    pub(crate) errors: Vec<Diagnostic>,
}

pub(crate) fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer {
        text,
        at: 0,
        first: true,
        doc: None,
        out: Lexed { tokens: Vec::new(), docs: Vec::new(), errors: Vec::new() },
    };
    while lexer.token() {}
    lexer.push(Kind::End, text.len());
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    first: bool,
    doc: Option<usize>,
    out: Lexed,
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let token = Token { kind, span: start..self.at, doc: self.doc.take(), first: self.first };
        self.first = false;
        self.out.tokens.push(token);
    }

    fn error(&mut self, error: Diagnostic) {
        self.out.errors.push(error);
    }

    /// Reads one token, comment or blank; `false` at the end.
    fn token(&mut self) -> bool {
        let start = self.at;
        let Some(character) = self.rest().chars().next() else { return false };
        match character {
            '\n' => {
                self.first = true;
                self.at += 1;
            }
            ' ' | '\t' | '\r' => self.at += 1,
            '/' if self.peek(1) == b'/' => {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            }
            '/' if self.peek(1) == b'*' => self.comment(),
            '"' => self.string(),
            '.' if self.rest().starts_with("...") => {
                self.at += 3;
                self.push(Kind::Ellipsis, start);
            }
            '.' if self.rest().starts_with("..") => {
                self.at += 2;
                self.push(Kind::Range, start);
            }
            '<' if self.peek(1) == b'<' => {
                self.at += 2;
                self.push(Kind::Shift, start);
            }
            '{' if self.opens_body() => {
                self.at += 1;
                self.push(Kind::Mark('{'), start);
                self.body(start);
            }
            '{' | '}' | '(' | ')' | '[' | ']' | ';' | ':' | ',' | '*' | '=' | '@' | '/' | '+'
            | '-' => {
                self.at += 1;
                self.push(Kind::Mark(character), start);
            }
            '0'..='9' => self.number(),
            _ if starts_word(self.peek(0)) => self.word(),
            _ => self.strange(),
        }
        true
    }

    fn comment(&mut self) {
        let start = self.at;
        let Some(length) = self.text[start + 2..].find("*/") else {
            self.at = self.text.len();
            self.error(
                Diagnostic::error(&codes::A_UNCLOSED_COMMENT, "this comment is never closed")
                    .at(start..start + 2, "opened here")
                    .help("end it with `*/`"),
            );
            return;
        };
        self.at = start + 2 + length + 2;
        let whole = &self.text[start..self.at];
        if whole.contains('\n') {
            self.first = true;
        }
        if whole.starts_with("/**") && whole.len() > 4 && !whole.starts_with("/***") {
            let text = clean_doc(&whole[3..whole.len() - 2]);
            if !text.is_empty() {
                self.out.docs.push(Doc { text, span: start..self.at });
                self.doc = Some(self.out.docs.len() - 1);
            }
        }
    }

    fn string(&mut self) {
        let start = self.at;
        let mut value = String::new();
        self.at += 1;
        loop {
            let at = self.at;
            let Some(character) = self.rest().chars().next().filter(|c| *c != '\n') else {
                self.error(
                    Diagnostic::error(&codes::A_UNCLOSED_STRING, "this string is never closed")
                        .at(start..at, "opened here")
                        .help("end it with `\"` on the same line; write a line break as `\\n`"),
                );
                break;
            };
            self.at += character.len_utf8();
            match character {
                '"' => break,
                '\\' => match self.escape() {
                    Some(character) => value.push(character),
                    None => self.error(
                        Diagnostic::error(&codes::A_BAD_ESCAPE, "unknown escape in a string")
                            .at(at..self.at, "")
                            .help("known: \\n \\t \\r \\0 \\\\ \\\" \\' and \\xHH up to \\x7f"),
                    ),
                },
                other => value.push(other),
            }
        }
        self.push(Kind::Text(value), start);
    }

    fn escape(&mut self) -> Option<char> {
        let character = self.rest().chars().next().filter(|c| *c != '\n')?;
        self.at += character.len_utf8();
        Some(match character {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            '0' => '\0',
            '\\' | '"' | '\'' => character,
            'x' => {
                let digits = self.rest().get(..2)?;
                let byte = u8::from_str_radix(digits, 16).ok().filter(u8::is_ascii)?;
                self.at += 2;
                char::from(byte)
            }
            _ => return None,
        })
    }

    fn number(&mut self) {
        let start = self.at;
        while in_word(self.peek(0)) {
            self.at += 1;
        }
        if let Some(length) = date_length(&self.text[start..]) {
            self.at = start + length;
            self.push(Kind::Date(self.text[start..self.at].to_owned()), start);
        } else {
            self.push(Kind::Number(self.text[start..self.at].to_owned()), start);
        }
    }

    fn word(&mut self) {
        let start = self.at;
        while in_word(self.peek(0)) || (self.peek(0) == b'.' && self.peek(1).is_ascii_digit()) {
            self.at += 1;
        }
        self.push(Kind::Word(self.text[start..self.at].to_owned()), start);
    }

    /// One message for a run of characters that the language does not use.
    fn strange(&mut self) {
        let start = self.at;
        let strange = |c: char| {
            !c.is_ascii_alphanumeric() && !c.is_whitespace() && !"_.<{}()[];:,*=@/+-\"".contains(c)
        };
        let length = self.rest().find(|c| !strange(c)).unwrap_or(self.rest().len());
        // A lone `.` or `<`, or a blank that is not ASCII.
        let one = self.rest().chars().next().map_or(1, char::len_utf8);
        self.at += length.max(one);
        let what = printable(&self.text[start..self.at]).into_owned();
        self.error(
            Diagnostic::error(&codes::A_BAD_CHARACTER, format!("`{what}` means nothing here"))
                .at(start..self.at, "")
                .help("names are made of ASCII letters, digits and `_`"),
        );
    }

    /// Whether the tokens so far are `compat NAME @ NODE`.
    fn opens_body(&self) -> bool {
        matches!(
            self.out.tokens.as_slice(),
            [.., Token { kind: Kind::Word(word), .. }, Token { kind: Kind::Word(_), .. },
             Token { kind: Kind::Mark('@'), .. }, Token { kind: Kind::Word(_), .. }]
                if word == "compat"
        )
    }

    /// The text up to the brace that closes the one at `open`; braces in strings and comments do
    /// not count.
    fn body(&mut self, open: usize) {
        let start = self.at;
        let mut depth = 0usize;
        loop {
            let rest = self.rest();
            let Some(character) = rest.chars().next() else {
                self.error(
                    Diagnostic::error(&codes::A_UNCLOSED, "this compat body is never closed")
                        .at(open..open + 1, "opened here")
                        .help("end it with `}`"),
                );
                return;
            };
            let length = match character {
                '{' => {
                    depth += 1;
                    1
                }
                '}' if depth == 0 => break,
                '}' => {
                    depth -= 1;
                    1
                }
                '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                '/' if rest.starts_with("/*") => {
                    rest[2..].find("*/").map_or(rest.len(), |length| length + 4)
                }
                '"' => string_length(rest),
                other => other.len_utf8(),
            };
            self.at += length;
        }
        self.push(Kind::Body(self.text[start..self.at].to_owned()), start);
    }
}

/// The length of a string with its quotes; it ends at the end of its line at the latest.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'\n' => return at,
            b'"' if !escaped => return at + 1,
            _ => escaped = byte == b'\\' && !escaped,
        }
    }
    text.len()
}

/// The length of `dddd-d-d` at the start of a text, with any number of digits in each part.
fn date_length(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits(text);
    for _ in 0..2 {
        let rest = text[length..].strip_prefix('-')?;
        let count = digits(rest);
        if count == 0 {
            return None;
        }
        length += 1 + count;
    }
    (!text[length..].bytes().next().is_some_and(in_word)).then_some(length)
}

/// The text of a documentation comment, without the stars before its lines.
fn clean_doc(text: &str) -> String {
    let mut lines: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let line = line.trim();
            if index == 0 {
                return line;
            }
            match line.strip_prefix('*') {
                Some(rest) => rest.strip_prefix(' ').unwrap_or(rest),
                None => line,
            }
        })
        .collect();
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let blank = lines.iter().take_while(|line| line.trim().is_empty()).count();
    match &lines[blank..] {
        [line] => line.trim().to_owned(),
        lines => lines.join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        lex(text).tokens.into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn words_numbers_dates_and_ranges() {
        let word = |text: &str| Kind::Word(text.to_owned());
        assert_eq!(
            kinds("LINUX_6.5 0..2 2023-01-13 KV_2/ttl"),
            [
                word("LINUX_6.5"),
                Kind::Number("0".into()),
                Kind::Range,
                Kind::Number("2".into()),
                Kind::Date("2023-01-13".into()),
                word("KV_2"),
                Kind::Mark('/'),
                word("ttl"),
                Kind::End
            ]
        );
    }

    #[test]
    fn a_body_is_kept_as_it_stands() {
        let text = "compat a@B { r0 = \"}\"; { } /* } */ // }\n };";
        assert_eq!(kinds(text)[5], Kind::Body(" r0 = \"}\"; { } /* } */ // }\n ".to_owned()));
    }

    #[test]
    fn documentation_loses_its_stars_only() {
        assert_eq!(clean_doc(" One line. "), "One line.");
        assert_eq!(
            clean_doc("\n * First.\n *\n *   code\n * * point\n "),
            "First.\n\n  code\n* point"
        );
        assert_eq!(lex("/** a */ x /** b */ y").docs.len(), 2);
        assert!(lex("/**/ /***/ /*** box ***/ x").docs.is_empty());
    }

    #[test]
    fn strings_have_c_escapes() {
        assert_eq!(kinds(r#""a\n\x41\"""#)[0], Kind::Text("a\nA\"".to_owned()));
        assert_eq!(lex("\"\\q\" \"\\xff\" \"open").errors.len(), 3);
    }
}
