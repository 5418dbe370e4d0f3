//! Why objects cannot be linked with each other, and where. Prints nothing by itself.

use abide_diag::{Code, Diagnostic, Report, printable};

use crate::codes::*;
use crate::error::{ObjectError, Place};

/// Why objects were not linked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct LinkError {
    /// What is wrong.
    pub problem: LinkProblem,
    /// The name of the object in which it is.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// The other place that this one does not go with.
    pub other: Option<(String, Place)>,
}

/// What can be wrong with objects that are linked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkProblem {
    /// An object is not right by itself.
    #[error(transparent)]
    Object(Box<ObjectError>),
    /// Nothing to link.
    #[error("there is no object to link")]
    Nothing,
    /// Two definitions, neither of them weak.
    #[error("`{}` is defined twice", printable(name))]
    Twice {
        /// The symbol.
        name: String,
    },
    /// Two types for one name.
    #[error("`{}` has different types: {why}", printable(name))]
    Types {
        /// The symbol.
        name: String,
        /// How they differ.
        why: String,
    },
    /// Two definitions for one map.
    #[error("the map `{}` is defined differently: {why}", printable(name))]
    Maps {
        /// The map.
        name: String,
        /// The attribute and its two values.
        why: String,
    },
    /// Little endian and big endian.
    #[error("one object is little endian, another big endian")]
    ByteOrders,
    /// Two licenses or kernel versions.
    #[error("the section {section} says {here}, that of another object {there}")]
    Constants {
        /// `license` or `version`.
        section: String,
        /// What it says here.
        here: String,
        /// And there.
        there: String,
    },
    /// Two versions of one API.
    #[error("it was built against {here}, another object against {there}")]
    Stamps {
        /// Its stamp.
        here: String,
        /// The other's.
        there: String,
    },
    /// Sections of the same name that cannot become one.
    #[error("sections of this name differ: {why}")]
    Sections {
        /// How they differ.
        why: &'static str,
    },
    /// A name that is expected in two places.
    #[error("`{}` is looked for in {here} by one object, in {there} by another", printable(name))]
    Expected {
        /// The symbol.
        name: String,
        /// Where it is expected here.
        here: String,
        /// And there.
        there: String,
    },
    /// Something that could not be moved.
    #[error("{0}")]
    Unlinkable(&'static str),
}

impl LinkProblem {
    fn code(&self) -> (&'static Code, Option<&'static str>) {
        match self {
            LinkProblem::Object(error) => (error.report().code, None),
            LinkProblem::Nothing | LinkProblem::Unlinkable(_) => (&O_UNLINKABLE, None),
            LinkProblem::Twice { .. } => {
                (&O_TWICE, Some("make one of them `static`, or `__weak` if the other is to win"))
            }
            LinkProblem::Types { .. } => {
                (&O_TYPES_DIFFER, Some("declare it once, in a header that both files include"))
            }
            LinkProblem::Maps { .. } => {
                (&O_MAPS_DIFFER, Some("declare it once, in a header that both files include"))
            }
            LinkProblem::ByteOrders => (&O_BYTE_ORDERS, None),
            LinkProblem::Constants { .. } => (&O_CONSTANTS_DIFFER, None),
            LinkProblem::Stamps { .. } => {
                (&O_STAMPS_DIFFER, Some("compile both with the header of the same version"))
            }
            LinkProblem::Sections { .. } => (&O_SECTIONS_DIFFER, None),
            LinkProblem::Expected { .. } => (&O_EXPECTED, None),
        }
    }
}

impl Report for LinkError {
    fn report(&self) -> Diagnostic {
        let at = |file: &str, place: &Place| match *place == Place::default() {
            true => printable(file).into_owned(),
            false => format!("{}: {place}", printable(file)),
        };
        let mut diagnostic = match &self.problem {
            LinkProblem::Object(error) => error.report(),
            problem => {
                let (code, help) = problem.code();
                let diagnostic = Diagnostic::error(code, problem.to_string());
                match help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }
            }
        };
        if !self.file.is_empty() {
            diagnostic = diagnostic.in_place(at(&self.file, &self.place));
        }
        match &self.other {
            Some((file, place)) => diagnostic.note(format!("the other is in {}", at(file, place))),
            None => diagnostic,
        }
    }
}
