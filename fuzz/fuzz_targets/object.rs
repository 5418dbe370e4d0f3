//! Objects from any bytes, and values of a configuration for them; what is accepted has requirements
//! and can be linked or is refused, on hosts of every node.
#![no_main]

use abide_api::Requirements;
use abide_fuzz::{APIS, HOSTS, check};
use abide_object::{Kconfig, Object};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut object) = Object::parse(bytes) else { return };
    // The end of the file is the configuration as well.
    let text = String::from_utf8_lossy(&bytes[bytes.len() - bytes.len().min(512)..]);
    let config = Kconfig {
        text: &text,
        kernel_version: Some(0x06_0c_03),
        has_bpf_cookie: true,
        has_syscall_wrapper: false,
    };
    if let Err(error) = object.set_kconfig(&config) {
        drop(error.to_string());
    }
    let needs = match Requirements::of(&object, &APIS) {
        Ok(needs) => needs,
        Err(refusal) => return drop(refusal.to_string()),
    };
    let _ = needs.oldest_node();
    for host in HOSTS.iter().filter(|host| host.api().name == needs.api.name) {
        let binding = match host.bind(&needs) {
            Ok(binding) => binding,
            Err(refusals) => {
                let _ = refusals.to_string();
                continue;
            }
        };
        for bound in &binding.programs {
            match binding.link(&object, &bound.needs.name) {
                Ok(program) => check(&program),
                Err(error) => drop(error.to_string()),
            }
        }
    }
});
