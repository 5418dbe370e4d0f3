//! The maps of an object: those of `.maps`, of `maps`, and one for each section of data.
//!
//! Knows which byte of which section belongs to which map; follows no relocation.

use std::collections::{HashMap, HashSet};

use abide_btf::{Btf, Kind, Linkage, Type, TypeId};

use crate::budget::Budget;
use crate::elf::{Elf, Section, SymbolKind};
use crate::error::{ObjectError, Place, Problem};
use crate::map_definition::{self, MAPS_OF_MAPS};
use crate::model::{Arena, Map, MapId, MapOrigin};
use crate::struct_ops::Table;

/// `BPF_MAP_TYPE_ARRAY`.
const ARRAY: u32 = 2;
/// `BPF_MAP_TYPE_ARENA`.
const ARENA: u32 = 33;
/// The size of the largest pages in use.
const PAGE: u64 = 64 << 10;
/// `BPF_F_RDONLY_PROG`: programs may only read it.
const RDONLY_PROG: u32 = 1 << 7;
/// `BPF_F_MMAPABLE`: user space may map it.
const MMAPABLE: u32 = 1 << 10;

/// The least size of iproute2's `struct bpf_elf_map`.
const IPROUTE2: usize = 28;
/// `BPF_F_NUMA_NODE`: the NUMA node is given.
const NUMA_NODE: u32 = 1 << 2;

/// The section of the variables that live in the arena.
const ARENA_SECTION: &str = ".addr_space.1";

/// The maps of an object, and where they are.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    pub(crate) list: Vec<Map>,
    pub(crate) arena: Option<Arena>,
    /// Definitions, by section and byte.
    by_place: HashMap<(usize, u64), MapId>,
    /// Sections of data.
    by_section: HashMap<usize, MapId>,
    /// The variables of `.maps` by offset, with where their initial values are.
    pub(crate) variables: Vec<Variable>,
    /// The variables of `.struct_ops`.
    pub(crate) tables: Vec<Table>,
}

/// A variable in `.maps`.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) map: MapId,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    /// Bytes from the start of the section.
    pub(crate) values: Option<u64>,
}

impl Maps {
    pub(crate) fn read(
        elf: &Elf<'_>,
        btf: Option<&Btf>,
        budget: &mut Budget,
    ) -> Result<Maps, ObjectError> {
        let mut maps = Maps::default();
        if let Some((index, section)) = elf.section(".maps")
            && section.size > 0
        {
            let btf = btf.ok_or_else(|| Problem::MapBtf.at(Place::section(section.name)))?;
            maps.defined(index, section, btf, budget)?;
        }
        if let Some(second) = maps.list.iter().filter(|map| map.kind == ARENA).nth(1) {
            let place = Place::section(".maps").with_symbol(&second.name);
            return Err(Problem::Map("there is another arena").at(place));
        }
        if let Some((index, section)) = elf.section("maps")
            && section.size > 0
        {
            maps.legacy(elf, index, section)?;
        }
        let hidden: HashSet<_> = elf
            .symbols
            .iter()
            .filter(|symbol| symbol.hidden)
            .filter_map(|symbol| Some((symbol.section?, symbol.name)))
            .collect();
        for (index, section) in elf.sections.iter().enumerate() {
            if section.is_contents && !section.is_code && section.size > 0 {
                maps.data(index, section, btf, &hidden, budget)?;
            }
        }
        Ok(maps)
    }

    fn add(&mut self, map: Map) -> MapId {
        self.list.push(map);
        MapId(self.list.len() as u32 - 1)
    }

    /// `.maps`, whose variables were given their offsets before.
    fn defined(
        &mut self,
        index: usize,
        section: &Section<'_>,
        btf: &Btf,
        budget: &mut Budget,
    ) -> Result<(), ObjectError> {
        let missing = || Problem::MapBtf.at(Place::section(".maps"));
        let id = btf.by_name(Kind::DataSec, ".maps").ok_or_else(missing)?;
        let Some(Type::DataSec { vars, .. }) = btf.get(id) else { return Err(missing()) };
        for var in vars {
            let Some(Type::Var { name, ty, linkage }) = btf.get(var.ty) else { continue };
            // A map of another object that this one will be linked with.
            if linkage == Linkage::Extern {
                continue;
            }
            let error = |what| Problem::Map(what).at(Place::section(".maps").with_symbol(name));
            if linkage == Linkage::Static {
                return Err(error("it is static, so that nobody could find it"));
            }
            let offset = u64::from(var.offset);
            if offset + u64::from(var.size) > section.size {
                return Err(error("it ends outside the section"));
            }
            if btf.size_of(ty).is_some_and(|size| size > u64::from(var.size)) {
                return Err(error("its type is larger than itself"));
            }
            budget.take(2 * (size_of::<Map>() + name.len()) as u64)?;
            let definition = map_definition::read(btf, name, ty)?;
            let map = self.add(definition.map);
            if self.by_place.insert((index, offset), map).is_some() {
                return Err(error("another map is at the same place"));
            }
            self.variables.push(Variable {
                map,
                offset,
                size: u64::from(var.size),
                values: definition.values.map(|values| offset + u64::from(values)),
            });
        }
        Ok(())
    }

