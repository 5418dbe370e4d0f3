//! Why an object does not run on a host: the kinds of design §4 rule 5, each with its place.
//! Says nothing of how it was found out (`require` and `bind` do).

use std::fmt;

use abide_diag::{Code, Diagnostic, Report};
use abide_object::{Line, Object};

use crate::bind::codes as c;

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RefusalKind {
    /// It needs a later node.
    TooNew,
    /// Its window is over, or it was removed.
    TooOld,
    /// The host does not have it.
    Missing,
    /// Withdrawn for all versions.
    Withdrawn,
    /// The object says one thing and the API another.
    Mismatch,
    /// The API does not know it.
    Unknown,
    /// Not for this type of program.
    NotAllowedHere,
}

impl RefusalKind {
    /// The word of the design: `too-new`.
    pub fn word(self) -> &'static str {
        match self {
            RefusalKind::TooNew => "too-new",
            RefusalKind::TooOld => "too-old",
            RefusalKind::Missing => "missing",
            RefusalKind::Withdrawn => "withdrawn",
            RefusalKind::Mismatch => "mismatch",
            RefusalKind::Unknown => "unknown",
            RefusalKind::NotAllowedHere => "not-allowed-here",
        }
    }

    fn of(code: &'static Code) -> RefusalKind {
        match code.id.as_bytes().get(2) {
            Some(b'1') => RefusalKind::TooNew,
            Some(b'2') => RefusalKind::TooOld,
            Some(b'3') => RefusalKind::Missing,
            Some(b'4') => RefusalKind::Withdrawn,
            Some(b'5') => RefusalKind::Mismatch,
            Some(b'7') => RefusalKind::NotAllowedHere,
            _ => RefusalKind::Unknown,
        }
    }
}

impl fmt::Display for RefusalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where in an object something is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Index of the function in [`Object::functions`].
    pub function: abide_object::FunctionId,
    /// Its name.
    pub function_name: String,
    /// The slot of the call inside the function.
    pub slot: u32,
    /// The source line, if the object has line information.
    pub line: Option<Line>,
}

impl Site {
    pub(crate) fn new(object: &Object, function: abide_object::FunctionId, slot: u32) -> Self {
        let found = &object.functions[function.0 as usize];
        Site {
            function,
            function_name: found.name.clone(),
            slot,
            line: found.line_at(slot).cloned(),
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = abide_diag::printable(&self.function_name);
        match &self.line {
            Some(line) => {
                let file = abide_diag::printable(&line.file);
                write!(
                    f,
                    "{file}:{}:{}, function {name}, insn {}",
                    line.line, line.column, self.slot
                )
            }
            None => write!(f, "function {name}, insn {}", self.slot),
        }
    }
}

/// One refusal: a code, what is refused, where, since when, and the way out. Its parts are those of
/// [`Parts`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Boxed, so that a result is small where nothing is refused.
    parts: Box<Parts>,
}

/// What a refusal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Its stable code; the kind follows from it.
    pub code: &'static Code,
    /// One sentence.
    pub message: String,
    /// The program that is refused; `None` if the whole object is.
    pub program: Option<String>,
    /// What is refused: `kv_find@KV_3`, `bpf_foo`, a section.
    pub subject: String,
    /// The call, if it is one.
    pub site: Option<Site>,
    /// Facts.
    pub notes: Vec<String>,
    /// Ways out.
    pub helps: Vec<String>,
}

impl Refusal {
    pub(crate) fn new(
        code: &'static Code,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let parts = Parts {
            code,
            message: message.into(),
            program: None,
            subject: subject.into(),
            site: None,
            notes: Vec::new(),
            helps: Vec::new(),
        };
        Refusal { parts: Box::new(parts) }
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.parts.notes.push(note.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.parts.helps.push(help.into());
        self
    }

    pub(crate) fn at(mut self, site: Option<&Site>) -> Self {
        self.parts.site = site.cloned();
        self
    }

    pub(crate) fn in_program(mut self, program: &str) -> Self {
        self.parts.program = Some(program.to_owned());
        self
    }

    /// Its kind.
    pub fn kind(&self) -> RefusalKind {
        RefusalKind::of(self.code)
    }
}

impl std::ops::Deref for Refusal {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Report for Refusal {
    fn report(&self) -> Diagnostic {
        let message = format!("{}: {}", self.kind(), self.message);
        let mut diagnostic = if self.code == &c::R_DEPRECATED {
            Diagnostic::warning(self.code, self.message.clone())
        } else {
            Diagnostic::error(self.code, message)
        };
        let place = match (&self.program, &self.site) {
            (Some(program), Some(site)) => {
                Some(format!("program {}, {site}", abide_diag::printable(program)))
            }
            (Some(program), None) => Some(format!("program {}", abide_diag::printable(program))),
            (None, site) => site.as_ref().map(ToString::to_string),
        };
        diagnostic.place = place;
        if let Some(text) = self.site.as_ref().and_then(|site| site.line.as_ref()) {
            let text = text.text.trim();
            if !text.is_empty() {
                diagnostic.notes.push(format!("source: `{}`", abide_diag::printable(text)));
            }
        }
        diagnostic.notes.extend(self.notes.iter().cloned());
        diagnostic.helps.extend(self.helps.iter().cloned());
        diagnostic
    }
}

/// Everything that stands in the way of an object on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals(pub Vec<Refusal>);

impl Refusals {
    /// The single refusals as diagnostics.
    pub fn reports(&self) -> Vec<Diagnostic> {
        self.0.iter().map(Report::report).collect()
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}", refusal.report())?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusals {}
