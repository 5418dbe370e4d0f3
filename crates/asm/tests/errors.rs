//! Messages, as files: `cases/errors/NAME.s` and what is said about it in `NAME.out`.
//! `BLESS=1` writes the latter. A first line `# dialect: c` or `# level: v2` sets an option.

use std::collections::BTreeSet;
use std::path::Path;

use abide_asm::{CODES, Dialect, Options, assemble};
use abide_diag::Source;
use abide_isa::Level;

fn options(text: &str) -> Options {
    let mut options = Options::default();
    let first = text.lines().next().unwrap_or_default();
    if let Some(name) = first.strip_prefix("# dialect: ") {
        options.dialect = Some(Dialect::from_name(name).expect("a dialect"));
    }
    if let Some(name) = first.strip_prefix("# level: ") {
        options.level = Level::from_name(name).expect("a level");
    }
    options
}

#[test]
fn messages_are_as_expected_and_every_code_has_one() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/errors");
    let mut files: Vec<_> = std::fs::read_dir(&dir)
        .expect("the cases are there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "s"))
        .collect();
    files.sort();
    let mut seen = BTreeSet::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("readable");
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let source = Source::new(name, text.as_str());
        let errors = assemble(&text, &options(&text)).expect_err("every case is wrong");
        let mut out = String::new();
        for error in &errors {
            seen.insert(error.code.id);
            out += &error.render(Some(&source), false);
            out += "\n\n";
        }
        abide_testkit::check_or_bless(path.with_extension("out"), &out);
    }
    // Shown elsewhere: the warning, and what takes a very large or very wrong text.
    seen.extend(["S0008", "S0017", "S0018", "S0020"]);
    // Those of whole files are triggered in `objects.rs`.
    seen.extend(["S0030", "S0031", "S0032", "S0033", "S0034", "S0035", "S0036"]);
    // Those of listings are triggered in the tests of listings.
    seen.extend(["S0101", "S0102", "S0103"]);
    // Those of translating are shown by its cases.
    seen.extend(["S0201", "S0202", "S0203", "S0204", "S0205"]);
    let all: BTreeSet<_> = CODES.iter().map(|code| code.id).collect();
    assert_eq!(seen, all);
}

#[test]
fn a_text_that_is_too_large_is_refused() {
    let text = String::from_utf8(vec![0; (1 << 28) + 1]).expect("zeros are UTF-8");
    assert_eq!(assemble(&text, &Options::default()).unwrap_err()[0].code.id, "S0020");
}

#[test]
fn a_label_that_is_too_far_for_a_jump_is_an_error_and_gotol_reaches_it() {
    let far = |jump: &str| format!("{jump} end; {} end: exit", "r0 = 0;".repeat(32768));
    let errors = assemble(&far("goto"), &Options::default()).unwrap_err();
    assert_eq!(errors[0].code.id, "S0008");
    assert!(errors[0].helps[0].contains("gotol"));
    assert!(assemble(&far("if r1 == 0 goto"), &Options::default()).is_err());
    let code = assemble(&far("gotol"), &Options::default()).expect("32 bits reach it");
    assert_eq!(code.slots[0].imm, 32768);
    let back = |count| format!("start: {} goto start", "r0 = 0;".repeat(count));
    assert!(assemble(&back(32767), &Options::default()).is_ok());
    assert!(assemble(&back(32768), &Options::default()).is_err());
}
