//! Two definitions of one name side by side, and an old one served through its compat body, with the
//! objects of the kv example.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use abide_api::Api;
use abide_runtime::body::{Bytes, Out};
use abide_runtime::{Context, Errno, Host, LoadError, Owned, Ref, Released};

type Flags = Arc<Mutex<Vec<u64>>>;

const VALUE: &[u8] = b"a longer value";

fn file(name: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo(&format!("examples/kv/{name}"))).unwrap()
}

/// A host at KV_3, inside the window of what KV_2 superseded unless a later day is given.
fn host(date: Option<jiff::civil::Date>) -> (Host, Flags) {
    let flags = Flags::default();
    let seen = Arc::clone(&flags);
    let text = String::from_utf8(file("kv.api")).unwrap();
    let api = Api::parse("kv.api", &text).unwrap_or_else(|errors| panic!("{errors}"));
    let mut builder = Host::builder(&api)
        .at("KV_3")
        .body("kv_read@KV_1", |_: Bytes<'_>, mut dst: Out<'_>| -> Result<i64, Errno> {
            Ok(dst.write(VALUE) as i64)
        })
        .body("kv_read@KV_2", |_: Bytes<'_>, mut dst: Out<'_>| -> Result<i64, Errno> {
            dst.write(VALUE);
            Ok(VALUE.len() as i64)
        })
        .body("kv_find@KV_3", move |_: Bytes<'_>, flags: u64| {
            seen.lock().unwrap().push(flags);
            Some(Owned::new(7u64))
        })
        .body("kv_put@KV_1", |_: Released<u64>| ())
        .body("kv_ttl@KV_2", |entry: Ref<'_, u64>| *entry)
        .body("kv_event@KV_2", |_: u32, _: Bytes<'_>| 0i32)
        .body("kv_log@KV_1", |_: Bytes<'_>| 0i64);
    if let Some(date) = date {
        builder = builder.on(date);
    }
    (builder.build().unwrap_or_else(|problems| panic!("{problems}")), flags)
}

/// The verdict, and the number that the filter left in the context.
fn run(host: &Host, object: &str) -> Result<(u64, u64), LoadError> {
    let filter = host.load(&file(object))?.program("filter")?;
    let mut context: Context = filter.context();
    context.packet(b"key");
    let outcome = filter.run(&mut context).unwrap_or_else(|trap| panic!("{object}: {trap}"));
    Ok((outcome.value, context.get("verdict").unwrap()))
}

#[test]
fn each_object_gets_the_definition_that_it_means() {
    let (host, _) = host(None);
    let (verdict, left) = run(&host, "kv_v1.bpf.o").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((verdict, left), (1, 4), "the bytes copied, as in KV_1");
    let (_, left) = run(&host, "kv_v2.bpf.o").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(left, VALUE.len() as u64, "the full length, as in KV_2");
}

#[test]
fn a_compat_body_calls_the_newer_definition() {
    let (host, flags) = host(None);
    let (verdict, left) = run(&host, "kv_v1_find.bpf.o").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((verdict, left), (2, 3));
    run(&host, "kv_v3.bpf.o").unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(*flags.lock().unwrap(), [0, 0], "the compat body passes no flags");
}

#[test]
fn after_its_window_the_old_definition_is_gone() {
    let (host, _) = host(Some(jiff::civil::date(2026, 6, 2)));
    let error = run(&host, "kv_v1.bpf.o").unwrap_err();
    assert!(matches!(error, LoadError::Refused(_)), "{error}");
    assert!(run(&host, "kv_v2.bpf.o").is_ok());
    assert_eq!(host.warnings().len(), 1, "the body of kv_read@KV_1 is idle");
}