    /// `maps`: an array of `struct bpf_map_def`.
    fn legacy(
        &mut self,
        elf: &Elf<'_>,
        index: usize,
        section: &Section<'_>,
    ) -> Result<(), ObjectError> {
        let mut symbols: Vec<_> = elf
            .symbols
            .iter()
            .filter(|symbol| symbol.section == Some(index) && symbol.kind == SymbolKind::Other)
            .collect();
        symbols.sort_by_key(|symbol| symbol.value);
        for (position, symbol) in symbols.iter().enumerate() {
            let error =
                |what| Problem::LegacyMap(what).at(Place::section("maps").with_symbol(symbol.name));
            let next =
                symbols.get(position + 1).map_or(section.data.len() as u64, |next| next.value);
            let size =
                if symbol.size > 0 { symbol.size } else { next.saturating_sub(symbol.value) };
            let end = symbol.value.saturating_add(size);
            let bytes = section
                .data
                .get(symbol.value as usize..end as usize)
                .ok_or_else(|| error("it lies outside the section"))?;
            let mut fields =
                bytes.as_chunks::<4>().0.iter().map(|chunk| elf.endian.read(chunk) as u32);
            let mut field = || fields.next().ok_or_else(|| error("it has fewer than four numbers"));
            let (kind, key_size, value_size) = (field()?, field()?, field()?);
            let max_entries = field()?;
            // The first loaders had no flags; a shorter definition counts as filled up with zeroes.
            let flags = fields.next().unwrap_or(0);
            if kind == 0 {
                return Err(error("it has no type"));
            }
            // iproute2 added an id, which it needs for inner maps only, and pinning. In old samples
            // of the kernel an inner map and a NUMA node stood there.
            let mut pinning = 0;
            let is_sample = MAPS_OF_MAPS.contains(&kind) || flags & NUMA_NODE != 0;
            if bytes.len() >= IPROUTE2 && !is_sample {
                fields.next();
                pinning = u32::from(fields.next() != Some(0));
            }
            if fields.any(|field| field != 0) {
                return Err(error("what follows its five numbers is not zero"));
            }
            let map = self.add(Map {
                name: symbol.name.to_owned(),
                origin: MapOrigin::Legacy,
                kind,
                key_size,
                value_size,
                max_entries,
                flags,
                pinning,
                ..Map::empty()
            });
            if self.by_place.insert((index, symbol.value), map).is_some() {
                return Err(error("another map is at the same place"));
            }
        }
        Ok(())
    }

    /// A section of data becomes an array of one value, as every loader makes it.
    fn data(
        &mut self,
        index: usize,
        section: &Section<'_>,
        btf: Option<&Btf>,
        hidden: &HashSet<(usize, &str)>,
        budget: &mut Budget,
    ) -> Result<(), ObjectError> {
        let is = |family: &str| {
            section
                .name
                .strip_prefix(family)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let is_arena = section.name == ARENA_SECTION;
        let readonly = is(".rodata");
        if !is(".data") && !is(".bss") && !readonly && !is_arena {
            return Ok(());
        }
        budget.take(section.size + size_of::<Map>() as u64)?;
        let mut bytes = section.data.to_vec();
        // Limited by the budget.
        bytes.resize(section.size as usize, 0);
        if is_arena {
            let error = |what| Problem::Map(what).at(Place::section(section.name));
            let arena = self.list.iter().position(|map| map.kind == ARENA);
            let arena =
                arena.ok_or_else(|| error("there are variables for an arena, but no arena"))?;
            // Its size is in pages, of which the host decides; none are larger than this.
            if u64::from(self.list[arena].max_entries) * PAGE < section.size {
                return Err(error("the arena is too small for its variables"));
            }
            let map = MapId(arena as u32);
            self.by_section.insert(index, map);
            self.arena = Some(Arena { map, bytes });
            return Ok(());
        }
        let value_type = btf.and_then(|btf| btf.by_name(Kind::DataSec, section.name));
        let mut flags = if readonly { RDONLY_PROG } else { 0 };
        if let (Some(btf), Some(ty)) = (btf, value_type)
            && has_visible_variable(btf, ty, |name| hidden.contains(&(index, name)))
        {
            flags |= MMAPABLE;
        }
        let map = self.add(Map {
            name: section.name.to_owned(),
            origin: MapOrigin::Data { section: section.name.to_owned(), bytes, readonly },
            kind: ARRAY,
            key_size: 4,
            value_size: section.size as u32,
            max_entries: 1,
            flags,
            value_type,
            ..Map::empty()
        });
        self.by_section.insert(index, map);
        Ok(())
    }

    /// The map that is defined at a byte of a section.
    pub(crate) fn at(&self, section: usize, offset: u64) -> Option<MapId> {
        self.by_place.get(&(section, offset)).copied()
    }

    /// The map that a section of data became.
    pub(crate) fn of_section(&self, section: usize) -> Option<MapId> {
        self.by_section.get(&section).copied()
    }
}

/// Whether user space has anything to look at: a variable that is neither static nor hidden.
fn has_visible_variable(btf: &Btf, section: TypeId, is_hidden: impl Fn(&str) -> bool) -> bool {
    let Some(Type::DataSec { vars, .. }) = btf.get(section) else { return false };
    vars.iter().any(|var| match btf.get(var.ty) {
        Some(Type::Var { name, linkage, .. }) => linkage != Linkage::Static && !is_hidden(name),
        _ => false,
    })
}
