//! The command line of Abide. See `abide --help`; everything is in `cli`.
#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(cli::main() as u8)
}
