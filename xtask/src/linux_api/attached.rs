//! `cargo xtask linux-api --ask-attached`: which helpers programs of one type may call by what they are attached
//! to, into `apis/facts/rights_attached.tsv`. The kernel that runs here is asked to load one call at a time, from
//! each section, and some that are booted about the helpers for which that may decide. Nothing is run, attached or pinned.
//!
//! Only what the attachment decides gets into the table: what programs of all sections may, and what none
//! may, is in `rights.tsv`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use abide_api::model::{Api, DefKind};
use abide_api::{DefId, Namespace};
use abide_asm::object::{ObjectOptions, assemble};
use abide_diag::Source;
use abide_linux::Running;
use serde_json::Value;

use super::rights;
use super::tables::Version;
use crate::check_parity::Guest;
use crate::{Failure, tree};

/// The table.
pub(super) const TABLE: &str = "rights_attached.tsv";

/// Where objects and answers are kept.
const DIRECTORY: &str = "target/rights-attached";

/// Program types whose programs are loaded for something, with the sections that say for what.
const SECTIONS: &[(&str, &[&str])] = &[
    ("cgroup_skb", &["cgroup/skb", "cgroup_skb/ingress", "cgroup_skb/egress"]),
    (
        "cgroup_sock",
        &[
            "cgroup/sock",
            "cgroup/sock_create",
            "cgroup/sock_release",
            "cgroup/post_bind4",
            "cgroup/post_bind6",
        ],
    ),
    (
        "cgroup_sock_addr",
        &[
            "cgroup/bind4",
            "cgroup/bind6",
            "cgroup/connect4",
            "cgroup/connect6",
            "cgroup/connect_unix",
            "cgroup/sendmsg4",
            "cgroup/sendmsg6",
            "cgroup/sendmsg_unix",
            "cgroup/recvmsg4",
            "cgroup/recvmsg6",
            "cgroup/recvmsg_unix",
            "cgroup/getpeername4",
            "cgroup/getpeername6",
            "cgroup/getpeername_unix",
            "cgroup/getsockname4",
            "cgroup/getsockname6",
            "cgroup/getsockname_unix",
        ],
    ),
    ("cgroup_sockopt", &["cgroup/getsockopt", "cgroup/setsockopt"]),
    ("cgroup_device", &["cgroup/dev"]),
    ("cgroup_sysctl", &["cgroup/sysctl"]),
    (
        "fentry",
        &["fentry/bpf_fentry_test1", "fexit/bpf_fentry_test1", "fmod_ret/bpf_modify_return_test"],
    ),
    ("kprobe", &["kprobe", "kprobe.multi", "kprobe.session", "uprobe", "uprobe.multi"]),
    ("iter", &[]),
    ("lsm", &[]),
    ("sk_msg", &["sk_msg"]),
    ("sk_reuseport", &["sk_reuseport", "sk_reuseport/migrate"]),
    ("sk_skb", &["sk_skb/stream_parser", "sk_skb/stream_verdict", "sk_skb/verdict"]),
    ("xdp", &["xdp", "xdp/cpumap", "xdp/devmap"]),
];

/// What iterators go over.
const ITERATORS: &[&str] = &[
    "bpf_link",
    "bpf_map",
    "bpf_map_elem",
    "bpf_prog",
    "bpf_sk_storage_map",
    "cgroup",
    "dmabuf",
    "ipv6_route",
    "kmem_cache",
    "ksym",
    "netlink",
    "sockmap",
    "task",
    "task_file",
    "task_vma",
    "tcp",
    "udp",
    "unix",
];

/// Helpers that kernels are asked about that have to be booted: on some kernel it depends.
const DEPENDING: &[&str] = &[
    "bpf_bind",
    "bpf_setsockopt",
    "bpf_getsockopt",
    "bpf_get_local_storage",
    "bpf_get_retval",
    "bpf_set_retval",
    "bpf_get_attach_cookie",
    "bpf_get_func_ip",
    "bpf_get_netns_cookie",
    "bpf_sk_storage_get",
];

/// Those kernels, beside the one that runs here.
const BOOTED: &[&str] = &["5.10.262", "6.1.192", "6.12.117-cloud", "7.3.4"];

