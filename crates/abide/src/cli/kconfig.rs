//! `--kconfig`: the lines of a host's configuration, and what is said of an object that wants others.

use std::path::{Path, PathBuf};

use abide_diag::Diagnostic;

use super::fail::{Failure, at_file, shown};
use super::files;

/// A kernel's configuration has some 300 KB.
const LIMIT: u64 = 16 << 20;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Where values of `__kconfig` variables come from.
#[derive(Debug, clap::Args)]
pub(crate) struct KconfigArg {
    /// The configuration of the host, for `__kconfig` variables: lines CONFIG_NAME=VALUE, as in
    /// /boot/config-…
    #[arg(long, value_name = "FILE")]
    kconfig: Option<PathBuf>,
}

impl KconfigArg {
    /// The lines of the file; none without one.
    pub(crate) fn lines(&self) -> Result<String, Failure> {
        let Some(path) = &self.kconfig else { return Ok(String::new()) };
        let bytes = files::read(path, LIMIT)?;
        if bytes.starts_with(&GZIP) {
            let message = "it is compressed: lines CONFIG_NAME=VALUE are wanted";
            let error = at_file(&abide_object::codes::O_KCONFIG, path, message);
            let help = format!("decompress it: zcat {} > config", shown(path));
            return Err(Failure::refused(error.help(help)));
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A refusal of an object that may be one of the configuration, with its file, and where a value
    /// could come from.
    pub(crate) fn refusal(&self, object: &Path, report: Diagnostic) -> Diagnostic {
        let file = shown(self.kconfig.as_deref().unwrap_or(object));
        let place = match &report.place {
            Some(place) => format!("{file}: {place}"),
            None => file,
        };
        let wants = self.kconfig.is_none() && report.code == &abide_object::codes::O_KCONFIG;
        let report = report.in_place(place);
        match wants {
            true => report.help("give the host's configuration with --kconfig FILE"),
            false => report,
        }
    }
}
