//! The instructions that compilers write, from text to fields in one go.
//!
//! The automaton of the grammar finds the ends of operands and of the statement; no tokens are kept,
//! and there is no turning back. What is not plain, or not right, is left to the `lexer` and the
//! `matcher`: so nothing here says that anything is wrong, and whatever is found, they would find
//! as well.

use abide_isa::{Insn, Op, Reg};

use crate::automaton::{Automaton, END, FRAME, NOWHERE, REGISTER, Stop};
use crate::bind::{Field, awaits};
use crate::dialect::Dialect;
use crate::grammar::{Bind, Node, Row};
use crate::operator::Operator;
use crate::template::Hole;
use crate::token::{Tok, decimal, in_word, looks_like_register, number, word_length};

/// As many registers as one instruction here has, and one more place, which is for those that have
/// fewer: it always holds r0, as unused fields do.
const REGISTERS: usize = 3;

/// As many numbers and symbols.
const OPERANDS: usize = 2;

/// How the operands on the way to a node become the fields of its instruction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    op: Op,
    /// Which register.
    dst: u8,
    src: u8,
    /// Two that must be the same: one is written twice.
    same: [u8; 2],
    operands: [Option<(Hole, Field)>; OPERANDS],
}

impl Recipe {
    /// That of a node where one instruction ends, all of whose operands are free.
    pub(crate) fn of(node: &Node) -> Option<Recipe> {
        let [Row { op, binds, has_number: false }] = &node.rows[..] else { return None };
        let none = REGISTERS as u8;
        let (same, operands) = ([none; 2], [None; OPERANDS]);
        let mut recipe = Recipe { op: *op, dst: none, src: none, same, operands };
        let (mut registers, mut operands) = (0, recipe.operands.iter_mut());
        for bind in binds {
            let Bind::Hole(hole) = *bind else { return None };
            match Field::of(hole, op.kind()) {
                Some(Field::Low32 | Field::High | Field::Low) => return None,
                Some(field) => *operands.next()? = Some((hole, field)),
                None => {
                    let place = match hole {
                        Hole::Dst | Hole::HalfDst => &mut recipe.dst,
                        _ => &mut recipe.src,
                    };
                    match *place {
                        _ if registers == none => return None,
                        before if before == none => *place = registers,
                        before if recipe.same[0] == none => recipe.same = [before, registers],
                        _ => return None,
                    }
                    registers += 1;
                }
            }
        }
        Some(recipe)
    }
}

/// An instruction, and where the next statement begins.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) insn: Insn,
    /// The place of a symbol's name, and what it stands for.
    pub(crate) name: Option<(u32, u32, Hole)>,
    /// The end of the instruction, but for blanks.
    pub(crate) end: usize,
    pub(crate) next: usize,
}

/// The operands of a statement as they come.
#[derive(Default)]
struct Seen {
    /// The numbers of the registers, a byte each; the last one stays 0. How many bits they are.
    registers: u32,
    count: usize,
    /// The numbers, and the name that stands for one of them.
    operands: [i64; OPERANDS],
    operand: usize,
    name: Option<(u32, u32, usize)>,
}

/// Reads the statement at a place of a text if it is a plain instruction. `wanted` is the only dialect
/// accepted; `names` says whether names may be symbols.
#[inline]
pub(crate) fn read(
    automaton: &Automaton,
    text: &[u8],
    start: usize,
    wanted: Option<Dialect>,
    names: bool,
) -> Option<Found> {
    let mut seen = Seen::default();
    let (mut state, mut at) = (automaton.start(wanted), start);
    while state != NOWHERE {
        let stop = automaton.run(state, text, at)?;
        (state, at) = match stop.mark {
            REGISTER => {
                // At its number, or before that.
                let at = stop.at + usize::from(!stop.byte.is_ascii_digit());
                (stop.next, seen.register(text, at)?)
            }
            END => return seen.end(automaton.recipe(stop.next), text, &stop),
            FRAME => (stop.next, seen.frame(text, stop.at + 1)?),
            _ => {
                let after = automaton.operands(stop.state);
                match stop.byte {
                    sign @ (b'+' | b'-') if after.signed != NOWHERE => {
                        (after.signed, seen.signed(text, stop.at + 1, sign == b'-')?)
                    }
                    _ if after.plain == NOWHERE => return None,
                    b'0'..=b'9' => (after.plain, seen.number(text, stop.at, false)?),
                    _ if names => (after.plain, seen.name(text, stop.at)?),
                    _ => return None,
                }
            }
        };
    }
    None
}

