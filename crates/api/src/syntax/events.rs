//! What happens to names besides being defined, compat bodies (the part of law 6 that needs no
//! verifier), and hosts.

use std::collections::HashMap;

use abide_diag::{Diagnostic, Span, nearest};

use super::ast::{self, Name};
use super::resolve::Resolver;
use crate::codes;
use crate::model::{CompatBody, DefId, DefKind, Event, EventKind, HostStatement, NodeId};
use crate::query::Namespace;

impl Resolver {
    pub(crate) fn event(&mut self, node: NodeId, event: ast::Event) {
        let name = &event.name;
        let known = self.api.newest(event.namespace, &name.text, node);
        if known.is_none() {
            self.unknown_name(event.namespace, name);
            return;
        }
        let again = self.api.events_of(&name.text).find(|other| {
            let both_deprecate = matches!(
                (&other.kind, &event.kind),
                (EventKind::Deprecated { .. }, EventKind::Deprecated { .. })
            );
            let ends = |kind: &EventKind| !matches!(kind, EventKind::Deprecated { .. });
            other.namespace == event.namespace
                && other.node == node
                && (both_deprecate || ends(&other.kind) && ends(&event.kind))
        });
        if let Some(first) = again {
            let error = Diagnostic::error(
                &codes::A_DUPLICATE,
                format!("`{}` stands twice in the lists of one node", name.text),
            )
            .at(name.span.clone(), "")
            .also(first.span.clone(), "first here");
            self.diagnostics.push(error);
            return;
        }
        let defined = known.filter(|id| self.api.definition(*id).node == node);
        if let Some(defined) = defined
            && !matches!(event.kind, EventKind::Deprecated { .. })
        {
            let error = Diagnostic::error(
                &codes::A_DUPLICATE,
                format!("`{}` is defined and taken away in one node", name.text),
            )
            .at(name.span.clone(), "")
            .also(self.api.definition(defined).name_span.clone(), "defined here");
            self.diagnostics.push(error);
            return;
        }
        if let Some(gone) = self.api.gone(event.namespace, &name.text, node)
            && known.is_some_and(|id| self.api.definition(id).node < gone.node)
        {
            let error = Diagnostic::error(
                &codes::A_UNKNOWN_NAME,
                format!("`{}` is not in the API any more", name.text),
            )
            .at(name.span.clone(), "")
            .also(gone.span.clone(), format!("gone since {}", self.api.node_ref(gone.node).name));
            self.diagnostics.push(error);
            return;
        }
        self.api.add_event(Event {
            name: event.name.text,
            namespace: event.namespace,
            node,
            kind: event.kind,
            span: event.name.span,
        });
    }

    fn unknown_name(&mut self, namespace: Namespace, name: &Name) {
        let mut error = Diagnostic::error(
            &codes::A_UNKNOWN_NAME,
            format!("no {} is named `{}` here", namespace.noun(), name.text),
        )
        .at(name.span.clone(), "");
        let elsewhere = self.api.ids().find(|id| self.api.definition(*id).name == name.text);
        let near = nearest(&name.text, self.api.names(namespace));
        if let Some(near) = near {
            error = error.help(if near == name.text {
                "it is defined on another branch of the API".to_owned()
            } else {
                format!("did you mean `{near}`?")
            });
        } else if let Some(id) = elsewhere {
            let definition = self.api.definition(id);
            error = error.also(
                definition.name_span.clone(),
                format!("this is a {}", definition.kind.word()),
            );
            if namespace == Namespace::Callable {
                error = error.help(format!("write `{} {}`", definition.kind.word(), name.text));
            }
        }
        self.diagnostics.push(error);
    }

