//! Questions to a resolved [`Api`]: what a name means at a node, what superseded what, labels.
//!
//! Answers follow from the file alone; what a host serves is decided in `host`.

use std::collections::HashMap;

use abide_diag::{Source, Span};
use jiff::civil::Date;

use crate::model::{
    Api, DefId, DefKind, Definition, Event, EventKind, Node, NodeId, Param, ProgramType, Prototype,
    StructType, Suffix, Window,
};

/// What kind of thing a name names; the same name may stand for different things in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Namespace {
    /// Helpers and kfuncs.
    Callable,
    /// Program types.
    Program,
    /// Map types.
    Map,
    /// Program types that may call a helper or kfunc, by its name.
    Rights,
    /// Instructions and features of the verifier.
    Ability,
    /// Structs, unions and enums, as in C.
    Tag,
    /// Typedefs.
    Typedef,
}

impl Namespace {
    /// Where the name of a definition lives.
    pub fn of(kind: &DefKind) -> Namespace {
        match kind {
            DefKind::Helper { .. } | DefKind::Kfunc { .. } => Namespace::Callable,
            DefKind::Program(_) => Namespace::Program,
            DefKind::Map => Namespace::Map,
            DefKind::Rights(_) => Namespace::Rights,
            DefKind::Ability(_) => Namespace::Ability,
            DefKind::Struct(_) | DefKind::Enum(_) => Namespace::Tag,
            DefKind::Typedef(_) => Namespace::Typedef,
        }
    }

    /// What a name in it is called in messages.
    pub fn noun(self) -> &'static str {
        match self {
            Namespace::Callable => "helper or kfunc",
            Namespace::Program => "program type",
            Namespace::Map => "map type",
            Namespace::Rights => "extension of a helper or kfunc",
            Namespace::Ability => "instruction level or verifier feature",
            Namespace::Tag => "struct, union or enum",
            Namespace::Typedef => "typedef",
        }
    }
}

/// Look-up tables over nodes, definitions and events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    definitions: HashMap<Namespace, HashMap<String, Vec<DefId>>>,
    by_number: HashMap<u32, Vec<DefId>>,
    nodes: HashMap<String, NodeId>,
    events: HashMap<String, Vec<u32>>,
    constants: HashMap<String, DefId>,
}

impl Api {
    /// An API without nodes, to be filled by `add_node`, `add_definition` and `add_event`.
    pub(crate) fn empty(name: &str, source: std::sync::Arc<Source>) -> Api {
        Api {
            name: name.to_owned(),
            doc: None,
            retain: Window::Forever,
            baseline: None,
            nodes: Vec::new(),
            definitions: Vec::new(),
            events: Vec::new(),
            hosts: Vec::new(),
            source,
            warnings: Vec::new(),
            index: Index::default(),
        }
    }

    pub(crate) fn add_node(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.index.nodes.entry(node.name.clone()).or_insert(id);
        self.nodes.push(node);
        id
    }

    /// Nodes come parents first, so the definitions of a name are oldest first on every line.
    pub(crate) fn add_definition(&mut self, definition: Definition) -> DefId {
        let id = DefId(self.definitions.len() as u32);
        let names = self.index.definitions.entry(Namespace::of(&definition.kind)).or_default();
        names.entry(definition.name.clone()).or_default().push(id);
        if let DefKind::Helper { number, .. } = definition.kind {
            self.index.by_number.entry(number).or_default().push(id);
        }
        if let DefKind::Enum(found) = &definition.kind {
            for (name, _) in &found.values[found.inherited.unwrap_or(0) as usize..] {
                self.index.constants.entry(name.clone()).or_insert(id);
            }
        }
        self.definitions.push(definition);
        id
    }

    pub(crate) fn add_event(&mut self, event: Event) {
        let index = self.events.len() as u32;
        self.index.events.entry(event.name.clone()).or_default().push(index);
        self.events.push(event);
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.index.nodes.get(name).copied()
    }

    /// A node by its id.
    ///
    /// # Panics
    /// If the id is another API's.
    pub fn node_ref(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A definition by its id.
    ///
    /// # Panics
    /// If the id is another API's.
    pub fn definition(&self, id: DefId) -> &Definition {
        &self.definitions[id.0 as usize]
    }

    /// The id of every definition, in the order of the file.
    pub fn ids(&self) -> impl Iterator<Item = DefId> + use<> {
        (0..self.definitions.len() as u32).map(DefId)
    }

    /// The node itself, then what it grew from, newest first.
    pub fn ancestors(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(node), |id| self.node_ref(*id).parent)
    }

