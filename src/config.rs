//! Settings: one TOML file, the environment and flags, each setting with where its value came from.
//!
//! One table ([`KEYS`]) says which settings there are; reading, checking and showing go by it. A setting's value is
//! checked in one place ([`Config::set`]), whichever way it came. An unknown key never stops the program:
//! it is a [`Note`] with its line and, when one is near, the key that was meant. A value of the wrong
//! kind does, because guessing what was meant is worse.
//!
//! Flags stand above the environment, the environment above the file, the file above the defaults.

mod file;
mod show;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

pub use file::{Note, check};
pub use show::Setting;

use crate::model::{Fault, Project};

/// Larger files are refused: nobody writes that many settings by hand.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A hundred years are for good.
const DAYS_MAX: u32 = 36_500;

/// A setting that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub name: &'static str,
    pub what: &'static str,
    pub kind: Kind,
    /// The variable that sets it, where one does.
    pub env: Option<&'static str>,
}

/// What a setting's value can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Flag,
    OneOf(&'static [&'static str]),
    /// A whole number, at least and at most.
    Number(u32, u32),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Text => f.write_str("a text in quotes"),
            Kind::Flag => f.write_str("true or false"),
            Kind::OneOf(words) => write!(f, "one of \"{}\"", words.join("\", \"")),
            Kind::Number(least, most) => write!(f, "a whole number from {least} to {most}"),
        }
    }
}

/// Every setting, in the order they are shown in.
pub const KEYS: [Key; 13] = [
    Key {
        name: "hub_name",
        what: "what this hub is called; else the machine's name",
        kind: Kind::Text,
        env: None,
    },
    Key {
        name: "data_dir",
        what: "where the hub keeps everything",
        kind: Kind::Text,
        env: Some("WHEELHOUSE_DATA_DIR"),
    },
    Key {
        name: "project",
        what: "the project verbs write to; else the git root's folder name",
        kind: Kind::Text,
        env: Some("WHEELHOUSE_PROJECT"),
    },
    Key {
        name: "theme",
        what: "colours of the console: \"auto\" or a theme's name",
        kind: Kind::Text,
        env: None,
    },
    Key {
        name: "keymap",
        what: "bindings of the console, below the user's own; those may name another by `extends`",
        kind: Kind::OneOf(&["default", "vim", "emacs"]),
        env: None,
    },
    Key {
        name: "color",
        what: "whether verbs colour what they print",
        kind: Kind::OneOf(&["auto", "always", "never"]),
        env: None,
    },
    Key { name: "ascii", what: "draw with plain ASCII only", kind: Kind::Flag, env: None },
    Key { name: "mouse", what: "click and wheel in the console", kind: Kind::Flag, env: None },
    Key {
        name: "links",
        what: "links that the terminal opens (OSC 8): \"auto\" where it is known to",
        kind: Kind::OneOf(&["auto", "always", "never"]),
        env: None,
    },
    Key {
        name: "time",
        what: "how times are shown",
        kind: Kind::OneOf(&["relative", "local", "utc"]),
        env: None,
    },
    Key {
        name: "log_level",
        what: "what the log file holds",
        kind: Kind::OneOf(&["off", "error", "warn", "info", "debug", "trace"]),
        env: Some("WHEELHOUSE_LOG"),
    },
    Key {
        name: "keep_ops_days",
        what: "how long events of the hub's own doings are kept: imports, starts and stops, cleanings",
        kind: Kind::Number(1, DAYS_MAX),
        env: None,
    },
    Key {
        name: "keep_telemetry_days",
        what: "how long events of searches are kept",
        kind: Kind::Number(1, DAYS_MAX),
        env: None,
    },
];

/// Whether to colour what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// Whether links are sent to the terminal as links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// To one that is known to open them.
    #[default]
    Auto,
    Always,
    Never,
}

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeForm {
    #[default]
    Relative,
    Local,
    Utc,
}

