//! Proof that a bound program is safe: every load and store inside of memory that it may touch, every
//! call as the *bound* definition takes it, everything that is acquired given back, an end on every
//! path. Against the prototypes in the API file, not against what the object says of itself.
//!
//! This room executes nothing and trusts nothing in the object. What it cannot prove it refuses, with
//! a code, a place, and what is known there.
//!
//! * `domain`: numbers by bits and ranges; `state`: registers, stack, what is owned
//! * `code`: what follows from instructions alone; `types`, `maps`, `context`: what the API, BTF and the
//!   object say about memory
//! * `walk`: every path, one instruction after the other; `walk::prune`: paths that bring nothing new
//! * `memory`, `call`: loads and stores, arguments and results
//! * `unprivileged`: what else holds for programs of loaders without privileges
#![forbid(unsafe_code)]

mod attach;
mod call;
pub mod claims;
mod code;
pub mod codes;
mod context;
pub mod domain;
mod fields;
mod maps;
mod memory;
mod reject;
mod state;
mod together;
mod types;
mod unprivileged;
mod walk;

use abide_api::{NodeId, Program};
use abide_btf::Btf;
use abide_object::Object;

pub use codes::CODES;
pub use reject::{Rejection, SourceLine};
pub use together::{each, prove_all};

use crate::claims::Recorder;
use crate::code::Code;
use crate::walk::Walk;

/// What a proof may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Instructions that are walked, over all paths.
    pub instructions: u64,
    /// Paths that wait to be walked.
    pub pending: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { instructions: 1_000_000, pending: 8192 }
    }
}

/// For what host a program is proved, and how.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The node of the host: what its structs look like.
    pub node: NodeId,
    /// The types of the host, for objects that the API says nothing about.
    pub host_types: Option<&'a Btf>,
    /// What it may take.
    pub limits: Limits,
    /// Every access must be aligned, not only those for which it matters.
    pub strict_alignment: bool,
    /// Bytes of the stack that were never written may be read as numbers, as the kernel allows
    /// privileged programs.
    pub uninit_stack: bool,
    /// The loader has no privileges: the program must not learn addresses, not even while a processor runs
    /// ahead by mistake, and on Linux may do less.
    pub unprivileged: bool,
    /// The host is little-endian.
    pub little: bool,
    /// Keeps a trace of the walk.
    pub log: bool,
    /// Says of what is refused how it came to be so, by walking once more.
    pub explain: bool,
}

impl Options<'_> {
    /// For a host at this node, as the kernel proves privileged programs.
    pub fn new(node: NodeId) -> Self {
        Options {
            node,
            host_types: None,
            limits: Limits::default(),
            strict_alignment: false,
            uninit_stack: true,
            unprivileged: false,
            little: cfg!(target_endian = "little"),
            log: false,
            explain: true,
        }
    }

    /// The same for loaders without privileges.
    #[must_use]
    pub fn without_privileges(self) -> Self {
        Options { unprivileged: true, uninit_stack: false, ..self }
    }
}

/// How much a proof took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Instructions walked, over all paths.
    pub processed: u64,
    /// States saved.
    pub states: u64,
    /// The most states that were kept at once.
    pub peak_states: usize,
    /// The most paths that waited at once.
    pub peak_pending: usize,
    /// The most bytes that states and numbers took at once; what states share is counted for each.
    pub peak_memory: usize,
    /// The most frames at once.
    pub peak_frames: usize,
    /// Numbers that were told apart: 8 bytes each.
    pub numbers: usize,
    /// Bytes of stack that the entry function uses.
    pub stack: u32,
}

/// A program that is safe. It owns the program: the only key to the engines.
#[derive(Debug, Clone)]
pub struct Proof {
    program: Program,
    statistics: Statistics,
    log: String,
}

impl Proof {
    /// The program that was proved.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The program that was proved.
    pub fn into_program(self) -> Program {
        self.program
    }

    /// How much it took.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// The trace, if one was asked for.
    pub fn log(&self) -> &str {
        &self.log
    }
}

/// A program that is not proved.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Why.
    pub rejection: Rejection,
    /// How much it took to find out.
    pub statistics: Statistics,
    /// The trace, if one was asked for.
    pub log: String,
}

/// Proves a program. `object` is the one that it was linked from: its maps and types.
///
/// # Errors
/// The program is not safe, or that cannot be proved.
pub fn prove(
    program: Program,
    object: &Object,
    options: &Options<'_>,
) -> Result<Proof, Box<Refusal>> {
    let Examined { result, statistics, log, .. } = examine(&program, object, options, false, None);
    let mut rejection = match result {
        Ok(()) => return Ok(Proof { program, statistics, log }),
        Err(rejection) => rejection,
    };
    if options.explain && statistics.processed <= walk::history::MOST {
        let again = Options { log: false, ..*options };
        if let Err(explained) = examine(&program, object, &again, true, None).result
            && (explained.code, explained.slot) == (rejection.code, rejection.slot)
        {
            rejection = explained;
        }
    }
    Err(Box::new(Refusal { rejection: *rejection, statistics, log }))
}

/// What came of a walk.
struct Examined {
    result: Result<(), Box<Rejection>>,
    statistics: Statistics,
    log: String,
    recorder: Option<Box<Recorder>>,
}

impl From<Box<Rejection>> for Examined {
    fn from(rejection: Box<Rejection>) -> Self {
        let (statistics, log) = (Statistics::default(), String::new());
        Examined { result: Err(rejection), statistics, log, recorder: None }
    }
}

fn examine(
    program: &Program,
    object: &Object,
    options: &Options<'_>,
    explain: bool,
    recorder: Option<Box<Recorder>>,
) -> Examined {
    let own = object.program(&program.name).map(|id| &object.programs[id.index()]);
    let name = own.and_then(|own| own.exception.as_ref()).map(|callback| &callback.name);
    let exception = program
        .functions
        .iter()
        .position(|function| function.compat.is_none() && Some(&function.name) == name)
        .map(|at| at as u32);
    // What is refused before the walk begins.
    let at = |slot, mut rejection: Box<Rejection>| {
        rejection.program.clone_from(&program.name);
        rejection.slot = slot;
        if let Some(function) = program.function_at(slot) {
            rejection.function.clone_from(&function.name);
        }
        Examined::from(rejection)
    };
    let code = match Code::of(program, exception) {
        Ok(code) => code,
        Err((slot, rejection)) => return at(slot, rejection),
    };
    let mut walk = match Walk::new(program, object, options, code, exception) {
        Ok(walk) => walk,
        Err(rejection) => return at(0, rejection),
    };
    walk.history = explain.then(walk::history::History::default);
    walk.recorder = recorder;
    let result = walk.prove().map_err(|rejection| walk.place(rejection));
    walk.statistics.numbers = walk.nodes.len();
    walk.statistics.stack = walk.depths.first().map_or(0, |depth| depth.unsigned_abs());
    let Walk { statistics, log, recorder, .. } = walk;
    Examined { result, statistics, log, recorder }
}
