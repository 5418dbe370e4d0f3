//! Definitions and the words after them. Names are not looked up here.

use std::collections::HashSet;

use abide_diag::{Diagnostic, Span, nearest, printable};

use super::ast::{Field, Item, ItemKind, Name, Struct, TypeUse, Words};
use super::cursor::{Cursor, Parsed};
use super::lexer::Kind;
use super::types::DEPTH_LIMIT;
use crate::codes;
use crate::model::{Ability, Caller, EnumType, FieldRole, Group, Window};

/// The words that start a definition.
pub(crate) const ITEMS: &[&str] = &[
    "compat", "enum", "extend", "helper", "isa", "kfunc", "map", "program", "struct", "typedef",
    "union", "verifier",
];

const CALL_WORDS: &[&str] = &[
    "acquire",
    "release",
    "nullable",
    "sleepable",
    "trusted",
    "rcu",
    "destructive",
    "gpl",
    "changes_packet",
    "no_packet",
    "pure",
    "noreturn",
    "for",
    "since",
    "retain",
    "changed",
    "no_compat",
];
const RIGHTS_WORDS: &[&str] = &["for", "since"];
const PROGRAM_WORDS: &[&str] =
    &["section", "returns", "verdicts", "sleepable", "since", "retain", "changed"];
const TYPE_WORDS: &[&str] = &["since", "retain", "changed"];
const STRUCT_WORDS: &[&str] = &["ops", "since", "retain", "changed"];
const ENUM_WORDS: &[&str] = &["unnamed", "since", "retain", "changed"];

const YEARS_LIMIT: u64 = 1000;

impl Cursor {
    /// One definition; a `map` statement makes several. The next token is one of [`ITEMS`], but not
    /// `compat`.
    pub(crate) fn item(&mut self, feature: Option<u32>) -> Parsed<Vec<Item>> {
        let doc = self.doc();
        let start = self.span();
        let mut uses = Vec::new();
        let word = self.word().unwrap_or_default().to_owned();
        let (names, kind, words) = match word.as_str() {
            "helper" => {
                self.bump();
                let (number, span) = self.number()?;
                let Ok(number) = u32::try_from(number) else {
                    let message = "a helper number has 32 bits";
                    return Err(self.error(&codes::A_BAD_NUMBER, message, span));
                };
                let (name, prototype) = self.prototype(&mut uses)?;
                (vec![name], ItemKind::Helper { number, prototype }, CALL_WORDS)
            }
            "kfunc" => {
                self.bump();
                let (name, prototype) = self.prototype(&mut uses)?;
                (vec![name], ItemKind::Kfunc { prototype }, CALL_WORDS)
            }
            "program" => {
                self.bump();
                let name = self.name("the name of the program type")?;
                let list = self.span();
                let (params, variadic) = self.params(&mut uses)?;
                let params_span = self.since(&list);
                if variadic {
                    let message = "a program has no variable arguments";
                    return Err(self.error(&codes::A_BAD_TYPE, message, params_span));
                }
                (vec![name], ItemKind::Program { params, params_span }, PROGRAM_WORDS)
            }
            "map" => {
                self.bump();
                (self.names("the name of a map type")?, ItemKind::Map, TYPE_WORDS)
            }
            "isa" | "verifier" => {
                self.bump();
                let ability = if word == "isa" { Ability::Isa } else { Ability::Verifier };
                (
                    self.names("the name of what the host can do")?,
                    ItemKind::Ability(ability),
                    TYPE_WORDS,
                )
            }
            "typedef" => {
                self.bump();
                let base = self.base_type()?;
                let declared = self.declarator(base)?;
                let Some(name) = declared.name else {
                    return Err(self.expected("the name of the typedef"));
                };
                uses.push(TypeUse { ty: declared.ty.clone(), span: name.span.clone() });
                (vec![name], ItemKind::Typedef(declared.ty), TYPE_WORDS)
            }
            _ => {
                let extends = self.eat_word("extend");
                match self.word().unwrap_or_default() {
                    "struct" | "union" => {
                        let (name, body) = self.structure(extends, &mut uses)?;
                        let words = match extends || body.opaque || body.is_union {
                            true => TYPE_WORDS,
                            false => STRUCT_WORDS,
                        };
                        (vec![name], ItemKind::Struct(body), words)
                    }
                    "enum" => {
                        let (name, kind) = self.enumeration(extends)?;
                        // What is extended says it.
                        (vec![name], kind, if extends { TYPE_WORDS } else { ENUM_WORDS })
                    }
                    "helper" | "kfunc" if extends => {
                        self.bump();
                        let name = self.name("the name of a helper or kfunc")?;
                        if self.word() != Some("for") {
                            return Err(self.expected("`for` and program types"));
                        }
                        (vec![name], ItemKind::Rights, RIGHTS_WORDS)
                    }
                    _ if extends => {
                        return Err(self.expected("`struct`, `union`, `enum`, `helper` or `kfunc`"));
                    }
                    _ => return Err(self.expected("`struct`, `union` or `enum`")),
                }
            }
        };
        let words = self.words(words)?;
        self.semicolon()?;
        let span = self.since(&start);
        let mut items = Vec::new();
        if let ItemKind::Map | ItemKind::Ability(_) = kind {
            for name in names {
                let kind = match kind {
                    ItemKind::Ability(ability) => ItemKind::Ability(ability),
                    _ => ItemKind::Map,
                };
                let words = Words {
                    changed: words.changed.clone(),
                    retain: words.retain.clone(),
                    since: words.since.clone(),
                    ..Words::default()
                };
                let (uses, span) = (Vec::new(), name.span.clone());
                let doc = doc.clone();
                items.push(Item { name, feature, kind, words, uses, doc, span });
            }
        } else if let Some(name) = names.into_iter().next() {
            items.push(Item { name, feature, kind, words, uses, doc, span });
        }
        Ok(items)
    }

