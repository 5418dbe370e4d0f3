//! What runs programs: an API at a node and a date, with what was added, withdrawn or left out.
//!
//! [`HostProfile`] answers one question, binding rule 3: is this definition served here, and how?
//! It knows no object and no program; `bind` asks it for each call.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use abide_diag::{Diagnostic, Report, misspelt};
use jiff::civil::Date;

use crate::bind::codes::{H_BAD_DATE, H_UNKNOWN_LABEL, H_UNKNOWN_NODE};
use crate::model::{
    Api, DefId, DefKind, Definition, Event, EventKind, HostStatement, NodeId, Window,
};
use crate::query::Namespace;

/// Why a host could not be described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Neither a node nor a host statement has this name.
    #[error("the API `{api}` has no node and no host named `{name}`")]
    UnknownNode {
        /// The API.
        api: String,
        /// The name asked for.
        name: String,
        /// The name that was probably meant.
        near: Option<String>,
        /// The newest nodes, newest last, then the hosts.
        known: Vec<String>,
    },
    /// Not `YYYY-MM-DD`.
    #[error("`{0}` is not a date")]
    BadDate(String),
    /// Neither a definition nor a feature.
    #[error("the API `{api}` has no definition and no feature labelled `{label}`")]
    UnknownLabel {
        /// The API.
        api: String,
        /// The label asked for.
        label: String,
    },
}

/// How many of the newest nodes are named to someone who asked for one that does not exist.
const SUGGESTED_NODES: usize = 4;

/// The newest nodes and all hosts: an API may have far more nodes than a message has room for.
fn suggestions(api: &Api) -> Vec<String> {
    let mut nodes: Vec<_> = api.nodes.iter().collect();
    nodes.sort_by_key(|node| node.released);
    let newest = nodes.split_off(nodes.len().saturating_sub(SUGGESTED_NODES));
    let more = (!nodes.is_empty()).then(|| "…".to_owned());
    let newest = newest.into_iter().map(|node| node.name.clone());
    more.into_iter().chain(newest).chain(api.hosts.iter().map(|host| host.name.clone())).collect()
}

/// The name that was probably meant: one that ends in what was written (`6.1`), or is spelled nearly so.
fn near(api: &Api, name: &str) -> Option<String> {
    let nodes = api.nodes.iter().map(|node| node.name.as_str());
    let names: Vec<&str> = nodes.chain(api.hosts.iter().map(|host| host.name.as_str())).collect();
    let lower = name.to_lowercase();
    let ending = |known: &&&str| {
        let rest = known.to_lowercase();
        let rest = rest.strip_suffix(&lower).map(|rest| rest.is_empty() || rest.ends_with('_'));
        !name.is_empty() && rest == Some(true)
    };
    let found = names.iter().find(ending).copied();
    found.or_else(|| misspelt(name, names.iter().copied())).map(str::to_owned)
}

impl Report for HostError {
    fn report(&self) -> Diagnostic {
        let message = self.to_string();
        match self {
            HostError::UnknownNode { near: Some(near), .. } => {
                Diagnostic::error(&H_UNKNOWN_NODE, message).help(format!("did you mean `{near}`?"))
            }
            HostError::UnknownNode { known, .. } => Diagnostic::error(&H_UNKNOWN_NODE, message)
                .help(format!("known: {}", known.join(", "))),
            HostError::BadDate(_) => {
                Diagnostic::error(&H_BAD_DATE, message).help("write it as 2026-11-20")
            }
            HostError::UnknownLabel { .. } => Diagnostic::error(&H_UNKNOWN_LABEL, message)
                .help("write a definition as `name@NODE`, a feature as `NODE/feature`"),
        }
    }
}

/// How a host serves a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// It is what the name means on this host.
    Current,
    /// The host was given it besides what its node has.
    Added,
    /// It was superseded; its own body is kept.
    Preserved {
        /// Until when.
        until: WindowEnd,
    },
    /// It was superseded; its compat body calls newer definitions.
    Adapted {
        /// Until when.
        until: WindowEnd,
    },
}

impl Service {
    /// The word of the design for it.
    pub fn word(&self) -> &'static str {
        match self {
            Service::Current => "current",
            Service::Added => "added",
            Service::Preserved { .. } => "preserved",
            Service::Adapted { .. } => "adapted",
        }
    }

    /// When it ends, for what was superseded.
    pub fn until(&self) -> Option<WindowEnd> {
        match self {
            Service::Current | Service::Added => None,
            Service::Preserved { until } | Service::Adapted { until } => Some(*until),
        }
    }
}

