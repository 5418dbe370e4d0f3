//! What places and symbols are called in a listing.
//!
//! Every name here can be read back: symbols whose names are no words of assembly, or that another
//! symbol already has, are not spelled but mentioned. Places without a symbol get generated labels.

use abide_isa::Raw;
use object::elf;

use super::image::{Image, Place, Role};
use crate::intern;
use crate::print::Symbol;
use crate::token::{looks_like_register, word_length};

/// Names for an image.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By symbol: whether its name can be written.
    spelled: Vec<Result<(), &'static str>>,
    /// By section.
    labels: Vec<Labels>,
    taken: intern::Names,
}

/// The labels of a section.
#[derive(Debug, Default)]
struct Labels {
    /// Symbols, by offset.
    symbols: Vec<(u64, usize)>,
    /// Labels that are no symbols by offset, with their numbers.
    generated: Vec<(u64, u32)>,
    /// Of code, for each slot and the end: one more than the first local symbol there, or 0.
    locals: Vec<u32>,
}

/// Goes through the labels of a section from its start on.
pub(super) struct Walk<'n> {
    symbols: &'n [(u64, usize)],
    generated: &'n [(u64, u32)],
}

impl<'n> Walk<'n> {
    /// Whether there is a label at an offset or before it, which was not asked for yet.
    #[inline]
    pub(super) fn is_any(&self, offset: u64) -> bool {
        self.symbols.first().is_some_and(|(at, _)| *at <= offset)
            || self.generated.first().is_some_and(|(at, _)| *at <= offset)
    }

    /// The symbols at an offset, which is not before the last one asked for, and the number of the
    /// label that is none.
    pub(super) fn at(&mut self, offset: u64) -> (&'n [(u64, usize)], Option<u32>) {
        let before = self.symbols.iter().take_while(|(at, _)| *at < offset).count();
        let here = self.symbols[before..].iter().take_while(|(at, _)| *at == offset).count();
        let (symbols, after) = self.symbols[before..].split_at(here);
        self.symbols = after;
        let mut generated = None;
        while let [(at, number), rest @ ..] = self.generated
            && *at <= offset
        {
            generated = (*at == offset).then_some(*number);
            self.generated = rest;
        }
        (symbols, generated)
    }
}

/// Whether a name can be written as an operand.
pub(super) fn is_word(name: &str) -> bool {
    !name.is_empty()
        && word_length(name.as_bytes()) == name.len()
        && name != "."
        && !looks_like_register(name.as_bytes())
}

/// Whether a symbol is one that labels are made of.
pub(super) fn is_label(kind: elf::SymbolType) -> bool {
    ![elf::STT_SECTION, elf::STT_FILE].contains(&kind)
}

impl Names {
    /// Decides which symbols are spelled. `boundary` says whether a label can stand at an offset of
    /// a section.
    pub(super) fn new(image: &Image<'_>, boundary: impl Fn(usize, u64) -> bool) -> Names {
        let mut names = Names {
            spelled: vec![Err("it is no name"); image.symbols.len()],
            labels: image.sections.iter().map(|_| Labels::default()).collect(),
            taken: intern::Names::default(),
        };
        // Those that are defined come first: what is undefined and called alike is the same.
        for defined in [true, false] {
            for (index, symbol) in image.symbols.iter().enumerate() {
                if !is_label(symbol.kind) || (symbol.place != Place::Undefined) != defined {
                    continue;
                }
                names.spelled[index] = if symbol.name.is_empty() {
                    Err("it has no name")
                } else if !is_word(&symbol.name) {
                    Err("its name is no word of assembly")
                } else if names.is_taken(&symbol.name) {
                    Err("another one has this name")
                } else {
                    match symbol.place {
                        Place::Section(section) => match &image.sections[section] {
                            one if one.role == Role::Table => Err("it lies in a table of the file"),
                            one if symbol.value > one.size => Err("it lies behind its section"),
                            _ if !boundary(section, symbol.value) => {
                                Err("it lies inside an instruction")
                            }
                            _ => Ok(()),
                        },
                        Place::Unknown => Err("it lies in no section"),
                        Place::Undefined | Place::Absolute | Place::Common => Ok(()),
                    }
                };
                if names.spelled[index].is_ok() {
                    names.taken.intern(&symbol.name);
                    if let Place::Section(section) = symbol.place {
                        names.labels[section].symbols.push((symbol.value, index));
                    }
                }
            }
        }
        for (labels, section) in names.labels.iter_mut().zip(&image.sections) {
            labels.symbols.sort_by_key(|(offset, _)| *offset);
            if section.role == Role::Code {
                labels.locals = vec![0; section.data.len() / Raw::SIZE + 1];
                for (offset, index) in labels.symbols.iter().rev() {
                    // Labels of code stand before slots only, as `boundary` has said.
                    if let (elf::STB_LOCAL, Some(local)) = (
                        image.symbols[*index].bind,
                        labels.locals.get_mut(*offset as usize / Raw::SIZE),
                    ) {
                        *local = *index as u32 + 1;
                    }
                }
            }
        }
        names
    }

