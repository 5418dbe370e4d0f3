//! The kernel that runs here: its BTF and its release, read from the files in which it shows them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use abide_btf::Btf;
use abide_diag::{Diagnostic, Report};
use abide_object::ObjectError;

use crate::codes::K_NO_BTF;
use crate::release::Release;

/// Where a kernel shows its BTF.
const BTF: &str = "sys/kernel/btf/vmlinux";
/// Where it shows its release.
const RELEASE: &str = "proc/sys/kernel/osrelease";
/// No kernel has more.
const LIMIT: u64 = 256 << 20;

/// What the running kernel shows of itself.
#[derive(Debug)]
pub struct Running {
    /// Its types.
    pub types: Btf,
    /// Its release, if it can be read and begins with two numbers.
    pub release: Option<Release>,
}

/// Why the running kernel cannot be described.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunningError {
    /// It shows no BTF.
    #[error("the kernel that runs here shows no BTF: cannot read {}: {error}", path.display())]
    NoBtf {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// What it shows is no BTF.
    #[error(transparent)]
    Types(#[from] ObjectError),
}

impl Running {
    /// Reads the files of the running kernel.
    ///
    /// # Errors
    /// If it was built without BTF, does not show it to this process, or shows what is none.
    pub fn read() -> Result<Running, RunningError> {
        Running::below(Path::new("/"))
    }

    /// The same where `/proc` and `/sys` are elsewhere.
    ///
    /// # Errors
    /// As [`Running::read`].
    pub fn below(root: &Path) -> Result<Running, RunningError> {
        let path = root.join(BTF);
        let bytes = contents(&path).map_err(|error| RunningError::NoBtf { path, error })?;
        let types = abide_object::host_types(&bytes)?;
        let release = contents(&root.join(RELEASE)).ok();
        let release = release.as_deref().and_then(|bytes| str::from_utf8(bytes).ok());
        Ok(Running { types, release: release.and_then(|text| Release::parse(text.trim())) })
    }
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Report for RunningError {
    fn report(&self) -> Diagnostic {
        match self {
            RunningError::NoBtf { .. } => Diagnostic::error(&K_NO_BTF, self.to_string())
                .note("a kernel that is built with CONFIG_DEBUG_INFO_BTF has it")
                .help("describe a kernel by a file of its BTF: `--btf FILE`"),
            RunningError::Types(error) => error.report(),
        }
    }
}
