//! docs/assembler-differences.md: what the comparison found, as tables.

use std::fmt::Write;

use abide_asm::Dialect;
use abide_isa::Endian;

use super::cases::Shape;
use super::judge::{Findings, Outcome};
use super::rules::{Cause, RULES};

/// The page without its tables: what does not depend on what is installed.
const OPENING: &str = "\
# Where other assemblers differ

This page is made by `cargo xtask asm-corpus --bless`, which writes every instruction of the table in \
`crates/isa` in every spelling, with every kind of operand at its edges and beyond them, and with \
every small change to its words, signs and blanks. LLVM's assemblers read the texts in pseudo-C, \
binutils 2.40 those in GNU's dialect, little and big endian, and `abide asm` reads them all. What \
another assembler takes, Abide takes too, and makes the same bytes and relocations of it: except for \
what is listed here with its reason. Anything else is a failure, of the command, and of a test \
that reads a part of the corpus (`cargo nextest run -p xtask`).

";

const CLOSING: &str = "\
## Releases that were not run

binutils 2.41 to 2.47 are not installed by `cargo xtask test`. What they make of 195 instructions in both dialects and of \
200 corner cases was measured once, and `crates/asm/tests/shared_table.rs` compares it where those \
measurements are at hand. Of what is peculiar to them, Abide refuses or reads otherwise:

| text | they | Abide |
|---|---|---|
| `gotol +3` | jump to `l+3`: words need no blank after them | reads `gotol` |
| `ifr1==r2goto+3`, `gotofoo` | take words that run together | refuses them, for the same reason |
| `R1 = R2`, `r11 = r1` | define a symbol | refuses it |
| `w1 = (s32)w2`, `*(s64 *)`, `ldxsdw`, `ldabsdw`, `brkpt` | encode what no kernel runs | refuses it |
| `goto +40000` (2.44) | jumps backwards | refuses it |
| `r1 = symbol` | a 32-bit relocation that no loader applies | refuses it |
";

/// The page.
pub(crate) fn page(findings: &Findings) -> String {
    let mut page = OPENING.to_owned();
    page.push_str("## The texts\n\n| what is varied | pseudo-C | GNU |\n|---|---|---|\n");
    let mut sums = [0, 0];
    for shape in Shape::ALL {
        let [c, gnu] = [Dialect::C, Dialect::Gnu]
            .map(|dialect| findings.texts.get(&(shape, dialect.name())).copied().unwrap_or(0));
        sums = [sums[0] + c, sums[1] + gnu];
        let _ = writeln!(page, "| {} | {} | {} |", shape.title(), number(c), number(gnu));
    }
    let _ = writeln!(page, "| together | {} | {} |", number(sums[0]), number(sums[1]));
    outcomes(&mut page, findings);
    for cause in Cause::ALL {
        reasons(&mut page, findings, cause);
    }
    let _ = write!(page, "\n{CLOSING}");
    page
}

fn outcomes(page: &mut String, findings: &Findings) {
    page.push_str(
        "\n## What became of them\n\n\
         Texts that one assembler takes, Abide, both or neither. In big endian only those are asked \
         about that it takes in little endian. LLVM up to 19 dies of much that 22 refuses; some \
         of that it is not asked about.\n\n\
         | assembler | order | the same code | explained | only Abide | neither | not asked | it dies |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (tool, endian, counts) in &findings.tools {
        let order = match endian {
            Endian::Little => "little",
            Endian::Big => "big",
        };
        let of = |outcome| number(counts.get(&outcome).copied().unwrap_or(0));
        let cells = Outcome::ALL.map(of).join(" | ");
        let _ = writeln!(page, "| {tool} | {order} | {cells} |");
    }
}

fn reasons(page: &mut String, findings: &Findings, cause: Cause) {
    let _ = write!(
        page,
        "\n## {}\n\nHow often, in little endian.\n\n| why | shortest example | how often |\n|---|---|---|\n",
        cause.title()
    );
    for (rule, explained) in RULES.iter().zip(&findings.explained) {
        if rule.cause != cause {
            continue;
        }
        let counts: Vec<String> = explained
            .counts
            .iter()
            .map(|(tool, count)| format!("{tool}: {}", number(*count)))
            .collect();
        let example = explained.example.as_deref().unwrap_or_default().replace('|', "\\|");
        let reason = rule.reason.replace('|', "\\|");
        let _ = writeln!(page, "| {reason} | `{}` | {} |", example.trim(), counts.join("; "));
    }
}

/// With commas between thousands.
fn number(value: usize) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(number),
            ["0", "999", "1,000", "1,234,567"].map(str::to_owned)
        );
    }
}
