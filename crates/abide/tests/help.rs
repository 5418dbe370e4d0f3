//! The examples in the help of all commands, run one after the other as they stand there.
//!
//! Each command has a directory with the files that its examples name; what an example writes is there
//! for the next one. What cannot be had on every machine is left out, with a printed reason.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use abide_testkit::{kernel_btf, kernels, repo, scratch, skip, tool};

const ABIDE: &str = env!("CARGO_BIN_EXE_abide");

/// What examples name, and what it is here.
const FILES: &[(&str, &str)] = &[
    ("firewall.bpf.o", "examples/firewall/firewall.bpf.o"),
    ("blocklist.txt", "examples/firewall/blocklist.txt"),
    ("web.pcap", "examples/firewall/web.pcap"),
    ("filter.bpf.o", "crates/abide/tests/fixtures/help/filter.bpf.o"),
    ("unfinished.bpf.o", "crates/abide/tests/fixtures/help/filter.bpf.o"),
    ("filter.bpf.c", "crates/abide/tests/fixtures/help/filter.bpf.c"),
    ("filter.s", "crates/abide/tests/fixtures/count.s"),
    ("old.s", "crates/abide/tests/fixtures/semicolon.s"),
    ("kv.api", "examples/kv/kv.api"),
    ("released/kv.api", "examples/kv/kv.api"),
    ("old.api", "examples/kv/kv.api"),
    ("new.api", "examples/kv/kv.api"),
    ("main.bpf.o", "crates/object/tests/cases/link/main.o"),
    ("maps.bpf.o", "crates/object/tests/cases/link/part.o"),
    ("build/main.bpf.o", "crates/object/tests/cases/link/main.o"),
    ("build/maps.bpf.o", "crates/object/tests/cases/link/part.o"),
    ("old.bpf.o", "crates/object/tests/cases/core.o"),
    ("new.bpf.o", "crates/object/tests/cases/core-near.o"),
    ("biotop.bpf.o", "crates/object/tests/cases/core.o"),
    ("5.10.btf", "crates/object/tests/cases/core.o"),
];

/// The same for what is written here.
const TEXTS: &[(&str, &str)] = &[
    ("filter.c", "int filter(void)\n{\n\treturn 0;\n}\n"),
    ("main.s", "\t.globl f\nf:\tmov %r0,1\n\texit\n"),
    ("filter.gnu.s", "f:\tmov %r0,1\n\texit\n"),
    ("maps.s", "\t.section .maps,\"aw\",@progbits\n\t.globl m\nm:\t.quad 0\n"),
];

/// Types of kernels; the shared data of tests may have them.
const KERNELS: &[(&str, &str)] = &[
    ("6.12.btf", "6.12."),
    ("6.12.btf.zst", "6.12."),
    ("6.18.btf", "6."),
    ("vmlinux.btf", "6."),
    ("btf/6.1.btf", "6.1."),
];

/// Examples that are no part of the test, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("xfs.ko", "a module of the running kernel is not at hand"),
    ("--program trace_rq_start", "the object of that name here is another one"),
    ("--against btf/", "the object of that name here is for other types"),
];

/// Examples that end with 1, because what they compare differs.
const DIFFERS: &[&str] = &["abide check", "abide api diff", "abide btf diff"];

/// Programs with which examples begin.
const PROGRAMS: &[&str] =
    &["abide", "clang", "bpf-gcc", "llvm-objcopy-19", "zstd", "diff", "mkdir"];

fn help(words: &[String]) -> String {
    let mut command = Command::new(ABIDE);
    let output = command.args(words).arg("--help").env("COLUMNS", "100").output().unwrap();
    assert!(output.status.success(), "abide {} --help", words.join(" "));
    String::from_utf8(output.stdout).unwrap()
}

/// The commands below one, from its help.
fn commands(words: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let text = help(words);
    let list = text.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.take_while(|line| !line.is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty() && name != "help").then(|| name.to_owned())
    });
    let names: Vec<String> = names.collect();
    found.push((words.to_vec(), text));
    for name in names {
        let words: Vec<String> = words.iter().cloned().chain([name]).collect();
        commands(&words, found);
    }
}

/// The examples: lines behind `Examples:` that begin with a program, without what is said of them.
fn examples(text: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| *line != "Examples:").skip(1);
    let lines = lines.filter_map(|line| line.strip_prefix("  "));
    let lines =
        lines.filter(|line| PROGRAMS.iter().any(|name| line.split(' ').next() == Some(name)));
    lines.map(|line| line.split("   ").next().unwrap_or(line).trim_end().to_owned()).collect()
}

