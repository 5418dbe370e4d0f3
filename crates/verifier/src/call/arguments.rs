//! One argument of a call against what the definition takes.

use abide_isa::Reg;

use super::contract::{Contract, Family, Handed, Parameter, Takes};
use super::{host_rules, limits, map_rules};
use crate::codes as c;
use crate::fields::Root;
use crate::memory::Access;
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Value};
use crate::walk::alu::short;
use crate::walk::{Refused, Walk};

/// The greatest size of memory that is passed.
const MAX_SIZE: u64 = 1 << 29;

/// What the arguments of one call said, for its result.
#[derive(Debug, Default)]
pub(crate) struct Passed {
    /// The map.
    pub(crate) map: Option<u32>,
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

/// Structs of sockets.
const SOCKETS: &[&str] = &[
    "bpf_sock",
    "sock",
    "sock_common",
    "tcp_sock",
    "bpf_tcp_sock",
    "tcp6_sock",
    "udp6_sock",
    "tcp_request_sock",
    "tcp_timewait_sock",
    "unix_sock",
    "mptcp_sock",
    "udp_sock",
    "inet_sock",
    "inet_connection_sock",
];

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
            Takes::Anything => Ok(()),
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
                self.memory_argument(contract, param, reg, &value, size, (true, false))
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
            Takes::ConstString => self.const_string(contract, param, reg, &value),
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

    /// Memory of a known size.
    fn memory_argument(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        size: u32,
        (read, written): (bool, bool),
    ) -> Result<(), Refused> {
        if size == 0 {
            return Ok(());
        }
        limits::packet(contract, param, value)?;
        match value.kind {
            Kind::Frame(frame) => {
                let (low, high) = self.stack_range(frame, value, reg, 0, size)?;
                let whole = (high - low) as u32 + size;
                if read {
                    self.check_stack_read(frame, low, whole, true)?;
                }
                if read || low != high {
                    self.mark_read(frame, crate::state::stack::slot_mask(low, whole));
                }
                if written {
                    self.scrub_stack(frame, low, whole)?;
                    if low != high || read {
                        // Not all of it need be written.
                        self.mark_read(frame, crate::state::stack::slot_mask(low, whole));
                    }
                }
                Ok(())
            }
            Kind::MapValue(_)
            | Kind::MapKey(_)
            | Kind::Packet
            | Kind::PacketMeta
            | Kind::Memory(_) => {
                let access = if written { Access::Write } else { Access::Read };
                self.check_pointer(value, reg, access)?;
                self.region(value, reg, 0, size, access)?;
                if let Kind::MapValue(map) = value.kind
                    && let (Some(low), Some(high)) = (self.low_of(value), self.high_of(value))
                    && self.maps[map as usize].touched(low, high + i64::from(size)).is_some()
                {
                    return Err(Rejection::new(
                        &c::V_SPECIAL_FIELD,
                        format!("`{}` would touch a field with a state of its own", param.name),
                    )
                    .kernel("cannot be accessed directly by load/store"));
                }
                Ok(())
            }
            // Only read, and only what is known to be there.
            Kind::Object(of)
                if !written
                    && !value.flags.any(Flags::UNTRUSTED.with(Flags::PERCPU))
                    && (value.flags.has(Flags::TRUSTED) || value.owner != 0) =>
            {
                let known = self.types.size(of);
                let start = value.fixed_offset().and_then(|start| u64::try_from(start).ok());
                match (known, start) {
                    (Some(known), Some(start))
                        if start + u64::from(size) <= known
                            && self.types.within_member(of, start, u64::from(size)) =>
                    {
                        Ok(())
                    }
                    _ => Err(self.mismatch(contract, param, reg, value, "memory")),
                }
            }
            _ => Err(self.mismatch(contract, param, reg, value, "memory").kernel(format!(
                "R{} type={} expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf",
                reg.number(),
                short(value)
            ))),
        }
    }

    fn low_of(&self, value: &Value) -> Option<i64> {
        i64::from(value.off).checked_add(value.num.smin)
    }

    fn high_of(&self, value: &Value) -> Option<i64> {
        i64::from(value.off).checked_add(value.num.smax)
    }

