//! The kernel's selftests as objects: read, relocated, bound, linked and proved as any other.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use abide_api::model::Api;
use abide_api::{HostProfile, Requirements};
use abide_btf::core::Target;
use abide_btf::{Btf, Type, TypeId};
use abide_diag::Report;
use abide_object::{ExternKind, Kconfig, Object, Target as Means, host_types};
use abide_verifier::Options;
use serde_json::{Value, json};

use super::{Case, Corpus};
use crate::Failure;

/// Objects with the kernel's verdicts.
#[derive(Debug)]
pub(super) struct Objects {
    pub(super) name: &'static str,
    archive: &'static str,
    verdicts: Verdicts,
    node: &'static str,
    kernel: &'static str,
    /// Loaded without privileges.
    unprivileged: bool,
}

/// Where verdicts come from.
#[derive(Debug)]
enum Verdicts {
    /// What a kernel said.
    Kernel(&'static str),
    /// What the tests expect of a kernel with all privileges.
    Expected(&'static str),
    /// What the kernel said when `check-parity --ask` booted it.
    Asked,
}

impl Verdicts {
    /// One value for each program: its object, itself, the verdict, and why.
    fn read(&self, kernel: &str) -> Result<Vec<Value>, Failure> {
        let file = match self {
            Verdicts::Asked => return asked(kernel),
            Verdicts::Kernel(file) => {
                return super::lines(&format!("corpus/kernel-verdicts/{file}.jsonl.zst"));
            }
            Verdicts::Expected(file) => file,
        };
        let text = super::text(&format!("corpus/{file}.json.zst"))?;
        let tests: Vec<Value> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let expected = |test: &Value| {
            let says = match test["priv"]["expect"].as_str()? {
                "success" => "accept",
                _ => "reject",
            };
            let words: Vec<&str> = test["priv"]["msgs"]
                .as_array()?
                .iter()
                .filter_map(|words| words[1].as_str())
                .collect();
            Some(json!({
                "obj": format!("o/{}.bpf.o", test["object"].as_str()?),
                "prog": test["prog"],
                "verdict": says,
                "log": if words.is_empty() { "failure".to_owned() } else { words.join("; ") },
                "flags": test["flags"],
            }))
        };
        Ok(tests.iter().filter_map(expected).collect())
    }
}

pub(super) const CORPORA: &[Objects] = &[
    Objects {
        name: "annotated selftests of 6.12",
        archive: "selftests-612-c19-v3",
        verdicts: Verdicts::Kernel("vm612tm-ann"),
        node: "TESTMOD_6.12",
        kernel: "6.12.117-cloud",
        unprivileged: false,
    },
    Objects {
        name: "other selftests of 6.12",
        archive: "selftests-612-c19-v3",
        verdicts: Verdicts::Kernel("vm612-rest"),
        node: "TESTMOD_6.12",
        kernel: "6.12.117-cloud",
        unprivileged: false,
    },
    Objects {
        name: "annotated selftests of 6.1",
        archive: "selftests-61-c19-v3",
        verdicts: Verdicts::Expected("annot-61-c19-v3"),
        node: "LINUX_6.1",
        kernel: "6.1.192",
        unprivileged: false,
    },
    Objects {
        name: "annotated selftests of 6.12 without privileges",
        archive: "selftests-612-c19-v3",
        verdicts: Verdicts::Kernel("vm612-unpriv"),
        node: "TESTMOD_6.12",
        kernel: "6.12.117-cloud",
        unprivileged: true,
    },
    Objects {
        name: "Debian's libbpf-tools on 6.12",
        archive: TOOLS,
        verdicts: Verdicts::Asked,
        node: "LINUX_6.12",
        kernel: "6.12.117-cloud",
        unprivileged: false,
    },
    Objects {
        name: "Debian's libbpf-tools on 6.18",
        archive: TOOLS,
        verdicts: Verdicts::Asked,
        node: "LINUX_6.18",
        kernel: "6.18.5",
        unprivileged: false,
    },
];

/// The package of Debian.
const TOOLS: &str = "libbpf-tools";
/// Kernels that are asked what they say of programs that an older one rejects.
const LATER: &[&str] = &["6.16.3", "6.18.5", "7.3.4"];

pub(super) fn run(
    api: &Arc<Api>,
    corpus: &Objects,
    wanted: &super::Wanted<'_>,
) -> Result<Corpus, Failure> {
    let folder = unpacked(corpus.archive)?;
    let types = types(corpus.kernel)?;
    let host = HostProfile::at(api, corpus.node).map_err(|error| error.to_string())?;
    let mut by_object: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in corpus.verdicts.read(corpus.kernel)? {
        let object = line["obj"].as_str().unwrap_or("").to_owned();
        by_object.entry(object).or_default().push(line);
    }
    let mut result = Corpus { name: corpus.name, cases: Vec::new(), left_out: BTreeMap::new() };
    let times = times()?;
    for (name, verdicts) in by_object {
        if !wanted.case(&name) {
            continue;
        }
        let path = folder.join(&name);
        let Ok(bytes) = std::fs::read(&path) else {
            *result.left_out.entry("no such object".to_owned()).or_default() += verdicts.len();
            continue;
        };
        let object = read(&path, &bytes, &types);
        for verdict in verdicts {
            let program = verdict["prog"].as_str().unwrap_or("");
            let words = super::last_words(verdict["log"].as_str().unwrap_or(""));
            let kernel = match verdict["verdict"].as_str().unwrap_or("") {
                "accept" => true,
                // What it says of the program's target is no verdict on the program.
                "reject" if words.is_empty() || TARGET.iter().any(|word| words.contains(word)) => {
                    let why = "rejected for what it is attached to, or without a word".to_owned();
                    *result.left_out.entry(why).or_default() += 1;
                    continue;
                }
                "reject" => false,
                // Refused before the verifier looks at it, not another program of its object.
                "reject_silent"
                    if verdict["libbpf"].as_str().is_some_and(|said| {
                        corpus.unprivileged && said.contains(&format!("prog '{program}'"))
                    }) =>
                {
                    false
                }
                other => {
                    *result.left_out.entry(format!("verdict {other}")).or_default() += 1;
                    continue;
                }
            };
            let case = Case {
                name: format!(
                    "{} {program}",
                    name.trim_start_matches("o/").trim_end_matches(".bpf.o")
                ),
                kernel,
                words,
                refused: None,
                processed: (verdict["processed"].as_u64().unwrap_or(0), 0),
                time: 0,
                later: verdict["later"]
                    .as_str()
                    .and_then(|found| LATER.iter().copied().find(|kernel| *kernel == found)),
                kernel_time: times.get(verdict["id"].as_str().unwrap_or("")).copied(),
            };
            let strict = verdict["flags"].as_u64().unwrap_or(0) & 1 != 0;
            let options = Options {
                host_types: Some(&types),
                explain: false,
                strict_alignment: strict,
                ..Options::new(host.node())
            };
            let options = if corpus.unprivileged { options.without_privileges() } else { options };
            result.cases.push(judge(&host, &object, program, &options, case));
        }
    }
    Ok(result)
}

/// What the kernel says when a program cannot be attached where it wants to be.
const TARGET: [&str; 6] = [
    "is not sleepable",
    "is not modifiable",
    "attach to unsupported member",
    "points to disabled hook",
    "helper call is not allowed in probe",
    "The address of function",
];

type Failed = (String, String);

fn read(path: &Path, bytes: &[u8], types: &Btf) -> Result<Object, Failed> {
    let failed = |error: &dyn std::fmt::Display| ("object".to_owned(), error.to_string());
    let mut object = Object::parse(bytes).map_err(|error| failed(&error))?;
    let own = own_target(&object, path);
    let target = Target::new(own.as_ref().unwrap_or(types));
    let relocated = object.relocate_core(&target);
    if let Err(refused) = relocated.apply(&mut object) {
        return Err(("core".to_owned(), format!("{} relocations are refused", refused.len())));
    }
    object.core.clear();
    let config = Kconfig {
        text: CONFIG,
        kernel_version: Some(0x06_0c_75),
        has_bpf_cookie: true,
        has_syscall_wrapper: true,
    };
    object.set_kconfig(&config).map_err(|error| failed(&error))?;
    object.place_variables(types);
    place_symbols(&mut object);
    Ok(object)
}

/// The types that a test wants to be relocated against, from another object.
fn own_target(object: &Object, path: &Path) -> Option<Btf> {
    let btf = object.btf.as_ref()?;
    let tag = |id| match btf.get(id) {
        Some(Type::DeclTag { name, .. }) => name.split_once("test_btf_path=").map(|(_, path)| path),
        _ => None,
    };
    let file = (1..).map(TypeId).take_while(|id| btf.get(*id).is_some()).find_map(tag)?;
    let bytes = std::fs::read(path.parent()?.join(file)).ok()?;
    Object::parse(&bytes).ok()?.btf
}

/// Gives symbols of the kernel without a type an address: the kernel that took the program had them.
fn place_symbols(object: &mut Object) {
    let (externs, btf) = (&object.externs, object.btf.as_ref());
    for function in &mut object.functions {
        function.relocations.retain(|relocation| {
            let Means::Extern(id) = relocation.target else { return true };
            let ExternKind::Ksym { ty } = externs[id.index()].kind else { return true };
            let typed = ty.zip(btf).is_some_and(|(ty, btf)| btf.strip(ty) != TypeId::VOID);
            let rest = function.slots.get_mut(relocation.slot as usize..);
            let Some([low, high, ..]) = rest.filter(|_| !typed) else { return true };
            let address = 0xffff_ffff_8100_0000 + 64 * u64::from(id.0);
            (low.imm, high.imm) = (address as i32, (address >> 32) as i32);
            false
        });
    }
}

/// Of the kernel's configuration what the tests ask for and must be there.
const CONFIG: &str = "CONFIG_HZ=250\nCONFIG_BPF_SYSCALL=y\nCONFIG_SECURITY_SELINUX=y\n";

/// The API of Linux with what the kernel's test module adds.
pub(super) fn with_test_module() -> Result<Arc<Api>, Failure> {
    let linux = abide::linux_api().map_err(|errors| format!("{errors:?}"))?;
    let text = format!("{}\n{}", linux.source.text, include_str!("testmod.api"));
    Api::parse("linux.api with testmod.api", &text)
        .map(Arc::new)
        .map_err(|errors| errors.to_string())
}

fn judge(
    host: &HostProfile,
    object: &Result<Object, Failed>,
    program: &str,
    options: &Options<'_>,
    mut case: Case,
) -> Case {
    let object = match object {
        Ok(object) => object,
        Err((code, message)) => {
            case.refuse(code, message.clone());
            return case;
        }
    };
    let linked = (|| {
        let needs = Requirements::of(object, &[Arc::clone(host.api())])
            .map_err(|refusal| (refusal.report().code.id.to_owned(), refusal.to_string()))?;
        let binding = host.bind_program(&needs, program).map_err(|refusals| {
            let first = refusals.0.first();
            (
                first.map_or(String::new(), |first| first.report().code.id.to_owned()),
                first.map_or(String::new(), ToString::to_string),
            )
        })?;
        binding.link(object, program).map_err(|error| ("link".to_owned(), error.to_string()))
    })();
    let linked = match linked {
        Ok(linked) => linked,
        Err((code, message)) => {
            case.refuse(&code, message);
            return case;
        }
    };
    case.prove(linked, object, options);
    case
}

/// Microseconds that the kernel of the shared data's machine took, by the name of the program.
fn times() -> Result<HashMap<String, u64>, Failure> {
    let lines = super::lines("corpus/kernel-verdicts/host-612-c19-v3.jsonl.zst")?;
    let time = |line: &Value| {
        let accepted = line["verdict"].as_str() == Some("accept");
        let time = line["vtime_us"].as_u64().filter(|_| accepted)?;
        Some((line["id"].as_str()?.to_owned(), time))
    };
    Ok(lines.iter().filter_map(time).collect())
}

/// The folder of the objects of Debian's package, if it is there.
fn tools() -> Option<PathBuf> {
    let packages = abide_testkit::packages();
    let (_, objects) = packages.iter().find(|(name, _)| name.starts_with(TOOLS))?;
    objects.first()?.parent().map(Path::to_owned)
}

/// What a kernel said of the objects of Debian's package, as the shared data has it of others.
fn asked(kernel: &str) -> Result<Vec<Value>, Failure> {
    let first = LATER.iter().position(|later| *later == kernel).map_or(0, |at| at + 1);
    let later = &LATER[first..];
    let kernels = [kernel].into_iter().chain(later.iter().copied()).map(str::to_owned);
    let mut answers = crate::check_parity::answers(kernels.collect())?;
    let (Some(mut found), Some(folder)) = (answers.remove(kernel), tools()) else {
        println!("skipped: {TOOLS} on {kernel}: cargo xtask check-parity --ask");
        return Ok(Vec::new());
    };
    found.retain_mut(|line| {
        let object = line["obj"].as_str().unwrap_or("").trim_start_matches("objects/").to_owned();
        if !folder.join(&object).is_file() {
            return false;
        }
        let takes = |one: &&Value| one["id"] == line["id"] && one["verdict"] == "accept";
        let by = later.iter().find(|later| {
            answers.get(**later).is_some_and(|lines| lines.iter().any(|one| takes(&one)))
        });
        let log = line["tail"].clone();
        (line["obj"], line["log"], line["later"]) = (json!(object), log, json!(by));
        true
    });
    Ok(found)
}

/// The folder that an archive of objects is unpacked to; the objects stand one below.
fn unpacked(name: &str) -> Result<PathBuf, Failure> {
    if name == TOOLS {
        return Ok(tools().unwrap_or_default());
    }
    let objects = abide_testkit::corpus(name);
    let folder = objects.first().and_then(|object| object.parent()?.parent());
    folder.map(Path::to_owned).ok_or_else(|| format!("the shared data has no objects of {name}"))
}

pub(super) fn types(kernel: &str) -> Result<Btf, Failure> {
    let bytes = abide_testkit::kernel_btf(kernel)
        .ok_or_else(|| format!("the shared data has no BTF of {kernel}"))?;
    host_types(&bytes).map_err(|error| error.to_string())
}
