//! `abide inspect`: what an object holds and needs, without a host. Found out by `object` and `api`.

use std::fmt::Write;
use std::path::PathBuf;

use abide::{Api, Object, Requirements};
use abide_api::refusal::Refusal;
use abide_api::require::{Callee, Need, ProgramNeeds};
use abide_diag::{Report, printable};
use abide_object::{ExternKind, Linkage, Map, MapOrigin};
use serde::Serialize;

use super::apis::{self, ApiArgs, Apis};
use super::fail::{Exit, Failure, Message};
use super::ui::{MessageJson, Paint, Table, Ui, count, grouped, render};

/// Show what an object holds and needs: programs, maps, requirements, the oldest version that would do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide inspect firewall.bpf.o
  abide inspect filter.bpf.o --api kv.api --format json

Ends with 1 if no host at all could run the object as it is; what stands in its way is listed.")]
pub(crate) struct Args {
    /// The object
    object: PathBuf,
    #[command(flatten)]
    apis: ApiArgs,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let (_, object) = apis::object(&args.object)?;
    let apis = Apis::load(&args.apis)?;
    let (needs, refusals) = match apis.requirements(&args.object, &object, None) {
        Ok(needs) => {
            let found = needs.refusals().map(|refusal| Message::from(refusal.report())).collect();
            (Some(needs), found)
        }
        // What the object holds is worth seeing also when nothing is known of its API.
        Err(failure) => (None, failure.messages),
    };
    let report = Inspection::of(args, &object, needs.as_ref(), &refusals);
    ui.show(&report, |paint| report.text(paint, &refusals))?;
    Ok(if refusals.is_empty() { Exit::Done } else { Exit::Refused })
}

#[derive(Debug, Serialize)]
struct Inspection {
    file: String,
    licence: Option<String>,
    gpl_compatible: Option<bool>,
    endian: &'static str,
    stamps: Vec<String>,
    /// The version that the object speaks, declared or inferred.
    version: Option<Version>,
    oldest_node: Option<NodeJson>,
    programs: Vec<ProgramJson>,
    subprograms: Vec<FunctionJson>,
    maps: Vec<MapJson>,
    externs: Vec<ExternJson>,
    core_relocations: usize,
    refusals: Vec<MessageJson>,
}

/// What an object's version is.
#[derive(Debug, Serialize)]
pub(crate) struct Version {
    pub(crate) api: String,
    /// The node of the stamp.
    pub(crate) declared: Option<NodeJson>,
    /// The oldest node that would do, for an object without a stamp.
    pub(crate) inferred: Option<NodeJson>,
    /// What an object without a stamp means.
    pub(crate) baseline: Option<NodeJson>,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct NodeJson {
    pub(crate) node: String,
    pub(crate) released: String,
}

impl NodeJson {
    fn of(api: &Api, id: abide_api::model::NodeId) -> Self {
        let node = api.node_ref(id);
        NodeJson { node: node.name.clone(), released: node.released.to_string() }
    }
}

impl Version {
    pub(crate) fn of(needs: &Requirements) -> Self {
        let api = &needs.api;
        let node = |id| NodeJson::of(api, id);
        let oldest = || needs.oldest_node().map(node);
        Version {
            api: api.name.clone(),
            declared: needs.declared.map(node),
            inferred: if needs.declared.is_none() { oldest() } else { None },
            baseline: if needs.declared.is_none() { api.baseline.map(node) } else { None },
        }
    }

    /// One line for people.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let api = &self.api;
        if let Some(declared) = &self.declared {
            let label = paint.head(&format!("{api}@{}", declared.node));
            return format!("{label} (declared; released {})", declared.released);
        }
        let baseline = self.baseline.as_ref().map_or("none", |node| &node.node);
        let inferred = match &self.inferred {
            Some(node) => paint.head(&format!("{api}@{}", node.node)),
            None => "no version".to_owned(),
        };
        format!("no stamp: taken as v0 (baseline {api}@{baseline}), inferred {inferred}")
    }
}