    /// Memory whose size is the next argument.
    fn sized(
        &mut self,
        contract: &Contract,
        at: usize,
        reg: Reg,
        value: &Value,
        access: (bool, bool),
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        let (param, next) = (&contract.params[at], ARGUMENTS.get(at + 1).copied());
        let Some(next) = next else {
            return Err(gap(contract, param, "a size beyond the fifth argument"));
        };
        let size = self.read(next)?;
        if !size.is_scalar() {
            return Err(Rejection::new(&c::V_SIZE, format!("{next} is a size, and is {size}"))
                .kernel(format!("R{} type={} expected=scalar", next.number(), short(&size))));
        }
        self.rely(&size);
        // Sizes are passed in the width of their parameter; all are walked as 64 bits.
        let num = size.num;
        if num.smin < 0 {
            let text = match num.smax {
                i64::MAX => format!("nothing bounds the size in {next}"),
                _ => format!("the size in {next} may be negative"),
            };
            return Err(Rejection::new(&c::V_SIZE, text)
                .kernel(format!(
                    "R{} min value is negative, either use unsigned or 'var &= const'",
                    next.number()
                ))
                .help("compare it with a bound on both sides, or mask it: size &= 63"));
        }
        limits::size(contract, at, next, (num.umin, num.umax))?;
        if num.umax >= MAX_SIZE {
            return Err(Rejection::new(&c::V_SIZE, format!("the size in {next} is not bounded"))
                .kernel(format!(
                    "R{} unbounded memory access, use 'var &= const' or 'if (var < const)'",
                    next.number()
                ))
                .help("compare it with its maximum before the call"));
        }
        let most = num.umax as u32;
        passed.memory = Some((*value, most));
        if most == 0 {
            if let Kind::Frame(frame) = value.kind {
                self.stack_range(frame, value, reg, 0, 0)?;
            }
            let pointer = param.nullable && value.is_zero() || value.is_pointer();
            return if pointer {
                Ok(())
            } else {
                Err(self.mismatch(contract, param, reg, value, "memory"))
            };
        }
        // What may be shorter may be left as it was.
        let certain = num.value().is_some();
        let (read, written) = access;
        if written
            && !certain
            && let Kind::Frame(frame) = value.kind
        {
            let (low, _) = self.stack_range(frame, value, reg, 0, most)?;
            self.mark_read(frame, crate::state::stack::slot_mask(low, most));
        }
        self.memory_argument(contract, param, reg, value, most, (read, written))
    }

