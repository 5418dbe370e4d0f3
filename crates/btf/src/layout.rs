//! How a C compiler for BPF would lay a struct out, against how BTF says that it is laid out.
//!
//! Answers what a definition in C must say so that both agree: packed or not, and whether C can
//! say it at all. Writes no C itself.

use std::collections::HashMap;

use crate::Btf;
use crate::types::{Composite, Type, TypeId};

/// What a definition of a struct or union in C must say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The alignment in bytes that the definition in C has.
    pub(crate) align: u32,
    /// It needs `__attribute__((packed))`.
    pub(crate) packed: bool,
    /// No list of members in C has this layout (they overlap, or have no size): only its size can
    /// be kept.
    pub(crate) opaque: bool,
}

/// The shapes that were asked for. Recursion is bounded, as `Btf::parse` bounds nesting.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    known: HashMap<TypeId, Shape>,
}

impl Shapes {
    /// The alignment of a value in bytes, as our own definitions have it.
    pub(crate) fn align(&mut self, btf: &Btf, id: TypeId) -> u32 {
        let mut id = btf.strip(id);
        while let Some(Type::Array { elem, .. }) = btf.get(id) {
            id = btf.strip(elem);
        }
        match btf.get(id) {
            Some(Type::Struct(composite)) => self.shape(btf, id, &composite, false).align,
            Some(Type::Union(composite)) => self.shape(btf, id, &composite, true).align,
            Some(Type::Float { size: 12, .. }) => 4,
            Some(Type::Int { size, .. } | Type::Float { size, .. }) => size.max(1),
            Some(Type::Enum(enumeration) | Type::Enum64(enumeration)) => enumeration.size.max(1),
            Some(Type::Ptr { .. }) => 8,
            _ => 1,
        }
    }

    /// The shape of a struct or union.
    pub(crate) fn shape(
        &mut self,
        btf: &Btf,
        id: TypeId,
        composite: &Composite<'_>,
        is_union: bool,
    ) -> Shape {
        if let Some(shape) = self.known.get(&id) {
            return *shape;
        }
        let size = u64::from(composite.size) * 8;
        let mut shape = Shape { align: 1, packed: false, opaque: false };
        let mut end = 0_u64;
        for member in composite.members {
            let align = self.align(btf, member.ty);
            shape.align = shape.align.max(align);
            let offset = u64::from(member.bit_offset);
            let Some(own) = btf.size_of(member.ty).and_then(|size| size.checked_mul(8)) else {
                shape.opaque = true;
                break;
            };
            let bits = u64::from(member.bitfield_size);
            let taken = if bits > 0 { bits } else { own };
            if bits > 0 {
                shape.opaque |= bits > own;
                shape.packed |= own > 0 && offset % own + bits > own;
            } else {
                shape.opaque |= offset % 8 != 0;
                shape.packed |= offset % (u64::from(align) * 8) != 0;
            }
            let begin = if bits > 0 { end } else { end.next_multiple_of(8) };
            shape.opaque |= if is_union { offset != 0 } else { offset < begin };
            end = if is_union { end.max(taken) } else { offset.saturating_add(taken) };
        }
        shape.opaque |= end > size;
        shape.packed |= !composite.size.is_multiple_of(shape.align);
        if shape.packed || shape.opaque {
            shape.align = 1;
            shape.packed = !shape.opaque;
        }
        self.known.insert(id, shape);
        shape
    }
}
