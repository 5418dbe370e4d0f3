//! What code and data refer to, moved along.
//!
//! References to what is static and to addresses of functions count from the start of their section,
//! all others go by name: as clang writes them, whichever compiler wrote these, since that is what
//! libbpf understands.

use std::borrow::Cow;
use std::collections::HashMap;

use abide_isa::{Endian, Raw};

use super::error::{LinkError, LinkProblem};
use super::globals::{Globals, SymbolId};
use super::input::Unit;
use super::layout::Layout;
use crate::error::{Place as Where, Problem};
use crate::image::{Contents, Place, Relocation, Section, Symbol};
use crate::relocate::{
    ABS64, CALL, CALL_IMM, JUMP_TABLES, LD_IMM64, LOAD, NONE, OLD_ABS64, PSEUDO_CALL, PSEUDO_FUNC,
    called, loaded,
};

/// A symbol of the new object, before they are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// The start of a section.
    Section(usize),
    /// A symbol that only its own object sees.
    Local(SymbolId),
    /// A name that all see.
    Global(usize),
}

/// A place to be filled in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference {
    pub(super) section: usize,
    pub(super) offset: u64,
    pub(super) kind: u32,
    pub(super) target: Target,
}

/// Moves what the objects refer to; the rest of each reference is written where it is.
pub(super) fn moved(
    units: &[Unit<'_>],
    globals: &Globals,
    layout: &mut Layout,
    errors: &mut Vec<LinkError>,
) -> Vec<Reference> {
    let mut all = Vec::new();
    for (number, unit) in units.iter().enumerate() {
        let mut functions = HashMap::new();
        for (index, symbol) in unit.image.symbols.iter().enumerate() {
            if let (Place::Section(section), Symbol::FUNCTION) = (symbol.place, symbol.kind) {
                functions.entry((section, symbol.value)).or_insert(index);
            }
        }
        let mut mover = Mover { units, unit, number, globals, layout, functions, all: &mut all };
        for (index, section) in unit.image.sections.iter().enumerate() {
            if mover.layout.section(number, index).is_none() || unit.is_copy[index] {
                continue;
            }
            for relocation in &section.relocations {
                if let Err(refused) = mover.relocation(index, section, relocation) {
                    let (problem, symbol) = *refused;
                    let place = Where::section(&section.name);
                    let place = match section.is_code() {
                        true => place.with_insn(relocation.offset / 8),
                        false => place,
                    };
                    let place = match symbol {
                        Some(symbol) => place.with_symbol(symbol),
                        None => place,
                    };
                    errors.push(unit.error(problem, place));
                }
            }
            if section.is_code() {
                mover.local(index, section);
            }
        }
        if let Err((what, code)) = mover.jumps() {
            let place = Where::section(&unit.image.sections[code].name);
            errors.push(unit.error(unlinkable(what), place));
        }
    }
    all.sort_by_key(|one| (one.section, one.offset));
    all
}

/// What an object means by a reference.
#[derive(Debug, Clone, Copy)]
enum Meant {
    /// A name that all see, and bytes after it.
    Global(usize, i64),
    /// A symbol of its own, and bytes after it.
    Local(usize, i64),
    /// A byte of one of its sections.
    Place(usize, i64),
}

struct Mover<'a, 'd> {
    units: &'a [Unit<'d>],
    unit: &'a Unit<'d>,
    number: usize,
    globals: &'a Globals,
    layout: &'a mut Layout,
    /// The first function at each place.
    functions: HashMap<(usize, u64), usize>,
    all: &'a mut Vec<Reference>,
}

type Refused<'a> = Box<(LinkProblem, Option<&'a str>)>;

fn unlinkable(why: &'static str) -> LinkProblem {
    LinkProblem::Unlinkable(why)
}

