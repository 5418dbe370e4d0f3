//! A section of data: strings, numbers, zeros and the addresses of symbols.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use abide_isa::Endian;
use object::elf;

use super::Writer;
use super::code::{Code, operand, sum};
use super::image::{Image, Place, Relocation, Section};
use super::names::Names;
use crate::dialect::Dialect;
use crate::object::{BTF_EXT, Style};
use crate::print::Symbol;

/// The numbers of `R_BPF_64_ABS32` and `R_BPF_64_NODYLD32`.
const ABS32: u32 = 3;
const NODYLD32: u32 = 4;

/// How many bytes a relocation of data covers. LLVM and GNU have numbered them differently; none of
/// these numbers means two sizes in data.
fn width(relocation: &Relocation) -> Option<usize> {
    match relocation.kind {
        // R_BPF_64_ABS64, and GNU's before 2.41.
        2 | 12 => Some(8),
        // R_BPF_64_ABS32, R_BPF_64_NODYLD32, and GNU's before 2.41.
        ABS32 | NODYLD32 | 11 => Some(4),
        _ => None,
    }
}

fn read(bytes: &[u8], endian: Endian) -> u64 {
    let byte = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    match endian {
        Endian::Little => bytes.iter().rev().fold(0, byte),
        Endian::Big => bytes.iter().fold(0, byte),
    }
}

fn bytes_of<'d>(section: &Section<'d>, relocation: &Relocation) -> Option<&'d [u8]> {
    let start = usize::try_from(relocation.offset).ok()?;
    section.data.get(start..start.checked_add(width(relocation)?)?)
}

/// The number that is added to the symbol.
fn addend(section: &Section<'_>, relocation: &Relocation, endian: Endian) -> Option<i64> {
    let bytes = bytes_of(section, relocation)?;
    let value = read(bytes, endian);
    let value = if bytes.len() == 4 { i64::from(value as u32) } else { value as i64 };
    value.checked_add(relocation.addend)
}

/// Whether a word must be written as a label that is no symbol, or must not be. LLVM has one kind of
/// relocation for those of code, and for symbols and sections of variables, and another one for all else.
fn temporary(
    image: &Image<'_>,
    names: &Names,
    section: &Section<'_>,
    relocation: &Relocation,
    target: usize,
) -> Option<bool> {
    let flags = image.sections[target].flags;
    let is = |flag: elf::SectionFlags| flags & flag.0 != 0;
    if image.style == Style::Gnu || !is(elf::SHF_ALLOC) {
        return None;
    }
    match (relocation.kind, is(elf::SHF_EXECINSTR), is(elf::SHF_WRITE)) {
        // In `.BTF.ext` a section does as well, if its name can be written.
        (NODYLD32, true, false) => {
            Some(section.name != BTF_EXT || !names.is_section_word(&image.sections[target]))
        }
        (NODYLD32, false, true) | (ABS32, true, false) => Some(false),
        (ABS32, false, true) => Some(true),
        _ => None,
    }
}

/// What a relocation is written as.
fn operand_of<'a>(
    image: &'a Image<'_>,
    names: &'a Names,
    section: &Section<'_>,
    dialect: Dialect,
    relocation: &Relocation,
    addend: i64,
) -> Result<Symbol<'a>, &'static str> {
    let symbol = image.symbols.get(relocation.symbol).map(|symbol| (symbol.kind, symbol.place));
    if let (Some((elf::STT_SECTION, Place::Section(target))), Ok(offset)) =
        (symbol, u64::try_from(addend))
    {
        let to = &image.sections[target];
        match temporary(image, names, section, relocation, target) {
            Some(true) => {
                if let Some(label) = names.label(target, offset) {
                    return Ok(label);
                }
            }
            Some(false) if names.is_section_word(to) => {
                return Ok(sum(&to.name, addend, dialect));
            }
            _ => {}
        }
    }
    operand(image, names, relocation, addend, dialect)
}

