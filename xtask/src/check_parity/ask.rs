//! Gets objects, types and the kernels ready, and asks each kernel to load each program: by the shared
//! scripts, which boot it under an emulator. Nothing is attached, and this machine's kernel is not asked.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use abide_object::Object;

use crate::{Failure, setup};

/// Of the selftests every so many objects are asked about; an emulated kernel takes seven minutes for them.
const STRIDE: usize = 4;

/// What has to be on the machine, besides what the tests want.
const TOOLS: &[&str] = &["qemu-system-x86_64", "busybox", "cpio", "xz", "zstd", "gcc", "make"];

const SOURCE: &str = "linux-source-6.12";

/// Fills `objects`, `btf` and `answers` below the directory; what is there already is kept.
pub(super) fn run(directory: &Path) -> Result<(), Failure> {
    let missing: Vec<&str> = TOOLS.iter().copied().filter(|tool| !setup::on_path(tool)).collect();
    if !missing.is_empty() {
        return Err(format!("missing: {}", missing.join(" ")));
    }
    let shared = |path: &str| {
        abide_testkit::shared(path).ok_or_else(|| format!("the shared data has no {path}"))
    };
    let objects = objects()?;
    write_types(&directory.join("btf"))?;
    let guest = directory.join("guest");
    let mut jobs = String::new();
    let heavy = heavy(&shared("corpus")?)?;
    for path in &objects {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for folder in [directory.join("objects"), guest.join("objects")] {
            make(&folder)?;
            let copy = folder.join(&name);
            if !copy.exists() {
                fs::copy(path, &copy).map_err(|error| format!("{}: {error}", copy.display()))?;
            }
        }
        let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let Ok(object) = Object::parse(&bytes) else { continue };
        for program in &object.programs {
            let program = &object.function(program.function).name;
            let id = format!("{}:{program}", name.trim_end_matches(".bpf.o"));
            if !heavy.contains(&id) {
                jobs += &format!("{id}\tobjects/{name}\t{program}\t0\tT0\t-\n");
            }
        }
    }
    fs::write(guest.join("jobs"), jobs).map_err(|error| format!("jobs: {error}"))?;
    let oracle = oracle(directory, &shared("corpus/build_oracle.sh")?)?;
    let boot = shared("corpus/run-kernel.sh")?;
    let answers = directory.join("answers");
    make(&answers)?;
    for kernel in abide_testkit::kernels() {
        let done = answers.join(format!("{kernel}.jsonl"));
        if done.exists() {
            continue;
        }
        println!("asking {kernel}");
        let part = done.with_extension("part");
        let image = shared(&format!("kernels/vmlinuz-{kernel}"))?;
        let mut command = Command::new("bash");
        command.arg(&boot).arg(image).arg(&guest).arg(&oracle).args(["-s", "jobs"]);
        command.env("OUT", &part).env("MEM", "1536").env("SMP", "1").env("TIMEOUT", "3600");
        finish(command, &kernel)?;
        fs::rename(&part, &done).map_err(|error| format!("{}: {error}", done.display()))?;
    }
    Ok(())
}

/// All of libbpf-tools, and every so many of the selftests.
fn objects() -> Result<Vec<PathBuf>, Failure> {
    crate::packages::run()?;
    let packages = abide_testkit::packages();
    let tools = packages.iter().filter(|(name, _)| name.starts_with("libbpf-tools"));
    let mut found: Vec<PathBuf> = tools.flat_map(|(_, objects)| objects.clone()).collect();
    found.extend(abide_testkit::corpus("selftests-612-c19-v3").into_iter().step_by(STRIDE));
    if found.is_empty() { Err("there are no objects".to_owned()) } else { Ok(found) }
}

fn write_types(folder: &Path) -> Result<(), Failure> {
    make(folder)?;
    for kernel in abide_testkit::kernels() {
        let file = folder.join(format!("{kernel}.btf"));
        if let Some(bytes) = abide_testkit::kernel_btf(&kernel).filter(|_| !file.exists()) {
            fs::write(&file, bytes).map_err(|error| format!("{}: {error}", file.display()))?;
        }
    }
    Ok(())
}

/// Programs that an emulated verifier takes minutes for, as the shared list has them.
fn heavy(corpus: &Path) -> Result<HashSet<String>, Failure> {
    let output = Command::new("tar")
        .args(["--zstd", "-xOf"])
        .arg(corpus.join("selftests-612-c19-v3.tar.zst"))
        .args(["--wildcards", "*/heavy.tsv"])
        .output()
        .map_err(|error| format!("tar: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(|line| Some(line.split('\t').next()?.to_owned())).collect())
}

/// The program that asks, built with the libbpf of a kernel's source.
fn oracle(directory: &Path, script: &Path) -> Result<PathBuf, Failure> {
    let built = directory.join("oracle");
    if built.exists() {
        return Ok(built);
    }
    let source = directory.join("source");
    make(&source)?;
    let mut fetch = Command::new("apt-get");
    fetch.args(["-q", "download", SOURCE]).current_dir(directory);
    finish(fetch, SOURCE)?;
    let mut unpack = Command::new("bash");
    unpack.current_dir(directory).arg("-c").arg(format!(
        "set -e -o pipefail; dpkg-deb --fsys-tarfile {SOURCE}_*.deb | tar -xO ./usr/src/{SOURCE}.tar.xz | xz -dc \
         | tar -x -C source --strip-components=1 --wildcards '*/tools/*' '*/scripts/bpf_doc.py' '*/include/uapi/*'"
    ));
    finish(unpack, SOURCE)?;
    let mut build = Command::new("bash");
    build.arg(script).arg(&source).arg(&built);
    finish(build, "the oracle")?;
    Ok(built)
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn finish(mut command: Command, what: &str) -> Result<(), Failure> {
    let status = command.status().map_err(|error| format!("{what}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{what}: {status}")) }
}
