//! Where statements come from: files, and what macros and repetitions expand to.

use std::borrow::Cow;
use std::collections::HashMap;

use abide_diag::{Diagnostic, Source, Span, printable};

use crate::codes;
use crate::lexer::Lexer;
use crate::object::Message;
use crate::object::budget::Budget;
use crate::object::gcc::{settle, written_at};
use crate::object::unit::Unit;
use crate::token::{in_word, word_length};

/// How deep expansions and included files may be nested.
const DEPTH: usize = 100;

/// Of so many expansions in each other it is told what they are.
const SHOWN: usize = 4;

/// So many characters of what they are.
const LINE: usize = 100;

/// A text that is or was read.
pub(super) struct Text {
    pub(super) source: Source,
    /// What it stands for: a place in another text.
    pub(super) parent: Option<(u32, Span)>,
    /// Whether it is made by a macro or repetition, and stands in no file.
    pub(super) expansion: bool,
}

/// A text that is being read.
pub(super) struct Frame {
    pub(super) text: u32,
    pub(super) at: usize,
    /// How many `.if` were open when it began.
    pub(super) conditions: usize,
}

/// A macro.
pub(super) struct Macro {
    pub(super) parameters: Parameters,
    pub(super) body: String,
}

/// What a macro takes, in order.
#[derive(Default)]
pub(crate) struct Parameters {
    list: Vec<Parameter>,
    by_name: HashMap<String, usize>,
}

struct Parameter {
    name: String,
    default: String,
    required: bool,
    /// Takes all that remains, with its commas.
    rest: bool,
}

impl Parameters {
    /// The one of a repetition.
    pub(super) fn one(name: &str) -> Parameters {
        let mut one = Parameters::default();
        let (name, default) = (name.to_owned(), String::new());
        one.add(Parameter { name, default, required: false, rest: false });
        one
    }

    /// Adds one; false if there is one of that name.
    fn add(&mut self, parameter: Parameter) -> bool {
        let is_new = self.by_name.insert(parameter.name.clone(), self.list.len()).is_none();
        self.list.push(parameter);
        is_new
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|parameter| &*parameter.name)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Which one is called that.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

/// The end of the raw statement at `at`, and the start of the next one.
pub(super) fn raw(text: &[u8], at: usize) -> (usize, usize) {
    let mut at = at;
    let line = |at: usize| {
        text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |by| at + by)
    };
    loop {
        match &text[at.min(text.len())..] {
            [] => return (at, at),
            [b'\n' | b'`' | b';', ..] => return (at, at + 1),
            [b'#', ..] | [b'/', b'/', ..] => {
                let end = line(at);
                return (at, (end + 1).min(text.len()));
            }
            [b'/', b'*', inside @ ..] => match inside.windows(2).position(|two| two == b"*/") {
                Some(by) => at += by + 4,
                None => return (at, text.len()),
            },
            rest @ [b'"', ..] => at += crate::token::string(rest).1,
            [b'\'', b'\\', _, b'\'', ..] => at += 4,
            [b'\'', _, b'\'', ..] => at += 3,
            _ => at += 1,
        }
    }
}

/// The first word of a raw statement, after labels.
pub(super) fn first_word(statement: &str) -> &str {
    let mut rest = statement.trim_start();
    loop {
        let length = word_length(rest.as_bytes());
        match rest.as_bytes().get(length) {
            Some(b':') if length > 0 => rest = rest[length + 1..].trim_start(),
            _ => return &rest[..length],
        }
    }
}

/// The beginning of a line that is long.
fn shortened(line: &str) -> Cow<'_, str> {
    match line.char_indices().nth(LINE) {
        Some((end, _)) => format!("{}…", &line[..end]).into(),
        None => line.into(),
    }
}

