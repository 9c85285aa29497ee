//! The Timeline: what happens, as it happens, and all that happened before.
//!
//! Newest below. While it *follows*, the last row is the newest; any upward scroll leaves that, and from then on the
//! view is held by the mark of its first row: whatever arrives, is evicted or is paged in from disk, nothing on screen
//! moves. A filter has a window of its own, so that the past is filtered by the hub and not by what is here.
//!
//! Of several hubs it shows what happens at all of them, in the order in which they recorded it, or at one alone.

mod chart;
mod complete;
mod event;
mod filter;
mod history;
mod moment;
mod pane;
mod trace;
mod view;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::super::{
    effect::Page,
    layout::{Split, inside},
    model::{At, EVENTS_MAX, Feed, Item, Mark, Row, Stretch},
    scene::{Out, Scene},
    widgets::{line::Line, list::Step, tail::Stand},
};
use crate::{
    door::{EventGap, Suggestion},
    model::{Event, EventFilter, Fault, Project, Projects, Sequence},
};

use self::{chart::Chart, complete::Names, event::Detail, history::History, trace::Trace};

pub use filter::FilterFault;

/// Lines and columns from which the chart has a line of its own, and leaves a list worth the name.
const CHART_MIN: (u16, u16) = (40, 9);

/// Rows above the view that a full window keeps when it lets go of others.
const KEPT_ABOVE: usize = 200;

/// What letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    Filter,
    /// The time to go to.
    Moment,
}

#[derive(Debug, Default)]
pub struct Timeline {
    all: Feed,
    filtered: Option<Feed>,
    pub filter: EventFilter,
    /// Of this hub alone.
    pub of: Option<At>,
    pub filter_text: Line,
    pub filter_fault: Option<FilterFault>,
    /// The filter's text before it was typed into, and whether it holds again.
    before: String,
    taken_back: bool,
    pub typing: Option<Typing>,
    moment: Line,
    names: Names,
    pub stand: Stand,
    /// The first visible row, while not following.
    top: Option<Mark>,
    selected: Option<Mark>,
    /// Arrived since the view was left behind.
    pub new: u64,
    pub open: bool,
    pub reading: bool,
    pub scroll: usize,
    detail: Option<Detail>,
    trace: Option<Trace>,
    chart: Chart,
    /// Where the chart stands, when there is room.
    chart_area: Option<Rect>,
    pub fault: Option<(At, Fault)>,
    pub split: Split,
    pub area: Rect,
    pub project: Option<Project>,
    history: History,
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

    pub fn is_typing(&self) -> bool {
        self.typing.is_some()
    }

    fn height(&self) -> usize {
        self.split.list.height as usize
    }

    // ── what is seen ────────────────────────────────────────────────────────────────────────────────────────────

    /// The first visible row.
    pub fn top_row(&self) -> usize {
        let last_top = self.feed().len().saturating_sub(self.height());
        match (self.stand, self.top) {
            (Stand::Following, _) | (_, None) => last_top,
            (_, Some(top)) => self.feed().row_of(top).unwrap_or(0).min(last_top),
        }
    }

    pub fn selected_row(&self) -> Option<usize> {
        let last = self.feed().len().checked_sub(1)?;
        match (self.stand, self.selected) {
            (Stand::Following, _) | (_, None) => Some(last),
            (_, Some(selected)) => self.feed().row_of(selected),
        }
    }

    /// The event to open, copy or ask about; none where a gap is selected.
    pub fn selected(&self) -> Option<&Arc<Event>> {
        match &self.trace {
            Some(trace) => trace.selected(),
            None => self.feed().event(self.selected_row()?),
        }
    }

    /// Where it stands, and at which hub.
    pub fn selected_mark(&self) -> Option<Mark> {
        match &self.trace {
            Some(trace) => trace.selected_mark(),
            None => self.mark_of(self.selected_row()?),
        }
    }

    pub fn visible(&self) -> impl Iterator<Item = (usize, &Row)> {
        let top = self.top_row();
        (top..self.feed().len().min(top + self.height())).filter_map(|row| Some((row, self.feed().row(row)?)))
    }

