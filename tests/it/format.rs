//! Logs written by a released version open for ever, and say what they said.
//!
//! `tests/format-1` holds the log of a small house as it was written, and the same after its cleaner ran. The generator
//! below made them; a format that is released is never written again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use wheelhouse::{
    model::{
        Actor, Change, Commit, Entry, EventDraft, Id, Lane, Memory, Precondition, Project, Sequence,
        Severity, Time, content_hash,
    },
    store::{Overseer, Retention, Store, StoreOptions, Stored},
    tasks::Clock,
};

use crate::faults::{Faulty, Wrong};

const BEGINS: &str = "2026-11-21T12:00:00Z";
const SEGMENT_BYTES: u64 = 4 << 10;
/// Longer than the record view holds: it is read from the log.
const LONG_BYTES: usize = 33 << 10;
/// Telemetry is not kept so long.
const LATER: Duration = Duration::from_secs(30 * 24 * 3_600);
const KEY: &str = "a retry of this answers with the first";

const DEPLOY: u8 = 1;
const LONG: u8 = 2;
const SECRET: u8 = 3;
const OLD: u8 = 4;
const NEW: u8 = 5;
const IMPORTED: u8 = 6;
const AFTER: u8 = 7;
/// Its fsync failed.
const LOST: u8 = 8;
/// Not in the files: saved by the test.
const GOES_ON: u8 = 9;

/// What happens to the house.
enum Step {
    Commit(Commit),
    /// Its fsync fails, and the log goes on in another file: it is not history.
    Poisoned(Commit),
    Reopen,
    Wait(Duration),
}

fn id(n: u8) -> Id {
    Id::from_bytes([n; 16])
}

fn memory(n: u8, revision: u32, more: Value) -> Memory {
    let time =
        |minute: u32| BEGINS.parse::<Time>().unwrap().minus(Duration::from_secs(u64::from(60 * minute)));
    let content =
        more["content"].as_str().map_or_else(|| format!("Note {n}, revision {revision}."), str::to_owned);
    let mut fields = json!({
        "id": id(n), "project": "north", "created_at": time(90), "updated_at": time(60 - revision), "revision": revision,
        "origin": { "actor": "user:ada", "session": "s1", "tool": "editor", "commit": "0123abc" },
        "correlation_id": id(0x77), "content": content, "content_hash": content_hash(&content),
        "title": format!("Title {n}"), "type": "howto", "tags": ["deploy", "Größe 📦"], "importance": 0.75,
        "metadata": { "deep": { "er": [1, -2, 2.5, null, true, "text", { "é": "ß" }] } },
    });
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(fields).unwrap()
}

fn draft(n: u8, subject: &str, data: Value) -> EventDraft {
    let Value::Object(data) = data else { panic!("data is an object") };
    EventDraft {
        id: id(0x80 | n),
        kind: subject.split('.').skip(1).take(2).collect::<Vec<_>>().join("."),
        subject: subject.parse().unwrap(),
        time: BEGINS.parse().unwrap(),
        correlation_id: id(0x77),
        causation_id: n.is_multiple_of(2).then(|| id(0x78)),
        actor: Actor(["user:ada", "key:deploy", "hub"][usize::from(n) % 3].into()),
        severity: Severity::ALL[usize::from(n) % Severity::ALL.len()],
        sampled_rate: None,
        data,
    }
}

fn change(subject: &str, change: Change) -> Commit {
    let n = change.id().as_bytes()[0];
    let event = draft(n, subject, json!({ "id": change.id(), "title": format!("Title {n}") }));
    Commit { changes: vec![change], events: vec![event], ..Commit::default() }
}

fn put(n: u8, revision: u32, more: Value) -> Change {
    Change::Put { memory: memory(n, revision, more) }
}

fn saved(n: u8, more: Value) -> Commit {
    Commit {
        preconditions: vec![Precondition::Absent { id: id(n) }],
        ..change("north.memory.saved", put(n, 1, more))
    }
}

fn long() -> Value {
    json!({ "content": "A long body. ".repeat(LONG_BYTES / 13) })
}

fn superseding() -> Commit {
    let both = [
        put(OLD, 2, json!({ "status": "superseded", "superseded_by": id(NEW) })),
        put(NEW, 1, json!({ "supersedes": [id(OLD)] })),
    ];
    Commit { changes: both.into(), ..change("north.memory.superseded", Change::Forget { id: id(OLD) }) }
}

