//! Variables in `.struct_ops` and `.struct_ops.link`: tables of functions that the kernel calls.
//!
//! Knows what the object's own types say. Whether a kernel has such a struct, and where its members
//! are there, is not known here.

use abide_btf::{Btf, Kind, Type, TypeId};

use crate::budget::Budget;
use crate::elf::{Elf, Section};
use crate::error::{ObjectError, Place, Problem};
use crate::model::{Map, MapId, MapOrigin};
use crate::sections::plain;

/// `BPF_MAP_TYPE_STRUCT_OPS`.
const STRUCT_OPS: u32 = 26;
/// `BPF_F_LINK`: it is attached by a link of its own.
const LINK: u32 = 1 << 13;

/// A variable, and what is needed to follow its relocations.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) map: MapId,
    pub(crate) section: usize,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    ty: TypeId,
}

impl Table {
    /// The number of the member at a byte of the variable, which must be a pointer to a function.
    pub(crate) fn member(&self, btf: &Btf, at: u64) -> Result<u32, &'static str> {
        let Some(Type::Struct(definition)) = btf.get(self.ty) else {
            return Err("its type is not a struct");
        };
        let (number, member) = (0..)
            .zip(definition.members)
            .find(|(_, member)| u64::from(member.bit_offset) == at * 8)
            .ok_or("there is no member at this place")?;
        let is_function = match btf.get(btf.strip(member.ty)) {
            Some(Type::Ptr { to }) => {
                matches!(btf.get(btf.strip(to)), Some(Type::FuncProto { .. }))
            }
            _ => false,
        };
        if is_function { Ok(number) } else { Err("the member is not a pointer to a function") }
    }
}

/// Whether a section holds such variables.
pub(crate) fn is_section(name: &str) -> bool {
    [".struct_ops", ".struct_ops.link"].contains(&plain(name))
}

/// All of an object. Their maps are added to `maps`.
pub(crate) fn read(
    elf: &Elf<'_>,
    btf: Option<&Btf>,
    maps: &mut Vec<Map>,
    budget: &mut Budget,
) -> Result<Vec<Table>, ObjectError> {
    let mut tables = Vec::new();
    for (index, section) in elf.sections.iter().enumerate() {
        if !is_section(section.name) || !section.is_contents || section.data.is_empty() {
            continue;
        }
        let missing = || Problem::MapBtf.at(Place::section(section.name));
        let btf = btf.ok_or_else(missing)?;
        let id = btf.by_name(Kind::DataSec, section.name).ok_or_else(missing)?;
        let Some(Type::DataSec { vars, .. }) = btf.get(id) else { return Err(missing()) };
        for var in vars {
            let Some(Type::Var { name, ty, .. }) = btf.get(var.ty) else { continue };
            let (map, ty) = table(btf, section, name, ty, var.offset, budget)?;
            tables.push(Table {
                map: MapId(maps.len() as u32),
                section: index,
                offset: u64::from(var.offset),
                size: u64::from(map.value_size),
                ty,
            });
            maps.push(map);
        }
    }
    Ok(tables)
}

fn table(
    btf: &Btf,
    section: &Section<'_>,
    name: &str,
    ty: TypeId,
    offset: u32,
    budget: &mut Budget,
) -> Result<(Map, TypeId), ObjectError> {
    let error = |what| Problem::StructOps(what).at(Place::section(section.name).with_symbol(name));
    let ty = btf.strip(ty);
    let Some(Type::Struct(definition)) = btf.get(ty) else {
        return Err(error("its type is not a struct"));
    };
    if definition.name.is_empty() {
        return Err(error("its struct has no name, by which the kernel could know it"));
    }
    let start = offset as usize;
    let bytes = start
        .checked_add(definition.size as usize)
        .and_then(|end| section.data.get(start..end))
        .ok_or_else(|| error("it ends outside the section"))?;
    budget.take((bytes.len() + name.len() + size_of::<Map>()) as u64)?;
    let autocreate = !section.name.starts_with('?');
    let map = Map {
        name: name.to_owned(),
        origin: MapOrigin::StructOps { bytes: bytes.to_vec(), autocreate },
        kind: STRUCT_OPS,
        key_size: 4,
        value_size: definition.size,
        max_entries: 1,
        flags: if plain(section.name) == ".struct_ops.link" { LINK } else { 0 },
        value_type: Some(ty),
        ..Map::empty()
    };
    Ok((map, ty))
}
