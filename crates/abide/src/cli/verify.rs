//! `abide verify`: whether programs are safe on a host, and if not, why and where. The proof is
//! `abide_verifier`'s; binding and linking are other rooms'.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use abide::{HostProfile, Object, codes};
use abide_btf::Btf;
use abide_btf::core::Target;
use abide_diag::{Diagnostic, Report as _, printable};
use abide_verifier::{Limits, Options, each, prove};
use serde::Serialize;

use super::apis::{self, ApiArgs, Apis};
use super::fail::{Exit, Failure, Message};
use super::files::types;
use super::kconfig::KconfigArg;
use super::ui::{MessageJson, Paint, Ui, grouped, render};

/// Prove that the programs of an object are safe on a host, or say why not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide verify firewall.bpf.o                            every program, on the newest version
  abide verify firewall.bpf.o --host linux@LINUX_6.12    as the programs are bound there
  abide verify firewall.bpf.o --btf vmlinux              with the types of this kernel
  abide verify filter.bpf.o --program filter --log       every instruction of the walk

A program that is refused may still be safe: `abide explain CODE` says what its code means. V0901 is
what cannot be proved yet. Ends with 1 if a program is refused.")]
pub(crate) struct Args {
    /// The object
    object: PathBuf,
    /// Only this program
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// The host: API@NODE, or a kernel; the newest node of the object's API if left out
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    #[command(flatten)]
    apis: ApiArgs,
    /// The types of the host, for CO-RE and for objects of the kernel: a file, or `vmlinux`
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
    #[command(flatten)]
    kconfig: KconfigArg,
    /// Take programs whose section means nothing for programs of this section
    #[arg(long, value_name = "SECTION")]
    section: Option<String>,
    /// As for a loader without privileges: programs may do less, and must not learn addresses
    #[arg(long)]
    unprivileged: bool,
    /// The most instructions that are walked for one program
    #[arg(long, value_name = "N", default_value_t = Limits::default().instructions)]
    budget: u64,
    /// Print every instruction of the walk, with what is known
    #[arg(long)]
    log: bool,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let apis = Apis::load(&args.apis)?;
    let (_, mut object) = apis::object(&args.object)?;
    let types = args.btf.as_deref().map(types).transpose()?;
    if let Some(types) = &types {
        object.fits_host(types).map_err(|error| Failure::of_file(&args.object, &error))?;
        relocate(&args.object, &mut object, types)?;
    }
    if let Some(section) = &args.section {
        for program in object.programs.iter_mut().filter(|program| program.program_type.is_none()) {
            program.section.clone_from(section);
        }
    }
    let host = args.host.as_deref().map(|text| apis.host(text)).transpose()?;
    let needs = apis.requirements(&args.object, &object, host.as_ref())?;
    let host = match host {
        Some(host) => host,
        None => HostProfile::newest(&needs.api).ok_or_else(|| {
            let message = format!("the API `{}` has no nodes", needs.api.name);
            Failure::refused(Diagnostic::error(&codes::C_HOST, message))
        })?,
    };
    let lines = args.kconfig.lines()?;
    let config = abide_runtime::linux::config(&host, &lines);
    object
        .set_kconfig(&config)
        .map_err(|error| Failure::refused(args.kconfig.refusal(&args.object, error.report())))?;
    let wanted = |name: &str, autoload: bool| match &args.program {
        Some(only) => only == name,
        None => autoload,
    };
    let programs: Vec<&str> = needs
        .programs
        .iter()
        .filter(|one| wanted(&one.name, one.autoload))
        .map(|one| one.name.as_str())
        .collect();
    let examined =
        each(programs, None, |name| examine(args, &host, &needs, &object, types.as_ref(), name));
    let (programs, messages): (Vec<_>, Vec<_>) = examined.into_iter().unzip();
    let report = Report { host: host.label(), programs };
    if report.programs.is_empty() {
        let names = needs.programs.iter().map(|one| one.name.as_str());
        let name = args.program.as_deref().unwrap_or("");
        return Err(Failure::no_program(name, " to verify", names));
    }
    ui.show(&report, |paint| report.text(paint, &messages))?;
    let safe = report.programs.iter().all(|row| row.proved);
    Ok(if safe { Exit::Done } else { Exit::Refused })
}

