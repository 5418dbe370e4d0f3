//! `abide relocate`: each CO-RE relocation of an object against the types of a host. Matching and
//! patching are `abide_btf::core`'s and `abide_object`'s.

use std::fmt::Write;
use std::path::PathBuf;

use abide::Object;
use abide_btf::core::{Patched, Resize, Resolution, Target};
use abide_btf::{Btf, CoreKind};
use abide_diag::printable;
use abide_object::{CoreRelocation, FunctionId, Outcome, Relocated};
use serde::Serialize;

use super::apis;
use super::fail::{Exit, Failure, Message, shown};
use super::files::types;
use super::ui::{MessageJson, Paint, Table, Ui, count, render};

/// Show what becomes of each CO-RE relocation of an object on a host.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide relocate biotop.bpf.o --btf vmlinux              against the kernel of this machine
  abide relocate biotop.bpf.o --btf 5.10.btf             against the types in a file
  abide relocate biotop.bpf.o --btf 5.10.btf --program trace_rq_start --format json

An instruction that needs what the host lacks is replaced by a call of a helper that does not exist.
That is harmless where the program asks first (bpf_core_field_exists() and the like), so it is shown
but is no failure, unless --strict is given. Ends with 1 if a relocation is refused: then no loader
can load the object on this host.")]
pub(crate) struct Args {
    /// The object
    object: PathBuf,
    /// The types of the host: a file of BTF, an ELF file that has them, or `vmlinux` for the kernel
    /// that runs here (/sys/kernel/btf/vmlinux)
    #[arg(long, value_name = "FILE")]
    btf: PathBuf,
    /// Only the relocations in this program (or subprogram)
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// End with 1 also if an instruction cannot run on the host
    #[arg(long)]
    strict: bool,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let (_, object) = apis::object(&args.object)?;
    let only = args.program.as_deref().map(|name| function(&object, name)).transpose()?;
    let types = types(&args.btf)?;
    object.fits_host(&types).map_err(|error| Failure::of_file(&args.btf, &error))?;
    let target = Target::new(&types);
    let relocated = object.relocate_core(&target);
    let (report, messages) = Report::of(args, &object, &types, &relocated, only);
    ui.show(&report, |paint| report.text(paint, &messages))?;
    let fails = report.refused > 0 || args.strict && report.poisoned > 0;
    Ok(if fails { Exit::Refused } else { Exit::Done })
}

