//! One of the objects that are linked: what is in the file, and what it means.

use std::collections::HashMap;

use abide_btf::{BtfExt, Linkage, Type, TypeId};

use super::Input;
use super::error::{LinkError, LinkProblem};
use crate::budget::Budget;
use crate::elf::Elf;
use crate::error::{ObjectError, Place as Where};
use crate::image::{Image, Place, Symbol};
use crate::model::Object;
use crate::relocate::{JUMP_TABLES, sums};

/// An object that is linked.
pub(super) struct Unit<'d> {
    pub(super) file: &'d str,
    pub(super) object: Object,
    pub(super) image: Image<'d>,
    pub(super) ext: BtfExt,
    /// Whether instructions include the values of their symbols; see [`crate::relocate`].
    pub(super) sums: bool,
    /// Per section, whether it is only another copy of what an earlier object has.
    pub(super) is_copy: Vec<bool>,
    /// The functions and variables that the types name.
    named: HashMap<String, TypeId>,
}

impl<'d> Unit<'d> {
    pub(super) fn read(input: &Input<'d>) -> Result<Unit<'d>, Box<LinkError>> {
        let wrong = |error: ObjectError| {
            let (file, place) = (input.name.to_owned(), error.place.clone());
            let problem = LinkProblem::Object(Box::new(error));
            Box::new(LinkError { problem, file, place, other: None })
        };
        let object = Object::parse(input.bytes).map_err(wrong)?;
        let mut image = Image::parse(input.bytes).map_err(wrong)?;
        let elf = Elf::parse(input.bytes, &mut Budget::new()).map_err(wrong)?;
        let ext = match (&object.btf, image.section(".BTF.ext")) {
            (Some(btf), Some(section)) if image.sections[section].size() > 0 => {
                BtfExt::parse(image.sections[section].bytes(), btf)
                    .map_err(|error| wrong(error.into()))?
            }
            _ => BtfExt::default(),
        };
        name_functions(&object, &mut image);
        let is_copy = vec![false; image.sections.len()];
        let named = named(&object);
        Ok(Unit { file: input.name, sums: sums(&elf), object, image, ext, is_copy, named })
    }

    /// What the types say of a name that other objects see.
    pub(super) fn declaration(&self, name: &str) -> Option<TypeId> {
        self.named.get(name).copied()
    }

    /// Which of several sections of one name has a variable.
    pub(super) fn section_of(&self, section: &str, variable: &str) -> Option<usize> {
        self.image.symbols.iter().find_map(|symbol| match symbol.place {
            Place::Section(index) if symbol.name == variable => {
                (self.image.sections[index].name == section).then_some(index)
            }
            _ => None,
        })
    }

    /// An error at a symbol of it.
    pub(super) fn place_of(&self, symbol: &Symbol<'_>) -> Where {
        let place = match symbol.place {
            Place::Section(section) => Where::section(&self.image.sections[section].name),
            _ => Where::default(),
        };
        match symbol.name.is_empty() {
            true => place,
            false => place.with_symbol(&symbol.name),
        }
    }

    /// An error in it.
    pub(super) fn error(&self, problem: LinkProblem, place: Where) -> LinkError {
        LinkError { problem, file: self.file.to_owned(), place, other: None }
    }

    /// Whether a symbol names a function or a variable. Labels in code are for jumps only, which need
    /// none; and not all code has a name that could be shared.
    pub(super) fn is_thing(&self, symbol: &Symbol<'_>) -> bool {
        match symbol.place {
            Place::Section(section) if self.image.sections[section].is_code() => {
                symbol.kind == Symbol::FUNCTION
            }
            _ => !matches!(symbol.kind, Symbol::SECTION | Symbol::FILE),
        }
    }

    /// Whether a symbol is seen by other objects. Tables of jumps are not: compilers give them the same
    /// names in all.
    pub(super) fn is_global(&self, symbol: &Symbol<'_>) -> bool {
        let is_own = |section: usize| {
            self.is_copy[section] || self.image.sections[section].name == JUMP_TABLES
        };
        symbol.bind != Symbol::LOCAL
            && !symbol.name.is_empty()
            && !matches!(symbol.kind, Symbol::SECTION | Symbol::FILE)
            && !matches!(symbol.place, Place::Section(section) if is_own(section))
    }
}

/// Hand-written code may name its functions by labels without type or size; beside code that does
/// not, nobody would take them for functions any more.
fn name_functions(object: &Object, image: &mut Image<'_>) {
    let known: HashMap<_, u64> = object
        .functions
        .iter()
        .map(|one| {
            ((one.section.as_str(), one.name.as_str(), one.offset), one.slots.len() as u64 * 8)
        })
        .collect();
    for symbol in &mut image.symbols {
        let Place::Section(section) = symbol.place else { continue };
        let section = &image.sections[section];
        if !section.is_code() || symbol.kind == Symbol::SECTION {
            continue;
        }
        if let Some(size) = known.get(&(&*section.name, &*symbol.name, symbol.value)) {
            symbol.kind = Symbol::FUNCTION;
            symbol.size = *size;
        }
    }
}

/// Functions and variables by name. Those that are static come last: gcc calls functions that are
/// only declared static as well.
fn named(object: &Object) -> HashMap<String, TypeId> {
    let mut named = HashMap::new();
    let Some(btf) = &object.btf else { return named };
    for statics in [false, true] {
        for (id, ty) in btf.iter() {
            let (Type::Func { name, linkage, .. } | Type::Var { name, linkage, .. }) = ty else {
                continue;
            };
            if (linkage == Linkage::Static) == statics && !named.contains_key(name) {
                named.insert(name.to_owned(), id);
            }
        }
    }
    named
}
