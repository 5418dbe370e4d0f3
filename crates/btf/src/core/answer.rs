//! What a record's instruction must hold: the question of the record, asked of a [`Spec`].

use super::CoreError;
use super::side::Side;
use super::spec::{Spec, members};
use crate::{CoreKind, Type, TypeId};

/// A record, looked up on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What was asked.
    pub kind: CoreKind,
    /// What the record means for the object.
    pub local: Spec,
    /// What that is on the host, if the host has it.
    pub host: Option<Spec>,
    /// The answer.
    pub answer: Answer,
}

/// What the instruction of a record must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A number.
    Value {
        /// What it is for the object.
        old: u64,
        /// What it is on the host.
        new: u64,
        /// Whether the instruction must hold the old number now. Ids and what compilers may choose
        /// for bit fields do not count.
        checked: bool,
        /// If the field has another size on the host: what that means for a load or store.
        resize: Option<Resize>,
    },
    /// Nothing: the host lacks it, so the instruction must not run.
    Poison(Poison),
}

/// A field that has another size on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resize {
    /// Its size in bytes for the object; 0 of a bit field.
    pub local: u32,
    /// Its size in bytes on the host; 0 of a bit field.
    pub host: u32,
    /// Whether a load of the other size gives the same value: so it is for pointers and for unsigned
    /// integers, whose upper bits are zero.
    pub safe: bool,
}

/// Why an instruction must not run on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Poison {
    /// The host has no such type.
    NoType,
    /// No type of that name has such a field.
    NoField,
    /// No enum of that name has such a value.
    NoValue,
    /// The field has another size and is no pointer or unsigned integer.
    Resized,
}

impl Poison {
    /// What the host lacks, as the end of a sentence.
    pub fn why(self) -> &'static str {
        match self {
            Poison::NoType => "the host has no type of this name",
            Poison::NoField => "the host's type has no such field",
            Poison::NoValue => "the host's enum has no such value",
            Poison::Resized => {
                "the field has another size on the host, and is no pointer or unsigned integer"
            }
        }
    }
}

/// The answer for one side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub(super) value: u64,
    checked: bool,
    /// Of a field whose offset is asked for: the type of its elements, and their size.
    element: Option<(TypeId, u32)>,
}

impl Measure {
    fn exact(value: u64) -> Measure {
        Measure { value, checked: true, element: None }
    }

    /// The answer, when this is the object's own side.
    pub(super) fn becomes(&self, new: u64, resize: Option<Resize>) -> Answer {
        Answer::Value { old: self.value, new, checked: self.checked, resize }
    }
}

/// Asks the question of a record of one side.
pub(super) fn measure(side: Side<'_>, spec: &Spec, kind: CoreKind) -> Result<Measure, CoreError> {
    let size =
        |ty| side.size_of(ty).map(u64::from).ok_or_else(|| CoreError::question(spec.root, kind));
    Ok(match kind {
        CoreKind::FieldExists
        | CoreKind::TypeExists
        | CoreKind::TypeMatches
        | CoreKind::EnumValueExists => Measure::exact(1),
        CoreKind::TypeIdLocal | CoreKind::TypeIdTarget => {
            Measure { checked: false, ..Measure::exact(u64::from(spec.root.0)) }
        }
        CoreKind::TypeSize => Measure::exact(size(spec.root)?),
        CoreKind::EnumValue => Measure::exact(enum_value(side, spec, kind)?),
        CoreKind::FieldByteOffset
        | CoreKind::FieldByteSize
        | CoreKind::FieldSigned
        | CoreKind::FieldLeftShift
        | CoreKind::FieldRightShift => field(side, spec, kind)?,
    })
}

fn enum_value(side: Side<'_>, spec: &Spec, kind: CoreKind) -> Result<u64, CoreError> {
    let step = spec.steps.first();
    let value = step.and_then(|step| match side.btf.get(step.ty)? {
        Type::Enum(found) | Type::Enum64(found) => found.values.get(step.index as usize),
        _ => None,
    });
    let value = value.ok_or_else(|| CoreError::question(spec.root, kind))?;
    Ok(value.value.cast_unsigned())
}

