//! `abide btf dump`: the types of a file as C, as a table of ids or as JSON.

use std::collections::BTreeSet;
use std::path::PathBuf;

use abide_btf::{Btf, Kind, Type, TypeId};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::raw::{self, TypeJson};
use crate::cli::fail::{Exit, Failure, shown};
use crate::cli::ui::{Format, Ui};

/// Print the types of a file as C, as a table of ids, or as JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide btf dump vmlinux > vmlinux.h                     a header of the kernel that runs here
  abide btf dump filter.bpf.o --format raw               the types of an object, one by one
  abide btf dump vmlinux --name bpf_dynptr               one type, after what it needs
  abide btf dump xfs.ko --base vmlinux                   the types of a module
  zstd -dc 6.12.btf.zst | abide btf dump - --format json

A C header has the layout that the types say: clang and gcc compile it for BPF. Of split BTF
(a module's, with --base) only its own types are printed, and for C what they need of the base.")]
pub(crate) struct Args {
    /// A file of BTF, an ELF file that has it, `vmlinux` for the kernel that runs here
    /// (/sys/kernel/btf/vmlinux), or `-`
    file: PathBuf,
    /// How to print them: as a C header, as a table of ids, or as one JSON document
    #[arg(
        long, id = "format", value_name = "FORMAT", default_value = "c",
        value_parser = PossibleValuesParser::new(["c", "raw", "json"]).map(|word| match &*word {
            "json" => Format::Json,
            "raw" => Format::Raw,
            _ => Format::C,
        })
    )]
    format: Format,
    /// Only what has this name, and what it needs
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The types that those of the file go on from: the kernel of a module
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct DumpJson<'a> {
    file: String,
    byte_order: &'static str,
    types: Vec<TypeJson<'a>>,
}

pub(super) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let btf = super::types(&args.file, args.base.as_deref())?;
    let named = args.name.as_deref().map(|name| by_name(&btf, name)).transpose()?;
    if args.format == Format::C {
        let text = match &named {
            None => btf.to_c(),
            Some(ids) => btf.to_c_of(ids.iter().copied()),
        };
        let text = text.map_err(|error| Failure::of_file(&args.file, &error))?;
        ui.show(&(), |_| text)?;
        return Ok(Exit::Done);
    }
    let ids: BTreeSet<TypeId> = match named {
        Some(ids) => needed(&btf, ids),
        None => btf.own().map(|(id, _)| id).collect(),
    };
    let types = || ids.iter().filter_map(|id| Some((*id, btf.get(*id)?)));
    let json = DumpJson {
        file: shown(&args.file),
        byte_order: match btf.order() {
            abide_btf::ByteOrder::Little => "little",
            abide_btf::ByteOrder::Big => "big",
        },
        types: match args.format {
            Format::Json => types().map(|(id, ty)| TypeJson::of(id, &ty)).collect(),
            _ => Vec::new(),
        },
    };
    ui.show(&json, |_| {
        let mut out = String::new();
        types().for_each(|(id, ty)| raw::write(&btf, id, &ty, &mut out));
        out
    })?;
    Ok(Exit::Done)
}

/// What has this name, of whatever kind; without tags, and without declarations of what is defined.
fn by_name(btf: &Btf, name: &str) -> Result<Vec<TypeId>, Failure> {
    let tag = |kind| matches!(kind, Kind::DeclTag | Kind::TypeTag);
    let found =
        btf.iter().filter(|(_, ty)| !name.is_empty() && ty.name() == name && !tag(ty.kind()));
    let (declared, defined): (Vec<_>, Vec<_>) =
        found.partition(|(_, ty)| matches!(ty, Type::Fwd { .. }));
    let found = if defined.is_empty() { declared } else { defined };
    if found.is_empty() {
        return Err(super::no_type(name, &[btf]));
    }
    Ok(found.into_iter().map(|(id, _)| id).collect())
}

/// These types with all that they are made of; structs and unions behind a pointer without what is
/// in them.
fn needed(btf: &Btf, roots: Vec<TypeId>) -> BTreeSet<TypeId> {
    let mut all: BTreeSet<TypeId> = roots.iter().copied().collect();
    let mut next: Vec<(TypeId, bool)> = roots.into_iter().map(|id| (id, false)).collect();
    let mut entered: BTreeSet<TypeId> = all.clone();
    while let Some((id, behind)) = next.pop() {
        let mut add = |to: TypeId, behind: bool| {
            if to == TypeId::VOID {
                return;
            }
            all.insert(to);
            let stays_out = behind
                && btf.get(to).is_some_and(|ty| {
                    matches!(ty, Type::Struct(_) | Type::Union(_)) && !ty.name().is_empty()
                });
            if !stays_out && entered.insert(to) {
                next.push((to, behind));
            }
        };
        match btf.get(id) {
            Some(Type::Ptr { to }) => add(to, true),
            Some(
                Type::Typedef { to, .. }
                | Type::Volatile { to }
                | Type::Const { to }
                | Type::Restrict { to }
                | Type::TypeTag { to, .. }
                | Type::Func { proto: to, .. }
                | Type::Var { ty: to, .. }
                | Type::DeclTag { ty: to, .. },
            ) => add(to, behind),
            Some(Type::Array { elem, index, .. }) => {
                add(elem, behind);
                add(index, behind);
            }
            Some(Type::Struct(composite) | Type::Union(composite)) => {
                composite.members.iter().for_each(|member| add(member.ty, behind));
            }
            Some(Type::FuncProto { ret, params }) => {
                add(ret, behind);
                params.iter().for_each(|param| add(param.ty, behind));
            }
            Some(Type::DataSec { vars, .. }) => vars.iter().for_each(|var| add(var.ty, behind)),
            Some(
                Type::Int { .. }
                | Type::Enum(_)
                | Type::Enum64(_)
                | Type::Fwd { .. }
                | Type::Float { .. },
            )
            | None => {}
        }
    }
    all
}
