//! What was found out, as plain data: the JSON document, and what the texts are made of.

use std::path::Path;

use abide::{Object, Requirements};
use abide_api::check::{Checker, ObjectReport, Status, Verdict};
use abide_diag::{Report as _, printable};
use serde::Serialize;

use super::hosts::Hosts;
use crate::cli::fail::{Exit, Failure, Message, shown};
use crate::cli::ui::MessageJson;

/// The whole run.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) hosts: Vec<HostJson>,
    pub(super) objects: Vec<ObjectJson>,
    pub(super) summary: Summary,
}

#[derive(Debug, Serialize)]
pub(super) struct HostJson {
    pub(super) name: String,
    pub(super) api: String,
    /// The version that it is built on.
    node: String,
    /// Whether its types are known.
    types: bool,
}

/// One object.
#[derive(Debug, Serialize)]
pub(super) struct ObjectJson {
    pub(super) file: String,
    /// Why it could not be checked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<MessageJson>,
    #[serde(skip)]
    pub(super) messages: Vec<Message>,
    #[serde(skip)]
    exit: Option<Exit>,
    /// The API that it speaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<String>,
    pub(super) programs: Vec<ProgramJson>,
}

/// One program.
#[derive(Debug, Serialize)]
pub(super) struct ProgramJson {
    pub(super) name: String,
    pub(super) section: String,
    /// The oldest version that would do, as far as that is known without the types of a kernel.
    pub(super) oldest_node: Option<String>,
    pub(super) hosts: Vec<CellJson>,
}

/// One program on one host.
#[derive(Debug, Serialize)]
pub(super) struct CellJson {
    pub(super) host: String,
    /// Its place in the list of hosts.
    #[serde(skip)]
    pub(super) at: usize,
    /// `runs`, `runs adapted` or `refused`.
    pub(super) verdict: &'static str,
    /// It can be loaded; what is refused is to attach it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) loads: bool,
    /// How many questions are open.
    pub(super) open: usize,
    /// Definitions that mean something else now, called in the same way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) refusals: Vec<MessageJson>,
    #[serde(skip)]
    pub(super) messages: Vec<Message>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) objects: usize,
    pub(super) unreadable: usize,
    pub(super) programs: usize,
    pub(super) pairs: usize,
    pub(super) runs: usize,
    pub(super) adapted: usize,
    pub(super) refused: usize,
    /// Pairs that run as far as it is known, with open questions.
    pub(super) open: usize,
}

impl Report {
    pub(super) fn of(hosts: &Hosts<'_>, objects: Vec<ObjectJson>) -> Report {
        let hosts = hosts
            .iter()
            .map(|named| {
                let profile = &named.host.profile;
                HostJson {
                    name: named.name.clone(),
                    api: named.api.name.clone(),
                    node: named.api.node_ref(profile.node()).name.clone(),
                    types: named.host.types.is_some(),
                }
            })
            .collect();
        let mut summary = Summary { objects: objects.len(), ..Summary::default() };
        for object in &objects {
            summary.unreadable += usize::from(object.exit.is_some());
            summary.programs += object.programs.len();
            for cell in object.programs.iter().flat_map(|program| &program.hosts) {
                summary.pairs += 1;
                let is_refused = cell.verdict == Verdict::Refused.word();
                *match cell.verdict {
                    _ if is_refused => &mut summary.refused,
                    word if word == Verdict::Adapted.word() => &mut summary.adapted,
                    _ => &mut summary.runs,
                } += 1;
                summary.open += usize::from(!is_refused && cell.open > 0);
            }
        }
        Report { hosts, objects, summary }
    }

    /// How the command ends.
    pub(super) fn exit(&self) -> Exit {
        let failed = self.objects.iter().filter_map(|object| object.exit);
        let refused = if self.summary.refused > 0 { Exit::Refused } else { Exit::Done };
        failed.chain([refused]).max_by_key(|exit| *exit as u8).unwrap_or(Exit::Done)
    }
}

impl ObjectJson {
    pub(super) fn of(
        path: &Path,
        object: &Object,
        needs: &Requirements,
        checker: &Checker<'_>,
        reports: &[(usize, ObjectReport)],
        hosts: &Hosts<'_>,
    ) -> ObjectJson {
        let names: Vec<&str> = hosts.iter().map(|named| named.name.as_str()).collect();
        let oldest = checker.oldest_nodes(hosts.nodes(&needs.api.name));
        let programs = needs.programs.iter().enumerate().map(|(index, program)| ProgramJson {
            name: printable(&program.name).into_owned(),
            section: printable(&object.programs[program.id.index()].section).into_owned(),
            oldest_node: oldest[index].map(|id| needs.api.node_ref(id).name.clone()),
            hosts: reports
                .iter()
                .map(|(at, report)| CellJson::of(names[*at], *at, needs, report, index))
                .collect(),
        });
        ObjectJson {
            file: shown(path),
            errors: Vec::new(),
            messages: Vec::new(),
            exit: None,
            api: Some(needs.api.name.clone()),
            programs: programs.collect(),
        }
    }

    pub(super) fn failed(path: &Path, failure: &Failure) -> ObjectJson {
        ObjectJson {
            file: shown(path),
            errors: failure.messages.iter().map(MessageJson::of).collect(),
            messages: failure.messages.clone(),
            exit: Some(failure.exit),
            api: None,
            programs: Vec::new(),
        }
    }
}

impl CellJson {
    fn of(
        host: &str,
        at: usize,
        needs: &Requirements,
        report: &ObjectReport,
        program: usize,
    ) -> CellJson {
        let verdict = report.verdict(program);
        let messages: Vec<Message> =
            report.refusals(program).map(|refusal| Message::from(refusal.report())).collect();
        let changed = report.rows(program).filter_map(|row| match row.status {
            Status::Served { by, changed: true, .. } => Some(needs.api.label(by)),
            _ => None,
        });
        let blocks = |status: &Status| matches!(status, Status::Refused(_));
        let loads =
            verdict == Verdict::Refused && !report.rows(program).any(|row| blocks(&row.status));
        CellJson {
            host: host.to_owned(),
            at,
            verdict: verdict.word(),
            loads,
            open: report.open(program),
            changed: changed.collect(),
            refusals: messages.iter().map(MessageJson::of).collect(),
            messages,
        }
    }
}
