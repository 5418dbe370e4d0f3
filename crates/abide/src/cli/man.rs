//! The manual, `man/*.1`: a page for the program and one for each command, made of the definitions that
//! their help is made of. This test keeps them equal; `cargo xtask man --bless` writes them.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command as Process;

use abide_testkit::{bless, check_or_bless, repo, tool};
use clap::Command;
use clap::builder::StyledStr;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{as_, help};

/// When the pages were last changed; manuals are dated.
const DATE: &str = "2026-11-29";

/// What stands behind the options, by section.
#[derive(Default)]
struct Rest {
    sections: BTreeMap<&'static str, Roff>,
}

impl Rest {
    fn section(&mut self, name: &'static str) -> &mut Roff {
        self.sections.entry(name).or_default()
    }

    /// Takes the text that the help ends with: paragraphs, of which some begin with the name of a section.
    fn read(&mut self, text: &str) {
        for paragraph in text.split("\n\n") {
            let (first, rest) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
            match first {
                "Examples:" => verbatim(self.section("EXAMPLES"), rest.lines()),
                "Exit codes:" => pairs(self.section("EXIT STATUS"), rest),
                "Environment:" => pairs(self.section("ENVIRONMENT"), rest),
                _ => {
                    let roff = self.section("NOTES");
                    roff.control("PP", []);
                    let lines: Vec<&str> = paragraph.lines().collect();
                    for run in lines.chunk_by(|a, b| a.starts_with("  ") == b.starts_with("  ")) {
                        if run[0].starts_with("  ") {
                            verbatim(roff, run.iter().copied());
                        } else {
                            roff.text([roman(run.join("\n"))]);
                        }
                    }
                }
            }
        }
    }
}

fn verbatim<'a>(roff: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    roff.control("RS", ["2"]).control("nf", []);
    for line in lines {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []).control("RE", []);
}

/// Lines of a word, blanks, and what it means.
fn pairs(roff: &mut Roff, text: &str) {
    for line in text.lines() {
        let (word, meaning) = line.trim_start().split_once("  ").expect("a word and its meaning");
        roff.control("TP", []).text([bold(word)]).text([roman(meaning.trim_start())]);
    }
}

/// The options that `as` reads itself.
fn options_of_as(roff: &mut Roff) {
    roff.control("SH", ["OPTIONS"]);
    let ignored = as_::ignored();
    let others = std::iter::once(("others", ignored.as_str()));
    for (name, meaning) in as_::OPTIONS.iter().copied().chain(others) {
        roff.control("TP", []).text([bold(name)]).text([roman(meaning)]);
    }
}

fn rendered(render: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut bytes = Vec::new();
    render(&mut bytes).expect("memory");
    String::from_utf8(bytes).expect("UTF-8")
}

fn page(command: &Command, all: &[String]) -> String {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let version = concat!("abide ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).date(DATE).source(version).manual("Abide");
    let mut parts = vec![
        rendered(|out| man.render_title(out)),
        rendered(|out| man.render_name_section(out)),
        rendered(|out| man.render_synopsis_section(out)),
        rendered(|out| man.render_description_section(out)),
    ];
    if name == "abide-as" {
        parts.push(rendered(|out| {
            let mut roff = Roff::new();
            options_of_as(&mut roff);
            roff.to_writer(out)
        }));
    } else {
        parts.push(rendered(|out| man.render_options_section(out)));
    }
    if command.has_subcommands() {
        parts.push(rendered(|out| man.render_subcommands_section(out)));
    }
    let mut rest = Rest::default();
    if name == "abide-as" {
        rest.read(as_::EXAMPLES);
    }
    rest.read(&command.get_after_help().map(StyledStr::to_string).unwrap_or_default());
    for title in ["EXIT STATUS", "ENVIRONMENT", "EXAMPLES", "NOTES"] {
        let Some(text) = rest.sections.remove(title) else { continue };
        parts.push(rendered(|out| {
            let mut roff = Roff::new();
            roff.control("SH", [title]);
            roff.extend([text]);
            roff.to_writer(out)
        }));
    }
    parts.push(rendered(|out| {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]);
        let related = related(name, all);
        for (at, other) in related.iter().enumerate() {
            let comma = if at + 1 < related.len() { "(1)," } else { "(1)" };
            roff.text([bold(other.as_str()), roman(comma)]);
        }
        roff.to_writer(out)
    }));
    // Every part begins with what only the first one needs.
    let preamble = Roff::new().render();
    let lines = parts.iter().map(|part| part.strip_prefix(&preamble).unwrap_or(part));
    let text: String = lines.collect();
    let mut kept: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        let before = kept.last().copied().unwrap_or_default();
        let idle = line == ".br" && before == line || line == ".PP" && before.starts_with(".SH");
        if !idle {
            kept.push(line);
        }
    }
    format!("{preamble}{}\n", kept.join("\n"))
}

/// The pages to read next: those above, beside and below.
fn related(name: &str, all: &[String]) -> Vec<String> {
    let parent = name.rsplit_once('-').map_or("", |(parent, _)| parent);
    let is_child = |other: &str, of: &str| {
        other
            .strip_prefix(of)
            .and_then(|rest| rest.strip_prefix('-'))
            .is_some_and(|rest| !rest.contains('-'))
    };
    let wanted = |other: &&String| {
        let other = other.as_str();
        other != name
            && (other == parent
                || is_child(other, name)
                || !parent.is_empty() && is_child(other, parent))
    };
    all.iter().filter(wanted).cloned().collect()
}

fn collect<'a>(command: &'a Command, found: &mut Vec<&'a Command>) {
    found.push(command);
    command.get_subcommands().for_each(|one| collect(one, found));
}

#[test]
fn the_manual_says_what_the_help_says() {
    let mut root = help::command().disable_help_subcommand(true);
    root.build();
    let mut commands = Vec::new();
    collect(&root, &mut commands);
    let name =
        |command: &Command| command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let all: Vec<String> = commands.iter().map(|command| name(command)).collect();
    let folder = repo("man");
    fs::create_dir_all(&folder).expect("the folder can be made");
    for command in &commands {
        let path = folder.join(format!("{}.1", name(command)));
        check_or_bless(&path, &page(command, &all));
    }
    let entries = fs::read_dir(&folder).expect("the folder is there");
    for entry in entries.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let known = all.iter().any(|name| file == format!("{name}.1"));
        if !known && bless() {
            fs::remove_file(entry.path()).expect("a page can be removed");
        }
        assert!(known || bless(), "{file} is the page of no command");
    }
}

#[test]
fn the_manual_is_well_formed() {
    let Some(mandoc) = tool(&["mandoc"]) else { return };
    let pages = fs::read_dir(repo("man")).expect("the folder is there");
    let mut checked = 0;
    for page in pages.flatten() {
        let linted = Process::new(&mandoc)
            .args(["-T", "lint", "-W", "warning"])
            .arg(page.path())
            .output()
            .expect("mandoc runs");
        let said = String::from_utf8_lossy(&linted.stdout).into_owned();
        assert!(linted.status.success() && said.is_empty(), "{said}");
        checked += 1;
    }
    assert!(checked > 20, "only {checked} pages");
}
