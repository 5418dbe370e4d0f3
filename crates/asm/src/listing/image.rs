//! ELF as plain borrowed data: sections, symbols and relocations, as far as a listing shows them.
//!
//! Checks only what it needs to stay within the file. Gives nothing a meaning.

use std::borrow::Cow;
use std::collections::HashMap;

use abide_isa::Endian;
use object::elf;
use object::endian::{Endian as _, Endianness};
use object::read::elf::{FileHeader, Rel, Rela, SectionHeader, Sym};

use super::error::ListError;
use crate::object::Style;

type Header = elf::FileHeader64<Endianness>;
type SectionHeader64 = elf::SectionHeader64<Endianness>;

/// The longest name that is shown. Names in a string table may overlap, so that each of its bytes
/// could count often.
const LONGEST_NAME: usize = 1024;

/// The type of the section that LLVM's `.addrsig` directives fill.
const LLVM_ADDRSIG: elf::SectionType = elf::SectionType(0x6fff_4c03);

/// What a section is for in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A table of the ELF file itself: what it says is shown elsewhere.
    Table,
    /// Instructions.
    Code,
    /// LLVM's list of symbols whose addresses matter.
    Addrsig,
    /// Everything else.
    Data,
}

/// A relocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Relocation {
    pub(super) offset: u64,
    pub(super) kind: u32,
    pub(super) symbol: usize,
    /// Only of tables with addends; otherwise the addend is in the section.
    pub(super) addend: i64,
}

/// A section.
#[derive(Debug)]
pub(super) struct Section<'d> {
    pub(super) name: Cow<'d, str>,
    pub(super) role: Role,
    pub(super) kind: u32,
    pub(super) flags: u64,
    pub(super) align: u64,
    pub(super) entry_size: u64,
    /// The group that it is a part of: the symbol that signs it, and whether linkers keep one only.
    pub(super) group: Option<(usize, bool)>,
    /// The number in its header of a section that it belongs with.
    pub(super) link: usize,
    /// How many sections with its name come before it.
    pub(super) twin: u32,
    pub(super) size: u64,
    /// Its contents; empty for those that have none in the file.
    pub(super) data: &'d [u8],
    /// By offset.
    pub(super) relocations: Vec<Relocation>,
}

/// Where a symbol is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Undefined,
    Absolute,
    Common,
    Section(usize),
    Unknown,
}

/// A symbol.
#[derive(Debug)]
pub(super) struct Symbol<'d> {
    pub(super) name: Cow<'d, str>,
    pub(super) place: Place,
    pub(super) value: u64,
    pub(super) size: u64,
    pub(super) kind: elf::SymbolType,
    pub(super) bind: elf::SymbolBind,
    pub(super) visibility: elf::SymbolVisibility,
}

/// An ELF file.
#[derive(Debug)]
pub(super) struct Image<'d> {
    pub(super) endian: Endian,
    /// The flags of the header.
    pub(super) flags: u32,
    /// Whose habits it follows.
    pub(super) style: Style,
    pub(super) sections: Vec<Section<'d>>,
    pub(super) symbols: Vec<Symbol<'d>>,
}

impl<'d> Image<'d> {
    /// Reads the tables of an ELF file.
    pub(super) fn parse(bytes: &'d [u8]) -> Result<Image<'d>, ListError> {
        if !bytes.starts_with(b"\x7fELF") {
            return Err(ListError::NotBpf("it does not begin like an ELF file"));
        }
        if bytes.get(4) != Some(&2) {
            return Err(ListError::NotBpf("it is an ELF file, but not a 64-bit one"));
        }
        let header = Header::parse(bytes).map_err(damaged)?;
        let order = header.endian().map_err(damaged)?;
        // Objects from before the machine had a number say that there is none.
        if ![elf::EM_BPF, elf::EM_NONE].contains(&header.e_machine(order)) {
            return Err(ListError::NotBpf("it is for another machine"));
        }
        let headers = header.section_headers(order, bytes).map_err(damaged)?;
        let names = match headers.is_empty() {
            true => &[],
            false => {
                let index = header.section_strings_index(order, bytes).map_err(damaged)?;
                strings(bytes, order, headers, index.0)?
            }
        };
        let mut sections = Vec::with_capacity(headers.len());
        for header in headers {
            sections.push(section(bytes, order, header, names)?);
        }
        let sum = sections.iter().map(|one| one.data.len() as u64).fold(0, u64::saturating_add);
        let file = bytes.len() as u64;
        if sum > file {
            return Err(ListError::Overlap { sum, file });
        }
        let mut symbols = Vec::new();
        let table = headers.iter().position(|header| header.sh_type(order) == elf::SHT_SYMTAB);
        if let Some(table) = table {
            symbols = read_symbols(bytes, order, headers, table)?;
            // Several tables may lie on each other: there are never more than bytes.
            let mut most = bytes.len();
            for header in headers {
                if header.sh_link(order) as usize == table {
                    relocations(bytes, order, header, &mut sections, &mut most)?;
                }
            }
        }
        for section in &mut sections {
            section.relocations.sort_by_key(|one| one.offset);
        }
        let endian = if order.is_big_endian() { Endian::Big } else { Endian::Little };
        read_groups(bytes, order, headers, &mut sections)?;
        let mut seen: HashMap<Cow<'_, str>, u32> = HashMap::new();
        for section in &mut sections {
            let count = seen.entry(section.name.clone()).or_default();
            section.twin = *count;
            *count += 1;
        }
        let style = style(&sections, &symbols);
        Ok(Image { endian, flags: header.e_flags(order).0, style, sections, symbols })
    }

    /// The first section with this name.
    pub(super) fn section(&self, name: &str) -> Option<&Section<'d>> {
        self.sections.iter().find(|section| section.name == name)
    }
}

