//! Statements to the model: nodes and their tree, the head of the file. Definitions are made in
//! `definitions`, what happens to names in `events`.

use std::sync::Arc;

use abide_diag::{Code, Diagnostic, Source, Span, nearest};

use super::ast::{File, Host, Name};
use crate::codes;
use crate::model::{Api, Node, NodeId, Window};

/// An API that may still break laws.
pub(crate) struct Resolved {
    pub(crate) api: Api,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Every node has its place in the tree; without that, laws about it mean nothing.
    pub(crate) tree_holds: bool,
}

/// The work in progress.
pub(crate) struct Resolver {
    pub(crate) api: Api,
    pub(crate) diagnostics: Vec<Diagnostic>,
    tree_holds: bool,
}

pub(crate) fn resolve(file: File, source: &Arc<Source>) -> Resolved {
    let name = file.api.map_or_else(String::new, |name| name.text);
    let mut resolver = Resolver {
        api: Api::empty(&name, Arc::clone(source)),
        diagnostics: Vec::new(),
        tree_holds: true,
    };
    resolver.api.doc = file.doc;
    resolver.api.retain = file.retain.unwrap_or(Window::Forever);
    let later: Vec<Name> = file.nodes.iter().map(|node| node.name.clone()).collect();
    if file.nodes.is_empty() {
        resolver.diagnostics.push(
            Diagnostic::error(&codes::A_EMPTY, "this API has no nodes").at(0..0, "").help(
                match file.hosts.is_empty() {
                    true => "write at least one: `NAME released 2026-11-20 { … };`",
                    false => "a file of hosts alone is read together with its API: `--hosts FILE`",
                },
            ),
        );
    }
    for node in file.nodes {
        resolver.node(node, &later);
    }
    if let Some(baseline) = file.baseline {
        resolver.api.baseline = resolver.known_node(&baseline);
    }
    resolver.callers_named();
    for host in file.hosts {
        resolver.host(host);
    }
    Resolved {
        api: resolver.api,
        diagnostics: resolver.diagnostics,
        tree_holds: resolver.tree_holds,
    }
}

/// The hosts of a file of their own, added to an API.
pub(crate) fn add_hosts(api: Api, hosts: Vec<Host>) -> Resolved {
    let mut resolver = Resolver { api, diagnostics: Vec::new(), tree_holds: true };
    for host in hosts {
        resolver.host(host);
    }
    // Other places that matter are in the text of the API, not in this one.
    for diagnostic in &mut resolver.diagnostics {
        let elsewhere = diagnostic.secondary.drain(..).map(|label| label.text);
        diagnostic.notes.extend(elsewhere.filter(|text| text != "first here"));
    }
    Resolved { api: resolver.api, diagnostics: resolver.diagnostics, tree_holds: true }
}

impl Resolver {
    pub(crate) fn error(&mut self, code: &'static Code, message: impl Into<String>, span: &Span) {
        self.diagnostics.push(Diagnostic::error(code, message).at(span.clone(), ""));
    }

    fn node(&mut self, node: super::ast::Node, all: &[Name]) {
        let parent = node.parent.as_ref().and_then(|parent| self.parent(parent, all));
        let id = self.place_in_tree(&node, parent);
        for item in node.items {
            self.definition(id, item);
        }
        self.words_of(id);
        for event in node.events {
            self.event(id, event);
        }
        for compat in node.compats {
            self.compat(id, compat);
        }
    }

    fn place_in_tree(&mut self, node: &super::ast::Node, parent: Option<NodeId>) -> NodeId {
        let (name, span) = (&node.name.text, &node.name.span);
        if let Some(first) = self.api.node(name) {
            let first = self.api.node_ref(first).span.clone();
            self.tree_holds = false;
            self.diagnostics.push(
                Diagnostic::error(&codes::A_DUPLICATE_NODE, format!("`{name}` is declared twice"))
                    .at(span.clone(), "")
                    .also(first, "first here"),
            );
        }
        if node.parent.is_none()
            && let Some(root) = self.api.nodes.first()
        {
            let root = (root.name.clone(), root.span.clone());
            self.tree_holds = false;
            self.diagnostics.push(
                Diagnostic::error(&codes::A_SECOND_ROOT, format!("`{name}` has no parent"))
                    .at(span.clone(), "")
                    .also(root.1, "only the first node has none")
                    .help(format!("name the node that it grew from: `}} {};`", root.0)),
            );
        }
        if let Some(parent) = parent {
            let parent = self.api.node_ref(parent);
            if node.released < parent.released {
                let message =
                    format!("`{name}` is released on {}, before its parent", node.released);
                let label = format!("`{}` is released on {}", parent.name, parent.released);
                self.diagnostics.push(
                    Diagnostic::error(&codes::A_BEFORE_PARENT, message)
                        .at(span.clone(), "")
                        .also(parent.span.clone(), label),
                );
            }
        }
        self.api.add_node(Node {
            name: name.clone(),
            released: node.released,
            parent,
            features: node.features.iter().map(|feature| feature.text.clone()).collect(),
            doc: node.doc.clone(),
            span: span.clone(),
        })
    }

    fn parent(&mut self, parent: &Name, all: &[Name]) -> Option<NodeId> {
        if self.api.node(&parent.text).is_none() {
            self.tree_holds = false;
            if let Some(later) = all.iter().find(|node| node.text == parent.text) {
                self.diagnostics.push(
                    Diagnostic::error(
                        &codes::A_PARENT_LATER,
                        format!("the parent `{}` is not declared before its child", parent.text),
                    )
                    .at(parent.span.clone(), "")
                    .also(later.span.clone(), "it is declared here")
                    .help(
                        "nodes stand in the file parents first, so that none is its own ancestor",
                    ),
                );
                return None;
            }
        }
        self.known_node(parent)
    }

    /// A node by its name, or an error with the nearest.
    pub(crate) fn known_node(&mut self, name: &Name) -> Option<NodeId> {
        let found = self.api.node(&name.text);
        if found.is_none() {
            let names = self.api.nodes.iter().map(|node| node.name.as_str());
            let near = nearest(&name.text, names).map(str::to_owned);
            let mut error = Diagnostic::error(
                &codes::A_UNKNOWN_NODE,
                format!("no node is named `{}`", name.text),
            )
            .at(name.span.clone(), "");
            if let Some(near) = near {
                error = error.help(format!("did you mean `{near}`?"));
            }
            self.diagnostics.push(error);
        }
        found
    }
}
