//! CO-RE of any object against any types: four bytes with the length of the object, the object, and
//! the host's file. Nothing is applied in part.
#![no_main]

use abide_btf::core::Target;
use abide_object::{Object, host_types};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((len, rest)) = bytes.split_first_chunk() else { return };
    let Some((object, host)) = rest.split_at_checked(u32::from_le_bytes(*len) as usize) else {
        return;
    };
    let Ok(object) = Object::parse(object) else { return };
    if let Ok(types) = host_types(host) {
        relocate(&object, &Target::new(&types));
    }
    if let Some(own) = &object.btf {
        relocate(&object, &Target::new(own));
    }
});

fn relocate(object: &Object, target: &Target<'_>) {
    let relocated = object.relocate_core(target);
    for (record, outcome) in object.core.iter().zip(&relocated.outcomes) {
        let _ = object.core_report(record, outcome);
    }
    let mut after = object.clone();
    match relocated.apply(&mut after) {
        Ok(()) => assert_eq!(after.functions.len(), object.functions.len()),
        Err(refused) => assert!(!refused.is_empty() && after == *object),
    }
}
