//! Finds out what instructions and initial values refer to. Changes neither.
//!
//! Compilers disagree about where the distance to a symbol is written. clang, and gcc from 14 on,
//! leave only the part that comes on top of the symbol in the instruction; the assembler of gcc 12
//! leaves the symbol's own value in it as well. [`Resolver::sums`] says which it is.

use abide_btf::Btf;
use abide_isa::{Endian, Raw};

use crate::elf::{Elf, Rel64, Section, Symbol, SymbolKind};
use crate::error::{ObjectError, Place, Problem};
use crate::externs::Externs;
use crate::functions::Functions;
use crate::kinds::ProgramType;
use crate::maps::Maps;
use crate::model::{Function, MapId, Program, Relocation, Target};
use crate::struct_ops;

/// `R_BPF_NONE`.
pub(crate) const NONE: u32 = 0;
/// `R_BPF_64_64`: a 64-bit immediate load.
pub(crate) const LOAD: u32 = 1;
/// `R_BPF_64_ABS64`: eight bytes of data.
pub(crate) const ABS64: u32 = 2;
/// `R_BPF_64_32`: a call.
pub(crate) const CALL: u32 = 10;
/// What binutils before 2.41 used for eight bytes of data.
pub(crate) const OLD_ABS64: u32 = 12;

/// The section of the tables of indirect jumps.
pub(crate) const JUMP_TABLES: &str = ".jumptables";

/// `BPF_MAP_TYPE_HASH_OF_MAPS`.
const HASH_OF_MAPS: u32 = 13;

/// The opcode of a 64-bit immediate load, and of a call.
pub(crate) const LD_IMM64: u8 = 0x18;
pub(crate) const CALL_IMM: u8 = 0x85;
/// Source register fields: a call of a function of the program, a load of its address.
pub(crate) const PSEUDO_CALL: u8 = 1;
pub(crate) const PSEUDO_FUNC: u8 = 4;

