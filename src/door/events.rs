//! Events: what is asked and answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Status;
use crate::model::{Cursor, Event, EventFilter, Fault, Id, Project, Sequence, Severity, Subject, Time};

pub const EVENTS_PAGE_MAX: usize = 1_000;
/// Counts are told for at most so many spans: more than a screen has columns.
pub const BUCKETS_MAX: usize = 1_000;

/// Of what is published.
pub const EVENT_BYTES_MAX: usize = 256 << 10;
pub const PUBLISH_MAX: usize = 1_000;
/// What only the hub itself tells of, so that it stays true.
pub const OWN_DOMAINS: [&str; 22] = [
    "memory", "decision", "mistake", "solution", "pattern", "job", "search", "source", "document", "session",
    "project", "health", "alert", "breaker", "hub", "store", "conn", "auth", "config", "agent", "backup",
    "key",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Newest first.
    #[default]
    Desc,
    /// Oldest first.
    Asc,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EventQuery {
    pub filter: EventFilter,
    /// Only events after this place.
    pub after: Option<Cursor>,
    /// Only events before this place.
    pub before: Option<Cursor>,
    /// By `recorded_at`, which ascends along the log, from here on.
    pub recorded_since: Option<Time>,
    /// By `recorded_at`, before this.
    pub recorded_until: Option<Time>,
    pub order: Order,
    /// 0: 100. At most [`EVENTS_PAGE_MAX`].
    pub limit: usize,
    /// Of counts: told apart by so many spans of the same length between `recorded_since` and `recorded_until`, which
    /// must both be there. At most [`BUCKETS_MAX`]; 0 is none.
    pub buckets: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventPage {
    pub events: Vec<Event>,
    /// What is missing between the events, and before the first of them: oldest first, at most one between two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<EventGap>,
    /// Where reading goes on in the same order: `after` when ascending, `before` when descending. None: no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    /// When that was recorded which was looked at last, matching or not. None: nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Time>,
    pub head: Cursor,
}

/// Events that once bore numbers here and are not to be had any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventGap {
    pub from: Sequence,
    pub to: Sequence,
    /// So many of the numbers between these two, both included.
    pub missing: u64,
    /// `cleaned` or `damaged`.
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventStats {
    /// Events by type.
    pub counts: BTreeMap<String, u64>,
    pub total: u64,
    /// By severity's word.
    pub severities: BTreeMap<String, u64>,
    /// By when they were recorded, if that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<EventBucket>,
}

/// What was recorded in one of the spans that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventBucket {
    pub events: u64,
    /// Of them.
    pub errors: u64,
}

/// An event to be, told by somebody else than the hub.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewEvent {
    /// `<domain>.<action>`, such as `deploy.finished`; the domain is none of [`OWN_DOMAINS`].
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about, in one word: the subject's last token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    /// When it happened; none is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// What it belongs to; none is the request's own.
    #[serde(alias = "correlationid", skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<Id>,
    #[serde(alias = "causationid", skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<Id>,
    #[serde(alias = "severitytext")]
    pub severity: Severity,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl NewEvent {
    /// Its subject, or what is wrong with it.
    pub fn subject(&self, project: &Project) -> Result<Subject, Fault> {
        let Some((domain, action)) = self.kind.split_once('.') else {
            return Err(Fault::invalid(format!("{:?} is no type of an event", self.kind))
                .hint("a type is <domain>.<action>, for example deploy.finished"));
        };
        if OWN_DOMAINS.contains(&domain) {
            return Err(Fault::invalid(format!("events of {domain} are told by the hub alone"))
                .hint("choose another domain, for example deploy, ci or app"));
        }
        let name = self.name.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
        let text = format!("{project}.{domain}.{action}{name}");
        let subject: Subject =
            text.parse().map_err(|error| Fault::invalid(format!("{text:?} is no subject")).cause(error))?;
        if action.contains('.') {
            return Err(Fault::invalid(format!("{:?} is no type of an event", self.kind))
                .hint("a type has one dot; what it is about goes into name"));
        }
        let bytes = serde_json::to_vec(self).map_or(0, |bytes| bytes.len());
        if bytes > EVENT_BYTES_MAX {
            return Err(Fault::invalid(format!("an event has {bytes} bytes, at most {EVENT_BYTES_MAX}"))
                .hint("say where the rest is, not the rest"));
        }
        Ok(subject)
    }
}

/// Events to be recorded together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Publish {
    pub events: Vec<NewEvent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// Where they went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Published {
    pub ids: Vec<Id>,
    pub last: Cursor,
    pub applied: bool,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StreamRequest {
    pub filter: EventFilter,
    /// From after this place; none is from now on.
    pub after: Option<Cursor>,
}

/// What a stream carries.
#[derive(Debug, Clone, PartialEq)]
pub enum StreamItem {
    /// The place the stream starts from: first, once, so that a client has a cursor before any event.
    Start {
        cursor: Cursor,
    },
    Event {
        cursor: Cursor,
        event: Event,
    },
    /// History between these is not to be had here; `reason` is `history_changed`, `cleaned` or `damaged`.
    Gap {
        from: Sequence,
        to: Sequence,
        reason: String,
    },
    /// Every event up to `cursor` has been looked at. Once, when the past is done; live from here.
    CaughtUp {
        cursor: Cursor,
    },
    /// Every 15 s, and at once when the hub's status changes. A filtered client takes its place from `status.head`.
    Heartbeat {
        status: Box<Status>,
    },
}
