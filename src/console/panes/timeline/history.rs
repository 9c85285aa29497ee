//! What the Timeline asks of the hub: pages before and after, a moment, an error, and how far such a search is.
//!
//! A page that found nothing says how far it looked; the next goes on from there, until the screen is full, the past is
//! over, or Esc stops it. Nothing waits: what arrives meanwhile is kept for the window that is on its way.

use std::{sync::Arc, time::Duration};

use super::{Stand, Timeline};
use crate::{
    console::{
        effect::{Ask, Page, Toward},
        model::{EVENTS_MAX, Item, Stretch},
        scene::{Out, Scene},
        widgets::toast::Toast,
    },
    door::{EVENTS_PAGE_MAX, EventQuery, Order},
    model::{Cursor, Event, EventFilter, Fault, Sequence, Severity, Time},
};

/// Events a page of history has.
const PAGE: usize = 200;
/// Rows from the end of the window at which the next page is asked for.
const AHEAD: usize = 40;
/// A question that takes longer says how far it is, and can be stopped.
const SLOW: Duration = Duration::from_millis(300);

const _: () = assert!(PAGE <= EVENTS_PAGE_MAX);

/// What is asked for now.
#[derive(Debug, Clone)]
struct Looking {
    page: Page,
    query: EventQuery,
    /// Since when, answers that found nothing included.
    since: Option<Time>,
    reached: Option<Time>,
}

#[derive(Debug, Default)]
pub struct History {
    head: Option<Cursor>,
    /// The last number that arrived, or that the first page told.
    seen: Sequence,
    generation: u64,
    traces: u64,
    looking: Option<Looking>,
    /// Arrived since the question that is on its way, which may not know of them. None: more than a window holds.
    late: Option<Vec<Item>>,
    /// A moment was gone to: once what lies before it is here too, it stands a third below the top.
    pub(super) centring: bool,
}

impl History {
    pub fn begin(&mut self, head: Cursor) {
        self.head = Some(head);
        self.seen = head.sequence;
    }

    /// The place that bears this number.
    pub fn place(&self, sequence: Sequence) -> Option<Cursor> {
        self.head.map(|head| Cursor { sequence, ..head })
    }

    pub fn seen(&self) -> Sequence {
        self.seen
    }

    /// Of a tree's questions, which those for the list do not overtake.
    pub fn next_trace(&mut self) -> u64 {
        self.traces += 1;
        self.traces
    }

    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }

    pub fn arrived(&mut self, events: &[Arc<Event>], matching: &[Arc<Event>]) {
        if let Some(last) = events.last() {
            self.seen = self.seen.max(last.sequence);
        }
        let joins_present = |looking: &Looking| matches!(looking.page, Page::Newest | Page::After | Page::At);
        if !self.looking.as_ref().is_some_and(joins_present) {
            return;
        }
        if let Some(late) = &mut self.late {
            late.extend(matching.iter().cloned().map(Item::Event));
            if late.len() > EVENTS_MAX {
                self.late = None;
            }
        }
    }

    pub fn tick(&mut self, now: Time) {
        if let Some(looking) = &mut self.looking {
            looking.since.get_or_insert(now);
        }
    }
}

impl Timeline {
    pub fn is_paging(&self) -> bool {
        self.history.looking.is_some()
    }

    /// Asks for what lies beyond the window when the view comes near its end, or has rows to spare.
    pub(super) fn page(&mut self, out: &mut Out) {
        if self.is_paging() {
            return;
        }
        let (top, len, height) = (self.top_row(), self.feed().len(), self.height());
        let near = (self.stand != Stand::Following && top < AHEAD) || len < height;
        if near && self.feed().before().is_some() {
            self.ask(Page::Before, out);
        } else if !self.feed().is_live() && top + height + AHEAD >= len {
            self.ask(Page::After, out);
        }
    }

    pub(super) fn ask(&mut self, page: Page, out: &mut Out) {
        let mut query = self.query();
        match page {
            Page::Before => query.before = self.feed().before().and_then(|place| self.history.place(place)),
            Page::After => {
                query.after = self.feed().after().and_then(|place| self.history.place(place));
                query.order = Order::Asc;
            }
            Page::Newest | Page::At | Page::Error(_) | Page::Trace(_) => {}
        }
        self.look(page, query, out);
    }

