//! One requirement after the other on one host.

use abide_object::{ExternId, ExternKind, FunctionId, Map, Object, Target};

use super::serve::{self, serving};
use super::{Host, Item, Row, Status, arguments, outside};
use crate::bind::codes as c;
use crate::bind::explain::{self, Subject};
use crate::flow::{Facts, Reached};
use crate::model::{DefId, DefKind};
use crate::query::Namespace;
use crate::refusal::{Refusal, Site};
use crate::require::{Callee, Feature, Need, Operation, ProgramNeeds, Requirements};

pub(super) struct Judge<'a> {
    pub(super) object: &'a Object,
    pub(super) needs: &'a Requirements,
    pub(super) host: &'a Host<'a>,
    pub(super) facts: &'a Facts<'a>,
}

impl Judge<'_> {
    /// What a loader does before it loads any program.
    pub(super) fn whole(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut add = |item, status: Status| {
            // Members of one struct may lack it together.
            let refused = match (&item, &status) {
                (Item::Operation(_), Status::Refused(refusal)) => Some(refusal),
                _ => None,
            };
            if !refused.is_some_and(|refusal| rows.iter().any(|row: &Row| row.says_too(refusal))) {
                rows.push(Row { item, site: None, status });
            }
        };
        let mut missing = Vec::new();
        for (index, map) in self.needs.maps.iter().enumerate() {
            let status = match &map.meaning {
                Ok(id) => self.kind(*id),
                Err(refusal) => Status::Refused(refusal.clone()),
            };
            let status = match status {
                Status::Served { .. } => {
                    let flags = map.flags.iter().map(|(name, id)| {
                        self.definition(*id, || {
                            Subject::part(&self.needs.api, *id, "map flag", name)
                        })
                    });
                    flags
                        .into_iter()
                        .find(|found| matches!(found, Status::Refused(_)))
                        .unwrap_or(status)
                }
                status => status,
            };
            let mut made = self.object.maps.iter().filter(|found| found.name == map.name);
            let left = made.any(|found| lacks_size(found, &map.kind));
            let status = match status {
                Status::Served { .. } if left => Status::Open(outside::LEFT),
                status => status,
            };
            add(Item::Map(index), status);
        }
        for index in 0..self.object.maps.len() {
            if let Some(status) = outside::struct_ops(self.object, self.host, index) {
                if matches!(status, Status::Refused(_)) {
                    missing.push(index);
                }
                add(Item::StructOps(index), status);
            }
        }
        for (index, operation) in self.needs.operations.iter().enumerate() {
            if !missing.contains(&operation.map) {
                add(Item::Operation(index), self.operation(operation));
            }
        }
        for (number, found) in (0..).zip(&self.object.externs) {
            let id = ExternId(number);
            let status = match found.kind {
                ExternKind::Function { .. } if found.weak => continue,
                ExternKind::Function { .. } => match self.missing_function(id) {
                    Some(status) => status,
                    None => continue,
                },
                _ => outside::external(self.object, self.host, id),
            };
            add(Item::Extern(id), status);
        }
        rows
    }

    /// A kfunc that some program names and the host does not have: no loader gets further.
    fn missing_function(&self, id: ExternId) -> Option<Status> {
        let callee = Callee::Kfunc(id);
        let mut needs = self.needs.programs.iter().flat_map(|program| &program.calls);
        let need = needs.find(|need| need.callee == callee)?;
        if serve::exists(self.host, need) {
            return None;
        }
        let status = self.callee(need);
        matches!(status, Status::Refused(_)).then_some(status)
    }

    /// What one program needs.
    pub(super) fn program(
        &self,
        index: usize,
        program: &ProgramNeeds,
        reached: &Reached,
    ) -> Vec<Row> {
        let named = |refusal: Refusal| refusal.in_program(&program.name);
        let mut rows = Vec::new();
        let mut add = |item, site: Option<Site>, status| {
            let status = match status {
                Status::Refused(refusal) => Status::Refused(named(refusal).at(site.as_ref())),
                Status::NotAttached(refusal) => Status::NotAttached(named(refusal)),
                status => status,
            };
            rows.push(Row { item, site, status });
        };
        let status = match &program.program_type {
            Ok(id) => self.kind(*id),
            Err(refusal) => Status::Refused(refusal.clone()),
        };
        add(Item::ProgramType, None, status);
        if let Some(status) = outside::target(self.object, self.host, index) {
            add(Item::Target, None, status);
        }
        if let Some((access, status)) = arguments::missing(self.object, self.host, index, reached) {
            add(Item::Arguments, Some(self.site(access.function, access.slot)), status);
        }
        for (at, feature) in program.features.iter().enumerate() {
            let (site, status) = self.feature(feature, reached);
            add(Item::Feature(at), site, status);
        }
        for (at, need) in program.calls.iter().enumerate() {
            let (site, status) = self.call(program, need, reached);
            add(Item::Call(at), site, status);
        }
        self.relocations(program, reached, &mut add);
        rows
    }

    /// A program or map type: whatever it means on the host, which has only one of that name.
    fn kind(&self, id: DefId) -> Status {
        let (api, profile) = (&self.needs.api, &self.host.profile);
        let definition = api.definition(id);
        let at = |node| api.lookup(Namespace::of(&definition.kind), &definition.name, node);
        let written_for = self.needs.declared.or(api.baseline).and_then(at);
        match at(profile.node()).map(|here| (here, profile.service(here))) {
            Some((by, Ok(service))) => {
                let changed = written_for.is_some_and(|meant| meant != by);
                Status::Served { by, service, renumbered: None, changed }
            }
            _ => self.definition(id, || Subject::of(api, id)),
        }
    }

    /// A definition that is no callee.
    fn definition(&self, id: DefId, subject: impl Fn() -> Subject) -> Status {
        match self.host.profile.service(id) {
            Ok(service) => Status::Served { by: id, service, renumbered: None, changed: false },
            Err(denial) => Status::Refused(explain::denial(
                &self.host.profile,
                self.needs,
                id,
                &denial,
                subject(),
            )),
        }
    }

    /// A member of a struct of operations. The types of the host say whether it is there, or else the API.
    fn operation(&self, operation: &Operation) -> Status {
        let (api, profile) = (&self.needs.api, &self.host.profile);
        let (structure, member) = operation.name.split_once('.').unwrap_or((&operation.name, ""));
        let typed = outside::member(self.host, structure, member);
        let first = api.definitions_of(Namespace::Tag, structure).first().copied();
        let served = operation.meaning.map(|id| {
            self.definition(id, || match Some(id) == first {
                true => Subject::of(api, id),
                false => Subject::part(api, id, "member", &operation.name),
            })
        });
        let here = api.lookup(Namespace::Tag, structure, profile.node());
        let gone = here.is_some_and(|id| match &api.definition(id).kind {
            DefKind::Struct(body) => !body.fields.iter().any(|field| field.name == member),
            _ => false,
        });
        let on = profile.name();
        let lacks = |note: Option<String>| {
            let name = abide_diag::printable(&operation.name);
            let message =
                format!("the struct of {on} has no member `{name}`, which the object sets");
            let refusal = Refusal::new(&c::R_NO_MEMBER, name.clone(), message);
            let refusal = match note {
                Some(note) => refusal.note(note),
                None => refusal,
            };
            Status::Refused(refusal.help(
                "leave it out where it is missing: set it to NULL before the object is loaded",
            ))
        };
        match (typed, served) {
            (Some(true), _) => Status::There,
            (_, Some(Status::Served { .. })) if gone => {
                lacks(Some("an earlier version had it".to_owned()))
            }
            (None, Some(status)) => status,
            (Some(false), _) | (None, None) => lacks(operation.meaning.map(|id| {
                let node = api.node_ref(api.definition(id).node);
                format!("it exists since {} ({})", node.name, node.released)
            })),
        }
    }

    fn site(&self, function: FunctionId, slot: u32) -> Site {
        Site::new(self.object, function, slot)
    }

    fn feature(&self, feature: &Feature, reached: &Reached) -> (Option<Site>, Status) {
        let needs = |(function, slot): &&(FunctionId, u32)| {
            reached.contains(*function, *slot) && !self.is_absent(*function, *slot)
        };
        let first = feature.places.iter().find(needs);
        let site = first.map(|(function, slot)| self.site(*function, *slot));
        if !feature.everywhere && first.is_none() {
            return (None, Status::NotNeeded);
        }
        let (word, name) = (feature.what.noun(), feature.what.name());
        let subject = || Subject::part(&self.needs.api, feature.meaning, word, name);
        let status = match self.definition(feature.meaning, subject) {
            Status::Refused(refusal) if feature.attach_only => Status::NotAttached(refusal),
            status => status,
        };
        (site, status)
    }

    /// Whether an instruction refers to an extern that the host lacks: loaders make a number of it.
    fn is_absent(&self, function: FunctionId, slot: u32) -> bool {
        match self.object.function(function).target_at(slot) {
            Some(Target::Extern(id) | Target::CallExtern(id)) => {
                self.facts.present.get(&id) == Some(&false)
            }
            _ => false,
        }
    }

    fn call(
        &self,
        program: &ProgramNeeds,
        need: &Need,
        reached: &Reached,
    ) -> (Option<Site>, Status) {
        let is_call = |site: &&Site| {
            let target = self.object.function(site.function).target_at(site.slot);
            !matches!(target, Some(Target::Extern(_)))
        };
        let site = need
            .sites
            .iter()
            .filter(is_call)
            .find(|site| reached.contains(site.function, site.slot));
        let Some(site) = site else { return (None, Status::NotNeeded) };
        let status = match self.callee(need) {
            Status::Served { by, service, renumbered, changed } => {
                match self.denied_right(program, by, need.right) {
                    Some(refusal) => Status::Refused(refusal),
                    None => Status::Served { by, service, renumbered, changed },
                }
            }
            status => status,
        };
        (Some(site.clone()), status)
    }

    /// What serves a callee, whoever may call it.
    fn callee(&self, need: &Need) -> Status {
        let meant = match &need.meaning {
            Ok(id) => *id,
            Err(refusal) => return Status::Refused(refusal.clone()),
        };
        let profile = &self.host.profile;
        match serving(profile, meant, &need.also) {
            Ok(_) if !serve::is_typed(self.host, need) => serve::not_built(self.host, need),
            Ok(found) => {
                let renumbered = match need.callee {
                    Callee::Helper(number) => {
                        profile.renumbered(&need.name).filter(|here| *here != number)
                    }
                    Callee::Kfunc(_) => None,
                };
                let serve::Serving { by, service, changed } = found;
                Status::Served { by, service, renumbered, changed }
            }
            Err(denial) => {
                // The oldest that would do says what is missing.
                let id = need.also.last().copied().unwrap_or(meant);
                let subject = Subject::of(&self.needs.api, id);
                Status::Refused(explain::denial(profile, self.needs, id, &denial, subject))
            }
        }
    }

    /// Whether programs of this type may not call the definition here.
    fn denied_right(
        &self,
        program: &ProgramNeeds,
        by: DefId,
        right: Option<DefId>,
    ) -> Option<Refusal> {
        let (api, profile) = (&self.needs.api, &self.host.profile);
        let kind = &api.definition(*program.program_type.as_ref().ok()?).name;
        match api.right(by, kind, &program.section) {
            Some(found) if profile.service(found).is_ok() || found == by => None,
            Some(found) => Some(explain::no_right(profile, program, found)),
            None => right.map(|right| explain::no_right(profile, program, right)),
        }
    }

    /// CO-RE relocations of instructions that can run.
    fn relocations(
        &self,
        program: &ProgramNeeds,
        reached: &Reached,
        add: &mut impl FnMut(Item, Option<Site>, Status),
    ) {
        for (at, record) in self.object.core.iter().enumerate() {
            if !program.functions.contains(&record.function) {
                continue;
            }
            let site = || Some(self.site(record.function, record.slot));
            let Some(code) = self.facts.code else {
                add(Item::Core(at), site(), Status::Open(outside::NO_TYPES));
                continue;
            };
            let Some(outcome) = code.outcomes.get(at) else { continue };
            // Loaders refuse what they cannot relocate, wherever it stands.
            let runs = reached.contains(record.function, record.slot) || outcome.result.is_err();
            match outside::relocation(self.object, self.host, at, outcome) {
                Status::There => add(Item::Core(at), None, Status::There),
                _ if !runs => add(Item::Core(at), site(), Status::NotNeeded),
                status => add(Item::Core(at), site(), status),
            }
        }
    }
}

/// Map types whose keys and values have sizes.
const SIZED: &[&str] =
    &["array", "hash", "lpm_trie", "lru_hash", "lru_percpu_hash", "percpu_array", "percpu_hash"];

/// Whether no host makes a map as it stands: its own loader is to say the size of its keys or values.
fn lacks_size(map: &Map, kind: &str) -> bool {
    SIZED.contains(&kind) && (map.key_size == 0 || map.value_size == 0)
}