/// GNU's assembler makes symbols for all sections, also for the three that it always makes.
fn style(sections: &[Section<'_>], symbols: &[Symbol<'_>]) -> Style {
    let has = |name: &str| {
        symbols.iter().any(|symbol| match (symbol.kind, symbol.place) {
            (elf::STT_SECTION, Place::Section(section)) => {
                sections.get(section).is_some_and(|section| section.name == name)
            }
            _ => false,
        })
    };
    match [".text", ".data", ".bss"].into_iter().all(has) {
        true => Style::Gnu,
        false => Style::Llvm,
    }
}

fn damaged(error: object::read::Error) -> ListError {
    ListError::Damaged(error.to_string())
}

fn strings<'d>(
    bytes: &'d [u8],
    order: Endianness,
    headers: &'d [SectionHeader64],
    index: usize,
) -> Result<&'d [u8], ListError> {
    match headers.get(index) {
        Some(header) => header.data(order, bytes).map_err(damaged),
        None => Ok(&[]),
    }
}

fn section<'d>(
    bytes: &'d [u8],
    order: Endianness,
    header: &SectionHeader64,
    names: &'d [u8],
) -> Result<Section<'d>, ListError> {
    let kind = header.sh_type(order);
    let flags = header.sh_flags(order);
    let role = match kind {
        elf::SHT_NULL | elf::SHT_SYMTAB | elf::SHT_SYMTAB_SHNDX | elf::SHT_STRTAB => Role::Table,
        elf::SHT_REL | elf::SHT_RELA | elf::SHT_GROUP => Role::Table,
        LLVM_ADDRSIG => Role::Addrsig,
        elf::SHT_PROGBITS if flags.contains(elf::SHF_EXECINSTR) => Role::Code,
        _ => Role::Data,
    };
    let data = match role {
        Role::Table => &[],
        _ => header.data(order, bytes).map_err(damaged)?,
    };
    Ok(Section {
        name: name(names, header.sh_name(order)),
        role,
        kind: kind.0,
        flags: flags.0,
        align: header.sh_addralign(order),
        entry_size: header.sh_entsize(order),
        group: None,
        link: header.sh_link(order) as usize,
        twin: 0,
        size: header.sh_size(order),
        data,
        relocations: Vec::new(),
    })
}

/// Notes of all parts of groups which group that is.
fn read_groups(
    bytes: &[u8],
    order: Endianness,
    headers: &[SectionHeader64],
    sections: &mut [Section<'_>],
) -> Result<(), ListError> {
    for header in headers {
        let Some((flag, members)) = header.group(order, bytes).map_err(damaged)? else { continue };
        let comdat = flag == elf::GRP_COMDAT;
        for member in members {
            if let Some(section) = sections.get_mut(member.get(order) as usize) {
                section.group.get_or_insert((header.sh_info(order) as usize, comdat));
            }
        }
    }
    Ok(())
}

fn read_symbols<'d>(
    bytes: &'d [u8],
    order: Endianness,
    headers: &'d [SectionHeader64],
    table: usize,
) -> Result<Vec<Symbol<'d>>, ListError> {
    let header = &headers[table];
    let entries: &[elf::Sym64<Endianness>] = header.data_as_array(order, bytes).map_err(damaged)?;
    let names = strings(bytes, order, headers, header.sh_link(order) as usize)?;
    let symbol = |entry: &elf::Sym64<Endianness>| Symbol {
        name: name(names, entry.st_name(order)),
        place: match entry.st_shndx(order) {
            elf::SHN_UNDEF => Place::Undefined,
            elf::SHN_ABS => Place::Absolute,
            elf::SHN_COMMON => Place::Common,
            // 65280 sections and more would need another table; no BPF object has one.
            place => match place.index().map(usize::from) {
                Some(index) if index < headers.len() => Place::Section(index),
                _ => Place::Unknown,
            },
        },
        value: entry.st_value(order),
        size: entry.st_size(order),
        kind: entry.st_type(),
        bind: entry.st_bind(),
        visibility: entry.st_visibility(),
    };
    Ok(entries.iter().map(symbol).collect())
}

fn relocations(
    bytes: &[u8],
    order: Endianness,
    header: &SectionHeader64,
    sections: &mut [Section<'_>],
    most: &mut usize,
) -> Result<(), ListError> {
    let Some(section) = sections.get_mut(header.sh_info(order) as usize) else {
        return Ok(());
    };
    let before = section.relocations.len();
    if let Some((table, _)) = header.rel(order, bytes).map_err(damaged)? {
        section.relocations.extend(table.iter().map(|one| Relocation {
            offset: one.r_offset(order),
            kind: one.r_type(order).0,
            symbol: one.r_sym(order) as usize,
            addend: 0,
        }));
    }
    if let Some((table, _)) = header.rela(order, bytes).map_err(damaged)? {
        section.relocations.extend(table.iter().map(|one| Relocation {
            offset: one.r_offset(order),
            kind: one.r_type(order, false).0,
            symbol: one.r_sym(order, false) as usize,
            addend: one.r_addend(order),
        }));
    }
    let added = section.relocations.len() - before;
    *most = most
        .checked_sub(added)
        .ok_or_else(|| ListError::Damaged("there are more relocations than bytes".to_owned()))?;
    Ok(())
}

/// A name in a string table; what is wrong in it is shown as such.
fn name(table: &[u8], offset: u32) -> Cow<'_, str> {
    let rest = table.get(offset as usize..).unwrap_or_default();
    let rest = &rest[..rest.len().min(LONGEST_NAME)];
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    String::from_utf8_lossy(&rest[..end])
}
