//! Why a program is not proved. Made where the walk stops; says what is known there.

use std::fmt;

use abide_diag::{Code, Diagnostic, Report};

/// Why a program is not proved: a stable code, a place, what is known, and what would help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The program.
    pub program: String,
    /// The code.
    pub code: &'static Code,
    /// The slot in the linked stream.
    pub slot: u32,
    /// The function that the slot is in.
    pub function: String,
    /// The source line, where the object has line information: file, line, column, text.
    pub line: Option<SourceLine>,
    /// One sentence.
    pub message: String,
    /// What is known about the registers of the instruction.
    pub known: Vec<String>,
    /// What the kernel says in this case.
    pub kernel: Option<String>,
    /// What would help.
    pub help: Option<String>,
}

/// A place in a source file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The file as the compiler was given it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1; 0 if it is not known.
    pub column: u32,
    /// The text.
    pub text: String,
}

impl Rejection {
    pub(crate) fn new(code: &'static Code, message: impl Into<String>) -> Box<Rejection> {
        Box::new(Rejection {
            program: String::new(),
            code,
            slot: 0,
            function: String::new(),
            line: None,
            message: message.into(),
            known: Vec::new(),
            kernel: None,
            help: None,
        })
    }

    /// The kernel's wording, so that a search finds it.
    pub(crate) fn kernel(mut self: Box<Self>, text: impl Into<String>) -> Box<Self> {
        self.kernel = Some(text.into());
        self
    }

    pub(crate) fn help(mut self: Box<Self>, text: impl Into<String>) -> Box<Self> {
        self.help = Some(text.into());
        self
    }

    pub(crate) fn known(mut self: Box<Self>, text: impl Into<String>) -> Box<Self> {
        self.known.push(text.into());
        self
    }
}

/// `1 byte`, `2 bytes`.
pub(crate) fn bytes(count: impl Into<u64>) -> String {
    match count.into() {
        1 => "1 byte".to_owned(),
        count => format!("{count} bytes"),
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for Rejection {}

impl Report for Rejection {
    fn report(&self) -> Diagnostic {
        let insn =
            format!("function {}, insn {}", abide_diag::printable(&self.function), self.slot);
        let place = match &self.line {
            Some(at) => {
                format!("{}:{}:{} ({insn})", abide_diag::printable(&at.file), at.line, at.column)
            }
            None => insn,
        };
        let mut report = Diagnostic::error(self.code, self.message.clone()).in_place(place);
        if let Some(at) = self.line.as_ref().filter(|at| !at.text.trim().is_empty()) {
            report =
                report.note(format!("the line is `{}`", abide_diag::printable(at.text.trim())));
        }
        for known in &self.known {
            report = report.note(known.clone());
        }
        if let Some(kernel) = &self.kernel {
            report = report.note(format!("the kernel says: {kernel}"));
        }
        match &self.help {
            Some(help) => report.help(help.clone()),
            None => report,
        }
    }
}
