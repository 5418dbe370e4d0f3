//! Whole files of assembly, with macros, conditionals and files that they include: a byte of options,
//! and texts with zero bytes between them, of which the first is assembled and the others are called
//! `1`, `2`, … What becomes an object can be listed in both dialects.
#![no_main]

use abide_asm::Dialect;
use abide_asm::listing::{Options, list};
use abide_asm::object::{ObjectOptions, Semicolon, Style, assemble, assemble_pieces};
use abide_diag::Source;
use abide_isa::{Endian, Level};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((flags, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let texts: Vec<&str> = text.split('\0').collect();
    let loader = |name: &str| {
        let text = name.parse().ok().and_then(|number: usize| texts.get(number));
        text.map(|text| Source::new(name, *text)).ok_or_else(|| "there is none".to_owned())
    };
    let bit = |number: u8| flags >> number & 1 == 1;
    let options = ObjectOptions {
        dialect: match flags & 3 {
            0 => Some(Dialect::C),
            1 => Some(Dialect::Gnu),
            _ => None,
        },
        level: if bit(2) { Level::V4 } else { Level::V2 },
        endian: if bit(3) { Endian::Big } else { Endian::Little },
        style: bit(4).then_some(if bit(5) { Style::Gnu } else { Style::Llvm }),
        semicolon: if bit(6) { Semicolon::Auto } else { Semicolon::Comment },
        flags: 0,
        relax: bit(7),
        loader: Some(&loader),
    };
    let source = Source::new("0", texts[0]);
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
