//! Arguments with a state of their own: dynptrs on the stack, locks and timers in map values.

use abide_isa::Reg;

use super::arguments::Passed;
use super::contract::{Contract, Parameter};
use crate::codes as c;
use crate::state::value::{Kind, Source, Value};
use crate::walk::{Refused, Walk};

impl Walk<'_> {
    pub(crate) fn dynptr_argument(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        (made, constant): (bool, bool),
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        let refuse = |text: &str, kernel: &str| {
            Err(contract.refuses(&c::V_STACK_OBJECT, param, text, kernel))
        };
        let (Kind::Frame(frame), Some(off)) = (value.kind, value.fixed_offset()) else {
            if let Kind::Dynptr { .. } = value.kind
                && !made
                && !contract.words.release
                && value.fixed_offset() == Some(0)
            {
                passed.dynptr = Some(*value);
                return Ok(());
            }
            return Err(self
                .mismatch(contract, param, reg, value, "a dynptr on the stack")
                .kernel(format!(
                    "arg#{} expected pointer to stack or const struct bpf_dynptr",
                    reg.number() - 1
                )));
        };
        let off = off as i32;
        if off % 8 != 0 || !(-512..=-16).contains(&off) {
            return refuse(
                "it is 16 bytes of the stack, aligned to 8",
                "cannot pass in dynptr at an offset",
            );
        }
        self.stack_range(frame, value, reg, 0, 16)?;
        let (first, _) = crate::state::stack::locate(off);
        let (high, low) = {
            let stack = &self.state.frame_at(frame).stack;
            (stack.slot(first), stack.slot(first - 1))
        };
        if made {
            for slot in [high, low] {
                if slot.is_object() && !matches!(slot.value.kind, Kind::Dynptr { .. })
                    || slot.is_object() && slot.value.owner != 0
                {
                    return refuse(
                        "there is an object already",
                        "Dynptr has to be an uninitialized dynptr",
                    );
                }
            }
            passed.made = Some((frame, off));
            return Ok(());
        }
        let valid = self.live_dynptr(value);
        if !valid {
            return refuse(
                "there is no dynptr",
                &format!("Expected an initialized dynptr as arg #{}", reg.number() - 1),
            );
        }
        let _ = constant;
        passed.dynptr = Some(high.value);
        if contract.words.release {
            let gives_back = if contract.name == "bpf_dynptr_file_discard" {
                Source::File
            } else {
                Source::Ringbuf
            };
            if !matches!(high.value.kind, Kind::Dynptr { source, .. } if source == gives_back) {
                return refuse("it owns nothing of that", "arg 1 is an unacquired reference");
            }
            passed.released = Some(high.value.owner);
        }
        Ok(())
    }

    /// Whether this is a dynptr that was made: on the stack, or as the program was handed it.
    pub(crate) fn live_dynptr(&mut self, value: &Value) -> bool {
        let (Kind::Frame(frame), Some(off)) = (value.kind, value.fixed_offset()) else {
            return matches!(value.kind, Kind::Dynptr { .. }) && value.fixed_offset() == Some(0);
        };
        if off % 8 != 0 || !(-512..=-16).contains(&off) {
            return false;
        }
        let (first, _) = crate::state::stack::locate(off as i32);
        self.mark_read(frame, 1 << first | 1 << (first - 1));
        let stack = &self.state.frame_at(frame).stack;
        let (high, low) = (stack.slot(first), stack.slot(first - 1));
        high.is_object()
            && low.is_object()
            && high.value.id == low.value.id
            && matches!(high.value.kind, Kind::Dynptr { first: true, .. })
    }

    pub(crate) fn special_argument(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        name: &str,
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        if super::graph::GRAPH.contains(&name) {
            return self.graph_argument(contract, param, reg, value, name, passed);
        }
        let at = contract.fixed_offset(param, reg, value, name)?;
        let found = match value.kind {
            Kind::MapValue(map) => self.maps[map as usize].usable_at(at).copied(),
            Kind::Object(of) if self.is_owned(value) => {
                self.special_of(of).iter().find(|field| i64::from(field.offset) == at).copied()
            }
            _ => return Err(self.mismatch(contract, param, reg, value, "map_value")),
        };
        let fits = found.is_some_and(|field| field.is(name));
        if !fits {
            let kernel = match value.kind {
                Kind::MapValue(map) if self.maps[map as usize].untyped => format!(
                    "map '{}' has to have BTF in order to use {name}",
                    self.maps[map as usize].name
                ),
                _ => format!("off {at} doesn't point to 'struct {name}'"),
            };
            let text = format!("there is no `struct {name}` at offset {at}");
            return Err(contract.refuses(&c::V_ARGUMENT, param, &text, kernel));
        }
        passed.special = Some((*value, name.to_owned()));
        Ok(())
    }
}
