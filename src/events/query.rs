//! Reading history by pages: what matches a filter, forwards or backwards, and how much of it there is.

use crate::{
    door::{EVENTS_PAGE_MAX, EventPage, EventQuery, EventStats, Order},
    model::{Cursor, Fault, Projects, Sequence},
    store::{Scan, Store},
};

/// Events that one page may look at. A rare filter answers with a short page and where to go on, so that no
/// question holds a thread for long.
const LOOKED_AT_MAX: usize = 20_000;
const PAGE_DEFAULT: usize = 100;

/// A page. Blocks; `next` is set while there is more to look at.
pub fn page(store: &Store, wall: &Projects, query: &EventQuery) -> Result<EventPage, Fault> {
    let limit = check(store, query)?;
    let head = *store.head().borrow();
    let scanned = store.scan_log(&Scan { limit, ..whole(wall, query, head) })?;
    let next = scanned.next.map(|place| store.cursor(place));
    Ok(EventPage { events: scanned.events, next, head: store.cursor(head) })
}

/// Counts of everything that matches. Blocks, and reads all of the log that may.
pub fn stats(store: &Store, wall: &Projects, query: &EventQuery) -> Result<EventStats, Fault> {
    check(store, query)?;
    let head = *store.head().borrow();
    let mut scan = Scan { order: Order::Asc, ..whole(wall, query, head) };
    let mut stats = EventStats::default();
    loop {
        let scanned = store.scan_log(&scan)?;
        for event in scanned.events {
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

/// All that the query asks for, as one page.
fn whole<'a>(wall: &'a Projects, query: &'a EventQuery, head: Sequence) -> Scan<'a> {
    Scan {
        filter: &query.filter,
        wall,
        recorded_since: None,
        recorded_until: None,
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
