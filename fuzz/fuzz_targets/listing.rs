//! Any bytes as an object and as bare instructions. What is listed can be read by the assembler, if
//! only to be refused; bare instructions become the same again.
#![no_main]

use abide_asm::Dialect;
use abide_asm::listing::{Options, list, list_raw, list_to};
use abide_asm::object::{ObjectOptions, assemble};
use abide_diag::Source;
use abide_isa::Endian;
use libfuzzer_sys::fuzz_target;
use object::{Object, ObjectSection};

fuzz_target!(|bytes: &[u8]| {
    for dialect in [Dialect::C, Dialect::Gnu] {
        for columns in [false, true] {
            let options = Options { dialect, source: true, columns };
            if let Ok(text) = list(bytes, &options) {
                let mut pieces = Vec::new();
                list_to(bytes, &options, &mut pieces).expect("listed before").expect("memory");
                assert_eq!(pieces, text.as_bytes());
                let _ = assemble(&Source::new("listing.s", text), &ObjectOptions::default());
            }
        }
        for endian in [Endian::Little, Endian::Big] {
            let text = list_raw(bytes, endian, &Options { dialect, ..Options::default() });
            let options = ObjectOptions { endian, ..ObjectOptions::default() };
            let object = assemble(&Source::new("raw.s", text), &options);
            let object = object.unwrap_or_else(|errors| panic!("{}", errors[0].render(false)));
            let file = object::File::parse(&*object.bytes).expect("an object");
            let code = file.section_by_name(".text").and_then(|text| text.data().ok());
            assert_eq!(code.unwrap_or_default(), bytes);
        }
    }
});
