//! What a home of commits and records promises, whatever it is made of: random work on one beside a plain list and a map.
//!
//! `WHEELHOUSE_CONFORMANCE_SEEDS` runs more seeds, `WHEELHOUSE_CONFORMANCE_SEED` begins there; alone it runs that one
//! again.

mod plain;

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use wheelhouse::{
    door::{ListOrder, ListRequest, MemoryPage, Order},
    model::{
        Actor, Change, Commit, Entry, Event, EventDraft, EventFilter, Fault, Id, Lane, Memory, MemoryFilter,
        Precondition, Project, Projects, Sequence, Severity, Status, Time, content_hash,
    },
    store::{Committed, Scan, Scanned, Store, StoreOptions, Stored},
    tasks::Clock,
};

use self::plain::Plain;
use crate::workload::Numbers;

const SEEDS: u64 = 12;
const STEPS: usize = 60;
const RECORDS: usize = 10;
const PROJECTS: [&str; 3] = ["_", "north", "south"];
const KINDS: [&str; 3] = ["note", "HowTo", "gotcha"];
const TAGS: [&str; 4] = ["deploy", "Deploy", "größe", "b"];
const CONTENTS: [&str; 3] = ["one", "two", "three"];
/// Longer than a record view may want to hold.
const LONG_BYTES: usize = 33 << 10;
/// A key is remembered for a day; a few of these pass.
const WHILE: Duration = Duration::from_secs(7 * 3_600);

/// A place for commits, and what can be asked of it. The store is one; another would be held against the same.
trait Home: Sized {
    /// On what is in this directory, ready to be asked.
    async fn open(dir: &Path, clock: &Clock) -> Self;
    async fn close(self);
    /// Everything but the truth goes.
    fn lose_views(dir: &Path);
    async fn rebuild(&self);
    async fn commit(&self, commit: Commit) -> Result<Committed, Fault>;
    fn head(&self) -> Sequence;
    fn get(&self, id: Id) -> Result<Option<Stored>, Fault>;
    fn list(&self, request: &ListRequest, wall: &Projects) -> Result<MemoryPage, Fault>;
    fn by_url(&self, project: &Project, url: &str) -> Result<Option<Stored>, Fault>;
    fn by_hash(&self, hash: &str) -> Result<Vec<Id>, Fault>;
    fn history(&self, id: Id) -> Result<Vec<Arc<Entry>>, Fault>;
    fn read_log(&self, after: Sequence, limit_events: usize) -> Result<Vec<Arc<Entry>>, Fault>;
    fn scan_log(&self, scan: &Scan<'_>) -> Result<Scanned, Fault>;
}

impl Home for Store {
    async fn open(dir: &Path, clock: &Clock) -> Store {
        let options =
            StoreOptions { segment_bytes: 8 << 10, snapshot_after: 30, ..StoreOptions::new(clock.clone()) };
        let store = Store::open(dir, options).unwrap();
        store.state().wait_for(|state| state.records.is_ready()).await.unwrap();
        store
    }

    async fn close(self) {
        tokio::task::spawn_blocking(move || Store::close(&self)).await.unwrap();
    }

    fn lose_views(dir: &Path) {
        for view in ["records", "sidecars"] {
            if dir.join(view).exists() {
                std::fs::remove_dir_all(dir.join(view)).unwrap();
            }
        }
    }

