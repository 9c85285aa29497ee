//! A window of the hubs' events and of the gaps between them, in the order in which they were recorded.
//!
//! It grows at the newer end while it is live and at either end by pages from disk; past its bound it lets go of the
//! other end, never of what is being looked at. What comes late from one hub is merged into its place among the others.
//!
//! A hub's clock of the log never goes back, so on one hub the order of [`Mark`]s is that of its sequences, and across
//! hubs it is time. Where a hub breaks that promise its own order wins: a time is moved to its neighbour's.
//!
//! Invariant: rows ascend by their marks, those of one hub by sequence, none overlaps another, and no two gaps of a hub
//! follow one another.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::At;
use crate::{
    door::{EventGap, EventPage, Order},
    model::{Cursor, Event, Sequence, Time},
};

/// Items kept in a window: at about 600 bytes each 30 MB.
pub const EVENTS_MAX: usize = 50_000;

/// Where a row stands among those of all hubs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    pub time: Time,
    pub hub: At,
    pub sequence: Sequence,
}

/// A row of the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub hub: At,
    /// When it was recorded; a gap stands where its neighbour on the same hub does.
    time: Time,
    pub item: Item,
}

impl Row {
    pub fn first(&self) -> Mark {
        Mark { time: self.time, hub: self.hub, sequence: self.item.first() }
    }

    pub fn last(&self) -> Mark {
        Mark { time: self.time, hub: self.hub, sequence: self.item.last() }
    }
}

/// An event, or what is missing.
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

/// A page of each hub that answered.
pub type Pages = Vec<(At, Stretch)>;

/// An end of what of a hub has been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Edge {
    time: Time,
    sequence: Sequence,
}

impl Edge {
    fn mark(self, hub: At) -> Mark {
        Mark { time: self.time, hub, sequence: self.sequence }
    }
}

/// How much of a hub's history the window covers.
#[derive(Debug, Clone, Copy, Default)]
struct Cover {
    /// The first number that was looked at. None: nothing was.
    low: Option<Edge>,
    /// The last one.
    high: Option<Edge>,
    /// Before `low` there is more.
    past: bool,
    /// After `high` there is more: live events are no longer the window's continuation.
    behind: bool,
    /// It did not answer: the others do not wait for it.
    away: bool,
}

impl Cover {
    /// Later than anything: the time of an end that is not known.
    fn never() -> Time {
        Time::from_unix_ms(i64::MAX)
    }

    const UNREAD: Cover = Cover { low: None, high: None, past: true, behind: false, away: false };

    /// What is missing of it stands below this.
    fn floor(&self, hub: At) -> Option<Mark> {
        let never = Edge { time: Cover::never(), sequence: Sequence(u64::MAX) };
        (self.past && !self.away).then(|| self.low.unwrap_or(never).mark(hub))
    }

    /// What is missing of it stands above this.
    fn ceiling(&self, hub: At) -> Option<Mark> {
        self.high.filter(|_| self.behind && !self.away).map(|high| high.mark(hub))
    }
}

/// The window.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    rows: VecDeque<Row>,
    covers: BTreeMap<At, Cover>,
}

impl Feed {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn row(&self, row: usize) -> Option<&Row> {
        self.rows.get(row)
    }

    pub fn event(&self, row: usize) -> Option<&Arc<Event>> {
        self.row(row)?.item.event()
    }

    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> + ExactSizeIterator {
        self.rows.iter()
    }

    /// The row that holds this, or the first one after it, or the last.
    pub fn row_of(&self, mark: Mark) -> Option<usize> {
        let row = self.rows.partition_point(|row| row.last() < mark);
        (!self.rows.is_empty()).then(|| row.min(self.rows.len() - 1))
    }

    /// The row of the event that is marked so, if it is here.
    pub fn find(&self, mark: Mark) -> Option<usize> {
        self.row_of(mark).filter(|row| self.event(*row).is_some() && self.rows[*row].first() == mark)
    }

    // ── what is covered ─────────────────────────────────────────────────────────────────────────────────────────

    /// Where a hub's history goes on to the past; inside it, none is at its newest end. None: nowhere.
    pub fn before(&self, hub: At) -> Option<Option<Sequence>> {
        let cover = self.covers.get(&hub).filter(|cover| cover.past)?;
        Some(cover.low.map(|low| low.sequence))
    }

