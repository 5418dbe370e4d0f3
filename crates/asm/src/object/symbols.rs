//! The symbols of a unit, by name and by number. Knows nothing of sections beyond their numbers.

use crate::intern::{NameId, Names};
use crate::object::value::NodeId;

/// The number of a symbol.
pub(super) type SymbolId = u32;

/// A place in a section: bytes of fixed size before it, and how many parts of variable size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) section: u32,
    pub(super) parts: u32,
    pub(super) fixed: u64,
}

/// A place in a text: its number, and bytes in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Origin {
    pub(super) text: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Origin {
    pub(super) fn span(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// What a symbol stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Undefined,
    Label(Place),
    /// `.set`, and whether it may be set again.
    Value {
        node: NodeId,
        again: bool,
    },
    Common {
        size: u64,
        align: u64,
    },
}

/// `.globl`, `.weak`, `.local`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    Unsaid,
    Local,
    Global,
    Weak,
}

#[derive(Debug, Clone)]
pub(super) struct Symbol {
    name: Option<NameId>,
    pub(super) meaning: Meaning,
    pub(super) binding: Binding,
    /// `STV_*`.
    pub(super) visibility: u8,
    /// `STT_*`.
    pub(super) kind: u8,
    pub(super) size: Option<(NodeId, Origin)>,
    /// Whether anything but a definition mentions it, and where first.
    pub(super) used: Option<Origin>,
    /// Where it is defined.
    pub(super) defined: Origin,
    /// Whether a relocation names it.
    pub(super) relocated: bool,
    /// Whether `.addrsig_sym` mentions it.
    pub(super) address_taken: bool,
}

impl Symbol {
    /// Whether it is seen outside of the object, if it is defined in it.
    pub(super) fn is_outside(&self) -> bool {
        matches!(self.binding, Binding::Global | Binding::Weak)
    }
}

/// All symbols.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    names: Names,
    /// The symbol of each name.
    named: Vec<SymbolId>,
    list: Vec<Symbol>,
}

impl Symbols {
    fn push(&mut self, name: Option<NameId>) -> SymbolId {
        self.list.push(Symbol {
            name,
            meaning: Meaning::Undefined,
            binding: Binding::Unsaid,
            visibility: 0,
            kind: 0,
            size: None,
            used: None,
            defined: Origin::default(),
            relocated: false,
            address_taken: false,
        });
        (self.list.len() - 1) as SymbolId
    }

    /// The symbol of this name, which is made if there is none.
    pub(super) fn intern(&mut self, name: &str) -> SymbolId {
        let id = self.names.intern(name);
        if id as usize == self.named.len() {
            let symbol = self.push(Some(id));
            self.named.push(symbol);
        }
        self.named[id as usize]
    }

    /// The symbol of this name, if there is one.
    pub(super) fn find(&self, name: &str) -> Option<SymbolId> {
        self.names.find(name.as_bytes()).map(|id| self.named[id as usize])
    }

    /// A symbol without a name.
    pub(super) fn nameless(&mut self) -> SymbolId {
        self.push(None)
    }

    pub(super) fn name(&self, id: SymbolId) -> &str {
        self.list[id as usize].name.map_or("", |name| self.names.text(name))
    }

    pub(super) fn get(&self, id: SymbolId) -> &Symbol {
        &self.list[id as usize]
    }

    pub(super) fn get_mut(&mut self, id: SymbolId) -> &mut Symbol {
        &mut self.list[id as usize]
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether a symbol stays inside: nameless, or `.L…`, which no compiler puts into an object.
    pub(super) fn is_temporary(&self, id: SymbolId) -> bool {
        let name = self.name(id);
        name.is_empty() || name.starts_with(".L")
    }
}
