//! The command line as its users see it: each `cases/**/NAME.cmd` is a command with what it prints and
//! how it ends in `NAME.out`. `BLESS=1 cargo test -p abide --test cli` writes the `.out` files;
//! `CASE=asm/` runs only those with that in their path.
//!
//! A `.cmd` file has comments (`#`) and one or more commands, one a line, all run in the root of the
//! repository; `$TMP` is a fresh directory, `$FIX` the folder of fixtures. ` | ` hands what one command
//! prints to the next, ` < FILE` hands it a file. Times and other numbers that differ from run to run, or with the size of our own structs,
//! are shown as `[…]`; of JSON it is checked that it is JSON.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use abide_testkit::{check_or_bless, repo, tool};

const ABIDE: &str = env!("CARGO_BIN_EXE_abide");
const FIXTURES: &str = "crates/abide/tests/fixtures";

struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("abide-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn abide() -> Command {
    let mut command = Command::new(ABIDE);
    command.current_dir(repo("")).env("COLUMNS", "100").env_remove("NO_COLOR");
    command
}

/// Words of a command line; quotes keep blanks together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    assert!(!quoted, "an open quote in: {line}");
    words.extend(word);
    words
}

/// Replaces the number after each `before`.
fn redact_after(text: &str, before: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(before) {
        let (head, tail) = rest.split_at(at + before.len());
        let digits = tail.find(|c: char| !c.is_ascii_digit() && !".-e".contains(c));
        out.push_str(head);
        out.push_str("[…]");
        rest = &tail[digits.unwrap_or(tail.len())..];
    }
    out + rest
}

/// Replaces the number before ` ns per `, and shows what differs from run to run as `[…]`.
fn redact(text: &str, tmp: &Path) -> String {
    let text = text.replace(&tmp.display().to_string(), "$TMP");
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_once(" ns per ") {
            Some((head, tail)) if head.starts_with("  time") => {
                let keep = head.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
                lines.push_str(&format!("{keep}[…] ns per {tail}"));
            }
            _ => lines.push_str(line),
        }
    }
    let befores = [
        ".time_ns = ",
        "\"time_ns\": ",
        "\"ns_per_run\": ",
        "\"microseconds\": ",
        "\"memory\": ",
        "bytes of stack, ",
        "KiB of memory, ",
    ];
    befores.iter().fold(lines, |text, before| redact_after(&text, before))
}

fn section(out: &mut String, name: &str, text: &str) {
    if !text.is_empty() {
        writeln!(out, "--- {name}").unwrap();
        out.push_str(text);
        if !text.ends_with('\n') {
            out.push_str("⏎ (no newline)\n");
        }
    }
}

/// Runs commands that hand their output to the next. Gives that of the last, and what all complain of.
fn pipeline(words: &[String]) -> (Output, Vec<u8>) {
    let mut input = Vec::new();
    let mut complaints = Vec::new();
    let mut last = None;
    for command in words.split(|word| word == "|") {
        let (command, file) = match command {
            [command @ .., sign, file] if sign == "<" => (command, Some(file)),
            command => (command, None),
        };
        if let Some(file) = file {
            input = std::fs::read(repo(file)).unwrap();
        }
        let [name, arguments @ ..] = command else { panic!("an empty command: {words:?}") };
        assert_eq!(name, "abide", "{words:?}");
        let mut child = abide()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let given = std::mem::take(&mut input);
        // A command that does not read its input is no failure of the test.
        let feed = std::thread::spawn(move || stdin.write_all(&given).ok());
        let output = child.wait_with_output().unwrap();
        feed.join().unwrap();
        input.clone_from(&output.stdout);
        complaints.extend_from_slice(&output.stderr);
        last = Some(output);
    }
    (last.expect("at least one command"), complaints)
}

fn run_case(path: &Path) -> String {
    let name = path.file_stem().unwrap().to_string_lossy();
    let tmp = Directory::new(&name);
    let text = std::fs::read_to_string(path).unwrap();
    let mut out = String::new();
    let commands =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in commands {
        let filled = line.replace("$TMP", &tmp.0.to_string_lossy()).replace("$FIX", FIXTURES);
        let words = words(&filled);
        let (output, complaints) = pipeline(&words);
        let stdout = String::from_utf8(output.stdout).expect("output is UTF-8");
        let stderr = String::from_utf8(complaints).expect("output is UTF-8");
        if line.contains("--format json") && output.status.code() != Some(2) {
            serde_json::from_str::<serde_json::Value>(&stdout)
                .unwrap_or_else(|error| panic!("{}: {error}\n{stdout}", path.display()));
            assert_eq!(stderr, "", "{}: JSON is all there is", path.display());
        }
        let code = output.status.code().expect("not ended by a signal");
        writeln!(out, "$ {line}").unwrap();
        section(&mut out, "stdout", &redact(&stdout, &tmp.0));
        section(&mut out, "stderr", &redact(&stderr, &tmp.0));
        writeln!(out, "--- exit {code}").unwrap();
    }
    out
}

