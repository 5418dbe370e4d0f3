//! `abide link`: several objects to one. The linker is the room `object`'s.

use std::fmt::Write;
use std::path::PathBuf;

use abide::Object;
use abide_diag::{Report as _, printable};
use abide_object::link::{Input, Linked, link};
use abide_object::{ExternKind, MapOrigin};
use serde::Serialize;

use super::fail::{Exit, Failure, shown};
use super::files::{apart, is_standard, named, read, write};
use super::ui::{Paint, Table, Ui, count};

/// The largest object that is read.
const LIMIT: u64 = 256 << 20;

/// Link several objects into one, as if they had been one source file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide link main.bpf.o maps.bpf.o -o firewall.bpf.o
  abide link build/*.bpf.o -o all.bpf.o --format json
  abide link firewall.bpf.o -o small.bpf.o           one object: the same without its DWARF

Functions, variables and maps that one object declares `extern` are found in the others. `static`
ones stay apart, whatever their names; of a `__weak` definition and another, the other is taken. All
must have the same license, byte order, and version of each API. What no object defines is left to
be found when the object is loaded, and is listed.")]
pub(crate) struct Args {
    /// The objects, in the order in which their sections are put together
    #[arg(required = true, value_name = "OBJ")]
    objects: Vec<PathBuf>,
    /// The object to write, which appears when it is complete; `-` is standard output, which then
    /// holds nothing else
    #[arg(short, long, value_name = "OBJ")]
    output: PathBuf,
}

#[derive(Serialize)]
struct Report {
    objects: Vec<String>,
    output: String,
    bytes: usize,
    programs: Vec<String>,
    maps: Vec<String>,
    /// What is in none of the objects.
    missing: Vec<Missing>,
    /// The objects whose DWARF was left out.
    without_dwarf: Vec<String>,
}

#[derive(Serialize)]
struct Missing {
    name: String,
    kind: &'static str,
    weak: bool,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    ui.beside(&args.output)?;
    let mut files = Vec::new();
    for path in &args.objects {
        apart(path, &args.output)?;
        files.push((named(path), read(path, LIMIT)?));
    }
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let linked =
        link(&inputs).map_err(|errors| Failure::all(errors.iter().map(|error| error.report())))?;
    let refused = |error| Failure::of_file(&args.output, &error);
    let bytes = linked.image.write().map_err(refused)?;
    // Together they may be what no object may be: too large, for one.
    let object = Object::parse(&bytes).map_err(refused)?;
    write(&args.output, &bytes)?;
    if is_standard(&args.output) {
        return Ok(Exit::Done);
    }
    let report = Report::of(args, &linked, &object, bytes.len());
    ui.show(&report, |paint| report.text(paint))?;
    Ok(Exit::Done)
}

impl Report {
    fn of(args: &Args, linked: &Linked, object: &Object, bytes: usize) -> Report {
        let programs = object.programs.iter().map(|one| object.function(one.function).name.clone());
        let maps = object.maps.iter().filter(|map| !matches!(map.origin, MapOrigin::Data { .. }));
        let missing = object.externs.iter().map(|one| Missing {
            name: one.name.clone(),
            kind: match one.kind {
                ExternKind::Function { .. } => "function",
                ExternKind::Ksym { .. } => "variable",
                ExternKind::Kconfig { .. } => "configuration",
            },
            weak: one.weak,
        });
        Report {
            objects: args.objects.iter().map(|path| shown(path)).collect(),
            output: shown(&args.output),
            bytes,
            programs: programs.collect(),
            maps: maps.map(|map| map.name.clone()).collect(),
            missing: missing.collect(),
            without_dwarf: linked.without_dwarf.clone(),
        }
    }

    fn text(&self, paint: Paint) -> String {
        let mut out = format!(
            "{}: {} of {}\n",
            paint.head(&self.output),
            count(self.bytes as u64, "byte"),
            count(self.objects.len() as u64, "object")
        );
        let missing = self.missing.iter().map(|one| {
            let weak = if one.weak { "weak " } else { "" };
            format!("{} ({weak}{})", printable(&one.name), one.kind)
        });
        let names = |names: &[String]| names.iter().map(|name| printable(name).into()).collect();
        let rows: [(&str, Vec<String>); 3] = [
            ("programs", names(&self.programs)),
            ("maps", names(&self.maps)),
            ("not found", missing.collect()),
        ];
        let mut table = Table::new(&[]);
        for (what, names) in rows.into_iter().filter(|(_, names)| !names.is_empty()) {
            table.row([what.to_owned(), names.join(", ")]);
        }
        table.write(&mut out);
        if !self.without_dwarf.is_empty() {
            let names = self.without_dwarf.join(", ");
            let _ = writeln!(out, "{}", paint.dim(&format!("left out: the DWARF of {names}")));
        }
        out
    }
}
