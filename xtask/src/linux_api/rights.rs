//! Which program types may call what, from one kernel on: measured where a kernel was asked, else as
//! the source registers it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::tables::{Table, Version};
use crate::Failure;

/// What is known of one callee: per kernel and program type, whether it may be called.
type Known = BTreeMap<Version, BTreeMap<String, bool>>;

/// Filters by what a program is attached to: the type that the source registers, the one here, and since
/// when.
const FILTERS: &[(&str, &str, &str, Version)] = &[
    ("scx_kfunc_context_filter", "struct_ops", "sched_ext", Version(6, 12)),
    ("bpf_session_filter", "kprobe", "kprobe", Version(6, 10)),
    // Sessions of fentry and fexit.
    ("bpf_session_filter", "tracing", "fentry", Version(7, 0)),
    ("bpf_qdisc_kfunc_filter", "struct_ops", "struct_ops", Version(6, 16)),
];

/// What all kernels say.
pub(super) struct Rights {
    known: HashMap<String, Known>,
}

/// Who may call one definition.
#[derive(Default)]
pub(super) struct Granted {
    /// From the start; empty means everybody.
    pub(super) own: Vec<String>,
    /// Later: the last kernel without, the first with, and who.
    pub(super) later: BTreeMap<(Version, Version), Vec<String>>,
}

/// A program type in the file, and as the matrices and the source call it.
pub(super) fn attach_kinds(programs: &Table) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for row in programs.rows() {
        for attach in row.get("attach").split(' ').filter(|attach| !attach.is_empty()) {
            found.insert(attach.to_owned(), row.get("name").to_owned());
        }
    }
    found
}

/// `tracing` of the kernel is several types here, since their sections differ.
fn named(kernel_type: &str) -> Vec<&str> {
    match kernel_type {
        "sched_cls" => vec!["tc"],
        "tracing" => vec!["fentry", "tp_btf", "iter"],
        "struct_ops" => vec!["struct_ops", "sched_ext"],
        other => vec![other],
    }
}

/// The kernels of `rights.tsv`, in the order of its columns.
pub(super) fn kernels(table: &Table) -> Vec<Version> {
    table.column(2).split(',').filter_map(Version::parse).collect()
}

impl Rights {
    pub(super) fn read(kfuncs: &Table, programs: &Table) -> Result<Rights, Failure> {
        let table = Table::read("rights.tsv")?;
        let attach = attach_kinds(programs);
        let kernels = kernels(&table);
        let mut known: HashMap<String, Known> = HashMap::new();
        for row in table.rows() {
            for program in row.get("attach").split(',').filter_map(|kind| attach.get(kind)) {
                for (kernel, may) in kernels.iter().zip(row.at(2).chars()) {
                    let at = known.entry(row.get("name").to_owned()).or_default();
                    let at = at.entry(*kernel).or_default();
                    match may {
                        '1' => _ = at.insert(program.clone(), true),
                        '0' => _ = at.entry(program.clone()).or_insert(false),
                        _ => {}
                    }
                }
            }
        }
        let mut rights = Rights { known };
        rights.later(kfuncs)?;
        rights.filtered(kfuncs, &kernels);
        rights.attached(&kernels)?;
        rights.registered(kfuncs)?;
        Ok(rights)
    }

    /// What is known of releases between the kernels that were asked: there, program types were given what
    /// others had before.
    fn later(&mut self, kfuncs: &Table) -> Result<(), Failure> {
        for rule in Table::read("rights_since.tsv")?.rows() {
            let at = Version::parse(rule.get("since")).ok_or("rights_since.tsv: no version")?;
            let before = Version(at.0, at.1 - 1);
            let words = |column| rule.get(column).split(' ').filter(|word| !word.is_empty());
            for row in kfuncs.rows() {
                let types: Vec<&str> = row.get("types_6.12").split('|').collect();
                let hook = words("hooks").any(|hook| types.contains(&hook));
                let set = words("sets").any(|set| row.get("sets").split('|').any(|is| is == set));
                let old = Version::range(row.get("since")).is_some_and(|(_, since)| since < at);
                // What all program types have goes by other rules.
                if !old || !(hook || set) || types.contains(&"unspec") {
                    continue;
                }
                let Some(known) = self.known.get_mut(row.get("name")) else { continue };
                for program in words("programs") {
                    let had = known.range(..at).any(|(_, who)| who.get(program) == Some(&true));
                    let has = known.range(at..).find_map(|(_, who)| who.get(program)).copied();
                    if !had && has == Some(true) {
                        known.entry(before).or_default().insert(program.to_owned(), false);
                        known.entry(at).or_default().insert(program.to_owned(), true);
                    }
                }
            }
        }
        Ok(())
    }

    /// Some kfuncs look at what a program is attached to: that one program of a type was refused says
    /// nothing of the others.
    fn filtered(&mut self, kfuncs: &Table, kernels: &[Version]) {
        for row in kfuncs.rows() {
            for (filter, registered, program, from) in FILTERS {
                if row.get("filter") != *filter {
                    continue;
                }
                let Some(known) = self.known.get_mut(row.get("name")) else { continue };
                for kernel in kernels.iter().filter(|kernel| *kernel >= from) {
                    let seen = ["6.1", "6.12", "6.18", "7.3"]
                        .into_iter()
                        .find(|seen| Version::parse(seen).is_some_and(|seen| seen >= *kernel));
                    let types = seen.map_or("", |seen| row.get(&format!("types_{seen}")));
                    let may = known.get_mut(kernel).and_then(|who| who.get_mut(*program));
                    if let Some(may) = may
                        && types.split('|').any(|found| found == *registered)
                    {
                        *may = true;
                    }
                }
            }
        }
    }

