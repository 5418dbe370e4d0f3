//! The dialects of assembly, and what `;` means in them, as they are asked for. Knows no syntax.

use abide_asm::Dialect;
use abide_asm::object::Semicolon;
use clap::ValueEnum;

/// One of the dialects.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DialectArg {
    C,
    Gnu,
}

impl From<DialectArg> for Dialect {
    fn from(dialect: DialectArg) -> Dialect {
        match dialect {
            DialectArg::C => Dialect::C,
            DialectArg::Gnu => Dialect::Gnu,
        }
    }
}

/// One of the dialects, or either.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum InputDialect {
    Auto,
    C,
    Gnu,
}

impl InputDialect {
    pub(crate) fn only(self) -> Option<Dialect> {
        match self {
            InputDialect::Auto => None,
            InputDialect::C => Some(Dialect::C),
            InputDialect::Gnu => Some(Dialect::Gnu),
        }
    }
}

/// What `;` does.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SemicolonArg {
    Auto,
    Comment,
    Separator,
}

impl From<SemicolonArg> for Semicolon {
    fn from(semicolon: SemicolonArg) -> Semicolon {
        match semicolon {
            SemicolonArg::Auto => Semicolon::Auto,
            SemicolonArg::Comment => Semicolon::Comment,
            SemicolonArg::Separator => Semicolon::Separator,
        }
    }
}
