//! What a program reaches: functions by calls and callbacks, and the calls in them. Follows
//! relocations, decides nothing.

use std::collections::BTreeSet;

use abide_btf::core::POISON;
use abide_isa::{Kind, decode};
use abide_object::{ExternId, ExternKind, FunctionId, Object, Program, Target};

use super::Callee;
use crate::bind::codes as c;
use crate::refusal::Refusal;

/// The functions that a function reaches by calls and callbacks, itself first, then in the order in
/// which they are first referred to.
pub fn reachable(object: &Object, entry: FunctionId) -> Vec<FunctionId> {
    from(object, vec![entry])
}

/// The same of a program: with what it throws to.
pub(super) fn of_program(object: &Object, program: &Program) -> Vec<FunctionId> {
    let callback = program.exception.as_ref().and_then(|callback| callback.function);
    from(object, std::iter::once(program.function).chain(callback).collect())
}

fn from(object: &Object, entries: Vec<FunctionId>) -> Vec<FunctionId> {
    let mut seen: BTreeSet<FunctionId> = entries.iter().copied().collect();
    let mut found = entries;
    let mut next = 0;
    while next < found.len() {
        for relocation in &object.functions[found[next].0 as usize].relocations {
            if let Target::Call(id) | Target::Function(id) = relocation.target
                && seen.insert(id)
            {
                found.push(id);
            }
        }
        next += 1;
    }
    found
}

fn is_function(object: &Object, id: ExternId) -> bool {
    matches!(object.externs[id.0 as usize].kind, ExternKind::Function { .. })
}

/// What reading the programs of one object may take, in bytes. Each program has its own list of the
/// functions that it reaches and of the calls in them, so that a small file can ask for much.
const MAX_READ: usize = 512 << 20;

/// Refuses an object whose programs reach too much, before any list is made.
pub(super) fn bounded(object: &Object) -> Result<(), Refusal> {
    /// A need with its refusal, and a refused section with its help, without names: rounded up.
    const NEED: usize = 1 << 10;
    const PROGRAM: usize = 4 << 10;
    let costs: Vec<usize> = object
        .functions
        .iter()
        .map(|function| {
            let helpers = function.slots.iter().filter(|raw| raw.code == CALL).count();
            let calls = helpers + function.relocations.len();
            size_of_val(&function.slots[..])
                + size_of_val(&function.lines[..])
                + calls * (NEED + function.name.len())
        })
        .collect();
    let mut total = 0;
    for program in &object.programs {
        total += PROGRAM;
        for id in of_program(object, program) {
            total += size_of::<FunctionId>() + costs[id.index()];
        }
        if total > MAX_READ {
            let name = abide_diag::printable(&object.function(program.function).name);
            return Err(Refusal::new(
                &c::L_TOO_LARGE,
                name.clone(),
                format!(
                    "the programs of the object, up to `{name}`, reach more code and calls \
                     together than can be read"
                ),
            )
            .note("what several programs reach counts once for each")
            .help("split it into several objects"));
        }
    }
    Ok(())
}

/// `BPF_JMP | BPF_CALL`, whatever it calls.
const CALL: u8 = 0x85;

/// Every call of a helper or kfunc in a function.
pub(super) fn callees(object: &Object, id: FunctionId) -> impl Iterator<Item = (u32, Callee)> + '_ {
    let function = &object.functions[id.0 as usize];
    let by_name = function.relocations.iter().filter_map(|relocation| {
        let id = match relocation.target {
            Target::CallExtern(id) => id,
            // Its address is taken, most often to see whether the host has it.
            Target::Extern(id) if is_function(object, id) => id,
            _ => return None,
        };
        Some((relocation.slot, Callee::Kfunc(id)))
    });
    let relocated: BTreeSet<u32> = function.relocations.iter().map(|r| r.slot).collect();
    let mut calls: Vec<_> = by_name.collect();
    let mut slot = 0;
    while slot < function.slots.len() {
        let Ok(insn) = decode(&function.slots[slot..]) else {
            slot += 1;
            continue;
        };
        let at = u32::try_from(slot).unwrap_or(u32::MAX);
        // What CO-RE could not relocate needs nothing: it must not be reached.
        let poisoned = function.slots[slot] == POISON;
        if matches!(insn.op.spec().kind, Kind::CallHelper) && !relocated.contains(&at) && !poisoned
        {
            // The number is unsigned; a negative one is simply unknown.
            calls.push((at, Callee::Helper(insn.imm as u32)));
        }
        slot += insn.slots();
    }
    calls.sort();
    calls.into_iter()
}
