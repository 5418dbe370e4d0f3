//! What `abide run` has to say: one type, shown as text or as JSON. Finds nothing out.

use std::fmt::Write;

use abide_diag::Diagnostic;
use serde::Serialize;

use crate::cli::fail::Message;
use crate::cli::inspect::Version;
use crate::cli::ui::{MessageJson, Paint, Table, count, grouped, render};

/// Everything, in the order in which it is printed.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) object: Object,
    pub(crate) program: Program,
    pub(crate) host: Host,
    /// None if it runs without one.
    pub(crate) proof: Option<Proof>,
    pub(crate) bindings: Vec<Binding>,
    #[serde(serialize_with = "messages")]
    pub(crate) warnings: Vec<Diagnostic>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) packets: Option<Packets>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) single: Option<Single>,
    pub(crate) traps: Vec<Trap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) contradiction: Option<Contradiction>,
    pub(crate) maps: Vec<Map>,
    pub(crate) events: Vec<Events>,
    #[serde(skip_serializing_if = "Trace::is_empty")]
    pub(crate) trace: Trace,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written: Option<Written>,
}

fn messages<S: serde::Serializer>(found: &[Diagnostic], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(found.iter().map(|found| MessageJson::of(&Message::from(found.clone()))))
}

#[derive(Debug, Serialize)]
pub(crate) struct Object {
    pub(crate) file: String,
    pub(crate) version: Version,
}

#[derive(Debug, Serialize)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) program_type: String,
    pub(crate) section: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) date: String,
    pub(crate) added: Vec<String>,
}

/// What the proof that the program is safe took.
#[derive(Debug, Serialize)]
pub(crate) struct Proof {
    pub(crate) instructions: u64,
    pub(crate) states: u64,
}

/// How one callee is served.
#[derive(Debug, Serialize)]
pub(crate) struct Binding {
    pub(crate) name: String,
    pub(crate) definition: Option<String>,
    /// `current`, `added`, `preserved`, `adapted`; `absent` for a weak extern that the host lacks.
    pub(crate) served: &'static str,
    /// A day, `forever`, or a number of nodes.
    pub(crate) until: Option<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) renumbered: Option<(u32, u32)>,
    pub(crate) calls: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Packets {
    pub(crate) file: String,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// Packets that were longer on the wire than in the capture.
    pub(crate) cut: u64,
    pub(crate) verdicts: Vec<Verdict>,
    /// Packets without a verdict, since the run trapped.
    pub(crate) trapped: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) value: i32,
    pub(crate) name: Option<String>,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    pub(crate) share: f64,
}

/// One run on a context that was given.
#[derive(Debug, Serialize)]
pub(crate) struct Single {
    pub(crate) value: Option<i32>,
    pub(crate) name: Option<String>,
    /// The writable fields of the context after the run.
    #[serde(serialize_with = "fields")]
    pub(crate) context: Vec<(String, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) packet: Option<String>,
}

fn fields<S: serde::Serializer>(found: &[(String, u64)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(found.iter().map(|(name, value)| (name, value)))
}

/// Traps of one kind at one place.
#[derive(Debug, Serialize)]
pub(crate) struct Trap {
    pub(crate) count: u64,
    /// The number of the first packet that caused it, from 1, as Wireshark counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_packet: Option<u64>,
    #[serde(serialize_with = "message")]
    pub(crate) message: Diagnostic,
}

fn message<S: serde::Serializer>(found: &Diagnostic, to: S) -> Result<S::Ok, S::Error> {
    MessageJson::of(&Message::from(found.clone())).serialize(to)
}

/// What is needed to see a contradiction of the proof again.
#[derive(Debug, Serialize)]
pub(crate) struct Contradiction {
    pub(crate) program: String,
    /// The linked program, one instruction each.
    pub(crate) assembly: Vec<String>,
    /// What the run was given, in hex.
    pub(crate) context: String,
    pub(crate) packet: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Map {
    pub(crate) name: String,
    pub(crate) map_type: &'static str,
    /// How many entries it has (of an array: how many are not zero).
    pub(crate) entries: u64,
    pub(crate) max_entries: u32,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) key: Shown,
    pub(crate) value: Shown,
    /// The values of a per-CPU map that cannot be added up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) cpus: Vec<Shown>,
}

/// A value as C-like text for people, and as JSON for programs.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) text: String,
    pub(crate) json: serde_json::Value,
}

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(to)
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Events {
    pub(crate) map: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) record: Option<String>,
    pub(crate) records: u64,
    pub(crate) rows: Vec<Shown>,
}

