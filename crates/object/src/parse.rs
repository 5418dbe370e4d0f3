//! From bytes to an [`Object`]: the parts, one after the other.

use std::collections::HashMap;

use abide_btf::{Btf, BtfExt, Kind, TypeId};

use crate::budget::Budget;
use crate::elf::{Elf, SymbolKind};
use crate::error::{ObjectError, Place, Problem};
use crate::externs::Externs;
use crate::functions::Functions;
use crate::maps::Maps;
use crate::model::Object;
use crate::relocate::{JUMP_TABLES, Resolver};
use crate::{info, kconfig, programs, stamp, struct_ops};

impl Object {
    /// Reads a BPF object from the bytes of an ELF file. Looks at nothing else, and always gives the
    /// same for the same bytes.
    ///
    /// # Errors
    /// Says what is malformed, and in which section, at which instruction, for which symbol.
    pub fn parse(bytes: &[u8]) -> Result<Object, ObjectError> {
        let mut budget = Budget::new();
        let elf = Elf::parse(bytes, &mut budget)?;
        if elf.symbols.is_empty() {
            return Err(Problem::Elf("there is no symbol table; it was stripped".into()).nowhere());
        }
        let btf = types(&elf)?;
        let mut functions = Functions::read(&elf, &mut budget)?;
        let mut core = Vec::new();
        if let Some(btf) = &btf {
            let ext = match elf.section(".BTF.ext") {
                Some((_, section)) if !section.data.is_empty() => BtfExt::parse(section.data, btf)?,
                _ => BtfExt::default(),
            };
            core = info::attach(&elf, btf, &ext, &mut functions, &mut budget)?;
        }
        let mut maps = Maps::read(&elf, btf.as_ref(), &mut budget)?;
        let externs = Externs::read(&elf, btf.as_ref())?;
        if let Some(btf) = &btf {
            maps.list.extend(kconfig::map(btf, &externs.list, &mut budget)?);
        }
        maps.tables = struct_ops::read(&elf, btf.as_ref(), &mut maps.list, &mut budget)?;
        let jump_tables = elf.section(JUMP_TABLES).map_or(&[][..], |(_, section)| section.data);
        budget.take(jump_tables.len() as u64)?;

        let programs = programs::of(&functions.list, btf.as_ref());
        let resolver = Resolver::new(&elf, &functions, &maps, &externs);
        let code = resolver.code()?;
        let values = resolver.values(btf.as_ref(), &programs)?;
        for (function, relocations) in functions.list.iter_mut().zip(code) {
            function.relocations = relocations;
        }
        for (map, slots) in maps.list.iter_mut().zip(values) {
            map.initial_slots = slots;
        }

        let mut stamps = Vec::new();
        for section in elf.sections.iter().filter(|section| section.name == stamp::SECTION) {
            stamp::read(section.data, &mut stamps)?;
        }
        Ok(Object {
            endian: elf.endian,
            license: elf.section("license").map(|(_, section)| text(section.data)),
            version: version(&elf)?,
            stamps,
            programs,
            functions: functions.list,
            maps: maps.list,
            arena: maps.arena,
            jump_tables: jump_tables.to_vec(),
            externs: externs.list,
            btf,
            core,
        })
    }
}

fn version(elf: &Elf<'_>) -> Result<Option<u32>, ObjectError> {
    let Some((_, section)) = elf.section("version") else { return Ok(None) };
    let wrong = |_| Problem::Version.at(Place::section("version"));
    let bytes: [u8; 4] = section.data.try_into().map_err(wrong)?;
    Ok(Some(elf.endian.read(&bytes) as u32))
}

/// Text up to its NUL, of bounded length.
fn text(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(256)];
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The type information, with the offsets of variables in their sections filled in: compilers leave
/// them to the linker, but symbols have them.
fn types(elf: &Elf<'_>) -> Result<Option<Btf>, ObjectError> {
    let Some((_, section)) = elf.section(".BTF") else { return Ok(None) };
    if section.data.is_empty() {
        return Ok(None);
    }
    let mut btf = Btf::parse(section.data)?;
    btf.check_targets()?;
    // Statics of several files may have one name; a linker has filled in where they are.
    let mut offsets: HashMap<(usize, &str), Option<u32>> = HashMap::new();
    for symbol in elf.symbols.iter().filter(|symbol| symbol.kind != SymbolKind::Section) {
        if let (Some(section), Ok(value)) = (symbol.section, u32::try_from(symbol.value)) {
            let known = offsets.entry((section, symbol.name)).or_insert(Some(value));
            if *known != Some(value) {
                *known = None;
            }
        }
    }
    let sections: Vec<TypeId> =
        btf.iter().filter(|(_, ty)| ty.kind() == Kind::DataSec).map(|(id, _)| id).collect();
    for id in sections {
        let name = btf.get(id).map_or("", |ty| ty.name()).to_owned();
        let Some((index, section)) = elf.section(&name) else { continue };
        let size = u32::try_from(section.size).unwrap_or(u32::MAX);
        btf.place_section(id, size, |name, _| offsets.get(&(index, name)).copied().flatten());
    }
    Ok(Some(btf))
}
