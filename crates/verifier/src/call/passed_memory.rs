//! Memory that is passed: of a size that the definition or the next argument says, and strings.

use abide_isa::Reg;

use super::arguments::{ARGUMENTS, Passed, gap};
use super::contract::{Contract, Parameter};
use super::limits;
use crate::codes as c;
use crate::memory::Access;
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Value};
use crate::walk::alu::short;
use crate::walk::{Refused, Walk};

/// The greatest size of memory that is passed.
const MAX_SIZE: u64 = 1 << 29;

impl Walk<'_> {
    /// Memory of a known size.
    pub(super) fn memory_argument(
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
    pub(super) fn sized(
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
        // What is left as it was must not be what was there before.
        let read = read || written && !certain && !self.options.uninit_stack;
        self.memory_argument(contract, param, reg, value, most, (read, written))
    }

    pub(super) fn const_string(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        passed: &mut Passed,
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
        let rest = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        match rest.iter().position(|byte| *byte == 0) {
            Some(end) => {
                passed.string = Some(rest[..end].to_vec());
                Ok(())
            }
            None => refuse("the string has no end", "string is not zero-terminated".to_owned()),
        }
    }
}
