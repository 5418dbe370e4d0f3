//! The operators of expressions, in operands and in directives: how they are written, how strongly
//! they bind, what they make of numbers. Knows no symbols.
//!
//! They are those of GNU's and of LLVM's assemblers, from the weakest: `||`, `&&`, comparisons,
//! `+ -`, `| & ^ !`, `* / % << >>`. A comparison that holds is -1. Comparisons and divisions are of
//! signed 64-bit numbers and `>>` shifts zeros in, as in both.

use crate::token::{Sign, Tok, Token};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Negate,
    Invert,
    Not,
    Add,
    Subtract,
    Or,
    OrNot,
    And,
    Xor,
    Multiply,
    Divide,
    Remainder,
    Left,
    Right,
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Both,
    Either,
}

impl Operator {
    /// The one that the first tokens are, how strongly it binds, how many tokens it has.
    pub(crate) fn at(tokens: &[Token]) -> Option<(Operator, u8, usize)> {
        let &[Token { tok: Tok::Sign(first), end, .. }, ref rest @ ..] = tokens else {
            return None;
        };
        let touching = rest.first().filter(|next| next.start == end).map(|next| next.tok);
        Some(match (first, touching) {
            (Sign::Or, Some(Tok::Sign(Sign::Or))) => (Operator::Either, 1, 2),
            (Sign::And, Some(Tok::Sign(Sign::And))) => (Operator::Both, 2, 2),
            (Sign::Less, Some(Tok::Sign(Sign::Greater))) => (Operator::Unequal, 3, 2),
            _ => {
                let (operator, binds) = Operator::of(first)?;
                (operator, binds, 1)
            }
        })
    }

    /// The one that a sign is by itself, and how strongly it binds.
    #[inline]
    const fn of(sign: Sign) -> Option<(Operator, u8)> {
        Some(match sign {
            Sign::Equal => (Operator::Equal, 3),
            Sign::NotEqual => (Operator::Unequal, 3),
            Sign::Less => (Operator::Less, 3),
            Sign::LessEqual => (Operator::LessEqual, 3),
            Sign::Greater => (Operator::Greater, 3),
            Sign::GreaterEqual => (Operator::GreaterEqual, 3),
            Sign::Plus => (Operator::Add, 4),
            Sign::Minus => (Operator::Subtract, 4),
            Sign::Or => (Operator::Or, 5),
            Sign::Not => (Operator::OrNot, 5),
            Sign::And => (Operator::And, 5),
            Sign::Xor => (Operator::Xor, 5),
            Sign::Star => (Operator::Multiply, 6),
            Sign::Slash => (Operator::Divide, 6),
            Sign::Percent => (Operator::Remainder, 6),
            Sign::Shl => (Operator::Left, 6),
            Sign::Shr => (Operator::Right, 6),
            _ => return None,
        })
    }

    /// For each byte whether one may begin with it.
    pub(crate) const STARTS: [bool; 256] = {
        let (mut starts, mut at) = ([false; 256], 0);
        while at < Sign::COUNT {
            if Operator::of(Sign::ALL[at]).is_some() {
                starts[Sign::TEXTS[at][0] as usize] = true;
            }
            at += 1;
        }
        starts
    };

    /// Whether one begins with this sign.
    #[inline]
    pub(crate) fn begins(sign: Sign) -> bool {
        Operator::of(sign).is_some()
    }

    pub(crate) fn is_comparison(self) -> bool {
        use Operator::{Equal, Greater, GreaterEqual, Less, LessEqual, Unequal};
        matches!(self, Equal | Unequal | Less | LessEqual | Greater | GreaterEqual)
    }

    /// What one before a number makes of it.
    pub(crate) fn of_one(self, number: i128) -> i128 {
        match self {
            Operator::Negate => -number,
            Operator::Invert => !signed(number),
            _ => i128::from(number == 0),
        }
    }

    /// What one between two numbers makes of them; numbers that may be calculated with further.
    pub(crate) fn of_two(self, a: i128, b: i128) -> Result<i128, &'static str> {
        let shift = || u32::try_from(b).ok().filter(|by| *by < 64);
        let truth = |truth: bool| Some(i128::from(truth));
        let compared =
            |holds: fn(&i128, &i128) -> bool| Some(-i128::from(holds(&signed(a), &signed(b))));
        let number = match self {
            Operator::Add => a.checked_add(b),
            Operator::Subtract => a.checked_sub(b),
            Operator::Or => Some(a | b),
            Operator::OrNot => Some(a | !b),
            Operator::And => Some(a & b),
            Operator::Xor => Some(a ^ b),
            Operator::Multiply => a.checked_mul(b),
            Operator::Divide | Operator::Remainder if b == 0 => return Err("it divides by zero"),
            Operator::Divide => signed(a).checked_div(signed(b)),
            Operator::Remainder => signed(a).checked_rem(signed(b)),
            Operator::Left => shift().and_then(|by| a.checked_mul(1 << by)),
            Operator::Right => shift().map(|by| i128::from(a as u64 >> by)),
            Operator::Equal => compared(i128::eq),
            Operator::Unequal => compared(i128::ne),
            Operator::Less => compared(i128::lt),
            Operator::LessEqual => compared(i128::le),
            Operator::Greater => compared(i128::gt),
            Operator::GreaterEqual => compared(i128::ge),
            Operator::Both => truth(a != 0 && b != 0),
            Operator::Either => truth(a != 0 || b != 0),
            Operator::Negate | Operator::Invert | Operator::Not => None,
        };
        // Small enough that no later step can overflow 128 bits.
        number
            .filter(|number| number.unsigned_abs() <= 1 << 64)
            .ok_or("it does not fit into 64 bits")
    }
}

/// The number that 64 bits are with a sign: `0xffffffffffffff00` is -256.
pub(crate) fn signed(value: i128) -> i128 {
    if value > i128::from(i64::MAX) { i128::from(value as u64 as i64) } else { value }
}
