//! `abide as`, and `abide` called as `as`: the assembler that gcc calls. Assembling is the room
//! `asm`'s; this reads what GNU's assembler would be passed, and files.

mod options;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use abide::codes;
use abide_asm::object::{ObjectOptions, Style, assemble_pieces};
use abide_diag::{Diagnostic, Source};

use self::options::{Options, Request};
use super::asm::{Report, loader, read_input, refused, warnings};
use super::fail::{Exit, Failure};
use super::files::write_pieces;
use super::ui::{Format, Ui};

const HELP: &str = "\
Assemble BPF assembly as GNU's assembler is asked to: this is what gcc calls.

Usage: as [OPTION]... [FILE]...        (also: abide as [OPTION]... [FILE]...)

Files are assembled one after the other into one object; none, or `-`, is standard input.
Each line may be in GNU's dialect or in pseudo-C, whatever the others are.

  -o FILE                    the object; `-` is standard output [default: a.out]
  -EL, -EB                   little or big endian [default: little]
  -I DIR                     look for `.include`d files there as well
  -misa-spec=v1|v2|v3|v4|xbpf
                             no instruction above this level; it is noted in the object
  -mno-relax                 far branches are errors; else, at level v4, they become longer
  -mdialect=normal|pseudoc   accepted: either is read in any case
  --semicolon=auto|comment|separator
                             what `;` does. auto: separate statements, but gcc 12's own
                             comments are such; comment: as in binutils up to 2.40
  --defsym NAME=VALUE        give a symbol a value first
  -W, --no-warn              no warnings
  --fatal-warnings           warnings are errors
  --warn                     neither [default]
  -v, -V                     print the version, and go on
  --version                  print the version
  @FILE                      read options from a file
  -g, --gdwarf-N, --gstabs, --noexecstack, --size-check=, ...
                             accepted: lines are those of `.loc`, with these or without

For gcc: make a directory with a link called `as` to abide, and name it:

  mkdir bin && ln -s \"$(command -v abide)\" bin/as
  bpf-gcc -B bin -O2 -c filter.c -o filter.o
";

/// Assemble as GNU's assembler would be asked to: what gcc calls; `abide as --help` lists its options.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// What `as` is passed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTION|FILE")]
    arguments: Vec<OsString>,
}

/// The arguments after the first if that is a name under which gcc looks for its assembler: `as`, or
/// one that ends in `-as`.
pub(crate) fn called(mut command_line: impl Iterator<Item = OsString>) -> Option<Args> {
    let name = PathBuf::from(command_line.next()?);
    let name = name.file_stem()?.to_str()?;
    (name == "as" || name.ends_with("-as")).then(|| Args { arguments: command_line.collect() })
}

pub(crate) fn main(args: Args, ui: &Ui) -> Result<Exit, Failure> {
    let version = concat!("abide ", env!("CARGO_PKG_VERSION"), ", as GNU assembler for BPF\n");
    let options = match options::parse(args.arguments)? {
        Request::Assemble(options) => options,
        Request::Help => return say(HELP),
        Request::Version => return say(version),
    };
    if options.show_version {
        // Where GNU's prints it; that nobody reads it is no reason not to assemble.
        let _ = std::io::stderr().write_all(version.as_bytes());
    }
    ui.beside(&options.output)?;
    let (source, loader) = (text(&options)?, loader(&options.include));
    let object = assemble_pieces(
        &source,
        &ObjectOptions {
            level: options.level,
            endian: options.endian,
            style: Some(Style::Gnu),
            semicolon: options.semicolon,
            flags: options.flags,
            relax: options.relax,
            loader: Some(&loader),
            ..ObjectOptions::default()
        },
    )
    .map_err(refused)?;
    let warnings = if options.warn { warnings(&object) } else { Vec::new() };
    ui.warn(&warnings);
    if options.fatal_warnings && !warnings.is_empty() {
        let message = "there are warnings, and `--fatal-warnings` makes them errors";
        return Err(Failure::refused(Diagnostic::error(&codes::C_AS_WARNINGS, message)));
    }
    write_pieces(&options.output, &object.bytes)?;
    if ui.format == Format::Json {
        // As text, what went well is nothing to speak of for this command.
        let report = Report::of(&options.inputs, &options.output, &object, &warnings);
        ui.show(&report, |_| "")?;
    }
    Ok(Exit::Done)
}

fn say(text: &str) -> Result<Exit, Failure> {
    let done = std::io::stdout().write_all(text.as_bytes());
    done.map_err(|error| Failure::io("write", Path::new("standard output"), &error))?;
    Ok(Exit::Done)
}

/// What is to be assembled: the one input, or a text that includes all.
fn text(options: &Options) -> Result<Source, Failure> {
    if let ([input], "") = (&*options.inputs, &*options.definitions) {
        return read_input(input);
    }
    let mut text = options.definitions.clone();
    for input in &options.inputs {
        let name = input.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        text.push_str(&format!("\t.include\t\"{name}\"\n"));
    }
    Ok(Source::new("command line", text))
}
