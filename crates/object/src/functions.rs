//! Splits sections of code into functions by their symbols. Does not look at what the code says.

use std::collections::HashMap;

use abide_isa::Raw;

use crate::budget::Budget;
use crate::elf::{Elf, Section, Symbol, SymbolKind};
use crate::error::{ObjectError, Place, Problem};
use crate::model::{Function, FunctionId, Linkage};

/// The functions of an object, and where they are.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    pub(crate) list: Vec<Function>,
    /// The first function at a byte of a section.
    by_place: HashMap<(usize, u64), FunctionId>,
    by_symbol: HashMap<usize, FunctionId>,
    /// The functions of each section of code, by offset.
    by_section: HashMap<usize, std::ops::Range<u32>>,
}

impl Functions {
    pub(crate) fn read(elf: &Elf<'_>, budget: &mut Budget) -> Result<Functions, ObjectError> {
        let mut symbols: Vec<Vec<usize>> = vec![Vec::new(); elf.sections.len()];
        for (number, symbol) in elf.symbols.iter().enumerate() {
            if let Some(section) = symbol.section {
                symbols[section].push(number);
            }
        }
        let mut functions = Functions::default();
        for (index, section) in elf.sections.iter().enumerate() {
            if section.is_code && !section.data.is_empty() {
                functions.split(elf, index, section, &symbols[index], budget)?;
            }
        }
        Ok(functions)
    }

    fn split(
        &mut self,
        elf: &Elf<'_>,
        index: usize,
        section: &Section<'_>,
        symbols: &[usize],
        budget: &mut Budget,
    ) -> Result<(), ObjectError> {
        let place = Place::section(section.name);
        if !section.data.len().is_multiple_of(Raw::SIZE) {
            let what = "the size of the section is no multiple of 8";
            return Err(Problem::Code(what).at(place));
        }
        let mut starts = starts(elf, symbols);
        if starts.is_empty() {
            return Err(Problem::Code("there is code, but no symbol names it").at(place));
        }
        starts.sort_by_key(|number| (elf.symbols[*number].value, *number));
        let first = self.list.len() as u32;
        let mut end_of_last = 0;
        for number in &starts {
            let symbol = &elf.symbols[*number];
            let end = match symbol.size {
                0 => {
                    let later = |number: &usize| elf.symbols[*number].value <= symbol.value;
                    match starts.get(starts.partition_point(later)) {
                        Some(next) => elf.symbols[*next].value,
                        None => section.data.len() as u64,
                    }
                }
                size => symbol.value.saturating_add(size),
            };
            let is_alias = self.by_place.get(&(index, symbol.value)).is_some_and(|id| {
                self.list[id.index()].slots.len() as u64 * 8 == end.saturating_sub(symbol.value)
            });
            let wrong = if !symbol.value.is_multiple_of(8) || !end.is_multiple_of(8) {
                Some("the function begins or ends inside an instruction")
            } else if end <= symbol.value {
                Some("the function has no code")
            } else if end > section.data.len() as u64 {
                Some("the function ends outside the section")
            } else if symbol.value < end_of_last && !is_alias {
                Some("the function overlaps the one before it")
            } else {
                None
            };
            if let Some(what) = wrong {
                return Err(Problem::Code(what).at(place.with_symbol(symbol.name)));
            }
            budget.take((end - symbol.value) / 8 * size_of::<Raw>() as u64 + 512)?;
            end_of_last = end;
            let id = FunctionId(self.list.len() as u32);
            self.by_place.entry((index, symbol.value)).or_insert(id);
            self.by_symbol.insert(*number, id);
            let code = &section.data[symbol.value as usize..end as usize];
            self.list.push(Function {
                name: symbol.name.to_owned(),
                section: section.name.to_owned(),
                linkage: linkage(symbol),
                slots: Raw::read_all(code, elf.endian).0,
                relocations: Vec::new(),
                lines: Vec::new(),
                proto: None,
                offset: symbol.value,
            });
        }
        self.by_section.insert(index, first..self.list.len() as u32);
        Ok(())
    }

    /// The function that begins at a byte of a section.
    pub(crate) fn at(&self, section: usize, offset: u64) -> Option<FunctionId> {
        self.by_place.get(&(section, offset)).copied()
    }

    /// The function that a symbol names.
    pub(crate) fn of_symbol(&self, symbol: usize) -> Option<FunctionId> {
        self.by_symbol.get(&symbol).copied()
    }

    /// All functions of a section.
    pub(crate) fn in_section(&self, section: usize) -> std::ops::Range<u32> {
        self.by_section.get(&section).cloned().unwrap_or_default()
    }

    /// The functions that hold a byte of a section: one, or several with the same code.
    pub(crate) fn holding(&self, section: usize, offset: u64) -> std::ops::Range<u32> {
        let all = self.in_section(section);
        let list = &self.list[all.start as usize..all.end as usize];
        let after = list.partition_point(|function| function.offset <= offset);
        let Some(last) = after.checked_sub(1).and_then(|last| list.get(last)) else { return 0..0 };
        if offset - last.offset >= last.slots.len() as u64 * 8 {
            return 0..0;
        }
        let first = list.partition_point(|function| function.offset < last.offset);
        all.start + first as u32..all.start + after as u32
    }
}

/// The symbols that name functions: those that say so or, in hand-written code without types, the
/// global labels.
fn starts(elf: &Elf<'_>, symbols: &[usize]) -> Vec<usize> {
    let select = |wanted: &dyn Fn(&Symbol<'_>) -> bool| {
        symbols.iter().copied().filter(|number| wanted(&elf.symbols[*number])).collect::<Vec<_>>()
    };
    let functions = select(&|symbol| symbol.kind == SymbolKind::Function);
    if !functions.is_empty() {
        return functions;
    }
    select(&|symbol| symbol.kind == SymbolKind::Other && !symbol.local && !symbol.name.is_empty())
}

fn linkage(symbol: &Symbol<'_>) -> Linkage {
    match symbol {
        Symbol { local: true, .. } => Linkage::Static,
        Symbol { hidden: true, .. } => Linkage::Hidden,
        Symbol { weak: true, .. } => Linkage::Weak,
        _ => Linkage::Global,
    }
}
