//! The mirror: what the console knows of its hub, in its own memory, so that drawing and keys never wait.
//!
//! [`Feed`] is a window of the hub's events, addressed by sequence. It grows at the newer end while it is live and at
//! either end by pages from disk; past its bound it lets go of the other end, never of what is being looked at.
//! [`Hub`] is the last thing the hub said of itself, and when.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    door::{Refusal, Status, ViewName, ViewState, Writes},
    model::{Event, Fault, Sequence, Time},
};

/// Events kept in a window: at about 600 bytes each 30 MB.
pub const EVENTS_MAX: usize = 50_000;

/// A window of events, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    events: VecDeque<Arc<Event>>,
    /// What lies before the first is on disk, as far as is known.
    more_before: bool,
    /// The window's newer end was let go: live events are no longer its continuation.
    more_after: bool,
    /// Live events seen since the beginning, kept or not.
    arrived: u64,
}

impl Feed {
    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub fn get(&self, row: usize) -> Option<&Arc<Event>> {
        self.events.get(row)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> + ExactSizeIterator {
        self.events.iter()
    }

    pub fn oldest(&self) -> Option<Sequence> {
        self.events.front().map(|event| event.sequence)
    }

    pub fn newest(&self) -> Option<Sequence> {
        self.events.back().map(|event| event.sequence)
    }

    pub fn more_before(&self) -> bool {
        self.more_before
    }

    pub fn is_live(&self) -> bool {
        !self.more_after
    }

    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    /// The row of this event, or of the first one after it, or of the last.
    pub fn row_of(&self, sequence: Sequence) -> Option<usize> {
        let row = self.events.partition_point(|event| event.sequence < sequence);
        (!self.events.is_empty()).then(|| row.min(self.events.len() - 1))
    }

    /// Begins anew with the newest page, given oldest first.
    pub fn reset(&mut self, page: Vec<Arc<Event>>, more_before: bool) {
        self.events = page.into();
        self.more_before = more_before;
        self.more_after = false;
    }

    /// Live events. Those already here (a seam after a reconnect) are passed over. Answers how many were new.
    pub fn append(&mut self, events: impl IntoIterator<Item = Arc<Event>>) -> usize {
        let mut fresh = 0;
        for event in events {
            if self.newest().is_some_and(|newest| event.sequence <= newest) {
                continue;
            }
            fresh += 1;
            if self.more_after {
                continue;
            }
            if self.events.len() == EVENTS_MAX {
                self.events.pop_front();
                self.more_before = true;
            }
            self.events.push_back(event);
        }
        self.arrived += fresh as u64;
        fresh
    }

    /// A page from disk that ends before the first event, newest first as the door gives it.
    pub fn page_before(&mut self, page: Vec<Arc<Event>>, more: bool) {
        for event in page {
            if self.oldest().is_some_and(|oldest| event.sequence >= oldest) {
                continue;
            }
            self.events.push_front(event);
        }
        self.more_before = more;
        if self.events.len() > EVENTS_MAX {
            self.events.truncate(EVENTS_MAX);
            self.more_after = true;
        }
    }

    /// A page from disk that begins after the last event, oldest first. Without more, the window is live again.
    pub fn page_after(&mut self, page: Vec<Arc<Event>>, more: bool) {
        self.more_after = false;
        let arrived = self.arrived;
        self.append(page);
        self.arrived = arrived;
        self.more_after = more;
    }
}

/// How the console stands with its hub.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Connection {
    /// The store is being opened, or the owner sought.
    #[default]
    Opening,
    Live {
        owned: bool,
    },
    /// The last try failed; what is shown is what was known then.
    Offline {
        since: Time,
        fault: Fault,
        retry_at: Time,
    },
}

/// What the hub said of itself.
#[derive(Debug, Clone, Default)]
pub struct Hub {
    pub connection: Connection,
    pub status: Option<Status>,
}

/// The hub's state in one word and how it bears on what can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Badge {
    Opening,
    Live,
    CatchingUp(String),
    Rebuilding(String),
    Failed(String),
    Stalled(String),
    Refused(Refusal),
    Offline { since: Time },
}

impl Hub {
    pub fn badge(&self, now: Time) -> Badge {
        match (&self.connection, &self.status) {
            (Connection::Offline { since, .. }, _) => Badge::Offline { since: *since },
            (Connection::Opening, _) | (_, None) => Badge::Opening,
            (Connection::Live { .. }, Some(status)) => of_status(status, now),
        }
    }

    pub fn is_live(&self) -> bool {
        matches!(self.connection, Connection::Live { .. })
    }

