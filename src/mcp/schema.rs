//! Schemas of arguments and answers, in the few shapes that tools need.
//!
//! They name the canonical fields alone, and say nothing of others: what else is accepted is for those who bring the names
//! of another server with them.

use serde_json::{Map, Value, json};

/// An object with these properties.
pub fn object<const N: usize>(properties: [(&str, Value); N], required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        properties.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

pub fn text(what: &str) -> Value {
    of("string", what)
}

pub fn flag(what: &str) -> Value {
    of("boolean", what)
}

pub fn count(least: usize, most: usize, what: &str) -> Value {
    let mut schema = of("integer", what);
    (schema["minimum"], schema["maximum"]) = (least.into(), most.into());
    schema
}

/// From 0 to 1.
pub fn share(what: &str) -> Value {
    let mut schema = of("number", what);
    (schema["minimum"], schema["maximum"]) = (0.into(), 1.into());
    schema
}

pub fn one_of(words: &[&str], what: &str) -> Value {
    let mut schema = of("string", what);
    schema["enum"] = words.into();
    schema
}

pub fn texts(what: &str) -> Value {
    list(json!({ "type": "string" }), what)
}

pub fn list(items: Value, what: &str) -> Value {
    let mut schema = of("array", what);
    schema["items"] = items;
    schema
}

/// Whatever the caller keeps there.
pub fn anything(what: &str) -> Value {
    of("object", what)
}

/// Of an answer, where the name says it all.
pub fn plain(kind: &str) -> Value {
    json!({ "type": kind })
}

fn of(kind: &str, what: &str) -> Value {
    let mut schema = plain(kind);
    if !what.is_empty() {
        schema["description"] = what.into();
    }
    schema
}
