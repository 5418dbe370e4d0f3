//! What an object sets in structs by which a host calls programs (`struct … ops TYPE` in an API file): members,
//! each by the oldest definition that has it with all arguments that its program looks at.

use abide_btf::core::essential;
use abide_btf::{Btf, Type};
use abide_object::{Map, MapOrigin, Object, Program, Target};

use super::ProgramNeeds;
use crate::ctype::CType;
use crate::model::{Api, DefId, DefKind, StructType};
use crate::query::Namespace;

/// Bytes that an argument takes in the context of a program.
pub(crate) const ARGUMENT: u32 = 8;

/// A member that an object sets.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The struct's index in [`Object::maps`].
    pub map: usize,
    /// The struct and the member: `tcp_congestion_ops.ssthresh`.
    pub name: String,
    /// The program that is put there, by its index; `None` for a number or a name.
    pub program: Option<usize>,
    /// The definition that a host must serve; `None` if no version has the member.
    pub meaning: Option<DefId>,
}

impl Operation {
    /// The member alone.
    pub fn member(&self) -> &str {
        self.name.split_once('.').map_or(&self.name, |(_, member)| member)
    }
}

/// Names of members, with the program that is put there.
type Members<'o> = Vec<(&'o str, Option<usize>)>;

/// The struct that a map of operations is of, by the name that hosts know it by, and what it sets: the name of
/// each member, with the program if it is one.
pub(crate) fn set<'o>(object: &'o Object, map: &'o Map) -> Option<(&'o str, Members<'o>)> {
    let MapOrigin::StructOps { bytes, autocreate: true } = &map.origin else { return None };
    let btf = object.btf.as_ref()?;
    let Some(Type::Struct(body)) = btf.get(btf.strip(map.value_type?)) else { return None };
    let mut found = Vec::new();
    for (number, member) in (0..).zip(body.members.iter()) {
        let slot = map.initial_slots.iter().find(|(at, _)| *at == number);
        let program = slot.and_then(|(_, target)| match target {
            Target::Function(function) => {
                object.programs.iter().position(|program| program.function == *function)
            }
            _ => None,
        });
        let set = slot.is_some() || is_set(btf, bytes, member.bit_offset, member.ty);
        if set && !member.name.is_empty() {
            found.push((member.name, program));
        }
    }
    Some((essential(body.name), found))
}

/// Whether a member has a value: loaders pass over those of zeroes.
fn is_set(btf: &Btf, bytes: &[u8], bit_offset: u32, ty: abide_btf::TypeId) -> bool {
    let start = (bit_offset / 8) as usize;
    let size = btf.size_of(ty).and_then(|size| usize::try_from(size).ok());
    let end = size.and_then(|size| start.checked_add(size));
    let value = end.and_then(|end| bytes.get(start..end));
    value.is_some_and(|value| value.iter().any(|byte| *byte != 0))
}

/// The definitions of a struct of operations.
fn layouts<'a>(api: &'a Api, name: &str) -> impl Iterator<Item = (DefId, &'a StructType)> {
    let all = api.definitions_of(Namespace::Tag, name).iter();
    all.filter_map(|id| match &api.definition(*id).kind {
        DefKind::Struct(layout) if layout.ops.is_some() => Some((*id, layout)),
        _ => None,
    })
}

/// The type of programs in a struct of operations that the API knows.
pub(super) fn program_type<'a>(
    object: &Object,
    api: &'a Api,
    program: &Program,
) -> Option<&'a str> {
    let holds = |map: &&Map| {
        map.initial_slots.iter().any(|(_, target)| *target == Target::Function(program.function))
    };
    let tables = object.maps.iter().filter(|map| matches!(map.origin, MapOrigin::StructOps { .. }));
    let map = tables.into_iter().find(holds)?;
    let btf = object.btf.as_ref()?;
    let Some(Type::Struct(body)) = btf.get(btf.strip(map.value_type?)) else { return None };
    layouts(api, essential(body.name)).find_map(|(_, layout)| layout.ops.as_deref())
}

/// What an object sets in structs that the API knows.
pub(super) fn of(object: &Object, api: &Api, programs: &[ProgramNeeds]) -> Vec<Operation> {
    let mut found = Vec::new();
    for (index, map) in object.maps.iter().enumerate() {
        let Some((name, members)) = set(object, map) else { continue };
        if layouts(api, name).next().is_none() {
            continue;
        }
        for (member, program) in members {
            let looked_at =
                program.and_then(|index| programs.get(index)).map_or(0, |one| one.context);
            let has = |(id, layout): (DefId, &StructType)| {
                let field = layout.fields.iter().find(|field| field.name == member)?;
                let enough = match field.ty.unqualified() {
                    CType::Function(_, params) => params.len() as u32 * ARGUMENT >= looked_at,
                    _ => true,
                };
                Some((id, enough))
            };
            let all: Vec<(DefId, bool)> = layouts(api, name).filter_map(has).collect();
            // More arguments than any version has are for the verifier to refuse.
            let meaning = all.iter().find(|(_, enough)| *enough).or(all.first());
            found.push(Operation {
                map: index,
                name: format!("{name}.{member}"),
                program,
                meaning: meaning.map(|(id, _)| *id),
            });
        }
    }
    found
}
