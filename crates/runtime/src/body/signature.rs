//! Prototypes as bodies see them: what each parameter is, and whether a Rust type fits it.

use std::sync::Arc;

use abide_api::ctype::CType;
use abide_api::model::{Api, Contract, DefId, DefKind, Param, Prototype, Suffix};

/// A prototype with its types resolved.
#[derive(Debug, Clone)]
pub struct Signature {
    label: Arc<str>,
    params: Vec<Shaped>,
    pub(crate) returns: Returns,
    /// The C type that it returns.
    pub(crate) returns_text: String,
    pub(crate) contract: Contract,
}

/// One parameter.
#[derive(Debug, Clone)]
pub(crate) struct Shaped {
    pub(crate) name: String,
    /// As in C.
    pub(crate) text: String,
    pub(crate) shape: Shape,
    pub(crate) nullable: bool,
    pub(crate) uninit: bool,
}

/// What a parameter is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Scalar(Scalar),
    /// Memory whose size is the next parameter.
    Sized {
        constant: bool,
    },
    /// The size of the memory before it.
    Size(Scalar),
    /// Memory of a size that the type says.
    Fixed {
        size: u32,
        constant: bool,
        kind: Option<Arc<str>>,
    },
    /// A pointer to a struct without a known layout.
    Opaque {
        kind: Arc<str>,
    },
    Text,
    Map,
    Context,
    Dynptr,
    /// `void *` without a size: a key or value of a map, or what only a raw body understands.
    Untyped {
        constant: bool,
    },
    Function,
}

/// An integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scalar {
    pub(crate) size: u8,
    pub(crate) signed: bool,
    pub(crate) boolean: bool,
    /// Either sign will do: an enum.
    pub(crate) any_sign: bool,
}

/// What is returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Returns {
    Void,
    Scalar(Scalar),
    Pointer { kind: Option<Arc<str>> },
}

/// A body does not fit its prototype.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The definition: `kv_read@KV_1`.
    pub label: String,
    /// The parameter, or `None` for the returned value.
    pub parameter: Option<String>,
    /// What it is in the prototype; empty if the prototype has no such parameter.
    pub declared: String,
    /// The Rust type of the body.
    pub found: String,
    /// The Rust types that would fit.
    pub fits: String,
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Misfit { label, parameter, declared, found, .. } = self;
        match parameter {
            Some(number) if declared.is_empty() => {
                write!(
                    f,
                    "the body of {label} takes {found} as parameter {number}, which is not there"
                )
            }
            Some(name) => write!(
                f,
                "the body of {label} takes {found} for the parameter `{name}`, which is `{declared}`"
            ),
            None => write!(f, "the body of {label} returns {found}, the prototype `{declared}`"),
        }
    }
}

/// Follows typedefs and qualifiers; bounded, as typedefs could be written in a circle.
fn resolve<'a>(api: &'a Api, ty: &'a CType) -> &'a CType {
    let mut ty = ty.unqualified();
    for _ in 0..16 {
        let CType::Named(name) = ty else { break };
        let found = api.definitions.iter().find_map(|definition| match &definition.kind {
            DefKind::Typedef(to) if definition.name == *name => Some(to),
            _ => None,
        });
        match found {
            Some(to) => ty = to.unqualified(),
            None => break,
        }
    }
    ty
}

fn scalar(ty: &CType) -> Option<Scalar> {
    match ty {
        CType::Int(int) => Some(Scalar {
            size: int.size,
            signed: int.signed,
            boolean: int.boolean,
            any_sign: false,
        }),
        CType::Enum(_) => Some(Scalar { size: 4, signed: false, boolean: false, any_sign: true }),
        _ => None,
    }
}

/// The size of the newest definition of a struct, and whether it has one.
fn struct_size(api: &Api, name: &str) -> Option<u32> {
    api.definitions.iter().rev().find_map(|definition| match &definition.kind {
        DefKind::Struct(body) if definition.name == name && !body.opaque => Some(body.size),
        _ => None,
    })
}

fn is_context(api: &Api, name: &str) -> bool {
    api.definitions.iter().any(|definition| match &definition.kind {
        DefKind::Program(program) => program.params.first().is_some_and(|param| {
            matches!(param.ty.pointee().map(CType::unqualified), Some(CType::Struct(ctx)) if ctx == name)
        }),
        _ => false,
    })
}

/// `void *map` is a map by its name, as in the kernel's own prototypes.
fn is_map(param: &Param) -> bool {
    param.has(Suffix::Map)
        || param.has(Suffix::ConstMap)
        || (param.base_name() == "map"
            && param.ty.pointee().is_some_and(|to| *to.unqualified() == CType::Void))
}

