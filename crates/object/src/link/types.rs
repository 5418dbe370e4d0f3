//! The types of all objects as one table: equal ones once, each shared name once, sections with what
//! is in them now, and the records of source lines and of CO-RE moved to where the code went.

use std::collections::{HashMap, HashSet};

use abide_btf::{Btf, BtfExt, Builder, ByteOrder, IdMap, Linkage, SecVar, Section, Type, TypeId};
use abide_isa::Endian;

use super::error::{LinkError, LinkProblem};
use super::globals::{Globals, SymbolId};
use super::input::Unit;
use super::layout::Layout;
use crate::error::Place as Where;
use crate::image::Place;

/// The contents of `.BTF` and `.BTF.ext`.
pub(super) type Tables = (Vec<u8>, Vec<u8>);

/// The types of all objects; none if no object has types.
pub(super) fn merged(
    units: &[Unit<'_>],
    globals: &Globals,
    layout: &Layout,
) -> Result<Option<Tables>, Box<LinkError>> {
    let mut builder = Builder::new();
    let ids: Vec<Option<IdMap>> =
        units.iter().map(|unit| unit.object.btf.as_ref().map(|btf| builder.append(btf))).collect();
    let Some(first) = ids.iter().position(Option::is_some) else { return Ok(None) };
    let merge = Merge { units, globals, layout, ids };
    let mut gone = HashMap::new();
    let shared = merge.share(&mut builder, &mut gone);
    merge.take_out(&shared, &mut gone);
    let sections = merge.sections(&shared, &gone);
    let placed = builder.replace(&gone);
    for (name, mut vars) in sections {
        vars.iter_mut().for_each(|var| var.ty = placed.get(var.ty));
        vars.sort_by_key(|var| var.offset);
        let section = layout.by_name(name);
        let size = section.map_or(0, |section| layout.sections[section].size());
        builder.data_section(name, u32::try_from(size).unwrap_or(u32::MAX), &vars);
    }
    let placed = placed.then(&builder.dedup());
    let order = match units[first].image.endian {
        Endian::Little => ByteOrder::Little,
        Endian::Big => ByteOrder::Big,
    };
    let ext = merge.records(&placed, &mut builder).encode(&mut builder, order);
    let btf = builder.finish(order).map_err(|error| {
        let problem = LinkProblem::Object(Box::new(error.into()));
        Box::new(units[first].error(problem, Where::section(".BTF")))
    })?;
    Ok(Some((btf.encode(), ext)))
}

struct Merge<'a, 'd> {
    units: &'a [Unit<'d>],
    globals: &'a Globals,
    layout: &'a Layout,
    /// Where the types of each object are in the builder.
    ids: Vec<Option<IdMap>>,
}

/// What became of the types of shared names, as ids in the builder.
#[derive(Default)]
struct Shared {
    /// Of definitions of which another was taken.
    overridden: HashSet<TypeId>,
    /// Of names that are defined in none of the objects.
    missing: HashSet<TypeId>,
    /// Of names whose definition has no type: those of a declaration, and which name it is.
    borrowed: HashMap<TypeId, usize>,
}

