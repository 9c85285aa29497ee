//! A commit: the changes and events that happen together or not at all, and what must hold for them to.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Actor, Class, Decision, DecisionNumber, Event, Id, Key, Memory, Sequence, Severity, Subject, Time,
    job::{Job, JobState, Run},
};

/// What a commit does to the record view. Tagged from outside: serde reads inner tags as if from text, and ids and
/// moments are not text in files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// This revision is now the memory.
    Put { memory: Memory },
    /// Hidden from every list and search; its history stays until a cleaner erases it.
    Forget { id: Id },
    /// No longer hidden: this, its last revision, is seen again. Whole, so that a view needs no other to apply it.
    Restore { memory: Memory },
    /// Its answer was opened: counts towards `access_count`.
    Accessed { id: Id },
    /// How often its answers were opened until here, and when last: said again before what told of it is cleaned away.
    Counted { id: Id, access_count: u64, last_accessed: Time },
    /// Its every revision is gone from the view and is being erased from all files.
    Erase { id: Id },
    /// Nothing of it is left in any file.
    Erased { id: Id },
    /// This revision is now the decision.
    Decide { decision: Box<Decision> },
    /// This revision is now the job's definition.
    Define { job: Box<Job> },
    /// Where the scheduler now stands with the job.
    Stand { state: Box<JobState> },
    /// This revision is now the run.
    Run { run: Box<Run> },
    /// This revision is now the key.
    Key { key: Box<Key> },
    /// The run is kept no longer.
    Pass { id: Id },
}

impl Change {
    pub fn id(&self) -> Id {
        match self {
            Change::Put { memory } | Change::Restore { memory } => memory.id,
            Change::Forget { id }
            | Change::Accessed { id }
            | Change::Counted { id, .. }
            | Change::Erase { id }
            | Change::Erased { id }
            | Change::Pass { id } => *id,
            Change::Decide { decision } => decision.id,
            Change::Define { job } => job.id,
            Change::Stand { state } => state.job,
            Change::Run { run } => run.id,
            Change::Key { key } => key.id,
        }
    }

    /// What it gives to its record alone.
    pub fn unique(&self) -> Option<Unique> {
        match self {
            Change::Decide { decision } => Some(Unique::Number(decision.number)),
            Change::Define { job } => Some(Unique::Slug(job.slug.clone())),
            Change::Key { key } => Some(Unique::Key(key.short.clone())),
            _ => None,
        }
    }

    /// Whether it need not outlive the events that tell it: what still counts of it is said again before it goes.
    pub fn is_passing(&self) -> bool {
        self.is_use() || matches!(self, Change::Stand { .. } | Change::Run { .. } | Change::Pass { .. })
    }

    /// Whether it counts a use, and no more.
    pub fn is_use(&self) -> bool {
        matches!(self, Change::Accessed { .. } | Change::Counted { .. })
    }
}

/// What only one record may have: the second one is refused before the log has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unique {
    /// The number of a decision.
    Number(DecisionNumber),
    /// The slug of a job.
    Slug(String),
    /// The short part of a key.
    Key(String),
}

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unique::Number(number) => write!(f, "the number {number}"),
            Unique::Slug(slug) => write!(f, "the slug {slug}"),
            Unique::Key(short) => write!(f, "the key {short}"),
        }
    }
}

/// An event before the log has given it its place and moment.
#[derive(Debug, Clone, PartialEq)]
pub struct EventDraft {
    pub id: Id,
    pub kind: String,
    pub subject: Subject,
    pub time: Time,
    pub correlation_id: Id,
    pub causation_id: Option<Id>,
    pub actor: Actor,
    pub severity: Severity,
    pub sampled_rate: Option<NonZeroU32>,
    pub data: Map<String, Value>,
}

impl EventDraft {
    /// The event at its place.
    pub fn placed(self, sequence: Sequence, recorded_at: Time) -> Event {
        Event {
            id: self.id,
            kind: self.kind,
            subject: self.subject,
            time: self.time,
            sequence,
            recorded_at,
            correlation_id: self.correlation_id,
            causation_id: self.causation_id,
            actor: self.actor,
            severity: self.severity,
            sampled_rate: self.sampled_rate,
            data: self.data,
        }
    }
}

/// What the writer checks, in log order, before a commit gets its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// The record exists (hidden or not) at this revision.
    Revision { id: Id, revision: u32 },
    /// The memory exists and is, or is not, hidden.
    Hidden { id: Id, hidden: bool },
    /// No record has this id.
    Absent { id: Id },
    /// No record has this.
    Vacant { unique: Unique },
    /// The scheduler's state of the job is of this revision; 0 is that there is none.
    Stands { job: Id, revision: u64 },
}

/// Interactive commits go before bulk ones, so an import never delays a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lane {
    #[default]
    Interactive,
    Bulk,
}

