//! Durable appends beside a bare loop that group-commits the same bytes with fdatasync, in turns in the same run.
//!
//! `WHEELHOUSE_BENCH_DIR` names a directory on the disk to be measured, else the machine's temporary one.

use std::{
    fs::{File, OpenOptions},
    io::IoSlice,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::io::ReadWriteFlags;
use serde_json::{Map, json};
use wheelhouse::{
    model::{
        Actor, Change, Commit, Entry, EventDraft, Id, Lane, Memory, Sequence, Severity, Time, content_hash,
        encode,
    },
    store::{Store, StoreOptions},
    tasks::Clock,
};

const PRODUCERS: [usize; 3] = [1, 16, 256];
const TURNS: usize = 7;
const TURN: Duration = Duration::from_millis(900);
/// What a frame adds to an entry.
const FRAME_BYTES: usize = 36;

pub fn run() {
    let dir = bench_dir();
    println!("append: durable, in turns of {TURN:?}, medians of {TURNS}");
    ways(dir.path());
    for producers in PRODUCERS {
        events(dir.path(), producers);
    }
    saved(dir.path());
}

pub fn bench_dir() -> tempfile::TempDir {
    match std::env::var_os("WHEELHOUSE_BENCH_DIR") {
        Some(dir) => tempfile::tempdir_in(PathBuf::from(dir)).unwrap(),
        None => tempfile::tempdir().unwrap(),
    }
}

// What is written.

pub fn draft(clock: &Clock) -> EventDraft {
    EventDraft {
        id: clock.id(),
        kind: "source.synced".into(),
        subject: "wheelhouse.source.synced.docs".parse().unwrap(),
        time: clock.now(),
        correlation_id: clock.id(),
        causation_id: None,
        actor: Actor("user:ada".into()),
        severity: Severity::Info,
        sampled_rate: None,
        data: json!({ "path": "/home/ada/notes", "taken": 12, "changed": 3, "unchanged": 900, "skipped": 1 })
            .as_object()
            .cloned()
            .unwrap(),
    }
}

pub fn memory(clock: &Clock, n: usize) -> Memory {
    let content = format!("# Note {n}\n\n{}", "Drain the queue before workers are restarted. ".repeat(20));
    let (project, kind) =
        (["_", "north", "south", "east", "west"][n % 5], ["note", "gotcha", "howto"][n % 3]);
    serde_json::from_value(json!({
        "id": clock.id(), "created_at": clock.now(), "updated_at": clock.now(), "revision": 1,
        "title": format!("Note {n}"), "content_hash": content_hash(&content), "content": content,
        "project": project, "type": kind,
        "tags": [format!("tag{}", n % 40), format!("area{}", n % 7)],
        "origin": { "actor": "user:ada", "url": format!("file:///home/ada/notes/{}/{n}.md", n % 300) },
    }))
    .unwrap()
}

fn entry_bytes(clock: &Clock, changes: Vec<Change>) -> usize {
    let event = draft(clock).placed(Sequence(1_000_000), clock.now());
    FRAME_BYTES + encode(&Entry { events: vec![event], changes, idempotency_key: None }).len()
}

// The reference.

fn bare_file(dir: &Path) -> File {
    OpenOptions::new().create(true).truncate(true).write(true).open(dir.join("bare")).unwrap()
}

/// Batches of `bytes` a second, and how long each took.
fn bare(dir: &Path, bytes: usize) -> (f64, Vec<Duration>) {
    let file = bare_file(dir);
    let block = vec![7; bytes];
    let mut at = 0;
    timed(|| {
        file.write_all_at(&block, at).unwrap();
        file.sync_data().unwrap();
        at += bytes as u64;
    })
}

fn timed(mut step: impl FnMut()) -> (f64, Vec<Duration>) {
    let start = Instant::now();
    let mut each = Vec::new();
    while start.elapsed() < TURN {
        let begin = Instant::now();
        step();
        each.push(begin.elapsed());
    }
    (each.len() as f64 / start.elapsed().as_secs_f64(), each)
}

/// Which way of making a write durable is the fastest here: what the log does is the second.
fn ways(dir: &Path) {
    let bytes = entry_bytes(&Clock::system(), vec![]);
    let zeros = vec![0; 64 << 20];
    let block = vec![7; bytes];
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        for (way, rates) in rates.iter_mut().enumerate() {
            let file = bare_file(dir);
            if way % 2 == 1 {
                file.write_all_at(&zeros, 0).unwrap();
                file.sync_data().unwrap();
            }
            let mut at = 0;
            let (rate, _) = timed(|| {
                if way < 2 {
                    file.write_all_at(&block, at).unwrap();
                    file.sync_data().unwrap();
                } else {
                    let parts = [IoSlice::new(&block)];
                    rustix::io::pwritev2(&file, &parts, at, ReadWriteFlags::DSYNC).unwrap();
                }
                at += bytes as u64;
            });
            rates.push(rate);
        }
    }
    let names =
        ["write + fdatasync, growing", "the same into zeros", "RWF_DSYNC, growing", "RWF_DSYNC into zeros"];
    for (name, rates) in names.iter().zip(&mut rates) {
        println!("  {name:<28} {:>9.0}/s of {bytes} B", median(rates));
    }
}

