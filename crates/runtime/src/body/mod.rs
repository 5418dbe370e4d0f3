//! Bodies: what the host does when a program calls a definition. A body belongs to one definition,
//! never to a name, so that two definitions of one name are two bodies side by side.
//!
//! Most bodies are closures with typed parameters, checked against the prototype when they are
//! registered. A raw body sees registers and memory, and is for what no type describes.

mod argument;
mod call;
mod pointer;
mod returned;
mod signature;

use std::fmt;
use std::sync::Arc;

use crate::trap::Trap;

pub use argument::{Argument, Bound};
pub use call::{Call, MapHandle};
pub use pointer::{
    Bytes, Ctx, Dynptr, DynptrOut, InOut, Map, MapKey, MapValue, Out, Str, Struct, StructMut,
};
pub use returned::Returned;
pub use signature::{Misfit, Params, Signature};

type Function = dyn Fn(&mut Call<'_>) -> Result<u64, Trap> + Send + Sync;

/// What the host does for one definition.
#[derive(Clone)]
pub struct Body {
    function: Arc<Function>,
}

impl Body {
    /// A body that sees the registers of the call, and returns r0.
    pub fn raw(
        function: impl Fn(&mut Call<'_>) -> Result<u64, Trap> + Send + Sync + 'static,
    ) -> Self {
        Body { function: Arc::new(function) }
    }

    #[inline]
    pub(crate) fn run(&self, call: &mut Call<'_>) -> Result<u64, Trap> {
        (self.function)(call)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Body")
    }
}

/// Something that can be the body of a definition: a closure whose parameters are [`Argument`]s and
/// whose result is [`Returned`]. `Marker` only tells the implementations apart.
pub trait IntoBody<Marker> {
    /// Checks the closure against the prototype.
    fn into_body(self, signature: &Signature) -> Result<Body, Misfit>;
}

/// Marks a body that sees registers.
#[derive(Debug)]
pub struct RawMarker;

impl IntoBody<RawMarker> for Body {
    fn into_body(self, _signature: &Signature) -> Result<Body, Misfit> {
        Ok(self)
    }
}

macro_rules! arity {
    ($($name:ident $bound:ident $stored:ident),*) => {
        impl<F, R, $($name),*> IntoBody<fn($($name),*) -> R> for F
        where
            F: Send + Sync + 'static,
            F: Fn($($name),*) -> R,
            F: for<'a> Fn($($name::Item<'a>),*) -> R,
            R: Returned,
            $($name: Argument,)*
        {
            #[allow(
                unused_variables,
                unused_mut,
                clippy::too_many_arguments,
                reason = "one expansion has no parameters"
            )]
            fn into_body(self, signature: &Signature) -> Result<Body, Misfit> {
                // Tells the compiler which of the two `Fn` bounds is meant.
                #[allow(clippy::too_many_arguments, reason = "as many as a definition has")]
                fn apply<R, $($name),*>(f: impl Fn($($name),*) -> R, $($bound: $name),*) -> R {
                    f($($bound),*)
                }
                let mut params = signature.params();
                $(let $bound = $name::bind(&mut params)?;)*
                params.finish()?;
                let returns = R::bind(signature)?;
                Ok(Body::raw(move |call| {
                    $(let mut $stored = $name::fetch(&$bound, call)?;)*
                    $($name::lend(&mut $stored, call);)*
                    let result = apply(&self, $($name::item(&mut $stored)),*);
                    $($name::give_back(&mut $stored, call);)*
                    $($name::finish($stored, &$bound, call)?;)*
                    result.register(&returns, call)
                }))
            }
        }
    };
}

arity!();
arity!(A a sa);
arity!(A a sa, B b sb);
arity!(A a sa, B b sb, C c sc);
arity!(A a sa, B b sb, C c sc, D d sd);
arity!(A a sa, B b sb, C c sc, D d sd, E e se);
