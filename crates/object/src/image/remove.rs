//! Taking sections out of an image, with all that is said about them.

use std::collections::HashSet;

use super::{Contents, Image, Link, Place, Section, Symbol};
use crate::error::{ObjectError, Place as Where, Problem};

impl Image<'_> {
    /// Takes out the sections that are chosen, with their symbols.
    ///
    /// # Errors
    /// When a section that stays refers to one that goes, says which; nothing is changed then.
    pub fn remove(&mut self, gone: impl Fn(&Section<'_>) -> bool) -> Result<(), ObjectError> {
        let gone: Vec<bool> = self.sections.iter().map(gone).collect();
        let is_gone = |symbol: &Symbol<'_>| match symbol.place {
            Place::Section(index) => gone[index],
            _ => false,
        };
        for (section, _) in self.sections.iter().zip(&gone).filter(|(_, gone)| !**gone) {
            let stays_linked = match section.link {
                Link::Section(index) => gone[index],
                Link::None | Link::Symbols => false,
            };
            let mut symbols = section.relocations.iter().filter_map(|one| one.symbol);
            let names = match &section.contents {
                Contents::Group { signature, .. } => is_gone(&self.symbols[*signature]),
                _ => false,
            };
            if stays_linked || names || symbols.any(|symbol| is_gone(&self.symbols[symbol])) {
                let what = "it refers to a section that is to be taken out";
                return Err(Problem::Relocation(what).at(Where::section(&section.name)));
            }
        }
        let sections = numbers(gone.iter().map(|gone| !gone));
        let dead: HashSet<usize> =
            (0..self.symbols.len()).filter(|index| is_gone(&self.symbols[*index])).collect();
        let mut index = 0;
        self.sections.retain(|_| {
            index += 1;
            !gone[index - 1]
        });
        for section in &mut self.sections {
            if let Link::Section(index) = &mut section.link {
                *index = sections[*index];
            }
            if let Contents::Group { members, .. } = &mut section.contents {
                members.retain(|member| !gone[*member]);
                members.iter_mut().for_each(|member| *member = sections[*member]);
            }
        }
        for symbol in &mut self.symbols {
            if let Place::Section(index) = &mut symbol.place
                && !gone[*index]
            {
                *index = sections[*index];
            }
        }
        self.forget(&dead);
        Ok(())
    }

    /// Takes out symbols that nothing refers to but lists of them.
    pub(super) fn forget(&mut self, dead: &HashSet<usize>) {
        if dead.is_empty() {
            return;
        }
        let numbers = numbers((0..self.symbols.len()).map(|index| !dead.contains(&index)));
        for section in &mut self.sections {
            for symbol in section.relocations.iter_mut().filter_map(|one| one.symbol.as_mut()) {
                *symbol = numbers[*symbol];
            }
            match &mut section.contents {
                Contents::Group { signature, .. } => *signature = numbers[*signature],
                Contents::Symbols(list) => {
                    list.retain(|symbol| !dead.contains(symbol));
                    list.iter_mut().for_each(|symbol| *symbol = numbers[*symbol]);
                }
                Contents::Bytes(_) | Contents::Zeroes(_) => {}
            }
        }
        let mut index = 0;
        self.symbols.retain(|_| {
            index += 1;
            !dead.contains(&(index - 1))
        });
    }
}

/// The new index of each thing, those that stay counted.
fn numbers(stays: impl Iterator<Item = bool>) -> Vec<usize> {
    let mut next = 0;
    stays
        .map(|stays| {
            let number = next;
            next += usize::from(stays);
            number
        })
        .collect()
}
