//! Text of C: words that C keeps for itself, comments, string literals, lines that are not too long.

use std::fmt::Write;

use super::HeaderError;

/// As wide as a line may get.
pub(super) const WIDTH: usize = 118;

/// The words of C up to C23, and those that compilers add in their default modes.
const KEYWORDS: &[&str] = &[
    "alignas",
    "alignof",
    "asm",
    "auto",
    "bool",
    "break",
    "case",
    "char",
    "const",
    "constexpr",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "false",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "nullptr",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "struct",
    "switch",
    "thread_local",
    "true",
    "typedef",
    "typeof",
    "typeof_unqual",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "_Alignas",
    "_Alignof",
    "_Atomic",
    "_BitInt",
    "_Bool",
    "_Complex",
    "_Generic",
    "_Imaginary",
    "_Noreturn",
    "_Static_assert",
    "_Thread_local",
];

/// A name that has to be this one.
pub(super) fn fixed<'a>(name: &'a str, what: &'static str) -> Result<&'a str, HeaderError> {
    if KEYWORDS.contains(&name) {
        return Err(HeaderError::Keyword { name: name.to_owned(), what });
    }
    Ok(name)
}

/// The name of a parameter, which may be another one: no program says it.
pub(super) fn parameter(name: &str) -> String {
    if KEYWORDS.contains(&name) || name.starts_with("abide_") {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}

/// For the names of macros: `LINUX_6_5`.
pub(super) fn upper(name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    name.chars().map(word).collect()
}

/// A comment, which begins with `/*` or `/**`. What would end it or begin another is taken apart.
pub(super) fn comment(out: &mut String, indent: &str, open: &str, text: &str) {
    let text = text.replace("*/", "* /").replace("/*", "/ *");
    if !text.contains('\n') && indent.len() + text.len() + 8 <= WIDTH {
        let _ = writeln!(out, "{indent}{open} {text} */");
        return;
    }
    // As the kernel writes them: `/** ` stands alone, after `/*` the text begins.
    if open == "/**" {
        let _ = writeln!(out, "{indent}{open}");
    }
    for (index, line) in text.split('\n').enumerate() {
        let star = if index == 0 && open == "/*" { "/*" } else { " *" };
        let space = if line.is_empty() { "" } else { " " };
        let _ = writeln!(out, "{indent}{star}{space}{line}");
    }
    let _ = writeln!(out, "{indent} */");
}

/// A string literal. C's `\x` takes as many digits as there are, so what is no ASCII stays as it is.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push_str("\\n"),
            other if other.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// `head`, then parts with commas, then `tail`, broken between parts.
pub(super) fn list(head: &str, parts: &[String], tail: &str) -> String {
    let mut out = head.to_owned();
    let mut width = head.len();
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len();
        let end = if last { tail } else { "," };
        if width + part.len() + end.len() + 1 > WIDTH && index > 0 {
            out.push_str("\n\t\t");
            width = 16;
        } else if index > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(part);
        out.push_str(end);
        width += part.len() + end.len();
    }
    if parts.is_empty() {
        out.push_str(tail);
    }
    out
}

/// Words of a sentence on lines that are not too long.
pub(super) fn filled(text: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in text.split(' ') {
        if width > 0 && width + word.len() + 1 > WIDTH - 8 {
            out.push('\n');
            width = 0;
        } else if width > 0 {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += word.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_end_where_they_should() {
        let mut out = String::new();
        comment(&mut out, "", "/**", "a */ b /* c");
        assert_eq!(out, "/** a * / b / * c */\n");
        out.clear();
        comment(&mut out, "\t", "/**", "a\n\nb");
        assert_eq!(out, "\t/**\n\t * a\n\t *\n\t * b\n\t */\n");
    }

    #[test]
    fn literals_hold_anything() {
        assert_eq!(quoted("a \"b\" \\ \u{7} ü\n"), "\"a \\\"b\\\" \\\\   ü\\n\"");
    }

    #[test]
    fn words_of_c_are_no_names() {
        assert_eq!(parameter("default"), "default_");
        assert_eq!(parameter("abide_r1"), "abide_r1_");
        assert_eq!(parameter("key__sz"), "key__sz");
        assert!(fixed("register", "field").is_err());
        assert_eq!(fixed("map", "field"), Ok("map"));
    }
}
