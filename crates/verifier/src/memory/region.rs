//! Memory with bounds: map values, keys, packets, records. Whether bytes lie inside.

use abide_isa::Reg;

use super::Access;
use crate::codes as c;
use crate::domain::Scalar;
use crate::fields::SpecialKind;
use crate::reject::{Rejection, bytes};
use crate::state::value::{Flags, Kind, Value};
use crate::state::{CallbackKind, Entered};
use crate::types::Origin;
use crate::walk::{Refused, Walk};

/// Structs of Linux that outlive the RCU sections in which they were found in a map.
const RCU_KEPT: &[&str] =
    &["prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct", "bpf_crypto_ctx"];

/// The greatest size or offset that is calculated with.
const MAX: i64 = 1 << 29;

impl Walk<'_> {
    /// `size` bytes from `off` on through a pointer that is not to the stack, the context or an
    /// object are inside.
    pub(crate) fn region(
        &mut self,
        base: &Value,
        reg: Reg,
        off: i64,
        size: u32,
        access: Access,
    ) -> Result<(), Refused> {
        let number = reg.number();
        let (limit, what) = match base.kind {
            Kind::MapValue(map) => (
                self.maps[map as usize].value_size,
                format!("the value of `{}`", self.maps[map as usize].name),
            ),
            Kind::MapKey(map) => (
                self.maps[map as usize].key_size,
                format!("the key of `{}`", self.maps[map as usize].name),
            ),
            Kind::Memory(limit) => (limit, "the memory".to_owned()),
            Kind::Packet | Kind::PacketMeta => return self.packet(base, reg, off, size),
            _ => {
                return Err(Rejection::new(&c::V_OPAQUE, format!("{reg} is {base}")).kernel(
                    format!("R{number} invalid mem access '{}'", crate::walk::alu::short(base)),
                ));
            }
        };
        let start = i64::from(base.off) + off;
        let low = start.saturating_add(base.num.smin);
        let variable = base.is_variable();
        if low < 0 {
            let kernel = if variable {
                format!(
                    "R{number} min value is negative, either use unsigned index or do a if (index >=0) check."
                )
            } else {
                format!("invalid access to map value, value_size={limit} off={low} size={size}")
            };
            return Err(Rejection::new(
                &c::V_BOUNDS,
                format!("{reg} can be {} before {what}", bytes(low.unsigned_abs())),
            )
            .kernel(kernel)
            .help("check the lower bound of the index, or make it unsigned"));
        }
        if base.num.smax >= MAX || base.num.smin <= -MAX {
            return Err(Rejection::new(
                &c::V_BOUNDS,
                format!("nothing is known about how far {reg} points into {what}"),
            )
            .kernel(format!(
                "R{number} unbounded memory access, make sure to bounds check any such access"
            ))
            .help("check the upper bound of the index"));
        }
        let high = start + base.num.smax + i64::from(size);
        if high > i64::from(limit) {
            let kernel = format!(
                "invalid access to map value, value_size={limit} off={} size={size}",
                high - i64::from(size)
            );
            let kernel = if variable {
                format!("{kernel}; R{number} max value is outside of the allowed memory range")
            } else {
                kernel
            };
            return Err(Rejection::new(
                &c::V_BOUNDS,
                format!(
                    "{} at offset {} of {what}, which has {}",
                    bytes(size),
                    high - i64::from(size),
                    bytes(limit)
                ),
            )
            .kernel(kernel)
            .help("check the upper bound of the index against the size of the value"));
        }
        if let Kind::MapValue(map) = base.kind {
            self.special(map, low, high, access, variable)?;
        }
        Ok(())
    }

    /// Fields with a state of their own are not for loads and stores; kernel pointers are, whole.
    fn special(
        &self,
        map: u32,
        low: i64,
        high: i64,
        _access: Access,
        variable: bool,
    ) -> Result<(), Refused> {
        let facts = &self.maps[map as usize];
        let Some(field) = facts.touched(low, high) else { return Ok(()) };
        let whole = !variable && low == i64::from(field.offset) && high - low == 8;
        let (kernel, name) = match field.kind {
            SpecialKind::Kptr { .. } if whole => return Ok(()),
            SpecialKind::Kptr { .. } => (
                format!("kptr access size must be BPF_DW, or misaligned: off={low}"),
                "a kernel pointer",
            ),
            SpecialKind::SpinLock => (
                "bpf_spin_lock cannot be accessed directly by load/store".to_owned(),
                "bpf_spin_lock",
            ),
            SpecialKind::ResSpinLock => (
                "bpf_res_spin_lock cannot be accessed directly by load/store".to_owned(),
                "bpf_res_spin_lock",
            ),
            SpecialKind::Root(root) => {
                (format!("{} cannot be accessed directly by load/store", root.name()), root.name())
            }
            SpecialKind::Opaque(name) => {
                (format!("{name} cannot be accessed directly by load/store"), name)
            }
        };
        Err(Rejection::new(
            &c::V_SPECIAL_FIELD,
            format!(
                "the access touches the field at offset {} of `{}`: {name}",
                field.offset, facts.name
            ),
        )
        .kernel(kernel))
    }

    fn packet(&self, base: &Value, reg: Reg, off: i64, size: u32) -> Result<(), Refused> {
        let number = reg.number();
        if base.num.smin < 0 {
            return Err(Rejection::new(&c::V_PACKET_BOUNDS, format!("{reg} can point before the packet"))
                .kernel(format!("R{number} min value is negative, either use unsigned index or do a if (index >=0) check.")));
        }
        let start = i64::from(base.off) + off;
        if start < 0 || start + i64::from(size) > i64::from(base.range) {
            return Err(Rejection::new(
                &c::V_PACKET_BOUNDS,
                format!(
                    "{} at offset {start} of the packet, of which {} are proved to be there",
                    bytes(size),
                    bytes(base.range)
                ),
            )
            .kernel(format!(
                "invalid access to packet, off={start} size={size}, R{number}(id={},off={},r={})",
                base.id, base.off, base.range
            ))
            .help(
                "compare the pointer plus the size with data_end first, and use that same pointer",
            ));
        }
        Ok(())
    }

    pub(crate) fn load_map_value(
        &mut self,
        map: u32,
        base: &Value,
        off: i64,
        size: u32,
    ) -> Result<Value, Refused> {
        let any = Value::number(Scalar::bytes(size));
        let fixed = base.fixed_offset().map(|at| at + off);
        let Some(at) = fixed else { return Ok(any) };
        if let Some(SpecialKind::Kptr { to, untrusted, percpu }) =
            self.maps[map as usize].special_at(at).map(|field| field.kind)
        {
            return Ok(self.load_kptr(to, untrusted, percpu));
        }
        let facts = &self.maps[map as usize];
        let Some(bytes) = &facts.frozen else { return Ok(any) };
        let start = at as usize;
        let Some(bytes) = bytes.get(start..start + size as usize) else { return Ok(any) };
        let endian = self.object.endian;
        Ok(Value::constant(endian.read(bytes)))
    }

    fn load_kptr(&mut self, to: abide_btf::TypeId, untrusted: bool, percpu: bool) -> Value {
        let of = self.struct_type(to);
        let mut flags = Flags::NULLABLE;
        if percpu {
            flags = flags.with(Flags::PERCPU);
        }
        // The host waits for readers only with objects of these types.
        let kept = percpu
            || matches!(self.types.get(of).origin, Origin::Program(_))
            || RCU_KEPT.contains(&self.types.get(of).name.as_str());
        let rcu = !untrusted && kept && (self.state.rcu > 0 || !self.sleepable());
        flags = flags.with(if rcu { Flags::RCU } else { Flags::UNTRUSTED });
        if rcu && !percpu && matches!(self.types.get(of).origin, Origin::Program(_)) {
            flags = flags.with(Flags::ALLOCATED);
            if self.special_of(of).iter().any(crate::fields::is_node) {
                flags = flags.with(Flags::BORROWED);
            }
        }
        let id = self.fresh_id();
        Value { flags, id, ..Value::pointer(Kind::Object(of)) }
    }

    /// The type of a struct that the object names: the host's, if it has one of that name.
    pub(crate) fn struct_type(&mut self, id: abide_btf::TypeId) -> u32 {
        let name =
            self.object.btf.as_ref().and_then(|btf| btf.get(id)).map(|ty| ty.name().to_owned());
        let name = name.unwrap_or_default();
        let host = self.types.named(&name);
        if self.types.get(host).origin != Origin::Named { host } else { self.types.local(id) }
    }

    /// Whether the program may sleep here: what it is, or, in what the host calls later, what calls it. A
    /// callback of a work queue or a task may in any program.
    pub(crate) fn sleepable(&self) -> bool {
        let Entered::Callback { call, kind: CallbackKind::Later } = self.state.frame_at(0).entered
        else {
            return self.sleepable_program;
        };
        let contract = self.contracts.get(call as usize).and_then(|known| known.as_ref()?.as_ref());
        let later = ["bpf_wq_", "bpf_task_work_"];
        contract.is_some_and(|of| later.iter().any(|name| of.name.starts_with(name)))
    }

    pub(crate) fn store_map_value(
        &mut self,
        map: u32,
        base: &Value,
        off: i64,
        _size: u32,
        value: &Value,
    ) -> Result<(), Refused> {
        let Some(at) = base.fixed_offset().map(|at| at + off) else { return Ok(()) };
        if let Some(SpecialKind::Kptr { untrusted, to, .. }) =
            self.maps[map as usize].special_at(at).map(|field| field.kind)
        {
            let of = self.struct_type(to);
            let fits = untrusted
                && matches!(value.kind, Kind::Object(is) if is == of && value.fixed_offset() == Some(0));
            if !value.is_zero() && !fits || !untrusted {
                return Err(Rejection::new(
                    &c::V_SPECIAL_FIELD,
                    "a kernel pointer in a map is exchanged by bpf_kptr_xchg, not stored to",
                )
                .kernel("store to referenced kptr disallowed"));
            }
            self.rely(value);
        }
        Ok(())
    }
}
