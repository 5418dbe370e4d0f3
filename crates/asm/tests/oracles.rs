//! The compilers' assemblers as oracles: what they accept of our spellings has our bytes.

use std::process::Command;

use abide_asm::{Dialect, Options, assemble, print};
use abide_isa::{Endian, Field, Insn, Kind, Op, Raw, Reg, encode};
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
                Kind::LdImm64(kind) if kind.uses_high() => imm.wrapping_mul(0x1_0000_0003),
                Kind::LdImm64(_) => imm.abs(),
                Kind::AddrSpaceCast => 1,
                Kind::CallHelper => imm.abs(),
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

/// The code that a tool makes of a text; `None` if it refuses it.
fn tool_bytes(tool: &std::path::Path, args: &[&str], text: &str) -> Option<Vec<u8>> {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let stem = format!("abide-asm-{}-{count}", std::process::id());
    let (source, out) = (
        std::env::temp_dir().join(format!("{stem}.s")),
        std::env::temp_dir().join(format!("{stem}.o")),
    );
    std::fs::write(&source, text).expect("the temporary directory is writable");
    let done = Command::new(tool)
        .args(args)
        .arg("-o")
        .arg(&out)
        .arg(&source)
        .output()
        .expect("the tool was found on PATH");
    let bytes = std::fs::read(&out).ok().filter(|_| done.status.success());
    let _ = std::fs::remove_file(&source);
    let _ = std::fs::remove_file(&out);
    let bytes = bytes?;
    let file = object::File::parse(&*bytes).expect("an assembler writes ELF");
    Some(file.section_by_name(".text")?.data().expect("the section is there").to_vec())
}

/// Compares all instructions in one go, and one by one those that the tool does not know.
fn compare(
    tool: &std::path::Path,
    args: &[&str],
    dialect: Dialect,
    endian: Endian,
) -> (usize, Vec<Op>) {
    let (mut same, mut refused) = (0, Vec::new());
    let mut batch = Vec::new();
    for &op in Op::ALL {
        let missing = dialect == Dialect::Gnu && op.spec().gnu.is_empty();
        if is_ours_alone(op) || missing {
            continue;
        }
        let probe = print(&samples(op)[0], dialect, &()) + "\n";
        if tool_bytes(tool, args, &probe).is_some() { batch.push(op) } else { refused.push(op) }
    }
    let mut check = |insns: &[Insn]| {
        let text: String = insns.iter().map(|insn| print(insn, dialect, &()) + "\n").collect();
        let theirs = tool_bytes(tool, args, &text)?;
        let ours: Vec<u8> = insns
            .iter()
            .flat_map(|insn| encode(insn).expect("samples are valid").to_vec())
            .flat_map(|raw: Raw| raw.to_bytes(endian))
            .collect();
        assert_eq!(ours, theirs, "{}: {text}", tool.display());
        let options = Options { dialect: Some(dialect), ..Options::default() };
        let read = assemble(&text, &options).expect("we read what we print");
        let read: Vec<u8> = read.slots.iter().flat_map(|raw| raw.to_bytes(endian)).collect();
        assert_eq!(read, theirs);
        same += insns.len();
        Some(())
    };
    let all: Vec<Insn> = batch.iter().flat_map(|op| samples(*op)).collect();
    if check(&all).is_none() {
        // Some operand is refused (a negative offset, say): one by one then.
        for insn in &all {
            check(std::slice::from_ref(insn));
        }
    }
    (same, refused)
}

#[test]
fn llvm_encodes_pseudo_c_as_we_do() {
    let Some(tool) = abide_testkit::tool(&["llvm-mc-22", "llvm-mc-19"]) else { return };
    for (arch, endian) in [("--arch=bpfel", Endian::Little), ("--arch=bpfeb", Endian::Big)] {
        let args = [arch, "-mcpu=v4", "-filetype=obj"];
        let (same, refused) = compare(&tool, &args, Dialect::C, endian);
        assert!(same > 500, "{same} compared, refused: {refused:?}");
        let newer = |op: &Op| matches!(op.spec().group, abide_isa::Group::Extension);
        assert!(refused.iter().all(newer), "{refused:?}");
    }
}

#[test]
fn gnu_encodes_its_dialect_as_we_do() {
    let Some(tool) = abide_testkit::tool(&["bpf-as", "bpf-unknown-none-as"]) else { return };
    for (order, endian) in [("-EL", Endian::Little), ("-EB", Endian::Big)] {
        let (same, refused) = compare(&tool, &[order], Dialect::Gnu, endian);
        assert!(same > 300, "{same} compared, refused: {refused:?}");
        // binutils 2.40 has no v4, and of the atomics only addition in its old spelling.
        let newer = |op: &Op| {
            op.spec().level > abide_isa::Level::V3
                || matches!(op.kind(), Kind::Atomic { .. } | Kind::CallX)
        };
        assert!(refused.iter().all(newer), "{refused:?}");
    }
}
