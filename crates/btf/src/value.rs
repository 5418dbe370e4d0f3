//! Bytes shown by their type: map values, event records, contexts.
//!
//! [`decode`] makes a [`Value`]; its `Display` is C-like text (`{.packets = 3, .bytes = 180}`), and
//! it can be walked for JSON. Bytes that are missing are shown as missing; nothing is read twice.

use std::fmt;

use crate::types::{Composite, Enumeration, Type, TypeId};
use crate::{Btf, ByteOrder};

/// How many values one call shows. Types can describe far more of them than there are bytes.
const BUDGET: u32 = 1 << 16;

/// A value, owned and free of types.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// An integer of more than 64 bits, as it lies in memory.
    Wide(u128),
    /// A floating-point number.
    Float(f64),
    /// A value of an enum that has this name.
    Enum {
        /// The name.
        name: String,
        /// The number; of an unsigned 64-bit enum the same bits as a signed number.
        value: i64,
    },
    /// A `char` array up to its NUL. Bytes that are not UTF-8 are shown as `\xNN`.
    String(String),
    /// A pointer.
    Pointer(u64),
    /// A struct, a union or a section; the members of anonymous ones are counted among those of
    /// the one around them.
    Struct(Vec<(String, Value)>),
    /// An array.
    Array(Vec<Value>),
    /// Bytes of a type that says nothing of its contents.
    Bytes(Vec<u8>),
    /// The data ended before this.
    Missing,
    /// There was too much to show.
    Elided,
}

/// `bytes` as C-like text by their type.
///
/// ```
/// # use abide_btf::{Btf, ByteOrder, TypeId, value};
/// # fn show(btf: &Btf, id: TypeId, bytes: &[u8]) {
/// println!("{}", value::text(btf, bytes, id, ByteOrder::Little));
/// # }
/// ```
pub fn text(btf: &Btf, bytes: &[u8], id: TypeId, order: ByteOrder) -> String {
    decode(btf, bytes, id, order).to_string()
}

/// `bytes` as a value by their type. Never fails: what cannot be shown says so in its place.
pub fn decode(btf: &Btf, bytes: &[u8], id: TypeId, order: ByteOrder) -> Value {
    Decoder { btf, order, left: BUDGET }.value(bytes, id)
}

struct Decoder<'a> {
    btf: &'a Btf,
    order: ByteOrder,
    left: u32,
}

impl Decoder<'_> {
    /// The depth of this recursion was bounded when the BTF was checked.
    fn value(&mut self, bytes: &[u8], id: TypeId) -> Value {
        if self.left == 0 {
            return Value::Elided;
        }
        self.left -= 1;
        let id = self.btf.strip(id);
        let Some(ty) = self.btf.get(id) else { return Value::Bytes(head(bytes)) };
        match ty {
            Type::Int { size, bits, offset, signed, is_bool, .. } => {
                let Some(bytes) = bytes.get(..size as usize) else { return Value::Missing };
                let shift = match self.order {
                    ByteOrder::Little => offset,
                    ByteOrder::Big => (size * 8).saturating_sub(offset + bits),
                };
                integer(self.order.wide(bytes) >> shift.min(127), bits, signed, is_bool)
            }
            Type::Ptr { .. } => match bytes.get(..8) {
                Some(bytes) => Value::Pointer(self.order.wide(bytes) as u64),
                None => Value::Missing,
            },
            Type::Float { size, .. } => match (bytes.get(..size as usize), size) {
                (None, _) => Value::Missing,
                (Some(bytes), 4) => {
                    Value::Float(f32::from_bits(self.order.wide(bytes) as u32).into())
                }
                (Some(bytes), 8) => Value::Float(f64::from_bits(self.order.wide(bytes) as u64)),
                (Some(bytes), _) => Value::Bytes(bytes.to_vec()),
            },
            Type::Enum(enumeration) | Type::Enum64(enumeration) => {
                match bytes.get(..enumeration.size as usize) {
                    Some(bytes) => {
                        enum_value(&enumeration, self.order.wide(bytes), enumeration.size * 8)
                    }
                    None => Value::Missing,
                }
            }
            Type::Array { elem, len, .. } => self.array(bytes, elem, len),
            Type::Struct(composite) | Type::Union(composite) => {
                let mut members = Vec::new();
                self.members(bytes, &composite, &mut members);
                Value::Struct(members)
            }
            Type::Var { ty, .. } => self.value(bytes, ty),
            Type::DataSec { vars, .. } => {
                let mut members = Vec::new();
                for var in vars {
                    let Some(Type::Var { name, ty, .. }) = self.btf.get(var.ty) else { continue };
                    let value = self.value(tail(bytes, u64::from(var.offset)), ty);
                    let full = value == Value::Elided;
                    members.push((name.to_owned(), value));
                    if full {
                        break;
                    }
                }
                Value::Struct(members)
            }
            _ => Value::Bytes(head(bytes)),
        }
    }

    fn members(&mut self, bytes: &[u8], composite: &Composite<'_>, out: &mut Vec<(String, Value)>) {
        for member in composite.members {
            if self.left == 0 {
                out.push((member.name.to_owned(), Value::Elided));
                break;
            }
            let inner = tail(bytes, u64::from(member.bit_offset / 8));
            if member.bitfield_size > 0 {
                self.left -= 1;
                let value =
                    self.bitfield(bytes, member.bit_offset, member.bitfield_size, member.ty);
                out.push((member.name.to_owned(), value));
                continue;
            }
            match self.btf.get(self.btf.strip(member.ty)) {
                Some(Type::Struct(nested) | Type::Union(nested)) if member.name.is_empty() => {
                    self.left -= 1;
                    self.members(inner, &nested, out);
                }
                _ => out.push((member.name.to_owned(), self.value(inner, member.ty))),
            }
        }
    }

    /// Bits are counted from the least significant one of the first byte on little-endian machines,
    /// from the most significant one on big-endian ones.
    fn bitfield(&self, bytes: &[u8], offset: u32, width: u32, ty: TypeId) -> Value {
        let (skip, first) = (offset % 8, (offset / 8) as usize);
        let count = (skip + width).div_ceil(8);
        let Some(bytes) = bytes.get(first..first + count as usize) else { return Value::Missing };
        if count > 16 {
            return Value::Bytes(bytes.to_vec());
        }
        let shift = match self.order {
            ByteOrder::Little => skip,
            ByteOrder::Big => count * 8 - skip - width,
        };
        let number = self.order.wide(bytes) >> shift;
        match self.btf.get(self.btf.strip(ty)) {
            Some(Type::Enum(enumeration) | Type::Enum64(enumeration)) => {
                enum_value(&enumeration, number, width)
            }
            Some(Type::Int { signed, is_bool, .. }) => integer(number, width, signed, is_bool),
            _ => integer(number, width, false, false),
        }
    }

    fn array(&mut self, bytes: &[u8], elem: TypeId, len: u32) -> Value {
        let size = self.btf.size_of(elem).unwrap_or(0);
        if let Some(Type::Int { name, size: 1, is_char, .. }) = self.btf.get(self.btf.strip(elem))
            && (name == "char" || is_char)
        {
            // A flexible array has a length of 0: it is as long as the data.
            let len = if len == 0 { bytes.len() } else { len as usize };
            return match bytes.get(..len.min(bytes.len())) {
                Some([]) | None => Value::Missing,
                Some(text) => Value::String(string(text)),
            };
        }
        let mut values = Vec::new();
        for index in 0..u64::from(len) {
            if self.left == 0 {
                values.push(Value::Elided);
                break;
            }
            let inner = tail(bytes, index.saturating_mul(size));
            if inner.is_empty() && size > 0 {
                values.push(Value::Missing);
                break;
            }
            values.push(self.value(inner, elem));
        }
        Value::Array(values)
    }
}

