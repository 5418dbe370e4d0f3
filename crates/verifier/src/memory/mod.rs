//! Loads and stores: by what the pointer points to.

pub(crate) mod object;
pub(crate) mod region;
pub(crate) mod stack;

use abide_isa::{Reg, Size};

use crate::codes as c;
use crate::domain::Scalar;
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Value};
use crate::types::Origin;
use crate::walk::alu::short;
use crate::walk::{Refused, Walk};

/// What is done with memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// What kinds of memory engines treat differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Memory,
    Context,
    Arena,
    Object(u32),
    Untrusted(u32),
    Host,
    Map,
}

/// Whether an object is certain to be there, so that loads of it need no care.
fn lives(base: &Value) -> bool {
    const LIVE: Flags = Flags::TRUSTED.with(Flags::RCU).with(Flags::ALLOCATED);
    !base.flags.has(Flags::UNTRUSTED) && (base.owner != 0 || base.flags.any(LIVE))
}

impl Walk<'_> {
    /// What a load through a register gives.
    pub(crate) fn load(
        &mut self,
        base: &Value,
        reg: Reg,
        off: i64,
        size: Size,
        signed: bool,
    ) -> Result<Value, Refused> {
        let bytes = size.bytes();
        let inside = matches!(base.kind, Kind::Map(_))
            && !base.nullable()
            && self.types.host.is_some()
            && self.types.api.name == "linux";
        if !inside {
            self.check_pointer(base, reg, Access::Read)?;
        }
        self.same_class(base)?;
        self.check_inside_of_host(base)?;
        let value = match base.kind {
            Kind::Map(map) => self.load_map(map, base, reg, off, bytes)?,
            Kind::Context => self.load_context(base, reg, off, bytes)?,
            Kind::Frame(frame) => {
                self.check_alignment(base, reg, off, bytes, true)?;
                self.load_stack(frame, base, reg, off, bytes)?
            }
            Kind::MapValue(map) => {
                self.check_alignment(base, reg, off, bytes, false)?;
                self.region(base, reg, off, bytes, Access::Read)?;
                self.load_map_value(map, base, off, bytes)?
            }
            Kind::Object(of) => self.load_object(of, base, reg, off, bytes)?,
            Kind::Arena if signed && self.linux() && !self.since("LINUX_6.18") => {
                let text = "a load from the arena that extends the sign, which the host cannot do";
                return Err(Rejection::new(&c::V_NOT_HERE, text)
                    .kernel("sign extending loads from arena are not supported yet"));
            }
            Kind::Arena => Value::number(Scalar::bytes(bytes)),
            _ if base.is_anywhere() => Value::number(Scalar::bytes(bytes)),
            _ => {
                self.check_alignment(base, reg, off, bytes, false)?;
                self.region(base, reg, off, bytes, Access::Read)?;
                Value::number(Scalar::bytes(bytes))
            }
        };
        if !value.is_scalar() {
            if signed {
                return Err(Rejection::new(
                    &c::V_CONTEXT,
                    "a pointer is read with its sign extended",
                )
                .kernel(format!("invalid bpf_context access off={off} size={bytes}")));
            }
            return Ok(value);
        }
        let exact = bytes == 8 || !signed && value.num.umax <= Scalar::bytes(bytes).umax;
        if exact {
            return Ok(value);
        }
        let num = value.num.truncated(bytes);
        let num = if signed { num.sign_extended(bytes * 8) } else { num };
        Ok(Value { node: value.node, ..Value::number(num) })
    }

    /// Stores through a register.
    pub(crate) fn store(
        &mut self,
        base: &Value,
        reg: Reg,
        off: i64,
        size: Size,
        value: &Value,
    ) -> Result<(), Refused> {
        let bytes = size.bytes();
        self.check_pointer(base, reg, Access::Write)?;
        self.same_class(base)?;
        let into = match base.kind {
            Kind::MapValue(_) => Some("leaks addr into map"),
            Kind::Context => Some("leaks addr into ctx"),
            Kind::Packet | Kind::PacketMeta => Some("leaks addr into packet"),
            Kind::Frame(_) => None,
            _ => Some("leaks addr into mem"),
        };
        if let Some(kernel) = into {
            let source = self.code.insn(self.slot).map_or(reg, |insn| insn.src);
            self.secret(value, source, &format!("is stored to {base}"), kernel)?;
        }
        match base.kind {
            Kind::Context => self.store_context(base, reg, off, bytes),
            Kind::Frame(frame) => {
                self.check_alignment(base, reg, off, bytes, true)?;
                self.store_stack(frame, base, reg, off, bytes, value)
            }
            Kind::MapValue(map) => {
                self.check_alignment(base, reg, off, bytes, false)?;
                self.region(base, reg, off, bytes, Access::Write)?;
                self.store_map_value(map, base, off, bytes, value)
            }
            Kind::Object(of) => self.store_object(of, base, reg, off, bytes, value),
            Kind::Arena => Ok(()),
            _ => {
                self.check_alignment(base, reg, off, bytes, false)?;
                self.region(base, reg, off, bytes, Access::Write)
            }
        }
    }

    /// What the host keeps for itself is not for programs without privileges.
    fn check_inside_of_host(&self, base: &Value) -> Result<(), Refused> {
        let name = match base.kind {
            Kind::Map(_) => "bpf_map",
            Kind::Object(of) if matches!(self.types.get(of).origin, Origin::Host(_)) => {
                self.types.get(of).name.as_str()
            }
            _ => return Ok(()),
        };
        if !self.options.unprivileged {
            return Ok(());
        }
        let text = format!("the inside of a `struct {name}` is read");
        Err(crate::unprivileged::disclosed(text).kernel(format!(
            "'struct {name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN"
        )))
    }

    /// Engines translate loads and stores of the context and of objects: an instruction does one kind.
    fn same_class(&mut self, base: &Value) -> Result<(), Refused> {
        let class = match base.kind {
            Kind::Context => Class::Context,
            Kind::Arena => Class::Arena,
            // Objects by the host's types are all loaded from in one way.
            Kind::Object(of) if matches!(self.types.get(of).origin, Origin::Host(_)) => Class::Host,
            Kind::Object(of) if !lives(base) => Class::Untrusted(of),
            Kind::Object(of) => Class::Object(of),
            Kind::Map(_) => Class::Map,
            _ if base.is_anywhere() => Class::Host,
            _ => Class::Memory,
        };
        let at = &mut self.classes[self.slot as usize];
        match *at {
            None => *at = Some(class),
            Some(before) if before == class => {}
            Some(_) => {
                return Err(Rejection::new(
                    &c::V_ARGUMENT,
                    "this instruction is used with pointers of different kinds",
                )
                .kernel("same insn cannot be used with different pointers"));
            }
        }
        Ok(())
    }

    /// It is a pointer, not null, to something that has an inside.
    pub(crate) fn check_pointer(
        &self,
        base: &Value,
        reg: Reg,
        access: Access,
    ) -> Result<(), Refused> {
        let number = reg.number();
        match base.kind {
            Kind::Scalar | Kind::Uninit => {
                return Err(Rejection::new(
                    &c::V_NOT_POINTER,
                    format!("{reg} is used as an address, and is {base}"),
                )
                .kernel(format!("R{number} invalid mem access 'scalar'"))
                .help("what is loaded from has to be a pointer on every way here"));
            }
            _ if base.nullable() => {
                let refused = Rejection::new(&c::V_NULL, format!("{reg} may be null here"))
                    .kernel(format!("R{number} invalid mem access '{}_or_null'", short(base)));
                return Err(match self.born.get(&base.id) {
                    Some((name, slot)) => refused
                        .known(format!("it is what {name} returned at {}", self.place_of(*slot)))
                        .help(format!(
                            "test what {name} returned before it is used: if (!…) return …;"
                        )),
                    None => refused.help("test it before it is used: if (!…) return …;"),
                });
            }
            Kind::Memory(_) if base.flags.has(Flags::PERCPU) => {
                return Err(Rejection::new(
                    &c::V_OPAQUE,
                    "a variable of every CPU is reached by bpf_per_cpu_ptr or bpf_this_cpu_ptr",
                )
                .kernel(format!("R{number} is ptr_ access percpu memory")));
            }
            Kind::Map(_)
            | Kind::PacketEnd
            | Kind::Function(_)
            | Kind::Dynptr { .. }
            | Kind::Irq { .. }
            | Kind::Iterator { .. } => {
                return Err(Rejection::new(
                    &c::V_OPAQUE,
                    format!("{reg} is {base}, which has no inside"),
                )
                .kernel(format!("R{number} invalid mem access '{}'", short(base))));
            }
            Kind::Packet | Kind::PacketMeta
                if access == Access::Write && !self.context.packet_writable =>
            {
                return Err(Rejection::new(
                    &c::V_PROTECTED,
                    "the packet cannot be stored to by this program type",
                )
                .kernel("cannot write into packet"));
            }
            Kind::MapKey(_) if access == Access::Write => {
                return Err(Rejection::new(&c::V_PROTECTED, "a map key is stored to")
                    .kernel("write to change key R0 not allowed"));
            }
            _ => {}
        }
        if access == Access::Write && base.flags.has(Flags::READONLY) {
            return Err(Rejection::new(
                &c::V_PROTECTED,
                format!("{reg} points to memory that may only be read"),
            )
            .kernel(format!("R{number} cannot write into rdonly_mem")));
        }
        if let Kind::MapValue(map) = base.kind {
            let facts = &self.maps[map as usize];
            let (refused, word) = match access {
                Access::Read => (facts.writeonly, "read from"),
                Access::Write => (facts.readonly, "write into"),
            };
            if refused {
                return Err(Rejection::new(
                    &c::V_PROTECTED,
                    format!(
                        "the map `{}` cannot be {}",
                        facts.name,
                        if access == Access::Read { "read" } else { "stored to" }
                    ),
                )
                .kernel(format!(
                    "{word} map forbidden, value_size={} off={}",
                    facts.value_size, base.off
                )));
            }
        }
        Ok(())
    }

    /// Where the width matters, the address is a multiple of it.
    pub(crate) fn check_alignment(
        &self,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
        strict: bool,
    ) -> Result<(), Refused> {
        if !strict && !self.options.strict_alignment
            || size == 1
            || base.is_scalar()
            || base.kind == Kind::Arena
        {
            return Ok(());
        }
        // A packet begins two bytes before the alignment of its IP header.
        let extra = if base.kind == Kind::Packet { 2 } else { 0 };
        let bits = base
            .num
            .bits
            .add(crate::domain::Tnum::constant((i64::from(base.off) + off + extra) as u64));
        let low = u64::from(size - 1);
        if (bits.value | bits.mask) & low != 0 {
            return Err(Rejection::new(
                &c::V_MISALIGNED,
                format!(
                    "{} at offset {} through {reg}: not aligned",
                    crate::reject::bytes(size),
                    i64::from(base.off) + off
                ),
            )
            .kernel(format!(
                "misaligned {} access off {} size {size}",
                if matches!(base.kind, Kind::Frame(_)) { "stack" } else { "value" },
                i64::from(base.off) + off
            )));
        }
        Ok(())
    }
}
