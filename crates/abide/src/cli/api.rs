//! `abide api`: API files shown, checked and formatted. What they mean is found out by the room `api`.

use std::fmt::Write;
use std::path::PathBuf;

use abide::{Api, codes};
use abide_api::listed;
use abide_api::model::{DefId, DefKind, Definition, Event, EventKind, NodeId};
use abide_api::query::Namespace;
use abide_diag::{Diagnostic, Severity, misspelt, printable};
use clap::Subcommand;
use serde::Serialize;

mod calendar;
mod diff;
mod evidence;
mod why;

use super::apis;
use super::fail::{Exit, Failure, Message, shown};
use super::ui::{MessageJson, Paint, Ui, count, plain};

/// Show and check API files.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  abide api lint kv.api                      check an API file
  abide api why bpf_task_acquire             all that is known of one name")]
pub(crate) enum Command {
    /// Show the versions of an API, one of them, or the life of one name
    #[command(after_help = "\
Examples:
  abide api show linux                       all nodes of the built-in API
  abide api show linux LINUX_6.19            what one node brought
  abide api show linux bpf_dynptr_size       every definition of a name
  abide api show kv.api KV_2/ttl             one feature
  abide api show kv.api acme_lts             a host statement")]
    Show {
        /// The API file; `linux` is the built-in one
        file: PathBuf,
        /// A node, a name, a definition (`name@NODE`), a feature (`NODE/feature`) or a host
        name: Option<String>,
    },
    /// Check API files: syntax, names, and the laws of the language
    #[command(after_help = "\
Examples:
  abide api lint kv.api
  abide api lint --since released/kv.api kv.api      also: no released node may change

Ends with 1 if there are errors; warnings alone are no reason to.")]
    Lint {
        /// The API files
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// An older text of the same API: its nodes are released and may not change
        #[arg(long, value_name = "OLD")]
        since: Option<PathBuf>,
    },
    /// Print an API file in canonical form; documentation is kept, other comments are not
    #[command(after_help = "\
Examples:
  abide api print kv.api
  diff <(abide api print old.api) <(abide api print new.api)")]
    Print {
        /// The API file; `linux` is the built-in one
        file: PathBuf,
    },
    /// Say all that is known of one name: its versions, who may call it, and on what evidence
    #[command(after_help = "\
Examples:
  abide api why bpf_task_acquire             a kfunc: prototypes, program types, changes
  abide api why BPF_TRACE_FENTRY_MULTI       a constant
  abide api why __sk_buff.tstamp             a field
  abide api why kv_find --api kv.api         a name of another API

The evidence of the built-in API is what was measured or read for it: see apis/facts.")]
    Why {
        /// A helper, kfunc, program type, map type, type, constant, or `struct.field`
        name: String,
        /// The API file; `linux` is the built-in one
        #[arg(long = "api", value_name = "FILE", default_value = "linux")]
        file: PathBuf,
    },
    /// Compare two versions: what breaks a program that was built for the first
    #[command(after_help = "\
Examples:
  abide api diff linux@LINUX_6.1 linux@LINUX_6.12
  abide api diff released/kv.api kv.api                  the newest nodes of two files
  abide api diff kv.api@KV_1 kv.api@KV_3

Ends with 1 if a change breaks programs. What a host still serves of the first version is not
asked here: a change breaks programs that the old definition was kept for, too.")]
    Diff {
        /// The version that programs were built for: FILE or FILE@NODE; `linux` is the built-in API
        before: String,
        /// The version that they are to run on
        after: String,
    },
    /// List what leaves support, and on which day
    #[command(after_help = "\
Examples:
  abide api calendar
  abide api calendar kv.api --format json

A definition leaves when another took its place or its name was deprecated, and its window is
over.")]
    Calendar {
        /// The API file; `linux` is the built-in one
        #[arg(default_value = "linux")]
        file: PathBuf,
    },
}

