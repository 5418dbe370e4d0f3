//! A section of code: labels, instructions with their symbols, and what cannot be said so.
//!
//! A relocation becomes the symbol of its instruction only where assembling that gives the
//! relocation and the bytes again; any other is mentioned in a comment.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use abide_isa::{Insn, Kind, Op, Raw, decode_all};
use object::elf;

use super::Writer;
use super::image::{Image, Place, Relocation, Section};
use super::lines::Lines;
use super::names::{Names, is_word};
use crate::dialect::Dialect;
use crate::disasm::disassemble_with;

/// `R_BPF_64_64`: the address in a 64-bit immediate load.
const R_64_64: u32 = 1;
/// `R_BPF_64_32`: the distance in a call.
const R_64_32: u32 = 10;

/// The code of a section, decoded.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) slots: Vec<Raw>,
    insns: Vec<(usize, Insn)>,
    /// Second slots of instructions: no label can stand before them.
    inside: BTreeSet<usize>,
}

impl Code {
    pub(super) fn new(image: &Image<'_>, data: &[u8]) -> Code {
        let (slots, _) = Raw::read_all(data, image.endian);
        let insns: Vec<_> =
            decode_all(&slots).filter_map(|(slot, insn)| Some((slot, insn.ok()?))).collect();
        let inside = insns.iter().filter(|(_, insn)| insn.slots() == 2).map(|(slot, _)| slot + 1);
        let inside = inside.collect();
        Code { slots, insns, inside }
    }

    /// Whether a label can stand at an offset.
    pub(super) fn is_boundary(&self, offset: u64) -> bool {
        let size = Raw::SIZE as u64;
        let slot = offset / size;
        offset.is_multiple_of(size)
            && slot <= self.slots.len() as u64
            && !self.inside.contains(&(slot as usize))
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

/// The relocations of a section by slot: only those that are alone there.
fn by_slot(relocations: &[Relocation]) -> HashMap<usize, &Relocation> {
    let mut map: HashMap<usize, Option<&Relocation>> = HashMap::new();
    for one in relocations.iter().filter(|one| one.offset.is_multiple_of(Raw::SIZE as u64)) {
        let slot = (one.offset / Raw::SIZE as u64) as usize;
        map.entry(slot).and_modify(|held| *held = None).or_insert(Some(one));
    }
    map.into_iter().filter_map(|(slot, one)| Some((slot, one?))).collect()
}

/// Asks for the labels that the code of a section refers to.
pub(super) fn want(
    image: &Image<'_>,
    codes: &HashMap<usize, Code>,
    section: usize,
    names: &mut Names,
) {
    let code = &codes[&section];
    let relocations = by_slot(&image.sections[section].relocations);
    for (slot, insn) in &code.insns {
        let Some(relocation) = relocations.get(slot) else {
            if let Some(target) = code.target(*slot, insn) {
                names.want(image, section, target);
            }
            continue;
        };
        let Some(addend) = meant(insn, relocation) else { continue };
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
pub(super) fn sum(name: &str, addend: i64, dialect: Dialect) -> String {
    let (sign, space) = (
        if addend < 0 { '-' } else { '+' },
        match dialect {
            Dialect::C => " ",
            Dialect::Gnu => "",
        },
    );
    match addend {
        0 => name.to_owned(),
        _ => format!("{name}{space}{sign}{space}{}", addend.unsigned_abs()),
    }
}

/// The symbol that a relocation refers to, as an operand.
pub(super) fn operand(
    image: &Image<'_>,
    names: &Names,
    relocation: &Relocation,
    addend: i64,
    dialect: Dialect,
) -> Result<String, &'static str> {
    let symbol = image.symbols.get(relocation.symbol).ok_or("its symbol is not in the table")?;
    if let (elf::STT_SECTION, Place::Section(section)) = (symbol.kind, symbol.place) {
        let place = u64::try_from(addend).ok();
        if let Some(name) = place.and_then(|offset| names.local(image, section, offset)) {
            return Ok(name.to_owned());
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

/// Prints the code of a section.
pub(super) fn write(
    out: &mut Writer<'_>,
    image: &Image<'_>,
    names: &Names,
    section: usize,
    code: &Code,
    lines: &Lines,
) {
    let options = *out.options;
    let relocations = by_slot(&image.sections[section].relocations);
    let said = RefCell::new(BTreeSet::new());
    let mut notes: HashMap<usize, &'static str> = HashMap::new();
    for (slot, insn) in &code.insns {
        if let Some(relocation) = relocations.get(slot)
            && let Some(symbol) = image.symbols.get(relocation.symbol)
            && insn.op == Op::LdImm64
            && insn.imm != 0
            && symbol.kind != elf::STT_SECTION
            && insn.imm as u64 == symbol.value
        {
            notes.insert(
                *slot,
                "the number is the symbol's own offset, as GNU's assembler 2.40 adds it",
            );
        }
    }
    let symbol = |slot: usize, insn: &Insn| match relocations.get(&slot) {
        None => {
            let target = code.target(slot, insn)?;
            names.local(image, section, target).map(str::to_owned)
        }
        Some(relocation) => {
            let addend = meant(insn, relocation)?;
            let text = operand(image, names, relocation, addend, options.dialect).ok()?;
            said.borrow_mut().insert(slot);
            Some(text)
        }
    };
    let text = disassemble_with(&code.slots, options.dialect, image.endian, &symbol);
    let said = said.into_inner();
    let mut left = image.sections[section]
        .relocations
        .iter()
        .filter(|one| {
            !one.offset.is_multiple_of(Raw::SIZE as u64)
                || !said.contains(&((one.offset / Raw::SIZE as u64) as usize))
        })
        .peekable();
    for line in &text {
        let offset = (line.slot * Raw::SIZE) as u64;
        let end = ((line.slot + line.slots) * Raw::SIZE) as u64;
        out.labels(image, names, section, offset);
        if options.source
            && let Some(source) = lines.at(offset)
        {
            out.comment(source);
        }
        while let Some(one) = left.next_if(|one| one.offset < end) {
            out.relocation(image, one);
        }
        if let Some(note) = notes.get(&line.slot) {
            out.comment(note);
        }
        let text = match &line.error {
            Some(error) => {
                out.comment(&error.to_string());
                // The reason stands on a line of its own: not every assembler takes it behind.
                line.text.split(" # ").next().unwrap_or(&line.text)
            }
            None => &line.text,
        };
        let bytes = (line.slot..end as usize / Raw::SIZE).map(|slot| code.slots[slot]);
        out.code(line.slot, bytes, image.endian, text);
    }
    out.labels(image, names, section, (code.slots.len() * Raw::SIZE) as u64);
    let rest = &image.sections[section].data[code.slots.len() * Raw::SIZE..];
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
        codes: &HashMap<usize, Code>,
        section: usize,
        offset: u64,
    ) -> bool {
        offset <= image.sections[section].size
            && codes.get(&section).is_none_or(|code| code.is_boundary(offset))
    }
}
