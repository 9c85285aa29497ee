//! Jobs behind the door: what is asked of them becomes a request to the scheduler, what is answered is read from the
//! records.
//!
//! ```text
//!  requests ──▶ driver (owns the machine) ──▶ record: one commit ──▶ store
//!  clock, log ──▶   │        ▲                                        │
//!                   ▼        └──────────── recorded, refused ─────────┘
//!               attempt: builtin, command, http ──▶ log of the run
//! ```
//!
//! A hub that stays (a console's) runs its jobs by themselves. One that is there for a single command starts its scheduler
//! with the first request that changes something, and runs nothing but what was asked for.

mod attempt;
mod attempts;
mod breakers;
mod builtins;
mod command;
mod definitions;
mod driver;
mod http;
mod log;
mod record;
mod view;

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::sync::{Mutex, oneshot};

use super::{Hub, HubDoor};
use crate::{
    door::{
        Backfill, Caller, JobRef, JobView, Jobs, NewJob, NewPause, RunLog, RunPage, RunView, RunsRequest,
    },
    jobs::Ask,
    model::{
        Code, Fault, Id, Time,
        job::{Job, JobOrigin, Run, RunState},
    },
    tasks::blocking,
};

/// How long a request waits for its record.
const ASK_PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer waits for definitions that are to be written first.
const SYNC_PATIENCE: Duration = Duration::from_secs(2);
/// What does not start because its records are still being made is tried again after this.
const START_AGAIN: Duration = Duration::from_millis(500);

/// What jobs may do here, and where their files are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobOptions {
    /// Where job files are, where there are any.
    pub dir: Option<PathBuf>,
    /// Whether jobs may start programs.
    pub commands: bool,
    /// The variables that a program may see, beside those that every one does.
    pub env: Vec<String>,
}

/// The hub's part of it.
pub struct Scheduler {
    options: JobOptions,
    /// Started and stopped, and definitions written, one at a time.
    turn: Mutex<Turn>,
    files: definitions::Files,
    logs: log::Logs,
    outbound: breakers::Guarded,
}

#[derive(Default)]
struct Turn {
    driver: Option<driver::Handle>,
    ended: bool,
    /// The files whose jobs are in the records, as they were then.
    stamp: Option<definitions::Stamp>,
}

impl Scheduler {
    pub fn new(options: JobOptions, clock: &crate::tasks::Clock) -> Scheduler {
        Scheduler {
            options,
            turn: Mutex::default(),
            files: definitions::Files::default(),
            logs: log::Logs::default(),
            outbound: breakers::Guarded::new(clock),
        }
    }
}

impl Hub {
    /// Whether the scheduler runs; none where it was not started.
    pub(super) async fn scheduler_lives(&self) -> Option<bool> {
        self.jobs.turn.lock().await.driver.as_ref().map(driver::Handle::is_alive)
    }

    /// The circuit breakers of outgoing calls.
    pub(super) fn breakers(&self) -> Vec<crate::door::BreakerStatus> {
        self.jobs.outbound.breakers()
    }
}

/// Starts what runs by itself; it ends with [`stop`].
pub fn start(hub: &Arc<Hub>) {
    breakers::start(hub);
    if !hub.announce {
        return;
    }
    let starting = hub.clone();
    let token = hub.tasks.token();
    hub.tasks.spawn(async move {
        loop {
            match driver(&starting).await {
                Ok(_) => return,
                Err(fault) if fault.code.is_transient() => {
                    tracing::debug!(%fault, "the scheduler waits for its records");
                }
                Err(fault) => {
                    tracing::error!(%fault, cause = ?fault.cause, "the scheduler did not start");
                    return;
                }
            }
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(START_AGAIN) => {}
            }
        }
    });
}

/// Lets what runs finish for as long, then ends it, and records that it did; bounded.
pub async fn stop(hub: &Hub, finish: Duration) {
    let driver = {
        let mut turn = hub.jobs.turn.lock().await;
        turn.ended = true;
        turn.driver.take()
    };
    if let Some(driver) = driver {
        driver.stop(finish).await;
    }
}

/// The scheduler, which is started by this where it was not.
async fn driver(hub: &Arc<Hub>) -> Result<driver::Handle, Fault> {
    let mut turn = hub.jobs.turn.lock().await;
    if turn.ended {
        return Err(Fault::unavailable("the hub is about to end"));
    }
    if let Some(driver) = &turn.driver {
        return Ok(driver.clone());
    }
    definitions::sync(hub, &mut turn).await?;
    let driver = driver::start(hub).await?;
    turn.driver = Some(driver.clone());
    Ok(driver)
}

