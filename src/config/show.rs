//! The settings in force, as `config show` and the console print them.

use super::{Colour, Config, KEYS, LOCAL, Links, LogFormat};
use crate::model::Zone;

/// A setting, its value and where that came from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Setting {
    pub name: &'static str,
    pub value: String,
    pub from: String,
    pub what: &'static str,
}

impl Config {
    /// Every setting, in the order of the table.
    pub fn settings(&self) -> Vec<Setting> {
        KEYS.iter()
            .map(|key| Setting {
                name: key.name,
                value: self.value(key.name),
                from: self.provenance(key.name).to_string(),
                what: key.what,
            })
            .collect()
    }

    fn value(&self, name: &str) -> String {
        let or_none = |text: Option<String>| text.unwrap_or_default();
        match name {
            "hub_name" => or_none(self.hub_name.clone()),
            "data_dir" => or_none(self.data_dir().ok().map(|dir| dir.display().to_string())),
            "project" => or_none(self.project.as_ref().map(ToString::to_string)),
            "listen" => listed(&self.listen),
            "tls_cert" => or_none(self.tls_cert.as_ref().map(|path| path.display().to_string())),
            "tls_key" => or_none(self.tls_key.as_ref().map(|path| path.display().to_string())),
            "insecure_http" => self.insecure_http.to_string(),
            "hosts" => listed(&self.hosts),
            "theme" => self.theme.clone().unwrap_or_else(|| "auto".to_owned()),
            "keymap" => self.keymap.clone(),
            "color" => match self.colour {
                Colour::Auto => "auto",
                Colour::Always => "always",
                Colour::Never => "never",
            }
            .to_owned(),
            "ascii" => self.ascii.to_string(),
            "mouse" => self.mouse.to_string(),
            "links" => match self.links {
                Links::Auto => "auto",
                Links::Always => "always",
                Links::Never => "never",
            }
            .to_owned(),
            "color_depth" => self.colour_depth.name().to_owned(),
            "motion" => self.motion.name().to_owned(),
            "time" => self.time.name().to_owned(),
            "zone" => self.zone.and_then(Zone::name).unwrap_or(LOCAL).to_owned(),
            "log_format" => match self.log_format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            }
            .to_owned(),
            "keep_ops_days" => self.keep_ops_days.to_string(),
            "keep_telemetry_days" => self.keep_telemetry_days.to_string(),
            "sample_searches" => self.sample_searches.to_string(),
            "jobs_dir" => self.jobs_dir.as_ref().map(|dir| dir.display().to_string()).unwrap_or_default(),
            "jobs_commands" => self.jobs_commands.to_string(),
            "jobs_env" => self.jobs_env.join(" "),
            _ => self.log_level.clone(),
        }
    }
}

fn listed<T: ToString>(parts: &[T]) -> String {
    parts.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Kind, Provenance};

    #[test]
    fn what_was_set_is_what_is_shown() {
        for key in KEYS {
            let value = match key.kind {
                Kind::Text => "text",
                Kind::Flag => "true",
                Kind::OneOf(words) => words[words.len() - 1],
                Kind::Number(..) => "30",
                Kind::Zone => "Europe/Berlin",
                Kind::Addresses => "127.0.0.1:7420,[::1]:0",
                Kind::Names => "hub.lan,other",
            };
            let mut config = Config::default();
            config.set(key.name, value, Provenance::Environment("X")).unwrap();
            let shown = config.settings().into_iter().find(|setting| setting.name == key.name).unwrap();
            assert_eq!((shown.value.as_str(), shown.from.as_str()), (value, "X"), "{}", key.name);
        }
    }
}
