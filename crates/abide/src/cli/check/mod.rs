//! `abide check`: programs of objects against hosts. What is needed and what a host makes of it is
//! found out by `api`; this reads files, spreads the work over threads and prints.

mod explain;
mod hosts;
mod report;
mod text;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use abide::codes;
use abide_api::check::Checker;
use abide_diag::Diagnostic;
use abide_verifier::each;

use self::hosts::Hosts;
use self::report::{ObjectJson, Report};
use super::apis::{self, ApiArgs, Apis};
use super::fail::{Exit, Failure, shown};
use super::ui::Ui;

/// Tell which programs load on which hosts, what stands in the way, and the oldest version that
/// would do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide check firewall.bpf.o                                   on every known host
  abide check firewall.bpf.o --against LINUX_5.15,LINUX_6.1    on two versions of Linux
  abide check build/ --against nodes                           all objects in a folder, all versions
  abide check biotop.bpf.o --against btf/                      on kernels whose types are there
  abide check biotop.bpf.o --against /sys/kernel/btf/vmlinux   on the kernel that runs here
  abide check firewall.bpf.o --explain firewall@LINUX_6.1      each requirement, and what serves it
  abide check *.bpf.o --against nodes --format markdown        a table for a README

A host is a version of the API, a kernel that it describes (both may be written linux@NAME, and with
:YYYY-MM-DD after it), or a file of types: BTF, or an ELF file that has it. `all` is every host that
the API describes, `nodes` every version. Questions about types, fields and variables of the kernel
need its types; without them they are told as open, and are no refusals.

Ends with 1 if a program is refused on a host, or an object cannot be read; other objects are
checked all the same.")]
pub(crate) struct Args {
    /// The objects; of a folder all `*.o` in it
    #[arg(required = true)]
    objects: Vec<PathBuf>,
    /// The hosts, with commas between them: names, files or folders of BTF, `nodes`, `all`
    #[arg(long, value_name = "HOST,…", value_delimiter = ',', default_value = "all")]
    against: Vec<String>,
    /// Show each requirement of one program on one host, where it stands and what serves it
    #[arg(long, value_name = "PROGRAM@HOST")]
    explain: Option<String>,
    #[command(flatten)]
    apis: ApiArgs,
    /// How many objects are checked at the same time; as many as there are processors by default
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

impl Args {
    /// An explanation has none.
    pub(crate) fn has_markdown(&self) -> bool {
        self.explain.is_none()
    }
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let apis = Apis::load(&args.apis)?;
    let paths = objects(&args.objects)?;
    if let Some(wanted) = &args.explain {
        return explain::main(args, &apis, &paths, wanted, ui);
    }
    let kernels = hosts::kernels(&args.against)?;
    let kernels = hosts::indexed(&kernels);
    let hosts = Hosts::of(&args.against, &apis, &kernels)?;
    let progress = ui.progress(paths.len(), "object");
    let finished = Mutex::new(0);
    let done = each(&paths, args.jobs, |path| {
        let object = one(path, &apis, &hosts);
        let mut finished = finished.lock().unwrap_or_else(PoisonError::into_inner);
        *finished += 1;
        progress.show(*finished);
        object
    });
    progress.clear();
    let report = Report::of(&hosts, done);
    ui.show_markdown(&report, |paint| text::text(&report, paint), || text::markdown(&report))?;
    Ok(report.exit())
}

/// The files that are meant, folders replaced by the objects in them.
fn objects(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in given {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        below(path, &mut found, 0)?;
        if found.len() == before {
            let message = format!("there is no object (`*.o`) in {}", shown(path));
            return Err(Failure::usage(Diagnostic::error(&codes::C_NO_OBJECT, message)));
        }
        found[before..].sort();
    }
    Ok(found)
}

/// Folders are followed this far.
const MAX_DEPTH: u32 = 32;

fn below(folder: &Path, found: &mut Vec<PathBuf>, depth: u32) -> Result<(), Failure> {
    let failed = |error| Failure::io("read", folder, &error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // What a link leads to is not followed: it may lead back.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() && depth < MAX_DEPTH {
            below(&path, found, depth + 1)?;
        } else if path.extension().is_some_and(|end| end == "o") && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn one(path: &Path, apis: &Apis, hosts: &Hosts<'_>) -> ObjectJson {
    let read = || {
        let (_, object) = apis::object(path)?;
        let needs = apis.requirements(path, &object, None)?;
        let checker = Checker::new(&object, &needs);
        let reports = hosts.of_api(&needs.api.name).map(|(at, host)| (at, checker.check(host)));
        let reports: Vec<_> = reports.collect();
        Ok(ObjectJson::of(path, &object, &needs, &checker, &reports, hosts))
    };
    read().unwrap_or_else(|failure: Failure| ObjectJson::failed(path, &failure))
}
