//! A small ELF writer for objects that no compiler would make, and BTF for them.

/// An ELF file in the making. Section 0 and symbol 0 are there already.
pub(crate) struct Elf {
    sections: Vec<Section>,
    symbols: Vec<u8>,
    symbol_names: Vec<u8>,
    /// The machine of the header.
    pub(crate) machine: u16,
    /// The type of the header.
    pub(crate) kind: u16,
}

struct Section {
    name: String,
    kind: u32,
    flags: u64,
    data: Vec<u8>,
    size: u64,
    link: u32,
    info: u32,
    entry: u64,
}

pub(crate) const CODE: u64 = 2 | 4;
pub(crate) const DATA: u64 = 2 | 1;
/// Symbols: type and binding.
pub(crate) const FUNC: u8 = 0x12;
pub(crate) const LOCAL_FUNC: u8 = 0x02;
pub(crate) const OBJECT: u8 = 0x11;
pub(crate) const UNDEFINED: u8 = 0x10;

impl Elf {
    pub(crate) fn new() -> Elf {
        let null = Section::new("", 0, 0, Vec::new());
        Elf {
            sections: vec![null],
            symbols: vec![0; 24],
            symbol_names: vec![0],
            machine: 247,
            kind: 1,
        }
    }

    /// Adds a section with contents; gives its index.
    pub(crate) fn section(&mut self, name: &str, flags: u64, data: impl Into<Vec<u8>>) -> u16 {
        self.sections.push(Section::new(name, 1, flags, data.into()));
        self.sections.len() as u16 - 1
    }

    /// Adds a section without contents; gives its index.
    pub(crate) fn zeroes(&mut self, name: &str, size: u64) -> u16 {
        self.sections.push(Section { size, ..Section::new(name, 8, DATA, Vec::new()) });
        self.sections.len() as u16 - 1
    }

    /// Adds a symbol; gives its index.
    pub(crate) fn symbol(
        &mut self,
        name: &[u8],
        info: u8,
        section: u16,
        value: u64,
        size: u64,
    ) -> u32 {
        let number = self.symbols.len() / 24;
        self.symbols.extend((self.symbol_names.len() as u32).to_le_bytes());
        self.symbols.extend([info, 0]);
        self.symbols.extend(section.to_le_bytes());
        self.symbols.extend(value.to_le_bytes());
        self.symbols.extend(size.to_le_bytes());
        self.symbol_names.extend(name);
        self.symbol_names.push(0);
        number as u32
    }

    /// Adds relocations (offset, type, symbol) for a section.
    pub(crate) fn relocations(&mut self, section: u16, all: &[(u64, u32, u32)]) {
        let mut data = Vec::new();
        for (offset, kind, symbol) in all {
            data.extend(offset.to_le_bytes());
            data.extend((u64::from(*symbol) << 32 | u64::from(*kind)).to_le_bytes());
        }
        let info = u32::from(section);
        self.sections.push(Section { info, entry: 16, ..Section::new(".rel", 9, 0, data) });
    }

    /// The file.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        let table = self.sections.len() as u32;
        for section in self.sections.iter_mut().filter(|section| section.kind == 9) {
            section.link = table;
        }
        let symbols = std::mem::take(&mut self.symbols);
        self.sections.push(Section {
            link: table + 1,
            entry: 24,
            ..Section::new(".symtab", 2, 0, symbols)
        });
        let names = std::mem::take(&mut self.symbol_names);
        self.sections.push(Section::new(".strtab", 3, 0, names));
        self.sections.push(Section::new(".shstrtab", 3, 0, Vec::new()));
        let mut names = Vec::new();
        let offsets: Vec<u32> = self
            .sections
            .iter()
            .map(|section| {
                let at = names.len() as u32;
                names.extend(section.name.as_bytes());
                names.push(0);
                at
            })
            .collect();
        let last = self.sections.last_mut().unwrap();
        last.size = names.len() as u64;
        last.data = names;

