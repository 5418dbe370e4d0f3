//! From an object and a host to a loaded program, and what there is to say about it before it runs.
//! Binding and loading are other rooms'.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use abide::{
    Api, Binding, Host, HostProfile, LoadError, Loaded, Object, Program, Requirements, Trap,
    WindowEnd, codes,
};
use abide_api::model::{DefId, DefKind, EnumType, ProgramType, StructType};
use abide_api::query::Namespace;
use abide_diag::{Diagnostic, Report as _, printable};
use abide_object::MapOrigin;

use super::report::{self, Shown, Trace};
use super::{Args, entries};
use crate::cli::apis::Apis;
use crate::cli::fail::{Failure, shown};
use crate::cli::files;
use crate::cli::inspect::Version;
use crate::cli::ui::plain;

/// Everything that a run needs.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) host: Host,
    pub(crate) loaded: Loaded,
    pub(crate) program: Program,
    pub(crate) trace: Arc<Mutex<Trace>>,
}

/// Chooses the program and the host, binds, loads, fills maps.
pub(crate) fn prepare(args: &Args, apis: &Apis, object: Object) -> Result<Ready, Failure> {
    let wanted = args.host.as_deref().map(|text| apis.host(text)).transpose()?;
    let needs = apis.requirements(&args.object, &object, wanted.as_ref())?;
    let profile = match wanted {
        Some(profile) => profile,
        None => HostProfile::newest(&needs.api).ok_or_else(|| {
            let message = format!("the API `{}` has no nodes", needs.api.name);
            Failure::refused(Diagnostic::error(&codes::C_HOST, message))
        })?,
    };
    let name = choose(args, &needs)?;
    let trace = Arc::new(Mutex::new(Trace::default()));
    let host = make_host(args, profile, Arc::clone(&trace))?;
    let profile = host.profile();
    // A program array that names programs needs them loaded, and then all of the object is bound.
    let starts_others = |map: &abide_object::Map| {
        !matches!(map.origin, MapOrigin::Data { .. }) && !map.initial_slots.is_empty()
    };
    let is_loaded = needs.program(&name).is_some_and(|program| program.autoload);
    let binding = if is_loaded && object.maps.iter().any(starts_others) {
        profile.bind(&needs)
    } else {
        profile.bind_program(&needs, &name)
    };
    let binding = binding.map_err(|refusals| Failure::all(refusals.reports()))?;
    let loaded = host
        .load_bound(Arc::new(object), Arc::new(needs), binding)
        .map_err(|error| refused(args, &error))?;
    let program = loaded.program(&name).map_err(|error| Failure::all(error.reports()))?;
    for entry in &args.map {
        entries::fill(entry, &loaded)?;
    }
    Ok(Ready { host, loaded, program, trace })
}

/// Why the object was not loaded, and where a value of the configuration could come from.
fn refused(args: &Args, error: &LoadError) -> Failure {
    if let LoadError::Unproved(refused) = error {
        return Failure::all(refused.iter().map(|one| {
            one.report().help(
                "--checked runs it without a proof: a run that does what it may not ends with a trap",
            )
        }));
    }
    let reports = error.reports().into_iter().map(|report| {
        let LoadError::Object(_) = error else { return report };
        args.kconfig.refusal(&args.object, report)
    });
    Failure::all(reports)
}

/// The program that is to run.
fn choose(args: &Args, needs: &Requirements) -> Result<String, Failure> {
    if let Some(name) = &args.program {
        return Ok(name.clone());
    }
    let takes_packets = |id: DefId| has_packet(&needs.api, id);
    let all: Vec<_> = needs.programs.iter().collect();
    let mut fitting = all.clone();
    if args.packets.is_some() {
        fitting.retain(|program| program.program_type.as_ref().is_ok_and(|id| takes_packets(*id)));
    }
    if fitting.len() > 1 {
        fitting.retain(|program| program.autoload);
    }
    match (&fitting[..], &all[..]) {
        // The only program, even if it does not fit: what is wrong with it is said later.
        ([one], _) | ([], [one]) => Ok(one.name.clone()),
        _ => {
            let names: Vec<_> = all
                .iter()
                .map(|program| {
                    format!("{} ({})", printable(&program.name), printable(&program.section))
                })
                .collect();
            let message = match all.len() {
                0 => "the object has no program".to_owned(),
                number => {
                    format!("the object has {number} programs, and it is not clear which to run")
                }
            };
            let mut diagnostic =
                Diagnostic::error(&codes::C_WHICH_PROGRAM, message).in_place(shown(&args.object));
            if !names.is_empty() {
                diagnostic = diagnostic
                    .note(format!("its programs: {}", names.join(", ")))
                    .help("say which with --program NAME");
            }
            Err(Failure::usage(diagnostic))
        }
    }
}

