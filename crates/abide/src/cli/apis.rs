//! API files and hosts as they are named on the command line. What a host serves is not decided here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use abide::{Api, HostProfile, Object, Requirements, codes};
use abide_diag::{Diagnostic, Report, printable};

use super::fail::{Exit, Failure, Message, shown};
use super::files;

/// No API file is larger.
const API_LIMIT: u64 = 16 << 20;
/// No object is larger.
const OBJECT_LIMIT: u64 = 256 << 20;

/// Objects may speak any of these.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ApiArgs {
    /// An API file that the object may speak; may be given several times. `linux` is built in
    #[arg(long = "api", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// The APIs that are known: those of the files, then the built-in one unless a file replaces it.
#[derive(Debug)]
pub(crate) struct Apis {
    given: Vec<Arc<Api>>,
    built_in: Option<Arc<Api>>,
}

/// Reads an API file.
pub(crate) fn read(path: &Path) -> Result<Arc<Api>, Failure> {
    let source = files::read_text(path, API_LIMIT)?;
    Api::parse(&source.name, &source.text).map(Arc::new).map_err(|errors| Failure {
        exit: Exit::Refused,
        messages: messages(errors.diagnostics, &errors.source),
    })
}

/// Messages that point into the text of an API.
pub(crate) fn messages(
    diagnostics: Vec<Diagnostic>,
    source: &Arc<abide_diag::Source>,
) -> Vec<Message> {
    let with_source = |diagnostic| Message { diagnostic, source: Some(Arc::clone(source)) };
    diagnostics.into_iter().map(with_source).collect()
}

/// The API that is built in.
pub(crate) fn built_in() -> Result<Arc<Api>, Failure> {
    abide::linux_api().map_err(|errors| Failure {
        exit: Exit::Refused,
        messages: messages(errors.diagnostics, &errors.source),
    })
}

/// An API by its file, or the built-in one by its name.
pub(crate) fn by_file_or_name(path: &Path) -> Result<Arc<Api>, Failure> {
    if path.as_os_str() == "linux" && !path.exists() {
        return built_in();
    }
    read(path)
}

impl Apis {
    /// Reads the files.
    pub(crate) fn load(args: &ApiArgs) -> Result<Self, Failure> {
        let mut given: Vec<Arc<Api>> = Vec::new();
        for path in &args.files {
            let api = read(path)?;
            if given.iter().any(|other| other.name == api.name) {
                let message =
                    format!("{} is a second file for the API `{}`", shown(path), api.name);
                return Err(Failure::usage(
                    Diagnostic::error(&codes::C_TWO_APIS, message).help("give one of them"),
                ));
            }
            given.push(api);
        }
        let replaced = given.iter().any(|api| api.name == "linux");
        let built_in = if replaced { None } else { Some(built_in()?) };
        Ok(Apis { given, built_in })
    }

    fn all(&self) -> Vec<Arc<Api>> {
        self.given.iter().chain(&self.built_in).cloned().collect()
    }

    /// The APIs that an object may speak. One without a stamp speaks the API of the host, or of the
    /// files that were given, or else the built-in one.
    fn candidates(&self, object: &Object, host: Option<&HostProfile>) -> Vec<Arc<Api>> {
        match host {
            _ if !object.stamps.is_empty() => self.all(),
            Some(host) => vec![Arc::clone(host.api())],
            None if self.given.is_empty() => self.all(),
            None => self.given.clone(),
        }
    }

    /// What an object needs.
    pub(crate) fn requirements(
        &self,
        path: &Path,
        object: &Object,
        host: Option<&HostProfile>,
    ) -> Result<Requirements, Failure> {
        Requirements::of(object, &self.candidates(object, host))
            .map_err(|refusal| Failure::of_file(path, &refusal))
    }

    /// `API@NODE`, `API@HOST`, with `:DATE` after it or not.
    pub(crate) fn host(&self, text: &str) -> Result<HostProfile, Failure> {
        let Some((name, rest)) = text.split_once('@') else {
            let message = format!("`{}` is not a host", printable(text));
            return Err(Failure::usage(
                Diagnostic::error(&codes::C_HOST, message)
                    .help("write API@NODE, as in linux@LINUX_6.12, or API@NODE:DATE"),
            ));
        };
        let all = self.all();
        let Some(api) = all.iter().find(|api| api.name == name) else {
            let known: Vec<_> = all.iter().map(|api| api.name.as_str()).collect();
            let message = format!("there is no API `{}`", printable(name));
            return Err(Failure::usage(
                Diagnostic::error(&codes::C_NO_API, message)
                    .note(format!("known: {}", known.join(", ")))
                    .help("name its file with --api"),
            ));
        };
        HostProfile::parse(api, rest).map_err(|error| Failure::usage(error.report()))
    }
}

/// Reads an object.
pub(crate) fn object(path: &Path) -> Result<(Vec<u8>, Object), Failure> {
    let bytes = files::read(path, OBJECT_LIMIT)?;
    let object = Object::parse(&bytes).map_err(|error| Failure::of_file(path, &error))?;
    Ok((bytes, object))
}