    /// Where it goes on to the present.
    pub fn after(&self, hub: At) -> Option<Sequence> {
        self.covers.get(&hub).filter(|cover| cover.behind)?.high.map(|high| high.sequence)
    }

    /// Arriving events are its continuation.
    pub fn is_live(&self) -> bool {
        !self.covers.values().any(|cover| cover.behind && !cover.away)
    }

    /// There is more to page in, of hubs that answer.
    pub fn has_past(&self) -> bool {
        self.covers.values().any(|cover| cover.past && !cover.away)
    }

    /// The hubs to ask for what is looked at soon: so many rows before `row`, or before the first. Those that lag far
    /// behind the others come first and alone: what they lack stands among rows that are here.
    pub fn lacking(&self, row: usize, ahead: usize) -> Vec<At> {
        let floors = || self.covers.iter().filter_map(|(hub, cover)| Some((*hub, cover.floor(*hub)?)));
        let near = if row < ahead { ahead.min(self.rows.len().saturating_sub(1)) } else { row - ahead };
        let mark = self.row(near).map(Row::first);
        let lags = |floor: Mark| mark.is_some_and(|mark| floor > mark);
        let lagging: Vec<At> = floors().filter(|(_, floor)| lags(*floor)).map(|(hub, _)| hub).collect();
        if lagging.is_empty() && row < ahead { floors().map(|(hub, _)| hub).collect() } else { lagging }
    }

    /// A hub did not answer: the others do not wait for it.
    pub fn set_away(&mut self, hub: At) {
        self.covers.entry(hub).or_insert(Cover::UNREAD).away = true;
    }

    /// It may be asked again.
    pub fn set_back(&mut self, hub: At) {
        if let Some(cover) = self.covers.get_mut(&hub) {
            cover.away = false;
        }
    }

    /// Nothing of a hub is here; its history is to be read.
    pub fn forget(&mut self, hub: At) {
        self.rows.retain(|row| row.hub != hub);
        self.covers.insert(hub, Cover::UNREAD);
    }

    // ── growing ─────────────────────────────────────────────────────────────────────────────────────────────────

    /// Begins anew with the newest pages.
    pub fn begin(&mut self, pages: Pages) {
        self.rows.clear();
        self.covers = pages.iter().map(|(hub, _)| (*hub, Cover::UNREAD)).collect();
        self.page_before(pages);
    }

    /// Begins anew with pages that were read forward.
    pub fn begin_at(&mut self, pages: Pages) {
        self.rows.clear();
        self.covers.clear();
        for (hub, page) in &pages {
            let first = page.items.first().map(Item::first);
            let sequence = first.unwrap_or_else(|| page.next.unwrap_or(page.head.sequence).next());
            let time = page.events().next().map(|event| event.recorded_at).or(page.reached);
            let low = Some(Edge { time: time.unwrap_or_default(), sequence });
            self.covers.insert(*hub, Cover { low, ..Cover::UNREAD });
        }
        self.page_after(pages);
    }

    /// Begins anew with what passes of another.
    pub fn begin_with(&mut self, other: &Feed, hubs: impl Fn(At) -> bool, passes: impl Fn(&Row) -> bool) {
        self.rows.clear();
        self.covers = other.covers.iter().filter(|(hub, _)| hubs(**hub)).map(|(hub, c)| (*hub, *c)).collect();
        let mut lasts: BTreeMap<At, usize> = BTreeMap::new();
        for row in other.rows.iter().filter(|row| hubs(row.hub) && passes(row)) {
            let last = lasts.get(&row.hub).and_then(|last| self.rows.get_mut(*last));
            match (last.map(|last| &mut last.item), &row.item) {
                (Some(Item::Gap(before)), Item::Gap(gap)) => join_newer(before, gap),
                _ => {
                    lasts.insert(row.hub, self.rows.len());
                    self.rows.push_back(row.clone());
                }
            }
        }
    }

    /// What arrives from a hub. What is already here (a seam after a reconnect) is passed over. Answers how many were
    /// new.
    pub fn append(&mut self, hub: At, items: impl IntoIterator<Item = Item>) -> usize {
        if !self.is_live() {
            let high = self.covers.get(&hub).and_then(|cover| cover.high).map(|edge| edge.sequence);
            return items.into_iter().filter(|item| high.is_none_or(|high| item.last() > high)).count();
        }
        let (rows, fresh) = self.after_high(hub, items.into_iter().collect());
        self.merge_newer(rows);
        self.let_go_of_past();
        fresh
    }

