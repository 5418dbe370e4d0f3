//! The command line of `as`: what gcc passes, and what people pass to GNU's assembler for BPF.
//!
//! Its options are not of the form that the other commands' have (`-EL`, `-misa-spec=v3`, `-oFILE`,
//! `@FILE`), so that they are read here. Reads no file but those that `@FILE` names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use abide::codes;
use abide_asm::object::Semicolon;
use abide_diag::{Code, Diagnostic};
use abide_isa::{Endian, Level};

use super::super::fail::Failure;
use super::super::files::{apart, read_text};

/// How deep `@FILE` may name another.
const DEPTH: usize = 8;

/// The longest file of options.
const LIMIT: u64 = 1 << 20;

/// The version of xBPF in the flags of an ELF header; the levels have their numbers.
const XBPF: u32 = 15;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Options {
    /// `-` for standard input.
    pub(super) inputs: Vec<PathBuf>,
    pub(super) output: PathBuf,
    pub(super) endian: Endian,
    pub(super) level: Level,
    /// The flags of the ELF header.
    pub(super) flags: u32,
    pub(super) relax: bool,
    pub(super) semicolon: Semicolon,
    pub(super) include: Vec<PathBuf>,
    /// `--defsym`: statements to be read first.
    pub(super) definitions: String,
    pub(super) warn: bool,
    pub(super) fatal_warnings: bool,
    pub(super) show_version: bool,
}

/// An answer, or something to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Assemble(Box<Options>),
    Help,
    Version,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            inputs: Vec::new(),
            output: PathBuf::from("a.out"),
            endian: Endian::Little,
            level: Level::V4,
            flags: 0,
            relax: true,
            semicolon: Semicolon::Auto,
            include: Vec::new(),
            definitions: String::new(),
            warn: true,
            fatal_warnings: false,
            show_version: false,
        }
    }
}

/// Options that change nothing here: what they ask for is so anyway, is about other targets' objects,
/// or only about how GNU's assembler works.
const IGNORED: &[&str] = &[
    "-g",
    "--gen-debug",
    "--gstabs",
    "--gstabs+",
    "--gdwarf-sections",
    "--noexecstack",
    "--no-pad-sections",
    "-no-pad-sections",
    "--nocompress-debug-sections",
    "--compress-debug-sections=none",
    "--traditional-format",
    "--reduce-memory-overheads",
    "-f",
    "-J",
    "-K",
    "-w",
    "-X",
    "-nocpp",
];

/// The same, with a value behind `=` or a number at the end.
const IGNORED_PREFIXES: &[&str] =
    &["--gdwarf-", "-gdwarf-", "--hash-size=", "--multibyte-handling=", "--size-check="];

/// What GNU's assembler has, and this one has not: why, or what to do.
const MISSING: &[(&str, &str)] = &[
    ("-a", "listings of objects are made by `abide disasm`"),
    ("-R", "the sections are written as the text says"),
    ("-Z", "no object is written when there are errors"),
    ("-M", "the syntax of MRI's assemblers is not read"),
    ("--mri", "the syntax of MRI's assemblers is not read"),
    ("--MD", "gcc writes the dependencies of what it preprocesses: `-MD`"),
    ("--compress-debug-sections", "compress with `objcopy --compress-debug-sections`"),
    ("--execstack", "BPF programs have no executable stack"),
    ("--32", "that is for another processor: is the compiler one for BPF?"),
    ("--64", "that is for another processor: is the compiler one for BPF?"),
];

fn usage(code: &'static Code, message: impl Into<String>, help: Option<&str>) -> Failure {
    let diagnostic = Diagnostic::error(code, message);
    Failure::usage(match help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    })
}

/// The options and their values, one after the other.
struct Arguments {
    /// In reverse.
    rest: Vec<OsString>,
}