fn pointer_shape(api: &Api, pointee: &CType) -> Shape {
    let constant = matches!(pointee, CType::Const(_));
    let to = resolve(api, pointee);
    match to {
        CType::Struct(kind) if kind == "bpf_map" => Shape::Map,
        CType::Struct(kind) if kind == "bpf_dynptr" => Shape::Dynptr,
        CType::Struct(kind) if is_context(api, kind) => Shape::Context,
        CType::Struct(kind) | CType::Union(kind) => {
            let spelled = Arc::from(to.declare("").as_str());
            match struct_size(api, kind) {
                Some(size) => Shape::Fixed { size, constant, kind: Some(spelled) },
                None => Shape::Opaque { kind: spelled },
            }
        }
        CType::Int(int) if int.spelling == "char" && constant => Shape::Text,
        CType::Function(..) => Shape::Function,
        CType::Void => Shape::Untyped { constant },
        CType::Pointer(_) => Shape::Fixed { size: 8, constant, kind: None },
        other => match scalar(other) {
            Some(int) => Shape::Fixed { size: u32::from(int.size), constant, kind: None },
            None => Shape::Untyped { constant },
        },
    }
}

impl Signature {
    /// Of a helper or kfunc.
    pub fn of(api: &Api, id: DefId) -> Option<Self> {
        let definition = api.definition(id);
        let prototype = definition.kind.prototype()?;
        Some(Self::new(api, &api.label(id), prototype))
    }

    fn new(api: &Api, label: &str, prototype: &Prototype) -> Self {
        let mut params: Vec<Shaped> = Vec::new();
        for param in prototype.passed() {
            let ty = resolve(api, &param.ty);
            let sizes = param.has(Suffix::Size) || param.has(Suffix::SizeConst);
            let shape = match (ty, scalar(ty)) {
                (_, Some(int)) if sizes => {
                    if let Some(before) = params.last_mut() {
                        let constant = matches!(
                            before.shape,
                            Shape::Text
                                | Shape::Untyped { constant: true }
                                | Shape::Fixed { constant: true, .. }
                        );
                        before.shape = Shape::Sized { constant };
                    }
                    Shape::Size(int)
                }
                (_, Some(int)) => Shape::Scalar(int),
                (CType::Function(..), _) => Shape::Function,
                (CType::Pointer(_), _) if param.has(Suffix::Str) || param.has(Suffix::ConstStr) => {
                    Shape::Text
                }
                (CType::Pointer(_), _) if is_map(param) => Shape::Map,
                (CType::Pointer(to), _) => pointer_shape(api, to),
                // Structs by value and the like: only a raw body can say what they are.
                _ => Shape::Untyped { constant: true },
            };
            params.push(Shaped {
                nullable: param.has(Suffix::Nullable) || param.has(Suffix::Opt),
                uninit: param.has(Suffix::Uninit),
                name: param.name.clone(),
                text: param.ty.declare(&param.name),
                shape,
            });
        }
        let returned = resolve(api, &prototype.returns);
        let returns = match (returned, scalar(returned)) {
            (CType::Void, _) => Returns::Void,
            (_, Some(int)) => Returns::Scalar(int),
            (CType::Pointer(to), _) => {
                let to = resolve(api, to);
                let kind = matches!(to, CType::Struct(_) | CType::Union(_));
                Returns::Pointer { kind: kind.then(|| Arc::from(to.declare("").as_str())) }
            }
            _ => Returns::Pointer { kind: None },
        };
        Signature {
            label: Arc::from(label),
            params,
            returns,
            returns_text: prototype.returns.to_string(),
            contract: prototype.contract.clone(),
        }
    }

    /// The definition: `kv_read@KV_1`.
    pub fn label(&self) -> &Arc<str> {
        &self.label
    }

    pub(crate) fn params(&self) -> Params<'_> {
        Params { signature: self, next: 0 }
    }

    /// The returned value does not fit.
    pub(crate) fn misfit_return(&self, found: &str) -> Misfit {
        let fits = match &self.returns {
            Returns::Void => "()".to_owned(),
            Returns::Scalar(int) => {
                let name = int.rust();
                if int.boolean { name } else { format!("{name}, Result<{name}, Errno>") }
            }
            Returns::Pointer { .. } if self.contract.acquire && self.contract.nullable => {
                "Option<Owned<T>>".to_owned()
            }
            Returns::Pointer { .. } if self.contract.acquire => "Owned<T>".to_owned(),
            Returns::Pointer { .. } => "a raw body".to_owned(),
        };
        Misfit {
            label: self.label.to_string(),
            parameter: None,
            declared: self.returns_text.clone(),
            found: found.to_owned(),
            fits,
        }
    }
}

