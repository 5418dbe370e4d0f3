//! Global functions of the program: proved once, by their prototype in BTF, and called by it.

use std::rc::Rc;

use abide_btf::{Btf, Linkage, Type, TypeId};
use abide_isa::Reg;

use super::arguments::ARGUMENTS;
use crate::codes as c;
use crate::memory::Access;
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Source, Value};
use crate::state::{Entered, Frame, State};
use crate::walk::{Refused, Walk};

/// Tags of parameters that are understood.
const KNOWN_TAGS: &[&str] =
    &["arg:ctx", "arg:nonnull", "arg:trusted", "arg:untrusted", "arg:nullable", "arg:arena"];

/// What a parameter of a global function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Number,
    Context,
    /// An address of the arena, or a number.
    Arena,
    /// Memory of so many bytes, or null.
    Memory {
        size: u32,
        nullable: bool,
    },
    /// A dynptr that is there.
    Dynptr,
    /// Anything: loads give 0 where there is nothing. An object of the host, or memory.
    Anywhere {
        of: Option<u32>,
    },
    /// An object of the host, by the place of its name.
    Trusted {
        of: u32,
        nullable: bool,
    },
}

impl Walk<'_> {
    fn prototype(&self, function: u32) -> Option<(Linkage, TypeId)> {
        let name = &self.code.functions[function as usize].name;
        if self.program.functions.get(function as usize)?.compat.is_some() {
            return None;
        }
        let found = self.object.functions.iter().find(|found| found.name == *name)?;
        if found.linkage == abide_object::Linkage::Static
            || found.linkage == abide_object::Linkage::Hidden
        {
            return None;
        }
        match self.object.btf.as_ref()?.get(found.proto?)? {
            Type::Func { proto, linkage, .. } => Some((linkage, proto)),
            _ => None,
        }
    }

    pub(crate) fn is_global(&self, function: u32) -> bool {
        matches!(self.prototype(function), Some((Linkage::Global, _)))
    }

    /// Whether the object's types say that a function returns an `int`.
    pub(crate) fn returns_int(&self, function: u32) -> bool {
        let name = &self.code.functions[function as usize].name;
        let found = self.object.functions.iter().find(|found| found.name == *name);
        let int = || {
            let btf = self.object.btf.as_ref()?;
            let Type::Func { proto, .. } = btf.get(found?.proto?)? else { return None };
            let Type::FuncProto { ret, .. } = btf.get(proto)? else { return None };
            Some(matches!(btf.get(btf.strip(ret)), Some(Type::Int { .. } | Type::Enum(_))))
        };
        int().unwrap_or(false)
    }

    /// What a global function takes, and whether it returns nothing; read once.
    pub(crate) fn takes(&mut self, function: u32) -> Result<(Rc<Vec<Takes>>, bool), Refused> {
        if let Some((takes, void)) = self.global_takes.get(&function) {
            return Ok((Rc::clone(takes), *void));
        }
        let (takes, void) = self.read_takes(function)?;
        let takes = Rc::new(takes);
        self.global_takes.insert(function, (Rc::clone(&takes), void));
        Ok((takes, void))
    }

    fn read_takes(&mut self, function: u32) -> Result<(Vec<Takes>, bool), Refused> {
        let object = self.object;
        let name = self.code.functions[function as usize].name.clone();
        let gap = |what: &str| {
            Rejection::new(
                &c::V_GAP,
                format!("the global function `{name}` cannot be proved by its prototype: {what}"),
            )
        };
        let (Some((_, proto)), Some(btf)) = (self.prototype(function), object.btf.as_ref()) else {
            return Err(gap("it has none"));
        };
        let Some(Type::FuncProto { ret, params }) = btf.get(proto) else {
            return Err(gap("it has none"));
        };
        let number = |id: TypeId| {
            matches!(
                btf.get(btf.strip(id)),
                Some(Type::Int { .. } | Type::Enum(_) | Type::Enum64(_))
            )
        };
        let void = ret == TypeId::VOID;
        if !void && !number(ret) {
            return Err(gap("it returns no number")
                .kernel("Global function doesn't return scalar. Only those are supported."));
        }
        let func = self
            .object
            .functions
            .iter()
            .find(|found| found.name == name)
            .and_then(|found| found.proto);
        let tags = tags(btf, func);
        let tag = |at: usize, word: &str| tags.iter().any(|(of, tag)| *of == at && *tag == word);
        if tags.iter().any(|(_, tag)| !KNOWN_TAGS.contains(tag)) {
            return Err(gap("a parameter has a tag that is not known"));
        }
        let mut takes = Vec::new();
        for (at, param) in params.iter().enumerate() {
            let id = btf.strip(param.ty);
            takes.push(match btf.get(id) {
                _ if number(id) => Takes::Number,
                Some(Type::Ptr { to }) => {
                    let inside = btf.strip(to);
                    let named = match btf.get(inside) {
                        Some(Type::Struct(of)) => of.name,
                        Some(Type::Fwd { name, .. }) => name,
                        _ => "",
                    };
                    // A typedef in the kernel, a struct in programs that work around that.
                    let named = if named == "bpf_user_pt_regs_t" { "pt_regs" } else { named };
                    let is_context = !named.is_empty()
                        && self.context.name.as_deref() == Some(named)
                        || tag(at, "arg:ctx");
                    if named == "bpf_dynptr" {
                        takes.push(Takes::Dynptr);
                        continue;
                    }
                    match btf.size_of(inside).and_then(|size| u32::try_from(size).ok()) {
                        _ if is_context => Takes::Context,
                        _ if tag(at, "arg:arena") => Takes::Arena,
                        _ if tag(at, "arg:untrusted") => match btf.get(inside) {
                            Some(Type::Struct(of) | Type::Union(of)) => Takes::Anywhere {
                                of: Some(
                                    self.types
                                        .named(of.name.split("___").next().unwrap_or(of.name)),
                                ),
                            },
                            None | Some(Type::Int { .. } | Type::Enum(_) | Type::Enum64(_)) => {
                                Takes::Anywhere { of: None }
                            }
                            _ => return Err(gap("an untrusted parameter of an unknown type")),
                        },
                        _ if tag(at, "arg:trusted") => {
                            let Some(Type::Struct(of)) = btf.get(inside) else {
                                return Err(gap("a trusted parameter of an unknown type"));
                            };
                            Takes::Trusted {
                                of: self
                                    .types
                                    .named(of.name.split("___").next().unwrap_or(of.name)),
                                nullable: tag(at, "arg:nullable"),
                            }
                        }
                        Some(size) if size > 0 => {
                            Takes::Memory { size, nullable: !tag(at, "arg:nonnull") }
                        }
                        _ => return Err(gap(&format!("the type of `{}` has no size", param.name))),
                    }
                }
                _ => return Err(gap(&format!("the type of `{}`", param.name))),
            });
        }
        if takes.len() > 5 {
            return Err(gap("it has more than five parameters"));
        }
        Ok((takes, void))
    }

    /// The registers fit the prototype; what it does is proved apart.
    pub(crate) fn call_global(&mut self, function: u32) -> Result<(), Refused> {
        let name = self.code.functions[function as usize].name.clone();
        if self.state.lock().is_some() {
            return Err(Rejection::new(
                &c::V_LOCK,
                format!("the global function `{name}` is called while a lock is held"),
            )
            .kernel("global function calls are not allowed while holding a lock"));
        }
        let section = self.state.preempt > 0 || self.state.rcu > 0 || !self.state.irqs.is_empty();
        // Older hosts do not look at what it calls.
        let told = !self.linux() || self.since("LINUX_6.15");
        if section && (!told || self.calls_below(function, |_, words| words.sleepable)) {
            return Err(Rejection::new(
                &c::V_SECTION,
                format!("the global function `{name}` is called inside a section"),
            )
            .kernel("global functions that may sleep are not allowed in non-sleepable context")
            .help("use a static function"));
        }
        if self.throws(function) {
            self.check_end("a function that can throw is called")?;
            let called_back = |frame: &Rc<Frame>| matches!(frame.entered, Entered::Callback { .. });
            if self.state.frames.iter().any(called_back) {
                return Err(super::exception::thrown_in_callback());
            }
        }
        let (takes, void) = self.takes(function)?;
        if void && self.linux() && !self.since("LINUX_7.1") {
            let text = format!(
                "the global function `{name}` returns nothing, which the host does not take"
            );
            return Err(Rejection::new(&c::V_RETURN, text)
                .kernel(format!(
                    "Global function {name}() doesn't return scalar. Only those are supported."
                ))
                .help("let it return an int, or make it static"));
        }
        for (reg, takes) in ARGUMENTS.into_iter().zip(takes.iter()) {
            let value = self.read(reg)?;
            let refuse = |wants: &str| {
                Err(Rejection::new(
                    &c::V_ARGUMENT,
                    format!("`{name}` takes {wants}; {reg} is {value}"),
                )
                .kernel(format!("Caller passes invalid args into func '{name}'")))
            };
            match takes {
                Takes::Number if value.is_scalar() => {}
                Takes::Anywhere { .. } => {}
                Takes::Arena if value.is_scalar() || value.kind == Kind::Arena => {}
                Takes::Arena => return refuse("an address of the arena"),
                Takes::Number => return refuse("a number"),
                Takes::Context
                    if value.kind == Kind::Context && value.off == 0 && !value.is_variable() => {}
                Takes::Context => return refuse("the context"),
                Takes::Memory { nullable: true, .. } | Takes::Trusted { nullable: true, .. }
                    if value.is_zero() =>
                {
                    self.rely(&value);
                }
                Takes::Memory { nullable: false, .. } | Takes::Trusted { nullable: false, .. }
                    if value.nullable() =>
                {
                    return refuse("a pointer that is not null");
                }
                Takes::Dynptr if self.live_dynptr(&value) => {}
                Takes::Dynptr => return refuse("a dynptr"),
                Takes::Trusted { of, .. } => match value.kind {
                    Kind::Object(is)
                        if is == *of
                            && value.fixed_offset() == Some(0)
                            && (value.flags.has(Flags::TRUSTED) || value.owner != 0) => {}
                    _ => return refuse("an object that lives"),
                },
                Takes::Memory { size, .. } => {
                    let plain = Value { flags: value.flags.without(Flags::NULLABLE), ..value };
                    match value.kind {
                        Kind::Frame(frame) => {
                            let (low, high) = self.stack_range(frame, &plain, reg, 0, *size)?;
                            let whole = (high - low) as u32 + size;
                            self.check_stack_read(frame, low, whole, true)?;
                            self.mark_read(frame, crate::state::stack::slot_mask(low, whole));
                            self.scrub_stack(frame, low, whole)?;
                        }
                        Kind::MapValue(_)
                        | Kind::Memory(_)
                        | Kind::Packet
                        | Kind::PacketMeta
                        | Kind::MapKey(_) => {
                            self.check_pointer(&plain, reg, Access::Write)?;
                            self.region(&plain, reg, 0, *size, Access::Write)?;
                        }
                        _ => return refuse(&format!("{size} bytes of memory")),
                    }
                }
            }
        }
        if !self.globals.contains(&function) {
            self.globals.push(function);
        }
        self.packet_changed_by(function);
        for reg in ARGUMENTS {
            self.state.set(reg, Value::UNINIT);
        }
        let result = if void { Value::UNINIT } else { Value::UNKNOWN };
        self.state.set(Reg::R0, result);
        Ok(())
    }

    /// Whether a function, or one that it calls, calls something of the host that is like this.
    fn calls_below(
        &self,
        function: u32,
        like: impl Fn(&str, &abide_api::model::Contract) -> bool,
    ) -> bool {
        let api = &self.program.api;
        let calls = |at: u32| {
            let facts = &self.code.functions[at as usize];
            self.program.calls.range(facts.start..facts.end).any(|(_, call)| {
                let definition = api.definition(call.definition);
                let words = definition.kind.prototype().map(|found| &found.contract);
                words.is_some_and(|words| like(&definition.name, words))
            })
        };
        self.code.below(function).into_iter().any(calls)
    }

    /// A global function that may change the packet does so for its caller.
    fn packet_changed_by(&mut self, function: u32) {
        let changes = |name: &str, words: &abide_api::model::Contract| {
            words.changes_packet || name == "bpf_tail_call"
        };
        if self.calls_below(function, changes) {
            self.packet_changed();
        }
    }

    /// The entry state of a global function.
    pub(crate) fn enter_global(&mut self, function: u32) -> Result<(), Refused> {
        self.slot = self.code.functions[function as usize].start;
        let (takes, _) = self.takes(function)?;
        let mut frame = Frame::new(function, Entered::Entry, 0);
        for (at, takes) in takes.iter().enumerate() {
            frame.regs[at + 1] = match takes {
                Takes::Number => Value::UNKNOWN,
                Takes::Context => Value::pointer(Kind::Context),
                Takes::Arena => Value::pointer(Kind::Arena),
                Takes::Anywhere { of: None } => Value::anywhere(),
                Takes::Anywhere { of: Some(of) } => {
                    Value { flags: Flags::UNTRUSTED, ..Value::pointer(Kind::Object(*of)) }
                }
                // Of any source: as little as is true of all of them.
                Takes::Dynptr => {
                    let writable = self.context.packet_writable;
                    let flags = if writable { Flags::NONE } else { Flags::READONLY };
                    let kind = Kind::Dynptr { source: Source::Skb, first: true };
                    Value { flags, id: self.fresh_id(), ..Value::pointer(kind) }
                }
                Takes::Memory { size, nullable: false } => Value::pointer(Kind::Memory(*size)),
                Takes::Memory { size, nullable: true } => {
                    let id = self.fresh_id();
                    Value { flags: Flags::NULLABLE, id, ..Value::pointer(Kind::Memory(*size)) }
                }
                Takes::Trusted { of, nullable } => {
                    let null = if *nullable { Flags::NULLABLE } else { Flags::NONE };
                    let id = self.fresh_id();
                    Value {
                        flags: Flags::TRUSTED.with(null),
                        id,
                        ..Value::pointer(Kind::Object(*of))
                    }
                }
            };
        }
        self.state = State::new(frame);
        Ok(())
    }

    /// A global function returns a number.
    pub(crate) fn check_global_result(&mut self) -> Result<(), Refused> {
        let function = self.state.frame().function;
        let (_, void) = self.takes(function)?;
        if void {
            return Ok(());
        }
        let result = self.read(Reg::R0)?;
        if result.is_scalar() {
            return Ok(());
        }
        Err(Rejection::new(&c::V_RETURN, format!("the global function returns {result}"))
            .kernel("At subprogram exit the register R0 is not a scalar value"))
    }
}

/// The tags on parameters of a function: which parameter, and the tag.
fn tags(btf: &Btf, func: Option<TypeId>) -> Vec<(usize, &str)> {
    let of = |ty| match ty {
        Type::DeclTag { name, ty, component: Some(at), .. } if Some(ty) == func => {
            Some((at as usize, name))
        }
        _ => None,
    };
    (1..).map(TypeId).map_while(|id| btf.get(id)).filter_map(of).collect()
}
