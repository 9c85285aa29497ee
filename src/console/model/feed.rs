//! A window of the hub's events and of the gaps between them, addressed by sequence.
//!
//! It grows at the newer end while it is live and at either end by pages from disk; past its bound it lets go of the
//! other end, never of what is being looked at.
//!
//! Invariant: items ascend, none overlaps another, and no two gaps stand beside one another.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    door::{EventGap, EventPage, Order},
    model::{Cursor, Event, Sequence, Time},
};

/// Items kept in a window: at about 600 bytes each 30 MB.
pub const EVENTS_MAX: usize = 50_000;

/// A row of the window.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    Event(Arc<Event>),
    Gap(EventGap),
}

impl Item {
    pub fn first(&self) -> Sequence {
        match self {
            Item::Event(event) => event.sequence,
            Item::Gap(gap) => gap.from,
        }
    }

    pub fn last(&self) -> Sequence {
        match self {
            Item::Event(event) => event.sequence,
            Item::Gap(gap) => gap.to,
        }
    }

    pub fn event(&self) -> Option<&Arc<Event>> {
        match self {
            Item::Event(event) => Some(event),
            Item::Gap(_) => None,
        }
    }

    /// As much of it as lies between these two, neither included.
    fn between(self, after: Option<Sequence>, before: Option<Sequence>) -> Option<Item> {
        let low = after.map_or(Sequence::ZERO, Sequence::next);
        let high = before.map_or(Sequence(u64::MAX), |before| Sequence(before.0.saturating_sub(1)));
        match self {
            Item::Event(event) => (low..=high).contains(&event.sequence).then_some(Item::Event(event)),
            Item::Gap(gap) => {
                let (from, to) = (gap.from.max(low), gap.to.min(high));
                (from <= to).then(|| {
                    let missing = gap.missing.min(to.0 - from.0 + 1);
                    Item::Gap(EventGap { from, to, missing, reason: gap.reason })
                })
            }
        }
    }
}

/// A page of history as a window takes it in.
#[derive(Debug, Clone, PartialEq)]
pub struct Stretch {
    /// Oldest first.
    pub items: Vec<Item>,
    /// Where reading goes on in the order that was asked for.
    pub next: Option<Sequence>,
    /// When that was recorded which was looked at last.
    pub reached: Option<Time>,
    pub head: Cursor,
}

impl Stretch {
    pub fn of(page: EventPage, order: Order) -> Stretch {
        let mut events: Vec<_> = page.events.into_iter().map(|event| Item::Event(Arc::new(event))).collect();
        if order == Order::Desc {
            events.reverse();
        }
        events.extend(page.gaps.into_iter().map(Item::Gap));
        events.sort_by_key(Item::first);
        Stretch {
            items: events,
            next: page.next.map(|cursor| cursor.sequence),
            reached: page.reached,
            head: page.head,
        }
    }

    pub fn events(&self) -> impl DoubleEndedIterator<Item = &Arc<Event>> {
        self.items.iter().filter_map(Item::event)
    }
}

/// The window.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    items: VecDeque<Item>,
    /// History before this has not been looked at, or was let go. None: there is none.
    before: Option<Sequence>,
    /// History after this has not been looked at, or was let go: live events are no longer the window's continuation.
    after: Option<Sequence>,
}

impl Feed {
    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn get(&self, row: usize) -> Option<&Item> {
        self.items.get(row)
    }

    pub fn event(&self, row: usize) -> Option<&Arc<Event>> {
        self.get(row)?.event()
    }

    pub fn items(&self) -> impl DoubleEndedIterator<Item = &Item> + ExactSizeIterator {
        self.items.iter()
    }

    pub fn oldest(&self) -> Option<Sequence> {
        self.items.front().map(Item::first)
    }

    pub fn newest(&self) -> Option<Sequence> {
        self.items.back().map(Item::last)
    }

    /// Where history goes on to the past.
    pub fn before(&self) -> Option<Sequence> {
        self.before
    }

    /// Where it goes on to the present.
    pub fn after(&self) -> Option<Sequence> {
        self.after
    }

    pub fn is_live(&self) -> bool {
        self.after.is_none()
    }

    /// The row that holds this number, or the first one after it, or the last.
    pub fn row_of(&self, sequence: Sequence) -> Option<usize> {
        let row = self.items.partition_point(|item| item.last() < sequence);
        (!self.items.is_empty()).then(|| row.min(self.items.len() - 1))
    }

    /// Whether the event that bears this number is here.
    pub fn holds(&self, sequence: Sequence) -> bool {
        self.row_of(sequence).and_then(|row| self.event(row)).is_some_and(|event| event.sequence == sequence)
    }

    /// Begins anew with this, oldest first.
    pub fn reset(&mut self, items: Vec<Item>, before: Option<Sequence>, after: Option<Sequence>) {
        self.items.clear();
        self.before = before;
        self.after = after;
        items.into_iter().for_each(|item| {
            self.push_back(item);
        });
    }

    /// What arrives. What is already here (a seam after a reconnect) is passed over. Answers how many were new.
    pub fn append(&mut self, items: impl IntoIterator<Item = Item>) -> usize {
        let mut fresh = 0;
        for item in items {
            let news = match self.is_live() {
                true => self.push_back(item),
                false => self.newest().is_none_or(|newest| item.last() > newest),
            };
            fresh += usize::from(news);
            if self.items.len() > EVENTS_MAX {
                self.items.pop_front();
                self.before = self.oldest();
            }
        }
        fresh
    }

