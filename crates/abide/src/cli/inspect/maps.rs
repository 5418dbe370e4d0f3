//! Maps and externs as `abide inspect` shows them.

use std::collections::HashMap;

use abide::Object;
use abide_btf::Type;
use abide_diag::printable;
use abide_object::{Extern, ExternId, ExternKind, KconfigForm, Map, MapOrigin, Target};
use serde::Serialize;

use crate::cli::ui::{Table, grouped};

#[derive(Debug, Serialize)]
pub(super) struct MapJson {
    name: String,
    map_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<String>,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    pinning: u32,
    extra: u64,
    numa_node: u32,
    key: Option<String>,
    value: Option<String>,
    read_only: bool,
    /// Of struct_ops, whether it is made when nobody says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    autocreate: Option<bool>,
    /// Maps and programs that are in it from the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    initial: Vec<InitialJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner: Option<Box<MapJson>>,
}

/// An initial value: of a struct_ops map by the member's name, of others by number.
#[derive(Debug, Serialize)]
struct InitialJson {
    at: String,
    value: String,
}

#[derive(Debug, Serialize)]
pub(super) struct ExternJson {
    name: String,
    kind: &'static str,
    weak: bool,
    declaration: Option<String>,
    /// What a value of the configuration can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    holds: Option<&'static str>,
}

fn type_name(object: &Object, id: Option<abide_btf::TypeId>) -> Option<String> {
    let btf = object.btf.as_ref()?;
    Some(printable(&btf.declaration(id?, "")).trim().to_owned())
}

/// The name of a map type, or its number.
fn map_type_name(kind: u32) -> String {
    abide_api::map_types::map_type_name(kind).map_or_else(|| format!("type {kind}"), str::to_owned)
}

impl MapJson {
    pub(super) fn of(object: &Object, map: &Map) -> MapJson {
        let data = matches!(map.origin, MapOrigin::Data { .. } | MapOrigin::Kconfig(_));
        MapJson {
            name: printable(&map.name).into_owned(),
            map_type: map_type_name(map.kind),
            section: match &map.origin {
                MapOrigin::Btf | MapOrigin::StructOps { .. } => None,
                MapOrigin::Legacy => Some("maps".to_owned()),
                MapOrigin::Kconfig(_) => Some(".kconfig".to_owned()),
                MapOrigin::Data { section, .. } => Some(printable(section).into_owned()),
            },
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: map.max_entries,
            flags: map.flags,
            pinning: map.pinning,
            extra: map.extra,
            numa_node: map.numa_node,
            key: if data { None } else { type_name(object, map.key_type) },
            value: if data { None } else { type_name(object, map.value_type) },
            read_only: matches!(
                map.origin,
                MapOrigin::Data { readonly: true, .. } | MapOrigin::Kconfig(_)
            ),
            autocreate: match map.origin {
                MapOrigin::StructOps { autocreate, .. } => Some(autocreate),
                _ => None,
            },
            initial: if data { Vec::new() } else { initial(object, map) },
            inner: map.inner.as_ref().map(|inner| Box::new(MapJson::of(object, inner))),
        }
    }

