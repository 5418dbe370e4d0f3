//! The hosts that `--against` names: versions and kernels of an API, and files of types. What a
//! kernel offers is read from its types by `linux`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use abide::{Api, HostProfile, Release, codes};
use abide_api::HostError;
use abide_api::check::{Host, release};
use abide_btf::core::Target;
use abide_diag::{Diagnostic, Report, printable};
use abide_verifier::each;

use crate::cli::apis::Apis;
use crate::cli::fail::{Failure, shown};
use crate::cli::kernels::Kernel;

/// A kernel that was read from a file.
pub(super) struct Read {
    pub(super) name: String,
    pub(super) kernel: Kernel,
}

/// All hosts of a run.
pub(super) struct Hosts<'a> {
    list: Vec<Named<'a>>,
    /// The versions of each API, as hosts.
    nodes: Vec<(String, Vec<Host<'static>>)>,
}

/// A host and what it is called.
pub(super) struct Named<'a> {
    pub(super) api: Arc<Api>,
    pub(super) name: String,
    pub(super) host: Host<'a>,
}

/// The files that are named, in folders too; read on several threads.
pub(super) fn kernels(against: &[String]) -> Result<Vec<Read>, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut running = false;
    for word in against {
        running |= word == RUNNING;
        let Some(path) = file(word) else { continue };
        if path.is_dir() {
            let failed = |error| Failure::io("read", path, &error);
            let entries = std::fs::read_dir(path).map_err(failed)?;
            let entries: Result<Vec<_>, _> = entries.collect();
            let files = entries.map_err(failed)?.into_iter().map(|entry| entry.path());
            let before = paths.len();
            paths.extend(files.filter(|path| path.is_file()));
            if paths.len() == before {
                let message = format!("there is no file in {}", shown(path));
                return Err(Failure::usage(Diagnostic::error(&codes::C_HOST, message)));
            }
            paths[before..].sort_by_key(|path| (release(&stem(path)), path.clone()));
        } else {
            paths.push(path.to_owned());
        }
    }
    let mut kernels: Vec<Read> =
        each(&paths, None, |path| read(path)).into_iter().collect::<Result<_, _>>()?;
    if running {
        kernels.push(Read { name: RUNNING.to_owned(), kernel: Kernel::read(None, None)? });
    }
    Ok(kernels)
}

/// The kernel that runs here.
const RUNNING: &str = "running";

/// The file or folder that a word names: one that is there, or that must be.
fn file(word: &str) -> Option<&Path> {
    match word.strip_prefix("btf:") {
        Some(path) => Some(Path::new(path)),
        None => Some(Path::new(word)).filter(|path| word != RUNNING && path.exists()),
    }
}

fn read(path: &Path) -> Result<Read, Failure> {
    let name = stem(path);
    let named = Release::parse(&name).map(|_| name.clone());
    let kernel = Kernel::read(Some(path), named.as_deref())?;
    // The index by name is made on first use: better here than in front of everybody.
    let _ = kernel.types.by_name(abide_btf::Kind::Struct, "task_struct");
    Ok(Read { name, kernel })
}

/// The kernels with their types indexed, on several threads.
pub(super) fn indexed(kernels: &[Read]) -> Vec<(&Read, Target<'_>)> {
    each(kernels, None, |read| (read, Target::new(&read.kernel.types)))
}

/// A file by its name, without what says that it is BTF.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".btf").unwrap_or(&name);
    printable(name).into_owned()
}

