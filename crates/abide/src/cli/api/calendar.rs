//! `abide api calendar`: what leaves support, and when.

use std::fmt::Write;
use std::path::Path;

use abide_api::calendar::{Leaving, Reason};
use abide_api::model::{Api, NodeId};
use serde::Serialize;

use crate::cli::apis;
use crate::cli::fail::{Exit, Failure};
use crate::cli::ui::{Ui, plain};

#[derive(Serialize)]
struct CalendarJson<'a> {
    api: &'a str,
    node: &'a str,
    leaving: Vec<LeavingJson>,
}

#[derive(Serialize)]
struct LeavingJson {
    /// The first day on which it is not served any more.
    on: Option<String>,
    definition: String,
    window: String,
    reason: &'static str,
    since: String,
    instead: Option<String>,
}

pub(super) fn main(file: &Path, ui: &Ui) -> Result<Exit, Failure> {
    let api = apis::by_file_or_name(file)?;
    let newest =
        (0..api.nodes.len() as u32).map(NodeId).max_by_key(|id| api.node_ref(*id).released);
    let Some(node) = newest else { return Ok(Exit::Done) };
    let json = CalendarJson {
        api: &api.name,
        node: &api.node_ref(node).name,
        leaving: api.calendar(node).iter().map(|leaving| leaving_json(&api, leaving)).collect(),
    };
    ui.show(&json, |paint| {
        let mut out = String::new();
        for leaving in &json.leaving {
            let when = match &leaving.on {
                Some(on) => on.clone(),
                None => format!("{} after", leaving.window),
            };
            let instead = leaving.instead.as_ref();
            let instead = instead.map_or(String::new(), |name| format!(", use {name}"));
            let name = paint.head(&plain(&leaving.definition));
            let _ =
                writeln!(out, "{when}  {name}, {} by {}{instead}", leaving.reason, leaving.since);
        }
        if json.leaving.is_empty() {
            let _ = writeln!(out, "nothing of {} leaves", json.api);
        }
        out
    })?;
    Ok(Exit::Done)
}

fn leaving_json(api: &Api, leaving: &Leaving) -> LeavingJson {
    let (reason, node) = match leaving.reason {
        Reason::Superseded(by) => ("superseded", api.definition(by).node),
        Reason::Deprecated(node) => ("deprecated", node),
    };
    LeavingJson {
        on: leaving.on.map(|on| on.to_string()),
        definition: api.label(leaving.id),
        window: leaving.window.to_string(),
        reason,
        since: api.node_ref(node).name.clone(),
        instead: leaving.instead.clone(),
    }
}
