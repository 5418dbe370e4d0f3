//! Modules of kernels: the whole of one as Debian ships it, and the types of objects as if a module had
//! them. Split BTF over the types of a kernel, distilled and put on a kernel as libbpf does it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use abide_btf::Btf;
use object::{Object as _, ObjectSection as _};

/// libbpf, and a directory for what it reads and writes.
struct Oracle {
    program: PathBuf,
    directory: PathBuf,
}

impl Oracle {
    fn new(name: &str) -> Option<Oracle> {
        let program = abide_testkit::oracle("libbpf")?;
        let name = format!("{name}-{}", std::process::id());
        let directory = abide_testkit::scratch().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Some(Oracle { program, directory })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn run(&self, command: &str, words: &[PathBuf]) -> Option<String> {
        let output = Command::new(&self.program).arg(command).args(words).output().unwrap();
        if !output.status.success() {
            println!("{}", String::from_utf8_lossy(&output.stderr).trim());
            return None;
        }
        Some(String::from_utf8(output.stdout).unwrap())
    }

    /// The types in the file `split`, over those in `old`: distilled alike, and put on those in `new`
    /// alike, or refused by both. Whether they were put there; none if libbpf does not take the types.
    fn compare(&self, what: &str, split: &Btf, new: &Arc<Btf>) -> Option<bool> {
        let names = ["old", "split", "new", "small-base", "small", "moved"];
        let answer = self.run("distill", &names.map(|name| self.path(name)))?;
        let small = split.distill().unwrap_or_else(|error| panic!("{what}: {error}"));
        let base = Arc::new(Btf::parse(&self.read("small-base")).unwrap());
        let theirs = Btf::parse_split(&self.read("small"), &base).unwrap();
        for (one, other) in small.iter().zip(theirs.iter()) {
            assert_eq!(one, other, "{what}");
        }
        assert_eq!(small.len(), theirs.len(), "{what}");
        let is_moved = answer.contains("\"relocate\":0");
        match split.rebase(new) {
            Ok(here) => {
                assert!(is_moved, "{answer}: {what}");
                let there = Btf::parse_split(&self.read("moved"), new).unwrap();
                assert!(here.own().eq(there.own()), "{what}");
            }
            Err(error) => {
                println!("{what}: {error}; libbpf: {}", answer.trim());
                assert!(!is_moved, "{error}: {what}");
            }
        }
        Some(is_moved)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).unwrap();
    }
}

/// The contents of `.BTF`.
fn types(file: &Path) -> Option<Vec<u8>> {
    let bytes = std::fs::read(file).unwrap();
    let elf = object::File::parse(&*bytes).unwrap();
    Some(elf.section_by_name(".BTF")?.data().unwrap().to_vec())
}

#[test]
fn all_modules_of_a_kernel_are_read_over_it_alone() {
    let Some(kernel) = abide_testkit::kernel_package() else { return };
    let vmlinux = types(&kernel.vmlinux).unwrap();
    let base = Arc::new(Btf::parse(&vmlinux).unwrap());
    let oracle = Oracle::new("modules");
    if let Some(oracle) = &oracle {
        oracle.write("old", &vmlinux);
        oracle.write("new", &vmlinux);
    }
    let (mut modules, mut own, mut compared) = (0, 0, 0);
    for (number, file) in kernel.modules.iter().enumerate() {
        let Some(bytes) = types(file) else { continue };
        let name = file.file_name().unwrap().to_string_lossy();
        let module = Btf::parse_split(&bytes, &base);
        let module = module.unwrap_or_else(|error| panic!("{name}: {error}"));
        modules += 1;
        own += module.own().count();
        assert!(Btf::parse(&bytes).is_err(), "{name} is not read without its kernel");
        let written = module.encode();
        assert_eq!(Btf::parse_split(&written, &base).as_ref(), Ok(&module), "{name}");
        assert!(written.len() <= bytes.len(), "{name}: written again it is longer");
        if number % 64 == 0 {
            assert!(module.to_c().is_ok_and(|text| !text.is_empty()), "{name}");
            if let Some(oracle) = &oracle {
                oracle.write("split", &bytes);
                compared += usize::from(oracle.compare(&name, &module, &base).is_some());
            }
        }
    }
    println!("{modules} modules, {own} types of their own; {compared} compared with libbpf");
    assert!(modules >= 100 && own > 10 * modules, "{modules}, {own}");
    assert!(oracle.is_none() || compared > 0);
}

#[test]
fn types_of_objects_are_distilled_and_moved_as_by_libbpf() {
    let Some(oracle) = Oracle::new("split") else { return };
    let objects = abide_testkit::corpus("selftests-612-c19-v3");
    let kernels = ["6.12.117-cloud", "6.18.5"].map(abide_testkit::kernel_btf);
    let [Some(old), Some(new)] = kernels else { return };
    oracle.write("old", &old);
    oracle.write("new", &new);
    let old = Arc::new(Btf::parse(&old).unwrap());
    let new = Arc::new(Btf::parse(&new).unwrap());
    let mut count = [0; 2];
    for object in objects.iter().step_by(40) {
        let words = [oracle.path("old"), oracle.path("split"), object.clone()];
        if oracle.run("split", &words).is_none() {
            continue;
        }
        let split = Btf::parse_split(&oracle.read("split"), &old).unwrap();
        if let Some(moved) = oracle.compare(&object.display().to_string(), &split, &new) {
            count[usize::from(moved)] += 1;
        }
    }
    let [refused, moved] = count;
    println!("distilled alike, {moved} moved to the same ids, {refused} refused by both");
    assert!(objects.is_empty() || moved > 0 && moved + refused > 10);
}
