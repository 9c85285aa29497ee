//! What is not as it should be: parts that are not up, jobs with dead letters, breakers that are open.

use super::{Health, role};
use crate::{
    console::theme::Role,
    door::{BreakerWord, Condition, JobView},
    model::{Time, job::RunState},
};

/// One of them, with what shows it and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub role: Role,
    /// In a word or two: `disk`.
    pub name: String,
    pub cause: String,
    pub since: Option<Time>,
    /// The Timeline's filter that shows it.
    pub events: String,
    /// The heading in the runbook.
    pub runbook: Option<String>,
}

impl Health {
    /// The worst first.
    pub fn wrongs(&self, jobs: &[JobView]) -> Vec<Wrong> {
        let mut wrongs: Vec<_> =
            self.components().chain(self.breakers()).chain(jobs.iter().filter_map(job)).collect();
        wrongs.sort_by_key(|wrong| wrong.role != Role::HealthDown);
        wrongs
    }

    fn components(&self) -> impl Iterator<Item = Wrong> {
        let found = self.found.iter().flat_map(|found| &found.components);
        found.filter(|(_, component)| component.status != Condition::Up).map(|(name, component)| Wrong {
            role: role(component.status),
            name: name.clone(),
            cause: component.cause.clone().unwrap_or_else(|| component.status.word().to_owned()),
            since: Some(component.since),
            events: component.events.clone().unwrap_or_else(|| "health.*".to_owned()),
            runbook: component.runbook.clone(),
        })
    }

    fn breakers(&self) -> impl Iterator<Item = Wrong> {
        let found = self.found.iter().flat_map(|found| &found.breakers);
        found.filter(|breaker| breaker.state != BreakerWord::Closed).map(|breaker| Wrong {
            role: Role::HealthDegraded,
            name: breaker.name.clone(),
            cause: format!("its breaker is {} after {} failures", breaker.state.word(), breaker.failures),
            since: Some(breaker.since),
            events: "breaker.*".to_owned(),
            runbook: Some("breaker-open".to_owned()),
        })
    }
}

fn job(view: &JobView) -> Option<Wrong> {
    let newest = view.recent.iter().find(|run| !run.state.is_live());
    let dead = (view.dead > 0).then(|| match view.dead {
        1 => "a dead letter that nobody has seen to".to_owned(),
        n => format!("{n} dead letters that nobody has seen to"),
    });
    let lost = newest.filter(|run| run.state == RunState::Lost).map(|_| "its last run was lost".to_owned());
    let cannot = view.cannot_run.as_ref().map(|why| format!("it cannot run: {why}"));
    let cause = dead.or(lost).or(cannot)?;
    let error = newest.and_then(|run| run.error.as_ref()).map(|error| format!("; {}", error.message));
    Some(Wrong {
        role: Role::HealthDegraded,
        name: view.job.slug.clone(),
        cause: cause + &error.unwrap_or_default(),
        since: newest.and_then(|run| run.ended),
        events: format!("job.*.{}", view.job.slug),
        runbook: None,
    })
}
