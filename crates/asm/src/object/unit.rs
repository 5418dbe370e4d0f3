//! A text on its way to an object: its statements, labels and instructions.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use abide_diag::{Diagnostic, Report, Source, Span};
use abide_isa::{Insn, Kind, encode};

use crate::bind::Bound;
use crate::codes;
use crate::dialect::Dialect;
use crate::expr::{Scope, Symbol as Operand};
use crate::grammar::Grammar;
use crate::lexer::Lexer;
use crate::object::conditional::Conditional;
use crate::object::gcc::settle;
use crate::object::input::{Frame, Macro, Text};
use crate::object::lines::Lines;
use crate::object::section::{Fixup, Identity, Need, Section, Wanted};
use crate::object::symbols::{Binding, Meaning, Origin, Place, SymbolId, Symbols};
use crate::object::value::{Node, NodeId};
use crate::object::{Message, Object, ObjectOptions, Style};
use crate::reader::{read, span_of};
use crate::token::{Sign, Tok, Token, looks_like_register, word_length};

/// The type of symbols that stand for sections.
pub(super) const STT_SECTION: u8 = 3;

/// After so many errors the rest of a text is not read.
const MOST_ERRORS: usize = 500;

/// The largest text, in bytes, and the largest section. Places in texts are 32-bit numbers.
pub(super) const LARGEST: usize = 1 << 28;

/// What numeric labels of one number are at the moment.
#[derive(Debug, Default)]
struct Numeric {
    last: Option<SymbolId>,
    next: Option<SymbolId>,
}

/// Everything that is known of a text.
pub(super) struct Unit<'a> {
    pub(super) options: &'a ObjectOptions<'a>,
    pub(super) style: Style,
    pub(super) grammar: &'static Grammar,
    pub(super) texts: Vec<Text>,
    pub(super) frames: Vec<Frame>,
    /// The bytes that expansions have made so far.
    pub(super) expanded: usize,
    /// How many macros have been expanded: `\@`.
    pub(super) expansions: u64,
    /// The text being read.
    pub(super) current: u32,
    pub(super) macros: HashMap<String, Arc<Macro>>,
    pub(super) conditions: Vec<Conditional>,
    pub(super) symbols: Symbols,
    numeric: HashMap<u32, Numeric>,
    pub(super) nodes: Vec<Node>,
    pub(super) steps: Cell<u32>,
    pub(super) sections: Vec<Section>,
    pub(super) section_numbers: HashMap<Identity, u32>,
    /// The groups of which linkers keep one only.
    pub(super) comdat: HashSet<SymbolId>,
    /// What `.bpf.flags` says.
    pub(super) flags: u32,
    /// The section being filled, the one before, and those set aside by `.pushsection`.
    pub(super) section: u32,
    pub(super) previous: u32,
    pub(super) pushed: Vec<(u32, u32)>,
    /// Whether all places are final.
    pub(super) placed: bool,
    /// For each section, the bytes that its parts before each number of parts have.
    pub(super) shifts: Vec<Vec<u64>>,
    pub(super) lines: Lines,
    pub(super) frame: crate::object::frame::Frames,
    pub(super) file: Option<String>,
    pub(super) addrsig: bool,
    pub(super) has_values: bool,
    pub(super) errors: Vec<(u32, Diagnostic)>,
    warnings: Vec<(u32, Diagnostic)>,
    /// The statement being read.
    pub(super) tokens: Vec<Token>,
}

/// The symbols that stand for numbers.
struct Values<'u, 'a>(&'u Unit<'a>);

impl Scope for Values<'_, '_> {
    fn number(&self, name: &str) -> Option<i128> {
        let symbol = self.0.symbols.find(name)?;
        match self.0.symbols.get(symbol).meaning {
            Meaning::Value { node, .. } => self.0.constant(node).ok(),
            _ => None,
        }
    }
}

