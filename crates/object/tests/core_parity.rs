//! CO-RE against libbpf: the same objects, the same types of hosts, and after it the same
//! instructions, or both refuse. The count is printed; `docs/core-parity.md` explains what differs.
//!
//! A plain run takes a part of the selftests, all objects of Debian's packages, and two kernels.
//! `ABIDE_CORE_PARITY=full` takes everything and nine kernels.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use abide_btf::core::{CoreError, Patched, Target};
use abide_isa::Endian;
use abide_object::{Object, host_types};
use abide_testkit::{corpus, kernel_btf, oracle, packages, repo, scratch};
use serde_json::Value;

const KERNELS: [&str; 9] = [
    "5.10.262",
    "6.1.192",
    "6.12.117-cloud",
    "6.16.3",
    "6.18.5",
    "6.19.6",
    "7.0.4",
    "7.1.3",
    "7.3.4",
];

/// Own objects, which are there on every machine.
const OWN: [&str; 4] = [
    "crates/object/tests/cases/core-kinds.o",
    "crates/object/tests/cases/core.o",
    "examples/firewall/firewall.bpf.o",
    "crates/runtime/tests/cases/programs.bpf.o",
];

/// What both made of the records.
#[derive(Debug, Default)]
struct Tally {
    objects: usize,
    records: usize,
    patched: usize,
    poisoned: usize,
    refused: usize,
    differences: BTreeMap<String, usize>,
    examples: Vec<String>,
}

impl Tally {
    fn differs(&mut self, what: &str, place: &str) {
        *self.differences.entry(what.to_owned()).or_default() += 1;
        if self.examples.len() < 40 {
            self.examples.push(format!("{what}: {place}"));
        }
    }

    /// Compares what became of the records of one object.
    fn compare(&mut self, path: &str, host: &str, target: &Target<'_>, theirs: &Value) {
        let Ok(object) = Object::parse(&std::fs::read(path).unwrap()) else { return };
        if object.endian == Endian::Big {
            return;
        }
        self.objects += 1;
        assert!(theirs["error"].is_null(), "{path}: {}", theirs["error"]);
        let records = theirs["records"].as_array().unwrap();
        let by_place: HashMap<(&str, u64), &Value> = records
            .iter()
            .map(|one| ((one["section"].as_str().unwrap(), one["offset"].as_u64().unwrap()), one))
            .collect();
        let relocated = object.relocate_core(target);
        for (record, outcome) in object.core.iter().zip(&relocated.outcomes) {
            self.records += 1;
            let function = object.function(record.function);
            let offset = function.offset + u64::from(record.slot) * 8;
            let theirs = by_place[&(function.section.as_str(), offset)];
            let error = theirs["error"].as_i64().unwrap();
            let place = || {
                format!(
                    "{path} on {host}: {} {:?} {}",
                    object.core_place(record),
                    record.kind,
                    record.access
                )
            };
            match (&outcome.result, error) {
                (Err(_), 1..) => unreachable!("errors of libbpf are negative"),
                (Err(_), ..0) => self.refused += 1,
                (Err(ours), 0) => {
                    self.differs(&format!("only Abide refuses: {}", name(ours)), &place())
                }
                (Ok(ours), _) => {
                    let wide = function.slots[record.slot as usize].code == 0x18;
                    let slots =
                        record.slot as usize..record.slot as usize + if wide { 2 } else { 1 };
                    let code: String = relocated.code(record.function)[slots]
                        .iter()
                        .flat_map(|slot| slot.to_bytes(Endian::Little))
                        .map(|byte| format!("{byte:02x}"))
                        .collect();
                    if error != 0 {
                        self.differs(&format!("only libbpf refuses: {error}"), &place());
                    } else if code != theirs["insns"].as_str().unwrap() {
                        let what = format!(": {code} and {}: {ours:?}", theirs["insns"]);
                        self.differs("other instructions", &(place() + &what));
                    } else if let Patched::Poisoned(_) = ours {
                        self.poisoned += 1;
                    } else {
                        self.patched += 1;
                    }
                }
            }
        }
    }
}