/// Each gives the place after what it has gone over.
impl Seen {
    #[inline]
    fn register(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let [digit, next, after] = *text.get(at..)?.first_chunk()?;
        let (number, end) = match (digit.wrapping_sub(b'0'), next) {
            (number @ 0..=9, _) if !in_word(next) => (number, at + 1),
            (1, b'0') if !in_word(after) => (10, at + 2),
            _ => return None,
        };
        self.keep(number, end)
    }

    #[inline]
    fn frame(&mut self, text: &[u8], at: usize) -> Option<usize> {
        if in_word(*text.get(at)?) { None } else { self.keep(Reg::FP.number(), at) }
    }

    #[inline]
    fn keep(&mut self, register: u8, at: usize) -> Option<usize> {
        if self.count == 8 * REGISTERS {
            return None;
        }
        self.registers |= u32::from(register) << self.count;
        self.count += 8;
        Some(at)
    }

    /// Keeps an operand that ends here, if no operator follows.
    #[inline]
    fn operand(&mut self, operand: i64, text: &[u8], at: usize) -> Option<usize> {
        if Operator::STARTS[usize::from(*text.get(over_blanks(text, at))?)] {
            return None;
        }
        *self.operands.get_mut(self.operand)? = operand;
        self.operand += 1;
        Some(at)
    }

    #[inline]
    fn number(&mut self, text: &[u8], at: usize, negative: bool) -> Option<usize> {
        let rest = &text[at..];
        let (value, length) = match decimal(rest) {
            Some(found) => found,
            None => match number(rest) {
                (Tok::Number(value), length) => (value, length),
                _ => return None,
            },
        };
        let value = i64::try_from(value).ok()?;
        self.operand(if negative { -value } else { value }, text, at + length)
    }

    /// A number behind its sign, maybe with another sign.
    #[inline]
    fn signed(&mut self, text: &[u8], at: usize, negative: bool) -> Option<usize> {
        let at = over_blanks(text, at);
        let (at, negative) = match *text.get(at)? {
            sign @ (b'+' | b'-') => (over_blanks(text, at + 1), negative != (sign == b'-')),
            _ => (at, negative),
        };
        if text.get(at)?.is_ascii_digit() { self.number(text, at, negative) } else { None }
    }

    #[inline]
    fn name(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let length = word_length(&text[at..]);
        let end = at + length;
        if self.name.is_some() || length == 0 || looks_like_register(&text[at..end]) {
            return None;
        }
        self.name = Some((at as u32, end as u32, self.operand));
        self.operand(0, text, end)
    }

    /// The instruction, at what ends it.
    #[inline]
    fn end(&self, recipe: &Recipe, text: &[u8], stop: &Stop) -> Option<Found> {
        let register = |number: u8| Reg::new((self.registers >> (8 * (number & 3))) as u8 & 0xf);
        let [one, other] = recipe.same;
        if one != other && register(one) != register(other) {
            return None;
        }
        let (dst, src) = (register(recipe.dst)?, register(recipe.src)?);
        let mut insn = Insn { dst, src, ..Insn::new(recipe.op) };
        let mut name = None;
        for (at, place) in recipe.operands.iter().enumerate() {
            let Some((hole, field)) = *place else { break };
            match self.name {
                Some((start, end, which)) if which == at => {
                    if !awaits(&mut insn, hole) {
                        return None;
                    }
                    name = Some((start, end, hole));
                }
                _ => fill(&mut insn, field, self.operands[at])?,
            }
        }
        let end = stop.at;
        let next = match stop.byte {
            b'#' => end + text[end..].iter().position(|byte| *byte == b'\n')?,
            _ => end,
        };
        Some(Found { insn, name, end, next: next + 1 })
    }
}

