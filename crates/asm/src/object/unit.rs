//! A text on its way to an object: its statements, labels and instructions.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use abide_diag::{Diagnostic, Source, Span};

use crate::automaton::Automaton;
use crate::codes;
use crate::dialect::Dialect;
use crate::grammar::Grammar;
use crate::lexer::Lexer;
use crate::object::budget::Budget;
use crate::object::conditional::Conditional;
use crate::object::gcc::settle;
use crate::object::input::{Frame, Macro, Text};
use crate::object::label::Numeric;
use crate::object::lines::Lines;
use crate::object::section::{Identity, Section};
use crate::object::statement::Memory;
use crate::object::symbols::{Binding, Meaning, Origin, Place, SymbolId, Symbols};
use crate::object::value::Node;
use crate::object::{Message, Object, ObjectOptions, Style};

/// The type of symbols that stand for sections.
pub(super) const STT_SECTION: u8 = 3;

/// After so many errors the rest of a text is not read.
const MOST_ERRORS: usize = 500;

/// The largest text, in bytes. Places in texts are 32-bit numbers.
const LARGEST: usize = 1 << 28;

/// Everything that is known of a text.
pub(super) struct Unit<'a> {
    pub(super) options: &'a ObjectOptions<'a>,
    pub(super) style: Style,
    pub(super) grammar: &'static Grammar,
    /// If a text was long enough to make it worth while.
    pub(super) automaton: Option<&'static Automaton>,
    pub(super) texts: Vec<Text>,
    pub(super) frames: Vec<Frame>,
    pub(super) budget: Budget,
    /// How many macros have been expanded: `\@`.
    pub(super) expansions: u64,
    /// The text being read.
    pub(super) current: u32,
    /// The name of the directive that was read last.
    pub(super) directive: Span,
    pub(super) macros: HashMap<String, Arc<Macro>>,
    pub(super) conditions: Vec<Conditional>,
    /// Whether there was a condition of which it is not known whether it holds.
    pub(super) undecided: bool,
    pub(super) symbols: Symbols,
    pub(super) numeric: HashMap<u32, Numeric>,
    pub(super) nodes: Vec<Node>,
    /// The steps that are left for the expression being evaluated.
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
    pub(super) warnings: Vec<(u32, Diagnostic)>,
}

