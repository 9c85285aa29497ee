//! Killed at any moment: what was acknowledged is there, nothing is torn, and it opens without a person.
//!
//! A child appends and says on a pipe what it is about to do and what was acknowledged; the parent kills it with SIGKILL
//! at a random moment, or inside a window that the store tells of, opens the directory itself and compares.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};
use wheelhouse::{
    store::{Store, StoreOptions},
    tasks::Clock,
};

use crate::workload::{self, Numbers, Said, keep_clean, produce, say};

/// Kills at random moments and, together, inside the windows. More by `WHEELHOUSE_KILL_ROUNDS`.
const ROUNDS: usize = 200;
const WINDOWS: [&str; 7] = ["open", "roll", "flush", "snapshot", "clean", "compact", "close"];
/// Of the rounds, inside each window.
const WINDOW_SHARE: usize = 10;
/// Tries for one hit of a window: a window of a millisecond is often over before the kill arrives.
const TRIES_PER_HIT: usize = 12;
/// Rounds on one directory before the next begins with an empty one.
const ROUNDS_PER_DIR: usize = 20;
const PRODUCERS: usize = 3;
const SEGMENT_BYTES: u64 = 24 << 10;
const FLUSH_AFTER: Duration = Duration::from_millis(15);
const SNAPSHOT_AFTER: u64 = 200;
/// In the environment of a child: its directory.
const CHILD: &str = "WHEELHOUSE_KILL_CHILD";

fn options() -> StoreOptions {
    StoreOptions {
        segment_bytes: SEGMENT_BYTES,
        flush_after: FLUSH_AFTER,
        snapshot_after: SNAPSHOT_AFTER,
        ..StoreOptions::new(Clock::system())
    }
}

// --- the child -------------------------------------------------------------------------------------------------------

/// Prints the store's windows as they begin and end.
struct Windows;

impl<S: tracing::Subscriber> Layer<S> for Windows {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        struct Words(String);
        impl Visit for Words {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 += if format!("{value:?}") == "begins" { " begins" } else { " over" };
                }
            }
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "window" {
                    self.0.insert_str(0, value);
                }
            }
        }
        if event.metadata().target() == "wheelhouse::store::window" {
            let mut words = Words(String::new());
            event.record(&mut words);
            say(&format!("W {}", words.0));
        }
    }
}

#[test]
#[ignore = "the child of the kill rounds, started by them"]
fn child() {
    let dir = std::env::var(CHILD).expect("started by the kill rounds");
    tracing_subscriber::registry().with(Windows).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Clock::system();
        let store = Store::open(Path::new(&dir), options()).unwrap();
        let seed = std::process::id() as u64;
        let producers =
            (0..PRODUCERS).map(|i| produce(store.clone(), clock.clone(), seed + i as u64 * 7_919, 60));
        let over = Arc::new(AtomicBool::new(false));
        let (cleaned, cleaning) = (store.clone(), over.clone());
        let cleaner = tokio::task::spawn_blocking(move || keep_clean(&cleaned, &Clock::system(), &cleaning));
        futures::future::join_all(producers).await;
        over.store(true, Ordering::Relaxed);
        cleaner.await.unwrap();
        let closing = store.clone();
        tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    });
}

// --- the parent ------------------------------------------------------------------------------------------------------

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact", "--ignored", "--nocapture", "--quiet"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// When to kill.
enum Moment {
    /// After so many lines.
    Lines(usize),
    /// When this window has begun.
    Window(&'static str),
}

/// Runs a child and kills it; answers whether the kill fell where it was meant to.
fn round(dir: &Path, said: &mut Said, moment: &Moment, numbers: &mut Numbers) -> bool {
    let mut child = start(dir);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut count = 0;
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        said.hear(line.trim_end());
        count += 1;
        let now = match moment {
            Moment::Lines(n) => count == *n,
            Moment::Window(name) => line.trim_end() == format!("W {name} begins"),
        };
        line.clear();
        if now {
            break;
        }
    }
    // A few turns of a loop: the kill is to fall at any point of the window, not always at its start.
    for _ in 0..numbers.below(40_000) {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    child.wait().unwrap();
    // The last line may be cut; `hear` takes only whole ones.
    rest.lines().for_each(|line| said.hear(line));
    match moment {
        Moment::Lines(n) => count == *n,
        Moment::Window(name) => count > 0 && !rest.lines().any(|line| line == format!("W {name} over")),
    }
}

/// Opens what the kill left and holds it against what was said.
fn check(dir: &Path, said: &mut Said) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let store = runtime.block_on(workload::open(dir, options())).unwrap();
    said.compare(&store).unwrap();
    store.close();
}

fn random_rounds(rounds: usize, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut done = 0;
    while done < rounds {
        let dir = tempfile::tempdir().unwrap();
        let mut said = Said::default();
        for _ in 0..ROUNDS_PER_DIR.min(rounds - done) {
            let moment = Moment::Lines(1 + numbers.below(300));
            round(dir.path(), &mut said, &moment, &mut numbers);
            check(dir.path(), &mut said);
            done += 1;
        }
        assert!(said.last > 0, "something was acknowledged");
    }
}

fn window_rounds(window: &'static str, hits: usize, seed: u64) {
    let mut numbers = Numbers(seed);
    for begun in (0..hits).step_by(ROUNDS_PER_DIR) {
        window_rounds_on_one(window, ROUNDS_PER_DIR.min(hits - begun), &mut numbers);
    }
}

fn window_rounds_on_one(window: &'static str, hits: usize, numbers: &mut Numbers) {
    let dir = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    let mut hit = 0;
    for _ in 0..hits * TRIES_PER_HIT {
        hit += usize::from(round(dir.path(), &mut said, &Moment::Window(window), numbers));
        check(dir.path(), &mut said);
        if hit == hits {
            return;
        }
    }
    panic!("the window {window} was hit {hit} times of {hits}");
}

#[test]
fn nothing_acknowledged_is_lost() {
    let rounds = std::env::var("WHEELHOUSE_KILL_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(ROUNDS);
    let in_windows = rounds / WINDOW_SHARE;
    let at_random = rounds - in_windows * WINDOWS.len();
    let seed = std::process::id() as u64;
    eprintln!("{rounds} kills, seed {seed}");
    let random = [at_random / 2, at_random - at_random / 2]
        .map(|share| thread::spawn(move || random_rounds(share, seed.wrapping_mul(share as u64 + 1))));
    let windows =
        thread::spawn(move || WINDOWS.iter().for_each(|window| window_rounds(window, in_windows, seed)));
    for rounds in random.into_iter().chain([windows]) {
        rounds.join().unwrap();
    }
}
