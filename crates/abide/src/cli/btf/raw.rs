//! One type as a line with its parts below it, in the form that bpftool gave to such tables, and as
//! JSON with the same words.

use std::fmt::Write;

use abide_btf::{Btf, Enumeration, Linkage, Type, TypeId};
use abide_diag::printable;
use serde::Serialize;

/// A type in JSON. What does not apply to its kind is left out.
#[derive(Debug, Default, Serialize)]
pub(super) struct TypeJson<'a> {
    id: u32,
    kind: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_offset: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nr_bits: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_type_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nr_elems: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fwd_kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linkage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component_idx: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ret_type_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<PartJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<PartJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<Vec<PartJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vars: Option<Vec<PartJson<'a>>>,
}

/// A member, value, parameter or variable.
#[derive(Debug, Default, Serialize)]
struct PartJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bits_offset: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bitfield_size: Option<u32>,
    /// A number, or of an unsigned enum of 64 bits any that JSON can write.
    #[serde(skip_serializing_if = "Option::is_none")]
    val: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u32>,
}

impl<'a> TypeJson<'a> {
    pub(super) fn of(id: TypeId, ty: &Type<'a>) -> TypeJson<'a> {
        let mut json = TypeJson {
            id: id.0,
            kind: super::word(ty.kind()),
            name: ty.name(),
            ..TypeJson::default()
        };
        match *ty {
            Type::Int { size, bits, offset, .. } => {
                json.size = Some(size);
                json.nr_bits = Some(bits);
                json.bits_offset = Some(offset);
                json.encoding = Some(encoding(ty));
            }
            Type::Float { size, .. } => json.size = Some(size),
            Type::Ptr { to }
            | Type::Volatile { to }
            | Type::Const { to }
            | Type::Restrict { to }
            | Type::Typedef { to, .. } => json.type_id = Some(to.0),
            Type::TypeTag { to, attribute, .. } => {
                json.type_id = Some(to.0);
                json.attribute = attribute.then_some(true);
            }
            Type::DeclTag { ty, component, attribute, .. } => {
                json.type_id = Some(ty.0);
                json.component_idx = Some(component.map_or(-1, i64::from));
                json.attribute = attribute.then_some(true);
            }
            Type::Array { elem, index, len } => {
                json.type_id = Some(elem.0);
                json.index_type_id = Some(index.0);
                json.nr_elems = Some(len);
            }
            Type::Struct(composite) | Type::Union(composite) => {
                json.size = Some(composite.size);
                let part = |member: abide_btf::Member<'a>| PartJson {
                    name: Some(member.name),
                    type_id: Some(member.ty.0),
                    bits_offset: Some(member.bit_offset),
                    bitfield_size: Some(member.bitfield_size).filter(|width| *width > 0),
                    ..PartJson::default()
                };
                json.members = Some(composite.members.iter().map(part).collect());
            }
            Type::Enum(found) | Type::Enum64(found) => {
                json.size = Some(found.size);
                json.encoding = Some(if found.signed { "SIGNED" } else { "UNSIGNED" });
                let part = |value: abide_btf::EnumValue<'a>| PartJson {
                    name: Some(value.name),
                    val: Some(match found.signed {
                        true => value.value.into(),
                        false => value.value.cast_unsigned().into(),
                    }),
                    ..PartJson::default()
                };
                json.values = Some(found.values.iter().map(part).collect());
            }
            Type::Fwd { is_union, .. } => json.fwd_kind = Some(tag(is_union)),
            Type::Func { proto, linkage, .. } => {
                json.type_id = Some(proto.0);
                json.linkage = Some(word(linkage));
            }
            Type::Var { ty, linkage, .. } => {
                json.type_id = Some(ty.0);
                json.linkage = Some(word(linkage));
            }
            Type::FuncProto { ret, params } => {
                json.ret_type_id = Some(ret.0);
                let part = |param: abide_btf::Param<'a>| PartJson {
                    name: Some(param.name),
                    type_id: Some(param.ty.0),
                    ..PartJson::default()
                };
                json.params = Some(params.iter().map(part).collect());
            }
            Type::DataSec { size, vars, .. } => {
                json.size = Some(size);
                let part = |var: abide_btf::SecVar| PartJson {
                    type_id: Some(var.ty.0),
                    offset: Some(var.offset),
                    size: Some(var.size),
                    ..PartJson::default()
                };
                json.vars = Some(vars.iter().map(part).collect());
            }
        }
        json
    }
}

