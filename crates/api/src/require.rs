//! What an object needs: each callee with the definition that it means (binding rules 1 and 2).
//!
//! Host-free and deterministic: the object and the API decide, nothing else. What a host makes of
//! it is `bind`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use abide_isa::{Kind, decode};
use abide_object::{ExternId, ExternKind, FunctionId, MapOrigin, Object, ProgramId, Target};

use crate::bind::codes as c;
use crate::compare::{Fit, fit};
use crate::host::HostProfile;
use crate::model::{Api, DefId, DefKind, NodeId, ProgramType};
use crate::query::Namespace;
use crate::refusal::{Refusal, Site};

/// How an object names what it calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Callee {
    /// By number.
    Helper(u32),
    /// By name.
    Kfunc(ExternId),
}

/// One thing that a program calls.
#[derive(Debug, Clone)]
pub struct Need {
    /// How the object names it.
    pub callee: Callee,
    /// The name, or `helper 6` if the API does not know the number.
    pub name: String,
    /// The definition meant, or why there is none.
    pub meaning: Result<DefId, Refusal>,
    /// The statement that lets programs of this type call it: the definition itself, or a later
    /// `extend` of its rights.
    pub right: Option<DefId>,
    /// The extern is weak: the program can do without it.
    pub weak: bool,
    /// Every call of it, in program order; at least one.
    pub sites: Vec<Site>,
}

/// What one program needs.
#[derive(Debug, Clone)]
pub struct ProgramNeeds {
    /// Which program of the object.
    pub id: ProgramId,
    /// Its name.
    pub name: String,
    /// Its section as written.
    pub section: String,
    /// Whether loaders load it without being asked.
    pub autoload: bool,
    /// Its program type, or why it has none.
    pub program_type: Result<DefId, Refusal>,
    /// What it calls, itself and through its subprograms.
    pub calls: Vec<Need>,
    /// Map types that it uses (not those that hold global data), or why the API has none.
    pub maps: Vec<(String, Result<DefId, Refusal>)>,
    /// The functions that it reaches, its own first.
    pub functions: Vec<FunctionId>,
}

/// What an object needs of its API.
#[derive(Debug, Clone)]
pub struct Requirements {
    /// The API that it speaks.
    pub api: Arc<Api>,
    /// The version that it was stamped with.
    pub declared: Option<NodeId>,
    /// Its programs.
    pub programs: Vec<ProgramNeeds>,
    /// The licence is compatible with the GPL, by the kernel's list.
    pub gpl: bool,
}

/// Licences that the kernel takes as compatible with the GPL (`license_is_gpl_compatible`).
const GPL_COMPATIBLE: &[&str] =
    &["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

impl Requirements {
    /// Reads an object against the APIs that it may speak.
    pub fn of(object: &Object, apis: &[Arc<Api>]) -> Result<Self, Refusal> {
        let (api, declared) = declared_version(object, apis)?;
        bounded(object)?;
        let gpl = object.license.as_deref().is_some_and(|text| GPL_COMPATIBLE.contains(&text));
        let reader = Reader { object, api: &api, declared, gpl };
        let programs =
            (0..object.programs.len()).map(|index| reader.program(index)).collect::<Vec<_>>();
        Ok(Requirements { api, declared, programs, gpl })
    }

    /// The needs of the program with this name.
    pub fn program(&self, name: &str) -> Option<&ProgramNeeds> {
        self.programs.iter().find(|program| program.name == name)
    }

    /// Every definition that the programs mean, once each, in the order of the API file.
    pub fn definitions(&self) -> BTreeSet<DefId> {
        self.programs.iter().flat_map(ProgramNeeds::definitions).collect()
    }

    /// Binding rule 4: the oldest node (by release) whose host serves all that the object cannot do
    /// without; `None` if no node does, or if the object is refused on every host.
    pub fn oldest_node(&self) -> Option<NodeId> {
        if self.refusals().next().is_some() {
            return None;
        }
        oldest_node(&self.api, &self.definitions())
    }

    /// The refusals that follow from the object alone.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.programs.iter().flat_map(ProgramNeeds::refusals)
    }
}

