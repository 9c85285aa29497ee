//! Jobs.

use async_trait::async_trait;

use super::Attached;
use crate::{
    door::{
        Backfill, Caller, JobRef, JobView, Jobs, NewJob, NewPause, RunLog, RunPage, RunView, RunsRequest,
    },
    model::{Fault, Id, Time},
};

#[async_trait]
impl Jobs for Attached {
    async fn jobs(&self, caller: &Caller) -> Result<Vec<JobView>, Fault> {
        todo!()
    }

    async fn job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault> {
        todo!()
    }
    async fn define_job(&self, caller: &Caller, new: NewJob) -> Result<JobView, Fault> {
        todo!()
    }
    async fn enable_job(&self, caller: &Caller, job: JobRef, enabled: bool) -> Result<JobView, Fault> {
        todo!()
    }
    async fn run_job(&self, caller: &Caller, job: JobRef) -> Result<RunView, Fault> {
        todo!()
    }

    async fn pause_job(&self, caller: &Caller, job: JobRef, pause: NewPause) -> Result<JobView, Fault> {
        todo!()
    }

    async fn resume_job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault> {
        todo!()
    }
    async fn backfill(&self, caller: &Caller, job: JobRef, slots: Backfill) -> Result<Vec<RunView>, Fault> {
        todo!()
    }
    async fn next_slots(
        &self,
        caller: &Caller,
        job: JobRef,
        count: usize,
        after: Option<Time>,
    ) -> Result<Vec<Time>, Fault> {
        todo!()
    }

    async fn runs(&self, caller: &Caller, runs: RunsRequest) -> Result<RunPage, Fault> {
        todo!()
    }

    async fn run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        todo!()
    }
    async fn cancel_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        todo!()
    }
    async fn retry_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        todo!()
    }
    async fn dismiss_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        todo!()
    }
    async fn run_log(&self, caller: &Caller, run: Id, after: u64, limit: usize) -> Result<RunLog, Fault> {
        todo!()
    }
}
