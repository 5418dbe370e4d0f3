//! The compilers that headers are for, as far as they are here.

use std::path::{Path, PathBuf};
use std::process::Command;

use abide_testkit::{scratch, tool};

/// A compiler.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    pub(crate) name: &'static str,
    path: PathBuf,
}

impl Compiler {
    pub(crate) fn is_clang(&self) -> bool {
        self.name.starts_with("clang")
    }

    /// Compiles; what it said, or why it failed.
    pub(crate) fn compile(
        &self,
        source: &Path,
        output: &Path,
        words: &[&str],
    ) -> Result<String, String> {
        let mut command = Command::new(&self.path);
        if self.is_clang() {
            command.args(["-target", "bpf"]);
        }
        command.args(words).arg("-c").arg(source).arg("-o").arg(output);
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if done.status.success() { Ok(said) } else { Err(format!("{command:?}\n{said}")) }
    }
}

/// Those of these names that are here.
pub(crate) fn compilers(names: &[&'static str]) -> Vec<Compiler> {
    names.iter().filter_map(|name| Some(Compiler { name, path: tool(&[name])? })).collect()
}

/// All that headers are for.
pub(crate) const ALL: &[&str] = &["clang-14", "clang-19", "clang-22", "bpf-gcc"];

/// A directory that is gone afterwards.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Directory {
        let path = scratch().join(format!("headers-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
