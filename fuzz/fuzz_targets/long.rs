//! Files of assembly with a long comment at their end, and without: texts as long as that are read by an
//! automaton, short ones by the grammar. Both make the same of them.
#![no_main]

use std::sync::LazyLock;

use abide_asm::object::{ObjectOptions, assemble};
use abide_diag::Source;
use abide_fuzz::assembly::Input;
use libfuzzer_sys::fuzz_target;

/// Longer than any text that is read by the grammar alone.
static COMMENT: LazyLock<String> = LazyLock::new(|| format!("# {}\n", "x".repeat(1 << 18)));

/// The object with its lines and what is warned of, or all errors. What has no end ends with the text:
/// only where it begins is compared.
type Made = Result<(Vec<u8>, Vec<abide_asm::object::SourceLine>, Vec<String>), Vec<String>>;

fn made(text: &str, options: &ObjectOptions<'_>) -> Made {
    let told = |messages: Vec<abide_asm::object::Message>| {
        let each = messages.iter().map(|message| {
            let found = &message.diagnostic;
            let begins = found.primary.as_ref().map(|label| label.span.start);
            format!("{} {} {begins:?} {}", message.source.name, found.code.id, found.message)
        });
        each.collect()
    };
    match assemble(&Source::new("0", text), options) {
        Ok(object) => Ok((object.bytes, object.lines, told(object.warnings))),
        Err(errors) => Err(told(errors)),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some(input) = Input::of(bytes) else { return };
    let loader = |name: &str| input.loaded(name);
    let options = input.options(&loader);
    let short = format!("{}\n", input.text());
    let long = format!("{short}{}", &*COMMENT);
    assert_eq!(made(&short, &options), made(&long, &options));
});
