//! `abide api why`: the whole life of one name, and where each fact comes from.

use std::fmt::Write;
use std::path::Path;

use abide::{Api, codes};
use abide_api::ctype::CType;
use abide_api::listed;
use abide_api::model::{DefId, DefKind, EventKind, FieldRole, NodeId};
use abide_api::query::Namespace;
use abide_diag::{Diagnostic, nearest, printable};
use serde::Serialize;

use super::evidence;
use crate::cli::apis;
use crate::cli::fail::{Exit, Failure};
use crate::cli::ui::{Paint, Ui, plain};

#[derive(Serialize)]
struct WhyJson<'a> {
    api: &'a str,
    name: &'a str,
    life: Vec<StepJson>,
    evidence: Vec<evidence::Row>,
}

/// One thing that a node says of the name.
#[derive(Serialize)]
struct StepJson {
    node: String,
    released: String,
    what: String,
    details: Vec<String>,
    doc: Option<String>,
    #[serde(skip)]
    order: (NodeId, u8),
}

pub(super) fn main(name: &str, file: &Path, ui: &Ui) -> Result<Exit, Failure> {
    let api = apis::by_file_or_name(file)?;
    let mut life = Vec::new();
    for id in api.ids() {
        let definition = api.definition(id);
        if definition.name == name {
            life.push(defined(&api, id));
        } else {
            life.extend(member(&api, id, name));
        }
    }
    life.extend(api.events_of(name).map(|event| happened(&api, event)));
    if life.is_empty() {
        let message = format!("`{}` says nothing of `{}`", api.name, printable(name));
        let mut diagnostic = Diagnostic::error(&codes::C_NO_NAME, message);
        let fields = near_field(&api, name);
        let near: Vec<&str> = super::near(&api, name);
        if let Some(field) = fields {
            diagnostic = diagnostic.help(format!("there is {field}"));
        } else if !near.is_empty() {
            diagnostic = diagnostic.help(format!("there is {}", near.join(", ")));
        }
        return Err(Failure::refused(diagnostic));
    }
    life.sort_by_key(|step| step.order);
    let built_in = file.as_os_str() == "linux";
    let evidence = if built_in { evidence::of(&api, name) } else { Vec::new() };
    let json = WhyJson { api: &api.name, name, life, evidence };
    ui.show(&json, |paint| json.text(paint))?;
    Ok(Exit::Done)
}

/// The field of a struct, or the constant, that was probably meant.
fn near_field(api: &Api, name: &str) -> Option<String> {
    let Some((holder, field)) = name.split_once('.') else {
        let constants = api.definitions.iter().filter_map(|definition| match &definition.kind {
            DefKind::Enum(body) => Some(body.values.iter().map(|(name, _)| name.as_str())),
            _ => None,
        });
        return nearest(name, constants.flatten()).map(str::to_owned);
    };
    let fields = api.definitions_of(Namespace::Tag, holder).iter().flat_map(|id| {
        let fields = match &api.definition(*id).kind {
            DefKind::Struct(body) => body.fields.as_slice(),
            _ => &[],
        };
        fields.iter().map(|field| field.name.as_str())
    });
    nearest(field, fields).map(|field| format!("{holder}.{field}"))
}

fn step(api: &Api, node: NodeId, order: u8, what: String) -> StepJson {
    let found = api.node_ref(node);
    StepJson {
        node: found.name.clone(),
        released: found.released.to_string(),
        what,
        details: Vec::new(),
        doc: None,
        order: (node, order),
    }
}

