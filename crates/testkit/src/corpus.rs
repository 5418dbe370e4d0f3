//! Corpora of the shared data: archives of objects, unpacked once below the target directory.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The objects (`*.o`) of the shared archive `corpus/<name>.tar.zst`, sorted by path.
///
/// Empty, with a line on standard error, when the archive or a tool to unpack it is absent.
///
/// # Panics
/// When the archive cannot be unpacked; that is how a test fails.
pub fn corpus(name: &str) -> Vec<PathBuf> {
    let archive = crate::shared(&format!("corpus/{name}.tar.zst"));
    let tools = [crate::tool(&["zstd"]), crate::tool(&["tar"])];
    let (Some(archive), [Some(_), Some(tar)]) = (archive, tools) else { return Vec::new() };
    let dir = unpacked(name, |part| {
        let status =
            Command::new(tar).arg("--zstd").arg("-xf").arg(&archive).arg("-C").arg(part).status();
        assert!(status.is_ok_and(|status| status.success()), "cannot unpack {}", archive.display());
    });
    objects_below(&dir)
}

/// A directory in [`scratch`], filled when it is not there yet.
pub(crate) fn unpacked(name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let dir = scratch().join(name);
    if !dir.exists() {
        // Another test process may do the same at the same time: only the finished one is seen.
        let part = dir.with_extension(std::process::id().to_string());
        std::fs::create_dir_all(&part).expect("the target directory is writable");
        fill(&part);
        if std::fs::rename(&part, &dir).is_err() {
            std::fs::remove_dir_all(&part).expect("it is ours");
        }
    }
    dir
}

/// The objects (`*.o`) below a directory, sorted by path.
///
/// # Panics
/// When it cannot be listed; that is how a test fails.
pub fn objects_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = files_below(dir);
    found.retain(|path| path.extension().is_some_and(|end| end == "o"));
    found
}

/// The files below a directory, sorted by path; links are left out.
pub(crate) fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    list(dir, &mut found).unwrap_or_else(|error| panic!("cannot list {}: {error}", dir.display()));
    found.sort();
    found
}

/// The names of the kernels whose BTF is in the shared data, sorted; see [`kernel_btf`].
///
/// Empty, with a line on standard error, when there is none.
///
/// # Panics
/// When the shared data cannot be listed; that is how a test fails.
pub fn kernels() -> Vec<String> {
    let Some(dir) = crate::shared("btf") else { return Vec::new() };
    let entries = std::fs::read_dir(dir).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut names: Vec<String> = entries
        .expect("the shared data can be listed")
        .iter()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".btf.zst")?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The BTF of a kernel in the shared data (`btf/<name>.btf.zst`), e.g. `6.12.117-cloud`.
///
/// `None`, with a line on standard error, when it or `zstd` is absent.
///
/// # Panics
/// When it cannot be decompressed; that is how a test fails.
pub fn kernel_btf(name: &str) -> Option<Vec<u8>> {
    let file = crate::shared(&format!("btf/{name}.btf.zst"))?;
    let output = Command::new(crate::tool(&["zstd"])?).arg("-dc").arg(&file).output();
    match output {
        Ok(output) if output.status.success() => Some(output.stdout),
        _ => panic!("cannot decompress {}", file.display()),
    }
}

/// A directory below the target directory for what tests unpack and build.
///
/// # Panics
/// When it cannot be made.
pub fn scratch() -> PathBuf {
    // <target>/<profile>/deps/<test>, or <target>/<profile>/xtask: all profiles share what is unpacked.
    let program = std::env::current_exe().expect("a test is a file");
    let mut folders = program.ancestors().skip(1).skip_while(|folder| folder.ends_with("deps"));
    let target = folders.nth(1).unwrap_or(Path::new("target"));
    let dir = target.join("test-data");
    std::fs::create_dir_all(&dir).expect("the target directory is writable");
    dir
}

fn list(dir: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}
