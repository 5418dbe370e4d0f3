//! Instructions in macros and repetitions: parameters stand for registers or numbers.
//!
//! A parameter is read as whatever the uses of its macro give it, else as whatever makes the
//! statement an instruction; that both texts assemble to the same is checked afterwards.

use std::collections::HashMap;

use abide_isa::{Kind as InsnKind, Op, Reg};

use crate::bind::Bound;
use crate::dialect::Dialect;
use crate::grammar::Grammar;
use crate::lexer::Lexer;
use crate::reader::Reader;
use crate::token::{Tok, Token, in_word, register as register_name};
use crate::translate::respell::{Anything, Respelled, Unspelled, Written, register, respell};

/// At most so many parameters are guessed in one statement.
const MOST: usize = 4;

/// What a parameter stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Register,
    Half,
    Number,
    /// Not always the same.
    Mixed,
}

impl Kind {
    pub(super) fn of(argument: &str) -> Kind {
        match register_name(argument.trim_start_matches('%').as_bytes()) {
            Some((_, false)) => Kind::Register,
            Some((_, true)) => Kind::Half,
            None if argument.contains('\\') => Kind::Mixed,
            None => Kind::Number,
        }
    }
}

/// Part of a statement that is not known before a macro is expanded: `\reg`, `%r\n`, `.L\@`.
#[derive(Debug)]
struct Unit<'a> {
    text: &'a str,
    start: usize,
    kinds: Vec<Kind>,
}

fn units<'a>(statement: &'a str, known: &HashMap<String, Kind>) -> Vec<Unit<'a>> {
    let bytes = statement.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let start = at;
        if bytes[at] == b'%' && bytes.get(at + 1).is_some_and(|byte| in_unit(*byte)) {
            at += 1;
        }
        while bytes.get(at).is_some_and(|byte| in_unit(*byte)) {
            at += if bytes[at..].starts_with(b"\\()") { 3 } else { 1 };
        }
        let text = &statement[start..at];
        if text.contains('\\') {
            out.push(Unit { text, start, kinds: kinds(text, known) });
        }
        at = at.max(start + 1);
        while !statement.is_char_boundary(at) {
            at += 1;
        }
    }
    out
}

fn in_unit(byte: u8) -> bool {
    in_word(byte) || byte == b'\\'
}

/// What a part may be, the likeliest first.
fn kinds(text: &str, known: &HashMap<String, Kind>) -> Vec<Kind> {
    if text.starts_with('%') {
        return vec![Kind::Register];
    }
    if text.starts_with("r\\") {
        return vec![Kind::Register, Kind::Number];
    }
    if text.starts_with("w\\") {
        return vec![Kind::Half, Kind::Number];
    }
    let name = text.strip_prefix('\\').unwrap_or_default();
    match known.get(name.trim_end_matches("\\()")) {
        Some(Kind::Mixed) | None if !name.is_empty() && !name.contains(['\\', '@']) => {
            vec![Kind::Register, Kind::Number, Kind::Half]
        }
        Some(Kind::Mixed) | None => vec![Kind::Number],
        Some(kind) => vec![*kind],
    }
}

/// A statement with something readable for each of its parts.
struct Readable<'a> {
    text: String,
    /// Each part, and where it stands in `text`.
    parts: Vec<(&'a str, std::ops::Range<usize>)>,
    registers: HashMap<Reg, &'a str>,
}

fn readable<'a>(
    statement: &'a str,
    units: &[Unit<'a>],
    choice: &[Kind],
    dialect: Dialect,
) -> Readable<'a> {
    let mut out = Readable { text: String::new(), parts: Vec::new(), registers: HashMap::new() };
    let mut free = (0..Reg::FP.number()).rev().filter_map(Reg::new).filter(|reg| {
        let (r, w) = (format!("r{}", reg.number()), format!("w{}", reg.number()));
        !statement.contains(&r) && !statement.contains(&w)
    });
    let mut at = 0;
    for (unit, kind) in units.iter().zip(choice) {
        out.text.push_str(&statement[at..unit.start]);
        let start = out.text.len();
        match kind {
            Kind::Register | Kind::Half => {
                let same = out.registers.iter().find(|(_, text)| **text == unit.text);
                let Some(reg) = same.map(|(reg, _)| *reg).or_else(|| free.next()) else { break };
                out.registers.insert(reg, unit.text);
                out.text.push_str(&register(reg, *kind == Kind::Half, dialect));
            }
            Kind::Number | Kind::Mixed => out.text.push('1'),
        }
        out.parts.push((unit.text, start..out.text.len()));
        at = unit.start + unit.text.len();
    }
    out.text.push_str(&statement[at..]);
    out
}