/// Everything that can be referred to.
pub(crate) struct Resolver<'a> {
    elf: &'a Elf<'a>,
    functions: &'a Functions,
    maps: &'a Maps,
    externs: &'a Externs,
    /// Whether what is written in the instruction already includes the symbol's value.
    sums: bool,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        elf: &'a Elf<'a>,
        functions: &'a Functions,
        maps: &'a Maps,
        externs: &'a Externs,
    ) -> Self {
        Resolver { elf, functions, maps, externs, sums: sums(elf) }
    }

    /// What the slots of each function refer to, in the order of the functions.
    pub(crate) fn code(&self) -> Result<Vec<Vec<Relocation>>, ObjectError> {
        let mut all: Vec<Vec<Relocation>> = Vec::new();
        all.resize_with(self.functions.list.len(), Vec::new);
        for (index, section) in self.elf.sections.iter().enumerate() {
            let range = self.functions.in_section(index);
            for relocation in &section.relocations {
                // What belongs to no function cannot be reached.
                for id in self.functions.holding(index, relocation.offset) {
                    let function = &self.functions.list[id as usize];
                    if let Some(found) = self.instruction(section, function, relocation)? {
                        all[id as usize].push(found);
                    }
                }
            }
            for id in range {
                let function = &self.functions.list[id as usize];
                let found = &mut all[id as usize];
                found.sort_by_key(|relocation| relocation.slot);
                if let Some(twice) = found.windows(2).find(|pair| pair[0].slot == pair[1].slot) {
                    let place = insn(section, function, twice[0].slot);
                    let what = "two relocations are for the same instruction";
                    return Err(Problem::Relocation(what).at(place));
                }
                self.local(index, section, function, found)?;
            }
        }
        Ok(all)
    }

    fn instruction(
        &self,
        section: &Section<'_>,
        function: &Function,
        relocation: &Rel64,
    ) -> Result<Option<Relocation>, ObjectError> {
        let from = relocation.offset - function.offset;
        let slot = (from / 8) as u32;
        let place = || insn(section, function, slot);
        let wrong = |what| Err(Problem::Relocation(what).at(place()));
        if relocation.kind == NONE {
            return Ok(None);
        }
        if !from.is_multiple_of(8) {
            return wrong("it is for the middle of an instruction");
        }
        let raw = function.slots[slot as usize];
        let symbol = self.symbol(relocation, &place)?;
        let place = || place().with_symbol(symbol_name(self.elf, symbol));
        let target = match relocation.kind {
            LOAD if raw.code == LD_IMM64 => {
                self.load(relocation, symbol, i64::from(raw.imm) + relocation.addend, place)?
            }
            CALL if raw.code == CALL_IMM => {
                self.call(relocation, symbol, i64::from(raw.imm) + relocation.addend, place)?
            }
            LOAD | CALL => {
                let what = "it is for an instruction that is neither a call nor a 64-bit load";
                return Err(Problem::Relocation(what).at(place()));
            }
            kind => return Err(Problem::RelocationType(kind).at(place())),
        };
        Ok(Some(Relocation { slot, target }))
    }

    fn symbol(
        &self,
        relocation: &Rel64,
        place: &dyn Fn() -> Place,
    ) -> Result<&'a Symbol<'a>, ObjectError> {
        self.elf
            .symbols
            .get(relocation.symbol)
            .ok_or_else(|| Problem::Relocation("it names a symbol that does not exist").at(place()))
    }

    /// What a 64-bit immediate load, or eight bytes of data, refer to.
    fn load(
        &self,
        relocation: &Rel64,
        symbol: &Symbol<'_>,
        addend: i64,
        place: impl Fn() -> Place,
    ) -> Result<Target, ObjectError> {
        if let Some(id) = self.externs.of_symbol(relocation.symbol) {
            return Ok(Target::Extern(id));
        }
        let Some(section) = symbol.section else { return Err(nowhere().at(place())) };
        let is_named = symbol.kind != SymbolKind::Section;
        let sum = loaded(self.sums, is_named, symbol.value, addend);
        self.place(section, sum, relocation.symbol).map_err(|problem| problem.at(place()))
    }

    /// What lies at a byte of a section.
    fn place(&self, section: usize, offset: i64, symbol: usize) -> Result<Target, Problem> {
        let found = &self.elf.sections[section];
        let missing = |what| Problem::Target { what, section: found.name.to_owned(), offset };
        let at = u64::try_from(offset).map_err(|_| missing("something"))?;
        if found.is_code {
            // Of several functions with the same code, the one that was named.
            let named = self
                .functions
                .of_symbol(symbol)
                .filter(|id| self.functions.list[id.index()].offset == at);
            let id = named.or_else(|| self.functions.at(section, at));
            return id.map(Target::Function).ok_or_else(|| missing("a function"));
        }
        if let Some(map) = self.maps.of_section(section) {
            return match at <= found.size {
                true => Ok(Target::Value { map, offset: at }),
                false => Err(missing("data")),
            };
        }
        if found.name == JUMP_TABLES {
            let size = self.elf.symbols.get(symbol).map_or(0, |symbol| symbol.size);
            let is_table = at.is_multiple_of(8)
                && size.is_multiple_of(8)
                && at.checked_add(size).is_some_and(|end| end <= found.data.len() as u64);
            return match (u32::try_from(at), u32::try_from(size)) {
                (Ok(offset), Ok(size)) if is_table => Ok(Target::JumpTable { offset, size }),
                _ => Err(missing("a jump table")),
            };
        }
        if [".maps", "maps"].contains(&found.name) {
            return self.maps.at(section, at).map(Target::Map).ok_or_else(|| missing("a map"));
        }
        Err(Problem::Section { section: found.name.to_owned() })
    }

    /// What a call refers to. The distance counts slots from the one after the call.
    fn call(
        &self,
        relocation: &Rel64,
        symbol: &Symbol<'_>,
        imm: i64,
        place: impl Fn() -> Place,
    ) -> Result<Target, ObjectError> {
        if let Some(id) = self.externs.of_symbol(relocation.symbol) {
            return Ok(Target::CallExtern(id));
        }
        let Some(section) = symbol.section else { return Err(nowhere().at(place())) };
        let is_named = symbol.kind != SymbolKind::Section;
        let offset = called(self.sums, is_named, symbol.value, imm);
        match self
            .place(section, offset, relocation.symbol)
            .map_err(|problem| problem.at(place()))?
        {
            Target::Function(id) => Ok(Target::Call(id)),
            _ => Err(Problem::Relocation("it calls something that is not a function").at(place())),
        }
    }

    /// Calls and addresses of functions of the same section need no relocation: their distance is
    /// known. Those that stay inside the function are left alone.
    fn local(
        &self,
        index: usize,
        section: &Section<'_>,
        function: &Function,
        found: &mut Vec<Relocation>,
    ) -> Result<(), ObjectError> {
        let mut more = Vec::new();
        let mut slot = 0;
        while let Some(raw) = function.slots.get(slot) {
            let here = slot;
            slot += if raw.code == LD_IMM64 { 2 } else { 1 };
            let is_reference =
                matches!((raw.code, raw.src), (CALL_IMM, PSEUDO_CALL) | (LD_IMM64, PSEUDO_FUNC));
            let is_known = || found.binary_search_by_key(&(here as u32), |one| one.slot).is_ok();
            if !is_reference || is_known() {
                continue;
            }
            let to = here as i64 + 1 + i64::from(raw.imm);
            if to > 0 && to < function.slots.len() as i64 {
                continue;
            }
            let offset = function.offset.cast_signed() + to * 8;
            let target =
                match u64::try_from(offset).ok().and_then(|at| self.functions.at(index, at)) {
                    Some(id) if raw.code == CALL_IMM => Target::Call(id),
                    Some(id) => Target::Function(id),
                    None => {
                        let section_name = section.name.to_owned();
                        let problem =
                            Problem::Target { what: "a function", section: section_name, offset };
                        return Err(problem.at(insn(section, function, here as u32)));
                    }
                };
            more.push(Relocation { slot: here as u32, target });
        }
        if !more.is_empty() {
            found.append(&mut more);
            found.sort_by_key(|relocation| relocation.slot);
        }
        Ok(())
    }

    /// The initial values of maps: for each map its slots, see [`crate::Map::initial_slots`].
    pub(crate) fn values(
        &self,
        btf: Option<&Btf>,
        programs: &[Program],
    ) -> Result<Vec<Vec<(u32, Target)>>, ObjectError> {
        let mut all: Vec<Vec<(u32, Target)>> = Vec::new();
        all.resize_with(self.maps.list.len(), Vec::new);
        for (index, section) in self.elf.sections.iter().enumerate() {
            let data = self.maps.of_section(index);
            let is_table = struct_ops::is_section(section.name);
            if data.is_none() && section.name != ".maps" && !is_table {
                continue;
            }
            for relocation in &section.relocations {
                let symbol = self.symbol(relocation, &|| Place::section(section.name))?;
                let place =
                    || Place::section(section.name).with_symbol(symbol_name(self.elf, symbol));
                match relocation.kind {
                    NONE => continue,
                    ABS64 | LOAD | OLD_ABS64 => {}
                    kind => return Err(Problem::RelocationType(kind).at(place())),
                }
                let written = number(section, relocation.offset, self.elf.endian);
                let addend = relocation.addend.saturating_add(written.cast_signed());
                let target = self.load(relocation, symbol, addend, place)?;
                let slot = match data {
                    Some(map) => u32::try_from(relocation.offset)
                        .map(|at| (map, at))
                        .map_err(|_| Problem::Relocation("it is outside the section")),
                    None if is_table => {
                        self.member(index, relocation.offset, target, btf, programs)
                    }
                    None => self.variable(relocation.offset, target, programs),
                };
                let (map, slot) = slot.map_err(|problem| problem.at(place()))?;
                all[map.index()].push((slot, target));
            }
        }
        for slots in &mut all {
            slots.sort_by_key(|(slot, _)| *slot);
            slots.dedup_by_key(|(slot, _)| *slot);
        }
        Ok(all)
    }

    /// The struct_ops map at a byte of its section, and the number of its member there.
    fn member(
        &self,
        section: usize,
        offset: u64,
        target: Target,
        btf: Option<&Btf>,
        programs: &[Program],
    ) -> Result<(MapId, u32), Problem> {
        let holds = |table: &&struct_ops::Table| {
            table.section == section
                && offset.checked_sub(table.offset).is_some_and(|at| at < table.size)
        };
        let found = btf.zip(self.maps.tables.iter().find(holds));
        let Some((btf, table)) = found else {
            return Err(Problem::StructOps("it is put into no variable"));
        };
        let is_program = |program: &Program| {
            target == Target::Function(program.function)
                && program.program_type == Some(ProgramType::StructOps)
        };
        if !programs.iter().any(is_program) {
            return Err(Problem::StructOps("it is not a program of a section `struct_ops`"));
        }
        let member = table.member(btf, offset - table.offset).map_err(Problem::StructOps)?;
        Ok((table.map, member))
    }

    /// The map whose `values` hold a byte of `.maps`, and the index of the value, which must be such
    /// as the map can have.
    fn variable(
        &self,
        offset: u64,
        target: Target,
        programs: &[Program],
    ) -> Result<(MapId, u32), Problem> {
        let wrong = Problem::Map("an initial value is not in `values`");
        let variables = &self.maps.variables;
        let after = variables.partition_point(|variable| variable.offset <= offset);
        let Some(variable) = after.checked_sub(1).and_then(|last| variables.get(last)) else {
            return Err(wrong);
        };
        let from = variable.values.and_then(|values| offset.checked_sub(values));
        let slot =
            from.filter(|from| offset - variable.offset < variable.size && from.is_multiple_of(8));
        let Some(slot) = slot.and_then(|from| u32::try_from(from / 8).ok()) else {
            return Err(wrong);
        };
        let map = &self.maps.list[variable.map.index()];
        let what = match target {
            Target::Map(_) if map.inner.is_none() => "a map is put where none belongs",
            Target::Map(_) if map.kind == HASH_OF_MAPS && map.key_size != 4 => {
                "a hash of maps with initial values has keys of 4 bytes"
            }
            Target::Map(_) => return Ok((variable.map, slot)),
            _ if map.inner.is_some() => "what is put into it is not a map of `.maps`",
            Target::Function(id) if programs.iter().any(|program| program.function == id) => {
                return Ok((variable.map, slot));
            }
            // Of an object that this one will be linked with.
            Target::Extern(_) => return Ok((variable.map, slot)),
            _ => "what is put into it is not a program",
        };
        Err(Problem::Map(what))
    }
}

