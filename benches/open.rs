//! Opening a store of 100,000 and 1,000,000 memories: until reads are served, after a close and after a kill, and until
//! the record view is made anew; with the memory that only this process holds.
//!
//! Each start is a process of its own. `WHEELHOUSE_BENCH_SIZES` gives other numbers of memories.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use wheelhouse::{
    door::ListRequest,
    model::Projects,
    store::{Store, StoreOptions},
    tasks::Clock,
};

use super::append::{bench_dir, import, quantile};

const IMPORT: usize = 256;
const STARTS: usize = 5;
/// Of the process that is killed: how much it appends after the last flush.
const APPENDED: usize = 20 * IMPORT;
const CHILD: &str = "WHEELHOUSE_BENCH_CHILD";

pub fn run() {
    if let Ok(what) = std::env::var(CHILD) {
        let dir = PathBuf::from(std::env::var_os("WHEELHOUSE_BENCH_STORE").unwrap());
        return child(&what, &dir);
    }
    let sizes = std::env::var("WHEELHOUSE_BENCH_SIZES").unwrap_or_else(|_| "100000,1000000".to_owned());
    for size in sizes.split(',').filter_map(|size| size.trim().parse::<usize>().ok()) {
        let dir = bench_dir();
        println!("open: {size} memories");
        told(start(dir.path(), &format!("fill {size}")), "filled by imports");
        let mut closed = Vec::new();
        let mut killed = Vec::new();
        for _ in 0..STARTS {
            closed.push(start(dir.path(), "open"));
            start(dir.path(), "append");
            killed.push(start(dir.path(), "open"));
        }
        for (name, mut starts) in [("after a close", closed), ("after a kill", killed)] {
            starts.sort_by_key(|(took, _)| *took);
            told(starts[starts.len() / 2], &format!("reads served {name} (goal 2 s)"));
        }
        told(start(dir.path(), "rebuild"), "the record view made anew (goal 60 s at 1,000,000)");
    }
}

fn told((took, anonymous): (Duration, u64), what: &str) {
    println!("  {:>9.2?}  {:>5} MB anonymous  {what}", took, anonymous >> 10);
}

/// Runs a child, killed as soon as it has answered; answers how long it took and its anonymous memory in KiB.
fn start(dir: &Path, what: &str) -> (Duration, u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["open"])
        .env(CHILD, what)
        .env("WHEELHOUSE_BENCH_STORE", dir.join("store"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut line).unwrap();
    if what == "append" {
        child.kill().unwrap();
    }
    child.wait().unwrap();
    let (micros, anonymous) = line.trim().split_once(' ').unwrap_or_else(|| panic!("{what}: {line:?}"));
    (Duration::from_micros(micros.parse().unwrap()), anonymous.parse().unwrap())
}

fn anonymous_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn ready(store: &Store) {
    let mut state = store.state();
    futures::executor::block_on(state.wait_for(|state| state.records.is_ready())).unwrap();
}

fn child(what: &str, dir: &Path) {
    let clock = Clock::system();
    let begin = Instant::now();
    let store = Store::open(dir, StoreOptions::new(clock.clone())).unwrap();
    ready(&store);
    let page = store.list(&ListRequest::default(), &Projects::All).unwrap();
    let mut took = begin.elapsed();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let append = |from: usize, count: usize| {
        let mut each = Vec::new();
        for first in (from..from + count).step_by(IMPORT) {
            let begin = Instant::now();
            runtime.block_on(store.commit(import(&clock, first, IMPORT.min(from + count - first)))).unwrap();
            each.push(begin.elapsed());
        }
        each
    };
    match what.split_once(' ') {
        Some((_, size)) => {
            let begin = Instant::now();
            let mut each = append(0, size.parse().unwrap());
            took = begin.elapsed();
            eprintln!(
                "    a commit of {IMPORT}: p50 {:?} p99 {:?}",
                quantile(&mut each, 0.5),
                quantile(&mut each, 0.99)
            );
        }
        None if what == "append" => {
            append(1 << 30, APPENDED);
        }
        None if what == "rebuild" => {
            let begin = Instant::now();
            store.rebuild_records().unwrap();
            ready(&store);
            took = begin.elapsed();
        }
        None => assert!(!page.memories.is_empty()),
    }
    println!("{} {}", took.as_micros(), anonymous_kib());
    if what == "append" {
        // To be killed, not to close.
        std::thread::sleep(Duration::from_secs(60));
    }
    store.close();
}
