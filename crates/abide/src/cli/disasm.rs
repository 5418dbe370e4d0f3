//! `abide disasm`: an object as assembly text. The disassembler is the room `asm`'s.

use std::path::PathBuf;

use abide_asm::listing::{Options, list, list_raw, list_to};
use abide_isa::Endian;
use serde::Serialize;

use super::dialect::DialectArg;
use super::fail::{Exit, Failure, shown};
use super::files::read;
use super::ui::{Format, Ui, stream};

/// The largest object that is read.
const LIMIT: u64 = 256 << 20;

/// Disassemble an object, as text that `abide asm` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide disasm firewall.bpf.o                 in LLVM's pseudo-C
  abide disasm firewall.bpf.o --dialect gnu
  abide disasm firewall.bpf.o --bytes         with slots and bytes, for reading only
  llvm-objcopy-19 -O binary -j xdp firewall.bpf.o - | abide disasm --raw -")]
pub(crate) struct Args {
    /// The object; `-` is standard input
    object: PathBuf,
    /// The dialect
    #[arg(long, value_enum, default_value_t = DialectArg::C)]
    dialect: DialectArg,
    /// Show slot numbers and bytes before each instruction; such a listing does not assemble again
    #[arg(long)]
    bytes: bool,
    /// The file is bare instructions without ELF
    #[arg(long)]
    raw: bool,
    /// The bare instructions are big endian
    #[arg(long, requires = "raw")]
    big_endian: bool,
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
    let endian = if args.big_endian { Endian::Big } else { Endian::Little };
    let refused = |error| Failure::of_file(&args.object, &error);
    let text = match (args.raw, ui.format) {
        (true, _) => list_raw(&bytes, endian, &options),
        (false, Format::Json) => list(&bytes, &options).map_err(refused)?,
        (false, _) => {
            let mut listed = Ok(());
            stream(|out| {
                list_to(&bytes, &options, out).unwrap_or_else(|error| {
                    listed = Err(refused(error));
                    Ok(())
                })
            })?;
            return listed.map(|()| Exit::Done);
        }
    };
    let report = Report { object: shown(&args.object), text };
    ui.show(&report, |_| &report.text)?;
    Ok(Exit::Done)
}
