//! The door: the one trait through which any face asks any hub for anything.
//!
//! A face never knows whether the hub is in its own process or behind a socket: `hub` implements the door over the
//! store, `remote` over HTTP. Requests and answers are plain data with names as at the surface, so that `api`
//! passes them through unchanged. Faults are [`Fault`]; nothing else crosses.

mod decisions;
mod events;
mod health;
pub mod id;
mod jobs;
mod keys;
mod memories;
mod search;
mod status;

pub use decisions::{
    Calibration, DecisionOrder, DecisionPage, DecisionPatch, DecisionRevision, DecisionTaken, Decisions,
    DecisionsRequest, DecisionsTaken, ImportedDecision, NewDecision, NewOutcome, SavedDecision,
};
pub use events::{
    BUCKETS_MAX, EVENT_BYTES_MAX, EVENTS_PAGE_MAX, EventBucket, EventGap, EventPage, EventQuery, EventStats,
    NewEvent, OWN_DOMAINS, Order, PUBLISH_MAX, Publish, Published, StreamItem, StreamRequest,
};
pub use health::{
    Anchor, BreakerStatus, BreakerWord, Component, Condition, Health, Overall, Quantiles, TREND_POINTS_MAX,
    TREND_STEP_MS, TrendPoint, Trends, Wellbeing,
};
pub use jobs::{
    Backfill, JobRef, JobView, Jobs, LOG_PAGE, LOG_PAGE_MAX, LogLine, LogStream, NEXT, NEXT_MAX, NewJob,
    NewPause, RECENT_MAX, RUNS_PAGE, RUNS_PAGE_MAX, RunAttempt, RunLog, RunMark, RunPage, RunView,
    RunsRequest, WhichRuns,
};
pub use keys::{Admission, Admitted, Denial, KeyView, Keys, MadeKey, NewKey, Unfit};
pub use memories::{
    BATCH_BYTES_MAX, BATCH_MAX, Forgetting, Forgotten, LIST_PAGE_MAX, ListOrder, ListRequest, MemoryPage,
    MemoryPatch, NewMemory, Revision, Saved, Upsert, UpsertDone, Upserted, UpsertedAs,
};
pub use search::{
    Explanation, Hit, Legs, Ranks, RecordKind, SEARCH_LIMIT_MAX, SUGGEST_MAX, SearchAnswer, SearchMode,
    SearchRequest, Step, SuggestAnswer, SuggestRequest, Suggestion, TOTAL_EXACT_MAX, TermWorth,
};
pub use status::{
    CacheStatus, Cleaning, Damage, Disk, FsckReport, Limit, Listener, Refusal, Status, ViewState, ViewStatus,
    Writes, short_span,
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::model::{Actor, Code, Decision, Fault, Id, Memory, Project, Projects};

/// Who asks, on whose behalf, and what they may see. Made by the face that knows (the socket's peer, a key).
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    pub actor: Actor,
    /// Joins everything one request caused, through every event.
    pub correlation: Id,
    pub session: Option<String>,
    pub tool: Option<String>,
    /// The wall around what a key may see; narrower than any filter in a request.
    pub projects: Projects,
}

impl Caller {
    /// Whether it may put a record there.
    pub fn may_write(&self, project: &Project) -> Result<(), Fault> {
        if self.projects.see(project) {
            return Ok(());
        }
        Err(Fault::new(Code::Denied, format!("project {project} is not open to this caller")))
    }
}

/// A name for a view in requests that act on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ViewName {
    Records,
    Lexical,
    Vectors,
}

impl ViewName {
    pub const ALL: [ViewName; 3] = [ViewName::Records, ViewName::Lexical, ViewName::Vectors];

    pub fn word(self) -> &'static str {
        match self {
            ViewName::Records => "records",
            ViewName::Lexical => "lexical",
            ViewName::Vectors => "vectors",
        }
    }
}

