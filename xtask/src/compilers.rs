//! `cargo xtask compilers`: what clang and gcc write as assembly for all BPF programs of a kernel's
//! selftests becomes what they write as objects.
//!
//! Compiles each program twice, to text and to an object, and has `abide-asm`'s test compare them.
//! The sources are the kernel's and stay below the target directory; nothing of them is kept here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use abide_verifier::each;

use crate::{Failure, setup, tree};

/// The kernels whose selftests are compiled: the Debian package `linux-source-<name>`.
const KERNELS: &[&str] = &["6.1", "6.12"];

/// The compilers, with what they are told besides the same for both.
const COMPILERS: &[(&str, &[&str])] =
    &[("clang-19", &["--target=bpf", "-mcpu=v3"]), ("bpf-gcc", &[])];

/// What both need of a kernel's source.
const PARTS: &[&str] =
    &["tools/testing/selftests/bpf", "tools/lib", "tools/include", "scripts/bpf_doc.py"];

/// Compiles and compares, for the kernels named or for all.
pub(crate) fn run(kernels: &[&str]) -> Result<(), Failure> {
    let kernels = if kernels.is_empty() { KERNELS } else { kernels };
    setup::install_packages(&["bpftool", "xz-utils", "zstd", "python3", "clang-19", "gcc-bpf"])?;
    for kernel in kernels {
        let dir = tree::root().join("target/selftests").join(kernel);
        let source = source(kernel, &dir, PARTS)?;
        let include = headers(kernel, &dir, &source)?;
        for (compiler, flags) in COMPILERS {
            let out = dir.join(compiler);
            compile(&source, &include, compiler, flags, &out)?;
            println!("==> Linux {kernel}, {compiler}: comparing");
            let status = Command::new(env!("CARGO"))
                .args(["test", "--release", "--locked", "--quiet", "-p", "abide-asm"])
                .args(["--test", "compilers", "a_corpus", "--", "--nocapture"])
                .env("ABIDE_ASM_CORPUS", &out)
                .current_dir(tree::root())
                .status()
                .map_err(|error| format!("cargo test: {error}"))?;
            if !status.success() {
                return Err(format!("Linux {kernel}, {compiler}: there are differences"));
            }
        }
    }
    Ok(())
}

fn failed(what: &Path) -> impl Fn(std::io::Error) -> Failure {
    move |error| format!("{}: {error}", what.display())
}

/// Runs a command, and gives what it prints.
fn output(command: &mut Command) -> Result<Vec<u8>, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if !done.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&done.stderr).trim()));
    }
    Ok(done.stdout)
}

/// These parts of a kernel's source, unpacked below a folder; from Debian's package, which is installed if
/// it is not there.
pub(crate) fn source(kernel: &str, dir: &Path, parts: &[&str]) -> Result<PathBuf, Failure> {
    let name = format!("linux-source-{kernel}");
    let source = dir.join(&name);
    if source.exists() {
        return Ok(source);
    }
    let archive = PathBuf::from(format!("/usr/src/{name}.tar.xz"));
    if !archive.exists() {
        setup::install_packages(&[&name])?;
    }
    // Under another name until it is whole.
    let part = dir.join("part");
    fs::create_dir_all(&part).map_err(failed(&part))?;
    let parts = parts.iter().map(|part| format!("{name}/{part}"));
    println!("==> {name}: unpacking");
    output(Command::new("tar").arg("-xJf").arg(&archive).arg("-C").arg(&part).args(parts))?;
    fs::rename(part.join(&name), &source).map_err(failed(&source))?;
    Ok(source)
}

