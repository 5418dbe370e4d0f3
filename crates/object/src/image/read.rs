//! From bytes to an [`Image`]. What an image could not be written again from is refused.

use std::borrow::Cow;

use abide_isa::Endian;
use object::elf as raw;
use object::endian::{Endian as _, Endianness};
use object::read::elf::{FileHeader, Rel, Rela, SectionHeader, Sym};

use super::{Contents, Image, Link, MOST_SECTIONS, Place, Relocation, Section, Symbol};
use crate::elf::{SectionHeader64, damaged, name, open, tables};
use crate::error::{ObjectError, Place as Where, Problem};

/// The type of the section that LLVM's `.addrsig` directives fill.
const LLVM_ADDRSIG: u32 = 0x6fff_4c03;
/// `SHF_INFO_LINK`: the section header names another section in a second place.
const INFO_LINK: u64 = 0x40;

impl<'d> Image<'d> {
    /// Reads an ELF file. Unlike [`crate::Object::parse`] it reads all of it, and understands
    /// nothing.
    ///
    /// # Errors
    /// Says what is damaged, and what is of a kind that could not be written again.
    pub fn parse(bytes: &'d [u8]) -> Result<Image<'d>, ObjectError> {
        let (header, order) = open(bytes)?;
        let (headers, strings) = tables(header, order, bytes)?;
        if headers.len() > MOST_SECTIONS {
            return Err(elf("it has more than 30,000 sections"));
        }
        let mut reader =
            Reader { bytes, order, headers, names: &[], map: Vec::new(), symtab: None };
        reader.names = reader.strings(strings)?;
        reader.number(strings);
        let mut image = Image {
            endian: if order.is_big_endian() { Endian::Big } else { Endian::Little },
            machine: header.e_machine(order).0,
            flags: header.e_flags(order).0,
            sections: reader.sections()?,
            symbols: Vec::new(),
        };
        image.symbols = reader.symbols()?;
        let numbers = locals_first(&mut image.symbols);
        reader.relocations(&mut image, &numbers)?;
        reader.lists(&mut image, &numbers)?;
        Ok(image)
    }
}

struct Reader<'d> {
    bytes: &'d [u8],
    order: Endianness,
    headers: &'d [SectionHeader64],
    names: &'d [u8],
    /// The index in the image of each section of the file; none for tables.
    map: Vec<Option<usize>>,
    symtab: Option<usize>,
}

