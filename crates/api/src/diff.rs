//! What changed between two versions of an API, as far as programs can notice: by name, breaking or
//! compatible. What a host still serves of an old version is `host`'s to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Api, Caller, Contract, DefId, DefKind, EnumType, NodeId, Prototype, StructType,
};
use crate::print::listed;
use crate::query::Namespace;

/// What a change means for a program that was built for the older version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It may be refused, or do something else.
    Breaking,
    /// It goes on as before.
    Compatible,
}

/// What happened to one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The name.
    pub name: String,
    /// What it names.
    pub namespace: Namespace,
    /// The worst of what happened.
    pub effect: Effect,
    /// What happened, for people; never empty.
    pub what: Vec<String>,
    /// The definition of the older version.
    pub before: Option<DefId>,
    /// The definition of the newer version.
    pub after: Option<DefId>,
}

/// One version of an API.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    /// The API.
    pub api: &'a Api,
    /// The node.
    pub node: NodeId,
}

const NAMESPACES: [Namespace; 6] = [
    Namespace::Callable,
    Namespace::Program,
    Namespace::Map,
    Namespace::Ability,
    Namespace::Tag,
    Namespace::Typedef,
];

/// Every change from one version to another, by namespace and name.
pub fn diff(old: Version<'_>, new: Version<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for namespace in NAMESPACES {
        let names: BTreeSet<&str> =
            old.api.names(namespace).chain(new.api.names(namespace)).collect();
        for name in names {
            let before = old.api.lookup(namespace, name, old.node);
            let after = new.api.lookup(namespace, name, new.node);
            let (effect, what) = match (before, after) {
                (None, None) => continue,
                (Some(_), None) => (Effect::Breaking, vec![gone(new, namespace, name)]),
                (None, Some(_)) => (Effect::Compatible, vec!["is new".to_owned()]),
                (Some(before), Some(after)) => {
                    let mut found = Found::default();
                    both(old, before, new, after, &mut found);
                    match found.end() {
                        Some(found) => found,
                        None => continue,
                    }
                }
            };
            let name = name.to_owned();
            changes.push(Change { name, namespace, effect, what, before, after });
        }
    }
    changes
}

fn gone(new: Version<'_>, namespace: Namespace, name: &str) -> String {
    use crate::model::EventKind;
    let event = new.api.gone(namespace, name, new.node);
    match event.map(|event| (&event.kind, &new.api.node_ref(event.node).name)) {
        Some((EventKind::Removed { instead: Some(instead), .. }, node)) => {
            format!("is gone since {node}: use `{instead}`")
        }
        Some((EventKind::Withdrawn { reason }, node)) => {
            format!("is withdrawn since {node}: {reason}")
        }
        Some((_, node)) => format!("is gone since {node}"),
        None => "is not there".to_owned(),
    }
}

/// What was found of one name.
#[derive(Default)]
struct Found {
    breaking: Vec<String>,
    compatible: Vec<String>,
}

impl Found {
    fn end(mut self) -> Option<(Effect, Vec<String>)> {
        let effect = if self.breaking.is_empty() { Effect::Compatible } else { Effect::Breaking };
        self.breaking.append(&mut self.compatible);
        (!self.breaking.is_empty()).then_some((effect, self.breaking))
    }
}

fn both(old: Version<'_>, before: DefId, new: Version<'_>, after: DefId, found: &mut Found) {
    let (was, is) = (old.api.definition(before), new.api.definition(after));
    match (&was.kind, &is.kind) {
        (DefKind::Struct(was), DefKind::Struct(is)) => structs(was, is, found),
        (DefKind::Enum(was), DefKind::Enum(is)) => enums(was, is, found),
        (DefKind::Program(was), DefKind::Program(is)) => {
            if was.returns != is.returns {
                found.breaking.push("may return other values".to_owned());
            }
            let types = |params: &[crate::model::Param]| -> Vec<String> {
                params.iter().map(|param| param.ty.to_string()).collect()
            };
            if types(&was.params) != types(&is.params) {
                found.breaking.push("takes another context".to_owned());
            }
        }
        (DefKind::Typedef(was), DefKind::Typedef(is)) if was != is => {
            found.breaking.push(format!("is `{is}`, was `{was}`"));
        }
        (was_kind, is_kind) => {
            if let (Some(was), Some(is)) = (was_kind.prototype(), is_kind.prototype()) {
                if was_kind.word() != is_kind.word() || !crate::lint::same_c(was, is) {
                    found.breaking.push(format!("was `{}`", was.declare(&is_name(old, before))));
                }
                contracts(was, is, found);
                rights(old, before, new, after, found);
            }
        }
    }
    behaviour(old, before, new, after, found);
}

fn is_name(version: Version<'_>, id: DefId) -> String {
    version.api.definition(id).name.clone()
}