/// Where a setting's value came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Provenance {
    #[default]
    Default,
    File {
        path: PathBuf,
        line: usize,
    },
    Environment(&'static str),
    Flag(&'static str),
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Provenance::Default => f.write_str("default"),
            Provenance::File { path, line } => write!(f, "{}:{line}", path.display()),
            Provenance::Environment(name) => f.write_str(name),
            Provenance::Flag(name) => f.write_str(name),
        }
    }
}

/// The settings in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// None: the machine's name.
    pub hub_name: Option<String>,
    /// None: `wheelhouse` in the user's data directory (XDG).
    pub data_dir: Option<PathBuf>,
    pub project: Option<Project>,
    /// None is `auto`: the theme used last, else by the terminal's background.
    pub theme: Option<String>,
    pub keymap: String,
    pub colour: Colour,
    pub ascii: bool,
    pub mouse: bool,
    pub links: Links,
    pub time: TimeForm,
    /// A level, or directives as tracing has them.
    pub log_level: String,
    pub keep_ops_days: u32,
    pub keep_telemetry_days: u32,
    from: BTreeMap<&'static str, Provenance>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            hub_name: None,
            data_dir: None,
            project: None,
            theme: None,
            keymap: "default".to_owned(),
            colour: Colour::Auto,
            ascii: false,
            mouse: true,
            links: Links::Auto,
            time: TimeForm::Relative,
            log_level: "info".to_owned(),
            keep_ops_days: 90,
            keep_telemetry_days: 7,
            from: BTreeMap::new(),
        }
    }
}

impl Config {
    /// The settings of a file over the defaults; no file is no settings. Unknown keys are passed over ([`check`] names
    /// them); what cannot be understood is a fault with its line.
    pub fn load(path: &Path) -> Result<Config, Fault> {
        let mut config = Config::default();
        if let Some(text) = read(path)? {
            file::apply(&mut config, path, &text)?;
        }
        Ok(config)
    }

    /// Sets one setting from its text, or says what it can be.
    pub fn set(&mut self, name: &str, value: &str, from: Provenance) -> Result<(), Fault> {
        let Some(key) = KEYS.iter().find(|key| key.name == name) else {
            return Err(Fault::invalid(format!("there is no setting {name:?}")));
        };
        let wrong = || {
            Fault::invalid(format!("{name} is {}, not {value:?}", key.kind)).cause(format!("set by {from}"))
        };
        let free = matches!(from, Provenance::Environment(_)) && value.contains(['=', ',']);
        match key.kind {
            // Directives of the log are for whoever looks for a fault, by the environment alone.
            Kind::OneOf(words) if !(words.contains(&value) || name == "log_level" && free) => {
                return Err(wrong());
            }
            Kind::Flag if !["true", "false"].contains(&value) => return Err(wrong()),
            _ => {}
        }
        let number = match key.kind {
            Kind::Number(least, most) => {
                value.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(wrong)?
            }
            _ => 0,
        };
        let text = || (!value.trim().is_empty()).then(|| value.trim().to_owned());
        match key.name {
            "hub_name" => self.hub_name = text(),
            "data_dir" => self.data_dir = text().map(|text| home_expanded(&text)),
            "project" => self.project = text().map(|text| Project::slug(&text)),
            "theme" => self.theme = text().filter(|theme| theme != "auto"),
            "keymap" => self.keymap = value.to_owned(),
            "color" => {
                self.colour = match value {
                    "always" => Colour::Always,
                    "never" => Colour::Never,
                    _ => Colour::Auto,
                }
            }
            "ascii" => self.ascii = value == "true",
            "mouse" => self.mouse = value == "true",
            "links" => {
                self.links = match value {
                    "always" => Links::Always,
                    "never" => Links::Never,
                    _ => Links::Auto,
                }
            }
            "time" => {
                self.time = match value {
                    "local" => TimeForm::Local,
                    "utc" => TimeForm::Utc,
                    _ => TimeForm::Relative,
                }
            }
            "log_level" => self.log_level = value.to_owned(),
            "keep_ops_days" => self.keep_ops_days = number,
            "keep_telemetry_days" => self.keep_telemetry_days = number,
            name => return Err(Fault::bug(format!("the setting {name} has no place"))),
        }
        self.from.insert(key.name, from);
        Ok(())
    }