    fn query(&self) -> EventQuery {
        EventQuery { filter: self.filter.clone(), limit: PAGE, ..EventQuery::default() }
    }

    fn look(&mut self, page: Page, query: EventQuery, out: &mut Out) {
        if self.history.head.is_none() {
            return;
        }
        let generation = self.history.next_generation();
        self.history.late = Some(Vec::new());
        self.history.looking = Some(Looking { page, query: query.clone(), since: None, reached: None });
        out.ask(Ask::Events { generation, page, query });
    }

    /// Nothing is waited for any more.
    pub(super) fn stop(&mut self) {
        self.history.generation += 1;
        self.history.looking = None;
        self.history.centring = false;
    }

    /// As [`Timeline::stop`], by a person: said with how far it came.
    pub(super) fn stop_looking(&mut self, scene: &Scene, out: &mut Out) {
        let reached = self.history.looking.as_ref().and_then(|looking| looking.reached);
        self.stop();
        let reached = reached.map_or(String::new(), |time| format!(" at {}", scene.at(time)));
        out.toast(Toast::say(format!("stopped looking{reached}")));
    }

    /// Whether what is asked for takes long enough to be told.
    pub(super) fn is_slow(&self, now: Time) -> bool {
        let since = self.history.looking.as_ref().and_then(|looking| looking.since);
        since.is_some_and(|since| now >= since.plus(SLOW))
    }

    /// When it will be.
    pub fn wake(&self, now: Time) -> Option<Time> {
        let since = self.history.looking.as_ref()?.since?;
        Some(since.plus(SLOW)).filter(|slow| now < *slow)
    }

    /// How far a search is that takes long.
    pub fn looking_words(&self, scene: &Scene) -> Option<String> {
        let looking = self.history.looking.as_ref().filter(|_| self.is_slow(scene.now))?;
        let what = match looking.page {
            Page::Newest | Page::Before | Page::Trace(_) => "searching back",
            Page::After => "searching on",
            Page::At => "going there",
            Page::Error(Toward::Past) => "looking back for an error",
            Page::Error(Toward::Present) => "looking on for an error",
        };
        let more = scene.theme.ellipsis();
        let so_far = looking.reached.map_or(String::new(), |time| format!(" {} so far", scene.at(time)));
        Some(format!("{what}{more}{so_far}"))
    }

    // ── going somewhere ─────────────────────────────────────────────────────────────────────────────────────────

    /// The first event at or after a moment, and what lies around it.
    pub fn go_to_moment(&mut self, moment: Time, out: &mut Out) {
        let query = EventQuery { recorded_since: Some(moment), order: Order::Asc, ..self.query() };
        self.look(Page::At, query, out);
    }

    /// Selects an event wherever in history it is.
    pub(super) fn reveal(&mut self, sequence: Sequence, out: &mut Out) {
        if self.feed().holds(sequence) {
            if self.stand == Stand::Following {
                self.hold();
            }
            let row = self.feed().row_of(sequence).unwrap_or(0);
            return self.go_to(row, out);
        }
        let after = self.history.place(Sequence(sequence.0.saturating_sub(1)));
        self.look(Page::At, EventQuery { after, order: Order::Asc, ..self.query() }, out);
    }

    /// `[` and `]`: here, else wherever in history the next one is.
    pub fn step_error(&mut self, toward: Toward, out: &mut Out) {
        self.trace = None;
        let Some(row) = self.selected_row() else { return };
        let is_error =
            |row: &usize| self.feed().event(*row).is_some_and(|event| event.severity >= Severity::Error);
        let (found, beyond) = match toward {
            Toward::Past => ((0..row).rev().find(is_error), self.feed().before()),
            Toward::Present => ((row + 1..self.feed().len()).find(is_error), self.feed().after()),
        };
        if let Some(row) = found {
            return self.go_to(row, out);
        }
        let Some(place) = beyond.and_then(|place| self.history.place(place)) else {
            return no_error(toward, out);
        };
        let filter = EventFilter { severity: Some(Severity::Error), ..self.filter.clone() };
        let query = EventQuery { filter, limit: 1, ..EventQuery::default() };
        let query = match toward {
            Toward::Past => EventQuery { before: Some(place), ..query },
            Toward::Present => EventQuery { after: Some(place), order: Order::Asc, ..query },
        };
        self.look(Page::Error(toward), query, out);
    }

    // ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────

    pub fn paged(
        &mut self,
        generation: u64,
        page: Page,
        result: Result<Stretch, Fault>,
        now: Time,
        out: &mut Out,
    ) {
        if let Page::Trace(toward) = page {
            return self.traced(generation, toward, result, now, out);
        }
        if generation != self.history.generation {
            return;
        }
        let Some(done) = self.history.looking.take() else { return };
        let stretch = match result {
            Ok(stretch) => stretch,
            Err(fault) => {
                self.fault = Some(fault);
                return;
            }
        };
        self.fault = None;
        self.names.learn(stretch.events());
        let (next, reached) = (stretch.next, stretch.reached.or(done.reached));
        let first = stretch.events().next().map(|event| event.sequence);
        match (page, first) {
            (Page::Newest, _) => {
                self.feed_mut().reset(stretch.items, next, None);
                self.join_present(stretch.head);
                self.page(out);
            }
            (Page::Before, _) => {
                self.feed_mut().page_before(stretch.items, next);
                self.centre();
                self.page(out);
            }
            (Page::After, _) => {
                self.feed_mut().page_after(stretch.items, next);
                self.join_present(stretch.head);
                self.page(out);
            }
            (Page::At, Some(first)) => self.begin_at(first, stretch, out),
            (Page::Error(_), Some(first)) => self.reveal(first, out),
            (Page::At | Page::Error(_), None) if next.is_some() => self.look_on(page, next, &done, out),
            (Page::At, None) => {
                out.toast(Toast::say("nothing has happened since then: the newest"));
                self.to_latest(out);
            }
            (Page::Error(toward), None) => no_error(toward, out),
            (Page::Trace(_), _) => {}
        }
        if let Some(looking) = self.history.looking.as_mut().filter(|_| first.is_none()) {
            looking.since = done.since;
            looking.reached = reached;
        }
    }

    /// The same question, from where its answer ended.
    fn look_on(&mut self, page: Page, next: Option<Sequence>, done: &Looking, out: &mut Out) {
        let mut query = done.query.clone();
        let next = next.and_then(|next| self.history.place(next));
        match query.order {
            Order::Asc => query.after = next,
            Order::Desc => query.before = next,
        }
        self.look(page, query, out);
    }

    /// The window begins with this event, which is selected.
    fn begin_at(&mut self, first: Sequence, stretch: Stretch, out: &mut Out) {
        let oldest = stretch.items.first().map(Item::first);
        let (next, head) = (stretch.next, stretch.head);
        self.feed_mut().reset(stretch.items, oldest, next);
        self.join_present(head);
        if self.stand == Stand::Following {
            self.stand = Stand::Held;
        }
        self.new = 0;
        self.scroll = 0;
        self.selected = Some(first);
        self.top = Some(first);
        self.history.centring = true;
        self.page(out);
    }

    fn centre(&mut self) {
        if !std::mem::take(&mut self.history.centring) {
            return;
        }
        let top = self.selected_row().map(|row| row.saturating_sub(self.height() / 3));
        self.top = top.and_then(|row| self.number_of(row));
    }

    /// A page that reaches the head goes on with what arrived while it was on its way.
    fn join_present(&mut self, head: Cursor) {
        if !self.feed().is_live() {
            return;
        }
        match self.history.late.take() {
            Some(late) => {
                self.feed_mut().append(late);
            }
            None => self.feed_mut().let_go_of_present(head.sequence),
        }
    }

    /// The door is there again: what was asked of the one before is asked of this one.
    pub fn hub_is_there(&mut self, out: &mut Out) {
        if let Some(looking) = self.history.looking.clone() {
            self.look(looking.page, looking.query, out);
        } else if self.fault.take().is_some() {
            self.ask(if self.stand == Stand::Following { Page::Newest } else { Page::Before }, out);
        }
        self.chart.begin_anew();
    }
}

fn no_error(toward: Toward, out: &mut Out) {
    out.toast(Toast::say(match toward {
        Toward::Past => "no error before this event",
        Toward::Present => "no error after this event",
    }));
}
