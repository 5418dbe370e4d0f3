//! Places to offsets, and holes to bytes and relocations.

use abide_diag::Diagnostic;
use abide_isa::{Endian, Insn, Op, Raw, decode};

use crate::bind::{FARTHER, NO_RELOCATION, imm32, is_extended, meant, no_symbol, sign_extended};
use crate::codes;
use crate::object::Style;
use crate::object::data::{fits, leb};
use crate::object::section::{
    ALLOC, EXEC, Fixup, MERGE, Need, Part, PartKind, Section, WRITE, Wanted,
};
use crate::object::symbols::{Meaning, Origin, Place, SymbolId};
use crate::object::unit::{STT_SECTION, Unit};
use crate::object::value::{NodeId, Value};
use crate::operator::signed;

/// How often the sizes of all parts are tried; each time only larger ones are.
const ROUNDS: usize = 64;

const NO_ROOM: &str = "what fills and aligns the sections is more than 256 MiB";

/// The section with what is said of places in code.
pub(crate) const BTF_EXT: &str = ".BTF.ext";

pub(super) const ABS64: u32 = 2;
pub(super) const ABS32: u32 = 3;
pub(super) const NODYLD32: u32 = 4;
pub(super) const ADDRESS: u32 = 1;
pub(super) const CALL: u32 = 10;

/// What a relocation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum About {
    Symbol(SymbolId),
    Section(u32),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Relocation {
    pub(super) offset: u64,
    pub(super) kind: u32,
    pub(super) about: About,
}