    pub(super) fn text(&self, indent: &str, table: &mut Table) {
        let data = self.section.as_deref().is_some_and(|section| section != "maps");
        if data {
            let access = match self.read_only {
                true if self.name == ".kconfig" => "configuration",
                true => "data, read-only",
                false => "data",
            };
            let size = format!("{} B", grouped(u64::from(self.value_size)));
            table.row([self.name.clone(), access.to_owned(), size, String::new(), String::new()]);
            return;
        }
        let side = |name: &str, size: u32, ty: &Option<String>| match (size, ty) {
            (0, None) => String::new(),
            (_, Some(ty)) => format!("{name} {ty} ({size} B)"),
            (_, None) => format!("{name} {size} B"),
        };
        let mut more = Vec::new();
        let attributes = [
            (self.flags, format!("flags {:#x}", self.flags)),
            (self.pinning, format!("pinning {}", self.pinning)),
            (u32::from(self.extra != 0), format!("extra {:#x}", self.extra)),
            (self.numa_node, format!("NUMA node {}", self.numa_node)),
        ];
        more.push(side("key", self.key_size, &self.key));
        more.push(side("value", self.value_size, &self.value));
        more.extend(attributes.into_iter().filter(|(set, _)| *set != 0).map(|(_, text)| text));
        if self.autocreate == Some(false) {
            more.push("made on request only".to_owned());
        }
        more.extend(self.initial.iter().map(|one| format!("{} = {}", one.at, one.value)));
        more.retain(|text| !text.is_empty());
        let entries = match self.map_type.as_str() {
            "ringbuf" | "user_ringbuf" => format!("{} B", grouped(u64::from(self.max_entries))),
            _ => grouped(u64::from(self.max_entries)),
        };
        table.row([
            format!("{indent}{}", self.name),
            self.map_type.clone(),
            entries,
            more.join(", "),
            String::new(),
        ]);
        if let Some(inner) = &self.inner {
            inner.text(&format!("{indent}  inner "), table);
        }
    }
}

/// What is in a map from the start.
fn initial(object: &Object, map: &Map) -> Vec<InitialJson> {
    let members = match (&map.origin, object.btf.as_ref().zip(map.value_type)) {
        (MapOrigin::StructOps { .. }, Some((btf, ty))) => match btf.get(ty) {
            Some(Type::Struct(definition)) => Some(definition.members),
            _ => None,
        },
        _ => None,
    };
    let value = |(slot, target): &(u32, Target)| {
        let value = match *target {
            Target::Map(id) => &object.maps[id.index()].name,
            Target::Function(id) => &object.function(id).name,
            Target::Extern(id) => &object.externs[id.index()].name,
            _ => return None,
        };
        let member = members.and_then(|members| members.get(*slot as usize));
        Some(InitialJson {
            at: member.map_or_else(|| format!("[{slot}]"), |one| printable(one.name).into_owned()),
            value: printable(value).into_owned(),
        })
    };
    map.initial_slots.iter().filter_map(value).collect()
}

impl ExternJson {
    pub(super) fn all(object: &Object) -> Vec<ExternJson> {
        let values = object.maps.iter().filter_map(|map| match &map.origin {
            MapOrigin::Kconfig(values) => Some(values),
            _ => None,
        });
        let forms: HashMap<ExternId, KconfigForm> =
            values.flatten().map(|value| (value.id, value.form)).collect();
        let external = |(id, found): (u32, &Extern)| {
            let (kind, ty) = match found.kind {
                ExternKind::Function { proto } => ("kfunc", proto),
                ExternKind::Ksym { ty } => ("ksym", ty),
                ExternKind::Kconfig { ty } => ("kconfig", ty),
            };
            let declared = object.btf.as_ref().zip(ty);
            let declaration = declared.map(|(btf, ty)| btf.declaration(ty, &found.name));
            ExternJson {
                name: printable(&found.name).into_owned(),
                kind,
                weak: found.weak,
                declaration: declaration.map(|text| printable(&text).into_owned()),
                holds: forms.get(&ExternId(id)).map(|form| match form {
                    KconfigForm::Bool => "bool",
                    KconfigForm::Tristate => "tristate",
                    KconfigForm::Char { .. } => "char",
                    KconfigForm::Int { .. } => "int",
                    KconfigForm::Text => "text",
                }),
            }
        };
        (0..).zip(&object.externs).map(external).collect()
    }

    pub(super) fn text(&self, table: &mut Table) {
        let weak = if self.weak { "weak " } else { "" };
        let shown = self.declaration.clone().unwrap_or_else(|| self.name.clone());
        table.row([format!("{weak}{}", self.kind), shown]);
    }
}
