//! What is known at one instruction: registers, and the stack slots of 8 bytes. Knows no program.

use std::collections::BTreeMap;

use abide_isa::{Reg, RegSet};

use super::value::Value;

/// What is known before an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    registers: [Value; 11],
    /// By the offset from the frame pointer, aligned to 8; what is not in it is not known.
    stack: BTreeMap<i32, Value>,
}

impl State {
    /// At the start of a function.
    pub(super) fn entry(arguments: [Value; 5]) -> State {
        let mut registers = [Value::Any; 11];
        registers[1..6].copy_from_slice(&arguments);
        registers[10] = Value::Frame(0);
        State { registers, stack: BTreeMap::new() }
    }

    /// Nothing is known but where the frame is.
    pub(super) fn unknown() -> State {
        State::entry([Value::Any; 5])
    }

    pub(super) fn get(&self, register: Reg) -> Value {
        self.registers.get(register.index()).copied().unwrap_or(Value::Any)
    }

    pub(super) fn set(&mut self, register: Reg, value: Value) {
        if let Some(found) = self.registers.get_mut(register.index()) {
            *found = value;
        }
    }

    /// `r1` to `r5`.
    pub(super) fn arguments(&self) -> [Value; 5] {
        let mut arguments = [Value::Any; 5];
        arguments.copy_from_slice(&self.registers[1..6]);
        arguments
    }

    /// These registers are not known any more.
    pub(super) fn forget(&mut self, registers: RegSet) {
        for register in registers.iter() {
            self.set(register, Value::Any);
        }
    }

    /// After a call: who got an address of the stack may have written to all of it.
    pub(super) fn called(&mut self) {
        if self.arguments().iter().any(|value| matches!(value, Value::Frame(_))) {
            self.stack.clear();
        }
        self.forget(RegSet::ARGUMENTS.with(Reg::R0));
    }

    /// What so many bytes at an address are, if the address is one of the stack.
    pub(super) fn load(&self, at: Value, bytes: u32) -> Value {
        match at {
            Value::Frame(at) if bytes == 8 => self.stack.get(&at).copied().unwrap_or(Value::Any),
            _ => Value::Any,
        }
    }

    /// Writes so many bytes to an address.
    pub(super) fn store(&mut self, at: Value, bytes: u32, value: Value) {
        match at {
            Value::Frame(at) => {
                let end = at.saturating_add(bytes.cast_signed());
                self.stack.retain(|slot, _| *slot >= end || slot.saturating_add(8) <= at);
                if bytes == 8 && at % 8 == 0 && value != Value::Any {
                    self.stack.insert(at, value);
                }
            }
            Value::Context(_) | Value::Data(..) | Value::Kconfig(_) => {}
            // It may point to the stack.
            Value::Any | Value::Address | Value::Number(_) => self.stack.clear(),
        }
    }

    /// Takes in what is known on another way to the same place. Whether that changed anything.
    pub(super) fn join(&mut self, other: &State) -> bool {
        let mut changed = false;
        for (mine, theirs) in self.registers.iter_mut().zip(other.registers) {
            let both = mine.or(theirs);
            changed |= both != *mine;
            *mine = both;
        }
        let before = self.stack.len();
        self.stack.retain(|at, mine| {
            let both = other.stack.get(at).map_or(Value::Any, |theirs| mine.or(*theirs));
            changed |= both != *mine;
            *mine = both;
            both != Value::Any
        });
        changed || before != self.stack.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_is_forgotten_where_it_may_have_been_written() {
        let at = Value::Frame(-8);
        let mut state = State::unknown();
        state.store(at, 8, Value::Number(7));
        assert_eq!(state.load(at, 8), Value::Number(7));
        assert_eq!(state.load(at, 4), Value::Any);
        let mut other = state.clone();
        other.store(Value::Frame(-4), 1, Value::Number(0));
        assert_eq!(other.load(at, 8), Value::Any);
        let mut other = state.clone();
        other.store(Value::Address, 8, Value::Number(0));
        assert_eq!(other.load(at, 8), Value::Any);
        let mut other = state.clone();
        other.set(Reg::R2, Value::Frame(-64));
        other.called();
        assert_eq!(other.load(at, 8), Value::Any);
        state.called();
        assert_eq!(state.load(at, 8), Value::Number(7));
        assert!(state.join(&State::unknown()));
        assert_eq!(state.load(at, 8), Value::Any);
    }
}
