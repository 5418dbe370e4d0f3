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
        name: "a size of zero",
        reason: "The helper is told that nothing is there, and touches nothing: the size that it is passed is 0 on the path \
                 that the kernel refuses. On the other paths of the same call the bounds are proved for the greatest size.",
        cases: &[
            "helper_value_access.c: helper access to map: empty range",
            "helper_value_access.c: helper access to adjusted map (via const imm): empty range",
            "helper_value_access.c: helper access to adjusted map (via const reg): empty range",
            "helper_value_access.c: helper access to adjusted map (via variable): empty range",
            "raw_stack.c: raw_stack: skb_load_bytes, zero len",
            "raw_stack.c: raw_stack: skb_load_bytes, invalid access 6",
            "verifier_helper_value_access access_to_map_possibly_empty_range",
            "verifier_helper_value_access access_to_map_empty_range",
            "verifier_helper_value_access via_const_imm_empty_range",
            "verifier_helper_value_access via_const_reg_empty_range",
            "verifier_helper_value_access map_via_variable_empty_range",
            "verifier_raw_stack skb_load_bytes_zero_len",
            "verifier_raw_stack load_bytes_invalid_access_6",
        ],
    },
    Class {
        name: "a shift by more than the width",
        reason: "RFC 9669 masks the count, and so do the interpreter and every machine that engines emit code for: the result of a \
                 shift is known where the count is, whatever it is. `crates/verifier/tests/domain.rs` checks the shifts of the \
                 number domain for all counts against that meaning. The kernel calls the result unknown.",
        cases: &[
            "bounds.c: bounds check after shift with oversized count operand",
            "verifier_bounds shift_with_oversized_count_operand",
        ],
    },
    Class {
        name: "a number that is known",
        reason: "The negative of a known number is known, as for kernels since 6.18. A known number is masked by no engine, and so there \
                 are no limits that could differ.",
        cases: &[
            "value_ptr_arith.c: map access: known scalar += value_ptr unknown vs unknown (lt)",
            "value_ptr_arith.c: map access: known scalar += value_ptr unknown vs unknown (gt)",
            "verifier_value_ptr_arith ptr_unknown_vs_unknown_lt",
            "verifier_value_ptr_arith ptr_unknown_vs_unknown_gt",
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
    Class {
        name: "a pointer that differs from 0",
        reason: "A register that is known to be 0 is compared with a pointer that may be null; where they differ, the pointer is \
                 not null. The kernel concludes that from an immediate 0 only.",
        cases: &["verifier_jeq_infer_not_null unchanged_for_jne_true_branch"],
    },
    Class {
        name: "a number added to flow keys",
        reason: "`struct bpf_flow_keys` is memory of a known size, and the access is proved to lie inside of it for every value of \
                 the number, as in any other memory. The kernel allows constants alone.",
        cases: &["verifier_value_illegal_alu flow_keys_illegal_variable_offset_alu"],
    },
    Class {
        name: "frames in steps of 16 bytes",
        reason: "Frames are laid out in steps of 16 bytes here, as in kernels from 6.8 on that compile programs; older ones count \
                 steps of 32. Engines give every program its 512 bytes by that layout.",
        cases: &["test_global_func1 global_func1"],
    },
    Class {
        name: "a global function that returns nothing",
        reason: "Its caller has no r0 afterwards, and a program that reads it is refused.",
        cases: &["test_global_func7 global_func7"],
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
