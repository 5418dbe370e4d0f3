//! A bound program as one stream: its functions and the compat bodies that it needs laid out one
//! after the other, calls and addresses filled in, every call site with its definition.
//!
//! The stream is in the kernel's own terms: local calls are relative (`src` 1), maps are indexes
//! (`src` 5 and 6), addresses of functions are relative (`src` 4). Nothing is executed or proved.

mod compat;
mod place;

pub(crate) use compat::assemble as assemble_compat;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use abide_diag::{Diagnostic, Report};
use abide_isa::{DecodeError, Raw};
use abide_object::{FunctionId, Line, MapId, Object};

use crate::bind::codes as c;
use crate::bind::{Binding, BoundProgram};
use crate::host::Service;
use crate::model::{Api, DefId};

/// The most slots that a linked program may have: the kernel's limit for privileged programs.
pub const MAX_SLOTS: usize = 1_000_000;

/// The definition that serves a call, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoundCall {
    /// The definition.
    pub definition: DefId,
    /// How the host serves it. Never *adapted*: such a call has become a call of the compat body.
    pub service: Service,
    /// The number by which this host calls it, where that differs from the object's.
    pub renumbered: Option<u32>,
}

/// One function of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionRange {
    /// Its name; for a compat body the label of the definition, `kv_find@KV_1`.
    pub name: String,
    /// Its slots.
    pub slots: Range<u32>,
    /// It is a compat body, not part of the object.
    pub compat: Option<DefId>,
}

/// A bound program in one stream: what a verifier, an interpreter or a kernel takes.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// Its section as written in the object.
    pub section: String,
    /// Its program type.
    pub program_type: DefId,
    /// The instructions; the entry is slot 0.
    pub slots: Vec<Raw>,
    /// The maps of the object that it uses; `ld_imm64` with `src` 5 or 6 holds an index into this.
    pub maps: Vec<MapId>,
    /// Each call of a helper or kfunc. A call that is not here is of a weak extern that the host
    /// does not have, or stands for what CO-RE could not relocate (its `imm` is then that of
    /// [`abide_btf::core::POISON`]): it must not be reached.
    pub calls: BTreeMap<u32, BoundCall>,
    /// The functions, in order, without gaps; the first is the entry.
    pub functions: Vec<FunctionRange>,
    /// Source lines by slot, sorted.
    pub lines: Vec<Line>,
    /// The API that the definitions belong to.
    pub api: Arc<Api>,
}

impl Program {
    /// The function that a slot is in.
    pub fn function_at(&self, slot: u32) -> Option<&FunctionRange> {
        let after = self.functions.partition_point(|function| function.slots.start <= slot);
        self.functions.get(after.checked_sub(1)?).filter(|found| found.slots.contains(&slot))
    }

    /// The source line of a slot: the nearest one at or before it in the same function.
    pub fn line_at(&self, slot: u32) -> Option<&Line> {
        let start = self.function_at(slot)?.slots.start;
        let after = self.lines.partition_point(|line| line.slot <= slot);
        self.lines.get(after.checked_sub(1)?).filter(|line| line.slot >= start)
    }
}

/// Why a bound program could not be laid out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The binding has no such program.
    #[error("no program `{0}` was bound")]
    NoProgram(String),
    /// A field access that depends on the kernel's types.
    #[error("an instruction depends on the types of the host, and it gave none")]
    Core {
        /// The source line, or the instruction.
        place: String,
        /// The text of the line, and what is accessed.
        notes: Vec<String>,
    },
    /// A variable that the host does not have.
    #[error("function `{function}` needs the variable `{name}` at insn {slot}")]
    Extern {
        /// The function.
        function: String,
        /// Its slot.
        slot: u32,
        /// The variable.
        name: String,
    },
    /// The compat body does not assemble or breaks a rule.
    #[error("the compat body of {label} cannot be used: {}", .errors.first().map_or("", |e| e.message.as_str()))]
    Compat {
        /// The definition.
        label: String,
        /// What is wrong with it.
        errors: Vec<Diagnostic>,
    },
    /// Too many instructions.
    #[error("the linked program has {0} instruction slots; the limit is {MAX_SLOTS}")]
    TooLarge(usize),
    /// A branch or call that leaves its function.
    #[error("function `{function}`, insn {slot}: {what}")]
    BadFunction {
        /// The function.
        function: String,
        /// Its slot.
        slot: u32,
        /// What is wrong.
        what: String,
    },
    /// Not an instruction.
    #[error("function `{function}`, insn {slot}: {source}")]
    Decode {
        /// The function.
        function: String,
        /// Its slot.
        slot: u32,
        /// What is wrong with it.
        source: DecodeError,
    },
}

