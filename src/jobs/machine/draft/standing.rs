//! How the job itself stands: new, changed, held back or let go, gone.

use std::time::Duration;

use super::{Draft, Wanted};
use crate::{
    jobs::machine::{BACK_MAX, MISSED_COUNT_MAX},
    model::{
        Id, Time,
        job::{RunState, Skipped, Slot, Trigger, Why},
    },
};

/// A moment before the first of a span that includes its start.
pub(super) const JUST: Duration = Duration::from_millis(1);

impl Draft<'_> {
    pub(super) fn standing(&mut self) {
        if self.lane.removed {
            self.cancel_waiting();
            return;
        }
        if self.lane.only_asked {
            return;
        }
        if self.state.schedule != self.lane.schedule {
            // Slots are owed from when the schedule was written: none of before, and those of the last decide none.
            self.state.schedule = self.lane.schedule.clone();
            self.state.considered = self.lane.job.updated_at.min(self.now.wall);
            self.state.seen = self.lane.head;
            self.flight.events = self.lane.events.len();
            self.flight.overflow = self.lane.overflow.as_ref().map_or(0, |(count, _)| *count);
            self.changed = true;
        }
        if self.state.considered > self.now.wall.plus(BACK_MAX) {
            self.state.considered = self.now.wall;
            self.changed = true;
        }
        let until = self.state.paused.as_ref().and_then(|paused| paused.until);
        let passed = until.filter(|until| *until <= self.now.wall);
        if passed.is_some() {
            self.state.paused = None;
            self.state.dead_in_a_row = 0;
            self.changed = true;
            self.tell("resumed", None);
        }
        let held = self.is_held();
        if held != self.state.held {
            self.state.held = held;
            self.changed = true;
            if !held {
                self.let_go(passed.unwrap_or(self.now.wall));
            }
        }
    }

    pub(super) fn is_held(&self) -> bool {
        !self.lane.job.enabled || self.state.paused.is_some()
    }

    /// Whether what comes is not decided on, now or here.
    pub(super) fn is_left(&self) -> bool {
        self.is_held() || self.lane.removed || self.lane.only_asked
    }

    fn cancel_waiting(&mut self) {
        let waiting = |state| matches!(state, RunState::Queued | RunState::Retrying);
        let ids: Vec<Id> = self.live().filter(|run| waiting(run.state)).map(|run| run.id).collect();
        for id in ids {
            self.turn(id, RunState::Cancelled);
            self.tell("cancelled", Some(id));
        }
    }

    /// What came while the job was held back is not run, and said so.
    fn let_go(&mut self, until: Time) {
        let from = self.state.considered;
        self.state.considered = from.max(until);
        self.skip_moments(from, until, Why::Paused);
        let waiting = self.lane.events.len();
        if let Some(last) = self.lane.events.back() {
            let overflow = self.lane.overflow.as_ref().map_or(0, |(count, _)| *count);
            let wanted = Wanted {
                slot: Slot::Event(last.sequence),
                trigger: Trigger::Event,
                moment: last.recorded_at,
                by: None,
                retry_of: None,
            };
            let slots = waiting as u64 + overflow;
            let since = self.lane.events.front().map_or(last.recorded_at, |first| first.recorded_at);
            self.skip(&wanted, Skipped { why: Why::Paused, since, slots, at_least: false });
            self.state.seen = last.sequence;
            self.flight.events = waiting;
            self.flight.overflow = overflow;
        }
    }

    /// One record for all moments of a span: that of the newest one which has none of its own, as a backfill may have
    /// given it.
    pub(super) fn skip_moments(&mut self, after: Time, until: Time, why: Why) {
        let table = &self.lane.table;
        let mut until = until;
        while let Some(last) = table.newest(after, until, 1).pop() {
            let wanted = moment(last, Trigger::Schedule);
            if self.has_run(&wanted) {
                until = last.minus(JUST);
                continue;
            }
            let count = table.count(after, last, MISSED_COUNT_MAX + 1);
            let at_least = count > MISSED_COUNT_MAX;
            let since = table.after(after).unwrap_or(last);
            self.skip(&wanted, Skipped { why, since, slots: count.min(MISSED_COUNT_MAX), at_least });
            return;
        }
    }
}

/// The slot of a moment of the schedule.
pub(super) fn moment(at: Time, trigger: Trigger) -> Wanted {
    Wanted { slot: Slot::At(at), trigger, moment: at, by: None, retry_of: None }
}
