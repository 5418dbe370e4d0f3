//! One side of a comparison, the object's or the host's, and what its machine decides: the size of
//! a pointer and the order of bits. Compares nothing.

use crate::{Btf, ByteOrder, Kind, Type, TypeId};

/// The names that C compilers give to `long`.
const LONG: &[&str] = &["long int", "long unsigned int", "unsigned long", "long"];

/// Types and the machine that they are of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) btf: &'a Btf,
    pointer: u32,
}

impl<'a> Side<'a> {
    /// An object's: BPF has pointers of 64 bits.
    pub(super) fn object(btf: &'a Btf) -> Side<'a> {
        Side { btf, pointer: 8 }
    }

    /// A host's: its pointers are as large as its `long`.
    pub(super) fn host(btf: &'a Btf) -> Side<'a> {
        // Compilers write it among the first types; an index of all names would cost more.
        let long = btf.ids().find_map(|id| match btf.head(id)? {
            (record, Kind::Int) if LONG.contains(&btf.name(record[0])) => {
                Some(record[2]).filter(|size| matches!(size, 4 | 8))
            }
            _ => None,
        });
        Side { btf, pointer: long.unwrap_or(8) }
    }

    /// The type behind typedefs and qualifiers; `None` is `void`.
    pub(super) fn behind(self, id: TypeId) -> Option<Type<'a>> {
        self.btf.get(self.btf.strip(id))
    }

    /// The size of a value in bytes; `None` for what has none, and beyond 32 bits.
    pub(super) fn size_of(self, id: TypeId) -> Option<u32> {
        let (mut id, mut count) = (id, 1_u32);
        loop {
            let size = match self.behind(id)? {
                Type::Array { elem, len, .. } => {
                    count = count.checked_mul(len)?;
                    id = elem;
                    continue;
                }
                Type::Var { ty, .. } => {
                    id = ty;
                    continue;
                }
                Type::Ptr { .. } => self.pointer,
                Type::Int { size, .. } | Type::Float { size, .. } | Type::DataSec { size, .. } => {
                    size
                }
                Type::Struct(composite) | Type::Union(composite) => composite.size,
                Type::Enum(enumeration) | Type::Enum64(enumeration) => enumeration.size,
                _ => return None,
            };
            return count.checked_mul(size);
        }
    }

    /// The element of an array of arrays; any other type itself.
    pub(super) fn innermost(self, id: TypeId) -> TypeId {
        let mut id = self.btf.strip(id);
        while let Some(Type::Array { elem, .. }) = self.btf.get(id) {
            id = self.btf.strip(elem);
        }
        id
    }

    /// Whether the least significant bit comes first.
    pub(super) fn is_little(self) -> bool {
        self.btf.order() == ByteOrder::Little
    }
}
