//! Instructions to text, by the templates of the instruction table.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::sync::LazyLock;

use abide_isa::{Insn, Kind, Op};

use crate::dialect::Dialect;
use crate::template::{Hole, Piece, pieces};

/// Names for what instructions refer to by number: the targets of jumps, the functions called, the
/// maps and variables whose addresses are loaded.
pub trait Names {
    /// The symbol to be printed instead of the number, if there is one.
    fn symbol(&self, insn: &Insn) -> Option<Cow<'_, str>>;
}

/// No names: everything is printed by number.
impl Names for () {
    fn symbol(&self, _: &Insn) -> Option<Cow<'_, str>> {
        None
    }
}

/// An instruction as text.
///
/// What GNU's dialect has no spelling for ([`Spec::gnu`](abide_isa::Spec::gnu) is empty) is printed
/// in pseudo-C in both; reading accepts it in both.
///
/// ```
/// use abide_asm::{Dialect, print};
/// use abide_isa::{Insn, Op, Reg};
///
/// let insn = Insn { dst: Reg::R0, src: Reg::R1, off: 8, ..Insn::new(Op::LdxW) };
/// assert_eq!(print(&insn, Dialect::C, &()), "r0 = *(u32 *)(r1 + 8)");
/// assert_eq!(print(&insn, Dialect::Gnu, &()), "ldxw %r0,[%r1+8]");
/// ```
pub fn print(insn: &Insn, dialect: Dialect, names: &dyn Names) -> String {
    let mut out = Vec::with_capacity(32);
    write_insn(&mut out, insn, dialect, names.symbol(insn).map(Symbol::Name).as_ref());
    text(out)
}

/// What is printed instead of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Symbol<'a> {
    Name(Cow<'a, str>),
    /// The label `.L` with this number.
    Label(u32),
}

impl Symbol<'_> {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Symbol::Name(name) => out.extend_from_slice(name.as_bytes()),
            Symbol::Label(label) => {
                out.extend_from_slice(b".L");
                number(out, u64::from(*label));
            }
        }
    }
}

impl fmt::Display for Symbol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Symbol::Name(name) => f.write_str(name),
            Symbol::Label(label) => write!(f, ".L{label}"),
        }
    }
}

/// What was printed, as text.
pub(crate) fn text(printed: Vec<u8>) -> String {
    String::from_utf8(printed).expect("templates, names and digits are text")
}

/// The dialect that an instruction is printed in when `wanted` is asked for.
pub(crate) fn spelled(op: Op, wanted: Dialect) -> Dialect {
    if op.spec().gnu.is_empty() { Dialect::C } else { wanted }
}

/// A piece of a template. Text is cut so that all pieces have one size, which a copy can rely on;
/// it holds the letters of registers too.
enum Part {
    Text([u8; PART], u8),
    /// The number of a register.
    Dst,
    Src,
    Hole(Hole),
}

const PART: usize = 16;

fn parts(template: &'static str, dialect: Dialect) -> Vec<Part> {
    let (mut out, mut text) = (Vec::new(), String::new());
    for piece in pieces(template) {
        let (letter, part) = match piece {
            Piece::Text(more) => {
                text.push_str(more);
                continue;
            }
            Piece::Hole(Hole::Dst) => ("r", Part::Dst),
            Piece::Hole(Hole::Src) => ("r", Part::Src),
            Piece::Hole(Hole::HalfDst) => ("w", Part::Dst),
            Piece::Hole(Hole::HalfSrc) => ("w", Part::Src),
            Piece::Hole(other) => ("", Part::Hole(other)),
        };
        if dialect == Dialect::Gnu && !letter.is_empty() {
            text.push('%');
        }
        text.push_str(letter);
        cut(&mut out, &std::mem::take(&mut text));
        out.push(part);
    }
    cut(&mut out, &text);
    out
}

fn cut(out: &mut Vec<Part>, text: &str) {
    out.extend(text.as_bytes().chunks(PART).map(|piece| {
        let mut bytes = [0; PART];
        bytes[..piece.len()].copy_from_slice(piece);
        Part::Text(bytes, piece.len() as u8)
    }));
}