impl<'a> Unit<'a> {
    pub(super) fn new(source: &Source, options: &'a ObjectOptions<'a>) -> Self {
        let style = options.style.unwrap_or_else(|| style_of(&source.text, options.dialect));
        let mut unit = Unit {
            options,
            style,
            grammar: Grammar::get(),
            texts: vec![Text {
                source: settle(source, options.semicolon),
                parent: None,
                expansion: false,
            }],
            frames: vec![Frame { text: 0, at: 0, conditions: 0 }],
            expanded: 0,
            expansions: 0,
            current: 0,
            macros: HashMap::new(),
            conditions: Vec::new(),
            symbols: Symbols::default(),
            numeric: HashMap::new(),
            nodes: Vec::new(),
            steps: Cell::new(0),
            sections: Vec::new(),
            section_numbers: HashMap::new(),
            comdat: HashSet::new(),
            flags: options.flags,
            section: 0,
            previous: 0,
            pushed: Vec::new(),
            placed: false,
            shifts: Vec::new(),
            lines: Lines::default(),
            frame: crate::object::frame::Frames::default(),
            file: None,
            addrsig: false,
            has_values: false,
            errors: Vec::new(),
            warnings: Vec::new(),
            tokens: Vec::new(),
        };
        let first: &[&str] = match style {
            Style::Llvm => &[".text"],
            Style::Gnu => &[".text", ".data", ".bss"],
        };
        for name in first {
            unit.usual_section(name);
        }
        unit
    }

    pub(super) fn run(mut self) -> Result<Object, Vec<Message>> {
        if self.texts[0].source.text.len() > LARGEST {
            self.errors.push((
                0,
                Diagnostic::error(
                    &codes::TOO_LARGE,
                    "texts of more than 256 MiB are not assembled",
                ),
            ));
            return Err(self.messages().0);
        }
        while let Some(frame) = self.frames.last() {
            let (text, at) = (frame.text, frame.at);
            self.current = text;
            let source = self.texts[text as usize].source.text.clone();
            let depth = self.frames.len();
            let mut lexer = Lexer::within(&source, &self.grammar.words, at);
            loop {
                if !self.statement(&source, &mut lexer) {
                    self.leave();
                    break;
                }
                if self.errors.len() >= MOST_ERRORS {
                    let end = Diagnostic::error(
                        &codes::TOO_MANY,
                        format!("the rest is not read after {MOST_ERRORS} errors"),
                    );
                    self.errors.push((text, end));
                    return Err(self.messages().0);
                }
                if self.frames.len() != depth {
                    self.frames[depth - 1].at = lexer.at;
                    break;
                }
            }
        }
        self.finish()
    }

    fn finish(mut self) -> Result<Object, Vec<Message>> {
        self.unclosed();
        if self.errors.is_empty() {
            self.name_sections();
            if self.relaxes() {
                self.place();
            }
            self.emit_frames();
            self.emit_lines();
            self.pad();
            self.place();
        }
        let resolved = if self.errors.is_empty() { self.resolve() } else { Vec::new() };
        let bytes = if self.errors.is_empty() { self.write(&resolved) } else { Vec::new() };
        let lines = if self.errors.is_empty() { self.source_lines() } else { Vec::new() };
        let failed = !self.errors.is_empty();
        let (errors, warnings) = self.messages();
        if failed { Err(errors) } else { Ok(Object { bytes, lines, warnings }) }
    }

    /// The name of a section is a symbol for its start, if nothing else is called so.
    fn name_sections(&mut self) {
        for section in 0..self.sections.len() as u32 {
            let Some(id) = self.symbols.find(&self.sections[section as usize].name) else {
                continue;
            };
            let symbol = self.symbols.get_mut(id);
            if symbol.meaning == Meaning::Undefined && symbol.binding == Binding::Unsaid {
                symbol.meaning = Meaning::Label(Place { section, parts: 0, fixed: 0 });
                symbol.kind = STT_SECTION;
            }
        }
    }

    /// All messages, pointing into files that exist.
    fn messages(self) -> (Vec<Message>, Vec<Message>) {
        let texts = self.texts;
        let show = |(text, diagnostic): (u32, Diagnostic)| -> Message {
            crate::object::input::locate(&texts, text, diagnostic)
        };
        (self.errors.into_iter().map(show).collect(), self.warnings.into_iter().map(show).collect())
    }

    pub(super) fn error(&mut self, diagnostic: Diagnostic) {
        self.errors.push((self.current, diagnostic));
    }

    pub(super) fn error_at(&mut self, origin: Origin, diagnostic: Diagnostic, label: &str) {
        self.errors.push((origin.text, diagnostic.at(origin.span(), label)));
    }

    pub(super) fn origin(&self, span: Span) -> Origin {
        Origin { text: self.current, start: span.start as u32, end: span.end as u32 }
    }

