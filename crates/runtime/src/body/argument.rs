//! Arguments of bodies: how a Rust type is checked against a parameter, and made from registers.

use super::call::Call;
use super::signature::{Misfit, Params, Shape};
use crate::trap::Trap;

/// Where an argument comes from, found out once when the body is registered.
#[derive(Debug, Clone, Default)]
pub struct Bound {
    /// Index of the register, 0 for r1.
    pub(crate) register: usize,
    /// The size, where the type says it.
    pub(crate) size: u32,
    /// Whether the size in the next register has 32 bits.
    pub(crate) short_size: bool,
    /// The parameter's name, for messages.
    pub(crate) name: String,
    /// The struct it points to.
    pub(crate) kind: std::sync::Arc<str>,
    /// The register of the map that it belongs to.
    pub(crate) map: usize,
}

/// A type that the closure of a body may take.
///
/// An argument is made in steps, so that several of them can refer to the memory of the same program:
/// each fetches a copy of its own, then the closure runs on the copies, then they are written back.
pub trait Argument {
    /// The type that the closure sees.
    type Item<'a>;
    /// What is fetched for one call.
    type Stored;

    /// Checks the next parameter of the prototype.
    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit>;
    /// Takes it from the program.
    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Self::Stored, Trap>;
    /// Takes out of the call what the closure borrows as a whole. Runs after all arguments are fetched.
    fn lend(_stored: &mut Self::Stored, _call: &mut Call<'_>) {}
    /// Lends it to the closure.
    fn item(stored: &mut Self::Stored) -> Self::Item<'_>;
    /// Gives back what was taken out of the call.
    fn give_back(_stored: &mut Self::Stored, _call: &mut Call<'_>) {}
    /// Writes the results to the program.
    fn finish(_stored: Self::Stored, _bound: &Bound, _call: &mut Call<'_>) -> Result<(), Trap> {
        Ok(())
    }
}

macro_rules! integers {
    ($($type:ident $size:literal $signed:literal)+) => {$(
        impl Argument for $type {
            type Item<'a> = $type;
            type Stored = $type;

            fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
                let (register, param) = params.next(stringify!($type))?;
                match param.shape {
                    Shape::Scalar(int) | Shape::Size(int)
                        if int.size == $size
                            && !int.boolean
                            && (int.any_sign || int.signed == $signed) =>
                    {
                        Ok(Bound { register, ..Bound::default() })
                    }
                    _ => Err(params.misfit(param, stringify!($type))),
                }
            }

            fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Self, Trap> {
                Ok(call.arg(bound.register) as $type)
            }

            fn item(stored: &mut Self) -> Self {
                *stored
            }
        }
    )+};
}

integers! {
    u8 1 false  u16 2 false  u32 4 false  u64 8 false
    i8 1 true   i16 2 true   i32 4 true   i64 8 true
}

impl Argument for bool {
    type Item<'a> = bool;
    type Stored = bool;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        let (register, param) = params.next("bool")?;
        match param.shape {
            Shape::Scalar(int) if int.boolean => Ok(Bound { register, ..Bound::default() }),
            _ => Err(params.misfit(param, "bool")),
        }
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Self, Trap> {
        // A `bool` parameter is its low byte, and any value but zero is true.
        Ok(call.arg(bound.register) as u8 != 0)
    }

    fn item(stored: &mut Self) -> Self {
        *stored
    }
}

/// A parameter whose contract is `__nullable` or `__opt`.
impl<A: Argument> Argument for Option<A> {
    type Item<'a> = Option<A::Item<'a>>;
    type Stored = Option<A::Stored>;

    fn bind(params: &mut Params<'_>) -> Result<Bound, Misfit> {
        let nullable = params.next_is_nullable();
        if !nullable {
            let found = format!("Option<{}>", std::any::type_name::<A>());
            let (_, param) = params.next(&found)?;
            return Err(params.misfit(param, &found));
        }
        A::bind(params)
    }

    fn fetch(bound: &Bound, call: &mut Call<'_>) -> Result<Self::Stored, Trap> {
        if call.arg(bound.register) == 0 {
            return Ok(None);
        }
        A::fetch(bound, call).map(Some)
    }

    fn lend(stored: &mut Self::Stored, call: &mut Call<'_>) {
        if let Some(stored) = stored {
            A::lend(stored, call);
        }
    }

    fn item(stored: &mut Self::Stored) -> Self::Item<'_> {
        stored.as_mut().map(A::item)
    }

    fn give_back(stored: &mut Self::Stored, call: &mut Call<'_>) {
        if let Some(stored) = stored {
            A::give_back(stored, call);
        }
    }

    fn finish(stored: Self::Stored, bound: &Bound, call: &mut Call<'_>) -> Result<(), Trap> {
        match stored {
            Some(stored) => A::finish(stored, bound, call),
            None => Ok(()),
        }
    }
}
