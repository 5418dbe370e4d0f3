//! `.if` and its relations.

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::lexer::Lexer;
use crate::object::data::is_name;
use crate::object::input::{first_word, raw, split, uncommented};
use crate::object::symbols::{Meaning, Origin};
use crate::object::unit::Unit;
use crate::operator::signed;

/// An `.if` that is open.
#[derive(Debug)]
pub(super) struct Conditional {
    pub(super) origin: Origin,
    /// Whether one of its branches has been taken.
    taken: bool,
    /// Whether `.else` has been seen.
    last: bool,
}

fn opens(word: &str) -> bool {
    word.starts_with(".if")
}

fn after_else(word: &str) -> Diagnostic {
    Diagnostic::error(&codes::UNCLOSED, format!("`{word}` comes after the `.else` of its `.if`"))
}

impl Unit<'_> {
    /// Reads a directive of this family; false if it is none.
    pub(super) fn conditional(&mut self, text: &str, name: &Span, lexer: &mut Lexer<'_>) -> bool {
        let word = &text[name.clone()];
        if !opens(word) && !matches!(word, ".else" | ".elseif" | ".endif") {
            return false;
        }
        let (end, next) = raw(text.as_bytes(), name.end);
        let operand = name.end..end;
        lexer.at = next;
        let origin = self.origin(name.clone());
        if opens(word) {
            let Some(taken) = self.holds(text, word, operand, name) else {
                // Without a condition neither branch is known to be meant.
                self.conditions.push(Conditional { origin, taken: true, last: false });
                self.skip(text, lexer);
                return true;
            };
            self.conditions.push(Conditional { origin, taken, last: false });
            if !taken {
                self.skip(text, lexer);
            }
            return true;
        }
        let floor = self.frames.last().map_or(0, |frame| frame.conditions);
        if self.conditions.len() <= floor {
            self.error(
                Diagnostic::error(
                    &codes::UNCLOSED,
                    format!("there is no `.if` before this `{word}`"),
                )
                .at(name.clone(), ""),
            );
            return true;
        }
        match self.conditions.last_mut() {
            Some(_) if word == ".endif" => {
                self.conditions.pop();
            }
            Some(conditional) if conditional.last => {
                let error = after_else(word).also(conditional.origin.span(), "its `.if`");
                self.error(error.at(name.clone(), ""));
            }
            Some(conditional) => {
                conditional.last = word == ".else";
                // What is read now was taken; the other branches are not.
                self.skip(text, lexer);
            }
            None => {}
        }
        true
    }

    fn holds(&mut self, text: &str, word: &str, operand: Span, name: &Span) -> Option<bool> {
        let holds = self.condition(text, word, operand, name);
        self.undecided |= holds.is_none();
        holds
    }

    fn condition(&mut self, text: &str, word: &str, operand: Span, name: &Span) -> Option<bool> {
        let line = uncommented(&text[operand.clone()]);
        let line = line.trim();
        let defined = |unit: &Self| {
            unit.symbols
                .find(line.trim_matches('"'))
                .is_some_and(|id| unit.symbols.get(id).meaning != Meaning::Undefined)
        };
        if matches!(word, ".ifdef" | ".ifndef" | ".ifnotdef")
            && !is_name(line)
            && !line.starts_with('"')
        {
            self.operands(name, "the name of a symbol");
            return None;
        }
        let strings = || {
            let pieces: Vec<&str> =
                split(line).iter().map(|piece| piece.trim_matches('"')).collect();
            pieces.first() == pieces.get(1)
        };
        let compare = match word {
            ".ifdef" => return Some(defined(self)),
            ".ifndef" | ".ifnotdef" => return Some(!defined(self)),
            ".ifb" => return Some(line.is_empty()),
            ".ifnb" => return Some(!line.is_empty()),
            ".ifc" | ".ifeqs" => return Some(strings()),
            ".ifnc" | ".ifnes" => return Some(!strings()),
            ".if" | ".ifne" | ".elseif" => |number: i128| number != 0,
            ".ifeq" => |number| number == 0,
            ".ifgt" => |number| number > 0,
            ".ifge" => |number| number >= 0,
            ".iflt" => |number| number < 0,
            ".ifle" => |number| number <= 0,
            _ => {
                self.error(
                    Diagnostic::error(&codes::DIRECTIVE, format!("unknown directive `{word}`"))
                        .at(name.clone(), "not known"),
                );
                return None;
            }
        };
        let mut tokens = Vec::new();
        Lexer::within(text, &self.grammar.words, operand.start).statement(&mut tokens);
        if tokens.is_empty() {
            self.error(
                Diagnostic::error(&codes::EXPECTED, format!("`{word}` needs an expression"))
                    .at(name.clone(), ""),
            );
            return None;
        }
        self.one_number(text, &tokens).map(|number| compare(signed(number)))
    }

    /// Goes over what is not taken, to the branch that is or to the end.
    fn skip(&mut self, text: &str, lexer: &mut Lexer<'_>) {
        let mut depth = 0u32;
        while lexer.at < text.len() {
            let from = lexer.at;
            let (end, next) = raw(text.as_bytes(), from);
            let word = first_word(&text[from..end]);
            lexer.at = next;
            if opens(word) {
                depth += 1;
            } else if word == ".endif" {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => {
                        self.conditions.pop();
                        return;
                    }
                }
            } else if depth == 0 && matches!(word, ".else" | ".elseif") {
                let Some(conditional) = self.conditions.last_mut() else { return };
                let start = from + text[from..end].find(word).unwrap_or(0);
                if conditional.last {
                    let error = after_else(word).also(conditional.origin.span(), "its `.if`");
                    self.error(error.at(start..start + word.len(), ""));
                    continue;
                }
                conditional.last = word == ".else";
                if conditional.taken {
                    continue;
                }
                let operand = start + word.len()..end;
                let taken = word == ".else"
                    || self.holds(text, word, operand, &(start..start + word.len())) == Some(true);
                if taken {
                    if let Some(conditional) = self.conditions.last_mut() {
                        conditional.taken = true;
                    }
                    return;
                }
            }
        }
    }
}
