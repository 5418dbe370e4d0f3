//! Any text into both dialects: a byte of options, and the text. What comes out is text of that dialect
//! which is translated again without a change of its instructions.
#![no_main]

use abide_asm::Dialect;
use abide_asm::object::Semicolon;
use abide_asm::translate::{Options, translate};
use abide_diag::Source;
use abide_isa::Endian;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((flags, text)) = bytes.split_first() else { return };
    let source = Source::new("x.s", String::from_utf8_lossy(text));
    let bit = |number: u8| flags >> number & 1 == 1;
    for to in [Dialect::C, Dialect::Gnu] {
        let options = Options {
            from: bit(0).then_some(to.other()),
            semicolon: match flags >> 1 & 3 {
                0 => Semicolon::Comment,
                1 => Semicolon::Separator,
                _ => Semicolon::Auto,
            },
            endian: if bit(3) { Endian::Big } else { Endian::Little },
            ..Options::to(to)
        };
        match translate(&source, &options) {
            Ok(translated) => {
                let again = Source::new("y.s", translated.text);
                let _ = translate(&again, &Options::to(to.other()));
            }
            Err(errors) => {
                assert!(!errors.is_empty(), "what is refused is refused for a reason");
                for error in &errors {
                    let _ = error.render(false);
                }
            }
        }
    }
});
