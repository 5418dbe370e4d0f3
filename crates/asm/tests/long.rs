//! Long texts are read by an automaton, short ones by the grammar: a long comment at the end of a text
//! changes nothing of what is made of it.

use std::path::Path;

use abide_asm::Dialect;
use abide_asm::object::{ObjectOptions, assemble};
use abide_diag::Source;

/// Longer than any text that is read by the grammar alone.
const LONG: usize = 1 << 18;

fn made(text: &str, dialect: Option<Dialect>) -> Result<Vec<u8>, Vec<String>> {
    let options = ObjectOptions { dialect, ..ObjectOptions::default() };
    match assemble(&Source::new("x.s", text), &options) {
        Ok(object) => Ok(object.bytes),
        // What has no end ends with the text: only where it begins is compared.
        Err(errors) => Err(errors
            .iter()
            .map(|error| {
                let found = &error.diagnostic;
                let begins = found.primary.as_ref().map(|label| label.span.start);
                format!("{} {begins:?} {}", found.code.id, found.message)
            })
            .collect()),
    }
}

fn is_same(text: &str, dialect: Option<Dialect>, comment: &str) {
    let text = format!("{text}\n");
    assert_eq!(made(&text, dialect), made(&format!("{text}{comment}"), dialect), "{text}");
}

#[test]
fn long_texts_are_read_as_short_ones_are() {
    let comment = format!("# {}\n", "x".repeat(LONG));
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut texts = 0;
    for dir in ["errors", "listing", "translate"] {
        for entry in std::fs::read_dir(cases.join(dir)).expect("the cases are there") {
            let path = entry.expect("readable").path();
            let text = std::fs::read_to_string(&path).expect("readable");
            for dialect in [None, Some(Dialect::C), Some(Dialect::Gnu)] {
                is_same(&text, dialect, &comment);
            }
            texts += 1;
        }
    }
    assert!(texts > 20);
    // Whole, cut short, and with something behind: the errors of a text are all told.
    let spellings = include_str!("cases/spellings.tsv");
    for line in spellings.lines().filter(|line| !line.starts_with('#')) {
        let whole = line.split('\t').nth(1).expect("a text");
        is_same(whole, None, &comment);
        let mut texts = String::new();
        for end in (1..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            texts += &format!("{}\n", &whole[..end]);
        }
        for more in [" 1", "+", " ll", "; r1 = 2", " # note", "\\", "x"] {
            texts += &format!("{whole}{more}\n");
        }
        is_same(&texts, None, &comment);
    }
}
