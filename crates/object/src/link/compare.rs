//! Whether two objects mean the same by a type, and if not, why. Names of parameters, qualifiers and
//! typedefs make no difference; of what is behind a pointer only its kind and name count, as in C.

use std::collections::HashSet;

use abide_btf::{Btf, Composite, Type, TypeId};

use crate::map_definition;
use crate::model::Map;

/// A type of one of the objects.
pub(super) type Side<'a> = (&'a Btf, TypeId);

/// How the types of a function or a variable differ.
pub(super) fn different_types(one: Side<'_>, other: Side<'_>) -> Option<String> {
    Compare { one: one.0, other: other.0, seen: HashSet::new() }.declared(one.1, other.1).err()
}

/// How the definitions of a map differ, given as the types of variables in `.maps`.
pub(super) fn different_maps(one: Side<'_>, other: Side<'_>, name: &str) -> Option<String> {
    let read = |(btf, id): Side<'_>| {
        let Some(Type::Var { ty, .. }) = btf.get(id) else { return None };
        Some(map_definition::read(btf, name, ty).ok()?.map)
    };
    // A definition that cannot be read was refused before; a declaration need not be one.
    let (Some(here), Some(there)) = (read(one), read(other)) else {
        return different_types(one, other);
    };
    attributes(one.0, &here, other.0, &there)
}

fn attributes(here: &Btf, one: &Map, there: &Btf, other: &Map) -> Option<String> {
    for (what, left, right) in [
        ("type", u64::from(one.kind), u64::from(other.kind)),
        ("key_size", one.key_size.into(), other.key_size.into()),
        ("value_size", one.value_size.into(), other.value_size.into()),
        ("max_entries", one.max_entries.into(), other.max_entries.into()),
        ("map_flags", one.flags.into(), other.flags.into()),
        ("map_extra", one.extra, other.extra),
        ("numa_node", one.numa_node.into(), other.numa_node.into()),
        ("pinning", one.pinning.into(), other.pinning.into()),
    ] {
        if left != right {
            return Some(format!("`{what}` is {left} here, {right} there"));
        }
    }
    let types =
        [("key", one.key_type, other.key_type), ("value", one.value_type, other.value_type)];
    for (what, left, right) in types {
        let mut compare = Compare { one: here, other: there, seen: HashSet::new() };
        let why = match (left, right) {
            (Some(left), Some(right)) => compare.whole(left, right).err(),
            (None, None) => None,
            _ => Some("one gives a type, the other a size only".to_owned()),
        };
        if let Some(why) = why {
            return Some(format!("`{what}`: {why}"));
        }
    }
    match (&one.inner, &other.inner) {
        (Some(left), Some(right)) => {
            attributes(here, left, there, right).map(|why| format!("the maps in it: {why}"))
        }
        (None, None) => None,
        _ => Some("`values` is in one only".to_owned()),
    }
}

struct Compare<'a> {
    one: &'a Btf,
    other: &'a Btf,
    seen: HashSet<(TypeId, TypeId)>,
}

type Same = Result<(), String>;

impl<'a> Compare<'a> {
    /// Functions and variables.
    fn declared(&mut self, one: TypeId, other: TypeId) -> Same {
        match (self.one.get(one), self.other.get(other)) {
            (Some(Type::Func { proto: one, .. }), Some(Type::Func { proto: other, .. }))
            | (Some(Type::Var { ty: one, .. }), Some(Type::Var { ty: other, .. })) => {
                self.whole(one, other)
            }
            (Some(Type::Func { .. }), _) => Err("a function here, a variable there".to_owned()),
            _ => Err("a variable here, a function there".to_owned()),
        }
    }

