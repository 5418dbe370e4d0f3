//! Where the facts of the built-in API come from: the rows of `apis/facts` that speak of a name.

use abide::Api;
use abide_api::model::DefKind;
use serde::Serialize;

const PROGRAMS: &str = include_str!("../../../../../apis/facts/programs.tsv");

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
    ("rights_attached.tsv", include_str!("../../../../../apis/facts/rights_attached.tsv")),
    (
        "rights_attached_since.tsv",
        include_str!("../../../../../apis/facts/rights_attached_since.tsv"),
    ),
    ("operations.tsv", include_str!("../../../../../apis/facts/operations.tsv")),
    ("operations_since.tsv", include_str!("../../../../../apis/facts/operations_since.tsv")),
    ("types.tsv", include_str!("../../../../../apis/facts/types.tsv")),
    ("programs.tsv", PROGRAMS),
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

/// Columns that say what a row is about; of a field or member two of them.
const ABOUT: &[&str] = &["name", "id", "helper", "subject", "struct", "field", "member"];

/// What a constant is called that stands for a type of programs or maps: in Linux's tables they go by that.
fn constants(definition: &DefKind, name: &str) -> Vec<String> {
    let constant = |prefix: &str, name: &str| format!("{prefix}{}", name.to_uppercase());
    match definition {
        DefKind::Map => vec![constant("BPF_MAP_TYPE_", name)],
        DefKind::Program(_) => {
            let rows = PROGRAMS.lines().map(|line| line.split('\t').collect::<Vec<_>>());
            let row = rows.into_iter().find(|row| row.first() == Some(&name));
            let attach = row.and_then(|row| row.get(4).copied()).unwrap_or_default();
            let kinds = attach.split(' ').chain([name]).filter(|kind| !kind.is_empty());
            kinds.map(|kind| constant("BPF_PROG_TYPE_", kind)).collect()
        }
        _ => Vec::new(),
    }
}

/// The rows about a name, and about the constants of what it names; `struct.field` asks for a field.
pub(super) fn of(api: &Api, name: &str) -> Vec<Row> {
    let mut asked = vec![name.to_owned()];
    for definition in api.definitions.iter().filter(|definition| definition.name == name) {
        asked.extend(constants(&definition.kind, name));
    }
    asked.sort_unstable();
    asked.dedup();
    asked.iter().flat_map(|name| about(name)).collect()
}

fn about(name: &str) -> Vec<Row> {
    let wanted: Vec<&str> = name.split('.').collect();
    let mut rows = Vec::new();
    for (table, text) in TABLES {
        let mut lines = text.lines();
        let head: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
        for line in lines.filter(|line| line.contains(wanted[0])) {
            let cells: Vec<&str> = line.split('\t').collect();
            let names: Vec<&str> = head
                .iter()
                .zip(&cells)
                .filter(|(column, _)| ABOUT.contains(column))
                .map(|(_, cell)| *cell)
                .collect();
            let field = wanted.len() > 1 && wanted.iter().all(|word| names.contains(word));
            let way_out =
                head.iter().zip(&cells).any(|(column, cell)| *column == "use" && *cell == name);
            if field || way_out || names.first() == Some(&name) {
                let says = head.iter().copied().zip(cells).filter(|(_, cell)| !cell.is_empty());
                rows.push(Row { table, says: says.collect() });
            }
        }
    }
    rows
}
