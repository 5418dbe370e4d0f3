//! The file: its head, nodes with their sections, hosts. Names are not looked up here.

use abide_diag::{Diagnostic, nearest, printable};
use jiff::civil::Date;

use super::ast::{Compat, Event, File, Host, Name, Node};
use super::cursor::{Cursor, Parsed};
use super::items::ITEMS;
use super::lexer::Kind;
use crate::codes;
use crate::model::EventKind;
use crate::query::Namespace;

const HEADS: &[&str] = &["api", "baseline", "host", "retain"];
const SECTIONS: &[&str] = &["default", "deprecated", "feature", "removed", "withdrawn"];

/// Where the statements of a node go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Definitions(Option<u32>),
    Deprecated,
    Removed,
    Withdrawn,
}

pub(crate) fn file(cursor: &mut Cursor) -> File {
    let mut file = File::default();
    if !cursor.at_word("api") {
        let span = cursor.span();
        cursor.report(
            Diagnostic::error(&codes::A_EXPECTED, "an API file starts with its name")
                .at(span, "before this")
                .help("write `api NAME;`"),
        );
    }
    while !cursor.done() {
        let before = cursor.span();
        if cursor.statement(&mut file).is_err() {
            if cursor.span() == before {
                cursor.bump();
            }
            cursor.skip_statement(0, HEADS);
            // A brace that closes nothing would stop it for ever.
            cursor.eat_mark('}');
        }
    }
    file
}

impl Cursor {
    fn statement(&mut self, file: &mut File) -> Parsed<()> {
        let doc = self.doc();
        let start = self.span();
        let word = self.word().unwrap_or_default().to_owned();
        match word.as_str() {
            "api" => {
                self.bump();
                let name = self.name("the name of the API")?;
                if file.api.is_some() {
                    self.twice("api", start);
                }
                file.api = Some(name);
                file.doc = doc;
                self.semicolon()
            }
            "retain" => {
                self.bump();
                let window = self.window()?;
                if file.retain.replace(window).is_some() {
                    self.twice("retain", start);
                }
                self.semicolon()
            }
            "baseline" => {
                self.bump();
                let node = self.node_name()?;
                if file.baseline.replace(node).is_some() {
                    self.twice("baseline", start);
                }
                self.semicolon()
            }
            "host" => {
                let host = self.host(doc)?;
                file.hosts.push(host);
                Ok(())
            }
            _ if self.peek_second().kind == Kind::Word("released".to_owned()) => {
                let node = self.api_node(doc)?;
                file.nodes.push(node);
                Ok(())
            }
            _ => {
                let found = self.peek().kind.describe();
                let mut error = Diagnostic::error(
                    &codes::A_UNKNOWN_STATEMENT,
                    format!("{found} starts no statement of an API file"),
                )
                .at(start, "");
                error = match nearest(&word, HEADS.iter().copied()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None if ITEMS.contains(&word.as_str()) => error.help(
                        "definitions stand inside a node: `NODE released 2026-11-20 { … };`",
                    ),
                    None => error.help(
                        "known: `api NAME;`, `retain WINDOW;`, `baseline NODE;`, \
                         `NODE released DATE { … } PARENT;`, `host NAME : NODE released DATE { … }`",
                    ),
                };
                Err(self.report(error))
            }
        }
    }

    fn twice(&mut self, word: &str, span: abide_diag::Span) {
        self.error(&codes::A_REPEATED, format!("`{word}` stands in the file twice"), span);
    }

    fn date(&mut self) -> Parsed<Date> {
        let Kind::Date(text) = self.peek().kind.clone() else {
            return Err(self.expected("a date as 2026-11-20"));
        };
        let span = self.bump().span;
        match text.parse::<Date>() {
            Ok(date) if text.len() == 10 => Ok(date),
            _ => {
                self.report(
                    Diagnostic::error(
                        &codes::A_BAD_DATE,
                        format!("there is no day {}", printable(&text)),
                    )
                    .at(span, "")
                    .help("write year, month and day as 2026-11-20"),
                );
                // The node is still a node: errors about its absence would only confuse.
                Ok(Date::ZERO)
            }
        }
    }