/// The byte of its section that a load, or eight bytes of data, refer to, by the symbol's value and what
/// is written there.
pub(crate) fn loaded(sums: bool, is_named: bool, value: u64, written: i64) -> i64 {
    if sums && is_named { written } else { value.cast_signed().saturating_add(written) }
}

/// The byte of its section that a call refers to. A call of a named function goes to its start: in the
/// instruction there is -1, or the symbol's value less one: in slots, or (by gcc 12's assembler) in
/// bytes.
pub(crate) fn called(sums: bool, is_named: bool, value: u64, imm: i64) -> i64 {
    let base = value.cast_signed();
    if is_named && (imm == -1 || sums && [base - 1, base / 8 - 1].contains(&imm)) {
        return base;
    }
    imm.saturating_add(1).saturating_mul(8).saturating_add(base)
}

fn nowhere() -> Problem {
    Problem::Relocation("its symbol is at no place in this object")
}

/// Where an instruction is, counted from the start of its section.
fn insn(section: &Section<'_>, function: &Function, slot: u32) -> Place {
    let place = Place::section(section.name).with_insn(function.offset / 8 + u64::from(slot));
    place.with_symbol(&function.name)
}

/// The name of a symbol; that of its section if it stands for one.
fn symbol_name<'d>(elf: &Elf<'d>, symbol: &Symbol<'d>) -> &'d str {
    match symbol.section {
        Some(section) if symbol.name.is_empty() => elf.sections[section].name,
        _ => symbol.name,
    }
}

