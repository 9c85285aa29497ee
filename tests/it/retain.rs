//! What the scheduler keeps goes with the events that tell it, but for what still counts.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Map, json};
use wheelhouse::{
    model::{
        Actor, Change, Commit, EventDraft, Id, Precondition, Severity, Time,
        job::{Job, JobState, Run, RunState, Slot},
    },
    store::{Overseer, Retention, Runs, Store, StoreOptions},
    tasks::Clock,
};

const LATER: Duration = Duration::from_secs(100 * 24 * 3_600);

fn job_id() -> Id {
    Id::from_bytes([1; 16])
}

fn draft(clock: &Clock, kind: &str) -> EventDraft {
    EventDraft {
        id: clock.id(),
        kind: kind.into(),
        subject: format!("_.{kind}").parse().unwrap(),
        time: clock.now(),
        correlation_id: Id::NIL,
        causation_id: None,
        actor: Actor::hub(),
        severity: Severity::Info,
        sampled_rate: None,
        data: Map::new(),
    }
}

fn job() -> Change {
    let job = json!({
        "id": job_id(), "revision": 1, "slug": "backup", "created_at": Time::default(), "updated_at": Time::default(),
        "kind": { "builtin": "snapshot" },
    });
    Change::Define { job: Box::new(serde_json::from_value::<Job>(job).unwrap()) }
}

fn state(revision: u64) -> Change {
    let state = json!({ "job": job_id(), "revision": revision, "considered": Time::default() });
    Change::Stand { state: Box::new(serde_json::from_value::<JobState>(state).unwrap()) }
}

fn run(n: u8, state: RunState) -> Change {
    let run = json!({
        "id": Id::from_bytes([n; 16]), "job": job_id(), "revision": 1, "trigger": "schedule", "state": state,
        "slot": Slot::At(Time::from_unix_ms(i64::from(n))), "created_at": Time::from_unix_ms(i64::from(n)),
        "updated_at": Time::default(),
    });
    Change::Run { run: Box::new(serde_json::from_value::<Run>(run).unwrap()) }
}

async fn opened(dir: &Path, clock: &Clock) -> Store {
    let options = StoreOptions { segment_bytes: 2 << 10, ..StoreOptions::new(clock.clone()) };
    let store = Store::open(dir, options).unwrap();
    store.state().wait_for(|state| state.records.is_ready()).await.unwrap();
    store
}

fn commit(clock: &Clock, changes: Vec<Change>) -> Commit {
    Commit { changes, events: vec![draft(clock, "job.progress")], ..Commit::default() }
}

fn runs(store: &Store, which: Runs) -> Vec<u8> {
    let mut found = Vec::new();
    store
        .runs(job_id(), which, None, &mut |_, run| {
            found.push(run.id.as_bytes()[0]);
            true
        })
        .unwrap();
    found
}

/// What there is of the job: its runs, all, live and dead, and the revision of its state.
fn kept(store: &Store) -> ([Vec<u8>; 3], Option<u64>) {
    assert_eq!(store.job_called("backup").unwrap().unwrap().id, job_id());
    let runs = [Runs::All, Runs::Live, Runs::Dead].map(|which| runs(store, which));
    (runs, store.job_state(job_id()).unwrap().map(|state| state.revision))
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_go_with_their_events_and_what_still_counts_stays() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed("2026-01-01T00:00:00Z".parse().unwrap());
    let store = opened(dir.path(), &clock).await;
    store.commit(commit(&clock, vec![job()])).await.unwrap();
    let history = [RunState::Succeeded, RunState::Dead, RunState::Queued, RunState::Skipped];
    for (n, of) in history.into_iter().enumerate() {
        let n = n as u8 + 10;
        store.commit(commit(&clock, vec![state(u64::from(n)), run(n, of)])).await.unwrap();
    }
    clock.advance(LATER);
    store.commit(commit(&clock, vec![run(20, RunState::Succeeded)])).await.unwrap();
    assert_eq!(runs(&store, Runs::All), [20, 13, 12, 11, 10]);

    // Twice: what was said again is told by an event of now, which stays.
    for _ in 0..2 {
        let (cleaning, told) = (store.clone(), clock.clone());
        let runtime = tokio::runtime::Handle::current();
        let clean = move || {
            let say_again =
                |changes: Vec<Change>| runtime.block_on(cleaning.commit(commit(&told, changes))).map(drop);
            let overseer = Overseer { say_again: &say_again, progress: &|_, _, _| {}, stop: &|| false };
            cleaning.clean(&Retention::default(), &overseer).unwrap()
        };
        tokio::task::spawn_blocking(clean).await.unwrap();
        let expected = ([vec![20, 12, 11], vec![12], vec![11]], Some(13));
        assert_eq!(kept(&store), expected);
    }
    assert_eq!(store.fsck().unwrap().damage, vec![]);

    // All of it follows from what is left of the log.
    let before = kept(&store);
    store.close();
    for view in ["records", "snapshots"] {
        std::fs::remove_dir_all(dir.path().join(view)).or_else(absent).unwrap();
    }
    let store = opened(dir.path(), &clock).await;
    let entries = store.read_log(wheelhouse::model::Sequence::ZERO, 1_000).unwrap();
    let gone = Id::from_bytes([10; 16]);
    let told = |entry: &&Arc<wheelhouse::model::Entry>| {
        entry.changes.iter().any(|change| matches!(change, Change::Run { run } if run.id == gone))
    };
    assert_eq!(entries.iter().filter(told).count(), 0, "the log holds nothing of it");
    assert_eq!(kept(&store), before);
    assert_eq!(store.fsck().unwrap().damage, vec![]);
    store.close();
}

fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_schedulers_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed("2026-01-01T00:00:00Z".parse().unwrap());
    let store = opened(dir.path(), &clock).await;
    let stands = |revision: u64| Commit {
        preconditions: vec![Precondition::Stands { job: job_id(), revision: revision - 1 }],
        ..commit(&clock, vec![state(revision)])
    };
    // At once: the second of them is checked against the first, which no view holds yet.
    let (first, second) = tokio::join!(store.commit(stands(1)), store.commit(stands(1)));
    assert_eq!([&first, &second].iter().filter(|answer| answer.is_ok()).count(), 1);
    store.commit(stands(2)).await.unwrap();
    assert!(store.commit(stands(2)).await.is_err());
    assert_eq!(store.job_state(job_id()).unwrap().unwrap().revision, 2);
    store.close();
}
