//! Groups of sections, of which linkers keep all or none, and sections that are about others: the
//! numbers and tables that they have in the file.

use abide_diag::Diagnostic;

use crate::codes;
use crate::object::Style;
use crate::object::layout::Relocation;
use crate::object::symbols::{Meaning, SymbolId};
use crate::object::unit::Unit;

/// `GRP_COMDAT`.
const COMDAT: u32 = 1;

/// A group.
#[derive(Debug)]
pub(super) struct Group {
    /// Its name.
    pub(super) symbol: SymbolId,
    /// Its number in the file.
    pub(super) number: u32,
    /// The section before which it stands.
    pub(super) before: usize,
    members: Vec<usize>,
}

/// The numbers of sections in the file.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// By the number that a section has here. Its relocations, if it has any, come next.
    pub(super) sections: Vec<u32>,
    pub(super) groups: Vec<Group>,
    /// The first that is free.
    pub(super) next: u32,
}

impl Unit<'_> {
    /// Numbers all sections: groups come before their parts, as LLVM writes them, or before all, as
    /// GNU does.
    pub(super) fn number_sections(&self, relocations: &[Vec<Relocation>]) -> Numbers {
        let mut numbers = Numbers { next: 1, ..Numbers::default() };
        let mut known = std::collections::HashMap::new();
        for (at, section) in self.sections.iter().enumerate() {
            let Some(symbol) = section.group else { continue };
            let group = *known.entry(symbol).or_insert_with(|| {
                let before = if self.style == Style::Gnu { 0 } else { at };
                numbers.groups.push(Group { symbol, number: 0, before, members: Vec::new() });
                numbers.groups.len() - 1
            });
            numbers.groups[group].members.push(at);
        }
        let mut groups = numbers.groups.iter_mut().peekable();
        for (at, of) in relocations.iter().enumerate() {
            while let Some(group) = groups.next_if(|group| group.before == at) {
                group.number = numbers.next;
                numbers.next += 1;
            }
            numbers.sections.push(numbers.next);
            numbers.next += 1 + u32::from(!of.is_empty());
        }
        numbers
    }

    /// The contents of a group.
    pub(super) fn group_bytes(
        &self,
        group: &Group,
        numbers: &Numbers,
        relocations: &[Vec<Relocation>],
    ) -> Vec<u8> {
        let mut words = vec![if self.comdat.contains(&group.symbol) { COMDAT } else { 0 }];
        for member in &group.members {
            let number = numbers.sections[*member];
            words.push(number);
            words.extend((!relocations[*member].is_empty()).then_some(number + 1));
        }
        words.into_iter().flat_map(|word| self.options.endian.word(word)).collect()
    }

    /// The number of the section that a section is about; 0 if it is about none.
    pub(super) fn link_of(&mut self, section: usize, numbers: &Numbers) -> u32 {
        let Some(symbol) = self.sections[section].link else { return 0 };
        let meaning = match self.symbols.get(symbol).meaning {
            Meaning::Value { node, .. } => {
                let base = self.evaluate(node).ok().and_then(|value| value.plus);
                base.map_or(Meaning::Undefined, |base| self.symbols.get(base).meaning)
            }
            meaning => meaning,
        };
        if let Meaning::Label(place) = meaning {
            return numbers.sections[place.section as usize];
        }
        let message = format!("`{}` is in no section of this text", self.symbols.name(symbol));
        let origin = self.symbols.get(symbol).used.unwrap_or_default();
        let error = Diagnostic::error(&codes::SECTION, message);
        self.error_at(origin, error.help("a section with the flag `o` is about a label's"), "");
        0
    }
}
