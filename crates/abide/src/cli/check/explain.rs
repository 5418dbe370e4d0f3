//! `--explain PROGRAM@HOST`: each requirement of one program on one host.

use std::fmt::Write;
use std::path::PathBuf;

use abide::{Object, Requirements};
use abide_api::check::{Checker, Host, Item, Row, Status, Verdict};
use abide_diag::{Diagnostic, Report as _, printable};
use serde::Serialize;

use super::Args;
use super::hosts::{Hosts, indexed, kernels};
use crate::cli::apis::{self, Apis};
use crate::cli::fail::{Exit, Failure, Message};
use crate::cli::ui::{MessageJson, Paint, Table, Ui, render};
use abide::codes;

#[derive(Debug, Serialize)]
struct Explanation {
    program: String,
    host: String,
    verdict: &'static str,
    requirements: Vec<RequirementJson>,
}

#[derive(Debug, Serialize)]
struct RequirementJson {
    kind: &'static str,
    name: String,
    /// `current`, `added`, `adapted`, `changed`, `there`, `not needed`, `open` or `refused`.
    answer: String,
    /// The definition that serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<MessageJson>,
    #[serde(skip)]
    message: Option<Message>,
}

pub(super) fn main(
    args: &Args,
    apis: &Apis,
    paths: &[PathBuf],
    wanted: &str,
    ui: &Ui,
) -> Result<Exit, Failure> {
    let usage = |message: String, help: &str| {
        Failure::usage(Diagnostic::error(&codes::C_EXPLAIN, message).help(help))
    };
    let Some((program, host)) = wanted.split_once('@') else {
        let message = format!("`{}` is not PROGRAM@HOST", printable(wanted));
        return Err(usage(message, "write for example firewall@LINUX_6.1"));
    };
    let [path] = paths else {
        return Err(usage(
            "several objects are given".to_owned(),
            "give the one that has the program",
        ));
    };
    let (_, object) = apis::object(path)?;
    let needs = apis.requirements(path, &object, None)?;
    let index = needs.programs.iter().position(|found| found.name == program).ok_or_else(|| {
        Failure::no_program(program, "", needs.programs.iter().map(|found| found.name.as_str()))
    })?;
    // A host that `--against` names, or any other.
    let read = kernels(&args.against)?;
    let read = indexed(&read);
    let mut hosts = Hosts::of(&args.against, apis, &read)?;
    if !hosts.iter().any(|named| named.name == host) {
        hosts = Hosts::of(&[host.to_owned()], apis, &[])?;
    }
    let named = hosts.iter().find(|named| named.name == host && named.api.name == needs.api.name);
    let Some(named) = named else {
        let message = format!("`{}` is no host of `{}`", printable(host), needs.api.name);
        return Err(usage(message, "name a version, a kernel, or a file of types by --against"));
    };
    let explanation = explanation(&object, &needs, &named.host, &named.name, index);
    ui.show(&explanation, |paint| explanation.text(paint))?;
    let refused = explanation.verdict == Verdict::Refused.word();
    Ok(if refused { Exit::Refused } else { Exit::Done })
}

fn explanation(
    object: &Object,
    needs: &Requirements,
    host: &Host<'_>,
    name: &str,
    index: usize,
) -> Explanation {
    let checker = Checker::new(object, needs);
    let report = checker.check(host);
    let requirements =
        report.rows(index).map(|row| requirement(object, needs, index, row)).collect();
    Explanation {
        program: printable(&needs.programs[index].name).into_owned(),
        host: name.to_owned(),
        verdict: report.verdict(index).word(),
        requirements,
    }
}

