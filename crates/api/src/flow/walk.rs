//! The walk over the functions of a program: basic blocks from a queue, until nothing changes.

use std::collections::{BTreeMap, HashMap};

use abide_isa::{AluOp, Cond, Imm64Kind, Insn, Kind, Operand, Raw, Size, Width, decode};
use abide_object::{ExternKind, FunctionId, Linkage, MapId, MapOrigin, Object, Target};

use super::state::State;
use super::value::{Value, alu, extended, holds, narrow};
use super::{Access, Facts, Reached, core_at};

pub(super) fn walk(object: &Object, entry: FunctionId, facts: &Facts<'_>) -> Reached {
    let mut walk = Walk { object, facts, functions: HashMap::new(), queue: Vec::new() };
    let mut arguments = [Value::Any; 5];
    arguments[0] = Value::Context(0);
    walk.enter(entry, &State::entry(arguments));
    // What the program throws to is handed a number.
    let program = object.programs.iter().find(|program| program.function == entry);
    let callback = program.and_then(|program| program.exception.as_ref()?.function);
    if let Some(callback) = callback {
        walk.enter(callback, &State::entry([Value::Any; 5]));
    }
    while let Some((function, slot)) = walk.queue.pop() {
        if let Some(state) = walk.state(function, slot) {
            walk.block(function, slot, state, None);
        }
    }
    // Only now is it certain what is known where.
    let mut context = Vec::new();
    let blocks: Vec<(FunctionId, u32)> = walk
        .functions
        .iter()
        .flat_map(|(id, found)| found.blocks.keys().map(|slot| (*id, *slot)))
        .collect();
    for (function, slot) in blocks {
        if let Some(state) = walk.state(function, slot) {
            walk.block(function, slot, state, Some(&mut context));
        }
    }
    context.sort_unstable();
    context.dedup();
    let functions = walk.functions.into_iter().map(|(id, found)| (id, found.reached)).collect();
    Reached { functions, context }
}

struct Walk<'a> {
    object: &'a Object,
    facts: &'a Facts<'a>,
    functions: HashMap<FunctionId, Function>,
    /// Blocks whose state changed.
    queue: Vec<(FunctionId, u32)>,
}

/// What was found out about a function.
struct Function {
    /// Where jumps go to.
    leaders: Vec<bool>,
    reached: Vec<bool>,
    /// What is known at the start of each block, by its slot.
    blocks: BTreeMap<u32, State>,
}

/// Where an instruction goes on.
enum Next {
    Falls,
    Jumps(i64),
    Branches { to: i64, taken: State },
    Tables,
    Ends,
}

