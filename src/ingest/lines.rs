//! One line of JSONL as a memory, or as a decision where an export says that it is one.
//!
//! Lines are those of other memory servers, or of this one's `export`. Of an export, the events are history that is not made
//! anew, and what a hub keeps for itself (revisions, counts, links by id) stays behind; a record keeps its
//! origin, so that files that were imported there are known here.

use serde_json::{Map, Value};

use super::fields;
use crate::{
    door::NewMemory,
    model::{Decision, Id},
};

/// What a hub keeps for itself in an exported record.
const BOOKKEEPING: [&str; 10] = [
    "id",
    "record",
    "revision",
    "correlation_id",
    "content_hash",
    "access_count",
    "last_accessed",
    "supersedes",
    "superseded_by",
    "forgotten",
];

/// What a line holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    Memory {
        new: Box<NewMemory>,
        /// What it calls itself.
        id: Option<String>,
        /// The id and hash it has in the hub that exported it.
        exported: Option<(Id, String)>,
    },
    /// An event of an export.
    Event,
    /// A decision of an export, as it was there.
    Decision(Box<Decision>),
    /// A record of an export that was removed.
    Forgotten,
}

/// Reads a line that is not blank.
pub fn read(text: &str) -> Result<Line, String> {
    let keys = match serde_json::from_str(text) {
        Ok(Value::Object(keys)) => keys,
        Ok(_) => return Err("not a JSON object".to_owned()),
        Err(error) => return Err(format!("not JSON: {error}")),
    };
    match keys.get("record").and_then(Value::as_str) {
        Some("event") => return Ok(Line::Event),
        // By where an export says which it is: what others call a decision is a memory here.
        Some("decision") if keys.contains_key("number") => {
            let decision = serde_json::from_value(Value::Object(keys));
            return decision.map(Line::Decision).map_err(|error| format!("no decision: {error}"));
        }
        Some("memory") if keys.get("forgotten") == Some(&Value::Bool(true)) => return Ok(Line::Forgotten),
        Some("memory") => return exported(keys),
        _ => {}
    }
    let mut keys = keys;
    let id = match keys.get("id") {
        Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => None,
    };
    if id.is_some() {
        keys.remove("id");
    }
    Ok(Line::Memory { new: Box::new(memory(keys)?), id, exported: None })
}

fn exported(mut keys: Map<String, Value>) -> Result<Line, String> {
    let text = |keys: &Map<String, Value>, key: &str| keys.get(key)?.as_str().map(str::to_owned);
    let (id, hash) = (text(&keys, "id"), text(&keys, "content_hash").unwrap_or_default());
    let origin = keys.remove("origin");
    for key in BOOKKEEPING {
        keys.remove(key);
    }
    let mut new = memory(keys)?;
    if let Some(Value::Object(origin)) = origin {
        (new.url, new.commit) = (text(&origin, "url"), text(&origin, "commit"));
        new.session = text(&origin, "session");
    }
    let known = id.as_deref().and_then(|id| id.parse().ok());
    Ok(Line::Memory { new: Box::new(new), exported: known.map(|id| (id, hash)), id })
}

fn memory(keys: Map<String, Value>) -> Result<NewMemory, String> {
    let new = fields::read(keys, fields::JSON_LINES);
    if new.content.trim().is_empty() {
        return Err("it has no content".to_owned());
    }
    if !fields::fits(&new.metadata) {
        return Err("its metadata is too large".to_owned());
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{door::ExportLine, model::Memory};

    fn line(value: Value) -> Result<Line, String> {
        read(&value.to_string())
    }

    #[test]
    fn lines_of_other_servers_are_read() {
        let Ok(Line::Memory { new, id, exported: None }) =
            line(json!({"id": 7, "memory": "a fact", "user": "ada", "metadata": {"source": "chat"}}))
        else {
            panic!("a memory")
        };
        assert_eq!((new.content.as_str(), id.as_deref()), ("a fact", Some("7")));
        assert_eq!(Value::Object(new.metadata), json!({"user": "ada", "source": "chat"}));
    }

    #[test]
    fn what_is_no_memory_says_why() {
        assert_eq!(line(json!([1])), Err("not a JSON object".into()));
        assert_eq!(line(json!({"title": "t", "content": ""})), Err("it has no content".into()));
        assert!(read("{").unwrap_err().starts_with("not JSON: "));
    }

    #[test]
    fn an_export_reads_back() {
        let memory: Memory = serde_json::from_value(json!({
            "id": Id::NIL, "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-22T00:00:00Z",
            "revision": 3, "content": "kept", "title": "T", "type": "howto", "tags": ["a"], "project": "p",
            "importance": 0.75, "status": "verified", "content_hash": "abc", "metadata": { "k": 1 },
            "origin": { "actor": "user:ada", "url": "file:///x.md" },
        }))
        .unwrap();
        let export = |forgotten| {
            let line = ExportLine::Memory { memory: Box::new(memory.clone()), forgotten };
            read(&serde_json::to_string(&line).unwrap()).unwrap()
        };
        let Line::Memory { new, exported, .. } = export(false) else { panic!("a memory") };
        assert_eq!(exported, Some((Id::NIL, "abc".into())));
        assert_eq!(
            *new,
            NewMemory {
                content: "kept".into(),
                title: "T".into(),
                kind: Some("howto".into()),
                tags: vec!["a".into()],
                project: Some(crate::model::Project::slug("p")),
                importance: Some(0.75),
                status: Some(crate::model::Status::Verified),
                created_at: Some(memory.created_at),
                updated_at: Some(memory.updated_at),
                url: Some("file:///x.md".into()),
                metadata: json!({ "k": 1 }).as_object().unwrap().clone(),
                ..NewMemory::default()
            }
        );
        assert_eq!(export(true), Line::Forgotten);
        assert_eq!(line(json!({"record": "event", "type": "memory.saved"})), Ok(Line::Event));
        let decision = json!({
            "record": "decision", "id": Id::NIL, "number": "D-0007", "title": "t", "revision": 2,
            "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-22T00:00:00Z",
        });
        let Ok(Line::Decision(decision)) = line(decision) else { panic!("a decision") };
        assert_eq!((decision.number.to_string().as_str(), decision.revision), ("D-0007", 2));
        let torn = line(json!({"record": "decision", "number": "D-0001", "title": "t"}));
        assert!(torn.unwrap_err().starts_with("no decision: missing field"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\{?[\\PC\"]{0,60}\\}?") {
            drop(read(&text));
        }
    }
}
