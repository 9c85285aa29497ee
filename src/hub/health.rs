//! Health: which probes this hub has, when they look, and what is told of what they find.
//!
//! A console's hub looks every ten seconds, all in one wake, and at once when the store's state turns; while something is
//! not up, every two. A verb's hub looks when it is asked. A turn of a component is logged, and becomes an event, which waits for a
//! disk that takes none.

mod clock;
mod errors;
mod meter;
mod probes;
pub mod room;
mod scheduler;

use std::{
    collections::BTreeMap,
    mem::{Discriminant, discriminant},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;
use tokio::{
    sync::{Notify, mpsc, watch},
    time::MissedTickBehavior,
};

pub use self::meter::Meter;

use self::{clock::ClockWatch, errors::Errors, scheduler::Standing};
use super::{
    Hub, HubDoor, disk, search,
    told::{hub_event, object},
};
use crate::{
    door::{Component, Condition, Health, Overall, TREND_STEP_MS, Trends, ViewState, Wellbeing, Writes},
    health::{Board, Moment, PROBE_PATIENCE, TrendRing, Turn, Watch},
    model::{Commit, EventDraft, Fault, Severity, Time},
    store::StoreState,
    tasks::blocking,
    telemetry::{Latency, StepLatency},
};

/// While something is not up, or may not be.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Who asks waits for a round no longer than this.
const ROUND_PATIENCE: Duration = Duration::from_secs(3);
/// Turns that wait for the log; only a disk that takes nothing lets them gather.
const TURNS_MAX: usize = 256;
/// Before a turn that was not written is tried again, though the store's state stays as it is.
const TELL_AGAIN: Duration = Duration::from_secs(10);
/// Without these there is no hub to speak of.
const NEEDED: [&str; 3] = ["disk", "log", "records"];

const _: () = assert!(ROUND_PATIENCE.as_millis() > PROBE_PATIENCE.as_millis());

/// What is known of the hub's health.
#[derive(Default)]
pub struct Checkup {
    board: Mutex<Board>,
    trends: Mutex<TrendRing>,
    pub errors: Errors,
    /// Searches that were answered.
    pub searches: Latency,
    pub level: Mutex<room::Level>,
    clock: Mutex<ClockWatch>,
    /// Commits of the last step.
    commits: Mutex<Option<StepLatency>>,
    /// What of the log was found damaged last.
    damage: Mutex<Option<String>>,
    /// Of the jobs' runs, as the last look found them.
    jobs: Mutex<Standing>,
    rounds: watch::Sender<Rounds>,
    asked: Notify,
}

#[derive(Debug, Clone, Copy, Default)]
struct Rounds {
    begun: u64,
    ended: u64,
}

impl Checkup {
    /// Remembers what was found of the log, until it is opened again.
    pub fn damaged(&self, what: String) {
        *sound(&self.damage) = Some(what);
    }

    /// Waits for a round: any that ended where they go on by themselves, else one that begins from here on.
    async fn looked(&self, hub: &Hub) {
        let mut rounds = self.rounds.subscribe();
        let Rounds { begun, ended } = *rounds.borrow();
        if hub.announce && ended > 0 {
            return;
        }
        self.asked.notify_one();
        let token = hub.tasks.token();
        let round = tokio::time::timeout(ROUND_PATIENCE, rounds.wait_for(|rounds| rounds.ended > begun));
        tokio::select! {
            () = token.cancelled() => {}
            looked = round => if looked.is_err() {
                tracing::warn!("a round of probes does not end; health answers with the one before");
            }
        }
    }
}

fn sound<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is changed by single assignments, or is only for show.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Wellbeing for HubDoor {
    async fn health(&self) -> Result<Health, Fault> {
        self.0.health.looked(&self.0).await;
        let hub = self.0.clone();
        blocking(move || Ok(now(&hub))).await
    }

    async fn trends(&self, after: Option<Time>) -> Result<Trends, Fault> {
        Ok(sound(&self.0.health.trends).since(after))
    }
}

fn now(hub: &Hub) -> Health {
    let state = hub.store.state().borrow().clone();
    let components = sound(&hub.health.board).components();
    let jobs = *sound(&hub.health.jobs);
    let (waiting, waiting_bytes) = hub.store.waiting();
    Health {
        status: overall(&components),
        components,
        degraded_mode: degraded_mode(hub, &state).map(str::to_owned),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hub: hub.name.clone(),
        timestamp: hub.clock.now(),
        started_at: hub.started_at,
        latencies: BTreeMap::from([
            ("search".to_owned(), hub.health.searches.quantiles()),
            ("commit".to_owned(), hub.store.commits().quantiles()),
        ]),
        breakers: hub.breakers(),
        caches: hub.caches(),
        errors: hub.health.errors.by_code(),
        memory_bytes: meter::memory_bytes(),
        queue_depth: waiting as u32,
        queue_bytes: waiting_bytes as u64,
        connections: hub.attached.load(Ordering::Relaxed),
        running: jobs.running,
        dead: jobs.dead,
        disk: disk(&hub.data_dir),
    }
}

fn overall(components: &BTreeMap<String, Component>) -> Overall {
    let is_down = |name: &&str| components.get(*name).is_some_and(|found| found.status == Condition::Down);
    if NEEDED.iter().any(is_down) {
        return Overall::Unhealthy;
    }
    let all_up = components.values().all(|found| found.status == Condition::Up);
    if all_up { Overall::Healthy } else { Overall::Degraded }
}

fn degraded_mode(hub: &Hub, state: &StoreState) -> Option<&'static str> {
    match hub.lexical.vectors() {
        _ if matches!(super::writes(state), Writes::Refused { .. }) => Some("read_only"),
        _ if !search::can_answer(hub) => Some("scan"),
        ViewState::Failed { .. } | ViewState::Opening => Some("lexical"),
        _ => None,
    }
}

