//! What the tests of all rooms share: where data and tools are, and comparing output with files.
//!
//! For `[dev-dependencies]` only. It knows nothing of BPF, and it never fails a test because
//! something optional is absent: it says what is skipped and why.

#[cfg(target_os = "linux")]
pub mod bench;
pub mod bpf;
mod corpus;
mod kernel_package;
mod oracle;
mod packages;

pub use corpus::{corpus, kernel_btf, kernels, objects_below, scratch};
pub use kernel_package::{KernelPackage, kernel_package};
pub use oracle::oracle;
pub use packages::packages;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The root of the repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A path inside the repository.
pub fn repo(rel: &str) -> PathBuf {
    root().join(rel)
}

/// A file or directory of the shared data (measured facts, corpora) that is not part of the
/// repository: below `$ABIDE_SHARED`, or else below `shared` beside the repository.
///
/// `None`, with a line on standard error, when it is absent.
pub fn shared(rel: &str) -> Option<PathBuf> {
    let base = match std::env::var_os("ABIDE_SHARED") {
        Some(path) => PathBuf::from(path),
        None => root().join("../shared"),
    };
    let path = base.join(rel);
    if path.exists() {
        return Some(path);
    }
    skip(&format!("no shared data `{rel}` (ABIDE_SHARED names its directory)"));
    None
}

/// Says why something is skipped: on standard error, and in the file that `$ABIDE_SKIPS` names, if
/// any, which the test command prints when all tests have run.
pub fn skip(why: &str) {
    eprintln!("skipped: {why}");
    let Some(path) = std::env::var_os("ABIDE_SKIPS") else { return };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
    // The line on standard error is there in any case.
    let _ = file.and_then(|mut file| file.write_all(format!("{why}\n").as_bytes()));
}

/// The first of these executables that is on `PATH`.
///
/// `None`, with a line on standard error, when there is none.
pub fn tool(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for name in names {
        let found =
            std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
        if found.is_some() {
            return found;
        }
    }
    skip(&format!("none of these is on PATH: {}", names.join(", ")));
    None
}

/// A limit for what a test does with input that could make it go on for ever: in time of the
/// processor, so that a machine that is busy with other work fails nothing.
#[derive(Debug)]
pub struct Work(Duration);

impl Work {
    /// Begins to count what this thread does.
    pub fn begin() -> Work {
        Work(thread_time())
    }

    /// # Panics
    /// When the thread has worked for more than 20 seconds since.
    #[track_caller]
    pub fn is_bounded(&self) {
        let took = thread_time().saturating_sub(self.0);
        assert!(took < Duration::from_secs(20), "it takes {took:?}");
    }
}

/// How long this thread has run so far; where that cannot be known, how long ago this was first asked.
fn thread_time() -> Duration {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let first = FIRST.get_or_init(Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|number| number.parse().ok());
    nanoseconds.map_or_else(|| first.elapsed(), Duration::from_nanos)
}

/// Whether expected output is to be written instead of compared (`BLESS=1`).
pub fn bless() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

/// Compares `actual` with the file at `path`; with `BLESS=1` writes the file instead.
///
/// # Panics
/// When they differ, with the lines that do; that is how a test fails.
#[track_caller]
pub fn check_or_bless(path: impl AsRef<Path>, actual: &str) {
    let path = path.as_ref();
    if bless() {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)
                .unwrap_or_else(|error| panic!("cannot create {}: {error}", dir.display()));
        }
        std::fs::write(path, actual)
            .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        return;
    }
    let expected = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => panic!(
            "cannot read {}: {error}\nBLESS=1 writes it. The output was:\n{actual}",
            path.display()
        ),
    };
    if expected != actual {
        panic!(
            "output differs from {} (BLESS=1 accepts it):\n{}",
            path.display(),
            difference(&expected, actual)
        );
    }
}

/// The lines that differ, `-` expected and `+` actual, with a little context.
///
/// Lines equal at both ends are left out; what is between is shown as one hunk, which is enough
/// to read the small outputs that tests compare.
fn difference(expected: &str, actual: &str) -> String {
    const CONTEXT: usize = 3;
    let old: Vec<&str> = expected.split_inclusive('\n').collect();
    let new: Vec<&str> = actual.split_inclusive('\n').collect();
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail =
        old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();

    let mut out = format!("@@ line {} @@\n", head + 1);
    let mut line = |mark: char, text: &str| {
        out.push(mark);
        out.push_str(text.trim_end_matches('\n'));
        out.push_str(if text.ends_with('\n') { "\n" } else { "⏎ (no newline)\n" });
    };
    old[head.saturating_sub(CONTEXT)..head].iter().for_each(|text| line(' ', text));
    old[head..old.len() - tail].iter().for_each(|text| line('-', text));
    new[head..new.len() - tail].iter().for_each(|text| line('+', text));
    old[old.len() - tail..].iter().take(CONTEXT).for_each(|text| line(' ', text));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn difference_shows_only_what_differs() {
        let text = difference("a\nb\nc\nd\n", "a\nB\nc\nd\n");
        assert_eq!(text, "@@ line 2 @@\n a\n-b\n+B\n c\n d\n");
        assert_eq!(difference("a\n", "a"), "@@ line 1 @@\n-a\n+a⏎ (no newline)\n");
    }

    #[test]
    fn work_is_time_of_this_thread() {
        let (work, start) = (thread_time(), Instant::now());
        let mut sum = 1_u64;
        while thread_time().saturating_sub(work) < Duration::from_millis(20) {
            sum = (0..10_000).fold(sum, |sum, number| std::hint::black_box(sum ^ number));
        }
        // What the processor did for others counts for the clock only.
        assert!(start.elapsed() >= Duration::from_millis(19));
    }

    #[test]
    fn difference_does_not_overlap_repeated_lines() {
        assert_eq!(difference("a\na\n", "a\na\na\n"), "@@ line 3 @@\n a\n a\n+a\n");
    }

    #[test]
    fn the_repository_root_holds_the_workspace() {
        assert!(repo("Cargo.toml").is_file());
    }

    #[test]
    fn a_tool_that_is_nowhere_is_not_found() {
        assert_eq!(tool(&["no-such-tool-of-any-kind"]), None);
    }
}