/// A message as it is shown: what is wrong in an expansion is shown where that was asked for.
pub(super) fn locate(texts: &[Text], text: u32, mut diagnostic: Diagnostic) -> Message {
    let mut text = &texts[text as usize];
    let mut expansions = 0;
    while let (true, Some((parent, span))) = (text.expansion, &text.parent) {
        if let Some(label) = &mut diagnostic.primary {
            let all = &*text.source.text;
            let start = all[..label.span.start].rfind('\n').map_or(0, |at| at + 1);
            let end =
                all[label.span.start..].find('\n').map_or(all.len(), |by| label.span.start + by);
            if expansions < SHOWN {
                let line = shortened(all[start..end].trim());
                diagnostic.notes.push(format!("in its expansion: `{line}`"));
            }
            label.span = span.clone();
            expansions += 1;
        }
        diagnostic.secondary.clear();
        text = &texts[*parent as usize];
    }
    if expansions > SHOWN {
        diagnostic.notes.push(format!("in {} more expansions of each other", expansions - SHOWN));
    }
    let at = diagnostic.primary.as_ref().map(|label| label.span.start);
    if let Some((file, line)) = at.and_then(|at| written_at(&text.source.text, at)) {
        diagnostic.notes.push(format!("this is inline assembly of {}:{line}", printable(file)));
    }
    if at.is_some_and(|at| text.source.text[..at].trim_end().ends_with(';'))
        && diagnostic.code.id == codes::UNKNOWN_INSTRUCTION.id
    {
        diagnostic.helps.push("if `;` begins a comment here, say `--semicolon=comment`".to_owned());
    }
    Message { diagnostic, source: text.source.clone() }
}

impl Unit<'_> {
    /// Continues with another text, and then here.
    pub(super) fn enter(&mut self, source: Source, span: Span, expansion: bool) {
        if !self.budget.expand(source.text.len()) {
            return self.spend(span);
        }
        if self.frames.len() > DEPTH {
            let why = "this expands to too much: macros and included files may be nested 100 deep";
            self.error(Diagnostic::error(&codes::TOO_LARGE, why).at(span, ""));
            return;
        }
        self.texts.push(Text { source, parent: Some((self.current, span)), expansion });
        let text = (self.texts.len() - 1) as u32;
        self.frames.push(Frame { text, at: 0, conditions: self.conditions.len() });
    }

    /// There is no more that a text may expand to.
    fn spend(&mut self, span: Span) {
        self.budget.spend();
        self.error(Diagnostic::error(&codes::TOO_LARGE, Budget::SPENT).at(span, ""));
    }

    /// The text is at its end.
    pub(super) fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        while self.conditions.len() > frame.conditions {
            if let Some(conditional) = self.conditions.pop() {
                let error = Diagnostic::error(&codes::UNCLOSED, "this `.if` has no `.endif`");
                self.error_at(conditional.origin, error, "begins here");
            }
        }
    }

    /// Expands the macro that a word names, if it does.
    pub(super) fn expand(&mut self, text: &str, name: Span, lexer: &mut Lexer<'_>) -> bool {
        let Some(made) = self.macros.get(&text[name.clone()]).cloned() else { return false };
        let (end, next) = raw(text.as_bytes(), name.end);
        lexer.at = next;
        let span = name.start..end;
        // Each of them has a value, whatever the use of the macro says.
        if !self.budget.expand(made.parameters.len()) {
            self.spend(span);
            return true;
        }
        match arguments(&made.parameters, text[name.end..end].trim()) {
            Ok(values) => {
                self.expansions += 1;
                let count = self.expansions.to_string();
                let (mut body, most) = (String::new(), self.budget.text());
                if substitute(&mut body, &made.body, &made.parameters, &values, &count, most) {
                    self.enter(Source::new("macro", body), span, true);
                } else {
                    self.spend(span);
                }
            }
            Err(why) => {
                self.error(
                    Diagnostic::error(&codes::MACRO, why).at(span, "in this use of a macro"),
                );
            }
        }
        true
    }

    pub(super) fn include(&mut self, name: &str, span: Span) {
        let loaded = match self.options.loader {
            Some(loader) => loader(name),
            None => Err("no files can be included here".to_owned()),
        };
        match loaded {
            Ok(source) => self.enter(settle(&source, self.options.semicolon), span, false),
            Err(why) => self.error(
                Diagnostic::error(&codes::INCLUDE, format!("`{name}` cannot be included: {why}"))
                    .at(span, ""),
            ),
        }
    }
}

