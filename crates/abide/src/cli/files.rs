//! Reading and writing whole files, with limits, and never a partial file. Knows no format.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use abide_diag::{Diagnostic, Source};

use super::fail::{Exit, Failure, shown};
use super::ui::stream;
use abide::{Btf, codes, host_types};
use abide_object::module_types;

/// Whether a path, `-`, means standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// What a file that is read is called in messages.
pub(crate) fn named(path: &Path) -> String {
    if is_standard(path) { "standard input".to_owned() } else { shown(path) }
}

/// All of a file, if it is not larger than the limit; `-` is standard input.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::io("read", path, &error);
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large from one that just fits.
    if is_standard(path) {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        if TAKEN.swap(true, Ordering::Relaxed) {
            let message = "two files are `-`, but standard input can be read once only";
            return Err(Failure::usage(Diagnostic::error(&codes::C_STANDARD_TWICE, message)));
        }
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let file = File::open(path).map_err(failed)?;
        // Room for what the file has, as far as its size can be believed.
        let size = file.metadata().map_or(0, |about| about.len().min(limit));
        bytes.reserve_exact(size as usize + 1);
        file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    }
    if bytes.len() as u64 > limit {
        let message = format!("{} has more than {limit} bytes", named(path));
        let diagnostic = Diagnostic::error(&codes::C_FILE_TOO_LARGE, message);
        return Err(Failure { exit: Exit::Io, messages: vec![diagnostic.into()] });
    }
    Ok(bytes)
}

/// A text. What is not UTF-8 becomes the replacement character, which no format of ours takes outside
/// of comments. The mark with which some editors begin a text is left out.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<Source, Failure> {
    let mut bytes = read(path, limit)?;
    if bytes.starts_with(MARK) {
        bytes.drain(..MARK.len());
    }
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Source::new(named(path), text))
}

/// U+FEFF at the start of a text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The file itself, or all files with this ending in a directory, sorted by name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error| Failure::io("read", path, &error);
    let entries = fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>();
    let mut found: Vec<PathBuf> = entries.map_err(failed)?.iter().map(fs::DirEntry::path).collect();
    found.retain(|file| file.extension().is_some_and(|found| found == ending));
    found.sort();
    Ok(found)
}

/// The largest file of types that is read: a kernel with all its debug information.
const TYPES_LIMIT: u64 = 2 << 30;

/// The types of a host in a file; `vmlinux` are those of the kernel that runs here.
pub(crate) fn types(path: &Path) -> Result<Btf, Failure> {
    types_in(types_file(path))
}

/// The types of a host in a file, whatever it is called.
pub(crate) fn types_in(path: &Path) -> Result<Btf, Failure> {
    host_types(&read(path, TYPES_LIMIT)?).map_err(|error| Failure::of_file(path, &error))
}

/// The types of a file that go on from those of another: a module's from its kernel's.
pub(crate) fn types_over(path: &Path, base: &Arc<Btf>) -> Result<Btf, Failure> {
    let path = types_file(path);
    module_types(&read(path, TYPES_LIMIT)?, base).map_err(|error| Failure::of_file(path, &error))
}

fn types_file(path: &Path) -> &Path {
    match path.to_str() {
        Some("vmlinux") => Path::new("/sys/kernel/btf/vmlinux"),
        _ => path,
    }
}

/// Refuses an output that is the input, by whatever name. What is no regular file may be both.
pub(crate) fn apart(input: &Path, output: &Path) -> Result<(), Failure> {
    let regular = |path| fs::metadata(path).is_ok_and(|about| about.is_file());
    let same = fs::canonicalize(input).ok().zip(fs::canonicalize(output).ok());
    if is_standard(input) || !regular(input) || same.is_none_or(|(input, output)| input != output) {
        return Ok(());
    }
    let message = format!("{} is read and to be written", shown(output));
    Err(Failure::usage(
        Diagnostic::error(&codes::C_SAME_FILE, message).help("`-o FILE` names another"),
    ))
}

/// Writes all of a file, or nothing.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_pieces(path, &[bytes])
}

/// The same for a file in pieces. `-` is standard output.
pub(crate) fn write_pieces(path: &Path, pieces: &[impl AsRef<[u8]>]) -> Result<(), Failure> {
    let all = |output: &mut dyn Write| {
        pieces.iter().try_for_each(|piece| output.write_all(piece.as_ref()))
    };
    if is_standard(path) {
        return stream(all);
    }
    let mut output = Output::create(path)?;
    all(&mut output).map_err(|error| Failure::io("write", path, &error))?;
    output.finish()
}

/// A file that appears under its name only when it is complete. What is there and no regular file
/// (`/dev/null`, a pipe) is written to as it is, and so is standard output, which is called `-`.
pub(crate) struct Output {
    path: PathBuf,
    temporary: Option<PathBuf>,
    file: Option<BufWriter<Box<dyn Write>>>,
}

impl Output {
    /// Begins a file beside the one that it will become.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::io("write", path, &error);
        let output = |temporary, file| {
            let (path, file) = (path.to_owned(), Some(BufWriter::new(file)));
            Output { path, temporary, file }
        };
        if is_standard(path) {
            return Ok(output(None, Box::new(std::io::stdout())));
        }
        if fs::metadata(path).is_ok_and(|what| !what.is_file() && !what.is_dir()) {
            let file = File::options().write(true).open(path).map_err(failed)?;
            return Ok(output(None, Box::new(file)));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let temporary = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
        let file = File::options().write(true).create_new(true).open(&temporary).map_err(failed)?;
        Ok(output(Some(temporary), Box::new(file)))
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let failed = |error| Failure::io("write", &self.path, &error);
        if let Some(file) = self.file.take() {
            let mut file = file.into_inner().map_err(|error| failed(error.into_error()))?;
            file.flush().map_err(failed)?;
            if let Some(temporary) = &self.temporary {
                fs::rename(temporary, &self.path).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// The path that it will have.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Also after a rename that failed; once it has its name, there is nothing to remove.
        if let Some(temporary) = &self.temporary {
            let _ = fs::remove_file(temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("abide-files-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_file_above_the_limit_is_not_read() {
        let directory = directory("limit");
        let path = directory.join("five");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let failure = read(&path, 4).unwrap_err();
        assert_eq!(failure.messages[0].diagnostic.code.id, "C0002");
        assert_eq!(failure.exit, Exit::Io);
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_file_that_was_not_finished_leaves_nothing_and_keeps_the_old_one() {
        let directory = directory("partial");
        let path = directory.join("out");
        fs::write(&path, b"old").unwrap();
        let mut output = Output::create(&path).unwrap();
        output.write_all(b"ne").unwrap();
        drop(output);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        let mut output = Output::create(&path).unwrap();
        output.write_all(b"new").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(directory).unwrap();
    }
}
