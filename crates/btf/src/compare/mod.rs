//! Whether two types mean the same, and if not, where and how they differ.
//!
//! Both graphs are walked side by side from the two types on, nearest things first, each pair of
//! types once. So it ends for any graph; should there be more pairs than anybody has time for,
//! that is said as a [`Reason::TooMuch`]. [`diff`](crate::Btf::diff) compares whole files. Nothing here
//! prints but [`Difference`]'s text, and nothing decides what a difference breaks.
//!
//! ```
//! use abide_btf::compare::{Comparison, Rules};
//! use abide_btf::{Builder, ByteOrder, Kind};
//! let prototype = |size| {
//!     let mut builder = Builder::new();
//!     let int = builder.int("int", 4, true);
//!     let flags = builder.int(if size == 4 { "u32" } else { "u64" }, size, false);
//!     let proto = builder.prototype(int, &[("what", int), ("flags", flags)]);
//!     let id = builder.reference(Kind::Func, "set", proto);
//!     Ok::<_, abide_btf::BtfError>((builder.finish(ByteOrder::Little)?, id))
//! };
//! let ((here, one), (there, other)) = (prototype(4)?, prototype(8)?);
//! let differences = Comparison::new(&here, &there, Rules::STRICT).types(one, other);
//! assert_eq!(differences[0].to_string(), "parameter 2 `flags`: `u32` here, `u64` there");
//! # Ok::<(), abide_btf::BtfError>(())
//! ```

mod constants;
mod fields;
mod files;
mod reason;
mod tags;
mod walk;

pub use files::{Change, Diff, Entry, What};
pub use reason::{Difference, Reason, Step};
pub use walk::Comparison;

/// What counts as a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Which of the named types that are met on the way are looked into.
    pub follow: Follow,
    /// Whether that counts which no value shows: names of parameters and typedefs, qualifiers, tags,
    /// linkage, and whether a struct is defined or only declared.
    pub spelling: bool,
}

impl Rules {
    /// Everything counts; a named type is the same as any of its name. For reports on whole files, where
    /// a difference is told of the type that has it, not of all that use it.
    pub const STRICT: Rules = Rules { follow: Follow::Nothing, spelling: true };

    /// Everything counts, down to the last type that can be reached.
    pub const WHOLE: Rules = Rules { follow: Follow::All, spelling: true };

    /// What C asks of two files that share a function or a variable.
    pub const COMPATIBLE: Rules = Rules { follow: Follow::Embedded, spelling: false };
}

/// Which named structs, unions and enums are looked into. The two types that are compared always are,
/// and so is what has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// None: kind and name are enough.
    Nothing,
    /// Those that are part of a value; behind a pointer, kind and name are enough.
    Embedded,
    /// All.
    All,
}

/// How many pairs of types, members and values one comparison may take. Kernels need some
/// hundred thousands at most.
const MAX_WORK: u32 = 2_000_000;

/// How long the way to a difference may be.
const MAX_DEPTH: u32 = 256;

/// How many differences are told of one pair of types.
const MAX_FOUND: usize = 100;
