//! How a command ends when it does not do what was asked: diagnostics and an exit code.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;

use abide_diag::{Code, Diagnostic, Report, Source, nearest, printable};

use super::files::named;
use abide::codes;

/// The exit codes, as `abide --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All went well.
    Done = 0,
    /// What was read is refused, or does wrong.
    Refused = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// A file cannot be read or written.
    Io = 3,
    /// A run contradicts the proof of its program.
    Contradiction = 4,
}

/// One message with the text that it points into.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) diagnostic: Diagnostic,
    pub(crate) source: Option<Arc<Source>>,
}

impl From<Diagnostic> for Message {
    fn from(diagnostic: Diagnostic) -> Self {
        Message { diagnostic, source: None }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) messages: Vec<Message>,
}

impl Failure {
    /// Something that was read is refused.
    pub(crate) fn refused(diagnostic: Diagnostic) -> Self {
        Failure { exit: Exit::Refused, messages: vec![diagnostic.into()] }
    }

    /// The command line asks for something that makes no sense.
    pub(crate) fn usage(diagnostic: Diagnostic) -> Self {
        Failure { exit: Exit::Usage, messages: vec![diagnostic.into()] }
    }

    /// The command line names a program that the object does not have; with those that it has. `purpose`
    /// goes on after the name: ` to verify`.
    pub(crate) fn no_program<'a>(
        name: &str,
        purpose: &str,
        names: impl Iterator<Item = &'a str>,
    ) -> Self {
        let names: Vec<&str> = names.collect();
        let message = format!("the object has no program `{}`{purpose}", printable(name));
        let near = nearest(name, names.iter().copied()).map(printable);
        let names: Vec<_> = names.into_iter().map(printable).collect();
        let error = Diagnostic::error(&codes::C_NO_PROGRAM, message)
            .note(format!("it has: {}", names.join(", ")));
        Failure::usage(match near {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        })
    }

    /// Several refusals.
    pub(crate) fn all(diagnostics: impl IntoIterator<Item = Diagnostic>) -> Self {
        let messages = diagnostics.into_iter().map(Message::from).collect();
        Failure { exit: Exit::Refused, messages }
    }

    /// A file cannot be read or written.
    pub(crate) fn io(verb: &str, path: &Path, error: &io::Error) -> Self {
        let message = format!("cannot {verb} {}: {}", shown(path), reason(error));
        Failure { exit: Exit::Io, messages: vec![Diagnostic::error(&codes::C_IO, message).into()] }
    }

    /// A room refused something that was read from a file.
    pub(crate) fn of_file(path: &Path, error: &impl Report) -> Self {
        let mut diagnostic = error.report();
        diagnostic.place = Some(match diagnostic.place {
            Some(place) => format!("{}: {place}", named(path)),
            None => named(path),
        });
        Failure::refused(diagnostic)
    }
}

/// A refusal of a file, at a place in it.
pub(crate) fn at_file(code: &'static Code, path: &Path, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, message).in_place(shown(path))
}

/// A path, safe to print.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

/// The reason of the operating system, without its number.
fn reason(error: &io::Error) -> impl Display {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => reason.to_owned(),
        None => text,
    }
}
