//! `abide asm`: assembly text to an object. The assembler is the room `asm`'s.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use abide::codes;
use abide_asm::object::{Object, ObjectOptions, assemble_pieces};
use abide_diag::Source;
use abide_isa::{Endian, Level};
use clap::ValueEnum;
use serde::Serialize;

use super::dialect::{InputDialect, SemicolonArg};
use super::fail::{Exit, Failure, Message, at_file, shown};
use super::files::{apart, is_standard, read_text, write_pieces};
use super::ui::{MessageJson, Ui, count};

/// The longest assembly text that is read.
pub(super) const LIMIT: u64 = 256 << 20;

/// Assemble BPF assembly, in LLVM's dialect, in GNU's, or in both by turns.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide asm filter.s -o filter.o
  abide asm filter.gnu.s -o filter.o --dialect gnu    nothing but GNU's spelling
  abide asm filter.s -o filter.o --level v3           no instruction newer than v3
  clang -target bpf -O2 -S filter.c && abide asm filter.s -o filter.o")]
pub(crate) struct Args {
    /// The assembly text; `-` is standard input
    input: PathBuf,
    /// The object to write, which appears when it is complete; `-` is standard output, which then
    /// holds nothing else
    #[arg(short, long, value_name = "OBJ")]
    output: PathBuf,
    /// The dialect; `auto` takes either, line by line
    #[arg(long, value_enum, default_value_t = InputDialect::Auto)]
    dialect: InputDialect,
    /// The highest level of instructions that is accepted
    #[arg(long, value_enum, default_value_t = LevelArg::V4)]
    level: LevelArg,
    /// What `;` does; `auto` separates statements, but knows gcc 12's comments
    #[arg(long, value_enum, default_value_t = SemicolonArg::Auto)]
    semicolon: SemicolonArg,
    /// Let far branches become longer, by `gotol` of level v4; otherwise they are errors
    #[arg(long)]
    relax: bool,
    /// A directory in which `.include`d files are looked for as well
    #[arg(short = 'I', long, value_name = "DIR")]
    include: Vec<PathBuf>,
    /// Write a big-endian object
    #[arg(long)]
    big_endian: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum LevelArg {
    V1,
    V2,
    V3,
    V4,
}

/// What was assembled.
#[derive(Serialize)]
pub(super) struct Report {
    inputs: Vec<String>,
    output: String,
    bytes: usize,
    warnings: Vec<MessageJson>,
}

impl Report {
    pub(super) fn of(
        inputs: &[PathBuf],
        output: &Path,
        object: &Object<Vec<Vec<u8>>>,
        warnings: &[Message],
    ) -> Report {
        Report {
            inputs: inputs.iter().map(|path| shown(path)).collect(),
            output: shown(output),
            bytes: object.bytes.iter().map(Vec::len).sum(),
            warnings: warnings.iter().map(MessageJson::of).collect(),
        }
    }
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    ui.beside(&args.output)?;
    apart(&args.input, &args.output)?;
    let source = read_input(&args.input)?;
    let loader = loader(&args.include);
    let options = ObjectOptions {
        dialect: args.dialect.only(),
        level: match args.level {
            LevelArg::V1 => Level::V1,
            LevelArg::V2 => Level::V2,
            LevelArg::V3 => Level::V3,
            LevelArg::V4 => Level::V4,
        },
        endian: if args.big_endian { Endian::Big } else { Endian::Little },
        semicolon: args.semicolon.into(),
        relax: args.relax,
        loader: Some(&loader),
        ..ObjectOptions::default()
    };
    let object = assemble_pieces(&source, &options).map_err(refused)?;
    let warnings = warnings(&object);
    ui.warn(&warnings);
    write_pieces(&args.output, &object.bytes)?;
    if is_standard(&args.output) {
        return Ok(Exit::Done);
    }
    let report = Report::of(std::slice::from_ref(&args.input), &args.output, &object, &warnings);
    ui.show(&report, |_| format!("{}: {}\n", report.output, count(report.bytes as u64, "byte")))?;
    Ok(Exit::Done)
}

/// A text from a file, or from standard input, which is called `-`.
pub(super) fn read_input(input: &Path) -> Result<Source, Failure> {
    let source = read_text(input, LIMIT)?;
    is_text(input, source.text.as_bytes())?;
    Ok(source)
}

/// Refuses an object where a text is expected.
pub(super) fn is_text(input: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if !bytes.starts_with(b"\x7fELF") {
        return Ok(());
    }
    let message = "this is an ELF file, not assembly text";
    Err(Failure::refused(
        at_file(&codes::C_NOT_TEXT, input, message).help("`abide disasm` makes text of it"),
    ))
}

/// Finds what a text includes: as it is named, and then in each directory.
pub(super) fn loader(directories: &[PathBuf]) -> impl Fn(&str) -> Result<Source, String> {
    move |name| {
        let places = || {
            let beside = directories.iter().map(|directory| directory.join(name));
            std::iter::once(PathBuf::from(name)).chain(beside)
        };
        let is_file = |path: &PathBuf| is_standard(path) || path.exists() && !path.is_dir();
        let Some(path) = places().find(is_file) else {
            return Err(match places().any(|path| path.is_dir()) {
                true => "it is a directory".to_owned(),
                false => "there is no such file, also in no directory of `-I`".to_owned(),
            });
        };
        read_input(&path).map_err(|failure| {
            failure.messages.first().map_or_else(String::new, |one| one.diagnostic.message.clone())
        })
    }
}

/// All errors of a text.
pub(super) fn refused(messages: Vec<abide_asm::object::Message>) -> Failure {
    Failure { exit: Exit::Refused, messages: messages.into_iter().map(message).collect() }
}

/// The warnings about a text that was assembled.
pub(super) fn warnings<B>(object: &Object<B>) -> Vec<Message> {
    object.warnings.iter().cloned().map(message).collect()
}

pub(super) fn message(message: abide_asm::object::Message) -> Message {
    Message { diagnostic: message.diagnostic, source: Some(Arc::new(message.source)) }
}
