//! What gcc writes around inline assembly: `#APP`, where it was written, and comments after `;`.
//!
//! LLVM's assembler, and GNU's from 2.41 on, end statements with `;`. GNU's before began a comment,
//! and gcc 12 and 13 write such comments around and inside of inline assembly, whose authors in turn
//! separate statements. So it is decided here, before anything is read: a `;` that begins a comment
//! becomes `#`, which does so everywhere. No byte moves, and places stay what they were.

use abide_diag::Source;

use crate::token::string;

/// How many lines inline assembly may have for its errors to be traced to C.
const LONGEST: usize = 10_000;

/// How `;` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Semicolon {
    /// It separates statements, except where gcc wrote it: gcc's own comments are such in texts that
    /// it signed (`.ident "GCC: …"`); in inline assembly, between `#APP` and `#NO_APP`, it separates
    /// there too.
    #[default]
    Auto,
    /// It begins a comment, as in binutils up to 2.40.
    Comment,
    /// It separates statements.
    Separator,
}

/// The text with `#` for each `;` that begins a comment.
pub(crate) fn settle(source: &Source, meaning: Semicolon) -> Source {
    let text = &*source.text;
    let inline_separates = match meaning {
        Semicolon::Separator => return source.clone(),
        Semicolon::Comment => false,
        Semicolon::Auto if text.contains("GCC: (") => true,
        Semicolon::Auto => return source.clone(),
    };
    if !text.contains(';') {
        return source.clone();
    }
    // With -fverbose-asm gcc says which operands it put in, behind the inline assembly as well.
    let verbose = text.lines().any(|line| line.starts_with("; GNU "));
    let mut out = String::with_capacity(text.len());
    let mut inline = false;
    for line in text.split_inclusive('\n') {
        match line.trim() {
            "#APP" => inline = true,
            "#NO_APP" => inline = false,
            _ => {}
        }
        let comment = match inline && inline_separates {
            false => begins(line),
            true if is_own(line) => line.find(';'),
            true if verbose => {
                line.rfind("\t; ").map(|at| at + 1).filter(|at| are_names(&line[at + 1..]))
            }
            true => None,
        };
        match comment {
            Some(at) => {
                out.push_str(&line[..at]);
                out.push('#');
                out.push_str(&line[at + 1..]);
            }
            None => out.push_str(line),
        }
    }
    Source::new(source.name.clone(), out)
}

/// The first `;` of a line that is neither quoted nor in a comment.
fn begins(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let mut at = 0;
    loop {
        match &bytes[at..] {
            [] | [b'#', ..] | [b'/', b'/', ..] => return None,
            [b';', ..] => return Some(at),
            rest @ [b'"', ..] => at += string(rest).1.max(1),
            [b'\'', _, b'\'', ..] => at += 3,
            _ => at += 1,
        }
    }
}

/// Whether a line among inline assembly is a comment of gcc's own: where the assembly was written,
/// the line of C that comes next (`-fverbose-asm`), or the flow around it (`-dA`).
fn is_own(line: &str) -> bool {
    let Some(text) = line.strip_prefix("; ") else { return false };
    let mut pieces = text.split(':').skip(1);
    place(line).is_some()
        || ["BLOCK ", "PRED:", "SUCC:"].iter().any(|start| text.starts_with(start))
        || pieces.next().is_some_and(|number| number.parse::<u32>().is_ok())
            && pieces.next().is_some()
}

/// The file and line that `; 12 "file.c" 1` names: where inline assembly was written. Its end has
/// line 0.
fn place(line: &str) -> Option<(&str, u32)> {
    let rest = line.trim().strip_prefix(['#', ';'])?.strip_prefix(' ')?;
    let (number, rest) = rest.split_once(" \"")?;
    let (file, _) = rest.rsplit_once('"')?;
    Some((file, number.parse().ok()?))
}

/// Where the inline assembly around a place of a text was written, if gcc says so.
pub(super) fn written_at(text: &str, at: usize) -> Option<(&str, u32)> {
    let before = text.get(..at)?.lines().rev().take(LONGEST);
    let named = before.take_while(|line| line.trim() != "#NO_APP").find_map(place)?;
    (named.1 > 0).then_some(named)
}

/// Whether a text is nothing but names of operands, with commas between them.
fn are_names(text: &str) -> bool {
    let text = text.trim();
    text != "exit"
        && text.split(',').all(|name| !name.trim().contains([' ', '\t', '=', '%', ':', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(text: &str, meaning: Semicolon) -> String {
        settle(&Source::new("x.s", text), meaning).text.to_string()
    }

    #[test]
    fn a_comment_begins_where_binutils_2_40_begins_one() {
        for (text, expected) in [
            ("mov %r0,1 ; exit\n", "mov %r0,1 # exit\n"),
            (".ascii \"a;b\" ; c\n", ".ascii \"a;b\" # c\n"),
            (".ascii \"a\\\";b\"\n", ".ascii \"a\\\";b\"\n"),
            (".byte ';' ; x", ".byte ';' # x"),
            ("exit # a ; b\n", "exit # a ; b\n"),
            ("; one ; two\n", "# one ; two\n"),
        ] {
            assert_eq!(settled(text, Semicolon::Comment), expected);
            assert_eq!(settled(text, Semicolon::Separator), text);
            assert_eq!(settled(text, Semicolon::Auto), text);
        }
    }

    #[test]
    fn gcc_comments_and_its_users_separate() {
        let text = "; GNU C17 (12.2.0)\n\tlsh %r0,32\t; x,\n #APP\n; 4 \"a.c\" 1\n\
                    \t%r0 = 5; %r0 += 1\t; x, tmp22\n\tr1 = 1;\texit\n; 0 \"\" 2\n; a.c:9: f();\n #NO_APP\n\
                    ; BLOCK 2\n\t.ident\t\"GCC: (12.2.0)\"\n";
        let expected = "# GNU C17 (12.2.0)\n\tlsh %r0,32\t# x,\n #APP\n# 4 \"a.c\" 1\n\
                        \t%r0 = 5; %r0 += 1\t# x, tmp22\n\tr1 = 1;\texit\n# 0 \"\" 2\n# a.c:9: f();\n #NO_APP\n\
                        # BLOCK 2\n\t.ident\t\"GCC: (12.2.0)\"\n";
        assert_eq!(settled(text, Semicolon::Auto), expected);
        let at = expected.find("r1 = 1").expect("it is there");
        assert_eq!(written_at(expected, at), Some(("a.c", 4)));
        assert_eq!(written_at(expected, expected.len()), None);
        // An instruction behind a tab and `;` is one, also there.
        let text = "; GNU C17\n#APP\n\tr1 = 1\t; r2 = 2\n\tr1 = 1\t; goto l\n#NO_APP\n; GCC: (\n";
        assert!(settled(text, Semicolon::Auto).contains("\t; r2 = 2\n\tr1 = 1\t; goto l\n"));
    }
}
