//! Types as C declarations. Produces text only; the order of definitions is the caller's business.

use std::fmt::Write as _;

use crate::Btf;
use crate::types::{Composite, Enumeration, Type, TypeId};

/// Anonymous types are written out where they stand, at most this deep; a prototype can lead back
/// to itself by a pointer.
const DEPTH: u32 = 16;

/// And at most this much in all: members may repeat an anonymous type over and over.
const LENGTH: usize = 1 << 20;

impl Btf {
    /// A type as it is named in C: `const struct bpf_dynptr *`.
    pub fn c_name(&self, id: TypeId) -> String {
        self.declaration(id, "")
    }

    /// The declaration of a name of this type: `const struct bpf_dynptr *p`, `char comm[16]`,
    /// `int (*fn)(void *ctx)`. Functions and variables have their own name; `name` is used if it is
    /// not empty.
    pub fn declaration(&self, id: TypeId, name: &str) -> String {
        let mut out = String::new();
        let (ty, name) = match self.get(id) {
            Some(Type::Func { name: own, proto, .. }) => (proto, own_or(own, name)),
            Some(Type::Var { name: own, ty, .. }) => (ty, own_or(own, name)),
            _ => (id, name),
        };
        Printer { btf: self, out: &mut out, indent: 0, depth: 0 }.declare(ty, name.to_owned());
        out
    }

    /// The whole definition of a struct, union, enum, typedef or prototype, with its semicolon.
    pub fn definition(&self, id: TypeId) -> String {
        let mut out = String::new();
        let mut printer = Printer { btf: self, out: &mut out, indent: 0, depth: 0 };
        match self.get(id) {
            Some(Type::Struct(composite)) => printer.composite("struct", &composite),
            Some(Type::Union(composite)) => printer.composite("union", &composite),
            Some(Type::Enum(enumeration) | Type::Enum64(enumeration)) => {
                printer.enumeration(&enumeration);
            }
            Some(Type::Typedef { name, to }) => {
                printer.out.push_str("typedef ");
                printer.declare(to, name.to_owned());
            }
            _ => return self.declaration(id, "") + ";",
        }
        out.push(';');
        out
    }
}

fn own_or<'s>(own: &'s str, given: &'s str) -> &'s str {
    if given.is_empty() { own } else { given }
}

struct Printer<'a, 'o> {
    btf: &'a Btf,
    out: &'o mut String,
    indent: usize,
    depth: u32,
}

impl Printer<'_, '_> {
    /// C declares from the inside out: `declarator` grows at both ends while the type is followed to
    /// its base, which comes first in the text.
    fn declare(&mut self, id: TypeId, mut declarator: String) {
        let mut id = id;
        // Qualifiers of what comes next, to be written before a base or after a `*`.
        let mut qualifiers = String::new();
        let mut after_pointer = false;
        loop {
            match self.btf.get(id) {
                Some(Type::Const { to }) => {
                    qualifiers.push_str("const ");
                    id = to;
                }
                Some(Type::Volatile { to }) => {
                    qualifiers.push_str("volatile ");
                    id = to;
                }
                Some(Type::Restrict { to }) => {
                    qualifiers.push_str("restrict ");
                    id = to;
                }
                Some(Type::TypeTag { name, to, attribute }) => {
                    if !attribute {
                        let _ = write!(qualifiers, "__attribute__((btf_type_tag(\"{name}\"))) ");
                    }
                    id = to;
                }
                Some(Type::Ptr { to }) => {
                    let space =
                        if declarator.is_empty() { qualifiers.trim_end() } else { &qualifiers };
                    declarator = format!("*{space}{declarator}");
                    qualifiers.clear();
                    after_pointer = true;
                    id = to;
                }
                Some(Type::Array { elem, len, .. }) => {
                    if after_pointer {
                        declarator = format!("({declarator})");
                        after_pointer = false;
                    }
                    let _ = write!(declarator, "[{len}]");
                    id = elem;
                }
                Some(Type::FuncProto { ret, params }) => {
                    if after_pointer {
                        declarator = format!("({declarator})");
                        after_pointer = false;
                    }
                    declarator.push('(');
                    if self.depth >= DEPTH || self.out.len() + declarator.len() > LENGTH {
                        declarator.push_str("/* … */");
                    } else if params.is_empty() {
                        declarator.push_str("void");
                    } else {
                        for (number, param) in params.iter().enumerate() {
                            if number > 0 {
                                declarator.push_str(", ");
                            }
                            if param.ty == TypeId::VOID {
                                declarator.push_str("...");
                                continue;
                            }
                            let mut inner = String::new();
                            Printer {
                                btf: self.btf,
                                out: &mut inner,
                                indent: self.indent,
                                depth: self.depth + 1,
                            }
                            .declare(param.ty, param.name.to_owned());
                            declarator.push_str(&inner);
                            if declarator.len() > LENGTH {
                                declarator.push_str(" /* … */");
                                break;
                            }
                        }
                    }
                    declarator.push(')');
                    qualifiers.clear();
                    id = ret;
                }
                base => {
                    self.out.push_str(&qualifiers);
                    self.base(base);
                    break;
                }
            }
        }
        if !declarator.is_empty() {
            if !declarator.starts_with('[') {
                self.out.push(' ');
            }
            self.out.push_str(&declarator);
        }
    }

