//! The command line: what can be asked for, and who answers. Reads files, calls the rooms, prints.
//! Decides nothing about objects, versions or hosts.

mod api;
mod apis;
mod as_;
mod asm;
mod btf;
mod check;
mod dialect;
mod disasm;
mod explain;
mod fail;
mod files;
mod headers;
mod help;
mod inspect;
mod kconfig;
mod kernels;
mod link;
mod literal;
#[cfg(test)]
mod man;
mod pcap;
mod probe;
mod relocate;
mod run;
mod translate;
mod ui;
mod verify;

use abide::codes;
use abide_diag::Diagnostic;
use clap::{FromArgMatches, Parser, Subcommand};

use self::fail::{Exit, Failure};
use self::ui::{Colour, Format, Ui};

/// Run BPF programs under the version of the API that they were written for.
#[derive(Debug, Parser)]
#[command(name = "abide", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  abide run firewall.bpf.o --packets web.pcap        run it over a capture
  abide run filter.bpf.o --host linux@LINUX_6.2      as a host of that version would
  abide inspect firewall.bpf.o                       what it needs, and since when
  abide check firewall.bpf.o                         on which kernels it loads, and why not
  abide api show linux bpf_dynptr_size               the life of one name
  abide probe                                        which version the running kernel stands on
  abide headers linux@LINUX_6.12 -o include          what to compile a program with
  abide asm filter.s -o filter.o                     assemble, in either dialect
  abide translate filter.s --to gnu                  respell it for the other compiler
  abide btf diff 6.12.btf vmlinux                    types that differ between kernels
  abide explain R0201                                what a message means

With --format json, standard output holds exactly one JSON document: the result, or
{\"errors\": [...]}. Options that do not exist or do not fit are told on standard error.";

#[derive(Debug, clap::Args)]
struct Global {
    /// How to print results: for people, as one JSON document, or (`check`) as Markdown
    #[arg(long, global = true, help_heading = "Output", value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
    /// When to use colours; `auto` is on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, help_heading = "Output", value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    color: Colour,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Args>),
    Inspect(inspect::Args),
    Check(check::Args),
    #[command(subcommand)]
    Api(api::Command),
    Headers(headers::Args),
    #[command(subcommand)]
    Btf(btf::Command),
    Asm(asm::Args),
    As(as_::Args),
    Disasm(disasm::Args),
    Link(link::Args),
    Translate(translate::Args),
    Relocate(relocate::Args),
    Verify(verify::Args),
    Probe(probe::Args),
    Explain(explain::Args),
}

/// Does what the command line asks for.
pub(crate) fn main() -> Exit {
    if let Some(args) = as_::called(std::env::args_os()) {
        let ui = Ui::new(Format::Text, Colour::Auto);
        return as_::main(args, &ui).unwrap_or_else(|failure| ui.fail(&failure));
    }
    let cli =
        Cli::from_arg_matches(&help::command().get_matches()).unwrap_or_else(|error| error.exit());
    let ui = Ui::new(cli.global.format, cli.global.color);
    if cli.global.format == Format::Markdown
        && !matches!(&cli.command, Command::Check(args) if args.has_markdown())
    {
        return ui.fail(&Failure::usage(
            Diagnostic::error(&codes::C_FORMAT, "this command prints no Markdown")
                .help("`--format text` and `--format json` are printed by all"),
        ));
    }
    let result = match cli.command {
        Command::Run(args) => run::main(&args, &ui),
        Command::Inspect(args) => inspect::main(&args, &ui),
        Command::Check(args) => check::main(&args, &ui),
        Command::Api(command) => api::main(&command, &ui),
        Command::Headers(args) => headers::main(&args, &ui),
        Command::Btf(command) => btf::main(&command, &ui),
        Command::Asm(args) => asm::main(&args, &ui),
        Command::As(args) => as_::main(args, &ui),
        Command::Disasm(args) => disasm::main(&args, &ui),
        Command::Link(args) => link::main(&args, &ui),
        Command::Translate(args) => translate::main(&args, &ui),
        Command::Relocate(args) => relocate::main(&args, &ui),
        Command::Verify(args) => verify::main(&args, &ui),
        Command::Probe(args) => probe::main(&args, &ui),
        Command::Explain(args) => explain::main(&args, &ui),
    };
    result.unwrap_or_else(|failure| ui.fail(&failure))
}
