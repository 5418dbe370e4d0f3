//! The text of a listing, line by line. Knows how lines look, not what they are about.

use std::fmt::Arguments;
use std::io::{self, Write};

use abide_diag::printable;
use abide_isa::{Endian, Insn, Raw};
use object::elf;

use super::Options;
use super::image::{Image, Place, Relocation, Section};
use super::names::{Names, Walk, is_label, is_word};
use crate::disasm::write_data;
use crate::print::{Symbol, write_insn, write_line};

/// How many bytes a line of plain data has.
const BYTES_PER_LINE: usize = 12;

/// What is said of a section after its type: its group, what it is about, and its number among those
/// of its name; and the flags of such that no words can be found for.
fn relations(image: &Image<'_>, names: &Names, section: &Section<'_>) -> (Vec<u8>, u64) {
    let (mut out, mut missing) = (Vec::new(), 0);
    if section.flags & elf::SHF_GROUP.0 != 0 {
        let group = section.group.and_then(|(symbol, comdat)| {
            let name = &image.symbols.get(symbol)?.name;
            is_word(name).then_some((name, comdat))
        });
        match group {
            Some((name, comdat)) => {
                let _ = write!(out, ",{name}{}", if comdat { ",comdat" } else { "" });
            }
            None => missing |= elf::SHF_GROUP.0,
        }
    }
    if section.flags & elf::SHF_LINK_ORDER.0 != 0 {
        match (section.link, names.any_in(section.link)) {
            (0, _) => out.extend_from_slice(b",0"),
            (_, Some(symbol)) => {
                let _ = write!(out, ",{}", image.symbols[symbol].name);
            }
            (_, None) => missing |= elf::SHF_LINK_ORDER.0,
        }
    }
    if section.twin > 0 {
        let _ = write!(out, ",unique,{}", section.twin);
    }
    (out, missing)
}

/// So much text is collected before it is handed on: it stays in the caches of the processor.
const PIECE: usize = 1 << 16;

/// Collects the lines, and hands them on in pieces if somebody takes them.
pub(super) struct Writer<'a> {
    pub(super) options: &'a Options,
    pub(super) text: Vec<u8>,
    taker: Option<&'a mut dyn Write>,
    /// Whether the taker still takes any.
    pub(super) taken: io::Result<()>,
}

impl<'a> Writer<'a> {
    /// Keeps all of the text.
    pub(super) fn new(options: &'a Options) -> Writer<'a> {
        Writer { options, text: Vec::new(), taker: None, taken: Ok(()) }
    }

    /// Hands it on.
    pub(super) fn to(options: &'a Options, taker: &'a mut dyn Write) -> Writer<'a> {
        let text = Vec::with_capacity(PIECE + PIECE / 16);
        Writer { options, text, taker: Some(taker), taken: Ok(()) }
    }

    /// Hands on what there is, if it is enough.
    #[inline]
    fn end_line(&mut self) {
        if self.text.len() >= PIECE && self.taker.is_some() {
            self.hand_on();
        }
    }

    /// Hands on what there is.
    pub(super) fn hand_on(&mut self) {
        let Some(taker) = &mut self.taker else { return };
        if self.taken.is_ok() {
            self.taken = taker.write_all(&self.text);
        }
        self.text.clear();
    }
}

