//! Tables of indirect jumps: the entries that must follow when code moves.
//!
//! LLVM writes them into `.jumptables`: eight bytes an entry, in bytes from the start of the section of
//! the code that jumps. Which section that is, only the references to the table say. Moves nothing.

use std::ops::Range;

use super::{Image, Place, Symbol};
use crate::relocate::{JUMP_TABLES, NONE};

/// A table, and the code that uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JumpTable {
    /// Its section.
    pub(crate) section: usize,
    /// Its bytes in there, whole entries.
    pub(crate) bytes: Range<usize>,
    /// The section of the code that its entries count.
    pub(crate) code: usize,
}

impl JumpTable {
    /// Where its entries are, in bytes of its section.
    pub(crate) fn entries(&self) -> impl Iterator<Item = usize> {
        self.bytes.clone().step_by(8)
    }
}

impl Image<'_> {
    /// The tables that code refers to, in order, each once; or what is wrong with one of them, and the
    /// section of the code that uses it. `is_code` says of a byte of a section whether it counts.
    pub(crate) fn jump_tables(
        &self,
        is_code: impl Fn(usize, u64) -> bool,
    ) -> Result<Vec<JumpTable>, (&'static str, usize)> {
        let mut tables: Vec<JumpTable> = Vec::new();
        for (code, section) in self.sections.iter().enumerate().filter(|(_, one)| one.is_code()) {
            for relocation in &section.relocations {
                if relocation.kind == NONE || !is_code(code, relocation.offset) {
                    continue;
                }
                let Some(symbol) = relocation.symbol.map(|symbol| &self.symbols[symbol]) else {
                    continue;
                };
                let Place::Section(section) = symbol.place else { continue };
                if self.sections[section].name == JUMP_TABLES {
                    let bytes = self.table(section, code, symbol).map_err(|why| (why, code))?;
                    tables.push(JumpTable { section, bytes, code });
                }
            }
        }
        tables.sort_by_key(|one| (one.section, one.bytes.start, one.bytes.end, one.code));
        tables.dedup();
        for pair in tables.windows(2) {
            if pair[0].section == pair[1].section && pair[1].bytes.start < pair[0].bytes.end {
                return Err(("two tables of jumps lie on each other", pair[1].code));
            }
        }
        Ok(tables)
    }

    fn table(
        &self,
        section: usize,
        code: usize,
        symbol: &Symbol<'_>,
    ) -> Result<Range<usize>, &'static str> {
        if symbol.kind == Symbol::SECTION || symbol.size == 0 {
            return Err("it refers to a table of jumps without a name or a size");
        }
        let bytes = self.sections[section].bytes();
        let end = symbol.value.checked_add(symbol.size).and_then(|end| usize::try_from(end).ok());
        let range = end.map(|end| symbol.value as usize..end);
        let range = range.filter(|range| {
            range.end <= bytes.len() && range.start % 8 == 0 && range.len() % 8 == 0
        });
        let range = range.ok_or("a table of jumps is not a part of its section")?;
        let size = self.sections[code].size();
        let (entries, _) = bytes[range.clone()].as_chunks::<8>();
        let leads_out = |entry: &[u8; 8]| {
            let to = self.endian.read(entry);
            !to.is_multiple_of(8) || to >= size
        };
        match entries.iter().any(leads_out) {
            true => Err("a jump of a table leads out of its code"),
            false => Ok(range),
        }
    }
}
