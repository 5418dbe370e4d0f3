//! Statements that are no directives: labels, assignments, instructions.

use abide_diag::{Diagnostic, Report};
use abide_isa::{Insn, Kind, encode, encode_bytes};

use crate::automaton::Automaton;
use crate::bind::{Bound, Reference, not_simple};
use crate::codes;
use crate::explain::bad_token;
use crate::expr::{Scope, Symbol as Operand};
use crate::lexer::Lexer;
use crate::object::section::{Fixup, Need, Wanted};
use crate::object::symbols::{Meaning, Place};
use crate::object::unit::Unit;
use crate::object::value::Parser;
use crate::quick;
use crate::reader::{Reader, span_of};
use crate::template::Hole;
use crate::token::{Class, Sign, Tok, Token, looks_like_register, word_length};

/// The symbols that stand for numbers.
struct Values<'u, 'a>(&'u Unit<'a>);

/// The shortest text, in bytes, for which building the automaton takes less time than it saves; of
/// expansions, for all together.
const LONG: usize = 1 << 18;

impl Scope for Values<'_, '_> {
    fn number(&self, name: &str) -> Option<i128> {
        let symbol = self.0.symbols.find(name)?;
        match self.0.symbols.get(symbol).meaning {
            Meaning::Value { node, .. } => self.0.constant(node).ok(),
            _ => None,
        }
    }
}

/// Memory that one statement after the other uses.
pub(super) struct Memory {
    tokens: Vec<Token>,
    reader: Reader,
}

impl Default for Memory {
    fn default() -> Self {
        Memory { tokens: Vec::new(), reader: Reader::of_objects() }
    }
}

/// The length of the `/* */` that a text begins with.
fn comment(text: &[u8]) -> Option<usize> {
    let inside = text.strip_prefix(b"/*")?;
    inside.windows(2).position(|two| two == b"*/").map(|end| end + 4)
}

