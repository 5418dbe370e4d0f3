//! Laws 2 to 5 and 7, and the layouts that follow from them.

use abide_diag::Diagnostic;

use crate::codes;
use crate::ctype::CType;
use crate::model::{Api, DefId, DefKind, Definition, EventKind, Prototype, StructType, Window};
use crate::query::Namespace;
use crate::syntax::Types;

type Found = Vec<Diagnostic>;

/// Law 2.
pub(super) fn numbers(api: &Api, found: &mut Found) {
    for id in api.ids() {
        let definition = api.definition(id);
        let DefKind::Helper { number, .. } = definition.kind else { continue };
        let first = api.helper_by_number(number).first().map(|first| api.definition(*first));
        if let Some(first) = first.filter(|first| first.name != definition.name) {
            found.push(
                Diagnostic::error(
                    &codes::A_LAW_NUMBER,
                    format!("helper number {number} is `{}` already", first.name),
                )
                .at(definition.span.clone(), "")
                .also(first.name_span.clone(), "taken here, for ever")
                .help("take a number that no helper ever had; gaps are legal"),
            );
        }
        let number_of = |id: &DefId| match api.definition(*id).kind {
            DefKind::Helper { number, .. } => Some((*id, number)),
            _ => None,
        };
        let named = api.definitions_of(Namespace::Callable, &definition.name);
        if let Some((other, first)) = named.iter().find_map(number_of)
            && first != number
        {
            found.push(
                Diagnostic::error(
                    &codes::A_LAW_NUMBER,
                    format!("`{}` is helper {first}, it cannot become {number}", definition.name),
                )
                .at(definition.span.clone(), "")
                .also(api.definition(other).name_span.clone(), "numbered here")
                .help("a host whose numbers differ says so itself: `helper N = NAME;`"),
            );
        }
    }
}

/// What a redefinition does to the definition before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    None,
    /// C types or arity of a callable.
    Prototype,
    Other,
}

fn difference(old: &Definition, new: &Definition) -> Difference {
    let kinds = (old.kind.word(), new.kind.word());
    if let (Some(old), Some(new)) = (old.kind.prototype(), new.kind.prototype())
        && (kinds.0 != kinds.1 || !same_c(old, new))
    {
        return Difference::Prototype;
    }
    let (mut old, mut new) = (old.clone(), new.clone());
    old.forget_spans();
    new.forget_spans();
    if old.kind == new.kind { Difference::None } else { Difference::Other }
}

/// Whether a call of one is a call of the other, as far as C sees.
pub(crate) fn same_c(old: &Prototype, new: &Prototype) -> bool {
    let types = |prototype: &Prototype| -> Vec<CType> {
        prototype.params.iter().map(|param| param.ty.clone()).collect()
    };
    old.returns == new.returns && old.variadic == new.variadic && types(old) == types(new)
}

/// Laws 3 and 5.
pub(super) fn redefinitions(api: &Api, found: &mut Found) {
    for id in api.ids() {
        let new = api.definition(id);
        let Some(before) = api.supersedes(id) else {
            let word = match (&new.changed, &new.no_compat) {
                (Some(_), _) => "changed",
                (None, Some(_)) => "no_compat",
                (None, None) => continue,
            };
            found.push(
                Diagnostic::error(
                    &codes::A_LAW_NOTHING_BEFORE,
                    format!("`{word}`, but nothing defines `{}` before", new.name),
                )
                .at(new.name_span.clone(), "")
                .help(format!("take `{word}` away")),
            );
            continue;
        };
        let old = api.definition(before);
        let namespace = Namespace::of(&new.kind);
        let gone = api
            .gone(namespace, &new.name, new.node)
            .filter(|event| event.node >= old.node && event.node < new.node);
        match gone {
            Some(event) if new.changed.is_none() => found.push(
                Diagnostic::error(
                    &codes::A_LAW_TAKEN_AGAIN,
                    format!("`{}` was taken away and cannot be taken again", new.name),
                )
                .at(new.name_span.clone(), "")
                .also(event.span.clone(), format!("gone since {}", api.node_ref(event.node).name))
                .help("take another name, or say `changed \"…\"` if it is the same thing again"),
            ),
            Some(_) => {}
            None => redefinition(api, id, before, found),
        }
    }
}

fn redefinition(api: &Api, id: DefId, before: DefId, found: &mut Found) {
    let (new, old) = (api.definition(id), api.definition(before));
    let difference = difference(old, new);
    // A body given to an opaque struct, and what `extend` adds, break no program.
    let compatible = match (&old.kind, &new.kind) {
        (DefKind::Struct(StructType { opaque: true, .. }), DefKind::Struct(new)) => !new.opaque,
        (_, DefKind::Struct(new)) => new.inherited.is_some(),
        (_, DefKind::Enum(new)) => new.inherited.is_some(),
        (_, DefKind::Rights(_)) => true,
        _ => false,
    };
    if new.changed.is_none() && !compatible {
        let same = difference == Difference::None;
        let what = if same { "and nothing differs" } else { "without saying what changed" };
        let mut error = Diagnostic::error(
            &codes::A_LAW_CHANGED,
            format!("`{}` is defined again {what}", new.name),
        )
        .at(new.name_span.clone(), "")
        .also(old.name_span.clone(), "the earlier definition");
        error = if same {
            error.help("take it away, or say `changed \"…\"` if it behaves differently")
        } else {
            error.help("say `changed \"…\"` after it")
        };
        found.push(error);
    }
    let compat = old.compat.as_ref().filter(|compat| compat.node == new.node);
    if difference == Difference::Prototype && new.no_compat.is_none() && old.compat.is_none() {
        let mut error = Diagnostic::error(
            &codes::A_LAW_COMPAT,
            format!("the prototype of `{}` changed: who serves its old callers?", new.name),
        )
        .at(new.name_span.clone(), "")
        .also(old.name_span.clone(), "the earlier definition");
        if let (Some(old), Some(new_proto)) = (old.kind.prototype(), new.kind.prototype()) {
            error = error
                .note(format!("before: {}", old.declare(&new.name)))
                .note(format!("now: {}", new_proto.declare(&new.name)));
        }
        found.push(error.help(format!(
            "write `compat {} {{ … }}` in this node, or `no_compat \"…\"` with the reason",
            api.label(before)
        )));
    }
    if let (Some(compat), Some(_)) = (compat, &new.no_compat) {
        found.push(
            Diagnostic::error(
                &codes::A_LAW_COMPAT,
                format!("`no_compat`, but `{}` has a compat body", api.label(before)),
            )
            .at(new.name_span.clone(), "")
            .also(compat.span.clone(), "this one")
            .help("take one of them away"),
        );
    }
}

