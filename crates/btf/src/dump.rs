//! A whole BTF as one C header, in an order that compiles. What a declaration looks like is the
//! business of `print`; what must stand before it, of this module.

use crate::print::{Printer, tag};
use crate::scope::Scope;
use crate::types::{Type, TypeId};
use crate::{Btf, BtfError};

/// How far a definition may lead to others that must stand before it. Real types need a tenth.
const DEPTH: u32 = 512;

const DECLARED: u8 = 1;
const DEFINED: u8 = 2;
const BUSY: u8 = 4;

/// Accesses to types of the header are recorded for CO-RE unless the program says otherwise.
const HEAD: &str = "#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

";

const TAIL: &str = "#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
";

impl Btf {
    /// All named types as a C header, each after what it needs, with the layout that BTF says:
    /// what `vmlinux.h` is for a kernel. Equal names are kept apart by `___2`. Types that C cannot
    /// describe become as many bytes. Of split BTF, its own types and what they need of the base.
    ///
    /// # Errors
    /// Refuses made-up types whose header would be many times longer than they are, or nested too deep.
    pub fn to_c(&self) -> Result<String, BtfError> {
        let mut header = Header::new(self);
        let used = used(self);
        for (id, ty) in self.own() {
            match ty {
                Type::Struct(composite) | Type::Union(composite) if composite.name.is_empty() => {}
                Type::Struct(_) | Type::Union(_) => header.define(id),
                Type::Enum(enumeration) | Type::Enum64(enumeration)
                    if !enumeration.name.is_empty() || !used[id.0 as usize] =>
                {
                    header.define(id);
                }
                Type::Typedef { .. } | Type::Fwd { .. } => header.declare(id),
                _ => {}
            }
        }
        Ok(HEAD.to_owned() + &header.finish()? + TAIL)
    }

    /// Some types in C, after what they need, as [`Btf::to_c`] has them. Functions and variables become
    /// declarations, a section those of its variables; what is part of C needs none.
    ///
    /// # Errors
    /// As [`Btf::to_c`].
    pub fn to_c_of(&self, ids: impl IntoIterator<Item = TypeId>) -> Result<String, BtfError> {
        let mut header = Header::new(self);
        for id in ids {
            header.full(id);
        }
        header.finish()
    }
}

/// Which types are part of others.
fn used(btf: &Btf) -> Vec<bool> {
    let mut used = vec![false; btf.len() + 1];
    for (_, ty) in btf.iter() {
        let mut mark = |id: TypeId| used[id.0 as usize] = true;
        match ty {
            Type::Ptr { to }
            | Type::Typedef { to, .. }
            | Type::Volatile { to }
            | Type::Const { to }
            | Type::Restrict { to }
            | Type::TypeTag { to, .. } => mark(to),
            Type::Array { elem, .. } => mark(elem),
            Type::Struct(composite) | Type::Union(composite) => {
                composite.members.iter().for_each(|member| mark(member.ty));
            }
            _ => {}
        }
    }
    used
}

struct Header<'a> {
    btf: &'a Btf,
    out: String,
    scope: Scope,
    state: Vec<u8>,
    /// The struct that is about to be written: it may name itself without being declared before.
    inside: Option<TypeId>,
    depth: u32,
}

