//! Does a program load on a host, and if not, why? The answer for one object and many hosts, from the
//! object, the API file and, where it is given, the type information of the host.
//!
//! Guards are folded for each host: a call in a branch that cannot be taken there is not needed
//! there (see [`crate::flow`]). What cannot be known is said to be open, never guessed. Nothing is
//! loaded, and no machine is asked.

mod arguments;
mod facts;
mod judge;
mod outside;
mod serve;

use std::sync::Arc;

use abide_btf::core::Target;
use abide_object::{ExternId, FunctionId, Object, Relocated};

use crate::flow::{Facts, Reached};
use crate::host::{HostProfile, Service};
use crate::model::{Api, DefId, NodeId};
use crate::refusal::{Refusal, Site};
use crate::require::Requirements;

/// A kernel, described.
#[derive(Debug, Clone)]
pub struct Host<'a> {
    /// What it serves; see [`HostProfile::as_kernel`].
    pub profile: HostProfile,
    /// Its types. Without them questions about types, fields and variables stay open.
    pub types: Option<&'a Target<'a>>,
    /// `LINUX_KERNEL_VERSION`: of 6.12.3 `0x060c03`.
    pub release: Option<u32>,
}

impl Host<'static> {
    /// A host that an API describes. One of `linux` is a kernel, which keeps no body of what was
    /// superseded; others keep them as their API file promises.
    pub fn described(profile: HostProfile) -> Host<'static> {
        let is_kernel = profile.api().name == "linux";
        let release = release(&profile.api().node_ref(profile.node()).name);
        let profile = if is_kernel { profile.as_kernel() } else { profile };
        Host { profile, types: None, release }
    }

    /// Every version of an API as a host, by release.
    pub fn nodes(api: &Arc<Api>) -> Vec<Host<'static>> {
        let mut nodes: Vec<_> = api.nodes.iter().collect();
        nodes.sort_by_key(|node| node.released);
        let profiles = nodes.into_iter().filter_map(|node| HostProfile::at(api, &node.name).ok());
        profiles.map(Host::described).collect()
    }
}

/// What becomes of a program on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// It loads as it is.
    Runs,
    /// It loads after calls were renumbered, or compat bodies linked in.
    Adapted,
    /// It does not load, or cannot be attached.
    Refused,
}

impl Verdict {
    /// In words.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Runs => "runs",
            Verdict::Adapted => "runs adapted",
            Verdict::Refused => "refused",
        }
    }
}

/// What a row of a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// The program type.
    ProgramType,
    /// An index into [`crate::ProgramNeeds::features`].
    Feature(usize),
    /// An index into [`crate::ProgramNeeds::calls`].
    Call(usize),
    /// An index into [`Requirements::maps`].
    Map(usize),
    /// An index into [`Object::core`].
    Core(usize),
    /// A function or variable of the kernel.
    Extern(ExternId),
    /// What the program is attached to.
    Target,
    /// The kernel's type of a struct_ops map, by its index in [`Object::maps`].
    StructOps(usize),
    /// A member that a struct_ops map sets, by its index in [`Requirements::operations`].
    Operation(usize),
    /// The arguments of what the program is attached to.
    Arguments,
}

/// What a host makes of one requirement.
#[derive(Debug, Clone)]
pub enum Status {
    /// A definition serves it.
    Served {
        /// Which.
        by: DefId,
        /// How.
        service: Service,
        /// The number by which this host calls it, where it differs.
        renumbered: Option<u32>,
        /// The definition is another one than what the object means: what changed since.
        changed: bool,
    },
    /// The host's types have it.
    There,
    /// The host lacks it, or may lack it, but no instruction that can run there uses it.
    NotNeeded,
    /// It cannot be answered from what is known of the host.
    Open(&'static str),
    /// The program can be loaded, but not attached.
    NotAttached(Refusal),
    /// It stands in the way.
    Refused(Refusal),
}

/// One requirement on one host.
#[derive(Debug, Clone)]
pub struct Row {
    /// What is needed.
    pub item: Item,
    /// Where it is first needed on this host.
    pub site: Option<Site>,
    /// What the host makes of it.
    pub status: Status,
}

impl Row {
    /// Whether it refuses the same thing for the same reason.
    fn says_too(&self, other: &Refusal) -> bool {
        matches!(&self.status, Status::Refused(refusal)
            if refusal.code == other.code && refusal.message == other.message)
    }
}

/// One program on one host.
#[derive(Debug, Clone)]
pub struct Report {
    /// What each requirement of the program met.
    pub rows: Vec<Row>,
}

impl Report {
    fn verdict_of<'r>(rows: impl Iterator<Item = &'r Row>) -> Verdict {
        let verdict = |row: &Row| match &row.status {
            Status::Refused(_) | Status::NotAttached(_) => Verdict::Refused,
            Status::Served { service: Service::Adapted { .. }, .. }
            | Status::Served { renumbered: Some(_), .. } => Verdict::Adapted,
            _ => Verdict::Runs,
        };
        rows.map(verdict).max().unwrap_or(Verdict::Runs)
    }
}

/// An object on one host: what concerns all programs, and each program.
#[derive(Debug, Clone)]
pub struct ObjectReport {
    /// What a loader does before it loads the first program: making maps, finding externs.
    pub whole: Vec<Row>,
    /// In the order of [`Requirements::programs`].
    pub programs: Vec<Report>,
}

