//! What a person prefers and the settings overlay changes: as one value, so that looking at another one and taking it back
//! are the same thing.

use std::collections::BTreeMap;

use super::{
    keymap::Shipped,
    scene::{Motion, TimeForm},
    theme::{Choice, Depth},
};
use crate::{
    config::{CHOOSABLE, ColourDepth, Config, LOCAL},
    model::Zone,
};

const COLOUR_DEPTH: &str = "color_depth";

#[derive(Debug, Clone, PartialEq)]
pub struct Preferences {
    pub theme: Choice,
    pub ascii: bool,
    pub depth: ColourDepth,
    pub motion: Motion,
    pub keymap: Shipped,
    pub mouse: bool,
    pub form: TimeForm,
    pub zone: Option<Zone>,
}

impl Preferences {
    /// Of the settings that are kept as choices, each as it is written; the theme is kept apart.
    pub fn values(&self) -> [(&'static str, String); 7] {
        CHOOSABLE.map(|name| {
            let value = match name {
                "keymap" => self.keymap.name().to_owned(),
                "ascii" => self.ascii.to_string(),
                "color_depth" => self.depth.name().to_owned(),
                "mouse" => self.mouse.to_string(),
                "motion" => self.motion.name().to_owned(),
                "time" => self.form.name().to_owned(),
                _ => self.zone.and_then(Zone::name).unwrap_or(LOCAL).to_owned(),
            };
            (name, value)
        })
    }
}

/// What preferences are given by, besides the console itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Given {
    /// By setting: who else says so, where somebody does. A choice holds until the end only.
    by: BTreeMap<&'static str, String>,
    /// By setting: which variable the default comes from, where neither that nor a choice says anything.
    defaults: BTreeMap<&'static str, String>,
    /// By setting: it was chosen in the console.
    chosen: Vec<&'static str>,
    /// As many colours as the terminal has.
    pub terminal_depth: Depth,
    pub depth: ColourDepth,
    pub motion: Motion,
}

impl Given {
    pub fn new(config: &Config, terminal_depth: Depth) -> Given {
        let mut given =
            Given { terminal_depth, depth: config.colour_depth, motion: config.motion, ..Given::default() };
        for name in CHOOSABLE.into_iter().chain(["theme"]) {
            let from = config.provenance(name);
            if from.is_written() {
                given.by.insert(name, from.to_string());
            } else if from == crate::config::Provenance::Chosen {
                given.chosen.push(name);
            }
        }
        given
    }

    /// `NO_COLOR` stands above what was chosen, and below what is written.
    pub fn without_colour(&mut self) {
        if !self.by.contains_key(COLOUR_DEPTH) {
            self.by.insert(COLOUR_DEPTH, "NO_COLOR".to_owned());
            self.chosen.retain(|name| *name != COLOUR_DEPTH);
            self.depth = ColourDepth::Auto;
        }
    }

    /// What the environment says of the terminal holds as long as nobody says anything else.
    pub fn by_default(&mut self, name: &'static str, variable: &str) {
        self.defaults.insert(name, variable.to_owned());
    }

    /// Where the default comes from, if it holds.
    pub fn default_of(&self, name: &str) -> Option<&str> {
        let is_default = !self.by.contains_key(name) && !self.is_chosen(name);
        self.defaults.get(name).filter(|_| is_default).map(String::as_str)
    }

    /// Who else says so.
    pub fn source(&self, name: &str) -> Option<&str> {
        self.by.get(name).map(String::as_str)
    }

    pub fn is_chosen(&self, name: &str) -> bool {
        self.chosen.contains(&name)
    }

    pub(super) fn choose(&mut self, name: &'static str) {
        if !self.is_chosen(name) {
            self.chosen.push(name);
        }
    }

    /// What to draw with.
    pub fn depth(&self) -> Depth {
        match self.depth {
            ColourDepth::Auto => self.terminal_depth,
            ColourDepth::True => Depth::True,
            ColourDepth::Ansi256 => Depth::Ansi256,
            ColourDepth::Ansi16 => Depth::Ansi16,
            ColourDepth::None => Depth::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Provenance;

    #[test]
    fn what_is_written_elsewhere_is_named_and_what_was_chosen_is_known() {
        let mut config = Config::default();
        let file = Provenance::File { path: "/c.toml".into(), line: 3 };
        config.set("time", "utc", file).unwrap();
        config.set("theme", "ansi16", Provenance::Environment("WHEELHOUSE_THEME")).unwrap();
        config.set("mouse", "false", Provenance::Chosen).unwrap();
        let mut given = Given::new(&config, Depth::Ansi256);
        let sources = ["time", "theme", "mouse", "keymap"].map(|name| given.source(name));
        assert_eq!(sources, [Some("/c.toml:3"), Some("WHEELHOUSE_THEME"), None, None]);
        ["ascii", "mouse", "time"].iter().for_each(|name| given.by_default(name, "LANG"));
        let defaults = ["ascii", "mouse", "time"].map(|name| given.default_of(name));
        assert_eq!(defaults, [Some("LANG"), None, None], "nobody else says anything");
        assert!(given.is_chosen("mouse") && !given.is_chosen("time") && !given.is_chosen("keymap"));
    }

    #[test]
    fn no_color_stands_above_a_choice_and_below_what_is_written() {
        let check = |from: Provenance, drawn: Depth, source: &str| {
            let mut config = Config::default();
            config.set("color_depth", "256", from).unwrap();
            let mut given = Given::new(&config, Depth::None);
            given.without_colour();
            assert_eq!((given.depth(), given.source("color_depth")), (drawn, Some(source)));
            assert!(!given.is_chosen("color_depth"));
        };
        check(Provenance::Chosen, Depth::None, "NO_COLOR");
        check(Provenance::File { path: "/c.toml".into(), line: 3 }, Depth::Ansi256, "/c.toml:3");
    }

    #[test]
    fn every_choice_is_one_that_the_settings_take() {
        let preferred = Preferences {
            theme: Choice::Auto,
            ascii: true,
            depth: ColourDepth::Ansi16,
            motion: Motion::Reduced,
            keymap: Shipped::Emacs,
            mouse: false,
            form: TimeForm::Zone,
            zone: Some("Asia/Tokyo".parse().unwrap()),
        };
        let mut config = Config::default();
        for (name, value) in preferred.values() {
            config.set(name, &value, Provenance::Chosen).unwrap();
        }
        let given = Given::new(&config, Depth::True);
        assert_eq!(
            (given.depth, given.depth(), given.motion),
            (preferred.depth, Depth::Ansi16, preferred.motion)
        );
        assert_eq!((config.ascii, config.mouse, config.time), (true, false, TimeForm::Zone));
        assert_eq!((config.zone, config.keymap.as_str()), (preferred.zone, "emacs"));
    }
}
