//! What became of each change of Linux that is known to have broken programs, or could have:
//! `apis/facts/changes.tsv`, as the second part of `docs/linux-api-parity.md`. A row that says that the
//! file has it must name what the file has.

use std::fmt::Write;

use abide_api::Api;
use abide_api::model::DefKind;

use super::tables::Table;
use crate::Failure;

/// The part of the page.
pub(super) fn section(api: &Api) -> Result<String, Failure> {
    let table = Table::read("changes.tsv")?;
    let (mut rows, mut count, mut named) = (String::new(), 0, 0);
    for row in table.rows() {
        count += 1;
        let labels: Vec<&str> = row.get("labels").split(' ').filter(|it| !it.is_empty()).collect();
        named += usize::from(!labels.is_empty());
        for label in &labels {
            if !is_there(api, label) {
                let number = row.get("number");
                return Err(format!("changes.tsv: row {number}: linux.api has no `{label}`"));
            }
        }
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(
            rows,
            "| {} | {} | {} | {} | {} |",
            row.get("number"),
            row.get("subject"),
            row.get("release"),
            labels.join(", "),
            row.get("stands")
        );
    }
    Ok(format!(
        "\n# Changes that broke programs, or could\n\n\
         Of {count} that are known, {named} are in `apis/linux.api`; of the others this says why not. `abide api why NAME` prints\n\
         the evidence of each.\n\n\
         | | change | release | in the file | |\n|---|---|---|---|---|\n{rows}"
    ))
}

/// Whether a definition, a constant or an event is at a node.
fn is_there(api: &Api, label: &str) -> bool {
    let Some((name, node)) = label.split_once('@') else { return false };
    let Some(node) = api.node(node) else { return false };
    let defined = |id| {
        let definition = api.definition(id);
        let brings = match &definition.kind {
            DefKind::Enum(body) => {
                let own = body.values.iter().skip(body.inherited.unwrap_or(0) as usize);
                own.into_iter().any(|(constant, _)| constant == name)
            }
            _ => false,
        };
        definition.node == node && (definition.name == name || brings)
    };
    api.ids().any(defined) || api.events_of(name).any(|event| event.node == node)
}