/// The end of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowEnd {
    /// It has none.
    Never,
    /// The first day on which the definition is not served any more.
    On(Date),
    /// So many more nodes.
    AfterNodes(u16),
}

impl std::fmt::Display for WindowEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WindowEnd::Never => f.write_str("for ever"),
            WindowEnd::On(date) => write!(f, "until {date}"),
            WindowEnd::AfterNodes(1) => f.write_str("until the next node"),
            WindowEnd::AfterNodes(count) => write!(f, "for {count} more nodes"),
        }
    }
}

/// Why a host does not serve a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The host is older than the definition.
    TooNew {
        /// What could be added to the host: the feature or the definition.
        backport: String,
    },
    /// It was superseded and its window is over.
    WindowOver {
        /// What superseded it.
        by: DefId,
        /// The first day or node without it; `None` when counted in nodes.
        since: Option<Date>,
    },
    /// Its name was removed.
    Removed {
        /// The node that removed it.
        at: NodeId,
        /// What to use.
        instead: Option<String>,
    },
    /// Its name was withdrawn.
    Withdrawn {
        /// The node that withdrew it; `None` when the host itself did.
        at: Option<NodeId>,
        /// Why.
        reason: String,
    },
    /// It is on another branch of the API.
    OtherBranch,
    /// The host statement says that the host lacks it.
    Lacks {
        /// Why, if it says that.
        why: Option<String>,
    },
    /// The host has no body for it.
    NoBody,
}

/// A deprecation that a user of a definition should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecation {
    /// The node that deprecated it.
    pub since: NodeId,
    /// What to use.
    pub instead: Option<String>,
    /// The node in which it is to be removed.
    pub remove: Option<String>,
    /// The end of its window.
    pub until: WindowEnd,
}

/// Something that runs programs, described by what it serves.
#[derive(Debug, Clone)]
pub struct HostProfile {
    api: Arc<Api>,
    name: String,
    node: NodeId,
    date: Date,
    adds: BTreeSet<DefId>,
    withdraws: BTreeMap<String, String>,
    lacks: BTreeMap<String, Option<String>>,
    numbers: BTreeMap<String, u32>,
    bodies: Option<Arc<HashSet<DefId>>>,
}

impl HostProfile {
    /// The host at a node, or the one that a `host` statement describes. Its date is its release.
    pub fn at(api: &Arc<Api>, name: &str) -> Result<Self, HostError> {
        if let Some(host) = api.hosts.iter().find(|host| host.name == name) {
            return Ok(Self::stated(api, host));
        }
        let node = api.node(name).ok_or_else(|| HostError::UnknownNode {
            api: api.name.clone(),
            name: abide_diag::printable(name).into_owned(),
            near: near(api, name),
            known: suggestions(api),
        })?;
        Ok(HostProfile {
            api: Arc::clone(api),
            name: name.to_owned(),
            node,
            date: api.node_ref(node).released,
            adds: BTreeSet::new(),
            withdraws: BTreeMap::new(),
            lacks: BTreeMap::new(),
            numbers: BTreeMap::new(),
            bodies: None,
        })
    }

    /// The host that a statement describes, whether or not the API lists it.
    pub fn stated(api: &Arc<Api>, host: &HostStatement) -> Self {
        HostProfile {
            api: Arc::clone(api),
            name: host.name.clone(),
            node: host.node,
            date: host.released,
            adds: host.adds.iter().copied().collect(),
            withdraws: host.withdraws.iter().cloned().collect(),
            lacks: host.lacks.iter().cloned().collect(),
            numbers: host.numbers.iter().map(|(n, name)| (name.clone(), *n)).collect(),
            bodies: None,
        }
    }

    /// Every host that the API knows: its nodes in the order of the file, then its host statements.
    pub fn all(api: &Arc<Api>) -> Vec<Self> {
        let nodes = api.nodes.iter().filter_map(|node| Self::at(api, &node.name).ok());
        nodes.chain(api.hosts.iter().map(|host| Self::stated(api, host))).collect()
    }

    /// `NODE`, `HOST`, `NODE:YYYY-MM-DD` or `HOST:YYYY-MM-DD`, as on the command line after `API@`.
    pub fn parse(api: &Arc<Api>, text: &str) -> Result<Self, HostError> {
        let Some((name, date)) = text.split_once(':') else { return Self::at(api, text) };
        let date = date
            .parse()
            .map_err(|_| HostError::BadDate(abide_diag::printable(date).into_owned()))?;
        Ok(Self::at(api, name)?.on(date))
    }