    /// `a, b, c`
    pub(crate) fn names(&mut self, what: &str) -> Parsed<Vec<Name>> {
        let mut names = vec![self.name(what)?];
        while self.eat_mark(',') {
            names.push(self.name(what)?);
        }
        Ok(names)
    }

    /// `xdp, lsm["lsm_cgroup", "lsm/file_open"]`
    fn callers(&mut self) -> Parsed<Vec<Caller>> {
        let mut callers: Vec<Caller> = Vec::new();
        loop {
            let name = self.name("the name of a program type")?;
            if callers.iter().any(|known| known.program == name.text) {
                let message = format!("`{}` stands here twice", name.text);
                self.error(&codes::A_REPEATED, message, name.span);
            }
            let mut sections = Vec::new();
            if self.eat_mark('[') {
                sections = self.sections()?;
                self.expect_mark(']')?;
            }
            callers.push(Caller { program: name.text, sections });
            if !self.eat_mark(',') {
                return Ok(callers);
            }
        }
    }

    /// `"kprobe", "kprobe.multi"`
    fn sections(&mut self) -> Parsed<Vec<String>> {
        let mut sections = Vec::new();
        loop {
            let (name, at) = self.string("the name of a section, as a string")?;
            if name.is_empty() || sections.contains(&name) {
                let what = if name.is_empty() { "empty" } else { "given twice" };
                let message = format!("this section name is {what}");
                self.error(&codes::A_REPEATED, message, at);
            }
            sections.push(name);
            if !self.eat_mark(',') {
                return Ok(sections);
            }
        }
    }

    fn structure(&mut self, extends: bool, uses: &mut Vec<TypeUse>) -> Parsed<(Name, Struct)> {
        let is_union = self.bump().kind == Kind::Word("union".to_owned());
        let what = if is_union { "union" } else { "struct" };
        let name = self.name(&format!("the name of the {what}"))?;
        let mut body = Struct {
            is_union,
            extends,
            opaque: !extends && self.at_mark(';'),
            fields: Vec::new(),
            groups: Vec::new(),
        };
        if !body.opaque {
            let open = self.expect_mark('{')?;
            self.fields(&mut body, uses, 0)?;
            self.close(&open, &format!("this {what}"))?;
            if body.fields.is_empty() {
                self.report(
                    Diagnostic::error(&codes::A_EMPTY, format!("this {what} has no fields"))
                        .at(name.span.clone(), "")
                        .help(format!(
                            "write `{what} {};` for one without a known body",
                            name.text
                        )),
                );
            }
        }
        Ok((name, body))
    }