    /// Why a write cannot be made now, as a sentence.
    pub fn why_no_writes(&self) -> Option<String> {
        match &self.connection {
            Connection::Opening => return Some("the store is still opening".into()),
            Connection::Offline { .. } => return Some("the hub is away".into()),
            Connection::Live { .. } => {}
        }
        match self.status.as_ref().map(|status| &status.writes) {
            Some(Writes::Refused { fault, .. }) => Some(fault.message.clone()),
            Some(Writes::Waiting) => Some("the records are still opening".into()),
            // Stalled: a write would be made, later.
            Some(Writes::Open | Writes::Stalled { .. }) | None => None,
        }
    }

    /// How far something that is to be gone from every file is, or why it is not.
    pub fn erasing(&self) -> Option<String> {
        let cleaning = self.status.as_ref()?.cleaning.as_ref()?;
        (cleaning.memories > 0 || cleaning.fault.is_some()).then(|| cleaning.words())
    }

    /// How far the vectors are, while some are being made.
    pub fn embedding(&self) -> Option<String> {
        let state = self.status.as_ref()?.view(ViewName::Vectors)?;
        matches!(state, ViewState::Embedding { .. }).then(|| state.words())
    }

    pub fn memories(&self) -> Option<u64> {
        self.status.as_ref()?.memories
    }
}

fn of_status(status: &Status, now: Time) -> Badge {
    match &status.writes {
        Writes::Stalled { .. } => return Badge::Stalled(status.writes.words(now)),
        // Its view says how far it is.
        Writes::Refused { why: Refusal::RecordsBehind, .. } | Writes::Open | Writes::Waiting => {}
        Writes::Refused { why, .. } => return Badge::Refused(*why),
    }
    let views = ViewName::ALL.iter().filter_map(|name| Some((*name, status.view(*name)?)));
    for (name, state) in views {
        match state {
            ViewState::Ready | ViewState::Embedding { .. } => {}
            // Searches answer by words meanwhile, and say so.
            ViewState::Opening | ViewState::CatchingUp { .. } if name == ViewName::Vectors => {}
            ViewState::Opening => return Badge::Opening,
            ViewState::CatchingUp { .. } => return Badge::CatchingUp(state.words()),
            ViewState::Rebuilding { .. } => return Badge::Rebuilding(state.words()),
            ViewState::Failed { .. } => return Badge::Failed(format!("{} {}", name.word(), state.words())),
        }
    }
    Badge::Live
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Actor, Id, Severity};

    fn event(sequence: u64) -> Arc<Event> {
        Arc::new(Event {
            id: Id::NIL,
            kind: "memory.saved".into(),
            subject: "_.memory.saved".parse().unwrap(),
            time: Time::from_unix_ms(sequence as i64),
            sequence: Sequence(sequence),
            recorded_at: Time::from_unix_ms(sequence as i64),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor::hub(),
            severity: Severity::Info,
            data: serde_json::Map::new(),
        })
    }

    fn events(range: std::ops::RangeInclusive<u64>) -> Vec<Arc<Event>> {
        range.map(event).collect()
    }

    #[test]
    fn a_seam_after_a_reconnect_shows_nothing_twice() {
        let mut feed = Feed::default();
        assert_eq!(feed.append(events(1..=3)), 3);
        assert_eq!(feed.append(events(2..=5)), 2);
        assert_eq!(feed.iter().map(|event| event.sequence.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn past_its_bound_the_window_lets_go_of_the_far_end() {
        let mut feed = Feed::default();
        let max = EVENTS_MAX as u64;
        feed.append(events(1_001..=1_000 + max + 5));
        assert_eq!((feed.len(), feed.oldest()), (EVENTS_MAX, Some(Sequence(1_006))));
        assert!(feed.more_before() && feed.is_live());

        let mut page = events(906..=1_005);
        page.reverse();
        feed.page_before(page, true);
        assert_eq!((feed.len(), feed.oldest()), (EVENTS_MAX, Some(Sequence(906))));
        assert!(!feed.is_live());

        let newest = feed.newest().unwrap();
        feed.append(events(max + 2_000..=max + 2_009));
        assert_eq!(feed.newest(), Some(newest), "live events are no longer its continuation");
        feed.page_after(events(newest.0 + 1..=newest.0 + 50), false);
        assert!(feed.is_live() && feed.newest() == Some(Sequence(newest.0 + 50)));
    }

    proptest! {
        #[test]
        fn sequences_ascend_whatever_comes(parts in prop::collection::vec((0..3u8, 1..400u64, 1..30u64), 0..20)) {
            let mut feed = Feed::default();
            for (how, from, count) in parts {
                let page = events(from..=from + count);
                match how {
                    0 => { feed.append(page); }
                    1 => feed.page_before(page.into_iter().rev().collect(), true),
                    _ => feed.page_after(page, false),
                }
                let sequences: Vec<_> = feed.iter().map(|event| event.sequence).collect();
                prop_assert!(sequences.is_sorted_by(|a, b| a < b));
                for (row, sequence) in sequences.iter().enumerate() {
                    prop_assert_eq!(feed.row_of(*sequence), Some(row));
                }
            }
        }
    }
}
