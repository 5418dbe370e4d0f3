//! An API as canonical text: reading it back gives the same API, printing that the same text.
//!
//! Comments are lost, documentation is kept. Definitions come in the order of the file, since types
//! are declared before they are used; what happens to names comes last in each node.

use std::fmt::{self, Write};

use crate::model::{
    Api, Caller, Contract, DefId, DefKind, Definition, EnumType, Event, EventKind, FieldRole,
    Group, HostStatement, NodeId, ProgramType, Prototype, StructType, Window,
};
use crate::query::Namespace;

const WIDTH: usize = 100;

impl Api {
    /// The API as canonical text.
    pub fn print(&self) -> String {
        let mut out = String::new();
        doc(&mut out, "", self.doc.as_deref());
        let _ = writeln!(out, "api {};\n\nretain {};", self.name, self.retain);
        if let Some(baseline) = self.baseline {
            let _ = writeln!(out, "baseline {};", self.node_ref(baseline).name);
        }
        for index in 0..self.nodes.len() {
            out.push('\n');
            self.print_node(&mut out, NodeId(index as u32));
        }
        for host in &self.hosts {
            out.push('\n');
            out.push_str(&self.host_text(host));
        }
        out
    }

    /// A host statement as canonical text.
    pub fn host_text(&self, host: &HostStatement) -> String {
        let mut out = String::new();
        self.print_host(&mut out, host);
        out
    }

