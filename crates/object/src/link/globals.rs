//! The names that objects share, and which definition of each is taken.
//!
//! One that is not weak wins over weak ones, of those the first. A name without a definition stays to
//! be found at load time; it is weak only if all objects can do without it. Visibility is the least
//! that any object grants, as ELF wants it. A number may be defined again if it is the same.

use std::collections::HashMap;

use super::error::{LinkError, LinkProblem};
use super::input::Unit;
use crate::image::{Place, Symbol};
use crate::relocate::JUMP_TABLES;

/// A symbol of one of the objects, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SymbolId {
    pub(super) unit: usize,
    pub(super) symbol: usize,
}

/// A name that objects share.
#[derive(Debug)]
pub(super) struct Global {
    pub(super) name: String,
    /// The definition; none if it is not defined in any of them.
    pub(super) winner: Option<SymbolId>,
    /// Definitions and references, in the order of the objects.
    pub(super) all: Vec<SymbolId>,
    pub(super) bind: u8,
    pub(super) other: u8,
}

/// Why a symbol cannot be one of several objects.
fn unlinkable(unit: &Unit<'_>, symbol: &Symbol<'_>) -> Option<&'static str> {
    let is_code = |section: usize| unit.image.sections[section].is_code();
    match symbol.place {
        Place::Section(section)
            if unit.image.sections[section].name == JUMP_TABLES && is_code(section) =>
        {
            Some("it is in a table of jumps, which cannot be code")
        }
        Place::Common => Some("it is in no section; compile with `-fno-common`"),
        Place::Section(section) if symbol.value > unit.image.sections[section].size() => {
            Some("it lies behind the end of its section")
        }
        Place::Section(_)
            if symbol.bind != Symbol::LOCAL && symbol.name.is_empty() && unit.is_thing(symbol) =>
        {
            Some("other objects are to see it, but it has no name")
        }
        _ => None,
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Globals {
    pub(super) list: Vec<Global>,
    by_name: HashMap<String, usize>,
}

impl Globals {
    pub(super) fn resolve(units: &[Unit<'_>], errors: &mut Vec<LinkError>) -> Globals {
        let mut globals = Globals::default();
        for (number, unit) in units.iter().enumerate() {
            for (index, symbol) in unit.image.symbols.iter().enumerate() {
                if let Some(what) = unlinkable(unit, symbol) {
                    errors.push(unit.error(LinkProblem::Unlinkable(what), unit.place_of(symbol)));
                } else if unit.is_global(symbol) {
                    globals.add(units, SymbolId { unit: number, symbol: index }, errors);
                }
            }
        }
        globals
    }

    fn add(&mut self, units: &[Unit<'_>], id: SymbolId, errors: &mut Vec<LinkError>) {
        let symbol = |id: SymbolId| &units[id.unit].image.symbols[id.symbol];
        let new = symbol(id);
        let is_defined = new.place != Place::Undefined;
        let Some(known) = self.by_name.get(&*new.name) else {
            self.by_name.insert(new.name.to_string(), self.list.len());
            self.list.push(Global {
                name: new.name.to_string(),
                winner: is_defined.then_some(id),
                all: vec![id],
                bind: new.bind,
                other: new.other,
            });
            return;
        };
        let global = &mut self.list[*known];
        global.all.push(id);
        global.other = narrower(global.other, new.other);
        match (global.winner, is_defined) {
            (None, true) => (global.winner, global.bind) = (Some(id), new.bind),
            (None, false) if new.bind != Symbol::WEAK => global.bind = new.bind,
            (Some(_), true) if new.bind == Symbol::WEAK => {}
            (Some(_), true) if global.bind == Symbol::WEAK => {
                (global.winner, global.bind) = (Some(id), new.bind);
            }
            (Some(winner), true) if is_same_number(symbol(winner), new) => {}
            (Some(winner), true) => {
                let (unit, first) = (&units[id.unit], &units[winner.unit]);
                let other = Some((first.file.to_owned(), first.place_of(symbol(winner))));
                let problem = LinkProblem::Twice { name: global.name.clone() };
                errors.push(LinkError { other, ..unit.error(problem, unit.place_of(new)) });
            }
            _ => {}
        }
    }

    pub(super) fn of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Whether a symbol is a definition that was not taken.
    pub(super) fn is_dead(&self, unit: &Unit<'_>, id: SymbolId) -> bool {
        let symbol = &unit.image.symbols[id.symbol];
        unit.is_global(symbol)
            && symbol.place != Place::Undefined
            && self.of(&symbol.name).is_some_and(|global| self.list[global].winner != Some(id))
    }
}

/// Whether two definitions say the same: a number, as assemblers define it.
fn is_same_number(one: &Symbol<'_>, other: &Symbol<'_>) -> bool {
    let is_number = |symbol: &Symbol<'_>| symbol.place == Place::Absolute;
    is_number(one) && is_number(other) && one.value == other.value
}

/// The lesser of two visibilities: default, then protected, hidden, internal.
fn narrower(one: u8, other: u8) -> u8 {
    match (one & 3, other & 3) {
        (0, _) => other,
        (_, 0) => one,
        (left, right) if left <= right => one,
        _ => other,
    }
}
