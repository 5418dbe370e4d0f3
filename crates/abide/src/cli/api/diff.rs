//! `abide api diff`: what a program has to expect between two versions of an API.

use std::fmt::Write;

use abide::Api;
use abide_api::diff::{Change, Effect, Version, diff};
use abide_api::query::Namespace;
use serde::Serialize;

use crate::cli::apis;
use crate::cli::fail::{Exit, Failure};
use crate::cli::ui::{Ui, count, plain};

#[derive(Serialize)]
struct DiffJson {
    before: String,
    after: String,
    breaking: Vec<ChangeJson>,
    compatible: Vec<ChangeJson>,
}

#[derive(Serialize)]
struct ChangeJson {
    kind: &'static str,
    name: String,
    what: Vec<String>,
    before: Option<String>,
    after: Option<String>,
}

pub(super) fn main(before: &str, after: &str, ui: &Ui) -> Result<Exit, Failure> {
    let (old, old_node) = apis::version(before)?;
    let (new, new_node) = apis::version(after)?;
    let label = |api: &Api, node| format!("{}@{}", api.name, api.node_ref(node).name);
    let changes =
        diff(Version { api: &old, node: old_node }, Version { api: &new, node: new_node });
    let json = |effect: Effect| -> Vec<ChangeJson> {
        let of = |change: &&Change| change.effect == effect;
        changes.iter().filter(of).map(|change| change_json(&old, &new, change)).collect()
    };
    let json = DiffJson {
        before: label(&old, old_node),
        after: label(&new, new_node),
        breaking: json(Effect::Breaking),
        compatible: json(Effect::Compatible),
    };
    ui.show(&json, |paint| {
        let mut out = String::new();
        for (head, changes) in
            [(paint.bad("breaking"), &json.breaking), (paint.good("compatible"), &json.compatible)]
        {
            if !changes.is_empty() {
                let _ = writeln!(out, "{head}");
            }
            for change in changes {
                let what = plain(&change.what.join("; "));
                let _ = writeln!(out, "  {} {}: {what}", change.kind, paint.head(&change.name));
            }
        }
        let _ = writeln!(
            out,
            "{} to {}: {}, {} compatible",
            json.before,
            json.after,
            count(json.breaking.len() as u64, "breaking change"),
            json.compatible.len()
        );
        out
    })?;
    Ok(if json.breaking.is_empty() { Exit::Done } else { Exit::Refused })
}

fn change_json(old: &Api, new: &Api, change: &Change) -> ChangeJson {
    let definition = match (change.after, change.before) {
        (Some(id), _) => Some(new.definition(id)),
        (None, Some(id)) => Some(old.definition(id)),
        (None, None) => None,
    };
    let kind = definition.map_or("name", |definition| definition.kind.word());
    let kind = if change.namespace == Namespace::Rights { "rights" } else { kind };
    ChangeJson {
        kind,
        name: change.name.clone(),
        what: change.what.clone(),
        before: change.before.map(|id| old.label(id)),
        after: change.after.map(|id| new.label(id)),
    }
}