fn cases(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            cases(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "cmd") {
            found.push(path);
        }
    }
}

#[test]
fn commands_print_what_their_files_say() {
    let mut found = Vec::new();
    cases(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases")), &mut found);
    found.sort();
    if let Ok(only) = std::env::var("CASE") {
        found.retain(|path| path.to_string_lossy().contains(&only));
    }
    assert!(!found.is_empty());
    let mut failed = Vec::new();
    for path in &found {
        let actual = run_case(path);
        let expected = path.with_extension("out");
        let checked = std::panic::catch_unwind(|| check_or_bless(&expected, &actual));
        if checked.is_err() {
            failed.push(path.display().to_string());
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} cases differ:\n{}",
        failed.len(),
        found.len(),
        failed.join("\n")
    );
}

#[test]
fn every_code_can_be_explained() {
    let mut seen = std::collections::BTreeSet::new();
    for code in abide::codes::all() {
        assert!(seen.insert(code.id), "{} stands twice", code.id);
        assert!(!code.explain.trim().is_empty(), "{} has no explanation", code.id);
    }
    let output = abide().args(["explain", "--format", "json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), seen.len());
}

#[test]
fn tcpdump_reads_what_is_written() {
    let Some(tcpdump) = tool(&["tcpdump"]) else { return };
    let tmp = Directory::new("tcpdump");
    let passed = tmp.0.join("passed.pcap");
    let status = abide()
        .args([
            "run",
            "examples/firewall/firewall.bpf.o",
            "--packets",
            "examples/firewall/web.pcap",
        ])
        .args(["--map", "blocklist=examples/firewall/blocklist.txt", "--write"])
        .arg(&passed)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    // The same capture in a pipe, without the report.
    let run =
        ["run", "examples/firewall/firewall.bpf.o", "--packets", "examples/firewall/web.pcap"];
    let list = ["--map", "blocklist=examples/firewall/blocklist.txt", "--write", "-"];
    let piped = abide().args(run).args(list).output().unwrap();
    assert!(piped.status.success() && piped.stdout == std::fs::read(&passed).unwrap());
    let both = abide().args(run).args(list).args(["--format", "json"]).output().unwrap();
    assert_eq!(both.status.code(), Some(2));
    let read = |path: &Path| {
        let output = Command::new(&tcpdump).args(["-nn", "-tt", "-r"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let (all, passed) = (read(&repo("examples/firewall/web.pcap")), read(&passed));
    assert!(!passed.is_empty() && passed.len() < all.len());
    // Packets that pass are not changed, and keep their times and order.
    let mut rest = all.iter();
    assert!(passed.iter().all(|line| rest.any(|known| known == line)));
}

#[test]
fn colours_are_for_terminals_and_who_asks() {
    let colours = |args: &[&str]| {
        let output = abide().args(args).output().unwrap();
        output.stdout.contains(&0x1b) || output.stderr.contains(&0x1b)
    };
    let object = "examples/firewall/firewall.bpf.o";
    assert!(!colours(&["inspect", object]));
    assert!(!colours(&["inspect", object, "--color", "never"]));
    assert!(colours(&["inspect", object, "--color", "always"]));
    assert!(colours(&["--color", "always", "inspect", "no-such-file"]));
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child =
        abide().args(["explain"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn later_passes_do_not_change_the_report() {
    let report = |repeat: &str| {
        let output = abide()
            .args(["run", "examples/firewall/firewall.bpf.o", "--format", "json"])
            .args(["--packets", "examples/firewall/web.pcap", "--repeat", repeat, "--events", "0"])
            .output()
            .unwrap();
        let mut report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let time = report.as_object_mut().unwrap().remove("time").unwrap();
        assert_eq!(time["passes"].to_string(), repeat);
        report
    };
    assert_eq!(report("1"), report("3"));
}

#[test]
fn damaged_objects_and_captures_are_refused_and_nothing_else() {
    let tmp = Directory::new("damaged");
    let object = std::fs::read(repo("examples/firewall/firewall.bpf.o")).unwrap();
    let capture = std::fs::read(repo(FIXTURES).join("three.pcap")).unwrap();
    let (object_path, capture_path) = (tmp.0.join("cut.o"), tmp.0.join("cut.pcap"));
    for part in 0..12 {
        std::fs::write(&object_path, &object[..object.len() * part / 12]).unwrap();
        std::fs::write(&capture_path, &capture[..capture.len() * part / 12]).unwrap();
        let object_output = abide().arg("inspect").arg(&object_path).output().unwrap();
        assert_eq!(object_output.status.code(), Some(1), "object cut at {part}/12");
        let capture_output = abide()
            .args(["run", "examples/firewall/firewall.bpf.o", "--packets"])
            .arg(&capture_path)
            .output()
            .unwrap();
        let code = capture_output.status.code();
        assert!(matches!(code, Some(0 | 1)), "capture cut at {part}/12: {code:?}");
    }
}