        let mut file = vec![0; 64];
        let mut headers = Vec::new();
        for (section, name) in self.sections.iter().zip(offsets) {
            file.resize(file.len().next_multiple_of(8), 0);
            let words = [section.flags, 0, file.len() as u64, section.size];
            headers.extend(name.to_le_bytes());
            headers.extend(section.kind.to_le_bytes());
            headers.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            headers.extend(section.link.to_le_bytes());
            headers.extend(section.info.to_le_bytes());
            headers.extend(8_u64.to_le_bytes());
            headers.extend(section.entry.to_le_bytes());
            file.extend(&section.data);
        }
        file.resize(file.len().next_multiple_of(8), 0);
        let start = file.len() as u64;
        file.extend(headers);
        file[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\x00");
        file[16..18].copy_from_slice(&self.kind.to_le_bytes());
        file[18..20].copy_from_slice(&self.machine.to_le_bytes());
        file[20] = 1;
        file[40..48].copy_from_slice(&start.to_le_bytes());
        file[52..54].copy_from_slice(&64_u16.to_le_bytes());
        file[58..60].copy_from_slice(&64_u16.to_le_bytes());
        file[60..62].copy_from_slice(&(self.sections.len() as u16).to_le_bytes());
        file[62..64].copy_from_slice(&(self.sections.len() as u16 - 1).to_le_bytes());
        file
    }
}

impl Section {
    fn new(name: &str, kind: u32, flags: u64, data: Vec<u8>) -> Section {
        let size = data.len() as u64;
        Section { name: name.to_owned(), kind, flags, size, data, link: 0, info: 0, entry: 0 }
    }
}

/// Type information in the making.
pub(crate) struct Types {
    words: Vec<u32>,
    strings: Vec<u8>,
    count: u32,
}

impl Types {
    pub(crate) fn new() -> Types {
        Types { words: Vec::new(), strings: vec![0], count: 0 }
    }

    /// Adds a string.
    pub(crate) fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        at
    }

    /// Adds a type by its kind, count, third word and the rest; gives its id.
    pub(crate) fn add(
        &mut self,
        name: &str,
        kind: u32,
        count: u32,
        third: u32,
        rest: &[u32],
    ) -> u32 {
        let name = self.string(name);
        self.words.extend([name, kind << 24 | count, third]);
        self.words.extend(rest);
        self.count += 1;
        self.count
    }

    /// `int`.
    pub(crate) fn int(&mut self) -> u32 {
        self.add("int", 1, 0, 4, &[1 << 24 | 32])
    }

    /// `int (*)[number]`.
    pub(crate) fn number(&mut self, int: u32, number: u32) -> u32 {
        let array = self.add("", 3, 0, 0, &[int, int, number]);
        self.add("", 2, 0, array, &[])
    }

    /// A struct of pointers.
    pub(crate) fn fields(&mut self, fields: &[(&str, u32)]) -> u32 {
        self.composite("", fields, fields.len() as u32 * 8)
    }

    /// A struct of pointers, with a name and a size.
    pub(crate) fn composite(&mut self, name: &str, fields: &[(&str, u32)], size: u32) -> u32 {
        let mut words = Vec::new();
        for (number, (name, ty)) in fields.iter().enumerate() {
            words.extend([self.string(name), *ty, number as u32 * 64]);
        }
        self.add(name, 4, fields.len() as u32, size, &words)
    }

    /// A variable; linkage 1 is global, 2 extern.
    pub(crate) fn var(&mut self, name: &str, ty: u32, linkage: u32) -> u32 {
        self.add(name, 14, 0, ty, &[linkage])
    }

    /// A section of variables of 32 bytes at the same place.
    pub(crate) fn section(&mut self, name: &str, vars: &[u32]) -> u32 {
        let words: Vec<u32> = vars.iter().flat_map(|var| [*var, 0, 32]).collect();
        self.add(name, 15, vars.len() as u32, 0, &words)
    }

    /// The contents of `.BTF`.
    pub(crate) fn finish(self) -> Vec<u8> {
        let types = self.words.len() as u32 * 4;
        let mut out = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, types, types, self.strings.len() as u32] {
            out.extend(word.to_le_bytes());
        }
        out.extend(self.words.iter().flat_map(|word| word.to_le_bytes()));
        out.extend(self.strings);
        out
    }
}