impl ProgramNeeds {
    /// Every definition that the program means and cannot do without, itself included.
    pub fn definitions(&self) -> BTreeSet<DefId> {
        let calls = self.calls.iter().filter(|need| !need.weak);
        calls
            .flat_map(|need| need.meaning.as_ref().ok().into_iter().chain(need.right.as_ref()))
            .chain(self.maps.iter().filter_map(|(_, map)| map.as_ref().ok()))
            .chain(self.program_type.as_ref().ok())
            .copied()
            .collect()
    }

    /// What is wrong with it on every host.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        let calls = self.calls.iter().filter(|need| !need.weak);
        self.program_type
            .as_ref()
            .err()
            .into_iter()
            .chain(self.maps.iter().filter_map(|(_, map)| map.as_ref().err()))
            .chain(calls.filter_map(|need| need.meaning.as_ref().err()))
    }
}

/// The oldest node, by release, whose host serves all of these definitions.
pub fn oldest_node(api: &Arc<Api>, definitions: &BTreeSet<DefId>) -> Option<NodeId> {
    let mut nodes: Vec<_> = api.nodes.iter().collect();
    nodes.sort_by_key(|node| node.released);
    nodes.into_iter().find_map(|node| {
        let host = HostProfile::at(api, &node.name).ok()?;
        definitions.iter().all(|id| host.service(*id).is_ok()).then(|| host.node())
    })
}

/// The API and node that the stamps of an object name (binding rule 1), or the baseline (rule 2).
fn declared_version(
    object: &Object,
    apis: &[Arc<Api>],
) -> Result<(Arc<Api>, Option<NodeId>), Refusal> {
    let known = || apis.iter().map(|api| api.name.as_str()).collect::<Vec<_>>().join(", ");
    let Some(stamp) = object.stamps.first() else {
        let with_baseline = apis.iter().find(|api| api.baseline.is_some());
        return match with_baseline {
            Some(api) => Ok((Arc::clone(api), None)),
            None => Err(Refusal::new(
                &c::R_NO_STAMP,
                ".bpf.api",
                "the object does not say which version of the API it was built for",
            )
            .note(format!("the API `{}` has no baseline for objects without a stamp", known()))
            .help(
                "add ABIDE_API(api, NODE) to the source: a string `api@NODE` in section .bpf.api",
            )),
        };
    };
    let label = |stamp: &abide_object::Stamp| {
        abide_diag::printable(&format!("{}@{}", stamp.api, stamp.node)).into_owned()
    };
    if let Some(other) = object.stamps.iter().find(|other| other.api != stamp.api) {
        return Err(Refusal::new(
            &c::R_TWO_APIS,
            label(other),
            format!(
                "the object is stamped {} and {}: one object speaks one API",
                label(stamp),
                label(other)
            ),
        ));
    }
    if let Some(other) = object.stamps.iter().find(|other| other.node != stamp.node) {
        return Err(Refusal::new(
            &c::R_TWO_STAMPS,
            label(other),
            format!("the object is stamped both {} and {}", label(stamp), label(other)),
        )
        .help("link objects that were built for the same version"));
    }
    let api = apis.iter().find(|api| api.name == stamp.api).ok_or_else(|| {
        Refusal::new(
            &c::R_UNKNOWN_API,
            label(stamp),
            format!("the object is stamped {}, an API that is not known here", label(stamp)),
        )
        .note(format!("known here: {}", known()))
        .help("name its API file with --api")
    })?;
    let node = api.node(&stamp.node).ok_or_else(|| {
        let newest = api.nodes.iter().max_by_key(|node| node.released);
        let newest = newest.map_or("none", |node| node.name.as_str());
        Refusal::new(
            &c::R_UNKNOWN_NODE,
            label(stamp),
            format!(
                "the object is stamped {}, a version that the API file does not have",
                label(stamp)
            ),
        )
        .note(format!("the newest node of `{}` is {newest}", api.name))
        .help("get a newer API file, or build the object for a version that this one has")
    })?;
    Ok((Arc::clone(api), Some(node)))
}

struct Reader<'a> {
    object: &'a Object,
    api: &'a Arc<Api>,
    declared: Option<NodeId>,
    gpl: bool,
}

