//! Text to code: statements, labels, symbols.
//!
//! At the level of instructions: labels and 8-byte data beside them, but no sections and no
//! objects. All errors of a text are found in one run.

use std::collections::HashMap;

use abide_diag::{Diagnostic, Report, Span};
use abide_isa::{Endian, Insn, Kind, Level, Raw, encode};

use crate::bind::{FARTHER, not_simple};
use crate::codes;
use crate::dialect::Dialect;
use crate::explain::{bad_token, explain};
use crate::expr::{self, Symbol};
use crate::grammar::Grammar;
use crate::lexer::Lexer;
use crate::matcher::Failure;
use crate::reader::{Reader, span_of};
use crate::token::{Sign, Tok, Token, looks_like_register};

/// After so many errors the rest of a text is not read.
const MOST_ERRORS: usize = 500;

/// The largest text, in bytes. Places in it are 32-bit numbers.
const LARGEST_TEXT: usize = 1 << 28;

/// How a text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The only dialect accepted; `None` takes either, line by line.
    pub dialect: Option<Dialect>,
    /// The highest level of instructions accepted.
    pub level: Level,
    /// The byte order of data.
    pub endian: Endian,
}

impl Default for Options {
    fn default() -> Self {
        Options { dialect: None, level: Level::V4, endian: Endian::Little }
    }
}

/// What an instruction wants of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefKind {
    /// To jump there: in the offset field, or in the immediate of `gotol`.
    Goto,
    /// To call it: in the immediate of a call, which is encoded as one of a function of the
    /// program (with -1) until it is known to be one of the host.
    Call,
    /// Its address, as a 64-bit immediate.
    Imm64,
}

/// A symbol that is no label of the text, or whose address is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SymbolRef {
    /// The first slot of the instruction.
    pub slot: usize,
    /// What for.
    pub kind: RefKind,
    /// The symbol.
    pub name: String,
    /// Bytes to be added to its address.
    pub addend: i64,
    /// Where the text says so.
    pub span: Span,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: String,
    /// The slot that it stands before; the number of slots for one at the end.
    pub slot: usize,
    /// Where it stands.
    pub span: Span,
}

/// Where an instruction, or data, comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its first slot.
    pub slot: usize,
    /// Its text.
    pub span: Span,
    /// The dialect that it is written in; `None` for data.
    pub dialect: Option<Dialect>,
}

/// An assembled text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assembled {
    /// The code.
    pub slots: Vec<Raw>,
    /// What is missing in it; by slot.
    pub refs: Vec<SymbolRef>,
    /// The named labels, as they stand.
    pub labels: Vec<Label>,
    /// Where each instruction comes from; by slot.
    pub statements: Vec<Statement>,
    /// Warnings; nothing is refused for them.
    pub warnings: Vec<Diagnostic>,
}

/// Assembles a text, and finds all of its errors.
///
/// ```
/// use abide_asm::{Options, RefKind, assemble};
///
/// let code = assemble("r3 = 0; goto kv_find;", &Options::default()).unwrap();
/// assert_eq!(code.slots.len(), 2);
/// assert_eq!((code.refs[0].slot, code.refs[0].kind), (1, RefKind::Goto));
/// assert_eq!(code.refs[0].name, "kv_find");
/// ```
pub fn assemble(text: &str, options: &Options) -> Result<Assembled, Vec<Diagnostic>> {
    if text.len() > LARGEST_TEXT {
        return Err(vec![Diagnostic::error(
            &codes::TOO_LARGE,
            "texts of more than 256 MiB are not assembled",
        )]);
    }
    let grammar = Grammar::get();
    let mut assembler = Assembler {
        text,
        options,
        out: Assembled::default(),
        pending: Vec::new(),
        labels: HashMap::new(),
        locals: HashMap::new(),
        errors: Vec::new(),
        reader: Reader::default(),
    };
    let mut lexer = Lexer::new(text, &grammar.words);
    let mut tokens = Vec::new();
    while lexer.statement(&mut tokens) {
        assembler.statement(&tokens);
        if assembler.errors.len() >= MOST_ERRORS {
            assembler.errors.push(Diagnostic::error(
                &codes::TOO_MANY,
                format!("the rest is not read after {MOST_ERRORS} errors"),
            ));
            return Err(assembler.errors);
        }
    }
    assembler.resolve();
    if assembler.errors.is_empty() { Ok(assembler.out) } else { Err(assembler.errors) }
}

/// An operand that is a symbol, until all labels are known.
struct Pending {
    slot: usize,
    insn: Insn,
    symbol: Symbol,
    addend: i64,
    span: Span,
    /// How often a numeric label had been defined before.
    before: usize,
}

