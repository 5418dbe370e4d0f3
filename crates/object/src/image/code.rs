//! Changing the code of a section: other instructions, more or fewer, in the place of some.
//!
//! Everything that counts instructions moves along: symbols, relocations and the distances in them,
//! jumps, calls of functions of the same section, and the records of `.BTF.ext`. What the new
//! instructions do is not looked at.

use std::collections::HashSet;
use std::ops::Range;

use abide_isa::{Endian, Raw};

use super::{Contents, Image, Place, Relocation, Symbol, ext};
use crate::budget::Budget;
use crate::elf::Elf;
use crate::error::{ObjectError, Place as Where, Problem};
use crate::relocate::{
    ABS64, CALL, CALL_IMM, LD_IMM64, LOAD, OLD_ABS64, PSEUDO_CALL, PSEUDO_FUNC, sums,
};

/// New code in the place of some slots of a section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// What is replaced, in slots from the start of the section. An empty range inserts before its
    /// start; whoever jumped there then runs the new code first.
    pub slots: Range<u32>,
    /// The new code. Its jumps count within itself.
    pub code: Vec<Raw>,
    /// What is to be filled in there; offsets are bytes from the start of `code`.
    pub relocations: Vec<Relocation>,
}

impl Image<'_> {
    /// Replaces code of a section, all at once; ranges are those of the section as it is, in order.
    ///
    /// A function whose slots all go with nothing in their place goes as well. When the number of
    /// slots changes, DWARF is taken out: nothing in here could move what it says.
    ///
    /// # Errors
    /// When a patch is not possible: it is outside the section, cuts an instruction in two, leaves
    /// something that refers to the middle of what is gone, or a jump becomes too long. Nothing is
    /// changed then.
    pub fn patch(&mut self, section: usize, patches: &[Patch]) -> Result<(), ObjectError> {
        let moves = Moves::new(self, section, patches)?;
        let mut image = self.clone();
        if patches.iter().any(|patch| patch.slots.len() != patch.code.len()) {
            let written = self.write()?;
            if sums(&Elf::parse(&written, &mut Budget::new())?) {
                let what = "its assembler (of gcc before 14) left no distances that could be moved";
                return Err(Problem::Patch(what).nowhere());
            }
            image.remove(|section| section.is_debug())?;
            // Sections of debug data that went may have been before this one.
            let before = self.sections[..section].iter().filter(|one| one.is_debug()).count();
            return Edit { section: section - before, moves }.apply(image).map(|new| *self = new);
        }
        Edit { section, moves }.apply(image).map(|new| *self = new)
    }
}

/// Where slots go.
struct Moves<'p> {
    /// In order, each beginning after the one before it.
    patches: &'p [Patch],
    /// For each patch, how many slots what comes after it moves by.
    shifts: Vec<i64>,
    place: Where,
}

impl<'p> Moves<'p> {
    fn new(image: &Image<'_>, index: usize, patches: &'p [Patch]) -> Result<Self, ObjectError> {
        let section = image
            .sections
            .get(index)
            .filter(|section| section.is_code())
            .ok_or_else(|| Problem::Patch("it is no section of code").nowhere())?;
        let place = Where::section(&section.name);
        let mut moves = Moves { patches, shifts: Vec::with_capacity(patches.len()), place };
        let slots = (section.bytes().len() / Raw::SIZE) as u32;
        let symbols = image.symbols.len();
        let mut last: Option<&Range<u32>> = None;
        let mut shift = 0;
        for Patch { slots: range, code, relocations } in patches {
            let is_outside = range.start > range.end || range.end > slots;
            if is_outside || !section.bytes().len().is_multiple_of(Raw::SIZE) {
                return Err(moves.error("it is outside the section", range.start));
            }
            if last.is_some_and(|last| range.start < last.end || range.start == last.start) {
                return Err(moves.error("it overlaps the one before it", range.start));
            }
            let fits = |one: &Relocation| {
                one.offset / 8 < code.len() as u64 && one.symbol.is_none_or(|it| it < symbols)
            };
            if !relocations.iter().all(fits) {
                return Err(moves.error("a relocation is not in its code", range.start));
            }
            last = Some(range);
            shift += code.len() as i64 - range.len() as i64;
            moves.shifts.push(shift);
        }
        Ok(moves)
    }

    fn error(&self, what: &'static str, slot: u32) -> ObjectError {
        Problem::Patch(what).at(self.place.clone().with_insn(u64::from(slot)))
    }

    /// The place before a slot and whatever is inserted there; none in the middle of what is replaced.
    fn before(&self, slot: u32) -> Option<u32> {
        let Some(last) = self.patches.partition_point(|it| it.slots.start < slot).checked_sub(1)
        else {
            return Some(slot);
        };
        // Of those before it, only the last can reach as far.
        if slot < self.patches[last].slots.end {
            return None;
        }
        u32::try_from(i64::from(slot) + self.shifts[last]).ok()
    }