    /// Types that a value has.
    fn whole(&mut self, one: TypeId, other: TypeId) -> Same {
        let (one, other) = (self.one.strip(one), self.other.strip(other));
        if !self.seen.insert((one, other)) {
            return Ok(());
        }
        let (Some(left), Some(right)) = (self.one.get(one), self.other.get(other)) else {
            return if one == other { Ok(()) } else { self.names(one, other) };
        };
        match (left, right) {
            (Type::Int { size, signed, .. }, Type::Int { size: size2, signed: signed2, .. }) => {
                match size == size2 && signed == signed2 {
                    true => Ok(()),
                    false => self.names(one, other),
                }
            }
            (Type::Float { size, .. }, Type::Float { size: size2, .. }) if size == size2 => Ok(()),
            (Type::Ptr { to }, Type::Ptr { to: to2 }) => match self.behind(to, to2) {
                true => Ok(()),
                false => self.names(one, other),
            },
            (Type::Array { elem, len, .. }, Type::Array { elem: elem2, len: len2, .. }) => {
                // `extern int table[];`
                if len != len2 && len != 0 && len2 != 0 {
                    return self.names(one, other);
                }
                self.whole(elem, elem2)
            }
            (Type::Struct(left), Type::Struct(right)) | (Type::Union(left), Type::Union(right)) => {
                self.composites(left, right)
            }
            (Type::Fwd { name, .. }, Type::Struct(full) | Type::Union(full))
            | (Type::Struct(full) | Type::Union(full), Type::Fwd { name, .. })
                if full.name == name =>
            {
                Ok(())
            }
            (Type::Fwd { name, .. }, Type::Fwd { name: name2, .. }) if name == name2 => Ok(()),
            (Type::Enum(left) | Type::Enum64(left), Type::Enum(right) | Type::Enum64(right)) => {
                if left.name != right.name || left.size != right.size {
                    return self.names(one, other);
                }
                match left.values.iter().eq(right.values.iter()) {
                    true => Ok(()),
                    false => Err(format!("the values of `enum {}` differ", left.name)),
                }
            }
            (Type::FuncProto { ret, params }, Type::FuncProto { ret: ret2, params: params2 }) => {
                if params.len() != params2.len() {
                    let (here, there) = (params.len(), params2.len());
                    return Err(format!("it has {here} parameters here, {there} there"));
                }
                self.whole(ret, ret2).map_err(|why| format!("the result: {why}"))?;
                for (number, (left, right)) in params.iter().zip(params2).enumerate() {
                    self.whole(left.ty, right.ty)
                        .map_err(|why| format!("parameter {}: {why}", number + 1))?;
                }
                Ok(())
            }
            _ => self.names(one, other),
        }
    }

    fn composites(&mut self, left: Composite<'a>, right: Composite<'a>) -> Same {
        if left.name != right.name {
            return Err(format!("`{}` here, `{}` there", left.name, right.name));
        }
        if left.size != right.size {
            let (here, there) = (left.size, right.size);
            return Err(format!("`{}` has {here} bytes here, {there} there", left.name));
        }
        if left.members.len() != right.members.len() {
            return Err(format!("`{}` has not as many members", left.name));
        }
        for (one, other) in left.members.iter().zip(right.members) {
            let is_same = one.name == other.name
                && one.bit_offset == other.bit_offset
                && one.bitfield_size == other.bitfield_size;
            if !is_same {
                let (here, there) = (one.name, other.name);
                return Err(format!("members `{here}` and `{there}` of `{}`", left.name));
            }
            self.whole(one.ty, other.ty)
                .map_err(|why| format!("member `{}` of `{}`: {why}", one.name, left.name))?;
        }
        Ok(())
    }

    /// Whether pointers point to the same.
    fn behind(&mut self, one: TypeId, other: TypeId) -> bool {
        let (one, other) = (self.one.strip(one), self.other.strip(other));
        let (Some(left), Some(right)) = (self.one.get(one), self.other.get(other)) else {
            return one == other;
        };
        let tag = |ty: &Type<'a>| match *ty {
            Type::Fwd { name, is_union } => Some((is_union, name)),
            Type::Struct(it) => Some((false, it.name)),
            Type::Union(it) => Some((true, it.name)),
            _ => None,
        };
        match (tag(&left), tag(&right)) {
            (Some(left), Some(right)) => left == right,
            (None, None) => self.whole(one, other).is_ok(),
            _ => false,
        }
    }

    fn names(&self, one: TypeId, other: TypeId) -> Same {
        let (here, there) = (self.one.c_name(one), self.other.c_name(other));
        match here == there {
            true => Err(format!("what it calls `{here}` is different")),
            false => Err(format!("`{here}` here, `{there}` there")),
        }
    }
}