struct Assembler<'a> {
    text: &'a str,
    options: &'a Options,
    out: Assembled,
    pending: Vec<Pending>,
    /// Named labels: their numbers in `out.labels`.
    labels: HashMap<&'a str, usize>,
    /// Numeric labels: the slots of each, in order.
    locals: HashMap<u32, Vec<usize>>,
    errors: Vec<Diagnostic>,
    reader: Reader,
}

impl<'a> Assembler<'a> {
    fn statement(&mut self, tokens: &[Token]) {
        let bad = tokens.iter().find_map(|token| match token.tok {
            Tok::Bad(fault) => Some((*token, fault)),
            _ => None,
        });
        if let Some((token, fault)) = bad {
            self.errors.push(bad_token(self.text, token, fault));
            return;
        }
        let mut tokens = tokens;
        while let [name, Token { tok: Tok::Sign(Sign::Colon), .. }, rest @ ..] = tokens {
            self.label(*name);
            tokens = rest;
        }
        let Some(first) = tokens.first() else { return };
        if self.text.as_bytes()[first.start as usize] == b'.' {
            self.directive(tokens);
        } else {
            match self.reader.read(self.text, tokens, self.options.dialect, None) {
                Ok(dialect) => self.emit(dialect, span_of(tokens)),
                Err(error) => self.errors.push(*error),
            }
        }
    }