    /// Whether `a` is `b` or one of its ancestors.
    pub fn is_ancestor(&self, a: NodeId, b: NodeId) -> bool {
        // Parents come before children, so the walk may stop below `a`.
        self.ancestors(b).take_while(|id| *id >= a).any(|id| id == a)
    }

    /// All definitions of a name, in the order of the file: on every line oldest first.
    pub fn definitions_of(&self, namespace: Namespace, name: &str) -> &[DefId] {
        let names = self.index.definitions.get(&namespace);
        names.and_then(|names| names.get(name)).map_or(&[], Vec::as_slice)
    }

    /// Every name that was ever defined, in the order of the file.
    pub fn names(&self, namespace: Namespace) -> impl Iterator<Item = &str> + '_ {
        self.ids().filter_map(move |id| {
            let definition = self.definition(id);
            let first = Namespace::of(&definition.kind) == namespace
                && self.definitions_of(namespace, &definition.name).first() == Some(&id);
            first.then_some(definition.name.as_str())
        })
    }

    /// The first definition of an enum that has a constant of this name.
    pub fn constant(&self, name: &str) -> Option<DefId> {
        self.index.constants.get(name).copied()
    }

    /// What a name means at a node: its newest definition in the node or its ancestors, unless the
    /// name was removed or withdrawn since.
    pub fn lookup(&self, namespace: Namespace, name: &str, node: NodeId) -> Option<DefId> {
        let id = self.newest(namespace, name, node)?;
        let gone = self.gone(namespace, name, node);
        let defined = self.definition(id).node;
        gone.is_none_or(|event| event.node < defined).then_some(id)
    }

    /// The newest definition in the node or its ancestors, whether or not it was removed since.
    pub fn newest(&self, namespace: Namespace, name: &str, node: NodeId) -> Option<DefId> {
        self.definitions_of(namespace, name)
            .iter()
            .copied()
            .rfind(|id| self.is_ancestor(self.definition(*id).node, node))
    }

    /// The newest removal or withdrawal of a name in the node or its ancestors.
    pub fn gone(&self, namespace: Namespace, name: &str, node: NodeId) -> Option<&Event> {
        self.events_of(name)
            .filter(|event| event.namespace == namespace)
            .filter(|event| !matches!(event.kind, EventKind::Deprecated { .. }))
            .filter(|event| self.is_ancestor(event.node, node))
            .max_by_key(|event| event.node)
    }

    /// Deprecations, removals and withdrawals of a name, in the order of the file.
    pub fn events_of(&self, name: &str) -> impl Iterator<Item = &Event> + '_ {
        let indexes = self.index.events.get(name).map_or(&[][..], Vec::as_slice);
        indexes.iter().map(|index| &self.events[*index as usize])
    }

    /// The newest deprecation of a name in the node or its ancestors.
    pub fn deprecation(&self, namespace: Namespace, name: &str, node: NodeId) -> Option<&Event> {
        self.events_of(name)
            .filter(|event| event.namespace == namespace)
            .filter(|event| matches!(event.kind, EventKind::Deprecated { .. }))
            .filter(|event| self.is_ancestor(event.node, node))
            .max_by_key(|event| event.node)
    }

    /// The removal of a name, if that is what it last met in the node or its ancestors.
    pub fn removal(&self, namespace: Namespace, name: &str, node: NodeId) -> Option<&Event> {
        let event = self.gone(namespace, name, node)?;
        matches!(event.kind, EventKind::Removed { .. }).then_some(event)
    }

    /// The first withdrawal of a name, in whatever node.
    pub fn withdrawal(&self, namespace: Namespace, name: &str) -> Option<&Event> {
        self.events_of(name)
            .filter(|event| event.namespace == namespace)
            .find(|event| matches!(event.kind, EventKind::Withdrawn { .. }))
    }

    /// Every definition of a helper number, in the order of the file.
    pub fn helper_by_number(&self, number: u32) -> Vec<DefId> {
        self.index.by_number.get(&number).cloned().unwrap_or_default()
    }

    /// The definition that took the place of this one, the oldest that did, on the line that ends
    /// in a node.
    pub fn superseded_by(&self, id: DefId, on_line_of: NodeId) -> Option<DefId> {
        let old = self.definition(id);
        self.definitions_of(Namespace::of(&old.kind), &old.name).iter().copied().find(|later| {
            let node = self.definition(*later).node;
            node != old.node
                && self.is_ancestor(old.node, node)
                && self.is_ancestor(node, on_line_of)
        })
    }

    /// The definition whose place this one took.
    pub fn supersedes(&self, id: DefId) -> Option<DefId> {
        let new = self.definition(id);
        let parent = self.node_ref(new.node).parent?;
        self.newest(Namespace::of(&new.kind), &new.name, parent)
    }

    /// The first of the definitions of a program or map type that are alike but for what `changed` says: a
    /// host that has any of them takes what needs this one.
    pub fn first_alike(&self, id: DefId) -> DefId {
        let alike =
            |old: DefId, new: DefId| match (&self.definition(old).kind, &self.definition(new).kind)
            {
                (DefKind::Map, DefKind::Map) => true,
                (DefKind::Program(old), DefKind::Program(new)) => {
                    // Where they stand is no part of what they are.
                    let params = |program: &ProgramType| {
                        program.params.iter().map(|param| param.ty.clone()).collect::<Vec<_>>()
                    };
                    params(old) == params(new)
                        && (&old.sections, old.returns, old.sleepable, &old.verdicts)
                            == (&new.sections, new.returns, new.sleepable, &new.verdicts)
                }
                _ => false,
            };
        let mut first = id;
        while let Some(old) = self.supersedes(first).filter(|old| alike(*old, first)) {
            first = old;
        }
        first
    }

    /// Whether the baseline node has this definition: it is then served for ever (law 7).
    pub fn is_baseline(&self, id: DefId) -> bool {
        let definition = self.definition(id);
        self.baseline.is_some_and(|baseline| {
            self.lookup(Namespace::of(&definition.kind), &definition.name, baseline) == Some(id)
        })
    }

    /// How long a definition is served once it is superseded or deprecated.
    pub fn window_of(&self, id: DefId) -> Window {
        if self.is_baseline(id) {
            return Window::Forever;
        }
        self.definition(id).retain.unwrap_or(self.retain)
    }

    /// `kv_find@KV_3`.
    pub fn label(&self, id: DefId) -> String {
        let definition = self.definition(id);
        format!("{}@{}", definition.name, self.node_ref(definition.node).name)
    }

    /// `KV_2/ttl`, for a definition that stands under a feature.
    pub fn feature_label(&self, id: DefId) -> Option<String> {
        let definition = self.definition(id);
        let node = self.node_ref(definition.node);
        let feature = node.features.get(definition.feature? as usize)?;
        Some(format!("{}/{feature}", node.name))
    }

    /// What to add to an older host to have this definition: its feature, or else the definition.
    pub fn backport_label(&self, id: DefId) -> String {
        self.feature_label(id).unwrap_or_else(|| self.label(id))
    }

    /// The definitions that a label means: `kv_find@KV_3` (whatever the name names), `KV_2/ttl`, or
    /// all of a node, `KV_2`. Empty if there is no such thing.
    pub fn labelled(&self, label: &str) -> Vec<DefId> {
        let of_node = |node: NodeId| self.ids().filter(move |id| self.definition(*id).node == node);
        if let Some((name, node)) = label.split_once('@') {
            let Some(node) = self.node(node) else { return Vec::new() };
            return of_node(node).filter(|id| self.definition(*id).name == name).collect();
        }
        let (node, feature) = match label.split_once('/') {
            Some((node, feature)) => (node, Some(feature)),
            None => (label, None),
        };
        let Some(node) = self.node(node) else { return Vec::new() };
        let Some(feature) = feature else { return of_node(node).collect() };
        let features = &self.node_ref(node).features;
        let Some(index) = features.iter().position(|name| name == feature) else {
            return Vec::new();
        };
        of_node(node).filter(|id| self.definition(*id).feature == Some(index as u32)).collect()
    }

    /// The same API with every place forgotten, and the text and the warnings with them.
    #[must_use]
    pub fn without_spans(&self) -> Api {
        let mut api = self.clone();
        api.source = std::sync::Arc::new(Source::new("", ""));
        api.warnings.clear();
        api.nodes.iter_mut().for_each(|node| node.span = 0..0);
        api.definitions.iter_mut().for_each(Definition::forget_spans);
        api.events.iter_mut().for_each(|event| event.span = 0..0);
        api.hosts.iter_mut().for_each(|host| host.span = 0..0);
        api
    }

    /// Whether both say the same, wherever it stands in their texts.
    pub fn same(&self, other: &Api) -> bool {
        let (a, b) = (self.without_spans(), other.without_spans());
        (&a.name, &a.doc, a.retain, a.baseline) == (&b.name, &b.doc, b.retain, b.baseline)
            && a.nodes == b.nodes
            && a.definitions == b.definitions
            && a.events == b.events
            && a.hosts == b.hosts
    }
}

