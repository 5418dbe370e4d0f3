//! Requirement → the definition that serves it on a host, and how; or a refusal that says what is
//! missing, where, since when and what to do instead (design §4).
//!
//! Binding moves no instruction (`link` does) and runs nothing.

pub mod codes;
pub(crate) mod explain;

use std::sync::Arc;

use crate::host::{Denial, HostProfile, Service};
use crate::model::{Api, DefId};
use crate::refusal::{Refusal, Refusals, Site};
use crate::require::{Callee, Operation, ProgramNeeds, Requirements};

/// How one callee of a program is served.
#[derive(Debug, Clone)]
pub struct Bound {
    /// How the object names it.
    pub callee: Callee,
    /// Its name.
    pub name: String,
    /// The definition and how it is served; `None` for a weak extern that the host does not have.
    pub served: Option<(DefId, Service)>,
    /// The number by which this host calls it, where it differs from the object's.
    pub renumbered: Option<u32>,
    /// Every call of it.
    pub sites: Vec<Site>,
}

/// One program with all that it calls bound.
#[derive(Debug, Clone)]
pub struct BoundProgram {
    /// What it needs.
    pub needs: ProgramNeeds,
    /// Its program type.
    pub program_type: DefId,
    /// Its callees.
    pub calls: Vec<Bound>,
}

/// Programs bound to a host.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The host.
    pub host: Arc<HostProfile>,
    /// The programs.
    pub programs: Vec<BoundProgram>,
    /// Deprecations that the user of the object should hear of; not refusals.
    pub warnings: Vec<Refusal>,
}

impl Binding {
    /// The program with this name.
    pub fn program(&self, name: &str) -> Option<&BoundProgram> {
        self.programs.iter().find(|program| program.needs.name == name)
    }

    /// The API.
    pub fn api(&self) -> &Arc<Api> {
        self.host.api()
    }
}

impl HostProfile {
    /// Binds every program of the object that loaders load without being asked; all of them, or a
    /// refusal for each thing that stands in the way.
    pub fn bind(&self, needs: &Requirements) -> Result<Binding, Refusals> {
        self.bind_programs(needs, needs.programs.iter().filter(|program| program.autoload))
    }

    /// Binds one program.
    pub fn bind_program(&self, needs: &Requirements, name: &str) -> Result<Binding, Refusals> {
        match needs.program(name) {
            Some(program) => self.bind_programs(needs, std::iter::once(program)),
            None => Err(Refusals(vec![explain::no_program(needs, name)])),
        }
    }

    pub(crate) fn bind_programs<'a>(
        &self,
        needs: &Requirements,
        programs: impl IntoIterator<Item = &'a ProgramNeeds>,
    ) -> Result<Binding, Refusals> {
        if !Arc::ptr_eq(&needs.api, self.api()) && needs.api.name != self.api().name {
            return Err(Refusals(vec![explain::other_api(self, needs)]));
        }
        let mut refusals = Vec::new();
        let mut bound = Vec::new();
        let mut warnings = Vec::new();
        for program in programs {
            match self.bind_one(needs, program, &mut warnings) {
                Ok(program) => bound.push(program),
                Err(found) => refusals.extend(found),
            }
        }
        if !refusals.is_empty() {
            return Err(Refusals(refusals));
        }
        Ok(Binding { host: Arc::new(self.clone()), programs: bound, warnings })
    }

    fn bind_one(
        &self,
        needs: &Requirements,
        program: &ProgramNeeds,
        warnings: &mut Vec<Refusal>,
    ) -> Result<BoundProgram, Vec<Refusal>> {
        let mut refusals: Vec<Refusal> = program.refusals().cloned().collect();
        let mut warn = |refusal: Refusal| warnings.push(refusal.in_program(&program.name));
        let things = program
            .program_type
            .iter()
            .chain(program.maps.iter().filter_map(|(_, map)| map.as_ref().ok()));
        for id in things {
            match self.service(*id) {
                Ok(_) => {
                    if let Some(deprecation) = self.deprecation(*id) {
                        warn(explain::deprecated(self, *id, &deprecation));
                    }
                }
                Err(denial) => refusals.push(
                    explain::denial(
                        self,
                        needs,
                        *id,
                        &denial,
                        explain::Subject::of(self.api(), *id),
                    )
                    .in_program(&program.name),
                ),
            }
        }
        for feature in program.features.iter().filter(|feature| !feature.attach_only) {
            if let Err(denial) = self.service(feature.meaning) {
                let (word, name) = (feature.what.noun(), feature.what.name());
                let subject = explain::Subject::part(self.api(), feature.meaning, word, name);
                let refusal = explain::denial(self, needs, feature.meaning, &denial, subject);
                refusals.push(refusal.in_program(&program.name));
            }
        }
        let own = |one: &&Operation| one.program == usize::try_from(program.id.0).ok();
        for operation in needs.operations.iter().filter(own) {
            if let Some(id) = operation.meaning
                && let Err(denial) = self.service(id)
            {
                let subject = explain::Subject::part(self.api(), id, "member", &operation.name);
                let refusal = explain::denial(self, needs, id, &denial, subject);
                refusals.push(refusal.in_program(&program.name));
            }
        }
        let mut calls = Vec::new();
        for need in &program.calls {
            let (mut right, mut meant) = (need.right, need.meaning.as_ref().ok().copied());
            // Without a stamp an older definition may be meant as well.
            if let Some(id) = meant
                && matches!(self.service(id), Err(Denial::TooNew { .. } | Denial::OtherBranch))
                && let Some(kind) = program.program_type.as_ref().ok()
                && let Some(older) = need.also.iter().find(|id| self.service(**id).is_ok())
                && let Some(found) =
                    self.api().right(*older, &self.api().definition(*kind).name, &program.section)
            {
                (meant, right) = (Some(*older), Some(found));
            }
            let served = match meant.map(|id| (id, self.service(id))) {
                Some((id, Ok(service))) => Some((id, service)),
                _ if need.weak => None,
                Some((id, Err(denial))) => {
                    refusals.push(
                        explain::denial(
                            self,
                            needs,
                            id,
                            &denial,
                            explain::Subject::of(self.api(), id),
                        )
                        .in_program(&program.name)
                        .at(need.sites.first()),
                    );
                    continue;
                }
                // Already among the refusals that follow from the object alone.
                None => continue,
            };
            let denied = right
                .filter(|right| served.is_some_and(|(id, _)| id != *right))
                .filter(|right| self.service(*right).is_err());
            let served = match denied {
                Some(_) if need.weak => None,
                Some(right) => {
                    refusals.push(
                        explain::no_right(self, program, right)
                            .in_program(&program.name)
                            .at(need.sites.first()),
                    );
                    continue;
                }
                None => served,
            };
            if let Some((id, _)) = served
                && let Some(deprecation) = self.deprecation(id)
            {
                warn(explain::deprecated(self, id, &deprecation).at(need.sites.first()));
            }
            let renumbered = match need.callee {
                Callee::Helper(number) => {
                    self.renumbered(&need.name).filter(|here| *here != number)
                }
                Callee::Kfunc(_) => None,
            };
            calls.push(Bound {
                callee: need.callee.clone(),
                name: need.name.clone(),
                served,
                renumbered,
                sites: need.sites.clone(),
            });
        }
        match program.program_type {
            Ok(program_type) if refusals.is_empty() => {
                Ok(BoundProgram { needs: program.clone(), program_type, calls })
            }
            _ => Err(refusals),
        }
    }
}
