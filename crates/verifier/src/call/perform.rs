//! A call of the host: the arguments, what it does to the state, what it gives.

use std::rc::Rc;

use abide_isa::Reg;

use super::arguments::{ARGUMENTS, Passed};
use super::contract::{Contract, Gives};
use super::host_rules;
use crate::codes as c;
use crate::domain::Scalar;
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Source, Value};
use crate::state::{Owned, OwnedKind};
use crate::walk::{Flow, Refused, Walk};

impl Walk<'_> {
    /// The rules of the definition that a call is bound to.
    pub(crate) fn contract(&mut self, slot: u32) -> Option<Rc<Contract>> {
        if let Some(Some(known)) = self.contracts.get(slot as usize) {
            return known.clone();
        }
        let contract = self.program.calls.get(&slot).and_then(|call| {
            let context = self.context.name.clone();
            Contract::of(
                &self.program.api,
                self.options.node,
                &mut self.types,
                context.as_deref(),
                call.definition,
            )
        });
        let contract = contract.map(Rc::new);
        if let Some(place) = self.contracts.get_mut(slot as usize) {
            *place = Some(contract.clone());
        }
        contract
    }

    /// Whether a call is a loop that the host bounds: it calls back, or it steps an iterator.
    pub(crate) fn loops_by_host(&self, slot: u32) -> bool {
        match self.contracts.get(slot as usize) {
            Some(Some(Some(contract))) => {
                super::callback::loops(contract) || super::iterator::step(contract).is_some()
            }
            _ => false,
        }
    }

    pub(crate) fn call_host(&mut self) -> Result<Flow, Refused> {
        let next = self.slot + 1;
        let Some(contract) = self.contract(self.slot) else {
            if self.program.slots[self.slot as usize].imm == abide_btf::core::POISON.imm {
                return Err(Rejection::new(
                    &c::V_NO_FUNCTION,
                    "this instruction needs a field, a type or a value that the host does not have",
                )
                .kernel("invalid func unknown#195896080")
                .help("ask first: if (bpf_core_field_exists(…)), bpf_core_type_exists(…)"));
            }
            return Err(Rejection::new(
                &c::V_NO_FUNCTION,
                "this call is of a function that the host does not have",
            )
            .kernel("calling kernel function is not allowed")
            .help("test for it first: if (bpf_ksym_exists(…))"));
        };
        self.may_call(&contract)?;
        let mut passed = Passed::default();
        for at in 0..contract.params.len().min(5) {
            self.argument(&contract, at, &mut passed)?;
        }
        if contract.variadic {
            for reg in ARGUMENTS.iter().skip(contract.params.len()) {
                // Only as many as the format asks for are read.
                let _ = reg;
            }
        }
        if contract.words.release
            && passed.released.is_none()
            && !super::callback::stateful(&contract.name)
        {
            return Err(Rejection::new(
                &c::V_RELEASE,
                format!("{} is passed nothing that the program owns", contract.name),
            )
            .kernel("arg is an unacquired reference"));
        }
        if let Some(flow) = self.stateful(&contract, &mut passed)? {
            return Ok(flow);
        }
        self.effects(&contract, &passed);
        let result = self.result(&contract, &passed)?;
        self.finish_call(result)?;
        if contract.words.noreturn {
            return Ok(Flow::End);
        }
        Ok(Flow::To(next))
    }

    /// Registers after a call.
    pub(crate) fn finish_call(&mut self, result: Value) -> Result<(), Refused> {
        for reg in ARGUMENTS {
            self.state.set(reg, Value::UNINIT);
        }
        self.write(Reg::R0, result)
    }

    /// Sections in which not everything may be called.
    fn may_call(&self, contract: &Contract) -> Result<(), Refused> {
        let name = &contract.name;
        self.check_unprivileged_call(name)?;
        let refuse =
            |text: String, kernel: String| Err(Rejection::new(&c::V_NOT_HERE, text).kernel(kernel));
        if let Some(lock) = self.state.lock() {
            let graph = super::graph::under_lock(name) || name.starts_with("bpf_iter_num_");
            let allowed = super::locks::under_lock(name) || contract.kfunc && graph;
            if !allowed {
                return Err(Rejection::new(
                    &c::V_LOCK,
                    format!("{name} is called while a lock is held"),
                )
                .known(format!("the lock was taken at {}", self.place_of(lock.slot)))
                .kernel("function calls are not allowed while holding a lock")
                .help("call it before the lock is taken, or after it was given back"));
            }
        }
        if self.linux() && host_rules::needs_sleep(name, &self.definition) && !self.sleepable() {
            return refuse(
                format!("{name} is for programs that may sleep"),
                "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs".to_owned(),
            );
        }
        if contract.words.sleepable {
            if !self.sleepable() {
                let kernel = match contract.kfunc {
                    true => format!("program must be sleepable to call sleepable kfunc {name}"),
                    false => "helper call might sleep in a non-sleepable prog".to_owned(),
                };
                let text = format!("{name} may sleep, and the program may not");
                return Err(Rejection::new(&c::V_NOT_HERE, text).kernel(kernel).help(
                    "where programs of this type may sleep, the section says so: \"lsm.s/…\", \"uprobe.s/…\"",
                ));
            }
            if self.state.rcu > 0 {
                return refuse(
                    format!("{name} may sleep, inside an RCU section"),
                    format!("kernel func {name} is sleepable within rcu_read_lock region"),
                );
            }
            if self.state.preempt > 0 || !self.state.irqs.is_empty() {
                return refuse(
                    format!("{name} may sleep, inside a section that must not"),
                    format!("kernel func {name} is sleepable within non-preemptible region"),
                );
            }
        }
        Ok(())
    }

    /// What every call of such a definition does.
    pub(crate) fn effects(&mut self, contract: &Contract, passed: &Passed) {
        if let Some(owner) = passed.released {
            self.release(owner);
        }
        if let Some(owner) = passed.inserted {
            self.insert(owner);
        }
        if contract.words.changes_packet {
            self.packet_changed();
        }
    }

    /// A reference is given up, with everything that belongs to it.
    pub(crate) fn release(&mut self, owner: u32) {
        let dynptrs = self.dynptrs(|value| value.owner == owner);
        for id in dynptrs {
            self.state.invalidate(self.gone(), |value| {
                matches!(value.kind, Kind::Memory(_)) && value.owner == id
            });
        }
        self.state.release(owner, self.gone());
    }

    /// The packet is another one, or somewhere else.
    pub(crate) fn packet_changed(&mut self) {
        let packets = |value: &Value| {
            matches!(value.kind, Kind::Dynptr { source: Source::Skb | Source::Xdp, .. })
        };
        for id in self.dynptrs(packets) {
            self.state.invalidate(self.gone(), |value| {
                matches!(value.kind, Kind::Memory(_)) && value.owner == id
            });
        }
        self.state.invalidate(self.gone(), |value| {
            matches!(value.kind, Kind::Packet | Kind::PacketMeta | Kind::PacketEnd)
        });
    }

    fn dynptrs(&self, which: impl Fn(&Value) -> bool) -> Vec<u32> {
        let frames = self.state.frames.iter();
        let values = frames.flat_map(|frame| frame.stack.values().chain(&frame.regs));
        values
            .filter(|value| matches!(value.kind, Kind::Dynptr { .. }) && which(value))
            .map(|value| value.id)
            .collect()
    }

    /// The program owns something new.
    pub(crate) fn acquire(&mut self) -> u32 {
        let id = self.fresh_id();
        let (frame, slot) = (self.state.top(), self.slot);
        self.state.owned.push(Owned { id, kind: OwnedKind::Reference, frame, slot });
        id
    }

    pub(crate) fn result(
        &mut self,
        contract: &Contract,
        passed: &Passed,
    ) -> Result<Value, Refused> {
        let unknown = |what: &str| {
            Rejection::new(
                &c::V_GAP,
                format!("what {} returns cannot be proved yet: {what}", contract.name),
            )
        };
        if let Some(value) = self.graph_result(contract, passed) {
            return Ok(value);
        }
        if matches!(contract.name.as_str(), "bpf_per_cpu_ptr" | "bpf_this_cpu_ptr")
            && let Some(value) = self.of_cpu(contract, passed)
        {
            return Ok(value);
        }
        let mut value = match contract.gives {
            Gives::Nothing => return Ok(Value::UNINIT),
            // An object, whatever the prototype says.
            Gives::Number if contract.name == "bpf_task_pt_regs" => {
                let of = self.types.named("pt_regs");
                return Ok(Value { flags: Flags::TRUSTED, ..Value::pointer(Kind::Object(of)) });
            }
            Gives::Number => return Ok(number_result(contract, passed)),
            Gives::MapValue => {
                let Some(map) = passed.map else { return Err(unknown("there is no map")) };
                let facts = &self.maps[map as usize];
                match (facts.inner, facts.kind) {
                    (Some(inner), _) => Value::pointer(Kind::Map(inner)),
                    (None, "sockmap" | "sockhash") => {
                        let of = self.types.named("bpf_sock");
                        let owner = self.acquire();
                        let flags = Flags::NULLABLE.with(Flags::TRUSTED);
                        return Ok(Value {
                            flags,
                            id: owner,
                            owner,
                            ..Value::pointer(Kind::Object(of))
                        });
                    }
                    (None, "xskmap") => {
                        let of = self.types.named("bpf_xdp_sock");
                        Value { flags: Flags::TRUSTED, ..Value::pointer(Kind::Object(of)) }
                    }
                    (None, "array_of_maps" | "hash_of_maps") => {
                        return Err(unknown("the map inside is not known"));
                    }
                    _ => Value::pointer(Kind::MapValue(map)),
                }
            }
            Gives::Memory { size_from } => {
                let Some(size) =
                    passed.constants[size_from].and_then(|size| u32::try_from(size).ok())
                else {
                    return Err(unknown("the size is not constant"));
                };
                let mut value = Value::pointer(Kind::Memory(size));
                if contract.words.acquire {
                    value.flags = Flags::RECORD;
                }
                if let Some(dynptr) = &passed.dynptr {
                    value.owner = dynptr.id;
                    value.flags = Flags::SLICE;
                    // It may be the buffer that was passed, and lives no longer than that.
                    if let Some((Value { kind: Kind::Frame(frame), .. }, _)) = passed.memory {
                        value.range = u32::from(frame) + 1;
                    }
                    let writes = contract.name != "bpf_dynptr_slice";
                    if !writes || dynptr.flags.has(Flags::READONLY) {
                        value.flags = value.flags.with(Flags::READONLY);
                    } else if let Some((buffer, size)) = passed.memory
                        && let Kind::Frame(frame) = buffer.kind
                    {
                        // What is given may be the buffer that was passed.
                        let (low, high) = self.stack_range(frame, &buffer, Reg::R3, 0, size)?;
                        let whole = (high - low) as u32 + size;
                        let mask = crate::state::stack::slot_mask(low, whole);
                        self.state.frame_at_mut(frame).aliased |= mask;
                    }
                }
                value
            }
            Gives::Fixed(size) => {
                let stored_to = self.linux() && host_rules::result_is_stored_to(&contract.name);
                let flags = if stored_to { Flags::NONE } else { Flags::READONLY };
                Value { flags, ..Value::pointer(Kind::Memory(size)) }
            }
            Gives::Object(of) => {
                let trust = if contract.words.acquire || !contract.kfunc {
                    Flags::TRUSTED
                } else {
                    Flags::UNTRUSTED
                };
                let common =
                    if contract.name == "bpf_skc_lookup_tcp" { Flags::COMMON } else { Flags::NONE };
                Value { flags: trust.with(common), ..Value::pointer(Kind::Object(of)) }
            }
            Gives::Unknown => return Err(unknown("its type says nothing")),
        };
        if contract.words.acquire {
            value.owner = self.acquire();
        } else if value.owner == 0
            && matches!(value.kind, Kind::Object(_))
            && passed.owner != 0
            && passed.released.is_none()
            && contract.name != "bpf_get_listener_sock"
        {
            // Made of an object that is owned: it lives as long.
            value.owner = passed.owner;
        }
        let map_lock = matches!(value.kind, Kind::MapValue(map) if self.maps[map as usize].has_lock() || !self.maps[map as usize].special.is_empty());
        if contract.words.nullable && !self.is_there(contract, passed) {
            value.flags = value.flags.with(Flags::NULLABLE);
            value.id = if contract.words.acquire { value.owner } else { self.fresh_id() };
            self.born.insert(value.id, (contract.name.clone(), self.slot));
        } else if map_lock {
            value.id = self.fresh_id();
        }
        // Which map a value is of, where maps of the same kind inside of others are different ones.
        if let (Kind::MapValue(_), Some(map)) = (value.kind, &passed.map_value) {
            value.range = map.id;
        }
        if let (Kind::Map(_), true) = (value.kind, contract.words.nullable) {
            value.off = 0;
        }
        Ok(value)
    }
}

