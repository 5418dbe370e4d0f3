//! One statement to one instruction: in the dialect asked for, or in the one it is written in.

use std::borrow::Cow;

use abide_diag::{Diagnostic, Span};
use abide_isa::Insn;

use crate::bind::Bound;
use crate::codes;
use crate::dialect::Dialect;
use crate::explain::explain;
use crate::expr::Scope;
use crate::grammar::Grammar;
use crate::matcher::{Capture, Statement};
use crate::print::{Names, print, spelled};
use crate::token::{Tok, Token};

/// Reads statements.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The instruction read last.
    pub(crate) bound: Bound,
    /// Whether symbols may stand for numbers that will be known later.
    pub(crate) later: bool,
    captures: Vec<Capture>,
}

impl Reader {
    /// One for whole texts, at whose end all symbols are known.
    pub(crate) fn of_objects() -> Reader {
        Reader { later: true, ..Reader::default() }
    }

    /// Reads a statement, whose instruction `bound` is then; gives the dialect that it is written
    /// in.
    pub(crate) fn read(
        &mut self,
        text: &str,
        tokens: &[Token],
        wanted: Option<Dialect>,
        scope: Option<&dyn Scope>,
    ) -> Result<Dialect, Box<Diagnostic>> {
        let grammar = Grammar::get();
        let first = wanted.unwrap_or_else(|| guess(grammar, tokens[0]));
        let statement = Statement { text, tokens, dialect: first, scope, later: self.later };
        if statement.find(grammar, &mut self.captures, &mut self.bound) {
            return Ok(first);
        }
        let second = first.other();
        let other = Statement { dialect: second, ..statement };
        if other.find(grammar, &mut self.captures, &mut self.bound) {
            return match wanted {
                Some(wanted) if spelled(self.bound.insn.op, wanted) != second => {
                    Err(Box::new(other_dialect(text, &self.bound, tokens, wanted)))
                }
                _ => Ok(second),
            };
        }
        let c = Statement { dialect: Dialect::C, ..statement };
        if wanted != Some(Dialect::Gnu)
            && c.find_loosely(grammar, &mut self.captures, &mut self.bound)
        {
            return Ok(Dialect::C);
        }
        let (failure, other) = (statement.failure(grammar), other.failure(grammar));
        let (failure, dialect) = match wanted {
            None if other.at > failure.at => (other, second),
            _ => (failure, first),
        };
        Err(Box::new(explain(text, tokens, dialect, failure)))
    }
}

/// The dialect that a statement is probably written in: that which has its first word.
fn guess(grammar: &Grammar, token: Token) -> Dialect {
    match token.tok {
        Tok::Word(word) if grammar.begins_gnu_only(word) => Dialect::Gnu,
        _ => Dialect::C,
    }
}

fn other_dialect(text: &str, bound: &Bound, tokens: &[Token], wanted: Dialect) -> Diagnostic {
    let symbol = bound.reference.map(|reference| &text[reference.span()]);
    let spelling = print(&bound.insn, wanted, &Symbolic(symbol));
    Diagnostic::error(&codes::DIALECT, format!("this is written in the {} dialect", wanted.other()))
        .at(span_of(tokens), format!("in the {wanted} dialect: `{spelling}`"))
        .help("without a fixed dialect each line may be in either")
}

/// The symbol of one instruction, for showing it in the other dialect.
struct Symbolic<'a>(Option<&'a str>);

impl Names for Symbolic<'_> {
    fn symbol(&self, _: &Insn) -> Option<Cow<'_, str>> {
        self.0.map(Cow::Borrowed)
    }
}

/// The place of a statement.
pub(crate) fn span_of(tokens: &[Token]) -> Span {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => first.start as usize..last.end as usize,
        _ => 0..0,
    }
}