impl Reader<'_> {
    fn program(&self, index: usize) -> ProgramNeeds {
        let program = &self.object.programs[index];
        let name = self.object.functions[program.function.0 as usize].name.clone();
        let program_type =
            self.program_type(&program.section).map_err(|refusal| refusal.in_program(&name));
        let functions = reachable(self.object, program.function);
        let calls = self.calls(&name, program_type.as_ref().ok().copied(), &functions);
        let maps = self.maps(&name, &functions);
        ProgramNeeds {
            id: ProgramId(u32::try_from(index).unwrap_or(u32::MAX)),
            name,
            section: program.section.clone(),
            autoload: program.autoload,
            program_type,
            calls,
            maps,
            functions,
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

    fn program_type(&self, section: &str) -> Result<DefId, Refusal> {
        let mut known = Vec::new();
        for name in self.api.names(Namespace::Program) {
            let Some(id) = self.newest(Namespace::Program, name) else { continue };
            let DefKind::Program(program) = &self.api.definition(id).kind else { continue };
            if means(program, section) {
                return Ok(id);
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

    fn calls(
        &self,
        program: &str,
        program_type: Option<DefId>,
        functions: &[FunctionId],
    ) -> Vec<Need> {
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
                Some(self.need(program, program_type, callee, sites))
            })
            .collect()
    }

    fn need(
        &self,
        program: &str,
        program_type: Option<DefId>,
        callee: Callee,
        sites: Vec<Site>,
    ) -> Need {
        let (name, weak, meaning) = match callee {
            Callee::Helper(number) => {
                let named = self.api.helper_by_number(number).last().copied();
                let name = named.map_or_else(
                    || format!("helper {number}"),
                    |id| self.api.definition(id).name.clone(),
                );
                (name, false, self.helper(number, named))
            }
            Callee::Kfunc(id) => {
                let found = &self.object.externs[id.0 as usize];
                (found.name.clone(), found.weak, self.kfunc(id))
            }
        };
        let meaning = meaning
            .and_then(|id| self.allowed(program_type, id).map(|right| (id, right)))
            .map_err(|refusal| refusal.in_program(program).at(sites.first()));
        let right = meaning.as_ref().ok().map(|(_, right)| *right);
        Need { callee, name, meaning: meaning.map(|(id, _)| id), right, weak, sites }
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

    fn kfunc(&self, id: ExternId) -> Result<DefId, Refusal> {
        let found = &self.object.externs[id.0 as usize];
        let name = abide_diag::printable(&found.name);
        let all = self.api.definitions_of(Namespace::Callable, &found.name);
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
                .newest(Namespace::Callable, &found.name)
                .ok_or_else(|| self.not_in_version(&found.name))?;
            return match judge(id) {
                Fit::Different(why) => Err(self.lying(id, &why, &judge)),
                _ => Ok(id),
            };
        }
        // Undeclared and without a prototype to go by (gcc 12 writes none): as for helpers.
        if declared_proto.is_none() {
            return self
                .newest(Namespace::Callable, &found.name)
                .ok_or_else(|| self.not_in_version(&found.name));
        }
        let fits: Vec<_> = all.iter().map(|id| (*id, judge(*id))).collect();
        let exact = fits.iter().rev().find(|(_, fit)| matches!(fit, Fit::Exact));
        let close = fits.iter().rev().find(|(_, fit)| matches!(fit, Fit::Compatible));
        if let Some((id, _)) = exact.or(close) {
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
    fn allowed(&self, program_type: Option<DefId>, id: DefId) -> Result<DefId, Refusal> {
        let definition = self.api.definition(id);
        let Some(prototype) = definition.kind.prototype() else { return Ok(id) };
        let contract = &prototype.contract;
        let mut right = id;
        if let Some(program_type) = program_type {
            let name = &self.api.definition(program_type).name;
            if let Some(found) = self.api.right(id, name) {
                right = found;
            } else {
                return Err(Refusal::new(
                    &c::R_PROGRAM_TYPE,
                    self.api.label(id),
                    format!("`{}` may not be called by programs of type {name}", definition.name),
                )
                .note(format!("allowed for: {}", contract.programs.join(", "))));
            }
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
            let word = crate::map_types::map_type_name(map.kind);
            let found = word.and_then(|word| self.newest(Namespace::Map, word));
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
                .in_program(program)
            });
            needs.push((shown, meaning));
        }
        needs
    }
}

/// Whether a section name means a program type: `xdp` is also meant by `xdp/…` and by `?xdp` (which
/// loaders leave alone unless asked).
fn means(program: &ProgramType, section: &str) -> bool {
    let section = section.strip_prefix('?').unwrap_or(section);
    program.sections.iter().any(|name| {
        section
            .strip_prefix(name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The functions that a function reaches by calls and callbacks, itself first, then in the order in
/// which they are first referred to.
pub fn reachable(object: &Object, entry: FunctionId) -> Vec<FunctionId> {
    let mut found = vec![entry];
    let mut seen = BTreeSet::from([entry]);
    let mut next = 0;
    while next < found.len() {
        for relocation in &object.functions[found[next].0 as usize].relocations {
            if let Target::Call(id) | Target::Function(id) = relocation.target
                && seen.insert(id)
            {
                found.push(id);
            }
        }
        next += 1;
    }
    found
}

fn is_function(object: &Object, id: ExternId) -> bool {
    matches!(object.externs[id.0 as usize].kind, ExternKind::Function { .. })
}

/// What reading the programs of one object may take, in bytes. Each program has its own list of the
/// functions that it reaches and of the calls in them, so that a small file can ask for much.
const MAX_READ: usize = 512 << 20;

/// Refuses an object whose programs reach too much, before any list is made.
fn bounded(object: &Object) -> Result<(), Refusal> {
    /// A need with its refusal, and a refused section with its help, without names: rounded up.
    const NEED: usize = 1 << 10;
    const PROGRAM: usize = 4 << 10;
    let costs: Vec<usize> = object
        .functions
        .iter()
        .map(|function| {
            let helpers = function.slots.iter().filter(|raw| raw.code == CALL).count();
            let calls = helpers + function.relocations.len();
            size_of_val(&function.slots[..])
                + size_of_val(&function.lines[..])
                + calls * (NEED + function.name.len())
        })
        .collect();
    let mut total = 0;
    for program in &object.programs {
        total += PROGRAM;
        for id in reachable(object, program.function) {
            total += size_of::<FunctionId>() + costs[id.index()];
        }
        if total > MAX_READ {
            let name = abide_diag::printable(&object.function(program.function).name);
            return Err(Refusal::new(
                &c::L_TOO_LARGE,
                name.clone(),
                format!(
                    "the programs of the object, up to `{name}`, reach more code and calls \
                     together than can be read"
                ),
            )
            .note("what several programs reach counts once for each")
            .help("split it into several objects"));
        }
    }
    Ok(())
}

/// `BPF_JMP | BPF_CALL`, whatever it calls.
const CALL: u8 = 0x85;

/// Every call of a helper or kfunc in a function.
fn callees(object: &Object, id: FunctionId) -> impl Iterator<Item = (u32, Callee)> + '_ {
    let function = &object.functions[id.0 as usize];
    let by_name = function.relocations.iter().filter_map(|relocation| {
        let id = match relocation.target {
            Target::CallExtern(id) => id,
            // Its address is taken, most often to see whether the host has it.
            Target::Extern(id) if is_function(object, id) => id,
            _ => return None,
        };
        Some((relocation.slot, Callee::Kfunc(id)))
    });
    let relocated: BTreeSet<u32> = function.relocations.iter().map(|r| r.slot).collect();
    let mut calls: Vec<_> = by_name.collect();
    let mut slot = 0;
    while slot < function.slots.len() {
        let Ok(insn) = decode(&function.slots[slot..]) else {
            slot += 1;
            continue;
        };
        let at = u32::try_from(slot).unwrap_or(u32::MAX);
        if matches!(insn.op.spec().kind, Kind::CallHelper) && !relocated.contains(&at) {
            // The number is unsigned; a negative one is simply unknown.
            calls.push((at, Callee::Helper(insn.imm as u32)));
        }
        slot += insn.slots();
    }
    calls.sort();
    calls.into_iter()
}
