//! Types as C declarations. Produces text only; the order of definitions is the caller's business.
//!
//! Without a [`Scope`] it shows what BTF says; with one, for a whole file, it also keeps names apart
//! and writes what a compiler needs to arrive at the same layout.

use std::fmt::Write as _;

use crate::Btf;
use crate::layout::Shape;
use crate::scope::Scope;
use crate::types::{Composite, Enumeration, List, Param, Type, TypeId};

/// Anonymous types are written out where they stand, at most this deep.
const DEPTH: u32 = 16;

/// In a whole file what is cut short would not compile; the nesting itself is bounded by 256.
const FILE_DEPTH: u32 = 128;

/// And about this much text in all: members may repeat an anonymous type over and over.
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
        Printer::new(self, &mut out, None).declare(ty, name.to_owned());
        out
    }

    /// A declaration on one line, for messages; what is too long ends in `…`.
    pub(crate) fn short_declaration(&self, id: TypeId, name: &str) -> String {
        const SHORT: usize = 120;
        let mut out = String::new();
        let (ty, name) = match self.get(id) {
            Some(Type::Func { name: own, proto, .. }) => (proto, own_or(own, name)),
            Some(Type::Var { name: own, ty, .. }) => (ty, own_or(own, name)),
            _ => (id, name),
        };
        let mut printer = Printer::new(self, &mut out, None);
        printer.room = SHORT * 4;
        printer.declare(ty, name.to_owned());
        let mut line = out.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((end, _)) = line.char_indices().nth(SHORT) {
            line.truncate(end);
            line.push('…');
        }
        line
    }

    /// The whole definition of a struct, union, enum, typedef or prototype, with its semicolon.
    pub fn definition(&self, id: TypeId) -> String {
        let mut out = String::new();
        if Printer::new(self, &mut out, None).define(id) {
            return out;
        }
        self.declaration(id, "") + ";"
    }
}

fn own_or<'s>(own: &'s str, given: &'s str) -> &'s str {
    if given.is_empty() { own } else { given }
}

/// Writes one declaration or definition.
pub(crate) struct Printer<'a, 'o> {
    btf: &'a Btf,
    out: &'o mut String,
    scope: Option<&'o mut Scope>,
    indent: usize,
    depth: u32,
    /// The prototypes that are being written: one can lead back to itself, and is cut short there.
    inside: Vec<TypeId>,
    /// How much more may be written. Whatever is written anywhere is taken off at once, also what
    /// is not yet part of `out`: only so nothing that branches goes on for ever.
    room: usize,
}

impl<'a, 'o> Printer<'a, 'o> {
    /// Appends to `out`, within the scope of a file if there is one.
    pub(crate) fn new(btf: &'a Btf, out: &'o mut String, scope: Option<&'o mut Scope>) -> Self {
        let room = scope.as_ref().map_or(LENGTH, |scope| scope.room);
        Printer { btf, out, scope, indent: 0, depth: 0, inside: Vec::new(), room }
    }

    /// A struct, union, enum or typedef in full, with its semicolon; `false` if it is none of them.
    pub(crate) fn define(&mut self, id: TypeId) -> bool {
        match self.btf.get(id) {
            Some(Type::Struct(composite)) => self.composite("struct", id, &composite),
            Some(Type::Union(composite)) => self.composite("union", id, &composite),
            Some(Type::Enum(enumeration) | Type::Enum64(enumeration)) => {
                self.enumeration(id, &enumeration);
            }
            Some(Type::Typedef { name, to }) => {
                self.out.push_str("typedef ");
                let name = self.name(id, name);
                self.declare(to, name);
            }
            _ => return false,
        }
        self.out.push(';');
        true
    }

    /// The name of a type in this scope.
    fn name(&self, id: TypeId, own: &str) -> String {
        match &self.scope {
            Some(scope) if !own.is_empty() => scope.name(id, own),
            _ => own.to_owned(),
        }
    }
    /// C declares from the inside out: `declarator` grows at both ends while the type is followed to
    /// its base, which comes first in the text.
    pub(crate) fn declare(&mut self, id: TypeId, mut declarator: String) {
        let mut id = id;
        // Qualifiers of what comes next, to be written before a base or after a `*`.
        let mut qualifiers = String::new();
        let mut after_pointer = false;
        let outside = self.inside.len();
        loop {
            let ty = self.btf.get(id);
            self.spend(ty.map_or(4, |ty| ty.name().len()));
            match ty {
                Some(Type::Const { to }) => {
                    qualify(&mut qualifiers, "const ");
                    id = to;
                }
                Some(Type::Volatile { to }) => {
                    qualify(&mut qualifiers, "volatile ");
                    id = to;
                }
                Some(Type::Restrict { to }) => {
                    qualify(&mut qualifiers, "restrict ");
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
                    let cut = self.inside.contains(&id)
                        || self.inside.len() >= self.levels() as usize
                        || self.is_full();
                    self.inside.push(id);
                    declarator.push('(');
                    if cut {
                        declarator.push_str("/* … */");
                    } else {
                        self.parameters(params, &mut declarator);
                    }
                    declarator.push(')');
                    qualifiers.clear();
                    id = if cut { TypeId::VOID } else { ret };
                }
                base => {
                    self.out.push_str(&qualifiers);
                    self.base(id, base);
                    break;
                }
            }
        }
        self.inside.truncate(outside);
        if !declarator.is_empty() {
            if !declarator.starts_with('[') {
                self.out.push(' ');
            }
            self.out.push_str(&declarator);
        }
    }