impl<'a> Header<'a> {
    fn new(btf: &'a Btf) -> Header<'a> {
        Header {
            btf,
            out: String::new(),
            scope: Scope::new(btf),
            state: vec![0; btf.len() + 1],
            inside: None,
            depth: 0,
        }
    }

    fn finish(self) -> Result<String, BtfError> {
        if self.scope.cut { Err(BtfError::Header) } else { Ok(self.out) }
    }

    /// Writes whatever it is, in full.
    fn full(&mut self, id: TypeId) {
        match self.btf.get(id) {
            Some(Type::Func { name, proto, .. }) => {
                self.declare(proto);
                self.external(id, proto, name);
            }
            Some(Type::Var { name, ty, .. }) => {
                self.define(ty);
                self.external(id, ty, name);
            }
            Some(Type::DataSec { vars, .. }) => vars.iter().for_each(|var| self.full(var.ty)),
            Some(Type::DeclTag { ty, .. }) => self.full(ty),
            Some(Type::Fwd { .. }) => self.declare(id),
            Some(_) => self.define(id),
            None => {}
        }
    }

    /// Writes the declaration of a function or variable, once.
    fn external(&mut self, id: TypeId, ty: TypeId, name: &str) {
        if self.has(id, DECLARED) {
            return;
        }
        self.set(id, DECLARED);
        let name = self.scope.ordinary(name);
        self.out.push_str("extern ");
        Printer::new(self.btf, &mut self.out, Some(&mut self.scope)).declare(ty, name);
        self.out.push_str(";\n\n");
    }

    fn has(&self, id: TypeId, state: u8) -> bool {
        self.state[id.0 as usize] & state != 0
    }

    fn set(&mut self, id: TypeId, state: u8) {
        self.state[id.0 as usize] |= state;
    }

    /// Writes what must stand before a pointer to this type, or a prototype with it, is written.
    fn declare(&mut self, id: TypeId) {
        let Some(ty) = self.btf.get(id) else { return };
        if self.has(id, DECLARED | DEFINED) || self.is_too_deep() {
            return;
        }
        self.depth += 1;
        match ty {
            Type::Ptr { to }
            | Type::Volatile { to }
            | Type::Const { to }
            | Type::Restrict { to }
            | Type::TypeTag { to, .. } => self.declare(to),
            // The elements of an array are complete wherever it is named.
            Type::Array { elem, .. } => self.define(elem),
            // Marked before it is followed, for it can lead back to itself. A tag that is first named
            // in a prototype is not known outside of it, hence nothing is left out here.
            Type::FuncProto { ret, params } => {
                self.set(id, DECLARED);
                let inside = self.inside.take();
                self.declare(ret);
                params.iter().for_each(|param| self.declare(param.ty));
                self.inside = inside;
            }
            Type::Typedef { name, to } => {
                self.set(id, DECLARED);
                let inside = self.inside.take();
                self.declare(to);
                self.inside = inside;
                // Part of the language.
                if !name.starts_with("__builtin_") {
                    self.write(id);
                }
            }
            Type::Fwd { .. } => self.forward(id, &ty),
            Type::Struct(composite) | Type::Union(composite) if !composite.name.is_empty() => {
                self.forward(id, &ty);
            }
            Type::Struct(_) | Type::Union(_) | Type::Enum(_) | Type::Enum64(_) => self.define(id),
            _ => {}
        }
        self.depth -= 1;
    }

    fn forward(&mut self, id: TypeId, ty: &Type<'_>) {
        if self.inside != Some(id) {
            self.set(id, DECLARED);
            let name = self.scope.name(id, ty.name());
            self.out.push_str(tag(ty).unwrap_or_default());
            self.out.push_str(&name);
            self.out.push_str(";\n\n");
        }
    }

    /// Writes what must stand before a value of this type, and the type itself if it has a name.
    fn define(&mut self, id: TypeId) {
        let Some(ty) = self.btf.get(id) else { return };
        if self.has(id, DEFINED | BUSY) || self.is_too_deep() {
            return;
        }
        self.depth += 1;
        match ty {
            Type::Volatile { to } | Type::Const { to } | Type::Restrict { to } => self.define(to),
            Type::TypeTag { to, .. } => self.define(to),
            Type::Array { elem, .. } => self.define(elem),
            Type::Typedef { to, .. } => {
                self.set(id, BUSY);
                self.define(to);
                self.declare(id);
                self.set(id, DEFINED);
            }
            Type::Struct(composite) | Type::Union(composite) => {
                self.set(id, BUSY);
                let is_named = !composite.name.is_empty();
                let inside = self.inside;
                if is_named {
                    self.inside = Some(id);
                }
                composite.members.iter().for_each(|member| self.define(member.ty));
                self.inside = inside;
                if is_named {
                    self.write(id);
                }
                // What an anonymous one needs, other users of it find there too.
                self.set(id, DEFINED);
            }
            Type::Enum(enumeration) | Type::Enum64(enumeration) => {
                let is_inline = enumeration.name.is_empty() && self.depth > 1;
                if !is_inline {
                    self.set(id, DEFINED);
                    self.write(id);
                }
            }
            _ => self.declare(id),
        }
        self.depth -= 1;
    }

    fn is_too_deep(&mut self) -> bool {
        self.scope.cut |= self.depth > DEPTH;
        self.scope.cut
    }

    fn write(&mut self, id: TypeId) {
        Printer::new(self.btf, &mut self.out, Some(&mut self.scope)).define(id);
        self.out.push_str("\n\n");
    }
}
