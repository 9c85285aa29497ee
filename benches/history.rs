//! 1,000 events of one subject within one hour, out of a long history, beside a reading of the whole log in the same run.
//!
//! `WHEELHOUSE_BENCH_EVENTS` gives another number of events than 1,000,000.

use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use wheelhouse::{
    door::{EventQuery, Order},
    events,
    model::{Actor, Commit, Entry, EventDraft, EventFilter, Id, Projects, Sequence, Severity, Time, encode},
    store::{Retention, Store, StoreOptions},
    tasks::Clock,
};

use super::append::{bench_dir, quantile};

const EVENTS: u64 = 1_000_000;
/// Commits at a time, of one event each, so that one fsync serves them.
const COMMITS: u64 = 4_096;
/// The history is of so many hours; in each, every subject in turn.
const HOURS: u64 = 50;
const PROJECTS: [&str; 4] = ["_", "north", "south", "east"];
const KINDS: [&str; 4] = ["memory.saved", "source.synced", "job.succeeded", "search.served"];
const TURNS: usize = 9;
const HOUR_MS: u64 = 3_600_000;

pub fn run() {
    let count = std::env::var("WHEELHOUSE_BENCH_EVENTS").ok().and_then(|text| text.parse().ok());
    let count: u64 = count.unwrap_or(EVENTS);
    let dir = bench_dir();
    let store = open(dir.path());
    let begin = Instant::now();
    fill(&store, count);
    println!("history: {count} events in {HOURS} hours, filled in {:.1?}", begin.elapsed());
    store.close();
    let bytes = (rmp_bytes(count) as f64).round();
    sizes(dir.path(), count, &format!("as it was written ({bytes} B an entry in MessagePack)"));
    ask(dir.path(), count);

    let store = open(dir.path());
    let begin = Instant::now();
    let cleaned = super::clean::clean(&store, &Retention::days(36_500, 36_500));
    let took = begin.elapsed();
    let rate = cleaned.log.bytes_before as f64 / took.as_secs_f64() / 1e6;
    println!("  {took:>9.1?}  the cleaner packs {} segments, {rate:.0} MB/s", cleaned.segments);
    let begin = Instant::now();
    let report = store.fsck().unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    let (fsck, reading) = (begin.elapsed(), super::clean::read_all(&dir.path().join("log")));
    println!("  {fsck:>9.1?}  fsck; reading the same bytes from files {reading:.1?}");
    store.close();
    sizes(dir.path(), count, "packed");
    ask(dir.path(), count);
}

/// What an event takes in files.
fn sizes(dir: &Path, count: u64, how: &str) {
    let (log, sidecars) = (bytes_in(&dir.join("log")), bytes_in(&dir.join("sidecars")));
    let each = |bytes: u64| bytes as f64 / count as f64;
    println!("{how}");
    println!("  {:>9.1} B an event in the log, {:.2} B an event in sidecars", each(log), each(sidecars));
}

fn rmp_bytes(count: u64) -> usize {
    let event = draft(count / 2, count).placed(Sequence(count / 2), at_hour(1));
    encode(&Entry { events: vec![event], changes: vec![], idempotency_key: None }).len()
}

fn ask(dir: &Path, count: u64) {
    let scan = full_scan(&open(dir));
    println!("  {scan:>9.2?}  the whole log, read and filtered");
    let hour = HOURS / 2;
    let by_hour = EventFilter {
        patterns: vec!["south.job.succeeded".parse().unwrap()],
        since: Some(at_hour(hour)),
        until: Some(at_hour(hour + 1)),
        ..EventFilter::default()
    };
    let rows = [
        ("1,000 by subject and hour (goal 200 ms at 10,000,000)", by_hour.clone()),
        ("1,000 by subject", EventFilter { since: None, until: None, ..by_hour }),
        (
            "one correlation id",
            EventFilter { correlation: Some(correlation(count / 3)), ..EventFilter::default() },
        ),
    ];
    for (what, filter) in rows {
        for order in [Order::Desc, Order::Asc] {
            let (mut first, mut again) = (Vec::new(), Vec::new());
            let mut found = 0;
            for _ in 0..TURNS {
                // Opened anew: no sidecar is in memory.
                let store = open(dir);
                for times in [&mut first, &mut again] {
                    let begin = Instant::now();
                    found = page(&store, &filter, order);
                    times.push(begin.elapsed());
                }
                store.close();
            }
            let (first, again) = (quantile(&mut first, 0.5), quantile(&mut again, 0.5));
            let ratio = scan.as_secs_f64() / first.as_secs_f64();
            println!(
                "  {first:>9.2?}  {what}, {order:?}: {found} found; again {again:.2?}; {ratio:.0}x faster than all"
            );
        }
    }
}

