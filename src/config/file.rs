//! The settings file: read by its table of keys, every complaint with its line.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::{Config, KEYS, Key, Kind, Provenance, hubs};
use crate::{model::Fault, report};

/// The table of hubs, which is no setting of one value.
const HUBS: &str = "hubs";

/// Something about a settings file that its owner wants to know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    pub line: usize,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the program refuses to start with it.
    pub stops: bool,
}

/// Everything there is to say about a settings file, in the order of its lines.
pub fn check(text: &str) -> Vec<Note> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut notes: Vec<Note> = errors.iter().map(|error| syntax(text, error)).collect();
    if notes.is_empty() {
        for (name, value) in table.get_ref() {
            let line = line_of(text, name.span().start);
            if name.get_ref() == HUBS {
                let (_, wrong) = hubs::read(value.get_ref(), name.span().start);
                notes.extend(wrong.into_iter().map(|wrong| Note {
                    line: line_of(text, wrong.at),
                    message: wrong.message,
                    hint: wrong.hint,
                    stops: true,
                }));
                continue;
            }
            notes.extend(entry(name.get_ref(), value.get_ref()).err().map(|wrong| wrong.note(line)));
        }
    }
    notes.sort_by_key(|note| note.line);
    notes
}

/// Sets what the file says; the first thing that cannot be understood is the fault.
pub(super) fn apply(config: &mut Config, path: &Path, text: &str) -> Result<(), Fault> {
    if let Some(note) = check(text).into_iter().find(|note| note.stops) {
        let fault = Fault::invalid(format!("{}:{}: {}", path.display(), note.line, note.message));
        return Err(match note.hint {
            Some(hint) => fault.hint(hint),
            None => fault.hint("`wheelhouse config check` names everything that is wrong with it"),
        });
    }
    let (table, _) = DeTable::parse_recoverable(text);
    for (name, value) in table.get_ref() {
        if name.get_ref() == HUBS {
            (config.hubs, _) = hubs::read(value.get_ref(), name.span().start);
        }
        if let Ok((key, value)) = entry(name.get_ref(), value.get_ref()) {
            let line = line_of(text, name.span().start);
            config.set(key.name, &value, Provenance::File { path: path.to_owned(), line })?;
        }
    }
    Ok(())
}

/// Every name with its value as [`Config::set`] takes it, whatever it is worth.
pub(super) fn entries(text: &str) -> Result<Vec<(String, String)>, String> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if let Some(error) = errors.first() {
        return Err(syntax(text, error).message);
    }
    let entry = |(name, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        let value = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            _ => return None,
        };
        Some((name.get_ref().to_string(), value))
    };
    Ok(table.get_ref().iter().filter_map(entry).collect())
}