    fn base(&mut self, ty: Option<Type<'_>>) {
        match ty {
            None => self.out.push_str("void"),
            Some(Type::Struct(composite)) if composite.name.is_empty() => {
                self.composite("struct", &composite);
            }
            Some(Type::Union(composite)) if composite.name.is_empty() => {
                self.composite("union", &composite);
            }
            Some(Type::Enum(enumeration) | Type::Enum64(enumeration))
                if enumeration.name.is_empty() =>
            {
                self.enumeration(&enumeration);
            }
            Some(Type::Struct(composite)) => self.tagged("struct", composite.name),
            Some(Type::Union(composite)) => self.tagged("union", composite.name),
            Some(Type::Enum(enumeration) | Type::Enum64(enumeration)) => {
                self.tagged("enum", enumeration.name);
            }
            Some(Type::Fwd { name, is_union: false }) => self.tagged("struct", name),
            Some(Type::Fwd { name, is_union: true }) => self.tagged("union", name),
            Some(other) => self.out.push_str(other.name()),
        }
    }

    fn tagged(&mut self, keyword: &str, name: &str) {
        let _ = write!(self.out, "{keyword} {name}");
    }

    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.indent {
            self.out.push('\t');
        }
    }

    fn open(&mut self, keyword: &str, name: &str) -> bool {
        self.out.push_str(keyword);
        if !name.is_empty() {
            self.out.push(' ');
            self.out.push_str(name);
        }
        self.out.push_str(" {");
        if self.depth >= DEPTH || self.out.len() > LENGTH {
            self.out.push_str(" /* … */ }");
            return false;
        }
        self.indent += 1;
        self.depth += 1;
        true
    }

    fn close(&mut self, empty: bool) {
        self.indent -= 1;
        self.depth -= 1;
        if !empty {
            self.line();
        }
        self.out.push('}');
    }

    fn composite(&mut self, keyword: &str, composite: &Composite<'_>) {
        if !self.open(keyword, composite.name) {
            return;
        }
        for member in composite.members {
            self.line();
            if self.out.len() > LENGTH {
                self.out.push_str("/* … */");
                break;
            }
            self.declare(member.ty, member.name.to_owned());
            if member.bitfield_size > 0 {
                let _ = write!(self.out, ": {}", member.bitfield_size);
            }
            self.out.push(';');
        }
        self.close(composite.members.is_empty());
    }

    fn enumeration(&mut self, enumeration: &Enumeration<'_>) {
        if !self.open("enum", enumeration.name) {
            return;
        }
        for value in enumeration.values {
            self.line();
            let _ = write!(self.out, "{} = ", value.name);
            match enumeration.size {
                8 if enumeration.signed => {
                    let _ = write!(self.out, "{}LL", value.value);
                }
                8 => {
                    let _ = write!(self.out, "{}ULL", value.value.cast_unsigned());
                }
                _ => {
                    let _ = write!(self.out, "{}", value.value);
                }
            }
            self.out.push(',');
        }
        self.close(enumeration.values.is_empty());
    }
}
