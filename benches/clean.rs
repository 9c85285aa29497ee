//! What a commit waits for while the cleaner works beside it, and what the cleaner does to the files.
//!
//! `WHEELHOUSE_BENCH_SIZES` gives another number of memories than 100,000.

use std::{
    fs::{self, File},
    io::Read,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use wheelhouse::{
    model::{Change, Commit, EventDraft, Id},
    store::{Cleaned, Overseer, Retention, Store},
    tasks::Clock,
};

use super::append::{bench_dir, draft, import, memory, opened, quantile, runtime};

const MEMORIES: usize = 100_000;
const IMPORT: usize = 256;
/// Searches served for each memory: what goes after a week.
const SEARCHES: usize = 2;
const QUIET: Duration = Duration::from_secs(5);

pub fn run() {
    let count = std::env::var("WHEELHOUSE_BENCH_SIZES").ok().and_then(|text| text.parse().ok());
    let count: usize = count.unwrap_or(MEMORIES);
    let clock = Clock::system();
    let dir = bench_dir();
    let data = dir.path().join("store");
    let store = opened(dir.path());
    let runtime = runtime();
    let mut ids = Vec::new();
    for from in (0..count).step_by(IMPORT) {
        let commit = import(&clock, from, IMPORT);
        ids.extend(commit.changes.iter().map(Change::id));
        let served = (0..IMPORT * SEARCHES).map(|_| served(&clock)).collect();
        runtime.block_on(store.commit(commit)).unwrap();
        runtime.block_on(store.commit(Commit { events: served, ..Commit::default() })).unwrap();
    }
    println!("clean: {count} memories of about 1 KiB, {} searches served", count * SEARCHES);
    sizes("as it was written", &data, count);

    let quiet = commits_while(&store, &clock, || thread::sleep(QUIET));
    tell("nothing else", quiet);
    let packed = commits_while(&store, &clock, || {
        let begin = Instant::now();
        let cleaned = clean(&store, &Retention::default());
        told("packs the log", &cleaned, begin.elapsed());
    });
    tell("the log is packed", packed);
    sizes("packed", &data, count);
    let passed = commits_while(&store, &clock, || {
        let begin = Instant::now();
        let retention = Retention { telemetry: Duration::ZERO, ..Retention::default() };
        let cleaned = clean(&store, &retention);
        told("takes the searches", &cleaned, begin.elapsed());
    });
    tell("what is past is taken", passed);
    sizes("without the searches", &data, count);

    let erase = Change::Erase { id: ids[count / 2] };
    let commit = Commit { changes: vec![erase], events: vec![draft(&clock)], ..Commit::default() };
    runtime.block_on(store.commit(commit)).unwrap();
    let erased = commits_while(&store, &clock, || {
        let begin = Instant::now();
        let cleaned = clean(&store, &Retention::default());
        told("erases one memory: log, snapshot, record view", &cleaned, begin.elapsed());
    });
    tell("one is erased, a snapshot among it", erased);
    sizes("with one less", &data, count);
    let begin = Instant::now();
    let report = store.fsck().unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    let (fsck, reading) = (begin.elapsed(), read_all(&data.join("log")) + read_all(&data.join("records")));
    println!("  fsck {fsck:.2?}; reading the same files {reading:.2?}");
    store.close();
}

fn served(clock: &Clock) -> EventDraft {
    EventDraft {
        kind: "search.served".into(),
        subject: "wheelhouse.search.served".parse().unwrap(),
        id: clock.id(),
        correlation_id: Id::NIL,
        ..draft(clock)
    }
}

pub fn clean(store: &Store, retention: &Retention) -> Cleaned {
    let runtime = runtime();
    let clock = Clock::system();
    let say_again = |changes: Vec<Change>| {
        let commit = Commit { changes, events: vec![draft(&clock)], ..Commit::default() };
        runtime.block_on(store.commit(commit)).map(drop)
    };
    let overseer = Overseer { say_again: &say_again, progress: &|_, _, _| {}, stop: &|| false };
    store.clean(retention, &overseer).unwrap()
}

fn told(what: &str, cleaned: &Cleaned, took: Duration) {
    let mb = cleaned.log.bytes_before as f64 / 1e6;
    println!("  the cleaner {what}: {} segments, {mb:.0} MB in {took:.2?}", cleaned.segments);
}

/// How long saved memories wait, one after the other, while something else goes on.
fn commits_while(store: &Store, clock: &Clock, work: impl FnOnce()) -> Vec<Duration> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let saving = scope.spawn(|| {
            let runtime = runtime();
            let mut each = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let memory = memory(clock, each.len());
                let commit = Commit {
                    changes: vec![Change::Put { memory }],
                    events: vec![draft(clock)],
                    ..Commit::default()
                };
                runtime.block_on(store.commit(commit)).unwrap();
                each.push(begin.elapsed());
            }
            each
        });
        work();
        over.store(true, Ordering::Relaxed);
        saving.join().unwrap()
    })
}

fn tell(beside: &str, mut each: Vec<Duration>) {
    let (p50, p99) = (quantile(&mut each, 0.5), quantile(&mut each, 0.99));
    println!("  one saved memory, {beside}: p50 {p50:.2?} p99 {p99:.2?} of {}", each.len());
}

fn sizes(how: &str, data: &Path, memories: usize) {
    let each = |part: &str| bytes_in(&data.join(part)) as f64 / memories as f64;
    let [log, records, snapshots] = ["log", "records", "snapshots"].map(each);
    println!("  {how}: B a memory: log {log:.0}, record view {records:.0}, snapshots {snapshots:.0}");
}

fn bytes_in(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata().unwrap() {
            found if found.is_dir() => bytes_in(&entry.path()),
            found => found.len(),
        })
        .sum()
}

/// Every byte of the files of a directory, read.
pub fn read_all(dir: &Path) -> Duration {
    let begin = Instant::now();
    let mut bytes = vec![0; 1 << 20];
    for entry in fs::read_dir(dir).unwrap().flatten() {
        if entry.metadata().unwrap().is_dir() {
            read_all(&entry.path());
            continue;
        }
        let mut file = File::open(entry.path()).unwrap();
        while file.read(&mut bytes).unwrap() > 0 {}
    }
    begin.elapsed()
}