    fn fields(&mut self, body: &mut Struct, uses: &mut Vec<TypeUse>, depth: usize) -> Parsed<()> {
        if depth > DEPTH_LIMIT {
            return Err(self.too_deep());
        }
        while !self.at_mark('}') && !self.done() {
            let group = matches!(self.word(), Some("struct" | "union"))
                && self.peek_second().kind == Kind::Mark('{');
            if !group {
                self.field(body, uses)?;
                continue;
            }
            let is_union = self.bump().kind == Kind::Word("union".to_owned());
            let open = self.expect_mark('{')?;
            let (first, at) = (body.fields.len() as u32, body.groups.len());
            body.groups.push(Group { is_union, fields: first..first });
            self.fields(body, uses, depth + 1)?;
            self.close(&open, "this group of fields")?;
            if self.word().is_some() {
                let span = self.span();
                return Err(self.report(
                    Diagnostic::error(&codes::A_BAD_TYPE, "a struct inside a struct has no name")
                        .at(span, "")
                        .help("declare `struct NAME { … };` before, and a field of that type"),
                ));
            }
            let end = body.fields.len() as u32;
            body.groups[at].fields = first..end;
            if first == end {
                self.error(&codes::A_EMPTY, "this group has no fields", open);
                body.groups.truncate(at);
            }
            self.semicolon()?;
        }
        Ok(())
    }

    fn field(&mut self, body: &mut Struct, uses: &mut Vec<TypeUse>) -> Parsed<()> {
        let doc = self.doc();
        let start = self.span();
        let role = match self.word() {
            Some("packet") => FieldRole::Packet,
            Some("packet_end") => FieldRole::PacketEnd,
            Some("packet_meta") => FieldRole::PacketMeta,
            _ => FieldRole::Plain,
        };
        if role != FieldRole::Plain {
            self.bump();
        }
        let base = self.base_type()?;
        loop {
            let declared = self.declarator(base.clone())?;
            let Some(name) = declared.name else {
                return Err(self.expected("the name of the field"));
            };
            if self.at_mark(':') {
                let span = self.span();
                return Err(self.report(
                    Diagnostic::error(&codes::A_BITFIELD, "bit-fields are not understood")
                        .at(span, "")
                        .help("declare the whole integer, and its bits in an enum"),
                ));
            }
            uses.push(TypeUse { ty: declared.ty.clone(), span: self.since(&start) });
            let writable = self.eat_word("writable");
            body.fields.push(Field { name, ty: declared.ty, role, writable, doc: doc.clone() });
            if !self.eat_mark(',') {
                break;
            }
        }
        self.semicolon()
    }

    fn enumeration(&mut self, extends: bool) -> Parsed<(Name, ItemKind)> {
        self.bump();
        let name = self.name("the name of the enum")?;
        let open = self.expect_mark('{')?;
        let mut values: Vec<(String, i64)> = Vec::new();
        let mut spans = Vec::new();
        while self.word().is_some() {
            let constant = self.name("a constant")?;
            let value = if self.eat_mark('=') {
                self.constant(&values, 0)?
            } else if extends && values.is_empty() {
                return Err(self.report(
                    Diagnostic::error(&codes::A_EXPECTED, "the first new constant needs a value")
                        .at(constant.span, "")
                        .help("write `= VALUE`: what it follows stands elsewhere"),
                ));
            } else {
                match values.last().map_or(Some(0), |(_, last)| last.checked_add(1)) {
                    Some(value) => value,
                    None => {
                        let message = "the value after the last one does not fit in 64 bits";
                        return Err(self.error(&codes::A_BAD_NUMBER, message, constant.span));
                    }
                }
            };
            values.push((constant.text, value));
            spans.push(constant.span);
            if !self.eat_mark(',') {
                break;
            }
        }
        self.close(&open, "this enum")?;
        if values.is_empty() {
            self.error(&codes::A_EMPTY, "this enum has no constants", name.span.clone());
        }
        let values = EnumType { values, inherited: None, unnamed: false };
        Ok((name, ItemKind::Enum { extends, values, spans }))
    }

