//! What a difference is, where it is, and how it is said.

use std::fmt;

use abide_diag::printable;

use crate::Kind;

/// One difference between two types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The way to it, from the types that were compared on.
    pub path: Vec<Step>,
    /// What differs there.
    pub reason: Reason,
    /// The type on this side, as C has it, of the last thing on the way that has a name; empty if this side
    /// has none.
    pub here: String,
    /// The same on the other side.
    pub there: String,
}

/// A step on the way to a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// What a function returns.
    Result,
    /// A parameter; counted from 0.
    Parameter {
        /// Its place.
        index: u32,
        /// Its name here, or else there; may be empty.
        name: String,
    },
    /// A member, or a member of an anonymous member.
    Member(String),
    /// A value of an enum.
    Value(String),
    /// A variable of a section.
    Variable(String),
    /// What a pointer points to.
    Pointee,
    /// The elements of an array.
    Element,
}

impl Step {
    /// Whether it has a place of its own in the text of C; the others are part of a type.
    fn is_place(&self) -> bool {
        !matches!(self, Step::Pointee | Step::Element)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Result => f.write_str("the result"),
            Step::Parameter { index, name } if name.is_empty() => {
                write!(f, "parameter {}", index + 1)
            }
            Step::Parameter { index, name } => {
                write!(f, "parameter {} `{}`", index + 1, printable(name))
            }
            Step::Member(name) => write!(f, "member `{}`", printable(name)),
            Step::Value(name) => write!(f, "value `{}`", printable(name)),
            Step::Variable(name) => write!(f, "variable `{}`", printable(name)),
            Step::Pointee => f.write_str("what it points to"),
            Step::Element => f.write_str("its elements"),
        }
    }
}

/// What differs; the value here comes before the one there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The kind of the type; `None` is `void`.
    Kind(Option<Kind>, Option<Kind>),
    /// The name of the type or of the parameter.
    Name(String, String),
    /// The name of a typedef for the same type; empty where there is none.
    Typedef(String, String),
    /// The size in bytes.
    Size(u32, u32),
    /// How many bits of an integer count.
    Bits(u32, u32),
    /// Whether it is signed.
    Signed(bool, bool),
    /// Whether it is a truth value.
    Bool(bool, bool),
    /// `const`, `volatile` and `restrict`.
    Qualifiers(String, String),
    /// Tags and attributes on a type or a declaration.
    Tags(String, String),
    /// The number of elements.
    Length(u32, u32),
    /// Where a member is, in bits.
    Offset(u32, u32),
    /// The width of a bit field; 0 is none.
    Width(u32, u32),
    /// The number of a value of an enum.
    Value(i64, i64),
    /// How many parameters there are.
    Parameters(u32, u32),
    /// Whether there may be more arguments than parameters.
    Variadic(bool, bool),
    /// The linkage of a function or a variable.
    Linkage(&'static str, &'static str),
    /// Whether the type is only declared.
    Declared(bool, bool),
    /// Whether there is such a member, value or variable.
    Exists(bool, bool),
    /// The same members, with other anonymous structs and unions around them.
    Grouping,
    /// The types are too large to compare.
    TooMuch,
    /// There are more differences than are told.
    More,
}

impl Reason {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Reason::Kind(..) => "kind",
            Reason::Name(..) => "name",
            Reason::Typedef(..) => "typedef",
            Reason::Size(..) => "size",
            Reason::Bits(..) => "bits",
            Reason::Signed(..) => "signed",
            Reason::Bool(..) => "bool",
            Reason::Qualifiers(..) => "qualifiers",
            Reason::Tags(..) => "tags",
            Reason::Length(..) => "length",
            Reason::Offset(..) => "offset",
            Reason::Width(..) => "width",
            Reason::Value(..) => "value",
            Reason::Parameters(..) => "parameters",
            Reason::Variadic(..) => "variadic",
            Reason::Linkage(..) => "linkage",
            Reason::Declared(..) => "declared",
            Reason::Exists(..) => "exists",
            Reason::Grouping => "grouping",
            Reason::TooMuch => "too_much",
            Reason::More => "more",
        }
    }

    /// Whether no value shows it; see [`Rules::spelling`](super::Rules).
    pub fn is_spelling(&self) -> bool {
        matches!(
            self,
            Reason::Typedef(..)
                | Reason::Qualifiers(..)
                | Reason::Tags(..)
                | Reason::Linkage(..)
                | Reason::Declared(..)
        )
    }

    /// Whether the types that are shown with it say it all.
    fn is_of_the_type(&self) -> bool {
        matches!(
            self,
            Reason::Kind(..)
                | Reason::Name(..)
                | Reason::Typedef(..)
                | Reason::Size(..)
                | Reason::Bits(..)
                | Reason::Signed(..)
                | Reason::Bool(..)
                | Reason::Qualifiers(..)
                | Reason::Tags(..)
                | Reason::Length(..)
                | Reason::Parameters(..)
                | Reason::Variadic(..)
        )
    }
}

