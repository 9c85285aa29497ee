//! What the machine decided, as one commit of the log; and what the store says to it.

use serde_json::{Map, Value, json};

use crate::{
    hub::{
        Hub,
        told::{hub_caller, object},
    },
    jobs::{self, Input, Refusal, Told, Write},
    model::{
        Actor, Change, Code, Commit, EventDraft, Fault, Id, Precondition, Severity, Subject,
        job::{Job, Run, RunState},
    },
    store::Store,
};

/// What the machine tells, and the event that does.
const TOLD: [(&str, &str); 11] = [
    ("scheduled", "job.scheduled"),
    ("started", "job.started"),
    ("succeeded", "job.succeeded"),
    ("failed", "job.failed"),
    ("lost", "job.lost"),
    ("cancelled", "job.cancelled"),
    ("skipped", "job.skipped"),
    ("dead", "job.dead"),
    ("dismissed", "job.dismissed"),
    ("paused", "job.paused"),
    ("resumed", "job.resumed"),
];
/// Where the scheduler stands with a job is another now, and nothing else is to be told.
const NOTED: &str = "job.noted";

/// Hands a commit in; handed in again it happens once.
pub async fn record(hub: &Hub, job: &Job, commit: jobs::Commit) -> Input {
    let (id, revision) = (commit.state.job, commit.state.revision);
    let unknown = Input::Unknown { job: id, revision };
    match hub.store.commit(to_log(hub, job, &commit)).await {
        Ok(committed) if committed.applied => Input::Recorded { job: id, revision },
        // In the log, and to be seen once the records have caught up.
        Ok(_) => unknown,
        Err(fault) if matches!(fault.code, Code::Conflict | Code::NotFound) => {
            match hub.read(move |store| why_refused(store, &commit)).await {
                Ok(Verdict::Recorded) => Input::Recorded { job: id, revision },
                Ok(Verdict::Refused(refusal)) => Input::Refused { job: id, revision, refusal },
                Ok(Verdict::NotSeenYet) => unknown,
                Err(fault) => {
                    tracing::warn!(%fault, cause = ?fault.cause, job = %job.slug, "why a commit was refused is not known");
                    unknown
                }
            }
        }
        Err(fault) => {
            tracing::warn!(%fault, cause = ?fault.cause, job = %job.slug, "whether a commit was recorded is not known");
            unknown
        }
    }
}

enum Verdict {
    /// By an earlier handing in.
    Recorded,
    Refused(Refusal),
    /// What refused it has not come to the records yet.
    NotSeenYet,
}

fn why_refused(store: &Store, commit: &jobs::Commit) -> Result<Verdict, Fault> {
    let stored = store.job_state(commit.state.job)?;
    if stored.as_ref() == Some(&commit.state) {
        return Ok(Verdict::Recorded);
    }
    let mut refusal = Refusal {
        moved: stored.map_or(0, |state| state.revision) + 1 != commit.state.revision,
        ..Refusal::default()
    };
    for write in &commit.writes {
        let found = store.run(write.run().id)?;
        match (write, found) {
            (Write::Insert(_), Some(run)) => refusal.taken.push(run),
            (Write::Update(run), found)
                if found.as_ref().map(|run| run.revision + 1) != Some(run.revision) =>
            {
                refusal.stale.push(run.id);
            }
            _ => {}
        }
    }
    let is_known = refusal.moved || !refusal.taken.is_empty() || !refusal.stale.is_empty();
    Ok(if is_known { Verdict::Refused(refusal) } else { Verdict::NotSeenYet })
}

fn to_log(hub: &Hub, job: &Job, commit: &jobs::Commit) -> Commit {
    let state = &commit.state;
    let mut log = Commit {
        preconditions: vec![Precondition::Stands { job: state.job, revision: state.revision - 1 }],
        changes: vec![Change::Stand { state: Box::new(state.clone()) }],
        ..Commit::default()
    };
    for write in &commit.writes {
        let run = write.run();
        log.preconditions.push(match write {
            Write::Insert(run) => Precondition::Absent { id: run.id },
            Write::Update(run) => Precondition::Revision { id: run.id, revision: run.revision - 1 },
        });
        log.changes.push(Change::Run { run: Box::new(run.clone()) });
    }
    log.events = commit.told.iter().map(|told| event(hub, job, commit, told)).collect();
    if log.events.is_empty() {
        let data = object(json!({ "considered": state.considered, "held": state.held }));
        log.events.push(EventDraft { severity: Severity::Info, ..job_event(hub, job, None, NOTED, data) });
    }
    log
}

