//! The versioned API: a file that says what a host offers to BPF programs, through all its versions.
//!
//! This room holds the language, the model, hosts, requirements and binding. It executes nothing.
#![forbid(unsafe_code)]

pub mod bind;
pub mod calendar;
mod callers;
pub mod check;
pub mod codes;
pub mod compare;
pub mod ctype;
pub mod diff;
pub mod flow;
pub mod headers;
pub mod host;
pub mod link;
mod lint;
pub mod map_types;
pub mod model;
mod print;
pub mod query;
pub mod refusal;
pub mod require;
pub mod syntax;

pub use bind::{Binding, Bound, BoundProgram};
pub use host::{Denial, HostError, HostProfile, Service, WindowEnd};
pub use link::{BoundCall, LinkError, Program};
pub use model::{Api, DefId, DefKind, Definition, NodeId};
pub use print::listed;
pub use query::Namespace;
pub use refusal::{Refusal, RefusalKind, Refusals, Site};
pub use require::{Callee, Feature, MapNeed, Need, ProgramNeeds, Requirements, What};
