//! The comparison as a page, and in one line.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::reason::{CONTEXT, RULES, Reason};
use super::{Ours, Pair};

struct Counts {
    both_load: usize,
    both_refuse: usize,
    only_kernel_refuses: usize,
    only_abide_refuses: usize,
    verifier: usize,
}

impl Counts {
    fn of<'p>(pairs: impl Iterator<Item = &'p Pair>) -> Counts {
        let mut counts = Counts {
            both_load: 0,
            both_refuse: 0,
            only_kernel_refuses: 0,
            only_abide_refuses: 0,
            verifier: 0,
        };
        for pair in pairs {
            *match (pair.agrees(), &pair.refused) {
                (None, _) => &mut counts.verifier,
                (Some(true), None) => &mut counts.both_load,
                (Some(true), Some(_)) => &mut counts.both_refuse,
                (Some(false), None) => &mut counts.only_abide_refuses,
                (Some(false), Some(_)) => &mut counts.only_kernel_refuses,
            } += 1;
        }
        counts
    }

    fn agreed(&self) -> usize {
        self.both_load + self.both_refuse
    }

    fn compared(&self) -> usize {
        self.agreed() + self.only_kernel_refuses + self.only_abide_refuses
    }

    fn percent(&self) -> f64 {
        100.0 * self.agreed() as f64 / self.compared().max(1) as f64
    }
}

/// One line.
pub(super) fn summary(pairs: &[Pair]) -> String {
    let counts = Counts::of(pairs.iter());
    format!(
        "{} of {} pairs agree ({:.2} %), {} more are refused by the verifier alone",
        counts.agreed(),
        counts.compared(),
        counts.percent(),
        counts.verifier
    )
}

/// `docs/check-parity.md`.
pub(super) fn page(pairs: &[Pair]) -> String {
    let mut out = String::from(
        "# `abide check` against kernels\n\n\
         Made by `cargo xtask check-parity` (`--ask` boots the kernels first). Nine kernels were asked to load each program of \
         every fourth\nobject of the selftests of Linux 6.12 and of all objects in Debian's libbpf-tools; `abide check` was asked \
         the same, from the API\nfile and the BTF of those kernels. A pair is one program on one kernel.\n\n",
    );
    let all = Counts::of(pairs.iter());
    let _ = writeln!(out, "{}.\n", summary(pairs));
    out.push_str(
        "| kernel | both load | both refuse | only the kernel refuses | only Abide refuses | agree | verifier |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
    );
    let mut kernels: Vec<&str> = pairs.iter().map(|pair| pair.kernel.as_str()).collect();
    kernels.sort_unstable();
    kernels.dedup();
    let mut row = |name: &str, counts: &Counts| {
        let _ = writeln!(
            out,
            "| {name} | {} | {} | {} | {} | {:.2} % | {} |",
            counts.both_load,
            counts.both_refuse,
            counts.only_kernel_refuses,
            counts.only_abide_refuses,
            counts.percent(),
            counts.verifier
        );
    };
    for kernel in kernels {
        row(kernel, &Counts::of(pairs.iter().filter(|pair| pair.kernel == kernel)));
    }
    row("all", &all);
    rules(&mut out);
    differences(pairs, &mut out);
    out
}

fn rules(out: &mut String) {
    out.push_str(
        "\n## What is a reason of API\n\n\
         The first line that fits, of what libbpf and the kernel say, decides:\n\n\
         | says | what is missing |\n|---|---|\n",
    );
    for rule in RULES {
        let says: Vec<String> = rule.says.iter().map(|says| format!("`{}`", says.trim())).collect();
        let _ = writeln!(out, "| {} | {} |", says.join(", "), rule.means);
    }
    let _ = writeln!(
        out,
        "| `{CONTEXT}`, of a field, and another kernel loads the program | a field of the context |\n\
         | nothing: refused before the verifier began | a type |\n\n\
         Everything else is the verifier's reason, and not compared."
    );
}

/// Each kind of difference with its cause, as far as the two answers tell it.
fn differences(pairs: &[Pair], out: &mut String) {
    out.push_str(
        "\n## Differences\n\n| program | kernels | Abide says | the kernel says | cause |\n|---|---|---|---|---|\n",
    );
    let mut rows: BTreeMap<[String; 4], Vec<&str>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| pair.agrees() == Some(false)) {
        let ours = match &pair.ours {
            Ours::Loads => "runs".to_owned(),
            Ours::Refused(why) => without_host(why, &pair.kernel),
        };
        let theirs = match &pair.refused {
            None => "loaded".to_owned(),
            Some(_) => pair.said.clone(),
        };
        let cause = cause(pair).to_owned();
        let program = format!("{}: {}", pair.object.trim_end_matches(".bpf.o"), pair.program);
        rows.entry([program, ours, theirs, cause]).or_default().push(&pair.kernel);
    }
    for ([program, ours, theirs, cause], kernels) in rows {
        let kernels = kernels.join(", ");
        let cells = [program, kernels, ours, theirs, cause].map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn without_host(why: &str, kernel: &str) -> String {
    why.replace(&format!(" the host linux@{kernel}"), " the host")
}

/// Why the answers differ. `not known` stands where nobody has found out.
fn cause(pair: &Pair) -> &'static str {
    let said = pair.said.as_str();
    match (&pair.ours, pair.refused) {
        (Ours::Loads, Some(Reason::Api("map"))) if said.contains("too long") => {
            "the value of the map is larger than this kernel lets one of its type be"
        }
        (Ours::Loads, Some(Reason::Api("map"))) => {
            "the object leaves the size of its values to its own loader: that is told as open"
        }
        (Ours::Loads, Some(Reason::Api("target"))) => {
            "the object leaves its target to its own loader"
        }
        (Ours::Refused(why), None) if why.starts_with("R0601") => {
            "a test function of the kernel's own, which is not in the API file"
        }
        _ => "not known",
    }
}
