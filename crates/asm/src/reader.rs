//! One statement to one instruction: in the dialect asked for, or in the one it is written in.

use std::borrow::Cow;

use abide_diag::{Diagnostic, Span};
use abide_isa::Insn;

use crate::bind::Bound;
use crate::codes;
use crate::dialect::Dialect;
use crate::explain::explain;
use crate::expr::Scope;
use crate::grammar::{Grammar, Literal, Tree};
use crate::matcher::{Failure, Matcher};
use crate::print::{Names, print, spelled};
use crate::token::{NO_WORD, Tok, Token};

/// The instruction of a statement, and the dialect that it is written in.
pub(crate) fn read(
    text: &str,
    tokens: &[Token],
    wanted: Option<Dialect>,
    scope: Option<&dyn Scope>,
) -> Result<(Bound, Dialect), Box<Diagnostic>> {
    let grammar = Grammar::get();
    let run = |dialect| -> Result<Bound, Failure> {
        Matcher::new(text, tokens, dialect, grammar, scope).run()
    };
    let first = wanted.unwrap_or_else(|| guess(grammar, tokens[0]));
    let failure = match run(first) {
        Ok(bound) => return Ok((bound, first)),
        Err(failure) => failure,
    };
    let second = first.other();
    let (failure, dialect) = match (run(second), wanted) {
        (Ok(bound), None) => return Ok((bound, second)),
        (Ok(bound), Some(wanted)) => {
            if spelled(bound.insn.op, wanted) == second {
                return Ok((bound, second));
            }
            return Err(Box::new(other_dialect(text, &bound, tokens, wanted)));
        }
        (Err(other), None) if other.at > failure.at => (other, second),
        (Err(_), _) => (failure, first),
    };
    Err(Box::new(explain(text, tokens, dialect, failure)))
}

/// The dialect that a statement is probably written in: that which has its first word.
fn guess(grammar: &Grammar, token: Token) -> Dialect {
    let Tok::Word(word) = token.tok else { return Dialect::C };
    let begins = |dialect| {
        let root = grammar.tree(dialect).node(Tree::ROOT);
        word != NO_WORD && root.literal(Literal::Word(word)).is_some()
    };
    if begins(Dialect::Gnu) && !begins(Dialect::C) { Dialect::Gnu } else { Dialect::C }
}

fn other_dialect(text: &str, bound: &Bound, tokens: &[Token], wanted: Dialect) -> Diagnostic {
    let symbol = bound.symbol.as_ref().map(|(_, _, span)| &text[span.clone()]);
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