    /// What comes after this is not here, and will not be until it is asked for.
    pub fn let_go_of_present(&mut self, after: Sequence) {
        self.after = Some(self.newest().map_or(after, |newest| newest.max(after)));
    }

    /// A page that ends before the first item, oldest first. `before` is where history goes on.
    pub fn page_before(&mut self, items: Vec<Item>, before: Option<Sequence>) {
        items.into_iter().rev().for_each(|item| self.push_front(item));
        self.before = before;
        if self.items.len() > EVENTS_MAX {
            self.items.truncate(EVENTS_MAX);
            self.after = self.newest();
        }
    }

    /// A page that begins after the last item, oldest first. Without `after`, the window is live again.
    pub fn page_after(&mut self, items: Vec<Item>, after: Option<Sequence>) {
        items.into_iter().for_each(|item| {
            self.push_back(item);
        });
        self.after = after;
        if self.items.len() > EVENTS_MAX {
            self.items.drain(..self.items.len() - EVENTS_MAX);
            self.before = self.oldest();
        }
    }

    /// Answers whether it said something new.
    fn push_back(&mut self, item: Item) -> bool {
        let Some(item) = item.between(self.newest(), None) else { return false };
        match (self.items.back_mut(), item) {
            (Some(Item::Gap(before)), Item::Gap(gap)) => {
                before.to = gap.to;
                before.missing += gap.missing;
            }
            (_, item) => self.items.push_back(item),
        }
        true
    }

    fn push_front(&mut self, item: Item) {
        let Some(item) = item.between(None, self.oldest()) else { return };
        match (self.items.front_mut(), item) {
            (Some(Item::Gap(after)), Item::Gap(gap)) => {
                after.from = gap.from;
                after.missing += gap.missing;
                after.reason = gap.reason;
            }
            (_, item) => self.items.push_front(item),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Actor, Id, Severity};

    fn event(sequence: u64) -> Item {
        Item::Event(Arc::new(Event {
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
        }))
    }

    fn events(range: std::ops::RangeInclusive<u64>) -> Vec<Item> {
        range.map(event).collect()
    }

    fn gap(from: u64, to: u64) -> Item {
        let missing = to - from + 1;
        Item::Gap(EventGap { from: Sequence(from), to: Sequence(to), missing, reason: "cleaned".into() })
    }

    fn ends(feed: &Feed) -> Vec<(u64, u64)> {
        feed.items().map(|item| (item.first().0, item.last().0)).collect()
    }

    #[test]
    fn a_seam_after_a_reconnect_shows_nothing_twice() {
        let mut feed = Feed::default();
        assert_eq!(feed.append(events(1..=3)), 3);
        assert_eq!(feed.append(events(2..=5)), 2);
        assert_eq!(ends(&feed), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    }

    #[test]
    fn what_is_missing_between_two_events_is_one_row() {
        let mut feed = Feed::default();
        feed.reset(vec![event(10), gap(11, 20)], Some(Sequence(10)), None);
        feed.append([gap(15, 30), event(31)]);
        feed.page_before(vec![gap(1, 4), event(5), gap(6, 9)], None);
        assert_eq!(ends(&feed), [(1, 4), (5, 5), (6, 9), (10, 10), (11, 30), (31, 31)]);
        assert_eq!(feed.get(4), Some(&gap(11, 30)));
        assert_eq!((feed.row_of(Sequence(17)), feed.before()), (Some(4), None));
        assert!(feed.holds(Sequence(31)) && !feed.holds(Sequence(17)));
    }

    #[test]
    fn past_its_bound_the_window_lets_go_of_the_far_end() {
        let mut feed = Feed::default();
        let max = EVENTS_MAX as u64;
        feed.append(events(1_001..=1_000 + max + 5));
        assert_eq!((feed.len(), feed.oldest()), (EVENTS_MAX, Some(Sequence(1_006))));
        assert!(feed.before() == Some(Sequence(1_006)) && feed.is_live());

        feed.page_before(events(906..=1_005), Some(Sequence(906)));
        assert_eq!((feed.len(), feed.oldest()), (EVENTS_MAX, Some(Sequence(906))));
        let newest = feed.newest().unwrap();
        assert_eq!(feed.after(), Some(newest));

        assert_eq!(feed.append(events(max + 2_000..=max + 2_009)), 10);
        assert_eq!(feed.newest(), Some(newest), "live events are no longer its continuation");
        feed.page_after(events(newest.0 + 1..=newest.0 + 50), None);
        assert!(feed.is_live() && feed.newest() == Some(Sequence(newest.0 + 50)));
    }

    proptest! {
        #[test]
        fn items_ascend_whatever_comes(
            parts in prop::collection::vec((0..3u8, 1..400u64, 1..30u64, any::<bool>()), 0..20)
        ) {
            let mut feed = Feed::default();
            for (how, from, count, lost) in parts {
                let page = if lost { vec![gap(from, from + count)] } else { events(from..=from + count) };
                match how {
                    0 => { feed.append(page); }
                    1 => feed.page_before(page, Some(Sequence(from))),
                    _ => feed.page_after(page, None),
                }
                let ends = ends(&feed);
                prop_assert!(ends.is_sorted_by(|a, b| a.1 < b.0), "{:?}", ends);
                for (row, (first, last)) in ends.iter().enumerate() {
                    prop_assert_eq!(feed.row_of(Sequence(*first)), Some(row));
                    prop_assert_eq!(feed.row_of(Sequence(*last)), Some(row));
                }
                let gaps: Vec<_> = feed.items().map(|item| item.event().is_none()).collect();
                prop_assert!(!gaps.windows(2).any(|two| two[0] && two[1]));
            }
        }
    }
}