/// Puts what an example names into a directory. Says what is missing.
fn prepare(directory: &Path, example: &str) -> Result<(), String> {
    let names = |name: &str| {
        let folder = name.split_once('/').map_or("", |(folder, _)| folder);
        example.split([' ', '=', '@', '(', ')']).any(|word| {
            word == name
                || !folder.is_empty() && word.trim_end_matches("*.bpf.o") == format!("{folder}/")
        })
    };
    let put = |name: &str, bytes: &[u8]| {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if !path.exists() {
            fs::write(path, bytes).unwrap();
        }
    };
    for (name, source) in FILES.iter().filter(|(name, _)| names(name)) {
        put(name, &fs::read(repo(source)).unwrap());
    }
    for (name, text) in TEXTS.iter().filter(|(name, _)| names(name)) {
        put(name, text.as_bytes());
    }
    for (name, series) in KERNELS.iter().filter(|(name, _)| names(name)) {
        let found = kernels().into_iter().find(|kernel| kernel.starts_with(series));
        let types = found.and_then(|kernel| kernel_btf(&kernel));
        let types = types.ok_or_else(|| format!("there is no BTF of Linux {series}"))?;
        match name.strip_suffix(".zst") {
            None => put(name, &types),
            Some(plain) => {
                put(plain, &types);
                let mut zstd = Command::new("zstd");
                let status = zstd.arg("-q").arg(plain).current_dir(directory).status();
                status.map_err(|_| "there is no zstd".to_owned())?;
            }
        }
    }
    let running = Path::new("/sys/kernel/btf/vmlinux").exists();
    let asks = example.split(' ').any(|word| matches!(word, "vmlinux" | "/sys/kernel/btf/vmlinux"));
    if !running && (asks || example == "abide probe") {
        return Err("the running kernel shows no BTF".to_owned());
    }
    Ok(())
}

/// A directory for the path in which programs have the names that examples use.
fn programs(directory: &Path) -> PathBuf {
    let bin = directory.join("path");
    fs::create_dir_all(&bin).unwrap();
    symlink(ABIDE, bin.join("abide")).unwrap();
    if let Some(clang) = tool(&["clang-19", "clang"]) {
        symlink(clang, bin.join("clang")).unwrap();
    }
    bin
}

fn run(example: &str, directory: &Path, bin: &Path) -> Output {
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("bash")
        .args(["-o", "pipefail", "-c", example])
        .current_dir(directory)
        .env("PATH", format!("{}:{path}", bin.display()))
        .output()
        .unwrap()
}

/// A program that an example calls and that is not there.
fn missing(example: &str, bin: &Path) -> Option<&'static str> {
    let called = |name: &str| example.split(' ').any(|word| word == name);
    let others = PROGRAMS.iter().chain(&["bpf-as"]).filter(|name| called(name));
    others.copied().find(|name| !bin.join(name).exists() && tool(&[name]).is_none())
}

#[test]
fn every_command_has_examples_and_they_do_what_they_say() {
    let top = scratch().join(format!("help-{}", std::process::id()));
    fs::create_dir_all(&top).unwrap();
    let bin = programs(&top);
    let mut found = Vec::new();
    commands(&[], &mut found);
    assert!(found.len() > 20, "only {} commands", found.len());
    let (mut ran, mut wrong) = (0, Vec::new());
    for (words, text) in &found {
        let name = format!("abide {}", words.join(" "));
        let examples = examples(text);
        if examples.is_empty() {
            wrong.push(format!("{name}: there are no examples"));
        }
        for heading in ["Exit codes:", "Environment:"] {
            if !text.lines().any(|line| line == heading) {
                wrong.push(format!("{name}: nothing is said under `{heading}`"));
            }
        }
        let directory = top.join(words.join("-") + "-files");
        fs::create_dir_all(&directory).unwrap();
        for example in &examples {
            if let Some((_, why)) = LEFT_OUT.iter().find(|(part, _)| example.contains(part)) {
                skip(&format!("`{example}`: {why}"));
                continue;
            }
            if let Some(program) = missing(example, &bin) {
                skip(&format!("`{example}`: there is no {program}"));
                continue;
            }
            if let Err(why) = prepare(&directory, example) {
                skip(&format!("`{example}`: {why}"));
                continue;
            }
            let output = run(example, &directory, &bin);
            let differs = DIFFERS.iter().any(|start| example.starts_with(start));
            match output.status.code() {
                Some(0) => ran += 1,
                Some(1) if differs => ran += 1,
                code => {
                    let said = String::from_utf8_lossy(&output.stderr).into_owned();
                    wrong.push(format!("{name}: `{example}` ends with {code:?}:\n{said}"));
                }
            }
        }
    }
    fs::remove_dir_all(top).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran > 30, "only {ran} examples ran");
}
