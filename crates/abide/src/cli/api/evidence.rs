//! Where the facts of the built-in API come from: the rows of `apis/facts` that speak of a name.

use serde::Serialize;

/// The tables, by name.
const TABLES: &[(&str, &str)] = &[
    ("helpers.tsv", include_str!("../../../../../apis/facts/helpers.tsv")),
    ("kfuncs.tsv", include_str!("../../../../../apis/facts/kfuncs.tsv")),
    ("kfunc_prototypes.tsv", include_str!("../../../../../apis/facts/kfunc_prototypes.tsv")),
    ("changed.tsv", include_str!("../../../../../apis/facts/changed.tsv")),
    ("deprecated.tsv", include_str!("../../../../../apis/facts/deprecated.tsv")),
    ("changes.tsv", include_str!("../../../../../apis/facts/changes.tsv")),
    ("helper_arguments.tsv", include_str!("../../../../../apis/facts/helper_arguments.tsv")),
    ("removed.tsv", include_str!("../../../../../apis/facts/removed.tsv")),
    ("rights.tsv", include_str!("../../../../../apis/facts/rights.tsv")),
    ("types.tsv", include_str!("../../../../../apis/facts/types.tsv")),
    ("features.tsv", include_str!("../../../../../apis/facts/features.tsv")),
    ("context_fields.tsv", include_str!("../../../../../apis/facts/context_fields.tsv")),
    ("flags.tsv", include_str!("../../../../../apis/facts/flags.tsv")),
];

/// One row: the table, and what it says, by column.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) table: &'static str,
    pub(super) says: Vec<(&'static str, &'static str)>,
}

/// The rows that have the name in a cell of their own; `struct.field` asks for a field.
pub(super) fn of(name: &str) -> Vec<Row> {
    let wanted: Vec<&str> = name.split('.').collect();
    let mut rows = Vec::new();
    for (table, text) in TABLES {
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        for line in lines.filter(|line| line.contains(wanted[0])) {
            let cells: Vec<&str> = line.split('\t').collect();
            if wanted.iter().all(|word| cells.contains(word)) {
                let says = head.iter().copied().zip(cells).filter(|(_, cell)| !cell.is_empty());
                rows.push(Row { table, says: says.collect() });
            }
        }
    }
    rows
}
