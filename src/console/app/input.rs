//! Keys, clicks and pastes: to the keymap first, and as text to whoever is being typed into.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use super::App;
use crate::console::{
    action::Action,
    keymap::{Key, Resolved, print},
    layout::PaneName,
    overlay::{Above, Overlay},
    scene::Out,
    widgets::{line::Typed, list::Step, toast::Toast},
};

impl App {
    pub(super) fn key(&mut self, key: KeyEvent, out: &mut Out) {
        if key.kind == KeyEventKind::Release {
            return;
        }
        if let Some(Overlay::Confirm(confirm)) = &self.overlay
            && !confirm.hears(key, self.env.now)
        {
            return;
        }
        let Some(pressed) = Key::of(&key) else { return };
        match self.env.keymap.resolve(&self.places(), &self.pending, pressed) {
            Resolved::Actions(actions) => {
                self.forget_pending();
                for action in actions {
                    self.run(action, out);
                }
            }
            Resolved::Pending(ways) => {
                self.pending.push(pressed);
                self.ways = ways;
            }
            Resolved::None => {
                if self.pending.is_empty() {
                    self.text_key(key, out);
                } else {
                    self.leave_sequence(pressed, out);
                }
            }
        }
    }

    /// The sequence ends with a key that goes on nowhere; one that leads back says so itself.
    fn leave_sequence(&mut self, pressed: Key, out: &mut Out) {
        let meant = self.env.keymap.resolve(&self.places(), &[], pressed);
        let leaves = pressed.code() == KeyCode::Esc
            || meant == Resolved::Actions(vec![Action::Back])
            || meant == Resolved::Actions(vec![Action::Cancel]);
        if !leaves {
            out.toast(Toast::say(format!("{} {pressed} does nothing here", print(&self.pending))));
        }
        self.forget_pending();
    }

    fn forget_pending(&mut self) {
        self.pending.clear();
        self.ways.clear();
    }

    /// A key that nothing claims, for whoever is being typed into.
    fn text_key(&mut self, key: KeyEvent, out: &mut Out) {
        let scene = self.env.scene();
        if let Some(overlay) = &mut self.overlay {
            overlay.key(key, &scene, out);
            return;
        }
        match self.focus {
            PaneName::Search if self.search.typing => {
                let into_chips = key.code == KeyCode::Left && key.modifiers.is_empty();
                if into_chips && self.search.walk_chips(out) {
                    return;
                }
                if key.code == KeyCode::Right && self.search.ghost().is_some() {
                    self.search.accept_suggestion(&scene, out);
                } else {
                    match self.search.query.key(key) {
                        Typed::Changed => self.search.changed(&scene, out),
                        Typed::Moved => self.search.moved_cursor(&scene, out),
                        Typed::Nothing => {}
                    }
                }
            }
            PaneName::Timeline => {
                if let Some(line) = self.timeline.line()
                    && line.key(key) == Typed::Changed
                {
                    self.timeline.typed(&scene, out);
                }
            }
            _ => {}
        }
    }

    pub(super) fn paste(&mut self, text: &str, out: &mut Out) {
        self.forget_pending();
        let scene = self.env.scene();
        if let Some(overlay) = &mut self.overlay {
            overlay.paste(text, &scene, out);
        } else if self.focus == PaneName::Timeline
            && let Some(line) = self.timeline.line()
        {
            line.insert(text);
            self.timeline.typed(&scene, out);
        } else if self.focus == PaneName::Search {
            // In list mode letters are commands; a paste never is: it is what one wants to find.
            self.search.begin_typing();
            self.search.insert(text.trim_end(), &scene, out);
        }
    }

    pub(super) fn mouse(&mut self, mouse: MouseEvent, out: &mut Out) {
        let (x, y) = (mouse.column, mouse.row);
        let step = match mouse.kind {
            MouseEventKind::ScrollUp => Some(Step::Up),
            MouseEventKind::ScrollDown => Some(Step::Down),
            _ => None,
        };
        if let Some(overlay) = &mut self.overlay {
            if let Some(step) = step {
                let action = if step == Step::Up { Action::Up } else { Action::Down };
                let scene = self.env.scene();
                if !matches!(overlay, Overlay::Confirm(_)) {
                    overlay.act(action, &scene, out);
                }
            }
            return;
        }
        if let Some(step) = step {
            match self.deck.pane_at(x, y) {
                Some(PaneName::Search) => self.search.wheel(x, y, step, out),
                Some(PaneName::Timeline) => self.timeline.wheel_at(x, y, step, out),
                None => {}
            }
            return;
        }
        if mouse.kind != MouseEventKind::Down(MouseButton::Left) {
            return;
        }
        self.forget_pending();
        if let Some(tabs) = self.deck.tabs.filter(|tabs| tabs.contains((x, y).into())) {
            if let Some(name) = self.tab_at(x - tabs.x) {
                self.focus(name, out);
            }
            return;
        }
        match self.deck.pane_at(x, y) {
            Some(PaneName::Search) => {
                self.focus(PaneName::Search, out);
                let scene = self.env.scene();
                self.search.click(x, y, &scene, out);
            }
            Some(PaneName::Timeline) => {
                self.focus(PaneName::Timeline, out);
                self.timeline.click(x, y, out);
            }
            None => {}
        }
    }

    pub(super) fn focus(&mut self, name: PaneName, out: &mut Out) {
        if self.focus != name {
            self.search.end_typing(out);
            self.timeline.typing = None;
            self.focus = name;
        }
    }
}
