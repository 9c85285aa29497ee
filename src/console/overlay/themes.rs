//! Picks a theme: what is selected is worn at once, Enter keeps it, Esc brings back what was worn before.

use std::borrow::Cow;

use ratatui::{style::Color, text::Line as Text};

use super::chooser::{Chooser, Look};
use crate::console::{
    action::{Action, Place},
    effect::Effect,
    scene::{Out, Scene},
    text,
    theme::{Choice, Looks, Mode, Role},
    widgets::finder::{Finder, Named, Row},
};

pub struct Entry {
    /// `None`: by the terminal's brightness.
    name: Option<String>,
    about: Result<&'static str, String>,
}

impl Named for Entry {
    fn name(&self) -> Cow<'_, str> {
        self.name.as_deref().unwrap_or("auto").into()
    }
}

pub struct ThemePicker {
    finder: Finder<Entry>,
    before: Choice,
    terminal: Mode,
    /// Closing leads back to the settings.
    back_to_settings: bool,
}

impl ThemePicker {
    pub fn new(looks: &Looks, back_to_settings: bool) -> ThemePicker {
        let mut finder = Finder::new(entries(looks));
        let worn = match &looks.choice {
            Choice::Auto => None,
            Choice::Named(_) | Choice::Chosen { .. } => Some(looks.name()),
        };
        finder.select(|entry| entry.name == worn);
        ThemePicker { finder, before: looks.choice.clone(), terminal: looks.terminal, back_to_settings }
    }

    /// The files were read again.
    pub fn themes_came(&mut self, looks: &Looks) {
        let selected = self.finder.selected().map(|entry| entry.name.clone());
        self.finder.change(|all| *all = entries(looks));
        if let Some(name) = selected {
            self.finder.select(|entry| entry.name == name);
        }
    }

    fn choice(&self) -> Option<Choice> {
        let entry = self.finder.selected().filter(|entry| entry.about.is_ok())?;
        Some(match &entry.name {
            Some(name) => Choice::Chosen { name: name.clone(), on: self.terminal },
            None => Choice::Auto,
        })
    }

    fn close(&self, out: &mut Out) {
        out.close = true;
        out.act = self.back_to_settings.then_some(Action::Settings);
    }
}

fn entries(looks: &Looks) -> Vec<Entry> {
    let about = |name: &str| match looks.themes.load(name, looks.depth, looks.ascii) {
        Ok(_) if looks.themes.is_own(name) => Ok("yours"),
        // It is dark or light as the terminal is.
        Ok(theme) if theme.style(Role::Base).bg == Some(Color::Reset) => Ok("the terminal's own"),
        Ok(theme) => Ok(theme.mode().word()),
        Err(error) => Err(error.to_string()),
    };
    let named = looks.themes.names();
    let named = named.iter().map(|name| Entry { name: Some((*name).to_owned()), about: about(name) });
    std::iter::once(Entry { name: None, about: Ok("by the terminal") }).chain(named).collect()
}

impl Chooser for ThemePicker {
    type Item = Entry;

    fn place(&self) -> Place {
        Place::Picker
    }

    fn look(&self) -> Look {
        Look { title: "Theme", placeholder: "type to narrow", width: 46, rows_max: 16, aside: true }
    }

    fn foot(&self) -> Vec<(Action, &'static str)> {
        vec![(Action::Open, "keep"), (Action::Back, "as before")]
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

    /// What is wrong with the file.
    fn about(&self, width: usize, _: usize) -> Vec<String> {
        let wrong = self.finder.selected().and_then(|entry| entry.about.as_ref().err());
        wrong.map(|why| text::wrap(&text::escape_line(why), width)).unwrap_or_default()
    }

    fn about_role(&self) -> Role {
        Role::Warn
    }

    fn row(&self, entry: &Entry, row: Row, scene: &Scene) -> Text<'static> {
        let name = entry.name();
        let name = text::escape_line(&name);
        match &entry.about {
            Ok(about) => row.draw((&name, Role::Text), "", (about, Role::Muted), scene),
            Err(_) => row.draw((&name, Role::Muted), "", ("cannot be used", Role::Warn), scene),
        }
    }

    /// A theme that cannot be had is not shown; what was, stays.
    fn looked_at(&self, out: &mut Out) {
        out.theme = self.choice();
    }

    fn take(&mut self, out: &mut Out) {
        if let Some(choice) = self.choice() {
            out.theme = Some(choice.clone());
            out.effects.push(Effect::KeepTheme(choice));
            self.close(out);
        }
    }

    fn back(&mut self, out: &mut Out) {
        out.theme = Some(self.before.clone());
        self.close(out);
    }
}