impl Definition {
    pub(crate) fn forget_spans(&mut self) {
        const NOWHERE: Span = 0..0;
        self.span = NOWHERE;
        self.name_span = NOWHERE;
        if let Some(compat) = &mut self.compat {
            compat.span = NOWHERE;
        }
        let params = match &mut self.kind {
            DefKind::Helper { prototype, .. } | DefKind::Kfunc { prototype } => {
                &mut prototype.params
            }
            DefKind::Program(program) => &mut program.params,
            DefKind::Struct(StructType { fields, .. }) => {
                fields.iter_mut().for_each(|field| field.span = NOWHERE);
                return;
            }
            DefKind::Map
            | DefKind::Rights(_)
            | DefKind::Ability(_)
            | DefKind::Enum(_)
            | DefKind::Typedef(_) => return,
        };
        params.iter_mut().for_each(|param| param.span = NOWHERE);
    }
}

impl Window {
    /// The day on which a window that was opened on `start` is over; `None` if it never is, is
    /// counted in nodes, or ends after the last day of the calendar.
    pub fn after(self, start: Date) -> Option<Date> {
        let Window::Span { years, months, days } = self else { return None };
        let span = jiff::Span::new()
            .try_years(years)
            .and_then(|span| span.try_months(months))
            .and_then(|span| span.try_days(days))
            .ok()?;
        start.checked_add(span).ok()
    }
}

