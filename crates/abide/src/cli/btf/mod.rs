//! `abide btf`: types shown and compared. Reading, printing and comparing them is the business of the
//! room `btf`.

mod diff;
mod dump;
mod raw;

use std::path::Path;
use std::sync::Arc;

use abide::codes;
use abide_btf::{Btf, Kind};
use abide_diag::{Diagnostic, nearest, printable};
use clap::Subcommand;

use super::fail::{Exit, Failure};
use super::files;
use super::ui::Ui;

/// Show and compare types: of objects, kernels, modules and files of BTF.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  abide btf dump filter.bpf.o                            the types of an object, as C
  abide btf diff old.bpf.o new.bpf.o                     types that differ between two")]
pub(crate) enum Command {
    Dump(dump::Args),
    Diff(diff::Args),
}

pub(crate) fn main(command: &Command, ui: &Ui) -> Result<Exit, Failure> {
    match command {
        Command::Dump(args) => dump::main(args, ui),
        Command::Diff(args) => diff::main(args, ui),
    }
}

/// The types of a file; over a base, those of a module or another file of split BTF.
fn types(path: &Path, base: Option<&Path>) -> Result<Btf, Failure> {
    match base {
        Some(base) => files::types_over(path, &Arc::new(files::types(base)?)),
        None => files::types(path),
    }
}

/// Nothing in these files has the name.
fn no_type(name: &str, files: &[&Btf]) -> Failure {
    let message = format!("there is no type, function or variable `{}`", printable(name));
    let names = files.iter().flat_map(|btf| btf.iter()).map(|(_, ty)| ty.name());
    let help = match nearest(name, names) {
        Some(near) => format!("did you mean `{}`?", printable(near)),
        None => "`abide btf dump FILE --format raw` lists what there is".to_owned(),
    };
    Failure::usage(Diagnostic::error(&codes::C_NO_TYPE, message).help(help))
}

/// A kind as C and BTF call it.
fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "int",
        Kind::Ptr => "ptr",
        Kind::Array => "array",
        Kind::Struct => "struct",
        Kind::Union => "union",
        Kind::Enum => "enum",
        Kind::Fwd => "fwd",
        Kind::Typedef => "typedef",
        Kind::Volatile => "volatile",
        Kind::Const => "const",
        Kind::Restrict => "restrict",
        Kind::Func => "func",
        Kind::FuncProto => "func_proto",
        Kind::Var => "var",
        Kind::DataSec => "datasec",
        Kind::Float => "float",
        Kind::DeclTag => "decl_tag",
        Kind::TypeTag => "type_tag",
        Kind::Enum64 => "enum64",
    }
}
