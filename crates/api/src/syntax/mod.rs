//! From the text of an API file to the resolved [`Api`]: tokens, statements, names.
//!
//! The grammar is in `docs/api-language.md`. The laws are the linter's.

mod ast;
mod cursor;
mod definitions;
mod events;
mod items;
mod layout;
mod lexer;
mod resolve;
mod statements;
mod types;

use std::fmt;
use std::sync::Arc;

use abide_diag::{Diagnostic, Severity, Source};

pub(crate) use cursor::nearest;
pub(crate) use layout::Types;

use crate::codes;
use crate::model::Api;

/// API files are written by hand; linux.api with all its history is far smaller.
const SIZE_LIMIT: usize = 8 << 20;

/// How many errors are printed.
const SHOWN: usize = 50;

/// Everything that is wrong with an API file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errors {
    /// The text that they point into.
    pub source: Arc<Source>,
    /// The errors in the order of the file, then the warnings.
    pub diagnostics: Vec<Diagnostic>,
}

impl Errors {
    /// All of them as text, with the lines that they are about.
    pub fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for diagnostic in self.diagnostics.iter().take(SHOWN) {
            out.push_str(&diagnostic.render(Some(&self.source), colour));
            out.push_str("\n\n");
        }
        let more = self.diagnostics.len().saturating_sub(SHOWN);
        if more > 0 {
            out.push_str(&format!("and {more} more\n\n"));
        }
        out.truncate(out.trim_end().len());
        out
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Errors {}

impl abide_diag::Report for Errors {
    /// The first of them.
    fn report(&self) -> Diagnostic {
        self.diagnostics.first().cloned().unwrap_or_else(|| {
            Diagnostic::error(
                &codes::A_EXPECTED,
                format!("{} is not an API file", self.source.name),
            )
        })
    }
}

impl Api {
    /// Reads an API file: its syntax, its names, and the laws that concern one file.
    ///
    /// # Errors
    /// All errors of the file that are found in one run. When the syntax is wrong the names are not
    /// looked up, since what could not be read would be missed everywhere else.
    pub fn parse(name: &str, text: &str) -> Result<Api, Errors> {
        let source = Arc::new(Source::new(name, text));
        let fail = |mut diagnostics: Vec<Diagnostic>| {
            diagnostics.sort_by_key(|diagnostic| {
                let at = diagnostic.primary.as_ref().map_or(0, |label| label.span.start);
                (diagnostic.severity != Severity::Error, at)
            });
            Err(Errors { source: Arc::clone(&source), diagnostics })
        };
        if text.len() > SIZE_LIMIT {
            let message = format!("an API file has at most {SIZE_LIMIT} bytes");
            return fail(vec![Diagnostic::error(&codes::A_TOO_LARGE, message).in_place(name)]);
        }
        let mut cursor = cursor::Cursor::new(lexer::lex(text));
        let file = statements::file(&mut cursor);
        if !cursor.errors.is_empty() {
            return fail(cursor.errors);
        }
        let mut found: Vec<Diagnostic> = cursor.lost_docs().map(lost_doc).collect();
        let resolved = resolve::resolve(file, &source);
        found.extend(resolved.diagnostics);
        let mut api = resolved.api;
        if resolved.tree_holds {
            found.extend(api.lint());
        }
        if found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return fail(found);
        }
        api.warnings = found;
        Ok(api)
    }
}

fn lost_doc(span: abide_diag::Span) -> Diagnostic {
    Diagnostic::warning(&codes::A_LOST_DOC, "this documentation belongs to nothing")
        .at(span, "")
        .help("put it right before an item, a field, a node or the `api` statement; write `/* */` for a comment")
}
