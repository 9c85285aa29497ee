//! The Timeline as a pane of the deck.

use crossterm::event::KeyEvent;
use ratatui::{Frame, layout::Rect, text::Span};

use super::{Stand, Timeline};
use crate::{
    console::{
        action::{Action, Place},
        effect::Toward,
        export::What,
        layout::{Shares, Split},
        model::At,
        msg::{Answer, Link},
        overlay::export::bound,
        panes::{Exported, Pane},
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{frame::step_of, line::Typed, list::Step, scroll::Track},
    },
    door::EventQuery,
    model::{EventFilter, Project, Time},
};

impl Pane for Timeline {
    fn arrange(&mut self, area: Rect, shares: Shares) {
        self.split.shares = shares;
        Timeline::arrange(self, area);
    }

    fn split(&self) -> &Split {
        &self.split
    }

    fn lay_out(&mut self, scene: &Scene) {
        Timeline::lay_out(self, scene);
    }

    fn look_anew(&mut self) {
        self.forget_layout();
    }

    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        Timeline::view(self, frame, focused, scene);
    }

    fn whose<'a>(&self, _: &Scene<'a>) -> Option<&'a str> {
        None
    }

    fn state(&self, scene: &Scene) -> Vec<Span<'static>> {
        let whose = scene.fleet.is_many().then(|| match self.of {
            Some(at) => format!("{} ", text::escape_line(scene.fleet.name(at))),
            None => "all hubs ".to_owned(),
        });
        let whose = whose.map(|words| Span::styled(words, scene.theme.style(Role::Muted)));
        whose.into_iter().chain([self.stand.word(scene)]).collect()
    }

    fn doing(&self, scene: &Scene) -> Option<Span<'static>> {
        self.looking(scene)
    }

    fn extent(&self, scene: &Scene) -> Option<Span<'static>> {
        self.stand.new_rows(self.new, Place::Timeline, scene)
    }

    fn places(&self) -> Vec<Place> {
        match (self.is_typing(), self.reading) {
            (true, _) => vec![Place::Filter],
            (false, true) => vec![Place::Detail, Place::Timeline],
            (false, false) => vec![Place::Timeline],
        }
    }

    fn is_typing(&self) -> bool {
        Timeline::is_typing(self)
    }

    fn stop_typing(&mut self, _: &mut Out) {
        self.leave_typing();
    }

    fn leads_back(&self) -> bool {
        Timeline::is_typing(self) || self.open || self.trace.is_some() || !self.filter_text.is_empty()
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        if Timeline::is_typing(self) && self.act_in_filter(action, scene, out) {
            return true;
        }
        if let Some(step) = step_of(action) {
            self.step(step, out);
            return true;
        }
        match action {
            Action::Open => self.open(),
            Action::Back => return self.back(scene, out),
            Action::Follow => self.toggle_follow(out),
            Action::Pause => self.toggle_pause(out),
            Action::ToLatest => self.to_latest(out),
            Action::FilterEvents => self.begin_filter(out),
            Action::PreviousError => self.step_error(Toward::Past, out),
            Action::NextError => self.step_error(Toward::Present, out),
            Action::GoToTime => self.begin_moment(),
            Action::Correlation => self.toggle_trace(out),
            _ => return false,
        }
        true
    }

    fn why_not(&self, action: Action, scene: &Scene) -> Option<String> {
        let needs_event = || self.selected().is_none().then(|| "no event is selected".to_owned());
        let needs_hub = || (!scene.fleet.is_live()).then(|| "the hub is not there yet".to_owned());
        match action {
            Action::Copy | Action::CopyJson | Action::CopyLink | Action::CopyId => needs_event(),
            Action::GoToTime => needs_hub(),
            Action::Correlation => needs_event().or_else(needs_hub),
            _ => None,
        }
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out) {
        if let Some(line) = self.line()
            && line.key(key) == Typed::Changed
        {
            self.typed(scene, out);
        }
    }

    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        if let Some(line) = self.line() {
            line.insert(text);
            self.typed(scene, out);
        }
    }

    fn copied(&self, action: Action) -> Option<String> {
        let event = self.selected()?;
        Some(match action {
            Action::CopyJson => serde_json::to_string_pretty(&**event).unwrap_or_default(),
            Action::CopyId => event.id.to_string(),
            Action::CopyLink => match event.record() {
                Some(id) => format!("wheelhouse://memory/{id}"),
                None => format!("wheelhouse://event/{}", event.id),
            },
            _ => format!("{} {} {}", event.time, event.kind, event.text("title").unwrap_or_default()),
        })
    }

    fn cell(&self, action: Action) -> Option<String> {
        let event = self.selected()?;
        let text = |name| event.text(name).unwrap_or_default().to_owned();
        Some(match action {
            Action::CopySnippet => text("message"),
            Action::CopyType => event.kind.clone(),
            Action::CopyProject if event.subject.project() == "_" => String::new(),
            Action::CopyProject => event.subject.project().to_owned(),
            Action::CopyTags => String::new(),
            Action::CopySource => text("source"),
            Action::CopyTime => event.time.to_string(),
            _ => text("title"),
        })
    }

    fn exported(&self) -> Option<Exported> {
        let (of, filter) = match &self.trace {
            Some(trace) => {
                let correlation = Some(trace.correlation);
                ("The events of this tree", EventFilter { correlation, ..EventFilter::default() })
            }
            None if self.is_filtered() => ("The events of this filter", self.filter.clone()),
            None => ("Every event", self.filter.clone()),
        };
        let query = EventQuery { filter, ..EventQuery::default() };
        let about = format!("{of}, newest first, {}.", bound());
        Some(Exported { what: What::Events(Box::new(query)), about, stem: "timeline" })
    }

    fn has_selection(&self) -> bool {
        self.selected().is_some()
    }

    fn has_opened(&self) -> bool {
        self.open
    }

    fn click(&mut self, x: u16, y: u16, _: &Scene, out: &mut Out) {
        Timeline::click(self, x, y, out);
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        self.wheel_at(x, y, step, out);
    }

    fn track(&self) -> Option<Track> {
        // The tree has a list of its own.
        if self.trace.is_some() {
            return None;
        }
        let (top, len) = (self.top_row(), self.feed().len());
        Track::beside(self.split.list, self.split.rule, top..len.min(top + self.height()), len)
    }

    fn scroll_to(&mut self, top: usize, out: &mut Out) {
        let last_top = self.feed().len().saturating_sub(self.height());
        if top >= last_top && self.feed().is_live() && self.stand != Stand::Paused {
            return self.follow();
        }
        if self.stand == Stand::Following {
            self.hold();
        }
        let (top, last) = (top.min(last_top), self.feed().len().saturating_sub(1));
        let seen = top..=(top + self.height().saturating_sub(1)).min(last).max(top);
        let row = self.selected_row().unwrap_or(top).clamp(*seen.start(), *seen.end());
        self.top = self.mark_of(top);
        self.selected = self.mark_of(row);
        self.page(out);
    }

    fn tick(&mut self, scene: &Scene, out: &mut Out) {
        Timeline::tick(self, scene, out);
    }

    fn wake(&self, scene: &Scene) -> Option<Time> {
        Timeline::wake(self, scene.now)
    }

    fn of_fleet(&mut self, at: At, link: &Link, scene: &Scene, out: &mut Out) {
        match link {
            Link::Up { .. } => self.hub_is_there(at, out),
            Link::Begin(stretch) => self.begin(at, stretch.clone(), out),
            Link::Events(events) => self.arrived(at, events.clone(), scene),
            Link::Gap { from, to, reason } => self.gap(at, *from, *to, reason.clone()),
            Link::Status(_) => self.ask_what_failed(at, out),
            Link::Down { .. } | Link::Stale { .. } => {}
        }
    }

    fn answer(&mut self, answer: Answer, scene: &Scene, out: &mut Out) -> Option<Answer> {
        match answer {
            Answer::Events { generation, page, pages } => {
                self.paged(generation, page, pages, scene.now, out);
            }
            Answer::EventStats { generation, stats } => self.counted(generation, stats),
            other => return Some(other),
        }
        None
    }

    fn set_project(&mut self, project: Option<&Project>, scene: &Scene, out: &mut Out) {
        Timeline::set_project(self, project.cloned(), scene, out);
    }
}

impl Timeline {
    fn act_in_filter(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Open => self.accept(scene, out),
            Action::ClearText => {
                if let Some(line) = self.line() {
                    line.clear();
                    self.typed(scene, out);
                }
            }
            Action::Complete => self.complete(scene, out),
            _ => return false,
        }
        true
    }
}
