//! The program: parse, run, report, exit.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use wheelhouse::cli;

// glibc's keeps what a thread gave back for that thread alone: an index of a million memories being built held 1.7 GB for
// 0.8 GB in use.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let typed = cli::parse();
    let manner = cli::Manner::of(&typed);
    match cli::run(typed, manner) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => stop.report(manner),
    }
}
