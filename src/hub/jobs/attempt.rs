//! One attempt of a run: the work of its kind, watched, with its log, and the one word on how it ended.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use tokio_util::sync::CancellationToken;

use super::{builtins, command, driver::Handle, http, log::Said};
use crate::{
    door::LogStream,
    hub::Hub,
    jobs::{Ended, Input},
    model::{
        Fault,
        job::{Job, Kind, Progress, Run},
    },
};

pub struct Start {
    pub job: Arc<Job>,
    pub run: Run,
    pub fence: u64,
    /// It is asked to end.
    pub asked: CancellationToken,
    /// It is ended, whatever it does.
    pub hard: CancellationToken,
}

/// What the work of an attempt has at hand.
pub struct Attempt {
    pub hub: Arc<Hub>,
    pub job: Arc<Job>,
    pub run: Run,
    pub asked: CancellationToken,
    fence: u64,
    said: Arc<Said>,
    handle: Handle,
}

impl Attempt {
    /// A line of the run's log.
    pub fn say(&self, stream: LogStream, text: &str) {
        self.said.say(self.hub.clock.now(), stream, text);
    }

    /// What the hub has to say about the run.
    pub fn note(&self, text: &str) {
        self.say(LogStream::Note, text);
    }

    /// How far it is; told at most four times a second.
    pub async fn progress(&self, progress: Progress) {
        let (job, run, fence) = (self.job.id, self.run.id, self.fence);
        self.handle.input(Input::Progress { job, run, fence, progress }).await;
    }

    /// Ends with a fault when the attempt is asked to end, for work that has steps.
    pub fn go_on(&self) -> Result<(), Fault> {
        if self.asked.is_cancelled() {
            return Err(Fault::unavailable("it was asked to end"));
        }
        Ok(())
    }
}

/// Starts it; its end is handed in once, when its log is written.
pub fn start(hub: &Arc<Hub>, handle: &Handle, start: Start) {
    let (hub, handle) = (hub.clone(), handle.clone());
    let tasks = hub.tasks.clone();
    tasks.spawn(async move {
        let (job, run, fence) = (start.job.id, start.run.id, start.fence);
        let said = hub.jobs.logs.open(&hub, &start.job, &start.run).await;
        let attempt = Arc::new(Attempt {
            hub: hub.clone(),
            job: start.job,
            run: start.run,
            asked: start.asked,
            fence,
            said: said.clone(),
            handle: handle.clone(),
        });
        let working = CancellationToken::new();
        let work = async {
            let how = watched(&attempt, &start.hard).await;
            working.cancel();
            how
        };
        let (how, ()) = futures::join!(work, said.keep(&hub, &working));
        hub.jobs.logs.close(run);
        handle.input(Input::Ended { job, run, fence, how }).await;
    });
}

async fn watched(attempt: &Arc<Attempt>, hard: &CancellationToken) -> Ended {
    let work = AssertUnwindSafe(work(attempt)).catch_unwind();
    let done = tokio::select! {
        done = work => done,
        () = hard.cancelled() => return Ended::Cancelled,
    };
    match done {
        Ok(Ok(())) => Ended::Succeeded,
        Ok(Err(_)) if attempt.asked.is_cancelled() => Ended::Cancelled,
        Ok(Err(fault)) => {
            attempt.note(&words(&fault));
            Ended::Failed(fault.into())
        }
        Err(_) => {
            tracing::error!(job = %attempt.job.slug, run = %attempt.run.id, "an attempt panicked");
            attempt.note("it stopped in the middle: a mistake in this program");
            Ended::Unseen
        }
    }
}

async fn work(attempt: &Arc<Attempt>) -> Result<(), Fault> {
    match &attempt.job.kind {
        Kind::Builtin { name } => builtins::run(name, attempt).await,
        Kind::Command { argv, cwd, env } => command::run(attempt, argv, cwd.as_deref(), env).await,
        Kind::Http { url, method, headers, body } => {
            let asked = attempt.asked.clone();
            // A request is dropped where it is.
            tokio::select! {
                done = http::run(attempt, url, method, headers, body.as_deref()) => done,
                () = asked.cancelled() => attempt.go_on(),
            }
        }
    }
}

fn words(fault: &Fault) -> String {
    let parts = [Some(&fault.message), fault.cause.as_ref(), fault.hint.as_ref()];
    parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(": ")
}
