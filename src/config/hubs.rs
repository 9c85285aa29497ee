//! The hubs that settings name: `[hubs.NAME]` with where each answers and where its key is found.

use std::{collections::BTreeMap, path::PathBuf};

use toml::de::DeValue;

use super::home_expanded;

/// A hub by its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedHub {
    /// As it was written.
    pub url: String,
    pub key: KeyPlace,
}

/// Where a key is found: never in the settings themselves, which are shown and shared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum KeyPlace {
    #[default]
    Nowhere,
    File(PathBuf),
    Environment(String),
}

pub type Hubs = BTreeMap<String, NamedHub>;

/// Something wrong, and where in the text it stands.
pub(super) struct Wrong {
    pub at: usize,
    pub message: String,
    pub hint: Option<String>,
}

/// The hubs in the value of `hubs`, which begins at `at`, and what is wrong with it.
pub(super) fn read(value: &DeValue<'_>, at: usize) -> (Hubs, Vec<Wrong>) {
    const SHAPE: &str = "[hubs.NAME] has url, and key_file or key_env";
    let (mut hubs, mut wrong) = (Hubs::new(), Vec::new());
    let mut refuse = |at: usize, message: String, hint: &str| {
        wrong.push(Wrong { at, message, hint: Some(hint.to_owned()) });
    };
    let DeValue::Table(table) = value else {
        refuse(at, "hubs is a table of hubs".to_owned(), SHAPE);
        return (hubs, wrong);
    };
    for (name, entry) in table {
        let (name_at, name) = (name.span().start, name.get_ref().to_string());
        let DeValue::Table(entry) = entry.get_ref() else {
            refuse(name_at, format!("hubs.{name} is no table"), SHAPE);
            continue;
        };
        let mut hub = NamedHub::default();
        for (key, value) in entry {
            let (key_at, key) = (key.span().start, key.get_ref());
            match (key.as_ref(), value.get_ref()) {
                ("url", DeValue::String(text)) => hub.url = text.to_string(),
                ("key_file", DeValue::String(text)) => hub.key = KeyPlace::File(home_expanded(text)),
                ("key_env", DeValue::String(text)) => hub.key = KeyPlace::Environment(text.to_string()),
                ("key", _) => {
                    let hint = "key_file names a file that only you can read, key_env a variable";
                    refuse(key_at, format!("hubs.{name}: a key does not belong here"), hint);
                }
                ("url" | "key_file" | "key_env", _) => {
                    refuse(key_at, format!("hubs.{name}.{key} is a text in quotes"), SHAPE);
                }
                (other, _) => refuse(key_at, format!("hubs.{name} has no {other}"), SHAPE),
            }
        }
        if hub.url.trim().is_empty() {
            refuse(name_at, format!("hubs.{name} has no url"), SHAPE);
            continue;
        }
        hubs.insert(name, hub);
    }
    (hubs, wrong)
}
