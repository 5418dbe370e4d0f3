//! Why our assembler does not make of a text what another one makes of it.
//!
//! A difference that no rule explains is a mistake of ours. Each rule says by what it is known,
//! and the reason as docs/assembler-differences.md tells it. Rules are tried in their order.

use abide_asm::Dialect;

use super::cases::Case;
use super::judge::{Ours, Refusal};
use super::tools::{Code, Tool};

/// Another assembler takes a text, and ours refuses it or makes something else of it.
#[derive(Debug)]
pub(crate) struct Difference<'a> {
    pub(crate) case: &'a Case,
    pub(crate) tool: &'a Tool,
    pub(crate) theirs: &'a Code,
    pub(crate) ours: &'a Ours,
}

impl Difference<'_> {
    fn text(&self) -> &str {
        &self.case.text
    }

    fn is_gnu(&self) -> bool {
        self.tool.dialect == Dialect::Gnu
    }

    /// Our only error.
    fn refusal(&self) -> Option<&Refusal> {
        match self.ours {
            Err(refusals) => refusals.first(),
            Ok(_) => None,
        }
    }

    fn refused_as(&self, code: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.code == code)
    }

    fn refused_for(&self, words: &str) -> bool {
        self.refusal().is_some_and(|refusal| refusal.message.contains(words))
    }

    fn has_relocation(&self, kinds: &[u32]) -> bool {
        self.theirs.relocations.iter().any(|relocation| kinds.contains(&relocation.kind))
    }

    fn first_word(&self) -> &str {
        self.text().split([' ', '\t', ',', '=', '(']).next().unwrap_or_default()
    }

    /// Whether one of the fields for registers holds 11 or more.
    fn has_register_11(&self) -> bool {
        self.theirs.bytes.get(1).is_some_and(|registers| registers & 15 > 10 || registers >> 4 > 10)
    }
}

/// The kind of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The other encodes something else than is written, without a word.
    Silent,
    /// What nothing runs, or no loader understands.
    Useless,
    /// The same text has two meanings.
    Meaning,
}

impl Cause {
    pub(crate) const ALL: [Cause; 3] = [Cause::Silent, Cause::Useless, Cause::Meaning];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Cause::Silent => "Refused here, wrong there",
            Cause::Useless => "Refused here, of no use there",
            Cause::Meaning => "Another meaning",
        }
    }
}

/// A reason for differences, and how they are known.
pub(crate) struct Rule {
    pub(crate) cause: Cause,
    pub(crate) reason: &'static str,
    pub(crate) explains: fn(&Difference<'_>) -> bool,
}

const fn rule(cause: Cause, reason: &'static str, explains: fn(&Difference<'_>) -> bool) -> Rule {
    Rule { cause, reason, explains }
}

