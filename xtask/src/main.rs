//! What the repository does to itself: `cargo xtask test`, `tidy`, `oracles`, `packages`, `errors`, `man`,
//! `asm-corpus`, `compilers`, `linux-api`, `hosts`, `parity`, `check-parity`, `soundness`.
//!
//! Only this program knows of apt, of other cargo commands and of the shape of the source tree.

mod asm_corpus;
mod check_parity;
mod compilers;
mod errors;
mod hosts;
mod linux_api;
mod man;
mod oracles;
mod packages;
mod parity;
mod setup;
mod soundness;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

/// What went wrong, for people.
type Failure = String;

const HELP: &str = "\
cargo xtask COMMAND

  test [--no-install]   everything that must pass: installs what is missing (Debian), then
                        format, clippy, tidy, doc tests, all tests
  tidy                  the rules of the house: dependency edges, unsafe, module headers,
                        file lengths, a fixture for every code
  oracles               builds what tests compare with (oracles/), where its libraries are
  packages              fetches the Debian packages whose BPF objects tests read
  man [--bless]         check man/ against the command line; --bless writes it
  errors [--bless]      check docs/errors.md against the codes; --bless writes it
  asm-corpus [--bless]  compare the assembler with LLVM's and GNU's on a generated corpus, and
                        docs/assembler-differences.md with what comes out; --bless writes it
  compilers [KERNEL…]   what clang and gcc write for the selftests of Linux 6.1 and 6.12, as text
                        and as objects: compared
  linux-api [--bless]   check apis/linux.api against the facts in apis/facts; --bless writes it;
                        --ask first asks the running kernel what helpers want of their arguments;
                        --ask-attached boots kernels and asks who may call what by attachment;
                        --operations reads the members of struct_ops from the BTF of kernels
  hosts [--bless]       check hosts/ against the BTF of its kernels; --bless writes it
  parity [--bless]      the verifier against the kernel's verdicts on the shared corpora;
                        `parity WORD…`: only corpora or cases with this word in their name
  soundness [--runs N] [--seed N] [--each N] [--kernel] [--corpus DIR]
                        random programs, proved and run beside their proofs, and what the
                        running kernel says of them; --corpus: mutations of the programs on packets
                        of the objects in a folder; `cargo run --release -p xtask` is faster
  check-parity [--ask]  `abide check` against what kernels loaded, into docs/check-parity.md; --ask
                        boots the kernels of the shared data first (7 minutes each)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["test"] => test::run(true),
        ["test", "--no-install"] => test::run(false),
        ["asm-corpus"] => asm_corpus::run(false),
        ["asm-corpus", "--bless"] => asm_corpus::run(true),
        ["tidy"] => tidy::run(),
        ["oracles"] => oracles::run(),
        ["packages"] => packages::run(),
        ["man"] => man::run(false),
        ["man", "--bless"] => man::run(true),
        ["errors"] => errors::check(),
        ["errors", "--bless"] => errors::bless(),
        ["linux-api"] => linux_api::run(false),
        ["linux-api", "--bless"] => linux_api::run(true),
        ["linux-api", "--ask"] => linux_api::ask(false),
        ["linux-api", "--ask", "--plain"] => linux_api::ask(true),
        ["linux-api", "--ask-attached"] => linux_api::ask_attached(),
        ["linux-api", "--operations"] => linux_api::operations(),
        ["hosts"] => hosts::run(false),
        ["hosts", "--bless"] => hosts::run(true),
        ["compilers", kernels @ ..] => compilers::run(kernels),
        ["soundness", words @ ..] => soundness::run(words),
        ["check-parity"] => check_parity::run(false),
        ["check-parity", "--ask"] => check_parity::run(true),
        ["parity", "--bless"] => parity::run(&[], true),
        ["parity", only @ ..] => parity::run(only, false),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("unknown command `{}`\n\n{HELP}", other.join(" "))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
