//! Values of maps and events as they are shown: by the types of the object, addresses as addresses.
//! Decoding itself is the room `btf`'s.

use std::fmt::Write;
use std::net::Ipv6Addr;

use abide_btf::value::{Value, decode};
use abide_btf::{Btf, ByteOrder, Composite, Kind, Type, TypeId};

use super::report::Shown;

/// The types of an object, if it has any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Types<'a> {
    pub(crate) btf: Option<&'a Btf>,
    pub(crate) order: ByteOrder,
}

impl Types<'_> {
    /// Bytes by their type; an integer or hex if it is not known.
    pub(crate) fn value(&self, bytes: &[u8], ty: Option<TypeId>) -> Value {
        match (self.btf, ty) {
            (Some(btf), Some(ty)) if ty.0 != 0 => {
                addresses(btf, ty, false, decode(btf, bytes, ty, self.order))
            }
            _ => match *bytes {
                [a, b, c, d] => Value::UInt(self.number(&[a, b, c, d])),
                [a, b, c, d, e, f, g, h] => Value::UInt(self.number(&[a, b, c, d, e, f, g, h])),
                _ => Value::Bytes(bytes.to_vec()),
            },
        }
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let digit = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        match self.order {
            ByteOrder::Little => bytes.iter().rev().fold(0, digit),
            ByteOrder::Big => bytes.iter().fold(0, digit),
        }
    }

    /// The struct of this name, if it has this size.
    pub(crate) fn record(&self, name: &str, size: usize) -> Option<TypeId> {
        let btf = self.btf?;
        let id = btf.by_name(Kind::Struct, name)?;
        (btf.size_of(id) == Some(size as u64)).then_some(id)
    }
}

/// Shows 16 bytes as an IPv6 address where the name of the type, or of the member, says that they are
/// one: BTF has no better sign.
fn addresses(btf: &Btf, ty: TypeId, named: bool, value: Value) -> Value {
    let named = named || says_address(btf, ty);
    match (btf.get(btf.strip(ty)), value) {
        (Some(Type::Struct(composite) | Type::Union(composite)), Value::Struct(members)) => {
            if named
                && composite.size == 16
                && let [(_, Value::Array(bytes))] = &members[..]
                && let Some(address) = address(bytes)
            {
                return address;
            }
            let shown = members.into_iter().map(|(name, value)| {
                let value = match member(btf, &composite, &name) {
                    Some(ty) => addresses(btf, ty, is_address(&name), value),
                    None => value,
                };
                (name, value)
            });
            Value::Struct(shown.collect())
        }
        (Some(Type::Array { elem, .. }), Value::Array(values)) => {
            if named
                && btf.size_of(elem) == Some(1)
                && let Some(address) = address(&values)
            {
                return address;
            }
            Value::Array(
                values.into_iter().map(|value| addresses(btf, elem, false, value)).collect(),
            )
        }
        (_, value) => value,
    }
}

/// Whether the typedefs or the struct of a type are named like an address.
fn says_address(btf: &Btf, mut ty: TypeId) -> bool {
    loop {
        match btf.get(ty) {
            Some(Type::Typedef { name, .. }) if is_address(name) => return true,
            Some(Type::Struct(found) | Type::Union(found)) => return is_address(found.name),
            Some(
                Type::Typedef { to, .. }
                | Type::Const { to }
                | Type::Volatile { to }
                | Type::Restrict { to }
                | Type::TypeTag { to, .. },
            ) => ty = to,
            _ => return false,
        }
    }
}

fn is_address(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["addr", "ip6", "ipv6"].iter().any(|part| name.contains(part))
}

/// The type of a member, also of one inside an anonymous struct or union.
fn member(btf: &Btf, composite: &Composite<'_>, name: &str) -> Option<TypeId> {
    composite.members.into_iter().find_map(|found| {
        if found.name == name {
            return Some(found.ty);
        }
        match btf.get(btf.strip(found.ty)) {
            Some(Type::Struct(inner) | Type::Union(inner)) if found.name.is_empty() => {
                member(btf, &inner, name)
            }
            _ => None,
        }
    })
}

fn address(bytes: &[Value]) -> Option<Value> {
    let byte = |value: &Value| match value {
        Value::UInt(number) => u8::try_from(*number).ok(),
        _ => None,
    };
    let octets: Vec<u8> = bytes.iter().map(byte).collect::<Option<_>>()?;
    let octets: [u8; 16] = octets.try_into().ok()?;
    Some(Value::String(Ipv6Addr::from(octets).to_string()))
}

/// The sum of two values, if all in them are unsigned integers of the same shape.
pub(crate) fn sum(a: Value, b: Value) -> Option<Value> {
    match (a, b) {
        (Value::UInt(a), Value::UInt(b)) => Some(Value::UInt(a.wrapping_add(b))),
        (Value::Int(a), Value::Int(b)) => Some(Value::Int(a.wrapping_add(b))),
        (Value::Struct(a), Value::Struct(b)) if a.len() == b.len() => {
            let members = a.into_iter().zip(b).map(|((name, a), (_, b))| Some((name, sum(a, b)?)));
            Some(Value::Struct(members.collect::<Option<_>>()?))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let values = a.into_iter().zip(b).map(|(a, b)| sum(a, b));
            Some(Value::Array(values.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

impl From<&Value> for Shown {
    fn from(value: &Value) -> Self {
        let text = match value {
            // A name or an address alone needs no quotes.
            Value::String(text) => abide_diag::printable(text).into_owned(),
            value => value.to_string(),
        };
        Shown { text, json: json(value) }
    }
}

fn json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::UInt(value) | Value::Pointer(value) => (*value).into(),
        Value::Wide(value) => format!("{value:#x}").into(),
        Value::Float(value) => (*value).into(),
        Value::Enum { name, .. } => name.as_str().into(),
        Value::String(text) => text.as_str().into(),
        Value::Struct(members) => {
            members.iter().map(|(name, value)| (name.clone(), json(value))).collect()
        }
        Value::Array(values) => Json::Array(values.iter().map(json).collect()),
        Value::Bytes(bytes) => hex(bytes).into(),
        Value::Missing | Value::Elided => Json::Null,
    }
}

/// `0x0a4d`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = "0x".to_owned();
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_of_integers_only() {
        let counter = |packets| {
            let rest = Value::Array(vec![Value::UInt(1), Value::Int(-1)]);
            Value::Struct(vec![
                ("packets".to_owned(), Value::UInt(packets)),
                ("a".to_owned(), rest),
            ])
        };
        let total = sum(counter(2), counter(3)).unwrap();
        assert_eq!(total.to_string(), "{.packets = 5, .a = [2, -2]}");
        assert_eq!(sum(Value::UInt(1), Value::String("x".to_owned())), None);
    }

    #[test]
    fn without_types_a_word_is_a_number() {
        let types = Types { btf: None, order: ByteOrder::Little };
        assert_eq!(types.value(&[1, 2, 0, 0], None), Value::UInt(0x201));
        assert_eq!(types.value(&[1, 2], None).to_string(), "0x0102");
    }
}