fn field(side: Side<'_>, spec: &Spec, kind: CoreKind) -> Result<Measure, CoreError> {
    let unknown = || CoreError::question(spec.root, kind);
    let step = spec.steps.last().ok_or_else(unknown)?;
    let size = |ty| side.size_of(ty).ok_or_else(unknown);
    if !step.named {
        let size = size(step.ty)?;
        return match kind {
            CoreKind::FieldByteOffset => Ok(Measure {
                element: Some((step.ty, size)),
                ..Measure::exact(spec.bit_offset / 8)
            }),
            CoreKind::FieldByteSize => Ok(Measure::exact(u64::from(size))),
            _ => Err(unknown()),
        };
    }
    let member = members(side.btf, step.ty)
        .and_then(|found| found.members.get(step.index as usize))
        .ok_or_else(unknown)?;
    let ty = side.btf.strip(member.ty);
    let room = Room::of(spec.bit_offset, member.bitfield_size, size(ty)?)?;
    let is_bit_field = member.bitfield_size > 0;
    let of_field = |value| Measure { checked: !is_bit_field, ..Measure::exact(value) };
    Ok(match kind {
        CoreKind::FieldByteOffset if is_bit_field => of_field(room.byte),
        CoreKind::FieldByteOffset => {
            let element = side.innermost(ty);
            Measure { element: Some((element, size(element)?)), ..of_field(room.byte) }
        }
        CoreKind::FieldByteSize => of_field(room.bytes),
        CoreKind::FieldSigned => Measure::exact(u64::from(match side.btf.get(ty) {
            Some(Type::Int { signed, .. }) => signed,
            Some(Type::Enum(found) | Type::Enum64(found)) => found.signed,
            _ => false,
        })),
        CoreKind::FieldLeftShift => {
            let before = spec.bit_offset - room.byte * 8;
            let end = before + room.bits;
            // Of a field of more than 64 bits there is no shift; libbpf's wraps round.
            of_field(match side.is_little() {
                true => 64_u64.wrapping_sub(end),
                false => 8_u64.wrapping_sub(room.bytes).wrapping_mul(8).wrapping_add(before),
            })
        }
        CoreKind::FieldRightShift => Measure::exact(64_u64.wrapping_sub(room.bits)),
        _ => return Err(unknown()),
    })
}

/// The bytes that a load of a field takes.
struct Room {
    /// The first of them.
    byte: u64,
    /// How many there are.
    bytes: u64,
    /// How many bits of them are the field.
    bits: u64,
}

impl Room {
    /// Of a bit field: the smallest aligned load, from the size of its type on, that has all of it.
    fn of(bit: u64, width: u32, size: u32) -> Result<Room, CoreError> {
        let (mut bytes, bits) = (u64::from(size), u64::from(width));
        if width == 0 {
            return Ok(Room { byte: bit / 8, bytes, bits: bytes * 8 });
        }
        if bytes == 0 {
            return Err(CoreError::BitField { bit });
        }
        loop {
            let byte = bit / 8 / bytes * bytes;
            if bit + bits - byte * 8 <= bytes * 8 {
                return Ok(Room { byte, bytes, bits });
            }
            if bytes >= 8 {
                return Err(CoreError::BitField { bit });
            }
            bytes *= 2;
        }
    }
}

/// What another size of a field means, if it has one. A bit field has none that a load could have
/// instead.
pub(super) fn resize(
    (local, ours): (Side<'_>, &Measure),
    (host, theirs): (Side<'_>, &Measure),
) -> Option<Resize> {
    let size = |measure: &Measure| measure.element.map_or(0, |(_, size)| size);
    if size(ours) == size(theirs) {
        return None;
    }
    let element = |side: Side<'_>, measure: &Measure| {
        measure.element.and_then(|(ty, _)| match side.btf.get(ty)? {
            found @ (Type::Ptr { .. } | Type::Int { signed: false, .. }) => Some(found.kind()),
            _ => None,
        })
    };
    let ours_kind = element(local, ours);
    let safe = ours_kind.is_some() && ours_kind == element(host, theirs);
    Some(Resize { local: size(ours), host: size(theirs), safe })
}
