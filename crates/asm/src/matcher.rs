//! Finds the instruction that the tokens of a statement spell, by walking the grammar's tree.
//!
//! Where a token can be taken in two ways (`-` before a register or a number, a word that is also
//! a symbol), the literal one is tried first. A failure remembers the farthest place that any way
//! reached, and what was expected there.

use abide_diag::Diagnostic;
use abide_isa::Reg;

use crate::bind::{self, Bound};
use crate::dialect::Dialect;
use crate::expr::{self, Expr, ExprErrorKind, Scope};
use crate::grammar::{Grammar, Literal, NodeId, Tree};
use crate::token::{NO_WORD, Sign, Tok, Token};

/// An operand that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Capture {
    /// A register, and the number of its token.
    Register(Reg, usize),
    /// A number or symbol.
    Expression(Expr),
}

/// What stands in the way at one token.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// What these nodes expect is not there.
    Expected(Vec<NodeId>),
    /// An expression is wrong there.
    Expression(ExprErrorKind),
    /// The spelling is right, its operands are not.
    Operands(Box<Diagnostic>),
}

/// The farthest failure.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The number of the token; one past the last for the end of the statement.
    pub(crate) at: usize,
    pub(crate) trouble: Trouble,
}

/// Walks the tree of one dialect over one statement after the other.
pub(crate) struct Matcher<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: &'a [Token],
    pub(crate) dialect: Dialect,
    tree: &'static Tree,
    scope: Option<&'a dyn Scope>,
    captures: Vec<Capture>,
    failure: Failure,
}

impl<'a> Matcher<'a> {
    pub(crate) fn new(
        text: &'a str,
        tokens: &'a [Token],
        dialect: Dialect,
        grammar: &'static Grammar,
        scope: Option<&'a dyn Scope>,
    ) -> Self {
        Matcher {
            text,
            tokens,
            dialect,
            tree: grammar.tree(dialect),
            scope,
            captures: Vec::with_capacity(6),
            failure: Failure { at: 0, trouble: Trouble::Expected(Vec::new()) },
        }
    }

    /// The instruction that the statement spells.
    pub(crate) fn run(mut self) -> Result<Bound, Failure> {
        match self.walk(Tree::ROOT, 0) {
            Some(bound) => Ok(bound),
            None => Err(self.failure),
        }
    }

    fn walk(&mut self, id: NodeId, at: usize) -> Option<Bound> {
        let node = self.tree.node(id);
        let Some(&token) = self.tokens.get(at) else { return self.end(id, at) };
        let held = self.captures.len();
        let literal = match token.tok {
            Tok::Word(word) if word != NO_WORD => node.literal(Literal::Word(word)),
            Tok::Sign(sign) => node.literal(Literal::Sign(sign)),
            _ => None,
        };
        let mut tried = literal.is_some();
        if let Some(next) = literal
            && let Some(bound) = self.walk(next, at + 1)
        {
            return Some(bound);
        }
        if let Tok::Register { reg, half, percent } = token.tok {
            let next = if half { node.half } else { node.register };
            // GNU's dialect has no register without `%`; pseudo-C has both.
            if let Some(next) = next.filter(|_| percent || self.dialect == Dialect::C) {
                tried = true;
                self.captures.push(Capture::Register(reg, at));
                if let Some(bound) = self.walk(next, at + 1) {
                    return Some(bound);
                }
                self.captures.truncate(held);
            }
        }
        let signed = matches!(token.tok, Tok::Sign(Sign::Plus | Sign::Minus));
        let expression = node.offset.filter(|_| signed).or(node.expression);
        if let Some(next) = expression {
            match expr::parse(self.text, self.tokens, at, self.scope) {
                Ok((expr, after)) => {
                    tried = true;
                    self.captures.push(Capture::Expression(expr));
                    if let Some(bound) = self.walk(next, after) {
                        return Some(bound);
                    }
                    self.captures.truncate(held);
                }
                // An operand missing at the start is just an unexpected token.
                Err(error) if error.at == at && error.kind == ExprErrorKind::Operand => {}
                Err(error) if error.at == at && node.register.or(node.half).is_some() => {}
                Err(error) => {
                    tried = true;
                    self.fail(error.at, Trouble::Expression(error.kind));
                }
            }
        }
        if !tried {
            self.expected(id, at);
        }
        None
    }

    /// At the end of the statement: the first row whose fixed operands are as written.
    fn end(&mut self, id: NodeId, at: usize) -> Option<Bound> {
        let node = self.tree.node(id);
        if node.rows.is_empty() {
            self.expected(id, at);
            return None;
        }
        match bind::bind(&node.rows, &self.captures, self.text, self.tokens) {
            Ok(bound) => Some(bound),
            Err(diagnostic) => {
                // Reaching the end is farther than any token.
                self.fail(at + 1, Trouble::Operands(diagnostic));
                None
            }
        }
    }

    fn expected(&mut self, id: NodeId, at: usize) {
        if at > self.failure.at {
            self.failure = Failure { at, trouble: Trouble::Expected(vec![id]) };
        } else if at == self.failure.at
            && let Trouble::Expected(nodes) = &mut self.failure.trouble
        {
            nodes.push(id);
        }
    }

    fn fail(&mut self, at: usize, trouble: Trouble) {
        if at > self.failure.at
            || at == self.failure.at && !matches!(self.failure.trouble, Trouble::Operands(_))
        {
            self.failure = Failure { at, trouble };
        }
    }
}
