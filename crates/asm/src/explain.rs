//! Why a statement is no instruction, in words: what was expected, and what would help.

use abide_diag::{Diagnostic, edits};

use crate::codes;
use crate::dialect::Dialect;
use crate::expr::ExprErrorKind;
use crate::grammar::{Grammar, NodeId, Tree};
use crate::matcher::{Failure, Trouble};
use crate::token::{Fault, Sign, Tok, Token, looks_like_register};

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
    ("ret", "`exit` returns r0"),
    ("jmp", "`goto l` (pseudo-C) or `ja l` (GNU) jumps"),
    ("jz", "`if r1 == 0 goto l` (pseudo-C) or `jeq %r1,0,l` (GNU) does that"),
    ("jnz", "`if r1 != 0 goto l` (pseudo-C) or `jne %r1,0,l` (GNU) does that"),
    ("push", "the stack is memory below r10: `*(u64 *)(r10 - 8) = r1` or `stxdw [%r10-8],%r1`"),
    ("pop", "the stack is memory below r10: `r1 = *(u64 *)(r10 - 8)` or `ldxdw %r1,[%r10-8]`"),
];

/// At most so many instructions are proposed for an unknown one.
const PROPOSALS: usize = 4;

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
        .help(format!("write `{}{name}{}`", if *percent { "%" } else { "" }, reg.number()));
    }
    if failure.at == 0 {
        return match word {
            Some(word) => {
                let error = Diagnostic::error(
                    &codes::UNKNOWN_INSTRUCTION,
                    format!("no instruction begins with {found}"),
                )
                .at(span, "unknown");
                match proposals(word) {
                    Some(help) => error.help(help),
                    None => error,
                }
            }
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

/// A conversion that does not exist: `(s64)r2`, `(u32)r2`, or `(s32)` of 32-bit registers. (Without this
/// the word would be taken for a symbol in parentheses.)
fn conversion(text: &str, tokens: &[Token]) -> Option<Diagnostic> {
    let at = tokens.windows(4).position(|four| {
        matches!(four[0].tok, Tok::Sign(Sign::Open))
            && matches!(four[1].tok, Tok::Word(_))
            && matches!(four[2].tok, Tok::Sign(Sign::Close))
            && matches!(four[3].tok, Tok::Register { .. })
    })?;
    // `*(s64 *)` has a sign more between them; `r1 = (s32)r2` did not come here, being right.
    let name = &text[tokens[at + 1].span()];
    if matches!(name, "s8" | "s16") {
        return None;
    }
    Some(
        Diagnostic::error(
            &codes::NOT_AN_INSTRUCTION,
            format!("there is no conversion `({name})` here"),
        )
        .at(tokens[at].start as usize..tokens[at + 2].end as usize, "")
        .help("there are `(s8)` and `(s16)`, and `(s32)` between 64-bit registers")
        .help("`w1 = w2` copies 32 bits and clears the others"),
    )
}

/// Instructions that are spelled nearly as an unknown word, in either dialect.
fn proposals(word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    // Ends that say a width elsewhere.
    let short = lower.trim_end_matches("64").trim_end_matches(['q', 'l']);
    if let Some(bits) = lower.strip_prefix("be").or(lower.strip_prefix("le"))
        && matches!(bits, "" | "16" | "32" | "64")
    {
        let bits = if bits.is_empty() { "16" } else { bits };
        let order = &lower[..2];
        return Some(format!(
            "write `r1 = {order}{bits} r1` (pseudo-C) or `end{order} %r1,{bits}` (GNU)"
        ));
    }
    let grammar = Grammar::get();
    let roots = [Dialect::C, Dialect::Gnu].map(|dialect| grammar.tree(dialect).node(Tree::ROOT));
    let mut near: Vec<(usize, &str)> = roots
        .iter()
        .flat_map(|root| &root.literals)
        .map(|(literal, _)| grammar.text(*literal))
        .filter(|name| name.len() > 1 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .filter_map(|name| {
            let distance = if name == short { 0 } else { edits(&lower, name) };
            // Of a short word one letter is much.
            (distance <= lower.len().max(name.len()) / 3).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    let least = near.first()?.0;
    near.retain(|(distance, _)| *distance == least);
    near.truncate(PROPOSALS);
    let names: Vec<String> = near.iter().map(|(_, name)| format!("`{name}`")).collect();
    Some(format!(
        "{} {}",
        if names.len() == 1 { "there is" } else { "there are" },
        names.join(", ")
    ))
}

/// The message for what is no token.
pub(crate) fn bad_token(text: &str, token: Token, fault: Fault) -> Diagnostic {
    let character = text[token.span()].chars().next();
    let (message, help) = match (fault, character) {
        (Fault::Nothing, Some(char::REPLACEMENT_CHARACTER)) => {
            ("here are bytes that are not UTF-8".to_owned(), None)
        }
        (Fault::Nothing, Some(character)) if !character.is_ascii_graphic() => (
            format!("the character U+{:04X} begins nothing", u32::from(character)),
            (!character.is_control()).then_some("it may look like another one"),
        ),
        _ => (fault.why().to_owned(), None),
    };
    let error = Diagnostic::error(&codes::BAD_TOKEN, message).at(token.span(), "");
    match help {
        Some(help) => error.help(help),
        None => error,
    }
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
    let letter = if lower.starts_with('w') { 'w' } else { 'r' };
    error.note(format!("the registers are {percent}{letter}0 to {percent}{letter}10"))
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
    // Of operators the short ones are meant most often.
    all.sort_by_key(|text| {
        let sign = text.trim_matches('`').trim_start_matches('s');
        if sign.bytes().all(|byte| byte.is_ascii_punctuation()) { text.len() } else { 0 }
    });
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