pub(crate) fn main(command: &Command, ui: &Ui) -> Result<Exit, Failure> {
    match command {
        Command::Show { file, name } => {
            let api = apis::by_file_or_name(file)?;
            match name {
                None => show_all(&api, ui),
                Some(name) => show_one(&api, name, ui),
            }
        }
        Command::Why { name, file } => why::main(name, file, ui),
        Command::Diff { before, after } => diff::main(before, after, ui),
        Command::Calendar { file } => calendar::main(file, ui),
        Command::Lint { files, since } => lint(files, since.as_ref(), ui),
        Command::Print { file } => {
            let api = apis::by_file_or_name(file)?;
            let json = PrintJson { api: &api.name, text: api.print() };
            ui.show(&json, |_| json.text.clone())?;
            Ok(Exit::Done)
        }
    }
}

#[derive(Serialize)]
struct PrintJson<'a> {
    api: &'a str,
    text: String,
}

#[derive(Serialize)]
struct ApiJson<'a> {
    api: &'a str,
    doc: Option<&'a str>,
    retain: String,
    baseline: Option<&'a str>,
    nodes: Vec<NodeJson<'a>>,
    hosts: Vec<HostJson<'a>>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    node: &'a str,
    released: String,
    parent: Option<&'a str>,
    definitions: Vec<DefinitionJson<'a>>,
    events: Vec<EventJson<'a>>,
}

#[derive(Serialize)]
struct DefinitionJson<'a> {
    label: String,
    kind: &'static str,
    declaration: String,
    /// As it stands in the file.
    statement: String,
    feature: Option<String>,
    released: String,
    changed: Option<&'a str>,
    superseded_by: Option<String>,
    /// How long it is served once it is superseded, if it can be called.
    window: Option<String>,
    compat: bool,
    doc: Option<&'a str>,
}

#[derive(Serialize)]
struct EventJson<'a> {
    name: &'a str,
    node: &'a str,
    event: &'static str,
    instead: Option<&'a str>,
    remove: Option<&'a str>,
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct HostJson<'a> {
    host: &'a str,
    node: &'a str,
    released: String,
    adds: &'a [String],
    withdraws: Vec<&'a str>,
    lacks: Vec<LackJson<'a>>,
    numbers: Vec<(u32, &'a str)>,
}

#[derive(Serialize)]
struct LackJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

fn show_all(api: &Api, ui: &Ui) -> Result<Exit, Failure> {
    let json = ApiJson {
        api: &api.name,
        doc: api.doc.as_deref(),
        retain: api.retain.to_string(),
        baseline: api.baseline.map(|id| api.node_ref(id).name.as_str()),
        nodes: (0..api.nodes.len() as u32).map(|index| node(api, NodeId(index))).collect(),
        hosts: hosts(api, |_| true),
    };
    ui.show(&json, |paint| {
        let baseline =
            json.baseline.map_or("no baseline".to_owned(), |node| format!("baseline {node}"));
        let head = paint.head(&format!("api {}", json.api));
        let mut out = format!("{head}: retain {}, {baseline}\n", json.retain);
        for node in &json.nodes {
            node.text(paint, false, &mut out);
        }
        json.hosts.iter().for_each(|host| host.text(paint, &mut out));
        out
    })?;
    Ok(Exit::Done)
}

