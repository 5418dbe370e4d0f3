//! A host: an API at a node and a date, with the bodies of what it serves. Which definitions those
//! are follows from the profile; the host only sees to it that each has a body that fits.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use abide_api::host::HostProfile;
use abide_api::model::{Api, DefId, DefKind};
use abide_api::{HostError, Namespace};
use abide_btf::Btf;
use abide_diag::{Diagnostic, Report};
use abide_maps::Limits;
use abide_verifier::claims::Claims;
use jiff::civil::Date;

use crate::FUEL;
use crate::body::{Body, Call, IntoBody, Misfit, Signature};
use crate::codes;
use crate::context::ContextLayout;
use crate::environment::{Clock, Services, Sink};
use crate::trap::Trap;

/// One thing that stands in the way of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The node, date or an addition makes no sense.
    #[error(transparent)]
    Profile(#[from] HostError),
    /// The API has no node at all.
    #[error("the API `{0}` has no nodes")]
    Empty(String),
    /// A served definition has no body.
    #[error("no body for {0}")]
    NoBody(String),
    /// A body does not fit its prototype.
    #[error("{0}")]
    Misfit(Misfit),
    /// A body for something that the API does not have.
    #[error("a body for `{label}`, which the API `{api}` does not have")]
    Unknown {
        /// The API.
        api: String,
        /// The label given.
        label: String,
        /// Labels of the same name.
        known: Vec<String>,
    },
    /// Two bodies for one definition.
    #[error("two bodies for {0}")]
    Twice(String),
    /// A body that no program will call.
    #[error("the body for {label} is never used: {host} does not serve it")]
    NotServed {
        /// The definition.
        label: String,
        /// The host.
        host: String,
    },
}

impl Report for Problem {
    fn report(&self) -> Diagnostic {
        let text = self.to_string();
        match self {
            Problem::Profile(error) => error.report(),
            Problem::Empty(_) => Diagnostic::error(&codes::T_UNKNOWN_DEFINITION, text),
            Problem::NoBody(label) => Diagnostic::error(&codes::T_NO_BODY, text)
                .help(format!("register one with `.body(\"{label}\", …)`, or withdraw the name")),
            Problem::Misfit(misfit) => {
                Diagnostic::error(&codes::T_MISFIT, text).help(format!("fitting: {}", misfit.fits))
            }
            Problem::Unknown { known, .. } => {
                let error = Diagnostic::error(&codes::T_UNKNOWN_DEFINITION, text);
                if known.is_empty() {
                    error.help("labels are `name@NODE`, with the node that defines the name")
                } else {
                    error.help(format!("there is {}", known.join(", ")))
                }
            }
            Problem::Twice(_) => Diagnostic::error(&codes::T_TWICE, text),
            Problem::NotServed { .. } => Diagnostic::warning(&codes::T_NOT_SERVED, text),
        }
    }
}

/// Everything that stands in the way of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}", problem.report())?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// What is done with the claims of a proof before runs are compared with them.
pub(crate) type Change = Arc<dyn Fn(&mut Claims) + Send + Sync>;

/// Puts a host together; see [`Host::builder`].
pub struct HostBuilder {
    api: Arc<Api>,
    node: Option<String>,
    date: Option<Date>,
    profile: Option<HostProfile>,
    adds: Vec<String>,
    withdraws: Vec<(String, String)>,
    bodies: HashMap<DefId, Body>,
    /// Definitions may lack a body: programs that need one are refused when they are bound.
    partial: bool,
    problems: Vec<Problem>,
    limits: Limits,
    fuel: u64,
    clock: Option<Clock>,
    sink: Option<Sink>,
    kconfig: String,
    types: Option<Arc<Btf>>,
    checked: bool,
    compare: Option<Change>,
}

impl HostBuilder {
    /// The node, or the host of a `host` statement; also `NODE:YYYY-MM-DD`. Without it, the newest.
    #[must_use]
    pub fn at(mut self, node: &str) -> Self {
        self.node = Some(node.to_owned());
        self
    }

    /// The day that windows are measured against. Without it, the release of the node.
    #[must_use]
    pub fn on(mut self, date: Date) -> Self {
        self.date = Some(date);
        self
    }