    fn mark_of(&self, row: usize) -> Option<Mark> {
        self.feed().row(row).map(Row::first)
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
        if let Some(trace) = &mut self.trace {
            trace.step(step);
            self.scroll = 0;
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
        if target > last && was_last && self.feed().is_live() && self.stand != Stand::Paused {
            return self.follow();
        }
        let target = target.min(last);
        if self.stand == Stand::Following {
            if target == last {
                return;
            }
            self.hold();
        }
        self.history.centring = false;
        self.selected = self.mark_of(target);
        let height = self.height().max(1);
        let top = if target < top {
            target
        } else if target >= top + height {
            target + 1 - height
        } else {
            top
        };
        self.top = self.mark_of(top);
        self.scroll = 0;
        self.page(out);
    }

    /// In a list that is lower than it was, what is selected is still seen.
    fn see_selected(&mut self) {
        let (Some(row), height) = (self.selected_row(), self.height().max(1)) else { return };
        let top = self.top_row().clamp((row + 1).saturating_sub(height), row);
        self.top = self.mark_of(top);
    }

    /// Holds the view where it is now.
    fn hold(&mut self) {
        let (top, selected) = (self.top_row(), self.selected_row());
        self.top = self.mark_of(top);
        self.selected = selected.and_then(|row| self.mark_of(row));
        self.stand = Stand::Held;
        self.new = 0;
    }

    pub fn follow(&mut self) {
        self.stand = Stand::Following;
        self.new = 0;
        self.top = None;
        self.selected = None;
    }

    pub fn toggle_follow(&mut self, out: &mut Out) {
        if self.stand == Stand::Following {
            self.hold();
        } else {
            self.to_latest(out);
        }
    }

    pub fn toggle_pause(&mut self, out: &mut Out) {
        match self.stand {
            Stand::Paused => self.to_latest(out),
            _ => {
                if self.stand == Stand::Following {
                    self.hold();
                }
                self.stand = Stand::Paused;
            }
        }
    }

    /// The newest event, and following from there. A window that let go of its newer end begins anew.
    pub fn to_latest(&mut self, out: &mut Out) {
        self.trace = None;
        self.follow();
        if !self.feed().is_live() {
            self.ask(Page::Newest, out);
        }
    }

    /// Scrolls the view without following its selection (the wheel).
    pub fn wheel(&mut self, step: Step, out: &mut Out) {
        let lines = 3;
        if self.stand == Stand::Following {
            if step != Step::Up {
                return;
            }
            self.hold();
        }
        let last_top = self.feed().len().saturating_sub(self.height());
        let top = self.top_row();
        let top = if step == Step::Up { top.saturating_sub(lines) } else { top + lines };
        if top >= last_top && step == Step::Down && self.feed().is_live() && self.stand == Stand::Held {
            return self.follow();
        }
        let top = top.min(last_top);
        self.top = self.mark_of(top);
        let row = self.selected_row().unwrap_or(0).clamp(top, top + self.height().saturating_sub(1));
        self.selected = self.mark_of(row.min(self.feed().len().saturating_sub(1)));
        self.page(out);
    }

    /// The wheel over the pane: the list, or what is open beside it.
    pub fn wheel_at(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        if self.open && self.split.side.contains((x, y).into()) {
            self.scroll = if step == Step::Up { self.scroll.saturating_sub(3) } else { self.scroll + 3 };
        } else if let Some(trace) = &mut self.trace {
            trace.step(step);
        } else {
            self.wheel(step, out);
        }
    }

    pub fn open(&mut self) {
        if self.selected().is_none() {
            return;
        }
        if self.open {
            self.reading = true;
        }
        if self.stand == Stand::Following && self.trace.is_none() {
            self.hold();
        }
        self.open = true;
        self.scroll = 0;
        self.arrange(self.area);
    }

    /// One step out: of what is typed, asked for, opened, shown or filtered, whichever is innermost.
    pub fn back(&mut self, scene: &Scene, out: &mut Out) -> bool {
        if self.is_typing() {
            self.leave_typing();
        } else if self.is_slow(scene.now) {
            self.stop_looking(scene, out);
        } else if self.reading && self.split.list.height > 0 {
            self.reading = false;
        } else if self.open {
            self.open = false;
            self.reading = false;
            self.arrange(self.area);
        } else if self.trace.take().is_some() {
            self.arrange(self.area);
        } else if self.is_filtered() && !self.filter_text.is_empty() {
            self.filter_text.clear();
            self.set_filter(scene, out);
        } else {
            return false;
        }
        true
    }

    pub fn click(&mut self, x: u16, y: u16, out: &mut Out) {
        self.leave_typing();
        if self.split.list.contains((x, y).into()) {
            self.reading = false;
            let line = (y - self.split.list.y) as usize;
            if let Some(trace) = &mut self.trace {
                if trace.click(line) {
                    self.open();
                }
                return;
            }
            let row = self.top_row() + line;
            if row >= self.feed().len() {
                return;
            }
            if self.selected_row() == Some(row) && self.stand != Stand::Following {
                self.open();
            } else {
                if self.stand == Stand::Following {
                    self.hold();
                }
                self.go_to(row, out);
            }
        } else if self.open && self.split.side.contains((x, y).into()) {
            self.reading = true;
        }
    }

    // ── typing ──────────────────────────────────────────────────────────────────────────────────────────────────

    pub fn begin_filter(&mut self, out: &mut Out) {
        self.before = self.filter_text.text().to_owned();
        self.trace = None;
        self.typing = Some(Typing::Filter);
        self.filter_text.end();
        self.names.ask(out);
        self.suggest();
    }

    /// A letter, a paste, a cut: what is typed is another.
    pub fn typed(&mut self, scene: &Scene, out: &mut Out) {
        if self.typing == Some(Typing::Filter) {
            self.set_filter(scene, out);
        }
        self.suggest();
    }

    /// The line that is typed into.
    pub fn line(&mut self) -> Option<&mut Line> {
        match self.typing? {
            Typing::Filter => Some(&mut self.filter_text),
            Typing::Moment => Some(&mut self.moment),
        }
    }

    pub fn projects_came(&mut self, suggestions: &[Suggestion]) {
        self.names.projects_came(suggestions);
        self.suggest();
    }

    fn suggest(&mut self) {
        let correlation = self.selected().map(|event| event.correlation_id);
        match self.typing {
            Some(Typing::Filter) => self.names.suggest(&self.filter_text, correlation),
            Some(Typing::Moment) => self.names.suggest_moment(&self.moment),
            None => self.names.close(),
        }
    }

    /// Tab: the first completion.
    pub fn complete(&mut self, scene: &Scene, out: &mut Out) {
        let Some(chosen) = self.names.first().cloned() else { return };
        let Some(line) = self.line() else { return };
        line.replace(chosen.replace, &chosen.text);
        if !chosen.text.ends_with(':') && line.at_end() {
            line.insert(" ");
        }
        self.typed(scene, out);
    }

    /// Enter: what is typed holds from now on, unless it cannot be read.
    pub fn accept(&mut self, scene: &Scene, out: &mut Out) {
        match self.typing.take() {
            Some(Typing::Filter) => {
                self.set_filter(scene, out);
                if self.filter_fault.is_some() {
                    self.typing = Some(Typing::Filter);
                }
            }
            Some(Typing::Moment) => self.accept_moment(scene, out),
            None => {}
        }
        if self.typing.is_none() {
            self.names.close();
        }
    }

    /// Filters by a text that nobody typed here.
    pub fn take_filter(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        self.typing = None;
        self.filter_text.set(text);
        self.set_filter(scene, out);
    }

    // ── filter ──────────────────────────────────────────────────────────────────────────────────────────────────

    /// What is typed is the filter now; one that cannot be read leaves the last good one in place.
    pub fn set_filter(&mut self, scene: &Scene, out: &mut Out) {
        self.names.hubs_are(scene.fleet);
        let text = self.filter_text.text();
        let parsed = filter::parse(text, scene.words(), self.is_typing());
        match parsed.and_then(|parsed| Ok((parsed, filter::hub(text, scene.fleet, self.is_typing())?))) {
            Err(fault) => self.filter_fault = Some(fault),
            Ok((parsed, of)) => {
                self.filter_fault = None;
                self.apply(parsed, of.or(scene.fleet.only()), out);
            }
        }
    }

    fn apply(&mut self, mut filter: EventFilter, of: Option<At>, out: &mut Out) {
        if filter.projects == Projects::All {
            filter.projects = self.project.clone().map_or(Projects::All, Projects::with_none);
        }
        if filter == self.filter && of == self.of {
            return;
        }
        (self.filter, self.of) = (filter, of);
        let held = (self.stand != Stand::Following).then_some(self.selected).flatten();
        self.follow();
        self.trace = None;
        self.open = false;
        self.fault = None;
        self.chart.forget();
        self.stop();
        self.arrange(self.area);
        if self.filter == EventFilter::default() && self.of.is_none() {
            self.filtered = None;
            match held {
                // What was found is seen among all others.
                Some(mark) => self.reveal(mark, out),
                None if self.all.is_empty() || !self.all.is_live() => self.ask(Page::Newest, out),
                None => {}
            }
            return;
        }
        // What is here answers at once; the hub's page, which sees everything, takes its place.
        let mut feed = Feed::default();
        if self.all.is_live() {
            let passes = |row: &Row| row.item.event().is_none_or(|event| self.filter.matches(event));
            feed.begin_with(&self.all, |hub| self.is_of(hub), passes);
        }
        self.filtered = Some(feed);
        self.ask(Page::Newest, out);
    }

    /// Before there is a hub to ask: the filter is asked for when there is one.
    pub fn restore_project(&mut self, project: Option<Project>) {
        if let Some(project) = &project {
            self.filter.projects = Projects::with_none(project.clone());
            self.filtered = Some(Feed::default());
        }
        self.project = project;
    }

    /// What could not be read is let go with the line it stood in; what was before holds again.
    fn leave_typing(&mut self) {
        self.typing = None;
        self.moment.clear();
        self.names.close();
        if self.filter_fault.take().is_some() {
            self.filter_text.set(&self.before);
            self.taken_back = true;
        }
    }

    pub fn set_project(&mut self, project: Option<Project>, scene: &Scene, out: &mut Out) {
        self.project = project;
        self.set_filter(scene, out);
    }

    // ── the hub ─────────────────────────────────────────────────────────────────────────────────────────────────

    /// Whether a hub is among those that are shown.
    fn is_of(&self, hub: At) -> bool {
        self.of.is_none_or(|of| of == hub)
    }

    /// A hub's newest page. The first hub's is where the view begins; another's joins what is here, and nothing on
    /// screen moves for it.
    pub fn begin(&mut self, at: At, stretch: Stretch, out: &mut Out) {
        let looking = self.history.looking_for();
        self.stop();
        self.names.learn(stretch.events());
        self.history.begin(at, stretch.head);
        self.chart.forget();
        self.all.forget(at);
        self.all.page_before(vec![(at, stretch)]);
        if self.history.knows_only(at) {
            self.follow();
        }
        match (&mut self.filtered, looking) {
            (Some(_), _) if self.stand == Stand::Following => self.ask(Page::Newest, out),
            (Some(feed), looking) => {
                if self.of.is_none_or(|of| of == at) {
                    feed.forget(at);
                }
                match looking {
                    Some(page) => self.ask_again(page, out),
                    None => self.page(out),
                }
            }
            (None, Some(page)) if !self.history.knows_only(at) => self.ask_again(page, out),
            (None, None) if !self.history.knows_only(at) => self.page(out),
            (None, _) => {}
        }
    }

    pub fn arrived(&mut self, at: At, events: Vec<Arc<Event>>, scene: &Scene) {
        self.names.learn(events.iter());
        let passes = |event: &&Arc<Event>| self.is_of(at) && self.filter.matches(event);
        let matching: Vec<_> = events.iter().filter(passes).cloned().collect();
        for event in &matching {
            self.chart.count(at, event, self.stand == Stand::Following);
        }
        if let Some(trace) = &mut self.trace {
            trace.arrived(at, &events, scene.now);
        }
        self.history.arrived(at, &events, &matching);
        // Old events leave for new ones, but not those that are looked at.
        let crowded = self.feed().len() + matching.len() > EVENTS_MAX;
        if crowded && self.stand != Stand::Following && self.top_row() < matching.len() + KEPT_ABOVE {
            self.feed_mut().let_go_of_present();
        }
        let matching = matching.into_iter().map(Item::Event);
        let fresh = match &mut self.filtered {
            Some(feed) => {
                self.all.append(at, events.into_iter().map(Item::Event));
                feed.append(at, matching)
            }
            None => self.all.append(at, matching),
        };
        if self.stand != Stand::Following {
            self.new += fresh as u64;
        }
    }

    /// The stream passed over these.
    pub fn gap(&mut self, at: At, from: Sequence, to: Sequence, reason: String) {
        let missing = (to.0 + 1).saturating_sub(from.0);
        let gap = Item::Gap(EventGap { from, to, missing, reason });
        self.all.append(at, [gap.clone()]);
        if self.is_of(at)
            && let Some(feed) = &mut self.filtered
        {
            feed.append(at, [gap]);
        }
    }

    // ── the frame ───────────────────────────────────────────────────────────────────────────────────────────────

    /// What only time brings, and what the last change leaves to be asked.
    pub fn tick(&mut self, scene: &Scene, out: &mut Out) {
        if std::mem::take(&mut self.taken_back) {
            self.set_filter(scene, out);
        }
        self.history.tick(scene.now);
        if let Some(trace) = &mut self.trace {
            trace.tick(scene.now);
        }
        if self.chart_area.is_some() && scene.fleet.is_live() {
            self.aim_chart(scene.now, out);
        }
    }

    /// Lines above the chart and the list: what is typed or filtered by, or whose tree it is.
    fn head_lines(&self) -> u16 {
        match self.typing {
            Some(Typing::Moment) => 2,
            Some(Typing::Filter) => 1 + u16::from(self.filter_fault.is_some()),
            None if self.trace.is_some() => 2,
            None => u16::from(self.is_filtered()),
        }
    }

    pub fn arrange(&mut self, area: Rect) {
        self.area = area;
        let inner = inside(area);
        let head = self.head_lines().min(inner.height);
        let mut body = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        let roomy = body.width >= CHART_MIN.0 && body.height >= CHART_MIN.1 && self.trace.is_none();
        let alone = self.split.of(body, self.open).list.height == 0;
        self.chart_area = (roomy && !alone).then_some(Rect { height: 1, ..body });
        if self.chart_area.is_some() {
            body = Rect { y: body.y + 1, height: body.height - 1, ..body };
        }
        let before = self.split.list.height;
        self.split = self.split.of(body, self.open);
        if self.split.list.height != before && self.stand != Stand::Following {
            self.see_selected();
        }
        if let Some(trace) = &mut self.trace {
            trace.arrange(self.split.list.height);
        }
    }

    /// Lays out the opened event for the width there is, and keeps its text on screen.
    pub fn lay_out(&mut self, scene: &Scene) {
        let Some(event) = self.selected().filter(|_| self.open).cloned() else {
            self.detail = None;
            return;
        };
        let width = event::width(self.split.side);
        if !self.detail.as_ref().is_some_and(|detail| detail.is_of(&event, width)) {
            let hub = self.selected_mark().filter(|_| scene.fleet.is_many());
            let hub = hub.map(|mark| scene.fleet.name(mark.hub));
            self.detail = Some(Detail::of(event, hub, width, scene));
        }
        let lines = self.detail.as_ref().map_or(0, |detail| detail.len(scene));
        self.scroll = self.scroll.min(lines.saturating_sub(self.split.side.height as usize));
    }

    /// The theme or the form of times changed.
    pub fn forget_layout(&mut self) {
        self.detail = None;
    }
}

#[cfg(test)]
mod tests;
