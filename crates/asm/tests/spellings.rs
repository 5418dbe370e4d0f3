//! Unusual spellings that other assemblers take: `cases/spellings.tsv` has the dialect, the text and
//! its bytes, which the assembler of that dialect confirms where it is installed.

use std::process::{Command, Stdio};

use abide_asm::{Dialect, Options, assemble};
use abide_isa::Endian;

struct Row {
    dialect: Dialect,
    text: &'static str,
    bytes: String,
}

fn rows() -> Vec<Row> {
    let lines = include_str!("cases/spellings.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let [dialect, text, bytes] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("three columns: {line}")
            };
            let dialect = Dialect::from_name(dialect).expect("a dialect");
            Row { dialect, text, bytes: bytes.to_owned() }
        })
        .collect()
}

fn hex(bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn unusual_spellings_have_the_bytes_that_others_give_them() {
    for Row { dialect, text, bytes } in rows() {
        for dialect in [None, Some(dialect)] {
            let options = Options { dialect, ..Options::default() };
            let slots = match assemble(text, &options) {
                Ok(assembled) => assembled.slots,
                Err(errors) => panic!("{text}: {}", errors[0].message),
            };
            let ours = slots.iter().flat_map(|slot| slot.to_bytes(Endian::Little));
            assert_eq!(hex(ours), bytes, "{text}");
        }
    }
}

#[test]
fn llvm_gives_them_these_bytes() {
    let Some(tool) = abide_testkit::tool(&["llvm-mc-22", "llvm-mc-19"]) else { return };
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.dialect == Dialect::C).collect();
    let text: String = rows.iter().map(|row| format!("{}\n", row.text)).collect();
    let mut child = Command::new(tool)
        .args(["-triple=bpfel", "-mattr=+alu32", "-show-encoding"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool was found on PATH");
    let mut input = child.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut input, text.as_bytes()).expect("it reads");
    drop(input);
    let out = child.wait_with_output().expect("it was started");
    let shown = String::from_utf8_lossy(&out.stdout).into_owned();
    let codes = shown.lines().filter_map(|line| line.split_once("encoding: [")?.1.split_once(']'));
    let theirs: Vec<String> =
        codes.map(|(code, _)| code.replace("0x", "").replace(',', "")).collect();
    let ours: Vec<String> = rows.into_iter().map(|row| row.bytes).collect();
    assert_eq!(theirs, ours);
}
