//! `abide explain`: what a code means. The codes are declared in the rooms that report them.

use abide::codes;
use abide_diag::{Code, Diagnostic, printable};
use serde::Serialize;

use super::fail::{Exit, Failure};
use super::ui::{Table, Ui};

/// Say what the code of a message means, and what to do about it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  abide explain R0101\n  abide explain          list all codes")]
pub(crate) struct Args {
    /// The code, as in `error[R0101]`; all codes are listed without it
    code: Option<String>,
}

#[derive(Serialize)]
struct CodeJson {
    code: &'static str,
    title: &'static str,
    explanation: String,
}

pub(crate) fn main(args: &Args, ui: &Ui) -> Result<Exit, Failure> {
    let Some(wanted) = &args.code else {
        let all: Vec<CodeJson> = codes::all().map(json).collect();
        ui.show(&all, |paint| {
            let mut table = Table::default();
            all.iter().for_each(|code| table.row([paint.head(code.code), code.title.to_owned()]));
            let mut text = String::new();
            table.write(&mut text);
            text
        })?;
        return Ok(Exit::Done);
    };
    let Some(code) = codes::all().find(|code| code.id.eq_ignore_ascii_case(wanted)) else {
        let message = format!("no message has the code `{}`", printable(wanted));
        return Err(Failure::usage(
            Diagnostic::error(&codes::C_NO_CODE, message).help("`abide explain` lists all codes"),
        ));
    };
    let json = json(code);
    ui.show(&json, |paint| {
        let head = paint.head(&format!("{}: {}", json.code, json.title));
        format!("{head}\n\n{}\n", json.explanation)
    })?;
    Ok(Exit::Done)
}

fn json(code: &'static Code) -> CodeJson {
    let lines: Vec<&str> = code.explain.lines().map(str::trim).collect();
    CodeJson { code: code.id, title: code.title, explanation: lines.join("\n").trim().to_owned() }
}
