//! Expressions of directives: kept as trees until the places of all labels are known.
//!
//! Operands of instructions are simpler (`crate::expr`): a number, or a symbol and a number.

use crate::object::symbols::{Meaning, Origin, SymbolId};
use crate::object::unit::Unit;
use crate::operator::Operator;
use crate::token::{Sign, Tok, Token, looks_like_register};

/// The number of a node.
pub(super) type NodeId = u32;

/// How deep expressions, and symbols that stand for others, may be nested.
const DEPTH: u32 = 64;

/// How many parts an expression may have, with those of the symbols in it.
const STEPS: u32 = 100_000;

#[derive(Debug, Clone, Copy)]
pub(super) enum Node {
    Number(i128),
    Symbol(SymbolId),
    Unary(Operator, NodeId),
    Binary(Operator, NodeId, NodeId),
}

/// A number, to which the address of a symbol is added and from which another's is subtracted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) plus: Option<SymbolId>,
    pub(super) minus: Option<SymbolId>,
    pub(super) number: i128,
}

/// Why tokens are no expression: at which token, and what is wrong.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) why: Cause,
}

#[derive(Debug)]
pub(super) enum Cause {
    /// This should be there.
    Expected(&'static str),
    Register,
    TooDeep,
}

/// Parses the longest expression from token `at` on.
pub(super) struct Parser<'u, 'a, 't> {
    pub(super) unit: &'u mut Unit<'a>,
    pub(super) text: &'t str,
    pub(super) tokens: &'t [Token],
    pub(super) at: usize,
    depth: u32,
}

impl<'u, 'a, 't> Parser<'u, 'a, 't> {
    pub(super) fn new(
        unit: &'u mut Unit<'a>,
        text: &'t str,
        tokens: &'t [Token],
        at: usize,
    ) -> Self {
        Parser { unit, text, tokens, at, depth: 0 }
    }

    pub(super) fn parse(&mut self) -> Result<NodeId, Wrong> {
        self.binary(1)
    }

    fn wrong<T>(&self, why: Cause) -> Result<T, Wrong> {
        Err(Wrong { at: self.at, why })
    }

