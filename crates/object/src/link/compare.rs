//! Whether two objects mean the same by a type or a map, and if not, why. How types are compared is
//! [`abide_btf::compare`]'s business.

use abide_btf::compare::{Comparison, Rules};
use abide_btf::{Btf, Type, TypeId};

use crate::map_definition;
use crate::model::Map;

/// A type of one of the objects.
pub(super) type Side<'a> = (&'a Btf, TypeId);

/// How the types of a function or a variable differ.
pub(super) fn different_types(one: Side<'_>, other: Side<'_>) -> Option<String> {
    let inner = |(btf, id): Side<'_>| match btf.get(id) {
        Some(Type::Func { proto: ty, .. } | Type::Var { ty, .. }) => ty,
        _ => id,
    };
    different((one.0, inner(one)), (other.0, inner(other)))
}

/// How the types of two values differ first.
fn different(one: Side<'_>, other: Side<'_>) -> Option<String> {
    let differences = Comparison::new(one.0, other.0, Rules::COMPATIBLE).types(one.1, other.1);
    differences.first().map(ToString::to_string)
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
        let why = match (left, right) {
            (Some(left), Some(right)) => different((here, left), (there, right)),
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
