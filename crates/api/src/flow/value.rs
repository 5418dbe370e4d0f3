//! What is known of a register, and arithmetic with it. Anything that is not certain is
//! [`Value::Any`].

use abide_isa::{AluOp, Cond, Width};
use abide_object::{ExternId, MapId};

/// What is known of a register or stack slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    Any,
    /// This number.
    Number(u64),
    /// Some address that is not null.
    Address,
    /// So many bytes after the start of the context.
    Context(i32),
    /// So many bytes after the start of the only value of a map that cannot change.
    Data(MapId, u64),
    /// A value of the configuration.
    Kconfig(ExternId),
    /// So many bytes from the frame pointer of this function.
    Frame(i32),
}

impl Value {
    pub(super) fn is_address(self) -> bool {
        !matches!(self, Value::Any | Value::Number(_))
    }

    /// What is known when it may be either.
    pub(super) fn or(self, other: Value) -> Value {
        match self == other {
            true => self,
            false if self.is_address() && other.is_address() => Value::Address,
            false => Value::Any,
        }
    }

    /// What another function knows of an argument: it has a frame of its own.
    pub(super) fn passed(self) -> Value {
        if matches!(self, Value::Frame(_)) { Value::Address } else { self }
    }

    /// So many bytes further.
    fn moved(self, by: i64) -> Value {
        let near = |at: i32| i64::from(at).checked_add(by).and_then(|at| i32::try_from(at).ok());
        match self {
            _ if by == 0 => self,
            Value::Context(at) => near(at).map_or(Value::Address, Value::Context),
            Value::Frame(at) => near(at).map_or(Value::Address, Value::Frame),
            Value::Data(map, at) => Value::Data(map, at.wrapping_add_signed(by)),
            // Not null, wherever it points to: arithmetic never makes null of an address.
            Value::Address | Value::Kconfig(_) => Value::Address,
            Value::Any | Value::Number(_) => Value::Any,
        }
    }
}

/// `a op b`.
pub(super) fn alu(op: AluOp, width: Width, a: Value, b: Value) -> Value {
    let (Value::Number(x), Value::Number(y)) = (a, b) else {
        return match (op, width, a, b) {
            (AluOp::Add, Width::W64, at, Value::Number(by))
            | (AluOp::Add, Width::W64, Value::Number(by), at) => at.moved(by.cast_signed()),
            (AluOp::Sub, Width::W64, at, Value::Number(by)) => {
                at.moved(by.cast_signed().wrapping_neg())
            }
            // By a number that is not known.
            (AluOp::Add | AluOp::Sub, Width::W64, at, Value::Any) if at.is_address() => {
                Value::Address
            }
            _ => Value::Any,
        };
    };
    let bits = width.bits();
    let (x, y) = (narrow(width, x), narrow(width, y));
    let shift = y as u32 % bits;
    let result = match op {
        AluOp::Add => x.wrapping_add(y),
        AluOp::Sub => x.wrapping_sub(y),
        AluOp::Mul => x.wrapping_mul(y),
        AluOp::Or => x | y,
        AluOp::And => x & y,
        AluOp::Xor => x ^ y,
        AluOp::Lsh => x << shift,
        AluOp::Rsh => x >> shift,
        AluOp::Arsh => (signed(width, x) >> shift).cast_unsigned(),
        AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod => return Value::Any,
    };
    Value::Number(narrow(width, result))
}

/// Whether a condition holds, if that is known.
pub(super) fn holds(cond: Cond, width: Width, a: Value, b: Value) -> Option<bool> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (narrow(width, x), narrow(width, y));
            let (sx, sy) = (signed(width, x), signed(width, y));
            Some(match cond {
                Cond::Eq => x == y,
                Cond::Ne => x != y,
                Cond::Gt => x > y,
                Cond::Ge => x >= y,
                Cond::Lt => x < y,
                Cond::Le => x <= y,
                Cond::Set => x & y != 0,
                Cond::Sgt => sx > sy,
                Cond::Sge => sx >= sy,
                Cond::Slt => sx < sy,
                Cond::Sle => sx <= sy,
            })
        }
        (at, Value::Number(0)) | (Value::Number(0), at)
            if at.is_address() && width == Width::W64 =>
        {
            match cond {
                Cond::Eq => Some(false),
                Cond::Ne => Some(true),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A number as an operation of this width sees and leaves it.
pub(super) fn narrow(width: Width, number: u64) -> u64 {
    match width {
        Width::W32 => u64::from(number as u32),
        Width::W64 => number,
    }
}

fn signed(width: Width, number: u64) -> i64 {
    match width {
        Width::W32 => i64::from(number as i32),
        Width::W64 => number.cast_signed(),
    }
}

/// The low bits with their sign.
pub(super) fn extended(number: u64, bits: u32) -> u64 {
    let unused = 64 - bits;
    ((number << unused).cast_signed() >> unused).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_either_is_not_known() {
        assert_eq!(Value::Number(1).or(Value::Number(1)), Value::Number(1));
        assert_eq!(Value::Number(1).or(Value::Number(2)), Value::Any);
        assert_eq!(Value::Context(0).or(Value::Frame(-8)), Value::Address);
        assert_eq!(Value::Context(0).or(Value::Number(0)), Value::Any);
    }

    #[test]
    fn numbers_are_as_wide_as_the_operation() {
        let add = |width, a, b| alu(AluOp::Add, width, Value::Number(a), Value::Number(b));
        assert_eq!(add(Width::W32, u64::MAX, 1), Value::Number(0));
        assert_eq!(add(Width::W64, u64::MAX, 2), Value::Number(1));
        let arsh = |width, a| alu(AluOp::Arsh, width, Value::Number(a), Value::Number(1));
        assert_eq!(arsh(Width::W32, 0x8000_0000), Value::Number(0xc000_0000));
        assert_eq!(extended(0xff, 8), u64::MAX);
        let less = |cond, width| holds(cond, width, Value::Number(1 << 32), Value::Number(1));
        assert_eq!(less(Cond::Lt, Width::W32), Some(true));
        assert_eq!(less(Cond::Lt, Width::W64), Some(false));
    }

    #[test]
    fn an_address_is_not_null_and_nothing_else_is_known_of_it() {
        let zero = Value::Number(0);
        assert_eq!(holds(Cond::Eq, Width::W64, Value::Address, zero), Some(false));
        assert_eq!(holds(Cond::Ne, Width::W64, Value::Context(4), zero), Some(true));
        assert_eq!(holds(Cond::Eq, Width::W32, Value::Address, zero), None);
        assert_eq!(holds(Cond::Gt, Width::W64, Value::Address, zero), None);
        assert_eq!(holds(Cond::Eq, Width::W64, Value::Any, zero), None);
        let moved = alu(AluOp::Add, Width::W64, Value::Context(4), Value::Number(4));
        assert_eq!(moved, Value::Context(8));
        assert_eq!(alu(AluOp::Add, Width::W32, Value::Context(4), zero), Value::Any);
    }
}
