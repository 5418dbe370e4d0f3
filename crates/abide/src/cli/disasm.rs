//! `abide disasm`: an object as assembly text. The disassembler is the room `asm`'s.

use std::path::PathBuf;

use abide_asm::listing::{Options, list, list_raw};
use abide_isa::Endian;
use serde::Serialize;

use super::dialect::DialectArg;
use super::fail::{Exit, Failure, shown};
use super::files::read;
use super::ui::Ui;

/// The largest object that is read.
const LIMIT: u64 = 256 << 20;

/// Disassemble an object, as text that `abide asm` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide disasm firewall.bpf.o                 in LLVM's pseudo-C
  abide disasm firewall.bpf.o --dialect gnu
  abide disasm firewall.bpf.o --bytes         with slots and bytes, for reading only")]
pub(crate) struct Args {
    /// The object; `-` is standard input
    object: PathBuf,
    /// The dialect
    #[arg(long, value_enum, default_value_t = DialectArg::C)]
    dialect: DialectArg,
    /// Show slot numbers and bytes before each instruction; such a listing does not assemble again
    #[arg(long)]
    bytes: bool,
    /// The file is bare instructions, little endian, without ELF
    #[arg(long)]
    raw: bool,
    /// Leave out the source lines
    #[arg(long)]
    no_source: bool,
}

#[derive(Serialize)]
struct Report {
    object: String,
    text: String,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let bytes = read(&args.object, LIMIT)?;
    let options =
        Options { dialect: args.dialect.into(), source: !args.no_source, columns: args.bytes };
    let text = if args.raw {
        list_raw(&bytes, Endian::Little, &options)
    } else {
        list(&bytes, &options).map_err(|error| Failure::of_file(&args.object, &error))?
    };
    let report = Report { object: shown(&args.object), text };
    ui.show(&report, |_| &report.text)?;
    Ok(Exit::Done)
}
