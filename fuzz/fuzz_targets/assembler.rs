//! Whole files of assembly, with macros, conditionals and files that they include. What becomes an
//! object can be listed in both dialects.
#![no_main]

use abide_asm::Dialect;
use abide_asm::listing::{Options, list};
use abide_asm::object::{assemble, assemble_pieces};
use abide_diag::Source;
use abide_fuzz::assembly::Input;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(input) = Input::of(bytes) else { return };
    let loader = |name: &str| input.loaded(name);
    let options = input.options(&loader);
    let source = Source::new("0", input.text());
    let object = match assemble(&source, &options) {
        Ok(object) => object,
        Err(errors) => {
            assert!(!errors.is_empty(), "what is refused is refused for a reason");
            for error in &errors {
                let _ = error.render(false);
            }
            return;
        }
    };
    let pieces = assemble_pieces(&source, &options).expect("it was assembled before").bytes;
    assert_eq!(pieces.concat(), object.bytes);
    for dialect in [Dialect::C, Dialect::Gnu] {
        for columns in [false, true] {
            list(&object.bytes, &Options { dialect, source: true, columns })
                .expect("what was written is read");
        }
    }
});
