//! A section of code: labels, instructions with their symbols, and what cannot be said so.
//!
//! A relocation becomes the symbol of its instruction only where assembling that gives the
//! relocation and the bytes again; any other is mentioned in a comment.

use std::collections::HashMap;
use std::iter::Peekable;

use abide_isa::{Endian, Insn, Kind, Op, Raw, decode_bytes};
use object::elf;

use super::Writer;
use super::image::{Image, Place, Relocation, Section};
use super::lines::Lines;
use super::names::{Names, is_word};
use crate::dialect::Dialect;
use crate::disasm::{without_gaps, write_data};
use crate::print::{Symbol, write_insn};

/// `R_BPF_64_64`: the address in a 64-bit immediate load.
const R_64_64: u32 = 1;
/// `R_BPF_64_32`: the distance in a call.
const R_64_32: u32 = 10;

/// The code of a section. It is decoded twice, for its labels and to be written: keeping what was
/// decoded costs more than that.
#[derive(Debug)]
pub(super) struct Code<'d> {
    data: &'d [u8],
    endian: Endian,
    /// By slot: whether it is the second one of an instruction, so that no label can stand there.
    inside: Vec<bool>,
}

impl<'d> Code<'d> {
    pub(super) fn new(data: &'d [u8], endian: Endian) -> Code<'d> {
        let mut inside = vec![false; data.len() / Raw::SIZE];
        for (slot, insn) in decode_bytes(data, endian, |_| false) {
            if insn.is_ok_and(|insn| insn.slots() == 2) {
                inside[slot + 1] = true;
            }
        }
        Code { data, endian, inside }
    }

    /// Whether a label can stand at an offset.
    pub(super) fn is_boundary(&self, offset: u64) -> bool {
        let size = Raw::SIZE as u64;
        let slot = offset / size;
        offset.is_multiple_of(size)
            && slot <= self.inside.len() as u64
            && self.inside.get(slot as usize) != Some(&true)
    }

    /// The offset that a jump or call without a relocation leads to, if a label can stand there.
    fn target(&self, slot: usize, insn: &Insn) -> Option<u64> {
        let distance = match insn.kind() {
            Kind::CallLocal => insn.function()?,
            _ => insn.jump()?,
        };
        let target = (slot as i64 + 1).checked_add(i64::from(distance))?;
        let offset = u64::try_from(target).ok()?.checked_mul(Raw::SIZE as u64)?;
        self.is_boundary(offset).then_some(offset)
    }
}

/// What the relocation of an instruction says, where it is one that assembly can say.
fn meant(insn: &Insn, relocation: &Relocation) -> Option<i64> {
    let addend = match (relocation.kind, insn.op) {
        (R_64_64, Op::LdImm64) => insn.imm,
        // The distance counts slots from the next one; -1 is the symbol itself.
        (R_64_32, Op::CallLocal) => (insn.imm + 1) * Raw::SIZE as i64,
        _ => return None,
    };
    addend.checked_add(relocation.addend)
}

/// The relocations of a section by slot: only those that are alone there. They are asked for in the
/// order of the slots.
struct BySlot<'r>(Peekable<std::vec::IntoIter<(usize, &'r Relocation)>>);

impl<'r> BySlot<'r> {
    fn new(relocations: &'r [Relocation]) -> BySlot<'r> {
        let whole = |one: &&Relocation| one.offset.is_multiple_of(Raw::SIZE as u64);
        let whole: Vec<&Relocation> = relocations.iter().filter(whole).collect();
        let alone = whole.chunk_by(|a, b| a.offset == b.offset).filter_map(|here| match here {
            [one] => Some(((one.offset / Raw::SIZE as u64) as usize, *one)),
            _ => None,
        });
        BySlot(alone.collect::<Vec<_>>().into_iter().peekable())
    }

    fn at(&mut self, slot: usize) -> Option<&'r Relocation> {
        while self.0.next_if(|(before, _)| *before < slot).is_some() {}
        self.0.next_if(|(at, _)| *at == slot).map(|(_, one)| one)
    }
}

/// Asks for the labels that the code of a section refers to.
pub(super) fn want(
    image: &Image<'_>,
    codes: &HashMap<usize, Code<'_>>,
    section: usize,
    names: &mut Names,
) {
    let code = &codes[&section];
    let mut relocations = BySlot::new(&image.sections[section].relocations);
    // Jumps and calls, by their classes (RFC 9669 section 3), and 64-bit immediate loads.
    let may_refer = |opcode: u8| matches!(opcode & 7, 5 | 6);
    for (slot, insn) in decode_bytes(code.data, code.endian, may_refer) {
        let Ok(insn) = insn else { continue };
        let Some(relocation) = relocations.at(slot) else {
            if let Some(target) = code.target(slot, &insn) {
                names.want(image, section, target);
            }
            continue;
        };
        let Some(addend) = meant(&insn, relocation) else { continue };
        let Some(symbol) = image.symbols.get(relocation.symbol) else { continue };
        if let (elf::STT_SECTION, Place::Section(target)) = (symbol.kind, symbol.place)
            && let Ok(offset) = u64::try_from(addend)
            && names.can_stand(image, codes, target, offset)
        {
            names.want(image, target, offset);
        }
    }
}

