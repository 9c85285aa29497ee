//! `cargo bench -- NAME`: measures one thing beside its reference in the same run, and prints ratios.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints what it measured and stops where it cannot"
)]

mod append;
mod clean;
mod console;
mod health;
mod history;
mod jobs;
mod live;
mod open;
mod reach;
mod search;

fn main() {
    let name = std::env::args().skip(1).find(|arg| !arg.starts_with('-')).unwrap_or_default();
    match name.as_str() {
        "append" => append::run(),
        "clean" => clean::run(),
        "history" => history::run(),
        "open" => open::run(),
        "search" => search::run(),
        "erase" => search::erase(),
        "console" => console::run(),
        "live" => live::run(),
        "health" => health::run(),
        "jobs" => jobs::run(),
        "reach" => reach::run(),
        _ => {
            println!(
                "usage: cargo bench -- append|clean|open|history|search|erase|console|live|health|jobs|reach"
            )
        }
    }
}
