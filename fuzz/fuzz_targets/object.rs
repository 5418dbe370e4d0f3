//! Objects from any bytes; what is accepted has requirements and can be linked or is refused.
#![no_main]

use std::sync::{Arc, LazyLock};

use abide_api::{Api, HostProfile, Requirements};
use abide_object::Object;
use libfuzzer_sys::fuzz_target;

static APIS: LazyLock<Vec<Arc<Api>>> = LazyLock::new(|| {
    [("linux.api", include_str!("../../apis/linux.api")), ("kv.api", include_str!("../../examples/kv/kv.api"))]
        .into_iter()
        .map(|(name, text)| Arc::new(Api::parse(name, text).expect("a committed API file")))
        .collect()
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(object) = Object::parse(bytes) else { return };
    let Ok(needs) = Requirements::of(&object, &APIS) else { return };
    let _ = needs.oldest_node();
    let Some(host) = HostProfile::newest(&needs.api) else { return };
    let Ok(binding) = host.bind(&needs) else { return };
    for program in &binding.programs {
        let _ = binding.link(&object, &program.needs.name);
    }
});
