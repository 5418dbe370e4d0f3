//! Labels and values: what symbols of the text mean.

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::object::symbols::{Binding, Meaning, Origin, SymbolId};
use crate::object::unit::Unit;
use crate::object::value::{Node, NodeId};
use crate::token::{Token, looks_like_register};

/// What numeric labels of one number are at the moment.
#[derive(Debug, Default)]
pub(super) struct Numeric {
    last: Option<SymbolId>,
    next: Option<SymbolId>,
}

impl Unit<'_> {
    pub(super) fn label(&mut self, text: &str, span: Span) {
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
        self.count(span.end);
        let origin = self.origin(span);
        let symbol = self.symbols.intern(name);
        let place = self.place_here();
        self.define(symbol, Meaning::Label(place), origin);
    }

    pub(super) fn numeric_label(&mut self, number: u64, span: Span) {
        let Ok(number) = u32::try_from(number) else {
            self.error(
                Diagnostic::error(&codes::BAD_TOKEN, "this numeric label is too large")
                    .at(span, ""),
            );
            return;
        };
        self.count(span.end);
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

    /// What is still open at the end.
    pub(super) fn unclosed(&mut self) {
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
