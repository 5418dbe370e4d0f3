//! The language as a user meets it: files that are read, and files that are refused.

use abide_api::model::Api;

fn kv() -> Api {
    let path = abide_testkit::repo("examples/kv/kv.api");
    let text = std::fs::read_to_string(path).unwrap();
    Api::parse("kv.api", &text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn kv_is_read() {
    let api = kv();
    println!("{api:#?}");
    assert!(api.warnings.is_empty(), "{:?}", api.warnings);
}
