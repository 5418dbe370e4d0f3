//! The compilers' assemblers as oracles: what they accept of our spellings has our bytes.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use abide_asm::{Dialect, Options, assemble, print};
use abide_isa::{Endian, Field, Group, Imm64Kind, Insn, Kind, Level, Op, Raw, Reg, encode};
use object::{Object, ObjectSection};

/// A few instances of each instruction.
fn samples(op: Op) -> Vec<Insn> {
    let spec = op.spec();
    let used = |field| field == Field::Used;
    [
        (Reg::R1, Reg::R2, 8, 7),
        (Reg::R7, Reg::FP, -24, -9),
        (Reg::R0, Reg::R5, 0, i64::from(i32::MAX)),
    ]
    .into_iter()
    .map(|(dst, src, off, imm)| {
        let mut insn = Insn::new(op);
        if used(spec.dst) {
            insn.dst = dst;
        }
        if used(spec.src) {
            insn.src = src;
        }
        if used(spec.off) {
            insn.off = off;
        }
        if used(spec.imm) {
            insn.imm = match op.kind() {
                Kind::LdImm64(Imm64Kind::Value) => imm.wrapping_mul(0x1_0000_0003),
                // LLVM drops the upper half of `ld_pseudo`'s immediate, silently.
                Kind::LdImm64(_) => imm.abs(),
                Kind::AddrSpaceCast => 1,
                Kind::CallHelper => imm.abs(),
                // LLVM takes no distance as a number that needs more than 16 bits.
                Kind::Jump { .. } => imm >> 16,
                _ => imm,
            };
        }
        insn
    })
    .collect()
}

/// Calls that no other assembler can spell without a symbol.
fn is_ours_alone(op: Op) -> bool {
    matches!(op, Op::CallLocal | Op::CallKfunc)
}

/// What a tool makes of a text: the code, or the lines (from 0) that it refuses.
fn run(tool: &Path, args: &[&str], text: &str) -> Result<Vec<u8>, BTreeSet<usize>> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let stem = std::env::temp_dir().join(format!("abide-asm-{}-{count}", std::process::id()));
    let (source, out) = (stem.with_extension("s"), stem.with_extension("o"));
    std::fs::write(&source, text).expect("the temporary directory is writable");
    let done = Command::new(tool).args(args).arg("-o").arg(&out).arg(&source).output();
    let done = done.expect("the tool was found on PATH");
    let bytes = std::fs::read(&out);
    let _ = std::fs::remove_file(&source);
    let _ = std::fs::remove_file(&out);
    if !done.status.success() {
        let errors = String::from_utf8_lossy(&done.stderr).into_owned();
        let prefix = format!("{}:", source.display());
        let lines = errors.lines().filter_map(|line| line.strip_prefix(&prefix));
        let numbers = lines.filter_map(|rest| rest.split(':').next()?.parse::<usize>().ok());
        return Err(numbers.map(|line| line - 1).collect());
    }
    let bytes = bytes.expect("the tool wrote its output");
    let file = object::File::parse(&*bytes).expect("an assembler writes ELF");
    let section = file.section_by_name(".text").expect("there is code");
    Ok(section.data().expect("the section is there").to_vec())
}

/// Compares all instructions; gives how many were, and which the tool refuses.
fn compare(
    tool: &Path,
    args: &[&str],
    dialect: Dialect,
    endian: Endian,
) -> (usize, BTreeSet<String>) {
    let known =
        |op: &&Op| !is_ours_alone(**op) && (dialect == Dialect::C || !op.spec().gnu.is_empty());
    let all: Vec<Insn> = Op::ALL.iter().filter(known).flat_map(|op| samples(*op)).collect();
    let text = |insns: &[Insn]| -> String {
        insns.iter().map(|insn| print(insn, dialect, &()) + "\n").collect()
    };
    let refused = match run(tool, args, &text(&all)) {
        Ok(_) => BTreeSet::new(),
        Err(lines) => lines,
    };
    let (mut accepted, mut names) = (Vec::new(), BTreeSet::new());
    for (line, insn) in all.iter().enumerate() {
        if refused.contains(&line) {
            names.insert(insn.op.name().to_owned());
        } else {
            accepted.push(*insn);
        }
    }
    let text = text(&accepted);
    let theirs = run(tool, args, &text).expect("what was refused is left out");
    let ours =
        |slots: &[Raw]| -> Vec<u8> { slots.iter().flat_map(|raw| raw.to_bytes(endian)).collect() };
    let options = Options { dialect: Some(dialect), ..Options::default() };
    let read = assemble(&text, &options).expect("we read what we print").slots;
    let mut at = 0;
    for insn in &accepted {
        let slots = encode(insn).expect("samples are valid");
        let bytes = ours(&slots);
        let line = print(insn, dialect, &());
        assert_eq!(theirs.get(at..at + bytes.len()), Some(&bytes[..]), "{line}");
        at += bytes.len();
    }
    assert_eq!(ours(&read), theirs);
    (accepted.len(), names)
}

#[test]
fn llvm_encodes_pseudo_c_as_we_do() {
    let Some(tool) = abide_testkit::tool(&["llvm-mc-22", "llvm-mc-19"]) else { return };
    for (arch, endian) in [("--arch=bpfel", Endian::Little), ("--arch=bpfeb", Endian::Big)] {
        let args = [arch, "-mcpu=v4", "-filetype=obj"];
        let (same, refused) = compare(&tool, &args, Dialect::C, endian);
        assert!(same > 500, "{same} compared, refused: {refused:?}");
        // `skb[r2 + 7]` is GNU's alone.
        let newer = |op: &&Op| {
            op.spec().group == Group::Extension || matches!(op.kind(), Kind::LdInd { .. })
        };
        let newer: BTreeSet<_> =
            Op::ALL.iter().filter(newer).map(|op| op.name().to_owned()).collect();
        assert!(refused.is_subset(&newer), "{refused:?}");
    }
}

#[test]
fn gnu_encodes_its_dialect_as_we_do() {
    let Some(tool) = abide_testkit::tool(&["bpf-as", "bpf-unknown-none-as"]) else { return };
    for (order, endian) in [("-EL", Endian::Little), ("-EB", Endian::Big)] {
        let (same, refused) = compare(&tool, &[order], Dialect::Gnu, endian);
        assert!(same > 300, "{same} compared, refused: {refused:?}");
        // binutils 2.40 has no v4, and of the atomics only addition in its old spelling.
        let newer = |op: &&Op| {
            op.spec().level == Level::V4 || matches!(op.kind(), Kind::Atomic { .. } | Kind::CallX)
        };
        let newer: BTreeSet<_> =
            Op::ALL.iter().filter(newer).map(|op| op.name().to_owned()).collect();
        assert!(refused.is_subset(&newer), "{refused:?}");
    }
}
