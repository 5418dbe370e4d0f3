//! What a kernel's BTF costs: reading it, its profile, its standing in the API of Linux.
//! `cargo bench -p abide-linux --bench profile`.

use std::hint::black_box;
use std::sync::Arc;

use abide_api::Api;
use abide_btf::Btf;
use abide_linux::{Profile, Standing};
use criterion::{Criterion, criterion_group, criterion_main};

fn benches(c: &mut Criterion) {
    let Some(bytes) = abide_testkit::kernel_btf("6.12.117-cloud") else { return };
    let text = std::fs::read_to_string(abide_testkit::repo("apis/linux.api")).expect("the file");
    let api = Arc::new(Api::parse("linux.api", &text).expect("it is right"));
    c.bench_function("parse BTF", |b| b.iter(|| black_box(Btf::parse(&bytes))));
    // The index of names is built once for each BTF that was read, on first use.
    let fresh = || Btf::parse(&bytes).expect("a kernel's BTF");
    c.bench_function("profile", |b| {
        b.iter_with_setup(fresh, |types| Profile::of(&types).expect("a kernel").helpers().len());
    });
    let types = fresh();
    let profile = Profile::of(&types).expect("a kernel");
    c.bench_function("standing", |b| b.iter(|| black_box(Standing::of(&profile, &api, None))));
    let standing = Standing::of(&profile, &api, None).expect("a node");
    c.bench_function("host", |b| b.iter(|| black_box(standing.host("x", standing.released()))));
}

criterion_group!(all, benches);
criterion_main!(all);
