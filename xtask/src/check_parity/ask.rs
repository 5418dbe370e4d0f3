//! Gets objects, types and the kernels ready, and asks each kernel to load each program: by the shared
//! scripts, which boot it under an emulator. Nothing is attached, and this machine's kernel is not asked.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use abide_object::Object;
use serde_json::Value;

use super::DIRECTORY;
use crate::{Failure, compilers, setup, tree};

/// Of the selftests every so many objects are asked about; an emulated kernel takes seven minutes for them.
const STRIDE: usize = 4;

/// What has to be on the machine, besides what the tests want.
const TOOLS: &[&str] = &["qemu-system-x86_64", "busybox", "cpio", "xz", "zstd", "gcc", "make"];

/// The kernel whose libbpf asks, and what of its source that takes.
const KERNEL: &str = "6.12";
const PARTS: &[&str] = &["tools", "scripts/bpf_doc.py", "include/uapi"];

/// Fills `guest`, `btf` and `answers` below the directory; what is there already is kept.
pub(super) fn run(directory: &Path) -> Result<(), Failure> {
    let selftests = abide_testkit::corpus("selftests-612-c19-v3");
    let objects = objects(&selftests)?;
    write_types(&directory.join("btf"))?;
    let guest = directory.join("guest");
    let copies = guest.join("objects");
    make(&copies)?;
    let mut jobs = String::new();
    let heavy = heavy(&selftests)?;
    for path in &objects {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copy = copies.join(&name);
        if !copy.exists() {
            fs::copy(path, &copy).map_err(|error| format!("{}: {error}", copy.display()))?;
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
    Guest { directory, jobs: &jobs, kernels: abide_testkit::kernels() }.boot()
}

/// What is in `guest` below a directory, and the programs of it that kernels are asked to load, as `oracle` wants
/// them written.
pub(crate) struct Guest<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) jobs: &'a str,
    /// The kernels of the shared data that are asked.
    pub(crate) kernels: Vec<String>,
}

impl Guest<'_> {
    /// What asks, when everything is there that it takes.
    fn ready(&self) -> Result<PathBuf, Failure> {
        let missing: Vec<&str> =
            TOOLS.iter().copied().filter(|tool| !setup::on_path(tool)).collect();
        if !missing.is_empty() {
            return Err(format!("missing: {}", missing.join(" ")));
        }
        let jobs = self.directory.join("guest/jobs");
        fs::write(jobs, self.jobs).map_err(|error| format!("jobs: {error}"))?;
        make(&self.directory.join("answers"))?;
        oracle(&tree::root().join(DIRECTORY), &shared("corpus/build_oracle.sh")?)
    }

    /// Boots each kernel that has not answered yet; the answers are kept in `answers`.
    pub(crate) fn boot(&self) -> Result<(), Failure> {
        let (oracle, guest) = (self.ready()?, self.directory.join("guest"));
        let boot = shared("corpus/run-kernel.sh")?;
        for kernel in &self.kernels {
            let done = self.answers(kernel);
            if done.exists() {
                continue;
            }
            println!("asking {kernel}");
            let part = done.with_extension("part");
            let image = shared(&format!("kernels/vmlinuz-{kernel}"))?;
            let mut command = Command::new("bash");
            command.arg(&boot).arg(image).arg(&guest).arg(&oracle).args(["-s", "jobs"]);
            command.env("OUT", &part).env("MEM", "1536").env("SMP", "1").env("TIMEOUT", "3600");
            finish(command, kernel)?;
            fs::rename(&part, &done).map_err(|error| format!("{}: {error}", done.display()))?;
        }
        Ok(())
    }

    /// What the kernel that runs here answers.
    pub(crate) fn here(&self) -> Result<Vec<Value>, Failure> {
        let output = Command::new(self.ready()?)
            .args(["-s", "jobs"])
            .current_dir(self.directory.join("guest"))
            .output()
            .map_err(|error| format!("the oracle: {error}"))?;
        parsed(&String::from_utf8_lossy(&output.stdout), "the oracle")
    }

    fn answers(&self, kernel: &str) -> PathBuf {
        self.directory.join("answers").join(format!("{kernel}.jsonl"))
    }

    /// The answers of each kernel that was asked.
    pub(crate) fn read(&self) -> Result<BTreeMap<String, Vec<Value>>, Failure> {
        let mut answers = BTreeMap::new();
        for kernel in &self.kernels {
            let path = self.answers(kernel);
            let Ok(text) = fs::read_to_string(&path) else {
                println!("{kernel}: not asked");
                continue;
            };
            answers.insert(kernel.clone(), parsed(&text, kernel)?);
        }
        Ok(answers)
    }
}

fn parsed(text: &str, who: &str) -> Result<Vec<Value>, Failure> {
    let lines: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
    lines.map_err(|error| format!("{who}: {error}"))
}

fn shared(path: &str) -> Result<PathBuf, Failure> {
    abide_testkit::shared(path).ok_or_else(|| format!("the shared data has no {path}"))
}

/// All of libbpf-tools, and every so many of the selftests.
fn objects(selftests: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    crate::packages::run()?;
    let packages = abide_testkit::packages();
    let tools = packages.iter().filter(|(name, _)| name.starts_with("libbpf-tools"));
    let mut found: Vec<PathBuf> = tools.flat_map(|(_, objects)| objects.clone()).collect();
    found.extend(selftests.iter().step_by(STRIDE).cloned());
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

/// Programs that an emulated verifier takes minutes for: a list beside the objects of the corpus.
fn heavy(selftests: &[PathBuf]) -> Result<HashSet<String>, Failure> {
    let Some(folder) = selftests.first().and_then(|object| object.parent()?.parent()) else {
        return Ok(HashSet::new());
    };
    let list = folder.join("heavy.tsv");
    let text = fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    Ok(text.lines().filter_map(|line| Some(line.split('\t').next()?.to_owned())).collect())
}

/// The program that asks, built with the libbpf of a kernel's source.
fn oracle(directory: &Path, script: &Path) -> Result<PathBuf, Failure> {
    let built = directory.join("oracle");
    if built.exists() {
        return Ok(built);
    }
    let source = compilers::source(KERNEL, directory, PARTS)?;
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
