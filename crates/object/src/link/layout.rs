//! Where the sections of the objects go: those of one name after one another.
//!
//! A weak function that another one overrides is left out with its code, its source lines and its
//! CO-RE records. libbpf's linker leaves the code without a name, which loaders skip; left out, it
//! loads the same, and no CO-RE record is left that belongs to no function. A variable that is
//! overridden keeps its room: distances between variables may be known to the code beside it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::error::{LinkError, LinkProblem};
use super::globals::{Globals, SymbolId};
use super::input::Unit;
use crate::error::Place as Where;
use crate::image::{Contents, EXECUTABLE, Link, Place, Section, Symbol};
use crate::relocate::JUMP_TABLES;

/// `SHF_WRITE`, `SHF_ALLOC` and `SHF_EXECINSTR`: what sections of one name must have in common. The
/// others say how they could be merged or left out.
const ACCESS: u64 = 1 | 2 | EXECUTABLE;
/// No section of BPF begins at a multiple of more.
const MOST_ALIGN: u64 = 4096;
/// The type of the section that LLVM's `.addrsig` directives fill.
const LLVM_ADDRSIG: u32 = 0x6fff_4c03;

/// Where a section of an object goes.
#[derive(Debug)]
struct Part {
    out: usize,
    base: u64,
    /// What is left out of it, in order.
    cuts: Vec<Range<u64>>,
}

/// The sections of the new object, without relocations, and where those of the objects are in them.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) sections: Vec<Section<'static>>,
    parts: Vec<Vec<Option<Part>>>,
    by_name: HashMap<String, usize>,
}

impl Layout {
    pub(super) fn new(
        units: &[Unit<'_>],
        globals: &Globals,
        errors: &mut Vec<LinkError>,
    ) -> Layout {
        let mut layout = Layout::default();
        for (number, unit) in units.iter().enumerate() {
            let mut parts = Vec::new();
            for (index, section) in unit.image.sections.iter().enumerate() {
                let part = match is_kept(unit, index) {
                    false => Ok(None),
                    true => layout.add(unit, index, cuts(unit, number, index, globals)).map(Some),
                };
                parts.push(part.unwrap_or_else(|why| {
                    let problem = match why {
                        ALIGN => LinkProblem::Unlinkable(why),
                        why => LinkProblem::Sections { why },
                    };
                    errors.push(unit.error(problem, Where::section(&section.name)));
                    None
                }));
            }
            layout.parts.push(parts);
        }
        layout
    }

    fn add(
        &mut self,
        unit: &Unit<'_>,
        index: usize,
        cuts: Vec<Range<u64>>,
    ) -> Result<Part, &'static str> {
        let section = &unit.image.sections[index];
        let align = section.align.max(1);
        if !align.is_power_of_two() || align > MOST_ALIGN {
            return Err(ALIGN);
        }
        // Its entries are eight bytes, whatever the file says of the whole.
        let align = if section.name == JUMP_TABLES { align.max(8) } else { align };
        if unit.is_copy[index]
            && let Some(out) = self.by_name.get(&*section.name)
        {
            return Ok(Part { out: *out, base: 0, cuts });
        }
        let out = *self.by_name.entry(section.name.to_string()).or_insert_with(|| {
            self.sections.push(Section {
                name: Cow::Owned(section.name.to_string()),
                kind: section.kind,
                flags: section.flags & ACCESS,
                align,
                entry_size: 0,
                link: Link::None,
                contents: match section.contents {
                    Contents::Zeroes(_) => Contents::Zeroes(0),
                    _ => Contents::Bytes(Cow::Owned(Vec::new())),
                },
                relocations: Vec::new(),
                has_addends: false,
            });
            self.sections.len() - 1
        });
        let whole = &mut self.sections[out];
        if whole.kind != section.kind {
            return Err("one has contents, another is all zeroes, or a table");
        }
        if whole.flags != section.flags & ACCESS {
            return Err("one is code or may be written, another is or may not");
        }
        whole.align = whole.align.max(align);
        let base = match &mut whole.contents {
            Contents::Bytes(Cow::Owned(bytes)) => {
                bytes.resize(bytes.len().next_multiple_of(align as usize), 0);
                let base = bytes.len() as u64;
                let mut from = 0;
                for cut in &cuts {
                    bytes.extend(&section.bytes()[from..cut.start as usize]);
                    from = cut.end as usize;
                }
                bytes.extend(&section.bytes()[from..]);
                base
            }
            Contents::Zeroes(size) => {
                let base = size.checked_next_multiple_of(align);
                let end = base.and_then(|base| base.checked_add(section.size()));
                *size = end.ok_or(TOO_LARGE)?;
                base.ok_or(TOO_LARGE)?
            }
            _ => return Err("one has contents, another is a table"),
        };
        Ok(Part { out, base, cuts })
    }

    /// The section of the new object in which a section of an object is.
    pub(super) fn section(&self, unit: usize, section: usize) -> Option<usize> {
        Some(self.parts[unit][section].as_ref()?.out)
    }

    /// The section of the new object with this name.
    pub(super) fn by_name(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Where a byte of a section of an object is; none if it was left out.
    pub(super) fn place(&self, unit: usize, section: usize, offset: u64) -> Option<(usize, u64)> {
        let part = self.parts[unit][section].as_ref()?;
        let mut gone = 0;
        for cut in part.cuts.iter().take_while(|cut| cut.start <= offset) {
            if offset < cut.end {
                return None;
            }
            gone += cut.end - cut.start;
        }
        Some((part.out, part.base.checked_add(offset - gone)?))
    }
}

const ALIGN: &str = "its alignment is no power of two up to 4096";
const TOO_LARGE: &str = "together they are larger than any file";

/// Whether a section is more than a table that is made anew, or says things about the file only.
fn is_kept(unit: &Unit<'_>, index: usize) -> bool {
    let section = &unit.image.sections[index];
    let is_empty = section.size() == 0
        && !unit.image.symbols.iter().any(|symbol| {
            symbol.place == Place::Section(index)
                && (unit.is_thing(symbol) || unit.is_global(symbol))
        });
    let is_data = matches!(section.contents, Contents::Bytes(_) | Contents::Zeroes(_));
    is_data
        && !is_empty
        && section.kind != LLVM_ADDRSIG
        && !section.is_debug()
        && ![".BTF", ".BTF.ext", ".comment"].contains(&&*section.name)
}

/// What to leave out of a section of code: functions of which another definition was taken, unless
/// other functions lie on them.
fn cuts(unit: &Unit<'_>, number: usize, index: usize, globals: &Globals) -> Vec<Range<u64>> {
    if !unit.image.sections[index].is_code() {
        return Vec::new();
    }
    let len = unit.image.sections[index].bytes().len() as u64;
    let (mut dead, mut alive) = (Vec::new(), Vec::new());
    for (symbol, function) in unit.image.symbols.iter().enumerate() {
        if function.place != Place::Section(index) || function.kind != Symbol::FUNCTION {
            continue;
        }
        let end = function.value.saturating_add(function.size).min(len);
        let range = function.value.min(end)..end;
        match globals.is_dead(unit, SymbolId { unit: number, symbol }) {
            true if !range.is_empty() => dead.push(range),
            _ => alive.push(range),
        }
    }
    dead.retain(|cut| alive.iter().all(|one| one.end <= cut.start || cut.end <= one.start));
    dead.sort_by_key(|cut| (cut.start, cut.end));
    // Several names of one function.
    dead.dedup_by(|next, last| next.start < last.end);
    dead
}