/// What is to happen together. At least one event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Commit {
    pub changes: Vec<Change>,
    pub events: Vec<EventDraft>,
    pub preconditions: Vec<Precondition>,
    /// A retry with the same key within 24 h gets the first commit's position and makes no second one.
    pub idempotency_key: Option<String>,
    pub lane: Lane,
}

impl Commit {
    /// Whether it may be made while room is held back: the hub's own doing, what only takes away, and what becomes of
    /// runs, whoever asked for them: one that ended has ended.
    pub fn may_pass_a_hold(&self) -> bool {
        let may_pass = |change: &Change| {
            matches!(
                change,
                Change::Forget { .. }
                    | Change::Erase { .. }
                    | Change::Stand { .. }
                    | Change::Run { .. }
                    | Change::Pass { .. }
            )
        };
        let hub = Actor::hub();
        self.events.iter().all(|event| event.actor == hub)
            || !self.changes.is_empty() && self.changes.iter().all(may_pass)
    }
}

/// A commit as the log holds it: what every view is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// In order, numbers contiguous, one `recorded_at` for all.
    pub events: Vec<Event>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

impl Entry {
    pub fn first(&self) -> Sequence {
        self.events.first().map_or(Sequence::ZERO, |event| event.sequence)
    }

    /// The position after which this entry has been applied.
    pub fn last(&self) -> Sequence {
        self.events.last().map_or(Sequence::ZERO, |event| event.sequence)
    }

    pub fn recorded_at(&self) -> Time {
        self.events.first().map_or(Time::default(), |event| event.recorded_at)
    }

    /// How long it is kept: as the event of it that is kept longest, and for good where it changed a record.
    pub fn class(&self) -> Class {
        let longest = self.events.iter().map(Event::class).min().unwrap_or(Class::Change);
        if self.changes.iter().all(Change::is_passing) { longest } else { Class::Change }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{decode, encode};

    #[test]
    fn while_room_is_held_back_the_hub_may_write_and_others_may_take_away() {
        let told = |actor: &str| EventDraft {
            id: Id::NIL,
            kind: "memory.saved".into(),
            subject: "_.memory.saved".parse().unwrap(),
            time: Time::default(),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor(actor.into()),
            severity: Severity::Info,
            sampled_rate: None,
            data: Map::new(),
        };
        let passes = |actor: &str, changes: Vec<Change>| {
            Commit { events: vec![told(actor)], changes, ..Commit::default() }.may_pass_a_hold()
        };
        let id = Id::NIL;
        assert!(passes("hub", vec![]) && passes("hub", vec![Change::Erased { id }]));
        assert!(
            passes("user:ada", vec![Change::Forget { id }]) && passes("user:ada", vec![Change::Erase { id }])
        );
        assert!(passes("user:ada", vec![Change::Pass { id }]));
        assert!(!passes("user:ada", vec![]) && !passes("user:ada", vec![Change::Accessed { id }]));
        assert!(!passes("user:ada", vec![Change::Forget { id }, Change::Accessed { id }]));
    }

    #[test]
    fn an_entry_reads_back_and_keeps_reading_when_fields_are_added() {
        let memory: Memory = serde_json::from_value(serde_json::json!({
            "id": Id::NIL, "created_at": "2026-11-21T00:00:00Z", "updated_at": "2026-11-21T00:00:00Z",
            "revision": 1, "content": "kept", "metadata": { "deep": { "er": [1, 2.5, null] } },
        }))
        .unwrap();
        let draft = EventDraft {
            id: Id::from_bytes([7; 16]),
            kind: "memory.saved".into(),
            subject: "_.memory.saved".parse().unwrap(),
            time: Time::from_unix_ms(5),
            correlation_id: Id::NIL,
            causation_id: None,
            actor: Actor::hub(),
            severity: Severity::Info,
            sampled_rate: None,
            data: Map::new(),
        };
        let entry = Entry {
            events: vec![draft.placed(Sequence(9), Time::from_unix_ms(6))],
            changes: vec![
                Change::Put { memory },
                Change::Forget { id: Id::NIL },
                Change::Accessed { id: Id::NIL },
            ],
            idempotency_key: Some("k".into()),
        };
        assert_eq!(decode::<Entry>(&encode(&entry)).unwrap(), entry);
        assert_eq!((entry.first(), entry.last()), (Sequence(9), Sequence(9)));

        // A newer writer's field is ignored, an older writer's absence is a default.
        #[derive(Serialize)]
        struct Newer<'a> {
            events: &'a [Event],
            shade: u8,
        }
        let newer = encode(&Newer { events: &entry.events, shade: 3 });
        let read: Entry = decode(&newer).unwrap();
        assert_eq!((read.events, read.changes, read.idempotency_key), (entry.events, vec![], None));
    }
}
