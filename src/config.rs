//! Settings: one TOML file, the environment and flags, each setting with where its value came from.
//!
//! One table ([`KEYS`]) says which settings there are; reading, checking and showing go by it. A setting's value is
//! checked in one place ([`Config::set`]), whichever way it came. An unknown key never stops the program:
//! it is a [`Note`] with its line and, when one is near, the key that was meant. A value of the wrong
//! kind does, because guessing what was meant is worse.
//!
//! Flags stand above the environment, the environment above the file, the file above what was chosen in the console
//! (`choices`), and that above the defaults.

mod choices;
mod file;
mod hubs;
mod project;
mod show;
mod whole;

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

pub use choices::{CHOOSABLE, keep};
pub use file::{Note, check};
pub use hubs::{Hubs, KeyPlace, NamedHub};
pub use project::project_of;
pub use show::Setting;
pub use whole::write_whole;

use crate::{
    model::{Fault, Project, Zone, Zones, zone_names},
    report,
};

/// Larger files are refused: nobody writes that many settings by hand.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A hundred years are for good.
const DAYS_MAX: u32 = 36_500;
const SAMPLE_MAX: u32 = 10_000;

/// The setting `zone` for the machine's own.
pub const LOCAL: &str = "local";

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
    /// A name of the IANA database, or `local`.
    Zone,
    /// Of sockets; with commas between them where it is one text.
    Addresses,
    /// Texts without commas; with commas between them where it is one text.
    Names,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Text => f.write_str("a text in quotes"),
            Kind::Flag => f.write_str("true or false"),
            Kind::OneOf(words) => write!(f, "one of \"{}\"", words.join("\", \"")),
            Kind::Number(least, most) => write!(f, "a whole number from {least} to {most}"),
            Kind::Addresses => f.write_str("a list of addresses such as [\"127.0.0.1:7420\"]"),
            Kind::Names => f.write_str("a list of names such as [\"hub.lan\"]"),
            Kind::Zone => f.write_str("\"local\" or the name of a zone such as \"Europe/Berlin\""),
        }
    }
}

/// Every setting, in the order they are shown in.
pub const KEYS: [Key; 26] = [
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
        name: "listen",
        what: "where the hub of a console or of `--headless` listens beside its socket; `--listen` stands in its place",
        kind: Kind::Addresses,
        env: None,
    },
    Key {
        name: "tls_cert",
        what: "certificate of those listeners, as PEM; with it and its key they speak HTTPS",
        kind: Kind::Text,
        env: None,
    },
    Key { name: "tls_key", what: "key of that certificate, as PEM", kind: Kind::Text, env: None },
    Key {
        name: "insecure_http",
        what: "listen without TLS at addresses that are not this machine's alone",
        kind: Kind::Flag,
        env: None,
    },
    Key {
        name: "hosts",
        what: "names that those listeners answer to, beside their addresses",
        kind: Kind::Names,
        env: None,
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
    Key {
        name: "color_depth",
        what: "how many colours the console draws with: \"auto\" is what the terminal can; written here it stands above `NO_COLOR`",
        kind: Kind::OneOf(&["auto", "truecolor", "256", "16", "none"]),
        env: None,
    },
    Key { name: "mouse", what: "click and wheel in the console", kind: Kind::Flag, env: None },
    Key {
        name: "motion",
        what: "\"reduced\": nothing in the console moves by itself but what is new; its clock shows minutes",
        kind: Kind::OneOf(&["full", "reduced"]),
        env: None,
    },
    Key {
        name: "links",
        what: "links that the terminal opens (OSC 8): \"auto\" where it is known to",
        kind: Kind::OneOf(&["auto", "always", "never"]),
        env: None,
    },
    Key {
        name: "time",
        what: "how times are shown: an age, in the machine's zone, in UTC, in the setting `zone`",
        kind: Kind::OneOf(&["relative", "local", "utc", "zone"]),
        env: None,
    },
    Key {
        name: "zone",
        what: "the zone in which `yesterday` and `14:02` are meant, and which `time = \"zone\"` shows",
        kind: Kind::Zone,
        env: None,
    },
    Key {
        name: "log_level",
        what: "what the log file holds",
        kind: Kind::OneOf(&["off", "error", "warn", "info", "debug", "trace"]),
        env: Some("WHEELHOUSE_LOG"),
    },
    Key {
        name: "log_format",
        what: "how the log's lines are written: for eyes, or an object of JSON each",
        kind: Kind::OneOf(&["text", "json"]),
        env: None,
    },
    Key {
        name: "keep_ops_days",
        what: "how long events of the hub's own doings are kept: imports, starts and stops, cleanings",
        kind: Kind::Number(1, DAYS_MAX),
        env: None,
    },
    Key {
        name: "keep_telemetry_days",
        what: "how long events of searches are kept, and what runs of jobs said",
        kind: Kind::Number(1, DAYS_MAX),
        env: None,
    },
    Key {
        name: "sample_searches",
        what: "when more than 20 searches a second are answered, one in so many is an event; 1 tells each",
        kind: Kind::Number(1, SAMPLE_MAX),
        env: None,
    },
    Key {
        name: "jobs_dir",
        what: "where job files are (`*.toml`); else `jobs` beside the settings file",
        kind: Kind::Text,
        env: Some("WHEELHOUSE_JOBS_DIR"),
    },
    Key {
        name: "jobs_commands",
        what: "whether jobs may start programs",
        kind: Kind::Flag,
        env: Some("WHEELHOUSE_JOBS_COMMANDS"),
    },
    Key {
        name: "jobs_env",
        what: "variables that the programs of jobs may see when their job names them, beside PATH, HOME, LANG and TZ: names \
               with blanks or commas between",
        kind: Kind::Text,
        env: Some("WHEELHOUSE_JOBS_ENV"),
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
    /// In the zone that was picked.
    Zone,
}

impl TimeForm {
    pub const ALL: [TimeForm; 4] = [TimeForm::Relative, TimeForm::Local, TimeForm::Utc, TimeForm::Zone];

    /// As the settings write it.
    pub fn name(self) -> &'static str {
        match self {
            TimeForm::Relative => "relative",
            TimeForm::Local => "local",
            TimeForm::Utc => "utc",
            TimeForm::Zone => "zone",
        }
    }

    pub fn named(name: &str) -> Option<TimeForm> {
        TimeForm::ALL.into_iter().find(|form| form.name() == name)
    }

    /// Whose clock it shows, where it shows one.
    pub fn zone(self, zones: Zones) -> Zone {
        match self {
            TimeForm::Relative | TimeForm::Zone => zones.home(),
            TimeForm::Local => zones.machine,
            TimeForm::Utc => Zone::UTC,
        }
    }
}

