//! Killed at any moment: what was acknowledged is there, nothing is torn, and it opens without a person.
//!
//! A child appends and says on a pipe what it is about to do and what was acknowledged; the parent kills it with SIGKILL
//! at a random moment, or inside a window that the store tells of, opens the directory itself and compares.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Map;
use tracing::field::{Field, Visit};
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};
use wheelhouse::{
    model::{Actor, Change, Commit, EventDraft, Id, Memory, Precondition, Sequence, Severity, content_hash},
    store::{Store, StoreOptions, StoreState},
    tasks::Clock,
};

/// Kills at random moments and, together, inside the windows. More by `WHEELHOUSE_KILL_ROUNDS`.
const ROUNDS: usize = 200;
const WINDOWS: [&str; 5] = ["open", "roll", "flush", "snapshot", "close"];
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

/// Numbers that look random and repeat with their seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
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

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The parent may be gone already; then there is no one to tell.
    drop(out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()));
}

fn draft(clock: &Clock, memory: &Memory, kind: &str) -> EventDraft {
    EventDraft {
        id: clock.id(),
        kind: kind.into(),
        subject: format!("_.{kind}").parse().unwrap(),
        time: clock.now(),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        data: Map::from_iter([("id".to_owned(), memory.id.to_string().into())]),
    }
}

fn memory(clock: &Clock, numbers: &mut Numbers) -> Memory {
    let content = format!("note {} {}", numbers.below(1 << 30), "x".repeat(numbers.below(600)));
    serde_json::from_value(serde_json::json!({
        "id": clock.id(), "created_at": clock.now(), "updated_at": clock.now(), "revision": 1,
        "content_hash": content_hash(&content), "content": content, "tags": ["kill"],
    }))
    .unwrap()
}

/// Saves, edits, hides and restores its own records, one after the other, until it is killed or told to close.
async fn produce(store: Store, clock: Clock, seed: u64, commits: usize) {
    let mut numbers = Numbers(seed);
    let mut own: Vec<(Memory, bool)> = Vec::new();
    for _ in 0..commits {
        let pick =
            if own.is_empty() || numbers.below(3) == 0 { None } else { Some(numbers.below(own.len())) };
        let (mut memory, hidden) = match pick {
            None => (memory(&clock, &mut numbers), false),
            Some(i) => own[i].clone(),
        };
        let id = memory.id;
        let (change, precondition, after, kind) = match (pick, hidden, numbers.below(3)) {
            (None, ..) => {
                (Change::Put { memory: memory.clone() }, Precondition::Absent { id }, false, "memory.saved")
            }
            (_, true, _) => {
                let change = Change::Restore { memory: memory.clone() };
                (change, Precondition::Hidden { id, hidden: true }, false, "memory.restored")
            }
            (_, false, 0) => {
                (Change::Forget { id }, Precondition::Hidden { id, hidden: false }, true, "memory.forgotten")
            }
            _ => {
                let revision = memory.revision;
                memory.revision += 1;
                memory.content = format!("revision {} {}", memory.revision, "y".repeat(numbers.below(600)));
                memory.content_hash = content_hash(&memory.content);
                let change = Change::Put { memory: memory.clone() };
                (change, Precondition::Revision { id, revision }, false, "memory.updated")
            }
        };
        let state = format!("{id} {} {after} {}", memory.revision, memory.content_hash);
        say(&format!("B {state}"));
        let commit = Commit {
            events: vec![draft(&clock, &memory, kind)],
            changes: vec![change],
            preconditions: vec![precondition],
            ..Commit::default()
        };
        let committed = store.commit(commit).await.unwrap();
        assert!(committed.applied);
        say(&format!("A {} {state}", committed.last));
        match pick {
            None => own.push((memory, after)),
            Some(i) => own[i] = (memory, after),
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
        futures::future::join_all(producers).await;
        let closing = store.clone();
        tokio::task::spawn_blocking(move || closing.close()).await.unwrap();
    });
}

// --- the parent ------------------------------------------------------------------------------------------------------

/// A record as a child said it: revision, hidden, hash.
type State = (u32, bool, String);

/// What the children of a directory said so far.
#[derive(Default)]
struct Said {
    /// Acknowledged, by record.
    kept: HashMap<Id, State>,
    /// About to be done when the kill came: may be there or not.
    perhaps: HashMap<Id, State>,
    last: u64,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let kind = words.next();
        if kind == Some("A") {
            let Some(last) = words.next().and_then(|word| word.parse().ok()) else { return };
            self.last = self.last.max(last);
        }
        let mut state = || {
            let id: Id = words.next()?.parse().ok()?;
            let state = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.to_owned());
            (state.2.len() == 64).then_some((id, state))
        };
        match (kind, state()) {
            (Some("A"), Some((id, state))) => {
                self.perhaps.remove(&id);
                self.kept.insert(id, state);
            }
            (Some("B"), Some((id, state))) => {
                self.perhaps.insert(id, state);
            }
            _ => {}
        }
    }
}

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
    let store = Store::open(dir, options()).unwrap();
    let mut state = store.state();
    futures::executor::block_on(state.wait_for(|state: &StoreState| state.records.is_ready())).unwrap();
    let damaged: Vec<_> = store.recovered().into_iter().filter(|note| note.kind == "hub.damaged").collect();
    assert!(damaged.is_empty(), "a kill is no damage: {damaged:?}");
    assert!(store.head().borrow().0 >= said.last, "acknowledged {}, the log ends before", said.last);

    let mut expected = Sequence(1);
    loop {
        let entries = store.read_log(Sequence(expected.0 - 1), 500).unwrap();
        if entries.is_empty() {
            break;
        }
        for event in entries.iter().flat_map(|entry| &entry.events) {
            assert_eq!(event.sequence, expected, "sequences are contiguous");
            expected = expected.next();
        }
    }

    let ids: Vec<Id> = said.kept.keys().chain(said.perhaps.keys()).copied().collect();
    for id in ids {
        let found = store.get(id).unwrap();
        let found =
            found.map(|found| (found.memory.revision, found.hidden, content_hash(&found.memory.content)));
        let (kept, perhaps) = (said.kept.get(&id), said.perhaps.get(&id));
        assert!(
            found.as_ref() == kept || (perhaps.is_some() && found.as_ref() == perhaps),
            "record {id}: found {found:?}, acknowledged {kept:?}, perhaps {perhaps:?}"
        );
        // What is there now is what the next round starts from.
        match found {
            Some(found) => said.kept.insert(id, found),
            None => said.kept.remove(&id),
        };
    }
    said.perhaps.clear();
    let report = store.fsck().unwrap();
    assert_eq!(report.damage, [], "the log and the view agree");
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
    let dir = tempfile::tempdir().unwrap();
    let mut said = Said::default();
    let mut hit = 0;
    for _ in 0..hits * TRIES_PER_HIT {
        hit += usize::from(round(dir.path(), &mut said, &Moment::Window(window), &mut numbers));
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
    let random = [at_random / 2, at_random - at_random / 2]
        .map(|share| thread::spawn(move || random_rounds(share, seed.wrapping_mul(share as u64 + 1))));
    let windows =
        thread::spawn(move || WINDOWS.iter().for_each(|window| window_rounds(window, in_windows, seed)));
    for rounds in random.into_iter().chain([windows]) {
        rounds.join().unwrap();
    }
}