/// Appends a type and its parts.
pub(super) fn write(btf: &Btf, id: TypeId, ty: &Type<'_>, out: &mut String) {
    let kind = super::word(ty.kind()).to_uppercase();
    let _ = write!(out, "{id} {kind} {}", quoted(ty.name()));
    let _ = match *ty {
        Type::Int { size, bits, offset, .. } => {
            let encoding = encoding(ty);
            write!(out, " size={size} bits_offset={offset} nr_bits={bits} encoding={encoding}")
        }
        Type::Float { size, .. } => write!(out, " size={size}"),
        Type::Ptr { to }
        | Type::Volatile { to }
        | Type::Const { to }
        | Type::Restrict { to }
        | Type::Typedef { to, .. }
        | Type::TypeTag { to, .. } => write!(out, " type_id={}", to.0),
        Type::DeclTag { ty, component, .. } => {
            let component = component.map_or(-1, i64::from);
            write!(out, " type_id={} component_idx={component}", ty.0)
        }
        Type::Array { elem, index, len } => {
            write!(out, " type_id={} index_type_id={} nr_elems={len}", elem.0, index.0)
        }
        Type::Struct(composite) | Type::Union(composite) => {
            let _ = write!(out, " size={} vlen={}", composite.size, composite.members.len());
            for member in composite.members {
                let (name, ty, at) = (quoted(member.name), member.ty.0, member.bit_offset);
                let _ = write!(out, "\n\t{name} type_id={ty} bits_offset={at}");
                if member.bitfield_size > 0 {
                    let _ = write!(out, " bitfield_size={}", member.bitfield_size);
                }
            }
            Ok(())
        }
        Type::Enum(found) => {
            values(&found, ["", ""], out);
            Ok(())
        }
        Type::Enum64(found) => {
            values(&found, ["ULL", "LL"], out);
            Ok(())
        }
        Type::Fwd { is_union, .. } => write!(out, " fwd_kind={}", tag(is_union)),
        Type::Func { proto, linkage, .. } => {
            write!(out, " type_id={} linkage={}", proto.0, word(linkage))
        }
        Type::Var { ty, linkage, .. } => {
            write!(out, " type_id={}, linkage={}", ty.0, word(linkage))
        }
        Type::FuncProto { ret, params } => {
            let _ = write!(out, " ret_type_id={} vlen={}", ret.0, params.len());
            for param in params {
                let _ = write!(out, "\n\t{} type_id={}", quoted(param.name), param.ty.0);
            }
            Ok(())
        }
        Type::DataSec { size, vars, .. } => {
            let _ = write!(out, " size={size} vlen={}", vars.len());
            for var in vars {
                let _ =
                    write!(out, "\n\ttype_id={} offset={} size={}", var.ty.0, var.offset, var.size);
                if let Some(ty) = btf.get(var.ty) {
                    let kind = super::word(ty.kind()).to_uppercase();
                    let _ = write!(out, " ({kind} {})", quoted(ty.name()));
                }
            }
            Ok(())
        }
    };
    out.push('\n');
}

/// Values, each followed by what says its width, of the one that suits the sign.
fn values(found: &Enumeration<'_>, width: [&str; 2], out: &mut String) {
    let width = width[usize::from(found.signed)];
    let sign = if found.signed { "SIGNED" } else { "UNSIGNED" };
    let _ = write!(out, " encoding={sign} size={} vlen={}", found.size, found.values.len());
    for value in found.values {
        let name = quoted(value.name);
        let _ = match found.signed {
            true => write!(out, "\n\t{name} val={}{width}", value.value),
            false => write!(out, "\n\t{name} val={}{width}", value.value.cast_unsigned()),
        };
    }
}

fn quoted(name: &str) -> String {
    if name.is_empty() { "'(anon)'".to_owned() } else { format!("'{}'", printable(name)) }
}

fn encoding(ty: &Type<'_>) -> &'static str {
    match ty {
        Type::Int { is_bool: true, .. } => "BOOL",
        Type::Int { is_char: true, .. } => "CHAR",
        Type::Int { signed: true, .. } => "SIGNED",
        _ => "(none)",
    }
}

fn tag(is_union: bool) -> &'static str {
    if is_union { "union" } else { "struct" }
}

fn word(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Static => "static",
        Linkage::Global => "global",
        Linkage::Extern => "extern",
    }
}