    fn label(&mut self, token: Token) {
        let (text, slot, span) = (self.text, self.out.slots.len(), token.span());
        let name = &text[span.clone()];
        match token.tok {
            Tok::Number(number) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                match u32::try_from(number) {
                    Ok(number) => self.locals.entry(number).or_default().push(slot),
                    Err(_) => self.errors.push(
                        Diagnostic::error(&codes::BAD_TOKEN, "this numeric label is too large")
                            .at(span, ""),
                    ),
                }
            }
            Tok::Word(_) if !looks_like_register(name.as_bytes()) => {
                if let Some(&before) = self.labels.get(name) {
                    self.errors.push(
                        Diagnostic::error(
                            &codes::DUPLICATE_LABEL,
                            format!("the label `{name}` is defined twice"),
                        )
                        .at(span, "again here")
                        .also(self.out.labels[before].span.clone(), "first here"),
                    );
                    return;
                }
                self.labels.insert(name, self.out.labels.len());
                self.out.labels.push(Label { name: name.to_owned(), slot, span });
            }
            Tok::Word(_) | Tok::Register { .. } => self.errors.push(
                Diagnostic::error(
                    &codes::RESERVED_NAME,
                    format!("`{name}` cannot be a label: it is a register's name"),
                )
                .at(span, "reserved"),
            ),
            _ => self.errors.push(
                Diagnostic::error(
                    &codes::EXPECTED,
                    format!("expected the name of a label before `:`, found `{name}`"),
                )
                .at(span, "not a name"),
            ),
        }
    }

    /// 8-byte data, so that code that is no instruction can be written down.
    fn directive(&mut self, tokens: &[Token]) {
        let name = &self.text[tokens[0].span()];
        if !matches!(name, ".8byte" | ".quad" | ".dword") {
            self.errors.push(
                Diagnostic::error(&codes::DIRECTIVE, format!("unknown directive `{name}`"))
                    .at(tokens[0].span(), "not known here")
                    .help("beside instructions and labels there is `.8byte`"),
            );
            return;
        }
        let slot = self.out.slots.len();
        let mut at = 1;
        loop {
            match expr::parse(self.text, tokens, at, None) {
                Ok((expr, after)) => {
                    let value = i64::try_from(expr.value)
                        .map(|value| value as u64)
                        .or_else(|_| u64::try_from(expr.value));
                    let (Ok(value), None) = (value, expr.symbol) else {
                        self.errors.push(
                            Diagnostic::error(&codes::SYMBOL, "data must be a number here")
                                .at(expr.span(), "not a number"),
                        );
                        return;
                    };
                    let bytes = match self.options.endian {
                        Endian::Little => value.to_le_bytes(),
                        Endian::Big => value.to_be_bytes(),
                    };
                    self.out.slots.push(Raw::from_bytes(bytes, self.options.endian));
                    at = after;
                }
                Err(error) => {
                    let failure = Failure {
                        at: error.at,
                        trouble: crate::matcher::Trouble::Expression(error.kind),
                    };
                    self.errors.push(explain(self.text, tokens, Dialect::C, failure));
                    return;
                }
            }
            match tokens.get(at) {
                None => break,
                Some(Token { tok: Tok::Sign(Sign::Comma), .. }) => at += 1,
                Some(token) => {
                    let found = &self.text[token.span()];
                    self.errors.push(
                        Diagnostic::error(
                            &codes::EXPECTED,
                            format!("expected `,` or the end of the line, found `{found}`"),
                        )
                        .at(token.span(), "unexpected"),
                    );
                    return;
                }
            }
        }
        self.out.statements.push(Statement { slot, span: span_of(tokens), dialect: None });
    }

    fn emit(&mut self, dialect: Dialect, span: Span) {
        let bound = &mut self.reader.bound;
        let slot = self.out.slots.len();
        let spec = bound.insn.op.spec();
        if spec.level > self.options.level {
            self.errors.push(
                Diagnostic::error(
                    &codes::LEVEL,
                    format!("this instruction needs level {}", spec.level),
                )
                .at(span.clone(), format!("above level {}", self.options.level)),
            );
        }
        match encode(&bound.insn) {
            Ok(slots) => self.out.slots.extend_from_slice(&slots),
            Err(error) => {
                self.errors.push(error.report().at(span, ""));
                return;
            }
        }
        self.out.warnings.extend(bound.warning.take().map(|warning| *warning));
        if let Some(reference) = bound.reference {
            let (symbol, addend, span) = (reference.symbol, reference.addend, reference.span());
            let before = match symbol {
                Symbol::Local { number, .. } => self.locals.get(&number).map_or(0, Vec::len),
                Symbol::Name { .. } | Symbol::Compound => 0,
            };
            self.pending.push(Pending { slot, insn: bound.insn, symbol, addend, span, before });
        }
        self.out.statements.push(Statement { slot, span, dialect: Some(dialect) });
    }

    /// Fills in the labels, now that all are known; what is none becomes a reference.
    fn resolve(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let kind = match pending.insn.kind() {
                Kind::LdImm64(_) => RefKind::Imm64,
                Kind::CallLocal => RefKind::Call,
                _ => RefKind::Goto,
            };
            let target = match pending.symbol {
                Symbol::Local { number, forward } => {
                    let slots = self.locals.get(&number).map_or(&[][..], Vec::as_slice);
                    let at =
                        if forward { Some(pending.before) } else { pending.before.checked_sub(1) };
                    match at.and_then(|at| slots.get(at)) {
                        Some(slot) if kind != RefKind::Imm64 => *slot,
                        found => {
                            self.errors.push(no_numeric(
                                &pending,
                                number,
                                forward,
                                found.is_some(),
                            ));
                            continue;
                        }
                    }
                }
                Symbol::Compound => {
                    self.errors.push(not_simple(pending.span.clone()));
                    continue;
                }
                Symbol::Name { start, end } => {
                    let name = &self.text[start as usize..end as usize];
                    match self.labels.get(name) {
                        Some(label) if kind != RefKind::Imm64 => self.out.labels[*label].slot,
                        _ => {
                            self.out.refs.push(SymbolRef {
                                slot: pending.slot,
                                kind,
                                name: name.to_owned(),
                                addend: pending.addend,
                                span: pending.span,
                            });
                            continue;
                        }
                    }
                }
            };
            if let Err(error) = self.reach(&pending, target) {
                self.errors.push(*error);
            }
        }
    }

    /// Writes the distance to a label into its instruction.
    fn reach(&mut self, pending: &Pending, target: usize) -> Result<(), Box<Diagnostic>> {
        let span = pending.span.clone();
        if pending.addend % Raw::SIZE as i64 != 0 {
            return Err(Box::new(
                Diagnostic::error(
                    &codes::EXPRESSION,
                    "the target is not at the start of a slot: slots have 8 bytes",
                )
                .at(span, ""),
            ));
        }
        // Both are numbers of slots of a text of bounded size, and the addend is at most 2^60 slots.
        let distance =
            target as i64 + pending.addend / Raw::SIZE as i64 - (pending.slot as i64 + 1);
        let raw = &mut self.out.slots[pending.slot];
        let wide = matches!(pending.insn.kind(), Kind::Jump { long: true } | Kind::CallLocal);
        let fits = if wide {
            i32::try_from(distance).map(|distance| raw.imm = distance).is_ok()
        } else {
            i16::try_from(distance).map(|distance| raw.off = distance).is_ok()
        };
        if fits {
            return Ok(());
        }
        let error = Diagnostic::error(
            &codes::JUMP_RANGE,
            format!("the target is {distance} slots away, which does not fit"),
        )
        .at(span, "too far");
        Err(Box::new(match wide {
            true => error,
            false => error.help(FARTHER),
        }))
    }
}

fn no_numeric(pending: &Pending, number: u32, forward: bool, exists: bool) -> Diagnostic {
    let message = match (exists, forward) {
        (true, _) => "the address of a numeric label cannot be loaded".to_owned(),
        (false, true) => format!("there is no label `{number}:` after this"),
        (false, false) => format!("there is no label `{number}:` before this"),
    };
    Diagnostic::error(&codes::NO_LABEL, message).at(pending.span.clone(), "refers to it")
}
