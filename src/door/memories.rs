//! Memories: what is asked and answered.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::model::{Id, Memory, MemoryFilter, Project, Status, Time};

/// Memories in one bulk commit; more are refused.
pub const BATCH_MAX: usize = 256;
/// Content bytes in one bulk commit.
pub const BATCH_BYTES_MAX: usize = 4 << 20;
pub const LIST_PAGE_MAX: usize = 1_000;

/// A memory to be. Accepts the aliases of other memory servers; answers always use the canonical names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewMemory {
    #[serde(alias = "memory", alias = "text", alias = "body", alias = "episode_body", alias = "fact")]
    #[serde(alias = "observation")]
    pub content: String,
    /// Empty: made from the content.
    pub title: String,
    #[serde(rename = "type", alias = "memory_type", alias = "kind", alias = "category", alias = "obs_type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "tags")]
    pub tags: Vec<String>,
    #[serde(alias = "project_id", alias = "project_name", alias = "group_id", alias = "namespace")]
    #[serde(alias = "dataset_name", skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    #[serde(alias = "priority", alias = "importance_score", alias = "quality")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Time>,
    #[serde(alias = "expiration_date", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Imports carry old times; else now.
    #[serde(alias = "timestamp", alias = "reference_time", skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Time>,
    /// Where it came from; what [`Upsert`] knows it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    #[serde(alias = "session_id", alias = "run_id", alias = "conversation_id")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// A retry with the same key answers the first one's memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// An array, or one text with commas.
pub(super) fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Tags {
        List(Vec<String>),
        Text(String),
        None(()),
    }
    Ok(match Tags::deserialize(deserializer)? {
        Tags::List(list) => list,
        Tags::Text(text) => {
            text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
        }
        Tags::None(()) => Vec::new(),
    })
}

/// As [`tags`]; `null` is not set.
fn some_tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Option::<serde_json::Value>::deserialize(deserializer)?
        .map(|given| tags(given).map_err(serde::de::Error::custom))
        .transpose()
}

/// The fields to change; what is not set stays. The names of other servers are accepted here too.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MemoryPatch {
    #[serde(alias = "memory", alias = "text", alias = "body", alias = "episode_body", alias = "fact")]
    #[serde(alias = "observation", skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(rename = "type", alias = "memory_type", alias = "kind", alias = "category", alias = "obs_type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "some_tags", skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(alias = "project_id", alias = "project_name", alias = "group_id", alias = "namespace")]
    #[serde(alias = "dataset_name", skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    #[serde(alias = "priority", alias = "importance_score", alias = "quality")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Time>,
    #[serde(alias = "expiration_date", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
}

/// A write that is on disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Saved {
    #[serde(flatten)]
    pub memory: Memory,
    /// `false`: on disk, but the record view does not show it yet. A success; asking again would do it twice.
    #[serde(default = "yes")]
    pub applied: bool,
    /// Other memories with the same content, that were there before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<Id>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Forgotten {
    pub id: Id,
    pub title: String,
    #[serde(default = "yes")]
    pub applied: bool,
    /// What becomes of the body: `hidden, erased in 24 h`, `being erased`.
    pub state: String,
}

/// What forgetting does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forgetting {
    /// Hides; erases after a day in which it can be brought back.
    #[default]
    Hide,
    /// Begins to erase; nothing brings it back.
    Erase,
}

/// A batch of an import.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Upsert {
    /// Each with a `url`. At most [`BATCH_MAX`] and [`BATCH_BYTES_MAX`].
    pub items: Vec<NewMemory>,
    /// What is being imported, for the event that ends it.
    pub source: String,
    /// Of that event; items say theirs themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// With the last batch: the counts of the whole import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UpsertedAs {
    Taken,
    Changed,
    Unchanged,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Upserted {
    pub id: Id,
    #[serde(rename = "as")]
    pub outcome: UpsertedAs,
}

/// One answer for each item, in order. An item out of bounds fails the batch: the importer checks before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpsertDone {
    pub items: Vec<Upserted>,
    pub applied: bool,
}

/// A memory as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Revision {
    /// What made it so: `memory.saved`, `memory.updated`, `memory.forgotten`, ...
    pub event: String,
    pub recorded_at: Time,
    pub actor: crate::model::Actor,
    pub correlation_id: Id,
    /// The whole revision; none where only its visibility changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListOrder {
    /// By `updated_at`, newest first.
    #[default]
    Recent,
    /// By `created_at`, oldest first.
    Oldest,
    /// By `expires_at`, soonest first; only what has one.
    Due,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ListRequest {
    pub filter: MemoryFilter,
    pub order: ListOrder,
    /// The `next` of the page before.
    pub after: Option<String>,
    /// 0: 100. At most [`LIST_PAGE_MAX`].
    pub limit: usize,
    /// What `rm` hid, instead of what it did not.
    pub forgotten: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MemoryPage {
    pub memories: Vec<Memory>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_other_servers_are_accepted() {
        let new: NewMemory = serde_json::from_str(
            r#"{"text":"t","memory_type":"howto","tags":"a, b,","group_id":"My Team","priority":0.9,"run_id":"s"}"#,
        )
        .unwrap();
        assert_eq!(
            (new.content.as_str(), new.kind.as_deref(), new.importance),
            ("t", Some("howto"), Some(0.9))
        );
        assert_eq!(
            (new.tags, new.project, new.session),
            (vec!["a".to_owned(), "b".to_owned()], Some(Project::slug("my-team")), Some("s".to_owned()))
        );
        assert!(serde_json::from_str::<NewMemory>(r#"{"content":"t","colour":"red"}"#).is_err());
        let patch: MemoryPatch =
            serde_json::from_str(r#"{"fact":"f","obs_type":"howto","tags":"a, b","quality":0.1}"#).unwrap();
        let expected = MemoryPatch {
            content: Some("f".into()),
            kind: Some("howto".into()),
            tags: Some(vec!["a".into(), "b".into()]),
            importance: Some(0.1),
            ..MemoryPatch::default()
        };
        assert_eq!(patch, expected);
        let none: MemoryPatch = serde_json::from_str(r#"{"tags":null}"#).unwrap();
        assert_eq!(none, MemoryPatch::default());
    }
}
