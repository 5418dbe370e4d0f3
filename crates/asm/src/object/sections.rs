//! `.section` and what else chooses where bytes go.

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::lexer::Lexer;
use crate::object::Style;
use crate::object::input::raw;
use crate::object::section::{
    GROUP, Identity, LINK_ORDER, MERGE, SHT_FINI_ARRAY, SHT_INIT_ARRAY, SHT_NOBITS, SHT_NOTE,
    SHT_PROGBITS, Section, flags, usual,
};
use crate::object::symbols::SymbolId;
use crate::object::unit::Unit;

/// What is said of a section.
#[derive(Default)]
struct Said {
    identity: Identity,
    flags: Option<u64>,
    kind: Option<u32>,
    entry_size: u64,
    /// Whether linkers keep one group of this name only.
    comdat: bool,
}

impl Unit<'_> {
    pub(super) fn go_to(&mut self, section: u32) {
        if section != self.section {
            self.previous = self.section;
            self.section = section;
        }
    }

    pub(super) fn go_to_usual(&mut self, name: &str) {
        let section = self.usual_section(name);
        self.go_to(section);
    }

    /// The section that a name alone means.
    pub(super) fn usual_section(&mut self, name: &str) -> u32 {
        let identity = Identity { name: name.to_owned(), ..Identity::default() };
        match self.section_numbers.get(&identity) {
            Some(at) => *at,
            None => self.add_section(identity),
        }
    }

    /// A section that is what its name says.
    fn add_section(&mut self, identity: Identity) -> u32 {
        let at = self.sections.len() as u32;
        let (kind, flags) = usual(&identity.name);
        self.sections.push(Section {
            name: identity.name.clone(),
            group: identity.group,
            link: identity.link,
            kind,
            flags,
            entry_size: 0,
            // LLVM aligns `.text` so whatever is said.
            align: if identity.name == ".text" && self.style == Style::Llvm { 4 } else { 1 },
            data: Vec::new(),
            zeros: 0,
            parts: Vec::new(),
            fixups: Vec::new(),
            jumps: Vec::new(),
            counted: Vec::new(),
            growth: Vec::new(),
        });
        self.section_numbers.insert(identity, at);
        at
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
        let Some(said) = self.said(section_name, rest, &span) else { return };
        if push {
            self.pushed.push((self.section, self.previous));
        }
        self.enter_section(said, span);
    }

    fn said(&mut self, name: &str, rest: &str, span: &Span) -> Option<Said> {
        let mut said = Said::default();
        said.identity.name = name.to_owned();
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
        if text.contains('?') {
            // The group of the section that is being left, if that has one.
            said.identity.group = self.current().group;
            if said.identity.group.is_none() {
                said.flags = Some(flags & !GROUP);
            }
        } else if flags & GROUP != 0 {
            said.identity.group = Some(self.named_in_section(rest.next(), "group", span)?);
            said.comdat = rest.next_if_eq(&"comdat").is_some();
        }
        if flags & LINK_ORDER != 0 && rest.next_if_eq(&"0").is_none() {
            said.identity.link = Some(self.named_in_section(rest.next(), "symbol", span)?);
        }
        if rest.next_if_eq(&"unique").is_some() {
            said.identity.number = rest.next().and_then(|number| number.parse().ok());
            if said.identity.number.is_none() {
                self.section_error("expected a number after `unique,`", span);
                return None;
            }
        }
        if let Some(piece) = rest.next() {
            let message = format!("unexpected `{piece}` after the section's type");
            self.section_error(&message, span);
            return None;
        }
        Some(said)
    }

    /// The symbol that a flag asks for.
    fn named_in_section(&mut self, piece: Option<&str>, of: &str, span: &Span) -> Option<SymbolId> {
        let name = piece.unwrap_or_default().trim_matches('"');
        if name.is_empty() {
            self.section_error(&format!("the section's flags ask for the name of a {of}"), span);
            return None;
        }
        let origin = self.origin(span.clone());
        let symbol = self.symbols.intern(name);
        self.symbols.get_mut(symbol).used.get_or_insert(origin);
        Some(symbol)
    }

    fn section_error(&mut self, message: &str, span: &Span) {
        self.error(Diagnostic::error(&codes::SECTION, message.to_owned()).at(span.clone(), ""));
    }

    fn enter_section(&mut self, said: Said, span: Span) {
        if let (Some(group), true) = (said.identity.group, said.comdat) {
            self.comdat.insert(group);
        }
        let Some(at) = self.section_numbers.get(&said.identity).copied() else {
            let at = self.add_section(said.identity);
            let section = &mut self.sections[at as usize];
            section.kind = said.kind.unwrap_or(section.kind);
            section.flags = said.flags.unwrap_or(section.flags);
            section.entry_size = said.entry_size;
            self.go_to(at);
            return;
        };
        let section = &self.sections[at as usize];
        let other = said.flags.is_some_and(|flags| flags != section.flags)
            || said.kind.is_some_and(|kind| kind != section.kind)
            || said.flags.is_some() && said.entry_size != section.entry_size;
        if other {
            let message =
                format!("the section `{}` had another type or other flags before", section.name);
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
