//! The symbols of a unit, by name and by number. Knows nothing of sections beyond their numbers.

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
    name: (u32, u32),
    hash: u32,
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

/// All symbols. The names stand in one string, found by a table with open addressing.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    names: String,
    /// One more than the number of a symbol; 0 for none.
    table: Vec<u32>,
    named: usize,
    list: Vec<Symbol>,
}

fn hash(name: &[u8]) -> u32 {
    let mut state = name.len() as u64;
    let mut mix = |word: u64| {
        state = (state.rotate_left(5) ^ word).wrapping_mul(0x51_7c_c1_b7_27_22_0a_95);
    };
    let mut chunks = name.chunks_exact(8);
    for chunk in &mut chunks {
        mix(u64::from_le_bytes(chunk.try_into().expect("chunks have eight bytes")));
    }
    let mut last = 0;
    for byte in chunks.remainder() {
        last = last << 8 | u64::from(*byte);
    }
    mix(last);
    (state >> 32) as u32
}

impl Symbols {
    fn push(&mut self, name: (u32, u32), hash: u32) -> SymbolId {
        self.list.push(Symbol {
            name,
            hash,
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

    /// The slot of the table where a name is, or where it would be put.
    fn slot(&self, name: &[u8], hash: u32) -> usize {
        let mask = self.table.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            match self.table[at].checked_sub(1) {
                None => return at,
                Some(id) => {
                    let symbol = &self.list[id as usize];
                    if symbol.hash == hash && self.name(id).as_bytes() == name {
                        return at;
                    }
                }
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = (self.table.len() * 2).max(64);
        self.table = vec![0; size];
        for (id, symbol) in self.list.iter().enumerate() {
            if symbol.name.0 == symbol.name.1 {
                continue;
            }
            let mut at = symbol.hash as usize & (size - 1);
            while self.table[at] != 0 {
                at = (at + 1) & (size - 1);
            }
            self.table[at] = id as u32 + 1;
        }
    }

    /// The symbol of this name, which is made if there is none.
    pub(super) fn intern(&mut self, name: &str) -> SymbolId {
        if self.named * 2 >= self.table.len() {
            self.grow();
        }
        let hash = hash(name.as_bytes());
        let slot = self.slot(name.as_bytes(), hash);
        if let Some(id) = self.table[slot].checked_sub(1) {
            return id;
        }
        let start = self.names.len() as u32;
        self.names.push_str(name);
        let id = self.push((start, self.names.len() as u32), hash);
        self.table[slot] = id + 1;
        self.named += 1;
        id
    }

    /// The symbol of this name, if there is one.
    pub(super) fn find(&self, name: &str) -> Option<SymbolId> {
        if self.table.is_empty() {
            return None;
        }
        self.table[self.slot(name.as_bytes(), hash(name.as_bytes()))].checked_sub(1)
    }

    /// A symbol without a name.
    pub(super) fn nameless(&mut self) -> SymbolId {
        self.push((0, 0), 0)
    }

    pub(super) fn name(&self, id: SymbolId) -> &str {
        let (start, end) = self.list[id as usize].name;
        &self.names[start as usize..end as usize]
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
