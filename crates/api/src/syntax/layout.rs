//! Sizes and offsets of C types on LP64, as BPF compilers lay them out, and which types are known.

use abide_diag::nearest;

use crate::ctype::{CType, INTS};
use crate::model::{Api, DefKind, Field, Group, NodeId, StructType};
use crate::query::Namespace;

/// Structs and arrays larger than this are a mistake: contexts and events are small.
pub(crate) const SIZE_LIMIT: u64 = 16 << 20;

/// Typedefs may name each other across nodes; a chain this long is a circle.
const CHAIN_LIMIT: usize = 64;

/// Why a type cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    Unknown {
        what: String,
        near: Option<String>,
    },
    /// It is known, but as something else.
    Other {
        what: String,
        is: &'static str,
    },
    Incomplete(String),
    Circular(String),
    TooLarge,
}

/// Looks types up at a node.
pub(crate) struct Types<'a> {
    pub(crate) api: &'a Api,
    pub(crate) node: NodeId,
}

impl Types<'_> {
    fn tag(&self, ty: &CType) -> Result<Option<&DefKind>, Trouble> {
        let (name, word) = match ty {
            CType::Struct(name) => (name, "struct"),
            CType::Union(name) => (name, "union"),
            CType::Enum(name) => (name, "enum"),
            _ => return Ok(None),
        };
        let Some(id) = self.api.newest(Namespace::Tag, name, self.node) else { return Ok(None) };
        let kind = &self.api.definition(id).kind;
        if kind.word() != word {
            return Err(Trouble::Other { what: ty.to_string(), is: kind.word() });
        }
        Ok(Some(kind))
    }

    fn typedef(&self, name: &str) -> Result<&CType, Trouble> {
        if let Some(id) = self.api.newest(Namespace::Typedef, name, self.node)
            && let DefKind::Typedef(ty) = &self.api.definition(id).kind
        {
            return Ok(ty);
        }
        let tagged = self.api.newest(Namespace::Tag, name, self.node);
        let near = match tagged {
            Some(id) => Some(format!("{} {name}", self.api.definition(id).kind.word())),
            None => {
                let known = INTS.iter().map(|(name, ..)| *name);
                let known = known.chain(self.api.names(Namespace::Typedef));
                nearest(name, known).map(str::to_owned)
            }
        };
        Err(Trouble::Unknown { what: name.to_owned(), near })
    }

    /// The type behind typedefs and an outer `const`.
    pub(crate) fn resolve<'t>(&'t self, ty: &'t CType) -> Result<&'t CType, Trouble> {
        let mut ty = ty.unqualified();
        for _ in 0..CHAIN_LIMIT {
            match ty {
                CType::Named(name) => ty = self.typedef(name)?.unqualified(),
                other => return Ok(other),
            }
        }
        Err(Trouble::Circular(ty.to_string()))
    }

    /// Whether everything that the type names is known; behind a pointer, a struct need not be.
    pub(crate) fn known(&self, ty: &CType) -> Result<(), Trouble> {
        match ty {
            CType::Void | CType::Int(_) => Ok(()),
            CType::Named(_) => self.resolve(ty).map(|_| ()),
            CType::Struct(_) | CType::Union(_) => self.tag(ty).map(|_| ()),
            CType::Enum(name) => match self.tag(ty)? {
                Some(_) => Ok(()),
                None => {
                    let near = nearest(name, self.api.names(Namespace::Tag));
                    let near = near.map(|near| format!("enum {near}"));
                    Err(Trouble::Unknown { what: ty.to_string(), near })
                }
            },
            CType::Pointer(to) | CType::Const(to) => self.known(to),
            CType::Array(element, _) => self.layout(element).map(|_| ()),
            CType::Function(returns, params) => {
                self.known(returns)?;
                params.iter().try_for_each(|param| self.known(param))
            }
        }
    }

    /// Size and alignment of a complete type.
    pub(crate) fn layout(&self, ty: &CType) -> Result<(u64, u64), Trouble> {
        match self.resolve(ty)? {
            CType::Int(int) => Ok((u64::from(int.size), u64::from(int.size))),
            CType::Pointer(_) | CType::Function(..) => Ok((8, 8)),
            CType::Array(element, count) => {
                let (size, align) = self.layout(element)?;
                let size = size.saturating_mul(u64::from(*count));
                if size > SIZE_LIMIT { Err(Trouble::TooLarge) } else { Ok((size, align)) }
            }
            tagged => match self.tag(tagged)? {
                Some(DefKind::Struct(found)) if !found.opaque => {
                    Ok((u64::from(found.size), u64::from(found.align)))
                }
                Some(DefKind::Enum(values)) => Ok(enum_layout(&values.values)),
                _ => Err(Trouble::Incomplete(ty.to_string())),
            },
        }
    }
}

/// As compilers do: 4 bytes, or 8 if a value does not fit.
fn enum_layout(values: &[(String, i64)]) -> (u64, u64) {
    let negative = values.iter().any(|(_, value)| *value < 0);
    let fits = values.iter().all(|(_, value)| {
        if negative { i32::try_from(*value).is_ok() } else { u32::try_from(*value).is_ok() }
    });
    if fits { (4, 4) } else { (8, 8) }
}

/// Gives every field its offset, and the struct its size and alignment. The sizes and alignments
/// of the fields are known.
pub(crate) fn lay_out(body: &mut StructType, aligns: &[u64]) -> Result<(), Trouble> {
    let mut groups = body.groups.as_slice();
    let count = body.fields.len() as u32;
    let whole = Group { is_union: body.is_union, fields: 0..count };
    let (size, align) = place(&mut body.fields, aligns, &whole, &mut groups, 0)?;
    body.size = size as u32;
    body.align = align as u32;
    Ok(())
}

/// Lays out one group at an offset that suits it; its inner groups are the next in the list.
fn place(
    fields: &mut [Field],
    aligns: &[u64],
    group: &Group,
    inner: &mut &[Group],
    start: u64,
) -> Result<(u64, u64), Trouble> {
    let (mut end, mut size, mut align) = (0u64, 0u64, 1u64);
    let mut index = group.fields.start;
    while index < group.fields.end {
        let at = index as usize;
        let next = inner.first().filter(|next| next.fields.start == index).cloned();
        let (member_size, member_align, offset) = match next {
            Some(next) => {
                *inner = &inner[1..];
                let members = &aligns[next.fields.start as usize..next.fields.end as usize];
                let member_align = members.iter().copied().max().unwrap_or(1);
                let offset = if group.is_union { 0 } else { end.next_multiple_of(member_align) };
                let (member_size, _) = place(fields, aligns, &next, inner, start + offset)?;
                index = next.fields.end;
                (member_size, member_align, offset)
            }
            None => {
                let offset = if group.is_union { 0 } else { end.next_multiple_of(aligns[at]) };
                fields[at].offset = u32::try_from(start + offset).map_err(|_| Trouble::TooLarge)?;
                index += 1;
                (u64::from(fields[at].size), aligns[at], offset)
            }
        };
        end = offset + member_size;
        size = size.max(end);
        align = align.max(member_align);
        if size > SIZE_LIMIT {
            return Err(Trouble::TooLarge);
        }
    }
    Ok((size.next_multiple_of(align), align))
}
