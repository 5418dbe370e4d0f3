//! What kernels answered about the arguments of helpers: `apis/facts/helper_arguments.tsv`, which `ask`
//! writes. Only reads it.

use std::collections::BTreeMap;

use super::ask::TABLE;
use super::tables::Table;
use crate::Failure;

/// Arguments that are something else in programs of some types, and addresses that are tried when the
/// program runs: what is answered about them is no contract.
const EXCEPT: &[(&str, &str)] = &[
    ("bpf_get_cgroup_classid", "skb"),
    ("bpf_get_socket_cookie", "sk"),
    ("", "unsafe_ptr"),
    ("", "user_ptr"),
];

/// The table.
pub(super) struct Answers {
    table: Table,
}

/// The answers about one helper: by argument and question, whether all programs were let, or none.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    helper: &'a str,
    found: BTreeMap<(&'a str, &'a str), Option<bool>>,
}

impl Answers {
    pub(super) fn read() -> Result<Answers, Failure> {
        Ok(Answers { table: Table::read(TABLE)? })
    }

    pub(super) fn of<'a>(&'a self, helper: &'a str) -> Answered<'a> {
        let rows = self.table.rows().filter(|row| row.get("helper") == helper);
        let found = rows.map(|row| {
            let answer = match (row.get("yes").is_empty(), row.get("no").is_empty()) {
                (false, true) => Some(true),
                (true, false) => Some(false),
                _ => None,
            };
            ((row.get("parameter"), row.get("question")), answer)
        });
        Answered { helper, found: found.collect() }
    }
}

impl Answered<'_> {
    /// Whether all programs may, or none; not known if nobody was asked or it depends on the program.
    pub(super) fn may(&self, parameter: &str, question: &str) -> Option<bool> {
        self.found.get(&(parameter, question)).copied().flatten()
    }

    /// The same, where the answer is one about the contract.
    pub(super) fn about(&self, parameter: &str, question: &str) -> Option<bool> {
        let except = EXCEPT.iter().any(|(helper, except)| {
            *except == parameter && (helper.is_empty() || *helper == self.helper)
        });
        if except { None } else { self.may(parameter, question) }
    }

    /// Whether a number must be 0, and known to be.
    pub(super) fn only_zero(&self, parameter: &str) -> bool {
        ["one", "unknown"].iter().all(|question| self.may(parameter, question) == Some(false))
    }

    /// Whether memory that is passed may not be a packet's: what may be null is not looked at at all.
    pub(super) fn no_packet(&self) -> bool {
        let asked = self.found.iter().filter(|((parameter, question), _)| {
            *question == "packet" && self.may(parameter, "null") == Some(false)
        });
        let answers: Vec<Option<bool>> = asked.map(|(_, answer)| *answer).collect();
        !answers.is_empty() && answers.iter().all(|answer| *answer == Some(false))
    }
}

/// Where the file says something else than the kernel that was asked, one line each.
#[cfg(test)]
pub(super) fn differences(api: &abide_api::Api) -> Result<Vec<String>, Failure> {
    use abide_api::Namespace;
    use abide_api::ctype::CType;
    use abide_api::model::Suffix;

    let answers = Answers::read()?;
    let node = api.node("LINUX_6.18").ok_or("no LINUX_6.18")?;
    let mut found = Vec::new();
    let mut helpers: Vec<&str> = answers.table.rows().map(|row| row.get("helper")).collect();
    helpers.dedup();
    for name in helpers {
        let Some(id) = api.lookup(Namespace::Callable, name, node) else { continue };
        let Some(prototype) = api.definition(id).kind.prototype() else { continue };
        let answered = answers.of(name);
        if prototype.contract.no_packet != answered.no_packet() {
            found.push(format!("{name}: no_packet"));
        }
        for param in &prototype.params {
            let base = param.base_name();
            let mut differs = |question: &str, says: bool| {
                if answered.about(base, question).is_some_and(|may| may != says) {
                    found.push(format!("{name}: `{}`: {question}", param.name));
                }
            };
            let CType::Pointer(to) = param.ty.unqualified() else {
                differs("zero", !param.has(Suffix::NotZero));
                differs("one", !param.has(Suffix::Zero));
                continue;
            };
            let nullable = param.has(Suffix::Nullable);
            match answered.about(base, "null_of_zero") {
                // A pointer before a size: null goes with a size of 0.
                Some(_) => differs("null_of_zero", nullable),
                None => differs("null", nullable),
            }
            differs("read_only", matches!(**to, CType::Const(_)));
            differs("raw", param.has(Suffix::Uninit));
        }
    }
    Ok(found)
}