    fn const_string(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
    ) -> Result<(), Refused> {
        let refuse =
            |text: &str, kernel: String| Err(contract.refuses(&c::V_ARGUMENT, param, text, kernel));
        let Kind::MapValue(map) = value.kind else {
            return Err(self.mismatch(contract, param, reg, value, "map_value"));
        };
        let Some(at) = value.fixed_offset() else {
            return refuse(
                "the string must be at a known place",
                format!("R{} is not a constant address'", reg.number()),
            );
        };
        let facts = &self.maps[map as usize];
        let Some(bytes) = &facts.frozen else {
            return refuse(
                "the string must be in read-only data",
                format!("R{} does not point to a readonly map'", reg.number()),
            );
        };
        let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..));
        match rest.is_some_and(|rest| rest.contains(&0)) {
            true => Ok(()),
            false => refuse("the string has no end", "string is not zero-terminated".to_owned()),
        }
    }

    fn object_argument(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        of: Option<u32>,
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        let wants =
            of.map_or("an object".to_owned(), |of| format!("ptr_{}", self.types.get(of).name));
        let fits = match value.kind {
            // Its family was looked at.
            _ if of.is_none() => true,
            Kind::Object(is) => of.is_none_or(|of| {
                let at = value.fixed_offset().and_then(|at| u64::try_from(at).ok()).unwrap_or(0);
                of == is
                    || at == 0 && contract.kfunc && self.behind(of, is)
                    || at > 0 && self.types.holds(is, at, of)
                    || self.types.holds(is, 0, of)
                    || self.socket_like(of, is)
            }),
            Kind::Context => of.is_some_and(|of| {
                contract.name.starts_with("bpf_get_socket_") && self.types.get(of).name == "sock"
            }),
            // A struct that is only memory: the API or the host's types say its size.
            Kind::Frame(_) | Kind::MapValue(_) if of.is_some() && !contract.words.release => {
                let size =
                    of.and_then(|of| self.types.size(of)).and_then(|size| u32::try_from(size).ok());
                let Some(size) = size else {
                    return Err(gap(contract, param, &format!("the size of {wants} is not known")));
                };
                return self.memory_argument(contract, param, reg, value, size, (true, true));
            }
            _ => false,
        };
        if !fits {
            return Err(self.mismatch(contract, param, reg, value, &wants));
        }
        let inside = match (value.kind, of, value.fixed_offset()) {
            (Kind::Object(is), Some(of), Some(at)) => {
                u64::try_from(at).is_ok_and(|at| at > 0 && self.types.holds(is, at, of))
            }
            _ => false,
        };
        if value.fixed_offset() != Some(0) && (!inside || contract.words.release) {
            return Err(Rejection::new(
                &c::V_ARGUMENT,
                format!("{reg} does not point to the beginning of the object"),
            )
            .kernel(format!(
                "R{} must have zero offset when passed to release func or trusted arg to kfunc",
                reg.number()
            )));
        }
        let percpu = value.flags.has(Flags::PERCPU) && of.is_some();
        if value.flags.has(Flags::UNTRUSTED) || percpu {
            return Err(Rejection::new(
                &c::V_ARGUMENT,
                format!("{reg} may point to an object that is gone"),
            )
            .kernel(format!("R{} must be referenced or trusted", reg.number())));
        }
        let words = &contract.words;
        let lives = value.owner != 0
            || value.flags.has(Flags::TRUSTED)
            || value.flags.has(Flags::ALLOCATED) && !value.flags.has(Flags::RCU)
            || words.rcu && value.flags.has(Flags::RCU);
        if !lives && matches!(value.kind, Kind::Object(_)) && (words.trusted || words.rcu) {
            let (text, kernel) = match (value.flags.has(Flags::RCU), words.rcu) {
                (true, _) => (
                    "points to an object that lives only until the RCU section ends",
                    "must be referenced or trusted",
                ),
                (_, true) => ("may point to an object that is gone", "must be a rcu pointer"),
                _ => ("may point to an object that is gone", "must be referenced or trusted"),
            };
            return Err(Rejection::new(&c::V_ARGUMENT, format!("{reg} {text}"))
                .kernel(format!("R{} {kernel}", reg.number())));
        }
        passed.object = Some(*value);
        if value.owner != 0 {
            passed.owner = value.owner;
        }
        if contract.words.release && passed.released.is_none() {
            if !self.state.owns(value.owner) {
                return Err(Rejection::new(
                    &c::V_RELEASE,
                    format!("{reg} is not an object that the program owns"),
                )
                .kernel(format!(
                    "R{} must be referenced when passed to release function",
                    reg.number()
                )));
            }
            passed.released = Some(value.owner);
        }
        Ok(())
    }

    /// Whether a value is one of those that `void *` stands for.
    fn of_family(&self, family: Family, value: &Value) -> bool {
        let flags = value.flags;
        match (family, value.kind) {
            (Family::Socket, Kind::Object(is)) => {
                SOCKETS.contains(&self.types.get(is).name.as_str())
            }
            (Family::Socket, Kind::Context) => {
                // What sockets are told about.
                matches!(
                    self.context.name.as_deref(),
                    Some("bpf_sock_addr" | "bpf_sock_ops" | "bpf_sock")
                )
            }
            (Family::Record, Kind::Memory(_)) => flags.has(Flags::RECORD),
            (Family::Allocated { percpu }, Kind::Object(_)) => {
                flags.has(Flags::ALLOCATED) && flags.has(Flags::PERCPU) == percpu
            }
            (Family::Owned, Kind::Object(_)) => value.owner != 0,
            (Family::OfCpus, Kind::Object(_)) => {
                flags.has(Flags::PERCPU) && !flags.any(Flags::ALLOCATED.with(Flags::UNTRUSTED))
            }
            _ => false,
        }
    }

    /// Whether a struct is what the host keeps behind a context of programs.
    fn behind(&self, context: u32, is: u32) -> bool {
        let (context, is) = (&self.types.get(context).name, &self.types.get(is).name);
        super::objects::KERNEL.iter().any(|(seen, kernel)| context == seen && is == kernel)
    }

    /// Structs of sockets stand for each other where the kernel takes any of them.
    fn socket_like(&self, a: u32, b: u32) -> bool {
        let known = |of: u32| SOCKETS.contains(&self.types.get(of).name.as_str());
        known(a) && known(b)
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
