//! Which program types may call what, from one kernel on: measured where a kernel was asked, else as
//! the source registers it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use abide_linux::load::vehicle;

use super::attached;
use super::tables::{Table, Version};
use crate::Failure;

/// What is known of one callee: per kernel and caller, whether it may be called. A caller is a program type,
/// or one of its sections: [`of_section`].
type Known = BTreeMap<Version, BTreeMap<String, bool>>;

/// A filter by what a program is attached to.
struct Filter {
    name: &'static str,
    /// The type that the source registers.
    registered: &'static str,
    /// The one here.
    program: &'static str,
    /// The sections that it lets through; empty if sections do not say it.
    sections: &'static [&'static str],
    since: Version,
}

const FILTERS: &[Filter] = &[
    Filter {
        name: "scx_kfunc_context_filter",
        registered: "struct_ops",
        program: "sched_ext",
        sections: &[],
        since: Version(6, 12),
    },
    Filter {
        name: "bpf_session_filter",
        registered: "kprobe",
        program: "kprobe",
        sections: &["kprobe.session", "uprobe.session", "uprobe.session.s"],
        since: Version(6, 10),
    },
    Filter {
        name: "bpf_session_filter",
        registered: "tracing",
        program: "fentry",
        sections: &["fsession", "fsession.s", "fsession.multi", "fsession.multi.s"],
        since: Version(7, 0),
    },
    Filter {
        name: "bpf_qdisc_kfunc_filter",
        registered: "struct_ops",
        program: "struct_ops",
        sections: &[],
        since: Version(6, 16),
    },
];

