//! The names of one C file: which are taken, and what types are called in it. Writes no C.

use std::collections::{HashMap, HashSet};

use crate::Btf;
use crate::layout::Shapes;
use crate::types::{Kind, Type, TypeId};

/// The names of one C file.
#[derive(Debug)]
pub(crate) struct Scope {
    /// Of the types that are not called what BTF calls them.
    renamed: HashMap<TypeId, String>,
    /// Typedefs and values of enums.
    ordinary: HashSet<String>,
    /// The last number that was given to a name in use.
    last: HashMap<(char, String), u32>,
    /// Layouts that were worked out.
    pub(crate) shapes: Shapes,
    /// How much longer the file may become.
    pub(crate) room: usize,
    /// Something was left out that the file needs.
    pub(crate) cut: bool,
    pads: u32,
}

impl Scope {
    /// Gives every type its name: the first of several equal names keeps it, the others get `___2`,
    /// `___3`, …, which CO-RE ignores as it does all flavours. A type that is only declared has the
    /// name of its definition.
    pub(crate) fn new(btf: &Btf) -> Scope {
        let mut scope = Scope {
            renamed: HashMap::new(),
            ordinary: HashSet::new(),
            last: HashMap::new(),
            shapes: Shapes::default(),
            // Anonymous types are written out wherever they are used; real ones need far less.
            room: btf.bytes() * 8 + (1 << 16),
            cut: false,
            pads: 0,
        };
        let mut tags = HashSet::new();
        for (id, ty) in btf.iter() {
            let name = match ty {
                _ if ty.name().is_empty() => continue,
                Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_) => {
                    unique(&mut tags, &mut scope.last, 't', ty.name())
                }
                Type::Typedef { name, .. } => {
                    unique(&mut scope.ordinary, &mut scope.last, 'o', name)
                }
                _ => continue,
            };
            if name != ty.name() {
                scope.renamed.insert(id, name);
            }
        }
        let mut declared = HashMap::new();
        for (id, ty) in btf.iter() {
            let Type::Fwd { name: own, is_union } = ty else { continue };
            let kind = if is_union { Kind::Union } else { Kind::Struct };
            let name = match btf.by_name(kind, own) {
                Some(full) => scope.name(full, own),
                None => declared
                    .entry((kind, own))
                    .or_insert_with(|| unique(&mut tags, &mut scope.last, 't', own))
                    .clone(),
            };
            if name != own {
                scope.renamed.insert(id, name);
            }
        }
        scope
    }

    /// What a type is called.
    pub(crate) fn name(&self, id: TypeId, own: &str) -> String {
        self.renamed.get(&id).map_or(own, String::as_str).to_owned()
    }

    /// A name for a value of an enum.
    pub(crate) fn ordinary(&mut self, name: &str) -> String {
        unique(&mut self.ordinary, &mut self.last, 'o', name)
    }

    /// A number for padding that must have a name.
    pub(crate) fn pad(&mut self) -> u32 {
        self.pads += 1;
        self.pads
    }
}

/// `name`, or the first `name___N` that is free; `last` remembers where to go on looking.
fn unique(
    taken: &mut HashSet<String>,
    last: &mut HashMap<(char, String), u32>,
    space: char,
    name: &str,
) -> String {
    let name = identifier(name);
    if taken.insert(name.clone()) {
        return name;
    }
    let number = last.entry((space, name.clone())).or_insert(1);
    loop {
        *number += 1;
        let other = format!("{name}___{number}");
        if taken.insert(other.clone()) {
            return other;
        }
    }
}

/// Names from other languages may hold what C does not allow.
fn identifier(name: &str) -> String {
    let mut out: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
    if out.starts_with(|first: char| first.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

/// The C type of an integer or floating-point number. Its own name serves if it is one of C for
/// 64-bit BPF with the same size; numbers that BPF does not have become integers of that size.
pub(crate) fn number(ty: &Type<'_>) -> String {
    match *ty {
        Type::Int { name, size, signed, is_bool, .. } => {
            if size_in_c(name) == Some(size) {
                return name.to_owned();
            }
            let base = match size {
                1 if is_bool => return "_Bool".to_owned(),
                1 => "char",
                2 => "short",
                4 => "int",
                8 => "long",
                _ => "__int128",
            };
            format!("{}{base}", if signed { "signed " } else { "unsigned " })
        }
        Type::Float { name, size, .. } => match (name, size) {
            ("float", 4) | ("double", 8) => name.to_owned(),
            (_, 4) => "float".to_owned(),
            (_, 8) => "double".to_owned(),
            (_, 2) => "unsigned short /* half */".to_owned(),
            (_, 12) => "struct { unsigned int word[3]; } /* long double */".to_owned(),
            _ => "unsigned __int128 /* long double */".to_owned(),
        },
        _ => ty.name().to_owned(),
    }
}

fn size_in_c(name: &str) -> Option<u32> {
    let mut size = None;
    for word in name.split(' ') {
        size = Some(match word {
            "char" | "_Bool" => 1,
            "short" => 2,
            "long" => 8,
            "__int128" => 16,
            "int" | "signed" | "unsigned" => size.unwrap_or(4),
            _ => return None,
        });
    }
    size
}
