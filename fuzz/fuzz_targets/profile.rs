//! A kernel from any bytes: what is said of it is a host statement that can be read again. Objects with
//! BTF are seeds; a kernel's own BTF (`/sys/kernel/btf/vmlinux`) can be added to the corpus by hand.
#![no_main]

use std::sync::{Arc, OnceLock};

use abide_api::Api;
use abide_linux::{Profile, Standing};
use libfuzzer_sys::fuzz_target;

fn linux() -> &'static Arc<Api> {
    static LINUX: OnceLock<Arc<Api>> = OnceLock::new();
    LINUX.get_or_init(|| {
        let api = Api::parse("linux.api", include_str!("../../apis/linux.api"));
        Arc::new(api.expect("it is right"))
    })
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(types) = abide_object::host_types(bytes) else { return };
    let Ok(profile) = Profile::of(&types) else { return };
    let Ok(standing) = Standing::of(&profile, linux(), None) else { return };
    let mut api = Api::clone(linux());
    let file = standing.file("some", standing.released(), None);
    api.read_hosts("some.api", &file).expect("what is written can be read");
    let _ = standing.host("some", standing.released()).served().count();
});
