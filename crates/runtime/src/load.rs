//! From an object's bytes to programs that can run: read, require, bind, link, make maps, decode.
//! Every stage is another room's; this one only puts them in a row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use abide_api::model::DefKind;
use abide_api::{Binding, LinkError, Refusal, Refusals, Requirements};
use abide_diag::{Diagnostic, Report};
use abide_isa::Endian;
use abide_maps::{Map, MapDef, MapError, MapKind};
use abide_object::{FunctionId, MapId, MapOrigin, Object, ObjectError, Target};
use abide_verifier::claims::{Claims, claims};
use abide_verifier::{Options, Rejection, Statistics, prove_all};

use crate::codes;
use crate::environment::Environment;
use crate::fit::{Fitted, Lacking};
use crate::host::Host;
use crate::image::{CallSite, Function, Image, Source};
use crate::memory::MapSpace;
use crate::program::Program;
use crate::trap::Trap;

/// Why an object could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is no object, or a broken one.
    #[error(transparent)]
    Object(#[from] Box<ObjectError>),
    /// It is in the other byte order.
    #[error("the object is {}-endian, this machine is not", if matches!(.0, Endian::Little) { "little" } else { "big" })]
    Endian(Endian),
    /// What it needs cannot be said.
    #[error(transparent)]
    Requirements(#[from] Box<RefusalError>),
    /// The host does not serve what it needs.
    #[error(transparent)]
    Refused(#[from] Refusals),
    /// Instructions that cannot be made to fit the types of the host.
    #[error("{}", .0.first().map_or("", |report| report.message.as_str()))]
    Core(Vec<Diagnostic>),
    /// A program cannot be linked.
    #[error("program `{program}`: {error}")]
    Link {
        /// The program.
        program: String,
        /// Why.
        error: Box<LinkError>,
    },
    /// Programs that are not proved safe, and why.
    #[error("{}", .0.first().map_or_else(String::new, Unproved::to_string))]
    Unproved(Vec<Unproved>),
    /// A map cannot be made.
    #[error("map `{name}`: {error}")]
    Map {
        /// The map.
        name: String,
        /// Why.
        error: MapError,
    },
    /// The values of a map do not fit into the address space of programs.
    #[error("map `{name}`: its values take {regions} regions of 4 GiB")]
    Address {
        /// The map.
        name: String,
        /// How many.
        regions: u64,
    },
    /// A map has an initial value that this host cannot give it.
    #[error("map `{name}`: initial value {index} cannot be set")]
    Initial {
        /// The map.
        name: String,
        /// Which: an index, or for a data section the byte.
        index: u32,
    },
    /// A program has an instruction that cannot be executed.
    #[error(transparent)]
    Invalid(#[from] Trap),
    /// There is no such program.
    #[error("no program `{name}` was loaded")]
    NoProgram {
        /// The name asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

/// A single refusal as an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RefusalError(pub Refusal);

/// Why a program is not proved safe.
#[derive(Debug, thiserror::Error)]
#[error("program `{}` is not proved safe: {rejection}", abide_diag::printable(&rejection.program))]
pub struct Unproved {
    /// What the verifier says.
    pub rejection: Rejection,
    /// The instruction needs what the types of the host lack: that is why.
    pub lacks: Option<Diagnostic>,
}

impl Report for Unproved {
    fn report(&self) -> Diagnostic {
        self.lacks.clone().unwrap_or_else(|| self.rejection.report())
    }
}

impl LoadError {
    /// Every single message: a refused object can have many.
    pub fn reports(&self) -> Vec<Diagnostic> {
        match self {
            LoadError::Refused(refusals) => refusals.reports(),
            LoadError::Core(reports) => reports.clone(),
            LoadError::Unproved(rejections) => rejections.iter().map(unproved).collect(),
            other => vec![other.report()],
        }
    }
}

impl Report for LoadError {
    fn report(&self) -> Diagnostic {
        let text = self.to_string();
        match self {
            LoadError::Object(error) => error.report(),
            LoadError::Endian(_) => Diagnostic::error(&codes::T_ENDIAN, text)
                .help("compile it with `-target bpf`, which takes the byte order of the machine"),
            LoadError::Requirements(refusal) => refusal.0.report(),
            LoadError::Refused(refusals) => {
                let mut all = refusals.0.iter();
                let Some(first) = all.next() else {
                    return Diagnostic::error(&codes::T_NO_PROGRAM, text);
                };
                all.fold(first.report(), |report, other| report.note(other.to_string()))
            }
            LoadError::Core(reports) => {
                let mut all = reports.iter();
                let Some(first) = all.next() else {
                    return Diagnostic::error(&abide_object::codes::O_CORE_POISONED, text);
                };
                all.fold(first.clone(), |report, other| report.note(other.message.clone()))
            }
            LoadError::Unproved(rejections) => {
                let mut all = rejections.iter();
                let Some(first) = all.next() else {
                    return Diagnostic::error(&codes::T_NO_PROGRAM, text);
                };
                all.fold(unproved(first), |report, other| report.note(other.to_string()))
            }
            LoadError::Link { program, error } => {
                error.report().note(format!("in program `{}`", abide_diag::printable(program)))
            }
            LoadError::Map { error, .. } => {
                let inner = error.report();
                let mut report = Diagnostic::error(&codes::T_MAP, text);
                report.notes.push(format!("{}: {}", inner.code, inner.code.title));
                report.notes.extend(inner.notes);
                report.helps.extend(inner.helps);
                report
            }
            LoadError::Address { .. } | LoadError::Initial { .. } => {
                Diagnostic::error(&codes::T_MAP, text)
            }
            LoadError::Invalid(trap) => trap.report(),
            LoadError::NoProgram { known, .. } => Diagnostic::error(&codes::T_NO_PROGRAM, text)
                .help(format!("there is {}", known.join(", "))),
        }
    }
}

/// Why a program is not proved, and how it can be run all the same.
fn unproved(refused: &Unproved) -> Diagnostic {
    refused.report().help(
        "a host built with `.checked()` runs it without a proof, and ends it when it does what it may not",
    )
}

/// An object on a host: its programs and the maps that they share.
#[derive(Debug)]
pub struct Loaded {
    programs: Vec<Program>,
    maps: Vec<(MapId, Arc<Map>)>,
    object: Arc<Object>,
    requirements: Arc<Requirements>,
    binding: Binding,
    linked: Vec<abide_api::Program>,
    proofs: Vec<Statistics>,
}

impl Host {
    /// Loads all programs of an object that are to be loaded without being asked for.
    pub fn load(&self, bytes: &[u8]) -> Result<Loaded, LoadError> {
        let (object, needs) = self.read(bytes)?;
        let binding = self.inner.profile.bind(&needs)?;
        self.load_bound(object, needs, binding)
    }

    /// Loads one program of an object.
    pub fn load_program(&self, bytes: &[u8], name: &str) -> Result<Loaded, LoadError> {
        let (object, needs) = self.read(bytes)?;
        let binding = self.inner.profile.bind_program(&needs, name)?;
        self.load_bound(object, needs, binding)
    }

    fn read(&self, bytes: &[u8]) -> Result<(Arc<Object>, Arc<Requirements>), LoadError> {
        let object = Object::parse(bytes).map_err(Box::new)?;
        let needs = Requirements::of(&object, &[Arc::clone(&self.inner.api)])
            .map_err(|refusal| Box::new(RefusalError(refusal)))?;
        Ok((Arc::new(object), Arc::new(needs)))
    }

    /// Loads what was bound to the profile of this host elsewhere.
    pub fn load_bound(
        &self,
        object: Arc<Object>,
        requirements: Arc<Requirements>,
        binding: Binding,
    ) -> Result<Loaded, LoadError> {
        if object.endian != Endian::NATIVE {
            return Err(LoadError::Endian(object.endian));
        }
        if let Some(types) = &self.inner.types {
            object.fits_host(types).map_err(Box::new)?;
        }
        let Fitted { object, lacking } = self.fit(object)?;
        let mut linked = Vec::new();
        for bound in &binding.programs {
            let name = &bound.needs.name;
            let program = binding.link(&object, name).map_err(|error| LoadError::Link {
                program: name.clone(),
                error: Box::new(error),
            })?;
            linked.push(program);
        }
        let lacking: Vec<BTreeMap<u32, Diagnostic>> = linked
            .iter()
            .zip(&binding.programs)
            .map(|(program, bound)| lacks(&lacking, program, &bound.needs.functions))
            .collect();
        let (linked, proofs) = if self.inner.checked {
            (linked, Vec::new())
        } else {
            self.prove(linked, &object, &lacking)?
        };
        let used: BTreeSet<MapId> =
            linked.iter().flat_map(|program| program.maps.iter().copied()).collect();
        let maps = self.make_maps(&object, &used)?;
        let space = MapSpace::new(maps.iter().map(|(_, map)| Arc::clone(map)).collect());
        let space = space.map_err(|error| LoadError::Address {
            name: maps[error.map].1.def().name.clone(),
            regions: error.regions,
        })?;
        let space = Arc::new(space);
        fill(&object, &maps, &space, &linked)?;
        let services = Arc::clone(&self.inner.services);
        let environment = Arc::new(Environment { services, programs: OnceLock::new() });
        let mut images = Vec::new();
        for (program, lacking) in linked.iter().zip(lacking) {
            images.push(Arc::new(self.image(program, lacking, &object, &maps, &space)?));
        }
        let programs = images
            .iter()
            .map(|image| Program::new(Arc::clone(image), Arc::clone(&environment)))
            .collect();
        // Set once, just made.
        let _ = environment.programs.set(images);
        Ok(Loaded { programs, maps, object, requirements, binding, linked, proofs })
    }

    fn proof_options(&self) -> Options<'_> {
        let node = self.inner.profile.node();
        Options { host_types: self.inner.types.as_deref(), ..Options::new(node) }
    }

    /// What runs are compared with, if they are.
    fn claims(
        &self,
        program: &abide_api::Program,
        object: &Object,
    ) -> Result<Option<Claims>, LoadError> {
        let Some(change) = &self.inner.compare else { return Ok(None) };
        let found = claims(program, object, &self.proof_options()).map_err(|refusal| {
            LoadError::Unproved(vec![Unproved { rejection: refusal.rejection, lacks: None }])
        });
        let mut found = found?;
        change(&mut found);
        Ok(Some(found))
    }

    /// Nothing runs that is not proved, unless the host says so.
    fn prove(
        &self,
        linked: Vec<abide_api::Program>,
        object: &Object,
        lacking: &[BTreeMap<u32, Diagnostic>],
    ) -> Result<(Vec<abide_api::Program>, Vec<Statistics>), LoadError> {
        let options = self.proof_options();
        let (mut proved, mut refused) = (Vec::new(), Vec::new());
        for (result, lacking) in prove_all(linked, object, &options).into_iter().zip(lacking) {
            match result {
                Ok(proof) => {
                    let statistics = proof.statistics();
                    proved.push((proof.into_program(), statistics));
                }
                Err(refusal) => {
                    let rejection = refusal.rejection;
                    let lacks = lacking.get(&rejection.slot).cloned();
                    refused.push(Unproved { rejection, lacks });
                }
            }
        }
        if refused.is_empty() {
            return Ok(proved.into_iter().unzip());
        }
        Err(LoadError::Unproved(refused))
    }

    fn make_maps(
        &self,
        object: &Object,
        used: &BTreeSet<MapId>,
    ) -> Result<Vec<(MapId, Arc<Map>)>, LoadError> {
        let mut maps = Vec::new();
        for id in used {
            let map = &object.maps[id.index()];
            let limits = &self.inner.limits;
            let made = match &map.origin {
                MapOrigin::Data { bytes, readonly, .. } => {
                    Map::global(&map.name, bytes, *readonly, limits)
                }
                MapOrigin::Btf
                | MapOrigin::Legacy
                | MapOrigin::Kconfig(_)
                | MapOrigin::StructOps { .. } => MapKind::try_from(map.kind)
                    .and_then(|kind| Map::create(&definition(map, kind), limits)),
            };
            let made = made.map_err(|error| LoadError::Map { name: map.name.clone(), error })?;
            maps.push((*id, Arc::new(made)));
        }
        Ok(maps)
    }

    fn image(
        &self,
        program: &abide_api::Program,
        lacking: BTreeMap<u32, Diagnostic>,
        object: &Object,
        maps: &[(MapId, Arc<Map>)],
        space: &Arc<MapSpace>,
    ) -> Result<Image, LoadError> {
        let api = &self.inner.api;
        let kind = api.definition(program.program_type);
        let returns = match &kind.kind {
            DefKind::Program(program) => program.returns,
            _ => None,
        };
        let calls = program
            .calls
            .iter()
            .filter_map(|(slot, call)| {
                let body = self.inner.bodies.get(&call.definition)?.clone();
                let label = Arc::from(api.label(call.definition));
                Some((*slot, CallSite { label, body }))
            })
            .collect();
        let position: BTreeMap<MapId, u32> =
            (0..).zip(maps).map(|(index, (id, _))| (*id, index)).collect();
        let functions = program
            .functions
            .iter()
            .map(|function| Function { name: function.name.clone(), slots: function.slots.clone() })
            .collect();
        Ok(Image::new(Source {
            name: &program.name,
            program_type: &kind.name,
            slots: &program.slots,
            calls,
            lacking,
            functions,
            lines: program.lines.clone(),
            space: Arc::clone(space),
            maps: program.maps.iter().filter_map(|id| position.get(id).copied()).collect(),
            layout: self.layout(program.program_type),
            returns,
            claims: self.claims(program, object)?,
        })?)
    }
}

/// Instructions of a linked program that need what the types of the host lack, by slot.
fn lacks(
    lacking: &Lacking,
    program: &abide_api::Program,
    functions: &[FunctionId],
) -> BTreeMap<u32, Diagnostic> {
    // The functions of the object come first in the stream, in this order.
    let functions = functions.iter().zip(&program.functions);
    lacking
        .iter()
        .flat_map(|((id, slot), report)| {
            let here = functions.clone().filter(move |(function, _)| *function == id);
            here.map(move |(_, range)| (range.slots.start + slot, report.clone()))
        })
        .collect()
}

fn definition(map: &abide_object::Map, kind: MapKind) -> MapDef {
    MapDef {
        name: map.name.clone(),
        kind,
        key_size: map.key_size,
        value_size: map.value_size,
        max_entries: map.max_entries,
        flags: map.flags,
    }
}

/// Sets the initial values of maps: programs of a program array, addresses in data.
fn fill(
    object: &Object,
    maps: &[(MapId, Arc<Map>)],
    space: &MapSpace,
    linked: &[abide_api::Program],
) -> Result<(), LoadError> {
    for (id, map) in maps {
        let source = &object.maps[id.index()];
        for (index, target) in &source.initial_slots {
            let refuse = || LoadError::Initial { name: source.name.clone(), index: *index };
            let done = match (&source.origin, target) {
                (MapOrigin::Data { .. }, Target::Map(_) | Target::Value { .. }) => {
                    let (of, offset) = match *target {
                        Target::Value { map, offset } => (map, offset),
                        Target::Map(map) => (map, 0),
                        _ => return Err(refuse()),
                    };
                    let at = maps.iter().position(|(id, _)| *id == of).ok_or_else(refuse)?;
                    let address = match target {
                        Target::Map(_) => MapSpace::handle(at as u32),
                        _ => space.maps()[at].data(offset),
                    };
                    map.memory().write(*index as usize, &address.to_ne_bytes()).is_some()
                }
                (_, Target::Function(function) | Target::Call(function)) => {
                    let name = &object.function(*function).name;
                    let handle = linked.iter().position(|program| program.name == *name);
                    let handle = handle.ok_or_else(refuse)? as u32;
                    map.set(&index.to_ne_bytes(), &handle.to_ne_bytes(), 0).is_ok()
                }
                _ => false,
            };
            if !done {
                return Err(refuse());
            }
        }
    }
    Ok(())
}

impl Loaded {
    /// The programs that were loaded, in the order of the object.
    pub fn programs(&self) -> &[Program] {
        &self.programs
    }

    /// The program of this name.
    pub fn program(&self, name: &str) -> Result<Program, LoadError> {
        let found = self.programs.iter().find(|program| program.name() == name);
        found.cloned().ok_or_else(|| LoadError::NoProgram {
            name: abide_diag::printable(name).into_owned(),
            known: self.programs.iter().map(|program| program.name().to_owned()).collect(),
        })
    }

    /// The maps that its programs use, data sections included.
    pub fn maps(&self) -> impl Iterator<Item = &Arc<Map>> {
        self.maps.iter().map(|(_, map)| map)
    }

    /// The map of this name.
    pub fn map(&self, name: &str) -> Option<&Arc<Map>> {
        self.maps().find(|map| map.def().name == name)
    }

    /// A map with its definition in the object, where the types of keys and values are.
    pub fn map_definitions(&self) -> impl Iterator<Item = (&abide_object::Map, &Arc<Map>)> {
        self.maps.iter().map(|(id, map)| (&self.object.maps[id.index()], map))
    }

    /// Puts a program of this load into a program array.
    pub fn set_program(&self, map: &str, index: u32, program: &str) -> Result<(), LoadError> {
        let handle = self.programs.iter().position(|found| found.name() == program);
        let Some(handle) = handle else { return self.program(program).map(|_| ()) };
        let refuse = || LoadError::Initial { name: map.to_owned(), index };
        let map = self.map(map).ok_or_else(refuse)?;
        map.set(&index.to_ne_bytes(), &(handle as u32).to_ne_bytes(), 0).map_err(|_| refuse())
    }

    /// The object.
    pub fn object(&self) -> &Arc<Object> {
        &self.object
    }

    /// What the object needs.
    pub fn requirements(&self) -> &Arc<Requirements> {
        &self.requirements
    }

    /// Which definition serves each call, and how; warnings, too.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }

    /// What the proof of each program took, in the order of [`Loaded::programs`]; nothing if the host takes
    /// programs without a proof.
    pub fn proofs(&self) -> &[Statistics] {
        &self.proofs
    }

    /// The linked programs, in the order of [`Loaded::programs`].
    pub fn linked(&self) -> &[abide_api::Program] {
        &self.linked
    }
}
