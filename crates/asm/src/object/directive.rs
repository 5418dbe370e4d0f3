//! Which directive does what.

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::lexer::Lexer;
use crate::object::Style;
use crate::object::input::raw;
use crate::object::section::{MERGE, STRINGS};
use crate::object::symbols::{Binding, Meaning, SymbolId};
use crate::object::unit::Unit;
use crate::token::{Sign, Tok, Token, looks_like_register};

/// Directives of other assemblers, and what to write here.
const ELSEWHERE: &[(&str, &str)] = &[
    (".code", "sections are named by `.section`"),
    (".extern", "a symbol that is not defined is external without saying so"),
    (".incbin", "write the bytes as `.byte`"),
    (".attribute", "BPF objects have no attributes"),
    (".maps", "a section is begun by `.section .maps,\"aw\",@progbits`"),
];

impl Unit<'_> {
    /// Reads a directive; `lexer` stands after its name.
    pub(super) fn directive(&mut self, text: &str, name: Span, lexer: &mut Lexer<'_>) {
        let word = &text[name.clone()];
        self.directive = name.clone();
        let size = match word {
            ".byte" | ".dc.b" => 1,
            ".long" | ".4byte" | ".int" | ".word" | ".dc.l" => 4,
            ".short" | ".2byte" | ".half" | ".hword" | ".value" | ".dc" | ".dc.w" => 2,
            ".quad" | ".8byte" | ".dword" | ".xword" => 8,
            ".octa" | ".16byte" => 16,
            _ => 0,
        };
        if size > 0 {
            return self.data(text, &name, size, lexer);
        }
        match word {
            ".float" | ".single" | ".dc.s" => return self.reals(text, &name, 4, lexer),
            ".double" | ".dc.d" => return self.reals(text, &name, 8, lexer),
            ".section" => return self.section(text, &name, lexer, false),
            ".pushsection" => return self.section(text, &name, lexer, true),
            ".macro" => return self.define_macro(text, &name, lexer),
            ".rept" | ".rep" | ".irp" | ".irpc" => return self.repeat(text, &name, lexer),
            _ if self.conditional(text, &name, lexer) => return,
            _ if word.starts_with(".cfi_") => {
                let (end, next) = raw(text.as_bytes(), name.end);
                lexer.at = next;
                return self.cfi(text, &name, &text[name.end..end]);
            }
            ".end" => {
                lexer.at = text.len();
                return;
            }
            ".exitm" => {
                if self.exit_expansion(&name) {
                    lexer.at = text.len();
                }
                return;
            }
            _ => {}
        }
        let mut tokens = Vec::new();
        lexer.statement(&mut tokens);
        // An MD5 has 128 bits, and is no number of an expression.
        if word == ".file" || !self.bad(&tokens) {
            self.simple(text, &name, &tokens);
        }
    }

    /// Directives that are read as tokens.
    fn simple(&mut self, text: &str, name: &Span, tokens: &[Token]) {
        match &text[name.clone()] {
            section @ (".text" | ".data" | ".bss") => {
                if tokens.is_empty() || self.one_number(text, tokens) == Some(0) {
                    self.go_to_usual(section);
                } else {
                    self.operands(name, "nothing else: there are no subsections");
                }
            }
            ".previous" => std::mem::swap(&mut self.section, &mut self.previous),
            ".popsection" => self.pop_section(name),
            ".globl" | ".global" => self.each(text, tokens, name, |unit, symbol| {
                unit.bind(symbol, Binding::Global);
            }),
            ".weak" => self.each(text, tokens, name, |unit, symbol| {
                unit.bind(symbol, Binding::Weak);
            }),
            ".local" => self.each(text, tokens, name, |unit, symbol| {
                unit.bind(symbol, Binding::Local);
            }),
            ".internal" => self.visibility(text, tokens, name, 1),
            ".hidden" => self.visibility(text, tokens, name, 2),
            ".protected" => self.visibility(text, tokens, name, 3),
            ".type" => self.kind(text, name, tokens),
            ".size" => self.size(text, name, tokens),
            ".ascii" => self.strings(text, tokens, name, false),
            ".asciz" | ".string" => self.strings(text, tokens, name, true),
            ".zero" | ".skip" | ".space" => self.zero(text, tokens, name),
            ".fill" => self.fill_directive(text, tokens, name),
            ".org" => {
                if let Some(node) = self.last_expression(text, tokens, 0) {
                    let origin = self.origin(name.clone());
                    self.origin_to(node, origin);
                }
            }
            ".align" | ".balign" | ".p2align" => self.align(text, tokens, name),
            ".uleb128" => self.leb(text, tokens, name, false),
            ".sleb128" => self.leb(text, tokens, name, true),
            ".set" | ".equ" => self.named_value(text, tokens, name, true),
            ".equiv" => self.named_value(text, tokens, name, false),
            ".comm" | ".common" => self.common(text, tokens, name, false),
            ".lcomm" => self.common(text, tokens, name, true),
            ".purgem" => {
                let known =
                    tokens.first().and_then(|token| self.macros.remove(&text[token.span()]));
                if known.is_none() {
                    self.operands(name, "the name of a macro");
                }
            }
            ".include" => match tokens {
                [token] if token.tok == Tok::Text => {
                    if let Some(bytes) = self.string(text, *token) {
                        let span = name.start..token.end as usize;
                        self.include(&String::from_utf8_lossy(&bytes), span);
                    }
                }
                _ => self.operands(name, "the name of a file in quotes"),
            },
            ".file" => self.file(text, tokens, name),
            ".loc" => self.loc(text, tokens, name),
            ".ident" => self.ident(text, tokens, name),
            ".addrsig" => self.addrsig = true,
            ".addrsig_sym" => self.each(text, tokens, name, |unit, symbol| {
                unit.symbols.get_mut(symbol).address_taken = true;
            }),
            ".bpf.flags" => match self.one_number(text, tokens).map(u32::try_from) {
                Some(Ok(flags)) => self.flags = flags,
                Some(Err(_)) => self.operands(name, "the flags of the ELF header, 32 bits"),
                None => {}
            },
            ".bpf.style" => self.said_style(text, tokens, name),
            ".bpf.api" => self.api(text, tokens, name),
            ".error" | ".err" => {
                let said = tokens.first().map(|token| format!(": {}", &text[token.span()]));
                let error = "the text itself says that it is wrong".to_owned();
                let error = error + &said.unwrap_or_default();
                self.error(Diagnostic::error(&codes::SAID, error).at(name.clone(), ""));
            }
            ".warning" => {
                let said = tokens.first().map_or("", |token| &text[token.span()]);
                let warning = format!("the text itself warns: {said}");
                let warning = Diagnostic::warning(&codes::SAID, warning).at(name.clone(), "");
                self.warnings.push((self.current, warning));
            }
            // What only makes listings, or says what is so anyway.
            ".print" | ".title" | ".sbttl" | ".list" | ".nolist" | ".psize" | ".eject"
            | ".build_version" | ".altmacro" | ".noaltmacro" | ".no_dead_strip" | ".version" => {}
            unknown => self.unknown(unknown, name),
        }
    }

    fn unknown(&mut self, word: &str, name: &Span) {
        let begins = match word {
            ".endm" | ".endmacro" => Some(".macro"),
            ".endr" => Some(".rept"),
            _ => None,
        };
        if let Some(begins) = begins {
            let message = format!("there is no `{begins}` before this `{word}`");
            self.error(Diagnostic::error(&codes::UNCLOSED, message).at(name.clone(), ""));
            return;
        }
        let error = Diagnostic::error(&codes::DIRECTIVE, format!("unknown directive `{word}`"))
            .at(name.clone(), "not known");
        let help = ELSEWHERE.iter().find(|(other, _)| *other == word);
        self.error(match help {
            Some((_, help)) => error.help(*help),
            None => error.help("instructions have no dot; a label is followed by `:`"),
        });
    }

    /// Whether there is a macro to leave; reports it if not.
    fn exit_expansion(&mut self, name: &Span) -> bool {
        let inside =
            self.frames.last().is_some_and(|frame| self.texts[frame.text as usize].expansion);
        if !inside {
            self.operands(name, "`.exitm` inside a macro");
            return false;
        }
        // The conditions that were opened inside end with it.
        if let Some(frame) = self.frames.last() {
            self.conditions.truncate(frame.conditions);
        }
        true
    }

    /// A name among the operands.
    fn name(&mut self, text: &str, token: Option<&Token>, name: &Span) -> Option<SymbolId> {
        let found = match token {
            Some(token) if token.tok == Tok::Text => text[token.span()].trim_matches('"'),
            Some(token) => &text[token.span()],
            None => "",
        };
        let quoted = token.is_some_and(|token| token.tok == Tok::Text);
        if !quoted && !crate::object::data::is_name(found) || found.is_empty() {
            self.operands(name, "the name of a symbol");
            return None;
        }
        if looks_like_register(found.as_bytes()) {
            let span = token.map_or(name.clone(), |token| token.span());
            let message = format!("`{found}` cannot be a symbol: it is a register's name");
            self.error(Diagnostic::error(&codes::RESERVED_NAME, message).at(span, "reserved"));
            return None;
        }
        Some(self.symbols.intern(found))
    }

    fn each(
        &mut self,
        text: &str,
        tokens: &[Token],
        name: &Span,
        apply: impl Fn(&mut Self, SymbolId),
    ) {
        for piece in tokens.split(|token| token.tok == Tok::Sign(Sign::Comma)) {
            match piece {
                [token] => {
                    if let Some(symbol) = self.name(text, Some(token), name) {
                        apply(self, symbol);
                    }
                }
                _ => self.operands(name, "names of symbols, with commas between them"),
            }
        }
    }

    fn visibility(&mut self, text: &str, tokens: &[Token], name: &Span, visibility: u8) {
        self.each(text, tokens, name, |unit, symbol| {
            unit.symbols.get_mut(symbol).visibility = visibility;
        });
    }

    /// `.type NAME, @function` (also `%function`, `"function"`, `STT_FUNC`).
    fn kind(&mut self, text: &str, name: &Span, tokens: &[Token]) {
        let Some(symbol) = self.name(text, tokens.first(), name) else { return };
        let word = tokens.last().map_or("", |token| text[token.span()].trim_matches('"'));
        let kind = match word.trim_start_matches(['@', '%']) {
            "notype" | "STT_NOTYPE" => 0,
            "object" | "STT_OBJECT" | "gnu_unique_object" => 1,
            "function" | "STT_FUNC" => 2,
            "common" | "STT_COMMON" => 5,
            "tls_object" | "STT_TLS" => 6,
            _ => return self.operands(name, "a type: `@function`, `@object` or `@notype`"),
        };
        self.symbols.get_mut(symbol).kind = kind;
    }

    fn size(&mut self, text: &str, name: &Span, tokens: &[Token]) {
        let Some(symbol) = self.name(text, tokens.first(), name) else { return };
        if !matches!(tokens.get(1), Some(Token { tok: Tok::Sign(Sign::Comma), .. })) {
            return self.operands(name, "a symbol, `,` and its size");
        }
        let Some(node) = self.last_expression(text, tokens, 2) else { return };
        let origin = self.origin(crate::reader::span_of(&tokens[2..]));
        self.symbols.get_mut(symbol).size = Some((node, origin));
    }

    fn named_value(&mut self, text: &str, tokens: &[Token], name: &Span, again: bool) {
        match tokens {
            [_, Token { tok: Tok::Sign(Sign::Comma), .. }, _, ..]
                if self.name(text, tokens.first(), name).is_some()
                    || &text[tokens[0].span()] == "." =>
            {
                self.assign(text, tokens, 0, 2, again);
            }
            [_, Token { tok: Tok::Sign(Sign::Comma), .. }, _, ..] => {}
            _ => self.operands(name, "a symbol, `,` and its value"),
        }
    }

    /// `.comm NAME, SIZE, ALIGN`; in `.bss` if it is local.
    fn common(&mut self, text: &str, tokens: &[Token], name: &Span, local: bool) {
        let Some(symbol) = self.name(text, tokens.first(), name) else { return };
        let origin = self.origin(tokens[0].span());
        let rest = match tokens.get(1) {
            Some(Token { tok: Tok::Sign(Sign::Comma), .. }) => &tokens[2..],
            _ => return self.operands(name, "a symbol, `,` and its size"),
        };
        let Some(list) = self.list(text, rest) else { return };
        let numbers: Vec<Option<u64>> = list
            .iter()
            .map(|(node, _)| self.constant(*node).ok().and_then(|n| u64::try_from(n).ok()))
            .collect();
        let (size, align) = match numbers[..] {
            [Some(size)] => (size, 1),
            [Some(size), Some(align)] if align.is_power_of_two() => (size, align),
            _ => return self.operands(name, "a size, and an alignment that is a power of two"),
        };
        let here = self.symbols.get(symbol).binding == Binding::Local;
        if !local && !here {
            if self.define(symbol, Meaning::Common { size, align }, origin) {
                let symbol = self.symbols.get_mut(symbol);
                symbol.kind = 1;
                if symbol.binding == Binding::Unsaid {
                    symbol.binding = Binding::Global;
                }
            }
            return;
        }
        let before = (self.section, self.previous);
        self.go_to_usual(".bss");
        let section = self.current();
        section.align = section.align.max(align);
        let by = section.fixed().wrapping_neg() & (align - 1);
        self.fill(i128::from(by), &[0], name.clone());
        let place = self.place_here();
        if self.define(symbol, Meaning::Label(place), origin) {
            self.fill(i128::from(size), &[0], name.clone());
            let number = self.node(crate::object::value::Node::Number(i128::from(size)));
            let symbol = self.symbols.get_mut(symbol);
            symbol.size = Some((number, origin));
            if here {
                symbol.kind = 1;
            }
        }
        (self.section, self.previous) = before;
    }

    /// `.bpf.style NAME`, which was looked for where it has to stand.
    fn said_style(&mut self, text: &str, tokens: &[Token], name: &Span) {
        let [token] = tokens else { return self.operands(name, "`llvm` or `gnu`") };
        match Style::named(&text[token.span()]) {
            Some(style) if style == self.style || self.options.style.is_some() => {}
            Some(_) => {
                let error = "`.bpf.style` can only be the first statement of a text";
                self.error(Diagnostic::error(&codes::EXPECTED, error).at(name.clone(), "too late"));
            }
            None => self.operands(name, "`llvm` or `gnu`"),
        }
    }

    /// `.ident "…"`, which makes `.comment`.
    fn ident(&mut self, text: &str, tokens: &[Token], name: &Span) {
        let [token] = tokens else { return self.operands(name, "a string in quotes") };
        if token.tok != Tok::Text {
            return self.operands(name, "a string in quotes");
        }
        let Some(bytes) = self.string(text, *token) else { return };
        let before = (self.section, self.previous);
        self.go_to_usual(".comment");
        let section = self.current();
        (section.flags, section.entry_size) = (MERGE | STRINGS, 1);
        if section.data.is_empty() {
            section.data.push(0);
        }
        section.data.extend_from_slice(&bytes);
        section.data.push(0);
        (self.section, self.previous) = before;
    }
}