    fn parameters(&mut self, params: List<'_, Param<'_>>, declarator: &mut String) {
        if params.is_empty() {
            declarator.push_str("void");
        }
        for (number, param) in params.iter().enumerate() {
            if number > 0 {
                declarator.push_str(", ");
            }
            if self.is_full() {
                declarator.push_str("/* … */");
                self.cut();
                break;
            }
            self.spend(2 + param.name.len());
            if param.ty == TypeId::VOID {
                declarator.push_str("...");
                continue;
            }
            let outer = std::mem::take(self.out);
            self.depth += 1;
            self.declare(param.ty, param.name.to_owned());
            self.depth -= 1;
            declarator.push_str(&std::mem::replace(self.out, outer));
        }
    }

    fn base(&mut self, id: TypeId, ty: Option<Type<'_>>) {
        match ty {
            None => self.out.push_str("void"),
            Some(Type::Struct(composite)) if composite.name.is_empty() => {
                self.composite("struct", id, &composite);
            }
            Some(Type::Union(composite)) if composite.name.is_empty() => {
                self.composite("union", id, &composite);
            }
            Some(Type::Enum(enumeration) | Type::Enum64(enumeration))
                if enumeration.name.is_empty() =>
            {
                self.enumeration(id, &enumeration);
            }
            Some(other) => {
                self.out.push_str(tag(&other).unwrap_or_default());
                let name = match (&self.scope, &other) {
                    (Some(_), Type::Int { .. } | Type::Float { .. }) => {
                        crate::scope::number(&other)
                    }
                    _ => self.name(id, other.name()),
                };
                self.out.push_str(&name);
            }
        }
    }

