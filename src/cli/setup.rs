//! What the flags, the environment and the settings come to, before anything is asked.

use std::path::{Path, PathBuf};

use super::args::{Alone, ColorWhen, Global};
use crate::{
    api::Reach,
    config::{Config, KeyPlace, Provenance, default_path, project_of},
    home::HomeOptions,
    hub::JobOptions,
    model::{Fault, Project, Projects},
    remote::{Address, Key},
    store::Retention,
    tasks::Clock,
};

/// The key of a hub that is named by its address.
const KEY: &str = "WHEELHOUSE_KEY";

/// What holds for one run of the program.
#[derive(Debug, Clone)]
pub struct Setup {
    pub config: Config,
    pub data_dir: PathBuf,
    pub hub_name: String,
    /// Where verbs write.
    pub project: Project,
    /// Whether the project was named by a flag, rather than found.
    pub project_flag: bool,
    pub unsafe_filesystem: bool,
    pub jobs_dir: PathBuf,
    /// None is the hub of the data directory.
    pub hub: Option<Address>,
}

impl Setup {
    pub fn new(global: &Global) -> Result<Setup, Fault> {
        let config_path = config_path(global)?;
        let config = settings(global, &config_path)?;
        let mut data_dir = config.data_dir()?;
        let hub = global.hub.as_deref().map(|named| address(named, &config)).transpose()?;
        if let Some(hub) = &hub {
            // What a face keeps for itself: drafts, sizes of panes. Not the hub's data.
            data_dir = data_dir.join("hubs").join(Project::slug(&hub.to_string()).as_str());
        }
        let project = match &config.project {
            Some(project) => project.clone(),
            None => std::env::current_dir().map_or_else(|_| Project::none(), |dir| project_of(&dir)),
        };
        Ok(Setup {
            data_dir,
            hub_name: config.hub_name.clone().unwrap_or_else(machine_name),
            project,
            project_flag: global.project.is_some(),
            unsafe_filesystem: global.unsafe_filesystem,
            jobs_dir: config.jobs_dir.clone().unwrap_or_else(|| config_path.with_file_name("jobs")),
            hub,
            config,
        })
    }

    /// The machine's clock, read in the zone that the settings name.
    pub fn clock(&self) -> Clock {
        let clock = Clock::system();
        clock.pick_zone(self.config.zone);
        clock
    }

    /// How long a hub of this process keeps events.
    pub fn retention(&self) -> Retention {
        Retention::days(self.config.keep_ops_days, self.config.keep_telemetry_days)
    }

    /// What jobs of a hub of this process may do, and where their files are.
    pub fn jobs(&self) -> JobOptions {
        JobOptions {
            dir: Some(self.jobs_dir.clone()),
            commands: self.config.jobs_commands,
            env: self.config.jobs_env.clone(),
        }
    }

    /// Where a face of this run finds its door. `announce`: its hub is one that others may watch start and stop.
    pub fn home(&self, clock: Clock, announce: bool, reach: Reach) -> HomeOptions {
        HomeOptions {
            data_dir: self.data_dir.clone(),
            unsafe_filesystem: self.unsafe_filesystem,
            hub_name: self.hub_name.clone(),
            clock,
            retention: self.retention(),
            announce,
            jobs: self.jobs(),
            hub: self.hub.clone(),
            reach,
        }
    }

    /// How a hub that stays is reached: as the flags say, else the settings.
    pub fn reach(&self, alone: &Alone) -> Result<Reach, Fault> {
        let mut config = self.config.clone();
        if !alone.listen.is_empty() {
            config.set("listen", &alone.listen.join(","), Provenance::Flag("--listen"))?;
        }
        let tls = match (config.tls_cert, config.tls_key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            _ => {
                return Err(Fault::invalid("a certificate needs its key, and a key its certificate")
                    .hint("set both `tls_cert` and `tls_key`, or neither"));
            }
        };
        let reach = Reach {
            listen: config.listen,
            tls,
            insecure_http: config.insecure_http || alone.insecure_http,
            no_auth: alone.no_auth,
            hosts: config.hosts,
        };
        reach.check()?;
        Ok(reach)
    }

    /// What a search looks at.
    pub fn projects(&self, all: bool) -> Projects {
        if all { Projects::All } else { Projects::with_none(self.project.clone()) }
    }
}

/// The hub that is meant, with its key: one of the settings by its name, else an address.
fn address(named: &str, config: &Config) -> Result<Address, Fault> {
    let Some(hub) = config.hubs.get(named) else {
        let address: Address = named.parse().map_err(|fault: Fault| match config.hubs.is_empty() {
            true => fault,
            false => {
                let names: Vec<&str> = config.hubs.keys().map(String::as_str).collect();
                fault.hint(format!("an address, or one of the settings' hubs: {}", names.join(", ")))
            }
        })?;
        let key = std::env::var(KEY).ok().filter(|key| !key.trim().is_empty());
        return Ok(address.with_key(key.as_deref().map(Key::new).transpose()?));
    };
    let text = match &hub.key {
        KeyPlace::Nowhere => None,
        KeyPlace::File(path) => Some(std::fs::read_to_string(path).map_err(|error| {
            Fault::invalid(format!("the key of {named} cannot be read at {}", path.display())).cause(error)
        })?),
        KeyPlace::Environment(name) => Some(
            std::env::var(name)
                .map_err(|_| Fault::invalid(format!("the key of {named} is in {name}, which is not set")))?,
        ),
    };
    let address: Address = hub.url.parse()?;
    Ok(address.with_key(text.as_deref().map(Key::new).transpose()?))
}

/// The settings file to read: named, or the user's.
pub fn config_path(global: &Global) -> Result<PathBuf, Fault> {
    match &global.config {
        Some(path) if !path.exists() => {
            Err(Fault::invalid(format!("there is no settings file {}", path.display()))
                .hint("--config and WHEELHOUSE_CONFIG name a file that is there"))
        }
        Some(path) => Ok(path.clone()),
        None => default_path(),
    }
}

/// The user's own keys: beside the settings.
pub fn keymap_path(global: &Global) -> Result<PathBuf, Fault> {
    Ok(config_path(global)?.with_file_name("keymap.toml"))
}

/// The settings in force: flags over the environment over the file over the defaults.
pub fn settings(global: &Global, path: &Path) -> Result<Config, Fault> {
    let mut config = Config::load(path)?;
    config.set_from_environment(|name| std::env::var(name).ok())?;
    if let Some(dir) = &global.data_dir {
        let dir = dir.to_str().ok_or_else(|| Fault::invalid("--data-dir is not text in UTF-8"))?;
        config.set("data_dir", dir, Provenance::Flag("--data-dir"))?;
    }
    if let Some(project) = &global.project {
        config.set("project", project, Provenance::Flag("--project"))?;
    }
    if let Some(color) = global.color {
        let word = match color {
            ColorWhen::Auto => "auto",
            ColorWhen::Always => "always",
            ColorWhen::Never => "never",
        };
        config.set("color", word, Provenance::Flag("--color"))?;
    }
    // Where there is no data directory yet, nothing was chosen.
    config.choices_wrong = config.data_dir().ok().and_then(|dir| config.take_choices(&dir));
    Ok(config)
}

fn machine_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok());
    let name = told.as_deref().map(str::trim).filter(|name| !name.is_empty());
    name.unwrap_or("localhost").to_owned()
}
