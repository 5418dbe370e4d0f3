//! The members of a struct as C code sees them: those of anonymous structs and unions are its own.
//! Compares nothing.

use crate::types::{Composite, Type, TypeId};
use crate::{Btf, Kind};

/// A member that can be named, or that has no name and is no struct or union.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) ty: TypeId,
    /// From the start of the outermost struct.
    pub(super) bit_offset: u32,
    pub(super) width: u32,
    /// Which member of the outermost struct it is, if it is one.
    pub(super) number: Option<u32>,
}

/// All fields of a struct, and the anonymous structs and unions around them: kind, place and size.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) list: Vec<Field<'a>>,
    pub(super) groups: Vec<(Kind, u32, u32)>,
}

impl<'a> Fields<'a> {
    /// `None` if there are more than `left`, which is reduced by as many as there are. Recursion is
    /// bounded, as `Btf::parse` bounds nesting.
    pub(super) fn of(
        btf: &'a Btf,
        composite: &Composite<'a>,
        left: &mut u32,
    ) -> Option<Fields<'a>> {
        let mut fields = Fields::default();
        fields.add(btf, composite, 0, true, left)?;
        Some(fields)
    }

    fn add(
        &mut self,
        btf: &'a Btf,
        composite: &Composite<'a>,
        base: u32,
        outermost: bool,
        left: &mut u32,
    ) -> Option<()> {
        for (number, member) in composite.members.iter().enumerate() {
            *left = left.checked_sub(1)?;
            let bit_offset = base.saturating_add(member.bit_offset);
            if member.name.is_empty()
                && let Some(ty @ (Type::Struct(inner) | Type::Union(inner))) =
                    btf.get(btf.unqualified(member.ty))
            {
                self.groups.push((ty.kind(), bit_offset, inner.size));
                self.add(btf, &inner, bit_offset, false, left)?;
                continue;
            }
            self.list.push(Field {
                name: member.name,
                ty: member.ty,
                bit_offset,
                width: member.bitfield_size,
                number: outermost.then_some(number as u32),
            });
        }
        Some(())
    }
}
