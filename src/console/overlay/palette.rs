//! The palette: every action by a part of its name, the lately used first. What cannot run now is grey and says why.

use std::borrow::Cow;

use ratatui::text::Line as Text;

use super::chooser::{Chooser, Look};
use crate::console::{
    action::{Action, Place},
    keymap::Shipped,
    scene::{Out, Scene},
    theme::Role,
    widgets::{
        finder::{Finder, Named, Row},
        toast::Toast,
    },
};

/// A row: an action as it stands now, or what an action asks for.
#[derive(Debug, Clone)]
pub struct Entry {
    pub title: String,
    /// Found by it too.
    pub name: &'static str,
    /// Its keys, or what else is to be said at the right.
    pub right: String,
    pub why_not: Option<String>,
    pub run: Run,
}

#[derive(Debug, Clone, Copy)]
pub enum Run {
    Action(Action),
    Keymap(Shipped),
}

impl Named for Entry {
    fn name(&self) -> Cow<'_, str> {
        self.title.as_str().into()
    }

    fn also(&self) -> Cow<'_, str> {
        self.name.into()
    }
}

pub struct Palette {
    title: &'static str,
    placeholder: &'static str,
    finder: Finder<Entry>,
}

impl Palette {
    /// `entries` in the order they stand in before anything is typed.
    pub fn actions(entries: Vec<Entry>) -> Palette {
        let finder = Finder::new(entries);
        Palette { title: "Palette", placeholder: "what would you like to do?", finder }
    }

    /// Asks which keymap to use.
    pub fn keymaps(now: Shipped) -> Palette {
        let entries = Shipped::ALL.map(|shipped| Entry {
            title: shipped.name().to_owned(),
            name: shipped.name(),
            right: if shipped == now { "in use".to_owned() } else { String::new() },
            why_not: None,
            run: Run::Keymap(shipped),
        });
        let finder = Finder::new(entries.into());
        Palette { title: "Keymap", placeholder: "whose keys, until you quit?", finder }
    }

    /// The keys were read again: rows that are the same action have their keys now.
    pub fn keys_came(&mut self, fresh: &[Entry]) {
        self.finder.change(|entries| {
            for entry in entries {
                if let Some(now) = fresh.iter().find(|now| now.name == entry.name) {
                    entry.right.clone_from(&now.right);
                }
            }
        });
    }
}

impl Chooser for Palette {
    type Item = Entry;

    fn place(&self) -> Place {
        Place::Palette
    }

    fn look(&self) -> Look {
        let (title, placeholder) = (self.title, self.placeholder);
        Look { title, placeholder, width: 76, rows_max: 16, aside: false }
    }

    fn foot(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "run"), (Action::Back, "close")]
    }

    fn finder(&self) -> &Finder<Entry> {
        &self.finder
    }

    fn finder_mut(&mut self) -> &mut Finder<Entry> {
        &mut self.finder
    }

    fn nothing(&self) -> &'static str {
        "nothing is called that"
    }

    fn row(&self, entry: &Entry, row: Row, scene: &Scene) -> Text<'static> {
        let role = if entry.why_not.is_some() { Role::HintOff } else { Role::Text };
        let asks = matches!(entry.run, Run::Action(action) if action.asks());
        let more = if asks { scene.theme.ellipsis() } else { "" };
        let right = entry.why_not.as_ref().unwrap_or(&entry.right);
        row.draw((&entry.title, role), more, (right, Role::Muted), scene)
    }

    fn take(&mut self, out: &mut Out) {
        match self.finder.selected() {
            Some(Entry { why_not: Some(why), .. }) => out.toast(Toast::say(why.clone())),
            Some(entry) => {
                match entry.run {
                    Run::Action(action) => out.act = Some(action),
                    Run::Keymap(keymap) => out.keymap = Some(keymap),
                }
                out.close = true;
            }
            None => {}
        }
    }
}
