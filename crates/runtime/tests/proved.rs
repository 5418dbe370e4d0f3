//! What comes with Abide, and the programs that speed is measured with, are proved: a host that takes
//! nothing else loads them.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use abide_api::Api;
use abide_runtime::Host;
use abide_testkit::{bench, repo};

#[test]
fn the_examples_are_proved() {
    let text = std::fs::read_to_string(repo("apis/linux.api")).unwrap();
    let api = Arc::new(Api::parse("linux.api", &text).unwrap());
    for node in ["LINUX_6.12", "LINUX_7.3"] {
        let host = Host::builder(&api).at(node).linux().build().unwrap();
        for object in ["examples/firewall/firewall.bpf.o", "examples/count/count.bpf.o"] {
            let loaded = host.load(&std::fs::read(repo(object)).unwrap());
            let loaded = loaded.unwrap_or_else(|error| panic!("{object} at {node}: {error}"));
            assert_eq!(loaded.proofs().len(), loaded.programs().len());
            assert!(loaded.proofs().iter().all(|took| took.processed > 0));
        }
    }
}

#[test]
fn the_benchmarks_are_proved() {
    let api = Api::parse("bench.api", bench::API).unwrap();
    let host = Host::builder(&api).linux().build().unwrap();
    let out = abide_testkit::scratch().join("proved");
    let objects = bench::objects(&out);
    for object in &objects {
        let bytes = std::fs::read(object).unwrap();
        let names = abide_object::Object::parse(&bytes).unwrap();
        for name in names.programs.iter().map(|one| &names.function(one.function).name) {
            let loaded = host.load_program(&bytes, name);
            let loaded =
                loaded.unwrap_or_else(|error| panic!("{}: {name}: {error}", object.display()));
            let program = &loaded.programs()[0];
            println!("{name}: {} instructions walked", loaded.proofs()[0].processed);
            program.run(&mut program.context()).unwrap();
        }
    }
    if objects.len() == 1 {
        abide_testkit::skip("the shared benchmark programs: no clang, or no shared data");
    }
}
