//! Types of objects: structs of the API, of the host's BTF, of the program's own. Says what lies at
//! an offset; decides nothing about who may look.

use std::collections::HashMap;

use abide_api::ctype::CType;
use abide_api::model::{Api, DefKind, Field};
use abide_api::{Namespace, NodeId};
use abide_btf::{Btf, Kind as BtfKind, Type, TypeId};

/// Where a type is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// By its name alone: the API says no more.
    Named,
    /// By the API, an index into its definitions.
    Api(abide_api::DefId),
    /// By the host's BTF.
    Host(TypeId),
    /// By the object's BTF.
    Program(TypeId),
}

/// A type that was met.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) origin: Origin,
}

/// What lies at an offset of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A number, or part of one.
    Number,
    /// A pointer to a struct of this type; with the tag of the pointer, if it has one.
    Pointer { to: u32, tag: Tag },
    /// A pointer to something else.
    OtherPointer,
}

/// What the host's types say about a pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    None,
    Rcu,
    User,
    Percpu,
}

/// All types that were met, by index.
#[derive(Debug)]
pub(crate) struct Types<'a> {
    pub(crate) api: &'a Api,
    pub(crate) node: NodeId,
    pub(crate) host: Option<&'a Btf>,
    pub(crate) program: Option<&'a Btf>,
    known: Vec<Known>,
    index: HashMap<(String, bool), u32>,
}

impl<'a> Types<'a> {
    pub(crate) fn new(
        api: &'a Api,
        node: NodeId,
        host: Option<&'a Btf>,
        program: Option<&'a Btf>,
    ) -> Self {
        Types { api, node, host, program, known: Vec::new(), index: HashMap::new() }
    }

    pub(crate) fn get(&self, index: u32) -> &Known {
        &self.known[index as usize]
    }

    fn intern(&mut self, name: &str, local: bool, origin: Origin) -> u32 {
        let next = self.known.len() as u32;
        let index = *self.index.entry((name.to_owned(), local)).or_insert(next);
        if index == next {
            self.known.push(Known { name: name.to_owned(), origin });
        }
        index
    }

    /// A struct of the host by its name.
    pub(crate) fn named(&mut self, name: &str) -> u32 {
        if let Some(index) = self.index.get(&(name.to_owned(), false)) {
            return *index;
        }
        let of_api = self.api.lookup(Namespace::Tag, name, self.node).filter(
            |id| matches!(&self.api.definition(*id).kind, DefKind::Struct(body) if !body.opaque),
        );
        let of_host = self.host.and_then(|btf| {
            btf.by_name(BtfKind::Struct, name).or_else(|| btf.by_name(BtfKind::Union, name))
        });
        let origin = match (of_api, of_host) {
            (Some(id), _) => Origin::Api(id),
            (None, Some(id)) => Origin::Host(id),
            (None, None) => Origin::Named,
        };
        self.intern(name, false, origin)
    }

    /// A struct of the program's own types.
    pub(crate) fn local(&mut self, id: TypeId) -> u32 {
        let name = self.program.and_then(|btf| Some(btf.get(id)?.name().to_owned()));
        let name = format!("{}#{}", name.unwrap_or_default(), id.0);
        self.intern(&name, true, Origin::Program(id))
    }

    /// Whether programs of some type are handed this struct.
    pub(crate) fn is_context(&self, name: &str) -> bool {
        self.program_of(name).is_some()
    }

    /// The first program type that is handed this struct.
    pub(crate) fn program_of(&self, name: &str) -> Option<abide_api::DefId> {
        let handed = |definition: &abide_api::model::Definition| {
            let DefKind::Program(program) = &definition.kind else { return false };
            let pointee = program.params.first().and_then(|param| param.ty.pointee());
            matches!(pointee.map(CType::unqualified), Some(CType::Struct(is)) if is == name)
        };
        let at = self.api.definitions.iter().position(handed)?;
        Some(abide_api::DefId(u32::try_from(at).ok()?))
    }