    /// A profile made elsewhere, instead of [`HostBuilder::at`].
    #[must_use]
    pub fn profile(mut self, profile: HostProfile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Serves a definition (`kv_find@KV_3`) or a feature (`KV_2/ttl`) besides what the node has.
    #[must_use]
    pub fn adds(mut self, label: &str) -> Self {
        self.adds.push(label.to_owned());
        self
    }

    /// Does not serve a name, for a reason.
    #[must_use]
    pub fn withdraws(mut self, name: &str, reason: &str) -> Self {
        self.withdraws.push((name.to_owned(), reason.to_owned()));
        self
    }

    /// What the host does for one definition: a closure whose parameters fit its prototype.
    #[must_use]
    pub fn body<Marker>(mut self, label: &str, body: impl IntoBody<Marker>) -> Self {
        let Some(id) = self.callable(label) else {
            self.unknown(label);
            return self;
        };
        let Some(signature) = Signature::of(&self.api, id) else { return self };
        match body.into_body(&signature) {
            Ok(body) => self.insert(id, body),
            Err(misfit) => self.problems.push(Problem::Misfit(misfit)),
        }
        self
    }

    /// The same with a body that sees registers and memory, and returns r0.
    #[must_use]
    pub fn raw(
        mut self,
        label: &str,
        body: impl Fn(&mut Call<'_>) -> Result<u64, Trap> + Send + Sync + 'static,
    ) -> Self {
        match self.callable(label) {
            Some(id) => self.insert(id, Body::raw(body)),
            None => self.unknown(label),
        }
        self
    }

    /// The bodies of Linux's helpers and kfuncs, as far as the API has their definitions. The kernel has
    /// many more than make sense here: a program that calls one of those is refused, not the host.
    #[must_use]
    pub fn linux(mut self) -> Self {
        self.partial = true;
        for (label, body) in crate::linux::bodies() {
            if let Some(id) = self.callable(label) {
                self.insert(id, body);
            }
        }
        self
    }

    fn callable(&self, label: &str) -> Option<DefId> {
        let (_, node) = label.split_once('@')?;
        self.api.node(node)?;
        let found = self.api.labelled(label);
        found.into_iter().find(|id| self.api.definition(*id).kind.prototype().is_some())
    }

    fn unknown(&mut self, label: &str) {
        let name = label.split('@').next().unwrap_or(label);
        let same = self.api.definitions_of(Namespace::Callable, name);
        self.problems.push(Problem::Unknown {
            api: self.api.name.clone(),
            label: label.to_owned(),
            known: same.iter().map(|id| self.api.label(*id)).collect(),
        });
    }

    fn insert(&mut self, id: DefId, body: Body) {
        if self.bodies.insert(id, body).is_some() {
            self.problems.push(Problem::Twice(self.api.label(id)));
        }
    }

    /// How many CPUs programs see. Without it, one.
    #[must_use]
    pub fn cpus(mut self, cpus: u32) -> Self {
        self.limits.cpus = cpus;
        self
    }

    /// The most memory that one map may take.
    #[must_use]
    pub fn map_bytes(mut self, bytes: u64) -> Self {
        self.limits.max_bytes = bytes;
        self
    }

    /// How many instructions one run may execute.
    #[must_use]
    pub fn fuel(mut self, instructions: u64) -> Self {
        self.fuel = instructions;
        self
    }

    /// A clock of the host's own, in nanoseconds: for runs that give the same every time.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// Where trace output goes. Without it, it is kept for [`Host::take_trace`].
    #[must_use]
    pub fn trace(mut self, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// The configuration of the host, which programs read as `__kconfig` variables: lines
    /// `CONFIG_NAME=value`, as in `/boot/config-…`. Without it, the host has none: variables that are not
    /// weak are then refused. `LINUX_KERNEL_VERSION` and the other `LINUX_…` follow from the node.
    #[must_use]
    pub fn kconfig(mut self, text: impl Into<String>) -> Self {
        self.kconfig = text.into();
        self
    }

    /// The types of the host, in which instructions with CO-RE relocations look up what they access: those
    /// of a kernel, see [`abide_object::host_types`]. Without them, programs with such instructions are
    /// refused.
    #[must_use]
    pub fn types(mut self, types: impl Into<Arc<Btf>>) -> Self {
        self.types = Some(types.into());
        self
    }

    /// Takes programs that are not proved, too. Without it, a program is proved safe when it is loaded
    /// ([`abide_verifier`]), and refused if it cannot be. Both run in the checked interpreter, which ends
    /// a run that does what it may not; so that this is safe, but what a program does wrong is found
    /// when it runs, with a [`Trap`].
    #[must_use]
    pub fn checked(mut self) -> Self {
        self.checked = true;
        self
    }

    /// Compares each run with the proof, instruction by instruction: registers, stack, what is held. A
    /// contradiction is a mistake of the verifier, and ends the run with [`codes::T_CONTRADICTION`].
    /// Programs are proved, also after [`HostBuilder::checked`]; runs are much slower.
    #[must_use]
    pub fn paranoid(mut self) -> Self {
        self.compare = Some(Arc::new(|_| {}));
        self
    }

    /// The same with other claims than those of the proof, to see that it finds what is wrong.
    #[doc(hidden)]
    #[must_use]
    pub fn paranoid_with(mut self, change: impl Fn(&mut Claims) + Send + Sync + 'static) -> Self {
        self.compare = Some(Arc::new(change));
        self
    }

    fn make_profile(&self) -> Result<HostProfile, Problem> {
        let mut profile = match (&self.profile, &self.node) {
            (Some(profile), _) => profile.clone(),
            (None, Some(node)) => HostProfile::parse(&self.api, node)?,
            (None, None) => HostProfile::newest(&self.api)
                .ok_or_else(|| Problem::Empty(self.api.name.clone()))?,
        };
        if let Some(date) = self.date {
            profile = profile.on(date);
        }
        for label in &self.adds {
            profile = profile.add(label)?;
        }
        for (name, reason) in &self.withdraws {
            profile = profile.withdraw(name, reason);
        }
        Ok(profile)
    }

    /// The host, or everything that is wrong with it.
    pub fn build(mut self) -> Result<Host, Problems> {
        let profile = match self.make_profile() {
            Ok(profile) => profile.with_bodies(self.bodies.keys().copied()),
            Err(problem) => {
                self.problems.push(problem);
                return Err(Problems(self.problems));
            }
        };
        let missing = if self.partial { Vec::new() } else { profile.without_body() };
        self.problems.extend(missing.iter().map(|id| Problem::NoBody(self.api.label(*id))));
        if !self.problems.is_empty() {
            return Err(Problems(self.problems));
        }
        let mut idle: Vec<DefId> =
            self.bodies.keys().copied().filter(|id| profile.service(*id).is_err()).collect();
        idle.sort_unstable();
        let warnings = idle
            .iter()
            .map(|id| Problem::NotServed { label: self.api.label(*id), host: profile.label() })
            .collect();
        let services = Services::new(self.limits.cpus, self.fuel, self.clock, self.sink);
        Ok(Host {
            inner: Arc::new(Inner {
                api: self.api,
                profile,
                bodies: self.bodies,
                limits: self.limits,
                services: Arc::new(services),
                kconfig: self.kconfig,
                types: self.types,
                checked: self.checked && self.compare.is_none(),
                compare: self.compare,
                layouts: Mutex::default(),
                warnings,
            }),
        })
    }
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuilder")
            .field("api", &self.api.name)
            .field("bodies", &self.bodies.len())
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) api: Arc<Api>,
    pub(crate) profile: HostProfile,
    pub(crate) bodies: HashMap<DefId, Body>,
    pub(crate) limits: Limits,
    pub(crate) services: Arc<Services>,
    /// Lines `CONFIG_NAME=value`.
    pub(crate) kconfig: String,
    pub(crate) types: Option<Arc<Btf>>,
    /// Programs need no proof.
    pub(crate) checked: bool,
    /// Runs are compared with the claims of the proof, changed by this.
    pub(crate) compare: Option<Change>,
    /// One layout for each context struct, so that contexts fit all programs of their type.
    layouts: Mutex<HashMap<DefId, Arc<ContextLayout>>>,
    warnings: Vec<Problem>,
}

impl Host {
    /// Begins a host of an API.
    pub fn builder<A: Clone + Into<Arc<Api>>>(api: &A) -> HostBuilder {
        HostBuilder {
            api: api.clone().into(),
            node: None,
            date: None,
            profile: None,
            adds: Vec::new(),
            withdraws: Vec::new(),
            bodies: HashMap::new(),
            partial: false,
            problems: Vec::new(),
            limits: Limits::default(),
            fuel: FUEL,
            clock: None,
            sink: None,
            kconfig: String::new(),
            types: None,
            checked: false,
            compare: None,
        }
    }

    /// The API.
    pub fn api(&self) -> &Arc<Api> {
        &self.inner.api
    }

    /// What it serves, and how.
    pub fn profile(&self) -> &HostProfile {
        &self.inner.profile
    }

    /// Bodies that are never used.
    pub fn warnings(&self) -> &[Problem] {
        &self.inner.warnings
    }

    /// Takes the trace output of all programs so far, if no sink of the host's own gets it.
    pub fn take_trace(&self) -> String {
        self.inner.services.take_trace()
    }

    /// The context of a program type: the newest struct of that name that the host has.
    pub(crate) fn layout(&self, program_type: DefId) -> Option<Arc<ContextLayout>> {
        let api = &self.inner.api;
        let DefKind::Program(program) = &api.definition(program_type).kind else { return None };
        let pointee = program.params.first()?.ty.pointee()?.unqualified();
        let abide_api::ctype::CType::Struct(name) = pointee else { return None };
        let id = api.lookup(Namespace::Tag, name, self.inner.profile.node())?;
        let mut layouts = self.inner.layouts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layout) = layouts.get(&id) {
            return Some(Arc::clone(layout));
        }
        let layout = Arc::new(ContextLayout::of(api, id)?);
        layouts.insert(id, Arc::clone(&layout));
        Some(layout)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("profile", &self.inner.profile.label())
            .field("bodies", &self.inner.bodies.len())
            .finish_non_exhaustive()
    }
}
