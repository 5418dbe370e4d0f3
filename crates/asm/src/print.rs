//! Instructions to text, by the templates of the instruction table.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::LazyLock;

use abide_isa::{Insn, Kind, Op, Reg};

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
    let mut out = String::with_capacity(32);
    write_insn(&mut out, insn, dialect, names);
    out
}

/// The dialect that an instruction is printed in when `wanted` is asked for.
pub(crate) fn spelled(op: Op, wanted: Dialect) -> Dialect {
    if op.spec().gnu.is_empty() { Dialect::C } else { wanted }
}

/// Appends an instruction as text.
pub(crate) fn write_insn(out: &mut String, insn: &Insn, dialect: Dialect, names: &dyn Names) {
    static TEMPLATES: LazyLock<[Vec<Vec<Piece>>; 2]> = LazyLock::new(|| {
        let all = |text: fn(Op) -> &'static str| Op::ALL.iter().map(move |op| pieces(text(*op)));
        [all(|op| op.spec().c).collect(), all(|op| op.spec().gnu).collect()]
    });
    let symbol = names.symbol(insn);
    let op = match (&symbol, insn.kind()) {
        // With a name all calls, and all loads of addresses, are spelled alike.
        (Some(_), Kind::CallLocal | Kind::CallKfunc) => Op::CallHelper,
        (Some(_), Kind::LdImm64(_)) => Op::LdImm64,
        _ => insn.op,
    };
    let dialect = spelled(op, dialect);
    let templates = &TEMPLATES[usize::from(dialect == Dialect::Gnu)];
    for piece in &templates[op as usize] {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole(hole) => fill(out, *hole, insn, dialect, symbol.as_deref()),
        }
    }
}

fn fill(out: &mut String, hole: Hole, insn: &Insn, dialect: Dialect, symbol: Option<&str>) {
    let named = matches!(
        insn.kind(),
        Kind::CallHelper | Kind::CallLocal | Kind::CallKfunc | Kind::LdImm64(_)
    );
    match (hole, symbol) {
        (Hole::Target, Some(symbol)) => return out.push_str(symbol),
        (Hole::Imm, Some(symbol)) if named => return out.push_str(symbol),
        _ => {}
    }
    match hole {
        Hole::Dst => register(out, insn.dst, "r", dialect),
        Hole::Src => register(out, insn.src, "r", dialect),
        Hole::HalfDst => register(out, insn.dst, "w", dialect),
        Hole::HalfSrc => register(out, insn.src, "w", dialect),
        Hole::Imm => immediate(out, insn),
        Hole::OptionalImm if insn.imm == 0 => {}
        Hole::OptionalImm => {
            out.push(' ');
            signed(out, insn.imm, dialect);
        }
        Hole::Off => signed(out, i64::from(insn.off), dialect),
        Hole::Target | Hole::Relative => {
            let distance = insn.jump().or(insn.function()).unwrap_or(0);
            if hole == Hole::Relative || dialect == Dialect::C {
                out.push_str(if distance < 0 { "-" } else { "+" });
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

fn register(out: &mut String, reg: Reg, prefix: &str, dialect: Dialect) {
    if dialect == Dialect::Gnu {
        out.push('%');
    }
    out.push_str(prefix);
    number(out, u64::from(reg.number()));
}

/// An offset, always with its sign. GNU's is written `+-8` when negative: binutils 2.40 reads no
/// other form, later ones read it as well.
fn signed(out: &mut String, value: i64, dialect: Dialect) {
    match dialect {
        Dialect::C => out.push_str(if value < 0 { "- " } else { "+ " }),
        Dialect::Gnu => out.push_str(if value < 0 { "+-" } else { "+" }),
    }
    number(out, value.unsigned_abs());
}

fn immediate(out: &mut String, insn: &Insn) {
    match insn.kind() {
        Kind::LdImm64(kind) if kind.uses_high() && i32::try_from(insn.imm).is_err() => {
            // Writing to a string cannot fail.
            let _ = write!(out, "{:#x}", insn.imm as u64);
        }
        Kind::LdImm64(kind) if !kind.uses_high() => decimal(out, i64::from(insn.imm_low())),
        _ => decimal(out, insn.imm),
    }
}

fn decimal(out: &mut String, value: i64) {
    if value < 0 {
        out.push('-');
    }
    number(out, value.unsigned_abs());
}

fn number(out: &mut String, value: u64) {
    if value < 10 {
        out.push(char::from(b'0' + value as u8));
    } else {
        // Writing to a string cannot fail.
        let _ = write!(out, "{value}");
    }
}