enum Wrong {
    Unknown { name: String },
    Value { key: &'static Key, found: String, hint: Option<String> },
}

impl Wrong {
    fn note(self, line: usize) -> Note {
        match self {
            Wrong::Unknown { name } => Note {
                line,
                message: format!("unknown setting {name:?}, passed over"),
                hint: Some(match nearest(&name) {
                    Some(near) => format!("did you mean {near:?}?"),
                    None => "`wheelhouse config show` lists every setting".to_owned(),
                }),
                stops: false,
            },
            Wrong::Value { key, found, hint } => Note {
                line,
                message: format!("{} is {}, not {found}", key.name, key.kind),
                hint,
                stops: true,
            },
        }
    }
}

/// The key and the text of its value, as [`Config::set`] takes it.
fn entry(name: &str, value: &DeValue<'_>) -> Result<(&'static Key, String), Wrong> {
    let Some(key) = KEYS.iter().find(|key| key.name == name) else {
        return Err(Wrong::Unknown { name: name.to_owned() });
    };
    let wrong = |found: &str| Err(Wrong::Value { key, found: found.to_owned(), hint: None });
    match (key.kind, value) {
        (Kind::Text, DeValue::String(text)) => Ok((key, text.to_string())),
        (Kind::Flag, DeValue::Boolean(flag)) => Ok((key, flag.to_string())),
        (Kind::OneOf(words), DeValue::String(text)) if words.contains(&text.as_ref()) => {
            Ok((key, text.to_string()))
        }
        (Kind::Number(least, most), DeValue::Integer(number)) => match number.as_str().parse::<u32>() {
            Ok(found) if number.radix() == 10 && (least..=most).contains(&found) => {
                Ok((key, found.to_string()))
            }
            _ => wrong(number.as_str()),
        },
        (Kind::Zone, DeValue::String(text)) if super::zone(text).is_some() => Ok((key, text.to_string())),
        (Kind::Zone, DeValue::String(text)) => {
            Err(Wrong::Value { key, found: format!("{text:?}"), hint: super::meant_zone(text) })
        }
        (Kind::Addresses | Kind::Names, DeValue::Array(values)) => {
            let texts = values.iter().map(|value| match value.get_ref() {
                DeValue::String(text) => Some(text.as_ref()),
                _ => None,
            });
            match texts.collect::<Option<Vec<_>>>().map(|texts| texts.join(",")) {
                Some(texts) if key.kind == Kind::Names || super::addresses(&texts).is_some() => {
                    Ok((key, texts))
                }
                Some(texts) => wrong(&format!("{texts:?}")),
                None => wrong("a list of something else"),
            }
        }
        (_, DeValue::String(text)) => wrong(&format!("{text:?}")),
        (_, DeValue::Integer(_)) => wrong("a number"),
        (_, DeValue::Float(_)) => wrong("a number"),
        (_, DeValue::Boolean(_)) => wrong("true or false"),
        (_, DeValue::Datetime(_)) => wrong("a date"),
        (_, DeValue::Array(_)) => wrong("a list"),
        (_, DeValue::Table(_)) => wrong("a table"),
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Note {
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    Note {
        line: error.span().map_or(1, |span| line_of(text, span.start)),
        message: format!("this is not TOML: {message}"),
        hint: None,
        stops: true,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count()
}

fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    report::nearest(&name, KEYS.iter().map(|key| key.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_says(text: &str, expected: &[(usize, &str, bool)]) {
        let notes = check(text);
        let said: Vec<_> = notes
            .iter()
            .map(|note| {
                let hint = note.hint.as_ref().map_or(String::new(), |hint| format!("; {hint}"));
                (note.line, format!("{}{hint}", note.message), note.stops)
            })
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|(line, message, stops)| (*line, (*message).to_owned(), *stops)).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn hubs_have_an_address_and_never_a_key() {
        check_says("[hubs.a]\nurl = \"host\"\nkey_env = \"A\"\n", &[]);
        let hint = "[hubs.NAME] has url, and key_file or key_env";
        check_says(
            "[hubs.a]\nkey_file = \"k\"\n[hubs.b]\nurl = 7\nkey = \"wh_live_x\"\n",
            &[
                (1, &format!("hubs.a has no url; {hint}"), true),
                (3, &format!("hubs.b has no url; {hint}"), true),
                (4, &format!("hubs.b.url is a text in quotes; {hint}"), true),
                (
                    5,
                    "hubs.b: a key does not belong here; key_file names a file that only you can read, key_env a variable",
                    true,
                ),
            ],
        );
    }

    #[test]
    fn a_good_file_says_nothing() {
        check_says("", &[]);
        check_says("listen = [\"127.0.0.1:7420\"]\nhosts = [\"hub.lan\"]\n", &[]);
        check_says("# mine\ntheme = \"harbour\"\nmouse = false\ntime = \"utc\"\n", &[]);
    }

    #[test]
    fn a_slip_is_named_with_its_line_and_what_was_meant() {
        check_says(
            "theme = \"harbour\"\nmose = true\n\nlog-level = \"warn\"\nwidgets = 3\n[zebras]\na = 1\n",
            &[
                (2, "unknown setting \"mose\", passed over; did you mean \"mouse\"?", false),
                (4, "unknown setting \"log-level\", passed over; did you mean \"log_level\"?", false),
                (
                    5,
                    "unknown setting \"widgets\", passed over; `wheelhouse config show` lists every setting",
                    false,
                ),
                (
                    6,
                    "unknown setting \"zebras\", passed over; `wheelhouse config show` lists every setting",
                    false,
                ),
            ],
        );
    }

    #[test]
    fn a_wrong_value_stops_with_its_line() {
        check_says(
            "mouse = \"on\"\ntime = \"lokal\"\nproject = 3\n",
            &[
                (1, "mouse is true or false, not \"on\"", true),
                (2, "time is one of \"relative\", \"local\", \"utc\", \"zone\", not \"lokal\"", true),
                (3, "project is a text in quotes, not a number", true),
            ],
        );
        let note = check("zone = \"Australia/Sidney\"\n").remove(0);
        assert_eq!((note.stops, note.hint.as_deref()), (true, Some("did you mean \"Australia/Sydney\"?")));
        check_says("zone = \"Asia/Tokyo\"\n", &[]);
        assert!(check("theme = \n").iter().all(|note| note.stops && note.line == 1));
    }

    #[test]
    fn a_file_sets_what_it_says_and_remembers_where() {
        let path = Path::new("/c.toml");
        let mut config = Config::default();
        apply(&mut config, path, "\nproject = \"My Team\"\nunknown = 1\nascii = true\n").unwrap();
        assert_eq!((config.project.as_ref().unwrap().as_str(), config.ascii), ("my-team", true));
        assert_eq!(config.provenance("project"), Provenance::File { path: path.into(), line: 2 });
        assert_eq!(config.provenance("mouse"), Provenance::Default);
        let fault = apply(&mut config, path, "mouse = 1").unwrap_err();
        assert_eq!(fault.message, "/c.toml:1: mouse is true or false, not a number");
    }
}
