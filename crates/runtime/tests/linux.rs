//! Objects for Linux on this host: bodies against `apis/linux.api`, and the firewall example.

use std::sync::Arc;

use abide_api::Api;
use abide_runtime::linux::xdp::Xdp;
use abide_runtime::{Host, linux};

fn api() -> Arc<Api> {
    let path = abide_testkit::repo("apis/linux.api");
    let text = std::fs::read_to_string(path).unwrap();
    Arc::new(Api::parse("linux.api", &text).unwrap_or_else(|errors| panic!("{errors}")))
}

/// No label of a body is misspelled, and every node's host has all the bodies that it serves.
#[test]
fn bodies_and_definitions_are_the_same_set() {
    let api = api();
    for (label, _) in linux::bodies() {
        assert!(!api.labelled(label).is_empty(), "no definition {label}");
    }
    for node in &api.nodes {
        if let Err(problems) = Host::builder(&api).at(&node.name).linux().build() {
            panic!("{}: {problems}", node.name);
        }
    }
}

#[test]
fn the_firewall_runs() {
    let host = Host::builder(&api()).linux().build().unwrap();
    let bytes = std::fs::read(abide_testkit::repo("examples/firewall/firewall.bpf.o")).unwrap();
    let loaded = host.load(&bytes).unwrap_or_else(|error| panic!("{error}"));
    assert!(!loaded.programs().is_empty());
    for program in loaded.programs() {
        let mut xdp = Xdp::new(program);
        // Too short for anything but an Ethernet header.
        let verdict = xdp.run(&[0; 20]).unwrap_or_else(|trap| panic!("{trap}"));
        assert!((0..=4).contains(&verdict.action));
        assert_eq!(verdict.packet.len(), 20);
    }
}
