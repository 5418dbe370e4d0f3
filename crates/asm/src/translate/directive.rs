//! Directives that the assembler of the wanted dialect lacks, and what it has instead.

use crate::dialect::Dialect;
use crate::object::Style;
use crate::reader::span_of;
use crate::token::{Sign, Tok, Token};

/// What becomes of a directive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Its name becomes another.
    Name(&'static str),
    /// It becomes a comment: there is nothing equal.
    LeftOut,
    /// The tokens from one to another become this; whether it says all that they do.
    Other { from: usize, to: usize, text: String, equal: bool },
}

/// Names that one side lacks, and what both have.
const RENAMED: &[(Dialect, &str, &str)] = &[
    (Dialect::C, ".word", ".long"),
    (Dialect::C, ".half", ".short"),
    (Dialect::C, ".hword", ".short"),
    (Dialect::C, ".dword", ".quad"),
    (Dialect::C, ".xword", ".quad"),
    (Dialect::Gnu, ".xword", ".quad"),
    (Dialect::Gnu, ".ifnotdef", ".ifndef"),
];

/// What becomes of a directive; `tokens` are all of it. `numbered` says that a `.file 0` came before.
pub(super) fn change(
    text: &str,
    tokens: &[Token],
    to: Dialect,
    style: Style,
    numbered: bool,
) -> Option<Change> {
    let name = &text[tokens[0].span()];
    if let Some((_, _, other)) = RENAMED.iter().find(|row| row.0 == to && row.1 == name) {
        return Some(Change::Name(other));
    }
    let wanted = match to {
        Dialect::C => Style::Llvm,
        Dialect::Gnu => Style::Gnu,
    };
    match name {
        // The same number is bytes to one and a power of two to the other.
        ".align" if style != wanted => {
            Some(Change::Name(if style == Style::Llvm { ".balign" } else { ".p2align" }))
        }
        ".addrsig" | ".addrsig_sym" if to == Dialect::Gnu => Some(Change::LeftOut),
        _ if to == Dialect::Gnu && name.starts_with(".cfi_") => Some(Change::LeftOut),
        ".file" if to == Dialect::Gnu && !numbered => directory(text, tokens),
        ".lcomm" if to == Dialect::C => aligned(text, tokens),
        _ => None,
    }
}

/// `.file 1 "directory" "name" md5 …`, which only DWARF 5 has, as `.file 1 "directory/name"`.
fn directory(text: &str, tokens: &[Token]) -> Option<Change> {
    let [_, number, directory, name, ..] = tokens else { return None };
    let of = |token: &Token| text[token.span()].trim_matches('"').to_owned();
    match (number.tok, directory.tok, name.tok) {
        (Tok::Number(1..), Tok::Text, Tok::Text) => {
            let joined = match of(name) {
                name if name.starts_with('/') => name,
                name => format!("{}/{name}", of(directory)),
            };
            Some(Change::Other {
                from: 2,
                to: tokens.len(),
                text: format!("\"{joined}\""),
                equal: false,
            })
        }
        _ => None,
    }
}

/// `.lcomm NAME, SIZE, ALIGN`, of which LLVM's takes no alignment, as what it does.
fn aligned(text: &str, tokens: &[Token]) -> Option<Change> {
    let operands: Vec<&str> = tokens[1..]
        .split(|token| token.tok == Tok::Sign(Sign::Comma))
        .map(|operand| &text[span_of(operand)])
        .collect();
    let [name, size, align] = operands[..] else { return None };
    Some(Change::Other {
        from: 0,
        to: tokens.len(),
        text: format!(
            ".pushsection \".bss\"; .balign {align}; .size {name}, {size}; {name}: .zero {size}; .popsection"
        ),
        equal: true,
    })
}
