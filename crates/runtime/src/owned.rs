//! Objects of the host that programs hold by handle: made by `acquire` functions, taken back by
//! `release` functions. The handle is an address at which there is nothing, or a read-only view of
//! bytes that the host chose to show.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// What a handle stands for.
pub(crate) type Shared = Arc<dyn Any + Send + Sync>;

/// An object that a program shall own: returned by the body of an `acquire` function.
pub struct Owned<T> {
    pub(crate) value: Arc<T>,
    pub(crate) view: Vec<u8>,
}

impl<T: Send + Sync + 'static> Owned<T> {
    /// An opaque object: the program can only hand it to functions of the host.
    pub fn new(value: T) -> Self {
        Owned { value: Arc::new(value), view: Vec::new() }
    }

    /// An object whose handle can be dereferenced, read-only: the program sees these bytes, laid out
    /// as the API's struct says.
    pub fn with_view(value: T, view: Vec<u8>) -> Self {
        Owned { value: Arc::new(value), view }
    }
}

impl<T> fmt::Debug for Owned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owned").field("view", &self.view.len()).finish_non_exhaustive()
    }
}

/// An object that the program owned until this call: the argument of a `release` function.
pub struct Released<T> {
    pub(crate) value: Arc<T>,
}

impl<T> Released<T> {
    /// The object itself.
    pub fn into_inner(self) -> Arc<T> {
        self.value
    }
}

impl<T> Deref for Released<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for Released<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Released")
    }
}

/// An object that the program holds and keeps.
pub struct Ref<'a, T> {
    pub(crate) value: &'a T,
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ref")
    }
}