impl Unit<'_> {
    /// The offset of a place in its section, as far as it is known.
    pub(super) fn offset(&self, place: Place) -> u64 {
        let shifts = self.shifts.get(place.section as usize);
        let shift = shifts.and_then(|shifts| shifts.get(place.parts as usize));
        let grown = self.sections[place.section as usize].grown(place.fixed);
        place.fixed + grown + shift.copied().unwrap_or(0)
    }

    /// Finds the size of all parts; whether there is room for them.
    pub(super) fn place(&mut self) -> bool {
        self.placed = true;
        for round in 0..ROUNDS {
            self.shifts = self.sections.iter().map(shifts).collect();
            let grown = self.grow();
            if !self.lengthen(round) && !grown {
                return self.has_room();
            }
        }
        let message = "the sizes of its parts depend on each other without end";
        self.error(Diagnostic::error(&codes::EXPRESSION, message));
        false
    }

    /// Whether there is room for the parts of all sections.
    fn has_room(&mut self) -> bool {
        let parts = self.sections.iter().flat_map(|section| &section.parts);
        let most = self.budget.bytes();
        let mut all = 0;
        let too_much = parts.into_iter().find(|part| {
            all += part.size;
            all > most
        });
        let Some(Part { origin, .. }) = too_much else { return true };
        let error = Diagnostic::error(&codes::TOO_LARGE, NO_ROOM);
        self.error_at(*origin, error, "");
        false
    }

    /// GNU's assembler ends a section where its alignment does.
    pub(super) fn pad(&mut self) {
        if self.style != Style::Gnu {
            return;
        }
        for section in &mut self.sections {
            let (fixed, to) = (section.fixed(), section.align);
            let by = (fixed + section.grown(fixed)).wrapping_neg() & (to - 1);
            if !section.parts.is_empty() {
                let kind = PartKind::Align { to, fill: 0, most: u64::MAX };
                section.parts.push(Part { fixed, kind, size: 0, origin: Origin::default() });
            } else if section.is_empty_kind() {
                section.zeros += by;
            } else if self.budget.fill(by) {
                section.data.resize(section.data.len() + by as usize, 0);
            } else {
                self.errors.push((0, Diagnostic::error(&codes::TOO_LARGE, NO_ROOM)));
                return;
            }
        }
    }

    /// Makes parts larger that need it; whether any did.
    fn grow(&mut self) -> bool {
        let mut changed = false;
        for section in 0..self.sections.len() {
            for at in 0..self.sections[section].parts.len() {
                let part = self.sections[section].parts[at].clone();
                let number = |node| self.constant(node).unwrap_or(0);
                let size = match part.kind {
                    PartKind::Unsigned(node) => leb_size(number(node), false).max(part.size),
                    PartKind::Signed(node) => leb_size(number(node), true).max(part.size),
                    PartKind::Align { to, most, .. } => {
                        let of = &self.sections[section];
                        let start = part.fixed + of.grown(part.fixed) + self.shifts[section][at];
                        Some(start.wrapping_neg() & (to - 1)).filter(|by| *by <= most).unwrap_or(0)
                    }
                };
                if size != part.size {
                    self.sections[section].parts[at].size = size;
                    changed = true;
                }
            }
        }
        changed
    }

    /// Fills all holes; gives the relocations of each section.
    pub(super) fn resolve(&mut self) -> Vec<Vec<Relocation>> {
        self.check_counted();
        let mut all = Vec::with_capacity(self.sections.len());
        for section in 0..self.sections.len() {
            self.sections[section].spread();
            self.expand_parts(section);
            let fixups = std::mem::take(&mut self.sections[section].fixups);
            let mut relocations = Vec::new();
            for fixup in &fixups {
                relocations.extend(self.fix(section as u32, fixup));
            }
            all.push(relocations);
        }
        all
    }

    /// The bytes of a section with its parts among them.
    fn expand_parts(&mut self, section: usize) {
        if self.sections[section].parts.is_empty() {
            return;
        }
        let parts = std::mem::take(&mut self.sections[section].parts);
        let old = std::mem::take(&mut self.sections[section].data);
        let (mut data, mut from) = (Vec::with_capacity(old.len()), 0);
        for part in parts {
            let to = (part.fixed as usize).min(old.len());
            data.extend_from_slice(&old[from..to]);
            from = to;
            let start = data.len();
            match part.kind {
                PartKind::Align { fill, .. } => data.resize(start + part.size as usize, fill),
                PartKind::Unsigned(node) | PartKind::Signed(node) => {
                    let sign = matches!(part.kind, PartKind::Signed(_));
                    let number = self.constant(node);
                    let mut bytes = Vec::new();
                    if !number.is_ok_and(|number| leb(&mut bytes, number, sign)) {
                        let error =
                            Diagnostic::error(&codes::EXPRESSION, "this is no number to write so");
                        self.error_at(part.origin, error, "");
                    }
                    // A size once needed is kept: more bytes say the same.
                    while bytes.len() < part.size as usize {
                        let negative = sign && bytes.last().is_some_and(|byte| byte & 0x40 != 0);
                        if let Some(last) = bytes.last_mut() {
                            *last |= 0x80;
                        }
                        bytes.push(if negative { 0x7f } else { 0 });
                    }
                    data.extend_from_slice(&bytes);
                }
            }
        }
        data.extend_from_slice(&old[from..]);
        self.sections[section].data = data;
    }

    fn fix(&mut self, section: u32, fixup: &Fixup) -> Option<Relocation> {
        let at = self.offset(Place { section, parts: fixup.parts, fixed: fixup.fixed });
        let value = match fixup.wanted {
            Wanted::Node(node) => self.evaluate(node),
            Wanted::Symbol(symbol, addend) => {
                let number = i128::from(addend);
                match self.symbols.get(symbol).meaning {
                    Meaning::Value { node, .. } if !self.is_kept(symbol, node, fixup.need) => self
                        .evaluate(node)
                        .map(|value| Value { number: value.number + number, ..value }),
                    _ => Ok(Value { plus: Some(symbol), minus: None, number }),
                }
            }
        };
        let value = match value {
            Ok(value) if value.minus.is_none() => value,
            Ok(_) => {
                self.fix_error(fixup, "no relocation can subtract an address");
                return None;
            }
            Err(why) => {
                self.fix_error(fixup, why);
                return None;
            }
        };
        let Some(symbol) = value.plus else {
            self.write_hole(section, at, fixup, value.number);
            return None;
        };
        let symbols = self.symbols.get(symbol);
        let (outside, is_section) = (symbols.is_outside(), symbols.kind == STT_SECTION);
        let label = match symbols.meaning {
            Meaning::Label(place) => Some(place),
            _ => None,
        };
        let near = label.filter(|place| place.section == section);
        match (fixup.need, near) {
            (Need::Jump16 | Need::Jump32, None) => {
                let name = self.symbols.name(symbol).to_owned();
                if name.is_empty() {
                    // A numeric label that is not there, as has been told.
                    return None;
                }
                let (message, what) = match symbols.meaning {
                    Meaning::Undefined => (format!("there is no label `{name}`"), "is not defined"),
                    _ => (format!("`{name}` is no label of this section"), "cannot be jumped to"),
                };
                let error = Diagnostic::error(&codes::JUMP_AWAY, message);
                self.error_at(fixup.origin, error, what);
                return None;
            }
            (Need::Jump16 | Need::Jump32, Some(place)) => {
                return self.distance_to(section, at, fixup, place, value.number);
            }
            (Need::Call, Some(place)) if !outside => {
                return self.distance_to(section, at, fixup, place, value.number);
            }
            _ => {}
        }
        let merged =
            label.is_some_and(|place| self.sections[place.section as usize].flags & MERGE != 0);
        let kind = match fixup.need {
            Need::Address => ADDRESS,
            Need::Call => CALL,
            Need::Data(8) => ABS64,
            Need::Data(4) => self.word_kind(section, symbol, label),
            Need::Immediate | Need::Offset => {
                let name = self.text_at(fixup.origin).to_owned();
                let error = no_symbol(&self.insn_at(section, at), &name);
                self.error_at(fixup.origin, error, NO_RELOCATION);
                return None;
            }
            _ => {
                self.fix_error(fixup, "relocations have 4 or 8 bytes");
                return None;
            }
        };
        let (about, number) = match label {
            // What is merged is known by its own symbol, unless that is the section's.
            Some(place) if !outside && (!merged || value.number == 0 || is_section) => {
                (About::Section(place.section), value.number + i128::from(self.offset(place)))
            }
            _ => {
                self.symbols.get_mut(symbol).relocated = true;
                (About::Symbol(symbol), value.number)
            }
        };
        self.write_hole(section, at, fixup, number);
        Some(Relocation { offset: at, kind, about })
    }

    /// Whether a relocation names a symbol that another expression stands for: one that is seen from
    /// outside, where a linker goes by its name, and that is a place here.
    fn is_kept(&self, symbol: SymbolId, node: NodeId, need: Need) -> bool {
        let jump = matches!(need, Need::Jump16 | Need::Jump32);
        let base = || self.evaluate(node).ok().and_then(|value| value.plus);
        let is_label = |base| matches!(self.symbols.get(base).meaning, Meaning::Label(_));
        !jump && self.symbols.get(symbol).is_outside() && base().is_some_and(is_label)
    }

    /// LLVM marks offsets of code (temporary labels) and of variables, which no dynamic linker may
    /// touch. In `.BTF.ext` it writes no others of code: there a section is as good as a label.
    fn word_kind(&self, section: u32, symbol: SymbolId, label: Option<Place>) -> u32 {
        if self.style == Style::Gnu {
            return ABS32;
        }
        let flags = label.map_or(0, |place| self.sections[place.section as usize].flags);
        let is_place = self.symbols.is_temporary(symbol)
            || self.symbols.get(symbol).kind == STT_SECTION
                && flags & EXEC != 0
                && self.sections[section as usize].name == BTF_EXT;
        let other = if is_place { EXEC } else { WRITE };
        if flags & (ALLOC | other) == ALLOC | other { NODYLD32 } else { ABS32 }
    }

    fn fix_error(&mut self, fixup: &Fixup, why: &str) {
        let message = format!("this expression cannot be evaluated: {why}");
        self.error_at(fixup.origin, Diagnostic::error(&codes::EXPRESSION, message), "");
    }

    fn distance_to(
        &mut self,
        section: u32,
        at: u64,
        fixup: &Fixup,
        to: Place,
        addend: i128,
    ) -> Option<Relocation> {
        if addend != 0 {
            self.check_addend(to, addend, fixup.origin);
        }
        let bytes = i128::from(self.offset(to)) + addend - i128::from(at) - 8;
        let slots = bytes / 8;
        let fit = match fixup.need {
            Need::Jump16 if fixup.far => i32::try_from(slots - 2).is_ok(),
            Need::Jump16 => i16::try_from(slots).is_ok(),
            _ => i32::try_from(slots).is_ok(),
        };
        if bytes % 8 != 0 && self.errors.is_empty() {
            self.fix_error(fixup, "the target is not at the start of a slot");
        } else if fit && fixup.far {
            self.write_far(section, at, slots);
        } else if fit {
            self.put_number(section, at, fixup.need, slots);
        } else {
            let error = Diagnostic::error(
                &codes::JUMP_RANGE,
                format!("the target is {slots} slots away, which does not fit"),
            )
            .help(FARTHER)
            .help(match self.options.relax {
                true => "only at level v4 far branches become longer",
                false => "with `--relax` it is put in where it is needed",
            });
            self.error_at(fixup.origin, error, "too far");
        }
        None
    }

    fn write_hole(&mut self, section: u32, at: u64, fixup: &Fixup, number: i128) {
        let fit = match fixup.need {
            Need::Data(size) => fits(number, size),
            Need::Immediate => self.is_immediate(section, at, fixup.origin, number),
            Need::Offset => i16::try_from(signed(number)).is_ok(),
            Need::Call => number % 8 == 0 && i32::try_from(number / 8 - 1).is_ok(),
            _ => fits(number, 8),
        };
        if !fit {
            let message = format!("{number} does not fit here");
            self.error_at(fixup.origin, Diagnostic::error(&codes::NUMBER_RANGE, message), "");
            return;
        }
        // A call holds the distance from a function to the next slot.
        let number = if fixup.need == Need::Call { number / 8 - 1 } else { number };
        self.put_number(section, at, fixup.need, number);
    }

    /// Whether a number can be an immediate. Warns if it becomes another one.
    fn is_immediate(&mut self, section: u32, at: u64, origin: Origin, number: i128) -> bool {
        let Some(value) = imm32(number) else { return false };
        let extended = value < 0 && u32::try_from(number).is_ok();
        if extended && is_extended(self.insn_at(section, at).kind()) {
            let warning = sign_extended(number, value).at(origin.span(), meant(value));
            self.warnings.push((origin.text, warning));
        }
        true
    }

    /// The instruction at a place where one has been put.
    fn insn_at(&self, section: u32, at: u64) -> Insn {
        let data = &self.sections[section as usize].data;
        let bytes = data.get(at as usize..).and_then(|rest| rest.first_chunk());
        let raw = bytes.map(|bytes| Raw::from_bytes(*bytes, self.options.endian));
        let insn = raw.and_then(|raw| decode(&[raw]).ok());
        insn.unwrap_or(Insn::new(Op::Exit))
    }

    fn text_at(&self, origin: Origin) -> &str {
        &self.texts[origin.text as usize].source.text[origin.span()]
    }

    pub(super) fn put_number(&mut self, section: u32, at: u64, need: Need, number: i128) {
        let big = self.options.endian == Endian::Big;
        let data = &mut self.sections[section as usize].data;
        let mut put = |offset: u64, size: usize, number: i128| {
            let start = (at + offset) as usize;
            let Some(hole) = data.get_mut(start..start + size) else { return };
            if big {
                hole.copy_from_slice(&number.to_be_bytes()[16 - size..]);
            } else {
                hole.copy_from_slice(&number.to_le_bytes()[..size]);
            }
        };
        match need {
            Need::Jump16 | Need::Offset => put(2, 2, number),
            Need::Jump32 | Need::Call | Need::Immediate => put(4, 4, number),
            Need::Address => {
                put(4, 4, number);
                put(12, 4, number >> 32);
            }
            Need::Data(size) => put(0, usize::from(size), number),
        }
    }
}

fn leb_size(number: i128, sign: bool) -> u64 {
    let mut bytes = Vec::new();
    leb(&mut bytes, number, sign);
    bytes.len().max(1) as u64
}

/// The bytes of parts before each number of parts.
fn shifts(section: &Section) -> Vec<u64> {
    let mut sum = 0;
    let mut out = vec![0];
    out.extend(section.parts.iter().map(|part| {
        sum += part.size;
        sum
    }));
    out
}
