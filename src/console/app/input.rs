//! Keys and pastes: to the keymap first, and as text to whoever is being typed into.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::App;
use crate::console::{
    action::{Action, Place},
    keymap::{Key, Resolved, print},
    layout::Spot,
    overlay::Overlay,
    panes::PaneName,
    scene::Out,
    widgets::toast::Toast,
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

    pub(super) fn forget_pending(&mut self) {
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
        let pane = self.panes.get_mut(self.focus);
        if pane.is_typing() {
            pane.key(key, &scene, out);
        }
    }

    /// Into a query or a filter, where Enter changes nothing, one line is what someone typed, its Enter too. Anything
    /// else is a paste, and none of it a command.
    pub(super) fn burst(&mut self, text: &str, out: &mut Out) {
        let (line, ends) = text.strip_suffix('\n').map_or((text, false), |line| (line, true));
        let typed = matches!(self.places().first(), Some(Place::Query | Place::Filter));
        if !typed || line.contains(['\n', '\t']) {
            return self.paste(text, out);
        }
        self.paste(line, out);
        if ends {
            self.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE), out);
        }
    }

    pub(super) fn paste(&mut self, text: &str, out: &mut Out) {
        self.forget_pending();
        let scene = self.env.scene();
        match &mut self.overlay {
            Some(overlay) => overlay.paste(text, &scene, out),
            None => self.panes.get_mut(self.focus).paste(text, &scene, out),
        }
    }

    pub(super) fn focus(&mut self, name: PaneName, out: &mut Out) {
        if self.focus != name {
            self.panes.get_mut(self.focus).stop_typing(out);
            if self.focus.spot() != Spot::Away {
                self.before = self.focus;
            }
            self.focus = name;
        }
    }
}
