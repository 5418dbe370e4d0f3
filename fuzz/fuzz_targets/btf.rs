//! BTF from any bytes; what is accepted can be printed and measured.
#![no_main]

use abide_btf::Btf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(btf) = Btf::parse(bytes) else { return };
    for (id, _) in btf.iter().take(1000) {
        let _ = btf.size_of(id);
        let _ = btf.declaration(id, "x");
        let _ = btf.definition(id);
        let _ = abide_btf::value::text(&btf, &bytes[..bytes.len().min(64)], id, btf.order());
    }
});
