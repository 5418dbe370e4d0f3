//! The walk: every path of the program, one instruction after the other, until each has ended, is
//! covered by one that was walked, or shows that the program is not safe.

pub(crate) mod alu;
pub(crate) mod branch;
pub(crate) mod cover;
pub(crate) mod exit;
pub(crate) mod history;
pub(crate) mod prune;
pub(crate) mod rounds;
pub(crate) mod step;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::rc::Rc;

use abide_api::Program;
use abide_api::model::{DefKind, ProgramType};
use abide_isa::Reg;
use abide_object::Object;

use self::prune::Saved;
use crate::attach;
use crate::call::contract::Contract;
use crate::code::Code;
use crate::codes as c;
use crate::context::ContextRules;
use crate::fields::{Fields, Special};
use crate::maps::MapFacts;
use crate::reject::{Rejection, SourceLine};
use crate::state::nodes::Nodes;
use crate::state::value::{Kind, Value};
use crate::state::{Entered, Frame, State};
use crate::types::Types;
use crate::{Options, Statistics};

/// Program types whose context is the arguments of a function of the host.
const TRACED: &[&str] = &["fentry", "tp_btf", "lsm", "iter", "struct_ops", "sched_ext"];

/// A rejection on its way out; the place is filled in where it arrives.
pub(crate) type Refused = Box<Rejection>;

/// A path that is still to be walked.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) state: State,
    pub(crate) slot: u32,
}

/// Where the walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// To this slot.
    To(u32),
    /// The path has ended.
    End,
}

