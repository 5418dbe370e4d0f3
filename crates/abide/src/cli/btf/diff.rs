//! `abide btf diff`: what two files say differently about types and functions.

use std::fmt::Write;
use std::path::PathBuf;

use abide_btf::TypeId;
use abide_btf::compare::{Change, Diff, Difference, Entry, What};
use abide_diag::printable;
use serde::Serialize;

use crate::cli::fail::{Exit, Failure, shown};
use crate::cli::ui::{Paint, Ui, count};

/// Of one type so many differences are printed; JSON has all that were found.
const SHOWN: usize = 8;

/// Compare the types and functions of two files
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide btf diff 6.12.btf vmlinux                        what differs in the kernel that runs here
  abide btf diff 6.12.btf 6.18.btf --name 'bpf_dynptr_*'
  abide btf diff old.bpf.o new.bpf.o --format json

A type is told as changed if what it says itself has changed: the size of a member, not what a
struct of another name has in it. Ends with 1 if there is a difference.")]
pub(crate) struct Args {
    /// A file of BTF, an ELF file that has it, or `vmlinux` for the kernel that runs here
    here: PathBuf,
    /// The other
    there: PathBuf,
    /// Only what has this name; `*` stands for any characters
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The types that both files go on from: the kernel of two builds of a module
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct DiffJson {
    here: String,
    there: String,
    added: Vec<EntryJson>,
    removed: Vec<EntryJson>,
    changed: Vec<ChangeJson>,
    same: usize,
}

#[derive(Debug, Serialize)]
struct EntryJson {
    kind: &'static str,
    name: String,
    id: u32,
}

#[derive(Debug, Serialize)]
struct ChangeJson {
    kind: &'static str,
    name: String,
    here_id: u32,
    there_id: u32,
    differences: Vec<DifferenceJson>,
}

#[derive(Debug, Serialize)]
struct DifferenceJson {
    path: Vec<String>,
    reason: &'static str,
    here: String,
    there: String,
    text: String,
}

pub(super) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let here = super::types(&args.here, args.base.as_deref())?;
    let there = super::types(&args.there, args.base.as_deref())?;
    let wanted = |name: &str| args.name.as_deref().is_none_or(|pattern| matches(pattern, name));
    let diff = here.diff(&there, wanted);
    if let (Some(name), true, 0) = (&args.name, diff.is_empty(), diff.same) {
        return Err(super::no_type(name, &[&here, &there]));
    }
    let json = DiffJson::of(args, &diff);
    ui.show(&json, |paint| json.text(paint))?;
    Ok(if diff.is_empty() { Exit::Done } else { Exit::Refused })
}

fn word(what: What) -> &'static str {
    match what {
        What::Type(kind) => super::word(kind),
        What::Constant => "constant",
    }
}

/// Whether a name fits a pattern with `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    // Whatever comes first between two stars may be found where it comes first.
    while let Some((part, tail)) = rest.split_once('*') {
        let Some(at) = name.find(part) else { return false };
        name = &name[at + part.len()..];
        rest = tail;
    }
    name.ends_with(rest)
}

impl DiffJson {
    fn of(args: &Args, diff: &Diff) -> DiffJson {
        let entry = |entry: &Entry| EntryJson {
            kind: word(entry.kind),
            name: printable(&entry.name).into_owned(),
            id: entry.id.0,
        };
        DiffJson {
            here: shown(&args.here),
            there: shown(&args.there),
            added: diff.added.iter().map(entry).collect(),
            removed: diff.removed.iter().map(entry).collect(),
            changed: diff.changed.iter().map(ChangeJson::of).collect(),
            same: diff.same,
        }
    }

    fn text(&self, paint: Paint) -> String {
        let mut out = String::new();
        let lists = [(paint.bad("removed"), &self.removed), (paint.good("added"), &self.added)];
        for (head, entries) in lists.iter().filter(|(_, entries)| !entries.is_empty()) {
            let _ = writeln!(out, "{head}");
            for entry in *entries {
                let _ = writeln!(out, "  {} {}", entry.kind, paint.head(&entry.name));
            }
        }
        if !self.changed.is_empty() {
            let _ = writeln!(out, "{}", paint.notice("changed"));
        }
        for change in &self.changed {
            let _ = writeln!(out, "  {} {}", change.kind, paint.head(&change.name));
            for difference in change.differences.iter().take(SHOWN) {
                let _ = writeln!(out, "    {}", difference.text);
            }
            let more = change.differences.len().saturating_sub(SHOWN);
            if more > 0 {
                let _ = writeln!(out, "    {}", paint.dim(&format!("and {more} more")));
            }
        }
        let _ = writeln!(
            out,
            "{} to {}: {} added, {} removed, {} changed, {} the same",
            self.here,
            self.there,
            count(self.added.len() as u64, "name"),
            self.removed.len(),
            self.changed.len(),
            self.same
        );
        out
    }
}

impl ChangeJson {
    fn of(change: &Change) -> ChangeJson {
        let TypeId(here_id) = change.here;
        let TypeId(there_id) = change.there;
        ChangeJson {
            kind: word(change.kind),
            name: printable(&change.name).into_owned(),
            here_id,
            there_id,
            differences: change.differences.iter().map(DifferenceJson::of).collect(),
        }
    }
}

impl DifferenceJson {
    fn of(difference: &Difference) -> DifferenceJson {
        DifferenceJson {
            path: difference.path.iter().map(ToString::to_string).collect(),
            reason: difference.reason.word(),
            here: printable(&difference.here).into_owned(),
            there: printable(&difference.there).into_owned(),
            text: difference.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*", "", true),
            ("*b", "ab", true),
            ("a*b*c", "axxbyc", true),
            ("a*b*c", "axxbyd", false),
            ("aa*a", "aa", false),
            ("a**a", "aa", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