impl<'a> Merge<'a, '_> {
    fn types(&self) -> impl Iterator<Item = (usize, &'a Btf, &IdMap)> {
        let units = self.units.iter().zip(&self.ids).enumerate();
        units.filter_map(|(number, (unit, ids))| {
            Some((number, unit.object.btf.as_ref()?, ids.as_ref()?))
        })
    }

    fn declared(&self, unit: usize, name: &str) -> Option<TypeId> {
        Some(self.ids[unit].as_ref()?.get(self.units[unit].declaration(name)?))
    }

    fn is_number(&self, winner: Option<SymbolId>) -> bool {
        let symbol = |id: SymbolId| &self.units[id.unit].image.symbols[id.symbol];
        winner.is_some_and(|id| symbol(id).place == Place::Absolute)
    }

    /// For each name that objects share, the one type that stays: that of the definition, or of the
    /// first declaration.
    fn share(&self, builder: &mut Builder, gone: &mut HashMap<TypeId, TypeId>) -> Shared {
        let mut shared = Shared::default();
        for (number, global) in self.globals.list.iter().enumerate() {
            let defined = global.winner.and_then(|id| self.declared(id.unit, &global.name));
            let mut all = global.all.iter();
            let declared = || all.find_map(|id| self.declared(id.unit, &global.name));
            let Some(stays) = defined.or_else(declared) else { continue };
            if self.is_number(global.winner) {
                // A number has no type.
                let all = global.all.iter().filter_map(|id| self.declared(id.unit, &global.name));
                let all: Vec<TypeId> = all.collect();
                gone.extend(all.iter().map(|ty| (*ty, TypeId::VOID)));
                shared.overridden.extend(all);
                continue;
            }
            match (global.winner, defined) {
                (Some(_), Some(_)) => builder.set_linkage(stays, Linkage::Global),
                (Some(_), None) => {
                    builder.set_linkage(stays, Linkage::Global);
                    shared.borrowed.insert(stays, number);
                }
                (None, _) => drop(shared.missing.insert(stays)),
            }
            for id in &global.all {
                let Some(ty) = self.declared(id.unit, &global.name) else { continue };
                if ty != stays {
                    gone.insert(ty, stays);
                    let symbol = &self.units[id.unit].image.symbols[id.symbol];
                    if symbol.place != Place::Undefined {
                        shared.overridden.insert(ty);
                    }
                }
            }
        }
        shared
    }

    /// What has no place any more: sections, which are made anew; variables of sections of which
    /// there is another copy; what is said of definitions of which another was taken.
    fn take_out(&self, shared: &Shared, gone: &mut HashMap<TypeId, TypeId>) {
        for (unit, btf, ids) in self.types() {
            let unit = &self.units[unit];
            let mut copies = HashSet::new();
            for (id, ty) in btf.iter() {
                let Type::DataSec { name, vars, .. } = ty else { continue };
                gone.insert(ids.get(id), TypeId::VOID);
                if unit.image.section(name).is_some_and(|section| unit.is_copy[section]) {
                    copies.extend(vars.iter().map(|var| ids.get(var.ty)));
                }
            }
            gone.extend(copies.iter().map(|copy| (*copy, TypeId::VOID)));
            for (id, ty) in btf.iter() {
                if let Type::DeclTag { ty, .. } = ty {
                    let tagged = ids.get(ty);
                    if shared.overridden.contains(&tagged) || copies.contains(&tagged) {
                        gone.insert(ids.get(id), TypeId::VOID);
                    }
                }
            }
        }
    }

    /// The sections with what is in them.
    fn sections(
        &self,
        shared: &Shared,
        gone: &HashMap<TypeId, TypeId>,
    ) -> Vec<(&'a str, Vec<SecVar>)> {
        let mut sections: Vec<(&'a str, Vec<SecVar>)> = Vec::new();
        let mut add = |name: &'a str, var| match sections.iter_mut().find(|one| one.0 == name) {
            Some((_, vars)) => vars.push(var),
            None => sections.push((name, vec![var])),
        };
        for (number, btf, ids) in self.types() {
            for (_, ty) in btf.iter() {
                let Type::DataSec { name, vars, .. } = ty else { continue };
                let unit = &self.units[number];
                let section = unit.image.section(name);
                let is_one = unit.image.sections.iter().filter(|one| one.name == name).count() < 2;
                for var in vars {
                    let ty = ids.get(var.ty);
                    if gone.contains_key(&ty) || shared.borrowed.contains_key(&ty) {
                        continue;
                    }
                    if shared.missing.contains(&ty) {
                        // Only where it is looked for is known.
                        add(name, SecVar { ty, offset: 0, ..var });
                        continue;
                    }
                    let section = match is_one {
                        true => section,
                        false => unit
                            .section_of(name, btf.get(var.ty).map_or("", |ty| ty.name()))
                            .or(section),
                    };
                    let place = section.and_then(|section| {
                        self.layout.place(number, section, u64::from(var.offset))
                    });
                    let offset = place.and_then(|(_, offset)| u32::try_from(offset).ok());
                    if let Some(offset) = offset {
                        add(name, SecVar { ty, offset, ..var });
                    }
                }
            }
        }
        let mut borrowed: Vec<_> = shared.borrowed.iter().collect();
        borrowed.sort();
        for (ty, global) in borrowed {
            let Some(winner) = self.globals.list[*global].winner else { continue };
            let unit = &self.units[winner.unit];
            let symbol = &unit.image.symbols[winner.symbol];
            let Place::Section(section) = symbol.place else { continue };
            let place = self.layout.place(winner.unit, section, symbol.value);
            let numbers = place.map(|(_, at)| (u32::try_from(at), u32::try_from(symbol.size)));
            if let Some((Ok(offset), Ok(size))) = numbers
                && !unit.image.sections[section].is_code()
            {
                add(&unit.image.sections[section].name, SecVar { ty: *ty, offset, size });
            }
        }
        sections
    }

    /// The records of all code that is still there.
    fn records(&self, placed: &IdMap, builder: &mut Builder) -> BtfExt {
        let mut all = BtfExt::default();
        for (number, btf, ids) in self.types() {
            let unit = &self.units[number];
            let place = |name: &str, offset: &mut u32| {
                let mut sections = unit.image.sections.iter();
                let section = sections.position(|one| one.is_code() && one.name == name);
                let place = section
                    .and_then(|section| self.layout.place(number, section, u64::from(*offset)))
                    .and_then(|(_, offset)| u32::try_from(offset).ok());
                place.map(|place| *offset = place).is_some()
            };
            let mut ext = unit.ext.clone();
            retain(&mut ext.functions, |name, it| place(name, &mut it.insn_off));
            retain(&mut ext.lines, |name, it| place(name, &mut it.insn_off));
            retain(&mut ext.core, |name, it| place(name, &mut it.insn_off));
            let moved = ext.moved(btf, &ids.then(placed), builder);
            append(&mut all.functions, moved.functions);
            append(&mut all.lines, moved.lines);
            append(&mut all.core, moved.core);
        }
        all
    }
}

/// Keeps the records that have a place.
fn retain<T>(all: &mut Vec<Section<T>>, mut place: impl FnMut(&str, &mut T) -> bool) {
    for Section { name, records } in all.iter_mut() {
        records.retain_mut(|record| place(name, record));
    }
    all.retain(|section| !section.records.is_empty());
}

/// Adds records to those of the same section.
fn append<T>(all: &mut Vec<Section<T>>, new: Vec<Section<T>>) {
    for mut section in new {
        match all.iter_mut().find(|one| one.name == section.name) {
            Some(known) => known.records.append(&mut section.records),
            None => all.push(section),
        }
    }
}
