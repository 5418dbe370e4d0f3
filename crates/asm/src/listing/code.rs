//! A section of code: labels, instructions with their symbols, and what cannot be said so.
//!
//! A relocation becomes the symbol of its instruction only where assembling that gives the
//! relocation and the bytes again; any other is mentioned in a comment.

use std::iter::Peekable;

use abide_isa::{DecodeError, Endian, Insn, Kind, Op, Raw, decode_bytes, decode_next, decode_slot};
use object::elf;

use super::Writer;
use super::image::{Image, Place, Relocation, Section};
use super::lines::Lines;
use super::names::{Names, Walk, is_word};
use crate::dialect::Dialect;
use crate::print::Symbol;

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

/// Whether an instruction with this opcode may refer to another place: jumps and calls, by their
/// classes (RFC 9669 section 3). 64-bit immediate loads do as well.
fn may_refer(opcode: u8) -> bool {
    matches!(opcode & 7, 5 | 6)
}

/// Asks for the labels that the code of a section refers to.
pub(super) fn want(
    image: &Image<'_>,
    codes: &[Option<Code<'_>>],
    section: usize,
    names: &mut Names,
) {
    let Some(code) = &codes[section] else { return };
    let mut relocations = BySlot::new(&image.sections[section].relocations);
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
pub(super) fn sum(name: &str, addend: i64, dialect: Dialect) -> Symbol<'_> {
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
    let (slots, rest) = code.data.as_chunks();
    let all = &image.sections[section].relocations;
    let lines = if out.options.source { lines.all() } else { &[] };
    // At which slots there is more than an instruction.
    let mut more = vec![false; slots.len() + 1];
    let places = names.places(section).chain(all.iter().map(|one| one.offset));
    for offset in places.chain(lines.iter().map(|(offset, _)| *offset)) {
        if let Some(more) = more.get_mut(offset as usize / Raw::SIZE) {
            *more = true;
        }
    }
    let (labels, relocations) = (names.walk(section), BySlot::new(all));
    let left = all.iter().peekable();
    let mut listing = Listing { image, names, section, code, labels, relocations, left, lines };
    let mut slot = 0;
    while let Some(bytes) = slots.get(slot) {
        if !more[slot]
            && let Some(insn) = decode_slot(*bytes, code.endian)
        {
            let target = if may_refer(bytes[0]) { code.target(slot, &insn) } else { None };
            let symbol = target.and_then(|target| names.local(image, section, target));
            out.insn(slot, &slots[slot..=slot], &insn, symbol.as_ref());
            slot += 1;
            continue;
        }
        let Some((result, count)) = decode_next(&slots[slot..], code.endian) else { break };
        match result {
            Ok(insn) => listing.line(out, slot, &slots[slot..slot + count], Ok(&insn)),
            // The second slot belongs to the error, too.
            Err(error) => (slot..slot + count)
                .for_each(|at| listing.line(out, at, &slots[at..=at], Err(&error))),
        }
        slot += count;
    }
    out.labels(image, &mut listing.labels, (slots.len() * Raw::SIZE) as u64);
    if !rest.is_empty() {
        out.comment("less than an instruction");
        out.bytes(rest);
    }
    listing.left.for_each(|one| out.relocation(image, one));
}

/// A section of code on its way, and what is still to be written of it.
struct Listing<'a> {
    image: &'a Image<'a>,
    names: &'a Names,
    section: usize,
    code: &'a Code<'a>,
    labels: Walk<'a>,
    relocations: BySlot<'a>,
    left: Peekable<std::slice::Iter<'a, Relocation>>,
    lines: &'a [(u64, String)],
}

impl Listing<'_> {
    /// An instruction or a slot that is none, with all that belongs to it.
    fn line(
        &mut self,
        out: &mut Writer<'_>,
        slot: usize,
        slots: &[[u8; Raw::SIZE]],
        line: Result<&Insn, &DecodeError>,
    ) {
        let Listing { image, names, section, code, .. } = *self;
        let offset = (slot * Raw::SIZE) as u64;
        let end = offset + (slots.len() * Raw::SIZE) as u64;
        let any = self.left.peek().is_some_and(|one| one.offset < end);
        let relocation = if any { self.relocations.at(slot) } else { None };
        let symbol = line.ok().and_then(|insn| match relocation {
            None => names.local(image, section, code.target(slot, insn)?),
            Some(one) => operand(image, names, one, meant(insn, one)?, out.options.dialect).ok(),
        });
        if self.labels.is_any(offset) {
            out.labels(image, &mut self.labels, offset);
        }
        while let [(at, source), rest @ ..] = self.lines
            && *at <= offset
        {
            if *at == offset {
                out.comment(source);
            }
            self.lines = rest;
        }
        // What the symbol says is said.
        let said = relocation.filter(|_| symbol.is_some());
        while let Some(one) = if any { self.left.next_if(|one| one.offset < end) } else { None } {
            if !said.is_some_and(|said| std::ptr::eq(said, one)) {
                out.relocation(image, one);
            }
        }
        if let (Some(one), Ok(insn)) = (relocation, line)
            && adds_own_offset(image, one, insn)
        {
            out.comment("the number is the symbol's own offset, as GNU's assembler 2.40 adds it");
        }
        match line {
            Ok(insn) => out.insn(slot, slots, insn, symbol.as_ref()),
            Err(error) => {
                // Not behind the data: not every assembler takes it there.
                out.comment(&error.to_string());
                out.slot(slot, &slots[0], code.endian);
            }
        }
    }
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
        codes: &[Option<Code<'_>>],
        section: usize,
        offset: u64,
    ) -> bool {
        offset <= image.sections[section].size
            && codes[section].as_ref().is_none_or(|code| code.is_boundary(offset))
    }
}
