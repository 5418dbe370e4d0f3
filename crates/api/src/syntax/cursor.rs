//! The parser's place in the tokens: looking, expecting, complaining, going on after an error.
//! Knows no statement.

use abide_diag::{Code, Diagnostic, Span};

use super::ast::Name;
use super::lexer::{Kind, Lexed, Token};
use crate::codes;

/// Stops the statement that is being read: the error is already noted.
#[derive(Debug)]
pub(crate) struct Reported;

pub(crate) type Parsed<T> = Result<T, Reported>;

/// After so many errors, reading on helps nobody.
const ERROR_LIMIT: usize = 200;

pub(crate) struct Cursor {
    lexed: Lexed,
    doc_used: Vec<bool>,
    at: usize,
    /// How many braces are open.
    depth: usize,
    pub(crate) errors: Vec<Diagnostic>,
}

impl Cursor {
    pub(crate) fn new(mut lexed: Lexed) -> Cursor {
        let errors = std::mem::take(&mut lexed.errors);
        Cursor { doc_used: vec![false; lexed.docs.len()], lexed, at: 0, depth: 0, errors }
    }

    pub(crate) fn peek(&self) -> &Token {
        &self.lexed.tokens[self.at]
    }

    /// The token after the next; the end after the end.
    pub(crate) fn peek_second(&self) -> &Token {
        let last = self.lexed.tokens.len() - 1;
        &self.lexed.tokens[(self.at + 1).min(last)]
    }

    /// The kind of a token further on; the end after the end.
    pub(crate) fn peek_at(&self, ahead: usize) -> &Kind {
        let last = self.lexed.tokens.len() - 1;
        &self.lexed.tokens[(self.at + ahead).min(last)].kind
    }

    pub(crate) fn span(&self) -> Span {
        self.peek().span.clone()
    }

    /// Where the last token that was read stands.
    pub(crate) fn before(&self) -> Span {
        self.at.checked_sub(1).map_or(0..0, |at| self.lexed.tokens[at].span.clone())
    }

    /// From a token that was read to the last one that was.
    pub(crate) fn since(&self, start: &Span) -> Span {
        start.start..self.before().end.max(start.end)
    }

    /// Never goes past the end.
    pub(crate) fn bump(&mut self) -> Token {
        let token = self.peek().clone();
        match token.kind {
            Kind::End => return token,
            Kind::Mark('{') => self.depth += 1,
            Kind::Mark('}') => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.at += 1;
        token
    }

    pub(crate) fn done(&self) -> bool {
        self.peek().kind == Kind::End
    }

    pub(crate) fn at_mark(&self, mark: char) -> bool {
        self.peek().kind == Kind::Mark(mark)
    }

    pub(crate) fn eat_mark(&mut self, mark: char) -> bool {
        let found = self.at_mark(mark);
        if found {
            self.bump();
        }
        found
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match &self.peek().kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn at_word(&self, word: &str) -> bool {
        self.word() == Some(word)
    }

    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.bump();
        }
        found
    }

    /// The documentation before the next token, if nothing has taken it yet.
    pub(crate) fn doc(&mut self) -> Option<String> {
        let index = self.peek().doc?;
        self.doc_used[index] = true;
        Some(self.lexed.docs[index].text.clone())
    }

    /// Documentation that nothing took.
    pub(crate) fn lost_docs(&self) -> impl Iterator<Item = Span> + '_ {
        let pairs = self.lexed.docs.iter().zip(&self.doc_used);
        pairs.filter(|(_, used)| !**used).map(|(doc, _)| doc.span.clone())
    }

    /// Notes an error. Past the limit, ends the file instead.
    pub(crate) fn report(&mut self, error: Diagnostic) -> Reported {
        self.errors.push(error);
        if self.errors.len() >= ERROR_LIMIT {
            self.at = self.lexed.tokens.len() - 1;
        }
        Reported
    }

    pub(crate) fn error(
        &mut self,
        code: &'static Code,
        message: impl Into<String>,
        span: Span,
    ) -> Reported {
        self.report(Diagnostic::error(code, message).at(span, ""))
    }

    /// Something else should stand here.
    pub(crate) fn expected(&mut self, what: &str) -> Reported {
        let message = format!("expected {what}, found {}", self.peek().kind.describe());
        self.error(&codes::A_EXPECTED, message, self.span())
    }

    pub(crate) fn expect_mark(&mut self, mark: char) -> Parsed<Span> {
        if !self.at_mark(mark) {
            return Err(self.expected(&format!("`{mark}`")));
        }
        Ok(self.bump().span)
    }

    pub(crate) fn expect_word(&mut self, word: &str) -> Parsed<Span> {
        if !self.at_word(word) {
            return Err(self.expected(&format!("`{word}`")));
        }
        Ok(self.bump().span)
    }

    /// Any word: the name of a node, which may have dots.
    pub(crate) fn node_name(&mut self) -> Parsed<Name> {
        let token = self.peek();
        match token.kind.clone() {
            Kind::Word(text) => Ok(Name { text, span: self.bump().span }),
            _ => Err(self.expected("the name of a node")),
        }
    }

    /// A C identifier.
    pub(crate) fn name(&mut self, what: &str) -> Parsed<Name> {
        let Kind::Word(text) = self.peek().kind.clone() else {
            return Err(self.expected(what));
        };
        let span = self.bump().span;
        if text.contains('.') {
            self.report(
                Diagnostic::error(&codes::A_BAD_NAME, format!("`{text}` is not a C identifier"))
                    .at(span.clone(), "")
                    .help("only names of nodes may have dots"),
            );
        }
        Ok(Name { text, span })
    }

    pub(crate) fn string(&mut self, what: &str) -> Parsed<(String, Span)> {
        let Kind::Text(text) = self.peek().kind.clone() else {
            return Err(self.expected(what));
        };
        Ok((text, self.bump().span))
    }

    /// `;`, complaining at the end of what it should end. When the next token starts a line, the
    /// statement is taken as ended.
    pub(crate) fn semicolon(&mut self) -> Parsed<()> {
        if self.eat_mark(';') {
            return Ok(());
        }
        let after = self.before();
        let found = self.peek().kind.describe();
        let goes_on = self.peek().first || self.at_mark('}') || self.done();
        self.report(
            Diagnostic::error(&codes::A_MISSING_SEMICOLON, format!("expected `;`, found {found}"))
                .at(after.end.saturating_sub(1)..after.end, "`;` is missing after this"),
        );
        if goes_on { Ok(()) } else { Err(Reported) }
    }

    /// The brace that closes the one at `open`.
    pub(crate) fn close(&mut self, open: &Span, what: &str) -> Parsed<()> {
        if self.eat_mark('}') {
            return Ok(());
        }
        let found = self.peek().kind.describe();
        Err(self.report(
            Diagnostic::error(&codes::A_UNCLOSED, format!("expected `}}`, found {found}"))
                .at(self.span(), "")
                .also(open.clone(), format!("{what} is opened here")),
        ))
    }

    /// How many braces are open before the next token.
    pub(crate) fn depth(&self) -> usize {
        self.depth
    }

    /// After an error in a statement that started at this depth: to its end, or before what cannot
    /// belong to it (the brace around it, or a line that starts with one of the words).
    pub(crate) fn skip_statement(&mut self, depth: usize, starts: &[&str]) {
        while !self.done() {
            if self.depth == depth {
                if self.at_mark('}') {
                    return;
                }
                if self.eat_mark(';') {
                    return;
                }
                if self.peek().first && self.word().is_some_and(|word| starts.contains(&word)) {
                    return;
                }
            }
            self.bump();
        }
    }
}
