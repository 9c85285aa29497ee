//! The program: parse, run, report, exit.

use std::process::ExitCode;

use wheelhouse::cli;

fn main() -> ExitCode {
    let typed = cli::parse();
    let manner = cli::Manner::of(&typed);
    match cli::run(typed, manner) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => stop.report(manner),
    }
}