    fn binary(&mut self, least: u8) -> Result<NodeId, Wrong> {
        let mut left = self.unary()?;
        while let Some((operator, binds, length)) = Operator::at(&self.tokens[self.at..]) {
            if binds < least {
                break;
            }
            self.at += length;
            let right = self.binary(binds + 1)?;
            left = self.unit.join(operator, left, right);
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<NodeId, Wrong> {
        let Some(&token) = self.tokens.get(self.at) else {
            return self.wrong(Cause::Expected("a number or a symbol"));
        };
        let origin = self.unit.origin(token.span());
        let node = match token.tok {
            Tok::Number(number) => self.unit.node(Node::Number(i128::from(number))),
            Tok::Local { number, forward } => match self.unit.numeric(number, forward, origin) {
                Some(symbol) => self.unit.node(Node::Symbol(symbol)),
                None => self.unit.node(Node::Number(0)),
            },
            Tok::Word(_) if looks_like_register(self.text[token.span()].as_bytes()) => {
                return self.wrong(Cause::Register);
            }
            Tok::Register { .. } => return self.wrong(Cause::Register),
            Tok::Word(_) => self.unit.named(&self.text[token.span()], origin),
            Tok::Text => {
                let name = &self.text[token.start as usize + 1..token.end as usize - 1];
                self.unit.named(name, origin)
            }
            Tok::Sign(sign @ (Sign::Plus | Sign::Minus | Sign::Tilde | Sign::Not | Sign::Open)) => {
                return self.nested(sign);
            }
            Tok::Sign(_) | Tok::Bad(_) => {
                return self.wrong(Cause::Expected("a number or a symbol"));
            }
        };
        self.at += 1;
        Ok(node)
    }

    fn nested(&mut self, sign: Sign) -> Result<NodeId, Wrong> {
        if self.depth == DEPTH {
            return self.wrong(Cause::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        let node = if sign == Sign::Open {
            let node = self.binary(1)?;
            match self.tokens.get(self.at) {
                Some(Token { tok: Tok::Sign(Sign::Close), .. }) => self.at += 1,
                _ => return self.wrong(Cause::Expected("`)`")),
            }
            node
        } else {
            let of = self.unary()?;
            match sign {
                Sign::Minus => self.unit.join_one(Operator::Negate, of),
                Sign::Tilde => self.unit.join_one(Operator::Invert, of),
                Sign::Not => self.unit.join_one(Operator::Not, of),
                _ => of,
            }
        };
        self.depth -= 1;
        Ok(node)
    }
}

impl Unit<'_> {
    pub(super) fn node(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        (self.nodes.len() - 1) as NodeId
    }

    fn join(&mut self, operator: Operator, left: NodeId, right: NodeId) -> NodeId {
        if let (Node::Number(a), Node::Number(b)) =
            (self.nodes[left as usize], self.nodes[right as usize])
            && let Ok(number) = operator.of_two(a, b)
        {
            return self.node(Node::Number(number));
        }
        self.node(Node::Binary(operator, left, right))
    }

    fn join_one(&mut self, operator: Operator, of: NodeId) -> NodeId {
        match self.nodes[of as usize] {
            Node::Number(number) => {
                let number = operator.of_one(number);
                self.node(Node::Number(number))
            }
            _ => self.node(Node::Unary(operator, of)),
        }
    }

    /// A symbol in an expression: its number if it has been set to one, the place for `.`.
    fn named(&mut self, name: &str, origin: Origin) -> NodeId {
        let symbol = if name == "." {
            self.here()
        } else {
            let symbol = self.symbols.intern(name);
            if let Meaning::Value { node, .. } = self.symbols.get(symbol).meaning
                && let Node::Number(number) = self.nodes[node as usize]
            {
                return self.node(Node::Number(number));
            }
            self.symbols.get_mut(symbol).used.get_or_insert(origin);
            symbol
        };
        self.node(Node::Symbol(symbol))
    }

    /// What an expression comes to, as far as places are known.
    pub(super) fn evaluate(&self, node: NodeId) -> Result<Value, &'static str> {
        self.steps.set(STEPS);
        self.evaluate_at(node, 0)
    }

    fn evaluate_at(&self, node: NodeId, depth: u32) -> Result<Value, &'static str> {
        // Chains of operators are as deep as they are long; only their left sides grow.
        let steps = self.steps.get();
        self.steps.set(steps.saturating_sub(1));
        if !self.budget.step() {
            return Err(
                "the expressions of this text are too much: some of them have millions of parts",
            );
        }
        if depth > 4 * DEPTH || steps == 0 {
            return Err("it is nested too deeply, or a symbol is defined by itself");
        }
        match self.nodes[node as usize] {
            Node::Number(number) => Ok(Value { number, ..Value::default() }),
            Node::Symbol(symbol) => match self.symbols.get(symbol).meaning {
                Meaning::Value { node, .. } => self.evaluate_at(node, depth + 1),
                _ => Ok(Value { plus: Some(symbol), ..Value::default() }),
            },
            Node::Unary(operator, of) => {
                let of = self.evaluate_at(of, depth + 1)?;
                match (operator, of.plus, of.minus) {
                    (_, None, None) => {
                        Ok(Value { number: operator.of_one(of.number), ..Value::default() })
                    }
                    (Operator::Negate, plus, minus) => {
                        Ok(Value { plus: minus, minus: plus, number: -of.number })
                    }
                    _ => Err("this cannot be done with a symbol's address"),
                }
            }
            Node::Binary(operator, left, right) => {
                let left = self.evaluate_at(left, depth + 1)?;
                let right = self.evaluate_at(right, depth + 1)?;
                self.combine(operator, left, right)
            }
        }
    }

    fn combine(&self, operator: Operator, a: Value, b: Value) -> Result<Value, &'static str> {
        if let (None, None, None, None) = (a.plus, a.minus, b.plus, b.minus) {
            let number = operator.of_two(a.number, b.number)?;
            return Ok(Value { number, ..Value::default() });
        }
        let b = match operator {
            Operator::Add => b,
            Operator::Subtract => Value { plus: b.minus, minus: b.plus, number: -b.number },
            _ if operator.is_comparison() => {
                let difference = self.combine(Operator::Subtract, a, b)?;
                if difference.plus.or(difference.minus).is_some() {
                    return Err("these addresses cannot be compared yet");
                }
                let number = operator.of_two(difference.number, 0)?;
                return Ok(Value { number, ..Value::default() });
            }
            _ => return Err("this cannot be done with a symbol's address"),
        };
        let mut plus: Vec<SymbolId> = a.plus.into_iter().chain(b.plus).collect();
        let mut minus: Vec<SymbolId> = a.minus.into_iter().chain(b.minus).collect();
        let mut number = a.number + b.number;
        plus.retain(|add| {
            let distances = minus.iter().enumerate();
            let mut known =
                distances.filter_map(|(at, less)| Some((at, self.distance(*less, *add)?)));
            match known.next() {
                Some((at, distance)) => {
                    minus.remove(at);
                    number += i128::from(distance);
                    false
                }
                None => true,
            }
        });
        if plus.len() > 1 || minus.len() > 1 {
            return Err("only one symbol's address can be added, and one subtracted");
        }
        Ok(Value { plus: plus.pop(), minus: minus.pop(), number })
    }

    /// How far it is from one label to another, if that is known already.
    fn distance(&self, from: SymbolId, to: SymbolId) -> Option<i64> {
        if from == to {
            return Some(0);
        }
        let place = |symbol| match self.symbols.get(symbol).meaning {
            Meaning::Label(place) => Some(place),
            _ => None,
        };
        let (from, to) = (place(from)?, place(to)?);
        if from.section != to.section
            || !self.placed && from.parts != to.parts
            || !self.is_settled(from.section, from.fixed, to.fixed)
        {
            return None;
        }
        Some(self.offset(to) as i64 - self.offset(from) as i64)
    }

    /// The number that an expression comes to, if it is one by now.
    pub(super) fn constant(&self, node: NodeId) -> Result<i128, &'static str> {
        let value = self.evaluate(node)?;
        match (value.plus, value.minus) {
            (None, None) => Ok(value.number),
            _ => Err("a number is needed here, which is known at this point"),
        }
    }
}
