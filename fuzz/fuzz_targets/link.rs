//! Two objects from any bytes, linked alone and in both orders: what is linked can be written, and one
//! alone can be read again and gives the same file when it is linked once more. The first two bytes say
//! where the second object begins.
#![no_main]

use abide_diag::Report;
use abide_object::Object;
use abide_object::link::{Input, link};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((at, rest)) = bytes.split_first_chunk::<2>() else { return };
    let (one, other) = rest.split_at(usize::from(u16::from_le_bytes(*at)).min(rest.len()));
    let (one, other) = (Input { name: "one", bytes: one }, Input { name: "other", bytes: other });
    for inputs in [&[one][..], &[other], &[one, other], &[other, one]] {
        let linked = match link(inputs) {
            Ok(linked) => linked.image.write().expect("a linked image holds together"),
            Err(errors) => {
                errors.iter().for_each(|error| drop(error.report().render(None, false)));
                continue;
            }
        };
        if inputs.len() > 1 {
            // Together they may be too large.
            let _ = Object::parse(&linked);
            continue;
        }
        Object::parse(&linked).expect("what was linked from one object can be read");
        let again = link(&[Input { name: "again", bytes: &linked }]).expect("it was linked before");
        let again = again.image.write().expect("a linked image holds together");
        assert!(again == linked, "it is another file");
    }
});