/// A text without its `/* */`, outside of quotes.
pub(super) fn uncommented(text: &str) -> Cow<'_, str> {
    if !text.contains("/*") {
        return Cow::Borrowed(text);
    }
    let (mut out, mut rest, mut quoted) = (String::with_capacity(text.len()), text, false);
    while let Some(start) = rest.find("/*") {
        quoted ^= rest[..start].bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
        out.push_str(&rest[..start]);
        let comment = &rest[start..];
        match comment[2..].find("*/") {
            Some(length) if !quoted => {
                out.push(' ');
                rest = &comment[length + 4..];
            }
            Some(_) => {
                out.push_str("/*");
                rest = &comment[2..];
            }
            None => {
                rest = comment;
                break;
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Parses `a, b=1, c:req, d:vararg`.
pub(crate) fn parameters(text: &str) -> Result<Parameters, String> {
    let text = uncommented(text);
    let mut out = Parameters::default();
    let separator = |c: char| c == ',' || c.is_whitespace();
    for piece in text.split(separator).filter(|piece| !piece.is_empty()) {
        let (head, default) = piece.split_once('=').unwrap_or((piece, ""));
        let (name, qualifier) = head.split_once(':').unwrap_or((head, ""));
        if name.is_empty() || word_length(name.as_bytes()) != name.len() {
            return Err(format!("`{name}` is no name for a parameter"));
        }
        if !matches!(qualifier, "" | "req" | "vararg") {
            return Err(format!("`{qualifier}` is neither `req` nor `vararg`"));
        }
        let parameter = Parameter {
            name: name.to_owned(),
            default: default.to_owned(),
            required: qualifier == "req",
            rest: qualifier == "vararg",
        };
        if !out.add(parameter) {
            return Err(format!("two parameters are called `{name}`"));
        }
    }
    Ok(out)
}

/// Splits at commas outside of quotes and parentheses.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let (mut out, mut start, mut depth, mut quoted) = (Vec::new(), 0, 0usize, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'(' | b'[' if !quoted => depth += 1,
            b')' | b']' if !quoted => depth = depth.saturating_sub(1),
            b',' if depth == 0 && !quoted => {
                out.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    if !(out.is_empty() && text[start..].trim().is_empty()) {
        out.push(text[start..].trim());
    }
    out
}

/// What the parameters are in one use of a macro.
pub(crate) fn arguments(parameters: &Parameters, text: &str) -> Result<Vec<String>, String> {
    let mut values: Vec<Option<String>> = vec![None; parameters.len()];
    let text = uncommented(text);
    let text = text.trim();
    let mut pieces = split(text);
    if pieces.len() == 1 && parameters.len() > 1 {
        pieces = text.split_whitespace().collect();
    }
    let mut next = 0;
    let mut at = 0;
    while at < pieces.len() {
        let piece = pieces[at];
        let named = piece
            .split_once('=')
            .and_then(|(name, value)| Some((parameters.find(name.trim())?, value.trim())));
        let (which, value) = named.unwrap_or((next, piece));
        let Some(parameter) = parameters.list.get(which) else {
            let takes = match parameters.len() {
                0 => "no arguments, and there are some".to_owned(),
                1 => "1 argument, and there are more".to_owned(),
                count => format!("{count} arguments, and there are more"),
            };
            return Err(format!("it takes {takes}"));
        };
        if parameter.rest {
            values[which] = Some(pieces[at..].join(", "));
            break;
        }
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
        values[which] = Some(value.to_owned());
        if named.is_none() {
            next += 1;
        }
        at += 1;
    }
    parameters
        .list
        .iter()
        .zip(values)
        .map(|(parameter, value)| match value.filter(|value| !value.is_empty()) {
            Some(value) => Ok(value),
            None if parameter.required => {
                Err(format!("the argument `{}` is missing", parameter.name))
            }
            None => Ok(parameter.default.clone()),
        })
        .collect()
}

/// Adds a body with `\name`, `\@` and `\()` replaced; false if that makes more than `most` bytes, and
/// is not done to its end then.
pub(super) fn substitute(
    out: &mut String,
    body: &str,
    parameters: &Parameters,
    values: &[String],
    count: &str,
    most: usize,
) -> bool {
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        if out.len() > most {
            return false;
        }
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix("()") {
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix('@') {
            out.push_str(count);
            rest = after;
            continue;
        }
        // A name ends before a `.`: `\size\().x` and `\reg.x` are both written.
        let length = rest
            .bytes()
            .position(|byte| !in_word(byte) || matches!(byte, b'.' | b'@'))
            .unwrap_or(rest.len());
        match parameters.find(&rest[..length]) {
            Some(which) => {
                out.push_str(&values[which]);
                rest = &rest[length..];
            }
            None => out.push('\\'),
        }
    }
    out.push_str(rest);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.len() <= most
}
