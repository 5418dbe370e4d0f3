//! libbpf behind a command line, for comparing Abide with it. Never loads what it is not told to,
//! never attaches, links or pins.
//!
//! `libbpf-oracle COMMAND ARGUMENTS…` prints JSON on standard output. One file a command.

mod btf;
mod core;
mod load;
mod open;

use std::process::ExitCode;

use serde_json::json;

/// What a command prints, or why it cannot.
type Answer = Result<serde_json::Value, String>;

fn version() -> Answer {
    // SAFETY: no arguments, no state.
    let (major, minor) =
        unsafe { (libbpf_sys::libbpf_major_version(), libbpf_sys::libbpf_minor_version()) };
    Ok(json!({ "libbpf": format!("{major}.{minor}") }))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match words.as_slice() {
        ["version"] => version(),
        ["open", files @ ..] => open::files(files),
        ["kconfig", object, texts @ ..] => open::kconfig(object, texts),
        ["sections", names @ ..] => open::sections(names),
        ["link", out, files @ ..] => load::link(out, files),
        ["link-time", rounds, out, files @ ..] => load::link_time(rounds, out, files),
        ["open-time", rounds, files @ ..] => open::time(rounds, files),
        ["load", files @ ..] => load::files(files),
        ["load-time", files @ ..] => load::times(files),
        ["btf-time", file, rounds] => btf::time(file, rounds),
        ["dedup", out, files @ ..] => btf::dedup(out, files),
        ["split", base, out, files @ ..] => btf::split(base, out, files),
        ["distill", base, split, new_base, out_base, out, out_new] => {
            btf::distill([base, split, new_base], [out_base, out, out_new])
        }
        ["core", btf, objects @ ..] => core::run(btf, objects),
        ["core-time", btf, object, rounds] => core::time(btf, object, rounds),
        _ => Err(format!("unknown command: {}", arguments.join(" "))),
    };
    match answer {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("libbpf-oracle: {why}");
            ExitCode::FAILURE
        }
    }
}
