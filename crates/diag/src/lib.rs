//! Codes, spans and rendering of Abide's diagnostics.
//!
//! Every error of every crate carries a stable [`Code`]; every code is declared with the [`codes!`]
//! macro in the crate that reports it, so that one list of all codes can be printed
//! (`docs/errors.md`). This crate knows no language, no file format and no host.
//!
//! ```
//! use abide_diag::{Diagnostic, Source};
//! abide_diag::codes! {
//!     /// A number is too large.
//!     E_TOO_LARGE = "X0001", "number too large";
//! }
//! let source = Source::new("demo.api", "retain 99999 years;");
//! let error = Diagnostic::error(&E_TOO_LARGE, "99999 years is longer than any window may be")
//!     .at(7..12, "here")
//!     .help("write `forever` for a window without an end");
//! assert!(error.render(Some(&source), false).contains("error[X0001]"));
//! ```
#![forbid(unsafe_code)]

mod nearest;
mod render;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

pub use nearest::{edits, misspelt, nearest};

/// A stable name for one kind of message. Never reused for another meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code {
    /// The code as printed: one letter for the room, four digits.
    pub id: &'static str,
    /// What it says in a few words.
    pub title: &'static str,
    /// What it means and what to do about it, as in `docs/errors.md`.
    pub explain: &'static str,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Declares the codes of a crate as constants, and `CODES`, the list of all of them.
///
/// The doc comment of each is its explanation in `docs/errors.md`.
#[macro_export]
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $title:literal;)+) => {
        $(
            $(#[doc = $doc])+
            pub const $name: $crate::Code =
                $crate::Code { id: $id, title: $title, explain: concat!($($doc, "\n"),+) };
        )+
        /// Every code that this crate reports.
        pub const CODES: &[&$crate::Code] = &[$(&$name),+];
    };
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is refused.
    Warning,
    /// What was asked for is refused.
    Error,
}

/// Bytes of a source text, half open.
pub type Span = Range<usize>;

/// A text that diagnostics point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name shown before the line number.
    pub name: Arc<str>,
    /// The whole text: as it was read, not copied again to be shared.
    pub text: Arc<String>,
}

impl Source {
    /// A named text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<String>) -> Self {
        Source { name: name.into(), text: Arc::new(text.into()) }
    }

    /// Line and column, both from 1, of a byte offset. The column counts characters.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A place inside the source, with what to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The bytes that it underlines.
    pub span: Span,
    /// What stands beside the underline; may be empty.
    pub text: String,
}

/// One message: what is wrong, where, and what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable code.
    pub code: &'static Code,
    /// How bad it is.
    pub severity: Severity,
    /// The message itself: one sentence, no full stop.
    pub message: String,
    /// The place that the message is about.
    pub primary: Option<Label>,
    /// Other places that matter.
    pub secondary: Vec<Label>,
    /// Where it is when there is no source text: a file, a section, an instruction.
    pub place: Option<String>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What the reader can do.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// A refusal.
    pub fn error(code: &'static Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message.into())
    }

    /// Something worth knowing.
    pub fn warning(code: &'static Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message.into())
    }

    fn new(code: &'static Code, severity: Severity, message: String) -> Self {
        Diagnostic {
            code,
            severity,
            message,
            primary: None,
            secondary: Vec::new(),
            place: None,
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Sets the primary place in the source text.
    #[must_use]
    pub fn at(mut self, span: Span, label: impl Into<String>) -> Self {
        self.primary = Some(Label { span, text: label.into() });
        self
    }

    /// Adds another place in the same source text.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: label.into() });
        self
    }

    /// Says where it is when there is no source text to show (`firewall.bpf.o: section xdp, insn 12`).
    #[must_use]
    pub fn in_place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// The message as text, with the source lines where there are any; `colour` adds terminal styles.
    pub fn render(&self, source: Option<&Source>, colour: bool) -> String {
        render::render(self, source, colour)
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(None, false))
    }
}

impl std::error::Error for Diagnostic {}

/// What every error type of Abide can do: become a [`Diagnostic`].
pub trait Report {
    /// The message with its code, place, notes and help.
    fn report(&self) -> Diagnostic;
}

/// Text from a file made safe to print: control characters are escaped, the length is bounded.
///
/// ```
/// assert_eq!(abide_diag::printable("a\u{1b}[31m"), "a\\u{1b}[31m");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    const LIMIT: usize = 200;
    if text.len() <= LIMIT && !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for character in text.chars() {
        if out.len() >= LIMIT {
            out.push('…');
            break;
        }
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}
