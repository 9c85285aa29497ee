//! Wheelhouse: a team's knowledge hub and the terminal operations console on it, in one binary.

pub mod api;
pub mod cli;
pub mod config;
pub mod console;
pub mod door;
pub mod events;
pub mod home;
pub mod hub;
pub mod ingest;
pub mod model;
pub mod remote;
pub mod report;
pub mod search;
pub mod store;
pub mod tasks;
pub mod telemetry;