impl<'a> Mover<'a, '_> {
    fn relocation(
        &mut self,
        index: usize,
        section: &Section<'_>,
        relocation: &Relocation,
    ) -> Result<(), Refused<'a>> {
        let here = self.layout.place(self.number, index, relocation.offset);
        // It goes with the function that it is in.
        let Some((out, offset)) = here else { return Ok(()) };
        if relocation.kind == NONE {
            return Ok(());
        }
        let endian = self.unit.image.endian;
        let found = usize::try_from(relocation.offset)
            .ok()
            .and_then(|at| section.bytes().get(at..)?.first_chunk::<8>());
        let symbol = relocation.symbol.and_then(|symbol| self.unit.image.symbols.get(symbol));
        let name = symbol.map(|symbol| &*symbol.name).filter(|name| !name.is_empty());
        let wrong = |problem| Box::new((problem, name));
        let (Some(bytes), Some(symbol)) = (found, relocation.symbol) else {
            let what = "it is outside its section, or for no symbol";
            return Err(wrong(LinkProblem::Object(Box::new(Problem::Relocation(what).nowhere()))));
        };
        let raw = Raw::from_bytes(*bytes, endian);
        let is_code = section.is_code();
        let (kind, written) = match relocation.kind {
            LOAD if is_code && raw.code == LD_IMM64 => (LOAD, i64::from(raw.imm)),
            CALL if is_code && raw.code == CALL_IMM => (CALL, i64::from(raw.imm)),
            // What belongs to no function, which nobody reads.
            LOAD | CALL if is_code => return Ok(()),
            ABS64 | LOAD | OLD_ABS64 if !is_code => (ABS64, endian.read(bytes).cast_signed()),
            kind => {
                let problem = Problem::RelocationType(kind).nowhere();
                return Err(wrong(LinkProblem::Object(Box::new(problem))));
            }
        };
        let written = written.saturating_add(relocation.addend);
        let meant = self.meant(symbol, kind, written).map_err(wrong)?;
        if let Some(number) = self.number(meant) {
            return self.fill(out, offset, kind, number).map_err(wrong);
        }
        let (target, distance) = self.target(meant, kind).map_err(wrong)?;
        self.write(out, offset, kind, target, distance).map_err(wrong)
    }

    fn meant(&self, index: usize, kind: u32, written: i64) -> Result<Meant, LinkProblem> {
        let symbol = &self.unit.image.symbols[index];
        let is_named = symbol.kind != Symbol::SECTION;
        let offset = match kind {
            CALL => called(self.unit.sums, is_named, symbol.value, written),
            _ => loaded(self.unit.sums, is_named, symbol.value, written),
        };
        let global = match self.unit.is_global(symbol) {
            true => self.globals.of(&symbol.name),
            false => None,
        };
        let distance = offset.saturating_sub(symbol.value.cast_signed());
        match (symbol.place, global) {
            (_, Some(global)) => Ok(Meant::Global(global, distance)),
            (Place::Section(section), None) => {
                let is_table = self.unit.image.sections[section].name == JUMP_TABLES;
                if is_named && (is_table || symbol.kind == Symbol::FUNCTION && distance == 0) {
                    return Ok(Meant::Local(index, distance));
                }
                Ok(self.at(section, offset))
            }
            _ => Err(unlinkable("its symbol is in no section")),
        }
    }

    /// What is meant, if that is a number.
    fn number(&self, meant: Meant) -> Option<i64> {
        let Meant::Global(global, distance) = meant else { return None };
        let winner = self.globals.list[global].winner?;
        let symbol = &self.units[winner.unit].image.symbols[winner.symbol];
        let is_number = symbol.place == Place::Absolute;
        is_number.then(|| symbol.value.cast_signed().wrapping_add(distance))
    }

    /// Writes a number, for which nothing is left to be filled in when the object is loaded.
    fn fill(&mut self, section: usize, at: u64, kind: u32, number: i64) -> Result<(), LinkProblem> {
        if kind == CALL {
            return Err(unlinkable("it calls what is only a number"));
        }
        let endian = self.unit.image.endian;
        let section = &mut self.layout.sections[section];
        let outside = || unlinkable("it is outside its section");
        if kind == ABS64 {
            endian.write(number.cast_unsigned(), bytes(section, at).ok_or_else(outside)?);
            return Ok(());
        }
        for (at, imm) in [(at, number as i32), (at + 8, (number >> 32) as i32)] {
            let bytes = bytes(section, at).ok_or_else(outside)?;
            *bytes = Raw { imm, src: 0, ..Raw::from_bytes(*bytes, endian) }.to_bytes(endian);
        }
        Ok(())
    }

    /// What is at a byte of a section.
    fn at(&self, section: usize, offset: i64) -> Meant {
        let function = u64::try_from(offset).ok().and_then(|at| self.functions.get(&(section, at)));
        let Some(index) = function else { return Meant::Place(section, offset) };
        let symbol = &self.unit.image.symbols[*index];
        match self.unit.is_global(symbol).then(|| self.globals.of(&symbol.name)).flatten() {
            Some(global) => Meant::Global(global, 0),
            None => Meant::Local(*index, 0),
        }
    }

    /// The symbol that stands for it, and how far behind that it is.
    fn target(&self, meant: Meant, kind: u32) -> Result<(Target, i64), LinkProblem> {
        let (number, section, offset) = match meant {
            Meant::Local(index, distance) => {
                let symbol = &self.unit.image.symbols[index];
                match symbol.place {
                    Place::Section(section) if kind != ABS64 && symbol.kind == Symbol::FUNCTION => {
                        (self.number, section, symbol.value.cast_signed().saturating_add(distance))
                    }
                    _ => {
                        let id = SymbolId { unit: self.number, symbol: index };
                        return Ok((Target::Local(id), distance));
                    }
                }
            }
            Meant::Global(global, distance) => {
                let Some(winner) = self.globals.list[global].winner else {
                    return Ok((Target::Global(global), distance));
                };
                let unit = &self.units[winner.unit];
                let symbol = &unit.image.symbols[winner.symbol];
                let Place::Section(section) = symbol.place else {
                    return Err(unlinkable("its symbol is in no section"));
                };
                let found = &unit.image.sections[section];
                let is_named = [".maps", "maps", JUMP_TABLES].contains(&&*found.name);
                if distance != 0 && (is_named || found.is_code()) {
                    return Err(unlinkable("it refers to the middle of a function or a map"));
                }
                if is_named || found.is_code() && kind != LOAD {
                    return Ok((Target::Global(global), 0));
                }
                // A variable keeps its name, unless what is written could be taken for a distance
                // that includes the variable's own, as gcc 12 writes it; see [`crate::relocate::sums`].
                let place = self.layout.place(winner.unit, section, symbol.value);
                let is_plain = |(_, at): (usize, u64)| at == 0 || distance < at.cast_signed();
                if !found.is_code() && place.is_some_and(is_plain) {
                    return Ok((Target::Global(global), distance));
                }
                (winner.unit, section, symbol.value.cast_signed().saturating_add(distance))
            }
            Meant::Place(section, offset) => (self.number, section, offset),
        };
        // The distance may lead out of the variable, even before the first.
        let start = self.layout.place(number, section, 0);
        let place = match u64::try_from(offset) {
            Ok(at) => self.layout.place(number, section, at).map(|(out, at)| (out, at as i64)),
            Err(_) => start.map(|(out, at)| (out, at as i64 + offset)),
        };
        match place {
            Some((out, at)) => Ok((Target::Section(out), at)),
            None => Err(unlinkable("it refers to code or data that is not in the linked object")),
        }
    }

    fn write(
        &mut self,
        section: usize,
        offset: u64,
        kind: u32,
        target: Target,
        distance: i64,
    ) -> Result<(), LinkProblem> {
        let is_defined = match target {
            Target::Global(global) => self.globals.list[global].winner.is_some(),
            _ => true,
        };
        let endian = self.unit.image.endian;
        let Some(bytes) = bytes(&mut self.layout.sections[section], offset) else {
            return Err(unlinkable("it is outside its section"));
        };
        if kind == ABS64 {
            endian.write(distance.cast_unsigned(), bytes);
        } else {
            let mut raw = Raw::from_bytes(*bytes, endian);
            let number = if kind == CALL { distance / 8 - 1 } else { distance };
            raw.imm = i32::try_from(number)
                .map_err(|_| unlinkable("the distance no longer fits the instruction"))?;
            if kind == CALL && is_defined {
                raw.src = PSEUDO_CALL;
            }
            *bytes = raw.to_bytes(endian);
        }
        self.all.push(Reference { section, offset, kind, target });
        Ok(())
    }

    /// The entries of tables of jumps; or why not, and the section of the code.
    fn jumps(&mut self) -> Result<(), (&'static str, usize)> {
        let place = |code, byte| self.layout.place(self.number, code, byte);
        let tables = self.unit.image.jump_tables(|code, byte| place(code, byte).is_some())?;
        let endian = self.unit.image.endian;
        for table in tables {
            for at in table.entries() {
                let entry = &self.unit.image.sections[table.section].bytes()[at..at + 8];
                let to = self.layout.place(self.number, table.code, endian.read(entry));
                let (_, to) =
                    to.ok_or(("a jump of a table leads to what is left out", table.code))?;
                let here = self.layout.place(self.number, table.section, at as u64);
                let Some((out, here)) = here else { continue };
                if let Some(bytes) = bytes(&mut self.layout.sections[out], here) {
                    endian.write(to, bytes);
                }
            }
        }
        Ok(())
    }

    /// Calls and addresses of functions of the same section, whose distance is written in the
    /// instruction: it changes when something between them was left out.
    fn local(&mut self, index: usize, section: &Section<'_>) {
        let endian = self.unit.image.endian;
        let relocated: std::collections::HashSet<u64> =
            section.relocations.iter().map(|one| one.offset).collect();
        for (slot, raw) in references(section, endian) {
            if relocated.contains(&(slot * 8)) {
                continue;
            }
            let to = slot.cast_signed() + 1 + i64::from(raw.imm);
            let from = self.layout.place(self.number, index, slot * 8);
            let Some((out, at)) = from else { continue };
            let there = u64::try_from(to * 8).ok();
            let there = there.and_then(|to| self.layout.place(self.number, index, to));
            let imm = match there {
                Some((_, there)) => (there as i64 - at as i64) / 8 - 1,
                // The function was left out: then it has a name, under which there is another one.
                None => match self.at(index, to * 8) {
                    Meant::Global(global, _) => {
                        let kind = if raw.code == CALL_IMM { CALL } else { LOAD };
                        // It cannot fail: the function is there, and no section is as large as that.
                        let target = self.target(Meant::Global(global, 0), kind);
                        let _ = target.and_then(|(to, by)| self.write(out, at, kind, to, by));
                        continue;
                    }
                    _ => continue,
                },
            };
            let (Ok(imm), Some(bytes)) =
                (i32::try_from(imm), bytes(&mut self.layout.sections[out], at))
            else {
                continue;
            };
            *bytes = Raw { imm, ..raw }.to_bytes(endian);
        }
    }
}

/// The calls and loads of functions in a section, by slot.
fn references(section: &Section<'_>, endian: Endian) -> Vec<(u64, Raw)> {
    let slots = Raw::read_all(section.bytes(), endian).0;
    let (mut found, mut slot) = (Vec::new(), 0);
    while let Some(raw) = slots.get(slot) {
        if matches!((raw.code, raw.src), (CALL_IMM, PSEUDO_CALL) | (LD_IMM64, PSEUDO_FUNC)) {
            found.push((slot as u64, *raw));
        }
        slot += if raw.code == LD_IMM64 { 2 } else { 1 };
    }
    found
}

/// Eight bytes of a section.
fn bytes<'s>(section: &'s mut Section<'static>, offset: u64) -> Option<&'s mut [u8; 8]> {
    let Contents::Bytes(Cow::Owned(bytes)) = &mut section.contents else { return None };
    bytes.get_mut(usize::try_from(offset).ok()?..)?.first_chunk_mut::<8>()
}
