//! The definition that each name of an object means, or why there is none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use abide_btf::core::essential;
use abide_object::{ExternId, ExternKind, FunctionId, Map, MapOrigin, Object, ProgramId, Target};

use super::reach::{callees, of_program};
use super::{Callee, MapNeed, Need, ProgramNeeds, features, operations};
use crate::bind::{codes as c, explain};
use crate::compare::{Fit, fit};
use crate::flow::{Facts, Reached};
use crate::model::{Api, DefId, DefKind, NodeId};
use crate::query::Namespace;
use crate::refusal::{Refusal, Site};

/// Reads one object against the API that it speaks.
pub(super) struct Reader<'a> {
    pub(super) object: &'a Object,
    pub(super) api: &'a Arc<Api>,
    pub(super) declared: Option<NodeId>,
    pub(super) gpl: bool,
}

/// A program that calls something.
struct Caller<'a> {
    name: &'a str,
    kind: Option<DefId>,
    section: &'a str,
}

impl Reader<'_> {
    pub(super) fn program(&self, index: usize) -> ProgramNeeds {
        let program = &self.object.programs[index];
        let name = self.object.functions[program.function.0 as usize].name.clone();
        let program_type = self.program_type(program).map_err(|refusal| refusal.in_program(&name));
        let functions = of_program(self.object, program);
        let kind = program_type.as_ref().ok().copied();
        let calls =
            self.calls(&Caller { name: &name, kind, section: &program.section }, &functions);
        let maps = self.maps(&name, &functions);
        let reached = Reached::of(self.object, program.function, &Facts::default());
        let features = features::of(self, index, program_type.as_ref().ok(), &functions, &reached);
        ProgramNeeds {
            id: ProgramId(u32::try_from(index).unwrap_or(u32::MAX)),
            name,
            section: program.section.clone(),
            autoload: program.autoload,
            program_type,
            calls,
            maps,
            features,
            functions,
            context: reached.context_size(),
        }
    }

    /// The newest definition that the object can mean by a name without regard to its prototype: in
    /// the declared node or its ancestors; else in the baseline, or the first one after it.
    fn newest(&self, namespace: Namespace, name: &str) -> Option<DefId> {
        let all = self.api.definitions_of(namespace, name);
        let within = |node| {
            all.iter()
                .copied()
                .rfind(|id| self.api.is_ancestor(self.api.definition(*id).node, node))
        };
        match self.declared.or(self.api.baseline) {
            Some(node) => within(node)
                .or_else(|| if self.declared.is_some() { None } else { all.first().copied() }),
            None => all.first().copied(),
        }
    }

    fn program_type(&self, program: &abide_object::Program) -> Result<DefId, Refusal> {
        let section = program.section.as_str();
        if let Some(name) = operations::program_type(self.object, self.api, program)
            && let Some(id) = self.newest(Namespace::Program, name)
        {
            return Ok(self.api.first_alike(id));
        }
        let mut known = Vec::new();
        for name in self.api.names(Namespace::Program) {
            let Some(id) = self.newest(Namespace::Program, name) else { continue };
            let DefKind::Program(program) = &self.api.definition(id).kind else { continue };
            if program.has_section(section) {
                return Ok(self.api.first_alike(id));
            }
            known.extend(program.sections.iter().map(|section| format!("\"{section}\"")));
        }
        let shown = abide_diag::printable(section);
        Err(Refusal::new(
            &c::R_UNKNOWN_SECTION,
            shown.clone(),
            format!("section \"{shown}\" means no program type of {}", self.version()),
        )
        .help(format!("the sections of `{}`: {}", self.api.name, known.join(", "))))
    }

    fn version(&self) -> String {
        match self.declared {
            Some(node) => format!("{}@{}", self.api.name, self.api.node_ref(node).name),
            None => format!("`{}`", self.api.name),
        }
    }

    fn calls(&self, caller: &Caller<'_>, functions: &[FunctionId]) -> Vec<Need> {
        let mut sites: BTreeMap<Callee, Vec<Site>> = BTreeMap::new();
        let mut order = Vec::new();
        for id in functions {
            for (slot, callee) in callees(self.object, *id) {
                let found = sites.entry(callee.clone()).or_insert_with(|| {
                    order.push(callee);
                    Vec::new()
                });
                found.push(Site::new(self.object, *id, slot));
            }
        }
        order
            .into_iter()
            .filter_map(|callee| {
                let sites = sites.remove(&callee)?;
                Some(self.need(caller, callee, sites))
            })
            .collect()
    }

    fn need(&self, caller: &Caller<'_>, callee: Callee, sites: Vec<Site>) -> Need {
        let mut also = Vec::new();
        let (name, weak, meaning) = match callee {
            Callee::Helper(number) => {
                let named = self.api.helper_by_number(number).last().copied();
                let name = named.map_or_else(
                    || format!("helper {number}"),
                    |id| self.api.definition(id).name.clone(),
                );
                let meaning = self.helper(number, named);
                if let (None, Ok(id)) = (self.declared, &meaning) {
                    let all = self.api.helper_by_number(number).into_iter().rev();
                    also.extend(all.filter(|other| other != id));
                }
                (name, false, meaning)
            }
            Callee::Kfunc(id) => {
                let found = &self.object.externs[id.0 as usize];
                (found.name.clone(), found.weak, self.kfunc(id, &mut also))
            }
        };
        let meaning = meaning
            .and_then(|id| self.allowed(caller, id).map(|right| (id, right)))
            .map_err(|refusal| refusal.in_program(caller.name).at(sites.first()));
        let right = meaning.as_ref().ok().map(|(_, right)| *right);
        Need { callee, name, meaning: meaning.map(|(id, _)| id), also, right, weak, sites }
    }

    fn helper(&self, number: u32, named: Option<DefId>) -> Result<DefId, Refusal> {
        let Some(named) = named else {
            return Err(Refusal::new(
                &c::R_UNKNOWN_CALL,
                format!("helper {number}"),
                format!("no helper of the API `{}` has the number {number}", self.api.name),
            ));
        };
        let name = &self.api.definition(named).name;
        self.newest(Namespace::Callable, name).ok_or_else(|| self.not_in_version(name))
    }

    /// `also` gets the other definitions that an object without a stamp may mean as well.
    fn kfunc(&self, id: ExternId, also: &mut Vec<DefId>) -> Result<DefId, Refusal> {
        let found = &self.object.externs[id.0 as usize];
        let called = essential(&found.name);
        let name = abide_diag::printable(called);
        let all = self.api.definitions_of(Namespace::Callable, called);
        if all.is_empty() {
            return Err(Refusal::new(
                &c::R_UNKNOWN_CALL,
                name.clone(),
                format!("the API `{}` has no function `{name}`", self.api.name),
            ));
        }
        let declared_proto = match (&found.kind, &self.object.btf) {
            (ExternKind::Function { proto: Some(proto) }, Some(btf)) => Some((btf, *proto)),
            _ => None,
        };
        let judge = |id: DefId| match (declared_proto, self.api.definition(id).kind.prototype()) {
            (Some((btf, proto)), Some(prototype)) => fit(self.api, prototype, btf, proto),
            _ => Fit::Exact,
        };
        if self.declared.is_some() {
            let id = self
                .newest(Namespace::Callable, called)
                .ok_or_else(|| self.not_in_version(called))?;
            return match judge(id) {
                Fit::Different(why) => Err(self.lying(id, &why, &judge)),
                _ => Ok(id),
            };
        }
        // Undeclared and without a prototype to go by (gcc 12 writes none): as for helpers, which have none.
        if declared_proto.is_none() {
            let id = self.newest(Namespace::Callable, called);
            also.extend(all.iter().copied().rev().filter(|other| Some(*other) != id));
            return id.ok_or_else(|| self.not_in_version(called));
        }
        let fits: Vec<_> = all.iter().map(|id| (*id, judge(*id))).collect();
        let exact = fits.iter().rev().find(|(_, fit)| matches!(fit, Fit::Exact));
        let close = fits.iter().rev().find(|(_, fit)| matches!(fit, Fit::Compatible));
        if let Some((id, _)) = exact.or(close) {
            let others = fits.iter().rev().filter(|(other, _)| other != id);
            let others = others.filter(|(_, fit)| !matches!(fit, Fit::Different(_)));
            also.extend(others.map(|(other, _)| *other));
            return Ok(*id);
        }
        let mut refusal = Refusal::new(
            &c::R_NO_SUCH_PROTOTYPE,
            name.clone(),
            format!("no definition of `{name}` has the prototype that the object declares"),
        );
        for (id, fit) in fits.iter().rev() {
            if let Fit::Different(why) = fit {
                refusal = refusal.note(format!("{}: {why}", self.api.label(*id)));
            }
        }
        Err(refusal.help("stamp the object with the version that it was built for"))
    }

    fn not_in_version(&self, name: &str) -> Refusal {
        let all = self.api.definitions_of(Namespace::Callable, name);
        let mut refusal = Refusal::new(
            &c::R_NOT_IN_VERSION,
            name,
            format!("the object is stamped {}, which has no `{name}` yet", self.version()),
        );
        if let Some(first) = all.first() {
            let definition = self.api.definition(*first);
            let node = self.api.node_ref(definition.node);
            refusal = refusal
                .note(format!("`{name}` exists since {} ({})", node.name, node.released))
                .help(format!("stamp the object with {}@{} or later", self.api.name, node.name));
        }
        refusal
    }

    fn lying(&self, id: DefId, why: &str, judge: &dyn Fn(DefId) -> Fit) -> Refusal {
        let definition = self.api.definition(id);
        let mut refusal = Refusal::new(
            &c::R_PROTOTYPE,
            self.api.label(id),
            format!(
                "the object is stamped {}, but declares `{}` with another prototype than {}",
                self.version(),
                definition.name,
                self.api.label(id)
            ),
        )
        .note(why.to_owned());
        if let Some(prototype) = definition.kind.prototype() {
            refusal = refusal.note(format!(
                "{} is `{}`",
                self.api.label(id),
                prototype.declare(&definition.name)
            ));
        }
        let all = self.api.definitions_of(Namespace::Callable, &definition.name);
        let meant = all.iter().rev().find(|other| !matches!(judge(**other), Fit::Different(_)));
        match meant {
            Some(other) => refusal.help(format!(
                "what it declares is {}: stamp the object {}@{}, or build it with the headers of its stamp",
                self.api.label(*other),
                self.api.name,
                self.api.node_ref(self.api.definition(*other).node).name
            )),
            None => refusal.help("build the object with the headers of its stamp"),
        }
    }

    /// The statement that allows it.
    fn allowed(&self, caller: &Caller<'_>, id: DefId) -> Result<DefId, Refusal> {
        let definition = self.api.definition(id);
        let Some(prototype) = definition.kind.prototype() else { return Ok(id) };
        let contract = &prototype.contract;
        let mut right = id;
        if let Some(kind) = caller.kind {
            let program = &self.api.definition(kind).name;
            right = self
                .api
                .right(id, program, caller.section)
                .ok_or_else(|| explain::never_for(self.api, id, program, caller.section))?;
        }
        if contract.gpl && !self.gpl {
            let licence = self.object.license.as_deref().unwrap_or("none");
            return Err(Refusal::new(
                &c::R_LICENCE,
                self.api.label(id),
                format!("`{}` is only for programs with a GPL-compatible licence", definition.name),
            )
            .note(format!("the licence of the object: {}", abide_diag::printable(licence)))
            .help("compatible are \"GPL\", \"GPL v2\", \"Dual BSD/GPL\", \"Dual MIT/GPL\" and the like"));
        }
        Ok(right)
    }

    fn maps(
        &self,
        program: &str,
        functions: &[FunctionId],
    ) -> Vec<(String, Result<DefId, Refusal>)> {
        let mut used = BTreeSet::new();
        for function in functions {
            for relocation in &self.object.functions[function.0 as usize].relocations {
                if let Target::Map(id) = relocation.target {
                    used.insert(id.0 as usize);
                }
            }
        }
        let mut seen = BTreeSet::new();
        let mut needs = Vec::new();
        for map in used.into_iter().map(|index| &self.object.maps[index]) {
            if matches!(map.origin, MapOrigin::Data { .. }) || !seen.insert(map.kind) {
                continue;
            }
            let (shown, meaning) = self.map_type(map);
            needs.push((shown, meaning.map_err(|refusal| refusal.in_program(program))));
        }
        needs
    }

    /// The type of a map, by its name and by what that means.
    fn map_type(&self, map: &Map) -> (String, Result<DefId, Refusal>) {
        let word = crate::map_types::map_type_name(map.kind);
        let found = word.and_then(|word| self.newest(Namespace::Map, word));
        let found = found.map(|id| self.api.first_alike(id));
        let shown = word.map_or_else(|| format!("type {}", map.kind), str::to_owned);
        let meaning = found.ok_or_else(|| {
            Refusal::new(
                &c::R_UNKNOWN_MAP,
                shown.clone(),
                format!(
                    "map `{}` is of type {shown}, which {} does not have",
                    abide_diag::printable(&map.name),
                    self.version()
                ),
            )
            .help(format!(
                "its map types: {}",
                self.api.names(Namespace::Map).collect::<Vec<_>>().join(", ")
            ))
        });
        (shown, meaning)
    }

    /// Every map that a loader makes before it loads any program.
    pub(super) fn all_maps(&self) -> Vec<MapNeed> {
        let made = |map: &&Map| match map.origin {
            MapOrigin::Btf | MapOrigin::Legacy => true,
            MapOrigin::StructOps { autocreate, .. } => autocreate,
            MapOrigin::Data { .. } | MapOrigin::Kconfig(_) => false,
        };
        let maps = self.object.maps.iter().filter(made);
        maps.map(|map| {
            let (kind, meaning) = self.map_type(map);
            let flags = features::map_flags(self.api, map.flags);
            MapNeed { name: map.name.clone(), kind, meaning, flags }
        })
        .collect()
    }
}
