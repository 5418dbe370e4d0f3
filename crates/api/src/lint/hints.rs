//! Warnings: legal, but hardly meant.

use abide_diag::Diagnostic;

use crate::codes;
use crate::model::{Api, Event, EventKind, Prototype, Window};
use crate::query::Namespace;

pub(super) fn hints(api: &Api, found: &mut Vec<Diagnostic>) {
    definitions(api, found);
    for event in &api.events {
        instead(api, event, found);
        planned_removal(api, event, found);
    }
}

fn definitions(api: &Api, found: &mut Vec<Diagnostic>) {
    for id in api.ids() {
        let new = api.definition(id);
        if api.is_baseline(id) && new.retain.is_some_and(|window| window != Window::Forever) {
            found.push(
                Diagnostic::warning(
                    &codes::A_NEEDLESS,
                    format!("the window of `{}` means nothing: the baseline has none", new.name),
                )
                .at(new.name_span.clone(), "")
                .help("take `retain` away"),
            );
        }
        let Some(old) = api.supersedes(id).map(|before| api.definition(before)) else { continue };
        let (Some(before), Some(after)) = (old.kind.prototype(), new.kind.prototype()) else {
            continue;
        };
        let same_c = super::laws::same_c(before, after);
        if same_c && new.no_compat.is_some() {
            found.push(
                Diagnostic::warning(
                    &codes::A_NEEDLESS,
                    format!("`no_compat`, but the prototype of `{}` did not change", new.name),
                )
                .at(new.name_span.clone(), "")
                .help("take it away"),
            );
        }
        if same_c && only_names(before, after) && old.kind.word() == new.kind.word() {
            found.push(
                Diagnostic::warning(
                    &codes::A_ONLY_NAMES,
                    format!("the prototype of `{}` changed in names of parameters only", new.name),
                )
                .at(new.name_span.clone(), "")
                .also(old.name_span.clone(), "the earlier definition")
                .help("keep the names, so that readers see what differs"),
            );
        }
    }
}

/// Names differ; suffixes, which are contract, do not, nor do the words.
fn only_names(before: &Prototype, after: &Prototype) -> bool {
    let mut pairs = before.params.iter().zip(&after.params);
    let suffixes = pairs.clone().all(|(a, b)| a.suffixes().eq(b.suffixes()));
    suffixes && before.contract == after.contract && pairs.any(|(a, b)| a.name != b.name)
}

fn instead(api: &Api, event: &Event, found: &mut Vec<Diagnostic>) {
    let (EventKind::Deprecated { instead: Some(name), .. }
    | EventKind::Removed { instead: Some(name), .. }) = &event.kind
    else {
        return;
    };
    // The replacement may come with a later node, as long as it comes.
    if !api.definitions_of(event.namespace, name).is_empty() {
        return;
    }
    let near = abide_diag::nearest(name, api.names(event.namespace));
    let mut warning = Diagnostic::warning(
        &codes::A_UNKNOWN_INSTEAD,
        format!("`{}` is to be replaced by `{name}`, which no node defines", event.name),
    )
    .at(event.span.clone(), "");
    if let Some(near) = near {
        warning = warning.help(format!("did you mean `{near}`?"));
    }
    found.push(warning);
}

fn planned_removal(api: &Api, event: &Event, found: &mut Vec<Diagnostic>) {
    let EventKind::Deprecated { remove: Some(planned), .. } = &event.kind else { return };
    let Some(planned) = api.node(planned).filter(|node| api.is_ancestor(event.node, *node)) else {
        return;
    };
    let Some(id) = api.newest(event.namespace, &event.name, event.node) else { return };
    let node = api.node_ref(planned);
    let window = api.window_of(id);
    if !api.over(window, event.node, planned) {
        let mut warning = Diagnostic::warning(
            &codes::A_PLANNED_EARLY,
            format!("`{}` is to be removed by {}, inside its window", event.name, node.name),
        )
        .at(event.span.clone(), "")
        .also(node.span.clone(), format!("released on {}", node.released));
        if let Some(end) = window.after(api.node_ref(event.node).released) {
            warning = warning.help(format!("its window is over on {end}"));
        }
        found.push(warning);
        return;
    }
    let still_there = api.lookup(event.namespace, &event.name, planned);
    if still_there.is_some_and(|now| now == id) {
        found.push(
            Diagnostic::warning(
                &codes::A_OVERDUE,
                format!("`{}` was to be removed by {}, and is still there", event.name, node.name),
            )
            .at(event.span.clone(), "")
            .also(node.span.clone(), "this node")
            .help(format!(
                "remove it: `removed: {}{};`",
                match event.namespace {
                    Namespace::Callable => String::new(),
                    _ => format!("{} ", api.definition(id).kind.word()),
                },
                event.name
            )),
        );
    }
}