impl Written for Readable<'_> {
    fn text(&self, start: u32, end: u32) -> String {
        let (mut at, end) = (start as usize, end as usize);
        let mut out = String::new();
        for (text, range) in &self.parts {
            if range.start < at || range.end > end {
                continue;
            }
            out.push_str(&self.text[at..range.start]);
            out.push_str(text);
            at = range.end;
        }
        out.push_str(&self.text[at..end]);
        out
    }

    fn register(&self, reg: Reg, half: bool, to: Dialect) -> String {
        let Some(unit) = self.registers.get(&reg) else { return register(reg, half, to) };
        let core = unit.trim_start_matches('%');
        let Some(number) = core.strip_prefix('r').or_else(|| core.strip_prefix('w')) else {
            return core.to_owned();
        };
        let prefix = match (to, half) {
            (Dialect::Gnu, _) => "%r",
            (Dialect::C, false) => "r",
            (Dialect::C, true) => "w",
        };
        format!("{prefix}{number}")
    }
}

/// What a statement with parameters becomes.
pub(super) enum Outcome {
    Respelled(Respelled),
    /// It is in the wanted dialect already.
    Same,
    /// It has no spelling there.
    None,
    /// It is no instruction, as far as can be seen.
    Unknown,
}

/// Translates a statement with parameters in it.
pub(super) fn translate(statement: &str, to: Dialect, known: &HashMap<String, Kind>) -> Outcome {
    let units = units(statement, known);
    if units.is_empty() || units.len() > MOST {
        return Outcome::Unknown;
    }
    for from in [to.other(), to] {
        let mut choice = vec![0; units.len()];
        loop {
            let kinds: Vec<Kind> =
                units.iter().zip(&choice).map(|(unit, at)| unit.kinds[*at]).collect();
            match attempt(&readable(statement, &units, &kinds, from), from) {
                Some(Ok(_)) if from == to => return Outcome::Same,
                Some(Ok(respelled)) => return Outcome::Respelled(respelled),
                Some(Err(Unspelled::None)) => return Outcome::None,
                Some(Err(Unspelled::Form)) | None => {}
            }
            // The next choice, as an odometer counts.
            let next = (0..units.len()).find(|at| {
                choice[*at] += 1;
                let over = choice[*at] == units[*at].kinds.len();
                if over {
                    choice[*at] = 0;
                }
                !over
            });
            if next.is_none() {
                break;
            }
        }
    }
    Outcome::Unknown
}

fn attempt(readable: &Readable<'_>, from: Dialect) -> Option<Result<Respelled, Unspelled>> {
    let words = &Grammar::get().words;
    let mut tokens: Vec<Token> = Vec::new();
    Lexer::new(&readable.text, words).statement(&mut tokens);
    if tokens.is_empty() || tokens.iter().any(|token| matches!(token.tok, Tok::Bad(_))) {
        return None;
    }
    let mut reader = Reader::default();
    let dialect = reader.read(&readable.text, &tokens, Some(from), Some(&Anything)).ok()?;
    if dialect != from {
        return None;
    }
    let op = spelled_as(&reader.bound);
    Some(respell(words, &readable.text, &tokens, op, from, readable))
}

/// The row of the table that a statement has the spelling of: of a call by name that is the call by
/// number.
pub(super) fn spelled_as(bound: &Bound) -> Op {
    match bound.insn.op.kind() {
        InsnKind::CallLocal if bound.reference.is_some() => Op::CallHelper,
        _ => bound.insn.op,
    }
}