/// Laws 4 and 7.
pub(super) fn removals(api: &Api, found: &mut Found) {
    for event in &api.events {
        let EventKind::Removed { early: None, .. } = event.kind else { continue };
        let (namespace, name) = (event.namespace, event.name.as_str());
        let Some(id) = api.newest(namespace, name, event.node) else { continue };
        let here = api.node_ref(event.node);
        let error =
            |code, message: String| Diagnostic::error(code, message).at(event.span.clone(), "");
        if api.is_baseline(id) {
            let baseline = api.baseline.map_or("", |node| &api.node_ref(node).name);
            found.push(
                error(
                    &codes::A_LAW_BASELINE,
                    format!(
                        "`{name}` belongs to the baseline {baseline}, which is served for ever"
                    ),
                )
                .also(api.definition(id).name_span.clone(), "defined here")
                .help("deprecate it; or withdraw it, for a reason"),
            );
            continue;
        }
        let deprecation = api
            .deprecation(namespace, name, event.node)
            .filter(|deprecated| deprecated.node >= api.definition(id).node);
        let Some(deprecation) = deprecation.filter(|deprecated| deprecated.node != event.node)
        else {
            found.push(
                error(&codes::A_LAW_REMOVAL, format!("`{name}` is removed, but was never deprecated"))
                    .also(api.definition(id).name_span.clone(), "defined here")
                    .help("deprecate it first, and remove it when its window is over; or withdraw it, for a reason"),
            );
            continue;
        };
        let window = api.window_of(id);
        if api.over(window, deprecation.node, event.node) {
            continue;
        }
        let since = api.node_ref(deprecation.node);
        let mut wrong =
            error(&codes::A_LAW_REMOVAL, format!("`{name}` is removed before its window is over"))
                .also(
                    deprecation.span.clone(),
                    format!("deprecated by {}, released on {}", since.name, since.released),
                );
        wrong = match (window, window.after(since.released)) {
            (Window::Forever, _) => wrong
                .note("its window is `forever`")
                .help("keep it deprecated; or withdraw it, for a reason"),
            (_, Some(end)) => wrong
                .note(format!("{} is released on {}", here.name, here.released))
                .help(format!("remove it in a node released on {end} or later")),
            (Window::Nodes(count), None) => {
                wrong.help(format!("remove it {count} nodes after {} or later", since.name))
            }
            (_, None) => wrong.help("its window ends after the last day of the calendar"),
        };
        found.push(wrong);
    }
}

/// A struct that holds another by value is defined anew when the other changes its layout.
pub(super) fn layouts(api: &Api, found: &mut Found) {
    for id in api.ids() {
        let new = api.definition(id);
        let changes = matches!(Namespace::of(&new.kind), Namespace::Tag | Namespace::Typedef)
            && api.supersedes(id).is_some();
        if !changes {
            continue;
        }
        let types = Types { api, node: new.node };
        for outer in api.ids() {
            let holder = api.definition(outer);
            let DefKind::Struct(body) = &holder.kind else { continue };
            let current = api.newest(Namespace::Tag, &holder.name, new.node) == Some(outer);
            if !current || holder.node == new.node {
                continue;
            }
            let moved = body.fields.iter().find(|field| {
                holds(api, &field.ty, &new.name)
                    && types.layout(&field.ty).is_ok_and(|(size, _)| size != u64::from(field.size))
            });
            if let Some(field) = moved {
                found.push(
                    Diagnostic::error(
                        &codes::A_LAYOUT,
                        format!(
                            "`{}` holds `{}` by value: its layout would change in {}",
                            holder.name,
                            new.name,
                            api.node_ref(new.node).name
                        ),
                    )
                    .at(new.name_span.clone(), "the size changes here")
                    .also(field.span.clone(), "held here")
                    .help(format!("define `{}` again after it, with `changed \"…\"`", holder.name)),
                );
            }
        }
    }
}

/// Whether a type has another inside it, by name, not behind a pointer. Typedefs are followed by
/// name only as far as needed to blame the right change: any typedef may hide it.
fn holds(api: &Api, ty: &CType, name: &str) -> bool {
    match ty {
        CType::Struct(held) | CType::Union(held) | CType::Enum(held) => held == name,
        CType::Named(held) => {
            held == name
                || api.definitions_of(Namespace::Typedef, held).iter().any(|id| {
                    match &api.definition(*id).kind {
                        DefKind::Typedef(CType::Named(_)) => true,
                        DefKind::Typedef(ty) => holds(api, ty, name),
                        _ => false,
                    }
                })
        }
        CType::Const(inner) | CType::Array(inner, _) => holds(api, inner, name),
        CType::Void | CType::Int(_) | CType::Pointer(_) | CType::Function(..) => false,
    }
}