    /// The fields of a struct of the API.
    pub(crate) fn fields(&self, index: u32) -> Option<&'a [Field]> {
        let Origin::Api(id) = self.get(index).origin else { return None };
        match &self.api.definition(id).kind {
            DefKind::Struct(body) => Some(&body.fields),
            _ => None,
        }
    }

    /// The size of a type in bytes, where it is known.
    pub(crate) fn size(&self, index: u32) -> Option<u64> {
        match self.get(index).origin {
            Origin::Named => None,
            Origin::Api(id) => match &self.api.definition(id).kind {
                DefKind::Struct(body) => Some(u64::from(body.size)),
                _ => None,
            },
            Origin::Host(id) => self.host?.size_of(id),
            Origin::Program(id) => self.program?.size_of(id),
        }
    }

    /// What `size` bytes at an offset of an object are; `None` if they are not inside of it or only
    /// part of a pointer.
    pub(crate) fn content(&mut self, index: u32, offset: u64, size: u64) -> Option<Content> {
        match self.get(index).origin {
            Origin::Named => None,
            Origin::Api(_) => {
                let field = self.fields(index)?.iter().find(|field| {
                    let start = u64::from(field.offset);
                    start <= offset && offset + size <= start + u64::from(field.size)
                })?;
                match field.ty.pointee().map(CType::unqualified) {
                    None => Some(Content::Number),
                    Some(CType::Struct(name)) if size == 8 => {
                        let name = name.clone();
                        Some(Content::Pointer { to: self.named(&name), tag: Tag::None })
                    }
                    Some(_) if size == 8 => Some(Content::OtherPointer),
                    Some(_) => None,
                }
            }
            Origin::Host(id) => self.walk(self.host?, false, id, offset, size),
            Origin::Program(id) => self.walk(self.program?, true, id, offset, size),
        }
    }

    /// What lies at an offset of a type, in the first of its members that fits: of a union each may.
    fn walk(
        &mut self,
        btf: &Btf,
        local: bool,
        id: TypeId,
        offset: u64,
        size: u64,
    ) -> Option<Content> {
        // Places to look at, the next one last, and whether a union is around them. Types nest a
        // bounded number of times; the bound is for damaged ones.
        let mut work = vec![(id, offset, false)];
        for _ in 0..256 {
            let (id, mut offset, shared) = work.pop()?;
            let id = btf.strip(id);
            match btf.get(id)? {
                Type::Struct(of) | Type::Union(of) => {
                    let union = matches!(btf.get(id), Some(Type::Union(_)));
                    let first = work.len();
                    for (at, member) in of.members.iter().enumerate() {
                        let start = u64::from(member.bit_offset / 8);
                        if member.bitfield_size != 0 {
                            let end =
                                u64::from(member.bit_offset + member.bitfield_size).div_ceil(8);
                            let inside = offset + size <= u64::from(of.size);
                            if start < offset + size && offset < end && inside {
                                return Some(Content::Number);
                            }
                            continue;
                        }
                        if start > offset {
                            continue;
                        }
                        let last = at + 1 == of.members.len() && !union && !local;
                        let each = if last { flexible(btf, member.ty) } else { None };
                        let bytes = match each {
                            // An array without an end: as many as there are, and loads from
                            // objects of the host give 0 where there is nothing.
                            Some(each) => {
                                offset = start + (offset - start) % each;
                                each
                            }
                            None => btf.size_of(member.ty).unwrap_or(0),
                        };
                        if offset + size <= start + bytes {
                            work.push((member.ty, offset - start, shared || union));
                        }
                    }
                    // The first member first.
                    work[first..].reverse();
                }
                Type::Array { elem, .. } => {
                    let plain = matches!(
                        btf.get(btf.strip(elem)),
                        Some(Type::Int { .. } | Type::Enum(_) | Type::Enum64(_))
                    );
                    // Several numbers at once.
                    if plain && offset + size <= btf.size_of(id).unwrap_or(0) {
                        return Some(Content::Number);
                    }
                    let each = btf.size_of(elem).filter(|each| *each > 0)?;
                    work.push((elem, offset % each, shared));
                }
                Type::Ptr { to } if offset == 0 && size == 8 => {
                    return Some(match self.pointer(btf, local, to) {
                        // Nobody knows which of a union's members is there.
                        Content::Pointer { to, tag: Tag::Rcu } if shared => {
                            Content::Pointer { to, tag: Tag::None }
                        }
                        found => found,
                    });
                }
                Type::Int { .. } | Type::Enum(_) | Type::Enum64(_) | Type::Float { .. }
                    if offset + size <= btf.size_of(id)? =>
                {
                    return Some(Content::Number);
                }
                _ => {}
            }
        }
        None
    }

    /// Whether bytes of an object of the host lie in one member of it, whatever that is; of a
    /// struct inside in one of its members.
    pub(crate) fn within_member(&self, of: u32, offset: u64, size: u64) -> bool {
        let (Origin::Host(id), Some(btf)) = (self.get(of).origin, self.host) else { return true };
        let (mut id, mut offset) = (id, offset);
        for _ in 0..32 {
            let (Some(Type::Struct(composite)) | Some(Type::Union(composite))) =
                btf.get(btf.strip(id))
            else {
                return true;
            };
            let inside = composite.members.iter().find_map(|member| {
                let start = u64::from(member.bit_offset / 8);
                let bytes = btf.size_of(member.ty)?;
                (start <= offset && offset + size <= start + bytes)
                    .then(|| (member.ty, offset - start))
            });
            let Some(found) = inside else {
                return offset == 0 && size == u64::from(composite.size);
            };
            (id, offset) = found;
        }
        false
    }

    /// Where a member of a struct of the host is, in bytes.
    pub(crate) fn member_offset(&self, of: u32, name: &str) -> Option<u64> {
        let (Origin::Host(id), Some(btf)) = (self.get(of).origin, self.host) else { return None };
        // Members of anonymous structs and unions are members of the whole.
        let mut work = vec![(id, 0_u64, 0)];
        while let Some((id, base, depth)) = work.pop() {
            let Some(Type::Struct(composite) | Type::Union(composite)) = btf.get(btf.strip(id))
            else {
                continue;
            };
            for member in composite.members {
                let at = base + u64::from(member.bit_offset / 8);
                if member.name == name {
                    return Some(at);
                }
                if member.name.is_empty() && depth < 8 {
                    work.push((member.ty, at, depth + 1));
                }
            }
        }
        None
    }

    /// Where a member is, by the names on the way to it, and its size; both in bytes.
    pub(crate) fn member_at(&self, of: u32, path: &[&str]) -> Option<(u64, u64)> {
        let (Origin::Host(id), Some(btf)) = (self.get(of).origin, self.host) else { return None };
        let (mut id, mut at) = (id, 0);
        for name in path {
            let Some(Type::Struct(composite)) = btf.get(btf.strip(id)) else { return None };
            let member = composite.members.iter().find(|member| member.name == *name)?;
            if member.bitfield_size != 0 {
                return None;
            }
            at += u64::from(member.bit_offset / 8);
            id = member.ty;
        }
        Some((at, btf.size_of(id)?))
    }

    /// Whether an object of one type has one of another inside of it at this offset.
    pub(crate) fn holds(&self, outer: u32, offset: u64, inner: u32) -> bool {
        let (Origin::Host(id), Some(btf)) = (self.get(outer).origin, self.host) else {
            return false;
        };
        let name = self.get(inner).name.as_str();
        let (mut id, mut offset) = (id, offset);
        for _ in 0..16 {
            let Some(Type::Struct(of) | Type::Union(of)) = btf.get(btf.strip(id)) else {
                return false;
            };
            let inside = of.members.iter().find_map(|member| {
                let start = u64::from(member.bit_offset / 8);
                let bytes = btf.size_of(member.ty).filter(|_| member.bitfield_size == 0)?;
                (start <= offset && offset < start + bytes).then(|| (member.ty, offset - start))
            });
            let Some((ty, rest)) = inside else { return false };
            (id, offset) = (btf.strip(ty), rest);
            if offset == 0 && btf.get(id).is_some_and(|ty| ty.name() == name) {
                return true;
            }
        }
        false
    }

    /// What a pointer to this type gives.
    pub(crate) fn pointer(&mut self, btf: &Btf, local: bool, to: TypeId) -> Content {
        let mut tag = Tag::None;
        let mut id = to;
        loop {
            match btf.get(id) {
                Some(Type::TypeTag { name, to, .. }) => {
                    tag = match name {
                        "rcu" => Tag::Rcu,
                        "user" => Tag::User,
                        "percpu" => Tag::Percpu,
                        _ => tag,
                    };
                    id = to;
                }
                Some(
                    Type::Const { to }
                    | Type::Volatile { to }
                    | Type::Restrict { to }
                    | Type::Typedef { to, .. },
                ) => id = to,
                Some(Type::Struct(of) | Type::Union(of)) if !of.name.is_empty() => {
                    let to = if local { self.local(id) } else { self.named(of.name) };
                    return Content::Pointer { to, tag };
                }
                Some(Type::Fwd { name, .. }) => {
                    return Content::Pointer { to: self.named(name), tag };
                }
                _ => return Content::OtherPointer,
            }
        }
    }
}

/// The size of an element of an array without an end.
fn flexible(btf: &Btf, id: TypeId) -> Option<u64> {
    match btf.get(btf.strip(id))? {
        Type::Array { elem, len: 0, .. } => btf.size_of(elem).filter(|each| *each > 0),
        _ => None,
    }
}