impl<'a> Hosts<'a> {
    /// All that `--against` names, each once.
    pub(super) fn of(
        against: &[String],
        apis: &Apis,
        kernels: &'a [(&'a Read, Target<'a>)],
    ) -> Result<Hosts<'a>, Failure> {
        let nodes = apis.all().iter().map(|api| (api.name.clone(), Host::nodes(api))).collect();
        let mut hosts = Hosts { list: Vec::new(), nodes };
        for word in against {
            match word.as_str() {
                "all" => apis.all().iter().for_each(|api| hosts.described(api, true)),
                "nodes" => apis.all().iter().for_each(|api| hosts.described(api, false)),
                RUNNING => {}
                word if file(word).is_some() => {}
                word => hosts.named(word, apis)?,
            }
        }
        if !kernels.is_empty() {
            hosts.kernels(apis, kernels)?;
        }
        Ok(hosts)
    }

    fn add(&mut self, name: String, host: Host<'a>) {
        let api = Arc::clone(host.profile.api());
        let again = |other: &Named<'_>| other.name == name && other.api.name == api.name;
        if !self.list.iter().any(again) {
            self.list.push(Named { api, name, host });
        }
    }

    fn profile(&mut self, name: String, profile: HostProfile) {
        self.add(name, Host::described(profile));
    }

    /// The hosts that an API describes; without any, or if they are not wanted, its versions.
    fn described(&mut self, api: &Arc<Api>, hosts: bool) {
        if hosts && !api.hosts.is_empty() {
            for statement in &api.hosts {
                if let Ok(profile) = HostProfile::at(api, &statement.name) {
                    self.profile(statement.name.clone(), profile);
                }
            }
        } else {
            for host in Host::nodes(api) {
                self.add(api.node_ref(host.profile.node()).name.clone(), host);
            }
        }
    }

    fn named(&mut self, word: &str, apis: &Apis) -> Result<(), Failure> {
        if word.contains('@') {
            let profile = apis.host(word)?;
            let name = word.split_once('@').map_or(word, |(_, name)| name);
            self.profile(name.to_owned(), profile);
            return Ok(());
        }
        if word.is_empty() {
            let error = Diagnostic::error(&codes::C_HOST, "the name of a host is empty");
            return Err(Failure::usage(error.help("write hosts with one comma between them")));
        }
        let mut refused = None;
        for api in apis.all() {
            match HostProfile::parse(&api, word) {
                Ok(profile) => {
                    self.profile(word.to_owned(), profile);
                    return Ok(());
                }
                Err(error) => refused = Some(error),
            }
        }
        let mut diagnostic = match &refused {
            Some(error) => error.report(),
            None => Diagnostic::error(&codes::C_HOST, format!("`{}` is no host", printable(word))),
        };
        // A date may be wrong of a host that is known.
        if !matches!(refused, Some(HostError::BadDate(_))) {
            diagnostic.helps.push(
                "`all`, `nodes` and `running` are hosts, too; and files of types (BTF)".to_owned(),
            );
        }
        Err(Failure::usage(diagnostic))
    }

    fn kernels(
        &mut self,
        apis: &Apis,
        kernels: &'a [(&'a Read, Target<'a>)],
    ) -> Result<(), Failure> {
        let linux = apis.all().into_iter().find(|api| api.name == "linux");
        let Some(linux) = linux else { return Ok(()) };
        for (read, target) in kernels {
            let standing = read.kernel.standing(&linux)?;
            let profile = standing.host(&read.name, standing.released()).as_kernel();
            let node = &linux.node_ref(profile.node()).name;
            let named = read.kernel.release.as_ref().map_or(&read.name, |release| &release.text);
            let release = release(named).or_else(|| release(node));
            self.add(read.name.clone(), Host { profile, types: Some(target), release });
        }
        Ok(())
    }

    /// The versions of an API, oldest first.
    pub(super) fn nodes(&self, api: &str) -> &[Host<'static>] {
        let found = self.nodes.iter().find(|(name, _)| name == api);
        found.map_or(&[], |(_, nodes)| nodes.as_slice())
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Named<'a>> {
        self.list.iter()
    }

    /// Those of an API, with their places in the list.
    pub(super) fn of_api(&self, api: &str) -> impl Iterator<Item = (usize, &Host<'a>)> {
        let mine = self.list.iter().enumerate().filter(move |(_, named)| named.api.name == api);
        mine.map(|(at, named)| (at, &named.host))
    }
}
