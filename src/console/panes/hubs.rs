//! Hubs: every hub that this console is attached to, how it stands with each, and which of them is meant.
//!
//! How long a hub takes to answer is only measured while somebody looks.

mod column;
mod view;

pub use column::{HubColumn, NAME_MAX};

use std::{collections::BTreeMap, time::Duration};

use ratatui::{Frame, layout::Rect, text::Span};

use super::Pane;
use crate::{
    console::{
        action::{Action, Place},
        effect::AskEach,
        layout::{Shares, Split, inside},
        model::{At, Seat, Shows},
        scene::{Out, Scene},
        text,
        theme::Role,
        widgets::{frame::step_of, list::List, list::Step, scroll::Track},
    },
    model::Time,
};

/// Between two soundings of a hub.
const EVERY: Duration = Duration::from_secs(3);
/// One that is not answered is let go after this.
const PATIENCE: Duration = Duration::from_secs(15);
/// Columns and lines from which a hub's detail stands beside the list by itself.
const ROOMY: (u16, u16) = (72, 20);

#[derive(Debug, Default)]
pub struct Hubs {
    list: List,
    /// Asked for where there is no room for both.
    open: bool,
    /// When each was asked how it does.
    asked: BTreeMap<At, Time>,
    /// Where the selected one is.
    place: String,
    split: Split,
    area: Rect,
}

impl Hubs {
    pub fn selected(&self) -> At {
        At(self.list.selected().unwrap_or(0) as u16)
    }

    fn seat<'a>(&self, scene: &Scene<'a>) -> Option<&'a Seat> {
        scene.fleet.get(self.selected())
    }

    fn is_shown(&self) -> bool {
        !self.area.is_empty()
    }

    fn is_roomy(&self) -> bool {
        self.area.width >= ROOMY.0 && self.area.height >= ROOMY.1
    }

    fn settle(&mut self) {
        let inner = inside(self.area);
        let head = inner.height.min(1);
        let body = Rect { y: inner.y + head, height: inner.height - head, ..inner };
        self.split = self.split.of(body, self.open || self.is_roomy());
        self.list.set_height(self.split.list.height as usize);
    }

    /// When a hub is to be asked how it does.
    fn due(&self, at: At, seat: &Seat) -> Option<Time> {
        if !self.is_shown() || !seat.hub.is_live() {
            return None;
        }
        let Some(asked) = self.asked.get(&at) else { return Some(Time::default()) };
        let answered = seat.sounded.is_some_and(|sounded| sounded >= *asked);
        Some(asked.plus(if answered { EVERY } else { PATIENCE }))
    }

    fn sound(&mut self, scene: &Scene, out: &mut Out) {
        for (at, seat) in scene.fleet.each() {
            if self.due(at, seat).is_some_and(|due| due <= scene.now) {
                self.asked.insert(at, scene.now);
                out.ask_each(AskEach::Sound { at });
            }
        }
    }
}

impl Pane for Hubs {
    fn arrange(&mut self, area: Rect, shares: Shares) {
        self.split.shares = shares;
        self.area = area;
        self.settle();
    }

    fn split(&self) -> &Split {
        &self.split
    }

    fn lay_out(&mut self, scene: &Scene) {
        let before = self.list.len();
        self.list.set_len(scene.fleet.len());
        if before == 0 {
            self.list.select(usize::from(scene.fleet.chosen().0));
        }
        if let Some(seat) = self.seat(scene).filter(|seat| seat.place != self.place) {
            self.place.clone_from(&seat.place);
        }
    }

    fn view(&self, frame: &mut Frame, focused: bool, scene: &Scene) {
        self.draw(frame, focused, scene);
    }

    fn whose<'a>(&self, _: &Scene<'a>) -> Option<&'a str> {
        None
    }

    fn state(&self, scene: &Scene) -> Vec<Span<'static>> {
        if !scene.fleet.is_many() {
            return Vec::new();
        }
        let said = match scene.fleet.only() {
            Some(at) => format!("{} alone ", text::escape_line(scene.fleet.name(at))),
            None => "all shown ".to_owned(),
        };
        vec![Span::styled(said, scene.theme.style(Role::Muted))]
    }

    fn doing(&self, scene: &Scene) -> Option<Span<'static>> {
        let seat = self.seat(scene).filter(|seat| !seat.hub.is_live())?;
        let key = scene.key(Action::Retry, Place::Hubs)?;
        let name = if scene.fleet.is_many() { &seat.name } else { "the hub" };
        let said = format!(" {key} tries {} now ", text::escape_line(name));
        Some(Span::styled(said, scene.theme.style(Role::Muted)))
    }

    fn extent(&self, scene: &Scene) -> Option<Span<'static>> {
        let said = format!(" {} of {} there ", scene.fleet.live(), scene.fleet.len());
        scene.fleet.is_many().then(|| Span::styled(said, scene.theme.style(Role::Muted)))
    }

    fn places(&self) -> Vec<Place> {
        vec![Place::Hubs]
    }

    fn is_typing(&self) -> bool {
        false
    }

    fn stop_typing(&mut self, _: &mut Out) {}

    fn leads_back(&self) -> bool {
        self.open
    }

    fn act(&mut self, action: Action, scene: &Scene, out: &mut Out) -> bool {
        if let Some(step) = step_of(action) {
            self.list.step(step);
            return true;
        }
        match action {
            Action::Open | Action::HubDetail => self.open = !self.open,
            Action::Back => return std::mem::take(&mut self.open),
            Action::ShowHub => {
                let at = self.selected();
                let shows = if scene.fleet.only() == Some(at) { Shows::All } else { Shows::Only };
                out.choose = Some((at, shows));
            }
            _ => return false,
        }
        true
    }

    fn why_not(&self, action: Action, scene: &Scene) -> Option<String> {
        match action {
            Action::ShowHub => (!scene.fleet.is_many()).then(|| "this console has one hub".to_owned()),
            Action::Open | Action::HubDetail if self.is_shown() => {
                self.is_roomy().then(|| "it stands beside the list".to_owned())
            }
            Action::Export => Some("the table of hubs is only of this console".to_owned()),
            Action::CopyJson | Action::CopyId | Action::CopyLink => {
                Some("a hub is copied as its address".to_owned())
            }
            Action::Complete => Some("there is nothing to complete here".to_owned()),
            _ => None,
        }
    }

    fn copied(&self, action: Action) -> Option<String> {
        (action == Action::Copy).then(|| self.place.clone())
    }

    fn has_selection(&self) -> bool {
        !self.list.is_empty()
    }

    fn has_opened(&self) -> bool {
        self.open
    }

    fn click(&mut self, x: u16, y: u16, _: &Scene, out: &mut Out) {
        if !self.split.list.contains((x, y).into()) {
            return;
        }
        let Some(row) = self.list.row_at((y - self.split.list.y) as usize, 1) else { return };
        if self.list.selected() == Some(row) {
            out.act = Some(Action::ShowHub);
        }
        self.list.select(row);
    }

    fn wheel(&mut self, _: u16, _: u16, step: Step, _: &mut Out) {
        self.list.step(step);
    }

    fn track(&self) -> Option<Track> {
        Track::beside(self.split.list, self.split.rule, self.list.visible(), self.list.len())
    }

    fn scroll_to(&mut self, top: usize, _: &mut Out) {
        self.list.scroll_to(top);
    }

    fn tick(&mut self, scene: &Scene, out: &mut Out) {
        self.sound(scene, out);
    }

    fn wake(&self, scene: &Scene) -> Option<Time> {
        scene.fleet.each().filter_map(|(at, seat)| self.due(at, seat)).min()
    }
}
