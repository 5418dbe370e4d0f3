//! The file to be: what is kept by hand, with statements added to its nodes.

use std::collections::{BTreeMap, HashMap};

use abide_api::Api;
use abide_api::model::{DefKind, NodeId};
use abide_api::query::Namespace;

use super::rights::Rights;
use super::tables::Version;
use crate::Failure;

/// What `apis/facts/kept.api` says, and what the tables add.
pub(super) struct File {
    kept: Api,
    text: String,
    /// Texts to insert into what is kept, by place.
    inserts: BTreeMap<usize, String>,
    statements: HashMap<String, Vec<String>>,
    deprecations: HashMap<String, Vec<String>>,
    removals: HashMap<String, Vec<String>>,
}

impl File {
    pub(super) fn new(text: String) -> Result<File, Failure> {
        let kept = Api::parse("kept.api", &text).map_err(|errors| errors.to_string())?;
        Ok(File {
            kept,
            text,
            inserts: BTreeMap::new(),
            statements: HashMap::new(),
            deprecations: HashMap::new(),
            removals: HashMap::new(),
        })
    }

    /// Whether a helper or kfunc is kept by hand.
    pub(super) fn keeps(&self, name: &str) -> bool {
        !self.kept.definitions_of(Namespace::Callable, name).is_empty()
    }

    /// Whether an enum kept by hand has a constant.
    pub(super) fn keeps_constant(&self, name: &str) -> bool {
        self.kept.definitions.iter().any(|definition| match &definition.kind {
            DefKind::Enum(body) => body.values.iter().any(|(constant, _)| constant == name),
            _ => false,
        })
    }

    /// Adds an enum that grows: its constants by version.
    pub(super) fn enumerate(
        &mut self,
        name: &str,
        words: &str,
        by_version: BTreeMap<Version, Vec<String>>,
    ) {
        for (index, (at, constants)) in by_version.into_iter().enumerate() {
            let (extend, words) = if index == 0 { ("", words) } else { ("extend ", "") };
            self.add(at, &format!("{extend}enum {name} {{ {} }}{words}", constants.join(", ")));
        }
    }

    /// `since A..B`, unless A is the version just before.
    pub(super) fn since(&self, low: Version, high: Version) -> String {
        let node = self.kept.node(&high.node());
        let before = node.and_then(|node| self.kept.node_ref(node).parent);
        match self.kept.node(&low.node()) {
            Some(low) if before.is_some_and(|before| low < before) => {
                let name = |id: NodeId| self.kept.node_ref(id).name.clone();
                format!(" since {}..{}", name(low), high.node())
            }
            _ => String::new(),
        }
    }

    /// Adds a statement, without its semicolon.
    pub(super) fn add(&mut self, at: Version, statement: &str) {
        self.statements.entry(at.node()).or_default().push(wrapped(statement));
    }

    /// Adds a statement as it stands.
    pub(super) fn add_text(&mut self, at: Version, text: String) {
        self.statements.entry(at.node()).or_default().push(text);
    }

    /// Deprecates a name.
    pub(super) fn deprecate(&mut self, at: Version, event: &str) {
        self.deprecations.entry(at.node()).or_default().push(wrapped(event));
    }

    /// Removes a name.
    pub(super) fn remove(&mut self, at: Version, event: &str) {
        self.removals.entry(at.node()).or_default().push(wrapped(event));
    }

    /// Says who may call what is kept.
    pub(super) fn grant_kept(&mut self, rights: &Rights) {
        let names: Vec<String> = self.kept.names(Namespace::Callable).map(str::to_owned).collect();
        for name in names {
            let ids = self.kept.definitions_of(Namespace::Callable, &name).to_vec();
            let of = |id| self.kept.node_ref(self.kept.definition(id).node).name.clone();
            let version = |node: String| Version::parse(node.trim_start_matches("LINUX_"));
            let versions: Vec<Version> = ids.iter().filter_map(|id| version(of(*id))).collect();
            for (id, granted) in ids.into_iter().zip(rights.of(&name, &versions)) {
                let definition = self.kept.definition(id);
                let kind = match definition.kind {
                    DefKind::Helper { .. } => "helper",
                    _ => "kfunc",
                };
                if !granted.own.is_empty() {
                    let words = format!("\n        for {}", granted.own.join(", "));
                    self.inserts.insert(definition.span.end - 1, words);
                }
                super::calls::later(self, kind, &name, &granted);
            }
        }
    }

    /// The whole file.
    pub(super) fn text(&self) -> Result<String, Failure> {
        let mut out = String::new();
        let mut done = 0;
        for node in &self.kept.nodes {
            let end =
                self.end_of(node.span.end).ok_or_else(|| format!("{} does not end", node.name))?;
            self.copy(&mut out, done, end);
            done = end;
            let added = self.statements.get(&node.name);
            let lists = [
                ("deprecated", self.deprecations.get(&node.name)),
                ("removed", self.removals.get(&node.name)),
            ];
            if added.is_none() && lists.iter().all(|(_, list)| list.is_none()) {
                continue;
            }
            let trimmed = out.trim_end().len();
            out.truncate(trimmed);
            let body = &self.text[node.span.end..end];
            let listed = ["deprecated:", "removed:", "withdrawn:", "feature "];
            out.push('\n');
            if added.is_some() && listed.iter().any(|label| body.contains(label)) {
                out.push_str("  default:\n");
            }
            for statement in added.into_iter().flatten() {
                out.push_str(statement);
            }
            for (label, events) in lists {
                let Some(events) = events else { continue };
                out.push_str(&format!("  {label}:\n"));
                events.iter().for_each(|event| out.push_str(event));
            }
        }
        self.copy(&mut out, done, self.text.len());
        let out: Vec<&str> = out.lines().map(str::trim_end).collect();
        Ok(out.join("\n") + "\n")
    }

    /// Where the closing brace of a node stands, whose name ends at a place.
    fn end_of(&self, name: usize) -> Option<usize> {
        let rest = &self.text[name..];
        let line = rest.find('\n').unwrap_or(rest.len());
        // A node on one line has nothing in it.
        match rest[..line].find('}') {
            Some(at) => Some(name + at),
            None => Some(name + rest.find("\n}")? + 1),
        }
    }

    fn copy(&self, out: &mut String, from: usize, to: usize) {
        let mut at = from;
        for (place, words) in self.inserts.range(from..to) {
            out.push_str(&self.text[at..*place]);
            out.push_str(words);
            at = *place;
        }
        out.push_str(&self.text[at..to]);
    }
}

/// A statement on as many lines as it needs.
fn wrapped(statement: &str) -> String {
    const WIDTH: usize = 118;
    let mut out = String::new();
    let mut line = "   ".to_owned();
    // Strings stand on one line.
    let mut quoted = false;
    let words = statement.split(|c| {
        quoted ^= c == '"';
        c == ' ' && !quoted
    });
    for word in words {
        if line.len() + word.len() + 2 > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = "       ".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    out + &line + ";\n"
}