impl Arguments {
    /// The value of an option: behind it in the same argument, or the next argument.
    fn value(&mut self, option: &str, behind: &str) -> Result<String, Failure> {
        if !behind.is_empty() {
            return Ok(behind.strip_prefix('=').unwrap_or(behind).to_owned());
        }
        match self.rest.pop() {
            Some(value) => Ok(value.to_string_lossy().into_owned()),
            None => {
                let message = format!("`{option}` is the last argument, and needs a value");
                Err(usage(&codes::C_AS_VALUE, message, None))
            }
        }
    }
}

/// Reads a command line, without the name of the program.
pub(super) fn parse(arguments: Vec<OsString>) -> Result<Request, Failure> {
    let mut all = Vec::new();
    expand(arguments, &mut all, 0)?;
    all.reverse();
    request(Arguments { rest: all })
}

/// Replaces `@FILE` by the options in the file. One that cannot be read is the name of an input.
fn expand(arguments: Vec<OsString>, out: &mut Vec<OsString>, depth: usize) -> Result<(), Failure> {
    for argument in arguments {
        let text = argument.to_string_lossy();
        match text.strip_prefix('@').map(Path::new) {
            Some(path) if path.is_file() => {
                if depth == DEPTH {
                    let message =
                        format!("files of options name each other more than {DEPTH} deep");
                    return Err(usage(&codes::C_AS_VALUE, message, None));
                }
                expand(split(&read_text(path, LIMIT)?.text), out, depth + 1)?;
            }
            _ => out.push(argument),
        }
    }
    Ok(())
}

/// Words between blanks; quotes keep blanks, a backslash the next character.
fn split(text: &str) -> Vec<OsString> {
    let (mut out, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', _) => word.get_or_insert_default().extend(characters.next()),
            (end, Some(begin)) if end == begin => quote = None,
            ('\'' | '"', None) => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (blank, None) if blank.is_whitespace() => out.extend(word.take().map(OsString::from)),
            (other, _) => word.get_or_insert_default().push(other),
        }
    }
    out.extend(word.map(OsString::from));
    out
}

fn request(mut arguments: Arguments) -> Result<Request, Failure> {
    let mut options = Options::default();
    while let Some(argument) = arguments.rest.pop() {
        let text = argument.to_string_lossy().into_owned();
        match &*text {
            "-" | "--" => options.inputs.push(PathBuf::from("-")),
            "-EL" | "--EL" => options.endian = Endian::Little,
            "-EB" | "--EB" => options.endian = Endian::Big,
            "-W" | "--no-warn" => options.warn = false,
            "--warn" => (options.warn, options.fatal_warnings) = (true, false),
            "--fatal-warnings" => options.fatal_warnings = true,
            "-v" | "-V" => options.show_version = true,
            "--version" => return Ok(Request::Version),
            "--help" | "--target-help" => return Ok(Request::Help),
            "-mno-relax" => options.relax = false,
            "-mxbpf" => options.flags = XBPF,
            "--debug-prefix-map" | "--gdwarf-cie-version" => {
                arguments.value(&text, "")?;
            }
            option if IGNORED.contains(&option) => {}
            option if IGNORED_PREFIXES.iter().any(|prefix| option.starts_with(prefix)) => {}
            option if option.starts_with('-') => valued(&mut options, option, &mut arguments)?,
            _ => options.inputs.push(PathBuf::from(argument)),
        }
    }
    if options.inputs.is_empty() {
        options.inputs.push(PathBuf::from("-"));
    }
    for input in &options.inputs {
        apart(input, &options.output)?;
    }
    Ok(Request::Assemble(Box::new(options)))
}

