//! Opening: until reads are served, after a clean close and after a kill; the record view made anew; memory; and the
//! console's first paint on a pseudo-terminal with all of it on disk. `WHEELHOUSE_BENCH_RECORDS`: how many (100,000).

use std::{
    io::Read,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::{Map, json};
use wheelhouse::{
    door::ListRequest,
    model::{Actor, Change, Commit, EventDraft, Id, Lane, Memory, Projects, Severity, content_hash},
    store::{Store, StoreOptions},
    tasks::Clock,
};

use crate::append::median;

const BATCH: usize = 256;
const PAINTS: usize = 7;
/// In the environment of the child that dies without closing.
const CHILD: &str = "WHEELHOUSE_BENCH_CHILD";

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Ok(dir) = std::env::var(CHILD) {
        runtime.block_on(fill(Path::new(&dir), 10 * BATCH, false));
        std::process::abort();
    }
    let records =
        std::env::var("WHEELHOUSE_BENCH_RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    runtime.block_on(fill(dir.path(), records, true));
    let took = begun.elapsed().as_secs_f64();
    println!("{records} generated memories of 1 KiB saved in {took:.1} s ({:.0}/s)", records as f64 / took);
    println!(
        "reads served after a clean close: {:.0} ms",
        runtime.block_on(opened(dir.path(), "")).as_secs_f64() * 1e3
    );
    let child =
        Command::new(std::env::current_exe().unwrap()).arg("open").env(CHILD, dir.path()).status().unwrap();
    assert!(!child.success(), "the child dies");
    println!(
        "reads served after a kill:        {:.0} ms",
        runtime.block_on(opened(dir.path(), "")).as_secs_f64() * 1e3
    );
    first_paint(dir.path());
    std::fs::remove_dir_all(dir.path().join("records")).unwrap();
    let rebuilt = runtime.block_on(opened(dir.path(), "  resident anonymous memory after it"));
    println!("record view made anew:            {:.1} s (goal 60 s at 1,000,000)", rebuilt.as_secs_f64());
}

async fn fill(dir: &Path, records: usize, close: bool) {
    let clock = Clock::system();
    let store = Store::open(dir, StoreOptions::new(clock.clone())).unwrap();
    for batch in 0..records.div_ceil(BATCH) {
        let mut commit = Commit { lane: Lane::Bulk, ..Commit::default() };
        for n in batch * BATCH..records.min((batch + 1) * BATCH) {
            let content = format!("{n} {}", "lorem ipsum dolor sit amet ".repeat(36));
            let memory: Memory = serde_json::from_value(json!({
                "id": clock.id(), "created_at": clock.now(), "updated_at": clock.now(), "revision": 1,
                "title": format!("memory {n}"), "content_hash": content_hash(&content), "content": content,
                "tags": ["bench", format!("t{}", n % 50)], "correlation_id": Id::NIL,
            }))
            .unwrap();
            commit.events.push(EventDraft {
                id: clock.id(),
                kind: "memory.saved".into(),
                subject: "_.memory.saved".parse().unwrap(),
                time: clock.now(),
                correlation_id: Id::NIL,
                causation_id: None,
                actor: Actor::hub(),
                severity: Severity::Info,
                data: Map::from_iter([("id".to_owned(), memory.id.to_string().into())]),
            });
            commit.changes.push(Change::Put { memory });
        }
        store.commit(commit).await.unwrap();
    }
    if close {
        store.close();
    }
}

/// How long until the store answers a list and a read.
async fn opened(dir: &Path, memory: &str) -> Duration {
    let begun = Instant::now();
    let store = Store::open(dir, StoreOptions::new(Clock::system())).unwrap();
    let mut state = store.state();
    state.wait_for(|state| state.records.is_ready()).await.unwrap();
    let page = store.list(&ListRequest::default(), &Projects::All).unwrap();
    store.get(page.memories[0].id).unwrap().unwrap();
    let took = begun.elapsed();
    if !memory.is_empty() {
        println!("{memory}: {:.0} MB", anonymous_bytes() as f64 / 1e6);
    }
    store.close();
    took
}

fn anonymous_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = text.lines().find(|line| line.starts_with("Anonymous:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

/// From the start of the process until its first screen has arrived.
fn first_paint(dir: &Path) {
    let home = tempfile::tempdir().unwrap();
    let mut took: Vec<f64> = (0..PAINTS)
        .map(|_| {
            let pty = native_pty_system();
            let pair = pty.openpty(PtySize { rows: 45, cols: 160, pixel_width: 0, pixel_height: 0 }).unwrap();
            let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_wheelhouse"));
            command.env_clear();
            for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("COLORTERM", "truecolor")]
            {
                command.env(name, value);
            }
            command.env("HOME", home.path());
            command.arg("--data-dir");
            command.arg(dir);
            let mut reader = pair.master.try_clone_reader().unwrap();
            let begun = Instant::now();
            let mut child = pair.slave.spawn_command(command).unwrap();
            let mut seen = Vec::new();
            let mut bytes = [0; 65_536];
            while !seen.windows(8).any(|window| window == b"Timeline") {
                let n = reader.read(&mut bytes).unwrap();
                seen.extend_from_slice(&bytes[..n]);
            }
            let took = begun.elapsed().as_secs_f64() * 1e3;
            child.kill().unwrap();
            child.wait().unwrap();
            took
        })
        .collect();
    let slowest = took.iter().copied().fold(0.0, f64::max);
    println!(
        "first paint: median {:.0} ms, slowest of {PAINTS} {slowest:.0} ms (goal 50, gate 100)",
        median(&mut took)
    );
}
