//! Open-coded iterators: `bpf_iter_T_new`, `_next` and `_destroy`, with `struct bpf_iter_T` on the
//! stack between. By that naming rule, so an embedder's iterators work the same way.

use std::rc::Rc;

use super::arguments::Passed;
use super::contract::{Contract, Takes};
use crate::codes as c;
use crate::reject::Rejection;
use crate::state::stack::{Byte, locate};
use crate::state::value::{Flags, Kind, Value};
use crate::walk::{Flow, Refused, Walk};

/// What a call does to an iterator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    New,
    Next,
    Destroy,
}

/// What a definition does to an iterator, if it is of one.
pub(crate) fn step(contract: &Contract) -> Option<Step> {
    let Takes::Iterator(of) = &contract.params.first()?.takes else { return None };
    let rest = contract.name.strip_prefix(of.as_str())?;
    match rest {
        "_new" => Some(Step::New),
        "_next" => Some(Step::Next),
        "_destroy" => Some(Step::Destroy),
        _ => None,
    }
}

impl Walk<'_> {
    pub(crate) fn iterate(
        &mut self,
        contract: &Contract,
        passed: &Passed,
        step: Step,
    ) -> Result<Flow, Refused> {
        let next = self.slot + 1;
        let Some((frame, off)) = passed.iterator else {
            return Err(Rejection::new(
                &c::V_GAP,
                format!("the iterator of {} is not on the stack", contract.name),
            ));
        };
        let Some(Takes::Iterator(name)) = contract.params.first().map(|param| param.takes.clone())
        else {
            return Ok(Flow::To(next));
        };
        let of = self.types.named(&name);
        let count = self.iterator_slots(&name, of)?;
        let refuse = |text: String, kernel: String| {
            Err(Rejection::new(&c::V_STACK_OBJECT, text).kernel(kernel))
        };
        if off % 8 != 0 || off < -512 || off + count as i32 * 8 > 0 {
            return refuse(
                format!("`struct {name}` must be on the stack, aligned to 8"),
                "expected an initialized iter_num as arg #0".to_owned(),
            );
        }
        let base = Value { off, ..Value::frame(frame) };
        self.stack_range(frame, &base, abide_isa::Reg::R1, 0, count as u32 * 8)?;
        let (first, _) = locate(off);
        let stack = Rc::clone(&self.state.frame_at(frame).stack);
        let found = stack.slot(first);
        let mask = (0..count).fold(0_u64, |mask, at| mask | 1 << (first - at));
        self.mark_read(frame, mask);
        let objects =
            matches!(name.as_str(), "bpf_iter_task" | "bpf_iter_css" | "bpf_iter_css_task");
        if step != Step::Destroy && objects && self.sleepable() && self.state.rcu == 0 {
            return Err(Rejection::new(
                &c::V_NOT_HERE,
                format!("{} needs an RCU section in a program that may sleep", contract.name),
            )
            .kernel("kernel func requires RCU critical section protection"));
        }
        if step == Step::New {
            if (0..count).any(|at| stack.slot(first - at).is_object()) {
                return refuse(
                    "there is an object already".to_owned(),
                    format!("expected uninitialized {name} as arg #0"),
                );
            }
            self.overwrite_objects(frame, off, count as u32 * 8)?;
            if self.state.frame_at(frame).aliased & mask != 0 {
                return Err(crate::memory::stack::aliased_stack("an iterator is made"));
            }
            let owner = self.acquire();
            let rcu = objects && self.state.rcu > 0;
            let flags = if rcu { Flags::RCU } else { Flags::NONE };
            let kind = Kind::Iterator { of, drained: false, first: true };
            let made = Value { flags, owner, id: owner, ..Value::pointer(kind) };
            self.set_iterator(frame, first, count, &made);
            self.finish_call(Value::UNKNOWN)?;
            return Ok(Flow::To(next));
        }
        if found.is_object() && found.value.flags.has(Flags::UNTRUSTED) {
            return refuse(
                "the RCU section in which the iterator was made has ended".to_owned(),
                format!("expected an RCU CS when using {}", contract.name),
            );
        }
        let (drained, owner) = match found.value {
            Value { kind: Kind::Iterator { of: is, drained, first: true }, owner, .. }
                if found.is_object() && is == of =>
            {
                (drained, owner)
            }
            _ => {
                return refuse(
                    format!("there is no `struct {name}` that was made"),
                    format!("expected an initialized {name} as arg #0"),
                );
            }
        };
        if step == Step::Destroy {
            self.state.owned.retain(|owned| owned.id != owner);
            let frame_mut = self.state.frame_at_mut(frame);
            let stack = Rc::make_mut(&mut frame_mut.stack);
            for at in 0..count {
                let slot = stack.slot_mut(first - at);
                slot.scrub();
                slot.bytes = [Byte::Misc; 8];
            }
            self.finish_call(Value::UNINIT)?;
            return Ok(Flow::To(next));
        }
        if !drained {
            // One more round, after what comes behind the loop was walked.
            let mut round = self.state.clone();
            if let Some(since) = self.rounds_before() {
                self.widen(&mut round, since);
            }
            round.steps += 1;
            let after = std::mem::replace(&mut self.state, round);
            let item = self.result(contract, passed);
            let done = item.and_then(|item| {
                let rcu = matches!(name.as_str(), "bpf_iter_task" | "bpf_iter_css");
                let trust = match item.kind {
                    Kind::Object(_) if rcu || objects && self.sleepable() => Flags::RCU,
                    Kind::Object(_) => Flags::TRUSTED,
                    _ => Flags::READONLY,
                };
                let flags = item.flags.without(Flags::NULLABLE.with(Flags::UNTRUSTED)).with(trust);
                self.finish_call(Value { flags, id: 0, ..item })
            });
            let round = std::mem::replace(&mut self.state, after);
            done?;
            self.fork(round, next)?;
        }
        let kind = Kind::Iterator { of, drained: true, first: true };
        self.set_iterator(frame, first, count, &Value { kind, ..found.value });
        self.finish_call(Value::constant(0))?;
        Ok(Flow::To(next))
    }

    /// An iterator that was made is passed to a function that only looks at it.
    pub(crate) fn live_iterator(
        &mut self,
        name: &str,
        (frame, off): (u8, i32),
    ) -> Result<(), Refused> {
        let of = self.types.named(name);
        let found = (off % 8 == 0 && (-512..0).contains(&off))
            .then(|| self.state.frame_at(frame).stack.slot(locate(off).0));
        let live = found.is_some_and(|slot| {
            let is =
                matches!(slot.value.kind, Kind::Iterator { of: is, first: true, .. } if is == of);
            slot.is_object() && is
        });
        if !live {
            return Err(Rejection::new(
                &c::V_STACK_OBJECT,
                format!("there is no `struct {name}` that was made"),
            )
            .kernel(format!("expected an initialized {name} as arg #0")));
        }
        let count = self.iterator_slots(name, of)?;
        let first = locate(off).0;
        let mask = (0..count.min(first + 1)).fold(0_u64, |mask, at| mask | 1 << (first - at));
        self.mark_read(frame, mask);
        Ok(())
    }

    /// The slots of an iterator; `value` is that of the first.
    fn set_iterator(&mut self, frame: u8, first: usize, count: usize, value: &Value) {
        let Kind::Iterator { of, drained, .. } = value.kind else { return };
        let stack = Rc::make_mut(&mut self.state.frame_at_mut(frame).stack);
        for at in 0..count {
            let slot = stack.slot_mut(first - at);
            slot.bytes = [Byte::Part; 8];
            slot.value = Value { kind: Kind::Iterator { of, drained, first: at == 0 }, ..*value };
        }
    }

    /// How many slots it takes.
    fn iterator_slots(&self, name: &str, of: u32) -> Result<usize, Refused> {
        let of_object = || {
            let btf = self.object.btf.as_ref()?;
            btf.size_of(btf.by_name(abide_btf::Kind::Struct, name)?)
        };
        let size = self.types.size(of).or_else(of_object);
        match size {
            Some(size) if size > 0 && size <= 512 => Ok((size as usize).div_ceil(8)),
            _ => {
                Err(Rejection::new(&c::V_GAP, format!("the size of `struct {name}` is not known"))
                    .help("the API, the object's BTF or the host's types must say it"))
            }
        }
    }
}
