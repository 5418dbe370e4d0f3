//! Calls: what a definition takes and gives, by its prototype in the API file, and whether the
//! registers fit.

pub(crate) mod arguments;
pub(crate) mod callback;
pub(crate) mod contract;
pub(crate) mod exception;
mod format;
pub(crate) mod graph;
pub(crate) mod host_rules;
pub(crate) mod iterator;
mod limits;
pub(crate) mod locks;
pub(crate) mod map_rules;
pub(crate) mod objects;
mod passed_memory;
mod passed_object;
pub(crate) mod perform;
pub(crate) mod special;
pub(crate) mod subprogram;