    fn print_node(&self, out: &mut String, id: NodeId) {
        let node = self.node_ref(id);
        doc(out, "", node.doc.as_deref());
        let _ = writeln!(out, "{} released {} {{", node.name, node.released);
        let mut feature = None;
        let mut skip = 0;
        let definitions: Vec<&Definition> =
            self.definitions.iter().filter(|definition| definition.node == id).collect();
        for (index, definition) in definitions.iter().enumerate() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            if definition.feature != feature {
                feature = definition.feature;
                let label = feature.and_then(|index| node.features.get(index as usize));
                let _ = match label {
                    Some(label) => writeln!(out, "  feature {label}:"),
                    None => writeln!(out, "  default:"),
                };
            }
            let rest = &definitions[index..];
            let together = rest.iter().take_while(|next| one_statement(definition, next)).count();
            skip = together - 1;
            self.print_definition(out, &rest[..together]);
            // Right after what supersedes it, where the reader looks for it.
            if let Some(old) = self.served_from(definition) {
                let compat = self.definition(old).compat.as_ref();
                let text = compat.map_or("", |compat| compat.text.as_str());
                let _ = writeln!(out, "    compat {} {{{text}}}", self.label(old));
            }
        }
        let mut section = "";
        for event in self.events.iter().filter(|event| event.node == id) {
            print_event(out, event, &mut section);
        }
        match node.parent {
            Some(parent) => {
                let _ = writeln!(out, "}} {};", self.node_ref(parent).name);
            }
            None => out.push_str("};\n"),
        }
    }

    fn print_definition(&self, out: &mut String, definitions: &[&Definition]) {
        let Some(definition) = definitions.first() else { return };
        doc(out, "    ", definition.doc.as_deref());
        let name = &definition.name;
        match &definition.kind {
            DefKind::Helper { number, prototype } => {
                statement(
                    out,
                    &call(&format!("helper {number} "), name, prototype),
                    &self.words(definition),
                );
            }
            DefKind::Kfunc { prototype } => {
                statement(out, &call("kfunc ", name, prototype), &self.words(definition));
            }
            DefKind::Program(program) => {
                let context: Vec<String> =
                    program.params.iter().map(|param| param.ty.declare(&param.name)).collect();
                let context =
                    if context.is_empty() { "void".to_owned() } else { context.join(", ") };
                let mut all = program_words(program);
                all.extend(self.words(definition));
                statement(out, &[format!("    program {name}({context})")], &all);
            }
            DefKind::Map | DefKind::Ability(_) => {
                let names: Vec<&str> =
                    definitions.iter().map(|definition| definition.name.as_str()).collect();
                statement(
                    out,
                    &wrapped(&format!("    {} ", definition.kind.word()), &names),
                    &self.words(definition),
                );
            }
            DefKind::Rights(callers) => {
                let callee = self.newest(Namespace::Callable, name, definition.node);
                let word = callee.map_or("kfunc", |id| self.definition(id).kind.word());
                let mut all = vec![for_callers(callers)];
                all.extend(self.words(definition));
                statement(out, &[format!("    extend {word} {name}")], &all);
            }
            DefKind::Struct(body) => self.print_struct(out, definition, body),
            DefKind::Enum(values) => self.print_enum(out, definition, values),
            DefKind::Typedef(ty) => {
                statement(
                    out,
                    &[format!("    typedef {}", ty.declare(name))],
                    &self.words(definition),
                );
            }
        }
    }

    /// The contract of a callable, and what every definition may say.
    fn words(&self, definition: &Definition) -> Vec<String> {
        let mut words =
            definition.kind.prototype().map_or_else(Vec::new, |p| contract(&p.contract));
        if let Some(after) = definition.after {
            let here = &self.node_ref(definition.node).name;
            words.push(format!("since {}..{here}", self.node_ref(after).name));
        }
        if let Some(window) = definition.retain {
            words.push(format!("retain {window}"));
        }
        if let Some(changed) = &definition.changed {
            words.push(format!("changed {}", quoted(changed)));
        }
        if let Some(why) = &definition.no_compat {
            words.push(format!("no_compat {}", quoted(why)));
        }
        words
    }

    fn print_struct(&self, out: &mut String, definition: &Definition, body: &StructType) {
        let extend = if body.inherited.is_some() { "extend " } else { "" };
        let head = format!("    {extend}{} {}", definition.kind.word(), definition.name);
        if body.opaque {
            statement(out, &[head], &self.words(definition));
            return;
        }
        let _ = writeln!(out, "{head} {{");
        let inherited = body.inherited.unwrap_or(0);
        let mut groups: &[Group] = &body.groups;
        while let Some(group) = groups.first().filter(|group| group.fields.start < inherited) {
            debug_assert!(group.fields.end <= inherited, "groups do not cross what was inherited");
            groups = &groups[1..];
        }
        print_fields(out, body, inherited..body.fields.len() as u32, &mut groups, 2);
        let ops = body.ops.iter().filter(|_| body.inherited.is_none());
        let mut words: Vec<String> = ops.map(|program| format!("ops {program}")).collect();
        words.extend(self.words(definition));
        statement(out, &["    }".to_owned()], &words);
    }

    fn print_enum(&self, out: &mut String, definition: &Definition, body: &EnumType) {
        let extend = if body.inherited.is_some() { "extend " } else { "" };
        let _ = writeln!(out, "    {extend}enum {} {{", definition.name);
        let mut expected = body.inherited.is_none().then_some(0i64);
        let inherited = body.inherited.unwrap_or(0) as usize;
        for (name, value) in body.values.iter().skip(inherited) {
            let _ = match expected {
                Some(expected) if expected == *value => writeln!(out, "        {name},"),
                _ => writeln!(out, "        {name} = {value},"),
            };
            expected = value.checked_add(1);
        }
        let mut words = self.words(definition);
        if body.unnamed && body.inherited.is_none() {
            words.insert(0, "unnamed".to_owned());
        }
        statement(out, &["    }".to_owned()], &words);
    }

    /// The definition whose compat body stands with this one.
    fn served_from(&self, definition: &Definition) -> Option<DefId> {
        definition.kind.prototype()?;
        let all = self.definitions_of(Namespace::Callable, &definition.name);
        all.iter().copied().find(|old| {
            let compat = self.definition(*old).compat.as_ref();
            compat.is_some_and(|compat| compat.node == definition.node)
        })
    }

    fn print_host(&self, out: &mut String, host: &HostStatement) {
        doc(out, "", host.doc.as_deref());
        let node = &self.node_ref(host.node).name;
        let _ = writeln!(out, "host {} : {node} released {} {{", host.name, host.released);
        if !host.adds_written.is_empty() {
            list(out, "adds ", &host.adds_written);
        }
        for (name, reason) in &host.withdraws {
            let _ = writeln!(out, "    withdraws {name} {};", quoted(reason));
        }
        // What is lacked for one reason stands together.
        for group in host.lacks.chunk_by(|(_, a), (_, b)| a == b) {
            let names: Vec<&str> = group.iter().map(|(name, _)| name.as_str()).collect();
            let why: Vec<String> = group[0].1.iter().map(|why| quoted(why)).collect();
            statement(out, &wrapped("    lacks ", &names), &why);
        }
        for (number, name) in &host.numbers {
            let _ = writeln!(out, "    helper {number} = {name};");
        }
        out.push_str("}\n");
    }
}

