//! Following the log: from a cursor through the past into the present, for as long as the reader pulls.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures::stream::{self, BoxStream, StreamExt};
use serde_json::{Map, Value};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    door::{Status, StreamItem, StreamRequest},
    model::{Cursor, Entry, Event, EventFilter, Fault, Projects, Sequence},
    store::Store,
    tasks::Crew,
};

/// A reader hears from the hub at least this often, so that silence means a broken line.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Changes of the hub's status are told at most this often.
const STATUS_PAUSE: Duration = Duration::from_millis(250);
/// Events read from the log at a time, at most and at least.
const PAGE_EVENTS: usize = 256;
const PAGE_EVENTS_MIN: usize = 16;
/// Of events that one reader holds and has not taken, about; a larger one is held alone.
const PENDING_BYTES_MAX: usize = 128 << 10;

/// What following needs from the hub besides its log.
pub struct Follow {
    pub store: Store,
    /// Who reads its files.
    pub readers: Arc<Crew>,
    /// The caller's wall; the request's filter narrows it.
    pub wall: Projects,
    pub status: Arc<dyn Fn() -> Status + Send + Sync>,
    /// Changes whenever [`Follow::status`] would answer differently.
    pub status_changed: watch::Receiver<u64>,
    /// Ends the stream.
    pub token: CancellationToken,
}

/// The stream of everything that matches after the request's cursor. It ends when the hub does.
pub fn follow(
    hub: Follow,
    request: StreamRequest,
) -> Result<BoxStream<'static, Result<StreamItem, Fault>>, Fault> {
    request.filter.check().map_err(|error| {
        Fault::invalid(error.to_string())
            .hint("one pattern can stand for many subjects: `*` is one token, `>` the rest")
    })?;
    let mut head = hub.store.head();
    let now = *head.borrow_and_update();
    let mut pending = VecDeque::new();
    let position = match request.after {
        None => now,
        Some(cursor) if is_ours(&hub.store, cursor, now) => cursor.sequence,
        Some(cursor) => {
            let reason = "history_changed".to_owned();
            pending.push_back(StreamItem::Gap { from: cursor.sequence, to: now, reason });
            now
        }
    };
    pending.push_front(StreamItem::Start { cursor: hub.store.cursor(position) });
    let session = Session {
        head,
        filter: request.filter,
        position,
        pending,
        page: PAGE_EVENTS,
        caught_up: false,
        heartbeat_at: Instant::now(),
        status_after: Instant::now(),
        hub,
    };
    Ok(stream::unfold(session, |mut session| async move { session.next().await.map(|item| (item, session)) })
        .boxed())
}

/// Whether a cursor speaks of this log's history.
fn is_ours(store: &Store, cursor: Cursor, head: Sequence) -> bool {
    let here = store.cursor(cursor.sequence);
    (cursor.log, cursor.epoch) == (here.log, here.epoch) && cursor.sequence <= head
}

struct Session {
    hub: Follow,
    head: watch::Receiver<Sequence>,
    filter: EventFilter,
    position: Sequence,
    pending: VecDeque<StreamItem>,
    /// Events to read next: about as many as may be held.
    page: usize,
    caught_up: bool,
    heartbeat_at: Instant,
    status_after: Instant,
}

impl Session {
    async fn next(&mut self) -> Option<Result<StreamItem, Fault>> {
        loop {
            if let Some(item) = self.pending.pop_front() {
                return Some(Ok(item));
            }
            if self.hub.token.is_cancelled() {
                return None;
            }
            let head = *self.head.borrow_and_update();
            if self.position < head {
                if let Err(fault) = self.read().await {
                    return Some(Err(fault));
                }
            } else if !self.caught_up {
                self.caught_up = true;
                self.pending.push_back(StreamItem::CaughtUp { cursor: self.hub.store.cursor(self.position) });
            } else if !self.wait().await {
                return None;
            }
        }
    }

