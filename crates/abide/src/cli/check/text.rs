//! The report as text and as Markdown: a matrix where it fits, else ranges of hosts.

use std::fmt::Write;

use abide_api::check::Verdict;

use super::report::{CellJson, ObjectJson, ProgramJson, Report};
use crate::cli::fail::Message;
use crate::cli::ui::{Paint, Table, count, render};

/// More hosts than this are shown as ranges.
const COLUMNS: usize = 10;

/// What a cell says.
fn word(cell: &CellJson) -> String {
    match cell.messages.first() {
        Some(message) => message.diagnostic.code.id.to_owned(),
        None if cell.verdict == Verdict::Adapted.word() => "adapted".to_owned(),
        None => "runs".to_owned(),
    }
}

/// With a mark for open questions.
fn marked(cell: &CellJson) -> String {
    let mark = if cell.messages.is_empty() && cell.open > 0 { "?" } else { "" };
    format!("{}{mark}", word(cell))
}

fn painted(cell: &CellJson, paint: Paint) -> String {
    let text = marked(cell);
    match () {
        () if !cell.messages.is_empty() => paint.bad(&text),
        () if text == "runs" => paint.good(&text),
        () => paint.notice(&text),
    }
}

/// For people at a terminal.
pub(super) fn text(report: &Report, paint: Paint) -> String {
    let mut out = String::new();
    for object in &report.objects {
        let _ = writeln!(out, "{} {}", paint.head("object"), object.file);
        for message in &object.messages {
            let _ = writeln!(out, "{}", indented(&render(message, paint)));
        }
        programs(report, object, paint, &mut out);
        for reason in reasons(object) {
            let _ = writeln!(out, "\n  {}  {}", paint.bad(reason.code), reason.text());
            if let Some(place) = &reason.place {
                let _ = writeln!(out, "         at {place}");
            }
            for help in reason.helps {
                let _ = writeln!(out, "         {}: {help}", paint.good("help"));
            }
        }
        out.push('\n');
    }
    let summary = &report.summary;
    let _ = writeln!(
        out,
        "{} on {}: {} run, {} run adapted, {} refused",
        count(summary.programs as u64, "program"),
        count(report.hosts.len() as u64, "host"),
        summary.runs,
        summary.adapted,
        summary.refused
    );
    if summary.open > 0 {
        let _ = writeln!(
            out,
            "{} with `?`: as far as is known; some questions take the types of the kernel",
            count(summary.open as u64, "answer")
        );
    }
    if summary.unreadable > 0 {
        let _ = writeln!(out, "{} not checked", count(summary.unreadable as u64, "object"));
    }
    out
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn programs(report: &Report, object: &ObjectJson, paint: Paint, out: &mut String) {
    let mut table = Table::default();
    let hosts = object.programs.first().map_or(0, |program| program.hosts.len());
    if hosts > COLUMNS {
        for program in &object.programs {
            for (at, (word, ranges)) in ranges(program).into_iter().enumerate() {
                let (name, oldest) = match at {
                    0 => (paint.head(&program.name), oldest(program)),
                    _ => (String::new(), String::new()),
                };
                table.row([name, oldest, word, ranges]);
            }
        }
        table.write(out);
        return;
    }
    let Some(first) = object.programs.first() else { return };
    let names = first.hosts.iter().map(|cell| paint.dim(&report.hosts[cell.at].name));
    table.cells([String::new(), paint.dim("oldest")].into_iter().chain(names));
    for program in &object.programs {
        let cells = program.hosts.iter().map(|cell| painted(cell, paint));
        table.cells([paint.head(&program.name), oldest(program)].into_iter().chain(cells));
    }
    table.write(out);
}

fn oldest(program: &ProgramJson) -> String {
    program.oldest_node.clone().unwrap_or_else(|| "none".to_owned())
}

/// Hosts with one answer, neighbours together, by answer.
fn ranges(program: &ProgramJson) -> Vec<(String, String)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for run in program.hosts.chunk_by(|a, b| marked(a) == marked(b)) {
        let (first, last) = (&run[0].host, &run[run.len() - 1].host);
        let shown = match run.len() {
            1 => first.clone(),
            2 => format!("{first}, {last}"),
            more => format!("{first} … {last} ({more})"),
        };
        let answer = marked(&run[0]);
        match found.iter_mut().find(|(word, _)| *word == answer) {
            Some((_, ranges)) => ranges.push(shown),
            None => found.push((answer, vec![shown])),
        }
    }
    found.into_iter().map(|(word, ranges)| (word, ranges.join(", "))).collect()
}

