//! The table of the README: filters of several versions on hosts of several versions.

use std::error::Error;
use std::fmt::Write;

use abide::{Date, LoadError};

use crate::{Filter, Store};

macro_rules! filters {
    ($($name:ident),+) => {
        /// The committed filters by name.
        pub const FILTERS: &[(&str, &[u8])] =
            &[$((stringify!($name), include_bytes!(concat!("../", stringify!($name), ".bpf.o")))),+];
    };
}

filters!(kv_v1, kv_v1_find, kv_v2, kv_v3, kv_peek, kv_log, kv_lying, kv_unstamped);

/// Filter, host, the host's date if it is not its release, and what it shows.
const ROWS: &[(&str, &str, Option<&str>, &str)] = &[
    ("kv_v1", "KV_1", None, "at home"),
    ("kv_v1", "KV_3", None, "inside the window: old behaviour"),
    ("kv_v2", "KV_3", None, "new behaviour of the same name"),
    ("kv_v1", "KV_3", Some("2026-11-20"), "after the window"),
    ("kv_v1", "KV_4", None, "after the window"),
    ("kv_v1_find", "KV_3", None, "by two instructions of compat body"),
    ("kv_v3", "KV_1", None, "newer than the host"),
    ("kv_v3", "acme_lts", None, "backported out of order"),
    ("kv_peek", "KV_1", None, "not withdrawn yet"),
    ("kv_peek", "KV_3", None, "withdrawn for all versions"),
    ("kv_log", "KV_3", None, "deprecated, still served"),
    ("kv_log", "KV_4", None, "removed after its window"),
    ("kv_lying", "KV_3", None, "its stamp lies"),
    ("kv_unstamped", "KV_3", None, "it has no stamp"),
];

/// One store, with a short, a long and an expiring value.
pub fn store() -> Store {
    let store = Store::default();
    store.set(b"short", b"abc", 3600);
    store.set(b"long", b"0123456789", 3600);
    store.set(b"stale", b"x", 5);
    store
}

/// The object of a committed filter.
pub fn object(name: &str) -> Option<&'static [u8]> {
    FILTERS.iter().find(|(found, _)| *found == name).map(|(_, object)| *object)
}

/// What becomes of one filter on one host: the words of the table.
pub fn outcome(filter: &str, node: &str, date: Option<&str>) -> Result<String, Box<dyn Error>> {
    let store = store();
    let date = date.map(str::parse::<Date>).transpose()?;
    let host = store.host(node, date)?;
    let object = object(filter).ok_or("no such filter")?;
    let loaded = match host.load(object) {
        Ok(loaded) => loaded,
        Err(error) => return Ok(refused(&error)),
    };
    let mut served = Vec::new();
    for call in loaded.binding().programs.iter().flat_map(|program| &program.calls) {
        if let Some((definition, service)) = call.served {
            served.push(format!("{} {}", host.api().label(definition), service.word()));
        }
    }
    let filter = Filter::load(&host, object)?;
    let mut answers = Vec::new();
    for key in ["short", "long", "stale"] {
        let (verdict, number) = filter.ask(key.as_bytes(), 1)?;
        answers.push(format!("{key}: {verdict} ({number})"));
    }
    Ok(format!("{} | {}", served.join(", "), answers.join(", ")))
}

fn refused(error: &LoadError) -> String {
    let reports = error.reports();
    let first = reports.first().map_or(String::new(), |report| report.message.clone());
    let code = reports.first().map_or("", |report| report.code.id);
    format!("refused [{code}] | {first}")
}

/// The whole table, as Markdown.
pub fn text() -> Result<String, Box<dyn Error>> {
    let mut out = String::from(
        "| filter | host | served how | verdict for each key (number it left), or why not |\n\
         |---|---|---|---|\n",
    );
    for (filter, node, date, what) in ROWS {
        let on = date.map_or(String::new(), |date| format!(" on {date}"));
        let outcome = outcome(filter, node, *date)?;
        let (how, result) = outcome.split_once(" | ").unwrap_or((&outcome, ""));
        let _ = writeln!(out, "| {filter} | {node}{on}: {what} | {how} | {result} |");
    }
    Ok(out)
}

/// The refusal of an old filter after the window, as a user sees it.
pub fn refusal() -> Result<String, Box<dyn Error>> {
    let host = store().host("KV_4", None)?;
    match host.load(object("kv_v1").ok_or("no such filter")?) {
        Ok(_) => Err("it was not refused".into()),
        Err(error) => Ok(error.reports().iter().map(|report| format!("{report}\n")).collect()),
    }
}
