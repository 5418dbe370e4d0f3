//! What all commands print with: text or JSON, colours, tables. Decides nothing about what is said.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use abide::codes;
use abide_diag::{Diagnostic, Severity};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use crate::cli::fail::{Exit, Failure, Message};
use crate::cli::files::is_standard;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Markdown,
    /// Of `abide btf dump` alone, as the next.
    #[value(skip)]
    C,
    #[value(skip)]
    Raw,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    // On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

impl Colour {
    fn on(self, terminal: bool) -> bool {
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                terminal && !no_color
            }
        }
    }
}

/// Where a command prints to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    pub(crate) format: Format,
    /// Styles for standard output.
    pub(crate) paint: Paint,
    errors: Paint,
}

impl Ui {
    pub(crate) fn new(format: Format, colour: Colour) -> Self {
        Ui {
            format,
            paint: Paint(colour.on(io::stdout().is_terminal())),
            errors: Paint(colour.on(io::stderr().is_terminal())),
        }
    }

    /// Prints a result: the value as JSON, or its text.
    pub(crate) fn show<T: Serialize, S: AsRef<str>>(
        &self,
        value: &T,
        text: impl FnOnce(Paint) -> S,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Text | Format::Markdown | Format::C | Format::Raw => {
                write_out(text(self.paint).as_ref())
            }
            Format::Json => {
                let mut json = serde_json::to_string_pretty(value)
                    .map_err(|error| output_failure(&io::Error::other(error)))?;
                json.push('\n');
                write_out(&json)
            }
        }
    }

    /// Prints a result that can be Markdown, too.
    pub(crate) fn show_markdown<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(Paint) -> String,
        markdown: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Markdown => write_out(&markdown()),
            _ => self.show(value, text),
        }
    }

    /// Refuses a file that is to be standard output where the JSON document will be.
    pub(crate) fn beside(&self, output: &Path) -> Result<(), Failure> {
        if self.format != Format::Json || !is_standard(output) {
            return Ok(());
        }
        let message = "standard output cannot hold both a file and the JSON document";
        Err(Failure::usage(
            Diagnostic::error(&codes::C_TWO_OUTPUTS, message)
                .help("name a file (`-o FILE`), or leave out `--format json`"),
        ))
    }

    /// Shows how far the work is, on a terminal and if there is enough of it.
    pub(crate) fn progress(&self, total: usize, noun: &'static str) -> Progress {
        Progress { total, noun, shown: total > 1 && io::stderr().is_terminal() }
    }

    /// Prints what went wrong and gives the exit code.
    pub(crate) fn fail(&self, failure: &Failure) -> Exit {
        match self.format {
            Format::Text | Format::Markdown | Format::C | Format::Raw => {
                self.complain(&failure.messages)
            }
            Format::Json => {
                let messages = failure.messages.iter().map(MessageJson::of).collect();
                // There is nobody left to tell if this cannot be written.
                let _ = self.show(&ErrorsJson { errors: messages }, |_| String::new());
            }
        }
        failure.exit
    }

    /// Prints warnings about what was done all the same. In JSON they belong into the document.
    pub(crate) fn warn(&self, messages: &[Message]) {
        if self.format != Format::Json {
            self.complain(messages);
        }
    }

    /// Prints messages on standard error.
    pub(crate) fn complain(&self, messages: &[Message]) {
        let mut text = String::new();
        for (index, message) in messages.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            text.push_str(&render(message, self.errors));
            text.push('\n');
        }
        // There is nobody left to tell if this cannot be written.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// A line on standard error that says how far the work is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    total: usize,
    noun: &'static str,
    shown: bool,
}

impl Progress {
    /// So many are done.
    pub(crate) fn show(&self, done: usize) {
        const WIDTH: usize = 30;
        if self.shown {
            let full = WIDTH * done / self.total.max(1);
            let bar = format!("{}{}", "#".repeat(full), ".".repeat(WIDTH - full));
            // There is nobody left to tell if this cannot be written.
            let total = count(self.total as u64, self.noun);
            let _ = write!(io::stderr().lock(), "\r[{bar}] {} of {total}", grouped(done as u64));
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if self.shown {
            let _ = write!(io::stderr().lock(), "\r\u{1b}[K");
        }
    }
}

/// A message as text, without a line end after it.
pub(crate) fn render(message: &Message, paint: Paint) -> String {
    let text = message.diagnostic.render(message.source.as_deref(), paint.0);
    text.trim_end_matches('\n').to_owned()
}

fn write_out(text: &str) -> Result<(), Failure> {
    stream(|output| output.write_all(text.as_bytes()))
}

/// Prints what is written, as it comes: for texts that are not held whole.
pub(crate) fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    match write(&mut output).and_then(|()| output.flush()) {
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(output_failure(&error)),
        Ok(()) => Ok(()),
    }
}