#[derive(Debug, Serialize)]
struct ProgramJson {
    name: String,
    section: String,
    program_type: Option<String>,
    autoload: bool,
    instructions: usize,
    requirements: Vec<RequirementJson>,
    map_types: Vec<String>,
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
struct FunctionJson {
    name: String,
    linkage: &'static str,
    instructions: usize,
}

#[derive(Debug, Serialize)]
struct MapJson {
    name: String,
    map_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<String>,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
    pinning: u32,
    extra: u64,
    numa_node: u32,
    key: Option<String>,
    value: Option<String>,
    read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    inner: Option<Box<MapJson>>,
}

#[derive(Debug, Serialize)]
struct ExternJson {
    name: String,
    kind: &'static str,
    weak: bool,
    declaration: Option<String>,
}

impl Inspection {
    fn of(
        args: &Args,
        object: &Object,
        needs: Option<&Requirements>,
        refusals: &[Message],
    ) -> Inspection {
        let printed = |text: &str| printable(text).into_owned();
        let is_program = |at: usize| object.programs.iter().any(|p| p.function.index() == at);
        let functions = object.functions.iter().enumerate().filter(|(at, _)| !is_program(*at));
        Inspection {
            file: super::fail::shown(&args.object),
            licence: object.license.as_deref().map(printed),
            gpl_compatible: needs.map(|needs| needs.gpl),
            endian: match object.endian {
                abide_isa::Endian::Little => "little",
                abide_isa::Endian::Big => "big",
            },
            stamps: object
                .stamps
                .iter()
                .map(|stamp| printed(&format!("{}@{}", stamp.api, stamp.node)))
                .collect(),
            version: needs.map(Version::of),
            oldest_node: needs
                .and_then(|needs| needs.oldest_node().map(|node| NodeJson::of(&needs.api, node))),
            programs: match needs {
                Some(needs) => needs.programs.iter().map(|p| program(object, needs, p)).collect(),
                None => object.programs.iter().map(|found| bare_program(object, found)).collect(),
            },
            subprograms: functions
                .map(|(_, function)| FunctionJson {
                    name: printed(&function.name),
                    linkage: linkage(function.linkage),
                    instructions: function.slots.len(),
                })
                .collect(),
            maps: object.maps.iter().map(|found| map(object, found)).collect(),
            externs: object.externs.iter().map(|found| external(object, found)).collect(),
            core_relocations: object.core.len(),
            refusals: refusals.iter().map(MessageJson::of).collect(),
        }
    }

    fn text(&self, paint: Paint, refusals: &[Message]) -> String {
        let mut out = String::new();
        let mut head = Table::default();
        let mut line = |name: &str, value: String| head.row([paint.dim(name), value]);
        line("object", self.file.clone());
        line(
            "version",
            match &self.version {
                Some(version) => version.text(paint),
                None if self.stamps.is_empty() => "no stamp".to_owned(),
                None => self.stamps.join(", "),
            },
        );
        if let Some(version) = &self.version {
            line(
                "oldest host",
                match &self.oldest_node {
                    Some(node) => {
                        format!("{}@{} (released {})", version.api, node.node, node.released)
                    }
                    None => "none has all that it needs".to_owned(),
                },
            );
        }
        let licence = self.licence.as_deref().unwrap_or("none");
        line(
            "licence",
            match self.gpl_compatible {
                Some(true) => format!("{licence} (GPL-compatible)"),
                Some(false) => format!("{licence} (not GPL-compatible)"),
                None => licence.to_owned(),
            },
        );
        if self.endian == "big" {
            line("byte order", "big-endian".to_owned());
        }
        head.write(&mut out);
        for program in &self.programs {
            program.text(paint, &mut out);
        }
        self.others(paint, &mut out);
        for message in refusals {
            let _ = write!(out, "\n{}\n", render(message, paint));
        }
        out
    }

