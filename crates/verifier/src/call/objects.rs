//! Objects that the program makes itself, and kernel pointers that maps own: exchanged, never stored.

use abide_btf::{Kind as BtfKind, Type, TypeId};
use abide_isa::Reg;

use super::arguments::Passed;
use super::contract::{Contract, Parameter};
use crate::codes as c;
use crate::fields::{SpecialKind, only_numbers};
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Value};
use crate::walk::{Refused, Walk};

/// What Linux keeps behind the contexts of programs.
pub(crate) const KERNEL: &[(&str, &str)] = &[
    ("__sk_buff", "sk_buff"),
    ("xdp_md", "xdp_buff"),
    ("bpf_sock_addr", "bpf_sock_addr_kern"),
    ("bpf_sock_ops", "bpf_sock_ops_kern"),
    ("bpf_sockopt", "bpf_sockopt_kern"),
    ("sk_msg_md", "sk_msg"),
];

/// Objects whose fields nobody may reach by them.
const GONE: Flags = Flags::UNTRUSTED.with(Flags::PERCPU);

/// The section of the host's variables of every CPU.
const PERCPU: &str = ".data..percpu";

/// The greatest object of every CPU.
const MAX_PERCPU: u64 = 512;

impl Walk<'_> {
    /// Where a kernel pointer is kept: a field of a map value, or of an object of the program.
    pub(crate) fn kptr_slot(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        let refuse =
            |text: &str, kernel: String| Err(contract.refuses(&c::V_ARGUMENT, param, text, kernel));
        let at = contract.fixed_offset(param, reg, value, "kptr")?;
        let field = match value.kind {
            Kind::MapValue(map) => self.maps[map as usize].usable_at(at).copied(),
            Kind::Object(of) if value.flags.has(Flags::ALLOCATED) && !value.flags.any(GONE) => {
                self.special_of(of).iter().find(|field| i64::from(field.offset) == at).copied()
            }
            _ => None,
        };
        match field.map(|field| field.kind) {
            Some(SpecialKind::Kptr { to, untrusted: false, percpu }) => {
                passed.kptr = Some((self.struct_type(to), percpu));
                Ok(())
            }
            Some(SpecialKind::Kptr { .. }) => refuse(
                "the pointer there owns nothing",
                format!("off={at} kptr isn't referenced kptr"),
            ),
            _ => refuse("there is no kernel pointer", format!("off={at} doesn't point to kptr")),
        }
    }

    /// The pointer goes in, what was there comes out.
    pub(crate) fn exchange(
        &mut self,
        contract: &Contract,
        passed: &Passed,
    ) -> Result<Value, Refused> {
        let Some((of, percpu)) = passed.kptr else {
            return Err(Rejection::new(
                &c::V_GAP,
                format!("{} cannot be proved here", contract.name),
            ));
        };
        if let Some(object) = &passed.object {
            let same = matches!(object.kind, Kind::Object(is) if is == of);
            if !same || object.flags.has(Flags::PERCPU) != percpu {
                return Err(Rejection::new(
                    &c::V_ARGUMENT,
                    "the object is of another type than the map keeps",
                )
                .kernel("invalid kptr access, R2 type=ptr_ expected=ptr_"));
            }
            if percpu && (self.state.rcu > 0 || !self.sleepable()) {
                // It is in the map now, and is there until the RCU section ends.
                let gone = object.owner;
                self.state.each(
                    |value| value.owner == gone && value.is_pointer(),
                    |value| {
                        value.owner = 0;
                        value.id = 0;
                        value.flags = value.flags.without(Flags::ALLOCATED).with(Flags::RCU);
                    },
                );
            }
            self.release(object.owner);
        }
        let owner = self.acquire();
        let mut flags = Flags::NULLABLE;
        let local = matches!(self.types.get(of).origin, crate::types::Origin::Program(_));
        flags = flags.with(if local { Flags::ALLOCATED } else { Flags::TRUSTED });
        if percpu {
            flags = flags.with(Flags::PERCPU);
        }
        Ok(Value { flags, id: owner, owner, ..Value::pointer(Kind::Object(of)) })
    }

    /// What the context of the program is in the host.
    pub(crate) fn kernel_context(&mut self, contract: &Contract) -> Result<Value, Refused> {
        let name = self.context.name.as_deref();
        let known = KERNEL.iter().find(|(seen, _)| Some(*seen) == name);
        let of = known.map(|(_, kernel)| self.types.named(kernel));
        match of.filter(|of| self.types.size(*of).is_some()) {
            Some(of) => Ok(Value { flags: Flags::TRUSTED, ..Value::pointer(Kind::Object(of)) }),
            None => Err(Rejection::new(
                &c::V_GAP,
                format!("what {} gives is not known without the host's types", contract.name),
            )),
        }
    }

    /// Any address, seen as a struct of the host: loads give 0 where there is nothing.
    pub(crate) fn cast(&mut self, contract: &Contract, passed: &Passed) -> Result<Value, Refused> {
        let Some(host) = self.types.host else {
            let text =
                format!("what {} gives is not known without the host's types", contract.name);
            return Err(Rejection::new(&c::V_GAP, text));
        };
        let id = passed.constants[1].and_then(|id| u32::try_from(id).ok()).map(TypeId);
        if id == Some(TypeId::VOID) {
            return Ok(Value::anywhere());
        }
        match id.and_then(|id| host.get(id)) {
            Some(Type::Struct(of) | Type::Union(of)) if !of.name.is_empty() => {
                let of = self.types.named(of.name);
                Ok(Value { flags: Flags::UNTRUSTED, ..Value::pointer(Kind::Object(of)) })
            }
            _ => Err(Rejection::new(
                &c::V_ARGUMENT,
                format!("{} takes the number of a struct of the host", contract.name),
            )
            .kernel("kfunc bpf_rdonly_cast type ID argument must be of a struct")),
        }
    }

    /// A variable of the host: of every CPU, a struct, or memory that is only read.
    pub(crate) fn variable(&mut self, number: i32) -> Result<Value, Refused> {
        let Some(host) = self.types.host else {
            let text = "variables of the host are not known without its types";
            return Err(Rejection::new(&c::V_GAP, text));
        };
        let id = TypeId(number as u32);
        let Some(Type::Var { ty, .. }) = host.get(id) else {
            let text = format!("the host's type {number} is no variable");
            return Err(Rejection::new(&c::V_INSTRUCTION, text)
                .kernel("pseudo btf_id in ldimm64 isn't KIND_VAR or KIND_FUNC"));
        };
        let section = host.by_name(BtfKind::DataSec, PERCPU).and_then(|id| host.get(id));
        let of_cpus = matches!(section, Some(Type::DataSec { vars, .. }) if vars.iter().any(|var| var.ty == id));
        let percpu = if of_cpus { Flags::PERCPU } else { Flags::NONE };
        if let Some(Type::Struct(of)) = host.get(host.strip(ty)) {
            let of = self.types.named(of.name);
            return Ok(Value { flags: percpu, ..Value::pointer(Kind::Object(of)) });
        }
        let size = host.size_of(ty).and_then(|size| u32::try_from(size).ok());
        let Some(size) = size else {
            return Err(Rejection::new(&c::V_GAP, "a variable of the host without a size"));
        };
        let flags = percpu.with(Flags::READONLY);
        Ok(Value { flags, ..Value::pointer(Kind::Memory(size)) })
    }

    /// This CPU's, or one CPU's, of an object of every CPU.
    pub(crate) fn of_cpu(&mut self, contract: &Contract, passed: &Passed) -> Option<Value> {
        let object = passed.object?;
        let mut flags = Flags::NONE;
        match object.kind {
            Kind::Object(of) => {
                let local = matches!(self.types.get(of).origin, crate::types::Origin::Program(_));
                if local && object.flags.has(Flags::RCU) {
                    flags = Flags::ALLOCATED.with(Flags::RCU);
                }
            }
            Kind::Memory(_) => flags = Flags::READONLY,
            _ => return None,
        }
        let mut id = 0;
        if contract.words.nullable {
            flags = flags.with(Flags::NULLABLE);
            id = self.fresh_id();
        }
        Some(Value { flags, id, ..Value::pointer(object.kind) })
    }

    /// An object of a type of the program.
    pub(crate) fn make_object(
        &mut self,
        contract: &Contract,
        passed: &Passed,
    ) -> Result<Value, Refused> {
        let id = passed.constants[0].and_then(|id| u32::try_from(id).ok()).map(TypeId);
        let known = id.zip(self.object.btf.as_ref()).and_then(|(id, btf)| Some((id, btf.get(id)?)));
        let Some((id, Type::Struct(_))) = known else {
            return Err(Rejection::new(
                &c::V_ARGUMENT,
                format!("{} takes the number of a struct of the program", contract.name),
            )
            .kernel("bpf_obj_new type ID argument must be of a struct"));
        };
        let percpu = contract.name.contains("percpu");
        let of = self.types.local(id);
        if percpu {
            let numbers = known.is_some()
                && self.special_of(of).is_empty()
                && self.types.size(of).is_some_and(|size| size <= MAX_PERCPU)
                && self.object.btf.as_ref().is_some_and(|btf| only_numbers(btf, id));
            if !numbers {
                let text = format!("{} makes small structs of numbers", contract.name);
                return Err(Rejection::new(&c::V_ARGUMENT, text)
                    .kernel("bpf_percpu_obj_new type ID argument must be of a struct of scalars"));
            }
        }
        let owner = self.acquire();
        let mut flags = Flags::NULLABLE.with(Flags::ALLOCATED);
        if percpu {
            flags = flags.with(Flags::PERCPU);
        }
        Ok(Value { flags, id: owner, owner, ..Value::pointer(Kind::Object(of)) })
    }
}