fn output_failure(error: &io::Error) -> Failure {
    Failure::io("write", Path::new("standard output"), error)
}

#[derive(Serialize)]
struct ErrorsJson {
    errors: Vec<MessageJson>,
}

/// A diagnostic in JSON.
#[derive(Debug, Serialize)]
pub(crate) struct MessageJson {
    code: &'static str,
    title: &'static str,
    severity: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span: Option<SpanJson>,
    notes: Vec<String>,
    helps: Vec<String>,
}

#[derive(Debug, Serialize)]
struct SpanJson {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    label: String,
}

impl MessageJson {
    pub(crate) fn of(message: &Message) -> Self {
        let diagnostic: &Diagnostic = &message.diagnostic;
        let span =
            message.source.as_ref().zip(diagnostic.primary.as_ref()).map(|(source, label)| {
                let (line, column) = source.position(label.span.start);
                let (end_line, end_column) = source.position(label.span.end);
                let (file, label) = (source.name.to_string(), label.text.clone());
                SpanJson { file, line, column, end_line, end_column, label }
            });
        MessageJson {
            code: diagnostic.code.id,
            title: diagnostic.code.title,
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: diagnostic.message.clone(),
            place: diagnostic.place.clone(),
            span,
            notes: diagnostic.notes.clone(),
            helps: diagnostic.helps.clone(),
        }
    }
}

/// Styles, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// A heading.
    pub(crate) fn head(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    /// Something that matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    /// Something that is as it should be.
    pub(crate) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    /// Something to notice.
    pub(crate) fn notice(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    /// Something that is wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default(), text)
    }
}

/// Rows of cells in columns.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// Columns of numbers.
    right: Vec<usize>,
}

impl Table {
    /// A table whose columns of these numbers are set flush right.
    pub(crate) fn new(right: &[usize]) -> Self {
        Table { rows: Vec::new(), right: right.to_vec() }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Adds a row of any length.
    pub(crate) fn cells(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The rows with two blanks before and between the columns; styles take no room.
    pub(crate) fn write(&self, out: &mut String) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|at| self.rows.iter().filter_map(|row| row.get(at)).map(|cell| width(cell)).max())
            .map(Option::unwrap_or_default)
            .collect();
        for row in &self.rows {
            let mut line = String::new();
            for (at, cell) in row.iter().enumerate() {
                let blanks = " ".repeat(widths[at] - width(cell));
                let _ = match self.right.contains(&at) {
                    true => write!(line, "  {blanks}{cell}"),
                    false => write!(line, "  {cell}{blanks}"),
                };
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}

/// Characters without escape sequences.
fn width(text: &str) -> usize {
    let mut escape = false;
    let visible = text.chars().filter(|character| {
        let starts = *character == '\u{1b}';
        let hidden = escape || starts;
        escape = starts || (escape && *character != 'm');
        !hidden
    });
    visible.count()
}

/// Text from a file as it stands there, but no control characters that a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => out.push(character),
            character if character.is_control() => out.extend(character.escape_default()),
            character => out.push(character),
        }
    }
    out
}

/// `1 program`, `2 programs`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(number)) }
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_with_and_without_styles() {
        for paint in [Paint(false), Paint(true)] {
            let mut table = Table::new(&[1]);
            table.row([paint.good("ä"), "1".to_owned(), "x".to_owned()]);
            table.row(["long".to_owned(), "20".to_owned(), String::new()]);
            let mut out = String::new();
            table.write(&mut out);
            let plain = out.replace(&paint.good("ä"), "ä");
            assert_eq!(plain, "  ä      1  x\n  long  20\n");
        }
    }

    #[test]
    fn a_file_cannot_drive_the_terminal() {
        assert_eq!(plain("a\n\tb\u{1b}[2J\r"), "a\n\tb\\u{1b}[2J\\r");
    }

    #[test]
    fn thousands() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(count(1, "packet"), "1 packet");
        assert_eq!(count(1000, "packet"), "1,000 packets");
    }
}