    async fn rebuild(&self) {
        self.rebuild_records().unwrap();
        self.state().wait_for(|state| state.records.is_ready()).await.unwrap();
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, Fault> {
        Store::commit(self, commit).await
    }

    fn head(&self) -> Sequence {
        *Store::head(self).borrow()
    }

    fn get(&self, id: Id) -> Result<Option<Stored>, Fault> {
        Store::get(self, id)
    }

    fn list(&self, request: &ListRequest, wall: &Projects) -> Result<MemoryPage, Fault> {
        Store::list(self, request, wall)
    }

    fn by_url(&self, project: &Project, url: &str) -> Result<Option<Stored>, Fault> {
        Store::by_url(self, project, url)
    }

    fn by_hash(&self, hash: &str) -> Result<Vec<Id>, Fault> {
        Store::by_hash(self, hash)
    }

    fn history(&self, id: Id) -> Result<Vec<Arc<Entry>>, Fault> {
        Store::history(self, id)
    }

    fn read_log(&self, after: Sequence, limit_events: usize) -> Result<Vec<Arc<Entry>>, Fault> {
        Store::read_log(self, after, limit_events)
    }

    fn scan_log(&self, scan: &Scan<'_>) -> Result<Scanned, Fault> {
        Store::scan_log(self, scan)
    }
}

// --- random work -----------------------------------------------------------------------------------------------------

fn id(n: usize) -> Id {
    Id::from_bytes([n as u8 + 1; 16])
}

/// One in so many.
fn sometimes(numbers: &mut Numbers, every: usize) -> bool {
    numbers.below(every) == 0
}

fn pick<T: Copy>(numbers: &mut Numbers, all: &[T]) -> T {
    all[numbers.below(all.len())]
}

/// Few moments, so that many things happen at the same one.
fn moment(numbers: &mut Numbers) -> Time {
    Time::from_unix_ms(numbers.below(12) as i64 - 2)
}

fn url(n: usize) -> String {
    format!("file:///{}/{n}.md", ["notes", "notes/old", "other"][n % 3])
}

fn memory(numbers: &mut Numbers, n: usize, revision: u32) -> Memory {
    let content = match numbers.below(8) {
        0 => "long ".repeat(LONG_BYTES / 5 + numbers.below(3)),
        _ => pick(numbers, &CONTENTS).to_owned(),
    };
    let mut tags: Vec<&str> = TAGS.into_iter().filter(|_| sometimes(numbers, 3)).collect();
    if sometimes(numbers, 2) {
        tags.reverse();
    }
    let mut fields = json!({
        "id": id(n), "project": pick(numbers, &PROJECTS), "created_at": moment(numbers), "updated_at": moment(numbers),
        "revision": revision, "content": content, "content_hash": content_hash(&content), "type": pick(numbers, &KINDS),
        "tags": tags, "status": pick(numbers, &Status::ALL),
        "origin": { "actor": pick(numbers, &["user:ada", "key:bob"]) },
    });
    if sometimes(numbers, 2) {
        fields["origin"]["url"] = Value::String(url(n));
    }
    if sometimes(numbers, 2) {
        fields["expires_at"] = json!(moment(numbers));
    }
    serde_json::from_value(fields).unwrap()
}

fn draft(numbers: &mut Numbers) -> EventDraft {
    let action = pick(numbers, &["memory.saved", "job.failed.nightly", "search.served"]);
    let subject = format!("{}.{action}", pick(numbers, &PROJECTS));
    EventDraft {
        id: Id::from_bytes([numbers.below(200) as u8; 16]),
        kind: action.split('.').take(2).collect::<Vec<_>>().join("."),
        subject: subject.parse().unwrap(),
        time: moment(numbers),
        correlation_id: id(numbers.below(4)),
        causation_id: sometimes(numbers, 3).then(|| id(numbers.below(2))),
        actor: Actor(pick(numbers, &["user:ada", "hub"]).into()),
        severity: pick(numbers, &Severity::ALL),
        sampled_rate: None,
        data: serde_json::Map::from_iter([("n".to_owned(), numbers.below(50).into())]),
    }
}

/// A commit about one record, or about none. Often it may be made, and sometimes not.
fn commit(numbers: &mut Numbers, plain: &Plain, n: usize) -> Commit {
    let events = (0..1 + numbers.below(3)).map(|_| draft(numbers)).collect();
    let revision = plain.get(id(n)).map_or(0, |stored| stored.memory.revision);
    let id = id(n);
    let change = match numbers.below(10) {
        0..5 => Some(Change::Put { memory: memory(numbers, n, revision + 1) }),
        5 => Some(Change::Forget { id }),
        6 => Some(Change::Restore {
            memory: plain.get(id).map_or_else(|| memory(numbers, n, 1), |stored| stored.memory),
        }),
        7 | 8 => Some(Change::Accessed { id }),
        _ => None,
    };
    let precondition = match numbers.below(6) {
        0 => Some(Precondition::Absent { id }),
        1 => Some(Precondition::Hidden { id, hidden: sometimes(numbers, 2) }),
        2 => Some(Precondition::Revision { id, revision: revision.saturating_sub(numbers.below(2) as u32) }),
        _ => None,
    };
    Commit {
        events,
        changes: change.into_iter().collect(),
        preconditions: precondition.into_iter().collect(),
        idempotency_key: sometimes(numbers, 4).then(|| format!("key {}", numbers.below(6))),
        lane: pick(numbers, &[Lane::Interactive, Lane::Bulk]),
    }
}

fn request(numbers: &mut Numbers) -> (ListRequest, Projects) {
    let project = |numbers: &mut Numbers| Project::slug(pick(numbers, &PROJECTS));
    let some = |numbers: &mut Numbers| match numbers.below(3) {
        0 => Projects::Only(vec![project(numbers)]),
        1 => Projects::with_none(project(numbers)),
        _ => Projects::All,
    };
    let filter = MemoryFilter {
        projects: some(numbers),
        kinds: (0..numbers.below(3)).map(|_| pick(numbers, &KINDS).to_uppercase()).collect(),
        tags: (0..numbers.below(2)).map(|_| pick(numbers, &TAGS).to_owned()).collect(),
        statuses: (0..numbers.below(3)).map(|_| pick(numbers, &Status::ALL)).collect(),
        actor: sometimes(numbers, 5).then(|| "ada".to_owned()),
        since: sometimes(numbers, 5).then(|| moment(numbers)),
        until: sometimes(numbers, 5).then(|| moment(numbers)),
        origin: sometimes(numbers, 5).then(|| pick(numbers, &["file:///notes", "file:///"]).to_owned()),
    };
    let order = pick(numbers, &[ListOrder::Recent, ListOrder::Oldest, ListOrder::Due]);
    let (forgotten, limit) = (sometimes(numbers, 4), 1 + numbers.below(5));
    (ListRequest { filter, order, forgotten, limit, after: None }, some(numbers))
}

fn event_filter(numbers: &mut Numbers) -> EventFilter {
    let pattern =
        pick(numbers, &[">", "north.>", "*.memory.*", "*.job.failed.nightly", "_.search.served", "none.>"]);
    EventFilter {
        patterns: if sometimes(numbers, 4) { vec![] } else { vec![pattern.parse().unwrap()] },
        since: sometimes(numbers, 4).then(|| moment(numbers)),
        until: sometimes(numbers, 4).then(|| moment(numbers)),
        correlation: sometimes(numbers, 4).then(|| id(numbers.below(4))),
        causation: sometimes(numbers, 6).then(|| id(0)),
        actor: sometimes(numbers, 6).then(|| Actor("hub".into())),
        severity: sometimes(numbers, 4).then(|| pick(numbers, &Severity::ALL)),
        ..EventFilter::default()
    }
}

// --- held beside the plain one ---------------------------------------------------------------------------------------

/// What a home says, as far as it can be compared.
fn said(committed: Result<Committed, Fault>) -> Result<(Entry, bool), wheelhouse::model::Code> {
    committed.map_err(|fault| fault.code).map(|committed| {
        assert!(committed.applied);
        assert_eq!((committed.first, committed.last), (committed.entry.first(), committed.entry.last()));
        assert_eq!(committed.recorded_at, committed.entry.recorded_at());
        ((*committed.entry).clone(), committed.repeated)
    })
}

async fn one(home: &impl Home, plain: &mut Plain, numbers: &mut Numbers, now: Time) {
    let n = numbers.below(RECORDS);
    let commit = commit(numbers, plain, n);
    let expected = plain.commit(&commit, now);
    assert_eq!(said(home.commit(commit).await), expected);
}

/// Commits that do not touch each other, at once: each is made, in some order, and together they leave no gap.
async fn many(home: &impl Home, plain: &mut Plain, numbers: &mut Numbers, now: Time) {
    let commits: Vec<Commit> = (0..2 + numbers.below(RECORDS - 2))
        .map(|n| Commit { preconditions: vec![], idempotency_key: None, ..commit(numbers, plain, n) })
        .collect();
    let made = futures::future::join_all(commits.iter().map(|commit| home.commit(commit.clone()))).await;
    let mut made: Vec<_> =
        made.into_iter().zip(commits).map(|(made, commit)| (made.unwrap(), commit)).collect();
    made.sort_by_key(|(made, _)| made.first);
    for (made, commit) in made {
        assert_eq!(said(Ok(made)), plain.commit(&commit, now));
    }
}

fn look(home: &impl Home, plain: &Plain, numbers: &mut Numbers) {
    assert_eq!(home.head(), plain.head());
    for n in 0..RECORDS {
        assert_eq!(home.get(id(n)).unwrap(), plain.get(id(n)), "record {n}");
    }
    let n = numbers.below(RECORDS);
    let history: Vec<Entry> = home.history(id(n)).unwrap().iter().map(|entry| (**entry).clone()).collect();
    assert_eq!(history, plain.history(id(n)), "of record {n}");
    let project = Project::slug(pick(numbers, &PROJECTS));
    assert_eq!(home.by_url(&project, &url(n)).unwrap(), plain.by_url(&project, &url(n)));
    let hash = content_hash(pick(numbers, &CONTENTS));
    assert_eq!(home.by_hash(&hash).unwrap(), plain.by_hash(&hash));
    for _ in 0..4 {
        let (mut request, wall) = request(numbers);
        let expected = plain.list(&request, &wall);
        let mut listed = Vec::new();
        loop {
            let page = home.list(&request, &wall).unwrap();
            assert!(page.memories.len() <= request.limit);
            listed.extend(page.memories);
            request.after = page.next;
            if request.after.is_none() {
                break;
            }
        }
        assert_eq!(listed, expected, "{request:?} within {wall:?}");
    }
    let (after, limit) = (Sequence(numbers.below(plain.head().0 as usize + 2) as u64), 1 + numbers.below(30));
    let read: Vec<Entry> =
        home.read_log(after, limit).unwrap().iter().map(|entry| (**entry).clone()).collect();
    assert_eq!(read, plain.read_log(after, limit), "after {after}, {limit} events");
    scan(home, plain, numbers);
}

fn scan(home: &impl Home, plain: &Plain, numbers: &mut Numbers) {
    let (filter, wall) = (event_filter(numbers), request(numbers).1);
    let far = plain.head().0 as usize + 2;
    let mut scan = Scan {
        filter: &filter,
        wall: &wall,
        recorded_since: sometimes(numbers, 4).then(|| plain.recorded_at(Sequence(numbers.below(far) as u64))),
        recorded_until: sometimes(numbers, 4).then(|| plain.recorded_at(Sequence(numbers.below(far) as u64))),
        after: Sequence(if sometimes(numbers, 2) { numbers.below(far) as u64 } else { 0 }),
        before: Sequence(if sometimes(numbers, 2) { numbers.below(far) as u64 } else { u64::MAX }),
        order: pick(numbers, &[Order::Asc, Order::Desc]),
        limit: 1 + numbers.below(9),
        looked_at_max: [usize::MAX, 1 + numbers.below(40)][numbers.below(2)],
    };
    let expected = plain.scan(&scan);
    let asked = format!("{scan:?}");
    let mut found: Vec<Event> = Vec::new();
    loop {
        let page = home.scan_log(&scan).unwrap();
        assert!(page.events.len() <= scan.limit);
        found.extend(page.events);
        match (page.next, scan.order) {
            (None, _) => break,
            (Some(next), Order::Asc) => scan.after = next,
            (Some(next), Order::Desc) => scan.before = next,
        }
    }
    assert_eq!(found, expected, "{asked}");
}

async fn conforms<H: Home>(seed: u64) {
    println!("WHEELHOUSE_CONFORMANCE_SEED={seed}");
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    numbers.below(2);
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed(Time::from_unix_ms(1_000_000));
    let mut plain = Plain::default();
    let mut home = H::open(dir.path(), &clock).await;
    for _ in 0..STEPS {
        match numbers.below(20) {
            0 => {
                home.close().await;
                if sometimes(&mut numbers, 3) {
                    H::lose_views(dir.path());
                }
                home = H::open(dir.path(), &clock).await;
            }
            1 => home.rebuild().await,
            2..4 => clock.advance(WHILE),
            4..7 => many(&home, &mut plain, &mut numbers, clock.now()).await,
            7..10 => look(&home, &plain, &mut numbers),
            _ => one(&home, &mut plain, &mut numbers, clock.now()).await,
        }
    }
    look(&home, &plain, &mut numbers);
    home.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_what_a_plain_map_is() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (first, count) = match (number("WHEELHOUSE_CONFORMANCE_SEED"), number("WHEELHOUSE_CONFORMANCE_SEEDS"))
    {
        (Some(seed), count) => (seed, count.unwrap_or(1)),
        (None, count) => (u64::from(std::process::id()) << 16, count.unwrap_or(SEEDS)),
    };
    for seed in first..first + count {
        conforms::<Store>(seed).await;
    }
}