    /// Reads one statement; false at the end of the text.
    fn statement(&mut self, text: &str, lexer: &mut Lexer<'_>) -> bool {
        let bytes = text.as_bytes();
        loop {
            // Blank and comment lines, and labels, need no tokens.
            while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(lexer.at) {
                lexer.at += 1;
            }
            let start = lexer.at;
            let length = word_length(&bytes[start..]);
            if length == 0 {
                break;
            }
            let end = start + length;
            if bytes.get(end) == Some(&b':') {
                self.label(text, start..end);
                lexer.at = end + 1;
                continue;
            }
            if bytes[start] == b'.' {
                let rest = &bytes[end..];
                let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                match &rest[blanks..] {
                    [b':', ..] => {
                        self.label(text, start..end);
                        lexer.at = end + blanks + 1;
                        continue;
                    }
                    [b'=', b'=', ..] => {}
                    [b'=', ..] => break,
                    _ => {}
                }
                lexer.at = end;
                self.directive(text, start..end, lexer);
                return true;
            }
            if !self.macros.is_empty() && self.expand(text, start..end, lexer) {
                return true;
            }
            break;
        }
        let mut tokens = std::mem::take(&mut self.tokens);
        let more = lexer.statement(&mut tokens);
        self.tokenized(text, &tokens);
        self.tokens = tokens;
        more
    }

    /// A statement that is no directive: labels, an assignment, an instruction.
    fn tokenized(&mut self, text: &str, tokens: &[Token]) {
        if tokens.is_empty() || self.bad(tokens) {
            return;
        }
        let mut tokens = tokens;
        while let [name, Token { tok: Tok::Sign(Sign::Colon), .. }, rest @ ..] = tokens {
            match name.tok {
                Tok::Number(number) => self.numeric_label(number, name.span()),
                _ => self.label(text, name.span()),
            }
            tokens = rest;
        }
        let Some(first) = tokens.first() else { return };
        if let [name, Token { tok: Tok::Sign(Sign::Assign), .. }, rest @ ..] = tokens
            && matches!(name.tok, Tok::Word(_) | Tok::Text)
            && !looks_like_register(text[name.span()].as_bytes())
            && !rest.is_empty()
        {
            self.assign(text, tokens, 0, 2, true);
            return;
        }
        if text.as_bytes()[first.start as usize] == b'.' {
            // After a label on the same line.
            let origin = first.span();
            let mut lexer = Lexer::within(text, &self.grammar.words, origin.end);
            self.directive(text, origin, &mut lexer);
            return;
        }
        if !self.macros.is_empty() {
            let word = first.span();
            let mut lexer = Lexer::within(text, &self.grammar.words, word.start);
            if self.expand(text, word, &mut lexer) {
                return;
            }
        }
        let read = {
            let values = Values(self);
            let scope: Option<&dyn Scope> = if self.has_values { Some(&values) } else { None };
            read(text, tokens, self.options.dialect, scope)
        };
        match read {
            Ok((bound, _)) => self.instruction(text, bound, tokens),
            Err(error) => self.error(*error),
        }
    }

    /// Reports what is no token.
    pub(super) fn bad(&mut self, tokens: &[Token]) -> bool {
        let bad = tokens.iter().find_map(|token| match token.tok {
            Tok::Bad(why) => Some((why, token.span())),
            _ => None,
        });
        if let Some((why, span)) = bad {
            self.error(Diagnostic::error(&codes::BAD_TOKEN, why).at(span, ""));
            return true;
        }
        false
    }

    pub(super) fn current(&mut self) -> &mut Section {
        &mut self.sections[self.section as usize]
    }

    pub(super) fn place_here(&self) -> Place {
        let section = &self.sections[self.section as usize];
        Place { section: self.section, parts: section.parts.len() as u32, fixed: section.fixed() }
    }

    /// A symbol for the place that is being filled.
    pub(super) fn here(&mut self) -> SymbolId {
        let symbol = self.symbols.nameless();
        self.symbols.get_mut(symbol).meaning = Meaning::Label(self.place_here());
        symbol
    }

    fn label(&mut self, text: &str, span: Span) {
        let name = text[span.clone()].trim_matches('"');
        if looks_like_register(name.as_bytes()) {
            self.error(
                Diagnostic::error(
                    &codes::RESERVED_NAME,
                    format!("`{name}` cannot be a label: it is a register's name"),
                )
                .at(span, "reserved"),
            );
            return;
        }
        let first = name.bytes().next();
        if !first.is_some_and(|byte| byte.is_ascii_alphabetic() || b"_.$".contains(&byte))
            && !text[span.clone()].starts_with('"')
        {
            self.error(
                Diagnostic::error(
                    &codes::EXPECTED,
                    format!("expected the name of a label before `:`, found `{name}`"),
                )
                .at(span, "not a name"),
            );
            return;
        }
        let origin = self.origin(span);
        let symbol = self.symbols.intern(name);
        let place = self.place_here();
        self.define(symbol, Meaning::Label(place), origin);
    }

