//! What stands between the tokens: comments and separators, and how the assemblers of the wanted
//! dialect read them.
//!
//! GNU's of 2.40 takes `#` only at the start of a line, `//` nowhere, and from `;` on nothing; all of
//! its releases take `/* */`, and the backquote as a separator. LLVM's takes `#` and `;`, and does not
//! take `/* */` after some instructions.

use std::ops::Range;

use crate::dialect::Dialect;

/// One thing between two tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trivia {
    /// To the end of the line; how long its marker is.
    Line(Range<usize>, usize),
    /// `/* */`.
    Block(Range<usize>),
    /// `;` or a backquote.
    Separator(usize),
    Newline(usize),
}

/// What a gap between tokens consists of.
pub(super) fn trivia(text: &str, gap: Range<usize>) -> Vec<Trivia> {
    let bytes = &text.as_bytes()[..gap.end];
    let (mut out, mut at) = (Vec::new(), gap.start);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let line = || rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let comment = |marker: usize| {
            let length = text[at..at + line()].trim_end().len();
            Trivia::Line(at..at + length.max(marker), marker)
        };
        let (found, length) = match rest {
            [b'\n', ..] => (Some(Trivia::Newline(at)), 1),
            [b';' | b'`', ..] => (Some(Trivia::Separator(at)), 1),
            [b'#', ..] => (Some(comment(1)), line()),
            [b'/', b'/', ..] => (Some(comment(2)), line()),
            [b'/', b'*', inside @ ..] => {
                let end = inside.windows(2).position(|two| two == b"*/");
                let length = end.map_or(rest.len(), |end| end + 4);
                (Some(Trivia::Block(at..at + length)), length)
            }
            _ => (None, 1),
        };
        out.extend(found);
        at += length;
    }
    out
}

/// Whether anything stands before this place on its line.
fn begins_line(text: &str, at: usize) -> bool {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[start..at].trim().is_empty()
}

/// Changes to what stands after (or before) a statement; `instruction` says that one ended there.
pub(super) fn edits(
    text: &str,
    all: &[Trivia],
    to: Dialect,
    instruction: bool,
    ends_text: bool,
    out: &mut Vec<(Range<usize>, String)>,
) {
    let mut after_instruction = instruction;
    let mut at = 0;
    while at < all.len() {
        match (&all[at], to) {
            (Trivia::Newline(_), _) => after_instruction = false,
            (Trivia::Line(span, marker), Dialect::Gnu) => {
                let kept = text[span.clone()].starts_with('#') && begins_line(text, span.start);
                if !kept {
                    let inside = text[span.start + marker..span.end].replace("*/", "* /");
                    let blank = if inside.starts_with(' ') || inside.is_empty() { "" } else { " " };
                    out.push((span.clone(), format!("/*{blank}{inside} */")));
                }
            }
            (Trivia::Line(..), Dialect::C) => {}
            (Trivia::Separator(place), Dialect::Gnu) => {
                if text[*place..].starts_with(';') && goes_on(text, &all[at + 1..], ends_text) {
                    out.push((*place..place + 1, "`".to_owned()));
                }
                after_instruction = false;
            }
            (Trivia::Separator(place), Dialect::C) => {
                if text[*place..].starts_with('`') {
                    out.push((*place..place + 1, ";".to_owned()));
                }
                after_instruction = false;
            }
            (Trivia::Block(span), Dialect::C) if after_instruction => {
                let comment = &text[span.clone()];
                match all.get(at + 1) {
                    Some(Trivia::Separator(place)) => {
                        // Before the next instruction it is taken.
                        let blanks = &text[span.end..*place];
                        out.push((span.start..place + 1, format!(";{blanks} {comment}")));
                        after_instruction = false;
                        at += 1;
                    }
                    _ => {
                        let inside = comment.trim_start_matches("/*").trim_end_matches("*/");
                        let line = format!("#{}", inside.trim_end().replace('\n', "\n#"));
                        out.push((span.clone(), line));
                    }
                }
            }
            (Trivia::Block(_), _) => {}
        }
        at += 1;
    }
}

/// Whether a statement, or a comment of several lines, follows a separator on its line.
fn goes_on(text: &str, rest: &[Trivia], ends_text: bool) -> bool {
    for trivia in rest {
        match trivia {
            Trivia::Newline(_) => return false,
            Trivia::Block(span) if text[span.clone()].contains('\n') => return true,
            _ => {}
        }
    }
    !ends_text
}
