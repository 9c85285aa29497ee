//! What was chosen in the console: `<data>/choices.toml`, the same keys as in the settings. They stand above the defaults
//! alone, so that what somebody wrote into the settings, the environment or a flag holds. Verbs read them too: a zone that
//! was picked once is the zone everywhere.

use std::{fs, io, path::Path};

use super::{Config, Provenance, file, write_whole};

/// In the data directory.
const FILE: &str = "choices.toml";

/// The settings that the console can choose; the theme is kept beside them, with the terminal it was chosen in.
pub const CHOOSABLE: [&str; 7] = ["keymap", "ascii", "color_depth", "mouse", "motion", "time", "zone"];

impl Config {
    /// Lays what was chosen under what is set. Answers what could not be read of it: choices are no reason to stop.
    pub fn take_choices(&mut self, data_dir: &Path) -> Option<String> {
        let path = data_dir.join(FILE);
        let chosen = match read(&path) {
            Ok(chosen) => chosen,
            Err(error) => return Some(format!("{} cannot be read: {error}", path.display())),
        };
        let mut wrong = None;
        for (name, value) in chosen {
            if CHOOSABLE.contains(&name.as_str())
                && self.provenance(&name) == Provenance::Default
                && let Err(fault) = self.set(&name, &value, Provenance::Chosen)
            {
                wrong = Some(format!("{}: {}", path.display(), fault.message));
            }
        }
        wrong
    }
}

/// Keeps choices for the next start, beside those made before.
pub fn keep(data_dir: &Path, choices: &[(&'static str, String)]) -> io::Result<()> {
    let place = data_dir.join(FILE);
    // What cannot be read is no choice any more: it is written anew.
    let mut all: Vec<(String, String)> = read(&place).unwrap_or_default();
    for (name, value) in choices {
        all.retain(|(known, _)| known != name);
        all.push(((*name).to_owned(), value.clone()));
    }
    let mut text = "# Chosen in the console. What the settings file says stands above this.\n".to_owned();
    for (name, value) in all {
        let bare = ["true", "false"].contains(&value.as_str());
        text.push_str(&if bare { format!("{name} = {value}\n") } else { format!("{name} = {value:?}\n") });
    }
    write_whole(&place, text.as_bytes())
}

/// Names and values; nothing when there is no file.
fn read(path: &Path) -> Result<Vec<(String, String)>, String> {
    match fs::read_to_string(path) {
        Ok(text) => file::entries(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Motion, TimeForm};

    #[test]
    fn what_was_chosen_stands_above_the_defaults_alone() {
        let dir = tempfile::tempdir().unwrap();
        let chosen =
            [("time", "utc".to_owned()), ("mouse", "false".to_owned()), ("motion", "reduced".to_owned())];
        keep(dir.path(), &chosen).unwrap();
        keep(dir.path(), &[("motion", "full".to_owned()), ("zone", "Asia/Tokyo".to_owned())]).unwrap();
        let mut config = Config::default();
        let file = Provenance::File { path: "/c.toml".into(), line: 3 };
        config.set("time", "local", file.clone()).unwrap();
        config.set("keymap", "vim", Provenance::Environment("X")).unwrap();
        assert_eq!(config.take_choices(dir.path()), None);
        assert_eq!((config.time, config.provenance("time")), (TimeForm::Local, file));
        assert_eq!((config.mouse, config.provenance("mouse")), (false, Provenance::Chosen));
        assert_eq!((config.motion, config.keymap.as_str()), (Motion::Full, "vim"));
        assert_eq!(config.zone.and_then(crate::model::Zone::name), Some("Asia/Tokyo"));
        assert_eq!(config.provenance("ascii"), Provenance::Default);
    }

    #[test]
    fn damaged_choices_are_told_and_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let mut config = Config::default();
        for (text, said) in [
            ("time = \n", "cannot be read: this is not TOML"),
            ("time = \"lokal\"\n", "time is one of"),
            ("log_level = \"trace\"\n", ""),
        ] {
            fs::write(&path, text).unwrap();
            let told = config.take_choices(dir.path()).unwrap_or_default();
            assert!(told.contains(said) && told.is_empty() == said.is_empty(), "{text:?}: {told:?}");
        }
        assert_eq!(config, Config::default(), "and what the console cannot choose is no choice");
        fs::write(&path, "time = \n").unwrap();
        keep(dir.path(), &[("mouse", "false".to_owned())]).unwrap();
        assert_eq!(config.take_choices(dir.path()), None);
        assert!(!config.mouse);
    }
}