/// What the definitions in between say of themselves.
fn behaviour(old: Version<'_>, before: DefId, new: Version<'_>, after: DefId, found: &mut Found) {
    let (was, is) = (old.api.definition(before), new.api.definition(after));
    // Another file may define a version that this one has, too.
    let since = new.api.node(&old.api.node_ref(was.node).name);
    let namespace = Namespace::of(&is.kind);
    for id in new.api.definitions_of(namespace, &is.name) {
        let definition = new.api.definition(*id);
        let later = since.is_none_or(|since| definition.node > since);
        if let Some(changed) = &definition.changed
            && later
            && definition.node <= is.node
            && new.api.is_ancestor(definition.node, new.node)
        {
            found.breaking.push(changed.clone());
        }
    }
}

fn contracts(was: &Prototype, is: &Prototype, found: &mut Found) {
    let words = |contract: &Contract| {
        [
            ("acquire", contract.acquire, true, true),
            ("release", contract.release, true, true),
            ("nullable", contract.nullable, true, false),
            ("sleepable", contract.sleepable, true, false),
            ("trusted", contract.trusted, true, false),
            ("destructive", contract.destructive, true, false),
            ("gpl", contract.gpl, true, false),
            ("changes_packet", contract.changes_packet, true, false),
            ("no_packet", contract.no_packet, true, false),
            ("noreturn", contract.noreturn, true, true),
        ]
    };
    for ((word, before, added_breaks, lost_breaks), (_, after, ..)) in
        words(&was.contract).into_iter().zip(words(&is.contract))
    {
        let (text, breaks) = match (before, after) {
            (false, true) => (format!("is `{word}`"), added_breaks),
            (true, false) => (format!("is no longer `{word}`"), lost_breaks),
            _ => continue,
        };
        if breaks { &mut found.breaking } else { &mut found.compatible }.push(text);
    }
}

/// The programs of `these` that are not among `those`.
fn without(these: &[Caller], those: &[Caller]) -> Vec<Caller> {
    let rest = these.iter().filter_map(|caller| {
        let Some(other) = those.iter().find(|other| other.program == caller.program) else {
            return Some(caller.clone());
        };
        let is_new = |section: &&String| !other.sections.contains(section);
        let sections: Vec<String> = caller.sections.iter().filter(is_new).cloned().collect();
        match (caller.sections.is_empty(), other.sections.is_empty()) {
            (_, true) => None,
            (true, false) => Some(caller.clone()),
            (false, false) if sections.is_empty() => None,
            (false, false) => Some(Caller { program: caller.program.clone(), sections }),
        }
    });
    rest.collect()
}

fn rights(old: Version<'_>, before: DefId, new: Version<'_>, after: DefId, found: &mut Found) {
    let may_call = |version: Version<'_>, id| version.api.callers(id, version.node);
    match (may_call(old, before), may_call(new, after)) {
        (None, Some(now)) => found.breaking.push(format!("only for {}", listed(&now))),
        (Some(_), None) => found.compatible.push("for all program types".to_owned()),
        (Some(was), Some(now)) => {
            let (lost, gained) = (without(&was, &now), without(&now, &was));
            let (all, some) = lost.into_iter().partition::<Vec<_>, _>(|caller| {
                !now.iter().any(|kept| caller.sections.is_empty() && kept.program == caller.program)
            });
            if !all.is_empty() {
                found.breaking.push(format!("no longer for {}", listed(&all)));
            }
            for lost in some {
                let kept: Vec<Caller> =
                    now.iter().filter(|kept| kept.program == lost.program).cloned().collect();
                found.breaking.push(format!("of {} only for {}", lost.program, listed(&kept)));
            }
            if !gained.is_empty() {
                found.compatible.push(format!("also for {}", listed(&gained)));
            }
        }
        (None, None) => {}
    }
}

fn structs(was: &StructType, is: &StructType, found: &mut Found) {
    for field in &was.fields {
        match is.fields.iter().find(|now| now.name == field.name) {
            None => found.breaking.push(format!("has no field `{}`", field.name)),
            Some(now) if (now.offset, now.size) != (field.offset, field.size) => {
                found.breaking.push(format!("the field `{}` lies elsewhere", field.name));
            }
            Some(now) if field.writable && !now.writable => {
                found.breaking.push(format!("the field `{}` is not writable", field.name));
            }
            Some(_) => {}
        }
    }
    let new: Vec<&str> = is
        .fields
        .iter()
        .filter(|field| !was.fields.iter().any(|old| old.name == field.name))
        .map(|field| field.name.as_str())
        .collect();
    if !new.is_empty() {
        found.compatible.push(format!("has {}", new.join(", ")));
    }
}

fn enums(was: &EnumType, is: &EnumType, found: &mut Found) {
    let now: BTreeMap<&str, i64> =
        is.values.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    for (name, value) in &was.values {
        match now.get(name.as_str()) {
            None => found.breaking.push(format!("has no `{name}`")),
            Some(other) if other != value => {
                found.breaking.push(format!("`{name}` is {other}, was {value}"));
            }
            Some(_) => {}
        }
    }
    let new: Vec<&str> = is
        .values
        .iter()
        .filter(|(name, _)| !was.values.iter().any(|(old, _)| old == name))
        .map(|(name, _)| name.as_str())
        .collect();
    if !new.is_empty() {
        found.compatible.push(format!("has {}", new.join(", ")));
    }
}
