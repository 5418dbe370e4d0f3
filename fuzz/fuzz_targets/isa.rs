//! What decodes encodes to the same slots.
#![no_main]

use abide_isa::{Endian, Raw, decode_all, encode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (slots, _) = Raw::read_all(bytes, Endian::Little);
    for (slot, insn) in decode_all(&slots) {
        if let Ok(insn) = insn {
            let again = encode(&insn).expect("what was decoded can be encoded");
            assert_eq!(&slots[slot..slot + insn.slots()], &*again);
        }
    }
});