    fn numeric_label(&mut self, number: u64, span: Span) {
        let Ok(number) = u32::try_from(number) else {
            self.error(
                Diagnostic::error(&codes::BAD_TOKEN, "this numeric label is too large")
                    .at(span, ""),
            );
            return;
        };
        let place = self.place_here();
        let next = self.numeric.entry(number).or_default().next.take();
        let symbol = next.unwrap_or_else(|| self.symbols.nameless());
        self.symbols.get_mut(symbol).meaning = Meaning::Label(place);
        self.numeric.entry(number).or_default().last = Some(symbol);
    }

    /// The symbol that `1f` or `1b` means.
    pub(super) fn numeric(
        &mut self,
        number: u32,
        forward: bool,
        origin: Origin,
    ) -> Option<SymbolId> {
        let entry = self.numeric.entry(number).or_default();
        if !forward {
            if entry.last.is_none() {
                let error = Diagnostic::error(
                    &codes::NO_LABEL,
                    format!("there is no label `{number}:` before this"),
                );
                self.error_at(origin, error, "refers to it");
                return None;
            }
            return entry.last;
        }
        if let Some(next) = entry.next {
            return Some(next);
        }
        let symbol = self.symbols.nameless();
        entry.next = Some(symbol);
        self.symbols.get_mut(symbol).used = Some(origin);
        Some(symbol)
    }

    /// Gives a symbol its meaning; false, with an error, if it has one.
    pub(super) fn define(&mut self, id: SymbolId, meaning: Meaning, origin: Origin) -> bool {
        let symbol = self.symbols.get(id);
        let again = matches!(symbol.meaning, Meaning::Value { again: true, .. })
            && matches!(meaning, Meaning::Value { .. });
        if symbol.meaning == Meaning::Undefined || again {
            let symbol = self.symbols.get_mut(id);
            symbol.meaning = meaning;
            symbol.defined = origin;
            return true;
        }
        let before = symbol.defined;
        let name = self.symbols.name(id);
        let mut error = Diagnostic::error(
            &codes::DUPLICATE_LABEL,
            format!("the symbol `{name}` is defined twice"),
        );
        if before.text == origin.text {
            error = error.also(before.span(), "first here");
        }
        self.error_at(origin, error, "again here");
        false
    }

    fn instruction(&mut self, text: &str, bound: Bound, tokens: &[Token]) {
        let level = bound.insn.op.spec().level;
        if level > self.options.level {
            self.error(
                Diagnostic::error(&codes::LEVEL, format!("this instruction needs level {level}"))
                    .at(span_of(tokens), format!("above level {}", self.options.level)),
            );
            return;
        }
        let insn = bound.insn;
        let slots = match encode(&insn) {
            Ok(slots) => slots,
            Err(error) => {
                let error = error.report().at(span_of(tokens), "");
                self.error(error);
                return;
            }
        };
        if let Some(warning) = bound.warning {
            self.warnings.push((self.current, *warning));
        }
        if self.lines.waiting.is_some() {
            self.mark_line();
        }
        let endian = self.options.endian;
        let place = self.place_here();
        let section = self.current();
        if section.is_empty_kind() {
            let name = section.name.clone();
            self.error(
                Diagnostic::error(
                    &codes::NO_BYTES,
                    format!("the section {name} has no bytes, only a size"),
                )
                .at(span_of(tokens), "cannot be put there"),
            );
            return;
        }
        for slot in slots.iter() {
            section.data.extend_from_slice(&slot.to_bytes(endian));
        }
        match bound.symbol {
            Some((operand, addend, span)) => {
                let origin = self.origin(span);
                self.refer(text, &insn, operand, addend, place, origin);
            }
            None => self.counts(&insn, place, tokens),
        }
    }

