//! From an [`Image`] to bytes: the same image always gives the same file.
//!
//! Sections come first, in their order, each with its relocations after it; then the symbols and one
//! table of all names.

use std::borrow::Cow;
use std::collections::HashMap;

use abide_isa::Endian;
use object::elf;
use object::endian::Endianness;
use object::write::elf::{Encoder, FileHeader, FileHeaderLayout, Rel, SectionHeader, Sym};

use super::{Contents, Image, Link, MOST_SECTIONS, NOBITS, Place, Section, Symbol};
use crate::error::{ObjectError, Problem};

/// No section of BPF needs to begin at a multiple of more.
const MOST_ALIGN: u64 = 1 << 16;

impl Image<'_> {
    /// The bytes of an ELF file.
    ///
    /// # Errors
    /// When the image does not hold together: an index that is out of range, a global symbol before
    /// a local one, more sections than the format can number. What [`Image::parse`] gives, and what
    /// the methods of an image make of it, does.
    pub fn write(&self) -> Result<Vec<u8>, ObjectError> {
        self.check()?;
        let mut writer = Writer::new(self);
        for section in &self.sections {
            writer.section(section);
        }
        Ok(writer.finish())
    }

    fn check(&self) -> Result<(), ObjectError> {
        let section = |index: usize| index < self.sections.len();
        let symbol = |index: &usize| *index < self.symbols.len();
        let is_sound = |one: &Section<'_>| {
            (match one.link {
                Link::Section(index) => section(index),
                Link::None | Link::Symbols => true,
            }) && (match &one.contents {
                Contents::Group { signature, members, .. } => {
                    symbol(signature) && members.iter().all(|index| section(*index))
                }
                Contents::Symbols(list) => list.iter().all(symbol),
                Contents::Zeroes(_) => one.kind == NOBITS,
                Contents::Bytes(_) => one.kind != NOBITS,
            }) && one.relocations.iter().all(|one| one.symbol.as_ref().is_none_or(symbol))
        };
        let place = |one: &Symbol<'_>| match one.place {
            Place::Section(index) => section(index),
            _ => true,
        };
        let is_sorted = self.symbols.is_sorted_by_key(|symbol| symbol.bind != Symbol::LOCAL);
        let wrong = if self.sections.len() > MOST_SECTIONS {
            "it has more than 30,000 sections"
        } else if !self.sections.iter().all(is_sound) || !self.symbols.iter().all(place) {
            "it refers to a section or a symbol that does not exist"
        } else if !is_sorted {
            "a global symbol comes before a local one"
        } else {
            return Ok(());
        };
        Err(Problem::Elf(wrong.into()).nowhere())
    }
}

struct Writer<'i> {
    image: &'i Image<'i>,
    encoder: Encoder<Endianness>,
    out: Vec<u8>,
    headers: Vec<SectionHeader>,
    strings: Vec<u8>,
    known: HashMap<Cow<'i, str>, u32>,
    /// The numbers of the sections in the file.
    numbers: Vec<u32>,
    symtab: u32,
}

impl<'i> Writer<'i> {
    fn new(image: &'i Image<'i>) -> Self {
        let order = match image.endian {
            Endian::Little => Endianness::Little,
            Endian::Big => Endianness::Big,
        };
        let encoder = Encoder::new(order, true, elf::Machine(image.machine));
        let mut next = 1;
        let mut numbers = Vec::new();
        for section in &image.sections {
            numbers.push(next);
            next += 1 + u32::from(!section.relocations.is_empty());
        }
        Writer {
            image,
            encoder,
            out: vec![0; encoder.file_header_size() as usize],
            headers: Vec::new(),
            strings: vec![0],
            known: HashMap::from([(Cow::Borrowed(""), 0)]),
            numbers,
            symtab: next,
        }
    }

    fn string(&mut self, text: impl Into<Cow<'i, str>>) -> u32 {
        let next = self.strings.len() as u32;
        let text = text.into();
        let strings = &mut self.strings;
        *self.known.entry(text).or_insert_with_key(|text| {
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            next
        })
    }

    fn align(&mut self, to: u64) -> u64 {
        let to = to.clamp(1, MOST_ALIGN).next_power_of_two() as usize;
        self.out.resize(self.out.len().next_multiple_of(to), 0);
        self.out.len() as u64
    }