fn requirement(object: &Object, needs: &Requirements, index: usize, row: &Row) -> RequirementJson {
    let (kind, name) = item(object, needs, index, row.item);
    let api = &needs.api;
    let mut found = RequirementJson {
        kind,
        name: printable(&name).into_owned(),
        answer: String::new(),
        by: None,
        place: row.site.as_ref().map(ToString::to_string),
        note: None,
        refusal: None,
        message: None,
    };
    match &row.status {
        Status::Served { by, service, renumbered, changed } => {
            found.answer = if *changed { "changed" } else { service.word() }.to_owned();
            found.by = Some(api.label(*by));
            found.note = match (renumbered, changed) {
                (Some(number), _) => Some(format!("its number is {number} there")),
                (None, true) => api.definition(*by).changed.clone(),
                (None, false) => None,
            };
        }
        Status::There => found.answer = "there".to_owned(),
        Status::NotNeeded => {
            found.answer = "not needed".to_owned();
            found.note = Some("no instruction that can run there uses it".to_owned());
        }
        Status::Open(why) => {
            found.answer = "open".to_owned();
            found.note = Some((*why).to_owned());
        }
        Status::NotAttached(refusal) | Status::Refused(refusal) => {
            found.answer = "refused".to_owned();
            let message = Message::from(refusal.report());
            found.refusal = Some(MessageJson::of(&message));
            found.message = Some(message);
        }
    }
    found
}

fn item(object: &Object, needs: &Requirements, index: usize, item: Item) -> (&'static str, String) {
    let program = &needs.programs[index];
    let api = &needs.api;
    match item {
        Item::ProgramType => {
            let name = program.program_type.as_ref().map(|id| api.label(*id));
            ("program type", name.unwrap_or_else(|_| program.section.clone()))
        }
        Item::Feature(at) => {
            let what = &program.features[at].what;
            (what.noun(), what.name().to_owned())
        }
        Item::Call(at) => {
            let need = &program.calls[at];
            let kind = match need.callee {
                abide::Callee::Helper(_) => "helper",
                abide::Callee::Kfunc(_) => "kfunc",
            };
            (kind, need.meaning.as_ref().map_or_else(|_| need.name.clone(), |id| api.label(*id)))
        }
        Item::Map(at) => {
            let map = &needs.maps[at];
            ("map", format!("{} ({})", map.name, map.kind))
        }
        Item::Core(at) => {
            let record = &object.core[at];
            let btf = object.btf.as_ref();
            let ty = btf.map_or(String::new(), |btf| btf.declaration(record.ty, ""));
            ("type", format!("{} ({})", ty.trim(), record.access))
        }
        Item::Extern(id) => ("extern", object.externs[id.index()].name.clone()),
        Item::Target => ("attached to", program.section.clone()),
        Item::Operation(at) => ("member", needs.operations[at].name.clone()),
        Item::Arguments => ("arguments", program.section.clone()),
        Item::StructOps(at) => ("struct_ops", object.maps[at].name.clone()),
    }
}

impl Explanation {
    fn text(&self, paint: Paint) -> String {
        let verdict = match self.verdict {
            word if word == Verdict::Refused.word() => paint.bad(word),
            word => paint.good(word),
        };
        let mut out = format!("{} on {}: {verdict}\n\n", paint.head(&self.program), self.host);
        let mut table = Table::default();
        for found in &self.requirements {
            let answer = match found.answer.as_str() {
                "refused" => paint.bad("refused"),
                "not needed" => paint.dim("not needed"),
                word @ ("open" | "changed" | "adapted") => paint.notice(word),
                word => paint.good(word),
            };
            let by = match (&found.by, &found.note, &found.message) {
                (_, _, Some(message)) => message.diagnostic.code.id.to_owned(),
                (Some(by), None, None) if *by != found.name => format!("by {by}"),
                (Some(by), Some(note), None) if *by != found.name => format!("by {by}: {note}"),
                (_, Some(note), None) => note.clone(),
                _ => String::new(),
            };
            let place = found.place.clone().unwrap_or_default();
            table.row([found.kind.to_owned(), found.name.clone(), answer, by, paint.dim(&place)]);
        }
        table.write(&mut out);
        for message in self.requirements.iter().filter_map(|found| found.message.as_ref()) {
            let _ = write!(out, "\n{}\n", render(message, paint));
        }
        out
    }
}
