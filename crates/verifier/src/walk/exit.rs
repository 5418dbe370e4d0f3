//! The end of a path: of a function that was called, of a callback, of the program. And the stack
//! that a chain of calls needs.

use abide_isa::Reg;

use super::{Flow, Refused, Walk};
use crate::codes as c;
use crate::reject::Rejection;
use crate::state::value::{Kind, Value};
use crate::state::{Entered, MAX_FRAMES, Owned, OwnedKind, State};

/// What frames of a chain of calls may take together.
const MAX_STACK: i32 = 512;
/// The same if one of them makes a tail call.
const MAX_STACK_TAIL: i32 = 256;

impl Walk<'_> {
    pub(crate) fn exit(&mut self) -> Result<Flow, Refused> {
        match self.state.frame().entered {
            Entered::Entry => {
                self.check_end("the program ends")?;
                let function = self.state.frame().function;
                if function == 0 || Some(function) == self.exception {
                    self.check_result()?;
                } else {
                    self.check_global_result()?;
                }
                Ok(Flow::End)
            }
            Entered::Call { back } => {
                let result = *self.state.reg(Reg::R0);
                if matches!(result.kind, Kind::Frame(frame) if frame == self.state.top()) {
                    return Err(Rejection::new(
                        &c::V_STACK_BOUNDS,
                        "a pointer to the frame that ends is returned",
                    )
                    .kernel("cannot return stack pointer to the caller"));
                }
                let gone = u32::from(self.state.top()) + 1;
                let dangles =
                    |value: &Value| matches!(value.kind, Kind::Memory(_)) && value.range == gone;
                let result = if dangles(&result) { self.gone() } else { result };
                self.state.frames.pop();
                self.state.invalidate(self.gone(), dangles);
                let frame = self.state.frame_mut();
                for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
                    frame.regs[reg.index()] = Value::UNINIT;
                }
                frame.regs[Reg::R0.index()] = result;
                Ok(Flow::To(back))
            }
            Entered::Callback { call, kind } => {
                let result = self.read_result()?;
                let most = self.most_of_callback(call, kind);
                if !result.is_scalar() || result.num.umax > most {
                    return Err(Rejection::new(
                        &c::V_RETURN,
                        format!("the callback returns {result}"),
                    )
                    .kernel(format!(
                        "At callback return the register R0 has {result} should have been in [0, {most}]",
                    )));
                }
                self.rely(&result);
                self.callback_return(call, kind)
            }
        }
    }

    /// Programs that can interrupt anything must not wait: no locks and no timers.
    pub(crate) fn check_maps(&self) -> Result<(), Refused> {
        const ANYWHERE: &[&str] =
            &["kprobe", "tracepoint", "perf_event", "raw_tracepoint", "raw_tracepoint_writable"];
        let kind = &self.definition;
        if self.linux() && self.sleepable() && !crate::call::host_rules::may_sleep(kind) {
            let text = format!("programs of the type {kind} may not sleep");
            return Err(Rejection::new(&c::V_NOT_HERE, text).kernel(
                "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable",
            ));
        }
        if self.linux()
            && kind == "socket_filter"
            && let Some(map) = self.maps.iter().find(|map| map.has_lock())
        {
            let text =
                format!("`{}` has a lock, which programs of the type {kind} may not use", map.name);
            return Err(Rejection::new(&c::V_MAP_KIND, text)
                .kernel("socket filter progs cannot use bpf_spin_lock yet"));
        }
        if !self.linux() || !ANYWHERE.contains(&kind.as_str()) {
            return Ok(());
        }
        let waits = |map: &&crate::maps::MapFacts| {
            let timer = |field: &crate::fields::Special| {
                matches!(field.kind, crate::fields::SpecialKind::Opaque("bpf_timer" | "bpf_wq"))
            };
            map.has_lock() || map.special.iter().any(timer)
        };
        match self.maps.iter().find(waits) {
            None => Ok(()),
            Some(map) => Err(Rejection::new(
                &c::V_MAP_KIND,
                format!(
                    "`{}` has a lock or a timer, which programs of the type {kind} may not use",
                    map.name
                ),
            )
            .kernel("tracing progs cannot use bpf_spin_lock yet")),
        }
    }

    fn read_result(&self) -> Result<Value, Refused> {
        self.read(Reg::R0)
    }

    /// What must not be left when the program ends, or makes a tail call.
    pub(crate) fn check_end(&self, what: &str) -> Result<(), Refused> {
        let state = &self.state;
        if let Some(lock) = state.lock() {
            return Err(Rejection::new(&c::V_LOCK, format!("{what} while a lock is held"))
                .known(format!("it was taken at {}", self.place_of(lock.slot)))
                .kernel("BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region"));
        }
        if state.rcu > 0 || state.preempt > 0 || !state.irqs.is_empty() {
            let section = if state.rcu > 0 {
                "bpf_rcu_read_lock"
            } else if state.preempt > 0 {
                "bpf_preempt_disable"
            } else {
                "bpf_local_irq_save"
            };
            return Err(Rejection::new(
                &c::V_SECTION,
                format!("{what} inside a section opened by {section}"),
            )
            .kernel(format!(
                "BPF_EXIT instruction in main prog cannot be used inside {section}-ed region"
            )));
        }
        if let Some(owned) = state.owned.first() {
            return Err(self.leak(what, owned));
        }
        Ok(())
    }

    fn check_result(&mut self) -> Result<(), Refused> {
        if self.void {
            return Ok(());
        }
        let result = self.read_result()?;
        self.secret(&result, Reg::R0, "is returned", "leaks addr as return value")?;
        let Some((low, high)) = self.returns else { return Ok(()) };
        let num = result.num;
        let (min, max) = (i64::from(num.smin32), i64::from(num.smax32));
        if !result.is_scalar() || min < low || max > high {
            return Err(Rejection::new(
                &c::V_RETURN,
                format!("the program returns {result}; allowed is {low} to {high}"),
            )
            .kernel(format!(
                "At program exit the register R0 has {result} should have been in [{low}, {high}]"
            ))
            .help(format!("programs of this type return {low} to {high} on every path")));
        }
        self.rely(&result);
        Ok(())
    }

    /// Enters a function of the program.
    pub(crate) fn push_frame(
        &mut self,
        function: u32,
        entered: Entered,
        arguments: [Value; 5],
    ) -> Result<(), Refused> {
        if self.state.frames.len() >= MAX_FRAMES {
            return Err(Rejection::new(
                &c::V_CALL_DEPTH,
                format!("more than {MAX_FRAMES} calls are nested"),
            )
            .kernel("the call stack of 8 frames is too deep"));
        }
        let index = self.state.frames.len() as u8;
        let mut frame = crate::state::Frame::new(function, entered, index);
        frame.regs[1..6].copy_from_slice(&arguments);
        self.state.frames.push(std::rc::Rc::new(frame));
        self.statistics.peak_frames = self.statistics.peak_frames.max(self.state.frames.len());
        Ok(())
    }

    /// Every chain of calls from the entry: no recursion, and not too much stack.
    pub(crate) fn check_depths(&mut self) -> Result<(), Refused> {
        let code = std::rc::Rc::clone(&self.code);
        // A chain: function, stack below it, whether a tail call is made, the way here.
        let mut chains: Vec<(u32, i32, bool, Vec<u32>)> = vec![(0, 0, false, Vec::new())];
        let own_stack = self.has_own_stack();
        // What is called later is called by nobody.
        let later: Vec<u32> = self.later.difference(&self.now).copied().collect();
        chains.extend(later.iter().map(|function| (*function, 0, false, Vec::new())));
        chains.extend(self.exception.map(|function| (function, 0, false, Vec::new())));
        let mut walked = 0_u32;
        while let Some((function, above, tail, way)) = chains.pop() {
            let facts = &code.functions[function as usize];
            let called_back = |function: &u32| {
                code.functions[*function as usize].callback || Some(*function) == self.exception
            };
            if let Some(slot) = facts.throws
                && way.iter().chain([&function]).any(called_back)
            {
                self.slot = slot;
                return Err(crate::call::exception::thrown_in_callback());
            }
            self.slot = facts.start;
            walked += 1;
            if walked > 100_000 {
                return Err(Rejection::new(
                    &c::V_TOO_COMPLEX,
                    "there are too many chains of calls",
                ));
            }
            if way.contains(&function) || way.len() >= MAX_FRAMES {
                return Err(Rejection::new(
                    &c::V_CALL_DEPTH,
                    format!(
                        "the calls of `{}` are nested too deep, or it calls itself",
                        facts.name
                    ),
                )
                .kernel("the call stack of 9 frames is too deep !"));
            }
            let own = self.frame_size(-self.depths[function as usize]);
            let entry = way.first().unwrap_or(&function);
            let depth = if own_stack && *entry == 0 { own } else { above + own };
            if depth > MAX_STACK {
                let text =
                    format!("the calls down to `{}` need {depth} bytes of stack", facts.name);
                return Err(Rejection::new(&c::V_STACK_DEPTH, text)
                    .kernel(format!(
                        "combined stack size of {} calls is {depth}. Too large",
                        way.len() + 1
                    ))
                    .help("use less stack, or a map of one value per CPU"));
            }
            let tail_below = tail || facts.tail_call;
            if tail_below && !way.is_empty() && above >= MAX_STACK_TAIL {
                let text = format!("a tail call is made below {above} bytes of stack");
                return Err(Rejection::new(&c::V_STACK_DEPTH, text)
                    .kernel(format!("tail_calls are not allowed when call stack of previous frames is {above} bytes. Too large")));
            }
            let mut below = way.clone();
            below.push(function);
            for call in &facts.calls {
                if call.address && later.contains(&call.callee) {
                    continue;
                }
                chains.push((call.callee, depth, false, below.clone()));
            }
        }
        self.slot = 0;
        Ok(())
    }
}