    /// `-1`, `1 << 4`, `(X + 1)`, where X is an earlier constant of the same enum.
    fn constant(&mut self, known: &[(String, i64)], depth: usize) -> Parsed<i64> {
        let start = self.span();
        let mut value = self.constant_term(known, depth)?;
        loop {
            let operator = self.peek().kind.clone();
            if !matches!(operator, Kind::Shift | Kind::Mark('+' | '-')) {
                return Ok(value);
            }
            self.bump();
            let right = self.constant_term(known, depth)?;
            let result = match operator {
                Kind::Shift if (0..64).contains(&right) => {
                    i64::try_from(i128::from(value) << right).ok()
                }
                Kind::Shift => None,
                Kind::Mark('+') => value.checked_add(right),
                _ => value.checked_sub(right),
            };
            let Some(result) = result else {
                let span = self.since(&start);
                let message = "this value does not fit in 64 bits with a sign";
                return Err(self.error(&codes::A_BAD_NUMBER, message, span));
            };
            value = result;
        }
    }

    fn constant_term(&mut self, known: &[(String, i64)], depth: usize) -> Parsed<i64> {
        if depth > DEPTH_LIMIT {
            return Err(self.too_deep());
        }
        if self.eat_mark('(') {
            let value = self.constant(known, depth + 1)?;
            self.expect_mark(')')?;
            return Ok(value);
        }
        if let Some(word) = self.word() {
            let found = known.iter().find(|(name, _)| name == word).map(|(_, value)| *value);
            return match found {
                Some(value) => {
                    self.bump();
                    Ok(value)
                }
                None => Err(self.expected("a number or an earlier constant of this enum")),
            };
        }
        Ok(self.signed()?.0)
    }

    /// The words up to the semicolon.
    fn words(&mut self, allowed: &[&str]) -> Parsed<Words> {
        let mut words = Words::default();
        let mut seen: HashSet<String> = HashSet::new();
        while let Some(word) = self.word().map(str::to_owned) {
            // A statement that starts a line here means that a semicolon is missing before it.
            let label = matches!(self.peek_at(1), Kind::Mark(':'))
                || (word == "feature" && matches!(self.peek_at(2), Kind::Mark(':')));
            if self.peek().first && (label || ITEMS.contains(&word.as_str())) {
                break;
            }
            if !allowed.contains(&word.as_str()) {
                self.unknown_word(&word, allowed);
                continue;
            }
            let span = self.bump().span;
            if !seen.insert(word.clone()) {
                self.error(&codes::A_REPEATED, format!("`{word}` stands here twice"), span.clone());
            }
            self.one_word(&word, &span, &mut words)?;
        }
        Ok(words)
    }

    fn unknown_word(&mut self, word: &str, allowed: &[&str]) {
        let span = self.bump().span;
        let mut error = Diagnostic::error(
            &codes::A_UNKNOWN_WORD,
            format!("`{}` is not a word of this statement", printable(word)),
        )
        .at(span, "");
        error = match nearest(word, allowed.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help(format!("known: {}", allowed.join(", "))),
        };
        self.report(error);
        while matches!(self.peek().kind, Kind::Text(_) | Kind::Number(_) | Kind::Mark(',')) {
            self.bump();
        }
    }

