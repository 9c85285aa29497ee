//! The driver: the one task that owns the machine, hands in what happens and carries out what it decides.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{attempt, record, view};
use crate::{
    door::Order,
    hub::Hub,
    jobs::{Answer, Ask, Effect, Input, Machine, Now, Seen},
    model::{
        Actor, Change, EventFilter, Fault, Id, Pattern, Projects, Sequence,
        job::{Job, Run, Schedule},
    },
    store::{Runs, Scan, Store},
    tasks::{Alarm, blocking},
};

/// What waits for the driver; who hands in more waits too.
const INBOX: usize = 256;
/// Events handed in at a time, and read from the log for them.
const EVENTS: usize = 1_000;
const LOOKED_AT_MAX: usize = 100_000;
/// From when attempts are asked to end until they are ended hard, until they are left to the next start, and until nobody
/// waits for the driver: somebody who quits waits for all of it.
const STOP_GRACE: Duration = Duration::from_millis(1_000);
const STOP_PATIENCE: Duration = Duration::from_millis(1_800);
const DRIVER_PATIENCE: Duration = Duration::from_millis(2_000);

const _: () = assert!(STOP_GRACE.as_millis() < STOP_PATIENCE.as_millis());
const _: () = assert!(STOP_PATIENCE.as_millis() < DRIVER_PATIENCE.as_millis());

pub enum Message {
    Input(Input),
    Ask {
        request: Id,
        by: Actor,
        ask: Ask,
        reply: oneshot::Sender<Answer>,
    },
    /// A definition that is recorded, new or changed, and where.
    Defined {
        job: Arc<Job>,
        at: Sequence,
    },
    /// Whether it can run here may be another now.
    Looked {
        job: Id,
    },
    /// What runs has this long to end by itself.
    Stop {
        finish: Duration,
    },
}

/// Hands something to the driver.
#[derive(Clone)]
pub struct Handle(mpsc::Sender<Message>);

impl Handle {
    /// Whether the driver still runs.
    pub fn is_alive(&self) -> bool {
        !self.0.is_closed()
    }

    pub async fn ask(
        &self,
        request: Id,
        by: Actor,
        ask: Ask,
        reply: oneshot::Sender<Answer>,
    ) -> Result<(), Fault> {
        let ended = |_| Fault::unavailable("the scheduler has ended");
        self.0.send(Message::Ask { request, by, ask, reply }).await.map_err(ended)
    }

    /// Nobody listens any more only at the end, and then it matters no more.
    pub async fn tell(&self, message: Message) {
        drop(self.0.send(message).await);
    }

    pub async fn input(&self, input: Input) {
        self.tell(Message::Input(input)).await;
    }

    pub async fn stop(self, finish: Duration) {
        let ended = async {
            self.tell(Message::Stop { finish }).await;
            self.0.closed().await;
        };
        if tokio::time::timeout(finish + DRIVER_PATIENCE, ended).await.is_err() {
            tracing::warn!("the scheduler did not end in its time");
        }
    }
}

/// An attempt on its way: asked to end by the first, ended by the second.
struct Attempt {
    asked: CancellationToken,
    hard: CancellationToken,
}

struct Driver {
    hub: Arc<Hub>,
    machine: Machine,
    alarm: Alarm,
    wake: Option<Duration>,
    inbox: mpsc::Receiver<Message>,
    handle: Handle,
    jobs: HashMap<Id, Arc<Job>>,
    attempts: HashMap<(Id, u64), Attempt>,
    asked: HashMap<Id, oneshot::Sender<Answer>>,
    head: watch::Receiver<Sequence>,
    /// Every event up to here was handed in that a job waits for.
    heard: Sequence,
}

/// Loads every job and begins.
pub async fn start(hub: &Arc<Hub>) -> Result<Handle, Fault> {
    let loaded = hub.read(load_all).await?;
    let head = hub.store.head();
    let heard = *head.borrow();
    let (sender, inbox) = mpsc::channel(INBOX);
    let handle = Handle(sender);
    let mut driver = Driver {
        hub: hub.clone(),
        machine: if hub.announce { Machine::default() } else { Machine::only_asked() },
        alarm: hub.clock.alarm(),
        wake: None,
        inbox,
        handle: handle.clone(),
        jobs: HashMap::new(),
        attempts: HashMap::new(),
        asked: HashMap::new(),
        heard,
        head,
    };
    hub.tasks.spawn(async move {
        for load in loaded {
            driver.load(load);
        }
        driver.run().await;
    });
    Ok(handle)
}

struct Loaded {
    job: Job,
    state: Option<crate::model::job::JobState>,
    live: Vec<Run>,
    head: Sequence,
}

