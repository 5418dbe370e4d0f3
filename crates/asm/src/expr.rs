//! Expressions: constants, and a symbol with a constant added. Others with symbols are recognised,
//! and left to who knows what the symbols are.
//!
//! Values are exact; an expression that does not fit into 64 bits is an error, not cut off.

use crate::operator::Operator;
use crate::token::{Sign, Tok, Token, looks_like_register};

/// How deep parentheses and unary operators may be nested.
const DEPTH: u32 = 64;

/// A symbol in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    /// The word at this place of the text.
    Name { start: u32, end: u32 },
    /// `1f` or `1b`.
    Local { number: u32, forward: bool },
    /// The expression is more than a symbol with a number added, as in `end - begin`.
    Compound,
}

/// Why an operand is none, if it would have to be a symbol with a number added.
pub(crate) const NOT_SIMPLE: &str = "only a number can be added to a symbol, or subtracted from it";

/// A value: a number, or a symbol's address plus a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expr {
    pub(crate) symbol: Option<Symbol>,
    pub(crate) value: i128,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Expr {
    pub(crate) fn span(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// What an expression may know of symbols before the whole text is read.
pub(crate) trait Scope {
    /// The value of a symbol that stands for a number.
    fn number(&self, name: &str) -> Option<i128>;
}

/// Why tokens are no expression; `at` is the number of the token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExprError {
    pub(crate) at: usize,
    pub(crate) kind: ExprErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExprErrorKind {
    /// A number, symbol or parenthesis should be here.
    Operand,
    /// `)` should be here.
    Close,
    /// A register, or a word that looks like one.
    Register,
    /// It cannot be evaluated.
    Value(&'static str),
}

/// Whether what follows an operand does not go on with the expression.
#[inline]
fn is_over(rest: &[Token]) -> bool {
    match rest.first() {
        None => true,
        Some(next) => !matches!(next.tok, Tok::Sign(sign) if Operator::begins(sign)),
    }
}

/// What by far the most operands are: a single number, maybe with a sign, or with two as in
/// `+-8`. Gives the token after it, as [`parse`] does, which reads these and all others.
#[inline(always)]
pub(crate) fn number(tokens: &[Token], at: usize) -> Option<(Expr, usize)> {
    let sign = |at: usize| match tokens.get(at)?.tok {
        Tok::Sign(sign @ (Sign::Plus | Sign::Minus)) => Some(sign == Sign::Minus),
        _ => None,
    };
    let (negative, operand) = match sign(at) {
        None => (false, at),
        Some(first) => match sign(at + 1) {
            None => (first, at + 1),
            Some(second) => (first != second, at + 2),
        },
    };
    let &Token { tok: Tok::Number(number), end, .. } = tokens.get(operand)? else { return None };
    let value = if negative { -i128::from(number) } else { i128::from(number) };
    let fits = value >= i128::from(i64::MIN) && is_over(&tokens[operand + 1..]);
    let start = tokens[at].start;
    fits.then_some((Expr { symbol: None, value, start, end }, operand + 1))
}

/// What most others are: a single symbol, which is not looked up in any scope.
#[inline(always)]
pub(crate) fn symbol(text: &str, tokens: &[Token], at: usize) -> Option<(Expr, usize)> {
    let &token = tokens.get(at).filter(|token| matches!(token.tok, Tok::Word(_)))?;
    let is_symbol =
        is_over(&tokens[at + 1..]) && !looks_like_register(text[token.span()].as_bytes());
    let symbol = Some(Symbol::Name { start: token.start, end: token.end });
    is_symbol.then_some((Expr { symbol, value: 0, start: token.start, end: token.end }, at + 1))
}

/// Parses the longest expression from token `at` on; gives the token after it.
pub(crate) fn parse(
    text: &str,
    tokens: &[Token],
    at: usize,
    scope: Option<&dyn Scope>,
) -> Result<(Expr, usize), ExprError> {
    let mut parser = Parser { text, tokens, at, depth: 0, scope };
    let expr = parser.binary(1)?;
    if expr.value < i128::from(i64::MIN) || expr.value > i128::from(u64::MAX) {
        let kind = ExprErrorKind::Value("it does not fit into 64 bits");
        return Err(ExprError { at: parser.at - 1, kind });
    }
    Ok((expr, parser.at))
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [Token],
    at: usize,
    depth: u32,
    scope: Option<&'a dyn Scope>,
}

impl Parser<'_> {
    fn error<T>(&self, kind: ExprErrorKind) -> Result<T, ExprError> {
        Err(ExprError { at: self.at, kind })
    }

    fn binary(&mut self, least: u8) -> Result<Expr, ExprError> {
        let mut left = self.unary()?;
        while let Some((operator, binds, length)) = Operator::at(&self.tokens[self.at..]) {
            if binds < least {
                break;
            }
            let at = self.at;
            self.at += length;
            let right = self.binary(binds + 1)?;
            left = apply(operator, left, right)
                .map_err(|why| ExprError { at, kind: ExprErrorKind::Value(why) })?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, ExprError> {
        let Some(&token) = self.tokens.get(self.at) else {
            return self.error(ExprErrorKind::Operand);
        };
        let leaf = |symbol, value| Expr { symbol, value, start: token.start, end: token.end };
        let expr = match token.tok {
            Tok::Number(number) => leaf(None, i128::from(number)),
            Tok::Local { number, forward } => leaf(Some(Symbol::Local { number, forward }), 0),
            Tok::Word(_) if looks_like_register(self.text[token.span()].as_bytes()) => {
                return self.error(ExprErrorKind::Register);
            }
            Tok::Word(_) => {
                match self.scope.and_then(|scope| scope.number(&self.text[token.span()])) {
                    Some(number) => leaf(None, number),
                    None => leaf(Some(Symbol::Name { start: token.start, end: token.end }), 0),
                }
            }
            Tok::Register { .. } => return self.error(ExprErrorKind::Register),
            // A name in quotes may be any, also that of a register.
            Tok::Text if token.end - token.start > 2 => {
                let (start, end) = (token.start + 1, token.end - 1);
                let name = &self.text[start as usize..end as usize];
                match self.scope.and_then(|scope| scope.number(name)) {
                    Some(number) => leaf(None, number),
                    None => leaf(Some(Symbol::Name { start, end }), 0),
                }
            }
            Tok::Sign(sign @ (Sign::Plus | Sign::Minus | Sign::Tilde | Sign::Not | Sign::Open)) => {
                return self.nested(sign, token);
            }
            Tok::Sign(_) | Tok::Text | Tok::Bad(_) => return self.error(ExprErrorKind::Operand),
        };
        self.at += 1;
        Ok(expr)
    }

    fn nested(&mut self, sign: Sign, token: Token) -> Result<Expr, ExprError> {
        if self.depth == DEPTH {
            return self.error(ExprErrorKind::Value("it is nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        let mut expr = if sign == Sign::Open { self.binary(1)? } else { self.unary()? };
        match sign {
            Sign::Open => {
                match self.tokens.get(self.at) {
                    Some(close) if close.tok == Tok::Sign(Sign::Close) => expr.end = close.end,
                    _ => return self.error(ExprErrorKind::Close),
                }
                self.at += 1;
            }
            Sign::Plus => {}
            _ if expr.symbol.is_some() => expr.symbol = Some(Symbol::Compound),
            Sign::Minus => expr.value = Operator::Negate.of_one(expr.value),
            Sign::Tilde => expr.value = Operator::Invert.of_one(expr.value),
            _ => expr.value = Operator::Not.of_one(expr.value),
        }
        expr.start = token.start;
        self.depth -= 1;
        Ok(expr)
    }
}

fn apply(operator: Operator, left: Expr, right: Expr) -> Result<Expr, &'static str> {
    let (start, end) = (left.start, right.end);
    let symbol = match (operator, left.symbol, right.symbol) {
        (_, None, None) => None,
        (_, Some(Symbol::Compound), _) | (_, _, Some(Symbol::Compound)) => Some(Symbol::Compound),
        (Operator::Add | Operator::Subtract, symbol, None) | (Operator::Add, None, symbol) => {
            symbol
        }
        _ => Some(Symbol::Compound),
    };
    let value = match symbol {
        Some(Symbol::Compound) => 0,
        _ => operator.of_two(left.value, right.value)?,
    };
    Ok(Expr { symbol, value, start, end })
}