/// One reason, however many programs and hosts it concerns.
struct Reason<'a> {
    code: &'static str,
    message: &'a str,
    place: Option<String>,
    helps: &'a [String],
    key: String,
    /// Programs and hosts besides the first.
    hosts: Vec<&'a str>,
    programs: Vec<&'a str>,
}

impl Reason<'_> {
    fn text(&self) -> String {
        let others = |names: &[&str], noun: &str| match names.len() {
            0 | 1 => String::new(),
            more => format!(" (and {} more {noun}{})", more - 1, if more > 2 { "s" } else { "" }),
        };
        format!(
            "{}{}{}",
            self.message,
            others(&self.hosts, "host"),
            others(&self.programs, "program")
        )
    }
}

/// A sentence without the name of a host, where that is not a part of a longer name.
fn without(message: &str, host: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let mut out = String::new();
    for part in message.split_inclusive(|c| !is_name(c)) {
        out.push_str(
            part.strip_prefix(host).filter(|rest| !rest.starts_with(is_name)).unwrap_or(part),
        );
    }
    out
}

/// What stands in the way of the programs of an object, each reason once.
fn reasons(object: &ObjectJson) -> Vec<Reason<'_>> {
    let mut found: Vec<Reason<'_>> = Vec::new();
    for program in &object.programs {
        for cell in &program.hosts {
            for Message { diagnostic, .. } in &cell.messages {
                // The same sentence but for the host.
                let key = without(&diagnostic.message, &cell.host);
                let code = diagnostic.code.id;
                let place = diagnostic.place.as_deref().and_then(|place| {
                    // `program NAME, FILE:LINE:COLUMN, function …`
                    place.split_once(", ").map(|(_, site)| site.to_owned())
                });
                let same = |reason: &&mut Reason<'_>| {
                    reason.code == code && reason.key == key && reason.place == place
                };
                if let Some(reason) = found.iter_mut().find(same) {
                    if !reason.hosts.contains(&cell.host.as_str()) {
                        reason.hosts.push(&cell.host);
                    }
                    if !reason.programs.contains(&program.name.as_str()) {
                        reason.programs.push(&program.name);
                    }
                    continue;
                }
                found.push(Reason {
                    code,
                    message: &diagnostic.message,
                    place,
                    helps: &diagnostic.helps,
                    key,
                    hosts: vec![&cell.host],
                    programs: vec![&program.name],
                });
            }
        }
    }
    found
}

/// For a README or an issue.
pub(super) fn markdown(report: &Report) -> String {
    let mut out = String::new();
    for object in &report.objects {
        let _ = writeln!(out, "## {}\n", escaped(&object.file));
        for message in &object.messages {
            let diagnostic = &message.diagnostic;
            let _ = writeln!(out, "{}: {}\n", diagnostic.code.id, escaped(&diagnostic.message));
        }
        let Some(first) = object.programs.first() else { continue };
        if first.hosts.len() > COLUMNS {
            out.push_str("| program | oldest | answer | hosts |\n|---|---|---|---|\n");
            for program in &object.programs {
                for (word, ranges) in ranges(program) {
                    let (name, oldest) = (escaped(&program.name), escaped(&oldest(program)));
                    let _ = writeln!(out, "| {name} | {oldest} | {word} | {ranges} |");
                }
            }
        } else {
            let names: Vec<String> = first.hosts.iter().map(|cell| escaped(&cell.host)).collect();
            let _ = writeln!(out, "| program | oldest | {} |", names.join(" | "));
            let _ = writeln!(out, "|---|---|{}", "---|".repeat(names.len()));
            for program in &object.programs {
                let cells: Vec<String> = program.hosts.iter().map(marked).collect();
                let (name, oldest) = (escaped(&program.name), escaped(&oldest(program)));
                let _ = writeln!(out, "| {name} | {oldest} | {} |", cells.join(" | "));
            }
        }
        out.push('\n');
        for reason in reasons(object) {
            let _ = writeln!(out, "* {}: {}", reason.code, escaped(&reason.text()));
        }
        out.push('\n');
    }
    out
}

/// Text in which nothing is taken for markup: the signs of tables, and outside of code those of
/// emphasis. Where backquotes have no partner, they are signs like the others.
fn escaped(text: &str) -> String {
    let has_code = text.matches('`').count().is_multiple_of(2);
    let mut in_code = false;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        in_code ^= character == '`' && has_code;
        let is_sign = match character {
            '|' => true,
            '`' => !has_code,
            '*' | '_' | '<' | '\\' => !in_code,
            _ => false,
        };
        if is_sign {
            out.push('\\');
        }
        out.push(character);
    }
    out
}
