//! Denials as refusals: what, since when, and the way out. Decides nothing.

use abide_diag::printable;

use crate::bind::codes as c;
use crate::host::{Denial, Deprecation, HostProfile};
use crate::model::{Api, DefId};
use crate::print::listed;
use crate::refusal::Refusal;
use crate::require::{ProgramNeeds, Requirements};

pub(super) fn no_program(needs: &Requirements, name: &str) -> Refusal {
    let names: Vec<_> = needs.programs.iter().map(|program| printable(&program.name)).collect();
    let shown = printable(name);
    Refusal::new(&c::R_NO_PROGRAM, shown.clone(), format!("the object has no program `{shown}`"))
        .help(format!("its programs: {}", names.join(", ")))
}

pub(super) fn other_api(host: &HostProfile, needs: &Requirements) -> Refusal {
    Refusal::new(
        &c::R_UNKNOWN_API,
        needs.api.name.clone(),
        format!("the object speaks the API `{}`, the host is {}", needs.api.name, host.label()),
    )
}

/// What a definition is called in a message.
pub(crate) struct Subject {
    word: &'static str,
    name: String,
    label: String,
}

impl Subject {
    /// By its own name.
    pub(crate) fn of(api: &Api, id: DefId) -> Subject {
        let definition = api.definition(id);
        Subject {
            word: definition.kind.word(),
            name: definition.name.clone(),
            label: api.label(id),
        }
    }

    /// A part of a definition, which has the name of its own.
    pub(crate) fn part(api: &Api, id: DefId, word: &'static str, name: &str) -> Subject {
        let node = &api.node_ref(api.definition(id).node).name;
        Subject { word, name: name.to_owned(), label: format!("{name}@{node}") }
    }
}

pub(crate) fn denial(
    host: &HostProfile,
    needs: &Requirements,
    id: DefId,
    denial: &Denial,
    Subject { word, name, label }: Subject,
) -> Refusal {
    let api = host.api();
    let definition = api.definition(id);
    let node = api.node_ref(definition.node);
    let at = host.label();
    let meant = match needs.declared {
        Some(node) => {
            format!("by `{name}`, {}@{} means {label}", api.name, api.node_ref(node).name)
        }
        None => format!("by `{name}`, this object without a stamp means {label}"),
    };
    match denial {
        Denial::TooNew { backport } => Refusal::new(
            &c::R_TOO_NEW,
            label.clone(),
            format!("{word} `{label}` is newer than the host {at}"),
        )
        .note(format!(
            "it exists since {} ({}); the host is at {} ({})",
            node.name,
            node.released,
            api.node_ref(host.node()).name,
            api.node_ref(host.node()).released
        ))
        .help(format!(
            "run it on {}@{} or later, or add the backport `{backport}` to the host",
            api.name, node.name
        )),
        Denial::WindowOver { by, since } => {
            let new = api.definition(*by);
            let superseding = api.node_ref(new.node);
            let when = match since {
                Some(date) => {
                    format!("its window ended on {date}; the host's date is {}", host.date())
                }
                None => "its window was counted in nodes and is over".to_owned(),
            };
            let mut refusal = Refusal::new(
                &c::R_WINDOW_OVER,
                label.clone(),
                format!("{word} `{label}` is no longer served by the host {at}"),
            )
            .note(meant)
            .note(format!(
                "superseded by {} on {}; {when}",
                api.label(*by),
                superseding.released
            ));
            if let Some(reason) = &new.changed {
                refusal = refusal.note(format!("what changed: {reason}"));
            }
            refusal.help(format!(
                "build it for {}@{} or later and use {}, or run it on a host whose window is open",
                api.name,
                superseding.name,
                api.label(*by)
            ))
        }
        Denial::Removed { at: removed, instead } => {
            let removed = api.node_ref(*removed);
            let refusal = Refusal::new(
                &c::R_REMOVED,
                label,
                format!("{word} `{name}` was removed in {} ({})", removed.name, removed.released),
            )
            .note(format!("the host is {at}"));
            match instead {
                Some(instead) => refusal.help(format!("use `{instead}`")),
                None => refusal.help(format!("run it on a host older than {}", removed.name)),
            }
        }
        Denial::Withdrawn { at: node, reason } => {
            let who = match node {
                Some(node) => {
                    let node = api.node_ref(*node);
                    format!("{} ({}), for all versions", node.name, node.released)
                }
                None => format!("the host {at}"),
            };
            Refusal::new(&c::R_WITHDRAWN, label, format!("{word} `{name}` was withdrawn by {who}"))
                .note(format!("reason: {reason}"))
        }
        Denial::OtherBranch => Refusal::new(
            &c::R_OTHER_BRANCH,
            label.clone(),
            format!("{word} `{label}` is on another branch than the host {at}"),
        )
        .help(format!("add the backport `{}` to the host", api.backport_label(id))),
        Denial::Lacks { why } => {
            Refusal::new(&c::R_LACKS, label, format!("the host {at} lacks {word} `{name}`")).note(
                match why {
                    Some(why) => format!("reason: {why}"),
                    None => format!("its host statement says `lacks {name};`"),
                },
            )
        }
        Denial::NoBody => {
            let refusal = Refusal::new(
                &c::R_NO_BODY,
                label.clone(),
                format!("the host {at} has no body for {word} `{label}`"),
            );
            let Some(by) = api.superseded_by(id, host.node()) else {
                return refusal.note("nobody registered a function that does its work");
            };
            let (new, by) = (api.definition(by), api.label(by));
            let mut refusal = refusal.note(meant).note(match &new.changed {
                Some(changed) => format!("superseded by {by}: {changed}"),
                None => format!("superseded by {by}"),
            });
            if let Some(why) = &new.no_compat {
                refusal = refusal.note(format!("it has no compat body: {why}"));
            }
            let node = &api.node_ref(new.node).name;
            refusal.help(format!("build it for {}@{node} or later", api.name))
        }
    }
}

