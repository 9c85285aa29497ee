//! The Log as a pane of the deck.

use crossterm::event::KeyEvent;
use ratatui::{Frame, layout::Rect, text::Span};

use super::Log;
use crate::console::{
    action::{Action, Place},
    layout::{Shares, Split},
    panes::Pane,
    scene::{Out, Scene},
    text,
    theme::Role,
    widgets::{frame::step_of, line::Typed, list::Step, scroll::Track},
};

impl Pane for Log {
    fn arrange(&mut self, area: Rect, shares: Shares) {
        self.split.shares = shares;
        self.area = area;
        self.settle();
    }

    fn split(&self) -> &Split {
        &self.split
    }

    fn lay_out(&mut self, scene: &Scene) {
        self.clamp_scroll(scene);
    }

    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        Log::view(self, frame, focused, scene);
    }

    fn whose<'a>(&self, _: &Scene<'a>) -> Option<&'a str> {
        None
    }

    fn state(&self, scene: &Scene) -> Vec<Span<'static>> {
        vec![self.tail.stand().word(scene)]
    }

    fn extent(&self, scene: &Scene) -> Option<Span<'static>> {
        let new = self.tail.stand().new_rows(self.tail.new_rows(), Place::Log, scene);
        if new.is_some() {
            return new;
        }
        let mut said = text::count(self.shown.len() as u64);
        if self.is_filtered() {
            said = format!("{said} of {}", text::count(self.entries.len() as u64));
        }
        let gone = match self.gone {
            0 => String::new(),
            gone => format!(" {} {} older ones only in the file", scene.theme.dot(), text::count(gone)),
        };
        Some(Span::styled(format!(" {said}{gone} "), scene.theme.style(Role::Muted)))
    }

    fn places(&self) -> Vec<Place> {
        match (self.typing, self.reading) {
            (true, _) => vec![Place::Filter],
            (false, true) => vec![Place::Detail, Place::Log],
            (false, false) => vec![Place::Log],
        }
    }

    fn is_typing(&self) -> bool {
        self.typing
    }

    fn stop_typing(&mut self, _: &mut Out) {
        self.typing = false;
    }

    fn leads_back(&self) -> bool {
        self.typing || self.open || self.is_filtered()
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        if self.typing && self.act_in_filter(action) {
            return true;
        }
        if let Some(step) = step_of(action) {
            self.step(step);
            return true;
        }
        match action {
            Action::Open => self.open(),
            Action::Back => return self.back(),
            Action::Follow => self.tail.toggle_follow(&self.shown),
            Action::Pause => self.tail.toggle_pause(&self.shown),
            Action::ToLatest => self.tail.follow(),
            Action::FilterEvents => self.typing = true,
            Action::PreviousError => self.step_error(true, out),
            Action::NextError => self.step_error(false, out),
            _ => return false,
        }
        true
    }

    fn why_not(&self, action: Action, _: &Scene) -> Option<String> {
        match action {
            Action::Open | Action::Copy | Action::CopyJson => {
                let none = if self.entries.is_empty() {
                    "nothing has been logged yet"
                } else {
                    "no entry is like the filter"
                };
                self.selected().is_none().then(|| none.into())
            }
            Action::Complete => Some("there is nothing to complete here".into()),
            Action::Export => Some("the log is a file already; the line above names it".into()),
            Action::CopyId | Action::CopyLink => Some("an entry of the log has no id".into()),
            _ => None,
        }
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, _: &mut Out) {
        if self.filter_text.key(key) == Typed::Changed {
            self.set_filter();
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        if self.typing {
            self.filter_text.insert(text);
            self.set_filter();
        }
    }

    fn copied(&self, action: Action) -> Option<String> {
        let entry = self.selected()?;
        Some(match action {
            Action::CopyJson => serde_json::to_string_pretty(entry).unwrap_or_default(),
            _ => entry.to_string(),
        })
    }

    fn cell(&self, action: Action) -> Option<String> {
        let entry = self.selected()?;
        Some(match action {
            Action::CopySnippet | Action::CopyTitle => entry.message.clone(),
            Action::CopyType => entry.level.word().to_owned(),
            Action::CopySource => entry.target.to_owned(),
            Action::CopyTime => entry.time.to_string(),
            _ => String::new(),
        })
    }

    fn has_selection(&self) -> bool {
        self.selected().is_some()
    }

    fn has_opened(&self) -> bool {
        self.open
    }

    fn click(&mut self, x: u16, y: u16, _: &Scene, _: &mut Out) {
        Log::click(self, x, y);
    }

    fn wheel(&mut self, x: u16, y: u16, step: Step, _: &mut Out) {
        Log::wheel(self, x, y, step);
    }

    fn track(&self) -> Option<Track> {
        Track::beside(self.split.list, self.split.rule, self.tail.visible(&self.shown), self.shown.len())
    }

    fn scroll_to(&mut self, top: usize, _: &mut Out) {
        self.tail.scroll_to(top, &self.shown);
    }
}

impl Log {
    fn act_in_filter(&mut self, action: Action) -> bool {
        match action {
            Action::Open => {
                self.typing = false;
                self.set_filter();
                self.typing = self.fault.is_some();
            }
            Action::ClearText => {
                self.filter_text.clear();
                self.set_filter();
            }
            _ => return false,
        }
        true
    }
}
