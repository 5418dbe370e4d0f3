//! The operands of a statement into the fields of its instruction, with every range checked.
//!
//! Nothing is cut off silently: a number that does not fit is an error, one that changes by sign
//! extension a warning.

use abide_diag::{Diagnostic, Span};
use abide_isa::{Insn, Kind, Op, Reg, Size, Width};

use crate::codes;
use crate::expr::{Expr, NOT_SIMPLE, Symbol};
use crate::grammar::{Bind, Row};
use crate::matcher::Capture;
use crate::operator::signed;
use crate::template::Hole;
use crate::token::Token;

/// An instruction, and what is not yet known of it.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) insn: Insn,
    pub(crate) reference: Option<Reference>,
    /// Where two operands are symbols: the offset or immediate beside a target.
    pub(crate) second: Option<Reference>,
    pub(crate) warning: Option<Box<Diagnostic>>,
}

/// The symbol that stands for the target, the called function, the address or, if it is known later,
/// a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    pub(crate) symbol: Symbol,
    pub(crate) addend: i64,
    pub(crate) hole: Hole,
    start: u32,
    end: u32,
}

impl Reference {
    /// To a name at a place of the text.
    pub(crate) fn to_name(hole: Hole, start: u32, end: u32) -> Reference {
        Reference { symbol: Symbol::Name { start, end }, addend: 0, hole, start, end }
    }

    pub(crate) fn span(&self) -> Span {
        self.start as usize..self.end as usize
    }
}

impl Default for Bound {
    fn default() -> Self {
        Bound { insn: Insn::new(Op::Exit), reference: None, second: None, warning: None }
    }
}

/// What helps when a jump does not reach.
pub(crate) const FARTHER: &str =
    "`gotol` (pseudo-C) or `jal` (GNU), from level v4 on, goes farther";

/// Which part of an instruction a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    /// The immediate of one slot, or of two; the low half of one of two.
    Imm32,
    Imm64,
    Low32,
    Off,
    /// The distance of a jump or call: in the offset, or in the immediate.
    Near,
    Far,
    /// Half of the immediate of one slot.
    High,
    Low,
}

impl Field {
    /// The one that stands in a hole; nothing for registers.
    pub(crate) fn of(hole: Hole, kind: Kind) -> Option<Field> {
        Some(match (hole, kind) {
            (Hole::Imm | Hole::OptionalImm, Kind::LdImm64(kind)) if kind.uses_high() => {
                Field::Imm64
            }
            (Hole::Imm | Hole::OptionalImm, Kind::LdImm64(_)) => Field::Low32,
            (Hole::Imm | Hole::OptionalImm, _) => Field::Imm32,
            (Hole::Off | Hole::Module, _) => Field::Off,
            (Hole::Target | Hole::Relative, Kind::Jump { long: true } | Kind::CallLocal) => {
                Field::Far
            }
            (Hole::Target | Hole::Relative, _) => Field::Near,
            (Hole::High, _) => Field::High,
            (Hole::Low, _) => Field::Low,
            (Hole::Dst | Hole::Src | Hole::HalfDst | Hole::HalfSrc, _) => return None,
        })
    }
}

/// Makes an instruction what it is until the symbol in one of its holes is known; false if no
/// relocation or label can be there.
pub(crate) fn awaits(insn: &mut Insn, hole: Hole) -> bool {
    match (hole, insn.kind()) {
        (Hole::Imm, Kind::LdImm64(abide_isa::Imm64Kind::Value)) => {}
        (Hole::Target, Kind::Jump { long: true }) => insn.imm = -1,
        (Hole::Target, _) => insn.off = -1,
        // How the object formats of all compilers write a call that a relocation completes.
        (Hole::Imm, Kind::CallHelper) => *insn = Insn { imm: -1, ..Insn::new(Op::CallLocal) },
        _ => return false,
    }
    true
}

type Checked<T> = Result<T, Box<Diagnostic>>;

/// Fills in the row that the operands demand. With `later` a symbol may stand for a number that
/// will be known later.
pub(crate) fn bind(
    rows: &[Row],
    captures: &[Capture],
    text: &str,
    tokens: &[Token],
    later: bool,
    bound: &mut Bound,
) -> Checked<()> {
    let fits = |row: &&Row| !row.has_number || row.binds.iter().zip(captures).all(number_fits);
    let row = rows.iter().find(fits);
    let Some(row) = row else { return Err(Box::new(no_row(rows, captures))) };
    *bound = Bound { insn: Insn::new(row.op), reference: None, second: None, warning: None };
    let mut binder = Binder { bound, dst: None, src: None, text, tokens, later };
    for (bind, capture) in row.binds.iter().zip(captures) {
        match (bind, capture) {
            (Bind::Hole(hole), Capture::Register(reg, at)) => binder.register(*hole, *reg, *at)?,
            (Bind::Register(needed), Capture::Register(reg, at)) => {
                if needed != reg {
                    return Err(binder.other_register(*at, *needed, None));
                }
            }
            (Bind::Hole(hole), Capture::Expression(expr)) => binder.expression(*hole, expr)?,
            // A fixed number was compared above; the grammar gives no other combination.
            (Bind::Number(_), _) | (Bind::Register(_), Capture::Expression(_)) => {}
        }
    }
    Ok(())
}