fn show_one(api: &Api, name: &str, ui: &Ui) -> Result<Exit, Failure> {
    if let Some(id) = api.node(name) {
        let json = node(api, id);
        ui.show(&json, |paint| {
            let mut out = String::new();
            json.text(paint, true, &mut out);
            out.trim_start().to_owned()
        })?;
        return Ok(Exit::Done);
    }
    let found = hosts(api, |host| host == name);
    if let [host] = &found[..] {
        ui.show(host, |paint| {
            let mut out = String::new();
            host.text(paint, &mut out);
            out.trim_start().to_owned()
        })?;
        return Ok(Exit::Done);
    }
    let ids = match api.labelled(name) {
        labelled if !labelled.is_empty() => labelled,
        _ => api.ids().filter(|id| api.definition(*id).name == name).collect(),
    };
    if ids.is_empty() {
        let message = format!(
            "`{}` has no node, host, feature or definition `{}`",
            api.name,
            printable(name)
        );
        let mut diagnostic = Diagnostic::error(&codes::C_NO_NAME, message);
        let near = near(api, name);
        if !near.is_empty() {
            diagnostic = diagnostic.help(format!("there is {}", near.join(", ")));
        }
        return Err(Failure::refused(diagnostic));
    }
    let life = LifeJson {
        definitions: ids.iter().map(|id| definition(api, *id)).collect(),
        events: api.events_of(name).map(|found| event(api, found)).collect(),
    };
    ui.show(&life, |paint| {
        let mut out = String::new();
        for found in &life.definitions {
            found.text(paint, &mut out);
        }
        for event in &life.events {
            let _ = writeln!(out, "{}", event.text(true));
        }
        out.trim_start().to_owned()
    })?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct LifeJson<'a> {
    definitions: Vec<DefinitionJson<'a>>,
    events: Vec<EventJson<'a>>,
}

/// Names that begin like what was asked for, those that do for longest first.
pub(crate) fn near<'a>(api: &'a Api, name: &str) -> Vec<&'a str> {
    let common = |known: &str| {
        let pairs = known.bytes().zip(name.bytes());
        pairs.take_while(|(a, b)| a.eq_ignore_ascii_case(b)).count()
    };
    let nodes = api.nodes.iter().map(|node| node.name.as_str());
    let definitions = api.definitions.iter().map(|definition| definition.name.as_str());
    let mut names: Vec<&str> = nodes.chain(definitions).collect();
    if let Some(near) = misspelt(name, names.iter().copied()) {
        return vec![near];
    }
    let best = names.iter().map(|known| common(known)).max().unwrap_or(0);
    names.retain(|known| common(known) == best && best * 2 >= name.len() && best > 0);
    names.sort_unstable();
    names.dedup();
    names.truncate(8);
    names
}

fn node(api: &Api, id: NodeId) -> NodeJson<'_> {
    let found = api.node_ref(id);
    NodeJson {
        node: &found.name,
        released: found.released.to_string(),
        parent: found.parent.map(|parent| api.node_ref(parent).name.as_str()),
        definitions: api
            .ids()
            .filter(|definition| api.definition(*definition).node == id)
            .map(|id| definition(api, id))
            .collect(),
        events: api.events.iter().filter(|found| found.node == id).map(|e| event(api, e)).collect(),
    }
}

fn definition(api: &Api, id: DefId) -> DefinitionJson<'_> {
    let found = api.definition(id);
    let superseded = api
        .definitions_of(Namespace::of(&found.kind), &found.name)
        .iter()
        .find(|later| api.supersedes(**later) == Some(id));
    DefinitionJson {
        label: api.label(id),
        kind: found.kind.word(),
        declaration: declaration(found),
        statement: statement(api, found),
        feature: api.feature_label(id),
        released: api.node_ref(found.node).released.to_string(),
        changed: found.changed.as_deref(),
        superseded_by: superseded.map(|later| api.label(*later)),
        window: found.kind.prototype().map(|_| api.window_of(id).to_string()),
        compat: found.compat.is_some(),
        doc: found.doc.as_deref(),
    }
}

/// The text of a definition, moved to the left.
fn statement(api: &Api, definition: &Definition) -> String {
    let text = &api.source.text;
    let written = text.get(definition.span.clone()).unwrap_or_default();
    let line_start =
        text[..definition.span.start.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let indent = definition.span.start.saturating_sub(line_start);
    let mut lines = written.lines().map(|line| {
        let blanks = line.len() - line.trim_start().len();
        &line[blanks.min(indent)..]
    });
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + "\n" + line)
}

