//! Calls with a state of their own, by name: locks, sections, tail calls, functions that call back,
//! dynptrs. `docs/verifier.md` lists them. Everything else follows from prototypes.

use std::rc::Rc;

use super::arguments::Passed;
use super::contract::{Contract, Handed, Takes};
use super::host_rules;
use crate::codes as c;
use crate::reject::Rejection;
use crate::state::stack::{Byte, locate};
use crate::state::value::{Flags, Kind, Source, Value};
use crate::state::{CallbackKind, Entered, Frame, OwnedKind, State};
use crate::walk::{Flow, Refused, Walk};

/// Functions that call back later, with the map, the key and the value that a field is in.
const LATER: &[&str] = &[
    "bpf_timer_set_callback",
    "bpf_wq_set_callback_impl",
    "bpf_wq_set_callback",
    "bpf_task_work_schedule_signal_impl",
    "bpf_task_work_schedule_signal",
    "bpf_task_work_schedule_resume_impl",
    "bpf_task_work_schedule_resume",
];

/// Releases that are told by something else than an owned argument.
const STATEFUL: &[&str] = &[
    "bpf_rcu_read_unlock",
    "bpf_preempt_enable",
    "bpf_local_irq_restore",
    "bpf_kptr_xchg",
    "bpf_iter_num_destroy",
];

pub(crate) fn stateful(name: &str) -> bool {
    STATEFUL.contains(&name) || name.starts_with("bpf_iter_")
}

/// Whether it calls a function of the program, now.
pub(crate) fn loops(contract: &Contract) -> bool {
    !LATER.contains(&contract.name.as_str())
        && contract.params.iter().any(|param| matches!(param.takes, Takes::Callback(_)))
}

