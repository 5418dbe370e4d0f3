//! The state of a program at one instruction, as far as it is known: frames, registers, stack,
//! what is owned. Data and its small rules; the walk (`walk`) changes it.

pub(crate) mod nodes;
pub(crate) mod stack;
pub(crate) mod value;

use std::rc::Rc;

use abide_isa::Reg;

use self::stack::Stack;
use self::value::Value;

/// A place to store a saved state; see `walk::prune`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SavedId(pub(crate) u32);

/// The most frames that are nested.
pub(crate) const MAX_FRAMES: usize = 8;

/// Why a frame was entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entered {
    /// The entry of the program, or of a function that is proved by itself.
    Entry,
    /// By a call of the program; returns to this slot.
    Call { back: u32 },
    /// By a call of the host: the walk goes back to the call.
    Callback { call: u32, kind: CallbackKind },
}

/// What a host does with a function of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallbackKind {
    /// Calls it any number of times, now; it returns 0 or 1.
    Loop,
    /// Calls it later.
    Later,
}

/// One activation of a function.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) regs: [Value; Reg::COUNT],
    pub(crate) stack: Rc<Stack>,
    /// The index of the function.
    pub(crate) function: u32,
    pub(crate) entered: Entered,
    /// Slots that can also be written through other memory (a slice of a dynptr that may be this
    /// buffer), one bit each: what is in them is never known.
    pub(crate) aliased: u64,
    /// Slots of the stack wholly written since the last saved state, one bit each.
    pub(crate) written: u64,
    /// How often the call that it waits for has called back, where the host calls only a few times.
    pub(crate) rounds: u32,
}

impl Frame {
    pub(crate) fn new(function: u32, entered: Entered, index: u8) -> Frame {
        let mut regs = [Value::UNINIT; Reg::COUNT];
        regs[Reg::FP.index()] = Value::frame(index);
        Frame { regs, stack: Rc::default(), function, entered, aliased: 0, written: 0, rounds: 0 }
    }
}

/// Something that the program owes: an object, a lock, a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owned {
    /// Its identity.
    pub(crate) id: u32,
    pub(crate) kind: OwnedKind,
    /// The frame that acquired it.
    pub(crate) frame: u8,
    /// The instruction that acquired it.
    pub(crate) slot: u32,
}

/// What is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnedKind {
    /// An object or record: to be released.
    Reference,
    /// A lock: in the value with this identity, of this map or object.
    Lock { id: u32, of: u32, resilient: bool, irq: bool },
}

/// The state of a program.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) frames: Vec<Rc<Frame>>,
    pub(crate) owned: Vec<Owned>,
    /// Nested RCU sections, sections without preemption.
    pub(crate) rcu: u32,
    pub(crate) preempt: u32,
    /// Saved interrupt flags that are not restored yet, innermost last.
    pub(crate) irqs: Vec<u32>,
    /// The last saved state on the way here.
    pub(crate) parent: Option<SavedId>,
    /// How many steps of loops that the host bounds (iterators, may_goto, callbacks) were taken.
    pub(crate) steps: u32,
    /// Jumps and instructions walked when the last state was saved.
    pub(crate) saved_at: (u64, u64),
    /// The instruction at which a processor went this way by mistake; see `unprivileged::speculation`.
    pub(crate) speculative: Option<u32>,
    /// The last step on the way here, where they are remembered.
    pub(crate) step: u32,
}

impl State {
    pub(crate) fn new(frame: Frame) -> State {
        State {
            frames: vec![Rc::new(frame)],
            owned: Vec::new(),
            rcu: 0,
            preempt: 0,
            irqs: Vec::new(),
            parent: None,
            steps: 0,
            saved_at: (0, 0),
            speculative: None,
            step: 0,
        }
    }

    /// Bytes that it takes, at most: frames that it shares with other states are counted.
    pub(crate) fn bytes(&self) -> usize {
        let frames =
            self.frames.iter().map(|frame| size_of::<Frame>() + size_of_val(frame.stack.slots()));
        size_of::<State>() + self.owned.len() * size_of::<Owned>() + frames.sum::<usize>()
    }

    /// Slots of each frame that were wholly written since the last saved state.
    pub(crate) fn written(&self) -> [u64; MAX_FRAMES] {
        let mut all = [0; MAX_FRAMES];
        for (all, frame) in all.iter_mut().zip(&self.frames) {
            *all = frame.written;
        }
        all
    }

    /// The index of the running frame.
    pub(crate) fn top(&self) -> u8 {
        // At most eight frames are pushed.
        (self.frames.len() - 1) as u8
    }

    pub(crate) fn frame(&self) -> &Frame {
        &self.frames[self.frames.len() - 1]
    }

    pub(crate) fn frame_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        Rc::make_mut(&mut self.frames[last])
    }

    pub(crate) fn frame_at(&self, index: u8) -> &Frame {
        &self.frames[usize::from(index)]
    }

    pub(crate) fn frame_at_mut(&mut self, index: u8) -> &mut Frame {
        Rc::make_mut(&mut self.frames[usize::from(index)])
    }

    pub(crate) fn reg(&self, reg: Reg) -> &Value {
        &self.frame().regs[reg.index()]
    }

    pub(crate) fn set(&mut self, reg: Reg, value: Value) {
        self.frame_mut().regs[reg.index()] = value;
    }

    /// Every value of the state, in registers and spilled, changed by `change`, which says whether it
    /// wants to.
    pub(crate) fn each(
        &mut self,
        wants: impl Fn(&Value) -> bool,
        mut change: impl FnMut(&mut Value),
    ) {
        for frame in &mut self.frames {
            let in_regs = frame.regs.iter().any(&wants);
            let in_stack = frame.stack.values().any(&wants);
            if !in_regs && !in_stack {
                continue;
            }
            let frame = Rc::make_mut(frame);
            if in_regs {
                frame.regs.iter_mut().filter(|value| wants(value)).for_each(&mut change);
            }
            if in_stack {
                let stack = Rc::make_mut(&mut frame.stack);
                stack.values_mut().filter(|value| wants(value)).for_each(&mut change);
            }
        }
    }

    /// The lock that is held, the innermost.
    pub(crate) fn lock(&self) -> Option<&Owned> {
        self.owned.iter().rev().find(|owned| matches!(owned.kind, OwnedKind::Lock { .. }))
    }

    pub(crate) fn owns(&self, id: u32) -> bool {
        id != 0
            && self.owned.iter().any(|owned| owned.id == id && owned.kind == OwnedKind::Reference)
    }
}
