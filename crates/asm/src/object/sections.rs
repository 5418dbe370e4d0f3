//! `.section` and what else chooses where bytes go.

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::lexer::Lexer;
use crate::object::input::raw;
use crate::object::section::{
    MERGE, SHT_FINI_ARRAY, SHT_INIT_ARRAY, SHT_NOBITS, SHT_NOTE, SHT_PROGBITS, flags, usual,
};
use crate::object::unit::Unit;

/// What is said after the name.
#[derive(Default)]
struct Said {
    flags: Option<u64>,
    kind: Option<u32>,
    entry_size: u64,
}

impl Unit<'_> {
    pub(super) fn go_to(&mut self, section: u32) {
        if section != self.section {
            self.previous = self.section;
            self.section = section;
        }
    }

    pub(super) fn go_to_usual(&mut self, name: &str) {
        let found = self.sections.iter().position(|section| section.name == name);
        let section = match found {
            Some(at) => at as u32,
            None => self.add_section(name),
        };
        self.go_to(section);
    }

    /// `.section NAME, "FLAGS", @TYPE, …`: the name may hold any characters but blanks and commas,
    /// so that it is not read as tokens.
    pub(super) fn section(&mut self, text: &str, name: &Span, lexer: &mut Lexer<'_>, push: bool) {
        let rest = &text[name.end..];
        let start = name.end + (rest.len() - rest.trim_start_matches([' ', '\t']).len());
        // A name may hold what would begin a comment elsewhere (`uprobe//bin/sh:main`).
        let (section_name, after) = match text[start..].strip_prefix('"') {
            Some(quoted) => {
                let length = quoted.find(['"', '\n']).unwrap_or(quoted.len());
                let closed = usize::from(quoted[length..].starts_with('"'));
                (&quoted[..length], start + 1 + length + closed)
            }
            None => {
                let end = [',', ' ', '\t', ';', '`', '\n', '\r'];
                let length = text[start..].find(end).unwrap_or(text.len() - start);
                (&text[start..start + length], start + length)
            }
        };
        let (end, next) = raw(text.as_bytes(), after);
        lexer.at = next;
        let rest = text[after..end].trim_end();
        let span = start..after + rest.len();
        if section_name.is_empty() {
            self.error(
                Diagnostic::error(&codes::EXPECTED, "expected the name of a section")
                    .at(name.clone(), "names none"),
            );
            return;
        }
        let Some(said) = self.said(rest, &span) else { return };
        if push {
            self.pushed.push((self.section, self.previous));
        }
        self.enter_section(section_name, &said, span);
    }

    fn said(&mut self, rest: &str, span: &Span) -> Option<Said> {
        let mut said = Said::default();
        let mut pieces = rest.trim().split(',').map(str::trim);
        if pieces.next().is_some_and(|before| !before.is_empty()) {
            self.section_error("expected `,` after the name of the section", span);
            return None;
        }
        let Some(text) = pieces.next() else { return Some(said) };
        let Some(text) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
            self.section_error("expected the flags of the section, in quotes", span);
            return None;
        };
        match flags(text) {
            Ok(flags) => said.flags = Some(flags),
            Err(letter) => {
                self.section_error(&format!("there is no flag `{letter}` for a section"), span);
                return None;
            }
        }
        let mut rest = pieces.peekable();
        if let Some(kind) = rest.peek().and_then(|piece| piece.strip_prefix(['@', '%'])) {
            said.kind = Some(match kind {
                "progbits" => SHT_PROGBITS,
                "nobits" => SHT_NOBITS,
                "note" => SHT_NOTE,
                "init_array" => SHT_INIT_ARRAY,
                "fini_array" => SHT_FINI_ARRAY,
                "llvm_addrsig" => crate::object::section::SHT_LLVM_ADDRSIG,
                other => match kind_number(other) {
                    Some(number) => number,
                    None => {
                        self.section_error(&format!("there is no section type `{other}`"), span);
                        return None;
                    }
                },
            });
            rest.next();
        }
        let flags = said.flags.unwrap_or(0);
        if flags & MERGE != 0 {
            match rest.next().and_then(|piece| piece.parse().ok()) {
                Some(size) => said.entry_size = size,
                None => {
                    self.section_error("a section with the flag `M` has the size of entries", span);
                    return None;
                }
            }
        }
        let known = |piece: &str| piece.starts_with("unique");
        let mut unknown = rest.filter(|piece| !known(piece) && piece.parse::<u32>().is_err());
        if let Some(piece) = unknown.next() {
            let message = format!("unexpected `{piece}` after the section's type");
            self.section_error(&message, span);
            return None;
        }
        Some(said)
    }

    fn section_error(&mut self, message: &str, span: &Span) {
        self.error(Diagnostic::error(&codes::SECTION, message.to_owned()).at(span.clone(), ""));
    }

    fn enter_section(&mut self, name: &str, said: &Said, span: Span) {
        let found = self.sections.iter().position(|section| section.name == name);
        let at = match found {
            Some(at) => at as u32,
            None => {
                let at = self.add_section(name);
                let section = &mut self.sections[at as usize];
                let (kind, flags) = usual(name);
                (section.kind, section.flags) =
                    (said.kind.unwrap_or(kind), said.flags.unwrap_or(flags));
                section.entry_size = said.entry_size;
                self.go_to(at);
                return;
            }
        };
        let section = &self.sections[at as usize];
        let other = said.flags.is_some_and(|flags| flags != section.flags)
            || said.kind.is_some_and(|kind| kind != section.kind)
            || said.flags.is_some() && said.entry_size != section.entry_size;
        if other {
            let message = format!("the section `{name}` had another type or other flags before");
            self.section_error(&message, &span);
            return;
        }
        self.go_to(at);
    }

    pub(super) fn pop_section(&mut self, name: &Span) {
        match self.pushed.pop() {
            Some((section, previous)) => (self.section, self.previous) = (section, previous),
            None => self.section_error("there is no `.pushsection` before this", name),
        }
    }
}

fn kind_number(text: &str) -> Option<u32> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}
