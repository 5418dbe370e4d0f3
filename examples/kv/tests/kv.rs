//! The table of the README holds.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use kv_example::table::{object, outcome, store, text};
use kv_example::{Filter, Verdict};

fn refused_with(filter: &str, node: &str, date: Option<&str>, code: &str, words: &[&str]) {
    let host = store().host(node, date.map(|date| date.parse().unwrap())).unwrap();
    let error = host.load(object(filter).unwrap()).unwrap_err();
    let error: String = error.reports().iter().map(|report| format!("{report}\n")).collect();
    assert!(error.contains(&format!("error[{code}]")), "{error}");
    for word in words {
        assert!(error.contains(word), "{word} is not in: {error}");
    }
}

fn ask(filter: &str, node: &str, key: &[u8]) -> (Verdict, u64) {
    let host = store().host(node, None).unwrap();
    Filter::load(&host, object(filter).unwrap()).unwrap().ask(key, 1).unwrap()
}

#[test]
fn inside_the_window_an_old_filter_gets_the_old_behaviour() {
    // The bytes copied: the buffer is full, so the value is at least that long.
    assert_eq!(ask("kv_v1", "KV_3", b"long"), (Verdict::Deny, 4));
    assert_eq!(ask("kv_v1", "KV_3", b"short"), (Verdict::Allow, 3));
    assert_eq!(ask("kv_v1", "KV_1", b"long"), (Verdict::Deny, 4));
}

#[test]
fn a_new_filter_gets_the_new_behaviour_of_the_same_name() {
    // The full length of the value, and an event that tells of it.
    let store = store();
    let host = store.host("KV_3", None).unwrap();
    let filter = Filter::load(&host, object("kv_v2").unwrap()).unwrap();
    assert_eq!(filter.ask(b"long", 1).unwrap(), (Verdict::Deny, 10));
    assert_eq!(store.take_log(), ["event 1: long"]);
}

#[test]
fn after_the_window_it_is_too_old() {
    for (node, date) in [("KV_4", None), ("KV_3", Some("2026-06-01"))] {
        let words = ["too-old", "2026-06-01", "kv_read@KV_2", "kv@KV_2 or later"];
        refused_with("kv_v1", node, date, "R0201", &words);
    }
    // The last day of the window.
    assert!(outcome("kv_v1", "KV_3", Some("2026-05-31")).unwrap().contains("preserved"));
}

#[test]
fn a_newer_filter_is_too_new_and_the_refusal_names_the_backport() {
    refused_with("kv_v3", "KV_1", None, "R0101", &["too-new", "`kv_find@KV_3`", "`KV_2/ttl`"]);
}

#[test]
fn backports_out_of_order_serve_it() {
    assert_eq!(ask("kv_v3", "acme_lts", b"stale"), (Verdict::Watch, 5));
}

#[test]
fn withdrawn_is_refused_for_all() {
    for node in ["KV_3", "KV_4", "acme_lts"] {
        refused_with("kv_peek", node, None, "R0401", &["withdrawn", "CVE-2025-00000"]);
    }
    refused_with("kv_peek", "KV_1", Some("2026-01-01"), "R0401", &["for all versions"]);
}

#[test]
fn a_compat_body_serves_what_has_no_body_of_its_own() {
    let served = outcome("kv_v1_find", "KV_3", None).unwrap();
    assert!(served.contains("kv_find@KV_1 adapted"), "{served}");
    assert_eq!(ask("kv_v1_find", "KV_3", b"short"), ask("kv_v1_find", "KV_1", b"short"));
}

#[test]
fn without_a_stamp_or_with_a_lying_one_it_is_refused() {
    refused_with("kv_unstamped", "KV_3", None, "R0606", &["ABIDE_API"]);
    refused_with("kv_lying", "KV_3", None, "R0501", &["kv_find@KV_3", "3 arguments"]);
}

#[test]
fn the_readme_has_this_table() {
    let readme = include_str!("../../../README.md");
    let table = text().unwrap();
    assert!(readme.contains(&table), "the README should have:\n{table}");
}