    fn others(&self, paint: Paint, out: &mut String) {
        if !self.subprograms.is_empty() {
            let _ = writeln!(out, "\n{}", paint.head("subprograms"));
            let mut table = Table::new(&[2]);
            for function in &self.subprograms {
                let length = count(function.instructions as u64, "slot");
                table.row([function.name.clone(), function.linkage.to_owned(), length]);
            }
            table.write(out);
        }
        if !self.maps.is_empty() {
            let _ = writeln!(out, "\n{}", paint.head("maps"));
            let mut table = Table::new(&[2]);
            for map in &self.maps {
                map.text("", &mut table);
            }
            table.write(out);
        }
        if !self.externs.is_empty() {
            let _ = writeln!(out, "\n{}", paint.head("externs"));
            let mut table = Table::default();
            for found in &self.externs {
                let weak = if found.weak { "weak " } else { "" };
                let shown = found.declaration.clone().unwrap_or_else(|| found.name.clone());
                table.row([format!("{weak}{}", found.kind), shown]);
            }
            table.write(out);
        }
        if self.core_relocations > 0 {
            let number = count(self.core_relocations as u64, "CO-RE relocation");
            let _ = writeln!(out, "\n{number}");
        }
    }
}

impl ProgramJson {
    fn text(&self, paint: Paint, out: &mut String) {
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

fn program(object: &Object, needs: &Requirements, program: &ProgramNeeds) -> ProgramJson {
    let api = &needs.api;
    let map_type = |(name, found): &(String, Result<_, Refusal>)| match found {
        Ok(id) => api.label(*id),
        Err(_) => name.clone(),
    };
    ProgramJson {
        program_type: program.program_type.as_ref().ok().map(|id| api.label(*id)),
        requirements: program.calls.iter().map(|need| requirement(api, need)).collect(),
        map_types: program.maps.iter().map(map_type).collect(),
        ..bare_program(object, &object.programs[program.id.index()])
    }
}

fn bare_program(object: &Object, program: &abide_object::Program) -> ProgramJson {
    let function = object.function(program.function);
    ProgramJson {
        name: printable(&function.name).into_owned(),
        section: printable(&program.section).into_owned(),
        program_type: None,
        autoload: program.autoload,
        instructions: function.slots.len(),
        requirements: Vec::new(),
        map_types: Vec::new(),
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

fn type_name(object: &Object, id: Option<abide_btf::TypeId>) -> Option<String> {
    let btf = object.btf.as_ref()?;
    Some(printable(&btf.declaration(id?, "")).trim().to_owned())
}

fn map(object: &Object, map: &Map) -> MapJson {
    let data = matches!(map.origin, MapOrigin::Data { .. });
    MapJson {
        name: printable(&map.name).into_owned(),
        map_type: map_type_name(map.kind),
        section: match &map.origin {
            MapOrigin::Btf => None,
            MapOrigin::Legacy => Some("maps".to_owned()),
            MapOrigin::Data { section, .. } => Some(printable(section).into_owned()),
        },
        key_size: map.key_size,
        value_size: map.value_size,
        max_entries: map.max_entries,
        flags: map.flags,
        pinning: map.pinning,
        extra: map.extra,
        numa_node: map.numa_node,
        key: if data { None } else { type_name(object, map.key_type) },
        value: if data { None } else { type_name(object, map.value_type) },
        read_only: matches!(map.origin, MapOrigin::Data { readonly: true, .. }),
        inner: map.inner.as_ref().map(|inner| Box::new(self::map(object, inner))),
    }
}

/// The name of a map type, or its number.
fn map_type_name(kind: u32) -> String {
    abide_api::map_types::map_type_name(kind).map_or_else(|| format!("type {kind}"), str::to_owned)
}

impl MapJson {
    fn text(&self, indent: &str, table: &mut Table) {
        let data = self.section.as_deref().is_some_and(|section| section != "maps");
        if data {
            let access = if self.read_only { "data, read-only" } else { "data" };
            let size = format!("{} B", grouped(u64::from(self.value_size)));
            table.row([self.name.clone(), access.to_owned(), size, String::new(), String::new()]);
            return;
        }
        let side = |name: &str, size: u32, ty: &Option<String>| match (size, ty) {
            (0, None) => String::new(),
            (_, Some(ty)) => format!("{name} {ty} ({size} B)"),
            (_, None) => format!("{name} {size} B"),
        };
        let mut more = Vec::new();
        let attributes = [
            (self.flags, format!("flags {:#x}", self.flags)),
            (self.pinning, format!("pinning {}", self.pinning)),
            (u32::from(self.extra != 0), format!("extra {:#x}", self.extra)),
            (self.numa_node, format!("NUMA node {}", self.numa_node)),
        ];
        more.push(side("key", self.key_size, &self.key));
        more.push(side("value", self.value_size, &self.value));
        more.extend(attributes.into_iter().filter(|(set, _)| *set != 0).map(|(_, text)| text));
        more.retain(|text| !text.is_empty());
        let entries = match self.map_type.as_str() {
            "ringbuf" | "user_ringbuf" => format!("{} B", grouped(u64::from(self.max_entries))),
            _ => grouped(u64::from(self.max_entries)),
        };
        table.row([
            format!("{indent}{}", self.name),
            self.map_type.clone(),
            entries,
            more.join(", "),
            String::new(),
        ]);
        if let Some(inner) = &self.inner {
            inner.text(&format!("{indent}  inner "), table);
        }
    }
}

fn external(object: &Object, found: &abide_object::Extern) -> ExternJson {
    let (kind, ty) = match found.kind {
        ExternKind::Function { proto } => ("kfunc", proto),
        ExternKind::Ksym { ty } => ("ksym", ty),
        ExternKind::Kconfig { ty } => ("kconfig", ty),
    };
    let declaration = object.btf.as_ref().zip(ty).map(|(btf, ty)| btf.declaration(ty, &found.name));
    ExternJson {
        name: printable(&found.name).into_owned(),
        kind,
        weak: found.weak,
        declaration: declaration.map(|text| printable(&text).into_owned()),
    }
}