/// Asks for the labels that the data of a section refers to: where the name of a section cannot
/// stand for it.
pub(super) fn want(
    image: &Image<'_>,
    codes: &[Option<Code<'_>>],
    section: usize,
    names: &mut Names,
) {
    let section = &image.sections[section];
    for relocation in &section.relocations {
        let Some(symbol) = image.symbols.get(relocation.symbol) else { continue };
        let (elf::STT_SECTION, Place::Section(target)) = (symbol.kind, symbol.place) else {
            continue;
        };
        if let Some(offset) = addend(section, relocation, image.endian)
            && let Ok(offset) = u64::try_from(offset)
            && names.can_stand(image, codes, target, offset)
        {
            if temporary(image, names, section, relocation, target) == Some(true) {
                names.want_label(target, offset);
            } else if !names.is_section_word(&image.sections[target]) {
                names.want(image, target, offset);
            }
        }
    }
}

/// Prints the data of a section.
pub(super) fn write(out: &mut Writer<'_>, image: &Image<'_>, names: &Names, index: usize) {
    let section = &image.sections[index];
    let labels: BTreeSet<u64> = names.places(index).collect();
    let mut relocations: HashMap<u64, (&Relocation, Symbol<'_>)> = HashMap::new();
    let mut covered = 0;
    for one in &section.relocations {
        let text = addend(section, one, image.endian)
            .ok_or("its type is not known")
            .and_then(|addend| operand_of(image, names, section, out.options.dialect, one, addend));
        let end = one.offset.saturating_add(width(one).unwrap_or(0) as u64);
        let cut = end > one.offset && labels.range(one.offset + 1..end).next().is_some();
        match text {
            // Lying on one another, or around a label, they cannot be written.
            Ok(text) if one.offset >= covered && !cut => {
                relocations.insert(one.offset, (one, text));
                covered = end;
            }
            _ => out.relocation(image, one),
        }
    }
    let mut stops = labels;
    for (one, _) in relocations.values() {
        stops.extend([one.offset, one.offset + width(one).unwrap_or(0) as u64]);
    }
    stops.extend([0, section.size]);
    let (mut at, mut walk) = (0, names.walk(index));
    for stop in stops {
        if stop > at {
            let sized = names.symbols_at(index, at).iter().any(|(_, symbol)| {
                let symbol = &image.symbols[*symbol];
                symbol.kind == elf::STT_OBJECT && symbol.size == stop - at
            });
            match (relocations.get(&at), section.data.get(at as usize..stop as usize)) {
                (Some((one, text)), _) => {
                    let name = if width(one) == Some(8) { ".quad" } else { ".long" };
                    out.directive(format_args!("{name}\t{text}"));
                }
                (None, Some(bytes)) => write_bytes(out, bytes, sized, image.endian),
                // What has no bytes in the file.
                (None, None) => out.directive(format_args!(".zero\t{}", stop - at)),
            }
            at = stop;
        }
        out.labels(image, &mut walk, stop);
    }
}

/// Bytes without labels or relocations among them. `whole` are those of one variable.
fn write_bytes(out: &mut Writer<'_>, bytes: &[u8], whole: bool, endian: Endian) {
    if bytes.iter().all(|byte| *byte == 0) {
        return out.directive(format_args!(".zero\t{}", bytes.len()));
    }
    let is_text = |bytes: &[u8]| match bytes {
        [text @ .., 0] => text.len() >= 3 && text.iter().all(|byte| (b' '..=b'~').contains(byte)),
        _ => false,
    };
    if whole
        && !is_text(bytes)
        && let Some(name) = number(bytes.len())
    {
        return out.directive(format_args!("{name}\t{:#x}", read(bytes, endian)));
    }
    let mut rest = bytes;
    let mut plain = 0;
    while plain < rest.len() {
        let here = &rest[plain..];
        let text = here.iter().position(|byte| !(b' '..=b'~').contains(byte)).unwrap_or(here.len());
        let zeros = here.iter().position(|byte| *byte != 0).unwrap_or(here.len());
        let ends = here.get(text) == Some(&0);
        if !(text >= 3 && ends || text >= 8 || zeros >= 8) {
            plain += text.max(zeros).max(1);
            continue;
        }
        out.bytes(&rest[..plain]);
        if zeros >= 8 {
            out.directive(format_args!(".zero\t{zeros}"));
            rest = &here[zeros..];
        } else {
            let name = if ends { ".asciz" } else { ".ascii" };
            out.directive(format_args!("{name}\t{}", quoted(&here[..text])));
            rest = &here[text + usize::from(ends)..];
        }
        plain = 0;
    }
    out.bytes(rest);
}

fn number(len: usize) -> Option<&'static str> {
    match len {
        2 => Some(".short"),
        4 => Some(".long"),
        8 => Some(".quad"),
        _ => None,
    }
}

fn quoted(text: &[u8]) -> String {
    let mut out = String::from("\"");
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push('\\');
        }
        out.push(char::from(*byte));
    }
    out.push('"');
    out
}

/// The symbols of LLVM's list of those whose addresses matter; `None` if it is damaged.
pub(super) fn addrsig(image: &Image<'_>, names: &Names, section: &Section<'_>) -> Option<String> {
    let mut out = String::from("\t.addrsig\n");
    let mut rest = section.data;
    while !rest.is_empty() {
        let length = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
        if length > 4 {
            return None;
        }
        let value = |value: usize, byte: &u8| value << 7 | usize::from(byte & 0x7f);
        let symbol = rest[..length].iter().rev().fold(0, value);
        names.spelled(symbol).ok()?;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\t.addrsig_sym {}", image.symbols[symbol].name);
        rest = &rest[length..];
    }
    Some(out)
}