/// As the house was written.
fn story() -> Vec<Step> {
    let telemetry = |n: u8| Commit {
        events: vec![draft(
            n,
            "north.search.served",
            json!({ "query": "how to deploy", "took_ms": 7, "hits": [id(DEPLOY)] }),
        )],
        ..Commit::default()
    };
    let ops = Commit {
        events: vec![
            draft(1, "_.hub.started", json!({ "version": "0.1.0" })),
            draft(2, "_.job.failed.nightly-backup", json!({ "attempt": 3, "reason": "timeout" })),
        ],
        ..Commit::default()
    };
    let imported = Commit {
        lane: Lane::Bulk,
        ..saved(
            IMPORTED,
            json!({ "project": "_", "origin": { "url": "file:///notes/a.md" }, "expires_at": "2027-01-01T00:00:00Z" }),
        )
    };
    vec![
        Step::Commit(ops),
        Step::Commit(Commit { idempotency_key: Some(KEY.into()), ..saved(DEPLOY, json!({})) }),
        Step::Commit(telemetry(9)),
        Step::Commit(saved(LONG, long())),
        Step::Commit(saved(SECRET, json!({ "title": "The vault key", "content": "quuxomatic" }))),
        Step::Commit(saved(OLD, json!({}))),
        Step::Poisoned(saved(LOST, json!({}))),
        Step::Commit(superseding()),
        Step::Commit(change("north.memory.updated", put(DEPLOY, 2, json!({ "status": "verified" })))),
        Step::Commit(change("north.memory.forgotten", Change::Forget { id: id(LONG) })),
        // A horizon stands between.
        Step::Reopen,
        Step::Commit(change("north.memory.restored", Change::Restore { memory: memory(LONG, 1, long()) })),
        Step::Commit(change("north.memory.opened", Change::Accessed { id: id(DEPLOY) })),
        Step::Commit(imported),
        Step::Commit(change("north.memory.forgotten", Change::Forget { id: id(SECRET) })),
        Step::Commit(telemetry(10)),
    ]
}

/// What happens after that, in the house that was cleaned.
fn goes_on() -> Vec<Step> {
    vec![
        Step::Wait(LATER),
        Step::Commit(change("north.memory.erased", Change::Erase { id: id(SECRET) })),
        Step::Commit(saved(AFTER, json!({}))),
    ]
}

/// The entries of these steps, as they are acknowledged; and the moment of the last.
fn entries(steps: Vec<Step>) -> (Vec<Entry>, Time) {
    let clock = Clock::fixed(BEGINS.parse().unwrap());
    let mut next = Sequence(1);
    let mut entries = Vec::new();
    for step in steps {
        let commit = match step {
            Step::Commit(commit) => commit,
            Step::Poisoned(_) | Step::Reopen => continue,
            Step::Wait(time) => {
                clock.advance(time);
                continue;
            }
        };
        let first = next;
        next = Sequence(first.0 + commit.events.len() as u64);
        let events = (first.0..).map(Sequence).zip(commit.events);
        entries.push(Entry {
            events: events.map(|(at, draft)| draft.placed(at, clock.now())).collect(),
            changes: commit.changes,
            idempotency_key: commit.idempotency_key,
        });
    }
    (entries, clock.now())
}

/// What the cleaner leaves: nothing of telemetry, and of the secret that it was.
fn cleaned(entries: Vec<Entry>) -> Vec<Entry> {
    let kept = entries.into_iter().filter(|entry| entry.events[0].domain() != "search");
    kept.map(|mut entry| {
        entry.changes.retain(|change| change.id() != id(SECRET) || !matches!(change, Change::Put { .. }));
        for event in entry.events.iter_mut().filter(|event| event.record() == Some(id(SECRET))) {
            event.data.retain(|field, _| field == "id");
        }
        entry
    })
    .collect()
}

/// A house of `tests/format-1`, and what it says.
struct House {
    name: &'static str,
    entries: Vec<Entry>,
    now: Time,
    /// Of each record: revision, hidden, uses.
    records: Vec<(u8, u32, bool, u64)>,
}

