//! What the flags, the environment and the settings come to, before anything is asked.

use std::path::{Path, PathBuf};

use super::args::{ColorWhen, Global};
use crate::{
    config::{Config, Provenance, default_path, project_of},
    model::{Fault, Project, Projects},
    store::Retention,
    tasks::Clock,
};

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
}

impl Setup {
    pub fn new(global: &Global) -> Result<Setup, Fault> {
        let config_path = config_path(global)?;
        let config = settings(global, &config_path)?;
        let data_dir = config.data_dir()?;
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

    /// What a search looks at.
    pub fn projects(&self, all: bool) -> Projects {
        if all { Projects::All } else { Projects::with_none(self.project.clone()) }
    }
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
