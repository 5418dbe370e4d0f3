//! The clean end of a program that did what it may not: what, where, and which facts explain it.
//! Decides nothing; memory, interpreter and bodies do.

use std::fmt;

use abide_diag::{Code, Diagnostic, Report};
use abide_object::Line;

use crate::codes;

/// Why a run was stopped. Nothing of the host is harmed; shared maps keep what was written so far.
#[derive(Clone)]
pub struct Trap {
    inner: Box<Inner>,
}

#[derive(Clone)]
struct Inner {
    code: &'static Code,
    message: String,
    notes: Vec<String>,
    help: Option<String>,
    place: Option<Place>,
}

/// The instruction that trapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The program.
    pub program: String,
    /// The function of the program.
    pub function: String,
    /// The slot of the instruction in the linked program.
    pub slot: u32,
    /// The instruction as text.
    pub instruction: String,
    /// The source line, if the object has line information.
    pub line: Option<Line>,
}

impl Trap {
    /// A trap with a code of [`codes`] and one sentence; the interpreter adds the place.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        let (notes, help, place) = (Vec::new(), None, None);
        Trap { inner: Box::new(Inner { code, message: message.into(), notes, help, place }) }
    }

    /// The body of a definition could not do its work, for a reason that is not the program's fault.
    pub fn body(message: impl Into<String>) -> Self {
        Self::new(&codes::T_BODY, message)
    }

    /// An argument is not what the prototype asks for.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::new(&codes::T_ARGUMENT, message)
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.inner.notes.push(note.into());
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.inner.help = Some(help.into());
        self
    }

    /// Says where, unless an inner call already did.
    #[must_use]
    pub(crate) fn at(mut self, place: impl FnOnce() -> Place) -> Self {
        if self.inner.place.is_none() {
            self.inner.place = Some(place());
        }
        self
    }

    /// Its code.
    pub fn code(&self) -> &'static Code {
        self.inner.code
    }

    /// What happened, in one sentence.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Facts that explain it.
    pub fn notes(&self) -> &[String] {
        &self.inner.notes
    }

    /// Where it happened; `None` only for what is not tied to an instruction.
    pub fn place(&self) -> Option<&Place> {
        self.inner.place.as_ref()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = abide_diag::printable(&self.function);
        if let Some(line) = &self.line {
            let file = abide_diag::printable(&line.file);
            write!(f, "{file}:{}:{}, ", line.line, line.column)?;
        }
        if self.program == self.function {
            write!(f, "program {function}")?;
        } else {
            write!(f, "program {}, function {function}", abide_diag::printable(&self.program))?;
        }
        write!(f, ", insn {} ({})", self.slot, self.instruction)
    }
}

impl Report for Trap {
    fn report(&self) -> Diagnostic {
        let mut diagnostic = Diagnostic::error(self.inner.code, self.inner.message.clone());
        if let Some(place) = &self.inner.place {
            diagnostic = diagnostic.in_place(place.to_string());
            let text = place.line.as_ref().map_or("", |line| line.text.trim());
            if !text.is_empty() {
                diagnostic = diagnostic.note(format!("source: `{}`", abide_diag::printable(text)));
            }
        }
        // What was known of the instruction before it ran may have the line, too.
        let source = diagnostic.notes.first().cloned();
        let notes = self.inner.notes.iter().filter(|note| Some(*note) != source.as_ref());
        diagnostic.notes.extend(notes.cloned());
        diagnostic.helps.extend(self.inner.help.clone());
        diagnostic
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        match &self.inner.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trap[{}: {self}]", self.inner.code)
    }
}

impl std::error::Error for Trap {}
