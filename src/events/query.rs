//! Reading history by pages: what matches a filter, forwards or backwards, and how much of it there is.

use std::sync::Arc;

use crate::{
    door::{EVENTS_PAGE_MAX, EventPage, EventQuery, EventStats, Order},
    model::{Cursor, Entry, Event, Fault, Projects, Sequence},
    store::Store,
};

/// Events that one page may look at. A rare filter answers with a short page and where to go on, so that no
/// question holds a thread for long.
const LOOKED_AT_MAX: usize = 20_000;
/// Events read from the log at a time.
const READ_EVENTS: usize = 512;
const PAGE_DEFAULT: usize = 100;

/// A page. Blocks; `next` is set while there is more to look at.
pub fn page(store: &Store, wall: &Projects, query: &EventQuery) -> Result<EventPage, Fault> {
    let limit = check(store, query)?;
    let head = *store.head().borrow();
    let mut found = Vec::new();
    let mut reading = Reading::new(query, head);
    let mut looked_at = 0;
    let mut more = true;
    'pages: while let Some(entries) = reading.next(store)? {
        for entry in entries {
            let events: Vec<&Event> = match query.order {
                Order::Asc => entry.events.iter().collect(),
                Order::Desc => entry.events.iter().rev().collect(),
            };
            for event in events {
                if !reading.wants(event.sequence) {
                    continue;
                }
                looked_at += 1;
                reading.position = event.sequence;
                if wall.see_name(event.subject.project()) && query.filter.matches(event) {
                    found.push(event.clone());
                }
                if found.len() == limit || looked_at == LOOKED_AT_MAX {
                    more = !reading.is_done();
                    break 'pages;
                }
            }
            reading.pass(&entry);
        }
    }
    let next = (more && !reading.is_done()).then(|| store.cursor(reading.position));
    Ok(EventPage { events: found, next, head: store.cursor(head) })
}

/// Counts of everything that matches. Blocks, and reads all of the log that the query spans.
pub fn stats(store: &Store, wall: &Projects, query: &EventQuery) -> Result<EventStats, Fault> {
    check(store, query)?;
    let query = EventQuery { order: Order::Asc, ..query.clone() };
    let mut stats = EventStats::default();
    let mut reading = Reading::new(&query, *store.head().borrow());
    while let Some(entries) = reading.next(store)? {
        for entry in entries {
            for event in &entry.events {
                let seen = reading.wants(event.sequence) && wall.see_name(event.subject.project());
                if seen && query.filter.matches(event) {
                    *stats.counts.entry(event.kind.clone()).or_default() += 1;
                    *stats.severities.entry(event.severity.word().to_owned()).or_default() += 1;
                    stats.total += 1;
                }
            }
            reading.pass(&entry);
        }
    }
    Ok(stats)
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

/// A walk over the log between two bounds, in one direction.
struct Reading {
    order: Order,
    /// Exclusive.
    low: Sequence,
    /// Exclusive.
    high: Sequence,
    /// The last number looked at.
    position: Sequence,
    ended: bool,
}

impl Reading {
    fn new(query: &EventQuery, head: Sequence) -> Reading {
        let low = query.after.map_or(Sequence::ZERO, |cursor| cursor.sequence);
        let high = query.before.map_or(head.next(), |cursor| cursor.sequence.min(head.next()));
        let position = match query.order {
            Order::Asc => low,
            Order::Desc => high,
        };
        Reading { order: query.order, low, high, position, ended: false }
    }

    fn wants(&self, sequence: Sequence) -> bool {
        let ahead = match self.order {
            Order::Asc => sequence > self.position,
            Order::Desc => sequence < self.position,
        };
        ahead && sequence > self.low && sequence < self.high
    }

    fn is_done(&self) -> bool {
        self.ended
            || match self.order {
                Order::Asc => self.position.next() >= self.high,
                Order::Desc => self.position.0 <= self.low.0 + 1,
            }
    }

    /// This entry has been looked at, wanted or not.
    fn pass(&mut self, entry: &Entry) {
        self.position = match self.order {
            Order::Asc => self.position.max(entry.last()),
            Order::Desc => self.position.min(entry.first()),
        };
    }

    fn next(&mut self, store: &Store) -> Result<Option<Vec<Arc<Entry>>>, Fault> {
        if self.is_done() {
            return Ok(None);
        }
        let entries = match self.order {
            Order::Asc => store.read_log(self.position, READ_EVENTS)?,
            Order::Desc => store.read_log_back(self.position, READ_EVENTS)?,
        };
        self.ended = entries.is_empty();
        Ok((!self.ended).then_some(entries))
    }
}
