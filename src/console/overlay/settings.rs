//! Settings: what a person prefers, each seen at once as it is changed. Enter keeps what was changed, Esc brings back what
//! was before. It stands at the edge, so that the deck shows what a setting does.
//!
//! A setting that the settings file, the environment or a flag gives is shown with where that is; it can be looked at in
//! another way until the console ends, and is never written over.

mod row;
mod view;

use std::borrow::Cow;

use ratatui::text::Line as Text;

use self::row::Name;
use super::chooser::{Chooser, Look};
use crate::{
    console::{
        action::{Action, Place},
        effect::Effect,
        preferences::{Given, Preferences},
        scene::{Out, Scene},
        text,
        theme::{Choice, Looks, Mode},
        widgets::{
            finder::{Finder, Named, Row},
            toast::Toast,
        },
    },
    model::zone_names,
};

/// A line of air and two of words about the selected setting.
const ABOUT: usize = 3;

pub struct Settings {
    finder: Finder<Name>,
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
        Settings {
            finder: Finder::new(Name::ALL.into()),
            before: now.clone(),
            now,
            given,
            themes: usable(looks),
            theme: looks.name(),
            zones: zone_names(),
            terminal: looks.terminal,
        }
    }

    fn selected(&self) -> Option<Name> {
        self.finder.selected().copied()
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

    /// Another overlay, which leads back here.
    fn go_to(&mut self, action: Action, out: &mut Out) {
        if self.is_changed() {
            self.keep(out);
        }
        out.close = true;
        out.act = Some(action);
        out.from_settings = true;
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
}

/// The themes that can be had.
fn usable(looks: &Looks) -> Vec<String> {
    let usable = |name: &&str| looks.themes.load(name, looks.depth, looks.ascii).is_ok();
    looks.themes.names().into_iter().filter(usable).map(str::to_owned).collect()
}

impl Named for Name {
    fn name(&self) -> Cow<'_, str> {
        self.title().into()
    }

    fn also(&self) -> Cow<'_, str> {
        self.searched().into()
    }
}

impl Chooser for Settings {
    type Item = Name;

    fn place(&self) -> Place {
        Place::Settings
    }

    fn look(&self) -> Look {
        Look {
            title: "Settings",
            placeholder: "type to find a setting",
            width: 70,
            rows_max: Name::ALL.len() as u16,
            aside: true,
        }
    }

    fn foot(&self) -> Vec<(Action, &'static str)> {
        view::keys(self)
    }

    fn finder(&self) -> &Finder<Name> {
        &self.finder
    }

    fn finder_mut(&mut self) -> &mut Finder<Name> {
        &mut self.finder
    }

    fn nothing(&self) -> &'static str {
        "no setting is called that"
    }

    fn about(&self, width: usize, left: usize) -> Vec<String> {
        if left < ABOUT {
            return Vec::new();
        }
        let about = self.selected().map(|name| match self.given.source(name.key()) {
            Some(source) => format!("{} Set by {}.", name.about(), text::escape_line(source)),
            None => name.about().to_owned(),
        });
        let mut lines = vec![String::new()];
        lines.extend(text::wrap(&about.unwrap_or_default(), width));
        lines.resize(ABOUT, String::new());
        lines
    }

    fn row(&self, name: &Name, row: Row, scene: &Scene) -> Text<'static> {
        view::row(self, *name, &row, scene)
    }

    /// Keeps what was changed; else the list of a setting that has a long one; else the next value.
    fn take(&mut self, out: &mut Out) {
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

    fn back(&mut self, out: &mut Out) {
        if self.is_changed() {
            self.now = self.before.clone();
            out.prefer = Some(self.before.clone());
        } else if self.finder.is_narrowed() {
            self.finder.clear();
        } else {
            out.close = true;
        }
    }

    fn own(&mut self, action: Action, out: &mut Out) -> bool {
        match action {
            Action::PreviousValue => self.step_value(false, out),
            Action::NextValue => self.step_value(true, out),
            Action::Theme => self.go_to(Action::Theme, out),
            _ => return false,
        }
        true
    }
}