    pub(crate) fn compat(&mut self, node: NodeId, compat: ast::Compat) {
        let Some(old_node) = self.known_node(&compat.node) else { return };
        let name = &compat.name.text;
        let label = format!("{name}@{}", compat.node.text);
        let span: Span = compat.name.span.start..compat.node.span.end;
        let all = self.api.definitions_of(Namespace::Callable, name);
        let Some(old) = all.iter().copied().find(|id| self.api.definition(*id).node == old_node)
        else {
            let labels: Vec<String> = all.iter().map(|id| self.api.label(*id)).collect();
            let mut error = Diagnostic::error(
                &codes::A_COMPAT_TARGET,
                format!("there is no definition `{label}` to serve"),
            )
            .at(span, "");
            error = match labels.as_slice() {
                [] => error.help("a compat body names an earlier helper or kfunc"),
                labels => error.help(format!("known: {}", labels.join(", "))),
            };
            self.diagnostics.push(error);
            return;
        };
        if let Some(wrong) = self.misplaced(node, old, &label) {
            self.diagnostics.push(wrong.at(span, ""));
            return;
        }
        let definition = &mut self.api.definitions[old.0 as usize];
        if let Some(first) = &definition.compat {
            let error = Diagnostic::error(
                &codes::A_COMPAT_TWICE,
                format!("`{label}` has two compat bodies"),
            )
            .at(span, "")
            .also(first.span.clone(), "the first is here");
            self.diagnostics.push(error);
            return;
        }
        definition.compat = Some(CompatBody { text: compat.text, span: compat.text_span, node });
    }

    /// Why this node may not hold the compat body of a definition.
    fn misplaced(&self, node: NodeId, old: DefId, label: &str) -> Option<Diagnostic> {
        let definition = self.api.definition(old);
        let here = &self.api.node_ref(node).name;
        let error = |message: String| Diagnostic::error(&codes::A_COMPAT_TARGET, message);
        if !self.api.is_ancestor(definition.node, node) {
            return Some(error(format!("`{label}` is not an ancestor of `{here}`")).help(
                "a compat body stands in the node whose definition takes the place of the old one",
            ));
        }
        let by = self.api.superseded_by(old, node);
        match by {
            Some(by) if self.api.definition(by).node == node => None,
            Some(by) => Some(
                error(format!("`{label}` was already superseded by `{}`", self.api.label(by)))
                    .also(self.api.definition(by).name_span.clone(), "superseded here")
                    .help("its compat body belongs into that node"),
            ),
            None => Some(
                error(format!("`{label}` is still current in `{here}`"))
                    .also(definition.name_span.clone(), "nothing supersedes this")
                    .help(format!(
                        "a compat body serves an old definition: define `{}` anew in this node",
                        definition.name
                    )),
            ),
        }
    }

    pub(crate) fn host(&mut self, host: ast::Host) {
        if let Some(first) = self.api.hosts.iter().find(|known| known.name == host.name.text) {
            let first = first.span.clone();
            self.named_twice(&host.name, first);
            return;
        }
        if let Some(first) = self.api.node(&host.name.text) {
            let first = self.api.node_ref(first).span.clone();
            self.named_twice(&host.name, first);
            return;
        }
        let Some(node) = self.known_node(&host.node) else { return };
        let based_on = self.api.node_ref(node);
        if host.released < based_on.released {
            let message =
                format!("`{}` is released on {}, before its node", host.name.text, host.released);
            let label = format!("`{}` is released on {}", based_on.name, based_on.released);
            let other = based_on.span.clone();
            self.diagnostics.push(
                Diagnostic::error(&codes::A_BEFORE_PARENT, message)
                    .at(host.name.span.clone(), "")
                    .also(other, label),
            );
        }
        let mut adds = Vec::new();
        for label in &host.adds {
            self.added(node, label, &mut adds);
        }
        let lacked = host.lacks.iter().map(|(name, _)| name);
        for name in host.withdraws.iter().map(|(name, _)| name).chain(lacked) {
            if self.api.definitions_of(Namespace::Callable, &name.text).is_empty()
                && self.api.ids().all(|id| self.api.definition(id).name != name.text)
            {
                self.unknown_name(Namespace::Callable, name);
            }
        }
        self.numbers(node, &host, &adds);
        self.api.hosts.push(HostStatement {
            name: host.name.text,
            node,
            released: host.released,
            adds,
            adds_written: host.adds.into_iter().map(|label| label.text).collect(),
            withdraws: host.withdraws.into_iter().map(|(name, why)| (name.text, why)).collect(),
            lacks: host.lacks.into_iter().map(|(name, why)| (name.text, why)).collect(),
            numbers: host
                .numbers
                .into_iter()
                .map(|(number, _, name)| (number, name.text))
                .collect(),
            doc: host.doc,
            span: host.name.span,
        });
    }

    fn named_twice(&mut self, name: &Name, first: Span) {
        self.diagnostics.push(
            Diagnostic::error(
                &codes::A_DUPLICATE_NODE,
                format!("`{}` names two things that run programs", name.text),
            )
            .at(name.span.clone(), "")
            .also(first, "first here")
            .help("hosts and nodes are asked for by name: give this one another"),
        );
    }

