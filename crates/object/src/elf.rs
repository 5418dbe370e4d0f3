//! The only module that knows ELF: sections, symbols and relocations as plain borrowed data.
//!
//! Gives them no meaning beyond that, and takes nothing of the file but what it checks.

use std::collections::HashMap;

use abide_isa::Endian;
use object::elf as raw;
use object::endian::{Endian as _, Endianness};
use object::read::elf::{FileHeader, Rel, Rela, SectionHeader, Sym};

use crate::budget::{Budget, NAME};
use crate::error::{ObjectError, Problem};

pub(crate) type Header = raw::FileHeader64<Endianness>;
pub(crate) type SectionHeader64 = raw::SectionHeader64<Endianness>;

/// The contents of `.BTF` and `.BTF.base` in an ELF file of any machine; `None` for one that it has not.
pub(crate) fn types(bytes: &[u8]) -> Result<[Option<&[u8]>; 2], ObjectError> {
    use object::{Object as _, ObjectSection as _};
    let failed = |error: object::Error| Problem::Elf(error.to_string()).nowhere();
    let file = object::File::parse(bytes).map_err(failed)?;
    let data = |name: &str| {
        let section = file.section_by_name(name);
        section.map(|section| section.data().map_err(failed)).transpose()
    };
    Ok([data(".BTF")?, data(".BTF.base")?])
}

/// A section.
#[derive(Debug)]
pub(crate) struct Section<'d> {
    pub(crate) name: &'d str,
    /// Its contents; empty for sections without any, like `.bss`.
    pub(crate) data: &'d [u8],
    /// Its size in memory.
    pub(crate) size: u64,
    pub(crate) is_code: bool,
    /// Whether it takes part in the program at all: neither a table of the file nor debug data.
    pub(crate) is_contents: bool,
    /// In the order of the file.
    pub(crate) relocations: Vec<Rel64>,
}

/// A relocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rel64 {
    pub(crate) offset: u64,
    pub(crate) kind: u32,
    pub(crate) symbol: usize,
    /// Only of tables with addends; usually the addend is in the instruction.
    pub(crate) addend: i64,
}

/// A symbol.
#[derive(Debug)]
pub(crate) struct Symbol<'d> {
    pub(crate) name: &'d str,
    /// The index of its section; `None` when it is defined elsewhere, or is no place at all.
    pub(crate) section: Option<usize>,
    pub(crate) undefined: bool,
    pub(crate) value: u64,
    pub(crate) size: u64,
    pub(crate) kind: SymbolKind,
    pub(crate) local: bool,
    pub(crate) weak: bool,
    pub(crate) hidden: bool,
}

/// What a symbol stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    Function,
    Section,
    File,
    /// A variable, or a label without a type.
    Other,
}

/// An ELF file for BPF.
#[derive(Debug)]
pub(crate) struct Elf<'d> {
    pub(crate) endian: Endian,
    /// By their index in the file.
    pub(crate) sections: Vec<Section<'d>>,
    /// By their index in the file.
    pub(crate) symbols: Vec<Symbol<'d>>,
    /// Whether the type information has relocations, as every compiler but gcc 12 leaves them.
    pub(crate) btf_is_relocated: bool,
    by_name: HashMap<&'d str, usize>,
}

