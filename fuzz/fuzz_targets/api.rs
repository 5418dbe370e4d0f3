//! API files from any text; what is accepted prints to a file that means the same.
#![no_main]

use abide_api::Api;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(api) = Api::parse("fuzz.api", text) else { return };
    let printed = api.print();
    let again = Api::parse("printed.api", &printed).expect("what was printed can be read");
    assert!(api.same(&again), "{printed}");
    assert_eq!(printed, again.print());
});
