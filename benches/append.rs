//! Durable appends: events of about 300 bytes by 1, 16 and 256 producers, and one saved memory of 1 KiB, each beside a
//! bare loop that group-commits the same bytes with fdatasync, in turn, in the same run. The limit is the disk's fsync
//! rate, which the bare loop shows.

use std::{
    fs::File,
    io::Write,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Map, json};
use tokio::sync::oneshot;
use wheelhouse::{
    model::{Actor, Change, Commit, EventDraft, Id, Memory, Severity, content_hash, encode},
    store::{Store, StoreOptions},
    tasks::Clock,
};

const ROUND: Duration = Duration::from_millis(1_500);
/// Pairs of rounds; the median is told.
const ROUNDS: usize = 5;
const SAVES: usize = 300;

pub fn run() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!(
            "{:<22} {:>10} {:>10} {:>7} {:>9} {:>9}",
            "events of 300 B", "ours/s", "bare/s", "ratio", "p50 ms", "p99 ms"
        );
        for producers in [1, 16, 256] {
            producers_row(producers).await;
        }
        save_row().await;
    });
}

fn draft(clock: &Clock) -> EventDraft {
    EventDraft {
        id: clock.id(),
        kind: "hub.sampled".into(),
        subject: "bench.hub.sampled".parse().unwrap(),
        time: clock.now(),
        correlation_id: clock.id(),
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        data: Map::from_iter([(
            "title".to_owned(),
            "a title of a common length, and some more words".into(),
        )]),
    }
}

/// A writer that does nothing but group commit.
struct Bare {
    waiting: Mutex<(Vec<(Arc<Vec<u8>>, oneshot::Sender<()>)>, bool)>,
    changed: Condvar,
}

impl Bare {
    fn run(&self, mut file: File) {
        let mut bytes = Vec::new();
        loop {
            let mut waiting = self.waiting.lock().unwrap();
            while waiting.0.is_empty() {
                if waiting.1 {
                    return;
                }
                waiting = self.changed.wait(waiting).unwrap();
            }
            let batch = std::mem::take(&mut waiting.0);
            drop(waiting);
            bytes.clear();
            batch.iter().for_each(|(frame, _)| bytes.extend_from_slice(frame));
            file.write_all(&bytes).unwrap();
            file.sync_data().unwrap();
            for (_, reply) in batch {
                reply.send(()).unwrap();
            }
        }
    }

    async fn append(&self, frame: Arc<Vec<u8>>) {
        let (reply, done) = oneshot::channel();
        self.waiting.lock().unwrap().0.push((frame, reply));
        self.changed.notify_one();
        done.await.unwrap();
    }
}

/// Appends until the round is over; answers how many a second, and how long each took.
async fn produce<F, A>(producers: usize, append: F) -> (f64, Vec<f64>)
where
    F: Fn() -> A + Clone + Send + 'static,
    A: Future<Output = ()> + Send,
{
    let started = Instant::now();
    let mut group = tokio::task::JoinSet::new();
    for _ in 0..producers {
        let append = append.clone();
        group.spawn(async move {
            let mut took = Vec::new();
            while started.elapsed() < ROUND {
                let begun = Instant::now();
                append().await;
                took.push(begun.elapsed().as_secs_f64() * 1e3);
            }
            took
        });
    }
    let took: Vec<f64> = group.join_all().await.concat();
    (took.len() as f64 / started.elapsed().as_secs_f64(), took)
}

async fn producers_row(producers: usize) {
    let (mut ours, mut bare, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let store = Store::open(dir.path(), StoreOptions::new(clock.clone())).unwrap();
        store.commit(Commit { events: vec![draft(&clock)], ..Commit::default() }).await.unwrap();
        let appending = store.clone();
        let (rate, took) = produce(producers, move || {
            let (store, clock) = (appending.clone(), clock.clone());
            async move {
                let commit = Commit { events: vec![draft(&clock)], ..Commit::default() };
                store.commit(commit).await.unwrap();
            }
        })
        .await;
        store.close();
        ours.push(rate);
        all.extend(took);

        let clock = Clock::system();
        let event = draft(&clock).placed(wheelhouse::model::Sequence(1), clock.now());
        let frame = Arc::new([vec![0; 36], encode(&event)].concat());
        let loop_of = Arc::new(Bare { waiting: Mutex::default(), changed: Condvar::new() });
        let file = File::create(dir.path().join("bare")).unwrap();
        let writing = loop_of.clone();
        let writer = std::thread::spawn(move || writing.run(file));
        let appending = loop_of.clone();
        let (rate, _) = produce(producers, move || {
            let (bare, frame) = (appending.clone(), frame.clone());
            async move { bare.append(frame).await }
        })
        .await;
        loop_of.waiting.lock().unwrap().1 = true;
        loop_of.changed.notify_one();
        writer.join().unwrap();
        bare.push(rate);
    }
    let (ours, bare) = (median(&mut ours), median(&mut bare));
    let (p50, p99) = (at(&mut all, 0.5), at(&mut all, 0.99));
    let name = format!("{producers} producers");
    println!("{name:<22} {ours:>10.0} {bare:>10.0} {:>7.2} {p50:>9.3} {p99:>9.3}", ours / bare);
}

async fn save_row() {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let store = Store::open(dir.path(), StoreOptions::new(clock.clone())).unwrap();
    let mut file = File::create(dir.path().join("bare")).unwrap();
    let bytes = vec![7; 1_500];
    for n in 0..SAVES {
        let content = format!("{n} {}", "word ".repeat(200));
        let memory: Memory = serde_json::from_value(json!({
            "id": clock.id(), "created_at": clock.now(), "updated_at": clock.now(), "revision": 1,
            "content_hash": content_hash(&content), "content": content, "tags": ["a", "b"], "correlation_id": Id::NIL,
        }))
        .unwrap();
        let commit = Commit {
            events: vec![draft(&clock)],
            changes: vec![Change::Put { memory }],
            ..Commit::default()
        };
        let begun = Instant::now();
        store.commit(commit).await.unwrap();
        ours.push(begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
        bare.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    store.close();
    let (p50, p99) = (at(&mut ours, 0.5), at(&mut ours, 0.99));
    let (bare50, bare99) = (at(&mut bare, 0.5), at(&mut bare, 0.99));
    println!(
        "one saved memory, acknowledged: p50 {p50:.3} p99 {p99:.3} ms; bare append + fdatasync: p50 {bare50:.3} p99 {bare99:.3} ms"
    );
    println!("  goal 1.3x + 0.3 ms = {:.3} ms at the median", bare50 * 1.3 + 0.3);
}

pub fn median(values: &mut [f64]) -> f64 {
    at(values, 0.5)
}

/// The value below which this share of them lies.
pub fn at(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share) as usize]
}