/// Starts the tasks; they end with the hub.
pub fn start(hub: &Arc<Hub>) {
    // Before the first write of anyone.
    room::look(hub);
    room::start(hub);
    let (turns, told) = mpsc::channel(TURNS_MAX);
    let (telling, token) = (hub.clone(), hub.tasks.token());
    hub.tasks.spawn(async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = tell(&telling, told) => {}
        }
    });
    let (looking, token) = (hub.clone(), hub.tasks.token());
    hub.tasks.spawn(async move {
        tokio::select! {
            () = token.cancelled() => {}
            () = run(&looking, &turns) => {}
        }
    });
}

async fn run(hub: &Arc<Hub>, turns: &mpsc::Sender<EventDraft>) {
    let checkup = &hub.health;
    let mut watch = Watch::new(probes::all(hub), hub.tasks.clone());
    let mut meter = Meter::new(hub);
    let mut steps = tokio::time::interval(Duration::from_millis(TREND_STEP_MS));
    steps.set_missed_tick_behavior(MissedTickBehavior::Skip);
    if hub.announce {
        // The first tick comes at once, and no step has ended by then.
        steps.tick().await;
        checkup.asked.notify_one();
    }
    let mut state = hub.store.state();
    let mut gist = gist_of(&state.borrow_and_update());
    loop {
        let unwell = hub.announce && sound(&checkup.board).is_unwell();
        let step = tokio::select! {
            _ = steps.tick(), if hub.announce => Some(meter.end_step(hub)),
            () = checkup.asked.notified() => None,
            () = turned(&mut state, &mut gist), if hub.announce => None,
            () = tokio::time::sleep(LOOK_AGAIN), if unwell => None,
        };
        checkup.rounds.send_modify(|rounds| rounds.begun += 1);
        let found = watch.look().await;
        if let Some(point) = step {
            let latencies = found.iter().map(|found| (found.name, found.latency.as_secs_f32() * 1_000.0));
            sound(&checkup.trends).push(point, latencies);
        }
        let moment = Moment { time: hub.clock.now(), steady: hub.clock.steady() };
        for found in found {
            let turn = sound(&checkup.board).take(found, moment);
            if let Some(turn) = turn {
                turn_out(hub, turns, turn);
            }
        }
        checkup.rounds.send_modify(|rounds| rounds.ended = rounds.begun);
    }
}

/// What of the store's state has probes look at once: not how far it is, not what it counts.
type Gist = (Discriminant<Writes>, bool, bool, Discriminant<ViewState>);

fn gist_of(state: &StoreState) -> Gist {
    let StoreState { writes, stalled, held, records, .. } = state;
    (discriminant(writes), stalled.is_some(), held.is_some(), discriminant(records))
}

async fn turned(state: &mut watch::Receiver<StoreState>, gist: &mut Gist) {
    let other = state.wait_for(|state| gist_of(state) != *gist).await.map(|state| gist_of(&state));
    match other {
        Ok(other) => *gist = other,
        // The store is gone, and the hub with it.
        Err(_) => std::future::pending().await,
    }
}

/// Logs a turn and has it told.
fn turn_out(hub: &Hub, turns: &mpsc::Sender<EventDraft>, turn: Turn) {
    let Turn { name, from, from_since, component } = turn;
    let (status, cause) = (component.status.word(), component.cause.as_deref());
    if component.status == Condition::Up {
        tracing::info!(component = name, was = from.word(), "it is up again");
    } else {
        tracing::warn!(component = name, status, cause, "it is not up");
    }
    if !hub.announce {
        return;
    }
    let (kind, severity) = match component.status {
        Condition::Up => ("health.recovered", Severity::Info),
        Condition::Degraded => ("health.degraded", Severity::Warn),
        Condition::Down => ("health.degraded", Severity::Error),
    };
    let data = json!({
        "component": name,
        "status": status,
        "was": from.word(),
        "was_since": from_since,
        "since": component.since,
    });
    let mut data = object(data);
    data.extend(component.cause.map(|cause| ("cause".to_owned(), cause.into())));
    data.extend(component.runbook.map(|anchor| ("runbook".to_owned(), anchor.into())));
    let event = EventDraft { severity, ..hub_event(hub, hub.clock.id(), kind, data) };
    let event = EventDraft {
        subject: format!("{}.{name}", event.subject).parse().expect("a component's name is a token"),
        ..event
    };
    if turns.try_send(event).is_err() {
        tracing::error!(component = name, status, "too many turns wait for the log; this one is not told");
    }
}

/// Writes turns in their order; one that the log does not take now waits until it does.
async fn tell(hub: &Hub, mut turns: mpsc::Receiver<EventDraft>) {
    let mut state = hub.store.state();
    while let Some(event) = turns.recv().await {
        let mut events = vec![event];
        events.extend(std::iter::from_fn(|| turns.try_recv().ok()));
        let commit = Commit { events, ..Commit::default() };
        loop {
            state.mark_unchanged();
            let Err(fault) = hub.store.commit(commit.clone()).await else { break };
            tracing::debug!(%fault, "a turn waits for the log");
            // Whichever comes first.
            drop(tokio::time::timeout(TELL_AGAIN, state.changed()).await);
        }
    }
}