/// The options with a value.
fn valued(options: &mut Options, option: &str, arguments: &mut Arguments) -> Result<(), Failure> {
    if let Some(spec) = option.strip_prefix("-misa-spec") {
        let spec = arguments.value("-misa-spec", spec)?;
        (options.level, options.flags) = match &*spec {
            "v1" => (Level::V1, 1),
            "v2" => (Level::V2, 2),
            "v3" => (Level::V3, 3),
            "v4" => (Level::V4, 4),
            "xbpf" => (Level::V4, XBPF),
            _ => return Err(choice("-misa-spec", &spec, "v1, v2, v3, v4 and xbpf")),
        };
    } else if let Some(dialect) = option.strip_prefix("-mdialect") {
        let dialect = arguments.value("-mdialect", dialect)?;
        // Each line is read in the dialect that it is written in, whatever most are.
        if !matches!(&*dialect, "normal" | "pseudoc") {
            return Err(choice("-mdialect", &dialect, "normal and pseudoc"));
        }
    } else if let Some(meaning) = option.strip_prefix("--semicolon") {
        let meaning = arguments.value("--semicolon", meaning)?;
        options.semicolon = match &*meaning {
            "auto" => Semicolon::Auto,
            "comment" => Semicolon::Comment,
            "separator" => Semicolon::Separator,
            _ => return Err(choice("--semicolon", &meaning, "auto, comment and separator")),
        };
    } else if let Some(definition) = option.strip_prefix("--defsym") {
        let definition = arguments.value("--defsym", definition)?;
        let Some((name, value)) = definition.split_once('=') else {
            let message = format!("`{definition}` is not `NAME=VALUE`");
            return Err(usage(&codes::C_AS_VALUE, message, None));
        };
        options.definitions.push_str(&format!("\t.set\t{name}, {value}\n"));
    } else if let Some(missing) =
        MISSING.iter().find(|(name, _)| option.starts_with(name) && !option.starts_with("--a"))
    {
        let message = format!("there is no `{option}` here");
        return Err(usage(&codes::C_AS_OPTION, message, Some(missing.1)));
    } else if let Some(directory) = option.strip_prefix("-I") {
        let directory = arguments.value("-I", directory)?;
        options.include.push(PathBuf::from(directory));
    } else if let Some(file) = option.strip_prefix("-o") {
        options.output = PathBuf::from(arguments.value("-o", file)?);
    } else {
        let message = format!("unknown option `{option}`");
        return Err(usage(&codes::C_AS_OPTION, message, Some("`as --help` lists all options")));
    }
    Ok(())
}

fn choice(option: &str, value: &str, all: &str) -> Failure {
    let message = format!("`{value}` is no value of `{option}`");
    usage(&codes::C_AS_VALUE, message, Some(&format!("there are {all}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, String> {
        match parse(split(line)) {
            Ok(Request::Assemble(options)) => Ok(*options),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure.messages[0].diagnostic.message.clone()),
        }
    }

    #[test]
    fn what_gcc_passes_is_read() {
        let read = options("-I foo -Ibar -EB -mdialect=pseudoc -misa-spec=v3 -mno-relax -o x.o -");
        let expected = Options {
            inputs: vec!["-".into()],
            output: "x.o".into(),
            endian: Endian::Big,
            level: Level::V3,
            flags: 3,
            relax: false,
            include: vec!["foo".into(), "bar".into()],
            ..Options::default()
        };
        assert_eq!(read.unwrap(), expected);
        let read = options("-v -EL --gdwarf-5 -W --noexecstack a.s 'b c.s'").unwrap();
        assert_eq!(read.inputs, [PathBuf::from("a.s"), PathBuf::from("b c.s")]);
        assert_eq!(read.output, PathBuf::from("a.out"));
        assert!(read.show_version && !read.warn);
        assert_eq!(options("").unwrap().inputs, [PathBuf::from("-")]);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (line, message) in [
            ("-o", "`-o` is the last argument, and needs a value"),
            ("-misa-spec=v9", "`v9` is no value of `-misa-spec`"),
            ("-mdialect=intel", "`intel` is no value of `-mdialect`"),
            ("--frobnicate", "unknown option `--frobnicate`"),
            ("-adhln", "there is no `-adhln` here"),
            ("--defsym x", "`x` is not `NAME=VALUE`"),
        ] {
            assert_eq!(options(line).unwrap_err(), message);
        }
    }
}