/// Has the definitions of files and of the program in the records as they are now. What is wrong with that stops no answer.
async fn up_to_date(hub: &Arc<Hub>) {
    // Somebody else does just that, or waits for a disk that hangs.
    let Ok(mut turn) = hub.jobs.turn.try_lock() else { return };
    match tokio::time::timeout(SYNC_PATIENCE, definitions::sync(hub, &mut turn)).await {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => {
            tracing::warn!(%fault, cause = ?fault.cause, "the definitions of jobs were not written");
        }
        Err(_) => tracing::warn!("the definitions of jobs were not written in their time"),
    }
}

async fn ask(hub: &Arc<Hub>, caller: &Caller, ask: Ask) -> Result<Vec<Id>, Fault> {
    let driver = driver(hub).await?;
    let (reply, answer) = oneshot::channel();
    driver.ask(hub.clock.id(), caller.actor.clone(), ask, reply).await?;
    match tokio::time::timeout(ASK_PATIENCE, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Fault::unavailable("the scheduler ended before it answered")),
        Err(_) => Err(Fault::new(Code::Timeout, "the store has not recorded this yet; it may still be done")
            .hint("look at the job before asking again")),
    }
}

/// A job that this caller may see.
async fn found(hub: &Arc<Hub>, caller: &Caller, named: JobRef) -> Result<Job, Fault> {
    let wall = caller.projects.clone();
    hub.read(move |store| {
        let found = match &named {
            JobRef::Id(id) => store.job(*id)?,
            JobRef::Slug(slug) => store.job_called(slug)?,
        };
        match found.filter(|job| wall.see(&job.project)) {
            Some(job) => Ok(job),
            None => Err(view::no_job(store, &wall, &named)?),
        }
    })
    .await
}