fn load_all(store: &Store) -> Result<Vec<Loaded>, Fault> {
    store.jobs()?.into_iter().map(|job| load(store, job)).collect()
}

fn load(store: &Store, job: Job) -> Result<Loaded, Fault> {
    let state = store.job_state(job.id)?;
    let mut live = Vec::new();
    store.runs(job.id, Runs::Live, None, &mut |_, run| {
        live.push(run);
        true
    })?;
    let head = match state {
        Some(_) => *store.head().borrow(),
        None => defined_at(store, job.id)?,
    };
    Ok(Loaded { job, state, live, head })
}

/// The place of the newest definition of a job.
fn defined_at(store: &Store, job: Id) -> Result<Sequence, Fault> {
    let entries = store.history(job)?;
    let defines = |change: &Change| matches!(change, Change::Define { job: defined } if defined.id == job);
    let defined = entries.iter().rev().find(|entry| entry.changes.iter().any(defines));
    Ok(defined.map_or(Sequence::ZERO, |entry| entry.last()))
}

impl Driver {
    async fn run(&mut self) {
        let finish = loop {
            let listening = self.listens();
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(Message::Stop { finish }) => break finish,
                    None => break Duration::ZERO,
                    Some(message) => self.take(message).await,
                },
                () = self.alarm.wait(self.wake) => self.step(Input::Tick),
                moved = self.head.changed(), if listening => match moved {
                    Ok(()) => self.hear().await,
                    Err(_) => break Duration::ZERO,
                },
            }
        };
        self.end(finish).await;
    }

    /// Nothing starts any more; what runs may finish, is then asked to end, then ended, and what could not be recorded is
    /// found at the next start.
    async fn end(&mut self, finish: Duration) {
        self.step(Input::Drain);
        let is_done = self.is_idle_within(finish).await || {
            self.step(Input::Stop);
            self.is_idle_within(STOP_GRACE).await
        };
        self.attempts.values().for_each(|attempt| attempt.hard.cancel());
        if !is_done && !self.is_idle_within(STOP_PATIENCE - STOP_GRACE).await {
            tracing::warn!("attempts were still on their way when the hub ended");
        }
        self.inbox.close();
    }

    /// Goes on with what runs until nothing does.
    async fn is_idle_within(&mut self, patience: Duration) -> bool {
        let until = tokio::time::Instant::now() + patience;
        while !self.machine.is_idle() {
            tokio::select! {
                message = self.inbox.recv() => match message {
                    Some(Message::Stop { .. }) => {}
                    None => return false,
                    Some(message) => self.take(message).await,
                },
                () = self.alarm.wait(self.wake) => self.step(Input::Tick),
                () = tokio::time::sleep_until(until) => return false,
            }
        }
        true
    }

    async fn take(&mut self, message: Message) {
        match message {
            Message::Input(input) => {
                if let Input::Ended { run, fence, .. } = &input {
                    self.attempts.remove(&(*run, *fence));
                }
                self.step(input);
            }
            Message::Ask { request, by, ask, reply } => {
                self.asked.insert(request, reply);
                self.step(Input::Ask { request, by, ask });
            }
            Message::Defined { job, at } => self.defined(job, at).await,
            Message::Looked { job } => {
                if let Some(job) = self.jobs.get(&job).cloned() {
                    self.step(Input::Define(self.effective(&job)));
                }
            }
            Message::Stop { .. } => {}
        }
    }

    async fn defined(&mut self, job: Arc<Job>, at: Sequence) {
        // What came before the definition means nothing to it, and is handed in before it is there.
        if self.listens() {
            self.hear().await;
        } else {
            self.heard = at;
        }
        let known = self.jobs.insert(job.id, job.clone()).is_some();
        let mine = self.effective(&job);
        if known {
            self.step(Input::Define(mine));
        } else {
            self.reload(job.id).await;
        }
    }

    /// As the machine is to see it: what cannot run here is off here.
    fn effective(&self, job: &Arc<Job>) -> Arc<Job> {
        match view::cannot_run(&self.hub, job) {
            Some(_) if job.enabled => Arc::new(Job { enabled: false, ..(**job).clone() }),
            _ => job.clone(),
        }
    }

    fn load(&mut self, loaded: Loaded) {
        let Loaded { job, state, live, head } = loaded;
        let job = Arc::new(job);
        if matches!(job.schedule, Schedule::On(_)) {
            self.heard = self.heard.min(state.as_ref().map_or(head, |state| state.seen));
        }
        self.jobs.insert(job.id, job.clone());
        self.head.mark_changed();
        self.step(Input::Load { job: self.effective(&job), state, live, head });
    }

    async fn reload(&mut self, id: Id) {
        let loaded = self.hub.read(move |store| store.job(id)?.map(|job| load(store, job)).transpose()).await;
        match loaded {
            Ok(Some(loaded)) => self.load(loaded),
            Ok(None) => {}
            Err(fault) => {
                tracing::error!(%fault, cause = ?fault.cause, job = %id, "a job was not loaded; it does not run");
            }
        }
    }

    /// Whether any job waits for events.
    fn listens(&self) -> bool {
        self.hub.announce && self.patterns().next().is_some()
    }

    fn patterns(&self) -> impl Iterator<Item = &Pattern> {
        self.jobs.values().filter_map(|job| match &job.schedule {
            Schedule::On(pattern) => Some(pattern),
            _ => None,
        })
    }

    /// Hands in what was told since, of what any job waits for.
    async fn hear(&mut self) {
        loop {
            let head = *self.head.borrow_and_update();
            if self.heard >= head {
                return;
            }
            let patterns: Vec<Pattern> = self.patterns().cloned().collect();
            let (store, after) = (self.hub.store.clone(), self.heard);
            let read = blocking(move || {
                store.scan_log(&Scan {
                    filter: &EventFilter { patterns, ..EventFilter::default() },
                    wall: &Projects::All,
                    recorded_since: None,
                    recorded_until: None,
                    after,
                    before: head.next(),
                    order: Order::Asc,
                    limit: EVENTS,
                    looked_at_max: LOOKED_AT_MAX,
                })
            });
            match read.await {
                Ok(scanned) => {
                    self.heard = scanned.next.unwrap_or(head);
                    let seen: Vec<Seen> = scanned.events.into_iter().map(seen).collect();
                    if !seen.is_empty() {
                        self.step(Input::Events(seen));
                    }
                }
                Err(fault) => {
                    tracing::warn!(%fault, cause = ?fault.cause, "events that jobs wait for were not read");
                    return;
                }
            }
        }
    }

    /// One input, and all that follows from it here.
    fn step(&mut self, input: Input) {
        let (wall, mono) = self.alarm.now();
        let mut effects: VecDeque<Effect> = self.machine.step(Now { wall, mono }, input).into();
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Wake { after } => self.wake = after.map(|after| mono + after),
                effect => self.carry_out(effect),
            }
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Record(commit) => {
                let Some(job) = self.jobs.get(&commit.state.job).cloned() else { return };
                let (hub, handle) = (self.hub.clone(), self.handle.clone());
                self.hub.tasks.spawn(async move {
                    let input = record::record(&hub, &job, *commit).await;
                    handle.input(input).await;
                });
            }
            Effect::Start { job, run } => self.start(job, *run),
            Effect::AskCancel { run, fence, why, .. } => {
                if let Some(attempt) = self.attempts.get(&(run, fence)) {
                    tracing::debug!(%run, ?why, "an attempt is asked to end");
                    attempt.asked.cancel();
                }
            }
            Effect::CancelHard { run, fence, .. } => {
                if let Some(attempt) = self.attempts.get(&(run, fence)) {
                    attempt.hard.cancel();
                }
            }
            Effect::Progress { run, progress, .. } => self.hub.jobs.logs.progress(run, progress),
            Effect::Late { run, fence, .. } => {
                tracing::warn!(%run, fence, "an attempt ended after its run was given up; its result is not taken");
            }
            Effect::Answer { request, answer } => {
                if let Some(reply) = self.asked.remove(&request) {
                    // Who asked may have stopped waiting.
                    drop(reply.send(answer));
                }
            }
            Effect::Reload { job } => {
                let (hub, handle) = (self.hub.clone(), self.handle.clone());
                let known = self.jobs.remove(&job);
                self.hub.tasks.spawn(async move {
                    let at = *hub.store.head().borrow();
                    if let Some(job) = known {
                        handle.tell(Message::Defined { job, at }).await;
                    }
                });
            }
            Effect::ClockStepped { by_ms } => tracing::info!(by_ms, "the clock was put"),
            Effect::Wake { .. } => {}
        }
    }

    fn start(&mut self, job: Arc<Job>, run: Run) {
        let fence = run.lease.map(|lease| lease.fence).unwrap_or_default();
        let attempt = Attempt { asked: CancellationToken::new(), hard: CancellationToken::new() };
        let (asked, hard) = (attempt.asked.clone(), attempt.hard.clone());
        self.attempts.insert((run.id, fence), attempt);
        attempt::start(&self.hub, &self.handle, attempt::Start { job, run, fence, asked, hard });
    }
}

fn seen(event: crate::model::Event) -> Seen {
    Seen { sequence: event.sequence, subject: event.subject, recorded_at: event.recorded_at }
}
