//! What is tested through the whole program: one binary, so that the crate is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot go on says where"
)]

mod cli;
mod conformance;
mod crowd;
mod daemon;
mod damage;
mod docs;
mod erase;
mod faults;
mod fleet;
mod forget;
mod format;
mod fuzz;
mod handover;
mod harness;
mod history;
mod house;
mod http;
mod import;
mod jobs;
mod kill;
mod mcp;
mod meaning;
mod outside;
mod plain;
mod power;
mod pty;
mod reach;
mod rebuild;
mod repair;
mod retain;
mod screens;
mod search;
mod snapshot;
mod socket;
mod workload;
mod ws;