fn is_register_like(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let digits = lower.strip_prefix(['r', 'w']).unwrap_or_default();
    lower == "fp"
        || matches!(digits.len(), 1 | 2) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The relocations of binutils 2.40 for an immediate, an offset and a distance.
const OLD_RELOCATIONS: &[u32] = &[2, 3, 4];

/// The relocation of a call.
const CALL: u32 = 10;

/// All reasons.
pub(crate) const RULES: &[Rule] = &[
    rule(
        Cause::Meaning,
        "`call pc+N` is a call of a function of the program by its distance, which other assemblers \
         cannot spell; to them it is a call of a symbol `pc`",
        |it| it.theirs.relocations.iter().any(|found| found.symbol.eq_ignore_ascii_case("pc")),
    ),
    rule(
        Cause::Meaning,
        "`ext@plt` is a symbol of this name; LLVM up to 19 takes what is behind the `@` for a kind of relocation \
         that BPF does not have, and forgets it",
        |it| it.text().contains("@plt") && it.tool.name.starts_with("llvm-mc"),
    ),
    rule(
        Cause::Meaning,
        "`;` separates statements; binutils up to 2.40 begin a comment there (`--semicolon=comment`)",
        |it| it.is_gnu() && it.text().contains(';'),
    ),
    rule(
        Cause::Silent,
        "a symbol in `ld_pseudo`: LLVM 22 adds a relocation of a 64-bit load whatever the kind is, and \
         puts what is added to the symbol into the offset field",
        |it| {
            it.text().to_ascii_lowercase().contains("ld_pseudo")
                && !it.theirs.relocations.is_empty()
        },
    ),
    rule(
        Cause::Silent,
        "a 64-bit load of a symbol minus a number: LLVM leaves the upper half of it 0",
        |it| {
            let (Ok(ours), theirs) = (it.ours, it.theirs) else { return false };
            ours.relocations == theirs.relocations
                && ours.bytes.len() == 16
                && theirs.bytes.len() == 16
                && ours.bytes[..12] == theirs.bytes[..12]
                && (&ours.bytes[12..], &theirs.bytes[12..]) == (&[0xff; 4], &[0; 4])
        },
    ),
    rule(
        Cause::Silent,
        "a symbol where no relocation fits: LLVM 22 puts 0xffff into the offset field and adds the \
         relocation of a 64-bit load; 14 and 19 die",
        |it| it.theirs.has_misplaced_relocation(),
    ),
    rule(
        Cause::Useless,
        "a symbol as an immediate, an offset, or a target that is no label of the section: binutils \
         2.40 have relocations for these which no other tool and no loader knows",
        |it| it.has_relocation(OLD_RELOCATIONS),
    ),
    rule(
        Cause::Silent,
        "the name of a register as a symbol: `%` or a letter's case was forgotten",
        |it| {
            (it.refused_as("S0003") || it.refused_as("S0001"))
                && it.theirs.relocations.iter().any(|found| is_register_like(&found.symbol))
        },
    ),
    rule(Cause::Silent, "`r11` and `w11`: LLVM encodes a register that no program has", |it| {
        it.refused_as("S0003") && it.has_register_11()
    }),
    rule(
        Cause::Silent,
        "`R1 = …` in upper case: to LLVM a move, to GNU's assembler the definition of a symbol",
        |it| it.refused_as("S0003") && is_register_like(it.first_word()),
    ),
    rule(
        Cause::Silent,
        "`\"r1\"` in quotes: a register to LLVM at the start of a statement, a symbol elsewhere",
        |it| it.text().starts_with('"'),
    ),
    rule(
        Cause::Silent,
        "`5ll` in one word: 64 bits to LLVM 14, 32 to LLVM 19 and to GNU's assembler",
        |it| it.refused_for("space is missing between the number and `ll`"),
    ),
    rule(
        Cause::Silent,
        "`ld_pseudo` with a number that needs more than 32 bits: LLVM drops its upper half",
        |it| {
            let (Ok(ours), theirs) = (it.ours, it.theirs) else { return false };
            let halves = |code: &Code| code.bytes.len() == 16;
            it.text().to_ascii_lowercase().contains("ld_pseudo")
                && halves(ours)
                && halves(theirs)
                && ours.bytes[..12] == theirs.bytes[..12]
                && theirs.bytes[12..] == [0; 4]
        },
    ),
    rule(
        Cause::Useless,
        "`ld_pseudo` of a kind above 6, which no kernel has; LLVM also reads one without a comma before it, \
         and cuts it to four bits",
        |it| {
            (it.refused_for("this must be one of") || it.refused_for("expected `,`"))
                && it.text().contains("ld_pseudo")
        },
    ),
    rule(
        Cause::Silent,
        "a call of a place that is not a whole number of slots from a symbol: the rest is cut off",
        |it| it.refused_as("S0006") && it.has_relocation(&[CALL]),
    ),
    rule(Cause::Silent, "a number that does not fit into its field: it is cut off", |it| {
        it.refused_as("S0006")
    }),
    rule(Cause::Silent, "arithmetic beyond 64 bits: it wraps", |it| {
        it.refused_for("does not fit into 64 bits")
    }),
    rule(
        Cause::Silent,
        "a division by zero: GNU's assembler goes on with another number, LLVM with an error or a \
         crash",
        |it| it.refused_for("divides by zero"),
    ),
    rule(
        Cause::Silent,
        "a target inside an instruction: the rest of the division by 8 is cut off",
        |it| it.refused_for("not at the start of a slot"),
    ),
    rule(
        Cause::Silent,
        "a difference of labels as a target: in slots if GNU's assembler knows it at once, otherwise \
         something else",
        |it| it.is_gnu() && it.refused_for("only a number can be added to a symbol"),
    ),
    rule(
        Cause::Silent,
        "`8 %r3`, a remainder by an undefined symbol: LLVM 14 encodes what happens to be in memory",
        |it| it.tool.name == "llvm-mc 14" && it.refused_as("S0001") && it.text().contains(" %r"),
    ),
    rule(
        Cause::Silent,
        "an offset that is a symbol, without a sign before it: LLVM 14 encodes what happens to be in memory",
        |it| {
            it.tool.name == "llvm-mc 14"
                && it.refused_for("expected an offset")
                && it.text().contains(" ext ")
        },
    ),
    rule(
        Cause::Silent,
        "an operator without its operand, which GNU's assembler takes for 0",
        |it| it.is_gnu() && it.refused_as("S0001"),
    ),
    rule(
        Cause::Silent,
        "`0x` without digits, `''`: GNU's assembler makes a number of them",
        |it| it.is_gnu() && it.refused_as("S0009"),
    ),
    rule(
        Cause::Useless,
        "`ldabsdw`, `ldinddw`, `ldxsdw`, `brkpt`: no instructions of RFC 9669, and no kernel runs them",
        |it| it.refused_as("S0016"),
    ),
];