    fn api_node(&mut self, doc: Option<String>) -> Parsed<Node> {
        let name = self.node_name()?;
        self.expect_word("released")?;
        let released = self.date()?;
        let open = self.expect_mark('{')?;
        let mut node = Node {
            name,
            released,
            parent: None,
            features: Vec::new(),
            items: Vec::new(),
            events: Vec::new(),
            compats: Vec::new(),
            doc,
        };
        let mut section = Section::Definitions(None);
        let starts = [ITEMS, SECTIONS].concat();
        let depth = self.depth();
        while !self.at_mark('}') && !self.done() {
            let before = self.span();
            if self.in_node(&mut node, &mut section).is_err() {
                if self.span() == before {
                    self.bump();
                }
                self.skip_statement(depth, &starts);
            }
        }
        self.close(&open, "this node")?;
        for (index, feature) in node.features.iter().enumerate() {
            if !node.items.iter().any(|item| item.feature == Some(index as u32)) {
                let message = format!("the feature `{}` has no definitions", feature.text);
                self.errors.push(
                    Diagnostic::error(&codes::A_EMPTY, message)
                        .at(feature.span.clone(), "")
                        .help("put its definitions after the label, or take the label away"),
                );
            }
        }
        if self.word().is_some() && !self.peek().first {
            node.parent = Some(self.node_name()?);
        }
        self.semicolon()?;
        Ok(node)
    }

