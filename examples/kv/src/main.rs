//! Prints what becomes of filters that were written for different versions of the store's API on
//! hosts of different versions: the table of the README.

use std::error::Error;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    print!("{}", kv_example::table::text()?);
    println!();
    println!("why `after the window` is refused, in full:");
    println!();
    println!("{}", kv_example::table::refusal()?);
    Ok(())
}
