//! The command line of `as`: what gcc passes, and what people pass to GNU's assembler for BPF.
//!
//! Its options are not of the form that the other commands' have (`-EL`, `-misa-spec=v3`, `-oFILE`,
//! `@FILE`), so that they are read here. Reads no file but those that `@FILE` names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use abide::codes;
use abide_asm::object::Semicolon;
use abide_diag::{Code, Diagnostic, printable};
use abide_isa::{Endian, Level};

use super::super::fail::Failure;
use super::super::files::{apart, read_text};

/// How deep `@FILE` may name another.
const DEPTH: usize = 8;

/// How many such files there may be.
const FILES: usize = 1000;

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

/// The options, as they are documented: spellings, with what stands for a value in capitals, and what
/// they do.
pub(crate) const OPTIONS: &[(&str, &str)] = &[
    ("-o FILE", "the object; `-` is standard output [default: a.out]"),
    ("-EL, -EB, --EL, --EB", "little or big endian [default: little]"),
    ("-I DIR", "look for `.include`d files there as well"),
    (
        "-misa-spec=v1|v2|v3|v4|xbpf",
        "no instruction above this level; it is noted in the object [default: v4, and no note]",
    ),
    ("-mxbpf", "note in the object that it is for xBPF"),
    ("-mno-relax", "far branches are errors; without it, at level v4, they become longer"),
    ("-mdialect=normal|pseudoc", "accepted: either is read in any case"),
    (
        "--semicolon=auto|comment|separator",
        "what `;` does. auto: it separates statements, but gcc 12's own comments are comments; \
         comment: as in binutils up to 2.40 [default: auto]",
    ),
    ("--defsym NAME=VALUE", "give a symbol a value first"),
    ("-W, --no-warn", "no warnings"),
    ("--fatal-warnings", "warnings are errors"),
    ("--warn", "warnings are neither left out nor errors [default]"),
    ("-v, -V", "print the version, and go on"),
    ("--version", "print the version"),
    ("--help, --target-help", "print this"),
    ("@FILE", "read options from a file"),
];

/// Options that change nothing here: what they ask for is so anyway, is about other targets' objects,
/// or only about how GNU's assembler works.
pub(super) const IGNORED: &[&str] = &[
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
    "--elf-stt-common=no",
    "--generate-missing-build-notes=no",
    "--traditional-format",
    "--reduce-memory-overheads",
    "--info",
    "--no-info",
    "-f",
    "-D",
    "-J",
    "-K",
    "-w",
    "-X",
    "-nocpp",
];

/// The same, with a value behind `=` or a number at the end.
pub(super) const IGNORED_PREFIXES: &[&str] = &[
    "--gdwarf-",
    "-gdwarf-",
    "--gdwarf-cie-version=",
    "--debug-prefix-map=",
    "--hash-size=",
    "--multibyte-handling=",
    "--size-check=",
];

/// What GNU's assembler has or compilers take, and this one does not: why, or what to do.
const MISSING: &[(&str, &str)] = &[
    ("-a", LISTINGS),
    ("--listing-lhs-width", LISTINGS),
    ("--listing-lhs-width2", LISTINGS),
    ("--listing-rhs-width", LISTINGS),
    ("--listing-cont-lines", LISTINGS),
    ("-R", "the sections are written as the text says"),
    ("-Z", "no object is written when there are errors"),
    ("-M", "the syntax of MRI's assemblers is not read"),
    ("--mri", "the syntax of MRI's assemblers is not read"),
    ("--alternate", "the alternate syntax of macros is not read"),
    ("--MD", "gcc writes the dependencies of what it preprocesses: `-MD`"),
    ("-L", "symbols that begin with `.L` are not kept"),
    ("--keep-locals", "symbols that begin with `.L` are not kept"),
    ("--strip-local-absolute", "`llvm-objcopy --strip-symbol` takes symbols out"),
    ("--sectname-subst", "`%S` in the names of sections is not replaced"),
    ("--elf-stt-common", "common symbols have the type `object`"),
    ("--generate-missing-build-notes", "no notes are made up"),
    ("--compress-debug-sections", "compress with `objcopy --compress-debug-sections`"),
    ("--gsframe", "BPF programs have no SFrame"),
    ("--execstack", "BPF programs have no executable stack"),
    ("--statistics", "nothing is measured"),
    ("--dump-config", "there is no configuration"),
    ("--32", OTHER),
    ("--64", OTHER),
    ("-m32", OTHER),
    ("-m64", OTHER),
    ("-march", OTHER),
    ("-mcpu", "the level of the instruction set is set by `-misa-spec=v3`"),
    ("-mlittle-endian", "that is gcc's; here it is `-EL`"),
    ("-mbig-endian", "that is gcc's; here it is `-EB`"),
];

const LISTINGS: &str = "listings of objects are made by `abide disasm`";
const OTHER: &str = "that is for another processor: is the compiler one for BPF?";

/// Whether an option is this one, or this one with a value.
fn is(option: &str, name: &str) -> bool {
    match option.strip_prefix(name) {
        // Listings have their kinds as letters.
        Some(_) if name == "-a" => true,
        Some(rest) => rest.is_empty() || rest.starts_with('='),
        None => false,
    }
}

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
    expand(arguments, &mut all, &mut 0, 0)?;
    all.reverse();
    request(Arguments { rest: all })
}