/// The eight bytes at an offset; 0 where there are none.
fn number(section: &Section<'_>, offset: u64, endian: Endian) -> u64 {
    let bytes = usize::try_from(offset).ok().and_then(|at| section.data.get(at..));
    bytes.and_then(|bytes| bytes.first_chunk::<8>()).map_or(0, |bytes| endian.read(bytes))
}

/// Whether the instructions of an object include the values of their symbols.
///
/// Nothing in the file says so. The compiler's name decides if it is there. If it is not, the type
/// information does: only gcc 12 leaves it without relocations, and then every load of a named
/// variable must have at least the variable's own offset written in it.
pub(crate) fn sums(elf: &Elf<'_>) -> bool {
    if let Some((_, comment)) = elf.section(".comment")
        && let Some(version) = gcc_version(comment.data)
    {
        return version < 14;
    }
    if elf.btf_is_relocated || elf.section(".BTF").is_none() {
        return false;
    }
    let mut seen = false;
    for section in elf.sections.iter().filter(|section| section.is_code) {
        for relocation in section.relocations.iter().filter(|one| one.kind == LOAD) {
            let Some(symbol) = elf.symbols.get(relocation.symbol) else { return false };
            if symbol.kind == SymbolKind::Section || symbol.value == 0 || symbol.undefined {
                continue;
            }
            let at = usize::try_from(relocation.offset).ok().and_then(|at| section.data.get(at..));
            let Some(bytes) = at.and_then(|bytes| bytes.first_chunk()) else { return false };
            let imm = i64::from(Raw::from_bytes(*bytes, elf.endian).imm);
            if imm < symbol.value.cast_signed() {
                return false;
            }
            seen = true;
        }
    }
    seen
}

/// The major version in `GCC: (Debian 12.2.0) 12.2.0`.
fn gcc_version(comment: &[u8]) -> Option<u32> {
    let text = comment.split(|byte| *byte == 0).find(|text| text.starts_with(b"GCC: ("))?;
    let version = std::str::from_utf8(text).ok()?.rsplit(") ").next()?;
    version.split('.').next()?.parse().ok()
}