/// A run that this caller may see, and its job.
async fn found_run(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<(Run, Job), Fault> {
    let wall = caller.projects.clone();
    let found = hub
        .read(move |store| {
            let Some(run) = store.run(id)? else { return Ok(None) };
            Ok(store.job(run.job)?.filter(|job| wall.see(&job.project)).map(|job| (run, job)))
        })
        .await?;
    found.ok_or_else(|| {
        Fault::not_found(format!("no run {id}")).hint("a job is shown with its runs and their ids")
    })
}

/// Refuses what cannot be done here.
fn may_run(hub: &Hub, job: &Job) -> Result<(), Fault> {
    match view::cannot_run(hub, job) {
        Some(why) => Err(Fault::new(Code::Unsupported, format!("job {} cannot run: {why}", job.slug))),
        None => Ok(()),
    }
}

async fn shown(hub: &Arc<Hub>, job: Job) -> Result<JobView, Fault> {
    let reading = hub.clone();
    hub.read(move |store| view::job(&reading, store, job)).await
}

async fn shown_again(hub: &Arc<Hub>, caller: &Caller, job: Id) -> Result<JobView, Fault> {
    let job = found(hub, caller, JobRef::Id(job)).await?;
    shown(hub, job).await
}

async fn shown_run(hub: &Arc<Hub>, caller: &Caller, id: Id) -> Result<RunView, Fault> {
    let (run, job) = found_run(hub, caller, id).await?;
    let reading = hub.clone();
    hub.read(move |store| view::run_with_attempts(&reading, store, run, job.slug)).await
}

/// The run that a request made.
async fn made(hub: &Arc<Hub>, caller: &Caller, made: Vec<Id>) -> Result<RunView, Fault> {
    let id = made.first().ok_or_else(|| Fault::bug("a request for a run made none"))?;
    shown_run(hub, caller, *id).await
}

#[async_trait]
impl Jobs for HubDoor {
    async fn jobs(&self, caller: &Caller) -> Result<Vec<JobView>, Fault> {
        let hub = &self.0;
        up_to_date(hub).await;
        let (reading, wall) = (hub.clone(), caller.projects.clone());
        hub.read(move |store| view::jobs(&reading, store, &wall)).await
    }

    async fn job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault> {
        up_to_date(&self.0).await;
        let job = found(&self.0, caller, job).await?;
        shown(&self.0, job).await
    }

    async fn define_job(&self, caller: &Caller, new: NewJob) -> Result<JobView, Fault> {
        let job = definitions::define(&self.0, caller, new).await?;
        shown(&self.0, job).await
    }

    async fn enable_job(&self, caller: &Caller, job: JobRef, enabled: bool) -> Result<JobView, Fault> {
        let job = found(&self.0, caller, job).await?;
        if let JobOrigin::File(path) = &job.origin {
            return Err(Fault::conflict(format!("job {} is written in a file", job.slug))
                .hint(format!("set `enabled` in {path}")));
        }
        let job = definitions::enable(&self.0, caller, job, enabled).await?;
        shown(&self.0, job).await
    }

    async fn run_job(&self, caller: &Caller, job: JobRef) -> Result<RunView, Fault> {
        // What is in a file by now can be run by now.
        driver(&self.0).await?;
        up_to_date(&self.0).await;
        let job = found(&self.0, caller, job).await?;
        may_run(&self.0, &job)?;
        let runs = ask(&self.0, caller, Ask::Run { job: job.id }).await?;
        made(&self.0, caller, runs).await
    }

    async fn pause_job(&self, caller: &Caller, job: JobRef, pause: NewPause) -> Result<JobView, Fault> {
        let job = found(&self.0, caller, job).await?.id;
        let NewPause { reason, until } = pause;
        ask(&self.0, caller, Ask::Pause { job, reason, until }).await?;
        shown_again(&self.0, caller, job).await
    }

    async fn resume_job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault> {
        let job = found(&self.0, caller, job).await?.id;
        ask(&self.0, caller, Ask::Resume { job }).await?;
        shown_again(&self.0, caller, job).await
    }

    async fn backfill(&self, caller: &Caller, job: JobRef, slots: Backfill) -> Result<Vec<RunView>, Fault> {
        let job = found(&self.0, caller, job).await?;
        may_run(&self.0, &job)?;
        let Backfill { after, until } = slots;
        let runs = ask(&self.0, caller, Ask::Backfill { job: job.id, after, until }).await?;
        let (reading, slug) = (self.0.clone(), job.slug);
        self.0
            .read(move |store| {
                let mut shown = Vec::with_capacity(runs.len());
                for id in runs {
                    shown.extend(store.run(id)?.map(|run| view::run(&reading, run, slug.clone())));
                }
                Ok(shown)
            })
            .await
    }

    async fn next_slots(
        &self,
        caller: &Caller,
        job: JobRef,
        count: usize,
        after: Option<Time>,
    ) -> Result<Vec<Time>, Fault> {
        let job = found(&self.0, caller, job).await?;
        view::next_slots(&job, count, after.unwrap_or_else(|| self.0.clock.now()))
    }

    async fn runs(&self, caller: &Caller, runs: RunsRequest) -> Result<RunPage, Fault> {
        let job = match runs.job.clone() {
            Some(named) => Some(found(&self.0, caller, named).await?),
            None => None,
        };
        let (reading, wall) = (self.0.clone(), caller.projects.clone());
        self.0.read(move |store| view::runs(&reading, store, &wall, job, &runs)).await
    }

    async fn run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        shown_run(&self.0, caller, run).await
    }

    async fn cancel_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        let (run, job) = found_run(&self.0, caller, run).await?;
        if !run.state.is_live() {
            return Err(Fault::conflict(format!("the run is {} already", run.state.word())));
        }
        ask(&self.0, caller, Ask::Cancel { job: job.id, run: run.id }).await?;
        shown_run(&self.0, caller, run.id).await
    }

    async fn retry_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        let (run, job) = found_run(&self.0, caller, run).await?;
        may_run(&self.0, &job)?;
        let runs = ask(&self.0, caller, Ask::Retry { run: Box::new(run) }).await?;
        made(&self.0, caller, runs).await
    }

    async fn dismiss_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        let (run, _) = found_run(&self.0, caller, run).await?;
        let id = run.id;
        if run.state != RunState::Dead {
            return Err(Fault::conflict(format!("the run is {}, it is no dead letter", run.state.word())));
        }
        ask(&self.0, caller, Ask::Dismiss { run: Box::new(run) }).await?;
        shown_run(&self.0, caller, id).await
    }

    async fn run_log(&self, caller: &Caller, run: Id, after: u64, limit: usize) -> Result<RunLog, Fault> {
        let (run, job) = found_run(&self.0, caller, run).await?;
        let limit = log::limit(limit)?;
        if let Some(page) = self.0.jobs.logs.page(run.id, after, limit) {
            return Ok(page);
        }
        let store = self.0.store.clone();
        blocking(move || log::stored(&store, &job, &run, after, limit)).await
    }
}