/// What the program printed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Trace {
    pub(crate) lines: Vec<String>,
    pub(crate) more: u64,
}

impl Trace {
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Time {
    pub(crate) passes: u64,
    /// Of the fastest pass.
    pub(crate) ns_per_run: f64,
    /// Of the runs that did not trap.
    pub(crate) instructions_per_run: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Written {
    pub(crate) file: String,
    pub(crate) packets: u64,
}

impl Report {
    /// Everything for people.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut out = String::new();
        self.head(paint, &mut out);
        self.bindings(paint, &mut out);
        for warning in &self.warnings {
            let _ = write!(out, "\n{}\n", render(&Message::from(warning.clone()), paint));
        }
        if let Some(packets) = &self.packets {
            packets.text(paint, &mut out);
        }
        if let Some(single) = &self.single {
            single.text(paint, &mut out);
        }
        for trap in &self.traps {
            trap.text(paint, &mut out);
        }
        if let Some(found) = &self.contradiction {
            let _ = writeln!(out, "\n{}", paint.head("to see it again"));
            let _ = writeln!(out, "  context  {}\n  packet   {}", found.context, found.packet);
            let _ = writeln!(out, "  program {}, as it was linked:", found.program);
            for line in &found.assembly {
                let _ = writeln!(out, "    {line}");
            }
        }
        for map in &self.maps {
            map.text(paint, &mut out);
        }
        for events in &self.events {
            events.text(paint, &mut out);
        }
        if !self.trace.is_empty() {
            let _ = writeln!(out, "\n{}", paint.head("trace"));
            for line in &self.trace.lines {
                let _ = writeln!(out, "  {line}");
            }
            more(self.trace.more, paint, &mut out);
        }
        self.end(paint, &mut out);
        out
    }

    fn head(&self, paint: Paint, out: &mut String) {
        let mut head = Table::default();
        head.row([paint.dim("object"), self.object.file.clone()]);
        head.row([paint.dim("version"), self.object.version.text(paint)]);
        let program = format!(
            "{} ({}, section \"{}\")",
            paint.head(&self.program.name),
            self.program.program_type,
            self.program.section
        );
        head.row([paint.dim("program"), program]);
        let mut host = format!("{} on {}", paint.head(&self.host.name), self.host.date);
        if !self.host.added.is_empty() {
            let _ = write!(host, ", with {}", self.host.added.join(", "));
        }
        head.row([paint.dim("host"), host]);
        let proof = match &self.proof {
            Some(proof) => format!(
                "{}: {} walked, {}",
                paint.good("safe"),
                count(proof.instructions, "instruction"),
                count(proof.states, "state")
            ),
            None => paint.notice("none: every access is checked as it runs"),
        };
        head.row([paint.dim("proof"), proof]);
        head.write(out);
    }

    fn bindings(&self, paint: Paint, out: &mut String) {
        if self.bindings.is_empty() {
            return;
        }
        let _ = writeln!(out, "\n{}", paint.head("bindings"));
        let mut table = Table::new(&[2]);
        for binding in &self.bindings {
            let what = binding.definition.as_deref().unwrap_or(&binding.name).to_owned();
            let mut how = match binding.served {
                "current" => paint.good("current"),
                "absent" => paint.notice("absent (weak)"),
                other => paint.notice(other),
            };
            if let Some(until) = &binding.until {
                let _ = write!(how, " {}", until.text);
            }
            if let Some((from, to)) = binding.renumbered {
                let _ = write!(how, ", renumbered {from}→{to}");
            }
            // The blank stands below the `s` of the others.
            let calls = count(binding.calls as u64, "call");
            let calls = if binding.calls == 1 { calls + " " } else { calls };
            table.row([what, how, calls]);
        }
        table.write(out);
    }

    fn end(&self, paint: Paint, out: &mut String) {
        let mut table = Table::default();
        if let Some(time) = &self.time {
            let what = if self.packets.is_some() { "packet" } else { "run" };
            let passes = match time.passes {
                1 => String::new(),
                passes => format!(" (fastest of {} passes)", grouped(passes)),
            };
            let text = format!("{:.1} ns per {what}{passes}", time.ns_per_run);
            table.row([paint.dim("time"), text]);
            if let Some(instructions) = time.instructions_per_run {
                let text = format!("{instructions:.1} instructions per {what}");
                table.row([paint.dim("work"), text]);
            }
        }
        if let Some(written) = &self.written {
            let text = format!("{} to {}", count(written.packets, "packet"), written.file);
            table.row([paint.dim("written"), text]);
        }
        let mut lines = String::new();
        table.write(&mut lines);
        if !lines.is_empty() {
            let _ = write!(out, "\n{lines}");
        }
    }
}

fn more(number: u64, paint: Paint, out: &mut String) {
    if number > 0 {
        let _ = writeln!(out, "  {}", paint.dim(&format!("…and {} more", grouped(number))));
    }
}

fn verdict(name: Option<&str>, value: i32) -> String {
    name.map_or_else(|| value.to_string(), str::to_owned)
}

impl Packets {
    fn text(&self, paint: Paint, out: &mut String) {
        let head = paint.head("verdicts");
        let packets = count(self.packets, "packet");
        let _ = write!(out, "\n{head} on {packets}, {} bytes", grouped(self.bytes));
        if self.cut > 0 {
            let _ = write!(out, " ({} cut off by the capture)", count(self.cut, "packet"));
        }
        out.push('\n');
        let mut table = Table::new(&[1, 2, 3]);
        for found in &self.verdicts {
            table.row([
                verdict(found.name.as_deref(), found.value),
                grouped(found.packets),
                format!("{} B", grouped(found.bytes)),
                format!("{:.1} %", found.share * 100.0),
            ]);
        }
        if self.trapped > 0 {
            let bytes = self.verdicts.iter().fold(self.bytes, |left, found| left - found.bytes);
            table.row([
                paint.bad("trapped"),
                grouped(self.trapped),
                format!("{} B", grouped(bytes)),
                format!("{:.1} %", self.trapped as f64 / self.packets as f64 * 100.0),
            ]);
        }
        table.write(out);
    }
}

impl Single {
    fn text(&self, paint: Paint, out: &mut String) {
        let mut table = Table::default();
        if let Some(value) = self.value {
            let shown = match &self.name {
                Some(name) => format!("{} ({value})", paint.head(name)),
                None => paint.head(&value.to_string()),
            };
            table.row([paint.dim("returned"), shown]);
        }
        for (name, value) in &self.context {
            table.row([paint.dim(&format!("ctx.{name}")), value.to_string()]);
        }
        if let Some(packet) = &self.packet {
            table.row([paint.dim("packet"), packet.clone()]);
        }
        out.push('\n');
        table.write(out);
    }
}

impl Trap {
    fn text(&self, paint: Paint, out: &mut String) {
        let message = render(&Message::from(self.message.clone()), paint);
        let _ = writeln!(out, "\n{message}");
        if let Some(first) = self.first_packet {
            let packets = count(self.count, "packet");
            let line = match self.count {
                1 => format!("packet {first} trapped here"),
                _ => format!("{packets} trapped here, the first was packet {first}"),
            };
            let _ = writeln!(out, "{}", paint.bad(&line));
        }
    }
}

impl Map {
    fn text(&self, paint: Paint, out: &mut String) {
        let array = self.map_type.ends_with("array");
        let entries = match (array, self.rows.is_empty()) {
            (true, true) => "all zero".to_owned(),
            (true, false) => {
                format!(
                    "{} of {} not zero",
                    grouped(self.entries),
                    grouped(self.max_entries.into())
                )
            }
            (false, true) => "empty".to_owned(),
            (false, false) => {
                format!("{} of {}", grouped(self.entries), grouped(self.max_entries.into()))
            }
        };
        let head = paint.head(&format!("map {}", self.name));
        let _ = writeln!(out, "\n{head}: {}, {entries}", self.map_type);
        let mut table = Table::default();
        for row in &self.rows {
            let value = match &row.cpus[..] {
                [] => row.value.text.clone(),
                cpus => {
                    let texts: Vec<&str> = cpus.iter().map(|cpu| cpu.text.as_str()).collect();
                    texts.join(" | ")
                }
            };
            table.row([row.key.text.clone(), value]);
        }
        table.write(out);
        more(self.entries.saturating_sub(self.rows.len() as u64), paint, out);
    }
}

impl Events {
    fn text(&self, paint: Paint, out: &mut String) {
        let head = paint.head(&format!("ring buffer {}", self.map));
        let _ = writeln!(out, "\n{head}: {}", count(self.records, "record"));
        for row in &self.rows {
            let _ = writeln!(out, "  {}", row.text);
        }
        more(self.records - self.rows.len() as u64, paint, out);
    }
}
