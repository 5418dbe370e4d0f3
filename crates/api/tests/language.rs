//! The language as a user meets it: files that are read, and files that are refused.
//!
//! `cases/parse-ok/NAME.api` is read; `NAME.printed` is its canonical text, and `NAME.warnings`, if
//! there are any, what was said about it. `cases/errors/NAME.api` is refused with `NAME.stderr`;
//! where `NAME.old.api` stands beside it, it is read, and compared with that one by law 1.
//! `BLESS=1` writes the expected files.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its case has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use abide_api::model::Api;
use abide_api::syntax::Errors;
use abide_testkit::{bless, check_or_bless, repo};

fn cases(dir: &str) -> Vec<(String, PathBuf)> {
    let dir = repo("crates/api/tests/cases").join(dir);
    let mut found: Vec<(String, PathBuf)> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let name = name.strip_suffix(".api").filter(|name| !name.ends_with(".old"))?;
            Some((name.to_owned(), path.clone()))
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no cases in {}", dir.display());
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn file_name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

fn parse(path: &Path) -> Result<Api, Errors> {
    Api::parse(file_name(path), &read(path))
}

fn must_parse(path: &Path) -> Api {
    parse(path).unwrap_or_else(|errors| panic!("{}\n{errors}", path.display()))
}

/// Printing and reading is the identity, and printing again changes nothing.
fn check_round_trip(name: &str, api: &Api) -> String {
    let printed = api.print();
    let again = Api::parse("printed.api", &printed)
        .unwrap_or_else(|errors| panic!("{name}, printed:\n{printed}\n{errors}"));
    assert!(api.same(&again), "{name} means something else when printed:\n{printed}");
    assert_eq!(again.print(), printed, "{name} is printed differently the second time");
    printed
}

#[test]
fn good_files_are_read_and_printed() {
    for (name, path) in cases("parse-ok") {
        let api = must_parse(&path);
        let printed = check_round_trip(&name, &api);
        check_or_bless(path.with_extension("printed"), &printed);
        let warnings = Errors { source: api.source.clone(), diagnostics: api.warnings };
        let warnings = warnings.to_string();
        let expected = path.with_extension("warnings");
        if !warnings.is_empty() || (expected.exists() && !bless()) {
            check_or_bless(expected, &format!("{warnings}\n"));
        }
    }
}

/// What `Api::parse`, or `lint_since` for a case with an `.old.api`, says about a case.
fn complaints(path: &Path) -> String {
    let old = path.with_extension("old.api");
    if !old.exists() {
        return match parse(path) {
            Err(errors) => errors.to_string(),
            Ok(_) => panic!("{} was read without an error", path.display()),
        };
    }
    let (old, new) = (must_parse(&old), must_parse(path));
    let diagnostics = new.lint_since(&old);
    assert!(!diagnostics.is_empty(), "{} breaks no law", path.display());
    Errors { source: new.source, diagnostics }.to_string()
}

#[test]
fn bad_files_are_refused() {
    for (_, path) in cases("errors") {
        check_or_bless(path.with_extension("stderr"), &format!("{}\n", complaints(&path)));
    }
}

#[test]
fn every_code_has_a_case() {
    let mut seen = BTreeSet::new();
    for dir in ["errors", "parse-ok"] {
        for (_, path) in cases(dir) {
            for extension in ["stderr", "warnings"] {
                let text = std::fs::read_to_string(path.with_extension(extension));
                for code in abide_api::codes::CODES {
                    if text.as_ref().is_ok_and(|text| text.contains(&format!("[{}]", code.id))) {
                        seen.insert(code.id);
                    }
                }
            }
        }
    }
    let missing: Vec<String> = abide_api::codes::CODES
        .iter()
        .filter(|code| !seen.contains(code.id))
        .map(|code| code.to_string())
        .collect();
    assert!(missing.is_empty(), "no case in tests/cases says {}", missing.join(", "));
}

#[test]
fn the_apis_of_the_repository_are_clean() {
    for path in ["examples/kv/kv.api", "apis/linux.api"] {
        let path = repo(path);
        let api = must_parse(&path);
        let warnings = Errors { source: api.source.clone(), diagnostics: api.warnings.clone() };
        assert!(api.warnings.is_empty(), "{warnings}");
        check_round_trip(file_name(&path), &api);
        assert!(api.lint_since(&api).is_empty(), "it changed against itself");
    }
}

#[test]
fn too_large_files_are_refused() {
    let text = " ".repeat((8 << 20) + 1);
    let errors = Api::parse("large.api", &text).unwrap_err();
    assert_eq!(errors.diagnostics[0].code.id, "A0016");
}

#[test]
fn only_so_many_errors_are_printed() {
    let text = format!("api x;\nX released 2026-01-01 {{\n{}}};\n", "kfun a;\n".repeat(150));
    let errors = Api::parse("many.api", &text).unwrap_err();
    assert_eq!(errors.diagnostics.len(), 150);
    let printed = errors.to_string();
    assert!(printed.ends_with("and 100 more"), "{printed}");
    let text = format!("api x;\n{}", "}\n".repeat(100_000));
    assert!(Api::parse("more.api", &text).unwrap_err().diagnostics.len() <= 200);
}

/// Files of hosts alone, `cases/hosts/NAME.hosts`, are read into `base.api`: `NAME.printed` is what the
/// API then says, or `NAME.stderr` what is wrong.
#[test]
fn hosts_are_read_into_their_api() {
    let dir = repo("crates/api/tests/cases/hosts");
    let base = must_parse(&dir.join("base.api"));
    for name in ["good", "bad", "none", "syntax"] {
        let path = dir.join(name).with_extension("hosts");
        let mut api = base.clone();
        match api.read_hosts(file_name(&path), &read(&path)) {
            Ok(warnings) => {
                assert!(warnings.is_empty(), "{warnings:?}");
                check_or_bless(path.with_extension("printed"), &check_round_trip(name, &api));
            }
            Err(errors) => {
                check_or_bless(path.with_extension("stderr"), &format!("{errors}\n"));
                assert!(api.same(&base), "{name} changed the API");
            }
        }
    }
    let alone = Api::parse("alone.api", &read(&dir.join("good.hosts"))).unwrap_err().to_string();
    assert!(alone.contains("--hosts FILE"), "{alone}");
}

#[test]
fn the_hosts_of_the_repository_are_clean() {
    let mut api = must_parse(&repo("apis/linux.api"));
    let nodes = api.clone();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(repo("hosts")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "api"));
    assert!(!files.is_empty());
    for path in &files {
        let warnings = api.read_hosts(file_name(path), &read(path));
        assert_eq!(warnings.unwrap_or_else(|errors| panic!("{errors}")), []);
    }
    assert_eq!(api.hosts.len(), files.len(), "one host a file");
    assert!(nodes.hosts.is_empty());
}

/// The examples of the manual are whole files, and clean.
#[test]
fn the_manual_tells_the_truth() {
    let manual = read(&repo("docs/api-language.md"));
    let mut blocks = 0;
    for block in manual.split("```api\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let api = Api::parse("manual.api", text).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(api.warnings.is_empty(), "{:?}", api.warnings);
        blocks += 1;
    }
    assert!(blocks > 0);
}
