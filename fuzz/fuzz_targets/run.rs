//! Objects from any bytes, loaded and run: a program returns or traps, whatever it does; one that was
//! proved does not trap.
#![no_main]

use std::collections::HashSet;
use std::sync::LazyLock;

use abide_api::HostProfile;
use abide_fuzz::APIS;
use abide_runtime::{Host, Trap, linux};
use libfuzzer_sys::fuzz_target;

const FUEL: u64 = 20_000;

static HOSTS: LazyLock<[Host; 2]> = LazyLock::new(|| {
    let profile = HostProfile::newest(&APIS[0]).expect("it has nodes");
    let known: HashSet<&str> = linux::bodies().map(|(label, _)| label).collect();
    let native = APIS[0].ids().filter(|id| known.contains(APIS[0].label(*id).as_str()));
    let missing = profile.clone().with_bodies(native).without_body();
    let mut builder = Host::builder(&APIS[0]).profile(profile).linux().checked().clock(|| 1);
    for id in missing {
        let message = "no body";
        builder = builder.raw(&APIS[0].label(id), move |_| Err(Trap::body(message.to_owned())));
    }
    let linux = builder.map_bytes(1 << 20).cpus(2).trace(|_| {}).build().expect("linux.api");
    [linux, kv_example::table::store().host("KV_3", None).expect("kv.api")]
});

fuzz_target!(|bytes: &[u8]| {
    for host in HOSTS.iter() {
        let loaded = match host.load(bytes) {
            Ok(loaded) => loaded,
            Err(error) => {
                let _ = error.to_string();
                continue;
            }
        };
        for program in loaded.programs().iter().take(4) {
            let mut context = program.context();
            context.packet(&bytes[..bytes.len().min(100)]).fuel(FUEL);
            for _ in 0..2 {
                match program.run(&mut context) {
                    Ok(outcome) => assert!(outcome.instructions <= FUEL),
                    // The fuel is the host's, and bodies may refuse.
                    Err(trap) => assert!(
                        loaded.proofs().is_empty() || ["T0007", "T0016"].contains(&trap.code().id),
                        "proved, and traps: {trap}"
                    ),
                }
            }
        }
    }
});
