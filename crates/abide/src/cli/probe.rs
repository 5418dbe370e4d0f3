//! `abide probe`: which version of Linux's API a kernel stands on, what it has besides and what it
//! lacks. Found out by `linux`.

mod answers;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use abide::{Answers, Api, Date, DefId, Lack, Standing, codes};
use abide_diag::{Diagnostic, printable};
use serde::Serialize;

use self::answers::AnswersJson;
use super::apis::{ApiArgs, Apis};
use super::fail::{Exit, Failure, shown};
use super::files;
use super::kernels::Kernel;
use super::ui::{Format, Paint, Ui, count, plain};

/// Describe a kernel: its version of the API, its backports, what it lacks.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide probe                                            the kernel that runs here
  abide probe --btf vmlinux.btf --release 5.14.0-503
  abide probe --btf vmlinux.btf --name acme_5.14 --released 2026-03-01 -o acme_5.14.api
  abide run filter.bpf.o --hosts acme_5.14.api --host linux@acme_5.14

All is read from the kernel's BTF. It shows numbers of helpers, kfuncs with their prototypes, types,
constants and fields; it does not show a change of behaviour under one prototype: that is taken from
the version. With -o, a host statement is written, which --hosts reads (docs/hosts.md).")]
pub(crate) struct Args {
    /// A file of BTF, or an ELF file that has it; without it, the kernel that runs here
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
    /// The release, as `uname -r` says it: the version is then not taken to be older
    #[arg(long, value_name = "RELEASE")]
    release: Option<String>,
    /// Write a host statement
    #[arg(short, long, value_name = "FILE", requires = "name")]
    output: Option<PathBuf>,
    /// The name of the host in the statement
    #[arg(long, value_name = "NAME", requires = "output")]
    name: Option<String>,
    /// The day of its release; without it, that of its version
    #[arg(long, value_name = "DATE", requires = "output")]
    released: Option<Date>,
    /// Also ask the kernel that runs here, by loading small programs and making maps: which types it
    /// has, what its verifier accepts, who may call what. Nothing is attached and nothing stays
    #[arg(long, conflicts_with_all = ["btf", "output"])]
    load: bool,
    #[command(flatten)]
    apis: ApiArgs,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    if let Some(path) = &args.output {
        ui.beside(path)?;
    }
    let api = Apis::load(&args.apis)?.linux()?;
    let kernel = Kernel::read(args.btf.as_deref(), args.release.as_deref())?;
    let standing = kernel.standing(&api)?;
    if let (Some(path), Some(name)) = (&args.output, &args.name) {
        write(args, &kernel, &standing, path, name)?;
        if ui.format == Format::Json {
            ui.show(&Written { host: name, output: shown(path) }, |_| "")?;
        }
        return Ok(Exit::Done);
    }
    let answers = match args.load {
        true => Some(kernel.ask(&api)?),
        false => None,
    };
    let report = Report::of(&kernel, &standing, answers.as_ref());
    ui.show(&report, |paint| report.text(paint))?;
    Ok(Exit::Done)
}

/// In JSON there is a document for everything.
#[derive(Serialize)]
struct Written<'a> {
    host: &'a str,
    output: String,
}

/// Writes the host statement, if what it says can be read again.
fn write(
    args: &Args,
    kernel: &Kernel,
    standing: &Standing,
    path: &Path,
    name: &str,
) -> Result<(), Failure> {
    let api = standing.api();
    let released = args.released.unwrap_or(standing.released());
    let text = standing.file(name, released, kernel.release.as_ref());
    let mut nodes_only = Api::clone(api);
    nodes_only.hosts.clear();
    if let Err(errors) = nodes_only.read_hosts("host", &text) {
        let message = format!("there cannot be a host `{}`", printable(name));
        let why = errors.diagnostics.iter().map(|error| error.message.clone());
        let diagnostic = Diagnostic::error(&codes::C_HOST, message);
        return Err(Failure::usage(why.fold(diagnostic, Diagnostic::note)));
    }
    files::write(path, text.as_bytes())
}