/// The article and name of a kind.
fn kind(kind: Option<Kind>) -> &'static str {
    match kind {
        None => "void",
        Some(Kind::Int) => "an integer",
        Some(Kind::Ptr) => "a pointer",
        Some(Kind::Array) => "an array",
        Some(Kind::Struct) => "a struct",
        Some(Kind::Union) => "a union",
        Some(Kind::Enum | Kind::Enum64) => "an enum",
        Some(Kind::Fwd) => "a declaration",
        Some(Kind::Typedef) => "a typedef",
        Some(Kind::Volatile | Kind::Const | Kind::Restrict) => "a qualifier",
        Some(Kind::Func) => "a function",
        Some(Kind::FuncProto) => "a prototype",
        Some(Kind::Var) => "a variable",
        Some(Kind::DataSec) => "a section",
        Some(Kind::Float) => "a floating-point number",
        Some(Kind::DeclTag | Kind::TypeTag) => "a tag",
    }
}

fn some(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { format!("`{}`", printable(text)) }
}

fn bytes(count: u32) -> String {
    if count == 1 { "1 byte".to_owned() } else { format!("{count} bytes") }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides = |f: &mut fmt::Formatter<'_>, here: &str, there: &str| {
            write!(f, "{here} here, {there} there")
        };
        match self {
            Reason::Kind(here, there) => sides(f, kind(*here), kind(*there)),
            Reason::Name(here, there) => sides(f, &some(here), &some(there)),
            Reason::Typedef(here, there) => {
                write!(f, "typedef {} here, {} there", some(here), some(there))
            }
            Reason::Size(here, there) => sides(f, &bytes(*here), &bytes(*there)),
            Reason::Bits(here, there) => write!(f, "{here} bits here, {there} there"),
            Reason::Signed(here, _) if *here => f.write_str("signed here, unsigned there"),
            Reason::Signed(..) => f.write_str("unsigned here, signed there"),
            Reason::Bool(here, _) if *here => f.write_str("a truth value here, a number there"),
            Reason::Bool(..) => f.write_str("a number here, a truth value there"),
            Reason::Qualifiers(here, there) => {
                write!(f, "qualifiers: {} here, {} there", some(here), some(there))
            }
            Reason::Tags(here, there) => {
                write!(f, "tags: {} here, {} there", some(here), some(there))
            }
            Reason::Length(here, there) => write!(f, "{here} elements here, {there} there"),
            Reason::Offset(here, there) => {
                if here % 8 == 0 && there % 8 == 0 {
                    return write!(f, "at byte {} here, {} there", here / 8, there / 8);
                }
                write!(f, "at bit {here} here, {there} there")
            }
            Reason::Width(0, there) => write!(f, "no bit field here, {there} bits there"),
            Reason::Width(here, 0) => write!(f, "{here} bits here, no bit field there"),
            Reason::Width(here, there) => write!(f, "{here} bits here, {there} there"),
            Reason::Value(here, there) => write!(f, "{here} here, {there} there"),
            Reason::Parameters(here, there) => write!(f, "{here} parameters here, {there} there"),
            Reason::Variadic(here, _) if *here => f.write_str("any number of arguments here only"),
            Reason::Variadic(..) => f.write_str("any number of arguments there only"),
            Reason::Linkage(here, there) => sides(f, here, there),
            Reason::Declared(here, _) if *here => f.write_str("only declared here"),
            Reason::Declared(..) => f.write_str("only declared there"),
            Reason::Exists(here, _) if *here => f.write_str("only here"),
            Reason::Exists(..) => f.write_str("only there"),
            Reason::Grouping => {
                f.write_str("its members are grouped in other anonymous structs and unions")
            }
            Reason::TooMuch => f.write_str("too much to compare"),
            Reason::More => f.write_str("and more"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where both types are shown, how their parts differ can be seen.
        let places = self.path.iter().rposition(Step::is_place).map_or(0, |at| at + 1);
        let shown = self.reason.is_of_the_type() && self.here != self.there;
        let path = if shown { &self.path[..places] } else { &self.path[..] };
        for (number, step) in path.iter().enumerate() {
            write!(f, "{}{step}", if number > 0 { ", " } else { "" })?;
        }
        let colon = if path.is_empty() { "" } else { ": " };
        if shown {
            let (here, there) = (printable(&self.here), printable(&self.there));
            return write!(f, "{colon}`{here}` here, `{there}` there");
        }
        write!(f, "{colon}{}", self.reason)?;
        match (&self.reason, self.here.is_empty(), self.there.is_empty()) {
            (Reason::Exists(true, _), false, _) => write!(f, " (`{}`)", printable(&self.here)),
            (Reason::Exists(false, _), _, false) => write!(f, " (`{}`)", printable(&self.there)),
            _ => Ok(()),
        }
    }
}