impl Walk<'_> {
    /// Functions that do more than their prototype says.
    pub(crate) fn stateful(
        &mut self,
        contract: &Contract,
        passed: &mut Passed,
    ) -> Result<Option<Flow>, Refused> {
        match contract.name.as_str() {
            "bpf_tail_call" => {
                self.check_end("a tail call is made")?;
                self.masked_tail_call(passed.map)?;
                return Ok(None);
            }
            "bpf_spin_lock" | "bpf_spin_unlock" => self.spin_lock(contract, passed)?,
            "bpf_rcu_read_lock" | "bpf_rcu_read_unlock" if self.in_tree_callback() => {
                return Err(Rejection::new(
                    &c::V_SECTION,
                    "an RCU section in a function that compares nodes",
                )
                .kernel("Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback"));
            }
            "bpf_rcu_read_lock"
                if self.state.rcu > 0 && self.linux() && !self.since("LINUX_6.19") =>
            {
                return Err(Rejection::new(&c::V_SECTION, "an RCU section in another one")
                    .kernel("nested rcu read lock (kernel function bpf_rcu_read_lock)"));
            }
            "bpf_rcu_read_lock" => self.state.rcu += 1,
            "bpf_rcu_read_unlock" => {
                if self.state.rcu == 0 {
                    return Err(Rejection::new(&c::V_SECTION, "there is no RCU section to end")
                        .kernel("unmatched rcu read unlock"));
                }
                self.state.rcu -= 1;
                if self.state.rcu == 0 {
                    self.end_rcu();
                }
            }
            "bpf_preempt_disable" => self.state.preempt += 1,
            "bpf_preempt_enable" => {
                if self.state.preempt == 0 {
                    return Err(Rejection::new(&c::V_SECTION, "there is no section to end")
                        .kernel("unmatched attempt to enable preemption"));
                }
                self.state.preempt -= 1;
            }
            "bpf_dynptr_write" => {
                // It may make the packet linear, somewhere else.
                if let Some(Value { kind: Kind::Dynptr { source: Source::Skb, .. }, .. }) =
                    passed.dynptr
                {
                    self.packet_changed();
                }
            }
            "bpf_dynptr_slice_rdwr"
                if passed.dynptr.is_some_and(|dynptr| dynptr.flags.has(Flags::READONLY))
                    || self.linux() && !host_rules::writes_packets(&self.definition) =>
            {
                let text = "the packet cannot be stored to by this program type";
                return Err(Rejection::new(&c::V_PROTECTED, text)
                    .kernel("the prog does not allow writes to packet data"));
            }
            "bpf_snprintf" => {
                if let (Some(format), Some(size)) = (&passed.string, passed.constants[4]) {
                    let takes = super::format::arguments(format);
                    if !size.is_multiple_of(8) || takes.is_none_or(|takes| takes as u64 > size / 8)
                    {
                        let text = format!(
                            "the format does not go with {} arguments of eight bytes",
                            size / 8
                        );
                        return Err(
                            Rejection::new(&c::V_ARGUMENT, text).kernel("Invalid format string")
                        );
                    }
                }
            }
            "bpf_cast_to_kern_ctx" => {
                let result = self.kernel_context(contract)?;
                self.finish_call(result)?;
                return Ok(Some(Flow::To(self.slot + 1)));
            }
            "bpf_rdonly_cast" => {
                let result = self.cast(contract, passed)?;
                self.finish_call(result)?;
                return Ok(Some(Flow::To(self.slot + 1)));
            }
            "bpf_throw" => return self.throw().map(Some),
            "bpf_kptr_xchg" => {
                let result = self.exchange(contract, passed)?;
                self.finish_call(result)?;
                return Ok(Some(Flow::To(self.slot + 1)));
            }
            "bpf_obj_new_impl"
            | "bpf_obj_new"
            | "bpf_percpu_obj_new_impl"
            | "bpf_percpu_obj_new" => {
                let result = self.make_object(contract, passed)?;
                self.finish_call(result)?;
                return Ok(Some(Flow::To(self.slot + 1)));
            }
            "bpf_refcount_acquire" | "bpf_refcount_acquire_impl" => {
                self.check_counted(passed)?;
            }
            "bpf_rbtree_remove" if self.in_tree_callback() => {
                return Err(Rejection::new(
                    &c::V_NOT_HERE,
                    "a node is removed by a function that compares nodes",
                )
                .kernel("rbtree_remove not allowed in rbtree cb"));
            }
            "bpf_local_irq_save" => self.save_flags(passed, false)?,
            "bpf_local_irq_restore" => self.restore_flags(passed, false)?,
            name if name.starts_with("bpf_res_spin_") => {
                if let Some(flow) = self.resilient_lock(contract, passed)? {
                    return Ok(Some(flow));
                }
            }
            _ => {}
        }
        if passed.made.is_some() {
            self.make_dynptr(contract, passed)?;
        }
        if let Some(step) = super::iterator::step(contract) {
            return self.iterate(contract, passed, step).map(Some);
        }
        if let Some(function) = passed.callback {
            return self.call_back(contract, passed, function);
        }
        Ok(None)
    }

    fn end_rcu(&mut self) {
        self.state.each(
            |value| {
                matches!(value.kind, Kind::Object(_) | Kind::Iterator { .. })
                    && value.flags.has(Flags::RCU)
            },
            |value| {
                value.flags =
                    value.flags.without(Flags::RCU.with(Flags::NULLABLE)).with(Flags::UNTRUSTED)
            },
        );
    }

    fn make_dynptr(&mut self, contract: &Contract, passed: &Passed) -> Result<(), Refused> {
        let Some((frame, off)) = passed.made else { return Ok(()) };
        let gap = || {
            Rejection::new(
                &c::V_GAP,
                format!("the dynptr that {} makes cannot be proved yet", contract.name),
            )
        };
        let (source, mut flags, mut owner) = match contract.name.as_str() {
            "bpf_dynptr_from_mem" => {
                let Some((memory, _)) = &passed.memory else { return Err(gap()) };
                if !matches!(memory.kind, Kind::MapValue(_)) {
                    return Err(Rejection::new(
                        &c::V_ARGUMENT,
                        "a dynptr of memory is of a map value",
                    )
                    .kernel("Unsupported reg type fp for bpf_dynptr_from_mem data"));
                }
                (Source::Local, Flags::NONE, 0)
            }
            "bpf_ringbuf_reserve_dynptr" => (Source::Ringbuf, Flags::NONE, self.acquire()),
            "bpf_dynptr_from_skb" => {
                // Programs without a packet of their own may only look at one.
                let object = matches!(&passed.object, Some(Value { kind: Kind::Object(_), .. }));
                let writable = self.context.packet_writable && !object;
                (Source::Skb, if writable { Flags::NONE } else { Flags::READONLY }, 0)
            }
            "bpf_dynptr_from_xdp" => (Source::Xdp, Flags::NONE, 0),
            // It moves with the packet.
            "bpf_dynptr_from_skb_meta" => (Source::Skb, Flags::NONE, 0),
            "bpf_dynptr_from_file" => (Source::File, Flags::READONLY, self.acquire()),
            "bpf_dynptr_clone" => match &passed.dynptr {
                Some(Value { kind: Kind::Dynptr { source, .. }, flags, owner, .. }) => {
                    (*source, *flags, *owner)
                }
                _ => return Err(gap()),
            },
            _ => return Err(gap()),
        };
        if self.state.frame_at(frame).aliased & crate::state::stack::slot_mask(off, 16) != 0 {
            return Err(crate::memory::stack::aliased_stack("a dynptr is made"));
        }
        self.overwrite_objects(frame, off, 16)?;
        let id = self.fresh_id();
        if !matches!(source, Source::Ringbuf | Source::File) {
            owner = 0;
        }
        flags = flags.without(Flags::NULLABLE);
        let (first, _) = locate(off);
        let frame_index = frame;
        let frame = self.state.frame_at_mut(frame);
        let stack = Rc::make_mut(&mut frame.stack);
        for (at, is_first) in [(first, true), (first - 1, false)] {
            let slot = stack.slot_mut(at);
            slot.bytes = [Byte::Part; 8];
            slot.value = Value {
                flags,
                id,
                owner,
                ..Value::pointer(Kind::Dynptr { source, first: is_first })
            };
        }
        self.mark_written(frame_index, 1 << first | 1 << (first - 1));
        Ok(())
    }

    /// What the callback is handed.
    fn handed(&mut self, contract: &Contract, passed: &Passed) -> Result<[Value; 5], Refused> {
        let mut arguments = [Value::UNINIT; 5];
        let gap = || {
            Rejection::new(
                &c::V_GAP,
                format!("the callback of {} cannot be proved yet", contract.name),
            )
        };
        let map = passed.map;
        let fixed = |handed: &'static [Handed]| handed.to_vec();
        let takes = match contract.name.as_str() {
            name if LATER.contains(&name) => {
                let Some((value, _)) = &passed.special else { return Err(gap()) };
                let Kind::MapValue(map) = value.kind else { return Err(gap()) };
                arguments[0] = Value::pointer(Kind::Map(map));
                arguments[1] = Value::pointer(Kind::MapKey(map));
                arguments[2] = Value { id: self.fresh_id(), ..Value::pointer(Kind::MapValue(map)) };
                return Ok(arguments);
            }
            // A record that the user wrote, as a dynptr of its own.
            "bpf_user_ringbuf_drain" => {
                let kind = Kind::Dynptr { source: Source::Local, first: true };
                arguments[0] = Value { id: self.fresh_id(), ..Value::pointer(kind) };
                arguments[1] = passed.callback_context.unwrap_or(Value::UNINIT);
                return Ok(arguments);
            }
            // The task that was passed and one of its areas, which live no longer than the call.
            "bpf_find_vma" => {
                for (at, name) in ["task_struct", "vm_area_struct"].iter().enumerate() {
                    let of = self.types.named(name);
                    arguments[at] =
                        Value { flags: Flags::UNTRUSTED, ..Value::pointer(Kind::Object(of)) };
                }
                arguments[2] = passed.callback_context.unwrap_or(Value::UNINIT);
                return Ok(arguments);
            }
            name if super::graph::adds_to_tree(name) => {
                let Some(root) = passed.root else { return Err(gap()) };
                let node = self.node(root);
                arguments[..2].copy_from_slice(&[node, node]);
                return Ok(arguments);
            }
            _ if passed.callback_takes.is_empty() => fixed(&[]),
            _ => passed.callback_takes.clone(),
        };
        for (at, handed) in takes.iter().enumerate().take(5) {
            arguments[at] = match (handed, map) {
                (Handed::Number, _) => Value::UNKNOWN,
                (Handed::Context, _) => passed.callback_context.unwrap_or(Value::UNINIT),
                (Handed::Map, Some(map)) => Value::pointer(Kind::Map(map)),
                (Handed::Key, Some(map)) => Value::pointer(Kind::MapKey(map)),
                (Handed::Value, Some(map)) => {
                    Value { id: self.fresh_id(), ..Value::pointer(Kind::MapValue(map)) }
                }
                _ => return Err(gap()),
            };
        }
        Ok(arguments)
    }

    fn call_back(
        &mut self,
        contract: &Contract,
        passed: &Passed,
        function: u32,
    ) -> Result<Option<Flow>, Refused> {
        let arguments = self.handed(contract, passed)?;
        let start = self.code.functions[function as usize].start;
        if LATER.contains(&contract.name.as_str()) {
            let mut frame = Frame::new(
                function,
                Entered::Callback { call: self.slot, kind: CallbackKind::Later },
                0,
            );
            frame.regs[1..6].copy_from_slice(&arguments);
            self.later.insert(function);
            let mut state = State::new(frame);
            (state.saved_at, state.step) = (self.state.saved_at, self.state.step);
            state.speculative = self.state.speculative;
            self.fork(state, start)?;
            return Ok(None);
        }
        self.now.insert(function);
        // What comes after the call is walked first, then one more round, if there can be one.
        let mut round = self.state.clone();
        let few = self.few_rounds(contract);
        if let Some(few) = few {
            self.state.frame_mut().rounds = 0;
            if round.frame().rounds >= few {
                return self.after_rounds(contract, passed).map(Some);
            }
            round.frame_mut().rounds += 1;
        }
        if let Some(since) = self.rounds_before() {
            self.widen(&mut round, since);
        }
        round.steps += 1;
        let after = std::mem::replace(&mut self.state, round);
        let entered = Entered::Callback { call: self.slot, kind: CallbackKind::Loop };
        let pushed = self.push_frame(function, entered, arguments);
        let round = std::mem::replace(&mut self.state, after);
        pushed?;
        self.fork(round, start)?;
        self.after_rounds(contract, passed).map(Some)
    }

    /// How often bpf_loop calls back at most, if that is a few times.
    fn few_rounds(&mut self, contract: &Contract) -> Option<u32> {
        const FEW: u64 = 32;
        if contract.name != "bpf_loop" {
            return None;
        }
        let count = *self.state.reg(abide_isa::Reg::R1);
        if !count.is_scalar() || count.num.umax > FEW {
            return None;
        }
        self.rely(&count);
        Some(count.num.umax as u32)
    }

    /// What comes after the last call back.
    fn after_rounds(&mut self, contract: &Contract, passed: &Passed) -> Result<Flow, Refused> {
        self.effects(contract, passed);
        let result = self.result(contract, passed)?;
        self.finish_call(result)?;
        Ok(Flow::To(self.slot + 1))
    }

    /// What a callback may return at most.
    pub(crate) fn most_of_callback(&self, call: u32, kind: CallbackKind) -> u64 {
        let contract = self.contracts.get(call as usize).and_then(|known| known.as_ref()?.as_ref());
        let task = contract.is_some_and(|of| of.name.starts_with("bpf_task_work_"));
        match kind {
            CallbackKind::Loop => 1,
            CallbackKind::Later if task => u64::MAX,
            CallbackKind::Later => 0,
        }
    }

    /// A callback has returned: the host may call it again.
    pub(crate) fn callback_return(
        &mut self,
        call: u32,
        kind: CallbackKind,
    ) -> Result<Flow, Refused> {
        if kind == CallbackKind::Later {
            self.check_end("the callback ends")?;
            return Ok(Flow::End);
        }
        let top = self.state.top();
        if self
            .state
            .owned
            .iter()
            .any(|owned| owned.frame == top && owned.kind == OwnedKind::Reference)
        {
            return Err(Rejection::new(
                &c::V_LEAK,
                "the callback ends and still owns what it acquired",
            )
            .kernel("Unreleased reference in callback"));
        }
        let gone = u32::from(top) + 1;
        self.state.frames.pop();
        self.state.invalidate(self.gone(), |value| {
            matches!(value.kind, Kind::Memory(_)) && value.range == gone
        });
        Ok(Flow::To(call))
    }
}
