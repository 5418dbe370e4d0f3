//! The two dialects.

use std::fmt;

/// One of the two assembly languages of BPF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Pseudo-C: LLVM's, and GNU's with `-mdialect=pseudoc`.
    C,
    /// GNU's own.
    Gnu,
}

impl Dialect {
    /// As on the command line: `c` or `gnu`.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::C => "c",
            Dialect::Gnu => "gnu",
        }
    }

    /// The dialect that [`Dialect::name`] calls so.
    pub fn from_name(name: &str) -> Option<Dialect> {
        [Dialect::C, Dialect::Gnu].into_iter().find(|dialect| dialect.name() == name)
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Dialect {
        match self {
            Dialect::C => Dialect::Gnu,
            Dialect::Gnu => Dialect::C,
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dialect::C => "pseudo-C",
            Dialect::Gnu => "GNU",
        })
    }
}
