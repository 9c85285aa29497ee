//! Settings: what a person prefers, each seen at once as it is changed. Enter keeps what was changed, Esc brings back what
//! was before. It stands at the edge, so that the deck shows what a setting does.
//!
//! A setting that the settings file, the environment or a flag gives is shown with where that is; it can be looked at in
//! another way until the console ends, and is never written over.

mod row;
mod view;

use crossterm::event::KeyEvent;
use ratatui::{Frame, layout::Rect};

use self::row::Name;
use super::Above;
use crate::{
    console::{
        action::{Action, Place},
        effect::Effect,
        preferences::{Given, Preferences},
        scene::{Out, Scene},
        theme::{Choice, Looks, Mode},
        widgets::{
            frame::step_of,
            line::{Line, Typed},
            list::List,
            toast::Toast,
        },
    },
    model::zone_names,
};

pub struct Settings {
    typed: Line,
    list: List,
    before: Preferences,
    now: Preferences,
    given: Given,
    /// Of the themes, those that can be had.
    themes: Vec<String>,
    /// The one worn.
    theme: String,
    zones: Vec<String>,
    terminal: Mode,
}

impl Settings {
    pub fn new(now: Preferences, given: Given, looks: &Looks) -> Settings {
        let mut settings = Settings {
            typed: Line::default(),
            list: List::default(),
            before: now.clone(),
            now,
            given,
            themes: usable(looks),
            theme: looks.name(),
            zones: zone_names(),
            terminal: looks.terminal,
        };
        settings.list.set_height(Name::ALL.len());
        settings.list.set_len(Name::ALL.len());
        settings
    }

    /// The settings that are called as typed, in words of their own or of their values.
    fn shown(&self) -> Vec<Name> {
        let typed = self.typed.text().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let found = |name: &Name| {
            let said = name.searched();
            words.iter().all(|word| said.contains(word))
        };
        let mut shown: Vec<Name> = Name::ALL.into_iter().filter(found).collect();
        // What is called so stands before what only speaks of it.
        shown.sort_by_key(|name| !name.title().to_lowercase().starts_with(typed.trim_start()));
        shown
    }

    fn selected(&self) -> Option<Name> {
        self.shown().get(self.list.selected()?).copied()
    }

    /// Something is only looked at.
    fn is_changed(&self) -> bool {
        self.now != self.before
    }

    fn step_value(&mut self, forward: bool, out: &mut Out) {
        let Some(name) = self.selected() else { return };
        name.step(self, forward);
        if name == Name::Theme {
            // By its name until the app has worn it.
            self.theme = match &self.now.theme {
                Choice::Chosen { name, .. } | Choice::Named(name) => name.clone(),
                Choice::Auto => String::new(),
            };
        }
        out.prefer = Some(self.now.clone());
    }

    /// Keeps what was changed, as far as nobody else says otherwise.
    fn keep(&mut self, out: &mut Out) {
        let before = self.before.values();
        let changed: Vec<_> =
            self.now.values().into_iter().zip(before).filter(|(now, before)| now != before).collect();
        let mut kept = Vec::new();
        let mut until_quit = Vec::new();
        for ((name, value), _) in changed {
            match self.given.source(name) {
                Some(source) => until_quit.push((Name::of(name), source.to_owned())),
                None => {
                    self.given.choose(name);
                    kept.push((name, value));
                }
            }
        }
        if self.now.theme != self.before.theme {
            match self.given.source("theme") {
                Some(source) => until_quit.push((Some(Name::Theme), source.to_owned())),
                None => out.effects.push(Effect::KeepTheme(self.now.theme.clone())),
            }
        }
        for (name, source) in &until_quit {
            let title = name.map_or("it", Name::title);
            out.toast(Toast::say(format!("{title}: until you quit; {source} says otherwise")));
        }
        // What is kept is seen in its row.
        if !kept.is_empty() {
            out.effects.push(Effect::KeepChoices(kept));
        }
        self.before = self.now.clone();
    }

    /// Enter: keeps what was changed; else the list of a setting that has a long one; else the next value.
    fn enter(&mut self, out: &mut Out) {
        if self.is_changed() {
            return self.keep(out);
        }
        match self.selected() {
            Some(Name::Theme) => self.go_to(Action::Theme, out),
            Some(Name::Zone) => self.go_to(Action::Zone, out),
            Some(_) => self.step_value(true, out),
            None => {}
        }
    }

    /// Another overlay, which leads back here.
    fn go_to(&mut self, action: Action, out: &mut Out) {
        if self.is_changed() {
            self.keep(out);
        }
        out.close = true;
        out.act = Some(action);
        out.from_settings = true;
    }

    fn back(&mut self, out: &mut Out) {
        if self.is_changed() {
            self.now = self.before.clone();
            out.prefer = Some(self.before.clone());
        } else if !self.typed.is_empty() {
            self.typed.clear();
            self.narrow();
        } else {
            out.close = true;
        }
    }

    /// The files of one's own were read again.
    pub fn themes_came(&mut self, looks: &Looks) {
        self.themes = usable(looks);
        self.theme = looks.name();
    }

    fn is_chosen(&self, name: Name) -> bool {
        match name {
            Name::Theme => matches!(self.now.theme, Choice::Chosen { .. }),
            name => self.given.is_chosen(name.key()),
        }
    }

    fn narrow(&mut self) {
        self.list.set_len(self.shown().len());
        self.list.select(0);
    }
}

/// The themes that can be had.
fn usable(looks: &Looks) -> Vec<String> {
    let usable = |name: &&str| looks.themes.load(name, looks.depth, looks.ascii).is_ok();
    looks.themes.names().into_iter().filter(usable).map(str::to_owned).collect()
}

impl Above for Settings {
    fn place(&self) -> Place {
        Place::Settings
    }

    fn act(&mut self, action: Action, _: &Scene, out: &mut Out) -> bool {
        match action {
            Action::Back => self.back(out),
            Action::Open => self.enter(out),
            Action::PreviousValue => self.step_value(false, out),
            Action::NextValue => self.step_value(true, out),
            Action::Theme => self.go_to(Action::Theme, out),
            Action::ClearText => {
                self.typed.clear();
                self.narrow();
            }
            action => match step_of(action) {
                Some(step) => self.list.step(step),
                None => return false,
            },
        }
        true
    }

    fn key(&mut self, key: KeyEvent, _: &Scene, _: &mut Out) {
        if self.typed.key(key) == Typed::Changed {
            self.narrow();
        }
    }

    fn paste(&mut self, text: &str, _: &Scene, _: &mut Out) {
        self.typed.insert(text);
        self.narrow();
    }

    fn arrange(&mut self, area: Rect) {
        let rows = view::rows(area);
        self.list.set_height(rows.min(Name::ALL.len()));
    }

    fn view(&self, frame: &mut Frame, area: Rect, scene: &Scene) {
        view::view(self, frame, area, scene);
    }
}
