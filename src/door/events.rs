//! Events: what is asked and answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Status;
use crate::model::{Cursor, Event, EventFilter, Sequence};

pub const EVENTS_PAGE_MAX: usize = 1_000;

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
    pub order: Order,
    /// 0: 100. At most [`EVENTS_PAGE_MAX`].
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventPage {
    pub events: Vec<Event>,
    /// Where reading goes on in the same order: `after` when ascending, `before` when descending. None: no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Cursor>,
    pub head: Cursor,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EventStats {
    /// Events by type.
    pub counts: BTreeMap<String, u64>,
    pub total: u64,
    /// By severity's word.
    pub severities: BTreeMap<String, u64>,
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