impl<'d> Elf<'d> {
    /// Reads the tables of an ELF file.
    pub(crate) fn parse(bytes: &'d [u8], budget: &mut Budget) -> Result<Elf<'d>, ObjectError> {
        let (header, order) = open(bytes)?;
        let (headers, strings) = tables(header, order, bytes)?;
        let names = headers[strings].data(order, bytes).map_err(damaged)?;
        let mut sections = Vec::with_capacity(headers.len());
        for header in headers {
            sections.push(section(bytes, order, header, names)?);
        }
        let mut elf = Elf {
            endian: if order.is_big_endian() { Endian::Big } else { Endian::Little },
            sections,
            symbols: Vec::new(),
            btf_is_relocated: false,
            by_name: HashMap::new(),
        };
        for (index, (section, header)) in elf.sections.iter().zip(headers).enumerate() {
            if matches!(header.sh_type(order), raw::SHT_PROGBITS | raw::SHT_NOBITS) {
                elf.by_name.entry(section.name).or_insert(index);
            }
        }
        let table = headers.iter().position(|header| header.sh_type(order) == raw::SHT_SYMTAB);
        if let Some(table) = table {
            elf.symbols = symbols(bytes, order, headers, table)?;
            elf.read_relocations(bytes, order, headers, table, budget)?;
        }
        Ok(elf)
    }

    /// The first section with this name, and its index. Tables of the file have names, too, and are not meant.
    pub(crate) fn section(&self, name: &str) -> Option<(usize, &Section<'d>)> {
        let index = *self.by_name.get(name)?;
        Some((index, &self.sections[index]))
    }

    fn read_relocations(
        &mut self,
        bytes: &'d [u8],
        order: Endianness,
        headers: &'d [SectionHeader64],
        symbols: usize,
        budget: &mut Budget,
    ) -> Result<(), ObjectError> {
        for header in headers {
            let target = header.sh_info(order) as usize;
            let kind = header.sh_type(order);
            if ![raw::SHT_REL, raw::SHT_RELA].contains(&kind)
                || header.sh_link(order) as usize != symbols
            {
                continue;
            }
            let Some(section) = self.sections.get_mut(target) else {
                return Err(Problem::Elf("a relocation table is for no section".into()).nowhere());
            };
            self.btf_is_relocated |= section.name == ".BTF";
            if !section.is_contents {
                continue;
            }
            let mut push = |one: Rel64| {
                budget.take(size_of::<Rel64>() as u64)?;
                section.relocations.push(one);
                Ok::<(), ObjectError>(())
            };
            if let Some((table, _)) = header.rel(order, bytes).map_err(damaged)? {
                for one in table {
                    push(Rel64 {
                        offset: one.r_offset(order),
                        kind: one.r_type(order).0,
                        symbol: one.r_sym(order) as usize,
                        addend: 0,
                    })?;
                }
            }
            if let Some((table, _)) = header.rela(order, bytes).map_err(damaged)? {
                for one in table {
                    push(Rel64 {
                        offset: one.r_offset(order),
                        kind: one.r_type(order, false).0,
                        symbol: one.r_sym(order, false) as usize,
                        addend: one.r_addend(order),
                    })?;
                }
            }
        }
        Ok(())
    }
}

/// The header of an ELF file for BPF, and its byte order.
pub(crate) fn open(bytes: &[u8]) -> Result<(&Header, Endianness), ObjectError> {
    if !bytes.starts_with(b"\x7fELF") {
        return Err(Problem::NotBpf("it does not begin like an ELF file").nowhere());
    }
    if bytes.get(4) != Some(&2) {
        return Err(Problem::NotBpf("it is an ELF file, but not a 64-bit one").nowhere());
    }
    let wrong = |what: &str, number: u8| Problem::Elf(format!("{what} {number}")).nowhere();
    match bytes.get(5..7) {
        Some(&[1 | 2, 1]) | None => {}
        Some(&[1 | 2, version]) => return Err(wrong("there is no version", version)),
        Some(other) => return Err(wrong("its byte order (EI_DATA) is", other[0])),
    }
    let header = Header::parse(bytes).map_err(damaged)?;
    let order = header.endian().map_err(damaged)?;
    if header.e_type(order) != raw::ET_REL {
        return Err(Problem::NotBpf("it is not a relocatable file").nowhere());
    }
    // Objects from before the machine had a number say that there is none.
    if ![raw::EM_BPF, raw::EM_NONE].contains(&header.e_machine(order)) {
        return Err(Problem::NotBpf("it is for another machine").nowhere());
    }
    Ok((header, order))
}

/// The headers of the sections, and which section holds their names.
pub(crate) fn tables<'d>(
    header: &Header,
    order: Endianness,
    bytes: &'d [u8],
) -> Result<(&'d [SectionHeader64], usize), ObjectError> {
    let headers = header.section_headers(order, bytes).map_err(damaged)?;
    let wrong = |what: &str| Problem::Elf(what.into()).nowhere();
    let Some(first) = headers.first() else {
        return Err(wrong("it has no sections (e_shoff, e_shnum)"));
    };
    // One that does not fit the header is in the section that stands for none.
    let (strings, field) = match header.e_shstrndx(order) {
        raw::SHN_XINDEX => (first.sh_link(order), "sh_link of section 0"),
        index => (u32::from(index.0), "e_shstrndx"),
    };
    match headers.get(strings as usize).map(|section| section.sh_type(order)) {
        _ if strings == 0 => Err(wrong(&format!("it says no section of names ({field} is 0)"))),
        Some(raw::SHT_STRTAB) => Ok((headers, strings as usize)),
        Some(_) => Err(wrong(&format!(
            "its section of names ({field}) is section {strings}, which is no table of strings"
        ))),
        None => Err(wrong(&format!(
            "its section of names ({field}) is section {strings}; there are {}",
            headers.len()
        ))),
    }
}

