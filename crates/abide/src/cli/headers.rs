//! `abide headers`: the C header of a version of an API. What stands in it is the room `api`'s.

use std::path::{Path, PathBuf};
use std::{fs, io};

use abide_diag::Report as _;
use serde::Serialize;

use super::apis;
use super::fail::{Exit, Failure, shown};
use super::files::write;
use super::ui::Ui;

/// Write the C header that programs for a version of an API are compiled with.
///
/// It declares the types, constants, helpers and kfuncs of that version with their documentation, and
/// stamps the program with it. What the version deprecates, or a later one withdraws, warns at compile
/// time. For clang and gcc, at every level of optimization; docs/headers.md says more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide headers linux@LINUX_6.12 -o include      writes include/linux.h
  clang -target bpf -O2 -g -I include -c filter.bpf.c
  abide headers kv.api@KV_2 -o kv.h              of another API, to a file of this name
  abide headers linux                            of the newest version, to standard output")]
pub(crate) struct Args {
    /// The version: API@NODE, or an API alone for its newest; `linux` is the built-in API, others are files
    #[arg(value_name = "API@NODE")]
    version: String,
    /// A directory, which is made if it is not there: the header is named after the API. Or a file, if it
    /// ends in `.h`; `-` is standard output
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

#[derive(Serialize)]
struct HeaderJson<'a> {
    api: &'a str,
    node: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// Without an output file.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let (api, node) = apis::version(&args.version)?;
    let text = api.header(node).map_err(|error| Failure::refused(error.report()))?;
    let mut json =
        HeaderJson { api: &api.name, node: &api.node_ref(node).name, output: None, text: None };
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        None => {
            json.text = Some(text);
            ui.show(&json, |_| json.text.clone().unwrap_or_default())?;
        }
        Some(path) => {
            let file = if path.extension().is_some_and(|extension| extension == "h") {
                path.to_owned()
            } else {
                if path.is_file() {
                    let error = io::Error::from(io::ErrorKind::NotADirectory);
                    return Err(Failure::io("write", path, &error));
                }
                fs::create_dir_all(path).map_err(|error| Failure::io("write", path, &error))?;
                path.join(format!("{}.h", api.name))
            };
            write(&file, text.as_bytes())?;
            json.output = Some(shown(&file));
            let line = format!("{}: {}@{}\n", shown(&file), json.api, json.node);
            ui.show(&json, |_| line)?;
        }
    }
    Ok(Exit::Done)
}