impl Report for LinkError {
    fn report(&self) -> Diagnostic {
        let message = abide_diag::printable(&self.to_string()).into_owned();
        match self {
            LinkError::NoProgram(_) => Diagnostic::error(&c::R_NO_PROGRAM, message),
            LinkError::Core { place, notes } => {
                let mut diagnostic = Diagnostic::error(&c::L_CORE, message).in_place(place.clone());
                diagnostic.notes.extend(notes.iter().cloned());
                diagnostic.help(
                    "give the host's types (`abide run --btf FILE`), or build the object with plain \
                     headers, without preserve_access_index",
                )
            }
            LinkError::Extern { .. } => Diagnostic::error(&c::L_EXTERN, message)
                .help("declare it weak if the program can do without it"),
            LinkError::Compat { errors, .. } => {
                let mut diagnostic = Diagnostic::error(&c::L_COMPAT, message);
                for error in errors {
                    diagnostic = diagnostic.note(format!("{}: {}", error.code, error.message));
                    diagnostic.helps.extend(error.helps.iter().cloned());
                }
                diagnostic
            }
            LinkError::TooLarge(_) => Diagnostic::error(&c::L_TOO_LARGE, message),
            LinkError::BadFunction { .. } => Diagnostic::error(&c::L_BAD_FUNCTION, message),
            LinkError::Decode { function, slot, source } => source
                .report()
                .in_place(format!("function {}, insn {slot}", abide_diag::printable(function))),
        }
    }
}

/// What stands in the stream as one function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Unit {
    Function(FunctionId),
    Compat(DefId),
}

/// A function with what is still to be filled in.
#[derive(Debug)]
struct Piece {
    name: String,
    slots: Vec<Raw>,
    fixes: Vec<(u32, Fix)>,
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
enum Fix {
    /// A call of another unit.
    Call(Unit),
    /// The address of another unit.
    Address(Unit),
    /// A call of a definition.
    Bound(BoundCall),
    /// A map.
    Map(MapId),
    /// A place in the value of a map.
    Value(MapId, u32),
    /// A constant: 0 for a weak extern that is not there.
    Constant(i32),
    /// A call that must not be reached.
    Absent,
}

impl Binding {
    /// Lays out one bound program.
    pub fn link(&self, object: &Object, name: &str) -> Result<Program, LinkError> {
        let bound = self.program(name).ok_or_else(|| LinkError::NoProgram(name.to_owned()))?;
        let mut pieces: Vec<(Unit, Piece)> = Vec::new();
        let mut wanted: Vec<Unit> =
            bound.needs.functions.iter().map(|id| Unit::Function(*id)).collect();
        let calls = bound.calls.iter().map(|call| (&call.callee, call)).collect();
        let mut next = 0;
        let mut size = 0;
        while let Some(unit) = wanted.get(next).copied() {
            next += 1;
            let piece = match unit {
                Unit::Function(id) => place::function(object, &calls, id)?,
                Unit::Compat(id) => compat::piece(&self.host, id)?,
            };
            for (_, fix) in &piece.fixes {
                if let Fix::Call(unit @ Unit::Compat(_)) = fix
                    && !wanted.contains(unit)
                {
                    wanted.push(*unit);
                }
            }
            size += piece.slots.len();
            if size > MAX_SLOTS {
                return Err(LinkError::TooLarge(size));
            }
            pieces.push((unit, piece));
        }
        Ok(self.lay_out(bound, pieces))
    }

    fn lay_out(&self, bound: &BoundProgram, pieces: Vec<(Unit, Piece)>) -> Program {
        let mut starts = HashMap::new();
        let mut total = 0_u32;
        for (unit, piece) in &pieces {
            starts.insert(*unit, total);
            total += length(piece.slots.len());
        }
        let mut program = Program {
            name: bound.needs.name.clone(),
            section: bound.needs.section.clone(),
            program_type: bound.program_type,
            slots: Vec::with_capacity(total as usize),
            maps: Vec::new(),
            calls: BTreeMap::new(),
            functions: Vec::with_capacity(pieces.len()),
            lines: Vec::new(),
            api: Arc::clone(self.api()),
        };
        for (unit, piece) in pieces {
            let start = length(program.slots.len());
            program.slots.extend_from_slice(&piece.slots);
            let slots = start..length(program.slots.len());
            let compat = match unit {
                Unit::Compat(id) => Some(id),
                Unit::Function(_) => None,
            };
            program.functions.push(FunctionRange { name: piece.name, slots, compat });
            program.lines.extend(
                piece.lines.into_iter().map(|line| Line { slot: line.slot + start, ..line }),
            );
            for (slot, fix) in piece.fixes {
                place::fill(&mut program, &starts, start + slot, fix);
            }
        }
        program
    }
}

/// Slot counts are bounded by [`MAX_SLOTS`].
fn length(slots: usize) -> u32 {
    u32::try_from(slots).unwrap_or(u32::MAX)
}