impl Prototype {
    /// The prototype as a C declaration of `name`, without contract words.
    pub fn declare(&self, name: &str) -> String {
        let mut params: Vec<String> =
            self.params.iter().map(|param| param.ty.declare(&param.name)).collect();
        if self.variadic {
            params.push("...".to_owned());
        }
        if params.is_empty() {
            params.push("void".to_owned());
        }
        self.returns.declare(&format!("{name}({})", params.join(", ")))
    }

    /// The parameters that a program passes in registers: those that the host fills in are left out.
    pub fn passed(&self) -> impl Iterator<Item = &Param> + '_ {
        self.params.iter().filter(|param| {
            !param.suffixes().any(|suffix| matches!(suffix, Suffix::Prog | Suffix::Implicit))
        })
    }
}

/// Every suffix as it is written.
pub(crate) const SUFFIXES: &[(&str, Suffix)] = &[
    ("__sz", Suffix::Size),
    ("__szk", Suffix::SizeConst),
    ("__k", Suffix::Const),
    ("__nz", Suffix::NotZero),
    ("__zero", Suffix::Zero),
    ("__uninit", Suffix::Uninit),
    ("__nullable", Suffix::Nullable),
    ("__opt", Suffix::Opt),
    ("__ign", Suffix::Ignore),
    ("__str", Suffix::Str),
    ("__map", Suffix::Map),
    ("__alloc", Suffix::Alloc),
    ("__refcounted_kptr", Suffix::RefcountedKptr),
    ("__const_str", Suffix::ConstStr),
    ("__const_map", Suffix::ConstMap),
    ("__arena", Suffix::Arena),
    ("__nonown_allowed", Suffix::NonOwningAllowed),
    ("__iter", Suffix::Iter),
    ("__irq_flag", Suffix::IrqFlag),
    ("__prog", Suffix::Prog),
    ("__implicit", Suffix::Implicit),
];

impl Param {
    fn last_suffix(name: &str) -> Option<(&str, Suffix)> {
        SUFFIXES.iter().find_map(|(text, suffix)| {
            let base = name.strip_suffix(text)?;
            (!base.is_empty()).then_some((base, *suffix))
        })
    }

    /// The suffixes of its name, the last one first.
    pub fn suffixes(&self) -> impl Iterator<Item = Suffix> + '_ {
        let mut rest = self.name.as_str();
        std::iter::from_fn(move || {
            let (base, suffix) = Self::last_suffix(rest)?;
            rest = base;
            Some(suffix)
        })
    }

    /// Whether its name has this suffix.
    pub fn has(&self, suffix: Suffix) -> bool {
        self.suffixes().any(|found| found == suffix)
    }

    /// Its name without suffixes.
    pub fn base_name(&self) -> &str {
        let mut rest = self.name.as_str();
        while let Some((base, _)) = Self::last_suffix(rest) {
            rest = base;
        }
        rest
    }
}
