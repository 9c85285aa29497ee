//! The past as readers of it saw it last. Each takes a little at a time, so that one who stops costs little; what lies
//! around it was decoded with it, and is here for its next step and for others at the same place.
//!
//! **Invariant:** a page holds every entry between its ends that the log has, and none that the tail holds: those may
//! still be undone.

use std::{collections::VecDeque, sync::Arc};

use super::{Log, LogError, sound};
use crate::model::{Entry, Sequence};

/// Decoded at a time: so many events, or so many bytes of them as they are written.
const PAGE_EVENTS: usize = 512;
const PAGE_BYTES: usize = 256 << 10;
/// Of all pages, as they are written.
const PAST_BYTES_MAX: usize = 4 << 20;

/// Pages, the last used last.
#[derive(Default)]
pub(super) struct Past {
    pages: VecDeque<Page>,
    bytes: usize,
    /// What was read before it was last forgotten is not kept.
    turn: u64,
}

struct Page {
    after: Sequence,
    last: Sequence,
    entries: Vec<Arc<Entry>>,
    bytes: usize,
}

impl Past {
    fn find(&mut self, after: Sequence, events_max: usize) -> Option<Vec<Arc<Entry>>> {
        let at = self.pages.iter().position(|page| page.after <= after && after < page.last)?;
        let page = self.pages.remove(at)?;
        let from = page.entries.partition_point(|entry| entry.last() <= after);
        let found = some(page.entries[from..].iter(), events_max);
        self.pages.push_back(page);
        Some(found)
    }

    fn keep(&mut self, page: Page) {
        self.bytes += page.bytes;
        self.pages.push_back(page);
        while self.bytes > PAST_BYTES_MAX {
            let Some(oldest) = self.pages.pop_front() else { break };
            self.bytes -= oldest.bytes;
        }
    }

    fn forget(&mut self) {
        *self = Past { turn: self.turn + 1, ..Past::default() };
    }
}

/// The first of them, until they hold at least `events_max`.
pub(super) fn some<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>, events_max: usize) -> Vec<Arc<Entry>> {
    let mut events = 0;
    let wanted = entries.take_while(|entry| {
        let goes_on = events < events_max;
        events += entry.events.len();
        goes_on
    });
    wanted.cloned().collect()
}

impl Log {
    /// Whole entries after a place, oldest first, about so many events: as [`Log::read`], for who reads on, a little at a
    /// time.
    pub fn read_on(&self, after: Sequence, events_max: usize) -> Result<Vec<Arc<Entry>>, LogError> {
        if let Some(entries) = self.read_recent(after, events_max) {
            return Ok(entries);
        }
        let turn = sound(self.past.lock()).turn;
        let (mut entries, mut events, mut bytes) = (Vec::new(), 0, 0);
        self.walk(after, |entry, size| {
            events += entry.events.len();
            bytes += size;
            entries.push(Arc::new(entry));
            events < PAGE_EVENTS && bytes < PAGE_BYTES
        })?;
        let found = some(entries.iter(), events_max);
        let tail = sound(self.tail.lock()).entries.front().map(|(entry, _)| entry.first());
        entries.retain(|entry| tail.is_some_and(|tail| entry.last() < tail));
        if let Some(last) = entries.last().map(|entry| entry.last()) {
            let mut past = sound(self.past.lock());
            if past.turn == turn {
                past.keep(Page { after, last, entries, bytes });
            }
        }
        Ok(found)
    }

    /// As [`Log::read_on`], of what is kept in memory.
    pub fn read_recent(&self, after: Sequence, events_max: usize) -> Option<Vec<Arc<Entry>>> {
        self.read_tail(after, events_max).or_else(|| sound(self.past.lock()).find(after, events_max))
    }

    /// What was decoded before is decoded anew from here on.
    pub(super) fn forget_past(&self) {
        sound(self.past.lock()).forget();
    }
}
