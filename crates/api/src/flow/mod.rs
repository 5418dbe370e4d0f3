//! Which instructions of a program can run, given what is known of a host, and what it reads of its
//! context.
//!
//! Constants are followed along the jumps that can be taken: numbers in the code (CO-RE answers
//! among them), addresses of externs, frozen read-only data, values of the configuration. Where two
//! ways meet, only what is known on both stays known. So what is left out cannot run; what is
//! reached may still not run. Nothing is proved about memory, and nothing is executed.

mod state;
mod value;
mod walk;

use std::collections::HashMap;

use abide_object::{ExternId, FunctionId, Object, Relocated};

/// What is known of a host besides the object. Nothing by default: then everything is reached that
/// the object itself does not rule out.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    /// The code of the functions for the types of the host.
    pub code: Option<&'a Relocated>,
    /// Whether the host has a function or variable; others may be there or not.
    pub present: HashMap<ExternId, bool>,
    /// Values of the configuration.
    pub values: HashMap<ExternId, u64>,
}

/// A load or store whose address is a known number of bytes after the start of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// The function.
    pub function: FunctionId,
    /// The slot of the instruction in it.
    pub slot: u32,
    /// Bytes from the start of the context.
    pub offset: i32,
    /// How many bytes.
    pub bytes: u32,
    /// A store or an atomic operation.
    pub writes: bool,
}

/// What a program may run.
#[derive(Debug, Clone, Default)]
pub struct Reached {
    functions: HashMap<FunctionId, Vec<bool>>,
    /// What it reads and writes of its context, in the order of functions and slots.
    pub context: Vec<Access>,
}

impl Reached {
    /// From the program's entry on, its subprograms and callbacks included.
    pub fn of(object: &Object, entry: FunctionId, facts: &Facts<'_>) -> Reached {
        walk::walk(object, entry, facts)
    }

    /// Whether an instruction may run.
    pub fn contains(&self, function: FunctionId, slot: u32) -> bool {
        let slots = self.functions.get(&function);
        slots.is_some_and(|slots| slots.get(slot as usize).copied().unwrap_or(false))
    }

    /// How many bytes of the context are looked at, from its start.
    pub fn context_size(&self) -> u32 {
        let ends = self
            .context
            .iter()
            .filter_map(|access| u32::try_from(access.offset).ok()?.checked_add(access.bytes));
        ends.max().unwrap_or(0)
    }

    /// Whether a function may be entered.
    pub fn enters(&self, function: FunctionId) -> bool {
        self.contains(function, 0)
    }
}

/// The place in [`Object::core`] of the relocation for an instruction.
pub(crate) fn core_at(object: &Object, function: FunctionId, slot: u32) -> Option<usize> {
    let key = (function, slot);
    object.core.binary_search_by_key(&key, |record| (record.function, record.slot)).ok()
}
