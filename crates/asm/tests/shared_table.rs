//! Every row of the shared table of instructions, in every spelling, gives the measured bytes; and
//! every probed corner case gives what the assemblers agree on, or an error with a reason.

use std::collections::BTreeMap;

use abide_asm::{Dialect, Options, RefKind, assemble, print};
use abide_isa::{Endian, Raw, decode};

fn bytes_of(slots: &[Raw]) -> String {
    slots
        .iter()
        .flat_map(|raw| raw.to_bytes(Endian::Little))
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn run(text: &str, dialect: Option<Dialect>) -> Result<String, String> {
    let options = Options { dialect, ..Options::default() };
    match assemble(text, &options) {
        Ok(code) => Ok(bytes_of(&code.slots)),
        Err(errors) => Err(errors.iter().map(|error| error.code.id).collect::<Vec<_>>().join(" ")),
    }
}

/// Rows that are no instruction here (see the table of `abide-isa`): they are errors.
const LEFT_OUT: &[&str] = &["ldxsdw", "brkpt"];

#[test]
fn every_row_in_every_spelling() {
    let Some(path) = abide_testkit::shared("asm/isa.tsv") else { return };
    let table = std::fs::read_to_string(path).expect("the file is there");
    let mut checked = 0;
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (id, bytes) = (columns[0], columns[12]);
        let spellings =
            [(columns[5], Dialect::C), (columns[6], Dialect::Gnu), (columns[7], Dialect::C)];
        for (text, dialect) in spellings {
            if matches!(text, "" | "-") {
                continue;
            }
            for dialect in [Some(dialect), None] {
                let result = run(text, dialect);
                if LEFT_OUT.contains(&id) {
                    assert_eq!(result, Err("S0016".to_owned()), "{text}");
                } else {
                    assert_eq!(result, Ok(bytes.to_owned()), "{id}: {text}");
                }
            }
            checked += 1;
        }
        // What is printed is the spelling of the table where it is the main one.
        if id.contains("(w form)") || id.contains("(old)") || id.contains("sym") {
            continue;
        }
        let raw: Vec<u8> = (0..bytes.len() / 2)
            .map(|at| u8::from_str_radix(&bytes[2 * at..2 * at + 2], 16).expect("hexadecimal"))
            .collect();
        let Ok(insn) = decode(&Raw::read_all(&raw, Endian::Little).0) else { continue };
        for (text, dialect) in &spellings[..2] {
            if *text != "-" {
                let printed = print(&insn, *dialect, &());
                assert_eq!(printed, text.replace("call sym", "call pc-1"), "{id}");
            }
        }
    }
    assert!(checked > 350, "{checked}");
}

/// Probed texts where the answer is not that of all the assemblers which accept the text, with the
/// reason. `S…` is an error of that code.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    // Silently something else in at least one assembler: errors here.
    ("R1 = R2", "S0003", "GNU defines a symbol, LLVM 22 garbles the offset"),
    ("r11 = r1", "S0003", "LLVM encodes a register that does not exist, GNU defines a symbol"),
    ("r1 = 4294967296", "S0006", "LLVM cuts it to 0"),
    ("r1 = 0x1ffffffff", "S0006", "LLVM cuts it off"),
    ("r1 = -2147483649", "S0006", "LLVM cuts it off"),
    ("r1 = 5ll", "S0009", "LLVM 14 loads 64 bits, later ones and GNU's move 32"),
    ("r1 = sym", "S0007", "no relocation fits; LLVM 22 writes it into the offset"),
    ("w1 = sym", "S0007", "as above"),
    ("r1 += sym", "S0007", "as above"),
    ("if r1 == sym goto +1", "S0007", "as above"),
    ("mov %r1,sym", "S0007", "as above"),
    ("r0 = *(u32 *)(r1 + 32768)", "S0006", "wraps to -32768"),
    ("r0 = *(u32 *)(r1 + 65535)", "S0006", "wraps to -1"),
    ("r0 = *(u32 *)(r1 - 32769)", "S0006", "LLVM 14 wraps to 32767"),
    ("if r1 == 4294967296 goto +1", "S0006", "LLVM compares with 0"),
    ("if r1 > 5 goto +70000", "S0006", "LLVM 14 wraps"),
    ("goto +40000", "S0006", "wraps backwards"),
    ("gotol +3", "0600000003000000", "GNU reads `goto l+3`"),
    ("gotol -70000", "06000000 90eefeff", "GNU reads `goto l-70000`"),
    ("ja +40000", "S0006", "GNU 2.44 wraps backwards"),
    // No instruction.
    ("w1 = (s32)w2", "S0016", "GNU encodes what RFC 9669 reserves and no kernel runs"),
    ("brkpt", "S0016", "GNU's simulator only"),
    ("add %r1,%r2 ; c", "S0002", "`;` separates, a comment only in binutils 2.40"),
    // Accepted here, as one superset.
    ("call +3", "8500000003000000", ""),
    ("call foo + 8", "85100000ffffffff", "the reference keeps the addend"),
    ("r1 = sym + 8 ll", "18010000000000000000000000000000", "the reference keeps the addend"),
    ("lddw %r1,sym+8", "18010000000000000000000000000000", "the reference keeps the addend"),
    ("goto ext", "0500ffff00000000", ""),
    ("r1 = w2", "bc21000000000000", "printed by LLVM, which cannot read it"),
    ("mov %r1,5;exit", "b7010000050000009500000000000000", "`;` starts a comment in binutils 2.40"),
    ("callx %r1", "8d01000000000000", "pseudo-C with `%`"),
];

