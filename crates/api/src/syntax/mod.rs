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
        let (file, mut found) = statements_of(&source).map_err(|found| errors(&source, found))?;
        let resolved = resolve::resolve(file, &source);
        found.extend(resolved.diagnostics);
        let mut api = resolved.api;
        if resolved.tree_holds {
            found.extend(api.lint());
        }
        if found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            return Err(errors(&source, found));
        }
        api.warnings = found;
        Ok(api)
    }

    /// The name in the `api` statement that a text begins with, if it does.
    pub fn named_by(text: &str) -> Option<String> {
        let head = text.get(..text.len().min(SIZE_LIMIT))?;
        let file = statements::file(&mut cursor::Cursor::new(lexer::lex(head)));
        file.api.map(|name| name.text)
    }

    /// Reads a file that holds `api NAME;` and host statements alone, and adds its hosts to the API
    /// of that name. Returns the warnings about the file, which point into its text.
    ///
    /// # Errors
    /// All errors of the file; the API is then as it was.
    pub fn read_hosts(&mut self, name: &str, text: &str) -> Result<Vec<Diagnostic>, Errors> {
        let source = Arc::new(Source::new(name, text));
        let (file, mut found) = statements_of(&source).map_err(|found| errors(&source, found))?;
        if let Some(api) = file.api.filter(|api| api.text != self.name) {
            let message = format!("these are hosts of `{}`, not of `{}`", api.text, self.name);
            found.push(Diagnostic::error(&codes::A_EXPECTED, message).at(api.span, ""));
        }
        for node in &file.nodes {
            let message = "a node cannot stand in a file of hosts";
            let error = Diagnostic::error(&codes::A_UNKNOWN_STATEMENT, message);
            found.push(
                error
                    .at(node.name.span.clone(), "")
                    .help("it belongs into the file of the API; known here: `api`, `host`"),
            );
        }
        if file.hosts.is_empty() {
            found.push(Diagnostic::error(&codes::A_EMPTY, "there is no host in it").at(0..0, ""));
        }
        let before = self.hosts.len();
        let api = std::mem::replace(self, Api::empty("", Arc::clone(&source)));
        let resolved = resolve::add_hosts(api, file.hosts);
        *self = resolved.api;
        found.extend(resolved.diagnostics);
        if found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            self.hosts.truncate(before);
            return Err(errors(&source, found));
        }
        Ok(found)
    }
}

/// The statements of a file, and what there is to warn of.
fn statements_of(source: &Arc<Source>) -> Result<(ast::File, Vec<Diagnostic>), Vec<Diagnostic>> {
    if source.text.len() > SIZE_LIMIT {
        let message = format!("an API file has at most {SIZE_LIMIT} bytes");
        let error = Diagnostic::error(&codes::A_TOO_LARGE, message);
        return Err(vec![error.in_place(source.name.to_string())]);
    }
    let mut cursor = cursor::Cursor::new(lexer::lex(&source.text));
    let file = statements::file(&mut cursor);
    if !cursor.errors.is_empty() {
        return Err(cursor.errors);
    }
    let found = cursor.lost_docs().map(lost_doc).collect();
    Ok((file, found))
}

/// Errors before warnings, each in the order of the file.
fn errors(source: &Arc<Source>, mut diagnostics: Vec<Diagnostic>) -> Errors {
    diagnostics.sort_by_key(|diagnostic| {
        let at = diagnostic.primary.as_ref().map_or(0, |label| label.span.start);
        (diagnostic.severity != Severity::Error, at)
    });
    Errors { source: Arc::clone(source), diagnostics }
}

fn lost_doc(span: abide_diag::Span) -> Diagnostic {
    Diagnostic::warning(&codes::A_LOST_DOC, "this documentation belongs to nothing")
        .at(span, "")
        .help("put it right before an item, a field, a node or the `api` statement; write `/* */` for a comment")
}