// The store.

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

pub fn opened(dir: &Path) -> Store {
    let store = Store::open(&dir.join("store"), StoreOptions::new(Clock::system())).unwrap();
    let mut state = store.state();
    futures::executor::block_on(state.wait_for(|state| state.records.is_ready())).unwrap();
    store
}

fn events(dir: &Path, producers: usize) {
    let clock = Clock::system();
    let bytes = entry_bytes(&clock, vec![]);
    let (mut ours, mut theirs, mut waits, mut bare_waits) = (vec![], vec![], vec![], vec![]);
    let store = opened(dir);
    let runtime = runtime();
    for _ in 0..TURNS {
        let (rate, each) = bare(dir, bytes * producers);
        theirs.push(rate * producers as f64);
        bare_waits.extend(each);
        let start = Instant::now();
        let producing: Vec<_> = (0..producers)
            .map(|_| {
                let (store, clock) = (store.clone(), clock.clone());
                async move {
                    let mut each = Vec::new();
                    while start.elapsed() < TURN {
                        let begin = Instant::now();
                        let events = vec![draft(&clock)];
                        store.commit(Commit { events, ..Commit::default() }).await.unwrap();
                        each.push(begin.elapsed());
                    }
                    each
                }
            })
            .collect();
        let each: Vec<Duration> = runtime.block_on(async {
            let tasks: tokio::task::JoinSet<_> = producing.into_iter().collect();
            tasks.join_all().await.concat()
        });
        ours.push(each.len() as f64 / start.elapsed().as_secs_f64());
        waits.extend(each);
    }
    store.close();
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let goal = if producers == 1 { 0.75 } else { 0.5 };
    println!(
        "  {producers:>3} producers: {ours:>9.0}/s beside {theirs:>9.0}/s bare = {:.2}x (goal {goal}x); p50 {:?} p99 {:?}, bare {:?} {:?}",
        ours / theirs,
        quantile(&mut waits, 0.5),
        quantile(&mut waits, 0.99),
        quantile(&mut bare_waits, 0.5),
        quantile(&mut bare_waits, 0.99),
    );
}

/// One memory at a time: what a person waits for.
fn saved(dir: &Path) {
    let clock = Clock::system();
    let store = opened(dir);
    let runtime = runtime();
    let bytes = entry_bytes(&clock, vec![Change::Put { memory: memory(&clock, 0) }]);
    let (mut ours, mut theirs) = (vec![], vec![]);
    let mut n = 0;
    for _ in 0..TURNS {
        theirs.extend(bare(dir, bytes).1);
        let each = timed(|| {
            n += 1;
            let commit = Commit {
                changes: vec![Change::Put { memory: memory(&clock, n) }],
                events: vec![draft(&clock)],
                lane: Lane::Interactive,
                ..Commit::default()
            };
            runtime.block_on(store.commit(commit)).unwrap();
        });
        ours.extend(each.1);
    }
    store.close();
    let (ours, theirs) = (quantile(&mut ours, 0.5), quantile(&mut theirs, 0.5));
    let over = ours.saturating_sub(theirs.mul_f64(1.3));
    println!(
        "  one memory ({bytes} B): p50 {ours:?} beside {theirs:?} bare = {:.2}x; over 1.3x by {over:?} (goal 300µs)",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
}

pub fn quantile(each: &mut [Duration], q: f64) -> Duration {
    each.sort_unstable();
    each[((each.len() - 1) as f64 * q) as usize]
}

fn median(rates: &mut [f64]) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// The entries of an import: `count` memories in one commit.
pub fn import(clock: &Clock, from: usize, count: usize) -> Commit {
    let memories: Vec<_> = (from..from + count).map(|n| memory(clock, n)).collect();
    Commit {
        events: memories.iter().map(|memory| saved_event(clock, memory)).collect(),
        changes: memories.into_iter().map(|memory| Change::Put { memory }).collect(),
        lane: Lane::Bulk,
        ..Commit::default()
    }
}

fn saved_event(clock: &Clock, memory: &Memory) -> EventDraft {
    let data =
        [("id", memory.id.to_string()), ("title", memory.title.clone()), ("type", memory.kind.clone())];
    EventDraft {
        kind: "memory.saved".into(),
        subject: "_.memory.saved".parse().unwrap(),
        data: Map::from_iter(data.map(|(key, value)| (key.to_owned(), value.into()))),
        correlation_id: Id::NIL,
        time: Time::default(),
        ..draft(clock)
    }
}
