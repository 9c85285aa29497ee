//! What the flags, the environment and the settings come to, before anything is asked.

use std::{
    collections::HashSet,
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::args::{Alone, ColorWhen, Global};
use crate::{
    api::Reach,
    config::{Config, KeyPlace, Provenance, default_path, project_of},
    console::Berth,
    home::{Home, HomeOptions, Stay, Successor},
    hub::{JobOptions, OneIn},
    model::{Fault, Project, Projects, job::Span},
    remote::{Address, Key},
    store::Retention,
    tasks::Clock,
};

/// How long a hub that was started for others stays when nobody is connected.
pub const IDLE_EXIT: Span = Span::from_secs(15 * 60);
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
    /// The settings file, where it was named.
    pub config_file: Option<PathBuf>,
    pub jobs_dir: PathBuf,
    /// None is the hub of the data directory.
    pub hub: Option<Address>,
    /// Where there are several, each with its name; `hub` is the first of them.
    pub fleet: Vec<(String, Address)>,
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
            config_file: global.config.clone(),
            jobs_dir: config.jobs_dir.clone().unwrap_or_else(|| config_path.with_file_name("jobs")),
            hub,
            fleet: Vec::new(),
            config,
        })
    }

    /// Several hubs are meant, by their names or addresses; none is all of the settings. One that is named twice is one.
    pub fn attach(&mut self, named: &[String]) -> Result<(), Fault> {
        let all: Vec<String> = self.config.hubs.keys().cloned().collect();
        let named = if named.is_empty() { &all } else { named };
        let typed = named.iter().filter(|name| !self.config.hubs.contains_key(*name)).count();
        if typed > 1 && own_key().is_some() {
            return Err(Fault::invalid(format!(
                "{KEY} opens one hub, and {typed} are named by their address"
            ))
            .hint("[hubs.NAME] in the settings gives each its own key"));
        }
        let mut fleet: Vec<(String, Address)> = Vec::new();
        for name in named {
            let address = address(name, &self.config)?;
            if fleet.iter().all(|(_, known)| known.to_string() != address.to_string()) {
                fleet.push((name.clone(), address));
            }
        }
        let Some((_, first)) = fleet.first().cloned() else {
            return Err(Fault::invalid("there is no hub to attach to")
                .hint("`wheelhouse attach ADDRESS`, or [hubs.NAME] with its url in the settings"));
        };
        let of = if fleet.len() > 1 { "fleet".to_owned() } else { first.to_string() };
        self.data_dir = self.data_dir.join("hubs").join(Project::slug(&of).as_str());
        self.hub = Some(first);
        if fleet.len() > 1 {
            name_shortly(&mut fleet, |name| self.config.hubs.contains_key(name));
            self.fleet = fleet;
        }
        Ok(())
    }

    pub fn is_of_many(&self) -> bool {
        !self.fleet.is_empty()
    }

    /// Where the console finds its doors.
    pub fn berths(&self, clock: &Clock, reach: &Reach) -> Vec<Berth> {
        let home = |hub: Option<Address>| {
            let options = self.home(clock.clone(), self.handing_over(reach), reach.clone());
            Home::new(HomeOptions { hub, ..options })
        };
        if self.fleet.is_empty() {
            return vec![Berth { home: home(self.hub.clone()), name: None }];
        }
        let berth = |(name, address): &(String, Address)| Berth {
            home: home(Some(address.clone())),
            name: Some(name.clone()),
        };
        self.fleet.iter().map(berth).collect()
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

    /// As a console's hub stays: handed over to a process of its own when others are attached at its end.
    pub fn handing_over(&self, reach: &Reach) -> Stay {
        self.successor(reach).map_or(Stay::Face, Stay::Attached)
    }

    /// As the hub stays that a client of somebody else needs, which comes and goes as that somebody likes.
    pub fn apart(&self) -> Stay {
        self.successor(&Reach::default()).map_or(Stay::Face, Stay::Apart)
    }

    /// This program, as the hub of the same data directory without a console. Paths are made whole. None where there
    /// is no way to say which program this is.
    fn successor(&self, reach: &Reach) -> Option<Successor> {
        let mut args: Vec<OsString> =
            ["--headless".into(), "--idle-exit".into(), IDLE_EXIT.to_string().into()].into();
        let whole = |path: &Path| std::path::absolute(path).map(PathBuf::into_os_string);
        args.extend(["--data-dir".into(), whole(&self.data_dir).ok()?]);
        if let Some(file) = &self.config_file {
            args.extend(["--config".into(), whole(file).ok()?]);
        }
        let flags = [
            ("--unsafe-filesystem", self.unsafe_filesystem),
            ("--insecure-http", reach.insecure_http),
            ("--no-auth", reach.no_auth),
        ];
        args.extend(flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag.into()));
        Some(Successor { program: this_program()?, args })
    }

    /// Where a face of this run finds its door.
    pub fn home(&self, clock: Clock, stay: Stay, reach: Reach) -> HomeOptions {
        HomeOptions {
            data_dir: self.data_dir.clone(),
            unsafe_filesystem: self.unsafe_filesystem,
            hub_name: self.hub_name.clone(),
            clock,
            retention: self.retention(),
            sampling: OneIn(self.config.sample_searches),
            stay,
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

/// Where it is, also when another version was put in its place.
fn this_program() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?;
    match path.to_str().and_then(|text| text.strip_suffix(" (deleted)")) {
        Some(before) if !path.exists() => Some(before.into()),
        _ => Some(path),
    }
}

fn own_key() -> Option<String> {
    std::env::var(KEY).ok().filter(|key| !key.trim().is_empty())
}

/// Those that the settings do not name are told apart by as little of their address as it takes.
fn name_shortly(fleet: &mut [(String, Address)], is_named: impl Fn(&str) -> bool) {
    let parts = |address: &Address| {
        let text = address.to_string();
        let bare = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest).to_owned();
        let (host, port) =
            bare.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).unwrap_or((&bare, ""));
        (host.to_owned(), port.to_owned())
    };
    let all: Vec<_> = fleet.iter().map(|(_, address)| parts(address)).collect();
    let mut taken: HashSet<String> =
        fleet.iter().map(|(name, _)| name).filter(|name| is_named(name)).cloned().collect();
    for (at, (name, address)) in fleet.iter_mut().enumerate() {
        if is_named(name) {
            continue;
        }
        let (host, port) = &all[at];
        let others = || all.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, parts)| parts);
        let first = host.split('.').next().filter(|first| first.parse::<u8>().is_err()).unwrap_or(host);
        let alike = |other: &(String, String)| other.0.split('.').next() == host.split('.').next();
        let short = match (others().any(alike), others().all(|other| other.0 == *host)) {
            (false, _) => first.to_owned(),
            (true, true) => format!(":{port}"),
            (true, false) => format!("{host}:{port}"),
        };
        *name = if taken.contains(&short) { address.to_string() } else { short };
        taken.insert(name.clone());
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
        return Ok(address.with_key(own_key().as_deref().map(Key::new).transpose()?));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(named: &[(&str, &str)], expected: &[&str]) {
        let mut fleet: Vec<_> =
            named.iter().map(|(name, url)| ((*name).to_owned(), url.parse().unwrap())).collect();
        name_shortly(&mut fleet, |name| name == "prod");
        let names: Vec<_> = fleet.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn hubs_are_told_apart_by_as_little_as_it_takes() {
        check(&[("x", "http://127.0.0.1:7420"), ("y", "http://127.0.0.1:7421")], &[":7420", ":7421"]);
        check(&[("prod", "http://ash.example.org"), ("y", "elm.example.org:80")], &["prod", "elm"]);
        check(&[("x", "ash.a.org"), ("y", "ash.b.org")], &["ash.a.org:7420", "ash.b.org:7420"]);
        check(&[("x", "10.0.0.1"), ("y", "elm")], &["10.0.0.1", "elm"]);
    }
}
