//! From keys that someone else chose to the fields of a memory.
//!
//! Two tables say which key means which field: that of front matter and that of JSONL, whose names are those of other
//! memory servers. A key that means nothing here, and a value that does not fit its field, is kept
//! in the metadata under its own name.

use serde_json::{Map, Value};

use crate::{
    door::NewMemory,
    model::{
        Id, METADATA_BYTES_MAX, Memory, Origin, Project, Status, TAG_BYTES_MAX, TAGS_MAX, TITLE_BYTES_MAX,
        Time, encode,
    },
};

/// A field of a memory that a key can mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Content,
    Title,
    Kind,
    Tags,
    Project,
    Session,
    Importance,
    Status,
    ValidFrom,
    ValidTo,
    ExpiresAt,
    CreatedAt,
    UpdatedAt,
}

/// The keys of a field, the best first.
pub type Names = (Field, &'static [&'static str]);

pub const FRONT_MATTER: &[Names] = &[
    (Field::Title, &["title"]),
    (Field::Kind, &["type", "category"]),
    (Field::Tags, &["tags", "keywords"]),
    (Field::Importance, &["importance"]),
    (Field::Status, &["status"]),
    (Field::CreatedAt, &["created", "created_at", "date"]),
    (Field::UpdatedAt, &["updated", "updated_at", "modified", "lastmod"]),
];

pub const JSON_LINES: &[Names] = &[
    (Field::Content, &["content", "memory", "text", "body", "episode_body", "fact", "observation"]),
    (Field::Title, &["title"]),
    (Field::Kind, &["type", "memory_type", "kind", "category", "obs_type"]),
    (Field::Tags, &["tags"]),
    (Field::Project, &["project", "project_id", "project_name", "group_id", "namespace", "dataset_name"]),
    (Field::Session, &["session", "session_id", "run_id", "conversation_id"]),
    (Field::Importance, &["importance", "priority", "importance_score", "quality"]),
    (Field::Status, &["status"]),
    (Field::ValidFrom, &["valid_from"]),
    (Field::ValidTo, &["valid_to"]),
    (Field::ExpiresAt, &["expires_at", "expiration_date"]),
    (Field::CreatedAt, &["created_at", "timestamp", "reference_time"]),
    (Field::UpdatedAt, &["updated_at"]),
];

/// A memory of what the keys say; the rest of them are its metadata.
pub fn read(mut keys: Map<String, Value>, names: &[Names]) -> NewMemory {
    let mut new = NewMemory::default();
    for (field, names) in names {
        let key = names.iter().find_map(|name| {
            let same = |key: &&String| key.eq_ignore_ascii_case(name);
            keys.keys().find(same).cloned()
        });
        if let Some((key, value)) = key.and_then(|key| keys.remove_entry(&key))
            && let Err(value) = set(&mut new, *field, value)
        {
            keys.insert(key, value);
        }
    }
    match keys.remove("metadata") {
        Some(Value::Object(inner)) => keys.extend(inner),
        Some(other) => drop(keys.insert("metadata".to_owned(), other)),
        None => {}
    }
    keys.retain(|_, value| !value.is_null());
    new.metadata = keys;
    new
}

/// Sets a field, or gives back what does not fit.
fn set(new: &mut NewMemory, field: Field, value: Value) -> Result<(), Value> {
    match field {
        Field::Content => new.content = text(value)?,
        Field::Title => new.title = title(&text(value)?),
        Field::Kind => match text(value)? {
            kind if (1..=TAG_BYTES_MAX).contains(&kind.trim().len()) => {
                new.kind = Some(kind.trim().to_owned())
            }
            kind => return Err(kind.into()),
        },
        Field::Tags => new.tags = tags(value)?,
        Field::Project => new.project = Some(Project::slug(&text(value)?)),
        Field::Session => new.session = Some(text(value)?),
        Field::Importance => match value.as_f64() {
            Some(number) if (0.0..=1.0).contains(&number) => new.importance = Some(number as f32),
            _ => return Err(value),
        },
        Field::Status => match value.as_str().and_then(Status::parse) {
            Some(status) => new.status = Some(status),
            None => return Err(value),
        },
        Field::ValidFrom => new.valid_from = Some(time(value)?),
        Field::ValidTo => new.valid_to = Some(time(value)?),
        Field::ExpiresAt => new.expires_at = Some(time(value)?),
        Field::CreatedAt => new.created_at = Some(time(value)?),
        Field::UpdatedAt => new.updated_at = Some(time(value)?),
    }
    Ok(())
}

fn text(value: Value) -> Result<String, Value> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        value => Err(value),
    }
}

/// A title within its bound.
pub fn title(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.len() <= TITLE_BYTES_MAX {
        return line;
    }
    let cut = line.floor_char_boundary(TITLE_BYTES_MAX - '…'.len_utf8());
    format!("{}…", &line[..cut])
}

/// A list, or one text with commas; `#` in front of a tag is how some write it.
fn tags(value: Value) -> Result<Vec<String>, Value> {
    let found: Vec<String> = match &value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split(',').map(str::to_owned).collect(),
        Value::Array(list) if list.iter().all(|tag| tag.is_string() || tag.is_number()) => {
            list.iter().filter_map(|tag| text(tag.clone()).ok()).collect()
        }
        _ => return Err(value),
    };
    let clean = found.iter().map(|tag| tag.trim().trim_start_matches('#').to_owned());
    let clean: Vec<String> = clean.filter(|tag| !tag.is_empty()).collect();
    if clean.len() > TAGS_MAX || clean.iter().any(|tag| tag.len() > TAG_BYTES_MAX) {
        return Err(value);
    }
    Ok(clean)
}