    /// What comes after this is not here, and will not be until it is asked for.
    pub fn let_go_of_present(&mut self) {
        for cover in self.covers.values_mut() {
            let before = |low: Edge| Edge { sequence: Sequence(low.sequence.0.saturating_sub(1)), ..low };
            let none = Edge { time: Time::default(), sequence: Sequence::ZERO };
            match (cover.high, cover.low) {
                (None, Some(low)) => cover.high = Some(before(low)),
                // It has no events yet.
                (None, None) if !cover.past => cover.high = Some(none),
                _ => {}
            }
            cover.behind = cover.high.is_some();
        }
    }

    /// A hub has been looked at up to here.
    pub fn looked_to(&mut self, hub: At, sequence: Sequence) {
        let cover = self.covers.entry(hub).or_default();
        let time = cover.low.map_or_else(Time::default, |low| low.time);
        let high = cover.high.get_or_insert(Edge { time, sequence });
        high.sequence = high.sequence.max(sequence);
    }

    /// Pages that end before what is here of their hubs. What would leave a hole of another hub beside it is left for
    /// later.
    pub fn page_before(&mut self, pages: Pages) {
        let front = self.rows.front().map(Row::first);
        let back = self.rows.back().map(Row::last).filter(|_| !self.is_live());
        let mut rows: Vec<Row> =
            pages.into_iter().flat_map(|(hub, page)| self.before_low(hub, page)).collect();
        rows.sort_by_key(Row::first);
        let floor = self.covers.iter().filter_map(|(hub, cover)| cover.floor(*hub)).max();
        let floor = floor.map(|floor| front.map_or(floor, |front| front.min(floor)));
        let below = floor.map_or(0, |floor| rows.partition_point(|row| row.first() < floor));
        rows.drain(..below).for_each(|row| self.lose_before(&row));
        let above = back.map_or(rows.len(), |back| rows.partition_point(|row| row.first() <= back));
        rows.drain(above..).rev().for_each(|row| self.lose_after(&row));
        self.merge_older(rows);
        if self.rows.len() > EVENTS_MAX {
            let beyond = self.rows.split_off(EVENTS_MAX);
            beyond.into_iter().rev().for_each(|row| self.lose_after(&row));
            self.let_go_of_present();
        }
    }

    /// Pages that begin after what is here of their hubs. Once none has more, the window is live again.
    pub fn page_after(&mut self, pages: Pages) {
        let back = self.rows.back().map(Row::last);
        let mut rows: Vec<Row> = Vec::new();
        for (hub, page) in pages {
            rows.extend(self.after_high(hub, page.items).0);
            let cover = self.covers.entry(hub).or_default();
            (cover.behind, cover.away) = (page.next.is_some(), false);
            if let Some(next) = page.next {
                let sequence = cover.high.map_or(next, |high| high.sequence.max(next));
                let known = cover.high.or(cover.low).map_or_else(Time::default, |edge| edge.time);
                let time = page.reached.map_or(known, |reached| reached.max(known));
                cover.high = Some(Edge { time, sequence });
            }
        }
        rows.sort_by_key(Row::first);
        let ceiling = self.covers.iter().filter_map(|(hub, cover)| cover.ceiling(*hub)).min();
        let ceiling = ceiling.map(|ceiling| back.map_or(ceiling, |back| back.max(ceiling)));
        let above = ceiling.map_or(rows.len(), |ceiling| rows.partition_point(|row| row.first() <= ceiling));
        rows.drain(above..).rev().for_each(|row| self.lose_after(&row));
        self.merge_newer(rows);
        self.let_go_of_past();
    }

    // ── one hub's items ─────────────────────────────────────────────────────────────────────────────────────────