// Writing to memory cannot fail; the results are dropped.
impl Writer<'_> {
    pub(super) fn blank(&mut self) {
        self.text.push(b'\n');
    }

    /// A comment on a line of its own, which all assemblers take in both dialects.
    pub(super) fn comment(&mut self, text: &str) {
        let _ = writeln!(self.text, "\t# {text}");
    }

    pub(super) fn directive(&mut self, text: Arguments<'_>) {
        let _ = writeln!(self.text, "\t{text}");
        self.end_line();
    }

    /// A symbol that is declared: what of it is not by itself so.
    fn attributes(&mut self, image: &Image<'_>, index: usize) {
        let symbol = &image.symbols[index];
        let name = &symbol.name;
        match symbol.bind {
            elf::STB_WEAK => self.directive(format_args!(".weak\t{name}")),
            elf::STB_LOCAL => {}
            _ => self.directive(format_args!(".globl\t{name}")),
        }
        match symbol.visibility {
            elf::STV_HIDDEN => self.directive(format_args!(".hidden\t{name}")),
            elf::STV_PROTECTED => self.directive(format_args!(".protected\t{name}")),
            elf::STV_INTERNAL => self.directive(format_args!(".internal\t{name}")),
            _ => {}
        }
        match symbol.kind {
            elf::STT_FUNC => self.directive(format_args!(".type\t{name},@function")),
            elf::STT_OBJECT => self.directive(format_args!(".type\t{name},@object")),
            elf::STT_TLS => self.directive(format_args!(".type\t{name},@tls_object")),
            elf::STT_NOTYPE => {}
            kind => self.comment(&format!("type {} of {name} cannot be written", kind.0)),
        }
        if symbol.size != 0 {
            self.directive(format_args!(".size\t{name}, {}", symbol.size));
        }
    }

    /// The labels at a place.
    pub(super) fn labels(&mut self, image: &Image<'_>, labels: &mut Walk<'_>, offset: u64) {
        let (symbols, generated) = labels.at(offset);
        for (_, index) in symbols {
            let symbol = &image.symbols[*index];
            if offset > 0 && symbol.kind == elf::STT_FUNC {
                self.blank();
            }
            if !self.options.columns {
                self.attributes(image, *index);
            }
            self.text.extend_from_slice(symbol.name.as_bytes());
            self.text.extend_from_slice(b":\n");
        }
        if let Some(label) = generated {
            Symbol::Label(label).write(&mut self.text);
            self.text.extend_from_slice(b":\n");
        }
    }

    /// A relocation that cannot be written as a symbol of what it applies to.
    pub(super) fn relocation(&mut self, image: &Image<'_>, one: &Relocation) {
        let symbol = image.symbols.get(one.symbol);
        let name = match symbol.map(|symbol| (symbol.kind, symbol.place, &symbol.name)) {
            Some((elf::STT_SECTION, Place::Section(section), _)) => &*image.sections[section].name,
            Some((_, _, name)) => name,
            None => "?",
        };
        let name = printable(name);
        self.comment(&format!("relocation of type {} at byte {}: {name}", one.kind, one.offset));
    }

    /// An instruction.
    #[inline]
    pub(super) fn insn(
        &mut self,
        slot: usize,
        slots: &[[u8; Raw::SIZE]],
        insn: &Insn,
        symbol: Option<&Symbol<'_>>,
    ) {
        let dialect = self.options.dialect;
        if self.options.columns {
            self.columns(slot, slots, |text| write_insn(text, insn, dialect, symbol));
        } else {
            write_line(&mut self.text, insn, dialect, symbol);
        }
        self.end_line();
    }

    /// A slot that is no instruction, as data.
    pub(super) fn slot(&mut self, slot: usize, bytes: &[u8; Raw::SIZE], endian: Endian) {
        let data = |text: &mut Vec<u8>| write_data(text, Raw::from_bytes(*bytes, endian), endian);
        if self.options.columns {
            self.columns(slot, &[*bytes], data);
        } else {
            self.text.push(b'\t');
            data(&mut self.text);
            self.text.push(b'\n');
        }
        self.end_line();
    }

    /// Slots with their numbers and bytes, and behind the first one what `write` appends.
    fn columns(
        &mut self,
        slot: usize,
        slots: &[[u8; Raw::SIZE]],
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut write = Some(write);
        for (count, bytes) in slots.iter().enumerate() {
            let _ = write!(self.text, "{:>6}: ", slot + count);
            for byte in bytes {
                let _ = write!(self.text, " {byte:02x}");
            }
            if let Some(write) = write.take() {
                self.text.extend_from_slice(b"   ");
                write(&mut self.text);
            }
            self.text.push(b'\n');
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        for line in bytes.chunks(BYTES_PER_LINE) {
            let mut between = "\t.byte\t";
            for byte in line {
                let _ = write!(self.text, "{between}{byte:#04x}");
                between = ", ";
            }
            self.text.push(b'\n');
            self.end_line();
        }
    }

    /// The beginning of a section.
    pub(super) fn section(&mut self, image: &Image<'_>, names: &Names, section: &Section<'_>) {
        let (relations, missing) = relations(image, names, section);
        let mut flags = String::new();
        let mut rest = section.flags;
        for (letter, flag) in [
            ('a', elf::SHF_ALLOC),
            ('w', elf::SHF_WRITE),
            ('x', elf::SHF_EXECINSTR),
            ('M', elf::SHF_MERGE),
            ('S', elf::SHF_STRINGS),
            ('o', elf::SHF_LINK_ORDER),
            ('G', elf::SHF_GROUP),
            ('T', elf::SHF_TLS),
            ('R', elf::SHF_GNU_RETAIN),
            ('e', elf::SHF_EXCLUDE),
        ] {
            if rest & !missing & flag.0 != 0 {
                flags.push(letter);
                rest &= !flag.0;
            }
        }
        let kind = match elf::SectionType(section.kind) {
            elf::SHT_PROGBITS => "@progbits".to_owned(),
            elf::SHT_NOBITS => "@nobits".to_owned(),
            elf::SHT_NOTE => "@note".to_owned(),
            elf::SHT_INIT_ARRAY => "@init_array".to_owned(),
            elf::SHT_FINI_ARRAY => "@fini_array".to_owned(),
            other => format!("@{:#x}", other.0),
        };
        let plain = is_word(&section.name);
        let name = match plain {
            true => section.name.clone().into_owned(),
            false => format!(
                "\"{}\"",
                printable(&section.name).replace('\\', "\\\\").replace('"', "\\\"")
            ),
        };
        if self.options.columns {
            let _ = writeln!(self.text, "section {name}");
            return;
        }
        let _ = write!(self.text, "\t.section\t{name},\"{flags}\",{kind}");
        if section.flags & elf::SHF_MERGE.0 != 0 {
            let _ = write!(self.text, ",{}", section.entry_size);
        }
        self.text.extend_from_slice(&relations);
        self.blank();
        if rest != 0 {
            self.comment(&format!("the flags {rest:#x} cannot be written"));
        }
        if section.align > 1 {
            if section.align.is_power_of_two() {
                self.directive(format_args!(".p2align\t{}", section.align.trailing_zeros()));
            } else {
                self.comment(&format!("the alignment {} cannot be written", section.align));
            }
        }
    }

    /// The symbols that are no labels of a section.
    pub(super) fn others(&mut self, image: &Image<'_>, names: &Names) {
        for (index, symbol) in image.symbols.iter().enumerate().skip(1) {
            if symbol.kind == elf::STT_FILE {
                self.directive(format_args!(
                    ".file\t\"{}\"",
                    printable(&symbol.name).replace('\\', "\\\\").replace('"', "\\\"")
                ));
                continue;
            }
            if !is_label(symbol.kind) {
                continue;
            }
            if let Place::Section(section) = symbol.place
                && elf::SectionType(image.sections[section].kind) == elf::SHT_GROUP
            {
                // It is the name of the group, which its parts mention.
                continue;
            }
            if let Err(why) = names.spelled(index) {
                self.comment(&format!("the symbol {} is left out: {why}", printable(&symbol.name)));
                continue;
            }
            let name = &symbol.name;
            match symbol.place {
                Place::Undefined => self.attributes(image, index),
                Place::Absolute => {
                    self.attributes(image, index);
                    self.directive(format_args!(".set\t{name}, {:#x}", symbol.value));
                }
                Place::Common => {
                    self.attributes(image, index);
                    self.directive(format_args!(".comm\t{name},{},{}", symbol.size, symbol.value));
                }
                Place::Section(_) | Place::Unknown => {}
            }
        }
    }
}