/// RFC 3339, a date, a date and a time of day (taken as UTC), or seconds or milliseconds since 1970.
fn time(value: Value) -> Result<Time, Value> {
    /// Seconds beyond this, in the year 5138, are milliseconds.
    const SECONDS_MAX: f64 = 1e11;
    let found = match &value {
        Value::String(text) => text.parse().ok().or_else(|| moment(text.trim())),
        Value::Number(number) => number.as_f64().map(|number| {
            let ms = if number.abs() < SECONDS_MAX { number * 1_000.0 } else { number };
            Time::from_unix_ms(ms as i64)
        }),
        _ => None,
    };
    found.ok_or(value)
}

fn moment(text: &str) -> Option<Time> {
    for form in ["%Y-%m-%d %H:%M:%S%.f %z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%dT%H:%M:%S%.f%z"] {
        if let Ok(moment) = chrono::DateTime::parse_from_str(text, form) {
            return Some(moment.into());
        }
    }
    for form in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(moment) = chrono::NaiveDateTime::parse_from_str(text, form) {
            return Some(moment.and_utc().into());
        }
    }
    None
}

/// Whether a hub would take it: the rules are the memory's own.
pub fn check(new: &NewMemory) -> Result<(), String> {
    let memory = Memory {
        id: Id::NIL,
        project: Project::none(),
        created_at: Time::default(),
        updated_at: Time::default(),
        revision: 1,
        origin: Origin::default(),
        correlation_id: Id::NIL,
        content: new.content.clone(),
        title: new.title.clone(),
        kind: new.kind.clone().unwrap_or_else(|| "note".to_owned()),
        tags: new.tags.clone(),
        importance: new.importance.unwrap_or(0.5),
        status: new.status.unwrap_or_default(),
        valid_from: new.valid_from,
        valid_to: new.valid_to,
        expires_at: new.expires_at,
        content_hash: String::new(),
        supersedes: Vec::new(),
        superseded_by: None,
        access_count: 0,
        last_accessed: None,
        metadata: new.metadata.clone(),
    };
    memory.check().map_err(|fault| fault.message)
}

/// Whether metadata is within its bound.
pub fn fits(metadata: &Map<String, Value>) -> bool {
    metadata.is_empty() || encode(metadata).len() <= METADATA_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(keys: Value, names: &[Names]) -> NewMemory {
        let Value::Object(keys) = keys else { panic!("an object") };
        read(keys, names)
    }

    #[test]
    fn what_fits_is_a_field_and_the_rest_is_kept() {
        let new = of(
            json!({
                "Title": " A\n title", "keywords": "#a, b,", "category": "howto", "date": "2026-11-21",
                "lastmod": "2026-11-22 10:30:00", "status": "draft", "importance": 8, "author": {"name": "ada"},
                "empty": null,
            }),
            FRONT_MATTER,
        );
        assert_eq!(
            new,
            NewMemory {
                title: "A title".into(),
                tags: vec!["a".into(), "b".into()],
                kind: Some("howto".into()),
                created_at: Some("2026-11-21".parse().unwrap()),
                updated_at: Some("2026-11-22T10:30:00Z".parse().unwrap()),
                metadata: json!({"status": "draft", "importance": 8, "author": {"name": "ada"}})
                    .as_object()
                    .unwrap()
                    .clone(),
                ..NewMemory::default()
            }
        );
    }

    #[test]
    fn the_first_of_two_keys_for_one_field_wins_and_the_other_is_kept() {
        let new =
            of(json!({"text": "second", "content": "first", "type": "fix", "category": "c"}), JSON_LINES);
        assert_eq!((new.content.as_str(), new.kind.as_deref()), ("first", Some("fix")));
        assert_eq!(Value::Object(new.metadata), json!({"text": "second", "category": "c"}));
    }

    #[test]
    fn times_come_in_many_forms() {
        for (value, expected) in [
            (json!("2026-11-21T10:00:00+11:00"), "2026-11-20T23:00:00.000Z"),
            (json!("2026-11-21 10:00:00 +1100"), "2026-11-20T23:00:00.000Z"),
            (json!(1_795_000_000), "2026-11-18T11:06:40.000Z"),
            (json!(1_795_000_000_123_i64), "2026-11-18T11:06:40.123Z"),
            (json!(1_795_000_000.5), "2026-11-18T11:06:40.500Z"),
        ] {
            assert_eq!(time(value.clone()).map(|time| time.to_string()), Ok(expected.to_owned()), "{value}");
        }
        assert_eq!(time(json!("soon")), Err(json!("soon")));
    }

    /// The names are those that the surface accepts for a single memory.
    #[test]
    fn the_names_of_json_lines_are_those_of_a_new_memory() {
        for (field, names) in JSON_LINES {
            for name in *names {
                let value = match field {
                    Field::Tags => json!(["a"]),
                    Field::Importance => json!(0.3),
                    Field::Status => json!("verified"),
                    Field::ValidFrom
                    | Field::ValidTo
                    | Field::ExpiresAt
                    | Field::CreatedAt
                    | Field::UpdatedAt => {
                        json!("2026-11-21T00:00:00Z")
                    }
                    _ => json!("x"),
                };
                let line = json!({ *name: value });
                let direct: NewMemory = serde_json::from_value(line.clone()).unwrap();
                assert_eq!(of(line, JSON_LINES), direct, "{name}");
            }
        }
    }
}
