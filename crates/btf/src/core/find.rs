//! Finding on the host what a record means: an index of the host's types by their names without
//! flavours, the candidates for each type of an object, and which of them fit.

use std::collections::HashMap;

use super::answer::{Answer, Measure, Poison, Resolution, measure, resize};
use super::compat::{Comparison, TooDeep, kinds_fit};
use super::name::{FlavourSign, essential};
use super::side::Side;
use super::spec::{About, Spec};
use super::{CoreError, walk};
use crate::index::Buckets;
use crate::{Btf, CoreKind, Type, TypeId};

/// A CO-RE relocation, without the instruction that it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'r> {
    /// The type, as the object knows it.
    pub ty: TypeId,
    /// The way into it: member numbers with `:` between them, or the number of an enum's value.
    pub access: &'r str,
    /// What is asked.
    pub kind: CoreKind,
}

/// The types of a host, indexed once for any number of objects.
///
/// Takes 6 bytes or less for each type.
#[derive(Debug)]
pub struct Target<'a> {
    side: Side<'a>,
    /// By name without flavour.
    names: Buckets,
}

impl<'a> Target<'a> {
    /// Indexes the types of a host.
    pub fn new(btf: &'a Btf) -> Target<'a> {
        let names = Buckets::build(1, btf.len(), |hasher, id| {
            let mut may_have_flavour = FlavourSign::default();
            let (_, hash) = btf.name_hash(id, hasher, &mut |word| may_have_flavour.see(word))?;
            match may_have_flavour.seen {
                true => Some(hasher.hash(essential(btf.named(id)?.1))),
                false => Some(hash),
            }
        });
        Target { side: Side::host(btf), names }
    }

    /// The types of the host.
    pub fn btf(&self) -> &'a Btf {
        self.side.btf
    }

    /// The types that have the name of this one but for flavours, and are of its kind, by id. Those of
    /// split BTF only if its base has none, as with libbpf.
    fn candidates(&self, local: &Type<'_>) -> Vec<TypeId> {
        let name = essential(local.name());
        let last = self.btf().types_below();
        let mut found = Vec::new();
        for id in self.names.with(self.names.hasher.hash(name)) {
            // Ids ascend: the base comes first.
            if id.0 > last && found.last().is_some_and(|TypeId(found)| *found <= last) {
                break;
            }
            let fits = |(kind, other)| {
                kinds_fit(Some(kind), Some(local.kind())) && essential(other) == name
            };
            if self.btf().named(id).is_some_and(fits) {
                found.push(id);
            }
        }
        found
    }
}

/// Resolves the records of one object against one host.
///
/// It remembers which types of the host were found to fit: when a record leaves only some of the
/// candidates for a type, later records about that type see only those, as libbpf has it. So the
/// records of an object should be resolved in their order, by one resolver.
#[derive(Debug)]
pub struct Resolver<'a> {
    local: Side<'a>,
    target: &'a Target<'a>,
    candidates: HashMap<TypeId, Vec<TypeId>>,
}

impl<'a> Resolver<'a> {
    /// For the records of an object with these types.
    pub fn new(local: &'a Btf, target: &'a Target<'a>) -> Resolver<'a> {
        Resolver { local: Side::object(local), target, candidates: HashMap::new() }
    }

    /// Finds what a record means on the host, and what its instruction must hold.
    ///
    /// # Errors
    /// The record makes no sense, or several types of the host fit and disagree. That the host has
    /// nothing that fits is no error but an [`Answer`].
    pub fn resolve(&mut self, record: Record<'_>) -> Result<Resolution, CoreError> {
        let local = Spec::of_record(self.local, record)?;
        let ours = measure(self.local, &local, record.kind)?;
        let resolution =
            |local, host, answer| Resolution { kind: record.kind, local, host, answer };
        if record.kind == CoreKind::TypeIdLocal {
            return Ok(resolution(local, None, ours.becomes(ours.value, None)));
        }
        let ty = self.local.btf.get(record.ty).filter(|ty| !ty.name().is_empty());
        let ty = ty.ok_or(CoreError::Anonymous { ty: record.ty })?;
        let candidates =
            self.candidates.entry(record.ty).or_insert_with(|| self.target.candidates(&ty));

        let (mut fitting, mut chosen) = (Vec::new(), None::<(Spec, Measure)>);
        let mut comparison = Comparison::new(self.local, self.target.side);
        for id in candidates.iter().copied() {
            let host = walk::find(&mut comparison, &local, id, record.kind);
            let Some(host) = host.map_err(|TooDeep| CoreError::TooDeep { ty: record.ty })? else {
                continue;
            };
            let theirs = measure(self.target.side, &host, record.kind)?;
            fitting.push(id);
            let Some((first, answer)) = &chosen else {
                chosen = Some((host, theirs));
                continue;
            };
            if first.bit_offset != host.bit_offset || answer.value != theirs.value {
                let told = |spec: &Spec, answer: &Measure| match spec.bit_offset {
                    0 => answer.value.to_string(),
                    bits => format!("{} (at bit {bits})", answer.value),
                };
                return Err(CoreError::Ambiguous {
                    first: first.root,
                    first_answer: told(first, answer),
                    second: id,
                    second_answer: told(&host, &theirs),
                });
            }
        }
        let Some((host, theirs)) = chosen else {
            let answer = match (record.kind, About::of(record.kind)) {
                // No type, no field and no value are answers to these.
                (CoreKind::FieldExists | CoreKind::EnumValueExists, _) | (_, About::Type) => {
                    ours.becomes(0, None)
                }
                _ if candidates.is_empty() => Answer::Poison(Poison::NoType),
                (_, About::Value) => Answer::Poison(Poison::NoValue),
                _ => Answer::Poison(Poison::NoField),
            };
            return Ok(resolution(local, None, answer));
        };
        *candidates = fitting;
        let resize = resize((self.local, &ours), (self.target.side, &theirs));
        Ok(resolution(local, Some(host), ours.becomes(theirs.value, resize)))
    }
}