/// Whether anything moves by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Motion {
    #[default]
    Full,
    Reduced,
}

impl Motion {
    pub const ALL: [Motion; 2] = [Motion::Full, Motion::Reduced];

    pub fn name(self) -> &'static str {
        match self {
            Motion::Full => "full",
            Motion::Reduced => "reduced",
        }
    }
}

/// How the log's lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// How many colours to draw with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColourDepth {
    /// What the terminal can.
    #[default]
    Auto,
    True,
    Ansi256,
    Ansi16,
    None,
}

impl ColourDepth {
    pub const ALL: [ColourDepth; 5] =
        [ColourDepth::Auto, ColourDepth::True, ColourDepth::Ansi256, ColourDepth::Ansi16, ColourDepth::None];

    pub fn name(self) -> &'static str {
        match self {
            ColourDepth::Auto => "auto",
            ColourDepth::True => "truecolor",
            ColourDepth::Ansi256 => "256",
            ColourDepth::Ansi16 => "16",
            ColourDepth::None => "none",
        }
    }
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
    /// Chosen in the console, and kept in the data directory.
    Chosen,
    Environment(&'static str),
    Flag(&'static str),
}

impl Provenance {
    /// Somebody wrote it down where the console does not write: its choices do not stand above this.
    pub fn is_written(&self) -> bool {
        !matches!(self, Provenance::Default | Provenance::Chosen)
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Provenance::Default => f.write_str("default"),
            Provenance::Chosen => f.write_str("chosen in the console"),
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
    pub listen: Vec<SocketAddr>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub insecure_http: bool,
    pub hosts: Vec<String>,
    /// None is `auto`: the theme used last, else by the terminal's background.
    pub theme: Option<String>,
    pub keymap: String,
    pub colour: Colour,
    pub ascii: bool,
    pub colour_depth: ColourDepth,
    pub mouse: bool,
    pub motion: Motion,
    pub links: Links,
    pub time: TimeForm,
    /// None: the machine's.
    pub zone: Option<Zone>,
    /// A level, or directives as tracing has them.
    pub log_level: String,
    pub log_format: LogFormat,
    pub keep_ops_days: u32,
    pub keep_telemetry_days: u32,
    pub sample_searches: NonZeroU32,
    /// None: `jobs` beside the settings file.
    pub jobs_dir: Option<PathBuf>,
    pub jobs_commands: bool,
    pub jobs_env: Vec<String>,
    /// Hubs elsewhere, by name.
    pub hubs: Hubs,
    /// What could not be read of the choices made in the console.
    pub choices_wrong: Option<String>,
    from: BTreeMap<&'static str, Provenance>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            hub_name: None,
            data_dir: None,
            project: None,
            listen: Vec::new(),
            tls_cert: None,
            tls_key: None,
            insecure_http: false,
            hosts: Vec::new(),
            theme: None,
            keymap: "default".to_owned(),
            colour: Colour::Auto,
            ascii: false,
            colour_depth: ColourDepth::Auto,
            mouse: true,
            motion: Motion::Full,
            links: Links::Auto,
            time: TimeForm::Relative,
            zone: None,
            log_level: "info".to_owned(),
            log_format: LogFormat::Text,
            keep_ops_days: 90,
            keep_telemetry_days: 7,
            sample_searches: NonZeroU32::new(10).expect("not zero"),
            jobs_dir: None,
            jobs_commands: false,
            jobs_env: Vec::new(),
            hubs: Hubs::new(),
            choices_wrong: None,
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
            Kind::Zone if zone(value).is_none() => {
                return Err(match meant_zone(value) {
                    Some(meant) => wrong().hint(meant),
                    None => wrong(),
                });
            }
            Kind::Addresses if addresses(value).is_none() => return Err(wrong()),
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
            "listen" => self.listen = addresses(value).unwrap_or_default(),
            "tls_cert" => self.tls_cert = text().map(|text| home_expanded(&text)),
            "tls_key" => self.tls_key = text().map(|text| home_expanded(&text)),
            "insecure_http" => self.insecure_http = value == "true",
            "hosts" => self.hosts = parts(value).map(str::to_owned).collect(),
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
            "color_depth" => {
                let named = ColourDepth::ALL.into_iter().find(|depth| depth.name() == value);
                self.colour_depth = named.unwrap_or_default();
            }
            "motion" => {
                self.motion =
                    Motion::ALL.into_iter().find(|motion| motion.name() == value).unwrap_or_default();
            }
            "time" => self.time = TimeForm::named(value).unwrap_or_default(),
            "zone" => self.zone = zone(value).flatten(),
            "log_level" => self.log_level = value.to_owned(),
            "log_format" => {
                self.log_format = if value == "json" { LogFormat::Json } else { LogFormat::Text };
            }
            "keep_ops_days" => self.keep_ops_days = number,
            "keep_telemetry_days" => self.keep_telemetry_days = number,
            "sample_searches" => self.sample_searches = NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN),
            "jobs_dir" => self.jobs_dir = text().map(|text| home_expanded(&text)),
            "jobs_commands" => self.jobs_commands = value == "true",
            "jobs_env" => {
                let names = value.split([' ', ',', '\t']).filter(|name| !name.is_empty());
                self.jobs_env = names.map(str::to_owned).collect();
            }
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

fn parts(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// Addresses with commas between them. No name is looked up but `localhost`, which is this machine by definition.
fn addresses(value: &str) -> Option<Vec<SocketAddr>> {
    let address = |part: &str| match part.strip_prefix("localhost:") {
        Some(port) => port.parse().ok().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        None => part.parse().ok(),
    };
    parts(value).map(address).collect()
}

/// The zone that a setting names; inside, none is the machine's own.
fn zone(name: &str) -> Option<Option<Zone>> {
    if name == LOCAL { Some(None) } else { name.parse().ok().map(Some) }
}

/// In words, the zone that was probably meant.
fn meant_zone(name: &str) -> Option<String> {
    let names = zone_names();
    let near = report::nearest(name, names.iter().map(String::as_str))?;
    Some(format!("did you mean {near:?}?"))
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
                Kind::Zone => "Europe/Berlin",
                Kind::Addresses => "localhost:7420, [::1]:0",
                Kind::Names => "hub.lan,other",
            };
            config.set(key.name, value, Provenance::Flag("--x")).unwrap();
            assert_eq!(config.provenance(key.name), Provenance::Flag("--x"), "{}", key.name);
        }
        assert_eq!(
            (config.mouse, config.time, config.colour, config.log_level.as_str()),
            (false, TimeForm::Zone, Colour::Never, "trace")
        );
        assert_eq!((config.motion, config.colour_depth), (Motion::Reduced, ColourDepth::None));
        assert_eq!(config.zone.and_then(Zone::name), Some("Europe/Berlin"));
        assert_eq!(config.theme.as_deref(), Some("text"));
        assert_eq!(config.listen, ["127.0.0.1:7420".parse().unwrap(), "[::1]:0".parse().unwrap()]);
        assert_eq!(config.hosts, ["hub.lan", "other"]);
        assert!(config.set("listen", "hub.lan:7420", Provenance::Default).is_err());
    }

    #[test]
    fn a_zone_that_is_none_is_told_with_the_one_that_was_meant() {
        let mut config = Config::default();
        let wrong = config.set("zone", "Europe/Berlim", Provenance::Flag("--x")).unwrap_err();
        assert_eq!(
            wrong.message,
            "zone is \"local\" or the name of a zone such as \"Europe/Berlin\", not \"Europe/Berlim\""
        );
        assert_eq!(wrong.hint.as_deref(), Some("did you mean \"Europe/Berlin\"?"));
        config.set("zone", "local", Provenance::Default).unwrap();
        assert_eq!(config.zone, None);
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