    /// The newest node of the API that no other node grew from, by release.
    pub fn newest(api: &Arc<Api>) -> Option<Self> {
        let node = api.nodes.iter().max_by_key(|node| node.released)?;
        Self::at(api, &node.name).ok()
    }

    /// The same host on another day: windows are measured against this date.
    #[must_use]
    pub fn on(mut self, date: Date) -> Self {
        self.date = date;
        self
    }

    /// Adds a definition (`kv_find@KV_3`) or all of a feature (`KV_2/ttl`).
    #[allow(
        clippy::should_implement_trait,
        reason = "it is the word of the language, and takes a label"
    )]
    pub fn add(mut self, label: &str) -> Result<Self, HostError> {
        let found = self.api.labelled(label);
        if found.is_empty() {
            return Err(HostError::UnknownLabel {
                api: self.api.name.clone(),
                label: abide_diag::printable(label).into_owned(),
            });
        }
        self.adds.extend(found);
        Ok(self)
    }

    /// Withdraws a name, for a reason.
    #[must_use]
    pub fn withdraw(mut self, name: &str, reason: &str) -> Self {
        self.withdraws.insert(name.to_owned(), reason.to_owned());
        self
    }

    /// Says which definitions the host has a native body for. Without this, every definition is
    /// taken to have one, or a compat body where the API has one.
    #[must_use]
    pub fn with_bodies(mut self, bodies: impl IntoIterator<Item = DefId>) -> Self {
        self.bodies = Some(Arc::new(bodies.into_iter().collect()));
        self
    }

    /// The same host as a kernel is one: it has one body for each name, that of the definition which
    /// was added to it, or else of the one current at its node. What was superseded is served by a
    /// compat body or not at all.
    #[must_use]
    pub fn as_kernel(self) -> Self {
        let api = Arc::clone(&self.api);
        let bodies: Vec<DefId> = api
            .names(Namespace::Callable)
            .filter_map(|name| {
                let all = api.definitions_of(Namespace::Callable, name);
                let added = all.iter().copied().rfind(|id| self.adds.contains(id));
                added.or_else(|| api.lookup(Namespace::Callable, name, self.node))
            })
            .collect();
        self.with_bodies(bodies)
    }

    /// The API.
    pub fn api(&self) -> &Arc<Api> {
        &self.api
    }

    /// The name of its node or `host` statement.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `kv@KV_3`.
    pub fn label(&self) -> String {
        format!("{}@{}", self.api.name, self.name)
    }

    /// The node that it is built on.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The day that windows are measured against.
    pub fn date(&self) -> Date {
        self.date
    }

    /// What was added to its node, as labels.
    pub fn added(&self) -> impl Iterator<Item = DefId> + '_ {
        self.adds.iter().copied()
    }

    /// The number by which this host calls a helper, where it differs from the API's.
    pub fn renumbered(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    /// Binding rule 3.
    pub fn service(&self, id: DefId) -> Result<Service, Denial> {
        let definition = self.api.definition(id);
        let namespace = Namespace::of(&definition.kind);
        self.not_withdrawn(id)?;
        let own = self.api.is_ancestor(definition.node, self.node);
        let added = self.adds.contains(&id);
        if !own && !added {
            return Err(if self.api.is_ancestor(self.node, definition.node) {
                Denial::TooNew { backport: self.api.backport_label(id) }
            } else {
                Denial::OtherBranch
            });
        }
        self.not_removed(id)?;
        if let Some(why) = self.lacks.get(&definition.name) {
            return Err(Denial::Lacks { why: why.clone() });
        }
        let callable = definition.kind.prototype().is_some();
        let native = self.bodies.as_ref().is_none_or(|bodies| !callable || bodies.contains(&id));
        let by = match self.api.superseded_by(id, self.node) {
            Some(by) if !added && namespace == Namespace::Callable => by,
            _ => {
                return match (native, added) {
                    (false, _) => Err(Denial::NoBody),
                    (true, true) if !own => Ok(Service::Added),
                    (true, _) => Ok(Service::Current),
                };
            }
        };
        let until = self.window_end(id, by);
        if !self.open(until) {
            let since = match until {
                WindowEnd::On(date) => Some(date),
                _ => None,
            };
            return Err(Denial::WindowOver { by, since });
        }
        let compat = definition.compat.is_some();
        match (&self.bodies, native, compat) {
            (Some(_), true, _) | (None, _, false) => Ok(Service::Preserved { until }),
            (_, _, true) => Ok(Service::Adapted { until }),
            (Some(_), false, false) => Err(Denial::NoBody),
        }
    }

    /// The deprecation of a definition that is served here, if its name is deprecated.
    pub fn deprecation(&self, id: DefId) -> Option<Deprecation> {
        let definition = self.api.definition(id);
        self.events(definition).find_map(|event| {
            let EventKind::Deprecated { instead, remove } = &event.kind else { return None };
            let here = self.api.is_ancestor(event.node, self.node)
                && self.api.is_ancestor(definition.node, event.node);
            here.then(|| Deprecation {
                since: event.node,
                instead: instead.clone(),
                remove: remove.clone(),
                until: self.end_after(id, event.node),
            })
        })
    }

    /// Every definition that the host serves, callable or not, in the order of the file.
    pub fn served(&self) -> impl Iterator<Item = (DefId, Service)> + '_ {
        (0..self.api.definitions.len()).filter_map(|index| {
            let id = DefId(u32::try_from(index).ok()?);
            Some((id, self.service(id).ok()?))
        })
    }

    /// Callable definitions that would be served if the host had a body for them.
    pub fn without_body(&self) -> Vec<DefId> {
        (0..self.api.definitions.len())
            .filter_map(|index| Some(DefId(u32::try_from(index).ok()?)))
            .filter(|id| {
                let kind = &self.api.definition(*id).kind;
                matches!(kind, DefKind::Helper { .. } | DefKind::Kfunc { .. })
                    && self.service(*id) == Err(Denial::NoBody)
            })
            .collect()
    }

    /// What happens to the name of a definition, in its namespace.
    fn events(&self, definition: &Definition) -> impl Iterator<Item = &Event> + '_ {
        let namespace = Namespace::of(&definition.kind);
        self.api.events_of(&definition.name).filter(move |event| event.namespace == namespace)
    }

    /// A name is withdrawn for all versions at once: from the day of the node that says so, also on
    /// hosts at older nodes; but not for a definition made after the withdrawal.
    fn not_withdrawn(&self, id: DefId) -> Result<(), Denial> {
        let definition = self.api.definition(id);
        if let Some(reason) = self.withdraws.get(&definition.name) {
            return Err(Denial::Withdrawn { at: None, reason: reason.clone() });
        }
        for event in self.events(definition) {
            let EventKind::Withdrawn { reason } = &event.kind else { continue };
            let redefined =
                event.node != definition.node && self.api.is_ancestor(event.node, definition.node);
            let reached = self.api.is_ancestor(event.node, self.node)
                || self.api.node_ref(event.node).released <= self.date;
            if reached && !redefined {
                return Err(Denial::Withdrawn { at: Some(event.node), reason: reason.clone() });
            }
        }
        Ok(())
    }

    fn not_removed(&self, id: DefId) -> Result<(), Denial> {
        let definition = self.api.definition(id);
        for event in self.events(definition) {
            let EventKind::Removed { instead, .. } = &event.kind else { continue };
            let redefined =
                event.node != definition.node && self.api.is_ancestor(event.node, definition.node);
            if self.api.is_ancestor(event.node, self.node) && !redefined {
                return Err(Denial::Removed { at: event.node, instead: instead.clone() });
            }
        }
        Ok(())
    }

    /// When the window of a definition ends that `by` superseded.
    fn window_end(&self, id: DefId, by: DefId) -> WindowEnd {
        self.end_after(id, self.api.definition(by).node)
    }

    fn end_after(&self, id: DefId, node: NodeId) -> WindowEnd {
        match self.api.window_of(id) {
            Window::Forever => WindowEnd::Never,
            span @ Window::Span { .. } => {
                span.after(self.api.node_ref(node).released).map_or(WindowEnd::Never, WindowEnd::On)
            }
            Window::Nodes(count) => {
                let passed = self.api.ancestors(self.node).take_while(|at| *at != node).count();
                WindowEnd::AfterNodes(count.saturating_sub(u16::try_from(passed).unwrap_or(count)))
            }
        }
    }

    fn open(&self, end: WindowEnd) -> bool {
        match end {
            WindowEnd::Never => true,
            WindowEnd::On(date) => self.date < date,
            WindowEnd::AfterNodes(left) => left > 0,
        }
    }
}
