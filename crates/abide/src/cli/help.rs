//! What the help of every command ends with, so that it stands in one place. Knows no command.

use clap::builder::StyledStr;
use clap::{Command, CommandFactory};

use super::Cli;

/// How commands end, and what they look at besides their arguments.
pub(super) const ENDS: &str = "\
Exit codes:
  0  done
  1  what was read is refused or does wrong: a refusal, errors in a file, a program that trapped
  2  the command line makes no sense
  3  a file cannot be read or written
  4  a run contradicts the proof of its program: a mistake of Abide's verifier

Environment:
  NO_COLOR  if it is there and not empty, `--color auto` uses no colours
  COLUMNS   how wide the help is, where there is no terminal to ask";

/// The command line, complete.
pub(super) fn command() -> Command {
    complete(Cli::command())
}

fn complete(command: Command) -> Command {
    let before = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
    let gap = if before.is_empty() { "" } else { "\n\n" };
    command.after_help(format!("{before}{gap}{ENDS}")).mut_subcommands(complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    fn all(command: &Command, name: &str, found: &mut Vec<(String, Command)>) {
        found.push((name.to_owned(), command.clone()));
        for one in command.get_subcommands() {
            all(one, &format!("{name} {}", one.get_name()), found);
        }
    }

    #[test]
    fn no_line_of_the_help_is_broken_in_two() {
        let mut found = Vec::new();
        all(&command(), "abide", &mut found);
        for (name, command) in found {
            let text = command.get_after_help().map(StyledStr::to_string).unwrap_or_default();
            let long = text.lines().filter(|line| line.chars().count() > 100);
            assert_eq!(long.collect::<Vec<_>>(), Vec::<&str>::new(), "{name}");
        }
    }
}
