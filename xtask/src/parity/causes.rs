//! Why programs are accepted that a kernel rejects: each by name, in a class with its argument. What is in
//! no class is printed as unexplained. A list for people; it decides nothing.

use super::Case;

/// A class of programs that are accepted, and why that is no harm.
#[derive(Debug)]
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) reason: &'static str,
    /// Cases, by what follows their number or object.
    cases: &'static [&'static str],
}

/// What newer kernels accept as well needs no other argument; see [`class`].
pub(super) const LATER: Class = Class {
    name: "newer kernels accept it",
    reason: "The rule was taken back, or ranges are told apart better: a kernel of the shared data that is newer than the one \
             compared with accepts the same program (in brackets).",
    cases: &[],
};

pub(super) const UNEXPLAINED: Class =
    Class { name: "not explained", reason: "A bug until it is shown to be none.", cases: &[] };

pub(super) const CLASSES: &[Class] = &[
    Class {
        name: "a number that is known",
        reason: "What is calculated from known numbers is known: negatives as for kernels since 6.18, quotients as for later ones. \
                 Where only constants may be added, it is one; no engine masks it, and there are no limits that could differ.",
        cases: &[
            "value_ptr_arith.c: map access: known scalar += value_ptr unknown vs unknown (lt)",
            "value_ptr_arith.c: map access: known scalar += value_ptr unknown vs unknown (gt)",
            "verifier_value_ptr_arith ptr_unknown_vs_unknown_lt",
            "verifier_value_ptr_arith ptr_unknown_vs_unknown_gt",
            "verifier_value_illegal_alu flow_keys_illegal_variable_offset_alu",
        ],
    },
    Class {
        name: "an instruction that came later",
        reason: "Unconditional byte swaps are instructions since 6.6. Programs are proved for the instruction set of today.",
        cases: &["basic_instr.c: invalid 64-bit BPF_END"],
    },
    Class {
        name: "a map that is compared with 0",
        reason: "A map is never null, and so the comparison says nothing about its address. The kernel 6.12 knows that as well.",
        cases: &["unpriv.c: unpriv: cmp map pointer with zero"],
    },
];

/// The class of a case that is accepted here and was rejected by the kernel.
pub(super) fn class(case: &Case) -> &'static Class {
    if case.later.is_some() {
        return &LATER;
    }
    let named = |class: &&Class| class.cases.iter().any(|name| case.name.ends_with(name));
    CLASSES.iter().find(named).unwrap_or(&UNEXPLAINED)
}