impl<'a> Unit<'a> {
    pub(super) fn new(source: &Source, options: &'a ObjectOptions<'a>) -> Self {
        let style = options.style.unwrap_or_else(|| style_of(&source.text, options.dialect));
        let mut unit = Unit {
            options,
            style,
            grammar: Grammar::get(),
            automaton: None,
            texts: vec![Text {
                source: settle(source, options.semicolon),
                parent: None,
                expansion: false,
            }],
            frames: vec![Frame { text: 0, at: 0, conditions: 0 }],
            budget: Budget::default(),
            expansions: 0,
            current: 0,
            directive: 0..0,
            macros: HashMap::new(),
            conditions: Vec::new(),
            undecided: false,
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

    pub(super) fn run(mut self) -> Result<Object<Vec<Vec<u8>>>, Vec<Message>> {
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
        if !self.read() {
            return Err(self.messages().0);
        }
        self.finish()
    }

    /// Reads all statements; false if the rest is not worth it.
    pub(super) fn read(&mut self) -> bool {
        let mut memory = Memory::default();
        while let Some(frame) = self.frames.last() {
            let (text, at) = (frame.text, frame.at);
            self.current = text;
            let source = self.texts[text as usize].source.text.clone();
            let depth = self.frames.len();
            let mut lexer = Lexer::within(&source, &self.grammar.words, at);
            loop {
                if !self.statement(&source, &mut lexer, &mut memory) {
                    self.leave();
                    break;
                }
                if self.errors.len() >= MOST_ERRORS {
                    let end = Diagnostic::error(
                        &codes::TOO_MANY,
                        format!("the rest is not read after {MOST_ERRORS} errors"),
                    );
                    self.errors.push((text, end));
                    return false;
                }
                self.count(lexer.at);
                if self.budget.is_spent() {
                    return false;
                }
                if self.frames.len() != depth {
                    self.frames[depth - 1].at = lexer.at;
                    break;
                }
            }
        }
        true
    }

    /// Counts a statement or label that ends here, if it stands in an expansion.
    pub(super) fn count(&mut self, at: usize) {
        if self.frames.len() > 1 && !self.budget.is_spent() && !self.budget.statement() {
            self.error(Diagnostic::error(&codes::TOO_LARGE, Budget::SPENT).at(at..at, ""));
        }
    }

    fn finish(mut self) -> Result<Object<Vec<Vec<u8>>>, Vec<Message>> {
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
        if !self.errors.is_empty() {
            self.more_errors();
            return Err(self.messages().0);
        }
        let resolved = self.resolve();
        self.check_sizes();
        if !self.errors.is_empty() {
            return Err(self.messages().0);
        }
        let (bytes, lines) = (self.write(&resolved), self.source_lines());
        let (errors, warnings) = self.messages();
        if errors.is_empty() { Ok(Object { bytes, lines, warnings }) } else { Err(errors) }
    }

    /// Sizes are numbers by now.
    fn check_sizes(&mut self) {
        let sizes = (0..self.symbols.len() as SymbolId).filter_map(|id| self.symbols.get(id).size);
        let sizes: Vec<_> = sizes.collect();
        for (node, origin) in sizes {
            if let Err(why) = self.constant(node) {
                let message = format!("this size cannot be evaluated: {why}");
                self.error_at(origin, Diagnostic::error(&codes::EXPRESSION, message), "");
            }
        }
    }

    /// What is wrong with references of a text in which statements are wrong, so that it has too few
    /// bytes: what would not be wrong with them, too, is not told.
    fn more_errors(&mut self) {
        // These may have left out definitions, or put them elsewhere.
        let may =
            [&codes::INCLUDE, &codes::MACRO, &codes::SECTION, &codes::TOO_LARGE, &codes::UNCLOSED];
        let leaves_out = |(text, error): &(u32, Diagnostic)| {
            let source = &self.texts[*text as usize].source.text;
            let span = error.primary.as_ref().map(|label| label.span.clone());
            let covers = span.and_then(|span| source.get(span)).unwrap_or_default();
            may.iter().any(|one| one.id == error.code.id) || covers.contains('\n')
        };
        let told = self.errors.len();
        if self.undecided || self.errors.iter().any(leaves_out) {
            return;
        }
        self.name_sections();
        if self.place() {
            self.resolve();
        }
        let certain = [&codes::JUMP_AWAY, &codes::JUMP_RANGE, &codes::SYMBOL, &codes::EXPRESSION];
        let mut more = self.errors.split_off(told);
        more.retain(|(_, error)| certain.iter().any(|one| one.id == error.code.id));
        self.errors.append(&mut more);
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

    /// All messages, pointing into files that exist: file by file, from top to bottom. What is wrong in
    /// each of several expansions of one place is told once.
    fn messages(self) -> (Vec<Message>, Vec<Message>) {
        let texts = self.texts;
        let show = |found: Vec<(u32, Diagnostic)>| -> Vec<Message> {
            let mut files = HashMap::new();
            let mut seen = HashSet::new();
            let mut shown = Vec::with_capacity(found.len());
            for (text, diagnostic) in found {
                let message = crate::object::input::locate(&texts, text, diagnostic);
                let next = files.len();
                let file = *files.entry(message.source.name.clone()).or_insert(next);
                let span = message.diagnostic.primary.as_ref().map(|label| label.span.clone());
                // What has no place is about the whole.
                let place = (file, span.as_ref().map_or(usize::MAX, |span| span.start));
                let code = message.diagnostic.code.id;
                if seen.insert((file, span, code, message.diagnostic.message.clone())) {
                    shown.push((place, message));
                }
            }
            shown.sort_by_key(|(place, _)| *place);
            shown.into_iter().map(|(_, message)| message).collect()
        };
        (show(self.errors), show(self.warnings))
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
}

/// Whose habits a text follows: GNU's registers are written with `%`, and gcc signs its work.
pub(crate) fn style_of(text: &str, dialect: Option<Dialect>) -> Style {
    if let Some(style) = said_style(text) {
        return style;
    }
    match dialect {
        Some(Dialect::Gnu) => return Style::Gnu,
        Some(Dialect::C) => return Style::Llvm,
        None => {}
    }
    // Of long texts the beginning, and the end, where gcc signs.
    const ENOUGH: usize = 1 << 20;
    const PIECE: usize = 64;
    let bytes = text.as_bytes();
    let gnu = |at: usize| match &bytes[at..] {
        [b'%', b'r' | b'w', digit, ..] => digit.is_ascii_digit(),
        [b'%', b'f', b'p', ..] => true,
        [b'G', b'C', b'C', b':', b' ', b'(', ..] => true,
        _ => false,
    };
    // Most pieces have neither of the two bytes, which is found out for all of a piece at once.
    let has = |piece: &[u8]| {
        piece.iter().fold(0, |any, byte| any | u8::from(matches!(byte, b'%' | b'G'))) != 0
    };
    let any = |range: Range<usize>| {
        let starts = range.clone().step_by(PIECE);
        let mut pieces = starts.map(|start| start..range.end.min(start + PIECE));
        pieces.any(|mut piece| has(&bytes[piece.clone()]) && piece.any(gnu))
    };
    let end = bytes.len().min(ENOUGH);
    let tail = bytes.len().saturating_sub(ENOUGH / 16).max(end);
    if any(0..end) || any(tail..bytes.len()) { Style::Gnu } else { Style::Llvm }
}

/// What `.bpf.style` says before the first statement.
fn said_style(text: &str) -> Option<Style> {
    let mut lines = text.lines().map(str::trim_start);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    Style::named(first.strip_prefix(".bpf.style")?.split('#').next()?.trim())
}
