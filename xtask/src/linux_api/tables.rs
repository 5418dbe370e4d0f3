//! The fact tables of `apis/facts`: tab-separated, the first line names the columns. Knows nothing of
//! what they mean but the order of kernels.

use std::collections::HashMap;
use std::fs;

use crate::{Failure, tree};

/// One table.
pub(super) struct Table {
    columns: HashMap<String, usize>,
    rows: Vec<Vec<String>>,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    table: &'a Table,
    cells: &'a [String],
}

impl Table {
    pub(super) fn read(name: &str) -> Result<Table, Failure> {
        let path = tree::root().join("apis/facts").join(name);
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut lines =
            text.lines().map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
        let head = lines.next().unwrap_or_default();
        let columns = head.into_iter().enumerate().map(|(index, name)| (name, index)).collect();
        Ok(Table { columns, rows: lines.collect() })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { table: self, cells })
    }

    /// The name of the column at a place.
    pub(super) fn column(&self, at: usize) -> &str {
        let found = self.columns.iter().find(|(_, index)| **index == at);
        found.map_or("", |(name, _)| name)
    }
}

impl<'a> Row<'a> {
    /// A cell by the name of its column; empty if the row ends before it.
    pub(super) fn get(self, column: &str) -> &'a str {
        let index = self.table.columns.get(column).copied();
        self.at(index.unwrap_or_else(|| panic!("no table of facts lacks its column {column}")))
    }

    /// A cell by its place.
    pub(super) fn at(self, index: usize) -> &'a str {
        self.cells.get(index).map_or("", |cell| cell.trim())
    }
}

/// A version of Linux: `6.18`, also of `6.18.44vm`, `<=4.20`, `(5.10,5.18]`, `6.12..6.17`. Facts that
/// are ranges have two: the last version without, and the first with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Version(pub(super) u32, pub(super) u32);

impl Version {
    pub(super) fn parse(text: &str) -> Option<Version> {
        let digits = |text: &str| -> Option<u32> {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text[..end].parse().ok()
        };
        let (major, minor) = text.split_once('.')?;
        Some(Version(digits(major)?, digits(minor)?))
    }

    /// `(5.10,5.18]` and `5.10..5.18` have a lower end, `<=5.10` and `5.18` have none.
    pub(super) fn range(text: &str) -> Option<(Option<Version>, Version)> {
        let text = text.trim_start_matches(['(', '<', '=']).trim_end_matches(']');
        match text.split_once("..").or_else(|| text.split_once(',')) {
            Some((low, high)) => Some((Version::parse(low), Version::parse(high)?)),
            None => Some((None, Version::parse(text)?)),
        }
    }

    pub(super) fn node(self) -> String {
        format!("LINUX_{}.{}", self.0, self.1)
    }
}