fn function(object: &Object, name: &str) -> Result<FunctionId, Failure> {
    match object.functions.iter().position(|function| function.name == name) {
        Some(at) => Ok(FunctionId(at as u32)),
        None => {
            let names =
                object.programs.iter().map(|one| object.function(one.function).name.as_str());
            Err(Failure::no_program(name, "", names))
        }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    object: String,
    btf: String,
    relocations: Vec<Row>,
    patched: usize,
    poisoned: usize,
    refused: usize,
}

/// One relocation.
#[derive(Debug, Serialize)]
struct Row {
    program: String,
    insn: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<LineJson>,
    kind: &'static str,
    access: String,
    local: Side,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Side>,
    /// `patched`, `poisoned` or `refused`.
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resized: Option<[u32; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageJson>,
}

#[derive(Debug, Serialize)]
struct LineJson {
    file: String,
    line: u32,
    column: u32,
    text: String,
}

/// What is meant, on one side.
#[derive(Debug, Serialize)]
struct Side {
    type_id: u32,
    shown: String,
    path: String,
    bit_offset: u64,
}

impl Report {
    fn of(
        args: &Args,
        object: &Object,
        types: &Btf,
        relocated: &Relocated,
        only: Option<FunctionId>,
    ) -> (Report, Vec<Message>) {
        let mut report = Report {
            object: shown(&args.object),
            btf: shown(&args.btf),
            relocations: Vec::new(),
            patched: 0,
            poisoned: 0,
            refused: 0,
        };
        let mut messages = Vec::new();
        for (record, outcome) in object.core.iter().zip(&relocated.outcomes) {
            if only.is_some_and(|only| only != record.function) {
                continue;
            }
            *match outcome.result {
                Ok(Patched::Value { .. }) => &mut report.patched,
                Ok(Patched::Poisoned(_)) => &mut report.poisoned,
                Err(_) => &mut report.refused,
            } += 1;
            let message = object.core_report(record, outcome).map(Message::from);
            report.relocations.push(Row::of(object, types, record, outcome, message.as_ref()));
            messages.extend(message);
        }
        (report, messages)
    }

    fn text(&self, paint: Paint, messages: &[Message]) -> String {
        let mut out = String::new();
        let mut program = "";
        let mut table = Table::new(&[0]);
        for row in &self.relocations {
            if row.program != program {
                table.write(&mut out);
                table = Table::new(&[0]);
                let _ = writeln!(out, "{} {}", paint.head("program"), paint.head(&row.program));
                program = &row.program;
            }
            row.text(paint, &mut table);
        }
        table.write(&mut out);
        for message in messages {
            let _ = write!(out, "\n{}\n", render(message, paint));
        }
        let total = count(self.relocations.len() as u64, "CO-RE relocation");
        let blank = if out.is_empty() { "" } else { "\n" };
        let _ = writeln!(
            out,
            "{blank}{total}: {} patched, {} cannot run on this host, {} refused",
            self.patched, self.poisoned, self.refused
        );
        out
    }
}

impl Row {
    fn of(
        object: &Object,
        types: &Btf,
        record: &CoreRelocation,
        outcome: &Outcome,
        message: Option<&Message>,
    ) -> Row {
        let function = object.function(record.function);
        let spec = |btf: &Btf, spec: &abide_btf::core::Spec| Side {
            type_id: spec.root.0,
            shown: spec.show(btf).to_string(),
            path: spec.numbers(),
            bit_offset: spec.bit_offset,
        };
        let btf = object.btf.as_ref();
        let local = match btf.zip(outcome.resolution.as_ref()) {
            Some((btf, resolution)) => spec(btf, &resolution.local),
            None => {
                let shown = btf.map_or(String::new(), |btf| btf.declaration(record.ty, ""));
                Side {
                    type_id: record.ty.0,
                    shown: printable(shown.trim()).into_owned(),
                    path: printable(&record.access).into_owned(),
                    bit_offset: 0,
                }
            }
        };
        let host = outcome.resolution.as_ref().and_then(|resolution| resolution.host.as_ref());
        let (result, values) = match outcome.result {
            Ok(Patched::Value { before, after }) => ("patched", Some((before, after))),
            Ok(Patched::Poisoned(_)) => ("poisoned", None),
            Err(_) => ("refused", None),
        };
        Row {
            program: printable(&function.name).into_owned(),
            insn: record.slot,
            line: function.line_at(record.slot).map(|line| LineJson {
                file: printable(&line.file).into_owned(),
                line: line.line,
                column: line.column,
                text: printable(line.text.trim()).into_owned(),
            }),
            kind: kind(record.kind),
            access: printable(&record.access).into_owned(),
            local,
            host: host.map(|found| spec(types, found)),
            result,
            before: values.map(|(before, _)| before),
            after: values.map(|(_, after)| after),
            resized: values.and(outcome.resolution.as_ref()).and_then(resized),
            message: message.map(MessageJson::of),
        }
    }

    fn text(&self, paint: Paint, table: &mut Table) {
        let host = match &self.host {
            Some(host) if host.shown != self.local.shown => {
                format!("{} [{}]", host.shown, host.type_id)
            }
            Some(host) => format!("[{}]", host.type_id),
            None => paint.dim("-"),
        };
        let result = match (self.before, self.after, self.result) {
            (Some(before), Some(after), _) if before == after => paint.dim(&before.to_string()),
            (Some(before), Some(after), _) => paint.good(&format!("{before} -> {after}")),
            (_, _, "poisoned") => paint.notice("cannot run"),
            _ => paint.bad("refused"),
        };
        let resized = self
            .resized
            .map_or(String::new(), |[ours, theirs]| format!(", {ours} -> {theirs} bytes"));
        let line = self.line.as_ref().map_or(String::new(), |line| {
            format!("{}:{}", line.file.rsplit('/').next().unwrap_or_default(), line.line)
        });
        table.row([
            self.insn.to_string(),
            self.kind.to_owned(),
            format!("{} ({})", self.local.shown, self.access),
            host,
            format!("{result}{resized}"),
            paint.dim(&line),
        ]);
    }
}

/// The sizes of a load or store that was changed.
fn resized(resolution: &Resolution) -> Option<[u32; 2]> {
    match resolution.answer {
        abide_btf::core::Answer::Value {
            resize: Some(Resize { local, host, safe: true }), ..
        } => Some([local, host]),
        _ => None,
    }
}

/// The kinds as libbpf names them.
fn kind(kind: CoreKind) -> &'static str {
    match kind {
        CoreKind::FieldByteOffset => "byte_off",
        CoreKind::FieldByteSize => "byte_sz",
        CoreKind::FieldExists => "field_exists",
        CoreKind::FieldSigned => "signed",
        CoreKind::FieldLeftShift => "lshift_u64",
        CoreKind::FieldRightShift => "rshift_u64",
        CoreKind::TypeIdLocal => "local_type_id",
        CoreKind::TypeIdTarget => "target_type_id",
        CoreKind::TypeExists => "type_exists",
        CoreKind::TypeSize => "type_size",
        CoreKind::EnumValueExists => "enumval_exists",
        CoreKind::EnumValue => "enumval_value",
        CoreKind::TypeMatches => "type_matches",
    }
}
