//! The Timeline: what happens, as it happens, and all that happened before.
//!
//! Newest below. While it *follows*, the last row is the newest; any upward scroll leaves that, and from then on the
//! view is held by the sequence of its first row: whatever arrives, is evicted or is paged in from disk, nothing on
//! screen moves. A filter has a window of its own, so that the past is filtered by the hub and not by what is here.

mod filter;
mod pane;
mod view;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::super::{
    effect::{Ask, Page},
    layout::{Split, inside},
    model::Feed,
    scene::{Out, Scene},
    widgets::{line::Line, list::Step},
};
use crate::{
    door::{EVENTS_PAGE_MAX, EventQuery, Order},
    model::{Cursor, Event, EventFilter, Fault, Project, Projects, Sequence, Severity, TimeWords},
};

pub use filter::FilterFault;

/// Events a page of history has.
const PAGE: usize = 200;
/// Rows from the end of the window at which the next page is asked for.
const AHEAD: usize = 40;

const _: () = assert!(PAGE <= EVENTS_PAGE_MAX);

/// How the view stands with what arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    #[default]
    Following,
    /// Held where it is.
    Scrolled,
    /// Held where it is, by request.
    Paused,
}

#[derive(Debug, Default)]
pub struct Timeline {
    all: Feed,
    filtered: Option<Feed>,
    pub filter: EventFilter,
    pub filter_text: Line,
    pub filter_fault: Option<FilterFault>,
    /// Letters are the filter.
    pub typing: bool,
    pub mode: Mode,
    /// The first visible event, while not following.
    top: Option<Sequence>,
    selected: Option<Sequence>,
    /// Arrived since the view was left behind.
    pub new: u64,
    pub open: bool,
    pub reading: bool,
    pub scroll: usize,
    pub gap: Option<(Sequence, Sequence, String)>,
    pub fault: Option<Fault>,
    pub split: Split,
    pub area: Rect,
    pub project: Option<Project>,
    head: Option<Cursor>,
    generation: u64,
    paging: Option<Page>,
    /// A step to an error that no event here answers: looked for on the pages before.
    seeking_error: bool,
}

impl Timeline {
    pub fn feed(&self) -> &Feed {
        self.filtered.as_ref().unwrap_or(&self.all)
    }

    fn feed_mut(&mut self) -> &mut Feed {
        self.filtered.as_mut().unwrap_or(&mut self.all)
    }

    pub fn is_filtered(&self) -> bool {
        self.filtered.is_some()
    }

    pub fn is_paging(&self) -> bool {
        self.paging.is_some()
    }

    pub fn all(&self) -> &Feed {
        &self.all
    }

    fn height(&self) -> usize {
        self.split.list.height as usize
    }

    // ── what is seen ────────────────────────────────────────────────────────────────────────────────────────────

    /// The first visible row.
    pub fn top_row(&self) -> usize {
        let last_top = self.feed().len().saturating_sub(self.height());
        match (self.mode, self.top) {
            (Mode::Following, _) | (_, None) => last_top,
            (_, Some(top)) => self.feed().row_of(top).unwrap_or(0).min(last_top),
        }
    }

    pub fn selected_row(&self) -> Option<usize> {
        let last = self.feed().len().checked_sub(1)?;
        match (self.mode, self.selected) {
            (Mode::Following, _) | (_, None) => Some(last),
            (_, Some(selected)) => self.feed().row_of(selected),
        }
    }

    pub fn selected(&self) -> Option<&Arc<Event>> {
        self.feed().get(self.selected_row()?)
    }

    pub fn visible(&self) -> impl Iterator<Item = (usize, &Arc<Event>)> {
        let top = self.top_row();
        (top..self.feed().len().min(top + self.height())).filter_map(|row| Some((row, self.feed().get(row)?)))
    }

    // ── moving ──────────────────────────────────────────────────────────────────────────────────────────────────

    pub fn step(&mut self, step: Step, out: &mut Out) {
        if self.reading && self.open {
            let page = (self.split.side.height as usize).saturating_sub(2).max(1);
            self.scroll = match step {
                Step::Up => self.scroll.saturating_sub(1),
                Step::Down => self.scroll + 1,
                Step::PageUp => self.scroll.saturating_sub(page),
                Step::PageDown => self.scroll + page,
                Step::First => 0,
                Step::Last => usize::MAX / 2,
            };
            return;
        }
        let Some(row) = self.selected_row() else { return };
        let page = self.height().saturating_sub(1).max(1);
        let target = match step {
            Step::Up => row.saturating_sub(1),
            Step::Down => row + 1,
            Step::PageUp => row.saturating_sub(page),
            Step::PageDown => row + page,
            Step::First => 0,
            Step::Last => return self.to_latest(out),
        };
        self.go_to(target, out);
    }

