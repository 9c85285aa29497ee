//! What the Timeline asks of the hubs: pages before and after, a moment, an error, and how far such a search is.
//!
//! A page that found nothing says how far it looked; the next goes on from there, until the screen is full, the past is
//! over, or Esc stops it. Nothing waits: what arrives meanwhile is kept for the window that is on its way.
//!
//! With several hubs each is asked for its page, and only that part of what they found is taken which no other hub could
//! still add to. A hub that does not answer is said, and holds up nobody; when it is there again, what it lacks is asked
//! for once the view comes near it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{Stand, Timeline};
use crate::{
    console::{
        effect::{AskEach, Page, Toward},
        model::{At, EVENTS_MAX, Item, Mark, Pages, Row, Stretch},
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

pub type Queries = Vec<(At, EventQuery)>;

/// What is asked for now.
#[derive(Debug, Clone)]
struct Looking {
    page: Page,
    queries: Queries,
    /// Since when, answers that found nothing included.
    since: Option<Time>,
    reached: Option<Time>,
}

/// What is known of one hub.
#[derive(Debug, Clone, Copy)]
struct Known {
    head: Cursor,
    /// The last number that arrived, or that the first page told.
    seen: Sequence,
}

#[derive(Debug, Default)]
pub struct History {
    /// The hubs that were there.
    hubs: BTreeMap<At, Known>,
    generation: u64,
    traces: u64,
    looking: Option<Looking>,
    /// Arrived since the question that is on its way, which may not know of them. None: more than a window holds.
    late: Option<Vec<(At, Item)>>,
    /// A moment was gone to: once what lies before it is here too, it stands a third below the top.
    pub(super) centring: bool,
}

impl History {
    pub fn begin(&mut self, at: At, head: Cursor) {
        self.hubs.insert(at, Known { head, seen: head.sequence });
    }

    /// No other hub was there yet.
    pub fn knows_only(&self, at: At) -> bool {
        self.hubs.keys().all(|known| *known == at)
    }

    /// The place that bears this number.
    pub fn place(&self, at: At, sequence: Sequence) -> Option<Cursor> {
        self.hubs.get(&at).map(|known| Cursor { sequence, ..known.head })
    }

    /// Every hub that was there, with the last number that is known of it.
    pub fn seen(&self) -> impl Iterator<Item = (At, Sequence)> {
        self.hubs.iter().map(|(at, known)| (*at, known.seen))
    }

    /// Which page is on its way.
    pub fn looking_for(&self) -> Option<Page> {
        self.looking.as_ref().map(|looking| looking.page)
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

    pub fn arrived(&mut self, at: At, events: &[Arc<Event>], matching: &[Arc<Event>]) {
        if let (Some(known), Some(last)) = (self.hubs.get_mut(&at), events.last()) {
            known.seen = known.seen.max(last.sequence);
        }
        let joins_present = |looking: &Looking| matches!(looking.page, Page::Newest | Page::After | Page::At);
        if !self.looking.as_ref().is_some_and(joins_present) {
            return;
        }
        if let Some(late) = &mut self.late {
            late.extend(matching.iter().cloned().map(|event| (at, Item::Event(event))));
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

    /// The hubs to ask: those that were there, of which something is shown.
    pub fn hubs(&self) -> Vec<At> {
        self.history.hubs.keys().copied().filter(|at| self.is_of(*at)).collect()
    }

    /// Asks for what lies beyond the window when the view comes near its end, or has rows to spare.
    pub(super) fn page(&mut self, out: &mut Out) {
        if self.is_paging() {
            return;
        }
        let (top, len, height) = (self.top_row(), self.feed().len(), self.height());
        let near = self.stand != Stand::Following && top < AHEAD || len < height;
        // What a hub lacks among the rows of others is asked for before they are looked at.
        let lacks = || !self.feed().lacking(top, AHEAD).is_empty();
        if (near || self.stand != Stand::Following) && lacks() {
            self.ask(Page::Before, out);
        } else if !self.feed().is_live() && top + height + AHEAD >= len {
            self.ask(Page::After, out);
        }
    }

    pub(super) fn ask(&mut self, page: Page, out: &mut Out) {
        let queries = match page {
            Page::Before => {
                let mut hubs = self.feed().lacking(self.top_row(), AHEAD);
                if hubs.is_empty() {
                    hubs = self.feed().lacking(0, AHEAD);
                }
                let before = |at: At| {
                    let before = self.feed().before(at)?;
                    let before = before.and_then(|sequence| self.history.place(at, sequence));
                    Some((at, EventQuery { before, ..self.query() }))
                };
                hubs.into_iter().filter(|at| self.is_of(*at)).filter_map(before).collect()
            }
            Page::After => {
                let after = |at: At| {
                    let after = self.history.place(at, self.feed().after(at)?);
                    Some((at, EventQuery { after, order: Order::Asc, ..self.query() }))
                };
                self.hubs().into_iter().filter_map(after).collect()
            }
            Page::Newest | Page::At | Page::Error(_) | Page::Trace(_) => self.of_all(self.query()),
        };
        self.look(page, queries, out);
    }

    /// A page whose answers are waited for no longer, from where things stand now.
    pub(super) fn ask_again(&mut self, page: Page, out: &mut Out) {
        match page {
            Page::Newest | Page::Before | Page::After => self.ask(page, out),
            // What was gone to is not known any more.
            Page::At | Page::Error(_) | Page::Trace(_) => self.page(out),
        }
    }

    fn query(&self) -> EventQuery {
        EventQuery { filter: self.filter.clone(), limit: PAGE, ..EventQuery::default() }
    }

    /// The same of each hub.
    pub(super) fn of_all(&self, query: EventQuery) -> Queries {
        self.hubs().into_iter().map(|at| (at, query.clone())).collect()
    }

    fn look(&mut self, page: Page, queries: Queries, out: &mut Out) {
        if queries.is_empty() {
            return;
        }
        let generation = self.history.next_generation();
        self.history.late = Some(Vec::new());
        self.history.looking = Some(Looking { page, queries: queries.clone(), since: None, reached: None });
        out.ask_each(AskEach::Events { generation, page, queries });
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
        self.look(Page::At, self.of_all(query), out);
    }

    /// Selects an event wherever in history it is.
    pub(super) fn reveal(&mut self, mark: Mark, out: &mut Out) {
        if let Some(row) = self.feed().find(mark) {
            if self.stand == Stand::Following {
                self.hold();
            }
            return self.go_to(row, out);
        }
        let mut queries =
            self.of_all(EventQuery { recorded_since: Some(mark.time), order: Order::Asc, ..self.query() });
        if let Some((at, query)) = queries.iter_mut().find(|(at, _)| *at == mark.hub) {
            query.recorded_since = None;
            query.after = self.history.place(*at, Sequence(mark.sequence.0.saturating_sub(1)));
        }
        self.look(Page::At, queries, out);
    }

    /// `[` and `]`: here, else wherever in history the next one is.
    pub fn step_error(&mut self, toward: Toward, out: &mut Out) {
        self.trace = None;
        let Some(row) = self.selected_row() else { return };
        let is_error =
            |row: &usize| self.feed().event(*row).is_some_and(|event| event.severity >= Severity::Error);
        let found = match toward {
            Toward::Past => (0..row).rev().find(is_error),
            Toward::Present => (row + 1..self.feed().len()).find(is_error),
        };
        if let Some(row) = found {
            return self.go_to(row, out);
        }
        let filter = EventFilter { severity: Some(Severity::Error), ..self.filter.clone() };
        let query = EventQuery { filter, limit: 1, ..EventQuery::default() };
        let beyond = |at: At| {
            let query = query.clone();
            Some((
                at,
                match toward {
                    Toward::Past => {
                        let before = self.feed().before(at)?.and_then(|place| self.history.place(at, place));
                        EventQuery { before, ..query }
                    }
                    Toward::Present => {
                        let after = Some(self.history.place(at, self.feed().after(at)?)?);
                        EventQuery { after, order: Order::Asc, ..query }
                    }
                },
            ))
        };
        let queries: Queries = self.hubs().into_iter().filter_map(beyond).collect();
        if queries.is_empty() {
            return no_error(toward, out);
        }
        self.look(Page::Error(toward), queries, out);
    }

    // ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────

    pub fn paged(
        &mut self,
        generation: u64,
        page: Page,
        answers: Vec<(At, Result<Stretch, Fault>)>,
        now: Time,
        out: &mut Out,
    ) {
        if let Page::Trace(toward) = page {
            return self.traced(generation, toward, answers, now, out);
        }
        if generation != self.history.generation {
            return;
        }
        let Some(done) = self.history.looking.take() else { return };
        let asked: Vec<At> = answers.iter().map(|(at, _)| *at).collect();
        let pages = self.answered(answers);
        if pages.is_empty() {
            return;
        }
        for (_, stretch) in &pages {
            self.names.learn(stretch.events());
        }
        let reached = pages.iter().filter_map(|(_, page)| page.reached).max().or(done.reached);
        let none = pages.iter().all(|(_, page)| page.events().next().is_none());
        let missing: Vec<At> =
            asked.into_iter().filter(|at| !pages.iter().any(|(answered, _)| answered == at)).collect();
        match page {
            Page::Newest => {
                let heads = heads(&pages);
                self.feed_mut().begin(pages);
                self.without(&missing);
                self.join_present(&heads);
                self.page(out);
            }
            Page::Before => {
                self.without(&missing);
                self.feed_mut().page_before(pages);
                self.centre();
                self.page(out);
            }
            Page::After => {
                let heads = heads(&pages);
                self.feed_mut().page_after(pages);
                self.without(&missing);
                self.join_present(&heads);
                self.page(out);
            }
            Page::At => match sure(&pages, Toward::Present) {
                Some(_) => self.begin_at(pages, &missing, out),
                None if pages.iter().any(|(_, page)| page.next.is_some()) => {
                    self.look_on(page, &pages, &done, out);
                }
                None => {
                    out.toast(Toast::say("nothing has happened since then: the newest"));
                    self.to_latest(out);
                }
            },
            Page::Error(toward) => match sure(&pages, toward) {
                Some(mark) => self.reveal(mark, out),
                None if pages.iter().any(|(_, page)| page.next.is_some()) => {
                    self.look_on(page, &pages, &done, out);
                }
                None => no_error(toward, out),
            },
            Page::Trace(_) => {}
        }
        if let Some(looking) = self.history.looking.as_mut().filter(|_| none) {
            looking.since = done.since;
            looking.reached = reached;
        }
    }

    /// Those that have an answer; what is wrong with the others is said.
    fn answered(&mut self, answers: Vec<(At, Result<Stretch, Fault>)>) -> Pages {
        self.fault = None;
        let mut pages = Pages::new();
        for (at, answer) in answers {
            match answer {
                Ok(stretch) => pages.push((at, stretch)),
                Err(fault) => self.fault = Some((at, fault)),
            }
        }
        pages
    }

    /// These did not answer: nobody waits for them.
    fn without(&mut self, hubs: &[At]) {
        for at in hubs {
            self.feed_mut().set_away(*at);
        }
    }

    /// The same question, from where its answer ended; of a hub that found something, once more.
    fn look_on(&mut self, page: Page, pages: &[(At, Stretch)], done: &Looking, out: &mut Out) {
        let on = |(at, query): &(At, EventQuery)| {
            let (_, answer) = pages.iter().find(|(answered, _)| answered == at)?;
            let mut query = query.clone();
            if answer.events().next().is_none() {
                let next = self.history.place(*at, answer.next?);
                match query.order {
                    Order::Asc => query.after = next,
                    Order::Desc => query.before = next,
                }
            }
            Some((*at, query))
        };
        let queries = done.queries.iter().filter_map(on).collect();
        self.look(page, queries, out);
    }

    /// The window begins with the first event of these, which is selected.
    fn begin_at(&mut self, pages: Pages, missing: &[At], out: &mut Out) {
        let heads = heads(&pages);
        self.feed_mut().begin_at(pages);
        self.without(missing);
        self.join_present(&heads);
        if self.stand == Stand::Following {
            self.stand = Stand::Held;
        }
        self.new = 0;
        self.scroll = 0;
        let first = self.feed().rows().find(|row| row.item.event().is_some()).map(Row::first);
        self.selected = first;
        self.top = first;
        self.history.centring = true;
        self.page(out);
    }

    fn centre(&mut self) {
        if !std::mem::take(&mut self.history.centring) {
            return;
        }
        let top = self.selected_row().map(|row| row.saturating_sub(self.height() / 3));
        self.top = top.and_then(|row| self.mark_of(row));
    }

    /// A page that reaches the head goes on with what arrived while it was on its way.
    fn join_present(&mut self, heads: &[(At, Sequence)]) {
        if !self.feed().is_live() {
            return;
        }
        match self.history.late.take() {
            Some(late) => {
                for (at, item) in late {
                    self.feed_mut().append(at, [item]);
                }
            }
            None => {
                for (at, head) in heads {
                    self.feed_mut().looked_to(*at, *head);
                }
                self.feed_mut().let_go_of_present();
            }
        }
    }

    /// A hub that did not answer says that it is there all the same: it is asked once more.
    pub(super) fn ask_what_failed(&mut self, at: At, out: &mut Out) {
        if !self.is_paging() && self.fault.as_ref().is_some_and(|(hub, _)| *hub == at) {
            self.hub_is_there(at, out);
        }
    }

    /// A door is there again: what was asked of the one before is asked of this one.
    pub fn hub_is_there(&mut self, at: At, out: &mut Out) {
        let lacked = self.fault.take_if(|(hub, _)| *hub == at).is_some();
        self.all.set_back(at);
        if let Some(feed) = &mut self.filtered {
            feed.set_back(at);
        }
        if let Some(looking) = self.history.looking.clone() {
            self.look(looking.page, looking.queries, out);
        } else if lacked {
            self.ask(if self.stand == Stand::Following { Page::Newest } else { Page::Before }, out);
            self.page(out);
        }
        self.chart.begin_anew();
    }
}

/// What each hub had when it answered.
fn heads(pages: &[(At, Stretch)]) -> Vec<(At, Sequence)> {
    pages.iter().map(|(at, page)| (*at, page.head.sequence)).collect()
}

/// The first event that was found in this direction, if no hub that has looked less far could still find one before it.
fn sure(pages: &[(At, Stretch)], toward: Toward) -> Option<Mark> {
    let mark =
        |at: At, event: &Arc<Event>| Mark { time: event.recorded_at, hub: at, sequence: event.sequence };
    let far = |(at, page): &(At, Stretch)| {
        let sequence = page.next?;
        let own = match toward {
            Toward::Past => page.events().next(),
            Toward::Present => page.events().next_back(),
        };
        // One that does not say how far it looked has not looked at all.
        let unknown = match toward {
            Toward::Past => Time::from_unix_ms(i64::MAX),
            Toward::Present => Time::from_unix_ms(i64::MIN),
        };
        let time = own.map(|event| event.recorded_at).or(page.reached).unwrap_or(unknown);
        Some(Mark { time, hub: *at, sequence })
    };
    let found = pages.iter().flat_map(|(at, page)| page.events().map(|event| mark(*at, event)));
    match toward {
        Toward::Past => {
            let floor = pages.iter().filter_map(far).max();
            found.max().filter(|found| floor.is_none_or(|floor| *found >= floor))
        }
        Toward::Present => {
            let ceiling = pages.iter().filter_map(far).min();
            found.min().filter(|found| ceiling.is_none_or(|ceiling| *found <= ceiling))
        }
    }
}

fn no_error(toward: Toward, out: &mut Out) {
    out.toast(Toast::say(match toward {
        Toward::Past => "no error before this event",
        Toward::Present => "no error after this event",
    }));
}
