//! The BPF objects inside Debian's packages: what distributions ship, whoever compiled it.
//!
//! `cargo xtask packages` fetches the packages (`apt-get download`); here they are unpacked, once, and the
//! objects taken out of the programs that hold them. Nothing is fetched or installed here.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::corpus::{files_below, unpacked};

/// Where the packages are, in the repository.
const FETCHED: &str = "target/packages";

/// The fetched packages by name and version, sorted, each with the distinct objects inside it, sorted by
/// path; a package may have none. Objects are called like the programs that they were found in.
///
/// Empty, with a line on standard error, when no package was fetched or there is no tool to unpack it.
///
/// # Panics
/// When a package is damaged; that is how a test fails.
pub fn packages() -> Vec<(String, Vec<PathBuf>)> {
    let entries = std::fs::read_dir(crate::repo(FETCHED)).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "deb"));
    files.sort();
    if files.is_empty() {
        crate::skip(&format!("no Debian packages in {FETCHED} (cargo xtask packages)"));
        return Vec::new();
    }
    let Some(tool) = crate::tool(&["dpkg-deb"]) else { return Vec::new() };
    files.iter().map(|file| objects(&tool, file)).collect()
}

fn objects(tool: &Path, file: &Path) -> (String, Vec<PathBuf>) {
    let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let directory = unpacked(&format!("packages/{name}"), |directory| {
        let whole = directory.join("whole");
        let status = Command::new(tool).arg("-x").arg(file).arg(&whole).status();
        assert!(status.is_ok_and(|status| status.success()), "cannot unpack {}", file.display());
        take_out(&whole, directory);
        std::fs::remove_dir_all(&whole).expect("it is ours");
    });
    let short = name.rsplit_once('_').map_or(name.as_str(), |(short, _machine)| short);
    (short.replace('_', " "), crate::objects_below(&directory))
}

/// Writes the distinct objects in the files below a directory to another.
fn take_out(whole: &Path, to: &Path) {
    let mut known = HashSet::new();
    for path in files_below(whole) {
        let bytes = std::fs::read(&path).expect("what was unpacked can be read");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for object in embedded(&bytes) {
            if known.insert(object.to_vec()) {
                let number = known.len();
                let mut file = to.join(format!("{name}.bpf.o"));
                if file.exists() {
                    file = to.join(format!("{name}.{number}.bpf.o"));
                }
                std::fs::write(file, object).expect("the target directory is writable");
            }
        }
    }
}

/// The little-endian relocatable files for BPF inside a file.
fn embedded(bytes: &[u8]) -> Vec<&[u8]> {
    const MAGIC: &[u8] = b"\x7fELF\x02\x01\x01";
    let starts = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    starts.filter_map(|(at, _)| object(&bytes[at..])).collect()
}

/// The object at the start of some bytes, up to the end of the last thing that its headers name.
fn object(bytes: &[u8]) -> Option<&[u8]> {
    const NOBITS: u64 = 8;
    let number = |at: usize, size: usize| {
        let field = bytes.get(at..at.checked_add(size)?)?;
        Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    // ET_REL, EM_BPF, headers of the size that they have.
    if (number(16, 2)?, number(18, 2)?, number(58, 2)?) != (1, 247, 64) {
        return None;
    }
    let (table, count) = (number(40, 8)?, number(60, 2)?);
    let mut end = table.checked_add(count * 64)?;
    for index in 0..count {
        let header = usize::try_from(table + index * 64).ok()?;
        let (kind, offset, size) =
            (number(header + 4, 4)?, number(header + 24, 8)?, number(header + 32, 8)?);
        if kind != NOBITS {
            end = end.max(offset.checked_add(size)?);
        }
    }
    (count > 0).then(|| bytes.get(..usize::try_from(end).ok()?)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_wherever_they_are() {
        let files = crate::objects_below(&crate::repo("crates/object/tests/cases"));
        let little: Vec<Vec<u8>> = files
            .iter()
            .map(|file| std::fs::read(file).expect("readable"))
            .filter(|bytes| bytes[5] == 1)
            .collect();
        assert!(little.len() >= 5);
        let mut program = b"\x7fELF\x02\x01\x01 and not an object".to_vec();
        for object in &little {
            program.extend([7; 13]);
            program.extend(object);
        }
        let found = embedded(&program);
        assert_eq!(found.len(), little.len());
        assert!(found.iter().zip(&little).all(|(found, object)| *found == &object[..]));
        // The last one is cut.
        program.pop();
        assert_eq!(embedded(&program).len(), little.len() - 1);
    }
}
