//! What every command pays before it does anything: reading `apis/linux.api`; and `check` of one object and
//! of many.

use abide_api::check::{Checker, Host};
use abide_api::{Api, HostProfile, Requirements};
use abide_object::Object;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn benches(c: &mut Criterion) {
    let text = std::fs::read_to_string(abide_testkit::repo("apis/linux.api")).expect("the file");
    let mut group = c.benchmark_group("linux.api");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse", |b| b.iter(|| Api::parse("linux.api", &text)));
    let api = std::sync::Arc::new(Api::parse("linux.api", &text).expect("it is right"));
    group.bench_function("lint", |b| b.iter(|| api.lint()));
    let host = HostProfile::at(&api, "LINUX_6.12").expect("a node");
    group.bench_function("served by a host", |b| b.iter(|| host.served().count()));
    group.finish();
    check(c, &api);
}

/// What becomes of a small and a large object on all versions and all kernels that the file describes.
fn check(c: &mut Criterion, api: &std::sync::Arc<Api>) {
    let hosts = Host::nodes(api);
    let mut group = c.benchmark_group("check");
    let corpus = abide_testkit::corpus("selftests-612-c19-v3");
    let firewall = abide_testkit::repo("examples/firewall/firewall.bpf.o");
    let parse = |path: &std::path::Path| {
        Object::parse(&std::fs::read(path).expect("it is there")).expect("it is an object")
    };
    let firewall = parse(&firewall);
    let apis = [std::sync::Arc::clone(api)];
    group.bench_function(format!("the firewall on {} hosts", hosts.len()), |b| {
        b.iter(|| {
            let needs = Requirements::of(&firewall, &apis).expect("it has a stamp");
            let checker = Checker::new(&firewall, &needs);
            hosts.iter().map(|host| checker.check(host).verdict(0)).max()
        });
    });
    let objects: Vec<_> = corpus
        .iter()
        .filter_map(|path| Object::parse(&std::fs::read(path).ok()?).ok())
        .filter(|object| Requirements::of(object, &apis).is_ok())
        .collect();
    if !objects.is_empty() {
        group.sample_size(10);
        group.throughput(Throughput::Elements(objects.len() as u64));
        let nine = &hosts[hosts.len() - 9..];
        group.bench_function(format!("{} objects on nine hosts", objects.len()), |b| {
            b.iter(|| {
                let check = |object: &Object| {
                    let needs = Requirements::of(object, &apis).expect("it was one");
                    let checker = Checker::new(object, &needs);
                    nine.iter().map(|host| checker.check(host).programs.len()).sum::<usize>()
                };
                objects.iter().map(check).sum::<usize>()
            });
        });
    }
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