fn number_fits((bind, capture): (&Bind, &Capture)) -> bool {
    match (bind, capture) {
        (Bind::Number(needed), Capture::Expression(expr)) => {
            expr.symbol.is_none() && expr.value == i128::from(*needed)
        }
        _ => true,
    }
}

/// A number that selects the instruction is none of those that do.
fn no_row(rows: &[Row], captures: &[Capture]) -> Diagnostic {
    let mut numbers = Vec::new();
    let mut span = 0..0;
    for row in rows {
        for (bind, capture) in row.binds.iter().zip(captures) {
            if let (Bind::Number(needed), Capture::Expression(expr)) = (bind, capture) {
                numbers.push(needed.to_string());
                span = expr.span();
            }
        }
    }
    Diagnostic::error(&codes::NUMBER_RANGE, format!("this must be one of {}", numbers.join(", ")))
        .at(span, "no instruction has this number")
}

struct Binder<'a> {
    bound: &'a mut Bound,
    dst: Option<usize>,
    src: Option<usize>,
    text: &'a str,
    tokens: &'a [Token],
    later: bool,
}

impl Binder<'_> {
    fn register(&mut self, hole: Hole, reg: Reg, at: usize) -> Checked<()> {
        let (field, seen) = match hole {
            Hole::Dst | Hole::HalfDst => (&mut self.bound.insn.dst, &mut self.dst),
            _ => (&mut self.bound.insn.src, &mut self.src),
        };
        match *seen {
            Some(before) if *field != reg => {
                let needed = *field;
                Err(self.other_register(at, needed, Some(before)))
            }
            _ => {
                (*field, *seen) = (reg, Some(at));
                Ok(())
            }
        }
    }

    fn other_register(&self, at: usize, needed: Reg, same_as: Option<usize>) -> Box<Diagnostic> {
        let span = self.tokens[at].span();
        // The name in the spelling of the line: r0 or w0, with `%` or without.
        let written = &self.text[span.clone()];
        let prefix = written.trim_end_matches(|c: char| c.is_ascii_digit());
        let needed = if written.ends_with("fp") {
            needed.to_string()
        } else {
            format!("{prefix}{}", needed.number())
        };
        let error = Diagnostic::error(
            &codes::REGISTER_FIXED,
            format!("this must be {needed}, not {written}"),
        );
        Box::new(match same_as {
            Some(before) => error
                .at(span, "the same register as the other one")
                .also(self.tokens[before].span(), "this one")
                .note("the instruction has one field for both"),
            None => error.at(span, format!("always {needed} in this instruction")),
        })
    }

    fn expression(&mut self, hole: Hole, expr: &Expr) -> Checked<()> {
        let kind = self.bound.insn.kind();
        if let Some(symbol) = expr.symbol {
            return self.symbol(hole, expr, symbol);
        }
        match Field::of(hole, kind) {
            Some(Field::Imm32) => self.bound.insn.imm = self.imm32(kind, expr)?,
            Some(Field::Imm64) => {
                self.bound.insn.imm = i64::try_from(expr.value)
                    .or_else(|_| u64::try_from(expr.value).map(|value| value as i64))
                    .map_err(|_| Box::new(out_of_range(expr, "a 64-bit immediate")))?;
            }
            Some(Field::Low32) => self.bound.insn.imm = low32(expr)?,
            Some(Field::Off) => self.bound.insn.off = in_range(expr, "an offset")?,
            Some(Field::Far) => {
                self.bound.insn.imm = i64::from(in_range::<i32>(expr, "a distance")?);
            }
            Some(Field::Near) => {
                self.bound.insn.off = in_range(expr, "the distance of a jump")
                    .map_err(|error| Box::new(error.help(FARTHER)))?;
            }
            Some(Field::High) => {
                let high = in_range::<u16>(expr, "an address space")?;
                self.bound.insn.imm = i64::from(i32::from(high as i16) << 16);
            }
            Some(Field::Low) => {
                self.bound.insn.imm |= i64::from(in_range::<u16>(expr, "an address space")?);
            }
            None => {}
        }
        Ok(())
    }

    fn symbol(&mut self, hole: Hole, expr: &Expr, symbol: Symbol) -> Checked<()> {
        let compound = symbol == Symbol::Compound;
        let kind = self.bound.insn.kind();
        match (hole, kind) {
            (Hole::Target, _) | (Hole::Imm, Kind::CallHelper) if compound => {
                return Err(Box::new(not_simple(expr.span())));
            }
            (Hole::Imm, Kind::LdImm64(_)) if compound && !self.later => {
                return Err(Box::new(not_simple(expr.span())));
            }
            _ if awaits(&mut self.bound.insn, hole) => {}
            (Hole::Imm | Hole::OptionalImm, Kind::LdImm64(_)) if !compound => {
                return Err(Box::new(self.no_symbol(expr)));
            }
            (Hole::Imm | Hole::OptionalImm, Kind::LdImm64(_)) => {
                return Err(Box::new(not_simple(expr.span())));
            }
            (Hole::Imm | Hole::OptionalImm | Hole::Off, _) if self.later => {}
            _ if compound => return Err(Box::new(not_simple(expr.span()))),
            _ => return Err(Box::new(self.no_symbol(expr))),
        }
        let addend =
            i64::try_from(expr.value).map_err(|_| Box::new(out_of_range(expr, "an addend")))?;
        let (start, end) = (expr.start, expr.end);
        let reference = Some(Reference { symbol, addend, hole, start, end });
        if self.bound.reference.is_none() {
            self.bound.reference = reference;
        } else {
            self.bound.second = reference;
        }
        Ok(())
    }

    fn no_symbol(&self, expr: &Expr) -> Diagnostic {
        no_symbol(&self.bound.insn, &self.text[expr.span()]).at(expr.span(), NO_RELOCATION)
    }

    /// A 32-bit immediate. As for every assembler it may be written as signed or unsigned, and as
    /// the 64 bits that it becomes.
    fn imm32(&mut self, kind: Kind, expr: &Expr) -> Checked<i64> {
        let Some(value) = imm32(expr.value) else {
            let error = out_of_range(expr, "a 32-bit immediate");
            return Err(Box::new(match kind {
                Kind::Mov { width: Width::W64, .. } => {
                    let dst = self.bound.insn.dst;
                    let number = &self.text[expr.span()];
                    error.help(format!(
                        "`{dst} = {number} ll` (pseudo-C) or `lddw %{dst},{number}` (GNU) loads 64 bits"
                    ))
                }
                _ => error,
            }));
        };
        if value < 0 && u32::try_from(expr.value).is_ok() && is_extended(kind) {
            let warning = sign_extended(expr.value, value).at(expr.span(), meant(value));
            self.bound.warning = Some(Box::new(warning));
        }
        Ok(value)
    }
}

