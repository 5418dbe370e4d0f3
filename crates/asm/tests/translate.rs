//! Translating: cases as files, random instructions there and back, and what compilers write, taken by
//! the assembler of the other compiler.
//!
//! `cases/translate/NAME.s` with the result in `NAME.out`; its first line says `to: gnu` or `to: c`,
//! then perhaps `from: …` and `semicolon comments`. `BLESS=1` writes the results.
//! `ABIDE_ASM_CORPUS=DIR` translates all `*.s` of a directory (`cargo test --release -- --nocapture`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use abide_asm::object::{ObjectOptions, Semicolon, assemble};
use abide_asm::translate::{Options, translate};
use abide_asm::{Dialect, print};
use abide_diag::Source;
use abide_isa::{Endian, Field, Insn, Kind, Op, Reg, encode};
use object::{Object, ObjectSection};
use proptest::prelude::*;

fn options(text: &str) -> Options<'static> {
    let first = text.lines().next().unwrap_or_default();
    let after = |word: &str| {
        let rest = &first[first.find(word)? + word.len()..];
        Dialect::from_name(rest.split([' ', ',']).next()?)
    };
    Options {
        from: after("from: "),
        semicolon: match first.contains("semicolon comments") {
            true => Semicolon::Comment,
            false => Semicolon::Auto,
        },
        ..Options::to(after("to: ").expect("the first line says the dialect"))
    }
}

#[test]
fn cases_are_translated_as_expected_and_every_code_is_shown() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/translate");
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
        let mut out = String::new();
        let messages = match translate(&Source::new(name, text.as_str()), &options(&text)) {
            Ok(done) => {
                out += &done.text;
                done.warnings
            }
            Err(errors) => errors,
        };
        for message in messages {
            seen.insert(message.diagnostic.code.id);
            out += &format!("----\n{}\n", message.render(false));
        }
        abide_testkit::check_or_bless(path.with_extension("out"), &out);
    }
    for code in ["S0201", "S0202", "S0203", "S0204", "S0205"] {
        assert!(seen.contains(code), "{code} is in no case");
    }
}

fn insn() -> impl Strategy<Value = Insn> {
    let imm = prop_oneof![Just(0), -16i64..16, any::<i32>().prop_map(i64::from)];
    let gnu = Op::ALL.iter().copied().filter(|op| !op.spec().gnu.is_empty()).collect::<Vec<_>>();
    (proptest::sample::select(gnu), 0u8..11, 0u8..11, any::<i16>(), imm).prop_map(
        |(op, dst, src, off, imm)| {
            let spec = op.spec();
            let reg = |field, number| match field {
                Field::Used => Reg::new(number).expect("below 11"),
                _ => Reg::R0,
            };
            let imm = match (spec.imm, op.kind()) {
                (Field::Used, Kind::LdImm64(_)) => imm.wrapping_mul(0x1_0000_0003),
                (Field::Used, _) => imm,
                _ => 0,
            };
            let off = if spec.off == Field::Used { off } else { 0 };
            Insn { op, dst: reg(spec.dst, dst), src: reg(spec.src, src), off, imm }
        },
    )
}

fn code(text: &str) -> Vec<u8> {
    let object = assemble(&Source::new("x.s", text), &ObjectOptions::default());
    text_section(&object.unwrap_or_else(|errors| panic!("{}", errors[0].render(false))).bytes)
}

fn text_section(bytes: &[u8]) -> Vec<u8> {
    let file = object::File::parse(bytes).expect("an object");
    let section = file.section_by_name(".text").expect("there is code");
    section.data().expect("its bytes").to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn instructions_are_the_same_there_and_back(insns in proptest::collection::vec(insn(), 1..24)) {
        let text: String = insns.iter().map(|insn| print(insn, Dialect::C, &()) + "\n").collect();
        let bytes: Vec<u8> = insns
            .iter()
            .flat_map(|insn| encode(insn).unwrap().to_vec())
            .flat_map(|slot| slot.to_bytes(Endian::Little))
            .collect();
        let there = translate(&Source::new("c.s", text), &Options::to(Dialect::Gnu)).unwrap();
        prop_assert_eq!(&code(&there.text), &bytes);
        let back = translate(&Source::new("gnu.s", there.text), &Options::to(Dialect::C)).unwrap();
        prop_assert_eq!(&code(&back.text), &bytes);
        prop_assert!(!back.text.contains('%') || insns.iter().any(|insn| print(insn, Dialect::C, &()).contains('%')));
    }

    #[test]
    fn no_text_panics(parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..32)) {
        let text = parts.join(" ");
        for to in [Dialect::C, Dialect::Gnu] {
            let _ = translate(&Source::new("soup.s", text.as_str()), &Options::to(to));
        }
    }
}

const PARTS: &[&str] = &[
    "r0 = 1",
    "%r1",
    "mov %r2,\\x",
    "\\x",
    "\\()",
    "\\@",
    "%",
    ";",
    "`",
    "\n",
    "# c",
    "// c",
    "/* c */",
    "/*",
    "*/",
    ".macro m x",
    ".endm",
    "m r1",
    "m 5",
    ".if 0",
    ".endif",
    ".rept 2",
    ".endr",
    ".irp x, 1, r2",
    "f:",
    "1:",
    "goto 1b",
    "exit",
    "X = 5",
    "é",
    "\"",
    ".align 8",
    ".word 5",
    "r0 += \\x",
    ".cfi_startproc",
    ".file 1 \"a\" \"b\"",
    "*(u32 *)(r1 + \\x) = r2",
    "\r\n",
];

