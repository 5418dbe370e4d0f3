//! One function of the object as a piece of the stream, and the filling in of what was left open.

use std::collections::{BTreeMap, HashMap};

use abide_btf::core::POISON;
use abide_isa::{Imm64Kind, Insn, Kind, Raw, decode};
use abide_object::{ExternKind, FunctionId, MapId, Object, Target};

use super::{BoundCall, Fix, LinkError, Piece, Program, Unit, length};
use crate::bind::Bound;
use crate::host::Service;
use crate::require::Callee;

/// `src` of `ld_imm64` and `call`, as in the kernel's `BPF_PSEUDO_*`.
const PSEUDO_CALL: u8 = 1;
const PSEUDO_KFUNC_CALL: u8 = 2;
const PSEUDO_FUNC: u8 = 4;
const PSEUDO_MAP_IDX: u8 = 5;
const PSEUDO_MAP_IDX_VALUE: u8 = 6;

/// A function of the object with its relocations as fixes.
pub(super) fn function(
    object: &Object,
    calls: &BTreeMap<&Callee, &Bound>,
    id: FunctionId,
) -> Result<Piece, LinkError> {
    let function = &object.functions[id.0 as usize];
    let bad = |slot: u32, what: String| LinkError::BadFunction {
        function: function.name.clone(),
        slot,
        what,
    };
    let by_slot: BTreeMap<u32, Target> =
        function.relocations.iter().map(|found| (found.slot, found.target)).collect();
    let first = object.core.partition_point(|core| core.function < id);
    if let Some(core) = object.core.get(first).filter(|core| core.function == id) {
        let (place, notes) = (object.core_place(core), object.core_notes(core));
        return Err(LinkError::Core { place, notes });
    }
    let served = |callee: &Callee| calls.get(callee).copied();
    let mut slots = function.slots.clone();
    let mut fixes = Vec::new();
    let mut slot = 0;
    let mut last: Option<(u32, Insn)> = None;
    while slot < length(function.slots.len()) {
        let insn = decode(&function.slots[slot as usize..]).map_err(|source| {
            LinkError::Decode { function: function.name.clone(), slot, source }
        })?;
        let target = by_slot.get(&slot).copied();
        let fix = match (insn.kind(), target) {
            (Kind::CallHelper | Kind::CallLocal | Kind::CallKfunc, Some(Target::Call(id))) => {
                Some(Fix::Call(Unit::Function(id)))
            }
            (
                Kind::CallHelper | Kind::CallLocal | Kind::CallKfunc,
                Some(Target::CallExtern(id)),
            ) => {
                // Compilers differ in what they write there; only the relocation counts.
                slots[slot as usize].src = PSEUDO_KFUNC_CALL;
                Some(call(served(&Callee::Kfunc(id))))
            }
            (Kind::CallHelper, None) => Some(call(served(&Callee::Helper(insn.imm as u32)))),
            (Kind::CallLocal, None) => {
                return Err(bad(slot, "a local call without a target".to_owned()));
            }
            (Kind::CallKfunc, None) => {
                return Err(bad(slot, "a kfunc call without a name".to_owned()));
            }
            (Kind::LdImm64(_), Some(Target::Map(id))) => Some(Fix::Map(id)),
            (Kind::LdImm64(_), Some(Target::Value { map, offset })) => {
                let offset = u32::try_from(offset)
                    .map_err(|_| bad(slot, format!("offset {offset} in global data")))?;
                Some(Fix::Value(map, offset))
            }
            (Kind::LdImm64(_), Some(Target::Function(id))) => {
                Some(Fix::Address(Unit::Function(id)))
            }
            (Kind::LdImm64(_), Some(Target::Extern(id))) => {
                let found = &object.externs[id.0 as usize];
                match &found.kind {
                    ExternKind::Function { .. } => {
                        let here = served(&Callee::Kfunc(id)).is_some_and(|b| b.served.is_some());
                        Some(Fix::Constant(i32::from(here)))
                    }
                    _ if found.weak => Some(Fix::Constant(0)),
                    _ => {
                        return Err(LinkError::Extern {
                            function: function.name.clone(),
                            slot,
                            name: found.name.clone(),
                        });
                    }
                }
            }
            // A variable of the host, by its number in the host's types.
            (Kind::LdImm64(Imm64Kind::Value | Imm64Kind::VarAddr), None) => None,
            (Kind::LdImm64(_), None) => {
                return Err(bad(slot, "a map or address without a name".to_owned()));
            }
            (_, Some(_)) => {
                return Err(bad(slot, "a relocation on an instruction that takes none".to_owned()));
            }
            (_, None) => None,
        };
        if let Some(jump) = insn.jump() {
            let to = i64::from(slot) + 1 + i64::from(jump);
            if to < 0 || to >= i64::from(length(function.slots.len())) {
                return Err(bad(slot, format!("a branch by {jump} leaves the function")));
            }
        }
        fixes.extend(fix.map(|fix| (slot, fix)));
        last = Some((slot, insn));
        slot += length(insn.slots());
    }
    // What comes after it in the stream is another function (the kernel: "last insn is not an exit
    // or jmp").
    match last {
        Some((_, insn)) if !insn.may_fall_through() => {}
        Some((slot, _)) => {
            return Err(bad(slot, "the last instruction runs on past the function".to_owned()));
        }
        None => return Err(bad(0, "it has no instructions".to_owned())),
    }
    Ok(Piece { name: function.name.clone(), slots, fixes, lines: function.lines.clone() })
}

