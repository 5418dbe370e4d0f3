//! Finds the instruction that the tokens of a statement spell, by walking the grammar's tree.
//!
//! Where a token can be taken in two ways (`-` before a register or a number, a word that is also
//! a symbol), the literal one is tried first. Only when no way leads to an instruction are they all walked
//! again, to tell why: a failure remembers the farthest place that any way
//! reached, and what was expected there.

use abide_diag::Diagnostic;
use abide_isa::{Kind, Reg};

use crate::bind::{self, Bound};
use crate::dialect::Dialect;
use crate::expr::{self, Expr, ExprErrorKind, Scope};
use crate::grammar::{Grammar, Literal, NodeId, Tree};
use crate::token::{NO_WORD, Sign, Tok, Token, register};

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

/// What is noted of ways that lead nowhere.
trait Notes {
    /// At a token none of what a node has is there.
    fn expected(&mut self, _node: NodeId, _at: usize) {}

    /// At a token something is wrong.
    fn fail(&mut self, _at: usize, _trouble: Trouble) {}
}

/// As long as it is not known that all do: nothing.
impl Notes for () {}

impl Notes for Failure {
    fn expected(&mut self, node: NodeId, at: usize) {
        if at > self.at {
            *self = Failure { at, trouble: Trouble::Expected(vec![node]) };
        } else if at == self.at
            && let Trouble::Expected(nodes) = &mut self.trouble
        {
            nodes.push(node);
        }
    }

    fn fail(&mut self, at: usize, trouble: Trouble) {
        if at > self.at || at == self.at && !matches!(self.trouble, Trouble::Operands(_)) {
            *self = Failure { at, trouble };
        }
    }
}

/// A statement to be found in the tree of a dialect.
#[derive(Clone, Copy)]
pub(crate) struct Statement<'a> {
    pub(crate) text: &'a str,
    pub(crate) tokens: &'a [Token],
    pub(crate) dialect: Dialect,
    pub(crate) scope: Option<&'a dyn Scope>,
    /// Whether symbols may stand for numbers that will be known later.
    pub(crate) later: bool,
}

impl Statement<'_> {
    /// Whether the statement spells an instruction; `bound` is that then. `captures` is where
    /// operands are kept meanwhile.
    #[inline]
    pub(crate) fn find(
        &self,
        grammar: &Grammar,
        captures: &mut Vec<Capture>,
        bound: &mut Bound,
    ) -> bool {
        captures.clear();
        let tree = grammar.tree(self.dialect);
        Walk::<_, false> { statement: self, tree, captures, bound, notes: () }.from(Tree::ROOT, 0)
    }

    /// The same as LLVM's assembler takes pseudo-C: with commas wherever they are and none where
    /// there should be some, addresses without `+`, signs apart that belong together (`r1 + = r2`),
    /// the first word in upper case also if it is a register.
    ///
    /// Not so `R1 = r2` and `R1 = 5`: those define a symbol for GNU's assembler.
    pub(crate) fn find_loosely(
        &self,
        grammar: &Grammar,
        captures: &mut Vec<Capture>,
        bound: &mut Bound,
    ) -> bool {
        captures.clear();
        let tree = grammar.tree(self.dialect);
        let mut walk = Walk::<_, true> { statement: self, tree, captures, bound, notes: () };
        let found = walk.from(Tree::ROOT, 0);
        let is_name = self.tokens.first().is_some_and(|first| matches!(first.tok, Tok::Word(_)));
        let defines = is_name && matches!(bound.insn.kind(), Kind::Mov { .. } | Kind::Neg { .. });
        found && !defines
    }

    /// Why it spells none, which [`Statement::find`] has found.
    pub(crate) fn failure(&self, grammar: &Grammar) -> Failure {
        let notes = Failure { at: 0, trouble: Trouble::Expected(Vec::new()) };
        let (captures, bound) = (&mut Vec::new(), &mut Bound::default());
        let tree = grammar.tree(self.dialect);
        let mut walk = Walk::<_, false> { statement: self, tree, captures, bound, notes };
        walk.from(Tree::ROOT, 0);
        walk.notes
    }
}

/// A walk through the tree, and what it has found.
///
/// With `LOOSE` it goes over commas that are not expected, and those that are not there; the offset of
/// an address needs no sign.
struct Walk<'a, N, const LOOSE: bool> {
    statement: &'a Statement<'a>,
    tree: &'a Tree,
    captures: &'a mut Vec<Capture>,
    bound: &'a mut Bound,
    notes: N,
}