    /// The patch that begins at a slot.
    fn starting(&self, slot: u32) -> Option<&'p Patch> {
        let found = self.patches.binary_search_by_key(&slot, |patch| patch.slots.start).ok()?;
        Some(&self.patches[found])
    }

    /// Where the instruction in a slot goes; none if it goes away.
    fn instruction(&self, slot: u32) -> Option<u32> {
        if self.replaced(slot).is_some() {
            return None;
        }
        let inserted = self.starting(slot).map_or(0, |patch| patch.code.len() as u32);
        Some(self.before(slot)? + inserted)
    }

    /// The patch that replaces a slot.
    fn replaced(&self, slot: u32) -> Option<&'p Patch> {
        let after = self.patches.partition_point(|patch| patch.slots.start <= slot);
        let last = &self.patches[after.checked_sub(1)?];
        last.slots.contains(&slot).then_some(last)
    }

    /// Whether nothing is left of a function.
    fn is_gone(&self, slots: &Range<u32>) -> bool {
        !slots.is_empty()
            && self
                .replaced(slots.start)
                .is_some_and(|patch| patch.code.is_empty() && patch.slots.end >= slots.end)
    }
}

struct Edit<'p> {
    section: usize,
    moves: Moves<'p>,
}

impl Edit<'_> {
    fn apply<'d>(&self, mut image: Image<'d>) -> Result<Image<'d>, ObjectError> {
        let endian = image.endian;
        // Distances first: they are told by symbols where they were.
        let mut all = std::mem::take(&mut image.sections);
        for (index, section) in all.iter_mut().enumerate() {
            let is_here = index == self.section;
            // Its records move as records, see below.
            if section.name == ".BTF.ext" {
                continue;
            }
            for at in 0..section.relocations.len() {
                let one = section.relocations[at];
                if is_here && self.moves.replaced((one.offset / 8) as u32).is_some() {
                    continue;
                }
                let symbol = one.symbol.map(|symbol| &image.symbols[symbol]);
                let Some(symbol) = symbol.filter(|it| it.place == Place::Section(self.section))
                else {
                    continue;
                };
                let is_code = section.is_code();
                let Contents::Bytes(bytes) = &mut section.contents else { continue };
                let Some(field) = Field::of(one, is_code) else { continue };
                let Some(distance) = field.read(bytes, endian, one.addend) else { continue };
                let Some(moved) = self.distance(symbol, distance) else {
                    let what = "something refers to what is replaced";
                    let place = Where::section(&section.name).with_insn(one.offset / 8);
                    return Err(Problem::Patch(what).at(place.with_symbol(&symbol.name)));
                };
                if moved == distance {
                    continue;
                }
                if section.has_addends {
                    let difference = field.scaled(moved) - field.scaled(distance);
                    section.relocations[at].addend += difference;
                } else if field.write(bytes.to_mut(), endian, moved).is_none() {
                    return Err(self.moves.error("a distance becomes too long", 0));
                }
            }
        }
        image.sections = all;
        self.jumps(&mut image)?;
        self.code(&mut image)?;
        self.relocations(&mut image);
        let dead = self.symbols(&mut image)?;
        self.records(&mut image)?;
        image.forget(&dead);
        Ok(image)
    }

    /// Moves the entries of tables of jumps.
    fn jumps(&self, image: &mut Image<'_>) -> Result<(), ObjectError> {
        let is_left = |code: usize, byte: u64| {
            code != self.section || self.moves.replaced((byte / 8) as u32).is_none()
        };
        let tables = image.jump_tables(is_left).map_err(|(what, code)| {
            Problem::Patch(what).at(Where::section(&image.sections[code].name))
        })?;
        let endian = image.endian;
        for table in tables.iter().filter(|table| table.code == self.section) {
            let Contents::Bytes(bytes) = &mut image.sections[table.section].contents else {
                continue;
            };
            for at in table.entries() {
                let entry = &mut bytes.to_mut()[at..at + 8];
                let to = self.byte(endian.read(entry)).ok_or_else(|| {
                    let what = "a table of jumps leads to the middle of what is replaced";
                    Problem::Patch(what).at(self.moves.place.clone())
                })?;
                endian.write(to, entry);
            }
        }
        Ok(())
    }

    /// The new distance from a symbol of this section to what lay that many bytes after it.
    fn distance(&self, symbol: &Symbol<'_>, distance: i64) -> Option<i64> {
        let from = self.byte(symbol.value)?;
        let to = u64::try_from(symbol.value.cast_signed().checked_add(distance)?).ok()?;
        let slot = u32::try_from(to / 8).ok()?;
        // A function that goes away cannot be meant any more.
        if self.moves.is_gone(&(slot..slot + 1)) {
            return None;
        }
        Some(self.byte(to)?.cast_signed() - from.cast_signed())
    }

    fn byte(&self, byte: u64) -> Option<u64> {
        let slot = u32::try_from(byte / 8).ok()?;
        Some(u64::from(self.moves.before(slot)?) * 8 + byte % 8)
    }

    fn code(&self, image: &mut Image<'_>) -> Result<(), ObjectError> {
        let endian = image.endian;
        let section = &mut image.sections[self.section];
        let relocated: HashSet<u64> = section.relocations.iter().map(|one| one.offset).collect();
        let old = Raw::read_all(section.bytes(), endian).0;
        let mut new: Vec<Raw> = Vec::with_capacity(old.len());
        let (mut slot, mut patches) = (0, self.moves.patches.iter().peekable());
        loop {
            if let Some(patch) = patches.next_if(|patch| patch.slots.start == slot) {
                new.extend(&patch.code);
                slot = patch.slots.end;
                if !patch.slots.is_empty() {
                    continue;
                }
            }
            let Some(raw) = old.get(slot as usize) else { break };
            let mut raw = *raw;
            let is_free = !relocated.contains(&(u64::from(slot) * 8));
            let here = new.len() as i64 + 1;
            let to = |distance: i64| {
                let to = u32::try_from(i64::from(slot) + 1 + distance).ok();
                let to = to.filter(|to| *to as usize <= old.len())?;
                Some(i64::from(self.moves.before(to)?) - here)
            };
            let at = slot;
            let error = |what| self.moves.error(what, at);
            let lost = "it goes to the middle of what is replaced, or nowhere";
            let long = "the jump becomes too long";
            match Reference::of(&raw, is_free) {
                None => {}
                Some(Reference::Near) => {
                    let distance = to(i64::from(raw.off)).ok_or_else(|| error(lost))?;
                    raw.off = i16::try_from(distance).map_err(|_| error(long))?;
                }
                Some(reference) => {
                    let distance = i64::from(raw.imm);
                    if reference == Reference::Function {
                        let target = u32::try_from(i64::from(slot) + 1 + distance);
                        if target.is_ok_and(|it| self.moves.is_gone(&(it..it + 1))) {
                            return Err(error("something refers to what is replaced"));
                        }
                    }
                    let distance = to(distance).ok_or_else(|| error(lost))?;
                    raw.imm = i32::try_from(distance).map_err(|_| error(long))?;
                }
            }
            new.push(raw);
            slot += 1;
            if raw.code == LD_IMM64
                && let Some(second) = old.get(slot as usize)
            {
                if self.moves.starting(slot).is_some() || self.moves.replaced(slot).is_some() {
                    return Err(error("it cuts a 64-bit load in two"));
                }
                new.push(*second);
                slot += 1;
            }
        }
        let bytes: Vec<u8> = new.iter().flat_map(|raw| raw.to_bytes(endian)).collect();
        section.contents = Contents::Bytes(bytes.into());
        Ok(())
    }

    fn relocations(&self, image: &mut Image<'_>) {
        let section = &mut image.sections[self.section];
        section.relocations.retain_mut(|one| {
            match self.moves.instruction((one.offset / 8) as u32) {
                Some(slot) => one.offset = u64::from(slot) * 8 + one.offset % 8,
                None => return false,
            }
            true
        });
        for patch in self.moves.patches {
            let start = u64::from(self.moves.before(patch.slots.start).unwrap_or_default()) * 8;
            let moved = |one: &Relocation| Relocation { offset: one.offset + start, ..*one };
            section.relocations.extend(patch.relocations.iter().map(moved));
        }
        section.relocations.sort_by_key(|one| one.offset);
    }

    /// Moves symbols; those of functions that are gone, and of labels in the middle of what is gone.
    fn symbols(&self, image: &mut Image<'_>) -> Result<HashSet<usize>, ObjectError> {
        let mut dead = HashSet::new();
        for (index, symbol) in image.symbols.iter_mut().enumerate() {
            if symbol.place != Place::Section(self.section) || symbol.kind == Symbol::SECTION {
                continue;
            }
            let end = symbol.value.saturating_add(symbol.size);
            let slots = (symbol.value / 8) as u32..(end / 8) as u32;
            if self.moves.is_gone(&slots) {
                dead.insert(index);
                continue;
            }
            match (self.byte(symbol.value), self.byte(end)) {
                (Some(start), Some(end)) => (symbol.value, symbol.size) = (start, end - start),
                _ if symbol.size == 0 => drop(dead.insert(index)),
                _ => {
                    let what = "it replaces only a part of what the symbol names";
                    let place = self.moves.place.clone().with_symbol(&symbol.name);
                    return Err(Problem::Patch(what).at(place));
                }
            }
        }
        for section in &image.sections {
            let mut symbols = section.relocations.iter().filter_map(|one| one.symbol);
            if let Some(symbol) = symbols.find(|symbol| dead.contains(symbol)) {
                let place = Where::section(&section.name).with_symbol(&image.symbols[symbol].name);
                return Err(Problem::Patch("something refers to what is replaced").at(place));
            }
        }
        Ok(dead)
    }

    /// Moves the records of `.BTF.ext`.
    fn records(&self, image: &mut Image<'_>) -> Result<(), ObjectError> {
        let (Some(types), Some(at)) = (image.section(".BTF"), image.section(".BTF.ext")) else {
            return Ok(());
        };
        // Records are for the first section of a name.
        let name = &image.sections[self.section].name;
        if image.section(name) != Some(self.section) {
            return Ok(());
        }
        let end = image.sections[self.section].size() / 8;
        let moved = |table, slot| {
            let to = match table {
                ext::Table::Core => self.moves.instruction(slot)?,
                ext::Table::Functions if self.moves.is_gone(&(slot..slot + 1)) => return None,
                ext::Table::Functions => self.moves.before(slot)?,
                // The line of the last instruction that goes holds for what comes after it.
                ext::Table::Lines => match self.moves.before(slot) {
                    Some(to) => to,
                    None => self.moves.before(self.moves.replaced(slot)?.slots.end)?,
                },
            };
            (u64::from(to) < end).then_some(to)
        };
        let bytes = ext::moved(
            image.sections[at].bytes(),
            image.sections[types].bytes(),
            image.endian,
            name,
            moved,
        )?;
        let section = &mut image.sections[at];
        section.contents = Contents::Bytes(bytes.into());
        // They were for a linker that moves sections; the offsets themselves are in the records.
        section.relocations.clear();
        Ok(())
    }
}