    /// Notes what an instruction wants of a symbol.
    fn refer(
        &mut self,
        text: &str,
        insn: &Insn,
        operand: Operand,
        addend: i64,
        place: Place,
        origin: Origin,
    ) {
        let symbol = match operand {
            Operand::Local { number, forward } => match self.numeric(number, forward, origin) {
                Some(symbol) => symbol,
                None => return,
            },
            Operand::Name { start, end } => match &text[start as usize..end as usize] {
                "." => {
                    let symbol = self.symbols.nameless();
                    self.symbols.get_mut(symbol).meaning = Meaning::Label(place);
                    symbol
                }
                name => self.symbols.intern(name),
            },
        };
        self.symbols.get_mut(symbol).used.get_or_insert(origin);
        let need = match insn.kind() {
            Kind::LdImm64(_) => Need::Address,
            Kind::CallLocal => Need::Call,
            Kind::Jump { long: true } => Need::Jump32,
            _ => Need::Jump16,
        };
        let relaxes = self.relaxes();
        let section = self.current();
        if relaxes && need == Need::Jump16 {
            section.jumps.push(place.fixed);
        }
        section.fixups.push(Fixup {
            fixed: place.fixed,
            parts: place.parts,
            need,
            wanted: Wanted::Symbol(symbol, addend),
            origin,
            far: false,
        });
    }

    /// What is still open at the end.
    fn unclosed(&mut self) {
        for conditional in std::mem::take(&mut self.conditions) {
            let error = Diagnostic::error(&codes::UNCLOSED, "this `.if` has no `.endif`");
            self.error_at(conditional.origin, error, "begins here");
        }
        let mut missing: Vec<(u32, Origin)> = self
            .numeric
            .iter()
            .filter_map(|(number, numeric)| Some((*number, numeric.next?)))
            .filter_map(|(number, symbol)| Some((number, self.symbols.get(symbol).used?)))
            .collect();
        missing.sort_by_key(|(_, origin)| (origin.text, origin.start));
        for (number, origin) in missing {
            let error = Diagnostic::error(
                &codes::NO_LABEL,
                format!("there is no label `{number}:` after this"),
            );
            self.error_at(origin, error, "refers to it");
        }
    }

    /// `NAME = VALUE` and `.set NAME, VALUE`; `name` and `value` are numbers of tokens.
    pub(super) fn assign(
        &mut self,
        text: &str,
        tokens: &[Token],
        name: usize,
        value: usize,
        again: bool,
    ) {
        let Some(node) = self.last_expression(text, tokens, value) else { return };
        let origin = self.origin(tokens[name].span());
        let name = text[origin.span()].trim_matches('"').to_owned();
        if name == "." {
            self.origin_to(node, origin);
            return;
        }
        self.set(&name, node, again, origin);
    }

    pub(super) fn set(&mut self, name: &str, node: NodeId, again: bool, origin: Origin) {
        let symbol = self.symbols.intern(name);
        // A number that is known now does not change when what it came from is set anew.
        let node = match self.constant(node) {
            Ok(number) => self.node(Node::Number(number)),
            Err(_) => node,
        };
        self.define(symbol, Meaning::Value { node, again }, origin);
        self.has_values = true;
    }

    pub(super) fn bind(&mut self, symbol: SymbolId, binding: Binding) {
        let symbol = self.symbols.get_mut(symbol);
        // `.weak` after `.globl` is what is meant; the other way round as well.
        if !(symbol.binding == Binding::Weak && binding == Binding::Global) {
            symbol.binding = binding;
        }
    }
}

/// Whose habits a text follows: GNU's registers are written with `%`, and gcc signs its work.
fn style_of(text: &str, dialect: Option<Dialect>) -> Style {
    match dialect {
        Some(Dialect::Gnu) => return Style::Gnu,
        Some(Dialect::C) => return Style::Llvm,
        None => {}
    }
    // Of long texts the beginning, and the end, where gcc signs.
    const ENOUGH: usize = 1 << 20;
    let bytes = text.as_bytes();
    let gnu = |at: usize| match &bytes[at..] {
        [b'%', b'r' | b'w', digit, ..] => digit.is_ascii_digit(),
        [b'%', b'f', b'p', ..] => true,
        [b'G', b'C', b'C', b':', b' ', b'(', ..] => true,
        _ => false,
    };
    let end = bytes.len().min(ENOUGH);
    let tail = bytes.len().saturating_sub(ENOUGH / 16).max(end);
    if (0..end).chain(tail..bytes.len()).any(|at| matches!(bytes[at], b'%' | b'G') && gnu(at)) {
        Style::Gnu
    } else {
        Style::Llvm
    }
}