impl<'a> Walk<'a> {
    fn code(&self, id: FunctionId) -> &'a [Raw] {
        match self.facts.code {
            Some(code) => code.code(id),
            None => &self.object.function(id).slots,
        }
    }

    fn state(&self, function: FunctionId, slot: u32) -> Option<State> {
        self.functions.get(&function)?.blocks.get(&slot).cloned()
    }

    /// A function may be entered with this known.
    fn enter(&mut self, id: FunctionId, state: &State) {
        if id.index() >= self.object.functions.len() {
            return;
        }
        if !self.functions.contains_key(&id) {
            let code = self.code(id);
            let leaders = leaders(code, self.tables(id));
            let reached = vec![false; code.len()];
            self.functions.insert(id, Function { leaders, reached, blocks: BTreeMap::new() });
        }
        self.join(id, 0, state);
    }

    /// A block may be entered with this known.
    fn join(&mut self, id: FunctionId, slot: i64, state: &State) {
        let (Some(function), Ok(slot)) = (self.functions.get_mut(&id), u32::try_from(slot)) else {
            return;
        };
        if slot as usize >= function.reached.len() {
            return;
        }
        let changed = match function.blocks.get_mut(&slot) {
            Some(known) => known.join(state),
            None => {
                function.blocks.insert(slot, state.clone());
                true
            }
        };
        if changed {
            self.queue.push((id, slot));
        }
    }

    /// The targets of the tables of a function, as slots.
    fn tables(&self, id: FunctionId) -> impl Iterator<Item = i64> + use<'a> {
        let object = self.object;
        let function = object.function(id);
        let base = (function.offset / 8).cast_signed();
        let tables = function.relocations.iter().filter_map(move |found| match found.target {
            Target::JumpTable { offset, size } => {
                object.jump_tables.get(offset as usize..)?.get(..size as usize)
            }
            _ => None,
        });
        tables.flat_map(move |table| {
            table
                .chunks_exact(8)
                .map(move |entry| (object.endian.read(entry) / 8).cast_signed().wrapping_sub(base))
        })
    }

    /// Goes through a block. With `context`, only collects what it reads and writes there.
    fn block(
        &mut self,
        id: FunctionId,
        start: u32,
        mut state: State,
        mut context: Option<&mut Vec<Access>>,
    ) {
        let code = self.code(id);
        let collects = context.is_some();
        let mut slot = start;
        while let Some(rest) = code.get(slot as usize..).filter(|rest| !rest.is_empty()) {
            if let Some(function) = self.functions.get_mut(&id) {
                if slot != start && function.leaders[slot as usize] {
                    if !collects {
                        self.join(id, i64::from(slot), &state);
                    }
                    return;
                }
                function.reached[slot as usize] = true;
            }
            let Ok(insn) = decode(rest) else {
                // No host takes it; what comes after it counts as reached.
                state = State::unknown();
                slot += 1;
                continue;
            };
            if let Some(found) = context.as_deref_mut() {
                found.extend(self.access(id, slot, &insn, &state));
            }
            let next = self.step(id, slot, &insn, &mut state, collects);
            let after = slot + insn.slots() as u32;
            match next {
                Next::Falls => slot = after,
                Next::Ends => return,
                _ if collects => match next {
                    Next::Branches { .. } => slot = after,
                    _ => return,
                },
                Next::Jumps(to) => return self.join(id, to, &state),
                Next::Branches { to, taken } => {
                    self.join(id, to, &taken);
                    slot = after;
                }
                Next::Tables => {
                    for to in self.tables(id).collect::<Vec<_>>() {
                        self.join(id, to, &state);
                    }
                    return;
                }
            }
        }
    }

    /// Whether the number in an instruction is the host's to say, and not known.
    fn is_open(&self, id: FunctionId, slot: u32) -> bool {
        core_at(self.object, id, slot).is_some_and(|at| match self.facts.code {
            Some(code) => code.outcomes.get(at).is_none_or(|outcome| outcome.result.is_err()),
            None => true,
        })
    }

    fn access(&self, id: FunctionId, slot: u32, insn: &Insn, state: &State) -> Option<Access> {
        let (register, size, writes) = match insn.kind() {
            Kind::Load { size, .. } | Kind::LoadAcquire { size } => (insn.src, size, false),
            Kind::Store { size, .. } | Kind::StoreRelease { size } | Kind::Atomic { size, .. } => {
                (insn.dst, size, true)
            }
            _ => return None,
        };
        let Value::Context(at) = state.get(register) else { return None };
        let offset = at.checked_add(i32::from(insn.off))?;
        let known = !self.is_open(id, slot);
        known.then_some(Access { function: id, slot, offset, bytes: size.bytes(), writes })
    }

    fn step(
        &mut self,
        id: FunctionId,
        slot: u32,
        insn: &Insn,
        state: &mut State,
        collects: bool,
    ) -> Next {
        let operand = |operand, state: &State| match operand {
            Operand::Reg => state.get(insn.src),
            Operand::Imm => Value::Number(insn.imm.cast_unsigned()),
        };
        let open = self.is_open(id, slot);
        match insn.kind() {
            _ if open && !insn.writes().is_empty() => state.forget(insn.writes()),
            Kind::Store { .. } | Kind::StoreRelease { .. } | Kind::Atomic { .. } if open => {
                state.store(Value::Any, 8, Value::Any);
            }
            Kind::Alu { width, op, src } => {
                let result = alu(op, width, state.get(insn.dst), operand(src, state));
                state.set(insn.dst, result);
            }
            Kind::Mov { width, src } => {
                let moved = match (operand(src, state), width) {
                    (Value::Number(number), _) => Value::Number(narrow(width, number)),
                    (value, Width::W64) => value,
                    (_, Width::W32) => Value::Any,
                };
                state.set(insn.dst, moved);
            }
            Kind::MovSx { width, bits } => {
                let moved = match state.get(insn.src) {
                    Value::Number(number) => {
                        Value::Number(narrow(width, extended(number, u32::from(bits))))
                    }
                    _ => Value::Any,
                };
                state.set(insn.dst, moved);
            }
            Kind::Load { size, signed } => {
                let at = alu(
                    AluOp::Add,
                    Width::W64,
                    state.get(insn.src),
                    Value::Number(i64::from(insn.off).cast_unsigned()),
                );
                let loaded = match self.load(at, size, state) {
                    Value::Number(number) if signed => Value::Number(extended(number, size.bits())),
                    value => value,
                };
                state.set(insn.dst, loaded);
            }
            Kind::Store { size, src } => {
                let at = self.at(insn, state);
                state.store(at, size.bytes(), operand(src, state));
            }
            Kind::StoreRelease { size } | Kind::Atomic { size, .. } => {
                let at = self.at(insn, state);
                state.store(at, size.bytes(), Value::Any);
                state.forget(insn.writes());
            }
            Kind::LdImm64(kind) => {
                let value = self.loaded(id, slot, kind, insn.imm, collects);
                state.set(insn.dst, value);
            }
            Kind::CallLocal | Kind::CallHelper | Kind::CallKfunc | Kind::CallX => {
                if let Some(Target::Call(callee)) = self.object.function(id).target_at(slot)
                    && !collects
                {
                    self.call(callee, state);
                }
                state.called();
            }
            Kind::Jump { .. } => return Next::Jumps(target(slot, insn)),
            Kind::MayGoto => {
                return Next::Branches { to: target(slot, insn), taken: state.clone() };
            }
            Kind::JumpIf { width, cond, src } => {
                let to = target(slot, insn);
                let (a, b) = (state.get(insn.dst), operand(src, state));
                match holds(cond, width, a, b) {
                    Some(true) => return Next::Jumps(to),
                    Some(false) => return Next::Falls,
                    None => {}
                }
                let mut taken = state.clone();
                let equal = match cond {
                    Cond::Eq => Some(&mut taken),
                    Cond::Ne => Some(state),
                    _ => None,
                };
                if let (Some(equal), Value::Any, Value::Number(_), Width::W64) =
                    (equal, a, b, width)
                {
                    equal.set(insn.dst, b);
                }
                return Next::Branches { to, taken };
            }
            Kind::JumpX => return Next::Tables,
            Kind::Exit => return Next::Ends,
            Kind::Neg { .. }
            | Kind::Endian { .. }
            | Kind::LoadAcquire { .. }
            | Kind::LdAbs { .. }
            | Kind::LdInd { .. }
            | Kind::AddrSpaceCast => state.forget(insn.writes()),
        }
        Next::Falls
    }

    /// Where a store goes to.
    fn at(&self, insn: &Insn, state: &State) -> Value {
        let off = Value::Number(i64::from(insn.off).cast_unsigned());
        alu(AluOp::Add, Width::W64, state.get(insn.dst), off)
    }

    /// A subprogram is entered with what the caller knows. A global one is verified by its prototype
    /// alone: of its arguments only the context is known.
    fn call(&mut self, callee: FunctionId, state: &State) {
        let linkage = self.object.functions.get(callee.index()).map(|found| found.linkage);
        let is_global = matches!(linkage, Some(Linkage::Global | Linkage::Weak));
        let arguments = state.arguments().map(|value| match value {
            Value::Context(at) => Value::Context(at),
            _ if is_global => Value::Any,
            value => value.passed(),
        });
        self.enter(callee, &State::entry(arguments));
    }

    /// What a 64-bit immediate load gives.
    fn loaded(
        &mut self,
        id: FunctionId,
        slot: u32,
        kind: Imm64Kind,
        imm: i64,
        collects: bool,
    ) -> Value {
        match self.object.function(id).target_at(slot) {
            Some(Target::Value { map, offset }) => match self.is_frozen(map) {
                true => Value::Data(map, offset),
                false => Value::Address,
            },
            Some(Target::Extern(found)) => {
                if let ExternKind::Kconfig { .. } = self.object.externs[found.index()].kind {
                    return Value::Kconfig(found);
                }
                match self.facts.present.get(&found) {
                    Some(true) => Value::Address,
                    Some(false) => Value::Number(0),
                    None => Value::Any,
                }
            }
            Some(Target::Function(callback)) => {
                if !collects {
                    self.enter(callback, &State::unknown());
                }
                Value::Address
            }
            Some(Target::Map(_) | Target::JumpTable { .. }) => Value::Address,
            Some(Target::Call(_) | Target::CallExtern(_)) => Value::Any,
            None if kind == Imm64Kind::Value => Value::Number(imm.cast_unsigned()),
            None => Value::Any,
        }
    }

    /// Whether the contents of a map are known and stay as they are.
    fn is_frozen(&self, map: MapId) -> bool {
        let map = &self.object.maps[map.index()];
        matches!(map.origin, MapOrigin::Data { readonly: true, .. })
    }

    fn load(&self, at: Value, size: Size, state: &State) -> Value {
        match at {
            Value::Data(map, offset) => self.frozen(map, offset, size).unwrap_or(Value::Any),
            Value::Kconfig(id) => match self.facts.values.get(&id) {
                Some(value) if size == Size::Dw => Value::Number(*value),
                Some(value) => Value::Number(value & ((1 << size.bits()) - 1)),
                None => Value::Any,
            },
            at => state.load(at, size.bytes()),
        }
    }

    fn frozen(&self, map: MapId, offset: u64, size: Size) -> Option<Value> {
        let map = self.object.maps.get(map.index())?;
        let MapOrigin::Data { bytes, readonly: true, .. } = &map.origin else { return None };
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(size.bytes() as usize)?;
        let found = bytes.get(start..end)?;
        // Addresses are stored there later.
        let is_filled = |(at, _): &(u32, Target)| {
            let at = *at as usize;
            at < end && start < at.saturating_add(8)
        };
        if map.initial_slots.iter().any(is_filled) {
            return None;
        }
        Some(Value::Number(self.object.endian.read(found)))
    }
}

/// Where a jump goes to.
fn target(slot: u32, insn: &Insn) -> i64 {
    i64::from(slot) + 1 + i64::from(insn.jump().unwrap_or(0))
}

/// Where blocks begin.
fn leaders(code: &[Raw], tables: impl Iterator<Item = i64>) -> Vec<bool> {
    let mut leaders = vec![false; code.len()];
    let mut mark = |to: i64| {
        if let Some(found) = usize::try_from(to).ok().and_then(|to| leaders.get_mut(to)) {
            *found = true;
        }
    };
    mark(0);
    tables.for_each(&mut mark);
    let mut slot = 0;
    while slot < code.len() {
        let Ok(insn) = decode(&code[slot..]) else {
            slot += 1;
            continue;
        };
        if insn.jump().is_some() {
            mark(target(slot as u32, &insn));
        }
        slot += insn.slots();
    }
    leaders
}