/// What all kernels say.
pub(super) struct Rights {
    known: HashMap<String, Known>,
    /// The sections of each program type.
    sections: HashMap<String, Vec<String>>,
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

/// A caller that is one section of a program type.
fn of_section(program: &str, section: &str) -> String {
    format!("{program}\t{section}")
}

/// What `rights.tsv` says, by callee, program type and kernel.
pub(super) fn asked() -> Result<HashMap<(String, String, Version), char>, Failure> {
    let attach = attach_kinds(&Table::read("programs.tsv")?);
    let mut found: HashMap<(String, String, Version), char> = HashMap::new();
    let table = Table::read("rights.tsv")?;
    let kernels = kernels(&table);
    for row in table.rows() {
        for program in row.get("attach").split(',').filter_map(|kind| attach.get(kind)) {
            let answers = kernels.iter().zip(row.at(2).chars());
            for (kernel, may) in answers.filter(|(_, may)| matches!(may, '0' | '1')) {
                let key = (row.get("name").to_owned(), program.clone(), *kernel);
                let known = found.entry(key).or_insert(may);
                // Of two ways of attaching one is enough.
                if may == '1' {
                    *known = may;
                }
            }
        }
    }
    Ok(found)
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
        let sections = programs.rows().map(|row| {
            let sections = row.get("sections").split(' ').map(str::to_owned).collect();
            (row.get("name").to_owned(), sections)
        });
        let mut rights = Rights { known, sections: sections.collect() };
        rights.later(kfuncs)?;
        rights.filtered(kfuncs, &kernels);
        rights.attached()?;
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
            for filter in FILTERS.iter().filter(|filter| row.get("filter") == filter.name) {
                let Some(known) = self.known.get_mut(row.get("name")) else { continue };
                for kernel in kernels {
                    let seen = ["6.1", "6.12", "6.18", "7.3"]
                        .into_iter()
                        .find(|seen| Version::parse(seen).is_some_and(|seen| seen >= *kernel));
                    let types = seen.map_or("", |seen| row.get(&format!("types_{seen}")));
                    let Some(who) = known.get_mut(kernel) else { continue };
                    let registered = *kernel >= filter.since
                        && types.split('|').any(|found| found == filter.registered);
                    if !who.contains_key(filter.program) {
                        continue;
                    }
                    if registered && filter.sections.is_empty() {
                        who.insert(filter.program.to_owned(), true);
                    }
                    for section in filter.sections {
                        who.insert(of_section(filter.program, section), registered);
                    }
                }
            }
        }
    }

    /// What the one program of a type said that was asked stands for its section.
    fn told_by_one(&mut self, attached: &Table) -> Result<(), Failure> {
        let pairs: BTreeSet<(&str, &str)> =
            attached.rows().map(|row| (row.get("name"), row.get("program"))).collect();
        for (name, program) in &pairs {
            let known = self.known.entry((*name).to_owned()).or_default();
            known.values_mut().for_each(|who| _ = who.remove(*program));
        }
        let attach = attach_kinds(&Table::read("programs.tsv")?);
        let table = Table::read("rights.tsv")?;
        let kernels = kernels(&table);
        for row in table.rows() {
            let Some(known) = self.known.get_mut(row.get("name")) else { continue };
            for kind in row.get("attach").split(',') {
                let program = attach.get(kind).map_or("", String::as_str);
                if !pairs.contains(&(row.get("name"), program)) {
                    continue;
                }
                for (kernel, may) in kernels.iter().zip(row.at(2).chars()) {
                    for section in vehicle::sections(kind) {
                        if may == '0' || may == '1' {
                            let at = known.entry(*kernel).or_default();
                            at.insert(of_section(program, section), may == '1');
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Helpers that look at it, too: what is known of each section stands in the place of what one of them
    /// said for the type.
    fn attached(&mut self) -> Result<(), Failure> {
        let table = Table::read(attached::TABLE)?;
        let kernels = kernels(&table);
        self.told_by_one(&table)?;
        for row in table.rows() {
            let (name, program) = (row.get("name"), row.get("program"));
            let known = self.known.entry(name.to_owned()).or_default();
            for section in row.get("sections").split(',') {
                for (kernel, may) in kernels.iter().zip(row.at(2).chars()) {
                    if may != '-' {
                        let at = known.entry(*kernel).or_default();
                        at.insert(of_section(program, section), may == '1');
                    }
                }
            }
        }
        for row in Table::read("rights_attached_since.tsv")?.rows() {
            let since = Version::parse(row.get("since"));
            let since = since.ok_or("rights_attached_since.tsv: no version")?;
            let known = self.known.entry(row.get("name").to_owned()).or_default();
            for section in row.get("sections").split(',') {
                let caller = of_section(row.get("program"), section);
                let mut say = |at: Version, may: bool| {
                    known.entry(at).or_default().insert(caller.clone(), may);
                };
                say(Version(since.0, since.1 - 1), false);
                say(since, true);
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
                    let words = program.split_once('\t');
                    let who = words.map_or(program.as_str(), |(_, section)| section);
                    lost.entry(*kernel).or_default().push(who.to_owned());
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

    /// Callers as the language has them, those that were not said before: sections of one program type in
    /// brackets, and the type alone, or what the sections stand below, where from now on all of them may.
    fn said<'k, I>(
        &self,
        callers: &[String],
        now: impl Fn() -> I,
        said: &mut BTreeSet<String>,
    ) -> Vec<String>
    where
        I: Iterator<Item = (&'k Version, &'k BTreeMap<String, bool>)>,
    {
        let all_below = |above: &str| {
            let below = |caller: &str| {
                let rest = caller.strip_prefix(above);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['\t', '/']))
            };
            now().flat_map(|(_, who)| who).all(|(caller, may)| *may || !below(caller))
        };
        let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for caller in callers {
            let (program, section) = caller.split_once('\t').unwrap_or((caller, ""));
            let own = self.sections.get(program).map_or(&[][..], Vec::as_slice);
            let base = section.split('/').next().unwrap_or(section);
            let base = own.iter().find(|own| **own == base);
            let section = match base {
                _ if section.is_empty() || all_below(program) => "",
                Some(base) if all_below(&of_section(program, base)) => base,
                _ => section,
            };
            let known = said.contains(program) || !said.insert(of_section(program, section));
            if section.is_empty() {
                said.insert(program.to_owned());
            }
            if !known {
                found.entry(program).or_default().insert(section);
            }
        }
        let text = |(program, sections): (&str, BTreeSet<&str>)| {
            if sections.contains("") {
                return program.to_owned();
            }
            let sections: Vec<String> = sections.iter().map(|one| format!("\"{one}\"")).collect();
            format!("{program}[{}]", sections.join(", "))
        };
        found.into_iter().map(text).collect()
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
            let first = here.iter().position(|(_, may)| *may);
            // Of a section that lost it again nobody is promised it: nothing could take it away.
            let lost = |first: &usize| here[*first..].iter().any(|(_, may)| !*may);
            match first.filter(|first| !program.contains('\t') || !lost(first)) {
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
        let period = |at: Version| {
            known.range(at..).take_while(move |(kernel, _)| end.is_none_or(|end| **kernel < end))
        };
        let mut said = BTreeSet::new();
        granted.own = self.said(&granted.own, || period(start), &mut said);
        for (high, (low, mut callers)) in by_release {
            callers.sort();
            let callers = self.said(&callers, || period(high), &mut said);
            if !callers.is_empty() {
                granted.later.insert((low, high), callers);
            }
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