pub(crate) fn damaged(error: object::read::Error) -> ObjectError {
    Problem::Elf(error.to_string()).nowhere()
}

fn section<'d>(
    bytes: &'d [u8],
    order: Endianness,
    header: &SectionHeader64,
    names: &'d [u8],
) -> Result<Section<'d>, ObjectError> {
    let kind = header.sh_type(order);
    let name = name(names, header.sh_name(order))?;
    let flags = header.sh_flags(order);
    let has_bytes = kind == raw::SHT_PROGBITS;
    let is_contents = (has_bytes || kind == raw::SHT_NOBITS)
        && !name.starts_with(".debug")
        && ![".BTF", ".BTF.ext"].contains(&name);
    // Damaged debug data and the like is nobody's business here.
    let data = match has_bytes && !name.starts_with(".debug") {
        true => header.data(order, bytes).map_err(damaged)?,
        false => &[],
    };
    Ok(Section {
        name,
        data,
        size: header.sh_size(order),
        is_code: has_bytes && flags.contains(raw::SHF_EXECINSTR),
        is_contents,
        relocations: Vec::new(),
    })
}

fn symbols<'d>(
    bytes: &'d [u8],
    order: Endianness,
    headers: &'d [SectionHeader64],
    table: usize,
) -> Result<Vec<Symbol<'d>>, ObjectError> {
    let header = &headers[table];
    let entries: &[raw::Sym64<Endianness>] = header.data_as_array(order, bytes).map_err(damaged)?;
    let strings = match headers.get(header.sh_link(order) as usize) {
        Some(strings) => strings.data(order, bytes).map_err(damaged)?,
        None => &[],
    };
    let mut symbols = Vec::with_capacity(entries.len());
    for entry in entries {
        let place = entry.st_shndx(order);
        // 65280 sections and more would need another table; no BPF object has one.
        let section = place.index().map(usize::from).filter(|index| *index < headers.len());
        symbols.push(Symbol {
            name: name(strings, entry.st_name(order))?,
            section,
            undefined: place == raw::SHN_UNDEF,
            value: entry.st_value(order),
            size: entry.st_size(order),
            kind: match entry.st_type() {
                raw::STT_FUNC => SymbolKind::Function,
                raw::STT_SECTION => SymbolKind::Section,
                raw::STT_FILE => SymbolKind::File,
                _ => SymbolKind::Other,
            },
            local: entry.st_bind() == raw::STB_LOCAL,
            weak: entry.st_bind() == raw::STB_WEAK,
            hidden: [raw::STV_HIDDEN, raw::STV_INTERNAL].contains(&entry.st_visibility()),
        });
    }
    Ok(symbols)
}

/// A name in a string table, of bounded length: names may overlap, and every symbol could name the
/// whole table.
pub(crate) fn name(table: &[u8], offset: u32) -> Result<&str, ObjectError> {
    if offset == 0 {
        return Ok("");
    }
    let rest = table
        .get(offset as usize..)
        .ok_or_else(|| Problem::Elf("a name lies outside its table".into()).nowhere())?;
    let rest = &rest[..rest.len().min(NAME + 1)];
    let end = rest.iter().position(|byte| *byte == 0).ok_or_else(|| {
        Problem::Name(match rest.len() > NAME {
            true => "longer than 1024 bytes",
            false => "cut short",
        })
        .nowhere()
    })?;
    std::str::from_utf8(&rest[..end]).map_err(|_| Problem::Name("not UTF-8").nowhere())
}
