//! Law 1: a released node never changes.
//!
//! Every node of the older text counts as released. Documentation may change; what programs and
//! hosts rely on may not.

use abide_diag::Diagnostic;

use crate::codes;
use crate::model::{Api, CompatBody, Definition, Event, NodeId, Window};

pub(super) fn since(new: &Api, old: &Api) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    head(new, old, &mut found);
    for (index, node) in old.nodes.iter().enumerate() {
        let old_id = NodeId(index as u32);
        let Some(id) = new.node(&node.name) else {
            found.push(
                broken(format!("the node {} is gone", node.name))
                    .help("released nodes stay in the file for ever"),
            );
            continue;
        };
        let now = new.node_ref(id);
        let parent = |api: &Api, parent: Option<NodeId>| {
            parent.map_or("no parent".to_owned(), |id| api.node_ref(id).name.clone())
        };
        let (was, is) = (parent(old, node.parent), parent(new, now.parent));
        if was != is {
            found.push(
                broken(format!("the parent of {} was {was}, and is {is} now", node.name))
                    .at(now.span.clone(), ""),
            );
        }
        if now.released != node.released {
            found.push(
                broken(format!(
                    "{} was released on {}, not on {}",
                    node.name, node.released, now.released
                ))
                .at(now.span.clone(), ""),
            );
        }
        definitions(new, id, old, old_id, &mut found);
        events(new, id, old, old_id, &mut found);
    }
    found
}

fn broken(message: String) -> Diagnostic {
    Diagnostic::error(&codes::A_LAW_RELEASED, message)
}

fn head(new: &Api, old: &Api, found: &mut Vec<Diagnostic>) {
    if new.name != old.name {
        found.push(broken(format!("the API was named `{}`, not `{}`", old.name, new.name)));
    }
    if shorter(new.retain, old.retain) {
        found.push(
            broken("the window of the API became shorter".to_owned())
                .note("definitions that are superseded already were promised the longer one")
                .help(
                    "keep it, and give new definitions their own: `retain …` after the definition",
                ),
        );
    }
    let baseline = |api: &Api| api.baseline.map(|id| api.node_ref(id).name.clone());
    if let Some(was) = baseline(old)
        && baseline(new).as_ref() != Some(&was)
    {
        found.push(
            broken(format!("the baseline was {was}"))
                .help("objects without a stamp mean its definitions, for ever"),
        );
    }
}

/// Spans are compared roughly, with months of 30 days: any real shortening shows.
fn shorter(new: Window, old: Window) -> bool {
    let days = |years: u16, months: u16, days: u16| {
        u32::from(years) * 365 + u32::from(months) * 30 + u32::from(days)
    };
    match (new, old) {
        (Window::Forever, _) => false,
        (_, Window::Forever) => true,
        (Window::Nodes(new), Window::Nodes(old)) => new < old,
        (
            Window::Span { years: y, months: m, days: d },
            Window::Span { years, months, days: old_days },
        ) => days(y, m, d) < days(years, months, old_days),
        // Nodes and spans cannot be compared: the promise is another one.
        _ => true,
    }
}

fn in_node(api: &Api, node: NodeId) -> impl Iterator<Item = &Definition> + '_ {
    api.definitions.iter().filter(move |definition| definition.node == node)
}

/// What a definition promises: all of it but its documentation and its place.
fn promise(api: &Api, definition: &Definition) -> (Definition, Option<String>) {
    let mut promise = definition.clone();
    promise.forget_spans();
    promise.doc = None;
    promise.node = NodeId(0);
    promise.compat = None;
    promise.after = None;
    if let crate::model::DefKind::Struct(body) = &mut promise.kind {
        body.fields.iter_mut().for_each(|field| field.doc = None);
    }
    let feature = promise
        .feature
        .take()
        .and_then(|index| api.node_ref(definition.node).features.get(index as usize).cloned());
    (promise, feature)
}

fn definitions(new: &Api, id: NodeId, old: &Api, old_id: NodeId, found: &mut Vec<Diagnostic>) {
    let name = &old.node_ref(old_id).name;
    let same_thing = |a: &Definition, b: &Definition| {
        a.name == b.name
            && crate::query::Namespace::of(&a.kind) == crate::query::Namespace::of(&b.kind)
    };
    for was in in_node(old, old_id) {
        let Some(is) = in_node(new, id).find(|is| same_thing(is, was)) else {
            found.push(
                broken(format!("`{}@{name}` is gone", was.name))
                    .at(new.node_ref(id).span.clone(), "this node had it")
                    .help("to take a name away, say so in a new node"),
            );
            continue;
        };
        if promise(new, is) != promise(old, was) {
            found.push(
                broken(format!("`{}@{name}` changed", was.name))
                    .at(is.name_span.clone(), "")
                    .help("define it anew in a new node, with `changed \"…\"`"),
            );
        }
        compat(new, is, old, was, name, found);
    }
    for is in in_node(new, id) {
        if !in_node(old, old_id).any(|was| same_thing(is, was)) {
            found.push(
                broken(format!("`{}` was added to {name}, which is released", is.name))
                    .at(is.name_span.clone(), "")
                    .help("put it into a new node"),
            );
        }
    }
}

/// A compat body belongs to the node that it is written in.
fn compat(
    new: &Api,
    is: &Definition,
    old: &Api,
    was: &Definition,
    name: &str,
    found: &mut Vec<Diagnostic>,
) {
    let written = |api: &Api, compat: &CompatBody| {
        (compat.text.trim().to_owned(), api.node_ref(compat.node).name.clone())
    };
    let before = was.compat.as_ref().map(|compat| written(old, compat));
    let after = is.compat.as_ref().map(|compat| written(new, compat));
    // A body in a node that is new itself changes no released one.
    let new_node = after.as_ref().is_some_and(|(_, node)| old.node(node).is_none());
    if before == after || (before.is_none() && new_node) {
        return;
    }
    let place = is.compat.as_ref().map_or(is.name_span.clone(), |compat| compat.span.clone());
    found.push(
        broken(format!("the compat body of `{}@{name}` changed", was.name))
            .at(place, "")
            .help("programs are served by it; a released one stays as it is"),
    );
}

fn events(new: &Api, id: NodeId, old: &Api, old_id: NodeId, found: &mut Vec<Diagnostic>) {
    let of = |api: &Api, node: NodeId| -> Vec<Event> {
        api.events.iter().filter(|event| event.node == node).cloned().collect()
    };
    let name = &old.node_ref(old_id).name;
    let (before, after) = (of(old, old_id), of(new, id));
    let same =
        |a: &Event, b: &Event| (&a.name, a.namespace, &a.kind) == (&b.name, b.namespace, &b.kind);
    for was in before.iter().filter(|was| !after.iter().any(|is| same(is, was))) {
        found.push(
            broken(format!("{name} says something else of `{}` than it did", was.name))
                .at(new.node_ref(id).span.clone(), "")
                .help("what a released node deprecates, removes or withdraws stays so"),
        );
    }
    for is in after.iter().filter(|is| !before.iter().any(|was| is.name == was.name)) {
        found.push(
            broken(format!("{name} is released and said nothing of `{}`", is.name))
                .at(is.span.clone(), "")
                .help("say it in a new node"),
        );
    }
}