fn open(dir: &Path) -> Store {
    let store = Store::open(dir, StoreOptions::new(Clock::system())).unwrap();
    let mut state = store.state();
    futures::executor::block_on(state.wait_for(|state| state.records.is_ready())).unwrap();
    store
}

fn at_hour(hour: u64) -> Time {
    Time::from_unix_ms((1_760_000_000_000 + hour * HOUR_MS) as i64)
}

/// Of the event with this number: ids of work that took four events.
fn correlation(n: u64) -> Id {
    let mut bytes = [7; 16];
    bytes[8..].copy_from_slice(&(n / 4).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Id::from_bytes(bytes)
}

fn draft(n: u64, count: u64) -> EventDraft {
    let kind = KINDS[(n % 4) as usize];
    let project = PROJECTS[(n / 4 % 4) as usize];
    EventDraft {
        id: correlation(n + (1 << 40)),
        kind: kind.into(),
        subject: format!("{project}.{kind}").parse().unwrap(),
        time: Time::from_unix_ms(at_hour(0).unix_ms() + (n * HOURS * HOUR_MS / count) as i64),
        correlation_id: correlation(n),
        causation_id: None,
        actor: Actor("user:ada".into()),
        severity: if n.is_multiple_of(500) { Severity::Error } else { Severity::Info },
        sampled_rate: None,
        data: json!({ "path": "/home/ada/notes", "taken": n % 90, "changed": 3, "unchanged": 900 })
            .as_object()
            .cloned()
            .unwrap(),
    }
}

fn fill(store: &Store, count: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for first in (0..count).step_by(COMMITS as usize) {
        let waiting = (first..count.min(first + COMMITS)).map(|n| {
            let events = vec![draft(n, count)];
            store.commit(Commit { events, ..Commit::default() })
        });
        runtime.block_on(futures::future::try_join_all(waiting)).unwrap();
    }
}

fn bytes_in(dir: &Path) -> u64 {
    std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

/// What a question cost before: every entry read and looked at.
fn full_scan(store: &Store) -> Duration {
    let begin = Instant::now();
    let filter = EventFilter { patterns: vec!["none.>".parse().unwrap()], ..EventFilter::default() };
    let mut after = Sequence::ZERO;
    loop {
        let entries = store.read_log(after, 512).unwrap();
        let Some(last) = entries.last() else { break };
        after = last.last();
        black_box(entries.iter().flat_map(|entry| &entry.events).filter(|e| filter.matches(e)).count());
    }
    store.close();
    begin.elapsed()
}

/// As a face asks: pages until there are 1,000, or no more.
fn page(store: &Store, filter: &EventFilter, order: Order) -> usize {
    let mut query = EventQuery { filter: filter.clone(), order, limit: 1_000, ..EventQuery::default() };
    let mut found = 0;
    loop {
        let page = events::page(store, &Projects::All, &query).unwrap();
        found += page.events.len();
        match (page.next, order) {
            (Some(next), Order::Desc) if found < 1_000 => query.before = Some(next),
            (Some(next), Order::Asc) if found < 1_000 => query.after = Some(next),
            _ => return found,
        }
        query.limit = 1_000 - found;
    }
}