fn defined(api: &Api, id: DefId) -> StepJson {
    let definition = api.definition(id);
    let mut step = match &definition.kind {
        DefKind::Rights(callers) => {
            step(api, definition.node, 1, format!("also for {}", listed(callers)))
        }
        _ => step(api, definition.node, 0, super::declaration(definition)),
    };
    let mut detail = |text: String| step.details.push(text);
    if let Some(prototype) = definition.kind.prototype() {
        let words = prototype.contract.words();
        if !words.is_empty() {
            detail(words.join(" "));
        }
        detail(match prototype.contract.callers.as_slice() {
            [] => "for all program types".to_owned(),
            callers => format!("for {}", listed(callers)),
        });
    }
    if let Some(after) = definition.after {
        let after = &api.node_ref(after).name;
        detail(format!("it may have come any time after {after}"));
    }
    if let Some(changed) = &definition.changed {
        detail(format!("changed: {changed}"));
    }
    if definition.compat.is_some() {
        detail("a compat body serves it by the newer definition".to_owned());
    }
    if let Some(why) = &definition.no_compat {
        detail(format!("the one before has no compat body: {why}"));
    }
    step.doc.clone_from(&definition.doc);
    step
}

/// A constant of an enum, or a field as `struct.field`, in the definition that brought it.
fn member(api: &Api, id: DefId, name: &str) -> Option<StepJson> {
    let definition = api.definition(id);
    match &definition.kind {
        DefKind::Enum(body) => {
            let own = body.values.iter().skip(body.inherited.unwrap_or(0) as usize);
            let (_, value) = own.into_iter().find(|(constant, _)| constant == name)?;
            let what = format!("enum {}: {name} = {value}", definition.name);
            Some(step(api, definition.node, 0, what))
        }
        DefKind::Struct(body) => {
            let (holder, field) = name.split_once('.')?;
            let own = body.fields.iter().skip(body.inherited.unwrap_or(0) as usize);
            let field =
                own.into_iter().find(|found| holder == definition.name && found.name == field)?;
            let word = definition.kind.word();
            let what = format!("{word} {holder}: {}", field.ty.declare(&field.name));
            let mut step = step(api, definition.node, 0, what);
            match (&body.ops, field.ty.unqualified()) {
                (Some(program), CType::Function(..)) => {
                    step.details.push(format!("calls programs of type {program}"));
                }
                // Where it lies is the host's own matter.
                (Some(_), _) => {}
                (None, _) => {
                    step.details.push(format!("{} bytes at {}", field.size, field.offset));
                }
            }
            if field.writable {
                step.details.push("writable".to_owned());
            }
            if field.role != FieldRole::Plain {
                step.details.push("a load gives a pointer".to_owned());
            }
            step.doc.clone_from(&field.doc);
            Some(step)
        }
        _ => None,
    }
}

fn happened(api: &Api, event: &abide_api::model::Event) -> StepJson {
    let used = |instead: &Option<String>| {
        instead.as_ref().map_or(String::new(), |name| format!(", use {name}"))
    };
    let what = match &event.kind {
        EventKind::Deprecated { instead, remove } => {
            let remove = remove.as_ref().map_or(String::new(), |node| format!(", gone in {node}"));
            format!("deprecated{}{remove}", used(instead))
        }
        EventKind::Removed { instead, early } => {
            let early = early.as_ref().map_or(String::new(), |why| format!(": {why}"));
            format!("removed{}{early}", used(instead))
        }
        EventKind::Withdrawn { reason } => format!("withdrawn: {reason}"),
    };
    let namespace = match event.namespace {
        Namespace::Callable => String::new(),
        other => format!(" ({})", other.noun()),
    };
    step(api, event.node, 2, what + &namespace)
}

impl WhyJson<'_> {
    fn text(&self, paint: Paint) -> String {
        let mut out = String::new();
        for step in &self.life {
            let head = paint.head(&step.node);
            let _ = writeln!(out, "{head} ({}): {}", step.released, plain(&step.what));
            for detail in &step.details {
                let _ = writeln!(out, "    {}", plain(detail));
            }
            for line in step.doc.iter().flat_map(|doc| doc.lines()) {
                let _ = writeln!(out, "    {}", paint.dim(plain(line.trim()).as_ref()));
            }
        }
        if !self.evidence.is_empty() {
            let _ = writeln!(out, "\n{}", paint.head("evidence"));
        }
        for row in &self.evidence {
            let says: Vec<String> =
                row.says.iter().map(|(column, cell)| format!("{column}: {cell}")).collect();
            let _ = writeln!(out, "  {}: {}", row.table, plain(&says.join("; ")));
        }
        out
    }
}