/// What follows an offset; nothing if that is outside.
fn tail(bytes: &[u8], offset: u64) -> &[u8] {
    usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default()
}

/// As much of raw bytes as is worth showing.
fn head(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len().min(64)].to_vec()
}

fn integer(number: u128, bits: u32, signed: bool, is_bool: bool) -> Value {
    let bits = bits.clamp(1, 128);
    let number = number << (128 - bits) >> (128 - bits);
    match bits {
        _ if is_bool && number < 2 => Value::Bool(number != 0),
        65.. => Value::Wide(number),
        _ if signed => Value::Int(sign_extend(number, bits)),
        _ => Value::UInt(number as u64),
    }
}

fn sign_extend(number: u128, bits: u32) -> i64 {
    ((number << (128 - bits)).cast_signed() >> (128 - bits)) as i64
}

fn enum_value(enumeration: &Enumeration<'_>, number: u128, bits: u32) -> Value {
    let bits = bits.clamp(1, 64);
    let number = number << (128 - bits) >> (128 - bits);
    let value = match enumeration.signed {
        true => sign_extend(number, bits),
        false => (number as u64).cast_signed(),
    };
    match enumeration.values.iter().find(|known| known.value == value) {
        Some(known) => Value::Enum { name: known.name.to_owned(), value },
        None if enumeration.signed => Value::Int(value),
        None => Value::UInt(value.cast_unsigned()),
    }
}

/// Text up to its NUL.
fn string(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let mut out = String::new();
    for chunk in bytes[..end].utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Bool(value) => write!(f, "{value}"),
            Value::Int(value) => write!(f, "{value}"),
            Value::UInt(value) => write!(f, "{value}"),
            Value::Wide(value) => write!(f, "{value:#x}"),
            Value::Float(value) => write!(f, "{value}"),
            Value::Enum { name, .. } => f.write_str(name),
            Value::String(text) => write!(f, "\"{}\"", escape(text)),
            Value::Pointer(value) => write!(f, "{value:#x}"),
            Value::Struct(members) => {
                f.write_str("{")?;
                for (number, (name, value)) in members.iter().enumerate() {
                    let comma = if number > 0 { ", " } else { "" };
                    if name.is_empty() {
                        write!(f, "{comma}{value}")?;
                    } else {
                        write!(f, "{comma}.{name} = {value}")?;
                    }
                }
                f.write_str("}")
            }
            Value::Array(values) => {
                f.write_str("[")?;
                for (number, value) in values.iter().enumerate() {
                    let comma = if number > 0 { ", " } else { "" };
                    write!(f, "{comma}{value}")?;
                }
                f.write_str("]")
            }
            Value::Bytes(bytes) => {
                f.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Value::Missing => f.write_str("(missing)"),
            Value::Elided => f.write_str("…"),
        }
    }
}

/// Quotes and control characters made safe to print; a backslash stays, for `\xNN`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            character if character.is_control() => out.extend(character.escape_default()),
            character => out.push(character),
        }
    }
    out
}