/// The host of a profile, with the bodies of Linux; what has none traps when it is called.
fn make_host(args: &Args, profile: HostProfile, trace: Arc<Mutex<Trace>>) -> Result<Host, Failure> {
    let api = Arc::clone(profile.api());
    let with_body: HashSet<&str> = match api.name.as_str() {
        "linux" => abide_runtime::linux::bodies().map(|(label, _)| label).collect(),
        _ => HashSet::new(),
    };
    let native = api.ids().filter(|id| with_body.contains(api.label(*id).as_str()));
    let missing = profile.clone().with_bodies(native).without_body();
    let lines = args.events;
    let mut builder = Host::builder(&api).profile(profile).cpus(args.cpus).fuel(args.fuel);
    builder = builder.kconfig(args.kconfig.lines()?);
    if args.checked {
        builder = builder.checked();
    }
    if args.paranoid {
        builder = builder.paranoid();
    }
    if let Some(path) = &args.btf {
        builder = builder.types(files::types(path)?);
    }
    builder = builder.trace(move |text| {
        let mut trace = trace.lock().unwrap_or_else(PoisonError::into_inner);
        if trace.lines.len() < lines {
            trace.lines.push(plain(text.trim_end_matches('\n')));
        } else {
            trace.more += 1;
        }
    });
    if !with_body.is_empty() {
        builder = builder.linux();
    }
    for id in missing {
        let label = api.label(id);
        let message = format!("`{label}` has no body in `abide run`");
        builder = builder.raw(&label, move |_| {
            Err(Trap::body(message.clone())
                .help("its bodies are its host's: run it there, or embed Abide and register them"))
        });
    }
    builder.build().map_err(|problems| Failure::all(problems.0.iter().map(|p| p.report())))
}

fn program_type(api: &Api, id: DefId) -> Option<&ProgramType> {
    match &api.definition(id).kind {
        DefKind::Program(program) => Some(program),
        _ => None,
    }
}

/// Whether programs of this type are run on packets from a capture.
fn has_packet(api: &Api, id: DefId) -> bool {
    api.name == "linux"
        && matches!(api.definition(id).name.as_str(), "xdp" | "tc" | "socket_filter")
}

fn until(end: WindowEnd) -> Shown {
    let json = match end {
        WindowEnd::Never => "forever".into(),
        WindowEnd::On(date) => date.to_string().into(),
        WindowEnd::AfterNodes(count) => count.into(),
    };
    Shown { text: end.to_string(), json }
}

impl Ready {
    pub(crate) fn binding(&self) -> &Binding {
        self.loaded.binding()
    }

    pub(crate) fn api(&self) -> &Arc<Api> {
        self.host.api()
    }

    /// The program type.
    pub(crate) fn program_type(&self) -> Option<DefId> {
        Some(self.binding().program(self.program.name())?.program_type)
    }

    /// The name of the program type, if it is one that runs on packets.
    pub(crate) fn packet_type(&self) -> Option<&str> {
        let id = self.program_type().filter(|id| has_packet(self.api(), *id))?;
        Some(&self.api().definition(id).name)
    }

    /// The name that the API gives to a returned value.
    pub(crate) fn verdict(&self, value: i32) -> Option<String> {
        let api = self.api();
        let name = program_type(api, self.program_type()?)?.verdicts.as_ref()?;
        let id = api.lookup(Namespace::Tag, name, self.host.profile().node())?;
        let DefKind::Enum(EnumType { values, .. }) = &api.definition(id).kind else { return None };
        let found = values.iter().find(|(_, known)| *known == i64::from(value))?;
        Some(found.0.clone())
    }

    /// The struct of the context, as the host has it.
    pub(crate) fn context_struct(&self) -> Option<&StructType> {
        let api = self.api();
        let param = program_type(api, self.program_type()?)?.params.first()?;
        let abide_api::ctype::CType::Struct(name) = param.ty.pointee()?.unqualified() else {
            return None;
        };
        let id = api.lookup(Namespace::Tag, name, self.host.profile().node())?;
        match &api.definition(id).kind {
            DefKind::Struct(body) => Some(body),
            _ => None,
        }
    }

    pub(crate) fn object_report(&self, path: &Path) -> report::Object {
        report::Object { file: shown(path), version: Version::of(self.loaded.requirements()) }
    }

    pub(crate) fn program_report(&self) -> report::Program {
        let bound = self.binding().program(self.program.name());
        let section = bound.map_or("", |bound| bound.needs.section.as_str());
        report::Program {
            name: printable(self.program.name()).into_owned(),
            program_type: self.program_type().map_or(String::new(), |id| self.api().label(id)),
            section: printable(section).into_owned(),
        }
    }

    pub(crate) fn host_report(&self) -> report::Host {
        let profile = self.host.profile();
        report::Host {
            name: profile.label(),
            date: profile.date().to_string(),
            added: profile.added().map(|id| self.api().label(id)).collect(),
        }
    }

    /// What its proof took, unless it runs without one.
    pub(crate) fn proof_report(&self) -> Option<report::Proof> {
        let at = self.loaded.programs().iter().position(|one| one.name() == self.program.name())?;
        let took = self.loaded.proofs().get(at)?;
        Some(report::Proof { instructions: took.processed, states: took.states })
    }

    pub(crate) fn binding_reports(&self) -> Vec<report::Binding> {
        let Some(bound) = self.binding().program(self.program.name()) else { return Vec::new() };
        bound
            .calls
            .iter()
            .map(|call| report::Binding {
                name: printable(&call.name).into_owned(),
                definition: call.served.map(|(id, _)| self.api().label(id)),
                served: call.served.map_or("absent", |(_, service)| service.word()),
                until: call.served.and_then(|(_, service)| service.until()).map(until),
                renumbered: match call.callee {
                    abide_api::require::Callee::Helper(number) => {
                        call.renumbered.map(|to| (number, to))
                    }
                    abide_api::require::Callee::Kfunc(_) => None,
                },
                calls: call.sites.len(),
            })
            .collect()
    }

    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        self.binding().warnings.iter().map(|warning| warning.report()).collect()
    }
}
