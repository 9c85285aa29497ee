//! A run: what became of one slot of a job. A slot has one run, for good; its attempts are counted in it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::model::{Actor, Code, Fault, Id, Project, Sequence, Time};

/// What a run is for: no two runs of a job have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// A moment of its schedule, whether it came by itself, was caught up with or backfilled.
    At(Time),
    /// The event that set it off.
    Event(Sequence),
    /// The request that asked for it.
    Asked(Id),
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Slot::At(time) => write!(f, "at:{time}"),
            Slot::Event(sequence) => write!(f, "event:{sequence}"),
            Slot::Asked(request) => write!(f, "asked:{request}"),
        }
    }
}

impl FromStr for Slot {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Slot, Fault> {
        let parsed = text.split_once(':').and_then(|(kind, rest)| match kind {
            "at" => rest.parse().ok().map(Slot::At),
            "event" => rest.parse().ok().map(|number| Slot::Event(Sequence(number))),
            "asked" => rest.parse().ok().map(Slot::Asked),
            _ => None,
        });
        parsed.ok_or_else(|| Fault::invalid(format!("{text:?} is no slot of a job")))
    }
}

impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Slot, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|fault: Fault| de::Error::custom(fault.message))
    }
}

/// Why there is a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    Schedule,
    Event,
    Manual,
    Backfill,
    /// Somebody had a dead letter tried again.
    Retry,
    /// Its moment had passed while nothing ran.
    CatchUp,
}

/// Where a run stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for its turn, or for `start_at`.
    Queued,
    Running,
    /// An attempt failed; the next comes at `start_at`.
    Retrying,
    Succeeded,
    /// Failed for good, and somebody has seen to it.
    Failed,
    /// The hub was killed while it ran: nobody knows how far it came.
    Lost,
    Cancelled,
    /// Never ran; `skipped` says why.
    Skipped,
    /// Failed for good: a dead letter, until somebody tries it again or dismisses it.
    Dead,
}

impl RunState {
    pub const ALL: [RunState; 9] = [
        RunState::Queued,
        RunState::Running,
        RunState::Retrying,
        RunState::Succeeded,
        RunState::Failed,
        RunState::Lost,
        RunState::Cancelled,
        RunState::Skipped,
        RunState::Dead,
    ];

    pub fn word(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Retrying => "retrying",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::Lost => "lost",
            RunState::Cancelled => "cancelled",
            RunState::Skipped => "skipped",
            RunState::Dead => "dead",
        }
    }

    /// Whether something is still to come of it.
    pub fn is_live(self) -> bool {
        matches!(self, RunState::Queued | RunState::Running | RunState::Retrying)
    }
}

/// Why slots did not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Another run was not done.
    Overlap,
    /// As many wait as may.
    QueueFull,
    /// Its moment had passed, and the catch-up policy lets it go.
    Missed,
    /// The job was paused or switched off.
    Paused,
    /// A newer slot took its place.
    Replaced,
}

impl Why {
    pub fn words(self) -> &'static str {
        match self {
            Why::Overlap => "another run was not done",
            Why::QueueFull => "as many wait as may",
            Why::Missed => "its moment had passed",
            Why::Paused => "the job was paused or off",
            Why::Replaced => "a newer slot took its place",
        }
    }
}

/// Slots that did not run: the run's own and those before it that went the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Skipped {
    pub why: Why,
    /// The moment of the first of them.
    #[serde(default)]
    pub since: Time,
    /// How many; of those in between, a backfill may have run some.
    pub slots: u64,
    /// Whether there were more than were counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_least: bool,
}

/// How far an attempt says it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Progress {
    pub done: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// What an attempt failed of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunError {
    pub code: Code,
    pub message: String,
}

impl From<Fault> for RunError {
    fn from(fault: Fault) -> RunError {
        RunError { code: fault.code, message: fault.message }
    }
}

/// The right to say how an attempt ended: a result with another fence is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lease {
    /// Rises with every attempt of the job.
    pub fence: u64,
    /// By the clock on the wall; the scheduler itself measures by one that is never put.
    pub until: Time,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Run {
    /// Follows from job and slot, see [`Run::id_of`].
    pub id: Id,
    pub job: Id,
    #[serde(default)]
    pub project: Project,
    pub slot: Slot,
    pub trigger: Trigger,
    pub state: RunState,
    /// 0 before the first has started.
    #[serde(default)]
    pub attempt: u32,
    pub created_at: Time,
    pub updated_at: Time,
    /// From 1; every change adds one.
    pub revision: u32,
    /// Not before; for a retry, when it comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Time>,
    /// When its first attempt started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// What its last attempt failed of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Skipped>,
    /// While it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// An attempt was started again though nobody saw the end of the one before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_have_run_twice: bool,
    /// Who asked for it, where somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
    /// The dead letter that this tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<Id>,
}

impl Run {
    /// The id of the run of a slot, the same whoever makes it: two that decide on one slot make one record, and the
    /// second is refused. `moment` is the slot's own: its time, the event's `recorded_at`, the request's.
    pub fn id_of(job: Id, slot: &Slot, moment: Time) -> Id {
        let mut hasher = blake3::Hasher::new();
        hasher.update(job.as_bytes());
        hasher.update(slot.to_string().as_bytes());
        let mut random = [0; 10];
        hasher.finalize_xof().fill(&mut random);
        Id::from_parts(moment, random)
    }
}
