//! The settings there are, the values of each, and what they say.

use super::Settings;
use crate::{
    config::ColourDepth,
    console::{
        keymap::Shipped,
        scene::{Motion, Scene, TimeForm},
        theme::{Choice, Depth},
    },
    model::Zone,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Theme,
    Glyphs,
    Colours,
    Motion,
    Keymap,
    Mouse,
    Times,
    Zone,
}

impl Name {
    pub const ALL: [Name; 8] = [
        Name::Theme,
        Name::Glyphs,
        Name::Colours,
        Name::Motion,
        Name::Keymap,
        Name::Mouse,
        Name::Times,
        Name::Zone,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Name::Theme => "Theme",
            Name::Glyphs => "Glyphs",
            Name::Colours => "Colours",
            Name::Motion => "Motion",
            Name::Keymap => "Keymap",
            Name::Mouse => "Mouse",
            Name::Times => "Times",
            Name::Zone => "Zone",
        }
    }

    /// In the settings file.
    pub fn key(self) -> &'static str {
        match self {
            Name::Theme => "theme",
            Name::Glyphs => "ascii",
            Name::Colours => "color_depth",
            Name::Motion => "motion",
            Name::Keymap => "keymap",
            Name::Mouse => "mouse",
            Name::Times => "time",
            Name::Zone => "zone",
        }
    }

    pub fn of(key: &str) -> Option<Name> {
        Name::ALL.into_iter().find(|name| name.key() == key)
    }

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Name::Theme => "What everything looks like.",
            Name::Glyphs => "Signs of Unicode, or plain ASCII for a terminal that shows boxes.",
            Name::Colours => "How many colours to draw with; auto is what the terminal can.",
            Name::Motion => "Reduced: nothing moves but what is new; clock and progress go in large steps.",
            Name::Keymap => "Whose keys. Your own file, keymap.toml, is laid over them.",
            Name::Mouse => "On: clicks and wheel are the console's. Off: the terminal selects text.",
            Name::Times => "An age, the machine's clock, UTC, or the zone below.",
            Name::Zone => "Where \"yesterday\" and \"14:02\" are meant.",
        }
    }

    /// All that finds it.
    pub fn searched(self) -> String {
        let more = match self {
            Name::Theme => "colours look dark light",
            Name::Glyphs => "unicode ascii signs",
            Name::Colours => "truecolor 256 16 none depth no_color",
            Name::Motion => "reduced full animation accessibility",
            Name::Keymap => "keys default vim emacs bindings",
            Name::Mouse => "click wheel selection",
            Name::Times => "relative local utc clock age",
            Name::Zone => "timezone iana utc local",
        };
        format!("{} {} {more}", self.title(), self.key()).to_lowercase()
    }

    /// To the value beside; the last goes on to the first.
    pub fn step(self, settings: &mut Settings, forward: bool) {
        let now = &mut settings.now;
        match self {
            Name::Theme => {
                let names: Vec<Option<&String>> =
                    std::iter::once(None).chain(settings.themes.iter().map(Some)).collect();
                let at = match &now.theme {
                    Choice::Auto => None,
                    Choice::Named(_) | Choice::Chosen { .. } => Some(&settings.theme),
                };
                now.theme = match beside(&names, &at, forward) {
                    None => Choice::Auto,
                    Some(name) => Choice::Chosen { name: name.clone(), on: settings.terminal },
                };
            }
            Name::Glyphs => now.ascii = !now.ascii,
            Name::Colours => now.depth = beside(&ColourDepth::ALL, &now.depth, forward),
            Name::Motion => now.motion = beside(&Motion::ALL, &now.motion, forward),
            Name::Keymap => now.keymap = beside(&Shipped::ALL, &now.keymap, forward),
            Name::Mouse => now.mouse = !now.mouse,
            Name::Times => {
                let forms =
                    TimeForm::ALL.into_iter().filter(|form| *form != TimeForm::Zone || now.zone.is_some());
                now.form = beside(&forms.collect::<Vec<_>>(), &now.form, forward);
            }
            Name::Zone => {
                let names: Vec<Option<&str>> = std::iter::once(None)
                    .chain(settings.zones.iter().map(|name| Some(name.as_str())))
                    .collect();
                let at = now.zone.and_then(Zone::name);
                now.zone = beside(&names, &at, forward).and_then(|name| name.parse().ok());
                // A form that has nothing to show any more.
                if now.zone.is_none() && now.form == TimeForm::Zone {
                    now.form = TimeForm::Local;
                }
            }
        }
    }

    /// The value in words.
    pub fn value(self, settings: &Settings, scene: &Scene) -> String {
        let now = &settings.now;
        match self {
            Name::Theme => match &now.theme {
                Choice::Auto => format!("auto, {}", scene.theme.name()),
                Choice::Named(_) | Choice::Chosen { .. } => scene.theme.name().to_owned(),
            },
            Name::Glyphs => if now.ascii { "ascii" } else { "unicode" }.to_owned(),
            Name::Colours => match now.depth {
                ColourDepth::Auto => format!("auto, {}", depth_words(settings.given.terminal_depth)),
                depth => depth_words_of(depth).to_owned(),
            },
            Name::Motion => now.motion.name().to_owned(),
            Name::Keymap => now.keymap.name().to_owned(),
            Name::Mouse => if now.mouse { "on" } else { "off" }.to_owned(),
            Name::Times => now.form.words(scene.zones),
            Name::Zone => match now.zone {
                Some(zone) => zone.title(scene.now),
                None => format!("this machine's, {}", scene.zones.machine.title(scene.now)),
            },
        }
    }
}

fn depth_words(depth: Depth) -> &'static str {
    match depth {
        Depth::True => "16 million",
        Depth::Ansi256 => "256",
        Depth::Ansi16 => "16",
        Depth::None => "none",
    }
}

fn depth_words_of(depth: ColourDepth) -> &'static str {
    match depth {
        ColourDepth::Auto => "auto",
        ColourDepth::True => depth_words(Depth::True),
        ColourDepth::Ansi256 => depth_words(Depth::Ansi256),
        ColourDepth::Ansi16 => depth_words(Depth::Ansi16),
        ColourDepth::None => depth_words(Depth::None),
    }
}

/// The value beside `now`, round the ends; one that is not among them goes to the first.
fn beside<T: Clone + PartialEq>(all: &[T], now: &T, forward: bool) -> T {
    let step = if forward { 1 } else { all.len() - 1 };
    let at = all.iter().position(|value| value == now).map_or(0, |at| (at + step) % all.len());
    all[at].clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_one_of_the_settings_file_and_found_by_its_words() {
        for name in Name::ALL {
            assert!(crate::config::KEYS.iter().any(|key| key.name == name.key()), "{name:?}");
            assert_eq!(Name::of(name.key()), Some(name));
            assert!(name.searched().contains(&name.title().to_lowercase()));
        }
        assert_eq!(Name::of("log_level"), None);
    }

    #[test]
    fn values_go_round() {
        assert_eq!([1, 2, 3].map(|now| beside(&[1, 2, 3], &now, true)), [2, 3, 1]);
        assert_eq!([1, 2, 3].map(|now| beside(&[1, 2, 3], &now, false)), [3, 1, 2]);
        assert_eq!(beside(&[1, 2, 3], &9, true), 1);
    }
}
