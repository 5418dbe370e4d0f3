//! Binding rules 1–6 and every kind of refusal: an object, an API, a host, and what comes of it.
//!
//! Each `cases/binding/*.case` names an object, an API file and a host (`host LABEL [on DATE]
//! [add LABEL] [nobody LABEL]`, and may name a `program`), and has the expected report below `----`. `BLESS=1` writes it.
//! The objects are made by clang from the C files beside them.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use abide_api::bind::codes::CODES;
use abide_api::{Api, Binding, HostProfile, Requirements};
use abide_diag::Report;
use abide_object::Object;
use abide_testkit::{bless, repo};

fn folder() -> PathBuf {
    repo("crates/api/tests/cases/binding")
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "case"))
        .collect();
    cases.sort();
    cases
}

fn api(path: &Path) -> Result<Arc<Api>, String> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_string_lossy();
    Api::parse(&name, &text).map(Arc::new).map_err(|errors| errors.to_string())
}

struct Case {
    object: Vec<u8>,
    apis: Result<Vec<Arc<Api>>, String>,
    host: Vec<String>,
    program: Option<String>,
}

fn read(head: &str) -> Case {
    let mut case =
        Case { object: Vec::new(), apis: Ok(Vec::new()), host: Vec::new(), program: None };
    for line in head.lines().filter(|line| !line.starts_with('#')) {
        match line.split_once(' ') {
            Some(("object", name)) => case.object = fs::read(folder().join(name)).unwrap(),
            Some(("api", name)) => {
                case.apis = case.apis.and_then(|mut apis| {
                    apis.push(api(&folder().join(name))?);
                    Ok(apis)
                });
            }
            Some(("host", words)) => {
                case.host = words.split(' ').map(str::to_owned).collect();
            }
            Some(("program", name)) => case.program = Some(name.to_owned()),
            _ => panic!("not a line of a case: {line}"),
        }
    }
    case
}

fn run(case: &Case) -> String {
    let mut out = String::new();
    let object = match Object::parse(&case.object) {
        Ok(object) => object,
        Err(error) => return error.report().to_string(),
    };
    let apis = match &case.apis {
        Ok(apis) => apis,
        Err(errors) => return errors.clone(),
    };
    let needs = match Requirements::of(&object, apis) {
        Ok(needs) => needs,
        Err(refusal) => return refusal.report().to_string(),
    };
    let declared = needs.declared.map(|node| needs.api.node_ref(node).name.as_str());
    let oldest = needs.oldest_node().map(|node| needs.api.node_ref(node).name.as_str());
    let _ = writeln!(
        out,
        "declared {}, oldest node {}",
        declared.unwrap_or("nothing"),
        oldest.unwrap_or("none")
    );
    let host = match host(&needs.api, &case.host) {
        Ok(host) => host,
        Err(error) => return out + &error.report().to_string(),
    };
    let binding = match &case.program {
        Some(name) => host.bind_program(&needs, name),
        None => host.bind(&needs),
    };
    match binding {
        Ok(binding) => {
            show(&mut out, &binding, &object);
        }
        Err(refusals) => {
            let _ = writeln!(out, "{refusals}");
        }
    }
    out
}

fn host(api: &Arc<Api>, words: &[String]) -> Result<HostProfile, abide_api::HostError> {
    let mut host = HostProfile::parse(api, &words[0])?;
    for pair in words[1..].chunks(2) {
        match (pair[0].as_str(), pair[1].as_str()) {
            ("add", label) => host = host.add(label)?,
            ("nobody", label) => {
                let without = api.labelled(label);
                host = host.with_bodies(api.ids().filter(|id| !without.contains(id)));
            }
            other => panic!("not a word of a host: {other:?}"),
        }
    }
    Ok(host)
}

fn show(out: &mut String, binding: &Binding, object: &Object) {
    let api = binding.api();
    for program in &binding.programs {
        let name = &program.needs.name;
        let _ = writeln!(out, "program {name} ({})", api.label(program.program_type));
        for call in &program.calls {
            let how = match call.served {
                Some((id, service)) => {
                    let until = service.until().map_or(String::new(), |end| format!(" {end}"));
                    format!("{} {}{until}", api.label(id), service.word())
                }
                None => "absent".to_owned(),
            };
            let number = call.renumbered.map_or(String::new(), |to| format!(", here number {to}"));
            let _ = writeln!(out, "  {}: {how}{number}; calls: {}", call.name, call.sites.len());
        }
        match binding.link(object, name) {
            Ok(program) => {
                for function in &program.functions {
                    let _ = writeln!(out, "  {} slots {:?}", function.name, function.slots);
                }
                for line in abide_asm::disassemble(&program.slots, abide_asm::Dialect::C) {
                    let slot = line.slot as u32;
                    let compat = program.function_at(slot).is_some_and(|f| f.compat.is_some());
                    if !compat
                        && program.slots[line.slot].code != 0x85
                        && !line.text.contains("ld_pseudo")
                    {
                        continue;
                    }
                    let bound = program.calls.get(&slot);
                    let bound = bound.map_or(String::new(), |call| {
                        format!("  # {}", api.label(call.definition))
                    });
                    let _ = writeln!(out, "    {:>3}: {}{bound}", line.slot, line.text);
                }
            }
            Err(error) => {
                let _ = writeln!(out, "{}", error.report());
            }
        }
    }
    for warning in &binding.warnings {
        let _ = writeln!(out, "{}", warning.report());
    }
}

#[test]
fn each_case_is_as_expected() {
    let mut failed = Vec::new();
    for path in cases() {
        let text = fs::read_to_string(&path).unwrap();
        let (head, expected) = text.split_once("----\n").unwrap_or((&text, ""));
        let actual = run(&read(head));
        let actual = format!("{}\n", actual.trim_end());
        if bless() {
            fs::write(&path, format!("{head}----\n{actual}")).unwrap();
        } else if actual != expected {
            failed.push(format!("{}:\n{actual}\nexpected:\n{expected}", path.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_code_has_a_case() {
    // What only the types of a kernel can tell is asked of `check`.
    let checked = ["guards", "operations"];
    let checked = checked.map(|name| repo(&format!("crates/api/tests/cases/check/{name}.txt")));
    let files = cases().into_iter().chain(checked);
    let all: String = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    // Objects that clang does not make are made there.
    let made = fs::read_to_string(repo("crates/api/tests/robust.rs")).unwrap();
    let missing: BTreeSet<_> = CODES
        .iter()
        .map(|code| code.id)
        .filter(|id| !all.contains(&format!("[{id}]")) && !made.contains(&format!("\"{id}\"")))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}