impl<'d> Reader<'d> {
    fn strings(&self, index: usize) -> Result<&'d [u8], ObjectError> {
        match self.headers.get(index) {
            Some(section) if index > 0 => section.data(self.order, self.bytes).map_err(damaged),
            _ => Ok(&[]),
        }
    }

    fn kind(&self, index: usize) -> raw::SectionType {
        self.headers[index].sh_type(self.order)
    }

    /// Finds out which sections are tables of the file.
    fn number(&mut self, strings: usize) {
        self.symtab = (0..self.headers.len()).find(|index| self.kind(*index) == raw::SHT_SYMTAB);
        let names = self.symtab.map(|index| self.headers[index].sh_link(self.order) as usize);
        let mut next = 0;
        for index in 0..self.headers.len() {
            let is_table = index == 0
                || Some(index) == self.symtab
                || self.kind(index) == raw::SHT_STRTAB
                    && (index == strings || Some(index) == names)
                || matches!(self.kind(index), raw::SHT_NULL | raw::SHT_REL | raw::SHT_RELA);
            self.map.push((!is_table).then(|| {
                next += 1;
                next - 1
            }));
        }
    }

    fn sections(&self) -> Result<Vec<Section<'d>>, ObjectError> {
        let mut sections = Vec::new();
        let mut left = self.bytes.len();
        for (index, header) in self.headers.iter().enumerate() {
            if self.map[index].is_none() {
                continue;
            }
            let name = name(self.names, header.sh_name(self.order))?;
            let wrong = |what: &str| Problem::Elf(what.into()).at(Where::section(name));
            let kind = header.sh_type(self.order);
            if matches!(
                kind,
                raw::SHT_SYMTAB | raw::SHT_SYMTAB_SHNDX | raw::SHT_DYNSYM | raw::SHT_HASH
            ) {
                return Err(wrong("a table of symbols that only linked files have"));
            }
            let contents = match kind {
                raw::SHT_NOBITS => Contents::Zeroes(header.sh_size(self.order)),
                _ => {
                    let data = header.data(self.order, self.bytes).map_err(damaged)?;
                    // Sections may lie on each other in the file: changed and written, each would
                    // take its room.
                    left = left.checked_sub(data.len()).ok_or_else(|| {
                        wrong("sections overlap: together they are larger than the file")
                    })?;
                    Contents::Bytes(Cow::Borrowed(data))
                }
            };
            let link = match header.sh_link(self.order) as usize {
                0 => Link::None,
                link if Some(link) == self.symtab => Link::Symbols,
                link => match self.map.get(link) {
                    Some(Some(section)) => Link::Section(*section),
                    _ => return Err(wrong("it belongs to a section that is a table of the file")),
                },
            };
            let flags = header.sh_flags(self.order).0;
            if (header.sh_info(self.order) != 0 || flags & INFO_LINK != 0) && kind != raw::SHT_GROUP
            {
                return Err(wrong("its header has a number (sh_info) whose meaning is not known"));
            }
            sections.push(Section {
                name: Cow::Borrowed(name),
                kind: kind.0,
                flags,
                align: header.sh_addralign(self.order),
                entry_size: header.sh_entsize(self.order),
                link,
                contents,
                relocations: Vec::new(),
                has_addends: false,
            });
        }
        Ok(sections)
    }

    /// The symbols but for the first, which stands for none.
    fn symbols(&self) -> Result<Vec<Symbol<'d>>, ObjectError> {
        let Some(table) = self.symtab else { return Ok(Vec::new()) };
        let header = &self.headers[table];
        let entries: &[raw::Sym64<Endianness>] =
            header.data_as_array(self.order, self.bytes).map_err(damaged)?;
        let strings = self.strings(header.sh_link(self.order) as usize)?;
        let mut symbols = Vec::with_capacity(entries.len());
        for entry in entries.iter().skip(1) {
            let name = name(strings, entry.st_name(self.order))?;
            let place = match entry.st_shndx(self.order) {
                raw::SHN_UNDEF => Place::Undefined,
                raw::SHN_ABS => Place::Absolute,
                raw::SHN_COMMON => Place::Common,
                index => match index.index().and_then(|index| self.map.get(usize::from(index))) {
                    Some(Some(section)) => Place::Section(*section),
                    _ => {
                        let what = "it is defined in no section that has contents";
                        return Err(Problem::Elf(what.into()).at(Where::symbol(name)));
                    }
                },
            };
            symbols.push(Symbol {
                name: Cow::Borrowed(name),
                place,
                value: entry.st_value(self.order),
                size: entry.st_size(self.order),
                kind: entry.st_type().0,
                bind: entry.st_bind().0,
                other: entry.st_other().0,
            });
        }
        Ok(symbols)
    }

    fn relocations(&self, image: &mut Image<'d>, numbers: &[usize]) -> Result<(), ObjectError> {
        let mut left = self.bytes.len() / 16;
        for header in self.headers {
            let kind = header.sh_type(self.order);
            let has_addends = kind == raw::SHT_RELA;
            if kind != raw::SHT_REL && !has_addends {
                continue;
            }
            if Some(header.sh_link(self.order) as usize) != self.symtab {
                return Err(elf("a relocation table refers to no table of symbols"));
            }
            let target = self.map.get(header.sh_info(self.order) as usize).copied().flatten();
            let Some(target) = target else {
                return Err(elf("a relocation table is for no section"));
            };
            let section = &mut image.sections[target];
            let place = Where::section(&section.name);
            if !section.relocations.is_empty() && section.has_addends != has_addends {
                let what = "it has relocations with and without addends";
                return Err(Problem::Elf(what.into()).at(place));
            }
            section.has_addends = has_addends;
            let mut push = |offset, kind, symbol: usize, addend| {
                let symbol = match symbol.checked_sub(1).map(|index| numbers.get(index)) {
                    None => None,
                    Some(Some(symbol)) => Some(*symbol),
                    Some(None) => {
                        let what = "it names a symbol that does not exist";
                        return Err(Problem::Relocation(what).at(place.clone()));
                    }
                };
                // Tables may lie on each other, too.
                left = left.checked_sub(1).ok_or_else(|| elf("relocation tables overlap"))?;
                section.relocations.push(Relocation { offset, kind, symbol, addend });
                Ok(())
            };
            if let Some((table, _)) = header.rel(self.order, self.bytes).map_err(damaged)? {
                for one in table {
                    let symbol = one.r_sym(self.order) as usize;
                    push(one.r_offset(self.order), one.r_type(self.order).0, symbol, 0)?;
                }
            }
            if let Some((table, _)) = header.rela(self.order, self.bytes).map_err(damaged)? {
                for one in table {
                    let (kind, symbol) =
                        (one.r_type(self.order, false), one.r_sym(self.order, false));
                    let addend = one.r_addend(self.order);
                    push(one.r_offset(self.order), kind.0, symbol as usize, addend)?;
                }
            }
        }
        Ok(())
    }

    /// What in sections is a list of sections or symbols.
    fn lists(&self, image: &mut Image<'d>, numbers: &[usize]) -> Result<(), ObjectError> {
        let symbol = |number: u64| {
            let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
            index.and_then(|index| numbers.get(index)).copied()
        };
        let endian = image.endian;
        for (header, index) in self.headers.iter().zip(&self.map) {
            let Some(index) = *index else { continue };
            let section = &mut image.sections[index];
            let wrong = |section: &Section<'_>, what: &str| {
                Problem::Elf(what.into()).at(Where::section(&section.name))
            };
            // One that is not linked to the symbols any more is of a file whose symbols a tool has
            // numbered anew: a list of nothing.
            if section.kind == LLVM_ADDRSIG && section.link == Link::Symbols {
                let Some(listed) = listed(section.bytes(), symbol) else {
                    return Err(wrong(section, "the list of symbols is malformed"));
                };
                section.contents = Contents::Symbols(listed);
            } else if section.kind == raw::SHT_GROUP.0 {
                let words: Vec<u32> = section
                    .bytes()
                    .as_chunks::<4>()
                    .0
                    .iter()
                    .map(|word| endian.read(word) as u32)
                    .collect();
                let member = |word: &u32| self.map.get(*word as usize).copied();
                let members: Option<Vec<Option<usize>>> =
                    words.iter().skip(1).map(member).collect();
                let signature = symbol(u64::from(header.sh_info(self.order)));
                let (Some(flags), Some(members), Some(signature)) =
                    (words.first(), members, signature)
                else {
                    return Err(wrong(section, "the group of sections is malformed"));
                };
                // Their relocations belong to a group, too; they are wherever their section is.
                let members = members.into_iter().flatten().collect();
                section.contents = Contents::Group { flags: *flags, signature, members };
            }
        }
        Ok(())
    }
}

fn elf(what: &str) -> ObjectError {
    Problem::Elf(what.into()).nowhere()
}

/// Puts the local symbols first, as the format wants it and all but broken files have it; where each
/// went.
fn locals_first(symbols: &mut Vec<Symbol<'_>>) -> Vec<usize> {
    let is_global = |symbol: &Symbol<'_>| symbol.bind != Symbol::LOCAL;
    let mut next = [0, symbols.iter().filter(|symbol| !is_global(symbol)).count()];
    let numbers = symbols
        .iter()
        .map(|symbol| {
            let next = &mut next[usize::from(is_global(symbol))];
            *next += 1;
            *next - 1
        })
        .collect();
    symbols.sort_by_key(is_global);
    numbers
}

/// Numbers of symbols in LEB128.
fn listed(bytes: &[u8], symbol: impl Fn(u64) -> Option<usize>) -> Option<Vec<usize>> {
    let (mut out, mut number, mut shift) = (Vec::new(), 0_u64, 0);
    for byte in bytes {
        if shift > 28 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            out.push(symbol(number)?);
            (number, shift) = (0, 0);
        }
    }
    (shift == 0).then_some(out)
}