/// Directives and symbol definitions come with the object assembler.
fn is_directive(text: &str) -> bool {
    (text.starts_with('.') && !text.starts_with(".8byte") && !text.starts_with(".quad"))
        || text.starts_with("X =")
}

#[test]
fn every_probe() {
    let Some(path) = abide_testkit::shared("asm/probes.tsv") else { return };
    let table = std::fs::read_to_string(path).expect("the file is there");
    let known: BTreeMap<&str, &str> =
        DIFFERENCES.iter().map(|(text, ours, _)| (*text, *ours)).collect();
    assert_eq!(known.len(), DIFFERENCES.len(), "no text stands twice");
    let (mut wrong, mut checked, mut dialect) = (Vec::new(), 0, Dialect::C);
    let mut unused = known.clone();
    for line in table.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        if columns[0].starts_with("text") {
            dialect = if columns[0].contains("normal") { Dialect::Gnu } else { Dialect::C };
            continue;
        }
        let probe = columns[0];
        if probe.is_empty() || is_directive(probe) {
            continue;
        }
        unused.remove(probe);
        let text = probe.replace("\\n", "\n");
        let dialect = if probe == "callx %r1" { Dialect::C } else { dialect };
        let ours = run(&text, Some(dialect));
        let mut accepted: Vec<&str> =
            columns[1..].iter().copied().filter(|bytes| *bytes != "ERR").collect();
        accepted.sort_unstable();
        accepted.dedup();
        let expected = match known.get(probe) {
            Some(known) if known.starts_with('S') => Err((*known).to_owned()),
            Some(known) => Ok(known.replace(' ', "")),
            None => match accepted[..] {
                [] => Err("any error".to_owned()),
                [bytes] => Ok(bytes.to_owned()),
                _ => Err("the assemblers differ".to_owned()),
            },
        };
        let same = match (&ours, &expected) {
            (Err(_), Err(any)) if any == "any error" => true,
            _ => ours == expected,
        };
        if !same {
            wrong.push(format!("{probe}: {ours:?}, expected {expected:?}"));
        }
        checked += 1;
    }
    assert!(checked > 130, "{checked}");
    assert!(unused.is_empty(), "not probed: {unused:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn symbols_become_references_and_labels_become_distances() {
    let text = "start: r3 = 0; r1 = table + 16 ll\n\
                if r1 == 0 goto 1f; call helper_fn; call start; goto elsewhere\n\
                1: gotol start; exit";
    let code = assemble(text, &Options::default()).expect("it is right");
    let refs: Vec<_> =
        code.refs.iter().map(|it| (it.slot, it.kind, it.name.as_str(), it.addend)).collect();
    assert_eq!(
        refs,
        [
            (1, RefKind::Imm64, "table", 16),
            (4, RefKind::Call, "helper_fn", 0),
            (6, RefKind::Goto, "elsewhere", 0)
        ]
    );
    assert_eq!(code.slots[3].off, 3);
    assert_eq!(code.slots[5].imm, -6);
    assert_eq!(code.slots[7].imm, -8);
    assert_eq!((code.labels[0].name.as_str(), code.labels[0].slot), ("start", 0));
    let statement = &code.statements[2];
    assert_eq!((statement.slot, &text[statement.span.clone()]), (3, "if r1 == 0 goto 1f"));
}

#[test]
fn both_dialects_mix_line_by_line() {
    let mixed = "mov %r6,%r1\nr0 = *(u32 *)(r6 + 0)\nldxw %r2,[%r10+-8]; if r0 == 1 goto +1\nexit";
    let code = assemble(mixed, &Options::default()).expect("both are read");
    let dialects: Vec<_> = code.statements.iter().map(|it| it.dialect).collect();
    let (c, gnu) = (Some(Dialect::C), Some(Dialect::Gnu));
    assert_eq!(dialects, [gnu, c, gnu, c, c]);
}

#[test]
fn a_large_unsigned_number_is_accepted_with_a_warning() {
    let code = assemble("r1 = 0xffffffff; w1 = 0xffffffff", &Options::default()).expect("accepted");
    assert_eq!(code.slots[0].imm, -1);
    assert_eq!(code.warnings.len(), 1);
    assert_eq!(code.warnings[0].code.id, "S0017");
    let label = code.warnings[0].primary.as_ref().expect("it has a place");
    assert_eq!(label.text, "as 64 bits it is 0xffffffffffffffff");
}