    /// Whether the name of a symbol can be written, or why not.
    pub(super) fn spelled(&self, symbol: usize) -> Result<(), &'static str> {
        self.spelled.get(symbol).copied().unwrap_or(Err("it is not in the table"))
    }

    /// Whether a symbol has this name.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.taken.find(name.as_bytes()).is_some()
    }

    /// The symbols that are labels at a place.
    pub(super) fn symbols_at(&self, section: usize, offset: u64) -> &[(u64, usize)] {
        let symbols = &self.labels[section].symbols;
        let start = symbols.partition_point(|(at, _)| *at < offset);
        let count = symbols[start..].iter().take_while(|(at, _)| *at == offset).count();
        &symbols[start..start + count]
    }

    /// The labels of a section, from its start on.
    pub(super) fn walk(&self, section: usize) -> Walk<'_> {
        let labels = &self.labels[section];
        Walk { symbols: &labels.symbols, generated: &labels.generated }
    }

    /// Any symbol that is a label of a section.
    pub(super) fn any_in(&self, section: usize) -> Option<usize> {
        self.labels.get(section)?.symbols.first().map(|(_, symbol)| *symbol)
    }

    /// The offsets of a section at which labels stand.
    pub(super) fn places(&self, section: usize) -> impl Iterator<Item = u64> {
        let labels = &self.labels[section];
        let symbols = labels.symbols.iter().map(|(offset, _)| *offset);
        symbols.chain(labels.generated.iter().map(|(offset, _)| *offset))
    }

    /// Makes sure that a place has a label which is not seen from outside.
    pub(super) fn want(&mut self, image: &Image<'_>, section: usize, offset: u64) {
        if self.local_symbol(image, section, offset).is_none() {
            // Numbered later, in the order of the text.
            self.want_label(section, offset);
        }
    }

    /// Makes sure that a place has a label which is no symbol.
    pub(super) fn want_label(&mut self, section: usize, offset: u64) {
        self.labels[section].generated.push((offset, 0));
    }

    /// The label of a place which is no symbol.
    pub(super) fn label(&self, section: usize, offset: u64) -> Option<Symbol<'_>> {
        let generated = &self.labels[section].generated;
        let at = generated.binary_search_by_key(&offset, |(at, _)| *at).ok()?;
        Some(Symbol::Label(generated[at].1))
    }

    /// Numbers the labels that were asked for.
    pub(super) fn number(&mut self) {
        let mut count = 0;
        for labels in &mut self.labels {
            labels.generated.sort_unstable();
            labels.generated.dedup();
            for (_, number) in &mut labels.generated {
                loop {
                    count += 1;
                    if self.taken.find(format!(".L{count}").as_bytes()).is_none() {
                        break;
                    }
                }
                *number = count;
            }
        }
    }

    /// A name for a place that is not seen from outside: one that assemblers resolve by themselves.
    pub(super) fn local<'a>(
        &'a self,
        image: &'a Image<'_>,
        section: usize,
        offset: u64,
    ) -> Option<Symbol<'a>> {
        if let Some(name) = self.local_symbol(image, section, offset) {
            return Some(Symbol::Name(name.into()));
        }
        self.label(section, offset)
    }

    fn local_symbol<'a>(
        &self,
        image: &'a Image<'_>,
        section: usize,
        offset: u64,
    ) -> Option<&'a str> {
        if let Some(local) = self.labels[section].locals.get(offset as usize / Raw::SIZE)
            && offset.is_multiple_of(Raw::SIZE as u64)
        {
            return Some(&*image.symbols[local.checked_sub(1)? as usize].name);
        }
        let here = self.symbols_at(section, offset).iter();
        let mut symbols = here.map(|(_, index)| &image.symbols[*index]);
        symbols.find(|symbol| symbol.bind == elf::STB_LOCAL).map(|symbol| &*symbol.name)
    }
}
