//! Reading history by pages: what matches a filter, forwards or backwards, and how much of it there is.

use crate::{
    door::{BUCKETS_MAX, EVENTS_PAGE_MAX, EventBucket, EventPage, EventQuery, EventStats, Order},
    model::{Cursor, Fault, Projects, Sequence, Severity, Time},
    store::{Scan, Scanned, Store},
};

/// Events that one page may look at. A rare filter answers with a short page and where to go on, so that no
/// question holds a thread for long.
const LOOKED_AT_MAX: usize = 20_000;
const PAGE_DEFAULT: usize = 100;

/// A page. Blocks; `next` is set while there is more to look at.
pub fn page(store: &Store, wall: &Projects, query: &EventQuery) -> Result<EventPage, Fault> {
    let limit = check(store, query)?;
    let head = *store.head().borrow();
    let scan = Scan { limit, ..whole(wall, query, head) };
    let scanned = store.scan_log(&scan)?;
    let mut gaps = store.gaps(&scan, &scanned)?;
    // What is missing beyond the first event at a moment, or the last before one, is of another time.
    let ends = (scanned.events.first(), scanned.events.last());
    let ends = match query.order {
        Order::Asc => ends,
        Order::Desc => (ends.1, ends.0),
    };
    if query.recorded_since.is_some() {
        gaps.retain(|gap| ends.0.is_some_and(|first| gap.from > first.sequence));
    }
    if query.recorded_until.is_some() {
        gaps.retain(|gap| ends.1.is_some_and(|last| gap.to < last.sequence));
    }
    let next = scanned.next.map(|place| store.cursor(place));
    let Scanned { events, reached, .. } = scanned;
    Ok(EventPage { events, gaps, next, reached, head: store.cursor(head) })
}

/// Counts of everything that matches. Blocks, and reads all of the log that may.
pub fn stats(store: &Store, wall: &Projects, query: &EventQuery) -> Result<EventStats, Fault> {
    check(store, query)?;
    let spans = Spans::of(query)?;
    let head = *store.head().borrow();
    let mut scan = Scan { order: Order::Asc, ..whole(wall, query, head) };
    let mut stats =
        EventStats { buckets: vec![EventBucket::default(); query.buckets], ..EventStats::default() };
    loop {
        let scanned = store.scan_log(&scan)?;
        for event in scanned.events {
            if let Some(bucket) =
                spans.and_then(|spans| stats.buckets.get_mut(spans.place(event.recorded_at)))
            {
                bucket.events += 1;
                bucket.errors += u64::from(event.severity >= Severity::Error);
            }
            *stats.severities.entry(event.severity.word().to_owned()).or_default() += 1;
            *stats.counts.entry(event.kind).or_default() += 1;
            stats.total += 1;
        }
        match scanned.next {
            Some(next) => scan.after = next,
            None => return Ok(stats),
        }
    }
}

/// Spans of the same length, one after another.
#[derive(Clone, Copy)]
struct Spans {
    from: Time,
    length_ms: u64,
    count: u64,
}

impl Spans {
    fn of(query: &EventQuery) -> Result<Option<Spans>, Fault> {
        match (query.buckets, query.recorded_since, query.recorded_until) {
            (0, ..) => Ok(None),
            (n, ..) if n > BUCKETS_MAX => {
                Err(Fault::invalid(format!("buckets is {n}, at most {BUCKETS_MAX} are counted")))
            }
            (n, Some(from), Some(until)) if from < until => {
                let length_ms = until.since(from).as_millis() as u64;
                Ok(Some(Spans { from, length_ms, count: n as u64 }))
            }
            _ => Err(Fault::invalid("buckets part the time from recorded_since to recorded_until")
                .hint("give both, the earlier one first")),
        }
    }

    fn place(self, time: Time) -> usize {
        let into = u128::from(self.count) * time.since(self.from).as_millis() / u128::from(self.length_ms);
        into as usize
    }
}

/// All that the query asks for, as one page.
fn whole<'a>(wall: &'a Projects, query: &'a EventQuery, head: Sequence) -> Scan<'a> {
    Scan {
        filter: &query.filter,
        wall,
        recorded_since: query.recorded_since,
        recorded_until: query.recorded_until,
        after: query.after.map_or(Sequence::ZERO, |cursor| cursor.sequence),
        before: query.before.map_or(head.next(), |cursor| cursor.sequence.min(head.next())),
        order: query.order,
        limit: LOOKED_AT_MAX,
        looked_at_max: LOOKED_AT_MAX,
    }
}

fn check(store: &Store, query: &EventQuery) -> Result<usize, Fault> {
    query.filter.check().map_err(|error| Fault::invalid(error.to_string()))?;
    for cursor in [query.after, query.before].into_iter().flatten() {
        check_cursor(store, cursor)?;
    }
    match query.limit {
        0 => Ok(PAGE_DEFAULT),
        n if n <= EVENTS_PAGE_MAX => Ok(n),
        n => Err(Fault::invalid(format!("limit is {n}, at most {EVENTS_PAGE_MAX} fit in a page"))
            .hint("pass `next` back to read on")),
    }
}

fn check_cursor(store: &Store, cursor: Cursor) -> Result<(), Fault> {
    let here = store.cursor(cursor.sequence);
    if (cursor.log, cursor.epoch) == (here.log, here.epoch) {
        return Ok(());
    }
    Err(Fault::conflict("this cursor belongs to another history of the hub")
        .hint("its log was replaced or lost a part; read again from the start, without a cursor"))
}