fn houses() -> [House; 2] {
    let (written, now) = entries(story());
    let (later, after) = entries(story().into_iter().chain(goes_on()).collect());
    let records = vec![
        (DEPLOY, 2, false, 1),
        (LONG, 1, false, 0),
        (SECRET, 1, true, 0),
        (OLD, 2, false, 0),
        (NEW, 1, false, 0),
        (IMPORTED, 1, false, 0),
    ];
    let mut left = records.clone();
    left.retain(|record| record.0 != SECRET);
    left.push((AFTER, 1, false, 0));
    [
        House { name: "as-written", entries: written, now, records },
        House { name: "cleaned", entries: cleaned(later), now: after, records: left },
    ]
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format-1").join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

async fn ready(store: &Store) {
    store.state().wait_for(|state| state.records.is_ready()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_format_says_what_it_said() {
    for house in houses() {
        let dir = tempfile::tempdir().unwrap();
        copy(&fixture(house.name), &dir.path().join("log"));
        // Once as it was left, once after it was gone on with.
        for goes_on in [true, false] {
            let clock = Clock::fixed(house.now);
            let store = Store::open(dir.path(), StoreOptions::new(clock)).unwrap();
            ready(&store).await;
            assert_eq!(store.recovered(), [], "{}", house.name);
            says(&store, &house);
            if goes_on {
                go_on(&store, &house).await;
            }
            assert_eq!(store.fsck().unwrap().damage, [], "{}", house.name);
            store.close();
        }
    }
}

fn says(store: &Store, house: &House) {
    let read = store.read_log(Sequence::ZERO, usize::MAX).unwrap();
    let read = &read[..house.entries.len().min(read.len())];
    assert_eq!(
        read.iter().map(|entry| (**entry).clone()).collect::<Vec<_>>(),
        house.entries,
        "{}",
        house.name
    );
    assert_eq!(store.cursor(Sequence::ZERO).epoch, 1);
    let mut records = Vec::new();
    let each = &mut |stored: &Stored| {
        let Stored { memory, hidden } = stored;
        if memory.id == id(GOES_ON) {
            return true;
        }
        records.push((memory.id.as_bytes()[0], memory.revision, *hidden, memory.access_count));
        // The last that the log says of it, but for its uses.
        let last =
            house.entries.iter().rev().flat_map(|entry| entry.changes.iter().rev()).find_map(|change| {
                match change {
                    Change::Put { memory: last } | Change::Restore { memory: last }
                        if last.id == memory.id =>
                    {
                        Some(last)
                    }
                    _ => None,
                }
            });
        let uses = (memory.access_count, memory.last_accessed);
        assert_eq!(
            last.map(|last| Memory { access_count: uses.0, last_accessed: uses.1, ..last.clone() }).as_ref(),
            Some(memory)
        );
        true
    };
    store.scan(each).unwrap();
    assert_eq!(records, house.records, "{}", house.name);
    let imported = store.by_url(&Project::none(), "file:///notes/a.md").unwrap().unwrap();
    assert_eq!(imported.memory.id, id(IMPORTED));
    assert_eq!(store.history(id(OLD)).unwrap().len(), 2);
}

/// A retry is answered with the first, and a new commit gets the next number.
async fn go_on(store: &Store, house: &House) {
    let head = *store.head().borrow();
    assert_eq!(head, house.entries.last().unwrap().last());
    if house.name == "as-written" {
        let again = Commit { idempotency_key: Some(KEY.into()), ..saved(GOES_ON, json!({})) };
        let again = store.commit(again).await.unwrap();
        assert_eq!((again.repeated, again.first), (true, Sequence(3)));
    }
    let committed = store.commit(saved(GOES_ON, json!({}))).await.unwrap();
    assert_eq!(committed.first, head.next());
}

// --- the generator ---------------------------------------------------------------------------------------------------

fn open(dir: &Path, clock: &Clock, disk: &Faulty) -> Store {
    let options = StoreOptions {
        segment_bytes: SEGMENT_BYTES,
        disk: Arc::new(disk.clone()),
        ..StoreOptions::new(clock.clone())
    };
    Store::open(dir, options).unwrap()
}

async fn live(dir: &Path, clock: &Clock, steps: Vec<Step>) -> Store {
    let disk = Faulty::at(Wrong::Fsync, usize::MAX, 1);
    let mut store = open(dir, clock, &disk);
    for step in steps {
        ready(&store).await;
        match step {
            Step::Commit(commit) => drop(store.commit(commit).await.unwrap()),
            Step::Poisoned(commit) => {
                disk.left.store(0, Ordering::SeqCst);
                store.commit(commit).await.unwrap_err();
                disk.left.store(usize::MAX, Ordering::SeqCst);
            }
            Step::Reopen => {
                store.close();
                store = open(dir, clock, &disk);
            }
            Step::Wait(time) => clock.advance(time),
        }
    }
    store
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes tests/format-1 anew, which only a format that was never released may"]
async fn write_the_first_format() {
    for house in houses() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::fixed(BEGINS.parse().unwrap());
        let store = live(dir.path(), &clock, story()).await;
        store.close();
        if house.name == "cleaned" {
            let mut steps = goes_on();
            let last = steps.pop();
            let store = live(dir.path(), &clock, steps).await;
            let cleaning = store.clone();
            let clean = move || {
                let overseer = Overseer {
                    say_again: &|_| panic!("no use is forgotten"),
                    progress: &|_, _, _| {},
                    stop: &|| false,
                };
                cleaning.clean(&Retention::default(), &overseer).unwrap()
            };
            let done = tokio::task::spawn_blocking(clean).await.unwrap();
            assert_eq!(
                (done.erased.into_iter().collect::<Vec<_>>(), done.log.dropped[2]),
                (vec![id(SECRET)], 2)
            );
            store.close();
            live(dir.path(), &clock, last.into_iter().collect()).await.close();
        }
        let fixture = fixture(house.name);
        if fixture.exists() {
            fs::remove_dir_all(&fixture).unwrap();
        }
        copy(&dir.path().join("log"), &fixture);
    }
}
