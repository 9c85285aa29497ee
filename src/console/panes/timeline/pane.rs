//! The Timeline as a pane of the deck.

use crossterm::event::KeyEvent;
use ratatui::{Frame, layout::Rect, text::Span};

use super::{Mode, Timeline};
use crate::{
    console::{
        action::{Action, Place},
        msg::{Answer, Link},
        panes::Pane,
        scene::{Out, Scene},
        widgets::{frame::step_of, line::Typed, list::Step, scroll::Track},
    },
    model::Project,
};

impl Pane for Timeline {
    fn arrange(&mut self, area: Rect) {
        Timeline::arrange(self, area);
    }

    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        Timeline::view(self, frame, focused, scene);
    }

    fn state(&self, scene: &Scene) -> Vec<Span<'static>> {
        self.state_words(scene)
    }

    fn extent(&self, scene: &Scene) -> Option<Span<'static>> {
        self.new_words(scene)
    }

    fn places(&self) -> Vec<Place> {
        match (self.typing, self.reading) {
            (true, _) => vec![Place::Filter],
            (false, true) => vec![Place::Detail, Place::Timeline],
            (false, false) => vec![Place::Timeline],
        }
    }

    fn is_typing(&self) -> bool {
        self.typing
    }

    fn stop_typing(&mut self) {
        self.typing = false;
    }

    fn leads_back(&self) -> bool {
        self.typing || self.open || self.is_filtered()
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        if self.typing && self.act_in_filter(action, scene, out) {
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
            Action::FilterEvents => self.typing = true,
            Action::PreviousError => self.step_error(true, out),
            Action::NextError => self.step_error(false, out),
            _ => return false,
        }
        true
    }

    fn why_not(&self, action: Action, _: &Scene) -> Option<String> {
        match action {
            Action::Copy | Action::CopyJson | Action::CopyLink | Action::CopyId => {
                self.selected().is_none().then(|| "no event is selected".into())
            }
            _ => None,
        }
    }

    fn key(&mut self, key: KeyEvent, scene: &Scene, out: &mut Out) {
        if self.filter_text.key(key) == Typed::Changed {
            self.set_filter(scene, out);
        }
    }

    fn paste(&mut self, text: &str, scene: &Scene, out: &mut Out) {
        if self.typing {
            self.filter_text.insert(text);
            self.set_filter(scene, out);
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

    fn click(&mut self, x: u16, y: u16, out: &mut Out) {
        Timeline::click(self, x, y, out);
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, out: &mut Out) {
        self.wheel_at(x, y, step, out);
    }

    fn track(&self) -> Option<Track> {
        let (top, len) = (self.top_row(), self.feed().len());
        Track::beside(self.split.list, self.split.rule, top..len.min(top + self.height()), len)
    }

    fn scroll_to(&mut self, top: usize, out: &mut Out) {
        let last_top = self.feed().len().saturating_sub(self.height());
        if top >= last_top && self.feed().is_live() && self.mode != Mode::Paused {
            return self.follow();
        }
        if self.mode == Mode::Following {
            self.hold();
        }
        let (top, last) = (top.min(last_top), self.feed().len().saturating_sub(1));
        let seen = top..=(top + self.height().saturating_sub(1)).min(last).max(top);
        let row = self.selected_row().unwrap_or(top).clamp(*seen.start(), *seen.end());
        self.top = self.feed().get(top).map(|event| event.sequence);
        self.selected = self.feed().get(row).map(|event| event.sequence);
        self.page(out);
    }

    fn link(&mut self, link: &Link, _: &Scene, out: &mut Out) {
        match link {
            Link::Up { .. } => self.hub_is_there(out),
            Link::Begin { events, more_before, head } => {
                self.begin(events.clone(), *more_before, *head, out);
            }
            Link::Events(events) => self.arrived(events.clone()),
            Link::Gap { from, to, reason } => self.gap(*from, *to, reason.clone()),
            _ => {}
        }
    }

    fn answer(&mut self, answer: Answer, _: &Scene, out: &mut Out) -> Option<Answer> {
        match answer {
            Answer::Events { generation, page, result } => self.paged(generation, page, result, out),
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
            Action::Open => {
                self.typing = false;
                self.set_filter(scene, out);
                self.typing = self.filter_fault.is_some();
            }
            Action::ClearText => {
                self.filter_text.clear();
                self.set_filter(scene, out);
            }
            Action::Complete => {}
            _ => return false,
        }
        true
    }
}
