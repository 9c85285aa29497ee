//! Attempts that ended: what becomes of their runs.

use std::time::Duration;

use super::{Draft, starts};
use crate::{
    breaker::Backoff,
    jobs::machine::{Ended, StopWhy, lane::Attempt},
    model::{
        Actor, Code, Id,
        job::{Paused, Retry, RetryOn, RunError, RunState},
    },
};

const HUB_ENDED: &str = "the hub ended while it ran";

impl Draft<'_> {
    pub(super) fn ends(&mut self) {
        let running: Vec<Id> =
            self.live().filter(|run| run.state == RunState::Running).map(|run| run.id).collect();
        for id in running {
            match self.lane.attempts.get(&id) {
                Some(attempt) => self.end(id, attempt),
                None if self.lane.unstarted.contains(&id) => self.unstart(id),
                None => self.lost(id, HUB_ENDED),
            }
        }
    }

    /// It waits again, as it did before.
    fn unstart(&mut self, id: Id) {
        let first = self.run(id).is_some_and(|run| run.attempt <= 1);
        self.turn(id, if first { RunState::Queued } else { RunState::Retrying });
        self.change(id, |run| {
            run.attempt = run.attempt.saturating_sub(1);
            run.started = run.started.filter(|_| !first);
        });
    }

    fn end(&mut self, id: Id, attempt: &Attempt) {
        let Some(how) = &attempt.ended else { return };
        if let Some(progress) = &attempt.progress {
            let progress = progress.clone();
            self.change(id, |run| run.progress = Some(progress));
        }
        let why = attempt.stop.map(|(why, _)| why);
        match (how, why) {
            (Ended::Succeeded, _) => self.succeeded(id),
            (Ended::Failed(_) | Ended::Cancelled, Some(StopWhy::Timeout)) => {
                let allowed = self.lane.job.timeout;
                self.failed(id, Code::Timeout, format!("it took longer than {allowed} and was ended"));
            }
            (Ended::Failed(error), _) => self.failed(id, error.code, error.message.clone()),
            // Its end was seen. It is made up for where its job wants what a crash cuts off to be tried again.
            (Ended::Cancelled, Some(StopWhy::Shutdown)) if self.may_retry(id, RetryOn::Lost) => {
                self.lost(id, HUB_ENDED);
            }
            (Ended::Cancelled, why) => {
                self.turn(id, RunState::Cancelled);
                if why == Some(StopWhy::Shutdown) {
                    let error = RunError { code: Code::Unavailable, message: HUB_ENDED.to_owned() };
                    self.change(id, |run| run.error = Some(error));
                }
                self.tell("cancelled", Some(id));
            }
            (Ended::Unseen, _) => self.lost(id, "nobody saw how it ended"),
        }
    }

    fn succeeded(&mut self, id: Id) {
        self.turn(id, RunState::Succeeded);
        self.change(id, |run| run.error = None);
        self.state.dead_in_a_row = 0;
        self.tell("succeeded", Some(id));
    }

    fn failed(&mut self, id: Id, code: Code, message: String) {
        self.tell("failed", Some(id));
        let again = RetryOn::of(code).is_some_and(|class| self.may_retry(id, class));
        self.give_up_or_retry(id, RunError { code, message }, again, RunState::Dead);
    }

    fn lost(&mut self, id: Id, message: &str) {
        self.tell("lost", Some(id));
        let wanted = self.lane.job.retry.on.contains(&RetryOn::Lost);
        let again = self.may_retry(id, RetryOn::Lost);
        let error = RunError { code: Code::Unavailable, message: message.to_owned() };
        self.give_up_or_retry(id, error, again, if wanted { RunState::Dead } else { RunState::Lost });
        self.change(id, |run| run.may_have_run_twice |= again);
    }

    fn may_retry(&self, id: Id, class: RetryOn) -> bool {
        let retry = &self.lane.job.retry;
        let attempts = self.run(id).map_or(0, |run| run.attempt);
        retry.on.contains(&class) && attempts < retry.attempts && !self.lane.removed
    }

    fn give_up_or_retry(&mut self, id: Id, error: RunError, again: bool, last: RunState) {
        self.turn(id, if again { RunState::Retrying } else { last });
        let wait = self.run(id).map(|run| wait(&self.lane.job.retry, run.id, run.attempt));
        let at = wait.filter(|_| again).map(|wait| self.now.wall.plus(wait));
        self.change(id, |run| {
            run.error = Some(error);
            run.start_at = at;
        });
        if again {
            self.flight.ready.insert(id, self.now.mono + wait.unwrap_or_default());
            return;
        }
        if last == RunState::Dead {
            self.tell("dead", Some(id));
        }
        self.state.dead_in_a_row += 1;
        let limit = self.lane.job.pause_after_dead;
        if limit > 0 && self.state.dead_in_a_row >= limit && self.state.paused.is_none() {
            let reason = format!("{} runs in a row failed for good", self.state.dead_in_a_row);
            self.state.paused = Some(Paused { reason, until: None, by: Actor::hub() });
            self.tell("paused", None);
        }
    }
}

/// The wait before a run's next attempt; its jitter follows from the run, so that it is the same for whoever asks.
fn wait(retry: &Retry, run: Id, attempt: u32) -> Duration {
    let backoff = Backoff {
        attempts: retry.attempts,
        first: retry.delay.duration(),
        factor: retry.factor,
        most: retry.delay_max.duration(),
    };
    backoff.wait(attempt, starts::number_of(&[run.as_bytes(), &attempt.to_be_bytes()]))
}