    /// Lays the environment's variables over the settings.
    pub fn set_from_environment(&mut self, variable: impl Fn(&str) -> Option<String>) -> Result<(), Fault> {
        for key in KEYS {
            if let Some((env, value)) = key.env.and_then(|env| Some((env, variable(env)?)))
                && !value.is_empty()
            {
                self.set(key.name, &value, Provenance::Environment(env))?;
            }
        }
        Ok(())
    }

    /// Where a setting's value came from.
    pub fn provenance(&self, name: &str) -> Provenance {
        self.from.get(name).cloned().unwrap_or_default()
    }

    /// The data directory in force.
    pub fn data_dir(&self) -> Result<PathBuf, Fault> {
        if let Some(dir) = &self.data_dir {
            return Ok(dir.clone());
        }
        base("XDG_DATA_HOME", ".local/share").map(|dir| dir.join("wheelhouse"))
    }
}

/// Where the settings file is when nobody says: `wheelhouse/config.toml` in the user's config directory (XDG).
pub fn default_path() -> Result<PathBuf, Fault> {
    base("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("wheelhouse/config.toml"))
}

/// The text of a settings file; none when there is no file.
pub fn read(path: &Path) -> Result<Option<String>, Fault> {
    let unreadable = |cause: &dyn fmt::Display| {
        Fault::invalid(format!("cannot read the settings in {}", path.display()))
            .cause(cause)
            .hint("mend or move the file, or name another with `--config FILE`")
    };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error)),
        Ok(meta) if meta.len() > FILE_BYTES_MAX => {
            return Err(unreadable(&format!(
                "it has {} bytes, at most {FILE_BYTES_MAX} are read",
                meta.len()
            )));
        }
        Ok(_) => {}
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| unreadable(&error))
}

/// A base directory of the XDG specification: absolute or not at all.
fn base(variable: &str, under_home: &str) -> Result<PathBuf, Fault> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(under_home))).ok_or_else(|| {
        Fault::invalid("this user has no home directory")
            .hint(format!("set HOME or {variable} to an absolute path, or give `--data-dir` and `--config`"))
    })
}

/// `~` and `~/…` as the shell would have it.
fn home_expanded(text: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    match text.strip_prefix('~') {
        Some("") => home().unwrap_or_else(|| text.into()),
        Some(rest) if rest.starts_with('/') => {
            home().map_or_else(|| text.into(), |home| home.join(rest.trim_start_matches('/')))
        }
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_can_be_set_and_says_from_where() {
        let mut config = Config::default();
        for key in KEYS {
            let value = match key.kind {
                Kind::Text => "text",
                Kind::Flag => "false",
                Kind::OneOf(words) => words[words.len() - 1],
                Kind::Number(..) => "30",
            };
            config.set(key.name, value, Provenance::Flag("--x")).unwrap();
            assert_eq!(config.provenance(key.name), Provenance::Flag("--x"), "{}", key.name);
        }
        assert_eq!(
            (config.mouse, config.time, config.colour, config.log_level.as_str()),
            (false, TimeForm::Utc, Colour::Never, "trace")
        );
        assert_eq!(config.theme.as_deref(), Some("text"));
    }

    #[test]
    fn the_environment_stands_above_the_file() {
        let mut config = Config::default();
        config.set("project", "filed", Provenance::Default).unwrap();
        config.set_from_environment(|name| (name == "WHEELHOUSE_PROJECT").then(|| "My Team".into())).unwrap();
        assert_eq!(config.project, Some(Project::slug("my-team")));
        assert_eq!(config.provenance("project"), Provenance::Environment("WHEELHOUSE_PROJECT"));
        config
            .set_from_environment(|name| (name == "WHEELHOUSE_LOG").then(|| "wheelhouse::store=trace".into()))
            .unwrap();
        assert_eq!(config.log_level, "wheelhouse::store=trace");
        let loud = config.set_from_environment(|name| (name == "WHEELHOUSE_LOG").then(|| "loud".into()));
        assert_eq!(loud.unwrap_err().cause.as_deref(), Some("set by WHEELHOUSE_LOG"));
    }
}
