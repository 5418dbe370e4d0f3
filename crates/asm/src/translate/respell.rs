//! One instruction in the other dialect's spelling, its operands as they were written.
//!
//! Both spellings come from the instruction table. Knows nothing of comments, labels and macros.

use abide_isa::{Op, Reg};

use crate::dialect::Dialect;
use crate::expr::{self, Scope};
use crate::grammar::Words;
use crate::lexer::Lexer;
use crate::template::{Hole, Piece, pieces};
use crate::token::{Sign, Tok, Token};

/// How operands are written in the text that is translated.
pub(super) trait Written {
    /// The text between two places.
    fn text(&self, start: u32, end: u32) -> String;
    /// The name of a register in a dialect; in pseudo-C that of its lower half, if asked for.
    fn register(&self, reg: Reg, half: bool, to: Dialect) -> String;
}

/// Takes every symbol for a number: where one may stand has been checked, or will be.
pub(super) struct Anything;

impl Scope for Anything {
    fn number(&self, _: &str) -> Option<i128> {
        Some(1)
    }
}

/// Registers by their numbers, all else as in the text.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl Written for Plain<'_> {
    fn text(&self, start: u32, end: u32) -> String {
        self.0[start as usize..end as usize].to_owned()
    }

    fn register(&self, reg: Reg, half: bool, to: Dialect) -> String {
        register(reg, half, to)
    }
}

/// The name of a register. (`fp` is not one of LLVM's.)
pub(super) fn register(reg: Reg, half: bool, to: Dialect) -> String {
    match (to, half) {
        (Dialect::Gnu, _) => format!("%r{}", reg.number()),
        (Dialect::C, false) => format!("r{}", reg.number()),
        (Dialect::C, true) => format!("w{}", reg.number()),
    }
}

/// An operand that stands in a hole of a spelling.
#[derive(Debug, Clone, Copy)]
enum Operand {
    Register(Reg),
    /// From one place to another.
    Expression {
        start: u32,
        end: u32,
    },
}

/// The first spelling that GNU's assemblers of all releases have: before 2.44 there were only these.
const OLDER: &[(Op, &str)] =
    &[(Op::AtomicAdd64, "xadddw [{d}{o}],{s}"), (Op::AtomicAdd32, "xaddw [{d}{o}],{s}")];

/// What a statement becomes.
#[derive(Debug)]
pub(super) struct Respelled {
    pub(super) text: String,
    /// Why some assembler of the dialect will not take it, if so.
    pub(super) doubt: Option<&'static str>,
}

/// Why there is nothing that a statement becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unspelled {
    /// The dialect has no spelling for this instruction.
    None,
    /// The statement has a form that the table does not show.
    Form,
}

/// Spells the instruction `op`, which the tokens are in `from`, in the other dialect.
pub(super) fn respell(
    words: &Words,
    text: &str,
    tokens: &[Token],
    op: Op,
    from: Dialect,
    written: &dyn Written,
) -> Result<Respelled, Unspelled> {
    let (spec, to) = (op.spec(), from.other());
    let (first, others, into) = match from {
        Dialect::C => (spec.c, spec.c_also, spec.gnu),
        Dialect::Gnu => (spec.gnu, spec.gnu_also, spec.c),
    };
    if into.is_empty() {
        return Err(Unspelled::None);
    }
    let into = match (to, OLDER.iter().find(|(other, _)| *other == op)) {
        (Dialect::Gnu, Some((_, spelling))) => spelling,
        _ => into,
    };
    let operands = std::iter::once(&first)
        .chain(others)
        .filter(|template| !template.is_empty())
        .find_map(|template| operands(words, text, tokens, template))
        .ok_or(Unspelled::Form)?;
    let mut out = Respelled { text: String::new(), doubt: None };
    for piece in pieces(into) {
        match piece {
            Piece::Text(text) => out.text.push_str(text),
            Piece::Hole(hole) => fill(&mut out, hole, &operands, to, written)?,
        }
    }
    Ok(out)
}

/// What stands in the holes of a spelling, if the tokens are that one.
fn operands(
    words: &Words,
    text: &str,
    tokens: &[Token],
    template: &'static str,
) -> Option<Vec<(Hole, Operand)>> {
    let (mut out, mut at) = (Vec::new(), 0);
    let expression = |at: usize| -> Option<(Operand, usize)> {
        let (_, after) = expr::parse(text, tokens, at, Some(&Anything)).ok()?;
        let (start, end) = (tokens[at].start, tokens[after - 1].end);
        Some((Operand::Expression { start, end }, after))
    };
    for piece in pieces(template) {
        match piece {
            Piece::Text(literal) => at = literals(words, literal, text, tokens, at)?,
            Piece::Hole(hole @ (Hole::Dst | Hole::Src | Hole::HalfDst | Hole::HalfSrc)) => {
                let wants_half = matches!(hole, Hole::HalfDst | Hole::HalfSrc);
                let Tok::Register { reg, half, .. } = tokens.get(at)?.tok else { return None };
                if half != wants_half {
                    return None;
                }
                out.push((hole, Operand::Register(reg)));
                at += 1;
            }
            Piece::Hole(Hole::OptionalImm) if !signed(tokens.get(at)) => {}
            Piece::Hole(hole) => {
                let (operand, after) = expression(at)?;
                out.push((hole, operand));
                at = after;
            }
        }
    }
    (at == tokens.len()).then_some(out)
}