#[derive(Debug, Serialize)]
struct Report {
    kernel: String,
    release: Option<String>,
    node: String,
    released: String,
    /// The node that the release names.
    named: Option<String>,
    own: Vec<Own>,
    adds: Vec<Add>,
    lacks: Vec<Lacking>,
    numbers: Vec<(u32, String)>,
    abilities: Vec<AbilityJson>,
    defects: Vec<DefectJson>,
    unsure: Vec<UnsureJson>,
    unknown: Vec<String>,
    /// What the running kernel answered, if it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    answers: Option<AnswersJson>,
}

/// How much of what a node brought is there.
#[derive(Debug, Serialize)]
struct Own {
    node: String,
    seen: usize,
    of: usize,
}

#[derive(Debug, Serialize)]
struct Add {
    definition: String,
    kind: &'static str,
    node: String,
}

#[derive(Debug, Serialize)]
struct Lacking {
    name: String,
    kind: &'static str,
    why: String,
}

/// An instruction level or a feature of the verifier.
#[derive(Debug, Serialize)]
struct AbilityJson {
    name: String,
    kind: &'static str,
    /// BTF shows it; otherwise it follows from the version.
    seen: bool,
}

#[derive(Debug, Serialize)]
struct DefectJson {
    defect: &'static str,
    message: String,
    kfuncs: Vec<String>,
}

#[derive(Debug, Serialize)]
struct UnsureJson {
    name: String,
    why: &'static str,
}

impl Report {
    fn of(kernel: &Kernel, standing: &Standing, answers: Option<&Answers>) -> Report {
        let api = standing.api();
        let name = |node| api.node_ref(node).name.clone();
        let kind = |lack: &Lack| {
            let first = api.definitions_of(lack.namespace, &lack.name).first();
            first.map_or("", |id| api.definition(*id).kind.word())
        };
        let add = |id: &DefId| Add {
            definition: api.label(*id),
            kind: api.definition(*id).kind.word(),
            node: name(api.definition(*id).node),
        };
        Report {
            kernel: kernel.name.clone(),
            release: kernel.release.as_ref().map(|release| printable(&release.text).into_owned()),
            node: name(standing.node),
            released: standing.released().to_string(),
            named: standing.named.map(name),
            own: standing
                .own
                .iter()
                .map(|own| Own { node: name(own.node), seen: own.seen, of: own.of })
                .collect(),
            adds: standing.adds.iter().map(add).collect(),
            lacks: standing
                .lacks
                .iter()
                .map(|lack| Lacking {
                    name: lack.name.clone(),
                    kind: kind(lack),
                    why: lack.why.clone(),
                })
                .collect(),
            numbers: standing.numbers.clone(),
            abilities: standing
                .abilities
                .iter()
                .map(|(id, seen)| AbilityJson {
                    name: api.definition(*id).name.clone(),
                    kind: api.definition(*id).kind.word(),
                    seen: *seen,
                })
                .collect(),
            defects: standing
                .defects
                .iter()
                .map(|defect| DefectJson {
                    defect: defect.name(),
                    message: defect.to_string(),
                    kfuncs: defect.kfuncs().to_vec(),
                })
                .collect(),
            unsure: standing
                .unsure
                .iter()
                .map(|unsure| UnsureJson { name: unsure.name.clone(), why: unsure.why })
                .collect(),
            unknown: standing.unknown.clone(),
            answers: answers.map(|answers| AnswersJson::of(standing, answers)),
        }
    }

