//! Instructions to text, by the templates of the instruction table.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use abide_isa::{Insn, Kind, Op, Reg};

use crate::dialect::Dialect;
use crate::template::{Hole, Piece, pieces};
use crate::token::all;

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
                let mut line = Line::new();
                line.label(*label);
                line.flush(out);
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

/// A piece of a template: text, and what stands behind it. Text is cut so that all pieces have one
/// size, which a copy can rely on; it holds the letters of registers, too.
struct Part {
    text: [u8; PART],
    length: u8,
    then: Then,
}

/// What stands behind the text of a part.
#[derive(Debug, Clone, Copy)]
enum Then {
    Nothing,
    /// The number of a register.
    Dst,
    Src,
    /// An immediate that is nothing but a number.
    Number,
    Hole(Hole),
}

const PART: usize = 16;

/// The templates of a dialect.
struct Templates {
    parts: Vec<Part>,
    /// By instruction: where its parts are, and the dialect that they are written in.
    of: Vec<(Range<usize>, Dialect)>,
}

impl Templates {
    fn get(dialect: Dialect) -> &'static Templates {
        static TEMPLATES: LazyLock<[Templates; 2]> =
            LazyLock::new(|| [Dialect::C, Dialect::Gnu].map(Templates::build));
        &TEMPLATES[usize::from(dialect == Dialect::Gnu)]
    }

    fn build(wanted: Dialect) -> Templates {
        let mut parts = Vec::new();
        let of = Op::ALL.iter().map(|op| {
            let (start, dialect) = (parts.len(), spelled(*op, wanted));
            let template = match dialect {
                Dialect::C => op.spec().c,
                Dialect::Gnu => op.spec().gnu,
            };
            cut(&mut parts, template, dialect, op.kind());
            (start..parts.len(), dialect)
        });
        let of = of.collect();
        Templates { parts, of }
    }
}

fn cut(out: &mut Vec<Part>, template: &'static str, dialect: Dialect, kind: Kind) {
    let mut text = String::new();
    for piece in pieces(template) {
        let (letter, then) = match piece {
            Piece::Text(more) => {
                text.push_str(more);
                continue;
            }
            Piece::Hole(Hole::Dst) => ("r", Then::Dst),
            Piece::Hole(Hole::Src) => ("r", Then::Src),
            Piece::Hole(Hole::HalfDst) => ("w", Then::Dst),
            Piece::Hole(Hole::HalfSrc) => ("w", Then::Src),
            Piece::Hole(Hole::Imm)
                if !matches!(kind, Kind::LdImm64(_) | Kind::CallHelper | Kind::CallKfunc) =>
            {
                ("", Then::Number)
            }
            Piece::Hole(other) => ("", Then::Hole(other)),
        };
        if dialect == Dialect::Gnu && !letter.is_empty() {
            text.push('%');
        }
        text.push_str(letter);
        push(out, &std::mem::take(&mut text), then);
    }
    if !text.is_empty() {
        push(out, &text, Then::Nothing);
    }
}

fn push(out: &mut Vec<Part>, text: &str, then: Then) {
    let mut rest = text.as_bytes();
    loop {
        let (piece, more) = rest.split_at(rest.len().min(PART));
        let mut text = [0; PART];
        text[..piece.len()].copy_from_slice(piece);
        let then = if more.is_empty() { then } else { Then::Nothing };
        out.push(Part { text, length: piece.len() as u8, then });
        if more.is_empty() {
            return;
        }
        rest = more;
    }
}

/// A line while it is put together: what is appended to it need not be asked each time whether there
/// is room, and copies have fixed sizes.
struct Line {
    bytes: [u8; Line::SIZE],
    length: usize,
}

impl Line {
    const SIZE: usize = 96;

    /// As much as is written between two looks at the room that is left: the text of a part, a sign,
    /// the 20 digits of a number and the rest of their last eight bytes.
    const MOST: usize = PART + 32;

    #[inline]
    fn new() -> Line {
        Line { bytes: [0; Line::SIZE], length: 0 }
    }

    /// Appends it to the text, and begins again.
    #[inline]
    fn flush(&mut self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
        self.length = 0;
    }

