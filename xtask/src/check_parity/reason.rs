//! Why a kernel, or libbpf on it, did not load a program: for a reason of API, or of the verifier. By rules
//! over what they said; the rules are printed on the page.

use serde_json::Value;

/// Why it was not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Something that the kernel does not have, in a word.
    Api(&'static str),
    /// The program is not safe, or not to this kernel's verifier.
    Verifier,
}

/// A rule: what is said, what is missing then.
pub(super) struct Rule {
    pub(super) says: &'static [&'static str],
    pub(super) means: &'static str,
}

/// The first that fits decides.
pub(super) const RULES: &[Rule] = &[
    Rule { says: &["invalid func unknown#195896080", "CO-RE relocation"], means: "CO-RE" },
    Rule { says: &["unknown func ", "invalid func unknown", "cannot use helper"], means: "helper" },
    Rule {
        says: &[
            "calling kernel function",
            "calling invalid kernel function",
            "extern (func ksym)",
            "does not support calling kernel function",
        ],
        means: "kfunc",
    },
    Rule { says: &["extern (var ksym)"], means: "variable" },
    Rule {
        says: &[
            "failed to find kernel BTF type ID of",
            "is not found in kernel BTF",
            "no BTF-based attach target",
        ],
        means: "target",
    },
    Rule { says: &["failed to create: "], means: "map" },
    Rule { says: &["-th argument"], means: "argument of the function attached to" },
    Rule {
        says: &["unknown opcode", "invalid atomic opcode", "uses reserved fields", "back-edge"],
        means: "instruction",
    },
];

/// What the verifier says of the context, whatever is wrong with the access.
pub(super) const CONTEXT: &str = "invalid bpf_context access";

/// Where that is not about a field: an argument of a function of the program, or of the kernel's function.
const VERIFIER: [&str; 2] = ["invalid args into func", "is not a struct"];

/// Why an answer is no, and the last line that says so. `elsewhere`: some other kernel loads it.
pub(super) fn of(answer: &Value, elsewhere: bool) -> (Option<Reason>, String) {
    let verdict = answer["verdict"].as_str().unwrap_or_default();
    if verdict.starts_with("accept") {
        return (None, String::new());
    }
    let log = answer["tail"].as_str().unwrap_or_default();
    let loader = answer["libbpf"].as_str().unwrap_or_default();
    for rule in RULES {
        let mut lines = loader.lines().chain(log.lines());
        if let Some(line) = lines.find(|line| rule.says.iter().any(|word| line.contains(word))) {
            return (Some(Reason::Api(rule.means)), line.trim().to_owned());
        }
    }
    if let Some(line) = log.lines().find(|line| line.contains(CONTEXT)) {
        let of_verifier = VERIFIER.iter().any(|says| log.contains(says));
        let reason =
            if elsewhere && !of_verifier { Reason::Api("context") } else { Reason::Verifier };
        return (Some(reason), line.trim().to_owned());
    }
    // Refused before the verifier looked at it: the program type, the attach type, a flag.
    if log.trim().is_empty() && verdict == "reject_silent" {
        return (Some(Reason::Api("type")), last(loader));
    }
    (Some(Reason::Verifier), last(log))
}

fn last(said: &str) -> String {
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned()
}