    /// Selects a row and holds the view; below the last row of a live window it follows again, unless paused.
    fn go_to(&mut self, target: usize, out: &mut Out) {
        let top = self.top_row();
        let last = self.feed().len().saturating_sub(1);
        let was_last = self.selected_row() == Some(last);
        if target > last && was_last && self.feed().is_live() && self.mode != Mode::Paused {
            return self.follow();
        }
        let target = target.min(last);
        if self.mode == Mode::Following {
            if target == last {
                return;
            }
            self.hold();
        }
        self.selected = self.feed().get(target).map(|event| event.sequence);
        let height = self.height().max(1);
        let top = if target < top {
            target
        } else if target >= top + height {
            target + 1 - height
        } else {
            top
        };
        self.top = self.feed().get(top).map(|event| event.sequence);
        self.scroll = 0;
        self.page(out);
    }

    /// Holds the view where it is now.
    fn hold(&mut self) {
        let (top, selected) = (self.top_row(), self.selected_row());
        self.top = self.feed().get(top).map(|event| event.sequence);
        self.selected = selected.and_then(|row| self.feed().get(row)).map(|event| event.sequence);
        self.mode = Mode::Scrolled;
        self.new = 0;
    }

    pub fn follow(&mut self) {
        self.mode = Mode::Following;
        self.new = 0;
        self.top = None;
        self.selected = None;
    }

    pub fn toggle_follow(&mut self, out: &mut Out) {
        if self.mode == Mode::Following {
            self.hold();
        } else {
            self.to_latest(out);
        }
    }

    pub fn toggle_pause(&mut self, out: &mut Out) {
        match self.mode {
            Mode::Paused => self.to_latest(out),
            _ => {
                if self.mode == Mode::Following {
                    self.hold();
                }
                self.mode = Mode::Paused;
            }
        }
    }

    /// The newest event, and following from there. A window that let go of its newer end begins anew.
    pub fn to_latest(&mut self, out: &mut Out) {
        self.follow();
        if !self.feed().is_live() {
            self.ask(Page::Newest, out);
        }
    }

    /// Scrolls the view without following its selection (the wheel).
    pub fn wheel(&mut self, step: Step, out: &mut Out) {
        let lines = 3;
        if self.mode == Mode::Following {
            if step != Step::Up {
                return;
            }
            self.hold();
        }
        let last_top = self.feed().len().saturating_sub(self.height());
        let top = self.top_row();
        let top = if step == Step::Up { top.saturating_sub(lines) } else { top + lines };
        if top >= last_top && step == Step::Down && self.feed().is_live() && self.mode == Mode::Scrolled {
            return self.follow();
        }
        let top = top.min(last_top);
        self.top = self.feed().get(top).map(|event| event.sequence);
        let row = self.selected_row().unwrap_or(0).clamp(top, top + self.height().saturating_sub(1));
        self.selected =
            self.feed().get(row.min(self.feed().len().saturating_sub(1))).map(|event| event.sequence);
        self.page(out);
    }

    /// The wheel over the pane: the list, or what is open beside it.
    pub fn wheel_at(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        if self.open && self.split.side.contains((x, y).into()) {
            self.scroll = if step == Step::Up { self.scroll.saturating_sub(3) } else { self.scroll + 3 };
        } else {
            self.wheel(step, out);
        }
    }

    /// `[` and `]`.
    pub fn step_error(&mut self, back: bool, out: &mut Out) {
        let Some(row) = self.selected_row() else { return };
        let is_error =
            |row: &usize| self.feed().get(*row).is_some_and(|event| event.severity >= Severity::Error);
        let found =
            if back { (0..row).rev().find(is_error) } else { (row + 1..self.feed().len()).find(is_error) };
        match found {
            Some(row) => {
                self.seeking_error = false;
                self.go_to(row, out);
            }
            None if back && self.feed().more_before() => {
                self.seeking_error = true;
                self.go_to(0, out);
            }
            None => out.toast(super::super::widgets::toast::Toast::say(if back {
                "no error before this event"
            } else {
                "no error after this event"
            })),
        }
    }

    pub fn open(&mut self) {
        if self.selected_row().is_none() {
            return;
        }
        if self.open {
            self.reading = true;
        }
        if self.mode == Mode::Following {
            self.hold();
        }
        self.open = true;
        self.scroll = 0;
        self.arrange(self.area);
    }

    pub fn back(&mut self, scene: &Scene, out: &mut Out) -> bool {
        if self.typing {
            self.typing = false;
            self.filter_fault = None;
        } else if self.reading && self.split.list.height > 0 {
            self.reading = false;
        } else if self.open {
            self.open = false;
            self.reading = false;
            self.arrange(self.area);
        } else if self.is_filtered() {
            self.filter_text.clear();
            self.set_filter(scene, out);
        } else {
            return false;
        }
        true
    }

    pub fn click(&mut self, x: u16, y: u16, out: &mut Out) {
        self.typing = false;
        if self.split.list.contains((x, y).into()) {
            self.reading = false;
            let row = self.top_row() + (y - self.split.list.y) as usize;
            if row >= self.feed().len() {
                return;
            }
            if self.selected_row() == Some(row) && self.mode != Mode::Following {
                self.open();
            } else {
                if self.mode == Mode::Following {
                    self.hold();
                }
                self.go_to(row, out);
            }
        } else if self.open && self.split.side.contains((x, y).into()) {
            self.reading = true;
        }
    }

