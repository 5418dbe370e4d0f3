//! `Btf::to_c`: what a compiler makes of the header has the layout of the BTF it came from.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use abide_btf::{Btf, Composite, Kind, Type};

/// Clang's BTF of a source, or its complaints.
fn compile(source: &str) -> Option<Btf> {
    let clang = abide_testkit::tool(&["clang-19", "clang"])?;
    let objcopy = abide_testkit::tool(&["llvm-objcopy-19", "llvm-objcopy"])?;
    let dir = std::env::temp_dir().join(format!(
        "abide-header-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::create_dir_all(&dir).unwrap();
    let (object, section) = (dir.join("a.o"), dir.join("a.btf"));
    let mut child = Command::new(clang)
        .args(["-target", "bpf", "-g", "-c", "-x", "c", "-", "-o"])
        .arg(&object)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    if !complaints.is_empty() || !output.status.success() {
        panic!("{}", complaints.chars().take(4000).collect::<String>());
    }
    let dump = |path: &Path| {
        Command::new(&objcopy)
            .arg(format!("--dump-section=.BTF={}", path.display()))
            .arg(&object)
            .status()
            .unwrap()
    };
    assert!(dump(&section).success());
    let btf = Btf::parse(&std::fs::read(&section).unwrap()).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    Some(btf)
}

/// Name, offset and size in bits of each member.
type Layout = Vec<(String, u32, u32)>;

/// Names and positions of all members, those of anonymous ones as if they were its own.
fn layout(btf: &Btf, composite: &Composite<'_>, base: u32, out: &mut Layout) {
    for member in composite.members {
        let offset = base + member.bit_offset;
        match btf.get(btf.unqualified(member.ty)) {
            Some(Type::Struct(inner) | Type::Union(inner)) if member.name.is_empty() => {
                layout(btf, &inner, offset, out);
            }
            _ => {
                let size = btf.size_of(member.ty).unwrap_or(0) as u32 * 8;
                let bits = if member.bitfield_size > 0 { member.bitfield_size } else { size };
                if !member.name.starts_with("__pad") {
                    out.push((member.name.to_owned(), offset, bits));
                }
            }
        }
    }
}

fn composite(btf: &Btf, kind: Kind, name: &str) -> Option<(u32, Layout)> {
    let id = btf.by_name(kind, name)?;
    let (Type::Struct(composite) | Type::Union(composite)) = btf.get(id)? else { return None };
    let mut out = Vec::new();
    layout(btf, &composite, 0, &mut out);
    Some((composite.size, out))
}

/// Compiles the header with a variable of every `step`th struct and union, and compares them.
/// Returns how many were compared.
fn round_trip(btf: &Btf, step: usize) -> Option<usize> {
    let mut source = btf.to_c().unwrap();
    let mut names = Vec::new();
    for (id, ty) in btf.iter() {
        let (Type::Struct(composite) | Type::Union(composite)) = ty else { continue };
        let name = composite.name;
        let tags = [Kind::Struct, Kind::Union, Kind::Enum, Kind::Enum64];
        // Where tags clash, one of them has another name in C.
        let is_alone = tags.iter().filter(|kind| btf.by_name(**kind, name).is_some()).count() == 1;
        if is_alone && btf.by_name(ty.kind(), name) == Some(id) && composite.size > 0 {
            names.push((ty.kind(), name));
        }
    }
    let names: Vec<_> = names.into_iter().step_by(step).collect();
    for (number, (kind, name)) in names.iter().enumerate() {
        let keyword = if *kind == Kind::Struct { "struct" } else { "union" };
        writeln!(source, "{keyword} {name} v{number};").unwrap();
    }
    let compiled = compile(&source)?;
    for (kind, name) in &names {
        let (old, new) = (composite(btf, *kind, name), composite(&compiled, *kind, name));
        assert_eq!(old, new, "{name}");
        assert!(old.is_some());
    }
    Some(names.len())
}

#[test]
fn headers_of_kernels_keep_the_layout() {
    for name in abide_testkit::kernels() {
        let Some(bytes) = abide_testkit::kernel_btf(&name) else { return };
        let btf = Btf::parse(&bytes).unwrap();
        let Some(compared) = round_trip(&btf, STEP) else { return };
        println!("{name}: {compared} structs and unions are the same");
        assert!(compared > 500);
    }
}

/// Of a kernel's ten thousand structs, one in so many is compared: the compiler takes its time.
const STEP: usize = 8;

/// Not a word from any compiler, of the oldest, the middle and the newest kernel.
#[test]
fn headers_of_kernels_are_taken_by_every_compiler() {
    let kernels = abide_testkit::kernels();
    for name in kernels.iter().step_by(kernels.len().div_euclid(2).max(1)) {
        let Some(bytes) = abide_testkit::kernel_btf(name) else { return };
        let source = Btf::parse(&bytes).unwrap().to_c().unwrap()
            + "unsigned long f(void) { return sizeof(struct task_struct); }\n";
        for compiler in ["clang-14", "clang-19", "clang-22", "bpf-gcc"] {
            let Some(program) = abide_testkit::tool(&[compiler]) else { continue };
            let target: &[&str] = if compiler == "bpf-gcc" { &[] } else { &["-target", "bpf"] };
            let mut child = Command::new(program)
                .args(target)
                .args(["-g", "-O1", "-c", "-x", "c", "-", "-o", "/dev/null"])
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            let complaints = String::from_utf8_lossy(&output.stderr);
            let few: String = complaints.chars().take(4000).collect();
            assert!(output.status.success() && few.is_empty(), "{name}, {compiler}: {few}");
        }
    }
}
