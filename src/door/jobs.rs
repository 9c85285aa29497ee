//! Jobs: what is asked and answered.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Caller;
use crate::model::{
    Fault, Id, Project, Time,
    job::{
        CatchUp, Job, Kind, Overlap, Paused, Progress, Retry, Run, RunError, RunState, Schedule, Span,
        Trigger,
    },
};

/// Runs of a page, unless told and at most.
pub const RUNS_PAGE: usize = 50;
pub const RUNS_PAGE_MAX: usize = 500;
/// Lines of a run's log in a page, unless told and at most.
pub const LOG_PAGE: usize = 1_000;
pub const LOG_PAGE_MAX: usize = 10_000;
/// Runs that a job is shown with.
pub const RECENT_MAX: usize = 20;
/// Coming slots, unless told and at most.
pub const NEXT: usize = 5;
pub const NEXT_MAX: usize = 100;

/// A job by its id or its slug.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobRef {
    Id(Id),
    Slug(String),
}

impl FromStr for JobRef {
    type Err = Fault;

    /// What is an id is meant as one.
    fn from_str(text: &str) -> Result<JobRef, Fault> {
        match text.trim() {
            "" => Err(Fault::invalid("a job is named by its slug or its id")),
            text => Ok(text.parse().map_or_else(|_| JobRef::Slug(text.to_owned()), JobRef::Id)),
        }
    }
}

impl fmt::Display for JobRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobRef::Id(id) => id.fmt(f),
            JobRef::Slug(slug) => f.write_str(slug),
        }
    }
}

/// A job to be, or the whole of one that is to be changed: its slug says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJob {
    pub slug: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Project>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// None is when asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Schedule>,
    pub kind: Kind,
    #[serde(default)]
    pub overlap: Overlap,
    #[serde(default)]
    pub catch_up: CatchUp,
    #[serde(default)]
    pub jitter: Span,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    #[serde(default)]
    pub retry: Retry,
    #[serde(default)]
    pub pause_after_dead: u32,
}

/// What became of a slot, as short as a list needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunMark {
    pub id: Id,
    pub state: RunState,
    pub trigger: Trigger,
    pub attempt: u32,
    pub created_at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_have_run_twice: bool,
}

impl From<&Run> for RunMark {
    fn from(run: &Run) -> RunMark {
        RunMark {
            id: run.id,
            state: run.state,
            trigger: run.trigger,
            attempt: run.attempt,
            created_at: run.created_at,
            start_at: run.start_at,
            started: run.started,
            ended: run.ended,
            progress: run.progress.clone(),
            error: run.error.clone(),
            may_have_run_twice: run.may_have_run_twice,
        }
    }
}

/// A job and how it goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobView {
    #[serde(flatten)]
    pub job: Job,
    /// Its schedule as a person would say it.
    pub when: String,
    /// Why it does not run: paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// Its next slot that is known; none where it waits for an event or for somebody, is paused or switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Time>,
    /// Of its runs the newest [`RECENT_MAX`], newest first, the live ones among them.
    pub recent: Vec<RunMark>,
    /// Dead letters that nobody has seen to.
    pub dead: u64,
    /// Its definition came from somewhere that is no longer there, or does not do here: `command` while commands are off,
    /// a file that was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cannot_run: Option<String>,
}

/// Until when and why a job is not to run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewPause {
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// Every slot after the first moment, up to the second, that has not run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    pub after: Time,
    pub until: Time,
}

/// Which runs to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhichRuns {
    #[default]
    All,
    /// Something is still to come of them.
    Live,
    /// Dead letters.
    Dead,
}

impl WhichRuns {
    pub const ALL: [WhichRuns; 3] = [WhichRuns::All, WhichRuns::Live, WhichRuns::Dead];

    pub fn word(self) -> &'static str {
        match self {
            WhichRuns::All => "all",
            WhichRuns::Live => "live",
            WhichRuns::Dead => "dead",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunsRequest {
    /// None is of every job.
    pub job: Option<JobRef>,
    pub which: WhichRuns,
    /// 0 is [`RUNS_PAGE`].
    pub limit: usize,
    /// `next` of the page before.
    pub after: Option<String>,
}

/// Newest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunPage {
    pub items: Vec<RunView>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A run with the name of its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunView {
    #[serde(flatten)]
    pub run: Run,
    pub slug: String,
    /// Oldest first. Those whose events are no longer kept are missing; `attempt` counts them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<RunAttempt>,
}

/// One attempt of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunAttempt {
    /// From 1.
    pub number: u32,
    pub started: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Time>,
    /// Running, or how it ended: succeeded, failed, lost, cancelled.
    pub state: RunState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
}

/// Who said a line: one of a command's two outputs, or the hub itself about the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    Out,
    Err,
    Note,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LogLine {
    /// From 1 in each run, in the order of writing.
    pub number: u64,
    pub time: Time,
    pub stream: LogStream,
    pub text: String,
    /// It was longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

/// Lines of a run, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RunLog {
    pub lines: Vec<LogLine>,
    /// The number of the last of them, or what was asked with: ask again with it for the lines after.
    pub cursor: u64,
    /// Lines after the one asked with that are gone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub missed: u64,
    /// Whether the run may still say something.
    pub live: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Jobs behind the door. Cancelling a call never undoes what it asked for.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Every job, by its name.
    async fn jobs(&self, caller: &Caller) -> Result<Vec<JobView>, Fault>;

    async fn job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault>;

    /// Makes a job, or changes the one of this slug. Those of files and the program's own are changed where they are from.
    async fn define_job(&self, caller: &Caller, new: NewJob) -> Result<JobView, Fault>;

    /// Switches a job on or off for good; pausing is for a while.
    async fn enable_job(&self, caller: &Caller, job: JobRef, enabled: bool) -> Result<JobView, Fault>;

    /// One run now; answers when it is recorded as queued.
    async fn run_job(&self, caller: &Caller, job: JobRef) -> Result<RunView, Fault>;

    async fn pause_job(&self, caller: &Caller, job: JobRef, pause: NewPause) -> Result<JobView, Fault>;

    async fn resume_job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault>;

    /// The runs that came of it.
    async fn backfill(&self, caller: &Caller, job: JobRef, slots: Backfill) -> Result<Vec<RunView>, Fault>;

    /// The next `count` slots (0 is [`NEXT`]) after a moment, else after now.
    async fn next_slots(
        &self,
        caller: &Caller,
        job: JobRef,
        count: usize,
        after: Option<Time>,
    ) -> Result<Vec<Time>, Fault>;

    async fn runs(&self, caller: &Caller, runs: RunsRequest) -> Result<RunPage, Fault>;

    async fn run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault>;

    /// Asks it to end; answers when that is recorded.
    async fn cancel_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault>;

    /// A dead letter once more; answers the new run.
    async fn retry_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault>;

    /// A dead letter is seen to.
    async fn dismiss_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault>;

    /// What a run said after the line of this number (0 is from the start); `limit` 0 is [`LOG_PAGE`].
    async fn run_log(&self, caller: &Caller, run: Id, after: u64, limit: usize) -> Result<RunLog, Fault>;
}