/// Map types or abilities that share all that a statement can say stand in one.
fn one_statement(a: &Definition, b: &Definition) -> bool {
    std::ptr::eq(a, b)
        || matches!(a.kind, DefKind::Map | DefKind::Ability(_))
            && (&a.kind, &a.doc, &a.changed, a.retain, a.feature, a.after)
                == (&b.kind, &b.doc, &b.changed, b.retain, b.feature, b.after)
}

/// A prototype, broken between parameters if it is long.
fn call(word: &str, name: &str, prototype: &Prototype) -> Vec<String> {
    let whole = format!("    {word}{}", prototype.declare(name));
    if whole.len() < WIDTH {
        return vec![whole];
    }
    let mut params: Vec<String> =
        prototype.params.iter().map(|param| param.ty.declare(&param.name)).collect();
    if prototype.variadic {
        params.push("...".to_owned());
    }
    let head = prototype.returns.declare(&format!("{name}("));
    let params: Vec<&str> = params.iter().map(String::as_str).collect();
    let mut lines = wrapped(&format!("    {word}{head}"), &params);
    if let Some(last) = lines.last_mut() {
        last.push(')');
    }
    lines
}

/// `a, b, c`, with as many on a line as fit.
fn wrapped(head: &str, parts: &[&str]) -> Vec<String> {
    let mut lines = vec![head.to_owned()];
    for (index, part) in parts.iter().enumerate() {
        let comma = if index + 1 < parts.len() { "," } else { "" };
        let line = lines.last_mut().expect("a line to begin with");
        if index > 0 && line.len() + part.len() + 3 > WIDTH {
            lines.push(format!("        {part}{comma}"));
        } else {
            let space = if index > 0 { " " } else { "" };
            let _ = write!(line, "{space}{part}{comma}");
        }
    }
    lines
}

/// Lines, then words as long as they fit, then on lines of their own; and the semicolon.
fn statement(out: &mut String, lines: &[String], words: &[String]) {
    let mut line = String::new();
    for (index, whole) in lines.iter().enumerate() {
        if index + 1 < lines.len() {
            out.push_str(whole);
            out.push('\n');
        } else {
            line.clone_from(whole);
        }
    }
    for word in words {
        if line.len() + word.len() + 2 > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = format!("        {word}");
        } else {
            let _ = write!(line, " {word}");
        }
    }
    out.push_str(&line);
    out.push_str(";\n");
}

fn for_callers(callers: &[Caller]) -> String {
    format!("for {}", listed(callers))
}

/// `xdp, lsm["lsm_cgroup"]`
pub fn listed(callers: &[Caller]) -> String {
    callers.iter().map(Caller::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Caller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.program)?;
        if self.sections.is_empty() {
            return Ok(());
        }
        let sections: Vec<String> = self.sections.iter().map(|name| quoted(name)).collect();
        write!(out, "[{}]", sections.join(", "))
    }
}

fn contract(contract: &Contract) -> Vec<String> {
    let mut words: Vec<String> = contract.words().into_iter().map(str::to_owned).collect();
    if !contract.callers.is_empty() {
        words.push(for_callers(&contract.callers));
    }
    words
}

impl Contract {
    /// The words that hold, in the order in which they are printed, without the program types.
    pub fn words(&self) -> Vec<&'static str> {
        let flags = [
            (self.acquire, "acquire"),
            (self.release, "release"),
            (self.nullable, "nullable"),
            (self.sleepable, "sleepable"),
            (self.trusted, "trusted"),
            (self.rcu, "rcu"),
            (self.destructive, "destructive"),
            (self.gpl, "gpl"),
            (self.changes_packet, "changes_packet"),
            (self.no_packet, "no_packet"),
            (self.pure, "pure"),
            (self.noreturn, "noreturn"),
        ];
        flags.into_iter().filter(|(set, _)| *set).map(|(_, word)| word).collect()
    }
}

