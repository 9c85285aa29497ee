//! Jobs and health, asked of the door.

use crate::{
    console::{
        effect::{JobDeed, TrendsFrom},
        msg::JobRuns,
    },
    door::{Caller, Door, Health, JobRef, RunView, RunsRequest, Trends, WhichRuns},
    model::{Fault, Id},
};

/// Runs of a job that are shown.
const RUNS: usize = 50;
/// Coming slots that are shown.
const SLOTS: usize = 5;

/// Dead letters are asked for by themselves: the newest runs may be others.
pub async fn runs(door: &dyn Door, caller: &Caller, job: Id) -> Result<JobRuns, Fault> {
    let request = |which| RunsRequest { job: Some(JobRef::Id(job)), which, limit: RUNS, after: None };
    let (runs, dead, next) = futures::try_join!(
        door.runs(caller, request(WhichRuns::All)),
        door.runs(caller, request(WhichRuns::Dead)),
        door.next_slots(caller, JobRef::Id(job), SLOTS, None),
    )?;
    Ok(JobRuns { runs: runs.items, dead: dead.items, next })
}

pub async fn perform(door: &dyn Door, caller: &Caller, deed: JobDeed) -> Result<Option<Box<RunView>>, Fault> {
    let run = match deed {
        JobDeed::Run(job) => door.run_job(caller, JobRef::Id(job)).await?,
        JobDeed::Pause(job, pause) => {
            door.pause_job(caller, JobRef::Id(job), pause).await?;
            return Ok(None);
        }
        JobDeed::Resume(job) => {
            door.resume_job(caller, JobRef::Id(job)).await?;
            return Ok(None);
        }
        JobDeed::Cancel(run) => door.cancel_run(caller, run).await?,
        JobDeed::Retry(run) => door.retry_run(caller, run).await?,
        JobDeed::Dismiss(run) => door.dismiss_run(caller, run).await?,
    };
    Ok(Some(Box::new(run)))
}

pub async fn health(
    door: &dyn Door,
    trends: Option<TrendsFrom>,
) -> Result<(Box<Health>, Option<Trends>), Fault> {
    let health = Box::new(door.health().await?);
    let trends = match trends {
        None => None,
        Some(TrendsFrom::Start) => Some(door.trends(None).await?),
        Some(TrendsFrom::After(time)) => Some(door.trends(Some(time)).await?),
    };
    Ok((health, trends))
}