/// A symbol with a number added.
fn sum(name: &str, addend: i64, dialect: Dialect) -> Symbol<'_> {
    let (sign, space) = (
        if addend < 0 { '-' } else { '+' },
        match dialect {
            Dialect::C => " ",
            Dialect::Gnu => "",
        },
    );
    Symbol::Name(match addend {
        0 => name.into(),
        _ => format!("{name}{space}{sign}{space}{}", addend.unsigned_abs()).into(),
    })
}

/// The symbol that a relocation refers to, as an operand.
pub(super) fn operand<'a>(
    image: &'a Image<'_>,
    names: &'a Names,
    relocation: &Relocation,
    addend: i64,
    dialect: Dialect,
) -> Result<Symbol<'a>, &'static str> {
    let symbol = image.symbols.get(relocation.symbol).ok_or("its symbol is not in the table")?;
    if let (elf::STT_SECTION, Place::Section(section)) = (symbol.kind, symbol.place) {
        let place = u64::try_from(addend).ok();
        if let Some(name) = place.and_then(|offset| names.local(image, section, offset)) {
            return Ok(name);
        }
        let section = &image.sections[section];
        return match names.is_section_word(section) {
            true => Ok(sum(&section.name, addend, dialect)),
            false => Err("the name of its section is no word of assembly"),
        };
    }
    names.spelled(relocation.symbol)?;
    Ok(sum(&symbol.name, addend, dialect))
}

/// Whether the immediate is what GNU's assembler 2.40 adds to addresses: the symbol's offset.
fn adds_own_offset(image: &Image<'_>, relocation: &Relocation, insn: &Insn) -> bool {
    let symbol = image.symbols.get(relocation.symbol);
    insn.op == Op::LdImm64
        && insn.imm != 0
        && symbol.is_some_and(|symbol| {
            symbol.kind != elf::STT_SECTION && insn.imm as u64 == symbol.value
        })
}

/// Prints the code of a section.
pub(super) fn write(
    out: &mut Writer<'_>,
    image: &Image<'_>,
    names: &Names,
    section: usize,
    code: &Code<'_>,
    lines: &Lines,
) {
    let options = *out.options;
    let mut relocations = BySlot::new(&image.sections[section].relocations);
    let mut left = image.sections[section].relocations.iter().peekable();
    let mut labels = names.walk(section);
    let mut lines = lines.iter().filter(|_| options.source).peekable();
    let (slots, _) = code.data.as_chunks();
    let decoded = decode_bytes(code.data, code.endian, |_| true);
    without_gaps(decoded, slots.len(), |slot, line| {
        let line = line.as_ref();
        let offset = (slot * Raw::SIZE) as u64;
        let count = line.map_or(1, |insn| insn.slots());
        let end = offset + (count * Raw::SIZE) as u64;
        let any = left.peek().is_some_and(|one| one.offset < end);
        let relocation = if any { relocations.at(slot) } else { None };
        let symbol = line.ok().and_then(|insn| match relocation {
            None => names.local(image, section, code.target(slot, insn)?),
            Some(one) => operand(image, names, one, meant(insn, one)?, options.dialect).ok(),
        });
        if labels.is_any(offset) {
            out.labels(image, &mut labels, offset);
        }
        while lines.next_if(|(at, _)| *at < offset).is_some() {}
        if let Some((_, source)) = lines.next_if(|(at, _)| *at == offset) {
            out.comment(source);
        }
        // What the symbol says is said.
        let said = relocation.filter(|_| symbol.is_some());
        while let Some(one) = if any { left.next_if(|one| one.offset < end) } else { None } {
            if !said.is_some_and(|said| std::ptr::eq(said, one)) {
                out.relocation(image, one);
            }
        }
        if let (Some(one), Ok(insn)) = (relocation, line)
            && adds_own_offset(image, one, insn)
        {
            out.comment("the number is the symbol's own offset, as GNU's assembler 2.40 adds it");
        }
        if let Err(error) = line {
            // Not behind the data: not every assembler takes it there.
            out.comment(&error.to_string());
        }
        out.code(slot, &slots[slot..slot + count], |text| match line {
            Ok(insn) => write_insn(text, insn, options.dialect, symbol.as_ref()),
            Err(_) => write_data(text, Raw::from_bytes(slots[slot], code.endian), code.endian),
        });
    });
    out.labels(image, &mut labels, (slots.len() * Raw::SIZE) as u64);
    let rest = &code.data[slots.len() * Raw::SIZE..];
    if !rest.is_empty() {
        out.comment("less than an instruction");
        out.bytes(rest);
    }
    left.for_each(|one| out.relocation(image, one));
}

impl Names {
    /// Whether the name of a section can be written as its symbol.
    pub(super) fn is_section_word(&self, section: &Section<'_>) -> bool {
        section.twin == 0 && is_word(&section.name) && !self.is_taken(&section.name)
    }

    /// Whether a label can stand at a place.
    pub(super) fn can_stand(
        &self,
        image: &Image<'_>,
        codes: &HashMap<usize, Code<'_>>,
        section: usize,
        offset: u64,
    ) -> bool {
        offset <= image.sections[section].size
            && codes.get(&section).is_none_or(|code| code.is_boundary(offset))
    }
}