    fn added(&mut self, node: NodeId, label: &Name, adds: &mut Vec<DefId>) {
        let found = self.api.labelled(&label.text);
        if found.is_empty() {
            let node_part = label.text.split(['@', '/']).next_back().unwrap_or_default();
            let known: Vec<String> = match label.text.split_once('/') {
                Some((node, _)) => {
                    let node = self.api.node(node).map(|node| self.api.node_ref(node));
                    let features = node.map_or(&[][..], |node| &node.features);
                    features
                        .iter()
                        .map(|f| {
                            format!("{}/{f}", label.text.split('/').next().unwrap_or_default())
                        })
                        .collect()
                }
                None => {
                    let name = label.text.split('@').next().unwrap_or_default();
                    let named = self.api.ids().filter(|id| self.api.definition(*id).name == name);
                    named.map(|id| self.api.label(id)).collect()
                }
            };
            let mut error = Diagnostic::error(
                &codes::A_UNKNOWN_LABEL,
                format!("the API has no `{}` to add", label.text),
            )
            .at(label.span.clone(), "");
            error = if known.is_empty() {
                let nodes = self.api.nodes.iter().map(|node| node.name.as_str());
                match nearest(node_part, nodes) {
                    Some(near) if near != node_part => {
                        error.help(format!("did you mean `{near}`?"))
                    }
                    _ => error.help("write `NODE/feature`, `name@NODE` or `NODE`"),
                }
            } else {
                error.help(format!("known: {}", known.join(", ")))
            };
            self.diagnostics.push(error);
            return;
        }
        let there = |id: &DefId| {
            let own = self.api.is_ancestor(self.api.definition(*id).node, node);
            own && self.api.superseded_by(*id, node).is_none()
        };
        if found.iter().all(there) {
            self.diagnostics.push(
                Diagnostic::warning(
                    &codes::A_NEEDLESS,
                    format!(
                        "`{}` is part of `{}` already",
                        label.text,
                        self.api.node_ref(node).name
                    ),
                )
                .at(label.span.clone(), "")
                .help("take it away"),
            );
        }
        adds.extend(found.into_iter().filter(|id| !adds.contains(id)).collect::<Vec<_>>());
    }

    /// The numbers of a host: known helpers, one number each, none that another helper keeps.
    fn numbers(&mut self, node: NodeId, host: &ast::Host, adds: &[DefId]) {
        let mut taken: HashMap<u32, String> = HashMap::new();
        let renamed: Vec<&str> =
            host.numbers.iter().map(|(_, _, name)| name.text.as_str()).collect();
        let lacks = |name: &str| host.lacks.iter().any(|(lacked, _)| lacked.text == name);
        for id in self.api.ids() {
            let definition = self.api.definition(id);
            let there = self.api.is_ancestor(definition.node, node) || adds.contains(&id);
            if let DefKind::Helper { number, .. } = definition.kind
                && there
                && !renamed.contains(&definition.name.as_str())
                && !lacks(&definition.name)
            {
                taken.insert(number, definition.name.clone());
            }
        }
        let mut seen: Vec<&str> = Vec::new();
        for (number, span, name) in &host.numbers {
            let all = self.api.definitions_of(Namespace::Callable, &name.text);
            let helper = all
                .iter()
                .any(|id| matches!(self.api.definition(*id).kind, DefKind::Helper { .. }));
            if !helper {
                let error = Diagnostic::error(
                    &codes::A_UNKNOWN_NAME,
                    format!("no helper is named `{}`", name.text),
                )
                .at(name.span.clone(), "");
                self.diagnostics.push(error);
            }
            if seen.contains(&name.text.as_str()) {
                let message = format!("`{}` is given two numbers", name.text);
                self.error(&codes::A_HOST_NUMBER, message, &name.span);
            }
            seen.push(&name.text);
            if let Some(other) = taken.insert(*number, name.text.clone()) {
                self.diagnostics.push(
                    Diagnostic::error(
                        &codes::A_HOST_NUMBER,
                        format!("number {number} means `{other}` on this host already"),
                    )
                    .at(span.clone(), "")
                    .help(format!("give `{other}` its number there too, or say `lacks {other};`")),
                );
            }
        }
    }
}
