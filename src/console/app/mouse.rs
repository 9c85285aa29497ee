//! The mouse: what is clicked is done or opened, what is dragged follows, the wheel moves what is under it.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::{App, above};
use crate::{
    console::{
        action::Action,
        layout::{Border, Edge, Shares},
        overlay::Overlay,
        panes::PaneName,
        scene::Out,
        widgets::list::Step,
    },
    model::Time,
};

/// Two clicks on a border within this set it back.
const DOUBLE_MS: u64 = 400;

/// What the button holds while it is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grip {
    /// A border, so many columns or lines before where it stood.
    Border { border: Border, off: u16 },
    /// The thumb of a pane's scroll bar, so many lines below its first.
    Thumb { pane: PaneName, off: u16 },
}

#[derive(Debug, Default)]
pub(super) struct Mouse {
    /// Else its clicks are the terminal's, to select text.
    on: bool,
    grip: Option<Grip>,
    /// The border that was last clicked, and when.
    clicked: Option<(Edge, Time)>,
    /// How the deck was parted when a border was taken.
    shares: Option<Shares>,
}

impl Mouse {
    pub(super) fn new(on: bool) -> Mouse {
        Mouse { on, ..Mouse::default() }
    }

    pub(super) fn toggle(&mut self) -> bool {
        self.let_go();
        self.on = !self.on;
        self.on
    }

    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    pub(super) fn let_go(&mut self) {
        self.grip = None;
        self.shares = None;
    }
}

impl App {
    pub(super) fn mouse(&mut self, mouse: MouseEvent, out: &mut Out) {
        let at = Position::new(mouse.column, mouse.row);
        match mouse.kind {
            MouseEventKind::ScrollUp => self.wheel(at, Step::Up, out),
            MouseEventKind::ScrollDown => self.wheel(at, Step::Down, out),
            MouseEventKind::Down(MouseButton::Left) => self.click(at, out),
            MouseEventKind::Drag(MouseButton::Left) => self.drag(at, out),
            MouseEventKind::Up(MouseButton::Left) => self.release(out),
            _ => {}
        }
    }

    fn wheel(&mut self, at: Position, step: Step, out: &mut Out) {
        if let Some(overlay) = &mut self.overlay {
            overlay.wheel(step, &self.env.scene(), out);
        } else if let Some(name) = self.deck.pane_at(at.x, at.y) {
            self.panes.get_mut(name).wheel(at.x, at.y, step, out);
        }
    }

    fn click(&mut self, at: Position, out: &mut Out) {
        self.mouse.let_go();
        self.forget_pending();
        if let Some(Overlay::Confirm(confirm)) = &self.overlay
            && !confirm.is_awake(self.env.now)
        {
            return;
        }
        if let Some(overlay) = &mut self.overlay {
            overlay.click(at, above(self.area), &self.env.scene(), out);
            return;
        }
        if self.deck.refused {
            return;
        }
        let (header, hints) = (self.deck.header, self.deck.hints);
        if header.contains(at) {
            self.run_clicked(self.header_action(at.x - header.x, header.width), out);
        } else if hints.contains(at) {
            self.run_clicked(self.hint_action(at.x - hints.x, hints.width), out);
        } else if let Some(tabs) = self.deck.tabs.filter(|tabs| tabs.contains(at)) {
            if let Some(name) = self.tab_at(at.x - tabs.x, tabs.width) {
                self.focus(name, out);
            }
        } else if !self.take(at, out) {
            self.click_pane(at, out);
        }
    }

    fn run_clicked(&mut self, action: Option<Action>, out: &mut Out) {
        if let Some(action) = action {
            self.run(action, out);
        }
    }

    fn click_pane(&mut self, at: Position, out: &mut Out) {
        if let Some(name) = self.deck.pane_at(at.x, at.y) {
            self.focus(name, out);
            self.panes.get_mut(name).click(at.x, at.y, &self.env.scene(), out);
        }
    }

    /// Takes what can be dragged: a thumb, else the border it stands on, else a place of its track, where the thumb goes
    /// at once.
    fn take(&mut self, at: Position, out: &mut Out) -> bool {
        let tracks =
            self.deck.panes.iter().filter_map(|(name, _)| Some((*name, self.panes.get(*name).track()?)));
        let track = tracks.into_iter().find(|(_, track)| track.area().contains(at));
        if let Some((pane, track)) = &track
            && track.thumb().contains(&at.y)
        {
            self.mouse.grip = Some(Grip::Thumb { pane: *pane, off: at.y - track.thumb().start });
            return true;
        }
        if let Some(border) = self.deck.border_at(at.x, at.y).copied() {
            let (edge, here) = (border.edge, along(border.edge, at));
            let off = border.at.saturating_sub(here);
            let now = self.env.now;
            let again = self.mouse.clicked.replace((edge, now)).is_some_and(|(before, then)| {
                before == edge && now.since(then).as_millis() <= u128::from(DOUBLE_MS)
            });
            if again {
                self.mouse.clicked = None;
                self.share(self.shares.with(edge, Shares::default().of(edge)), out);
            } else {
                self.mouse.shares = Some(self.shares);
                self.mouse.grip = Some(Grip::Border { border, off });
            }
            return true;
        }
        let Some((pane, track)) = track else { return false };
        let off = (track.thumb().end - track.thumb().start) / 2;
        self.mouse.grip = Some(Grip::Thumb { pane, off });
        self.drag(at, out);
        true
    }

    fn drag(&mut self, at: Position, out: &mut Out) {
        match self.mouse.grip {
            Some(Grip::Border { border, off }) => {
                let share = border.share(along(border.edge, at).saturating_add(off));
                // Kept when it is let go.
                self.shares = self.shares.with(border.edge, share);
            }
            Some(Grip::Thumb { pane, off }) => {
                if let Some(track) = self.panes.get(pane).track() {
                    self.panes.get_mut(pane).scroll_to(track.row_at(at.y.saturating_sub(off)), out);
                }
            }
            None => {}
        }
    }

    fn release(&mut self, out: &mut Out) {
        if let Some(before) = self.mouse.shares
            && before != self.shares
        {
            // A drag is no first half of a double click.
            self.mouse.clicked = None;
            let moved = std::mem::replace(&mut self.shares, before);
            self.share(moved, out);
        }
        self.mouse.let_go();
    }
}

/// Where a place lies along what an edge parts.
fn along(edge: Edge, at: Position) -> u16 {
    match edge {
        Edge::Columns | Edge::Beside => at.x,
        Edge::Left | Edge::Right | Edge::Below => at.y,
    }
}
