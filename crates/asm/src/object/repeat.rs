//! `.macro`, `.rept`, `.irp`, `.irpc`: texts kept and repeated.

use std::sync::Arc;

use abide_diag::{Diagnostic, Source, Span};

use crate::codes;
use crate::lexer::Lexer;
use crate::object::budget::Budget;
use crate::object::input::{Macro, Parameters, first_word, parameters, raw, split, substitute};
use crate::object::unit::Unit;
use crate::token::word_length;

/// A body, from after its first line to its closing directive, and where it goes on after that.
struct Block {
    body: Span,
    next: usize,
}

const REPEATS: &[&str] = &[".rept", ".rep", ".irp", ".irpc"];

impl Unit<'_> {
    fn block(&self, text: &str, at: usize, opens: &[&str], closes: &[&str]) -> Option<Block> {
        let (mut from, mut depth) = (at, 0u32);
        while from < text.len() {
            let (end, next) = raw(text.as_bytes(), from);
            let word = first_word(&text[from..end]);
            if opens.contains(&word) {
                depth += 1;
            } else if closes.contains(&word) {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return Some(Block { body: at..from, next }),
                }
            }
            from = next;
        }
        None
    }

    /// The rest of the statement, and the block after it; reports a block without an end.
    fn headed(
        &mut self,
        text: &str,
        name: &Span,
        lexer: &mut Lexer<'_>,
        opens: &[&str],
        closes: &[&str],
    ) -> Option<(Span, Block)> {
        let (end, next) = raw(text.as_bytes(), lexer.at);
        let head = lexer.at..end;
        match self.block(text, next, opens, closes) {
            Some(block) => {
                lexer.at = block.next;
                Some((head, block))
            }
            None => {
                lexer.at = text.len();
                self.error(
                    Diagnostic::error(
                        &codes::UNCLOSED,
                        format!("this `{}` has no `{}`", &text[name.clone()], closes[0]),
                    )
                    .at(name.clone(), "begins here"),
                );
                None
            }
        }
    }

    pub(super) fn define_macro(&mut self, text: &str, name: &Span, lexer: &mut Lexer<'_>) {
        let found = self.headed(text, name, lexer, &[".macro"], &[".endm", ".endmacro"]);
        let Some((head, block)) = found else { return };
        let line = text[head.clone()].trim();
        let length = word_length(line.as_bytes());
        let made = if length == 0 {
            Err("a macro needs a name".to_owned())
        } else if self.macros.contains_key(&line[..length]) {
            Err(format!("the macro `{}` is defined twice", &line[..length]))
        } else {
            parameters(&line[length..])
        };
        match made {
            Ok(parameters) => {
                let body = text[block.body].to_owned();
                let made = Arc::new(Macro { parameters, body });
                self.macros.insert(line[..length].to_owned(), made);
            }
            Err(why) => {
                self.error(Diagnostic::error(&codes::MACRO, why).at(head, "in this definition"));
            }
        }
    }

    pub(super) fn repeat(&mut self, text: &str, name: &Span, lexer: &mut Lexer<'_>) {
        let found = self.headed(text, name, lexer, REPEATS, &[".endr"]);
        let Some((head, block)) = found else { return };
        let body = &text[block.body];
        let made = match &text[name.clone()] {
            ".rept" | ".rep" => self.times(text, &head).map(|times| {
                match body.len().saturating_mul(times) > self.budget.text() {
                    true => Err(Budget::SPENT.to_owned()),
                    false => Ok(body.repeat(times)),
                }
            }),
            which => Some(each(which, &text[head.clone()], body, self.budget.text())),
        };
        match made {
            Some(Ok(made)) => {
                self.enter(Source::new("repetition", made), name.start..head.end, true)
            }
            Some(Err(why)) => {
                self.error(Diagnostic::error(&codes::MACRO, why).at(name.start..head.end, ""));
            }
            None => {}
        }
    }

    fn times(&mut self, text: &str, head: &Span) -> Option<usize> {
        let mut inner = Lexer::within(text, &self.grammar.words, head.start);
        let mut tokens = Vec::new();
        inner.statement(&mut tokens);
        let number = self.one_number(text, &tokens)?;
        match usize::try_from(number) {
            Ok(number) => Some(number),
            Err(_) => {
                self.error(
                    Diagnostic::error(
                        &codes::NUMBER_RANGE,
                        format!("{number} times is not possible"),
                    )
                    .at(head.clone(), ""),
                );
                None
            }
        }
    }
}

/// The body once for each of a list, if that is no longer than `most`.
fn each(which: &str, head: &str, body: &str, most: usize) -> Result<String, String> {
    let head = head.trim();
    let length = word_length(head.as_bytes());
    if length == 0 {
        return Err(format!("`{which}` needs the name of a parameter"));
    }
    let parameter = Parameters::one(&head[..length]);
    let list = head[length..].trim_start().trim_start_matches(',').trim();
    let values: Vec<String> = match which {
        ".irpc" => list.trim_matches('"').chars().map(String::from).collect(),
        _ => split(list).into_iter().map(str::to_owned).collect(),
    };
    let mut out = String::new();
    for value in &values {
        let values = std::slice::from_ref(value);
        if !substitute(&mut out, body, &parameter, values, "", most) {
            return Err(Budget::SPENT.to_owned());
        }
    }
    Ok(out)
}