fn declaration(definition: &Definition) -> String {
    let name = &definition.name;
    match &definition.kind {
        DefKind::Helper { number, prototype } => {
            format!("helper {number} {}", prototype.declare(name))
        }
        DefKind::Kfunc { prototype } => format!("kfunc {}", prototype.declare(name)),
        DefKind::Program(program) => {
            let params: Vec<_> =
                program.params.iter().map(|param| param.ty.declare(&param.name)).collect();
            let sections: Vec<_> =
                program.sections.iter().map(|section| format!("\"{section}\"")).collect();
            let mut text =
                format!("program {name}({}) section {}", params.join(", "), sections.join(", "));
            if let Some((low, high)) = program.returns {
                let _ = write!(text, " returns {low}..{high}");
            }
            text
        }
        DefKind::Struct(body) if body.opaque => format!("{} {name}", definition.kind.word()),
        DefKind::Struct(body) => {
            format!(
                "{} {name}: {} bytes, {}",
                definition.kind.word(),
                body.size,
                count(body.fields.len() as u64, "field")
            )
        }
        DefKind::Enum(body) => format!("enum {name}: {}", count(body.values.len() as u64, "value")),
        DefKind::Typedef(ty) => format!("typedef {}", ty.declare(name)),
        DefKind::Map | DefKind::Ability(_) => format!("{} {name}", definition.kind.word()),
        DefKind::Rights(callers) => format!("extend {name} for {}", listed(callers)),
    }
}

fn event<'a>(api: &'a Api, event: &'a Event) -> EventJson<'a> {
    let mut json = EventJson {
        name: &event.name,
        node: &api.node_ref(event.node).name,
        event: "deprecated",
        instead: None,
        remove: None,
        reason: None,
    };
    match &event.kind {
        EventKind::Deprecated { instead, remove } => {
            json.instead = instead.as_deref();
            json.remove = remove.as_deref();
        }
        EventKind::Removed { instead, early } => {
            json.reason = early.as_deref();
            json.event = "removed";
            json.instead = instead.as_deref();
        }
        EventKind::Withdrawn { reason } => {
            json.event = "withdrawn";
            json.reason = Some(reason);
        }
    }
    json
}

fn hosts(api: &Api, wanted: impl Fn(&str) -> bool) -> Vec<HostJson<'_>> {
    let found = api.hosts.iter().filter(|host| wanted(&host.name));
    found
        .map(|host| HostJson {
            host: &host.name,
            node: &api.node_ref(host.node).name,
            released: host.released.to_string(),
            adds: &host.adds_written,
            withdraws: host.withdraws.iter().map(|(name, _)| name.as_str()).collect(),
            lacks: host
                .lacks
                .iter()
                .map(|(name, why)| LackJson { name, why: why.as_deref() })
                .collect(),
            numbers: host.numbers.iter().map(|(number, name)| (*number, name.as_str())).collect(),
        })
        .collect()
}

impl NodeJson<'_> {
    fn text(&self, paint: Paint, full: bool, out: &mut String) {
        let parent = self.parent.map_or(String::new(), |parent| format!(", grew from {parent}"));
        let _ = writeln!(out, "\n{} released {}{parent}", paint.head(self.node), self.released);
        if full {
            for definition in &self.definitions {
                definition.text(paint, out);
            }
            if !self.events.is_empty() {
                out.push('\n');
            }
        } else {
            for definition in &self.definitions {
                let mut line = format!("  {}", definition.declaration);
                if let Some(feature) = &definition.feature {
                    let _ = write!(line, "  {}", paint.dim(&format!("[{feature}]")));
                }
                if let Some(changed) = definition.changed {
                    let _ =
                        write!(line, "  {}", paint.notice(&plain(&format!("changed: {changed}"))));
                }
                let _ = writeln!(out, "{line}");
            }
        }
        for event in &self.events {
            let _ = writeln!(out, "  {}", paint.notice(&event.text(false)));
        }
    }
}

