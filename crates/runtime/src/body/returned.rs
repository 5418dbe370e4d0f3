//! What bodies return, and how it comes into r0: cut to the declared type and extended by its sign.

use std::any::Any;
use std::sync::Arc;

use super::call::Call;
use super::signature::{Misfit, Returns, Scalar, Signature};
use crate::Errno;
use crate::owned::Owned;
use crate::trap::Trap;

/// Found out once when the body is registered.
#[derive(Debug, Clone)]
pub struct Result0 {
    scalar: Option<Scalar>,
    kind: Arc<str>,
    label: Arc<str>,
}

impl Result0 {
    fn new(signature: &Signature) -> Self {
        let (scalar, kind) = match &signature.returns {
            Returns::Void => (None, None),
            Returns::Scalar(int) => (Some(*int), None),
            Returns::Pointer { kind } => (None, kind.clone()),
        };
        let kind = kind.unwrap_or_else(|| Arc::from("void"));
        Result0 { scalar, kind, label: Arc::clone(signature.label()) }
    }

    fn extend(&self, value: u64) -> u64 {
        self.scalar.map_or(value, |scalar| scalar.extend(value))
    }
}

/// A type that the closure of a body may return.
pub trait Returned {
    /// Checks it against the prototype.
    fn bind(signature: &Signature) -> Result<Result0, Misfit>;
    /// The value of r0.
    fn register(self, bound: &Result0, call: &mut Call<'_>) -> Result<u64, Trap>;
}

impl Returned for () {
    fn bind(signature: &Signature) -> Result<Result0, Misfit> {
        match signature.returns {
            Returns::Void => Ok(Result0::new(signature)),
            _ => Err(signature.misfit_return("()")),
        }
    }

    fn register(self, _bound: &Result0, _call: &mut Call<'_>) -> Result<u64, Trap> {
        Ok(0)
    }
}

macro_rules! integers {
    ($($type:ident $size:literal $signed:literal)+) => {$(
        impl Returned for $type {
            fn bind(signature: &Signature) -> Result<Result0, Misfit> {
                match &signature.returns {
                    Returns::Scalar(int)
                        if int.size == $size
                            && !int.boolean
                            && (int.any_sign || int.signed == $signed) =>
                    {
                        Ok(Result0::new(signature))
                    }
                    _ => Err(signature.misfit_return(stringify!($type))),
                }
            }

            #[allow(clippy::cast_lossless, reason = "one expansion serves both signs")]
            fn register(self, bound: &Result0, _call: &mut Call<'_>) -> Result<u64, Trap> {
                Ok(bound.extend(self as u64))
            }
        }

        impl Returned for Result<$type, Errno> {
            fn bind(signature: &Signature) -> Result<Result0, Misfit> {
                <$type>::bind(signature).map_err(|_| {
                    signature.misfit_return(concat!("Result<", stringify!($type), ", Errno>"))
                })
            }

            #[allow(clippy::cast_lossless, reason = "one expansion serves both signs")]
            fn register(self, bound: &Result0, _call: &mut Call<'_>) -> Result<u64, Trap> {
                Ok(bound.extend(match self {
                    Ok(value) => value as u64,
                    Err(errno) => errno.register(),
                }))
            }
        }
    )+};
}

integers! {
    u8 1 false  u16 2 false  u32 4 false  u64 8 false
    i8 1 true   i16 2 true   i32 4 true   i64 8 true
}

impl Returned for bool {
    fn bind(signature: &Signature) -> Result<Result0, Misfit> {
        match &signature.returns {
            Returns::Scalar(int) if int.boolean => Ok(Result0::new(signature)),
            _ => Err(signature.misfit_return("bool")),
        }
    }

    fn register(self, _bound: &Result0, _call: &mut Call<'_>) -> Result<u64, Trap> {
        Ok(u64::from(self))
    }
}

impl<T: Any + Send + Sync> Returned for Owned<T> {
    fn bind(signature: &Signature) -> Result<Result0, Misfit> {
        match &signature.returns {
            Returns::Pointer { kind: Some(_) } if signature.contract.acquire => {
                Ok(Result0::new(signature))
            }
            _ => Err(signature.misfit_return("Owned<T>")),
        }
    }

    fn register(self, bound: &Result0, call: &mut Call<'_>) -> Result<u64, Trap> {
        let (kind, from) = (Arc::clone(&bound.kind), Arc::clone(&bound.label));
        call.memory().add_object(self.value, self.view, kind, from)
    }
}

impl<T: Any + Send + Sync> Returned for Option<Owned<T>> {
    fn bind(signature: &Signature) -> Result<Result0, Misfit> {
        if !signature.contract.nullable {
            return Err(signature.misfit_return("Option<Owned<T>>"));
        }
        Owned::<T>::bind(signature).map_err(|_| signature.misfit_return("Option<Owned<T>>"))
    }

    fn register(self, bound: &Result0, call: &mut Call<'_>) -> Result<u64, Trap> {
        match self {
            Some(owned) => owned.register(bound, call),
            None => Ok(0),
        }
    }
}