/// Hooks of security: those in which sockets are locked or new, and some others.
const HOOKS: &[&str] = &[
    "file_open",
    "inet_conn_established",
    "inet_csk_clone",
    "sk_alloc_security",
    "sk_clone_security",
    "sock_graft",
    "socket_bind",
    "socket_post_create",
    "socket_socketpair",
];

/// Program types that go by a hook or an object of the kernel, of which there are many: they are asked about those
/// helpers only.
const FEW: &[&str] = &["iter", "lsm"];

/// Refusals of the callee itself, whatever else is wrong with the program.
const NOT_HERE: &[&str] = &[
    "unknown func",
    "invalid func unknown",
    "cannot use helper",
    "not supported for program type",
    "supported only for",
];

/// What is said of a program that got past the call: of what is passed, or of what is returned.
const PAST: &[&str] = &["R", "At program exit", "BPF_LSM_CGROUP that attach to void LSM hooks"];

/// An answer: may it be called; `None` if the kernel did not get to that question.
type Answers = BTreeMap<(String, String, String), BTreeMap<String, bool>>;

/// Asks all kernels, and writes the table; answers that are there already are kept.
pub(crate) fn run() -> Result<(), Failure> {
    let directory = tree::root().join(DIRECTORY);
    let path = tree::root().join("apis/linux.api");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let api = Api::parse("linux.api", &text).map_err(|errors| errors.to_string())?;
    let guest = directory.join("guest");
    fs::create_dir_all(&guest).map_err(|error| format!("{}: {error}", guest.display()))?;
    let (mut all, mut some) = (String::new(), String::new());
    let mut asked = BTreeMap::new();
    let helpers = helpers(&api);
    for (number, (program, section)) in sections().iter().enumerate() {
        let object = format!("{number}.bpf.o");
        let bytes = object_of(section, &helpers)?;
        fs::write(guest.join(&object), bytes).map_err(|error| format!("{object}: {error}"))?;
        for (helper, name) in &helpers {
            let job = format!("{number}\t{object}\th{helper}\t0\t0\t-\n");
            if DEPENDING.contains(&name.as_str()) {
                some.push_str(&job);
            } else if section.contains('/') && FEW.contains(program) {
                continue;
            }
            all.push_str(&job);
            let question = ((*program).to_owned(), section.clone(), name.clone());
            asked.insert((section.clone(), format!("h{helper}")), question);
        }
    }
    let running = Running::read().map_err(|error| error.to_string())?;
    let running = running.release.map(|release| release.text).unwrap_or_default();
    let numbers = running.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(running.len());
    let running = running[..numbers].to_owned();
    let booted = BOOTED.iter().map(|kernel| (*kernel).to_owned()).collect();
    let asking = Guest { directory: &directory, jobs: &some, kernels: booted };
    asking.boot()?;
    let mut answers = asking.read()?;
    let here = Guest { directory: &directory, jobs: &all, kernels: Vec::new() }.here()?;
    answers.insert(running, here);
    let mut kernels: Vec<String> = answers.keys().cloned().collect();
    kernels.sort_by_key(|kernel| Version::parse(kernel));
    let mut found = Answers::new();
    for (kernel, lines) in &answers {
        for line in lines {
            let word = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let Some((program, section, name)) = asked.get(&(word("sec"), word("prog"))) else {
                continue;
            };
            if let Some(may) = answer(line) {
                let key = (name.clone(), program.clone(), section.clone());
                found.entry(key).or_default().insert(kernel.clone(), may);
            }
        }
    }
    let text = table(&found, &kernels)?;
    let path = tree::root().join("apis/facts").join(TABLE);
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("{} questions, {} kernels answered", asked.len(), answers.len());
    Ok(())
}

/// All helpers, with their numbers.
fn helpers(api: &Api) -> Vec<(u32, String)> {
    let number = |id: DefId| match &api.definition(id).kind {
        DefKind::Helper { number, .. } => Some(*number),
        _ => None,
    };
    let helpers = api.names(Namespace::Callable).filter_map(|name| {
        let id = api.definitions_of(Namespace::Callable, name).first()?;
        Some((number(*id)?, name.to_owned()))
    });
    helpers.collect()
}