fn signed(token: Option<&Token>) -> bool {
    token.is_some_and(|token| matches!(token.tok, Tok::Sign(Sign::Plus | Sign::Minus)))
}

/// Goes over the tokens that a spelling has literally; a number may be written as any expression.
fn literals(
    words: &Words,
    literal: &str,
    text: &str,
    tokens: &[Token],
    mut at: usize,
) -> Option<usize> {
    let (mut lexer, mut wanted) = (Lexer::new(literal, words), Vec::new());
    lexer.statement(&mut wanted);
    for want in wanted {
        let same = match (want.tok, tokens.get(at)?.tok) {
            (Tok::Number(_), _) => {
                at = expr::parse(text, tokens, at, Some(&Anything)).ok()?.1;
                continue;
            }
            (Tok::Register { reg: a, half: x, .. }, Tok::Register { reg: b, half: y, .. }) => {
                a == b && x == y
            }
            (a, b) => a == b,
        };
        if !same {
            return None;
        }
        at += 1;
    }
    Some(at)
}

fn fill(
    out: &mut Respelled,
    hole: Hole,
    operands: &[(Hole, Operand)],
    to: Dialect,
    written: &dyn Written,
) -> Result<(), Unspelled> {
    let field = |hole: Hole| match hole {
        Hole::HalfDst => Hole::Dst,
        Hole::HalfSrc => Hole::Src,
        // One is never beside the other, and the table has one where the dialects differ in it.
        Hole::OptionalImm => Hole::Imm,
        other => other,
    };
    let found = operands.iter().find(|(other, _)| field(*other) == field(hole));
    let operand = match (found, hole) {
        (Some((_, Operand::Register(reg))), _) => {
            let half = matches!(hole, Hole::HalfDst | Hole::HalfSrc);
            out.text.push_str(&written.register(*reg, half, to));
            return Ok(());
        }
        (Some((_, Operand::Expression { start, end })), _) => written.text(*start, *end),
        (None, Hole::Imm) => "0".to_owned(),
        (None, Hole::OptionalImm) => return Ok(()),
        (None, _) => return Err(Unspelled::Form),
    };
    match (hole, to) {
        (Hole::Off, _) => offset(&mut out.text, &operand, to),
        (Hole::OptionalImm, _) if operand == "0" => {}
        (Hole::OptionalImm, _) => {
            out.text.push(' ');
            offset(&mut out.text, &operand, to);
            out.doubt = Some("LLVM's assembler takes a register or a number here, not both");
        }
        (Hole::Imm, Dialect::C) if !begins_simply(&operand) => {
            // LLVM's assembler takes no sign or parenthesis first, unless for a number.
            out.text.push_str(if operand.starts_with(['-', '+']) { "0" } else { "0+" });
            out.text.push_str(&operand);
        }
        (Hole::Target, Dialect::C) if !is_simple(operand.trim_start_matches(['+', '-'])) => {
            out.text.push_str(&operand);
            out.doubt = Some("LLVM's assembler takes a label or a number as a target");
        }
        // What was optional had its sign.
        (Hole::Imm, _) => out.text.push_str(operand.trim_start_matches('+').trim_start()),
        _ => out.text.push_str(&operand),
    }
    Ok(())
}

/// The signed offset of an address. GNU's assembler reads only `+` before 2.44, and LLVM's only a
/// number after the sign.
fn offset(out: &mut String, operand: &str, to: Dialect) {
    let operand = match operand.strip_prefix('+') {
        Some(rest) => rest.trim_start(),
        None => operand,
    };
    let (negative, rest) = match operand.strip_prefix('-') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, operand),
    };
    match to {
        Dialect::Gnu => out.push_str(if negative { "+-" } else { "+" }),
        Dialect::C => out.push_str(if negative { "- " } else { "+ " }),
    }
    if to == Dialect::C && !is_simple_number(rest) {
        out.push_str(if negative { "0-" } else { "0+" });
    }
    out.push_str(rest);
}

/// One number or symbol, or parameter of a macro.
fn is_simple(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| crate::token::in_word(byte) || byte == b'\\')
}

fn is_simple_number(text: &str) -> bool {
    is_simple(text) && text.starts_with(|c: char| c.is_ascii_digit() || c == '\\')
}

fn begins_simply(text: &str) -> bool {
    match text.strip_prefix('-') {
        Some(rest) => rest.starts_with(|c: char| c.is_ascii_digit()),
        None => !text.starts_with(['(', '~', '+']),
    }
}