/// What of an instruction says where another one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reference {
    /// A jump, by its offset.
    Near,
    /// A jump, by its immediate.
    Far,
    /// A call of a function, or its address, by the immediate.
    Function,
}

impl Reference {
    /// `is_free` says that no relocation is for the instruction.
    fn of(raw: &Raw, is_free: bool) -> Option<Reference> {
        let (class, operation) = (raw.code & 7, raw.code & 0xf0);
        match (class, operation) {
            _ if raw.code == LD_IMM64 => {
                (raw.src == PSEUDO_FUNC && is_free).then_some(Reference::Function)
            }
            (5 | 6, 0x80) => {
                let is_local = raw.code == CALL_IMM && raw.src == PSEUDO_CALL && is_free;
                is_local.then_some(Reference::Function)
            }
            (5 | 6, 0x90) => None,
            // `gotol` has its distance in the immediate; `gotox` has none.
            (6, 0) => Some(Reference::Far),
            (5, 0) if raw.code & 8 != 0 => None,
            (5 | 6, _) => Some(Reference::Near),
            _ => None,
        }
    }
}

/// The field of a relocation that says how far from the symbol it is.
struct Field {
    at: usize,
    width: usize,
    is_call: bool,
}

impl Field {
    fn of(one: Relocation, is_code: bool) -> Option<Field> {
        let at = usize::try_from(one.offset).ok()?;
        Some(match one.kind {
            LOAD | CALL if is_code => {
                Field { at: at.checked_add(4)?, width: 4, is_call: one.kind == CALL }
            }
            LOAD | ABS64 | OLD_ABS64 => Field { at, width: 8, is_call: false },
            0 => return None,
            _ => Field { at, width: 4, is_call: false },
        })
    }

    /// In bytes, from the symbol.
    fn read(&self, bytes: &[u8], endian: Endian, addend: i64) -> Option<i64> {
        let bytes = bytes.get(self.at..self.at.checked_add(self.width)?)?;
        let number = endian.read(bytes).cast_signed();
        let number = if self.width == 4 { i64::from(number as i32) } else { number };
        let number = number.checked_add(addend)?;
        if self.is_call { number.checked_add(1)?.checked_mul(8) } else { Some(number) }
    }

    /// A distance as the field has it, whose first slot is one after the call's.
    fn scaled(&self, distance: i64) -> i64 {
        if self.is_call { distance / 8 } else { distance }
    }

    fn write(&self, bytes: &mut [u8], endian: Endian, distance: i64) -> Option<()> {
        let number = if self.is_call { distance / 8 - 1 } else { distance };
        if self.width == 4 {
            i32::try_from(number).ok()?;
        }
        let out = bytes.get_mut(self.at..self.at + self.width)?;
        endian.write(number.cast_unsigned(), out);
        Some(())
    }
}
