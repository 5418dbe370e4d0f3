//! API files and hosts as they are named on the command line. What a host serves is not decided here.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use abide::{Api, Date, HostProfile, Object, Requirements, codes};
use abide_api::NodeId;
use abide_diag::{Diagnostic, Report, printable};

use super::fail::{Exit, Failure, Message, shown};
use super::{files, kernels};

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
    /// A file of host statements, or a directory of such files (*.api), as `abide probe -o` writes
    /// them; may be given several times
    #[arg(long = "hosts", value_name = "FILE")]
    pub(crate) hosts: Vec<PathBuf>,
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

/// `API@NODE` of the built-in API or of a file, or a file alone: its newest node.
pub(crate) fn version(text: &str) -> Result<(Arc<Api>, NodeId), Failure> {
    let (file, node) = match text.rsplit_once('@') {
        Some((file, node)) if !Path::new(text).exists() => (file, Some(node)),
        _ => (text, None),
    };
    let api = by_file_or_name(Path::new(file))?;
    let found = match node {
        Some(node) => api.node(node),
        None => {
            let ids = (0..api.nodes.len() as u32).map(NodeId);
            ids.max_by_key(|id| api.node_ref(*id).released)
        }
    };
    match found {
        Some(node) => Ok((api, node)),
        None => {
            let message =
                format!("`{}` has no node `{}`", api.name, printable(node.unwrap_or_default()));
            let mut diagnostic = Diagnostic::error(&codes::C_NO_NAME, message);
            let near = super::api::near(&api, node.unwrap_or_default());
            if !near.is_empty() {
                diagnostic = diagnostic.help(format!("there is {}", near.join(", ")));
            }
            Err(Failure::usage(diagnostic))
        }
    }
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
        let mut apis = Apis { given, built_in };
        for path in &args.hosts {
            for file in files::with_ending(path, "api")? {
                apis.read_hosts(&file)?;
            }
        }
        Ok(apis)
    }

    /// Adds the hosts of a file to the API that it names.
    fn read_hosts(&mut self, path: &Path) -> Result<(), Failure> {
        let source = files::read_text(path, API_LIMIT)?;
        let name = Api::named_by(&source.text);
        let mut all = self.given.iter_mut().chain(&mut self.built_in);
        let Some(api) = all.find(|api| name.as_ref() == Some(&api.name)) else {
            let message = match name {
                Some(name) => format!(
                    "{} has hosts of `{}`, which is no known API",
                    shown(path),
                    printable(&name)
                ),
                None => format!("{} does not begin with the name of an API", shown(path)),
            };
            return Err(Failure::refused(
                Diagnostic::error(&codes::C_NO_API, message)
                    .help("name the file of the API with --api"),
            ));
        };
        Arc::make_mut(api).read_hosts(&source.name, &source.text).map_err(|errors| Failure {
            exit: Exit::Refused,
            messages: messages(errors.diagnostics, &errors.source),
        })?;
        Ok(())
    }

    pub(crate) fn all(&self) -> Vec<Arc<Api>> {
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

    /// The API of Linux.
    pub(crate) fn linux(&self) -> Result<Arc<Api>, Failure> {
        match self.all().into_iter().find(|api| api.name == "linux") {
            Some(api) => Ok(api),
            None => built_in(),
        }
    }

    /// `API@NODE` or `API@HOST`, a kernel by a file of its BTF (`btf:FILE`), the kernel that runs here
    /// (`running`); with `:DATE` after it or not.
    pub(crate) fn host(&self, text: &str) -> Result<HostProfile, Failure> {
        let dated = text.rsplit_once(':');
        let dated = dated.and_then(|(host, date)| Some((host, date.parse::<Date>().ok()?)));
        let (kernel, date) = dated.map_or((text, None), |(host, date)| (host, Some(date)));
        if kernel == "running" || kernel.starts_with("btf:") {
            let path = kernel.strip_prefix("btf:").map(Path::new);
            let standing = kernels::Kernel::read(path, None)?.standing(&self.linux()?)?;
            return Ok(standing.host(kernel, date.unwrap_or(standing.released())));
        }
        let Some((name, rest)) = text.split_once('@') else {
            let message = format!("`{}` is not a host", printable(text));
            return Err(Failure::usage(
                Diagnostic::error(&codes::C_HOST, message)
                    .help("write API@NODE or API@HOST, as in linux@LINUX_6.12 or linux@debian_6.1, with :DATE after it or not")
                    .help("or a kernel: btf:FILE, or running"),
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