    /// Helpers that look at it, too: what some of a type may is said of the type, and which of them may is
    /// the verifier's to know.
    fn attached(&mut self, kernels: &[Version]) -> Result<(), Failure> {
        for row in Table::read("rights_attached.tsv")?.rows() {
            let since =
                Version::parse(row.get("since")).ok_or("rights_attached.tsv: no version")?;
            let known = self.known.entry(row.get("name").to_owned()).or_default();
            let mut say = |at: Version, may: bool| {
                known.entry(at).or_default().insert(row.get("program").to_owned(), may);
            };
            say(Version(since.0, since.1.saturating_sub(1)), false);
            for kernel in kernels.iter().filter(|kernel| **kernel > since).chain([&since]) {
                say(*kernel, true);
            }
        }
        Ok(())
    }

    /// Kfuncs of modules, which nobody was asked about.
    fn registered(&mut self, kfuncs: &Table) -> Result<(), Failure> {
        let hooks = Table::read("hooks.tsv")?;
        let asked: BTreeSet<String> = self.known.keys().cloned().collect();
        for row in kfuncs.rows().filter(|row| !asked.contains(row.get("name"))) {
            // What was gone again before any of these has its types by themselves.
            let since = Version::range(row.get("since")).map(|(_, since)| since);
            let seen = [
                (Some(Version(6, 1)), "6.1", "types_6.1"),
                (Some(Version(6, 12)), "6.12", "types_6.12"),
                (Some(Version(6, 18)), "6.18", "types_6.18"),
                (Some(Version(7, 3)), "7.3", "types_7.3"),
                (since, "6.1", "types"),
            ];
            for (kernel, version, column) in seen {
                let types = row.get(column);
                let Some(kernel) = kernel.filter(|_| !types.is_empty()) else { continue };
                let here = || hooks.rows().filter(|hook| hook.get("version") == version);
                let hook_of: BTreeMap<&str, &str> =
                    here().map(|hook| (hook.get("prog_type"), hook.get("hook"))).collect();
                let registered: BTreeSet<_> =
                    types.split('|').filter_map(|name| hook_of.get(name)).collect();
                let all = types.split('|').any(|name| name == "unspec");
                let at = self.known.entry(row.get("name").to_owned()).or_default();
                let at = at.entry(kernel).or_default();
                for (name, hook) in &hook_of {
                    for program in named(name) {
                        at.insert(program.to_owned(), all || registered.contains(hook));
                    }
                }
                at.remove("unspec");
            }
        }
        Ok(())
    }

    /// The kernels from which on a type may not call any more what it could call before, with the types.
    pub(super) fn lost(&self, name: &str, since: Version) -> BTreeMap<Version, Vec<String>> {
        let mut lost: BTreeMap<Version, Vec<String>> = BTreeMap::new();
        let Some(known) = self.known.get(name) else { return lost };
        let mut may: BTreeSet<&str> = BTreeSet::new();
        for (kernel, programs) in known.range(since..) {
            for (program, now) in programs {
                if *now {
                    may.insert(program);
                } else if may.remove(program.as_str()) {
                    lost.entry(*kernel).or_default().push(program.clone());
                }
            }
        }
        lost
    }

    /// Who may call each of the definitions of a name, oldest first.
    pub(super) fn of(&self, name: &str, definitions: &[Version]) -> Vec<Granted> {
        let ends = definitions.iter().skip(1).map(|end| Some(*end)).chain([None]);
        definitions.iter().zip(ends).map(|(start, end)| self.one(name, *start, end)).collect()
    }

    fn one(&self, name: &str, start: Version, end: Option<Version>) -> Granted {
        let mut granted = Granted::default();
        let Some(known) = self.known.get(name) else { return granted };
        let everybody: BTreeSet<&String> = known.values().flat_map(BTreeMap::keys).collect();
        let mut denied = false;
        for program in everybody {
            let during = |kernel: &Version| *kernel >= start && end.is_none_or(|end| *kernel < end);
            let asked = known.iter().filter_map(|(at, who)| Some((*at, *who.get(program)?)));
            let asked: Vec<(Version, bool)> = asked.collect();
            let mut here: Vec<_> = asked.iter().copied().filter(|(at, _)| during(at)).collect();
            if here.is_empty() {
                // Nobody asked while it was current: the next kernel, or else the last one, says most.
                let near = asked.iter().find(|(at, _)| *at >= start).or(asked.last());
                here.extend(near.copied());
            }
            match here.iter().position(|(_, may)| *may) {
                Some(0) => granted.own.push(program.clone()),
                Some(first) => {
                    denied = true;
                    let (low, high) = (here[first - 1].0, here[first].0);
                    granted.later.entry((low, high)).or_default().push(program.clone());
                }
                None => denied = true,
            }
        }
        // One statement a release: what is known least of the programs is said of all.
        let mut by_release: BTreeMap<Version, (Version, Vec<String>)> = BTreeMap::new();
        for ((low, high), programs) in std::mem::take(&mut granted.later) {
            let (lowest, all) = by_release.entry(high).or_insert((low, Vec::new()));
            *lowest = (*lowest).min(low);
            all.extend(programs);
        }
        for (high, (low, mut programs)) in by_release {
            programs.sort();
            granted.later.insert((low, high), programs);
        }
        if !denied {
            granted.own.clear();
        } else {
            // A program that replaces another is checked as that one.
            granted.own.push("ext".to_owned());
        }
        granted
    }
}