impl Scalar {
    pub(crate) fn rust(&self) -> String {
        match self {
            Scalar { boolean: true, .. } => "bool".to_owned(),
            Scalar { any_sign: true, size, .. } => format!("u{0} or i{0}", size * 8),
            Scalar { signed, size, .. } => {
                format!("{}{}", if *signed { 'i' } else { 'u' }, size * 8)
            }
        }
    }

    /// Cuts a register to the type, and extends it by its sign.
    pub(crate) fn extend(&self, value: u64) -> u64 {
        if self.boolean {
            return value & 1;
        }
        let unused = 64 - u32::from(self.size.clamp(1, 8)) * 8;
        if self.signed {
            (((value << unused) as i64) >> unused) as u64
        } else {
            value << unused >> unused
        }
    }
}

/// The parameters of a prototype, taken one after the other by the arguments of a body.
#[derive(Debug)]
pub struct Params<'a> {
    signature: &'a Signature,
    next: usize,
}

impl<'a> Params<'a> {
    pub(crate) fn signature(&self) -> &'a Signature {
        self.signature
    }

    /// The next parameter and its register's index; an error that says what the body wanted there.
    pub(crate) fn next(&mut self, found: &str) -> Result<(usize, &'a Shaped), Misfit> {
        let index = self.next;
        let Some(param) = self.signature.params.get(index) else {
            let count = self.signature.params.len();
            return Err(Misfit {
                label: self.signature.label.to_string(),
                parameter: Some((index + 1).to_string()),
                declared: String::new(),
                found: found.to_owned(),
                fits: format!("arguments for {count} parameters"),
            });
        };
        self.next += 1;
        // A size goes with its memory.
        if matches!(param.shape, Shape::Sized { .. }) {
            self.next += 1;
        }
        Ok((index, param))
    }

    /// Whether the next parameter may be null.
    pub(crate) fn next_is_nullable(&self) -> bool {
        self.signature.params.get(self.next).is_some_and(|param| param.nullable)
    }

    /// Whether the size at this index has 32 bits or fewer.
    pub(crate) fn size_is_short(&self, index: usize) -> bool {
        self.signature.params.get(index).is_some_and(
            |param| matches!(param.shape, Shape::Size(int) | Shape::Scalar(int) if int.size <= 4),
        )
    }

    /// The register of the last map before the next parameter.
    pub(crate) fn map_register(&self) -> Option<usize> {
        let before = self.signature.params.get(..self.next)?;
        before.iter().rposition(|param| param.shape == Shape::Map)
    }

    pub(crate) fn misfit(&self, param: &Shaped, found: &str) -> Misfit {
        let mut fits = match &param.shape {
            Shape::Scalar(int) | Shape::Size(int) => int.rust(),
            Shape::Sized { constant: true } => "Bytes<'_> (with its size)".to_owned(),
            Shape::Sized { .. } if param.uninit => "Out<'_> (with its size)".to_owned(),
            Shape::Sized { .. } => "Out<'_>, InOut<'_> or Bytes<'_> (with its size)".to_owned(),
            Shape::Fixed { .. } | Shape::Opaque { .. } if self.signature.contract.release => {
                "Released<T>".to_owned()
            }
            Shape::Fixed { constant: true, .. } => "Struct<'_> or Ref<'_, T>".to_owned(),
            Shape::Fixed { .. } => "StructMut<'_>, Struct<'_> or Ref<'_, T>".to_owned(),
            Shape::Opaque { .. } => "Ref<'_, T>".to_owned(),
            Shape::Text => "Str<'_>".to_owned(),
            Shape::Map => "Map<'_>".to_owned(),
            Shape::Context => "Ctx<'_>".to_owned(),
            Shape::Dynptr if param.uninit => "DynptrOut".to_owned(),
            Shape::Dynptr => "Dynptr<'_>".to_owned(),
            Shape::Untyped { .. } => "MapKey<'_> or MapValue<'_>, after a Map<'_>".to_owned(),
            Shape::Function => "a raw body".to_owned(),
        };
        if param.nullable {
            fits = format!("Option<…> of {fits}");
        }
        Misfit {
            label: self.signature.label.to_string(),
            parameter: Some(param.name.clone()),
            declared: param.text.clone(),
            found: found.to_owned(),
            fits,
        }
    }

    pub(crate) fn finish(&self) -> Result<(), Misfit> {
        match self.signature.params.get(self.next) {
            None => Ok(()),
            Some(param) => Err(self.misfit(param, "nothing")),
        }
    }
}