    fn in_node(&mut self, node: &mut Node, section: &mut Section) -> Parsed<()> {
        let Some(word) = self.word().map(str::to_owned) else {
            return Err(self.expected("a definition or a section label"));
        };
        if let Some(found) = self.label(&word, node)? {
            *section = found;
            return Ok(());
        }
        let Section::Definitions(feature) = *section else {
            let event = self.event(*section)?;
            node.events.push(event);
            return Ok(());
        };
        match word.as_str() {
            "compat" => {
                let compat = self.compat()?;
                node.compats.push(compat);
                Ok(())
            }
            word if ITEMS.contains(&word) => {
                let items = self.item(feature)?;
                node.items.extend(items);
                Ok(())
            }
            word => {
                let known = ITEMS.iter().chain(SECTIONS).copied();
                let mut error = Diagnostic::error(
                    &codes::A_UNKNOWN_STATEMENT,
                    format!("`{}` starts no statement of a node", printable(word)),
                )
                .at(self.span(), "");
                error = match nearest(word, known) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help(format!(
                        "known: {}; labels: feature NAME:, default:, deprecated:, removed:, withdrawn:",
                        ITEMS.join(", ")
                    )),
                };
                Err(self.report(error))
            }
        }
    }

    /// A section label, if that is what stands here.
    fn label(&mut self, word: &str, node: &mut Node) -> Parsed<Option<Section>> {
        let section = match word {
            "feature" => {
                self.bump();
                let name = self.name("the name of the feature")?;
                self.expect_mark(':')?;
                let known = node.features.iter().position(|known| known.text == name.text);
                let index = known.unwrap_or_else(|| {
                    node.features.push(name);
                    node.features.len() - 1
                });
                return Ok(Some(Section::Definitions(Some(index as u32))));
            }
            "default" => Section::Definitions(None),
            "deprecated" => Section::Deprecated,
            "removed" => Section::Removed,
            "withdrawn" => Section::Withdrawn,
            _ => return Ok(None),
        };
        if self.peek_second().kind != Kind::Mark(':') {
            return Ok(None);
        }
        self.bump();
        self.bump();
        Ok(Some(section))
    }

    fn event(&mut self, section: Section) -> Parsed<Event> {
        let word = self.word().unwrap_or_default().to_owned();
        let names = matches!(&self.peek_second().kind, Kind::Word(next) if next != "use" && next != "remove" && next != "early");
        let namespace = match word.as_str() {
            "program" => Some(Namespace::Program),
            "map" => Some(Namespace::Map),
            "isa" | "verifier" => Some(Namespace::Ability),
            "struct" | "union" | "enum" => Some(Namespace::Tag),
            "typedef" => Some(Namespace::Typedef),
            _ => None,
        };
        let starts = names || matches!(self.peek_second().kind, Kind::Number(_));
        if ITEMS.contains(&word.as_str()) && starts && (namespace.is_none() || self.defines()) {
            let span = self.span();
            return Err(self.report(
                Diagnostic::error(&codes::A_EXPECTED, "a definition cannot stand in this list")
                    .at(span, "")
                    .help("`default:` ends the list"),
            ));
        }
        let namespace = match namespace {
            Some(namespace) if names => {
                self.bump();
                namespace
            }
            _ => Namespace::Callable,
        };
        let name = self.name("a name")?;
        let mut instead = None;
        if section != Section::Withdrawn && self.eat_word("use") {
            instead = Some(self.name("the name of what to use")?.text);
        }
        let kind = match section {
            Section::Deprecated => {
                let mut remove = None;
                if self.eat_word("remove") {
                    remove = Some(self.node_name()?.text);
                }
                EventKind::Deprecated { instead, remove }
            }
            Section::Removed => {
                let early = match self.eat_word("early") {
                    true => Some(self.string("why there is no window, as a string")?.0),
                    false => None,
                };
                EventKind::Removed { instead, early }
            }
            _ => EventKind::Withdrawn { reason: self.string("the reason, as a string")?.0 },
        };
        self.semicolon()?;
        Ok(Event { name, namespace, kind })
    }

    /// Whether what follows `map NAME`, `struct NAME` … is that of a definition.
    fn defines(&self) -> bool {
        match self.peek_at(2) {
            Kind::Mark('{' | '(' | '*' | ',') => true,
            Kind::Word(word) => word != "use" && word != "remove" && word != "early",
            _ => false,
        }
    }

    fn compat(&mut self) -> Parsed<Compat> {
        self.bump();
        let name = self.name("the name of the old definition")?;
        self.expect_mark('@')?;
        let node = self.node_name()?;
        self.expect_mark('{')?;
        let Kind::Body(text) = self.peek().kind.clone() else {
            return Err(self.expected("the text of a compat body"));
        };
        let text_span = self.bump().span;
        self.expect_mark('}')?;
        // As after a function in C, no semicolon is needed.
        self.eat_mark(';');
        Ok(Compat { name, node, text, text_span })
    }

    fn host(&mut self, doc: Option<String>) -> Parsed<Host> {
        self.bump();
        let name = self.node_name()?;
        self.expect_mark(':')?;
        let node = self.node_name()?;
        self.expect_word("released")?;
        let released = self.date()?;
        let open = self.expect_mark('{')?;
        let mut host = Host {
            name,
            node,
            released,
            adds: Vec::new(),
            withdraws: Vec::new(),
            lacks: Vec::new(),
            numbers: Vec::new(),
            doc,
        };
        let depth = self.depth();
        while !self.at_mark('}') && !self.done() {
            let before = self.span();
            if self.in_host(&mut host).is_err() {
                if self.span() == before {
                    self.bump();
                }
                self.skip_statement(depth, &["adds", "withdraws", "lacks", "helper"]);
            }
        }
        self.close(&open, "this host")?;
        self.eat_mark(';');
        Ok(host)
    }

    fn in_host(&mut self, host: &mut Host) -> Parsed<()> {
        match self.word().unwrap_or_default() {
            "adds" => {
                self.bump();
                loop {
                    let label = self.backport()?;
                    host.adds.push(label);
                    if !self.eat_mark(',') {
                        break;
                    }
                }
            }
            "withdraws" => {
                self.bump();
                loop {
                    let name = self.name("a name")?;
                    let (reason, _) = self.string("the reason, as a string")?;
                    host.withdraws.push((name, reason));
                    if !self.eat_mark(',') {
                        break;
                    }
                }
            }
            "lacks" => {
                self.bump();
                let names = self.names("a name")?;
                let why = match self.peek().kind {
                    Kind::Text(_) => Some(self.string("why, as a string")?.0),
                    _ => None,
                };
                host.lacks.extend(names.into_iter().map(|name| (name, why.clone())));
            }
            "helper" => {
                self.bump();
                let (number, span) = self.number()?;
                let Ok(number) = u32::try_from(number) else {
                    let message = "a helper number has 32 bits";
                    return Err(self.error(&codes::A_BAD_NUMBER, message, span));
                };
                self.expect_mark('=')?;
                let name = self.name("the name of a helper")?;
                host.numbers.push((number, span, name));
            }
            word => {
                let known = ["adds", "withdraws", "lacks", "helper"];
                let mut error = Diagnostic::error(
                    &codes::A_UNKNOWN_STATEMENT,
                    format!("{} starts no statement of a host", self.peek().kind.describe()),
                )
                .at(self.span(), "");
                error = match nearest(word, known) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("known: adds, withdraws, lacks, helper"),
                };
                return Err(self.report(error));
            }
        }
        self.semicolon()
    }

    /// `KV_2/ttl`, `kv_find@KV_3`, `KV_2`
    fn backport(&mut self) -> Parsed<Name> {
        let start = self.span();
        let mut text = self.node_name()?.text;
        if self.eat_mark('/') {
            text = format!("{text}/{}", self.name("the name of a feature")?.text);
        } else if self.eat_mark('@') {
            text = format!("{text}@{}", self.node_name()?.text);
        }
        Ok(Name { text, span: self.since(&start) })
    }
}