    // ── filter ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// What is typed is the filter now; one that cannot be read leaves the last good one in place.
    pub fn set_filter(&mut self, scene: &Scene, out: &mut Out) {
        let words = TimeWords { now: scene.now, offset: scene.offset };
        match filter::parse(self.filter_text.text(), words, self.typing) {
            Err(fault) => self.filter_fault = Some(fault),
            Ok(parsed) => {
                self.filter_fault = None;
                self.apply(parsed, out);
            }
        }
    }

    fn apply(&mut self, mut filter: EventFilter, out: &mut Out) {
        if filter.projects == Projects::All {
            filter.projects = self.project.clone().map_or(Projects::All, Projects::with_none);
        }
        if filter == self.filter {
            return;
        }
        self.filter = filter;
        self.follow();
        self.open = false;
        self.fault = None;
        self.arrange(self.area);
        if self.filter == EventFilter::default() {
            self.filtered = None;
            self.paging = None;
            self.generation += 1;
            if self.all.is_empty() || !self.all.is_live() {
                self.ask(Page::Newest, out);
            }
            return;
        }
        // What is here answers at once; the hub's page, which sees everything, takes its place.
        let mut feed = Feed::default();
        feed.reset(self.all.iter().filter(|event| self.filter.matches(event)).cloned().collect(), true);
        self.filtered = Some(feed);
        self.ask(Page::Newest, out);
    }

    pub fn set_project(&mut self, project: Option<Project>, scene: &Scene, out: &mut Out) {
        self.project = project;
        self.set_filter(scene, out);
    }

    // ── the hub ─────────────────────────────────────────────────────────────────────────────────────────────────

    pub fn begin(&mut self, events: Vec<Arc<Event>>, more_before: bool, head: Cursor, out: &mut Out) {
        self.head = Some(head);
        self.all.reset(events, more_before);
        self.gap = None;
        self.paging = None;
        self.follow();
        if self.filtered.is_some() {
            self.ask(Page::Newest, out);
        }
    }

    pub fn arrived(&mut self, events: Vec<Arc<Event>>) {
        let fresh = match &mut self.filtered {
            Some(feed) => {
                let fresh = feed.append(events.iter().filter(|event| self.filter.matches(event)).cloned());
                self.all.append(events);
                fresh
            }
            None => self.all.append(events),
        };
        if self.mode != Mode::Following {
            self.new += fresh as u64;
        }
    }

    pub fn gap(&mut self, from: Sequence, to: Sequence, reason: String) {
        self.gap = Some((from, to, reason));
    }

    /// Asks for what lies beyond the window when the view comes near its end.
    fn page(&mut self, out: &mut Out) {
        if self.paging.is_some() {
            return;
        }
        let (top, len) = (self.top_row(), self.feed().len());
        if top < AHEAD && self.feed().more_before() && self.mode != Mode::Following {
            self.ask(Page::Before, out);
        } else if !self.feed().is_live() && top + self.height() + AHEAD >= len {
            self.ask(Page::After, out);
        }
    }

    fn ask(&mut self, page: Page, out: &mut Out) {
        let Some(head) = self.head else { return };
        let at = |sequence| Some(Cursor { sequence, ..head });
        self.generation += 1;
        self.paging = Some(page);
        let mut query = EventQuery { filter: self.filter.clone(), limit: PAGE, ..EventQuery::default() };
        match page {
            Page::Newest => {}
            Page::Before => query.before = self.feed().oldest().and_then(at),
            Page::After => {
                query.after = self.feed().newest().and_then(at);
                query.order = Order::Asc;
            }
        }
        out.ask(Ask::Events { generation: self.generation, page, query });
    }

    pub fn paged(
        &mut self,
        generation: u64,
        page: Page,
        result: Result<(Vec<Arc<Event>>, bool), Fault>,
        out: &mut Out,
    ) {
        if generation != self.generation {
            return;
        }
        self.paging = None;
        let (mut events, more) = match result {
            Ok(answer) => answer,
            Err(fault) => {
                self.fault = Some(fault);
                return;
            }
        };
        self.fault = None;
        match page {
            Page::Newest => {
                events.reverse();
                self.feed_mut().reset(events, more);
            }
            Page::Before => self.feed_mut().page_before(events, more),
            Page::After => self.feed_mut().page_after(events, more),
        }
        if self.seeking_error {
            self.step_error(true, out);
        }
    }

    /// The door is there again.
    pub fn hub_is_there(&mut self, out: &mut Out) {
        if self.paging.is_some() || self.filtered.is_some() {
            self.ask(Page::Newest, out);
        }
    }

    /// Lines above the list: the filter, when there is one.
    pub fn head_lines(&self) -> u16 {
        u16::from(self.typing || self.is_filtered() || self.filter_fault.is_some())
            + u16::from(self.filter_fault.is_some())
    }

    pub fn arrange(&mut self, area: Rect) {
        self.area = area;
        let inner = inside(area);
        let head = self.head_lines().min(inner.height);
        let body = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        self.split = Split::of(body, self.open);
    }
}

#[cfg(test)]
mod tests;
