//! Events: what happened, to what, by whom, because of what. One per change, in the same commit as the change.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Id, Sequence, Subject, Time};

/// Who did it: `user:ada`, over an agent's tool `user:ada/claude-code`, the hub itself `hub`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Actor(pub String);

impl Actor {
    /// The hub's own doing.
    pub fn hub() -> Actor {
        Actor("hub".to_owned())
    }
}

impl Default for Actor {
    fn default() -> Actor {
        Actor("unknown".to_owned())
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How bad it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    #[default]
    Info,
    Warn,
    Error,
}

impl Severity {
    pub const ALL: [Severity; 3] = [Severity::Info, Severity::Warn, Severity::Error];

    pub fn word(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        }
    }
}

/// How long an event is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// For good: what changed a record.
    Change,
    /// 90 days: what the hub and its parts did.
    Ops,
    /// 7 days: searches served, samples.
    Telemetry,
}

impl Class {
    /// From what is kept for good to what is kept shortest.
    pub const ALL: [Class; 3] = [Class::Change, Class::Ops, Class::Telemetry];
}

/// An event as the log holds it. At the surface it is a flat CloudEvents 1.0 envelope (`api` adds the hub's name).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub id: Id,
    /// `<domain>.<action>`, such as `memory.saved`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `<project>.<domain>.<action>[.<name>]`.
    pub subject: Subject,
    /// When it happened, as claimed.
    pub time: Time,
    pub sequence: Sequence,
    /// When it was appended; never goes back along the log.
    pub recorded_at: Time,
    pub correlation_id: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Id>,
    #[serde(default)]
    pub actor: Actor,
    #[serde(default)]
    pub severity: Severity,
    /// Of a kind of which not each is told: it stands for so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_rate: Option<NonZeroU32>,
    /// Ids, titles, counts; never a record's body.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl Event {
    /// The part of the type before the dot.
    pub fn domain(&self) -> &str {
        self.kind.split('.').next().unwrap_or(&self.kind)
    }

    pub fn class(&self) -> Class {
        match (self.kind.as_str(), self.domain()) {
            ("job.progress" | "job.noted" | "hub.metrics", _) | (_, "search") => Class::Telemetry,
            ("job.defined", _) | (_, "memory" | "decision") => Class::Change,
            _ => Class::Ops,
        }
    }

    /// The id of the record it is about, where it is about one.
    pub fn record(&self) -> Option<Id> {
        self.data.get("id")?.as_str()?.parse().ok()
    }

    /// A string of its data.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.data.get(field)?.as_str()
    }
}
