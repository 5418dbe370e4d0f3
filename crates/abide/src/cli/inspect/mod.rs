//! `abide inspect`: what an object holds and needs, without a host. Found out by `object` and `api`.

mod maps;
mod programs;

use std::fmt::Write;
use std::path::PathBuf;

use abide::{Api, Object, Requirements};
use abide_diag::{Report, printable};
use serde::Serialize;

use self::maps::{ExternJson, MapJson};
use self::programs::{FunctionJson, ProgramJson};
use super::apis::{self, ApiArgs, Apis};
use super::fail::{Exit, Failure, Message};
use super::ui::{MessageJson, Paint, Table, Ui, count, render};

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
                Some(needs) => needs
                    .programs
                    .iter()
                    .map(|found| ProgramJson::of(object, needs, found))
                    .collect(),
                None => {
                    object.programs.iter().map(|found| ProgramJson::bare(object, found)).collect()
                }
            },
            subprograms: functions.map(|(_, function)| FunctionJson::of(function)).collect(),
            maps: object.maps.iter().map(|found| MapJson::of(object, found)).collect(),
            externs: ExternJson::all(object),
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
                function.text(&mut table);
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
                found.text(&mut table);
            }
            table.write(out);
        }
        if self.core_relocations > 0 {
            let number = count(self.core_relocations as u64, "CO-RE relocation");
            let _ = writeln!(out, "\n{number}");
        }
    }
}
