//! Instructions that depend on the types of the host: they fit those that it gives, are refused without
//! any, and end the run only where one is reached that the host has nothing for.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use abide_api::Api;
use abide_diag::Report;
use abide_object::host_types;
use abide_runtime::{Host, HostBuilder, LoadError, Program};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(abide_testkit::repo("crates/runtime/tests/cases").join(name)).unwrap()
}

fn builder() -> HostBuilder {
    let text = std::fs::read_to_string(abide_testkit::repo("apis/linux.api")).unwrap();
    let api = Arc::new(Api::parse("linux.api", &text).unwrap());
    Host::builder(&api).linux()
}

fn program(name: &str) -> Program {
    let types = host_types(&file("core-host.o")).unwrap();
    let host = builder().types(types).checked().build().unwrap();
    let loaded = host.load(&file("core.bpf.o")).unwrap_or_else(|error| panic!("{error}"));
    loaded.program(name).unwrap()
}

#[test]
fn fields_are_where_the_host_has_them() {
    let program = program("asks_first");
    let mut context = program.context();
    context.set("rx_queue_index", 3).unwrap();
    assert_eq!(program.run(&mut context).unwrap().value, 3);
}

#[test]
fn what_is_missing_ends_the_run_only_if_it_is_reached() {
    let program = program("does_not_ask");
    let mut context = program.context();
    assert_eq!(program.run(&mut context).unwrap().value, 2);
    context.set("ingress_ifindex", 7).unwrap();
    let report = program.run(&mut context).unwrap_err().report();
    assert_eq!(report.code.id, "O0101");
    assert!(report.message.contains("cannot run on the host"), "{}", report.message);
    let place = report.place.unwrap();
    assert!(place.contains("core.bpf.c:35:") && place.contains("function missing"), "{place}");
    let notes = report.notes.join("\n");
    assert!(notes.contains("return ctx->gone;"), "{notes}");
    assert!(notes.contains("it means `struct xdp_md.gone` (0:1 of type"), "{notes}");
    assert!(report.helps[0].contains("bpf_core_field_exists()"), "{:?}", report.helps);
}

#[test]
fn what_is_missing_where_it_is_reached_is_no_proof() {
    let types = host_types(&file("core-host.o")).unwrap();
    let host = builder().types(types).build().unwrap();
    let error = host.load(&file("core.bpf.o")).unwrap_err();
    let LoadError::Unproved(refused) = &error else { panic!("{error}") };
    assert!(refused.iter().all(|one| one.rejection.program != "asks_first"), "{error}");
    let report = error.report();
    assert_eq!(report.code.id, "O0101", "{report}");
    assert!(report.helps.last().unwrap().contains(".checked()"), "{report}");
}

#[test]
fn without_types_it_is_refused_with_the_line() {
    let host = builder().build().unwrap();
    let report = host.load(&file("core.bpf.o")).unwrap_err().report();
    assert_eq!(report.code.id, "L0001");
    assert!(report.place.unwrap().contains("core.bpf.c:2"));
    assert!(report.notes.iter().any(|note| note.contains("struct xdp_md.")), "{:?}", report.notes);
}

#[test]
fn what_cannot_be_made_to_fit_is_refused() {
    let case = |name: &str| abide_testkit::repo("crates/object/tests/cases").join(name);
    let types = host_types(&std::fs::read(case("core-host.o")).unwrap()).unwrap();
    let host = builder().types(types).build().unwrap();
    let error = host.load(&std::fs::read(case("core.o")).unwrap()).unwrap_err();
    assert!(matches!(error, LoadError::Core(_)), "{error}");
    let [report] = &error.reports()[..] else { panic!("{error}") };
    assert_eq!((report.code.id, error.report().code.id), ("B0106", "B0106"));
    assert!(report.place.as_ref().unwrap().contains("core.c:"), "{report}");
}
