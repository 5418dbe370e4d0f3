//! What places and symbols are called in a listing.
//!
//! Every name here can be read back: symbols whose names are no words of assembly, or that another
//! symbol already has, are not spelled but mentioned. Places without a symbol get generated labels.

use std::collections::{BTreeMap, HashMap, HashSet};

use object::elf;

use super::image::{Image, Place, Role};
use crate::token::{looks_like_register, word_length};

/// Names for an image.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// By symbol: whether its name can be written.
    spelled: Vec<Result<(), &'static str>>,
    /// The symbols that are labels, by section and offset.
    at: BTreeMap<(usize, u64), Vec<usize>>,
    /// Labels that are no symbols, by section and offset.
    generated: BTreeMap<(usize, u64), String>,
    taken: HashSet<String>,
    count: usize,
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
        let mut names =
            Names { spelled: vec![Err("it is no name"); image.symbols.len()], ..Names::default() };
        let mut seen: HashMap<&str, usize> = HashMap::new();
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
                } else if seen.contains_key(&*symbol.name) {
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
                    seen.insert(&symbol.name, index);
                    names.taken.insert(symbol.name.clone().into_owned());
                    if let Place::Section(section) = symbol.place {
                        names.at.entry((section, symbol.value)).or_default().push(index);
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
        self.taken.contains(name)
    }

    /// The symbols that are labels at a place.
    pub(super) fn symbols_at(&self, section: usize, offset: u64) -> &[usize] {
        self.at.get(&(section, offset)).map_or(&[], Vec::as_slice)
    }

    /// Any symbol that is a label of a section.
    pub(super) fn any_in(&self, section: usize) -> Option<usize> {
        let all = self.at.range((section, 0)..=(section, u64::MAX));
        all.flat_map(|(_, symbols)| symbols).next().copied()
    }

    /// The offsets of a section at which labels stand.
    pub(super) fn places(&self, section: usize) -> impl Iterator<Item = u64> {
        let range = (section, 0)..=(section, u64::MAX);
        let symbols = self.at.range(range.clone()).map(|((_, offset), _)| *offset);
        symbols.chain(self.generated.range(range).map(|((_, offset), _)| *offset))
    }

    /// The label at a place that is no symbol.
    pub(super) fn generated_at(&self, section: usize, offset: u64) -> Option<&str> {
        self.generated.get(&(section, offset)).map(String::as_str)
    }

    /// Makes sure that a place has a label which is not seen from outside.
    pub(super) fn want(&mut self, image: &Image<'_>, section: usize, offset: u64) {
        if self.local(image, section, offset).is_none() {
            // Numbered later, in the order of the text.
            self.generated.insert((section, offset), String::new());
        }
    }

    /// Numbers the labels that were asked for.
    pub(super) fn number(&mut self) {
        for label in self.generated.values_mut() {
            loop {
                self.count += 1;
                *label = format!(".L{}", self.count);
                if !self.taken.contains(label.as_str()) {
                    break;
                }
            }
        }
    }

    /// A name for a place that is not seen from outside: one that assemblers resolve by themselves.
    pub(super) fn local<'a>(
        &'a self,
        image: &'a Image<'_>,
        section: usize,
        offset: u64,
    ) -> Option<&'a str> {
        let symbols = self.symbols_at(section, offset).iter().map(|index| &image.symbols[*index]);
        let mut local = symbols.filter(|symbol| symbol.bind == elf::STB_LOCAL);
        let symbol = local.next().map(|symbol| &*symbol.name);
        symbol.or_else(|| self.generated_at(section, offset))
    }
}