fn program_words(program: &ProgramType) -> Vec<String> {
    let mut words = Vec::new();
    if !program.sections.is_empty() {
        let sections: Vec<String> = program.sections.iter().map(|name| quoted(name)).collect();
        words.push(format!("section {}", sections.join(", ")));
    }
    match program.returns {
        Some((low, high)) if low == high => words.push(format!("returns {low}")),
        Some((low, high)) => words.push(format!("returns {low}..{high}")),
        None => {}
    }
    if let Some(verdicts) = &program.verdicts {
        words.push(format!("verdicts {verdicts}"));
    }
    if program.sleepable {
        words.push("sleepable".to_owned());
    }
    words
}

fn print_fields(
    out: &mut String,
    body: &StructType,
    range: std::ops::Range<u32>,
    groups: &mut &[Group],
    depth: usize,
) {
    let indent = "    ".repeat(depth);
    let mut index = range.start;
    while index < range.end {
        if let Some(group) = groups.first().filter(|group| group.fields.start == index).cloned() {
            *groups = &groups[1..];
            let word = if group.is_union { "union" } else { "struct" };
            let _ = writeln!(out, "{indent}{word} {{");
            index = group.fields.end;
            print_fields(out, body, group.fields, groups, depth + 1);
            let _ = writeln!(out, "{indent}}};");
            continue;
        }
        let field = &body.fields[index as usize];
        doc(out, &indent, field.doc.as_deref());
        let role = match field.role {
            FieldRole::Plain => "",
            FieldRole::Packet => "packet ",
            FieldRole::PacketEnd => "packet_end ",
            FieldRole::PacketMeta => "packet_meta ",
        };
        let writable = if field.writable { " writable" } else { "" };
        let _ = writeln!(out, "{indent}{role}{}{writable};", field.ty.declare(&field.name));
        index += 1;
    }
}

fn print_event(out: &mut String, event: &Event, section: &mut &'static str) {
    let found = match event.kind {
        EventKind::Deprecated { .. } => "deprecated",
        EventKind::Removed { .. } => "removed",
        EventKind::Withdrawn { .. } => "withdrawn",
    };
    if *section != found {
        *section = found;
        let _ = writeln!(out, "  {found}:");
    }
    let namespace = match event.namespace {
        Namespace::Callable => "",
        Namespace::Program => "program ",
        Namespace::Map => "map ",
        Namespace::Rights => "extend ",
        Namespace::Ability => "isa ",
        Namespace::Tag => "struct ",
        Namespace::Typedef => "typedef ",
    };
    let _ = write!(out, "    {namespace}{}", event.name);
    match &event.kind {
        EventKind::Deprecated { instead, remove } => {
            if let Some(instead) = instead {
                let _ = write!(out, " use {instead}");
            }
            if let Some(remove) = remove {
                let _ = write!(out, " remove {remove}");
            }
        }
        EventKind::Removed { instead, early } => {
            if let Some(instead) = instead {
                let _ = write!(out, " use {instead}");
            }
            if let Some(early) = early {
                let _ = write!(out, " early {}", quoted(early));
            }
        }
        EventKind::Withdrawn { reason } => {
            let _ = write!(out, " {}", quoted(reason));
        }
    }
    out.push_str(";\n");
}

fn list(out: &mut String, word: &str, names: &[String]) {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    statement(out, &wrapped(&format!("    {word}"), &names), &[]);
}

fn doc(out: &mut String, indent: &str, text: Option<&str>) {
    let Some(text) = text else { return };
    if !text.contains('\n') && text.len() + indent.len() + 7 <= WIDTH {
        let _ = writeln!(out, "{indent}/** {text} */");
        return;
    }
    let _ = writeln!(out, "{indent}/**");
    for line in text.split('\n') {
        let space = if line.is_empty() { "" } else { " " };
        let _ = writeln!(out, "{indent} *{space}{line}");
    }
    let _ = writeln!(out, "{indent} */");
}

/// As a C string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            other if other.is_ascii_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |count: u16| if count == 1 { "" } else { "s" };
        match *self {
            Window::Forever => f.write_str("forever"),
            Window::Nodes(count) => write!(f, "{count} node{}", plural(count)),
            Window::Span { years: 0, months: 0, days } => write!(f, "{days} day{}", plural(days)),
            Window::Span { years, months, days } => {
                let mut space = "";
                for (count, unit) in [(years, "year"), (months, "month"), (days, "day")] {
                    if count > 0 {
                        write!(f, "{space}{count} {unit}{}", plural(count))?;
                        space = " ";
                    }
                }
                Ok(())
            }
        }
    }
}
