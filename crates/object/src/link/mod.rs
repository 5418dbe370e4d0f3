//! Static linking: several objects become one, which reads and loads as if they had been one file.
//!
//! Sections of one name are put one after another; what objects share by name is resolved; types are
//! merged. Nothing is loaded or relocated against a host here, and nothing is asked of the kernel.
//!
//! * A definition that is not weak wins over weak ones; what is `static` is seen in its own file only.
//! * What is defined nowhere stays, to be found when the object is loaded.
//! * The license, and the version of each API, must be the same in all.
//! * DWARF is left out: nothing in here could move what it says.
//!
//! The result is canonical: the same objects in the same order give the same bytes. A single object
//! is written as it would be if it had been linked from parts.

mod agree;
mod compare;
mod error;
mod globals;
mod input;
mod layout;
mod references;
mod types;

use std::borrow::Cow;
use std::collections::HashMap;

pub use error::{LinkError, LinkProblem};

use self::globals::{Globals, SymbolId};
use self::input::Unit;
use self::layout::Layout;
use self::references::{Reference, Target};
use self::types::Tables;
use crate::error::Place as Where;
use crate::image::{Contents, Image, Link, PROGBITS, Place, Relocation, Section, Symbol};

/// An object to link.
#[derive(Debug, Clone, Copy)]
pub struct Input<'d> {
    /// What messages call it: the name of its file.
    pub name: &'d str,
    /// The ELF file.
    pub bytes: &'d [u8],
}

/// What became of the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The new object; [`Image::write`] makes a file of it.
    pub image: Image<'static>,
    /// The names of the objects whose DWARF was left out.
    pub without_dwarf: Vec<String>,
}