fn event(hub: &Hub, job: &Job, commit: &jobs::Commit, told: &Told) -> EventDraft {
    let kind = TOLD.iter().find(|(action, _)| *action == told.action).map_or(NOTED, |(_, kind)| kind);
    let run = told.run.and_then(|id| commit.writes.iter().map(Write::run).find(|run| run.id == id));
    let data = match run {
        Some(run) => about_run(run),
        None => about_pause(commit),
    };
    let actor = match (run, &commit.state.paused) {
        (Some(run), _) => run.by.clone(),
        (None, Some(paused)) => Some(paused.by.clone()),
        (None, None) => None,
    };
    let severity = match told.action {
        "failed" | "lost" => Severity::Warn,
        "dead" => Severity::Error,
        _ => Severity::Info,
    };
    let draft = job_event(hub, job, told.run, kind, data);
    EventDraft { severity, actor: actor.unwrap_or_else(Actor::hub), ..draft }
}

fn about_run(run: &Run) -> Map<String, Value> {
    let mut data = object(json!({
        "run": run.id,
        "slot": run.slot,
        "trigger": run.trigger,
        "attempt": run.attempt,
        "state": run.state,
    }));
    if let (Some(started), false) = (run.started, run.state == RunState::Running) {
        data.insert("took_ms".to_owned(), json!(run.updated_at.since(started).as_millis() as u64));
    }
    if let Some(error) = &run.error {
        data.insert("code".to_owned(), json!(error.code));
        data.insert("message".to_owned(), json!(error.message));
    }
    if let Some(skipped) = &run.skipped {
        data.insert("why".to_owned(), json!(skipped.why));
        data.insert("slots".to_owned(), json!(skipped.slots));
        data.insert("since".to_owned(), json!(skipped.since));
    }
    if let Some(at) = run.start_at {
        data.insert("start_at".to_owned(), json!(at));
    }
    if let Some(before) = run.retry_of {
        data.insert("retry_of".to_owned(), json!(before));
    }
    if run.may_have_run_twice {
        data.insert("may_have_run_twice".to_owned(), json!(true));
    }
    data
}

fn about_pause(commit: &jobs::Commit) -> Map<String, Value> {
    match &commit.state.paused {
        Some(paused) => object(json!({ "reason": paused.reason, "until": paused.until })),
        None => Map::new(),
    }
}