    /// Takes the next page of the log. A number that is missing in it is told as a gap.
    async fn read(&mut self) -> Result<(), Fault> {
        let (store, after, page) = (self.hub.store.clone(), self.position, self.page);
        let head = *self.head.borrow();
        // Who follows live finds it in memory: handing it to another thread would cost more than it does to read.
        let mut entries = match store.read_recent(after, page) {
            Some(entries) => entries,
            None => self.hub.readers.run(move || store.read_log_on(after, page)).await?,
        };
        // What is written and not announced yet may still be undone; and a reader that comes back with its cursor would be
        // ahead of the hub, as if it came from another history.
        entries.retain(|entry| entry.last() <= head);
        if entries.is_empty() {
            self.gap(head).await?;
            self.position = head;
        }
        let mut room = PENDING_BYTES_MAX;
        for entry in entries {
            if entry.first() > self.position.next() {
                self.gap(Sequence(entry.first().0 - 1)).await?;
            }
            if !self.take(&entry, &mut room) {
                let taken = self.position.0.saturating_sub(after.0) as usize;
                self.page = taken.clamp(PAGE_EVENTS_MIN, PAGE_EVENTS);
                return Ok(());
            }
        }
        self.page = (page * 2).min(PAGE_EVENTS);
        Ok(())
    }

    async fn gap(&mut self, to: Sequence) -> Result<(), Fault> {
        let (store, from) = (self.hub.store.clone(), self.position.next());
        let reason = self.hub.readers.run(move || store.why_missing(from)).await?.to_owned();
        self.pending.push_back(StreamItem::Gap { from, to, reason });
        Ok(())
    }

    /// Whether there was room for all of it: a reader who stopped costs no more, however large a commit is.
    fn take(&mut self, entry: &Entry, room: &mut usize) -> bool {
        let told = self.position;
        for event in entry.events.iter().filter(|event| event.sequence > told) {
            if self.hub.wall.see_name(event.subject.project()) && self.filter.matches(event) {
                let bytes = bytes_held(event);
                if bytes > *room && *room < PENDING_BYTES_MAX {
                    return false;
                }
                *room = room.saturating_sub(bytes);
                let cursor = self.hub.store.cursor(event.sequence);
                self.pending.push_back(StreamItem::Event { cursor, event: event.clone() });
            }
            self.position = event.sequence;
        }
        self.position = entry.last().max(self.position);
        true
    }

    /// Until there is something to say; `false` when the stream is over.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            () = self.hub.token.cancelled() => false,
            changed = self.head.changed() => changed.is_ok(),
            () = sleep_until(self.heartbeat_at) => { self.beat(); true }
            changed = changed_after(&mut self.hub.status_changed, self.status_after) => {
                if changed { self.beat(); }
                changed
            }
        }
    }

    fn beat(&mut self) {
        self.hub.status_changed.mark_unchanged();
        let mut status = (self.hub.status)().behind(&self.hub.wall);
        // A client takes its place from here: what was written since this reader looked is still to be told.
        status.head = self.hub.store.cursor(self.position);
        self.pending.push_back(StreamItem::Heartbeat { status: Box::new(status) });
        let now = Instant::now();
        self.heartbeat_at = now + HEARTBEAT;
        self.status_after = now + STATUS_PAUSE;
    }
}

/// The next change, not before `moment`.
async fn changed_after(changes: &mut watch::Receiver<u64>, moment: Instant) -> bool {
    if changes.changed().await.is_err() {
        return false;
    }
    // Seen now, told at `moment`: if the reader's wait ends otherwise in between, it must be seen again.
    changes.mark_changed();
    sleep_until(moment).await;
    true
}

/// What an event takes in memory, about.
fn bytes_held(event: &Event) -> usize {
    let texts = event.kind.len() + event.subject.as_str().len() + event.actor.0.len();
    size_of::<StreamItem>() + texts + bytes_of_map(&event.data)
}

/// A map is a tree whose nodes have room for eleven entries, and are half full where there are several.
fn bytes_of_map(map: &Map<String, Value>) -> usize {
    let nodes = map.len().div_ceil(6);
    let entries = map.iter().map(|(key, value)| key.len() + bytes_of(value));
    nodes * 11 * size_of::<(String, Value)>() + entries.sum::<usize>()
}

fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| size_of::<Value>() + bytes_of(value)).sum(),
        Value::Object(map) => bytes_of_map(map),
    }
}
