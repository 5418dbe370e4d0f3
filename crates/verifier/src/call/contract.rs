//! A prototype as rules for registers. Everything follows from the C types, the suffixes of parameter
//! names and the words of the definition; `docs/verifier.md` has the table. What does not say enough
//! becomes `Unknown`, which no argument fits.

use abide_api::ctype::CType;
use abide_api::model::{Api, DefKind, Param, Prototype, Suffix};
use abide_api::{DefId, Namespace, NodeId};

use abide_diag::Code;
use abide_isa::Reg;

use super::host_rules;
use crate::codes as c;
use crate::fields::is_passed;
use crate::reject::Rejection;
use crate::state::value::Value;
use crate::types::Types;
use crate::walk::Refused;

/// What a parameter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Anything that is set.
    Anything,
    /// A number.
    Number,
    /// A number that is known.
    Constant,
    /// A number that is known to be 0.
    Zero,
    /// The size of the memory that the parameter before it points to.
    Size { constant: bool, not_zero: bool },
    /// A map.
    Map,
    /// A key of the map before it.
    Key,
    /// A value of the map before it; whether it is read.
    Value { written: bool },
    /// Memory whose size is the next parameter.
    Memory { read: bool, written: bool },
    /// Memory of this size.
    Fixed { size: u32, read: bool, written: bool },
    /// A string in a read-only map.
    ConstString,
    /// The context.
    Context,
    /// An object of this type; the context, if that has the type.
    Object(u32),
    /// An object or record that belongs to a family, where the C type says only `void *`.
    Some(Family),
    /// A dynptr; made by the call, or used.
    Dynptr { made: bool, constant: bool },
    /// A struct that lives in map values: a lock, a timer.
    Special(String),
    /// Where interrupt flags are kept.
    Flags,
    /// An address of the arena, or a number.
    Arena,
    /// An iterator of this type.
    Iterator(String),
    /// A function of the program, which is handed these.
    Callback(Vec<Handed>),
    /// What is handed to the callback.
    CallbackContext,
    /// Where a kernel pointer is kept.
    KptrSlot,
    /// The definition does not say enough.
    Unknown(String),
}

/// Things that `void *` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// A socket of any kind.
    Socket,
    /// A ring buffer record.
    Record,
    /// An object that the program made; one of every CPU or not.
    Allocated { percpu: bool },
    /// Any object that the program owns.
    Owned,
    /// An object of every CPU, in a map or of the host.
    OfCpus,
}

/// What a function of the program is handed by the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handed {
    Number,
    /// The map that was passed, a key, a value of it.
    Map,
    Key,
    Value,
    /// What was passed for it.
    Context,
    /// Something that the prototype does not say.
    Unknown,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) takes: Takes,
    pub(crate) nullable: bool,
    /// What is only borrowed is enough.
    pub(crate) borrowed: bool,
}

/// What a call gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    Nothing,
    Number,
    /// A value of the map that was passed.
    MapValue,
    /// Memory whose size is this argument.
    Memory {
        size_from: usize,
    },
    /// Memory of this size.
    Fixed(u32),
    /// An object of this type.
    Object(u32),
    /// Something that the definition does not say.
    Unknown,
}

/// A definition as rules.
#[derive(Debug, Clone)]
pub(crate) struct Contract {
    pub(crate) name: String,
    pub(crate) kfunc: bool,
    pub(crate) params: Vec<Parameter>,
    pub(crate) variadic: bool,
    pub(crate) gives: Gives,
    pub(crate) words: abide_api::model::Contract,
}

impl Contract {
    /// What is passed for a parameter is not what it takes.
    pub(crate) fn refuses(
        &self,
        code: &'static Code,
        param: &Parameter,
        text: &str,
        kernel: impl Into<String>,
    ) -> Refused {
        Rejection::new(code, format!("`{}` of {}: {text}", param.name, self.name)).kernel(kernel)
    }

    /// The offset of what is passed for a parameter. It must be known for a field that the kernel calls
    /// `name`.
    pub(crate) fn fixed_offset(
        &self,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        name: &str,
    ) -> Result<i64, Refused> {
        value.fixed_offset().ok_or_else(|| {
            let kernel = format!(
                "R{} doesn't have constant offset. {name} has to be at the constant offset",
                reg.number()
            );
            self.refuses(&c::V_ARGUMENT, param, "at an unknown offset", kernel)
        })
    }