#[inline]
fn over_blanks(text: &[u8], at: usize) -> usize {
    let mut at = at;
    while let Some(b' ' | b'\t') = text.get(at) {
        at += 1;
    }
    at
}

/// Puts a number into its field, if it fits and stays what it is.
#[inline]
fn fill(insn: &mut Insn, field: Field, number: i64) -> Option<()> {
    match field {
        Field::Imm32 | Field::Far => insn.imm = i64::from(i32::try_from(number).ok()?),
        Field::Imm64 => insn.imm = number,
        Field::Off | Field::Near => insn.off = i16::try_from(number).ok()?,
        Field::Low32 | Field::High | Field::Low => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use abide_isa::{AtomicOp, Field as Used, Imm64Kind, Kind, Spec};

    use super::*;
    use crate::grammar::Grammar;
    use crate::lexer::Lexer;
    use crate::print::{print, spelled};
    use crate::reader::Reader;

    fn sample(op: Op, off: i16, imm: i64) -> Insn {
        let Spec { dst, src, off: off_field, imm: imm_field, .. } = op.spec();
        let reg = |field: &Used, reg| if *field == Used::Used { reg } else { Reg::R0 };
        Insn {
            op,
            dst: reg(dst, Reg::R1),
            src: reg(src, Reg::R10),
            off: if *off_field == Used::Used { off } else { 0 },
            imm: if *imm_field == Used::Used { imm } else { 0 },
        }
    }

    #[test]
    fn what_is_printed_is_read_as_by_tokens() {
        for (off, imm) in [(0, 0), (8, 7), (-8, -7), (i16::MAX, 123_456_789), (i16::MIN, -1)] {
            for (dialect, op) in [Dialect::C, Dialect::Gnu]
                .into_iter()
                .flat_map(|dialect| Op::ALL.iter().map(move |op| (dialect, *op)))
            {
                let insn = sample(op, off, imm);
                let text = print(&insn, dialect, &());
                let line = format!("{text} # comment\n");
                let mut tokens = Vec::new();
                Lexer::new(&line, &Grammar::get().words).statement(&mut tokens);
                let mut reader = Reader::of_objects();
                for wanted in [None, Some(spelled(op, dialect))] {
                    let found = read(Automaton::get(), line.as_bytes(), 0, wanted, true);
                    let Some(found) = found else {
                        assert!(is_left_out(op, dialect), "{text}");
                        continue;
                    };
                    reader.read(&line, &tokens, wanted, None).expect("it is an instruction");
                    assert_eq!(found.insn, reader.bound.insn, "{text}");
                    assert_eq!(line[..found.end].trim_end(), text);
                    assert_eq!(found.next, line.len());
                }
            }
        }
    }

    /// What is left to the reader of tokens: fixed registers, numbers that select the instruction, two
    /// halves of one immediate, a sign that is none of a number.
    fn is_left_out(op: Op, dialect: Dialect) -> bool {
        match op.kind() {
            Kind::Endian { .. } | Kind::MovSx { .. } | Kind::CallX => dialect == Dialect::Gnu,
            Kind::LdImm64(kind) => kind != Imm64Kind::Value,
            Kind::LdAbs { .. } | Kind::LdInd { .. } => dialect == Dialect::C,
            Kind::Atomic { op: AtomicOp::Cmpxchg, .. } => dialect == Dialect::C,
            Kind::Neg { .. } => dialect == Dialect::C,
            Kind::AddrSpaceCast => true,
            _ => false,
        }
    }
}