/// Links objects, in this order.
///
/// ```no_run
/// use abide_object::link::{Input, link};
/// let (a, b) = (std::fs::read("a.bpf.o")?, std::fs::read("b.bpf.o")?);
/// let inputs = [Input { name: "a.bpf.o", bytes: &a }, Input { name: "b.bpf.o", bytes: &b }];
/// match link(&inputs) {
///     Ok(linked) => std::fs::write("all.bpf.o", linked.image.write()?)?,
///     Err(errors) => errors.iter().for_each(|error| eprintln!("{error}")),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// All that is wrong with each object by itself or, if nothing is, all in which they do not go
/// together.
pub fn link(inputs: &[Input<'_>]) -> Result<Linked, Vec<LinkError>> {
    let mut errors = Vec::new();
    let mut units = Vec::new();
    for input in inputs {
        match Unit::read(input) {
            Ok(unit) => units.push(unit),
            Err(error) => errors.push(*error),
        }
    }
    if inputs.is_empty() {
        let problem = LinkProblem::Nothing;
        let (file, place) = (String::new(), Where::default());
        errors.push(LinkError { problem, file, place, other: None });
    }
    stop(&mut errors)?;
    agree::byte_orders(&units, &mut errors);
    stop(&mut errors)?;
    agree::constants(&mut units, &mut errors);
    agree::stamps(&units, &mut errors);
    let globals = Globals::resolve(&units, &mut errors);
    agree::names(&units, &globals, &mut errors);
    let mut layout = Layout::new(&units, &globals, &mut errors);
    stop(&mut errors)?;
    let references = references::moved(&units, &globals, &mut layout, &mut errors);
    stop(&mut errors)?;
    let types = types::merged(&units, &globals, &layout).map_err(|error| vec![*error])?;
    let image = image(&units, &globals, layout, &references, types);
    let has_dwarf = |unit: &&Unit<'_>| unit.image.sections.iter().any(|one| one.is_debug());
    let without_dwarf = units.iter().filter(has_dwarf).map(|unit| unit.file.to_owned()).collect();
    Ok(Linked { image, without_dwarf })
}

fn stop(errors: &mut Vec<LinkError>) -> Result<(), Vec<LinkError>> {
    match errors.is_empty() {
        true => Ok(()),
        false => Err(std::mem::take(errors)),
    }
}

fn image(
    units: &[Unit<'_>],
    globals: &Globals,
    layout: Layout,
    references: &[Reference],
    types: Option<Tables>,
) -> Image<'static> {
    let mut symbols = Symbols::default();
    let mut sections: Vec<usize> = references
        .iter()
        .filter_map(|one| match one.target {
            Target::Section(section) => Some(section),
            _ => None,
        })
        .collect();
    sections.sort_unstable();
    sections.dedup();
    for section in sections {
        symbols.add(
            Target::Section(section),
            Symbol {
                name: Cow::Borrowed(""),
                place: Place::Section(section),
                value: 0,
                size: 0,
                kind: Symbol::SECTION,
                bind: Symbol::LOCAL,
                other: 0,
            },
        );
    }
    for (unit, one) in units.iter().enumerate() {
        for symbol in 0..one.image.symbols.len() {
            let id = SymbolId { unit, symbol };
            if let Some(moved) = local(one, id, &layout) {
                symbols.add(Target::Local(id), moved);
            }
        }
    }
    for (number, global) in globals.list.iter().enumerate() {
        let id = global.winner.unwrap_or(global.all[0]);
        let symbol = &units[id.unit].image.symbols[id.symbol];
        let place = match symbol.place {
            Place::Section(section) => place(layout.place(id.unit, section, symbol.value)),
            Place::Absolute => (Place::Absolute, symbol.value),
            _ => (Place::Undefined, 0),
        };
        let (bind, other) = (global.bind, global.other);
        symbols.add(Target::Global(number), moved(symbol, place, bind, other));
    }
    let mut sections = layout.sections;
    for one in references {
        let symbol = symbols.numbers.get(&one.target).copied();
        let (offset, kind) = (one.offset, one.kind);
        let relocation = Relocation { offset, kind, symbol, addend: 0 };
        sections[one.section].relocations.push(relocation);
    }
    if let Some((btf, ext)) = types {
        sections.push(table(".BTF", btf));
        sections.push(table(".BTF.ext", ext));
    }
    let first = &units[0].image;
    let machine = units.iter().map(|unit| unit.image.machine).max().unwrap_or_default();
    let (endian, flags) = (first.endian, first.flags);
    Image { endian, machine, flags, sections, symbols: symbols.list }
}

/// The symbols of the new object, and their numbers.
#[derive(Default)]
struct Symbols {
    list: Vec<Symbol<'static>>,
    numbers: HashMap<Target, usize>,
}

impl Symbols {
    fn add(&mut self, target: Target, symbol: Symbol<'static>) {
        self.numbers.insert(target, self.list.len());
        self.list.push(symbol);
    }
}

/// A symbol that only its own object sees, unless it has no meaning any more.
fn local(unit: &Unit<'_>, id: SymbolId, layout: &Layout) -> Option<Symbol<'static>> {
    let symbol = &unit.image.symbols[id.symbol];
    if !unit.is_thing(symbol) || unit.is_global(symbol) {
        return None;
    }
    let place = match symbol.place {
        Place::Section(section) if !unit.is_copy[section] => {
            place(Some(layout.place(id.unit, section, symbol.value)?))
        }
        Place::Absolute => (Place::Absolute, symbol.value),
        _ => return None,
    };
    Some(moved(symbol, place, Symbol::LOCAL, symbol.other))
}

/// Where a symbol is, and its value, by where its byte is.
fn place(byte: Option<(usize, u64)>) -> (Place, u64) {
    byte.map_or((Place::Undefined, 0), |(section, value)| (Place::Section(section), value))
}

fn moved(symbol: &Symbol<'_>, place: (Place, u64), bind: u8, other: u8) -> Symbol<'static> {
    let (place, value) = place;
    Symbol {
        name: Cow::Owned(symbol.name.to_string()),
        place,
        value,
        size: symbol.size,
        kind: symbol.kind,
        bind,
        other,
    }
}

fn table(name: &'static str, bytes: Vec<u8>) -> Section<'static> {
    Section {
        name: Cow::Borrowed(name),
        kind: PROGBITS,
        flags: 0,
        align: 8,
        entry_size: 0,
        link: Link::None,
        contents: Contents::Bytes(Cow::Owned(bytes)),
        relocations: Vec::new(),
        has_addends: false,
    }
}
