//! What kernels answered about the arguments of helpers: `apis/facts/helper_arguments.tsv`, which `ask`
//! writes. Only reads it.

use std::collections::BTreeMap;

use super::ask::TABLE;
use super::tables::Table;
use crate::Failure;

/// The table.
pub(super) struct Answers {
    table: Table,
}

/// The answers about one helper: by argument and question, whether all programs were let, or none.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    found: BTreeMap<(&'a str, &'a str), Option<bool>>,
}

impl Answers {
    pub(super) fn read() -> Result<Answers, Failure> {
        Ok(Answers { table: Table::read(TABLE)? })
    }

    pub(super) fn of(&self, helper: &str) -> Answered<'_> {
        let rows = self.table.rows().filter(|row| row.get("helper") == helper);
        let found = rows.map(|row| {
            let answer = match (row.get("yes").is_empty(), row.get("no").is_empty()) {
                (false, true) => Some(true),
                (true, false) => Some(false),
                _ => None,
            };
            ((row.get("parameter"), row.get("question")), answer)
        });
        Answered { found: found.collect() }
    }

    /// Every helper that was asked about.
    #[cfg(test)]
    pub(super) fn helpers(&self) -> std::collections::BTreeSet<&str> {
        self.table.rows().map(|row| row.get("helper")).collect()
    }
}

impl Answered<'_> {
    /// Whether all programs may, or none; not known if nobody was asked or it depends on the program.
    pub(super) fn may(&self, parameter: &str, question: &str) -> Option<bool> {
        self.found.get(&(parameter, question)).copied().flatten()
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