impl Unit<'_> {
    /// Reads one statement; false at the end of the text.
    pub(super) fn statement(
        &mut self,
        text: &str,
        lexer: &mut Lexer<'_>,
        memory: &mut Memory,
    ) -> bool {
        let bytes = text.as_bytes();
        let Memory { tokens, reader } = memory;
        tokens.clear();
        loop {
            // Blank lines, labels and the names of directives need no tokens.
            let mut start = lexer.at;
            while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(start) {
                start += 1;
            }
            lexer.at = start;
            match bytes.get(start) {
                Some(b'.') => {}
                Some(b'/') => match comment(&bytes[start..]) {
                    Some(length) => {
                        lexer.at += length;
                        continue;
                    }
                    None => break,
                },
                Some(first) => {
                    if self.quick(bytes, start, text, lexer) {
                        return true;
                    }
                    if Class::of(*first) != Class::Letter {
                        break;
                    }
                    lexer.first_word(tokens);
                    let end = lexer.at;
                    if bytes.get(end) == Some(&b':') {
                        self.label(text, start..end);
                        tokens.clear();
                        lexer.at = end + 1;
                        continue;
                    }
                    if !self.macros.is_empty() && self.expand(text, start..end, lexer) {
                        return true;
                    }
                    break;
                }
                None => break,
            }
            let end = start + word_length(&bytes[start..]);
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
        let more = lexer.rest(tokens);
        if !tokens.is_empty() {
            self.tokenized(text, tokens, reader);
        }
        more
    }

    /// Reads a statement at once, if it is an instruction as compilers write them.
    #[inline]
    fn quick(&mut self, bytes: &[u8], start: usize, text: &str, lexer: &mut Lexer<'_>) -> bool {
        let automaton = match self.automaton {
            Some(automaton) => automaton,
            None if bytes.len().max(self.budget.expanded()) < LONG => return false,
            None => *self.automaton.insert(Automaton::get()),
        };
        let (wanted, names) = (self.options.dialect, !self.has_values);
        let Some(found) = quick::read(automaton, bytes, start, wanted, names) else {
            return false;
        };
        if !self.macros.is_empty()
            || found.insn.op.spec().level > self.options.level
            || self.current().is_empty_kind()
        {
            return false;
        }
        if self.lines.waiting.is_some() {
            self.mark_line();
        }
        let (place, endian) = (self.place_here(), self.options.endian);
        if encode_bytes(&found.insn, endian, &mut self.current().data).is_err() {
            return false;
        }
        let reference = found.name.map(|(start, end, hole)| Reference::to_name(hole, start, end));
        if let Some(reference) = &reference
            && let Some(wanted) = self.wanted(text, reference, place)
        {
            self.refer(&found.insn, reference, wanted, place);
        }
        if self.relaxes() && reference.is_none_or(|one| one.hole != Hole::Target) {
            let length = text[start..found.end].trim_end().len();
            self.counts(&found.insn, place, start..start + length);
        }
        lexer.at = found.next;
        true
    }

    /// A statement that begins with no directive: labels, an assignment, an instruction.
    fn tokenized(&mut self, text: &str, tokens: &[Token], reader: &mut Reader) {
        match tokens {
            [_, Token { tok: Tok::Sign(Sign::Colon), .. }, ..] => {
                self.labelled(text, tokens, reader)
            }
            [name, Token { tok: Tok::Sign(Sign::Assign), .. }, _, ..]
                if matches!(name.tok, Tok::Word(_) | Tok::Text)
                    && !looks_like_register(text[name.span()].as_bytes()) =>
            {
                if !self.bad(tokens) {
                    self.assign(text, tokens, 0, 2, true);
                }
            }
            _ => self.instruction(text, tokens, reader),
        }
    }

    /// Labels that are seen only among tokens, and what stands after them on the line.
    fn labelled(&mut self, text: &str, tokens: &[Token], reader: &mut Reader) {
        if self.bad(tokens) {
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
        let word = first.span();
        let within = |at| Lexer::within(text, &self.grammar.words, at);
        if text.as_bytes()[word.start] == b'.'
            && !matches!(tokens, [_, Token { tok: Tok::Sign(Sign::Assign), .. }, ..])
        {
            let mut lexer = within(word.end);
            self.directive(text, word, &mut lexer);
            return;
        }
        if !self.macros.is_empty() {
            let mut lexer = within(word.start);
            if self.expand(text, word, &mut lexer) {
                return;
            }
        }
        self.tokenized(text, tokens, reader);
    }

    /// Reports what is no token.
    pub(super) fn bad(&mut self, tokens: &[Token]) -> bool {
        let bad = tokens.iter().find_map(|token| match token.tok {
            Tok::Bad(fault) => Some((*token, fault)),
            _ => None,
        });
        if let Some((token, fault)) = bad {
            let source = self.texts[self.current as usize].source.text.clone();
            self.error(bad_token(&source, token, fault));
            return true;
        }
        false
    }

    fn instruction(&mut self, text: &str, tokens: &[Token], reader: &mut Reader) {
        let read = {
            let values = Values(self);
            let scope: Option<&dyn Scope> = if self.has_values { Some(&values) } else { None };
            reader.read(text, tokens, self.options.dialect, scope)
        };
        match read {
            Ok(_) => self.emit(text, &mut reader.bound, tokens),
            // What is no token is the reason why it is no instruction.
            Err(error) => {
                if !self.bad(tokens) {
                    self.error(*error);
                }
            }
        }
    }

    fn emit(&mut self, text: &str, bound: &mut Bound, tokens: &[Token]) {
        let level = bound.insn.op.spec().level;
        if level > self.options.level {
            self.error(
                Diagnostic::error(&codes::LEVEL, format!("this instruction needs level {level}"))
                    .at(span_of(tokens), format!("above level {}", self.options.level))
                    .help(format!("`--level {level}` (of `as`: `-misa-spec={level}`) accepts it")),
            );
            return;
        }
        let encoded = encode(&bound.insn);
        let slots = match &encoded {
            Ok(slots) => slots,
            Err(error) => {
                let error = error.report().at(span_of(tokens), "");
                self.error(error);
                return;
            }
        };
        if let Some(warning) = bound.warning.take() {
            self.warnings.push((self.current, *warning));
        }
        if self.lines.waiting.is_some() {
            self.mark_line();
        }
        let endian = self.options.endian;
        let place = self.place_here();
        let wanted = match bound.reference {
            None => [None, None],
            // Before the instruction is there: `.` is its start.
            Some(first) => [Some(first), bound.second].map(|reference| {
                let reference = reference?;
                Some((reference, self.wanted(text, &reference, place)?))
            }),
        };
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
        let mut jumps = false;
        for (reference, wanted) in wanted.into_iter().flatten() {
            jumps |= reference.hole == Hole::Target;
            self.refer(&bound.insn, &reference, wanted, place);
        }
        if !jumps {
            self.counts(&bound.insn, place, span_of(tokens));
        }
    }

    /// The symbol or expression that an operand names.
    fn wanted(&mut self, text: &str, reference: &Reference, place: Place) -> Option<Wanted> {
        let span = reference.span();
        let origin = self.origin(span.clone());
        let symbol = match reference.symbol {
            Operand::Local { number, forward } => self.numeric(number, forward, origin)?,
            Operand::Name { start, end } => match &text[start as usize..end as usize] {
                "." => {
                    let symbol = self.symbols.nameless();
                    self.symbols.get_mut(symbol).meaning = Meaning::Label(place);
                    symbol
                }
                name => self.symbols.intern(name),
            },
            Operand::Compound => {
                let mut tokens = Vec::new();
                Lexer::within(&text[..span.end], &self.grammar.words, span.start)
                    .statement(&mut tokens);
                return match Parser::new(self, text, &tokens, 0).parse() {
                    Ok(node) => Some(Wanted::Node(node)),
                    Err(_) => {
                        self.error(not_simple(span));
                        None
                    }
                };
            }
        };
        self.symbols.get_mut(symbol).used.get_or_insert(origin);
        Some(Wanted::Symbol(symbol, reference.addend))
    }

    /// Notes what an instruction wants of a symbol.
    fn refer(&mut self, insn: &Insn, reference: &Reference, wanted: Wanted, place: Place) {
        let need = match (reference.hole, insn.kind()) {
            (Hole::Target, Kind::Jump { long: true }) => Need::Jump32,
            (Hole::Target, _) => Need::Jump16,
            (Hole::Off, _) => Need::Offset,
            (_, Kind::LdImm64(_)) => Need::Address,
            (_, Kind::CallLocal) => Need::Call,
            _ => Need::Immediate,
        };
        let origin = self.origin(reference.span());
        let relaxes = self.relaxes();
        let section = self.current();
        if relaxes && need == Need::Jump16 {
            section.jumps.push(place.fixed);
        }
        let Place { fixed, parts, .. } = place;
        section.fixups.push(Fixup { fixed, parts, need, wanted, origin, far: false });
    }
}
