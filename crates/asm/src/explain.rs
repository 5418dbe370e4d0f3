//! Why a statement is no instruction, in words: what was expected, and what would help.

use abide_diag::Diagnostic;

use crate::codes;
use crate::dialect::Dialect;
use crate::expr::ExprErrorKind;
use crate::grammar::{Grammar, NodeId};
use crate::matcher::{Failure, Trouble};
use crate::token::{Sign, Tok, Token, looks_like_register};

/// At most so many alternatives are listed.
const ALTERNATIVES: usize = 10;

/// Spellings that one assembler accepts for what no kernel runs (see the table of `abide-isa`), or
/// that are often tried.
const LEFT_OUT: &[(&str, &str)] = &[
    ("ldxsdw", "a load of 64 bits has nothing to extend: `ldxdw`"),
    ("s64", "a load of 64 bits has nothing to extend: `u64`"),
    ("ldabsdw", "the legacy loads have 8, 16 or 32 bits: `ldabsw`"),
    ("ldinddw", "the legacy loads have 8, 16 or 32 bits: `ldindw`"),
    ("brkpt", "it exists in GNU's simulator only"),
    ("return", "`exit` returns r0"),
    ("nop", "`goto +0` (pseudo-C) or `ja 0` (GNU) does nothing"),
];

/// The message for a failed match.
pub(crate) fn explain(
    text: &str,
    tokens: &[Token],
    dialect: Dialect,
    failure: Failure,
) -> Diagnostic {
    let token = tokens.get(failure.at);
    let span = match token {
        Some(token) => token.span(),
        None => tokens.last().map_or(0..0, |last| last.end as usize..last.end as usize),
    };
    let found = match token {
        Some(token) => format!("`{}`", &text[token.span()]),
        None => "the end".to_owned(),
    };
    let word = token.filter(|token| matches!(token.tok, Tok::Word(_)));
    let word = word.map(|token| &text[token.span()]);
    if let Some((name, help)) = word.and_then(left_out) {
        return Diagnostic::error(
            &codes::NOT_AN_INSTRUCTION,
            format!("`{name}` is no instruction of RFC 9669 or of any kernel"),
        )
        .at(span, "")
        .help(help);
    }
    if let Some(error) = conversion(text, tokens) {
        return error;
    }
    let nodes = match failure.trouble {
        Trouble::Operands(diagnostic) => return *diagnostic,
        Trouble::Expression(kind) => return expression(kind, span, &found),
        Trouble::Expected(nodes) => nodes,
    };
    let tree = Grammar::get().tree(dialect);
    let wants_register = nodes.iter().any(|id| {
        let node = tree.node(*id);
        node.register.is_some() || node.half.is_some()
    });
    if let Some(word) = word.filter(|word| looks_like_register(word.as_bytes())) {
        return no_register(word, dialect).at(span, "no register");
    }
    if let Some(Token { tok: Tok::Register { reg, half, percent }, .. }) = token
        && wants_register
    {
        if !percent && dialect == Dialect::Gnu {
            return Diagnostic::error(
                &codes::NO_REGISTER,
                format!("{found} is a symbol in GNU's dialect, not a register"),
            )
            .at(span, "no register")
            .help(format!("write `%{reg}`"));
        }
        let (this, other, name) =
            if *half { ("32-bit", "64-bit", 'r') } else { ("64-bit", "32-bit", 'w') };
        return Diagnostic::error(
            &codes::REGISTER_WIDTH,
            format!("{found} is a {this} register, and a {other} one is needed here"),
        )
        .at(span, "wrong width")
        .help(format!("write `{name}{}`", reg.number()));
    }
    if failure.at == 0 {
        return match word {
            Some(_) => Diagnostic::error(
                &codes::UNKNOWN_INSTRUCTION,
                format!("no instruction begins with {found}"),
            )
            .at(span, "unknown"),
            None => Diagnostic::error(
                &codes::EXPECTED,
                format!("expected an instruction, found {found}"),
            )
            .at(span, "begins no instruction"),
        };
    }
    let expected = alternatives(dialect, &nodes);
    let error = Diagnostic::error(&codes::EXPECTED, format!("expected {expected}, found {found}"))
        .at(span, "unexpected");
    let wants_offset = nodes.iter().any(|id| tree.node(*id).offset.is_some());
    if wants_offset && matches!(found.as_str(), "`)`" | "`]`") {
        return error.help("an address always has an offset, which may be `+ 0`");
    }
    error
}

