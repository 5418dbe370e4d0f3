//! One argument of a call against what the definition takes.

use abide_isa::Reg;

use super::contract::{Contract, Family, Handed, Parameter, Takes};
use super::{host_rules, limits, map_rules};
use crate::codes as c;
use crate::domain::Scalar;
use crate::fields::Root;
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Value};
use crate::walk::alu::short;
use crate::walk::{Refused, Walk};

/// What the arguments of one call said, for its result.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// The map.
    pub(crate) map: Option<u32>,
    /// The key, if it is a known number.
    pub(crate) key: Option<Value>,
    /// A string in read-only data, without the zero at its end.
    pub(crate) string: Option<Vec<u8>>,
    /// The map itself, as it was passed.
    pub(crate) map_value: Option<Value>,
    /// Constants by argument.
    pub(crate) constants: [Option<u64>; 5],
    /// The reference that is passed: its identity.
    pub(crate) owner: u32,
    /// The reference that is given up.
    pub(crate) released: Option<u32>,
    /// A dynptr that is used.
    pub(crate) dynptr: Option<Value>,
    /// Where a dynptr is made: frame and offset.
    pub(crate) made: Option<(u8, i32)>,
    /// Where an iterator is: frame, offset, and the iterator if there is one.
    pub(crate) iterator: Option<(u8, i32)>,
    /// The function that is called back, and what it is handed.
    pub(crate) callback: Option<u32>,
    pub(crate) callback_takes: Vec<Handed>,
    pub(crate) callback_context: Option<Value>,
    /// The place of a kernel pointer: the type of what it points to, and whether it is of every CPU.
    pub(crate) kptr: Option<(u32, bool)>,
    /// A special field: the value that it is in.
    pub(crate) special: Option<(Value, String)>,
    /// An object that is passed.
    pub(crate) object: Option<Value>,
    /// The list or tree.
    pub(crate) root: Option<Root>,
    /// The object that goes into it: its identity.
    pub(crate) inserted: Option<u32>,
    /// Where interrupt flags are: frame and offset.
    pub(crate) flags: Option<(u8, i32)>,
    /// Memory that is passed, with its greatest size.
    pub(crate) memory: Option<(Value, u32)>,
}

pub(crate) const ARGUMENTS: [Reg; 5] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5];