    /// Appends as many of these bytes as are said.
    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N], count: usize) {
        self.bytes[self.length..self.length + N].copy_from_slice(&bytes);
        self.length += count;
    }

    #[inline]
    fn byte(&mut self, byte: u8) {
        self.put([byte], 1);
    }

    #[inline]
    fn register(&mut self, reg: Reg) {
        let number = reg.number();
        match number {
            0..10 => self.byte(b'0' + number),
            _ => self.put([b'1', b'0' + number - 10], 2),
        }
    }

    /// A number in decimal digits.
    #[inline]
    fn number(&mut self, value: u64) {
        const EIGHT: u64 = 100_000_000;
        if value < 10 {
            self.byte(b'0' + value as u8);
        } else if value < EIGHT {
            let digits = digits(value as u32);
            // The bytes of the zeros before the first digit.
            let zeros = digits.trailing_zeros() / 8;
            self.put((digits >> (8 * zeros) | all(b'0')).to_le_bytes(), 8 - zeros as usize);
        } else {
            self.number(value / EIGHT);
            self.put((digits((value % EIGHT) as u32) | all(b'0')).to_le_bytes(), 8);
        }
    }

    #[inline]
    fn decimal(&mut self, value: i64) {
        if value < 0 {
            self.byte(b'-');
        }
        self.number(value.unsigned_abs());
    }

    fn hexadecimal(&mut self, value: u64) {
        self.put(*b"0x", 2);
        let count = (64 - value.leading_zeros()).div_ceil(4).max(1);
        for at in (0..count).rev() {
            self.byte(b"0123456789abcdef"[(value >> (4 * at)) as usize & 0xf]);
        }
    }

    fn label(&mut self, number: u32) {
        self.put(*b".L", 2);
        self.number(u64::from(number));
    }

    /// An offset, always with its sign. GNU's is written `+-8` when negative: binutils 2.40 reads no
    /// other form, later ones read it as well.
    #[inline]
    fn signed(&mut self, value: i64, dialect: Dialect) {
        let (sign, length) = match (dialect, value < 0) {
            (Dialect::C, false) => (*b"+ ", 2),
            (Dialect::C, true) => (*b"- ", 2),
            (Dialect::Gnu, false) => (*b"+ ", 1),
            (Dialect::Gnu, true) => (*b"+-", 2),
        };
        self.put(sign, length);
        self.number(value.unsigned_abs());
    }

    /// An instruction; the text before it is taken to `out` where it gets too long.
    #[inline]
    fn insn(
        &mut self,
        out: &mut Vec<u8>,
        insn: &Insn,
        dialect: Dialect,
        symbol: Option<&Symbol<'_>>,
    ) {
        let op = match (symbol, insn.kind()) {
            (None, _) => insn.op,
            // With a name all calls, and all loads of addresses, are spelled alike.
            (_, Kind::CallLocal | Kind::CallKfunc) => Op::CallHelper,
            (_, Kind::LdImm64(_)) => Op::LdImm64,
            _ => insn.op,
        };
        let templates = Templates::get(dialect);
        let (parts, dialect) = &templates.of[op as usize];
        for part in &templates.parts[parts.clone()] {
            if self.length > Line::SIZE - Line::MOST {
                self.flush(out);
            }
            self.put(part.text, usize::from(part.length));
            match part.then {
                Then::Nothing => {}
                Then::Dst => self.register(insn.dst),
                Then::Src => self.register(insn.src),
                Then::Number => self.decimal(insn.imm),
                Then::Hole(hole) => match symbol {
                    Some(Symbol::Label(label)) if is_named(hole, insn) => self.label(*label),
                    Some(Symbol::Name(name)) if is_named(hole, insn) => {
                        self.flush(out);
                        out.extend_from_slice(name.as_bytes());
                    }
                    _ => self.fill(hole, insn, *dialect),
                },
            }
        }
    }

    #[inline]
    fn fill(&mut self, hole: Hole, insn: &Insn, dialect: Dialect) {
        match hole {
            Hole::Off => self.signed(i64::from(insn.off), dialect),
            // Registers are parts of their own.
            Hole::Dst | Hole::Src | Hole::HalfDst | Hole::HalfSrc => {}
            Hole::Imm => self.immediate(insn),
            Hole::OptionalImm if insn.imm == 0 => {}
            Hole::OptionalImm => {
                self.byte(b' ');
                self.signed(insn.imm, dialect);
            }
            Hole::Target | Hole::Relative => {
                let distance = insn.jump().or(insn.function()).unwrap_or(0);
                if hole == Hole::Relative || dialect == Dialect::C {
                    self.byte(if distance < 0 { b'-' } else { b'+' });
                    self.number(u64::from(distance.unsigned_abs()));
                } else {
                    self.decimal(i64::from(distance));
                }
            }
            Hole::High => self.number((insn.imm as u64) >> 16 & 0xffff),
            Hole::Low => self.number(insn.imm as u64 & 0xffff),
            Hole::Module => self.decimal(i64::from(insn.off)),
        }
    }

    fn immediate(&mut self, insn: &Insn) {
        match insn.kind() {
            Kind::LdImm64(kind) if kind.uses_high() && i32::try_from(insn.imm).is_err() => {
                self.hexadecimal(insn.imm as u64);
            }
            Kind::LdImm64(kind) if !kind.uses_high() => self.decimal(i64::from(insn.imm_low())),
            _ => self.decimal(insn.imm),
        }
    }
}

/// The eight decimal digits of a number below 10^8, the first one in the lowest byte.
#[inline]
fn digits(value: u32) -> u64 {
    // Two halves of four digits, then four pairs, then eight digits, each beside the next.
    let (high, low) = (u64::from(value / 10_000), u64::from(value % 10_000));
    let fours = high | low << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x7f_0000_007f;
    let pairs = hundreds | (fours - 100 * hundreds) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (pairs - 10 * tens) << 8
}

/// Appends an instruction as text, with the name that stands for its target, function or address.
pub(crate) fn write_insn(
    out: &mut Vec<u8>,
    insn: &Insn,
    dialect: Dialect,
    symbol: Option<&Symbol<'_>>,
) {
    let mut line = Line::new();
    line.insn(out, insn, dialect, symbol);
    line.flush(out);
}

/// The same as a line of its own, indented.
pub(crate) fn write_line(
    out: &mut Vec<u8>,
    insn: &Insn,
    dialect: Dialect,
    symbol: Option<&Symbol<'_>>,
) {
    let mut line = Line::new();
    line.byte(b'\t');
    line.insn(out, insn, dialect, symbol);
    line.byte(b'\n');
    line.flush(out);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_lengths_are_written_as_the_standard_library_does() {
        let powers = (0..20).map(|power| 10u64.pow(power));
        let around = powers.flat_map(|power| [power - 1, power, power + 1, power + power / 3]);
        for value in around.chain([u64::MAX]) {
            let (mut out, mut line) = (Vec::new(), Line::new());
            line.number(value);
            line.flush(&mut out);
            assert_eq!(text(out), value.to_string());
        }
    }
}