fn call(bound: Option<&Bound>) -> Fix {
    match bound.and_then(|bound| Some((bound.served?, bound.renumbered))) {
        Some(((definition, Service::Adapted { .. }), _)) => Fix::Call(Unit::Compat(definition)),
        Some(((definition, service), renumbered)) => {
            Fix::Bound(BoundCall { definition, service, renumbered })
        }
        None => Fix::Absent,
    }
}

/// Fills in one place of the laid-out stream.
pub(super) fn fill(program: &mut Program, starts: &HashMap<Unit, u32>, slot: u32, fix: Fix) {
    let at = slot as usize;
    let relative = |unit: Unit| {
        let start = i64::from(starts.get(&unit).copied().unwrap_or(0));
        // Both are below MAX_SLOTS.
        (start - i64::from(slot) - 1) as i32
    };
    match fix {
        Fix::Call(unit) => {
            let imm = relative(unit);
            program.slots[at] = Raw { src: PSEUDO_CALL, off: 0, imm, ..program.slots[at] };
        }
        Fix::Address(unit) => {
            let imm = relative(unit);
            load(&mut program.slots[at..], PSEUDO_FUNC, imm, 0);
        }
        Fix::Bound(call) => {
            if program.slots[at].src != 0 {
                let imm = call.definition.0 as i32;
                program.slots[at] =
                    Raw { src: PSEUDO_KFUNC_CALL, off: 0, imm, ..program.slots[at] };
            }
            program.calls.insert(slot, call);
        }
        Fix::Map(id) => {
            let index = map_index(program, id);
            load(&mut program.slots[at..], PSEUDO_MAP_IDX, index, 0);
        }
        Fix::Value(id, offset) => {
            let index = map_index(program, id);
            load(&mut program.slots[at..], PSEUDO_MAP_IDX_VALUE, index, offset as i32);
        }
        Fix::Constant(value) => load(&mut program.slots[at..], 0, value, 0),
        Fix::Absent => {
            // A poisoned instruction stays recognisable.
            let imm = if program.slots[at] == POISON { POISON.imm } else { -1 };
            program.slots[at] = Raw { src: PSEUDO_KFUNC_CALL, off: 0, imm, ..program.slots[at] };
        }
    }
}

fn map_index(program: &mut Program, id: MapId) -> i32 {
    let found = program.maps.iter().position(|map| *map == id).unwrap_or_else(|| {
        program.maps.push(id);
        program.maps.len() - 1
    });
    found as i32
}

/// Both slots of an `ld_imm64`; it was decoded before, so that both are there.
fn load(slots: &mut [Raw], src: u8, low: i32, high: i32) {
    if let [first, second, ..] = slots {
        first.src = src;
        first.imm = low;
        second.imm = high;
    }
}