    /// Items as rows behind what is here of their hub, and how many of them said something new.
    fn after_high(&mut self, hub: At, items: Vec<Item>) -> (Vec<Row>, usize) {
        let Cover { mut high, mut low, .. } = *self.covers.entry(hub).or_default();
        // A gap stands where its neighbour does.
        let first = items.iter().find_map(Item::event).map(|event| event.recorded_at);
        let mut rows: Vec<Row> = Vec::new();
        let mut fresh = 0;
        for item in items {
            let Some(item) = item.between(high.map(|edge| edge.sequence), None) else { continue };
            let known = high.or(low).map(|edge| edge.time);
            let time = match &item {
                Item::Event(event) => known.map_or(event.recorded_at, |known| known.max(event.recorded_at)),
                Item::Gap(_) => known.or(first).unwrap_or_default(),
            };
            low = low.or(Some(Edge { time, sequence: item.first() }));
            high = Some(Edge { time, sequence: item.last() });
            fresh += 1;
            let before = match rows.last_mut() {
                None if item.event().is_none() => self.rows.iter_mut().rev().find(|row| row.hub == hub),
                last => last,
            };
            match (before.map(|row| &mut row.item), item) {
                (Some(Item::Gap(before)), Item::Gap(gap)) => join_newer(before, &gap),
                (_, item) => rows.push(Row { hub, time, item }),
            }
        }
        let cover = self.covers.entry(hub).or_default();
        (cover.low, cover.high) = (low, high);
        (rows, fresh)
    }

    /// A page's items as rows before what is here of their hub, newest first.
    fn before_low(&mut self, hub: At, page: Stretch) -> Vec<Row> {
        let Cover { mut low, mut high, .. } = *self.covers.entry(hub).or_insert(Cover::UNREAD);
        let last = page.events().next_back().map(|event| event.recorded_at);
        let mut rows: Vec<Row> = Vec::new();
        for item in page.items.into_iter().rev() {
            let Some(item) = item.between(None, low.map(|edge| edge.sequence)) else { continue };
            let known = low.map(|edge| edge.time).filter(|time| *time != Cover::never());
            let time = match &item {
                Item::Event(event) => known.map_or(event.recorded_at, |known| known.min(event.recorded_at)),
                Item::Gap(_) => known.or(last).unwrap_or_default(),
            };
            high = high.or(Some(Edge { time, sequence: item.last() }));
            low = Some(Edge { time, sequence: item.first() });
            let after = match rows.last_mut() {
                None if item.event().is_none() => self.rows.iter_mut().find(|row| row.hub == hub),
                last => last,
            };
            match (after.map(|row| &mut row.item), item) {
                (Some(Item::Gap(after)), Item::Gap(gap)) => join_older(after, gap),
                (_, item) => rows.push(Row { hub, time, item }),
            }
        }
        if let Some(next) = page.next {
            let sequence = low.map_or(next, |low| low.sequence.min(next));
            let never = Cover::never();
            let time = low.map_or(never, |low| low.time).min(page.reached.unwrap_or(never));
            low = Some(Edge { time, sequence });
        }
        let cover = self.covers.entry(hub).or_default();
        *cover = Cover { low, high, past: page.next.is_some(), away: false, ..*cover };
        rows
    }

    // ── letting go ──────────────────────────────────────────────────────────────────────────────────────────────

    fn let_go_of_past(&mut self) {
        while self.rows.len() > EVENTS_MAX {
            let Some(row) = self.rows.pop_front() else { return };
            self.lose_before(&row);
        }
    }

    /// This row of a hub, and what is before it, is not here.
    fn lose_before(&mut self, row: &Row) {
        let cover = self.covers.entry(row.hub).or_default();
        cover.low = Some(Edge { time: row.time, sequence: row.item.last().next() });
        cover.past = true;
    }

    /// This row of a hub, and what is after it, is not here.
    fn lose_after(&mut self, row: &Row) {
        let cover = self.covers.entry(row.hub).or_default();
        let sequence = Sequence(row.item.first().0.saturating_sub(1));
        cover.high = Some(Edge { time: row.time, sequence });
        cover.behind = true;
    }

    // ── merging ─────────────────────────────────────────────────────────────────────────────────────────────────

    /// Puts ascending rows among the newer ones. Two runs are merged in one pass.
    fn merge_newer(&mut self, rows: Vec<Row>) {
        let Some(first) = rows.first().map(Row::first) else { return };
        let mut tail = self.rows.split_off(self.rows.partition_point(|row| row.first() < first));
        let apart = tail.is_empty();
        tail.extend(rows);
        if !apart {
            tail.make_contiguous().sort_by_key(Row::first);
        }
        self.rows.append(&mut tail);
    }

