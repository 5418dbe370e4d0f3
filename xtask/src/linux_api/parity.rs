//! `docs/linux-api-parity.md`: what the API file says of who may call what, against what booted kernels
//! answered.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use abide_api::Api;
use abide_api::query::Namespace;
use abide_linux::load::vehicle;

use super::rights::{attach_kinds, kernels};
use super::tables::{Table, Version};
use super::{attached, history};
use crate::Failure;

/// How many answers there are, and which the file does not give.
pub(super) struct Parity {
    asked: usize,
    /// By callee and attach kind: kernel, whether it may there.
    differ: BTreeMap<(String, String), Vec<(Version, bool)>>,
}

impl Parity {
    pub(super) fn of(api: &Api) -> Result<Parity, Failure> {
        let table = Table::read("rights.tsv")?;
        let attach = attach_kinds(&Table::read("programs.tsv")?);
        let kernels = kernels(&table);
        let mut parity = Parity { asked: 0, differ: BTreeMap::new() };
        for row in table.rows() {
            for kind in row.get("attach").split(',') {
                let program =
                    attach.get(kind).ok_or_else(|| format!("no program type is {kind}"))?;
                let section = vehicle::section(kind);
                parity.count(api, (row.get("name"), program, section), kind, &kernels, row.at(2));
            }
        }
        let table = Table::read(attached::TABLE)?;
        let kernels = super::rights::kernels(&table);
        for row in table.rows() {
            for section in row.get("sections").split(',') {
                let call = (row.get("name"), row.get("program"), section);
                parity.count(api, call, section, &kernels, row.at(2));
            }
        }
        Ok(parity)
    }

    /// Compares the answers of all kernels to one question: callee, program type, section.
    fn count(
        &mut self,
        api: &Api,
        call: (&str, &str, &str),
        kind: &str,
        kernels: &[Version],
        answers: &str,
    ) {
        for (kernel, answer) in kernels.iter().zip(answers.chars()) {
            let may = match answer {
                '1' => true,
                '0' => false,
                _ => continue,
            };
            self.asked += 1;
            if says(api, call, *kernel) != may {
                let key = (call.0.to_owned(), kind.to_owned());
                self.differ.entry(key).or_default().push((*kernel, may));
            }
        }
    }

    fn differing(&self) -> usize {
        self.differ.values().map(Vec::len).sum()
    }

    /// The share of answers that the file gives, too, in percent.
    pub(super) fn percent(&self) -> f64 {
        100.0 * (1.0 - self.differing() as f64 / self.asked.max(1) as f64)
    }

    /// The page.
    pub(super) fn page(&self, api: &Api) -> Result<String, Failure> {
        let mut out = format!(
            "# Who may call what: the file against kernels\n\n\
             Made by `cargo xtask linux-api --bless`. Nine kernels (`apis/facts/rights.tsv`) were booted and asked, by loading a\n\
             program, whether each program type may call each helper and kfunc, and where that decides from each section\n\
             (`apis/facts/rights_attached.tsv`). Of {} answers, `apis/linux.api` gives {:.2} %.\n\
             Where it says something else, and why:\n\n\
             | callee | attached as | on | the kernel says | cause |\n|---|---|---|---|---|\n",
            self.asked,
            self.percent(),
        );
        let filtered = filtered()?;
        for ((name, kind), answers) in &self.differ {
            let on: Vec<String> =
                answers.iter().map(|(kernel, _)| format!("{}.{}", kernel.0, kernel.1)).collect();
            let may = answers.iter().any(|(_, may)| *may);
            let first = api.definitions_of(Namespace::Callable, name).first();
            let first = first.and_then(|id| {
                Version::parse(
                    api.node_ref(api.definition(*id).node).name.trim_start_matches("LINUX_"),
                )
            });
            let late = first.is_none_or(|first| answers.iter().any(|(kernel, _)| *kernel < first));
            let cause = match (may, late) {
                (true, true) => {
                    "the stable series has it from a later release, or its first release is known too late"
                }
                (true, false) if filtered.contains(name) && kind.contains('/') => {
                    "a later kernel that was asked does not allow it"
                }
                (true, false) if filtered.contains(name) => {
                    "asked by section the kernel refuses it, in other words than the first to ask knew"
                }
                (true, false) => "allowed on this kernel, though not on an earlier or later one",
                (false, _) if filtered.contains(name) => {
                    "allowed to programs of this type by what they are attached to; the one that asked was attached elsewhere"
                }
                (false, _) if name.starts_with("scx_") || name.starts_with("__scx_") => {
                    "depends on what else the scheduler of that kernel was built with"
                }
                (false, _) => {
                    "the stable series refuses what its release allowed, or the kernel refuses this way of attaching"
                }
            };
            let may = if may { "yes" } else { "no" };
            let _ = writeln!(out, "| `{name}` | {kind} | {} | {may} | {cause} |", on.join(", "));
        }
        out.push_str(&history::section(api)?);
        Ok(out)
    }
}

/// What looks at what a program is attached to.
fn filtered() -> Result<HashSet<String>, Failure> {
    let (kfuncs, helpers) = (Table::read("kfuncs.tsv")?, Table::read(attached::TABLE)?);
    let kfuncs = kfuncs.rows().filter(|row| !row.get("filter").is_empty());
    Ok(kfuncs.chain(helpers.rows()).map(|row| row.get("name").to_owned()).collect())
}

/// What the file says.
fn says(api: &Api, (name, program, section): (&str, &str, &str), kernel: Version) -> bool {
    let Some(node) = api.node(&kernel.node()) else { return false };
    let right = api
        .lookup(Namespace::Callable, name, node)
        .and_then(|id| api.right(id, program, section))
        .is_some_and(|right| api.is_ancestor(api.definition(right).node, node));
    right && api.lookup(Namespace::Program, program, node).is_some()
}