    fn text(&self, paint: Paint) -> String {
        let mut out = String::new();
        let release = self.release.as_ref().map_or(String::new(), |text| format!(", {text}"));
        let _ = writeln!(out, "  kernel   {}{release}", plain(&self.kernel));
        let own = self.own.iter().find(|own| own.node == self.node);
        let own = own.map_or("it brought nothing that BTF shows".to_owned(), |own| {
            format!("{} of {} of what it brought are there", own.seen, own.of)
        });
        let node = paint.head(&self.node);
        let _ = writeln!(out, "  version  {node} (released {}): {own}", self.released);
        if let Some(named) = self.named.as_ref().filter(|named| **named != self.node) {
            let _ = writeln!(out, "           newer than {named}, which the release names");
        }
        self.adds_text(paint, &mut out);
        self.lacks_text(paint, &mut out);
        if !self.numbers.is_empty() {
            let _ = writeln!(out, "\n{}", paint.head("helpers with another number"));
            for (number, name) in &self.numbers {
                let _ = writeln!(out, "  {number:>4}  {name}");
            }
        }
        for (seen, how) in [(true, "as its BTF shows"), (false, "as its version says")] {
            for kind in ["isa", "verifier"] {
                let found = self.abilities.iter().filter(|it| it.kind == kind && it.seen == seen);
                let found: Vec<&str> = found.map(|ability| ability.name.as_str()).collect();
                if !found.is_empty() {
                    let _ = writeln!(out, "\n{}, {how}", paint.head(kind));
                    names(&mut out, "  ", found.into_iter());
                }
            }
        }
        if !self.defects.is_empty() {
            let _ = writeln!(out, "\n{}", paint.head("defects of its BTF"));
            for defect in &self.defects {
                let _ = writeln!(out, "  {}: {}", paint.notice(defect.defect), defect.message);
                names(&mut out, "    ", defect.kfuncs.iter().map(String::as_str));
            }
        }
        for group in self.unsure.chunk_by(|a, b| a.why == b.why) {
            let _ = writeln!(out, "\n{}: {}", paint.head("not told"), group[0].why);
            names(&mut out, "  ", group.iter().map(|unsure| unsure.name.as_str()));
        }
        if !self.unknown.is_empty() {
            let _ = writeln!(out, "\n{}", paint.head("unknown to the API"));
            names(&mut out, "  ", self.unknown.iter().map(String::as_str));
        }
        if let Some(answers) = &self.answers {
            answers.text(paint, &mut out);
        }
        out
    }

    fn adds_text(&self, paint: Paint, out: &mut String) {
        if self.adds.is_empty() {
            return;
        }
        let what = count(self.adds.len() as u64, "backport");
        let _ = writeln!(out, "\n{}", paint.head(&what));
        for group in self.adds.chunk_by(|a, b| a.node == b.node) {
            let found: Vec<String> = group
                .iter()
                .map(|add| {
                    let name = add.definition.split('@').next().unwrap_or_default();
                    format!("{} {name}", add.kind)
                })
                .collect();
            let _ = writeln!(out, "  of {}: {}", group[0].node, found.join(", "));
        }
    }

    fn lacks_text(&self, paint: Paint, out: &mut String) {
        if self.lacks.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}: {}", paint.head("lacks"), self.lacks.len());
        let same = |a: &Lacking, b: &Lacking| (&a.why, a.kind) == (&b.why, b.kind);
        for group in self.lacks.chunk_by(same) {
            let noun = match group[0].kind {
                "program" => "program type",
                "map" => "map type",
                "isa" => "instruction level",
                "verifier" => "verifier feature",
                other => other,
            };
            let what = count(group.len() as u64, noun);
            let _ = writeln!(out, "  {what}, {}", paint.notice(&plain(&group[0].why)));
            names(out, "    ", group.iter().map(|lack| lack.name.as_str()));
        }
    }
}

/// Names with blanks between, on lines that are not too long.
fn names<'a>(out: &mut String, indent: &str, names: impl Iterator<Item = &'a str>) {
    const WIDTH: usize = 100;
    let mut line = String::new();
    for name in names {
        if !line.is_empty() && indent.len() + line.len() + name.len() >= WIDTH {
            let _ = writeln!(out, "{indent}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(name);
    }
    if !line.is_empty() {
        let _ = writeln!(out, "{indent}{line}");
    }
}
