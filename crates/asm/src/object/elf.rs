//! The ELF file.

use abide_isa::Endian;
use object::Endianness;
use object::elf;
use object::write::elf::{Encoder, FileHeader, FileHeaderLayout, Rel, SectionHeader, Sym};

use abide_diag::Diagnostic;

use crate::codes;
use crate::object::Style;
use crate::object::groups::Numbers;
use crate::object::layout::{About, Relocation};
use crate::object::section::{EXCLUDE, GROUP, SHT_LLVM_ADDRSIG};
use crate::object::symbols::{Binding, Meaning, Symbol, SymbolId};
use crate::object::unit::{STT_SECTION, Unit};

/// Strings with a zero after each, and a zero before all.
struct Strings(Vec<u8>);

impl Strings {
    fn add(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.0.len() as u32;
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
        at
    }
}

/// A file while it is written: pieces that follow one another, so that sections need not be copied.
#[derive(Default)]
struct Pieces {
    done: Vec<Vec<u8>>,
    /// How many bytes those have.
    before: usize,
    /// The piece that is being filled.
    open: Vec<u8>,
}

impl Pieces {
    /// From so many bytes on something is a piece of its own.
    const LARGE: usize = 1 << 12;

    fn len(&self) -> u64 {
        (self.before + self.open.len()) as u64
    }

    fn align(&mut self, to: u64) {
        let by = self.len().wrapping_neg() & (to.clamp(1, 1 << 16) - 1);
        self.open.resize(self.open.len() + by as usize, 0);
    }

    fn add(&mut self, bytes: Vec<u8>) {
        if bytes.len() < Pieces::LARGE {
            self.open.extend_from_slice(&bytes);
            return;
        }
        self.close();
        self.before += bytes.len();
        self.done.push(bytes);
    }

    fn close(&mut self) {
        self.before += self.open.len();
        self.done.push(std::mem::take(&mut self.open));
    }
}

/// The numbers of sections' symbols and of symbols in the file's table; 0 for those not in it.
struct SymbolNumbers {
    sections: Vec<u32>,
    symbols: Vec<u32>,
}

impl SymbolNumbers {
    fn of(&self, about: About) -> u32 {
        match about {
            About::Section(section) => self.sections[section as usize],
            About::Symbol(symbol) => self.symbols[symbol as usize],
        }
    }
}

