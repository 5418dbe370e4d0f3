//! A type with a way into it: what a record means on one side. Follows the way, compares nothing.

use std::fmt;

use super::side::Side;
use super::{CoreError, MAX_PATH, Record};
use crate::{Btf, Composite, CoreKind, Type, TypeId};

/// A type and what in it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The type that the way begins at.
    pub root: TypeId,
    /// The numbers of the way, one for each level, anonymous ones too.
    pub path: Vec<u32>,
    /// The steps that have a meaning on every host: named members, elements, the value of an enum.
    pub steps: Vec<Step>,
    /// Where it leads to, in bits from the start of the type.
    pub bit_offset: u64,
}

/// A step of a [`Spec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The struct, union or enum that has the member or value; the type of the element.
    pub ty: TypeId,
    /// The number of the member or value; the index of the element.
    pub index: u32,
    /// Whether it goes by a name rather than by the index.
    pub named: bool,
}

/// What the question of a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Field,
    Type,
    Value,
}

impl About {
    pub(super) fn of(kind: CoreKind) -> About {
        match kind {
            CoreKind::FieldByteOffset
            | CoreKind::FieldByteSize
            | CoreKind::FieldExists
            | CoreKind::FieldSigned
            | CoreKind::FieldLeftShift
            | CoreKind::FieldRightShift => About::Field,
            CoreKind::TypeIdLocal
            | CoreKind::TypeIdTarget
            | CoreKind::TypeExists
            | CoreKind::TypeSize
            | CoreKind::TypeMatches => About::Type,
            CoreKind::EnumValueExists | CoreKind::EnumValue => About::Value,
        }
    }
}

impl Spec {
    /// A type without a way into it yet.
    pub(super) fn new(root: TypeId) -> Spec {
        Spec { root, path: Vec::new(), steps: Vec::new(), bit_offset: 0 }
    }

    /// What a record means for the object that has it.
    pub(super) fn of_record(side: Side<'_>, record: Record<'_>) -> Result<Spec, CoreError> {
        let wrong =
            |why| CoreError::Access { ty: record.ty, access: record.access.to_owned(), why };
        let mut spec = Spec::new(record.ty);
        for number in record.access.split(':') {
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong("it is not numbers with `:` between them"));
            }
            // Beyond 31 bits no type has anything.
            match number.parse::<i32>() {
                Ok(number) => spec.path.push(number.cast_unsigned()),
                Err(_) => return Err(wrong("a number is too large")),
            }
            if spec.path.len() > MAX_PATH {
                return Err(wrong("it has more than 64 levels"));
            }
        }
        match About::of(record.kind) {
            About::Type if record.access == "0" => {}
            About::Type => return Err(wrong("a type as a whole has the way `0`")),
            About::Value => spec.walk_value(side).map_err(wrong)?,
            About::Field => spec.walk_field(side).map_err(wrong)?,
        }
        Ok(spec)
    }

    fn walk_value(&mut self, side: Side<'_>) -> Result<(), &'static str> {
        let ty = side.btf.strip(self.root);
        let Some(Type::Enum(found) | Type::Enum64(found)) = side.btf.get(ty) else {
            return Err("it is no enum");
        };
        let [index] = self.path[..] else { return Err("an enum has one level") };
        if index as usize >= found.values.len() {
            return Err("the enum has fewer values");
        }
        self.steps.push(Step { ty, index, named: true });
        Ok(())
    }

    fn walk_field(&mut self, side: Side<'_>) -> Result<(), &'static str> {
        const NO_SIZE: &str = "it leads into something without a size";
        let mut ty = side.btf.strip(self.root);
        let path = std::mem::take(&mut self.path);
        for (level, index) in path.iter().copied().enumerate() {
            if level == 0 {
                self.element(side, ty, index).ok_or(NO_SIZE)?;
                continue;
            }
            match side.btf.get(ty) {
                Some(Type::Struct(composite) | Type::Union(composite)) => {
                    let member = composite.members.get(index as usize);
                    let member = member.ok_or("a struct has fewer members")?;
                    self.bit_offset += u64::from(member.bit_offset);
                    if !member.name.is_empty() {
                        self.steps.push(Step { ty, index, named: true });
                    } else if level + 1 == path.len() {
                        return Err("it ends at a member without a name");
                    }
                    ty = side.btf.strip(member.ty);
                }
                Some(Type::Array { elem, len, .. }) => {
                    if index >= len && !self.is_flexible(side.btf, len) {
                        return Err("an array has fewer elements");
                    }
                    ty = side.btf.strip(elem);
                    self.element(side, ty, index).ok_or(NO_SIZE)?;
                }
                _ => return Err("it leads into something that is neither struct, union nor array"),
            }
        }
        self.path = path;
        Ok(())
    }

    /// A step to an element of this type. `None` if it has no size, or lies beyond all memory.
    pub(super) fn element(&mut self, side: Side<'_>, ty: TypeId, index: u32) -> Option<()> {
        let bytes = u64::from(side.size_of(ty)?) * u64::from(index);
        self.bit_offset = self.bit_offset.checked_add(bytes.checked_mul(8)?)?;
        // Offsets of 2^32 bits and more are no one's; additions of members stay far from overflow.
        if self.bit_offset > u64::from(u32::MAX) {
            return None;
        }
        self.steps.push(Step { ty, index, named: false });
        Some(())
    }

    /// Whether the array that the last step led to, of this length, is the last member of its struct
    /// and has as many elements as there is room for.
    pub(super) fn is_flexible(&self, btf: &Btf, len: u32) -> bool {
        let Some(step) = self.steps.last().filter(|step| step.named && len == 0) else {
            return false;
        };
        members(btf, step.ty).is_some_and(|found| found.members.len() == step.index as usize + 1)
    }

    /// The way as C would write it, and as numbers.
    pub fn show<'a>(&'a self, btf: &'a Btf) -> Shown<'a> {
        Shown { spec: self, btf }
    }

    /// The numbers of the way with `:` between them.
    pub fn numbers(&self) -> String {
        let numbers: Vec<String> = self.path.iter().map(u32::to_string).collect();
        numbers.join(":")
    }
}

/// The struct or union behind an id.
pub(super) fn members(btf: &Btf, id: TypeId) -> Option<Composite<'_>> {
    match btf.get(id)? {
        Type::Struct(composite) | Type::Union(composite) => Some(composite),
        _ => None,
    }
}

/// Prints a [`Spec`]: `struct task_struct.mm`, `struct a[2].b[3]`, `enum state::RUNNING`.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    spec: &'a Spec,
    btf: &'a Btf,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let declaration = self.btf.declaration(self.spec.root, "");
        write!(f, "{}", abide_diag::printable(declaration.trim()))?;
        for (level, step) in self.spec.steps.iter().enumerate() {
            match self.btf.get(step.ty) {
                Some(Type::Struct(found) | Type::Union(found)) if step.named => {
                    let name = found.members.get(step.index as usize).map(|member| member.name);
                    write!(f, ".{}", abide_diag::printable(name.unwrap_or_default()))?;
                }
                Some(Type::Enum(found) | Type::Enum64(found)) if step.named => {
                    let name = found.values.get(step.index as usize).map(|value| value.name);
                    write!(f, "::{}", abide_diag::printable(name.unwrap_or_default()))?;
                }
                _ if level > 0 || step.index > 0 => write!(f, "[{}]", step.index)?,
                _ => {}
            }
        }
        Ok(())
    }
}
