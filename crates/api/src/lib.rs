//! The versioned API: a file that says what a host offers to BPF programs, through all its versions.
//!
//! This room holds the language, the model, hosts, requirements and binding. It executes nothing.

pub mod ctype;
pub mod model;
