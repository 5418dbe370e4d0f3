//! `abide translate`: assembly text in the other dialect. The translator is the room `asm`'s.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use abide_asm::translate::{Options, translate};
use abide_diag::Source;
use abide_isa::Endian;
use serde::Serialize;

use super::asm::{LIMIT, is_text, loader, message, refused};
use super::dialect::{DialectArg, InputDialect, SemicolonArg};
use super::fail::{Exit, Failure, Message, shown};
use super::files::{named, read, write};
use super::ui::{Format, MessageJson, Ui, count};

/// Translate assembly into the other dialect, in place: comments and layout stay.
///
/// Instructions are respelled with the operands that they have: symbols, expressions, numbers in
/// hexadecimal stay as they are written. Marks of comments, separators and directives change where the
/// assemblers of the other dialect would misread them: what becomes GNU's is taken by binutils from
/// 2.40 on, if that has the instructions, what becomes pseudo-C by llvm-mc. Both texts are assembled;
/// if they are not the same program, that is an error and nothing is written.
///
/// Bodies of macros are translated as far as parameters are operands. Included files are read, but not
/// translated: do that one by one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  abide translate filter.s --to gnu -o filter.gnu.s
  abide translate old.s --to c --semicolon comment      `;` begins comments, as in binutils 2.40
  clang -target bpf -O2 -S -o - filter.c | abide translate - --to gnu | bpf-as -o filter.o -")]
pub(crate) struct Args {
    /// The assembly text; `-` is standard input
    input: PathBuf,
    /// The dialect wanted
    #[arg(long, value_enum)]
    to: DialectArg,
    /// The text to write; without it, or with `-`, standard output
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// The dialect of the input; `auto` takes either, line by line
    #[arg(long, value_enum, default_value_t = InputDialect::Auto)]
    dialect: InputDialect,
    /// What `;` does in the input; `auto` separates statements, but knows gcc 12's comments
    #[arg(long, value_enum, default_value_t = SemicolonArg::Auto)]
    semicolon: SemicolonArg,
    /// A directory in which `.include`d files are looked for as well
    #[arg(short = 'I', long, value_name = "DIR")]
    include: Vec<PathBuf>,
    /// The text is for big-endian objects
    #[arg(long)]
    big_endian: bool,
}

#[derive(Serialize)]
struct Report {
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// How many instructions were respelled.
    instructions: usize,
    /// Without an output file.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    warnings: Vec<MessageJson>,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let (source, narrow) = read_any(&args.input)?;
    let loader = loader(&args.include);
    let options = Options {
        from: args.dialect.only(),
        semicolon: args.semicolon.into(),
        endian: if args.big_endian { Endian::Big } else { Endian::Little },
        loader: Some(&loader),
        ..Options::to(args.to.into())
    };
    let translated = translate(&source, &options).map_err(refused)?;
    let warnings: Vec<Message> = translated.warnings.into_iter().map(message).collect();
    ui.warn(&warnings);
    let mut report = Report {
        input: shown(&args.input),
        output: None,
        instructions: translated.instructions,
        text: None,
        warnings: warnings.iter().map(MessageJson::of).collect(),
    };
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => {
            write(path, &encoded(&translated.text, narrow))?;
            report.output = Some(shown(path));
            let text = format!(
                "{}: {} respelled\n",
                shown(path),
                count(report.instructions as u64, "instruction")
            );
            ui.show(&report, |_| text)?;
        }
        None if ui.format == Format::Json => {
            report.text = Some(translated.text);
            ui.show(&report, |_| "")?;
        }
        None => write(Path::new("-"), &encoded(&translated.text, narrow))?,
    }
    Ok(Exit::Done)
}

/// A text in whatever encoding. What is not UTF-8 is read byte by byte, as Latin-1 is, so that its
/// comments and strings can be written again as they were.
fn read_any(path: &Path) -> Result<(Source, bool), Failure> {
    let bytes = read(path, LIMIT)?;
    is_text(path, &bytes)?;
    let (text, narrow) = match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (error.as_bytes().iter().copied().map(char::from).collect(), true),
    };
    Ok((Source::new(named(path), text), narrow))
}

fn encoded(text: &str, narrow: bool) -> Cow<'_, [u8]> {
    match narrow {
        true => text.chars().map(|one| u8::try_from(one).unwrap_or(b'?')).collect(),
        false => Cow::Borrowed(text.as_bytes()),
    }
}
