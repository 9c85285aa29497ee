//! Long histories: a page of events is the same whatever has become of the sidecars, and they are there after a close.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Map;
use wheelhouse::{
    door::{EventBucket, EventQuery, Order},
    events,
    model::{Actor, Commit, Event, EventDraft, EventFilter, Id, Projects, Sequence, Severity, Time},
    store::{Store, StoreOptions},
    tasks::Clock,
};

const EVENTS: u64 = 400;
const SUBJECTS: [&str; 3] = ["_.memory.saved", "north.job.failed.nightly", "south.memory.saved"];

fn options() -> StoreOptions {
    let clock = Clock::fixed(Time::from_unix_ms(1_000_000));
    StoreOptions { segment_bytes: 8 << 10, ..StoreOptions::new(clock) }
}

async fn open(dir: &Path) -> Store {
    let store = Store::open(dir, options()).unwrap();
    store.state().wait_for(|state| state.records.is_ready()).await.unwrap();
    store
}

fn draft(n: u64) -> EventDraft {
    let subject = SUBJECTS[(n % 3) as usize];
    EventDraft {
        id: Id::from_bytes([1; 16]),
        kind: subject.split('.').skip(1).take(2).collect::<Vec<_>>().join("."),
        subject: subject.parse().unwrap(),
        time: Time::from_unix_ms(n as i64),
        correlation_id: Id::from_bytes([(n / 5 % 200) as u8; 16]),
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::ALL[(n % 40 / 39) as usize * 2],
        sampled_rate: None,
        data: Map::new(),
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn filters() -> Vec<EventFilter> {
    let moment = |ms| Some(Time::from_unix_ms(ms));
    let all = EventFilter::default();
    vec![
        all.clone(),
        EventFilter { patterns: vec!["*.memory.*".parse().unwrap()], ..all.clone() },
        EventFilter { since: moment(120), until: moment(180), ..all.clone() },
        EventFilter { correlation: Some(Id::from_bytes([20; 16])), ..all.clone() },
        EventFilter { severity: Some(Severity::Error), text: Some("NIGHTLY".into()), ..all },
    ]
}

/// Everything that matches, by pages of seven.
fn pages(store: &Store, filter: &EventFilter, order: Order) -> Vec<Event> {
    let mut query = EventQuery { filter: filter.clone(), order, limit: 7, ..EventQuery::default() };
    let mut all = Vec::new();
    loop {
        let page = events::page(store, &Projects::All, &query).unwrap();
        assert!(page.events.len() <= 7);
        all.extend(page.events);
        match order {
            _ if page.next.is_none() => return all,
            Order::Asc => query.after = page.next,
            Order::Desc => query.before = page.next,
        }
    }
}

fn check(store: &Store, what: &str) {
    let entries = store.read_log(Sequence::ZERO, usize::MAX).unwrap();
    let all: Vec<&Event> = entries.iter().flat_map(|entry| &entry.events).collect();
    assert_eq!(all.len() as u64, EVENTS, "{what}");
    for filter in filters() {
        let mut expected: Vec<Event> =
            all.iter().filter(|event| filter.matches(event)).map(|event| (*event).clone()).collect();
        assert!(!expected.is_empty(), "{filter:?} matches something");
        let query = EventQuery { filter: filter.clone(), ..EventQuery::default() };
        let stats = events::stats(store, &Projects::All, &query).unwrap();
        assert_eq!(stats.total, expected.len() as u64, "{what}: {filter:?}");
        assert_eq!(pages(store, &filter, Order::Asc), expected, "{what}: {filter:?}");
        expected.reverse();
        assert_eq!(pages(store, &filter, Order::Desc), expected, "{what}: {filter:?}");
    }
    let moment = |ms| Some(Time::from_unix_ms(ms));
    let spans = EventQuery {
        recorded_since: moment(999_000),
        recorded_until: moment(1_001_000),
        buckets: 4,
        ..EventQuery::default()
    };
    let errors = all.iter().filter(|event| event.severity == Severity::Error).count() as u64;
    let mut buckets = vec![EventBucket::default(); 4];
    buckets[2] = EventBucket { events: EVENTS, errors };
    assert_eq!(events::stats(store, &Projects::All, &spans).unwrap().buckets, buckets, "{what}");
    assert_eq!(store.fsck().unwrap().damage, [], "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_the_same_whatever_became_of_the_sidecars() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    for n in 0..EVENTS {
        store.commit(Commit { events: vec![draft(n)], ..Commit::default() }).await.unwrap();
    }
    check(&store, "as it was written");
    store.close();
    let sidecars = dir.path().join("sidecars");
    let written = files(&sidecars);
    assert!(written.len() > 5);
    assert_eq!(written.len() + 1, files(&dir.path().join("log")).len(), "one for each closed segment");
    let whole: Vec<Vec<u8>> = written.iter().map(|file| fs::read(file).unwrap()).collect();

    type Suffer = fn(usize, &[Vec<u8>]) -> Option<Vec<u8>>;
    let fates: [(&str, Suffer); 5] = [
        ("kept", |i, whole| Some(whole[i].clone())),
        ("deleted", |_, _| None),
        ("cut short", |i, whole| Some(whole[i][..whole[i].len() / 2].to_vec())),
        ("of another segment", |i, whole| Some(whole[(i + 1) % whole.len()].clone())),
        ("with zeros", |i, whole| Some(vec![0; whole[i].len()])),
    ];
    for (what, suffer) in fates {
        for (i, file) in written.iter().enumerate() {
            match suffer(i, &whole) {
                Some(bytes) => fs::write(file, bytes).unwrap(),
                None => fs::remove_file(file).unwrap(),
            }
        }
        fs::write(sidecars.join("0000000001.idx.tmp"), "unfinished").unwrap();
        let store = open(dir.path()).await;
        check(&store, what);
        store.close();
        let again: Vec<Vec<u8>> = files(&sidecars).iter().map(|file| fs::read(file).unwrap()).collect();
        assert_eq!(again, whole, "{what}: as if nothing had been");
    }
}
