//! `cargo xtask check-parity`: what `abide check` says of programs on kernels, beside what the kernels did
//! when they were asked to load them. `ask` boots the kernels; here the answers are read and compared.
//!
//! What is a reason of API and what one of the verifier is decided by the rules in `reason`, and nothing
//! else: not by looking at what Abide says.

mod ask;
mod reason;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

pub(crate) use self::ask::Guest;
use self::reason::Reason;
use crate::{Failure, tree};

/// What kernels said when they were asked, as far as they were: a line for each program.
pub(crate) fn answers(kernels: Vec<String>) -> Result<BTreeMap<String, Vec<Value>>, Failure> {
    Guest { directory: &tree::root().join(DIRECTORY), jobs: "", kernels }.read()
}

/// Objects, types and answers, in the repository.
const DIRECTORY: &str = "target/check-parity";

/// One program on one kernel.
struct Pair {
    kernel: String,
    object: String,
    program: String,
    /// Why the kernel did not load it.
    refused: Option<Reason>,
    /// What the kernel or the loader said last.
    said: String,
    /// Abide's answer.
    ours: Ours,
}

/// Abide's answer for one program on one kernel.
#[derive(Clone)]
enum Ours {
    /// It loads.
    Loads,
    /// It does not, with the code and the message.
    Refused(String),
}

impl Pair {
    /// Whether both load it or both refuse it. A refusal of the verifier is none of ours.
    fn agrees(&self) -> Option<bool> {
        match (&self.refused, &self.ours) {
            (Some(Reason::Verifier), _) => None,
            (Some(Reason::Api(_)), ours) => Some(matches!(ours, Ours::Refused(_))),
            (None, ours) => Some(matches!(ours, Ours::Loads)),
        }
    }
}

/// Asks the kernels first, if that is wanted; compares, and writes the page.
pub(crate) fn run(boot: bool) -> Result<(), Failure> {
    let directory = tree::root().join(DIRECTORY);
    if boot {
        ask::run(&directory)?;
    }
    let ours = checked(&directory)?;
    let answers = answers(abide_testkit::kernels())?;
    if answers.is_empty() {
        return Err("no kernel was asked: cargo xtask check-parity --ask".to_owned());
    }
    let pairs = pairs(&answers, &ours);
    let page = report::page(&pairs);
    fs::write(tree::root().join("docs/check-parity.md"), &page)
        .map_err(|error| format!("docs/check-parity.md: {error}"))?;
    println!("{}", report::summary(&pairs));
    Ok(())
}

/// What `abide check` says, by object, program and kernel.
fn checked(directory: &std::path::Path) -> Result<BTreeMap<[String; 3], Ours>, Failure> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--release", "--locked", "--quiet", "--package", "abide", "--"])
        .args(["check", "guest/objects", "--against", "btf", "--format", "json"])
        .current_dir(directory)
        .output()
        .map_err(|error| format!("abide check: {error}"))?;
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("abide check: {error}"))?;
    let mut found = BTreeMap::new();
    for object in list(&report["objects"]) {
        let file = PathBuf::from(text(&object["file"]));
        let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for program in list(&object["programs"]) {
            for cell in list(&program["hosts"]) {
                // What can be loaded and not attached is loaded here.
                let refused = text(&cell["verdict"]) == "refused" && cell["loads"] != true;
                let first = &cell["refusals"][0];
                let ours = match refused {
                    true => Ours::Refused(format!(
                        "{}: {}",
                        text(&first["code"]),
                        text(&first["message"])
                    )),
                    false => Ours::Loads,
                };
                let key = [file.clone(), text(&program["name"]), text(&cell["host"])];
                found.insert(key, ours);
            }
        }
    }
    Ok(found)
}

fn pairs(answers: &BTreeMap<String, Vec<Value>>, ours: &BTreeMap<[String; 3], Ours>) -> Vec<Pair> {
    let accepted: std::collections::HashSet<(String, String)> = answers
        .values()
        .flatten()
        .filter(|answer| text(&answer["verdict"]).starts_with("accept"))
        .map(name)
        .collect();
    let mut pairs = Vec::new();
    for (kernel, lines) in answers {
        for answer in lines {
            let (object, program) = name(answer);
            let Some(ours) = ours.get(&[object.clone(), program.clone(), kernel.clone()]) else {
                continue;
            };
            let elsewhere = accepted.contains(&(object.clone(), program.clone()));
            let (refused, said) = reason::of(answer, elsewhere);
            pairs.push(Pair {
                kernel: kernel.clone(),
                object,
                program,
                refused,
                said,
                ours: ours.clone(),
            });
        }
    }
    pairs
}

/// The object's file and the program of an answer.
fn name(answer: &Value) -> (String, String) {
    let file = text(&answer["obj"]);
    let file = file.rsplit('/').next().unwrap_or_default().to_owned();
    (file, text(&answer["prog"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
