//! The scheduler: whether it runs, whether it keeps up, and what of its runs waits for somebody.

use std::time::Duration;

use crate::{
    door::{Anchor, short_span},
    health::Finding,
    hub::Hub,
    jobs::Timetable,
    model::{
        Fault, Time,
        job::{Job, RunState},
    },
    store::{Runs, Store},
};

/// A slot that is due for longer should have been decided on.
const OVERDUE: Duration = Duration::from_secs(60);
/// Dead runs are counted up to here.
const DEAD_MAX: u64 = 10_000;

/// How jobs stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    pub jobs: usize,
    /// Runs on their way.
    pub running: u32,
    /// Runs that failed for good and that nobody saw to.
    pub dead: u64,
    /// How long the oldest slot is due that nothing has become of.
    pub overdue: Option<Duration>,
}

/// Reads how they stand.
pub fn look(hub: &Hub) -> Result<Standing, Fault> {
    let now = hub.clock.now();
    let jobs = hub.store.jobs()?;
    let mut standing = Standing { jobs: jobs.len(), ..Standing::default() };
    for job in &jobs {
        hub.store.runs(job.id, Runs::Live, None, &mut |_, run| {
            standing.running += u32::from(run.state == RunState::Running);
            true
        })?;
        hub.store.runs(job.id, Runs::Dead, None, &mut |_, _| {
            standing.dead += 1;
            standing.dead < DEAD_MAX
        })?;
        standing.overdue = standing.overdue.max(overdue(&hub.store, job, now)?);
    }
    Ok(standing)
}

/// How long its first slot is due that was not considered.
fn overdue(store: &Store, job: &Job, now: Time) -> Result<Option<Duration>, Fault> {
    let Some(state) = store.job_state(job.id)? else { return Ok(None) };
    if !job.enabled || state.paused.is_some() || state.held || state.schedule != job.schedule.to_string() {
        return Ok(None);
    }
    let slot = Timetable::of(&job.schedule)?.after(state.considered);
    Ok(slot.filter(|slot| *slot < now).map(|slot| now.since(slot)))
}

impl Standing {
    /// `lives`: whether the scheduler runs, where it was started; `by_itself`: whether it should have been.
    pub fn found(self, lives: Option<bool>, by_itself: bool) -> Finding {
        let Standing { jobs, running, dead, overdue } = self;
        let late = overdue.filter(|late| by_itself && *late > OVERDUE);
        let finding = match (lives, late) {
            (Some(false), _) => Finding::down(Anchor::SchedulerStuck, "the scheduler has ended"),
            (None, _) if by_itself => {
                Finding::down(Anchor::SchedulerStuck, "the scheduler has not started").soft()
            }
            (_, Some(late)) => {
                let cause = format!("a slot is due for {} and not decided on", short_span(late.as_secs()));
                Finding::degraded(Anchor::SchedulerStuck, cause).soft()
            }
            _ if dead > 0 => {
                let cause = match dead {
                    1 => "a run died and nobody saw to it".to_owned(),
                    n => format!("{n} runs died and nobody saw to them"),
                };
                Finding::degraded(Anchor::DeadLetters, cause)
            }
            (None, _) => Finding::up("not started: it is needed by nobody"),
            (Some(true), None) => Finding::up(""),
        };
        let note = match running {
            0 => format!("{jobs} jobs"),
            n => format!("{jobs} jobs, {n} running"),
        };
        if finding.note.is_empty() { finding.note(note) } else { finding }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::Condition;

    #[test]
    fn what_is_found_of_it() {
        let quiet = Standing { jobs: 3, ..Standing::default() };
        let late = Standing { overdue: Some(Duration::from_secs(200)), ..quiet };
        let said = |standing: Standing, lives, by_itself| {
            let finding = standing.found(lives, by_itself);
            (finding.status, finding.cause.unwrap_or(finding.note), finding.soft)
        };
        let text = str::to_owned;
        assert_eq!(said(quiet, Some(true), true), (Condition::Up, text("3 jobs"), false));
        let busy = Standing { running: 2, ..quiet };
        assert_eq!(said(busy, Some(true), true), (Condition::Up, text("3 jobs, 2 running"), false));
        assert_eq!(said(late, Some(false), true), (Condition::Down, text("the scheduler has ended"), false));
        assert_eq!(said(quiet, None, true), (Condition::Down, text("the scheduler has not started"), true));
        assert_eq!(said(late, None, false).0, Condition::Up, "a verb's hub runs nothing by itself");
        assert_eq!(
            said(late, Some(true), true),
            (Condition::Degraded, text("a slot is due for 4 min and not decided on"), true)
        );
        let soon = Standing { overdue: Some(Duration::from_secs(59)), ..quiet };
        assert_eq!(said(soon, Some(true), true).0, Condition::Up);
        let dead = Standing { dead: 2, ..quiet };
        assert_eq!(
            said(dead, Some(true), true),
            (Condition::Degraded, text("2 runs died and nobody saw to them"), false)
        );
    }
}