/// Since then Linux gives functions of some programs memory of their own, beside the stack that they share.
const OWN_STACK: &str = "LINUX_6.13";
/// Which those programs are.
const OWN_STACK_FOR: &[&str] =
    &["kprobe", "tracepoint", "perf_event", "raw_tracepoint", "fentry", "tp_btf", "sched_ext"];

/// Until then Linux counted stack in the steps of its interpreter, whoever ran the program.
const FINE_FRAMES: &str = "LINUX_6.8";

impl Walk<'_> {
    /// What a frame takes: in steps of 16 bytes, as engines lay them out.
    fn frame_size(&self, size: i32) -> i32 {
        if self.linux() && !self.since(FINE_FRAMES) {
            return (size.max(1) + 31) / 32 * 32;
        }
        (size + 15) / 16 * 16
    }

    /// Whether the host gives each function its own memory instead of a part of the stack.
    fn has_own_stack(&self) -> bool {
        OWN_STACK_FOR.contains(&self.definition.as_str())
            && self.since(OWN_STACK)
            && !self.code.functions.iter().any(|function| function.tail_call)
    }

    fn leak(&self, what: &str, owned: &Owned) -> Refused {
        let name = self.called(owned.slot);
        Rejection::new(&c::V_LEAK, format!("{what} and still owns what {name} gave it"))
            .known(format!("{name} was called at {}", self.place_of(owned.slot)))
            .kernel(format!("Unreleased reference id={} alloc_insn={}", owned.id, owned.slot))
            .help("release it on every path to the end, or check for null before you return")
    }
}

impl State {
    /// A reference is given up: whatever belongs to it is not a pointer any more.
    pub(crate) fn release(&mut self, id: u32, gone: Value) {
        self.owned.retain(|owned| owned.id != id || owned.kind != OwnedKind::Reference);
        self.invalidate(gone, |value| value.owner == id);
    }

    /// Pointers that are no pointers any more become what is left of them.
    pub(crate) fn invalidate(&mut self, gone: Value, which: impl Fn(&Value) -> bool) {
        self.each(|value| value.is_pointer() && which(value), |value| *value = gone);
    }
}
