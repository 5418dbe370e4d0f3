//! `abide as`, and `abide` called as `as`: the assembler that gcc calls. Assembling is the room
//! `asm`'s; this reads what GNU's assembler would be passed, and files.

mod options;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use abide::codes;
use abide_asm::object::{ObjectOptions, Style, assemble_pieces};
use abide_diag::{Diagnostic, Source};

pub(super) use self::options::OPTIONS;
use self::options::{IGNORED, IGNORED_PREFIXES, Options, Request};
use super::asm::{Report, loader, read_input, refused, warnings};
use super::fail::{Exit, Failure};
use super::files::{is_standard, write_pieces};
use super::help::ENDS;
use super::ui::{Format, Ui};

/// What stands before the options, and behind them.
const ABOUT: &str = "\
Assemble BPF assembly as GNU's assembler is asked to: this is what gcc calls.

Usage: as [OPTION]... [FILE]...        (also: abide as [OPTION]... [FILE]...)

Files are assembled one after the other into one object; none, or `-`, is standard input.
Each line may be in GNU's dialect or in pseudo-C, whatever the others are.
";

/// How it is used, as the help of other commands has it.
pub(super) const EXAMPLES: &str = "\
Examples:
  abide as filter.s -o filter.o
  abide as -EB -misa-spec=v3 -I include main.s maps.s -o firewall.o

For gcc, make a directory with a link called `as` to abide, and name it:
  mkdir bin && ln -s \"$(command -v abide)\" bin/as
  bpf-gcc -B bin -O2 -c filter.c -o filter.o";

/// The options that change nothing.
pub(super) fn ignored() -> String {
    let ignored = IGNORED.iter().map(|name| (*name).to_owned());
    let prefixes = IGNORED_PREFIXES.iter().map(|name| format!("{name}..."));
    let ignored: Vec<String> = ignored.chain(prefixes).collect();
    format!("accepted, and nothing changes: {}", ignored.join(", "))
}

/// The options with what they do, in two columns.
fn options_text() -> String {
    const COLUMN: usize = 29;
    const WIDTH: usize = 98;
    let ignored = ignored();
    let others = std::iter::once(("others", ignored.as_str()));
    let mut out = String::new();
    for (name, what) in OPTIONS.iter().copied().chain(others) {
        let mut line = format!("  {name}");
        if line.len() + 2 > COLUMN {
            out.push_str(&line);
            out.push('\n');
            line.clear();
        }
        line.push_str(&" ".repeat(COLUMN - line.len()));
        let mut empty = true;
        for word in what.split(' ') {
            let length = line.chars().count() + 1 + word.chars().count();
            if !empty && length > WIDTH {
                out.push_str(&line);
                out.push('\n');
                line = " ".repeat(COLUMN);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// Assemble as GNU's assembler is asked to: what gcc calls; `abide as --help` lists its options.
///
/// Files are assembled one after the other into one object; none, or `-`, is standard input. Each line may be
/// in GNU's dialect or in pseudo-C, whatever the others are. The program does the same when it is called
/// `as`, or by a name that ends in `-as`.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true, override_usage = "abide as [OPTION]... [FILE]...")]
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
        Request::Help => {
            return say(&format!("{ABOUT}\nOptions:\n{}\n{EXAMPLES}\n\n{ENDS}\n", options_text()));
        }
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
    for input in options.inputs.iter().filter(|input| !is_standard(input)) {
        // Before anything is said about the text that includes them.
        let failed = |error| Failure::io("read", input, &error);
        if std::fs::metadata(input).map_err(failed)?.is_dir() {
            let kind = std::io::ErrorKind::IsADirectory;
            return Err(failed(std::io::Error::new(kind, "Is a directory")));
        }
    }
    for input in &options.inputs {
        let name = input.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        text.push_str(&format!("\t.include\t\"{name}\"\n"));
    }
    Ok(Source::new("command line", text))
}
