//! Jobs of a hub in another process: the paths below `/jobs` and `/runs`.

use std::fmt::Write;

use async_trait::async_trait;
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    Remote,
    ask::{self, Ask},
};
use crate::{
    door::{
        Backfill, Caller, JobRef, JobView, Jobs, NewJob, NewPause, RunLog, RunPage, RunView, RunsRequest,
    },
    model::{Fault, Id, Time},
};

#[derive(Deserialize)]
struct List {
    jobs: Vec<JobView>,
}

#[derive(Deserialize)]
struct Made {
    runs: Vec<RunView>,
}

#[derive(Deserialize)]
struct Slots {
    slots: Vec<Time>,
}

impl Remote {
    /// A request that says everything by its path.
    async fn post<A: DeserializeOwned>(&self, caller: &Caller, path: &str) -> Result<A, Fault> {
        self.wire.ask(Some(caller), Method::POST, path, &Ask::default()).answer().await
    }
}

#[async_trait]
impl Jobs for Remote {
    async fn jobs(&self, caller: &Caller) -> Result<Vec<JobView>, Fault> {
        Ok(self.fetch::<List>(caller, "/jobs", &Ask::default()).await?.jobs)
    }

    async fn job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault> {
        self.fetch(caller, &of_job(&job, ""), &Ask::default()).await
    }

    async fn define_job(&self, caller: &Caller, new: NewJob) -> Result<JobView, Fault> {
        self.send(caller, Method::POST, "/jobs", &new).await
    }

    async fn enable_job(&self, caller: &Caller, job: JobRef, enabled: bool) -> Result<JobView, Fault> {
        self.post(caller, &of_job(&job, if enabled { "/enable" } else { "/disable" })).await
    }

    async fn run_job(&self, caller: &Caller, job: JobRef) -> Result<RunView, Fault> {
        self.post(caller, &of_job(&job, "/run")).await
    }

    async fn pause_job(&self, caller: &Caller, job: JobRef, pause: NewPause) -> Result<JobView, Fault> {
        self.send(caller, Method::POST, &of_job(&job, "/pause"), &pause).await
    }

    async fn resume_job(&self, caller: &Caller, job: JobRef) -> Result<JobView, Fault> {
        self.post(caller, &of_job(&job, "/resume")).await
    }

    async fn backfill(&self, caller: &Caller, job: JobRef, slots: Backfill) -> Result<Vec<RunView>, Fault> {
        let made: Made = self.send(caller, Method::POST, &of_job(&job, "/backfill"), &slots).await?;
        Ok(made.runs)
    }

    async fn next_slots(
        &self,
        caller: &Caller,
        job: JobRef,
        count: usize,
        after: Option<Time>,
    ) -> Result<Vec<Time>, Fault> {
        let ask = Ask::default().and("count", count).maybe("after", &after);
        Ok(self.fetch::<Slots>(caller, &of_job(&job, "/next"), &ask).await?.slots)
    }

    async fn runs(&self, caller: &Caller, runs: RunsRequest) -> Result<RunPage, Fault> {
        self.fetch(caller, "/runs", &ask::runs(&runs)).await
    }

    async fn run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        self.fetch(caller, &format!("/runs/{run}"), &Ask::default()).await
    }

    async fn cancel_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        self.post(caller, &format!("/runs/{run}/cancel")).await
    }

    async fn retry_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        self.post(caller, &format!("/runs/{run}/retry")).await
    }

    async fn dismiss_run(&self, caller: &Caller, run: Id) -> Result<RunView, Fault> {
        self.post(caller, &format!("/runs/{run}/dismiss")).await
    }

    async fn run_log(&self, caller: &Caller, run: Id, after: u64, limit: usize) -> Result<RunLog, Fault> {
        let ask = Ask::default().and("after", after).limit(limit);
        self.fetch(caller, &format!("/runs/{run}/logs"), &ask).await
    }
}

/// A name may be anything that was typed; in a path only some characters stand for themselves.
fn of_job(job: &JobRef, rest: &str) -> String {
    let mut path = "/jobs/".to_owned();
    for byte in job.to_string().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => path.push(char::from(byte)),
            byte => write!(path, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    path.push_str(rest);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_part_of_a_path() {
        let path = |name: &str| of_job(&name.parse().unwrap(), "/run");
        assert_eq!(path("sync_rfcs-2"), "/jobs/sync_rfcs-2/run");
        assert_eq!(path("a/b?c ü"), "/jobs/a%2Fb%3Fc%20%C3%BC/run");
    }
}