    pub(crate) fn of(
        api: &Api,
        node: NodeId,
        types: &mut Types<'_>,
        context: Option<&str>,
        id: DefId,
    ) -> Option<Contract> {
        let definition = api.definition(id);
        let prototype = definition.kind.prototype()?;
        let kfunc = matches!(definition.kind, DefKind::Kfunc { .. });
        let passed: Vec<&Param> = prototype.passed().collect();
        let mut reader = Reader {
            api,
            node,
            types,
            context,
            kfunc,
            name: &definition.name,
            map: false,
            release: prototype.contract.release,
        };
        let params = (0..passed.len())
            .map(|at| reader.parameter(passed[at], passed.get(at + 1).copied(), at))
            .collect();
        let gives = reader.result(prototype, &passed);
        Some(Contract {
            name: definition.name.clone(),
            kfunc,
            params,
            variadic: prototype.variadic,
            gives,
            words: prototype.contract.clone(),
        })
    }
}

struct Reader<'r, 'a> {
    api: &'r Api,
    node: NodeId,
    types: &'r mut Types<'a>,
    context: Option<&'r str>,
    kfunc: bool,
    name: &'r str,
    /// A map came before.
    map: bool,
    release: bool,
}

impl Reader<'_, '_> {
    fn parameter(&mut self, param: &Param, next: Option<&Param>, at: usize) -> Parameter {
        let nullable = param.has(Suffix::Nullable) || param.has(Suffix::Opt);
        let takes = self.takes(param, next, at);
        let borrowed = param.has(Suffix::NonOwningAllowed);
        Parameter { name: param.base_name().to_owned(), takes, nullable, borrowed }
    }

    /// What is behind typedefs of the API.
    fn resolve<'t>(&'t self, ty: &'t CType) -> &'t CType {
        let mut ty = ty.unqualified();
        for _ in 0..16 {
            let CType::Named(name) = ty else { break };
            let Some(id) = self.api.lookup(Namespace::Typedef, name, self.node) else { break };
            let DefKind::Typedef(to) = &self.api.definition(id).kind else { break };
            ty = to.unqualified();
        }
        ty
    }

    fn takes(&mut self, param: &Param, next: Option<&Param>, at: usize) -> Takes {
        let base = param.base_name();
        if param.has(Suffix::Ignore) {
            return Takes::Anything;
        }
        if param.has(Suffix::Zero) {
            return Takes::Zero;
        }
        if self.name == "bpf_kptr_xchg" && at == 0 {
            return Takes::KptrSlot;
        }
        if param.has(Suffix::Size) || param.has(Suffix::SizeConst) {
            return Takes::Size {
                constant: param.has(Suffix::SizeConst),
                not_zero: param.has(Suffix::NotZero),
            };
        }
        if param.has(Suffix::Map) || param.has(Suffix::ConstMap) || base == "map" {
            self.map = true;
            return Takes::Map;
        }
        let ty = self.resolve(&param.ty).clone();
        let pointee = match &ty {
            CType::Pointer(to) => (**to).clone(),
            CType::Function(_, params) => return Takes::Callback(self.handed(params)),
            CType::Int(_) | CType::Enum(_) => {
                return match (param.has(Suffix::Const), self.kfunc) {
                    (true, _) => Takes::Constant,
                    (false, true) => Takes::Number,
                    (false, false) => Takes::Anything,
                };
            }
            other => return Takes::Unknown(format!("the type `{other}`")),
        };
        if let CType::Function(_, params) = &pointee {
            return Takes::Callback(self.handed(params));
        }
        if base == "callback_fn" {
            return Takes::Callback(Vec::new());
        }
        if base == "callback_ctx" || base == "ctx" && at > 0 && pointee == CType::Void {
            return Takes::CallbackContext;
        }
        if param.has(Suffix::IrqFlag) {
            return Takes::Flags;
        }
        if param.has(Suffix::Arena) {
            return Takes::Arena;
        }
        let constant = matches!(pointee, CType::Const(_));
        let uninit = param.has(Suffix::Uninit);
        if param.has(Suffix::Str) || param.has(Suffix::ConstStr) {
            return Takes::ConstString;
        }
        let sized = next.is_some_and(|next| next.has(Suffix::Size) || next.has(Suffix::SizeConst));
        let (read, written) = (!uninit, !constant);
        let pointee = pointee.unqualified().clone();
        if let CType::Struct(name) = &pointee {
            if name == "bpf_dynptr" {
                return Takes::Dynptr {
                    made: uninit || self.makes_dynptr() && !constant,
                    constant,
                };
            }
            if is_passed(name) {
                return Takes::Special(name.clone());
            }
            if name.starts_with("bpf_iter_") {
                return Takes::Iterator(name.clone());
            }
        }
        if sized {
            return Takes::Memory { read, written };
        }
        if self.map && base == "key" {
            return Takes::Key;
        }
        if self.map && base == "value" {
            // What is stored into the map is only read.
            let gives = matches!(self.name, "bpf_map_pop_elem" | "bpf_map_peek_elem");
            return Takes::Value { written: gives && written };
        }
        if pointee == CType::Void
            && self.api.name == "linux"
            && let Some(of) = host_rules::takes_object(self.name, at)
        {
            return Takes::Object(self.types.named(of));
        }
        match &pointee {
            CType::Struct(name) | CType::Union(name) => {
                let context = at == 0 && base == "ctx" && self.types.is_context(name);
                if self.context == Some(name.as_str()) || context {
                    return Takes::Context;
                }
                Takes::Object(self.types.named(name))
            }
            CType::Void if at == 0 && matches!(base, "ctx" | "skb" | "regs") => Takes::Context,
            CType::Void if matches!(base, "unsafe_ptr" | "user_ptr") => Takes::Anything,
            CType::Void if self.name == "bpf_cast_to_kern_ctx" => Takes::Context,
            // Written to only where the user may.
            CType::Void if self.name == "bpf_probe_write_user" => Takes::Anything,
            CType::Void if matches!(self.name, "bpf_per_cpu_ptr" | "bpf_this_cpu_ptr") => {
                Takes::Some(Family::OfCpus)
            }
            CType::Void if self.name == "bpf_kptr_xchg" => Takes::Some(Family::Owned),
            _ if param.has(Suffix::Alloc) || param.has(Suffix::RefcountedKptr) => {
                Takes::Some(Family::Allocated { percpu: self.name.contains("percpu") })
            }
            CType::Void if matches!(base, "sk" | "sock" | "bpf_socket") => {
                Takes::Some(Family::Socket)
            }
            CType::Void if self.release => Takes::Some(Family::Record),
            CType::Int(int) if int.spelling == "char" && constant => Takes::ConstString,
            CType::Int(int) => Takes::Fixed { size: u32::from(int.size), read: false, written },
            other => Takes::Unknown(format!("`{}`", CType::Pointer(Box::new(other.clone())))),
        }
    }