/// The headers that the selftests' own build would make: libbpf's, its helpers, and the kernel's types
/// as C. `gcc` holds those that gcc takes instead.
fn headers(kernel: &str, dir: &Path, source: &Path) -> Result<PathBuf, Failure> {
    let include = dir.join("include");
    if include.exists() {
        return Ok(include);
    }
    let part = dir.join("include.part");
    let (bpf, gcc) = (part.join("bpf"), part.join("gcc/bpf"));
    for dir in [&bpf, &gcc] {
        fs::create_dir_all(dir).map_err(failed(dir))?;
    }
    let libbpf = source.join("tools/lib/bpf");
    for entry in fs::read_dir(&libbpf).map_err(failed(&libbpf))? {
        let path = entry.map_err(failed(&libbpf))?.path();
        if let (true, Some(name)) =
            (path.extension().is_some_and(|end| end == "h"), path.file_name())
        {
            fs::copy(&path, bpf.join(name)).map_err(failed(&path))?;
        }
    }
    let helpers = output(
        Command::new("python3")
            .arg(source.join("scripts/bpf_doc.py"))
            .args(["--header", "--file"])
            .arg(source.join("tools/include/uapi/linux/bpf.h")),
    )?;
    let helpers = String::from_utf8_lossy(&helpers).into_owned();
    // gcc calls what a pointer to a number points to only if the pointer cannot change.
    let constant = helpers.replace("(*bpf_", "(* const bpf_");
    for (dir, text) in [(&bpf, helpers), (&gcc, constant)] {
        let path = dir.join("bpf_helper_defs.h");
        fs::write(&path, text).map_err(failed(&path))?;
    }
    let btf = part.join("vmlinux.btf");
    fs::write(&btf, kernel_types(kernel)?).map_err(failed(&btf))?;
    let bpftool = if setup::on_path("bpftool") { "bpftool" } else { "/usr/sbin/bpftool" };
    let types = output(
        Command::new(bpftool).args(["btf", "dump", "file"]).arg(&btf).args(["format", "c"]),
    )?;
    let path = part.join("vmlinux.h");
    fs::write(&path, types).map_err(failed(&path))?;
    fs::rename(&part, &include).map_err(failed(&include))?;
    Ok(include)
}

/// The BTF of a kernel of this series if there is one in the shared data, or the running kernel's.
fn kernel_types(kernel: &str) -> Result<Vec<u8>, Failure> {
    let is_of_series =
        |name: &String| name.strip_prefix(kernel).is_some_and(|rest| rest.starts_with('.'));
    let found = abide_testkit::kernels().into_iter().find(is_of_series);
    match found.and_then(|name| abide_testkit::kernel_btf(&name)) {
        Some(types) => Ok(types),
        None => {
            let own = Path::new("/sys/kernel/btf/vmlinux");
            println!("no BTF of Linux {kernel} at hand: the running kernel's is taken");
            fs::read(own).map_err(failed(own))
        }
    }
}

/// Compiles every program to `NAME.s` and `NAME.o`; what a compiler refuses is left out.
fn compile(
    source: &Path,
    include: &Path,
    compiler: &str,
    flags: &[&str],
    out: &Path,
) -> Result<(), Failure> {
    if out.exists() {
        return Ok(());
    }
    let part = out.with_extension("part");
    fs::create_dir_all(&part).map_err(failed(&part))?;
    let tests = source.join("tools/testing/selftests/bpf");
    let programs = tests.join("progs");
    let entries = fs::read_dir(&programs).map_err(failed(&programs))?.flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "c"))
        .collect();
    files.sort();
    let makefile = tests.join("Makefile");
    let makefile = fs::read_to_string(&makefile).map_err(failed(&makefile))?;
    let own = |file: &Path| -> Vec<String> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let start = format!("progs/{name}-CFLAGS");
        let line = makefile.lines().find_map(|line| line.strip_prefix(&start));
        let value = line.and_then(|line| line.split_once('=')).map_or("", |(_, value)| value);
        value.split_whitespace().map(str::to_owned).collect()
    };
    let command = |file: &Path, kind: &str, end: &str| {
        let stem = file.file_stem().unwrap_or_default();
        let mut command = Command::new(compiler);
        command.args(flags).args(["-g", "-O2", "-w", "-mlittle-endian", "-std=gnu11"]);
        command.args(["-fno-strict-aliasing", "-D__TARGET_ARCH_x86"]).args(own(file));
        if compiler == "bpf-gcc" {
            command.arg("-I").arg(include.join("gcc"));
        }
        for dir in [include, &tests, &source.join("tools/include/uapi")] {
            command.arg("-I").arg(dir);
        }
        let arch = std::env::consts::ARCH;
        command.arg("-idirafter").arg(format!("/usr/include/{arch}-linux-gnu"));
        command.args(["-idirafter", "/usr/include", kind]).arg(file).arg("-o");
        command.arg(part.join(stem).with_extension(end)).current_dir(&tests);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    println!("==> {compiler}: compiling {} programs", files.len());
    let made = each(&files, None, |file| {
        let text = command(file, "-S", "s");
        (text, text && command(file, "-c", "o"))
    });
    let texts = made.iter().filter(|(text, _)| *text).count();
    let objects = made.iter().filter(|(_, object)| *object).count();
    println!("{texts} texts, {objects} objects");
    fs::rename(&part, out).map_err(failed(out))
}
