//! The settings, read again while the hub runs.

use super::super::{
    args::{Alone, Global},
    out::Out,
    setup::Setup,
};
use crate::{config::Config, home::Home, model::Fault, report, tasks::Clock, telemetry::Guard};

/// Settings of a running hub that change under it.
const AT_ONCE: [&str; 5] = ["log_level", "zone", "tls_cert", "tls_key", "hosts"];
/// Those that it was started with.
const AT_RESTART: [&str; 8] = [
    "hub_name",
    "data_dir",
    "listen",
    "insecure_http",
    "log_format",
    "keep_ops_days",
    "keep_telemetry_days",
    "sample_searches",
];

/// What a running hub goes by.
pub struct Running<'a> {
    pub setup: Setup,
    pub clock: Clock,
    pub typed: (&'a Global, &'a Alone),
    pub log: &'a Guard,
    pub home: &'a Home,
}

impl Running<'_> {
    /// Takes what can change, and says what cannot. Settings that cannot be read change nothing.
    pub fn reload(&mut self, out: &Out) {
        let fresh = match self.read() {
            Ok(fresh) => fresh,
            Err(fault) => {
                tracing::warn!(%fault, cause = ?fault.cause, "the settings stay as they were");
                let said = report::escape_line(&fault.message);
                out.warn(&format!("the settings stay as they were: {said}"), fault.hint.as_deref());
                return;
            }
        };
        let changed = changed(&self.setup.config, &fresh.config);
        for name in of(&changed, &AT_ONCE) {
            match name {
                "log_level" => self.log.set_level(&fresh.config.log_level),
                "zone" => self.clock.pick_zone(fresh.config.zone),
                // Names and certificates are read each time.
                _ => {}
            }
        }
        let (now, later) = (of(&changed, &AT_ONCE), of(&changed, &AT_RESTART));
        tracing::info!(?now, ?later, "the settings were read again");
        out.remark(&words(&now, &later));
        // What waits for a restart is told at each reading until then.
        self.setup.config.log_level = fresh.config.log_level;
        self.setup.config.zone = fresh.config.zone;
        self.setup.config.tls_cert = fresh.config.tls_cert;
        self.setup.config.tls_key = fresh.config.tls_key;
        self.setup.config.hosts = fresh.config.hosts;
    }

    /// The settings as they are now, with the certificate that they name.
    fn read(&self) -> Result<Setup, Fault> {
        let fresh = Setup::new(self.typed.0)?;
        self.home.reload(&fresh.reach(self.typed.1)?)?;
        Ok(fresh)
    }
}

fn changed(before: &Config, after: &Config) -> Vec<&'static str> {
    let (before, after) = (before.settings(), after.settings());
    let pairs = before.into_iter().zip(after);
    pairs.filter(|(before, after)| before.value != after.value).map(|(_, after)| after.name).collect()
}

fn of(changed: &[&'static str], some: &[&str]) -> Vec<&'static str> {
    changed.iter().copied().filter(|name| some.contains(name)).collect()
}

fn words(now: &[&str], later: &[&str]) -> String {
    let list =
        |what: &str, names: &[&str]| (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")));
    let said: Vec<_> =
        [list("in force now:", now), list("waits for a restart:", later)].into_iter().flatten().collect();
    match said.is_empty() {
        true => "the settings were read again: nothing of the hub's changed".to_owned(),
        false => format!("the settings were read again; {}", said.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{KEYS, Provenance};

    #[test]
    fn what_changed_is_told_apart() {
        let mut after = Config::default();
        for (name, value) in [("zone", "Asia/Tokyo"), ("hub_name", "other"), ("theme", "harbour")] {
            after.set(name, value, Provenance::Flag("--x")).unwrap();
        }
        let changed = changed(&Config::default(), &after);
        assert_eq!((of(&changed, &AT_ONCE), of(&changed, &AT_RESTART)), (vec!["zone"], vec!["hub_name"]));
        assert_eq!(
            words(&of(&changed, &AT_ONCE), &of(&changed, &AT_RESTART)),
            "the settings were read again; in force now: zone; waits for a restart: hub_name"
        );
        assert!(words(&[], &[]).ends_with("nothing of the hub's changed"));
        for name in AT_ONCE.iter().chain(&AT_RESTART) {
            assert!(KEYS.iter().any(|key| key.name == *name), "{name} is a setting");
        }
    }
}
