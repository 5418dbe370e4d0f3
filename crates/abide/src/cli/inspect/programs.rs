//! Programs and functions as `abide inspect` shows them.

use std::fmt::Write;

use abide::{Api, Object, Requirements};
use abide_api::refusal::Refusal;
use abide_api::require::{Callee, Need, ProgramNeeds};
use abide_btf::Kind;
use abide_diag::printable;
use abide_object::{AttachTarget, AttachType, Function, Linkage, ProgramType};
use serde::Serialize;

use crate::cli::ui::{Paint, Table, count};

#[derive(Debug, Serialize)]
pub(super) struct ProgramJson {
    name: String,
    section: String,
    program_type: Option<String>,
    autoload: bool,
    /// The type that the kernel is told, by the section's name.
    kernel_type: Option<&'static str>,
    attach_type: Option<&'static str>,
    attach_target: Option<TargetJson>,
    sleepable: bool,
    fragments: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception_callback: Option<String>,
    instructions: usize,
    requirements: Vec<RequirementJson>,
    map_types: Vec<String>,
}

/// What a program is attached to.
#[derive(Debug, Serialize)]
struct TargetJson {
    /// `function` or `type` of the kernel, `program`, or `text`, which the section's name gives a
    /// meaning.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<String>,
    name: String,
}

#[derive(Debug, Serialize)]
struct RequirementJson {
    definition: Option<String>,
    name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u32>,
    weak: bool,
    since: Option<String>,
    calls: usize,
    first_use: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct FunctionJson {
    name: String,
    linkage: &'static str,
    instructions: usize,
}

impl ProgramJson {
    pub(super) fn of(object: &Object, needs: &Requirements, program: &ProgramNeeds) -> ProgramJson {
        let api = &needs.api;
        let map_type = |(name, found): &(String, Result<_, Refusal>)| match found {
            Ok(id) => api.label(*id),
            Err(_) => name.clone(),
        };
        ProgramJson {
            program_type: program.program_type.as_ref().ok().map(|id| api.label(*id)),
            requirements: program.calls.iter().map(|need| requirement(api, need)).collect(),
            map_types: program.maps.iter().map(map_type).collect(),
            ..ProgramJson::bare(object, &object.programs[program.id.index()])
        }
    }

    /// What is known of a program without its API.
    pub(super) fn bare(object: &Object, program: &abide_object::Program) -> ProgramJson {
        let function = object.function(program.function);
        let callback = program.exception.as_ref();
        ProgramJson {
            name: printable(&function.name).into_owned(),
            section: printable(&program.section).into_owned(),
            program_type: None,
            autoload: program.autoload,
            kernel_type: program.program_type.map(ProgramType::name),
            attach_type: program.attach_type.map(AttachType::name),
            attach_target: program.attach.as_ref().map(TargetJson::of),
            sleepable: program.sleepable,
            fragments: program.fragments,
            exception_callback: callback.map(|found| printable(&found.name).into_owned()),
            instructions: function.slots.len(),
            requirements: Vec::new(),
            map_types: Vec::new(),
        }
    }

    /// What the kernel is told of it, beyond what the section's name shows at once.
    fn facts(&self) -> Vec<String> {
        let mut facts = Vec::new();
        match (self.kernel_type, self.attach_type) {
            (Some(program), Some(kind)) if kind != program => {
                facts.push(format!("{program} at {kind}"))
            }
            (Some(program), _) if self.program_type.is_none() => facts.push(program.to_owned()),
            _ => {}
        }
        if let Some(target) = &self.attach_target {
            facts.push(target.text());
        }
        facts.extend(self.sleepable.then(|| "may sleep".to_owned()));
        facts.extend(self.fragments.then(|| "takes fragments".to_owned()));
        facts.extend(self.exception_callback.iter().map(|name| format!("exceptions go to {name}")));
        facts
    }

    pub(super) fn text(&self, paint: Paint, out: &mut String) {
        let kind = self.program_type.as_deref().unwrap_or("unknown type");
        let _ = writeln!(
            out,
            "\n{} {}: {kind}, section \"{}\", {}{}",
            paint.head("program"),
            paint.head(&self.name),
            self.section,
            count(self.instructions as u64, "slot"),
            if self.autoload { "" } else { ", loaded on request only" },
        );
        let facts = self.facts();
        if !facts.is_empty() {
            let _ = writeln!(out, "  {}", facts.join(", "));
        }
        let mut table = Table::new(&[2]);
        for need in &self.requirements {
            let what = need.definition.clone().unwrap_or_else(|| paint.bad(&need.name));
            let kind = match need.number {
                Some(number) => format!("{} {number}", need.kind),
                None => need.kind.to_owned(),
            };
            let weak = if need.weak { " (weak)" } else { "" };
            let place = need.first_use.as_deref().unwrap_or_default();
            let since = need.since.as_deref().map_or(String::new(), |date| format!("since {date}"));
            table.row([
                format!("{what}{weak}"),
                kind,
                count(need.calls as u64, "call"),
                since,
                paint.dim(place),
            ]);
        }
        table.write(out);
        if !self.map_types.is_empty() {
            let _ = writeln!(out, "  map types: {}", self.map_types.join(", "));
        }
    }
}

impl TargetJson {
    fn of(target: &AttachTarget) -> TargetJson {
        let printed = |text: &str| printable(text).into_owned();
        let (kind, module, name) = match target {
            AttachTarget::Btf { module, kind: Kind::Func, name } => {
                ("function", module.as_ref(), name)
            }
            AttachTarget::Btf { module, name, .. } => ("type", module.as_ref(), name),
            AttachTarget::Function(name) => ("program", None, name),
            AttachTarget::Named(text) => ("text", None, text),
        };
        TargetJson { kind, module: module.map(|name| printed(name)), name: printed(name) }
    }

    fn text(&self) -> String {
        let of =
            self.module.as_ref().map_or("the kernel".to_owned(), |name| format!("module {name}"));
        match self.kind {
            "text" => format!("attached to {}", self.name),
            "program" => format!("replaces {} of a program", self.name),
            kind => format!("attached to {kind} {} of {of}", self.name),
        }
    }
}

impl FunctionJson {
    pub(super) fn of(function: &Function) -> FunctionJson {
        FunctionJson {
            name: printable(&function.name).into_owned(),
            linkage: linkage(function.linkage),
            instructions: function.slots.len(),
        }
    }

    pub(super) fn text(&self, table: &mut Table) {
        let length = count(self.instructions as u64, "slot");
        table.row([self.name.clone(), self.linkage.to_owned(), length]);
    }
}

fn requirement(api: &Api, need: &Need) -> RequirementJson {
    let meaning = need.meaning.as_ref().ok().copied();
    let (kind, number) = match need.callee {
        Callee::Helper(number) => ("helper", Some(number)),
        Callee::Kfunc(_) => ("kfunc", None),
    };
    RequirementJson {
        definition: meaning.map(|id| api.label(id)),
        name: printable(&need.name).into_owned(),
        kind,
        number,
        weak: need.weak,
        since: meaning.map(|id| api.node_ref(api.definition(id).node).released.to_string()),
        calls: need.sites.len(),
        first_use: need.sites.first().map(|site| match &site.line {
            Some(line) => format!("{}:{}:{}", printable(&line.file), line.line, line.column),
            None => format!("function {}, insn {}", printable(&site.function_name), site.slot),
        }),
    }
}

fn linkage(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Static => "static",
        Linkage::Global => "global",
        Linkage::Weak => "weak",
        Linkage::Hidden => "hidden",
    }
}