impl Walk<'_> {
    pub(crate) fn mismatch(
        &self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        wants: &str,
    ) -> Refused {
        Rejection::new(
            &c::V_ARGUMENT,
            format!(
                "`{}` of {} takes {}; {reg} is {value}",
                param.name,
                contract.name,
                in_words(wants)
            ),
        )
        .kernel(format!("R{} type={} expected={wants}", reg.number(), short(value)))
    }

    pub(crate) fn argument(
        &mut self,
        contract: &Contract,
        at: usize,
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        let param = &contract.params[at];
        let reg = ARGUMENTS[at];
        let value = self.read(reg)?;
        let pointer = !matches!(
            param.takes,
            Takes::Anything | Takes::Number | Takes::Zero | Takes::Constant | Takes::Size { .. }
        );
        // A helper's memory that is null has size 0; a kfunc is told by the null.
        let sized = matches!(param.takes, Takes::Memory { .. }) && !contract.kfunc;
        let linux = self.linux().then_some(&self.definition);
        if let Some(program) = linux.filter(|_| value.is_zero() && param.nullable)
            && !host_rules::null_allowed(&contract.name, program)
        {
            return Err(self.mismatch(contract, param, reg, &value, "ctx"));
        }
        if pointer && param.nullable && value.is_zero() && !sized {
            self.rely(&value);
            return Ok(());
        }
        let given_up = contract.words.release && matches!(param.takes, Takes::Some(_));
        if pointer && value.nullable() && (!param.nullable || given_up) {
            return Err(Rejection::new(
                &c::V_NULL,
                format!("{reg} may be null, and `{}` of {} may not", param.name, contract.name),
            )
            .kernel(format!(
                "R{} type={}_or_null expected={}",
                reg.number(),
                short(&value),
                short(&value)
            ))
            .help("test it before the call"));
        }
        match &param.takes {
            Takes::Anything => {
                let what = format!("is passed for `{}` of {}", param.name, contract.name);
                self.secret(&value, reg, &what, "leaks addr into helper function")
            }
            Takes::Number if value.is_scalar() => Ok(()),
            Takes::Number => Err(self
                .mismatch(contract, param, reg, &value, "a number")
                .kernel(format!("R{} is not a scalar", reg.number()))),
            Takes::Zero => {
                self.rely(&value);
                limits::zero(contract, param, reg, &value)
            }
            Takes::Constant => {
                self.rely(&value);
                passed.constants[at] = value.as_constant();
                match passed.constants[at] {
                    Some(_) => Ok(()),
                    None => Err(Rejection::new(
                        &c::V_CONSTANT,
                        format!(
                            "`{}` of {} must be a constant; {reg} is {value}",
                            param.name, contract.name
                        ),
                    )
                    .kernel(format!("R{} is not a known constant'", reg.number()))),
                }
            }
            Takes::Size { constant, .. } => {
                passed.constants[at] = value.as_constant();
                if *constant && passed.constants[at].is_none() {
                    return Err(Rejection::new(
                        &c::V_CONSTANT,
                        format!(
                            "the size `{}` of {} must be a constant",
                            param.name, contract.name
                        ),
                    )
                    .kernel(format!("R{} must be a known constant", reg.number())));
                }
                Ok(())
            }
            Takes::Map => self.map_argument(contract, param, reg, &value, passed),
            Takes::Key => {
                let Some(map) = passed.map else {
                    return Err(gap(contract, param, "there is no map before it"));
                };
                let size = self.maps[map as usize].key_size;
                self.memory_argument(contract, param, reg, &value, size, (true, false))?;
                passed.key = self.known_key(&value, size);
                Ok(())
            }
            Takes::Value { written } => {
                let Some(map) = passed.map else {
                    return Err(gap(contract, param, "there is no map before it"));
                };
                let size = self.maps[map as usize].value_size;
                self.memory_argument(contract, param, reg, &value, size, (!*written, *written))
            }
            Takes::Fixed { size, read, written } => {
                self.check_alignment(&value, reg, 0, *size, true)?;
                self.memory_argument(contract, param, reg, &value, *size, (*read, *written))
            }
            Takes::Memory { read, written } => {
                self.sized(contract, at, reg, &value, (*read, *written), passed)
            }
            Takes::ConstString => self.const_string(contract, param, reg, &value, passed),
            Takes::Context => match value.kind {
                Kind::Context if value.off == 0 && !value.is_variable() => Ok(()),
                Kind::Context => Err(Rejection::new(&c::V_CONTEXT, format!("{reg} is {value}"))
                    .kernel(format!(
                        "dereference of modified ctx ptr R{} off={} disallowed",
                        reg.number(),
                        value.off
                    ))),
                _ => Err(self.mismatch(contract, param, reg, &value, "ctx")),
            },
            Takes::Object(of) => {
                self.object_argument(contract, param, reg, &value, Some(*of), passed)
            }
            Takes::Some(family) => {
                if !self.of_family(*family, &value) {
                    let wants = match family {
                        Family::Socket => "a socket",
                        Family::Record => "a record of a ring buffer",
                        Family::Allocated { .. } => "an object that the program made",
                        Family::Owned => "an object that the program owns",
                        Family::OfCpus => "an object of every CPU that the host keeps",
                    };
                    return Err(self.mismatch(contract, param, reg, &value, wants));
                }
                self.object_argument(contract, param, reg, &value, None, passed)
            }
            Takes::Dynptr { made, constant } => {
                self.dynptr_argument(contract, param, reg, &value, (*made, *constant), passed)
            }
            Takes::Special(name) => {
                self.special_argument(contract, param, reg, &value, name, passed)
            }
            Takes::Arena if value.is_scalar() || value.kind == Kind::Arena => Ok(()),
            Takes::Arena => {
                Err(self.mismatch(contract, param, reg, &value, "an address of the arena"))
            }
            Takes::Flags => self.flags_argument(contract, param, reg, &value, passed),
            Takes::Iterator(name) => match (value.kind, value.fixed_offset()) {
                (Kind::Frame(frame), Some(off)) => {
                    let place = (frame, off as i32);
                    passed.iterator = Some(place);
                    match super::iterator::step(contract) {
                        Some(_) => Ok(()),
                        None => self.live_iterator(name, place),
                    }
                }
                _ => Err(self
                    .mismatch(contract, param, reg, &value, "an iterator on the stack")
                    .kernel(format!("arg#{at} expected pointer to an iterator on stack"))),
            },
            Takes::Callback(takes) => match value.kind {
                Kind::Function(function) => {
                    passed.callback = Some(function);
                    passed.callback_takes.clone_from(takes);
                    Ok(())
                }
                _ => Err(self.mismatch(contract, param, reg, &value, "func")),
            },
            Takes::CallbackContext => match value.kind {
                Kind::Frame(_)
                | Kind::MapValue(_)
                | Kind::Scalar
                | Kind::Context
                | Kind::MapKey(_)
                | Kind::Memory(_)
                | Kind::Packet => {
                    passed.callback_context = Some(value);
                    Ok(())
                }
                _ => Err(self.mismatch(contract, param, reg, &value, "fp")),
            },
            Takes::KptrSlot => self.kptr_slot(contract, param, reg, &value, passed),
            Takes::Unknown(what) => Err(gap(contract, param, what)),
        }
    }

    /// The number that a key on the stack is, if it is known.
    fn known_key(&self, at: &Value, size: u32) -> Option<Value> {
        let Kind::Frame(frame) = at.kind else { return None };
        let off = i32::try_from(at.fixed_offset()?).ok()?;
        if !matches!(size, 1 | 2 | 4 | 8) || off % size as i32 != 0 {
            return None;
        }
        let key = self.state.frame_at(frame).stack.load(off, size, self.options.little)?;
        key.as_constant().is_some_and(|key| key <= Scalar::bytes(size).umax).then_some(key)
    }

    fn map_argument(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        // A map that the program was handed as an object of the host.
        if let Kind::Object(of) = value.kind
            && contract.kfunc
            && value.flags.has(Flags::TRUSTED)
            && value.fixed_offset() == Some(0)
            && self.types.get(of).name == "bpf_map"
        {
            return Ok(());
        }
        let Kind::Map(map) = value.kind else {
            return Err(self.mismatch(contract, param, reg, value, "map_ptr"));
        };
        let facts = &self.maps[map as usize];
        let sockets = matches!(facts.kind, "sockmap" | "sockhash");
        let fits = map_rules::fits(&contract.name, facts.kind)
            && (!sockets || host_rules::changes_socket_map(&contract.name, &self.definition));
        if self.linux() && !fits {
            return Err(Rejection::new(
                &c::V_MAP_KIND,
                format!(
                    "{} does not work with `{}`, a map of the kind {}",
                    contract.name, facts.name, facts.kind
                ),
            )
            .kernel(format!("cannot pass map_type {} into func {}", facts.kind, contract.name)));
        }
        if let Some((timer, _)) = &passed.special {
            // A timer belongs to the map whose value it is in.
            if !matches!(timer.kind, Kind::MapValue(of) if of == map && timer.range == value.id) {
                return Err(Rejection::new(
                    &c::V_ARGUMENT,
                    "the map is not the one whose value the timer is in",
                )
                .kernel("timer pointer in R1 map_uid doesn't match map pointer in R2"));
            }
        }
        passed.map = Some(map);
        passed.map_value = Some(*value);
        Ok(())
    }
}

/// What the kernel's words for kinds of pointers mean.
fn in_words(wants: &str) -> String {
    match wants {
        "map_ptr" => "a map".to_owned(),
        "ctx" => "the context".to_owned(),
        "func" => "a function of the program".to_owned(),
        "fp" => "a pointer to the stack or to other memory".to_owned(),
        "map_value" => "a pointer into a map value".to_owned(),
        "memory" => "a pointer to memory".to_owned(),
        other => match other.strip_prefix("ptr_") {
            Some(name) => format!("a pointer to a `struct {name}`"),
            None => other.to_owned(),
        },
    }
}

pub(crate) fn gap(contract: &Contract, param: &Parameter, what: &str) -> Refused {
    Rejection::new(
        &c::V_GAP,
        format!("`{}` of {} cannot be proved yet: {what}", param.name, contract.name),
    )
}