/// An event about a job: `<project>.job.<action>.<slug>`. All of a run have its id for a correlation.
pub fn job_event(hub: &Hub, job: &Job, run: Option<Id>, kind: &str, about: Map<String, Value>) -> EventDraft {
    let mut data = object(json!({ "job": job.id, "slug": job.slug }));
    data.extend(about);
    EventDraft {
        id: hub.clock.id(),
        kind: kind.to_owned(),
        subject: Subject::of(&[job.project.as_str(), kind, &job.slug])
            .expect("a project, a type of this program and a slug that was checked are tokens"),
        time: hub.clock.now(),
        correlation_id: run.unwrap_or_else(|| hub_caller(hub).correlation),
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        sampled_rate: None,
        data,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        door::Jobs,
        hub::{HubDoor, HubOptions, JobOptions},
        jobs::Commit as Turn,
        model::{
            Time,
            job::{JobState, Slot, Trigger},
        },
        store::Retention,
        tasks::Clock,
    };

    /// A hub without a driver, and a job of it.
    async fn bench(dir: &std::path::Path) -> (Arc<Hub>, Job) {
        let clock = Clock::fixed("2026-11-21T12:00:00Z".parse().unwrap());
        let options = HubOptions {
            name: "test".into(),
            clock,
            socket: None,
            listeners: Vec::new(),
            attached: Arc::default(),
            segment_bytes: None,
            retention: Retention::default(),
            sampling: Default::default(),
            announce: false,
            jobs: JobOptions::default(),
        };
        let hub = Hub::start(dir, options).unwrap();
        let new = serde_json::from_str(r#"{"slug": "once", "kind": {"builtin": "index_check"}}"#).unwrap();
        let view = HubDoor(hub.clone()).define_job(&hub_caller(&hub), new).await.unwrap();
        (hub, view.job)
    }

    fn run_of(job: &Job, request: Id) -> Run {
        let now = Time::from_unix_ms(1_795_219_200_000);
        let slot = Slot::Asked(request);
        Run {
            id: Run::id_of(job.id, &slot, now),
            job: job.id,
            project: job.project.clone(),
            slot,
            trigger: Trigger::Manual,
            state: RunState::Queued,
            attempt: 0,
            created_at: now,
            updated_at: now,
            revision: 1,
            start_at: None,
            started: None,
            ended: None,
            progress: None,
            error: None,
            skipped: None,
            lease: None,
            may_have_run_twice: false,
            by: None,
            retry_of: None,
        }
    }

    fn queued(state: &JobState, run: &Run) -> Turn {
        Turn {
            state: JobState { revision: state.revision + 1, fence: state.fence + 1, ..state.clone() },
            writes: vec![Write::Insert(run.clone())],
            told: vec![Told { action: "scheduled", run: Some(run.id) }],
        }
    }

    /// An answer that was lost on its way is asked for by handing in the same commit again.
    #[tokio::test]
    async fn handed_in_twice_it_happens_once() {
        let dir = tempfile::tempdir().unwrap();
        let (hub, job) = bench(dir.path()).await;
        let state = hub.store.job_state(job.id).unwrap().unwrap();
        let run = run_of(&job, hub.clock.id());
        let commit = queued(&state, &run);
        for _ in 0..2 {
            let said = record(&hub, &job, commit.clone()).await;
            assert!(matches!(said, Input::Recorded { revision: 2, .. }), "{said:?}");
        }
        let told = hub.store.read_log(crate::model::Sequence::ZERO, 100).unwrap();
        let told = told.iter().flat_map(|entry| &entry.events);
        assert_eq!(told.filter(|event| event.kind == "job.scheduled").count(), 1);
        assert_eq!(hub.store.run(run.id).unwrap(), Some(run));
        hub.close().await;
    }

    #[tokio::test]
    async fn what_does_not_hold_is_refused_with_its_reason() {
        let dir = tempfile::tempdir().unwrap();
        let (hub, job) = bench(dir.path()).await;
        let state = hub.store.job_state(job.id).unwrap().unwrap();
        let run = run_of(&job, hub.clock.id());
        let first = queued(&state, &run);
        record(&hub, &job, first.clone()).await;
        // From a state that is no longer.
        let mut other = queued(&state, &run_of(&job, hub.clock.id()));
        other.state.fence = 9;
        match record(&hub, &job, other).await {
            Input::Refused { refusal, .. } => assert!(refusal.moved),
            said => panic!("{said:?}"),
        }
        // A slot that has its run.
        match record(&hub, &job, queued(&first.state, &run)).await {
            Input::Refused { refusal, .. } => {
                assert!(!refusal.moved);
                assert_eq!(refusal.taken, vec![run.clone()]);
            }
            said => panic!("{said:?}"),
        }
        // A run that has changed since.
        let mut changed = queued(&first.state, &run);
        changed.writes = vec![Write::Update(Run { revision: 5, ..run.clone() })];
        match record(&hub, &job, changed).await {
            Input::Refused { refusal, .. } => assert_eq!(refusal.stale, vec![run.id]),
            said => panic!("{said:?}"),
        }
        hub.close().await;
    }

    #[test]
    fn every_type_says_its_action() {
        for (action, kind) in TOLD {
            assert_eq!(kind, format!("job.{action}"));
        }
    }
}