/// The walk over one program.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    pub(crate) program: &'a Program,
    pub(crate) object: &'a Object,
    pub(crate) options: &'a Options<'a>,
    pub(crate) kind: &'a ProgramType,
    /// The name of its program type.
    pub(crate) definition: String,
    /// What it may return.
    pub(crate) returns: Option<(i64, i64)>,
    /// It replaces a function of another program.
    pub(crate) replaces: bool,
    /// The function that it throws to.
    pub(crate) exception: Option<u32>,
    /// It need not set r0.
    pub(crate) void: bool,
    /// The program may sleep.
    pub(crate) sleepable_program: bool,
    pub(crate) code: Rc<Code>,
    pub(crate) maps: Vec<MapFacts>,
    /// Special fields of the object's types, and those of the types that were asked for.
    pub(crate) fields: Option<Fields<'a>>,
    pub(crate) specials: HashMap<u32, Rc<[Special]>>,
    pub(crate) types: Types<'a>,
    pub(crate) context: ContextRules<'a>,
    /// The rules of each call, by slot, once they were read.
    pub(crate) contracts: Vec<Option<Option<Rc<Contract>>>>,
    pub(crate) nodes: Nodes,
    pub(crate) saved: Vec<Saved>,
    /// Saved states by slot.
    pub(crate) at: Vec<Vec<u32>>,
    pub(crate) pending: Vec<Pending>,
    pub(crate) state: State,
    pub(crate) slot: u32,
    pub(crate) next_id: u32,
    pub(crate) jumps: u64,
    pub(crate) statistics: Statistics,
    /// The lowest offset that each function touched in its own frame.
    pub(crate) depths: Vec<i32>,
    /// Functions that the host calls later; those that it calls while it is called.
    pub(crate) later: BTreeSet<u32>,
    pub(crate) now: BTreeSet<u32>,
    /// Global functions that are called and still to be proved.
    pub(crate) globals: Vec<u32>,
    pub(crate) log: String,
    /// Kept when a refusal is explained.
    pub(crate) history: Option<history::History>,
    pub(crate) global_takes: HashMap<u32, (Rc<Vec<crate::call::subprogram::Takes>>, bool)>,
    /// Paths that ended at states whose marks are not complete, and the states on their way.
    pub(crate) edges: Vec<rounds::Edge>,
    pub(crate) dependents: Vec<u32>,
    /// Bytes of the states that are kept, saved or waiting.
    pub(crate) memory: usize,
    /// Marks that were carried round.
    pub(crate) marks: u64,
    /// Where what may be null came from: the call and its slot, by identity.
    pub(crate) born: HashMap<u32, (String, u32)>,
    /// What kind of memory each instruction is for.
    pub(crate) classes: Vec<Option<crate::memory::Class>>,
    /// How engines mask numbers that are added to pointers, by slot; the host puts barriers; a limit was found that
    /// other ways must have as well.
    pub(crate) masks: HashMap<u32, crate::unprivileged::speculation::Mask>,
    pub(crate) barriers: bool,
    pub(crate) limits: bool,
    /// Keeps claims, if those are wanted.
    pub(crate) recorder: Option<Box<crate::claims::Recorder>>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        program: &'a Program,
        object: &'a Object,
        options: &'a Options<'a>,
        code: Code,
        exception: Option<u32>,
    ) -> Result<Walk<'a>, Refused> {
        let api = &*program.api;
        let definition = api.definition(program.program_type);
        let DefKind::Program(kind) = &definition.kind else {
            return Err(Rejection::new(&c::V_GAP, "the program has no program type"));
        };
        let mut types = Types::new(api, options.node, options.host_types, object.btf.as_ref());
        let mut context =
            ContextRules::of(&mut types, kind, &definition.name, options.unprivileged);
        let linux = api.name == "linux";
        // What replaces a function of another program has the context that it declares.
        let replaces = linux && definition.name == "ext";
        if replaces
            && let Some(id) = attach::replaced(&types, object, &program.name)
            && let DefKind::Program(other) = &api.definition(id).kind
        {
            context = ContextRules::of(&mut types, other, &api.definition(id).name, false);
        }
        context.attached =
            object.program(&program.name).and_then(|id| object.programs[id.index()].attach_type);
        let mut attached = attach::Returns::Anything;
        if linux && TRACED.contains(&definition.name.as_str()) {
            attach::is_there(&types, object, &program.name)?;
            let found = attach::arguments(&mut types, object, &program.name);
            if let Some((arguments, result)) = found {
                context.arguments = Some(arguments);
                attached = result;
            }
        }
        if linux && context.is_unknown() {
            context.arguments =
                context.name.clone().and_then(|name| attach::pointers_of(&mut types, &name));
        }
        let known = linux.then(|| attach::returns(&definition.name, &program.section));
        let (slots, functions) = (code.insns.len(), code.functions.len());
        let fields = object.btf.as_ref().map(Fields::new);
        let sleeps =
            object.program(&program.name).is_some_and(|id| object.programs[id.index()].sleepable);
        let mut walk = Walk {
            program,
            object,
            options,
            kind,
            replaces,
            definition: definition.name.clone(),
            sleepable_program: sleeps || kind.sleepable,
            code: Rc::new(code),
            maps: MapFacts::of(object, fields.as_ref(), &program.maps),
            fields,
            specials: HashMap::new(),
            types,
            context,
            returns: match attached {
                attach::Returns::Range(low, high) => Some((low, high)),
                _ => kind.returns.or(known.flatten()),
            },
            exception,
            void: attached == attach::Returns::Nothing,
            contracts: vec![None; slots],
            nodes: Nodes::new(),
            saved: Vec::new(),
            at: vec![Vec::new(); slots],
            pending: Vec::new(),
            state: State::new(Frame::new(0, Entered::Entry, 0)),
            slot: 0,
            next_id: 0,
            jumps: 0,
            statistics: Statistics::default(),
            depths: vec![0; functions],
            later: BTreeSet::new(),
            now: BTreeSet::new(),
            globals: Vec::new(),
            log: String::new(),
            history: None,
            global_takes: HashMap::new(),
            edges: Vec::new(),
            dependents: Vec::new(),
            memory: 0,
            marks: 0,
            born: HashMap::new(),
            classes: vec![None; slots],
            masks: HashMap::new(),
            barriers: false,
            limits: false,
            recorder: None,
        };
        walk.barriers = walk.since(crate::unprivileged::BARRIERS);
        walk.mark_calls();
        Ok(walk)
    }

    /// Whether Linux's rules without a word in the API language hold.
    pub(crate) fn linux(&self) -> bool {
        self.types.api.name == "linux"
    }

    /// Whether the host is Linux at this node or a later one.
    pub(crate) fn since(&self, node: &str) -> bool {
        let api = self.types.api;
        self.linux() && api.node(node).is_some_and(|since| api.is_ancestor(since, self.types.node))
    }

    /// What the definitions that are called say about the code: loops of the host, tail calls.
    fn mark_calls(&mut self) {
        let mut loops = Vec::new();
        let mut tails = Vec::new();
        let mut throws = Vec::new();
        for slot in self.program.calls.keys().copied() {
            let Some(contract) = self.contract(slot) else { continue };
            if self.loops_by_host(slot) {
                loops.push(slot);
            }
            if contract.name == "bpf_tail_call" {
                tails.push(self.code.function_at(slot));
            }
            if contract.name == "bpf_throw" {
                throws.push((self.code.function_at(slot), slot));
            }
        }
        let begin = |slot: u32| {
            let function = self.code.address_target(slot, self.code.insn(slot)?)?;
            Some(self.code.functions[function as usize].start)
        };
        let begins: Vec<u32> = (0..self.code.insns.len() as u32).filter_map(begin).collect();
        if let Some(code) = Rc::get_mut(&mut self.code) {
            for slot in begins {
                code.compare[slot as usize] = true;
            }
            for slot in loops {
                code.compare[slot as usize] = true;
                code.bounded[slot as usize] = true;
            }
            for function in tails {
                code.functions[function as usize].tail_call = true;
            }
            for (function, slot) in throws {
                code.functions[function as usize].throws = Some(slot);
            }
        }
    }

    /// Proves the entry, and then every global function that is called.
    pub(crate) fn prove(&mut self) -> Result<(), Refused> {
        self.check_unprivileged()?;
        self.check_exception_callback()?;
        self.entry()?;
        self.run()?;
        if let Some(function) = self.exception {
            self.forget();
            self.enter_exception_callback(function);
            self.run()?;
        }
        let mut at = 0;
        while let Some(function) = self.globals.get(at).copied() {
            at += 1;
            self.forget();
            self.enter_global(function)?;
            self.run()?;
        }
        self.check_depths()
    }

    fn entry(&mut self) -> Result<(), Refused> {
        self.check_maps()?;
        if self.replaces {
            return self.enter_global(0);
        }
        let mut frame = Frame::new(0, Entered::Entry, 0);
        if !self.kind.params.is_empty() {
            frame.regs[Reg::R1.index()] = Value::pointer(Kind::Context);
        }
        self.state = State::new(frame);
        self.slot = 0;
        Ok(())
    }

    /// What was saved is of another entry state.
    fn forget(&mut self) {
        self.saved.clear();
        self.memory = 0;
        self.edges.clear();
        self.dependents.clear();
        self.at.iter_mut().for_each(Vec::clear);
        self.nodes = Nodes::new();
    }

    fn run(&mut self) -> Result<(), Refused> {
        self.paths()?;
        self.end_part();
        Ok(())
    }

    fn paths(&mut self) -> Result<(), Refused> {
        let code = Rc::clone(&self.code);
        loop {
            if code.compare[self.slot as usize] && self.prune()? {
                if !self.next_path() {
                    return Ok(());
                }
                continue;
            }
            self.statistics.processed += 1;
            if self.statistics.processed > self.options.limits.instructions {
                let limit = self.options.limits.instructions;
                let text = format!("the walk took more than {limit} instructions");
                return Err(Rejection::new(&c::V_TOO_COMPLEX, text)
                    .kernel(format!("BPF program is too large. Processed {} insn", limit + 1))
                    .help("make loops shorter, or move their body into a global function"));
            }
            let Some(insn) = code.insn(self.slot).copied() else {
                return Err(Rejection::new(&c::V_BAD_JUMP, "no instruction starts here"));
            };
            if self.options.log {
                self.trace(&insn);
            }
            if self.history.is_some() {
                self.remember();
            }
            if self.recorder.is_some() {
                self.record();
            }
            match self.step(&insn)? {
                Flow::To(slot) => self.slot = slot,
                Flow::End => {
                    self.finish_path();
                    if !self.next_path() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The next path that is to be walked.
    fn next_path(&mut self) -> bool {
        let Some(next) = self.pending.pop() else { return false };
        self.memory = self.memory.saturating_sub(next.state.bytes());
        self.state = next.state;
        self.slot = next.slot;
        true
    }

    /// Another path from here.
    pub(crate) fn fork(&mut self, state: State, slot: u32) -> Result<(), Refused> {
        if self.pending.len() >= self.options.limits.pending {
            let text = format!("{} paths are waiting to be walked", self.pending.len());
            return Err(Rejection::new(&c::V_TOO_COMPLEX, text)
                .kernel("The sequence of 8193 jumps is too complex."));
        }
        self.jumps += 1;
        if let Some(parent) = state.parent {
            self.saved[parent.0 as usize].branches += 1;
        }
        self.keeps(state.bytes());
        self.pending.push(Pending { state, slot });
        let most = self.statistics.peak_pending.max(self.pending.len());
        self.statistics.peak_pending = most;
        Ok(())
    }

    /// So many more bytes are kept.
    pub(crate) fn keeps(&mut self, bytes: usize) {
        self.memory += bytes;
        let all = self.memory + self.nodes.bytes();
        self.statistics.peak_memory = self.statistics.peak_memory.max(all);
    }

    /// An identity that nothing else has.
    pub(crate) fn fresh_id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// A register that is read: it must be set.
    pub(crate) fn read(&self, reg: Reg) -> Result<Value, Refused> {
        let value = *self.state.reg(reg);
        if value.kind == Kind::Uninit {
            return Err(Rejection::new(
                &c::V_UNINIT,
                format!("{reg} is read, but nothing was written to it"),
            )
            .kernel(format!("R{} !read_ok", reg.number()))
            .help("set it on every path; calls do not keep r1 to r5"));
        }
        Ok(value)
    }

    /// A register that is written.
    pub(crate) fn write(&mut self, reg: Reg, value: Value) -> Result<(), Refused> {
        if reg == Reg::FP {
            return Err(Rejection::new(&c::V_FRAME_POINTER, "r10 is written")
                .kernel("frame pointer is read only"));
        }
        self.state.set(reg, value);
        Ok(())
    }

    /// The proof relies on this number.
    pub(crate) fn rely(&mut self, value: &Value) {
        self.nodes.mark(value.node);
    }

    /// Fills in where it is, and what is known there.
    pub(crate) fn place(&self, mut rejection: Refused) -> Refused {
        rejection.program.clone_from(&self.program.name);
        rejection.slot = self.slot;
        if let Some(function) = self.program.function_at(self.slot) {
            rejection.function.clone_from(&function.name);
        }
        rejection.line = self.program.line_at(self.slot).map(|line| SourceLine {
            file: line.file.to_string(),
            line: line.line,
            column: line.column,
            text: line.text.to_string(),
        });
        if let Some(insn) = self.code.insn(self.slot) {
            let read =
                if insn.is_call() { self.code.live[self.slot as usize] } else { insn.reads() };
            for reg in read.iter().filter(|reg| *reg != Reg::FP) {
                let value = self.state.reg(reg);
                rejection.known.push(format!("{reg} is {value}"));
            }
        }
        if self.history.is_some() {
            self.explain(&mut rejection);
        }
        self.explain_mistake(&mut rejection);
        rejection
    }

    fn trace(&mut self, insn: &abide_isa::Insn) {
        let _ = write!(self.log, "{:5}: {:?}", self.slot, insn.op);
        for reg in insn.reads().union(insn.writes()).iter() {
            let value = self.state.reg(reg);
            if value.kind != Kind::Uninit && reg != Reg::FP {
                let _ = write!(self.log, "; {reg} {value}");
            }
        }
        self.log.push('\n');
    }
}