    fn one_word(&mut self, word: &str, span: &Span, words: &mut Words) -> Parsed<()> {
        let contract = &mut words.contract;
        match word {
            "acquire" => contract.acquire = true,
            "release" => contract.release = true,
            "nullable" => contract.nullable = true,
            "sleepable" => contract.sleepable = true,
            "trusted" => contract.trusted = true,
            "rcu" => contract.rcu = true,
            "destructive" => contract.destructive = true,
            "gpl" => contract.gpl = true,
            "changes_packet" => contract.changes_packet = true,
            "no_packet" => contract.no_packet = true,
            "pure" => contract.pure = true,
            "noreturn" => contract.noreturn = true,
            "unnamed" => words.unnamed = true,
            "ops" => words.ops = Some(self.name("the name of a program type")?),
            "for" => words.callers = self.callers()?,
            "since" => {
                let low = self.node_name()?;
                if self.peek().kind != Kind::Range {
                    return Err(self.expected("`..` and the node that has it for certain"));
                }
                self.bump();
                words.since = Some((low, self.node_name()?));
            }
            "retain" => {
                let window = self.window()?;
                words.retain = Some((window, self.since(span)));
            }
            "changed" => words.changed = Some(self.string("a string that says what changed")?),
            "no_compat" => {
                words.no_compat = Some(self.string("a string that says why there is none")?);
            }
            "section" => words.sections = self.sections()?,
            "returns" => {
                let (low, at) = self.signed()?;
                let high = match self.peek().kind {
                    Kind::Range => {
                        self.bump();
                        self.signed()?.0
                    }
                    _ => low,
                };
                if low > high {
                    let span = self.since(&at);
                    let message = format!("no value is between {low} and {high}");
                    self.error(&codes::A_BAD_NUMBER, message, span);
                }
                words.returns = Some((low, high));
            }
            "verdicts" => words.verdicts = Some(self.name("the name of an enum")?),
            other => unreachable!("{other} is in no list of words"),
        }
        Ok(())
    }

    /// `forever`, `4 nodes`, `1 year 6 months`
    pub(crate) fn window(&mut self) -> Parsed<Window> {
        if self.eat_word("forever") {
            return Ok(Window::Forever);
        }
        let start = self.span();
        let (mut years, mut months, mut days) = (None, None, None);
        while matches!(self.peek().kind, Kind::Number(_)) {
            let (count, span) = self.number()?;
            let unit = self.word().unwrap_or_default().to_owned();
            let (slot, limit) = match unit.as_str() {
                "year" | "years" => (&mut years, YEARS_LIMIT),
                "month" | "months" => (&mut months, YEARS_LIMIT * 12),
                "day" | "days" => (&mut days, u64::from(u16::MAX)),
                "node" | "nodes" => {
                    let count = u16::try_from(count).ok().filter(|count| *count > 0);
                    self.bump();
                    let whole = self.since(&start);
                    return match count {
                        Some(count) if span == start => Ok(Window::Nodes(count)),
                        Some(_) => Err(self.bad_window(
                            "a window is either a span of time or a number of nodes",
                            whole,
                        )),
                        None => {
                            Err(self.bad_window("the number of nodes is from 1 to 65535", whole))
                        }
                    };
                }
                _ => return Err(self.expected("`years`, `months`, `days` or `nodes`")),
            };
            let twice = slot.is_some();
            *slot = u16::try_from(count).ok().filter(|_| count <= limit);
            let fits = slot.is_some();
            self.bump();
            let span = self.since(&span);
            if twice {
                return Err(self.bad_window("a window names each unit once", span));
            }
            if !fits {
                let message = format!("{count} {unit} are longer than any window may be");
                return Err(self.bad_window(&message, span));
            }
        }
        if (years, months, days) == (None, None, None) {
            return Err(self.expected("a window, as `2 years`, `4 nodes` or `forever`"));
        }
        Ok(Window::Span {
            years: years.unwrap_or(0),
            months: months.unwrap_or(0),
            days: days.unwrap_or(0),
        })
    }

    fn bad_window(&mut self, message: &str, span: Span) -> super::cursor::Reported {
        self.report(
            Diagnostic::error(&codes::A_BAD_WINDOW, message)
                .at(span, "")
                .help("write `2 years`, `1 year 6 months`, `4 nodes`, or `forever`"),
        )
    }
}