    fn line(&mut self) {
        self.spend(self.indent);
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
        if self.depth >= self.levels() || self.is_full() {
            self.out.push_str(" /* … */ }");
            self.cut();
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

    fn composite(&mut self, keyword: &str, id: TypeId, composite: &Composite<'_>) {
        let name = self.name(id, composite.name);
        if !self.open(keyword, &name) {
            return;
        }
        let is_union = keyword == "union";
        let mut place = self.scope.as_deref_mut().map(|scope| {
            let shape = scope.shapes.shape(self.btf, id, composite, is_union);
            Place { shape, is_union, end: 0 }
        });
        let size = u64::from(composite.size) * 8;
        let mut empty = composite.members.is_empty();
        if place.is_some_and(|place| place.shape.opaque) {
            self.pad_bytes(u64::from(composite.size));
        } else {
            for member in composite.members {
                self.line();
                self.spend(member.name.len());
                if self.is_full() {
                    self.out.push_str("/* … */");
                    self.cut();
                    break;
                }
                let (offset, bits) =
                    (u64::from(member.bit_offset), u64::from(member.bitfield_size));
                if let (Some(place), Some(scope)) = (&mut place, self.scope.as_deref_mut()) {
                    let own = self.btf.size_of(member.ty).unwrap_or(0) * 8;
                    let align = u64::from(scope.shapes.align(self.btf, member.ty)) * 8;
                    let natural = place.natural(own, align, bits);
                    let end = place.end;
                    let taken = if bits > 0 { bits } else { own };
                    place.end = if is_union { end.max(taken) } else { offset + taken };
                    if natural != offset && !is_union {
                        self.pad(end, offset);
                        self.line();
                    }
                }
                self.member(member.ty, member.name);
                if bits > 0 {
                    let _ = write!(self.out, ": {bits}");
                }
                self.out.push(';');
            }
            if let Some(place) = place {
                let align = u64::from(place.shape.align) * 8;
                if place.end.next_multiple_of(align) != size {
                    empty = false;
                    match is_union {
                        true => self.pad_bytes(u64::from(composite.size)),
                        false => {
                            self.line();
                            self.pad(place.end, size);
                        }
                    }
                }
            }
        }
        self.close(empty);
        if place.is_some_and(|place| place.shape.packed) {
            self.out.push_str(" __attribute__((packed))");
        }
    }

    /// A member. One with a tagged type but no name is an extension of C that compilers must be asked
    /// for; without the tag it is the same to all of them.
    fn member(&mut self, id: TypeId, name: &str) {
        let base = self.btf.unqualified(id);
        let (keyword, tagged) = match self.btf.get(base) {
            Some(Type::Struct(tagged)) => ("struct", tagged),
            Some(Type::Union(tagged)) => ("union", tagged),
            _ => return self.declare(id, name.to_owned()),
        };
        if self.scope.is_none() || !name.is_empty() || tagged.name.is_empty() {
            return self.declare(id, name.to_owned());
        }
        self.composite(keyword, base, &Composite { name: "", ..tagged });
    }

    /// How deep anonymous types are written out.
    fn levels(&self) -> u32 {
        if self.scope.is_some() { FILE_DEPTH } else { DEPTH }
    }

    /// Takes text off the room that is left, and a bit for what stands around it.
    fn spend(&mut self, text: usize) {
        self.room = self.room.saturating_sub(text + 2);
        if let Some(scope) = self.scope.as_deref_mut() {
            scope.room = self.room;
        }
    }

    /// Notes that what was left out changes what the file means. (That is not so for a pointer to a
    /// function without its parameters.)
    fn cut(&mut self) {
        if let Some(scope) = self.scope.as_deref_mut() {
            scope.cut = true;
        }
    }

    /// Whether there is no room for more text.
    fn is_full(&self) -> bool {
        self.room == 0
    }

    /// Fills from one bit to another with unnamed bit fields, none of which crosses 64 bits; they
    /// move what follows but do not align the struct. Wide gaps get a name.
    fn pad(&mut self, from: u64, to: u64) {
        let mut at = from;
        let fill = |this: &mut Self, at: &mut u64, to: u64| {
            while *at < to {
                let next = to.min((*at + 1).next_multiple_of(64));
                let gap = if *at == from { "" } else { " " };
                let _ = write!(this.out, "{gap}long: {};", next - *at);
                *at = next;
            }
        };
        if to.saturating_sub(from) <= 64 * 32 {
            return fill(self, &mut at, to);
        }
        fill(self, &mut at, from.next_multiple_of(8));
        self.pad_bytes((to - at) / 8);
        at += (to - at) / 8 * 8;
        fill(self, &mut at, to);
    }

    /// A member of this many bytes that BTF does not have.
    fn pad_bytes(&mut self, bytes: u64) {
        if let Some(scope) = self.scope.as_deref_mut() {
            let number = scope.pad();
            self.line();
            let _ = write!(self.out, "unsigned char __pad{number}[{bytes}];");
        }
    }

    fn enumeration(&mut self, id: TypeId, enumeration: &Enumeration<'_>) {
        let name = self.name(id, enumeration.name);
        if enumeration.values.is_empty() && self.scope.is_some() {
            // Only declared: C has no enum without values.
            let text = if name.is_empty() { "int".to_owned() } else { format!("enum {name}") };
            self.out.push_str(&text);
            return;
        }
        if !self.open("enum", &name) {
            return;
        }
        for value in enumeration.values {
            self.line();
            self.spend(value.name.len() + 8);
            if self.is_full() {
                self.out.push_str("/* … */");
                self.cut();
                break;
            }
            let name = match self.scope.as_deref_mut() {
                Some(scope) => scope.ordinary(value.name),
                None => value.name.to_owned(),
            };
            let _ = write!(self.out, "{name} = ");
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
        if self.scope.is_some() {
            self.out.push_str(match enumeration.size {
                1 => " __attribute__((mode(QI)))",
                2 => " __attribute__((mode(HI)))",
                8 => " __attribute__((mode(DI)))",
                _ => "",
            });
        }
    }
}

/// Adds a qualifier, once: that of an array and that of its elements are the same to C.
fn qualify(qualifiers: &mut String, one: &str) {
    if !qualifiers.contains(one) {
        qualifiers.push_str(one);
    }
}

/// How far the members of a struct have been placed.
#[derive(Clone, Copy)]
struct Place {
    shape: Shape,
    is_union: bool,
    /// The first free bit.
    end: u64,
}

impl Place {
    /// Where a compiler puts the next member, in bits. A bit field goes where it is unless it would
    /// cross a boundary of its type.
    fn natural(&self, own: u64, align: u64, bits: u64) -> u64 {
        match (self.is_union, bits) {
            (true, _) => 0,
            (_, 0) if self.shape.packed => self.end.next_multiple_of(8),
            (_, 0) => self.end.next_multiple_of(align),
            _ if self.shape.packed || self.end % own + bits <= own => self.end,
            _ => self.end.next_multiple_of(own),
        }
    }
}

/// The keyword and a space, for what has a tag.
pub(crate) fn tag(ty: &Type<'_>) -> Option<&'static str> {
    match ty {
        Type::Struct(_) | Type::Fwd { is_union: false, .. } => Some("struct "),
        Type::Union(_) | Type::Fwd { is_union: true, .. } => Some("union "),
        Type::Enum(_) | Type::Enum64(_) => Some("enum "),
        _ => None,
    }
}
