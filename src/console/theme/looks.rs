//! Which theme is worn: what the settings name, else what was chosen in the console, else what goes with the terminal.

use std::{fs, io, path::Path};

use super::{Depth, Mode, Theme, ThemeError, Themes};

/// Holds the choice, in the data directory: the terminal's brightness it was made under, and the theme's name.
const CHOICE_FILE: &str = "theme";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// One of the first two shipped, by the terminal's brightness.
    #[default]
    Auto,
    /// By its name, whatever the terminal.
    Named(String),
    /// Chosen in a terminal of this brightness. In one of the other it is the theme's pair, where there is one.
    Chosen { name: String, on: Mode },
}

/// What the theme on screen is made of.
#[derive(Debug, Clone)]
pub struct Looks {
    pub themes: Themes,
    pub depth: Depth,
    pub ascii: bool,
    /// The terminal's brightness, as far as it is known.
    pub terminal: Mode,
    pub choice: Choice,
    /// The settings name a theme: a choice holds until the end only.
    pub is_set: bool,
}

impl Looks {
    /// The name of the theme to be worn.
    pub fn name(&self) -> String {
        match &self.choice {
            Choice::Auto => self.terminal.shipped().to_owned(),
            Choice::Named(name) => name.clone(),
            Choice::Chosen { name, on } if *on == self.terminal => name.clone(),
            Choice::Chosen { name, .. } => {
                self.themes.pair(name, self.terminal).unwrap_or_else(|| name.clone())
            }
        }
    }

    pub fn theme(&self) -> Result<Theme, ThemeError> {
        self.themes.load(&self.name(), self.depth, self.ascii)
    }

    /// The theme; when it cannot be had, the one that goes with the terminal, and why.
    pub fn theme_or_shipped(&self) -> (Theme, Option<ThemeError>) {
        match self.theme() {
            Ok(theme) => (theme, None),
            Err(error) => (Theme::for_mode(self.terminal, self.depth, self.ascii), Some(error)),
        }
    }
}

/// The choice made last on this data directory.
pub fn kept(data_dir: &Path) -> Choice {
    let text = fs::read_to_string(data_dir.join(CHOICE_FILE)).unwrap_or_default();
    match text.trim_end().split_once(' ') {
        Some(("dark", name)) => Choice::Chosen { name: name.to_owned(), on: Mode::Dark },
        Some(("light", name)) => Choice::Chosen { name: name.to_owned(), on: Mode::Light },
        _ => Choice::Auto,
    }
}

/// Keeps a choice for the next start.
pub fn keep(data_dir: &Path, choice: &Choice) -> io::Result<()> {
    let path = data_dir.join(CHOICE_FILE);
    match choice {
        Choice::Chosen { name, on } => fs::write(path, format!("{} {name}\n", on.word())),
        Choice::Auto | Choice::Named(_) => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(choice: Choice, terminal: Mode) -> Looks {
        let themes = Themes::default();
        Looks { themes, depth: Depth::True, ascii: false, terminal, choice, is_set: false }
    }

    fn chosen(name: &str, on: Mode) -> Choice {
        Choice::Chosen { name: name.into(), on }
    }

    #[track_caller]
    fn check(choice: Choice, terminal: Mode, expected: &str) {
        let looks = looks(choice, terminal);
        assert_eq!(looks.name(), expected);
        assert_eq!(looks.theme().unwrap().name(), expected);
    }

    #[test]
    fn a_choice_follows_the_terminal_to_its_pair_and_a_name_in_the_settings_does_not() {
        check(Choice::Auto, Mode::Dark, "harbour");
        check(Choice::Auto, Mode::Light, "harbour-day");
        check(chosen("colour-blind-safe", Mode::Dark), Mode::Dark, "colour-blind-safe");
        check(chosen("colour-blind-safe", Mode::Dark), Mode::Light, "colour-blind-safe-day");
        check(chosen("colour-blind-safe-day", Mode::Dark), Mode::Dark, "colour-blind-safe-day");
        check(chosen("high-contrast", Mode::Dark), Mode::Light, "high-contrast");
        check(Choice::Named("colour-blind-safe".into()), Mode::Light, "colour-blind-safe");
    }

    #[test]
    fn what_cannot_be_had_is_told_and_the_console_is_not_left_bare() {
        let (theme, error) = looks(Choice::Named("harbuor".into()), Mode::Light).theme_or_shipped();
        assert_eq!(theme.name(), "harbour-day");
        assert_eq!(error.unwrap().to_string(), "no theme is called \"harbuor\"; did you mean \"harbour\"?");
    }

    #[test]
    fn the_choice_is_kept_for_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(kept(dir.path()), Choice::Auto);
        for choice in
            [chosen("my reef", Mode::Light), chosen("ansi16", Mode::Dark), Choice::Auto, Choice::Auto]
        {
            keep(dir.path(), &choice).unwrap();
            assert_eq!(kept(dir.path()), choice);
        }
    }
}
