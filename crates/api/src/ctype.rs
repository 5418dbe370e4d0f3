//! C types as the API language writes them: names, sizes, printing. Knows nothing of BTF
//! (`compare` does) nor of nodes.

use std::fmt;

/// A C type in a prototype, a field or a typedef.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CType {
    /// `void`.
    Void,
    /// An arithmetic type by its spelling: `u32`, `__be16`, `unsigned long`, `bool`.
    Int(Int),
    /// A name made by `typedef` that is no integer of the language itself.
    Named(String),
    /// `struct NAME`.
    Struct(String),
    /// `union NAME`.
    Union(String),
    /// `enum NAME`.
    Enum(String),
    /// `T *`.
    Pointer(Box<CType>),
    /// `const T`.
    Const(Box<CType>),
    /// `T[N]`.
    Array(Box<CType>, u32),
    /// A function pointer parameter: `int (*name)(…)`.
    Function(Box<CType>, Vec<CType>),
}

/// An arithmetic type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Int {
    /// As written.
    pub spelling: String,
    /// In bytes: 1, 2, 4 or 8. `long` is 8, as in BPF.
    pub size: u8,
    /// Signed.
    pub signed: bool,
    /// `bool`.
    pub boolean: bool,
}

/// Every arithmetic spelling that the language knows, with size and sign. BPF is LP64.
pub(crate) const INTS: &[(&str, u8, bool)] = &[
    ("bool", 1, false),
    ("_Bool", 1, false),
    ("char", 1, true),
    ("signed char", 1, true),
    ("unsigned char", 1, false),
    ("short", 2, true),
    ("unsigned short", 2, false),
    ("int", 4, true),
    ("unsigned int", 4, false),
    ("unsigned", 4, false),
    ("long", 8, true),
    ("unsigned long", 8, false),
    ("long long", 8, true),
    ("unsigned long long", 8, false),
    ("s8", 1, true),
    ("u8", 1, false),
    ("s16", 2, true),
    ("u16", 2, false),
    ("s32", 4, true),
    ("u32", 4, false),
    ("s64", 8, true),
    ("u64", 8, false),
    ("__s8", 1, true),
    ("__u8", 1, false),
    ("__s16", 2, true),
    ("__u16", 2, false),
    ("__s32", 4, true),
    ("__u32", 4, false),
    ("__s64", 8, true),
    ("__u64", 8, false),
    ("__be16", 2, false),
    ("__be32", 4, false),
    ("__be64", 8, false),
    ("__le16", 2, false),
    ("__le32", 4, false),
    ("__le64", 8, false),
    ("__sum16", 2, false),
    ("__wsum", 4, false),
    ("size_t", 8, false),
    ("__kernel_size_t", 8, false),
    ("pid_t", 4, true),
    ("gfp_t", 4, false),
];

impl CType {
    /// The arithmetic type of a spelling.
    pub fn int(spelling: &str) -> Option<CType> {
        let (_, size, signed) = INTS.iter().find(|(name, ..)| *name == spelling)?;
        Some(CType::Int(Int {
            spelling: spelling.to_owned(),
            size: *size,
            signed: *signed,
            boolean: spelling.ends_with("ool"),
        }))
    }

    /// The type without an outer `const`.
    pub fn unqualified(&self) -> &CType {
        match self {
            CType::Const(inner) => inner.unqualified(),
            other => other,
        }
    }

    /// What a pointer points to, `const` included.
    pub fn pointee(&self) -> Option<&CType> {
        match self.unqualified() {
            CType::Pointer(to) => Some(to),
            _ => None,
        }
    }

    /// A C declaration of `name` with this type; the type alone if `name` is empty.
    pub fn declare(&self, name: &str) -> String {
        match self {
            CType::Pointer(to) => match &**to {
                CType::Array(..) => to.declare(&format!("(*{name})")),
                _ => to.declare(&format!("*{name}")),
            },
            CType::Const(inner) => match &**inner {
                CType::Pointer(to) => {
                    let space = if name.is_empty() { "" } else { " " };
                    to.declare(&format!("*const{space}{name}"))
                }
                _ => format!("const {}", inner.declare(name)),
            },
            CType::Array(element, count) => element.declare(&format!("{name}[{count}]")),
            CType::Function(returns, params) => {
                let params = if params.is_empty() {
                    "void".to_owned()
                } else {
                    params.iter().map(|param| param.declare("")).collect::<Vec<_>>().join(", ")
                };
                returns.declare(&format!("(*{name})({params})"))
            }
            base => {
                let base = base.base_name();
                if name.is_empty() { base } else { format!("{base} {name}") }
            }
        }
    }

    fn base_name(&self) -> String {
        match self {
            CType::Void => "void".to_owned(),
            CType::Int(int) => int.spelling.clone(),
            CType::Named(name) => name.clone(),
            CType::Struct(name) => format!("struct {name}"),
            CType::Union(name) => format!("union {name}"),
            CType::Enum(name) => format!("enum {name}"),
            _ => String::new(),
        }
    }
}

impl fmt::Display for CType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.declare(""))
    }
}