/// Replaces `@FILE` by the options in the file. One that cannot be read is the name of an input.
fn expand(
    arguments: Vec<OsString>,
    out: &mut Vec<OsString>,
    files: &mut usize,
    depth: usize,
) -> Result<(), Failure> {
    for argument in arguments {
        let text = argument.to_string_lossy();
        match text.strip_prefix('@').map(Path::new) {
            Some(path) if path.is_file() => {
                *files += 1;
                if depth == DEPTH || *files > FILES {
                    let message = format!(
                        "files of options name each other more than {DEPTH} deep, or more than \
                         {FILES} times"
                    );
                    return Err(usage(&codes::C_AS_VALUE, message, None));
                }
                expand(split(&read_text(path, LIMIT)?.text), out, files, depth + 1)?;
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
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with(|first: char| first.is_ascii_digit())
                && name.chars().all(|one| one.is_ascii_alphanumeric() || "_.$".contains(one))
        };
        let parts = definition.split_once('=').filter(|(name, _)| is_name(name));
        let Some((name, value)) = parts else {
            let message = format!("`{}` is not `NAME=VALUE`", printable(&definition));
            return Err(usage(&codes::C_AS_VALUE, message, None));
        };
        options.definitions.push_str(&format!("\t.set\t{name}, {value}\n"));
    } else if let Some(missing) = MISSING.iter().find(|(name, _)| is(option, name)) {
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
    use proptest::prelude::*;

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

    /// The words that a documented spelling stands for.
    fn spelled(form: &str) -> Vec<String> {
        let places = [("FILE", "x.o"), ("DIR", "include"), ("NAME=VALUE", "x=1")];
        let form =
            places.iter().fold(form.to_owned(), |form, (place, word)| form.replace(place, word));
        match form.split_once('=').filter(|(_, values)| values.contains('|')) {
            Some((name, values)) => {
                values.split('|').map(|value| format!("{name}={value}")).collect()
            }
            None => vec![form],
        }
    }

    #[test]
    fn what_is_documented_is_read_and_what_is_ignored_changes_nothing() {
        for (forms, _) in OPTIONS {
            for line in forms.split(", ").flat_map(spelled) {
                let read = parse(split(&line)).unwrap_or_else(|failure| {
                    panic!("{line}: {}", failure.messages[0].diagnostic.message)
                });
                let request = matches!(&*line, "--version" | "--help" | "--target-help");
                assert_eq!(!matches!(read, Request::Assemble(_)), request, "{line}");
            }
        }
        for name in IGNORED {
            assert_eq!(options(name), options(""), "{name}");
        }
        for name in IGNORED_PREFIXES {
            assert_eq!(options(&format!("{name}2")), options(""), "{name}");
        }
        for (name, _) in MISSING {
            let documented =
                OPTIONS.iter().any(|(forms, _)| forms.split(", ").any(|one| one == *name));
            assert!(!documented && !IGNORED.contains(name), "{name}");
            assert_eq!(options(name).unwrap_err(), format!("there is no `{name}` here"));
        }
    }

    #[test]
    fn all_that_gnu_as_lists_is_known() {
        let Some(tool) = abide_testkit::tool(&["bpf-as"]) else { return };
        let output = std::process::Command::new(tool).arg("--help").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names = 0;
        for line in text.lines().filter_map(|line| line.strip_prefix("  -")) {
            // `-L,--keep-locals   keep local symbols`, `--size-check=[error|warning]`, `-I DIR  …`.
            let forms = line.split("  ").next().unwrap_or_default();
            for form in
                format!("-{forms}").split([',', ' ', '\t']).filter(|word| word.starts_with('-'))
            {
                let name = form.split(['[', '<']).next().unwrap_or_default();
                // A value, in case it takes one.
                let value = if form.ends_with("<N>") { "2" } else { "" };
                let read = match parse(split(&format!("{name}{value} x=v1"))) {
                    Ok(_) => Ok(()),
                    Err(failure) => Err(failure.messages[0].diagnostic.message.clone()),
                };
                let unknown = matches!(&read, Err(why) if why.starts_with("unknown"));
                assert!(!unknown, "{form}: {read:?}");
                names += 1;
            }
        }
        assert!(names > 40, "only {names} options were found");
    }

    proptest! {
        #[test]
        fn any_words_are_read_or_refused(
            words in proptest::collection::vec(
                prop_oneof![
                    "\\PC{0,12}",
                    "-{1,2}[a-zA-Z=+0-9]{0,9}",
                    proptest::sample::select(all_words()),
                    (proptest::sample::select(all_words()), "[=a-z0-9]{0,4}")
                        .prop_map(|(word, more)| word + &more),
                ],
                0..8,
            ),
        ) {
            match parse(words.iter().map(OsString::from).collect()) {
                Ok(Request::Assemble(options)) => {
                    prop_assert!(!options.inputs.is_empty());
                    prop_assert!(matches!(options.flags, 0..=4 | XBPF));
                }
                Ok(_) => {}
                Err(failure) => {
                    prop_assert_eq!(failure.messages.len(), 1);
                    let code = failure.messages[0].diagnostic.code.id;
                    prop_assert!(matches!(code, "C0601" | "C0602" | "C0312"), "{}", code);
                }
            }
        }
    }

    /// All words that mean something.
    fn all_words() -> Vec<String> {
        let documented = OPTIONS.iter().flat_map(|(forms, _)| forms.split(", ").flat_map(spelled));
        let missing = MISSING.iter().map(|(name, _)| *name);
        let others = IGNORED.iter().chain(IGNORED_PREFIXES).copied().chain(missing);
        documented.chain(others.map(str::to_owned)).collect()
    }
}