impl Unit<'_> {
    /// Writes the object. Sections come first, in their order, each with its relocations after it.
    pub(super) fn write(&mut self, relocations: &[Vec<Relocation>]) -> Vec<Vec<u8>> {
        let endian = match self.options.endian {
            Endian::Little => Endianness::Little,
            Endian::Big => Endianness::Big,
        };
        let encoder = Encoder::new(endian, true, elf::EM_BPF);
        let in_file = self.number_sections(relocations);
        let (index, next) = (&in_file.sections, in_file.next);
        let mut strings = Strings(vec![0]);
        let (symbols, locals, numbers) = self.symbol_list(relocations, &in_file, &mut strings);
        let addrsig = self.addrsig && self.style == Style::Llvm;
        let symtab = next + u32::from(addrsig);
        let mut out = Pieces::default();
        out.open.resize(encoder.file_header_size() as usize, 0);
        let mut headers: Vec<SectionHeader> = Vec::new();
        let mut groups = in_file.groups.iter().peekable();
        for (at, of) in relocations.iter().enumerate() {
            while let Some(group) = groups.next_if(|group| group.before == at) {
                out.align(4);
                let bytes = self.group_bytes(group, &in_file, relocations);
                let signature = numbers.of(About::Symbol(group.symbol));
                headers.push(SectionHeader {
                    sh_name: strings.add(".group"),
                    sh_type: elf::SHT_GROUP,
                    sh_flags: elf::SectionFlags(0),
                    sh_addr: 0,
                    sh_offset: out.len(),
                    sh_size: bytes.len() as u64,
                    sh_link: symtab,
                    sh_info: signature,
                    sh_addralign: 4,
                    sh_entsize: 4,
                });
                out.add(bytes);
            }
            let link = self.link_of(at, &in_file);
            let section = &self.sections[at];
            out.align(section.align);
            headers.push(SectionHeader {
                sh_name: strings.add(&section.name),
                sh_type: elf::SectionType(section.kind),
                sh_flags: elf::SectionFlags(section.flags),
                sh_addr: 0,
                sh_offset: out.len(),
                sh_size: if section.is_empty_kind() {
                    section.zeros
                } else {
                    section.data.len() as u64
                },
                sh_link: link,
                sh_info: 0,
                sh_addralign: section.align,
                sh_entsize: section.entry_size,
            });
            let rel_name = format!(".rel{}", section.name);
            let rel_flags = elf::SHF_INFO_LINK.0 | section.flags & GROUP;
            out.add(std::mem::take(&mut self.sections[at].data));
            if of.is_empty() {
                continue;
            }
            out.align(8);
            headers.push(SectionHeader {
                sh_name: strings.add(&rel_name),
                sh_type: elf::SHT_REL,
                sh_flags: elf::SectionFlags(rel_flags),
                sh_addr: 0,
                sh_offset: out.len(),
                sh_size: of.len() as u64 * 16,
                sh_link: symtab,
                sh_info: index[at],
                sh_addralign: 8,
                sh_entsize: 16,
            });
            for relocation in of {
                encoder.relocation(
                    &mut out.open,
                    false,
                    &Rel {
                        r_offset: relocation.offset,
                        r_sym: numbers.of(relocation.about),
                        r_type: elf::RelocationType(relocation.kind),
                        r_addend: 0,
                    },
                );
            }
        }
        if addrsig {
            let start = out.len();
            for id in 0..self.symbols.len() as SymbolId {
                let number = numbers.of(About::Symbol(id));
                if self.symbols.get(id).address_taken && number != 0 {
                    crate::object::lines::unsigned(&mut out.open, u64::from(number));
                }
            }
            headers.push(SectionHeader {
                sh_name: strings.add(".llvm_addrsig"),
                sh_type: elf::SectionType(SHT_LLVM_ADDRSIG),
                sh_flags: elf::SectionFlags(EXCLUDE),
                sh_addr: 0,
                sh_offset: start,
                sh_size: out.len() - start,
                sh_link: symtab,
                sh_info: 0,
                sh_addralign: 1,
                sh_entsize: 0,
            });
        }
        let (symtab_name, strtab_name) = (strings.add(".symtab"), strings.add(".strtab"));
        out.align(8);
        headers.push(SectionHeader {
            sh_name: symtab_name,
            sh_offset: out.len(),
            sh_size: (symbols.len() as u64 + 1) * 24,
            ..encoder.symtab_section_header(symtab + 1, locals)
        });
        out.open.reserve(24 * (symbols.len() + 1));
        encoder.null_symbol(&mut out.open);
        for symbol in &symbols {
            encoder.symbol(&mut out.open, symbol);
        }
        headers.push(SectionHeader {
            sh_name: strtab_name,
            sh_offset: out.len(),
            sh_size: strings.0.len() as u64,
            ..encoder.strtab_section_header()
        });
        out.add(strings.0);
        out.align(8);
        let header = FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: elf::ET_REL,
            e_machine: elf::EM_BPF,
            e_entry: 0,
            e_flags: elf::FileFlags(self.flags),
        };
        let layout = FileHeaderLayout {
            e_shoff: out.len(),
            section_num: headers.len() as u32 + 1,
            shstrtab_index: symtab + 1,
            ..FileHeaderLayout::default()
        };
        let mut first = Vec::new();
        if headers.len() >= 0xff00 || encoder.file_header(&mut first, &header, &layout).is_err() {
            let message = "an object of more than 65,000 sections is not written";
            self.error(Diagnostic::error(&codes::TOO_LARGE, message));
            return Vec::new();
        }
        out.open.extend_from_slice(&[0; 64]);
        for header in &headers {
            encoder.section_header(&mut out.open, header);
        }
        out.close();
        out.done[0][..first.len()].copy_from_slice(&first);
        out.done
    }

    fn size_of(&self, symbol: &Symbol) -> u64 {
        let size = symbol.size.and_then(|(node, _)| self.constant(node).ok());
        size.unwrap_or(0) as u64
    }

    /// The symbols of the file after the null one, how many are local with it, and their numbers.
    fn symbol_list(
        &self,
        relocations: &[Vec<Relocation>],
        in_file: &Numbers,
        strings: &mut Strings,
    ) -> (Vec<Sym>, u32, SymbolNumbers) {
        let mut out = Vec::new();
        let mut numbers = SymbolNumbers {
            sections: vec![0; self.sections.len()],
            symbols: vec![0; self.symbols.len()],
        };
        let index = &in_file.sections;
        let signed: std::collections::HashMap<SymbolId, u32> =
            in_file.groups.iter().map(|group| (group.symbol, group.number)).collect();
        let bare = |kind: u8, bind: u8| Sym {
            section: None,
            st_name: 0,
            st_info: elf::SymbolInfo(bind << 4 | kind),
            st_other: elf::SymbolOther(0),
            st_shndx: elf::SymbolSection(0),
            st_value: 0,
            st_size: 0,
        };
        if let Some(file) = &self.file {
            out.push(Sym {
                st_name: strings.add(file),
                st_shndx: elf::SymbolSection(0xfff1),
                ..bare(4, 0)
            });
        }
        let named: std::collections::HashSet<u32> = relocations
            .iter()
            .flatten()
            .filter_map(|relocation| match relocation.about {
                About::Section(section) => Some(section),
                About::Symbol(_) => None,
            })
            .collect();
        for section in 0..self.sections.len() as u32 {
            if self.style == Style::Gnu || named.contains(&section) {
                out.push(Sym { section: Some(index[section as usize]), ..bare(3, 0) });
                numbers.sections[section as usize] = out.len() as u32;
            }
        }
        let mut locals = out.len() as u32 + 1;
        for global in [false, true] {
            for id in 0..self.symbols.len() as SymbolId {
                let symbol = self.symbols.get(id);
                let name = self.symbols.name(id);
                let undefined = symbol.meaning == Meaning::Undefined;
                let bound = matches!(symbol.binding, Binding::Global | Binding::Weak);
                // The name of a group need not be that of anything else.
                let group = signed.get(&id).copied();
                let only_group = group.filter(|_| undefined && !bound && !symbol.relocated);
                let is_global =
                    bound || undefined && symbol.binding != Binding::Local && only_group.is_none();
                let shown = symbol.relocated
                    || group.is_some()
                    || !self.symbols.is_temporary(id) && (!undefined || bound);
                if name.is_empty() || symbol.kind == STT_SECTION || is_global != global || !shown {
                    continue;
                }
                let bind = match (symbol.binding, is_global) {
                    (Binding::Weak, _) => 2,
                    (_, true) => 1,
                    (_, false) => 0,
                };
                let mut entry = Sym {
                    st_name: strings.add(name),
                    st_other: elf::SymbolOther(symbol.visibility),
                    st_size: self.size_of(symbol),
                    ..bare(symbol.kind, bind)
                };
                match symbol.meaning {
                    Meaning::Label(place) => {
                        entry.section = Some(index[place.section as usize]);
                        entry.st_value = self.offset(place);
                    }
                    Meaning::Common { size, align } => {
                        entry.st_shndx = elf::SymbolSection(0xfff2);
                        (entry.st_value, entry.st_size) = (align, size);
                    }
                    Meaning::Value { node, .. } => {
                        let value = self.evaluate(node).unwrap_or_default();
                        entry.st_value = value.number as u64;
                        entry.st_shndx = elf::SymbolSection(0xfff1);
                        let base = value.plus.map(|base| self.symbols.get(base));
                        if let Some(base) = base
                            && let Meaning::Label(place) = base.meaning
                        {
                            // Another name is of the same kind, if nothing else is said.
                            if symbol.kind == 0 {
                                entry.st_info = elf::SymbolInfo(bind << 4 | base.kind);
                            }
                            if symbol.size.is_none() {
                                entry.st_size = self.size_of(base);
                            }
                            entry.section = Some(index[place.section as usize]);
                            entry.st_value = entry.st_value.wrapping_add(self.offset(place));
                        }
                    }
                    Meaning::Undefined => entry.section = only_group,
                }
                out.push(entry);
                numbers.symbols[id as usize] = out.len() as u32;
            }
            if !global {
                locals = out.len() as u32 + 1;
            }
        }
        (out, locals, numbers)
    }
}