impl DefinitionJson<'_> {
    fn text(&self, paint: Paint, out: &mut String) {
        let _ = writeln!(out, "\n{}", paint.head(&self.label));
        for text in plain(&self.statement).lines() {
            let _ = writeln!(out, "    {text}");
        }
        let mut line = |text: String| {
            let _ = writeln!(out, "    {text}");
        };
        for text in plain(self.doc.unwrap_or_default()).lines() {
            line(paint.dim(text.trim()));
        }
        let feature =
            self.feature.as_ref().map_or(String::new(), |label| format!(", feature {label}"));
        line(format!("since {}{feature}", self.released));
        if let Some(by) = &self.superseded_by {
            let body = if self.compat { " by its compat body" } else { "" };
            line(match self.window.as_deref() {
                None => format!("superseded by {by}"),
                Some("forever") => format!("superseded by {by}, served{body} for ever"),
                Some(window) => format!("superseded by {by}, served{body} for {window} after that"),
            });
        }
    }
}

impl EventJson<'_> {
    fn text(&self, with_node: bool) -> String {
        let mut text = match self.event {
            "deprecated" => format!("deprecates {}", self.name),
            "removed" => format!("removes {}", self.name),
            _ => format!("withdraws {}", self.name),
        };
        if with_node {
            text = format!("{} {text}", self.node);
        }
        if let Some(instead) = self.instead {
            let _ = write!(text, ", use {instead}");
        }
        if let Some(remove) = self.remove {
            let _ = write!(text, ", to be removed in {remove}");
        }
        if let Some(reason) = self.reason {
            let _ = write!(text, ": {}", plain(reason));
        }
        text
    }
}

impl HostJson<'_> {
    fn text(&self, paint: Paint, out: &mut String) {
        let head = paint.head(&format!("host {}", self.host));
        let _ = writeln!(out, "\n{head}: {}, released {}", self.node, self.released);
        let mut list = |what: &str, names: Vec<String>| {
            if !names.is_empty() {
                let _ = writeln!(out, "  {what} {}", names.join(", "));
            }
        };
        list("adds", self.adds.to_vec());
        list("withdraws", self.withdraws.iter().map(|name| (*name).to_owned()).collect());
        let lacks = self.lacks.iter().map(|lack| match lack.why {
            Some(why) => format!("{} ({})", lack.name, plain(why)),
            None => lack.name.to_owned(),
        });
        list("lacks", lacks.collect());
        let numbers = self.numbers.iter().map(|(number, name)| format!("helper {number} = {name}"));
        list("numbers", numbers.collect());
    }
}

#[derive(Serialize)]
struct LintJson {
    files: Vec<String>,
    errors: usize,
    warnings: usize,
    messages: Vec<MessageJson>,
}

fn lint(files: &[PathBuf], since: Option<&PathBuf>, ui: &Ui) -> Result<Exit, Failure> {
    let old = since.map(|path| apis::by_file_or_name(path)).transpose()?;
    let mut found: Vec<Message> = Vec::new();
    for path in files {
        match apis::by_file_or_name(path) {
            Ok(api) => {
                found.extend(apis::messages(api.warnings.clone(), &api.source));
                if let Some(old) = &old {
                    found.extend(apis::messages(api.lint_since(old), &api.source));
                }
            }
            Err(failure) if failure.exit == Exit::Refused => found.extend(failure.messages),
            Err(failure) => return Err(failure),
        }
    }
    let errors =
        found.iter().filter(|message| message.diagnostic.severity == Severity::Error).count();
    let json = LintJson {
        files: files.iter().map(|path| shown(path)).collect(),
        errors,
        warnings: found.len() - errors,
        messages: found.iter().map(MessageJson::of).collect(),
    };
    if ui.format == super::ui::Format::Text {
        ui.complain(&found);
    }
    ui.show(&json, |paint| {
        let files = count(json.files.len() as u64, "file");
        match (json.errors, json.warnings) {
            (0, 0) => format!("{files}: {}\n", paint.good("no errors")),
            (errors, warnings) => {
                let errors = count(errors as u64, "error");
                let errors = if json.errors > 0 { paint.bad(&errors) } else { errors };
                format!("{files}: {errors}, {}\n", count(warnings as u64, "warning"))
            }
        }
    })?;
    Ok(if errors > 0 { Exit::Refused } else { Exit::Done })
}