/// Sections with their program types.
fn sections() -> Vec<(&'static str, String)> {
    let fixed = SECTIONS.iter().flat_map(|(program, sections)| {
        sections.iter().map(|section| (*program, (*section).to_owned()))
    });
    let iterators = ITERATORS
        .iter()
        .flat_map(|name| ["iter", "iter.s"].map(|by| ("iter", format!("{by}/{name}"))));
    let hooks = HOOKS
        .iter()
        .flat_map(|hook| ["lsm", "lsm.s", "lsm_cgroup"].map(|by| ("lsm", format!("{by}/{hook}"))));
    fixed.chain(iterators).chain(hooks).collect()
}

/// An object with one program for each helper.
fn object_of(section: &str, helpers: &[(u32, String)]) -> Result<Vec<u8>, Failure> {
    let mut text = format!("\t.section \"{section}\",\"ax\",@progbits\n");
    for (number, _) in helpers {
        let _ = writeln!(
            text,
            "\t.globl h{number}\n\t.type h{number},@function\nh{number}:\n\tcall {number}\n\tr0 = 0\n\texit\n\
             \t.size h{number}, .-h{number}"
        );
    }
    text.push_str("\t.section license,\"aw\",@progbits\n\t.asciz \"GPL\"\n");
    let object = assemble(&Source::new("call.s", &text), &ObjectOptions::default());
    object.map(|object| object.bytes).map_err(|errors| {
        errors.iter().map(|error| error.render(false)).collect::<Vec<_>>().join("\n")
    })
}

fn answer(line: &Value) -> Option<bool> {
    let verdict = line["verdict"].as_str()?;
    if verdict.starts_with("accept") {
        return Some(true);
    }
    let log = line["tail"].as_str()?;
    if NOT_HERE.iter().any(|says| log.contains(says)) {
        return Some(false);
    }
    PAST.iter().any(|says| log.starts_with(says)).then_some(true)
}

/// What the attachment decides: a row for all sections with the same answers.
fn table(answers: &Answers, kernels: &[String]) -> Result<String, Failure> {
    let known = rights::asked()?;
    let mut pairs: BTreeMap<(&str, &str), BTreeMap<String, Vec<&str>>> = BTreeMap::new();
    for ((name, program, section), by_kernel) in answers {
        let row: String = kernels
            .iter()
            .map(|kernel| match by_kernel.get(kernel) {
                Some(true) => '1',
                Some(false) => '0',
                None => '-',
            })
            .collect();
        pairs.entry((name, program)).or_default().entry(row).or_default().push(section);
    }
    let mut text = format!("name\tprogram\t{}\tsections\n", kernels.join(","));
    for ((name, program), rows) in pairs {
        let decides = (0..kernels.len()).any(|at| {
            let said: BTreeSet<char> =
                rows.keys().filter_map(|row| row.chars().nth(at)).filter(|c| *c != '-').collect();
            // What a machine's own kernel does not let programs do may be a matter of its configuration.
            let kernel = kernels[at].as_str();
            let version = Version::parse(kernel).filter(|_| BOOTED.contains(&kernel));
            let before = version
                .and_then(|version| known.get(&(name.to_owned(), program.to_owned(), version)));
            said.len() > 1 || said.iter().any(|may| before.is_some_and(|before| before != may))
        });
        if decides {
            for (row, sections) in rows.iter().filter(|(row, _)| row.contains(['0', '1'])) {
                let _ = writeln!(text, "{name}\t{program}\t{row}\t{}", sections.join(","));
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    /// What is asked of one section is a call in an object that loaders take.
    #[test]
    fn calls_become_an_object() {
        let helpers = [(1, "bpf_map_lookup_elem".to_owned()), (2, String::new())];
        let bytes = super::object_of("cgroup/bind4", &helpers).unwrap();
        let object = abide_object::Object::parse(&bytes).unwrap();
        assert_eq!(object.programs.len(), 2);
        assert_eq!(object.programs[0].section, "cgroup/bind4");
    }

    #[test]
    fn an_answer_is_about_the_callee() {
        let of = |verdict: &str, tail: &str| {
            super::answer(&serde_json::json!({ "verdict": verdict, "tail": tail }))
        };
        assert_eq!(of("accept", ""), Some(true));
        assert_eq!(of("reject", "R2 !read_ok\nprocessed 1 insns"), Some(true));
        assert_eq!(of("reject", "program of this type cannot use helper bpf_bind#64"), Some(false));
        assert_eq!(of("reject", "bpf_lsm_sock_graft is not sleepable"), None);
        assert_eq!(of("reject_silent", ""), None);
    }
}
