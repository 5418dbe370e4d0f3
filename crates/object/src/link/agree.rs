//! What the objects must have in common: byte order, license, versions of APIs, and for each shared
//! name one type and one place where it is looked for.

use std::collections::HashMap;

use super::compare::{different_maps, different_types};
use super::error::{LinkError, LinkProblem};
use super::globals::{Global, Globals, SymbolId};
use super::input::Unit;
use crate::error::Place as Where;
use crate::image::{Place, Symbol};
use crate::model::{Extern, ExternKind};

/// Sections of which a linked object has one copy.
const CONSTANTS: [&str; 2] = ["license", "version"];

/// Objects of different byte orders have nothing in common; nothing else is worth saying of them.
pub(super) fn byte_orders(units: &[Unit<'_>], errors: &mut Vec<LinkError>) {
    for unit in units.iter().filter(|unit| unit.image.endian != units[0].image.endian) {
        let other = Some((units[0].file.to_owned(), Where::default()));
        let error = unit.error(LinkProblem::ByteOrders, Where::default());
        errors.push(LinkError { other, ..error });
    }
}

/// Each API is meant in one version.
pub(super) fn stamps(units: &[Unit<'_>], errors: &mut Vec<LinkError>) {
    let mut stamps: HashMap<&str, (usize, String)> = HashMap::new();
    for (number, unit) in units.iter().enumerate() {
        for stamp in &unit.object.stamps {
            let here = format!("{}@{}", stamp.api, stamp.node);
            match stamps.get(stamp.api.as_str()) {
                Some((first, there)) if *there != here => {
                    let place = || Where::section(crate::stamp::SECTION);
                    let problem = LinkProblem::Stamps { here, there: there.clone() };
                    let other = Some((units[*first].file.to_owned(), place()));
                    errors.push(LinkError { other, ..unit.error(problem, place()) });
                }
                Some(_) => {}
                None => drop(stamps.insert(&stamp.api, (number, here))),
            }
        }
    }
}

/// Licenses and versions; marks those that are only copies.
pub(super) fn constants(units: &mut [Unit<'_>], errors: &mut Vec<LinkError>) {
    for name in CONSTANTS {
        constant(units, name, errors);
    }
}

fn constant(units: &mut [Unit<'_>], name: &str, errors: &mut Vec<LinkError>) {
    let mut first: Option<(usize, Vec<u8>)> = None;
    for number in 0..units.len() {
        let unit = &units[number];
        let Some(section) = unit.image.section(name) else { continue };
        let bytes = unit.image.sections[section].bytes();
        let Some((there, constant)) = &first else {
            first = Some((number, bytes.to_vec()));
            continue;
        };
        let text = |bytes: &[u8]| match name {
            "license" => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                format!("`{}`", String::from_utf8_lossy(&bytes[..end]))
            }
            _ => unit.image.endian.read(&bytes[..bytes.len().min(8)]).to_string(),
        };
        let (here, theirs) = (text(bytes), text(constant));
        if here == theirs {
            units[number].is_copy[section] = true;
            continue;
        }
        let problem = LinkProblem::Constants { section: name.to_owned(), here, there: theirs };
        let other = Some((units[*there].file.to_owned(), Where::section(name)));
        errors.push(LinkError { other, ..unit.error(problem, Where::section(name)) });
    }
}

/// Types and places of shared names.
pub(super) fn names(units: &[Unit<'_>], globals: &Globals, errors: &mut Vec<LinkError>) {
    let externs: Vec<HashMap<&str, &Extern>> = units
        .iter()
        .map(|unit| unit.object.externs.iter().map(|one| (one.name.as_str(), one)).collect())
        .collect();
    for global in globals.list.iter().filter(|global| global.all.len() > 1) {
        let names = Names { units, externs: &externs, global };
        let first = global.winner.unwrap_or(global.all[0]);
        for id in global.all.iter().filter(|id| **id != first) {
            // The same conflict once is enough.
            if let Some(problem) = names.differ(*id, first) {
                let at = |id: SymbolId| {
                    let unit = &units[id.unit];
                    unit.place_of(&unit.image.symbols[id.symbol])
                };
                let other = Some((units[first.unit].file.to_owned(), at(first)));
                errors.push(LinkError { other, ..units[id.unit].error(problem, at(*id)) });
            }
        }
    }
}

struct Names<'a, 'd> {
    units: &'a [Unit<'d>],
    externs: &'a [HashMap<&'a str, &'a Extern>],
    global: &'a Global,
}

impl Names<'_, '_> {
    fn symbol(&self, id: SymbolId) -> &Symbol<'_> {
        &self.units[id.unit].image.symbols[id.symbol]
    }

    fn is_defined(&self, id: SymbolId) -> bool {
        matches!(self.symbol(id).place, Place::Section(_))
    }

    /// Where a name is looked for, or what it is.
    fn found_in(&self, id: SymbolId) -> &'static str {
        let symbol = self.symbol(id);
        if let Place::Section(section) = symbol.place {
            let section = &self.units[id.unit].image.sections[section];
            return match section.is_code() {
                true => "code",
                false if [".maps", "maps"].contains(&&*section.name) => "maps",
                false => "data",
            };
        }
        if symbol.place == Place::Absolute {
            return "numbers";
        }
        let declared = self.externs[id.unit].get(self.global.name.as_str());
        match declared.map(|one| (&one.kind, one.section.as_deref())) {
            Some((ExternKind::Kconfig { .. }, _)) => "the kernel's configuration",
            Some((_, Some(".ksyms"))) => "the kernel's symbols",
            Some((_, Some(".maps"))) => "maps",
            Some((ExternKind::Function { .. }, _)) => "code",
            Some((ExternKind::Ksym { ty: Some(_) }, _)) => "data",
            _ => "",
        }
    }

    fn differ(&self, id: SymbolId, first: SymbolId) -> Option<LinkProblem> {
        let name = || self.global.name.clone();
        let (here, there) = (self.found_in(id), self.found_in(first));
        // The address of what is declared as data may be a number.
        let is_data = |place: &str| place.is_empty() || ["numbers", "data"].contains(&place);
        if [here, there].contains(&"numbers") && is_data(here) && is_data(there) {
            return None;
        }
        let is_either = here.is_empty() || there.is_empty();
        if here != there && !is_either {
            let (here, there) = (here.to_owned(), there.to_owned());
            return Some(LinkProblem::Expected { name: name(), here, there });
        }
        let side = |id: SymbolId| {
            let unit = &self.units[id.unit];
            Some((unit.object.btf.as_ref()?, unit.declaration(&self.global.name)?))
        };
        let (one, other) = (side(id)?, side(first)?);
        if here == "maps" && there == "maps" {
            let why = different_maps(one, other, &self.global.name)?;
            return Some(LinkProblem::Maps { name: name(), why });
        }
        if here == "data" && self.is_defined(id) && self.is_defined(first) {
            // Two definitions, one of which is weak: each file reads what it knows of the one that was
            // taken, as with any linker; but none may read beyond it.
            let (one, other) = (self.symbol(id).size, self.symbol(first).size);
            let why = format!("it has {one} bytes here, {other} there");
            return (one != other).then(|| LinkProblem::Types { name: name(), why });
        }
        let why = different_types(one, other)?;
        Some(LinkProblem::Types { name: name(), why })
    }
}