/// One line of an export: a record or an event, with which it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum ExportLine {
    Memory {
        #[serde(flatten)]
        memory: Box<Memory>,
        /// Hidden by `rm`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        forgotten: bool,
    },
    Decision {
        #[serde(flatten)]
        decision: Box<Decision>,
    },
    Event {
        #[serde(flatten)]
        event: crate::model::Event,
    },
}

/// A hub, wherever it is. Cancelling a call never undoes what it asked for: a commit on its way is finished.
#[async_trait]
pub trait Door: Decisions + Jobs + Keys + Wellbeing {
    /// Saves a new memory.
    async fn add(&self, caller: &Caller, new: NewMemory) -> Result<Saved, Fault>;

    /// Changes the fields that are set. `revision` given: refused as a conflict when it is no longer that.
    async fn edit(
        &self,
        caller: &Caller,
        id: Id,
        patch: MemoryPatch,
        revision: Option<u32>,
    ) -> Result<Saved, Fault>;

    /// Saves a memory that takes another's place, both links in one commit; answers the new one.
    async fn supersede(&self, caller: &Caller, id: Id, new: NewMemory) -> Result<Saved, Fault>;

    /// Takes it out of every answer; of a hidden one only [`Forgetting::Erase`] makes sense.
    async fn forget(&self, caller: &Caller, id: Id, how: Forgetting) -> Result<Forgotten, Fault>;

    /// Brings back what [`Door::forget`] hid and the cleaner has not erased.
    async fn restore(&self, caller: &Caller, id: Id) -> Result<Saved, Fault>;

    /// Saves many in one commit of the bulk lane, each known by its `origin.url`: new, changed or left alone.
    async fn upsert(&self, caller: &Caller, batch: Upsert) -> Result<UpsertDone, Fault>;

    /// These memories, in this order; `not_found` names the first that is not there or not to be seen.
    async fn get(&self, caller: &Caller, ids: &[Id]) -> Result<Vec<Memory>, Fault>;

    /// Every revision, newest first.
    async fn history(&self, caller: &Caller, id: Id) -> Result<Vec<Revision>, Fault>;

    /// Memories by a secondary index, without ranking.
    async fn list(&self, caller: &Caller, list: ListRequest) -> Result<MemoryPage, Fault>;

    /// Ranked memories for a query in the query language.
    async fn search(&self, caller: &Caller, request: SearchRequest) -> Result<SearchAnswer, Fault>;

    /// Completions of a query's last word.
    async fn suggest(&self, caller: &Caller, request: SuggestRequest) -> Result<SuggestAnswer, Fault>;

    /// Tells that a hit was opened: the search becomes an event, the memory's use is counted.
    async fn opened(&self, caller: &Caller, id: Id, query: &str) -> Result<(), Fault>;

    /// Records events that somebody else tells: all in one commit, or none.
    async fn publish(&self, caller: &Caller, publish: Publish) -> Result<Published, Fault>;

    /// A page of history.
    async fn events(&self, caller: &Caller, query: EventQuery) -> Result<EventPage, Fault>;

    /// Counts by subject without its project and name (`memory.saved`).
    async fn event_stats(&self, caller: &Caller, query: EventQuery) -> Result<EventStats, Fault>;

    /// Events from a cursor on and then live, without end; ends only when the hub goes away.
    async fn stream(
        &self,
        caller: &Caller,
        request: StreamRequest,
    ) -> Result<BoxStream<'static, Result<StreamItem, Fault>>, Fault>;

    /// What the hub is and how it does.
    async fn status(&self) -> Result<Status, Fault>;

    /// Throws a view away and builds it anew from the log; answers at once, [`Door::status`] shows the progress.
    async fn reindex(&self, caller: &Caller, view: ViewName) -> Result<(), Fault>;

    /// Reads every frame of the log and holds every view against it.
    async fn fsck(&self, caller: &Caller) -> Result<FsckReport, Fault>;

    /// Every record, then every event.
    async fn export(&self, caller: &Caller) -> Result<BoxStream<'static, Result<ExportLine, Fault>>, Fault>;
}
