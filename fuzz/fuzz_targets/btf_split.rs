//! Four bytes with the length of a file of BTF, that file, and another: compared with each other, the
//! second also read over the first, distilled and put back; and both as C headers.
#![no_main]

use std::sync::Arc;

use abide_btf::Btf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((len, rest)) = bytes.split_first_chunk() else { return };
    let Some((one, other)) = rest.split_at_checked(u32::from_le_bytes(*len) as usize) else {
        return;
    };
    let Ok(base) = Btf::parse(one) else { return };
    assert_eq!(Btf::parse(&base.encode()).as_ref(), Ok(&base));
    assert!(base.diff(&base, |_| true).is_empty());
    let _ = base.to_c();
    if let Ok(other) = Btf::parse(other) {
        let (there, back) = (base.diff(&other, |_| true), other.diff(&base, |_| true));
        assert_eq!(there.same, back.same);
    }
    let base = Arc::new(base);
    let Ok(split) = Btf::parse_split(other, &base) else { return };
    assert_eq!(Btf::parse_split(&split.encode(), &base).as_ref(), Ok(&split));
    let _ = split.to_c();
    if let Ok(small) = split.distill() {
        let _ = small.rebase(&base);
    }
});