fn name(error: &CoreError) -> String {
    abide_diag::Report::report(error).code.to_string()
}

/// Adds what becomes of the objects on the host with the types in `file`.
fn compare(tally: &mut Tally, oracle: &Path, objects: &[PathBuf], host: &str, file: &Path) {
    let output = Command::new(oracle).arg("core").arg(file).args(objects).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Value = serde_json::from_slice(&output.stdout).unwrap();
    let btf = host_types(&std::fs::read(file).unwrap()).unwrap();
    let target = Target::new(&btf);
    for answer in answers.as_array().unwrap() {
        tally.compare(answer["object"].as_str().unwrap(), host, &target, answer);
    }
}

/// Objects of one origin against kernels; prints the count.
fn on_kernels(origin: &str, objects: &[PathBuf]) {
    let Some(oracle) = oracle("libbpf") else { return };
    let kernels = if full() { &KERNELS[..] } else { &["5.10.262", "6.18.5"] };
    let mut tally = Tally::default();
    for kernel in kernels.iter().filter(|_| !objects.is_empty()) {
        let Some(bytes) = kernel_btf(kernel) else { continue };
        let name = format!("core-parity-{kernel}-{}-{origin}.btf", std::process::id());
        let file = scratch().join(name.replace(' ', "-"));
        std::fs::write(&file, &bytes).unwrap();
        compare(&mut tally, &oracle, objects, kernel, &file);
        std::fs::remove_file(&file).unwrap();
    }
    println!(
        "CO-RE as libbpf, {origin}: {} objects on {} kernels in all, {} records: {} patched alike, \
         {} poisoned alike, {} refused by both, {} different",
        tally.objects,
        kernels.len(),
        tally.records,
        tally.patched,
        tally.poisoned,
        tally.refused,
        tally.differences.values().sum::<usize>()
    );
    for (what, count) in &tally.differences {
        println!("  {count:>6}  {what}");
    }
    assert!(tally.differences.is_empty(), "{:#?}", tally.examples);
}

fn full() -> bool {
    std::env::var_os("ABIDE_CORE_PARITY").is_some_and(|value| value == "full")
}

fn selftests(archive: &str) -> Vec<PathBuf> {
    corpus(archive).into_iter().step_by(if full() { 1 } else { 12 }).collect()
}

#[test]
fn own_objects() {
    let own: Vec<PathBuf> = OWN.iter().map(|path| repo(path)).collect();
    on_kernels("our own", &own);
}

#[test]
fn selftests_of_6_1() {
    on_kernels("selftests of 6.1", &selftests("selftests-61-c19-v3"));
}

#[test]
fn selftests_of_6_12() {
    on_kernels("selftests of 6.12", &selftests("selftests-612-c19-v3"));
}

#[test]
fn debian_packages() {
    for (name, objects) in packages() {
        on_kernels(&name, &objects);
    }
}

#[test]
fn own_objects_on_own_hosts() {
    let Some(oracle) = oracle("libbpf") else { return };
    let case = |name: &str| repo("crates/object/tests/cases").join(name);
    let mut tally = Tally::default();
    let objects = [case("core.o"), case("core-kinds.o")];
    for host in ["core.o", "core-near.o", "core-host.o", "core-kinds.o", "core-kinds-host.o"] {
        compare(&mut tally, &oracle, &objects, host, &case(host));
    }
    println!("{tally:?}");
    assert_eq!(tally.records, 5 * (5 + 70));
    assert_eq!(tally.refused, 1, "a field out of reach");
    // libbpf takes the value 0x80000000 of an unsigned enum for a negative number, on the object's
    // side too, and then misses it in the instruction.
    let expected = BTreeMap::from([("only libbpf refuses: -22".to_owned(), 2)]);
    assert_eq!(tally.differences, expected, "{:#?}", tally.examples);
}