impl<N: Notes, const LOOSE: bool> Walk<'_, N, LOOSE> {
    /// Whether the tokens from `at` on spell what is below a node; `bound` is the instruction then.
    fn from(&mut self, id: NodeId, at: usize) -> bool {
        let (mut id, mut at) = (id, at);
        loop {
            let Some(token) = self.statement.tokens.get(at) else { return self.end(id, at) };
            let steps = &self.tree.steps;
            let branch = steps.branch(id);
            if LOOSE && token.tok == Tok::Sign(Sign::Comma) && at > 0 {
                at += 1;
                continue;
            }
            let mut expression = branch.expression;
            if LOOSE {
                if matches!(token.tok, Tok::Number(_)) {
                    expression = expression.or(branch.offset);
                }
                if self.apart(id, at) {
                    return true;
                }
                if at == 0
                    && let Some((reg, half)) = self.capital(*token)
                    && let Some(next) = if half { branch.half } else { branch.register }
                {
                    self.captures.push(Capture::Register(reg, at));
                    (id, at) = (next, at + 1);
                    continue;
                }
            }
            let literal = match token.tok {
                Tok::Sign(sign) => {
                    if matches!(sign, Sign::Plus | Sign::Minus) {
                        expression = branch.offset.or(expression);
                    }
                    steps.next(id, branch, Literal::Sign(sign))
                }
                Tok::Word(word) if word != NO_WORD => steps.next(id, branch, Literal::Word(word)),
                Tok::Register { reg, half, percent } => {
                    let next = if half { branch.half } else { branch.register };
                    // GNU's dialect has no register without `%`; pseudo-C has both.
                    if let Some(next) = next
                        && (percent || self.statement.dialect == Dialect::C)
                    {
                        // A register is never an expression as well.
                        self.captures.push(Capture::Register(reg, at));
                        (id, at) = (next, at + 1);
                        continue;
                    }
                    None
                }
                _ => None,
            };
            (id, at) = match (literal, expression) {
                (Some(next), None) => (next, at + 1),
                (Some(next), Some(after)) => {
                    let held = self.captures.len();
                    if self.from(next, at + 1) {
                        return true;
                    }
                    self.captures.truncate(held);
                    match self.expression(id, at) {
                        Ok(over) => (after, over),
                        Err(_) => return false,
                    }
                }
                (None, Some(after)) => match self.expression(id, at) {
                    Ok(over) => (after, over),
                    Err(noted) => {
                        if !noted {
                            self.notes.expected(id, at);
                        }
                        return false;
                    }
                },
                (None, None) => {
                    if LOOSE && let Some(next) = steps.next(id, branch, Literal::Sign(Sign::Comma))
                    {
                        id = next;
                        continue;
                    }
                    self.notes.expected(id, at);
                    return false;
                }
            };
        }
    }

    /// Whether the statement goes on with a sign that is written as several, and is found then.
    #[cold]
    fn apart(&mut self, id: NodeId, at: usize) -> bool {
        let tree = self.tree;
        for (literal, next) in &tree.node(id).literals {
            let Literal::Sign(whole) = literal else { continue };
            let Some(over) = self.pieces(whole.text(), at) else { continue };
            let held = self.captures.len();
            if self.from(*next, over) {
                return true;
            }
            self.captures.truncate(held);
        }
        false
    }

    /// The token after those that make up a sign together, if there are several of them.
    fn pieces(&self, whole: &str, at: usize) -> Option<usize> {
        let (mut rest, mut over) = (whole, at);
        while !rest.is_empty() {
            match self.statement.tokens.get(over)?.tok {
                Tok::Sign(Sign::Comma) if over > at => {}
                Tok::Sign(sign) => rest = rest.strip_prefix(sign.text())?,
                _ => return None,
            }
            over += 1;
        }
        (over > at + 1).then_some(over)
    }

    /// The register whose name a word is in upper case.
    fn capital(&self, token: Token) -> Option<(Reg, bool)> {
        let word = &self.statement.text[token.span()];
        register(word.to_ascii_lowercase().as_bytes())
    }

    /// Captures the expression at `at`, and gives the token after it. Otherwise says whether what
    /// is wrong with it was noted: one that is missing altogether is just an unexpected token.
    #[inline]
    fn expression(&mut self, id: NodeId, at: usize) -> Result<usize, bool> {
        let &Statement { text, tokens, scope, .. } = self.statement;
        if let Some((number, after)) = expr::number(tokens, at) {
            self.captures.push(Capture::Expression(number));
            return Ok(after);
        }
        if scope.is_none()
            && let Some((symbol, after)) = expr::symbol(text, tokens, at)
        {
            self.captures.push(Capture::Expression(symbol));
            return Ok(after);
        }
        match expr::parse(text, tokens, at, scope) {
            Ok((expr, after)) => {
                self.captures.push(Capture::Expression(expr));
                Ok(after)
            }
            Err(error) => {
                let node = self.tree.node(id);
                let missing = error.at == at
                    && (error.kind == ExprErrorKind::Operand
                        || node.register.or(node.half).is_some());
                if !missing {
                    self.notes.fail(error.at, Trouble::Expression(error.kind));
                }
                Err(!missing)
            }
        }
    }

    /// At the end of the statement: the first row whose fixed operands are as written.
    fn end(&mut self, id: NodeId, at: usize) -> bool {
        let node = self.tree.node(id);
        if node.rows.is_empty() {
            self.notes.expected(id, at);
            return false;
        }
        let &Statement { text, tokens, later, .. } = self.statement;
        match bind::bind(&node.rows, self.captures, text, tokens, later, self.bound) {
            Ok(()) => true,
            Err(diagnostic) => {
                // Reaching the end is farther than any token.
                self.notes.fail(at + 1, Trouble::Operands(diagnostic));
                false
            }
        }
    }
}