/// A conversion that does not exist: `(s64)`, or `(s32)` of 32-bit registers. (Without this the word
/// would be taken for a symbol in parentheses.)
fn conversion(text: &str, tokens: &[Token]) -> Option<Diagnostic> {
    let at = tokens.windows(3).position(|three| {
        matches!(three[0].tok, Tok::Sign(Sign::Open))
            && matches!(three[2].tok, Tok::Sign(Sign::Close))
            && matches!(&text[three[1].span()], "s32" | "s64")
    })?;
    // `*(s64 *)` has a sign more between them; `r1 = (s32)r2` did not come here, being right.
    let name = &text[tokens[at + 1].span()];
    Some(
        Diagnostic::error(
            &codes::NOT_AN_INSTRUCTION,
            format!("there is no conversion `({name})` here"),
        )
        .at(tokens[at].start as usize..tokens[at + 2].end as usize, "")
        .help("there are `(s8)` and `(s16)`, and `(s32)` between 64-bit registers"),
    )
}

fn left_out(word: &str) -> Option<(&'static str, &'static str)> {
    LEFT_OUT.iter().copied().find(|(name, _)| name.eq_ignore_ascii_case(word))
}

fn no_register(word: &str, dialect: Dialect) -> Diagnostic {
    let error = Diagnostic::error(&codes::NO_REGISTER, format!("there is no register `{word}`"));
    let percent = if dialect == Dialect::Gnu { "%" } else { "" };
    let word = word.trim_start_matches('%');
    let lower = word.to_ascii_lowercase();
    if lower != word && crate::token::register(lower.as_bytes()).is_some() {
        return error.help(format!("names of registers are in lower case: `{percent}{lower}`"));
    }
    error.note(format!("the registers are {percent}r0 to {percent}r10"))
}

fn expression(kind: ExprErrorKind, span: std::ops::Range<usize>, found: &str) -> Diagnostic {
    match kind {
        ExprErrorKind::Operand => Diagnostic::error(
            &codes::EXPECTED,
            format!("expected a number or a symbol, found {found}"),
        )
        .at(span, "unexpected"),
        ExprErrorKind::Close => {
            Diagnostic::error(&codes::EXPECTED, format!("expected `)`, found {found}"))
                .at(span, "unexpected")
        }
        ExprErrorKind::Register => Diagnostic::error(
            &codes::NO_REGISTER,
            format!("expected a number or a symbol, found {found}"),
        )
        .at(span, "the name of a register is no symbol"),
        ExprErrorKind::Value(why) => Diagnostic::error(
            &codes::EXPRESSION,
            format!("this expression cannot be evaluated: {why}"),
        )
        .at(span, ""),
    }
}

/// What nodes accept, as in "`+`, a register or a number".
fn alternatives(dialect: Dialect, nodes: &[NodeId]) -> String {
    let grammar = Grammar::get();
    let tree = grammar.tree(dialect);
    let percent = if dialect == Dialect::Gnu { "%" } else { "" };
    let mut all: Vec<String> = Vec::new();
    let mut add = |text: String| {
        if !all.contains(&text) {
            all.push(text);
        }
    };
    for id in nodes {
        let node = tree.node(*id);
        if node.register.is_some() {
            add(format!("a register ({percent}r0 to {percent}r10)"));
        }
        if node.half.is_some() {
            add("a 32-bit register (w0 to w10)".to_owned());
        }
        if node.expression.is_some() {
            add("a number or symbol".to_owned());
        }
        if node.offset.is_some() {
            add("an offset (`+` or `-` and a number)".to_owned());
        }
        for (literal, next) in &node.literals {
            match grammar.text(*literal) {
                // Not a word by itself, but the mark of signed operators.
                "s" => tree.node(*next).literals.iter().for_each(|(sign, _)| {
                    add(format!("`s{}`", grammar.text(*sign)));
                }),
                text => add(format!("`{text}`")),
            }
        }
        if !node.rows.is_empty() {
            add("the end of the instruction".to_owned());
        }
    }
    if all.len() > ALTERNATIVES {
        all.truncate(ALTERNATIVES);
        all.push("…".to_owned());
        return all.join(", ");
    }
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}