/// What is said of the place of a symbol that is in the way.
pub(crate) const NO_RELOCATION: &str = "no relocation can fill this in";

/// A symbol, written as `name`, stands where the instruction has a number.
pub(crate) fn no_symbol(insn: &Insn, name: &str) -> Diagnostic {
    let error = Diagnostic::error(&codes::SYMBOL, "a number is needed here, not a symbol");
    match insn.kind() {
        Kind::Mov { .. } => {
            let dst = insn.dst;
            error.help(format!(
                "`{dst} = {name} ll` (pseudo-C) or `lddw %{dst},{name}` (GNU) loads its address"
            ))
        }
        _ => error,
    }
}

/// The operand has more symbols, or does more with one, than can be done here.
pub(crate) fn not_simple(span: Span) -> Diagnostic {
    let message = format!("this expression cannot be evaluated: {NOT_SIMPLE}");
    Diagnostic::error(&codes::EXPRESSION, message).at(span, "")
}

/// A number as a 32-bit immediate, if it is one: signed, unsigned, or as the 64 bits that it becomes.
pub(crate) fn imm32(value: i128) -> Option<i64> {
    let unsigned = || u32::try_from(value).ok().map(|value| value as i32);
    i32::try_from(signed(value)).ok().or_else(unsigned).map(i64::from)
}

/// Whether the instruction makes 64 bits of its immediate, by sign.
pub(crate) fn is_extended(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Alu { width: Width::W64, .. }
            | Kind::Mov { width: Width::W64, .. }
            | Kind::JumpIf { width: Width::W64, .. }
            | Kind::Store { size: Size::Dw, .. }
    )
}

/// The warning for an immediate that is written as another number than it becomes.
pub(crate) fn sign_extended(written: i128, value: i64) -> Diagnostic {
    let message = format!("the immediate {written} is sign-extended");
    Diagnostic::warning(&codes::SIGN_EXTENDED, message)
        .help(format!("write {value} if that is what is meant"))
}

/// What it says of the place.
pub(crate) fn meant(value: i64) -> String {
    format!("as 64 bits it is {value:#x}")
}

/// A number of a map or a distance: 32 bits, signed or unsigned.
fn low32(expr: &Expr) -> Checked<i64> {
    let low = i32::try_from(signed(expr.value))
        .map(|value| value as u32)
        .or_else(|_| u32::try_from(expr.value))
        .map_err(|_| Box::new(out_of_range(expr, "a 32-bit immediate")))?;
    Ok(i64::from(low))
}

fn in_range<T: TryFrom<i128>>(expr: &Expr, what: &str) -> Checked<T> {
    T::try_from(signed(expr.value)).map_err(|_| {
        let bits = size_of::<T>() * 8;
        let sign = if T::try_from(-1).is_ok() { "signed" } else { "unsigned" };
        Box::new(out_of_range(expr, what).note(format!("the field has {bits} bits, {sign}")))
    })
}

fn out_of_range(expr: &Expr, what: &str) -> Diagnostic {
    Diagnostic::error(&codes::NUMBER_RANGE, format!("{} does not fit into {what}", expr.value))
        .at(expr.span(), "out of range")
}