    /// The same among the older ones.
    fn merge_older(&mut self, rows: Vec<Row>) {
        let Some(last) = rows.last().map(Row::first) else { return };
        let among = self.rows.partition_point(|row| row.first() < last);
        if among == 0 {
            rows.into_iter().rev().for_each(|row| self.rows.push_front(row));
            return;
        }
        let mut rest = self.rows.split_off(among);
        self.rows.extend(rows);
        self.rows.make_contiguous().sort_by_key(Row::first);
        self.rows.append(&mut rest);
    }
}

fn join_newer(gap: &mut EventGap, newer: &EventGap) {
    gap.to = newer.to;
    gap.missing += newer.missing;
}

fn join_older(gap: &mut EventGap, older: EventGap) {
    gap.from = older.from;
    gap.missing += older.missing;
    gap.reason = older.reason;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Actor, Id, LogId, Severity};

    const A: At = At(0);
    const B: At = At(1);

    fn event_at(sequence: u64, ms: i64) -> Item {
        Item::Event(Arc::new(Event {
            id: Id::NIL,
            kind: "memory.saved".into(),
            subject: "_.memory.saved".parse().unwrap(),
            time: Time::from_unix_ms(ms),
            sequence: Sequence(sequence),
            recorded_at: Time::from_unix_ms(ms),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor::hub(),
            severity: Severity::Info,
            sampled_rate: None,
            data: serde_json::Map::new(),
        }))
    }

    fn event(sequence: u64) -> Item {
        event_at(sequence, sequence as i64)
    }

    fn events(range: std::ops::RangeInclusive<u64>) -> Vec<Item> {
        range.map(event).collect()
    }

    fn gap(from: u64, to: u64) -> Item {
        let missing = to - from + 1;
        Item::Gap(EventGap { from: Sequence(from), to: Sequence(to), missing, reason: "cleaned".into() })
    }

    fn page(items: Vec<Item>, next: Option<u64>) -> Stretch {
        let log = LogId(uuid::Uuid::nil());
        let head = Cursor { log, epoch: 1, sequence: Sequence(u64::MAX / 2) };
        Stretch { items, next: next.map(Sequence), reached: None, head }
    }

    fn mark(hub: At, sequence: u64) -> Mark {
        Mark { time: Time::from_unix_ms(sequence as i64), hub, sequence: Sequence(sequence) }
    }

    fn ends(feed: &Feed) -> Vec<(u64, u64)> {
        feed.rows().map(|row| (row.item.first().0, row.item.last().0)).collect()
    }

    fn of(feed: &Feed) -> Vec<(u16, u64)> {
        feed.rows().map(|row| (row.hub.0, row.item.first().0)).collect()
    }

    #[test]
    fn a_seam_after_a_reconnect_shows_nothing_twice() {
        let mut feed = Feed::default();
        assert_eq!(feed.append(A, events(1..=3)), 3);
        assert_eq!(feed.append(A, events(2..=5)), 2);
        assert_eq!(ends(&feed), [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]);
    }

    #[test]
    fn what_is_missing_between_two_events_is_one_row() {
        let mut feed = Feed::default();
        feed.begin(vec![(A, page(vec![event(10), gap(11, 20)], Some(10)))]);
        feed.append(A, [gap(15, 30), event(31)]);
        feed.page_before(vec![(A, page(vec![gap(1, 4), event(5), gap(6, 9)], None))]);
        assert_eq!(ends(&feed), [(1, 4), (5, 5), (6, 9), (10, 10), (11, 30), (31, 31)]);
        assert_eq!(feed.row(4).unwrap().item, gap(11, 30));
        let within = Mark { sequence: Sequence(17), ..mark(A, 10) };
        assert_eq!((feed.row_of(within), feed.before(A)), (Some(4), None));
        assert_eq!((feed.find(mark(A, 31)), feed.find(within)), (Some(5), None));
    }

    #[test]
    fn past_its_bound_the_window_lets_go_of_the_far_end() {
        let mut feed = Feed::default();
        let max = EVENTS_MAX as u64;
        let oldest = |feed: &Feed| feed.rows().next().map(|row| row.item.first().0);
        let newest = |feed: &Feed| feed.rows().next_back().map(|row| row.item.last().0);
        feed.append(A, events(1_001..=1_000 + max + 5));
        assert_eq!((feed.len(), oldest(&feed)), (EVENTS_MAX, Some(1_006)));
        assert!(feed.before(A) == Some(Some(Sequence(1_006))) && feed.is_live());

        feed.page_before(vec![(A, page(events(906..=1_005), Some(906)))]);
        assert_eq!((feed.len(), oldest(&feed)), (EVENTS_MAX, Some(906)));
        let last = newest(&feed).unwrap();
        assert_eq!(feed.after(A), Some(Sequence(last)));

        assert_eq!(feed.append(A, events(max + 2_000..=max + 2_009)), 10);
        assert_eq!(newest(&feed), Some(last), "live events are no longer its continuation");
        feed.page_after(vec![(A, page(events(last + 1..=last + 50), None))]);
        assert!(feed.is_live() && newest(&feed) == Some(last + 50));
    }

    #[test]
    fn what_comes_late_from_one_hub_takes_its_place_among_the_others() {
        let mut feed = Feed::default();
        feed.append(A, events(10..=13));
        feed.append(B, [event_at(1, 11), event_at(2, 20)]);
        assert_eq!(of(&feed), [(0, 10), (0, 11), (1, 1), (0, 12), (0, 13), (1, 2)]);
        // The other hub's clock went back: its own order stays.
        assert_eq!(feed.append(B, [event_at(2, 20), event_at(3, 5)]), 1);
        assert_eq!(of(&feed)[5..], [(1, 2), (1, 3)]);
    }

    #[test]
    fn pages_of_two_hubs_leave_no_hole_between_them() {
        let mut feed = Feed::default();
        // The second reaches further back than the first, which has more: what would stand beside a hole waits.
        let (a, b) = (page(events(50..=60), Some(50)), page(events(20..=60), Some(20)));
        feed.begin(vec![(A, a), (B, b)]);
        assert_eq!(of(&feed)[..3], [(0, 50), (1, 50), (0, 51)]);
        assert_eq!((feed.before(A), feed.before(B)), (Some(Some(Sequence(50))), Some(Some(Sequence(50)))));
        assert_eq!(feed.lacking(0, 40), [A, B]);
        // The first has no more: all that the second has is shown.
        feed.page_before(vec![(A, page(vec![], None)), (B, page(events(20..=49), Some(20)))]);
        assert_eq!((of(&feed)[0], feed.before(A), feed.lacking(0, 40)), ((1, 20), None, vec![B]));
    }

    #[test]
    fn a_hub_that_does_not_answer_holds_up_nobody_and_is_read_when_it_does() {
        let mut feed = Feed::default();
        feed.begin(vec![(A, page(events(50..=60), Some(50)))]);
        feed.set_away(B);
        feed.page_before(vec![(A, page(events(10..=49), Some(10)))]);
        assert_eq!((of(&feed)[0], feed.lacking(0, 40)), ((0, 10), vec![A]));
        feed.set_back(B);
        assert_eq!(
            (feed.lacking(45, 5), feed.lacking(0, 5)),
            (vec![B], vec![B]),
            "what it lacks is among these rows"
        );
        feed.page_before(vec![(B, page(events(40..=60), Some(40)))]);
        assert_eq!((feed.lacking(0, 5), feed.lacking(50, 5)), (vec![B], vec![]));
        feed.page_before(vec![(B, page(events(1..=39), Some(1)))]);
        assert_eq!((of(&feed)[..2].to_vec(), feed.lacking(0, 5)), (vec![(0, 10), (1, 10)], vec![A, B]));
    }

    #[test]
    fn pages_to_the_present_stop_where_one_hub_has_more() {
        let mut feed = Feed::default();
        let (a, b) = (page(events(10..=20), Some(20)), page(events(10..=40), None));
        feed.begin_at(vec![(A, a), (B, b)]);
        assert_eq!(of(&feed).last(), Some(&(0, 20)));
        assert_eq!((feed.after(A), feed.after(B)), (Some(Sequence(20)), Some(Sequence(19))));
        let (a, b) = (page(events(21..=30), None), page(events(20..=41), None));
        feed.page_after(vec![(A, a), (B, b)]);
        assert_eq!((of(&feed).last(), feed.is_live(), feed.len()), (Some(&(1, 41)), true, 21 + 32));
    }

    /// What a hub that was away for long brings is merged a batch at a time.
    #[test]
    fn thirty_thousand_late_events_are_merged_in_batches() {
        let mut feed = Feed::default();
        feed.append(A, (0..19_000).map(|n| event_at(n + 1, n as i64 * 3)));
        let late: Vec<Item> = (0..30_000).map(|n| event_at(n + 1, n as i64 * 2 + 1)).collect();
        let fresh: usize = late.chunks(512).map(|batch| feed.append(B, batch.to_vec())).sum();
        assert_eq!((fresh, feed.len()), (30_000, 49_000));
        assert!(feed.rows().is_sorted_by(|a, b| a.last() < b.first()));
    }

    proptest! {
        #[test]
        fn rows_ascend_whatever_comes(
            parts in prop::collection::vec((0..3u8, 0..3u16, 1..400u64, 1..30u64, any::<bool>()), 0..24)
        ) {
            let mut feed = Feed::default();
            for (how, hub, from, count, lost) in parts {
                let items = if lost { vec![gap(from, from + count)] } else { events(from..=from + count) };
                match how {
                    0 => { feed.append(At(hub), items); }
                    1 => feed.page_before(vec![(At(hub), page(items, Some(from)))]),
                    _ => feed.page_after(vec![(At(hub), page(items, None))]),
                }
                prop_assert!(feed.rows().is_sorted_by(|a, b| a.last() < b.first()), "{:?}", of(&feed));
                for (at, row) in feed.rows().enumerate() {
                    prop_assert_eq!(feed.row_of(row.first()), Some(at));
                    prop_assert_eq!(feed.row_of(row.last()), Some(at));
                }
                for hub in 0..3 {
                    let own: Vec<_> = feed.rows().filter(|row| row.hub == At(hub)).map(|row| &row.item).collect();
                    prop_assert!(own.is_sorted_by(|a, b| a.last() < b.first()));
                    prop_assert!(!own.windows(2).any(|two| two.iter().all(|item| item.event().is_none())));
                }
            }
        }

        /// Hubs that arrive in any order, with seams, and are paged back to their beginning: every event of each, once.
        #[test]
        fn nothing_is_lost_and_nothing_twice(
            steps in prop::collection::vec(0..40i64, 3 * 60),
            arrivals in prop::collection::vec((0..3usize, 1..9usize, 0..5usize), 1..60),
            size in 1..25usize,
        ) {
            let logs: Vec<Vec<Item>> = steps.chunks(60).map(|steps| {
                let times = steps.iter().scan(0, |time, step| { *time += step; Some(*time) });
                times.enumerate().map(|(n, time)| event_at(n as u64 + 1, time)).collect()
            }).collect();
            let mut feed = Feed::default();
            // Half of each log is the past, and is read in pages.
            let newest = |hub: usize| page(logs[hub][30 - size.min(30)..30].to_vec(), (size < 30).then(|| 31 - size as u64));
            feed.begin((0..3).map(|hub| (At(hub as u16), newest(hub))).collect());
            let mut arrived = [30; 3];
            for (hub, count, seam) in arrivals {
                let to = (arrived[hub] + count).min(60);
                feed.append(At(hub as u16), logs[hub][arrived[hub] - seam..to].to_vec());
                arrived[hub] = to;
            }
            for _ in 0..200 {
                let asked = feed.lacking(0, 5);
                if asked.is_empty() {
                    break;
                }
                let pages = asked.into_iter().map(|hub| {
                    let end = feed.before(hub).unwrap().unwrap().0 as usize - 1;
                    let begin = end.saturating_sub(size);
                    let items = logs[usize::from(hub.0)][begin..end].to_vec();
                    (hub, page(items, (begin > 0).then_some(begin as u64 + 1)))
                });
                let pages = pages.collect();
                feed.page_before(pages);
            }
            for hub in 0..3 {
                let own: Vec<u64> = of(&feed).into_iter().filter(|row| row.0 == hub).map(|row| row.1).collect();
                prop_assert_eq!(own, (1..=arrived[usize::from(hub)] as u64).collect::<Vec<_>>());
            }
            prop_assert!(feed.rows().is_sorted_by(|a, b| a.last() < b.first()));
        }
    }
}
