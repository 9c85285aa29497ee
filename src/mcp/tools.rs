//! The tools: one table of what there is, what each takes and gives, and what it may change.

mod decisions;
mod memories;
mod search;
mod status;
mod timeline;

use std::sync::Arc;

use futures::future::BoxFuture;
use rmcp::model::{Tool as Described, ToolAnnotations};
use serde_json::Value;

use super::call::{Answer, Arguments, Call};
use crate::{model::Fault, report::nearest};

pub use timeline::told_fields;

/// What a call can do to what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Reads,
    /// Called twice it is there twice.
    Adds,
    /// What was there is kept as an earlier revision; called twice it is the same.
    Changes,
    Removes,
}

pub struct Tool {
    pub name: &'static str,
    title: &'static str,
    description: &'static str,
    effect: Effect,
    input: fn() -> Value,
    output: fn() -> Value,
    run: for<'a> fn(&'a Call, Arguments) -> BoxFuture<'a, Result<Answer, Fault>>,
}

pub const TOOLS: [Tool; 9] = [
    memories::ADD,
    search::SEARCH,
    memories::GET,
    memories::UPDATE,
    memories::FORGET,
    timeline::TIMELINE,
    decisions::RECORD,
    decisions::OUTCOME,
    status::STATUS,
];

impl Tool {
    pub fn find(name: &str) -> Option<&'static Tool> {
        const { &TOOLS }.iter().find(|tool| tool.name == name)
    }

    /// The tool that was probably meant.
    pub fn near(name: &str) -> Option<&'static str> {
        nearest(name, const { &TOOLS }.iter().map(|tool| tool.name))
    }

    pub async fn run(&self, call: &Call, arguments: Arguments) -> Result<Answer, Fault> {
        (self.run)(call, arguments).await
    }

    /// As clients list it.
    pub fn described(&self) -> Described {
        let schema = |made: Value| match made {
            Value::Object(schema) => Arc::new(schema),
            _ => unreachable!("a schema is an object"),
        };
        let hints = ToolAnnotations::with_title(self.title).open_world(false);
        let hints = match self.effect {
            Effect::Reads => hints.read_only(true).destructive(false).idempotent(true),
            Effect::Adds => hints.read_only(false).destructive(false).idempotent(false),
            Effect::Changes => hints.read_only(false).destructive(false).idempotent(true),
            Effect::Removes => hints.read_only(false).destructive(true).idempotent(true),
        };
        Described::new(self.name, self.description, schema((self.input)()))
            .with_title(self.title)
            .with_raw_output_schema(schema((self.output)()))
            .with_annotations(hints)
    }
}

/// On one line.
pub fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// On one line of at most this many characters, cut at a word.
fn brief(text: &str, chars: usize) -> String {
    let line = line(text);
    if line.chars().count() <= chars {
        return line;
    }
    let cut: String = line.chars().take(chars).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", cut.trim_end_matches([',', ';', ':', '.', '…']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::door::{MemoryPatch, NewDecision, NewMemory, NewOutcome};

    #[test]
    fn a_tool_is_found_or_the_one_that_was_meant() {
        assert_eq!(Tool::find("memory_get").unwrap().name, "memory_get");
        assert!(Tool::find("memory_gte").is_none());
        assert_eq!(Tool::near("memory_serch"), Some("memory_search"));
        assert_eq!(Tool::near("solution_outcome_of_all"), None);
    }

    /// A value that the property's own schema allows.
    fn example(name: &str, schema: &Value) -> Value {
        if let Some(word) = schema["enum"].get(0) {
            return word.clone();
        }
        match (name, schema["type"].as_str().unwrap()) {
            ("expires_at" | "measured_at", _) => json!("2027-01-01T00:00:00Z"),
            ("review_on", _) => json!("2027-01-01"),
            ("correlation", _) => json!(crate::model::Id::NIL),
            ("options", _) => json!([{ "title": "a", "pros": ["x"], "cons": ["y"] }]),
            (_, "string") => json!("a"),
            (_, "boolean") => json!(true),
            (_, "array") => json!(["a"]),
            (_, "object") => json!({}),
            (_, "integer" | "number") => schema["minimum"].clone(),
            (name, kind) => panic!("{name} is {kind}"),
        }
    }

    /// What the schema names, the door's type takes.
    #[test]
    fn schemas_name_what_the_door_takes() {
        let full = |tool: &str, without: &[&str]| {
            let schema = (Tool::find(tool).unwrap().input)();
            let properties = schema["properties"].as_object().unwrap().clone();
            let given = properties.iter().filter(|(name, _)| !without.contains(&name.as_str()));
            Arguments::new(Some(given.map(|(name, schema)| (name.clone(), example(name, schema))).collect()))
        };
        full("memory_add", &[]).read::<NewMemory>().unwrap();
        full("memory_update", &["id", "revision"]).read::<MemoryPatch>().unwrap();
        let new = full("decision_record", &["supersedes"]).read::<NewDecision>().unwrap();
        assert_eq!(new.options[0].pros, ["x"]);
        full("decision_outcome", &["id"]).read::<NewOutcome>().unwrap();
        full("memory_search", &[]).read::<search::Search>().unwrap();
        full("timeline", &[]).read::<timeline::Asked>().unwrap();
    }

    #[test]
    fn long_texts_are_cut_at_a_word() {
        assert_eq!(brief("a\n b  c", 9), "a b c");
        assert_eq!(brief("one two, three", 9), "one two…");
        assert_eq!(brief(&"x".repeat(20), 9), format!("{}…", "x".repeat(9)));
    }
}