impl ObjectReport {
    /// What becomes of a program.
    pub fn verdict(&self, program: usize) -> Verdict {
        Report::verdict_of(self.rows(program))
    }

    /// Everything that concerns a program. A function that the host lacks is left to the call of it,
    /// which says where.
    pub fn rows(&self, program: usize) -> impl Iterator<Item = &Row> {
        let own = self.programs.get(program).map_or(&[][..], |one| &one.rows);
        let said_again = |row: &&Row| match (row.item, &row.status) {
            (Item::Extern(_), Status::Refused(refusal)) => {
                own.iter().any(|row| row.says_too(refusal))
            }
            _ => false,
        };
        self.whole.iter().filter(move |row| !said_again(row)).chain(own)
    }

    /// What stands in the way of a program.
    pub fn refusals(&self, program: usize) -> impl Iterator<Item = &Refusal> {
        self.rows(program).filter_map(|row| match &row.status {
            Status::Refused(refusal) | Status::NotAttached(refusal) => Some(refusal),
            _ => None,
        })
    }

    /// How many questions about a program are open.
    pub fn open(&self, program: usize) -> usize {
        self.rows(program).filter(|row| matches!(row.status, Status::Open(_))).count()
    }
}

/// Checks one object against any number of hosts.
#[derive(Debug)]
pub struct Checker<'a> {
    object: &'a Object,
    needs: &'a Requirements,
    /// What is reached when nothing is known of a host, by program.
    reached: Vec<Reached>,
}

impl<'a> Checker<'a> {
    /// For an object and what it needs.
    pub fn new(object: &'a Object, needs: &'a Requirements) -> Checker<'a> {
        let entry = |index: usize| object.programs[index].function;
        let reached = (0..object.programs.len())
            .map(|index| Reached::of(object, entry(index), &Facts::default()))
            .collect();
        Checker { object, needs, reached }
    }

    /// All programs of the object on a host.
    pub fn check(&self, host: &Host<'_>) -> ObjectReport {
        let relocated = host.types.filter(|_| !self.object.core.is_empty());
        let relocated = relocated.map(|types| self.object.relocate_core(types));
        let facts = facts::of(self.object, self.needs, host, relocated.as_ref());
        let judge = judge::Judge { object: self.object, needs: self.needs, host, facts: &facts };
        let whole = judge.whole();
        let programs = self.needs.programs.iter().enumerate().map(|(index, program)| {
            let own;
            let reached = match self.is_guarded(&program.functions, &facts) {
                true => {
                    own = Reached::of(self.object, self.object.programs[index].function, &facts);
                    &own
                }
                false => &self.reached[index],
            };
            Report { rows: judge.program(index, program, reached) }
        });
        ObjectReport { whole, programs: programs.collect() }
    }

    /// For each program the oldest of these hosts on which it runs as it is or adapted; the hosts are
    /// those of [`Host::nodes`]. What only the types of a kernel can tell is left aside.
    pub fn oldest_nodes(&self, nodes: &[Host<'_>]) -> Vec<Option<NodeId>> {
        let mut found = vec![None; self.needs.programs.len()];
        for host in nodes {
            if found.iter().all(Option::is_some) {
                break;
            }
            let report = self.check(host);
            for (program, oldest) in found.iter_mut().enumerate() {
                if oldest.is_none() && report.verdict(program) != Verdict::Refused {
                    *oldest = Some(host.profile.node());
                }
            }
        }
        found
    }

    /// Whether what is known of the host may decide which instructions run.
    fn is_guarded(&self, functions: &[FunctionId], facts: &Facts<'_>) -> bool {
        use abide_btf::CoreKind;
        let asks = |record: &abide_object::CoreRelocation| {
            record.kind != CoreKind::FieldByteOffset && functions.contains(&record.function)
        };
        let refers = |id: &ExternId| {
            let target = abide_object::Target::Extern(*id);
            functions.iter().any(|function| {
                let relocations = &self.object.function(*function).relocations;
                relocations.iter().any(|found| found.target == target)
            })
        };
        facts.code.is_some() && self.object.core.iter().any(asks)
            || facts.present.keys().chain(facts.values.keys()).any(refers)
    }
}

/// The number of a kernel's release, `LINUX_KERNEL_VERSION`, from a name that ends in it: of
/// `LINUX_6.12` or `6.12.3-cloud`.
pub fn release(name: &str) -> Option<u32> {
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
    let mut parts = digits[..end].split('.').map(str::parse::<u32>);
    let major = parts.next()?.ok()?;
    let minor = parts.next()?.ok()?;
    let patch = parts.next().and_then(Result::ok).unwrap_or(0);
    (major < 256 && minor < 256).then(|| major << 16 | minor << 8 | patch.min(255))
}

/// The code of an object for a host, if it has any to be changed.
pub(crate) type Code<'a> = Option<&'a Relocated>;

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn releases() {
        assert_eq!(release("LINUX_6.12"), Some(0x06_0c00));
        assert_eq!(release("6.1.192-cloud"), Some(0x06_01c0));
        assert_eq!(release("5.4.300"), Some(0x05_04ff));
        assert_eq!(release("KV_1"), None);
        assert_eq!(release("acme"), None);
    }
}