impl Walk<'_> {
    /// Whether an array is asked for an entry that it has.
    fn is_there(&mut self, contract: &Contract, passed: &Passed) -> bool {
        let (Some(map), Some(key)) = (passed.map, &passed.key) else { return false };
        let Some(facts) = self.maps.get(map as usize) else { return false };
        let known = !facts.resized
            && matches!(facts.kind, "array" | "percpu_array")
            && key.as_constant().is_some_and(|key| key < u64::from(facts.max_entries));
        let host = !self.linux() || self.since(host_rules::ENTRIES_ARE_THERE);
        if contract.name != "bpf_map_lookup_elem" || !known || !host || self.options.unprivileged {
            return false;
        }
        self.rely(key);
        true
    }
}

/// The number that a call returns. Of some functions the kernel knows more than the type says.
fn number_result(contract: &Contract, passed: &Passed) -> Value {
    const LENGTH: &[&str] = &[
        "bpf_get_stack",
        "bpf_get_task_stack",
        "bpf_probe_read_str",
        "bpf_probe_read_kernel_str",
        "bpf_probe_read_user_str",
    ];
    const MAX_ERRNO: i64 = 4095;
    if LENGTH.contains(&contract.name.as_str())
        && let Some((_, most)) = passed.memory
    {
        return Value::number(Scalar::between_signed(-MAX_ERRNO, i64::from(most)));
    }
    if contract.name == "bpf_get_smp_processor_id" {
        return Value::number(Scalar::between(0, 8191));
    }
    Value::UNKNOWN
}
