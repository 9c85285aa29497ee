//! The boundary around the door: what leaves it as a fault is counted by its code and logged with its correlation id, and
//! a panic leaves it as a fault.
//!
//! A table of the door's calls, each handed on as it came. What the hub does by itself and fails at goes through
//! [`Hub::failed`].

use std::{any::Any, future::Future, panic::AssertUnwindSafe, sync::Arc};

use async_trait::async_trait;
use futures::{FutureExt, stream::BoxStream};

use super::{Hub, HubDoor};
use crate::{
    door::{
        Backfill, Caller, DecisionPage, DecisionPatch, DecisionRevision, Decisions, DecisionsRequest,
        DecisionsTaken, Door, EventPage, EventQuery, EventStats, ExportLine, Forgetting, Forgotten,
        FsckReport, Health, ImportedDecision, JobRef, JobView, Jobs, KeyView, Keys, ListRequest, MadeKey,
        MemoryPage, MemoryPatch, NewDecision, NewJob, NewKey, NewMemory, NewOutcome, NewPause, Publish,
        Published, Revision, RunLog, RunPage, RunView, RunsRequest, Saved, SavedDecision, SearchAnswer,
        SearchRequest, Status, StreamItem, StreamRequest, SuggestAnswer, SuggestRequest, Trends, Upsert,
        UpsertDone, ViewName, Wellbeing,
    },
    model::{Calibration, Code, Decision, DecisionFilter, DecisionRef, Fault, Id, Memory, Time, job::Span},
};

/// The door of a hub in this process, as faces get it.
pub struct Boundary(pub(super) HubDoor);

impl Boundary {
    pub(super) async fn answered<T>(
        &self,
        call: &'static str,
        correlation: Option<Id>,
        asked: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let answer = AssertUnwindSafe(asked).catch_unwind().await.unwrap_or_else(|panic| {
            Err(Fault::bug("a part of the hub stopped in the middle of this request")
                .cause(words(&*panic))
                .hint("nothing that was acknowledged is lost; ask again"))
        });
        if let Err(fault) = &answer {
            self.0.0.health.errors.count(fault.code);
            log(call, correlation, fault);
        }
        answer
    }
}

impl Hub {
    /// The door for faces.
    pub fn door(self: &Arc<Hub>) -> Arc<dyn Door> {
        Arc::new(Boundary(HubDoor(self.clone())))
    }

    /// Something failed that nobody asked for: counted and logged as an answer would be.
    pub(super) fn failed(&self, doing: &'static str, fault: &Fault) {
        self.health.errors.count(fault.code);
        tracing::error!(%fault, code = %fault.code, cause = fault.cause, doing, "failed");
    }
}

/// What is the caller's own is not worth a line of an ordinary log.
fn log(call: &'static str, correlation: Option<Id>, fault: &Fault) {
    let correlation = correlation.map(tracing::field::display);
    match fault.code {
        Code::Bug | Code::Damaged => {
            tracing::error!(%fault, code = %fault.code, cause = fault.cause, call, correlation, "answered");
        }
        Code::Unavailable | Code::Timeout | Code::Full | Code::Busy => {
            tracing::warn!(%fault, code = %fault.code, cause = fault.cause, call, correlation, "answered");
        }
        Code::Invalid | Code::NotFound | Code::Conflict | Code::Denied | Code::Unsupported => {
            tracing::debug!(%fault, code = %fault.code, cause = fault.cause, call, correlation, "answered");
        }
    }
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

/// `call(caller)(arguments) -> answer`, as the trait has it.
macro_rules! bounded {
    ($door:ident { $($call:ident ($($caller:ident)?) ($($arg:ident : $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl $door for Boundary {
            $(async fn $call(&self, $($caller: &Caller,)? $($arg: $type),*) -> Result<$answer, Fault> {
                let correlation = None::<Id>$(.or(Some($caller.correlation)))?;
                let asked = <HubDoor as $door>::$call(&self.0, $($caller,)? $($arg),*);
                self.answered(stringify!($call), correlation, asked).await
            })*
        }
    };
}

bounded! { Door {
    add(caller)(new: NewMemory) -> Saved;
    edit(caller)(id: Id, patch: MemoryPatch, revision: Option<u32>) -> Saved;
    supersede(caller)(id: Id, new: NewMemory) -> Saved;
    forget(caller)(id: Id, how: Forgetting) -> Forgotten;
    restore(caller)(id: Id) -> Saved;
    upsert(caller)(batch: Upsert) -> UpsertDone;
    get(caller)(ids: &[Id]) -> Vec<Memory>;
    history(caller)(id: Id) -> Vec<Revision>;
    list(caller)(list: ListRequest) -> MemoryPage;
    search(caller)(request: SearchRequest) -> SearchAnswer;
    suggest(caller)(request: SuggestRequest) -> SuggestAnswer;
    opened(caller)(id: Id, query: &str) -> ();
    publish(caller)(publish: Publish) -> Published;
    events(caller)(query: EventQuery) -> EventPage;
    event_stats(caller)(query: EventQuery) -> EventStats;
    stream(caller)(request: StreamRequest) -> BoxStream<'static, Result<StreamItem, Fault>>;
    status()() -> Status;
    reindex(caller)(view: ViewName) -> ();
    fsck(caller)() -> FsckReport;
    export(caller)() -> BoxStream<'static, Result<ExportLine, Fault>>;
} }

bounded! { Decisions {
    decide(caller)(new: NewDecision) -> SavedDecision;
    edit_decision(caller)(decision: DecisionRef, patch: DecisionPatch, revision: Option<u32>) -> SavedDecision;
    supersede_decision(caller)(decision: DecisionRef, new: NewDecision) -> SavedDecision;
    record_outcome(caller)(decision: DecisionRef, outcome: NewOutcome) -> SavedDecision;
    import_decisions(caller)(batch: Vec<ImportedDecision>) -> DecisionsTaken;
    decision(caller)(decision: DecisionRef) -> Decision;
    decision_history(caller)(decision: DecisionRef) -> Vec<DecisionRevision>;
    decisions(caller)(request: DecisionsRequest) -> DecisionPage;
    calibration(caller)(filter: DecisionFilter) -> Calibration;
} }

bounded! { Jobs {
    jobs(caller)() -> Vec<JobView>;
    job(caller)(job: JobRef) -> JobView;
    define_job(caller)(new: NewJob) -> JobView;
    enable_job(caller)(job: JobRef, enabled: bool) -> JobView;
    run_job(caller)(job: JobRef) -> RunView;
    pause_job(caller)(job: JobRef, pause: NewPause) -> JobView;
    resume_job(caller)(job: JobRef) -> JobView;
    backfill(caller)(job: JobRef, slots: Backfill) -> Vec<RunView>;
    next_slots(caller)(job: JobRef, count: usize, after: Option<Time>) -> Vec<Time>;
    runs(caller)(runs: RunsRequest) -> RunPage;
    run(caller)(run: Id) -> RunView;
    cancel_run(caller)(run: Id) -> RunView;
    retry_run(caller)(run: Id) -> RunView;
    dismiss_run(caller)(run: Id) -> RunView;
    run_log(caller)(run: Id, after: u64, limit: usize) -> RunLog;
} }

bounded! { Keys {
    create_key(caller)(new: NewKey) -> MadeKey;
    keys(caller)() -> Vec<KeyView>;
    rotate_key(caller)(key: &str, overlap: Span) -> MadeKey;
    revoke_key(caller)(key: &str) -> Vec<KeyView>;
} }

bounded! { Wellbeing {
    health()() -> Health;
    trends()(after: Option<Time>) -> Trends;
} }