    /// What the parameters of a callback are: the last pointer to nothing is what is passed through.
    fn handed(&self, params: &[CType]) -> Vec<Handed> {
        let map = self.map && params.len() == 4;
        let of = |(at, ty): (usize, &CType)| match ty.unqualified() {
            CType::Int(_) | CType::Enum(_) => Handed::Number,
            CType::Pointer(_) if map && at < 3 => [Handed::Map, Handed::Key, Handed::Value][at],
            CType::Pointer(to) if **to == CType::Void && at + 1 == params.len() => Handed::Context,
            _ => Handed::Unknown,
        };
        params.iter().enumerate().map(of).collect()
    }

    /// Functions that make a dynptr and do not say so by `__uninit`.
    fn makes_dynptr(&self) -> bool {
        self.name.starts_with("bpf_dynptr_from_")
            || self.name == "bpf_ringbuf_reserve_dynptr"
            || self.name == "bpf_dynptr_clone"
    }

    fn result(&mut self, prototype: &Prototype, passed: &[&Param]) -> Gives {
        let ty = self.resolve(&prototype.returns).clone();
        let pointee = match &ty {
            CType::Void => return Gives::Nothing,
            CType::Pointer(to) => to.unqualified().clone(),
            _ => return Gives::Number,
        };
        let sized = |suffix| passed.iter().position(|param| param.has(suffix));
        match &pointee {
            CType::Struct(name) | CType::Union(name) => Gives::Object(self.types.named(name)),
            CType::Void => {
                let size = sized(Suffix::SizeConst).or_else(|| sized(Suffix::Const));
                match size {
                    Some(at) if !self.name.contains("obj_new") => Gives::Memory { size_from: at },
                    Some(_) => Gives::Unknown,
                    // An address, which nobody said anything about.
                    None if self.kfunc && self.api.name == "linux" => Gives::Number,
                    None if self.map => Gives::MapValue,
                    None => Gives::Unknown,
                }
            }
            CType::Int(int) => Gives::Fixed(u32::from(int.size)),
            _ => Gives::Unknown,
        }
    }
}
