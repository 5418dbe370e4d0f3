//! Kernels as they are named on the command line: a file of BTF, or the one that runs here. What they
//! are is found out by `linux`.

use std::path::Path;
use std::sync::Arc;

use abide::{Answers, Api, Profile, Release, Running, Standing, codes};
use abide_btf::Btf;
use abide_diag::{Diagnostic, Report, printable};

use super::fail::{Exit, Failure, shown};
use super::files;

/// The types of a kernel, and where they are from.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) name: String,
    pub(crate) types: Btf,
    pub(crate) release: Option<Release>,
}

impl Kernel {
    /// Reads a file of BTF, or an ELF file that has it; without a path, the running kernel. `release`
    /// is what the file does not say itself.
    pub(crate) fn read(path: Option<&Path>, release: Option<&str>) -> Result<Kernel, Failure> {
        let release = match release {
            Some(text) => Some(Release::parse(text).ok_or_else(|| {
                let message = format!("`{}` is no release of a kernel", printable(text));
                Failure::usage(
                    Diagnostic::error(&codes::C_RELEASE, message)
                        .help("write it as `uname -r` does: 6.12.117+deb13-amd64"),
                )
            })?),
            None => None,
        };
        let Some(path) = path else {
            let running = Running::read().map_err(|error| Failure {
                exit: Exit::Io,
                messages: vec![error.report().into()],
            })?;
            return Ok(Kernel {
                name: "the running kernel".to_owned(),
                types: running.types,
                release: release.or(running.release),
            });
        };
        Ok(Kernel { name: shown(path), types: files::types_in(path)?, release })
    }

    /// What the running kernel answers, which this must be.
    pub(crate) fn ask(&self, api: &Api) -> Result<Answers, Failure> {
        let profile = Profile::of(&self.types)
            .map_err(|error| Failure::of_file(Path::new(&self.name), &error))?;
        abide_linux::load::ask(&profile, api).map_err(|error| Failure::refused(error.report()))
    }

    /// Where it stands in an API.
    pub(crate) fn standing(&self, api: &Arc<Api>) -> Result<Standing, Failure> {
        let found = Profile::of(&self.types)
            .and_then(|profile| Standing::of(&profile, api, self.release.as_ref()));
        found.map_err(|error| Failure::of_file(Path::new(&self.name), &error))
    }
}
