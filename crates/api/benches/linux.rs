//! What every command pays before it does anything: reading `apis/linux.api`.

use abide_api::{Api, HostProfile};
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
}

criterion_group!(all, benches);
criterion_main!(all);