fn relocate(path: &Path, object: &mut Object, types: &Btf) -> Result<(), Failure> {
    let relocated = object.relocate_core(&Target::new(types));
    match relocated.apply(object) {
        Ok(()) => {
            object.core.clear();
            object.place_variables(types);
            Ok(())
        }
        Err(refused) => match refused.first() {
            Some((_, error)) => Err(Failure::of_file(path, error)),
            None => Ok(()),
        },
    }
}

fn examine(
    args: &Args,
    host: &HostProfile,
    needs: &abide::Requirements,
    object: &Object,
    types: Option<&Btf>,
    name: &str,
) -> (Row, Vec<Message>) {
    let mut row = Row::new(name);
    let refuse = |mut row: Row, diagnostics: Vec<Diagnostic>| {
        let messages: Vec<Message> = diagnostics.into_iter().map(Message::from).collect();
        row.messages = messages.iter().map(MessageJson::of).collect();
        (row, messages)
    };
    let binding = match host.bind_program(needs, name) {
        Ok(binding) => binding,
        Err(refusals) => return refuse(row, refusals.reports()),
    };
    let program = match binding.link(object, name) {
        Ok(program) => program,
        Err(error) => return refuse(row, vec![error.report()]),
    };
    let limits = Limits { instructions: args.budget, ..Limits::default() };
    let options = Options { host_types: types, limits, log: args.log, ..Options::new(host.node()) };
    let options = if args.unprivileged { options.without_privileges() } else { options };
    let start = Instant::now();
    let proved = prove(program, object, &options);
    row.microseconds = start.elapsed().as_micros() as u64;
    let (statistics, log) = match &proved {
        Ok(proof) => (proof.statistics(), proof.log()),
        Err(refusal) => (refusal.statistics, refusal.log.as_str()),
    };
    row.instructions = statistics.processed;
    row.states = statistics.states;
    row.stack = statistics.stack;
    row.memory = statistics.peak_memory;
    log.clone_into(&mut row.log);
    match proved {
        Ok(_) => {
            row.proved = true;
            (row, Vec::new())
        }
        Err(refusal) => {
            row.slot = Some(refusal.rejection.slot);
            refuse(row, vec![refusal.rejection.report()])
        }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    host: String,
    programs: Vec<Row>,
}

/// One program.
#[derive(Debug, Serialize)]
struct Row {
    program: String,
    proved: bool,
    /// Where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<u32>,
    instructions: u64,
    states: u64,
    stack: u32,
    /// The most bytes that the proof took at once.
    memory: usize,
    microseconds: u64,
    messages: Vec<MessageJson>,
    #[serde(skip_serializing_if = "String::is_empty")]
    log: String,
}

impl Row {
    fn new(name: &str) -> Row {
        Row {
            program: printable(name).into_owned(),
            proved: false,
            slot: None,
            instructions: 0,
            states: 0,
            stack: 0,
            memory: 0,
            microseconds: 0,
            messages: Vec::new(),
            log: String::new(),
        }
    }
}

impl Report {
    fn text(&self, paint: Paint, messages: &[Vec<Message>]) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "  host {}", self.host);
        for (row, messages) in self.programs.iter().zip(messages) {
            out.push_str(&row.log);
            let verdict = if row.proved { paint.good("proved") } else { paint.bad("refused") };
            let _ = write!(out, "  {verdict}  {}", paint.head(&row.program));
            if row.instructions > 0 {
                let _ = write!(
                    out,
                    "  {} instructions, {} states, {} bytes of stack, {} KiB of memory, {:.1} ms",
                    grouped(row.instructions),
                    grouped(row.states),
                    row.stack,
                    grouped(row.memory.div_ceil(1024) as u64),
                    row.microseconds as f64 / 1000.0
                );
            }
            out.push('\n');
            for message in messages {
                let _ = writeln!(out, "\n{}\n", render(message, paint));
            }
        }
        out
    }
}