/// No version lets such programs call it.
pub(crate) fn never_for(api: &Api, id: DefId, program: &str, section: &str) -> Refusal {
    let name = &api.definition(id).name;
    let callers = api.callers_ever(id).unwrap_or_default();
    let refuse = |message| Refusal::new(&c::R_PROGRAM_TYPE, api.label(id), message);
    match callers.iter().find(|caller| caller.program == program) {
        Some(caller) => refuse(format!(
            "`{name}` may be called by some programs of type {program}, not by those of section \"{}\"",
            printable(section)
        ))
        .note(format!("allowed for {caller}")),
        None => refuse(format!("`{name}` may not be called by programs of type {program}"))
            .note(format!("allowed for: {}", listed(&callers))),
    }
}

/// The host has what is called, but lets such programs call it only later.
pub(crate) fn no_right(host: &HostProfile, program: &ProgramNeeds, right: DefId) -> Refusal {
    let api = host.api();
    let (granted, node) = (api.definition(right), api.node_ref(api.definition(right).node));
    let kind = program.program_type.as_ref().map_or("this", |id| &api.definition(*id).name);
    let some = api
        .callers_of(right)
        .iter()
        .any(|caller| caller.program == kind && !caller.sections.is_empty());
    let which = match some {
        true => format!("of section \"{}\"", printable(&program.section)),
        false => format!("of type {kind}"),
    };
    Refusal::new(
        &c::R_PROGRAM_TYPE,
        api.label(right),
        format!(
            "`{}` may not yet be called by programs {which} on the host {}",
            granted.name,
            host.label()
        ),
    )
    .note(format!("they may from {} ({}) on", node.name, node.released))
    .help(format!(
        "run it on such a host, or add the backport `{}` to this one",
        api.backport_label(right)
    ))
}

pub(super) fn deprecated(host: &HostProfile, id: DefId, deprecation: &Deprecation) -> Refusal {
    let api = host.api();
    let definition = api.definition(id);
    let since = api.node_ref(deprecation.since);
    let mut end = format!("served {}", deprecation.until);
    if let Some(remove) = &deprecation.remove {
        end.push_str(&format!(", to be removed in {remove}"));
    }
    let refusal = Refusal::new(
        &c::R_DEPRECATED,
        api.label(id),
        format!(
            "{} `{}` is deprecated since {}",
            definition.kind.word(),
            definition.name,
            since.name
        ),
    )
    .note(end);
    match &deprecation.instead {
        Some(instead) => refusal.help(format!("use `{instead}`")),
        None => refusal,
    }
}
