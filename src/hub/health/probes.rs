//! The probes: how each part of the hub is looked at. None of them writes, loads a model or waits for a view.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    room::{self, Level},
    scheduler, sound,
};
use crate::{
    door::{Anchor, SearchMode, SearchRequest, ViewState, Writes, short_span},
    health::{Finding, Probe},
    hub::{Hub, search},
    model::{Fault, Id, Projects, Sequence, TimeWords},
    tasks::blocking,
};

/// Half of the commits of a step took longer.
const SLOW_COMMITS: Duration = Duration::from_millis(250);
/// A write in flight for less is a busy disk's, and passes.
const STALL_SOFT: Duration = Duration::from_secs(3);
/// Any word does: what is looked at is how long it takes.
const QUERY: &str = "health";

pub fn all(hub: &Arc<Hub>) -> Vec<Probe> {
    vec![
        probe(hub, "log", log),
        probe(hub, "records", records),
        probe(hub, "search", lexical),
        probe(hub, "embedding", embedding),
        probe(hub, "disk", disk),
        probe(hub, "scheduler", scheduler),
        probe(hub, "clock", clock),
    ]
}

fn probe<F>(hub: &Arc<Hub>, name: &'static str, look: fn(Arc<Hub>) -> F) -> Probe
where
    F: Future<Output = Finding> + Send + 'static,
{
    let hub = hub.clone();
    Probe::new(name, move || look(hub.clone()))
}

/// A look that could not be made.
fn unlooked(fault: &Fault) -> Finding {
    Finding::down(Anchor::ProbeFails, in_words(fault))
}

fn in_words(fault: &Fault) -> String {
    match &fault.cause {
        Some(cause) => format!("{}: {cause}", fault.message),
        None => fault.message.clone(),
    }
}

/// Whether it takes writes, and how fast. Its latency is the median of the last step's commits, else how long its newest
/// entry takes to be read.
async fn log(hub: Arc<Hub>) -> Finding {
    let state = hub.store.state().borrow().clone();
    let finding = match crate::hub::writes(&state) {
        Writes::Stalled { since } => {
            let span = hub.clock.now().since(since);
            let cause = format!("the disk has not come back for {}: writes wait", short_span(span.as_secs()));
            let stalled = Finding::down(Anchor::DiskStalled, cause);
            if span < STALL_SOFT { stalled.soft() } else { stalled }
        }
        Writes::Refused { why, fault } => Finding::down(why.anchor(), in_words(&fault)),
        Writes::Waiting => Finding::up("waiting for the records"),
        Writes::Open => open_log(&hub).await,
    };
    finding.shown_by("*.hub.>")
}

async fn open_log(hub: &Arc<Hub>) -> Finding {
    let commits = *sound(&hub.health.commits);
    let damage = sound(&hub.health.damage).clone();
    let head = *hub.store.head().borrow();
    let store = hub.store.clone();
    let began = Instant::now();
    let read = blocking(move || store.read_log(Sequence(head.0.saturating_sub(1)), 1)).await;
    let took = commits.map_or(began.elapsed(), |step| Duration::from_secs_f64(step.p50 / 1_000.0));
    let note = match commits {
        Some(step) => format!("{head} events, commits {:.1} ms", step.p50),
        None => format!("{head} events"),
    };
    let finding = match (read, damage) {
        (Err(fault), _) => Finding::down(Anchor::LogDamaged, in_words(&fault)),
        (_, Some(what)) => Finding::degraded(Anchor::LogDamaged, what),
        _ if commits.is_some() && took > SLOW_COMMITS => {
            let cause = format!("half of the commits take more than {} ms", took.as_millis());
            Finding::degraded(Anchor::DiskSlow, cause).soft()
        }
        _ => Finding::up(note.clone()),
    };
    finding.note(note).took(took)
}

/// One record by its id. That it is not there is an answer too.
async fn records(hub: Arc<Hub>) -> Finding {
    let state = hub.store.state().borrow().clone();
    let words = state.records.words();
    let finding = match state.records {
        ViewState::Ready => {
            let store = hub.store.clone();
            let began = Instant::now();
            match blocking(move || store.get(Id::NIL)).await {
                Ok(_) => {
                    let memories = state.memories.unwrap_or_default();
                    Finding::up(format!("{memories} memories")).took(began.elapsed())
                }
                Err(fault) => Finding::down(Anchor::RecordsFailed, in_words(&fault)),
            }
        }
        ViewState::Failed { reason } => Finding::down(Anchor::RecordsFailed, reason),
        ViewState::Rebuilding { .. } => {
            Finding::down(Anchor::RecordsRebuilding, format!("{words}: writes are refused until it is done"))
        }
        _ => Finding::down(Anchor::RecordsRebuilding, format!("{words}: writes wait")).soft(),
    };
    finding.shown_by("*.hub.view_rebuilt")
}

/// A small question to the index itself: no answer is kept of it and no event tells it.
async fn lexical(hub: Arc<Hub>) -> Finding {
    let state = hub.lexical.state();
    let finding = match &state {
        ViewState::Failed { reason } => Finding::degraded(
            Anchor::SearchFailed,
            format!("{reason}; searches look at the newest records one by one"),
        ),
        _ if search::can_answer(&hub) => asked(&hub, &state).await,
        other => Finding::degraded(
            Anchor::SearchRebuilding,
            format!("{}; searches look at the newest records one by one", other.words()),
        )
        .soft(),
    };
    finding.shown_by("*.search.>")
}

async fn asked(hub: &Arc<Hub>, state: &ViewState) -> Finding {
    let index = hub.lexical.clone();
    let words = TimeWords { now: hub.clock.now(), zone: hub.clock.zone() };
    let request = SearchRequest {
        query: QUERY.to_owned(),
        limit: 1,
        mode: SearchMode::Lexical,
        ..SearchRequest::default()
    };
    let began = Instant::now();
    match blocking(move || index.search(&request, &Projects::All, words)).await {
        Ok(_) => Finding::up(state.words()).took(began.elapsed()),
        Err(fault) => Finding::degraded(Anchor::SearchRebuilding, in_words(&fault)),
    }
}

/// Texts without a vector are found by their words, and answers count them: that alone is no fault.
async fn embedding(hub: Arc<Hub>) -> Finding {
    let state = hub.lexical.vectors();
    let finding = match &state {
        ViewState::Failed { reason } => {
            Finding::degraded(Anchor::EmbeddingFailed, format!("{reason}; searches find by words alone"))
        }
        ViewState::Opening => {
            Finding::degraded(Anchor::EmbeddingFailed, "opening; searches find by words alone").soft()
        }
        state => Finding::up(state.words()),
    };
    finding.shown_by("*.search.degraded")
}

async fn disk(hub: Arc<Hub>) -> Finding {
    let looked = blocking(move || Ok(room::look(&hub))).await;
    let finding = match looked {
        Err(fault) => unlooked(&fault),
        Ok(None) => Finding::down(Anchor::DiskFails, "the disk does not say how much is free"),
        Ok(Some(room)) => {
            let words = room.words();
            match room.level {
                Level::Ample => Finding::up(words),
                Level::Low => Finding::degraded(Anchor::DiskLow, words),
                Level::Critical => {
                    Finding::down(Anchor::DiskFull, format!("{words}: nothing new is written"))
                }
            }
        }
    };
    finding.shown_by("*.health.*.disk")
}

async fn scheduler(hub: Arc<Hub>) -> Finding {
    let lives = hub.scheduler_lives().await;
    let looking = hub.clone();
    let ready = hub.store.state().borrow().records.is_ready();
    let looked = match ready {
        true => Some(blocking(move || scheduler::look(&looking)).await),
        false => None,
    };
    let finding = match looked {
        // What it stands on is looked at by itself.
        None => Finding::up("waiting for the records"),
        Some(Err(fault)) => unlooked(&fault),
        Some(Ok(standing)) => {
            *sound(&hub.health.jobs) = standing;
            standing.found(lives, hub.announce)
        }
    };
    finding.shown_by("*.job.>")
}

async fn clock(hub: Arc<Hub>) -> Finding {
    let (now, steady) = (hub.clock.now(), hub.clock.steady());
    let finding = sound(&hub.health.clock).look(now, steady, hub.store.recorded_at());
    finding.shown_by("*.health.*.clock")
}