/// Appends an instruction as text, with the name that stands for its target, function or address.
pub(crate) fn write_insn(
    out: &mut Vec<u8>,
    insn: &Insn,
    dialect: Dialect,
    symbol: Option<&Symbol<'_>>,
) {
    static TEMPLATES: LazyLock<[Vec<Vec<Part>>; 2]> = LazyLock::new(|| {
        let all = |dialect, text: fn(Op) -> &'static str| {
            Op::ALL.iter().map(|op| parts(text(*op), dialect)).collect()
        };
        [all(Dialect::C, |op| op.spec().c), all(Dialect::Gnu, |op| op.spec().gnu)]
    });
    let op = match (symbol, insn.kind()) {
        // With a name all calls, and all loads of addresses, are spelled alike.
        (Some(_), Kind::CallLocal | Kind::CallKfunc) => Op::CallHelper,
        (Some(_), Kind::LdImm64(_)) => Op::LdImm64,
        _ => insn.op,
    };
    let dialect = spelled(op, dialect);
    let templates = &TEMPLATES[usize::from(dialect == Dialect::Gnu)];
    for part in &templates[op as usize] {
        match part {
            Part::Text(bytes, length) => {
                let end = out.len() + usize::from(*length);
                out.extend_from_slice(bytes);
                out.truncate(end);
            }
            Part::Dst => number(out, u64::from(insn.dst.number())),
            Part::Src => number(out, u64::from(insn.src.number())),
            Part::Hole(hole) => fill(out, *hole, insn, dialect, symbol),
        }
    }
}

fn fill(out: &mut Vec<u8>, hole: Hole, insn: &Insn, dialect: Dialect, symbol: Option<&Symbol<'_>>) {
    if let Some(symbol) = symbol
        && is_named(hole, insn)
    {
        return symbol.write(out);
    }
    match hole {
        // Registers are parts of their own.
        Hole::Dst | Hole::Src | Hole::HalfDst | Hole::HalfSrc => {}
        Hole::Imm => immediate(out, insn),
        Hole::OptionalImm if insn.imm == 0 => {}
        Hole::OptionalImm => {
            out.push(b' ');
            signed(out, insn.imm, dialect);
        }
        Hole::Off => signed(out, i64::from(insn.off), dialect),
        Hole::Target | Hole::Relative => {
            let distance = insn.jump().or(insn.function()).unwrap_or(0);
            if hole == Hole::Relative || dialect == Dialect::C {
                out.push(if distance < 0 { b'-' } else { b'+' });
                number(out, u64::from(distance.unsigned_abs()));
            } else {
                decimal(out, i64::from(distance));
            }
        }
        Hole::High => number(out, (insn.imm as u64) >> 16 & 0xffff),
        Hole::Low => number(out, insn.imm as u64 & 0xffff),
        Hole::Module => decimal(out, i64::from(insn.off)),
    }
}

/// Whether a name stands in a hole.
fn is_named(hole: Hole, insn: &Insn) -> bool {
    match hole {
        Hole::Target => true,
        Hole::Imm => matches!(
            insn.kind(),
            Kind::CallHelper | Kind::CallLocal | Kind::CallKfunc | Kind::LdImm64(_)
        ),
        _ => false,
    }
}

/// An offset, always with its sign. GNU's is written `+-8` when negative: binutils 2.40 reads no
/// other form, later ones read it as well.
fn signed(out: &mut Vec<u8>, value: i64, dialect: Dialect) {
    match (dialect, value < 0) {
        (Dialect::C, false) => out.extend_from_slice(b"+ "),
        (Dialect::C, true) => out.extend_from_slice(b"- "),
        (Dialect::Gnu, false) => out.push(b'+'),
        (Dialect::Gnu, true) => out.extend_from_slice(b"+-"),
    }
    number(out, value.unsigned_abs());
}

fn immediate(out: &mut Vec<u8>, insn: &Insn) {
    match insn.kind() {
        Kind::LdImm64(kind) if kind.uses_high() && i32::try_from(insn.imm).is_err() => {
            // Writing to memory cannot fail.
            let _ = write!(out, "{:#x}", insn.imm as u64);
        }
        Kind::LdImm64(kind) if !kind.uses_high() => decimal(out, i64::from(insn.imm_low())),
        _ => decimal(out, insn.imm),
    }
}

fn decimal(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    number(out, value.unsigned_abs());
}

/// A number in decimal digits.
#[inline]
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    if value < 10 {
        out.push(b'0' + value as u8);
    } else {
        long_number(out, value);
    }
}

fn long_number(out: &mut Vec<u8>, value: u64) {
    if value >= 100 {
        number(out, value / 100);
    }
    let last = (value % 100) as u8;
    out.extend_from_slice(&[b'0' + last / 10, b'0' + last % 10]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_lengths_are_written_as_the_standard_library_does() {
        let powers = (0..20).map(|power| 10u64.pow(power));
        let around = powers.flat_map(|power| [power - 1, power, power + 1, power + power / 3]);
        for value in around.chain([u64::MAX]) {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(text(out), value.to_string());
        }
    }
}