/// The instructions of each section with code, as an assembler makes them; `None` if it refuses.
fn assembled_by(tool: &Path, args: &[&str], text: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let stem = std::env::temp_dir().join(format!("abide-translate-{}-{count}", std::process::id()));
    let (source, out) = (stem.with_extension("s"), stem.with_extension("o"));
    std::fs::write(&source, text).expect("the temporary directory is writable");
    let done = Command::new(tool).args(args).arg("-o").arg(&out).arg(&source).output();
    let done = done.expect("the tool was found on PATH");
    let bytes = std::fs::read(&out);
    for file in [&source, &out] {
        let _ = std::fs::remove_file(file);
    }
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr)
            .lines()
            .take(4)
            .collect::<Vec<_>>()
            .join("\n"));
    }
    Ok(instructions(&bytes.expect("the tool wrote its output")))
}

/// Sections with code; of an instruction that a relocation completes only what it does not.
fn instructions(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let file = object::File::parse(bytes).expect("an object");
    let mut out = Vec::new();
    for section in file.sections() {
        let mut data = section.data().expect("its bytes").to_vec();
        if section.kind() != object::SectionKind::Text || data.is_empty() {
            continue;
        }
        for (at, _) in section.relocations() {
            // The two toolchains keep addends, and mark calls, in different places.
            let at = at as usize;
            let wide = data[at] == 0x18;
            data[at + 4..at + 8].fill(0);
            data[at + 1] &= if wide { 0xff } else { 0x0f };
            if wide {
                data[at + 12..at + 16].fill(0);
            }
        }
        out.push((section.name().expect("a name").to_owned(), data));
    }
    out.sort();
    out
}

/// Translates a text and compares what the other toolchain's assembler makes of it.
fn check(name: &str, text: &str, to: Dialect, tool: &Path, args: &[&str]) -> Result<(), String> {
    let source = Source::new(name, text);
    let done = translate(&source, &Options::to(to))
        .map_err(|errors| format!("{name}: {}", errors[0].render(false)))?;
    let original = assemble(&source, &ObjectOptions::default());
    let ours = instructions(&original.map_err(|errors| errors[0].render(false))?.bytes);
    let theirs = assembled_by(tool, args, &done.text).map_err(|why| format!("{name}: {why}"))?;
    if ours == theirs { Ok(()) } else { Err(format!("{name}: other instructions")) }
}

fn sources() -> Vec<PathBuf> {
    let dir = abide_testkit::repo("crates/object/tests/cases");
    let files = std::fs::read_dir(dir).expect("the cases are there");
    let files = files.map(|entry| entry.expect("readable").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "c")).collect()
}

/// Compiles to assembly, translates, and assembles with the other one; at least one file must do.
fn compiled(compiler: &[&str], to: Dialect, assembler: (&str, &[&str])) {
    let (Some(compiler), Some(tool)) = (
        abide_testkit::tool(&compiler[..1]).map(|tool| (tool, &compiler[1..])),
        abide_testkit::tool(&[assembler.0]),
    ) else {
        return;
    };
    let mut done = 0;
    for file in sources() {
        let text = Command::new(&compiler.0)
            .args(["-O2", "-S", "-o", "-"])
            .args(compiler.1)
            .arg(&file)
            .output()
            .expect("the compiler was found");
        if text.status.success() {
            let text = String::from_utf8_lossy(&text.stdout);
            let checked = check(&file.display().to_string(), &text, to, &tool, assembler.1);
            assert_eq!(checked, Ok(()));
            done += 1;
        }
    }
    assert!(done > 0, "nothing was compiled");
}

const GNU: (&str, &[&str]) = ("bpf-as", &["-EL"]);
const LLVM: (&str, &[&str]) = ("llvm-mc-22", &["-triple=bpfel", "-filetype=obj"]);

#[test]
fn what_clang_writes_is_taken_by_gnu() {
    // The assembler of binutils 2.40 knows nothing above v3, and of atomics only addition.
    for flags in [&["-g"][..], &[]] {
        let clang = ["clang-19", "--target=bpfel", "-mcpu=v2"];
        compiled(&[&clang, flags].concat(), Dialect::Gnu, GNU);
    }
}

#[test]
fn what_gcc_writes_is_taken_by_llvm() {
    for flags in [&["-g"][..], &[]] {
        compiled(&[&["bpf-gcc"], flags].concat(), Dialect::C, LLVM);
    }
}

#[test]
fn a_corpus_on_request() {
    let Some(dir) = std::env::var_os("ABIDE_ASM_CORPUS") else { return };
    let gnu = abide_testkit::tool(&[GNU.0]);
    let (mut all, mut translated, mut back, mut gas) = (0, 0, 0, 0);
    for entry in std::fs::read_dir(dir).expect("the corpus is there") {
        let path = entry.expect("readable").path();
        if path.extension().is_none_or(|extension| extension != "s") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("readable");
        let name = path.display().to_string();
        all += 1;
        // What it gives back has been compared with the original.
        let there =
            match translate(&Source::new(name.as_str(), text.as_str()), &Options::to(Dialect::Gnu))
            {
                Ok(there) => there.text,
                Err(errors) => {
                    println!("{name}: {}", errors[0].render(false));
                    continue;
                }
            };
        translated += 1;
        match translate(&Source::new(name.as_str(), there), &Options::to(Dialect::C)) {
            Ok(_) => back += 1,
            Err(errors) => println!("{name}, back: {}", errors[0].render(false)),
        }
        if let Some(gnu) = &gnu {
            match check(&name, &text, Dialect::Gnu, gnu, GNU.1) {
                Ok(()) => gas += 1,
                Err(why) => println!("{why}"),
            }
        }
    }
    println!("{all} texts: {translated} translated, {back} and back, {gas} equal by bpf-as");
    assert!(all > 0);
}
