//! A hub from outside: the program itself as a process of its own, asked over TCP without keys, by clients in this
//! process. Both share the machine's cores; what the hub alone took of them is read from the kernel.
//!
//! `WHEELHOUSE_REACH` names parts of `fanout,stopped,catch_up,memory,mix` (all of them). `WHEELHOUSE_REACH_PART` is
//! which part of everything is done (1), for a try.

mod catch_up;
mod fanout;
mod hub;
mod memory;
mod mix;
mod stopped;
mod wire;

use std::future::Future;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Threads of the clients, as many as there are cores here.
const CLIENT_THREADS: usize = 2;
const ROUNDS: usize = 3;

pub fn run() {
    let parts = std::env::var("WHEELHOUSE_REACH").unwrap_or_default();
    let asked = |part: &str| parts.is_empty() || parts.split(',').any(|named| named == part);
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    for (name, part) in [
        ("fanout", fanout::run as fn()),
        ("stopped", stopped::run),
        ("catch_up", catch_up::run),
        ("memory", memory::run),
        ("mix", mix::run),
    ] {
        if asked(name) {
            part();
        }
    }
}

/// So much of a number, at least one.
fn part_of(whole: usize) -> usize {
    let part = std::env::var("WHEELHOUSE_REACH_PART").map_or(1.0, |text| text.parse::<f64>().unwrap());
    ((whole as f64 * part) as usize).max(1)
}

/// Runs the clients' side.
fn clients<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CLIENT_THREADS)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
