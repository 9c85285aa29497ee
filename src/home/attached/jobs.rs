//! Jobs through a door that outlives its hub.

use async_trait::async_trait;

use super::{Again, Attached};
use crate::{
    door::{
        Backfill, Caller, JobRef, JobView, Jobs, NewJob, NewPause, RunLog, RunPage, RunView, RunsRequest,
    },
    model::{Fault, Id, Time},
};

#[async_trait]
impl Jobs for Attached {
    async fn jobs(&self, caller: &Caller) -> Result<Vec<JobView>, Fault> {
        ask!(self, Always, door.jobs(caller))
    }

    async fn job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault> {
        ask!(self, Always, door.job(caller, job.clone()))
    }

    async fn define_job(&self, caller: &Caller, new: NewJob) -> Result<JobView, Fault> {
        ask!(self, IfNotAsked, door.define_job(caller, new.clone()))
    }

    async fn enable_job(&self, caller: &Caller, job: JobRef, enabled: bool) -> Result<JobView, Fault> {
        ask!(self, IfNotAsked, door.enable_job(caller, job.clone(), enabled))
    }

    async fn run_job(&self, caller: &Caller, job: JobRef) -> Result<RunView, Fault> {
        ask!(self, IfNotAsked, door.run_job(caller, job.clone()))
    }

    async fn pause_job(&self, caller: &Caller, job: JobRef, pause: NewPause) -> Result<JobView, Fault> {
        ask!(self, IfNotAsked, door.pause_job(caller, job.clone(), pause.clone()))
    }

    async fn resume_job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault> {
        ask!(self, IfNotAsked, door.resume_job(caller, job.clone()))
    }

    async fn backfill(&self, caller: &Caller, job: JobRef, slots: Backfill) -> Result<Vec<RunView>, Fault> {
        ask!(self, IfNotAsked, door.backfill(caller, job.clone(), slots.clone()))
    }

    async fn next_slots(
        &self,
        caller: &Caller,
        job: JobRef,
        count: usize,
        after: Option<Time>,
    ) -> Result<Vec<Time>, Fault> {
        ask!(self, Always, door.next_slots(caller, job.clone(), count, after))
    }

    async fn runs(&self, caller: &Caller, runs: RunsRequest) -> Result<RunPage, Fault> {
        ask!(self, Always, door.runs(caller, runs.clone()))
    }

    async fn run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        ask!(self, Always, door.run(caller, run))
    }

    async fn cancel_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        ask!(self, IfNotAsked, door.cancel_run(caller, run))
    }

    async fn retry_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        ask!(self, IfNotAsked, door.retry_run(caller, run))
    }

    async fn dismiss_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        ask!(self, IfNotAsked, door.dismiss_run(caller, run))
    }

    async fn run_log(&self, caller: &Caller, run: Id, after: u64, limit: usize) -> Result<RunLog, Fault> {
        ask!(self, Always, door.run_log(caller, run, after, limit))
    }
}