    fn section(&mut self, section: &'i Section<'i>) {
        let name = self.string(&*section.name);
        let offset = self.align(section.align);
        let mut info = 0;
        match &section.contents {
            Contents::Bytes(bytes) => self.out.extend_from_slice(bytes),
            Contents::Zeroes(_) => {}
            Contents::Group { flags, signature, members } => {
                info = *signature as u32 + 1;
                self.group(*flags, members);
            }
            Contents::Symbols(list) => list.iter().for_each(|symbol| self.leb(*symbol as u32 + 1)),
        }
        let size = match section.contents {
            Contents::Zeroes(size) => size,
            _ => self.out.len() as u64 - offset,
        };
        self.headers.push(SectionHeader {
            sh_name: name,
            sh_type: elf::SectionType(section.kind),
            sh_flags: elf::SectionFlags(section.flags),
            sh_addr: 0,
            sh_offset: offset,
            sh_size: size,
            sh_link: match section.link {
                Link::None => 0,
                Link::Symbols => self.symtab,
                Link::Section(index) => self.numbers[index],
            },
            sh_info: info,
            sh_addralign: section.align,
            sh_entsize: section.entry_size,
        });
        if !section.relocations.is_empty() {
            self.relocations(section);
        }
    }

    /// The table of relocations of the section that was written last.
    fn relocations(&mut self, section: &'i Section<'i>) {
        let is_rela = section.has_addends;
        let prefix = if is_rela { ".rela" } else { ".rel" };
        let name = self.string(format!("{prefix}{}", section.name));
        let offset = self.align(8);
        let target = self.headers.len() as u32;
        for one in &section.relocations {
            let relocation = Rel {
                r_offset: one.offset,
                r_sym: one.symbol.map_or(0, |symbol| symbol as u32 + 1),
                r_type: elf::RelocationType(one.kind),
                r_addend: one.addend,
            };
            self.encoder.relocation(&mut self.out, is_rela, &relocation);
        }
        let header = self.encoder.relocation_section_header(is_rela);
        // In a group of sections, the relocations of one are in it, too.
        let grouped = section.flags & elf::SHF_GROUP.0;
        self.headers.push(SectionHeader {
            sh_name: name,
            sh_flags: elf::SectionFlags(elf::SHF_INFO_LINK.0 | grouped),
            sh_offset: offset,
            sh_size: self.out.len() as u64 - offset,
            sh_link: self.symtab,
            sh_info: target,
            ..header
        });
    }

    fn group(&mut self, flags: u32, members: &[usize]) {
        let mut words = vec![flags];
        for member in members {
            words.push(self.numbers[*member]);
            if !self.image.sections[*member].relocations.is_empty() {
                words.push(self.numbers[*member] + 1);
            }
        }
        for word in words {
            self.out.extend(self.image.endian.word(word));
        }
    }

    fn leb(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn finish(mut self) -> Vec<u8> {
        let offset = self.align(8);
        self.encoder.null_symbol(&mut self.out);
        for symbol in &self.image.symbols {
            let (section, reserved) = match symbol.place {
                Place::Undefined => (None, elf::SHN_UNDEF),
                Place::Absolute => (None, elf::SHN_ABS),
                Place::Common => (None, elf::SHN_COMMON),
                Place::Section(index) => (Some(self.numbers[index]), elf::SHN_UNDEF),
            };
            let entry = Sym {
                section,
                st_name: self.string(&*symbol.name),
                st_info: elf::SymbolInfo(symbol.bind << 4 | symbol.kind & 0xf),
                st_other: elf::SymbolOther(symbol.other),
                st_shndx: reserved,
                st_value: symbol.value,
                st_size: symbol.size,
            };
            self.encoder.symbol(&mut self.out, &entry);
        }
        let locals = self.image.symbols.partition_point(|symbol| symbol.bind == Symbol::LOCAL);
        self.headers.push(SectionHeader {
            sh_name: 0,
            sh_offset: offset,
            sh_size: self.out.len() as u64 - offset,
            ..self.encoder.symtab_section_header(self.symtab + 1, locals as u32 + 1)
        });
        self.headers[self.symtab as usize - 1].sh_name = self.string(".symtab");
        let name = self.string(".strtab");
        self.headers.push(SectionHeader {
            sh_name: name,
            sh_offset: self.out.len() as u64,
            sh_size: self.strings.len() as u64,
            ..self.encoder.strtab_section_header()
        });
        self.out.extend_from_slice(&self.strings);
        let header = FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_REL,
            e_machine: elf::Machine(self.image.machine),
            e_entry: 0,
            e_flags: elf::FileFlags(self.image.flags),
        };
        let layout = FileHeaderLayout {
            e_shoff: self.align(8),
            section_num: self.headers.len() as u32 + 1,
            shstrtab_index: self.symtab + 1,
            ..FileHeaderLayout::default()
        };
        let mut first = Vec::new();
        // Fails for more sections than `check` lets through.
        if self.encoder.file_header(&mut first, &header, &layout).is_ok() {
            self.out[..first.len()].copy_from_slice(&first);
        }
        self.out.extend_from_slice(&[0; 64]);
        for header in &self.headers {
            self.encoder.section_header(&mut self.out, header);
        }
        self.out
    }
}
